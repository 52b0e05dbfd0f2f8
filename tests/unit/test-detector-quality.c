/* SPDX-License-Identifier: MIT */
/* What the detector says of a channel's signal while it is good, and while it cannot show a cramp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "tests/unit/detector-asserts.h"

#define RATE_MHZ 1000000u
#define SECONDS_MAX 1000u

/* Per second, the quality at its end. */
struct seen {
        enum detector_quality quality[SECONDS_MAX];
        size_t seconds;
};

static void on_level(const struct detector_level *level, void *userdata) {
        struct seen *seen = userdata;
        size_t second = level->index / 1000;

        assert_int_equal(level->frames, 50);
        while (seen->seconds < second && seen->seconds < SECONDS_MAX)
                seen->quality[seen->seconds++] = level->quality[0];
}

static void on_event(const struct detector_event *event, void *userdata) {
}

static void look(const struct signal *signal, bool arbitrary, struct seen *seen) {
        struct detector *detector;

        *seen = (struct seen){};
        assert_int_equal(detector_new(&(struct detector_setup){.rate_mhz = RATE_MHZ,
                                                               .channels = 1,
                                                               .scale_uv = &signal->scale_uv,
                                                               .arbitrary_unit = arbitrary,
                                                               .on_event = on_event,
                                                               .on_level = on_level,
                                                               .userdata = seen},
                                      &detector),
                         0);
        assert_int_equal(detector_push(detector, 0, signal->counts, signal->frames), 0);
        detector_free(detector);
}

static void expect(const struct seen *seen, size_t from, size_t to, enum detector_quality wanted) {
        assert_true(seen->seconds >= to);
        for (size_t i = from; i < to; i++)
                if (seen->quality[i] != wanted) {
                        print_error("# at %zu s: %s instead of %s\n", i,
                                    detector_quality_to_string(seen->quality[i]),
                                    detector_quality_to_string(wanted));
                        fail();
                }
}

/* Muscle-like noise: at rest too, skin and fibres leave more power below 200 Hz than above. */
static void rest_add(struct signal *signal, double rms_uv) {
        signal_add_emg(signal, 0, 0.0, (double)signal->frames / 1000.0, rms_uv, rms_uv, 0.05, 11);
}

static void signal_make(struct signal *signal, double seconds, double rms_uv) {
        signal_init(signal, RATE_MHZ, 1, 0.5, seconds);
        rest_add(signal, rms_uv);
}

static void finish(struct signal *signal, int32_t limit) {
        signal_quantise(signal, -limit - 1, limit);
}

static void test_good(void **state) {
        struct signal signal;
        struct seen seen;

        signal_make(&signal, 120, 5.0);
        signal_add_emg(&signal, 0, 50.0, 90.0, 60.0, 60.0, 0.2, 9); /* a strong cramp is no fault */
        signal_add_line(&signal, 0, 0.0, 120.0, 100.0, 50.0,
                        50.0); /* nor are mains that can be taken out */
        finish(&signal, 32767);
        look(&signal, false, &seen);
        expect(&seen, 0, 120, DETECTOR_QUALITY_GOOD);
        signal_done(&signal);
}

static void test_quiet_but_alive(void **state) {
        struct signal signal;
        struct seen seen;

        signal_make(&signal, 60, 1.5);
        signal.scale_uv = 0.1;
        finish(&signal, 32767);
        look(&signal, false, &seen);
        expect(&seen, 0, 60, DETECTOR_QUALITY_GOOD);
        signal_done(&signal);
}

static void hold(struct signal *signal, size_t from_s, size_t to_s, int32_t count) {
        for (size_t k = from_s * 1000; k < to_s * 1000; k++)
                signal->counts[k] = count;
}

static void test_rail_and_jump(void **state) {
        struct signal signal;
        struct seen seen;

        signal_make(&signal, 100, 5.0);
        finish(&signal, 2047);
        hold(&signal, 30, 50, 2047); /* nothing lies beyond */
        hold(&signal, 70, 80, 500);  /* 2047 does: it only jumped */
        look(&signal, false, &seen);
        expect(&seen, 0, 30, DETECTOR_QUALITY_GOOD);
        expect(&seen, 33, 50, DETECTOR_QUALITY_SATURATED);
        expect(&seen, 54, 70, DETECTOR_QUALITY_GOOD);
        expect(&seen, 73, 80, DETECTOR_QUALITY_ELECTRODE_OFF);
        expect(&seen, 87, 100, DETECTOR_QUALITY_GOOD);
        signal_done(&signal);
}

static void test_clipping(void **state) {
        struct signal signal;
        struct seen seen;

        signal_make(&signal, 80, 5.0);
        signal_add_emg(&signal, 0, 40.0, 60.0, 120.0, 120.0, 0.1, 9);
        finish(&signal, 127); /* 64 uV */
        look(&signal, false, &seen);
        expect(&seen, 0, 40, DETECTOR_QUALITY_GOOD);
        expect(&seen, 44, 60, DETECTOR_QUALITY_SATURATED);
        expect(&seen, 66, 80, DETECTOR_QUALITY_GOOD);
        signal_done(&signal);
}

/* An electrode that dries lets the offset wander: no limit, whatever the extremes. */
static void test_creeping_offset(void **state) {
        struct signal signal;
        struct seen seen;

        signal_make(&signal, 300, 5.0);
        finish(&signal, 32767);
        for (size_t k = 0; k < signal.frames; k++)
                signal.counts[k] += (int32_t)(k / 100);
        look(&signal, false, &seen);
        expect(&seen, 0, 300, DETECTOR_QUALITY_GOOD);
        signal_done(&signal);
}

static void test_tone(void **state) {
        struct signal signal;
        struct seen seen;

        signal_make(&signal, 100, 5.0);
        signal_add_line(&signal, 0, 40.0, 70.0, 30.0, 83.0, 83.0);
        finish(&signal, 32767);
        look(&signal, false, &seen);
        expect(&seen, 0, 40, DETECTOR_QUALITY_GOOD);
        expect(&seen, 50, 70, DETECTOR_QUALITY_MAINS);
        expect(&seen, 85, 100, DETECTOR_QUALITY_GOOD);
        signal_done(&signal);
}

/* Five minutes of rest, then an amplifier without skin. */
static void test_electrode_that_comes_off(void **state) {
        struct signal signal;
        struct seen seen;

        signal_init(&signal, RATE_MHZ, 1, 0.1, 400);
        signal_add_emg(&signal, 0, 0.0, 330.0, 5.0, 5.0, 0.05, 11);
        signal_add_rest(&signal, 0, 1.4, 12);
        finish(&signal, 32767);
        look(&signal, false, &seen);
        expect(&seen, 0, 330, DETECTOR_QUALITY_GOOD);
        expect(&seen, 370, 400, DETECTOR_QUALITY_ELECTRODE_OFF);
        signal_done(&signal);
}

static void test_dead(void **state) {
        struct signal signal;
        struct seen seen;

        /* From the start: known only by how white and how low it is, in microvolts. */
        signal_init(&signal, RATE_MHZ, 1, 0.1, 60);
        signal_add_rest(&signal, 0, 1.4, 12);
        finish(&signal, 32767);
        look(&signal, false, &seen);
        expect(&seen, 15, 60, DETECTOR_QUALITY_DEAD);
        look(&signal, true, &seen);
        expect(&seen, 0, 60, DETECTOR_QUALITY_GOOD);
        hold(&signal, 0, 60, 17);
        look(&signal, true, &seen);
        /* No rest could be learnt of it. */
        expect(&seen, 0, 10, DETECTOR_QUALITY_GOOD);
        expect(&seen, 14, 30, DETECTOR_QUALITY_NO_DATA);
        expect(&seen, 33, 60, DETECTOR_QUALITY_DEAD);
        signal_done(&signal);
}

/* Packets are lost so often that no level can be measured between. */
static void test_lossy(void **state) {
        static const size_t periods[] = {200, 400};

        for (size_t i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
                struct detector *detector;
                struct signal signal;
                struct seen seen = {};

                signal_make(&signal, 120, 8.0);
                finish(&signal, 32767);
                assert_int_equal(detector_new(&(struct detector_setup){.rate_mhz = RATE_MHZ,
                                                                       .channels = 1,
                                                                       .scale_uv = &signal.scale_uv,
                                                                       .on_event = on_event,
                                                                       .on_level = on_level,
                                                                       .userdata = &seen},
                                              &detector),
                                 0);
                for (size_t k = 0; k + periods[i] <= signal.frames; k += periods[i])
                        assert_int_equal(detector_push(detector, k, signal.counts + k, periods[i] - 20),
                                         0);
                expect(&seen, 20, 115, DETECTOR_QUALITY_NO_DATA);
                detector_free(detector);
                signal_done(&signal);
        }
}

static void test_noisy(void **state) {
        struct signal signal;
        struct seen seen;

        signal_make(&signal, 60, 45.0);
        finish(&signal, 32767);
        look(&signal, false, &seen);
        expect(&seen, 15, 60, DETECTOR_QUALITY_NOISY);
        look(&signal, true, &seen);
        expect(&seen, 0, 60, DETECTOR_QUALITY_GOOD);
        signal_done(&signal);
}

static void test_names(void **state) {
        for (unsigned i = 0; i < DETECTOR_QUALITY_MAX; i++)
                assert_non_null(detector_quality_to_string((enum detector_quality)i));
        assert_null(detector_quality_to_string(DETECTOR_QUALITY_MAX));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_quiet_but_alive),
                cmocka_unit_test(test_rail_and_jump),
                cmocka_unit_test(test_clipping),
                cmocka_unit_test(test_creeping_offset),
                cmocka_unit_test(test_tone),
                cmocka_unit_test(test_electrode_that_comes_off),
                cmocka_unit_test(test_dead),
                cmocka_unit_test(test_lossy),
                cmocka_unit_test(test_noisy),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
