# SPDX-License-Identifier: MIT
"""A fake desktop for tests of cramp-notify: a notification server and a screen saver on the (private) session bus, and
logind on the system bus, in a process of its own that is told what to do and able to misbehave.

    with FakeDesktop() as desktop:
        desktop.do('notices')

Needs python3-dbus and python3-gi."""

import json
import os
import signal
import time

import puppet

NOTIFICATIONS = 'org.freedesktop.Notifications'
PATH = '/org/freedesktop/Notifications'
SAVER = 'org.freedesktop.ScreenSaver'
LOGIND = 'org.freedesktop.login1'
SESSION = '/org/freedesktop/login1/session/_31'
CAPABILITIES = ['actions', 'body', 'body-markup', 'persistence', 'sound']


class FakeDesktop(puppet.Puppet):
    """The test's end of the process."""

    program = os.path.abspath(__file__)

    def notices(self):
        """All that were shown so far, oldest first."""
        return self.do('notices')

    def closed(self):
        """Ids that were asked to be closed."""
        return self.do('closed')


# --- the process ---


def run():
    import dbus
    import dbus.bus
    import dbus.lowlevel
    import dbus.mainloop.glib

    class Desktop:
        def __init__(self):
            loop = dbus.mainloop.glib.DBusGMainLoop()
            self.session = dbus.bus.BusConnection(os.environ['DBUS_SESSION_BUS_ADDRESS'], mainloop=loop)
            self.stranger = dbus.bus.BusConnection(os.environ['DBUS_SESSION_BUS_ADDRESS'], mainloop=loop)
            self.system = dbus.bus.BusConnection(os.environ['DBUS_SYSTEM_BUS_ADDRESS'], mainloop=loop)
            for bus in (self.session, self.system):
                bus.add_message_filter(self.filter)
            self.do_reset(None)

        # --- calls ---

        def filter(self, bus, message):
            member = message.get_member()
            if message.get_type() != 1 or not hasattr(self, 'on_' + member):
                return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
            getattr(self, 'on_' + member)(bus, message)
            return dbus.lowlevel.HANDLER_RESULT_HANDLED

        @staticmethod
        def reply(bus, message, signature='', *values):
            reply = dbus.lowlevel.MethodReturnMessage(message)
            reply.append(*values, signature=signature)
            bus.send_message(reply)

        def on_GetCapabilities(self, bus, message):
            self.asked += 1
            if self.how == 'no capabilities':
                bus.send_message(dbus.lowlevel.ErrorMessage(message, 'com.example.Failed', 'No.'))
            elif self.how != 'silent':
                self.reply(bus, message, 'as', self.capabilities)

        def on_Notify(self, bus, message):
            app, replaces, icon, summary, body, actions, hints, expire = message.get_args_list()
            if self.how == 'vanish':
                os._exit(0)
            number = int(replaces)
            if number == 0:
                number, self.next_id = self.next_id, self.next_id + 1
            self.shown.append({'id': number, 'replaces': int(replaces), 'summary': summary, 'body': body, 'app': app,
                               'actions': dict(zip(actions[::2], actions[1::2])), 'expire': int(expire),
                               'hints': {key: json.loads(json.dumps(value)) for key, value in hints.items()},
                               'time': time.monotonic()})
            if self.how == 'hold':
                self.held.append((bus, message, number))
            elif self.how == 'error':
                bus.send_message(dbus.lowlevel.ErrorMessage(message, 'com.example.Failed', 'No.'))
            elif self.how == 'signature':
                self.reply(bus, message, 's', 'not what you expect')
            elif self.how == 'zero':
                self.reply(bus, message, 'u', 0)
            else:
                self.reply(bus, message, 'u', number)

        def on_CloseNotification(self, bus, message):
            number = int(message.get_args_list()[0])
            self.closes.append(number)
            self.signal('NotificationClosed', 'uu', number, 3)

        def on_GetActive(self, bus, message):
            self.reply(bus, message, 'b', self.saver_active)

        def on_Get(self, bus, message):
            if message.get_path() != '/org/freedesktop/login1/session/auto':
                bus.send_message(dbus.lowlevel.ErrorMessage(message, 'com.example.Wrong', 'No such session.'))
            else:
                self.reply(bus, message, 'v', dbus.Boolean(self.locked, variant_level=1))

        def signal(self, member, signature, *values, bus=None):
            message = dbus.lowlevel.SignalMessage(PATH, NOTIFICATIONS, member)
            message.append(*values, signature=signature)
            (bus or self.session).send_message(message)
            (bus or self.session).flush()

        # --- commands ---

        def do_reset(self, command):
            self.capabilities = CAPABILITIES
            self.shown, self.closes, self.asked = [], [], 0
            self.next_id = 1
            self.how = None
            self.held = []
            self.saver_active = self.locked = False
            self.session.request_name(NOTIFICATIONS)
            self.session.release_name(SAVER)
            self.system.release_name(LOGIND)

        def do_notices(self, command):
            return self.shown

        def do_closed(self, command):
            return self.closes

        def do_asked(self, command):
            return self.asked

        def do_answer(self, command):
            """How Notify() is answered: 'hold' (until do_release_held), 'error', 'signature', 'zero', 'vanish', None; 'silent': it does not tell
            what it can do."""
            self.how = command['how']

        def do_release_held(self, command):
            self.how = None
            for bus, message, number in self.held:
                self.reply(bus, message, 'u', number)
            self.held = []

        def do_set(self, command):
            setattr(self, command['key'], command['value'])

        def do_choose(self, command):
            """The user chooses an action; `close`: the server closes the notice then, as one that is not resident."""
            bus = self.stranger if command.get('stranger') else self.session
            self.signal('ActionInvoked', 'us', command['id'], command['key'], bus=bus)
            if command.get('close'):
                self.signal('NotificationClosed', 'uu', command['id'], 2, bus=bus)

        def do_dismiss(self, command):
            bus = self.stranger if command.get('stranger') else self.session
            self.signal('NotificationClosed', 'uu', command['id'], command.get('reason', 2), bus=bus)

        def do_saver(self, command):
            """Whether the screen saver runs; None: it leaves the bus."""
            if command['active'] is None:
                self.session.release_name(SAVER)
                return
            message = dbus.lowlevel.SignalMessage('/org/freedesktop/ScreenSaver', SAVER, 'ActiveChanged')
            message.append(command['active'], signature='b')
            if command.get('stranger'):
                self.stranger.send_message(message)
                self.stranger.flush()
                return
            self.saver_active = command['active']
            self.session.request_name(SAVER)
            self.session.send_message(message)

        def do_lock(self, command):
            self.locked = command['locked']
            self.system.request_name(LOGIND)
            message = dbus.lowlevel.SignalMessage(SESSION, 'org.freedesktop.DBus.Properties', 'PropertiesChanged')
            message.append(LOGIND + '.Session', {'LockedHint': dbus.Boolean(self.locked, variant_level=1)}, [],
                           signature='sa{sv}as')
            self.system.send_message(message)
            self.system.flush()

        def do_release(self, command):
            self.session.release_name(NOTIFICATIONS)

        def do_own(self, command):
            self.session.request_name(NOTIFICATIONS)

    desktop = Desktop()
    puppet.obey(desktop, desktop.session.flush)


if __name__ == '__main__':
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run()
