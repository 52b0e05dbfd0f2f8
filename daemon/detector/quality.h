/* SPDX-License-Identifier: MIT */
/*
 * Whether a channel's signal is one in which a cramp could be seen, and if not, why. Needs the tuning;
 * called by channel.c once a hop, told to whoever listens to levels. What the detector cannot judge it
 * leaves out by itself; of this it only takes that an electrode is off, which then says nothing against
 * a cramp beside it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/detector/detector.h"

/* What is known of the channel at the end of a hop. */
struct quality_input {
        double hop_s;
        bool measured;      /* there is an envelope: not settling after a start or a gap */
        bool stuck;         /* stands still, elsewhere than it used to */
        bool at_limit;      /* .. at the highest or lowest count ever seen */
        double flat_s;      /* stands still for so long, wherever */
        double limit_share; /* of the hop's samples, lie at the highest or lowest count ever seen */
        bool swings;        /* by so much that it cannot be an offset that creeps along */
        double tone_share;  /* of the band's power, in a few hertz */
        bool white;         /* the spectrum at rest is as flat as an amplifier's own noise */
        double rest_uv;     /* 0 = unknown */
        bool rest_fell;     /* rest is far below what it was for minutes */
        bool in_microvolts; /* levels may be compared with published ones */
};

struct quality {
        enum detector_quality now, next;
        double next_s;      /* for how long `next` has been seen */
        double limit_share; /* averaged */
        double blind_share; /* of the time in which nothing could be told, likewise */
};

void quality_take(struct quality *quality, const struct quality_input *input);
