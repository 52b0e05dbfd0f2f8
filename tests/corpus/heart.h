/* SPDX-License-Identifier: MIT */
/* The heart as a sensor on the leg picks it up: one beat after another, the same for all channels. Needs
 * random.h; used by corpus.c and render.c. */
#pragma once

#include <stddef.h>

#include "tests/corpus/random.h"

struct heart {
        struct random random;
        double internal_hz, per_minute;
        double next; /* sample at which the next beat's potential begins */
        float *beat; /* its highest point is 1 */
        size_t length;
        float *samples; /* a block and what beats draw beyond it */
        size_t block;
};

/* Returns 0 or -ENOMEM. */
int heart_init(struct heart *heart, const struct random *random, double internal_hz, size_t block);
void heart_done(struct heart *heart);
/* Makes the block that begins at sample `first`, one after the other: heart->samples. */
void heart_render(struct heart *heart, double first);
