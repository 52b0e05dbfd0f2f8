/* SPDX-License-Identifier: MIT */
/* The detector's parts against libm and against formulas: sine and cosine, spectra, filters, floor. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "daemon/detector/condition.h"
#include "daemon/detector/floor.h"
#include "daemon/detector/spectrum.h"
#include "daemon/detector/trigonometry.h"
#include "tests/unit/detector-signals.h"

static void assert_near(double value, double expected, double tolerance) {
        if (fabs(value - expected) <= tolerance)
                return;
        print_error("%.17g is not within %g of %.17g\n", value, tolerance, expected);
        fail();
}

static void test_trigonometry(void **state) {
        uint64_t seed = 3;

        for (unsigned i = 0; i < 20000; i++) {
                double turns = (signal_uniform(&seed) - 0.5) * (i % 2 != 0 ? 2.0 : 1000.0), sine, cosine;

                trigonometry_of_turns(turns, &sine, &cosine);
                assert_near(sine, sin(2.0 * M_PI * (turns - floor(turns))), 3e-15);
                assert_near(cosine, cos(2.0 * M_PI * (turns - floor(turns))), 3e-15);
        }
}

static void test_spectrum_against_definition(void **state) {
        const struct grid grid = grid_make(250000);
        struct spectrum spectrum;
        double ring[256], squares = 0.0, weights = 0.0, sum = 0.0;
        uint64_t seed = 17;

        assert_int_equal(spectrum_init(&spectrum, &grid), 0);
        assert_int_equal(spectrum.frames, 256);
        for (size_t i = 0; i < 256; i++)
                ring[i] = signal_normal(&seed) + 3.0 * sin((double)i);
        spectrum_run(&spectrum, ring, 100);

        for (size_t i = 0; i < 256; i++) {
                double window = 0.5 - 0.5 * cos(2.0 * M_PI * (double)i / 256.0);

                weights += window * window;
                squares += window * window * ring[(100 + i) % 256] * ring[(100 + i) % 256];
        }
        for (size_t k = 1; k < 128; k++) {
                double real = 0.0, imaginary = 0.0;

                for (size_t i = 0; i < 256; i++) {
                        double window = 0.5 - 0.5 * cos(2.0 * M_PI * (double)i / 256.0);
                        double angle = 2.0 * M_PI * (double)(i * k % 256) / 256.0;

                        real += window * ring[(100 + i) % 256] * cos(angle);
                        imaginary -= window * ring[(100 + i) % 256] * sin(angle);
                }
                assert_near(spectrum.power[k],
                            2.0 * (real * real + imaginary * imaginary) / (256.0 * weights), 1e-10);
                sum += spectrum.power[k];
        }
        /* All but what lies at 0 and at half the rate. */
        assert_near(sum, squares / weights, 0.1 * squares / weights);
        spectrum_done(&spectrum);
}

static void test_spectrum_readings(void **state) {
        const struct grid grid = grid_make(1000000);
        struct spectrum spectrum;
        double ring[1024];

        assert_int_equal(spectrum_init(&spectrum, &grid), 0);
        for (size_t i = 0; i < 1024; i++)
                ring[i] = sin(2.0 * M_PI * 100.0 * (double)i / 1000.0) +
                          2.0 * sin(2.0 * M_PI * 50.0 * (double)i / 1000.0);
        spectrum_run(&spectrum, ring, 0);
        spectrum_leave_in(&spectrum);
        assert_near(spectrum_median_hz(&spectrum, spectrum.power), 50.0, 1.0);
        assert_near(spectrum_tone_share(&spectrum, 6.0), 0.8, 0.01);
        spectrum_leave_out(&spectrum, 50.0, 3.0);
        assert_near(spectrum_left_out_share(&spectrum), 0.8, 0.01);
        assert_near(spectrum_median_hz(&spectrum, spectrum.power), 100.0, 1.0);
        for (size_t k = 0; k < spectrum.bins; k++)
                spectrum.power[k] = 0.0;
        assert_near(spectrum_median_hz(&spectrum, spectrum.power), 0.0, 0.0);
        assert_near(spectrum_tone_share(&spectrum, 6.0), 0.0, 0.0);
        spectrum_done(&spectrum);
}

/* Gain of the conditioning at one frequency. */
static double measure_gain(const struct grid *grid, double hz) {
        struct condition_plan plan;
        struct condition condition;
        static int32_t counts[8000];
        static double uv[8000];
        double squares = 0.0;

        condition_plan_make(grid, &plan);
        condition_prime(&condition, 0);
        for (size_t i = 0; i < ARRAY_LENGTH(counts); i++)
                counts[i] = (int32_t)lrint(1e6 * sin(2.0 * M_PI * hz * (double)i / grid->rate_hz));
        condition_run(&condition, &plan, counts, 1, 1e-6, uv, ARRAY_LENGTH(counts));
        for (size_t i = ARRAY_LENGTH(counts) / 2; i < ARRAY_LENGTH(counts); i++)
                squares += uv[i] * uv[i];
        return sqrt(squares / (double)(ARRAY_LENGTH(counts) / 2)) * sqrt(2.0);
}

static void test_filters(void **state) {
        static const uint32_t rates[] = {200000, 333333, 1000000, 2000000};

        for (size_t i = 0; i < ARRAY_LENGTH(rates); i++) {
                const struct grid grid = grid_make(rates[i]);

                assert_near(measure_gain(&grid, 20.0), sqrt(0.5), 0.01);
                assert_near(measure_gain(&grid, 5.0), 0.0, 0.006); /* (5/20)^4 */
                assert_near(measure_gain(&grid, 60.0), 1.0, 0.01);
        }
        {
                const struct grid grid = grid_make(2000000);

                assert_near(measure_gain(&grid, 450.0), sqrt(0.5), 0.01);
                assert_near(measure_gain(&grid, 200.0), 1.0, 0.02);
                assert_true(measure_gain(&grid, 900.0) < 0.01);
        }
}

static void test_priming(void **state) {
        const struct grid grid = grid_make(1000000);
        struct condition_plan plan;
        struct condition condition;
        int32_t counts[500];
        double uv[500];

        condition_plan_make(&grid, &plan);
        for (size_t i = 0; i < 500; i++)
                counts[i] = INT32_MIN;
        condition_prime(&condition, counts[0]);
        condition_run(&condition, &plan, counts, 1, 1.0, uv, 500);
        for (size_t i = 0; i < 500; i++)
                assert_near(uv[i], 0.0, 0.0);
}

static void test_floor(void **state) {
        const struct grid grid = grid_make(1000000);
        struct floor resting;
        unsigned second = TUNING_FLOOR_UNIT_HOPS;

        floor_reset(&resting, grid.hop_frames, 0.1);
        for (unsigned i = 0; i < 2 * second; i++)
                floor_feed(&resting, 10.0);
        assert_near(resting.rest_uv, 0.0, 0.0);
        for (unsigned i = 0; i < 2 * second; i++)
                floor_feed(&resting, 10.0);
        assert_near(resting.rest_uv, 10.0, 1.0);

        /* Bursts that leave a third of the time to rest do not lift it. */
        for (unsigned i = 0; i < 60 * second; i++)
                floor_feed(&resting, i % second < second * 2 / 3 ? 100.0 : 10.0);
        assert_near(resting.rest_uv, 10.0, 1.0);
        /* It falls within 20 s and rises within a minute, not within 40 s. */
        for (unsigned i = 0; i < 20 * second; i++)
                floor_feed(&resting, 6.0);
        assert_near(resting.rest_uv, 6.0, 0.6);
        for (unsigned i = 0; i < 60 * second; i++)
                floor_feed(&resting, 6.0);
        for (unsigned i = 0; i < 40 * second; i++)
                floor_feed(&resting, 12.0);
        assert_near(resting.rest_uv, 6.0, 0.6);
        for (unsigned i = 0; i < 20 * second; i++)
                floor_feed(&resting, 12.0);
        assert_near(resting.rest_uv, 12.0, 1.2);

        /* A dead channel: never below what its resolution can show. */
        floor_reset(&resting, grid.hop_frames, 3.2);
        for (unsigned i = 0; i < 10 * second; i++)
                floor_feed(&resting, 0.0);
        assert_near(resting.rest_uv, TUNING_FLOOR_MIN_COUNTS * 3.2, 1e-12);
        floor_adopt(&resting, 40.0, /* for_now= */ false);
        assert_near(resting.rest_uv, 40.0, 1e-9);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_trigonometry),
                cmocka_unit_test(test_spectrum_against_definition),
                cmocka_unit_test(test_spectrum_readings),
                cmocka_unit_test(test_filters),
                cmocka_unit_test(test_priming),
                cmocka_unit_test(test_floor),
        };

        return cmocka_run_group_tests_name("detector-parts", tests, NULL, NULL);
}
