#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""test-vm.py BUILD GENERATOR [SCRIPT]: the whole way of a night on a machine of its own. Installs the build of folder BUILD
into a stage, makes a recording with the project's generator, boots machine.py's machine with both, and passes on what
SCRIPT (guest.py, or another beside it) prints there. If the machine dies or hangs, its console follows as comments."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import machine

HERE = Path(__file__).resolve().parent
SUPPORT = HERE.parent / 'support'
# Boot, two plays of the recording, and much patience; in the long form every family plays it.
LIMIT_S = 1740 if os.environ.get('TESTS_LONG') else 780
GUEST_FOLDER = '/opt/crampd-test'
# As the recording, but the cramp nearly as loud as the model's muscle can be.
LOUD_SCRIPT = '20 cramp 40 muscle=GM uv=190 rise=10 fall=4\n84 end\n'


class HostError(Exception):
    """Something on the host's side failed, and there is no machine to test in."""


def run(*command, **environment):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, **environment)
    if done.returncode != 0:
        raise HostError(f'{" ".join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}')
    return done.stdout.strip()


def require_prefix(build):
    options = json.loads((build / 'meson-info' / 'intro-buildoptions.json').read_text(encoding='utf-8'))
    prefix, = (option['value'] for option in options if option['name'] == 'prefix')
    if prefix != '/usr':
        raise HostError(f'the build has prefix {prefix}; units and bus policy are found below /usr only: '
                        f'meson configure {build} --prefix=/usr')


def install(build, stage):
    require_prefix(build)
    run('meson', 'install', '-C', str(build), '--no-rebuild', '--quiet', '--destdir', str(stage))
    # On Debian /lib is a link, which a folder of that name must not replace.
    if (stage / 'lib').is_dir():
        shutil.copytree(stage / 'lib', stage / 'usr' / 'lib', dirs_exist_ok=True, symlinks=True)
        shutil.rmtree(stage / 'lib')


def add_scenario(generator, stage):
    folder = stage / GUEST_FOLDER[1:]
    folder.mkdir(parents=True)
    for script in HERE.glob('guest*.py'):
        shutil.copy(script, folder)
    for module in ('privatebus.py', 'screen.py', 'tap.py'):
        shutil.copy(SUPPORT / module, folder)
    if os.environ.get('TESTS_LONG'):
        (folder / 'long').touch()
    run(generator, '--script', 'minute', '--seed', '7', '--rate', '1000', '--channels', '4',
        '-o', str(folder / 'recording.edf'), '--truth', str(folder / 'truth.json'))
    # Written for the owner's eyes alone; in the guest others read it.
    (folder / 'recording.edf').chmod(0o644)
    script = folder / 'loud.txt'
    script.write_text(LOUD_SCRIPT, encoding='ascii')
    run(generator, '--script', str(script), '--seed', '7', '--rate', '1000', '-o', str(folder / 'loud.edf'))


def comment(text):
    for line in str(text).splitlines():
        print('#', line, flush=True)


def relay(guest):
    """Prints what the guest prints. Returns whether all its cases were run and passed."""
    cases, passed = None, 0
    try:
        for line in guest.run(LIMIT_S):
            print(line, flush=True)
            if line.startswith('1..'):
                cases = int(line[3:])
            passed += line.startswith('ok ')
    except machine.MachineError as error:
        comment(error)
        return False
    return passed == cases


def main():
    build, generator = Path(sys.argv[1]), sys.argv[2]
    script = sys.argv[3] if len(sys.argv) > 3 else 'guest.py'
    with tempfile.TemporaryDirectory(prefix='crampd-vm-') as folder:
        stage = Path(folder) / 'stage'
        try:
            kernel = run('sh', str(HERE / 'kernel.sh')).splitlines()[-1]
            install(build, stage)
            add_scenario(generator, stage)
            guest = machine.Machine(folder, kernel, stage, f'/usr/bin/python3 {GUEST_FOLDER}/{script}')
        except HostError as error:
            comment(error)
            print('Bail out! no machine to test in', flush=True)
            return 1
        good = relay(guest)
        if not good:
            comment('The end of the console:')
            comment(guest.console_tail())
        return int(not good)


sys.exit(main())
