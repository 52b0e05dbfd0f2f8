/* SPDX-License-Identifier: MIT */
/*
 * Short-time levels of one channel from the mean squares of its hops: envelope (150 ms), level (1 s),
 * and the reference that dips are judged against (the higher of 2 s and a slow mean). Needs nothing;
 * called by channel.c.
 */
#pragma once

#include <stdbool.h>

#include "daemon/detector/tuning.h"

struct envelope {
        unsigned hops, next; /* taken since the last restart, at most a full ring; place of the next */
        double power[TUNING_REFERENCE_HOPS];
        double slow_power; /* slow mean */
        double envelope_uv, level_uv, reference_uv;
};

void envelope_restart(struct envelope *envelope);
/* `still`: 1 unless the limb moves (0), whose level says nothing of the muscle's: the slow mean waits.
 */
void envelope_take(struct envelope *envelope, double power, double still, double hop_s);

/* Whether a whole envelope has been seen since the restart. */
bool envelope_is_known(const struct envelope *envelope);

/* Mean square of the hop `back` hops ago (0 = newest); `back` is below envelope->hops. */
double envelope_power(const struct envelope *envelope, unsigned back);
