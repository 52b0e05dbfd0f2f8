#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Learning through the whole service, behind a mock of bluetoothd: a factor that annotations propose holds from the next
night on, within its bounds, and ends the moment its owner says so. Needs CRAMPD in the environment."""

import os
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import dbus  # noqa: E402

import packets  # noqa: E402
import tap  # noqa: E402
from daemon import HISTORY, MANAGER, ROOT, SENSOR, System  # noqa: E402
from mockbluez import MockBluez  # noqa: E402
from nights import watch_long  # noqa: E402

ADDRESS = 'C0:00:00:00:00:01'

_files = tempfile.TemporaryDirectory(prefix='learning-')


def play(mock):
    path = Path(_files.name) / 'packets'
    packets.write(path, packets.pack([[(7 * i) % 61 - 30] for i in range(1000)], 20))
    mock.order('load', file=str(path), interval_ms=20)


def adopt(client):
    owner = {'owner': dbus.UInt32(65534)} if os.geteuid() == 0 else {}
    return client.call(ROOT, MANAGER, 'AddSensor', 'sa{sv}', ADDRESS, client.options(muscle='soleus', leg='left', **owner))


def wait_streaming(client):
    def there():
        (_, described), = client.sensors()
        return described['state'] == 'streaming' and described['packets'] > 0
    client.wait(there, what='the sensor to stream')


def look(client, path):
    return client.call(path, SENSOR, 'DescribeDetector', 'a{sv}', client.options())


def edit(client, path, **options):
    client.call(path, SENSOR, 'Edit', 'a{sv}', client.options(**options))


def miss(client, path, count):
    """Cramps that raised no alert, a minute apart."""
    now_us = int(time.time() * 1e6)
    for number in range(1, count + 1):
        client.call(ROOT, HISTORY, 'ReportMissed', 'sxa{sv}', path.rsplit('/', 1)[1], dbus.Int64(now_us - number * 60000000),
                    client.options())


def test_a_factor_holds_from_the_next_night_until_taken_back():
    with System(bluez=True) as system, MockBluez([ADDRESS], packets.describe(1, 1000)) as mock:
        play(mock)
        with system.daemon():
            path = adopt(system.client())
        watch_long(system.state / 'crampd.db')
        with system.daemon():
            client = system.client()
            wait_streaming(client)
            # What is said does nothing by itself.
            miss(client, path, 20)
            details = look(client, path)
            assert not details['learning'] and details['proposed'] < 0.92 and details['applied'] == 1, details
            # Nor does learning change a night that has begun; a step of sensitivity does.
            edit(client, path, learning=True)
            edit(client, path, sensitivity='high')
            details = look(client, path)
            assert details['applied'] == 1 and details['needed_s'] == 5.25, details
        for ending in ({'learning': False}, {'forget': True}):
            with system.daemon():
                client = system.client()
                edit(client, path, learning=True)
                wait_streaming(client)
            with system.daemon():
                client = system.client()
                wait_streaming(client)
                details = look(client, path)
                assert details['applied'] == details['proposed'], details
                assert details['factor_min'] <= details['applied'] < 0.92, details
                assert abs(details['needed_s'] - 5.25 * details['applied']) < 1e-9, details
                edit(client, path, **ending)
                details = look(client, path)
                assert details['applied'] == 1 and details['needed_s'] == 5.25, details
        # Forgotten is forgotten, with learning still on.
        with system.daemon():
            client = system.client()
            wait_streaming(client)
            details = look(client, path)
            assert details['learning'] and details['proposed'] == details['applied'] == 1 and details['missed'] == 0, details


if __name__ == '__main__':
    tap.main(globals())
