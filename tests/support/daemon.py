# SPDX-License-Identifier: MIT
"""A real crampd on a private bus with the shipped policy, and clients that listen to it. For tests of the whole service.

    with System() as system:                  # bus
        with system.daemon('--virtual', file):  # crampd; its state folder lasts as long as the system
            client = system.client()

Programs come from the environment: CRAMPD, and WRAPPER (valgrind, say) in front of it."""

import os
import pwd
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import dbus
import dbus.lowlevel
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

import privatebus

NAME = 'org.crampd1'
ROOT = '/org/crampd1'
MANAGER, SENSOR, HISTORY, GUIDANCE = (f'{NAME}.{interface}' for interface in ('Manager', 'Sensor', 'History', 'Guidance'))
SOURCE = Path(__file__).resolve().parents[2]

# Memory checkers slow everything down.
LIMIT_S = 120 if os.environ.get('WRAPPER') or os.environ.get('TESTS_SLOW') else 30
# How often a client asks whether what it waits for has come: under valgrind crampd would do little but answer.
ASK_EVERY_MS = 100 if os.environ.get('WRAPPER') else 20

# A mock of bluetoothd runs as the same user as the daemon here, so it must be let broadcast again what only the daemon
# may not. The daemon's own broadcasts are watched where there is no mock (test-policy.py, test-daemon.py).
BLUEZ_POLICY = '''<busconfig>
  <policy context="default"><allow own="org.bluez"/><allow send_destination="org.bluez"/></policy>
  <policy user="{user}">
    <allow send_broadcast="true" send_interface="org.freedesktop.DBus.Properties"/>
  </policy>
</busconfig>'''


class System:
    """The bus, with the policy made out for the user that runs the test; `bluez`: a mock of bluetoothd will be on it;
    `limits`: of the bus, by name, in place of dbus-daemon's own."""

    def __init__(self, bluez=False, limits=None):
        self.bluez = bluez
        self.limits = limits or {}

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix='crampd-'))
        self.folder.chmod(0o755)
        self.state = self.folder / 'state'
        self.state.mkdir(mode=0o700)
        user = pwd.getpwuid(os.geteuid()).pw_name
        policy = self.folder / 'org.crampd1.conf'
        policy.write_text((SOURCE / 'dbus/org.crampd1.conf.in').read_text(encoding='utf-8').replace('@user@', user),
                          encoding='utf-8')
        includes = [policy]
        if self.bluez:
            includes.append(self.folder / 'bluez.conf')
            includes[1].write_text(BLUEZ_POLICY.format(user=user), encoding='utf-8')
        limits = ''.join(f'<limit name="{name}">{value}</limit>' for name, value in self.limits.items())
        self.bus = privatebus.PrivateBus(policy=privatebus.POLICY_SYSTEM + limits, includes=includes)
        try:
            self.bus.__enter__()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(self, *exception):
        self.bus.__exit__(*exception)
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self):
        return Client(self.bus.address)

    def daemon(self, *arguments, state=None):
        return Daemon(self, arguments, state or self.state)


class Daemon:
    def __init__(self, system, arguments, state):
        self.system = system
        wrapper = shlex.split(os.environ.get('WRAPPER', ''))
        self.command = [*wrapper, os.environ['CRAMPD'], '--state-dir', str(state), *map(str, arguments)]

    def __enter__(self):
        self.log_path = self.system.folder / f'log-{time.monotonic_ns()}'
        with open(self.log_path, 'wb') as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            preexec_fn=privatebus.die_with_parent)
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            status = self.stop()
            if kind is None:
                assert status == 0, f'crampd ended with {status}:\n{self.log()}'

    def wait_ready(self):
        client = self.system.client()
        try:
            client.wait(lambda: client.has_owner(NAME) or self.process.poll() is not None, what='crampd to take its name')
            assert self.process.poll() is None, f'crampd ended with {self.process.returncode}:\n{self.log()}'
        except AssertionError as error:
            raise AssertionError(f'{error}\n{self.log()}') from error
        finally:
            client.close()

    def log(self):
        """What it has said. The folder's name is drawn by chance: in it nothing private is betrayed."""
        return self.log_path.read_text(encoding='utf-8', errors='replace').replace(str(self.system.folder), '/folder')

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT_S)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Client:
    """A connection that keeps every signal it hears, as (member, arguments)."""

    def __init__(self, address):
        self.connection = dbus.bus.BusConnection(address, mainloop=DBusGMainLoop())
        self.connection.set_exit_on_disconnect(False)
        self.connection.add_message_filter(self._filter)
        self.signals = []

    def _filter(self, connection, message):
        if message.get_type() == 4 and (message.get_interface() or '').startswith(NAME):
            self.signals.append((message.get_member(), message.get_args_list(), time.clock_gettime(time.CLOCK_BOOTTIME)))
        return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED

    def close(self):
        self.connection.close()

    def has_owner(self, name):
        return self.connection.name_has_owner(name)

    def wait(self, condition, limit_s=LIMIT_S, what='the condition'):
        """Runs the loop until condition() is true, but always takes in first what a blocking call left waiting."""
        context = GLib.MainContext.default()
        for _ in range(10000):
            if not context.iteration(False):
                break
        end = time.monotonic() + limit_s
        wake = GLib.timeout_add(ASK_EVERY_MS, lambda: True)
        try:
            while not (value := condition()):
                if time.monotonic() > end:
                    raise AssertionError(f'waited {limit_s} s in vain for {what}')
                context.iteration(True)
            return value
        finally:
            GLib.source_remove(wake)

    def wait_signal(self, member, limit_s=LIMIT_S):
        def first():
            return next((entry for entry in self.signals if entry[0] == member), None)
        return self.wait(first, limit_s, f'the signal {member}')

    def call(self, path, interface, method, signature='', *arguments, timeout=LIMIT_S):
        return self.connection.call_blocking(NAME, path, interface, method, signature, arguments, timeout=timeout)

    def options(self, **values):
        return dbus.Dictionary(values, signature='sv')

    def subscribe(self):
        self.call(ROOT, MANAGER, 'Subscribe', 'a{sv}', self.options())

    def sensors(self):
        return self.call(ROOT, MANAGER, 'ListSensors', 'a{sv}', self.options())

    def episodes(self, **filters):
        return self.call(ROOT, HISTORY, 'ListEpisodes', 'a{sv}', self.options(**filters))[0]

    def error_of(self, *call):
        """The name of the error that a call must end with."""
        return self.refusal(*call)[0]

    def refusal(self, *call):
        """The same, and its words."""
        try:
            answer = self.call(*call)
        except dbus.DBusException as error:
            return error.get_dbus_name(), error.get_dbus_message()
        raise AssertionError(f'{call[2]} answered {answer!r} instead of an error')
