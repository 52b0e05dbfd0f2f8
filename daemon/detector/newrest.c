/* SPDX-License-Identifier: MIT */
/* New rest: see newrest.h. */
#include "daemon/detector/newrest.h"

#include "daemon/detector/tuning.h"

void newrest_reset(struct newrest *newrest) {
        *newrest = (struct newrest){.since_s = TUNING_NEWREST_BEFORE_S, .before = 1.0};
}

static void newrest_watch_disturbance(struct newrest *newrest, const struct newrest_input *input) {
        double ratio = input->level_uv / input->rest_uv;

        newrest->since_s += input->hop_s;
        if (newrest->since_s >= TUNING_NEWREST_BEFORE_S && !newrest->disturbed)
                newrest->share = 0.0;
        if (input->slow_share >= TUNING_NEWREST_MOTION_SHARE) {
                newrest->since_s = 0.0;
                if (input->slow_share > newrest->share)
                        newrest->share = input->slow_share;
        }

        if (ratio > TUNING_NEWREST_CALM_RATIO_MAX)
                ratio = TUNING_NEWREST_CALM_RATIO_MAX;
        if (newrest->since_s >= TUNING_NEWREST_BEFORE_S && !newrest->disturbed)
                newrest->before += (ratio - newrest->before) * input->hop_s / TUNING_NEWREST_CALM_S;
        newrest->run_s = input->in_run ? newrest->run_s + input->hop_s : 0.0;
        if (!input->in_run)
                newrest->disturbed = false;
        else if (newrest->run_s <= TUNING_NEWREST_BEGIN_S && newrest->since_s < TUNING_NEWREST_BEFORE_S)
                newrest->disturbed = true;
}

static void newrest_restart(struct newrest *newrest, double level_uv) {
        newrest->still_s = 0.0;
        newrest->squares = 0.0;
        newrest->low_uv = newrest->high_uv = level_uv;
}

/* Whether the level is back where it was before the electrode came off. */
static bool newrest_is_known(const struct newrest *newrest, const struct newrest_input *input) {
        return newrest->share >= TUNING_NEWREST_KNOWN_SHARE &&
               input->rest_uv < TUNING_NEWREST_KNOWN_FALL_SHARE * input->known_uv &&
               input->level_uv < TUNING_NEWREST_KNOWN_RATIO * input->known_uv &&
               input->level_uv * TUNING_NEWREST_KNOWN_RATIO > input->known_uv;
}

double newrest_take(struct newrest *newrest, const struct newrest_input *input) {
        double level_uv = input->level_uv, ratio, mean_uv;
        bool known, jumped;

        if (!(input->rest_uv > 0.0)) {
                newrest_reset(newrest);
                return 0.0;
        }
        newrest_watch_disturbance(newrest, input);
        known = newrest_is_known(newrest, input);
        jumped = known || newrest->share >= TUNING_NEWREST_JUMP_SHARE;
        ratio = (jumped ? TUNING_NEWREST_JUMP_RATIO : TUNING_NEWREST_MOTION_RATIO) +
                TUNING_NEWREST_NOISES * input->level_noise;
        if (level_uv < newrest->low_uv)
                newrest->low_uv = level_uv;
        if (level_uv > newrest->high_uv)
                newrest->high_uv = level_uv;
        if (newrest->high_uv > ratio * newrest->low_uv)
                newrest_restart(newrest, level_uv);
        newrest->still_s += input->hop_s;
        newrest->squares += level_uv * level_uv * input->hop_s;

        mean_uv = __builtin_sqrt(newrest->squares / newrest->still_s);
        if (input->in_run && newrest->still_s >= TUNING_NEWREST_LONG_S &&
            newrest->high_uv <= TUNING_NEWREST_LONG_RATIO * newrest->low_uv &&
            mean_uv < TUNING_NEWREST_LONG_MAX * input->rest_uv)
                return mean_uv;
        if (!newrest->disturbed ||
            newrest->still_s < (known ? TUNING_NEWREST_KNOWN_S : TUNING_NEWREST_S))
                return 0.0;
        if (!jumped && (mean_uv > TUNING_NEWREST_MOTION_MAX * input->rest_uv ||
                        newrest->before > TUNING_NEWREST_CALM_RATIO))
                return 0.0;
        return mean_uv;
}
