# SPDX-License-Identifier: MIT
"""A process of a test's own that does on a bus what the test tells it, a line of JSON each way: both ends of the line.
Used by fakecrampd.py and fakedesktop.py. The process needs python3-gi."""

import json
import os
import select
import subprocess
import sys


class Puppet:
    """Starts the process, and waits for each answer. `program`: the file to run."""

    program = None

    def __init__(self):
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        from privatebus import die_with_parent
        self.process = subprocess.Popen([sys.executable, self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, preexec_fn=die_with_parent)
        self._answer()

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
        self.process = None

    def _answer(self):
        ready, _, _ = select.select([self.process.stdout], [], [], 20)
        line = self.process.stdout.readline() if ready else ''
        if not line:
            raise RuntimeError(f'{self.program} does not answer')
        return json.loads(line)

    def do(self, command, **arguments):
        self.process.stdin.write(json.dumps({'do': command, **arguments}) + '\n')
        self.process.stdin.flush()
        return self._answer()


def obey(actor, flush):
    """In the process: does what the test tells it, by the methods do_NAME of `actor`, until the test is gone. `flush`
    sends what these left unsent, before the test has its answer."""
    from gi.repository import GLib

    def command(source, condition):
        line = sys.stdin.readline()
        if not line:
            os._exit(0)
        order = json.loads(line)
        answer = getattr(actor, 'do_' + order['do'])(order)
        flush()
        print(json.dumps(answer), flush=True)
        return True

    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, command)
    print('"ready"', flush=True)
    GLib.MainLoop().run()
