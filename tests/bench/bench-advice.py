#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How long advice takes for somebody with ten years of nights, cramps and a full log: from the call on the bus to the
answer, ranking and rendering included. The bar: 20 ms. Needs CRAMPD in the environment."""

import contextlib
import os
import sqlite3
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / 'support'))

import dbus  # noqa: E402
import dbus.lowlevel  # noqa: E402

import tap  # noqa: E402
from daemon import GUIDANCE, ROOT, System  # noqa: E402

YEARS = 10
NIGHTS = YEARS * 365
BAR_MS = 20
DAY_US = 86400 * 1000000


def fill(path, uid):
    """Two sensors watching every night, a cramp in two nights of three, six log entries a day."""
    now = int(time.time()) * 1000000
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute('INSERT OR IGNORE INTO person VALUES (?)', (uid,))
        db.execute('INSERT INTO profile VALUES (?, ?)', (uid, 'age=67\nsex=female\ndiet=vegan\nmedicines=statin\n'))
        for sensor in (1, 2):
            db.execute('INSERT INTO sensor (row, id, owner_uid, address, driver, name, muscle, leg, added_us, removed_us, '
                       "zone_offset_s) VALUES (?, ?, ?, 'virtual', 'crampd', '', 'soleus', 'left', 0, 1, 0)",
                       (sensor, f'{sensor:016x}', uid))
        for i in range(NIGHTS):
            start = now - (NIGHTS - i) * DAY_US
            evening = time.strftime('%Y-%m-%d', time.gmtime((start - DAY_US // 2) // 1000000))
            for sensor in (1, 2):
                row = 2 * i + sensor
                db.execute('INSERT INTO night (row, id, sensor, evening, start_us, end_us, seen_us, zone_offset_s, rate_mhz, '
                           'channels, packets, lost_packets, monitored_us) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 1, 1, 0, 0, ?)',
                           (row, f'{row:016x}', sensor, evening, start, start + DAY_US // 3, start, 8 * 3600 * 1000000))
            if i % 3:
                db.execute('INSERT INTO episode (id, sensor, night, muscle, leg, onset_us, alert_us, end_us, zone_offset_s, '
                           "channel, end_reason, severity, confidence, detector) VALUES (?, 1, ?, 'soleus', 'left', ?, ?, ?, "
                           "0, 0, 'subsided', 'mild', 1, '1')",
                           (f'{i + 1:016x}', 2 * i + 1, start + 1000, start + 2000, start + 60000000))
            for n, (what, amount) in enumerate((('magnesium', '200mg'), ('hydration', '1500ml'), ('standing', '6h'),
                                                ('calcium', '500mg'), ('potassium', '2g'), ('exercise', '30min'))):
                db.execute('INSERT INTO entry (id, uid, time_us, zone_offset_s, kind, what, origin, compound, amount, leg, '
                           "text) VALUES (?, ?, ?, 0, 'amount', ?, 'food', '', ?, '', '')",
                           (f'{i * 6 + n + 1:016x}', uid, start + n, what, amount))


def test_advice_for_ten_years():
    with System() as system:
        with system.daemon():
            pass
        fill(system.state / 'crampd.db', os.geteuid())
        with system.daemon():
            client = system.client()
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
