#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Languages of a running daemon: several callers at once are each answered in their own, and what is told is the same in all
of them but for the words. Needs CRAMPD, CRAMPCTL and CALF_EMG in the environment."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'support'))

import dbus  # noqa: E402

import tap  # noqa: E402
from daemon import GUIDANCE, MANAGER, ROOT, System  # noqa: E402
from guidance import INVALID, NOT_SAFE, SAFE, UNKNOWN, crampctl, log, set_profile, text_of  # noqa: E402
from nights import fill  # noqa: E402
from recordings import minute  # noqa: E402

TOPICS = [None, 'magnesium', 'potassium', 'calcium', 'vitamin-d', 'vitamin-k2', 'vitamin-b1', 'vitamin-b12', 'hydration', 'causes',
          'relief', 'stretching', 'doctor', 'food', 'quinine']
TEXTS = ('title', 'text', 'reasons', 'foods', 'sources')
# Words of an English sentence, and of no German one.
ENGLISH = re.compile(r'\b(?:the|of|and|with|your|you|not|for|is|are|a day|said)\b')


def advise(client, topic, language):
    options = {'language': language} | ({'topic': topic} if topic else {})
    return client.call(ROOT, GUIDANCE, 'Advise', 'a{sv}', client.options(**options))


def numbers(text):
    """With a decimal comma, but for those in names."""
    return [number.replace('.', ',') for number in re.findall(r'(?<![\w.,-])-?\d+(?:[.,]\d+)?(?!\w)', str(text).replace('-%', ' %'))]


def compare(client, topic):
    """Of one person: what is told in German is what is told in English, in other words."""
    english, german = advise(client, topic, 'en'), advise(client, topic, 'de_AT.UTF-8')
    assert (english[0].pop('language'), german[0].pop('language')) == ('en', 'de')
    assert english[0] == german[0]
    for ours, theirs in zip(english[1:], german[1:], strict=True):
        assert [row['id'] for row in ours] == [row['id'] for row in theirs], topic
        for one, other in zip(ours, theirs, strict=True):
            assert {key: value for key, value in one.items() if key not in TEXTS} == \
                {key: value for key, value in other.items() if key not in TEXTS}, one['id']
            assert len(one['reasons']) == len(other['reasons']) and len(one.get('foods', [])) == len(other.get('foods', []))
            assert one['text'] != other['text'] or not one['text'], one['text']
            for text in [other['title'], other['text'], *other['reasons'], *other.get('foods', [])]:
                assert not ENGLISH.search(str(text)), text
            assert numbers(one['text']) == numbers(other['text']), one['text']
    return german


def test_advice_is_the_same_in_every_language():
    people = ({}, SAFE, {**SAFE, 'medicines': 'warfarin,spironolactone,simvastatin,quinine', 'diet': 'vegan', 'alcohol': 'much'},
              {**SAFE, 'age': '30', 'sex': 'female', 'pregnancy': 'pregnant', 'kidney-disease': 'yes',
               'conditions': 'diabetes,neuropathy', 'supplements': 'magnesium:900mg,vitamin-k2:90ug'})
    with System() as system, system.daemon():
        client, told = system.client(), set()
        for symptom in ('swelling', 'chest-pain', 'numbness'):
            log(client, kind='symptom', what=symptom, leg='right')
        for values in people:
            client.call(ROOT, GUIDANCE, 'ForgetProfile', 'a{sv}', client.options())
            set_profile(client, values=values)
            for topic in TOPICS:
                _, items, suppressed = compare(client, topic)
                told |= {str(item['id']) for item in items} | {f'not {row["id"]}' for row in suppressed}
        assert len(told) > 150, len(told)
        tap.note(f'{len(told)} pieces of advice compared')
        client.call(ROOT, GUIDANCE, 'ForgetProfile', 'a{sv}', client.options())
        set_profile(client, values=SAFE)
        foods = [str(food) for item in advise(client, 'vitamin-d', 'de')[1] for food in item['foods']]
        assert any('3,5 Unzen (100 g): 300 IE' in food for food in foods), foods
        # What is not there is in English, and so is what nobody asked otherwise.
        for language in ('nl', 'C', '', 'x' * 500, 'nl:en:de'):
            assert advise(client, None, language)[0]['language'] == 'en'
        assert client.call(ROOT, GUIDANCE, 'Advise', 'a{sv}', client.options())[0]['language'] == 'en'
        assert client.error_of(ROOT, GUIDANCE, 'Advise', 'a{sv}', client.options(language=dbus.UInt32(1))) == INVALID


def test_refusals_and_warnings_are_in_the_callers_language():
    with System() as system, system.daemon():
        client = system.client()

        def refused(method, signature, *arguments, code=INVALID, **options):
            name, text = text_of(client, method, signature, *arguments, client.options(language='de', **options))
            assert name == code and not ENGLISH.search(text), (name, text)
            return text
        text = refused('SetProfile', 'a{ss}a{sv}', dbus.Dictionary({'diet': 'meat'}, signature='ss'))
        assert text == '„meat“ ist hier nicht möglich. Möglich: omnivore, vegetarian, vegan.'
        assert '„300“' in refused('Log', 'a{sv}', what='magnesium', amount='300')
        assert 'Möglich: magnesium' in refused('Log', 'a{sv}', what='sugar', amount='3g')
        assert 'Notiz' in refused('Log', 'a{sv}', kind='note')
        assert 'Thema' in refused('Advise', 'a{sv}', topic='sugar')
        assert 'Nährstoff' in refused('StartTrial', 'a{sv}', nutrient='sugar')
        assert 'nichts angegeben zu: Nierenerkrankung' in refused('StartTrial', 'a{sv}', code=NOT_SAFE, nutrient='magnesium')
        assert refused('StopTrial', 'a{sv}') == 'Es läuft kein Versuch.'
        assert refused('DeleteTrial', 'sa{sv}', 'x', code=UNKNOWN) == 'Diesen Versuch gibt es nicht.'
        assert refused('DeleteLog', 'sa{sv}', 'f' * 16, code=UNKNOWN) == 'Diesen Eintrag gibt es im Tagebuch nicht.'
        set_profile(client, values=SAFE)
        _, (warning,) = log(client, what='vitamin-d', amount='5000IU', language='de')
        assert 'Höchstmenge für Vitamin D: 100 µg am Tag (Institute of Medicine). Fragen Sie' in warning['text'], warning
        assert 'Höchstmenge' in crampctl('log', 'vitamin-d', '10IU', '--language', 'de')
        assert 'upper limit' in crampctl('log', 'vitamin-d', '10IU')


def test_trials_are_told_in_the_callers_language():
    with System() as system:
        with system.daemon():
            set_profile(system.client(), values=SAFE)
        fill(system.state / 'crampd.db', os.geteuid(), [(80 - i, 8, i % 2) for i in range(40)] + [(40 - i, 8, i % 12 == 8) for i in range(39)])
        with system.daemon():
            client = system.client()
            crampctl('trial', 'start', 'magnesium', '--from', subprocess.run(
                ['date', '-d', '40 days ago', '+%F'], check=True, capture_output=True, text=True).stdout.strip())
            told = {}
            for language in ('en', 'de'):
                row, = client.call(ROOT, GUIDANCE, 'ListTrials', 'a{sv}', client.options(language=language))
                told[language] = str(row.pop('text')), row
                assert row.pop('language') == language
            assert told['en'][1] == told['de'][1] and told['en'][1]['verdict'] == 'fewer'
            english, german = told['en'][0], told['de'][0]
            assert not ENGLISH.search(german) and 'Das beweist nicht' in german and 'Regression zur Mitte' in german, german
            assert re.findall(r'\d+(?:\.\d+)?', english.replace('95 %', '')) == \
                [number.replace(',', '.') for number in re.findall(r'\d+(?:,\d+)?', german.replace('95-%', ''))], (english, german)


def test_each_subscriber_hears_its_language():
    with tempfile.TemporaryDirectory() as folder, System() as system:
        path = minute(folder)
        # As fast as can be: the clients subscribe before the cramp comes.
        with system.daemon('--virtual', f'{path},speed=20,muscle=soleus,leg=right'):
            english, german, changed = system.client(), system.client(), system.client()
            for client, language in ((english, None), (german, 'de_DE.UTF-8'), (changed, 'nl'), (changed, 'de')):
                client.call(ROOT, MANAGER, 'Subscribe', 'a{sv}', client.options(**{'language': language} if language else {}))
            alerts = [client.wait_signal('AlertRaised')[1] for client in (english, german, changed)]
            assert [list(map(str, alert[5]))[0] for alert in alerts] == [
                'Sit up and hold on before you stand.'] + ['Setzen Sie sich auf. Halten Sie sich fest, bevor Sie aufstehen.'] * 2
            # All else is the same, but for whether it is on the disk yet.
            assert [str(alert[6]['language']) for alert in alerts] == ['en', 'de', 'de']
            for alert in alerts:
                assert len(alert[5]) == len(alerts[0][5]) and alert[:5] == alerts[0][:5], alert
            log(english, kind='symptom', what='chest-pain')
            told = [client.wait(lambda client=client: [arguments[0] for member, arguments, _ in client.signals
                                                      if member == 'AdviceChanged' and arguments[0]['id'] == 'red-emergency'], what='the news')[0]
                    for client in (english, german)]
            assert (told[0]['title'], told[0]['language']) == ('Emergency: call for help now', 'en')
            assert (told[1]['title'], told[1]['language']) == ('Notfall: Rufen Sie jetzt Hilfe', 'de')


if __name__ == '__main__':
    tap.main(globals())
