# SPDX-License-Identifier: MIT
"""A process of a test's own that does on a bus what the test tells it, a line of JSON each way. The test's end of it; the
other end is a file that reads commands from its standard input. Used by fakecrampd.py and fakedesktop.py."""

import json
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
