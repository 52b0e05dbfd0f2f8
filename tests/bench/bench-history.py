#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How long the past takes to be shown, from the command to its last line: ten years of nights with 12,000 cramps, in a
database of the real daemon. Needs CRAMPD and CRAMPCTL in the environment."""

import os
import resource
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


def test_ten_years():
    with System() as system:
        with system.daemon():
            pass
        more = CRAMPS - 3 * NIGHTS  # these nights have four cramps, the others three
        fill(system.state / 'crampd.db', os.geteuid(), [(NIGHTS - i, 8, 3 + (i < more)) for i in range(NIGHTS)])
        with system.daemon():
            # As on a terminal: the pictures, of all that there is.
            median, worst, busy, out = timed('history', '--plot', '--since', '2000-01-01')
            assert f'{NIGHTS} nights watched' in out and f'\n{CRAMPS} cramps: ' in out, out
            tap.measured(f'history in pictures of {NIGHTS} nights, {CRAMPS} cramps: median {median:.1f} ms, longest {worst:.1f} ms '
                         f'({busy:.0f} of the processor; bar {BAR_MS} ms)')
            listed, longest, _, out = timed('history', '--list')
            assert out.count('\n') == CRAMPS + 1
            tap.measured(f'the same listed one by one: median {listed:.1f} ms, longest {longest:.1f} ms')
            assert median < BAR_MS, median
            for end in ('html', 'pdf'):
                path = system.folder / f'report.{end}'
                median, worst, busy, _ = timed('report', '--force', '--since', '2000-01-01', '-o', path, rounds=5)
                tap.measured(f'a report of all that as {end.upper()}, {path.stat().st_size / 1e6:.1f} MB: median {median:.0f} ms, '
                             f'longest {worst:.0f} ms ({busy:.0f} of the processor; bar {REPORT_BAR_MS} ms)')
                assert median < REPORT_BAR_MS, (end, median)


if __name__ == '__main__':
    tap.main(globals())
