#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How long the past takes to be shown, from the command to its last line: ten years of nights with 12,000 cramps, in a
database of the real daemon. Needs CRAMPD and CRAMPCTL in the environment."""

import contextlib
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'support'))

import tap  # noqa: E402
from crampctl import CRAMPCTL, environment  # noqa: E402
from daemon import System  # noqa: E402
from nights import fill  # noqa: E402

NIGHTS = 3650
CRAMPS = 12000
ROUNDS = 10
BAR_MS = 100
REPORT_BAR_MS = 2000


def processor_ms():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) * 1000


def timed(*arguments, rounds=ROUNDS):
    """Median and longest of some rounds in milliseconds, what crampctl took of the processor, and what was printed."""
    times_ms, before_ms = [], processor_ms()
    for _ in range(rounds):
        begin = time.perf_counter()
        done = subprocess.run([CRAMPCTL, *arguments], check=True, stdout=subprocess.PIPE, env=environment())
        times_ms.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times_ms), max(times_ms), (processor_ms() - before_ms) / rounds, done.stdout.decode()


def fill_ten_years(path):
    more = CRAMPS - 3 * NIGHTS  # these nights have four cramps, the others three
    fill(path, os.geteuid(), [(NIGHTS - i, 8, 3 + (i < more)) for i in range(NIGHTS)])
    # As somebody's years look: measured throughout, something said of every second one, and of every tenth in words.
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute('UPDATE episode SET peak_uv = 40.125 + row % 500, median_hz = 30.5 + row % 90 / 7.0, confidence = 0.5 + row % 50 / 100.0, '
                   'peak_mvc_percent = 5.25 + row % 60')
        db.execute("UPDATE episode SET verdict = CASE row % 10 WHEN 0 THEN 'false-alarm' ELSE 'confirmed' END, pain = row % 11 "
                   'WHERE row % 2 = 0')
        db.execute("UPDATE episode SET note = 'cramp ' || row || ' came after the walk' WHERE row % 10 = 4")


def test_ten_years():
    with System() as system:
        with system.daemon():
            pass
        fill_ten_years(system.state / 'crampd.db')
        with system.daemon():
            # As on a terminal: the pictures, of all that there is.
            median, worst, busy, out = timed('history', '--plot', '--since', '2000-01-01')
            assert f'{NIGHTS} nights watched' in out and f'\n{CRAMPS - CRAMPS // 10} cramps: ' in out, out
            tap.measured(f'history in pictures of {NIGHTS} nights, {CRAMPS} cramps: median {median:.1f} ms, longest {worst:.1f} ms '
                         f'({busy:.0f} of the processor; bar {BAR_MS} ms)')
            assert median < BAR_MS, median
            for form, lines in (('--list', CRAMPS + 1), ('--json', CRAMPS), ('--csv', CRAMPS + 1)):
                median, worst, busy, out = timed('history', form)
                assert out.count('\n') == lines
                tap.measured(f'history {form} of all that, one by one: median {median:.1f} ms, longest {worst:.1f} ms '
                             f'({busy:.0f} of the processor; bar {BAR_MS} ms)')
                assert median < BAR_MS, (form, median)
            for end in ('html', 'pdf'):
                path = system.folder / f'report.{end}'
                median, worst, busy, _ = timed('report', '--force', '--since', '2000-01-01', '-o', path, rounds=5)
                tap.measured(f'a report of all that as {end.upper()}, {path.stat().st_size / 1e6:.1f} MB: median {median:.0f} ms, '
                             f'longest {worst:.0f} ms ({busy:.0f} of the processor; bar {REPORT_BAR_MS} ms)')
                assert median < REPORT_BAR_MS, (end, median)


if __name__ == '__main__':
    tap.main(globals())
