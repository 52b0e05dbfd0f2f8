/* SPDX-License-Identifier: MIT */
/*
 * The generator's inside: what corpus.c sets up and render.c plays, block by block. Needs the parts that
 * a corpus is made of; for these two files alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/corpus/activity.h"
#include "tests/corpus/corpus.h"
#include "tests/corpus/faults.h"
#include "tests/corpus/heart.h"
#include "tests/corpus/interference.h"
#include "tests/corpus/losses.h"
#include "tests/corpus/motion.h"
#include "tests/corpus/motor-units.h"
#include "tests/corpus/random.h"
#include "tests/corpus/splice.h"

struct playing {
        struct activity activity;
        struct cramp_drive *drive;    /* of a cramp */
        struct splice_player *player; /* if the muscle is put together from real pieces */
        struct random random;         /* of twitches */
        size_t next_twitch;
};

struct channel {
        struct unit_pool pool;
        double band_share; /* of the muscle's amplitude that lies in the sensor's band */
        double rest_uv;
        double ecg_uv; /* with its sign */
        struct voluntary_drive voluntary;
        bool contracting; /* the voluntary drive has active units */
        struct rest_noise noise;
        struct splice_stream rest; /* in its place, if made from real pieces */
        struct slow_noise artefact;
        struct mains_coupling coupling;
        double crosstalk[CORPUS_CHANNELS_MAX]; /* share of each channel's muscle that is seen here */
        float *muscle;                         /* a block and what potentials draw beyond it */
        float *artefacts;                      /* level of the slow electrode voltage, per tick */
        float *raw;                            /* the decimator's past, then a block */
};

struct corpus {
        struct corpus_setup setup;
        double internal_hz;
        size_t block; /* samples per block at the internal rate */
        size_t past;  /* samples that the decimator looks back */
        struct decimator decimator;
        struct mains mains;
        struct heart heart;
        struct motion motion;
        struct channel *channels;

        struct playing *playing;
        size_t n_playing;
        struct playing **active; /* in the current block on the current channel */
        struct fault *faults;    /* in the order in which they are applied */
        size_t n_faults;
        struct corpus_event *events;
        size_t n_events;
        struct corpus_gap *gaps;
        size_t n_gaps, next_gap;

        uint64_t frames, frames_read, blocks_made;
        unsigned columns;
        int32_t held[CORPUS_CHANNELS_MAX + MOTION_AXES]; /* the last frame that arrived */
        int32_t *counts;                                 /* of the current block, interleaved */
        size_t counts_at, counts_end;
};

/* How much louder rest is than it usually is. */
double corpus_floor_gain(const struct corpus *corpus, unsigned channel, double at_s);
