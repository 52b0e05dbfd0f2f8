# SPDX-License-Identifier: MIT
"""crampctl report over a fake org.crampd1: what it says, that it is valid, safe and whole, and the same as PDF."""

import json
import os
import re
import stat
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import golden
import html5lib
import tap
from crampctl import CRAMPCTL, WRAPPER, environment, run
from fakecrampd import EPISODES, SENSORS, FakeCrampd
from past import cramp, day_number, night, some_months
from privatebus import PrivateBus

PERIOD = ['--since', '2026-03-05T12:00', '--until', '2026-03-26T12:00']
MADE = {'SOURCE_DATE_EPOCH': '1774526400'}  # 2026-03-26T12:00Z
SVG = '{http://www.w3.org/2000/svg}'
HTML = '{http://www.w3.org/1999/xhtml}'
HOSTILE = '</td><script>alert(1)</script>"\'&amp;<!-- ]]> \x01\x1b[31m\x7f\u0085\ufffe\ufdd0 \u202eabc \U0001f9b5'
# As it is to be shown: what no document may hold is told as such.
SHOWN = '</td><script>alert(1)</script>"\'&amp;<!-- ]]> \ufffd\ufffd[31m\ufffd\ufffd\ufffd\ufffd \u202eabc \U0001f9b5'


def some_weeks(fake):
    import random
    first = day_number('2026-03-05')
    nights, episodes = some_months(random.Random(4), first, 21)
    for key, value in (('nights', nights), ('episodes', episodes)):
        fake.do('set', key=key, value=value)


def report(*arguments, end='html', code=0):
    env = environment(**MADE)
    return run('report', '--format', end, '-o', '-', *PERIOD, *arguments, env=env, code=code)


def texts(tree):
    return [''.join(element.itertext()) for element in tree.iter() if element.tag in (HTML + 'td', HTML + 'th')]


def parse(text):
    """Strictly, as HTML; anything a browser would have to mend is an error."""
    return html5lib.HTMLParser(strict=True, tree=html5lib.getTreeBuilder('etree')).parse(text)


def rows(tree, caption):
    for table in tree.iter(HTML + 'table'):
        if table.find(HTML + 'caption').text == caption:
            return [[''.join(cell.itertext()) for cell in row] for row in table.iter(HTML + 'tr')]
    raise AssertionError(f'no table {caption!r}')


def check_document(text):
    """Valid, self-contained, without script, with text alternatives."""
    with tempfile.NamedTemporaryFile('w', suffix='.html', encoding='utf-8') as file:
        file.write(text)
        file.flush()
        done = subprocess.run(['tidy', '-errors', '-quiet', '-utf8', file.name], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and done.stdout + done.stderr == '', done
    tree = parse(text)
    root = ElementTree.fromstring(text)  # it is XML too
    names = {element.tag.split('}')[-1] for element in root.iter()}
    assert not names & {'script', 'iframe', 'object', 'embed', 'link', 'img', 'image', 'use', 'foreignObject', 'form', 'base'}, names
    ids = [element.get('id') for element in root.iter() if element.get('id')]
    assert len(ids) == len(set(ids))
    for element in root.iter():
        for name, value in element.attrib.items():
            assert not name.startswith('on') and name.split('}')[-1] not in ('href', 'src', 'style', 'srcset', 'action'), name
            assert 'url(' not in value, value
    style = root.find(f'.//{HTML}style').text
    assert 'url(' not in style and '@import' not in style and 'prefers-color-scheme:dark' in style and '@media print' in style
    charts = list(root.iter(SVG + 'svg'))
    for chart in charts:
        assert chart.get('role') == 'img' and chart.find(SVG + 'title').text and set(chart.get('aria-labelledby').split()) <= set(ids)
    # What is to be seen is told to everybody.
    told = [figure.find(HTML + 'p') for figure in root.iter(HTML + 'figure')]
    assert len(told) == len(charts) and all(len(text.text) > 40 for text in told)
    assert all(text.get('id') in chart.get('aria-labelledby').split() for text, chart in zip(told, charts))
    for table in root.iter(HTML + 'table'):
        assert table.find(HTML + 'caption').text
        assert all(heading.get('scope') in ('col', 'row') for heading in table.iter(HTML + 'th'))
    return tree, charts


def test_report():
    with PrivateBus(), FakeCrampd() as fake:
        some_weeks(fake)
        text = report()
        golden.check(__file__, 'report.html', text)
        assert report() == text
        tree, charts = check_document(text)
        assert len(charts) == 4
        headings = [heading.text for heading in tree.iter(HTML + 'h2')]
        assert headings == ['Summary', 'Pictures', 'Cramps', 'Nights', 'Trials', 'Intake and day log', 'How this was recorded']
        assert 'not a medical device' in text and 'crampd 0.1.0; detector version 1.' in text
        # The same figures as everywhere else.
        figures = json.loads(run('history', '--plot', '--json', *PERIOD))
        facts = dict(row for row in rows(tree, 'In short'))
        everything = figures['all']
        assert facts['Nights'].startswith(f"21 (2026-03-05 to 2026-03-25), {everything['nights']} of them watched"), facts
        assert facts['Rate'] == '{rate:.2f} in 8 watched hours, 95 % interval {rate_low:.2f} to {rate_high:.2f}'.format(**everything)
        assert facts['Cramps'].startswith(f"{everything['cramps']}: ") and f"({figures['confirmed']} confirmed" in facts['Cramps']
        assert facts['False alarms'].startswith(str(everything['false_alarms']))
        listed = run('history', '--json', *PERIOD).splitlines()
        alerts = rows(tree, 'Alerts')
        assert len(alerts) == len(listed) + 1
        for line, row in zip(map(json.loads, listed), alerts[1:]):
            assert row[0] == line['onset'][:19].replace('T', ' ') and row[2] == line['leg'] and row[7] == (line['verdict'] or '-')
        nights = {row[0]: row for row in rows(tree, 'Nights')[1:]}
        assert {night['evening']: f"{night['monitored_s'] / 3600:.1f}" for night in figures['nights']} == \
            {evening: row[1] for evening, row in nights.items()}
        assert sum(int(row[1]) for row in rows(tree, 'Hours')[1:]) == sum(figures['hours'])
        assert [int(row[1]) for row in rows(tree, 'Lengths')[1:]] == figures['lengths']
        for row, week in zip(rows(tree, 'Rates')[1:], figures['weeks'], strict=True):
            assert row[0] == week['from'] and (row[1] == 'not watched' if week['rate'] is None
                                               else row[1].startswith(f"{week['rate']:.2f} ("))
        # Log and trials, but nothing of the profile unless asked.
        assert rows(tree, 'As the wearer wrote it down')[1][1:] == ['magnesium', '300mg', 'food', '-']
        assert rows(tree, 'Trials')[1] == ['magnesium', 'before-after', '2026-10-01', 'runs', '40', '30', '20', '3', '0.2 (0.04-0.67)']
        assert 'You had fewer.' in text and 'statin' not in text
        with_profile = report('--with-profile')
        assert ['medicines', 'statin'] in rows(check_document(with_profile)[0], 'As the wearer told crampd, medicines too')


def test_in_german():
    with PrivateBus(), FakeCrampd() as fake:
        some_weeks(fake)
        text = report('--language', 'de', '--with-profile')
        tree, charts = check_document(text)
        assert len(charts) == 4 and 'lang="de"' in text
        headings = [heading.text for heading in tree.iter(HTML + 'h2')]
        assert headings == ['Zusammenfassung', 'Bilder', 'Krämpfe', 'Nächte', 'Versuche', 'Einnahme und Tagebuch',
                            'Über die tragende Person', 'Wie das aufgezeichnet wurde']
        assert 'kein Medizinprodukt' in text
        everything = json.loads(run('history', '--plot', '--json', *PERIOD))['all']
        facts = dict(row for row in rows(tree, 'Kurz gesagt'))
        assert facts['Rate'] == '{rate:.2f} in 8 überwachten Stunden, 95-%-Intervall {rate_low:.2f} bis {rate_high:.2f}'.format(
            **everything).replace('.', ',')
        assert rows(tree, 'Versuche')[1] == ['magnesium', 'vorher-nachher', '2026-10-01', 'läuft', '40', '30', '20', '3', '0,2 (0,04-0,67)']
        # Nothing English is left but what crampd, here a fake one, and the wearer said.
        body = re.sub(r'<style>.*?</style>|<[^>]*>', ' ', text, flags=re.S).replace('You had fewer.', '').replace('left calf', '')
        assert not re.search(r'\b(?:the|of|and|with|not|for|is|are|were|to|left|right|strong)\b', body), \
            re.findall(r'.{0,40}\b(?:the|of|and|with|not|for|is|are|were|to|left|right|strong)\b.{0,20}', body)[:5]


def test_simulated_is_told():
    """Before all figures, and of each cramp."""
    with PrivateBus(), FakeCrampd() as fake:
        first = day_number('2026-03-05')
        alerts = [cramp(first, 1, note='mine', peak_uv=123.4, peak_mvc_percent=45.67), cramp(first, 2, simulated=True), cramp(first, 3, simulated=True, note='tried'),
                  cramp(first, 4, simulated=True, verdict='false-alarm')]
        fake.do('set', key='episodes', value=alerts)
        text = report()
        tree, _ = check_document(text)
        assert [row[-1].strip() for row in rows(tree, 'Alerts')[1:]] == ['mine', '[simulated]', '[simulated] tried', '[simulated]']
        assert [row[5:7] for row in rows(tree, 'Alerts')[1:3]] == [['123', '46'], ['-', '-']]
        notes = [note.text for note in tree.iter(HTML + 'p') if note.get('class') == 'note']
        assert notes[1].startswith('SIMULATED: 2 of the cramps in this report are ') and len(notes) == 2
        assert json.loads(run('history', '--plot', '--json', *PERIOD))['simulated'] == 2
        assert '2 of the cramps [simulated]' in run('history', '--plot', *PERIOD)
        fake.do('set', key='episodes', value=alerts[:1])
        assert 'simulated' not in report().lower().split('how this was recorded')[0] + run('history', '--plot', *PERIOD)


def test_sensors_are_told_by_day():
    """Also of those that do not stream now, and of those that were given up."""
    with PrivateBus(), FakeCrampd() as fake:
        first = day_number('2026-03-05')
        gone = {'sensor': 'c3', 'name': 'old one', 'driver': 'umyo', 'leg': 'right', 'muscle': 'soleus', 'rate_hz': 1150.06,
                'channels': 1}
        virtual = {'name': 'virtual', 'simulated': True}
        fake.do('set', key='nights', value=[
            dict(night(first, 8), **gone), dict(night(first + 1, 8, 'b2'), rate_hz=250.0, channels=3),
            dict(night(first + 2, 8, 'b2'), rate_hz=0.0, channels=0), dict(night(first + 2, 8, 'd4'), **virtual),
            dict(night(first + 3, 8, 'd5'), **virtual)])
        assert rows(parse(report()), 'Sensors of these nights, and those in use now')[1:] == [
            ['left calf', 'crampd', 'left', 'gastrocnemius-medialis', '1000', '2', '-'],
            ['b2', 'crampd (simulated)', 'right', 'soleus', '250', '3', '-'],
            ['old one', 'umyo (given up)', 'right', 'soleus', '1150.1', '1', '-'],
            ['virtual', 'crampd (simulated) (given up)', 'left', 'soleus', '500', '1', '-']]


def test_hostile_texts():
    with PrivateBus(), FakeCrampd() as fake:
        first = day_number('2026-03-05')
        fake.do('set', key='episodes', value=[cramp(first, 1, note=HOSTILE, muscle=HOSTILE, severity=HOSTILE, detector=HOSTILE)])
        fake.do('set', key='sensors', value=[dict(SENSORS[0], name=HOSTILE)])
        fake.do('set', key='status', value={'version': HOSTILE, 'detector_version': HOSTILE, 'store': 'ok', 'bluetooth': 'ok',
                                            'started_us': 0})
        text = report('--with-profile')
        tree, _ = check_document(text)
        assert texts(tree).count(SHOWN) == 4, texts(tree)
        assert '<script' not in text and '\x1b' not in text
        assert fake.do('calls')


def test_nothing_to_report():
    with PrivateBus(), FakeCrampd() as fake:
        for key in ('episodes', 'nights', 'missed', 'sensors'):
            fake.do('set', key=key, value=[])
        text = report()
        tree, charts = check_document(text)
        assert 'No alert was recorded.' in text and dict(rows(tree, 'In short'))['Rate'].startswith('unknown')
        assert len(charts) == 2 and 'Nothing was watched.' in text


def test_command_line():
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'report.html')
        assert run('report', '--help').startswith('Usage: crampctl report ') and '\nExamples:\n' in run('report', '-h')
        assert '-o report.html' in run('report', code=64)
        assert '.pdf' in run('report', '-o', os.path.join(folder, 'report.doc'), code=64)
        # What --help offers is there, or it says so.
        pdf = os.path.join(folder, 'report.pdf')
        done = subprocess.run([os.environ['CRAMPCTL'], 'report', '-o', pdf], capture_output=True, text=True, env=environment(),
                              timeout=60, check=False)
        assert ('built without PDF' in run('report', '--help')) == ('built without PDF' in done.stderr) == (done.returncode == 64)
        if os.path.exists(pdf):
            os.unlink(pdf)
        assert 'html and pdf' in run('report', '-o', path, '--format', 'doc', code=64)
        run('report', '-o', path, '--json', code=64)
        run('report', '-o', path, 'words', code=64)
        assert 'SOURCE_DATE_EPOCH' in run('report', '-o', path, code=64, env=environment(SOURCE_DATE_EPOCH='-1'))
        assert os.listdir(folder) == []
        assert run('report', '-o', path) == ''
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert '--force' in run('report', '-o', path, code=73)
        run('report', '-o', path, '--force', *PERIOD)
        # Without a time: the last 90 days.
        fake.do('calls')
        run('report', '-o', os.path.join(folder, 'x'), '--format', 'html')
        since = [call['args'][0]['since_us'] for call in fake.do('calls') if call['member'] == 'TabulateEpisodes'][0]
        import time
        assert 89.9 < (time.time() - since / 1e6) / 86400 < 90.2
        # Whatever fails leaves nothing behind, and what was there as it was.
        before = open(path, encoding='utf-8').read()
        for method in ('OutlineEpisodes', 'OutlineNights', 'TabulateEpisodes', 'ListMissed', 'ListLog', 'ListTrials', 'GetProfile',
                       'ListSensors', 'Status'):
            fake.answer(method, 'error org.crampd1.Error.StoreFailed')
            run('report', '-o', path, '--force', '--with-profile', code=74)
            fake.answer(method, None)
        assert open(path, encoding='utf-8').read() == before and sorted(os.listdir(folder)) == ['report.html', 'x']
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([*WRAPPER, CRAMPCTL, 'report', '-o', '-', '--format', 'html'], stdout=full, stderr=subprocess.PIPE,
                                  env=environment(), timeout=60, check=False)
        assert done.returncode == 73, done
    run('report', '-o', '/nowhere/report.html', code=69, env=environment(DBUS_SYSTEM_BUS_ADDRESS='unix:path=/nowhere/socket'))


# Text as any reader sees it reads on any background.


def luminance(colour):
    colour = colour.lstrip('#')
    colour = ''.join(2 * c for c in colour) if len(colour) == 3 else colour
    channels = [int(colour[i:i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a, b):
    """WCAG 2.1, 1.4.3."""
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast():
    with PrivateBus(), FakeCrampd():
        style = re.search('<style>(.*?)</style>', report(), re.S)[1]
    schemes = [dict(re.findall(r'--([\w-]+):(#\w+)', part)) for part in re.findall(r':root\{([^}]*)\}', style)]
    assert len(schemes) == 2 and schemes[0].keys() == schemes[1].keys()
    for colours in schemes:
        for text, ground in (('text', 'paper'), ('soft', 'paper'), ('text', 'framed'), ('on-light', 'l0'), ('on-light', 'l1'),
                             ('on-light', 'l2'), ('on-dark', 'l3'), ('on-dark', 'l4')):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground, contrast(colours[text], colours[ground]))
        for shape in ('bar', 'mark', 'l4', 'l3'):
            assert contrast(colours[shape], colours['paper']) >= 3, shape
        # Levels can be told apart without their hue.
        levels = [luminance(colours[f'l{i}']) for i in range(5)]
        assert levels == sorted(levels, reverse=levels[0] > levels[-1]), levels


tap.main(globals())
