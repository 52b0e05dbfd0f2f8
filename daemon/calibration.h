/* SPDX-License-Identifier: MIT */
/*
 * A calibration: first rest, then a few tries to flex as hard as one can, in stream time.
 *
 * Owns the course and what is measured in it. Rest is the 25th percentile of the levels of each second
 * (as the detector's floor: the quiet part of rest). The maximal voluntary contraction is the highest
 * level of all tries: an isometric maximum is the reference that the literature endorses (Burden 2010;
 * Besomi et al. 2020, CEDE matrix), the best of three tries of a few seconds the usual way to it. Levels
 * are 1 s RMS. Needs the detector's levels; knows no clock, bus or store. Used by
 * daemon/bus/calibrate.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/detector/detector.h"
#include "sensors/driver.h"

#define CALIBRATION_REST_MIN_S 5u
#define CALIBRATION_REST_MAX_S 120u
#define CALIBRATION_TRIES_MAX 5u
#define CALIBRATION_FLEX_MIN_S 2u
#define CALIBRATION_FLEX_MAX_S 10u
#define CALIBRATION_PAUSE_MIN_S 2u
#define CALIBRATION_PAUSE_MAX_S 120u

/* Flexing that does not rise over rest by so much is none: weak cramps do (2-6 times), and the calf's
 * bursts of gait rise 20 times (measured: rest 5-6 uV, 123-130 uV). Chosen. */
#define CALIBRATION_RATIO_MIN 3.0
/* Rest needs so much of its seconds with a signal in which rest can be seen. Chosen. */
#define CALIBRATION_REST_SHARE 0.5

struct calibration_plan {
        uint32_t rest_s, flex_s, pause_s, tries;
};

enum calibration_phase {
        CALIBRATION_REST,
        CALIBRATION_READY, /* before each try */
        CALIBRATION_FLEX,
        CALIBRATION_RELAX, /* after the last */
        CALIBRATION_DONE,
        CALIBRATION_POOR_SIGNAL,    /* over: no channel showed rest */
        CALIBRATION_NOT_ABOVE_REST, /* over: no channel rose */
        CALIBRATION_PHASE_MAX
};

struct calibration {
        struct calibration_plan plan;
        uint32_t rate_mhz, channels;
        enum calibration_phase phase;
        uint32_t attempt; /* from 1 */
        bool started;
        uint64_t phase_index; /* first frame of the phase */
        uint64_t next_index;  /* first frame not seen yet */
        uint32_t unbroken;    /* frames in a row without a gap */
        uint32_t rest_seconds;
        uint32_t n_rest[STREAM_CHANNELS_MAX];
        double rest_levels[STREAM_CHANNELS_MAX][CALIBRATION_REST_MAX_S];
        /* The outcome, and what is known of it so far; both 0 = not known. */
        double rest_uv[STREAM_CHANNELS_MAX], mvc_uv[STREAM_CHANNELS_MAX];
};

/* -EINVAL for a plan or a stream out of range. */
int calibration_begin(struct calibration *calibration, const struct calibration_plan *plan,
                      uint32_t rate_mhz, uint32_t channels);
/* Takes each level of the stream. True when another phase or try has begun. */
bool calibration_take(struct calibration *calibration, const struct detector_level *level);
bool calibration_is_over(const struct calibration *calibration);
/* Whether the wearer moves, or may, because they were asked to. */
bool calibration_is_flexing(const struct calibration *calibration);
/* Seconds left in the phase. */
double calibration_left_s(const struct calibration *calibration);
const char *calibration_phase_to_string(enum calibration_phase phase);
