/* SPDX-License-Identifier: MIT */
/*
 * Ratio and hold: the RMS of a second stays above so many times rest for so many seconds. Rest is the
 * 25th percentile of two minutes of such seconds. Nobody's in particular, the first idea that one has.
 * "Envelope and hold" asks the same of a 150 ms RMS (Moore et al. 2014), with short breaks bridged;
 * "alone" besides asks that no other channel rises half as much (a cramp is one muscle: Ross and Thomas
 * 1995).
 */
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "tests/evaluate/threshold.h"

#define REST_SHARE 0.25
#define ENVELOPE_STEPS 3u

static void ratio_take(struct feature *feature, double uv) {
        feature->sum += uv * uv;
}

static void ratio_close(struct feature *feature, unsigned n, unsigned step) {
        feature->recent[step % THRESHOLD_STEPS_PER_S] = feature->sum / n;
        feature->value = feature->learn = feature_rms(feature, step, THRESHOLD_STEPS_PER_S);
        feature->sum = 0;
}

static void envelope_close(struct feature *feature, unsigned n, unsigned step) {
        ratio_close(feature, n, step);
        feature->value = feature_rms(feature, step, ENVELOPE_STEPS);
}

/* Keeps the units of the last two minutes in order. */
static void ratio_learn(struct rest *rest, const struct feature *feature) {
        float value = (float)feature->learn;
        unsigned at = 0;

        if (rest->steps % THRESHOLD_STEPS_PER_S != THRESHOLD_STEPS_PER_S - 1)
                return;
        if (rest->units == THRESHOLD_UNITS) {
                while (rest->sorted[at] < rest->recent[rest->next])
                        at++;
                memmove(&rest->sorted[at], &rest->sorted[at + 1],
                        (THRESHOLD_UNITS - 1 - at) * sizeof(rest->sorted[0]));
                rest->units--;
        }
        at = rest->units++;
        for (; at > 0 && rest->sorted[at - 1] > value; at--)
                rest->sorted[at] = rest->sorted[at - 1];
        rest->sorted[at] = value;
        rest->recent[rest->next] = value;
        rest->next = (rest->next + 1) % THRESHOLD_UNITS;
}

static void ratio_set(struct rest *rest, double threshold) {
        rest->level = (double)rest->sorted[(unsigned)((rest->units - 1) * REST_SHARE)];
        rest->on = rest->off = threshold * rest->level;
}

static const double ratio_thresholds[] = {1.3, 1.4, 1.5, 1.6, 1.8, 2, 2.3, 2.7, 3.2, 4, 5};
static const double ratio_holds_s[] = {5, 8, 10, 12, 15, 20, 25, 30, 40};
static const double ratio_bridges_s[] = {0};

static const struct threshold_family ratio_family = {
        THRESHOLD_SETTINGS(ratio_thresholds, ratio_holds_s, ratio_bridges_s),
        .take = ratio_take,
        .close = ratio_close,
        .learn = ratio_learn,
        .set = ratio_set,
};

static const double envelope_thresholds[] = {1.3, 1.5, 1.6, 1.8, 2, 2.5, 3.2, 4};
static const double envelope_holds_s[] = {5, 8, 10, 12, 15, 20, 30};
static const double envelope_bridges_s[] = {0.1, 0.5};

static const struct threshold_family envelope_family = {
        THRESHOLD_SETTINGS(envelope_thresholds, envelope_holds_s, envelope_bridges_s),
        .take = ratio_take,
        .close = envelope_close,
        .learn = ratio_learn,
        .set = ratio_set,
};

static const struct threshold_family alone_family = {
        THRESHOLD_SETTINGS(ratio_thresholds, ratio_holds_s, ratio_bridges_s),
        .alone = true,
        .take = ratio_take,
        .close = ratio_close,
        .learn = ratio_learn,
        .set = ratio_set,
};

const struct rival_kind rival_ratio = {
        .name = "ratio and hold",
        .source = "plain",
        .unit = "x rest",
        .n_settings = THRESHOLD_SETTINGS_COUNT(ratio_thresholds, ratio_holds_s, ratio_bridges_s),
        .usual = 5 * 9 + 2, /* twice rest for 10 s */
        .channels_min = 1,
        .data = &ratio_family,
        THRESHOLD_FUNCTIONS,
};

const struct rival_kind rival_envelope = {
        .name = "envelope and hold",
        .source = "plain",
        .unit = "x rest",
        .n_settings =
                THRESHOLD_SETTINGS_COUNT(envelope_thresholds, envelope_holds_s, envelope_bridges_s),
        .usual = 4 * 14 + 2 * 2, /* twice rest for 10 s, 0.1 s bridged */
        .channels_min = 1,
        .data = &envelope_family,
        THRESHOLD_FUNCTIONS,
};

const struct rival_kind rival_ratio_alone = {
        .name = "ratio and hold, alone",
        .source = "plain",
        .unit = "x rest",
        .n_settings = THRESHOLD_SETTINGS_COUNT(ratio_thresholds, ratio_holds_s, ratio_bridges_s),
        .usual = 5 * 9 + 2,
        .channels_min = 2,
        .data = &alone_family,
        THRESHOLD_FUNCTIONS,
};
