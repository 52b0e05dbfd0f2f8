# SPDX-License-Identifier: MIT
"""The translations: complete, up to date with the sources, and saying what the English says: the same placeholders, figures
with their units, negations, and words of safety. Each check is shown a fault that it has to find. Needs PO, the folder
po/, in the environment, and gettext's tools."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'support'))
import tap

PO = os.environ['PO']
GENERATOR = os.path.join(PO, 'generate-catalogue.py')
_spec = importlib.util.spec_from_file_location('catalogue', GENERATOR)
catalogue = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(catalogue)

# Files of crampctl that are a part of guidance and alerts.
ALL_OF = 'alert|event|guidance|log|nutrients|profile|trial|words'

GERMAN = {entry.msgid: entry for entry in catalogue.entries_read(os.path.join(PO, 'de.po'))}
TEXTS = {text: entry.msgstr for text, entry in GERMAN.items()
         if text and entry.msgstr and 'fuzzy' not in entry.flags and not entry.obsolete}

# --- what a translation has to keep; each gives the faults of one text -------------------------------------------

# "B12", "MK-7", and what is to be typed: a number with its unit right behind, a date, "KEY=...".
NAMES = r'\b(?:MK-\d|[A-Z]\d{1,2})\b'
TYPED = r'\b\d+(?:\.\d+)?(?:mg|ml|IU|l|h)\b|\b\d{4}-\d\d-\d\d\b|\b[a-z-]+=\S+'
PLACEHOLDER = r'%[-+ #0]*\d*(?:\.\d+)?(?:z|l|ll)?[a-zA-Z%]'
NUMBER = r'(?<![\w.,-])-?\d+(?:[.,]\d+)?(?!\w)'
UNITS = {'mg': 'mg', 'µg': 'µg', 'IU': 'IE', 'g': 'g', 'ml': 'ml', '%': '%', 'hours': 'Stunden', 'minutes': 'Minuten',
         'weeks': 'Wochen', 'years': 'Jahren?', 'people': '(?:Personen|Menschen)', 'trials': 'Studien', 'studies': 'Studien',
         'cramps a week': 'Krämpfe pro Woche', 'serious reports': 'schwere Meldungen', 'ounces?': 'Unzen?',
         'supplements': 'Nahrungsergänzungsmittel'}
WORDS = {'three': 'drei', 'four': 'vier', 'eight': 'acht', 'ten': '[zZ]ehn', 'half': 'halb', 'quarter': 'Viertel', 'quarters': 'viertel'}


def number_faults(english, german):
    if 'no-c-format' not in GERMAN[english].flags and re.findall(PLACEHOLDER, english) != re.findall(PLACEHOLDER, german):
        yield f'placeholders differ: {re.findall(PLACEHOLDER, english)} and {re.findall(PLACEHOLDER, german)}'
    for pattern, what in ((NAMES, 'names'), (TYPED, 'what is typed')):
        if sorted(re.findall(pattern, english)) != sorted(re.findall(pattern, german)):
            yield f'{what} differ: {re.findall(pattern, english)} and {re.findall(pattern, german)}'
    left, right = (re.sub(f'{NAMES}|{TYPED}', '', text).replace('-%', ' %') for text in (english, german))
    # Numbers in the order of the text, with a decimal comma.
    wanted = [number.replace('.', ',') for number in re.findall(NUMBER, left)]
    if wanted != re.findall(NUMBER, right):
        yield f'numbers differ: {wanted} and {re.findall(NUMBER, right)}'
    for unit, other in UNITS.items():
        behind = re.findall(rf'({NUMBER})\s*(?:{unit})(?!\w)', left)
        for number in behind:
            if not re.search(rf'(?<![\w,-]){re.escape(number.replace(".", ","))}\s*(?:{other})(?!\w)', right):
                yield f'"{number} {unit}" is not there with its unit'
    for word, other in WORDS.items():
        if re.search(rf'\b{word}\b', english) and not re.search(other, german):
            yield f'"{word}" is not there'


DOCTOR = r'(?:Ärztin|Arzt|[Ää]rztlich)'
# What the English says, and in which ways the German may say it.
SAFETY = [
    (r'\b(?:[Aa]sk|[Tt]ell)\b[^.:;]*(?:doctor|midwife)', rf'(?:[Ff]ragen|[Ss]agen|[Bb]erichten|bitten) Sie [^.]*(?:{DOCTOR}|Hebamme)'),
    (r'\b[Aa]sk\b[^.:;]*pharmacist', r'[Ff]ragen Sie [^.]*Apotheke'),
    (r'prescriber', r'Praxis, die es verordnet hat'),
    (r'\b[Aa]sk a healthcare provider\b', r'Fragen Sie in der Arztpraxis oder Apotheke'),
    (r'\b[Ss]ee (?:your|a) doctor\b', rf'(?:[Gg]ehen Sie [^.]*|zu einer ){DOCTOR}'),
    (r'(?<!crampctl )\bdoctors?\b', DOCTOR),  # not the verb
    (r'\b[Dd]o not stop\b', r'[Ss]etzen Sie [^.:]*nicht[s]?[^.:]* ab\b|[Ss]etzen Sie nichts ab'),
    (r'\b[Nn]ever\b', r'\b[Nn]ie\b'),
    (r'\bnot massage\b', r'nicht massieren|Massieren Sie \w+ nicht'),
    (r'emergency number', r'Notruf'),
    (r'\b[Gg]et (?:medical )?help\b|\bcall for help\b', r'Hilfe holen|[Hh]olen Sie [^.]*Hilfe|Rufen Sie [^.]*Hilfe'),
    (r'\bat once\b(?!\.? Alcohol)', r'\b[Ss]ofort\b'),
    (r'\btoday\b', r'\bheute\b'),
    (r'\b(?:help|number|pharmacist) now\b', r'\bjetzt\b'),
    (r'unless your doctor says so', r'außer Ihre Ärztin oder Ihr Arzt sagt es'),
    (r"[Ww]ithout (?:a|your) doctor's word|without your doctor\b", r'ohne ärztlichen Rat'),
    (r'without their word', r'ohne deren Rat'),
    (r'\bwarfarin\b', r'\bWarfarin\b'),
    (r'\bunlikely\b', r'wahrscheinlich (?:nicht|ohnehin nicht)|nicht in einem Maß|unwahrscheinlich'),
    (r'\b[Nn]o good trial\b', r'gute Studie [^.]*nicht gefunden'),
    (r'\bnot an? medical device\b', r'kein Medizinprodukt'),
    (r'\b(?:may|can)\b', r'\b(?:kann|können|könnte|darf|dürfen|lässt)\b|vielleicht|aufgenommen'),
]


# "; write yes, no or none": words to be typed, which say nothing.
CHOICES = r'; write .*$'
NOT = r"\b(?:not|no|never|cannot|neither|none|nobody|nothing|unless|without|unlikely)\b"
NICHT = r'\b(?:nein|nicht|nichts|kein\w*|niemand|nie|weder|ohne|außer|unwahrscheinlich)\b'


def safety_faults(english, german):
    denied, verneint = len(re.findall(NOT, re.sub(f'{TYPED}|{CHOICES}', '', english), re.I)), len(re.findall(NICHT, german, re.I))
    if verneint < denied:
        yield f'{denied - verneint} negation(s) lost'
    for said, answered in SAFETY:
        if re.search(said, re.sub(CHOICES, '', english)) and not re.search(answered, german):
            yield f'"{re.search(said, english)[0]}" is lost'
    if re.search(r'\b(?:du|dich|dir|dein\w*)\b', german, re.I):
        yield 'it says "du"'
    # One word for each thing, so that nobody looks for a difference.
    for other in ('Protokoll', 'Obergrenze', 'Medikament', 'Bluttest', 'Blutverdünner'):
        if other in german:
            yield f'"{other}" has another name elsewhere'


def faults_of(texts):
    return [f'{english}\n    {german}\n    {fault}' for english, german in texts.items()
            for check in (number_faults, safety_faults) for fault in check(english, german)]


# --- the cases ----------------------------------------------------------------------------------------------------

def need_gettext():
    for tool in ('xgettext', 'msgcat', 'msgmerge', 'msgfmt'):
        if not shutil.which(tool):
            tap.skip(f'there is no {tool}')


def test_templates_are_up_to_date():
    need_gettext()
    done = subprocess.run(['sh', os.path.join(PO, 'refresh.sh'), '--check'], capture_output=True, text=True, check=False)
    assert done.returncode == 0, 'run "ninja crampd-update-po":\n' + done.stdout + done.stderr


def test_formats_pass_gettext():
    need_gettext()
    done = subprocess.run(['msgfmt', '--check', '-o', os.devnull, os.path.join(PO, 'de.po')], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_every_text_is_translated():
    """All that guidance and alerts say; of the rest of crampctl's words what is missing is only told."""
    missing = []
    assert len(TEXTS) > 500
    for text, entry in GERMAN.items():
        ready = entry.msgstr and 'fuzzy' not in entry.flags and not entry.obsolete
        if not ready and all(re.fullmatch(rf'dbus/crampctl/(?!(?:{ALL_OF})\.c).*', place) for place in entry.references):
            missing.append(text)
            continue
        assert ready, f'not translated, or to be looked at: {text}'
        # What ends a sentence does so there.
        if text and text[-1] in '.?!':
            assert entry.msgstr[-1] == text[-1], f'ends otherwise: {entry.msgstr}'
    tap.note(f'{len(missing)} of {len(GERMAN)} not translated: {missing}')
    assert len(missing) < len(GERMAN) / 20


def test_figures_and_safety_are_kept():
    faults = faults_of(TEXTS)
    assert not faults, '\n'.join(faults)
    tap.note(f'{len(TEXTS)} texts, {sum(len(re.findall(NUMBER, text)) for text in TEXTS)} numbers')


def test_faults_are_found():
    def found(part, altered):
        text, = (text for text in TEXTS if part in text)
        assert altered[0] in TEXTS[text], TEXTS[text]
        return faults_of({text: TEXTS[text].replace(*altered)})
    for part, altered in (
            ('One trial of 2024', ('0,96', '0,69')), ('One trial of 2024', ('0,96', '0.96')),
            ('One trial of 2024', ('-2,67', '2,67')), ('One trial of 2024', ('180 µg', '180 mg')),
            ('One trial of 2024', ('MK-7', 'MK-4')), ('One trial of 2024', ('nicht wiederholt', 'wiederholt, und zwar')),
            ('Stay at or below 250 mg', ('250 mg', '250 g')), ('quinine for night cramps', ('38', '83')),
            ('After starting a thiazide-like', ('nicht ab', 'ab')),
            ('After starting a thiazide-like', (' oder in der Apotheke', '')),
            ('Ask a healthcare provider before', ('Fragen', 'Denken')), ('No K2 supplement and no natto', ('Kein K2', 'Ein K2')),
            ('Short breath or chest pain can', ('kann', 'wird')), ('Do not massage it.', ('nicht', 'gut')),
            ('is not an amount: write', ('1.5l', '1,5l')), ('monitored nights are too few', ('%u', '%s')),
            ('Ten minutes: get', ('jetzt', 'bald')), ('Magnesium is unlikely', ('wahrscheinlich nicht in einem Maß', 'in einem Maß')),
            ('From the age of 9 years', ('IE', 'IU'))):
        assert found(part, altered), f'{part}: {altered} was not noticed'


def generate(text):
    with tempfile.TemporaryDirectory() as folder:
        given, written = os.path.join(folder, 'xx.po'), os.path.join(folder, 'table.c')
        with open(given, 'w', encoding='utf-8') as file:
            file.write(text)
        done = subprocess.run([sys.executable, GENERATOR, written, given], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return done.stderr
        with open(written, encoding='ascii') as file:
            return file.read()


def test_the_table_takes_what_is_ready():
    header = 'msgid ""\nmsgstr ""\n"Language: xx\\n"\n"X-Decimal-Mark: ,\\n"\n\n'
    table = generate(header + 'msgid "b\\"1\\""\nmsgstr "B\\n"\n"2ä"\n\n#, fuzzy\nmsgid "c"\nmsgstr "C"\n\n'
                     'msgid "d"\nmsgstr ""\n\nmsgid "a"\nmsgstr "A"\n\n#~ msgid "e"\n#~ msgstr "E"\n')
    rows = re.findall(r'\{"(.*)",\n +"(.*)"\}', table)
    assert rows == [('a', 'A'), ('b\\"1\\"', 'B\\0122\\303\\244')], table
    assert '{"xx", \',\', 2, texts_xx}' in table
    for bad, said in ((header + 'msgid "a\nmsgstr ""\n', 'double quotes'), (header + 'msgctxt "x"\nmsgid "a"\nmsgstr "A"\n', 'understood'),
                      (header + 'msgid "a"\nmsgid_plural "as"\nmsgstr[0] "A"\n', 'understood'),
                      (header.replace('X-Decimal-Mark', 'Mark'), 'X-Decimal-Mark'), (header.replace('xx', 'x x'), 'Language')):
        assert said in generate(bad), (bad, generate(bad))


tap.main(globals())
