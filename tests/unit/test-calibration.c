/* SPDX-License-Identifier: MIT */
/* A calibration's course and what it measures, over levels that are made up. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "daemon/calibration.h"

#define RATE_MHZ 1000000u
#define HOP 50u
#define CHANNELS 2u

static const struct calibration_plan plan = {.rest_s = 10, .flex_s = 4, .pause_s = 3, .tries = 2};

struct play {
        struct calibration calibration;
        uint64_t index;
        enum detector_quality quality[CHANNELS];
};

static void begin(struct play *play) {
        *play = (struct play){.index = 123456};
        assert_int_equal(calibration_begin(&play->calibration, &plan, RATE_MHZ, CHANNELS), 0);
}

/* Levels of so many seconds; returns how often the phase changed. */
static unsigned levels(struct play *play, double seconds, double first_uv, double second_uv) {
        const double level_uv[CHANNELS] = {first_uv, second_uv};
        unsigned changes = 0;

        for (unsigned hops = (unsigned)(seconds * 20.0 + 0.5); hops > 0; hops--) {
                struct detector_level level = {.frames = HOP,
                                               .channels = CHANNELS,
                                               .envelope_uv = level_uv,
                                               .level_uv = level_uv,
                                               .floor_uv = level_uv,
                                               .quality = play->quality};

                play->index += HOP;
                level.index = play->index;
                changes += calibration_take(&play->calibration, &level);
        }
        return changes;
}

static void assert_phase(const struct play *play, enum calibration_phase phase, unsigned attempt) {
        assert_int_equal(play->calibration.phase, phase);
        assert_int_equal(play->calibration.attempt, attempt);
}

/* The phases in order, each as long as planned; the best try counts, also when it is late. */
static void test_course(void **state) {
        struct play play;

        begin(&play);
        assert_phase(&play, CALIBRATION_REST, 0);
        assert_int_equal(levels(&play, 9.95, 5, 8), 0);
        assert_true(calibration_left_s(&play.calibration) > 0.04 &&
                    calibration_left_s(&play.calibration) < 0.06);
        assert_false(calibration_is_flexing(&play.calibration));
        assert_int_equal(levels(&play, 0.05, 5, 8), 1);
        assert_phase(&play, CALIBRATION_READY, 1);
        assert_true(calibration_is_flexing(&play.calibration));
        assert_int_equal(levels(&play, 3, 5, 8), 1);
        assert_phase(&play, CALIBRATION_FLEX, 1);
        assert_int_equal(levels(&play, 4, 50, 90), 1);
        assert_phase(&play, CALIBRATION_READY, 2);
        assert_int_equal(levels(&play, 3, 5, 8), 1);
        assert_int_equal(levels(&play, 4, 60, 80), 1);
        assert_phase(&play, CALIBRATION_RELAX, 2);
        assert_int_equal(levels(&play, 1, 70, 8), 0);
        assert_int_equal(levels(&play, 2, 5, 8), 1);
        assert_phase(&play, CALIBRATION_DONE, 2);
        assert_true(calibration_is_over(&play.calibration));
        assert_false(calibration_is_flexing(&play.calibration));
        assert_true(play.calibration.rest_uv[0] == 5 && play.calibration.mvc_uv[0] == 70);
        assert_true(play.calibration.rest_uv[1] == 8 && play.calibration.mvc_uv[1] == 90);
        /* What comes later changes nothing. */
        assert_int_equal(levels(&play, 60, 500, 900), 0);
        assert_true(play.calibration.mvc_uv[0] == 70);
}

/* Rest is the quiet part of it: twitches do not count. */
static void test_rest_is_the_quiet_part(void **state) {
        struct play play;

        begin(&play);
        (void)levels(&play, 4, 5, 8);
        (void)levels(&play, 3, 40, 8);
        (void)levels(&play, 3, 6, 8);
        assert_phase(&play, CALIBRATION_READY, 1);
        assert_true(play.calibration.rest_uv[0] == 5 && play.calibration.rest_uv[1] == 8);
}

static void test_poor_signal(void **state) {
        static const enum detector_quality poor[] = {
                DETECTOR_QUALITY_NOISY,         DETECTOR_QUALITY_MAINS, DETECTOR_QUALITY_SATURATED,
                DETECTOR_QUALITY_ELECTRODE_OFF, DETECTOR_QUALITY_DEAD,
        };

        for (size_t i = 0; i < ARRAY_LENGTH(poor); i++) {
                struct play play;

                begin(&play);
                play.quality[0] = play.quality[1] = poor[i];
                assert_int_equal(levels(&play, 10, 5, 8), 1);
                assert_phase(&play, CALIBRATION_POOR_SIGNAL, 1);
                assert_true(calibration_is_over(&play.calibration));
        }
        /* For more than half of the rest is too long, for less not; and one good channel is enough. */
        for (unsigned bad_s = 4; bad_s <= 7; bad_s += 3) {
                struct play play;

                begin(&play);
                play.quality[0] = DETECTOR_QUALITY_MAINS;
                (void)levels(&play, bad_s, 5, 8);
                play.quality[0] = DETECTOR_QUALITY_GOOD;
                (void)levels(&play, 10 - bad_s, 5, 8);
                assert_phase(&play, CALIBRATION_READY, 1);
                assert_true((play.calibration.rest_uv[0] > 0) == (bad_s == 4));
                assert_true(play.calibration.rest_uv[1] == 8);
        }
}

static void test_flexing_must_rise(void **state) {
        struct play play;

        begin(&play);
        (void)levels(&play, 10, 5, 8);
        (void)levels(&play, 17, 14.9, 23.9);
        assert_phase(&play, CALIBRATION_NOT_ABOVE_REST, 2);
        /* One that does is enough; the other is not calibrated. */
        begin(&play);
        (void)levels(&play, 10, 5, 8);
        (void)levels(&play, 17, 14.9, 24);
        assert_phase(&play, CALIBRATION_DONE, 2);
        assert_true(play.calibration.rest_uv[0] == 0 && play.calibration.mvc_uv[0] == 0);
        assert_true(play.calibration.rest_uv[1] == 8 && play.calibration.mvc_uv[1] == 24);
}

/* Clipped flexing tells no maximum; a level right after a gap is of less than a second. */
static void test_what_is_no_maximum(void **state) {
        struct play play;

        begin(&play);
        (void)levels(&play, 10, 5, 8);
        (void)levels(&play, 3, 5, 8);
        (void)levels(&play, 2, 50, 80);
        play.quality[0] = DETECTOR_QUALITY_SATURATED;
        (void)levels(&play, 1, 500, 80);
        play.quality[0] = DETECTOR_QUALITY_GOOD;
        play.index += 10 * HOP;
        (void)levels(&play, 0.9, 900, 900);
        (void)levels(&play, 20, 5, 8);
        assert_phase(&play, CALIBRATION_DONE, 2);
        assert_true(play.calibration.mvc_uv[0] == 50 && play.calibration.mvc_uv[1] == 80);
}

static void test_plans_out_of_range(void **state) {
        static const struct calibration_plan bad[] = {
                {4, 4, 5, 3},  {121, 4, 5, 3},  {20, 1, 5, 3}, {20, 11, 5, 3},
                {20, 4, 1, 3}, {20, 4, 121, 3}, {20, 4, 5, 0}, {20, 4, 5, 6},
        };
        struct calibration calibration;

        for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
                assert_int_equal(calibration_begin(&calibration, &bad[i], RATE_MHZ, 1), -EINVAL);
        assert_int_equal(calibration_begin(&calibration, &plan, RATE_MHZ, STREAM_CHANNELS_MAX + 1),
                         -EINVAL);
        assert_int_equal(calibration_begin(&calibration, &plan, RATE_MHZ, 0), -EINVAL);
        assert_int_equal(calibration_begin(&calibration, &plan, 0, 1), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_course),
                cmocka_unit_test(test_rest_is_the_quiet_part),
                cmocka_unit_test(test_poor_signal),
                cmocka_unit_test(test_flexing_must_rise),
                cmocka_unit_test(test_what_is_no_maximum),
                cmocka_unit_test(test_plans_out_of_range),
        };

        return cmocka_run_group_tests_name("calibration", tests, NULL, NULL);
}
