/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/summary.h"

#include <time.h>

#include "dbus/crampctl/json.h"

#define RATE_DECIMALS 6
#define DAYS_A_WEEK 7

static void write_day(struct json *json, const char *key, int day) {
        time_t s = (time_t)day * 86400;
        struct tm date = {};
        char text[40];

        (void)gmtime_r(&s, &date);
        (void)snprintf(text, sizeof(text), "%04d-%02d-%02d", date.tm_year + 1900, date.tm_mon + 1,
                       date.tm_mday);
        json_string(json, key, text);
}

static void write_seconds(struct json *json, const char *key, int64_t time_us) {
        json_double(json, key, (double)time_us / 1e6, 3);
}

static void write_span(struct json *json, const struct tally_span *span) {
        struct rate rate;

        json_uint(json, "nights", span->nights);
        json_uint(json, "nights_with_gaps", span->gappy);
        json_uint(json, "nights_short", span->brief);
        write_seconds(json, "monitored_s", span->monitored_us);
        json_uint(json, "cramps", span->cramps);
        json_uint(json, "missed", span->missed);
        json_uint(json, "missed_not_watched", span->unwatched);
        json_uint(json, "false_alarms", span->false_alarms);
        if (tally_rate(span, &rate) < 0) {
                json_null(json, "rate");
                json_null(json, "rate_low");
                json_null(json, "rate_high");
                return;
        }
        json_double(json, "rate", rate.rate, RATE_DECIMALS);
        json_double(json, "rate_low", rate.low, RATE_DECIMALS);
        json_double(json, "rate_high", rate.high, RATE_DECIMALS);
}

static void write_weeks(struct json *json, const struct tally *tally) {
        size_t first = (DAYS_A_WEEK - tally_weekday(tally->first_day)) % DAYS_A_WEEK;

        json_array_begin(json, "weeks");
        for (size_t i = 0; i < tally->n_days;) {
                /* From Monday; the first may be less than a week. */
                size_t n = i < first ? first : DAYS_A_WEEK;
                struct tally_span span = tally_sum(tally, i, n);

                json_object_begin(json, NULL);
                write_day(json, "from", tally->first_day + (int)i);
                write_span(json, &span);
                json_object_end(json);
                i += n;
        }
        json_array_end(json);
}

static void write_nights(struct json *json, const struct tally *tally) {
        json_array_begin(json, "nights");
        for (size_t i = 0; i < tally->n_days; i++) {
                const struct tally_day *day = tally->days + i;

                if (day->monitored_us <= 0 && day->cramps == 0 && day->false_alarms == 0)
                        continue;
                json_object_begin(json, NULL);
                write_day(json, "evening", tally->first_day + (int)i);
                write_seconds(json, "monitored_s", day->monitored_us);
                write_seconds(json, "gap_s", day->gap_us);
                json_uint(json, "cramps", day->cramps);
                json_uint(json, "missed", day->missed);
                json_uint(json, "false_alarms", day->false_alarms);
                json_object_end(json);
        }
        json_array_end(json);
}

static void write_counts(struct json *json, const char *key, const unsigned *counts, size_t n) {
        json_array_begin(json, key);
        for (size_t i = 0; i < n; i++)
                json_uint(json, NULL, counts[i]);
        json_array_end(json);
}

void summary_write_json(FILE *file, const struct tally *tally) {
        struct json json = JSON_INIT(file);

        json_object_begin(&json, NULL);
        write_day(&json, "first_evening", tally->first_day);
        write_day(&json, "last_evening", tally->first_day + (int)tally->n_days - 1);
        json_double(&json, "rate_hours", TALLY_RATE_HOURS, 1);
        json_object_begin(&json, "all");
        write_span(&json, &tally->all);
        json_object_end(&json);
        json_uint(&json, "confirmed", tally->confirmed);
        json_uint(&json, "simulated", tally->simulated);
        if (tally->n_lengths > 0) {
                write_seconds(&json, "median_s", tally->median_us);
                write_seconds(&json, "longest_s", tally->longest_us);
        } else {
                json_null(&json, "median_s");
                json_null(&json, "longest_s");
        }
        write_nights(&json, tally);
        write_weeks(&json, tally);
        write_counts(&json, "hours", tally->hours, TALLY_HOURS);
        write_counts(&json, "lengths", tally->lengths, TALLY_LENGTHS);
        json_object_end(&json);
        (void)json_finish(&json);
}
