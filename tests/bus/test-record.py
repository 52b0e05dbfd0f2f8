#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""crampctl record through the whole service: the file holds the counts that were played, and the detector finds in it what it
found live. Needs CRAMPD, CRAMPCTL and CALF_EMG in the environment."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import biosig  # noqa: E402

import edfheader  # noqa: E402
import tap  # noqa: E402
from crampctl import CRAMPCTL, WRAPPER, environment, run  # noqa: E402
from daemon import LIMIT_S, SENSOR, System  # noqa: E402
from recordings import scripted  # noqa: E402

RATE_HZ = 500
SPEED = 10
REPLAY_SPEED = 200
# One frame, and then nothing for so long that crampctl is there before the next: so it records all that the detector begins with.
GAP_S = 40
SCRIPTS = {
    'calf': f'0.002 gap {GAP_S}\n62 cramp 20 muscle=GM ratio=6 rise=6 fall=3\n112 end\n',
    'shin': f'0.002 gap {GAP_S}\n52 movement 4\n86 cramp 16 muscle=GM ratio=8 rise=2 fall=2\n112 end\n',
}
# The second one has one channel and an accelerometer; its movement needs more than 16 bits.
MADE_SO = {'calf': {}, 'shin': {'channels': 1, 'more': ['--accelerometer']}}
FILES = {'calf': 'night-calf.edf', 'shin': 'night-shin.bdf'}

_files = tempfile.TemporaryDirectory(prefix='record-')


def recording(name='calf'):
    script = Path(_files.name) / f'{name}.txt'
    script.write_text(SCRIPTS[name], encoding='ascii')
    return scripted(_files.name, script, RATE_HZ, suffix='.csv', **MADE_SO[name])


def digital(path):
    header = edfheader.header(path)
    signals = [channel for channel in header['CHANNEL'] if not channel['Label'].strip().endswith('Annotations')]
    data = biosig.data(str(path))
    return header, {signal['Label'].strip(): [round((value - signal['offset']) / signal['scaling']) for value in data[:, i]]
                    for i, signal in enumerate(signals)}


def played(name):
    """The counts of a CSV as crampd reads them: of 0.01 uV, and mg."""
    head, *rows = recording(name).read_text(encoding='ascii').splitlines()
    columns = list(zip(*(row.split(',') for row in rows)))
    return {label: [round(float(value) * (1000 if label.endswith('_g') else 100)) for value in column]
            for label, column in zip(head.split(','), columns) if label != 'time_s'}


def record(*arguments):
    return subprocess.Popen([*WRAPPER, CRAMPCTL, 'record', *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=environment())


def analyze(path):
    return [json.loads(line) for line in run('analyze', '--json', str(path)).splitlines()]


def min_us(header):
    import datetime
    start = datetime.datetime.fromisoformat(header['StartOfRecording']).replace(tzinfo=datetime.timezone.utc)
    return start.timestamp() * 1e6


def record_both(paths):
    """Both sensors at once, as crampctl tells of it, and the episode that each has had."""
    virtuals = [argument for name in paths for argument in ('--virtual', f'{recording(name)},speed={SPEED},name={name}')]
    with System() as system, system.daemon(*virtuals):
        client = system.client()
        processes = [record(name, '-o', str(path), '--json') for name, path in paths.items()]
        try:
            client.wait(lambda: len([row for row in client.episodes() if 'end_us' in row]) == len(paths), limit_s=3 * LIMIT_S,
                        what='the cramps to end')
            client.wait(lambda: all(details['state'] == 'ended' for _, details in client.sensors()), limit_s=3 * LIMIT_S,
                        what='the recordings to end')
            ids = {str(details['name']): str(details['id']) for _, details in client.sensors()}
            episodes = {str(row['sensor']): row for row in client.episodes()}
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
        told = []
        for process in processes:
            out, err = process.communicate(timeout=LIMIT_S)
            assert process.returncode == 0 and err == '', (out, err)
            told.append(json.loads(out))
    return dict(zip(paths, told)), {name: episodes[ids[name]] for name in paths}


def check_samples(name, told, samples):
    """As a reader sees them that is not ours: all that was played but for the first frame."""
    want = played(name)
    frames = told['frames']
    assert frames == len(want['GM_uV']) - 1, (name, frames)
    muscles = [label for label in samples if label.startswith('EMG')]
    assert [samples[label][:frames] for label in muscles] == [values[1:] for label, values in want.items() if label.endswith('_uV')]
    axes = {f'ACC {label[3]}': values[1:] for label, values in want.items() if label.endswith('_g')}
    assert list(samples) == [*muscles, *axes, 'Other sensors'], samples.keys()
    for label, values in axes.items():
        assert samples[label][:frames] == values, label


def check_same(rows, found):
    """The episode of a sensor, live or replayed, is what analyze finds in the file, to the sample."""
    assert len(rows) == len(found) == 1, (rows, found)
    for key in ('alert', 'end'):
        live_us = rows[0][f'{key}_us'] - rows[0]['onset_us']
        assert abs(live_us - (found[0][f'{key}_s'] - found[0]['onset_s']) * 1e6) < 2, (key, rows[0], found[0])
    for key, rounded in (('peak_uv', 0.0051), ('median_hz', 0.0051), ('confidence', 0.00051)):
        assert abs(rows[0][key] - found[0][key]) < rounded, (key, rows[0], found[0])


def replay(paths):
    """The episodes that the whole service finds with the files as sensors. Each hears what is in its file, not the others."""
    virtuals = [argument for name, path in paths.items() for argument in ('--virtual', f'{path},speed={REPLAY_SPEED},name={name}')]
    with System() as system, system.daemon(*virtuals):
        client = system.client()
        client.wait(lambda: all(details['state'] == 'ended' for _, details in client.sensors()), limit_s=3 * LIMIT_S,
                    what='the replays to end')
        rows = client.wait(lambda: (ended := [row for row in client.episodes() if 'end_us' in row]) and len(ended) >= len(paths) and
                           ended, what='the episodes to be recorded')
        ids = {str(details['name']): str(details['id']) for _, details in client.sensors()}
        return {name: [row for row in rows if row['sensor'] == ids[name]] for name in paths}


def test_the_files_are_what_was_played_and_found():
    paths = {name: Path(_files.name) / file for name, file in FILES.items()}
    told, episodes = record_both(paths)
    replayed = replay(paths)
    for name, path in paths.items():
        assert told[name]['file'] == str(path) and told[name]['files'] == 1 and told[name]['gaps'] == 0, told
        header, samples = digital(path)
        check_samples(name, told[name], samples)
        # Quiet at first, later at several times its rest.
        company = samples['Other sensors']
        assert min(value for value in company if value >= 0) < 150 and max(company) > 300, (min(company), max(company))

        found, episode = analyze(path), episodes[name]
        check_same([episode], found)
        live_s = (episode['onset_us'] - min_us(header)) / 1e6
        assert abs(found[0]['onset_s'] - live_s) < 0.001, (found[0]['onset_s'], live_s)
        check_same(replayed[name], found)
        tap.measured(f"record {name}: {told[name]['frames']} frames of {len(samples)} signals equal to those played; live, analyzed "
                     'and replayed: the same episode to the sample (bar: the same episodes)')
        events = {event['Description']: event for event in header['EVENT']}
        assert 'Cramp' in events and any(event.startswith('Alert: ') for event in events), events
        assert abs(events['Cramp']['DUR'] - (episode['end_us'] - episode['onset_us']) / 1e6) < 0.01


def test_duration_and_a_second_name():
    folder = Path(_files.name) / 'nights'
    with System() as system, system.daemon('--virtual', f'{recording()},speed={SPEED},name=calf',
                                           '--virtual', f'{recording("shin")},speed={SPEED},owner={os.geteuid() + 1},name=foreign'):
        out = json.loads(run('record', 'calf', '-o', str(folder), '--duration', '2s', '--json'))
        assert 2 <= out['length_s'] < 2.1 and out['files'] == 1, out
        name, = os.listdir(folder)
        assert out['file'] == f'{folder}/{name}' and name.endswith('.edf')
        # Nobody hears the sensors of somebody else.
        assert list(digital(out['file'])[1]) == ['EMG 1', 'EMG 2']


def test_the_other_leg_is_heard_while_it_rises():
    turns, rests = (Path(_files.name) / f'{name}.txt' for name in ('turns', 'rests'))
    # So late that crampctl is there before it.
    turns.write_text('20 movement 6\n32 end\n', encoding='ascii')
    rests.write_text('72 end\n', encoding='ascii')
    turns, rests = (scripted(_files.name, script, RATE_HZ, channels=1) for script in (turns, rests))
    path = Path(_files.name) / 'left.edf'
    with System() as system, system.daemon('--virtual', f'{rests},speed={SPEED},name=calf',
                                           '--virtual', f'{turns},speed={SPEED},leg=right,name=right'):
        client = system.client()
        sensors = {str(details['name']): sensor for sensor, details in client.sensors()}
        stream = socket.socket(fileno=client.call(sensors['calf'], SENSOR, 'OpenStream', 'a{sv}',
                                                  client.options(kind='frames'))[0].take())
        with stream, record('calf', '-o', str(path)) as process:
            client.wait(lambda: any(details['state'] == 'ended' for _, details in client.sensors()), what='the turn to end')
            stream.settimeout(LIMIT_S)
            plain = stream.recv(65536)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=LIMIT_S)
            assert process.returncode == 0
        # Who does not ask for more gets what there always was.
        channels, frames = struct.unpack_from('<HH', plain, 16)
        assert len(plain) == 24 + 8 * channels * frames, len(plain)
    company = digital(path)[1]['Other sensors']
    assert company[-1] == -1 and max(company) > 300 and all(value == -1 or value >= 150 for value in company), set(company)


if __name__ == '__main__':
    tap.main(globals())
