/* SPDX-License-Identifier: MIT */
/*
 * One simulated night: made in memory, given to all detectors at once, scored. Needs the corpus, the
 * rivals and the scorer; called by evaluate.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/evaluate/rival.h"
#include "tests/evaluate/score.h"

struct night_plan {
        const char *script;     /* a built-in one that is drawn from a seed */
        const char *recordings; /* folder whose real pieces take the model's place, or NULL */
        uint64_t seed;
        double hours;
        unsigned cramps;
        unsigned channels;
        unsigned rate_hz, bits; /* 0: home-night draws them, too; else 1000 Hz, 16 bits */
        double rest_min_uv;     /* no sensor with a quieter rest is drawn */
        bool accelerometer;     /* the sensor has one, and crampd's detector hears it */
        bool list;              /* print what the first setting got wrong */
};

/* Scores of all settings of all kinds, in order. Returns 0, -ENOMEM or, with `error` filled in, another
 * -errno. */
int night_run(const struct night_plan *plan, const struct rival_kind *const *kinds, size_t n_kinds,
              struct night_score *scores, struct corpus_error *error);

size_t night_settings(const struct rival_kind *const *kinds, size_t n_kinds);
