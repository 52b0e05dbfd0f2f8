#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The whole service on a private bus, fed by virtual sensors: alerts to whom they belong and to nobody else, the contract
against the running daemon, recording, and ends of every kind. Needs CRAMPD, CRAMPCTL and CALF_EMG in the environment."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import dbus  # noqa: E402

import tap  # noqa: E402
from daemon import GUIDANCE, HISTORY, MANAGER, NAME, ROOT, SENSOR, SOURCE, System  # noqa: E402
from nights import DAY_US, have_long, watch_long  # noqa: E402

NOBODY = 65534
CALF = {'muscle': 'gastrocnemius', 'leg': 'left'}
ADDRESS = 'AA:BB:CC:DD:EE:01'

_files = tempfile.TemporaryDirectory(prefix='night-')


def recording(script='minute', seed=1, channels=2):
    path = Path(_files.name) / f'{script}-{seed}-{channels}.edf'
    if not path.exists():
        subprocess.run([os.environ['CALF_EMG'], '--script', script, '--seed', str(seed), '--rate', '1000', '--channels',
                        str(channels), '-o', path], check=True, stdout=subprocess.DEVNULL)
    return path


def analyze(path):
    output = subprocess.run([os.environ['CRAMPCTL'], 'analyze', '--json', path], check=True, capture_output=True,
                            text=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def owner_option(client):
    """Root has to say for whom; anybody else need not."""
    return {'owner': dbus.UInt32(12345)} if os.geteuid() == 0 else {}


def add_sensor(client, address=ADDRESS, **options):
    values = {**CALF, **owner_option(client), **options}
    return client.call(ROOT, MANAGER, 'AddSensor', 'sa{sv}', address, client.options(**values))


def add_error(client, address=ADDRESS, **options):
    values = {key: value for key, value in {**CALF, **owner_option(client), **options}.items() if value is not None}
    return client.error_of(ROOT, MANAGER, 'AddSensor', 'sa{sv}', address, client.options(**values))


# --- the contract -----------------------------------------------------------------------------------------------

def describe_interface(node):
    """An interface as comparable data: members with their arguments' names, types and directions."""
    described = {}
    for member in node:
        if member.tag in ('method', 'signal'):
            default = 'in' if member.tag == 'method' else 'out'
            described[member.tag, member.get('name')] = [
                (argument.get('name'), argument.get('type'), argument.get('direction', default))
                for argument in member.findall('arg')]
        elif member.tag == 'property':
            annotations = {note.get('name'): note.get('value') for note in member.findall('annotation')}
            described['property', member.get('name')] = (
                member.get('type'), member.get('access'),
                annotations.get('org.freedesktop.DBus.Property.EmitsChangedSignal', 'true'))
    return described


def test_interfaces_are_those_of_the_xml():
    with System() as system, system.daemon('--virtual', recording()):
        client = system.client()
        path = client.sensors()[0][0]
        for name, where in ((MANAGER, ROOT), (HISTORY, ROOT), (GUIDANCE, ROOT), (SENSOR, path)):
            contract = xml.etree.ElementTree.parse(SOURCE / f'dbus/{name}.xml').getroot().find('interface')
            text = client.call(where, 'org.freedesktop.DBus.Introspectable', 'Introspect')
            served = next(node for node in xml.etree.ElementTree.fromstring(text).findall('interface')
                          if node.get('name') == name)
            assert describe_interface(served) == describe_interface(contract), name


def test_properties_hold_nothing_personal():
    with System() as system, system.daemon('--virtual', f'{recording()},name=Grandma'):
        client = system.client()
        objects = client.call(ROOT, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects')
        seen = {(interface, name) for interfaces in objects.values() for interface, values in interfaces.items()
                for name in values if interface.startswith(NAME)}
        assert seen == {(SENSOR, 'Id')}, seen
        values = client.call(ROOT, 'org.freedesktop.DBus.Properties', 'GetAll', 's', MANAGER)
        assert set(values) == {'Version', 'DetectorVersion'}, values
        assert 'Grandma' not in str(objects)


# --- alerts -----------------------------------------------------------------------------------------------------

def test_alert_reaches_its_subscriber_and_history():
    path = recording()
    expected = analyze(path)
    assert len(expected) == 1, expected
    with System() as system, system.daemon('--virtual', f'{path},speed=20,muscle=soleus,leg=right,name=mine') as daemon:
        client = system.client()
        client.subscribe()
        _, (sensor, episode, onset_us, severity, muscle, relief, details), _ = client.wait_signal('AlertRaised')
        assert sensor == client.sensors()[0][0]
        assert muscle == 'soleus' and details['leg'] == 'right' and details['name'] == 'mine'
        assert severity in ('mild', 'moderate', 'strong')
        assert details['simulated'] and not details['repeated']
        assert relief[0] == 'Sit up and hold on before you stand.'
        assert any('toes toward the shin' in step for step in relief)

        # Recorded within a second of the alert, and said so.
        client.wait(lambda: any(member == 'AlertUpdated' and arguments[6]['recorded']
                                for member, arguments, _ in client.signals), what='the episode to be recorded')
        _, (_, ended, end_us, reason, _, end_details), _ = client.wait_signal('AlertEnded')
        assert ended == episode and reason == 'subsided'
        assert end_details['onset_us'] == onset_us and end_us > details['alert_us'] > onset_us

        def stored():
            rows = client.episodes()
            return rows if rows and 'end_us' in rows[0] else None
        rows = client.wait(stored, what='the end to be recorded')
        assert len(rows) == 1 and rows[0]['id'] == episode
        assert rows[0]['onset_us'] == onset_us and rows[0]['end_us'] == end_us
        assert rows[0]['end_reason'] == 'subsided' and rows[0]['muscle'] == 'soleus' and rows[0]['simulated']
        assert client.call(ROOT, HISTORY, 'GetEpisode', 'sa{sv}', episode, client.options()) == rows[0]

        # Live and offline are one detector: the same distances, to the microsecond's rounding.
        want = expected[0]
        for field, value in (('alert_us', want['alert_s']), ('end_us', want['end_s'])):
            assert abs((rows[0][field] - onset_us) - (value - want['onset_s']) * 1e6) <= 2, (field, rows[0], want)
        assert abs(rows[0]['peak_uv'] - want['peak_uv']) < 0.01 * want['peak_uv']

        described = client.sensors()[0][1]
        assert described['packets'] > 0 and described['lost_packets'] == 0 and described['malformed_packets'] == 0

        log = daemon.log()
        for private in ('mine', 'soleus', 'right', severity, episode, str(onset_us), 'uV'):
            assert private not in log, f'{private!r} is in the log:\n{log}'


def crampctl(*arguments):
    return subprocess.run([os.environ['CRAMPCTL'], *arguments], check=True, capture_output=True, text=True,
                          timeout=60).stdout


def test_poor_signal_is_told_and_not_watched():
    noise = random.Random(4)
    path = Path(_files.name) / 'rail.csv'
    with open(path, 'w', encoding='ascii') as file:
        file.write('time_s,a_uV\n')
        file.writelines(f'{i / 500:.3f},{3000 if 10000 <= i < 20000 else noise.gauss(0, 5):.1f}\n' for i in range(30000))
    with System() as system, system.daemon('--virtual', f'{path},speed=10'):
        client = system.client()
        sensor = client.sensors()[0][0]

        def described():
            return client.call(sensor, SENSOR, 'Describe', 'a{sv}', client.options())
        for quality in ('good', 'saturated', 'good', 'no-data'):
            client.wait(lambda: described()['signal'] == quality, what=quality)
            if quality == 'saturated':
                assert list(described()['signals']) == [quality]
        client.wait(lambda: described()['state'] == 'ended', what='the end')

        def night():
            return client.call(ROOT, HISTORY, 'ListNights', 'a{sv}', client.options())[0][0]
        # What was told last may not be in the database yet.
        client.wait(lambda: night()['monitored_us'] + night()['gap_us'] == 60000000, what='the whole minute')
        gap, = night()['longest_gaps']
        # It takes two seconds to be sure, and three to believe it again.
        assert str(gap[2]) == 'saturated' and abs(gap[1] - gap[0] - 21000000) < 2500000, gap
        assert night()['gap_us'] == gap[1] - gap[0], night()


def test_crampctl_shows_the_same():
    with System() as system, system.daemon('--virtual', f'{recording()},speed=20,name=mine'):
        client = system.client()
        client.subscribe()
        client.wait_signal('AlertEnded')
        row, = client.wait(lambda: [row for row in client.episodes() if 'end_us' in row], what='the end to be recorded')
        episode, = (json.loads(line) for line in crampctl('history', '--json').splitlines())
        for field in ('id', 'sensor', 'leg', 'muscle', 'onset_us', 'alert_us', 'end_us', 'end_reason', 'severity'):
            assert episode[field] == row[field], (field, episode, row)
        exported = json.loads(crampctl('export', '--format', 'json'))
        assert exported['schema'] and exported['episodes'] == [episode]
        table = crampctl('export', '--format', 'csv').splitlines()
        assert len(table) == 2 and table[1].startswith(f'{episode["id"]},'), table
        assert [json.loads(line)['name'] for line in crampctl('sensors', '--json').splitlines()] == ['mine']
        assert json.loads(crampctl('--json'))['store'] == 'ok'
        assert crampctl('history', '--until', '2020-01-01', '--json') == ''


def test_late_subscriber_hears_of_an_open_alert():
    with System() as system, system.daemon('--virtual', f'{recording()},speed=4'):
        early, late = system.client(), system.client()
        early.subscribe()
        early.wait_signal('AlertRaised')
        late.subscribe()
        _, arguments, _ = late.wait_signal('AlertRaised')
        assert arguments[6]['repeated']
        assert arguments[1] == early.wait_signal('AlertRaised')[1][1]


def test_nobody_else_hears_anything():
    with System() as system, system.daemon('--virtual', f'{recording()},speed=20'):
        client, listener, former = system.client(), system.client(), system.client()
        # One who matches everything but never subscribed, and one who did and left again.
        listener.connection.add_match_string(f"type='signal',sender='{NAME}'")
        former.subscribe()
        former.call(ROOT, MANAGER, 'Unsubscribe')
        client.subscribe()
        client.wait_signal('AlertEnded')
        # Each answer comes after all signals that were sent before it.
        for other in (listener, former):
            other.sensors()
            other.wait(lambda: True)
            heard = [member for member, _, _ in other.signals if member != 'SensorChanged' or other is listener]
            assert heard == [], heard


def run_as_nobody(system, code):
    """Runs a Python snippet as another user, with `client` and `dbus` at hand; returns what it printed."""
    program = f'''
import os, sys
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
sys.path.insert(0, {str(HERE.parent / 'support')!r})
os.environ.setdefault('CRAMPD', '')
import dbus
from daemon import *
client = Client({system.bus.address!r})
{code}
'''
    return subprocess.Popen(['/usr/bin/python3', '-c', program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            text=True)


def test_another_user_sees_and_hears_nothing():
    if os.geteuid() != 0:
        tap.skip('only root can become another user')
    with System() as system, system.daemon('--virtual', f'{recording()},speed=20'):
        client = system.client()
        path = client.sensors()[0][0]
        other = run_as_nobody(system, f'''
client.subscribe()
print('subscribed', flush=True)
sys.stdin.readline()
print(len(client.sensors()), len(client.episodes()), flush=True)
client.wait(lambda: True)
print([member for member, _, _ in client.signals])
print(client.error_of({path!r}, SENSOR, 'Describe', 'a{{sv}}', client.options()))
print(client.error_of({path!r}, SENSOR, 'OpenStream', 'a{{sv}}', client.options()))
print(client.error_of({path!r}, SENSOR, 'Remove', 'a{{sv}}', client.options()))
for method in ('Edit', 'Pause', 'Resume', 'Identify', 'DescribeDetector'):
    assert client.error_of({path!r}, SENSOR, method, 'a{{sv}}', client.options()) == 'org.crampd1.Error.NotAuthorized', method
assert client.call(ROOT, HISTORY, 'ListNights', 'a{{sv}}', client.options())[0] == []
print(client.error_of(ROOT, MANAGER, 'AddSensor', 'sa{{sv}}', {ADDRESS!r},
                      client.options(muscle='soleus', leg='left', owner=dbus.UInt32(0))))
episode = sys.stdin.readline().strip()
print(client.error_of(ROOT, HISTORY, 'GetEpisode', 'sa{{sv}}', episode, client.options()))
print(client.error_of(ROOT, HISTORY, 'Annotate', 'sa{{sv}}', episode, client.options(verdict='false-alarm')))
print(client.error_of(ROOT, HISTORY, 'ClearAnnotation', 'sa{{sv}}', episode, client.options()))
assert client.error_of(ROOT, HISTORY, 'ExplainEpisode', 'sa{{sv}}', episode, client.options()) == 'org.crampd1.Error.NoSuchEpisode'
print(client.error_of(ROOT, HISTORY, 'ReportMissed', 'sxa{{sv}}', {path!r}.rsplit('/', 1)[1], dbus.Int64(1), client.options()))
''')
        assert other.stdout.readline() == 'subscribed\n'
        client.subscribe()
        client.wait_signal('AlertEnded')
        episode = client.wait_signal('AlertRaised')[1][1]
        output, _ = other.communicate(f'go\n{episode}\n', timeout=60)
        refused = 'org.crampd1.Error.NotAuthorized'
        assert output.splitlines() == ['0 0', '[]', refused, refused, refused, refused,
                                       'org.crampd1.Error.NoSuchEpisode', 'org.crampd1.Error.NoSuchEpisode',
                                       'org.crampd1.Error.NoSuchEpisode', 'org.crampd1.Error.NoSuchSensor'], output


def test_an_owner_hears_of_own_sensors_only():
    if os.geteuid() != 0:
        tap.skip('only root can become another user')
    path = recording()
    # Slow enough for both to have subscribed before the cramp.
    with System() as system, system.daemon('--virtual', f'{path},speed=8,owner={NOBODY},name=theirs',
                                           '--virtual', f'{path},speed=8,owner=12345,name=foreign'):
        root = system.client()
        other = run_as_nobody(system, '''
client.subscribe()
print('subscribed', flush=True)
client.wait_signal('AlertEnded')
sys.stdin.readline()
print(sorted(str(s[1]['name']) for s in client.sensors()), len(client.episodes()))
print(sorted({str(a[-1]['name']) for m, a, _ in client.signals}))
''')
        assert other.stdout.readline() == 'subscribed\n'
        root.subscribe()
        root.wait(lambda: sum(member == 'AlertEnded' for member, _, _ in root.signals) == 2, what='both alerts')
        output, _ = other.communicate('go\n', timeout=60)
        assert output.splitlines() == ["['theirs'] 1", "['theirs']"], output
        assert len(root.episodes()) == 2


def test_subscription_ends_with_its_client():
    with System() as system, system.daemon():
        client, observer = system.client(), system.client()

        def subscribers():
            return observer.call(ROOT, MANAGER, 'Status', 'a{sv}', observer.options())['subscribers']
        client.subscribe()
        client.subscribe()
        assert subscribers() == 1
        client.close()
        observer.wait(lambda: subscribers() == 0, what='the subscription to end')


def test_subscriptions_are_limited():
    with System() as system, system.daemon():
        clients = [system.client() for _ in range(17)]
        for client in clients[:16]:
            client.subscribe()
        assert clients[16].error_of(ROOT, MANAGER, 'Subscribe', 'a{sv}', clients[16].options()) == \
            'org.crampd1.Error.LimitReached'


# --- sensors ----------------------------------------------------------------------------------------------------

def test_adding_and_removing_a_sensor():
    with System() as system:
        with system.daemon() as daemon:
            client = system.client()
            path = add_sensor(client, 'aa:bb:cc:dd:ee:01', name='Bed')
            (listed, described), = client.sensors()
            assert listed == path and described['address'] == ADDRESS and described['name'] == 'Bed'
            assert described['state'] == 'absent' and described['driver'] == 'crampd'
            assert 'bluetoothd' in described['reason'].lower() or 'bluez' in described['reason'].lower()
            # Before it has streamed nobody knows what its samples are.
            descriptor, details = client.call(path, SENSOR, 'OpenStream', 'a{sv}', client.options())
            os.close(descriptor.take())
            assert set(details) == {'name', 'muscle', 'leg'}, details
            assert add_error(client) == 'org.crampd1.Error.AlreadyExists'
            assert ADDRESS not in daemon.log() and 'Bed' not in daemon.log()
        with system.daemon():
            client = system.client()
            (listed, described), = client.sensors()
            assert listed == path and described['name'] == 'Bed'
            client.call(path, SENSOR, 'Remove', 'a{sv}', client.options())
            assert client.sensors() == []
            assert client.error_of(path, SENSOR, 'Describe', 'a{sv}', client.options()) in (
                'org.crampd1.Error.NoSuchSensor', 'org.freedesktop.DBus.Error.UnknownObject')
            assert add_sensor(client) != path


def test_bad_sensors_are_refused_with_words():
    invalid = 'org.crampd1.Error.InvalidArgument'
    with System() as system, system.daemon():
        client = system.client()
        assert add_error(client, 'AA:BB:CC:DD:EE') == invalid
        assert add_error(client, 'AA:BB:CC:DD:EE:GG') == invalid
        assert add_error(client, 'AA:BB:CC:DD:EE:FF:00') == invalid
        assert add_error(client, '') == invalid
        assert add_error(client, muscle='biceps') == invalid
        assert add_error(client, muscle=None) == invalid
        assert add_error(client, muscle=dbus.UInt32(3)) == invalid
        assert add_error(client, leg='both') == invalid
        assert add_error(client, leg=None) == invalid
        assert add_error(client, driver='nosuch') == invalid
        _, words = client.refusal(ROOT, MANAGER, 'AddSensor', 'sa{sv}', ADDRESS,
                                  client.options(muscle='soleus', leg='left', driver='nosuch'))
        assert "'nosuch'" in words and 'crampd, npg-lite, umyo, ' in words, words
        assert add_error(client, name='x' * 64) == invalid
        assert add_error(client, name='a\nb') == invalid
        if os.geteuid() == 0:
            assert add_error(client, owner=None) == invalid
        for number in range(16):
            add_sensor(client, f'AA:BB:CC:DD:EE:{number:02X}')
        assert add_error(client, 'AA:BB:CC:DD:EE:99') == 'org.crampd1.Error.LimitReached'
        assert len(client.sensors()) == 16


def test_what_people_say_of_episodes():
    invalid, none = 'org.crampd1.Error.InvalidArgument', 'org.crampd1.Error.NoSuchEpisode'
    with System() as system:
        with system.daemon('--virtual', f'{recording()},speed=20') as daemon:
            client = system.client()
            client.subscribe()
            episode = client.wait_signal('AlertRaised')[1][1]
            client.wait_signal('AlertEnded')
            client.wait(client.episodes, what='the episode to be recorded')

            def said():
                row = client.episodes()[0]
                return row.get('verdict'), row.get('pain'), row.get('note')

            def annotate(**options):
                client.call(ROOT, HISTORY, 'Annotate', 'sa{sv}', episode, client.options(**options))
            assert said() == (None, None, None)
            annotate(verdict='confirmed', pain=dbus.UInt32(6), note='geheim äöü')
            assert said() == ('confirmed', 6, 'geheim äöü')
            annotate(verdict='false-alarm')
            assert said() == ('false-alarm', 6, 'geheim äöü')
            for options in ({}, {'verdict': 'perhaps'}, {'pain': dbus.UInt32(11)}, {'pain': dbus.Int32(3)}, {'note': 'a\nb'},
                            {'note': 'x' * 501}, {'verdict': 'confirmed', 'note': '\x1b[2J'}):
                assert client.error_of(ROOT, HISTORY, 'Annotate', 'sa{sv}', episode, client.options(**options)) == invalid, options
            for identity in ('', 'x', '0' * 16, 'a' * 16):
                assert client.error_of(ROOT, HISTORY, 'Annotate', 'sa{sv}', identity, client.options(verdict='confirmed')) == none
                assert client.error_of(ROOT, HISTORY, 'ClearAnnotation', 'sa{sv}', identity, client.options()) == none
                assert client.error_of(ROOT, HISTORY, 'ExplainEpisode', 'sa{sv}', identity, client.options()) == none
            client.call(ROOT, HISTORY, 'ClearAnnotation', 'sa{sv}', episode, client.options())
            assert said() == (None, None, None)
            annotate(note='geheim')

            account = client.call(ROOT, HISTORY, 'ExplainEpisode', 'sa{sv}', episode, client.options())
            row = client.episodes()[0]
            assert account['sensitivity'] == 'normal' and account['needed_s'] == 7 and account['evidence_factor'] == 1
            assert row['onset_us'] - 1000000 <= account['from_us'] < row['alert_us'], account
            assert abs(account['from_us'] + account['active_s'] * 1e6 - row['alert_us']) < 100000, account
            assert account['evidence_s'] == sorted(account['evidence_s']) and 5 < account['evidence_s'][-1] <= 10, account
            # One muscle alone has what it needs sooner than any alert may come.
            assert account['evidence_s'][-1] <= 7.1 or account['active_s'] == 4, account
            assert account['point_us'] == 1000000 and 1.5 < account['ratio_alert'] <= account['ratio_peak'], account
            assert account['channels'] == 2 and account['quality'] == 'good' and account['again_factor'] == 1, account
            assert 0 <= account['slow'] < 0.1, account
            sensor = client.sensors()[0][1]['id']
            early = sensor, dbus.Int64(row['onset_us'] - 3600000000), client.options()
            assert client.error_of(ROOT, HISTORY, 'ReportMissed', 'sxa{sv}', *early) == invalid  # before there was that sensor
            assert 'geheim' not in daemon.log()
        have_long(system.state / 'crampd.db')
        with system.daemon():
            client = system.client()
            assert client.episodes()[0]['note'] == 'geheim'

            def report(sensor=sensor, seconds=0, **options):
                return sensor, dbus.Int64(row['onset_us'] + seconds * 1000000), client.options(**options)

            def listed():
                return client.call(ROOT, HISTORY, 'ListMissed', 'a{sv}', client.options())[0]
            for seconds in (-59, 1):
                name, words = client.refusal(ROOT, HISTORY, 'ReportMissed', 'sxa{sv}', *report(seconds=seconds))
                assert name == 'org.crampd1.Error.AlreadyExists' and f'annotate {episode} confirmed' in words, (name, words)
            missed = client.call(ROOT, HISTORY, 'ReportMissed', 'sxa{sv}', *report(seconds=-3600, pain=dbus.UInt32(2)))
            told, = listed()
            assert (told['id'], told['sensor'], told['time_us'], told['pain']) == (missed, sensor, row['onset_us'] - 3600000000, 2)
            assert told['watched'] == 0, told
            for name, arguments in (('AlreadyExists', report(seconds=-3600)), ('AlreadyExists', report(seconds=-3630)),
                                    ('InvalidArgument', report(seconds=2**40)), ('InvalidArgument', report(seconds=-2**40)),
                                    ('NoSuchSensor', report(sensor='a' * 16)), ('NoSuchSensor', report(sensor='../x'))):
                assert client.error_of(ROOT, HISTORY, 'ReportMissed', 'sxa{sv}', *arguments) == 'org.crampd1.Error.' + name
            client.call(ROOT, HISTORY, 'ClearAnnotation', 'sa{sv}', missed, client.options())
            assert listed() == []


def test_learning_is_asked_for_bounded_and_taken_back():
    with System() as system:
        with system.daemon():
            path = add_sensor(system.client(), sensitivity='low')
            identity = path.rsplit('/', 1)[1]
        watch_long(system.state / 'crampd.db')
        with system.daemon():
            client = system.client()
            now_us = int(time.time() * 1e6)

            def look():
                return client.call(path, SENSOR, 'DescribeDetector', 'a{sv}', client.options())

            def edit(**options):
                client.call(path, SENSOR, 'Edit', 'a{sv}', client.options(**options))

            def miss(count, first):
                for number in range(count):
                    client.call(ROOT, HISTORY, 'ReportMissed', 'sxa{sv}', identity,
                                dbus.Int64(now_us - (first + number) * 60000000), client.options())
            details = look()
            assert not details['learning'] and details['proposed'] == details['applied'] == 1, details
            assert details['sensitivity'] == 'low' and details['needed_s'] == 10.5 and details['again_factor'] == 1, details
            assert 'since_us' not in details, details
            miss(details['verdicts_min'] - 1, 1)
            assert look()['proposed'] == 1
            # What nothing watched, nothing could see.
            miss(3, 3 * DAY_US // 60000000)
            assert look()['missed'] == details['verdicts_min'] - 1, look()
            miss(40, 100)
            details = look()
            assert details['missed'] == 40 + details['verdicts_min'] - 1 and not details['learning'], details
            assert details['factor_min'] <= details['proposed'] < 0.9 and details['applied'] == 1, details
            assert 'Missed' in details['reason']
            edit(learning=True)
        with system.daemon():
            client = system.client()
            details = look()
            assert details['learning'] and details['proposed'] < 0.9 and details['applied'] == 1, details
            edit(forget=True)
            details = look()
            assert details['learning'] and details['proposed'] == 1 and details['missed'] == 0, details
            assert now_us <= details['since_us'] <= time.time() * 1e6, details
            miss(5, 1000)
            assert look()['missed'] == 5 and look()['proposed'] < 1
            edit(learning=False)
            assert look()['applied'] == 1 and not look()['learning']
            # What was said is in the history still.
            assert len(client.call(ROOT, HISTORY, 'ListMissed', 'a{sv}', client.options())[0]) == 52


def test_history_refuses_bad_filters():
    invalid = 'org.crampd1.Error.InvalidArgument'
    with System() as system, system.daemon():
        client = system.client()
        for values in ({'limit': dbus.UInt32(0)}, {'limit': dbus.UInt32(1001)}, {'limit': 'x'}, {'sensor': 'xyz'},
                       {'since_us': 'today'}, {'after': dbus.UInt64(2**64 - 1)}):
            assert client.error_of(ROOT, HISTORY, 'ListEpisodes', 'a{sv}', client.options(**values)) == invalid, values
        assert client.episodes(nosuchkey=1, limit=dbus.UInt32(5)) == []
        for episode in ('', 'zz', '0' * 16, "' OR 1=1 --"):
            name = client.error_of(ROOT, HISTORY, 'GetEpisode', 'sa{sv}', episode, client.options())
            assert name == 'org.crampd1.Error.NoSuchEpisode', (episode, name)


def test_live_stream():
    with System() as system, system.daemon('--virtual', f'{recording()},speed=10'):
        client = system.client()
        path = client.sensors()[0][0]
        descriptor = client.call(path, SENSOR, 'OpenStream', 'a{sv}', client.options())[0].take()
        client.subscribe()
        client.wait_signal('AlertRaised')
        details = client.call(path, SENSOR, 'OpenStream', 'a{sv}', client.options())[1]
        assert details['arbitrary_unit'] == 0 and details['rate_hz'] == 1000, details
        frames = []

        def read():
            try:
                while frame := os.read(descriptor, 4096):
                    frames.append(frame)
            except BlockingIOError:
                pass
            return len(frames) >= 20
        client.wait(read, what='20 frames')
        times = [int.from_bytes(frame[:8], 'little') for frame in frames]
        assert all(len(frame) == 12 + 2 * 2 * 4 and frame[9] == 2 and frame[8] <= 3 for frame in frames)
        assert times == sorted(times)
        for _ in range(7):
            client.call(path, SENSOR, 'OpenStream', 'a{sv}', client.options())[0].take()
        assert client.error_of(path, SENSOR, 'OpenStream', 'a{sv}', client.options()) == 'org.crampd1.Error.LimitReached'


def test_every_sample_is_streamed():
    """crampctl stream gives what is in the recording, and beside it what the detector makes of it."""
    path = Path(_files.name) / 'steps.csv'
    counts = [[(37 * i) % 1001 - 500, (53 * i) % 997 - 498] for i in range(20000)]
    path.write_text('a_uV,b_uV\n' + ''.join(f'{a / 100},{b / 100}\n' for a, b in counts), encoding='ascii')
    with System() as system, system.daemon('--virtual', f'{path},rate=1000') as daemon:
        client = system.client()
        sensor = str(client.sensors()[0][1]['id'])
        with subprocess.Popen([os.environ['CRAMPCTL'], 'stream', sensor, '--json'], stdout=subprocess.PIPE, text=True,
                              env={**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': system.bus.address}) as process:
            rows = [json.loads(process.stdout.readline()) for _ in range(40)]
            process.terminate()
        for row in rows:
            values = row['values']
            frames = [values[i:i + 2] for i in range(0, len(values), 2)]
            assert frames == counts[row['index']:row['index'] + len(frames)], row['index']
        assert all(b['index'] == a['index'] + len(a['values']) // 2 for a, b in zip(rows, rows[1:]))
        assert not any(row['after_gap'] for row in rows)
        refused = client.error_of(client.sensors()[0][0], SENSOR, 'OpenStream', 'a{sv}', client.options(kind='all'))
        assert refused == 'org.crampd1.Error.InvalidArgument'


def test_what_the_owner_says_lasts():
    with System() as system:
        with system.daemon():
            client = system.client()
            path = add_sensor(client, scale_uv=0.5, driver='npg-lite')
            for options in ({'muscle': 'soleus', 'sensitivity': 'high'}, {'leg': 'right', 'name': 'calf', 'allow_broadcast': True}, {'channels': dbus.UInt32(6)}):
                client.call(path, SENSOR, 'Edit', 'a{sv}', client.options(**options))
            client.call(path, SENSOR, 'Pause', 'a{sv}', client.options())
            for options in ({'sensitivity': 'medium'}, {'muscle': 'biceps'}, {'muscle': 'unspecified'}, {'leg': 'middle'}, {'scale_uv': float('nan')}, {'scale_uv': -1.0},
                            {'channels': dbus.UInt32(17)}, {'rate_hz': 1e9}, {'name': 'a\nb'}, {'driver': 'myo'},
                            {'owner': dbus.UInt32(1)}):
                assert client.error_of(path, SENSOR, 'Edit', 'a{sv}', client.options(**options)) == \
                    'org.crampd1.Error.InvalidArgument', options
            assert client.error_of(path, SENSOR, 'Identify', 'a{sv}', client.options()) in (
                'org.crampd1.Error.NotSupported', 'org.crampd1.Error.NotConnected')
        with system.daemon():
            client = system.client()
            details = client.sensors()[0][1]
            said = {key: details[key] for key in ('sensitivity', 'muscle', 'leg', 'name', 'allow_broadcast', 'scale_uv', 'paused', 'state')}
            assert said == {'sensitivity': 'high', 'muscle': 'soleus', 'leg': 'right', 'name': 'calf', 'allow_broadcast': True, 'scale_uv': 0.5,
                            'paused': True, 'state': 'paused'}, said
            client.call(client.sensors()[0][0], SENSOR, 'Resume', 'a{sv}', client.options())
            client.wait(lambda: client.sensors()[0][1]['state'] != 'paused', what='the sensor to be looked for')


def test_changes_in_flight_follow_one_another():
    with System() as system:
        with system.daemon():
            client = system.client()
            first, second = add_sensor(client), add_sensor(client, 'AA:BB:CC:DD:EE:02')

            def send(answers, path, method, **options):
                """A call that waits for no other; how it ends stands in answers[] in the order in which they end."""
                client.connection.call_async(NAME, path, SENSOR, method, 'a{sv}', (client.options(**options),),
                                             lambda: answers.append((method, 'done')),
                                             lambda error: answers.append((method, error.get_dbus_name().rpartition('.')[2])))

            def all_of(path, *calls):
                answers = []
                for method, options in calls:
                    send(answers, path, method, **options)
                client.wait(lambda: len(answers) == len(calls), what='the answers')
                return answers
            # None takes back what one before it did, nor does a refused one hold up the next.
            calls = [('Pause', {}), ('Edit', {'name': 'calf'}), ('Edit', {'muscle': 'biceps'}), ('Edit', {'leg': 'right'}),
                     ('Edit', {'scale_uv': 0.5})]
            assert all_of(first, *calls) == [('Pause', 'done'), ('Edit', 'done'), ('Edit', 'InvalidArgument'), ('Edit', 'done'),
                                             ('Edit', 'done')]
            assert all_of(second, ('Remove', {}), ('Edit', {'name': 'ghost'}), ('Remove', {})) == [
                ('Remove', 'done'), ('Edit', 'NoSuchSensor'), ('Remove', 'NoSuchSensor')]
            answers = all_of(first, *[('Edit', {'sensitivity': 'low'})] * 30)
            assert answers.count(('Edit', 'done')) >= 8 and {end for _, end in answers} <= {'done', 'LimitReached'}, answers
        with system.daemon():
            (path, details), = system.client().sensors()
            said = {key: details[key] for key in ('paused', 'name', 'leg', 'scale_uv', 'sensitivity')}
            assert (path, said) == (first, {'paused': True, 'name': 'calf', 'leg': 'right', 'scale_uv': 0.5, 'sensitivity': 'low'}), said


# --- hostile neighbours ---

def test_nobody_can_unsubscribe_another():
    with System() as system, system.daemon():
        victim, attacker = system.client(), system.client()
        victim.subscribe()
        name = victim.connection.get_unique_name()
        forged = dbus.lowlevel.SignalMessage('/org/freedesktop/DBus', 'org.freedesktop.DBus', 'NameOwnerChanged')
        forged.append(name, name, '', signature='sss')
        forged.set_destination(attacker.connection.get_name_owner(NAME))
        attacker.connection.send_message(forged)
        attacker.connection.flush()
        # Answered after the forged signal was taken in.
        attacker.sensors()
        status = victim.call(ROOT, MANAGER, 'Status', 'a{sv}', victim.options())
        assert status['subscribers'] == 1


def test_streams_are_limited_over_all_sensors():
    limit = 'org.crampd1.Error.LimitReached'
    with System() as system, system.daemon('--virtual', recording(), '--virtual', recording()) as daemon:
        client = system.client()
        first, second = (path for path, _ in client.sensors())

        def open_stream(path):
            return client.call(path, SENSOR, 'OpenStream', 'a{sv}', client.options())[0].take()
        descriptors = [open_stream(path) for path in (first, second) * 4]
        for path in (first, second):
            assert client.error_of(path, SENSOR, 'OpenStream', 'a{sv}', client.options()) == limit
        def held():
            return len(os.listdir(f'/proc/{daemon.process.pid}/fd'))
        before = held()
        for descriptor in descriptors:
            os.close(descriptor)
        tap.wait_until(lambda: held() <= before - 8, what='the daemon letting go of the streams that nobody reads')
        os.close(open_stream(first))


def test_options_are_bounded():
    invalid = 'org.crampd1.Error.InvalidArgument'
    with System() as system, system.daemon():
        client = system.client()
        many = client.options(**{f'key{number}': number for number in range(33)})
        assert client.error_of(ROOT, HISTORY, 'ListEpisodes', 'a{sv}', many) == invalid
        large = client.options(unknown=dbus.ByteArray(b'x' * 1000))
        assert client.error_of(ROOT, HISTORY, 'ListEpisodes', 'a{sv}', large) == invalid
        assert len(client.options(driver='x' * 100000)) == 1
        assert add_error(client, driver='x' * 100000) == invalid


def test_a_stop_with_calls_under_way_is_clean():
    with System() as system, system.daemon('--virtual', f'{recording()},speed=2') as daemon:
        client, flood = system.client(), system.client()
        client.subscribe()
        client.wait_signal('AlertRaised')
        flood.sensors()
        daemon.process.send_signal(signal.SIGSTOP)
        for _ in range(60):
            for interface, method in ((MANAGER, 'Status'), (HISTORY, 'ListEpisodes')):
                flood.connection.call_async(NAME, ROOT, interface, method, 'a{sv}', [flood.options()], None, None)
        flood.connection.flush()
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.send_signal(signal.SIGCONT)
        assert daemon.process.wait(60) == 0, daemon.log()
        client.wait_signal('AlertEnded')


# --- ends -------------------------------------------------------------------------------------------------------

def test_sigterm_ends_an_open_episode():
    with System() as system:
        with system.daemon('--virtual', f'{recording()},speed=2') as daemon:
            client = system.client()
            client.subscribe()
            episode = client.wait_signal('AlertRaised')[1][1]
            assert daemon.stop() == 0
            _, arguments, _ = client.wait_signal('AlertEnded')
            assert arguments[1] == episode and arguments[3] == 'stopped'
        with system.daemon():
            rows = system.client().episodes()
            assert len(rows) == 1 and rows[0]['id'] == episode and rows[0]['end_reason'] == 'stopped'


def test_kill_loses_no_alerted_episode():
    with System() as system:
        with system.daemon('--virtual', f'{recording()},speed=2') as daemon:
            client = system.client()
            client.subscribe()
            _, arguments, heard = client.wait_signal('AlertRaised')
            client.wait(lambda: time.clock_gettime(time.CLOCK_BOOTTIME) - heard >= 1, what='a second')
            daemon.kill()
        with system.daemon():
            rows = system.client().episodes()
            assert len(rows) == 1 and rows[0]['id'] == arguments[1] and rows[0]['onset_us'] == arguments[2]
            assert rows[0]['end_reason'] == 'interrupted' and rows[0]['end_us'] >= rows[0]['alert_us']
            assert system.client().sensors() == []


def test_alert_does_not_need_a_disk():
    with System() as system, system.daemon('--virtual', f'{recording()},speed=20', state='/dev/null/nowhere'):
        client = system.client()
        client.subscribe()
        _, arguments, _ = client.wait_signal('AlertRaised')
        assert not arguments[6]['recorded']
        client.wait_signal('AlertEnded')
        status = client.call(ROOT, MANAGER, 'Status', 'a{sv}', client.options())
        assert status['store'] != 'ok' and '/dev/null/nowhere' in status['store'], status
        assert client.error_of(ROOT, HISTORY, 'ListEpisodes', 'a{sv}', client.options()) == \
            'org.crampd1.Error.StoreFailed'
        assert add_error(client) == 'org.crampd1.Error.StoreFailed'
        # Nor does it wait for a disk, in the place of an episode.
        path = client.sensors()[0][0]
        for _ in range(3):
            assert client.error_of(path, SENSOR, 'ForgetCalibration', 'a{sv}', client.options()) == \
                'org.crampd1.Error.StoreFailed'


def test_what_the_store_says_is_cut_between_characters():
    with System() as system:
        for name in ('é' * 200, 'x' + 'é' * 200):
            with system.daemon(state=f'/dev/null/{name}'):
                client = system.client()
                told = client.call(ROOT, MANAGER, 'Status', 'a{sv}', client.options())['store']
                assert '/dev/null/' in told and told.endswith('é'), told


def test_lost_bus_ends_the_daemon():
    with System() as system, system.daemon() as daemon:
        system.bus.stop()
        assert daemon.process.wait(30) == 69
        assert 'bus is gone' in daemon.log()


def test_bad_command_lines():
    folder = Path(_files.name)
    garbage = folder / 'garbage.edf'
    garbage.write_bytes(b'not an EDF file' * 100)
    cases = ((['--virtual', folder / 'missing.edf'], 66, 'missing.edf'), (['--virtual', garbage], 65, 'garbage.edf'),
             (['--virtual', f'{recording()},speed=0'], 64, 'speed'), (['--nosuch'], 64, ''), (['stray'], 64, 'stray'),
             (['--virtual', f'{recording()},speed=1,colour=red'], 64, 'colour'),
             (['--virtual', f'{recording()},name=' + 'x' * 62 + 'é'], 64, 'name'), (['--help'], 0, 'not a medical device'))
    with System():
        for arguments, code, words in cases:
            result = subprocess.run([os.environ['CRAMPD'], '--state-dir', folder, *map(str, arguments)],
                                    capture_output=True, text=True, timeout=60, check=False)
            assert result.returncode == code, (arguments, result)
            assert words in result.stdout + result.stderr, (arguments, result)


def test_priorities_are_for_the_journal():
    def complaint(stream_of):
        """What it says of a bad option to a pipe, when systemd's stream is that of the descriptor."""
        receiver, sender = os.pipe()
        stream = os.fstat(sender) if stream_of is None else stream_of
        subprocess.run([os.environ['CRAMPD'], '--log-level', 'foo'], stderr=sender, timeout=60, check=False,
                       env={**os.environ, 'JOURNAL_STREAM': f'{stream.st_dev}:{stream.st_ino}'})
        os.close(sender)
        with open(receiver, encoding='utf-8') as output:
            return output.read()
    assert complaint(None).startswith('<3>crampd: ')
    assert complaint(os.stat('/dev/null')).startswith('crampd: ')


if __name__ == '__main__':
    tap.main(globals())
