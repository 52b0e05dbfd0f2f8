#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every family of sensors behind a mock of bluetoothd, all at once and in real time: advert, connection, start, stream, an
alert for the simulated cramp that the signal holds, and back again after a lost link."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import dbus  # noqa: E402

import families  # noqa: E402
import tap  # noqa: E402
from daemon import MANAGER, ROOT, System  # noqa: E402
from lines import LineProcess  # noqa: E402

# From the link's loss; BlueZ itself takes its time, too, so this is about crampd's share.
RECONNECT_MAX_S = 10


class MockFamilies(LineProcess):
    def __init__(self, signal):
        super().__init__([sys.executable, str(HERE / 'mock-families.py'), str(signal)])

    def order(self, command, **arguments):
        import json
        self.send(json.dumps({'cmd': command, **arguments}))


def generate(folder):
    path = Path(folder) / 'minute.csv'
    subprocess.run([os.environ['CALF_EMG'], '--script', 'minute', '--seed', '3', '--rate', '1000', '--channels', '8',
                    '--format', 'csv', '-o', path], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path


def adopt(client, number, family):
    # Nobody has a cramp under so many sensors at once, and those of one owner hear each other.
    owner = {'owner': dbus.UInt32(12345 + number)} if os.geteuid() == 0 else {}
    return str(client.call(ROOT, MANAGER, 'AddSensor', 'sa{sv}', f'C0:00:00:00:01:{number:02X}',
                           client.options(muscle='gastrocnemius', leg='left', driver=family.driver, **owner)))


def described(client):
    return {str(path): details for path, details in client.sensors()}


def test_every_family_from_advert_to_alert():
    makes = families.FAMILIES
    with tempfile.TemporaryDirectory() as folder, System(bluez=True) as system, MockFamilies(generate(folder)) as mock, \
            system.daemon():
        client = system.client()
        client.subscribe()
        paths = [adopt(client, number, make()) for number, make in enumerate(makes)]
        try:
            client.wait(lambda: all(d['state'] == 'streaming' for d in described(client).values()), limit_s=30, what='all to stream')
        finally:
            for row in described(client).values():
                if row['state'] != 'streaming':
                    tap.note(f'{row["driver"]}: {row["state"]}: {row["reason"]}')

        def raised():
            return {str(signal[1][0]) for signal in client.signals if signal[0] == 'AlertRaised'}
        end = time.monotonic() + 90
        client.wait(lambda: len(raised()) == len(paths) or time.monotonic() > end, limit_s=100)
        alerts = raised()
        tap.note('no alert: ' + (', '.join(make.name for path, make in zip(paths, makes) if path not in alerts) or 'none'))

        lost_at = {}
        for number, path in enumerate(paths):
            mock.order('drop', device=number)
            lost_at[path] = time.monotonic()
        back = {}
        client.wait(lambda: any(d['state'] != 'streaming' for d in described(client).values()), what='a lost link')

        def all_back():
            for path, details in described(client).items():
                if details['state'] == 'streaming' and int(details['connects']) > 1:
                    back.setdefault(path, time.monotonic() - lost_at[path])
            return len(back) == len(paths)
        try:
            client.wait(all_back, limit_s=60, what='all to stream again')
        finally:
            for path, details in described(client).items():
                if path not in back:
                    tap.note(f'{details["driver"]}: {details["state"]}: {details["reason"]}')
        rows = described(client)

        tap.measured('family, packets, lost, malformed, alert, seconds to reconnect')
        for path, make in zip(paths, makes):
            row = rows[path]
            tap.measured(f'{make.name}, {int(row["packets"])}, {int(row["lost_packets"])}, {int(row["malformed_packets"])}, '
                         f'{"yes" if path in alerts else "no"}, {back[path]:.1f}')
        assert alerts == set(paths)
        # Those that send an accelerometer are heard.
        heard = {str(row['driver']) for row in rows.values() if row.get('accelerometer')}
        assert heard == {'ganglion', 'umyo'}, heard
        for path in paths:
            assert int(rows[path]['malformed_packets']) == 0, rows[path]
            assert back[path] < RECONNECT_MAX_S, (path, back[path])


if __name__ == '__main__':
    tap.main(globals())
