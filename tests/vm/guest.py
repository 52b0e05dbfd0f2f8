#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""One night in the virtual machine, as root: crampd is installed, systemd is the first process, bluetoothd is real. The
cases build on each other, in this order. Prints TAP. Started by test-vm.py's machine, beside tap.py, recording.edf and
truth.json; `guest.py --listen` is what the neighbour runs."""

import atexit
import datetime
import json
import os
import pwd
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import dbus  # noqa: E402
import dbus.lowlevel  # noqa: E402

import tap  # noqa: E402

RECORDING = HERE / 'recording.edf'
LOUD_RECORDING = HERE / 'loud.edf'
TRUTH = HERE / 'truth.json'
# Who wears the sensor, and who else has an account on the machine.
SLEEPER, NEIGHBOUR = 'sleeper', 'neighbour'
# Everything is some ten times slower than on a real machine.
LIMIT_S = 60
# Times of the detector against those of the recording.
ONSET_TOLERANCE_S, END_TOLERANCE_S = 2.0, 3.0
# Between the first packet's arrival and our hearing of it.
START_TOLERANCE_S = 2.0


def run(*command, user=None, check=True):
    """Runs a command, as a user if one is given, and returns what it printed."""
    if user:
        command = ('setpriv', f'--reuid={user}', f'--regid={user}', '--clear-groups', '--reset-env', '--') + command
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=LIMIT_S * 3, cwd='/', check=False)
    if check and done.returncode != 0:
        raise AssertionError(f'{" ".join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}')
    return done.stdout


def crampctl(*arguments, user=SLEEPER):
    return run('crampctl', *arguments, user=user)


def crampctl_objects(*arguments, user=SLEEPER):
    return [json.loads(line) for line in crampctl('--json', *arguments, user=user).splitlines()]


def unit(unit_property, name='crampd.service'):
    return run('systemctl', 'show', '--value', f'--property={unit_property}', name).strip()


class Listener:
    """A program that prints lines for as long as it runs; each is kept with its time of arrival."""

    def __init__(self, user, *command):
        self.path = Path(f'/run/{user}-{time.monotonic_ns()}.log')
        with open(self.path, 'wb') as log:
            self.process = subprocess.Popen(
                ['setpriv', f'--reuid={user}', f'--regid={user}', '--clear-groups', '--reset-env', '--', *command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd='/')

    def lines(self):
        return self.path.read_text(encoding='utf-8').splitlines()

    def wait_line(self, is_wanted, what, limit_s=LIMIT_S, number=0):
        def found():
            assert self.process.poll() is None, f'ended while waiting for {what}: {self.lines()}'
            lines = [line for line in self.lines() if is_wanted(line)]
            return lines[number:number + 1]
        return tap.wait_until(found, limit_s, what)[0]

    def stop(self):
        self.process.terminate()
        self.process.wait(LIMIT_S)


class Monitor(Listener):
    """crampctl monitor --json of one user."""

    def __init__(self, user):
        super().__init__(user, 'crampctl', '--json', 'monitor')

    def wait_event(self, event_type, limit_s=LIMIT_S, number=0, **members):
        """The event of that number among those of the type that have these members."""
        def wanted(line):
            event = json.loads(line)
            return event.get('type') == event_type and all(event.get(key) == value for key, value in members.items())
        return json.loads(self.wait_line(wanted, f'{event_type} {members}', limit_s, number))


class Sensor:
    """leg-sensor on the second controller, playing the recording."""

    def __init__(self):
        self.process = subprocess.Popen(['leg-sensor', '--adapter', 'hci1', str(RECORDING)], stdin=subprocess.DEVNULL,
                                        stdout=sys.stderr, stderr=sys.stderr)

    def stop(self):
        self.process.terminate()
        self.process.wait(LIMIT_S)


def adapter(number):
    proxy = dbus.SystemBus().get_object('org.bluez', f'/org/bluez/hci{number}')
    return dbus.Interface(proxy, 'org.freedesktop.DBus.Properties')


def powered(number):
    try:
        return bool(adapter(number).Get('org.bluez.Adapter1', 'Powered'))
    except dbus.DBusException:
        return False


def start_radio():
    """Two virtual controllers that hear each other, up and powered. The kernel gives a new controller two seconds to
    answer its first command; on a busy host one may miss that, and then stays dead: such a pair is thrown away."""
    Path('/usr/bin/btvirt').read_bytes()  # from the host's disk into memory, before the clock runs
    run('systemctl', 'start', 'bluetooth')
    for attempt in range(5):
        radio = subprocess.Popen(['nice', '--10', 'btvirt', '-l2'], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            tap.wait_until(lambda: powered(0) and powered(1), LIMIT_S / 2, 'powered controllers')
            return
        except AssertionError:
            tap.note(f'attempt {attempt + 1} at virtual controllers failed')
            radio.kill()
            radio.wait()
            tap.wait_until(lambda: not os.listdir('/sys/class/bluetooth'), LIMIT_S, 'the end of the controllers')
    raise AssertionError('the virtual controllers do not come up')


class State:
    """What later cases need of earlier ones; see need()."""

    address = None
    monitor = None
    neighbour = None
    sensor = None
    streaming_s = None
    episode = None
    truth = None


def need(value):
    """For a case that cannot do without an earlier one: fails at once, instead of waiting in vain."""
    assert value is not None, 'an earlier case failed'
    return value


def test_controllers():
    start_radio()
    assert unit('ActiveState', 'bluetooth.service') == 'active'
    State.address = str(adapter(1).Get('org.bluez.Adapter1', 'Address'))
    assert re.fullmatch(r'([0-9A-F]{2}:){5}[0-9A-F]{2}', State.address), State.address


def test_account():
    # As README says: account, then the bus (which ignores a policy that names an unknown one), then the units.
    run('systemd-sysusers')
    account = pwd.getpwnam('crampd')
    assert account.pw_uid != 0 and account.pw_shell.endswith('nologin'), account
    run('systemctl', 'reload', 'dbus')
    run('systemctl', 'daemon-reload')
    run('systemd-analyze', 'verify', 'crampd.service')
    for user in (SLEEPER, NEIGHBOUR):
        run('useradd', '--no-create-home', '--user-group', user)


def test_start():
    run('systemctl', 'start', 'crampd')
    assert unit('ActiveState') == 'active'
    assert unit('Type') == 'notify'
    assert unit('WatchdogUSec') not in ('', '0', 'infinity'), unit('WatchdogUSec')
    state = os.stat('/var/lib/crampd')
    assert state.st_mode & 0o7777 == 0o700, oct(state.st_mode)
    assert state.st_uid == pwd.getpwnam('crampd').pw_uid
    status = Path(f'/proc/{unit("MainPID")}/status').read_text(encoding='ascii')
    assert re.search(r'^CapEff:\s+0+$', status, re.MULTILINE), status
    assert re.search(r'^Seccomp:\s+2$', status, re.MULTILINE), status


def test_files_are_private():
    files = list(Path('/var/lib/crampd').rglob('*'))
    assert files, 'no database'
    for path in files:
        assert path.stat().st_mode & 0o077 == 0, path


def test_add():
    State.monitor = Monitor(SLEEPER)
    State.neighbour = Listener(NEIGHBOUR, '/usr/bin/python3', str(Path(__file__).resolve()), '--listen')
    State.neighbour.wait_line(lambda line: line == 'subscribed', 'the neighbour')
    assert not crampctl_objects('sensors')
    crampctl('add', need(State.address), '--muscle', 'gastrocnemius', '--leg', 'left', '--owner', SLEEPER, user='root')
    sensor, = crampctl_objects('sensors')
    assert sensor['address'] == State.address, sensor
    assert not crampctl_objects('sensors', user=NEIGHBOUR)


def test_alert_arrives():
    need(State.address)
    State.truth = json.loads(TRUTH.read_text(encoding='utf-8'))
    State.sensor = Sensor()
    State.monitor.wait_event('sensor-changed', LIMIT_S * 2, state='streaming')
    State.streaming_s = time.time()
    alert = State.monitor.wait_event('alert-raised', LIMIT_S * 2)
    assert alert['relief'], alert
    assert alert['muscle'] == 'gastrocnemius' and alert['leg'] == 'left', alert


def test_episode_is_in_history():
    need(State.streaming_s)
    ended = State.monitor.wait_event('alert-ended', LIMIT_S * 2)
    episode, = crampctl_objects('history')
    assert episode['id'] == ended['id'], (episode, ended)
    assert episode['end_reason'] == 'subsided', episode
    State.episode = episode


def test_export_agrees_with_truth():
    need(State.episode)
    path = '/tmp/export.json'
    crampctl('export', '--format', 'json', '-o', path)
    exported = json.loads(Path(path).read_text(encoding='utf-8'))
    assert 'schema' in exported, exported
    episode, = exported['episodes']
    assert episode == State.episode, (episode, State.episode)
    since_start_s = episode['onset_us'] / 1e6 - State.streaming_s
    duration_s = (episode['end_us'] - episode['onset_us']) / 1e6
    cramp, = (event for event in State.truth['events'] if event['kind'] == 'cramp')
    tap.measured(f'onset {since_start_s:.2f} s after the stream began (played: {cramp["onset_s"]:.2f}), '
             f'duration {duration_s:.2f} s (played: {cramp["end_s"] - cramp["onset_s"]:.2f})')
    assert abs(since_start_s - cramp['onset_s']) < ONSET_TOLERANCE_S + START_TOLERANCE_S
    assert abs(duration_s - (cramp['end_s'] - cramp['onset_s'])) < ONSET_TOLERANCE_S + END_TOLERANCE_S
    written = datetime.datetime.fromisoformat(episode['onset'])
    assert abs(written.timestamp() - episode['onset_us'] / 1e6) < 1, episode


def test_radio_changes_nothing():
    """The file itself gives the same episode as what came through the air: the same samples, and none missing."""
    episode = need(State.episode)
    read, = crampctl_objects('analyze', str(RECORDING))
    since_onset_s = [(episode[key] - episode['onset_us']) / 1e6 for key in ('alert_us', 'end_us')]
    from_file_s = [read[key] - read['onset_s'] for key in ('alert_s', 'end_s')]
    assert all(abs(a - b) < 0.0011 for a, b in zip(since_onset_s, from_file_s)), (since_onset_s, from_file_s)
    for key in ('peak_uv', 'median_hz', 'confidence'):
        assert abs(episode[key] - read[key]) < 0.02, (key, episode, read)
    assert abs(episode['onset_us'] / 1e6 - State.streaming_s - read['onset_s']) < START_TOLERANCE_S, (episode, read)


def test_no_packet_is_lost():
    need(State.streaming_s)

    def monitored():
        sensor, = crampctl_objects('sensors')
        return sensor['monitored_us'] >= 60e6 and sensor
    sensor = tap.wait_until(monitored, LIMIT_S, 'a minute of signal')
    tap.measured(f'{sensor["packets"]} packets in {sensor["monitored_us"] / 1e6:.1f} s, {sensor["lost_packets"]} lost')
    assert sensor['packets'] > 0 and sensor['lost_packets'] == 0 and sensor['malformed_packets'] == 0, sensor


def test_neighbour_hears_nothing():
    assert not crampctl_objects('history', user=NEIGHBOUR)
    assert not crampctl_objects('sensors', user=NEIGHBOUR)
    heard = set(State.neighbour.lines()) - {'subscribed'}
    # That an object came is public, and shows that the neighbour does hear.
    assert heard == {'org.freedesktop.DBus.ObjectManager.InterfacesAdded'}, heard
    State.neighbour.stop()


def test_journal_is_discreet():
    run('journalctl', '--sync')
    journal = run('journalctl', '--output=cat', '_SYSTEMD_UNIT=crampd.service')
    assert journal.strip(), 'the journal holds nothing of crampd at all'
    words = re.findall(r'\b(?:uv|peak|median|severity|mild|moderate|strong|confidence|gastrocnemius|alert\w*|onset)\b',
                       journal, re.IGNORECASE)
    assert not words, (words, journal)
    for secret in (need(State.episode)['id'], State.episode['onset'][:19], SLEEPER):
        assert secret not in journal, (secret, journal)


def test_killed_daemon_keeps_the_episode():
    need(State.episode)
    State.sensor.stop()
    State.sensor = Sensor()
    State.monitor.wait_event('alert-raised', LIMIT_S * 4, number=1)
    # What was signalled more than a second ago is on disk.
    time.sleep(1)
    State.sensor.process.kill()
    run('systemctl', 'kill', '--signal=KILL', '--kill-whom=main', 'crampd')
    tap.wait_until(lambda: unit('NRestarts') == '1' and unit('ActiveState') == 'active', LIMIT_S, 'the restart')
    State.sensor.process.wait(LIMIT_S)
    first, second = crampctl_objects('history')
    assert first == State.episode, (first, State.episode)
    assert second['end_reason'] == 'interrupted', second
    # It may have lasted while nobody watched: its end is no earlier than its alert, and not in the future.
    assert second['onset_us'] <= second['alert_us'] <= second['end_us'] <= time.time() * 1e6, second


def test_monitor_finds_the_daemon_again():
    need(State.episode)
    State.monitor.wait_event('service-gone')
    State.monitor.wait_event('service-back')
    State.monitor.stop()


def test_stop_is_clean():
    assert unit('ActiveState') == 'active'
    run('systemctl', 'stop', 'crampd')
    assert unit('ActiveState') == 'inactive'
    assert unit('Result') == 'success' and unit('ExecMainStatus') == '0', (unit('Result'), unit('ExecMainStatus'))


def test_bus_starts_the_enabled_unit_only():
    try:
        crampctl('status')
    except AssertionError as refusal:
        assert 'exit 69' in str(refusal), refusal
    else:
        raise AssertionError('crampd answers, though it was stopped and is not enabled')
    run('systemctl', 'enable', 'crampd')
    crampctl('status')
    assert unit('ActiveState') == 'active'


def test_log_of_the_bus_is_clean():
    """The bus refused nothing that was meant for crampd or came from it. (Answers that come after the caller was killed
    do not count.)"""
    run('journalctl', '--sync')
    journal = run('journalctl', '--output=cat', '_SYSTEMD_UNIT=dbus.service')
    refused = [line for line in journal.splitlines()
               if 'Rejected' in line and 'cramp' in line and 'type="error"' not in line]
    assert not refused, refused


def listen():
    """Prints each signal from crampd that reaches this user, by broadcast or not, until ended."""
    from dbus.mainloop.glib import DBusGMainLoop
    from gi.repository import GLib

    def on_message(_, message):
        if isinstance(message, dbus.lowlevel.SignalMessage) and message.get_sender() == crampd:
            print(f'{message.get_interface()}.{message.get_member()}', flush=True)
        return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED

    bus = dbus.SystemBus(mainloop=DBusGMainLoop())
    crampd = bus.get_name_owner('org.crampd1')
    bus.add_message_filter(on_message)
    bus.add_match_string("type='signal'")
    bus.call_blocking('org.crampd1', '/org/crampd1', 'org.crampd1.Manager', 'Subscribe', 'a{sv}', [{}])
    print('subscribed', flush=True)
    GLib.MainLoop().run()


def show_journals():
    """On standard error, which is the console's log: of use when a case has failed."""
    for name in ('crampd', 'bluetooth', 'dbus'):
        subprocess.run(['journalctl', '--no-pager', '--lines=40', f'--unit={name}'], stdout=sys.stderr, check=False)


if __name__ == '__main__':
    if sys.argv[1:] == ['--listen']:
        listen()
    else:
        atexit.register(show_journals)
        tap.main(globals())
