#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The shipped bus policy, on a real dbus-daemon with the rules of a system bus: what the daemon's account can and
cannot let out, and who may ask. Needs dbus-daemon, python3-dbus and python3-gi. The daemon itself is not run: the policy
must hold whatever it does."""

import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import dbus  # noqa: E402
import dbus.lowlevel  # noqa: E402
from dbus.mainloop.glib import DBusGMainLoop  # noqa: E402
from gi.repository import GLib  # noqa: E402

import privatebus  # noqa: E402
import tap  # noqa: E402

NAME = 'org.crampd1'
PATH = '/org/crampd1'
OWN_INTERFACES = ('org.crampd1.Manager', 'org.crampd1.Sensor', 'org.crampd1.History', 'org.crampd1.Guidance')
PROPERTIES = 'org.freedesktop.DBus.Properties'
OBJECT_MANAGER = 'org.freedesktop.DBus.ObjectManager'
SILENCED = OWN_INTERFACES + (PROPERTIES,)
PEER = 'org.freedesktop.DBus.Peer'
CALLABLE = SILENCED + (OBJECT_MANAGER, 'org.freedesktop.DBus.Introspectable')
DENIED = 'org.freedesktop.DBus.Error.AccessDenied'
LIMIT_S = 20

# Lets the tests' mock of another service have a name; the shipped policy knows nothing of it.
BLUEZ_POLICY = '''<busconfig><policy context="default"><allow own="org.bluez"/></policy></busconfig>'''


def policy_for(user, folder):
    template = (HERE.parents[1] / 'dbus' / 'org.crampd1.conf.in').read_text(encoding='utf-8')
    path = Path(folder) / 'org.crampd1.conf'
    path.write_text(template.replace('@user@', user), encoding='utf-8')
    return path


class Bus:
    """A private bus on which `user` (default: we) is the daemon's account."""

    def __init__(self, user=None):
        self.user = user or pwd.getpwuid(os.geteuid()).pw_name

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix='policy-')
        bluez = Path(self.folder.name) / 'bluez.conf'
        bluez.write_text(BLUEZ_POLICY, encoding='utf-8')
        self.bus = privatebus.PrivateBus(policy=privatebus.POLICY_SYSTEM,
                                         includes=[policy_for(self.user, self.folder.name), bluez])
        self.bus.__enter__()
        return self

    def __exit__(self, *exception):
        self.bus.__exit__(*exception)
        self.folder.cleanup()

    def connect(self):
        return Peer(self.bus.address)


class Peer:
    """A connection that keeps the signals it hears and answers every call with an empty reply."""

    def __init__(self, address):
        self.connection = dbus.bus.BusConnection(address, mainloop=DBusGMainLoop())
        self.connection.set_exit_on_disconnect(False)
        self.signals = []
        self.calls = []
        self.connection.add_message_filter(self._filter)

    def _filter(self, connection, message):
        if isinstance(message, dbus.lowlevel.SignalMessage):
            if message.get_sender() != 'org.freedesktop.DBus':
                self.signals.append(message.get_interface())
            return dbus.lowlevel.HANDLER_RESULT_HANDLED
        if isinstance(message, dbus.lowlevel.MethodCallMessage):
            self.calls.append(message.get_interface())
            if not message.get_no_reply():
                connection.send_message(dbus.lowlevel.MethodReturnMessage(message))
            return dbus.lowlevel.HANDLER_RESULT_HANDLED
        return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED

    def own(self, name):
        self.connection.request_name(name, dbus.bus.NAME_FLAG_DO_NOT_QUEUE)

    def listen(self):
        self.connection.add_match_string("type='signal'")

    def emit(self, interface, destination=None):
        message = dbus.lowlevel.SignalMessage(PATH, interface, 'Something')
        if destination:
            message.set_destination(destination)
        self.connection.send_message(message)
        self.connection.flush()

    def call(self, interface, destination=NAME, *arguments, signature=''):
        """Returns the error's name, or None for an answer."""
        message = dbus.lowlevel.MethodCallMessage(destination, PATH, interface, 'Ping')
        message.append(*arguments, signature=signature)
        answers = []
        self.connection.send_message_with_reply(message, answers.append, LIMIT_S)
        loop_until(lambda: answers, f'an answer to {interface}')
        if isinstance(answers[0], dbus.lowlevel.ErrorMessage):
            return answers[0].get_error_name()
        return None


def loop_until(condition, what):
    def step():
        while GLib.MainContext.default().iteration(False):
            pass
        return condition()
    tap.wait_until(step, LIMIT_S, what)


def test_broadcasts_are_stopped():
    with Bus() as bus:
        daemon, listener = bus.connect(), bus.connect()
        daemon.own(NAME)
        listener.listen()
        for interface in SILENCED:
            daemon.emit(interface)
        # What is allowed comes last, and the bus keeps the order: when it is there, nothing can follow.
        daemon.emit(OBJECT_MANAGER)
        loop_until(lambda: listener.signals, 'the broadcast that is allowed')
        assert listener.signals == [OBJECT_MANAGER], listener.signals


def test_unicast_arrives():
    with Bus() as bus:
        daemon, listener, other = bus.connect(), bus.connect(), bus.connect()
        daemon.own(NAME)
        other.listen()
        for interface in SILENCED:
            daemon.emit(interface, listener.connection.get_unique_name())
        daemon.emit(OBJECT_MANAGER)
        loop_until(lambda: len(listener.signals) == len(SILENCED) and other.signals, 'the signals')
        assert tuple(listener.signals) == SILENCED, listener.signals
        assert other.signals == [OBJECT_MANAGER], other.signals


def test_calls_arrive():
    with Bus() as bus:
        daemon, client = bus.connect(), bus.connect()
        daemon.own(NAME)
        for interface in CALLABLE:
            error = client.call(interface)
            assert error is None, (interface, error)
        # libdbus answers this one by itself.
        assert client.call(PEER) is None
        assert tuple(daemon.calls) == CALLABLE, daemon.calls


def test_other_interfaces_are_refused():
    with Bus() as bus:
        daemon, client = bus.connect(), bus.connect()
        daemon.own(NAME)
        for interface in ('org.crampd1.Other', 'org.freedesktop.systemd1.Manager', 'org.bluez.GattCharacteristic1'):
            error = client.call(interface)
            assert error == DENIED, (interface, error)
        assert not daemon.calls, daemon.calls


def test_descriptors_are_refused():
    with Bus() as bus, open(os.devnull, 'rb') as file:
        daemon, client = bus.connect(), bus.connect()
        daemon.own(NAME)
        error = client.call(OWN_INTERFACES[0], NAME, dbus.types.UnixFd(file), signature='h')
        assert error == DENIED, error
        assert not daemon.calls, daemon.calls


def test_daemon_calls_bluez():
    with Bus() as bus:
        daemon, bluez = bus.connect(), bus.connect()
        daemon.own(NAME)
        bluez.own('org.bluez')
        # Properties too, whose broadcasts are stopped.
        for interface in ('org.bluez.Device1', OBJECT_MANAGER, PROPERTIES):
            error = daemon.call(interface, 'org.bluez')
            assert error is None, (interface, error)


def test_signals_of_strangers_are_stopped():
    with Bus() as bus:
        daemon, bluez, stranger = bus.connect(), bus.connect(), bus.connect()
        bluez.own('org.bluez')
        name = daemon.connection.get_unique_name()
        daemon.listen()
        stranger.emit(OBJECT_MANAGER, name)
        stranger.emit(OBJECT_MANAGER)
        # The bus has taken those above when it answers the stranger.
        stranger.connection.get_name_owner('org.bluez')
        bluez.emit('org.bluez.Device1', name)
        loop_until(lambda: daemon.signals, 'the signal of BlueZ')
        assert daemon.signals == ['org.bluez.Device1'], daemon.signals


def test_others_cannot_own_the_name():
    stranger = 'nobody' if os.geteuid() == 0 else 'root'
    with Bus(stranger) as bus:
        peer = bus.connect()
        try:
            peer.own(NAME)
        except dbus.DBusException as exception:
            assert exception.get_dbus_name() == DENIED, exception
        else:
            raise AssertionError(f'the name is free to all, not to {stranger} alone')


def account_cannot_own_but_may_ask():
    program = (
        'import dbus, os\n'
        'bus = dbus.bus.BusConnection(os.environ["DBUS_SYSTEM_BUS_ADDRESS"])\n'
        'try:\n'
        f'    bus.request_name("{NAME}")\n'
        'except dbus.DBusException as e:\n'
        '    print(e.get_dbus_name())\n'
        f'bus.call_blocking("{NAME}", "{PATH}", "{OWN_INTERFACES[0]}", "Ping", "", ())\n'
        'print("answered")\n')
    with Bus() as bus:
        daemon = bus.connect()
        daemon.own(NAME)
        child = subprocess.Popen(['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', '--',
                                  '/usr/bin/python3', '-c', program], stdout=subprocess.PIPE, text=True, cwd='/',
                                 preexec_fn=privatebus.die_with_parent)
        loop_until(lambda: child.poll() is not None, 'the other account')
        output = child.communicate()[0].split()
        assert output == [DENIED, 'answered'], output


# Only root can become somebody else.
if os.geteuid() == 0:
    test_account_cannot_own_but_may_ask = account_cannot_own_but_may_ask

tap.main(globals())
