# SPDX-License-Identifier: MIT
"""crampctl export in each of its formats, over a fake org.crampd1: byte for byte as in golden/, and read again by programs that
are not ours (jsonschema, icalendar, sqlite3, biosig)."""

import csv
import datetime
import json
import os
import sqlite3
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import biosig
import icalendar
import jsonschema

import edfheader
import tap
from crampctl import CRAMPCTL, WRAPPER, environment, run, start
from fakecrampd import EPISODES, MISSED, NIGHTS, WAVEFORM, WAVEFORM_PIECES, WAVEFORM_SAMPLES, FakeCrampd
from privatebus import PrivateBus

GOLDEN = HERE / 'golden'
SCHEMA = json.loads(Path(os.environ['EXPORT_SCHEMA']).read_text(encoding='utf-8'))
EPISODE_SCHEMA = {**SCHEMA['$defs']['episode'], '$defs': SCHEMA['$defs']}

# What every format has to get right: separators, line ends, other alphabets, a text longer than a line.
ODD = dict(EPISODES[0], id='e3', onset_us=1795410000123456, alert_us=1795410009000000, end_us=1795410009000000, zone_offset_s=-1800,
           note='Krämpfe, "wie"; immer\\ — ' + 'これは長い ' * 12)


def export(*arguments, binary=False, **variables):
    done = subprocess.run([*WRAPPER, CRAMPCTL, 'export', *arguments], capture_output=True, timeout=60, check=False,
                          env=environment(**variables))
    assert done.returncode == 0 and done.stderr == b'', (arguments, done)
    return done.stdout if binary else done.stdout.decode()


def odd_history(fake):
    fake.do('set', key='episodes', value=[*EPISODES, ODD])


def test_golden_files():
    """The same bytes wherever and whenever. NEW_GOLDEN=1 writes them anew, to be looked at."""
    with PrivateBus(), FakeCrampd() as fake:
        odd_history(fake)
        for form in ('csv', 'json', 'jsonl', 'ics'):
            out = export('--format', form, binary=True)
            path = GOLDEN / f'export.{form}'
            if os.environ.get('NEW_GOLDEN'):
                path.write_bytes(out)
            assert out == path.read_bytes(), form
            assert out == export('--format', form, binary=True, TZ='America/St_Johns', LANG='de_DE.UTF-8'), form


def test_json_follows_the_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    with PrivateBus(), FakeCrampd() as fake:
        odd_history(fake)
        document = json.loads(export('--format', 'json'))
        jsonschema.validate(document, SCHEMA)
        assert [row['id'] for row in document['episodes']] == ['e1', 'e2', 'e3'] and document['episodes'][2]['note'] == ODD['note']
        assert [row['id'] for row in document['missed']] == ['m1'] and len(document['nights']) == len(NIGHTS)
        lines = [json.loads(line) for line in export('--format', 'jsonl').splitlines()]
        assert lines == document['episodes']
        for line in lines:
            jsonschema.validate(line, EPISODE_SCHEMA)
            # Both times are one moment.
            moment = datetime.datetime.fromisoformat(line['onset']).timestamp()
            assert abs(moment - line['onset_us'] / 1e6) < 0.001, line
        # A schema that takes anything would be none.
        for wrong in ({**document, 'schema': 'other'}, {**document, 'episodes': [{**lines[0], 'severity': 'bad'}]},
                      {**document, 'episodes': [{key: value for key, value in lines[0].items() if key != 'onset_us'}]}):
            try:
                jsonschema.validate(wrong, SCHEMA)
            except jsonschema.ValidationError:
                continue
            raise AssertionError(f'taken: {wrong}')


def test_csv_reads_back():
    with PrivateBus(), FakeCrampd() as fake:
        odd_history(fake)
        rows = list(csv.DictReader(export('--format', 'csv').splitlines(keepends=True)))
        assert [row['note'] for row in rows] == [EPISODES[0]['note'], '', ODD['note']]
        assert rows[1]['end_us'] == rows[1]['peak_uv'] == '' and rows[0]['onset_us'] == str(EPISODES[0]['onset_us'])


def test_calendar_reads_back():
    with PrivateBus(), FakeCrampd() as fake:
        odd_history(fake)
        out = export('--format', 'ics', binary=True)
        assert all(len(line) <= 75 for line in out.split(b'\r\n')), out
        assert b'\n' not in out.replace(b'\r\n', b'') and out.endswith(b'END:VCALENDAR\r\n')
        calendar = icalendar.Calendar.from_ical(out)
        events = calendar.walk('VEVENT')
        assert [str(event['UID']) for event in events] == ['e1@crampd', 'e2@crampd', 'e3@crampd', 'm1@crampd']
        for event, episode in zip(events, [*EPISODES, ODD]):
            assert str(event['SUMMARY']).startswith('SIMULATED: ') == episode['simulated'], event['SUMMARY']
            assert event['CLASS'] == 'PRIVATE' and event['TRANSP'] == 'TRANSPARENT'
            start = event['DTSTART'].dt
            assert start.utcoffset() == datetime.timedelta(0) and int(start.timestamp()) == episode['onset_us'] // 1000000
            if episode.get('end_us', 0) > episode['onset_us']:
                assert int(event['DTEND'].dt.timestamp()) == -(-episode['end_us'] // 1000000)
            else:
                assert 'DTEND' not in event
            if episode.get('note'):
                assert episode['note'].strip() in str(event['DESCRIPTION']).strip(), event['DESCRIPTION']
        assert not calendar.errors and not any(event.errors for event in events)


def test_sqlite_reads_back():
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        odd_history(fake)
        path = os.path.join(folder, 'copy.db')
        assert export('--format', 'sqlite', '-o', path) == ''
        db = sqlite3.connect(path)

        def rows(query):
            return db.execute(query).fetchall()
        assert rows('PRAGMA integrity_check') == [('ok',)] and rows('PRAGMA foreign_key_check') == []
        assert rows('PRAGMA application_id') == [(0x63726d78,)] and rows('PRAGMA user_version') == [(1,)]
        assert rows('SELECT count(*) FROM pragma_table_list WHERE schema = \'main\' AND type = \'table\' AND NOT strict '
                    'AND name NOT LIKE \'sqlite_%\'') == [(0,)]
        assert rows('SELECT id, onset_us, end_us, note FROM episode ORDER BY onset_us') == [
            (row['id'], row['onset_us'], row.get('end_us'), row.get('note')) for row in [*EPISODES, ODD]]
        assert rows('SELECT id FROM episode WHERE simulated') == rows('SELECT id FROM cramp WHERE simulated') == [('e2',)]
        assert rows('SELECT simulated FROM month') == [(1,)]
        assert rows('SELECT id, time_us, watched FROM missed') == [(row['id'], row['time_us'], 1) for row in MISSED]
        assert rows('SELECT id FROM sensor ORDER BY id') == [('a1',), ('b2',)]
        assert rows('SELECT night, reason FROM gap') == [(1, 'no-data'), (1, 'dead')]
        assert rows('SELECT evening, alerts FROM evening') == [('2026-11-22', 3)]
        assert rows('SELECT count(*) FROM cramp') == [(4,)] and rows('SELECT cramps FROM month') == [(4,)]
        assert rows('SELECT id, amount, text FROM entry ORDER BY id') == [('f1', '300mg', None), ('f2', None, 'slept\nbadly')]
        assert rows('SELECT episode, rate_hz, channels, scale_uv FROM waveform ORDER BY 1') == [('e1', 10, 2, 0.5), ('e3', 10, 2, 0.5)]
        pieces = rows('SELECT first, frames, samples FROM piece WHERE episode = \'e1\' ORDER BY first')
        assert [list(piece[:2]) for piece in pieces] == WAVEFORM_PIECES
        blob = b''.join(piece[2] for piece in pieces)
        assert list(struct.unpack(f'<{len(blob) // 2}h', blob)) == WAVEFORM_SAMPLES
        # Its schema says what it holds.
        assert '-- ISO 8601' in rows("SELECT sql FROM sqlite_schema WHERE name = 'episode'")[0][0]
        db.close()
        assert os.listdir(folder) == ['copy.db'] and os.stat(path).st_mode & 0o777 == 0o600
        run('export', '--format', 'sqlite', '-o', path, code=73)
        run('export', '--format', 'sqlite', '-o', path, '--force', '--leg', 'right')
        db = sqlite3.connect(path)
        assert rows('SELECT id FROM episode') == [('e2',)]
        db.close()


def digital(path):
    """Header and digital samples (channels, frames) as biosig, not EDFlib, reads them."""
    header = edfheader.header(path)
    signals = [channel for channel in header['CHANNEL'] if channel['Label'] != 'EDF Annotations']
    data = biosig.data(str(path))
    return header, [[round((value - signal['offset']) / signal['scaling']) for value in data[:, i]]
                    for i, signal in enumerate(signals)]


def first_record_s(path):
    """Seconds from the header's start to the signal's: the first annotation of the first record (EDF+, section 2.2.4)."""
    raw = path.read_bytes()
    size, signals = int(raw[184:192]), int(raw[252:256])
    samples = [int(raw[256 + signals * 216 + i * 8:][:8]) for i in range(signals)]
    labels = [raw[256 + i * 16:][:16].strip() for i in range(signals)]
    at = size + 2 * sum(samples[:labels.index(b'EDF Annotations')])
    return float(raw[at:raw.index(b'\x14', at)])


def test_edf_reads_back():
    """Each stretch a file; samples, times and annotations are equal."""
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        odd_history(fake)
        fake.do('set', key='episodes', value=[*EPISODES, dict(ODD, simulated=True)])
        where = Path(folder) / 'signals'
        assert export('--format', 'edf', '-o', str(where)) == ''
        names = sorted(path.name for path in where.iterdir())
        assert names == ['20261123T021405-e1-1.edf', '20261123T021405-e1-2.edf', '20261123T043000-e3-1.edf',
                         '20261123T043000-e3-2.edf'], names
        said = [(where / name).read_bytes()[88:168].split()[-2:] for name in names]
        assert said == [[b'episode', b'e1']] * 2 + [[b'e3', b'SIMULATED']] * 2, said
        offset = 0
        for name, (first, frames) in zip(names, WAVEFORM_PIECES):
            header, samples = digital(where / name)
            values = WAVEFORM_SAMPLES[offset:offset + 2 * frames]
            offset += 2 * frames
            assert [channel[:frames] for channel in samples] == [values[0::2], values[1::2]], name
            signal = header['CHANNEL'][0]
            assert (signal['PhysicalUnit'], signal['Samplingrate'], signal['scaling']) == ('uV', 10, 0.5), signal
            # EDF+ counts from the header's whole second, and tells in the first record how much later the signal begins.
            began = WAVEFORM['start_us'] / 1e6 + first / 10 + EPISODES[0]['zone_offset_s']
            start = datetime.datetime.fromisoformat(header['StartOfRecording']).replace(tzinfo=datetime.timezone.utc).timestamp()
            assert abs(start - began) < 0.0002, (header['StartOfRecording'], began)
            second = int(began)
            assert first_record_s(where / name) == round(began - second, 4)
            events = {event['Description']: second + event['POS'] for event in header.get('EVENT', [])}
            expected = {text: EPISODES[0][key] / 1e6 + EPISODES[0]['zone_offset_s']
                        for text, key in (('Onset', 'onset_us'), ('Alert', 'alert_us'), ('End', 'end_us'))}
            expected = {text: at for text, at in expected.items() if began <= at < began + frames / 10}
            # biosig gives events by the sample.
            assert events.keys() == expected.keys() and all(abs(events[text] - at) <= 0.051 for text, at in expected.items()), (
                events, expected)

        # One stretch may be a file by its name; more are refused.
        one = Path(folder) / 'one.edf'
        assert 'folder' in run('export', '--format', 'edf', '-o', str(one), code=64)
        assert not [name for name in os.listdir(folder) if name.startswith(one.name)]
        assert not one.exists()
        run('export', '--format', 'edf', '-o', str(where), code=73)
        run('export', '--format', 'edf', '-o', str(where), '--force')
        assert sorted(path.name for path in where.iterdir()) == names
        assert 'has a waveform' in export('--format', 'edf', '-o', str(where), '--leg', 'right')


def test_many_edf_files():
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        many = [dict(EPISODES[0], id=f'e{i}', onset_us=EPISODES[0]['onset_us'] + i * 3600 * 1000000) for i in range(40)]
        fake.do('set', key='episodes', value=many)
        fake.do('set', key='page', value=7)
        where = Path(folder) / 'signals'
        export('--format', 'edf', '-o', str(where))
        names = sorted(path.name for path in where.iterdir())
        # Each of the right episode, though several signals are asked for at once.
        assert len(names) == 80 and [name.split('-')[1] for name in names] == [f'e{i // 2}' for i in range(80)], names
        # One that is there already: nothing is overwritten, and nothing half done stays.
        for name in names[1:]:
            (where / name).unlink()
        (where / names[0]).rename(where / names[70])
        before = (where / names[70]).read_bytes()
        assert '--force' in run('export', '--format', 'edf', '-o', str(where), code=73)
        assert (where / names[70]).read_bytes() == before
        assert all(path.name in names and path.stat().st_size == len(before) for path in where.iterdir() if path.name.endswith('-1.edf'))
        assert {path.name for path in where.iterdir()} <= set(names)
        export('--format', 'edf', '-o', str(where), '--force')
        assert sorted(path.name for path in where.iterdir()) == names

        for how, code in (('error org.crampd1.Error.StoreFailed', 74), ('short', 76), ('vanish', 69)):
            fake.answer('GetWaveform', how)
            run('export', '--format', 'edf', '-o', str(Path(folder) / 'other'), code=code)
            run('export', '--format', 'sqlite', '-o', str(Path(folder) / 'other.db'), code=code if how != 'vanish' else 69)
            assert os.listdir(Path(folder) / 'other') == [] and not (Path(folder) / 'other.db').exists()
        fake.start()
        fake.do('set', key='episodes', value=many[:3])
        # Forgotten since.
        fake.answer('GetWaveform', 'error org.crampd1.Error.NoSuchEpisode')
        assert 'has a waveform' in export('--format', 'edf', '-o', str(Path(folder) / 'other'))


def test_killed_on_the_way():
    """Where the file system knows files without a name, nothing is left; elsewhere one file that says that it is temporary."""
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        try:
            os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY))
            left = 0
        except OSError:
            left = 1
        fake.answer('TabulateEpisodes', 'silent')
        fake.do('calls')
        process = start('export', '-o', os.path.join(folder, 'cramps.csv'))
        tap.wait_until(lambda: [call for call in fake.do('calls') if call['member'] == 'TabulateEpisodes'], what='the call')
        process.kill()
        process.communicate()
        assert len(os.listdir(folder)) == left and 'cramps.csv' not in os.listdir(folder), os.listdir(folder)


def test_going_on_after_a_cursor():
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        odd_history(fake)
        document = json.loads(export('--format', 'json', '--after', ''))
        jsonschema.validate(document, SCHEMA)
        # What lasts is not told yet.
        assert [row['id'] for row in document['episodes']] == ['e1', 'e3'] and document['cursor'] == '2'
        assert 'missed' not in document and 'nights' not in document
        assert json.loads(export('--json', '--after', '1'))['episodes'][0]['id'] == 'e3'
        assert json.loads(export('--json', '--after', '2')) == {'schema': SCHEMA['properties']['schema']['const'], 'episodes': [],
                                                               'cursor': '2'}
        path = Path(folder) / 'cursor'
        arguments = ('--format', 'jsonl', '--cursor-file', str(path))
        assert [json.loads(line)['id'] for line in export(*arguments).splitlines()] == ['e1', 'e3']
        assert path.read_text(encoding='utf-8') == '2\n'
        assert export(*arguments) == ''
        fake.do('set', key='episodes', value=[*EPISODES, ODD, dict(ODD, id='e4')])
        assert json.loads(export(*arguments))['id'] == 'e4' and path.read_text(encoding='utf-8') == '3\n'

        # The cursor goes on only if all was written.
        fake.answer('ListChanges', 'error org.crampd1.Error.StoreFailed')
        run('export', *arguments, code=74)
        fake.answer('ListChanges', None)
        run('export', *arguments, '-o', os.path.join(folder, 'nowhere', 'x'), code=73)
        assert path.read_text(encoding='utf-8') == '3\n'
        fake.answer('ListChanges', 'endless')
        run('export', '--json', '--after', '', code=76)
        fake.answer('ListChanges', 'signature')
        run('export', '--json', '--after', '', code=76)
        path.write_text('\n', encoding='utf-8')
        run('export', *arguments, code=65)
        run('export', '--cursor-file', folder, code=65)


def test_usage():
    with PrivateBus(), FakeCrampd():
        assert 'sqlite' in run('export', '--format', 'xml', code=64)
        for arguments in (['--format=sqlite'], ['--format=edf'], ['--format=edf', '-o', '-'], ['--format=ics', '--json'],
                          ['--after=1', '--cursor-file=x'], ['--format=sqlite', '-o', 'x', '--after='], ['--leg', 'middle']):
            run('export', *arguments, code=64)


if __name__ == '__main__':
    tap.main(globals())
