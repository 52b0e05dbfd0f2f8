/* SPDX-License-Identifier: MIT */
/* The steps of sensitivity and the factor on top: order, bounds, and that normal is what it was. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/detector-asserts.h"

static struct detector_setup setup_of(const struct signal *signal, struct signal_events *events) {
        return (struct detector_setup){
                .rate_mhz = signal->rate_mhz,
                .channels = signal->channels,
                .scale_uv = &signal->scale_uv,
                .on_event = signal_collect,
                .userdata = events,
        };
}

static void run(const struct signal *signal, enum detector_sensitivity sensitivity, double factor,
                struct signal_events *ret) {
        struct detector_setup setup = setup_of(signal, ret);
        struct detector *detector;

        *ret = (struct signal_events){};
        setup.sensitivity = sensitivity;
        setup.evidence_factor = factor;
        assert_int_equal(detector_new(&setup, &detector), 0);
        assert_int_equal(detector_push(detector, 0, signal->counts, signal->frames), 0);
        detector_finish(detector);
        detector_free(detector);
}

static double alert_s(const struct signal *signal, enum detector_sensitivity sensitivity,
                      double factor) {
        static struct signal_events events;

        run(signal, sensitivity, factor, &events);
        return seconds(signal, only(&events, DETECTOR_EVENT_ALERT)->alert_index);
}

static void test_names(void **state) {
        for (int i = 0; i < DETECTOR_SENSITIVITY_MAX; i++)
                assert_int_equal(detector_sensitivity_from_string(
                                         detector_sensitivity_to_string((enum detector_sensitivity)i)),
                                 i);
        assert_string_equal(detector_sensitivity_to_string((enum detector_sensitivity)0), "normal");
        assert_null(detector_sensitivity_to_string(DETECTOR_SENSITIVITY_MAX));
        assert_int_equal(detector_sensitivity_from_string("Low"), -EINVAL);
        assert_int_equal(detector_sensitivity_from_string(""), -EINVAL);
}

static void test_bounds(void **state) {
        const double bad[] = {0.49, 2.01, -1.0, (double)NAN, (double)INFINITY};
        static struct signal_events events;
        struct signal signal;
        struct detector_setup setup;
        struct detector *detector;

        make_rest(&signal, 1000000, 1, 1.0);
        setup = setup_of(&signal, &events);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                setup.evidence_factor = bad[i];
                assert_int_equal(detector_new(&setup, &detector), -EINVAL);
        }
        setup.evidence_factor = 2.0;
        setup.sensitivity = DETECTOR_SENSITIVITY_MAX;
        assert_int_equal(detector_new(&setup, &detector), -EINVAL);
        setup.sensitivity = DETECTOR_SENSITIVITY_LOW;
        assert_int_equal(detector_new(&setup, &detector), 0);
        assert_int_equal(detector_set_evidence(detector, DETECTOR_SENSITIVITY_LOW, 0.0), -EINVAL);
        assert_int_equal(detector_set_evidence(detector, DETECTOR_SENSITIVITY_MAX, 1.0), -EINVAL);
        assert_int_equal(detector_set_evidence(detector, DETECTOR_SENSITIVITY_HIGH, 0.5), 0);
        detector_free(detector);
        signal_done(&signal);
}

/* The lower the step and the higher the factor, the later; whatever they are, the onset is the same. */
static void test_order(void **state) {
        static struct signal_events low, high;
        struct signal signal;
        double normal_s;

        make_cramp(&signal, 1000000, 1, 4.0, 0.2, 60.0);
        normal_s = alert_s(&signal, DETECTOR_SENSITIVITY_NORMAL, 0.0);
        assert_true(alert_s(&signal, DETECTOR_SENSITIVITY_HIGH, 0.0) < normal_s - 1.0);
        assert_true(alert_s(&signal, DETECTOR_SENSITIVITY_LOW, 0.0) > normal_s + 2.0);
        assert_true(alert_s(&signal, DETECTOR_SENSITIVITY_NORMAL, 1.3) > normal_s + 1.0);
        assert_true(alert_s(&signal, DETECTOR_SENSITIVITY_NORMAL, 0.85) < normal_s - 0.5);
        /* The extremes together still find it. */
        assert_between(alert_s(&signal, DETECTOR_SENSITIVITY_LOW, 2.0), normal_s + 10.0, 80.0);

        run(&signal, DETECTOR_SENSITIVITY_LOW, 0.0, &low);
        run(&signal, DETECTOR_SENSITIVITY_HIGH, 0.0, &high);
        assert_between(seconds(&signal, only(&low, DETECTOR_EVENT_ALERT)->onset_index), 39.5, 40.5);
        assert_between(seconds(&signal, only(&high, DETECTOR_EVENT_ALERT)->onset_index), 39.5, 40.5);
        signal_done(&signal);
}

static void test_normal_is_what_it_was(void **state) {
        static struct signal_events without, with;
        struct signal signal;

        make_cramp(&signal, 1000000, 1, 3.0, 0.3, 40.0);
        run(&signal, DETECTOR_SENSITIVITY_NORMAL, 0.0, &without);
        run(&signal, DETECTOR_SENSITIVITY_NORMAL, 1.0, &with);
        assert_true(without.count > 0);
        assert_int_equal(without.count, with.count);
        for (size_t i = 0; i < with.count; i++) {
                const struct detector_event *a = &without.event[i], *b = &with.event[i];

                assert_int_equal(a->type, b->type);
                assert_int_equal(a->onset_index, b->onset_index);
                assert_int_equal(a->alert_index, b->alert_index);
                assert_int_equal(a->end_index, b->end_index);
                assert_true(a->peak_uv == b->peak_uv && a->confidence == b->confidence);
        }
        signal_done(&signal);
}

/* Changed while it runs, it holds from there on, and rest is not learnt anew. */
static void test_change_on_the_way(void **state) {
        static struct signal_events events;
        struct signal signal;
        struct detector_setup setup;
        struct detector *detector;
        size_t half;
        double changed_s;

        make_cramp(&signal, 1000000, 1, 4.0, 0.2, 60.0);
        setup = setup_of(&signal, &events);
        half = 38 * 1000;
        assert_int_equal(detector_new(&setup, &detector), 0);
        assert_int_equal(detector_push(detector, 0, signal.counts, half), 0);
        assert_int_equal(detector_set_evidence(detector, DETECTOR_SENSITIVITY_HIGH, 1.0), 0);
        assert_int_equal(detector_push(detector, half, signal.counts + half, signal.frames - half), 0);
        detector_finish(detector);
        detector_free(detector);
        changed_s = seconds(&signal, only(&events, DETECTOR_EVENT_ALERT)->alert_index);
        assert_true(changed_s == alert_s(&signal, DETECTOR_SENSITIVITY_HIGH, 0.0));
        signal_done(&signal);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_normal_is_what_it_was),
                cmocka_unit_test(test_change_on_the_way),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
