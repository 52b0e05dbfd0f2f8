# SPDX-License-Identifier: MIT
"""What the scripts of the virtual machine's inside have in common: commands as this or that user, crampctl's answers,
properties of units, and programs that are listened to."""

import json
import subprocess
import time
from pathlib import Path

import tap

# Who wears the sensor, and who else has an account on the machine.
SLEEPER, NEIGHBOUR = 'sleeper', 'neighbour'
# Everything is some ten times slower than on a real machine.
LIMIT_S = 60


def run(*command, user=None, check=True):
    """Runs a command, as a user if one is given, and returns what it printed."""
    if user:
        command = ('setpriv', f'--reuid={user}', f'--regid={user}', '--clear-groups', '--reset-env', '--') + command
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=LIMIT_S * 3, cwd='/', check=False)
    if check and done.returncode != 0:
        raise AssertionError(f'{" ".join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}')
    return done.stdout


def crampctl(*arguments, user=SLEEPER):
    return run('crampctl', *arguments, user=user)


def crampctl_objects(*arguments, user=SLEEPER):
    return [json.loads(line) for line in crampctl('--json', *arguments, user=user).splitlines()]


def unit_properties(name, *properties, show=('systemctl',), user=None):
    """As `systemctl show` prints them. One call for all: each takes a second here."""
    printed = run(*show, 'show', f'--property={",".join(properties)}', name, user=user)
    return dict(line.split('=', 1) for line in printed.splitlines())


def unit(unit_property, name='crampd.service'):
    return unit_properties(name, unit_property)[unit_property]


class Listener:
    """A program that prints lines for as long as it runs; each is kept with its time of arrival."""

    def __init__(self, user, *command):
        self.path = Path(f'/run/{user}-{time.monotonic_ns()}.log')
        with open(self.path, 'wb') as log:
            self.process = subprocess.Popen(
                ['setpriv', f'--reuid={user}', f'--regid={user}', '--clear-groups', '--reset-env', '--', *command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd='/')

    def lines(self):
        return self.path.read_text(encoding='utf-8').splitlines()

    def wait_line(self, is_wanted, what, limit_s=LIMIT_S, number=0):
        def found():
            assert self.process.poll() is None, f'ended while waiting for {what}: {self.lines()}'
            lines = [line for line in self.lines() if is_wanted(line)]
            return lines[number:number + 1]
        return tap.wait_until(found, limit_s, what)[0]

    def stop(self):
        self.process.terminate()
        self.process.wait(LIMIT_S)


class Monitor(Listener):
    """crampctl monitor --json of one user."""

    def __init__(self, user):
        super().__init__(user, 'crampctl', '--json', 'monitor')

    def wait_event(self, event_type, limit_s=LIMIT_S, number=0, **members):
        """The event of that number among those of the type that have these members."""
        def wanted(line):
            event = json.loads(line)
            return event.get('type') == event_type and all(event.get(key) == value for key, value in members.items())
        return json.loads(self.wait_line(wanted, f'{event_type} {members}', limit_s, number))
