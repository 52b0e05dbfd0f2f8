/* SPDX-License-Identifier: MIT */
/* A night that is being drawn: what script-night.c and script-home.c share. Needs script.h and random.h.
 */
#pragma once

#include <stdbool.h>

#include "tests/corpus/random.h"
#include "tests/corpus/script.h"

/* Kept clear of other events on either side, so that truth is not ambiguous. */
#define NIGHT_GUARD_S 10.0

struct night {
        struct script script;
        struct random random;
        unsigned channels;
};

void night_init(struct night *night, const struct script_layout *layout, enum random_purpose purpose);
/* Hands the script over, or, after an error, drops it. Returns `r`. */
int night_finish(struct night *night, int r, struct script *ret);

/* Finds room for `length_s`, not before `earliest_s`, not beyond `latest_s`. Returns whether there is
 * some; full nights may have none. */
bool night_find_room(struct night *night, double earliest_s, double latest_s, double length_s,
                     double *ret_start_s);
/* Events come as a Poisson process of the given rate; one that finds no room is left out. */
int night_add_often(struct night *night, double per_hour, int (*add)(struct night *night));

/* A series of periodic leg movements, and some time of twitches. */
int night_add_plm_series(struct night *night);
int night_add_fasciculations(struct night *night);

double night_clamp(double value, double low, double high);
