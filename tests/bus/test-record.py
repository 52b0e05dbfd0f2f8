#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""crampctl record through the whole service: the file holds the counts that were played, and the detector finds in it what it
found live. Needs CRAMPD, CRAMPCTL and CALF_EMG in the environment."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import biosig  # noqa: E402

import tap  # noqa: E402
from crampctl import CRAMPCTL, WRAPPER, environment, run  # noqa: E402
from daemon import LIMIT_S, System  # noqa: E402
from recordings import scripted  # noqa: E402

RATE_HZ = 500
SPEED = 8
REPLAY_SPEED = 200
# Rest is learnt from a minute. crampctl may come late, but what it records has as much of it before the cramp.
SCRIPTS = {
    'calf': '76 cramp 22 muscle=GM ratio=6 rise=6 fall=3\n130 end\n',
    'shin': '60 movement 4\n104 cramp 18 muscle=GM ratio=8 rise=2 fall=2\n130 end\n',
}
# The second one has one channel and an accelerometer.
MADE_SO = {'calf': {}, 'shin': {'channels': 1, 'more': ['--accelerometer']}}
LATE_MAX_S = 15
AXES = ['ACC X', 'ACC Y', 'ACC Z']

_files = tempfile.TemporaryDirectory(prefix='record-')


def recording(name='calf'):
    script = Path(_files.name) / f'{name}.txt'
    script.write_text(SCRIPTS[name], encoding='ascii')
    return scripted(_files.name, script, RATE_HZ, **MADE_SO[name])


def digital(path):
    # Where a field is blank throughout, biosig prints what lies behind it in memory.
    header = json.loads(biosig.header(str(path)), strict=False)
    signals = [channel for channel in header['CHANNEL'] if channel['Label'] != 'EDF Annotations']
    data = biosig.data(str(path))
    return header, {signal['Label'].strip(): [round((value - signal['offset']) / signal['scaling']) for value in data[:, i]]
                    for i, signal in enumerate(signals)}


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
    """As a reader sees them that is not ours. Returns how many were played before."""
    _, played = digital(recording(name))
    frames = told['frames']
    lost = len(next(iter(played.values()))) - frames
    assert 0 <= lost < LATE_MAX_S * RATE_HZ, lost
    muscles = [label for label in samples if label.startswith('EMG')]
    assert [samples[label][:frames] for label in muscles] == [played[label][lost:] for label in played if label not in AXES]
    assert [label for label in samples if label not in muscles] == [label for label in played if label in AXES] + ['Other sensors']
    for axis in set(AXES) & set(played):
        assert samples[axis][:frames] == played[axis][lost:], axis
    return lost


def check_found(found, episode, header):
    assert len(found) == 1, found
    live_s = (episode['onset_us'] - min_us(header)) / 1e6
    for key, at in (('onset_s', live_s), ('alert_s', live_s + (episode['alert_us'] - episode['onset_us']) / 1e6),
                    ('end_s', live_s + (episode['end_us'] - episode['onset_us']) / 1e6)):
        assert abs(found[0][key] - at) < 0.06, (key, found[0], at)
    return abs(found[0]['onset_s'] - live_s)


def check_replayed(path, found):
    """The whole service, with the file as a sensor, finds what analyze finds, to the sample: both hear all that is in it."""
    with System() as system, system.daemon('--virtual', f'{path},speed={REPLAY_SPEED},name=again'):
        client = system.client()
        client.wait(lambda: client.sensors()[0][1]['state'] == 'ended', limit_s=3 * LIMIT_S, what='the replay to end')
        rows = client.wait(lambda: [row for row in client.episodes() if 'end_us' in row], what='the episode to be recorded')
    assert len(rows) == len(found) == 1, (rows, found)
    for key in ('alert', 'end'):
        replayed_us = rows[0][f'{key}_us'] - rows[0]['onset_us']
        assert abs(replayed_us - (found[0][f'{key}_s'] - found[0]['onset_s']) * 1e6) < 2, (key, rows[0], found[0])
    assert abs(rows[0]['peak_uv'] - found[0]['peak_uv']) < 0.01 and abs(rows[0]['confidence'] - found[0]['confidence']) < 0.001


def test_the_files_are_what_was_played_and_found():
    paths = {name: Path(_files.name) / f'night-{name}.edf' for name in SCRIPTS}
    told, episodes = record_both(paths)
    for name, path in paths.items():
        assert told[name]['file'] == str(path) and told[name]['files'] == 1 and told[name]['gaps'] == 0, told
        header, samples = digital(path)
        check_samples(name, told[name], samples)
        # Quiet at first, later at several times its rest.
        company = samples['Other sensors']
        assert min(value for value in company if value >= 0) < 150 and max(company) > 300, (min(company), max(company))

        found, episode = analyze(path), episodes[name]
        off_s = check_found(found, episode, header)
        check_replayed(path, found)
        tap.measured(f"record {name}: {told[name]['frames']} frames of {len(samples)} signals, equal to those played; onset, alert "
                     f"and end within {max(off_s, 0.0001):.4f} s of live; replayed as analyzed (bar: the same episodes)")
        events = {event['Description']: event for event in header['EVENT']}
        assert 'Cramp' in events, events
        assert abs(events['Cramp']['DUR'] - (episode['end_us'] - episode['onset_us']) / 1e6) < 0.01


def test_duration_and_a_second_name():
    folder = Path(_files.name) / 'nights'
    with System() as system, system.daemon('--virtual', f'{recording()},speed={SPEED},name=calf'):
        out = json.loads(run('record', 'calf', '-o', str(folder), '--duration', '5s', '--json'))
        assert 5 <= out['length_s'] < 5.1 and out['files'] == 1, out
        name, = os.listdir(folder)
        assert out['file'] == f'{folder}/{name}' and name.endswith('.edf')


if __name__ == '__main__':
    tap.main(globals())
