#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The link to a sensor against a mock of bluetoothd that fails in every way known of it.

LINK_HARNESS is the program to test; WRAPPER may hold a command to run it under, as "valgrind --error-exitcode=99"."""

import contextlib
import errno
import os
import shlex
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
import packets
import tap
from lines import LineProcess
from mockbluez import MockBluez
from privatebus import PrivateBus

ADDRESS = 'C0:00:00:00:00:01'
OTHERS = [f'C0:00:00:00:00:{n:02X}' for n in range(2, 9)]
INTERVAL_MS = 10
FRAMES = 10  # in a packet: 1 kHz

# Short enough for a test; no limit that a loaded machine could pass by mistake is among them.
QUICK = {'backoff_first': 100, 'backoff_max': 400, 'retry': 100}


class Harness(LineProcess):
    def __init__(self, addresses, driver='crampd', **timings):
        wrapper = shlex.split(os.environ.get('WRAPPER', ''))
        arguments = [f'{name}={value}' for name, value in {**QUICK, **timings}.items()]
        super().__init__(wrapper + [os.environ['LINK_HARNESS'], *arguments, driver, *addresses])

    def state(self, state, **wanted):
        return self.wait('state', state=state, **wanted)

    def counters(self, sensor=0):
        self.send('counters')
        return self.wait('counters', sensor=sensor)

    def link(self, sensor=0):
        """Gaps and the like."""
        self.send('counters')
        return self.wait('link', sensor=sensor)

    def streams_on(self, sensor=0):
        """Waits until more blocks come than were known of."""
        known = max([e['blocks'] for e in self.seen('blocks', sensor=sensor)], default=1)
        self.wait('blocks', sensor=sensor, blocks=lambda n: n > known)


def says(text):
    return lambda reason: text in reason


@contextlib.contextmanager
def world(*options, addresses=(ADDRESS,), play=6000, interval_ms=INTERVAL_MS, add=True, description=None, start=True,
          **timings):
    """A bus, a bluetoothd and one sensor or more in range, ready to play."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        bus = stack.enter_context(PrivateBus())
        mock = MockBluez(addresses, packets.describe() if description is None else description, *options)
        harness = Harness(addresses, **timings)
        path = os.path.join(folder, 'packets')
        packets.write(path, packets.ramp(play))
        if start:
            stack.enter_context(mock)
            mock.order('load', file=path, interval_ms=interval_ms)
        stack.enter_context(harness)
        if add:
            for number in range(len(addresses)):
                harness.send(f'add {number}')
        yield bus, mock, harness


def calls(mock, member):
    return mock.status()['calls'].get(member, 0)


def test_states_follow_each_other_until_data_comes():
    with world() as (_, mock, harness):
        for state in ('scanning', 'connecting', 'connecting', 'resolving', 'starting'):
            assert harness.wait('state')['state'] == state
        shape = harness.wait('format')
        assert (shape['channels'], shape['rate_mhz'], shape['start_us']) == (4, 1000000, 0), shape
        assert harness.wait('state')['state'] == 'streaming'
        harness.streams_on()
        status = mock.status()
        assert status['filter'] == [[packets.SERVICE]] and status['transport'] == ['le'], status
        assert status['discovering'] == [False], 'discovery goes on while no sensor is missing'
        assert [(e['value'], e['type']) for e in mock.seen('write')] == [(packets.START.hex(), 'request')]


def test_what_cannot_be_sent_is_tried_again():
    """As when memory is short: who bluetoothd is, and what it has."""
    with world(failures=2) as (_, mock, harness):
        harness.state('streaming')
        harness.streams_on()


def test_every_packet_arrives_once():
    with world(play=300) as (_, mock, harness):
        mock.wait('played')
        # The last ones are in the socket when the mock says so.
        tap.wait_until(lambda: harness.counters()['packets'] == 300, what='300 packets')
        counters = harness.counters()
        assert (counters['lost'], counters['malformed'], counters['connects']) == (0, 0, 1), counters
        assert counters['frames'] == 300 * FRAMES, counters
        assert mock.status()['sent'] == 300


def test_lost_and_malformed_packets_are_counted():
    with world(play=0, silence=60000) as (_, mock, harness):
        mock.wait('write')
        # Packets may overtake each other: four count as lost only when the 17th after them has come.
        sent = packets.ramp(24)
        mock.order('send', packets=[p.hex() for p in sent[:3] + [b'\xff', b''] + sent[7:]])
        tap.wait_until(lambda: harness.counters()['packets'] == 22, what='the packets')
        counters = harness.counters()
        assert counters['lost'] == 4 and counters['malformed'] == 2, counters
        assert counters['frames'] == 20 * FRAMES, counters


def test_battery_is_reported_when_it_changes():
    with world() as (_, mock, harness):
        harness.state('streaming')
        mock.order('battery', percent=81)
        assert harness.wait('battery')['percent'] == 81
        mock.order('battery', percent=80)
        assert harness.wait('battery')['percent'] == 80
        assert len(harness.seen('battery')) == 2


def test_extras_are_reported_when_they_change():
    with world(driver='probe', play=0, silence=60000) as (_, mock, harness):
        mock.wait('write', value=packets.START.hex())
        mock.order('battery', percent=12)  # of the Battery Service, which is not this sensor's own word
        for percent in (81, 81, 80):
            mock.order('send', packets=[bytes((0xee, 0, percent)).hex()])
        tap.wait_until(lambda: harness.counters()['packets'] == 3, what='three packets')
        assert [e['percent'] for e in harness.seen('extras')] == [81, 80]
        assert [e['percent'] for e in harness.seen('battery')] == [81, 80]
        assert harness.counters()['malformed'] == 0
        # A new stream does not repeat them.
        mock.order('drop')
        mock.wait('write', value=packets.START.hex())
        mock.order('send', packets=[bytes((0xee, 0, 80)).hex()])
        tap.wait_until(lambda: harness.counters()['packets'] == 4, what='the fourth packet')
        assert len(harness.seen('extras')) == 2


def test_freed_link_stops_the_sensor_and_drops_it():
    with world() as (_, mock, harness):
        harness.streams_on()
        harness.send('free 0')
        harness.wait('freed')
        mock.wait('write', value=packets.STOP.hex())
        mock.wait('call', member='Disconnect')
        tap.wait_until(lambda: mock.status()['connected'] == [False], what='the disconnect')
        assert mock.status()['acquired'] == [False]


def test_link_freed_while_looking_ends_discovery():
    with world() as (_, mock, harness):
        mock.order('range', near=False)
        mock.wait('call', member='StartDiscovery')
        harness.send('free 0')
        mock.wait('call', member='StopDiscovery')
        assert mock.status()['discovering'] == [False]


def test_link_freed_while_connecting_cancels_it():
    with world() as (_, mock, harness):
        mock.order('fault', kind='connect', what=['hang'])
        mock.wait('call', member='Connect')
        harness.send('free 0')
        mock.wait('call', member='Disconnect')


def test_paused_link_drops_the_sensor_and_does_nothing():
    with world() as (_, mock, harness):
        harness.streams_on()
        harness.send('pause 0')
        harness.wait('stopped', reason=says('paused'))
        harness.state('paused', reason=says('crampctl resume'))
        mock.wait('write', value=packets.STOP.hex())
        tap.wait_until(lambda: mock.status()['connected'] == [False], what='the disconnect')
        # Neither bluetoothd's absence nor the sensor's adverts matter to it.
        mock.order('vanish')
        tap.wait_until(lambda: harness_health(harness) == 'no-bluez', what='the end of bluetoothd')
        mock.order('return')
        tap.wait_until(lambda: harness_health(harness) == 'ok', what='bluetoothd')
        assert harness.counters()['state'] == 'paused'
        assert calls(mock, 'Connect') == 1 and mock.status()['discovering'] == [False]
        harness.send('resume 0')
        harness.state('streaming')
        harness.streams_on()


def harness_health(harness):
    harness.send('health')
    return harness.wait('health')['health']


def test_link_that_begins_paused():
    with world(add=False) as (_, mock, harness):
        mock.order('know')
        mock.order('connect')  # by someone else, who keeps it
        harness.send('pause 0')
        harness.send('add 0')
        tap.wait_until(lambda: harness_health(harness) == 'ok', what='bluetoothd')
        assert harness.counters()['state'] == 'paused'
        assert mock.status()['connected'] == [True]
        harness.send('resume 0')
        harness.state('streaming')


def test_link_paused_while_connecting():
    with world(add=False) as (_, mock, harness):
        mock.order('fault', kind='connect', what=['hang'])
        harness.send('add 0')
        mock.wait('call', member='Connect')
        harness.send('pause 0')
        harness.state('paused')
        mock.wait('call', member='Disconnect')
        harness.send('resume 0')
        harness.state('streaming')


def test_changed_settings_restart_the_stream():
    with world() as (_, mock, harness):
        harness.streams_on()
        harness.send('scale 0 2.5')
        harness.state('stalled', reason=says('settings were changed'))
        harness.state('streaming')
        harness.send('scale 0 2.5')
        harness.streams_on()
        assert calls(mock, 'AcquireNotify') == 2 and calls(mock, 'Connect') == 1


PROBE_ON, PROBE_OFF, PROBE_ALIVE = 'a1', 'a0', 'aa'
PROBE_PAUSE_US, PROBE_ALIVE_US = 100000, 200000


def now_us():
    """By the mock's clock. It may be late to read a write, never early: a pause is measured from what asked for it."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def test_steps_that_may_be_missing_and_pauses():
    with world(driver='probe') as (_, mock, harness):
        harness.state('streaming')
        assert mock.wait('write')['value'] == packets.START.hex()
        assert mock.seen('write')[0]['type'] == 'command'
        assert calls(mock, 'AcquireNotify') == 1


def test_keep_alive_is_repeated_while_it_streams():
    with world(driver='probe') as (_, mock, harness):
        mock.wait('write', value=packets.START.hex())
        alive = [mock.wait('write', value=PROBE_ALIVE) for _ in range(3)]
        assert {e['type'] for e in alive} == {'command'}
        assert alive[2]['time_us'] - alive[0]['time_us'] > 1.5 * PROBE_ALIVE_US, alive
        harness.send('pause 0')
        mock.wait('call', member='Disconnect')
        known = len(mock.seen('write', value=PROBE_ALIVE))
        # None comes before the next start, nor beside those that follow it.
        harness.send('resume 0')
        started = mock.wait('write', value=packets.START.hex())
        alive = [mock.wait('write', value=PROBE_ALIVE) for _ in range(3)]
        assert mock.seen('write', value=PROBE_ALIVE)[known:known + 3] == alive
        assert alive[0]['time_us'] > started['time_us'], (started, alive)
        assert alive[2]['time_us'] - alive[0]['time_us'] > 1.5 * PROBE_ALIVE_US, alive


def test_identify_writes_and_pauses():
    with world(driver='probe', add=True) as (_, mock, harness):
        harness.streams_on()
        asked_us = now_us()
        harness.send('identify 0')
        assert harness.wait('identified')['error'] == 0
        mock.wait('write', value=PROBE_ON)
        ended = mock.wait('write', value=PROBE_OFF)
        assert ended['time_us'] - asked_us >= PROBE_PAUSE_US, (asked_us, ended)
        # The end is not forgotten when the link goes meanwhile.
        harness.send('identify 0')
        mock.wait('write', value=PROBE_ON)
        harness.send('free 0')
        mock.wait('write', value=PROBE_OFF)
        mock.wait('call', member='Disconnect')


def test_identify_without_connection():
    with world(driver='probe', add=False) as (_, mock, harness):
        mock.order('range', near=False)
        harness.send('add 0')
        harness.state('scanning')
        harness.send('identify 0')
        assert harness.wait('identified')['error'] == errno.ENOTCONN


def test_stop_is_paced_before_the_disconnect():
    with world(driver='probe') as (_, mock, harness):
        harness.streams_on()
        asked_us = now_us()
        harness.send('pause 0')
        harness.state('paused')
        mock.wait('call', member='Disconnect')
        stop, off = mock.seen('write', value=packets.STOP.hex())[-1], mock.seen('write', value=PROBE_OFF)[-1]
        assert asked_us <= stop['time_us'] <= off['time_us'], (stop, off)
        assert off['time_us'] - asked_us >= PROBE_PAUSE_US, (asked_us, stop, off)
        tap.wait_until(lambda: mock.status()['connected'] == [False], what='the disconnect')


def test_driver_is_told_the_name():
    with world(driver='probe', add=False) as (_, mock, harness):
        mock.order('name', name='NPG-lite 6CH:4')
        harness.send('add 0')
        assert harness.wait('begin')['name'] == 'NPG-lite 6CH:4'


def test_battery_in_adverts_before_the_connection():
    with world(driver='probe', add=False) as (_, mock, harness):
        mock.order('fault', kind='connect', what=['abort'] * 100)
        harness.send('add 0')
        harness.state('connecting')

        def heard():
            mock.order('manufacturer', packet='ffff0042')
            return harness.seen('battery')
        assert tap.wait_until(heard, what='the battery')[0]['percent'] == 0x42
        assert not harness.seen('format')


def advert(number, battery=0xa0, level=50):
    """As a uMyo sends it (tests/unit/test-drivers.c has the vectors)."""
    return (bytes((number, battery, 0, level)) + bytes(11)).hex()


class Adverts:
    """Sends ever new ones."""
    number = 0

    def send(self, mock):
        self.number = (self.number + 1) % 256
        mock.order('manufacturer', packet=advert(self.number))
        time.sleep(0.02)

    def until(self, mock, condition, what):
        def heard():
            self.send(mock)
            return condition()
        return tap.wait_until(heard, what=what)


def test_sensor_of_adverts_is_never_connected():
    adverts = Adverts()
    with world(driver='umyo-advert') as (_, mock, harness):
        tap.wait_until(lambda: mock.status()['duplicates'] == [True], what='discovery of all adverts')
        assert mock.status()['filter'] == [[]], mock.status()
        adverts.until(mock, lambda: harness.seen('state', state='streaming'), 'the stream')
        shape = harness.wait('format')
        assert (shape['channels'], shape['rate_mhz']) == (1, 20000), shape
        since = harness.counters()['packets']
        adverts.until(mock, lambda: harness.counters()['frames'] >= 25, 'more blocks')
        counters = harness.counters()
        assert counters['frames'] == counters['packets'] > since, counters
        assert harness.seen('battery')[0]['percent'] == (2000 + 10 * 0xa0 - 3200) * 100 // 950
        # The same once more is no new block.
        for _again in range(3):
            mock.order('manufacturer', packet=advert(adverts.number))
        tap.wait_until(lambda: harness.counters()['packets'] == counters['packets'] + 3, what='the three')
        assert harness.counters()['frames'] == counters['frames']
        mock.order('manufacturer', packet='ffff00')
        tap.wait_until(lambda: harness.counters()['malformed'] == 1, what='the malformed one')
        assert calls(mock, 'Connect') == 0
        harness.state('stalled', reason=says('no advert'))
        assert len(harness.seen('stopped')) == 1
        adverts.until(mock, lambda: len(harness.seen('state', state='streaming')) == 2, 'the next stream')
        harness.send('pause 0')
        harness.state('paused')
        tap.wait_until(lambda: mock.status()['discovering'] == [False], what='the end of discovery')
        assert calls(mock, 'Connect') == 0


def test_silent_sensor_of_adverts_is_looked_for_anew():
    adverts = Adverts()
    with world(driver='umyo-advert', silence=300, resubscribe=300) as (_, mock, harness):
        adverts.until(mock, lambda: harness.seen('state', state='streaming'), 'the stream')
        harness.state('stalled', reason=says('no advert'))
        harness.state('scanning')
        mock.wait('call', member='StopDiscovery')
        adverts.until(mock, lambda: len(harness.seen('state', state='streaming')) == 2, 'the next stream')


def test_sensor_of_adverts_when_bluetoothd_returns():
    adverts = Adverts()
    with world(driver='umyo-advert', add=True) as (_, mock, harness):
        adverts.until(mock, lambda: harness.seen('state', state='streaming'), 'the stream')
        mock.order('vanish')
        harness.state('absent')
        mock.order('return')
        adverts.until(mock, lambda: len(harness.seen('state', state='streaming')) == 2, 'the next stream')


def test_gaps_are_counted():
    with world(silence=600) as (_, mock, harness):
        harness.streams_on()
        link = harness.link()
        assert (link['reconnects'], link['gap_longest_us'], link['rssi_dbm']) == (0, 0, -40), link
        longest_us = 0
        for number, order in enumerate(('drop', 'hup', 'silence', 'vanish'), 1):
            before = time.monotonic()
            mock.order(order)
            harness.wait('stopped')
            if order == 'vanish':
                mock.order('return')
            harness.state('streaming')
            # From the last block before to the first after: one interval more at most.
            longest_us = max(longest_us, (time.monotonic() - before) * 1e6 + 2e3 * INTERVAL_MS)
            link = harness.link()
            assert link['reconnects'] == number and 0 < link['gap_longest_us'] <= longest_us, (link, longest_us)
            harness.streams_on()
        assert link['gap_longest_us'] >= 600000, link
        # What the owner asked for is no gap.
        known_us = link['gap_longest_us']
        harness.send('pause 0')
        harness.state('paused')
        time_us = now_us()
        tap.wait_until(lambda: now_us() - time_us > known_us, what='a pause that is longer')
        harness.send('resume 0')
        harness.state('streaming')
        link = harness.link()
        assert link['gap_longest_us'] == known_us and link['reconnects'] == 5, link


def test_notifications_before_the_start_is_answered():
    with world(driver='probe', play=0, silence=60000) as (_, mock, harness):
        # The sensor sends on from an earlier connection, while its start has a pause to keep.
        mock.wait('call', member='AcquireNotify')
        mock.order('send', packets=[p.hex() for p in packets.ramp(20)])
        harness.wait('format')
        assert not mock.seen('write'), 'it was not early'
        harness.state('streaming')
        mock.wait('write', value=packets.START.hex())
        tap.wait_until(lambda: harness.counters()['packets'] == 20, what='20 packets')
        counters = harness.counters()
        assert (counters['lost'], counters['malformed'], counters['frames']) == (0, 0, 20 * FRAMES), counters
        assert len(harness.seen('format')) == 1


def test_refused_addresses():
    with world(add=False, addresses=(ADDRESS, 'no address', ADDRESS), start=False) as (_, mock, harness):
        results = []
        for number in range(3):
            harness.send(f'add {number}')
            results.append(harness.wait('added')['error'])
        assert results == [0, 22, 17], results


def test_failed_connects_are_repeated_ever_later():
    with world(add=False) as (_, mock, harness):
        mock.order('fault', kind='connect', what=['refuse', 'in-progress', 'refuse', 'refuse'])
        harness.send('add 0')
        for delay in ('0.1', '0.2', '0.4', '0.4'):
            harness.state('scanning', reason=says(f'trying again in {delay} s'))
        assert any('le-connection-refused' in e['reason'] for e in harness.seen('state'))
        harness.state('streaming')
        assert harness.counters()['connects'] == 1


def test_aborted_connects_are_repeated_at_once():
    with world(add=False, backoff_first=5000, backoff_max=5000) as (_, mock, harness):
        mock.order('fault', kind='connect', what=['abort', 'abort'])
        harness.send('add 0')
        for _ in range(2):
            harness.state('scanning', reason=says('trying again in 0.2 s'))
        harness.state('streaming')
        assert calls(mock, 'Connect') == 3


def test_connects_that_need_discovery():
    with world(add=False) as (_, mock, harness):
        mock.order('scans_connecting', how='needed')
        harness.send('add 0')
        harness.state('streaming')
        assert calls(mock, 'Connect') == 4
        # What worked is kept.
        mock.order('drop')
        harness.state('streaming')
        assert calls(mock, 'Connect') == 5
        tap.wait_until(lambda: mock.status()['discovering'] == [False], what='the end of discovery')


def test_device_taken_for_classic_is_forgotten():
    with world(add=False) as (_, mock, harness):
        mock.order('fault', kind='connect', what=['classic'])
        harness.send('add 0')
        harness.state('scanning', reason=says('br-connection-profile-unavailable'))
        mock.wait('call', member='RemoveDevice')
        harness.state('streaming')
        assert calls(mock, 'RemoveDevice') == 1 and calls(mock, 'Connect') == 2


def test_sensor_that_buzzes_is_left_alone_longer():
    with world(add=False, driver='probe-buzzing', backoff_max=5000) as (_, mock, harness):
        mock.order('fault', kind='connect', what=['refuse'] * 3)
        harness.send('add 0')
        for pause in ('0.1', '0.8', '1.6'):
            harness.state('scanning', reason=says(f'trying again in {pause} s'))
        harness.state('streaming')


def test_link_of_too_small_packets():
    with world('--mtu', '23', driver='probe', add=False) as (_, mock, harness):
        harness.send('add 0')
        harness.state('scanning', reason=lambda r: ': 23/' in r and 'ExchangeMTU' in r)


def test_connect_has_a_limit_and_is_cancelled():
    with world(add=False, connect=300) as (_, mock, harness):
        mock.order('fault', kind='connect', what=['hang'])
        harness.send('add 0')
        harness.state('scanning', reason=says('the sensor did not answer'))
        mock.wait('call', member='Disconnect')
        harness.state('streaming')


def test_connection_that_bluetoothd_does_not_tell_of():
    with world(add=False) as (_, mock, harness):
        mock.order('fault', kind='connect', what=['unsaid'])
        harness.send('add 0')
        harness.state('streaming')
        assert not [e for e in harness.seen('state') if 'trying again' in e['reason']], 'it took two attempts'


def test_success_without_a_connection():
    with world(add=False, connected=300) as (_, mock, harness):
        mock.order('fault', kind='connect', what=['aborted-well'])
        harness.send('add 0')
        harness.state('scanning', reason=says('the sensor did not answer'))
        harness.state('streaming')


def test_objects_later_than_services_resolved_are_waited_for():
    with world(add=False) as (_, mock, harness):
        mock.order('fault', kind='resolve', what=['early'])
        harness.send('add 0')
        harness.state('streaming')
        assert not [e for e in harness.seen('state') if 'trying again' in e['reason']], 'it took two attempts'


def test_three_failed_resolves_forget_the_device():
    with world(add=False, resolve=300) as (_, mock, harness):
        mock.order('fault', kind='resolve', what=['never', 'never', 'no-objects'])
        harness.send('add 0')
        harness.state('scanning', reason=says('did not tell its services'))
        harness.state('scanning', reason=says('does not offer the expected service'))
        mock.wait('call', member='RemoveDevice')
        harness.state('streaming')
        assert calls(mock, 'RemoveDevice') == 1
        assert calls(mock, 'Connect') == 4


def test_paired_device_is_never_forgotten():
    with world(add=False, resolve=200) as (_, mock, harness):
        mock.order('know', paired=True)
        mock.order('fault', kind='resolve', what=['no-objects'] * 4)
        harness.send('add 0')
        harness.state('streaming')
        assert calls(mock, 'RemoveDevice') == 0
        assert calls(mock, 'Connect') == 5


def test_sensor_that_asks_for_it_is_paired():
    with world(add=False) as (_, mock, harness):
        mock.order('wants_bond', wants=True)
        harness.send('add 0')
        harness.state('starting', reason=says('pairing'))
        assert mock.wait('agent')['accepted']
        harness.state('starting', reason=says('paired'))
        harness.state('streaming')
        harness.streams_on()
        status = mock.status()
        assert status['paired'] == [True] and status['agents'] == [], status
        assert [calls(mock, m) for m in ('Connect', 'Pair', 'RegisterAgent', 'UnregisterAgent')] == [1, 1, 1, 1]


def test_sensor_that_asks_for_nothing_is_not_paired():
    with world() as (_, mock, harness):
        harness.state('streaming')
        assert calls(mock, 'Pair') == 0 and calls(mock, 'RegisterAgent') == 0


def test_kind_that_knows_no_pairing_is_never_paired():
    with world(add=False, driver='probe') as (_, mock, harness):
        mock.order('fault', kind='acquire', what=['not-paired'])
        harness.send('add 0')
        harness.state('scanning', reason=says('wants to be paired'))
        assert calls(mock, 'Pair') == 0 and calls(mock, 'RegisterAgent') == 0


def test_agent_accepts_nothing_else():
    with world(add=False) as (_, mock, harness):
        mock.order('wants_bond', wants=True)
        mock.order('fault', kind='pair', what=['other', 'confirm', 'pin'])
        harness.send('add 0')
        for member in ('RequestAuthorization', 'RequestConfirmation', 'RequestPinCode'):
            event = mock.wait('agent')
            assert (event['member'], event['accepted']) == (member, False), event
            assert event['error'] == 'org.bluez.Error.Rejected', event
            harness.state('scanning', reason=says('could not pair'))
        harness.state('streaming')
        assert mock.status()['agents'] == []


def test_pairing_has_a_limit_and_is_cancelled():
    with world(add=False, pair=300) as (_, mock, harness):
        mock.order('wants_bond', wants=True)
        mock.order('fault', kind='pair', what=['hang'])
        harness.send('add 0')
        harness.state('scanning', reason=says('did not pair'))
        mock.wait('call', member='CancelPairing')
        mock.wait('call', member='UnregisterAgent')
        harness.state('streaming')


def test_sensor_that_forgot_its_bond():
    with world(add=False) as (_, mock, harness):
        mock.order('know', paired=True)
        mock.order('fault', kind='read', what=['not-paired'])
        harness.send('add 0')
        harness.state('scanning', reason=says('bluetoothctl remove'))
        assert calls(mock, 'Pair') == 0


def test_stale_bond_is_told():
    with world(add=False, driver='probe') as (_, mock, harness):
        mock.order('know', paired=True)
        mock.order('fault', kind='connect', what=['refuse'])
        harness.send('add 0')
        harness.state('scanning', reason=says('it is paired'))
        harness.state('streaming')


def test_data_channel_in_progress():
    with world(add=False) as (_, mock, harness):
        mock.order('fault', kind='acquire', what=['in-progress', 'in-progress'])
        harness.send('add 0')
        harness.state('scanning', reason=says('another program'))
        mock.wait('call', member='Disconnect')
        harness.state('streaming')
        harness.streams_on()
        # Two in vain, one that worked; and nothing was written to a sensor that nobody listens to.
        assert calls(mock, 'AcquireNotify') == 3
        assert len([e for e in mock.seen('write') if e['value'] == packets.START.hex()]) == 1


def test_data_channel_held_by_a_connection_before():
    with world(add=False) as (_, mock, harness):
        mock.order('fault', kind='acquire', what=['not-permitted'])
        harness.send('add 0')
        harness.state('scanning', reason=says('another program'))
        mock.wait('call', member='Disconnect')
        harness.state('streaming', reason='receiving')
        assert calls(mock, 'Connect') == 2 and calls(mock, 'StartNotify') == 0


def test_data_channel_held_by_others():
    with world(add=False, forbidden=500) as (_, mock, harness):
        mock.order('fault', kind='acquire', what=['not-permitted'] * 3)
        harness.send('add 0')
        harness.state('scanning', reason=says('another program'))
        harness.state('stalled', reason=lambda r: 'another program' in r and '--allow-broadcast' in r)
        assert calls(mock, 'Connect') == 2 and calls(mock, 'AcquireNotify') == 2
        # Much later it is tried again.
        harness.state('streaming', reason='receiving')
        assert calls(mock, 'StartNotify') == 0 and calls(mock, 'AcquireNotify') == 4


def test_data_channel_not_supported():
    with world(add=False) as (_, mock, harness):
        mock.order('fault', kind='acquire', what=['not-supported'] * 2)
        harness.send('add 0')
        reason = harness.state('stalled')['reason']
        assert 'crampctl edit SENSOR --allow-broadcast' in reason and 'every local user' in reason, reason
        assert mock.status()['connected'] == [True]
        assert not mock.seen('write'), 'a sensor that nobody listens to was started'
        mock.order('broadcast', allowed=True)
        harness.send('allow 0')
        harness.state('streaming', reason=says('every local user'))
        harness.streams_on()
        assert calls(mock, 'Connect') == 1 and mock.status()['notifying'] == [True]
        counters = harness.counters()
        assert counters['lost'] == 0 and counters['malformed'] == 0, counters
        harness.send('forbid 0')
        # By now AcquireNotify works.
        harness.state('streaming', reason='receiving')
        assert mock.status()['notifying'] == [False] and mock.status()['acquired'] == [True]


def test_every_broadcast_packet_arrives_once():
    with world(add=False, play=300) as (_, mock, harness):
        mock.order('broadcast', allowed=True)
        mock.order('fault', kind='acquire', what=['not-supported'])
        harness.send('allow 0')
        harness.send('add 0')
        mock.wait('played')
        tap.wait_until(lambda: harness.counters()['packets'] == 300, what='300 packets')
        counters = harness.counters()
        assert (counters['lost'], counters['malformed'], counters['connects']) == (0, 0, 1), counters
        harness.send('free 0')
        mock.wait('call', member='StopNotify')


def test_broadcasts_of_other_users_are_not_believed():
    import dbus
    with world(add=False, play=0, silence=60000) as (bus, mock, harness):
        mock.order('broadcast', allowed=True)
        mock.order('fault', kind='acquire', what=['not-supported'])
        harness.send('allow 0')
        harness.send('add 0')
        path = mock.wait('call', member='StartNotify')['path']
        mock.wait('write', value=packets.START.hex())
        stranger = dbus.bus.BusConnection(bus.address)
        sent = packets.ramp(3)
        for name in [str(n) for n in stranger.list_names() if str(n).startswith(':')] + [None]:
            signal = dbus.lowlevel.SignalMessage(path, 'org.freedesktop.DBus.Properties', 'PropertiesChanged')
            signal.append('org.bluez.GattCharacteristic1', {'Value': dbus.ByteArray(sent[0])}, [], signature='sa{sv}as')
            if name:
                signal.set_destination(name)
            stranger.send_message(signal)
        stranger.flush()
        stranger.list_names()
        mock.order('send', packets=[p.hex() for p in sent[1:]])
        tap.wait_until(lambda: harness.counters()['packets'] == 2, what='two packets')
        stranger.close()


def test_broadcast_refused_as_well():
    with world(add=False) as (_, mock, harness):
        mock.order('broadcast', allowed=True)
        mock.order('fault', kind='acquire', what=['not-permitted', 'not-permitted'])
        mock.order('fault', kind='start-notify', what=['not-permitted'])
        harness.send('allow 0')
        harness.send('add 0')
        harness.state('scanning', reason=says('another program'))
        harness.state('scanning', reason=says('in no way'))
        harness.state('streaming', reason='receiving')


def test_data_channel_that_closes_at_once():
    with world(add=False) as (_, mock, harness):
        mock.order('fault', kind='acquire', what=['close', 'close'])
        harness.send('add 0')
        harness.state('stalled', reason=says('was closed'))
        harness.state('stalled', reason=lambda r: 'closes the data channel at once' in r and '--allow-broadcast' in r)
        assert calls(mock, 'AcquireNotify') == 2
        mock.order('broadcast', allowed=True)
        harness.send('allow 0')
        harness.state('streaming', reason=says('every local user'))
        harness.streams_on()
        # A channel that closed is not trusted again while this works.
        mock.order('silence')
        harness.state('stalled')
        harness.state('streaming', reason=says('every local user'))
        assert calls(mock, 'AcquireNotify') == 2 and calls(mock, 'Connect') == 1


def test_data_channel_that_closed_is_tried_over_a_new_connection():
    with world(add=False, forbidden=300) as (_, mock, harness):
        mock.order('fault', kind='acquire', what=['close', 'close'])
        harness.send('add 0')
        harness.state('stalled', reason=says('--allow-broadcast'))
        harness.state('streaming', reason='receiving')
        assert calls(mock, 'Connect') == 2 and calls(mock, 'AcquireNotify') == 3
        assert calls(mock, 'StartNotify') == 0


def test_hostile_adverts():
    with world(driver='umyo-advert') as (_, mock, harness):
        tap.wait_until(lambda: mock.status()['duplicates'] == [True], what='discovery of all adverts')
        for packet in ('ffff', 'ff' * 257, 'ff' * 258, 'ff' * 5000):
            mock.order('manufacturer', packet=packet)
        Adverts().until(mock, lambda: harness.seen('state', state='streaming'), 'the stream')
        # Had it begun with one of those, they would have been counted.
        assert harness.counters()['malformed'] == 0
        assert len(harness.seen('battery')) == 1
        for packet in ('ffff', 'ff' * 257, 'ff' * 258, 'ff' * 5000):
            mock.order('manufacturer', packet=packet)
        # Nobody could have sent the longest two; the others are no levels.
        tap.wait_until(lambda: harness.counters()['malformed'] == 2, what='the malformed ones')
        assert len(harness.seen('battery')) == 1


def test_hostile_broadcasts():
    with world(add=False, play=0, silence=60000) as (_, mock, harness):
        mock.order('broadcast', allowed=True)
        mock.order('fault', kind='acquire', what=['not-supported'])
        harness.send('allow 0')
        harness.send('add 0')
        mock.wait('write', value=packets.START.hex())
        mock.order('send', packets=['', 'ff', 'ff' * 518, 'ff' * 60000] + [p.hex() for p in packets.ramp(2)])
        tap.wait_until(lambda: harness.counters()['packets'] == 6, what='the packets')
        counters = harness.counters()
        assert (counters['malformed'], counters['frames'], counters['lost']) == (4, 2 * FRAMES, 0), counters


def test_data_channel_never_answered():
    # bluetoothd 5.66 never answers when the sensor refuses the subscription.
    with world(add=False) as (_, mock, harness):
        mock.order('fault', kind='acquire', what=['hang'])
        harness.send('add 0')
        harness.state('starting')
        harness.state('scanning', reason=says('took too long to start'))
        harness.state('streaming')


def test_hang_up_while_connected_is_acquired_again():
    with world() as (_, mock, harness):
        harness.streams_on()
        mock.order('hup')
        harness.wait('stopped')
        harness.state('stalled', reason=says('was closed'))
        harness.wait('format')
        harness.state('streaming')
        harness.streams_on()
        assert harness.counters()['connects'] == 1
        assert calls(mock, 'Disconnect') == 0 and calls(mock, 'AcquireNotify') == 2


def test_silence_is_noticed_within_limits_and_resubscribed():
    with world() as (_, mock, harness):
        harness.streams_on()
        mock.order('silence')
        began = time.monotonic()
        harness.state('stalled', reason=says('no data'))
        assert 1.5 < time.monotonic() - began < 4, time.monotonic() - began
        harness.state('streaming')
        harness.streams_on()
        assert harness.counters()['connects'] == 1
        assert calls(mock, 'AcquireNotify') == 2
        assert [e['value'] for e in mock.seen('write')] == [v.hex() for v in (packets.START, packets.STOP, packets.START)]


def test_lasting_silence_ends_in_a_new_connection():
    with world(silence=500, resubscribe=600) as (_, mock, harness):
        harness.streams_on()
        mock.order('fault', kind='start', what=['silent'])
        mock.order('silence')
        harness.state('stalled')
        harness.state('scanning', reason=says('sends no data'))
        mock.wait('call', member='Disconnect')
        harness.state('streaming')
        assert harness.counters()['connects'] == 2


def test_sensor_that_never_sends_is_stalled():
    with world(add=False, silence=300, resubscribe=600) as (_, mock, harness):
        mock.order('fault', kind='start', what=['silent', 'silent'])
        harness.send('add 0')
        harness.state('stalled', reason=says('no data'))
        harness.state('scanning', reason=says('sends no data'))
        harness.state('streaming')


def test_lost_link_is_regained():
    with world() as (_, mock, harness):
        for again in range(3):
            harness.state('streaming')
            harness.streams_on()
            mock.order('drop')
            harness.wait('stopped')
            harness.state('scanning', reason=says('link lost, trying again in'))
        harness.state('streaming')
        counters = harness.counters()
        assert counters['connects'] == 4 and counters['lost'] == 0, counters


def test_streaming_long_enough_forgives_failures():
    with world(backoff_reset=500) as (_, mock, harness):
        for _again in range(3):
            harness.state('streaming')
            since = harness.counters()['packets']
            tap.wait_until(lambda: harness.counters()['packets'] > since + 100, what='a second of packets')
            mock.order('drop')
            harness.state('scanning', reason=says('trying again in 0.1 s'))


def test_part_of_that_forgives_one_failure():
    """Each half second of stream, and each loss adds one."""
    with world(backoff_reset=3000) as (_, mock, harness):
        for _again in range(4):
            harness.state('streaming')
            since = harness.counters()['packets']
            tap.wait_until(lambda: harness.counters()['packets'] > since + 100, what='a second of packets')
            mock.order('drop')
            harness.state('scanning', reason=says('trying again in 0.1 s'))


def test_vanished_device_is_found_again():
    with world() as (_, mock, harness):
        harness.streams_on()
        mock.order('forget')
        harness.wait('stopped')
        harness.state('streaming')


def test_sensor_out_of_range_is_looked_for_until_it_is_back():
    with world() as (_, mock, harness):
        harness.streams_on()
        mock.order('range', near=False)
        mock.order('drop')
        harness.state('scanning', reason='looking for the sensor')
        mock.wait('call', member='StartDiscovery')
        mock.order('range', near=True)
        harness.state('streaming')


def test_known_sensor_that_is_not_heard_is_tried():
    with world(add=False, patience_first=300) as (_, mock, harness):
        mock.order('know')
        mock.order('fault', kind='discovery', what=['fail'] * 100)
        harness.send('add 0')
        harness.state('connecting', reason=says('not heard'))
        harness.state('streaming')


def test_failed_discovery_is_repeated():
    with world(add=False) as (_, mock, harness):
        mock.order('fault', kind='discovery', what=['fail', 'fail'])
        harness.send('add 0')
        harness.state('streaming')
        assert calls(mock, 'StartDiscovery') == 3


def test_sensor_connected_by_others_is_used():
    with world(add=False) as (_, mock, harness):
        mock.order('know')
        mock.order('connect')
        harness.send('add 0')
        harness.state('streaming')
        assert calls(mock, 'Connect') == 0


def test_bluetoothd_gone_and_back():
    with world() as (_, mock, harness):
        for _again in range(2):
            harness.state('streaming')
            harness.streams_on()
            mock.order('vanish')
            harness.wait('stopped')
            harness.state('absent', reason=says('bluetoothd is not running'))
            harness.send('health')
            assert harness.wait('health')['health'] == 'no-bluez'
            mock.order('return')
        harness.state('streaming')
        harness.streams_on()


def test_bluetoothd_killed_and_another_started():
    with world() as (_, mock, harness):
        harness.streams_on()
        mock.kill()
        harness.state('absent', reason=says('bluetoothd is not running'))
        with tempfile.NamedTemporaryFile() as file, \
             MockBluez([ADDRESS], packets.describe()) as second:
            packets.write(file.name, packets.ramp(1000))
            second.order('load', file=file.name, interval_ms=INTERVAL_MS)
            harness.state('streaming')
            harness.streams_on()
            harness.end()
        # Both are ended already.
        mock.end = harness.end = lambda: None


def test_without_bluetoothd_or_adapter():
    with world(add=True, start=False) as (_, mock, harness):
        harness.state('absent', reason=says('bluetoothd is not running'))
        with MockBluez([ADDRESS], packets.describe(), '--adapters', '0') as bare:
            harness.state('absent', reason=says('no Bluetooth adapter'))
            harness.send('health')
            assert harness.wait('health')['health'] == 'no-adapter'
            bare.status()


def test_adapter_off_and_on():
    with world() as (_, mock, harness):
        harness.streams_on()
        mock.order('power', on=False)
        harness.wait('stopped')
        harness.state('absent', reason=says('switched off'))
        harness.send('health')
        assert harness.wait('health')['health'] == 'no-adapter'
        mock.order('power', on=True)
        harness.state('streaming')
        harness.send('health')
        assert harness.wait('health')['health'] == 'ok'


def test_adapter_unplugged_and_plugged():
    with world() as (_, mock, harness):
        harness.streams_on()
        mock.order('unplug')
        harness.state('absent', reason=says('no Bluetooth adapter'))
        mock.order('plug')
        harness.state('streaming')


def test_adapter_off_while_connecting():
    with world(add=False) as (_, mock, harness):
        mock.order('fault', kind='connect', what=['hang'])
        harness.send('add 0')
        mock.wait('call', member='Connect')
        mock.order('power', on=False)
        harness.state('absent')
        mock.order('power', on=True)
        harness.state('streaming')


def test_another_adapter_takes_over():
    with world('--adapters', '2') as (_, mock, harness):
        harness.streams_on()
        mock.order('power', on=False, adapter=0)
        mock.order('move', adapter=1)
        harness.state('streaming')
        assert mock.status()['connected'] == [True]


def test_adapter_that_plays_a_peripheral_is_not_disturbed():
    with world('--adapters', '2', add=False) as (_, mock, harness):
        mock.order('range', near=False)
        mock.order('advertise', on=True, adapter=1)
        harness.send('add 0')
        tap.wait_until(lambda: mock.status()['discovering'] == [True, False], what='discovery on the first alone')
        mock.order('advertise', on=False, adapter=1)
        tap.wait_until(lambda: mock.status()['discovering'] == [True, True], what='discovery on both')
        mock.order('advertise', on=True, adapter=1)
        tap.wait_until(lambda: mock.status()['discovering'] == [True, False], what='the end of it')
        # Better disturbed than unguarded.
        mock.order('power', on=False, adapter=0)
        tap.wait_until(lambda: mock.status()['discovering'] == [False, True], what='discovery where it can be')


def test_bus_standing_still_loses_nothing():
    with world(play=1000) as (bus, mock, harness):
        harness.streams_on()
        before = harness.counters()['packets']
        bus.pause()
        try:
            end = time.monotonic() + 5
            while time.monotonic() < end:
                harness.wait('blocks', limit_s=3)
        finally:
            bus.resume()
        assert harness.counters()['packets'] - before >= 400
        mock.wait('played')
        tap.wait_until(lambda: harness.counters()['packets'] == 1000, what='1000 packets')
        counters = harness.counters()
        assert (counters['lost'], counters['connects']) == (0, 1), counters
        assert len(harness.seen('state', state='streaming')) == 1


def test_bus_standing_still_at_every_stage():
    for stage in ('scanning', 'connecting', 'resolving', 'starting'):
        with world() as (bus, mock, harness):
            harness.state(stage)
            bus.pause()
            # It answers although the bus does not.
            harness.counters()
            bus.resume()
            harness.state('streaming')


def test_eight_sensors_connect_one_by_one():
    with world(addresses=(ADDRESS, *OTHERS), add=True) as (_, mock, harness):
        for number in range(8):
            harness.streams_on(number)
        assert sorted(mock.status()['connected']) == [True] * 8
        assert calls(mock, 'Connect') == 8
        # The mock complains of two at once and of discovery meanwhile, at its end.
        mock.order('drop', device=3)
        harness.state('streaming', sensor=3)
        assert len(harness.seen('state', state='streaming', sensor=4)) == 1, 'one link disturbed another'


def test_missing_sensor_does_not_hold_up_the_others():
    with world(addresses=(ADDRESS, OTHERS[0]), add=False, patience_first=200, connect_unheard=600) as (_, mock, harness):
        mock.order('know', device=0)
        mock.order('range', near=False, device=0)
        harness.send('add 0')
        harness.send('add 1')
        harness.state('streaming', sensor=1)
        harness.streams_on(1)
        assert not harness.seen('state', state='streaming', sensor=0)


def connects_until(mock, known, path):
    """How often others were connected, since `known` calls, before that device was."""
    wanted = f'dev_{path.replace(":", "_")}'
    tap.wait_until(lambda: any(wanted in e['path'] for e in mock.seen('call', member='Connect')[known:]), what='its turn')
    paths = [e['path'] for e in mock.seen('call', member='Connect')[known:]]
    return next(number for number, path in enumerate(paths) if wanted in path)


def test_owner_of_many_missing_sensors_does_not_hold_up_others():
    others = [f'C0:00:00:00:01:{n:02X}' for n in range(12)]
    with world(addresses=(ADDRESS, *others), add=False, patience_first=50, patience_max=50) as (_, mock, harness):
        mock.order('delay', connect=300)
        for number in range(1, 13):
            mock.order('know', device=number)
            mock.order('range', near=False, device=number)
            harness.send(f'owner {number} 2000')
            harness.send(f'add {number}')
        mock.order('know', device=0)
        mock.wait('call', member='Connect')
        # A new sensor of another owner comes soon, and not after all that wait.
        known = len(mock.seen('call', member='Connect'))
        harness.send('owner 0 1000')
        harness.send('add 0')
        assert connects_until(mock, known, ADDRESS) < 7
        harness.state('streaming', sensor=0)
        harness.streams_on(0)
        known = len(mock.seen('call', member='Connect'))
        mock.order('drop', device=0)
        assert connects_until(mock, known, ADDRESS) < 7
        harness.state('streaming', sensor=0)


def test_sensor_is_heard_though_others_always_wait():
    others = [f'C0:00:00:00:01:{n:02X}' for n in range(1, 6)]
    with world(addresses=(ADDRESS, *others), add=False, patience_first=50, patience_max=50, deaf=500, hear=500) as \
            (_, mock, harness):
        mock.order('delay', connect=300)
        for number in range(6):
            mock.order('range', near=False, device=number)
        for number in range(1, 6):
            mock.order('know', device=number)
            harness.send(f'add {number}')
        mock.wait('call', member='Connect', path=says(others[-1].replace(':', '_')))
        harness.send('add 0')
        mock.order('range', near=True)
        harness.state('streaming', sensor=0)


def test_sensor_that_never_answered_yields_to_one_that_streamed():
    with world(addresses=(ADDRESS, OTHERS[0]), add=False, connect=600000, connect_unheard=300, patience_first=50) as \
            (_, mock, harness):
        harness.send('add 0')
        harness.streams_on(0)
        mock.order('fault', kind='connect', what=['hang'])
        harness.send('add 1')
        mock.wait('call', member='Connect', path=says('01'))
        mock.wait('call', member='Connect', path=says('02'))
        mock.order('drop', device=0)
        harness.state('scanning', sensor=1, reason=says('did not answer'))
        harness.state('streaming', sensor=0)
        harness.state('streaming', sensor=1)


def test_unusable_descriptions():
    for description, text in ((b'', 'malformed'), (b'\x01\x02', 'malformed'), (packets.describe(version=200), 'update crampd'),
                              (packets.describe(rate_hz=1), 'cannot use')):
        with world(add=False, description=description) as (_, mock, harness):
            harness.send('add 0')
            reason = harness.state('scanning', reason=says('trying again'))['reason']
            assert text in reason, (text, reason)
            assert not harness.seen('format')
            mock.wait('call', member='Disconnect')


def test_unreadable_description_and_refused_start():
    with world(add=False) as (_, mock, harness):
        mock.order('fault', kind='read', what=['fail'])
        mock.order('fault', kind='write', what=['fail'])
        harness.send('add 0')
        harness.state('scanning', reason=says('description could not be read'))
        harness.state('scanning', reason=says('did not accept the start command'))
        harness.state('streaming')
        # A stream is announced when it has begun, not before.
        kinds = [e['event'] for e in harness.events if e['event'] in ('format', 'stopped')]
        assert kinds == ['format'], kinds


def test_crowd_of_other_devices_is_not_kept():
    with world() as (_, mock, harness):
        harness.streams_on()
        before = memory_kib(harness)
        mock.order('crowd', count=2000)
        harness.send('health')
        assert harness.wait('health')['health'] == 'ok'
        harness.streams_on()
        if not os.environ.get('WRAPPER') and not os.environ.get('SANITIZED'):
            assert memory_kib(harness) - before < 512, memory_kib(harness) - before
        assert len(harness.seen('state', state='streaming')) == 1


def memory_kib(process):
    with open(f'/proc/{process.process.pid}/status', encoding='ascii') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('VmRSS'))


NONCHARACTER = 'Free WiFi \ufffe'


def test_names_of_others_that_cannot_be_read():
    with world(add=False) as (_, mock, harness):
        mock.order('crowd', count=3, name=NONCHARACTER)
        mock.order('know')
        harness.send('add 0')
        harness.state('streaming')
        # With all its objects there already, as after a restart of crampd.
        harness.send('free 0')
        tap.wait_until(lambda: mock.status()['connected'] == [False], what='the end of the connection')
        mock.order('delay', resolve=0)
        mock.order('connect')
        harness.send('add 0')
        harness.state('streaming')
        harness.streams_on()


def test_own_name_that_cannot_be_read():
    with world(add=False, patience_first=600000) as (_, mock, harness):
        mock.order('name', name=NONCHARACTER)
        harness.send('add 0')  # and then it is announced
        harness.state('streaming')
        mock.order('range', near=False)
        mock.order('drop')
        harness.state('scanning', reason=says('looking'))
        mock.order('name', name=NONCHARACTER + 'x', heard=True)
        mock.order('range', near=True)
        harness.state('streaming')
        harness.streams_on()


def test_objects_one_by_one_that_are_not_answered():
    with world(add=False, retry=100) as (bus, mock, harness):
        mock.order('crowd', count=1, name=NONCHARACTER)
        mock.order('fault', kind='get-all', what=['busy', 'busy'])
        mock.order('know')
        harness.send('add 0')
        harness.state('streaming')
        assert not mock.status()['faults']['get-all']


def test_signals_of_other_users_are_not_believed():
    import dbus
    with world() as (bus, mock, harness):
        harness.streams_on()
        stranger = dbus.bus.BusConnection(bus.address)
        device = f'/org/bluez/hci0/dev_{ADDRESS.replace(":", "_")}'
        names = [str(n) for n in stranger.list_names() if str(n).startswith(':')]

        def tell(path, interface, member, signature, *arguments):
            for name in names + [None]:
                signal = dbus.lowlevel.SignalMessage(path, interface, member)
                signal.append(*arguments, signature=signature)
                if name:
                    signal.set_destination(name)
                stranger.send_message(signal)
        tell(device, 'org.freedesktop.DBus.Properties', 'PropertiesChanged', 'sa{sv}as', 'org.bluez.Device1',
             {'Connected': dbus.Boolean(False)}, [])
        tell('/', 'org.freedesktop.DBus.ObjectManager', 'InterfacesRemoved', 'oas', device, ['org.bluez.Device1'])
        tell('/org/freedesktop/DBus', 'org.freedesktop.DBus', 'NameOwnerChanged', 'sss', 'org.bluez',
             stranger.get_unique_name(), '')
        stranger.flush()
        # When the bus has answered this, it has passed on all of those before.
        stranger.list_names()
        harness.send('health')
        assert harness.wait('health')['health'] == 'ok'
        harness.streams_on()
        stranger.close()
        assert len(harness.seen('state')) == 6, harness.seen('state')


tap.main(globals())
