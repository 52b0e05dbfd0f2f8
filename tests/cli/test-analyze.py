#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""crampctl analyze as a black box: what it prints, where, and with which exit code. With RECORDINGS also over real
recordings, read in place."""

import errno
import fcntl
import json
import os
import pty
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
import tap  # noqa: E402

CRAMPCTL = os.environ['CRAMPCTL']
RECORDINGS = os.environ.get('RECORDINGS', '')
KEYS = {'file', 'channel', 'onset_s', 'alert_s', 'end_s', 'end_reason', 'severity', 'peak_uv', 'median_hz',
        'confidence'}

RATE = 1000
CRAMP_S = (60, 95)  # begin and end in the files made here
LENGTH_S = 130

FOLDER = tempfile.mkdtemp(prefix='crampd-analyze-')


def run(*arguments, stdout=subprocess.PIPE, **options):
    return subprocess.run([CRAMPCTL, 'analyze', *arguments], stdout=stdout, stderr=subprocess.PIPE, text=True,
                          timeout=60, **options)


def rows(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def path_of(name):
    return os.path.join(FOLDER, name)


def write(name, content):
    with open(path_of(name), 'wb') as file:
        file.write(content.encode('utf-8') if isinstance(content, str) else content)
    return path_of(name)


def emg(length_s, cramps, seed, level_uv=150.0):
    """Noise of 4 uV RMS that rises within 2 s where there is a cramp, in units of 0.1 uV."""
    generator = random.Random(seed)
    samples = []
    for i in range(length_s * RATE):
        t = i / RATE
        rms = 4.0
        for begin, end in cramps:
            if begin <= t < end:
                rms += level_uv * min(1.0, (t - begin) / 2)
        samples.append(max(-32768, min(32767, round(generator.gauss(0, rms) * 10))))
    return samples


def edf(signals, seconds):
    """`signals`: label, dimension, samples at RATE. 0.1 units a count."""
    def field(value, width):
        return str(value).ljust(width).encode('ascii')

    n = len(signals)
    head = [field(0, 8), field('X', 80), field('made', 80), field('23.11.25', 8), field('22.00.00', 8),
            field(256 * (n + 1), 8), field('', 44), field(seconds, 8), field(1, 8), field(n, 4)]
    head += [field(label, 16) for label, _, _ in signals] + [field('', 80)] * n
    head += [field(dimension, 8) for _, dimension, _ in signals]
    for value in (-3276.8, 3276.7, -32768, 32767):
        head += [field(value, 8)] * n
    head += [field('', 80)] * n + [field(RATE, 8)] * n + [field('', 32)] * n
    body = [struct.pack(f'<{RATE}h', *samples[second * RATE:(second + 1) * RATE])
            for second in range(seconds) for _, _, samples in signals]
    return b''.join(head + body)


def csv(header, *columns):
    return header + '\n' + ''.join(','.join(row) + '\n' for row in zip(*columns))


QUIET = emg(LENGTH_S, [], 1)
CRAMP = emg(LENGTH_S, [CRAMP_S], 2)
TIMES = [f'{i / RATE:.3f}' for i in range(LENGTH_S * RATE)]

NIGHT = write('night.edf', edf([('SO', 'uV', QUIET), ('GM', 'uV', CRAMP), ('temp', 'degC', QUIET)], LENGTH_S))
STILL = write('still.edf', edf([('SO', 'uV', QUIET)], LENGTH_S))
NIGHT_CSV = write('night.csv', csv('time_s,SO_uV,GM_uV,angle_deg', TIMES, [f'{v / 10:.1f}' for v in QUIET],
                                   [f'{v / 10:.1f}' for v in CRAMP], TIMES))


def expect_the_cramp(row, file, channel):
    assert set(row) >= KEYS, set(row)
    assert (row['file'], row['channel']) == (file, channel), row
    assert abs(row['onset_s'] - CRAMP_S[0]) < 3, row
    assert row['onset_s'] < row['alert_s'] < CRAMP_S[1], row
    assert abs(row['end_s'] - CRAMP_S[1]) < 3, row
    assert 150 < row['peak_uv'] < 250, row
    assert row['median_hz'] is None or 20 < row['median_hz'] < 500, row
    assert 0 <= row['confidence'] <= 1, row


def test_edf_json():
    done = run('--json', NIGHT)
    assert done.returncode == 0, done
    found = rows(done)
    assert len(found) == 1, found
    expect_the_cramp(found[0], NIGHT, 'GM')
    assert found[0]['end_reason'] == 'subsided', found
    # What was left out is named, on standard error only.
    assert '"temp"' in done.stderr and '"GM"' not in done.stderr, done.stderr


def acceleration(moves, seed):
    """Three axes in 0.1 mg, 50 values a second; the leg shakes within these times."""
    generator, value, samples = random.Random(seed), None, []
    for i in range(LENGTH_S * RATE):
        t = i / RATE
        if i % (RATE // 50) == 0:
            noise = 120 if any(begin <= t < end for begin, end in moves) else 2
            value = [round(10 * generator.gauss(g, noise)) for g in (0, 1000, 0)]
        samples.append(value)
    return [list(axis) for axis in zip(*samples)]


def test_an_accelerometer_tells_movement_from_cramps():
    begin, _ = CRAMP_S
    alerts = {}
    for name, moves in (('lying', []), ('moved', [(begin - 2, begin + 6)]), ('moving', [(begin - 2, LENGTH_S)])):
        axes = acceleration(moves, 9)
        signals = [(f'ACC {axis}', 'mg', samples) for axis, samples in zip('XYZ', axes)]
        from_edf = run('--json', write(f'{name}.edf', edf([('GM', 'uV', CRAMP), *signals], LENGTH_S)))
        columns = [[f'{v / 10:.1f}' for v in samples] for samples in (CRAMP, *axes)]
        from_csv = run('--json', write(f'{name}.csv', csv('time_s,GM_uV,ACCX_mg,ACCY_mg,ACCZ_mg', TIMES, *columns)))
        assert from_edf.stderr == from_csv.stderr == '', (from_edf, from_csv)
        alerts[name] = [row['alert_s'] for row in rows(from_edf)]
        assert alerts[name] == [row['alert_s'] for row in rows(from_csv)], (alerts, from_csv)
    without = rows(run('--json', '--channel', 'GM', NIGHT))[0]['alert_s']
    assert len(alerts['lying']) == 1 and begin < alerts['lying'][0] < without, (alerts, without)
    # What rose with a movement is told later, and what moves all the time not at all.
    assert all(alert > alerts['lying'][0] + 5 for alert in alerts['moved']) and alerts['moving'] == [], alerts


def test_csv_gives_the_same_events():
    from_edf, from_csv = rows(run('--json', NIGHT))[0], run('--json', NIGHT_CSV)
    assert from_csv.returncode == 0 and '"angle_deg"' in from_csv.stderr, from_csv
    row = rows(from_csv)[0]
    expect_the_cramp(row, NIGHT_CSV, 'GM_uV')
    for key in KEYS - {'file', 'channel', 'peak_uv', 'median_hz', 'confidence'}:
        assert row[key] == from_edf[key], (key, row, from_edf)


def test_options_before_and_after_the_verb():
    before = subprocess.run([CRAMPCTL, '--json', 'analyze', NIGHT], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, timeout=60)
    after = run(NIGHT, '--json')
    assert before.returncode == after.returncode == 0
    assert before.stdout == after.stdout != ''


def test_channels():
    by_label, by_number = run('--json', '--channel', 'GM', NIGHT), run('--json', '-c', '2', NIGHT)
    assert by_label.stdout == by_number.stdout and by_label.stderr == '', (by_label, by_number)
    expect_the_cramp(rows(by_label)[0], NIGHT, 'GM')
    quiet = run('--json', '--channel', 'SO', NIGHT)
    assert (quiet.returncode, quiet.stdout) == (0, ''), quiet
    both = run('--json', '--channel', 'SO', '--channel', 'GM', NIGHT)
    assert rows(both)[0]['channel'] == 'GM', both
    wrong = run('--json', '--channel', 'GL', NIGHT)
    assert wrong.returncode == 65 and 'no channel "GL"' in wrong.stderr and '2 GM' in wrong.stderr, wrong


def test_sensitivity():
    """Steps differ in when they alert, in nothing else; normal is the default."""
    plain = run('--json', '-c', 'GM', NIGHT)
    assert run('--json', '-c', 'GM', NIGHT, '--sensitivity', 'normal').stdout == plain.stdout
    high, normal, low = (rows(run('--json', '-c', 'GM', '--sensitivity', step, NIGHT))[0] for step in ('high', 'normal', 'low'))
    assert high['alert_s'] < normal['alert_s'] < low['alert_s']
    assert abs(high['onset_s'] - low['onset_s']) < 0.5 and high['end_s'] == low['end_s']
    refused = run('--sensitivity', 'medium', NIGHT)
    assert refused.returncode == 64 and 'low, normal or high' in refused.stderr


def test_people_read_a_table():
    done = run(NIGHT)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 3, done.stdout
    assert lines[0] == f'{NIGHT}:' and lines[1].split()[0] == 'ONSET', lines
    assert lines[2].split()[0].startswith('0:0') and lines[2].split()[-1] == 'GM', lines


def test_no_cramp():
    done = run(STILL)
    assert (done.returncode, done.stdout) == (0, f'{STILL}:\nno cramp found\n'), done
    assert run(STILL, env=dict(os.environ, LC_ALL='C.UTF-8', LANGUAGE='de')).stdout == f'{STILL}:\nkein Krampf gefunden\n'
    assert run('--no-legend', STILL).stdout == ''
    done = run('--json', STILL)
    assert (done.returncode, done.stdout) == (0, ''), done


def test_no_legend():
    done = run('--no-legend', NIGHT)
    assert len(done.stdout.splitlines()) == 1 and 'ONSET' not in done.stdout, done.stdout
    done = run('--no-legend', NIGHT, STILL)
    assert [line for line in done.stdout.splitlines() if line.endswith(':')] == [f'{NIGHT}:', f'{STILL}:'], done


def test_cramp_until_the_recording_ends():
    cut = write('cut.edf', edf([('GM', 'uV', CRAMP)], 80))
    row = rows(run('--json', cut))[0]
    assert row['end_s'] is None and row['end_reason'] == 'stream-end', row
    assert 'to the end' in run(cut).stdout


def test_cramps_in_onset_order():
    length_s = 420
    cramps = [(60, 90), (190, 215), (320, 360)]
    path = write('three.edf', edf([('GM', 'uV', emg(length_s, cramps, 3))], length_s))
    onsets = [row['onset_s'] for row in rows(run('--json', path))]
    assert len(onsets) == 3, onsets
    for onset, (begin, _) in zip(onsets, cramps):
        assert abs(onset - begin) < 3, onsets


def test_arbitrary_units():
    counts = write('counts.csv', csv('GM', [str(v) for v in CRAMP]))
    row = rows(run('--json', '--rate', '1000', '--unit', 'counts', counts))[0]
    assert row['peak_uv'] is None and row['channel'] == 'GM', row
    assert abs(row['onset_s'] - CRAMP_S[0]) < 3, row


def test_unit_and_rate():
    path = write('volts.csv', csv('GM', [f'{v / 10}e-6' for v in CRAMP]))
    done = run('--json', '--rate=1e3', '--unit', 'V', path)
    expect_the_cramp(rows(done)[0], path, 'GM')
    # The wrong unit leaves nothing to see; that is told.
    done = run('--json', '--rate', '1000', path)
    assert (done.returncode, done.stdout) == (0, '') and 'is the unit right (--unit)' in done.stderr, done
    done = run('--json', path)
    assert done.returncode == 65 and '--rate' in done.stderr and 'time_s' in done.stderr, done


def test_gap_in_the_time_column():
    begin, end = 30 * RATE, 50 * RATE
    lines = open(NIGHT_CSV).read().splitlines(keepends=True)
    path = write('gap.csv', ''.join(lines[:1 + begin] + lines[1 + end:]))
    row = rows(run('--json', path))[0]
    assert abs(row['onset_s'] - CRAMP_S[0]) < 3, row


def test_bad_files_and_the_rest():
    broken = write('broken.edf', open(NIGHT, 'rb').read()[:-1])
    missing = path_of('missing.edf')
    content = bytearray(open(NIGHT, 'rb').read())
    content[192:197] = b'EDF+D'
    gaps = write('gaps.edf', bytes(content))

    done = run('--json', broken, NIGHT)
    assert done.returncode == 65 and len(rows(done)) == 1, done
    assert f'{broken}: cut short' in done.stderr, done.stderr
    done = run('--json', missing, NIGHT)
    assert done.returncode == 66 and len(rows(done)) == 1 and missing in done.stderr, done
    for order in ([missing, broken, NIGHT], [NIGHT, broken, missing]):
        done = run('--json', *order)
        assert done.returncode == 66 and len(rows(done)) == 1, done
    done = run('--json', gaps)
    assert done.returncode == 65 and 'EDF+D' in done.stderr and 'EDFbrowser' in done.stderr, done


def test_bad_row_late_in_a_file():
    path = write('late.csv', open(NIGHT_CSV).read() + 'x,1,1,1\n')
    done = run('--json', path)
    assert done.returncode == 65 and len(rows(done)) == 1, done
    assert f'{path}:{LENGTH_S * RATE + 2}: column "time"' in done.stderr, done.stderr


def test_unreadable_file():
    if os.geteuid() == 0:
        # Root may read everything; a link to itself cannot be opened by anyone.
        path = path_of('loop.edf')
        os.symlink(path, path)
    else:
        path = write('secret.edf', b'')
        os.chmod(path, 0)
    done = run(path)
    assert done.returncode == 66 and path in done.stderr, done


def test_usage():
    for arguments in ([], ['--rate', 'fast', NIGHT], ['--rate', '-5', NIGHT], ['--rate'], ['--unit', 'nV', NIGHT],
                      ['--frobnicate', NIGHT], ['-c']):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (64, '') and done.stderr.startswith('crampctl: '), done


def test_help():
    done = run('--help')
    assert done.returncode == 0 and done.stderr == '', done
    for word in ('--channel', '--rate', '--unit', '--json', '--no-legend', 'time_s', '_uV'):
        assert word in done.stdout, word


def test_full_disk():
    for options in ([], ['--json']):
        with open('/dev/full', 'w') as full:
            done = run(*options, NIGHT, stdout=full)
        assert done.returncode == 73 and 'cannot write' in done.stderr, done


def test_same_output_every_time():
    assert run('--json', NIGHT, NIGHT_CSV).stdout == run('--json', NIGHT, NIGHT_CSV).stdout


def test_numbers_are_the_same_in_every_locale():
    locales = subprocess.run(['locale', '-a'], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    expected = run('--json', NIGHT, env=dict(os.environ, LC_ALL='C')).stdout
    for locale in locales:
        assert run('--json', NIGHT, env=dict(os.environ, LC_ALL=locale)).stdout == expected, locale


def terminal_open(columns):
    control, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    return control, terminal


def terminal_read(control, until=None):
    """What was written, up to its end or until `until` is in it."""
    text = b''
    while until is None or until not in text:
        try:
            part = os.read(control, 4096)
        except OSError as error:
            if error.errno != errno.EIO:  # nobody has the terminal open any more
                raise
            break
        if not part:
            break
        text += part
    return text


def test_progress_bar_on_a_terminal():
    for columns, term, expected in ((100, 'xterm', True), (20, 'xterm', False), (100, 'dumb', False)):
        control, terminal = terminal_open(columns)
        process = subprocess.Popen([CRAMPCTL, 'analyze', '--json', STILL], stdout=subprocess.DEVNULL,
                                   stderr=terminal, env=dict(os.environ, TERM=term))
        os.close(terminal)
        text = terminal_read(control)
        os.close(control)
        assert process.wait(timeout=60) == 0
        assert (b'100 % [##############################]' in text) == expected, (columns, term, text)
        if expected:
            assert text.endswith(b'\r\033[K'), text
            assert max(len(part) for part in text.split(b'\r\033[K')) < columns, text


def test_interrupt_leaves_a_clean_line():
    # A day of nothing, most of it a hole in the file: long enough to be interrupted.
    seconds = 86400
    header = bytearray(edf([('GM', 'uV', QUIET)], 1)[:512])
    header[236:244] = str(seconds).ljust(8).encode('ascii')
    long = write('long.edf', bytes(header))
    os.truncate(long, 512 + seconds * RATE * 2)
    control, terminal = terminal_open(80)
    process = subprocess.Popen([CRAMPCTL, 'analyze', long], stdout=subprocess.DEVNULL, stderr=terminal,
                               env=dict(os.environ, TERM='xterm'))
    os.close(terminal)
    text = terminal_read(control, until=b' % [')
    process.send_signal(signal.SIGINT)
    text += terminal_read(control)
    os.close(control)
    assert process.wait(timeout=60) == -signal.SIGINT, process.returncode
    assert text.endswith(b'\r\033[K'), text[-100:]
    os.unlink(long)


def recording(*parts):
    if not RECORDINGS:
        tap.skip('no -Drecordings=DIR')
    return os.path.join(RECORDINGS, *parts)


def expect_no_alert(*arguments):
    done = run('--json', *arguments)
    assert (done.returncode, done.stdout) == (0, ''), done


def test_recording_walking_raises_no_alert():
    expect_no_alert(recording('gait-calf-santuz', 'ID0012_TW_01_emg_uV_1000Hz.csv'))


def test_recording_isolated_contractions_raise_no_alert():
    expect_no_alert('--rate', '250', recording('ta-ballistic-emggo', 'TA_ballistic_dorsiflexion_250Hz.csv'))


def test_recording_maximal_holds_are_read():
    """They may alert like a cramp; all that counts is that each row makes sense."""
    folder = recording('elderly-isometric-da-silva')
    files = sorted(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith('.csv'))
    assert len(files) == 12, files
    done = run('--json', '--rate', '2000', '--channel', 'TA', *files)
    assert done.returncode == 0, done
    for row in rows(done):
        assert row['file'] in files and row['channel'] == 'TA' and 0 <= row['onset_s'] < row['alert_s'] <= 10.1, row


def test_recording_passive_movement_in_volts():
    path = recording('ta-passive-active-tecchio', 'Pas_10_2000Hz.csv')
    done = run('--json', '--rate', '2000', '--unit', 'V', path)
    assert done.returncode == 0 and '"ankle_angle_deg"' in done.stderr and '"torque_Nm"' in done.stderr, done


def test_recording_with_a_free_form_header_is_refused():
    path = recording('thigh-uci-lower-limb', '3Apie.txt')
    done = run('--json', '--rate', '1000', '--unit', 'mV', path)
    assert (done.returncode, done.stdout) == (65, ''), done
    assert f'{path}:2: ' in done.stderr and 'the first line must name the columns' in done.stderr, done.stderr


def test_recording_without_header_row_is_refused():
    path = recording('bitalino-biosppy', 'emg_1.txt')
    done = run('--json', '--rate', '1000', '--unit', 'counts', path)
    assert done.returncode == 65 and f'{path}:5: no header row' in done.stderr, done


try:
    tap.main(globals())
finally:
    shutil.rmtree(FOLDER)
