/* SPDX-License-Identifier: MIT */
/*
 * Nights put together from pieces of real recordings, which are read in place from the folder that
 * RECORDINGS names; without it every case is skipped.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "tests/corpus/splice-load.h"
#include "tests/unit/corpus-signal.h"

static struct splice *material_of(unsigned rate_hz) {
        struct corpus_error error = {0};
        struct splice *splice = NULL;

        assert_int_equal(splice_load(getenv("RECORDINGS"), rate_hz, &splice, &error), 0);
        return splice;
}

/* Most cases share one, at 1 kHz. */
static struct splice *shared;

static int shared_load(void **state) {
        shared = material_of(1000);
        return 0;
}

static int shared_free(void **state) {
        shared = splice_free(shared);
        return 0;
}

/* For cleanup(). */
static void splice_done(struct splice **splice) {
        splice_free(*splice);
}

#define _splice_ __attribute__((cleanup(splice_done)))

static struct corpus_setup setup_of(const struct splice *splice, unsigned rate_hz, unsigned channels) {
        struct corpus_setup setup = corpus_setup_usual();

        setup.rate_hz = rate_hz;
        setup.channels = channels;
        setup.material = splice;
        return setup;
}

static void test_recordings_are_cut(void **state) {
        const struct splice *splice = shared;

        assert_true(splice->holds.n >= 8);
        assert_true(splice->rests.n >= 3);
        /* There are 56 in one of the recordings alone. */
        assert_true(splice->bursts.n >= 50);
        assert_int_equal(splice->n_strides, 5);
        for (size_t i = 0; i < splice->holds.n; i++)
                assert_true(splice->holds.pieces[i].n >= 2000);
        for (size_t i = 0; i < splice->n_strides; i++)
                assert_in_range(splice->strides[i].n, 1000, 1100);
}

static void test_levels_are_those_of_the_truth(void **state) {
        const unsigned rates_hz[] = {250, 1000};

        for (unsigned i = 0; i < ARRAY_LENGTH(rates_hz); i++) {
                _splice_ struct splice *splice = material_of(rates_hz[i]);

                for (uint64_t seed = 1; seed <= 3; seed++) {
                        struct corpus_setup setup = setup_of(splice, rates_hz[i], 2);
                        _signal_ struct signal signal = {0};
                        double measured;

                        setup.seed = seed;
                        signal = signal_make(&setup,
                                             "30 cramp 80 muscle=GM ratio=5 rise=10 fall=5\n130 end");
                        assert_true(fabs(signal_event(&signal, EVENT_CRAMP)->level_ratio - 5) < 0.02);
                        assert_true(fabs(signal_rms_uv(&signal, 0, 0, 30) / 5 - 1) < 0.15);
                        measured = signal_rms_uv(&signal, 0, 41, 104);
                        assert_true(fabs(measured / 25 - 1) < 0.25);
                        assert_true(fabs(signal_rms_uv(&signal, 0, 111, 130) / 5 - 1) < 0.15);
                        /* The other muscle has crosstalk and no more. */
                        assert_true(signal_rms_uv(&signal, 1, 41, 104) < 8);
                }
        }
}

/* Real contractions are unbroken: so are cramps made from them, over their joints, too. */
static void test_cramps_have_no_gaps(void **state) {
        const struct splice *splice = shared;

        for (uint64_t seed = 1; seed <= 4; seed++) {
                struct corpus_setup setup = setup_of(splice, 1000, 1);
                _signal_ struct signal signal = {0};
                double roughness;

                setup.seed = seed;
                signal = signal_make(&setup, "10 cramp 100 ratio=8 rise=1 fall=1\n115 end");
                for (double at_s = 12; at_s < 108; at_s += 0.25)
                        assert_true(signal_envelope_uv(&signal, 0, at_s) > 12);
                roughness = signal_roughness(&signal, 0, 12, 108);
                assert_true(roughness > 0.05 && roughness < 0.45);
        }
}

static void test_walks_and_movements_come_in_bursts(void **state) {
        const struct splice *splice = shared;
        struct corpus_setup setup = setup_of(splice, 1000, 4);
        _signal_ struct signal signal =
                signal_make(&setup, "10 walk 20\n40 movement 20\n70 plm 3\n80 end");
        const unsigned spans_s[][2] = {{10, 30}, {40, 60}};

        for (unsigned i = 0; i < 2; i++) {
                double highest = 0, lowest = INFINITY;

                for (double at_s = spans_s[i][0] + 1; at_s < spans_s[i][1] - 1; at_s += 0.05) {
                        double level = signal_envelope_uv(&signal, MUSCLE_GM, at_s);

                        highest = fmax(highest, level);
                        lowest = fmin(lowest, level);
                }
                assert_true(highest > 3 * lowest && highest > 40);
        }
        /* Measured on that walker: the medial head has 76 uV RMS, the lateral 34. */
        assert_true(fabs(signal_rms_uv(&signal, MUSCLE_GM, 11, 29) / 76 - 1) < 0.5);
        for (unsigned channel = 0; channel < 4; channel++)
                assert_true(signal_rms_uv(&signal, channel, 70, 73) > 10);
        assert_true(signal_event(&signal, EVENT_WALK)->level_ratio == 0);
}

/* A script and a seed make the same events in both generators. */
static void test_events_are_those_of_the_model(void **state) {
        const struct splice *splice = shared;
        struct corpus_setup setup = setup_of(splice, 1000, 2);
        struct script_layout layout = {.seed = 3, .cramps = 2, .channels = 2, .hours = 2};
        struct corpus_error error = {0};
        const struct corpus_event *events[2];
        struct corpus *corpora[2];
        struct script script;
        size_t n[2];

        setup.seed = 3;
        assert_int_equal(script_builtin("home-night", &layout, &script, &error), 0);
        assert_int_equal(corpus_new(&setup, &script, &corpora[0], &error), 0);
        setup.material = NULL;
        assert_int_equal(corpus_new(&setup, &script, &corpora[1], &error), 0);
        script_done(&script);
        for (unsigned i = 0; i < 2; i++)
                events[i] = corpus_events(corpora[i], &n[i]);
        assert_int_equal(n[0], n[1]);
        for (size_t i = 0; i < n[0]; i++) {
                assert_int_equal(events[0][i].kind, events[1][i].kind);
                assert_true(events[0][i].start_s == events[1][i].start_s);
                assert_int_equal(events[0][i].channels, events[1][i].channels);
        }
        corpus_free(corpora[0]);
        corpus_free(corpora[1]);
}

static void test_same_seed_gives_the_same_samples(void **state) {
        _splice_ struct splice *splice = material_of(500);
        struct corpus_setup setup = setup_of(splice, 500, 3);
        _signal_ struct signal first = signal_make(&setup, "excerpt"), second = {0}, other = {0};

        second = signal_make(&setup, "excerpt");
        assert_memory_equal(first.counts, second.counts, first.frames * 3 * sizeof(int32_t));
        setup.seed = 2;
        other = signal_make(&setup, "excerpt");
        assert_memory_not_equal(first.counts, other.counts, first.frames * 3 * sizeof(int32_t));
}

static void test_missing_recordings_are_told(void **state) {
        struct corpus_error error = {0};
        struct splice *splice = NULL;

        assert_int_equal(splice_load("/nowhere", 1000, &splice, &error), -ENOENT);
        assert_null(splice);
        assert_non_null(strstr(error.text, "/nowhere"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_recordings_are_cut),
                cmocka_unit_test(test_levels_are_those_of_the_truth),
                cmocka_unit_test(test_cramps_have_no_gaps),
                cmocka_unit_test(test_walks_and_movements_come_in_bursts),
                cmocka_unit_test(test_events_are_those_of_the_model),
                cmocka_unit_test(test_same_seed_gives_the_same_samples),
                cmocka_unit_test(test_missing_recordings_are_told),
        };
        const char *recordings = getenv("RECORDINGS");

        if (!recordings || !*recordings) {
                /* cmocka 1.1 calls a skipped case "not ok", which meson takes for a failure. */
                printf("1..%zu\n", ARRAY_LENGTH(tests));
                for (size_t i = 0; i < ARRAY_LENGTH(tests); i++)
                        printf("ok %zu - %s # SKIP no folder of recordings was given\n", i + 1,
                               tests[i].name);
                return 0;
        }
        return cmocka_run_group_tests_name("splice", tests, shared_load, shared_free);
}
