# SPDX-License-Identifier: MIT
"""A child process that speaks in lines: JSON objects with an "event", after a first line READY. Waits are for lines and
have limits; nothing sleeps. Used by tests that run the mock of bluetoothd or the link harness."""

import json
import os
import select
import signal
import subprocess
import time

from privatebus import die_with_parent

# valgrind and sanitizers on a loaded machine; a limit is only ever reached by a test that fails.
LIMIT_S = 60


class LineProcess:
    def __init__(self, command, env=None):
        self.command = command
        self.env = env
        self.process = None
        self.events = []  # all so far
        self._rest = b''
        self._next = 0  # the first that no wait has passed

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                                        env=self.env, preexec_fn=die_with_parent)
        os.set_blocking(self.process.stdout.fileno(), False)
        try:
            self.wait('ready')
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.kill()
        else:
            self.end()

    def send(self, line):
        self.process.stdin.write(line.encode() + b'\n')

    def read(self, limit_s):
        """Takes in what the process has said; returns False when nothing came within the limit, or it ended."""
        ready, _, _ = select.select([self.process.stdout], [], [], max(0, limit_s))
        if not ready:
            return False
        data = self.process.stdout.read(1 << 16)
        if not data:
            return False
        *lines, self._rest = (self._rest + data).split(b'\n')
        for line in lines:
            self.events.append({'event': 'ready'} if line == b'READY' else json.loads(line))
        return True

    def wait(self, event, limit_s=LIMIT_S, **wanted):
        """Returns the next event of that kind with these members, and passes over all before it. A member may be
        given as a function that says whether its value will do."""
        end = time.monotonic() + limit_s
        while True:
            while self._next < len(self.events):
                found = self.events[self._next]
                self._next += 1
                if matches(found, event, wanted):
                    return found
            if not self.read(end - time.monotonic()):
                tail = '\n'.join(map(str, self.events[-25:]))
                raise AssertionError(f'{os.path.basename(self.command[-1])}: no {event} {wanted}; last was:\n{tail}')

    def seen(self, event, **wanted):
        """All events so far of that kind with these members, whether waited for or not."""
        while self.read(0):
            pass
        return [found for found in self.events if matches(found, event, wanted)]

    def end(self, limit_s=LIMIT_S):
        """Ends its input, and expects it to exit well."""
        self.process.stdin.close()
        while self.read(limit_s):
            pass
        status = self.process.wait(timeout=limit_s)
        self.process.stdout.close()
        assert status == 0, f'{self.command[0]}: exit status {status}'

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            stream.close()


def matches(found, event, wanted):
    if found['event'] != event:
        return False
    return all(value(found.get(name)) if callable(value) else found.get(name) == value
               for name, value in wanted.items())
