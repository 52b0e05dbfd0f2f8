/* SPDX-License-Identifier: MIT */
/* Calibrations: see calibration.h. */
#include "daemon/calibration.h"

#include <errno.h>
#include <stdlib.h>

static bool plan_is_valid(const struct calibration_plan *plan) {
        return plan->rest_s >= CALIBRATION_REST_MIN_S && plan->rest_s <= CALIBRATION_REST_MAX_S &&
               plan->tries >= 1 && plan->tries <= CALIBRATION_TRIES_MAX &&
               plan->flex_s >= CALIBRATION_FLEX_MIN_S && plan->flex_s <= CALIBRATION_FLEX_MAX_S &&
               plan->pause_s >= CALIBRATION_PAUSE_MIN_S && plan->pause_s <= CALIBRATION_PAUSE_MAX_S;
}

int calibration_begin(struct calibration *calibration, const struct calibration_plan *plan,
                      uint32_t rate_mhz, uint32_t channels) {
        if (!plan_is_valid(plan) || rate_mhz == 0 || channels < 1 || channels > STREAM_CHANNELS_MAX)
                return -EINVAL;
        *calibration = (struct calibration){.plan = *plan, .rate_mhz = rate_mhz, .channels = channels};
        return 0;
}

bool calibration_is_over(const struct calibration *calibration) {
        return calibration->phase >= CALIBRATION_DONE;
}

bool calibration_is_flexing(const struct calibration *calibration) {
        return calibration->phase == CALIBRATION_READY || calibration->phase == CALIBRATION_FLEX ||
               calibration->phase == CALIBRATION_RELAX;
}

static uint64_t frames_of(const struct calibration *calibration, uint32_t seconds) {
        return (uint64_t)calibration->rate_mhz * seconds / 1000;
}

static uint32_t phase_s(const struct calibration *calibration) {
        const struct calibration_plan *plan = &calibration->plan;

        switch (calibration->phase) {
        case CALIBRATION_REST:
                return plan->rest_s;
        case CALIBRATION_FLEX:
                return plan->flex_s;
        case CALIBRATION_READY:
        case CALIBRATION_RELAX:
                return plan->pause_s;
        default:
                return 0;
        }
}

double calibration_left_s(const struct calibration *calibration) {
        double whole_s = phase_s(calibration);
        double gone_s = (double)(calibration->next_index - calibration->phase_index) * 1000.0 /
                        (double)calibration->rate_mhz;

        return whole_s > gone_s ? whole_s - gone_s : 0.0;
}

/* Rest can be seen in it; of flexing a loud floor hides nothing. */
static bool is_usable(enum detector_quality quality, bool at_rest) {
        return quality == DETECTOR_QUALITY_GOOD || (!at_rest && quality == DETECTOR_QUALITY_NOISY);
}

/* The level covers the second that is over. */
static void take_rest(struct calibration *calibration, const struct detector_level *level) {
        uint64_t gone = level->index - calibration->phase_index;

        if (gone < frames_of(calibration, calibration->rest_seconds + 1))
                return;
        calibration->rest_seconds = (uint32_t)(gone * 1000 / calibration->rate_mhz);
        for (uint32_t i = 0; i < calibration->channels; i++)
                if (is_usable(level->quality[i], true) && level->level_uv[i] > 0.0 &&
                    calibration->n_rest[i] < CALIBRATION_REST_MAX_S)
                        calibration->rest_levels[i][calibration->n_rest[i]++] = level->level_uv[i];
}

static int compare(const void *a, const void *b) {
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* Returns the phase that follows. */
static enum calibration_phase conclude_rest(struct calibration *calibration) {
        enum calibration_phase next = CALIBRATION_POOR_SIGNAL;

        for (uint32_t i = 0; i < calibration->channels; i++) {
                uint32_t n = calibration->n_rest[i];

                if (n < CALIBRATION_REST_SHARE * calibration->plan.rest_s)
                        continue;
                qsort(calibration->rest_levels[i], n, sizeof(double), compare);
                calibration->rest_uv[i] = calibration->rest_levels[i][(n - 1) / 4];
                next = CALIBRATION_READY;
        }
        return next;
}

static void take_flexing(struct calibration *calibration, const struct detector_level *level) {
        for (uint32_t i = 0; i < calibration->channels; i++)
                if (calibration->rest_uv[i] > 0.0 && is_usable(level->quality[i], false) &&
                    level->level_uv[i] > calibration->mvc_uv[i])
                        calibration->mvc_uv[i] = level->level_uv[i];
}

static enum calibration_phase conclude(struct calibration *calibration) {
        enum calibration_phase next = CALIBRATION_NOT_ABOVE_REST;

        for (uint32_t i = 0; i < calibration->channels; i++) {
                if (calibration->rest_uv[i] > 0.0 &&
                    calibration->mvc_uv[i] >= CALIBRATION_RATIO_MIN * calibration->rest_uv[i])
                        next = CALIBRATION_DONE;
                else
                        calibration->rest_uv[i] = calibration->mvc_uv[i] = 0.0;
        }
        return next;
}

static enum calibration_phase next_phase(struct calibration *calibration) {
        switch (calibration->phase) {
        case CALIBRATION_REST:
                calibration->attempt = 1;
                return conclude_rest(calibration);
        case CALIBRATION_READY:
                return CALIBRATION_FLEX;
        case CALIBRATION_FLEX:
                if (calibration->attempt == calibration->plan.tries)
                        return CALIBRATION_RELAX;
                calibration->attempt++;
                return CALIBRATION_READY;
        default:
                return conclude(calibration);
        }
}

bool calibration_take(struct calibration *calibration, const struct detector_level *level) {
        uint64_t first = level->index - level->frames;

        if (calibration_is_over(calibration) || level->channels != calibration->channels)
                return false;
        if (!calibration->started) {
                calibration->started = true;
                calibration->phase_index = calibration->next_index = first;
        }
        if (first != calibration->next_index)
                calibration->unbroken = 0;
        calibration->next_index = level->index;
        if (calibration->unbroken < frames_of(calibration, 1))
                calibration->unbroken += level->frames;

        /* After a gap a level is of less than a second. */
        if (calibration->unbroken >= frames_of(calibration, 1)) {
                if (calibration->phase == CALIBRATION_REST)
                        take_rest(calibration, level);
                else
                        take_flexing(calibration, level);
        }
        if (level->index - calibration->phase_index < frames_of(calibration, phase_s(calibration)))
                return false;
        calibration->phase = next_phase(calibration);
        calibration->phase_index = level->index;
        return true;
}

const char *calibration_phase_to_string(enum calibration_phase phase) {
        static const char *const names[CALIBRATION_PHASE_MAX] = {
                [CALIBRATION_REST] = "rest",
                [CALIBRATION_READY] = "ready",
                [CALIBRATION_FLEX] = "flex",
                [CALIBRATION_RELAX] = "relax",
                [CALIBRATION_DONE] = "done",
                [CALIBRATION_POOR_SIGNAL] = "poor-signal",
                [CALIBRATION_NOT_ABOVE_REST] = "not-above-rest",
        };

        return (unsigned)phase < CALIBRATION_PHASE_MAX ? names[phase] : NULL;
}
