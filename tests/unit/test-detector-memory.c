/* SPDX-License-Identifier: MIT */
/*
 * The detector's memory: every allocation of detector_new() may fail, and there is none afterwards.
 * Linked with
 * --wrap for malloc, calloc and realloc.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/detector-signals.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);

/* Allocations so far, and the one that fails (0: none). */
static struct { unsigned count, failing; } allocations;

static bool allocation_fails(void) {
        return ++allocations.count == allocations.failing;
}

void *__wrap_malloc(size_t size) {
        return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
        return allocation_fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size) {
        return allocation_fails() ? NULL : __real_realloc(memory, size);
}

static struct signal_events events;

static void take_level(const struct detector_level *level, void *userdata) {
        assert_true(level->channels == 3);
}

static const double scales[3] = {0.25, 0.25, 0.25};
static const struct detector_setup setup = {
        .rate_mhz = 1000000,
        .channels = 3,
        .scale_uv = scales,
        .on_event = signal_collect,
        .on_level = take_level,
        .userdata = &events,
};

static void test_every_allocation_fails(void **state) {
        unsigned failing = 1;

        for (;; failing++) {
                struct detector *detector = NULL;
                int r;

                allocations.count = 0;
                allocations.failing = failing;
                r = detector_new(&setup, &detector);
                allocations.failing = 0;
                if (r == 0) {
                        assert_non_null(detector);
                        detector_free(detector);
                        break;
                }
                assert_int_equal(r, -ENOMEM);
                assert_null(detector);
        }
        /* The struct, tables, history and channels, each at least once. */
        assert_true(failing > 10);
}

static void test_none_after_new(void **state) {
        struct signal signal;
        struct detector *detector = NULL;

        signal_init(&signal, 1000000, 3, 0.25, 150.0);
        for (uint32_t i = 0; i < 3; i++)
                signal_add_rest(&signal, i, 5.0, 5 + i);
        signal_add_line(&signal, 1, 20.0, 150.0, 200.0, 50.0, 50.0);
        signal_add_emg(&signal, 2, 40.0, 80.0, 30.0, 60.0, 0.2, 9);
        signal_quantise(&signal, -32768, 32767);

        assert_int_equal(detector_new(&setup, &detector), 0);
        allocations.count = 0;
        assert_int_equal(detector_push(detector, 0, signal.counts, 90000), 0);
        /* Gaps of all sorts, an end and a new start. */
        assert_int_equal(detector_push(detector, 90100, signal.counts + 3 * 90100, 1000), 0);
        assert_int_equal(detector_push(detector, 100000, signal.counts + 3 * 100000, 1000), 0);
        assert_int_equal(detector_push(detector, 1000000, signal.counts, 1000), 0);
        detector_finish(detector);
        assert_int_equal(detector_push(detector, 0, signal.counts, 60000), 0);
        detector_finish(detector);
        assert_int_equal(allocations.count, 0);

        assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 2);
        detector_free(detector);
        signal_done(&signal);
}

/* An electrode that moves, one channel's new rest, and a cramp above it. */
static void test_none_at_a_new_rest(void **state) {
        struct signal signal;
        struct detector *detector = NULL;
        uint64_t seed = 41;

        signal_init(&signal, 1000000, 3, 0.25, 190.0);
        for (uint32_t i = 0; i < 3; i++)
                signal_add_rest(&signal, i, 5.0, 5 + i);
        for (size_t i = 60000; i < signal.frames; i++)
                signal.uv[3 * i] += 3000.0 + 14.0 * signal_normal(&seed);
        signal_add_emg(&signal, 0, 120.0, 150.0, 75.0, 75.0, 0.15, 9);
        signal_quantise(&signal, -32768, 32767);

        events.count = 0;
        assert_int_equal(detector_new(&setup, &detector), 0);
        allocations.count = 0;
        assert_int_equal(detector_push(detector, 0, signal.counts, signal.frames), 0);
        detector_finish(detector);
        assert_int_equal(allocations.count, 0);

        assert_int_equal(signal_count(&events, DETECTOR_EVENT_ALERT), 1);
        assert_true(signal_first(&events, DETECTOR_EVENT_ALERT)->rest_uv > 12.0);
        detector_free(detector);
        signal_done(&signal);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_allocation_fails),
                cmocka_unit_test(test_none_after_new),
                cmocka_unit_test(test_none_at_a_new_rest),
        };

        return cmocka_run_group_tests_name("detector-memory", tests, NULL, NULL);
}
