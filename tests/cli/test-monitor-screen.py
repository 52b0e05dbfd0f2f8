# SPDX-License-Identifier: MIT
"""The live view of crampctl monitor on a terminal of tmux, which has nothing to do with how it is drawn: what is on the screen, at
several sizes, and how the terminal is left."""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import golden
import tap
from fakecrampd import SENSORS, FakeCrampd
from privatebus import PrivateBus

WRAPPER = shlex.split(os.environ.get('WRAPPER', ''))
CRAMPCTL = os.environ['CRAMPCTL']
LIMIT_S = 20


def frames(count, state, *channels):
    return [[state, list(channels)]] * count


class Screen:
    """A shell on a terminal of tmux, which keeps what is on its screen."""

    def __init__(self, columns=80, rows=24, **env):
        self.folder = tempfile.TemporaryDirectory()
        environment = {name: value for name, value in os.environ.items() if name not in ('NO_COLOR', 'LANGUAGE', 'TMUX')}
        environment |= {'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', 'TERM': 'xterm', 'PS1': '$ ', 'ENV': '', **env}
        self.tmux('new-session', '-d', '-x', str(columns), '-y', str(rows), 'sh', env=environment)

    def tmux(self, *arguments, env=None):
        done = subprocess.run(['tmux', '-S', os.path.join(self.folder.name, 'tmux'), '-f', '/dev/null', *arguments],
                              capture_output=True, text=True, timeout=60, env=env, check=False)
        assert done.returncode == 0, done
        return done.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux('kill-server')
        self.folder.cleanup()

    def type(self, *keys):
        self.tmux('send-keys', *keys)

    def start(self):
        self.type(shlex.join([*WRAPPER, CRAMPCTL, 'monitor']), 'Enter')

    def text(self, *more):
        return self.tmux('capture-pane', '-p', *more)

    def resize(self, columns, rows):
        self.tmux('resize-window', '-x', str(columns), '-y', str(rows))

    def wait(self, *texts):
        """Waits until all of that is on the screen; returns the screen."""
        seen = ''

        def there():
            nonlocal seen
            seen = self.text()
            return all(text in seen for text in texts)
        try:
            tap.wait_until(there, limit_s=LIMIT_S, what='the screen')
        except AssertionError as error:
            raise AssertionError(f'waited for {texts} on:\n{seen}') from error
        return seen

    def state(self):
        """Whether the alternate screen is taken, and whether the cursor is shown."""
        return self.tmux('display-message', '-p', '#{alternate_on} #{cursor_flag}').split()

    def check_given_back(self):
        tap.wait_until(lambda: self.state() == ['0', '1'], limit_s=LIMIT_S, what='the screen to be given back')
        # What is typed while the terminal changes hands may be lost.
        tap.wait_until(lambda: self.tmux('display-message', '-p', '#{pane_current_command}').strip() == 'sh', limit_s=LIMIT_S,
                       what='the shell')
        self.type("stty -a | tr ' ' '\\n' | grep -cx -e echo -e icanon -e isig", 'Enter')
        # The prompt may come after what is typed.
        tap.wait_until(lambda: re.search('^([#$] )?3$', self.text(), re.M), limit_s=LIMIT_S, what='echo')


def wave(fake):
    """Ten seconds of rest, then a cramp that grows."""
    fake.do('frames', sensor='a1', frames=frames(200, 0, (5.0, 5.0), (6.0, 6.0)))
    for i in range(20):
        fake.do('frames', sensor='a1', frames=frames(10, 1 if i < 12 else 2, (5.0 * (1 + i * 0.6), 5.0), (6.0, 6.0)))


def test_screen_at_two_sizes():
    with PrivateBus(), FakeCrampd() as fake:
        fake.do('set', key='sensors', value=[dict(SENSORS[0], signal='noisy'), SENSORS[1]])
        with Screen() as screen:
            screen.start()
            tap.wait_until(lambda: fake.do('frames', sensor='a1', frames=[]), limit_s=LIMIT_S, what='the stream')
            golden.check(__file__, 'monitor-quiet.txt', screen.wait('No alert yet.', 'absent: Not heard yet.'))
            assert screen.state() == ['1', '0']
            wave(fake)
            fake.do('signal', member='AlertRaised')
            seen = screen.wait('CRAMP, 62 uV, x12.4', 'battery 87 %', 'rest is too loud', '2. Pull the toes')
            golden.check(__file__, 'monitor-80.txt', seen)
            # Smaller, and back; nothing of the old size is left.
            screen.resize(46, 11)
            golden.check(__file__, 'monitor-46.txt', screen.wait('CRAMP, 62 uV', 'shin.'))
            screen.resize(80, 24)
            tap.wait_until(lambda: screen.text() == seen, limit_s=LIMIT_S, what='the first size again')
            # As long as it lasts its steps stay; then one line is left of it.
            fake.do('signal', member='SensorChanged')
            assert '2. Pull the toes' in screen.wait('sensor left calf: stalled: Out of reach.')
            fake.do('signal', member='AlertEnded')
            assert '2. Pull' not in screen.wait('cramp over: left calf', 'lasted 1:05')
            screen.type('x', 'q')
            screen.check_given_back()
            # What came stays readable.
            seen = screen.text()
            assert 'CRAMP: left calf' in seen and '2. Pull the toes' in seen and 'cramp over' in seen, seen


def test_screen_is_given_back_however_it_ends():
    with PrivateBus() as bus, FakeCrampd() as fake, Screen() as screen:
        def begin():
            fake.do('set', key='subscriptions', value=[])
            screen.type('clear', 'Enter')
            screen.start()
            screen.wait('crampd watches - q or Ctrl-C ends', 'left calf: ')
            assert screen.state() == ['1', '0']

        def process():
            return int(subprocess.run(['pgrep', '-n', '-P', screen.tmux('display-message', '-p', '#{pane_pid}').strip()],
                                      capture_output=True, text=True, check=True).stdout)

        for keys in (['C-c'], ['C-\\'], ['Q']):
            begin()
            screen.type(*keys)
            screen.check_given_back()
        begin()
        os.kill(process(), signal.SIGTERM)
        screen.check_given_back()
        # Into the background and back, with all that changed meanwhile.
        begin()
        screen.type('C-z')
        screen.check_given_back()
        screen.resize(60, 20)
        screen.type('fg', 'Enter')
        screen.wait('crampd watches - q or Ctrl-C ends', 'left calf: ')
        assert screen.state() == ['1', '0']
        # And what went wrong is told where it stays.
        bus.stop()
        screen.wait('crampctl: the system bus has gone')
        screen.check_given_back()


def test_screen_never_wraps():
    with PrivateBus(), FakeCrampd() as fake:
        fake.do('set', key='sensors', value=[dict(SENSORS[0], name='äb\x1b[2J左' * 20, reason='\x1b[5mx', muscle='m' * 300)])
        with Screen() as screen:
            screen.start()
            tap.wait_until(lambda: fake.do('frames', sensor='a1', frames=[]), limit_s=LIMIT_S, what='the stream')
            fake.do('frames', sensor='a1', frames=frames(3, 1, (123456.0, 1.0)))
            fake.do('signal', member='AlertRaised', relief=['z' * 500, 'last'])
            for columns, rows in ((10, 5), (20, 3), (33, 40), (80, 24), (200, 50)):
                screen.resize(columns, rows)

                def fits():
                    """The alert goes before all else; the title and the sensors stay where there is room."""
                    seen = screen.text().splitlines()
                    return any(line.startswith('CRAMP:') for line in seen) and len(seen) <= rows and (
                        rows < 24 or (seen[0].startswith('crampd watches') and seen[1].startswith('äb?[2J左') and
                                      seen[-1].rstrip() == '  2. last'))
                tap.wait_until(fits, limit_s=LIMIT_S, what=f'a screen of {columns} by {rows}')
            screen.type('q')
            screen.check_given_back()


tap.main(globals())
