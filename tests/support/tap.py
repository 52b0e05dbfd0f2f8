# SPDX-License-Identifier: MIT
"""A tiny TAP runner. `tap.main(globals())` at the end of a test program runs every function named test_* in the order
of definition; names given on the command line run only those, otherwise PART=2/3 in the environment the second third.
Owns nothing but what it prints; used by all tests in Python."""

import os
import sys
import time
import traceback


# Tests read English, whatever the language of who runs them.
os.environ['LC_ALL'] = 'C.UTF-8'
os.environ.pop('LANGUAGE', None)


class Skip(Exception):
    """Raised by skip(): the case could not run here."""


def skip(reason):
    raise Skip(reason)


def note(text):
    """Prints a TAP comment: shown in the log, never counted."""
    for line in str(text).splitlines():
        print(f'# {line}', flush=True)


def measured(text):
    """A note with a figure that belongs to a bar; check.sh repeats these."""
    note(f'measured: {text}')


def wait_until(condition, limit_s=10, what='the condition'):
    """Returns the first true value of condition(); fails when there was none within the limit."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f'waited {limit_s} s in vain for {what}')
        time.sleep(0.01)


def _one_line(text):
    # '#' would begin a directive.
    return ' '.join(str(text).split()).replace('#', '')


def main(namespace):
    cases = [(name, function) for name, function in namespace.items()
             if name.startswith('test_') and callable(function)]
    wanted = sys.argv[1:]
    unknown = sorted(set(wanted) - {name for name, _ in cases})
    if unknown:
        sys.exit(f'no such case: {", ".join(unknown)}')
    if wanted:
        cases = [case for case in cases if case[0] in wanted]
    else:
        part, parts = map(int, os.environ.get('PART', '1/1').split('/'))
        cases = cases[part - 1::parts]

    failed = 0
    print(f'1..{len(cases)}', flush=True)
    for number, (name, function) in enumerate(cases, 1):
        try:
            function()
        except Skip as reason:
            print(f'ok {number} - {name} # SKIP {_one_line(reason)}', flush=True)
        except (Exception, SystemExit):
            failed += 1
            print(f'not ok {number} - {name}', flush=True)
            # Standard error, too: that is what a run of many tests shows of one that fails.
            note(traceback.format_exc())
            print(f'{name}: {traceback.format_exc()}', file=sys.stderr, flush=True)
        else:
            print(f'ok {number} - {name}', flush=True)
    sys.exit(1 if failed else 0)
