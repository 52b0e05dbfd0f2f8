# SPDX-License-Identifier: MIT
"""Every family of sensors, from a signal over its packets (families.py, which knows the protocols and not the drivers) to
the driver's samples: nothing is lost on a good link; on a bad one every sample keeps its place."""

import math
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import families
import tap

DUMP = os.environ['DECODE_DUMP']
SECONDS = 20
# For each family: its start's answers, the order of its notifying characteristics, and what its counts are of the signal
# (the first channel's microvolts).
STARTS = {
    'gforce': [(1, None), (2, b'\0\x3f')],
    'ganglion': [(0, b'3.0.2')],
    'myo': [(0, b'\x01\0\x05\0\0\0\x02\0')],
}


def sources_of(family):
    if family.driver == 'npg-lite':
        return [family.data, family.battery]
    if family.driver == 'gforce':
        return [family.command, family.data]
    return family.emg if family.driver == 'myo' else [family.data]


def signal():
    """A sweep, so that no two stretches are alike, of eight different channels."""
    return [[200 * math.sin(2 * math.pi * (3 + i / 2000) * i / 1000) + 10 * c for c in range(8)] for i in range(SECONDS * 1000)]


class Decoded:
    def __init__(self, text):
        self.blocks, self.malformed = [], 0
        for line in text.splitlines():
            word, *numbers = line.split()
            if word == 'format':
                _, self.rate_mhz, self.channels, self.slip = map(int, numbers)
            elif word == 'malformed':
                self.malformed += 1
            elif word == 'block':
                self.blocks.append(tuple(map(int, numbers)))
        self.values = {}  # index: first channel's count
        self.lost = sum(block[2] for block in self.blocks)
        for index, frames, _, *counts in self.blocks:
            for i in range(frames):
                self.values[index + i] = counts[i * self.channels]


def decode(family, lines):
    starts = STARTS.get(family.driver, [])
    if isinstance(family, families.GforceFragments):
        starts = [(1, None), (2, b'\x02\x3f'), (3, b'\0\x3f')]
    text = ''.join(f'answer {step} {value.hex() if value is not None else "-"}\n' for step, value in starts)
    text += ''.join(f'packet {source} {packet.hex()}\n' for source, packet in lines if packet)
    done = subprocess.run([DUMP, family.driver, family.name], input=text, capture_output=True, text=True, check=True)
    return Decoded(done.stdout)


def packets_of(family):
    order = sources_of(family)
    return [(order.index(uuid), packet) for uuid, packet, _ in family.packets(signal())]


def test_a_good_link_loses_nothing():
    for make in families.FAMILIES:
        family = make()
        sent = packets_of(family)
        decoded = decode(family, sent)
        duration_s = (max(decoded.values) + 1) * 1000 / decoded.rate_mhz
        tap.note(f'{family.name}: {len(sent)} packets, {len(decoded.values)} frames of {decoded.channels} channels')
        assert decoded.malformed == 0 and decoded.lost == 0, (family.name, decoded.malformed, decoded.lost)
        indices = sorted(decoded.values)
        gaps = [b - a for a, b in zip(indices, indices[1:]) if b - a != 1]
        # The Ganglion leaves out a sample a round.
        assert all(gap == 2 for gap in gaps) and (not gaps or family.driver == 'ganglion'), (family.name, gaps[:5])
        if decoded.rate_mhz in (200000, 500000, 1000000) and family.driver not in ('npg-lite',):
            assert abs(duration_s - SECONDS) < 0.1, (family.name, duration_s)
        # The samples are those of the signal.
        values = [decoded.values[i] for i in indices]
        assert max(values) - min(values) > 20, family.name


def spoil(sent, seed, loss=0.03, repeat=0.02, garbage=0.02):
    """Returns what arrives. Losses are single packets: longer ones are the clock's to find."""
    chance, arrived, lost_before = random.Random(seed), [], False
    for number, (source, packet) in enumerate(sent):
        lost = number > 20 and not lost_before and chance.random() < loss
        lost_before = lost
        if lost:
            continue
        arrived.append((source, packet))
        if chance.random() < repeat:
            arrived.append((source, packet))
        if chance.random() < garbage:
            arrived.append((source, bytes(chance.randrange(256) for _ in range(chance.choice((1, 3, 5, 71, 500))))))
    return arrived


def test_every_sample_keeps_its_place_on_a_bad_link():
    """For families with a counter that tells one packet from the next; the others need the clock."""
    tap.note('family, packets, arrived, lost, malformed, frames of those sent')
    for make in (families.NpgLite, families.NpgLite6, families.Umyo, families.Ganglion):
        family = make()
        sent = packets_of(family)
        good = decode(family, sent)
        for seed in range(5):
            arrived = spoil(sent, seed)
            bad = decode(family, arrived)
            wrong = [i for i, value in bad.values.items() if good.values.get(i) != value]
            tap.note(f'{family.name}, {len(sent)}, {len(arrived)}, {bad.lost}, {bad.malformed}, '
                     f'{len(bad.values) / len(good.values):.3f}')
            assert not wrong, (family.name, seed, wrong[:5])
            assert bad.lost > 0 and len(bad.values) > 0.9 * len(good.values)


def test_losses_of_the_rotation_and_of_the_byte_stream():
    for make, frames_each in ((families.Myo, 2), (families.Bitalino, None)):
        family = make()
        sent = packets_of(family)
        good = decode(family, sent)
        for seed in range(5):
            arrived = spoil(sent, seed, repeat=0, garbage=0)
            bad = decode(family, arrived)
            wrong = [i for i, value in bad.values.items() if good.values.get(i) != value]
            tap.note(f'{family.name}, {len(sent)} packets, {len(arrived)} arrived, {len(good.values) - len(bad.values)} '
                     f'frames lost, {len(wrong)} misplaced')
            assert not wrong, (family.name, seed, wrong[:5])
            if frames_each:
                assert len(good.values) - len(bad.values) == frames_each * (len(sent) - len(arrived))


tap.main(globals())
