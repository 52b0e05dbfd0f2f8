#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks knowledge.toml and writes the C table of it.

    generate-knowledge.py [--messages] knowledge.toml factor.h OUTPUT

With --messages: a .pot file of its texts for translators instead (po/refresh.sh).

Runs at build time with nothing but Python's own library. Refuses, naming the entry: a statement without grade, source or
date of review; a source without authors, year or place; an amount without a unit; a number in a text that is not
declared with its unit; a nutrient without one of its parts, or without an upper limit where an authority sets one; a
condition that is not in factor.h; a push towards food that is dangerous to somebody who is not excluded; a text that
mentions supplements without being marked so; a `general` text that holds a number; evidence that does not say of whom; a text that
stands twice; relief that lets somebody stand or massage unwarned; a nutrient without a recommendation for each who may ask. All faults are reported at once.
"""

import datetime
import re
import sys
import tomllib

NUTRIENTS = ['magnesium', 'potassium', 'calcium', 'vitamin-d', 'vitamin-k2', 'vitamin-b1', 'vitamin-b12', 'hydration']
GRADES = ['strong', 'moderate', 'limited', 'mixed', 'against', 'common-advice']
KINDS = ['role', 'lack', 'risk', 'foods', 'intake', 'limit', 'forms', 'absorption', 'interaction', 'evidence',
         'comparison', 'recommendation', 'supplement', 'cause', 'relief', 'prevention', 'doctor', 'quinine', 'general', 'red-flag',
         'notice']
# What each nutrient must have to count as complete.
PARTS = ['role', 'lack', 'risk', 'foods', 'intake', 'limit', 'forms', 'absorption', 'interaction', 'evidence']
# Of whom evidence speaks. Of each nutrient there is some for people with a lack and some for others.
POPULATIONS = ['general', 'older-adults', 'pregnancy', 'deficiency']
# Whom a recommendation fits: see knowledge.toml.
FITS = {'forbidden': 'Food or supplement: not for you without your doctor',
        'guarded': 'Food or supplement: ask first', 'low': 'Food or supplement: you may need more',
        'open': 'Food or supplement?'}
COMPARED = {'effectiveness': 'Food or supplement: does it work?', 'cost': 'Food or supplement: cost',
            'safety': 'Food or supplement: safety', 'convenience': 'Food or supplement: convenience'}
TOPICS = NUTRIENTS + ['food', 'causes', 'relief', 'stretching', 'doctor', 'quinine']

AMOUNT_UNITS = ['mg', 'µg', 'IU', 'g', 'ml']
# A figure of one of these is written with its unit right behind; of the others the unit only says what is counted.
FIGURE_UNITS = AMOUNT_UNITS + ['%', 'hours', 'minutes', 'weeks', 'years', 'min', 'people', 'trials', 'studies',
                               'reports', 'points',
                               'cramps a week', 'cramps a night', 'ratio', 'year',
                               'years of age']
UNITS_BEHIND = AMOUNT_UNITS + ['%', 'hours', 'minutes', 'weeks', 'years', 'people', 'trials', 'studies']

# Authorities set an upper limit for these: Institute of Medicine 1997, 2011.
LIMITED = ['magnesium', 'calcium', 'vitamin-d']

# Foods rich in vitamin K (NIH ODS, Vitamin K fact sheet: green leafy vegetables; natto), and in potassium (Dietary
# Guidelines for Americans 2015, appendix 10, and common advice in kidney disease). Wide on purpose.
VITAMIN_K_WORDS = r'spinach|kale|collard|greens|broccoli|chard|lettuce|natto|cabbage|leafy'
POTASSIUM_WORDS = (r'potato|banana|bean|lentil|pulses|avocado|spinach|kale|chard|tomato|orange|apricot|prune|yogurt|'
                   r'salmon|soy|seed|almond|nuts?\b|natto|tofu|salt substitute|electrolyte')

NAMES_WITH_DIGITS = r'\b(?:B1|B6|B12|D2|D3|K1|K2|MK-4|MK-7)\b'


class Checker:
    """Gathers faults, so that a reviewer sees all of them in one run."""

    def __init__(self, factors):
        self.factors = factors
        self.faults = []

    def fault(self, where, what):
        self.faults.append(f'{where}: {what}')

    def choice(self, where, entry, key, choices):
        value = entry.get(key)
        if value is None:
            self.fault(where, f'has no {key}')
        elif value not in choices:
            self.fault(where, f'{key} "{value}" is not one of: {", ".join(choices)}')

    def keys(self, where, entry, known):
        for key in entry:
            if key not in known:
                self.fault(where, f'has an unknown key "{key}"')

    def text(self, where, entry, key):
        value = entry.get(key)
        if not isinstance(value, str) or not value.strip():
            self.fault(where, f'has no {key}')

    def conditions(self, where, names):
        for name in names:
            if name not in self.factors:
                self.fault(where, f'condition "{name}" is not in factor.h')


def one_line(text):
    return ' '.join(text.split())


def factors_read(path):
    """The names in factor.h, in order: {name: enumerator}."""
    with open(path, encoding='utf-8') as file:
        found = re.findall(r'\bX\((\w+),\s*"([^"]+)",', file.read())
    return {name: enumerator for enumerator, name in found}


def months(check, where, text, default):
    if text is None:
        return default
    match = re.fullmatch(r'(\d+)([my])', text) if isinstance(text, str) else None
    if not match:
        check.fault(where, f'age "{text}" is not like "6m" or "14y"')
        return default
    return int(match[1]) * (12 if match[2] == 'y' else 1)


def check_sources(check, data):
    sources = data.get('source', {})
    for name, source in sources.items():
        where = f'source {name}'
        check.keys(where, source, ['authors', 'year', 'undated', 'where', 'copied_by'])
        check.text(where, source, 'authors')
        check.text(where, source, 'where')
        year = source.get('year')
        if not isinstance(year, int) or not 1900 <= year <= 2100:
            check.fault(where, 'has no year')
    return sources


def check_cited(check, where, entry, sources):
    """Grade, sources and date of review: what every claim has."""
    check.choice(where, entry, 'grade', GRADES)
    cited = entry.get('sources')
    if not cited:
        check.fault(where, 'has no source')
    for name in cited or []:
        if name not in sources:
            check.fault(where, f'source "{name}" is not listed')
    if cited == ['common'] and entry.get('grade') != 'common-advice':
        check.fault(where, 'rests on common advice alone and must be graded common-advice')
    if not isinstance(entry.get('reviewed'), datetime.date):
        check.fault(where, 'has no date of review')


def check_figures(check, where, text, figures):
    """Every number of the text is declared, with a unit; returns whether one is an amount."""
    rest = text
    for figure in figures:
        if not (isinstance(figure, list) and len(figure) == 2 and all(isinstance(part, str) for part in figure)):
            check.fault(where, f'figure {figure} has no unit: write ["350", "mg"]')
            continue
        number, unit = figure
        if unit not in FIGURE_UNITS:
            check.fault(where, f'figure {number} has no known unit ("{unit}")')
        if not re.fullmatch(r'-?\d+(\.\d+)?( to -?\d+(\.\d+)?)?', number):
            check.fault(where, f'figure "{number}" is not a number or a range')
        needle = re.escape(number) + (r'\s' + re.escape(unit) if unit in UNITS_BEHIND else r'(?![\d.]*\d)')
        if not re.search(r'(?<![\d.])' + needle, rest):
            check.fault(where, f'figure {number} {unit} is not in the text like that')
        rest = re.sub(r'(?<![\d.])' + needle, ' ', rest, count=1)
    left = re.findall(r'\d[\d.]*', re.sub(NAMES_WITH_DIGITS, '', rest))
    if left:
        check.fault(where, f'number {left[0]} stands in the text without a figure that gives its unit')
    return any(isinstance(figure, list) and len(figure) == 2 and figure[1] in AMOUNT_UNITS for figure in figures)


def check_pushes(check, where, statement, potassium_factors):
    """Texts that urge to eat or take something exclude those whom it could harm."""
    if statement['kind'] not in ('foods', 'supplement', 'general', 'comparison', 'recommendation', 'prevention') or \
            statement.get('fit') == 'forbidden':
        return
    text = statement['text'].lower()
    forbids = statement['forbids']
    if re.search(VITAMIN_K_WORDS, text) and not {'vitamin-k-antagonist', 'other-anticoagulant'} <= set(forbids):
        check.fault(where, 'names food rich in vitamin K and does not forbid vitamin-k-antagonist, other-anticoagulant')
    # The contraindications of potassium itself hold its own statements back.
    if re.search(POTASSIUM_WORDS, text) and statement['topic'] != 'potassium' and not potassium_factors <= set(forbids):
        check.fault(where, 'names food rich in potassium and does not forbid what makes potassium dangerous')


def groups_unfold(groups, names):
    """Names of conditions, with each name of a group replaced by its members."""
    return [member for name in names for member in groups.get(name, [name])]


def check_statement(check, statement, sources, reviewed, groups, potassium_factors):
    where = f'statement {statement.get("id", "without id")}'
    check.keys(where, statement, ['id', 'topic', 'kind', 'grade', 'sources', 'reviewed', 'title', 'text', 'general',
                                  'figures', 'supplement', 'applies', 'forbids', 'goes_beyond', 'population', 'fit'])
    statement.setdefault('reviewed', reviewed)
    for key in ('applies', 'forbids', 'figures'):
        statement.setdefault(key, [])
    for key in ('applies', 'forbids'):
        statement[key] = groups_unfold(groups, statement[key])
    for key in ('id', 'title', 'text'):
        check.text(where, statement, key)
    check.choice(where, statement, 'topic', TOPICS)
    check.choice(where, statement, 'kind', KINDS)
    if statement.get('kind') == 'evidence':
        check.choice(where, statement, 'population', POPULATIONS)
    elif 'population' in statement:
        check.fault(where, 'has a population and is no evidence')
    check_cited(check, where, statement, sources)
    check.conditions(where, statement['applies'] + statement['forbids'])
    if not all(isinstance(statement.get(key), str) for key in ('id', 'title', 'text', 'kind', 'topic')):
        return
    statement['text'] = one_line(statement['text'])
    if re.search(r'\d', re.sub(NAMES_WITH_DIGITS, '', statement['title'])):
        check.fault(where, 'has a number in its title')
    statement['has_amount'] = check_figures(check, where, statement['text'], statement['figures'])
    if 'general' in statement:
        statement['general'] = one_line(statement['general'])
        if re.search(r'\d', re.sub(NAMES_WITH_DIGITS, '', statement['general'])):
            check.fault(where, 'has a number in its general text')
    if re.search(r'supplement|tablet|capsule', statement['text'], re.I) and not statement.get('supplement') and \
            statement['kind'] not in ('intake', 'doctor', 'general', 'quinine'):
        check.fault(where, 'mentions supplements and is not marked "supplement = true"')
    if statement['kind'] == 'supplement' and not statement.get('supplement'):
        check.fault(where, 'suggests a supplement and is not marked "supplement = true"')
    check_pushes(check, where, statement, potassium_factors)


def comparisons_unfold(check, data):
    """A [[comparison]] becomes one statement an aspect."""
    unfolded = []
    for entry in data.get('comparison', []):
        where = f'comparison {entry.get("nutrient")}'
        check.keys(where, entry, ['nutrient', 'grade', 'sources', 'reviewed', 'forbids', *COMPARED])
        for aspect, title in COMPARED.items():
            check.text(where, entry, aspect)
            unfolded.append({
                'id': f'{entry.get("nutrient")}-{aspect}', 'topic': entry.get('nutrient'), 'kind': 'comparison',
                'title': title, 'text': entry.get(aspect, ''), 'supplement': True,
                **{key: entry[key] for key in ('grade', 'sources', 'reviewed', 'forbids') if key in entry},
                # What food and tablets cost, and how handy they are, no trial has told.
                **({'grade': 'common-advice', 'sources': ['common']} if aspect in ('cost', 'convenience') else {})})
    return unfolded


def recommendations_unfold(check, data, contraindications):
    """A [[recommendation]] becomes one statement for each whom it can fit."""
    unfolded = []
    for nutrient in NUTRIENTS:
        entries = [entry for entry in data.get('recommendation', []) if entry.get('nutrient') == nutrient]
        if len(entries) != 1:
            check.fault(f'recommendation {nutrient}', f'stands {len(entries)} times')
            continue
        where, entry = f'recommendation {nutrient}', entries[0]
        check.keys(where, entry, ['nutrient', 'grade', 'sources', 'reviewed', *FITS])
        for fit, title in FITS.items():
            if fit == 'forbidden' and not any(row.get('nutrient') == nutrient for row in contraindications):
                continue
            check.text(where, entry, fit)
            if fit in ('forbidden', 'guarded') and re.search(r'\d', re.sub(NAMES_WITH_DIGITS, '', entry.get(fit, ''))):
                check.fault(where, f'has a number in {fit}')
            unfolded.append({
                'id': f'{nutrient}-recommendation-{fit}', 'topic': nutrient, 'kind': 'recommendation', 'fit': fit,
                'title': title, 'text': entry.get(fit, ''), 'supplement': True,
                **{key: entry[key] for key in ('grade', 'sources', 'reviewed') if key in entry}})
    return unfolded


def check_contraindications(check, data, sources, reviewed):
    rows = []
    for entry in data.get('contraindication', []):
        where = f'contraindication of {entry.get("nutrient")}'
        check.keys(where, entry, ['nutrient', 'factors', 'food', 'text', 'grade', 'sources', 'reviewed'])
        entry.setdefault('reviewed', reviewed)
        check.choice(where, entry, 'nutrient', NUTRIENTS)
        check.text(where, entry, 'text')
        check_cited(check, where, entry, sources)
        if not entry.get('factors'):
            check.fault(where, 'has no factors')
        check.conditions(where, entry.get('factors', []))
        rows += [dict(entry, factor=factor) for factor in entry.get('factors', [])]
    return rows


SIT_UP = 'Sit up and hold on before you stand.'
NO_MASSAGE = 'Swollen, hot or red leg: do not massage, get help.'
PLACES = ['calf', 'shin', 'foot', 'thigh-front', 'thigh-back', 'any', 'help', 'danger']


def check_reliefs(check, data, sources, reviewed):
    """Each place once; nobody is told to stand before sitting, or to massage before the warning."""
    rows = data.get('relief', [])
    for entry in rows:
        where = f'relief {entry.get("place")}'
        check.keys(where, entry, ['place', 'steps', 'grade', 'sources', 'reviewed'])
        entry.setdefault('reviewed', reviewed)
        check.choice(where, entry, 'place', PLACES)
        check_cited(check, where, entry, sources)
        steps = entry.get('steps', [])
        if not 4 <= len(steps) <= 6:
            check.fault(where, f'has {len(steps)} steps; 4 to 6 can be read in pain')
        for step in steps:
            if len(step) > 90 or re.search(r'\d', step):
                check.fault(where, f'"{step}" is longer than 90 characters, or has a number')
        if SIT_UP not in steps[:2]:
            check.fault(where, f'does not begin with "{SIT_UP}"')
        massages = [i for i, step in enumerate(steps) if step.startswith('Massage')]
        if NO_MASSAGE not in steps or massages and massages[0] < steps.index(NO_MASSAGE):
            check.fault(where, f'does not say before any massage: "{NO_MASSAGE}"')
    if sorted(entry.get('place', '') for entry in rows) != sorted(PLACES):
        check.fault('relief', f'does not have each of these once: {", ".join(PLACES)}')
    return rows


def check_unit(check, where, entry):
    unit = entry.get('unit')
    if not unit:
        check.fault(where, 'has amounts and no unit')
    elif unit not in AMOUNT_UNITS:
        check.fault(where, f'unit "{unit}" is not one of: {", ".join(AMOUNT_UNITS)}')


def check_source_of(check, where, entry, sources):
    if not entry.get('source'):
        check.fault(where, 'has no source')
    elif entry['source'] not in sources:
        check.fault(where, f'source "{entry["source"]}" is not listed')


def check_foods(check, data, sources, potassium_factors):
    rows = []
    for entry in data.get('foods', []):
        where = f'foods of {entry.get("nutrient")}'
        check.keys(where, entry, ['nutrient', 'unit', 'source', 'rows'])
        check.choice(where, entry, 'nutrient', NUTRIENTS)
        check_source_of(check, where, entry, sources)
        for row in entry.get('rows', []):
            check.keys(where, row, ['name', 'portion', 'amount', 'animal'])
            check.text(where, row, 'name')
            if 'amount' in row:
                check_unit(check, where, entry)
                check.text(f'{where}, {row.get("name")}', row, 'portion')
                if not row['amount'] > 0:
                    check.fault(where, f'{row.get("name")}: amount is not above 0')
                if entry.get('source') == 'common':
                    check.fault(where, f'{row.get("name")}: an amount needs a real source')
            name = row.get('name', '').lower()
            forbids = set()
            if re.search(VITAMIN_K_WORDS, name):
                forbids |= {'vitamin-k-antagonist', 'other-anticoagulant'}
            if re.search(POTASSIUM_WORDS, name):
                forbids |= potassium_factors
            rows.append({'portion': '', 'amount': 0, 'unit': entry.get('unit', ''), 'animal': False, **row,
                         'nutrient': entry.get('nutrient'), 'source': entry.get('source'), 'forbids': sorted(forbids)})
    return rows


def ages_to_check(rows, nutrient, first):
    """Every age in months at which a row begins or ends, from the first on: nothing changes between."""
    edges = {first} | {row[edge] for row in rows if row['nutrient'] == nutrient for edge in ('from', 'below')}
    return sorted(age for age in edges if first <= age < 120 * 12)


def check_intakes(check, data, sources):
    rows = []
    for entry in data.get('intakes', []):
        where = f'intakes of {entry.get("nutrient")}'
        check.keys(where, entry, ['nutrient', 'unit', 'source', 'rows'])
        check.choice(where, entry, 'nutrient', NUTRIENTS)
        check_unit(check, where, entry)
        check_source_of(check, where, entry, sources)
        for row in entry.get('rows', []):
            check.keys(where, row, ['sex', 'state', 'from', 'below', 'rda', 'ai'])
            check.choice(where, {'sex': 'any', **row}, 'sex', ['any', 'female', 'male'])
            check.choice(where, {'state': 'usual', **row}, 'state', ['usual', 'pregnant', 'breastfeeding'])
            amount = row.get('rda', row.get('ai'))
            if ('rda' in row) == ('ai' in row) or not amount or amount <= 0:
                check.fault(where, f'{row}: give one amount, as rda or as ai')
                continue
            rows.append({'nutrient': entry.get('nutrient'), 'sex': row.get('sex', 'any'),
                         'state': row.get('state', 'usual'), 'from': months(check, where, row.get('from'), 0),
                         'below': months(check, where, row.get('below'), 200 * 12), 'adequate': 'ai' in row,
                         'amount': amount, 'unit': entry.get('unit', ''), 'source': entry.get('source')})
    for nutrient in NUTRIENTS:
        for sex in ('female', 'male'):
            for age in ages_to_check(rows, nutrient, 2 * 12):
                fitting = [row for row in rows if row['nutrient'] == nutrient and row['state'] == 'usual' and
                           row['sex'] in ('any', sex) and row['from'] <= age < row['below']]
                if len(fitting) != 1:
                    check.fault(f'intakes of {nutrient}',
                                f'{len(fitting)} rows for {sex}, age {age // 12} years {age % 12} months')
                    break
    return rows


def check_limits(check, data, sources):
    rows = []
    named = {}
    for entry in data.get('limits', []):
        nutrient = entry.get('nutrient')
        where = f'limits of {nutrient}'
        check.keys(where, entry, ['nutrient', 'unit', 'counts', 'authority', 'source', 'rows', 'none'])
        check.choice(where, entry, 'nutrient', NUTRIENTS)
        check_source_of(check, where, entry, sources)
        named[nutrient] = entry
        if 'none' in entry:
            check.text(where, entry, 'none')
            if 'rows' in entry:
                check.fault(where, 'has rows and says that none is set')
            continue
        check_unit(check, where, entry)
        check.choice(where, entry, 'counts', ['supplements', 'all'])
        check.text(where, entry, 'authority')
        for row in entry.get('rows', []):
            check.keys(where, row, ['from', 'below', 'amount'])
            if not row.get('amount', 0) > 0:
                check.fault(where, f'{row}: no amount')
                continue
            rows.append({'nutrient': nutrient, 'from': months(check, where, row.get('from'), 0),
                         'below': months(check, where, row.get('below'), 200 * 12), 'amount': row['amount'],
                         'supplements': entry.get('counts') == 'supplements', 'unit': entry.get('unit', ''),
                         'authority': entry.get('authority', ''), 'source': entry.get('source')})
    for nutrient in NUTRIENTS:
        if nutrient not in named:
            check.fault(f'limits of {nutrient}', 'no upper limit, and nothing says that none is set')
        elif nutrient in LIMITED and 'none' in named[nutrient]:
            check.fault(f'limits of {nutrient}', 'no upper limit, though an authority sets one')
    for nutrient in LIMITED:
        for age in ages_to_check(rows, nutrient, 12):
            fitting = [row for row in rows if row['nutrient'] == nutrient and row['from'] <= age < row['below']]
            if len(fitting) != 1:
                check.fault(f'limits of {nutrient}', f'{len(fitting)} upper limits for age {age // 12} years')
                break
    return rows


def check_complete(check, statements):
    seen, texts = {}, {}
    for statement in statements:
        if statement.get('id') in seen:
            check.fault(f'statement {statement["id"]}', 'stands twice')
        seen[statement.get('id')] = statement
        if statement.get('text') in texts:
            check.fault(f'statement {statement.get("id")}', f'has the text of {texts[statement["text"]]}')
        texts[statement.get('text')] = statement.get('id')
    for nutrient in NUTRIENTS:
        kinds = {statement.get('kind') for statement in statements if statement.get('topic') == nutrient}
        for part in PARTS + ['comparison']:
            if part not in kinds:
                check.fault(f'nutrient {nutrient}', f'has no statement of kind {part}')
        lacks = {statement.get('population') == 'deficiency' for statement in statements
                 if statement.get('topic') == nutrient and statement.get('kind') == 'evidence'}
        if lacks != {True, False}:
            check.fault(f'nutrient {nutrient}', 'has no evidence of people with a lack, or none of others')
    for statement in statements:
        if statement.get('topic') == 'quinine' and statement.get('kind') != 'quinine':
            check.fault(f'statement {statement.get("id")}', 'speaks of quinine other than as a warning')
        if statement.get('topic') == 'potassium' and statement.get('kind') == 'supplement':
            check.fault(f'statement {statement.get("id")}', 'suggests potassium tablets, which are for a doctor to prescribe')


# --- Writing ---------------------------------------------------------------------------------------------------------

def c_string(text):
    """ASCII only: compilers and xgettext agree on it."""
    if text is None:
        return 'NULL'
    out = ''
    for byte in text.encode():
        char = chr(byte)
        # The quotes after an octal escape need no care: it always has three digits.
        out += '\\' + char if char in '"\\' else char if 32 <= byte < 127 else f'\\{byte:03o}'
    return f'"{out}"'


def translated(text):
    return 'NULL' if text is None else f'N_({c_string(text)})'


def enumerator(name):
    return name.upper().replace('-', '_')


def mask(factors, names):
    return ' | '.join(f'FACTOR_BIT(FACTOR_{factors[name]})' for name in names) or '0'


def source_list(indexes, names):
    return ('(const struct knowledge_source *const[]){' +
            ', '.join(f'&knowledge_sources[{indexes[name]}]' for name in names) + ', NULL}')


def boolean(value):
    return 'true' if value else 'false'


def table_write(out, kind, name, rows):
    out.append(f'const struct knowledge_{kind} knowledge_{name}[] = {{')
    out.extend(f'        {{{", ".join(row)}}},' for row in rows)
    out.append('};')
    out.append(f'const size_t knowledge_n_{name} = sizeof(knowledge_{name}) / sizeof(knowledge_{name}[0]);\n')


def table(factors, sources, statements, contraindications, foods, intakes, limits, reliefs, unlimited):
    indexes = {name: index for index, name in enumerate(sources)}
    out = ['/* SPDX-License-Identifier: MIT */', '/* Generated from knowledge.toml by generate-knowledge.py. */',
           '#include "daemon/guidance/knowledge.h"', '#include "daemon/guidance/translate.h"', '']
    table_write(out, 'source', 'sources', [
        [c_string(name), c_string(source['authors']), str(source['year']), boolean(source.get('undated')),
         c_string(source['where']), translated(source.get('copied_by'))] for name, source in sources.items()])
    table_write(out, 'statement', 'statements', [
        [c_string(row['id']), c_string(row['topic']),
         f'NUTRIENT_{enumerator(row["topic"])}' if row['topic'] in NUTRIENTS else '-1',
         f'STATEMENT_{enumerator(row["kind"])}', f'GRADE_{enumerator(row["grade"])}', translated(row['title']),
         translated(row['text']), translated(row.get('general')), boolean(row['has_amount']),
         boolean(row.get('supplement')), mask(factors, row['applies']), mask(factors, row['forbids']),
         source_list(indexes, row['sources']), c_string(row['reviewed'].isoformat()),
         c_string(row.get('goes_beyond')), c_string(row.get('population')),
         f'FIT_{enumerator(row["fit"])}' if 'fit' in row else 'FIT_ANYBODY'] for row in statements])
    table_write(out, 'contraindication', 'contraindications', [
        [f'NUTRIENT_{enumerator(row["nutrient"])}', f'FACTOR_{factors[row["factor"]]}', boolean(row.get('food')),
         translated(row['text']), f'GRADE_{enumerator(row["grade"])}', source_list(indexes, row['sources']),
         c_string(row['reviewed'].isoformat())] for row in contraindications])
    table_write(out, 'food', 'foods', [
        [f'NUTRIENT_{enumerator(row["nutrient"])}', translated(row['name']),
         translated(row['portion']) if row['portion'] else 'NULL', repr(row['amount']), c_string(row['unit']),
         boolean(row['animal']), mask(factors, row['forbids']), f'&knowledge_sources[{indexes[row["source"]]}]']
        for row in foods])
    table_write(out, 'intake', 'intakes', [
        [f'NUTRIENT_{enumerator(row["nutrient"])}',
         'INTAKE_ANY_SEX' if row['sex'] == 'any' else f'INTAKE_{enumerator(row["sex"])}',
         f'INTAKE_{enumerator(row["state"])}', str(row['from']), str(row['below']), boolean(row['adequate']),
         repr(row['amount']), c_string(row['unit']), f'&knowledge_sources[{indexes[row["source"]]}]']
        for row in intakes])
    table_write(out, 'limit', 'limits', [
        [f'NUTRIENT_{enumerator(row["nutrient"])}', str(row['from']), str(row['below']), boolean(row['supplements']),
         repr(row['amount']), c_string(row['unit']), c_string(row['authority']),
         f'&knowledge_sources[{indexes[row["source"]]}]'] for row in limits])
    table_write(out, 'relief', 'reliefs', [
        [c_string(row['place']),
         '(const char *const[]){' + ', '.join(translated(step) for step in row['steps']) + ', NULL}',
         f'GRADE_{enumerator(row["grade"])}', source_list(indexes, row['sources']),
         c_string(row['reviewed'].isoformat())] for row in reliefs])
    table_write(out, 'unlimited', 'unlimiteds', [
        [f'NUTRIENT_{enumerator(row["nutrient"])}', c_string(row['none']),
         f'&knowledge_sources[{indexes[row["source"]]}]'] for row in unlimited])
    return '\n'.join(out)


def messages(sources, statements, contraindications, foods, reliefs):
    """Every text that the table marks with N_(), with what it belongs to."""
    places = {}

    def add(text, place):
        if text and place not in places.setdefault(text, []):
            places[text].append(place)

    for row in statements:
        for key in ('title', 'text', 'general'):
            add(row.get(key), row['id'])
    for row in contraindications:
        add(row['text'], f'not suggested: {row["nutrient"]}')
    for row in foods:
        add(row['name'], f'food with {row["nutrient"]}')
        add(row['portion'], 'portion of food')
    for unit in AMOUNT_UNITS:
        add(unit, 'unit')
    for row in reliefs:
        for step in row['steps']:
            add(step, f'what to do now: {row["place"]}')
    for name, source in sources.items():
        add(source.get('copied_by'), 'who repeats a source that was not read')
        if name == 'common':
            add(source['authors'], 'stands for the authors of a source')
            add(source['where'], 'stands for the place of a source')
    out = ['# SPDX-License-Identifier: MIT', 'msgid ""', 'msgstr "Content-Type: text/plain; charset=UTF-8\\n"', '']
    for text, of in places.items():
        quoted = text.replace('\\', '\\\\').replace('"', '\\"')
        # A percent sign is never a format here.
        out += [f'#. {", ".join(of)}', '#: daemon/guidance/knowledge.toml', '#, no-c-format', f'msgid "{quoted}"',
                'msgstr ""', '']
    return '\n'.join(out)


def main():
    arguments = sys.argv[1:]
    as_messages = arguments[:1] == ['--messages']
    if len(arguments) != 3 + as_messages:
        sys.exit('Usage: generate-knowledge.py [--messages] knowledge.toml factor.h OUTPUT')
    knowledge, factor_list, output = arguments[as_messages:]
    with open(knowledge, 'rb') as file:
        try:
            data = tomllib.load(file)
        except tomllib.TOMLDecodeError as error:
            sys.exit(f'{knowledge}: {error}')
    factors = factors_read(factor_list)
    check = Checker(factors)
    check.keys('the file', data, ['reviewed', 'group', 'source', 'statement', 'comparison', 'recommendation', 'contraindication',
                                  'relief', 'foods', 'intakes', 'limits'])
    reviewed = data.get('reviewed')
    sources = check_sources(check, data)
    contraindications = check_contraindications(check, data, sources, reviewed)
    potassium_factors = {row['factor'] for row in contraindications
                         if row.get('nutrient') == 'potassium' and row.get('food')}
    statements = data.get('statement', []) + comparisons_unfold(check, data) + recommendations_unfold(
        check, data, contraindications)
    for statement in statements:
        check_statement(check, statement, sources, reviewed, data.get('group', {}), potassium_factors)
    foods = check_foods(check, data, sources, potassium_factors)
    intakes = check_intakes(check, data, sources)
    limits = check_limits(check, data, sources)
    reliefs = check_reliefs(check, data, sources, reviewed)
    check_complete(check, statements)
    if check.faults:
        sys.exit('\n'.join(f'{knowledge}: {fault}' for fault in check.faults))
    with open(output, 'w', encoding='utf-8' if as_messages else 'ascii') as file:
        if as_messages:
            file.write(messages(sources, statements, contraindications, foods, reliefs))
        else:
            file.write(table(factors, sources, statements, contraindications, foods, intakes, limits, reliefs,
                             [entry for entry in data['limits'] if 'none' in entry]))


if __name__ == '__main__':
    main()
