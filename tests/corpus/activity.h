/* SPDX-License-Identifier: MIT */
/*
 * What one event does to one channel: the level that the muscle is asked for, over time, or single
 * discharges. Needs script.h and random.h; used by corpus.c and render.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tests/corpus/random.h"
#include "tests/corpus/script.h"

struct activity {
        size_t event; /* index into the script */
        unsigned channel;
        double start_s;
        bool cramp;      /* driven as a cramp, else at will */
        double artefact; /* slow electrode voltage as a share of the level */

        float *level_uv; /* muscle alone, RMS over all frequencies, at MODEL_ENVELOPE_HZ */
        float *wave;     /* the slow waxing and waning that multiplies it, mean square 1; NULL if none */
        size_t n_levels;

        double *twitch_s; /* fasciculations: ascending, from the recording's start */
        size_t n_twitches;

        /* As the sensor's band has it, without the wave: */
        double ratio;        /* highest level, rest included, over rest */
        double twice_rest_s; /* from the recording's start; < 0 if never */
};

/* What a level is relative to: the rest noise in the sensor's band, and the share of a muscle's
 * amplitude in there. */
struct activity_scale {
        double rest_uv, band_share;
        double reach_uv; /* the most that a cramp of the muscle can have */
};

/* Returns 0, -ENOMEM, or -E2BIG if it has too many twitches. */
int activity_init(struct activity *activity, const struct script *script, size_t event,
                  enum corpus_muscle muscle, const struct activity_scale *scale, uint64_t seed);
void activity_done(struct activity *activity);
/* 0 outside of its time. The wave is 1 there. */
double activity_level_uv(const struct activity *activity, double at_s);
double activity_wave(const struct activity *activity, double at_s);
