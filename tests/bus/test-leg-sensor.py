#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""leg-sensor against the part of bluetoothd that peripherals see: what it registers, how its characteristics answer,
and what comes over the socket. Reads the packets without the project's own code.

LEG_SENSOR is the program to test; WRAPPER may hold a command to run it under. Needs python3-dbus and python3-gi."""

import contextlib
import os
import re
import select
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
import dbus
import dbus.lowlevel
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

import packets
import tap
from privatebus import PrivateBus, die_with_parent

dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)

ADAPTER_ADDRESS = '00:AA:01:01:00:01'
LIMIT_S = 60
CHANNELS, FRAMES = 4, 700
SERVICE, CHARACTERISTIC = 'org.bluez.GattService1', 'org.bluez.GattCharacteristic1'
SIG = '0000{}-0000-1000-8000-00805f9b34fb'
PROPERTIES = 'org.freedesktop.DBus.Properties'


class Adapter(dbus.service.Object):
    """hci1, with both managers. Notes who registered what, and refuses what it is told to."""

    def __init__(self, bus, refuse):
        super().__init__(bus, '/org/bluez/hci1')
        self.refuse = refuse
        self.powered = False
        self.application = self.advertisement = self.owner = None

    def _refuse(self, what):
        if what == self.refuse:
            raise dbus.DBusException('Not today', name='org.bluez.Error.Failed')

    @dbus.service.method(PROPERTIES, in_signature='ss', out_signature='v')
    def Get(self, _interface, name):
        return {'Address': ADAPTER_ADDRESS, 'Powered': self.powered}[name]

    @dbus.service.method(PROPERTIES, in_signature='ssv')
    def Set(self, _interface, name, value):
        assert name == 'Powered'
        self.powered = bool(value)

    @dbus.service.method('org.bluez.GattManager1', in_signature='oa{sv}', sender_keyword='sender')
    def RegisterApplication(self, path, _options, sender=None):
        self._refuse('application')
        self.application, self.owner = path, sender

    @dbus.service.method('org.bluez.GattManager1', in_signature='o')
    def UnregisterApplication(self, path):
        assert path == self.application
        self.application = None

    @dbus.service.method('org.bluez.LEAdvertisingManager1', in_signature='oa{sv}')
    def RegisterAdvertisement(self, path, _options):
        self._refuse('advertisement')
        self.advertisement = path

    @dbus.service.method('org.bluez.LEAdvertisingManager1', in_signature='o')
    def UnregisterAdvertisement(self, path):
        assert path == self.advertisement
        self.advertisement = None


def wait(condition, what):
    """Lets the bus's messages in meanwhile."""
    def turn():
        while GLib.MainContext.default().iteration(False):
            pass
        return condition()
    return tap.wait_until(turn, LIMIT_S, what)


class LegSensor:
    def __init__(self, bus, adapter, *arguments, stdin=subprocess.DEVNULL):
        self.bus, self.adapter = bus, adapter
        wrapper = shlex.split(os.environ.get('WRAPPER', ''))
        self.process = subprocess.Popen(wrapper + [os.environ['LEG_SENSOR'], '--adapter', 'hci1', *arguments],
                                        stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        bufsize=0, preexec_fn=die_with_parent)
        self._output, self._lines = b'', []

    def line(self, pattern):
        """The next line that matches; those before it are passed over."""
        def found():
            if select.select([self.process.stdout], [], [], 0)[0]:
                self._output += self.process.stdout.read(4096)
                *lines, self._output = self._output.split(b'\n')
                self._lines += [line.decode() for line in lines]
            while self._lines:
                match = re.fullmatch(pattern, self._lines.pop(0))
                if match:
                    return match
            return None
        return wait(found, pattern)

    def object(self, path, interface):
        return dbus.Interface(self.bus.get_object(self.adapter.owner, path, introspect=False), interface)

    def objects(self):
        manager = self.object(self.adapter.application, 'org.freedesktop.DBus.ObjectManager')
        return manager.GetManagedObjects()

    def characteristic(self, uuid):
        path, = (path for path, interfaces in self.objects().items()
                 if interfaces.get(CHARACTERISTIC, {}).get('UUID') == uuid)
        return self.object(path, CHARACTERISTIC)

    def read(self, uuid, **options):
        return bytes(self.characteristic(uuid).ReadValue(dbus.Dictionary(options, signature='sv')))

    def write(self, *value, uuid=packets.CONTROL, **options):
        options.setdefault('mtu', dbus.UInt16(517))
        self.characteristic(uuid).WriteValue(dbus.Array(map(dbus.Byte, value), signature='y'),
                                                        dbus.Dictionary(options, signature='sv'))

    def refusal(self, *value):
        """(name, text) of the error that this write gets."""
        try:
            self.write(*value)
        except dbus.DBusException as error:
            return error.get_dbus_name().rpartition('.')[2], error.get_dbus_message()
        raise AssertionError(f'{value} was accepted')

    def subscribe(self, mtu=517, uuid=packets.SAMPLES):
        fd, got = self.characteristic(uuid).AcquireNotify(
            dbus.Dictionary({'mtu': dbus.UInt16(mtu)}, signature='sv'))
        assert got == mtu
        return socket.socket(fileno=fd.take())

    def stop(self, expected=0):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        wait(lambda: self.process.poll() is not None, 'the end of leg-sensor')
        assert self.process.returncode == expected, self.process.returncode
        text = self.process.stderr.read().decode()
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()
        return text


def recording_write(folder):
    """Frame after frame of counts that tell where they are from."""
    path = os.path.join(folder, 'night.csv')
    with open(path, 'w', encoding='ascii') as file:
        file.write(','.join(f'C{i}_counts' for i in range(CHANNELS)) + '\n')
        for frame in range(FRAMES):
            file.write(','.join(str(frame + 1000 * i) for i in range(CHANNELS)) + '\n')
    return path


@contextlib.contextmanager
def world(*arguments, refuse=None, stdin=subprocess.DEVNULL):
    """A bus, an adapter, and leg-sensor; ready, unless the adapter refuses."""
    with tempfile.TemporaryDirectory() as folder, PrivateBus() as private:
        bus = dbus.bus.BusConnection(private.address)
        bus.set_exit_on_disconnect(False)
        name = dbus.service.BusName('org.bluez', bus)
        adapter = Adapter(bus, refuse)
        sensor = LegSensor(bus, adapter, '--rate', '1000', *arguments, recording_write(folder), stdin=stdin)
        sensor.name = name
        try:
            if not refuse:
                sensor.line(f'READY address {ADAPTER_ADDRESS}')
            yield sensor
        finally:
            if sensor.process.poll() is None:
                sensor.process.kill()
                sensor.process.wait()
            adapter.remove_from_connection()
            bus.close()


def receive(reader, frames=None):
    """Packets until that many frames have come, or until the other end closes: list of (sequence, counter, frames)."""
    result, count, end = [], 0, time.monotonic() + LIMIT_S
    reader.setblocking(False)
    while frames is None or count < frames:
        assert time.monotonic() < end, f'{count} frames in {LIMIT_S} s'
        if not select.select([reader], [], [], 0.05)[0]:
            continue
        packet = reader.recv(1000)
        if not packet:
            break
        sequence, counter = struct.unpack_from('<HI', packet)
        values = struct.unpack(f'<{(len(packet) - 6) // 2}h', packet[6:])
        assert len(values) % CHANNELS == 0
        result.append((sequence, counter, [values[i:i + CHANNELS] for i in range(0, len(values), CHANNELS)]))
        count += len(values) // CHANNELS
    return result


def check_packets(got, longest):
    """All of the recording that these packets hold, from its beginning."""
    counter = 0
    for number, (sequence, first, frames) in enumerate(got):
        assert sequence == number and first == counter, (number, sequence, first, counter)
        assert 1 <= len(frames) <= longest, len(frames)
        for i, frame in enumerate(frames):
            assert frame == tuple(counter + i + 1000 * channel for channel in range(CHANNELS)), (counter + i, frame)
        counter += len(frames)
    return counter


def test_registers_profile():
    with world('--muscle', 'soleus', '--leg', 'left', '--name', 'calf') as sensor:
        assert sensor.adapter.powered
        tree = sensor.objects()
        services = {str(interfaces[SERVICE]['UUID']): path for path, interfaces in tree.items() if SERVICE in interfaces}
        assert set(services) == {packets.SERVICE, SIG.format('180a'), SIG.format('180f')}, services
        assert all(tree[path][SERVICE]['Primary'] for path in services.values())
        characteristics = {}
        for path, interfaces in tree.items():
            values = interfaces.get(CHARACTERISTIC)
            if values:
                assert path.startswith(values['Service'] + '/')
                characteristics[str(values['UUID'])] = (str(values['Service']), [str(flag) for flag in values['Flags']])
        emg = services[packets.SERVICE]
        assert characteristics[packets.SAMPLES] == (emg, ['notify'])
        assert characteristics[packets.DESCRIPTION] == (emg, ['read'])
        assert characteristics[packets.CONTROL] == (emg, ['write'])
        assert characteristics[SIG.format('2a19')] == (services[SIG.format('180f')], ['read'])
        assert characteristics[SIG.format('2a26')] == (services[SIG.format('180a')], ['read'])
        advertisement = sensor.object(sensor.adapter.advertisement, PROPERTIES).GetAll('org.bluez.LEAdvertisement1')
        assert advertisement['Type'] == 'peripheral' and advertisement['LocalName'] == 'calf', advertisement
        assert list(advertisement['ServiceUUIDs']) == [packets.SERVICE], advertisement

        expected = packets.describe(CHANNELS, 1000, 0, leg=1, muscles=(4,) * CHANNELS)
        assert sensor.read(packets.DESCRIPTION) == expected
        assert sensor.read(packets.DESCRIPTION, offset=dbus.UInt16(5)) == expected[5:]
        assert sensor.read(SIG.format('2a19')) == b'\x64'
        assert sensor.read(SIG.format('2a29'))


def test_plays_all_of_the_recording():
    with world() as sensor, sensor.subscribe() as reader:
        for _ in range(2):
            sensor.write(1)
            sensor.line('STARTED')
            got = receive(reader, FRAMES)
            assert check_packets(got, 29) == FRAMES
            finished = sensor.line(r'FINISHED packets=(\d+) frames=(\d+) dropped=(\d+)')
            assert [int(number) for number in finished.groups()] == [len(got), FRAMES, 0]


def test_keeps_to_the_link():
    # Two bytes less than ATT_MTU - 3, as bluetoothd cuts there; but one frame at least.
    for mtu, longest in ((517, 29), (63, 6), (27, 2), (26, 1), (23, 1)):
        with world() as sensor, sensor.subscribe(mtu) as reader:
            sensor.write(1, mtu=dbus.UInt16(mtu))
            got = receive(reader, 100)
            check_packets(got, longest)
            assert max(len(frames) for _, _, frames in got) == longest, mtu


def test_packet_size_can_be_given():
    with world('--mtu-payload', '86') as sensor, sensor.subscribe() as reader:
        sensor.write(1)
        got = receive(reader, 100)
        assert max(len(frames) for _, _, frames in got) == 10


def test_control_point_answers():
    with world() as sensor:
        assert sensor.refusal(1) == ('Failed', '0x81')  # nobody is subscribed
        sensor.write(2)
        assert sensor.refusal(0) == ('Failed', '0x80')
        assert sensor.refusal(4, 1) == ('Failed', '0x80')
        for wrong in ((), (1, 0), (2, 0), (3,), (3, 1, 1)):
            assert sensor.refusal(*wrong)[0] == 'InvalidValueLength', wrong
        sensor.write(3, 7)
        sensor.line('IDENTIFY seconds=7')
        with sensor.subscribe() as reader:
            sensor.write(1)
            assert sensor.refusal(1) == ('Failed', '0x81')
            receive(reader, 50)
            sensor.write(2)
            sensor.line('STOPPED .*')


def test_unsubscribing_stops():
    with world('--loop') as sensor:
        for _ in range(2):
            with sensor.subscribe() as reader:
                sensor.write(1)
                sensor.line('STARTED')
                check_packets(receive(reader, 50), 29)
            stopped = sensor.line(r'STOPPED packets=(\d+) frames=\d+ dropped=0')
            assert int(stopped.group(1)) > 0
            wait(lambda: sensor.refusal(1) == ('Failed', '0x81'), 'the end of the subscription')


def test_link_loss_stops():
    # bluetoothd keeps the socket of a bonded client.
    device = '/org/bluez/hci1/dev_00_AA_01_00_00_42'
    with world('--loop') as sensor, sensor.subscribe() as reader:
        sensor.write(1, device=dbus.ObjectPath(device))
        sensor.line('STARTED')
        receive(reader, 50)
        for name, value in (('RSSI', dbus.Int16(-50)), ('Connected', dbus.Boolean(False))):
            message = dbus.lowlevel.SignalMessage(device, PROPERTIES, 'PropertiesChanged')
            message.append('org.bluez.Device1', {name: value}, [], signature='sa{sv}as')
            sensor.bus.send_message(message)
        sensor.line('STOPPED .*')
        reader.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while reader.recv(1000):
                pass
        sensor.write(1)  # still subscribed
        sensor.line('STARTED')
        assert receive(reader, 1)[0][:2] == (0, 0)


def test_loop_goes_on_counting():
    with world('--loop') as sensor, sensor.subscribe() as reader:
        sensor.write(1)
        got = receive(reader, FRAMES + 100)
        counter = 0
        for number, (sequence, first, frames) in enumerate(got):
            assert (sequence, first) == (number, counter)
            assert frames[0][0] == counter % FRAMES
            counter += len(frames)


def datagrams(reader):
    """All that waits in a socket."""
    result = []
    reader.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while packet := reader.recv(1000):
            result.append(packet)
    return result


TOTALS = r' packets=(\d+) frames=(\d+) dropped=(\d+) lost=(\d+) duplicated=(\d+) malformed=(\d+) silenced=(\d+)'
MYO, NPG_LITE = 'd506{}-a904-deb9-4748-2c7f4a124842', {
    'data': 'beb5483e-36e1-4688-b7f5-ea07361b26a8', 'control': '0000ff01-0000-1000-8000-00805f9b34fb',
    'battery': 'f633d0ec-46b4-43c1-a39f-1ca06d0602e1'}


def test_family_takes_turns():
    with world('--family', 'myo') as sensor, contextlib.ExitStack() as stack:
        readers = [stack.enter_context(sensor.subscribe(uuid=MYO.format(f'0{n}05'))) for n in range(1, 5)]
        assert sensor.read(MYO.format('0201')) == struct.pack('<4H', 1, 5, 1970, 2)
        sensor.write(1, 3, 2, 1, 0, uuid=MYO.format('0401'))
        sensor.line('STARTED')
        # 0.7 s at 200 Hz, two frames a packet. None comes before the one before it was read.
        got, order = [[] for _ in readers], []
        while len(order) < 70:
            ready = select.select(readers, [], [], LIMIT_S)[0]
            assert ready, f'nothing came after {order}'
            for number in [number for number, reader in enumerate(readers) if reader in ready]:
                order.append(number)
                got[number].append(readers[number].recv(1000))
        assert order == [number % 4 for number in range(70)], order
        finished = sensor.line('FINISHED' + TOTALS)
        assert [int(number) for number in finished.groups()] == [70, 140, 0, 0, 0, 0, 0], finished.groups()
        assert [len(ones) for ones in got] == [18, 18, 17, 17], got
        assert all(len(packet) == 16 for ones in got for packet in ones)


def npg_lite_play(*arguments, line=None):
    """(packets that came, numbers of the totals)"""
    with world('--family', 'npg-lite', *arguments, stdin=subprocess.PIPE) as sensor, \
            sensor.process.stdin, sensor.subscribe(uuid=NPG_LITE['data']) as reader:
        if line:
            sensor.process.stdin.write(line)
            tap.wait_until(lambda: sensor.read(NPG_LITE['battery']) == b'\x04', LIMIT_S, 'obedience')
        sensor.write(*b'START', uuid=NPG_LITE['control'])
        finished = sensor.line('FINISHED' + TOTALS)
        return datagrams(reader), [int(number) for number in finished.groups()]


def test_faults_are_told():
    got, totals = npg_lite_play()
    assert [packet[0] for packet in got] == [number * 10 % 256 for number in range(35)]
    assert totals == [35, 350, 0, 0, 0, 0, 0], totals

    got, (sent, frames, dropped, lost, twice, spoiled, silenced) = npg_lite_play(
        '--fault', 'loss=0.3,duplicate=0.2,malformed=0.2', '--seed', '5')
    assert lost > 0 and twice > 0 and spoiled > 0 and dropped == silenced == 0
    assert sent == len(got) == 35 - lost + twice, (sent, len(got), lost, twice)
    assert sum(len(packet) != 70 for packet in got) == spoiled
    assert frames == 10 * (35 - lost - spoiled)


def test_faults_come_by_standard_input():
    got, totals = npg_lite_play(line=b'loss 1\nbattery 4\n')
    assert not got and totals == [0, 0, 0, 35, 0, 0, 0], totals


def test_samples_before_the_start():
    """As sensors send that were streaming when the link broke."""
    with world('--family', 'npg-lite', '--fault', 'early') as sensor, sensor.subscribe(uuid=NPG_LITE['data']) as reader:
        sensor.line('FINISHED' + TOTALS)
        assert len(datagrams(reader)) == 35


def test_slow_answers():
    """The reply to a command comes, but late."""
    for fault, least in ((), 0), (('--fault', 'slow-answers=400'), 0.4):
        with world('--family', 'npg-lite', *fault) as sensor, sensor.subscribe(uuid=NPG_LITE['control']) as reader:
            began = time.monotonic()
            sensor.write(*b'WHORU', uuid=NPG_LITE['control'])
            reader.settimeout(LIMIT_S)
            assert reader.recv(100) == b'NPG-LITE'
            assert time.monotonic() - began >= least


def test_ends_cleanly():
    with world() as sensor:
        assert sensor.stop() == ''
        wait(lambda: not sensor.adapter.application and not sensor.adapter.advertisement, 'taking back')


def test_refusals_are_told():
    for what in ('application', 'advertisement'):
        with world(refuse=what) as sensor:
            wait(lambda: sensor.process.poll() is not None, 'the end of leg-sensor')
            text = sensor.stop(69)
            assert 'Not today' in text and text.startswith('leg-sensor: '), text


def test_end_of_bluetoothd_is_told():
    with world() as sensor:
        sensor.bus.release_name('org.bluez')
        wait(lambda: sensor.process.poll() is not None, 'the end of leg-sensor')
        assert 'bluetoothd has ended' in sensor.stop(69)


def run(*arguments):
    done = subprocess.run([os.environ['LEG_SENSOR'], *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=LIMIT_S, check=False)
    return done.returncode, done.stdout, done.stderr


def test_command_line():
    code, out, err = run('--help')
    assert code == 0 and out.startswith('leg-sensor ') and not err
    for option in ('--adapter', '--name', '--muscle', '--leg', '--rate', '--loop', '--mtu-payload', '--family',
                   '--variant', '--fault', '--seed'):
        assert option in out, option
    assert run('--version')[0] == 0
    for arguments in ((), ('a', 'b'), ('--muscle', 'calf', 'x'), ('--leg', 'up', 'x'), ('--rate', '20', 'x'),
                      ('--mtu-payload', '19', 'x'), ('--mtu-payload', '600', 'x'), ('--adapter', '../x', 'x'),
                      ('--nonsense', 'x'), ('--variant', 's2', 'x'), ('--fault', 'early', 'x')):
        code, out, err = run(*arguments)
        assert code == 64 and not out and 'leg-sensor: ' in err, (arguments, code, err)
    code, _, err = run('/nonexistent/night.edf')
    assert code == 66 and '/nonexistent/night.edf' in err, (code, err)
    with tempfile.NamedTemporaryFile('w', suffix='.csv') as file:
        file.write('C0_uV\n1\noops\n')
        file.flush()
        code, _, err = run('--rate', '1000', file.name)
        assert code == 65 and f'{file.name}:3:' in err, (code, err)
        file.seek(0)
        file.write('C0_uV\n1\n2\n3\n4\n')
        file.truncate()
        file.flush()
        for wrong in (('--family', 'nobody'), ('--family', 'umyo', '--variant', 's9'),
                      ('--family', 'umyo', '--fault', 'loss=2')):
            code, _, err = run('--rate', '1000', *wrong, file.name)
            assert code == 64 and '--help' in err, (wrong, code, err)
        with PrivateBus():
            code, _, err = run('--rate', '1000', '--adapter', 'hci7', file.name)
            assert code == 69 and 'hci7' in err, (code, err)


tap.main(globals())
