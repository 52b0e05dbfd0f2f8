#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The verbs of guidance over a fake org.crampd1 on a private bus: crampctl guidance, nutrients, profile, log and trial. What
they ask for, how they show the answer, and that no answer makes them fall over. With the real daemon: bus/test-guidance.py."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from crampctl import environment, run
from fakecrampd import ADVICE, FakeCrampd
from privatebus import PrivateBus

PROTOCOL = 76
VERBS = {'guidance': ('Advise', ('guidance',)), 'nutrients': ('Advise', ('nutrients',)),
         'profile': ('GetProfile', ('profile', 'show')), 'profile-set': ('SetProfile', ('profile', 'set', 'age=1')),
         'profile-forget': ('ForgetProfile', ('profile', 'forget')), 'log': ('Log', ('log', 'magnesium', '3mg')),
         'log-list': ('ListLog', ('log', 'list')), 'log-edit': ('EditLog', ('log', 'edit', 'f1', '4mg')),
         'log-delete': ('DeleteLog', ('log', 'delete', 'f1')), 'trial': ('ListTrials', ('trial', 'show')),
         'trial-start': ('StartTrial', ('trial', 'start', 'magnesium')), 'trial-stop': ('StopTrial', ('trial', 'stop')),
         'trial-delete': ('DeleteTrial', ('trial', 'delete', 't1'))}


def test_guidance_shows_red_flags_first_and_steers_no_terminal():
    with PrivateBus(), FakeCrampd() as fake:
        out = run('guidance')
        lines = out.splitlines()
        assert lines[0] == '! See a doctor [common advice]' and lines[1] == '  Soon.?[31m', lines
        assert all(len(line) <= 100 for line in lines if line.startswith('  word'))
        assert '    Recommended a day: 320 mg' in lines and '    Upper limit a day: 350 mg (from supplements)' in lines
        assert '      Spinach, 1 cup: 78 mg' in lines and '  Potassium, foods rich in it too:' in lines, lines
        assert 'Sources:' not in out and 'NHS (2026). X' in run('guidance', '--why')
        assert 'not a medical device' not in run('guidance', '--no-legend')
        told = json.loads(run('guidance', '--json'))
        assert told['items'][1]['intake'] == 320 and told['items'][0]['intake'] is None
        assert [item['id'] for item in told['items']] == [item['id'] for item in ADVICE['items']]


def test_texts_as_long_as_they_may_be():
    with PrivateBus(), FakeCrampd() as fake:
        fake.answer('Advise', 'items: long text')
        assert len(json.loads(run('guidance', '--json'))['items'][0]['text']) == 8191


def test_what_is_asked_for():
    with PrivateBus(), FakeCrampd() as fake:
        def asked(*words, **more):
            fake.do('calls')
            run(*words, env=environment(**more))
            call, = fake.do('calls')
            return call['member'], call['args']
        assert asked('guidance', 'food', LANGUAGE='de_AT:en') == ('Advise', [{'topic': 'food', 'language': 'de_AT:en'}])
        # C.UTF-8 is no language.
        assert asked('guidance', '--owner', '7') == ('Advise', [{'owner': 7}])
        assert asked('profile', 'set', 'age=67', 'sex=') == ('SetProfile', [{'age': '67', 'sex': ''}, {}])
        assert asked('profile', 'forget', '--owner', '7') == ('ForgetProfile', [{'owner': 7}])
        assert asked('log', 'magnesium', '300mg', '--food', '--compound', 'x', '--at', '2026-11-23T02:30Z') == (
            'Log', [{'kind': 'amount', 'what': 'magnesium', 'origin': 'food', 'compound': 'x', 'amount': '300mg',
                     'time_us': 1795401000000000}])
        assert asked('log', 'symptom', 'swelling', '--leg', 'right') == (
            'Log', [{'kind': 'symptom', 'what': 'swelling', 'leg': 'right'}])
        assert asked('log', 'note', 'x y') == ('Log', [{'kind': 'note', 'text': 'x y'}])
        assert asked('log', 'edit', 'f1', '4mg', '--supplement') == ('EditLog', ['f1', {'origin': 'supplement', 'amount': '4mg'}])
        assert asked('log', 'delete', 'f1') == ('DeleteLog', ['f1', {}])
        assert asked('log', 'list', '--until', '2026-11-23T02:30Z', '--owner', '7') == (
            'ListLog', [{'until_us': 1795401000000000, 'owner': 7}])
        assert asked('trial', 'start', 'calcium', '--from', '2026-11-01', '--alternating', '--block', '14', '--washout', '0') == (
            'StartTrial', [{'nutrient': 'calcium', 'design': 'alternating', 'from': '2026-11-01', 'block_days': 14,
                            'washout_days': 0}])
        assert asked('trial', 'stop', '--on', '2026-11-20') == ('StopTrial', [{'day': '2026-11-20'}])
        if os.geteuid() == 0:
            assert asked('guidance', SUDO_UID='1000') == ('Advise', [{'owner': 1000}])


def test_answers_are_shown():
    with PrivateBus(), FakeCrampd():
        assert run('log', 'magnesium', '300mg') == 'Above the limit.?[31m\n'
        assert json.loads(run('log', 'magnesium', '300mg', '--json')) == {
            'id': 'f3', 'warnings': [{'id': 'above-upper-limit', 'nutrient': 'magnesium', 'text': 'Above the limit.\x1b[31m',
                                      'limit': 350, 'limit_unit': 'mg', 'limit_authority': 'IOM'}]}
        rows = run('log').splitlines()
        assert rows[0].split() == ['TIME', 'WHAT', 'AMOUNT', 'FROM', 'NOTE', 'ID'] and 'slept?badly' in rows[2], rows
        assert [json.loads(line)['id'] for line in run('log', '--json').splitlines()] == ['f1', 'f2']
        assert run('trial', '--no-legend') == 'magnesium, before-after, from 2026-10-01, running\n  You had fewer.\n'
        shown = json.loads(run('trial', '--json'))
        assert shown['ratio_high'] == 0.67 and shown['p_value'] is None and shown['end_day'] is None, shown
        assert json.loads(run('profile', '--json'))['age'] == '67'
        assert run('nutrients', '--no-legend').count('\n') == 8


def test_no_answer_makes_them_fall_over():
    with PrivateBus(), FakeCrampd() as fake:
        for method, words in VERBS.values():
            if method != 'StartTrial':  # which answers with a string, as this does
                fake.answer(method, 'signature')
                run(*words, code=PROTOCOL)
            fake.answer(method, 'error org.crampd1.Error.InvalidArgument')
            assert 'Said no.?' in run(*words, code=64)
            fake.answer(method, 'error org.crampd1.Error.NotAuthorized')
            run(*words, code=77)
            fake.answer(method, 'error org.crampd1.Error.NotSafe')
            assert 'refused: Said no.?' in run(*words, code=77)
            fake.answer(method, None)
        for where, key in (('summary', 'nights'), ('summary', 'missing'), ('items', 'text'), ('items', 'sources'),
                           ('items', 'priority'), ('suppressed', 'reasons'), ('suppressed', 'food')):
            for how in ('type', 'missing', 'huge'):
                fake.answer('Advise', f'{where}: {how} {key}')
                run('guidance', code=PROTOCOL)
        fake.answer('Advise', 'many: ')
        run('guidance', code=PROTOCOL)
        for method, words, keys in (('Log', VERBS['log'][1], ('id', 'text')), ('ListLog', ('log',), ('kind', 'time_us')), ('ListTrials', ('trial',), ('text', 'verdict'))):
            for key in keys:
                for how in ('type', 'missing', 'huge'):
                    fake.answer(method, f'{how} {key}')
                    run(*words, code=PROTOCOL)
        fake.answer('GetProfile', 'many')
        run('profile', code=PROTOCOL)
        fake.answer('ListTrials', 'many')
        run('trial', code=PROTOCOL)


def test_the_frame_is_in_the_language_of_the_user():
    with PrivateBus(), FakeCrampd() as fake:
        german = environment(LANGUAGE='de')
        out = run('guidance', '--why', env=german)
        for words in ('[allgemeiner Rat]', '    Empfohlen am Tag: 320 mg', '    Höchstmenge am Tag: 350 mg (aus Nahrungsergänzungsmitteln)',
                      'Warum Sie das sehen:', 'Quellen:', 'auch Lebensmittel, die reich daran sind:', 'kein Medizinprodukt'):
            assert words in out, (words, out)
        assert run('nutrients', env=german).split()[:2] == ['NÄHRSTOFF', 'BELEGE']
        assert run('log', env=german).split()[:3] == ['ZEIT', 'WAS', 'MENGE']
        assert run('profile', env=german).split()[:2] == ['SCHLÜSSEL', 'WERT']
        assert run('trial', '--no-legend', env=german).startswith('magnesium, vorher-nachher, ab 2026-10-01, läuft\n')
        assert 'kennt „sing“ nicht' in run('trial', 'sing', env=german, code=64)
        fake.answer('SetProfile', 'error org.crampd1.Error.NotAuthorized')
        assert 'abgelehnt: ' in run('profile', 'set', 'age=1', env=german, code=77)
        # For programs nothing changes but what crampd itself says.
        for words in (('guidance',), ('guidance', '--review'), ('nutrients',), ('log',), ('profile',), ('trial',)):
            assert run(*words, '--json', env=german) == run(*words, '--json'), words


def test_whose_language():
    with PrivateBus(), FakeCrampd() as fake:
        def asked(*words, **more):
            fake.do('calls')
            env = {name: value for name, value in environment(**more).items() if name != 'LC_ALL' or 'LC_ALL' in more}
            for name in ('LC_MESSAGES', 'LANG'):
                env.pop(name, None) if name not in more else None
            out = run(*words, 'guidance', env=env)
            call, = fake.do('calls')
            return call['args'][0].get('language'), 'Quellen' in out or 'Höchstmenge' in out
        assert asked() == (None, False)
        assert asked(LANG='de_DE.UTF-8') == ('de_DE.UTF-8', True)
        assert asked(LANG='en_GB.UTF-8', LC_MESSAGES='de_AT') == ('de_AT', True)
        assert asked(LANG='de_DE', LANGUAGE='nl:en') == ('nl:en', False)
        assert asked(LANG='en_US.UTF-8', LANGUAGE='de') == ('de', True)
        # As gettext has it: who wants C wants C.
        assert asked(LANG='C', LANGUAGE='de') == (None, False)
        assert asked(LANG='C.UTF-8') == (None, False)
        assert asked('--language', 'de') == ('de', True)
        assert asked('--language=en', LANG='de_DE.UTF-8') == ('en', False)
        assert asked(LANGUAGE='\udcff', LANG='en_US') == (None, False)  # cannot be sent, and is no reason to fail
        fake.do('calls')
        assert "'xx'" in run('guidance', '--language', 'xx', code=64) and 'possible: en, de' in run('--language', 'xx', 'log', code=64)
        assert fake.do('calls') == []
        for verb, (method, words) in VERBS.items():
            run(*words, '--language', 'de')
            for call in fake.do('calls'):
                assert call['args'][-1]['language'] == 'de', (verb, method, call)


def test_help_and_wrong_words():
    for verb in ('guidance', 'nutrients', 'profile', 'log', 'trial'):
        assert run(verb, '--help').startswith(f'Usage: crampctl {verb} ')
        run(verb, '--nonsense', code=64)
        run(verb, '--owner', 'no-such-user', code=64)
        with PrivateBus():
            run(verb, code=69)
    run('guidance', 'a', 'b', code=64)
    run('nutrients', 'a', code=64)


if __name__ == '__main__':
    tap.main(globals())
