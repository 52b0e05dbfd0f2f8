/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"

#define SECOND_US INT64_C(1000000)
#define DAY_S 86400
#define CONFIDENCE 0.95

static const int64_t lengths_us[TALLY_LENGTHS - 1] = {30 * SECOND_US, 60 * SECOND_US, 120 * SECOND_US,
                                                      300 * SECOND_US};

struct night {
        int day;
        unsigned sensor;
        int64_t monitored_us, gap_us;
};

struct cramp {
        int day;
        unsigned hour;
        enum tally_kind kind;
        int64_t length_us;
};

struct tally_source {
        struct night *nights;
        size_t n_nights, nights_allocated;
        struct cramp *cramps;
        size_t n_cramps, cramps_allocated;
        bool out_of_memory;
};

struct tally_source *tally_source_new(void) {
        return calloc(1, sizeof(struct tally_source));
}

struct tally_source *tally_source_free(struct tally_source *source) {
        if (!source)
                return NULL;
        free(source->nights);
        free(source->cramps);
        free(source);
        return NULL;
}

/* Room for one more. */
static bool grow(struct tally_source *source, void *array, size_t n, size_t *allocated, size_t size) {
        size_t more = *allocated ? 2 * *allocated : 256;
        void *old, *larger;

        if (n < *allocated)
                return true;
        memcpy(&old, array, sizeof(old));
        larger = source->out_of_memory ? NULL : reallocarray(old, more, size);
        if (!larger) {
                source->out_of_memory = true;
                return false;
        }
        memcpy(array, &larger, sizeof(larger));
        *allocated = more;
        return true;
}

void tally_add_night(struct tally_source *source, int day, unsigned sensor, int64_t monitored_us,
                     int64_t gap_us) {
        if (!grow(source, &source->nights, source->n_nights, &source->nights_allocated,
                  sizeof(*source->nights)))
                return;
        source->nights[source->n_nights++] = (struct night){day, sensor, monitored_us, gap_us};
}

/* Seconds of the local clock; times beyond any calendar stay within. */
static int64_t local_s(int64_t time_us, int zone_offset_s) {
        int64_t s = time_us / SECOND_US - (time_us % SECOND_US < 0);

        return s + zone_offset_s;
}

static int64_t floor_div(int64_t a, int64_t b) {
        return a / b - (a % b < 0);
}

int tally_day_of(int64_t time_us, int zone_offset_s) {
        return (int)floor_div(local_s(time_us, zone_offset_s) - DAY_S / 2, DAY_S);
}

void tally_add_cramp(struct tally_source *source, int64_t onset_us, int zone_offset_s, int64_t length_us,
                     enum tally_kind kind) {
        int64_t s = local_s(onset_us, zone_offset_s);

        if (!grow(source, &source->cramps, source->n_cramps, &source->cramps_allocated,
                  sizeof(*source->cramps)))
                return;
        source->cramps[source->n_cramps++] = (struct cramp){
                .day = tally_day_of(onset_us, zone_offset_s),
                .hour = (unsigned)((s - floor_div(s, DAY_S) * DAY_S) / 3600),
                .kind = kind,
                .length_us = length_us,
        };
}

/* --- making --- */

static int compare_nights(const void *a, const void *b) {
        const struct night *x = a, *y = b;

        if (x->day != y->day)
                return x->day < y->day ? -1 : 1;
        return x->sensor == y->sensor ? 0 : x->sensor < y->sensor ? -1 : 1;
}

static int compare_times(const void *a, const void *b) {
        const int64_t *x = a, *y = b;

        return *x == *y ? 0 : *x < *y ? -1 : 1;
}

static struct tally_day *day_find(struct tally *tally, int day) {
        int64_t index = (int64_t)day - tally->first_day;

        return index >= 0 && index < (int64_t)tally->n_days ? tally->days + index : NULL;
}

/* A night may have several stretches of several sensors; the sensor that watched longest stands for it.
 */
static void nights_take(struct tally *tally, struct tally_source *source) {
        if (source->n_nights > 0)
                qsort(source->nights, source->n_nights, sizeof(*source->nights), compare_nights);
        for (size_t i = 0; i < source->n_nights;) {
                struct night sum = source->nights[i];
                struct tally_day *day = day_find(tally, sum.day);

                for (i++; i < source->n_nights && compare_nights(&sum, source->nights + i) == 0; i++) {
                        sum.monitored_us += source->nights[i].monitored_us;
                        sum.gap_us += source->nights[i].gap_us;
                }
                if (day && sum.monitored_us > day->monitored_us) {
                        day->monitored_us = sum.monitored_us;
                        day->gap_us = sum.gap_us;
                }
        }
}

static void length_take(struct tally *tally, int64_t length_us, int64_t *lengths) {
        unsigned bin = 0;

        if (length_us < 0)
                return;
        while (bin < TALLY_LENGTHS - 1 && length_us >= lengths_us[bin])
                bin++;
        tally->lengths[bin]++;
        lengths[tally->n_lengths++] = length_us;
        if (length_us > tally->longest_us)
                tally->longest_us = length_us;
}

static void cramp_take(struct tally *tally, const struct cramp *cramp, int64_t *lengths) {
        struct tally_day *day = day_find(tally, cramp->day);

        if (!day)
                return;
        if (cramp->kind == TALLY_FALSE_ALARM) {
                day->false_alarms++;
                return;
        }
        day->cramps++;
        day->missed += cramp->kind == TALLY_MISSED || cramp->kind == TALLY_MISSED_UNWATCHED;
        day->unwatched += cramp->kind == TALLY_MISSED_UNWATCHED;
        tally->confirmed += cramp->kind == TALLY_CONFIRMED;
        tally->hours[cramp->hour]++;
        length_take(tally, cramp->length_us, lengths);
}

static void median_take(struct tally *tally, int64_t *lengths) {
        size_t n = tally->n_lengths;

        if (n == 0)
                return;
        qsort(lengths, n, sizeof(*lengths), compare_times);
        tally->median_us = n % 2 ? lengths[n / 2] : lengths[n / 2 - 1] / 2 + lengths[n / 2] / 2;
}

static void range_of_data(const struct tally_source *source, int *first, int *last) {
        *first = INT32_MAX;
        *last = INT32_MIN;
        for (size_t i = 0; i < source->n_nights; i++) {
                *first = source->nights[i].day < *first ? source->nights[i].day : *first;
                *last = source->nights[i].day > *last ? source->nights[i].day : *last;
        }
        for (size_t i = 0; i < source->n_cramps; i++) {
                *first = source->cramps[i].day < *first ? source->cramps[i].day : *first;
                *last = source->cramps[i].day > *last ? source->cramps[i].day : *last;
        }
}

int tally_make(struct tally_source *source, int first_day, int last_day, struct tally *ret) {
        _cleanup_(freep) int64_t *lengths = NULL;
        struct tally tally = {};
        int first, last;

        if (source->out_of_memory)
                return -ENOMEM;
        range_of_data(source, &first, &last);
        if (last < first)
                first = last = first_day != TALLY_NO_DAY  ? first_day
                               : last_day != TALLY_NO_DAY ? last_day
                                                          : 0;
        if (first_day != TALLY_NO_DAY && first_day > first)
                first = first_day;
        if (last_day != TALLY_NO_DAY)
                last = last_day;
        if (last < first)
                last = first;
        if ((int64_t)last - first >= TALLY_DAYS_MAX)
                return -ERANGE;
        tally.first_day = first;
        tally.n_days = (size_t)(last - first) + 1;
        tally.days = calloc(tally.n_days, sizeof(*tally.days));
        lengths = calloc(source->n_cramps + 1, sizeof(*lengths));
        if (!tally.days || !lengths) {
                free(tally.days);
                return -ENOMEM;
        }
        nights_take(&tally, source);
        for (size_t i = 0; i < source->n_cramps; i++)
                cramp_take(&tally, source->cramps + i, lengths);
        median_take(&tally, lengths);
        tally.all = tally_sum(&tally, 0, tally.n_days);
        *ret = tally;
        return 0;
}

void tally_clear(struct tally *tally) {
        free(tally->days);
        *tally = (struct tally){};
}

/* --- asking --- */

struct tally_span tally_sum(const struct tally *tally, size_t index, size_t n) {
        struct tally_span span = {};

        for (size_t i = index; i < index + n && i < tally->n_days; i++) {
                const struct tally_day *day = tally->days + i;

                span.cramps += day->cramps;
                span.missed += day->missed;
                span.unwatched += day->unwatched;
                span.false_alarms += day->false_alarms;
                if (day->monitored_us <= 0)
                        continue;
                span.nights++;
                span.gappy += day->gap_us >= TALLY_GAPS_US;
                span.brief += day->monitored_us < TALLY_SHORT_US;
                span.monitored_us += day->monitored_us;
                span.cramps_watched += day->cramps - day->unwatched;
        }
        return span;
}

int tally_rate(const struct tally_span *span, struct rate *ret) {
        double nights = (double)span->monitored_us / 3.6e9 / TALLY_RATE_HOURS;

        return rate_exact(span->cramps_watched, nights, CONFIDENCE, ret) < 0 ? -ENODATA : 0;
}

unsigned tally_weekday(int day) {
        /* 1970-01-01 was a Thursday. */
        int weekday = (day % 7 + 3) % 7;

        return (unsigned)(weekday < 0 ? weekday + 7 : weekday);
}
