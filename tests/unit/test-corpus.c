/* SPDX-License-Identifier: MIT */
/* The generator of simulated muscle activity: numbers, scripts, and whether the signal is what the truth
 * says. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "tests/corpus/corpus.h"
#include "tests/corpus/motor-units.h"
#include "tests/corpus/random.h"
#include "tests/unit/corpus-signal.h"

/* Reference values: SplitMix64 of 1234567, and xoshiro256** of the state 1, 2, 3, 4, as published
 * implementations have them. */
static void test_random_is_the_published_algorithm(void **state) {
        struct random random = {.state = {1, 2, 3, 4}};
        uint64_t mix = 1234567;

        assert_true(splitmix64_next(&mix) == UINT64_C(6457827717110365317));
        assert_true(splitmix64_next(&mix) == UINT64_C(3203168211198807973));

        assert_true(random_next(&random) == UINT64_C(11520));
        assert_true(random_next(&random) == 0);
        assert_true(random_next(&random) == UINT64_C(1509978240));
        assert_true(random_next(&random) == UINT64_C(1215971899390074240));
}

static void test_random_distributions(void **state) {
        struct random random;
        double normal = 0, normal_square = 0, logarithmic = 0, logarithmic_square = 0, waiting = 0;
        unsigned counts[7] = {0};
        const unsigned n = 200000;

        random_init(&random, 7, RANDOM_NOISE, 0, 0);
        for (unsigned i = 0; i < n; i++) {
                double value = random_normal(&random);

                normal += value;
                normal_square += value * value;
                value = random_lognormal(&random, 29.5, 21.8);
                logarithmic += value;
                logarithmic_square += value * value;
                waiting += random_exponential(&random, 3);
                counts[random_below(&random, 7)]++;
        }
        assert_true(fabs(normal / n) < 0.01);
        assert_true(fabs(normal_square / n - 1) < 0.02);
        assert_true(fabs(logarithmic / n - 29.5) < 0.3);
        assert_true(fabs(sqrt(logarithmic_square / n - pow(logarithmic / n, 2)) - 21.8) < 0.8);
        assert_true(fabs(waiting / n - 3) < 0.05);
        for (unsigned i = 0; i < 7; i++)
                assert_true(fabs((double)counts[i] / n - 1.0 / 7) < 0.005);
}

static void test_same_seed_gives_the_same_samples(void **state) {
        struct corpus_setup setup = corpus_setup_usual();
        _signal_ struct signal first = {0}, second = {0}, other = {0};

        setup.channels = 4;
        setup.mains_hz = 50;
        setup.mains_uv = 5;
        first = signal_make(&setup, "excerpt");
        second = signal_make(&setup, "excerpt");
        assert_memory_equal(first.counts, second.counts, first.frames * 4 * sizeof(int32_t));

        setup.seed = 2;
        other = signal_make(&setup, "excerpt");
        assert_memory_not_equal(first.counts, other.counts, first.frames * 4 * sizeof(int32_t));
}

static void test_samples_do_not_depend_on_the_pieces(void **state) {
        struct corpus_setup setup = corpus_setup_usual();
        struct random random;
        struct script script;
        struct corpus_error error;
        struct script_layout layout = {.channels = 2};
        _cleanup_(freep) int32_t *counts = NULL;
        _signal_ struct signal whole = {0};
        struct corpus *corpus;
        size_t done = 0, some;

        setup.channels = 2;
        setup.rate_hz = 250;
        whole = signal_make(&setup, "minute");
        counts = calloc(whole.frames * 2, sizeof(*counts));
        assert_non_null(counts);

        assert_int_equal(script_builtin("minute", &layout, &script, &error), 0);
        assert_int_equal(corpus_new(&setup, &script, &corpus, &error), 0);
        script_done(&script);
        random_init(&random, 3, RANDOM_LAYOUT, 0, 0);
        while ((some = corpus_read(corpus, counts + done * 2, 1 + random_below(&random, 700))) > 0)
                done += some;
        corpus_free(corpus);

        assert_int_equal(done, whole.frames);
        assert_memory_equal(counts, whole.counts, done * 2 * sizeof(*counts));
}

static void test_another_channel_leaves_rest_as_it_was(void **state) {
        struct corpus_setup setup = corpus_setup_usual();
        _signal_ struct signal one = {0}, many = {0};

        one = signal_make(&setup, "30 end");
        setup.channels = 8;
        many = signal_make(&setup, "30 end");
        for (size_t i = 0; i < one.frames; i++)
                assert_int_equal(one.counts[i], many.counts[i * 8]);
}

static void test_rest_has_the_asked_level(void **state) {
        const double levels_uv[] = {1.5, 5, 15};
        const unsigned rates_hz[] = {200, 250, 512, 1000, 2000};

        for (unsigned level = 0; level < ARRAY_LENGTH(levels_uv); level++)
                for (unsigned rate = 0; rate < ARRAY_LENGTH(rates_hz); rate++) {
                        struct corpus_setup setup = corpus_setup_usual();
                        _signal_ struct signal signal = {0};

                        setup.rest_uv = levels_uv[level];
                        setup.rate_hz = rates_hz[rate];
                        signal = signal_make(&setup, "20 end");
                        assert_true(fabs(signal_rms_uv(&signal, 0, 0, 20) / setup.rest_uv - 1) < 0.04);
                }
}

static void test_cramp_has_the_level_of_the_truth(void **state) {
        const double ratios[] = {2.5, 4, 7, 15};
        const unsigned rates_hz[] = {200, 500, 1000, 2000};

        for (unsigned i = 0; i < ARRAY_LENGTH(ratios); i++)
                for (uint64_t seed = 1; seed <= 4; seed++) {
                        struct corpus_setup setup = corpus_setup_usual();
                        const struct corpus_event *cramp;
                        _signal_ struct signal signal = {0};
                        char text[128];
                        double measured;

                        setup.seed = seed;
                        setup.rate_hz = rates_hz[(i + seed) % ARRAY_LENGTH(rates_hz)];
                        (void)snprintf(text, sizeof(text), "20 cramp 60 ratio=%g rise=10 fall=4\n90 end",
                                       ratios[i]);
                        signal = signal_make(&setup, text);
                        cramp = signal_event(&signal, EVENT_CRAMP);
                        assert_true(fabs(cramp->level_ratio - ratios[i]) < 0.02);

                        measured = signal_rms_uv(&signal, 0, 31, 75) / signal_rms_uv(&signal, 0, 0, 20);
                        assert_true(fabs(measured / cramp->level_ratio - 1) < 0.1);
                }
}

static void test_cramp_is_of_one_muscle(void **state) {
        struct corpus_setup setup = corpus_setup_usual();
        _signal_ struct signal signal = {0};

        setup.channels = 4;
        signal = signal_make(&setup, "minute");
        assert_int_equal(signal_event(&signal, EVENT_CRAMP)->channels, 1);
        assert_true(signal_rms_uv(&signal, 0, 32, 54) > 5 * setup.rest_uv);
        /* Others see at most 15 % of it. */
        for (unsigned channel = 1; channel < 4; channel++) {
                double level_uv = signal_rms_uv(&signal, channel, 32, 54);

                assert_true(level_uv < setup.rest_uv * hypot(1, 0.15 * 6) * 1.05);
                assert_true(level_uv > setup.rest_uv * 0.97);
        }
}

static void test_cramp_has_the_band_of_muscle(void **state) {
        for (uint64_t seed = 1; seed <= 5; seed++) {
                struct corpus_setup setup = corpus_setup_usual();
                _signal_ struct signal signal = {0};
                double median_hz;

                setup.seed = seed;
                signal = signal_make(&setup, "minute");
                median_hz = signal_median_hz(&signal, 0, 32, 54);
                assert_true(median_hz > 60 && median_hz < 150);
        }
}

static void test_truth_times_agree_with_the_envelope(void **state) {
        for (uint64_t seed = 1; seed <= 5; seed++) {
                struct corpus_setup setup = corpus_setup_usual();
                const struct corpus_event *cramp;
                _signal_ struct signal signal = {0};
                double at_s;

                setup.seed = seed;
                /* Slow rates are made from quicker ones: no sample may be lost on the way. */
                setup.rate_hz = seed % 2 == 0 ? 200 : 1000;
                signal = signal_make(&setup, "minute");
                cramp = signal_event(&signal, EVENT_CRAMP);
                assert_true(cramp->start_s == 20 && cramp->end_s == 60);

                /* The rise takes 10 s: the window's length and the waxing and waning are small beside
                 * it. */
                at_s = cramp->start_s;
                while (signal_envelope_uv(&signal, 0, at_s) < 2 * setup.rest_uv)
                        at_s += 0.05;
                assert_true(fabs(at_s - cramp->twice_rest_s) < 1.5);

                assert_true(fabs(signal_rms_uv(&signal, 0, 0, 20) / setup.rest_uv - 1) < 0.05);
                assert_true(signal_rms_uv(&signal, 0, 57, 58) > 2 * setup.rest_uv);
                assert_true(fabs(signal_rms_uv(&signal, 0, 60, 84) / setup.rest_uv - 1) < 0.05);
        }
}

static void test_weak_rise_never_reaches_twice_rest(void **state) {
        struct corpus_setup setup = corpus_setup_usual();
        _signal_ struct signal signal = signal_make(&setup, "10 cramp 30 ratio=1.8 rise=5\n50 end");

        assert_true(signal_event(&signal, EVENT_CRAMP)->twice_rest_s < 0);
}

static void test_walk_alternates_with_quiet(void **state) {
        struct corpus_setup setup = corpus_setup_usual();
        _signal_ struct signal signal = {0};
        double at_s = 15, last_loud_s = 15, longest_s = 0;

        setup.channels = 4;
        signal = signal_make(&setup, "walk");
        /* Real gait has no calf burst above 20 uV longer than 0.75 s; a half-second window adds its
         * length. */
        for (; at_s < 65; at_s += 0.02) {
                if (signal_envelope_uv(&signal, 0, at_s) < 60)
                        last_loud_s = at_s;
                longest_s = fmax(longest_s, at_s - last_loud_s);
        }
        assert_true(longest_s > 0.3 && longest_s < 1.3);
        for (unsigned channel = 0; channel < 4; channel++)
                assert_true(signal_rms_uv(&signal, channel, 15, 65) > 25);
}

static void test_movement_is_on_all_channels(void **state) {
        struct corpus_setup setup = corpus_setup_usual();
        _signal_ struct signal signal = {0};

        setup.channels = 4;
        signal = signal_make(&setup, "excerpt");
        assert_int_equal(signal_event(&signal, EVENT_MOVEMENT)->channels, 15);
        for (unsigned channel = 0; channel < 4; channel++)
                assert_true(signal_rms_uv(&signal, channel, 30, 42) > 2 * setup.rest_uv);
}

static void test_fasciculations_are_single_potentials(void **state) {
        struct corpus_setup setup = corpus_setup_usual();
        _signal_ struct signal signal =
                signal_make(&setup, "10 fasciculations 200 per_minute=12\n220 end");
        const struct corpus_event *event = signal_event(&signal, EVENT_FASCICULATIONS);
        unsigned loud = 0;

        /* 40 are expected, give or take four times the root. */
        assert_in_range(event->twitches, 15, 65);
        /* Each lasts some 20 ms: few samples stand out. */
        for (size_t i = 0; i < signal.frames; i++)
                loud += fabs(signal_uv(&signal, 0, i)) > 6 * setup.rest_uv;
        assert_true(loud > event->twitches / 2);
        assert_true(loud < event->twitches * 20);
}

/* Minetto et al. 2011: 20.0 +- 5.9 pps, active for 29.5 +- 21.8 s. The level holds, the wave waxes and
 * wanes. */
static void test_cramp_units_come_and_go(void **state) {
        struct random random;
        struct unit_pool pool;
        struct cramp_drive drive;
        double since[MODEL_UNITS], active_s = 0, rate_hz = 0, rate_square = 0;
        unsigned stints = 0, looks = 0;
        float *samples;

        random_init(&random, 4, RANDOM_POOL, 0, 0);
        assert_int_equal(unit_pool_init(&pool, &random, 1000), 0);
        samples = calloc(1000 + pool.length, sizeof(*samples));
        assert_non_null(samples);
        cramp_drive_init(&drive, &random);
        for (unsigned i = 0; i < MODEL_UNITS; i++)
                since[i] = -1;

        for (unsigned tick = 0; tick < 600 * 200; tick++) {
                struct unit_canvas canvas = {.samples = samples, .first = tick * 5};

                cramp_drive_render(&drive, &pool, 30, 1 + 0.25 * sin(2 * M_PI * 0.7 * tick / 200),
                                   tick / 200.0, tick * 5, tick * 5 + 5, &canvas);
                for (unsigned i = 0; i < MODEL_UNITS; i++) {
                        bool active = drive.units[i].until >= 0;

                        if (active && since[i] < 0) {
                                since[i] = tick / 200.0;
                        } else if (!active && since[i] >= 0) {
                                active_s += tick / 200.0 - since[i];
                                stints++;
                                since[i] = -1;
                        }
                        if (active && tick % 200 == 0) {
                                rate_hz += drive.units[i].rate_hz;
                                rate_square += drive.units[i].rate_hz * drive.units[i].rate_hz;
                                looks++;
                        }
                }
        }
        assert_true(stints > 200);
        assert_true(fabs(active_s / stints - 29.5) < 5);
        assert_true(fabs(rate_hz / looks - 20) < 1);
        assert_true(fabs(sqrt(rate_square / looks - pow(rate_hz / looks, 2)) - 5.9) < 1);
        /* Many share the work, not all. */
        assert_true(looks / 600.0 > 10 && looks / 600.0 < MODEL_UNITS / 2.0);
        unit_pool_done(&pool);
        free(samples);
}

static void test_mains_shows_its_line(void **state) {
        const unsigned mains_hz[] = {50, 60};

        for (unsigned i = 0; i < 2; i++) {
                struct corpus_setup setup = corpus_setup_usual();
                _signal_ struct signal clean = signal_make(&setup, "30 end"), humming = {0};
                double clean_power = 0, line_power = 0, third_power = 0, third_clean = 0, all = 0;

                setup.mains_hz = mains_hz[i];
                setup.mains_uv = 20;
                humming = signal_make(&setup, "30 end");
                for (unsigned second = 0; second < 30; second++) {
                        unsigned hz = mains_hz[i];

                        clean_power += signal_band_power(&clean, 0, second, hz - 1, hz + 1) / 30;
                        line_power += signal_band_power(&humming, 0, second, hz - 1, hz + 1) / 30;
                        third_clean += signal_band_power(&clean, 0, second, 3 * hz - 1, 3 * hz + 1) / 30;
                        third_power +=
                                signal_band_power(&humming, 0, second, 3 * hz - 1, 3 * hz + 1) / 30;
                        all += signal_band_power(&humming, 0, second, 20, 450) / 30;
                }
                assert_true(line_power > 100 * clean_power);
                assert_true(third_power > 5 * third_clean);
                /* Its amplitude swings by 15 % (SD) over half a minute. */
                assert_true(fabs(sqrt(all - 25) / 20 - 1) < 0.4);
        }
}

/* A hold given in microvolts is the same muscle at every rate, and both rates are made at 1 kHz: what a
 * 200 Hz sensor has below 80 Hz must be what was there, without what lies above 100 Hz folded into it.
 */
static void test_slow_rates_are_filtered_before(void **state) {
        const char text[] = "5 hold 50 muscle=GM uv=40\n60 end";
        struct corpus_setup setup = corpus_setup_usual();
        double wide = 0, low = 0, kept = 0;
        _signal_ struct signal fast = {0}, slow = {0};

        fast = signal_make(&setup, text);
        setup.rate_hz = 200;
        slow = signal_make(&setup, text);
        for (unsigned second = 10; second < 50; second++) {
                wide += signal_band_power(&fast, 0, second, 20, 450);
                low += signal_band_power(&fast, 0, second, 20, 80);
                kept += signal_band_power(&slow, 0, second, 20, 80);
        }
        assert_true(low < 0.75 * wide);
        assert_true(fabs(kept / low - 1) < 0.05);
}

static void test_counts_stay_within_their_bits(void **state) {
        const unsigned bits[] = {8, 10, 12, 16, 20, 24};

        for (unsigned i = 0; i < ARRAY_LENGTH(bits); i++) {
                struct corpus_setup setup = corpus_setup_usual();
                _signal_ struct signal signal = {0};
                int32_t lowest = 0, highest = 0;

                setup.bits = bits[i];
                /* Coarse sensors clip at walking: so do theirs. */
                if (bits[i] == 8)
                        setup.scale_uv = 1;
                signal = signal_make(&setup, "walk");
                for (size_t frame = 0; frame < signal.frames; frame++) {
                        if (signal.counts[frame] < lowest)
                                lowest = signal.counts[frame];
                        if (signal.counts[frame] > highest)
                                highest = signal.counts[frame];
                }
                assert_true(lowest >= corpus_digital_min(bits[i]) &&
                            highest <= corpus_digital_max(bits[i]));
                if (bits[i] == 8) {
                        assert_int_equal(lowest, -128);
                        assert_int_equal(highest, 127);
                } else {
                        assert_true(highest > 100);
                }
        }
        assert_int_equal(corpus_digital_max(16), 32767);
        assert_int_equal(corpus_digital_min(16), -32768);
        assert_int_equal(corpus_digital_max(24), 8000000);
}

static void test_bad_setups_are_refused(void **state) {
        const struct corpus_setup usual = corpus_setup_usual();
        struct corpus_setup setups[] = {usual, usual, usual, usual, usual, usual, usual};
        const char *words[] = {"rate", "rate", "channels", "rest", "mains", "bits", "scale"};
        struct script script = {.duration_s = 10};

        setups[0].rate_hz = 199;
        setups[1].rate_hz = 2001;
        setups[2].channels = 9;
        setups[3].rest_uv = NAN;
        setups[4].mains_hz = 55;
        setups[5].bits = 25;
        setups[6].scale_uv = -1;
        for (unsigned i = 0; i < ARRAY_LENGTH(setups); i++) {
                struct corpus_error error = {0};
                struct corpus *corpus = NULL;

                assert_int_equal(corpus_new(&setups[i], &script, &corpus, &error), -EINVAL);
                assert_null(corpus);
                assert_non_null(strstr(error.text, words[i]));
        }
}

static void test_cramp_beyond_the_muscle_is_refused(void **state) {
        struct corpus_setup setup = corpus_setup_usual();
        struct corpus_error error = {0};
        struct script script;
        struct corpus *corpus = NULL;

        assert_int_equal(script_parse("10 cramp 60 ratio=150", "loud.txt", &script, &error), 0);
        assert_int_equal(corpus_new(&setup, &script, &corpus, &error), -EINVAL);
        assert_non_null(strstr(error.text, "cramp at 10 s"));
        assert_non_null(strstr(error.text, "ratio"));
        script_done(&script);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_random_is_the_published_algorithm),
                cmocka_unit_test(test_random_distributions),
                cmocka_unit_test(test_same_seed_gives_the_same_samples),
                cmocka_unit_test(test_samples_do_not_depend_on_the_pieces),
                cmocka_unit_test(test_another_channel_leaves_rest_as_it_was),
                cmocka_unit_test(test_rest_has_the_asked_level),
                cmocka_unit_test(test_cramp_has_the_level_of_the_truth),
                cmocka_unit_test(test_cramp_is_of_one_muscle),
                cmocka_unit_test(test_cramp_has_the_band_of_muscle),
                cmocka_unit_test(test_truth_times_agree_with_the_envelope),
                cmocka_unit_test(test_weak_rise_never_reaches_twice_rest),
                cmocka_unit_test(test_walk_alternates_with_quiet),
                cmocka_unit_test(test_movement_is_on_all_channels),
                cmocka_unit_test(test_fasciculations_are_single_potentials),
                cmocka_unit_test(test_cramp_units_come_and_go),
                cmocka_unit_test(test_mains_shows_its_line),
                cmocka_unit_test(test_slow_rates_are_filtered_before),
                cmocka_unit_test(test_counts_stay_within_their_bits),
                cmocka_unit_test(test_bad_setups_are_refused),
                cmocka_unit_test(test_cramp_beyond_the_muscle_is_refused),
        };

        return cmocka_run_group_tests_name("corpus", tests, NULL, NULL);
}
