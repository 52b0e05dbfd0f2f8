#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Guidance by a running daemon: what a person tells and logs is kept, is theirs alone, bears on the advice, and bad input
leaves no trace. Needs CRAMPD and CRAMPCTL in the environment."""

import csv
import io
import json
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import dbus  # noqa: E402

import tap  # noqa: E402
from daemon import GUIDANCE, HISTORY, ROOT, System  # noqa: E402
from guidance import (INVALID, NOBODY, NOT_SAFE, REFUSED, SAFE, UNKNOWN, advise, as_nobody, crampctl, error_of,  # noqa: E402
                      get_profile, list_log, log, set_profile, text_of)
from nights import DAY_US, evening_of, fill, public_id  # noqa: E402

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
        # Each figure has its source: of the foods there are several.
        assert any('older editions' in source for source in items['magnesium-foods']['sources']), items['magnesium-foods']
        set_profile(client, values={'medicines': 'warfarin'})
        _, items, suppressed = advise(client, topic='vitamin-k2')
        assert suppressed['vitamin-k2']['food'] and 'warfarin' in suppressed['vitamin-k2']['reasons'][0]
        assert 'vitamin-k2-supplement' not in items and not any(item['kind'] == 'foods' for item in items.values())
        # Told to nobody but who asks.
        assert not any('quinine' in name for name in advise(client)[1])
        assert any('boxed' in item['text'].lower() for item in advise(client, topic='quinine')[1].values())


def test_what_helps_now_does_not_wait_for_a_disk():
    with System() as system:
        with system.daemon():
            client = system.client()
            summary, items, suppressed = advise(client, topic='now')
            assert summary['complete'] and len(summary['relief']) > 4 and suppressed == {}, summary
            assert list(items) == ['relief-now', 'relief-painkiller', 'doctor-when'], items.keys()
            log(client, kind='symptom', what='redness', leg='left')
            assert next(iter(advise(client, topic='now')[1])) == 'red-clot'
            lines = crampctl('guidance', 'now').splitlines()
            assert lines[0].startswith('! ') and '- Sit up and hold on before you stand.' in lines, lines
            assert '- Massage it.' not in lines, lines
            setzen = advise(client, topic='now', language='de')[0]['relief']
            # What may be a clot is not rubbed.
            assert 'nicht massieren' in setzen[0] and 'Setzen Sie sich auf' in setzen[1], setzen
            assert not any(step.startswith('Massage') for step in advise(client, topic='now')[0]['relief'])
        # Without a database there is still relief, and it is said what is missing.
        with system.daemon(state='/dev/null/nowhere'):
            client = system.client()
            summary, items, _ = advise(client, topic='now')
            assert not summary['complete'] and len(summary['relief']) > 4 and 'relief-now' in items, summary
            assert error_of(client, 'Advise', 'a{sv}', client.options()) == 'org.crampd1.Error.StoreFailed'
            assert 'may be missing' in crampctl('guidance', 'now')


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
        assert len(rows) == 12 and rows[1].startswith('magnesium') and 'until you say more' in rows[1], rows
        assert rows[9] == '' and ' '.join(rows[10:]) == (
            'For amounts of your own: crampctl profile set age=... pregnancy=... kidney-disease=... dialysis=... '
            'liver-disease=... heart-failure=... medicines=... sex=...'), rows
        crampctl('profile', 'set', *(f'{key}={value}' for key, value in SAFE.items()), 'sex=')
        assert crampctl('nutrients').splitlines()[10] == (
            'For amounts of your own: crampctl profile set pregnancy=... sex=...')
        crampctl('profile', 'set', 'sex=male', 'kidney-disease=yes')
        assert 'for a doctor to tell' in crampctl('nutrients').splitlines()[10]
        crampctl('profile', 'set', 'kidney-disease=no')
        assert len(crampctl('nutrients').splitlines()) == 9
        rows = [json.loads(line) for line in crampctl('nutrients', '--json').splitlines()]
        assert [row['id'] for row in rows][:2] == ['magnesium', 'potassium'] and rows[0]['recommended'] == '420 mg', rows
        assert rows[0]['evidence'] == 'against', rows[0]
        assert all(row['recommendation'] for row in rows), rows


def test_review_shows_every_statement_with_its_source():
    lines = [json.loads(line) for line in crampctl('guidance', '--review', '--json').splitlines()]
    assert len(lines) > 300
    for line in lines:
        assert (line['text'] or line['steps']) and line['sources'] and all(line['sources']), line
    assert {'limit', 'intake', 'food', 'contraindication', 'evidence', 'red-flag'} <= {line['kind'] for line in lines}
    assert {'relief-steps', 'recommendation', 'trigger', 'compound'} <= {line['kind'] for line in lines}
    # A limit, or why there is none, of each nutrient; whom each piece of evidence is of.
    assert {'magnesium', 'potassium', 'calcium', 'vitamin-d', 'vitamin-k2', 'vitamin-b1', 'vitamin-b12', 'hydration'} <= {
        line['id'] for line in lines if line['kind'] == 'limit'}
    assert all(line['population'] for line in lines if line['kind'] == 'evidence')
    assert crampctl('guidance', '--review').count('[ ] ') == len(lines)
    rows = list(csv.DictReader(io.StringIO(crampctl('guidance', '--review', '--csv', '--language', 'de'))))
    assert [(row['kind'], row['id']) for row in rows] == [(line['kind'], line['id']) for line in lines]
    assert all(row['checked'] == '' and row['text'] and row['sources'] for row in rows)
    assert rows[0]['translation'] and rows[0]['translation'] != rows[0]['text'], rows[0]
    assert sum(row['a_source_not_read'] == 'yes' for row in rows) == sum(
        any('NOT READ' in source for source in line['sources']) for line in lines) > 10
    crampctl('guidance', '--csv', code=64)
    crampctl('guidance', '--review', '--csv', '--json', code=64)


# --- the day log ------------------------------------------------------------------------------------------------

def test_log_is_kept_and_changed():
    with System() as system:
        with system.daemon() as daemon:
            client = system.client()
            first, warnings = log(client, what='magnesium', amount='300mg')
            assert warnings == []
            water, _ = log(client, what='water', amount='500ml')
            note, _ = log(client, kind='note', text='slept badly')
            rows, cursor = list_log(client)
            assert cursor == 0 and [row['id'] for row in rows] == [first, water, note]
            assert (rows[0]['what'], rows[0]['amount'], rows[0]['origin']) == ('magnesium', '300mg', 'supplement'), rows
            assert rows[1]['what'] == 'water' and 'origin' not in rows[1] and rows[2]['text'] == 'slept badly'
            page, cursor = list_log(client, limit=dbus.UInt32(2))
            assert len(page) == 2 and cursor
            assert [row['id'] for row in list_log(client, after=dbus.UInt64(cursor))[0]] == [note]
            assert text_of(client, 'ListLog', 'a{sv}', client.options(after=dbus.UInt64(12345)))[0] == INVALID

            same, _ = client.call(ROOT, GUIDANCE, 'EditLog', 'sa{sv}', first, client.options(amount='200mg', origin='food'))
            assert same == first
            rows, _ = list_log(client)
            assert (rows[0]['amount'], rows[0]['origin'], rows[0]['what']) == ('200mg', 'food', 'magnesium'), rows
            client.call(ROOT, GUIDANCE, 'DeleteLog', 'sa{sv}', note, client.options())
            assert len(list_log(client)[0]) == 2
            for path in system.state.iterdir():
                assert b'slept badly' not in path.read_bytes(), path
            text = daemon.log()
            assert 'magnesium' not in text and '300mg' not in text and 'slept' not in text, text
        with system.daemon():
            assert len(list_log(system.client())[0]) == 2


def test_days_above_a_limit_are_warned_about():
    with System() as system, system.daemon():
        client = system.client()
        assert log(client, what='magnesium', amount='300mg')[1] == []
        warning, = log(client, what='magnesium', amount='100mg')[1]
        assert (warning['id'], warning['nutrient']) == ('above-upper-limit', 'magnesium'), warning
        assert 'Magnesium' in warning['text'] and '350' not in warning['text'] and 'limit' not in warning  # no figures to who has not said that they are safe
        assert log(client, what='magnesium', amount='800mg', origin='food', time_us=dbus.Int64(10**15))[1] == []
        set_profile(client, values=SAFE)
        warning, = log(client, what='magnesium', amount='100mg')[1]
        assert '350 mg a day from supplements (Institute of Medicine)' in warning['text'], warning
        assert (warning['limit'], warning['limit_unit'], warning['limit_supplements_only']) == (350, 'mg', True), warning
        assert log(client, what='magnesium', amount='300mg', time_us=dbus.Int64(10**15))[1] == []
        entry, _ = log(client, what='magnesium', amount='20mg', time_us=dbus.Int64(10**15))
        # An edit is held against its own day, with the old amount out of it.
        assert client.call(ROOT, GUIDANCE, 'EditLog', 'sa{sv}', entry, client.options(amount='50mg'))[1] == []
        assert len(client.call(ROOT, GUIDANCE, 'EditLog', 'sa{sv}', entry, client.options(amount='51mg'))[1]) == 1
        # A compound is not its weight in magnesium.
        assert log(client, what='magnesium', amount='600mg', compound='magnesium-citrate',
                   time_us=dbus.Int64(10**15 - 5 * 86400 * 10**6))[1] == []


def test_crampctl_log_refuses_negative_amounts():
    with System() as system, system.daemon():
        assert "'-3mg' is not an amount above 0" in crampctl('log', 'magnesium', '-3mg', code=64)
        assert 'amount above 0' in crampctl('log', 'magnesium', '0mg', code=64)
        crampctl('log', 'magnesium', '3mg', '--at', '-2h')
        assert len(crampctl('log', 'list', '--since', '-3h', '--no-legend').splitlines()) == 1


def test_what_does_not_go_together_is_warned_about():
    with System() as system, system.daemon():
        client = system.client()
        assert log(client, what='potassium', amount='99mg')[1] == []  # nothing is known: advice says what is missing
        set_profile(client, values={**SAFE, 'medicines': 'spironolactone,ramipril'})
        warning, = log(client, what='potassium', amount='99mg')[1]
        assert (warning['id'], warning['nutrient']) == ('dangerous-together', 'potassium'), warning
        assert 'ACE inhibitor' in warning['text'] and 'potassium-sparing' in warning['text'], warning
        assert warning['text'].count('dangerous level') == 1 and 'pharmacist' in warning['text'], warning
        assert log(client, what='potassium', amount='400mg', origin='food')[1] == []
        assert {warning['id'] for warning in log(client, what='magnesium', amount='400mg')[1]} == {
            'dangerous-together', 'above-upper-limit'}
        german, = log(client, what='potassium', amount='99mg', language='de')[1]
        assert german['id'] == 'dangerous-together' and 'Apotheke' in german['text'], german


def test_bad_entries_leave_no_trace():
    with System() as system, system.daemon():
        client = system.client()

        def refused(*words, **entry):
            name, text = text_of(client, 'Log', 'a{sv}', client.options(**entry))
            assert name == INVALID and all(word in text for word in words), (entry, name, text)
        refused('magnesium, ', 'standing', what='gold', amount='1g')
        refused('mg', what='magnesium', amount='3ml')
        refused(what='magnesium', amount='-3mg')
        refused(what='magnesium', amount='nanmg')
        refused(what='magnesium', amount='3kg')
        refused(what='magnesium', amount='999g')
        refused(what='magnesium', amount='')
        refused(what='magnesium')
        refused(what='standing', amount='25h')
        refused('food, supplement', what='magnesium', amount='3mg', origin='air')
        refused(what='magnesium', amount='3mg', compound='magnesium-moonshine')
        refused('swelling', 'dark-urine', kind='symptom', what='sadness')
        refused('left, right, both', kind='symptom', what='swelling', leg='middle')
        refused('amount, symptom, note', kind='dream', text='x')
        refused(kind='note')
        refused(kind='note', text='x' * 512)
        refused('future', what='magnesium', amount='3mg', time_us=dbus.Int64(4 * 10**15))
        refused(what='magnesium', amount='3mg', time_us=dbus.Int64(2**63 - 1))
        refused(what='magnesium', amount='3mg', time_us=dbus.Int64(-2**63))
        assert list_log(client) == ([], 0)
        for entry in ('0' * 16, 'x', '0123456789abcdef', ''):
            assert error_of(client, 'DeleteLog', 'sa{sv}', entry, client.options()) == UNKNOWN
            assert error_of(client, 'EditLog', 'sa{sv}', entry, client.options(amount='1mg')) == UNKNOWN
        kept, _ = log(client, what='magnesium', amount='3mg')
        assert error_of(client, 'EditLog', 'sa{sv}', kept, client.options(amount='3h')) == INVALID
        assert list_log(client)[0][0]['amount'] == '3mg'
        for _ in range(149):
            log(client, what='magnesium', amount='1mg')
        assert error_of(client, 'Log', 'a{sv}', client.options(what='water', amount='1l')) == \
            'org.crampd1.Error.LimitReached'
        # A full day can still be put right.
        client.call(ROOT, GUIDANCE, 'EditLog', 'sa{sv}', kept, client.options(amount='2mg'))
        log(client, what='water', amount='1l', time_us=dbus.Int64(10**15))


def test_log_bears_on_advice():
    with System() as system, system.daemon():
        client = system.client()
        assert not any(item['red_flag'] for item in advise(client)[1].values())
        entry, _ = log(client, kind='symptom', what='swelling', leg='right')
        _, items, _ = advise(client)
        first = next(iter(items.values()))
        assert first['red_flag'], first['id']
        client.call(ROOT, GUIDANCE, 'DeleteLog', 'sa{sv}', entry, client.options())
        assert not any(item['red_flag'] for item in advise(client)[1].values())


def test_a_log_is_its_owners_alone():
    if os.geteuid() != 0:
        tap.skip('only root can become another user')
    with System() as system, system.daemon():
        client = system.client()
        entry, _ = log(client, what='magnesium', amount='300mg')
        output = as_nobody(system, f'''
print(client.call(ROOT, GUIDANCE, 'ListLog', 'a{{sv}}', client.options()) == ([], 0))
print(client.error_of(ROOT, GUIDANCE, 'ListLog', 'a{{sv}}', client.options(owner=dbus.UInt32(0))))
print(client.error_of(ROOT, GUIDANCE, 'DeleteLog', 'sa{{sv}}', {entry!r}, client.options()))
print(client.error_of(ROOT, GUIDANCE, 'EditLog', 'sa{{sv}}', {entry!r}, client.options(amount='1mg')))
print(client.error_of(ROOT, GUIDANCE, 'EditLog', 'sa{{sv}}', {entry!r}, client.options(amount='1mg', owner=dbus.UInt32(0))))
print(client.error_of(ROOT, GUIDANCE, 'ListLog', 'a{{sv}}', client.options(after=dbus.UInt64(int({entry!r}, 16)))))
''')
        assert output.splitlines() == ['True', REFUSED, UNKNOWN, UNKNOWN, REFUSED, INVALID], output
        assert list_log(client)[0][0]['amount'] == '300mg'


def test_crampctl_log():
    with System() as system, system.daemon():
        assert crampctl('log', 'magnesium', '300mg', '--food') == ''
        assert crampctl('log', 'standing', '8h', '--at', 'yesterday') == ''
        crampctl('log', 'symptom', 'swelling', '--leg', 'right')
        crampctl('log', 'note', 'new shoes')
        assert 'upper limit' in crampctl('log', 'magnesium', '400mg')
        identity = json.loads(crampctl('log', 'water', '500ml', '--json'))['id']
        rows = [json.loads(line) for line in crampctl('log', 'list', '--json').splitlines()]
        assert [row['what'] for row in rows] == ['standing', 'magnesium', 'swelling', None, 'magnesium', 'water'], rows
        crampctl('log', 'edit', identity, '600ml')
        table = crampctl('log', 'list').splitlines()
        assert table[0].startswith('TIME') and '600ml' in table[-1] and len(table) == 7, table
        crampctl('log', 'delete', identity)
        assert len(crampctl('log', '--no-legend').splitlines()) == 5
        assert crampctl('log', 'list', '--until', '2020-01-01') == 'Nothing is logged for that time.\n'
        for words in (('magnesium',), ('magnesium', '3mg', 'x'), ('delete',), ('edit', identity, '1ml', 'x'), ('list', 'x'),
                      ('magnesium', '3mg', '--at', 'someday'), ('magnesium', '3mg', '--at', '2999-01-01'),
                      ('gold', '1g')):
            crampctl('log', *words, code=64)
        # Gone already, and what could never be an id.
        for entry in (identity, 'x'):
            crampctl('log', 'delete', entry, code=65)
            crampctl('trial', 'delete', entry, code=65)


# --- trials -----------------------------------------------------------------------------------------------------

def days_ago(days):
    return evening_of(int(time.time()) * 1000000 - days * DAY_US)


def start_trial(client, **plan):
    return str(client.call(ROOT, GUIDANCE, 'StartTrial', 'a{sv}', client.options(**plan)))


def list_trials(client):
    return client.call(ROOT, GUIDANCE, 'ListTrials', 'a{sv}', client.options())


def test_a_trial_counts_watched_nights():
    with System() as system:
        with system.daemon():
            client = system.client()
            set_profile(client, values=SAFE)
        # 40 nights with a cramp in every second one, then a week that does not count and 33 nights with three cramps; and
        # nights with many cramps that were hardly watched.
        nights = [(80 - i, 8, i % 2) for i in range(40)] + [(40 - i, 8, int(i >= 7 and i % 12 == 0)) for i in range(39)]
        nights[3], nights[50] = (77, 3, 4), (30, 1, 4)
        with_cramps = sum(n for days, hours, n in nights if days <= 33 and hours >= 4)
        fill(system.state / 'crampd.db', os.geteuid(), nights)
        with system.daemon():
            client = system.client()
            trial = start_trial(client, nutrient='magnesium', **{'from': days_ago(40)})
            result, = list_trials(client)
            assert result['id'] == trial and result['start_day'] == days_ago(40) and 'end_day' not in result
            assert (result['nights_without'], result['clusters_without']) == (39, 19), dict(result)
            assert result['nights_with'] == 31 and result['clusters_with'] == with_cramps, dict(result)
            assert result['nights_left_out'] == 2
            assert abs(result['ratio'] - with_cramps / 31 / (19 / 39)) < 1e-9
            assert result['verdict'] == 'fewer' and result['ratio_high'] < 1 and 'monitored' in result['text']
            # Cramps without an alert, told later: one while the sensor watched, which counts, and one while nothing did.
            begin = int(time.time()) * 1000000 - 20 * DAY_US
            for hours in (1, 10):
                client.call(ROOT, HISTORY, 'ReportMissed', 'sxa{sv}', public_id(1), dbus.Int64(begin + hours * 3600000000),
                            client.options(pain=dbus.UInt32(7)))
            result, = list_trials(client)
            assert (result['clusters_with'], result['reported_with'], result['reported_left_out']) == (with_cramps + 1, 1, 1)
            assert result['cramps_with'] == with_cramps and result['mean_pain_with'] == 7, dict(result)
            assert 'you reported count too: 0 without the change, 1 with it' in result['text'], result['text']
            assert 'not monitored are left out, as no monitored night stands against them: 1.' in result['text'], result['text']
            assert error_of(client, 'StartTrial', 'a{sv}', client.options(nutrient='calcium')) == \
                'org.crampd1.Error.AlreadyExists'
            assert error_of(client, 'StopTrial', 'a{sv}', client.options(day=days_ago(41))) == INVALID
            client.call(ROOT, GUIDANCE, 'StopTrial', 'a{sv}', client.options(day=days_ago(30)))
            result, = list_trials(client)
            assert result['end_day'] == days_ago(30) and result['verdict'] == 'too-few', dict(result)
            assert 'too few to tell' in result['text']
            shown, = (json.loads(line) for line in crampctl('trial', '--json').splitlines())
            assert shown['verdict'] == 'too-few' and shown['nights_without'] == 39, shown
            assert 'magnesium, before-after, from' in crampctl('trial', 'show')
            crampctl('trial', 'start', 'vitamin-d', '--from', days_ago(1), '--alternating', '--block', '14', '--washout', '3')
            crampctl('trial', 'start', 'vitamin-d', code=73)
            crampctl('trial', 'stop')
            crampctl('trial', 'stop', code=64)
            crampctl('trial', 'delete', trial)
            assert [row['nutrient'] for row in list_trials(client)] == ['vitamin-d']


def test_trials_that_are_not_safe_are_refused():
    with System() as system, system.daemon():
        client = system.client()

        def refused(*words, code=INVALID, **plan):
            name, text = text_of(client, 'StartTrial', 'a{sv}', client.options(**plan))
            assert name == code and all(word in text for word in words), (plan, name, text)
        refused('You have not said: kidney-disease', code=NOT_SAFE, nutrient='magnesium')
        set_profile(client, values=dict(SAFE, medicines='warfarin'))
        refused('warfarin', code=NOT_SAFE, nutrient='vitamin-k2')
        set_profile(client, values={'medicines': 'none', 'kidney-disease': 'yes'})
        refused('kidney disease', code=NOT_SAFE, nutrient='magnesium')
        crampctl('trial', 'start', 'magnesium', code=77)
        set_profile(client, values={'kidney-disease': 'no'})
        refused('magnesium, potassium', nutrient='gold')
        refused('magnesium, potassium')
        refused('before-after, alternating', nutrient='magnesium', design='blind')
        refused('future', nutrient='magnesium', **{'from': '2999-01-01'})
        refused('future', nutrient='magnesium', **{'from': time.strftime('%Y-%m-%d', time.localtime(time.time() + 86400))})
        refused('no date', nutrient='magnesium', **{'from': 'soon'})
        refused('no date', nutrient='magnesium', **{'from': '2026-13-01'})
        refused('baseline_days', nutrient='magnesium', baseline_days=dbus.UInt32(1))
        refused('block_days', nutrient='magnesium', design='alternating', block_days=dbus.UInt32(7))
        refused(nutrient='magnesium', baseline_days=dbus.UInt32(2**32 - 1))
        assert list_trials(client) == []
        for words in (('start',), ('start', 'magnesium', 'x'), ('begin', 'magnesium'), ('delete',), ('stop', 'x'),
                      ('start', 'magnesium', '--block', '-1'), ('start', 'magnesium', '--from', 'soon')):
            crampctl('trial', *words, code=64)
        # What is said later counts too.
        start_trial(client, nutrient='magnesium')
        assert 'forbidden' not in list_trials(client)[0]
        set_profile(client, values={'kidney-disease': 'yes'})
        assert 'kidney disease' in list_trials(client)[0]['forbidden']
        assert 'Stop: ' in crampctl('trial')


def test_trials_are_their_owners_alone():
    if os.geteuid() != 0:
        tap.skip('only root can become another user')
    with System() as system, system.daemon():
        client = system.client()
        set_profile(client, values=SAFE)
        trial = start_trial(client, nutrient='magnesium')
        output = as_nobody(system, f'''
print(client.call(ROOT, GUIDANCE, 'ListTrials', 'a{{sv}}', client.options()) == [])
print(client.error_of(ROOT, GUIDANCE, 'ListTrials', 'a{{sv}}', client.options(owner=dbus.UInt32(0))))
print(client.error_of(ROOT, GUIDANCE, 'DeleteTrial', 'sa{{sv}}', {trial!r}, client.options()))
print(client.error_of(ROOT, GUIDANCE, 'StopTrial', 'a{{sv}}', client.options()))
print(client.error_of(ROOT, GUIDANCE, 'StopTrial', 'a{{sv}}', client.options(owner=dbus.UInt32(0))))
''')
        assert output.splitlines() == ['True', REFUSED, UNKNOWN, INVALID, REFUSED], output
        assert len(list_trials(client)) == 1


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
