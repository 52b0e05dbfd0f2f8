#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How long crampctl export takes for ten years: 12,000 cramps in 3,650 nights, each format into a file, from the command to its
end. The bar: 1 s, with no signal kept, and with the signals of the newest 1,000 as EDF+ files of their own. Needs CRAMPD and
CRAMPCTL in the environment."""

import contextlib
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'support'))

import tap  # noqa: E402
from crampctl import run  # noqa: E402
from daemon import System  # noqa: E402
from nights import fill  # noqa: E402

NIGHTS = 3650
EPISODES = 12000
KEPT = 1000
BAR_S = 1.0
FRAMES = 30 * 1000


def leb128(number):
    code = b''
    while number >= 0x80:
        code += bytes([number & 0x7f | 0x80])
        number >>= 7
    return code + bytes([number])


def waveform():
    """30 s of a channel at 1 kHz: rest, then a cramp, as daemon/store/waveform.h codes it."""
    code, before = leb128(0) + leb128(FRAMES), 0
    for i in range(FRAMES):
        value = (i * 7919) % 9 - 4 if i < FRAMES // 3 else (i * 7919) % 401 - 200
        difference, before = value - before, value
        code += leb128(2 * difference if difference >= 0 else -2 * difference - 1)
    return code


def seconds(*arguments, runs=5):
    taken, used = [], sum(os.times()[2:4])
    with tempfile.TemporaryDirectory() as folder:
        for i in range(runs):
            begin = time.perf_counter()
            run('export', *arguments, '-o', os.path.join(folder, str(i)))
            taken.append(time.perf_counter() - begin)
        size = sum(path.stat().st_size for path in Path(folder).rglob('*') if path.is_file()) / runs
    # What crampctl itself took of the processor, however busy the machine is.
    used_s = (sum(os.times()[2:4]) - used) / runs
    return statistics.median(taken), max(taken), size, used_s


def test_export_of_ten_years():
    with System() as system:
        with system.daemon():
            pass
        # 3.29 cramps a night: three in each, four in those that are left.
        more = EPISODES - 3 * NIGHTS
        fill(system.state / 'crampd.db', os.geteuid(), [(NIGHTS - i, 8, 3 + (i < more)) for i in range(NIGHTS)])
        with system.daemon():
            for form in ('csv', 'json', 'jsonl', 'ics', 'sqlite'):
                median_s, worst_s, size, used_s = seconds('--format', form)
                tap.measured(f'export --format {form} of {EPISODES} cramps, {NIGHTS} nights: median {median_s * 1000:.0f} ms, longest '
                             f'{worst_s * 1000:.0f} ms, {size / 1e6:.1f} MB; of the processor '
                             f'{used_s * 1000:.0f} ms (bar {BAR_S * 1000:.0f} ms)')
                assert median_s < BAR_S, (form, median_s)
            median_s, *_ = seconds('--format', 'jsonl', '--after', '')
            tap.measured(f'export --after "" of {EPISODES} cramps: median {median_s * 1000:.0f} ms (bar {BAR_S * 1000:.0f} ms)')
            assert median_s < BAR_S, median_s

        code = waveform()
        with contextlib.closing(sqlite3.connect(system.state / 'crampd.db')) as db, db:
            db.execute('INSERT INTO waveform SELECT row, 1, onset_us - 10000000, 1000000, 1, 0.5, 0, ? FROM episode '
                       'ORDER BY row DESC LIMIT ?', (code, KEPT))
        with system.daemon():
            for form in ('sqlite', 'edf'):
                median_s, worst_s, size, used_s = seconds('--format', form, runs=3)
                tap.measured(f'export --format {form} with the signal of {KEPT} cramps ({len(code)} bytes each in the database): '
                             f'median {median_s * 1000:.0f} ms, longest {worst_s * 1000:.0f} ms, {size / 1e6:.1f} MB; of the processor '
                             f'{used_s * 1000:.0f} ms (bar {BAR_S * 1000:.0f} ms)')
                assert median_s < BAR_S, (form, median_s)


if __name__ == '__main__':
    tap.main(globals())
