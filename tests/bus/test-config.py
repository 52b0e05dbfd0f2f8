# SPDX-License-Identifier: MIT
"""crampd with a configuration file: what it does with one, with a wrong one, and without the one that was named."""

import os
import shlex
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from daemon import MANAGER, ROOT, SOURCE, System
from fakeservices import FakeServices

WRAPPER = shlex.split(os.environ.get('WRAPPER', ''))


def refused(code, *arguments):
    done = subprocess.run([*WRAPPER, os.environ['CRAMPD'], *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, (done.returncode, done.stderr)
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_mistakes_end_it():
    with System() as system:
        path = system.folder / 'crampd.conf'
        path.write_text('[General]\n\nLogLevels=info\n', encoding='utf-8')
        err = refused(78, '--config', str(path))
        assert f"{path}:3: there is no key 'LogLevels' in [General]; it knows LogLevel" in err, err
        assert 'cannot be read: Is a directory' in refused(78, '--config', str(system.folder))
        path.write_bytes(b'#' * 70000)
        assert 'File too large' in refused(78, '--config', str(path))
        assert 'there is no file' in refused(66, '--config', '/nonexistent/crampd.conf')
        for arguments in (['--log-level', 'loud'], ['--adapter', 'usb0'], ['--adapter', 'hci'], ['now']):
            assert arguments[-1] in refused(64, *arguments)


def test_help_needs_no_good_file():
    with System() as system:
        path = system.folder / 'crampd.conf'
        path.write_text('nonsense', encoding='utf-8')
        done = subprocess.run([*WRAPPER, os.environ['CRAMPD'], '--config', str(path), '--help'], capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 0 and '--config FILE' in done.stdout and done.stderr == '', done


def test_sample_is_the_default():
    """Each line of the shipped file that is commented out names a key that is known and takes that value."""
    sample = (SOURCE / 'daemon/crampd.conf').read_text(encoding='utf-8')
    with System() as system:
        path = system.folder / 'crampd.conf'
        lines = [line[1:] if line.startswith('#[') or (line.startswith('#') and '=' in line) else line
                 for line in sample.splitlines()]
        keys = [line.split('=')[0] for line in lines if '=' in line and not line.startswith('#')]
        assert keys == ['LogLevel', 'StateDirectory', 'Adapters', 'File', 'Speed', 'Rate', 'Owner', 'Muscle', 'Leg', 'Name'], keys
        recording = system.folder / 'night.csv'
        recording.write_text('GM_uV\n' + '1\n2\n' * 1000, encoding='utf-8')
        text = '\n'.join(lines).replace('/var/lib/recordings/night.edf', str(recording)).replace('ann', str(os.getuid()))
        path.write_text(text, encoding='utf-8')
        with system.daemon('--config', path):
            client = system.client()
            sensors = client.sensors()
            assert [sensor[1]['name'] for sensor in sensors] == ['virtual'], sensors
            client.close()


def test_keys_hold():
    adapter = {'/org/bluez/hci0': {'org.bluez.Adapter1': {'Powered': True}}}
    bluez = {'org.bluez': {'GetManagedObjects': ('a{oa{sa{sv}}}', [adapter])}}
    with System(bluez=True) as system, FakeServices(system.bus.address, bluez):
        path = system.folder / 'crampd.conf'

        def bluetooth(*arguments):
            with system.daemon(*arguments) as daemon:
                client = system.client()

                def status():
                    return client.call(ROOT, MANAGER, 'Status', 'a{sv}', client.options())['bluetooth']
                client.wait(lambda: status() != 'no-bluez', what='bluetoothd to be known')
                said = status()
                client.close()
                return said, daemon.log()
        path.write_text('[Bluetooth]\nAdapters=hci7\n[General]\nLogLevel=warning\n', encoding='utf-8')
        assert bluetooth('--config', path) == ('no-adapter', '')
        # The command line prevails.
        said, log = bluetooth('--config', path, '--adapter', 'hci0', '--log-level', 'info')
        assert said == 'ok' and 'Sensors watched: 0.' in log, (said, log)


tap.main(globals())
