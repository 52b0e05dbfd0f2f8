/* SPDX-License-Identifier: MIT */
/* New rest: what came with a movement or a jump of voltage and keeps still. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/detector/newrest.h"
#include "tests/unit/detector-asserts.h"

#define HOP_S 0.05
#define MOVEMENT 0.3
#define JUMP 2.0
/* By chance a level varies by this share of itself. */
#define NOISE_1000_HZ 0.0241
#define NOISE_200_HZ 0.0598

static struct signal_events events, others;

/* What the detector would see. */
static struct script {
        struct newrest newrest;
        double level_uv, share, swing, period_s; /* the level swings up to so many times itself */
        bool in_run;
        double noise, known_uv;
        double rest_uv; /* what was returned last */
} script;

/* Returns after how many seconds a new rest was told; negative: not. */
static double go_on(double for_s) {
        for (double at_s = 0.0; at_s < for_s - HOP_S / 2.0; at_s += HOP_S) {
                double level_uv = script.level_uv;

                if (script.swing > 0.0)
                        level_uv *= 1.0 + (script.swing - 1.0) * 0.5 *
                                                  (1.0 - cos(2.0 * M_PI * at_s / script.period_s));
                script.rest_uv = newrest_take(&script.newrest,
                                              &(struct newrest_input){.hop_s = HOP_S,
                                                                      .level_uv = level_uv,
                                                                      .rest_uv = REST_UV,
                                                                      .slow_share = script.share,
                                                                      .level_noise = script.noise,
                                                                      .known_uv = script.known_uv,
                                                                      .in_run = script.in_run});
                if (script.rest_uv > 0.0)
                        return at_s + HOP_S;
        }
        return -1.0;
}

static double go_on_with(double for_s, double share, double ratio, bool in_run) {
        script.share = share;
        script.level_uv = ratio * REST_UV;
        script.in_run = in_run;
        return go_on(for_s);
}

/* 20 s of rest. */
static void script_begin(void) {
        script = (struct script){.noise = NOISE_1000_HZ};
        newrest_reset(&script.newrest);
        assert_true(go_on_with(20.0, 0.0, 1.0, false) < 0.0);
}

/* Half a second of slow voltage with what comes after it. */
static void begin_with(double share, double ratio) {
        script_begin();
        assert_true(go_on_with(0.5, share, ratio, true) < 0.0);
}

static void test_still_for_eight_seconds(void **state) {
        static const double shares[] = {MOVEMENT, JUMP};

        for (size_t i = 0; i < 2; i++) {
                begin_with(shares[i], 5.0);
                /* The level has another height from here on. */
                assert_between(go_on_with(30.0, 0.0, 2.0, true), 7.9, 8.1);
                assert_between(script.rest_uv, 1.99 * REST_UV, 2.01 * REST_UV);
        }
}

static void test_what_is_told_is_the_mean(void **state) {
        begin_with(JUMP, 5.0);
        script.swing = 1.2;
        script.period_s = 2.0;
        assert_between(go_on_with(30.0, 0.0, 2.0, true), 7.9, 8.1);
        /* RMS of 2 rest x (1.1 +- 0.1). */
        assert_between(script.rest_uv, 2.0 * REST_UV * sqrt(1.1 * 1.1 + 0.005) - 0.05,
                       2.0 * REST_UV * sqrt(1.1 * 1.1 + 0.005) + 0.05);
}

static void test_muscles_wax_and_wane(void **state) {
        static const struct {
                double share, swing;
                bool still;
        } cases[] = {
                {MOVEMENT, 1.15, true},
                {MOVEMENT, 1.27, false},
                {JUMP, 1.27, true},
                {JUMP, 1.42, false},
        };

        for (size_t i = 0; i < 4; i++) {
                begin_with(cases[i].share, 2.0);
                script.swing = cases[i].swing;
                script.period_s = 4.0;
                assert_true((go_on_with(60.0, 0.0, 2.0, true) > 0.0) == cases[i].still);
        }
}

/* The levels of a slow sensor vary more by chance. */
static void test_chance_is_no_waxing(void **state) {
        static const struct {
                double noise, share;
                bool still;
        } cases[] = {
                {NOISE_1000_HZ, MOVEMENT, false},
                {NOISE_200_HZ, MOVEMENT, true},
                {NOISE_1000_HZ, JUMP, true},
        };

        for (size_t i = 0; i < 3; i++) {
                begin_with(cases[i].share, 2.0);
                script.noise = cases[i].noise;
                script.swing = 1.25;
                script.period_s = 4.0;
                assert_true((go_on_with(60.0, 0.0, 2.0, true) > 0.0) == cases[i].still);
        }
}

/* A slow rise is no stillness, however smooth. */
static void test_a_rise_is_none(void **state) {
        begin_with(JUMP, 1.5);
        for (double ratio = 1.5; ratio < 8.0; ratio *= 1.05)
                assert_true(go_on_with(1.0, 0.0, ratio, true) < 0.0);
}

static void test_without_a_movement_nothing(void **state) {
        begin_with(0.0, 2.1);
        assert_true(go_on_with(60.0, 0.0, 2.1, true) < 0.0);
        begin_with(0.18, 2.1);
        assert_true(go_on_with(60.0, 0.18, 2.1, true) < 0.0);
        begin_with(0.22, 2.1);
        assert_true(go_on_with(60.0, 0.0, 2.1, true) > 0.0);
}

/* Less than a cramp has, and stiller than any for long: rest, whatever came before. */
static void test_still_below_a_cramp_for_long(void **state) {
        begin_with(0.0, 1.9);
        assert_between(go_on_with(60.0, 0.0, 1.9, true), 19.0, 20.1);
        assert_between(script.rest_uv, 1.89 * REST_UV, 1.91 * REST_UV);

        begin_with(0.0, 1.9);
        assert_true(go_on_with(60.0, 0.0, 1.9, false) < 0.0);

        begin_with(0.0, 1.7);
        script.swing = 1.25;
        script.period_s = 3.0;
        assert_true(go_on_with(60.0, 0.0, 1.7, true) < 0.0);
}

static void test_a_movement_moves_rest_little(void **state) {
        static const struct {
                double share, ratio;
                bool taken;
        } cases[] = {
                {MOVEMENT, 2.9, true}, {MOVEMENT, 3.1, false}, {1.4, 3.1, false},
                {1.6, 3.1, true},      {JUMP, 20.0, true},
        };

        for (size_t i = 0; i < 5; i++) {
                begin_with(cases[i].share, cases[i].ratio);
                assert_true((go_on_with(30.0, 0.0, cases[i].ratio, true) > 0.0) == cases[i].taken);
        }
}

/* What had begun to rise before a movement was something else; before a jump, no matter. */
static void test_what_rose_before(void **state) {
        static const struct {
                double share, before;
                bool taken;
        } cases[] = {{MOVEMENT, 1.1, true}, {MOVEMENT, 1.4, false}, {JUMP, 1.4, true}};

        for (size_t i = 0; i < 3; i++) {
                script_begin();
                assert_true(go_on_with(15.0, 0.0, cases[i].before, false) < 0.0);
                assert_true(go_on_with(0.5, cases[i].share, 2.1, true) < 0.0);
                assert_true((go_on_with(30.0, 0.0, 2.1, true) > 0.0) == cases[i].taken);
        }
}

/* A movement is heard before its slow voltage is seen. */
static void test_a_burst_is_no_rise(void **state) {
        script_begin();
        assert_true(go_on_with(0.4, 0.0, 12.0, true) < 0.0);
        assert_true(go_on_with(0.5, MOVEMENT, 12.0, true) < 0.0);
        assert_true(go_on_with(30.0, 0.0, 2.1, true) > 0.0);
}

/* An electrode that was off comes back to what it was, if it jumps; a muscle may be as loud. */
static void test_what_was_known(void **state) {
        static const struct {
                double known, share, ratio;
                bool known_again;
        } cases[] = {
                {6.0, 1.0, 6.0, true},  {6.0, 1.0, 5.0, true},  {6.0, 1.0, 9.0, false},
                {6.0, 1.0, 4.0, false}, {6.0, 0.7, 6.0, false}, {2.5, 1.0, 2.5, false},
                {0.0, 1.0, 6.0, false},
        };

        for (size_t i = 0; i < 7; i++) {
                script_begin();
                script.known_uv = cases[i].known * REST_UV;
                assert_true(go_on_with(0.5, cases[i].share, cases[i].ratio, true) < 0.0);
                script.swing = 1.25; /* no stillness but after a jump */
                script.period_s = 1.0;
                assert_true((go_on_with(4.0, 0.0, cases[i].ratio, true) > 0.0) == cases[i].known_again);
        }
}

static void test_when_it_must_come(void **state) {
        static const struct {
                double before_s;
                bool taken;
        } early[] = {{14.0, true}, {15.5, false}};
        static const struct {
                double after_s;
                bool taken;
        } late[] = {{1.5, true}, {2.5, false}};

        for (size_t i = 0; i < 2; i++) {
                script_begin();
                assert_true(go_on_with(0.5, MOVEMENT, 1.0, false) < 0.0);
                assert_true(go_on_with(early[i].before_s, 0.0, 1.0, false) < 0.0);
                assert_true((go_on_with(30.0, 0.0, 2.1, true) > 0.0) == early[i].taken);

                script_begin();
                assert_true(go_on_with(late[i].after_s, 0.0, 2.1, true) < 0.0);
                assert_true(go_on_with(0.3, JUMP, 2.1, true) < 0.0);
                assert_true((go_on_with(30.0, 0.0, 2.1, true) > 0.0) == late[i].taken);
        }
}

/* A jump long ago does not make a jump of a movement, nor a run of another run. */
static void test_forgotten(void **state) {
        script_begin();
        assert_true(go_on_with(0.5, JUMP, 1.0, false) < 0.0);
        assert_true(go_on_with(16.0, 0.0, 1.0, false) < 0.0);
        assert_true(go_on_with(0.5, MOVEMENT, 5.0, true) < 0.0);
        assert_true(go_on_with(30.0, 0.0, 5.0, true) < 0.0);

        begin_with(MOVEMENT, 2.1);
        assert_true(go_on_with(3.0, 0.0, 2.1, true) < 0.0);
        assert_true(go_on_with(15.0, 0.0, 1.0, false) < 0.0);
        assert_true(go_on_with(30.0, 0.0, 2.1, true) < 0.0);
}

/* Where rest is not known, and after a reset, nothing that was is left. */
static void test_anew(void **state) {
        begin_with(JUMP, 5.0);
        assert_true(newrest_take(&script.newrest, &(struct newrest_input){.hop_s = HOP_S,
                                                                          .level_uv = 5.0 * REST_UV,
                                                                          .slow_share = JUMP,
                                                                          .in_run = true}) == 0.0);
        assert_true(go_on_with(30.0, 0.0, 5.0, true) < 0.0);

        begin_with(JUMP, 5.0);
        newrest_reset(&script.newrest);
        assert_true(go_on_with(30.0, 0.0, 5.0, true) < 0.0);
}

/*
 * 60 s of rest; then the noise is three times as high for good, with a jump of voltage or without; a
 * cramp of 5 times that from 120 to 150 s.
 */
static void make_moved_electrode(struct signal *signal, double jump_uv) {
        uint64_t seed = 41;

        make_rest(signal, 1000000, 1, 190.0);
        for (size_t i = 60000; i < signal->frames; i++)
                signal->uv[i] += jump_uv + rms_for_ratio(3.0) * signal_normal(&seed);
        signal_add_emg(signal, 0, 120.0, 150.0, 3.0 * rms_for_ratio(5.0), 3.0 * rms_for_ratio(5.0), 0.15,
                       77);
        signal_quantise(signal, -32768, 32767);
}

static void test_an_electrode_that_moved(void **state) {
        struct signal signal;

        make_moved_electrode(&signal, 0.0);
        signal_detect(&signal, 0, &events);
        assert_between(seconds(&signal, signal_first(&events, DETECTOR_EVENT_ALERT)->alert_index), 65.0,
                       75.0);
        signal_done(&signal);

        /* No alert, and the cramp above the new rest is found as any. */
        make_moved_electrode(&signal, 3000.0);
        signal_detect(&signal, 0, &events);
        check_cramp(&signal, &events, 120.0, 150.0, 1.5);
        assert_between(signal_first(&events, DETECTOR_EVENT_ALERT)->rest_uv, 2.6 * REST_UV,
                       3.2 * REST_UV);
        signal_done(&signal);
}

/* Where it sits now it is shaken a little all the time: that is part of the new rest, at once. */
static void test_what_shakes_it_is_rest_too(void **state) {
        struct signal signal;
        uint64_t seed = 41;

        make_rest(&signal, 1000000, 1, 130.0);
        for (size_t i = 60000; i < signal.frames; i++)
                signal.uv[i] += 3000.0 + rms_for_ratio(3.0) * signal_normal(&seed);
        signal_add_line(&signal, 0, 60.0, 130.0, 40.0, 3.0, 3.0);
        signal_add_emg(&signal, 0, 74.0, 99.0, 75.0, 75.0, 0.15, 77);
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &events);
        check_cramp(&signal, &events, 74.0, 99.0, 1.5);
        signal_done(&signal);
}

static void test_any_chunks_give_the_same(void **state) {
        struct signal signal;
        uint64_t seed = 6;

        make_moved_electrode(&signal, 3000.0);
        signal_detect(&signal, 0, &events);
        for (unsigned run = 0; run < 3; run++) {
                signal_detect_in_random_chunks(&signal, run == 0 ? 1 : 170, &seed, &others);
                assert_true(signal_same(&events, &others));
        }
        signal_done(&signal);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_still_for_eight_seconds),
                cmocka_unit_test(test_what_is_told_is_the_mean),
                cmocka_unit_test(test_muscles_wax_and_wane),
                cmocka_unit_test(test_chance_is_no_waxing),
                cmocka_unit_test(test_a_rise_is_none),
                cmocka_unit_test(test_without_a_movement_nothing),
                cmocka_unit_test(test_still_below_a_cramp_for_long),
                cmocka_unit_test(test_a_movement_moves_rest_little),
                cmocka_unit_test(test_what_rose_before),
                cmocka_unit_test(test_a_burst_is_no_rise),
                cmocka_unit_test(test_what_was_known),
                cmocka_unit_test(test_when_it_must_come),
                cmocka_unit_test(test_forgotten),
                cmocka_unit_test(test_anew),
                cmocka_unit_test(test_an_electrode_that_moved),
                cmocka_unit_test(test_what_shakes_it_is_rest_too),
                cmocka_unit_test(test_any_chunks_give_the_same),
        };

        return cmocka_run_group_tests_name("detector-newrest", tests, NULL, NULL);
}
