# SPDX-License-Identifier: MIT
"""A message bus of a test's own, in place of the system bus:

    with PrivateBus() as bus:
        ...     # DBUS_SYSTEM_BUS_ADDRESS points at it, here and in child processes

Needs dbus-daemon. Used by the tests of the bus and of the command line."""

import ctypes
import os
import select
import shutil
import signal
import subprocess
import tempfile
from xml.sax.saxutils import escape

# Anybody may own any name and talk to anybody.
POLICY_OPEN = '''
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="method_return"/>
    <allow send_type="error"/>
    <allow send_type="signal"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
  </policy>'''

# The rules that a distribution's system bus begins with: no names and no calls, unless a policy file allows them.
POLICY_SYSTEM = '''
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>'''

PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl


def die_with_parent():
    """For preexec_fn: the child does not outlive a test that was killed."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class PrivateBus:
    """policy: XML of the first rules; includes: policy files that are read after them; service_dirs: folders with
    activation files (the bus starts such services itself, by their Exec line); variable: tells the address to child
    processes."""

    def __init__(self, policy=POLICY_OPEN, includes=(), service_dirs=(), variable='DBUS_SYSTEM_BUS_ADDRESS'):
        self.variable = variable
        self.policy = policy
        self.includes = [os.path.abspath(path) for path in includes]
        self.service_dirs = [os.path.abspath(path) for path in service_dirs]
        self.address = None
        self.process = None
        self._folder = None
        self._old_address = None

    def __enter__(self):
        self._folder = tempfile.mkdtemp(prefix='bus-')
        # Tests may connect as other users.
        os.chmod(self._folder, 0o755)
        try:
            self._start()
        except BaseException:
            self._clean()
            raise
        self._old_address = os.environ.get(self.variable)
        os.environ[self.variable] = self.address
        return self

    def __exit__(self, *_):
        if self._old_address is None:
            os.environ.pop(self.variable, None)
        else:
            os.environ[self.variable] = self._old_address
        self._clean()

    def _write_config(self):
        path = os.path.join(self._folder, 'bus.conf')
        lines = ['<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"',
                 '  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">', '<busconfig>', '  <type>custom</type>',
                 f'  <listen>unix:path={escape(self._folder)}/socket</listen>', '  <auth>EXTERNAL</auth>']
        lines += [f'  <servicedir>{escape(path)}</servicedir>' for path in self.service_dirs]
        lines += [self.policy]
        lines += [f'  <include>{escape(path)}</include>' for path in self.includes]
        lines += ['</busconfig>']
        with open(path, 'w', encoding='utf-8') as file:
            file.write('\n'.join(lines) + '\n')
        return path

    def _start(self):
        self.process = subprocess.Popen(
            ['dbus-daemon', f'--config-file={self._write_config()}', '--nofork', '--nopidfile', '--nosyslog',
             '--print-address=1'],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        # The address is printed when the bus listens.
        ready, _, _ = select.select([self.process.stdout], [], [], 20)
        self.address = self.process.stdout.readline().strip() if ready else None
        if not self.address:
            raise RuntimeError('dbus-daemon did not start')

    def pause(self):
        """The bus stands still, until resume()."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """The bus goes away, and all connections break."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _clean(self):
        self.stop()
        if self.process and self.process.stdout:
            self.process.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)
