#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A mock of bluetoothd, as mock-bluez.py, for a bad night: sensors whose muscles go on while links, silences, bluetoothd and
adapters come and go, and which keep account of every packet that they made.

    mock-faults.py CLIPS SEED OPEN-SENSORS

CLIPS is a JSON object: "rest" and any further clips, each a list of microvolts at 1000 Hz. The first OPEN-SENSORS sensors
are of the open profile, the others two families without a counter that tells of every loss.

Further commands on standard input take a device's number and milliseconds: "lose" drops the link and the sensor is away,
"mute" stops its data, "play" lets its muscle do a clip. "kill" and "remove" take bluetoothd and the adapter away from all.
When what was taken is back, a line "there" says so; "flows" is said at the first packet after that or a start. "account"
writes down each sensor's packets. Radio also loses packets at random, as "lossy" says."""

import errno
import importlib.util
import json
import os
import random
import struct
import sys

import dbus
import dbus.bus
import dbus.mainloop.glib
from gi.repository import GLib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'support'))

import families  # noqa: E402
import packets  # noqa: E402


def load(name, file):
    spec = importlib.util.spec_from_file_location(name, os.path.join(HERE, file))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


mock_bluez = load('mock_bluez', 'mock-bluez.py')
mock_families = load('mock_families', 'mock-families.py')

RATE_HZ = families.SIGNAL_HZ
FRAMES = 20  # in a packet of the open profile
SCALE_UV = 0.1
TICK_MS = 4
# The kernel gives up a connection to a sensor that is not there after 20 s.
CONNECT_LIMIT_MS = 20000
CONNECT_LOOK_MS = 50
LONG_BURST = 40  # packets of the open profile: 0.8 s, which is no silence yet


class Muscle:
    """What a sensor is on: rest for ever, and clips over it. A row of equal channels for each millisecond."""

    def __init__(self, clips, offset, gain=1):
        self.clips, self.offset, self.gain = clips, offset, gain
        self.clip, self.clip_at = [], 0

    def play(self, clip, at):
        self.clip, self.clip_at = self.clips[clip], at

    def value(self, at):
        rest = self.clips['rest']
        if 0 <= at - self.clip_at < len(self.clip):
            return self.clip[at - self.clip_at] * self.gain
        return rest[(at + self.offset) % len(rest)] * self.gain

    def __len__(self):
        return sys.maxsize >> 20

    def __getitem__(self, at):
        return [self.value(at)] * 8


class Faulty:
    """What all sensors here share: faults, and the account."""

    def prepare(self, mock, number, gain):
        self.random = random.Random(f'{mock.seed} sensor {number}')
        self.muscle = Muscle(mock.clips, number * 7919, gain)
        self.stream = 0  # number of the start
        self.muted_until_us = self.there_us = 0
        self.wants_start = False  # silent until it is started again
        self.counts_muted = True
        self.losing = 0  # packets that the radio loses from now on
        self.flowed = False
        self.account = []  # stream, first frame, frames, fate, time
        self.connect_limit_us = 0

    @dbus.service.method(mock_bluez.DEVICE, async_callbacks=('reply', 'fail'))
    def Connect(self, reply, fail):
        """A sensor that is away is connected when it is back."""
        self.mock.count('Connect', self.path)
        if self.adapter['Discovering']:
            self.mock.complain('Connect while discovering')
        if any(d.connecting for d in self.mock.devices if d.adapter is self.adapter):
            self.mock.complain('two connects at once')
        if self['Connected']:
            reply()
            return
        self.connecting = fail
        self.connect_limit_us = mock_bluez.now_us() + CONNECT_LIMIT_MS * 1000
        self.later(self.mock.delays['connect'], lambda: self.look(reply, fail))

    def look(self, reply, fail):
        if self.in_range:
            self.establish(reply)
        elif mock_bluez.now_us() > self.connect_limit_us:
            self.end_connect(fail, mock_bluez.error('Failed', 'le-connection-abort-by-local'))
        else:
            self.later(CONNECT_LOOK_MS, lambda: self.look(reply, fail))

    def started(self):
        self.sending = True
        self.stream += 1
        self.losing = 0
        self.flowed = False
        if mock_bluez.now_us() >= self.muted_until_us:
            self.wants_start = False

    @property
    def mute(self):
        return self.wants_start or mock_bluez.now_us() < self.muted_until_us

    def radio_loses(self):
        single, several = self.mock.loss
        if self.losing == 0:
            draw = self.random.random()
            self.losing = 1 if draw < single else self.random.randint(2, LONG_BURST) if draw < single + several else 0
        if self.losing == 0:
            return False
        self.losing -= 1
        return True

    def hand_over(self, first, frames, give):
        """give() hands a packet to bluetoothd, unless it is lost before, and says what became of it."""
        if self.mute:
            self.flowed = False
            fate = 'muted' if self.counts_muted else 'not made'
        elif self.radio_loses():
            fate = 'lost'
        else:
            fate = give()
        if fate == 'sent' and not self.flowed:
            self.flowed = True
            mock_bluez.say('flows', device=self.number, time_us=mock_bluez.now_us())
        self.account.append((self.stream, first, frames, fate, mock_bluez.now_us()))


class OpenDevice(Faulty, mock_bluez.Device):
    def __init__(self, mock, number):
        mock_bluez.Device.__init__(self, mock, number, mock.address(number), mock.adapters[0])
        self.prepare(mock, number, gain=1)

    def start_sending(self):
        if self.sending and not self.mute:
            raise mock_bluez.error('Failed', 'Operation failed with ATT error: 0x81')
        self.started()
        self.begin = self.next = self.mock.frame()
        self.sequence = 0

    def give(self, packet):
        for thing in self.attributes:
            if isinstance(thing, mock_bluez.Characteristic) and thing.role == 'notify' and thing.socket:
                try:
                    thing.socket.send(packet)
                    return 'sent'
                except OSError as problem:
                    if problem.errno != errno.EAGAIN:
                        return 'closed'  # the reader has left, and this end is not told yet
                    self.mock.dropped += 1
                    return 'dropped'
        self.sending = False  # nobody subscribes: the profile has it stop
        return 'unheard'

    def tick(self):
        while self.sending and self.next + FRAMES <= self.mock.frame():
            first = self.next
            counts = [max(-32768, min(32767, round(self.muscle.value(first + i) / SCALE_UV))) for i in range(FRAMES)]
            packet = struct.pack(f'<HI{FRAMES}h', self.sequence & 0xffff, first - self.begin, *counts)
            self.next += FRAMES
            self.hand_over(first, FRAMES, lambda: self.give(packet))
            fate = self.account[-1][3]
            if fate != 'not made':
                self.sequence += 1
            if fate == 'sent':
                self.mock.counts[self.number].extend(counts)


class CounterlessDevice(Faulty, mock_families.FamilyDevice):
    def __init__(self, mock, number, family, rate_hz, frames):
        mock.signal = []  # nothing to play beforehand
        mock_families.FamilyDevice.__init__(self, mock, number, family)
        self.prepare(mock, number, gain=4)
        self.rate_hz, self.frames = rate_hz, frames
        self.timeline = family.packets(self.muscle)
        self.upcoming = None
        self.frame = 0

    def begin(self):
        if not self.sending:
            self.started()

    def tick(self):
        """What is due while nobody listens is gone."""
        now_s = self.mock.frame() / RATE_HZ
        while True:
            self.upcoming = self.upcoming or next(self.timeline)
            uuid, packet, due_s = self.upcoming
            if due_s > now_s:
                return
            self.upcoming = None
            if self.sending:
                self.hand_over(self.frame, self.frames, lambda: 'sent' if self.notify(uuid, packet) else 'unheard')
            self.frame += self.frames


class Mock(mock_bluez.Mock):
    def __init__(self, bus, clips, seed, open_sensors):
        with open(clips, encoding='ascii') as file:
            self.clips = json.load(file)
        self.seed = seed
        self.loss = (0, 0)
        self.quiet = False
        self.epoch_us = mock_bluez.now_us()
        super().__init__(bus, mock_bluez.options_read([
            '--address', self.address(0), '--service', packets.SERVICE, '--description', packets.DESCRIPTION, '--notify',
            packets.SAMPLES, '--control', packets.CONTROL, '--description-value',
            packets.describe(1, RATE_HZ, SCALE_UV).hex()]))
        self.devices = [OpenDevice(self, number) for number in range(open_sensors)]
        self.devices.append(CounterlessDevice(self, open_sensors, families.Myo(), rate_hz=200, frames=2))
        self.devices.append(CounterlessDevice(self, open_sensors + 1, families.Gforce(), rate_hz=500, frames=8))
        self.counts = [[] for _ in self.devices]
        GLib.timeout_add(TICK_MS, self.tick)

    @staticmethod
    def address(number):
        return f'C0:00:00:00:01:{number:02X}'

    def frame(self):
        return (mock_bluez.now_us() - self.epoch_us) * RATE_HZ // 1000000

    def tick(self):
        for device in self.devices if not self.quiet else []:
            device.tick()
        return True

    def back(self, devices, delay_ms, action):
        """After that time: action(), and the sensors are there again, unless they are away for longer."""
        until_us = mock_bluez.now_us() + delay_ms * 1000
        for device in devices:
            device.there_us = max(device.there_us, until_us)

        def run():
            action()
            for device in devices:
                if device.there_us <= until_us:
                    device.flowed = False
                    mock_bluez.say('there', device=device.number, time_us=mock_bluez.now_us())
            return False
        GLib.timeout_add(delay_ms, run)

    def cmd_lossy(self, single, several):
        self.loss = (single, several)

    def cmd_play(self, device, clip):
        self.devices[device].muscle.play(clip, self.frame())

    def cmd_lose(self, device, away_ms):
        self.cmd_range(False, device)
        self.cmd_drop(device)
        self.back([self.devices[device]], away_ms, lambda: self.cmd_range(True, device))

    def cmd_mute(self, device, away_ms, wants_start, counted):
        target = self.devices[device]
        target.muted_until_us = mock_bluez.now_us() + away_ms * 1000
        target.wants_start, target.counts_muted = wants_start, counted
        self.back([target], away_ms, lambda: None)

    def cmd_kill(self, away_ms):
        self.cmd_vanish()
        self.back(self.devices, away_ms, self.cmd_return)

    def cmd_remove(self, away_ms):
        self.cmd_unplug()
        self.back(self.devices, away_ms, self.cmd_plug)

    def cmd_account(self, file):
        """All sensors are quiet from now on."""
        self.quiet = True
        with open(file, 'w', encoding='ascii') as stream:
            json.dump({'epoch_us': self.epoch_us, 'sensors': [{'packets': device.account, 'counts': counts}
                                                              for device, counts in zip(self.devices, self.counts)]}, stream)


def main():
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.bus.BusConnection(os.environ['DBUS_SYSTEM_BUS_ADDRESS'])
    mock_bluez.serve(Mock(bus, sys.argv[1], sys.argv[2], int(sys.argv[3])))


if __name__ == '__main__':
    main()
