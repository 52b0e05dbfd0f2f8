#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Guidance by a running daemon: what a person tells and logs is kept, is theirs alone, bears on the advice, and bad input
leaves no trace. Needs CRAMPD and CRAMPCTL in the environment."""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import dbus  # noqa: E402

import tap  # noqa: E402
from daemon import GUIDANCE, ROOT, System  # noqa: E402

NOBODY = 65534
INVALID = 'org.crampd1.Error.InvalidArgument'
REFUSED = 'org.crampd1.Error.NotAuthorized'
SAFE = {'age': '40', 'sex': 'male', 'diet': 'omnivore', 'alcohol': 'none', 'kidney-disease': 'no', 'dialysis': 'no',
        'liver-disease': 'no', 'heart-failure': 'no', 'medicines': 'none', 'conditions': 'none', 'supplements': 'none'}


def crampctl(*arguments, code=0):
    done = subprocess.run([os.environ['CRAMPCTL'], *arguments], capture_output=True, text=True, timeout=60, check=False,
                          env={key: value for key, value in os.environ.items() if key != 'SUDO_UID'})
    assert done.returncode == code, (arguments, done)
    return done.stdout if code == 0 else done.stderr


def set_profile(client, **options):
    values = options.pop('values')
    client.call(ROOT, GUIDANCE, 'SetProfile', 'a{ss}a{sv}', dbus.Dictionary(values, signature='ss'),
                client.options(**options))


def get_profile(client, **options):
    answer = client.call(ROOT, GUIDANCE, 'GetProfile', 'a{sv}', client.options(**options))
    return {str(key): str(value) for key, value in answer.items()}


def error_of(client, method, signature, *arguments):
    return client.error_of(ROOT, GUIDANCE, method, signature, *arguments)


def text_of(client, method, signature, *arguments):
    """The error's name and words."""
    try:
        client.call(ROOT, GUIDANCE, method, signature, *arguments)
    except dbus.DBusException as error:
        return error.get_dbus_name(), error.get_dbus_message()
    raise AssertionError(f'{method} was not refused')


def as_nobody(system, code):
    """Runs a snippet as another user, with `client` at hand; returns what it printed."""
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
    return subprocess.run(['/usr/bin/python3', '-c', program], check=True, capture_output=True, text=True,
                          timeout=60).stdout


# --- the profile ------------------------------------------------------------------------------------------------

def test_profile_is_kept_and_forgotten():
    with System() as system:
        with system.daemon() as daemon:
            client = system.client()
            assert get_profile(client) == {}
            set_profile(client, values={'age': '67', 'medicines': 'warfarin'})
            set_profile(client, values={'sex': 'female'})
            assert get_profile(client) == {'age': '67', 'sex': 'female', 'medicines': 'vitamin-k-antagonist'}
            log = daemon.log()
            for private in ('67', 'female', 'warfarin', 'vitamin-k'):
                assert private not in log, log
        with system.daemon():
            client = system.client()
            assert get_profile(client)['medicines'] == 'vitamin-k-antagonist'
            set_profile(client, values={'sex': ''})
            assert 'sex' not in get_profile(client)
            client.call(ROOT, GUIDANCE, 'ForgetProfile', 'a{sv}', client.options())
            assert get_profile(client) == {}
            # On the disk neither, while the daemon runs on.
            for path in system.state.iterdir():
                assert b'vitamin-k-antagonist' not in path.read_bytes(), path


def test_bad_profiles_leave_no_trace():
    def refused(client, **values):
        name, text = text_of(client, 'SetProfile', 'a{ss}a{sv}', dbus.Dictionary(values, signature='ss'),
                             client.options())
        assert name == INVALID, (values, name)
        return text
    with System() as system, system.daemon():
        client = system.client()
        set_profile(client, values={'age': '30'})
        assert 'omnivore, vegetarian, vegan' in refused(client, diet='meat')
        assert 'kidney-disease' in refused(client, shoe='45')
        assert 'statin' in refused(client, medicines='sugar')
        assert 'contradict' in refused(client, sex='male', pregnancy='pregnant')
        refused(client, age='-1')
        refused(client, age='41', diet='ä' * 59)  # the good one is not taken either; cut within a letter
        refused(client, supplements='magnesium:3kg')
        refused(client, **{'a=b': 'c'})
        refused(client, age='1' * 5000)
        refused(client, **{f'key{i}': 'x' for i in range(40)})
        assert get_profile(client) == {'age': '30'}


def test_a_profile_is_its_owners_alone():
    if os.geteuid() != 0:
        tap.skip('only root can become another user')
    with System() as system, system.daemon():
        client = system.client()
        set_profile(client, values={'age': '30'})
        output = as_nobody(system, f'''
values = dbus.Dictionary({{'age': '50'}}, signature='ss')
print(dict(client.call(ROOT, GUIDANCE, 'GetProfile', 'a{{sv}}', client.options())))
client.call(ROOT, GUIDANCE, 'SetProfile', 'a{{ss}}a{{sv}}', values, client.options())
for method, signature, arguments in (('GetProfile', 'a{{sv}}', ()), ('Advise', 'a{{sv}}', ()), ('SetProfile', 'a{{ss}}a{{sv}}', (values,)),
                                     ('ForgetProfile', 'a{{sv}}', ())):
    print(client.error_of(ROOT, GUIDANCE, method, signature, *arguments, client.options(owner=dbus.UInt32(0))))
''')
        assert output.splitlines() == ['{}'] + [REFUSED] * 4, output
        assert get_profile(client) == {'age': '30'}
        # Root may, by naming them.
        assert get_profile(client, owner=dbus.UInt32(NOBODY)) == {'age': '50'}
        assert json.loads(crampctl('profile', 'show', '--owner', str(NOBODY), '--json'))['age'] == '50'
        assert error_of(client, 'GetProfile', 'a{sv}', client.options(owner=dbus.UInt32(2**32 - 1))) == INVALID


def test_crampctl_profile():
    with System() as system, system.daemon():
        crampctl('profile', 'set', 'age=67', 'medicines=warfarin,simvastatin', 'supplements=magnesium:300mg')
        shown = json.loads(crampctl('profile', '--json'))
        assert shown['age'] == '67' and shown['sex'] is None and shown['supplements'] == 'magnesium:300mg', shown
        rows = dict(line.split(None, 1) for line in crampctl('profile', 'show', '--no-legend').splitlines())
        assert rows['age'] == '67' and rows['sex'] == '-' and set(rows['medicines'].split(',')) == {
            'vitamin-k-antagonist', 'statin'}, rows
        assert 'vegetarian' in crampctl('profile', 'set', 'diet=meat', code=64)
        assert 'KEY=VALUE' in crampctl('profile', 'set', 'age', code=64)
        crampctl('profile', 'set', code=64)
        crampctl('profile', 'sing', code=64)
        crampctl('profile', 'show', 'all', code=64)
        crampctl('profile', 'forget')
        assert not any(json.loads(crampctl('profile', '--json')).values())


# --- advice -----------------------------------------------------------------------------------------------------

def advise(client, **options):
    summary, items, suppressed = client.call(ROOT, GUIDANCE, 'Advise', 'a{sv}', client.options(**options))
    return summary, {str(item['id']): item for item in items}, {str(item['id']): item for item in suppressed}


def test_advice_follows_the_profile():
    with System() as system, system.daemon():
        client = system.client()
        summary, items, suppressed = advise(client)
        assert not summary['amounts_allowed'] and 'kidney-disease' in summary['missing']
        assert {'magnesium', 'potassium', 'vitamin-k2'} <= set(suppressed), suppressed.keys()
        for item in items.values():
            assert item['title'] and item['text'] and item['sources'] and item['reasons'] and item['grade'], item
            assert not {'intake', 'limit'} & set(item), item
        set_profile(client, values=SAFE)
        summary, items, suppressed = advise(client, topic='magnesium')
        assert summary['amounts_allowed'] and not suppressed
        assert items['magnesium-intake']['intake'] == 420 and items['magnesium-limit']['limit_supplements_only']
        assert any('mg' in food for food in items['magnesium-foods']['foods']), items['magnesium-foods']
        set_profile(client, values={'medicines': 'warfarin'})
        _, items, suppressed = advise(client, topic='vitamin-k2')
        assert suppressed['vitamin-k2']['food'] and 'warfarin' in suppressed['vitamin-k2']['reasons'][0]
        assert 'vitamin-k2-supplement' not in items and not any(item['kind'] == 'foods' for item in items.values())
        # Told to nobody but who asks.
        assert not any('quinine' in name for name in advise(client)[1])
        assert any('boxed' in item['text'].lower() for item in advise(client, topic='quinine')[1].values())


def test_unknown_topics_are_answered_by_the_list():
    with System() as system, system.daemon():
        client = system.client()
        name, text = text_of(client, 'Advise', 'a{sv}', client.options(topic='luck'))
        assert name == INVALID and 'magnesium' in text and 'quinine' in text, text
        text_of(client, 'Advise', 'a{sv}', client.options(topic='ä' * 2000))
        assert 'Possible: magnesium' in crampctl('guidance', 'luck', code=64)


def test_crampctl_guidance():
    with System() as system, system.daemon():
        told = json.loads(crampctl('guidance', '--json'))
        assert told['items'] and told['suppressed'] and told['missing'], told
        plain, why = crampctl('guidance'), crampctl('guidance', '--why')
        assert 'not a medical device' in plain and 'When to see a doctor' in plain
        assert 'Why you see this:' in why and 'Sources:' in why and 'Why you see this:' not in plain
        rows = crampctl('nutrients').splitlines()
        assert len(rows) == 9 and rows[1].startswith('magnesium') and 'until you say more' in rows[1], rows
        crampctl('profile', 'set', *(f'{key}={value}' for key, value in SAFE.items()))
        rows = [json.loads(line) for line in crampctl('nutrients', '--json').splitlines()]
        assert [row['id'] for row in rows][:2] == ['magnesium', 'potassium'] and rows[0]['recommended'] == '420 mg', rows


def test_review_shows_every_statement_with_its_source():
    lines = [json.loads(line) for line in crampctl('guidance', '--review', '--json').splitlines()]
    assert len(lines) > 300
    for line in lines:
        assert line['text'] and line['sources'] and all(line['sources']), line
    assert {'limit', 'intake', 'food', 'contraindication', 'evidence', 'red-flag'} <= {line['kind'] for line in lines}
    assert crampctl('guidance', '--review').count('[ ] ') == len(lines)


# --- many calls -------------------------------------------------------------------------------------------------

def test_calls_of_one_person_do_not_mix():
    with System() as system, system.daemon():
        client = system.client()
        assert get_profile(client) == {}  # now the daemon knows who calls
        answers = []
        for i in range(8):  # all at once: each reads what the one before it stored
            key, value = list(SAFE.items())[i]
            client.connection.call_async('org.crampd1', ROOT, GUIDANCE, 'SetProfile', 'a{ss}a{sv}',
                                         (dbus.Dictionary({key: value}, signature='ss'), client.options()),
                                         lambda *_: answers.append(None), answers.append)
        client.wait(lambda: len(answers) == 8, what='eight answers')
        assert answers == [None] * 8, answers
        assert len(get_profile(client)) == 8


if __name__ == '__main__':
    tap.main(globals())
