/* SPDX-License-Identifier: MIT */
/*
 * EDF+ and BDF+ written and read again: what comes back is what was pushed, with its gaps and its true
 * length, at any rate; and what a file cannot hold, or finds no place, is refused.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sensors/recording/edf-writer.h"
#include "sensors/recording/recording.h"

#define CHANNELS 3u
#define START_US (INT64_C(1795470000) * 1000000 + 250000)

static char path[] = "/tmp/edf-writer-XXXXXX";

static int group_setup(void **state) {
        int fd = mkstemp(path);

        return fd < 0 ? -1 : close(fd);
}

static int group_teardown(void **state) {
        return unlink(path);
}

static int32_t value_at(uint64_t frame, unsigned channel, bool bdf) {
        int32_t value = (int32_t)((frame * 7919 + channel * 104729) % 65536) - 32768;

        return bdf ? value * 256 + (int32_t)(frame % 256) : value;
}

static struct edf_writer *begin(uint32_t rate_mhz, bool bdf, unsigned annotations) {
        struct edf_writer_channel channels[CHANNELS];
        struct edf_writer *writer = NULL;

        for (unsigned i = 0; i < CHANNELS; i++)
                channels[i] = (struct edf_writer_channel){.label = "EMG",
                                                          .unit = "uV",
                                                          .digital_min = bdf ? -8388608 : -32768,
                                                          .digital_max = bdf ? 8388607 : 32767,
                                                          .physical_min = bdf ? -8388608 : -16384,
                                                          .physical_max = bdf ? 8388607 : 16383.5};
        assert_int_equal(
                edf_writer_new(path,
                               &(struct edf_writer_setup){.bdf = bdf,
                                                          .rate_mhz = rate_mhz,
                                                          .channels = channels,
                                                          .n_channels = CHANNELS,
                                                          .start_us = START_US,
                                                          .equipment = EDF_WRITER_EQUIPMENT,
                                                          .annotations_per_record = annotations},
                               &writer),
                0);
        return writer;
}

static void push(struct edf_writer *writer, uint64_t from, uint64_t to, bool bdf) {
        for (; from < to; from++) {
                int32_t counts[CHANNELS];

                for (unsigned i = 0; i < CHANNELS; i++)
                        counts[i] = value_at(from, i, bdf);
                assert_int_equal(edf_writer_push(writer, counts, 1), 0);
        }
}

/* All that is there is as it was pushed. Returns where it ends. */
static uint64_t read_all(struct recording *recording, bool bdf) {
        struct recording_error error;
        int32_t counts[64 * CHANNELS];
        uint64_t index, next = 0;
        ssize_t got;

        while ((got = recording_read(recording, &index, counts, 64, &error)) > 0) {
                for (size_t k = 0; k < (size_t)got; k++)
                        for (unsigned i = 0; i < CHANNELS; i++)
                                assert_int_equal(counts[k * CHANNELS + i], value_at(index + k, i, bdf));
                next = index + (uint64_t)got;
        }
        assert_int_equal(got, 0);
        return next;
}

static struct recording *reopen(void) {
        static const struct recording_options options = {};
        struct recording_error error = {};
        struct recording *recording = NULL;
        int r = recording_open(path, &options, &recording, &error);

        if (r < 0)
                fail_msg("%s", error.text);
        return recording;
}

static void test_reads_back_at_any_rate(void **state) {
        static const uint32_t rates_mhz[] = {200000, 230769, 250000,  333333,  333334, 500000,
                                             512820, 999999, 1000000, 1925926, 2000000};

        for (size_t i = 0; i < sizeof(rates_mhz) / sizeof(rates_mhz[0]); i++)
                for (int bdf = 0; bdf < 2; bdf++) {
                        struct edf_writer *writer = begin(rates_mhz[i], bdf, 1);
                        struct recording *recording;

                        push(writer, 0, 12345, bdf);
                        assert_int_equal(edf_writer_frames(writer), 12345);
                        assert_int_equal(edf_writer_close(writer), 0);
                        recording = reopen();
                        assert_int_equal(recording_rate_mhz(recording), rates_mhz[i]);
                        assert_int_equal(recording_frames(recording), 12345);
                        assert_int_equal(recording_start_us(recording), START_US);
                        assert_true(fabs(recording_channel(recording, 0)->scale_uv - (bdf ? 1 : 0.5)) <
                                    1e-9);
                        assert_int_equal(read_all(recording, bdf), 12345);
                        recording_free(recording);
                }
}

static void test_gaps_come_back(void **state) {
        struct edf_writer *writer = begin(1000000, false, 2);
        struct recording_error error;
        struct recording *recording;
        int32_t counts[500 * CHANNELS];
        uint64_t index, frames = 0, last = 0;
        ssize_t got;

        push(writer, 0, 1500, false);
        assert_int_equal(edf_writer_push_gap(writer, 1234), 0);
        push(writer, 2734, 3000, false);
        assert_int_equal(edf_writer_push_gap(writer, 1), 0);
        push(writer, 3001, 3456, false);
        assert_int_equal(edf_writer_annotate(writer, 1000000, 500000, "Onset \xc2\xb5"), 0);
        assert_int_equal(edf_writer_close(writer), 0);

        recording = reopen();
        while ((got = recording_read(recording, &index, counts, 500, &error)) > 0) {
                assert_true(index == last || index == 2734 || index == 3001);
                for (size_t k = 0; k < (size_t)got; k++)
                        assert_int_equal(counts[k * CHANNELS], value_at(index + k, 0, false));
                last = index + (uint64_t)got;
                frames += (uint64_t)got;
        }
        assert_int_equal(got, 0);
        assert_int_equal(last, 3456);
        assert_int_equal(frames, 3456 - 1235);
        recording_free(recording);
}

/* Beyond what the records have room for, nothing is lost silently. */
static void test_room_for_annotations(void **state) {
        struct edf_writer *writer = begin(1000000, false, 1);

        assert_int_equal(edf_writer_annotate(writer, 0, -1, "too early"), -EOVERFLOW);
        assert_int_equal(edf_writer_push_gap(writer, 10), -EOVERFLOW);
        assert_int_equal(edf_writer_frames(writer), 0);
        push(writer, 0, 3000, false);
        for (int i = 0; i < 3; i++)
                assert_int_equal(edf_writer_annotate(writer, i, -1, "x"), 0);
        assert_int_equal(edf_writer_annotate(writer, 3, -1, "x"), -EOVERFLOW);
        push(writer, 3000, 3100, false);
        assert_int_equal(edf_writer_close(writer), 0);
        recording_free(reopen());
}

static void test_what_is_refused(void **state) {
        struct edf_writer_channel channel = {.label = "EMG",
                                             .unit = "uV",
                                             .digital_min = -32768,
                                             .digital_max = 32767,
                                             .physical_min = -1,
                                             .physical_max = 1};
        struct edf_writer_setup setup = {.rate_mhz = 1000000,
                                         .channels = &channel,
                                         .n_channels = 1,
                                         .start_us = START_US,
                                         .equipment = "x",
                                         .annotations_per_record = 1};
        struct edf_writer *writer;

        setup.n_channels = 0;
        assert_int_equal(edf_writer_new(path, &setup, &writer), -EINVAL);
        setup.n_channels = 1;
        setup.annotations_per_record = 65;
        assert_int_equal(edf_writer_new(path, &setup, &writer), -EINVAL);
        setup.annotations_per_record = 1;
        setup.start_us = -1;
        assert_int_equal(edf_writer_new(path, &setup, &writer), -EINVAL);
        setup.start_us = START_US;
        channel.digital_max = 32768;
        assert_int_equal(edf_writer_new(path, &setup, &writer), -EINVAL);
        channel.digital_max = 32767;
        assert_int_equal(edf_writer_new("/nowhere/x.edf", &setup, &writer), -ENOENT);
        assert_int_equal(edf_writer_close(NULL), 0);
}

/* Where nothing can be written any more: said at once or at the end, never kept quiet. */
static void test_a_device_that_is_full(void **state) {
        struct edf_writer_channel channel = {.label = "EMG",
                                             .unit = "uV",
                                             .digital_min = -32768,
                                             .digital_max = 32767,
                                             .physical_min = -1,
                                             .physical_max = 1};
        struct edf_writer *writer = NULL;
        int32_t count = 0;
        int r = edf_writer_new("/dev/full",
                               &(struct edf_writer_setup){.rate_mhz = 1000000,
                                                          .channels = &channel,
                                                          .n_channels = 1,
                                                          .start_us = START_US,
                                                          .equipment = "x",
                                                          .annotations_per_record = 1},
                               &writer);

        for (unsigned i = 0; i < 60000 && r == 0; i++)
                r = edf_writer_push(writer, &count, 1);
        assert_true(r < 0);
        if (writer)
                assert_true(edf_writer_close(writer) < 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_reads_back_at_any_rate), cmocka_unit_test(test_gaps_come_back),
                cmocka_unit_test(test_room_for_annotations),   cmocka_unit_test(test_what_is_refused),
                cmocka_unit_test(test_a_device_that_is_full),
        };

        return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
