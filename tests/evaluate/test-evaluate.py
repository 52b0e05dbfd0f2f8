#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The short form of the evaluation: a few hours instead of a hundred nights. What it finds is noted, not judged; judged
is that it counts the same however it is run, and that curve and sweep come out of it."""

import csv
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))
import tap  # noqa: E402

EVALUATE = os.environ['EVALUATE']
FOLDER = tempfile.TemporaryDirectory(prefix='test-evaluate-')
SHORT = ['--nights=2', '--hours=0.4', '--cramps=2', '--rate=200', '--cells=0', '--development']


def path(name):
    return os.path.join(FOLDER.name, name)


def run(*arguments, expect=0):
    result = subprocess.run([EVALUATE, *arguments], capture_output=True, text=True, timeout=600)
    assert result.returncode == expect, (arguments, result.returncode, result.stderr)
    return result


def rows(name):
    with open(path(name), newline='') as file:
        return list(csv.DictReader(file))


def test_figures():
    output = run(*SHORT, f'--csv={path("short.csv")}').stdout
    tap.note(output)
    assert 'SIMULATED' in output
    figures = rows('short.csv')
    detectors = {row['detector'] for row in figures}
    assert len(detectors) == 7, detectors
    for row in figures:
        assert int(row['strong']) + int(row['weak']) == 4 and float(row['hours']) == 0.8, row
        assert int(row['strong_hits']) <= int(row['strong']) and int(row['weak_hits']) <= int(row['weak']), row
        causes = {name: int(value) for name, value in row.items()
                  if name.startswith('false_') and not name.startswith('false_per')}
        assert sum(causes.values()) == int(row['false']) + int(row['apart']), row
        assert sum(causes.get(f'false_{name}', 0) for name in ('hold', 'stand')) == int(row['apart']), row
    for channels in ('1', '2'):
        for detector in detectors - ({'ratio and hold, alone'} if channels == '1' else set()):
            usual = [row for row in figures
                     if row['detector'] == detector and row['channels'] == channels and row['usual'] == '1']
            assert len(usual) == 1, (detector, channels)
    found = sum(int(row['strong_hits']) for row in figures if row['detector'] == 'crampd')
    strong = sum(int(row['strong']) for row in figures if row['detector'] == 'crampd')
    assert strong > 0 and found == strong, (found, strong)


def test_jobs_make_no_difference():
    run(*SHORT, '--jobs=1', f'--csv={path("alone.csv")}')
    run(*SHORT, '--jobs=3', f'--csv={path("three.csv")}')
    with open(path('short.csv'), 'rb') as one, open(path('alone.csv'), 'rb') as two, open(path('three.csv'), 'rb') as three:
        assert one.read() == two.read() == three.read()


def test_seeds_are_apart():
    quick = ['--nights=1', '--hours=0.1', '--cramps=0', '--rate=200', '--cells=0', '--no-rivals']

    def seeds(*arguments):
        return {int(seed) for pair in re.findall(r'seeds (\d+) to (\d+)', run(*quick, *arguments).stdout) for seed in pair}
    assert all(10000 < seed < 20000 for seed in seeds())
    assert all(0 < seed < 10000 for seed in seeds('--development'))
    assert seeds('--seed=77', '--channels=1') == {77}


def test_sensors():
    output = run('--nights=0', '--cells=1', '--hours=0.3', '--cramps=2', f'--csv={path("cells.csv")}').stdout
    assert 'sensitivity lost with 8 bits' in output
    cells = [(row['rate_hz'], row['bits'], row['channels']) for row in rows('cells.csv')]
    assert len(set(cells)) == len(cells) == 11
    assert {row['strong'] for row in rows('cells.csv') if row['channels'] == '1'} == {rows('cells.csv')[0]['strong']}


def test_second_sensor():
    output = run('--nights=1', '--hours=0.5', '--cramps=3', '--rate=200', '--cells=0', '--development', '--no-rivals',
                 '--second-sensor', f'--csv={path("pair.csv")}').stdout
    tap.note(output)
    figures = {row['detector']: row for row in rows('pair.csv')}
    assert len(figures) == 4, figures.keys()
    assert {row['channels'] for row in figures.values()} == {'2'}

    # Whoever hears the other tells sooner.
    together, apart = (figures[name] for name in ('crampd, two sensors', 'crampd, two sensors, deaf to each other'))
    assert float(together['latency_p50_s']) < float(apart['latency_p50_s']), (together, apart)
    assert int(together['strong_hits']) >= int(apart['strong_hits']) > 0, (together, apart)


def test_real_pieces():
    if not os.environ.get('RECORDINGS'):
        tap.skip('no -Drecordings')
    output = run('--nights=1', '--hours=0.5', '--cramps=2', '--rate=500', '--cells=0', '--development', '--no-rivals',
                 f'--recordings={os.environ["RECORDINGS"]}', f'--csv={path("pieces.csv")}').stdout
    tap.note(output)
    assert 'real pieces' in output
    for row in rows('pieces.csv'):
        assert int(row['strong']) + int(row['weak']) == 2, row


def test_bars_are_told():
    # In minutes without cramps no sensitivity is reached; on one channel holds are taken for cramps, and listed.
    run('--nights=1', '--hours=0.1', '--cramps=0', '--rate=200', '--cells=0', '--no-rivals', '--bars', expect=1)
    output = run('--script=movements', '--nights=1', '--hours=1', '--cramps=0', '--channels=1', '--cells=0', '--no-rivals',
                 '--development', '--list', f'--csv={path("list.csv")}').stdout
    row = rows('list.csv')[0]
    assert len(re.findall(r'^seed 1, 1 x .*: false alarm at', output, re.MULTILINE)) == int(row['false']) + int(row['apart'])
    assert len(re.findall(r'^seed 1, 1 x .*, hold$', output, re.MULTILINE)) == int(row['apart'])


def test_mistakes():
    run('--nights', 'many', expect=64)
    run('--hours=0', expect=64)
    run('left-over', expect=64)
    run('--variant=/nonexistent.so', expect=66)
    run(f'--csv={path("none/at.csv")}', expect=73)
    assert '/nonexistent' in run(*SHORT, '--recordings=/nonexistent', expect=70).stderr
    assert 'no script' in run(*SHORT, '--script=nonsense', expect=70).stderr


def test_curve():
    picture = path('curve.svg')
    subprocess.run([sys.executable, os.path.join(HERE, 'curve.py'), path('short.csv'), picture], check=True, timeout=60)
    text = [element.text for element in ElementTree.parse(picture).iter('{http://www.w3.org/2000/svg}text')]
    for row in rows('short.csv'):
        assert row['detector'] in text
    assert any('1 channel' in line for line in text) and any('2 channels' in line for line in text)
    nothing = subprocess.run([sys.executable, os.path.join(HERE, 'curve.py'), path('cells.csv'), picture],
                             capture_output=True, text=True, timeout=60)
    assert nothing.returncode != 0 and 'no figures' in nothing.stderr


def test_sweep():
    result = subprocess.run(
        [sys.executable, os.path.join(HERE, 'sweep.py'), EVALUATE, os.path.join(HERE, '..', '..'), '--only=^TUNING_ALERT_S$',
         '--nights=1', '--hours=0.4', '--cramps=3', '--dense-hours=0.2'],
        capture_output=True, text=True, timeout=600, check=True)
    tap.note(result.stdout)
    lines = result.stdout.splitlines()
    base = next(line for line in lines if line.startswith('(as it is)')).split()
    halved = next(line for line in lines if re.match(r'ALERT_S \S+ -> ', line)).split()
    # Less evidence, an earlier alert.
    assert float(halved[4 + 4]) < float(base[3 + 4]), (base, halved)


def test_every_constant_is_swept():
    sys.path.insert(0, HERE)
    import sweep
    with open(os.path.join(HERE, '..', '..', sweep.TUNING), encoding='utf-8') as file:
        text = file.read()
    names = set(re.findall(r'^#define (TUNING_\w+)', text, re.MULTILINE)) - sweep.LEFT_OUT
    swept = list(sweep.variants(text))
    assert {name.split(' ')[0] for name, *_ in swept} == names
    for name, old, new, changed in swept:
        assert changed != text, (name, old, new)
        assert sorted(re.findall(r'^#define (TUNING_\w+)', changed, re.MULTILINE)) == sorted(names | sweep.LEFT_OUT), name
        if 'SHARE' in name and float(old) <= 1:
            assert float(new) <= 1, (name, old, new)
    by_name = {(name, old): [] for name, old, *_ in swept}
    for name, old, new, _ in swept:
        by_name[name, old].append(new)
    assert all(len(news) == 2 or old in ('1', '1u') for (_, old), news in by_name.items()), by_name


tap.main(globals())
