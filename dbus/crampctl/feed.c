/* SPDX-License-Identifier: MIT */
/* Recordings into detectors: see feed.h. */
#include "dbus/crampctl/feed.h"

#include <stdlib.h>
#include <string.h>

/* Beside the channels: an accelerometer's three, and other sensors' level. */
#define BESIDE_MAX 4u

double *feed_scales(const struct recording *recording) {
        size_t channels = recording_channels(recording);
        double *scales_uv = calloc(channels, sizeof(*scales_uv));

        for (size_t i = 0; scales_uv && i < channels; i++)
                scales_uv[i] = recording_channel(recording, i)->scale_uv;
        return scales_uv;
}

bool feed_is_arbitrary(const struct recording *recording) {
        for (size_t i = 0; i < recording_channels(recording); i++)
                if (recording_channel(recording, i)->arbitrary)
                        return true;
        return false;
}

/* What is beside the channels holds until it changes. */
int feed_push(const struct recording *recording, struct detector *detector, uint64_t index,
              int32_t *counts, size_t frames) {
        size_t channels = recording_channels(recording), numbers = recording_columns(recording);
        size_t beside = (numbers - channels) * sizeof(*counts);
        int r = 0;

        if (beside == 0)
                return detector_push(detector, index, counts, frames);
        for (size_t at = 0, n; at < frames && r == 0; at += n) {
                int32_t *muscles = counts + at * numbers, first[BESIDE_MAX];

                memcpy(first, muscles + channels, beside);
                detector_set_motion(detector, recording_motion(recording, muscles));
                detector_set_company(detector, recording_company_percent(recording, muscles));
                for (n = 0;
                     at + n < frames && memcmp(muscles + n * numbers + channels, first, beside) == 0;
                     n++)
                        memmove(muscles + n * channels, muscles + n * numbers,
                                channels * sizeof(*muscles));
                r = detector_push(detector, index + at, muscles, n);
        }
        return r;
}
