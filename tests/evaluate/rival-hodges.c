/* SPDX-License-Identifier: MIT */
/*
 * Modified Hodges: rectify, low-pass, compare with mean + k SD of rest. Of their grid (low-pass 10, 50,
 * 500 Hz; 1, 2, 3 SD; 20, 50, 100 ms: Hodges and Bui 1996) the slowest filter and the longest window,
 * because here nothing depends on milliseconds; modified after Yuvaraj et al. 2023. The onset detector
 * becomes an alarm by a duration.
 */
#include <math.h>

#include "daemon/basic/cleanup.h"
#include "tests/evaluate/threshold.h"

#define LOWPASS_HZ 10.0

/* Second-order Butterworth. */
static void hodges_init(struct feature *feature, double rate_hz) {
        double k = tan(M_PI * LOWPASS_HZ / rate_hz), norm = 1 / (1 + M_SQRT2 * k + k * k);

        feature->coefficient[0] = k * k * norm;
        feature->coefficient[1] = 2 * (k * k - 1) * norm;
        feature->coefficient[2] = (1 - M_SQRT2 * k + k * k) * norm;
}

static void hodges_take(struct feature *feature, double uv) {
        const double *c = feature->coefficient;
        double *s = feature->state, in = fabs(uv), out = c[0] * in + s[0];

        s[0] = 2 * c[0] * in - c[1] * out + s[1];
        s[1] = c[0] * in - c[2] * out;
        feature->sum += out;
}

static void hodges_close(struct feature *feature, unsigned n, unsigned step) {
        double mean = feature->sum / n;

        /* Two steps are the window of 100 ms. */
        feature->value = (mean + feature->recent[0]) / 2;
        feature->recent[0] = mean;
        feature->learn = feature->value;
        feature->sum = 0;
}

static void hodges_set(struct rest *rest, double threshold) {
        rest->level = rest->mean;
        rest->on = rest->off = rest->mean + threshold * rest_deviation(rest);
}

static const double hodges_thresholds[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 36};
static const double hodges_holds_s[] = {8, 10, 15, 20, 30};
static const double hodges_bridges_s[] = {0.1, 0.5};

static const struct threshold_family hodges_family = {
        THRESHOLD_SETTINGS(hodges_thresholds, hodges_holds_s, hodges_bridges_s),
        .init = hodges_init,
        .take = hodges_take,
        .close = hodges_close,
        .learn = rest_learn_moments,
        .is_outlier = rest_is_outlier,
        .set = hodges_set,
};

const struct rival_kind rival_hodges = {
        .name = "modified Hodges",
        .source = "Hodges and Bui 1996; Yuvaraj et al. 2023",
        .unit = "SD",
        .n_settings = THRESHOLD_SETTINGS_COUNT(hodges_thresholds, hodges_holds_s, hodges_bridges_s),
        .usual = 2 * 10 + 1 * 2, /* 3 SD for 10 s, 0.1 s bridged */
        .channels_min = 1,
        .data = &hodges_family,
        THRESHOLD_FUNCTIONS,
};
