/* SPDX-License-Identifier: MIT */
/* The detector on made signals: cramps and what is none, rates, channels, chunks, errors. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "tests/unit/detector-asserts.h"

static struct signal_events events, other;

static void test_setup_errors(void **state) {
        struct detector *const none = NULL, *detector = none;
        double scales[2] = {1.0, 1.0};
        const struct detector_setup good = {
                .rate_mhz = 1000000,
                .channels = 2,
                .scale_uv = scales,
                .on_event = signal_collect,
                .userdata = &events,
        };
        const double bad_scales[] = {0.0, -1.0, NAN, INFINITY, -INFINITY, 1e300};
        struct detector_setup setup;

        setup = good;
        setup.rate_mhz = DETECTOR_RATE_MIN_MHZ - 1;
        assert_int_equal(detector_new(&setup, &detector), -EINVAL);
        setup.rate_mhz = DETECTOR_RATE_MAX_MHZ + 1;
        assert_int_equal(detector_new(&setup, &detector), -EINVAL);
        setup = good;
        setup.channels = 0;
        assert_int_equal(detector_new(&setup, &detector), -EINVAL);
        setup.channels = DETECTOR_CHANNELS_MAX + 1;
        assert_int_equal(detector_new(&setup, &detector), -EINVAL);
        setup = good;
        setup.scale_uv = NULL;
        assert_int_equal(detector_new(&setup, &detector), -EINVAL);
        setup = good;
        setup.on_event = NULL;
        assert_int_equal(detector_new(&setup, &detector), -EINVAL);
        for (size_t i = 0; i < ARRAY_LENGTH(bad_scales); i++) {
                scales[1] = bad_scales[i];
                assert_int_equal(detector_new(&good, &detector), -EINVAL);
        }
        assert_ptr_equal(detector, none);

        scales[1] = 1.0;
        assert_int_equal(detector_new(&good, &detector), 0);
        assert_null(detector_free(detector));
        assert_null(detector_free(NULL));
}

static void test_push_errors(void **state) {
        struct detector *detector = NULL;
        const int32_t counts[400] = {};
        const double scale = 1.0;
        const struct detector_setup setup = {
                .rate_mhz = 1000000,
                .channels = 1,
                .scale_uv = &scale,
                .on_event = signal_collect,
                .userdata = &events,
        };

        events.count = 0;
        assert_int_equal(detector_new(&setup, &detector), 0);
        assert_int_equal(detector_push(detector, 1000, counts, 400), 0);
        assert_int_equal(detector_push(detector, 1399, counts, 1), -ESTALE);
        assert_int_equal(detector_push(detector, UINT64_MAX - 5, counts, 400), -EINVAL);
        assert_int_equal(detector_push(detector, 1400, counts, 0), 0);
        assert_int_equal(detector_push(detector, 1400, counts, 400), 0);
        /* A refused push takes nothing: the same frames are still expected. */
        assert_int_equal(detector_push(detector, 1000, counts, 400), -ESTALE);
        assert_int_equal(detector_push(detector, 1800, counts, 400), 0);
        assert_int_equal(detector_get_state(detector), DETECTOR_REST);
        detector_finish(detector);
        /* After the end of a stream a new one may begin anywhere. */
        assert_int_equal(detector_push(detector, 0, counts, 400), 0);
        assert_int_equal(detector_push(detector, UINT64_MAX - 400, counts, 400), 0);
        assert_int_equal(events.count, 0);
        detector_free(detector);
}

static void test_names(void **state) {
        for (unsigned i = 0; i < DETECTOR_STATE_MAX; i++)
                assert_non_null(detector_state_to_string((enum detector_state)i));
        for (unsigned i = 0; i < DETECTOR_SEVERITY_MAX; i++)
                assert_non_null(detector_severity_to_string((enum detector_severity)i));
        for (unsigned i = 0; i < DETECTOR_END_REASON_MAX; i++)
                assert_non_null(detector_end_reason_to_string((enum detector_end_reason)i));
        assert_null(detector_state_to_string(DETECTOR_STATE_MAX));
        assert_null(detector_severity_to_string(DETECTOR_SEVERITY_MAX));
        assert_null(detector_end_reason_to_string(DETECTOR_END_REASON_MAX));
        assert_string_equal(detector_state_to_string(DETECTOR_CRAMP), "cramp");
        assert_true(strlen(detector_version()) > 0);
}

static void test_rest_for_an_hour(void **state) {
        struct signal signal;

        make_rest(&signal, 500000, 1, 3600.0);
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &events);
        assert_int_equal(events.count, 0);
        signal_done(&signal);
}

static void test_cramps_of_all_strengths(void **state) {
        static const struct {
                double ratio;
                enum detector_severity severity;
        } cases[] = {{2.5, DETECTOR_MILD}, {5.0, DETECTOR_MODERATE}, {20.0, DETECTOR_STRONG}};

        for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
                struct signal signal;
                const struct detector_event *end;

                make_cramp(&signal, 1000000, 1, cases[i].ratio, 0.1, 40.0);
                signal_detect(&signal, 0, &events);
                check_cramp(&signal, &events, 40.0, 80.0, 0.3);
                end = signal_first(&events, DETECTOR_EVENT_END);
                assert_int_equal(end->severity, cases[i].severity);
                assert_between(end->rest_uv, 0.85 * REST_UV, 1.05 * REST_UV);
                assert_between(end->peak_uv, cases[i].ratio * REST_UV, 1.8 * cases[i].ratio * REST_UV);
                assert_between(end->median_hz, 100.0, 220.0);
                signal_done(&signal);
        }
}

static void test_all_rates(void **state) {
        static const uint32_t rates[] = {200000, 250000, 333333, 500000, 1000000, 1116000, 2000000};

        for (size_t i = 0; i < ARRAY_LENGTH(rates); i++) {
                struct signal signal;

                make_cramp(&signal, rates[i], 1, 6.0, 0.15, 30.0);
                signal_detect(&signal, 0, &events);
                check_cramp(&signal, &events, 40.0, 70.0, 0.3);
                signal_done(&signal);
        }
}

/* The level rises to 2.2-6 times rest over 41 s (Chaney & Sherman). */
static void test_weak_rising_cramps(void **state) {
        static const double ratios[] = {2.2, 3.2, 6.0};

        for (size_t i = 0; i < ARRAY_LENGTH(ratios); i++) {
                struct signal signal;
                double rms = rms_for_ratio(ratios[i]), twice_s;
                const struct detector_event *alert, *end;

                make_rest(&signal, 500000, 1, 160.0);
                signal_add_emg(&signal, 0, 40.0, 81.0, 0.0, rms, 0.2, 5 + i);
                signal_add_emg(&signal, 0, 81.0, 130.0, rms, rms, 0.2, 50 + i);
                signal_quantise(&signal, -32768, 32767);
                signal_detect(&signal, 0, &events);
                alert = only(&events, DETECTOR_EVENT_ALERT);
                end = only(&events, DETECTOR_EVENT_END);
                twice_s = 40.0 + 41.0 * rms_for_ratio(2.0) / rms;
                assert_between(seconds(&signal, alert->alert_index), twice_s, twice_s + 15.0);
                assert_between(seconds(&signal, alert->onset_index), 38.0, 58.0);
                assert_between(seconds(&signal, end->end_index), 129.0, 131.0);
                signal_done(&signal);
        }
}

static void test_severity_rises(void **state) {
        struct signal signal;
        const struct detector_event *update;

        make_rest(&signal, 1000000, 1, 130.0);
        signal_add_emg(&signal, 0, 40.0, 60.0, rms_for_ratio(2.5), rms_for_ratio(2.5), 0.1, 5);
        signal_add_emg(&signal, 0, 60.0, 100.0, rms_for_ratio(14.0), rms_for_ratio(14.0), 0.1, 6);
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &events);
        assert_int_equal(only(&events, DETECTOR_EVENT_ALERT)->severity, DETECTOR_MILD);
        update = signal_first(&events, DETECTOR_EVENT_UPDATE);
        assert_non_null(update);
        assert_true(update->severity > DETECTOR_MILD);
        assert_int_equal(only(&events, DETECTOR_EVENT_END)->severity, DETECTOR_STRONG);
        /* Once per step at most. */
        assert_true(signal_count(&events, DETECTOR_EVENT_UPDATE) <= 2);
        signal_done(&signal);
}

static void test_dip_does_not_split(void **state) {
        struct signal signal;
        double rms = rms_for_ratio(6.0);

        make_rest(&signal, 1000000, 1, 130.0);
        signal_add_emg(&signal, 0, 40.0, 60.0, rms, rms, 0.15, 5);
        signal_add_emg(&signal, 0, 62.5, 100.0, rms, rms, 0.15, 6);
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &events);
        check_cramp(&signal, &events, 40.0, 100.0, 0.3);
        signal_done(&signal);
}

/* Level stays near twice rest afterwards (Chaney & Sherman): an end, and no second episode. */
static void test_recovery_is_no_episode(void **state) {
        struct signal signal;

        make_rest(&signal, 1000000, 1, 260.0);
        signal_add_emg(&signal, 0, 40.0, 80.0, rms_for_ratio(7.0), rms_for_ratio(7.0), 0.15, 5);
        signal_add_emg(&signal, 0, 80.0, 220.0, rms_for_ratio(2.1), rms_for_ratio(1.8), 0.15, 6);
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &events);
        check_cramp(&signal, &events, 40.0, 80.0, 0.5);
        signal_done(&signal);
}

static void test_second_cramp_is_found(void **state) {
        struct signal signal;
        double rms = rms_for_ratio(6.0);

        make_rest(&signal, 1000000, 1, 180.0);
        signal_add_emg(&signal, 0, 40.0, 70.0, rms, rms, 0.15, 5);
        signal_add_emg(&signal, 0, 95.0, 130.0, rms, rms, 0.15, 6);
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &events);
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 2);
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_END), 2);
        assert_between(seconds(&signal, events.event[events.count - 1].onset_index), 94.7, 95.3);
        signal_done(&signal);
}

static void test_long_cramp_is_one(void **state) {
        struct signal signal;
        double rms = rms_for_ratio(6.0);

        make_rest(&signal, 250000, 1, 700.0);
        /* As rough as voluntary and cramping muscle is, ten minutes. */
        signal_add_emg(&signal, 0, 40.0, 640.0, rms, rms, 0.25, 5);
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &events);
        check_cramp(&signal, &events, 40.0, 640.0, 0.5);
        signal_done(&signal);
}

static void test_end_of_stream(void **state) {
        struct signal signal;
        const struct detector_event *end;

        make_cramp(&signal, 1000000, 1, 6.0, 0.15, 40.0);
        signal.frames = 60000;
        signal_detect(&signal, 0, &events);
        end = only(&events, DETECTOR_EVENT_END);
        assert_int_equal(end->end_reason, DETECTOR_END_STREAM_END);
        assert_int_equal(end->end_index, 60000);
        signal_done(&signal);

        make_cramp(&signal, 1000000, 1, 6.0, 0.15, 40.0);
        signal.frames = 45000;
        signal_detect(&signal, 0, &events);
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_SUSPECTED), 1);
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_DISMISSED), 1);
        assert_int_equal(events.count, 2);
        signal_done(&signal);
}

static void test_bursts_are_none(void **state) {
        static const struct {
                double length_s, period_s, ratio;
        } cases[] = {
                {1.2, 10.0, 40.0},                    /* ballistic */
                {2.0, 4.0, 20.0},  {0.3, 1.04, 20.0}, /* gait: calf runs of 0.3-0.75 s */
                {0.6, 1.04, 20.0}, {0.75, 1.04, 40.0}, {0.1, 0.5, 10.0}, /* twitches */
                {5.0, 25.0, 10.0},                                       /* periodic leg movements */
        };

        for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
                struct signal signal;
                double rms = rms_for_ratio(cases[i].ratio);

                make_rest(&signal, 1000000, 1, 200.0);
                for (double at = 20.0; at + cases[i].length_s < 190.0; at += cases[i].period_s)
                        signal_add_emg(&signal, 0, at, at + cases[i].length_s, rms, rms, 0.2,
                                       (uint64_t)(at * 100.0));
                signal_quantise(&signal, -32768, 32767);
                signal_detect(&signal, 0, &events);
                assert_silent(&events);
                signal_done(&signal);
        }
}

/* Gait over a level between the bursts that never comes down to rest. */
static void test_gait_above_rest_is_none(void **state) {
        struct signal signal;
        double between = rms_for_ratio(3.0), rms = rms_for_ratio(15.0);

        make_rest(&signal, 1000000, 1, 200.0);
        signal_add_emg(&signal, 0, 30.0, 190.0, between, between, 0.2, 8);
        for (double at = 30.0; at < 189.0; at += 1.04)
                signal_add_emg(&signal, 0, at, at + 0.5, rms, rms, 0.2, (uint64_t)(at * 100.0));
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &events);
        assert_silent(&events);
        signal_done(&signal);
}

/* Twelve seconds of a movement in pieces, as turning over is. */
static void test_movements_are_none(void **state) {
        struct signal signal;
        uint64_t seed = 4711;

        make_rest(&signal, 500000, 1, 1300.0);
        for (double start = 40.0; start < 1250.0; start += 60.0)
                for (double at = start; at < start + 12.0;) {
                        double length = 0.3 + 1.2 * signal_uniform(&seed);
                        double rms = rms_for_ratio(3.0 + 20.0 * signal_uniform(&seed));

                        signal_add_emg(&signal, 0, at, at + length, rms, rms, 0.2,
                                       signal_random(&seed) | 1);
                        at += length + 0.2 + 0.5 * signal_uniform(&seed);
                }
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &events);
        assert_silent(&events);
        signal_done(&signal);
}

static void test_random_chunks(void **state) {
        struct signal signal;
        uint64_t seed = 31337;

        make_rest(&signal, 333333, 2, 150.0);
        signal_add_line(&signal, 0, 0.0, 150.0, 100.0, 50.0, 50.1);
        signal_add_emg(&signal, 1, 40.0, 90.0, 10.0, 40.0, 0.2, 9);
        signal_add_emg(&signal, 0, 110.0, 113.0, 90.0, 90.0, 0.2, 10);
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &events);
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 1);
        assert_true(signal_count(&events, DETECTOR_EVENT_SUSPECTED) > 0);

        signal_detect(&signal, 1, &other);
        assert_true(signal_same(&events, &other));
        for (unsigned round = 0; round < 25; round++) {
                signal_detect_in_random_chunks(&signal, 1 + signal_random(&seed) % 3000, &seed, &other);
                assert_true(signal_same(&events, &other));
        }
        signal_done(&signal);
}

/* A stream that begins at another number gives the same, that much later. */
static void test_index_is_relative(void **state) {
        struct signal signal;
        uint64_t shift = UINT64_C(1) << 40;

        make_cramp(&signal, 1000000, 1, 5.0, 0.15, 30.0);
        signal_detect(&signal, 0, &events);
        signal_detect_from(&signal, shift, &other);
        assert_int_equal(events.count, other.count);
        for (size_t i = 0; i < events.count; i++) {
                events.event[i].onset_index += shift;
                if (events.event[i].alert_index > 0)
                        events.event[i].alert_index += shift;
                if (events.event[i].end_index > 0)
                        events.event[i].end_index += shift;
        }
        assert_true(signal_same(&events, &other));
        signal_done(&signal);
}

static void test_channels(void **state) {
        for (uint32_t channels = 1; channels <= 8; channels++) {
                struct signal signal;
                uint32_t lead = channels - 1;
                double rms = rms_for_ratio(8.0);
                const struct detector_event *alert;

                make_rest(&signal, 500000, channels, 100.0);
                signal_add_emg(&signal, lead, 40.0, 80.0, rms, rms, 0.15, 9);
                signal_quantise(&signal, -32768, 32767);
                signal_detect(&signal, 0, &events);
                check_cramp(&signal, &events, 40.0, 80.0, 0.3);
                alert = signal_first(&events, DETECTOR_EVENT_ALERT);
                assert_int_equal(alert->channel, lead);
                signal_done(&signal);
        }
}

/* One muscle alone is believed sooner than one channel that knows of no other, all together later. */
static void test_isolation(void **state) {
        double alert_s[3], rms = rms_for_ratio(8.0);

        for (unsigned i = 0; i < 3; i++) {
                struct signal signal;

                make_rest(&signal, 500000, i == 0 ? 1 : 3, 100.0);
                signal_add_emg(&signal, 0, 40.0, 80.0, rms, rms, 0.15, 9);
                if (i == 2) {
                        signal_add_emg(&signal, 1, 40.0, 80.0, rms, rms, 0.15, 10);
                        signal_add_emg(&signal, 2, 40.0, 80.0, rms, rms, 0.15, 11);
                }
                signal_quantise(&signal, -32768, 32767);
                signal_detect(&signal, 0, &events);
                alert_s[i] = seconds(&signal, only(&events, DETECTOR_EVENT_ALERT)->alert_index) - 40.0;
                signal_done(&signal);
        }
        assert_between(alert_s[0], 6.5, 10.0);
        assert_true(alert_s[1] < alert_s[0] - 1.0);
        assert_true(alert_s[2] > alert_s[0] + 4.0);
}

/* One of three others that joins ends the privilege of being alone, and is no movement of the leg yet.
 */
static void test_one_companion_of_several(void **state) {
        double alert_s[3], rms = rms_for_ratio(8.0);
        static const uint32_t active[3] = {1, 2, 4};

        for (unsigned i = 0; i < 3; i++) {
                struct signal signal;

                make_rest(&signal, 500000, 4, 120.0);
                for (uint32_t channel = 0; channel < active[i]; channel++)
                        signal_add_emg(&signal, channel, 40.0, 100.0, rms, rms, 0.15, 9 + channel);
                signal_quantise(&signal, -32768, 32767);
                signal_detect(&signal, 0, &events);
                alert_s[i] = seconds(&signal, only(&events, DETECTOR_EVENT_ALERT)->alert_index) - 40.0;
                signal_done(&signal);
        }
        assert_between(alert_s[1], alert_s[0] + 3.0, 12.0);
        assert_between(alert_s[2], alert_s[1] + 8.0, 40.0);
}

/* When the first channel, which rises for 9 s, alerts; negative: not. */
static double alert_after_s(struct signal *signal, double ratio) {
        const struct detector_event *alert;
        double rms = rms_for_ratio(ratio);

        signal_add_emg(signal, 0, 40.0, 49.0, rms, rms, 0.1, 9);
        signal_quantise(signal, -32768, 32767);
        signal_detect(signal, 0, &events);
        alert = signal_first(&events, DETECTOR_EVENT_ALERT);
        return alert ? seconds(signal, alert->alert_index) - 40.0 : -1.0;
}

/* A jerk that lifts a loud rest by less than half is one of both muscles all the same. */
static void test_a_faint_companion(void **state) {
        static const struct {
                double share; /* of the first channel's muscle */
                bool alone;
        } cases[] = {{0.0, true}, {0.1, true}, {0.5, false}};

        for (unsigned i = 0; i < 3; i++) {
                double rms = cases[i].share * rms_for_ratio(2.3), alert_s;
                struct signal signal;

                make_rest(&signal, 1000000, 2, 70.0);
                signal_add_emg(&signal, 1, 40.0, 49.0, rms, rms, 0.1, 10);
                alert_s = alert_after_s(&signal, 2.3);
                assert_true(cases[i].alone ? alert_s > 0.0 && alert_s < 9.0 : alert_s < 0.0);
                signal_done(&signal);
        }
}

/* An amplifier without skin is as quiet in a movement as in a cramp: it makes no muscle a lone one. */
static void test_a_dead_companion(void **state) {
        double alert_s[3];

        for (unsigned i = 0; i < 3; i++) {
                struct signal signal;

                signal_init(&signal, 1000000, i == 0 ? 1 : 2, 0.1, 70.0);
                signal_add_rest(&signal, 0, REST_UV, 1000);
                if (i > 0)
                        signal_add_rest(&signal, 1, i == 1 ? 1.4 : REST_UV, 1001);
                alert_s[i] = alert_after_s(&signal, 8.0);
                signal_done(&signal);
        }
        assert_true(alert_s[0] > 0.0);
        assert_true(alert_s[1] == alert_s[0]);
        assert_true(alert_s[2] < alert_s[0] - 1.0);
}

static void test_crosstalk_is_no_company(void **state) {
        struct signal signal;
        double rms = rms_for_ratio(20.0);

        make_rest(&signal, 500000, 2, 100.0);
        signal_add_emg(&signal, 0, 40.0, 80.0, rms, rms, 0.15, 9);
        signal_add_emg(&signal, 1, 40.0, 80.0, 0.15 * rms, 0.15 * rms, 0.15, 9);
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &events);
        assert_between(seconds(&signal, only(&events, DETECTOR_EVENT_ALERT)->alert_index) - 40.0, 3.5,
                       7.5);
        signal_done(&signal);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_setup_errors),
                cmocka_unit_test(test_push_errors),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_rest_for_an_hour),
                cmocka_unit_test(test_cramps_of_all_strengths),
                cmocka_unit_test(test_all_rates),
                cmocka_unit_test(test_weak_rising_cramps),
                cmocka_unit_test(test_severity_rises),
                cmocka_unit_test(test_dip_does_not_split),
                cmocka_unit_test(test_recovery_is_no_episode),
                cmocka_unit_test(test_second_cramp_is_found),
                cmocka_unit_test(test_long_cramp_is_one),
                cmocka_unit_test(test_end_of_stream),
                cmocka_unit_test(test_bursts_are_none),
                cmocka_unit_test(test_gait_above_rest_is_none),
                cmocka_unit_test(test_movements_are_none),
                cmocka_unit_test(test_random_chunks),
                cmocka_unit_test(test_index_is_relative),
                cmocka_unit_test(test_channels),
                cmocka_unit_test(test_isolation),
                cmocka_unit_test(test_one_companion_of_several),
                cmocka_unit_test(test_a_faint_companion),
                cmocka_unit_test(test_a_dead_companion),
                cmocka_unit_test(test_crosstalk_is_no_company),
        };

        return cmocka_run_group_tests_name("detector", tests, NULL, NULL);
}
