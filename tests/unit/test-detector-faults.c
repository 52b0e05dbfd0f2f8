/* SPDX-License-Identifier: MIT */
/* The detector on faulty signals: offsets, rails, dead and coarse channels, floors that move, gaps, lost
 * packets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "tests/unit/detector-asserts.h"

static struct signal_events events;

static void test_huge_offset(void **state) {
        struct signal signal;

        /* Half a volt of electrode offset at the first sample. */
        make_rest(&signal, 1000000, 1, 110.0);
        signal_add_offset(&signal, 0, 500000.0);
        signal_add_emg(&signal, 0, 40.0, 80.0, rms_for_ratio(3.0), rms_for_ratio(3.0), 0.1, 9);
        signal_quantise(&signal, -8388608, 8388607);
        signal_detect(&signal, 0, &events);
        check_cramp(&signal, &events, 40.0, 80.0, 0.3);
        signal_detect_with_gap(&signal, 20000, 25000, &events);
        check_cramp(&signal, &events, 40.0, 80.0, 0.3);
        signal_done(&signal);
}

static void test_dead_channels(void **state) {
        static const int32_t spans[] = {0, 1, 2};

        for (size_t i = 0; i < ARRAY_LENGTH(spans); i++) {
                struct signal signal;
                uint64_t seed = 5;

                signal_init(&signal, 1000000, 1, 3.2, 300.0);
                /* Flat for a minute, then flickering between neighbouring codes. */
                for (size_t k = 60000; k < signal.frames; k++)
                        signal.counts[k] = (int32_t)(signal_random(&seed) % (uint64_t)(spans[i] + 1));
                signal_detect(&signal, 0, &events);
                assert_int_equal(events.count, 0);
                signal_done(&signal);
        }
}

/* Files repeat the last value where samples were lost: that is no rest to measure others by. */
static void test_held_value_is_no_rest(void **state) {
        static const size_t from[] = {300, 3000, 30000};

        for (size_t i = 0; i < ARRAY_LENGTH(from); i++) {
                struct signal signal;

                make_rest(&signal, 1000000, 1, 120.0);
                signal_quantise(&signal, -2048, 2047);
                for (size_t k = from[i]; k < from[i] + 20000; k++)
                        signal.counts[k] = signal.counts[from[i]];
                signal_detect(&signal, 0, &events);
                assert_silent(&events);
                signal_done(&signal);
        }
}

static void test_rails(void **state) {
        struct signal signal;
        uint64_t seed = 6;

        /* The electrode comes off again and again: at a rail for 0.1-20 s, back for 0.2-8 s. */
        make_rest(&signal, 1000000, 1, 600.0);
        signal_quantise(&signal, -2048, 2047);
        for (size_t at = 30000; at < 590000;) {
                size_t length = 100 + signal_random(&seed) % 20000;
                int32_t rail = signal_random(&seed) % 2 != 0 ? 2047 : -2048;

                for (size_t k = at; k < at + length && k < signal.frames; k++)
                        signal.counts[k] = rail;
                at += length + 200 + signal_random(&seed) % 8000;
        }
        signal_detect(&signal, 0, &events);
        assert_silent(&events);
        signal_done(&signal);
}

/* A cramp is still found by a sensor so coarse that rest is less than a count. */
static void test_coarse_sensor(void **state) {
        struct signal signal;
        double rms = rms_for_ratio(8.0);

        signal_init(&signal, 1000000, 1, 8.0, 110.0);
        signal_add_rest(&signal, 0, REST_UV, 3);
        signal_add_emg(&signal, 0, 40.0, 80.0, rms, rms, 0.15, 9);
        signal_quantise(&signal, -128, 127);
        signal_detect(&signal, 0, &events);
        check_cramp(&signal, &events, 40.0, 80.0, 0.3);
        signal_done(&signal);
}

static void test_floor_step(void **state) {
        static const double factors[] = {0.3, 1.6, 3.0};

        for (size_t i = 0; i < ARRAY_LENGTH(factors); i++) {
                struct signal signal;
                const struct detector_event *last;

                make_rest(&signal, 250000, 1, 1500.0);
                for (size_t k = 50000; k < signal.frames; k++)
                        signal.uv[k] *= factors[i];
                /* A cramp over the new floor, long after. */
                signal_add_emg(&signal, 0, 1400.0, 1440.0, 6.0 * factors[i] * REST_UV,
                               6.0 * factors[i] * REST_UV, 0.15, 9);
                signal_quantise(&signal, -32768, 32767);
                signal_detect(&signal, 0, &events);

                /* A step to three times rest may alert once (nobody can tell yet), but not for ever. */
                assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), factors[i] > 2.0 ? 2 : 1);
                if (factors[i] > 2.0)
                        assert_between(
                                seconds(&signal, signal_first(&events, DETECTOR_EVENT_END)->end_index),
                                200.0, 560.0);
                last = &events.event[events.count - 1];
                assert_between(seconds(&signal, last->onset_index), 1399.5, 1400.5);
                assert_between(last->rest_uv, 0.7 * factors[i] * REST_UV, 1.1 * factors[i] * REST_UV);
                signal_done(&signal);
        }
}

/* An electrode that was off leaves amplifier noise far below rest; its return is no activity. */
static void test_electrode_comes_back(void **state) {
        struct signal signal;

        signal_init(&signal, 500000, 1, SCALE_UV, 1000.0);
        signal_add_rest(&signal, 0, 10.0, 3);
        for (size_t k = 400 * 500; k < 700 * 500; k++)
                signal.uv[k] *= 0.15;
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &events);
        assert_int_equal(events.count, 0);
        signal_done(&signal);
}

static void test_gaps_at_rest(void **state) {
        static const double gaps_s[] = {0.001, 0.02, 0.5, 0.999, 1.5, 29.0, 31.0, 200.0, 400.0};

        for (size_t i = 0; i < ARRAY_LENGTH(gaps_s); i++) {
                struct signal signal;
                size_t gap;

                make_rest(&signal, 500000, 1, 500.0);
                signal_add_offset(&signal, 0, 3000.0);
                signal_add_line(&signal, 0, 0.0, 500.0, 300.0, 50.02, 50.02);
                /* The level of the electrode is another one after the gap. */
                gap = (size_t)(gaps_s[i] * 500.0);
                for (size_t k = 20000 + gap; k < signal.frames; k++)
                        signal.uv[k] -= 5000.0;
                signal_quantise(&signal, -32768, 32767);
                signal_detect_with_gap(&signal, 20000, 20000 + gap, &events);
                assert_int_equal(events.count, 0);
                signal_done(&signal);
        }
}

static void test_gaps_in_a_cramp(void **state) {
        static const double gaps_s[] = {0.01, 0.4, 0.95, 3.0, 10.0, 28.0};
        struct signal signal;
        const struct detector_event *end;

        make_cramp(&signal, 500000, 1, 6.0, 0.15, 60.0);
        for (size_t i = 0; i < ARRAY_LENGTH(gaps_s); i++) {
                signal_detect_with_gap(&signal, 30000, 30000 + (size_t)(gaps_s[i] * 500.0), &events);
                check_cramp(&signal, &events, 40.0, 100.0, 0.3);
        }
        /* More than 30 s are too long to say: it ends where the signal was lost. */
        signal_detect_with_gap(&signal, 30000, 30000 + 35 * 500, &events);
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 1);
        end = only(&events, DETECTOR_EVENT_END);
        assert_int_equal(end->end_reason, DETECTOR_END_SIGNAL_LOST);
        assert_int_equal(end->end_index, 30000);
        signal_done(&signal);
}

static void test_gaps_in_a_suspicion(void **state) {
        struct signal signal;
        double without_s, with_s;

        make_cramp(&signal, 500000, 1, 6.0, 0.15, 40.0);
        signal_detect(&signal, 0, &events);
        without_s = seconds(&signal, only(&events, DETECTOR_EVENT_ALERT)->alert_index);
        /* A short gap leaves the evidence as it is, and costs no more than itself and the settling. */
        signal_detect_with_gap(&signal, 22500, 22750, &events);
        with_s = seconds(&signal, only(&events, DETECTOR_EVENT_ALERT)->alert_index);
        assert_between(with_s, without_s + 0.2, without_s + 1.2);
        assert_between(seconds(&signal, events.event[0].onset_index), 39.7, 40.3);

        /* A longer one begins anew. */
        signal_detect_with_gap(&signal, 22500, 24000, &events);
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_DISMISSED), 1);
        assert_true(only(&events, DETECTOR_EVENT_ALERT)->onset_index >= 24000);
        signal_done(&signal);
}

/* One packet of 20 ms lost every two seconds. */
static void test_steady_loss(void **state) {
        struct signal signal;

        make_cramp(&signal, 1000000, 1, 5.0, 0.15, 40.0);
        signal_detect_with_loss(&signal, 2000, 20, &events);
        check_cramp(&signal, &events, 40.0, 80.0, 0.5);
        signal_done(&signal);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_huge_offset),           cmocka_unit_test(test_dead_channels),
                cmocka_unit_test(test_held_value_is_no_rest), cmocka_unit_test(test_rails),
                cmocka_unit_test(test_coarse_sensor),         cmocka_unit_test(test_floor_step),
                cmocka_unit_test(test_electrode_comes_back),  cmocka_unit_test(test_gaps_at_rest),
                cmocka_unit_test(test_gaps_in_a_cramp),       cmocka_unit_test(test_gaps_in_a_suspicion),
                cmocka_unit_test(test_steady_loss),
        };

        return cmocka_run_group_tests_name("detector-faults", tests, NULL, NULL);
}
