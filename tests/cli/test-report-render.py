# SPDX-License-Identifier: MIT
"""crampctl report in a browser: on a phone, in the dark, on paper. Headless Chromium measures its own layout."""

import html
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from crampctl import run
from fakecrampd import FakeCrampd
from past import cramp, day_number, some_months
from privatebus import PrivateBus

PERIOD = ['--since', '2026-03-05T12:00', '--until', '2026-05-26T12:00']
LONG = 'a-word-that-nobody-would-break-' * 8

# The page itself has no script; this one is added to a copy, to ask what became of it.
PROBE = '''<script>
const seen = (e) => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom].map(Math.round); };
parent.postMessage(JSON.stringify({
  inner: window.innerWidth, scroll: document.documentElement.scrollWidth,
  ground: getComputedStyle(document.documentElement).backgroundColor, ink: getComputedStyle(document.body).color,
  charts: [...document.querySelectorAll('svg')].map(seen),
  labels: [...document.querySelectorAll('svg')].map((s) => [...s.querySelectorAll('text')].map(seen)),
  text: [...document.querySelectorAll('svg text')].map((t) => t.getBoundingClientRect().height),
  wide: [...document.querySelectorAll('.wide')].map((w) => getComputedStyle(w).overflowX),
  paragraphs: [...document.querySelectorAll('p, h1, h2, figcaption')].map(seen),
}), '*');
</script></body>'''

# Chromium's own windows are 500 px wide at least; a frame may be narrower.
FRAME = '''<!DOCTYPE html><title></title><script>onmessage = (event) => {{ document.title = event.data; }};</script>
<iframe src="{page}" style="width: {width}px; height: 900px; border: 0"></iframe>'''


def chromium(folder, *arguments):
    home = os.path.join(folder, 'home')
    os.makedirs(home, exist_ok=True)
    done = subprocess.run(['chromium', '--headless=old', '--no-sandbox', '--disable-gpu', '--disable-background-networking',
                           '--disable-dev-shm-usage', '--hide-scrollbars', f'--user-data-dir={home}', *arguments],
                          capture_output=True, text=True, timeout=120, check=True, env=dict(os.environ, HOME=home))
    return done.stdout


def measure(folder, page, width, *arguments):
    frame = os.path.join(folder, 'frame.html')
    with open(frame, 'w', encoding='utf-8') as file:
        file.write(FRAME.format(page=os.path.basename(page), width=width))
    text = chromium(folder, '--window-size=1400,1000', '--virtual-time-budget=10000', *arguments, '--dump-dom', f'file://{frame}')
    return json.loads(html.unescape(re.search('<title>(.*?)</title>', text, re.S)[1]))


def channels(colour):
    return [int(part) for part in re.findall(r'\d+', colour)[:3]]


def check_layout(seen, width):
    assert seen['inner'] == width, seen['inner']
    assert seen['scroll'] <= width, f"{seen['scroll']} px of content on {width} px"
    for left, _, right, _ in seen['charts'] + seen['paragraphs']:
        assert left >= 0 and right <= width, (left, right)
    assert set(seen['wide']) == {'auto'}  # what is wider scrolls by itself
    for (left, top, right, bottom), labels in zip(seen['charts'], seen['labels'], strict=True):
        for a, b, c, d in labels:
            assert a >= left - 1 and b >= top - 1 and c <= right + 1 and d <= bottom + 1, ('outside', labels)
            assert not [other for other in labels if abs(other[1] - b) < 3 and a < other[0] < c - 1], ('overlap', labels)


def test_screens_and_paper():
    assert shutil.which('chromium'), 'chromium is not there'
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        first = day_number('2026-03-05')
        nights, episodes = some_months(random.Random(4), first, 82)
        episodes.append(cramp(first + 81, 1, note=LONG, muscle='gastrocnemius-medialis'))
        for key, value in (('nights', nights), ('episodes', episodes)):
            fake.do('set', key=key, value=value)
        report, page = (os.path.join(folder, name) for name in ('report.html', 'page.html'))
        run('report', '-o', report, *PERIOD)
        with open(report, encoding='utf-8') as source, open(page, 'w', encoding='utf-8') as target:
            target.write(source.read().replace('</body>', PROBE))

        phone = measure(folder, page, 390)
        check_layout(phone, 390)
        assert min(phone['text']) >= 7, min(phone['text'])
        check_layout(measure(folder, page, 1280), 1280)
        assert min(channels(phone['ground'])) > 230 and max(channels(phone['ink'])) < 60
        dark = measure(folder, page, 390, '--blink-settings=preferredColorScheme=0')
        check_layout(dark, 390)
        assert max(channels(dark['ground'])) < 60 and min(channels(dark['ink'])) > 200, (dark['ground'], dark['ink'])

        printed = os.path.join(folder, 'printed.pdf')
        chromium(folder, f'--print-to-pdf={printed}', '--no-pdf-header-footer', '--blink-settings=preferredColorScheme=0',
                 f'file://{report}')
        info = dict(line.split(':', 1) for line in subprocess.run(['pdfinfo', printed], capture_output=True, text=True,
                                                                  check=True).stdout.splitlines())
        assert '(A4)' in info['Page size'], info
        text = subprocess.run(['pdftotext', '-layout', printed, '-'], capture_output=True, text=True, check=True).stdout
        for words in ('not a medical device', 'Summary', 'Rate of cramps', 'Alerts', 'Nights', 'How this was recorded',
                      'gastrocnemius-', '2026-05-25', 'Cramps in 8 watched hours, a point with', '2:00 to 2:59'):
            assert words in text, words
        # The columns' headings again on each page of a long table; nothing runs out of the paper.
        assert len(re.findall(r'Began +Lasted', text)) >= 2
        boxes = subprocess.run(['pdftotext', '-bbox', printed, '-'], capture_output=True, text=True, check=True).stdout
        right = max(float(word) for word in re.findall(r'xMax="([\d.]+)"', boxes))
        assert right <= 595.28 - 15 / 25.4 * 72 + 1, right
        # Paper is white though the screen is dark.
        subprocess.run(['pdftoppm', '-r', '20', '-f', '1', '-l', '1', printed, os.path.join(folder, 'sheet')], check=True)
        sheet = next(name for name in os.listdir(folder) if name.startswith('sheet'))
        with open(os.path.join(folder, sheet), 'rb') as file:
            pixels = file.read()[-1000:]
        assert min(pixels) > 250
        tap.note(f"phone: {phone['scroll']} px of content on {phone['inner']}, smallest label {min(phone['text']):.1f} px; "
                 f"{info['Pages'].strip()} pages of A4")


tap.main(globals())
