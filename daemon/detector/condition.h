/* SPDX-License-Identifier: MIT */
/*
 * Conditioning of one channel: counts to microvolts, offset and movement artefacts off, the muscle's
 * band left. Needs trigonometry; called by channel.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/detector/grid.h"

#define CONDITION_SECTIONS_MAX 4u

/* A second-order section, numerator (1, b1, 1) times gain. */
struct condition_section {
        double gain, b1, a1, a2;
};

/* The design, one for all channels. */
struct condition_plan {
        unsigned sections;
        struct condition_section section[CONDITION_SECTIONS_MAX];
};

struct condition {
        int32_t first; /* the count that stands for zero, so that an offset gives no transient */
        double state[CONDITION_SECTIONS_MAX][2];
};

void condition_plan_make(const struct grid *grid, struct condition_plan *ret);

/* Starts anew at this count. */
void condition_prime(struct condition *condition, int32_t first);

/* Takes every `stride`-th count. */
void condition_run(struct condition *condition, const struct condition_plan *plan, const int32_t *counts,
                   size_t stride, double scale_uv, double *ret_uv, size_t n);

/* Keeps silence from ending in denormal numbers; called once per hop. */
void condition_flush(struct condition *condition, const struct condition_plan *plan);
