# SPDX-License-Identifier: MIT
"""crampctl history over a fake org.crampd1: which cramps are meant, and how they look."""

import csv
import io
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from crampctl import run
from fakecrampd import EPISODES, FakeCrampd
from privatebus import PrivateBus

GIVEN_UP = '00000000000000aa'


def ids(*arguments):
    return [json.loads(line)['id'] for line in run('history', '--json', *arguments).splitlines()]


def test_filters():
    with PrivateBus(), FakeCrampd() as fake:
        third = dict(EPISODES[1], id='e3', onset_us=EPISODES[1]['onset_us'] + 1, verdict='false-alarm', leg='left')
        fake.do('set', key='episodes', value=[*EPISODES, third])
        assert ids() == ['e1', 'e2', 'e3']
        assert ids('--leg', 'left') == ['e1', 'e3'] and ids('--leg=right') == ['e2']
        assert ids('--muscle', 'soleus') == ['e2', 'e3'] and ids('--muscle', 'soleus', '--leg', 'left') == ['e3']
        assert ids('--verdict', 'confirmed') == ['e1'] and ids('--verdict', 'false-alarm') == ['e3']
        assert ids('--verdict', 'none') == ['e2'] and ids('--muscle', 'foot') == []
        # crampd itself picks the sensor, by its id; the id of one that was given up is not looked for.
        for name, id_ in (('left calf', 'a1'), ('c0:ff:ee:00:00:01', 'a1'), ('b2', 'b2'), (GIVEN_UP, GIVEN_UP)):
            fake.do('calls')
            ids('--sensor', name)
            assert fake.do('calls')[-1]['args'][0].get('sensor') == id_, name
        run('history', '--sensor', 'nobody', code=65)
        for option, word, told in (('--leg', 'both', 'left or right'), ('--muscle', 'calf', 'soleus'), ('--verdict', 'x', 'none')):
            assert told in run('history', option, word, code=64)
        assert run('history', '--leg', 'right').count('\n') == 2


def test_filters_of_missed_cramps():
    with PrivateBus(), FakeCrampd():
        assert ids('--missed') == ids('--missed', '--leg', 'left', '--muscle', 'soleus', '--verdict', 'confirmed') == ['m1']
        assert ids('--missed', '--leg', 'right') == ids('--missed', '--verdict', 'none') == []
        assert 'Nobody told' in run('history', '--missed', '--muscle', 'foot')


def test_csv():
    with PrivateBus(), FakeCrampd():
        assert run('history', '--csv') == run('export')
        rows = list(csv.DictReader(io.StringIO(run('history', '--csv', '--verdict', 'none'), newline='')))
        assert [row['id'] for row in rows] == ['e2']
        assert run('history', '--csv', '--no-legend', '--leg', 'left').count('\n') == 1
        run('history', '--csv', '--json', code=64)
        run('history', '--csv', '--missed', code=64)


tap.main(globals())
