/* SPDX-License-Identifier: MIT */
/*
 * What the threshold rivals share: steps of 50 ms, a resting level learnt per channel and setting, runs
 * above a threshold, alarms of the sensor. A family adds its feature, its idea of rest and its formula.
 * Needs rival.h; used by rival-hodges.c, rival-tkeo.c, rival-plmad.c and rival-ratio.c.
 *
 * In fairness all rivals get what crampd's detector has: rest is not learnt from runs and outliers, an
 * alarm ends after 5 s of absence and not at the first dip, and one of ten minutes becomes a new rest.
 */
#pragma once

#include <stdbool.h>

#include "tests/evaluate/rival.h"

#define THRESHOLD_STEPS_PER_S 20u
/* Seconds that a percentile of rest is taken from. A choice. */
#define THRESHOLD_UNITS 120u

/* One channel's feature; the same for all settings. */
struct feature {
        double coefficient[3], state[4];      /* of its filter, if it has one */
        double recent[THRESHOLD_STEPS_PER_S]; /* a second of steps, a ring */
        double sum;                           /* of the step in progress */
        double value;                         /* compared with the thresholds */
        double learn;                         /* what rest is learnt from */
};

/* What one setting knows of rest on one channel. */
struct rest {
        unsigned steps; /* learnt so far */
        double mean, square;
        float recent[THRESHOLD_UNITS], sorted[THRESHOLD_UNITS]; /* for a percentile */
        unsigned units, next;
        double level;   /* in the value's unit */
        double on, off; /* thresholds */
};

struct threshold_family {
        const double *thresholds, *holds_s, *bridges_s;
        size_t n_thresholds, n_holds, n_bridges;
        bool alone;            /* counts only what no other channel takes part in */
        double mean_share_min; /* a run's mean value over `on` that an alert needs; 0 = any */
        void (*init)(struct feature *feature, double rate_hz); /* may be NULL */
        void (*take)(struct feature *feature, double uv);
        /* Ends step number `step` of n samples: sets value and learn. */
        void (*close)(struct feature *feature, unsigned n, unsigned step);
        void (*learn)(struct rest *rest, const struct feature *feature);
        /* What is not learnt from; may be NULL. */
        bool (*is_outlier)(const struct rest *rest, const struct feature *feature);
        /* Sets level, on and off from what was learnt. */
        void (*set)(struct rest *rest, double threshold);
};

/* A kind of this family: its settings are all combinations of thresholds, holds and bridges. */
struct rival_setting threshold_setting(const struct rival_kind *kind, size_t setting);
int threshold_new(const struct rival_kind *kind, const struct rival_setup *setup, struct rival **ret);
struct rival *threshold_free(struct rival *rival);
void threshold_push(struct rival *rival, const struct detector_signal *signal);
void threshold_finish(struct rival *rival);

#define THRESHOLD_SETTINGS(thresholds_table, holds_table, bridges_table)                              \
        .thresholds = (thresholds_table), .n_thresholds = ARRAY_LENGTH(thresholds_table),             \
        .holds_s = (holds_table), .n_holds = ARRAY_LENGTH(holds_table), .bridges_s = (bridges_table), \
        .n_bridges = ARRAY_LENGTH(bridges_table)
#define THRESHOLD_SETTINGS_COUNT(thresholds_table, holds_table, bridges_table) \
        (ARRAY_LENGTH(thresholds_table) * ARRAY_LENGTH(holds_table) * ARRAY_LENGTH(bridges_table))
#define THRESHOLD_FUNCTIONS                                                         \
        .setting = threshold_setting, .new = threshold_new, .free = threshold_free, \
        .push = threshold_push, .finish = threshold_finish

/* Mean and mean square, forgotten over 30 s (the window of Moore et al. 2014). */
void rest_learn_moments(struct rest *rest, const struct feature *feature);
double rest_deviation(const struct rest *rest);
/* More than 3 SD above the mean. */
bool rest_is_outlier(const struct rest *rest, const struct feature *feature);

/* RMS over the last n steps of a ring of mean squares. */
double feature_rms(const struct feature *feature, unsigned step, unsigned n);
