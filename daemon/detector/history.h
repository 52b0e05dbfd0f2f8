/* SPDX-License-Identifier: MIT */
/*
 * What the channels did in the last minute and a half, hop by hop, and where in it an activity began.
 * Needs grid; called by detector.c and episode.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/detector/grid.h"

struct history {
        uint32_t channels, hops; /* capacity in hops */
        uint64_t taken;          /* hops taken so far; hop numbers count from 0 */
        uint64_t barrier;        /* nothing before this hop belongs to what comes after it */
        uint64_t *index;         /* first frame of each hop */
        double *power;           /* mean square, hops x channels; negative = not known */
};

struct history_peak {
        double envelope_uv; /* highest 150 ms RMS */
        double level_uv;    /* highest 1 s RMS */
};

int history_init(struct history *history, const struct grid *grid, uint32_t channels);
void history_done(struct history *history);
void history_reset(struct history *history);

/* The row to fill for a hop that begins at this frame. */
double *history_add(struct history *history, uint64_t index);

/* First frame of a hop; hops no longer kept give the oldest one kept. */
uint64_t history_index(const struct history *history, uint64_t hop);

/* The hop in which the activity that lasts now began, given rest and what is still usual at rest. */
uint64_t history_find_onset(const struct history *history, const struct grid *grid, uint32_t channel,
                            double rest_uv, double usual_uv);

struct history_peak history_find_peak(const struct history *history, uint32_t channel, uint64_t from);
