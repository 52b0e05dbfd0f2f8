#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A mock of bluetoothd, as mock-bluez.py, whose sensors are those of tests/support/families.py, one of each: they advertise,
offer, reply and send as their makers' do, the signal of a CSV file, in real time.

    mock-families.py CSV

Further commands on standard input: "heard" gives each sensor's packets sent; "drop" takes a device's number."""

import csv
import importlib.util
import os
import sys

import dbus
import dbus.bus
import dbus.mainloop.glib
from gi.repository import GLib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))

import families  # noqa: E402

_spec = importlib.util.spec_from_file_location('mock_bluez', os.path.join(HERE, 'mock-bluez.py'))
mock_bluez = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(mock_bluez)

TICK_MS = 4


class FamilyCharacteristic(mock_bluez.Characteristic):
    def __init__(self, device, service, number, uuid, value):
        super().__init__(device, service, number, 'notify', uuid)
        self.value = value

    @dbus.service.method(mock_bluez.CHARACTERISTIC, in_signature='a{sv}', out_signature='ay')
    def ReadValue(self, options):
        if self.value is None:
            raise mock_bluez.error('NotPermitted', 'Read not permitted')
        return dbus.ByteArray(self.value)

    @dbus.service.method(mock_bluez.CHARACTERISTIC, in_signature='aya{sv}')
    def WriteValue(self, value, options):
        self.device.written(str(self['UUID']), bytes(value))

    @dbus.service.method(mock_bluez.CHARACTERISTIC, in_signature='a{sv}', out_signature='hq',
                         async_callbacks=('reply', 'fail'))
    def AcquireNotify(self, options, reply, fail):
        def acquired(descriptor, mtu):
            reply(descriptor, mtu)
            if self.device.family.on_subscribe(str(self['UUID'])):
                self.device.begin()
        super().AcquireNotify(options, acquired, fail)


class FamilyDevice(mock_bluez.Device):
    def __init__(self, mock, number, family):
        super().__init__(mock, number, f'C0:00:00:00:01:{number:02X}', mock.adapters[0])
        self.family = family
        self.timeline = list(family.packets(mock.signal))
        self.packets_sent = 0
        self.interfaces[mock_bluez.DEVICE]['UUIDs'] = dbus.Array(family.advertised, signature='s')
        self.interfaces[mock_bluez.DEVICE]['Name'] = family.name
        self.interfaces[mock_bluez.DEVICE]['Alias'] = family.name

    def export_attributes(self):
        service = mock_bluez.Thing(self.mock, f'{self.path}/service0010', mock_bluez.SERVICE, UUID=self.family.service,
                                   Device=self.path, Primary=dbus.Boolean(True))
        self.attributes = [FamilyCharacteristic(self, service, 0x11 + 2 * i, uuid, value)
                           for i, (uuid, value) in enumerate(self.family.characteristics.items())] + [service]
        for thing in self.attributes:
            self.mock.root.export(thing)
        if self.family.has_battery_service:
            self.set_battery(66)

    def notify(self, uuid, packet):
        for thing in self.attributes:
            if isinstance(thing, FamilyCharacteristic) and str(thing['UUID']) == uuid and thing.socket:
                try:
                    thing.socket.send(packet)
                    return True
                except OSError:
                    self.mock.dropped += 1
        return False

    def written(self, uuid, value):
        begins, replies = self.family.on_write(uuid, value)
        for reply_uuid, reply in replies:
            self.notify(reply_uuid, reply)
        if begins:
            self.begin()
        elif begins is False:
            self.sending = False

    def begin(self):
        """What was played stays played: a sensor goes on with what the muscle does now."""
        if self.sending:
            return
        self.sending = True
        self.run += 1
        if self.position == 0:
            self.begin_us = mock_bluez.now_us()
        GLib.timeout_add(TICK_MS, self.send_due, self.run)

    def send_due(self, run):
        if run != self.run or not self.sending:
            return False
        now_s = (mock_bluez.now_us() - self.begin_us) / 1e6
        while self.position < len(self.timeline) and self.timeline[self.position][2] <= now_s:
            uuid, packet, due_s = self.timeline[self.position]
            self.position += 1
            # What was due while nobody listened is gone.
            if now_s - due_s < 1 and self.notify(uuid, packet):
                self.packets_sent += 1
        if self.position >= len(self.timeline):
            self.sending = False
            mock_bluez.say('played', device=self.number)
        return self.sending


class Mock(mock_bluez.Mock):
    def __init__(self, bus, signal):
        self.signal = signal
        super().__init__(bus, mock_bluez.options_read(['--address', 'C0:00:00:00:00:01', '--service', 'none', '--notify', 'none']))
        self.devices = [FamilyDevice(self, number, make()) for number, make in enumerate(families.FAMILIES)]

    def cmd_heard(self):
        mock_bluez.say('heard', packets=[device.packets_sent for device in self.devices], dropped=self.dropped)


def main():
    with open(sys.argv[1], encoding='ascii') as file:
        rows = csv.reader(line for line in file if not line.startswith('#'))
        columns = [number for number, name in enumerate(next(rows)) if name.endswith('_uV')]
        signal = [[float(row[column]) for column in columns] for row in rows]
    # As many channels as the widest band has; a file with fewer leaves the others silent.
    signal = [(row + 8 * [0.0])[:8] for row in signal]
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    mock_bluez.serve(Mock(dbus.bus.BusConnection(os.environ['DBUS_SYSTEM_BUS_ADDRESS']), signal))


if __name__ == '__main__':
    main()
