/* SPDX-License-Identifier: MIT */
/*
 * Hours of the day, as "22:00-07:00": from that minute to before the other, local time, over midnight if
 * the first is the later one. Pure: time comes in. Called by
 * options.c, troubles.c and desk.h.
 */
#pragma once

#include <stdbool.h>
#include <time.h>

struct hours {
        bool set;
        int from_min, until_min; /* minutes after midnight */
};

/* Returns 0, or -EINVAL. The same minute twice is the whole day. */
int hours_parse(const char *text, struct hours *ret);

/* When any hours may begin or end next: seconds until the next full minute, local time. */
int hours_wait_s(time_t now);

/* False for hours that are not set. */
bool hours_contain(const struct hours *hours, time_t now);
