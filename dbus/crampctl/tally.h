/* SPDX-License-Identifier: MIT */
/*
 * The past in figures: nights, hours of the night, lengths and rates, from outlines of what was
 * recorded. Pure: time comes in with the data. Fed by past.c; read by picture.c, summary.c, chart.c and
 * the report.
 *
 * Days are evenings, counted from 1970-01-01: a night runs from the noon of its day to the next.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/guidance/exact.h"

#define TALLY_NO_DAY INT32_MIN
/* Longer than anybody records. */
#define TALLY_DAYS_MAX 73200

/* A night counts as one with gaps from so much on, as too short below the time that trials ask for
 * (daemon/guidance/trial.h). */
#define TALLY_GAPS_US INT64_C(600000000)
#define TALLY_SHORT_US INT64_C(14400000000)

/* Rates are told for so much watching: a night. */
#define TALLY_RATE_HOURS 8.0

/* Under 30 s, under 1, 2, 5 min, and longer. */
#define TALLY_LENGTHS 5u
#define TALLY_HOURS 24u

struct tally_day {
        int64_t monitored_us; /* of the sensor that watched longest; 0 = none did */
        int64_t gap_us;       /* of that one */
        unsigned cramps;      /* alerts that nobody called false, and cramps that were missed */
        unsigned missed;      /* of these, the missed ones */
        unsigned unwatched;   /* of these, those of time that their sensor did not watch */
        unsigned false_alarms;
};

struct tally_span {
        unsigned nights; /* that were watched at all */
        unsigned gappy;  /* of these: with gaps of 10 min and more in all */
        unsigned brief;  /* of these: watched for less than 4 h */
        int64_t monitored_us;
        unsigned cramps, missed, false_alarms;
        unsigned unwatched;      /* missed ones of time that was not watched: no rate counts them */
        unsigned cramps_watched; /* what the rate is made of */
};

struct tally {
        int first_day;
        size_t n_days;
        struct tally_day *days;
        struct tally_span all;
        unsigned confirmed;          /* alerts that somebody called a cramp */
        unsigned simulated;          /* cramps of recordings that were played, as past.c counts them */
        unsigned hours[TALLY_HOURS]; /* cramps by the hour of the local clock in which they began */
        unsigned lengths[TALLY_LENGTHS];
        size_t n_lengths; /* cramps that have an end */
        int64_t median_us, longest_us;
};

struct tally_source;

/* NULL when memory is short. `source` remembers what is added; running out of memory is told by
 * tally_make(). */
struct tally_source *tally_source_new(void);
struct tally_source *tally_source_free(struct tally_source *source);

/* `sensor` is a number for each sensor. */
void tally_add_night(struct tally_source *source, int day, unsigned sensor, int64_t monitored_us,
                     int64_t gap_us);

enum tally_kind {
        TALLY_SAID_NOTHING,
        TALLY_CONFIRMED,
        TALLY_FALSE_ALARM,
        TALLY_MISSED,
        TALLY_MISSED_UNWATCHED
};

/* `length_us`: -1 = it has none (yet). */
void tally_add_cramp(struct tally_source *source, int64_t onset_us, int zone_offset_s, int64_t length_us,
                     enum tally_kind kind);

/* The evening to which a point in time belongs. */
int tally_day_of(int64_t time_us, int zone_offset_s);

/* From the first day that there is anything of, `first_day` at the earliest, to `last_day`;
 * TALLY_NO_DAY: as the data has it. What lies outside is left out. Returns 0, -ENOMEM, or -ERANGE for
 * more than TALLY_DAYS_MAX days. */
int tally_make(struct tally_source *source, int first_day, int last_day, struct tally *ret);
void tally_clear(struct tally *tally);

/* Of n days from the one at `index`, or what there is of them. */
struct tally_span tally_sum(const struct tally *tally, size_t index, size_t n);
/* Of cramps in TALLY_RATE_HOURS watched, with its exact 95 % interval. Returns 0, or -ENODATA when
 * nothing was watched. */
int tally_rate(const struct tally_span *span, struct rate *ret);

/* 0 = Monday. */
unsigned tally_weekday(int day);
