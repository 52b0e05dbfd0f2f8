/* SPDX-License-Identifier: MIT */
/* The detector on signals with mains and other tones: none of them is a cramp, none hides one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "tests/unit/detector-signals.h"

#define REST_UV 5.0

static struct signal_events events;

static void make_rest(struct signal *signal, uint32_t rate_mhz, double length_s) {
        signal_init(signal, rate_mhz, 1, 0.25, length_s);
        signal_add_rest(signal, 0, REST_UV, 321);
}

/* A fundamental with the odd harmonics that fit below the rate's half; drifts as one. */
static void add_mains(struct signal *signal, double from_s, double to_s, double uv, double from_hz,
                      double to_hz) {
        for (double harmonic = 1.0; harmonic < 8.0; harmonic += 2.0)
                if (harmonic * to_hz < 0.45 * signal_rate_hz(signal))
                        signal_add_line(signal, 0, from_s, to_s, uv / harmonic, from_hz * harmonic,
                                        to_hz * harmonic);
}

static void add_cramp(struct signal *signal, double from_s, double to_s) {
        double rms = REST_UV * sqrt(5.0 * 5.0 - 1.0);

        signal_add_emg(signal, 0, from_s, to_s, rms, rms, 0.15, 9);
}

static void run(struct signal *signal) {
        signal_quantise(signal, -8388608, 8388607);
        signal_detect(signal, 0, &events);
}

static void assert_near(double value, double expected, double tolerance) {
        if (fabs(value - expected) <= tolerance)
                return;
        print_error("%g is not within %g of %g\n", value, tolerance, expected);
        fail();
}

static void check_cramp(const struct signal *signal, double onset_s, double end_s) {
        const struct detector_event *end = signal_first(&events, DETECTOR_EVENT_END);
        double rate = signal_rate_hz(signal);

        assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 1);
        assert_non_null(end);
        assert_near((double)end->onset_index / rate, onset_s, 0.4);
        assert_near((double)end->end_index / rate, end_s, 0.4);
        assert_near((double)end->alert_index / rate, onset_s + 10.0, 4.0);
}

static void test_mains_from_the_start(void **state) {
        /* Half a hertz within two minutes is far more than a grid drifts; at 5 mV the notch needs a real
         * one. */
        static const double strengths_uv[] = {20.0, 300.0, 5000.0}, drifts_hz[] = {0.5, 0.5, 0.05};
        static const double grids_hz[] = {50.0, 60.0};
        static const uint32_t rates[] = {200000, 500000, 1000000, 2000000};

        for (size_t i = 0; i < ARRAY_LENGTH(strengths_uv); i++)
                for (size_t k = 0; k < ARRAY_LENGTH(grids_hz); k++)
                        for (size_t m = 0; m < ARRAY_LENGTH(rates); m++) {
                                struct signal signal;

                                make_rest(&signal, rates[m], 130.0);
                                add_mains(&signal, 0.0, 130.0, strengths_uv[i],
                                          grids_hz[k] - 0.6 * drifts_hz[i],
                                          grids_hz[k] + 0.4 * drifts_hz[i]);
                                add_cramp(&signal, 60.0, 95.0);
                                run(&signal);
                                check_cramp(&signal, 60.0, 95.0);
                                signal_done(&signal);
                        }
}

static void test_sudden_mains(void **state) {
        static const double strengths_uv[] = {12.0, 100.0, 1000.0, 5000.0};

        for (size_t i = 0; i < ARRAY_LENGTH(strengths_uv); i++) {
                struct signal signal;

                make_rest(&signal, 1000000, 400.0);
                add_mains(&signal, 50.0, 350.0, strengths_uv[i], 50.03, 49.97);
                add_cramp(&signal, 200.0, 240.0);
                run(&signal);
                check_cramp(&signal, 200.0, 240.0);
                signal_done(&signal);
        }
}

/* A cable is touched now and then. */
static void test_intermittent_mains(void **state) {
        struct signal signal;
        uint64_t seed = 8;

        make_rest(&signal, 1000000, 600.0);
        for (double at = 20.0; at < 570.0;) {
                double length = 0.5 + 15.0 * signal_uniform(&seed);

                add_mains(&signal, at, at + length, 50.0 + 500.0 * signal_uniform(&seed), 50.0, 50.0);
                at += length + 0.5 + 10.0 * signal_uniform(&seed);
        }
        run(&signal);
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 0);
        signal_done(&signal);
}

/* Mains whose strength swings faster than a narrow notch follows, as while a relaxed leg is moved. */
static void test_modulated_mains(void **state) {
        struct signal signal;

        make_rest(&signal, 1000000, 300.0);
        signal_add_line(&signal, 0, 0.0, 300.0, 200.0, 50.0, 50.0);
        signal_add_line(&signal, 0, 100.0, 200.0, 80.0, 51.5, 51.5);
        signal_add_line(&signal, 0, 100.0, 200.0, 80.0, 48.5, 48.5);
        run(&signal);
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 0);
        signal_done(&signal);
}

static void test_foreign_tone(void **state) {
        static const double tones_hz[] = {33.0, 77.0, 123.4, 217.0};

        for (size_t i = 0; i < ARRAY_LENGTH(tones_hz); i++) {
                struct signal signal;

                make_rest(&signal, 1000000, 300.0);
                signal_add_line(&signal, 0, 100.0, 160.0, 60.0, tones_hz[i], tones_hz[i]);
                add_cramp(&signal, 220.0, 260.0);
                run(&signal);
                check_cramp(&signal, 220.0, 260.0);
                signal_done(&signal);
        }
}

/* The lines are not muscle: the median frequency is that of the muscle. */
static void test_median_without_mains(void **state) {
        double median_hz[2];

        for (unsigned i = 0; i < 2; i++) {
                struct signal signal;

                make_rest(&signal, 1000000, 130.0);
                if (i == 1)
                        add_mains(&signal, 0.0, 130.0, 2000.0, 50.05, 50.0);
                add_cramp(&signal, 60.0, 95.0);
                run(&signal);
                assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 1);
                median_hz[i] = signal_first(&events, DETECTOR_EVENT_END)->median_hz;
                signal_done(&signal);
        }
        assert_near(median_hz[1], median_hz[0], 8.0);
}

/* Lost packets leave the phase of the mains known. */
static void test_gaps_in_mains(void **state) {
        struct signal signal;

        make_rest(&signal, 1000000, 130.0);
        add_mains(&signal, 0.0, 130.0, 3000.0, 50.02, 50.02);
        add_cramp(&signal, 60.0, 95.0);
        signal_quantise(&signal, -8388608, 8388607);
        signal_detect_with_loss(&signal, 3000, 20, &events);
        check_cramp(&signal, 60.0, 95.0);
        signal_done(&signal);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_mains_from_the_start), cmocka_unit_test(test_sudden_mains),
                cmocka_unit_test(test_intermittent_mains),   cmocka_unit_test(test_modulated_mains),
                cmocka_unit_test(test_foreign_tone),         cmocka_unit_test(test_median_without_mains),
                cmocka_unit_test(test_gaps_in_mains),
        };

        return cmocka_run_group_tests_name("detector-mains", tests, NULL, NULL);
}
