/* SPDX-License-Identifier: MIT */
/*
 * The generator of SIMULATED muscle activity: a script and a seed become integer counts and the truth
 * about them. Used by calf-emg and by tests that want a signal without a file. Needs script.h and libm.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/corpus/script.h"

#define CORPUS_CHANNELS_MAX CORPUS_MUSCLES
#define CORPUS_RATE_MIN_HZ 200
#define CORPUS_RATE_MAX_HZ 2000

struct corpus;
struct splice;

struct corpus_setup {
        uint64_t seed;
        unsigned rate_hz;
        unsigned channels; /* the first so many muscles of script.h */
        double rest_uv;    /* RMS at rest, 20-450 Hz */
        unsigned mains_hz; /* 50, 60 or 0 = none */
        double mains_uv;   /* RMS */
        unsigned bits;     /* 8-24 */
        double scale_uv;   /* microvolts per count; 0 = corpus_usual_scale_uv() */

        double rest_spread;     /* channels' rest differs by this (relative SD) */
        double noise_rise;      /* rest noise is 1 + this times as strong below its corner */
        double noise_corner_hz; /* as above */
        double ecg_uv;          /* height of a heart beat on the channel that sees most of it */
        double clock_ppm;       /* by how much the sensor's clock is fast */
        bool accelerometer;     /* three columns more, after the channels */
        /* Real pieces (splice.h) at corpus_internal_factor() times the rate, which must outlive the
         * corpus, or NULL: the model. */
        const struct splice *material;
};

struct corpus_event {
        enum event_kind kind;
        double start_s, end_s;
        unsigned channels;   /* bit 1 << channel, those on which it happens */
        unsigned leading;    /* the channel with the highest level */
        double level_ratio;  /* its highest level over rest, slow waxing and waning left out;
                              * 0 if unknown */
        double twice_rest_s; /* when that level first reached 2 x rest; < 0 if never */
        size_t twitches;     /* fasciculations: how many */
        double asked_uv; /* what is no muscle: its level, ratio to rest and frequency if it has them */
        double asked_ratio, asked_hz;
};

/* Frames that were lost on their way; the last value before stands in their place. */
struct corpus_gap {
        uint64_t first, frames;
};

/* What the options mean when left out: 1 kHz, 1 channel, 5 uV of rest, no mains, 16 bits, seed 1. */
struct corpus_setup corpus_setup_usual(void);
/* The sensor of the night of that seed, drawn at random: for the script home-night. */
void corpus_setup_home(uint64_t seed, struct corpus_setup *ret);
/* Signals are made at this multiple of the sensor's rate. */
unsigned corpus_internal_factor(unsigned rate_hz);
double corpus_usual_scale_uv(unsigned bits);
/* The largest count; the smallest is -max - 1 up to 16 bits and -max above. Beyond 16 bits it is a round
 * number, so that the physical range fits into a BDF header's 8 characters. */
int32_t corpus_digital_max(unsigned bits);
int32_t corpus_digital_min(unsigned bits);

/* Keeps nothing of the script. Returns 0, -ENOMEM or, with
 * `error` filled in, -EINVAL. */
int corpus_new(const struct corpus_setup *setup, const struct script *script, struct corpus **ret,
               struct corpus_error *error);
struct corpus *corpus_free(struct corpus *corpus);

const struct corpus_setup *corpus_get_setup(const struct corpus *corpus);
uint64_t corpus_frames(const struct corpus *corpus);
const struct corpus_event *corpus_events(const struct corpus *corpus, size_t *ret_n);
/* Ascending and apart from each other. */
const struct corpus_gap *corpus_gaps(const struct corpus *corpus, size_t *ret_n);
/* RMS at rest of one channel, 20-450 Hz. */
double corpus_rest_uv(const struct corpus *corpus, unsigned channel);
/* Numbers in a frame: the channels, and the accelerometer's axes in counts of MODEL_MOTION_SCALE_G. */
unsigned corpus_columns(const struct corpus *corpus);

/* Fills `counts` (frames x columns, interleaved) with what comes next. Returns the number of frames, 0
 * at the end. */
size_t corpus_read(struct corpus *corpus, int32_t *counts, size_t frames);
