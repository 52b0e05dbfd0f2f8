/* SPDX-License-Identifier: MIT */
/* The advisor on nights: what of them bears on advice, what they follow, and how they compare. See
 * advisor.h. */
#include "daemon/advisor.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/local-time.h"

#define HOUR_US 3.6e9

/* --- The nights */

/* A reported cramp counts where its sensor was monitoring: else it would stand against nights in which
 * as much might have gone unreported. */
static bool cramp_counts(const struct store_cramp *cramp) {
        return !cramp->reported || cramp->watched;
}

static bool evening_is_good(const struct store_evening *evening) {
        return (double)evening->monitored_us >= TRIAL_NIGHT_MIN_HOURS * HOUR_US;
}

static bool night_is_good(const struct store_person *person, const char *evening) {
        for (size_t i = person->n_evenings; i-- > 0;)
                if (strcmp(person->evenings[i].evening, evening) == 0)
                        return evening_is_good(&person->evenings[i]);
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

                n += day >= from && day < below && evening_is_good(&person->evenings[i]);
        }
        return n;
}

/* --- What nights follow */

/* The days that links look at: of each kind of entry the sum, and whether there is one at all; and the
 * night after, if it was a good one, with its clusters. */
struct days {
        double sum[LINK_MAX][ADVISOR_DAYS];
        bool logged[LINK_MAX][ADVISOR_DAYS];
        bool good[ADVISOR_DAYS];
        unsigned clusters[ADVISOR_DAYS];
};

static int link_of(int what) {
        return what == ENTRY_STANDING       ? LINK_STANDING
               : what == ENTRY_EXERCISE     ? LINK_EXERCISE
               : what == NUTRIENT_HYDRATION ? LINK_DRINK
                                            : -1;
}

static bool day_in(int64_t day, int64_t first_day) {
        return day >= first_day && day < first_day + ADVISOR_DAYS;
}

static void entries_look(const struct store_person *person, int64_t first_day, struct days *days) {
        struct entry amount;

        for (size_t i = 0; i < person->n_entries; i++) {
                int64_t day = advisor_day_of(&person->entries[i]);
                int link;

                if (!day_in(day, first_day) || !advisor_read_amount(&person->entries[i], &amount) ||
                    (link = link_of(amount.what)) < 0)
                        continue;
                days->sum[link][day - first_day] += amount.base;
                days->logged[link][day - first_day] = true;
        }
}

/* The night of a day is that of its evening. */
static void nights_look(const struct store_person *person, int64_t first_day, struct days *days) {
        int64_t last_us[ADVISOR_DAYS];

        for (size_t i = 0; i < person->n_evenings; i++) {
                int64_t day = advisor_day(person->evenings[i].evening);

                if (day_in(day, first_day))
                        days->good[day - first_day] = evening_is_good(&person->evenings[i]);
        }
        for (size_t i = 0; i < person->n_cramps; i++) {
                const struct store_cramp *cramp = &person->cramps[i];
                int64_t day = advisor_day(cramp->evening) - first_day;

                if (day < 0 || day >= ADVISOR_DAYS || !days->good[day] || !cramp_counts(cramp))
                        continue;
                /* As trial_clusters(): what comes within an hour of another is one with it. */
                if (days->clusters[day] == 0 ||
                    cramp->onset_us - last_us[day] >= (int64_t)TRIAL_CLUSTER_GAP_US)
                        days->clusters[day]++;
                last_us[day] = cramp->onset_us;
        }
}

static void links_look(const struct store_person *person, int64_t today,
                       struct advice_link ret[static LINK_MAX]) {
        static const struct {
                double limit;
                bool below;
        } kinds[LINK_MAX] = {
                [LINK_STANDING] = {ADVICE_LONG_STANDING_MIN, false},
                [LINK_EXERCISE] = {ADVICE_MUCH_EXERCISE_MIN, false},
                [LINK_DRINK] = {ADVICE_LITTLE_DRINK_ML, true},
        };
        struct days days = {0};

        entries_look(person, today - ADVISOR_DAYS + 1, &days);
        nights_look(person, today - ADVISOR_DAYS + 1, &days);
        memset(ret, 0, LINK_MAX * sizeof(ret[0]));
        for (int link = 0; link < LINK_MAX; link++)
                for (int day = 0; day < ADVISOR_DAYS; day++) {
                        bool below = days.sum[link][day] < kinds[link].limit;

                        if (!days.good[day] || (kinds[link].below && !days.logged[link][day]))
                                continue;
                        if (below == kinds[link].below) {
                                ret[link].nights_after++;
                                ret[link].clusters_after += days.clusters[day];
                        } else {
                                ret[link].nights_other++;
                                ret[link].clusters_other += days.clusters[day];
                        }
                }
}

/* Nobody timed a reported cramp. */
static double cramp_lasted_s(const struct store_cramp *cramp, int64_t now_us) {
        int64_t end_us = cramp->end_us == STORE_NO_TIME ? now_us : cramp->end_us;

        return cramp->reported ? 0 : (double)(end_us - cramp->onset_us) / 1e6;
}

int advisor_look_history(const struct store_person *person, int64_t now_us, struct advice_history *ret) {
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
        links_look(person, today, ret->links);
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
