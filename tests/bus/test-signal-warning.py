# SPDX-License-Identifier: MIT
"""An electrode that comes off, and a sensor that says it is on the other leg, through the whole service: its owner hears of it
once, and when it is over; so does who subscribes meanwhile. Needs CRAMPD in the environment."""

import os
import random
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import dbus  # noqa: E402

import packets  # noqa: E402
import tap  # noqa: E402
from daemon import MANAGER, ROOT, SENSOR, System  # noqa: E402
from mockbluez import MockBluez  # noqa: E402

ADDRESS = 'C0:00:00:00:00:01'
LEFT, RIGHT = 1, 2

RATE_HZ = 200
# A minute of rest, four with the input at one end of somewhere else, two of rest again.
STRETCHES = ((60, 'rest'), (240, 'off'), (120, 'rest'))


def recording(folder):
    noise = random.Random(1)
    path = Path(folder) / 'off.csv'
    with open(path, 'w', encoding='utf-8') as file:
        # A jerk first: what stands still later is not the end of the converter's range.
        file.write('calf_uV\n3000\n-3000\n')
        for seconds, kind in STRETCHES:
            for _ in range(seconds * RATE_HZ):
                file.write('2500\n' if kind == 'off' else f'{noise.gauss(0, 5):.1f}\n')
    return path


def warnings(client):
    return [arguments for member, arguments, _ in client.signals if member == 'SensorWarning']


def test_electrode_off():
    with tempfile.TemporaryDirectory() as folder, System() as system:
        path = recording(folder)
        with system.daemon('--virtual', f'{path},rate={RATE_HZ},speed=60,name=left'):
            client, late = system.client(), system.client()
            client.subscribe()
            client.wait(lambda: warnings(client), what='the warning')
            late.subscribe()
            client.wait(lambda: len(warnings(client)) > 1, what='its end')
            client.wait(lambda: any(member == 'SensorChanged' and arguments[1] == 'ended'
                                    for member, arguments, _ in client.signals), what='the end')
            late.wait(lambda: len(warnings(late)) > 1, what='the same')
            (sensor, kind, begun), (_, _, over) = warnings(client)
            assert kind == 'signal' and sensor == client.sensors()[0][0], warnings(client)
            assert begun == {'name': 'left', 'signal': 'electrode-off', 'over': False, 'repeated': False}, begun
            assert over == {'name': 'left', 'over': True, 'repeated': False}, over
            assert [details for _, _, details in warnings(late)] == [dict(begun, repeated=True), over], warnings(late)


def test_other_leg():
    with tempfile.TemporaryDirectory() as folder, System(bluez=True) as system, \
            MockBluez([ADDRESS], packets.describe(1, 1000, leg=RIGHT)) as mock, system.daemon() as daemon:
        packets.write(Path(folder) / 'packets', packets.pack([[i % 61 - 30] for i in range(1000)], 20))
        mock.order('load', file=str(Path(folder) / 'packets'), interval_ms=20)
        client, late = system.client(), system.client()
        client.subscribe()
        owner = {'owner': dbus.UInt32(os.geteuid())} if os.geteuid() == 0 else {}
        path = client.call(ROOT, MANAGER, 'AddSensor', 'sa{sv}', ADDRESS,
                           client.options(muscle='soleus', leg='left', name='wade', **owner))
        client.wait(lambda: warnings(client), what='the warning')
        begun = {'name': 'wade', 'leg': 'right', 'over': False, 'repeated': False}
        assert warnings(client) == [[path, 'leg', begun]], warnings(client)
        (_, described), = client.sensors()
        assert (described['leg'], described['says_leg']) == ('left', 'right'), described
        late.subscribe()
        late.wait(lambda: warnings(late), what='the same')
        assert warnings(late) == [[path, 'leg', dict(begun, repeated=True)]], warnings(late)
        # Once is enough, and something else that is changed is no answer to it.
        client.call(path, SENSOR, 'Edit', 'a{sv}', client.options(muscle='gastrocnemius'))
        client.call(path, SENSOR, 'Edit', 'a{sv}', client.options(leg='right'))
        client.wait(lambda: len(warnings(client)) > 1, what='its end')
        assert warnings(client)[1:] == [[path, 'leg', {'name': 'wade', 'over': True, 'repeated': False}]], warnings(client)
        client.call(path, SENSOR, 'Edit', 'a{sv}', client.options(leg='left'))
        client.wait(lambda: len(warnings(client)) > 2, what='the warning again')
        assert 'other leg' in daemon.log() and 'wade' not in daemon.log()


tap.main(globals())
