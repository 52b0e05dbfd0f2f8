/* SPDX-License-Identifier: MIT */
/*
 * How long a sensor's battery lasts: from percent readings and their times while it streams, the rate of
 * its discharge, the hours left, whether that is enough for the night, and whether its owner should be
 * told this evening. Pure: no clock, bus or store; times come in. Called by sensor-battery.c.
 *
 * A gauge moves in steps (of 1 to 10 percent), trembles around them, and tells where the battery stands
 * only at the moment when it shows less than ever before. So a run of discharge is kept as its new lows,
 * and a line is laid through them by least squares (Legendre, 1805). The reading that a run begins with
 * stands anywhere within its step, and 100 percent may stand for more than is shown: neither is a low.
 *
 * - Rate: from two lows on, at least BATTERY_FIT_PERCENT and BATTERY_FIT_US apart. A gauge that then
 *   stands still lowers it. With less than that it is the rate learnt on earlier nights, else unknown.
 * - Learnt: a run that fell by BATTERY_LEARN_PERCENT within no less than BATTERY_LEARN_US counts half,
 *   what was learnt before counts half.
 * - A rise above the lowest reading by more than BATTERY_RISE_PERCENT, and by more than one step of the
 *   gauge, is a charger or another cell, and so is a fall of more than BATTERY_JUMP_PERCENT at once: the
 *   run begins anew. A dip that is over within BATTERY_DIP_US is forgotten instead.
 * - Time without a stream, if longer than BATTERY_BREAK_US, ends the run: nobody knows what the sensor
 *   did meanwhile.
 *
 * All figures without a source named are choices of ours.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At this level the sensor counts as empty: NPG Lite switches itself off below it (its firmware,
 * upsidedownlabs/NPG-Lite-IDF-Firmware at e4cb745); the others are not said to last longer. */
#define BATTERY_EMPTY_PERCENT 5
/* Without a forecast, this much and less is worth a warning. */
#define BATTERY_LOW_PERCENT 20

/* Local time: when a night is over, and between which hours its owner is warned. */
#define BATTERY_MORNING_HOUR 8
#define BATTERY_WARN_FROM_HOUR 18
#define BATTERY_WARN_UNTIL_HOUR 23

#define BATTERY_FIT_PERCENT 3
#define BATTERY_FIT_US (UINT64_C(30) * 60 * 1000000)
#define BATTERY_LEARN_PERCENT 10
#define BATTERY_LEARN_US (UINT64_C(2) * 3600 * 1000000)
#define BATTERY_RISE_PERCENT 4
#define BATTERY_JUMP_PERCENT 20
#define BATTERY_DIP_US (UINT64_C(5) * 60 * 1000000)
#define BATTERY_BREAK_US (UINT64_C(10) * 60 * 1000000)

/* No sensor that streams for an hour discharges faster. */
#define BATTERY_RATE_MAX 100.0

struct battery_low {
        uint64_t time_us;
        unsigned percent;
};

/* Private to battery.c, but for its size. */
struct battery {
        double learned;           /* percent an hour, on nights before this run; 0 = nothing */
        struct battery_low start; /* the run's first reading */
        bool started;
        struct battery_low lows[101]; /* each lower than the one before */
        size_t n_lows;
        unsigned shown;   /* the last reading */
        uint64_t last_us; /* of the last call */
        bool away;        /* no stream since then */
};

/* `learned`: as battery_get_learned() told it once, or 0. */
void battery_init(struct battery *battery, double learned);

/* A stream begins or ends, and a reading within it. `time_us` is any clock that is not set, and counts
 * suspended time too (CLOCK_BOOTTIME). Should it go back, the run begins anew. */
void battery_begin(struct battery *battery, uint64_t time_us);
void battery_push(struct battery *battery, unsigned percent, uint64_t time_us);
void battery_end(struct battery *battery, uint64_t time_us);

/* False while the run that lasts (at time_us) has no reading. */
bool battery_has_reading(const struct battery *battery, uint64_t time_us);

/* Percent an hour, of this run and those before; 0 = nothing. To be kept for the next battery_init(). */
double battery_get_learned(const struct battery *battery);

struct battery_forecast {
        int percent;     /* the last reading of the run; -1 = unknown */
        double hours;    /* of streaming until it is empty; NaN = unknown */
        int lasts_night; /* 1 or 0: streaming goes on until the next BATTERY_MORNING_HOUR; -1 = unknown
                          */
};

/* `local_us`: microseconds since 1970-01-01 00:00 local time, by the wall clock as it is now. A change
 * to or from summer time before the morning is not foreseen: the night is an hour longer or shorter
 * then. */
void battery_forecast(const struct battery *battery, uint64_t time_us, int64_t local_us,
                      struct battery_forecast *ret);

/* Whether the owner should hear of it at this time of day. */
bool battery_is_warning(const struct battery_forecast *forecast, int64_t local_us);
