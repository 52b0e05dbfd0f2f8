#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""EDF and BDF files put together byte by byte, after the published layout (Kemp et al. 1992; EDF+: Kemp and Olivan
2003), not by EDFlib: the counts that are read must be those that were written."""

import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
import tap  # noqa: E402

DUMP = os.environ['RECORDING_DUMP']


class Signal:
    def __init__(self, label, samples, per_record, dimension='uV', physical=(-3276.8, 3276.7),
                 digital=(-32768, 32767)):
        self.label, self.samples, self.per_record = label, samples, per_record
        self.dimension, self.physical, self.digital = dimension, physical, digital

    def record(self, number, width):
        begin = number * self.per_record
        return b''.join(sample.to_bytes(width, 'little', signed=True)
                        for sample in self.samples[begin:begin + self.per_record])


class Annotations:
    """The signal that EDF+ keeps its time in."""
    label, dimension, per_record = 'EDF Annotations', '', 16
    physical, digital = (-1, 1), (-32768, 32767)

    def record(self, number, width):
        return f'+{number}\x14\x14\0'.encode('ascii').ljust(self.per_record * width, b'\0')


def field(value, width):
    text = str(value).encode('ascii')
    assert len(text) <= width, value
    return text.ljust(width)


def file_bytes(signals, records, duration='1', bdf=False, plus=False):
    n, width = len(signals), 3 if bdf else 2
    head = [b'\xffBIOSEMI' if bdf else field('0', 8),
            field('X X X X' if plus else 'somebody', 80),
            field('Startdate 23-NOV-2025 X X X' if plus else 'a night', 80),
            field('23.11.25', 8), field('22.30.05', 8), field(256 * (n + 1), 8),
            field(('BDF+C' if bdf else 'EDF+C') if plus else '24BIT' if bdf else '', 44),
            field(records, 8), field(duration, 8), field(n, 4)]
    head += [field(signal.label, 16) for signal in signals]
    head += [field('', 80) for _ in signals]
    head += [field(signal.dimension, 8) for signal in signals]
    for part in ('physical', 'digital'):
        for end in (0, 1):
            head += [field(getattr(signal, part)[end], 8) for signal in signals]
    head += [field('', 80) for _ in signals]
    head += [field(signal.per_record, 8) for signal in signals]
    head += [field('', 32) for _ in signals]
    body = [signal.record(number, width) for number in range(records) for signal in signals]
    return b''.join(head + body)


def dump(content, *channels):
    with tempfile.NamedTemporaryFile(suffix='.edf') as file:
        file.write(content)
        file.flush()
        done = subprocess.run([DUMP, file.name, *channels], stdout=subprocess.PIPE, check=True, text=True)
    lines = done.stdout.splitlines()
    frames = [[int(word) for word in line.split()] for line in lines if line[0].isdigit()]
    return [line for line in lines if not line[0].isdigit()], frames


def noise(count, low, high, seed):
    generator = random.Random(seed)
    # Both ends of the range are among them.
    return [low, high, 0, -1, 1] + [generator.randint(low, high) for _ in range(count - 5)]


def expect_frames(frames, *samples):
    assert frames == [[index, *row] for index, row in enumerate(zip(*samples))], 'the counts differ'


def test_edf():
    left, right = noise(3000, -32768, 32767, 1), noise(3000, -2048, 2047, 2)
    head, frames = dump(file_bytes([Signal('calf left', left, 1000),
                                    Signal('calf right', right, 1000, 'mV', (-5, 5), (-2048, 2047))], 3))
    # 2025-11-23 22:30:05, taken as UTC
    assert head == ['rate 1000000 start 1763937005000000', 'channel 0.1 calf left',
                    f'channel {10000 / 4095:.9g} calf right'], head
    expect_frames(frames, left, right)


def test_edf_plus_with_annotations_in_front():
    samples = noise(2000, -32768, 32767, 3)
    head, frames = dump(file_bytes([Annotations(), Signal('GM', samples, 500)], 4, plus=True))
    assert head == ['rate 500000 start 1763937005000000', 'channel 0.1 GM'], head
    expect_frames(frames, samples)


def test_bdf():
    samples = noise(2048 * 2, -8388608, 8388607, 4)
    head, frames = dump(file_bytes([Signal('A1', samples, 2000, 'uV', (-262144, 262144), (-8388608, 8388607)),
                                    Signal('Status', samples, 2000, 'Boolean', (-8388608, 8388607),
                                           (-8388608, 8388607))], 2, bdf=True))
    assert head[0] == 'rate 2000000 start 1763937005000000' and len(head) == 2, head
    expect_frames(frames, samples[:4000])


def test_records_of_a_tenth_of_a_second():
    samples = noise(2560, -32768, 32767, 5)
    head, frames = dump(file_bytes([Signal('GM', samples, 128)], 20, duration='0.1'))
    assert head[0].startswith('rate 1280000 '), head
    expect_frames(frames, samples)


def test_inverted_polarity():
    samples = noise(1000, -32768, 32767, 6)
    head, frames = dump(file_bytes([Signal('GM', samples, 500, 'V', (1, -1))], 2))
    assert head[1] == f'channel {2e6 / 65535:.9g} GM', head
    expect_frames(frames, samples)


def test_signals_of_other_rates():
    slow, fast, faster = (noise(4 * rate, -99, 99, rate) for rate in (250, 500, 1000))
    content = file_bytes([Signal('slow', slow, 250), Signal('fast', fast, 500), Signal('also', fast, 500),
                          Signal('faster', faster, 1000)], 4)
    _, frames = dump(content)
    expect_frames(frames, fast, fast)
    _, frames = dump(content, 'faster')
    expect_frames(frames, faster)
    _, frames = dump(content, '1')
    expect_frames(frames, slow)


def test_samples_beyond_the_digital_range_are_clipped():
    """So does EDFlib, and so do amplifiers."""
    samples = [-32768, -2049, -2048, 0, 2047, 2048, 32767] + [0] * 993
    _, frames = dump(file_bytes([Signal('GM', samples, 500, 'uV', (-100, 100), (-2048, 2047))], 2))
    expect_frames(frames, [min(2047, max(-2048, sample)) for sample in samples])


tap.main(globals())
