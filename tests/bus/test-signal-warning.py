# SPDX-License-Identifier: MIT
"""An electrode that comes off, through the whole service: its owner hears of it once, and when it is back; so does who
subscribes meanwhile. Needs CRAMPD in the environment."""

import random
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import tap  # noqa: E402
from daemon import System  # noqa: E402

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


tap.main(globals())
