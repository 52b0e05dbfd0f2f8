/* SPDX-License-Identifier: MIT */
/*
 * What an accelerometer in the sensor sees of a script: where down is, and how the leg shakes. Large
 * movements, jerks and steps do; a cramp hardly does. Needs interference.h and script.h; used by
 * corpus.c and render.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tests/corpus/interference.h"
#include "tests/corpus/script.h"

#define MOTION_AXES 3 /* the first along the leg */

struct motion_event;
struct motion_turn;

struct motion {
        struct motion_event *events; /* by their start */
        size_t n_events, first_event;
        struct motion_turn *turns; /* likewise */
        size_t n_turns, next_turn;
        double down[MOTION_AXES]; /* direction of gravity, and on its way from one to another: */
        double from[MOTION_AXES], to[MOTION_AXES];
        double turn_start_s, turn_end_s;
        struct random random;
        struct slow_noise shake[MOTION_AXES], tremor[MOTION_AXES];
        uint64_t steps; /* made so far, MODEL_MOTION_HZ of them in a second */
        double g[MOTION_AXES];
};

/* Keeps nothing of the script. Returns 0 or -ENOMEM. */
int motion_init(struct motion *motion, const struct script *script, uint64_t seed);
void motion_done(struct motion *motion);
/* What the sensor shows at a time, in g: the newest of its values. Times ascend. */
const double *motion_at(struct motion *motion, double at_s);
