# SPDX-License-Identifier: MIT
"""Expected output kept in files beside the tests, in golden/. GOLDEN_UPDATE=1 in the environment writes what is there now, to be
looked at in the diff."""

import difflib
import os
from pathlib import Path


def check(test_file, name, text):
    path = Path(test_file).resolve().parent / 'golden' / name
    if os.environ.get('GOLDEN_UPDATE'):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding='utf-8', newline='')
    expected = path.read_bytes().decode()
    assert text == expected, f'{name}:\n' + ''.join(difflib.unified_diff(
        expected.splitlines(keepends=True), text.splitlines(keepends=True), 'expected', 'got'))
