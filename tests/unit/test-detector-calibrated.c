/* SPDX-License-Identifier: MIT */
/* The detector with a calibrated rest, and while the wearer flexes because they were asked to. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "tests/unit/detector-asserts.h"

static struct signal_events events;

/* Holds from one frame to another, both at the border of a push; 0 and 0: never. */
struct run {
        double rest_uv; /* 0 = not calibrated */
        size_t hold_from, hold_to;
        size_t chunk;
};

static struct detector *new_detector(const struct signal *signal) {
        double scales[2] = {signal->scale_uv, signal->scale_uv};
        struct detector *detector = NULL;

        memset(&events, 0, sizeof(events));
        assert_int_equal(detector_new(&(struct detector_setup){.rate_mhz = signal->rate_mhz,
                                                               .channels = signal->channels,
                                                               .scale_uv = scales,
                                                               .on_event = signal_collect,
                                                               .userdata = &events},
                                      &detector),
                         0);
        return detector;
}

static void run(const struct signal *signal, const struct run *how) {
        double rest_uv[2] = {how->rest_uv, how->rest_uv};
        struct detector *detector = new_detector(signal);

        detector_set_rest(detector, how->rest_uv > 0 ? rest_uv : NULL);
        for (size_t at = 0; at < signal->frames;) {
                size_t n = how->chunk;

                if (n > signal->frames - at)
                        n = signal->frames - at;
                if (how->hold_to > 0 && at < how->hold_from && at + n > how->hold_from)
                        n = how->hold_from - at;
                if (how->hold_to > 0 && at < how->hold_to && at + n > how->hold_to)
                        n = how->hold_to - at;
                if (how->hold_to > 0 && (at == how->hold_from || at == how->hold_to))
                        assert_int_equal(detector_set_hold(detector, at == how->hold_from), 0);
                assert_int_equal(detector_push(detector, at, signal->counts + at * signal->channels, n),
                                 0);
                at += n;
        }
        detector_finish(detector);
        detector_free(detector);
}

/* Rest for `rest_s` seconds from the stream's start, then a cramp of 30 s. */
static void make_early_cramp(struct signal *signal, double rest_s) {
        double rms = rms_for_ratio(6.0);

        make_rest(signal, 1000000, 1, 70.0);
        signal_add_emg(signal, 0, rest_s, rest_s + 30.0, rms, rms, 0.15, 77);
        signal_quantise(signal, -32768, 32767);
}

/* A cramp right after the stream's start counts from its first second with a calibrated rest; without,
 * from when rest was learnt. */
static void test_first_seconds_count(void **state) {
        struct signal signal;
        uint64_t with, without;

        make_early_cramp(&signal, 1.2);
        run(&signal, &(struct run){.rest_uv = REST_UV, .chunk = 50});
        check_cramp(&signal, &events, 1.2, 31.2, 0.3);
        with = only(&events, DETECTOR_EVENT_ALERT)->alert_index;
        run(&signal, &(struct run){.chunk = 50});
        without = only(&events, DETECTOR_EVENT_ALERT)->alert_index;
        assert_true(without >= with + 1500);
        signal_done(&signal);
}

/* A rest that the electrodes do not show any more is as good as none. */
static void test_moved_electrodes(void **state) {
        static const double rests_uv[] = {REST_UV / 4, REST_UV / 1.6, REST_UV * 1.6, REST_UV * 4};
        static struct signal_events plain;
        struct signal signal;

        make_early_cramp(&signal, 20.0);
        run(&signal, &(struct run){.chunk = 50});
        check_cramp(&signal, &events, 20.0, 50.0, 0.3);
        plain = events;
        for (size_t i = 0; i < ARRAY_LENGTH(rests_uv); i++) {
                run(&signal, &(struct run){.rest_uv = rests_uv[i], .chunk = 50});
                assert_true(signal_same(&plain, &events));
        }
        /* Even one that is right moves nothing once rest was learnt. */
        run(&signal, &(struct run){.rest_uv = REST_UV, .chunk = 50});
        assert_int_equal(events.count, plain.count);
        for (size_t i = 0; i < plain.count; i++) {
                assert_int_equal(events.event[i].onset_index, plain.event[i].onset_index);
                assert_int_equal(events.event[i].alert_index, plain.event[i].alert_index);
                assert_int_equal(events.event[i].end_index, plain.event[i].end_index);
        }
        signal_done(&signal);
}

static void test_however_cut(void **state) {
        static const size_t chunks[] = {1, 7, 50, 333, 1000000};
        static struct signal_events first;
        struct signal signal;

        make_early_cramp(&signal, 1.2);
        for (size_t i = 0; i < ARRAY_LENGTH(chunks); i++) {
                run(&signal, &(struct run){.rest_uv = REST_UV, .chunk = chunks[i]});
                if (i == 0)
                        first = events;
                assert_true(signal_same(&first, &events));
        }
        signal_done(&signal);
}

/* A stream that begins anew after a long gap is met by the calibrated rest again. */
static void test_after_a_long_gap(void **state) {
        double rest_uv[] = {REST_UV};
        struct detector *detector;
        struct signal signal;
        size_t at = 0;

        make_early_cramp(&signal, 1.2);
        detector = new_detector(&signal);
        detector_set_rest(detector, rest_uv);
        for (uint64_t index = 0; at < 2; at++, index += signal.frames + 400000)
                assert_int_equal(detector_push(detector, index, signal.counts, signal.frames), 0);
        detector_finish(detector);
        detector_free(detector);
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 2);
        signal_done(&signal);
}

/* 40 s of rest, 20 s of flexing as hard as can be, 60 s of rest, a cramp: held, the flexing is none, and
 * the cramp is found as if it had not been. */
static void test_flexing_when_asked_is_no_cramp(void **state) {
        double hard = rms_for_ratio(25.0), rms = rms_for_ratio(4.0);
        struct signal signal;

        make_rest(&signal, 1000000, 1, 200.0);
        signal_add_emg(&signal, 0, 40.0, 60.0, hard, hard, 0.1, 5);
        signal_add_emg(&signal, 0, 120.0, 150.0, rms, rms, 0.15, 77);
        signal_quantise(&signal, -32768, 32767);
        run(&signal, &(struct run){.chunk = 50});
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 2);
        run(&signal, &(struct run){.chunk = 50, .hold_from = 35000, .hold_to = 65000});
        check_cramp(&signal, &events, 120.0, 150.0, 0.3);
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_SUSPECTED), 1);
        /* Begun within the flexing: the suspicion is dropped. */
        run(&signal, &(struct run){.chunk = 50, .hold_from = 44000, .hold_to = 65000});
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_DISMISSED), 1);
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 1);
        /* Still flexing long after: it counts again, and began when it was released. */
        run(&signal, &(struct run){.chunk = 50, .hold_from = 35000, .hold_to = 45000});
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 2);
        assert_true(signal_first(&events, DETECTOR_EVENT_ALERT)->onset_index >= 44900);
        signal_done(&signal);
}

/* A cramp that is watched is not held. */
static void test_a_cramp_is_not_held(void **state) {
        struct detector *detector;
        struct signal signal;

        make_cramp(&signal, 1000000, 1, 6.0, 0.15, 40.0);
        detector = new_detector(&signal);
        assert_int_equal(detector_push(detector, 0, signal.counts, 70000), 0);
        assert_int_equal(detector_get_state(detector), DETECTOR_CRAMP);
        assert_int_equal(detector_set_hold(detector, true), -EBUSY);
        assert_int_equal(detector_push(detector, 70000, signal.counts + 70000, signal.frames - 70000),
                         0);
        detector_finish(detector);
        check_cramp(&signal, &events, 40.0, 80.0, 0.3);
        detector_free(detector);
        signal_done(&signal);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_first_seconds_count),
                cmocka_unit_test(test_moved_electrodes),
                cmocka_unit_test(test_however_cut),
                cmocka_unit_test(test_after_a_long_gap),
                cmocka_unit_test(test_flexing_when_asked_is_no_cramp),
                cmocka_unit_test(test_a_cramp_is_not_held),
        };

        return cmocka_run_group_tests_name("detector-calibrated", tests, NULL, NULL);
}
