/* SPDX-License-Identifier: MIT */
/* The slow voltage beside a muscle: what counts of it, and what the detector makes of that. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/detector/artefact.h"
#include "daemon/detector/channel.h"
#include "tests/unit/detector-asserts.h"

#define HOP_S 0.05
#define SECOND_HOPS 20u

static struct signal_events events, others;

static void assert_near(double value, double expected, double tolerance) {
        assert_between(value, expected - tolerance, expected + tolerance);
}

/* What the difference of two means of 100 ms leaves of a sine, as RMS. */
static double expected_level(double amplitude, double hz) {
        double x = M_PI * hz * 0.1;

        return amplitude / sqrt(2.0) * fabs(sin(x) / x) * 2.0 * fabs(sin(x));
}

/* Takes the hops' means of a sine, and learns them if asked to. */
static void take_sine(struct artefact *artefact, double amplitude, double hz, unsigned seconds,
                      bool learn) {
        double turn = 2.0 * M_PI * hz * HOP_S;

        for (unsigned i = 0; i < seconds * SECOND_HOPS; i++) {
                artefact_take(artefact, amplitude * (cos(turn * i) - cos(turn * (i + 1))) / turn);
                if (learn)
                        artefact_learn(artefact);
        }
}

/* 10 s of rest with slow voltage of this amplitude at 3 Hz. */
static void learn_rest(struct artefact *artefact, const struct grid *grid, double amplitude) {
        artefact_reset(artefact, grid, 0.25);
        take_sine(artefact, amplitude, 3.0, 10, true);
}

static void test_one_to_eight_hertz_pass(void **state) {
        const struct grid grid = grid_make(1000000);
        static const double passing_hz[] = {1, 2, 3, 5, 7, 8};

        for (size_t i = 0; i < sizeof(passing_hz) / sizeof(passing_hz[0]); i++) {
                struct artefact artefact;

                artefact_reset(&artefact, &grid, 0.25);
                take_sine(&artefact, 40.0, passing_hz[i], 3, false);
                assert_near(artefact.level_uv, expected_level(40.0, passing_hz[i]), 1e-6);
                assert_true(artefact.level_uv > 0.25 * 40.0 / sqrt(2.0));
        }
}

static void test_mains_and_offsets_leave_nothing(void **state) {
        const struct grid grid = grid_make(1000000);
        static const double stopped_hz[] = {50, 60};
        struct artefact artefact;

        for (size_t i = 0; i < 2; i++) {
                artefact_reset(&artefact, &grid, 0.25);
                take_sine(&artefact, 1000.0, stopped_hz[i], 3, false);
                assert_near(artefact.level_uv, 0.0, 1e-6);
        }
        artefact_reset(&artefact, &grid, 0.25);
        for (unsigned i = 0; i < 60; i++)
                artefact_take(&artefact, 30000.0);
        assert_near(artefact.level_uv, 0.0, 0.0);
}

static void test_unknown_until_learnt(void **state) {
        const struct grid grid = grid_make(1000000);
        struct artefact artefact;

        artefact_reset(&artefact, &grid, 0.25);
        assert_near(artefact_share(&artefact, &grid, 50.0, 5.0), 0.0, 0.0);
        /* There, but nobody knows what is usual. */
        take_sine(&artefact, 100.0, 3.0, 2, false);
        assert_true(artefact.level_uv > 10.0);
        assert_near(artefact_share(&artefact, &grid, 50.0, 5.0), 0.0, 0.0);

        learn_rest(&artefact, &grid, 1.0);
        take_sine(&artefact, 100.0, 3.0, 2, false);
        assert_true(artefact_share(&artefact, &grid, 50.0, 5.0) > 1.0);
        /* Where the muscle adds nothing there is no share. */
        assert_near(artefact_share(&artefact, &grid, 5.0, 5.0), 0.0, 0.0);
}

/* Of a sensor that filters slow voltage away. */
static void test_none_concludes_nothing(void **state) {
        const struct grid grid = grid_make(1000000);
        struct artefact artefact;

        learn_rest(&artefact, &grid, 0.0);
        assert_true(artefact.floor.usual_uv > 0.0);
        assert_near(artefact_share(&artefact, &grid, 500.0, 5.0), 0.0, 0.0);
}

/* Beyond 1.5 times rest, and beyond the 10 Hz of a flat spectrum from 20 Hz to the band's edge. */
static void test_share_by_definition(void **state) {
        static const uint32_t rates_mhz[] = {200000, 1000000, 2000000};
        static const double edges_hz[] = {90, 450, 450};

        for (size_t i = 0; i < 3; i++) {
                const struct grid grid = grid_make(rates_mhz[i]);
                struct artefact artefact;
                double usual_uv, muscle = 60.0 * 60.0 - 5.0 * 5.0, own, slow_uv;

                learn_rest(&artefact, &grid, 4.0);
                usual_uv = artefact.floor.usual_uv;
                assert_between(usual_uv, expected_level(4.0, 3.0), 1.2 * expected_level(4.0, 3.0));
                own = muscle * 10.0 / (edges_hz[i] - 20.0);

                slow_uv = sqrt(own + 1.45 * 1.45 * usual_uv * usual_uv);
                take_sine(&artefact, 4.0 * slow_uv / expected_level(4.0, 3.0), 3.0, 2, false);
                assert_near(artefact.level_uv, slow_uv, 1e-6);
                assert_near(artefact_share(&artefact, &grid, 60.0, 5.0), 0.0, 0.0);

                slow_uv = sqrt(own + 1.5 * 1.5 * usual_uv * usual_uv + 0.09 * muscle);
                take_sine(&artefact, 4.0 * slow_uv / expected_level(4.0, 3.0), 3.0, 2, false);
                assert_near(artefact_share(&artefact, &grid, 60.0, 5.0), 0.3, 1e-6);
        }
}

/* White noise has as much as is taken off for it: no more than chance is left of the share. */
static void test_flat_spectrum_is_no_movement(void **state) {
        static const uint32_t rates_mhz[] = {200000, 1000000};

        for (size_t r = 0; r < 2; r++) {
                const struct grid grid = grid_make(rates_mhz[r]);
                double in_band = sqrt((grid.band_hz - 20.0) / (grid.rate_hz / 2.0)), excess = 0.0;
                struct artefact artefact;
                uint64_t seed = 11;

                learn_rest(&artefact, &grid, 1.0);
                for (unsigned i = 0; i < 4000 + SECOND_HOPS; i++) {
                        double sum = 0.0;

                        for (uint32_t k = 0; k < grid.hop_frames; k++)
                                sum += 100.0 * signal_normal(&seed);
                        artefact_take(&artefact, sum / grid.hop_frames);
                        if (i >= SECOND_HOPS)
                                excess += artefact.level_uv * artefact.level_uv / 4000.0;
                }
                assert_near(excess / (100.0 * 100.0 * in_band * in_band) * (grid.band_hz - 20.0), 10.0,
                            1.0);
        }
}

static void test_learnt_stays_over_a_gap(void **state) {
        const struct grid grid = grid_make(1000000);
        struct artefact artefact;
        struct floor learnt;

        learn_rest(&artefact, &grid, 4.0);
        learnt = artefact.floor;
        artefact_restart(&artefact);
        assert_near(artefact.level_uv, 0.0, 0.0);
        assert_near(artefact_share(&artefact, &grid, 50.0, 5.0), 0.0, 0.0);
        /* A jump over the gap is no slow voltage, and half a second is not learnt. */
        for (unsigned i = 0; i < 10; i++) {
                artefact_take(&artefact, 30000.0);
                artefact_learn(&artefact);
        }
        assert_near(artefact.level_uv, 0.0, 0.0);
        assert_memory_equal(&artefact.floor, &learnt, sizeof(learnt));
        take_sine(&artefact, 100.0, 3.0, 2, false);
        assert_true(artefact_share(&artefact, &grid, 50.0, 5.0) > 0.5);

        artefact_reset(&artefact, &grid, 0.25);
        assert_near(artefact.floor.usual_uv, 0.0, 0.0);
}

static void test_adopted_is_rest(void **state) {
        const struct grid grid = grid_make(1000000);
        struct artefact artefact;

        learn_rest(&artefact, &grid, 1.0);
        take_sine(&artefact, 100.0, 3.0, 2, false);
        assert_true(artefact_share(&artefact, &grid, 50.0, 5.0) > 1.0);
        artefact_adopt(&artefact);
        assert_near(artefact_share(&artefact, &grid, 50.0, 5.0), 0.0, 0.0);
}

/* A channel keeps it over a restart and forgets it in a reset. */
static void test_channel_keeps_and_forgets(void **state) {
        struct channel_plan plan;
        struct channel channel;
        struct artefact before, fresh;
        struct newrest fresh_newrest;
        uint64_t seed = 21;
        int32_t counts[50];

        assert_int_equal(channel_plan_init(&plan, 1000000, false), 0);
        assert_int_equal(channel_init(&channel, &plan, 0.25, true), 0);
        artefact_reset(&fresh, &plan.grid, 0.25);
        newrest_reset(&fresh_newrest);
        channel_restart(&channel, &plan, 0, 0);
        for (unsigned hop = 0; hop < 200; hop++) {
                for (unsigned i = 0; i < 50; i++)
                        counts[i] = (int32_t)(20.0 * signal_normal(&seed));
                channel_push(&channel, &plan, counts, 1, 50);
                channel_close_hop(&channel, &plan, counts[49]);
                artefact_learn(&channel.artefact);
        }
        assert_true(channel.artefact.floor.usual_uv > 0.0);
        channel.newrest.share = 2.0 * TUNING_NEWREST_JUMP_SHARE;
        channel.newrest.disturbed = true;

        before = channel.artefact;
        channel_restart(&channel, &plan, 0, 2000);
        assert_memory_equal(&channel.artefact.floor, &before.floor, sizeof(before.floor));
        assert_near(channel.artefact.level_uv, 0.0, 0.0);

        channel_reset(&channel, &plan);
        assert_memory_equal(&channel.artefact, &fresh, sizeof(fresh));
        assert_memory_equal(&channel.newrest, &fresh_newrest, sizeof(fresh_newrest));
        channel_done(&channel);
        channel_plan_done(&plan);
}

/* 40 s of rest, 25 s of activity 5 times as high, which is white noise; slow voltage of so many uV. */
static void make_activity(struct signal *signal, uint32_t rate_mhz, double slow_uv) {
        double rate = rate_mhz / 1000.0;
        uint64_t seed = 31;

        make_rest(signal, rate_mhz, 1, 95.0);
        for (size_t i = (size_t)(40.0 * rate); i < (size_t)(65.0 * rate); i++)
                signal->uv[i] += rms_for_ratio(5.0) * signal_normal(&seed);
        signal_add_line(signal, 0, 40.0, 65.0, slow_uv, 3.0, 3.0);
        signal_quantise(signal, -32768, 32767);
}

static void test_slow_voltage_speaks_against_a_cramp(void **state) {
        static const uint32_t rates_mhz[] = {200000, 1000000};

        for (size_t i = 0; i < 2; i++) {
                struct signal signal;

                /* A muscle's own slow voltage does not, not even where the band is narrow. */
                make_activity(&signal, rates_mhz[i], 0.0);
                signal_detect(&signal, 0, &events);
                check_cramp(&signal, &events, 40.0, 65.0, 1.0);
                signal_done(&signal);

                make_activity(&signal, rates_mhz[i], 50.0);
                signal_detect(&signal, 0, &events);
                assert_silent(&events);
                signal_done(&signal);
        }
}

/* When the alert comes after an onset at 40 s, with a movement of 6 s in pieces that begins so many s
 * later; negative: none is there. */
static double alert_s_with_movement(double after_s) {
        struct signal signal;
        double rms = rms_for_ratio(6.0), much = rms_for_ratio(40.0), at_s = 40.0 + after_s, told_s;

        make_rest(&signal, 1000000, 1, 120.0);
        signal_add_emg(&signal, 0, 40.0, 90.0, rms, rms, 0.15, 77);
        if (after_s >= 0.0) {
                for (double piece_s = at_s; piece_s < at_s + 6.0; piece_s += 1.5)
                        signal_add_emg(&signal, 0, piece_s, piece_s + 1.0, much, much, 0.1, 78);
                signal_add_line(&signal, 0, at_s, at_s + 6.0, 400.0, 3.0, 3.0);
        }
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &events);
        told_s = seconds(&signal, only(&events, DETECTOR_EVENT_ALERT)->alert_index) - 40.0;
        signal_done(&signal);
        return told_s;
}

/* What the muscle had shown before is not lost, and its level afterwards no dip, however strong the
 * movement was. */
static void test_a_movement_in_a_cramp_only_waits(void **state) {
        double undisturbed_s = alert_s_with_movement(-1.0);

        assert_between(undisturbed_s, 6.5, 9.0);
        assert_between(alert_s_with_movement(4.5), 8.0, 14.0);
        assert_between(alert_s_with_movement(2.0), 8.0, 18.0);
}

static void test_any_chunks_give_the_same(void **state) {
        struct signal signal;
        uint64_t seed = 5;

        /* Little, which delays the alert. */
        make_activity(&signal, 1000000, 4.0);
        signal_detect(&signal, 0, &events);
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 1);
        for (unsigned run = 0; run < 3; run++) {
                signal_detect_in_random_chunks(&signal, run == 0 ? 1 : 170, &seed, &others);
                assert_true(signal_same(&events, &others));
        }
        signal_done(&signal);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_to_eight_hertz_pass),
                cmocka_unit_test(test_mains_and_offsets_leave_nothing),
                cmocka_unit_test(test_unknown_until_learnt),
                cmocka_unit_test(test_none_concludes_nothing),
                cmocka_unit_test(test_share_by_definition),
                cmocka_unit_test(test_flat_spectrum_is_no_movement),
                cmocka_unit_test(test_learnt_stays_over_a_gap),
                cmocka_unit_test(test_adopted_is_rest),
                cmocka_unit_test(test_channel_keeps_and_forgets),
                cmocka_unit_test(test_slow_voltage_speaks_against_a_cramp),
                cmocka_unit_test(test_a_movement_in_a_cramp_only_waits),
                cmocka_unit_test(test_any_chunks_give_the_same),
        };

        return cmocka_run_group_tests_name("detector-slow", tests, NULL, NULL);
}
