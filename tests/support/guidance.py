# SPDX-License-Identifier: MIT
"""Calls of org.crampd1.Guidance, and crampctl beside them: what the tests of guidance on a running daemon share."""

import os
import subprocess
from pathlib import Path

import dbus

from daemon import GUIDANCE, ROOT

NOBODY = 65534
INVALID = 'org.crampd1.Error.InvalidArgument'
NOT_SAFE = 'org.crampd1.Error.NotSafe'
UNKNOWN = 'org.crampd1.Error.NoSuchEntry'
REFUSED = 'org.crampd1.Error.NotAuthorized'
SAFE = {'age': '40', 'sex': 'male', 'diet': 'omnivore', 'alcohol': 'none', 'kidney-disease': 'no', 'dialysis': 'no',
        'liver-disease': 'no', 'heart-failure': 'no', 'medicines': 'none', 'conditions': 'none', 'supplements': 'none'}


def crampctl(*arguments, code=0):
    done = subprocess.run([os.environ['CRAMPCTL'], *arguments], capture_output=True, text=True, timeout=60, check=False,
                          env={key: value for key, value in os.environ.items() if key not in ('SUDO_UID', 'LANGUAGE')})
    assert done.returncode == code, (arguments, done)
    return done.stdout if code == 0 else done.stderr


def set_profile(client, **options):
    values = options.pop('values')
    client.call(ROOT, GUIDANCE, 'SetProfile', 'a{ss}a{sv}', dbus.Dictionary(values, signature='ss'),
                client.options(**options))


def get_profile(client, **options):
    answer = client.call(ROOT, GUIDANCE, 'GetProfile', 'a{sv}', client.options(**options))
    return {str(key): str(value) for key, value in answer.items()}


def error_of(client, method, signature, *arguments):
    return client.error_of(ROOT, GUIDANCE, method, signature, *arguments)


def text_of(client, method, signature, *arguments):
    """The error's name and words."""
    try:
        client.call(ROOT, GUIDANCE, method, signature, *arguments)
    except dbus.DBusException as error:
        return error.get_dbus_name(), error.get_dbus_message()
    raise AssertionError(f'{method} was not refused')


def as_nobody(system, code):
    """Runs a snippet as another user, with `client` at hand; returns what it printed."""
    program = f'''
import os, sys
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
sys.path.insert(0, {str(Path(__file__).resolve().parent)!r})
os.environ.setdefault('CRAMPD', '')
import dbus
from daemon import *
client = Client({system.bus.address!r})
{code}
'''
    return subprocess.run(['/usr/bin/python3', '-c', program], check=True, capture_output=True, text=True,
                          timeout=60).stdout


def advise(client, **options):
    summary, items, suppressed = client.call(ROOT, GUIDANCE, 'Advise', 'a{sv}', client.options(**options))
    return summary, {str(item['id']): item for item in items}, {str(item['id']): item for item in suppressed}


def log(client, **entry):
    identity, warnings = client.call(ROOT, GUIDANCE, 'Log', 'a{sv}', client.options(**entry))
    return str(identity), [{str(key): value for key, value in warning.items()} for warning in warnings]


def list_log(client, **filters):
    rows, cursor = client.call(ROOT, GUIDANCE, 'ListLog', 'a{sv}', client.options(**filters))
    return [{str(key): value for key, value in row.items()} for row in rows], int(cursor)
