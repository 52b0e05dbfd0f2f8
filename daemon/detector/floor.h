/* SPDX-License-Identifier: MIT */
/*
 * The resting floor of one channel: a low percentile over the last minute of what was seen while nothing
 * happened. Needs grid; called by detector.c and channel.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/detector/grid.h"

struct floor {
        double least_uv;   /* never below */
        double correction; /* of the percentiles of steady noise to its RMS */
        unsigned filling;
        double envelope[TUNING_FLOOR_UNIT_HOPS];
        unsigned units, next;
        double low[TUNING_FLOOR_UNITS];  /* low envelope of each unit, in order of time */
        double mean[TUNING_FLOOR_UNITS]; /* RMS of each unit */
        unsigned remembered, fallen;     /* units; and those since rest fell far below the memory */
        double memory_uv;                /* 0 = none yet */
        double forgotten_uv;             /* the memory that held on for too long; 0 = none */
        double rest_uv;                  /* the floor; 0 while unknown */
        double usual_uv;                 /* upper level that is still usual at rest */
        double adopted_from_uv;          /* memory before a level was taken for rest for now; 0 = none */
        unsigned agreed;                 /* hops in a row at about the level that was known beforehand */
};

/* `values`: independent ones behind each hop. */
void floor_reset(struct floor *floor, uint32_t values, double scale_uv);

/* Takes the last so many envelopes back, at the beginning also the unit that any of them went into:
 * later one among many does no harm. */
void floor_retract(struct floor *floor, unsigned hops);

/* Takes one hop's envelope; must not be called while the channel is active, paused or gone. */
void floor_feed(struct floor *floor, double envelope_uv);

/* While too little was seen for a floor: takes what was known beforehand (0 = nothing) for it, once the
 * envelope has agreed with that. After floor_feed(). */
void floor_consult(struct floor *floor, const struct grid *grid, double prior_uv, double envelope_uv);

/* Takes a level for the floor from now on; `for_now`: until the rest that was known for minutes is back.
 */
void floor_adopt(struct floor *floor, double level_uv, bool for_now);
