# SPDX-License-Identifier: MIT
"""A recording for virtual sensors to play. Needs CALF_EMG in the environment."""

import os
import subprocess
from pathlib import Path


def minute(folder, rate_hz=1000):
    """Two channels of a minute with a cramp, in an EDF+ file in that folder; made once."""
    path = Path(folder) / 'minute.edf'
    if not path.exists():
        subprocess.run([os.environ['CALF_EMG'], '--script', 'minute', '--seed', '1', '--rate', str(rate_hz), '--channels', '2',
                        '-o', path], check=True, stdout=subprocess.DEVNULL)
    return path
