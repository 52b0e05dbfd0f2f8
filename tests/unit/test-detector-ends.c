/* SPDX-License-Identifier: MIT */
/* When a cramp is over, and when it only looks so: other channels, electrodes that come off, samples
 * that are lost, and what it leaves behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "tests/unit/detector-asserts.h"

static struct signal_events events;

static void emg_add(struct signal *signal, uint32_t channel, double from_s, double to_s, double ratio) {
        signal_add_emg(signal, channel, from_s, to_s, rms_for_ratio(ratio), rms_for_ratio(ratio), 0.15,
                       77 + channel);
}

/* One muscle after the other: the alert stands until the last has done. */
static void test_goes_on_in_another_channel(void **state) {
        const struct detector_event *end;
        struct signal signal;

        make_rest(&signal, 500000, 2, 320.0);
        emg_add(&signal, 0, 60.0, 120.0, 8.0);
        emg_add(&signal, 1, 90.0, 280.0, 8.0);
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &events);
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 1);
        end = only(&events, DETECTOR_EVENT_END);
        assert_int_equal(end->channel, 0);
        assert_int_equal(end->end_reason, DETECTOR_END_SUBSIDED);
        assert_between(seconds(&signal, end->onset_index), 59.7, 60.3);
        assert_between(seconds(&signal, end->end_index), 279.7, 280.3);
        signal_done(&signal);
}

/* Far below rest is no muscle: nobody can say that the cramp has ended. */
static void test_electrode_off_in_a_cramp(void **state) {
        const struct detector_event *end;
        struct signal signal;

        signal_init(&signal, 500000, 1, SCALE_UV, 200.0);
        signal_add_rest(&signal, 0, 8.0, 3);
        emg_add(&signal, 0, 60.0, 200.0, 8.0);
        for (size_t k = 100 * 500; k < signal.frames; k++)
                signal.uv[k] = 0.0;
        signal_add_rest(&signal, 0, 1.4, 4);
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &events);
        assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 1);
        end = only(&events, DETECTOR_EVENT_END);
        assert_int_equal(end->end_reason, DETECTOR_END_SIGNAL_LOST);
        assert_between(seconds(&signal, end->end_index), 99.5, 102.0);
        signal_done(&signal);
}

/* So many packets are lost that no interval is whole: a cramp does not stand for ever. */
static void test_no_interval_is_whole(void **state) {
        const struct detector_event *end = NULL;
        struct detector *detector;
        struct signal signal;

        make_cramp(&signal, 1000000, 1, 6.0, 0.15, 60.0);
        events.count = 0;
        assert_int_equal(detector_new(&(struct detector_setup){.rate_mhz = signal.rate_mhz,
                                                               .channels = 1,
                                                               .scale_uv = &signal.scale_uv,
                                                               .on_event = signal_collect,
                                                               .userdata = &events},
                                      &detector),
                         0);
        assert_int_equal(detector_push(detector, 0, signal.counts, 60000), 0);
        assert_int_equal(detector_get_state(detector), DETECTOR_CRAMP);
        for (size_t k = 60020; k + 20 <= signal.frames; k += 40)
                assert_int_equal(detector_push(detector, k, signal.counts + k, 20), 0);
        end = only(&events, DETECTOR_EVENT_END);
        assert_int_equal(end->end_reason, DETECTOR_END_SIGNAL_LOST);
        assert_int_equal(end->end_index, 60000);
        detector_free(detector);
        signal_done(&signal);
}

/* What a cramp leaves behind is no other one, also when a moment of it was lost. */
static void test_gap_in_what_is_left(void **state) {
        static const double gaps_s[] = {0.9, 1.5, 10.0, 29.0};
        struct signal signal;

        make_rest(&signal, 500000, 1, 260.0);
        emg_add(&signal, 0, 60.0, 120.0, 12.0);
        emg_add(&signal, 0, 120.0, 240.0, 2.2);
        signal_quantise(&signal, -32768, 32767);
        for (size_t i = 0; i < ARRAY_LENGTH(gaps_s); i++) {
                signal_detect_with_gap(&signal, 140 * 500, (size_t)((140.0 + gaps_s[i]) * 500.0),
                                       &events);
                assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 1);
        }
        signal_done(&signal);
}

/* A level that stood for minutes was taken for rest. When the old rest is back, the next cramp is seen.
 */
static void test_cramp_after_a_level_that_was_taken_for_rest(void **state) {
        const struct detector_event *last;
        struct signal signal;

        make_rest(&signal, 250000, 1, 1800.0);
        for (size_t k = 400 * 250; k < 1300 * 250; k++)
                signal.uv[k] *= 5.0;
        emg_add(&signal, 0, 1500.0, 1540.0, 6.0);
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &events);
        last = &events.event[events.count - 1];
        assert_int_equal(last->type, DETECTOR_EVENT_END);
        assert_between(seconds(&signal, last->onset_index), 1499.5, 1500.5);
        assert_between(last->rest_uv, 0.8 * REST_UV, 1.2 * REST_UV);
        signal_done(&signal);
}

/* A sensor fine enough to show its own noise was not there while it told nothing. */
static void test_nothing_is_no_rest(void **state) {
        static const double from_s[] = {0.0, 0.0, 400.0}, to_s[] = {36.0, 160.0, 1010.0};

        for (size_t i = 0; i < ARRAY_LENGTH(from_s); i++) {
                struct signal signal;

                make_rest(&signal, 250000, 1, to_s[i] + 120.0);
                signal_quantise(&signal, -32768, 32767);
                for (size_t k = (size_t)(from_s[i] * 250.0); k < (size_t)(to_s[i] * 250.0); k++)
                        signal.counts[k] = 0;
                signal_detect(&signal, 0, &events);
                assert_silent(&events);
                signal_done(&signal);
        }
}

/* Two hops are bridged at every rate, also where they are a little longer than 100 ms. */
static void test_dips_at_all_rates(void **state) {
        static const uint32_t rates_mhz[] = {200000, 250000, 256000, 500000, 1000000, 1111100};

        for (size_t i = 0; i < ARRAY_LENGTH(rates_mhz); i++) {
                struct signal signal;
                double hz = rates_mhz[i] / 1000.0, alert_s;

                make_rest(&signal, rates_mhz[i], 1, 110.0);
                emg_add(&signal, 0, 40.0, 80.0, 6.0);
                /* The muscle is silent for 200 ms in each second: the envelope for up to two hops. */
                for (size_t k = (size_t)(40.0 * hz); k < (size_t)(80.0 * hz); k++)
                        if ((size_t)((double)k / hz * 1000.0) % 1000 < 200)
                                signal.uv[k] *= 0.1;
                signal_quantise(&signal, -32768, 32767);
                signal_detect(&signal, 0, &events);
                alert_s = seconds(&signal, only(&events, DETECTOR_EVENT_ALERT)->alert_index);
                assert_between(alert_s, 45.0, 60.0);
                signal_done(&signal);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_goes_on_in_another_channel),
                cmocka_unit_test(test_electrode_off_in_a_cramp),
                cmocka_unit_test(test_no_interval_is_whole),
                cmocka_unit_test(test_gap_in_what_is_left),
                cmocka_unit_test(test_cramp_after_a_level_that_was_taken_for_rest),
                cmocka_unit_test(test_nothing_is_no_rest),
                cmocka_unit_test(test_dips_at_all_rates),
        };

        return cmocka_run_group_tests_name("detector-ends", tests, NULL, NULL);
}
