# SPDX-License-Identifier: MIT
"""crampctl history over a fake org.crampd1: which cramps are meant, and how they look."""

import csv
import datetime
import decimal
import fcntl
import io
import json
import os
import pty
import random
import re
import statistics
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import golden
import tap
from crampctl import CRAMPCTL, WRAPPER, environment, run
from fakecrampd import EPISODES, NIGHTS, SENSORS, FakeCrampd
from past import DAY_US, HOUR_US, cramp, date_text, day_number, night, some_months
from privatebus import PrivateBus

GIVEN_UP = '00000000000000aa'


def ids(*arguments):
    return [json.loads(line)['id'] for line in run('history', '--json', *arguments).splitlines()]


def test_filters():
    with PrivateBus(), FakeCrampd() as fake:
        third = dict(EPISODES[1], id='e3', onset_us=EPISODES[1]['onset_us'] + 1, verdict='false-alarm', leg='left')
        fake.do('set', key='episodes', value=[*EPISODES, third])
        assert ids() == ['e1', 'e2', 'e3']
        assert ids('--leg', 'left') == ['e1', 'e3'] and ids('--leg=right') == ['e2']
        assert ids('--muscle', 'soleus') == ['e2', 'e3'] and ids('--muscle', 'soleus', '--leg', 'left') == ['e3']
        assert ids('--verdict', 'confirmed') == ['e1'] and ids('--verdict', 'false-alarm') == ['e3']
        assert ids('--verdict', 'none') == ['e2'] and ids('--muscle', 'foot') == []
        # crampd itself picks the sensor, by its id; the id of one that was given up is not looked for.
        for name, id_ in (('left calf', 'a1'), ('c0:ff:ee:00:00:01', 'a1'), ('b2', 'b2'), (GIVEN_UP, GIVEN_UP)):
            fake.do('calls')
            ids('--sensor', name)
            assert fake.do('calls')[-1]['args'][0].get('sensor') == id_, name
        run('history', '--sensor', 'nobody', code=65)
        for option, word, told in (('--leg', 'both', 'left or right'), ('--muscle', 'calf', 'soleus'), ('--verdict', 'x', 'none')):
            assert told in run('history', option, word, code=64)
        assert run('history', '--leg', 'right').count('\n') == 2


def test_filters_of_missed_cramps():
    with PrivateBus(), FakeCrampd():
        assert ids('--missed') == ids('--missed', '--leg', 'left', '--muscle', 'soleus', '--verdict', 'confirmed') == ['m1']
        assert ids('--missed', '--leg', 'right') == ids('--missed', '--verdict', 'none') == []
        assert 'Nobody told' in run('history', '--missed', '--muscle', 'foot')


def test_csv():
    with PrivateBus(), FakeCrampd():
        assert run('history', '--csv') == run('export')
        rows = list(csv.DictReader(io.StringIO(run('history', '--csv', '--verdict', 'none'), newline='')))
        assert [row['id'] for row in rows] == ['e2']
        assert run('history', '--csv', '--no-legend', '--leg', 'left').count('\n') == 1
        run('history', '--csv', '--json', code=64)
        run('history', '--csv', '--missed', code=64)


# --- pictures ---


def poisson_up_to(x, mean):
    mean = decimal.Decimal(mean)
    term = total = (-mean).exp()
    for i in range(1, x + 1):
        term = term * mean / i
        total += term
    return float(total)


def check_rate(span):
    if span['monitored_s'] == 0:
        assert span['rate'] is span['rate_low'] is span['rate_high'] is None
        return
    unit = span['monitored_s'] / 3600 / 8
    x = round(span['rate'] * unit)
    assert abs(x / unit - span['rate']) < 1e-6 and x <= span['cramps'], span
    assert abs(poisson_up_to(x, span['rate_high'] * unit) - 0.025) < 1e-4, span
    assert span['rate_low'] == 0 if x == 0 else abs(1 - poisson_up_to(x - 1, span['rate_low'] * unit) - 0.025) < 1e-4, span


def test_figures():
    """Of random months, against a second way to count them."""
    chance = random.Random(11)
    with PrivateBus(), FakeCrampd() as fake:
        first = day_number('2026-03-05')
        nights, episodes = some_months(chance, first, 60)
        missed = {'id': 'm1', 'sensor': 'a1', 'muscle': 'soleus', 'leg': 'left', 'zone_offset_s': 3600,
                  'time_us': (first + 20) * DAY_US + 23 * HOUR_US}
        for key, value in (('nights', nights), ('episodes', episodes), ('missed', [missed]), ('page', 17)):
            fake.do('set', key=key, value=value)
        got = json.loads(run('history', '--plot', '--json', '--until', date_text(first + 60) + 'T12:00'))
        assert (got['first_evening'], got['last_evening']) == (date_text(first), date_text(first + 59))

        watched = {}
        for row in nights:
            watched.setdefault(row['evening'], {}).setdefault(row['sensor'], [0, 0])
            watched[row['evening']][row['sensor']][0] += row['monitored_us']
            watched[row['evening']][row['sensor']][1] += row['gap_us']
        best = {evening: max(sensors.values(), key=lambda pair: pair[0]) for evening, sensors in watched.items()}
        counted = [(row['onset_us'], row) for row in episodes if row.get('verdict') != 'false-alarm']
        cramps = [onset for onset, _ in counted] + [missed['time_us'] + HOUR_US]
        evenings = [date_text((onset // HOUR_US - 12) // 24) for onset in cramps]
        for row in got['nights']:
            assert row['monitored_s'] * 1e6 == best.get(row['evening'], (0, 0))[0], row
            if len({pair[0] for pair in watched.get(row['evening'], {}).values()}) == len(watched.get(row['evening'], {})):
                assert row['gap_s'] * 1e6 == best.get(row['evening'], (0, 0))[1], row
            assert row['cramps'] == evenings.count(row['evening']), row
            assert row['missed'] == (row['evening'] == evenings[-1]), row
        assert {row['evening'] for row in got['nights']} >= set(best) | set(evenings)
        everything = got['all']
        assert everything['nights'] == len(best) and everything['monitored_s'] * 1e6 == sum(pair[0] for pair in best.values())
        assert everything['nights_short'] == sum(pair[0] < 4 * HOUR_US for pair in best.values())
        assert everything['nights_with_gaps'] == sum(row['gap_s'] >= 600 for row in got['nights'] if row['monitored_s'] > 0)
        assert everything['cramps'] == len(cramps) and everything['missed'] == 1
        assert everything['false_alarms'] == len(episodes) - len(counted)
        assert everything['missed_not_watched'] == 0
        assert got['confirmed'] == sum(row.get('verdict') == 'confirmed' for row in episodes)
        assert got['hours'] == [sum(onset // HOUR_US % 24 == hour for onset in cramps) for hour in range(24)]
        lengths = [row['end_us'] - row['onset_us'] for _, row in counted if 'end_us' in row]
        bounds = [0, 30e6, 60e6, 120e6, 300e6, 1e18]
        assert got['lengths'] == [sum(low <= length < high for length in lengths) for low, high in zip(bounds, bounds[1:])]
        assert abs(got['median_s'] - statistics.median(lengths) / 1e6) < 0.002 and got['longest_s'] == max(lengths) / 1e6

        check_rate(everything)
        assert round(everything['rate'] * everything['monitored_s'] / 3600 / 8) == sum(evening in best for evening in evenings)
        assert datetime.date.fromisoformat(got['weeks'][0]['from']).isoweekday() == 4  # as the data begins
        for before, week in zip(got['weeks'], got['weeks'][1:]):
            assert datetime.date.fromisoformat(week['from']).isoweekday() == 1
            assert 0 < day_number(week['from']) - day_number(before['from']) <= 7
        for week in got['weeks']:
            check_rate(week)
            days = [date_text(day_number(week['from']) + i) for i in range(8 - datetime.date.fromisoformat(week['from']).isoweekday())]
            assert week['nights'] == sum(day in best for day in days)
            assert week['cramps'] == sum(evening in days for evening in evenings)


def test_missed_while_nothing_watched():
    """Counts as a cramp, but no rate counts it: as much may have gone untold in all time that was not watched."""
    with PrivateBus(), FakeCrampd() as fake:
        first = day_number('2026-03-02')
        told = {'sensor': 'a1', 'muscle': 'soleus', 'leg': 'left', 'zone_offset_s': 0}
        missed = [dict(told, id='m1', time_us=(first * 24 + 23) * HOUR_US, watched=True),
                  dict(told, id='m2', time_us=(first * 24 + 32) * HOUR_US, watched=False),
                  dict(told, id='m3', time_us=(first * 24 + 48) * HOUR_US, watched=False)]
        for key, value in (('nights', [night(first, 8)]), ('episodes', [cramp(first, 2)]), ('missed', missed)):
            fake.do('set', key=key, value=value)
        of = ('--since', date_text(first), '--until', date_text(first + 7))
        got = json.loads(run('history', '--plot', '--json', *of))['all']
        assert (got['cramps'], got['missed'], got['missed_not_watched'], got['rate']) == (4, 3, 2, 2), got
        assert 'Missed while the sensor was not watching, left out of the rate: 2\n' in run('history', '--plot', *of)
        report = run('report', '--format', 'html', '-o', '-', *of)
        assert '2.00 in 8 watched hours' in report and '2 missed while the sensor was not watching' in report
        fake.do('set', key='missed', value=missed[:1])
        assert 'not watching' not in run('history', '--plot', *of) and 'not watching' not in run('report', '--format', 'html', '-o', '-', *of)


def test_figures_of_some():
    with PrivateBus(), FakeCrampd() as fake:
        first = day_number('2026-03-02')
        episodes = [cramp(first, 1), cramp(first, 2, verdict='false-alarm'), cramp(first, 3, verdict='confirmed'),
                    cramp(first, 4, sensor=GIVEN_UP, muscle='foot')]
        nights = [night(first, 5), night(first, 6, 'b2'), night(first, 7, GIVEN_UP), night(first, 8, 'never')]
        fake.do('set', key='episodes', value=episodes)
        fake.do('set', key='nights', value=sorted(nights, key=lambda row: row['start_us']))
        fake.do('set', key='missed', value=[])

        def figures(*arguments):
            got = json.loads(run('history', '--plot', '--json', *arguments))
            return got['all']['cramps'], got['all']['false_alarms'], got['all']['monitored_s'] / 3600

        assert figures() == (3, 1, 8)
        # Whose hours count: a sensor that is there by its place, one that was given up by its cramps.
        assert figures('--leg', 'left', '--muscle', 'gastrocnemius-medialis') == (0, 0, 5)
        assert figures('--muscle', 'foot') == (1, 0, 7) and figures('--leg', 'right') == (0, 0, 6)
        assert figures('--verdict', 'false-alarm') == (1, 0, 8) and figures('--verdict', 'confirmed') == (1, 0, 8)
        assert figures('--sensor', 'b2')[2] == 6
        for key in ('episodes', 'nights'):
            fake.do('set', key=key, value=[])
        assert figures() == (0, 0, 0)
        fake.do('set', key='nights', value=[night(first - 80000, 5), night(first, 5)])
        assert '73200 nights' in run('history', '--plot', '--json', code=65)


def screen_data(fake, n=53):
    """The same nights for every screen."""
    first = day_number('2026-04-26') - n + 1
    nights, episodes = [], []
    for i in range(n):
        day = first + i
        if (i * 7) % 4 != 3:
            nights.append(night(day, 2 if i in (10, 34) else 8, gap_min=12 if i in (10, 32, 46) else 0))
        for j in range((i * i * 5 + i) % 11 % 5 if i % 3 == 0 else 0):
            more = {'verdict': 'false-alarm'} if i % 12 == 6 and j == 0 else {}
            episodes.append(cramp(day, j * 1.5, 20 + (i * 37 + j * 71) % 341, **more))
    missed = [{'id': 'm1', 'sensor': 'a1', 'muscle': 'soleus', 'leg': 'left', 'zone_offset_s': 0,
               'time_us': (first + n - 4) * DAY_US + 26 * HOUR_US}]
    for key, value in (('nights', nights), ('episodes', episodes), ('missed', missed)):
        fake.do('set', key=key, value=value)


def picture(*arguments, columns=80, locale='C.UTF-8'):
    env = environment(COLUMNS=str(columns))
    env['LC_ALL'] = locale
    return run('history', '--plot', '--until', '2026-04-27T12:00', *arguments, env=env)


def on_terminal(*arguments, columns=80, rows=24, verb='history', **more):
    """What comes out on a terminal of that size."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
    env = environment(TERM='xterm', **more)
    with subprocess.Popen([*WRAPPER, CRAMPCTL, verb, *arguments], stdout=theirs, stdin=theirs, stderr=subprocess.PIPE,
                          env=env) as process:
        os.close(theirs)
        out = b''
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says so when the other end is closed
                piece = b''
            if not piece:
                break
            out += piece
        os.close(ours)
        assert process.wait(60) == 0 and process.stderr.read() == b''
    return out.decode().replace('\r\n', '\n')


def test_pictures():
    with PrivateBus(), FakeCrampd() as fake:
        screen_data(fake)
        golden.check(__file__, 'history-80.txt', picture())
        golden.check(__file__, 'history-60-ascii.txt', picture(columns=60, locale='C'))
        assert picture(columns=1) == picture(columns=40)
        for columns in (40, 44, 52, 53, 57, 58, 80):
            for more in ((), ('--language', 'de')):
                lines = picture(*more, columns=columns).splitlines()
                assert max(map(len, lines)) <= columns and not any(line.endswith(' ') for line in lines), (columns, lines)
        assert 'blank not watched' not in picture('--no-legend')
        # Months in one screen; what does not fit becomes a year a line, ten of which fit one too.
        assert picture().count('\n') <= 24
        screen_data(fake, 600)
        golden.check(__file__, 'history-years.txt', picture())
        for columns in (40, 52, 53, 57, 58, 79):
            lines = picture(columns=columns).splitlines()
            assert max(map(len, lines)) <= columns, (columns, lines)
        for key in ('nights', 'episodes', 'missed'):
            fake.do('set', key=key, value=[])
        golden.check(__file__, 'history-empty.txt', picture())


def test_pictures_on_a_terminal():
    with PrivateBus(), FakeCrampd() as fake:
        screen_data(fake)
        arguments = ['--until', '2026-04-27T12:00']
        plain = picture()
        coloured = on_terminal(*arguments)
        assert '\x1b[' in coloured and re.sub('\x1b\\[[0-9;]*m', '', coloured) == plain
        assert on_terminal(*arguments, NO_COLOR='1') == plain
        assert on_terminal(*arguments, columns=60, NO_COLOR='1') == picture(columns=60)
        assert on_terminal('--list', NO_COLOR='1').startswith('ONSET ')
        assert on_terminal('--missed', NO_COLOR='1').startswith('TIME ')
        assert json.loads(on_terminal('--json').splitlines()[0])['id']
        # Without a time: as many weeks as fit, up to this one.
        fake.do('calls')
        on_terminal(columns=80)
        since_us = fake.do('calls')[0]['args'][0]['since_us']
        since = datetime.datetime.fromtimestamp(since_us / 1e6, datetime.timezone.utc)
        assert since.isoweekday() == 1 and since.hour == 12, since
        weeks = (time.time() - 12 * 3600 - (since.timestamp() - 12 * 3600)) / 86400 / 7
        assert 36 <= weeks < 37.01, weeks


def test_tables_fit_the_terminal():
    """Columns yield, the least needed first, and are named; elsewhere all are there."""
    with PrivateBus(), FakeCrampd() as fake:
        one = dict(EPISODES[0], id='0123456789abcdef')
        two = dict(EPISODES[1], id='fedcba9876543210', end_us=EPISODES[1]['onset_us'] + 1, end_reason='subsided')
        sensor = dict(SENSORS[0], id='0123456789abcdef')
        fake.do('set', key='sensors', value=[sensor, dict(SENSORS[1], id='fedcba9876543210')])
        for real_only in (True, False):
            fake.do('set', key='episodes', value=[one] if real_only else [one, two])
            for arguments, stays in ((('history', '--list'), (one['id'], '2026-11-23 02:14:05', 'left')),
                                     (('sensors',), (sensor['id'], 'left calf', 'streaming')),
                                     (('sensors', '--stats'), ('left calf', 'WATCHED', 'LOST %', 'LONGEST GAP'))):
                piped = run(*arguments)
                for columns in (80, 100, 220):
                    out = on_terminal(*arguments[1:], '--no-pager', verb=arguments[0], columns=columns, NO_COLOR='1')
                    assert all(len(line) <= columns for line in out.splitlines()), (columns, out)
                    assert all(text in out for text in stays), out
                    assert ('No room here for: ' in out) == (out != piped) == (columns < 130), (columns, out)
                assert len(piped.splitlines()[0]) > 80
        # What has room when a wider one is left out stays.
        fake.do('set', key='sensors', value=[sensor])
        head, *_, told = on_terminal('--no-pager', verb='sensors', NO_COLOR='1').splitlines()
        assert 'BATTERY' in head and 'ADDRESS' in told and 'BATTERY' not in told, (head, told)
        # Piped to a pager it is the terminal that counts.
        paged = on_terminal('--list', columns=80, NO_COLOR='1', PAGER='tee')
        assert paged == on_terminal('--list', '--no-pager', columns=80, NO_COLOR='1')


def test_bad_answers_for_pictures():
    with PrivateBus(), FakeCrampd() as fake:
        for method, hows in (('OutlineEpisodes', ('signature', 'type onset_us', 'missing pain', 'short', 'place', 'many', 'endless',
                                                  'type verdict')),
                             ('OutlineNights', ('signature', 'type evening_day', 'missing gap_us', 'short', 'place', 'many',
                                                'endless'))):
            for how in hows:
                fake.answer(method, how)
                err = run('history', '--plot', code=76)
                assert len(err) < 700, (method, how, err)
            fake.answer(method, 'error org.crampd1.Error.StoreFailed')
            run('history', '--plot', code=74)
            fake.answer(method, None)
        for wrong in ({'monitored_us': 2**63 - 1}, {'monitored_us': -1}, {'gap_us': 2**63 - 1}, {'gap_us': -2**63}):
            fake.do('set', key='nights', value=[dict(NIGHTS[0], **wrong)] * 2)
            assert 'possible length' in run('history', '--plot', code=76)
        fake.do('set', key='nights', value=NIGHTS)
        fake.do('set', key='episodes', value=[dict(EPISODES[0], zone_offset_s=86401)])
        run('history', '--plot', code=76)
        for both in ('--list', '--csv', '--missed'):
            run('history', '--plot', both, code=64)


tap.main(globals())
