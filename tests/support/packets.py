#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The open leg-EMG profile (sensors/PROFILE.md) as a sensor sends it: descriptions and packets from arrays of counts or
from an EDF file, written without the project's own code so that the tests compare two readings of the page. Used by
mockbluez.py and the tests of the bus; as a program it turns an EDF into a packet file for the mock's "load":

    packets.py NIGHT.edf OUT [--channels LABEL,...] [--frames N]

and prints one JSON object with the description and the interval of the packets."""

import argparse
import json
import math
import struct
import sys

UUID = 'f8f2{:04x}-a632-49da-84cb-1dc2575eee38'
SERVICE, SAMPLES, DESCRIPTION, CONTROL = (UUID.format(slot) for slot in (1, 2, 3, 4))
START, STOP = b'\x01', b'\x02'
PICOVOLTS = {'uv': 1e6, 'mv': 1e9, 'v': 1e12}


def describe(channels=4, rate_hz=1000, scale_uv=0.25, leg=2, muscles=(2, 3, 4, 5, 6, 8, 9), value_size=2, version=1):
    return struct.pack('<BBIIBB', version, leg, round(rate_hz * 1000), round(scale_uv * 1e6), channels,
                       value_size) + bytes(muscles[:channels])


def pack(frames, per_packet, value_size=2, sequence=0, counter=0):
    """frames: a sequence of equally long sequences of counts. Returns a list of packets."""
    result = []
    for at in range(0, len(frames), per_packet):
        part = frames[at:at + per_packet]
        body = b''.join(value.to_bytes(value_size, 'little', signed=True) for frame in part for value in frame)
        result.append(struct.pack('<HI', sequence & 0xffff, counter & 0xffffffff) + body)
        sequence += 1
        counter += len(part)
    return result


def ramp(packets, per_packet=10, channels=4):
    """Packets whose counts tell which frame they are from."""
    return pack([[(frame + 1000 * channel) % 32768 for channel in range(channels)]
                 for frame in range(packets * per_packet)], per_packet)


def write(path, packets):
    """The mock's format: length as u16 little endian, then the bytes."""
    with open(path, 'wb') as file:
        for packet in packets:
            file.write(struct.pack('<H', len(packet)) + packet)


class Edf:
    """The digital samples of an EDF file, as far as such a packet file needs them (16 bit, no gaps)."""

    def __init__(self, path):
        with open(path, 'rb') as file:
            data = file.read()
        if data[192:236].startswith(b'EDF+D'):
            raise ValueError(f'{path}: discontinuous (EDF+D)')
        head_size, records = int(data[184:192]), int(data[236:244])
        record_s, n = float(data[244:252]), int(data[252:256])
        fields, at = {}, 256
        for name, width in (('label', 16), ('transducer', 80), ('unit', 8), ('low', 8), ('high', 8), ('digital_low', 8),
                            ('digital_high', 8), ('filter', 80), ('samples', 8)):
            fields[name] = [data[at + i * width:at + (i + 1) * width].decode('latin-1').strip() for i in range(n)]
            at += n * width
        self.labels = fields['label']
        sizes = [int(size) for size in fields['samples']]
        self.rate_hz = [size / record_s for size in sizes]
        self.scale_uv = [self._scale_uv(fields, i) for i in range(n)]
        self.signals = [[] for _ in range(n)]
        at = head_size
        for _record in range(records):
            for signal, size in zip(self.signals, sizes):
                signal.extend(struct.unpack_from(f'<{size}h', data, at))
                at += 2 * size

    @staticmethod
    def _scale_uv(fields, i):
        unit = PICOVOLTS.get(fields['unit'][i].lower().replace('µ', 'u'))
        span = int(fields['digital_high'][i]) - int(fields['digital_low'][i])
        return (float(fields['high'][i]) - float(fields['low'][i])) / span * unit / 1e6 if unit and span else 0

    def choose(self, labels=None):
        """Indexes of these labels, or of all signals in a unit of voltage; at most 7, as the profile has it."""
        if labels:
            return [self.labels.index(label) for label in labels]
        return [i for i, scale in enumerate(self.scale_uv) if scale][:7]


def from_edf(path, labels=None, per_packet=None):
    """Returns (description, packets, interval in ms)."""
    edf = Edf(path)
    chosen = edf.choose(labels)
    rates, scales = {edf.rate_hz[i] for i in chosen}, {edf.scale_uv[i] for i in chosen}
    if len(rates) != 1 or len(scales) != 1:
        raise ValueError(f'{path}: the chosen signals must have one rate and one scale')
    rate_hz, scale_uv = rates.pop(), scales.pop()
    per_packet = per_packet or max(1, math.floor(rate_hz / 40))
    frames = list(zip(*(edf.signals[i] for i in chosen)))
    description = describe(len(chosen), rate_hz, scale_uv, muscles=(1,) * len(chosen))
    return description, pack(frames, per_packet), 1000 * per_packet / rate_hz


def main():
    parser = argparse.ArgumentParser(description='EDF to packets of the open leg-EMG profile')
    parser.add_argument('edf')
    parser.add_argument('out')
    parser.add_argument('--channels', help='labels, with commas; default: all in a unit of voltage')
    parser.add_argument('--frames', type=int, help='in a packet; default: 25 ms of them')
    options = parser.parse_args()
    description, packets, interval_ms = from_edf(options.edf, options.channels and options.channels.split(','),
                                                 options.frames)
    write(options.out, packets)
    json.dump({'description': description.hex(), 'packets': len(packets), 'interval_ms': interval_ms}, sys.stdout)
    print()


if __name__ == '__main__':
    main()
