# SPDX-License-Identifier: MIT
"""crampctl report as PDF: the same content as the HTML, page by page, the same bytes each time."""

import os
import random
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import tap
from crampctl import environment, run
from fakecrampd import MISSED, FakeCrampd
from past import HOUR_US, cramp, day_number, some_months
from privatebus import PrivateBus

PERIOD = ['--since', '2026-03-05T12:00', '--until', '2026-05-26T12:00']
MADE = {'SOURCE_DATE_EPOCH': '1774526400'}  # 2026-03-26T12:00Z
HTML = '{http://www.w3.org/1999/xhtml}'
NOTE = 'after <b>a</b> "walk" & more,\x07 Übung, съёмка, \u05e2\u05d1\u05e8\u05d9\u05ea'


def made(folder, end):
    path = os.path.join(folder, f'report.{end}')
    run('report', '--force', '-o', path, '--with-profile', *PERIOD, env=environment(**MADE))
    with open(path, 'rb') as file:
        return file.read()


def words(text):
    """What is said, whatever the lines and spaces."""
    return re.sub(r'[\s\u200b\u202a-\u202e-]+', '', text)


def test_pdf():
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        first = day_number('2026-03-05')
        nights, episodes = some_months(random.Random(4), first, 82)
        episodes.append(cramp(first + 81, 1, note=NOTE))
        for key, value in (('nights', nights), ('episodes', episodes)):
            fake.do('set', key=key, value=value)
        pdf = made(folder, 'pdf')
        assert pdf.startswith(b'%PDF-1.') and made(folder, 'pdf') == pdf
        path = os.path.join(folder, 'report.pdf')
        info = dict(line.split(':', 1) for line in subprocess.run(
            ['pdfinfo', '-isodates', path], capture_output=True, text=True, check=True).stdout.splitlines())
        assert info['Title'].strip() == 'Nocturnal leg cramps: a record' and '(A4)' in info['Page size']
        assert info['CreationDate'].strip().startswith('2026-03-26T12:00:00') and info['JavaScript'].strip() == 'no'
        pages = subprocess.run(['pdftotext', '-layout', path, '-'], capture_output=True, text=True, check=True).stdout.split('\f')
        assert pages.pop() == '' and len(pages) == int(info['Pages']) and len(pages) > 4
        for number, page in enumerate(pages, 1):
            assert f'crampd is an aid, not a medical device. Page {number}\n' in page, page
            assert page.count('not a medical device. Page') == 1
        # Times and lengths are whole, the longest too.
        assert re.search(r'20\d\d-\d\d-\d\d \d\d:\d\d:\d\d +1:06:40 +left ', '\n'.join(pages)), pages
        assert sum(page.count(' false-alarm ') for page in pages) == sum(row.get('verdict') == 'false-alarm' for row in episodes)
        # A table that goes on has its headings again.
        assert sum(bool(re.search(r'Began +Lasted', page)) for page in pages) >= 2
        # All that the HTML says is there too, each cell and paragraph.
        said = words(subprocess.run(['pdftotext', '-raw', path, '-'], capture_output=True, text=True, check=True).stdout)
        laid = words(''.join(pages))
        tree = ElementTree.fromstring(made(folder, 'html'))
        count = 0
        for element in tree.iter():
            if element.tag.removeprefix(HTML) not in ('h1', 'h2', 'p', 'caption', 'th', 'td', 'figcaption', 'text'):
                continue
            for word in ''.join(element.itertext()).replace('\ufffd', '?').split():
                if re.fullmatch('[\u0590-\u05ff]+', word):
                    word = word if words(word) in said else word[::-1]
                count += 1
                assert words(word) in said or words(word) in laid, (element.tag, word)
        assert count > 1000
        # The longer words of another language stand clear of each other.
        run('report', '--force', '-o', path, '--language', 'de', *PERIOD)
        boxes = subprocess.run(['pdftotext', '-bbox', '-l', '1', path, '-'], capture_output=True, text=True, check=True).stdout
        places = [(float(left), float(top), float(right), word) for left, top, right, word in
                  re.findall(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)"[^>]*>([^<]*)<', boxes)]
        legend = next(top for _, top, _, word in places if word == 'Lücken,')
        row = sorted(place for place in places if abs(place[1] - legend) < 1)
        gaps = [b[0] - a[2] for a, b in zip(row, row[1:]) if b[3] in ('Lücken,', 'einer')]
        # The square before each is of 9 points.
        assert [place[3] for place in row][-3:] == ['einer', 'nicht', 'erkannt'] and len(gaps) == 2 and min(gaps) > 14, row
        # No font was missing: a character that is not drawn is not found again either.
        assert 'съёмка,' in said and 'Übung,' in said


def test_headings_stay_with_what_they_head():
    """Neither a section's heading nor the remark below it is the last of a page."""
    remarks = ('Each alert,', 'A night runs', 'Comparisons that')
    with PrivateBus(), FakeCrampd() as fake, tempfile.TemporaryDirectory() as folder:
        for days in (42, 43, 49, 54, 67):  # so long, this happened
            nights, episodes = some_months(random.Random(days), day_number('2026-03-05'), days)
            missed = [dict(MISSED[0], id=f'm{i}', time_us=(day_number('2026-03-05') * 24 + 22 + i) * HOUR_US, note=f'told-{i} ' + 'word ' * 30)
                      for i in range(10)]
            for key, value in (('nights', nights), ('episodes', episodes), ('missed', missed)):
                fake.do('set', key=key, value=value)
            headings = [element.text for element in ElementTree.fromstring(made(folder, 'html')).iter(HTML + 'h2')]
            made(folder, 'pdf')
            pages = subprocess.run(['pdftotext', '-layout', os.path.join(folder, 'report.pdf'), '-'], capture_output=True,
                                   text=True, check=True).stdout.split('\f')
            for page in pages[:-1]:
                foot = [line.strip() for line in page.splitlines() if line.strip()][-4:-1]
                assert not [line for line in foot if line in headings or line.startswith(remarks)], (days, foot)
                # A short table is whole.
                assert page.count('told-') in (0, 10), (days, page)


tap.main(globals())
