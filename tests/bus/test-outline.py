# SPDX-License-Identifier: MIT
"""History.OutlineEpisodes(), OutlineNights() and TabulateEpisodes() of a real crampd: the same as its lists tell, and to the same
people."""

import contextlib
import datetime
import math
import os
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import dbus
import tap
from daemon import HISTORY, ROOT, System
from nights import fill, public_id


def pages(client, method, limit=None, **options):
    """All pages of a method, as its own answers."""
    answers, cursor = [], 0
    while True:
        more = dict(options)
        if limit:
            more['limit'] = dbus.UInt32(limit)
        if cursor:
            more['after'] = dbus.UInt64(cursor)
        answers.append(client.call(ROOT, HISTORY, method, 'a{sv}', dbus.Dictionary(more, signature='sv')))
        cursor = answers[-1][-1]
        if not cursor:
            return answers


def listed(client, method, **options):
    return [row for rows, _ in pages(client, method, **options) for row in rows]


def outlined(client, method, limit=None, **options):
    rows = []
    for words, columns, _ in pages(client, method, limit, **options):
        named = {key: [str(words[place]) for place in values] if values.signature == 'q' else values
                 for key, values in columns.items()}
        rows += [dict(zip(named, values)) for values in zip(*named.values())]
    return rows


def tabulated(client, limit=None, **options):
    """As ListEpisodes() tells them: without what is unknown or was not said."""
    def is_there(key, value):
        return not (value == '' or (key == 'pain' and value < 0) or (key == 'end_us' and value == -2**63)
                    or (isinstance(value, float) and math.isnan(value)))
    return [{key: value for key, value in row.items() if is_there(key, value)}
            for row in outlined(client, 'TabulateEpisodes', limit, **options)]


def test_same_as_the_lists():
    with System() as system:
        with system.daemon():
            pass
        fill(system.state / 'crampd.db', os.geteuid(), [(120 - i, i % 9, i % 4) for i in range(120)], sensors=2)
        with contextlib.closing(sqlite3.connect(system.state / 'crampd.db')) as db, db:
            # Everything known of some, of some nothing, with words that come again and notes that do not.
            db.execute("UPDATE episode SET verdict = 'confirmed', pain = row % 11, note = 'note ' || row || ' ä', channel = 4294967295, "
                       'peak_uv = 100.5 + row, median_hz = row / 7.0, confidence = 0.25, peak_mvc_percent = 3.5, '
                       'zone_offset_s = -3600 WHERE row % 3 = 0')
            db.execute("UPDATE episode SET verdict = 'false-alarm', note = 'the same', leg = 'right' WHERE row % 3 = 1")
            db.execute("UPDATE sensor SET address = 'C0:FF:EE:00:00:02', name = ? WHERE row = 2", ('n' * 63,))
            db.execute('UPDATE episode SET sensor = 2 WHERE row > 120')
            db.execute("INSERT INTO waveform SELECT row, 1, onset_us, 1000000, 1, 0.5, 0, x'0001' FROM episode WHERE row % 5 = 0")
        with system.daemon():
            client = system.client()
            episodes = listed(client, 'ListEpisodes')
            assert len(episodes) == 180
            expected = [{'onset_us': e['onset_us'], 'length_us': e['end_us'] - e['onset_us'], 'zone_offset_s': e['zone_offset_s'],
                         'pain': e.get('pain', -1), 'sensor': e['sensor'], 'leg': e['leg'], 'muscle': e['muscle'],
                         'severity': e['severity'], 'verdict': e.get('verdict', ''), 'simulated': e['simulated']} for e in episodes]
            assert outlined(client, 'OutlineEpisodes') == outlined(client, 'OutlineEpisodes', 7) == expected
            since = dbus.Int64(episodes[50]['onset_us'])
            assert outlined(client, 'OutlineEpisodes', since_us=since) == expected[50:]

            assert sum(e['waveform'] for e in episodes) == 36 and {len(e) for e in episodes} == {15, 17, 21}
            assert [bool(e['simulated']) for e in episodes] == [e['sensor'] == public_id(1) for e in episodes]
            assert tabulated(client) == tabulated(client, 7) == episodes
            assert tabulated(client, since_us=since) == episodes[50:]
            for number, n in ((1, 120), (2, 60)):
                own = [e for e in episodes if e['sensor'] == public_id(number)]
                assert len(own) == n and tabulated(client, sensor=public_id(number)) == own

            nights = listed(client, 'ListNights')
            assert len(nights) == 240
            expected = [{'start_us': n['start_us'], 'monitored_us': n['monitored_us'], 'gap_us': n['gap_us'], 'sensor': n['sensor'], 'name': 'n' * 63 if n['sensor'] == public_id(2) else '', 'driver': 'crampd', 'leg': 'left', 'muscle': 'soleus', 'rate_hz': 0.001, 'channels': 1,
                         'simulated': n['sensor'] == public_id(1),
                         'evening_day': (datetime.date.fromisoformat(n['evening']) - datetime.date(1970, 1, 1)).days}
                        for n in nights]
            assert outlined(client, 'OutlineNights') == outlined(client, 'OutlineNights', 11) == expected
            other = {'sensor': public_id(2)}
            assert outlined(client, 'OutlineNights', **other) == [row for row in expected if row['sensor'] == other['sensor']]
            none = {'sensor': public_id(3)}
            assert outlined(client, 'OutlineEpisodes', **none) == tabulated(client, **none) == []

            for method in ('OutlineEpisodes', 'OutlineNights', 'TabulateEpisodes'):
                most = 4000 if method == 'TabulateEpisodes' else 20000
                for options in ({'limit': dbus.UInt32(0)}, {'limit': dbus.UInt32(most + 1)}, {'sensor': 'x'},
                                {'since_us': 'yesterday'}):
                    error = client.error_of(ROOT, HISTORY, method, 'a{sv}', dbus.Dictionary(options, signature='sv'))
                    assert error == 'org.crampd1.Error.InvalidArgument', (method, options, error)


tap.main(globals())
