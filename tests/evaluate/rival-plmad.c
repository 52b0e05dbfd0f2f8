/* SPDX-License-Identifier: MIT */
/*
 * After S-PLMAD (Moore et al. 2014), a detector of leg movements with two thresholds that adapt to the
 * noise floor nf, the 30 s mean of the rectified signal: high = nf (1 + ln(nf + 1)) + 8 uV, low =
 * high 2 / 8; nothing from nf = 30 uV on; a movement ends after more than 0.05 s below low and needs
 * half of high on average. Its second pass and back-dating need the future; not learning during runs
 * stands for them. It takes 0.75-10 s for a movement; here a minimum makes an alarm. The threshold that
 * is swept is a factor on both; 2 s bridged is its merging of near movements.
 */
#include <math.h>

#include "daemon/basic/cleanup.h"
#include "tests/evaluate/threshold.h"

#define ENVELOPE_STEPS 3u /* 150 ms */
#define HIGH_UV 8.0
#define LOW_SHARE (2.0 / 8.0)
#define FLOOR_MAX_UV 30.0
/* 1.2 x the RMS of Gaussian noise, whose rectified mean is 0.8 of it. */
#define LOW_FLOORS 1.5

static void plmad_take(struct feature *feature, double uv) {
        feature->sum += uv * uv;
        feature->state[0] += fabs(uv);
}

static void plmad_close(struct feature *feature, unsigned n, unsigned step) {
        feature->recent[step % THRESHOLD_STEPS_PER_S] = feature->sum / n;
        feature->value = feature_rms(feature, step, ENVELOPE_STEPS);
        feature->learn = feature->state[0] / n;
        feature->sum = feature->state[0] = 0;
}

static void plmad_set(struct rest *rest, double threshold) {
        double floor_uv = rest->mean;

        rest->level = floor_uv;
        rest->on = threshold * (floor_uv * (1 + log(floor_uv + 1)) + HIGH_UV);
        rest->off = fmax(rest->on * LOW_SHARE, fmin(LOW_FLOORS * floor_uv, rest->on));
        if (floor_uv >= FLOOR_MAX_UV)
                rest->on = rest->off = INFINITY;
}

static const double plmad_thresholds[] = {0.25, 0.4, 0.6, 1, 1.5, 2, 3, 4.5, 7};
static const double plmad_holds_s[] = {8, 10, 15, 20, 30};
static const double plmad_bridges_s[] = {0.05, 2};

static const struct threshold_family plmad_family = {
        THRESHOLD_SETTINGS(plmad_thresholds, plmad_holds_s, plmad_bridges_s),
        .mean_share_min = 0.5,
        .take = plmad_take,
        .close = plmad_close,
        .learn = rest_learn_moments,
        .is_outlier = rest_is_outlier,
        .set = plmad_set,
};

const struct rival_kind rival_plmad = {
        .name = "S-PLMAD with duration",
        .source = "after Moore et al. 2014",
        .unit = "x",
        .n_settings = THRESHOLD_SETTINGS_COUNT(plmad_thresholds, plmad_holds_s, plmad_bridges_s),
        .usual = 3 * 10 + 1 * 2, /* as published, 10 s */
        .channels_min = 1,
        .data = &plmad_family,
        THRESHOLD_FUNCTIONS,
};
