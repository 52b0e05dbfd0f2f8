/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/timestamp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define US_PER_S INT64_C(1000000)
#define RELATIVE_DIGITS_MAX 6u

/* --- reading --- */

/* Takes exactly `digits` digits off the front of `*text`. */
static int digits_take(const char **text, unsigned digits, int *ret) {
        int value = 0;

        for (unsigned i = 0; i < digits; i++) {
                char c = (*text)[i];

                if (c < '0' || c > '9')
                        return -EINVAL;
                value = value * 10 + (c - '0');
        }
        *text += digits;
        *ret = value;
        return 0;
}

static bool character_take(const char **text, char character) {
        if (**text != character)
                return false;
        (*text)++;
        return true;
}

static int days_in_month(int year, int month) {
        static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        return month == 2 && leap ? 29 : days[month - 1];
}

static int date_take(const char **text, struct tm *tm) {
        int year, month, day;

        if (digits_take(text, 4, &year) < 0 || !character_take(text, '-') ||
            digits_take(text, 2, &month) < 0 || !character_take(text, '-') ||
            digits_take(text, 2, &day) < 0)
                return -EINVAL;
        if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
                return -EINVAL;
        tm->tm_year = year - 1900;
        tm->tm_mon = month - 1;
        tm->tm_mday = day;
        return 0;
}

/* What follows the point; digits beyond microseconds are cut. */
static int fraction_take(const char **text, int64_t *ret_us) {
        int64_t us = 0, unit_us = US_PER_S / 10;
        const char *begin = *text;

        for (; **text >= '0' && **text <= '9'; (*text)++, unit_us /= 10)
                us += (**text - '0') * unit_us;
        if (*text == begin)
                return -EINVAL;
        *ret_us = us;
        return 0;
}

static int clock_take(const char **text, struct tm *tm, int64_t *ret_us) {
        if (digits_take(text, 2, &tm->tm_hour) < 0 || !character_take(text, ':') ||
            digits_take(text, 2, &tm->tm_min) < 0 || tm->tm_hour > 23 || tm->tm_min > 59)
                return -EINVAL;
        if (!character_take(text, ':'))
                return 0;
        if (digits_take(text, 2, &tm->tm_sec) < 0 || tm->tm_sec > 59)
                return -EINVAL;
        return character_take(text, '.') ? fraction_take(text, ret_us) : 0;
}

/* Z, +01:00, +0100 or +01; `*ret_local` if there is none. */
static int offset_take(const char **text, bool *ret_local, int *ret_offset_s) {
        int hours, minutes = 0, sign;

        *ret_local = false;
        *ret_offset_s = 0;
        if (**text == 0) {
                *ret_local = true;
                return 0;
        }
        if (character_take(text, 'Z'))
                return 0;

        sign = **text == '-' ? -1 : 1;
        if (!character_take(text, '+') && !character_take(text, '-'))
                return -EINVAL;
        if (digits_take(text, 2, &hours) < 0)
                return -EINVAL;
        if (character_take(text, ':') || **text) {
                if (digits_take(text, 2, &minutes) < 0)
                        return -EINVAL;
        }
        if (hours > 23 || minutes > 59)
                return -EINVAL;
        *ret_offset_s = sign * (hours * 3600 + minutes * 60);
        return 0;
}

static int local_to_us(struct tm *tm, int64_t *ret_us) {
        time_t seconds;

        tm->tm_isdst = -1;
        tm->tm_wday = -1;
        seconds = mktime(tm);
        /* -1 is also the last second of 1969; the weekday tells whether mktime() succeeded. */
        if (tm->tm_wday < 0)
                return -EINVAL;
        *ret_us = (int64_t)seconds * US_PER_S;
        return 0;
}

static int absolute_parse(const char *text, int64_t *ret_us) {
        struct tm tm = {};
        int64_t us = 0, fraction_us = 0;
        int offset_s = 0, r;
        bool local = true;

        if (date_take(&text, &tm) < 0)
                return -EINVAL;
        if (*text && ((!character_take(&text, 'T') && !character_take(&text, ' ')) ||
                      clock_take(&text, &tm, &fraction_us) < 0 ||
                      offset_take(&text, &local, &offset_s) < 0 || *text))
                return -EINVAL;

        if (local) {
                r = local_to_us(&tm, &us);
                if (r < 0)
                        return r;
        } else
                us = ((int64_t)timegm(&tm) - offset_s) * US_PER_S;
        *ret_us = us + fraction_us;
        return 0;
}

/* When the clock last showed that time. */
static int clock_parse(const char *text, int64_t now_us, int64_t *ret_us) {
        time_t now_s = (time_t)(now_us / US_PER_S);
        int64_t fraction_us = 0, us;
        struct tm tm, earlier;
        int r;

        if (!localtime_r(&now_s, &tm))
                return -EINVAL;
        tm.tm_sec = 0;
        if (clock_take(&text, &tm, &fraction_us) < 0 || *text)
                return -EINVAL;
        earlier = tm;
        r = local_to_us(&tm, &us);
        if (r >= 0 && us + fraction_us > now_us) {
                earlier.tm_mday--;
                r = local_to_us(&earlier, &us);
        }
        if (r >= 0)
                *ret_us = us + fraction_us;
        return r;
}

/* `days` calendar days before now: at the same time of day, or at the day's first moment. */
static int days_before(int64_t now_us, int days, bool midnight, int64_t *ret_us) {
        time_t now_s = (time_t)(now_us / US_PER_S);
        struct tm tm;

        if (!localtime_r(&now_s, &tm))
                return -EINVAL;
        tm.tm_mday -= days;
        if (midnight)
                tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        return local_to_us(&tm, ret_us);
}

static int relative_parse(const char *text, int64_t now_us, int64_t *ret_us) {
        size_t digits = strspn(text + 1, "0123456789");
        int n = 0;

        if (digits == 0 || digits > RELATIVE_DIGITS_MAX)
                return -EINVAL;
        text++;
        (void)digits_take(&text, (unsigned)digits, &n);
        if (text[0] == 0 || text[1] != 0)
                return -EINVAL;
        switch (text[0]) {
        case 'm':
                *ret_us = now_us - n * (60 * US_PER_S);
                return 0;
        case 'h':
                *ret_us = now_us - n * (3600 * US_PER_S);
                return 0;
        case 'd':
                return days_before(now_us, n, false, ret_us);
        case 'w':
                return days_before(now_us, n * 7, false, ret_us);
        default:
                return -EINVAL;
        }
}

int timestamp_parse(const char *text, int64_t now_us, int64_t *ret_us) {
        if (strcmp(text, "now") == 0) {
                *ret_us = now_us;
                return 0;
        }
        if (strcmp(text, "today") == 0)
                return days_before(now_us, 0, true, ret_us);
        if (strcmp(text, "yesterday") == 0)
                return days_before(now_us, 1, true, ret_us);
        if (text[0] == '-')
                return relative_parse(text, now_us, ret_us);
        return strlen(text) > 2 && text[2] == ':' ? clock_parse(text, now_us, ret_us)
                                                  : absolute_parse(text, ret_us);
}

/* --- writing --- */

/* Splits into whole seconds and the rest, which is never negative. */
static int64_t seconds_floor(int64_t time_us, int64_t *ret_rest_us) {
        int64_t seconds = time_us / US_PER_S, rest_us = time_us % US_PER_S;

        if (rest_us < 0) {
                rest_us += US_PER_S;
                seconds--;
        }
        *ret_rest_us = rest_us;
        return seconds;
}

static void split(int64_t time_us, int zone_offset_s, struct tm *ret_tm, int *ret_ms) {
        int64_t rest_us;
        time_t seconds = (time_t)(seconds_floor(time_us, &rest_us) + zone_offset_s);

        *ret_tm = (struct tm){};
        /* Cannot fail: the years of int64 microseconds fit into an int. */
        (void)gmtime_r(&seconds, ret_tm);
        *ret_ms = (int)(rest_us / 1000);
}

void timestamp_format_iso(int64_t time_us, int zone_offset_s, char buffer[static TIMESTAMP_SIZE]) {
        int offset_min = zone_offset_s / 60;
        int magnitude_min = offset_min < 0 ? -offset_min : offset_min;
        struct tm tm;
        int ms;

        split(time_us, offset_min * 60, &tm, &ms);
        (void)snprintf(buffer, TIMESTAMP_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03d%c%02d:%02d",
                       tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                       ms, offset_min < 0 ? '-' : '+', magnitude_min / 60, magnitude_min % 60);
}

void timestamp_format_people(int64_t time_us, int zone_offset_s, char buffer[static TIMESTAMP_SIZE]) {
        struct tm tm;
        int ms;

        split(time_us, zone_offset_s, &tm, &ms);
        (void)snprintf(buffer, TIMESTAMP_SIZE, "%04d-%02d-%02d %02d:%02d:%02d", tm.tm_year + 1900,
                       tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

int timestamp_local_offset(int64_t time_us) {
        int64_t rest_us;
        time_t seconds = (time_t)seconds_floor(time_us, &rest_us);
        struct tm tm;

        return localtime_r(&seconds, &tm) ? (int)tm.tm_gmtoff : 0;
}

int64_t timestamp_now_us(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_REALTIME, &now);
        return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}
