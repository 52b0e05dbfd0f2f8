# SPDX-License-Identifier: MIT
"""Writes nights and cramps of the past into the database of a crampd that does not run."""

import calendar
import contextlib
import sqlite3
import time

DAY_US = 86400 * 1000000
HOUR_US = 3600 * 1000000


def evening_of(time_us):
    """As the daemon names nights, noon to noon local time."""
    wall_s = calendar.timegm(time.localtime(time_us // 1000000))
    return time.strftime('%Y-%m-%d', time.gmtime(wall_s - 12 * 3600))


def public_id(number):
    """Like those that crampd draws, each bit as often set as not; another for each number."""
    return f'{number * 0x9e3779b97f4a7c15 % 2**64:016x}'


def fill(path, uid, nights, sensors=1, entries=()):
    """`nights`: (days ago, hours watched, cramps two hours apart), oldest first; `entries`: (what, amount) of each day."""
    now = int(time.time()) * 1000000
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute('INSERT OR IGNORE INTO person VALUES (?)', (uid,))
        for sensor in range(1, sensors + 1):
            db.execute('INSERT INTO sensor (row, id, owner_uid, address, driver, name, muscle, leg, added_us, removed_us, '
                       "zone_offset_s) VALUES (?, ?, ?, 'virtual', 'crampd', '', 'soleus', 'left', 0, 1, 0)",
                       (sensor, public_id(sensor), uid))
        number = 0
        for i, (days_ago, hours, cramps) in enumerate(nights):
            start = now - days_ago * DAY_US
            for sensor in range(1, sensors + 1):
                row = sensors * i + sensor
                db.execute('INSERT INTO night (row, id, sensor, evening, start_us, end_us, seen_us, zone_offset_s, rate_mhz, '
                           'channels, packets, lost_packets, monitored_us) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 1, 1, 0, 0, ?)',
                           (row, public_id(row), sensor, evening_of(start), start, start + 8 * HOUR_US, start,
                            int(hours * HOUR_US)))
            for cramp in range(cramps):
                number += 1
                onset = start + cramp * 2 * HOUR_US
                db.execute('INSERT INTO episode (id, sensor, night, muscle, leg, onset_us, alert_us, end_us, zone_offset_s, '
                           "channel, end_reason, severity, confidence, detector) VALUES (?, 1, ?, 'soleus', 'left', ?, ?, ?, "
                           "0, 0, 'subsided', 'mild', 1, '1')",
                           (public_id(number), sensors * i + 1, onset, onset + 1000000, onset + 60 * 1000000))
            for j, (what, amount) in enumerate(entries):
                db.execute('INSERT INTO entry (id, uid, time_us, zone_offset_s, kind, what, origin, compound, amount, leg, '
                           "text) VALUES (?, ?, ?, 0, 'amount', ?, 'food', '', ?, '', '')",
                           (public_id(i * len(entries) + j + 1), uid, start + j, what, amount))


def have_long(path):
    """As if its sensors had been added long ago: what is told of before a sensor was there is refused."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute('UPDATE sensor SET added_us = 0')


def watch_long(path):
    """As if its sensors had been added long ago, and had watched the last two days."""
    have_long(path)
    now = int(time.time()) * 1000000
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        for row, in db.execute('SELECT row FROM sensor').fetchall():
            db.execute('INSERT INTO night (id, sensor, evening, start_us, end_us, seen_us, zone_offset_s, rate_mhz, channels, '
                       'packets, lost_packets, monitored_us) VALUES (?, ?, ?, ?, ?, ?, 0, 1, 1, 0, 0, 1)',
                       (public_id(row), row, evening_of(now), now - 2 * DAY_US, now, now))
