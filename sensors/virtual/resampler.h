/* SPDX-License-Identifier: MIT */
/*
 * A recording in microvolts at another sensor's rate, with the envelope that some sensors send instead:
 * rectified and smoothed. Averages to a lower rate, interpolates to a
 * higher one; gaps are silent. Used by twin-sensor.c.
 */
#pragma once

#include "sensors/virtual/player.h"

struct resampler {
        struct player *player;
        double step;     /* recorded frames per frame that comes out */
        double position; /* of the next one that comes out */
        double scale_uv;
        double smoothing;
        size_t channels;

        const int32_t *counts; /* what was read, and is not used up */
        uint64_t index;
        size_t frames;
        uint64_t next; /* recorded frame that is taken next */

        double raw_uv[OPEN_PROFILE_CHANNELS_MAX], envelope_uv[OPEN_PROFILE_CHANNELS_MAX];
        double raw_before_uv[OPEN_PROFILE_CHANNELS_MAX], envelope_before_uv[OPEN_PROFILE_CHANNELS_MAX];
};

struct resampled {
        double raw_uv[OPEN_PROFILE_CHANNELS_MAX];
        double envelope_uv[OPEN_PROFILE_CHANNELS_MAX];
};

/* From the beginning; `envelope_s` is the time constant. Returns as player_start(). */
int resampler_start(struct resampler *resampler, struct player *player, uint32_t rate_mhz,
                    double envelope_s, struct recording_error *error);
/* Returns 1 with the next frame, 0 at the end, or as player_read(). */
int resampler_next(struct resampler *resampler, struct resampled *ret, struct recording_error *error);
