/* SPDX-License-Identifier: MIT */
/*
 * How a channel came to its evidence: kept hop by hop while there is some, so that an alert can be
 * explained. Decides nothing. Needs evidence; fed by detector.c, read by episode.c.
 */
#pragma once

#include <stdint.h>

#include "daemon/detector/detector.h"
#include "daemon/detector/evidence.h"

struct trail {
        uint64_t from_index;      /* first frame of the hop in which the score rose from zero */
        uint32_t hops;            /* since then */
        uint32_t unbroken_hops;   /* since the last dip that was too long to bridge */
        uint32_t bridged, dips;   /* dips that were short enough, and that were not */
        bool in_dip, dip_is_long; /* one hop ago */
        double together_sum;      /* over the hops in which it could be told */
        uint32_t together_hops;
        double slow_sum;         /* of what slow voltage told, over all hops */
        uint32_t stride, points; /* hops between points, and how many there are */
        double score_s[DETECTOR_ACCOUNT_POINTS];
};

/* After a hop's evidence was taken. `before_s`: the score before it; `together`: share of the other
 * channels that take part, negative if it cannot be told. */
void trail_take(struct trail *trail, const struct evidence *evidence, double before_s, double together,
                uint64_t hop_index);
