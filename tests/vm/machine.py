# SPDX-License-Identifier: MIT
"""A throw-away virtual machine: Debian's kernel under qemu's software emulation, the host's own file tree below a
writable layer in memory, and systemd as its first process. It runs one command as root and ends with it.

Needs qemu-system-x86, busybox-static, cpio and kernel.sh's folder. Used by test-vm.py."""

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

# What the machine boots to, and the command that it is there for. Standard output goes to the second serial port, which
# the host reads; errors and the console to the first, which is a log file.
TARGET = '''[Unit]
Requires=dbus.socket crampd-test.service
After=dbus.socket
AllowIsolate=yes
'''
SERVICE = '''[Unit]
After=dbus.socket dbus.service
Requires=dbus.service
[Service]
Type=oneshot
TimeoutStartSec=infinity
Environment=SYSTEMD_COLORS=0
StandardInput=null
StandardOutput=tty
TTYPath=/dev/ttyS1
StandardError=file:/dev/ttyS0
ExecStart={command}
ExecStopPost=/bin/systemctl poweroff --force --force
'''
# cryptomgr.notests: the kernel's self-tests of its ciphers come before there are random numbers here, fail, and take with
# them what Bluetooth needs.
COMMAND_LINE = ('console=ttyS0 panic=-1 quiet loglevel=4 cryptomgr.notests=1 mitigations=off nokaslr audit=0 apparmor=0 '
                'random.trust_cpu=on systemd.show_status=0 systemd.log_level=warning systemd.log_target=console '
                'systemd.log_color=0')


class MachineError(Exception):
    pass


class Machine:
    """folder: where RAM disk and console log are made; kernel: what kernel.sh printed; files: folder laid over the
    guest's file tree; command: absolute command line to run there."""

    def __init__(self, folder, kernel, files, command):
        self.folder = Path(folder)
        self.kernel = Path(kernel)
        self.console = self.folder / 'console.log'
        self._make_ramdisk(Path(files), command)

    def _make_ramdisk(self, files, command):
        root = self.folder / 'ramdisk'
        for name in ('bin', 'proc', 'sys', 'dev', 'tree', 'layer', 'root'):
            (root / name).mkdir(parents=True)
        shutil.copy('/bin/busybox', root / 'bin')
        shutil.copytree(self.kernel / 'modules', root / 'modules')
        shutil.copytree(files, root / 'files', symlinks=True)
        # The layer's folders are the guest's, whoever runs this here.
        units = root / 'files' / 'etc' / 'systemd' / 'system'
        units.mkdir(parents=True, exist_ok=True)
        (units / 'crampd-test.target').write_text(TARGET, encoding='utf-8')
        (units / 'crampd-test.service').write_text(SERVICE.format(command=command), encoding='utf-8')
        shutil.copy(HERE / 'init', root / 'init')
        (root / 'init').chmod(0o755)
        names = subprocess.run(['find', '.', '-print0'], cwd=root, stdout=subprocess.PIPE, check=True).stdout
        with open(self.folder / 'ramdisk.cpio', 'wb') as archive:
            subprocess.run(['cpio', '--create', '--null', '--format=newc', '--quiet', '--owner=0:0'], cwd=root, input=names,
                           stdout=archive, check=True)
        shutil.rmtree(root)

    def run(self, limit_s):
        """Yields the lines that the command prints. Raises MachineError when the machine does not end by itself."""
        qemu = subprocess.Popen(
            ['qemu-system-x86_64', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1024', '-no-reboot',
             '-nodefaults', '-display', 'none', '-serial', f'file:{self.console}', '-serial', 'stdio',
             '-device', 'virtio-rng-pci', '-kernel', self.kernel / 'vmlinuz', '-initrd', self.folder / 'ramdisk.cpio',
             '-append', COMMAND_LINE,
             '-virtfs', 'local,path=/,mount_tag=tree,security_model=none,readonly=on,multidevs=remap'],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        timer = threading.Timer(limit_s, qemu.kill)
        timer.start()
        started = time.monotonic()
        try:
            for line in qemu.stdout:
                yield line.decode(errors='replace').rstrip('\r\n')
            status = qemu.wait()
        finally:
            timer.cancel()
            qemu.kill()
            qemu.wait()
        if status != 0:
            raise MachineError(f'qemu ended with status {status} after {time.monotonic() - started:.0f} s')

    def console_tail(self, lines=80):
        if not self.console.exists():
            return ''
        return '\n'.join(self.console.read_text(errors='replace').splitlines()[-lines:])
