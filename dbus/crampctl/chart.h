/* SPDX-License-Identifier: MIT */
/*
 * The past in charts for paper and browsers: a calendar of nights, rates with their intervals, hours of
 * the night and lengths. The same tally as picture.c draws for terminals. Needs a canvas; used by
 * report-content.c.
 */
#pragma once

#include "dbus/crampctl/canvas.h"
#include "dbus/crampctl/tally.h"

#define CHART_WIDTH 400.0

struct chart {
        const char *title;
        const char *description; /* what is to be seen, in a sentence or two, for who cannot see it */
        double height;
        void (*draw)(const struct tally *tally, struct canvas *canvas);
        const struct tally *tally;
};

double chart_nights_height(const struct tally *tally);
void chart_nights(const struct tally *tally, struct canvas *canvas);

#define CHART_RATES_HEIGHT 150.0
void chart_rates(const struct tally *tally, struct canvas *canvas);
/* The weeks that one point of it stands for. */
unsigned chart_rate_weeks(const struct tally *tally);

#define CHART_HOURS_HEIGHT 130.0
void chart_hours(const struct tally *tally, struct canvas *canvas);

#define CHART_LENGTHS_HEIGHT 110.0
void chart_lengths(const struct tally *tally, struct canvas *canvas);
extern const char *const chart_length_names[TALLY_LENGTHS];
