/* SPDX-License-Identifier: MIT */
/*
 * Power spectra of about a second, and what is read from them. Own transform: a library's would differ
 * in the last bit between builds. Needs trigonometry; called by channel.c and mains.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/detector/grid.h"

/* Plan and work space; one for all channels. */
struct spectrum {
        size_t frames; /* length of a block, a power of two of 0.7-1.4 s */
        size_t bins;   /* frames / 2 + 1 */
        double bin_hz;
        size_t first_bin, last_bin; /* the band looked at, inclusive */
        double *window;             /* von Hann */
        double *sine, *cosine;
        size_t *reversed;
        double *real, *imaginary;
        double *power;  /* of the newest block: the sum over bins is the mean square */
        bool *left_out; /* bins that hold mains */
};

int spectrum_init(struct spectrum *spectrum, const struct grid *grid);
void spectrum_done(struct spectrum *spectrum);

/* Transforms the block whose oldest frame is ring[start] (ring of spectrum->frames) into
 * spectrum->power. */
void spectrum_run(struct spectrum *spectrum, const double *ring, size_t start);

void spectrum_leave_in(struct spectrum *spectrum);
void spectrum_leave_out(struct spectrum *spectrum, double line_hz, double half_hz);

/* Share of the band's power that is left out. */
double spectrum_left_out_share(const struct spectrum *spectrum);

/* Highest power within `width_hz` as a share of the band's. */
double spectrum_tone_share(const struct spectrum *spectrum, double width_hz);

/* Frequency that halves what `power` (spectrum->bins values) has in the band and is not left out; 0 =
 * none. */
double spectrum_median_hz(const struct spectrum *spectrum, const double *power);
