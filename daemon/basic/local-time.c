/* SPDX-License-Identifier: MIT */
/* Moments in local time: see local-time.h. */
#include "daemon/basic/local-time.h"

#include <time.h>

int32_t zone_offset_s(int64_t time_us) {
        time_t seconds = (time_t)(time_us / 1000000);
        struct tm local;

        return localtime_r(&seconds, &local) ? (int32_t)local.tm_gmtoff : 0;
}

int64_t local_us(int64_t time_us) {
        return time_us + (int64_t)zone_offset_s(time_us) * 1000000;
}

/* 01:00 belongs to the day before. */
void evening_of(int64_t time_us, char *ret, size_t size) {
        time_t seconds = (time_t)(time_us / 1000000) - 12 * 3600;
        struct tm local;

        if (!localtime_r(&seconds, &local) || strftime(ret, size, "%Y-%m-%d", &local) == 0)
                ret[0] = '\0';
}
