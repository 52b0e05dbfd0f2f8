#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The test packets (tests/support/packets.py) against the worked example of the profile's page, and from an EDF."""

import os
import struct
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
import packets
import tap


def test_worked_example():
    with open(os.environ['PROFILE'], encoding='utf-8') as file:
        page = file.read()
    first, = packets.pack([[1, -1], [-2, 300], [32767, -32768]], 3, sequence=258, counter=70000)
    second, = packets.pack([[5, 6]], 1, sequence=260, counter=70006)
    for value in (packets.describe(channels=2, muscles=(2, 4)), first, second):
        assert '\n    ' + value.hex(' ').upper() + '\n' in page, value.hex(' ')
    for uuid in (packets.SERVICE, packets.SAMPLES, packets.DESCRIPTION, packets.CONTROL):
        assert f'`{uuid}`' in page, uuid


def test_packets_continue_each_other():
    made = packets.ramp(3, per_packet=2, channels=1)
    assert made == [struct.pack('<HIhh', n, 2 * n, 2 * n, 2 * n + 1) for n in range(3)], made


def edf(signals, rate_hz):
    """The bytes of an EDF with one record; signals: (label, unit, physical maximum, samples)."""
    def field(values, width):
        return b''.join(str(value).encode('ascii').ljust(width) for value in values)
    n = len(signals)
    head = field([0], 8) + field(['X X X X', 'Startdate X X X X'], 80) + field(['01.01.25', '22.00.00'], 8)
    head += field([256 * (n + 1)], 8) + field([''], 44) + field([1], 8) + field([len(signals[0][3]) / rate_hz], 8)
    head += field([n], 4)
    head += field([s[0] for s in signals], 16) + field([''] * n, 80) + field([s[1] for s in signals], 8)
    head += field([-s[2] for s in signals], 8) + field([s[2] for s in signals], 8)
    head += field([-32767] * n, 8) + field([32767] * n, 8) + field([''] * n, 80)
    head += field([len(s[3]) for s in signals], 8) + field([''] * n, 32)
    return head + b''.join(struct.pack(f'<{len(s[3])}h', *s[3]) for s in signals)


def test_edf_to_packets():
    with tempfile.NamedTemporaryFile(suffix='.edf') as file:
        file.write(edf([('EMG GM', 'uV', 3276.7, [1, -2, 3, -4]), ('Temperature', 'degC', 40, [0, 0, 0, 0]),
                        ('EMG SOL', 'uV', 3276.7, [5, 6, 7, 32767])], 1000))
        file.flush()
        description, made, interval_ms = packets.from_edf(file.name, per_packet=3)
        assert description == packets.describe(channels=2, scale_uv=0.1, muscles=(1, 1)), description.hex(' ')
        assert made == packets.pack([[1, 5], [-2, 6], [3, 7], [-4, 32767]], 3), made
        assert interval_ms == 3, interval_ms
        _, made, _ = packets.from_edf(file.name, labels=['EMG SOL'], per_packet=4)
        assert made == packets.pack([[5], [6], [7], [32767]], 4), made


tap.main(globals())
