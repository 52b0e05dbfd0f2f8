# SPDX-License-Identifier: MIT
"""crampctl as a black box: run(VERB, ...) checks the exit code and that exactly the failures say why, in one line. CRAMPCTL
names the program, WRAPPER what to run it under (valgrind)."""

import os
import shlex
import subprocess

WRAPPER = shlex.split(os.environ.get('WRAPPER', ''))
CRAMPCTL = os.environ['CRAMPCTL']


def environment(**more):
    env = dict(os.environ, **{'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', 'PAGER': 'cat', **more})
    for name in ('NO_COLOR', 'SUDO_UID', 'LANGUAGE'):
        if name not in more:
            env.pop(name, None)
    return env


def run(*arguments, code=0, env=None, **options):
    done = subprocess.run([*WRAPPER, CRAMPCTL, *arguments], capture_output=True, timeout=60, env=env or environment(),
                          check=False, **options)
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == code, f'{arguments}: exit {done.returncode} instead of {code}: {out}{err}'
    # Whoever fails says why, in one line, and whoever does not keeps quiet.
    assert (err.startswith('crampctl: ') and err.count('\n') == 1) if code else err == '', (arguments, err)
    assert '\x1b' not in out + err, (arguments, out, err)
    return out if code == 0 else err


def start(*arguments, **options):
    """A verb that goes on until it is told to stop."""
    return subprocess.Popen([*WRAPPER, CRAMPCTL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=environment(), **options)
