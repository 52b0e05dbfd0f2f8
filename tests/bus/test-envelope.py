#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A board of the open profile whose output is an envelope already, which only its owner can tell: through the whole service,
behind a mock of bluetoothd, up to what the detector works on. Needs CRAMPD in the environment."""

import os
import socket
import struct
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import dbus  # noqa: E402

import packets  # noqa: E402
import tap  # noqa: E402
from daemon import LIMIT_S, MANAGER, ROOT, SENSOR, System  # noqa: E402
from mockbluez import MockBluez  # noqa: E402

ADDRESS = 'C0:00:00:00:00:01'
RATE_HZ, SCALE_UV, PER_PACKET = 200, 0.5, 10
COUNTS = [200 + i % 7 for i in range(6000)]


def play(mock, folder):
    path = Path(folder) / 'packets'
    packets.write(path, packets.pack([[count] for count in COUNTS], PER_PACKET))
    mock.order('load', file=str(path), interval_ms=1000 * PER_PACKET // RATE_HZ)


def streams(client, envelope):
    """Waits for a stream that is, or is not, an envelope."""
    client.wait(lambda: client.sensors()[0][1]['state'] == 'streaming' and client.sensors()[0][1].get('envelope') == envelope,
                what='the stream')


def conditioned(client, path):
    """(count, what the detector works on) of a second of the live stream."""
    frames = []
    descriptor = client.call(path, SENSOR, 'OpenStream', 'a{sv}', client.options(kind='frames'))[0].take()
    with socket.socket(fileno=descriptor) as stream:
        stream.settimeout(LIMIT_S)
        while len(frames) < RATE_HZ:
            data = stream.recv(65536)
            _, _, channels, count, _ = struct.unpack_from('<QQHHI', data)
            assert channels == 1
            frames += zip(struct.unpack_from(f'<{count}i', data, 24), struct.unpack_from(f'<{count}f', data, 24 + 4 * count))
    return frames


def test_owner_tells_that_it_is_an_envelope():
    owner = {'owner': dbus.UInt32(65534)} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory() as folder, System(bluez=True) as system, \
            MockBluez([ADDRESS], packets.describe(1, RATE_HZ, SCALE_UV)) as mock, system.daemon():
        play(mock, folder)
        client = system.client()
        path = client.call(ROOT, MANAGER, 'AddSensor', 'sa{sv}', ADDRESS,
                           client.options(muscle='soleus', leg='left', envelope=True, **owner))
        streams(client, True)
        # Taken as it is: nothing is filtered.
        assert all(abs(uv - SCALE_UV * count) < 1e-3 for count, uv in conditioned(client, path))
        client.call(path, SENSOR, 'Edit', 'a{sv}', client.options(envelope=False))
        streams(client, False)
        # Of raw EMG the resting level is taken away.
        last = conditioned(client, path)[-RATE_HZ // 4:]
        assert all(abs(uv) < SCALE_UV * 20 for _, uv in last), last


if __name__ == '__main__':
    tap.main(globals())
