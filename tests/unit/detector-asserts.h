/* SPDX-License-Identifier: MIT */
/*
 * Made nights of a minute or two and what must be told of them, for the detector's tests: include once
 * per program, after cmocka.h. Needs detector-signals.
 */
#pragma once

#include <math.h>

#include "tests/unit/detector-signals.h"

#define REST_UV 5.0
#define SCALE_UV 0.25

static inline double rms_for_ratio(double ratio) {
        return REST_UV * sqrt(ratio * ratio - 1.0);
}

static inline double seconds(const struct signal *signal, uint64_t index) {
        return (double)index / signal_rate_hz(signal);
}

/* Rest on every channel. */
static inline void make_rest(struct signal *signal, uint32_t rate_mhz, uint32_t channels,
                             double length_s) {
        signal_init(signal, rate_mhz, channels, SCALE_UV, length_s);
        for (uint32_t i = 0; i < channels; i++)
                signal_add_rest(signal, i, REST_UV, 1000 + i);
}

/* 40 s of rest, `hold_s` of cramp on the first channel, rest again. */
static inline void make_cramp(struct signal *signal, uint32_t rate_mhz, uint32_t channels, double ratio,
                              double roughness, double hold_s) {
        double rms = rms_for_ratio(ratio);

        make_rest(signal, rate_mhz, channels, 70.0 + hold_s);
        signal_add_emg(signal, 0, 40.0, 40.0 + hold_s, rms, rms, roughness, 77);
        signal_quantise(signal, -32768, 32767);
}

static inline const struct detector_event *only(const struct signal_events *list,
                                                enum detector_event_type type) {
        assert_int_equal(signal_count(list, type), 1);
        return signal_first(list, type);
}

static inline void assert_silent(const struct signal_events *list) {
        assert_int_equal(signal_count(list, DETECTOR_EVENT_ALERT), 0);
}

static inline void assert_between(double value, double low, double high) {
        if (value >= low && value <= high)
                return;
        print_error("%g is not between %g and %g\n", value, low, high);
        fail();
}

/* One cramp, found once, with its times right. */
static inline void check_cramp(const struct signal *signal, const struct signal_events *events,
                               double onset_s, double end_s, double tolerance_s) {
        const struct detector_event *alert = only(events, DETECTOR_EVENT_ALERT);
        const struct detector_event *end = only(events, DETECTOR_EVENT_END);

        assert_between(seconds(signal, alert->onset_index), onset_s - tolerance_s,
                       onset_s + tolerance_s);
        assert_between(seconds(signal, alert->alert_index), onset_s + 3.5, onset_s + 15.0);
        assert_between(seconds(signal, end->end_index), end_s - tolerance_s, end_s + tolerance_s);
        assert_int_equal(end->end_reason, DETECTOR_END_SUBSIDED);
        assert_int_equal(end->onset_index, alert->onset_index);
        assert_int_equal(end->alert_index, alert->alert_index);
        assert_between(end->confidence, 0.5, 1.0);
        assert_true(end->peak_uv >= alert->peak_uv);
        assert_true(end->severity >= alert->severity);
}
