/* SPDX-License-Identifier: MIT */
/* The advisor: see advisor.h. */
#include "daemon/advisor.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/guidance/relief.h"
#include "daemon/night.h"

#define ASSIGNMENTS_MAX 32u
#define DAY_US (INT64_C(86400) * 1000000)
#define HOUR_US 3.6e9

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

/* Days from the civil calendar, counted in years that begin in March. */
int64_t advisor_day(const char *date) {
        int year, month, day, length = 0;
        int64_t era, of_era, of_year;

        if (sscanf(date, "%4d-%2d-%2d%n", &year, &month, &day, &length) != 3 || date[length] ||
            month < 1 || month > 12 || day < 1 || day > 31 || year < 1)
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

/* --- The nights */

/* A reported cramp counts where its sensor was monitoring: else it would stand against nights in which
 * as much might have gone unreported. */
static bool cramp_counts(const struct store_cramp *cramp) {
        return !cramp->reported || cramp->watched;
}

static bool night_is_good(const struct store_person *person, const char *evening) {
        for (size_t i = person->n_evenings; i-- > 0;)
                if (strcmp(person->evenings[i].evening, evening) == 0)
                        return (double)person->evenings[i].monitored_us >=
                               TRIAL_NIGHT_MIN_HOURS * HOUR_US;
        return false;
}

/* Clusters from one day up to, not including, another: of all that is known, or, to be held against a
 * number of nights, in good ones. */
static unsigned clusters_count(const struct store_person *person, bool all, int64_t from, int64_t below,
                               int64_t onsets_us[]) {
        size_t n = 0;

        for (size_t i = 0; i < person->n_cramps; i++) {
                const struct store_cramp *cramp = &person->cramps[i];
                int64_t day = advisor_day(cramp->evening);

                if (day >= from && day < below &&
                    (all || (cramp_counts(cramp) && night_is_good(person, cramp->evening))))
                        onsets_us[n++] = cramp->onset_us;
        }
        return trial_clusters(onsets_us, n);
}

static unsigned nights_count(const struct store_person *person, int64_t from, int64_t below) {
        unsigned n = 0;

        for (size_t i = 0; i < person->n_evenings; i++) {
                int64_t day = advisor_day(person->evenings[i].evening);

                n += day >= from && day < below && night_is_good(person, person->evenings[i].evening);
        }
        return n;
}

/* Nobody timed a reported cramp. */
static double cramp_lasted_s(const struct store_cramp *cramp, int64_t now_us) {
        int64_t end_us = cramp->end_us == STORE_NO_TIME ? now_us : cramp->end_us;

        return cramp->reported ? 0 : (double)(end_us - cramp->onset_us) / 1e6;
}

static int history_look(const struct store_person *person, int64_t now_us, struct advice_history *ret) {
        _cleanup_(freep) int64_t *onsets_us = calloc(person->n_cramps + 1, sizeof(*onsets_us));
        char evening[16];
        int64_t today;
        int pain = 0, rated = 0;

        if (!onsets_us)
                return -ENOMEM;
        evening_of(now_us, evening, sizeof(evening));
        today = advisor_day(evening);
        *ret = (struct advice_history){.mean_pain = (double)NAN};
        ret->nights = nights_count(person, today - ADVISOR_DAYS + 1, today + 1);
        ret->nights_before =
                nights_count(person, today - 2 * ADVISOR_DAYS + 1, today - ADVISOR_DAYS + 1);
        ret->clusters = clusters_count(person, false, today - ADVISOR_DAYS + 1, today + 1, onsets_us);
        ret->clusters_before = clusters_count(person, false, today - 2 * ADVISOR_DAYS + 1,
                                              today - ADVISOR_DAYS + 1, onsets_us);
        ret->clusters_known =
                clusters_count(person, true, today - ADVISOR_DAYS + 1, today + 1, onsets_us);
        ret->days = ADVISOR_DAYS;
        /* A long cramp is a reason for a doctor in whatever night it was. */
        for (size_t i = 0; i < person->n_cramps; i++) {
                const struct store_cramp *cramp = &person->cramps[i];

                if (advisor_day(cramp->evening) <= today - ADVISOR_DAYS)
                        continue;
                ret->reported += cramp->reported;
                ret->longest_s = fmax(ret->longest_s, cramp_lasted_s(cramp, now_us));
                ret->long_cramps += cramp_lasted_s(cramp, now_us) >= ADVICE_LONG_S;
                if (cramp->pain != STORE_NO_PAIN) {
                        pain += cramp->pain;
                        rated++;
                }
        }
        if (rated > 0)
                ret->mean_pain = (double)pain / rated;
        return 0;
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
        return history_look(person, now_us, &ret->history);
}

static void sooner(int64_t *next_us, int64_t now_us, int64_t at_us) {
        if (at_us > now_us && at_us < *next_us)
                *next_us = at_us;
}

int64_t advisor_next_us(const struct store_person *person, int64_t now_us) {
        /* Nights are named by their evening, noon to noon, and count by that name. */
        int64_t to_noon_us = DAY_US - (local_us(now_us) + DAY_US / 2) % DAY_US;
        int64_t next_us = now_us + to_noon_us;

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

/* --- Trials */

static struct trial_plan plan_of(const struct store_trial *trial) {
        int64_t end = advisor_day(trial->end_day);

        return (struct trial_plan){
                .design = strcmp(trial->design, "alternating") == 0 ? TRIAL_ALTERNATING
                                                                    : TRIAL_BEFORE_AFTER,
                .start_day = advisor_day(trial->start_day),
                .end_day = end == INT64_MIN ? INT64_MAX : end,
                .baseline_days = trial->baseline_days,
                .block_days = trial->block_days,
                .washout_days = trial->washout_days,
        };
}

static void cramp_take(const struct store_cramp *cramp, struct trial_night *night) {
        if (cramp->pain != STORE_NO_PAIN) {
                night->rated++;
                night->pain += cramp->pain;
        }
        if (cramp->reported) {
                night->reported++;
                return;
        }
        night->cramps++;
        night->strong += cramp->strong;
        if (cramp->end_us != STORE_NO_TIME)
                night->cramps_s += (double)(cramp->end_us - cramp->onset_us) / 1e6;
}

/* Fills in the cramps of the evening, which begin at `first`; returns where those of later ones do. */
static size_t cramps_take(const struct store_person *person, const char *evening, size_t first,
                          int64_t onsets_us[], struct trial_night *night) {
        const struct store_cramp *cramps = person->cramps;
        size_t n = 0;

        while (first < person->n_cramps && strcmp(cramps[first].evening, evening) < 0)
                first++;
        for (; first < person->n_cramps && strcmp(cramps[first].evening, evening) == 0; first++) {
                if (!cramp_counts(&cramps[first]))
                        continue;
                onsets_us[n++] = cramps[first].onset_us;
                cramp_take(&cramps[first], night);
        }
        night->clusters = trial_clusters(onsets_us, n);
        return first;
}

static unsigned reported_left_out(const struct store_person *person, const struct trial_plan *plan) {
        unsigned n = 0;

        for (size_t i = 0; i < person->n_cramps; i++)
                n += !cramp_counts(&person->cramps[i]) &&
                     trial_phase_of(plan, advisor_day(person->cramps[i].evening)) != TRIAL_APART;
        return n;
}

int advisor_compare(const struct store_person *person, const struct store_trial *trial,
                    struct trial_result *ret) {
        _cleanup_(freep) struct trial_night *nights = calloc(person->n_evenings + 1, sizeof(*nights));
        _cleanup_(freep) int64_t *onsets_us = calloc(person->n_cramps + 1, sizeof(*onsets_us));
        const struct trial_plan plan = plan_of(trial);
        size_t next = 0;

        if (!nights || !onsets_us)
                return -ENOMEM;
        for (size_t i = 0; i < person->n_evenings; i++) {
                const struct store_evening *evening = &person->evenings[i];

                nights[i].phase = trial_phase_of(&plan, advisor_day(evening->evening));
                nights[i].monitored_hours = (double)evening->monitored_us / HOUR_US;
                next = cramps_take(person, evening->evening, next, onsets_us, &nights[i]);
        }
        trial_compare(plan.design, nights, person->n_evenings, ret);
        ret->reported_left_out = reported_left_out(person, &plan);
        return 0;
}
