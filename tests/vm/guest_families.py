#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every family of sensors that people can buy, in the virtual machine: leg-sensor is its twin on the second controller,
crampd finds it through a real bluetoothd, streams, alerts for the recording's cramp, and comes back after the twin has
broken the link. One case per family, in real time; a table as comments. Two families in the short form. Prints TAP. Started by test-vm.py's machine."""

import atexit
import subprocess
import time
from pathlib import Path

import dbus
import guest
import tap

# A counter-free sensor over four characteristics, and an envelope.
SHORT = (('myo', 'emg'), ('anr-m40', 'm40'))
LONG = SHORT + (('bitalino', 'live'), ('npg-lite', '3ch'), ('umyo', 's2'), ('gforce', '12-bit'), ('ganglion', 'fw3'),
                ('myoware', 'envelope'), ('nordic-text', 'lines'), ('umyo-advert', 'advert'))
# Their level is compressed, and zero below some 55 uV of the twin's scale: they get a louder cramp.
LOUD = ('umyo-advert',)
# Heard, never connected to: the link is lost by silence.
HEARD = ('umyo-advert',)
SILENCE_S = 8
FAMILIES = LONG if (Path(__file__).parent / 'long').exists() else SHORT
BLUETOOTH_CONF = Path('/etc/bluetooth/main.conf')


class Twin:
    """leg-sensor as a sensor of that family, which obeys lines."""

    def __init__(self, family, variant):
        self.log = Path(f'/run/twin-{family}.log')
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen(
                ['leg-sensor', '--adapter', 'hci1', '--family', family, '--variant', variant,
                 str(guest.LOUD_RECORDING if family in LOUD else guest.RECORDING)],
                stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT)
        self.wait_line('READY')

    def wait_line(self, beginning):
        def found():
            assert self.process.poll() is None, self.log.read_text(encoding='utf-8')
            return any(line.startswith(beginning) for line in self.log.read_text(encoding='utf-8').splitlines())
        tap.wait_until(found, guest.LIMIT_S, beginning)

    def order(self, line):
        self.process.stdin.write(line.encode() + b'\n')
        self.process.stdin.flush()

    def stop(self):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait(guest.LIMIT_S)


class State:
    address = None
    rows = []


def forget_devices():
    """What bluetoothd knows of one family's sensor must not be taken for that of the next, at the same address."""
    bus = dbus.SystemBus()
    manager = dbus.Interface(bus.get_object('org.bluez', '/'), 'org.freedesktop.DBus.ObjectManager')
    for path, interfaces in manager.GetManagedObjects().items():
        if 'org.bluez.Device1' in interfaces:
            device_adapter = dbus.Interface(bus.get_object('org.bluez', interfaces['org.bluez.Device1']['Adapter']),
                                            'org.bluez.Adapter1')
            try:
                device_adapter.RemoveDevice(path)
            except dbus.DBusException as error:
                tap.note(f'{path}: {error}')


def wait_alert(monitor):
    try:
        monitor.wait_event('alert-raised', guest.LIMIT_S)
        return True
    except AssertionError:
        return False


def reconnect(monitor, twin, is_heard):
    """How long it takes from a broken link, or from the end of the silence, to samples again."""
    began = time.monotonic() + (SILENCE_S if is_heard else 0)
    twin.order(f'silence {SILENCE_S}' if is_heard else 'drop')
    monitor.wait_event('sensor-changed', guest.LIMIT_S, state='streaming', number=1)
    return f'{time.monotonic() - began:.1f} s'


def family_run(family, variant):
    address = guest.need(State.address)
    monitor, twin = guest.Monitor(guest.SLEEPER), Twin(family, variant)
    try:
        guest.crampctl('add', address, '--driver', family, '--muscle', 'gastrocnemius', '--leg', 'left', '--owner',
                       guest.SLEEPER, user='root')
        monitor.wait_event('sensor-changed', guest.LIMIT_S * 2, state='streaming')
        alerted = wait_alert(monitor)
        sensor, = guest.crampctl_objects('sensors')
        State.rows.append((family, sensor['packets'], sensor['lost_packets'], 'yes' if alerted else 'no',
                           reconnect(monitor, twin, family in HEARD)))
        tap.measured('{}: {} packets, {} lost, alert {}, back after: {}'.format(*State.rows[-1]))
        assert sensor['packets'] > 0 and sensor['lost_packets'] == 0 and sensor['malformed_packets'] == 0, sensor
        assert alerted, sensor
    except BaseException:
        tap.note(twin.log.read_text(encoding='utf-8'))
        tap.note('\n'.join(monitor.lines()[-8:]))
        raise
    finally:
        guest.run('crampctl', 'remove', address, check=False)
        twin.stop()
        monitor.stop()
        forget_devices()


def test_machine():
    # A sensor has one bearer; bluetoothd as a sensor would spread notifications over several.
    BLUETOOTH_CONF.parent.mkdir(exist_ok=True)
    BLUETOOTH_CONF.write_text('[GATT]\nCache = no\nChannels = 1\n', encoding='ascii')
    guest.test_controllers()
    State.address = guest.State.address
    guest.test_account()
    guest.test_start()


def case_make(family, variant):
    def case():
        family_run(family, variant)
    return case


for _family, _variant in FAMILIES:
    globals()[f'test_{_family.replace("-", "_")}'] = case_make(_family, _variant)


def test_table():
    tap.note('family       packets    lost  alert  time to reconnect')
    for row in State.rows:
        tap.note('{:<12} {:>7} {:>7}  {:<5}  {}'.format(*row))
    assert len(State.rows) == len(FAMILIES), State.rows


if __name__ == '__main__':
    atexit.register(guest.show_journals)
    tap.main(globals())
