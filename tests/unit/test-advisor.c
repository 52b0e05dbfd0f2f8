/* SPDX-License-Identifier: MIT */
/* What the store keeps of a person, as guidance sees it: days, means, windows, clusters, and what cannot
 * be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/advisor.h"

#define SECOND_US INT64_C(1000000)
#define HOUR_US (3600 * SECOND_US)
#define DAY_US (24 * HOUR_US)
/* 2026-11-24 20:00 UTC. */
#define NOW_US (INT64_C(1795550400) * SECOND_US)

static struct store_entry amount(int64_t time_us, const char *what, const char *text,
                                 const char *origin) {
        struct store_entry entry = {.time_us = time_us, .kind = "amount"};

        (void)snprintf(entry.what, sizeof(entry.what), "%s", what);
        (void)snprintf(entry.amount, sizeof(entry.amount), "%s", text);
        (void)snprintf(entry.origin, sizeof(entry.origin), "%s", origin);
        return entry;
}

static struct store_entry symptom(int64_t time_us, const char *what, const char *leg) {
        struct store_entry entry = {.time_us = time_us, .kind = "symptom"};

        (void)snprintf(entry.what, sizeof(entry.what), "%s", what);
        (void)snprintf(entry.leg, sizeof(entry.leg), "%s", leg);
        return entry;
}

static void test_days(void **state) {
        assert_int_equal(advisor_day("1970-01-01"), 0);
        assert_int_equal(advisor_day("2000-03-01"), 11017);
        assert_int_equal(advisor_day("2024-02-29"), 19782);
        assert_int_equal(advisor_day("2026-11-24"), NOW_US / DAY_US);
        assert_int_equal(advisor_day("1969-12-31"), -1);
        assert_int_equal(advisor_day("2026-13-01"), INT64_MIN);
        assert_int_equal(advisor_day("2026-11-24x"), INT64_MIN);
        assert_int_equal(advisor_day(""), INT64_MIN);
        for (int64_t day = -1000; day < 40000; day += 13) { /* against libc */
                time_t seconds = (time_t)(day * 86400);
                char text[32];
                struct tm tm;

                assert_non_null(gmtime_r(&seconds, &tm));
                assert_true(strftime(text, sizeof(text), "%Y-%m-%d", &tm) > 0);
                assert_int_equal(advisor_day(text), day);
        }
}

static void test_a_profile_round_trips(void **state) {
        struct profile profile = PROFILE_EMPTY;
        struct profile_error error;
        char text[STORE_PROFILE_SIZE], again[STORE_PROFILE_SIZE];
        struct profile back;

        assert_int_equal(profile_set(&profile, "age=67", &error), 0);
        assert_int_equal(profile_set(&profile, "medicines=warfarin,simvastatin", &error), 0);
        assert_int_equal(profile_set(&profile, "supplements=magnesium:300mg", &error), 0);
        assert_int_equal(advisor_write_profile(&profile, text, sizeof(text)), 0);
        advisor_read_profile(text, &back);
        assert_int_equal(advisor_write_profile(&back, again, sizeof(again)), 0);
        assert_string_equal(again, text);
        assert_non_null(strstr(text, "medicines=statin") ?: strstr(text, "vitamin-k-antagonist"));
        assert_true(advisor_write_profile(&profile, text, 12) < 0);
        /* A value of a newer crampd is not known, and the rest still is. */
        advisor_read_profile("age=67\nmedicines=vitamin-k-antagonist,telomerase\nshoes=45\n", &back);
        assert_int_equal(back.age_years, 67);
        assert_false(back.medicines_said);
}

static void test_the_log_as_means_a_day(void **state) {
        struct store_entry entries[] = {
                amount(NOW_US - 3 * DAY_US, "magnesium", "100mg", "food"),
                amount(NOW_US - 3 * DAY_US + HOUR_US, "magnesium", "200mg", "supplement"),
                amount(NOW_US - DAY_US, "magnesium", "300mg", "food"),
                amount(NOW_US - DAY_US, "hydration", "1l", ""),
                amount(NOW_US - DAY_US + 1, "hydration", "500ml", ""),
                amount(NOW_US - DAY_US, "standing", "8h", ""),
                amount(NOW_US - DAY_US, "unobtainium", "8h", ""),
        };
        struct store_person person = {.entries = entries, .n_entries = 7};
        struct advisor_view view;

        assert_int_equal(advisor_look(&person, NOW_US, &view), 0);
        assert_true(isnan(view.history.mean_pain));
        assert_true(fabs(view.log.food[NUTRIENT_MAGNESIUM] - 200e3) < 1e-6);
        assert_true(fabs(view.log.supplement[NUTRIENT_MAGNESIUM] - 100e3) < 1e-6);
        assert_int_equal(view.log.days[NUTRIENT_MAGNESIUM], 2);
        assert_true(fabs(view.log.food[NUTRIENT_HYDRATION] - 1500) < 1e-6);
        assert_true(fabs(view.log.standing_min - 480) < 1e-6);
        assert_int_equal(view.log.standing_days, 1);
        assert_int_equal(view.log.exercise_days, 0);
}

static void test_symptoms_by_leg_and_age(void **state) {
        struct store_entry entries[] = {
                symptom(NOW_US - 15 * DAY_US, "fever", ""),
                symptom(NOW_US - 13 * DAY_US, "swelling", "right"),
                symptom(NOW_US - DAY_US, "redness", "both"),
                symptom(NOW_US - DAY_US, "dark-urine", ""),
        };
        struct store_person person = {.entries = entries, .n_entries = 4};
        struct advisor_view view;

        assert_int_equal(advisor_look(&person, NOW_US, &view), 0);
        assert_int_equal(view.symptoms.right,
                         SYMPTOM_BIT(SYMPTOM_SWELLING) | SYMPTOM_BIT(SYMPTOM_REDNESS));
        assert_int_equal(view.symptoms.left, SYMPTOM_BIT(SYMPTOM_REDNESS));
        assert_int_equal(view.symptoms.unsaid, SYMPTOM_BIT(SYMPTOM_DARK_URINE));
}

static void test_good_nights_and_clusters(void **state) {
        struct store_evening evenings[] = {
                {"2026-09-01", 8 * HOUR_US}, /* too long ago */
                {"2026-10-20", 8 * HOUR_US}, /* the four weeks before */
                {"2026-10-28", 8 * HOUR_US}, /* the first of these four weeks */
                {"2026-11-22", 3 * HOUR_US}, /* not really watched */
                {"2026-11-23", 8 * HOUR_US},
        };
        int64_t night_us = NOW_US - 20 * HOUR_US;
        struct store_cramp cramps[] = {
                {"2026-10-20", NOW_US - 35 * DAY_US, NOW_US - 35 * DAY_US + SECOND_US, 9,
                 .watched = true},
                {"2026-11-22", NOW_US - 2 * DAY_US, NOW_US - 2 * DAY_US + 700 * SECOND_US, 7,
                 .watched = true},
                {"2026-11-23", night_us, night_us + 60 * SECOND_US, 4, .watched = true},
                {"2026-11-23", night_us + 30 * 60 * SECOND_US, night_us + 31 * 60 * SECOND_US,
                 STORE_NO_PAIN, .watched = true},
                {"2026-11-23", night_us + 3 * HOUR_US, night_us + 3 * HOUR_US + SECOND_US, STORE_NO_PAIN,
                 .watched = true},
        };
        struct store_person person = {
                .evenings = evenings, .n_evenings = 5, .cramps = cramps, .n_cramps = 5};
        struct advisor_view view;

        assert_int_equal(advisor_look(&person, NOW_US, &view), 0);
        assert_int_equal(view.history.nights, 2);
        assert_int_equal(view.history.clusters, 2);
        assert_int_equal(view.history.nights_before, 1);
        assert_int_equal(view.history.clusters_before, 1);
        assert_true(fabs(view.history.longest_s - 700) < 1e-6); /* a doctor wants to know in any case */
        assert_true(fabs(view.history.mean_pain - 5.5) < 1e-9);
}

/* A cramp that was reported stands against nights only where its sensor watched; a doctor wants to know
 * of all. */
static void test_reported_cramps(void **state) {
        struct store_evening evenings[] = {{"2026-11-20", 2 * HOUR_US}, {"2026-11-23", 8 * HOUR_US}};
        int64_t night_us = NOW_US - 20 * HOUR_US;
        struct store_cramp cramps[] = {
                {.evening = "2026-11-20",
                 .onset_us = NOW_US - 4 * DAY_US,
                 .end_us = STORE_NO_TIME,
                 .pain = STORE_NO_PAIN,
                 .reported = true,
                 .watched = true},
                {.evening = "2026-11-21",
                 .onset_us = NOW_US - 3 * DAY_US,
                 .end_us = STORE_NO_TIME,
                 .pain = 8,
                 .reported = true},
                {.evening = "2026-11-23",
                 .onset_us = night_us,
                 .end_us = STORE_NO_TIME,
                 .pain = STORE_NO_PAIN,
                 .reported = true,
                 .watched = true},
                {.evening = "2026-11-23",
                 .onset_us = night_us + 30 * 60 * SECOND_US,
                 .end_us = night_us + 36 * 60 * SECOND_US,
                 .pain = 4,
                 .strong = true,
                 .watched = true},
                {.evening = "2026-11-23",
                 .onset_us = night_us + 3 * HOUR_US,
                 .end_us = STORE_NO_TIME,
                 .pain = STORE_NO_PAIN,
                 .reported = true},
        };
        struct store_person person = {
                .evenings = evenings, .n_evenings = 2, .cramps = cramps, .n_cramps = 5};
        struct store_trial trial = {.nutrient = "magnesium",
                                    .design = "before-after",
                                    .start_day = "2026-11-21",
                                    .baseline_days = 14};
        struct trial_result result;
        struct advisor_view view;

        assert_int_equal(advisor_look(&person, NOW_US, &view), 0);
        assert_int_equal(view.history.nights, 1);
        assert_int_equal(view.history.clusters, 1); /* the reported one and the alert are one bout */
        assert_int_equal(view.history.clusters_known, 4);
        assert_int_equal(view.history.reported, 4);
        assert_int_equal(view.history.long_cramps, 1);
        assert_true(fabs(view.history.longest_s - 360) < 1e-6); /* nobody timed the others */
        assert_true(fabs(view.history.mean_pain - 6) < 1e-9);

        assert_int_equal(advisor_compare(&person, &trial, &result), 0);
        assert_int_equal(result.without.nights, 0); /* two hours are no night, so its cramp is out too */
        assert_int_equal(result.without.reported, 0);
        assert_int_equal(result.with.nights, 1);
        assert_int_equal(result.with.clusters, 1);
        assert_int_equal(result.with.cramps, 1);
        assert_int_equal(result.with.strong, 1);
        assert_int_equal(result.with.reported, 1);
        assert_int_equal(result.reported_left_out, 2);
        assert_true(fabs(result.with.mean_s - 360) < 1e-6);
        assert_true(fabs(result.with.mean_pain - 4) < 1e-9); /* of what counts alone */
}

/* Nights after days of the log: a day without a word of standing had none, one without a word of drink
 * is not known. */
static void test_nights_after_days_of_the_log(void **state) {
        struct store_entry entries[] = {
                amount(NOW_US - 3 * DAY_US, "standing", "3h", ""),
                amount(NOW_US - 3 * DAY_US + HOUR_US, "standing", "2h", ""),
                amount(NOW_US - 2 * DAY_US, "standing", "3h", ""),
                amount(NOW_US - 2 * DAY_US, "hydration", "700ml", ""),
                amount(NOW_US - DAY_US, "hydration", "2l", ""),
                amount(NOW_US - DAY_US, "exercise", "90min", ""),
        };
        struct store_evening evenings[] = {{"2026-11-21", 8 * HOUR_US},
                                           {"2026-11-22", 8 * HOUR_US},
                                           {"2026-11-23", 8 * HOUR_US},
                                           {"2026-11-24", 2 * HOUR_US}};
        struct store_cramp cramps[] = {
                {"2026-11-21", NOW_US - 3 * DAY_US + 6 * HOUR_US, NOW_US - 3 * DAY_US + 6 * HOUR_US,
                 STORE_NO_PAIN, .watched = true},
                {"2026-11-21", NOW_US - 3 * DAY_US + 8 * HOUR_US, NOW_US - 3 * DAY_US + 8 * HOUR_US,
                 STORE_NO_PAIN, .watched = true},
                {"2026-11-22", NOW_US - 2 * DAY_US + 6 * HOUR_US, NOW_US - 2 * DAY_US + 6 * HOUR_US,
                 STORE_NO_PAIN, .watched = true},
        };
        struct store_person person = {.entries = entries,
                                      .n_entries = 6,
                                      .evenings = evenings,
                                      .n_evenings = 4,
                                      .cramps = cramps,
                                      .n_cramps = 3};
        struct advice_link *links;
        struct advisor_view view;

        assert_int_equal(advisor_look(&person, NOW_US, &view), 0);
        links = view.history.links;
        assert_memory_equal(&links[LINK_STANDING], (&(struct advice_link){1, 2, 2, 1}), sizeof(*links));
        assert_memory_equal(&links[LINK_EXERCISE], (&(struct advice_link){1, 0, 2, 3}), sizeof(*links));
        assert_memory_equal(&links[LINK_DRINK], (&(struct advice_link){1, 1, 1, 0}), sizeof(*links));
}

/* When the same person looks different without anything new. */
static void test_what_time_changes(void **state) {
        struct store_entry entries[] = {
                symptom(NOW_US - 14 * DAY_US + HOUR_US, "fever", ""),
                amount(NOW_US - 28 * DAY_US + 2 * HOUR_US, "standing", "3h", "")};
        struct store_cramp cramp = {"2026-11-24", NOW_US - 200 * SECOND_US, STORE_NO_TIME, STORE_NO_PAIN,
                                    .watched = true};
        struct store_person person = {0};
        struct advisor_view view;

        /* 20:00: the next noon. */
        assert_int_equal(advisor_next_us(&person, NOW_US), NOW_US + 16 * HOUR_US);
        assert_int_equal(advisor_next_us(&person, NOW_US + 16 * HOUR_US), NOW_US + 40 * HOUR_US);
        person.entries = entries;
        person.n_entries = 2;
        assert_int_equal(advisor_next_us(&person, NOW_US), NOW_US + HOUR_US + 1);
        assert_int_equal(advisor_look(&person, NOW_US + HOUR_US, &view), 0);
        assert_true(view.symptoms.unsaid != 0);
        assert_int_equal(advisor_look(&person, NOW_US + HOUR_US + 1, &view), 0);
        assert_true(view.symptoms.unsaid == 0);
        assert_int_equal(advisor_next_us(&person, NOW_US + HOUR_US + 1), NOW_US + 2 * HOUR_US + 1);
        person.cramps = &cramp;
        person.n_cramps = 1;
        assert_int_equal(advisor_next_us(&person, NOW_US), NOW_US + 100 * SECOND_US);
        assert_int_equal(advisor_next_us(&person, NOW_US + 100 * SECOND_US), NOW_US + 400 * SECOND_US);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_days),
                cmocka_unit_test(test_a_profile_round_trips),
                cmocka_unit_test(test_the_log_as_means_a_day),
                cmocka_unit_test(test_symptoms_by_leg_and_age),
                cmocka_unit_test(test_good_nights_and_clusters),
                cmocka_unit_test(test_reported_cramps),
                cmocka_unit_test(test_nights_after_days_of_the_log),
                cmocka_unit_test(test_what_time_changes),
        };

        (void)setenv("TZ", "UTC", 1);
        tzset();
        return cmocka_run_group_tests_name("advisor", tests, NULL, NULL);
}
