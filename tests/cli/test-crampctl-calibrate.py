# SPDX-License-Identifier: MIT
"""crampctl calibrate over a fake org.crampd1 on a private bus, and what other verbs show of a calibration."""

import json
import os
import pty
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from crampctl import CRAMPCTL, WRAPPER, environment, run, start
from fakecrampd import SENSORS, FakeCrampd
from privatebus import PrivateBus

UV = {'arbitrary_unit': False, 'channel': 0}
COURSE = [['rest', 0, 20, UV], ['rest', 0, 1.5, dict(UV, level_uv=5.25)],
          ['ready', 1, 5, dict(UV, level_uv=5.5, rest_uv=5.0)], ['flex', 1, 4, dict(UV, level_uv=80.0, rest_uv=5.0, highest_uv=80.0)],
          ['ready', 2, 5, dict(UV, level_uv=6.0, rest_uv=5.0, highest_uv=95.0)], ['flex', 2, 4, dict(UV, level_uv=6.0, rest_uv=5.0)],
          ['relax', 2, 5, dict(UV, level_uv=6.0, rest_uv=5.0)]]
DONE = {'result': 'done', 'details': {'calibrated_us': 1795396445250000, 'arbitrary_unit': False, 'rest_uv': [5.0, 0.0],
                                      'mvc_uv': [123.4, 0.0]}}


def calibrate(fake, *arguments, progress=(), code=0, **ending):
    """Runs the verb against a course; returns its standard output, or its error."""
    fake.do('set', key='calibrating', value=[])
    process = start('calibrate', 'left calf', *arguments)
    tap.wait_until(lambda: fake.do('calibration') == 1, what='the calibration')
    fake.do('calibration', progress=list(progress), **ending)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, (process.returncode, out, err)
    return (out if code == 0 else err).decode()


def test_words():
    with PrivateBus(), FakeCrampd() as fake:
        assert calibrate(fake, '--tries=2', progress=COURSE, **DONE) == (
            'Rest: let the leg lie loose and do not move (20 s).\n'
            'Get ready for try 1 of 2, in 5 s.\n'
            'FLEX as hard as you can, and hold (try 1 of 2, 4 s).\n'
            'Get ready for try 2 of 2, in 5 s.\n'
            'FLEX as hard as you can, and hold (try 2 of 2, 4 s).\n'
            'Let go and rest.\n'
            'Channel 1: rest 5 uV, strongest flexing (MVC) 123 uV, 25 times rest.\n'
            'Channel 2: not calibrated, it showed no rest or did not rise.\n')


def test_json():
    with PrivateBus(), FakeCrampd() as fake:
        lines = [json.loads(line) for line in calibrate(fake, '--json', progress=COURSE[1:3], **DONE).splitlines()]
        assert lines[0] == {'type': 'progress', 'phase': 'rest', 'try': 0, 'left_s': 1.5, 'channel': 0, 'level_uv': 5.25,
                            'rest_uv': None, 'highest_uv': None, 'arbitrary_unit': False}, lines
        assert lines[1]['phase'] == 'ready' and lines[1]['rest_uv'] == 5, lines
        assert lines[2] == {'type': 'ended', 'result': 'done', 'reason': 'Because.', 'calibrated_us': 1795396445250000,
                            'rest_uv': [5, None], 'mvc_uv': [123.4, None], 'arbitrary_unit': False}, lines


def test_arbitrary_unit():
    with PrivateBus(), FakeCrampd() as fake:
        details = dict(DONE['details'], arbitrary_unit=True, rest_uv=[200.0], mvc_uv=[4000.0])
        assert calibrate(fake, result='done', details=details) == (
            'Channel 1: rest 200, strongest flexing (MVC) 4000, 20 times rest.\n')


def test_on_a_terminal():
    with PrivateBus(), FakeCrampd() as fake:
        ours, theirs = pty.openpty()
        with subprocess.Popen([*WRAPPER, CRAMPCTL, 'calibrate', 'left calf'], stdout=theirs, stdin=theirs,
                              env=environment()) as process:
            os.close(theirs)
            tap.wait_until(lambda: fake.do('calibration') == 1, what='the calibration')
            fake.do('calibration', progress=COURSE, **DONE)
            assert process.wait(timeout=30) == 0
        text = b''
        while b'Channel 2' not in text:
            text += os.read(ours, 4096)
        os.close(ours)
        assert b'80 uV, x16.0' in text and '█'.encode() in text and b'\r\x1b[K' in text, text


def test_ends_that_keep_nothing():
    with PrivateBus(), FakeCrampd() as fake:
        for result, code in (('poor-signal', 65), ('not-above-rest', 65), ('signal-lost', 69), ('cramp', 75), ('stopped', 75),
                             ('store-failed', 74), ('what is that', 75)):
            err = calibrate(fake, code=code, result=result, reason='So\x1b it is.')
            assert err == 'crampctl: nothing was kept: So? it is.\n', err
        for name, code in (('NotConnected', 69), ('AlreadyExists', 73), ('NotSupported', 69), ('NotAuthorized', 77)):
            fake.answer('Calibrate', f'error org.crampd1.Error.{name}')
            run('calibrate', 'a1', code=code)
        for how in ('signature', 'type tries', 'missing rest_s'):
            fake.answer('Calibrate', how)
            run('calibrate', 'a1', code=76)


def test_interrupted():
    with PrivateBus(), FakeCrampd() as fake:
        process = start('calibrate', 'left calf')
        tap.wait_until(lambda: fake.do('calibration') == 1, what='the calibration')
        fake.do('calls')
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 75 and b'interrupted' in err, (process.returncode, err)
        assert [call['member'] for call in fake.do('calls')] == ['StopCalibration']


def test_strangers_and_nonsense_are_passed_over():
    with PrivateBus(), FakeCrampd() as fake:
        process = start('calibrate', 'left calf')
        tap.wait_until(lambda: fake.do('calibration') == 1, what='the calibration')
        fake.do('calibration', stranger=True, result='poor-signal')
        fake.do('calibration', path='/org/crampd1/sensor/b2', result='poor-signal')
        for how in ('signature', 'type rest_uv', 'type mvc_uv'):
            fake.do('calibration', how=how, progress=COURSE[3:4] if how != 'type mvc_uv' else [], **DONE)
        fake.do('calibration', result='done', details=dict(DONE['details'], mvc_uv=[1.0]))
        fake.do('calibration', result='done', details=dict(DONE['details'], mvc_uv=[1.0, float('nan')]))
        fake.do('calibration', result='done', details=dict(DONE['details'], mvc_uv=[1.0] * 17, rest_uv=[1.0] * 17))
        fake.do('calibration', **DONE)
        out, _ = process.communicate(timeout=30)
        assert process.returncode == 0 and out.decode().startswith('Channel 1: rest 5 uV'), out


def test_what_was_said():
    with PrivateBus(), FakeCrampd() as fake:
        def sent(*arguments):
            fake.do('calls')
            calibrate(fake, *arguments, **DONE)
            return [call['args'] for call in fake.do('calls') if call['member'] == 'Calibrate']

        assert sent() == [[{}]]
        assert sent('--rest=30', '--flex', '3', '--pause=10', '--tries=1') == [
            [{'rest_s': 30, 'flex_s': 3, 'pause_s': 10, 'tries': 1}]]
        for wrong in ('--rest=4', '--rest=121', '--flex=1', '--flex=11', '--pause=1', '--tries=0', '--tries=6', '--rest=x',
                      '--rest=-5'):
            run('calibrate', 'a1', wrong, code=64)
        run('calibrate', code=64)
        run('calibrate', 'a1', 'b2', code=64)
        run('calibrate', 'nobody', code=65)
        fake.do('calls')
        assert 'not calibrated' in run('calibrate', '--forget', 'left calf')
        assert [(call['member'], call['path']) for call in fake.do('calls')][-1] == (
            'ForgetCalibration', '/org/crampd1/sensor/a1')


def test_what_other_verbs_show():
    with PrivateBus(), FakeCrampd() as fake:
        calibrated = dict(SENSORS[0], calibrated_us=1795396445250000, rest_uv=[5.0, 0.0], mvc_uv=[123.456, 0.0])
        for state, said in (('fits', '\n'), ('moved', '; rest is not what it was then: do the electrodes sit elsewhere? '
                                             'Calibrate anew\n'),
                            ('other-stream', '; it does not count, for channels or scale have changed: calibrate anew\n')):
            fake.do('set', key='sensors', value=[dict(calibrated, calibration=state), SENSORS[1]])
            assert run('sensors').endswith(f'left calf: calibrated 2026-11-23 01:14:05{said}')
            first, second = [json.loads(line) for line in run('sensors', '--json').splitlines()]
            assert (first['calibrated_us'], first['calibration'], first['rest_uv'], first['mvc_uv']) == (
                1795396445250000, state, [5, None], [123.46, None]), first
            assert (second['calibrated_us'], second['calibration'], second['rest_uv'], second['mvc_uv']) == (
                None, None, [], []), second
        assert 'calibrated' not in run('sensors', '--no-legend')


if __name__ == '__main__':
    tap.main(globals())
