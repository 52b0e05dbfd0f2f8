# SPDX-License-Identifier: MIT
"""Long listings of crampctl on a terminal: they go through $PAGER, and nothing else does."""

import os
import pty
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from crampctl import CRAMPCTL, WRAPPER, environment, run
from fakecrampd import FakeCrampd
from privatebus import PrivateBus

MARK = 'sed "s/^/paged: /"'
LISTINGS = (['history', '--list'], ['history', '--csv'], ['history', '--json'], ['history', '--missed'], ['sensors'], ['night', '--since=2026-11-01'], ['guidance'],
            ['guidance', '--review'], ['nutrients'], ['log', 'list'], ['trial', 'show'])


def on_terminal(*arguments, **more):
    """What is shown, and the exit code."""
    # Wide enough for all columns.
    env = environment(**{'TERM': 'xterm', 'COLUMNS': '200', **more})
    for name in ('PAGER', 'LESS'):
        if name not in more:
            env.pop(name, None)
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe((WRAPPER or [CRAMPCTL])[0], [*WRAPPER, CRAMPCTL, *arguments], env)
    out = b''
    while True:
        try:
            data = os.read(fd, 65536)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        out += data
    os.close(fd)
    return out.decode().replace('\r\n', '\n'), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_listings_are_paged():
    with PrivateBus(), FakeCrampd():
        for arguments in LISTINGS:
            out, code = on_terminal(*arguments, PAGER=MARK)
            assert code == 0 and out and all(line.startswith('paged: ') for line in out.splitlines()), (arguments, out)


def test_only_if_wanted():
    with PrivateBus(), FakeCrampd():
        whole = run('history', '--list')
        for arguments, env in ((['history', '--list', '--no-pager'], {'PAGER': MARK}), (['--no-pager', 'history', '--list'], {'PAGER': MARK}),
                               (['history', '--list'], {'PAGER': ''}), (['history', '--list'], {'PAGER': 'cat'}),
                               (['history', '--list'], {'PAGER': MARK, 'TERM': 'dumb'})):
            assert on_terminal(*arguments, **env) == (whole, 0), (arguments, env)
        # Not on a terminal.
        assert run('history', '--list', env=environment(PAGER=MARK, TERM='xterm')) == whole
        # Not a listing.
        for arguments in (['status'], ['muscles'], ['history'], ['history', '--help'], ['annotate', 'e1', 'confirmed']):
            out, code = on_terminal(*arguments, PAGER=MARK)
            assert code == 0 and 'paged' not in out, out


def test_lent_rights_run_no_commands():
    """Who may run crampctl by sudo, and nothing else, must not get a shell from its pager."""
    with PrivateBus(), FakeCrampd(), tempfile.TemporaryDirectory() as folder:
        less = Path(folder) / 'less'
        less.write_text('#!/bin/sh\ncat >/dev/null\necho "secure: $LESSSECURE"\n', encoding='utf-8')
        less.chmod(0o755)
        path = f'{folder}:{os.environ["PATH"]}'
        for name in ('SUDO_UID', 'DOAS_USER', 'PKEXEC_UID'):
            out, code = on_terminal('history', '--list', PATH=path, PAGER='echo a shell', LESSSECURE='', **{name: '1000'})
            assert (out, code) == ('secure: 1\n', 0), (name, out)
        assert on_terminal('history', '--list', PATH=path, LESSSECURE='')[0] == 'secure: \n'


def test_colour_goes_through():
    with PrivateBus(), FakeCrampd():
        assert '\x1b[' in on_terminal('guidance', PAGER=MARK)[0]
        out = on_terminal('guidance', PAGER=MARK, NO_COLOR='1')[0]
        assert '\x1b' not in out and 'paged: ' in out


def test_without_any_pager():
    with PrivateBus(), FakeCrampd():
        whole = run('history', '--list')
        assert on_terminal('history', '--list', PATH='/nonexistent') == (whole, 0)
        # A command that does not exist says so, and takes nothing else down.
        assert on_terminal('history', '--list', PAGER='/nonexistent/pager')[1] in (0, -13)


def test_errors_stay_out_and_keep_their_code():
    with PrivateBus():
        out, code = on_terminal('history', PAGER=MARK)
        assert code == 69 and out.startswith('crampctl: '), (code, out)


tap.main(globals())
