# SPDX-License-Identifier: MIT
"""Services of other people, as far as `crampctl doctor` asks them: a process on a private bus that owns names and gives
the answers it was told.

    with FakeServices(bus.address, {'org.bluez': {'GetManagedObjects': ('a{oa{sa{sv}}}', [...])}}):
        ...

An answer is a signature and the list of values, or the name of an error; 'Get' answers by property instead: {name:
value}. Needs python3-dbus and python3-gi."""

import json
import os
import select
import subprocess
import sys


class FakeServices:
    def __init__(self, address, services):
        self.address = address
        self.services = services
        self.process = None

    def __enter__(self):
        from privatebus import die_with_parent
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), self.address], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.process.stdin.write(json.dumps(self.services) + '\n')
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], 20)
        if not ready or self.process.stdout.readline() != 'ready\n':
            self.__exit__()
            raise RuntimeError('the fake services did not start')
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def run(address):
    import dbus
    import dbus.bus
    import dbus.lowlevel
    import dbus.mainloop.glib
    from gi.repository import GLib

    services = json.loads(sys.stdin.readline())
    buses = []

    def answer(bus, message, how):
        if how is None or isinstance(how, str):
            reply = dbus.lowlevel.ErrorMessage(message, how or 'org.freedesktop.DBus.Error.UnknownMethod', 'Said no')
        else:
            signature, values = how
            reply = dbus.lowlevel.MethodReturnMessage(message)
            reply.append(*values, signature=signature)
        bus.send_message(reply)

    def serve(methods):
        def on_message(bus, message):
            if message.get_type() != 1:
                return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
            how = methods.get(message.get_member())
            if message.get_member() == 'Get' and isinstance(how, dict):
                value = how.get(message.get_args_list()[1])
                how = None if value is None else ('v', [value])
            answer(bus, message, how)
            return dbus.lowlevel.HANDLER_RESULT_HANDLED
        return on_message

    loop = dbus.mainloop.glib.DBusGMainLoop()
    for name, methods in services.items():
        bus = dbus.bus.BusConnection(address, mainloop=loop)
        bus.add_message_filter(serve(methods))
        bus.request_name(name)
        buses.append(bus)
    print('ready', flush=True)
    GLib.MainLoop().run()


if __name__ == '__main__':
    run(sys.argv[1])
