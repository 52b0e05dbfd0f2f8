# SPDX-License-Identifier: MIT
"""The header of an EDF+ file as biosig, not EDFlib, reads it. Used by the tests of exports and recordings.

Of a field that is blank throughout, biosig prints what lies behind it in memory, which need not be text. So it runs in a
process of its own in which memory is blank: with 255 the C library hands out zeros."""

import json
import os
import subprocess
import sys

PROGRAM = 'import biosig, sys; sys.stdout.buffer.write(biosig.header(sys.argv[1]).encode())'


def header(path):
    return json.loads(subprocess.run([sys.executable, '-c', PROGRAM, str(path)], check=True, capture_output=True,
                                     env={**os.environ, 'MALLOC_PERTURB_': '255'}).stdout, strict=False)
