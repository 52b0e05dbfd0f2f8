# SPDX-License-Identifier: MIT
"""Sensors that can be bought, as their makers' protocols describe them: what each advertises and offers, what starts it,
what it replies, and how it packs a signal. Written from the protocols alone, without the drivers in view; pure, without a bus.

A family packs `signal`: rows of microvolts at 1000 Hz, one value a channel (at least eight). packets() yields (UUID, bytes,
seconds since the start when it is sent)."""

import struct

SIGNAL_HZ = 1000


def sig(number):
    return f'0000{number}-0000-1000-8000-00805f9b34fb'


def myo(slot):
    return f'd506{slot}-a904-deb9-4748-2c7f4a124842'


def clip(value, low, high):
    return max(low, min(high, round(value)))


def resample(signal, rate_hz):
    """The nearest row for each moment: what a converter without a filter would see."""
    for i in range(int(len(signal) * rate_hz / SIGNAL_HZ)):
        yield signal[int(i * SIGNAL_HZ / rate_hz)]


def envelope(signal, rate_hz, seconds=0.5):
    """Rectified and smoothed, of the first channel."""
    level, keep = 0.0, 1 - 1 / (seconds * SIGNAL_HZ)
    step = SIGNAL_HZ / rate_hz
    for i, row in enumerate(signal):
        level = keep * level + (1 - keep) * abs(row[0])
        if i % step < 1:
            yield level


class Family:
    driver = name = service = ''
    advertised = []  # services in the advert
    characteristics = {}  # UUID: value when read, or None for one that notifies or is written to only
    has_battery_service = False

    def on_subscribe(self, uuid):
        """True: streaming begins."""
        return False

    def on_write(self, uuid, value):
        """Returns (streaming begins, stops or None, [(UUID, reply)])."""
        return None, []


class NpgLite(Family):
    driver, name = 'npg-lite', 'NPG-Lite-3CH:AB:CD'
    service = '4fafc201-1fb5-459e-8fcc-c5c9c331914b'
    data, control, battery = 'beb5483e-36e1-4688-b7f5-ea07361b26a8', sig('ff01'), 'f633d0ec-46b4-43c1-a39f-1ca06d0602e1'
    characteristics = {data: None, control: b'', battery: b'\x50'}
    channels, rate_hz, per_packet = 3, 500, 10

    def on_write(self, uuid, value):
        return {b'START': True, b'STOP': False}.get(bytes(value).upper()) if uuid == self.control else None, []

    def packets(self, signal):
        packet, counter = b'', 0
        for i, row in enumerate(resample(signal, self.rate_hz)):
            packet += struct.pack('>B', counter % 256)
            packet += struct.pack(f'>{self.channels}H', *(clip(2048 + uv, 0, 4095) for uv in row[:self.channels]))
            counter += 1
            if counter % self.per_packet == 0:
                yield self.data, packet, (i + 1) / self.rate_hz
                packet = b''
            if counter % (10 * self.rate_hz) == 0:
                yield self.battery, b'\x4f', (i + 1) / self.rate_hz


class NpgLite6(NpgLite):
    """Six channels, and the firmware that samples at 250 Hz."""
    name = 'NPG-Lite-6CH:AB:CE'
    channels, rate_hz, per_packet = 6, 250, 15


class Umyo(Family):
    driver, name = 'umyo', 'uMyo-4F'
    service = '93375900-f229-8b49-b397-44b5899b8601'
    data, label = 'fc7a850d-c1a5-f61f-0da7-9995621fbd01', 'fc7a850d-c1a5-f61f-0da7-9995621fbd02'
    characteristics = {data: b'', label: b'uMyo-4F\0'}
    rate_hz = 1130

    def on_subscribe(self, uuid):
        return uuid == self.data

    def packets(self, signal):
        values, sent = [], 0
        for i, row in enumerate(resample(signal, self.rate_hz)):
            values.append(clip(8000 + row[0] / 2.75, 0, 16383))
            if len(values) == 24:
                yield self.data, struct.pack('<I24h', sent, *values), (i + 1) / self.rate_hz
                sent += 24
                values = []
                if sent % 1200 == 0:  # motion, without a counter
                    yield self.data, struct.pack('<13h', *range(13)), (i + 1) / self.rate_hz


class Gforce(Family):
    driver, name = 'gforce', 'gForceProX-1'
    service = sig('ffd0')
    advertised = [service]
    command, data = 'f000ffe1-0451-4000-b000-000000000000', 'f000ffe2-0451-4000-b000-000000000000'
    characteristics = {command: None, data: None}
    twelve_bit = True

    def on_write(self, uuid, value):
        value = bytes(value)
        if uuid != self.command or not value:
            return None, []
        if value[0] == 0x3f:
            refused = value[6] == 12 and not self.twelve_bit
            return None, [(self.command, bytes([2 if refused else 0, 0x3f]))]
        if value[0] == 0x4f:
            flags, = struct.unpack('<I', value[1:5])
            return bool(flags & 0x80), [(self.command, b'\0\x4f')]
        if value[0] == 0x08:
            return None, [(self.command, b'\0\x08\x37')]
        return None, [(self.command, bytes([0, value[0]]))]

    def packets(self, signal):
        frames = 8 if self.twelve_bit else 16
        block = b''
        for i, row in enumerate(resample(signal, 500)):
            if self.twelve_bit:
                block += struct.pack('<8H', *(clip(2048 + uv / 0.509, 0, 4095) for uv in row[:8]))
            else:
                block += bytes(clip(128 + uv / 8.14, 0, 255) for uv in row[:8])
            if (i + 1) % frames == 0:
                yield self.data, b'\x08' + block, (i + 1) / 500
                block = b''


class GforceFragments(Gforce):
    """8 bits, and a link that carries 20 bytes."""
    name = 'gForcePro-2'
    twelve_bit = False

    def packets(self, signal):
        for uuid, packet, due_s in super().packets(signal):
            pieces = [packet[at:at + 18] for at in range(0, len(packet), 18)]
            for index, piece in enumerate(pieces):
                yield uuid, bytes([0xff, len(pieces) - 1 - index]) + piece, due_s


class Myo(Family):
    driver, name = 'myo', "someone's Myo"
    service = myo('0001')
    advertised = [service]
    emg = [myo('0105'), myo('0205'), myo('0305'), myo('0405')]
    command, firmware = myo('0401'), myo('0201')
    characteristics = {firmware: struct.pack('<4H', 1, 5, 1970, 2), command: None, **dict.fromkeys(emg), myo('0402'): None}
    has_battery_service = True

    def on_write(self, uuid, value):
        if uuid == self.command and value[0] == 1:
            return value[2] in (2, 3), []
        return None, []

    def packets(self, signal):
        block, turn = b'', 0
        for i, row in enumerate(resample(signal, 200)):
            block += struct.pack('8b', *(clip(uv / 8, -128, 127) for uv in row[:8]))
            if len(block) == 16:
                yield self.emg[turn], block, (i + 1) / 200
                block, turn = b'', (turn + 1) % 4


class Ganglion(Family):
    driver, name = 'ganglion', 'Ganglion 1.3 (1a2b)'
    service = sig('fe84')
    advertised = [service]
    data, send = '2d30c082-f39f-4ce6-923f-3484ea480596', '2d30c083-f39f-4ce6-923f-3484ea480596'
    characteristics = {data: None, send: None, sig('2a28'): b'3.0.2'}
    uv_per_count = 1.2e6 / (8388607 * 1.5 * 51)

    def on_write(self, uuid, value):
        return {b'b': True, b's': False}.get(bytes(value)) if uuid == self.send else None, []

    @staticmethod
    def pack(packet_id, fields):
        bits = 0
        for field in fields:
            cut = (field >> 6) & ~1
            bits = bits << 18 | (cut & 0x3ffff) | (cut < 0)
        return bytes([packet_id]) + bits.to_bytes(18, 'big') + b'\0'

    def packets(self, signal):
        """A round has 201 samples, the last of which is never sent; the first packet's id is 255."""
        pending, place, packet_id = [], 0, 255
        for i, row in enumerate(resample(signal, 200)):
            counts = [clip(uv / self.uv_per_count, -8388608, 8388607) for uv in row[:4]]
            if place == 200:
                place, packet_id = 0, 0
                continue
            place += 1
            pending += counts
            if len(pending) == 8:
                yield self.data, self.pack(packet_id, pending), (i + 1) / 200
                pending, packet_id = [], (packet_id + 1) % 256


class Bitalino(Family):
    driver, name = 'bitalino', 'BITalino'
    service = 'c566488a-0882-4e1b-a6d0-0b717e652234'
    advertised = [service]
    command, data = '4051eb11-bf0a-4c74-8730-a48f4193fcea', '40fdba6b-672e-47c4-808a-e529adff3633'
    characteristics = {command: None, data: None}

    def on_write(self, uuid, value):
        if uuid != self.command or value[0] == 0xff:
            return False if uuid == self.command else None, []
        return {1: True, 0: False}.get(value[0] & 3 if value[0] else 0), []

    @staticmethod
    def frame(sequence, value):
        """One channel."""
        bytes_ = bytearray([value << 2 & 0xff, value >> 6, sequence << 4])
        crc = 0
        for bit in range(20):  # all but the CRC's own
            bit_value = bytes_[bit // 8] >> (7 - bit % 8) & 1
            top = crc >> 3 & 1
            crc = crc << 1 & 0xf
            if top ^ bit_value:
                crc ^= 0x3
        bytes_[2] |= crc
        return bytes(bytes_)

    def packets(self, signal):
        stream = b''
        for i, row in enumerate(signal):
            stream += self.frame(i % 16, clip(512 + row[0] / 3.19, 0, 1023))
            while len(stream) >= 20:
                yield self.data, stream[:20], (i + 1) / 1000
                stream = stream[20:]


class M40(Family):
    driver, name = 'anr-m40', 'ANR Corp M40'
    service = sig('1815')
    data = sig('2a58')
    characteristics = {data: b'\0\0'}
    has_battery_service = True

    def on_subscribe(self, uuid):
        return uuid == self.data

    def packets(self, signal):
        for i, level in enumerate(envelope(signal, 10, 1)):
            yield self.data, struct.pack('<H', clip(2 * level, 0, 1023)), i / 10


class Myoware(Family):
    driver, name = 'myoware', 'MyoWareSensor1'
    service = 'ec3af789-2154-49f4-a9fc-bc6c88e9e930'
    advertised = [service]
    data = 'f3a56edf-8f1e-4533-93bf-5601b2e91308'
    characteristics = {data: b'0.00'}

    def on_subscribe(self, uuid):
        return uuid == self.data

    def packets(self, signal):
        for i, level in enumerate(envelope(signal, 25)):
            yield self.data, f'{4 * level:.2f}'.encode(), i / 25


class NordicText(Family):
    driver, name = 'nordic-text', 'MyoW1'
    service = '6e400001-b5a3-f393-e0a9-e50e24dcca9e'
    advertised = [service]
    data = '6e400003-b5a3-f393-e0a9-e50e24dcca9e'
    characteristics = {data: None, '6e400002-b5a3-f393-e0a9-e50e24dcca9e': None}

    def on_subscribe(self, uuid):
        return uuid == self.data

    def packets(self, signal):
        for i, level in enumerate(envelope(signal, 40)):
            text = f'{5 * level:.1f},{2048 + level:.0f}\r\n'.encode()
            # Cut anywhere.
            yield self.data, text[:i % len(text)] or text[:1], i / 40
            yield self.data, text[max(1, i % len(text)):], i / 40


FAMILIES = [NpgLite, NpgLite6, Umyo, Gforce, GforceFragments, Myo, Ganglion, Bitalino, M40, Myoware, NordicText]
