/* SPDX-License-Identifier: MIT */
/*
 * Mains of one channel: finds 50 or 60 Hz and the harmonics that are really there, follows their drift,
 * cancels them. Each line is an adaptive canceller on a sine of known phase, which acts as a notch
 * (Glover 1977) but, unlike a filter, can be carried over a gap. Needs spectrum and trigonometry; called
 * by channel.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/detector/grid.h"
#include "daemon/detector/spectrum.h"

struct mains_line {
        bool on;
        uint32_t age_hops;
        double sine, cosine;           /* the reference, now */
        double turn_sine, turn_cosine; /* what it turns by in a frame */
        double weight_sine, weight_cosine;
        double anchor_sine, anchor_cosine; /* the weights when their turning was last measured */
};

struct mains {
        unsigned nominal; /* index of the grid's frequency, while any line is on */
        unsigned lines_on;
        unsigned strongest; /* line that carries the frequency estimate */
        unsigned disagreements;
        uint32_t hops_to_track;
        double base_hz;
        double ratio[2][TUNING_MAINS_HARMONICS]; /* line over neighbours, averaged over blocks */
        struct mains_line line[TUNING_MAINS_HARMONICS];
};

/* Looks for lines in the spectrum's newest block (taken before the cancelling). */
void mains_look(struct mains *mains, const struct grid *grid, const struct spectrum *spectrum);

/* Leaves the lines that are on out of the spectrum, each with so much on either side. */
void mains_leave_out(const struct mains *mains, struct spectrum *spectrum, double half_hz);

/* Takes the lines off n samples; learns only when told to. */
void mains_cancel(struct mains *mains, const struct grid *grid, double *uv, size_t n, bool learn);

/* Mean square of the lines that are taken off. */
double mains_power(const struct mains *mains);

/* Once per hop: follows the frequency. */
void mains_track(struct mains *mains, const struct grid *grid);

/* Carries the phases over a gap, or forgets them when it is too long. */
void mains_skip(struct mains *mains, const struct grid *grid, uint64_t frames);
