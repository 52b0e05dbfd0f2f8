/* SPDX-License-Identifier: MIT */
/* The advisor: see advisor.h. */
#include "daemon/advisor.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/local-time.h"
#include "daemon/guidance/relief.h"

#define ASSIGNMENTS_MAX 32u
#define DAY_US (INT64_C(86400) * 1000000)

void advisor_read_profile(const char *text, struct profile *ret) {
        _cleanup_(freep) char *copy = strdup(text);
        const char *assignments[ASSIGNMENTS_MAX];
        struct profile_error error;
        char *rest = copy;
        size_t n = 0;

        *ret = PROFILE_EMPTY;
        for (char *line; rest && n < ASSIGNMENTS_MAX && (line = strsep(&rest, "\n"));)
                if (line[0])
                        assignments[n++] = line;
        if (profile_set_all(ret, assignments, n, &error) >= 0)
                return;
        for (size_t i = 0; i < n; i++)
                (void)profile_set(ret, assignments[i], &error);
}

int advisor_write_profile(const struct profile *profile, char *text, size_t size) {
        char value[PROFILE_VALUE_SIZE];
        size_t used = 0;

        text[0] = '\0';
        for (const char *const *key = profile_keys; *key; key++) {
                int r = profile_get(profile, *key, value, sizeof(value)), n;

                if (r < 0)
                        return r;
                if (!value[0])
                        continue;
                n = snprintf(text + used, size - used, "%s=%s\n", *key, value);
                if (n < 0 || (size_t)n >= size - used)
                        return -ENOBUFS;
                used += (size_t)n;
        }
        return 0;
}

/* --- Days */

/* The number that so many digits write, or -1. */
static int digits_read(const char *text, unsigned n) {
        int number = 0;

        for (unsigned i = 0; i < n; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return -1;
                number = 10 * number + (text[i] - '0');
        }
        return number;
}

/* Days from the civil calendar, counted in years that begin in March. Read by hand: lists of nights have
 * thousands of dates, and samples wait meanwhile. */
int64_t advisor_day(const char *date) {
        int year, month, day;
        int64_t era, of_era, of_year;

        if (strnlen(date, sizeof("2026-11-23")) != strlen("2026-11-23") || date[4] != '-' ||
            date[7] != '-')
                return INT64_MIN;
        year = digits_read(date, 4);
        month = digits_read(date + 5, 2);
        day = digits_read(date + 8, 2);
        if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31)
                return INT64_MIN;
        year -= month <= 2;
        era = year / 400;
        of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
        of_era = (int64_t)(year % 400) * 365 + year % 400 / 4 - year % 400 / 100 + of_year;
        return era * 146097 + of_era - 719468;
}

static int64_t local_day(int64_t time_us, int32_t zone_offset_s) {
        int64_t local_us = time_us + zone_offset_s * INT64_C(1000000);

        return local_us / DAY_US - (local_us % DAY_US < 0);
}

int64_t advisor_day_of(const struct store_entry *entry) {
        return local_day(entry->time_us, entry->zone_offset_s);
}

/* --- The log */

bool advisor_read_amount(const struct store_entry *entry, struct entry *ret) {
        struct amount_error error;

        return strcmp(entry->kind, "amount") == 0 &&
               entry_read(entry->what, entry->amount,
                          strcmp(entry->origin, "food") == 0 ? ENTRY_FROM_FOOD : ENTRY_FROM_SUPPLEMENT,
                          entry->compound[0] ? entry->compound : NULL, ret, &error) >= 0;
}

/* Sums by kind, and the days that have one. */
struct tally {
        double food[ENTRY_WHAT_MAX], supplement[ENTRY_WHAT_MAX];
        unsigned days[ENTRY_WHAT_MAX];
        int64_t last_day[ENTRY_WHAT_MAX];
};

static void tally_add(struct tally *tally, const struct entry *entry, int64_t day) {
        /* Water has no origin, nor has standing. */
        if (entry->from == ENTRY_FROM_FOOD || entry->what >= (int)NUTRIENT_HYDRATION)
                tally->food[entry->what] += entry->base;
        else
                tally->supplement[entry->what] += entry->base;
        tally->days[entry->what] += tally->days[entry->what] == 0 || tally->last_day[entry->what] != day;
        tally->last_day[entry->what] = day;
}

static double mean_of(const struct tally *tally, const double sums[], int what) {
        return tally->days[what] > 0 ? sums[what] / tally->days[what] : 0;
}

static void log_look(const struct store_person *person, struct advice_log *ret) {
        struct tally tally = {0};
        struct entry amount;

        *ret = (struct advice_log){0};
        for (size_t i = 0; i < person->n_entries; i++)
                if (advisor_read_amount(&person->entries[i], &amount))
                        tally_add(&tally, &amount, advisor_day_of(&person->entries[i]));
        for (int nutrient = 0; nutrient < NUTRIENT_MAX; nutrient++) {
                ret->food[nutrient] = mean_of(&tally, tally.food, nutrient);
                ret->supplement[nutrient] = mean_of(&tally, tally.supplement, nutrient);
                ret->days[nutrient] = tally.days[nutrient];
        }
        ret->standing_min = mean_of(&tally, tally.food, ENTRY_STANDING);
        ret->standing_days = tally.days[ENTRY_STANDING];
        ret->exercise_min = mean_of(&tally, tally.food, ENTRY_EXERCISE);
        ret->exercise_days = tally.days[ENTRY_EXERCISE];
}

static void symptoms_look(const struct store_person *person, int64_t now_us, struct symptoms *ret) {
        *ret = (struct symptoms){0};
        for (size_t i = 0; i < person->n_entries; i++) {
                const struct store_entry *entry = &person->entries[i];
                int symptom =
                        strcmp(entry->kind, "symptom") == 0 ? symptom_from_string(entry->what) : -1;
                bool both = strcmp(entry->leg, "both") == 0;

                if (symptom < 0 || entry->time_us < now_us - ADVISOR_SYMPTOM_DAYS * DAY_US)
                        continue;
                if (both || strcmp(entry->leg, "left") == 0)
                        ret->left |= SYMPTOM_BIT(symptom);
                if (both || strcmp(entry->leg, "right") == 0)
                        ret->right |= SYMPTOM_BIT(symptom);
                if (!entry->leg[0])
                        ret->unsaid |= SYMPTOM_BIT(symptom);
        }
}

/* --- All together */

struct store_person_filter advisor_filter(uid_t uid, int64_t now_us) {
        return (struct store_person_filter){
                .uid = uid,
                .entries_since_us = now_us - ADVISOR_DAYS * DAY_US,
                .entries_until_us = STORE_NO_TIME,
                .entries_max = STORE_ENTRIES_MAX,
                .nights = true,
                .nights_since_us = now_us - (2 * ADVISOR_DAYS + 1) * DAY_US,
        };
}

int advisor_look(const struct store_person *person, int64_t now_us, struct advisor_view *ret) {
        advisor_read_profile(person->profile, &ret->profile);
        log_look(person, &ret->log);
        symptoms_look(person, now_us, &ret->symptoms);
        return advisor_look_history(person, now_us, &ret->history);
}

static void sooner(int64_t *next_us, int64_t now_us, int64_t at_us) {
        if (at_us > now_us && at_us < *next_us)
                *next_us = at_us;
}

int64_t advisor_next_us(const struct store_person *person, int64_t now_us) {
        /* Nights are named by their evening, noon to noon, and count by that name. */
        int64_t next_us = next_noon_us(now_us);

        for (size_t i = 0; i < person->n_entries; i++) {
                bool symptom = strcmp(person->entries[i].kind, "symptom") == 0;

                sooner(&next_us, now_us,
                       person->entries[i].time_us +
                               (symptom ? ADVISOR_SYMPTOM_DAYS : ADVISOR_DAYS) * DAY_US + 1);
        }
        for (size_t i = 0; i < person->n_cramps; i++)
                if (!person->cramps[i].reported && person->cramps[i].end_us == STORE_NO_TIME) {
                        sooner(&next_us, now_us,
                               person->cramps[i].onset_us + (int64_t)(ADVICE_LONG_S * 1e6));
                        sooner(&next_us, now_us,
                               person->cramps[i].onset_us + (int64_t)RELIEF_HELP_AFTER_US);
                }
        return next_us;
}

struct advice_request advisor_request(const struct advisor_view *view, const char *topic) {
        return (struct advice_request){.profile = &view->profile,
                                       .log = &view->log,
                                       .history = &view->history,
                                       .symptoms = &view->symptoms,
                                       .topic = topic};
}
