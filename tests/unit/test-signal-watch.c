/* SPDX-License-Identifier: MIT */
/* When a signal that shows no cramp is told of: after a while, once, and not each time it comes and
 * goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/signal-watch.h"

#define S INT64_C(1000000)
#define HOP_US (S / 2)

struct count {
        unsigned warned, over;
        int64_t warned_us, over_us;
};

/* So many seconds of the one or the other, from where the last call ended. */
static void play(struct signal_watch *watch, int64_t *now_us, bool good, int64_t seconds,
                 struct count *count) {
        for (int64_t end_us = *now_us + seconds * S; *now_us < end_us; *now_us += HOP_US)
                switch (signal_watch_push(watch, good, *now_us)) {
                case SIGNAL_WATCH_WARN:
                        count->warned++;
                        count->warned_us = *now_us;
                        break;
                case SIGNAL_WATCH_OVER:
                        count->over++;
                        count->over_us = *now_us;
                        break;
                case SIGNAL_WATCH_NOTHING:
                        break;
                }
}

static void test_once(void **state) {
        struct signal_watch watch = {};
        struct count count = {};
        int64_t now_us = 1700000000 * S;

        play(&watch, &now_us, true, 3600, &count);
        assert_int_equal(count.warned + count.over, 0);
        int64_t off_us = now_us;
        play(&watch, &now_us, false, 8 * 3600, &count);
        assert_int_equal(count.warned, 1);
        assert_true(count.warned_us == off_us + SIGNAL_WATCH_BAD_US);
        int64_t on_us = now_us;
        play(&watch, &now_us, true, 3600, &count);
        assert_int_equal(count.over, 1);
        assert_true(count.over_us == on_us + SIGNAL_WATCH_GOOD_US);
        assert_int_equal(count.warned, 1);
}

/* Short ones either way are no news. */
static void test_short(void **state) {
        struct signal_watch watch = {};
        struct count count = {};
        int64_t now_us = 0;

        for (unsigned i = 0; i < 100; i++) {
                play(&watch, &now_us, false, 60, &count);
                play(&watch, &now_us, true, 1, &count);
        }
        assert_int_equal(count.warned, 0);
        play(&watch, &now_us, false, 100, &count);
        for (unsigned i = 0; i < 100; i++) {
                play(&watch, &now_us, true, 30, &count);
                play(&watch, &now_us, false, 1, &count);
        }
        assert_int_equal(count.warned, 1);
        assert_int_equal(count.over, 0);
}

/* A plug that sits loose: two hours of two minutes off, a minute on. */
static void test_no_flapping(void **state) {
        struct signal_watch watch = {};
        struct count count = {};
        int64_t now_us = 0;

        for (unsigned i = 0; i < 40; i++) {
                play(&watch, &now_us, false, 120, &count);
                play(&watch, &now_us, true, 60, &count);
        }
        assert_in_range(count.warned, 7200 / 900, 7200 / 600);
        assert_int_equal(count.over, count.warned);
}

static void test_streams(void **state) {
        struct signal_watch watch = {};
        struct count count = {};
        int64_t now_us = 0;

        /* The next stream's signal counts from its own beginning, and is not told of too soon. */
        play(&watch, &now_us, false, 100, &count);
        assert_int_equal(count.warned, 1);
        signal_watch_end(&watch);
        play(&watch, &now_us, true, 100, &count);
        assert_int_equal(count.over, 0);
        signal_watch_end(&watch);
        play(&watch, &now_us, false, 300, &count);
        assert_int_equal(count.warned, 1);
        play(&watch, &now_us, false, 300, &count);
        assert_int_equal(count.warned, 2);
        /* A clock that went back begins anew. */
        now_us -= 500 * S;
        signal_watch_end(&watch);
        play(&watch, &now_us, false, 50, &count);
        now_us -= 40 * S;
        play(&watch, &now_us, false, 50, &count);
        assert_int_equal(count.warned, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_once),
                cmocka_unit_test(test_short),
                cmocka_unit_test(test_no_flapping),
                cmocka_unit_test(test_streams),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
