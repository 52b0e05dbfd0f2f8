# SPDX-License-Identifier: MIT
"""crampctl as a black box, over a fake org.crampd1 on a private bus: every verb, its output, its exit codes, and what it
does when crampd misbehaves."""

import csv
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from crampctl import CRAMPCTL, WRAPPER, environment, run
from fakecrampd import DETECTOR, EPISODES, RELIEF, SENSORS, FakeCrampd
from privatebus import POLICY_OPEN, PrivateBus

CLIENT_LIBRARY = os.environ['CRAMPD_CLIENT_LIBRARY']

VERBS = ['status', 'sensors', 'scan', 'muscles', 'add', 'edit', 'calibrate', 'pause', 'resume', 'identify', 'remove', 'monitor',
         'stream', 'night', 'record', 'history', 'show', 'annotate', 'detector', 'export', 'analyze', 'doctor']

EPISODE_1 = ('{"id":"e1","sensor":"a1","leg":"left","muscle":"gastrocnemius-medialis",'
             '"onset":"2026-11-23T02:14:05.250+01:00","onset_us":1795396445250000,"alert_us":1795396451000000,'
             '"end_us":1795396510250999,"end_reason":"subsided","severity":"moderate","peak_uv":123.46,'
             '"median_hz":61.5,"confidence":0.875,"verdict":"confirmed","pain":7,"note":"after \\"the\\" walk",'
             '"peak_mvc_percent":45.7,"simulated":false}')
EPISODE_2 = ('{"id":"e2","sensor":"b2","leg":"right","muscle":"soleus","onset":"2026-11-22T22:43:20.000-03:30",'
             '"onset_us":1795400000000001,"alert_us":1795400005000000,"end_us":null,"end_reason":null,'
             '"severity":"mild","peak_uv":null,"median_hz":null,"confidence":1,"verdict":null,"pain":null,"note":null,'
             '"peak_mvc_percent":null,"simulated":true}')
CSV = ('id,sensor,leg,muscle,onset,onset_us,alert_us,end_us,end_reason,severity,peak_uv,median_hz,confidence,'
       'verdict,pain,note,peak_mvc_percent,simulated\r\n'
       'e1,a1,left,gastrocnemius-medialis,2026-11-23T02:14:05.250+01:00,1795396445250000,1795396451000000,'
       '1795396510250999,subsided,moderate,123.46,61.5,0.875,confirmed,7,"after ""the"" walk",45.7,no\r\n'
       'e2,b2,right,soleus,2026-11-22T22:43:20.000-03:30,1795400000000001,1795400005000000,,,mild,,,1,,,,,yes\r\n')
ADD = ['add', 'C0:FF:EE:00:00:03', '--muscle', 'soleus', '--leg', 'right']


# --- usage ---


def test_help_and_version():
    out = run('--help')
    for verb in VERBS:
        assert f'\n  {verb} ' in out, verb
    assert run('-h') == out
    assert run('--version').startswith('crampctl ')
    for verb in VERBS:
        text = run(verb, '--help')
        assert text.startswith(f'Usage: crampctl {"[status]" if verb == "status" else verb} '), text
        assert '\nExamples:\n' in text and '--json' in text and '--no-legend' in text
        assert run(verb, '-h') == text


def test_usage_errors():
    for arguments in (['dance'], ['--dance'], ['-x'], ['status', 'now'], ['status', '--loud'], ['sensors', '-x'],
                      ['history', '--since'], ['history', '--json=3'], ['history', 'all'], ['export', '-o'], ['export', '-xo'],
                      ['export', '--format', 'xml'], ['export', '--json', '--format', 'csv'], ['monitor', 'x'],
                      ['remove'], ['remove', 'a', 'b'], ['add'], ['add', 'x', 'y']):
        run(*arguments, code=64)


def test_add_names_the_remedy():
    err = run('add', 'C0:FF:EE:00:00:03', '--leg', 'left', code=64)
    assert 'gastrocnemius, gastrocnemius-medialis, gastrocnemius-lateralis, soleus, tibialis-anterior, ' \
           'peroneus-longus, foot, quadriceps, hamstrings' in err, err
    err = run('add', 'C0:FF:EE:00:00:03', '--muscle', 'calf', '--leg', 'left', code=64)
    assert "'calf'" in err and 'hamstrings' in err
    assert 'left or right' in run('add', 'C0:FF:EE:00:00:03', '--muscle', 'foot', '--leg', 'middle', code=64)
    assert '--leg' in run('add', 'C0:FF:EE:00:00:03', '--muscle', 'foot', code=64)
    for address in ('C0:FF:EE:00:00', 'C0:FF:EE:00:00:0G', 'C0-FF-EE-00-00-03', 'C0:FF:EE:00:00:03:'):
        assert 'C0:FF:EE:00:00:01' in run('add', address, '--muscle', 'foot', '--leg', 'left', code=64)


def test_times_that_nobody_understands():
    for verb, option, text in (('history', '--since', ''), ('history', '--until', '2026-02-29'), ('export', '--since', '-7')):
        err = run(verb, f'{option}={text}', code=64)
        assert f"{option} does not understand '{text}'" in err and '2026-11-23T02:30+01:00' in err, err
    run('history', '--since=2026-11-23', '--until=2026-11-23', code=64)


# --- no bus, no daemon ---


def test_no_bus():
    env = environment(DBUS_SYSTEM_BUS_ADDRESS='unix:path=/nowhere/socket')
    for verb in ('status', 'sensors', 'history', 'export', 'monitor'):
        run(verb, code=69, env=env)
    run('remove', 'a1', code=69, env=env)


def test_no_daemon():
    with PrivateBus():
        for verb in ('status', 'sensors', 'history', 'export'):
            assert 'crampd' in run(verb, code=69)
        run('remove', 'a1', code=69)
        run(*ADD, '--owner', '0', code=69)


# --- good answers ---


def test_status():
    with PrivateBus(), FakeCrampd() as fake:
        fake.do('bluetooth', how='no-adapter')
        out = run()
        assert run('status') == out
        assert out.startswith('crampd 0.1.0 (detector 1), running since 2026-11-22 23:26:40\n'
                              'Store:       ok\n'
                              "Bluetooth:   there is no adapter, or it is off; see 'crampctl doctor'\n"
                              'Last alert:  '), out
        assert ('Sensors:\n'
                '  left calf  left   gastrocnemius-medialis  streaming           Data is coming in.\n'
                '  b2         right  soleus                  absent (simulated)  Not heard yet.\n') in out, out

        fake.do('set', key='sensors', value=[dict(SENSORS[0], state='connecting', reason='link lost, trying again in 2.5 s')])
        assert 'verbindet' in run(env=environment(LANGUAGE='de')) and 'Verbindung verloren, neuer Versuch in 2,5 s\n' in run(
            env=environment(LANGUAGE='de'))
        assert json.loads(run('--json', env=environment(LANGUAGE='de')))['sensors'][0]['reason'] == 'link lost, trying again in 2.5 s'
        fake.do('set', key='sensors', value=SENSORS)

        now_us = int(time.time()) * 1000000
        recent = dict(EPISODES[0], onset_us=now_us - 3600000000, end_us=now_us - 3555000000)
        fake.do('set', key='episodes', value=[dict(EPISODES[0], onset_us=now_us - 40 * 86400000000), recent])
        assert 'moderate, left gastrocnemius-medialis, lasted 0:45\n' in run()
        overview = json.loads(run('--json'))
        assert overview['last_alert']['onset_us'] == recent['onset_us']
        assert [sensor['id'] for sensor in overview['sensors']] == ['a1', 'b2']
        assert overview['store'] == 'ok' and overview['bluetooth'] == 'no-adapter'

        fake.do('set', key='episodes', value=[])
        fake.do('set', key='sensors', value=[])
        out = run('status')
        assert 'Last alert:  none in the past 30 days\nSensors:     none yet' in out, out
        assert json.loads(run('status', '--json'))['last_alert'] is None

        # The rest is still worth showing when the database is not readable.
        fake.answer('TabulateEpisodes', 'error org.crampd1.Error.StoreFailed')
        assert 'Last alert:  unknown: Said no.??[31mred\n' in run('status')


def test_sensors():
    with PrivateBus(), FakeCrampd() as fake:
        lines = run('sensors').splitlines()
        assert lines[0].split()[:5] == ['ID', 'NAME', 'LEG', 'MUSCLE', 'ADDRESS'] and len(lines) == 3
        assert lines[1].startswith('a1  left calf  left   gastrocnemius-medialis  C0:FF:EE:00:00:01'), lines
        assert lines[1].endswith('     87%     1000     3  streaming'), lines
        rows = run('sensors', '--no-legend')
        assert run('--no-legend', 'sensors') == rows
        # Without headings the columns are narrower.
        assert [row.split() for row in rows.splitlines()] == [line.split() for line in lines[1:]]

        out = run('--json', 'sensors')
        assert run('sensors', '--json') == out
        first, second = map(json.loads, out.splitlines())
        assert (first['rate_hz'], first['channels'], first['battery'], first['packets']) == (1000, 2, 87, 123456789012)
        assert (second['rate_hz'], second['channels'], second['battery']) == (None, None, None)
        assert second['path'] == '/org/crampd1/sensor/b2' and second['simulated'] is True

        fake.do('set', key='sensors', value=[])
        assert 'crampctl add' in run('sensors')
        assert run('sensors', '--no-legend') == run('sensors', '--json') == ''


def test_columns_count_cells():
    with PrivateBus(), FakeCrampd() as fake:
        sensors = [dict(SENSORS[0], name='左脚'), dict(SENSORS[0], name='é\n\x1b[2Jé')]
        fake.do('set', key='sensors', value=sensors)
        first, second = run('sensors', '--no-legend').splitlines()
        assert first.startswith('a1  左脚     left  '), first
        assert second.startswith('a1  é??[2Jé  left  '), second
        # The terminal's escape character is told in JSON as it must be there.
        assert '\\u001b' in run('sensors', '--json')


def test_history():
    with PrivateBus(), FakeCrampd() as fake:
        assert run('history') == (
            'ONSET                LASTED  LEG    MUSCLE                  SEVERITY  LEVEL uV  % MVC  MEDIAN Hz  END         VERDICT    PAIN  ID\n'
            '2026-11-23 02:14:05    1:05  left   gastrocnemius-medialis  moderate       123     46         62  subsided    confirmed     7  e1\n'
            '2026-11-22 22:43:20       -  right  soleus                  mild             -      -          -  still open  -             -  e2  [simulated]\n')
        assert run('history', '--no-legend').count('\n') == 2
        assert run('history', '--json') == f'{EPISODE_1}\n{EPISODE_2}\n'
        # Pages are asked for until there are no more.
        fake.do('set', key='page', value=1)
        assert run('--json', 'history') == f'{EPISODE_1}\n{EPISODE_2}\n'
        fake.do('set', key='episodes', value=[])
        assert run('history') == 'No recorded cramps in that time.\n'
        assert run('history', '--no-legend') == run('history', '--json') == ''


def test_annotate():
    with PrivateBus(), FakeCrampd() as fake:
        def sent(*arguments):
            fake.do('calls')
            run('annotate', *arguments)
            return [(call['member'], call['args']) for call in fake.do('calls') if call['member'] not in ('ListSensors', 'TabulateEpisodes', 'ListMissed')]

        assert sent('e1', 'confirmed', '--pain', '7', '--note', 'so what') == [
            ('Annotate', ['e1', {'verdict': 'confirmed', 'pain': 7, 'note': 'so what'}])]
        assert sent('e1', 'false-alarm') == [('Annotate', ['e1', {'verdict': 'false-alarm'}])]
        assert sent('e1', '--pain=0') == [('Annotate', ['e1', {'pain': 0}])]
        assert sent('e1', '--note=') == [('Annotate', ['e1', {'note': ''}])]
        assert sent('--clear', 'e1') == [('ClearAnnotation', ['e1', {}])]
        assert sent('--missed', '2026-11-23T04:10Z', '--sensor', 'left calf', '--pain', '8') == [
            ('ReportMissed', ['a1', 1795407000000000, {'pain': 8}])]
        # Where nothing watched it is noted all the same, and said.
        report = ('annotate', '--missed', '-1h', '--sensor', 'b2')
        assert json.loads(run(*report, '--json')) == {'missed': 'm9', 'watched': False}
        assert run(*report).startswith('Noted as missed. The sensor was not watching then: no rate counts it.')
        fake.do('set', key='missed', value=[])
        fake.answer('ReportMissed', 'watched')
        assert json.loads(run(*report, '--json')) == {'missed': 'm9', 'watched': True}
        assert run(*report) == "Noted as missed; 'crampctl history --missed' lists it.\n"
        fake.answer('ListMissed', 'error org.crampd1.Error.StoreFailed')
        assert json.loads(run(*report, '--json')) == {'missed': 'm9', 'watched': None}
        assert run(*report) == "Noted as missed; 'crampctl history --missed' lists it.\n"
        fake.answer('ListMissed', None)
        fake.answer('ReportMissed', None)
        assert json.loads(run('annotate', '--json', 'e1', 'confirmed')) == {'annotated': 'e1'}
        assert run('annotate', '--no-legend', 'e1', 'confirmed') == ''

        # Of several sensors one has to be named, of one not.
        assert '--sensor' in run('annotate', '--missed', '-1h', code=64)
        assert "--missed does not understand '3am'" in run('annotate', '--missed', '3am', code=64)
        fake.do('set', key='sensors', value=[SENSORS[1]])
        assert sent('--missed', '2026-11-23T04:10Z') == [('ReportMissed', ['b2', 1795407000000000, {}])]
        # The last 03:40 that there was.
        (_, (_, time_us, _)), = sent('--missed', '03:40')
        assert 0 <= time.time() - time_us / 1e6 < 90000 and time.localtime(time_us / 1e6)[3:6] == (3, 40, 0), time_us
        fake.do('set', key='sensors', value=[])
        assert 'no sensor' in run('annotate', '--missed', '-1h', code=65)
        fake.do('set', key='sensors', value=[SENSORS[1]])

        fake.do('set', key='episodes', value=[])
        assert 'no alert in the past 30 days' in run('annotate', 'last', 'confirmed', code=65)
        # The one that status shows.
        fake.do('set', key='episodes', value=[dict(EPISODES[0], id='old', onset_us=int(time.time() - 29 * 86400) * 1000000)])
        assert sent('last', 'confirmed') == [('Annotate', ['old', {'verdict': 'confirmed'}])]
        now_us = int(time.time()) * 1000000
        fake.do('set', key='episodes', value=[dict(EPISODES[0], id=f'n{i}', onset_us=now_us + i) for i in (-9, -5)])
        assert sent('last', 'false-alarm') == [('Annotate', ['n-5', {'verdict': 'false-alarm'}])]

        for arguments in ([], ['e1'], ['e1', 'perhaps'], ['e1', 'confirmed', 'x'], ['e1', '--pain', '11'], ['e1', '--pain', '-1'],
                          ['e1', '--pain', '7x'], ['e1', '--pain='], ['e1', 'confirmed', '--clear'], ['--missed', 'then'],
                          ['e1', '--missed', '-1h'], ['e1', 'confirmed', '--sensor', 'b2'], ['--clear']):
            run('annotate', *arguments, code=64)
        run('annotate', '--missed', '-1h', '--sensor', 'nosuch', code=65)
        fake.answer('Annotate', 'error org.crampd1.Error.NoSuchEpisode')
        run('annotate', 'e1', 'confirmed', code=65)
        fake.answer('ReportMissed', 'error org.crampd1.Error.AlreadyExists')
        run('annotate', '--missed', '-1h', code=65)


def test_detector_explain():
    with PrivateBus(), FakeCrampd() as fake:
        out = run('detector', 'explain', 'e1')
        for words in ('Episode e1: onset 2026-11-23 02:14:05, alert 2026-11-23 02:14:11\n', '4.1 times rest at the alert, 5.2 at',
                      '9.0 s (sensitivity normal, times 1.12 learnt from what you said of alerts, times 0.95 in the hour after a '
                      'cramp)\n', 'the last 5.5 s unbroken', '3 short (', '1 longer:', '25 % of what', '2 of 3 channels',
                      'moved when it began', 'Slow voltage:     12 % of what moved', 'Signal:           good\n',
                      '2026-11-23 02:14:07     0.8 s  '):
            assert words in out, (words, out)
        # The last row is the alert's own, by which there was enough; what came after did not raise it.
        assert out.endswith(f'\n    2026-11-23 02:14:11    ≥9.0 s  {"█" * 36} alert\n'), out
        assert json.loads(run('detector', 'explain', '--json', 'e1')) == {
            'id': 'e1', 'onset_us': 1795396445250000, 'alert_us': 1795396451000000, 'sensitivity': 'normal', 'evidence_factor': 1.12,
            'again_factor': 0.95, 'needed_s': 8.96, 'from_us': 1795396446000000, 'active_s': 5.5, 'unbroken_s': 5.5, 'ratio_alert': 4.1,
            'ratio_peak': 5.25, 'bridged': 3, 'dips': 1, 'together': 0.25, 'moved': 0.75, 'slow': 0.125, 'channels': 3, 'took_part': [0, 2],
            'quality': 'good', 'point_us': 1000000, 'evidence_s': [0.84, 1.8]}
        # One channel, and another sensor that told.
        fake.answer('ExplainEpisode', 'one-channel')
        assert '25 % of what your other sensors could have shown\n' in run('detector', 'explain', 'e1')
        # The last point falls on the alert.
        fake.answer('ExplainEpisode', 'at-alert')
        out = run('detector', 'explain', 'e1')
        assert out.count('02:14:11  ') == 1 and out.endswith(f'\n    2026-11-23 02:14:11     1.8 s  {"█" * 36} alert\n'), out
        for how in ('signature', 'type needed_s', 'missing quality', 'type evidence_s', 'huge quality'):
            fake.answer('ExplainEpisode', how)
            run('detector', 'explain', 'e1', code=76)
        fake.answer('ExplainEpisode', 'error org.crampd1.Error.NoSuchEpisode')
        run('detector', 'explain', 'e1', code=65)
        run('detector', 'explain', 'nosuch', code=65)
        for arguments in ([], ['explain'], ['explain', 'e1', 'e2'], ['dance'], ['explain', '-x']):
            run('detector', *arguments, code=64)


def test_detector_show_and_learn():
    with PrivateBus(), FakeCrampd() as fake:
        out = run('detector', 'show', 'left calf')
        for words in ('high', '6.7 s of evidence now (factor 1.12)', 'Learning:      on', 'confirmed 2, false alarms 7, missed 1',
                      'at least 5', 'after 30 days', 'is forgotten', 'factor 1.17 (bounds 0.85 to 1.30), from the next night on',
                      'False alarms prevail.'):
            assert words in out, (words, out)
        assert json.loads(run('detector', 'show', '--json', 'a1')) == DETECTOR
        fake.do('set', key='detector', value={key: value for key, value in DETECTOR.items() if key != 'since_us'} | {'learning': False})
        assert 'which is not applied' in run('detector', 'show', 'a1') and 'forgotten' not in run('detector', 'show', 'a1')
        assert json.loads(run('detector', 'show', '--json', 'a1'))['since_us'] is None
        for how in ('signature', 'type proposed', 'missing reason', 'huge reason'):
            fake.answer('DescribeDetector', how)
            run('detector', 'show', 'a1', code=76)

        def sent(word):
            fake.do('calls')
            run('detector', 'learn', 'a1', word)
            return [call['args'][0] for call in fake.do('calls') if call['member'] == 'Edit']
        assert sent('on') == [{'learning': True}] and sent('off') == [{'learning': False}] and sent('reset') == [{'forget': True}]
        for arguments in (['show'], ['show', 'a1', 'b2'], ['learn'], ['learn', 'a1'], ['learn', 'a1', 'maybe'],
                          ['learn', 'a1', 'on', 'off']):
            run('detector', *arguments, code=64)
        run('detector', 'show', 'nosuch', code=65)


def test_history_of_missed_cramps():
    with PrivateBus(), FakeCrampd() as fake:
        out = run('history', '--missed')
        assert out == ('TIME                 LEG   MUSCLE  WATCHED  PAIN  ID  NOTE\n'
                       '2026-11-23 04:10:00  left  soleus  yes         8  m1  at four\n'), out
        assert json.loads(run('history', '--missed', '--json')) == {
            'id': 'm1', 'sensor': 'a1', 'leg': 'left', 'muscle': 'soleus', 'time': '2026-11-23T04:10:00.000+01:00',
            'time_us': 1795403400000000, 'pain': 8, 'note': 'at four', 'watched': True}
        for how in ('signature', 'type pain', 'missing leg', 'huge note'):
            fake.answer('ListMissed', how)
            run('history', '--missed', code=76)
        fake.answer('ListMissed', None)
        fake.do('set', key='missed', value=[])
        assert 'Nobody told' in run('history', '--missed')
        assert run('history', '--missed', '--json') == run('history', '--missed', '--no-legend') == ''
        run('night', '--missed', code=64)


def asked(fake, *arguments, tz='UTC'):
    """The filter that a command line leads to."""
    fake.do('calls')
    run('history', '--json', *arguments, env=environment() | {'TZ': tz})
    filter_ = fake.do('calls')[-1]['args'][0]
    return filter_.get('since_us'), filter_.get('until_us')


def test_since_is_inclusive_and_until_exclusive():
    with PrivateBus(), FakeCrampd() as fake:
        assert run('history', '--json', '--since', '2026-11-23T02:14:05.250+01:00', '--until',
                   '2026-11-23T02:13:20.000001Z') == EPISODE_1 + '\n'
        assert run('history', '--json', '--since', '2026-11-23T02:14:05.250001+01:00') == EPISODE_2 + '\n'
        assert asked(fake) == (None, None)


def test_times():
    """In which clock they are meant; all their forms are tested in test-crampctl-text."""
    with PrivateBus(), FakeCrampd() as fake:
        midnight = 1795392000000000  # 2026-11-23T00:00Z
        assert asked(fake, '--since', '2026-11-23', '--until', '2026-11-23T01:02:03') == (midnight, midnight + 3723000000)
        assert asked(fake, '--since', '2026-11-23', tz='CET-1CEST,M3.5.0,M10.5.0/3') == (midnight - 3600000000, None)
        assert asked(fake, '--since', '2026-07-01', tz='CET-1CEST,M3.5.0,M10.5.0/3') == (1782856800000000, None)
        early = int(time.time() * 1000000)
        since, until = asked(fake, '--since', '-12h', '--until', 'now')
        assert early <= until <= int(time.time() * 1000000) and since == until - 12 * 3600000000


def test_export():
    with PrivateBus(), FakeCrampd() as fake:
        assert run('export') == run('export', '--format=csv') == run('export', '-o', '-') == CSV
        assert run('export', '--no-legend') == CSV.split('\r\n', 1)[1]
        document = run('export', '--json')
        assert document.startswith(f'{{"schema":"org.crampd1.export/1","episodes":[{EPISODE_1},{EPISODE_2}],"missed":['), document
        assert run('export', '--format', 'json') == run('export', '--json') == run('--json', 'export') == document

        odd = dict(EPISODES[0], id='a,"b"\r\nc', end_reason=' plain ')
        fake.do('set', key='episodes', value=[odd])
        rows = list(csv.reader(io.StringIO(run('export'), newline='')))
        assert rows[1][0] == 'a,"b"\r\nc' and rows[1][8] == ' plain ' and len(rows) == 2, rows

        fake.do('set', key='episodes', value=[])
        assert json.loads(run('export', '--json'))['episodes'] == []
        assert run('export') == CSV.split('\r\n', 1)[0] + '\r\n'


def test_export_to_a_file():
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'cramps.csv')

        def content():
            with open(path, newline='', encoding='utf-8') as file:
                return file.read()

        assert run('export', '-o', path) == ''
        assert content() == CSV and stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert '--force' in run('export', '-o', path, '--json', code=73)
        assert content() == CSV
        run('export', '-o', path, '--json', '--force')
        assert content().startswith('{"schema"')
        run('export', '--output=other.csv', cwd=folder)

        # A file that was there stays as it was when something goes wrong on the way.
        before = content()
        fake.answer('TabulateEpisodes', 'error org.crampd1.Error.StoreFailed')
        run('export', '-o', path, '--force', code=74)
        fake.answer('TabulateEpisodes', 'vanish')
        run('export', '-o', path, '--force', code=69)
        assert content() == before
        assert sorted(os.listdir(folder)) == ['cramps.csv', 'other.csv']

        fake.start()
        os.symlink(path, os.path.join(folder, 'link'))
        os.mkfifo(os.path.join(folder, 'fifo'))
        for name in ('link', 'fifo', '.', 'nowhere/x', 'cramps.csv/x'):
            run('export', '--force', '-o', os.path.join(folder, name), code=73)
        run('export', '--force', '-o', '', code=73)
        assert content() == before
        assert sorted(os.listdir(folder)) == ['cramps.csv', 'fifo', 'link', 'other.csv']


def test_full_disk():
    with PrivateBus(), FakeCrampd() as fake:
        fake.do('set', key='episodes', value=EPISODES * 400)
        for arguments in (['--help'], ['--version'], ['history', '--help'], ['status'], ['status', '--json'], ['sensors'],
                          ['sensors', '--json'], ['history'], ['history', '--json'], ['export'], ['export', '--json'],
                          ['remove', 'a1'], [*ADD, '--owner', '0']):
            with open('/dev/full', 'wb') as full:
                done = subprocess.run([*WRAPPER, CRAMPCTL, *arguments], stdout=full, stderr=subprocess.PIPE, timeout=60,
                                      env=environment(), check=False)
            assert done.returncode == 73, (arguments, done)
            assert done.stderr == b'crampctl: cannot write to standard output: No space left on device\n', done.stderr


def test_pipe_that_closes():
    with PrivateBus(), FakeCrampd() as fake:
        fake.do('set', key='episodes', value=EPISODES * 400)
        with subprocess.Popen([*WRAPPER, CRAMPCTL, 'history', '--json'], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=environment()) as process:
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == b''
            assert process.wait(30) == -13  # SIGPIPE, as for any filter


def test_add():
    with PrivateBus(), FakeCrampd() as fake:
        assert 'c3' in run(*ADD, '--owner', '1234', '--name', 'rechte Wade', '--driver', 'crampd')
        assert fake.do('calls')[:1] == [{'member': 'AddSensor', 'path': '/org/crampd1', 'args': [
            'C0:FF:EE:00:00:03',
            {'muscle': 'soleus', 'leg': 'right', 'driver': 'crampd', 'name': 'rechte Wade', 'owner': 1234}]}]
        assert json.loads(run(*ADD, '--owner=root', '--json')) == {
            'id': 'c3', 'path': '/org/crampd1/sensor/c3', 'address': 'C0:FF:EE:00:00:03'}
        assert fake.do('calls')[0]['args'][1]['owner'] == 0
        assert run(*ADD, '--owner=root', '--no-legend') == ''
        for nobody in ('no-such-user', '-1', '4294967295', '99999999999999999999', ''):
            run(*ADD, f'--owner={nobody}', code=64)

        done = subprocess.run([*WRAPPER, CRAMPCTL, *ADD, '--owner', '0', '--name', b'\xff\xfe'], capture_output=True, timeout=60,
                              env=environment(), check=False)
        assert done.returncode == 64 and b'UTF-8' in done.stderr, done
        run(*ADD, '--owner', '0', '--name', 'x' * 5000, code=64)

        for name, code in (('InvalidArgument', 64), ('NotAuthorized', 77), ('AlreadyExists', 73), ('LimitReached', 75),
                           ('StoreFailed', 74)):
            fake.answer('AddSensor', f'error org.crampd1.Error.{name}')
            assert 'Said no.??[31mred' in run(*ADD, '--owner', '0', code=code)


def test_add_by_root_and_others():
    """Root has to say whose the sensor is, or sudo says it; anybody else need not."""
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        def owner():
            return [call for call in fake.do('calls') if call['member'] == 'AddSensor'][-1]['args'][1].get('owner')

        if os.geteuid() != 0:
            run(*ADD)
            assert owner() is None
            return
        for sudo_uid in (None, '0', 'x', '-5', '4294967295'):
            env = environment(SUDO_UID=sudo_uid) if sudo_uid else environment()
            assert '--owner' in run(*ADD, code=64, env=env)
        run(*ADD, env=environment(SUDO_UID='1000'))
        assert owner() == 1000
        run(*ADD, '--owner', '7', env=environment(SUDO_UID='1000'))
        assert owner() == 7

        # Copies, because the build may lie where other users cannot look.
        os.chmod(folder, 0o755)
        binary = shutil.copy(os.path.realpath(CRAMPCTL), folder)
        shutil.copy(os.path.realpath(CLIENT_LIBRARY), os.path.join(folder, 'libcrampd-client.so.0'))
        env = environment(LD_LIBRARY_PATH=folder, SUDO_UID='1000')
        # Not under WRAPPER: that user could not write its report.
        subprocess.run([binary, *ADD], user=65534, group=65534, extra_groups=[], env=env, timeout=60, check=True,
                       stdout=subprocess.DEVNULL, cwd='/')
        assert owner() is None


def test_remove():
    with PrivateBus(), FakeCrampd() as fake:
        for name in ('a1', 'left calf', 'c0:ff:ee:00:00:01', '/org/crampd1/sensor/a1'):
            fake.do('calls')
            run('remove', name)
            assert fake.do('calls')[-1] == {'member': 'Remove', 'path': '/org/crampd1/sensor/a1', 'args': [{}]}
        assert run('remove', 'a1', '--json') == '{"removed":"/org/crampd1/sensor/a1"}\n'
        assert "'left shin'" in run('remove', 'left shin', code=65)
        assert run('remove', 'virtual', code=65)

        fake.do('set', key='sensors', value=[SENSORS[0], dict(SENSORS[0], id='d4', address='C0:FF:EE:00:00:09')])
        assert '2 sensors' in run('remove', 'left calf', code=65)
        run('remove', 'd4')
        fake.answer('Remove', 'error org.crampd1.Error.NotAuthorized')
        assert 'refused' in run('remove', 'd4', code=77)
        fake.answer('Remove', 'error org.freedesktop.DBus.Error.UnknownObject')
        run('remove', 'd4', code=65)


# --- bad answers ---


def test_refused_and_failed():
    with PrivateBus(), FakeCrampd() as fake:
        for name, code in (('org.freedesktop.DBus.Error.AccessDenied', 77), ('org.crampd1.Error.StoreFailed', 74),
                           ('org.freedesktop.DBus.Error.NoReply', 69), ('org.freedesktop.DBus.Error.Timeout', 69),
                           ('org.freedesktop.DBus.Error.Spawn.ChildExited', 69),
                           ('org.freedesktop.systemd1.NoSuchUnit', 69), ('com.example.Nonsense', 74),
                           ('org.freedesktop.DBus.Error.UnknownMethod', 76)):
            fake.answer('ListSensors', f'error {name}')
            assert 'Said no.??[31mred' in run('sensors', code=code)
        for method, verb in (('Status', 'status'), ('ListSensors', 'status'), ('ListSensors', 'remove'),
                             ('TabulateEpisodes', 'history'), ('TabulateEpisodes', 'export')):
            fake.answer(method, 'error org.crampd1.Error.NotAuthorized')
            run(*[verb, 'a1'][:2 if verb == 'remove' else 1], code=77)
            fake.answer(method, None)


def test_policy_of_the_bus_refuses():
    deny = '<policy context="mandatory"><deny send_interface="org.crampd1.History"/></policy>'
    with PrivateBus(policy=POLICY_OPEN + deny), FakeCrampd():
        run('history', code=77)
        run('sensors')


def test_answers_that_make_no_sense():
    with PrivateBus(), FakeCrampd() as fake:
        for method, verb, hows in (
                ('Status', 'status', ('signature', 'type version', 'missing store', 'huge bluetooth', 'type started_us')),
                ('ListSensors', 'sensors', ('signature', 'type id', 'missing state', 'huge name', 'type battery', 'many',
                                            'path')),
                ('TabulateEpisodes', 'history', ('signature', 'type onset_us', 'missing id', 'huge muscle', 'type peak_uv',
                                                 'type note', 'missing confidence', 'short', 'place', 'many', 'endless',
                                                 'repeat-cursor')),
                ('AddSensor', 'add', ('signature',)), ('Remove', 'remove', ('signature',))):
            for how in hows:
                fake.answer(method, how)
                arguments = {'add': [*ADD, '--owner', '0'], 'remove': ['remove', 'a1']}.get(verb, [verb])
                err = run(*arguments, code=76)
                assert len(err) < 700, (method, how, err)
            fake.answer(method, None)
        for key, value in (('zone_offset_s', 86401), ('zone_offset_s', -2**31), ('confidence', 1.5), ('confidence', -1),
                           ('confidence', float('nan')), ('pain', 11), ('pain', -2)):
            fake.do('set', key='episodes', value=[dict(EPISODES[0], **{key: value})])
            run('export', code=76)


def test_extreme_values():
    with PrivateBus(), FakeCrampd() as fake:
        fake.do('set', key='episodes', value=[
            dict(EPISODES[0], onset_us=2**63 - 1, alert_us=-2**63 + 1, end_us=-2**63 + 1, zone_offset_s=86400,
                 peak_uv=1e300, median_hz=-0.0001),
            dict(EPISODES[0], onset_us=-2**63 + 1, end_us=2**63 - 1, zone_offset_s=-86400, id='ä' * 512)])
        first, second = map(json.loads, run('history', '--json').splitlines())
        assert first['onset_us'] == 2**63 - 1 and first['onset'].startswith('294247-01-') and first['median_hz'] == 0
        assert first['peak_uv'] == 1e300 and second['onset_us'] == -2**63 + 1 and second['id'] == 'ä' * 512
        assert run('history').count('\n') == 3
        rows = list(csv.DictReader(io.StringIO(run('export'), newline='')))
        assert float(rows[0]['peak_uv']) == 1e300 and rows[1]['onset_us'] == str(-2**63 + 1)


def test_daemon_vanishes_in_a_call():
    with PrivateBus(), FakeCrampd() as fake:
        for method, arguments in (('Status', ['status']), ('ListSensors', ['sensors']), ('TabulateEpisodes', ['history']),
                                  ('AddSensor', [*ADD, '--owner', '0']), ('Remove', ['remove', 'a1'])):
            fake.answer(method, 'vanish')
            run(*arguments, code=69)
            fake.start()


def test_bus_vanishes_in_a_call():
    with PrivateBus() as bus, FakeCrampd() as fake:
        fake.answer('Status', 'silent')
        with subprocess.Popen([*WRAPPER, CRAMPCTL, 'status'], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=environment()) as process:
            tap.wait_until(lambda: fake.do('calls'), what='the call')
            bus.stop()
            _, err = process.communicate(timeout=30)
            assert process.returncode == 69 and err.startswith(b'crampctl: '), err


def test_exports_only_its_interface():
    """The shared library shows what its header declares, and nothing else."""
    import re
    with open(os.environ['CRAMPD_CLIENT_HEADER'], encoding='utf-8') as header:
        text = re.sub(r'/\*.*?\*/', '', header.read(), flags=re.S)
    declared = set(re.findall(r'\b(crampd_\w+)\(', text))
    symbols = subprocess.run(['nm', '-D', '--defined-only', '--without-symbol-versions', CLIENT_LIBRARY],
                             capture_output=True, text=True, check=True).stdout
    exported = {line.split()[-1] for line in symbols.splitlines() if line.split()[-2] != 'A'}
    exported = {name for name in exported if not name.startswith(('__asan', '__odr_asan'))}
    assert len(declared) >= 15 and exported == declared, exported ^ declared


tap.main(globals())
