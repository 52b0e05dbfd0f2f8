/* SPDX-License-Identifier: MIT */
/*
 * Points in time as people write and read them. Inside they are integer microseconds since 1970-01-01
 * UTC.
 */
#pragma once

#include <stdint.h>

#define TIMESTAMP_SIZE 96

/*
 * Understands, for --since and --until:
 *   2026-11-23                     that day's first moment, local time
 *   2026-11-23T02:14[:05[.25]]     local time; a blank may stand for the T
 *   2026-11-23T02:14:05+01:00      with an offset, or Z
 *   02:14[:05[.25]]                when the clock last showed that, local time
 *   now, today, yesterday          the days from their first moment
 *   -7d, -2w                       as many days or weeks before now, at the same time of day
 *   -12h, -30m                     as many hours or minutes before now
 * Returns 0, or -EINVAL.
 */
int timestamp_parse(const char *text, int64_t now_us, int64_t *ret_us);

/* "2026-11-23T02:14:05.250+01:00". ISO 8601 knows no seconds in offsets: such are cut to the minute. */
void timestamp_format_iso(int64_t time_us, int zone_offset_s, char buffer[static TIMESTAMP_SIZE]);

/* "2026-11-23 02:14:05", on the clock of that offset. */
void timestamp_format_people(int64_t time_us, int zone_offset_s, char buffer[static TIMESTAMP_SIZE]);

/* Of the local zone at that time, seconds east of UTC. */
int timestamp_local_offset(int64_t time_us);

int64_t timestamp_now_us(void);
