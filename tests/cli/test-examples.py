# SPDX-License-Identifier: MIT
"""The examples of the client library, as a user has them: from an installation into a folder, the one in C compiled against
the installed header and .pc file. Each lists the last week and runs a command at an alert."""

import glob
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from crampctl import CRAMPCTL, environment
from fakecrampd import EPISODES, RELIEF, FakeCrampd
from privatebus import PrivateBus, die_with_parent

BUILD = os.environ['BUILD_ROOT']
PREFIX = os.environ['PREFIX']
LIMIT_S = 20


class Installed:
    """Everything, below a folder of its own."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix='examples-')
        subprocess.run(['meson', 'install', '--no-rebuild', '--quiet', '-C', BUILD, '--destdir', self.folder], check=True,
                       stdout=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def path(self, pattern):
        (found,) = glob.glob(f'{self.folder}{PREFIX}/{pattern}', recursive=True)
        return found

    def compile(self):
        """Returns the program and the folder of its library."""
        pc = self.path('**/pkgconfig/crampd-client.pc')
        flags = subprocess.run(['pkg-config', f'--define-variable=prefix={self.folder}{PREFIX}', '--cflags', '--libs', pc],
                               capture_output=True, text=True, check=True).stdout.split()
        program = os.path.join(self.folder, 'lamp')
        subprocess.run([*shlex.split(os.environ['CC']), *shlex.split(os.environ['CC_FLAGS']), '-std=c99', '-D_POSIX_C_SOURCE=200809L',
                        '-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror', self.path('share/doc/crampd/examples/lamp.c'),
                        '-o', program, *flags], check=True)
        return program, os.path.dirname(os.path.dirname(pc))


def check_without_bus(command, **more):
    done = subprocess.run([part for part in command if not part.startswith('NOTE')], capture_output=True, text=True, timeout=LIMIT_S,
                          check=False, env=environment(DBUS_SYSTEM_BUS_ADDRESS='unix:path=/nonexistent', **more))
    assert done.returncode != 0 and done.stderr.startswith('cramp') and done.stderr.count('\n') == 1, done


def check(command, episode_line, relief, warning=None, **more):
    """Without a bus, and with one. NOTE in the command stands for what it runs at an alert: as some words, or as one with ' x'."""
    check_without_bus(command, **more)
    with PrivateBus() as bus, FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        runs = os.path.join(folder, 'runs')
        now_us = time.time_ns() // 1000
        fake.do('set', key='episodes', value=[dict(EPISODES[0], onset_us=now_us, end_us=now_us + 1)])
        words = {'NOTE': ['sh', '-c', f'echo on >>{runs}'], 'NOTE x': [f'echo on >>{runs}']}
        command = [part for word in command for part in words.get(word, [word])]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(**more), preexec_fn=die_with_parent)
        try:
            assert episode_line in process.stdout.readline()
            tap.wait_until(lambda: fake.subscribers() == 1, LIMIT_S, 'the subscription')
            (since_us,) = [call['args'][0]['since_us'] for call in fake.do('calls') if call['member'].endswith('Episodes')]
            assert abs(now_us - since_us - 7 * 86400 * 1000000) < 60 * 1000000, since_us
            # Of these three one is an alert, and news.
            fake.do('signal', member='AlertRaised', details={'repeated': True}, relief=['Old news.'])
            fake.do('signal', member='AlertEnded')
            fake.do('signal', member='AlertRaised')
            if warning:
                fake.do('signal', member='SensorWarning')
            for line in [*relief, *([warning] if warning else [])]:
                assert process.stdout.readline() == line + '\n'
            # It ends with the bus, when all commands have.
            bus.stop()
            assert process.stdout.read() == ''
            process.wait(LIMIT_S)
            with open(runs, encoding='utf-8') as file:
                assert file.read() == 'on\n'
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def test_c():
    with Installed() as installed:
        program, libraries = installed.compile()
        check([program, 'NOTE x'], 'left gastrocnemius-medialis, moderate', RELIEF, LD_LIBRARY_PATH=libraries)


def test_python():
    with Installed() as installed:
        check([sys.executable, installed.path('share/doc/crampd/examples/lamp.py'), 'NOTE x'],
              'left gastrocnemius-medialis, moderate', RELIEF)


def test_shell():
    with Installed() as installed:
        check(['sh', installed.path('share/doc/crampd/examples/lamp.sh'), 'NOTE'], 'gastrocnemius-medialis',
              ['Cramp: sit up and hold on before you stand.'], 'Charge the sensor before the night.',
              PATH=os.path.dirname(CRAMPCTL) + ':' + os.environ['PATH'])


tap.main(globals())
