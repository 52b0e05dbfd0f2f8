/* SPDX-License-Identifier: MIT */
/* The factor that verdicts propose: its bounds, its direction, its memory, and that it takes several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/detector/detector.h"
#include "daemon/learning.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define NOW_US (INT64_C(20000) * DAY_US)
#define MANY LEARNING_VERDICTS_MAX

static struct learning_proposal propose(size_t confirmed, size_t false_alarms, size_t missed,
                                        int64_t age_us) {
        struct learning_verdict verdicts[3 * MANY];
        size_t n = 0;

        for (size_t i = 0; i < confirmed; i++)
                verdicts[n++] = (struct learning_verdict){LEARNING_CONFIRMED, NOW_US - age_us};
        for (size_t i = 0; i < false_alarms; i++)
                verdicts[n++] = (struct learning_verdict){LEARNING_FALSE_ALARM, NOW_US - age_us};
        for (size_t i = 0; i < missed; i++)
                verdicts[n++] = (struct learning_verdict){LEARNING_MISSED, NOW_US - age_us};
        return learning_propose(verdicts, n, NOW_US);
}

static void test_nothing_said(void **state) {
        assert_true(learning_propose(NULL, 0, NOW_US).factor == 1.0);
        for (size_t n = 0; n < LEARNING_VERDICTS_MIN; n++) {
                assert_true(propose(0, n, 0, 0).factor == 1.0);
                assert_true(propose(0, 0, n, 0).factor == 1.0);
                assert_int_equal(propose(0, n, 0, 0).outcome, LEARNING_TOO_FEW);
        }
        assert_true(propose(0, LEARNING_VERDICTS_MIN, 0, 0).factor > 1.0);
        assert_true(propose(MANY, 0, 0, 0).factor == 1.0);
        assert_int_equal(propose(MANY, 0, 0, 0).outcome, LEARNING_BALANCED);
        assert_int_equal(propose(5, 4, 2, 0).outcome, LEARNING_BALANCED);
}

/* Whatever is said, and however often. */
static void test_bounds(void **state) {
        double lowest = 1.0, highest = 1.0;

        for (size_t confirmed = 0; confirmed <= MANY; confirmed += 25)
                for (size_t against = 0; against <= MANY; against += 25)
                        for (size_t missed = 0; missed <= MANY; missed += 25) {
                                double factor = propose(confirmed, against, missed, 0).factor;

                                assert_true(factor >= LEARNING_FACTOR_MIN);
                                assert_true(factor <= LEARNING_FACTOR_MAX);
                                lowest = factor < lowest ? factor : lowest;
                                highest = factor > highest ? factor : highest;
                        }
        /* They are reached, nearly; and the detector takes both ends. */
        assert_true(lowest < LEARNING_FACTOR_MIN + 0.02 && highest > LEARNING_FACTOR_MAX - 0.02);
        assert_true(LEARNING_FACTOR_MIN >= DETECTOR_EVIDENCE_FACTOR_MIN);
        assert_true(LEARNING_FACTOR_MAX <= DETECTOR_EVIDENCE_FACTOR_MAX);
}

static void test_direction(void **state) {
        for (size_t n = LEARNING_VERDICTS_MIN; n < 40; n++) {
                assert_true(propose(0, n + 1, 0, 0).factor >= propose(0, n, 0, 0).factor);
                assert_true(propose(0, 0, n + 1, 0).factor <= propose(0, 0, n, 0).factor);
                assert_true(propose(n, 10, 0, 0).factor <= propose(0, 10, 0, 0).factor);
        }
        assert_int_equal(propose(2, 8, 0, 0).outcome, LEARNING_MORE_EVIDENCE);
        assert_int_equal(propose(8, 0, 2, 0).outcome, LEARNING_LESS_EVIDENCE);
        /* A missed cramp outweighs a false alarm. */
        assert_true(propose(0, 5, 5, 0).factor < 1.0);
}

static void test_memory(void **state) {
        struct learning_verdict mixed[20];
        double new = propose(0, 10, 0, 0).factor, older = propose(0, 10, 0, 30 * DAY_US).factor;

        assert_true(older < new &&older > 1.0);
        assert_true(propose(0, 10, 0, 0).weights[LEARNING_FALSE_ALARM] == 10.0);
        assert_true(propose(0, 10, 0, 30 * DAY_US).weights[LEARNING_FALSE_ALARM] == 5.0);
        assert_true(propose(0, 10, 0, 15 * DAY_US).weights[LEARNING_FALSE_ALARM] == 7.5);
        assert_true(propose(0, 10, 0, LEARNING_MAX_DAYS * DAY_US).factor == 1.0);
        assert_int_equal(propose(0, 10, 0, LEARNING_MAX_DAYS * DAY_US).counts[LEARNING_FALSE_ALARM], 0);
        /* A clock that was set back, and times that no clock shows. */
        assert_true(propose(0, 10, 0, -DAY_US).factor == new);
        assert_true(propose(0, 10, 0, INT64_MAX - NOW_US).factor == 1.0);
        mixed[0] = (struct learning_verdict){LEARNING_MISSED, INT64_MIN};
        assert_true(learning_propose(mixed, 1, INT64_MAX).factor == 1.0);

        /* What was said of late prevails, in whatever order it comes. */
        for (size_t i = 0; i < 20; i++)
                mixed[i] = (struct learning_verdict){i % 2 ? LEARNING_MISSED : LEARNING_FALSE_ALARM,
                                                     i % 2 ? NOW_US - 120 * DAY_US : NOW_US};
        assert_true(learning_propose(mixed, 20, NOW_US).factor > 1.0);
}

static void test_words(void **state) {
        for (int i = LEARNING_TOO_FEW; i <= LEARNING_LESS_EVIDENCE; i++)
                assert_non_null(learning_outcome_describe((enum learning_outcome)i));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_said), cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_direction),    cmocka_unit_test(test_memory),
                cmocka_unit_test(test_words),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
