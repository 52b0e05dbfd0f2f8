/* SPDX-License-Identifier: MIT */
/*
 * Teager-Kaiser energy with a double threshold: x[n]^2 - x[n-1] x[n+1], rectified and smoothed, over
 * mean + h SD of rest (Li, Zhou and Aruin 2007; Solnik et al. 2008), and that in at least half of the
 * last ten steps. Means of 50 ms stand for the papers' low-pass; the duration makes an alarm of it.
 */
#include <math.h>
#include <stdlib.h>

#include "daemon/basic/cleanup.h"
#include "tests/evaluate/threshold.h"

#define WINDOW_STEPS 10u
#define WINDOW_COUNT 5u

static void tkeo_take(struct feature *feature, double uv) {
        double *s = feature->state; /* the two samples before */

        feature->sum += fabs(s[1] * s[1] - s[0] * uv);
        s[0] = s[1];
        s[1] = uv;
}

static void tkeo_close(struct feature *feature, unsigned n, unsigned step) {
        double sorted[WINDOW_STEPS];

        feature->learn = feature->recent[step % WINDOW_STEPS] = feature->sum / n;
        feature->sum = 0;

        /* So many of the steps are above a threshold if the one of this rank is. */
        for (unsigned i = 0; i < WINDOW_STEPS; i++) {
                unsigned k = i;

                for (; k > 0 && sorted[k - 1] < feature->recent[i]; k--)
                        sorted[k] = sorted[k - 1];
                sorted[k] = feature->recent[i];
        }
        feature->value = sorted[WINDOW_COUNT - 1];
}

static void tkeo_set(struct rest *rest, double threshold) {
        rest->level = rest->mean;
        rest->on = rest->off = rest->mean + threshold * rest_deviation(rest);
}

static const double tkeo_thresholds[] = {3, 6, 10, 15, 25, 40, 65, 100, 160};
static const double tkeo_holds_s[] = {8, 10, 15, 20, 30};
static const double tkeo_bridges_s[] = {0.1, 0.5};

static const struct threshold_family tkeo_family = {
        THRESHOLD_SETTINGS(tkeo_thresholds, tkeo_holds_s, tkeo_bridges_s),
        .take = tkeo_take,
        .close = tkeo_close,
        .learn = rest_learn_moments,
        .is_outlier = rest_is_outlier,
        .set = tkeo_set,
};

const struct rival_kind rival_tkeo = {
        .name = "TKEO double threshold",
        .source = "Li et al. 2007; Solnik et al. 2008",
        .unit = "SD",
        .n_settings = THRESHOLD_SETTINGS_COUNT(tkeo_thresholds, tkeo_holds_s, tkeo_bridges_s),
        .usual = 3 * 10 + 1 * 2, /* 15 SD for 10 s, 0.1 s bridged */
        .channels_min = 1,
        .data = &tkeo_family,
        THRESHOLD_FUNCTIONS,
};
