#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A mock of bluetoothd: owns org.bluez on the bus at DBUS_SYSTEM_BUS_ADDRESS, with adapters and sensors whose faults a
test scripts. Models BlueZ 5.66 as its sources have it (src/adapter.c, device.c, gatt-client.c), the one-shot
non-blocking send of notifications included: what the reader does not take in time is lost, and counted here.

Prints READY when the name is owned, then one JSON object a line for what happens ("event"); takes one JSON object a line
on standard input ("cmd" and its arguments), and answers each with {"event": "done", "cmd": ...}. Ends with its input.

Needs python3-dbus and python3-gi. Used by tests/bus through mockbluez.py."""

import argparse
import errno
import json
import os
import socket
import struct
import sys
import time

import dbus
import dbus.lowlevel
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

ADAPTER = 'org.bluez.Adapter1'
DEVICE = 'org.bluez.Device1'
SERVICE = 'org.bluez.GattService1'
CHARACTERISTIC = 'org.bluez.GattCharacteristic1'
AGENT_MANAGER = 'org.bluez.AgentManager1'
AGENT = 'org.bluez.Agent1'
BATTERY = 'org.bluez.Battery1'
ADVERTISING = 'org.bluez.LEAdvertisingManager1'
PROPERTIES = 'org.freedesktop.DBus.Properties'
MANAGER = 'org.freedesktop.DBus.ObjectManager'


def now_us():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def say(event, **details):
    print(json.dumps({'event': event, **details}), flush=True)


def error(name, text=''):
    return dbus.DBusException(text, name=f'org.bluez.Error.{name}')


class Root(dbus.service.Object):
    """The object manager, and the keeper of what is exported."""

    def __init__(self, bus):
        super().__init__(bus, '/')
        self.exported = {}

    def export(self, thing):
        self.exported[thing.path] = thing
        thing.add_to_connection(thing.mock.bus, thing.path)
        self.InterfacesAdded(thing.path, thing.interfaces)

    def withdraw(self, thing):
        if self.exported.pop(thing.path, None) is None:
            return
        self.InterfacesRemoved(thing.path, list(thing.interfaces))
        thing.remove_from_connection()

    @dbus.service.method(MANAGER, out_signature='a{oa{sa{sv}}}')
    def GetManagedObjects(self):
        return {path: thing.interfaces for path, thing in self.exported.items()}

    @dbus.service.signal(MANAGER, 'oa{sa{sv}}')
    def InterfacesAdded(self, path, interfaces):
        pass

    @dbus.service.signal(MANAGER, 'oas')
    def InterfacesRemoved(self, path, interfaces):
        pass


class Thing(dbus.service.Object):
    """An object with properties."""

    def __init__(self, mock, path, interface, **properties):
        super().__init__()
        self.mock = mock
        self.path = dbus.ObjectPath(path)
        self.interface = interface
        self.interfaces = {interface: dbus.Dictionary(properties, signature='sv')}

    def __getitem__(self, name):
        return self.interfaces[self.interface].get(name)

    def change(self, **properties):
        self.interfaces[self.interface].update(properties)
        if self.path in self.mock.root.exported:
            self.PropertiesChanged(self.interface, dbus.Dictionary(properties, signature='sv'), [])

    def withdraw_property(self, name):
        if self.interfaces[self.interface].pop(name, None) is not None and self.path in self.mock.root.exported:
            self.PropertiesChanged(self.interface, dbus.Dictionary({}, signature='sv'), [name])

    def readable(self, interface):
        if interface not in self.interfaces:
            raise dbus.DBusException(f"No such interface '{interface}'", name='org.freedesktop.DBus.Error.InvalidArgs')
        return self.interfaces[interface]

    @dbus.service.method(PROPERTIES, in_signature='s', out_signature='a{sv}')
    def GetAll(self, interface):
        if self.mock.faults.take('get-all') == 'busy':
            raise dbus.DBusException('', name='org.freedesktop.DBus.Error.LimitsExceeded')
        return self.readable(interface)

    @dbus.service.method(PROPERTIES, in_signature='ss', out_signature='v')
    def Get(self, interface, name):
        if name not in self.readable(interface):
            raise dbus.DBusException(f"No such property '{name}'", name='org.freedesktop.DBus.Error.InvalidArgs')
        return self.interfaces[interface][name]

    @dbus.service.signal(PROPERTIES, 'sa{sv}as')
    def PropertiesChanged(self, interface, changed, invalidated):
        pass


class Adapter(Thing):
    def __init__(self, mock, number):
        super().__init__(mock, f'/org/bluez/hci{number}', ADAPTER, Powered=dbus.Boolean(True),
                         Discovering=dbus.Boolean(False), Address=f'00:00:00:00:00:{number:02X}')
        self.interfaces[ADVERTISING] = dbus.Dictionary({'ActiveInstances': dbus.Byte(0)}, signature='sv')
        self.number = number
        self.filter = None

    def call(self, member):
        self.mock.count(member, self.path)
        if not self['Powered']:
            raise error('NotReady', 'Resource Not Ready')

    @dbus.service.method(ADAPTER, in_signature='a{sv}')
    def SetDiscoveryFilter(self, properties):
        self.call('SetDiscoveryFilter')
        self.filter = properties

    @dbus.service.method(ADAPTER)
    def StartDiscovery(self):
        self.call('StartDiscovery')
        if self['Discovering']:
            raise error('InProgress', 'Operation already in progress')
        if self.mock.faults.take('discovery') == 'fail':
            raise error('Failed', 'Failed')
        if any(device.connecting for device in self.mock.devices) and not self.mock.scans_connecting:
            self.mock.complain('discovery started while connecting')
        self.change(Discovering=dbus.Boolean(True))
        GLib.timeout_add(20, self.mock.advertise)

    @dbus.service.method(ADAPTER)
    def StopDiscovery(self):
        self.call('StopDiscovery')
        if not self['Discovering']:
            raise error('Failed', 'No discovery started')
        self.stop_discovery()

    def stop_discovery(self):
        self.change(Discovering=dbus.Boolean(False))
        for device in self.mock.devices:
            if device.adapter is self:
                device.withdraw_property('RSSI')

    @dbus.service.method(ADAPTER, in_signature='o')
    def RemoveDevice(self, path):
        self.call('RemoveDevice')
        for device in self.mock.devices:
            if device.path == path and path in self.mock.root.exported:
                device.set_connected(False)
                device.forget()
                return
        raise error('DoesNotExist', 'Does Not Exist')


class AgentManager(dbus.service.Object):
    def __init__(self, mock):
        super().__init__(mock.bus, '/org/bluez')
        self.mock = mock

    @dbus.service.method(AGENT_MANAGER, in_signature='os', sender_keyword='sender')
    def RegisterAgent(self, path, capability, sender):
        self.mock.count('RegisterAgent', path)
        if sender in self.mock.agents:
            raise error('AlreadyExists', 'Already Exists')
        self.mock.agents[sender] = [str(path), str(capability)]

    @dbus.service.method(AGENT_MANAGER, in_signature='o', sender_keyword='sender')
    def UnregisterAgent(self, path, sender):
        self.mock.count('UnregisterAgent', path)
        if self.mock.agents.pop(sender, None) is None:
            raise error('DoesNotExist', 'Does Not Exist')

    @dbus.service.method(AGENT_MANAGER, in_signature='o')
    def RequestDefaultAgent(self, path):
        self.mock.complain('the agent was made the default of everybody')


class Characteristic(Thing):
    def __init__(self, device, service, number, role, uuid):
        super().__init__(device.mock, f'{service.path}/char{number:04x}', CHARACTERISTIC, UUID=uuid,
                         Service=service.path)
        self.device = device
        self.role = role
        self.socket = None
        self.notifying = False

    def demand_bond(self):
        if self.mock.wants_bond and not self.device['Paired']:
            raise error('NotPermitted', 'Not paired')

    @dbus.service.method(CHARACTERISTIC, in_signature='a{sv}', out_signature='ay')
    def ReadValue(self, options):
        self.mock.count('ReadValue', self.path)
        self.demand_bond()
        fault = self.mock.faults.take('read')
        if fault == 'not-paired':
            raise error('NotPermitted', 'Not paired')
        if fault == 'fail':
            raise error('Failed', 'Operation failed with ATT error: 0x0e')
        return dbus.ByteArray(self.mock.description)

    @dbus.service.method(CHARACTERISTIC, in_signature='aya{sv}')
    def WriteValue(self, value, options):
        self.mock.count('WriteValue', self.path)
        say('write', device=self.device.number, value=bytes(value).hex(), type=str(options.get('type', '')),
            time_us=now_us())
        if bytes(value) == self.mock.start_value:
            if self.mock.faults.take('write') == 'fail':
                raise error('NotPermitted', 'Write not permitted')
            self.device.start_sending()
        elif bytes(value) == self.mock.stop_value:
            self.device.sending = False

    @dbus.service.method(CHARACTERISTIC, in_signature='a{sv}', out_signature='hq',
                         async_callbacks=('reply', 'fail'))
    def AcquireNotify(self, options, reply, fail):
        self.mock.count('AcquireNotify', self.path)
        fault = self.mock.faults.take('acquire')
        if self.socket or fault == 'not-permitted':
            fail(error('NotPermitted', 'Notify acquired'))
        elif fault == 'not-paired':
            fail(error('NotPermitted', 'Not paired'))
        elif fault == 'in-progress':
            fail(error('InProgress', 'In Progress'))
        elif fault == 'not-supported':
            fail(error('NotSupported', 'Operation is not supported'))
        elif self.notifying:
            fail(error('InProgress', 'Already notifying'))
        elif fault != 'hang':
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
            self.socket = ours
            GLib.io_add_watch(ours.fileno(), GLib.IO_HUP, self.on_hang_up, ours)
            reply(dbus.types.UnixFd(theirs.fileno()), dbus.UInt16(self.mock.mtu))
            theirs.close()
            if fault == 'close':
                self.close()

    def on_hang_up(self, _descriptor, _condition, ours):
        if ours is self.socket:
            say('hangup', device=self.device.number)
            self.close()
        return False

    def close(self):
        self.notifying = False
        if self.socket:
            self.socket.close()
            self.socket = None

    @dbus.service.method(CHARACTERISTIC)
    def StartNotify(self):
        self.mock.count('StartNotify', self.path)
        if not self.mock.broadcast:
            self.mock.complain('StartNotify was called: that broadcasts the samples')
        if self.mock.faults.take('start-notify') == 'not-permitted':
            raise error('NotPermitted', 'Notify acquired')
        self.notifying = True

    @dbus.service.method(CHARACTERISTIC)
    def StopNotify(self):
        self.mock.count('StopNotify', self.path)
        self.close()


class Device(Thing):
    def __init__(self, mock, number, address, adapter):
        super().__init__(mock, f'{adapter.path}/dev_{address.replace(":", "_")}', DEVICE, Address=address,
                         Adapter=adapter.path, Connected=dbus.Boolean(False), ServicesResolved=dbus.Boolean(False),
                         Paired=dbus.Boolean(False), UUIDs=dbus.Array([mock.service], signature='s'))
        self.number = number
        self.adapter = adapter
        self.in_range = True
        self.connecting = None
        self.attributes = []
        self.sending = False
        self.generation = 0  # of the link
        self.run = 0  # of the play
        self.position = 0

    def later(self, delay_ms, action):
        """Runs an action unless the link has changed meanwhile."""
        generation = self.generation

        def run():
            if generation == self.generation:
                action()
            return False
        GLib.timeout_add(delay_ms, run)

    def hear(self):
        rssi = dbus.Int16(-40 - self.number)
        if self.path not in self.mock.root.exported:
            self.interfaces[DEVICE]['RSSI'] = rssi
            self.mock.root.export(self)
        elif self['RSSI'] is None:
            self.change(RSSI=rssi)

    def forget(self):
        self.withdraw_attributes()
        self.mock.root.withdraw(self)

    @dbus.service.method(DEVICE, async_callbacks=('reply', 'fail'))
    def Connect(self, reply, fail):
        self.mock.count('Connect', self.path)
        if self.adapter['Discovering']:
            self.mock.complain('Connect while discovering')
        if any(d.connecting for d in self.mock.devices if d.adapter is self.adapter):
            self.mock.complain('two connects at once')
        if self['Connected']:
            reply()
            return
        if self.mock.scans_connecting == 'needed':
            self.connecting = fail
            self.later(self.mock.delays['connect'], lambda: self.establish_if_scanning(reply, fail))
            return
        fault = self.mock.faults.take('connect')
        if fault == 'in-progress':
            fail(error('InProgress', 'Operation already in progress'))
            return
        self.connecting = fail
        if fault == 'abort' or (fault != 'hang' and not self.in_range):
            self.later(self.mock.delays['connect'], lambda: self.end_connect(
                fail, error('Failed', 'le-connection-abort-by-local')))
        elif fault == 'refuse':
            self.later(self.mock.delays['connect'], lambda: self.end_connect(
                fail, error('Failed', 'le-connection-refused')))
        elif fault == 'classic':
            self.later(self.mock.delays['connect'], lambda: self.end_connect(
                fail, error('NotAvailable', 'br-connection-profile-unavailable')))
        elif fault == 'aborted-well':
            self.later(self.mock.delays['connect'], lambda: self.end_connect(reply))
        elif fault != 'hang':
            self.later(self.mock.delays['connect'], lambda: self.establish(reply, fault == 'unsaid'))

    def establish_if_scanning(self, reply, fail):
        if self.adapter['Discovering']:
            self.establish(reply)
        else:
            self.end_connect(fail, error('Failed', 'le-connection-abort-by-local'))

    def end_connect(self, answer, *arguments):
        self.connecting = None
        answer(*arguments)

    def establish(self, reply, unsaid=False):
        if unsaid:
            self.generation += 1
            self.interfaces[DEVICE]['Connected'] = dbus.Boolean(True)
        else:
            self.set_connected(True)
        self.end_connect(reply)
        fault = self.mock.faults.take('resolve')
        if fault == 'early':
            self.later(20, lambda: self.change(ServicesResolved=dbus.Boolean(True)))
            self.later(self.mock.delays['resolve'] + 200, self.export_attributes)
        elif fault == 'no-objects':
            self.later(20, lambda: self.change(ServicesResolved=dbus.Boolean(True)))
        elif fault != 'never':
            self.later(self.mock.delays['resolve'], self.resolve)

    def resolve(self):
        self.export_attributes()
        self.change(ServicesResolved=dbus.Boolean(True))

    def export_attributes(self):
        service = Thing(self.mock, f'{self.path}/service0010', SERVICE, UUID=self.mock.service,
                        Device=self.path, Primary=dbus.Boolean(True))
        roles = [('description', self.mock.uuids.description)] + [('notify', u) for u in self.mock.uuids.notify]
        roles.append(('control', self.mock.uuids.control))
        characteristics = [Characteristic(self, service, 0x11 + 2 * i, role, uuid)
                           for i, (role, uuid) in enumerate(roles) if uuid]
        # Children first: nobody promised an order.
        self.attributes = characteristics + [service]
        for thing in self.attributes:
            self.mock.root.export(thing)
        if self.mock.battery is not None:
            self.set_battery(self.mock.battery)

    def set_battery(self, percent):
        known = BATTERY in self.interfaces
        self.interfaces[BATTERY] = dbus.Dictionary({'Percentage': dbus.Byte(percent)}, signature='sv')
        if known:
            self.PropertiesChanged(BATTERY, self.interfaces[BATTERY], [])
        else:
            self.mock.root.InterfacesAdded(self.path, {BATTERY: self.interfaces[BATTERY]})

    def withdraw_attributes(self):
        self.close_sockets()
        for thing in self.attributes:
            self.mock.root.withdraw(thing)
        self.attributes = []

    def close_sockets(self):
        for thing in self.attributes:
            if isinstance(thing, Characteristic):
                thing.close()

    def set_connected(self, connected):
        if bool(self['Connected']) == connected:
            return
        self.generation += 1
        if connected:
            self.change(Connected=dbus.Boolean(True))
            return
        self.sending = False
        self.close_sockets()
        if BATTERY in self.interfaces:
            del self.interfaces[BATTERY]
            self.mock.root.InterfacesRemoved(self.path, [BATTERY])
        self.change(ServicesResolved=dbus.Boolean(False))
        self.change(Connected=dbus.Boolean(False))
        if not self.mock.keep_attributes:
            self.withdraw_attributes()

    @dbus.service.method(DEVICE, async_callbacks=('reply', 'fail'))
    def Disconnect(self, reply, fail):
        self.mock.count('Disconnect', self.path)
        if self.connecting:
            self.generation += 1
            self.end_connect(self.connecting, error('Failed', 'br-connection-canceled'))
        if not self['Connected']:
            reply()
            return

        def drop():
            self.set_connected(False)
            reply()
        self.later(self.mock.delays['disconnect'], drop)

    @dbus.service.method(DEVICE, async_callbacks=('reply', 'fail'), sender_keyword='sender')
    def Pair(self, reply, fail, sender):
        """Just Works, or as the fault says: the agent is asked for what it must not do."""
        self.mock.count('Pair', self.path)
        fault = self.mock.faults.take('pair')
        if fault == 'hang':
            return
        if sender not in self.mock.agents:
            fail(error('AuthenticationFailed', 'Authentication Failed'))
            return
        asks = {'other': ('RequestAuthorization', 'o', ['/org/bluez/hci0/dev_F0_00_00_00_00_00']),
                'confirm': ('RequestConfirmation', 'ou', [self.path, dbus.UInt32(123456)]),
                'pin': ('RequestPinCode', 'o', [self.path])}
        member, signature, arguments = asks.get(fault, ('RequestAuthorization', 'o', [self.path]))

        def accepted(*_answer):
            say('agent', accepted=True, member=member)
            self.change(Paired=dbus.Boolean(True))
            reply()

        def rejected(problem):
            say('agent', accepted=False, member=member, error=problem.get_dbus_name())
            fail(error('AuthenticationRejected', 'Authentication Rejected'))
        self.mock.bus.call_async(sender, self.mock.agents[sender][0], AGENT, member, signature, arguments, accepted,
                                 rejected)

    @dbus.service.method(DEVICE)
    def CancelPairing(self):
        self.mock.count('CancelPairing', self.path)

    def start_sending(self):
        if self.mock.faults.take('start') == 'silent' or not self.mock.packets:
            return
        if self.mock.rewind:
            self.position = 0
        self.sending = True
        self.begin_us = now_us()
        self.begun_at = self.position
        self.run += 1
        GLib.timeout_add(max(1, self.mock.interval_ms // 2), self.send_due, self.run)

    def send_due(self, run):
        """Keeps to the sensor's own pace, however late this is called."""
        if run != self.run or not self.sending:
            return False
        mock = self.mock
        due = self.begun_at + 1 + (now_us() - self.begin_us) // (mock.interval_ms * 1000)
        while self.position < min(due, len(mock.packets)):
            self.send(mock.packets[self.position])
            self.position += 1
        if self.position >= len(mock.packets):
            self.sending = False
            say('played', device=self.number)
        return self.sending

    def send(self, packet):
        mock = self.mock
        for thing in self.attributes:
            if not isinstance(thing, Characteristic) or thing.role != 'notify':
                continue
            if thing.notifying:
                thing.change(Value=dbus.ByteArray(packet))
                mock.sent += 1
                return
            if not thing.socket:
                continue
            try:
                thing.socket.send(packet)
                mock.sent += 1
                if mock.log:
                    mock.log.write(f'{self.number} {self.position} {now_us()}\n')
            except OSError as problem:
                if problem.errno == errno.EAGAIN:
                    mock.dropped += 1
            return
        mock.unheard += 1


class Faults:
    """For each kind of call, what the next ones shall do; then they work."""

    def __init__(self):
        self.lists = {}

    def take(self, kind):
        pending = self.lists.get(kind)
        return pending.pop(0) if pending else None


class Mock:
    def __init__(self, bus, options):
        self.bus = bus
        self.uuids = options
        self.service = options.service
        self.description = bytes.fromhex(options.description_value)
        self.start_value = bytes.fromhex(options.start)
        self.stop_value = bytes.fromhex(options.stop)
        self.mtu = options.mtu
        self.delays = {'connect': 30, 'resolve': 30, 'disconnect': 20}
        self.faults = Faults()
        self.battery = None
        self.scans_connecting = ''  # 'allowed' or 'needed': discovery beside a connect
        self.wants_bond = False
        self.agents = {}
        self.broadcast = False  # whether StartNotify is expected
        self.keep_attributes = False
        self.packets = []
        self.interval_ms = 10
        self.rewind = True
        self.log = None
        self.sent = self.dropped = self.unheard = 0
        self.calls = {}
        self.complaints = []
        self.root = Root(bus)
        self.agent_manager = AgentManager(self)
        self.adapters = [Adapter(self, number) for number in range(max(1, options.adapters))]
        self.plugged = self.adapters[:options.adapters]
        self.devices = []
        self.crowd = []
        for number, address in enumerate(options.address):
            self.devices.append(Device(self, number, address, self.adapters[number % len(self.adapters)]
                                       if options.spread else self.adapters[0]))
        self.own()

    def own(self):
        for adapter in self.plugged:
            adapter.interfaces[ADAPTER]['Discovering'] = dbus.Boolean(False)
            self.root.export(adapter)
        self.bus.request_name('org.bluez', dbus.bus.NAME_FLAG_DO_NOT_QUEUE)

    def count(self, member, path):
        self.calls[member] = self.calls.get(member, 0) + 1
        say('call', member=member, path=path)

    def complain(self, text):
        self.complaints.append(text)
        say('complaint', text=text)

    def advertise(self):
        """Runs while anyone discovers."""
        scanning = [adapter for adapter in self.adapters if adapter['Discovering']]
        for device in self.devices:
            if device.in_range and device.adapter in scanning and not device['Connected']:
                device.hear()
        return bool(scanning)

    # What a test may order.

    def cmd_fault(self, kind, what):
        self.faults.lists[kind] = list(what)

    def cmd_delay(self, **delays_ms):
        self.delays.update(delays_ms)

    def cmd_range(self, near, device=0):
        self.devices[device].in_range = near
        if not near:
            self.devices[device].withdraw_property('RSSI')

    def cmd_drop(self, device=0):
        self.devices[device].set_connected(False)

    def cmd_forget(self, device=0):
        self.devices[device].set_connected(False)
        self.devices[device].forget()

    def cmd_know(self, device=0, paired=False):
        """As after an earlier run: exported without having been heard."""
        self.devices[device].interfaces[DEVICE]['Paired'] = dbus.Boolean(paired)
        self.root.export(self.devices[device])

    def cmd_connect(self, device=0):
        """Someone else connects it."""
        self.devices[device].establish(lambda: None)

    def cmd_hup(self, device=0):
        self.devices[device].close_sockets()

    def cmd_silence(self, device=0):
        self.devices[device].sending = False

    def cmd_resume(self, device=0):
        self.devices[device].start_sending()

    def cmd_send(self, packets, device=0):
        for packet in packets:
            self.devices[device].send(bytes.fromhex(packet))

    def cmd_load(self, file, interval_ms, rewind=True, log=None):
        """Packets to play after the next start: u16 little endian length and bytes, again and again."""
        with open(file, 'rb') as stream:
            data = stream.read()
        self.packets, at = [], 0
        while at < len(data):
            size, = struct.unpack_from('<H', data, at)
            self.packets.append(data[at + 2:at + 2 + size])
            at += 2 + size
        self.interval_ms, self.rewind = interval_ms, rewind
        self.log = open(log, 'w', encoding='ascii', buffering=1) if log else None

    def cmd_broadcast(self, allowed):
        self.broadcast = allowed

    def cmd_scans_connecting(self, how):
        self.scans_connecting = how

    def cmd_wants_bond(self, wants):
        self.wants_bond = wants

    def cmd_name(self, name, device=0, heard=False):
        self.devices[device].change(Name=name, **({'RSSI': dbus.Int16(-50)} if heard else {}))

    def cmd_manufacturer(self, packet, device=0):
        """An advert with this manufacturer data: the company's id, little-endian, and what follows."""
        target, data = self.devices[device], bytes.fromhex(packet)
        if not target.adapter['Discovering'] or not target.in_range or target['Connected']:
            self.unheard += 1
            return
        target.hear()
        value = dbus.Dictionary({dbus.UInt16(int.from_bytes(data[:2], 'little')): dbus.ByteArray(data[2:], variant_level=1)},
                                signature='qv')
        if value != target['ManufacturerData'] or (target.adapter.filter or {}).get('DuplicateData'):
            target.change(RSSI=dbus.Int16(-50), ManufacturerData=value)

    def cmd_battery(self, percent, device=0):
        self.battery = percent
        if self.devices[device]['Connected']:
            self.devices[device].set_battery(percent)

    def cmd_power(self, on, adapter=0):
        target = self.adapters[adapter]
        if not on:
            self.lose_devices(target)
            if target['Discovering']:
                target.stop_discovery()
        target.change(Powered=dbus.Boolean(on))

    def lose_devices(self, adapter):
        for device in self.devices:
            if device.adapter is adapter:
                if device.connecting:
                    device.generation += 1
                    device.end_connect(device.connecting, error('Failed', 'le-connection-abort-by-local'))
                device.set_connected(False)

    def cmd_advertise(self, on, adapter=0):
        """Someone lets the adapter play a peripheral."""
        properties = self.adapters[adapter].interfaces[ADVERTISING]
        properties['ActiveInstances'] = dbus.Byte(on)
        self.adapters[adapter].PropertiesChanged(ADVERTISING, properties, [])

    def cmd_unplug(self, adapter=0):
        target = self.adapters[adapter]
        self.lose_devices(target)
        for device in self.devices:
            if device.adapter is target:
                device.forget()
        target.interfaces[ADAPTER]['Discovering'] = dbus.Boolean(False)
        self.root.withdraw(target)

    def cmd_plug(self, adapter=0):
        self.root.export(self.adapters[adapter])

    def cmd_move(self, adapter, device=0):
        """The sensor is now in range of another adapter only."""
        old = self.devices[device]
        old.set_connected(False)
        old.forget()
        self.devices[device] = Device(self, device, str(old['Address']), self.adapters[adapter])

    def cmd_vanish(self):
        """bluetoothd is gone: the name, all descriptors, all objects, without a word."""
        for device in self.devices:
            device.close_sockets()
            device.sending = False
        self.bus.release_name('org.bluez')
        for thing in list(self.root.exported.values()):
            thing.remove_from_connection()
        self.root.exported.clear()
        for device in self.devices:
            device.generation += 1
            device.connecting, device.attributes = None, []
            device.interfaces.pop(BATTERY, None)
            device.interfaces[DEVICE].pop('RSSI', None)
            device.interfaces[DEVICE].update(Connected=dbus.Boolean(False), ServicesResolved=dbus.Boolean(False))

    def cmd_return(self):
        self.own()

    def cmd_crowd(self, count, name='\u202e' * 80):
        """A street full of other devices."""
        for number in range(count):
            thing = Thing(self, f'/org/bluez/hci0/dev_F0_00_00_00_{number >> 8:02X}_{number & 255:02X}', DEVICE,
                          Address=f'F0:00:00:00:{number >> 8:02X}:{number & 255:02X}', Name=name,
                          RSSI=dbus.Int16(-90), Connected=dbus.Boolean(False))
            self.root.export(thing)
            self.crowd.append(thing)

    def cmd_status(self):
        say('status', calls=self.calls, faults=self.faults.lists, complaints=self.complaints, sent=self.sent, dropped=self.dropped,
            unheard=self.unheard, agents=list(self.agents.values()), paired=[bool(d['Paired']) for d in self.devices], discovering=[bool(a['Discovering']) for a in self.adapters],
            notifying=[any(getattr(t, 'notifying', False) for t in d.attributes) for d in self.devices],
            connected=[bool(d['Connected']) for d in self.devices],
            acquired=[any(getattr(t, 'socket', None) for t in d.attributes) for d in self.devices],
            filter=[[str(u) for u in (a.filter or {}).get('UUIDs', [])] for a in self.adapters],
            duplicates=[bool((a.filter or {}).get('DuplicateData', False)) for a in self.adapters],
            transport=[str((a.filter or {}).get('Transport', '')) for a in self.adapters])

    def run_command(self, line):
        order = json.loads(line)
        name = order.pop('cmd')
        getattr(self, f'cmd_{name}')(**order)
        say('done', cmd=name)


def options_read(arguments=None):
    parser = argparse.ArgumentParser(description='mock of bluetoothd')
    parser.add_argument('--address', action='append', required=True, help='of a sensor; may be given several times')
    parser.add_argument('--adapters', type=int, default=1)
    parser.add_argument('--spread', action='store_true', help='sensors take turns on the adapters')
    parser.add_argument('--service', required=True)
    parser.add_argument('--description', default='')
    parser.add_argument('--notify', action='append', required=True)
    parser.add_argument('--control', default='')
    parser.add_argument('--description-value', default='', help='in hexadecimal, as the next two')
    parser.add_argument('--start', default='01')
    parser.add_argument('--stop', default='02')
    parser.add_argument('--mtu', type=int, default=247)
    return parser.parse_args(arguments)


def serve(mock):
    """Carries out commands until the input ends."""
    loop = GLib.MainLoop()

    def on_input(source, _condition):
        line = source.readline()
        if not line:
            loop.quit()
            return False
        mock.run_command(line)
        return True

    # Unbuffered, so that no second line hides from the main loop in a buffer.
    GLib.io_add_watch(os.fdopen(sys.stdin.fileno(), 'rb', buffering=0), GLib.IO_IN | GLib.IO_HUP, on_input)
    print('READY', flush=True)
    loop.run()


def main():
    options = options_read()
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    serve(Mock(dbus.bus.BusConnection(os.environ['DBUS_SYSTEM_BUS_ADDRESS']), options))


if __name__ == '__main__':
    main()
