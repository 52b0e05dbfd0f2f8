/* SPDX-License-Identifier: MIT */
/* The account of an alert: what it says agrees with the alert and with what was put into the signal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/detector/trail.h"
#include "daemon/detector/tuning.h"
#include "tests/unit/detector-asserts.h"

struct told {
        unsigned alerts, ends;
        struct detector_event alert;
        struct detector_account at_alert, at_end;
};

static void on_event(const struct detector_event *event, void *userdata) {
        struct told *told = userdata;

        if (event->type == DETECTOR_EVENT_ALERT) {
                told->alerts++;
                told->alert = *event;
                told->at_alert = *event->account;
        } else if (event->type == DETECTOR_EVENT_END) {
                told->ends++;
                told->at_end = *event->account;
        } else
                assert_null(event->account);
}

static void run(const struct signal *signal, enum detector_sensitivity sensitivity, size_t chunk,
                struct told *ret) {
        double scales[8];
        struct detector *detector;
        struct detector_setup setup = {
                .rate_mhz = signal->rate_mhz,
                .channels = signal->channels,
                .scale_uv = scales,
                .sensitivity = sensitivity,
                .on_event = on_event,
                .userdata = ret,
        };

        for (uint32_t i = 0; i < signal->channels; i++)
                scales[i] = signal->scale_uv;
        memset(ret, 0, sizeof(*ret));
        assert_int_equal(detector_new(&setup, &detector), 0);
        for (size_t at = 0; at < signal->frames; at += chunk) {
                size_t n = signal->frames - at < chunk ? signal->frames - at : chunk;

                assert_int_equal(detector_push(detector, at, signal->counts + at * signal->channels, n),
                                 0);
        }
        detector_finish(detector);
        detector_free(detector);
        assert_int_equal(ret->alerts, 1);
        assert_int_equal(ret->ends, 1);
}

static void test_one_smooth_cramp(void **state) {
        struct signal signal;
        struct told told, pieces;
        const struct detector_account *account = &told.at_alert;
        double from_s;

        make_cramp(&signal, 1000000, 1, 4.0, 0.0, 40.0);
        run(&signal, DETECTOR_SENSITIVITY_NORMAL, signal.frames, &told);
        assert_int_equal(account->sensitivity, DETECTOR_SENSITIVITY_NORMAL);
        assert_true(account->evidence_factor == 1.0 && account->needed_s == 7.0);
        assert_true(account->again_factor == 1.0);
        assert_between(account->slow, 0.0, 0.05);
        from_s = seconds(&signal, account->from_index);
        assert_between(from_s, 39.9, 41.5);
        assert_between(from_s + account->active_s, seconds(&signal, told.alert.alert_index) - 0.001,
                       seconds(&signal, told.alert.alert_index) + 0.002);
        assert_true(account->unbroken_s <= account->active_s);
        assert_int_equal(account->dips, 0);
        assert_true(account->together < 0.0);
        assert_int_equal(account->took_part, 1);
        assert_int_equal(account->quality, DETECTOR_QUALITY_GOOD);
        assert_between(account->ratio_alert, 3.4, 4.6);
        assert_true(account->ratio_peak >= account->ratio_alert * 0.999);
        assert_true(told.at_end.ratio_peak >= account->ratio_peak);

        /* The evidence a second apart, rising to what was needed. */
        assert_int_equal(account->point_frames, 1000);
        assert_int_equal(account->points, (uint32_t)account->active_s);
        for (uint32_t i = 1; i < account->points; i++)
                assert_true(account->score_s[i] > account->score_s[i - 1]);
        assert_true(account->score_s[account->points - 1] <= 7.1);
        assert_true(account->score_s[account->points - 1] > 5.9);

        run(&signal, DETECTOR_SENSITIVITY_NORMAL, 37, &pieces);
        assert_true(pieces.at_alert.from_index == account->from_index);
        assert_memory_equal(pieces.at_alert.score_s, account->score_s, sizeof(account->score_s));
        run(&signal, DETECTOR_SENSITIVITY_LOW, signal.frames, &pieces);
        assert_int_equal(pieces.at_alert.sensitivity, DETECTOR_SENSITIVITY_LOW);
        assert_true(pieces.at_alert.needed_s == 10.5);
        assert_true(pieces.at_alert.active_s > account->active_s + 2.0);
        signal_done(&signal);
}

/* A long dip is counted, and what is unbroken begins after it. */
static void test_dips(void **state) {
        struct signal signal;
        struct told told;
        double rms = rms_for_ratio(4.0);

        make_rest(&signal, 1000000, 1, 100.0);
        signal_add_emg(&signal, 0, 40.0, 44.0, rms, rms, 0.0, 77);
        signal_add_emg(&signal, 0, 44.5, 80.0, rms, rms, 0.0, 78);
        signal_quantise(&signal, -32768, 32767);
        run(&signal, DETECTOR_SENSITIVITY_NORMAL, signal.frames, &told);
        assert_int_equal(told.at_alert.dips, 1);
        assert_true(told.at_alert.unbroken_s + 4.0 < told.at_alert.active_s);
        assert_between(seconds(&signal, told.alert.alert_index) - told.at_alert.unbroken_s, 44.4, 44.8);
        signal_done(&signal);
}

static void test_channels(void **state) {
        struct signal alone, together;
        struct told told;
        double rms = rms_for_ratio(4.0);

        make_cramp(&alone, 1000000, 3, 4.0, 0.1, 40.0);
        run(&alone, DETECTOR_SENSITIVITY_NORMAL, alone.frames, &told);
        assert_between(told.at_alert.together, 0.0, 0.1);
        assert_int_equal(told.at_alert.took_part, 1);
        signal_done(&alone);

        make_rest(&together, 1000000, 3, 110.0);
        signal_add_emg(&together, 0, 40.0, 80.0, rms, rms, 0.1, 77);
        signal_add_emg(&together, 2, 40.0, 80.0, rms, rms, 0.1, 79);
        signal_quantise(&together, -32768, 32767);
        run(&together, DETECTOR_SENSITIVITY_NORMAL, together.frames, &told);
        assert_between(told.at_alert.together, 0.4, 0.6);
        assert_int_equal(told.at_alert.took_part, 5);
        signal_done(&together);
}

/* Of a rise at 40 s with slow voltage of so many uV beside it. */
static double slow_with(double slow_uv) {
        struct signal signal;
        struct told told;
        double rms = rms_for_ratio(5.0);

        make_rest(&signal, 1000000, 1, 80.0);
        signal_add_emg(&signal, 0, 40.0, 75.0, rms, rms, 0.0, 77);
        signal_add_line(&signal, 0, 40.0, 75.0, slow_uv, 3.0, 3.0);
        signal_quantise(&signal, -32768, 32767);
        run(&signal, DETECTOR_SENSITIVITY_NORMAL, signal.frames, &told);
        signal_done(&signal);
        return told.at_alert.slow;
}

static void test_slow_voltage(void **state) {
        double little = slow_with(5.0), more = slow_with(6.0);

        assert_between(slow_with(0.0), 0.0, 0.05);
        assert_between(little, 0.05, 0.95);
        assert_between(more, little + 0.05, 1.0);
}

/* However long it takes, the points are enough: twice as far apart each time that they run out. */
static void test_the_grid_coarsens(void **state) {
        struct evidence evidence = {.score_s = 1.0};
        struct trail trail = {0};

        trail_take(&trail, &evidence, 0.0, -1.0, 1000);
        assert_int_equal(trail.from_index, 1000);
        for (uint32_t hops = 1, runs_out = DETECTOR_ACCOUNT_POINTS * TUNING_TRAIL_POINT_HOPS;
             hops < 40000; hops++) {
                assert_int_equal(trail.hops, hops);
                assert_true(trail.points <= DETECTOR_ACCOUNT_POINTS);
                assert_int_equal(trail.points, hops / trail.stride);
                if (hops < runs_out)
                        assert_int_equal(trail.stride, TUNING_TRAIL_POINT_HOPS);
                evidence.score_s = hops + 1;
                trail_take(&trail, &evidence, 1.0, -1.0, 0);
        }
        assert_true(trail.stride > TUNING_TRAIL_POINT_HOPS);
        /* Each is the score at its end. */
        for (uint32_t i = 0; i < trail.points; i++)
                assert_true(trail.score_s[i] == (i + 1) * trail.stride);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_one_smooth_cramp),  cmocka_unit_test(test_dips),
                cmocka_unit_test(test_channels),          cmocka_unit_test(test_slow_voltage),
                cmocka_unit_test(test_the_grid_coarsens),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
