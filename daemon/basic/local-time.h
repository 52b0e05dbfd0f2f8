/* SPDX-License-Identifier: MIT */
/*
 * Moments in local time: the zone's offset, and the evening that names a night. Needs libc and its zone.
 * Called wherever the daemon keeps or counts days and nights.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Seconds that local time is ahead of UTC at that moment. */
int32_t zone_offset_s(int64_t time_us);
/* That moment in local time: microseconds since 1970-01-01 00:00 there. */
int64_t local_us(int64_t time_us);
/* The calendar day of that moment, local time: "2026-11-23". */
void day_of(int64_t time_us, char *ret, size_t size);
/* The night of that moment, noon to noon local time, named by its evening: "2026-11-23". */
void evening_of(int64_t time_us, char *ret, size_t size);
/* The first noon after that moment, local time. */
int64_t next_noon_us(int64_t time_us);
