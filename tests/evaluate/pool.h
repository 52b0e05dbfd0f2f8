/* SPDX-License-Identifier: MIT */
/* Work on numbered pieces in several processes. Needs fork() and shared memory; called by evaluate.c. */
#pragma once

#include <stddef.h>

/* Zeroed memory that the processes of pool_run() share; NULL when there is none. */
void *pool_memory(size_t size);
void *pool_memory_free(void *memory, size_t size);

/* Calls `work` once for each of the n pieces, in `jobs` processes; it returns 0 or -errno. How many are
 * done is shown on standard error where that is a terminal. Returns 0, or -ECHILD when any of them
 * failed or died. */
int pool_run(size_t n, unsigned jobs, int (*work)(size_t piece, void *userdata), void *userdata);
