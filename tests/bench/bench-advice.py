#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How long advice takes for somebody with ten years of nights, cramps and a full log: from the call on the bus to the
answer, ranking and rendering included. The bar: 20 ms. Needs CRAMPD in the environment."""

import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'support'))

import dbus  # noqa: E402
import dbus.lowlevel  # noqa: E402

import tap  # noqa: E402
from daemon import GUIDANCE, ROOT, System  # noqa: E402
from nights import fill  # noqa: E402

YEARS = 10
NIGHTS = YEARS * 365
BAR_MS = 20


# Two sensors watching every night, a cramp in two nights of three, six log entries a day.
ENTRIES = (('magnesium', '200mg'), ('hydration', '1500ml'), ('standing', '6h'), ('calcium', '500mg'), ('potassium', '2g'),
           ('exercise', '30min'))


def test_advice_for_ten_years():
    with System() as system:
        with system.daemon():
            pass
        fill(system.state / 'crampd.db', os.geteuid(), [(NIGHTS - i, 8, int(i % 3 > 0)) for i in range(NIGHTS)], sensors=2,
             entries=ENTRIES)
        with system.daemon():
            client = system.client()
            client.call(ROOT, GUIDANCE, 'SetProfile', 'a{ss}a{sv}', dbus.Dictionary(
                {'age': '67', 'sex': 'female', 'diet': 'vegan', 'medicines': 'statin'}, signature='ss'), client.options())
            times_ms = []
            for _ in range(50):
                call = dbus.lowlevel.MethodCallMessage('org.crampd1', ROOT, GUIDANCE, 'Advise')
                call.append({}, signature='a{sv}')
                begin = time.perf_counter()
                answer = client.connection.send_message_with_reply_and_block(call, 10)
                times_ms.append((time.perf_counter() - begin) * 1000)
            summary, items, _ = answer.get_args_list()
            assert summary['nights'] >= 27 and summary['clusters'] >= 17 and len(items) > 10, summary
            median, worst = statistics.median(times_ms), max(times_ms)
            tap.measured(f'advice from {NIGHTS} nights x 2 sensors, {NIGHTS * 2 // 3} cramps, {NIGHTS * 6} log entries: median '
                         f'{median:.2f} ms, longest {worst:.2f} ms, {len(items)} items (bar {BAR_MS} ms)')
            assert median < BAR_MS, times_ms


if __name__ == '__main__':
    tap.main(globals())
