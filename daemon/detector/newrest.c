/* SPDX-License-Identifier: MIT */
/* New rest: see newrest.h. */
#include "daemon/detector/newrest.h"

#include "daemon/detector/tuning.h"

void newrest_reset(struct newrest *newrest) {
        *newrest = (struct newrest){.since_s = TUNING_NEWREST_BEFORE_S, .before = 1.0};
}

static void newrest_watch_disturbance(struct newrest *newrest, const struct newrest_input *input) {
        newrest->since_s += input->hop_s;
        if (newrest->since_s >= TUNING_NEWREST_BEFORE_S && !newrest->disturbed)
                newrest->jumped = false;
        if (input->slow_share >= TUNING_NEWREST_MOTION_SHARE) {
                newrest->since_s = 0.0;
                if (input->slow_share >= TUNING_NEWREST_JUMP_SHARE)
                        newrest->jumped = true;
        }

        if (newrest->since_s >= TUNING_NEWREST_BEFORE_S && !newrest->disturbed)
                newrest->before += (input->level_uv / input->rest_uv - newrest->before) * input->hop_s /
                                   TUNING_NEWREST_CALM_S;
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

double newrest_take(struct newrest *newrest, const struct newrest_input *input) {
        double level_uv = input->level_uv, ratio, mean_uv;

        if (!(input->rest_uv > 0.0)) {
                newrest_reset(newrest);
                return 0.0;
        }
        newrest_watch_disturbance(newrest, input);
        ratio = newrest->jumped ? TUNING_NEWREST_JUMP_RATIO : TUNING_NEWREST_MOTION_RATIO;
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
            mean_uv < TUNING_NEWREST_LONG_MAX * input->rest_uv)
                return mean_uv;
        if (!newrest->disturbed || newrest->still_s < TUNING_NEWREST_S)
                return 0.0;
        if (!newrest->jumped && (mean_uv > TUNING_NEWREST_MOTION_MAX * input->rest_uv ||
                                 newrest->before > TUNING_NEWREST_CALM_RATIO))
                return 0.0;
        return mean_uv;
}
