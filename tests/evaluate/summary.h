/* SPDX-License-Identifier: MIT */
/* One detector's scores over many nights, together. Needs score.h and interval.h; called by evaluate.c
 * and report.c. */
#pragma once

#include <stddef.h>

#include "tests/evaluate/interval.h"
#include "tests/evaluate/score.h"

/* Ascending. */
struct values {
        double *value;
        size_t n;
};

struct summary {
        size_t nights;
        double hours;
        size_t strong, strong_hits, weak, weak_hits;
        size_t repeats;
        size_t false_alarms[SCORE_CAUSES];
        size_t false_total, apart_total; /* the second: holds and standing */
        /* Of the cramps that were found, s. Errors without their sign. */
        struct values latency, from_onset, onset_strong, onset_weak, end;
};

/* `scores`: of this detector, `stride` apart. Returns 0 or -ENOMEM. */
int summary_make(const struct night_score *scores, size_t nights, size_t stride, struct summary *ret);
void summary_done(struct summary *summary);

/* A count as a rate per 8 h. */
double summary_per_night(const struct summary *summary, size_t count);
double summary_sensitivity(const struct summary *summary);
