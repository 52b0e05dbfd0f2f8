/* SPDX-License-Identifier: MIT */
/*
 * The slow voltage of one channel, below the muscle's band: what moves the skin, the electrode or its
 * cable shows there (De Luca et al. 2010), what one muscle does alone hardly. Needs floor; fed by
 * channel.c once a hop, read by detector.c. A sensor that filters it away shows none, and then nothing
 * is concluded.
 */
#pragma once

#include "daemon/detector/floor.h"

#define ARTEFACT_MEANS 4u

struct artefact {
        double mean_uv[ARTEFACT_MEANS]; /* of the last hops, the newest first */
        unsigned means;
        double power[TUNING_LEVEL_HOPS];
        unsigned next, hops;
        double level_uv; /* RMS of a second; 0 while unknown */
        struct floor floor;
};

/* Forgets everything. */
void artefact_reset(struct artefact *artefact, const struct grid *grid, double scale_uv);

/* After a gap or a jump: what was learnt stays. */
void artefact_restart(struct artefact *artefact);

/* Takes the mean of one hop. */
void artefact_take(struct artefact *artefact, double mean_uv);

/* Takes the present level for one of rest. */
void artefact_learn(struct artefact *artefact);

/* Takes the present level for rest from now on. */
void artefact_adopt(struct artefact *artefact);

/* By how much the slow voltage exceeds its rest, and what a muscle with a flat spectrum would have
 * there, as a share of what the muscle seems to add to its own rest; 0 if unknown. */
double artefact_share(const struct artefact *artefact, const struct grid *grid, double level_uv,
                      double rest_uv);
