#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What each constant of the detector does: builds the detector with one constant of tuning.h halved or doubled at a time
and runs all builds over the same simulated nights.

Usage: sweep.py EVALUATE SOURCE-FOLDER [OPTION...]
Prints one row for each build, with what differs from the detector as it is. The nights have the seeds for development,
because constants may be chosen by this table. False alarms are per 8 h; "dense" and "holds" are those of nights that are
full of movements, walks and holds and have no cramp (script movements)."""

import argparse
import concurrent.futures
import csv
import glob
import os
import re
import subprocess
import sys
import tempfile

TUNING = 'daemon/detector/tuning.h'
# The flags that matter for numbers: see the top meson.build and the detector's.
FLAGS = ['-std=gnu17', '-D_GNU_SOURCE', '-O2', '-fPIC', '-ffp-contract=off', '-fno-tree-slp-vectorize']
DEFINE = re.compile(r'^#define (TUNING_[A-Z0-9_]+) ((?:[^\\\n]|\\\n)*)$', re.MULTILINE)
NUMBER = re.compile(r'-?[0-9]+(?:\.[0-9]*)?(?:e-?[0-9]+)?u?')

# No more than this, whatever its double is: beyond the Nyquist frequency there is no band.
MOST = {'TUNING_LOWPASS_SHARE': 0.49}
# Levels over rest: what is above one is halved and doubled, because less than rest means nothing.
OVER_REST = re.compile(r'RATIO$|RATIO_MAX$|DIP_REST$|ONSET_USUAL$')
NOT_OVER_REST = {'TUNING_MAINS_RATIO_MAX'}
LEFT_OUT = {'TUNING_VERSION'}


def shown(value):
    return f'{value:.6g}'


def changed(name, text, factor):
    """The number in `text` halved or doubled, in the form that it has."""
    unsigned = text.endswith('u')
    value = float(text.rstrip('u'))
    if OVER_REST.search(name) and name not in NOT_OVER_REST and value > 1:
        new = 1 + (value - 1) * factor
    else:
        new = value * factor
    if 'SHARE' in name and value < 1 < new:
        new = 1 - (1 - value) / factor
    new = min(new, MOST.get(name, new))
    if re.fullmatch(r'[0-9]+u?', text):
        new = max(1, int(new + 0.5))
        return f'{new}u' if unsigned else str(new)
    short = shown(new)
    return short if re.search(r'[.e]', short) else short + '.0'


def points_changed(body, column, factor):
    """The table of gains with one of its columns changed: levels, or gains."""
    def pair(match):
        level, gain = match.group(1), match.group(2)
        if column == 'levels':
            level = shown(1 + (float(level) - 1) * factor)
        else:
            gain = shown(float(gain) * factor)
        return '{' + level + ', ' + gain + '}'
    joined = ' '.join(body.replace('\\\n', ' ').split())
    return re.sub(r'\{ *([-0-9.]+), *([-0-9.]+) *\}', pair, joined)


def variants(tuning):
    """Yields (name, old, new, text of tuning.h)."""
    for match in DEFINE.finditer(tuning):
        name, body = match.group(1), match.group(2)
        if name in LEFT_OUT:
            continue
        for factor in (0.5, 2):
            word = 'halved' if factor < 1 else 'doubled'
            if NUMBER.fullmatch(body.strip()):
                old = body.strip()
                new = changed(name, old, factor)
                if float(new.rstrip('u')) != float(old.rstrip('u')):
                    text = tuning[:match.start(2)] + new + tuning[match.end(2):]
                    yield name, old.rstrip('u'), new.rstrip('u'), text
            elif name == 'TUNING_GAIN_POINTS':
                for column in ('levels', 'gains'):
                    points = points_changed(body, column, factor)
                    text = tuning[:match.start(2)] + points + tuning[match.end(2):]
                    yield f'{name} ({column})', '', word, text
            else:
                sys.exit(f'{TUNING}: {name} has a form that the sweep does not know')


class Builder:
    """Builds the detector; what does not name a constant is compiled once."""

    def __init__(self, compiler, source, folder):
        self.compiler, self.source, self.folder = compiler, source, folder
        self.sources = sorted(glob.glob(os.path.join(source, 'daemon/detector/*.c')))
        headers = glob.glob(os.path.join(source, 'daemon/detector/*.h'))
        self.headers = ''.join(self.read(path) for path in headers if not path.endswith('tuning.h'))
        self.objects = {path: self.compile(path, source, os.path.join(folder, os.path.basename(path) + '.o'))
                        for path in self.sources}

    @staticmethod
    def read(path):
        with open(path, encoding='utf-8') as file:
            return file.read()

    def run(self, *arguments):
        subprocess.run([self.compiler, *FLAGS, *arguments], check=True)

    def compile(self, path, include, output):
        # The first folder is searched first, so that its tuning.h is taken.
        self.run('-I' + include, '-I' + self.source, '-c', path, '-o', output)
        return output

    def link(self, objects, output):
        self.run('-shared', '-Wl,-Bsymbolic', *objects, '-o', output, '-lm')
        return output

    def base(self):
        return self.link(self.objects.values(), os.path.join(self.folder, 'base.so'))

    def variant(self, number, name, text):
        name = name.split(' ')[0]
        folder = os.path.join(self.folder, str(number))
        os.makedirs(os.path.join(folder, os.path.dirname(TUNING)))
        with open(os.path.join(folder, TUNING), 'w', encoding='utf-8') as file:
            file.write(text)
        word = re.compile(rf'\b{name}\b')
        everywhere = word.search(self.headers) or len(word.findall(text)) > 1
        objects = dict(self.objects)
        for path in self.sources:
            if everywhere or word.search(self.read(path)):
                objects[path] = self.compile(path, folder, os.path.join(folder, os.path.basename(path) + '.o'))
        return self.link(objects.values(), os.path.join(folder, 'detector.so'))


def evaluate(program, libraries, output, *options, errors=None):
    """Rows of the figures, in order of the libraries and of the channels."""
    arguments = [f'--variant={library}' for library in libraries]
    subprocess.run([program, *arguments, '--development', '--no-rivals', '--cells=0', f'--csv={output}', *options],
                   check=True, stdout=subprocess.DEVNULL, stderr=errors)
    with open(output, newline='', encoding='utf-8') as file:
        return list(csv.DictReader(file))


def works(program, library, folder):
    """Some changes may be too much for the code: they are tried apart first."""
    try:
        evaluate(program, [library], os.path.join(folder, f'{os.path.basename(os.path.dirname(library))}.csv'),
                 '--nights=1', '--hours=0.2', '--cramps=1', '--channels=2', '--jobs=1', errors=subprocess.DEVNULL)
        return True
    except subprocess.CalledProcessError:
        return False


def share(row, kind):
    n = int(row[kind])
    return int(row[kind + '_hits']) / n if n else None


def seconds(row, name):
    return float(row[name]) if row[name] else None


def shown_progress(what, results, n):
    """The results, as they come; how many there are, on a terminal."""
    for done, result in enumerate(results, 1):
        if sys.stderr.isatty():
            sys.stderr.write(f'\r\033[K{what}: {done} of {n}' if done < n else '\r\033[K')
            sys.stderr.flush()
        yield result


COLUMNS = [
    # Title, of which nights, digits, what.
    ('strong', 'night', 3, lambda row: share(row, 'strong')),
    ('weak', 'night', 3, lambda row: share(row, 'weak')),
    ('false', 'night', 2, lambda row: float(row['false_per_8h'])),
    ('repeats', 'night', 0, lambda row: float(row['repeats'])),
    ('p50 s', 'night', 1, lambda row: seconds(row, 'latency_p50_s')),
    ('p95 s', 'night', 1, lambda row: seconds(row, 'latency_p95_s')),
    ('on s', 'night', 1, lambda row: seconds(row, 'onset_strong_p50_s')),
    ('on w', 'night', 1, lambda row: seconds(row, 'onset_weak_p50_s')),
    ('end s', 'night', 1, lambda row: seconds(row, 'end_p50_s')),
    ('dense', 'movements', 1, lambda row: float(row['false_per_8h'])),
    ('holds', 'movements', 1, lambda row: int(row['apart']) * 8 / float(row['hours'])),
]


def figures(nights, movements):
    """For each build a list of texts: the columns for one channel, then for two."""
    n = len(nights) // 2
    result = []
    for i in range(n):
        texts = []
        for channels in (0, 1):
            rows = {'night': nights[channels * n + i], 'movements': movements[channels * n + i]}
            for _, which, digits, value in COLUMNS:
                number = value(rows[which])
                texts.append('-' if number is None else f'{number:.{digits}f}')
        result.append(texts)
    return result


def print_table(labels, results):
    titles = [title for title, *_ in COLUMNS]
    width = max(len(label) for label in labels) + 1

    def line(label, texts):
        half = len(COLUMNS)
        print(label.ljust(width) + ' '.join(text.rjust(7) for text in texts[:half]) + '  |' +
              ' '.join(text.rjust(7) for text in texts[half:]))

    print('one channel'.rjust(width + 12) + 'two channels'.rjust(8 * len(COLUMNS) + 4))
    line('constant', titles + titles)
    line(labels[0], results[0])
    same = []
    for label, texts in zip(labels[1:], results[1:]):
        if texts == results[0]:
            same.append(label)
        else:
            line(label, [text if text != base else '.' for text, base in zip(texts, results[0])])
    if same:
        print('\nNothing in these figures changes with:')
        for label in same:
            print('  ' + label)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('evaluate')
    parser.add_argument('source')
    parser.add_argument('--compiler', default=os.environ.get('CC', 'gcc'))
    parser.add_argument('--only', default='', metavar='REGEX', help='constants whose names match')
    parser.add_argument('--nights', default='4', help='with one channel, and as many with two (4)')
    parser.add_argument('--cramps', default='12', help='in a night (12)')
    parser.add_argument('--hours', default='8', help='of a night (8)')
    parser.add_argument('--script', default='home-night')
    parser.add_argument('--dense-hours', default='4', help='of movements without cramps (4)')
    parser.add_argument('--jobs', type=int, default=2)
    arguments = parser.parse_args()

    with open(os.path.join(arguments.source, TUNING), encoding='utf-8') as file:
        wanted = [variant for variant in variants(file.read()) if re.search(arguments.only, variant[0])]
    program = os.path.abspath(arguments.evaluate)

    with tempfile.TemporaryDirectory(prefix='sweep-') as folder, \
            concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        builder = Builder(arguments.compiler, os.path.abspath(arguments.source), folder)
        builds = pool.map(lambda item: builder.variant(item[0], item[1][0], item[1][3]), enumerate(wanted))
        builds = list(shown_progress('built', builds, len(wanted)))
        fine = pool.map(lambda library: works(program, library, folder), builds)
        fine = list(shown_progress('tried', fine, len(wanted)))
        libraries, labels = [builder.base()], ['(as it is)']
        for (name, old, new, _), library, works_well in zip(wanted, builds, fine):
            label = f'{name.removeprefix("TUNING_")} {old}{" -> " if old else ""}{new}'
            if works_well:
                libraries.append(library)
                labels.append(label)
            else:
                print(f'{label}: the detector does not work with it')

        jobs = f'--jobs={arguments.jobs}'
        nights = evaluate(program, libraries, os.path.join(folder, 'nights.csv'), jobs, f'--script={arguments.script}',
                          f'--nights={arguments.nights}', f'--hours={arguments.hours}', f'--cramps={arguments.cramps}')
        movements = evaluate(program, libraries, os.path.join(folder, 'movements.csv'), jobs, '--script=movements',
                             '--nights=2', f'--hours={float(arguments.dense_hours) / 2}', '--cramps=0')
    print(f'{arguments.nights} x {arguments.hours} h with {arguments.cramps} SIMULATED cramps each and '
          f'{arguments.dense_hours} h of dense movements, with one channel and with two; development seeds')
    print_table(labels, figures(nights, movements))


if __name__ == '__main__':
    main()
