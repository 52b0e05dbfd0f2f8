#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""calf-emg as a black box: its files are read by the published layouts (EDF: Kemp et al. 1992; EDF+: Kemp and Olivan
2003; BDF: BioSemi), not by EDFlib."""

import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
import tap  # noqa: E402

CALF_EMG = os.environ['CALF_EMG']
SPLICED_EMG = os.environ['SPLICED_EMG']
RECORDINGS = os.environ.get('RECORDINGS', '')
FOLDER = tempfile.TemporaryDirectory(prefix='test-calf-emg-')


def path(name):
    return os.path.join(FOLDER.name, name)


def run(*arguments, expect=0, program=CALF_EMG):
    result = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120)
    assert result.returncode == expect, (arguments, result.returncode, result.stderr)
    return result


def make(name, *arguments):
    run('-o', path(name), *arguments)
    with open(path(name), 'rb') as file:
        return file.read()


class Edf:
    """Labels, physical scale and digital samples per signal, and the annotations' bytes."""

    def __init__(self, data):
        self.header = data[:256].decode('latin-1')
        width = 3 if data[0] == 255 else 2
        n, records, at = int(data[252:256]), int(data[236:244]), 256
        columns = {}
        for name, size in (('label', 16), ('transducer', 80), ('dimension', 8), ('pmin', 8), ('pmax', 8), ('dmin', 8),
                           ('dmax', 8), ('prefilter', 80), ('samples', 8), ('reserved', 32)):
            columns[name] = [data[at + i * size:at + (i + 1) * size].decode('ascii').strip() for i in range(n)]
            at += n * size
        assert at == int(data[184:192])
        self.columns = columns
        self.signals = {label: [] for label in columns['label'] if 'Annotations' not in label}
        self.annotations = b''
        for _ in range(records):
            for label, samples in zip(columns['label'], columns['samples']):
                length = int(samples) * width
                chunk = data[at:at + length]
                at += length
                if label in self.signals:
                    self.signals[label] += [int.from_bytes(chunk[i:i + width], 'little', signed=True)
                                            for i in range(0, length, width)]
                else:
                    self.annotations += chunk
        assert at == len(data), (at, len(data))

    def scale(self, i):
        c = self.columns
        return (float(c['pmax'][i]) - float(c['pmin'][i])) / (int(c['dmax'][i]) - int(c['dmin'][i]))


def test_same_options_same_bytes():
    arguments = ('--script', 'minute', '--seed', '9', '--channels', '3')
    first, second = make('a.edf', *arguments), make('b.edf', *arguments)
    assert first == second
    assert first != make('c.edf', '--script', 'minute', '--seed', '10', '--channels', '3')


def test_edf_and_csv_agree():
    arguments = ('--script', 'minute', '--channels', '4', '--rate', '250')
    edf = Edf(make('agree.edf', *arguments))
    lines = make('agree.csv', *arguments).decode('ascii').splitlines()
    assert lines[0] == 'time_s,GM_uV,GL_uV,SO_uV,TA_uV', lines[0]
    assert list(edf.signals) == ['EMG GM', 'EMG GL', 'EMG SO', 'EMG TA']
    assert len(lines) - 1 == 84 * 250
    for i, line in enumerate(lines[1:]):
        values = [float(value) for value in line.split(',')]
        assert abs(values[0] - i / 250) < 1e-6
        counts = [edf.signals[label][i] for label in edf.signals]
        assert [round(value * 10) for value in values[1:]] == counts, (i, values, counts)


def test_edf_and_bdf_agree():
    arguments = ('--script', 'minute', '--bits', '16')
    edf, bdf = Edf(make('agree.edf', *arguments)), Edf(make('agree.bdf', *arguments))
    assert edf.signals == bdf.signals
    fine = Edf(make('fine.bdf', '--script', 'minute'))
    assert abs(fine.scale(0) - 0.01) < 1e-9
    worst = max(abs(a * 0.1 - b * 0.01) for a, b in zip(edf.signals['EMG GM'], fine.signals['EMG GM']))
    assert worst <= 0.0551, worst


def test_header_says_simulated():
    edf = Edf(make('said.edf', '--script', 'minute', '--channels', '2', '--start', '2025-03-04T05:06:07'))
    assert edf.header[8:88].strip() == 'X X X X', edf.header[8:88]
    assert 'SIMULATED minute seed 1' in edf.header[88:168]
    assert edf.header[168:184] == '04.03.2505.06.07'
    assert edf.header[192:197] == 'EDF+C'
    for column, word in (('dimension', 'uV'), ('transducer', 'simulated'), ('prefilter', 'simulated')):
        assert all(word in value for value in edf.columns[column][:2]), edf.columns[column]
    assert abs(edf.scale(0) - 0.1) < 1e-12
    assert b'+20.0000\x1540.0000\x14simulated cramp\x14' in edf.annotations or \
        b'+20\x1540\x14simulated cramp\x14' in edf.annotations, edf.annotations.replace(b'\0', b'')[:200]


def test_truth_is_json():
    run('--script', 'excerpt', '--channels', '4', '--seed', '3', '-o', path('truth.edf'), '--truth', path('t.json'))
    with open(path('t.json'), encoding='utf-8') as file:
        truth = json.load(file)
    assert truth['simulated'] is True and truth['seed'] == 3 and truth['script'] == 'excerpt'
    assert truth['file'] == path('truth.edf')
    assert truth['rate_hz'] == 1000 and truth['frames'] == 360000 and truth['duration_s'] == 360
    assert [channel['muscle'] for channel in truth['channels']] == [
        'gastrocnemius-medialis', 'gastrocnemius-lateralis', 'soleus', 'tibialis-anterior']
    cramps = [event for event in truth['events'] if event['kind'] == 'cramp']
    assert len(cramps) == 1 and cramps[0]['channels'] == ['EMG GM']
    assert cramps[0]['onset_s'] < cramps[0]['twice_rest_s'] < cramps[0]['end_s']
    assert [event['start_s'] for event in truth['events']] == sorted(event['start_s'] for event in truth['events'])


def test_odd_names_stay_json():
    name = path('odd "name"\\\n.edf')
    run('--script', 'minute', '-o', name, '--truth', path('odd.json'))
    with open(path('odd.json'), encoding='utf-8') as file:
        assert json.load(file)['file'] == name


def test_scripts_from_files():
    with open(path('own.txt'), 'w', encoding='ascii') as file:
        file.write('# mine\n 5 plm 2 uv=30\n10 cramp 20 rise=3 fall=2 muscle=GL ratio=4\n40 end\n')
    run('--script', path('own.txt'), '--channels', '2', '-o', path('own.edf'), '--truth', path('own.json'))
    with open(path('own.json'), encoding='utf-8') as file:
        truth = json.load(file)
    assert truth['duration_s'] == 40
    assert [(event['kind'], event['channels']) for event in truth['events']] == [
        ('plm', ['EMG GM', 'EMG GL']), ('cramp', ['EMG GL'])]
    # On one channel, GM, that cramp cannot be seen: it is no part of the truth.
    run('--script', path('own.txt'), '-o', path('own.edf'), '--truth', path('own.json'))
    with open(path('own.json'), encoding='utf-8') as file:
        assert [event['kind'] for event in json.load(file)['events']] == ['plm']


def test_night_has_the_asked_cramps():
    run('--script', 'night', '--hours', '1.5', '--cramps', '3', '--seed', '5', '-o', path('night.edf'),
        '--truth', path('night.json'))
    with open(path('night.json'), encoding='utf-8') as file:
        truth = json.load(file)
    assert truth['duration_s'] == 5400
    assert sum(event['kind'] == 'cramp' for event in truth['events']) == 3


def script(name, text):
    with open(path(name), 'w', encoding='ascii') as file:
        file.write(text)
    return ('--script', path(name))


def load_truth(name):
    with open(path(name), encoding='utf-8') as file:
        return json.load(file)


def test_gaps_have_no_rows():
    arguments = script('gaps.txt', '2 gap 1.5\n5 loss 4 per_minute=60\n10 end\n')
    lines = make('gaps.csv', *arguments, '--rate', '500', '--truth', path('gaps.json')).decode('ascii').splitlines()[1:]
    truth = load_truth('gaps.json')
    lost = {first + i for first, frames in truth['gaps'] for i in range(frames)}
    assert truth['gaps'][0] == [1000, 750] and len(truth['gaps']) > 1, truth['gaps']
    assert [round(float(line.split(',')[0]) * 500) for line in lines] == [i for i in range(5000) if i not in lost]
    # An EDF has all frames: the lost ones repeat the last before.
    samples = Edf(make('gaps.edf', *arguments, '--rate', '500')).signals['EMG GM']
    assert all(samples[i] == samples[i - 1] for i in lost)
    assert [round(float(line.split(',')[1]) * 10) for line in lines] == [samples[i] for i in range(5000) if i not in lost]
    assert [event['kind'] for event in truth['events']] == ['gap', 'loss']


def test_quick_clock_delivers_more():
    arguments = script('drift.txt', '60 end\n')
    lines = make('drift.csv', *arguments, '--clock-ppm', '200', '--truth', path('drift.json')).decode('ascii').splitlines()
    assert abs(float(lines[-1].split(',')[0]) - 59999 / 1000.2) < 2e-6, lines[-1]
    assert load_truth('drift.json')['clock_ppm'] == 200


def test_accelerometer_is_in_g():
    arguments = ('--script', 'minute', '--channels', '2', '--rate', '250')
    edf = Edf(make('acc.edf', *arguments, '--accelerometer', '--truth', path('acc.json')))
    assert list(edf.signals) == ['EMG GM', 'EMG GL', 'ACC X', 'ACC Y', 'ACC Z']
    assert edf.columns['dimension'][:5] == ['uV', 'uV', 'g', 'g', 'g'] and abs(edf.scale(2) - 0.001) < 1e-9
    assert load_truth('acc.json')['accelerometer'] is True
    first = [edf.signals[label][100] * 0.001 for label in ('ACC X', 'ACC Y', 'ACC Z')]
    assert abs(sum(g * g for g in first) - 1) < 0.05, first
    lines = make('acc.csv', *arguments, '--accelerometer').decode('ascii').splitlines()
    assert lines[0] == 'time_s,GM_uV,GL_uV,ACCX_g,ACCY_g,ACCZ_g', lines[0]
    assert [float(value) for value in lines[101].split(',')[3:]] == [round(g, 3) for g in first]
    # The muscles are as they are without it.
    assert {label: edf.signals[label] for label in ('EMG GM', 'EMG GL')} == Edf(make('noacc.edf', *arguments)).signals


def test_faults_are_in_the_truth():
    arguments = script('faults.txt', '5 lift 5 muscle=GL\n15 tone 5 hz=60 ratio=0.5\n25 floor 5 ratio=0.5 rise=1\n'
                       '35 rub 5 uv=80\n45 end\n')
    make('faults.edf', *arguments, '--channels', '2', '--rest-spread', '0.3', '--truth', path('faults.json'))
    truth = load_truth('faults.json')
    assert [(event['kind'], event['channels']) for event in truth['events']] == [
        ('lift', ['EMG GL']), ('tone', ['EMG GM', 'EMG GL']), ('floor', ['EMG GM', 'EMG GL']),
        ('rub', ['EMG GM', 'EMG GL'])], truth['events']
    assert truth['events'][1]['hz'] == 60 and truth['events'][1]['ratio'] == 0.5 and truth['events'][3]['uv'] == 80
    levels = [channel['rest_uv'] for channel in truth['channels']]
    assert levels[0] != levels[1] and all(1 < level < 20 for level in levels), levels


def test_nights_at_home_bring_their_sensor():
    run('--script', 'home-night', '--hours', '2', '--cramps', '2', '--seed', '6', '-o', path('home.edf'), '--truth', path('home.json'))
    truth = load_truth('home.json')
    assert truth['seed_use'] == 'development' and truth['rate_hz'] == 1000 and truth['bits'] == 10, truth
    assert sum(event['kind'] == 'cramp' for event in truth['events']) == 2
    # What is asked for stands, before or after the script's name.
    run('--channels', '1', '--rate', '200', '--script', 'home-night', '--hours', '1', '--cramps', '1', '--seed', '10006', '--bits', '8',
        '-o', path('home.edf'), '--truth', path('home.json'))
    truth = load_truth('home.json')
    assert (truth['rate_hz'], truth['bits'], len(truth['channels']), truth['seed_use']) == (200, 8, 1, 'test'), truth


def test_spliced_needs_recordings():
    out = ('--script', 'minute', '-o', path('spliced.edf'))
    assert '--recordings DIR' in run(*out, expect=64, program=SPLICED_EMG).stderr
    said = run(*out, '--recordings', path('nowhere'), expect=66, program=SPLICED_EMG).stderr
    assert said.startswith('spliced-emg: ') and 'nowhere' in said, said
    assert 'usage' in run(*out, '--recordings', path('nowhere'), expect=64).stderr
    if not RECORDINGS:
        tap.skip('no folder of recordings was given')
    run(*out, '--recordings', RECORDINGS, '--truth', path('spliced.json'), program=SPLICED_EMG)
    with open(path('spliced.edf'), 'rb') as file:
        first = file.read()
    edf = Edf(first)
    assert 'SIMULATED minute seed 1' in edf.header[88:168] and 'real pieces' in edf.columns['transducer'][0], edf.columns
    truth = load_truth('spliced.json')
    assert truth['generator'] == 'spliced-emg' and truth['simulated'] is True and truth['events'][0]['kind'] == 'cramp'
    run(*out, '--recordings', RECORDINGS, program=SPLICED_EMG)
    with open(path('spliced.edf'), 'rb') as file:
        assert file.read() == first


def test_list_and_help():
    names = [line.split()[0] for line in run('--list').stdout.splitlines()]
    assert names == ['excerpt', 'minute', 'rest', 'night', 'home-night', 'walk', 'movements'], names
    assert 'SIMULATED' in run('--help').stdout
    assert 'SIMULATED' in run('--script', 'minute', '-o', path('said.edf')).stderr


def test_bad_use_is_told():
    out = ('-o', path('bad.edf'))
    for arguments, code, word in (
            ((), 64, 'usage'),
            (('--script', 'minute'), 64, 'usage'),
            (('--script', 'minute', *out, 'more'), 64, 'usage'),
            (('--script', 'minute', *out, '--frobnicate'), 64, 'frobnicate'),
            (('--script', 'minute', *out, '--rate', '100'), 64, '200 to 2000'),
            (('--script', 'minute', *out, '--rate', 'x'), 64, 'whole number'),
            (('--script', 'minute', *out, '--seed', '-1'), 64, 'whole number'),
            (('--script', 'minute', *out, '--channels', '9'), 64, '0 to 8'),
            (('--script', 'minute', *out, '--rest-uv', 'nan'), 64, 'no number'),
            (('--script', 'minute', *out, '--mains', '55'), 64, '50 or 60'),
            (('--script', 'minute', *out, '--ecg-uv', '-1'), 64, 'heart'),
            (('--script', 'minute', *out, '--clock-ppm', '5000'), 64, 'ppm'),
            (('--script', 'minute', *out, '--bits', '24'), 64, 'bdf'),
            (('--script', 'minute', *out, '--format', 'wav'), 64, 'csv'),
            (('--script', 'minute', *out, '--start', 'noon'), 64, '--start'),
            (('--script', 'minute', *out, '--hours', '1'), 64, 'fixed'),
            (('--script', 'night', *out, '--hours', '99'), 64, '48'),
            (('--script', 'nowhere', *out), 66, '--list'),
            (('--script', 'minute', '-o', path('no/where.edf')), 73, 'No such file'),
            (('--script', 'minute', *out, '--truth', path('no/where.json')), 73, 'where.json')):
        said = run(*arguments, expect=code).stderr
        assert word in said, (arguments, said)
    with open(path('bad.txt'), 'w', encoding='ascii') as file:
        file.write('10 cramp 5 rise=9\n')
    said = run('--script', path('bad.txt'), *out, expect=65).stderr
    assert 'bad.txt:1:' in said and 'longer' in said, said


tap.main(globals())
