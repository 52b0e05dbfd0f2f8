/* SPDX-License-Identifier: MIT */
/*
 * Real muscle activity, cut into pieces, from which nights are put together: sustained contractions for
 * whatever is steady (cramps too), bursts for movements, strides for walking, rest for rest. The pieces
 * come from recordings that stay where they are (splice-load.c). Needs activity.h and random.h; used by
 * corpus.c and render.c.
 */
#pragma once

#include <stddef.h>

#include "tests/corpus/activity.h"
#include "tests/corpus/corpus.h"
#include "tests/corpus/random.h"

#define SPLICE_PIECES_MAX 160
#define SPLICE_BURSTS_MAX 128 /* in one event */

struct splice_piece {
        float *samples;
        size_t n;
};

struct splice_set {
        struct splice_piece pieces[SPLICE_PIECES_MAX];
        size_t n;
};

struct splice_stride {
        float *samples[CORPUS_MUSCLES]; /* in microvolts */
        size_t n;
};

/* All at one rate. Holds, bursts and rest have an RMS of 1 in the sensor's band. */
struct splice {
        double internal_hz;
        struct splice_set holds, bursts, rests;
        struct splice_stride strides[32];
        size_t n_strides;
};

struct splice *splice_free(struct splice *splice);

/* Excerpts of one piece, faded into each other. */
struct splice_voice {
        size_t at, left;
        double sign;
};

struct splice_stream {
        const struct splice_piece *piece;
        struct random random;
        struct splice_voice now, next;
        size_t fade; /* samples */
};

void splice_stream_init(struct splice_stream *stream, const struct splice_piece *piece,
                        const struct random *random, size_t fade);
double splice_stream_next(struct splice_stream *stream);

struct splice_burst {
        double at_s, gain_uv;
        const struct splice_piece *piece;
};

/* One event on one channel. */
struct splice_player {
        enum event_kind kind;
        double duration_s;
        struct random shared; /* what the muscles of an event have in common */
        struct splice_stream stream;
        struct splice_burst bursts[SPLICE_BURSTS_MAX];
        size_t n_bursts;
        double stride_gain;
        const struct splice_stride *stride;
        size_t stride_at;
};

/* Whether the level that the activity gives is the one that is heard: not where bursts and strides bring
 * their own. */
bool splice_keeps_level(enum event_kind kind);
void splice_player_init(struct splice_player *player, const struct splice *splice,
                        const struct script_event *event, size_t index, enum corpus_muscle muscle,
                        uint64_t seed);
/* Adds what the muscle does in the `n` samples from number `first` on. Blocks come in order. */
void splice_player_render(struct splice_player *player, const struct splice *splice,
                          const struct activity *activity, float *samples, size_t n, double first);
