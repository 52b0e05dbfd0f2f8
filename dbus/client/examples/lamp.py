#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Lists last week's cramps, then runs a command at each alert:  lamp.py 'mosquitto_pub -t lamp -m on'
Needs python3-dbus and python3-gi."""
import subprocess
import sys
import time

import dbus
import dbus.mainloop.glib
from gi.repository import GLib


def episodes_print(history, options):
    episodes, cursor = history.ListEpisodes(dbus.Dictionary(options, signature='sv'))
    for episode in episodes:
        onset = time.strftime('%F %R', time.localtime(episode['onset_us'] / 1e6))
        print(f'{onset} {episode["leg"]} {episode["muscle"]}, {episode["severity"]}', flush=True)
    if cursor:  # there is another page
        episodes_print(history, options | {'after': cursor})


def alert_handle(_sensor, _episode, _onset_us, _severity, _muscle, relief, details):
    if not details.get('repeated'):
        print(*relief, sep='\n', flush=True)
        if len(sys.argv) > 1 and subprocess.run(sys.argv[1], shell=True, check=False).returncode:
            print(f"'{sys.argv[1]}' failed", file=sys.stderr)


try:
    bus = dbus.SystemBus(mainloop=dbus.mainloop.glib.DBusGMainLoop())
    crampd = bus.get_object('org.crampd1', '/org/crampd1', introspect=False)
    week = {'since_us': dbus.Int64((time.time() - 7 * 86400) * 1e6)}
    episodes_print(dbus.Interface(crampd, 'org.crampd1.History'), week)
    bus.add_signal_receiver(alert_handle, 'AlertRaised', 'org.crampd1.Manager', 'org.crampd1')
    # Called at once, and again whenever crampd comes back: a subscription ends with the crampd that took it.
    bus.watch_name_owner('org.crampd1', lambda owner: owner and crampd.Subscribe(
        dbus.Dictionary({}, signature='sv'), dbus_interface='org.crampd1.Manager'))
    GLib.MainLoop().run()
except dbus.DBusException as error:
    sys.exit(f'crampd: {error.get_dbus_message()}')
