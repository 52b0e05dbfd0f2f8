/* SPDX-License-Identifier: MIT */
/*
 * Waveforms: the ring around onsets (its bounds, gaps, several at a time, no memory), and the code that
 * the database keeps (there and back, and nothing but an error for what is broken). Linked with --wrap
 * for the allocators.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/capture.h"

#define RATE_HZ 200u
#define HOP 10u
#define ONSET_US (INT64_C(1795470000) * 1000000)
#define EPISODE_ID "00000000000000e1"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *memory, size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *memory, size_t n, size_t size);

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

void *__wrap_reallocarray(void *memory, size_t n, size_t size) {
        return allocation_fails() ? NULL : __real_reallocarray(memory, n, size);
}

/* --- the ring --- */

#define GIVEN_MAX 8u

struct fixture {
        struct capture *capture;
        struct store_waveform *given[GIVEN_MAX];
        unsigned n_given;
};

static void on_given(struct store_waveform *waveform, void *userdata) {
        struct fixture *f = userdata;

        assert_true(f->n_given < GIVEN_MAX);
        assert_int_equal(waveform_check_shape(waveform), 0);
        f->given[f->n_given++] = waveform;
}

static struct capture_setup setup_of(struct fixture *f, uint32_t channels, bool arbitrary_unit) {
        return (struct capture_setup){.rate_mhz = RATE_HZ * 1000,
                                      .channels = channels,
                                      .arbitrary_unit = arbitrary_unit,
                                      .func = on_given,
                                      .userdata = f};
}

static void begin(struct fixture *f, uint32_t channels, bool arbitrary_unit) {
        struct capture_setup setup = setup_of(f, channels, arbitrary_unit);

        assert_int_equal(capture_new(&setup, &f->capture), 0);
}

static void end(struct fixture *f) {
        f->capture = capture_free(f->capture);
        for (unsigned i = 0; i < f->n_given; i++)
                f->given[i] = store_waveform_free(f->given[i]);
        f->n_given = 0;
}

/* Of each frame and channel another, of half microvolts. */
static double value_at(uint64_t index, uint32_t channel) {
        return ((double)(index % 1000) - 500.0 + 100.0 * channel) / 2.0;
}

static void push(struct fixture *f, uint64_t from, uint64_t to, uint32_t channels) {
        double conditioned_uv[HOP * STORE_WAVEFORM_CHANNELS_MAX];

        for (uint64_t index = from; index < to;) {
                struct detector_signal signal = {
                        .index = index, .channels = channels, .conditioned_uv = conditioned_uv};

                for (; signal.frames < HOP && index < to; index++, signal.frames++)
                        for (uint32_t i = 0; i < channels; i++)
                                conditioned_uv[signal.frames * channels + i] = value_at(index, i);
                capture_push(f->capture, &signal);
        }
}

/* That what was given is what was pushed. */
static void assert_given(const struct store_waveform *waveform, uint64_t from) {
        const int16_t *sample = waveform->samples;

        assert_true(fabs(waveform->scale_uv - 0.5) < 1e-12);
        for (uint32_t i = 0; i < waveform->n_pieces; i++)
                for (uint32_t k = 0; k < waveform->pieces[i].frames; k++)
                        for (uint32_t channel = 0; channel < waveform->channels; channel++)
                                assert_int_equal(*sample++,
                                                 lrint(2 * value_at(from + waveform->pieces[i].first + k,
                                                                    channel)));
}

static void assert_whole(const struct store_waveform *waveform, uint32_t frames) {
        assert_int_equal(waveform->n_pieces, 1);
        assert_int_equal(waveform->pieces[0].first, 0);
        assert_int_equal(waveform->pieces[0].frames, frames);
}

static void test_around_the_onset(void **state) {
        struct fixture f = {};
        uint64_t onset = 100 * RATE_HZ, alert = onset + 8 * RATE_HZ;

        begin(&f, 3, false);
        push(&f, 0, alert, 3);
        capture_begin(f.capture, EPISODE_ID, ONSET_US, onset, alert);
        push(&f, alert, onset + CAPTURE_AFTER_S * RATE_HZ - 1, 3);
        assert_int_equal(f.n_given, 0);
        push(&f, onset + CAPTURE_AFTER_S * RATE_HZ - 1, onset + CAPTURE_AFTER_S * RATE_HZ + 7, 3);
        assert_int_equal(f.n_given, 1);
        assert_string_equal(f.given[0]->episode, EPISODE_ID);
        assert_int_equal(f.given[0]->rate_mhz, RATE_HZ * 1000);
        assert_int_equal(f.given[0]->channels, 3);
        assert_int_equal(f.given[0]->start_us, ONSET_US - CAPTURE_BEFORE_S * 1000000);
        assert_whole(f.given[0], (CAPTURE_BEFORE_S + CAPTURE_AFTER_S) * RATE_HZ);
        assert_given(f.given[0], onset - CAPTURE_BEFORE_S * RATE_HZ);
        push(&f, onset + CAPTURE_AFTER_S * RATE_HZ + 7, onset + 200 * RATE_HZ, 3);
        capture_finish(f.capture);
        assert_int_equal(f.n_given, 1);
        end(&f);
}

/* An alert that took its time, and a stream that had only begun or ends at once. */
static void test_late_alert_young_stream_early_end(void **state) {
        struct fixture f = {};
        uint64_t first = 7, onset = first + 3 * RATE_HZ, alert = onset + 40 * RATE_HZ;

        begin(&f, 1, false);
        push(&f, first, alert, 1);
        capture_begin(f.capture, EPISODE_ID, ONSET_US, onset, alert);
        push(&f, alert, alert + CAPTURE_AFTER_ALERT_S * RATE_HZ, 1);
        assert_int_equal(f.n_given, 1);
        assert_int_equal(f.given[0]->start_us, ONSET_US - 3000000);
        assert_whole(f.given[0], (3 + 40 + CAPTURE_AFTER_ALERT_S) * RATE_HZ);
        assert_given(f.given[0], first);

        /* More than the ring holds: the beginning is gone. */
        push(&f, alert + CAPTURE_AFTER_ALERT_S * RATE_HZ, alert + 100 * RATE_HZ, 1);
        alert += 100 * RATE_HZ;
        onset = alert - 58 * RATE_HZ;
        capture_begin(f.capture, EPISODE_ID, ONSET_US, onset, alert);
        capture_finish(f.capture);
        assert_int_equal(f.n_given, 2);
        assert_int_equal(f.given[1]->start_us, ONSET_US - 2000000);
        assert_whole(f.given[1], CAPTURE_RING_S * RATE_HZ);
        assert_given(f.given[1], onset - 2 * RATE_HZ);
        end(&f);
}

static void test_gaps_are_missing(void **state) {
        struct fixture f = {};
        uint64_t onset = 20 * RATE_HZ, alert = onset + 5 * RATE_HZ;

        begin(&f, 2, false);
        push(&f, 0, onset - 1000, 2);
        push(&f, onset - 900, alert, 2);
        capture_begin(f.capture, EPISODE_ID, ONSET_US, onset, alert);
        push(&f, alert + 3, alert + 50, 2);
        /* A gap beyond the end, longer than the ring. */
        push(&f, alert + 1000 * RATE_HZ, alert + 1001 * RATE_HZ, 2);
        assert_int_equal(f.n_given, 1);
        assert_int_equal(f.given[0]->n_pieces, 3);
        assert_int_equal(f.given[0]->pieces[0].first, 0);
        assert_int_equal(f.given[0]->pieces[0].frames, CAPTURE_BEFORE_S * RATE_HZ - 1000);
        assert_int_equal(f.given[0]->pieces[1].first, CAPTURE_BEFORE_S * RATE_HZ - 900);
        assert_int_equal(f.given[0]->pieces[2].frames, 47);
        assert_given(f.given[0], onset - CAPTURE_BEFORE_S * RATE_HZ);
        /* Nothing of before that gap is left. */
        capture_begin(f.capture, EPISODE_ID, ONSET_US, onset, alert);
        capture_finish(f.capture);
        assert_int_equal(f.n_given, 1);
        end(&f);
}

static void test_more_gaps_than_fit(void **state) {
        struct fixture f = {};

        begin(&f, 1, false);
        for (uint64_t index = 0; index < 20 * RATE_HZ; index += 4)
                push(&f, index, index + 2, 1);
        capture_begin(f.capture, EPISODE_ID, ONSET_US, 10 * RATE_HZ, 12 * RATE_HZ);
        capture_finish(f.capture);
        assert_int_equal(f.n_given, 1);
        assert_int_equal(f.given[0]->n_pieces, STORE_WAVEFORM_PIECES_MAX);
        assert_given(f.given[0], 0);
        end(&f);
}

/* In order, the oldest early when there are too many. */
static void test_several_at_a_time(void **state) {
        struct fixture f = {};
        char id[] = "00000000000000e0";

        begin(&f, 1, false);
        push(&f, 0, 20 * RATE_HZ, 1);
        for (unsigned i = 0; i < 5; i++, id[15]++)
                capture_begin(f.capture, id, ONSET_US, (15 + i) * RATE_HZ, 20 * RATE_HZ);
        assert_int_equal(f.n_given, 1);
        push(&f, 20 * RATE_HZ, 36 * RATE_HZ, 1);
        assert_int_equal(f.n_given, 2);
        capture_finish(f.capture);
        assert_int_equal(f.n_given, 5);
        for (unsigned i = 0; i < 5; i++)
                assert_int_equal(f.given[i]->episode[15], '0' + (int)i);
        assert_whole(f.given[0], 15 * RATE_HZ);
        assert_whole(f.given[1], 30 * RATE_HZ);
        end(&f);
}

/* The step is as coarse as it has to be, and exact in a file's header. */
static void test_steps(void **state) {
        static const struct {
                double highest, step;
                bool arbitrary;
        } cases[] = {
                {1, 0.5, false},   {16383, 0.5, false}, {16384, 1, false},
                {1e5, 5, false},   {4096, 0.5, true},   {1, 1e-4, true},
                {1e7, 1000, true}, {0, 1, true},        {0, 0.5, false},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct fixture f = {};
                double values[] = {0, -cases[i].highest};
                struct detector_signal signal = {.frames = 2, .channels = 1, .conditioned_uv = values};

                begin(&f, 1, cases[i].arbitrary);
                capture_push(f.capture, &signal);
                capture_begin(f.capture, EPISODE_ID, ONSET_US, 0, 0);
                capture_finish(f.capture);
                assert_int_equal(f.n_given, 1);
                assert_true(fabs(f.given[0]->scale_uv - cases[i].step) <= 1e-12 * cases[i].step);
                assert_true(fabs(f.given[0]->samples[1] * f.given[0]->scale_uv + cases[i].highest) <=
                            f.given[0]->scale_uv / 2 * 1.0001);
                end(&f);
        }
}

static void test_what_no_ring_holds(void **state) {
        struct fixture f = {};
        struct capture_setup setup = setup_of(&f, 0, false);

        assert_int_equal(capture_new(&setup, &f.capture), -EINVAL);
        setup.channels = STORE_WAVEFORM_CHANNELS_MAX + 1;
        assert_int_equal(capture_new(&setup, &f.capture), -EINVAL);
        setup.channels = STORE_WAVEFORM_CHANNELS_MAX;
        setup.rate_mhz = 2000001;
        assert_int_equal(capture_new(&setup, &f.capture), -EINVAL);
        setup.rate_mhz = 0;
        assert_int_equal(capture_new(&setup, &f.capture), -EINVAL);
        setup.rate_mhz = 2000000;
        assert_int_equal(capture_new(&setup, &f.capture), 0);
        end(&f);
}

static void test_every_allocation_fails(void **state) {
        for (unsigned failing = 1; failing <= 5; failing++) {
                struct fixture f = {};
                struct capture_setup setup = setup_of(&f, 1, false);
                int r;

                allocations.count = 0;
                allocations.failing = failing;
                r = capture_new(&setup, &f.capture);
                assert_int_equal(r, failing <= 2 ? -ENOMEM : 0);
                if (r == 0) {
                        push(&f, 0, 100, 1);
                        capture_begin(f.capture, EPISODE_ID, ONSET_US, 50, 60);
                        capture_finish(f.capture);
                        assert_int_equal(f.n_given, failing <= 4 ? 0 : 1);
                }
                allocations.failing = 0;
                end(&f);
        }
}

/* --- the code --- */

/* Pieces and values that take one, two and three bytes. */
static struct store_waveform *sample_waveform(void) {
        static const int16_t samples[] = {0,     1,    -1,    63,     -64,   64, 8191,
                                          -8192, 8192, 32767, -32768, 32767, 5,  5};
        struct store_waveform *waveform = calloc(1, sizeof(*waveform));

        assert_non_null(waveform);
        memcpy(waveform->episode, EPISODE_ID, sizeof(EPISODE_ID));
        waveform->start_us = ONSET_US;
        waveform->rate_mhz = 1000000;
        waveform->channels = 2;
        waveform->scale_uv = 0.5;
        waveform->n_pieces = 3;
        waveform->pieces[0] = (struct store_piece){300, 2};
        waveform->pieces[1] = (struct store_piece){302, 4};
        waveform->pieces[2] = (struct store_piece){100000, 1};
        waveform->samples = malloc(sizeof(samples));
        assert_non_null(waveform->samples);
        memcpy(waveform->samples, samples, sizeof(samples));
        return waveform;
}

static void test_there_and_back(void **state) {
        struct store_waveform *waveform = sample_waveform(), back = {.channels = 2};
        uint8_t *code;
        size_t size;

        assert_int_equal(waveform_check_shape(waveform), 0);
        assert_int_equal(waveform_encode(waveform, &code, &size), 0);
        assert_int_equal(waveform_decode(code, size, &back), 0);
        assert_int_equal(back.n_pieces, 3);
        assert_memory_equal(back.pieces, waveform->pieces, 3 * sizeof(back.pieces[0]));
        assert_memory_equal(back.samples, waveform->samples, 14 * sizeof(int16_t));
        free(back.samples);
        free(code);
        store_waveform_free(waveform);
}

/* As the header says: 1 frame missing, 2 frames, differences 100 and -101. */
static void test_the_documented_bytes(void **state) {
        static const uint8_t code[] = {0x01, 0x02, 0xc8, 0x01, 0xc9, 0x01};
        struct store_waveform waveform = {.channels = 1};

        assert_int_equal(waveform_decode(code, sizeof(code), &waveform), 0);
        assert_int_equal(waveform.n_pieces, 1);
        assert_int_equal(waveform.pieces[0].first, 1);
        assert_int_equal(waveform.samples[0], 100);
        assert_int_equal(waveform.samples[1], -1);
        free(waveform.samples);
}

static int decode(const uint8_t *code, size_t size) {
        struct store_waveform waveform = {.channels = 2};
        int r = waveform_decode(code, size, &waveform);

        assert_true(r == 0 || r == -EBADMSG);
        if (r == 0)
                assert_true(store_waveform_frames(&waveform) <= STORE_WAVEFORM_FRAMES_MAX);
        free(waveform.samples);
        return r;
}

static void test_broken_code(void **state) {
        struct store_waveform *waveform = sample_waveform();
        static const uint8_t bad[][6] = {
                {0x00, 0x00},                         /* no frames */
                {0xff, 0xff, 0xff, 0xff, 0x1f, 0x01}, /* beyond 32 bits */
                {0x80, 0x80, 0x80, 0x80, 0x80, 0x80}, /* no end */
                {0x00, 0xff, 0xff, 0x7f},             /* more frames than bytes */
                {0x00, 0x01, 0xff, 0xff, 0x7f, 0x00}, /* no 16 bits */
        };
        uint8_t *code;
        size_t size;

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(decode(bad[i], sizeof(bad[i])), -EBADMSG);
        assert_int_equal(decode(bad[0], 0), -EBADMSG);

        /* Each byte changed in each bit, and cut off everywhere but between pieces. */
        assert_int_equal(waveform_encode(waveform, &code, &size), 0);
        for (size_t i = 0; i < size; i++) {
                (void)decode(code, i);
                for (unsigned bit = 0; bit < 8; bit++) {
                        code[i] ^= (uint8_t)(1u << bit);
                        (void)decode(code, size);
                        code[i] ^= (uint8_t)(1u << bit);
                }
        }
        assert_int_equal(decode(code, size), 0);
        free(code);
        store_waveform_free(waveform);
}

static void test_what_is_refused(void **state) {
        struct store_waveform *waveform = sample_waveform();

        waveform->pieces[1].first = 301;
        assert_int_equal(waveform_check_shape(waveform), -EINVAL);
        waveform->pieces[1].first = 302;
        waveform->pieces[2].frames = STORE_WAVEFORM_FRAMES_MAX;
        assert_int_equal(waveform_check_shape(waveform), -EINVAL);
        waveform->pieces[2].frames = 1;
        waveform->scale_uv = (double)NAN;
        assert_int_equal(waveform_check_shape(waveform), -EINVAL);
        waveform->scale_uv = 1;
        waveform->channels = 17;
        assert_int_equal(waveform_check_shape(waveform), -EINVAL);
        store_waveform_free(waveform);
}

static void test_code_without_memory(void **state) {
        struct store_waveform *waveform = sample_waveform(), back = {.channels = 2};
        uint8_t *code;
        size_t size;

        allocations.count = 0;
        allocations.failing = 1;
        assert_int_equal(waveform_encode(waveform, &code, &size), -ENOMEM);
        allocations.failing = 0;
        assert_int_equal(waveform_encode(waveform, &code, &size), 0);
        for (unsigned failing = 1; failing <= 3; failing++) {
                allocations.count = 0;
                allocations.failing = failing;
                assert_int_equal(waveform_decode(code, size, &back), -ENOMEM);
        }
        allocations.failing = 0;
        free(back.samples);
        free(code);
        store_waveform_free(waveform);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_around_the_onset),
                cmocka_unit_test(test_late_alert_young_stream_early_end),
                cmocka_unit_test(test_gaps_are_missing),
                cmocka_unit_test(test_more_gaps_than_fit),
                cmocka_unit_test(test_several_at_a_time),
                cmocka_unit_test(test_steps),
                cmocka_unit_test(test_what_no_ring_holds),
                cmocka_unit_test(test_every_allocation_fails),
                cmocka_unit_test(test_there_and_back),
                cmocka_unit_test(test_the_documented_bytes),
                cmocka_unit_test(test_broken_code),
                cmocka_unit_test(test_what_is_refused),
                cmocka_unit_test(test_code_without_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
