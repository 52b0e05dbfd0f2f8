#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The whole service behind a mock of bluetoothd, in real time: how soon the alert is at the client, and what a stopped bus
costs. Real time is the point, so this does not run under memory checkers (tests/bus/test-link.py does)."""

import csv
import json
import os
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
from daemon import MANAGER, ROOT, System  # noqa: E402
from mockbluez import MockBluez  # noqa: E402
from recordings import scripted  # noqa: E402

ADDRESS = 'C0:00:00:00:00:01'
RATE_HZ = 1000
CHANNELS = 2
FRAMES = 20  # a packet every 20 ms
LATENCY_MAX_MS = 50
# One cramp, no later than the detector knows the rest.
SCRIPTS = {'cramp': '12 cramp 14 muscle=GM ratio=6 rise=3 fall=3\n34 end\n', 'rest': '60 end\n'}

_files = tempfile.TemporaryDirectory(prefix='radio-')


def generate(name):
    script = Path(_files.name) / f'{name}.txt'
    script.write_text(SCRIPTS[name], encoding='ascii')
    return scripted(_files.name, script, RATE_HZ, CHANNELS, '.csv')


def read_counts(path):
    """Frames of counts of 0.01 uV, which is what crampd makes of a CSV too."""
    with open(path, encoding='ascii') as file:
        rows = csv.reader(line for line in file if not line.startswith('#'))
        header = next(rows)
        columns = [number for number, name in enumerate(header) if name.endswith('_uV')]
        return [[round(float(row[column]) * 100) for column in columns] for row in rows]


def pack(frames, per_packet=FRAMES):
    made = packets.pack(frames, per_packet, value_size=3)
    path = Path(_files.name) / 'packets'
    packets.write(path, made)
    return path, len(made)


def description():
    return packets.describe(CHANNELS, RATE_HZ, scale_uv=0.01, value_size=3)


def adopt(client, address=ADDRESS):
    owner = {'owner': dbus.UInt32(12345)} if os.geteuid() == 0 else {}
    return client.call(ROOT, MANAGER, 'AddSensor', 'sa{sv}', address,
                       client.options(muscle='gastrocnemius', leg='left', **owner))


def counters(client, sensor=0):
    described = client.sensors()[sensor][1]
    return {name: int(described[name]) for name in ('packets', 'lost_packets', 'malformed_packets', 'connects')}


def test_alert_is_at_the_client_in_time():
    path = generate('cramp')
    output = subprocess.run([os.environ['CRAMPCTL'], 'analyze', '--json', path], check=True, capture_output=True,
                            text=True).stdout
    expected, = (json.loads(line) for line in output.splitlines())
    file, total = pack(read_counts(path))
    log = Path(_files.name) / 'sent'
    with System(bluez=True) as system, MockBluez([ADDRESS], description()) as mock, system.daemon():
        client = system.client()
        client.subscribe()
        mock.order('load', file=str(file), interval_ms=1000 * FRAMES / RATE_HZ, rewind=False, log=str(log))
        adopt(client)
        _, raised, heard_s = client.wait_signal('AlertRaised', limit_s=120)
        _, ended, _ = client.wait_signal('AlertEnded', limit_s=120)
        client.wait(lambda: counters(client)['packets'] == total, limit_s=120, what='all packets')
        assert counters(client) == {'packets': total, 'lost_packets': 0, 'malformed_packets': 0, 'connects': 1}

    # The packet that held the deciding frame, and when the radio handed it over.
    deciding = round(expected['alert_s'] * RATE_HZ) // FRAMES
    sent_us = next(int(us) for device, position, us in (line.split() for line in log.read_text().splitlines())
                   if int(position) == deciding)
    latency_ms = heard_s * 1000 - sent_us / 1000
    tap.measured(f'alert at the client {latency_ms:.1f} ms after the packet that decided it')
    assert 0 < latency_ms < LATENCY_MAX_MS, latency_ms
    # Live is offline, to the microsecond's rounding.
    assert abs((raised[6]['alert_us'] - raised[2]) - (expected['alert_s'] - expected['onset_s']) * 1e6) <= 2
    assert abs((ended[2] - raised[2]) - (expected['end_s'] - expected['onset_s']) * 1e6) <= 2


def test_stopped_bus_loses_no_packet():
    # Two packets in 10 ms: a thousand while the bus stands still, four times what a socket holds.
    file, _ = pack(read_counts(generate('rest')), per_packet=5)
    with System(bluez=True) as system, MockBluez([ADDRESS], description()) as mock, system.daemon():
        client = system.client()
        mock.order('load', file=str(file), interval_ms=5, rewind=False)
        adopt(client)
        client.wait(lambda: counters(client)['packets'] > 100, what='the stream')
        before = counters(client)['packets']

        system.bus.pause()
        end = time.monotonic() + 5
        try:
            client.wait(lambda: time.monotonic() >= end, limit_s=10)
        finally:
            system.bus.resume()

        after = counters(client)
        tap.measured(f'{after["packets"] - before} packets came while the bus stood still for 5 s')
        assert after['packets'] - before >= 900 and after['lost_packets'] == 0 and after['connects'] == 1
        assert mock.status()['dropped'] == 0


def ping_ms(client):
    """How long the daemon's loop lets a caller wait: both ways over the bus are in it."""
    begin = time.perf_counter()
    client.call(ROOT, 'org.freedesktop.DBus.Peer', 'Ping')
    return (time.perf_counter() - begin) * 1000


def test_eight_sensors_at_once():
    """8 sensors of 4 channels at 1 kHz; --long: for an hour."""
    seconds = 3600 if os.environ.get('TESTS_LONG') else 20
    frames = [[(7 * i + 13 * c) % 61 - 30 for c in range(4)] for i in range(RATE_HZ)]
    file, total = pack(frames * seconds)
    addresses = [f'C0:00:00:00:00:0{number}' for number in range(1, 9)]
    with System(bluez=True) as system, MockBluez(addresses, packets.describe(4, RATE_HZ, scale_uv=0.01, value_size=3)) as mock, \
            system.daemon():
        client = system.client()
        mock.order('load', file=str(file), interval_ms=1000 * FRAMES / RATE_HZ, rewind=False)
        for address in addresses:
            adopt(client, address)
        waits = []

        def all_came():
            waits.append(ping_ms(client))
            time.sleep(0.02)
            return len(waits) % 50 == 0 and min(counters(client, n)['packets'] for n in range(8)) >= total
        client.wait(all_came, limit_s=seconds + 60, what='all packets')
        for sensor in range(8):
            assert counters(client, sensor) == {'packets': total, 'lost_packets': 0, 'malformed_packets': 0, 'connects': 1}
        assert mock.status()['dropped'] == 0
        waits.sort()
        p99_ms = waits[len(waits) * 99 // 100]
        tap.measured(f'8 sensors x {seconds} s: {8 * total} packets, 0 lost; a call waits {waits[len(waits) // 2]:.2f} ms '
                     f'(median), {p99_ms:.2f} ms (p99 of {len(waits)})')
        assert p99_ms < 5, p99_ms


if __name__ == '__main__':
    tap.main(globals())
