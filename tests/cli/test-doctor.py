# SPDX-License-Identifier: MIT
"""crampctl doctor as a black box: private buses, a fake crampd, fake services around it and a folder in place of the system's
files. All is well first; then each check fails once, and each says what to do about it."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from crampctl import CRAMPCTL, WRAPPER, environment, run
from fakecrampd import SENSORS, FakeCrampd
from fakeservices import FakeServices
from privatebus import PrivateBus

CHECKS = ['bus', 'account', 'service', 'policy', 'caller', 'database', 'clock', 'bluetoothd', 'adapter', 'rfkill', 'sensors',
          'notifications', 'agent']
UNIT = '/org/freedesktop/systemd1/unit/crampd_2eservice'
AGENT = 'org.crampd1.Notify'


def systemd(load='loaded', active='active', enabled='enabled'):
    return {'LoadUnit': ('o', [UNIT]), 'Get': {'LoadState': load, 'ActiveState': active, 'UnitFileState': enabled}}


def bluez(*powered):
    adapters = {f'/org/bluez/hci{i}': {'org.bluez.Adapter1': {'Powered': on, 'Name': 'box'}, 'org.bluez.GattManager1': {}}
                for i, on in enumerate(powered)}
    return {'GetManagedObjects': ('a{oa{sa{sv}}}', [{'/org/bluez': {'org.bluez.AgentManager1': {}}, **adapters}])}


def notifications(*capabilities):
    return {'GetServerInformation': ('ssss', ['dunst', 'dunst', '1.9', '1.2']), 'GetCapabilities': ('as', [list(capabilities)])}


SYSTEM = {'org.freedesktop.systemd1': systemd(), 'org.bluez': bluez(False, True),
          'org.freedesktop.timedate1': {'Get': {'NTPSynchronized': True, 'Timezone': 'Europe/Berlin'}}}
SESSION = {'org.freedesktop.Notifications': notifications('actions', 'body', 'sound'), AGENT: {}}


def files_write(root, account=True, policy=True, soft='0', hard='0'):
    def write(path, text):
        path = os.path.join(root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
    write('etc/passwd', 'root:x:0:0::/root:/bin/sh\n' + ('crampd:x:999:999::/:/usr/sbin/nologin\n' if account else ''))
    if policy:
        write('etc/dbus-1/system.d/org.crampd1.conf', '<busconfig/>\n')
    for number, kind in enumerate(('wlan', 'bluetooth')):
        folder = f'sys/class/rfkill/rfkill{number}'
        write(f'{folder}/type', kind + '\n')
        write(f'{folder}/soft', (soft if kind == 'bluetooth' else '1') + '\n')
        write(f'{folder}/hard', hard + '\n')
    write('bin/bluetoothctl', '#!/bin/sh\necho bluetoothctl: 5.99\n')
    os.chmod(os.path.join(root, 'bin/bluetoothctl'), 0o755)


def doctor(root, *options, session='', display=':0'):
    env = environment(DBUS_SESSION_BUS_ADDRESS=session, DISPLAY=display, PATH=f'{root}/bin:' + os.environ['PATH'])
    for name in ('XDG_RUNTIME_DIR', 'WAYLAND_DISPLAY'):
        env.pop(name, None)
    done = subprocess.run([*WRAPPER, CRAMPCTL, 'doctor', '--root', root, *options], capture_output=True, timeout=60, env=env,
                          check=False)
    assert done.stderr == b'', done.stderr
    return done.returncode, done.stdout.decode()


@contextlib.contextmanager
def surroundings(system=None, session=None, crampd=True, **files):
    """Yields a function that runs doctor and gives its exit code and its findings by check, and the fake crampd."""
    with contextlib.ExitStack() as stack:
        root = stack.enter_context(tempfile.TemporaryDirectory())
        files_write(root, **files)
        desktop = stack.enter_context(PrivateBus())
        bus = stack.enter_context(PrivateBus())
        stack.enter_context(FakeServices(bus.address, SYSTEM if system is None else system))
        stack.enter_context(FakeServices(desktop.address, SESSION if session is None else session))
        fake = stack.enter_context(FakeCrampd()) if crampd else None
        if fake:
            fake.do('set', key='sensors', value=SENSORS[:1])

        def ask(*options, **more):
            code, out = doctor(root, '--json', *options, **{'session': desktop.address, **more})
            findings = {}
            for line in out.splitlines():
                finding = json.loads(line)
                assert list(finding) == ['check', 'result', 'text', 'remedy'], finding
                assert finding['text'].endswith('.') and (finding['result'] == 'ok') == (finding['remedy'] is None), finding
                findings.setdefault(finding['check'], []).append(finding)
            assert list(findings) == CHECKS, list(findings)
            return code, findings
        yield ask, fake


def expect(findings, check, result, *words):
    """The one finding of this check."""
    (finding,) = findings[check]
    assert finding['result'] == result, finding
    for word in words:
        assert word in finding['text'] + ' ' + (finding['remedy'] or ''), (word, finding)


def without(services, name):
    return {key: value for key, value in services.items() if key != name}


def test_all_is_well():
    with surroundings() as (ask, _):
        code, findings = ask()
        assert code == 0, findings
        for check in CHECKS:
            expect(findings, check, 'ok')
        expect(findings, 'adapter', 'ok', 'hci1')
        expect(findings, 'bluetoothd', 'ok', 'bluetoothd 5.99 ')
        expect(findings, 'clock', 'ok', 'Europe/Berlin')
        expect(findings, 'sensors', 'ok', 'left calf', '87%')


def test_people():
    with tempfile.TemporaryDirectory() as root, PrivateBus(), FakeCrampd() as fake:
        fake.do('set', key='sensors', value=[dict(SENSORS[0], name='calf\x1b[31m')])
        files_write(root, soft='1')
        code, out = doctor(root)
        lines = out.splitlines()
        assert code == 69 and '\x1b' not in out and 'calf?[31m' in out, out
        assert [line.split()[1] for line in lines[:len(CHECKS)]] == CHECKS, out
        assert {line.split()[0] for line in lines[:len(CHECKS)]} == {'ok', 'failed', 'unknown'}, out
        assert 'sudo rfkill unblock bluetooth' in out
        assert lines[-1].startswith('2 failed, 0 warnings; '), lines[-1]
        assert doctor(root, '--no-legend')[1].splitlines() == lines[:len(CHECKS)]


def test_no_bus():
    with surroundings() as (ask, _):
        old = os.environ['DBUS_SYSTEM_BUS_ADDRESS']
        os.environ['DBUS_SYSTEM_BUS_ADDRESS'] = 'unix:path=/nonexistent/bus'
        code, findings = ask()
        os.environ['DBUS_SYSTEM_BUS_ADDRESS'] = old
        assert code == 69
        expect(findings, 'bus', 'failed', 'systemctl start dbus')
        for check in ('service', 'caller', 'database', 'clock', 'bluetoothd', 'adapter', 'sensors'):
            expect(findings, check, 'unknown')


def test_service_and_its_files():
    def service(unit, *words):
        with surroundings({'org.freedesktop.systemd1': unit}, crampd=False) as (ask, _):
            code, findings = ask()
            assert code == 69
            expect(findings, 'service', 'failed', *words)
            expect(findings, 'policy', 'unknown', '/etc/dbus-1/system.d/org.crampd1.conf')
            expect(findings, 'caller', 'unknown')
    service(systemd('not-found', 'inactive'), 'not installed')
    service(systemd('masked', 'inactive'), 'unmask')
    service(systemd('loaded', 'failed'), 'journalctl -u crampd')
    service(systemd('loaded', 'inactive'), 'enable --now crampd')
    with surroundings({}, crampd=False, account=False, policy=False) as (ask, _):
        code, findings = ask()
        assert code == 67
        expect(findings, 'account', 'failed', 'systemd-sysusers')
        expect(findings, 'service', 'failed', 'not installed')
        expect(findings, 'policy', 'failed', 'reload dbus')
        expect(findings, 'clock', 'unknown', 'date')
    with surroundings({'org.freedesktop.systemd1': systemd(enabled='disabled')}) as (ask, _):
        expect(ask()[1], 'service', 'warning', 'systemctl enable crampd')
    with surroundings({'org.freedesktop.systemd1': systemd(active='inactive')}) as (ask, _):
        expect(ask()[1], 'service', 'warning', 'not started by systemd')
    with surroundings({}) as (ask, _):
        expect(ask()[1], 'service', 'ok', 'there is no systemd')


def test_crampd_of_somebody_else():
    with surroundings(account=False) as (ask, _):
        code, findings = ask()
        assert code == 0
        expect(findings, 'account', 'warning', 'somebody else')


def test_the_code_is_that_of_the_first_failure():
    with surroundings({}, crampd=False, policy=False) as (ask, _):
        assert ask()[0] == 69
    with surroundings() as (ask, fake):
        fake.do('set', key='status', value={'version': '1', 'detector_version': '1', 'store': 'the disk is full',
                                            'bluetooth': 'ok', 'started_us': 1})
        code, findings = ask()
        assert code == 74
        expect(findings, 'database', 'failed', 'the disk is full', 'df -h')


def test_caller():
    with surroundings() as (ask, fake):
        fake.answer('Status', 'error org.freedesktop.DBus.Error.AccessDenied')
        code, findings = ask()
        assert code == 77
        expect(findings, 'caller', 'failed', f'uid {os.getuid()}', 'reload dbus')
        fake.answer('Status', 'signature')
        code, findings = ask()
        expect(findings, 'caller', 'failed', 'journalctl -u crampd')
        expect(findings, 'database', 'unknown')


def test_clock_and_bluetooth():
    services = dict(SYSTEM)
    services['org.freedesktop.timedate1'] = {'Get': {'NTPSynchronized': False, 'Timezone': 'UTC'}}
    services['org.bluez'] = bluez(False)
    with surroundings(services, soft='1') as (ask, _):
        code, findings = ask()
        assert code == 69
        expect(findings, 'clock', 'warning', 'set-ntp')
        expect(findings, 'adapter', 'failed', 'hci0', 'power on')
        expect(findings, 'rfkill', 'failed', 'rfkill1', 'rfkill unblock')
    with surroundings(dict(SYSTEM, **{'org.bluez': bluez()}), hard='1') as (ask, _):
        findings = ask()[1]
        expect(findings, 'adapter', 'failed', 'There is no Bluetooth adapter')
        expect(findings, 'rfkill', 'failed', 'hardware')
    with surroundings(without(SYSTEM, 'org.bluez')) as (ask, _):
        findings = ask()[1]
        expect(findings, 'bluetoothd', 'failed', 'package bluez')
        expect(findings, 'adapter', 'unknown')
    denied = {'GetManagedObjects': 'org.freedesktop.DBus.Error.AccessDenied'}
    with surroundings(dict(SYSTEM, **{'org.bluez': denied})) as (ask, _):
        expect(ask()[1], 'adapter', 'unknown', 'as root')


def test_sensors():
    def sensor(**changes):
        return {**SENSORS[0], **changes}
    cases = [(sensor(battery=12), 'warning', 'Charge'), (sensor(battery_lasts_night=False), 'warning', '08:00'),
             (sensor(battery=12, battery_lasts_night=True), 'ok', '12%'), (sensor(signal='dead'), 'warning', 'is the sensor worn'),
             (sensor(state='stalled', reason='It wants X.'), 'failed', 'It wants X.'), (sensor(capacity=0.8), 'warning', '80%'),
             (sensor(state='absent', reason='Not heard.'), 'warning', 'Not heard.'), (sensor(state='paused'), 'warning', 'resume'),
             (sensor(state='connecting'), 'warning', 'Wait'), (sensor(state='ended'), 'ok', 'ended'),
             (sensor(says_leg='left'), 'ok', 'streams'),
             (sensor(rssi=-71), 'ok', '-71 dBm')]
    with surroundings() as (ask, fake):
        fake.do('set', key='sensors', value=[case[0] for case in cases])
        code, findings = ask()
        assert code == 69
        for finding, (_, result, word) in zip(findings['sensors'], cases, strict=True):
            assert finding['result'] == result and word in f'{finding["text"]} {finding["remedy"]}', (finding, word)
        # What is told is told once, in sentences.
        for state, reason, words in (('paused', 'paused: crampctl resume SENSOR', 'left calf is paused.'),
                                     ('absent', 'not heard yet', 'left calf is absent: not heard yet.'),
                                     ('resolving', 'connected', 'left calf is resolving: connected.'),
                                     ('stalled', 'It wants X.', 'left calf is stalled: It wants X.')):
            fake.do('set', key='sensors', value=[sensor(state=state, reason=reason)])
            finding, = ask()[1]['sensors']
            assert finding['text'] == words, finding
        fake.do('set', key='sensors', value=[sensor(state='paused')])
        expect(ask()[1], 'sensors', 'warning', 'crampctl resume "left calf"')
        fake.do('set', key='sensors', value=[sensor(says_leg='right')])
        streams, leg = ask()[1]['sensors']
        assert streams['result'] == 'ok' and leg['result'] == 'warning' and leg['text'].endswith('on the other leg (right).'), leg
        assert leg['remedy'] == 'If it is: crampctl edit "left calf" --leg right', leg
        fake.do('set', key='sensors', value=[])
        code, findings = ask()
        assert code == 0
        expect(findings, 'sensors', 'warning', 'crampctl scan')
        fake.answer('ListSensors', 'signature')
        expect(ask()[1], 'sensors', 'failed', 'journalctl')


def test_desktop():
    with surroundings(session={}) as (ask, _):
        code, findings = ask()
        assert code == 69
        expect(findings, 'notifications', 'failed', 'crampctl monitor')
        expect(findings, 'agent', 'warning', 'systemctl --user enable --now cramp-notify')
        code, findings = ask(display='')
        assert code == 0
        expect(findings, 'notifications', 'unknown', 'No desktop')
        expect(findings, 'agent', 'unknown', 'No desktop')
        code, findings = ask(session='')
        assert code == 0
        expect(findings, 'notifications', 'unknown', 'session bus')
        expect(findings, 'agent', 'unknown', 'session bus')
    with surroundings(session={'org.freedesktop.Notifications': notifications('body')}) as (ask, _):
        expect(ask()[1], 'notifications', 'warning', 'without buttons')
    with surroundings(session={'org.freedesktop.Notifications': notifications('actions')}) as (ask, _):
        expect(ask()[1], 'notifications', 'warning', 'without sound', 'cramp-notify --exec')
    with surroundings(session={'org.freedesktop.Notifications': {}}) as (ask, _):
        expect(ask()[1], 'notifications', 'failed', 'does not answer')


def test_language():
    with surroundings(session={}), tempfile.TemporaryDirectory() as root:
        files_write(root)
        english, german = (doctor(root, f'--language={language}')[1] for language in ('en', 'de'))
        assert 'The account crampd is there.' in english and 'Das Konto crampd gibt es.' in german, german
        # What a library says within a sentence is in its language.
        assert 'neither DBUS' in english and 'weder DBUS' in german and 'neither' not in german, german
        # Programs get the same in every language.
        assert doctor(root, '--json', '--language=en') == doctor(root, '--json', '--language=de')


def test_usage():
    for arguments in (['now'], ['--root'], ['-x']):
        run('doctor', *arguments, code=64)


tap.main(globals())
