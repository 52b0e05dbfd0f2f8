# SPDX-License-Identifier: MIT
"""What is known: the shipped data passes its checks, and each fault that a reviewer could overlook is refused by name.
Runs the generator on altered copies of knowledge.toml."""

import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'support'))
import tap

GUIDANCE = os.environ['GUIDANCE']
with open(os.path.join(GUIDANCE, 'knowledge.toml'), encoding='utf-8') as file:
    SHIPPED = file.read()


def generate(text):
    with tempfile.TemporaryDirectory() as folder:
        given, written = os.path.join(folder, 'knowledge.toml'), os.path.join(folder, 'table.c')
        with open(given, 'w', encoding='utf-8') as file:
            file.write(text)
        done = subprocess.run(
            [sys.executable, os.path.join(GUIDANCE, 'generate-knowledge.py'), given,
             os.path.join(GUIDANCE, 'factor.h'), written], capture_output=True, text=True, check=False)
        table = None
        if os.path.exists(written):
            with open(written, encoding='ascii') as file:
                table = file.read()
        return done.returncode, done.stderr, table


def altered(old, new, count=1):
    assert SHIPPED.count(old) >= 1, f'not in the shipped data: {old}'
    return SHIPPED.replace(old, new, count)


def entry(identifier):
    """The text of one statement, from its [[statement]] to the next blank line."""
    start = SHIPPED.index(f'[[statement]]\nid = "{identifier}"')
    return SHIPPED[start:SHIPPED.index('\n\n', start)]


def without_line(identifier, key):
    whole = entry(identifier)
    less = re.sub(rf'^{key} = .*\n', '', whole, flags=re.M)
    assert less != whole
    return SHIPPED.replace(whole, less)


def refused(text, *needles):
    code, errors, table = generate(text)
    assert code != 0 and table is None, 'was accepted'
    for needle in needles:
        assert needle in errors, f'"{needle}" is not in:\n{errors}'


def test_shipped_data_pass():
    code, errors, table = generate(SHIPPED)
    assert code == 0 and not errors, errors
    for nutrient in ('magnesium', 'potassium', 'calcium', 'vitamin-d', 'vitamin-k2', 'vitamin-b1', 'vitamin-b12',
                     'hydration'):
        assert f'"{nutrient}-role"' in table
    tap.measured(f'{table.count("STATEMENT_")} statements of guidance, each with grade, source and date')


def test_no_source_is_refused():
    refused(without_line('vitamin-k2-evidence', 'sources'), 'statement vitamin-k2-evidence: has no source')
    refused(altered('sources = ["tan-2024"]', 'sources = []'), 'has no source')
    refused(altered('sources = ["tan-2024"]', 'sources = ["tan-2042"]'), 'source "tan-2042" is not listed')
    refused(altered('unit = "mg"\nsource = "ods-magnesium"', 'unit = "mg"'), 'foods of magnesium: has no source')


def test_source_without_author_year_place_is_refused():
    refused(altered('year = 2024\n', ''), 'source tan-2024: has no year')
    refused(altered('authors = "Tan J', '#authors = "Tan J'), 'source tan-2024: has no authors')
    refused(altered('where = "Vitamin K2 in', '#where = "Vitamin K2 in'), 'source tan-2024: has no where')


def test_no_grade_or_review_is_refused():
    refused(without_line('magnesium-role', 'grade'), 'statement magnesium-role: has no grade')
    refused(altered('grade = "against"', 'grade = "proven"'), 'grade "proven" is not one of: strong')
    refused(re.sub(r'^reviewed = .*\n', '', SHIPPED, count=1, flags=re.M), 'has no date of review')
    refused(altered('grade = "common-advice"\nsources = ["common"]', 'grade = "moderate"\nsources = ["common"]'),
            'must be graded common-advice')


def test_amount_without_unit_is_refused():
    refused(altered('figures = [["350", "mg"]]', 'figures = [["350"]]'), 'has no unit')
    refused(altered('figures = [["350", "mg"]]', 'figures = [["350", "stones"]]'), 'has no known unit')
    refused(altered('of 350 mg a day', 'of 350 a day'), 'figure 350 mg is not in the text like that')
    refused(altered('figures = [["350", "mg"]]\n', ''), 'number 350 stands in the text without a figure')
    refused(altered('nutrient = "magnesium"\nunit = "mg"\nsource = "iom-1997"',
                    'nutrient = "magnesium"\nsource = "iom-1997"'), 'intakes of magnesium: has amounts and no unit')
    refused(altered('nutrient = "magnesium"\nunit = "mg"\ncounts', 'nutrient = "magnesium"\ncounts'),
            'limits of magnesium: has amounts and no unit')
    refused(altered('nutrient = "potassium"\nunit = "mg"\nsource = "dietary', 'nutrient = "potassium"\nsource = "dietary'),
            'foods of potassium: has amounts and no unit')


def test_missing_upper_limit_is_refused():
    refused(altered('{ from = "19y", below = "51y", amount = 2500 }, ', ''), 'limits of calcium: 0 upper limits for age 19')
    refused(altered(', { from = "9y", amount = 350 }', ''), 'limits of magnesium: 0 upper limits for age 9')
    start = SHIPPED.index('[[limits]]\nnutrient = "vitamin-d"')
    whole = SHIPPED[start:SHIPPED.index('\n\n', start)]
    refused(SHIPPED.replace(whole, ''), 'limits of vitamin-d: no upper limit, and nothing says')
    refused(SHIPPED.replace(whole, '[[limits]]\nnutrient = "vitamin-d"\nnone = "none"\nsource = "common"'),
            'limits of vitamin-d: no upper limit, though an authority sets one')


def test_gap_in_intakes_is_refused():
    refused(altered('{ sex = "male", from = "31y", rda = 420 }, ', ''), 'intakes of magnesium: 0 rows for male, age 31')


def test_missing_part_is_refused():
    refused(SHIPPED.replace(entry('vitamin-b1-limit'), ''), 'nutrient vitamin-b1: has no statement of kind limit')


def test_evidence_says_of_whom():
    refused(without_line('potassium-evidence', 'population'), 'statement potassium-evidence: has no population')
    refused(SHIPPED.replace(entry('calcium-evidence-deficiency'), ''), 'nutrient calcium: has no evidence of people with a lack')
    refused(altered('population = "pregnancy"', 'population = "martians"'), 'population "martians" is not one of')


def test_text_that_stands_twice_is_refused():
    refused(altered('text = "No upper limit of vitamin B12 was set', 'text = "No upper limit of vitamin B1 was set'),
            'statement vitamin-b12-limit: has the text of vitamin-b1-limit')


def test_missing_recommendation_is_refused():
    refused(re.sub(r'^low = "Fortified food or a.*\n', '', SHIPPED, flags=re.M), 'recommendation vitamin-b12: has no low')
    refused(altered('guarded = "A varied diet.', 'guarded = "Take 15 a day.'), 'recommendation vitamin-b1: has a number in guarded')
    start = SHIPPED.index('[[recommendation]]\nnutrient = "calcium"')
    refused(SHIPPED[:start] + SHIPPED[SHIPPED.index('\n\n', start):], 'recommendation calcium: stands 0 times')


def test_unknown_condition_is_refused():
    refused(altered('applies = ["statin"]', 'applies = ["statins"]'), 'condition "statins" is not in factor.h')


def test_dangerous_push_is_refused():
    refused(altered('Fermented foods and,', 'Natto and,').replace(
        'from animals hold K2."\nforbids = ["vitamin-k-antagonist", "other-anticoagulant"]', 'from animals hold K2."'),
        'names food rich in vitamin K')
    refused(altered('A varied diet covers', 'Bananas and a varied diet cover'), 'names food rich in potassium')


def test_unmarked_supplement_is_refused():
    refused(without_line('vitamin-k2-supplement', 'supplement'), 'is not marked "supplement = true"')


def test_number_in_general_text_is_refused():
    refused(altered('general = "The amount assumes', 'general = "15 in all. The amount assumes'),
            'number in its general text')


def test_quinine_is_only_a_warning():
    refused(altered('topic = "quinine"\nkind = "quinine"', 'topic = "quinine"\nkind = "prevention"'), 'other than as a warning')


def test_potassium_tablets_are_refused():
    whole = entry('potassium-forms')
    refused(SHIPPED.replace(whole, whole.replace('kind = "forms"', 'kind = "supplement"')), 'suggests potassium tablets')


def test_relief_warns_first():
    refused(altered('  "Swollen, hot or red leg: do not massage, get help.",\n', ''), 'relief calf: does not say before any massage')
    refused(altered('  "Sit up and hold on before you stand.",\n', ''), 'relief calf: does not begin with')
    refused(altered('place = "shin"', 'place = "calf"'), 'relief: does not have each of these once')
    refused(altered('"Massage the front of the shin."', '"Massage the front of the shin for 10 minutes."'), 'has a number')


def test_unknown_key_is_refused():
    refused(altered('goes_beyond =', 'goes_beyound ='), 'unknown key "goes_beyound"')


tap.main(globals())
