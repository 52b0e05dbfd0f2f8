/* SPDX-License-Identifier: MIT */
/* Signal quality: see quality.h. */
#include "daemon/detector/quality.h"

#include <stddef.h>

#include "daemon/detector/tuning.h"

/* The first that holds, the surest sign first. */
static enum detector_quality quality_judge(const struct quality *quality,
                                           const struct quality_input *input) {
        if (input->stuck)
                return input->at_limit ? DETECTOR_QUALITY_SATURATED : DETECTOR_QUALITY_ELECTRODE_OFF;
        if (input->flat_s >= TUNING_QUALITY_FLAT_S)
                return DETECTOR_QUALITY_DEAD;
        if (quality->blind_share >= TUNING_QUALITY_BLIND_SHARE)
                return DETECTOR_QUALITY_NO_DATA;
        /* Silence has no spectrum. */
        if (!input->measured || input->flat_s * 1000.0 >= (double)TUNING_STUCK_MS)
                return quality->now;
        if (input->swings && quality->limit_share >= TUNING_QUALITY_LIMIT_SHARE)
                return DETECTOR_QUALITY_SATURATED;
        if (input->tone_share >= TUNING_TONE_SHARE)
                return DETECTOR_QUALITY_MAINS;
        if (input->rest_fell)
                return DETECTOR_QUALITY_ELECTRODE_OFF;
        if (input->in_microvolts && input->rest_uv > 0.0) {
                if (input->white && input->rest_uv <= TUNING_QUALITY_DEAD_UV)
                        return DETECTOR_QUALITY_DEAD;
                if (input->rest_uv >= TUNING_QUALITY_NOISY_UV)
                        return DETECTOR_QUALITY_NOISY;
        }
        return DETECTOR_QUALITY_GOOD;
}

void quality_take(struct quality *quality, const struct quality_input *input) {
        enum detector_quality judged;

        if (!input->stuck)
                quality->blind_share +=
                        ((input->measured && input->rest_uv > 0.0 ? 0.0 : 1.0) - quality->blind_share) *
                        input->hop_s / TUNING_QUALITY_BLIND_S;
        quality->limit_share += ((input->swings ? input->limit_share : 0.0) - quality->limit_share) *
                                input->hop_s / TUNING_QUALITY_LIMIT_S;
        judged = quality_judge(quality, input);
        if (judged == quality->now) {
                quality->next_s = 0.0;
                return;
        }
        if (judged != quality->next) {
                quality->next = judged;
                quality->next_s = 0.0;
        }
        quality->next_s += input->hop_s;
        if (quality->next_s >= (judged == DETECTOR_QUALITY_GOOD ? TUNING_QUALITY_GOOD_AFTER_S
                                                                : TUNING_QUALITY_BAD_AFTER_S)) {
                quality->now = judged;
                quality->next_s = 0.0;
        }
}

const char *detector_quality_to_string(enum detector_quality quality) {
        static const char *const names[DETECTOR_QUALITY_MAX] = {
                [DETECTOR_QUALITY_GOOD] = "good",
                [DETECTOR_QUALITY_NOISY] = "noisy",
                [DETECTOR_QUALITY_MAINS] = "mains",
                [DETECTOR_QUALITY_SATURATED] = "saturated",
                [DETECTOR_QUALITY_ELECTRODE_OFF] = "electrode-off",
                [DETECTOR_QUALITY_DEAD] = "dead",
                [DETECTOR_QUALITY_NO_DATA] = "no-data",
        };

        return (unsigned)quality < DETECTOR_QUALITY_MAX ? names[quality] : NULL;
}
