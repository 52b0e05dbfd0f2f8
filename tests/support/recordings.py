# SPDX-License-Identifier: MIT
"""A recording for virtual sensors to play. Needs CALF_EMG in the environment."""

import os
import subprocess
from pathlib import Path


def scripted(folder, script, rate_hz=1000, channels=2, suffix='.edf', more=()):
    """What a script of the generator's has happen, in a file in that folder, EDF+ or CSV by its suffix; made once."""
    path = Path(folder) / f'{Path(script).stem}{suffix}'
    if not path.exists():
        subprocess.run([os.environ['CALF_EMG'], '--script', str(script), '--seed', '1', '--rate', str(rate_hz),
                        '--channels', str(channels), *more, '-o', path], check=True, stdout=subprocess.DEVNULL)
    return path


def minute(folder, rate_hz=1000):
    """A minute with a cramp."""
    return scripted(folder, 'minute', rate_hz)
