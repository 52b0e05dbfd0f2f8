/* SPDX-License-Identifier: MIT */
/*
 * What to do now: the relief steps of an alert, by muscle, as knowledge.toml has them with their
 * sources. Knows nothing of bus, store or sensors. Called when an alert is put together.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sensors/muscle.h"

/* From here on a cramp is a reason to get help at once (NHS: "lasts longer than 10 minutes"). */
#define RELIEF_HELP_AFTER_US (UINT64_C(10) * 60 * 1000000)

/* The steps in order, English message ids, NULL at the end; constant. */
const char *const *relief_steps(enum muscle muscle, uint64_t lasting_us);
/* The same for who has signs of a clot or worse: nothing is rubbed or stretched. */
const char *const *relief_steps_in_danger(void);
