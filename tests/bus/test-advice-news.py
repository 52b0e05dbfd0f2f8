#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""AdviceChanged of a running daemon: whatever changes somebody's advice is told to their subscribers and to nobody else: what
they tell and log, a cramp, what they say of one, and the time that passes. Needs CRAMPD, CRAMPCTL and CALF_EMG in the
environment."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import dbus  # noqa: E402

import tap  # noqa: E402
from daemon import GUIDANCE, HISTORY, ROOT, System  # noqa: E402
from guidance import NOBODY, SAFE, advise, as_nobody, get_profile, log, set_profile  # noqa: E402
from nights import DAY_US, fill, public_id  # noqa: E402
from recordings import minute  # noqa: E402

_files = tempfile.TemporaryDirectory(prefix='news-')


def recording():
    return minute(_files.name)


def news(client):
    return [arguments[0] for member, arguments, _ in client.signals if member == 'AdviceChanged']


def flags(client):
    return [name for name, item in advise(client)[1].items() if item['red_flag']]


def filled(system, nights):
    """A daemon's database with these nights of the past, of a sensor that is gone; returns its id."""
    with system.daemon():
        pass
    fill(system.state / 'crampd.db', os.geteuid(), nights)
    return public_id(1)


def test_changed_advice_is_told_to_its_owner():
    with System() as system, system.daemon():
        client, silent = system.client(), system.client()
        silent.connection.add_match_string("type='signal',sender='org.crampd1'")
        client.subscribe()
        advise(client)
        log(client, what='water', amount='500ml')  # changes nothing that is said
        log(client, kind='symptom', what='swelling', leg='right')
        told = client.wait(lambda: news(client), what='the news')
        assert len(told) == 1 and told[0]['why'] == 'log' and told[0]['red_flag'] and told[0]['owner'] == os.geteuid(), told
        assert told[0]['id'] == next(iter(advise(client)[1])), told
        set_profile(client, values=SAFE)
        told = client.wait(lambda: news(client)[1:], what='more news')
        assert told[0]['why'] == 'profile'
        get_profile(silent)
        silent.wait(lambda: True)
        assert silent.signals == []


def test_nobody_else_hears_of_advice():
    if os.geteuid() != 0:
        tap.skip('only root can become another user')
    with System() as system, system.daemon():
        client = system.client()
        client.subscribe()
        # What the other does, root hears of; what root does, the other does not.
        output = as_nobody(system, f'''
import subprocess
client.subscribe()
values = dbus.Dictionary({{'age': '50'}}, signature='ss')
client.call(ROOT, GUIDANCE, 'SetProfile', 'a{{ss}}a{{sv}}', values, client.options())
client.wait_signal('AdviceChanged')
print([(int(a[0]['owner']), str(a[0]['why'])) for _, a, _ in client.signals])
''')
        assert output.strip() == f"[({NOBODY}, 'profile')]", output
        client.wait(lambda: news(client), what='the news')
        assert news(client)[0]['owner'] == NOBODY
        other = subprocess.Popen(['/usr/bin/python3', '-c', f'''
import os, sys
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
sys.path.insert(0, {str(HERE.parent / 'support')!r})
os.environ.setdefault('CRAMPD', '')
from daemon import *
client = Client({system.bus.address!r})
client.subscribe()
print('subscribed', flush=True)
sys.stdin.readline()
client.sensors()
client.wait(lambda: True)
print(client.signals)
'''], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert other.stdout.readline() == 'subscribed\n'
        set_profile(client, values={'age': '30'})
        client.wait(lambda: len(news(client)) == 2, what='own news')
        assert other.communicate('go\n', timeout=60)[0] == '[]\n'


def test_crampctl_monitor_shows_changed_advice():
    with System() as system, system.daemon():
        client = system.client()

        def subscribers():
            return client.call(ROOT, 'org.crampd1.Manager', 'Status', 'a{sv}', client.options())['subscribers']
        monitor = subprocess.Popen([os.environ['CRAMPCTL'], 'monitor', '--json'], stdout=subprocess.PIPE, text=True)
        try:
            client.wait(lambda: subscribers() == 1, what='the monitor')
            log(client, kind='symptom', what='chest-pain')
            line = json.loads(monitor.stdout.readline())
            assert line['type'] == 'advice-changed' and line['why'] == 'log' and line['red_flag'], line
        finally:
            monitor.terminate()
            monitor.communicate(timeout=30)


def test_a_cramp_that_passes_a_limit_is_told():
    with System() as system:
        # Eleven in four weeks: one more is three a week.
        filled(system, [(28 - i, 8, int(i < 12)) for i in range(1, 28)])
        with system.daemon('--virtual', f'{recording()},speed=20'):
            client = system.client()
            client.subscribe()
            told = client.wait(lambda: news(client), what='the news')
            assert told[0]['why'] == 'cramp' and told[0]['id'] == 'red-often' and told[0]['red_flag'], told
            assert flags(client) == ['red-often']


def test_what_helps_now_knows_the_muscle():
    with System() as system, system.daemon('--virtual', f'{recording()},speed=10'):
        client = system.client()
        client.subscribe()
        _, (_, _, _, _, muscle, relief, _), _ = client.wait_signal('AlertRaised')
        told = advise(client, topic='now')[0]
        assert not [signal for signal in client.signals if signal[0] == 'AlertEnded'], 'the cramp was too short for this test'
        assert muscle == 'gastrocnemius' and list(told['relief']) == list(relief), told
        assert 'Massage the calf from heel to knee.' in relief, relief
        client.wait_signal('AlertEnded')
        assert 'Massage it.' in advise(client, topic='now')[0]['relief']


def test_what_is_said_of_cramps_is_told():
    with System() as system:
        sensor = filled(system, [(20 - i, 8, int(i < 6)) for i in range(1, 20)])
        with system.daemon():
            client = system.client()
            client.subscribe()
            assert flags(client) == []
            now_us = int(time.time()) * 1000000
            missed = []
            for day in range(8):  # in time that nothing watched: none of it can be held against nights
                missed.append(client.call(ROOT, HISTORY, 'ReportMissed', 'sxa{sv}', sensor,
                                          dbus.Int64(now_us - day * DAY_US - 7200000000), client.options()))
            told = client.wait(lambda: news(client), what='the news')
            assert told[0]['why'] == 'annotation' and told[0]['id'] == 'red-often', told
            summary, items, _ = advise(client)
            assert summary['reported'] == 8, summary
            assert any('reported' in reason for reason in items['red-often']['reasons']), items['red-often']
            for identity in missed:
                client.call(ROOT, HISTORY, 'ClearAnnotation', 'sa{sv}', identity, client.options())
            client.wait(lambda: not news(client)[-1]['red_flag'], what='the end of it')
            assert flags(client) == []
            # What was a false alarm is no cramp, and pain that is noted counts.
            episode = client.episodes()[0]['id']
            client.call(ROOT, HISTORY, 'Annotate', 'sa{sv}', episode, client.options(pain=dbus.UInt32(9)))
            told = client.wait(lambda: news(client) if news(client)[-1]['red_flag'] else None, what='news of the pain')
            assert told[-1]['id'] == 'red-severe' and told[-1]['why'] == 'annotation', told
            client.call(ROOT, HISTORY, 'Annotate', 'sa{sv}', episode, client.options(verdict='false-alarm'))
            client.wait(lambda: not news(client)[-1]['red_flag'], what='the end of that')


def test_missed_cramps_have_an_end():
    """Of a user, not of each sensor: those come and go, and advice looks at all."""
    with System() as system:
        with system.daemon():
            pass
        path = system.state / 'crampd.db'
        fill(path, os.geteuid(), [(1, 8, 0)], sensors=2)
        now_us = int(time.time()) * 1000000
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.executemany('INSERT INTO missed (id, sensor, time_us, zone_offset_s, annotated_us) VALUES (?, 1, ?, 0, 0)',
                           [(public_id(i + 1), now_us - i) for i in range(9999)])
        with system.daemon():
            client = system.client()
            report = (ROOT, HISTORY, 'ReportMissed', 'sxa{sv}', public_id(2))
            client.call(*report, dbus.Int64(now_us), client.options())
            assert client.error_of(*report, dbus.Int64(now_us - 120000000), client.options()) == 'org.crampd1.Error.NoSuchSensor'


def test_time_alone_changes_advice():
    with System() as system, system.daemon():
        client = system.client()
        # A symptom counts for two weeks: this one for two seconds more.
        log(client, kind='symptom', what='swelling', leg='right',
            time_us=dbus.Int64(int(time.time() * 1e6) - 14 * DAY_US + 2000000))
        client.subscribe()
        told = client.wait(lambda: news(client), what='the news')
        assert told[0]['why'] == 'time' and not told[0]['red_flag'], told
        assert flags(client) == []


def test_time_of_others_takes_nothing_away():
    """Somebody else's advice, heard by nobody, changes by time before ours does."""
    if os.geteuid() != 0:
        tap.skip('only root can become another user')
    with System() as system, system.daemon():
        other = subprocess.Popen(['/usr/bin/python3', '-c', f'''
import os, sys, time
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
sys.path.insert(0, {str(HERE.parent / 'support')!r})
os.environ.setdefault('CRAMPD', '')
import dbus
from daemon import *
client = Client({system.bus.address!r})
client.subscribe()
at_us = dbus.Int64(int(time.time() * 1e6) - {14 * DAY_US} + 7000000)
client.call(ROOT, GUIDANCE, 'Log', 'a{{sv}}', client.options(kind='symptom', what='swelling', leg='right', time_us=at_us))
client.wait_signal('AdviceChanged')
print('logged', flush=True)
client.wait(lambda: client.signals[1:], 60, 'news by time')
print(client.signals[1][1][0]['why'])
'''], stdout=subprocess.PIPE, text=True)
        assert other.stdout.readline() == 'logged\n'
        client = system.client()  # does not subscribe
        log(client, kind='symptom', what='swelling', leg='right',
            time_us=dbus.Int64(int(time.time() * 1e6) - 14 * DAY_US + 1500000))
        advise(client)
        assert other.communicate(timeout=90)[0] == 'time\n'


if __name__ == '__main__':
    tap.main(globals())
