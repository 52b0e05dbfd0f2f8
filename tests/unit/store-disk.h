/* SPDX-License-Identifier: MIT */
/*
 * A disk that can fail: an SQLite VFS in front of the system's own, which counts operations, lets chosen
 * ones fail, hang, or cuts the power, after which a file holds what was synced and any part of what was
 * not. It offers no shared memory, and never makes the real disk sync, which no test needs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum disk_operation {
        DISK_OPEN = 1,
        DISK_READ = 2,
        DISK_WRITE = 4,
        DISK_SYNC = 8,
        DISK_TRUNCATE = 16,
        DISK_DELETE = 32,
        DISK_ALL = 63,
};

/* From now on every connection of the process uses it. */
void disk_install(void);

/* Sound again, with all counts at 0. */
void disk_heal(void);

/* Operations since it was healed. */
unsigned disk_count(void);
/* Files that are open now. */
unsigned disk_open_files(void);

/* Of the operations in the mask, counted from now, lets number `first` (from 1) and up to `n` of them
 * fail, with `error`, or 0 for what fits each. */
void disk_fail(unsigned operations, unsigned first, unsigned n, int error);
/* How many have failed. */
unsigned disk_failures(void);

/* From operation `at` on (counted from now), nothing works any more. */
void disk_cut_power(unsigned at);
bool disk_is_off(void);
/* Power is back: puts the files into a state in which they may be found. What was not synced is lost
 * (keep 0), all there (keep 1), or there in part, down to single sectors (else, by that seed). */
void disk_power_up(uint32_t keep);

/* Syncs do not return until it is over. */
void disk_hang(bool hang);
bool disk_is_hanging(void);
