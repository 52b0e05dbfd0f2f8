#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draws the figures of an evaluation: false alarms against sensitivity and against latency, for each number of channels.

Usage: curve.py EVALUATE.csv OUT.svg. Reads what `evaluate --csv` wrote. A dot is a setting of a rival, a line joins those
that no setting of the same rival betters; crampd's own point has its 95 % intervals."""

import csv
import math
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 520, 320  # of a panel
LEFT, TOP, GAP_X, GAP_Y, LEGEND = 64, 70, 84, 92, 40
COLOURS = ['#000000', '#0072b2', '#56b4e9', '#d55e00', '#009e73', '#cc79a7', '#e69f00']  # Okabe and Ito 2008
LEAST_RATE, MOST_RATE = 0.05, 60.0  # per 8 h; none at all is drawn at the left edge
LATENCY_MAX_S = 40.0
SENSITIVE = 0.9  # a setting that misses more than a tenth is not worth its latency


class Setting:
    def __init__(self, row):
        self.detector = row['detector']
        self.channels = int(row['channels'])
        cramps = int(row['strong']) + int(row['weak'])
        self.found = (int(row['strong_hits']) + int(row['weak_hits'])) / cramps if cramps else math.nan
        self.found_interval = float(row['found_low']), float(row['found_high'])
        self.rate = float(row['false_per_8h'])
        self.rate_interval = float(row['false_per_8h_low']), float(row['false_per_8h_high'])
        self.latency = float(row['latency_p50_s']) if row['latency_p50_s'] else math.nan


def read(path):
    with open(path, newline='') as file:
        return [Setting(row) for row in csv.DictReader(file) if row['group'] == 'main']


class Panel:
    """One pair of axes: rate on a logarithmic scale, `low` to `high` upwards."""

    def __init__(self, x, y, low, high):
        self.x, self.y, self.low, self.high = x, y, low, high
        self.parts = []

    def at_x(self, rate):
        share = math.log(max(rate, LEAST_RATE) / LEAST_RATE) / math.log(MOST_RATE / LEAST_RATE)
        return self.x + min(share, 1) * WIDTH

    def at_y(self, value):
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.y + HEIGHT * (1 - share)

    def line(self, x1, y1, x2, y2, colour='#cccccc', width=1.0):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
                          f'stroke-width="{width}"/>')

    def text(self, x, y, text, anchor='middle', size=12, turn=0):
        transform = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ''
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{transform}>'
                          f'{escape(text)}</text>')

    def axes(self, title, label, ticks):
        for tick in ticks:
            self.line(self.x, self.at_y(tick), self.x + WIDTH, self.at_y(tick))
            self.text(self.x - 8, self.at_y(tick) + 4, f'{tick:g}', 'end')
        for tick in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50):
            self.line(self.at_x(tick), self.y, self.at_x(tick), self.y + HEIGHT)
            self.text(self.at_x(tick), self.y + HEIGHT + 18, f'≤{tick:g}' if tick == LEAST_RATE else f'{tick:g}')
        self.text(self.x + WIDTH / 2, self.y + HEIGHT + 38, 'false alarms per 8 h (holds and standing left out)')
        self.text(self.x - 44, self.y + HEIGHT / 2, label, turn=-90)
        self.text(self.x, self.y - 12, title, 'start', 14)

    def dot(self, rate, value, colour, radius, opacity=1.0):
        self.parts.append(f'<circle cx="{self.at_x(rate):.1f}" cy="{self.at_y(value):.1f}" r="{radius}" '
                          f'fill="{colour}" fill-opacity="{opacity}"/>')

    def steps(self, points, colour):
        if not points:
            return
        path, last = [], None
        for rate, value in points:
            x, y = self.at_x(rate), self.at_y(value)
            path.append(f'M{x:.1f},{y:.1f}' if last is None else f'L{x:.1f},{last:.1f}L{x:.1f},{y:.1f}')
            last = y
        self.parts.append(f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="1.8"/>')

    def cross(self, rate, value, rates, values, colour):
        self.line(self.at_x(rates[0]), self.at_y(value), self.at_x(rates[1]), self.at_y(value), colour, 1.5)
        if values:
            self.line(self.at_x(rate), self.at_y(values[0]), self.at_x(rate), self.at_y(values[1]), colour, 1.5)
        self.dot(rate, value, colour, 5)


def front(points, better):
    """Those that no other one betters at fewer or as many false alarms, from left to right."""
    kept = []
    for rate, value in sorted(points, key=lambda point: (point[0], -point[1] if better is max else point[1])):
        if not kept or better(value, kept[-1][1]) != kept[-1][1]:
            kept.append((rate, value))
    return kept


def draw_panels(settings, channels, row, names):
    with_what = f'{channels} channel{"s" if channels > 1 else ""}'
    y = TOP + row * (HEIGHT + GAP_Y)
    found = Panel(LEFT, y, 0, 1)
    latency = Panel(LEFT + WIDTH + GAP_X, y, 0, LATENCY_MAX_S)
    found.axes(f'{with_what}: sensitivity to simulated cramps', 'cramps found', [0, 0.2, 0.4, 0.6, 0.8, 0.9, 1])
    latency.axes(f'{with_what}: latency of what finds {SENSITIVE:.0%} and more', 'median latency from twice rest, s',
                 [0, 5, 10, 15, 20, 30, 40])

    for name, colour in reversed(list(zip(names, COLOURS))):
        mine = [setting for setting in settings if setting.detector == name and setting.channels == channels]
        of_found = [(setting.rate, setting.found) for setting in mine if not math.isnan(setting.found)]
        of_latency = [(setting.rate, setting.latency) for setting in mine
                      if setting.found >= SENSITIVE and not math.isnan(setting.latency)]
        if len(mine) == 1:
            for rate, value in of_found:
                found.cross(rate, value, mine[0].rate_interval, mine[0].found_interval, colour)
            for rate, value in of_latency:
                latency.cross(rate, value, mine[0].rate_interval, None, colour)
            continue
        for panel, points, better in ((found, of_found, max), (latency, of_latency, min)):
            for rate, value in points:
                panel.dot(rate, value, colour, 1.6, 0.35)
            panel.steps(front(points, better), colour)
    return found.parts + latency.parts


def draw(settings):
    counts = sorted({setting.channels for setting in settings})
    names = list(dict.fromkeys(setting.detector for setting in settings))
    width = LEFT + 2 * WIDTH + GAP_X + 20
    height = TOP + len(counts) * (HEIGHT + GAP_Y) + LEGEND - 20
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
             'font-family="sans-serif">',
             '<rect width="100%" height="100%" fill="#ffffff"/>',
             f'<text x="{LEFT}" y="28" font-size="16">False alarms against sensitivity and latency, on simulated '
             'nights</text>']
    for row, channels in enumerate(counts):
        parts += draw_panels(settings, channels, row, names)
    for i, (name, colour) in enumerate(zip(names, COLOURS)):
        x, y = LEFT + i * 165, height - 22
        parts.append(f'<circle cx="{x + 5}" cy="{y - 4}" r="5" fill="{colour}"/>'
                     f'<text x="{x + 16}" y="{y}" font-size="12">{escape(name)}</text>')
    return '\n'.join(parts + ['</svg>', ''])


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    settings = read(sys.argv[1])
    if not settings:
        sys.exit(f'{sys.argv[1]}: no figures of nights in it')
    with open(sys.argv[2], 'w', encoding='utf-8') as file:
        file.write(draw(settings))


if __name__ == '__main__':
    main()
