# SPDX-License-Identifier: MIT
"""The client library, by way of client-probe: time limits, a subscription's life, and memory that runs out. What its
callers see of good and bad answers is tested by way of crampctl."""

import errno
import os
import shlex
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from fakecrampd import SENSORS, FakeCrampd
from fakeservices import FakeServices
from privatebus import PrivateBus, die_with_parent

WRAPPER = shlex.split(os.environ.get('WRAPPER', ''))
PROBE = os.environ['CLIENT_PROBE']
RAISED, ENDED, GONE, BACK = 0, 2, 4, 5
PREFIX = 'org.freedesktop.DBus.Error.'


class Probe:
    """A running client-probe."""

    def __init__(self, *commands, env=None):
        self.process = subprocess.Popen([*WRAPPER, PROBE, *commands], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, **(env or {})), preexec_fn=die_with_parent)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def line(self):
        return self.process.stdout.readline().rstrip()

    def expect(self, *lines):
        for line in lines:
            said = self.line()
            assert said == line.rstrip(), f'{said!r} instead of {line!r}'

    def enter(self):
        self.process.stdin.write('\n')
        self.process.stdin.flush()

    def finish(self):
        self.expect('')
        assert self.process.wait(20) == 0, self.process.returncode


def code(name):
    return -getattr(errno, name)


def test_errors_of_a_caller():
    with PrivateBus(), FakeCrampd() as fake, Probe('bad-arguments', 'stop') as probe:
        probe.expect('new 0 ', f'bad-arguments {code("EINVAL")} org.crampd1.Error.InvalidArgument',
                     f'stop {code("ESTALE")} ')
        probe.finish()
        assert [call['member'] for call in fake.do('calls')] == ['TabulateEpisodes']


def test_time_limit():
    with PrivateBus() as bus, FakeCrampd() as fake:
        fake.answer('Status', 'silent')
        begin = time.monotonic()
        with Probe('timeout=200', 'status', 'sensors', 'enter', 'status', 'enter', 'status') as probe:
            probe.expect('new 0 ', f'status {code("ETIMEDOUT")} {PREFIX}Timeout', 'sensors 2 ')
            assert 0.2 <= time.monotonic() - begin < 10
            # A bus that stands still is no different.
            bus.pause()
            probe.enter()
            probe.expect(f'status {code("ETIMEDOUT")} {PREFIX}Timeout')
            bus.resume()
            bus.stop()
            probe.enter()
            assert probe.line().startswith(f'status {code("ENOTCONN")} ')
            probe.finish()


def test_questions_to_others():
    """Every type of value comes as text, with the keys around it."""
    answer = ['a{sa{us}}(bynqiuxtdog)vav',
              [{'outer': {7: 'inner'}}, (True, 255, -1, 65535, -2, 3, -4, 18446744073709551615, 0.5, '/a/path', 's'), 'v', ['w', 2]]]
    with PrivateBus() as bus, FakeServices(bus.address, {'org.example': {'Everything': answer}}), Probe('ask') as probe:
        probe.expect('new 0 ', 'outer/7/inner', 'true', '255', '-1', '65535', '-2', '3', '-4', '18446744073709551615', '0.5',
                     '/a/path', 's', 'v', 'w', '2', 'ask 0 ')
        probe.finish()
    for how, said in (['s', ['stop']], ['stop', f'ask {code("ESTALE")} {PREFIX}Failed']), \
            ('org.example.No', [f'ask {code("EIO")} org.example.No']):
        with PrivateBus() as bus, FakeServices(bus.address, {'org.example': {'Everything': how}}), Probe('ask') as probe:
            probe.expect('new 0 ', *said)
            probe.finish()
    with PrivateBus(), Probe('ask') as probe:
        probe.expect('new 0 ', f'ask {code("ENOTCONN")} {PREFIX}ServiceUnknown')
        probe.finish()


def test_calls_that_do_not_wait():
    with PrivateBus() as bus, FakeCrampd() as fake:
        fake.answer('Annotate', 'error org.crampd1.Error.NoSuchEpisode')
        with Probe('sensors-later', 'annotate-later', 'timeout=200', 'enter', 'advise-later', 'advise-later', 'sensors-later',
                   'enter', 'advise-later', 'timeout=0', 'many-later', 'enter', 'sensors-later') as probe:
            probe.expect('new 0 ', 'sensors-later 2 ', f'annotate-later {code("ENOENT")} org.crampd1.Error.NoSuchEpisode')
            fake.answer('Advise', 'silent')
            fake.answer('ListSensors', 'type name')
            probe.enter()
            probe.expect(*[f'advise-later {code("ETIMEDOUT")} {PREFIX}Timeout'] * 2,
                         f'sensors-later {code("EPROTO")} {PREFIX}InconsistentMessage')
            fake.answer('Advise', 'signature')
            fake.answer('ListSensors', 'silent')
            probe.enter()
            probe.expect(f'advise-later {code("EPROTO")} {PREFIX}InconsistentMessage',
                         f'many-later {code("EDQUOT")} org.crampd1.Error.LimitReached')
            # What was never answered is forgotten with the client.
            bus.stop()
            probe.enter()
            assert probe.line().startswith(f'sensors-later {code("EDQUOT")}')
            probe.finish()


def test_life_of_a_subscription():
    with PrivateBus(), FakeCrampd() as fake:
        with Probe('unsubscribe', 'subscribe', 'idle', 'enter', 'event', 'subscribe', 'enter', 'event', 'unsubscribe',
                   'enter', 'idle', 'subscribe', 'enter', 'event', 'unsubscribe') as probe:
            probe.expect('new 0 ', 'unsubscribe 0 ', 'subscribe 0 ', 'idle 0 ')
            fake.do('signal', member='AlertRaised')
            probe.enter()
            probe.expect(f'event {RAISED} e1', 'event 0 ')
            # Again is the same as once.
            probe.expect('subscribe 0 ')
            assert fake.subscribers() == 1
            fake.do('signal', member='AlertRaised')
            probe.enter()
            probe.expect(f'event {RAISED} e1', 'event 0 ', 'unsubscribe 0 ')
            assert fake.subscribers() == 0
            # What goes on afterwards is no news, also not that the service goes.
            fake.kill()
            probe.enter()
            probe.expect('idle 0 ', f'subscribe {code("ENOTCONN")} {PREFIX}ServiceUnknown')
            fake.start()
            probe.enter()
            probe.expect(f'event {BACK} -', 'event 0 ')
            probe.expect('unsubscribe 0 ')
            probe.finish()


def test_subscription_that_does_not_wait():
    with PrivateBus(), FakeCrampd() as fake:
        with Probe('subscribe-later', 'subscribe-later', 'enter', 'event', 'unsubscribe', 'subscribe-not', 'idle', 'enter', 'subscribe-later',
                   'timeout=200', 'enter', 'subscribe-later', 'timeout=0', 'enter', 'subscribe-later', 'enter', 'event', 'enter',
                   'event') as probe:
            probe.expect('new 0 ', 'subscribe-later 0 ', f'subscribe-later {code("EEXIST")} org.crampd1.Error.AlreadyExists')
            fake.do('signal', member='AlertRaised')
            probe.enter()
            probe.expect(f'event {RAISED} e1', 'event 0 ', 'unsubscribe 0 ', 'subscribe-not 0 ', 'idle 0 ')
            assert fake.subscribers() == 0
            for how, error in (('error org.crampd1.Error.LimitReached', f'{code("EDQUOT")} org.crampd1.Error.LimitReached'),
                               ('silent', f'{code("ETIMEDOUT")} {PREFIX}Timeout')):
                fake.answer('Subscribe', how)
                probe.enter()
                probe.expect(f'subscribe-later {error}')
            # Without crampd it keeps waiting for one.
            fake.kill()
            probe.enter()
            probe.expect(f'subscribe-later {code("ENOTCONN")} {PREFIX}ServiceUnknown')
            fake.start()
            probe.enter()
            probe.expect(f'event {BACK} -', 'event 0 ')
            fake.do('signal', member='AlertRaised')
            probe.enter()
            probe.expect(f'event {RAISED} e1', 'event 0 ')
            probe.finish()


def test_unsubscribe_from_a_service_that_left():
    with PrivateBus(), FakeCrampd() as fake, Probe('subscribe', 'enter', 'unsubscribe') as probe:
        probe.expect('new 0 ', 'subscribe 0 ')
        fake.kill()
        probe.enter()
        probe.expect('unsubscribe 0 ')
        probe.finish()


def test_calls_from_within_an_event():
    with PrivateBus(), FakeCrampd() as fake, \
            Probe('nested', 'subscribe', 'enter', *['event'] * 3) as probe:
        probe.expect('new 0 ', 'subscribe 0 ')
        # More alerts come while the call waits; none is lost, none comes twice.
        fake.answer('Status', 'signals-first')
        fake.do('signal', member='AlertRaised', episode={'id': 'first'})
        probe.enter()
        said = [probe.line() for _ in range(6)]
        said = [line for line in said if line != 'event 0']
        while len(said) < 6:
            line = probe.line()
            said += [line] if line != 'event 0' else []
        assert said == [f'event {RAISED} first', 'nested 0.1.0', f'event {RAISED} e1', 'nested 0.1.0',
                        f'event {ENDED} e1', 'nested 0.1.0'], said


def test_replaced_by_another_process():
    with PrivateBus(), FakeCrampd() as old, Probe('subscribe', 'enter', 'event', 'event', 'enter', 'event') as probe:
        probe.expect('new 0 ', 'subscribe 0 ')
        new = FakeCrampd()
        old.do('release')
        new.start()
        try:
            probe.enter()
            probe.expect(f'event {GONE} -', 'event 0 ', f'event {BACK} -', 'event 0 ')
            assert new.subscribers() == 1
            old.do('signal', member='AlertRaised', episode={'id': 'old'})
            new.do('signal', member='AlertRaised', episode={'id': 'new'})
            probe.enter()
            probe.expect(f'event {RAISED} new', 'event 0 ')
            probe.finish()
        finally:
            new.kill()


def test_the_bus_goes():
    with PrivateBus() as bus, FakeCrampd() as fake, \
            Probe('subscribe', 'enter', 'status', 'enter', *['event'] * 3) as probe:
        probe.expect('new 0 ', 'subscribe 0 ')
        # What came before the end is delivered before the end.
        fake.do('signal', member='AlertRaised')
        probe.enter()
        probe.expect('status 0 ')
        bus.stop()
        probe.enter()
        probe.expect(f'event {RAISED} e1', *[f'event {code("ENOTCONN")}'] * 3)
        probe.finish()


def test_flood():
    """More signals than one dispatch takes: the rest needs no further waking from the bus."""
    with PrivateBus(), FakeCrampd() as fake, Probe('subscribe', 'enter', 'status', *['event'] * 4, 'idle') as probe:
        probe.expect('new 0 ', 'subscribe 0 ')
        for number in range(200):
            fake.do('signal', member='AlertRaised', episode={'id': f'n{number}'})
        probe.enter()
        probe.expect('status 0 ')
        expected = []
        for number in range(200):
            expected.append(f'event {RAISED} n{number}')
            # 64 a time, and the first that ever came was the bus' own NameAcquired.
            if number % 64 == 62:
                expected.append('event 0')
        probe.expect(*expected, 'event 0', 'idle 0')
        probe.finish()


def test_every_allocation_may_fail():
    with PrivateBus(), FakeCrampd() as fake:
        commands = ('status', 'sensors', 'episodes', 'outlines', 'changes', 'waveform', 'waveforms', 'add', 'remove', 'stream',
                    'subscribe', 'unsubscribe', 'profile', 'say',
                    'advise', 'log', 'entries', 'trial', 'trials', 'calibrate', 'forget', 'annotate-later', 'advise-later', 'sensors-later',
                    'subscribe-later')
        with Probe(*[f'sweep={command}' for command in commands], env={'PROBE_SWEEP': '1'}) as probe:
            probe.expect(f'new 0 {PREFIX}NoMemory')
            counts = {}
            for command in commands:
                said = probe.line().rsplit(' ', 1)
                assert said[0] == f'sweep {command}', said
                counts[command] = int(said[1])
            probe.finish()
        tap.note(counts)
        assert counts['status'] >= 5 and counts['sensors'] >= 20 and counts['episodes'] >= 2 and counts['changes'] >= 14, counts
        assert all(count >= 0 for count in counts.values()), counts


def test_no_alert_is_lost_for_want_of_memory():
    with PrivateBus(), FakeCrampd() as fake:
        for number in range(1, 16):
            with Probe('subscribe', f'fail={number}', 'enter', 'event') as probe:
                probe.expect('new 0 ', 'subscribe 0 ')
                fake.do('signal', member='AlertRaised')
                probe.enter()
                probe.expect(f'event {RAISED} e1', 'event 0 ')
                probe.finish()
            fake.do('set', key='subscriptions', value=[])


def test_renewal_in_want_of_memory():
    with PrivateBus(), FakeCrampd() as fake:
        for number in (1, 2):
            with Probe('subscribe', 'enter', 'event', f'fail={number}', 'enter', 'event') as probe:
                probe.expect('new 0 ', 'subscribe 0 ')
                fake.do('release')
                probe.enter()
                probe.expect(f'event {GONE} -', 'event 0 ')
                fake.do('own')
                probe.enter()
                probe.expect(f'event {BACK} -', 'event 0 ')
                probe.finish()
            fake.do('set', key='subscriptions', value=[])


def test_sensors_at_the_limit():
    with PrivateBus(), FakeCrampd() as fake, Probe('sensors', 'enter', 'sensors') as probe:
        fake.do('set', key='sensors', value=[SENSORS[1]] * 4096)
        probe.line()
        probe.line()
        probe.enter()
        probe.expect('sensors 4096 ')
        probe.finish()


tap.main(globals())
