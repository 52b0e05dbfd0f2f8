#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The signal around an onset, through the whole service: kept, the same as the recording that was played, told to its owner
alone, and shown. Needs CRAMPD, CRAMPCTL and CALF_EMG in the environment."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import tap  # noqa: E402
from crampctl import environment, run  # noqa: E402
from daemon import HISTORY, LIMIT_S, ROOT, System  # noqa: E402
from recordings import minute  # noqa: E402

NOBODY = 65534
RATE_HZ = 500
BEFORE_S = 10
AFTER_S = 20

_files = tempfile.TemporaryDirectory(prefix='waveform-')


def recording():
    return minute(_files.name, RATE_HZ)


def played(system):
    """A client, and the one episode of the recording with its waveform recorded."""
    client = system.client()

    def recorded():
        episodes = client.episodes()
        return episodes if episodes and episodes[0]['waveform'] and 'end_us' in episodes[0] else None
    episode, = client.wait(recorded, what='the waveform to be recorded')
    return client, episode


def get_waveform(client, identity):
    return client.call(ROOT, HISTORY, 'GetWaveform', 'sa{sv}', identity, client.options())


def check_waveform(client, episode):
    waveform, samples = get_waveform(client, episode['id'])
    assert (waveform['rate_mhz'], waveform['channels'], waveform['arbitrary_unit']) == (RATE_HZ * 1000, 2, False)
    assert abs(episode['onset_us'] - waveform['start_us'] - BEFORE_S * 1000000) <= 2000, (episode, waveform)
    assert waveform['pieces'] == [(0, (BEFORE_S + AFTER_S) * RATE_HZ)], waveform['pieces']
    assert len(samples) == 2 * (BEFORE_S + AFTER_S) * RATE_HZ

    def rms(start_s, end_s, channel):
        values = samples[2 * int(start_s * RATE_HZ) + channel:2 * int(end_s * RATE_HZ):2]
        return (sum(int(value) ** 2 for value in values) / len(values)) ** 0.5 * waveform['scale_uv']
    leading = episode['channel']
    rest, cramp = rms(0, 8, leading), rms(13, 20, leading)
    assert cramp > 2 * rest > 0, (rest, cramp)
    assert 0.2 * episode['peak_uv'] < cramp <= episode['peak_uv'], (cramp, episode['peak_uv'])

    # As it is shown.
    shown = json.loads(run('show', 'last', '--json'))
    assert shown['id'] == episode['id']
    piece, = shown['waveform']['pieces']
    assert piece['first'] == 0 and [list(map(int, samples[channel::2])) for channel in (0, 1)] == piece['samples']
    text = run('show', episode['id'])
    assert 'Channel 1' in text and 'Channel 2' in text and '(leading)' in text and 'onset' in text, text
    assert '⣿' in text
    assert run('show', episode['id'], env=dict(environment(), LC_ALL='C')).isascii()


AS_NOBODY = f'''
import os, sys
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
import dbus, dbus.bus
bus = dbus.bus.BusConnection(sys.argv[1])
def call(method, signature, *arguments):
    return bus.call_blocking('org.crampd1', '/org/crampd1', 'org.crampd1.History', method, signature, arguments)
assert list(call('ListChanges', 'a{{sv}}', dbus.Dictionary(signature='sv'))) == [[], '']
try:
    bus.call_blocking('org.crampd1', '/org/crampd1', 'org.crampd1.History', 'GetWaveform', 'sa{{sv}}',
                      (sys.argv[2], dbus.Dictionary(signature='sv')))
    print('told')
except dbus.DBusException as error:
    print(error.get_dbus_name())
'''


def check_changes(client, episode):
    def changes(after):
        return client.call(ROOT, HISTORY, 'ListChanges', 'a{sv}', client.options(after=after))
    (told,), cursor = changes('')
    assert told == client.episodes()[0] and cursor.endswith('-' + episode['id'])
    assert list(changes(cursor)) == [[], cursor]
    client.call(ROOT, HISTORY, 'Annotate', 'sa{sv}', episode['id'], client.options(verdict='confirmed'))
    (told,), later = changes(cursor)
    assert told['verdict'] == 'confirmed' and int(later.split('-')[0]) > int(cursor.split('-')[0])
    for wrong in ('x', '1', '-' + episode['id'], '1-1', f'1-{episode["id"]}x', '9' * 19 + '-' + episode['id']):
        assert client.error_of(ROOT, HISTORY, 'ListChanges', 'a{sv}', client.options(after=wrong)) == \
            'org.crampd1.Error.InvalidArgument', wrong


def check_nobody_else(system, client, episode):
    done = subprocess.run([sys.executable, '-c', AS_NOBODY, system.bus.address, episode['id']], capture_output=True,
                          text=True, timeout=LIMIT_S, check=True)
    assert done.stdout == 'org.crampd1.Error.NoSuchEpisode\n', done
    # Root is told of everybody's; an id that is none is none.
    assert get_waveform(client, episode['id'])
    for identity in ('0000000000000001', 'x'):
        assert client.error_of(ROOT, HISTORY, 'GetWaveform', 'sa{sv}', identity,
                               client.options()) == 'org.crampd1.Error.NoSuchEpisode'


def test_kept_around_the_onset_and_told_to_its_owner():
    with System() as system, system.daemon('--virtual', f'{recording()},speed=60'):
        client, episode = played(system)
        check_waveform(client, episode)
        check_changes(client, episode)
        if os.geteuid() == 0:
            check_nobody_else(system, client, episode)
        else:
            tap.note('not root: nobody else could ask')


def test_over_a_restart():
    with System() as system:
        with system.daemon('--virtual', f'{recording()},speed=60'):
            client, episode = played(system)
            before = get_waveform(client, episode['id'])
        with system.daemon():
            assert get_waveform(system.client(), episode['id']) == before


def test_the_end_of_the_stream_gives_what_there_is():
    """Stopped between the alert and the window's end."""
    with System() as system:
        with system.daemon('--virtual', f'{recording()},speed=8'):
            client = system.client()
            client.subscribe()
            client.wait_signal('AlertRaised', limit_s=3 * LIMIT_S)
        with system.daemon():
            client, episode = played(system)
            waveform, samples = get_waveform(client, episode['id'])
            (first, frames), = waveform['pieces']
            assert first == 0 and BEFORE_S * RATE_HZ < frames < (BEFORE_S + AFTER_S) * RATE_HZ, waveform['pieces']
            assert len(samples) == 2 * frames


if __name__ == '__main__':
    tap.main(globals())
