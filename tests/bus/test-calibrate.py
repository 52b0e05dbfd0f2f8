#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Calibrating through the whole service, with a recording that plays as a sensor: the wearer rests, flexes when told, and
has a cramp later. Needs CRAMPD and CRAMPCTL in the environment."""

import json
import math
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import dbus  # noqa: E402

import tap  # noqa: E402
from crampctl import CRAMPCTL, WRAPPER, environment  # noqa: E402
from daemon import LIMIT_S, SENSOR, System  # noqa: E402

RATE_HZ = 500
# So many times as fast as it was taken.
SPEED = 12 if os.environ.get('WRAPPER') or os.environ.get('TESTS_SLOW') else 20
REST, FLEXING, CRAMP = 6.0, 120.0, 45.0  # microvolts RMS
FLEX_FROM_S, FLEX_TO_S, CRAMP_FROM_S, CRAMP_TO_S, LENGTH_S = 20, 31, 42, 58, 66
NOBODY = 65534

_files = tempfile.TemporaryDirectory(prefix='calibrate-')


def recording():
    """Rest, flexing that lasts long enough to look like a cramp, rest, a cramp, rest."""
    path = Path(_files.name) / 'evening.csv'
    if not path.exists():
        noise = random.Random(7)

        def level(t):
            if FLEX_FROM_S <= t < FLEX_TO_S:
                return FLEXING
            return CRAMP if CRAMP_FROM_S <= t < CRAMP_TO_S else REST
        path.write_text('GM_uV\n' + ''.join(f'{noise.gauss(0, level(i / RATE_HZ)):.2f}\n' for i in range(RATE_HZ * LENGTH_S)),
                        encoding='ascii')
    return path


def virtual(**options):
    more = ''.join(f',{key}={value}' for key, value in options.items())
    return '--virtual', f'{recording()},rate={RATE_HZ},speed={SPEED}{more}'


def described(client):
    (path, values), = client.sensors()
    return path, values


def stream_s(client):
    """How much of the recording was played; all of it is good signal."""
    return described(client)[1]['monitored_us'] / 1e6


def rest_s_from(client):
    """So long a rest from now that it ends shortly before the flexing in the recording."""
    rest_s = math.floor(FLEX_FROM_S - 3.5 - stream_s(client))
    assert rest_s >= 5, 'the recording was too far on already'
    return rest_s


def begin(client, path, **options):
    client.wait(lambda: stream_s(client) > 0.5, what='the stream')
    return client.call(path, SENSOR, 'Calibrate', 'a{sv}',
                       client.options(rest_s=dbus.UInt32(rest_s_from(client)), **options))


def of(client, member):
    return [arguments for name, arguments, _ in client.signals if name == member]


def test_from_rest_to_percent():
    with System() as system, system.daemon(*virtual()):
        client, bystander = system.client(), system.client()
        client.subscribe()
        bystander.subscribe()
        path, values = described(client)
        assert 'calibrated_us' not in values and 'rest_uv' not in values, values
        plan = begin(client, path, flex_s=dbus.UInt32(10), pause_s=dbus.UInt32(2), tries=dbus.UInt32(1))
        assert (plan['flex_s'], plan['pause_s'], plan['tries']) == (10, 2, 1), plan
        # Once at a time, whoever asks.
        assert bystander.error_of(path, SENSOR, 'Calibrate', 'a{sv}', client.options()) == 'org.crampd1.Error.AlreadyExists'
        result, _, details = client.wait_signal('CalibrationEnded')[1]
        assert result == 'done', (result, details)
        assert abs(details['rest_uv'][0] / REST - 1) < 0.1, details
        assert abs(details['mvc_uv'][0] / FLEXING - 1) < 0.1, details
        phases = [(str(phase), int(attempt)) for phase, attempt, _, _ in of(client, 'CalibrationProgress')]
        assert sorted(set(phases), key=phases.index) == [('rest', 0), ('ready', 1), ('flex', 1), ('relax', 1)], phases
        assert len(phases) > 20, 'progress is told about five times a second of the stream'
        # The flexing of 11 s raised no alert and left no episode; the cramp after it does, in percent of the flexing.
        assert of(client, 'AlertRaised') == [] and client.episodes() == []
        raised = client.wait_signal('AlertRaised')[1]
        assert 25 < raised[-1]['peak_mvc_percent'] < 60, raised
        client.wait_signal('AlertEnded')
        episode, = client.wait(client.episodes, what='the episode')
        assert abs(episode['peak_mvc_percent'] - 100 * episode['peak_uv'] / details['mvc_uv'][0]) < 1e-6, episode
        values = described(client)[1]
        assert values['calibrated_us'] == details['calibrated_us'] and values['mvc_uv'] == details['mvc_uv'], values
        assert values.get('calibration') == 'fits' or values['state'] == 'ended', values
        client.call(path, SENSOR, 'ForgetCalibration', 'a{sv}', client.options())
        assert 'calibrated_us' not in described(client)[1]
        # All of it was the caller's alone.
        bystander.sensors()
        bystander.wait(lambda: True)
        assert not of(bystander, 'CalibrationProgress') and not of(bystander, 'CalibrationEnded')


def test_without_it_the_same_flexing_is_taken_for_a_cramp():
    output = subprocess.run([*WRAPPER, CRAMPCTL, 'analyze', '--json', '--rate', str(RATE_HZ), recording()], check=True,
                            capture_output=True, text=True, env=environment()).stdout
    onsets = [json.loads(line)['onset_s'] for line in output.splitlines()]
    assert len(onsets) == 2 and abs(onsets[0] - FLEX_FROM_S) < 0.5 and abs(onsets[1] - CRAMP_FROM_S) < 0.5, onsets


def test_it_ends_with_its_caller_and_when_told():
    with System() as system, system.daemon(*virtual()):
        client = system.client()
        path = described(client)[0]
        client.wait(lambda: stream_s(client) > 0.5, what='the stream')
        options = client.options(rest_s=dbus.UInt32(120))
        for bad in ({'rest_s': dbus.UInt32(4)}, {'tries': dbus.UInt32(6)}, {'flex_s': dbus.UInt32(1)}, {'rest_s': 'long'}):
            assert client.error_of(path, SENSOR, 'Calibrate', 'a{sv}',
                                   client.options(**bad)) == 'org.crampd1.Error.InvalidArgument', bad
        client.call(path, SENSOR, 'StopCalibration', 'a{sv}', client.options())
        client.call(path, SENSOR, 'Calibrate', 'a{sv}', options)
        client.call(path, SENSOR, 'StopCalibration', 'a{sv}', client.options())
        assert client.wait_signal('CalibrationEnded')[1][0] == 'stopped'
        other = system.client()
        other.call(path, SENSOR, 'Calibrate', 'a{sv}', options)
        assert client.error_of(path, SENSOR, 'Calibrate', 'a{sv}', options) == 'org.crampd1.Error.AlreadyExists'
        other.close()

        def again():
            try:
                return client.call(path, SENSOR, 'Calibrate', 'a{sv}', options)
            except dbus.DBusException:
                return None
        client.wait(again, what='the calibration to end with its caller')
        # While the wearer rests, alerts are raised as ever, and end it; then the recording does.
        client.signals.clear()
        client.subscribe()
        assert client.wait_signal('CalibrationEnded')[1][0] == 'cramp'
        client.wait_signal('AlertRaised')
        assert client.error_of(path, SENSOR, 'Calibrate', 'a{sv}', options) == 'org.crampd1.Error.NotSupported'
        client.wait(lambda: described(client)[1]['state'] == 'ended', what='the end of the recording')
        assert client.error_of(path, SENSOR, 'Calibrate', 'a{sv}', options) == 'org.crampd1.Error.NotConnected'


def test_by_command_and_kept():
    with System() as system:
        with system.daemon(*virtual(name='calf')):
            client = system.client()
            client.wait(lambda: stream_s(client) > 0.5, what='the stream')
            done = subprocess.run([*WRAPPER, CRAMPCTL, 'calibrate', 'calf', '--rest', str(rest_s_from(client)), '--flex', '10',
                                   '--pause', '2', '--tries', '1'], capture_output=True, text=True, timeout=LIMIT_S,
                                  env=environment(), check=False)
            assert done.returncode == 0 and done.stderr == '', done
            lines = done.stdout.splitlines()
            assert [line.split()[0] for line in lines] == ['Rest:', 'Get', 'FLEX', 'Let', 'Channel'], lines
            assert 'times rest' in lines[-1] and 'uV' in lines[-1], lines
            said = subprocess.run([*WRAPPER, CRAMPCTL, 'sensors'], capture_output=True, text=True, check=True,
                                  env=environment()).stdout
            assert 'calf: calibrated 20' in said, said
            row = json.loads(subprocess.run([*WRAPPER, CRAMPCTL, 'sensors', '--json'], capture_output=True, text=True,
                                            check=True, env=environment()).stdout)
            assert row['calibrated_us'] and abs(row['mvc_uv'][0] / FLEXING - 1) < 0.1, row


def test_only_its_owner():
    if os.geteuid() != 0:
        tap.skip('only root can become another user')
    with System() as system, system.daemon(*virtual()):
        client = system.client()
        path = described(client)[0]
        program = f'''
import os, sys
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
sys.path.insert(0, {str(HERE.parent / 'support')!r})
os.environ.setdefault('CRAMPD', '')
from daemon import *
client = Client({system.bus.address!r})
client.subscribe()
for method in ('Calibrate', 'StopCalibration', 'ForgetCalibration'):
    print(client.error_of({path!r}, SENSOR, method, 'a{{sv}}', client.options()))
print('refused', flush=True)
sys.stdin.readline()
client.sensors()
client.wait(lambda: True)
print([member for member, _, _ in client.signals])
'''
        other = subprocess.Popen(['/usr/bin/python3', '-c', program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert [other.stdout.readline() for _ in range(4)] == ['org.crampd1.Error.NotAuthorized\n'] * 3 + ['refused\n']
        client.wait(lambda: stream_s(client) > 0.5, what='the stream')
        client.call(path, SENSOR, 'Calibrate', 'a{sv}', client.options(rest_s=dbus.UInt32(5)))
        client.wait_signal('CalibrationEnded')
        assert other.communicate('go\n', timeout=60)[0] == '[]\n'


if __name__ == '__main__':
    tap.main(globals())
