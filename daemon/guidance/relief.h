/* SPDX-License-Identifier: MIT */
/*
 * What to do now: the relief steps of an alert, by muscle. Short sentences, to be read in pain and half
 * asleep. Knows nothing of bus, store or sensors. Called when an alert is put together.
 *
 * Sources: stretching and massaging the cramped muscle, and medical help for a cramp beyond ten minutes
 * or a swollen leg: NHS, "Leg cramps"; a swollen, warm or red leg can be a clot (NICE CKS, "Leg cramps",
 * names it as a mimic), which is not to be massaged. Warmth and walking about are common advice. No step
 * claims to shorten a cramp.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sensors/muscle.h"

/* From here on a cramp is a reason to get help at once (NHS: "lasts longer than 10 minutes"). */
#define RELIEF_HELP_AFTER_US (UINT64_C(10) * 60 * 1000000)

/* The steps in order, English message ids, NULL at the end; constant. */
const char *const *relief_steps(enum muscle muscle, uint64_t lasting_us);
