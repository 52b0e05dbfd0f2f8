/* SPDX-License-Identifier: MIT */
/* The detector with an accelerometer: what moves is no cramp, what lies still may be one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "tests/unit/detector-asserts.h"

#define RATE_HZ 1000u
/* Frames between the accelerometer's values: 50 a second. */
#define VALUE_FRAMES 20u
#define SCALE_G 0.001

static struct signal_events events;
static double moved; /* as the account of the last alert says */

static void collect(const struct detector_event *event, void *userdata) {
        if (event->type == DETECTOR_EVENT_ALERT)
                moved = event->account->moved;
        signal_collect(event, userdata);
}

/* What the accelerometer shows: noise of so many mg on each axis, more between two times; gravity goes
 * from one axis to another there. */
struct limb_script {
        bool deaf; /* the detector has none */
        bool mute; /* it has, but nothing is heard */
        double noise_mg, from_s, to_s, shake_mg;
        bool turns;
        double unit; /* by which the counts are larger than they say; 0 = 1 */
};

static void value_at(const struct limb_script *script, double at_s, uint64_t *random,
                     int32_t ret[static 3]) {
        bool moves = at_s >= script->from_s && at_s < script->to_s;
        double noise = moves ? hypot(script->noise_mg, script->shake_mg) : script->noise_mg;
        double unit = script->unit > 0 ? script->unit : 1.0;
        double turned = script->turns ? (at_s - script->from_s) / (script->to_s - script->from_s) : 0;

        turned = turned < 0 ? 0 : turned > 1 ? 1 : turned;
        ret[0] = (int32_t)lrint(unit * (1000.0 * cos(turned) + noise * signal_normal(random)));
        ret[1] = (int32_t)lrint(unit * (1000.0 * sin(turned) + noise * signal_normal(random)));
        ret[2] = (int32_t)lrint(unit * (noise * signal_normal(random)));
}

/* In pieces of random length up to `longest`, cut also where the accelerometer's value changes. */
static void run(const struct signal *signal, const struct limb_script *script, size_t longest,
                uint64_t seed) {
        double scales[2] = {signal->scale_uv, signal->scale_uv};
        struct detector *detector = NULL;
        uint64_t random = 99;

        memset(&events, 0, sizeof(events));
        assert_int_equal(
                detector_new(&(struct detector_setup){.rate_mhz = signal->rate_mhz,
                                                      .channels = signal->channels,
                                                      .scale_uv = scales,
                                                      .motion_scale_g = script->deaf ? 0 : SCALE_G,
                                                      .on_event = collect,
                                                      .userdata = &events},
                             &detector),
                0);
        for (size_t at = 0, n; at < signal->frames; at += n) {
                int32_t value[3];

                if (at % VALUE_FRAMES == 0) {
                        value_at(script, (double)at / RATE_HZ, &random, value);
                        detector_set_motion(detector, script->mute ? NULL : value);
                }
                n = longest > 1 ? 1 + (size_t)(signal_random(&seed) % longest) : 1;
                if (n > VALUE_FRAMES - at % VALUE_FRAMES)
                        n = VALUE_FRAMES - at % VALUE_FRAMES;
                if (n > signal->frames - at)
                        n = signal->frames - at;
                assert_int_equal(detector_push(detector, at, signal->counts + at * signal->channels, n),
                                 0);
        }
        detector_finish(detector);
        detector_free(detector);
}

/* 40 s of rest, EMG of that ratio for 25 s, rest. */
static void make_activity(struct signal *signal, double ratio) {
        make_cramp(signal, RATE_HZ * 1000, 1, ratio, 0.15, 25.0);
}

static double alert_s(const struct signal *signal) {
        return seconds(signal, only(&events, DETECTOR_EVENT_ALERT)->alert_index);
}

/* Neither an accelerometer that is not there nor one that says nothing changes a bit. */
static void test_without_it_nothing_changes(void **state) {
        static struct signal_events plain;
        struct signal signal;

        make_activity(&signal, 6.0);
        signal_detect(&signal, 0, &plain);
        assert_int_equal(signal_count(&plain, DETECTOR_EVENT_ALERT), 1);
        run(&signal, &(struct limb_script){.deaf = true, .noise_mg = 200}, VALUE_FRAMES, 1);
        assert_true(signal_same(&plain, &events));
        run(&signal, &(struct limb_script){.mute = true}, VALUE_FRAMES, 1);
        assert_true(signal_same(&plain, &events));
        signal_done(&signal);
}

static void test_a_still_limb_supports(void **state) {
        struct signal signal;
        double without_s;

        make_activity(&signal, 6.0);
        run(&signal, &(struct limb_script){.deaf = true}, VALUE_FRAMES, 1);
        without_s = alert_s(&signal);
        assert_true(moved < 0.0);
        run(&signal, &(struct limb_script){.noise_mg = 3}, VALUE_FRAMES, 1);
        assert_between(alert_s(&signal), 40.0, without_s - 0.5);
        check_cramp(&signal, &events, 40.0, 65.0, 0.3);
        assert_true(moved >= 0.0 && moved < 0.1);
        signal_done(&signal);
}

/* What rises with a shaking or turning limb is a movement, also for a while after. */
static void test_movement_is_no_cramp(void **state) {
        struct signal signal;

        make_cramp(&signal, RATE_HZ * 1000, 1, 6.0, 0.15, 16.0);
        run(&signal, &(struct limb_script){.noise_mg = 3}, VALUE_FRAMES, 1);
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 1);
        run(&signal, &(struct limb_script){.noise_mg = 3, .from_s = 39, .to_s = 65, .shake_mg = 120},
            VALUE_FRAMES, 1);
        assert_silent(&events);
        run(&signal, &(struct limb_script){.noise_mg = 3, .from_s = 38, .to_s = 42, .turns = true},
            VALUE_FRAMES, 1);
        assert_silent(&events);
        run(&signal, &(struct limb_script){.noise_mg = 3, .from_s = 39, .to_s = 45, .shake_mg = 120},
            VALUE_FRAMES, 1);
        assert_silent(&events);
        signal_done(&signal);
}

/* Whatever the unit is, gravity is 1 g; what shows none tells nothing of rest. */
static void test_unknown_units(void **state) {
        static struct signal_events plain;
        struct signal signal;
        double right_s;

        make_activity(&signal, 6.0);
        signal_detect(&signal, 0, &plain);
        run(&signal, &(struct limb_script){.noise_mg = 3}, VALUE_FRAMES, 1);
        right_s = alert_s(&signal);
        run(&signal, &(struct limb_script){.noise_mg = 3, .unit = 16.384}, VALUE_FRAMES, 1);
        assert_true(alert_s(&signal) == right_s);
        run(&signal, &(struct limb_script){.noise_mg = 3, .unit = 0.1}, VALUE_FRAMES, 1);
        assert_true(alert_s(&signal) ==
                    seconds(&signal, only(&plain, DETECTOR_EVENT_ALERT)->alert_index));
        signal_done(&signal);

        make_cramp(&signal, RATE_HZ * 1000, 1, 6.0, 0.15, 16.0);
        run(&signal,
            &(struct limb_script){
                    .noise_mg = 3, .from_s = 39, .to_s = 57, .shake_mg = 120, .unit = 16.384},
            VALUE_FRAMES, 1);
        assert_silent(&events);
        signal_done(&signal);
}

/* But a cramp that rises out of a movement is only told later, and one in which the leg is moved too. */
static void test_movement_bars_no_cramp(void **state) {
        struct signal signal;
        double still_s;

        make_cramp(&signal, RATE_HZ * 1000, 1, 8.0, 0.15, 90.0);
        run(&signal, &(struct limb_script){.noise_mg = 3}, VALUE_FRAMES, 1);
        still_s = alert_s(&signal);
        run(&signal, &(struct limb_script){.noise_mg = 3, .from_s = 36, .to_s = 44, .shake_mg = 120},
            VALUE_FRAMES, 1);
        assert_between(alert_s(&signal), still_s + 8.0, 40.0 + 41.0);
        assert_between(moved, 0.5, 1.0);
        /* Moved from the 4th to the 7th second, when it had begun without. */
        run(&signal, &(struct limb_script){.noise_mg = 3, .from_s = 44, .to_s = 47, .shake_mg = 120},
            VALUE_FRAMES, 1);
        assert_between(alert_s(&signal), still_s + 2.0, still_s + 5.0);
        signal_done(&signal);
}

/* A sensor or a bed that always trembles must not hide every cramp. */
static void test_noise_is_learnt(void **state) {
        struct signal signal;
        double rms = rms_for_ratio(6.0);

        make_rest(&signal, RATE_HZ * 1000, 1, 300.0);
        signal_add_emg(&signal, 0, 240.0, 280.0, rms, rms, 0.15, 77);
        signal_quantise(&signal, -32768, 32767);
        run(&signal, &(struct limb_script){.noise_mg = 60}, VALUE_FRAMES, 1);
        check_cramp(&signal, &events, 240.0, 280.0, 0.3);
        signal_done(&signal);
}

static void test_however_cut(void **state) {
        const struct limb_script script = {
                .noise_mg = 5, .from_s = 41, .to_s = 43.33, .shake_mg = 90, .turns = true};
        static struct signal_events first;
        struct signal signal;

        make_activity(&signal, 6.0);
        run(&signal, &script, 1, 1);
        first = events;
        assert_true(first.count > 0);
        for (uint64_t seed = 1; seed <= 20; seed++) {
                run(&signal, &script, 1 + (size_t)(seed * 3 % VALUE_FRAMES), seed);
                assert_true(signal_same(&first, &events));
        }
        signal_done(&signal);
}

/* Counts far beyond what any sensor sends stay numbers. */
static void test_wild_counts(void **state) {
        static const int32_t wild[][3] = {{INT32_MAX, INT32_MIN, 0}, {INT32_MIN, INT32_MIN, INT32_MIN}};
        double scale_uv = SCALE_UV, bad[] = {-1.0, (double)NAN, (double)INFINITY, 1e6};
        struct detector_setup setup = {.rate_mhz = 1000000,
                                       .channels = 1,
                                       .scale_uv = &scale_uv,
                                       .motion_scale_g = SCALE_G,
                                       .on_event = signal_collect,
                                       .userdata = &events};
        struct detector *detector = NULL;
        struct signal signal;

        make_activity(&signal, 6.0);
        memset(&events, 0, sizeof(events));
        assert_int_equal(detector_new(&setup, &detector), 0);
        for (size_t at = 0; at < signal.frames; at += 50) {
                size_t n = signal.frames - at < 50 ? signal.frames - at : 50;

                detector_set_motion(detector, wild[at / 50 % 2]);
                assert_int_equal(detector_push(detector, at, signal.counts + at, n), 0);
        }
        detector_finish(detector);
        detector_free(detector);
        for (size_t i = 0; i < events.count; i++)
                assert_between(events.event[i].confidence, 0.0, 1.0);
        for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
                setup.motion_scale_g = bad[i];
                assert_int_equal(detector_new(&setup, &detector), -EINVAL);
        }
        signal_done(&signal);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_without_it_nothing_changes),
                cmocka_unit_test(test_a_still_limb_supports),
                cmocka_unit_test(test_movement_is_no_cramp),
                cmocka_unit_test(test_unknown_units),
                cmocka_unit_test(test_movement_bars_no_cramp),
                cmocka_unit_test(test_noise_is_learnt),
                cmocka_unit_test(test_however_cut),
                cmocka_unit_test(test_wild_counts),
        };

        return cmocka_run_group_tests_name("detector-motion", tests, NULL, NULL);
}
