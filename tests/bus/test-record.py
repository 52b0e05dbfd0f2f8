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
# Rest is learnt from a minute. crampctl may come late, but what it records has as much of it before the cramp.
SCRIPT = '76 cramp 40 muscle=GM ratio=6 rise=10 fall=4\n126 end\n'
LATE_MAX_S = 15

_files = tempfile.TemporaryDirectory(prefix='record-')


def recording():
    script = Path(_files.name) / 'late-cramp.txt'
    script.write_text(SCRIPT, encoding='ascii')
    return scripted(_files.name, script, RATE_HZ)


def digital(path):
    header = json.loads(biosig.header(str(path)))
    signals = [channel for channel in header['CHANNEL'] if channel['Label'] != 'EDF Annotations']
    data = biosig.data(str(path))
    return header, [[round((value - signal['offset']) / signal['scaling']) for value in data[:, i]]
                    for i, signal in enumerate(signals)]


def record(*arguments):
    return subprocess.Popen([*WRAPPER, CRAMPCTL, 'record', *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=environment())


def test_the_file_is_what_was_played_and_found():
    path = Path(_files.name) / 'night.edf'
    with System() as system, system.daemon('--virtual', f'{recording()},speed={SPEED},name=calf'):
        client = system.client()
        with record('calf', '-o', str(path), '--json') as process:
            episode, = client.wait(lambda: [row for row in client.episodes() if 'end_us' in row], limit_s=3 * LIMIT_S,
                                   what='the cramp to end')
            client.wait(lambda: client.sensors()[0][1]['state'] == 'ended', limit_s=3 * LIMIT_S, what='the recording to end')
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=LIMIT_S)
            assert process.returncode == 0 and err == '', (out, err)
    told = json.loads(out)
    assert told['file'] == str(path) and told['files'] == 1 and told['gaps'] == 0, told

    # The counts, as a reader sees them that is not ours.
    header, samples = digital(path)
    _, played = digital(recording())
    frames = told['frames']
    lost = len(played[0]) - frames
    assert 0 <= lost < LATE_MAX_S * RATE_HZ, lost
    assert [channel[:frames] for channel in samples] == [channel[lost:] for channel in played]
    events = {event['Description']: event for event in header['EVENT']}
    assert {'Cramp', 'Alert: ' + episode['severity']} & events.keys() and 'Cramp' in events, events

    # What was found.
    found = [json.loads(line) for line in run('analyze', '--json', str(path)).splitlines()]
    assert len(found) == 1, found
    live_s = (episode['onset_us'] - min_us(header)) / 1e6
    for key, at in (('onset_s', live_s), ('alert_s', live_s + (episode['alert_us'] - episode['onset_us']) / 1e6),
                    ('end_s', live_s + (episode['end_us'] - episode['onset_us']) / 1e6)):
        assert abs(found[0][key] - at) < 0.06, (key, found[0], at)
    tap.measured(f"record: {frames} frames of 2 channels equal to those played; onset, alert and end within "
                 f"{max(abs(found[0]['onset_s'] - live_s), 0.0001):.4f} s of live (bar: the same episodes)")
    cramp = events['Cramp']
    assert abs(cramp['DUR'] - (episode['end_us'] - episode['onset_us']) / 1e6) < 0.01


def min_us(header):
    import datetime
    start = datetime.datetime.fromisoformat(header['StartOfRecording']).replace(tzinfo=datetime.timezone.utc)
    return start.timestamp() * 1e6


def test_duration_and_a_second_name():
    folder = Path(_files.name) / 'nights'
    with System() as system, system.daemon('--virtual', f'{recording()},speed={SPEED},name=calf'):
        out = json.loads(run('record', 'calf', '-o', str(folder), '--duration', '5s', '--json'))
        assert 5 <= out['length_s'] < 5.1 and out['files'] == 1, out
        name, = os.listdir(folder)
        assert out['file'] == f'{folder}/{name}' and name.endswith('.edf')


if __name__ == '__main__':
    tap.main(globals())
