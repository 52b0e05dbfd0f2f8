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
        const char *script; /* a built-in one that is drawn from a seed */
        uint64_t seed;
        double hours;
        unsigned cramps;
        unsigned channels, rate_hz, bits;
        /* The sensor is drawn from the seed, too: rest between these, on a logarithmic scale; mains in
         * half of the nights. */
        double rest_min_uv, rest_max_uv;
        bool mains;
};

/* Scores of all settings of all kinds, in order. Returns 0, -ENOMEM or, with `error` filled in, another
 * -errno. */
int night_run(const struct night_plan *plan, const struct rival_kind *const *kinds, size_t n_kinds,
              struct night_score *scores, struct corpus_error *error);

size_t night_settings(const struct rival_kind *const *kinds, size_t n_kinds);
