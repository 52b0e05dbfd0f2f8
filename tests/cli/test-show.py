# SPDX-License-Identifier: MIT
"""crampctl show as a black box, over a fake org.crampd1: the facts, the picture and its width, JSON, and answers that make
no sense."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from crampctl import CRAMPCTL, WRAPPER, environment, run
from fakecrampd import WAVEFORM_SAMPLES, FakeCrampd
from privatebus import PrivateBus

FACTS = '''Episode:    e1
Sensor:     left calf (a1)
Where:      left
Muscle:     gastrocnemius-medialis
Onset:      2026-11-23 02:14:05
Alert:      2026-11-23 02:14:11 (5.8 s later)
Lasted:     1:05, subsided
Severity:   moderate
Level:      123.5 uV (highest 150 ms RMS), 46 % of your strongest flexing
Median:     61.5 Hz
Confidence: 0.88
Verdict:    confirmed
Pain:       7 of 10
Note:       after "the" walk
'''

PICTURE = '''
Channel 2 (leading), up to 123 uV:
                           ###################################################
                           ###################################################
  #############  #############################################################
  #############  #############################################################
                           ###################################################
                           ###################################################
                           ^ onset       ^ alert
  -10         -5           0 s          +5          +10          +15
'''


def test_facts_and_picture():
    with PrivateBus(), FakeCrampd():
        out = run('show', 'e1', env=dict(environment(), LC_ALL='C'))
        assert out.startswith(FACTS + '\nChannel 1, up to 0.5 uV:\n'), out
        assert out.endswith(PICTURE), out
        assert '⣿' in run('show', 'e1')
        narrow = run('show', 'e1', env=dict(environment(COLUMNS='50'), LC_ALL='C')).splitlines()
        assert max(len(line) for line in narrow if '#' in line) == 48, narrow
        out = run('show', 'e2')
        assert '\nSensor:     b2\n' in out and 'Level' not in out, out
        assert 'No waveform was kept' in out and 'Channel' not in out
        assert '\nSimulated:  a recording that crampd played, not a leg\n' in out, out
        assert 'No waveform' not in run('show', '--no-legend', 'e2')


def test_json():
    with PrivateBus(), FakeCrampd():
        shown = json.loads(run('show', '--json', 'e1'))
        assert shown['id'] == 'e1' and shown['verdict'] == 'confirmed'
        waveform = shown['waveform']
        assert (waveform['start_us'], waveform['rate_hz'], waveform['channels'], waveform['scale_uv'],
                waveform['arbitrary_unit']) == (1795396435250000, 10, 2, 0.5, False)
        assert [piece['first'] for piece in waveform['pieces']] == [0, 60]
        for channel in (0, 1):
            values = [value for piece in waveform['pieces'] for value in piece['samples'][channel]]
            assert values == WAVEFORM_SAMPLES[channel::2]
        assert json.loads(run('show', '--json', 'e2'))['waveform'] is None


def on_terminal(columns, **variables):
    """What a terminal of that width gets."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    with subprocess.Popen([*WRAPPER, CRAMPCTL, 'show', 'e1'], stdout=follower, stderr=subprocess.PIPE,
                          env=environment(TERM='xterm', **variables)) as process:
        os.close(follower)
        text = b''
        try:
            while part := os.read(leader, 65536):
                text += part
        except OSError:  # the end of a terminal
            pass
        assert process.stderr.read() == b'' and process.wait(60) == 0
    os.close(leader)
    return text.decode().replace('\r\n', '\n')


def test_width_and_colour():
    with PrivateBus(), FakeCrampd():
        for columns in (30, 61, 132):
            lines = on_terminal(columns, NO_COLOR='1').split('\n')
            rows = [line for line in lines if any(0x2800 < ord(letter) < 0x2900 for letter in line)]
            assert rows and max(map(len, rows)) == columns - 2, (columns, rows)
            assert all('\x1b' not in line for line in lines)
        assert '\x1b[1m▲\x1b[0m onset' in on_terminal(80)


def test_answers_that_make_no_sense():
    with PrivateBus(), FakeCrampd() as fake:
        for how in ('signature', 'nonsense', 'disorder', 'short', 'type scale_uv', 'type pieces', 'missing rate_mhz'):
            fake.answer('GetWaveform', how)
            run('show', 'e1', code=76)
        # Forgotten between the two calls.
        fake.answer('GetWaveform', 'error org.crampd1.Error.NoSuchEpisode')
        assert 'No waveform was kept' in run('show', 'e1')
        fake.answer('GetWaveform', 'error org.crampd1.Error.StoreFailed')
        run('show', 'e1', code=74)
        run('show', 'nosuch', code=65)
        for arguments in ([], ['e1', 'e2'], ['-x']):
            run('show', *arguments, code=64)


if __name__ == '__main__':
    tap.main(globals())
