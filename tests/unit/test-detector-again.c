/* SPDX-License-Identifier: MIT */
/* The hour after a cramp: another takes less evidence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/detector-asserts.h"

#define RATE_HZ 1000u
#define FIRST_S 7.0          /* evidence that an alert takes */
#define AGAIN_S (0.95 * 7.0) /* and in the hour after a cramp */
#define ALERTS_MAX 4u

/* A stream put together from pieces of rest and cramps. */
static struct stream {
        struct detector *detector;
        struct signal rest;
        uint64_t index;
        unsigned alerts;
        double needed_s[ALERTS_MAX], again_factor[ALERTS_MAX];
        uint64_t alert_index[ALERTS_MAX], onset_index[ALERTS_MAX], end_index;
} stream;

static void take_event(const struct detector_event *event, void *userdata) {
        if (event->type == DETECTOR_EVENT_ALERT) {
                assert_true(stream.alerts < ALERTS_MAX);
                stream.needed_s[stream.alerts] = event->account->needed_s;
                stream.again_factor[stream.alerts] = event->account->again_factor;
                stream.onset_index[stream.alerts] = event->onset_index;
                stream.alert_index[stream.alerts++] = event->alert_index;
        }
        if (event->type == DETECTOR_EVENT_END)
                stream.end_index = event->end_index;
}

static void stream_begin(enum detector_sensitivity sensitivity) {
        static const double scale_uv = SCALE_UV;

        stream = (struct stream){};
        make_rest(&stream.rest, RATE_HZ * 1000, 1, 60.0);
        signal_quantise(&stream.rest, -32768, 32767);
        assert_int_equal(detector_new(&(struct detector_setup){.rate_mhz = RATE_HZ * 1000,
                                                               .channels = 1,
                                                               .scale_uv = &scale_uv,
                                                               .sensitivity = sensitivity,
                                                               .on_event = take_event},
                                      &stream.detector),
                         0);
}

static void stream_done(void) {
        detector_free(stream.detector);
        signal_done(&stream.rest);
}

static void push_rest(double rest_s) {
        size_t frames = (size_t)(rest_s * RATE_HZ);

        while (frames > 0) {
                size_t n = frames < stream.rest.frames ? frames : stream.rest.frames;

                assert_int_equal(detector_push(stream.detector, stream.index, stream.rest.counts, n), 0);
                stream.index += n;
                frames -= n;
        }
}

/* Rest up to this time after the last cramp. */
static void push_rest_until(double after_end_s) {
        push_rest((double)(stream.end_index + (uint64_t)(after_end_s * RATE_HZ) - stream.index) /
                  RATE_HZ);
}

/* A cramp of that length and 20 s of rest. */
static void push_cramp(double length_s) {
        struct signal cramp;

        make_rest(&cramp, RATE_HZ * 1000, 1, length_s + 20.0);
        signal_add_emg(&cramp, 0, 0.0, length_s, rms_for_ratio(5.0), rms_for_ratio(5.0), 0.15, 77);
        signal_quantise(&cramp, -32768, 32767);
        assert_int_equal(detector_push(stream.detector, stream.index, cramp.counts, cramp.frames), 0);
        stream.index += cramp.frames;
        signal_done(&cramp);
}

static void assert_needed(unsigned alert, double needed_s) {
        assert_true(stream.alerts > alert);
        assert_between(stream.needed_s[alert], needed_s - 1e-9, needed_s + 1e-9);
}

static void test_another_takes_less(void **state) {
        uint64_t first_took;

        stream_begin(DETECTOR_SENSITIVITY_NORMAL);
        push_rest(120.0);
        assert_true(detector_get_again_factor(stream.detector) == 1.0);
        push_cramp(30.0);
        push_rest(120.0);
        assert_true(detector_get_again_factor(stream.detector) == 0.95);
        push_cramp(30.0);
        assert_int_equal(stream.alerts, 2);
        assert_needed(0, FIRST_S);
        assert_needed(1, AGAIN_S);
        assert_true(stream.again_factor[0] == 1.0 && stream.again_factor[1] == 0.95);
        /* The same samples, and the alert comes earlier. */
        first_took = stream.alert_index[0] - 120 * RATE_HZ;
        assert_between(((double)first_took - (double)(stream.alert_index[1] - 290 * RATE_HZ)) / RATE_HZ,
                       0.2, 0.7);
        stream_done();
}

static void test_it_is_an_hour(void **state) {
        /* The alert comes some 9 s after the onset. */
        static const struct {
                double after_s, needed_s;
        } cases[] = {
                {3600.0 - 20.0, AGAIN_S},
                {3600.0 + 2.0, FIRST_S},
        };

        for (size_t i = 0; i < 2; i++) {
                stream_begin(DETECTOR_SENSITIVITY_NORMAL);
                push_rest(60.0);
                push_cramp(30.0);
                push_rest_until(cases[i].after_s);
                push_cramp(30.0);
                assert_int_equal(stream.alerts, 2);
                assert_needed(1, cases[i].needed_s);
                stream_done();
        }
}

/* What was shorter than 20 s may have been none. */
static void test_a_short_one_does_not_count(void **state) {
        static const struct { double length_s, needed_s; } cases[] = {{18.0, FIRST_S}, {22.0, AGAIN_S}};

        for (size_t i = 0; i < 2; i++) {
                double length_s;

                stream_begin(DETECTOR_SENSITIVITY_NORMAL);
                push_rest(60.0);
                push_cramp(cases[i].length_s);
                assert_int_equal(stream.alerts, 1);
                length_s = (double)(stream.end_index - stream.onset_index[0]) / RATE_HZ;
                assert_between(length_s, cases[i].length_s - 1.5, cases[i].length_s + 1.5);
                push_rest(60.0);
                push_cramp(30.0);
                assert_int_equal(stream.alerts, 2);
                assert_needed(1, cases[i].needed_s);
                stream_done();
        }
}

/* Nor does it take the hour of one before away. */
static void test_a_short_one_takes_nothing_away(void **state) {
        stream_begin(DETECTOR_SENSITIVITY_NORMAL);
        push_rest(60.0);
        push_cramp(30.0);
        push_rest(60.0);
        push_cramp(18.0);
        push_rest(60.0);
        push_cramp(30.0);
        assert_int_equal(stream.alerts, 3);
        assert_needed(1, AGAIN_S);
        assert_needed(2, AGAIN_S);
        stream_done();
}

/* A gap after which rest is learnt anew: the muscle is the same, and the hour goes on. */
static void test_kept_over_a_gap(void **state) {
        static const struct {
                double gap_s, needed_s;
        } cases[] = {{2.0, AGAIN_S}, {60.0, AGAIN_S}, {400.0, AGAIN_S}, {3700.0, FIRST_S}};

        for (size_t i = 0; i < 4; i++) {
                stream_begin(DETECTOR_SENSITIVITY_NORMAL);
                push_rest(60.0);
                push_cramp(30.0);
                stream.index += (uint64_t)(cases[i].gap_s * RATE_HZ);
                push_rest(60.0);
                push_cramp(30.0);
                assert_int_equal(stream.alerts, 2);
                assert_needed(1, cases[i].needed_s);
                stream_done();
        }
}

static void test_a_new_stream_knows_of_none(void **state) {
        stream_begin(DETECTOR_SENSITIVITY_NORMAL);
        push_rest(60.0);
        push_cramp(30.0);
        detector_finish(stream.detector);
        push_rest(60.0);
        push_cramp(30.0);
        assert_int_equal(stream.alerts, 2);
        assert_needed(1, FIRST_S);
        stream_done();
}

static void test_a_share_of_any_step(void **state) {
        static const enum detector_sensitivity steps[] = {DETECTOR_SENSITIVITY_LOW,
                                                          DETECTOR_SENSITIVITY_HIGH};

        for (size_t i = 0; i < 2; i++) {
                double needed_s = detector_needed_s(steps[i], 1.0);

                stream_begin(steps[i]);
                push_rest(60.0);
                push_cramp(30.0);
                push_rest(60.0);
                push_cramp(30.0);
                assert_int_equal(stream.alerts, 2);
                assert_needed(0, needed_s);
                assert_needed(1, 0.95 * needed_s);
                stream_done();
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_another_takes_less),
                cmocka_unit_test(test_it_is_an_hour),
                cmocka_unit_test(test_a_short_one_does_not_count),
                cmocka_unit_test(test_a_short_one_takes_nothing_away),
                cmocka_unit_test(test_kept_over_a_gap),
                cmocka_unit_test(test_a_new_stream_knows_of_none),
                cmocka_unit_test(test_a_share_of_any_step),
        };

        return cmocka_run_group_tests_name("detector-again", tests, NULL, NULL);
}
