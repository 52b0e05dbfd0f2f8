/* SPDX-License-Identifier: MIT */
/* A set of nights of one kind, run over all detectors. Needs night.h, pool.h and summary.h; called by
 * evaluate.c, read by report.c. */
#pragma once

#include "tests/evaluate/night.h"
#include "tests/evaluate/summary.h"

struct group {
        const char *name;
        struct night_plan plan; /* its seed is that of the first night */
        size_t nights;
        const struct rival_kind *kinds[8];
        size_t n_kinds;
        struct summary *summaries; /* of all settings of all kinds, in order */
        size_t n_summaries;
        double elapsed_s;
};

/* Runs the nights and fills in the rest. Says on standard error what is wrong. Returns 0 or -errno. */
int group_run(struct group *group, unsigned jobs);
void group_done(struct group *group);

/* Adds a kind, unless it needs more channels than there are. */
void group_add(struct group *group, const struct rival_kind *kind);

/* Where a kind's settings begin among the summaries. */
size_t group_first(const struct group *group, const struct rival_kind *kind);
