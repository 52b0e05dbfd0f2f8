/* SPDX-License-Identifier: MIT */
/*
 * Does it help me: one person's nights without and with a change, compared. What counts is a cluster of
 * cramps, at least 60 min apart from the next, in a night that was really monitored. Only states what
 * the nights can carry. Knows of neither clock nor store: days are numbers. Needs exact.h; called by
 * whoever keeps trials. Whether somebody may try something is asked of advise_trial_allowed().
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/basic/language.h"
#include "daemon/guidance/exact.h"

/* Cramps closer than this are one event: they are not independent of each other. */
#define TRIAL_CLUSTER_GAP_US (UINT64_C(60) * 60 * 1000000)
/* A night counts from here on; half of an eight-hour night. Our own choice. */
#define TRIAL_NIGHT_MIN_HOURS 4.0
/* Below this on either side nothing is said of a difference. Our own choice: two weeks. */
#define TRIAL_NIGHTS_MIN 14
#define TRIAL_CONFIDENCE 0.95

enum trial_design { TRIAL_BEFORE_AFTER, TRIAL_ALTERNATING };

enum trial_phase {
        TRIAL_WITHOUT,
        TRIAL_WITH,
        TRIAL_APART, /* washing in or out, or outside of the trial: not counted */
};

/* Days are numbered from any day on; a night has the number of its evening. */
struct trial_plan {
        enum trial_design design;
        int64_t start_day;      /* first day with the change, or of the first block */
        int64_t end_day;        /* first day that does not count any more; INT64_MAX: it runs */
        unsigned baseline_days; /* before-after: days before the start that count */
        unsigned block_days;    /* alternating: without, with, without, ... */
        unsigned washout_days;  /* left out at the start of the change, or of each block */
};

struct trial_night {
        enum trial_phase phase;
        double monitored_hours;
        unsigned clusters; /* of recorded cramps and reported ones together */
        unsigned cramps;   /* that were recorded: of these length and strength are known */
        unsigned strong;   /* of them, by the signal */
        double cramps_s;   /* together */
        unsigned reported; /* cramps in monitored time that raised no alert and were reported */
        unsigned rated;    /* cramps with a pain that was noted, 0 to 10 */
        double pain;       /* sum of these */
};

enum trial_verdict {
        TRIAL_TOO_FEW,   /* the nights cannot tell, whatever had happened */
        TRIAL_NO_CRAMPS, /* none on either side */
        TRIAL_UNCLEAR,   /* no difference that chance does not explain */
        TRIAL_UNEVEN, /* a difference, but cramps come in bunches, so that the interval is too narrow */
        TRIAL_FEWER,
        TRIAL_MORE,
};

struct trial_side {
        unsigned nights, clusters, cramps, strong, reported, rated;
        double per_night; /* clusters */
        double hours_per_night;
        double mean_s;    /* of a recorded cramp; NAN without any */
        double mean_pain; /* NAN when none was noted */
};

struct trial_result {
        enum trial_design design;
        struct trial_side without, with;
        unsigned nights_left_out; /* too little monitored */
        /* Cramps of the trial's days that were reported of time in which nothing watched: no night
         * stands against them. Known to the caller alone; 0 from trial_compare(). */
        unsigned reported_left_out;
        struct rate_ratio ratio; /* with over without; all NAN without any cramp */
        /* The most clusters with the change that the nights so far could tell from chance, and that as a
         * ratio; -1 and NAN when even none could be told. */
        int most_clusters;
        double smallest_effect;
        /* Pearson's dispersion over both sides: 1 for chance alone; NAN when it cannot be judged. */
        double dispersion, dispersion_p_value;
        enum trial_verdict verdict;
};

/* The phase of a night. */
enum trial_phase trial_phase_of(const struct trial_plan *plan, int64_t day);

/* The number of clusters among onsets in ascending order. */
unsigned trial_clusters(const int64_t *onsets_us, size_t n_onsets);

void trial_compare(enum trial_design design, const struct trial_night *nights, size_t n_nights,
                   struct trial_result *ret);

/* The result in plain sentences. `language` may be NULL: English. Returns the length that it has, as
 * snprintf(). */
int trial_tell(const struct trial_result *result, const struct language *language, char *text,
               size_t size);
