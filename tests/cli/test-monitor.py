# SPDX-License-Identifier: MIT
"""crampctl monitor as a black box: alerts in words and in JSON, the live view on a terminal, and a crampd that comes, goes
and lies."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import shlex
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from fakecrampd import EPISODES, RELIEF, SENSORS, FakeCrampd
from privatebus import PrivateBus, die_with_parent

WRAPPER = shlex.split(os.environ.get('WRAPPER', ''))
CRAMPCTL = os.environ['CRAMPCTL']
LIMIT_S = 20

HIDE_CURSOR = '\x1b[?25l'
SHOW_CURSOR = '\x1b[?25h'
ALARM = '\x1b[1;31m'

RAISED = ('CRAMP: left calf, left gastrocnemius-medialis, moderate, began 2026-11-23 02:14:05 [simulated]\n'
          '  1. Sit up and hold on before you stand.\n'
          '  2. Pull the toes toward the shin.\n')


class Monitor:
    """A running `crampctl monitor`. Its output is read into `text`; on a terminal that is what the terminal gets."""

    def __init__(self, *arguments, terminal=False, stdout=None, columns=100, env=None):
        environment = {name: value for name, value in os.environ.items() if name not in ('NO_COLOR', 'LANGUAGE')}
        environment |= {'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', 'TERM': 'xterm', **(env or {})}
        self.text = ''
        self._raw = b''
        if terminal:
            self.fd, child = pty.openpty()
            self.resize(columns)
        elif stdout is None:
            self.fd, child = os.pipe()
        else:
            self.fd, child = os.open('/dev/null', os.O_RDONLY), stdout
        self.process = subprocess.Popen([*WRAPPER, CRAMPCTL, 'monitor', *arguments], stdin=subprocess.DEVNULL, stdout=child,
                                        stderr=subprocess.PIPE, env=environment, preexec_fn=die_with_parent)
        if stdout is None:
            os.close(child)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        os.close(self.fd)

    def resize(self, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))

    def read(self, wait_s=0.0):
        """Takes what there is; False at the end."""
        ready, _, _ = select.select([self.fd], [], [], wait_s)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # a terminal whose other end was closed
            data = b''
        self._raw += data
        self.text = self._raw.decode(errors='replace').replace('\r\n', '\n')
        return bool(data)

    def expect(self, what, after=0):
        """Waits until `what` was written; returns where it ends."""
        end = time.monotonic() + LIMIT_S
        while what not in self.text[after:]:
            if time.monotonic() > end or not self.read(0.2):
                raise AssertionError(f'waited for {what!r} in {self.text[after:]!r}, {self.process.poll()}')
        return self.text.index(what, after) + len(what)

    def lines(self, count):
        """The JSON objects of the first `count` lines, when there are as many."""
        end = time.monotonic() + LIMIT_S
        while self.text.count('\n') < count:
            if time.monotonic() > end or not self.read(0.2):
                raise AssertionError(f'waited for {count} lines: {self.text!r}')
        return [json.loads(line) for line in self.text.splitlines()[:count]]

    def finish(self, number=signal.SIGINT, code=0):
        """Ends it, and returns what it said on standard error."""
        if number:
            self.process.send_signal(number)
        end = time.monotonic() + LIMIT_S
        while self.read(0.05) and time.monotonic() < end and self.process.poll() is None:
            pass
        assert self.process.wait(LIMIT_S) == code, (self.process.returncode, self.text, self.process.stderr.read())
        while self.read(0.05) and time.monotonic() < end:
            pass
        return self.process.stderr.read().decode()


def wait_for_subscribers(fake, count=1):
    tap.wait_until(lambda: fake.subscribers() == count, what=f'{count} subscribers')


def test_words():
    with PrivateBus(), FakeCrampd() as fake, Monitor() as monitor:
        wait_for_subscribers(fake)
        fake.do('signal', member='AlertRaised')
        monitor.expect(RAISED)
        # The same advice is not said again, other advice is.
        fake.do('signal', member='AlertUpdated', details={'recorded': True})
        fake.do('signal', member='AlertUpdated', episode={'severity': 'strong'}, relief=['Get help.'])
        fake.do('signal', member='AlertEnded', details={'simulated': False, 'repeated': True})
        fake.do('signal', member='SensorChanged')
        monitor.expect('Out of reach.\n')
        assert monitor.finish(signal.SIGTERM) == ''
        where = 'left calf, left gastrocnemius-medialis'
        assert monitor.text == (
            f'{RAISED}'
            f'still cramp: {where}, moderate, began 2026-11-23 02:14:05, recorded [simulated]\n'
            f'still cramp: {where}, strong, began 2026-11-23 02:14:05 [simulated]\n'
            '  1. Get help.\n'
            f'cramp over: {where}, moderate, began 2026-11-23 02:14:05, lasted 1:05 (subsided), '
            'up to 46 % of your strongest flexing [repeated]\n'
            'sensor left calf: stalled: Out of reach.\n'), monitor.text
        # It subscribed and nothing more: streams are for terminals.
        members = [call['member'] for call in fake.do('calls')]
        assert members == ['Subscribe'], members


def test_alerts_in_the_language_of_the_user():
    with PrivateBus(), FakeCrampd() as fake:
        with Monitor(env={'LANGUAGE': 'de'}) as monitor:
            wait_for_subscribers(fake)
            fake.do('signal', member='AlertRaised', relief=['Setzen Sie sich auf.'])
            monitor.expect('  1. Setzen Sie sich auf.\n')
            assert monitor.text.startswith('KRAMPF: left calf, links gastrocnemius-medialis, mittel, begann 2026-11-23 02:14:05'), monitor.text
            assert [call['args'] for call in fake.do('calls') if call['member'] == 'Subscribe'] == [[{'language': 'de'}]]



def test_json():
    with PrivateBus(), FakeCrampd() as fake, Monitor('--json') as monitor:
        wait_for_subscribers(fake)
        fake.do('signal', member='AlertRaised', relief=[], details={'name': '', 'repeated': True})
        fake.do('signal', member='AlertUpdated', details={'recorded': True})
        fake.do('signal', member='AlertEnded')
        fake.do('signal', member='SensorChanged')
        raised, updated, ended, changed = monitor.lines(4)
        episode = {'id': 'e1', 'sensor': 'a1', 'leg': 'left', 'muscle': 'gastrocnemius-medialis',
                   'onset': '2026-11-23T02:14:05.250+01:00', 'onset_us': 1795396445250000, 'alert_us': 1795396451000000,
                   'end_us': None, 'end_reason': None, 'severity': 'moderate', 'peak_uv': 123.46, 'median_hz': 61.5,
                   'confidence': 0.875, 'verdict': None, 'pain': None, 'note': None, 'peak_mvc_percent': 45.7}
        more = {'sensor_name': 'left calf', 'relief': RELIEF, 'recorded': False, 'simulated': True, 'repeated': False}
        assert raised == {'type': 'alert-raised', **episode, **more, 'sensor_name': '', 'relief': [], 'repeated': True}
        assert updated == {'type': 'alert-updated', **episode, **more, 'recorded': True}
        assert ended == {'type': 'alert-ended', **episode, **more, 'relief': [], 'end_us': 1795396510250999,
                         'end_reason': 'subsided'}
        assert changed == {'type': 'sensor-changed', 'sensor': 'a1', 'sensor_name': 'left calf', 'state': 'stalled',
                           'reason': 'Out of reach.'}
        # The same members in the same order as history has.
        listed = subprocess.run([*WRAPPER, CRAMPCTL, 'history', '--json'], capture_output=True, check=True, timeout=30).stdout
        keys = list(json.loads(listed.splitlines()[0]))
        assert list(ended)[1:len(keys) + 1] == keys
        assert monitor.finish() == ''


def test_warnings():
    with PrivateBus(), FakeCrampd() as fake, Monitor() as words, Monitor('--json') as monitor:
        wait_for_subscribers(fake, 2)
        fake.do('signal', member='SensorWarning')
        fake.do('signal', member='SensorWarning', details={'name': '', 'hours': None, 'percent': 20, 'repeated': True})
        fake.do('signal', member='SensorWarning', warning='strap', details={'hours': None, 'percent': None})
        fake.do('signal', member='SensorWarning', details={'hours': 0.7})
        fake.do('signal', member='SensorWarning', warning='signal', details={'hours': None, 'percent': None, 'over': False,
                                                                             'signal': 'electrode-off'})
        fake.do('signal', member='SensorWarning', warning='signal', details={'hours': None, 'percent': None, 'over': True})
        fake.do('signal', member='SensorWarning', warning='leg', details={'hours': None, 'percent': None, 'over': False, 'leg': 'right'})
        first, second, third, fourth, fifth, sixth, seventh = monitor.lines(7)
        assert first == {'type': 'warning', 'what': 'battery', 'sensor': 'a1', 'sensor_name': 'left calf', 'percent': 34,
                         'hours': 4.3, 'signal': None, 'leg': None, 'over': False, 'repeated': False}, first
        assert second == dict(first, sensor_name='', percent=20, hours=None, repeated=True), second
        assert third == dict(first, what='strap', percent=None, hours=None), third
        assert fourth['hours'] == 0.7, fourth
        assert fifth == dict(third, what='signal', signal='electrode-off'), fifth
        assert sixth == dict(third, what='signal', over=True), sixth
        assert seventh == dict(third, what='leg', leg='right'), seventh
        words.expect('(right)\n')
        assert words.text == ('warning: left calf: battery at 34%, lasts about 4 h: charge it before the night\n'
                              'warning: a1: battery at 20%: charge it before the night [repeated]\n'
                              'warning: left calf: strap\n'
                              'warning: left calf: battery at 34%, lasts less than an hour: charge it before the night\n'
                              'warning: left calf: signal: an electrode seems to be off\n'
                              'warning: left calf: signal is good again\n'
                              'warning: left calf: leg: the sensor says that it is on the other one (right)\n'
                              ), words.text
        words.finish()
        monitor.finish()


def test_only_the_owner_of_the_name_is_believed():
    with PrivateBus(), FakeCrampd() as fake, Monitor('--json') as monitor:
        wait_for_subscribers(fake)
        fake.do('signal', member='AlertRaised', stranger=True)
        fake.do('signal', member='SensorChanged', stranger=True)
        fake.do('signal', member='SensorWarning', stranger=True)
        # Nor what makes no sense.
        for how in ('signature', 'type alert_us', 'missing leg', 'huge name', 'missing confidence'):
            fake.do('signal', member='AlertRaised', how=how)
            fake.do('signal', member='AlertEnded', how=how)
        for path in ('/', '/org/crampd1', '/org/crampd1/sensor', '/com/example/sensor/a1'):
            fake.do('signal', member='AlertRaised', path=path)
            fake.do('signal', member='SensorChanged', path=path)
            fake.do('signal', member='SensorWarning', path=path)
        for how in ('signature', 'type percent', 'type hours', 'huge name'):
            fake.do('signal', member='SensorWarning', how=how)
        fake.do('signal', member='SensorWarning', details={'percent': 101})
        fake.do('signal', member='AlertRaised', relief=['x'] * 33)
        fake.do('signal', member='AlertRaised', details={'zone_offset_s': 90000})
        fake.do('signal', member='AlertRaised', details={'confidence': 7.0})
        fake.do('signal', member='AlertUnheardOf')
        fake.do('signal', member='AlertRaised', interface='com.example.Manager')
        fake.do('signal', member='SensorChanged', state='scanning')
        # The last one is the first that is believed.
        assert monitor.lines(1)[0]['state'] == 'scanning', monitor.text
        assert monitor.finish() == '' and monitor.text.count('\n') == 1, monitor.text


def test_terminal_stays_untouched_by_texts():
    with PrivateBus(), FakeCrampd() as fake, Monitor() as monitor:
        wait_for_subscribers(fake)
        fake.do('signal', member='AlertRaised', relief=['a\x1b]0;title\x07b'], details={'name': '\x1b[2J\u009b31m'})
        monitor.expect('b\n')
        monitor.finish()
        assert '  1. a?]0;title?b\n' in monitor.text and 'CRAMP: ?[2J?31m, ' in monitor.text, monitor.text


def test_renews_the_subscription():
    with PrivateBus(), FakeCrampd() as fake, Monitor('--json') as monitor:
        for number in range(3):
            wait_for_subscribers(fake)
            fake.do('signal', member='AlertRaised', episode={'id': f'n{number}'})
            monitor.lines(3 * number + 1)
            fake.kill()
            monitor.lines(3 * number + 2)
            fake.start()
            monitor.lines(3 * number + 3)
        events = monitor.lines(9)
        assert [event['type'] for event in events] == ['alert-raised', 'service-gone', 'service-back'] * 3, events
        assert [event['id'] for event in events[::3]] == ['n0', 'n1', 'n2']
        assert monitor.finish() == ''
        # Gone with the connection; nothing is left subscribed.
        assert fake.do('calls')[0]['member'] == 'Subscribe'


def test_name_released_and_owned_again():
    with PrivateBus(), FakeCrampd() as fake, Monitor('--json') as monitor:
        wait_for_subscribers(fake)
        fake.do('release')
        assert monitor.lines(1)[0] == {'type': 'service-gone'}
        # Still on the bus, but no longer the service.
        fake.do('signal', member='AlertRaised')
        fake.do('own')
        assert monitor.lines(2)[1] == {'type': 'service-back'}
        monitor.finish()


def test_refused_renewal_is_tried_again():
    with PrivateBus(), FakeCrampd() as fake, Monitor('--json') as monitor:
        wait_for_subscribers(fake)
        fake.do('release')
        monitor.lines(1)
        fake.do('calls')
        fake.answer('Subscribe', 'error org.crampd1.Error.LimitReached')
        fake.do('own')
        tap.wait_until(lambda: fake.do('calls'), what='the renewal')
        fake.answer('Subscribe', None)
        # By itself, some seconds later.
        assert monitor.lines(2)[1] == {'type': 'service-back'}
        monitor.finish()


def test_waits_for_the_daemon():
    with PrivateBus(), FakeCrampd() as fake:
        fake.kill()
        with Monitor('--json') as monitor, Monitor() as words:
            assert monitor.lines(1)[0] == {'type': 'service-gone'}
            ready, _, _ = select.select([words.process.stderr], [], [], LIMIT_S)
            assert ready and b'waiting' in os.read(words.process.stderr.fileno(), 4096)
            fake.start()
            assert monitor.lines(2)[1] == {'type': 'service-back'}
            words.expect('crampd is there\n')
            wait_for_subscribers(fake, 2)
            fake.do('signal', member='AlertRaised')
            words.expect(RAISED)
            fake.kill()
            words.expect('crampd is not there: nobody watches now\n')
            assert 'waiting' in monitor.finish()
            words.finish()


def test_ends():
    with PrivateBus() as bus, FakeCrampd() as fake:
        fake.answer('Subscribe', 'error org.freedesktop.DBus.Error.AccessDenied')
        with Monitor() as monitor:
            assert monitor.finish(None, code=77).startswith('crampctl: refused')
        fake.answer('Subscribe', None)

        with Monitor() as monitor:
            wait_for_subscribers(fake)
            os.close(monitor.fd)
            monitor.fd = os.open('/dev/null', os.O_RDONLY)
            # The reader of the pipe has gone.
            assert monitor.process.wait(LIMIT_S) == 0
        fake.do('set', key='subscriptions', value=[])

        with open('/dev/full', 'wb') as full, Monitor('--json', stdout=full) as monitor:
            wait_for_subscribers(fake)
            fake.do('signal', member='AlertRaised')
            assert 'No space left' in monitor.finish(None, code=73)
        fake.do('set', key='subscriptions', value=[])

        with Monitor() as monitor:
            wait_for_subscribers(fake)
            # It is at work then, and waits for no answer to its subscription.
            fake.do('signal', member='AlertRaised')
            monitor.expect(RAISED)
            bus.stop()
            assert monitor.finish(None, code=69) == 'crampctl: the system bus has gone\n'


# --- on a terminal ---


def frames(count, state, *channels):
    return [[state, list(channels)]] * count


def test_only_what_changes_is_written():
    with PrivateBus(), FakeCrampd() as fake, Monitor(terminal=True) as monitor:
        monitor.expect('No alert yet.')
        tap.wait_until(lambda: fake.do('frames', sensor='a1', frames=[]), what='the stream')
        at = len(monitor.text)
        fake.do('signal', member='SensorChanged')
        end = monitor.expect('Out of reach.', at)
        assert 'No alert yet' not in monitor.text[at:end] and 'crampd watches' not in monitor.text[at:end]
        assert 'Ctrl-C ends' in monitor.text and 'q or' not in monitor.text  # there is no keyboard
        assert monitor.finish() == ''
        assert monitor.text.startswith('\x1b[?1049h' + HIDE_CURSOR)
        # Given back, then what came.
        assert monitor.text.endswith(SHOW_CURSOR + '\x1b[?1049lsensor left calf: stalled: Out of reach.\n'), monitor.text[-200:]


def test_live_view_of_a_calibrated_sensor():
    with PrivateBus(), FakeCrampd() as fake:
        calibrated = dict(SENSORS[0], calibrated_us=1, rest_uv=[5.0, 0.0], mvc_uv=[200.0, 0.0], calibration='moved')
        fake.do('set', key='sensors', value=[dict(calibrated, calibration='other-stream')])
        with Monitor(terminal=True) as monitor:
            wait_for_subscribers(fake)
            monitor.expect('left calf: ')
            tap.wait_until(lambda: fake.do('frames', sensor='a1', frames=[]), what='the stream')
            fake.do('frames', sensor='a1', frames=frames(10, 0, (45.0, 5.0), (5.0, 5.0)))
            monitor.expect('rest, 45 uV, x9\x1b[0m; battery')
            fake.do('set', key='sensors', value=[calibrated])
            fake.do('signal', member='SensorChanged', state='streaming')
            fake.do('frames', sensor='a1', frames=frames(10, 0, (50.0, 5.0), (5.0, 5.0)))
            at = monitor.expect('rest, 50 uV, x10, 25 % MVC')
            # The second channel was not calibrated.
            fake.do('frames', sensor='a1', frames=frames(10, 0, (5.0, 5.0), (40.0, 5.0)))
            monitor.expect('rest, 40 uV, x8\x1b[0m; battery', at)


def test_live_view_of_a_sensor_that_begins_later():
    """Its unit is not known when its stream is opened, and may be another one the next time."""
    off = {key: value for key, value in SENSORS[0].items() if key not in ('rate_hz', 'channels')} | {'state': 'scanning'}
    with PrivateBus(), FakeCrampd() as fake:
        fake.do('set', key='sensors', value=[off])
        fake.answer('OpenStream', 'missing arbitrary_unit')
        with Monitor(terminal=True) as monitor:
            wait_for_subscribers(fake)
            at = monitor.expect('left calf: scanning')
            tap.wait_until(lambda: fake.do('frames', sensor='a1', frames=[]), what='the stream')
            for arbitrary, level, said in ((True, 50.0, 'rest, 50, x10'), (False, 60.0, 'rest, 60 uV, x12')):
                fake.do('set', key='sensors', value=[dict(SENSORS[0], arbitrary_unit=arbitrary)])
                fake.do('signal', member='SensorChanged', state='streaming')
                at = monitor.expect('streaming: Data is coming in.', at) if arbitrary else at
                fake.do('frames', sensor='a1', frames=frames(10, 0, (level, 5.0), (5.0, 5.0)))
                at = monitor.expect(said, at)


def test_live_view():
    with PrivateBus(), FakeCrampd() as fake, Monitor(terminal=True) as monitor:
        wait_for_subscribers(fake)
        at = monitor.expect('left calf: streaming')
        tap.wait_until(lambda: fake.do('frames', sensor='a1', frames=[]), what='the stream')
        at = monitor.expect('b2: absent', at)

        # The channel that stands out is shown: here the first, then the second.
        fake.do('frames', sensor='a1', frames=frames(10, 0, (52.0, 40.0), (5.0, 5.0)))
        at = monitor.expect('rest, 52 uV, x1.3', at)
        fake.do('frames', sensor='a1', frames=frames(10, 2, (4.0, 4.0), (160.0, 5.0)))
        at = monitor.expect('CRAMP, 160 uV, x32', at)
        assert ALARM in monitor.text
        fake.do('frames', sensor='a1', frames=frames(10, 3, (4.5, 0.0), (12.0, 0.0)))
        at = monitor.expect('recovering, 4.5 uV', at)

        # What is malformed is skipped, and the next one counts.
        for raw in ('00', '00' * 12, '00' * 8 + '0901' + '00' * 10, '00' * 8 + '0001' + '00' * 9, 'ff' * 20,
                    '00' * 8 + '00010000' + '0000c07f' + '00' * 4, '00' * 3000):
            fake.do('frames', sensor='a1', frames=[raw])
        fake.do('frames', sensor='a1', frames=frames(1, 1, (7.0, 7.0)))
        at = monitor.expect('suspected, 7 uV, x1', at)

        # A link that is lost says so.
        fake.do('set', key='sensors', value=[dict(SENSORS[0], state='stalled', reason='Out of reach.')])
        fake.do('signal', member='SensorChanged')
        at = monitor.expect('left calf: stalled: Out of reach.', at)

        # So does a crampd that goes and comes.
        fake.kill()
        at = monitor.expect('crampd is not there: nobody watches now', at)
        fake.start()
        monitor.expect('left calf: streaming', at)
        assert monitor.finish() == ''


def test_live_view_of_many_channels():
    with PrivateBus(), FakeCrampd() as fake, Monitor(terminal=True) as monitor:
        tap.wait_until(lambda: fake.do('frames', sensor='a1', frames=[]), what='the stream')
        # Only the first 16 are looked at; this is the 16th.
        channels = [(1.0, 1.0)] * 15 + [(3.0, 1.0)] + [(9.0, 1.0)] * 239
        fake.do('frames', sensor='a1', frames=[[0, channels]])
        monitor.expect('rest, 3 uV, x3')
        monitor.finish(signal.SIGTERM)


def test_live_view_without_colour_and_unicode():
    with PrivateBus(), FakeCrampd() as fake, \
            Monitor(terminal=True, env={'LC_ALL': 'C', 'NO_COLOR': '1'}) as monitor:
        tap.wait_until(lambda: fake.do('frames', sensor='a1', frames=[]), what='the stream')
        fake.do('frames', sensor='a1', frames=frames(10, 2, (160.0, 5.0)) + frames(10, 2, (5.0, 5.0)))
        monitor.expect('CRAMP, 5 uV, x1')
        monitor.expect('#_')
        fake.do('signal', member='AlertRaised')
        monitor.expect('2. Pull the toes')
        monitor.finish()
        assert monitor.text.isascii() and ALARM not in monitor.text and RAISED in monitor.text, monitor.text


def test_dumb_terminal_gets_lines():
    with PrivateBus(), FakeCrampd() as fake, Monitor(terminal=True, env={'TERM': 'dumb'}) as monitor:
        wait_for_subscribers(fake)
        fake.do('signal', member='AlertRaised')
        monitor.expect(RAISED)
        monitor.finish()
        assert '\x1b' not in monitor.text


def test_live_view_survives_bad_streams():
    with PrivateBus(), FakeCrampd() as fake:
        for how, said in (('file', 'no packet stream'), ('signature', 'answered'), ('type arbitrary_unit', 'wrong type'),
                          ('error org.crampd1.Error.LimitReached', 'Said no.')):
            fake.answer('OpenStream', how)
            with Monitor(terminal=True, columns=200) as monitor:
                monitor.expect(said)
                fake.do('signal', member='AlertRaised')
                monitor.expect('  2. Pull the toes toward the shin.')
                monitor.finish()
            fake.do('set', key='subscriptions', value=[])


def test_what_came_is_kept_within_bounds():
    with PrivateBus(), FakeCrampd() as fake, Monitor(terminal=True) as monitor:
        wait_for_subscribers(fake)
        for number in range(300):
            fake.do('signal', member='SensorChanged', reason=f'{number} ' + 'x' * 500)
        monitor.expect('stalled: 299')
        monitor.finish()
        kept = monitor.text.split('\x1b[?1049l')[1].splitlines()
        assert 60 <= len(kept) <= 140 and all(line.startswith('sensor left calf: stalled: ') for line in kept), len(kept)
        assert [int(line.split()[4]) for line in kept] == list(range(300 - len(kept), 300)), kept[-1][:60]


def test_signals_during_a_call_are_kept():
    with PrivateBus(), FakeCrampd() as fake:
        # Both come before the answer that is waited for, and nothing follows that would wake the loop.
        fake.answer('ListSensors', 'signals-first')
        with Monitor(terminal=True) as monitor:
            monitor.expect('cramp over')
            monitor.finish()


def test_stream_ends_with_the_daemon():
    with PrivateBus(), FakeCrampd() as fake, Monitor(terminal=True) as monitor:
        tap.wait_until(lambda: fake.do('frames', sensor='a1', frames=frames(1, 0, (5.0, 5.0))), what='the stream')
        at = monitor.expect('rest, 5 uV')
        fake.kill()
        at = monitor.expect('crampd is not there: nobody watches now', at)
        fake.start()
        at = monitor.expect('crampd is there', at)
        tap.wait_until(lambda: fake.do('frames', sensor='a1', frames=frames(1, 0, (6.0, 6.0))), what='the stream')
        monitor.expect('rest, 6 uV', at)
        monitor.finish()


def test_stops_and_goes_on():
    with PrivateBus(), FakeCrampd() as fake, Monitor(terminal=True) as monitor:
        wait_for_subscribers(fake)
        at = monitor.expect('left calf: ')
        monitor.process.send_signal(signal.SIGTSTP)
        at = monitor.expect(SHOW_CURSOR, at)
        _, status = os.waitpid(monitor.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), status
        monitor.process.send_signal(signal.SIGCONT)
        at = monitor.expect(HIDE_CURSOR, at)
        monitor.expect('left calf: ', at)
        monitor.finish()


tap.main(globals())
