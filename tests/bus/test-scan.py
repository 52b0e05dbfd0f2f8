#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""crampctl scan against the whole service behind a mock of bluetoothd: every family of sensors is recognised by its advert,
one that was added is said to be, and nobody but the caller hears of it."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import dbus  # noqa: E402

import families  # noqa: E402
import tap  # noqa: E402
from daemon import MANAGER, ROOT, System  # noqa: E402
from lines import LineProcess  # noqa: E402

PLACES = 128  # of devices in a scan


class MockFamilies(LineProcess):
    def __init__(self, folder):
        signal = Path(folder) / 'signal.csv'
        signal.write_text('time_s,a_uV\n' + ''.join(f'{i / 1000},{i % 9}\n' for i in range(1000)), encoding='ascii')
        super().__init__([sys.executable, str(HERE / 'mock-families.py'), str(signal)])


def scan(*arguments):
    done = subprocess.run([os.environ['CRAMPCTL'], 'scan', '--json', '--seconds', '3', *arguments], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_family_is_recognised():
    with tempfile.TemporaryDirectory() as folder, System(bluez=True) as system, MockFamilies(folder) as mock, system.daemon():
        client = system.client()
        owner = {'owner': dbus.UInt32(12345)} if os.geteuid() == 0 else {}
        path = client.call(ROOT, MANAGER, 'AddSensor', 'sa{sv}', 'C0:00:00:00:01:00',
                           client.options(muscle='soleus', leg='left', driver='npg-lite', **owner))
        client.call(path, 'org.crampd1.Sensor', 'Pause', 'a{sv}', client.options())
        # Others that are heard and no sensors: shown only with --all, and more than there are places.
        mock.send(json.dumps({'cmd': 'crowd', 'count': 150}))
        found = {row['address']: row for row in scan()}
        wanted = {f'C0:00:00:00:01:{number:02X}': make.driver for number, make in enumerate(families.FAMILIES)}
        assert {address: row['driver'] for address, row in found.items()} == wanted, found
        assert found['C0:00:00:00:01:00']['added'] is True and found['C0:00:00:00:01:01']['added'] is False
        assert all(row['rssi'] is not None for row in found.values())
        shown = scan('--all')
        assert wanted.keys() < {row['address'] for row in shown} and len(shown) <= PLACES + len(wanted)
        assert not [signal for signal in client.signals if signal[0] in ('SensorFound', 'ScanEnded')]
        # What was recognised need not be said again; what was not is taken for the open profile.
        for address, driver in (('C0:00:00:00:01:03', wanted['C0:00:00:00:01:03']), ('C0:00:00:00:77:77', 'crampd')):
            path = client.call(ROOT, MANAGER, 'AddSensor', 'sa{sv}', address, client.options(muscle='soleus', leg='left', **owner))
            described = client.call(path, 'org.crampd1.Sensor', 'Describe', 'a{sv}', client.options())
            assert described['driver'] == driver and 0 < described['capacity'] < 0.7, described


def test_name_that_cannot_be_read_hides_no_other():
    # A noncharacter passes bluetoothd and the bus, and ends what sd-bus reads of a message.
    with tempfile.TemporaryDirectory() as folder, System(bluez=True) as system, MockFamilies(folder) as mock:
        mock.send(json.dumps({'cmd': 'crowd', 'count': 2, 'name': 'Free WiFi \ufffe'}))
        with system.daemon() as daemon:
            found = {row['address']: row for row in scan('--all')}
            assert {row['driver'] for row in found.values() if row['driver']} == {make.driver for make in families.FAMILIES}
            assert [row['name'] for address, row in found.items() if address.startswith('F0')] == ['', ''], found
            assert daemon.log().count('one by one') == 1 and 'Free' not in daemon.log(), daemon.log()
            client = system.client()
            owner = {'owner': dbus.UInt32(12345)} if os.geteuid() == 0 else {}
            path = client.call(ROOT, MANAGER, 'AddSensor', 'sa{sv}', 'C0:00:00:00:01:00',
                               client.options(muscle='soleus', leg='left', driver='npg-lite', **owner))
            client.wait(lambda: state(client, path) == 'streaming', what='the stream')
        with system.daemon():
            # The mock may have no data left.
            client.wait(lambda: state(client, path) in ('streaming', 'stalled'), what='the subscription after a restart')


def state(client, path):
    return client.call(path, 'org.crampd1.Sensor', 'Describe', 'a{sv}', client.options())['state']


def test_one_scan_of_a_user():
    with tempfile.TemporaryDirectory() as folder, System(bluez=True) as system, MockFamilies(folder), system.daemon():
        client, other = system.client(), system.client()
        client.call(ROOT, MANAGER, 'Scan', 'a{sv}', client.options(seconds=dbus.UInt32(300)))
        arguments = (ROOT, MANAGER, 'Scan', 'a{sv}', client.options())
        assert other.error_of(*arguments) == 'org.crampd1.Error.LimitReached'
        client.wait_signal('SensorFound')
        client.call(ROOT, MANAGER, 'StopScan')
        other.call(*arguments)
        # One who leaves the bus scans no longer.
        other.close()
        client.wait(lambda: try_scan(client), what='the place of the one that left')
        for seconds in (0, 301):
            assert client.error_of(ROOT, MANAGER, 'Scan', 'a{sv}', client.options(seconds=dbus.UInt32(seconds))) == \
                'org.crampd1.Error.InvalidArgument'


def test_scans_in_a_row_are_limited():
    with tempfile.TemporaryDirectory() as folder, System(bluez=True) as system, MockFamilies(folder) as mock, system.daemon():
        client = system.client()
        for _ in range(5):
            client.call(ROOT, MANAGER, 'Scan', 'a{sv}', client.options())
            client.wait_signal('SensorFound')
            client.call(ROOT, MANAGER, 'StopScan')
        assert client.error_of(ROOT, MANAGER, 'Scan', 'a{sv}', client.options()) == 'org.crampd1.Error.LimitReached'
        mock.send(json.dumps({'cmd': 'status'}))
        calls = mock.wait('status')['calls']
        assert calls['StartDiscovery'] == 1 and calls['SetDiscoveryFilter'] == 1 and 'StopDiscovery' not in calls, calls
        mock.wait('call', member='StopDiscovery')


def try_scan(client):
    try:
        client.call(ROOT, MANAGER, 'Scan', 'a{sv}', client.options(seconds=dbus.UInt32(1)))
    except dbus.DBusException:
        return False
    return True


if __name__ == '__main__':
    tap.main(globals())
