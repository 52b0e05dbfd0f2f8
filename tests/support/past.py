# SPDX-License-Identifier: MIT
"""Nights and cramps for the fake crampd, by the evening on which they fall."""

import datetime

from fakecrampd import EPISODES

DAY_US = 86400 * 1000000
HOUR_US = 3600 * 1000000
EPOCH = datetime.date(1970, 1, 1)


def day_number(text):
    return (datetime.date.fromisoformat(text) - EPOCH).days


def date_text(day):
    return (EPOCH + datetime.timedelta(days=day)).isoformat()


def night(day, hours, sensor='a1', gap_min=0):
    """A night that begins at 22:00 UTC."""
    start = (day * 24 + 22) * HOUR_US
    return {'evening': date_text(day), 'sensor': sensor, 'start_us': start, 'end_us': start + int(hours * HOUR_US),
            'zone_offset_s': 0, 'lasts': False, 'monitored_us': int(hours * HOUR_US), 'packets': 1, 'lost_packets': 0,
            'gap_us': gap_min * 60000000, 'longest_gap_us': 0, 'gaps': 0, 'reconnects': 0, 'episodes': 0, 'longest_gaps': []}


def cramp(day, hours, length_s=60, **more):
    """So many hours after the evening's 22:00 UTC."""
    onset = int((day * 24 + 22 + hours) * HOUR_US)
    episode = dict(EPISODES[1], id=f'e{onset}', sensor='a1', leg='left', onset_us=onset, alert_us=onset, zone_offset_s=0,
                   simulated=False)
    episode.update(more)
    if length_s is not None:
        episode.update(end_us=onset + int(length_s * 1000000), end_reason='subsided')
    return episode


def some_months(chance, first, n):
    """Nights of two sensors and their cramps, with all that can be told of them."""
    nights, episodes = [], []
    for day in range(first, first + n):
        for sensor in ('a1', 'b2'):
            for _ in range(chance.choice((0, 1, 1, 2))):
                nights.append(night(day, chance.choice((1, 3, 7.5)), sensor, chance.choice((0, 5, 9.99, 10))))
        for _ in range(chance.choice((0, 0, 0, 1, 2, 5))):
            length = chance.choice((None, 29.999, 30, 59, 119, 120, 299, 300, 4000))
            verdict = chance.choice((None, 'confirmed', 'false-alarm'))
            episodes.append(cramp(day, chance.uniform(-10, 13.99), length, **({'verdict': verdict} if verdict else {})))
    return sorted(nights, key=lambda row: row['start_us']), sorted(episodes, key=lambda row: row['onset_us'])
