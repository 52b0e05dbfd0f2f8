/* SPDX-License-Identifier: MIT */
/*
 * What an accelerometer in the sensor tells: whether the limb moves, now and of late. Gravity is taken
 * out as what stays for a second; where it turns, the limb turns. Where a sensor's unit is another than
 * it says, gravity tells. Integers until the end of a hop, so that it makes no difference how frames are
 * cut. Needs grid; called by detector.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/detector/grid.h"

#define LIMB_AXES 3u

struct limb {
        double scale_g; /* per count; 0 = there is no accelerometer */
        bool known;     /* of the frames from now on */
        int32_t counts[LIMB_AXES];

        /* The hop in progress. */
        int64_t sum[LIMB_AXES], squares;
        uint32_t frames;

        bool primed;
        bool weighs;                 /* there is gravity in what it shows */
        double gravity_g[LIMB_AXES]; /* slow mean */
        double noise_g;              /* the level that never goes away: the sensor's own, or the bed's */
        double level_g;              /* of the last hop */
        double share;                /* 0 = still, 1 = it moves; negative = not known */
        double recent;               /* the highest of late, fading */
};

void limb_init(struct limb *limb, double scale_g);
/* After a gap: where the limb is now is new. */
/* What is usual is learnt anew. */
void limb_forget(struct limb *limb);
void limb_restart(struct limb *limb);
/* What it shows from the next frame on; NULL = it tells nothing. */
void limb_set(struct limb *limb, const int32_t *counts);
void limb_push(struct limb *limb, uint32_t frames);
void limb_close_hop(struct limb *limb, const struct grid *grid);
