/* SPDX-License-Identifier: MIT */
/* Trials: clusters, phases, verdicts and what is said of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "daemon/guidance/trial.h"

#define MINUTE_US INT64_C(60000000)
#define NIGHTS_MAX 400

static struct trial_night nights[NIGHTS_MAX];
static size_t n_nights;

/* `clusters` spread evenly over `n` nights of a side. */
static void side_add(enum trial_phase phase, unsigned n, unsigned clusters) {
        for (unsigned i = 0; i < n; i++) {
                unsigned here = (i + 1) * clusters / n - i * clusters / n;

                nights[n_nights++] = (struct trial_night){.phase = phase,
                                                          .monitored_hours = 7.5,
                                                          .clusters = here,
                                                          .cramps = here,
                                                          .cramps_s = 60.0 * here,
                                                          .rated = here,
                                                          .pain = 5.0 * here};
        }
}

static struct trial_result compare(enum trial_design design) {
        struct trial_result result;

        trial_compare(design, nights, n_nights, &result);
        return result;
}

static int setup(void **state) {
        n_nights = 0;
        return 0;
}

static void cramps_within_an_hour_are_one(void **state) {
        static const int64_t onsets_us[] = {0, 10 * MINUTE_US, 69 * MINUTE_US, 129 * MINUTE_US,
                                            188 * MINUTE_US};

        assert_int_equal(trial_clusters(onsets_us, 0), 0);
        assert_int_equal(trial_clusters(onsets_us, 1), 1);
        /* Each is within an hour of the one before, although the third is not of the first. */
        assert_int_equal(trial_clusters(onsets_us, 3), 1);
        assert_int_equal(trial_clusters(onsets_us, 4), 2);
        assert_int_equal(trial_clusters(onsets_us, 5), 2);
}

static void phases_follow_the_plan(void **state) {
        const struct trial_plan before_after = {.design = TRIAL_BEFORE_AFTER,
                                                .start_day = 100,
                                                .end_day = 130,
                                                .baseline_days = 28,
                                                .washout_days = 3};
        const struct trial_plan blocks = {.design = TRIAL_ALTERNATING,
                                          .start_day = 0,
                                          .end_day = INT64_MAX,
                                          .block_days = 14,
                                          .washout_days = 4};

        assert_int_equal(trial_phase_of(&before_after, 71), TRIAL_APART);
        assert_int_equal(trial_phase_of(&before_after, 72), TRIAL_WITHOUT);
        assert_int_equal(trial_phase_of(&before_after, 99), TRIAL_WITHOUT);
        assert_int_equal(trial_phase_of(&before_after, 100), TRIAL_APART);
        assert_int_equal(trial_phase_of(&before_after, 103), TRIAL_WITH);
        assert_int_equal(trial_phase_of(&before_after, 129), TRIAL_WITH);
        assert_int_equal(trial_phase_of(&before_after, 130), TRIAL_APART);
        assert_int_equal(trial_phase_of(&blocks, -1), TRIAL_APART);
        assert_int_equal(trial_phase_of(&blocks, 3), TRIAL_APART);
        assert_int_equal(trial_phase_of(&blocks, 4), TRIAL_WITHOUT);
        assert_int_equal(trial_phase_of(&blocks, 17), TRIAL_APART);
        assert_int_equal(trial_phase_of(&blocks, 18), TRIAL_WITH);
        assert_int_equal(trial_phase_of(&blocks, 32), TRIAL_WITHOUT);
}

static void assert_told(const struct trial_result *result, const char *needle) {
        char text[2048];

        assert_true(trial_tell(result, NULL, text, sizeof(text)) < (int)sizeof(text));
        if (!strstr(text, needle))
                fail_msg("\"%s\" is not in: %s", needle, text);
}

static void assert_not_told(const struct trial_result *result, const char *needle) {
        char text[2048];

        (void)trial_tell(result, NULL, text, sizeof(text));
        if (strstr(text, needle))
                fail_msg("\"%s\" is in: %s", needle, text);
}

static void few_nights_tell_nothing(void **state) {
        struct trial_result result;

        result = compare(TRIAL_BEFORE_AFTER);
        assert_int_equal(result.verdict, TRIAL_TOO_FEW);
        assert_told(&result, "0 monitored nights are too few to tell.");

        side_add(TRIAL_WITHOUT, 1, 5);
        result = compare(TRIAL_BEFORE_AFTER);
        assert_told(&result, "1 monitored night is too few to tell.");

        side_add(TRIAL_WITHOUT, 5, 25);
        side_add(TRIAL_WITH, 6, 0);
        result = compare(TRIAL_BEFORE_AFTER);
        assert_int_equal(result.verdict, TRIAL_TOO_FEW);
        assert_told(&result, "12 monitored nights are too few to tell.");
        assert_not_told(&result, "fewer");
}

static void rare_cramps_need_more_nights(void **state) {
        struct trial_result result;

        side_add(TRIAL_WITHOUT, 28, 3);
        side_add(TRIAL_WITH, 28, 0);
        result = compare(TRIAL_BEFORE_AFTER);
        assert_int_equal(result.most_clusters, -1);
        assert_true(isnan(result.smallest_effect));
        assert_int_equal(result.verdict, TRIAL_TOO_FEW);
}

static void a_clear_difference_is_told_with_its_limits(void **state) {
        struct trial_result result;

        side_add(TRIAL_WITHOUT, 56, 40);
        side_add(TRIAL_WITH, 56, 10);
        result = compare(TRIAL_BEFORE_AFTER);
        assert_int_equal(result.verdict, TRIAL_FEWER);
        assert_true(fabs(result.ratio.ratio - 0.25) < 1e-12);
        assert_told(&result, "0.25 times");
        assert_told(&result, "does not prove");
        assert_told(&result, "regression to the mean");
        assert_told(&result, "decide beforehand when to end");
        assert_told(&result, "60 s on average");
        assert_told(&result, "5.0 of 10");
        result = compare(TRIAL_ALTERNATING);
        assert_not_told(&result, "regression to the mean");

        /* The other way round. */
        for (size_t i = 0; i < n_nights; i++)
                nights[i].phase = nights[i].phase == TRIAL_WITH ? TRIAL_WITHOUT : TRIAL_WITH;
        result = compare(TRIAL_BEFORE_AFTER);
        assert_int_equal(result.verdict, TRIAL_MORE);
        assert_told(&result, "unless it was prescribed");
}

static void no_difference_is_not_called_none(void **state) {
        struct trial_result result;

        side_add(TRIAL_WITHOUT, 56, 40);
        side_add(TRIAL_WITH, 56, 34);
        result = compare(TRIAL_BEFORE_AFTER);
        assert_int_equal(result.verdict, TRIAL_UNCLEAR);
        assert_told(&result, "neither shows that it helps nor that it does not");
        assert_told(&result, "could be told from chance");
}

/* The smallest effect is the edge: one cluster more is no longer told from chance. */
static void smallest_effect_is_the_edge(void **state) {
        struct trial_result result;
        int most;

        side_add(TRIAL_WITHOUT, 40, 24);
        side_add(TRIAL_WITH, 50, 29);
        most = compare(TRIAL_BEFORE_AFTER).most_clusters;
        assert_true(most > 0);
        for (int more = 0; more <= 1; more++) {
                n_nights = 0;
                side_add(TRIAL_WITHOUT, 40, 24);
                side_add(TRIAL_WITH, 50, (unsigned)(most + more));
                result = compare(TRIAL_BEFORE_AFTER);
                assert_int_equal(result.verdict, more ? TRIAL_UNCLEAR : TRIAL_FEWER);
        }
}

/* Years of nights are compared on the daemon's loop, where samples wait for it. */
static void years_are_compared_quickly(void **state) {
        static struct trial_night years[3650];
        struct trial_result result;
        clock_t before;

        for (size_t i = 0; i < 3650; i++)
                years[i] = (struct trial_night){.phase = i % 2 ? TRIAL_WITH : TRIAL_WITHOUT,
                                                .monitored_hours = 7.5,
                                                .clusters = 4};
        before = clock();
        trial_compare(TRIAL_ALTERNATING, years, 3650, &result);
        assert_true(clock() - before < CLOCKS_PER_SEC / 5);
        assert_int_equal(result.without.clusters, 7300);
        assert_in_range(result.most_clusters, 7000, 7200);
}

static void bunches_are_not_a_difference(void **state) {
        struct trial_result result;

        side_add(TRIAL_WITHOUT, 60, 0);
        side_add(TRIAL_WITH, 60, 0);
        /* Ten a night in four nights, none in the others. */
        for (size_t i = 0; i < 4; i++)
                nights[i * 10].clusters = nights[i * 10].cramps = 10;
        nights[70].clusters = nights[70].cramps = 10;
        result = compare(TRIAL_BEFORE_AFTER);
        assert_true(result.ratio.high < 1);
        assert_true(result.dispersion > 3 && result.dispersion_p_value < 1e-6);
        assert_int_equal(result.verdict, TRIAL_UNEVEN);
        assert_told(&result, "bunches");
        assert_not_told(&result, "than chance explains");
}

static void chance_is_not_called_bunches(void **state) {
        struct trial_result result;

        /* Poisson counts of mean 0.5, drawn once: 0 in 61 %, 1 in 30 %, 2 in 8 %, 3 in 1 % of the
         * nights. */
        side_add(TRIAL_WITHOUT, 100, 0);
        for (size_t i = 0; i < 100; i++)
                nights[i].clusters = i < 61 ? 0 : i < 91 ? 1 : i < 99 ? 2 : 3;
        side_add(TRIAL_WITH, 100, 20);
        result = compare(TRIAL_BEFORE_AFTER);
        assert_true(result.dispersion > 0.7 && result.dispersion < 1.3);
        assert_true(result.dispersion_p_value > 0.05);
        assert_int_equal(result.verdict, TRIAL_FEWER);
}

static void unmonitored_nights_do_not_count(void **state) {
        struct trial_result result;

        side_add(TRIAL_WITHOUT, 56, 40);
        side_add(TRIAL_WITH, 56, 40);
        /* The sensor was off in most of the nights with the change: no cramps were seen then. */
        for (size_t i = 56; i < 102; i++)
                nights[i] = (struct trial_night){.phase = TRIAL_WITH, .monitored_hours = 0.5};
        result = compare(TRIAL_BEFORE_AFTER);
        assert_int_equal(result.nights_left_out, 46);
        assert_int_equal(result.with.nights, 10);
        assert_int_equal(result.verdict, TRIAL_TOO_FEW);
        assert_told(&result, "left out: 46.");
}

static void no_cramps_at_all_is_said(void **state) {
        struct trial_result result;

        side_add(TRIAL_WITHOUT, 30, 0);
        side_add(TRIAL_WITH, 30, 0);
        result = compare(TRIAL_BEFORE_AFTER);
        assert_int_equal(result.verdict, TRIAL_NO_CRAMPS);
        assert_true(isnan(result.ratio.ratio));
        assert_told(&result, "nothing to compare");
}

static void a_short_buffer_is_kept_to(void **state) {
        struct trial_result result;
        char text[16], whole[2048];
        int length;

        side_add(TRIAL_WITHOUT, 56, 40);
        side_add(TRIAL_WITH, 56, 10);
        result = compare(TRIAL_BEFORE_AFTER);
        length = trial_tell(&result, NULL, whole, sizeof(whole));
        assert_int_equal(length, strlen(whole));
        assert_int_equal(trial_tell(&result, NULL, text, sizeof(text)), length);
        assert_int_equal(strlen(text), sizeof(text) - 1);
        assert_memory_equal(text, whole, sizeof(text) - 1);
        assert_int_equal(trial_tell(&result, NULL, NULL, 0), length);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(cramps_within_an_hour_are_one),
                cmocka_unit_test(phases_follow_the_plan),
                cmocka_unit_test_setup(few_nights_tell_nothing, setup),
                cmocka_unit_test_setup(rare_cramps_need_more_nights, setup),
                cmocka_unit_test_setup(a_clear_difference_is_told_with_its_limits, setup),
                cmocka_unit_test_setup(no_difference_is_not_called_none, setup),
                cmocka_unit_test_setup(smallest_effect_is_the_edge, setup),
                cmocka_unit_test_setup(years_are_compared_quickly, setup),
                cmocka_unit_test_setup(bunches_are_not_a_difference, setup),
                cmocka_unit_test_setup(chance_is_not_called_bunches, setup),
                cmocka_unit_test_setup(unmonitored_nights_do_not_count, setup),
                cmocka_unit_test_setup(no_cramps_at_all_is_said, setup),
                cmocka_unit_test_setup(a_short_buffer_is_kept_to, setup),
        };

        return cmocka_run_group_tests_name("trial", tests, NULL, NULL);
}
