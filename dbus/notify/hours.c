/* SPDX-License-Identifier: MIT */
#include "dbus/notify/hours.h"

#include <errno.h>
#include <stdio.h>

int hours_parse(const char *text, struct hours *ret) {
        unsigned from_h, from_min, until_h, until_min;
        int n = 0;

        if (sscanf(text, "%2u:%2u-%2u:%2u%n", &from_h, &from_min, &until_h, &until_min, &n) != 4 ||
            text[n] || from_h > 23 || until_h > 24 || from_min > 59 || until_min > 59 ||
            (until_h == 24 && until_min > 0))
                return -EINVAL;
        *ret = (struct hours){.set = true,
                              .from_min = (int)(from_h * 60 + from_min),
                              .until_min = (int)(until_h * 60 + until_min)};
        return 0;
}

int hours_wait_s(time_t now) {
        struct tm local;

        /* A leap second is the 60th. */
        return localtime_r(&now, &local) && local.tm_sec < 60 ? 60 - local.tm_sec : 1;
}

bool hours_contain(const struct hours *hours, time_t now) {
        struct tm local;
        int minute;

        if (!hours->set || !localtime_r(&now, &local))
                return false;
        minute = local.tm_hour * 60 + local.tm_min;
        if (hours->from_min < hours->until_min)
                return minute >= hours->from_min && minute < hours->until_min;
        return minute >= hours->from_min || minute < hours->until_min;
}
