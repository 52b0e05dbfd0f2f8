# SPDX-License-Identifier: MIT
"""crampctl record as a black box, over a fake stream: gaps held or the end of a file, counts that need 24 bits, names, the ends
that a recording may have, and a disk that is full. The files are read by biosig, and again by crampctl analyze."""

import json
import os
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import biosig

import edfheader
import tap
from crampctl import CRAMPCTL, WRAPPER, environment, run
from fakecrampd import FakeCrampd
from privatebus import PrivateBus

RATE_HZ = 250
TIME_US = 1795396445250000
PIECE = 50


def value(index, channel):
    return (index * 37 + channel * 1000) % 4001 - 2000


def beside(motion_mg=None, company_percent=None):
    """What the detector heard besides: of an accelerometer three values, () = not known, None = there is none."""
    which = (1 if motion_mg is not None else 0) | (2 if company_percent is not None else 0)
    return struct.pack('<I4i', which, *(motion_mg or (-2**31,) * 3), -1 if company_percent is None else company_percent)


def datagrams(first, end, counts=value, channels=2, after_gap=False, behind=b''):
    """Frames first to end, 50 at a time."""
    data = []
    for start in range(first, end, PIECE):
        frames = range(start, min(start + PIECE, end))
        head = struct.pack('<QQHHI', TIME_US + start * 1000000 // RATE_HZ, start, channels, len(frames), int(after_gap))
        data.append(head + b''.join(struct.pack('<i', counts(index, channel)) for index in frames for channel in range(channels))
                    + bytes(4 * len(frames) * channels) + behind)
        after_gap = False
    return data


class Recording:
    """A running crampctl record of the sensor a1."""

    def __init__(self, fake, *arguments, env=None, **options):
        self.fake = fake
        fake.do('set', key='stream_details', value={'rate_hz': float(RATE_HZ), 'scale_uv': 0.25})
        self.process = subprocess.Popen([*WRAPPER, CRAMPCTL, 'record', 'a1', *arguments], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=env or environment(), **options)
        tap.wait_until(lambda: fake.subscribers() or self.process.poll() is not None, limit_s=30, what='crampctl to subscribe')

    def send(self, data):
        """What does not fit into the socket waits for the reader, and for nobody when that has ended."""
        for piece in data:
            tap.wait_until(lambda: self.fake.do('datagrams', sensor='a1', datagrams=[piece.hex()]) or self.process.poll() is not None,
                           limit_s=30, what='the reader')

    def end(self, number=signal.SIGTERM, code=0):
        self.process.send_signal(number)
        return self.wait(code)

    def wait(self, code=0):
        out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == code, (self.process.returncode, out, err)
        assert (err != '') == (code != 0), err
        return out if code == 0 else err


def digital(path):
    """biosig gives physical values; the header's own fields lead back to the digital ones."""
    header = edfheader.header(path)
    raw, data = path.read_bytes(), biosig.data(str(path))
    signals = int(raw[252:256])

    def fields(offset):
        return [float(raw[256 + signals * offset + i * 8:][:8]) for i in range(data.shape[1])]
    limits = list(zip(*map(fields, (104, 112, 120, 128))))
    return header, [[round((sample - low) / (high - low) * (top - bottom) + bottom) for sample in data[:, i]]
                    for i, (low, high, bottom, top) in enumerate(limits)]


def events(header):
    return [(event['Description'], event['POS'], event.get('DUR', 0)) for event in header.get('EVENT', [])]


def test_gaps_up_to_ten_seconds_are_held():
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'night.edf'
        recording = Recording(fake, '-o', str(path), '--json')
        recording.send(datagrams(1000, 1300))
        recording.send(datagrams(1300 + 10 * RATE_HZ, 5013, after_gap=True))
        told = json.loads(recording.end())
        assert told == {'file': str(path), 'files': 1, 'length_s': 4013 / RATE_HZ, 'frames': 1513, 'gaps': 1, 'clamped': 0}
        header, samples = digital(path)
        held = [value(1299, 0)] * (10 * RATE_HZ)
        want = [value(i, 0) for i in range(1000, 1300)] + held + [value(i, 0) for i in range(3800, 5013)]
        assert samples[0][:4013] == want
        # The header's second is that of the first frame, and the rest is told in the first record: see test-export.
        offset = (TIME_US + 4000000) % 1000000 / 1e6
        got = {text: (at, length) for text, at, length in events(header)}
        assert abs(got['No data'][0] - offset - 300 / RATE_HZ) < 0.005 and abs(got['No data'][1] - 10) < 0.005, got
        assert abs(got['Recording ends'][0] - offset - 4013 / RATE_HZ) < 0.005, got
        assert os.stat(path).st_mode & 0o777 == 0o600


def test_what_is_heard_besides_is_recorded():
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        recording = Recording(fake, '-o', str(Path(folder) / 'night.edf'), '--json')
        recording.send(datagrams(0, 100))
        # A place for it begins a file, and so does what 16 bits cannot hold.
        recording.send(datagrams(100, 200, behind=beside((), -1)))
        recording.send(datagrams(200, 250, behind=beside((1000, -7, 0), 250)))
        recording.send(datagrams(250, 300, behind=beside((-32767, 32767, 1), 30000)))
        recording.send(datagrams(300, 350, behind=beside(None, None)))  # as far as it holds, it is not known
        recording.send(datagrams(350, 400, behind=beside((32768, 0, -1048576), 100)))
        told = json.loads(recording.end())
        assert told['files'] == 3 and told['frames'] == 400, told
        assert sorted(os.listdir(folder)) == ['night-2.edf', 'night-3.bdf', 'night.edf']
        assert len(digital(Path(folder) / 'night.edf')[1]) == 2
        header, (*muscles, x, y, z, others) = digital(Path(folder) / 'night-2.edf')
        assert [channel['Label'] for channel in header['CHANNEL']][:6] == ['EMG 1', 'EMG 2', 'ACC X', 'ACC Y', 'ACC Z', 'Other sensors']
        assert [channel['PhysicalUnit'] for channel in header['CHANNEL']][2:6] == ['g', 'g', 'g', '%']
        assert [channel[:250] for channel in muscles] == [[value(i, channel) for i in range(100, 350)] for channel in range(2)]
        assert x[:250] == [-32768] * 100 + [1000] * 50 + [-32767] * 50 + [-32768] * 50
        assert y[:250] == [-32768] * 100 + [-7] * 50 + [32767] * 50 + [-32768] * 50
        assert z[:250] == [-32768] * 100 + [0] * 50 + [1] * 50 + [-32768] * 50
        assert others[:250] == [-1] * 100 + [250] * 50 + [30000] * 50 + [-1] * 50
        x, y, z, others = digital(Path(folder) / 'night-3.bdf')[1][2:]
        assert (x[:50], y[:50], z[:50], others[:50]) == ([32768] * 50, [0] * 50, [-1048576] * 50, [100] * 50)
        # A trailer of another length makes no sense.
        recording = Recording(fake, '-o', str(Path(folder) / 'odd.edf'))
        recording.send(datagrams(0, 50, behind=beside((), 1)[:-1]))
        assert 'makes no sense' in recording.wait(76)


def test_longer_gaps_and_new_streams_begin_files():
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'night.edf'
        (Path(folder) / 'night-3.edf').write_text('somebody else\'s', encoding='utf-8')
        recording = Recording(fake, '-o', str(path), '--json')
        recording.send(datagrams(0, 500))
        recording.send(datagrams(500 + 10 * RATE_HZ + 1, 3600))  # 10 s and a frame
        recording.send(datagrams(0, 250))  # the stream has begun anew
        told = json.loads(recording.end(signal.SIGINT))
        assert told['files'] == 3 and told['frames'] == 500 + 599 + 250, told
        assert sorted(os.listdir(folder)) == ['night-2.edf', 'night-3.edf', 'night-4.edf', 'night.edf']
        assert (Path(folder) / 'night-3.edf').read_text(encoding='utf-8') == 'somebody else\'s'
        assert digital(Path(folder) / 'night-2.edf')[1][1][:599] == [value(i, 1) for i in range(3001, 3600)]
        assert digital(Path(folder) / 'night-4.edf')[1][1][:250] == [value(i, 1) for i in range(250)]
        recording = Recording(fake, '-o', str(path))
        recording.send(datagrams(0, 250))
        assert 'exists already' in recording.wait(73)


def test_what_others_made_is_not_written_to():
    """In a folder of several users: links are not followed, and --force makes a new file in the place of the old one."""
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        path, kept = Path(folder) / 'night.edf', Path(folder) / 'kept'
        kept.write_text('mine', encoding='utf-8')
        kept.chmod(0o644)
        os.link(kept, path)
        recording = Recording(fake, '-o', str(path), '--force')
        recording.send(datagrams(0, 250))
        recording.end()
        assert kept.read_text(encoding='utf-8') == 'mine'
        assert digital(path)[1][0][:250] == [value(i, 0) for i in range(250)] and path.stat().st_mode & 0o777 == 0o600
        for target in (kept, Path(folder) / 'nowhere'):
            path.unlink()
            path.symlink_to(target)
            recording = Recording(fake, '-o', str(path), '--force')
            recording.send(datagrams(0, 250))
            assert 'exists already' in recording.wait(73)
            assert kept.read_text(encoding='utf-8') == 'mine' and sorted(os.listdir(folder)) == ['kept', 'night.edf']


def test_more_than_16_bits():
    def large(index, channel):
        return 8388607 - index if channel else -8388608 + index

    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'night.edf'
        recording = Recording(fake, '-o', str(path), '--json')
        recording.send(datagrams(0, 250))
        recording.send(datagrams(250, 500, counts=large))
        recording.send(datagrams(500, 750))
        told = json.loads(recording.end())
        assert told['files'] == 2 and sorted(os.listdir(folder)) == ['night-2.bdf', 'night.edf'], told
        header, samples = digital(Path(folder) / 'night-2.bdf')
        assert header['TYPE'] == 'BDF'
        assert [channel[:500] for channel in samples] == [
            [large(i, channel) for i in range(250, 500)] + [value(i, channel) for i in range(500, 750)] for channel in (0, 1)]

        # A 32-bit count has no place in 24 bits: the highest stands for it, and that is said.
        for language, said in (('en', 'en.bdf: 1.0 s in 1 file, 0 gaps\n4 values were beyond 24 bits'),
                               ('de', 'de.bdf: 1,0 s in 1 Datei, 0 Lücken\n4 Werte passten nicht in 24 Bit')):
            recording = Recording(fake, '-o', str(Path(folder) / f'{language}.bdf'), env=environment(LANGUAGE=language))
            recording.send(datagrams(0, 250, counts=lambda index, channel: 2**31 - 1 if index < 2 else 7))
            assert said in recording.end()


def test_alerts_are_annotated():
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'night.edf'
        recording = Recording(fake, '-o', str(path), '--json')
        recording.send(datagrams(0, 10 * RATE_HZ))
        fake.do('signal', member='AlertRaised')
        fake.do('signal', member='AlertEnded')
        recording.send(datagrams(10 * RATE_HZ, 80 * RATE_HZ))
        recording.end()
        got = {text: (at, length) for text, at, length in events(digital(path)[0])}
        # Onset at the first frame, alert 5.75 s later, 65 s long; the header's second is 0.25 s before.
        assert abs(got['Cramp'][0] - 0.25) < 0.005 and abs(got['Cramp'][1] - 65) < 0.01, got
        assert abs(got['Alert: moderate'][0] - 6) < 0.005, got


def whole_records(path):
    """How many the header tells of, and the size of a file that ends with them; None before it tells of any."""
    raw = path.read_bytes() if path.exists() else b''
    if len(raw) < 1000 or int(raw[236:244]) < 1:
        return None
    signals = int(raw[252:256])
    samples = sum(int(raw[256 + signals * 216 + i * 8:][:8]) for i in range(signals))
    return int(raw[236:244]), int(raw[184:192]) + int(raw[236:244]) * 2 * samples


def test_what_was_written_before_a_kill():
    """The header tells of whole records every half minute of signal."""
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'night.edf'
        recording = Recording(fake, '-o', str(path))
        recording.send(datagrams(0, 40 * RATE_HZ))
        tap.wait_until(lambda: whole_records(path) and os.path.getsize(path) > whole_records(path)[1], limit_s=30,
                       what='the header to tell of records, and more to come')
        recording.process.kill()
        recording.process.communicate()
        records, _ = whole_records(path)
        assert records >= 28, records
        # Cut as we are told to, it is a file like any other.
        remedy = re.search(r'truncate -s [0-9]+', run('analyze', str(path), code=65)).group()
        subprocess.run([*remedy.split(), str(path)], check=True)
        frames = records * RATE_HZ
        assert digital(path)[1][0][:frames] == [value(i, 0) for i in range(frames)]
        assert run('analyze', '--json', str(path)) == ''


def test_a_full_disk():
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'night.edf'
        recording = Recording(fake, '-o', str(path), restore_signals=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)))
        recording.send(datagrams(0, 60 * RATE_HZ))
        assert 'cannot write' in recording.wait(73)


def test_ends_and_usage():
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        # Nothing came.
        recording = Recording(fake, '-o', os.path.join(folder, 'none.edf'))
        assert 'nothing came' in recording.end(code=69)
        assert os.listdir(folder) == []
        # As long as told; the pieces are whole.
        recording = Recording(fake, '-o', os.path.join(folder, 'nights'), '--duration', '2s', '--json')
        recording.send(datagrams(0, 3 * RATE_HZ))
        told = json.loads(recording.wait())
        assert told['length_s'] == 2 and os.listdir(os.path.join(folder, 'nights')) == ['20261123T011405.edf'], told
        # The sensor was removed.
        recording = Recording(fake, '-o', os.path.join(folder, 'gone.edf'), '--no-legend')
        recording.send(datagrams(0, RATE_HZ))
        fake.answer('OpenStream', 'error org.crampd1.Error.NoSuchSensor')
        fake.do('close_streams')
        assert recording.wait() == ''
        for arguments in ([], ['a1'], ['-o', 'x'], ['-o', '-', 'a1'], ['-o', 'x', 'a1', '--duration', '5'],
                          ['-o', 'x', 'a1', '--duration=-5s'], ['-o', 'x', 'a1', '--duration', '999h'], ['-o', 'x', 'a1', 'b2']):
            run('record', *arguments, code=64)
        run('record', 'nosuch', '-o', 'x.edf', code=65)


if __name__ == '__main__':
    tap.main(globals())
