/* SPDX-License-Identifier: MIT */
/*
 * Long listings on a terminal go through a pager: $PAGER, else less, which ends by itself when all fits
 * on one screen. Opened by verbs that list, closed by main.
 */
#pragma once

#include <sys/types.h>

#include "dbus/crampctl/crampctl.h"

struct pager {
        pid_t pid; /* 0 = none is open */
};

/* Does nothing unless standard output is a terminal, or with --no-pager, or with an empty PAGER or
 * "cat". From then on standard output is a pipe; text_may_colour() and text_columns() know. */
void pager_open(const struct global_options *global);

/* Waits until the reader has seen all. */
void pager_close(struct pager *pager);
