/* SPDX-License-Identifier: MIT */
/*
 * Two sensors of one channel each, as crampd watches them: one detector for each channel, their alerts
 * taken together. What one shows reaches the other later, by as much as radio and packets take. Needs
 * detector.h; called by evaluate.c.
 */
#pragma once

#include "tests/evaluate/rival.h"

/* A level is of the 50 ms before. It waits for its packet to fill (up to 50 ms), for the next connection
 * event (15-30 ms as PROFILE.md asks for, a few of them where others are on the air), and for the other
 * sensor's packet, as that much is pushed at once (50 ms). What the radios delay both by falls out. */
#define RIVAL_PAIR_DELAY_MS 200u

enum rival_pair {
        RIVAL_PAIR_TOGETHER, /* each hears the other */
        RIVAL_PAIR_APART,    /* neither does */
        RIVAL_PAIR_FIRST,    /* there is the first one only */
        RIVAL_PAIR_MAX
};

/* At that step and factor, as in a set-up. */
struct rival_kind rival_pair_make(enum rival_pair pair, enum detector_sensitivity sensitivity,
                                  double evidence_factor);
