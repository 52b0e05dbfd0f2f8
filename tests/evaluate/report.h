/* SPDX-License-Identifier: MIT */
/* Tables of an evaluation, on standard output, and its figures as CSV. Needs group.h; called by
 * evaluate.c. */
#pragma once

#include <stdio.h>

#include "tests/evaluate/group.h"

/* `own`: the kind of crampd's detector in the group; its first setting is meant. */
void report_own(const struct group *group, const struct rival_kind *own);
void report_rivals(const struct group *group, const struct rival_kind *own);
void report_causes(const struct group *group, const struct rival_kind *own);
void report_equal(const struct group *group, const struct rival_kind *own);
void report_cells(const struct group *groups, size_t n_groups);

void report_csv_head(FILE *file);
void report_csv(FILE *file, const struct group *group);

/* The bars of the default setting. Returns how many are missed. */
unsigned report_bars(const struct group *one, const struct group *two, const struct rival_kind *own);
/* Those of slow and coarse sensors, against the first group. */
unsigned report_cell_bars(const struct group *groups, size_t n_groups);
