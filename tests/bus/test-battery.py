#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A sensor's battery through the whole service, behind a mock of bluetoothd: what its description tells, and the warning
in the evening, to whom it belongs and no other. The hour is chosen by the time zone. Needs CRAMPD in the environment."""

import contextlib
import os
import pwd
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import dbus  # noqa: E402

import packets  # noqa: E402
import tap  # noqa: E402
from daemon import MANAGER, NAME, ROOT, System  # noqa: E402
from mockbluez import MockBluez  # noqa: E402

ADDRESS = 'C0:00:00:00:00:01'
OWNER = 65534
# Some other account: the bus turns away whom it does not know.
STRANGER = next(account.pw_uid for account in pwd.getpwall() if account.pw_uid not in (0, OWNER))
EVENING, NIGHT = 20, 3

_files = tempfile.TemporaryDirectory(prefix='battery-')


@contextlib.contextmanager
def local_hour(hour):
    """Programs that are started meanwhile take it for half past this hour, give or take half an hour."""
    minutes = (hour * 60 + 30 - int(time.time()) // 60 + 720) % 1440 - 720
    minutes -= minutes % 15
    ahead, size = minutes >= 0, abs(minutes)
    old = os.environ.get('TZ')
    os.environ['TZ'] = f'TST{"-" if ahead else "+"}{size // 60}:{size % 60:02}'  # POSIX counts west of UTC
    try:
        yield
    finally:
        if old is None:
            del os.environ['TZ']
        else:
            os.environ['TZ'] = old


def play(mock):
    path = Path(_files.name) / 'packets'
    packets.write(path, packets.pack([[(7 * i) % 61 - 30] for i in range(1000)], 20))
    mock.order('load', file=str(path), interval_ms=20)


@contextlib.contextmanager
def service(battery):
    """The bus and the mock, with one sensor that streams from the first daemon on."""
    description = packets.describe(1, 1000, leg=1)  # as it is added: else that is warned of
    with System(bluez=True) as system, MockBluez([ADDRESS], description) as mock:
        play(mock)
        mock.order('battery', percent=battery)
        yield system, mock


def adopt(client):
    owner = {'owner': dbus.UInt32(OWNER)} if os.geteuid() == 0 else {}
    client.call(ROOT, MANAGER, 'AddSensor', 'sa{sv}', ADDRESS, client.options(muscle='soleus', leg='left', name='Grandma', **owner))


def wait_battery(client, percent):
    """The description, once the sensor streams and its battery is at that level."""
    def there():
        (_, described), = client.sensors()
        return described['state'] == 'streaming' and described.get('battery') == percent and described['packets'] > 0 and described
    return client.wait(there, what=f'the battery at {percent} percent')


def warnings(client):
    """All that came so far: an answer comes after all signals that were sent before it."""
    client.sensors()
    client.wait(lambda: True)
    return [arguments for member, arguments, _ in client.signals if member == 'SensorWarning']


def sql(system, statement):
    with contextlib.closing(sqlite3.connect(system.state / 'crampd.db')) as database, database:
        return database.execute(statement).fetchall()


def known_rate(system, percent_h):
    sql(system, f"UPDATE sensor SET battery_rate = {percent_h}, battery_warned = ''")


def test_without_a_forecast_low_is_low():
    with local_hour(EVENING), service(battery=34) as (system, mock):
        with system.daemon() as daemon:
            client = system.client()
            client.subscribe()
            adopt(client)
            described = wait_battery(client, 34)
            assert not {'battery_hours', 'battery_lasts_night'} & set(described), described
            mock.order('battery', percent=21)
            wait_battery(client, 21)
            assert warnings(client) == []
            mock.order('battery', percent=20)
            path, what, details = client.wait_signal('SensorWarning')[1]
            assert path == client.sensors()[0][0] and what == 'battery'
            assert details == {'name': 'Grandma', 'percent': 20, 'repeated': False}, details
            mock.order('battery', percent=17)
            wait_battery(client, 17)
            assert len(warnings(client)) == 1
            log = daemon.log()
            for private in ('grandma', 'battery', 'percent', 'warn', 'soleus'):
                assert private not in log.lower(), (private, log)
        # Once a night, over restarts too.
        assert len(sql(system, 'SELECT battery_warned FROM sensor')[0][0]) == 10
        with system.daemon():
            client = system.client()
            client.subscribe()
            wait_battery(client, 17)
            assert warnings(client) == []
            # Only who comes later may not have heard.
            late = system.client()
            late.subscribe()
            assert late.wait_signal('SensorWarning')[1][2]['repeated']
            assert warnings(client) == []


def test_forecast_from_earlier_nights():
    with service(battery=60) as (system, mock):
        with local_hour(EVENING), system.daemon():
            client = system.client()
            adopt(client)
            wait_battery(client, 60)
        known_rate(system, 10)
        # 5.5 hours, and 11.5 till eight: nobody is there to be told, then somebody is.
        with local_hour(EVENING), system.daemon():
            client = system.client()
            described = wait_battery(client, 60)
            assert abs(described['battery_hours'] - 5.5) < 0.01 and not described['battery_lasts_night'], described
            client.subscribe()
            details = client.wait_signal('SensorWarning')[1][2]
            assert (details['percent'], details['repeated']) == (60, False) and abs(details['hours'] - 5.5) < 0.01, details
        # Charged, in time.
        mock.order('battery', percent=100)
        known_rate(system, 6.25)
        with local_hour(EVENING), system.daemon():
            client = system.client()
            client.subscribe()
            described = wait_battery(client, 100)
            assert abs(described['battery_hours'] - 15.2) < 0.01 and described['battery_lasts_night'], described
            assert warnings(client) == []
        assert sql(system, 'SELECT battery_rate, battery_warned FROM sensor') == [(6.25, '')]


def test_nobody_is_woken():
    with service(battery=12) as (system, mock):
        with local_hour(NIGHT), system.daemon():
            client = system.client()
            adopt(client)
            wait_battery(client, 12)
        known_rate(system, 10)
        with local_hour(NIGHT), system.daemon():
            client = system.client()
            client.subscribe()
            described = wait_battery(client, 12)
            assert not described['battery_lasts_night'] and abs(described['battery_hours'] - 0.7) < 0.01, described
            late = system.client()
            late.subscribe()
            assert warnings(client) == [] and warnings(late) == []


def listen_as(system, uid):
    """Another user who subscribes, and on a line of input prints the warnings heard."""
    program = f'''
import os, sys
os.setgroups([]); os.setgid({uid}); os.setuid({uid})
sys.path.insert(0, {str(HERE.parent / 'support')!r})
from daemon import *
client = Client({system.bus.address!r})
client.subscribe()
print('subscribed', flush=True)
sys.stdin.readline()
client.sensors()
client.wait(lambda: True)
print([int(arguments[2]['percent']) for member, arguments, _ in client.signals if member == 'SensorWarning'])
print(sorted({{member for member, _, _ in client.signals}}))
'''
    process = subprocess.Popen(['/usr/bin/python3', '-c', program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'subscribed\n'
    return process


def test_the_owner_hears_and_nobody_else():
    if os.geteuid() != 0:
        tap.skip('only root can become another user')
    with local_hour(EVENING), service(battery=50) as (system, mock), system.daemon():
        root, onlooker = system.client(), system.client()
        onlooker.connection.add_match_string(f"type='signal',sender='{NAME}'")
        owner, stranger = (listen_as(system, uid) for uid in (OWNER, STRANGER))
        root.subscribe()
        adopt(root)
        wait_battery(root, 50)
        mock.order('battery', percent=11)
        root.wait_signal('SensorWarning')
        heard = owner.communicate('go\n', timeout=60)[0].splitlines()
        assert heard == ['[11]', "['SensorChanged', 'SensorWarning']"], heard
        heard = stranger.communicate('go\n', timeout=60)[0].splitlines()
        assert heard == ['[]', '[]'], heard
        assert warnings(onlooker) == []


if __name__ == '__main__':
    tap.main(globals())
