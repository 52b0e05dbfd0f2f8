# SPDX-License-Identifier: MIT
"""The man pages: well formed, and complete both ways. Every verb, option, key, method, signal and error that a program knows is
in its page, and none is that it does not know."""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from crampctl import environment, run

SOURCE = Path(__file__).resolve().parents[2]
PAGES = {name: (SOURCE / name).read_text(encoding='utf-8') for name in (
    'dbus/crampctl/crampctl.1', 'daemon/crampd.8', 'daemon/crampd.conf.5', 'dbus/notify/cramp-notify.1', 'dbus/org.crampd1.7')}


def sections(text, level):
    """{heading: text} of .Sh or .Ss."""
    parts = re.split(rf'^\.{level} (.*)$', text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def items_options(text):
    """The long options that list items are about."""
    return {f'--{name}' for line in re.findall(r'^\.It (Fl .*)$', text, re.M) for name in re.findall(r'Fl -([a-z][a-z-]*)', line)}


def help_of(program, **more):
    return subprocess.run([os.environ[program], '--help'], capture_output=True, text=True, env=environment(**more), timeout=60,
                          check=True).stdout


def same(page, program, what):
    assert page == program, f'{what}: only in the page: {sorted(page - program)}; only in the program: {sorted(program - page)}'


def test_well_formed():
    done = subprocess.run(['mandoc', '-Tlint', '-W', 'warning', *[SOURCE / name for name in PAGES]], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0 and done.stdout == '', done.stdout


def test_crampctl():
    page = sections(PAGES['dbus/crampctl/crampctl.1'], 'Sh')
    verbs = sections(page['VERBS'], 'Ss')
    same(set(verbs), {line.split('\t')[0] for line in run('--complete', '').splitlines()}, 'verbs')
    common = items_options(page['OPTIONS'])
    same(common, {line.split('\t')[0] for line in run('--complete', '--').splitlines()}, 'options of crampctl')
    for verb, text in verbs.items():
        known = {line.split('\t')[0] for line in run('--complete', verb, '--').splitlines()}
        same(items_options(text) - common, known - common, f'options of {verb}')
        # Literal words of the usage lines: subverbs, verdicts.
        usage = run(verb, '--help').split('\n\n', maxsplit=1)[0]
        words = {word for part in re.sub(r'\S*=\S*|\[OPTION\.\.\.\]|Usage:|crampctl', '', usage).split()
                 for word in re.split(r'[|\[\]]', part) if re.fullmatch(r'[a-z][a-z-]*', word)}
        said = set(re.findall(r'\bCm ([a-z-]+)', text))
        assert words <= said, (verb, words - said)
        # The examples are those of the help.
        for example in run(verb, '--help').split('\nExamples:\n')[1].rstrip('\n').split('\n'):
            assert example.strip() in text.replace('\\e', '\\'), (verb, example)


def test_help_is_in_the_users_language():
    """The same usage, options and examples; every sentence another."""
    german = environment(LANGUAGE='de')
    for verb in ['', *(line.split('\t')[0] for line in run('--complete', '').splitlines())]:
        words = [verb, '--help'] if verb else ['--help']
        english, other = run(*words), run(*words, env=german)
        parts, others = english.split('\n\n'), other.split('\n\n')
        assert len(parts) == len(others), (verb, other)
        assert others[0].replace('Aufruf: ', 'Usage: ').replace('\n        ', '\n       ') == parts[0], other
        for pattern in (r'^ {1,6}-\S+(?:, -\S+)*', r'^  (?:sudo )?crampctl.*', r'^  \w+(?= )'):
            assert re.findall(pattern, english, re.M) == re.findall(pattern, other, re.M), (verb, pattern, other)
        for part, translated in zip(parts[1:], others[1:]):
            assert not part[0].isalnum() or part.split('\n')[0] != translated.split('\n')[0], (verb, part)
        # What can be completed comes from the help, in any language.
        if verb in ('trial', 'export'):
            complete = [[line.split('\t')[0] for line in run('--complete', verb, word, env=env).splitlines()]
                        for word in ('--', '') for env in (environment(), german)]
            assert complete[0] == complete[1] and complete[2] == complete[3], (verb, complete)
        for description in re.findall(r'^ {6}-.{18} (.*)', english, re.M):
            assert not re.search(f'^ {{6}}-.{{18}} {re.escape(description)}$', other, re.M), (verb, description)
        assert all(len(line) <= 100 for line in other.split('\n') if not line.startswith('  ') or line.startswith(' ' * 25)), other


def test_crampd():
    page, said = PAGES['daemon/crampd.8'], help_of('CRAMPD')
    same(items_options(sections(page, 'Sh')['OPTIONS']), set(re.findall(r'(?:^  |, )(--[a-z-]+)', said, re.M)), 'options')
    keys = set(re.findall(r'^ {8}(\w+)=', said, re.M))
    assert len(keys) == 6
    same(set(re.findall(r'^\.It (\w+) Ns =', page, re.M)), keys, 'keys of --virtual')


def test_cramp_notify():
    page, said = PAGES['dbus/notify/cramp-notify.1'], help_of('CRAMP_NOTIFY')
    same(items_options(sections(page, 'Sh')['OPTIONS']), set(re.findall(r'^ {2,6}(?:-h, )?(--[a-z-]+)', said, re.M)), 'options')
    german = help_of('CRAMP_NOTIFY', LANGUAGE='de')
    for pattern in (r'^ {2,6}-\S+(?:, -\S+)*', r'^  cramp-notify.*'):
        assert re.findall(pattern, said, re.M) == re.findall(pattern, german, re.M), (pattern, german)
    for english in re.split(r'\n+ *(?:-.{20})? *', said.split('\nExamples:')[0]):
        assert len(english) < 30 or english not in german, (english, german)


def test_crampd_conf():
    page, sample = PAGES['daemon/crampd.conf.5'], (SOURCE / 'daemon/crampd.conf').read_text(encoding='utf-8')
    for section in ('General', 'Bluetooth', 'VirtualSensor'):
        begun = re.search(rf'^#?\[{section}\]\n(.*?)(?=^#?\[|\Z)', sample, re.M | re.S)[1]
        same(set(re.findall(r'^\.It Cm (\w+)', sections(page, 'Sh')[section.upper()], re.M)),
             set(re.findall(r'^#(\w+)=', begun, re.M)), section)


def signatures(kind, element):
    if kind == 'property':
        return {f'{element.get("name")} {element.get("type")}'}
    ways = {'in': [], 'out': []}
    for argument in element.findall('arg'):
        ways[argument.get('direction', 'in')].append(f'{argument.get("type")} {argument.get("name")}')
    out = f' \\(-> {", ".join(ways["out"])}' if ways['out'] else ''
    return {f'{element.get("name")}({", ".join(ways["in"])}){out}'}


def test_interfaces():
    page = PAGES['dbus/org.crampd1.7']
    described = sections(sections(page, 'Sh')['INTERFACES'], 'Ss')
    errors = set()
    for path in SOURCE.glob('dbus/org.crampd1.*.xml'):
        text = path.read_text(encoding='utf-8')
        errors |= set(re.findall(r'org\.crampd1\.Error\.[A-Z]\w+', text))
        for interface in ElementTree.fromstring(text).findall('interface'):
            known = set().union(*[signatures(kind, element) for kind in ('method', 'signal', 'property')
                                  for element in interface.findall(kind)])
            body = described.pop(interface.get('name'))
            same(set(re.findall(r'^\.It Li "(.*)"$', body, re.M)), known, interface.get('name'))
    assert not described, described
    same(set(re.findall(r'^\.It Li (org\.crampd1\.Error\.\w+)$', page, re.M)), errors, 'errors')


tap.main(globals())
