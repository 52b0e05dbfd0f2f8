/* SPDX-License-Identifier: MIT */
/*
 * A progress bar on standard error while a verb works through a file. Shown only on a terminal, on one
 * line that is cleared again, also when the user interrupts. Needs libc; called by `crampctl analyze`.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct progress {
        bool shown; /* on a terminal */
        bool drawn; /* there is a bar on the line now */
        const char *label;
        uint64_t total;
        int percent;
        struct sigaction interrupt, terminate; /* what was in force before */
};

/* `label` stays the caller's and must remain valid. */
void progress_begin(struct progress *progress, const char *label, uint64_t total);
void progress_update(struct progress *progress, uint64_t done);
/* Takes the bar away for a while, before something else is printed. */
void progress_clear(struct progress *progress);
void progress_end(struct progress *progress);
