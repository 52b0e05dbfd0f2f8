/* SPDX-License-Identifier: MIT */
/* Trails: see trail.h. */
#include "daemon/detector/trail.h"

#include "daemon/detector/tuning.h"

/* Half as many points, twice as far apart. */
static void trail_thin(struct trail *trail) {
        for (uint32_t i = 0; i < DETECTOR_ACCOUNT_POINTS / 2; i++)
                trail->score_s[i] = trail->score_s[2 * i + 1];
        trail->points = DETECTOR_ACCOUNT_POINTS / 2;
        trail->stride *= 2;
}

static void trail_take_dip(struct trail *trail, const struct evidence *evidence) {
        bool in_dip = evidence->dip_s > 0.0;

        if (trail->in_dip && !trail->dip_is_long && !in_dip)
                trail->bridged++;
        if (evidence->dip_is_long && !trail->dip_is_long)
                trail->dips++;
        trail->unbroken_hops = evidence->dip_is_long ? 0 : trail->unbroken_hops + 1;
        trail->in_dip = in_dip;
        trail->dip_is_long = evidence->dip_is_long;
}

void trail_take(struct trail *trail, const struct evidence *evidence, double before_s, double together,
                uint64_t hop_index) {
        if (!(evidence->score_s > 0.0))
                return; /* what follows begins anew */
        if (!(before_s > 0.0))
                *trail = (struct trail){.from_index = hop_index, .stride = TUNING_TRAIL_POINT_HOPS};

        trail->hops++;
        trail->slow_sum += evidence->motion;
        trail_take_dip(trail, evidence);
        if (together >= 0.0) {
                trail->together_sum += together;
                trail->together_hops++;
        }
        if (trail->hops % trail->stride != 0)
                return;
        if (trail->points == DETECTOR_ACCOUNT_POINTS)
                trail_thin(trail);
        if (trail->hops % trail->stride == 0)
                trail->score_s[trail->points++] = evidence->score_s;
}
