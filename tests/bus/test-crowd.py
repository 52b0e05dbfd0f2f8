#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What one user's callers may not do to others, however many there are and whether they read their answers or not. Needs
CRAMPD in the environment; run as root, the callers are somebody else."""

import os
import shutil
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
from lines import LineProcess  # noqa: E402
from mockbluez import MockBluez  # noqa: E402

ADDRESS = 'C0:00:00:00:00:01'
RATE_HZ = 1000
PEER = 'org.freedesktop.DBus.Peer'
# crampd's own, of daemon/bus/budget.h.
CALLS, CALLS_PER_S = 1000, 100
# Of what crampd has sent and nobody has read, the bus keeps this much here, which takes some 20 long answers.
KEPT = {'max_incoming_bytes': 300000}

_files = tempfile.TemporaryDirectory(prefix='crowd-')


class Crowd(LineProcess):
    """Callers of another user, as tests/bus/crowd.py has them."""

    def __init__(self, *arguments):
        program = Path(_files.name) / 'crowd.py'
        os.chmod(_files.name, 0o755)
        shutil.copy(HERE / 'crowd.py', program)
        program.chmod(0o755)
        other = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', '--'] if os.geteuid() == 0 else []
        super().__init__([*other, sys.executable, '-B', str(program), *map(str, arguments)])


def stream(client, mock):
    """A sensor that streams."""
    path = Path(_files.name) / 'packets'
    packets.write(path, packets.pack([[i % 61 - 30] for i in range(RATE_HZ)], 20, value_size=3))
    mock.order('load', file=str(path), interval_ms=20)
    owner = {'owner': dbus.UInt32(12345)} if os.geteuid() == 0 else {}
    client.call(ROOT, MANAGER, 'AddSensor', 'sa{sv}', ADDRESS,
                client.options(muscle='gastrocnemius', leg='left', **owner))
    mock.wait('write', value=packets.START.hex())


def mock_bluez():
    return MockBluez([ADDRESS], packets.describe(1, RATE_HZ, scale_uv=0.01, value_size=3))


def reconnect_s(mock):
    """Ends the link, and waits until the sensor streams again."""
    begin = time.monotonic()
    mock.order('drop')
    mock.wait('write', value=packets.START.hex())
    return time.monotonic() - begin


def test_calls_of_a_user_are_limited():
    with System() as system, system.daemon() as daemon:
        client = system.client()
        begin = time.monotonic()
        with Crowd('eager', 20 * CALLS) as crowd:
            answered = crowd.wait('answered')
            possible = CALLS + CALLS_PER_S * (time.monotonic() - begin)
            assert CALLS <= answered['returned'] <= possible, answered
            assert answered['refused'] > 0 and answered['unanswered'] == 0, answered
            if os.geteuid() == 0:  # another user than they
                client.call(ROOT, PEER, 'Ping')
        assert daemon.log().count('calls too often') == 1, daemon.log()
        # With time they come back.
        client.wait(lambda: once()['returned'] == 1, what='a call that is answered')


def once():
    with Crowd('eager', 1) as crowd:
        return crowd.wait('answered')


def test_flood_does_not_hold_up_a_sensor():
    with System(bluez=True) as system, mock_bluez() as mock, system.daemon():
        client = system.client()
        stream(client, mock)
        with Crowd('flood', 3) as crowd:
            crowd.wait('full')
            seconds = reconnect_s(mock)
            tap.measured(f'while three connections call without end, a sensor is back after {seconds:.1f} s')
            assert seconds < 10, seconds
            if os.geteuid() == 0:
                client.call(ROOT, MANAGER, 'Status', 'a{sv}', client.options(), timeout=10)


def answers(client):
    try:
        client.call(ROOT, PEER, 'Ping', timeout=1)
    except dbus.DBusException:
        return False
    return True


def test_who_reads_nothing_mutes_nobody():
    with System(bluez=True, limits=KEPT) as system, mock_bluez() as mock, system.daemon() as daemon:
        client = system.client()
        stream(client, mock)
        client.subscribe()
        with Crowd('deaf', 2) as crowd:
            crowd.wait('called')
            begin = time.monotonic()
            # BlueZ is asked over a connection of its own.
            seconds = reconnect_s(mock)
            tap.measured(f'with a connection full of unread answers, a sensor is back after {seconds:.1f} s')
            assert seconds < 4, seconds
            client.wait(lambda: answers(client), what='an answer while others read none of theirs')
            tap.measured(f'crampd answers again {time.monotonic() - begin:.1f} s after it was muted')
            assert client.connection.get_name_owner(NAME) and 'is renewed' in daemon.log()
            # As clients do when the name has changed hands.
            client.subscribe()
            client.signals.clear()
            mock.order('drop')
            client.wait_signal('SensorChanged')
            assert client.sensors()[0][1]['connects'] >= 1


tap.main(globals())
