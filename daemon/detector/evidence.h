/* SPDX-License-Identifier: MIT */
/*
 * Evidence of one channel for a cramp, in seconds of a strong and isolated one: grows with level and
 * unbroken duration, shrinks with dips. Needs tuning.h alone; called by detector.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct evidence {
        double score_s;
        double dip_s;      /* length of the present dip */
        bool dip_is_long;  /* too long to bridge */
        double dip_weight; /* and what it has been counted for, 0-1 */
        double dips;       /* fading count of dips too long to bridge, by their depth */
        double after_uv;   /* what an episode left behind, while above rest: counts as rest */
        double ratio;      /* level over rest */
        double together;   /* share of the other channels that take part, 0-1 */
        double moved;      /* rose with a movement of the limb, 0-1, fading */
        double rose;       /* the same, unfaded; negative = nobody told */
        double company;    /* the highest of these of late: what began together is a movement */
        double companion;  /* the same of the channel that takes part most, 0-1 */
        double motion;     /* the same of slow voltage beside the muscle's, 0-1 */
        double alone_s;    /* the score when another channel joined */
        double calm_s;     /* the score when slow voltage came */
        uint32_t run_hops; /* since the score rose from zero */
};

/* One hop's view of a channel. */
struct evidence_input {
        double hop_s;
        double envelope_uv, level_uv, reference_uv;
        double rest_uv; /* 0 = unknown: nothing is concluded */
        double support; /* factor from the other channels */
        double max_s;   /* cap of the score */
};

void evidence_reset(struct evidence *evidence);

/* Drops what has come together so far: a suspicion that came to nothing. */
void evidence_drop(struct evidence *evidence);

/* Starts counting from what is there now: called when an episode has ended. */
void evidence_rebase(struct evidence *evidence, double level_uv);

/* What counts as rest for this channel now. */
double evidence_rest(struct evidence *evidence, double rest_uv, double level_uv);

/* What a movement of the limb (0-1, negative = not known) makes of the support from the other channels,
 * of which `told` says whether there are any. Before evidence_take(). */
double evidence_move(struct evidence *evidence, double hop_s, double share, double recent,
                     double support, bool told);

void evidence_take(struct evidence *evidence, const struct evidence_input *input);
