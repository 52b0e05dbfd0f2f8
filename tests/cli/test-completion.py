# SPDX-License-Identifier: MIT
"""Completion of crampctl: what `crampctl --complete` offers, that nothing of the help is missing from it, and the three shells
themselves: bash and zsh on a terminal, with the tab key, and fish by its own question."""

import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from crampctl import CRAMPCTL, environment, run
from fakecrampd import SENSORS, FakeCrampd
from privatebus import PrivateBus

SOURCE = Path(__file__).resolve().parents[2]
SCRIPTS = SOURCE / 'dbus/crampctl/completion'
LIMIT_S = 30
COMMON = {'--no-pager', '--language', '--help'}  # --json and --no-legend say for each verb what they do



def offered(*words):
    return [line.split('\t')[0] for line in run('--complete', *words).splitlines()]


def verbs():
    return re.findall(r'^  ([a-z]+) +[A-Z]', run('--help').split('\n\n')[2], re.M)


# --- crampctl itself ---


def test_nothing_of_the_help_is_missing():
    assert offered('') == verbs() and len(verbs()) > 20
    for verb in verbs():
        text = run(verb, '--help')
        options = set(re.findall(r'(?<![\w-])--[a-z][a-z-]*', re.split(r'\nExamples?:', text.split('\nOptions:')[1])[0].split('\n\n')[0]))
        said = offered(verb, '--')
        assert len(said) == len(set(said)) and COMMON <= set(said), (verb, said)
        # A description may speak of options of other verbs.
        begun = set(re.findall(r'^ {2,6}(?:-\w, )?(--[a-z-]+)', text, re.M)) | set(re.findall(r', (--[a-z-]+)=[A-Z]', text))
        assert set(said) == begun, (verb, set(said) ^ begun)
        assert set(said) <= options | COMMON, (verb, options)


def test_options_that_are_offered_are_known():
    """Each without anything else ends in a complaint about something else, or in a value that is missing."""
    for verb in verbs():
        options = sorted(set(offered(verb, '--')) - COMMON)
        # Sanitizers need not see them all.
        for option in options[:1] if os.environ.get('TESTS_SLOW') else options:
            done = subprocess.run([CRAMPCTL, verb, option, '--no-such-option'], capture_output=True, text=True, check=False,
                                  env=environment(DBUS_SYSTEM_BUS_ADDRESS='unix:path=/nonexistent'), timeout=60)
            assert f'{option} is not understood' not in done.stderr and f'option {option} ' not in done.stderr.replace(
                f'option {option} needs a value', ''), (verb, option, done.stderr)


def test_closed_lists():
    assert offered('edit', '--leg', '') == ['left', 'right']
    assert offered('edit', '--leg=r') == ['--leg=right']
    assert 'soleus' in offered('add', '--muscle', '') and len(offered('add', '--muscle', '')) == 9
    assert offered('status', '--language=d') == ['--language=de'] and 'en' in offered('status', '--language', '')
    assert {'csv', 'json', 'edf'} <= set(offered('export', '--format', ''))
    assert offered('guidance', 'm') == ['magnesium'] and 'quinine' in offered('guidance', '')
    assert offered('trial', 'start', 'vitamin-d') == ['vitamin-d']
    assert {'water', 'standing', 'symptom', 'list', 'magnesium'} <= set(offered('log', ''))
    assert 'swelling' in offered('log', 'symptom', 's')
    assert offered('report', '--format=') == ['--format=html', '--format=pdf'] and offered('report', '--leg', 'l') == ['left']
    with PrivateBus(), FakeCrampd():
        assert offered('record', '-o', 'x.edf', 'l') == offered('record', 'l') == ['left calf']
    assert 'sex=' in offered('profile', 'set', '') and offered('profile', 'set', 'age=3', 'sex=') == ['sex=female', 'sex=male']
    assert offered('profile', 'set', 'nonsense=') == []
    assert offered('analyze', '-u', 'm') == ['mV'] and offered('analyze', '') == [':files']
    assert offered('analyze', 'a.edf', 'b') == [':files'] and offered('export', '-o', '') == [':files']
    assert offered('detector', 'learn', 'x', '') == ['on', 'off', 'reset']
    assert offered('detector', '--json', 'learn', '--language', 'de', 'x', 'of') == ['off']
    assert offered('dance', '') == [] and offered('status', '') == [] and offered('edit', '--leg', 'left', '--', '--l') == []
    registry = (SOURCE / 'sensors/registry.c').read_text(encoding='utf-8')
    drivers = {name.replace('_driver', '').replace('_', '-') for name in re.findall(r'&(\w+_driver)', registry)}
    assert set(offered('add', '--driver', '')) == {'crampd' if name == 'open-profile' else name for name in drivers}


def test_what_crampd_knows():
    with PrivateBus(), FakeCrampd() as fake:
        assert run('--complete', 'edit', '') == 'left calf\tleft gastrocnemius-medialis, streaming\nb2\tright soleus, absent\n'
        assert offered('history', '--sensor', 'l') == ['left calf'] and offered('show', '') == ['last', 'e1', 'e2']
        assert run('--complete', 'show', 'e1').startswith('e1\t2026-11-23 02:14')
        fake.do('set', key='sensors', value=[dict(SENSORS[0], name='a\tb\x1b\n')])
        assert run('--complete', 'edit', 'a').startswith('a?b??\t')
        # A crampd that hangs costs half a second, and no more than its names.
        fake.answer('ListSensors', 'silent')
        begin = time.monotonic()
        assert offered('edit', '') == [] and time.monotonic() - begin < 10
    with PrivateBus():
        # Nothing is started for it, and nothing is said.
        assert offered('edit', '') == [] and offered('show', '') == ['last']


# --- shells ---


def shell_folder(folder):
    """A crampctl that completes like the real one, and else tells its words, each in brackets."""
    path = Path(folder) / 'crampctl'
    path.write_text(f'#!/bin/sh\nif [ "$1" = --complete ]; then exec {CRAMPCTL} "$@"; fi\n'
                    'printf "WORDS"; printf " [%s]" "$@"; echo\n', encoding='utf-8')
    path.chmod(0o755)
    return environment(PATH=f'{folder}:{os.environ["PATH"]}', TERM='dumb', HOME=str(folder), HISTFILE='')


class Terminal:
    def __init__(self, command, env, cwd):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(command[0], command, env)
        self.text = ''

    def wait(self, pattern):
        """Returns the first match, and forgets all up to its end."""
        end = time.monotonic() + LIMIT_S
        while not (found := re.search(pattern, self.text)):
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            assert ready, f'no {pattern!r} in {self.text!r}'
            self.text += os.read(self.fd, 65536).decode(errors='replace')
        self.text = self.text[found.end():]
        return found

    def type(self, text):
        os.write(self.fd, text.encode())

    def close(self):
        os.close(self.fd)
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


# A sensor may be called what a shell would run.
HOSTILE = r"""x'"`echo B`$(echo C)!1;\z\\"""

CASES = [
    ('crampctl edit le\t', '[edit] [left calf]'),
    ('crampctl edit "le\t', '[edit] [left calf]'),
    ('crampctl edit left\\ c\t --leg=r\t', '[edit] [left calf] [--leg=right]'),
    ('crampctl hist\t --sens\t le\t', '[history] [--sensor] [left calf]'),
    ('crampctl show la\t', '[show] [last]'),
    ('crampctl profile set se\tfe\t', '[profile] [set] [sex=female]'),
    ('crampctl analyze ni\t', '[analyze] [night one.edf]'),
    ('crampctl guidance q\t', '[guidance] [quinine]'),
]


def on_terminal(command, prepare):
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        (Path(folder) / 'night one.edf').write_text('', encoding='utf-8')
        terminal = Terminal(command, shell_folder(folder), folder)
        try:
            terminal.type(prepare + '; echo rea""dy\n')
            terminal.wait(r'ready\r?\n')
            fake.do('set', key='sensors', value=[SENSORS[0], dict(SENSORS[1], name=HOSTILE)])
            quoted = [(f'crampctl edit {quote}x\t', f'[edit] [{HOSTILE}]') for quote in ('', '"', "'")]
            for typed, words in CASES + quoted:
                terminal.type(typed + '\n')
                said = terminal.wait(r'WORDS ([^\r\n]*?)\s*\r?\n')[1]
                assert said == words, (typed, said)
        finally:
            terminal.close()


def test_bash():
    on_terminal(['bash', '--norc', '--noprofile', '-i'],
                f'PS1="> "; bind "set enable-bracketed-paste off"; . /usr/share/bash-completion/bash_completion; '
                f'. {SCRIPTS}/crampctl.bash')


def test_zsh():
    on_terminal(['zsh', '-f', '-i'],
                f'PS1="> "; unset zle_bracketed_paste; fpath=({SCRIPTS} $fpath); autoload -U compinit; compinit -u -D')


def test_fish():
    with PrivateBus(), FakeCrampd(), tempfile.TemporaryDirectory() as folder:
        (Path(folder) / 'night one.edf').write_text('', encoding='utf-8')
        env = dict(shell_folder(folder), XDG_CONFIG_HOME=folder, XDG_DATA_HOME=folder)

        def complete(line):
            done = subprocess.run(['fish', '--no-config', '-c', f'source {SCRIPTS}/crampctl.fish; complete -C $argv[1]', line],
                                  capture_output=True, text=True, env=env, cwd=folder, timeout=60, check=False)
            assert done.returncode == 0 and done.stderr == '', done
            return done.stdout.splitlines()
        assert complete('crampctl edit le') == ['left\\ calf\tleft gastrocnemius-medialis, streaming'] or \
            complete('crampctl edit le') == ['left calf\tleft gastrocnemius-medialis, streaming']
        assert complete('crampctl hist') == ['history\tList recorded cramps']
        assert complete('crampctl edit x --leg=r') == ['--leg=right']
        assert [line.split('\t')[0] for line in complete('crampctl show ')] == ['last', 'e1', 'e2']
        assert [line.split('\t')[0] for line in complete('crampctl profile set sex=')] == ['sex=female', 'sex=male']
        assert [line.split('\t')[0].replace('\\', '') for line in complete('crampctl analyze ni')] == ['night one.edf']


tap.main(globals())
