/* SPDX-License-Identifier: MIT */
/* The counting itself: hand-made truths and alarms, intervals against published tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>

#include "daemon/basic/cleanup.h"
#include "tests/evaluate/interval.h"
#include "tests/evaluate/score.h"
#include "tests/evaluate/summary.h"

static void assert_near(double value, double expected, double tolerance) {
        if (!(fabs(value - expected) <= tolerance))
                fail_msg("%.6f is not %.6f +- %g", value, expected, tolerance);
}

static struct corpus_event event(enum event_kind kind, double start_s, double end_s, double ratio,
                                 double twice_rest_s) {
        return (struct corpus_event){.kind = kind,
                                     .start_s = start_s,
                                     .end_s = end_s,
                                     .channels = 1,
                                     .level_ratio = ratio,
                                     .twice_rest_s = twice_rest_s};
}

static void test_shares(void **state) {
        /* The exact intervals of Newcombe 1998, Statistics in Medicine 17:857, table I. */
        static const struct {
                size_t hits, n;
                double low, high;
        } known[] = {
                {81, 263, 0.2527, 0.3676},
                {15, 148, 0.0578, 0.1617},
                {0, 20, 0.0000, 0.1684},
                {1, 29, 0.0009, 0.1776},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
                struct interval interval = interval_share(known[i].hits, known[i].n);
                struct interval mirrored = interval_share(known[i].n - known[i].hits, known[i].n);

                assert_near(interval.low, known[i].low, 0.00006);
                assert_near(interval.high, known[i].high, 0.00006);
                assert_near(mirrored.low, 1 - known[i].high, 0.00006);
                assert_near(mirrored.high, 1 - known[i].low, 0.00006);
        }
}

static void test_counts(void **state) {
        /* Garwood 1936, Biometrika 28:437, as every table of exact Poisson limits has it. */
        static const struct {
                size_t count;
                double low, high;
        } known[] = {{0, 0, 3.689}, {1, 0.0253, 5.572}, {5, 1.623, 11.668}, {10, 4.795, 18.390}};

        for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
                struct interval interval = interval_count(known[i].count);

                assert_near(interval.low, known[i].low, 0.0006);
                assert_near(interval.high, known[i].high, 0.0006);
        }
        /* Large numbers do not overflow: about n +- 1.96 sqrt(n). */
        assert_near(interval_count(10000).low, 9805, 1);
        assert_near(interval_count(10000).high, 10198, 1);
}

static void test_quantiles(void **state) {
        double values[100];
        struct interval interval;

        for (size_t i = 0; i < ARRAY_LENGTH(values); i++)
                values[i] = (double)(i + 1);
        assert_true(quantile(values, 100, 0.5) == 50);
        assert_true(quantile(values, 100, 0.95) == 95);
        assert_true(quantile(values, 1, 0.95) == 1);
        assert_true(isnan(quantile(values, 0, 0.5)));

        /* The 95 % interval of the median of 100 values: the 40th and the 61st (Conover, Practical
         * Nonparametric Statistics). */
        interval = interval_quantile(values, 100, 0.5);
        assert_true(interval.low == 40 && interval.high == 61);
        /* Of ten: the 2nd and the 9th; of five there is none. */
        interval = interval_quantile(values, 10, 0.5);
        assert_true(interval.low == 2 && interval.high == 9);
        interval = interval_quantile(values, 5, 0.5);
        assert_true(isinf(interval.low) && isinf(interval.high));
        interval = interval_quantile(values, 20, 0.95);
        assert_true(isinf(interval.high));
}

static void test_hits(void **state) {
        const struct corpus_event events[] = {
                event(EVENT_CRAMP, 100, 160, 8, 104),
                event(EVENT_RECOVERY, 156, 220, 1.9, -1),
                event(EVENT_CRAMP, 400, 500, 3, 425),
                event(EVENT_CRAMP, 800, 900, 1.8, -1),
        };
        const struct alarm alarms[] = {
                {99.5, 112, 158},  /* hit */
                {120, 130, 140},   /* repeat */
                {150, 160, 163},   /* repeat: the very end still counts */
                {150, 160.1, 163}, /* too late */
                {390, 397.9, 399}, /* too early */
                {399, 398, 520},   /* hit from 2 s before the onset on */
        };
        struct night_score score;

        assert_int_equal(
                score_night(events, ARRAY_LENGTH(events), alarms, ARRAY_LENGTH(alarms), 8, &score), 0);
        assert_int_equal(score.n_cramps, 3);

        assert_true(score.cramps[0].hit);
        assert_int_equal(score.cramps[0].repeats, 2);
        assert_near(score.cramps[0].latency_s, 8, 1e-9);
        assert_near(score.cramps[0].from_onset_s, 12, 1e-9);
        assert_near(score.cramps[0].onset_error_s, -0.5, 1e-9);
        assert_near(score.cramps[0].end_error_s, -2, 1e-9);

        assert_true(score.cramps[1].hit);
        assert_int_equal(score.cramps[1].repeats, 0);
        assert_near(score.cramps[1].latency_s, -27, 1e-9);

        assert_false(score.cramps[2].hit);
        assert_true(isnan(score.cramps[2].latency_s));

        assert_int_equal(score_alert(events, ARRAY_LENGTH(events), 130), SCORE_HIT);
        assert_int_equal(score_alert(events, ARRAY_LENGTH(events), 300), SCORE_REST);

        /* The late one came after the cramp, which is shorter than the recovery. The early one came out
         * of rest. */
        assert_int_equal(score.false_alarms[EVENT_CRAMP], 1);
        assert_int_equal(score.false_alarms[SCORE_REST], 1);
}

static void test_causes(void **state) {
        const struct corpus_event events[] = {
                event(EVENT_FASCICULATIONS, 0, 1000, 0, -1), event(EVENT_MOVEMENT, 100, 112, 20, -1),
                event(EVENT_HOLD, 300, 330, 5, -1),          event(EVENT_PLM, 331, 331.6, 5, -1),
                event(EVENT_WALK, 2000, 2030, 5, -1),        event(EVENT_LOSS, 3000, 3010, 0, -1),
                event(EVENT_HOLD, 3000, 3040, 5, -1),        event(EVENT_GAP, 4000, 4010, 0, -1),
        };
        const struct alarm alarms[] = {
                {100, 111, 113},      /* in the movement, the shorter of two events */
                {100, 120.9, 121},    /* the movement is more than a second of the 10 s before */
                {100, 121.5, 122},    /* less: what lasts on */
                {300, 320, 331},      /* hold */
                {300, 332, 333},      /* the jerk is shorter than a second, and all of it is there */
                {1500, 1500, 1500},   /* nothing */
                {2000, 2000.5, 2001}, /* only half a second of the walk: not yet it */
                {3000, 3009, 3040},   /* the hold, although the losses are shorter */
                {4000, 4009, 4010},   /* the gap: there was nothing else */
        };
        struct night_score score;
        struct summary summary;
        unsigned total = 0;

        assert_int_equal(
                score_night(events, ARRAY_LENGTH(events), alarms, ARRAY_LENGTH(alarms), 8, &score), 0);
        assert_int_equal(score.n_cramps, 0);
        assert_int_equal(score.false_alarms[EVENT_MOVEMENT], 2);
        assert_int_equal(score.false_alarms[EVENT_FASCICULATIONS], 1);
        assert_int_equal(score.false_alarms[EVENT_HOLD], 2);
        assert_int_equal(score.false_alarms[EVENT_PLM], 1);
        assert_int_equal(score.false_alarms[EVENT_GAP], 1);
        assert_int_equal(score.false_alarms[EVENT_LOSS], 0);
        assert_int_equal(score.false_alarms[SCORE_REST], 2);
        assert_int_equal(score.false_alarms[EVENT_WALK], 0);
        assert_int_equal(score_alert(events, ARRAY_LENGTH(events), 320), EVENT_HOLD);
        for (unsigned i = 0; i < SCORE_CAUSES; i++)
                total += score.false_alarms[i];
        assert_int_equal(total, ARRAY_LENGTH(alarms));

        /* Holds are counted apart. */
        assert_int_equal(summary_make(&score, 1, 1, &summary), 0);
        assert_int_equal(summary.false_total, ARRAY_LENGTH(alarms) - 2);
        assert_int_equal(summary.apart_total, 2);
        assert_near(summary_per_night(&summary, summary.apart_total), 2, 1e-9);
        summary_done(&summary);
}

/* Two detectors over two nights, side by side. */
static void test_summary(void **state) {
        const struct corpus_event first[] = {event(EVENT_CRAMP, 100, 160, 6, 105)};
        const struct corpus_event second[] = {event(EVENT_CRAMP, 100, 160, 5.99, 120),
                                              event(EVENT_CRAMP, 300, 360, 3, 320)};
        const struct alarm found[] = {{101, 115, 161}}, both[] = {{98, 124, 155}, {303, 340, 366}};
        struct night_score scores[4];
        struct summary summary;

        assert_int_equal(score_night(first, 1, found, 1, 8, &scores[0]), 0);
        assert_int_equal(score_night(first, 1, NULL, 0, 8, &scores[1]), 0);
        assert_int_equal(score_night(second, 2, both, 2, 4, &scores[2]), 0);
        assert_int_equal(score_night(second, 2, found, 1, 4, &scores[3]), 0);

        assert_int_equal(summary_make(&scores[0], 2, 2, &summary), 0);
        assert_near(summary.hours, 12, 1e-9);
        assert_int_equal(summary.strong, 1);
        assert_int_equal(summary.strong_hits, 1);
        assert_int_equal(summary.weak, 2);
        assert_int_equal(summary.weak_hits, 2);
        assert_near(summary_sensitivity(&summary), 1, 1e-9);
        assert_int_equal(summary.latency.n, 3);
        assert_near(summary.latency.value[0], 4, 1e-9);
        assert_near(summary.latency.value[1], 10, 1e-9);
        assert_near(summary.latency.value[2], 20, 1e-9);
        assert_near(summary.onset_strong.value[0], 1, 1e-9);
        assert_near(summary.onset_weak.value[0], 2, 1e-9); /* without its sign */
        assert_near(summary.onset_weak.value[1], 3, 1e-9);
        assert_near(summary.end.value[0], 1, 1e-9);
        assert_near(summary.end.value[2], 6, 1e-9);
        summary_done(&summary);

        assert_int_equal(summary_make(&scores[1], 2, 2, &summary), 0);
        assert_int_equal(summary.strong_hits, 0);
        assert_int_equal(summary.weak_hits, 1);
        assert_near(summary_sensitivity(&summary), 1.0 / 3, 1e-9);
        assert_int_equal(summary.latency.n, 1);
        summary_done(&summary);
}

static void test_too_many(void **state) {
        struct corpus_event events[SCORE_CRAMPS_MAX + 1];
        struct night_score score;

        for (unsigned i = 0; i <= SCORE_CRAMPS_MAX; i++)
                events[i] = event(EVENT_CRAMP, 100 * i, 100 * i + 50, 5, -1);
        assert_int_equal(score_night(events, SCORE_CRAMPS_MAX, NULL, 0, 8, &score), 0);
        assert_int_equal(score.n_cramps, SCORE_CRAMPS_MAX);
        assert_int_equal(score_night(events, SCORE_CRAMPS_MAX + 1, NULL, 0, 8, &score), -E2BIG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_shares),    cmocka_unit_test(test_counts),
                cmocka_unit_test(test_quantiles), cmocka_unit_test(test_hits),
                cmocka_unit_test(test_causes),    cmocka_unit_test(test_summary),
                cmocka_unit_test(test_too_many),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
