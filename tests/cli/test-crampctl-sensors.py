# SPDX-License-Identifier: MIT
"""The verbs that find and steer sensors, and tell how they did: crampctl scan, edit, pause, resume, identify, stream, night,
muscles and sensors --stats, over a fake org.crampd1 on a private bus."""

import json
import os
import pty
import signal
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from crampctl import CRAMPCTL, WRAPPER, environment, run, start
from fakecrampd import FOUND, NIGHTS, SENSORS, FakeCrampd
from privatebus import PrivateBus

HEADER = '<QQHHI'
TIME_US = 1795396445250000


def datagram(index, frames, flags=0, channels=2):
    """Frames of (counts, conditioned)."""
    data = struct.pack(HEADER, TIME_US, index, channels, len(frames), flags)
    data += b''.join(struct.pack('<i', count) for counts, _ in frames for count in counts)
    return data + b''.join(struct.pack('<f', value) for _, values in frames for value in values)


# --- scan ---


def await_scan(fake):
    return tap.wait_until(lambda: [call for call in fake.do('calls') if call['member'] == 'Scan'], what='the scan')


def scan(fake, *arguments, found=FOUND, reason='done', code=0):
    fake.do('calls')
    process = start('scan', *arguments)
    await_scan(fake)
    fake.do('scan', found=found, reason=reason)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, (process.returncode, err)
    return (out if code == 0 else err).decode()


def test_scan_lists_what_is_heard():
    with PrivateBus(), FakeCrampd() as fake:
        out = scan(fake)
        rows = out.splitlines()
        assert rows[0].split() == ['C0:FF:EE:00:00:07', '-60', 'npg-lite', 'NPG-Lite-3CH'], rows
        assert rows[1].split() == ['C0:FF:EE:00:00:08', '-', 'gforce', '?', 'gForceBLE', 'added'], rows
        assert 'npg-lite: Do not pair it.' in rows and 'crampctl add ADDRESS' in rows[-1], rows
        # A sensor is one row, however often it is heard.
        assert scan(fake, '--no-legend', found=FOUND + FOUND).count('\n') == 2
        assert 'No sensor was heard' in scan(fake, found=[])


def test_scan_asks_for_what_was_said():
    with PrivateBus(), FakeCrampd() as fake:
        process = start('scan', '--all', '--seconds', '7')
        calls = await_scan(fake)
        assert calls[0]['member'] == 'Scan' and calls[0]['args'] == [{'seconds': 7, 'all': 1}], calls
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        process.communicate()
        assert fake.do('calls')[-1]['member'] == 'StopScan'
        for seconds in ('0', '301', '-1', 'x', '1.5', ''):
            run('scan', '--seconds', seconds, code=64)


def test_scan_json():
    with PrivateBus(), FakeCrampd() as fake:
        first, second = map(json.loads, scan(fake, '--json').splitlines())
        assert first == {'address': 'C0:FF:EE:00:00:07', 'name': 'NPG-Lite-3CH', 'driver': 'npg-lite',
                         'title': 'NPG Lite', 'match': 'yes', 'notes': 'Do not pair it.', 'rssi': -60, 'added': False}
        assert second['rssi'] is None and second['added'] is True


def test_scan_that_is_refused_or_ends_early():
    with PrivateBus(), FakeCrampd() as fake:
        assert 'no adapter' in scan(fake, reason='no adapter is left', code=69)
        fake.answer('Scan', 'error org.crampd1.Error.LimitReached')
        assert 'limit reached' in run('scan', code=75)


def test_scan_waits_for_nothing_without_bluetooth():
    with PrivateBus(), FakeCrampd() as fake:
        for how, words in (('no-bluez', 'bluetoothd does not run'), ('no-adapter', 'no adapter, or it is off')):
            fake.do('bluetooth', how=how)
            err = run('scan', code=69)
            assert words in err and 'crampctl doctor' in err, err
        assert not [call for call in fake.do('calls') if call['member'] == 'Scan']


def test_scan_takes_nothing_from_strangers():
    with PrivateBus(), FakeCrampd() as fake:
        process = start('scan', '--no-legend')
        await_scan(fake)
        fake.do('scan', found=FOUND, reason='done', stranger=True)
        # Nor what is malformed; the scan goes on.
        fake.do('scan', found=FOUND, how='type name')
        fake.do('scan', found=FOUND[:1], reason='done')
        out, _ = process.communicate(timeout=30)
        assert out.count(b'\n') == 1 and b'C0:FF:EE:00:00:07' in out, out


def test_scan_draws_on_a_terminal():
    with PrivateBus(), FakeCrampd() as fake:
        ours, theirs = pty.openpty()
        with subprocess.Popen([*WRAPPER, CRAMPCTL, 'scan'], stdout=theirs, stdin=theirs, env=environment()) as process:
            os.close(theirs)
            await_scan(fake)
            fake.do('scan', found=FOUND)
            text = b''
            while b'gforce' not in text:
                text += os.read(ours, 4096)
            nearer = [[FOUND[0][0], dict(FOUND[0][1], rssi=-33)]]
            fake.do('scan', found=nearer)
            while b'-33' not in text:
                text += os.read(ours, 4096)
            fake.do('scan', reason='done')
            assert process.wait(timeout=30) == 0
        os.close(ours)
        # The list was drawn over itself: three lines up, and cleared below.
        assert b'\x1b[3A\x1b[J' in text, text


# --- edit, pause, resume, identify ---


def test_edit_sends_what_was_said_and_no_more():
    with PrivateBus(), FakeCrampd() as fake:
        def sent(*arguments):
            fake.do('calls')
            run('edit', 'left calf', *arguments)
            call = fake.do('calls')[-1]
            assert (call['member'], call['path']) == ('Edit', '/org/crampd1/sensor/a1')
            return call['args'][0]

        assert sent('--muscle', 'soleus') == {'muscle': 'soleus'}
        assert sent('--leg', 'left', '--name', '') == {'leg': 'left', 'name': ''}
        assert sent('--allow-broadcast') == {'allow_broadcast': 1}
        assert sent('--allow-broadcast=no', '--envelope=yes') == {'allow_broadcast': 0, 'envelope': 1}
        assert sent('--scale', '0.5', '--rate', '250', '--channels', '3') == {'scale_uv': 0.5, 'rate_hz': 250.0, 'channels': 3}
        assert sent('--sensitivity', 'low') == {'sensitivity': 'low'}
        for wrong in (['--sensitivity', 'medium'], ['--muscle', 'biceps'], ['--leg', 'middle'], ['--scale', 'nan'], ['--scale', '-1'], ['--rate', ''],
                      ['--channels', '1.5'], ['--channels', '99'], ['--envelope=perhaps'], []):
            run('edit', 'left calf', *wrong, code=64)
        run('edit', code=64)
        run('edit', 'a1', 'b2', '--leg', 'left', code=64)
        assert fake.do('calls') == []
        fake.answer('Edit', 'error org.crampd1.Error.NotAuthorized')
        run('edit', 'a1', '--leg', 'left', code=77)


def test_add_takes_the_same_settings():
    with PrivateBus(), FakeCrampd() as fake:
        run('add', 'C0:FF:EE:00:00:07', '--muscle', 'soleus', '--leg', 'right', '--owner', '1000', '--driver', 'npg-lite',
            '--scale', '0.33', '--rate', '250', '--channels', '6', '--envelope=no')
        assert fake.do('calls')[0]['args'][1] == {
            'muscle': 'soleus', 'leg': 'right', 'driver': 'npg-lite', 'owner': 1000, 'scale_uv': 0.33, 'rate_hz': 250.0,
            'channels': 6, 'envelope': 0}


def test_add_tells_the_kind_and_what_the_radio_can_take():
    with PrivateBus(), FakeCrampd() as fake:
        arguments = ('add', 'C0:FF:EE:00:00:07', '--muscle', 'soleus', '--leg', 'right', '--owner', '1000')
        assert 'of the kind' not in run(*arguments)
        new = dict(SENSORS[0], id='c3', title='NPG Lite', driver='npg-lite', capacity=0.4)
        fake.do('set', key='sensors', value=[SENSORS[1], new])
        assert run(*arguments).startswith('Added as sensor c3 of the kind NPG Lite. ')
        assert 'adapter' not in run(*arguments)
        fake.do('set', key='sensors', value=[SENSORS[1], dict(new, capacity=0.8449)])
        assert 'busy for about 84 % of the time' in run(*arguments)
        assert json.loads(run(*arguments, '--json')) == {
            'id': 'c3', 'path': '/org/crampd1/sensor/c3', 'address': 'C0:FF:EE:00:00:07', 'driver': 'npg-lite',
            'capacity': 0.845}


def test_orders():
    with PrivateBus(), FakeCrampd() as fake:
        for verb, member in (('pause', 'Pause'), ('resume', 'Resume'), ('identify', 'Identify')):
            fake.do('calls')
            run(verb, 'C0:FF:EE:00:00:01')
            assert fake.do('calls')[-1] == {'member': member, 'path': '/org/crampd1/sensor/a1', 'args': [{}]}
            assert run(verb, 'a1', '--json') == ''
            run(verb, code=64)
            run(verb, 'a1', 'b2', code=64)
            run(verb, 'nobody', code=65)
        assert 'Paused' in run('pause', 'a1')
        for name in ('NotSupported', 'NotConnected'):
            fake.answer('Identify', f'error org.crampd1.Error.{name}')
            assert 'Said no' in run('identify', 'a1', code=69)


# --- how they did ---


def test_stats():
    with PrivateBus(), FakeCrampd() as fake:
        more = {'reconnects': 4, 'longest_gap_us': 12500000, 'rssi': -71, 'clock_ppm': -38.2, 'measured_rate_hz': 1000.04,
                'battery_hours': 9.6, 'battery_lasts_night': True, 'accelerometer': True, 'title': 'Open leg-EMG profile',
                'paused': False, 'allow_broadcast': False, 'envelope': False, 'arbitrary_unit': True, 'battery_mv': 3700,
                'capacity': 0.25, 'signal': 'saturated'}
        fake.do('set', key='sensors', value=[dict(SENSORS[0], packets=999, lost_packets=1, **more), SENSORS[1]])
        lines = run('sensors', '--stats').splitlines()
        assert lines[1].split()[2:] == ['1', '4', '999', '0.1', '0', '12.5', '-71', '1000.04', '-38', '87%', '10', 'h', '25'], lines
        # Nothing is made up where nothing is known.
        assert lines[2].split() == ['b2', '0', '0', '0', '-', '0', '0', '-', '-', '-', '-', '-', '-'], lines

        assert 'the signal is at its limit' in run('status')
        first, second = map(json.loads, run('sensors', '--json').splitlines())
        assert {key: first[key] for key in more} == more
        assert [second[key] for key in ('rssi', 'clock_ppm', 'battery_mv', 'accelerometer', 'battery_hours', 'title')] == [None] * 6


def test_other_leg():
    with PrivateBus(), FakeCrampd() as fake:
        for says, told in (('left', False), ('right', True), (None, False)):
            fake.do('set', key='sensors', value=[dict(SENSORS[0], **({'says_leg': says} if says else {}))])
            assert ('left calf: the sensor says that it is on the other leg (right)' in run('sensors')) == told
            assert ('the sensor says that it is on the other leg' in run('status')) == told
            assert json.loads(run('sensors', '--json'))['says_leg'] == says
            assert 'other leg' not in run('sensors', '--no-legend')


def test_night():
    with PrivateBus(), FakeCrampd() as fake:
        out = run('night')
        assert out == ('Night of 2026-11-22:\n'
                       '  left calf: watched for 7 h 56 min, from 2026-11-22 23:00:00 to 2026-11-23 07:00:00\n'
                       '    3 alerts; 2 gaps, 4 min 0 s in all; 1 reconnect; 1 of 1000 packets lost\n'
                       '    not watched from 2026-11-23 02:00:00 for 3 min 0 s\n'), out
        call = [call for call in fake.do('calls') if call['member'] == 'ListNights'][0]
        since_us = call['args'][0]['since_us']
        # The noon before, in UTC as told by TZ.
        assert since_us % 86400000000 == 43200000000 and list(call['args'][0]) == ['since_us']
        row = json.loads(run('night', '--json'))
        assert row['monitored_us'] == NIGHTS[0]['monitored_us'] and len(row['longest_gaps']) == 2
        assert [gap['reason'] for gap in row['longest_gaps']] == ['no-data', 'dead']
        fake.do('set', key='nights', value=[dict(NIGHTS[0], longest_gaps=[[0, 10000000, 'mains']])])
        assert 'for 10 s: mains hum covers' in run('night')
        run('night', '--since', '-7d', '--until', 'now')
        assert set(fake.do('calls')[-1]['args'][0]) == {'since_us', 'until_us'}
        fake.do('set', key='nights', value=[])
        assert run('night') == 'Nothing was watched in that time.\n'
        run('night', 'yesterday', code=64)


def test_nights_that_make_no_sense():
    with PrivateBus(), FakeCrampd() as fake:
        for how in ('signature', 'type evening', 'missing monitored_us', 'type longest_gaps', 'huge sensor'):
            fake.answer('ListNights', how)
            run('night', code=76)
        fake.answer('ListNights', None)
        fake.do('set', key='nights', value=[dict(NIGHTS[0], longest_gaps=[[0, 1, 'dead']] * 51)])
        run('night', code=76)
        fake.do('set', key='nights', value=[dict(NIGHTS[0], longest_gaps=[[0, 1, 'x' * 16]])])
        run('night', code=76)
        fake.do('set', key='nights', value=[dict(NIGHTS[0], zone_offset_s=100000)])
        run('night', code=76)


# --- stream ---


def stream(fake, datagrams, *arguments, code=0):
    process = start('stream', 'left calf', *arguments)
    texts = [data.hex() for data in datagrams]
    tap.wait_until(lambda: fake.do('datagrams', sensor='a1', datagrams=texts), what='the stream')
    fake.do('close_streams')
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, (process.returncode, err)
    return out if code == 0 else err.decode()


def test_stream():
    with PrivateBus(), FakeCrampd() as fake:
        data = [datagram(0, [((1, -2), (0.5, -0.25)), ((3, 4), (1.5, 2))]), datagram(10, [((-8388608, 5), (-1, 0))], flags=1)]
        assert stream(fake, data).decode() == ('time_s,index,count1,count2\n'
                                               '1795396445.250000,0,1,-2\n'
                                               '1795396445.250000,1,3,4\n'
                                               '1795396445.250000,10,-8388608,5\n')
        assert fake.do('calls')[-1]['args'] == [{'kind': 'frames', 'beside': True}]
        assert stream(fake, data, '--conditioned', '--no-legend').decode().splitlines()[0] == '1795396445.250000,0,0.5000,-0.2500'
        first, second = map(json.loads, stream(fake, data, '--json').splitlines())
        assert first == {'time_us': TIME_US, 'index': 0, 'after_gap': False, 'channels': 2, 'values': [1, -2, 3, 4]}
        assert second['after_gap'] is True
        # What the detector hears besides: an accelerometer, other sensors, both, and not yet.
        behind = [struct.pack('<I4i', which, *values) for which, values in (
            (1, (-1000, 7, 0, 5)), (2, (1, 2, 3, 250)), (3, (-2**31, -2**31, -2**31, -1)), (0, (1, 2, 3, 4)))]
        lines = [json.loads(line) for line in stream(fake, [data[1] + more for more in behind], '--json').splitlines()]
        assert [{key: line[key] for key in ('acceleration_mg', 'company_percent') if key in line} for line in lines] == [
            {'acceleration_mg': [-1000, 7, 0]}, {'company_percent': 250}, {'acceleration_mg': None, 'company_percent': None}, {}]
        assert stream(fake, data, '--binary') == struct.pack('<6i', 1, -2, 3, 4, -8388608, 5)
        assert stream(fake, data, '--binary', '--conditioned') == struct.pack('<6f', 0.5, -0.25, 1.5, 2, -1, 0)


def test_stream_that_begins_later():
    """The rate of a sensor that did not stream yet is asked for when it does, and again when it begins anew."""
    with PrivateBus(), FakeCrampd() as fake:
        process = start('stream', 'left calf', '--no-legend')
        tap.wait_until(lambda: fake.do('datagrams', sensor='a1', datagrams=[]), what='the stream')
        for rate_hz, second in ((250.0, '.254000'), (1000.0, '.251000')):
            fake.do('set', key='stream_details', value={'rate_hz': rate_hz})
            fake.do('datagrams', sensor='a1', datagrams=[datagram(0, [((1, 2), (0, 0)), ((3, 4), (0, 0))]).hex()])
            assert [process.stdout.readline().decode() for _ in range(2)] == ['1795396445.250000,0,1,2\n',
                                                                             f'1795396445{second},1,3,4\n']
        fake.do('close_streams')
        assert process.communicate(timeout=30)[0] == b'' and process.returncode == 0


def test_streams_that_make_no_sense():
    with PrivateBus(), FakeCrampd() as fake:
        good = datagram(0, [((1, 2), (0, 0))])
        for bad in (good[:-1], good + b'\0', good + bytes(19), good + bytes(21), good[:10], datagram(0, []), datagram(0, [((1, 2), (float('nan'), 0))]),
                    datagram(0, [((), ())] * 3, channels=0)):
            assert 'no sense' in stream(fake, [bad], code=76)
        run('stream', code=64)
        run('stream', 'a1', '--json', '--binary', code=64)
        fake.answer('OpenStream', 'file')
        run('stream', 'a1', code=76)


def test_muscles():
    lines = run('muscles', '--json').splitlines()
    assert len(lines) >= 9
    for line in lines:
        muscle = json.loads(line)
        assert muscle['title'] and len(muscle['site']) > 20, muscle
    assert 'gastrocnemius-medialis: ' in run('muscles')


tap.main(globals())
