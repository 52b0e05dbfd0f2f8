#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""count.py [--no-skip] LOG: count the cases of one `meson test` run.

LOG is the run's log without its endings (.../meson-logs/testlog): LOG.junit.xml has every TAP line, LOG.json says how
each test program ended. Prints "PASSED FAILED SKIPPED"; what failed or was skipped is named on standard error. A program
that came to a bad end although all its lines were good counts as one failed case. With --no-skip a skipped case has
failed: it could have run. Used by check.sh.
"""

import argparse
import json
import sys
import xml.etree.ElementTree as ElementTree


def outcome(case):
    if case.find('failure') is not None or case.find('error') is not None:
        return 'failed'
    return 'skipped' if case.find('skipped') is not None else 'passed'


def read_cases(path):
    """Yields (test, case, outcome); the suite of a TAP test is PROJECT.TEST, all other tests share the suite PROJECT."""
    for suite in ElementTree.parse(path).getroot().iter('testsuite'):
        _, dot, test = suite.get('name').partition('.')
        for case in suite.iter('testcase'):
            yield (test, case.get('name'), outcome(case)) if dot else (case.get('name'), '', outcome(case))


def read_bad_ends(path):
    with open(path, encoding='utf-8') as log:
        for line in log:
            test = json.loads(line)
            if test['result'] not in ('OK', 'SKIP', 'EXPECTEDFAIL'):
                yield test['name'], test['result']


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--no-skip', action='store_true')
    parser.add_argument('log')
    arguments = parser.parse_args()

    count = {'passed': 0, 'failed': 0, 'skipped': 0}
    blamed = set()
    for test, case, result in read_cases(arguments.log + '.junit.xml'):
        if result == 'skipped' and arguments.no_skip:
            result = 'failed'
        count[result] += 1
        if result == 'failed':
            blamed.add(test)
        if result != 'passed':
            print(f'  {result}: {test}: {case}', file=sys.stderr)
    for test, result in read_bad_ends(arguments.log + '.json'):
        if test not in blamed:
            count['failed'] += 1
            print(f'  failed: {test}: ended with {result}', file=sys.stderr)
    print(count['passed'], count['failed'], count['skipped'])


if __name__ == '__main__':
    main()
