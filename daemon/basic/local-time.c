/* SPDX-License-Identifier: MIT */
/* Moments in local time: see local-time.h. */
#include "daemon/basic/local-time.h"

#include <time.h>

#define HALF_DAY_US (INT64_C(43200) * 1000000)

int32_t zone_offset_s(int64_t time_us) {
        time_t seconds = (time_t)(time_us / 1000000);
        struct tm local;

        return localtime_r(&seconds, &local) ? (int32_t)local.tm_gmtoff : 0;
}

int64_t local_us(int64_t time_us) {
        return time_us + (int64_t)zone_offset_s(time_us) * 1000000;
}

/* `wall_us`: as a clock on the wall shows it. */
static void date_print(int64_t wall_us, char *ret, size_t size) {
        time_t seconds = (time_t)(wall_us / 1000000);
        struct tm wall;

        if (!gmtime_r(&seconds, &wall) || strftime(ret, size, "%Y-%m-%d", &wall) == 0)
                ret[0] = '\0';
}

void day_of(int64_t time_us, char *ret, size_t size) {
        date_print(local_us(time_us), ret, size);
}

/* 01:00 belongs to the day before. Half a day by the clock on the wall: on two days of the year noon is
 * not twelve hours after midnight. */
void evening_of(int64_t time_us, char *ret, size_t size) {
        date_print(local_us(time_us) - HALF_DAY_US, ret, size);
}

int64_t next_noon_us(int64_t time_us) {
        time_t seconds = (time_t)(time_us / 1000000), at = -1;
        struct tm noon;

        if (localtime_r(&seconds, &noon)) {
                noon.tm_mday += noon.tm_hour >= 12;
                noon.tm_hour = 12;
                noon.tm_min = noon.tm_sec = 0;
                noon.tm_isdst = -1;
                at = mktime(&noon);
        }
        return at > seconds ? (int64_t)at * 1000000 : time_us + 2 * HALF_DAY_US;
}
