#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How long `crampctl analyze` takes for a night: 8 hours at 1 kHz, as EDF and as CSV. Fails beyond the bars.

Usage: bench-analyze.py CRAMPCTL [HOURS]. Prints TAP; CRAMPCTL may also come from the environment."""

import json
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time

RATE = 1000
EDF_BAR_S = 10  # for 8 hours
MEMORY_BAR_MIB = 32
CSV_BAR_MIB_PER_S = 30


def minutes():
    """A few minutes of activity as digital samples of 0.1 uV: rest with and without a twitch, and a cramp."""
    generator = random.Random(20251123)

    def minute(level_uv):
        return [round(generator.gauss(0, level_uv(i / RATE)) * 10) for i in range(60 * RATE)]

    rest = [minute(lambda t: 4.0) for _ in range(3)]
    twitch = minute(lambda t: 80.0 if 30 <= t < 30.4 else 4.0)
    cramp = minute(lambda t: 4.0 + 140.0 * min(1.0, max(0.0, (t - 5) / 2)) if t < 55 else 4.0)
    return rest + [twitch], cramp


def night(hours):
    """The minutes of a night: rest in changing order, one cramp in its last hour."""
    pieces, cramp = minutes()
    order = random.Random(1)
    total = hours * 60
    for i in range(total):
        yield cramp if i == total - 30 else order.choice(pieces)


def edf_write(path, hours):
    def field(value, width):
        return str(value).ljust(width).encode('ascii')

    seconds = hours * 3600
    header = [field(0, 8), field('X', 80), field('bench', 80), field('23.11.25', 8), field('22.00.00', 8),
              field(512, 8), field('', 44), field(seconds, 8), field(1, 8), field(1, 4),
              field('calf', 16), field('', 80), field('uV', 8), field(-3276.8, 8), field(3276.7, 8),
              field(-32768, 8), field(32767, 8), field('', 80), field(RATE, 8), field('', 32)]
    packed = {}
    with open(path, 'wb') as file:
        file.write(b''.join(header))
        for piece in night(hours):
            if id(piece) not in packed:
                packed[id(piece)] = struct.pack(f'<{len(piece)}h', *piece)
            file.write(packed[id(piece)])


def csv_write(path, hours):
    printed = {}
    with open(path, 'w') as file:
        file.write('calf_uV\n')
        for piece in night(hours):
            if id(piece) not in printed:
                printed[id(piece)] = ''.join(f'{value / 10:.1f}\n' for value in piece)
            file.write(printed[id(piece)])


def children_cpu_s():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def analyze(crampctl, path, *options):
    """Seconds that passed, seconds of the processor, and the episodes."""
    begin, begin_cpu = time.monotonic(), children_cpu_s()
    done = subprocess.run([crampctl, 'analyze', '--json', *options, path], check=True, stdout=subprocess.PIPE)
    return (time.monotonic() - begin, children_cpu_s() - begin_cpu,
            [json.loads(line) for line in done.stdout.splitlines()])


def main():
    crampctl = sys.argv[1] if len(sys.argv) > 1 else os.environ['CRAMPCTL']
    hours = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    expected_s = hours * 3600 - 30 * 60 + 5
    failed = 0

    print('1..3')
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'night.edf')
        edf_write(path, hours)
        seconds, cpu_s, episodes = analyze(crampctl, path)
        bar_s = EDF_BAR_S * hours / 8
        print(f'# measured: {hours} h at {RATE} Hz as EDF: {seconds:.2f} s ({cpu_s:.2f} s of the processor), bar {bar_s:g} s')
        found = len(episodes) == 1 and abs(episodes[0]['onset_s'] - expected_s) < 5
        failed += not (seconds < bar_s and found)
        print(f'{"ok" if seconds < bar_s and found else "not ok"} 1 - edf')
        if not found:
            print(f'# expected one cramp at {expected_s} s, got {episodes}')

        path = os.path.join(folder, 'night.csv')
        csv_write(path, hours)
        seconds, cpu_s, same = analyze(crampctl, path, '--rate', str(RATE))
        speed = os.path.getsize(path) / 2**20 / cpu_s  # others may share the machine
        print(f'# measured: the same as CSV: {seconds:.2f} s ({cpu_s:.2f} s of the processor), {speed:.0f} MiB/s, '
              f'bar {CSV_BAR_MIB_PER_S} MiB/s')
        agree = [episode['onset_s'] for episode in same] == [episode['onset_s'] for episode in episodes]
        failed += not (speed >= CSV_BAR_MIB_PER_S and agree)
        print(f'{"ok" if speed >= CSV_BAR_MIB_PER_S and agree else "not ok"} 2 - csv')

    memory_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f'# measured: memory {memory_mib:.1f} MiB, bar {MEMORY_BAR_MIB} MiB')
    failed += memory_mib >= MEMORY_BAR_MIB
    print(f'{"ok" if memory_mib < MEMORY_BAR_MIB else "not ok"} 3 - memory')
    sys.exit(1 if failed else 0)


main()
