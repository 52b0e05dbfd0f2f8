/* SPDX-License-Identifier: MIT */
/*
 * Whether what looks like activity is only a new rest: a level that came with a movement or with a jump
 * of voltage (an electrode that moved, or came back) and has kept as still since as noise does; or,
 * whatever it came with, one below any cramp's that has kept so for long. A muscle waxes and wanes.
 * Needs the tuning; called by detector.c once a hop.
 */
#pragma once

#include <stdbool.h>

struct newrest {
        double since_s; /* since the last movement or jump */
        double share;   /* the most slow voltage of it */
        double before;  /* level over rest before it */
        bool disturbed; /* the present run began with one */
        double run_s;   /* length of the run */
        double still_s; /* for so long the level has kept within its bounds */
        double low_uv, high_uv, squares;
};

struct newrest_input {
        double hop_s;
        double level_uv, rest_uv;
        double slow_share;  /* of slow voltage, see artefact.h */
        double level_noise; /* see grid.h */
        double known_uv;    /* what rest was before the electrode came off; 0 = it did not */
        bool in_run;        /* there is evidence */
};

void newrest_reset(struct newrest *newrest);

/* Returns the new rest, or 0. */
double newrest_take(struct newrest *newrest, const struct newrest_input *input);
