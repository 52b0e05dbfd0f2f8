/* SPDX-License-Identifier: MIT */
/* EDF+ and BDF+ as EDFlib writes them, read back; and the files that are refused, each with place and
 * remedy. */
#include <edflib.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/recording-files.h"

#define SECONDS 5

struct signal_layout {
        const char *label, *dimension;
        double physical_min, physical_max;
        int digital_min, digital_max, samples;
};

/* The sample that the test files hold at a place: uses the whole range, other in each signal. */
static int sample_at(const struct signal_layout *layout, int signal, int64_t frame) {
        int64_t span = (int64_t)layout->digital_max - layout->digital_min + 1;

        return (int)(layout->digital_min + (frame * 7919 + signal * 104729) % span);
}

static const char *edf_write(void **state, const char *name, bool bdf,
                             const struct signal_layout *layouts, int signals, int record_10us) {
        const char *path = file_path(state, name);
        int handle = edfopen_file_writeonly(
                path, bdf ? EDFLIB_FILETYPE_BDFPLUS : EDFLIB_FILETYPE_EDFPLUS, signals);

        assert_true(handle >= 0);
        for (int i = 0; i < signals; i++) {
                assert_int_equal(edf_set_samplefrequency(handle, i, layouts[i].samples), 0);
                assert_int_equal(edf_set_physical_minimum(handle, i, layouts[i].physical_min), 0);
                assert_int_equal(edf_set_physical_maximum(handle, i, layouts[i].physical_max), 0);
                assert_int_equal(edf_set_digital_minimum(handle, i, layouts[i].digital_min), 0);
                assert_int_equal(edf_set_digital_maximum(handle, i, layouts[i].digital_max), 0);
                assert_int_equal(edf_set_label(handle, i, layouts[i].label), 0);
                assert_int_equal(edf_set_physical_dimension(handle, i, layouts[i].dimension), 0);
        }
        assert_int_equal(edf_set_startdatetime(handle, 2025, 11, 23, 22, 30, 5), 0);
        assert_int_equal(edf_set_subsecond_starttime(handle, 2500000), 0);
        if (record_10us > 0)
                assert_int_equal(edf_set_datarecord_duration(handle, record_10us), 0);
        for (int64_t record = 0; record < SECONDS; record++)
                for (int i = 0; i < signals; i++) {
                        int samples[4096];

                        for (int frame = 0; frame < layouts[i].samples; frame++)
                                samples[frame] =
                                        sample_at(&layouts[i], i, record * layouts[i].samples + frame);
                        assert_int_equal(edfwrite_digital_samples(handle, samples), 0);
                }
        assert_int_equal(edfwrite_annotation_utf8(handle, 10000, -1, "lights out"), 0);
        assert_int_equal(edfclose_file(handle), 0);
        return path;
}

/* Reads to the end in blocks of `block` frames and compares with what was written as these signals. */
static void samples_check(struct recording *recording, const struct signal_layout *layouts,
                          const int *signals, size_t block) {
        size_t channels = recording_channels(recording);
        _cleanup_(freep) int32_t *counts = calloc(block * channels, sizeof(*counts));
        struct recording_error error;
        uint64_t index, expected = 0;
        ssize_t got;

        assert_non_null(counts);
        while ((got = recording_read(recording, &index, counts, block, &error)) > 0) {
                assert_int_equal(index, expected);
                for (size_t i = 0; i < (size_t)got * channels; i++) {
                        int signal = signals[i % channels];

                        assert_int_equal(counts[i], sample_at(&layouts[signal], signal,
                                                              (int64_t)(index + i / channels)));
                }
                expected += (uint64_t)got;
        }
        assert_int_equal(got, 0);
        assert_int_equal(expected, recording_frames(recording));
}

static const struct signal_layout calf[] = {
        {"EMG GM", "uV", -3276.8, 3276.7, -32768, 32767, 1000},
        {"EMG GL", "mV", -1, 1, -2048, 2047, 1000},
};

static void test_edf_plus(void **state) {
        static const size_t blocks[] = {1, 7, 4096, 100000};
        const char *path = edf_write(state, "calf.edf", false, calf, 2, 0);

        for (size_t i = 0; i < ARRAY_LENGTH(blocks); i++) {
                struct recording *recording = recording_expect(path, NULL);

                assert_int_equal(recording_rate_mhz(recording), 1000000);
                assert_int_equal(recording_channels(recording), 2);
                assert_int_equal(recording_frames(recording), SECONDS * 1000);
                assert_string_equal(recording_channel(recording, 0)->label, "EMG GM");
                assert_float_equal(recording_channel(recording, 0)->scale_uv, 0.1, 1e-6);
                assert_float_equal(recording_channel(recording, 1)->scale_uv, 2000.0 / 4095, 1e-6);
                assert_false(recording_channel(recording, 1)->arbitrary);
                assert_null(recording_channel(recording, 2));
                assert_null(recording_left_out(recording)[0]);
                /* 2025-11-23 22:30:05.25, taken as UTC */
                assert_int_equal(recording_start_us(recording), INT64_C(1763937005250000));
                samples_check(recording, calf, (const int[]){0, 1}, blocks[i]);
                recording_free(recording);
        }
}

static void test_bdf_plus(void **state) {
        static const struct signal_layout wide[] = {
                {"left", "uV", -262144, 262143.96875, -8388608, 8388607, 2000},
        };
        struct recording *recording =
                recording_expect(edf_write(state, "wide.bdf", true, wide, 1, 0), NULL);

        assert_int_equal(recording_rate_mhz(recording), 2000000);
        assert_float_equal(recording_channel(recording, 0)->scale_uv, 0.03125, 1e-6);
        samples_check(recording, wide, (const int[]){0}, 333);
        recording_free(recording);
}

/* 1259 samples in 0.98765 s. */
static void test_fractional_records(void **state) {
        struct signal_layout layout = calf[0];
        struct recording *recording;

        layout.samples = 1259;
        recording = recording_expect(edf_write(state, "fraction.edf", false, &layout, 1, 98765), NULL);
        assert_int_equal(recording_rate_mhz(recording), 1274743);
        samples_check(recording, &layout, (const int[]){0}, 500);
        recording_free(recording);

        layout.samples = 4096;
        refusal_check(edf_write(state, "fast.edf", false, &layout, 1, 33300), NULL, -EBADMSG,
                      "12300.3 Hz", "resample");
        layout.samples = 100;
        refusal_check(edf_write(state, "slow.edf", false, &layout, 1, 0), NULL, -EBADMSG,
                      "rate is 100 Hz", "resample");
}

static const struct signal_layout mixed[] = {
        {"EEG C3", "uV", -3200, 3200, -32768, 32767, 250},    /* another rate */
        {"leg l", "uV", -3200, 3200, -32768, 32767, 500},     /* taken */
        {"temperature", "degC", 0, 50, -32768, 32767, 500},   /* another unit */
        {"leg r", "mV", -3.2, 3.2, -32768, 32767, 500},       /* taken */
        {"raw", "", -100, 100, -32768, 32767, 500},           /* no unit */
        {"leg r", "V", -0.0032, 0.0032, -32768, 32767, 2000}, /* another rate */
};

static void test_what_is_taken(void **state) {
        const char *path = edf_write(state, "mixed.edf", false, mixed, 6, 0);
        struct recording *recording = recording_expect(path, NULL);
        static const char *const left_out[] = {"EEG C3", "temperature", "raw", "leg r"};

        assert_int_equal(recording_rate_mhz(recording), 500000);
        for (size_t i = 0; i < 4; i++)
                assert_string_equal(recording_left_out(recording)[i], left_out[i]);
        assert_null(recording_left_out(recording)[4]);
        samples_check(recording, mixed, (const int[]){1, 3}, 1000);
        recording_free(recording);
}

static void test_choice(void **state) {
        const char *path = edf_write(state, "choice.edf", false, mixed, 6, 0);
        struct recording *recording = recording_expect(
                path, &(struct recording_options){.channels = (const char *[]){"1", NULL}});

        assert_int_equal(recording_rate_mhz(recording), 250000);
        samples_check(recording, mixed, (const int[]){0}, 64);
        recording_free(recording);

        recording = recording_expect(
                path, &(struct recording_options){.channels = (const char *[]){"raw", "leg l", NULL}});
        assert_int_equal(recording_channels(recording), 2);
        assert_false(recording_channel(recording, 0)->arbitrary);
        assert_true(recording_channel(recording, 1)->arbitrary);
        samples_check(recording, mixed, (const int[]){1, 4}, 64);
        recording_free(recording);

        refusal_check(path, &(struct recording_options){.channels = (const char *[]){"leg r", NULL}},
                      -EBADMSG, "2 channels are called \"leg r\"", "by number from 1 EEG C3, 2 leg l");
        refusal_check(path, &(struct recording_options){.channels = (const char *[]){"7", NULL}},
                      -EBADMSG, "no channel \"7\"", "choose from 1 EEG C3");
        refusal_check(path, &(struct recording_options){.channels = (const char *[]){"1", "2", NULL}},
                      -EBADMSG, "250 and 500 Hz", "of one rate");
}

static void test_no_muscle_signal(void **state) {
        refusal_check(edf_write(state, "weather.edf", false, &mixed[2], 1, 0), NULL, -EBADMSG,
                      "no signal is in uV", "--channel");
}

/* Copies a file that EDFlib has written with some bytes replaced, cut to `length` if that is not 0. */
static const char *file_patch(void **state, const char *name, size_t offset, const char *bytes,
                              size_t count, ssize_t lengthen) {
        const char *path = edf_write(state, "patched.edf", false, calf, 2, 0);
        static char content[1 << 16];
        FILE *file = fopen(path, "r");
        size_t length;

        assert_non_null(file);
        length = fread(content, 1, sizeof(content), file);
        assert_true(length < sizeof(content) - 64);
        assert_int_equal(fclose(file), 0);
        if (count > 0)
                memcpy(content + offset, bytes, count);
        return file_write(state, name, content, (size_t)((ssize_t)length + lengthen));
}

#define PATCHED(offset, bytes) file_patch(state, "bad.edf", (offset), (bytes), sizeof(bytes) - 1, 0)

static void test_discontinuous(void **state) {
        refusal_check(PATCHED(192, "EDF+D"), NULL, -EBADMSG, "discontinuous (EDF+D)", "EDFbrowser");
}

static void test_damaged_headers(void **state) {
        refusal_check(PATCHED(0, "1       "), NULL, -EBADMSG, "byte 0", "copy it again");
        refusal_check(PATCHED(8, "M\xfcller"), NULL, -EBADMSG, "\"patient\"", "EDFbrowser");
        refusal_check(PATCHED(168, "2025-11-"), NULL, -EBADMSG, "\"start date\"", "dd.mm.yy");
        refusal_check(PATCHED(176, "22:30:05"), NULL, -EBADMSG, "\"start time\"", "hh.mm.ss");
        refusal_check(PATCHED(184, "512     "), NULL, -EBADMSG, "\"header size\"", "damaged");
        refusal_check(PATCHED(236, "-1      "), NULL, -EBADMSG, "never closed", "EDFbrowser");
        refusal_check(PATCHED(236, "0       "), NULL, -EBADMSG, "\"number of data records\"", "again");
        refusal_check(PATCHED(236, "9e17    "), NULL, -EBADMSG, "\"number of data records\"", "again");
        refusal_check(PATCHED(236, "many    "), NULL, -EBADMSG, "\"many    \" is not a number",
                      "EDFbrowser");
        refusal_check(PATCHED(244, "0       "), NULL, -EBADMSG, "\"record duration\"", "EDFbrowser");
        refusal_check(PATCHED(252, "0   "), NULL, -EBADMSG, "0 signals", "1 to 640");
        refusal_check(PATCHED(252, "9999"), NULL, -EBADMSG, "9999 signals", "1 to 640");
        refusal_check(PATCHED(252, "-3  "), NULL, -EBADMSG, "-3 signals", "1 to 640");
        refusal_check(PATCHED(256 + 3 * 96, "\xb5V"), NULL, -EBADMSG,
                      "signal 1, header field \"physical dimension\"", "write uV");
        refusal_check(PATCHED(256 + 3 * 104, "3276.699"), NULL, -EBADMSG,
                      "minimum and maximum are equal", "EDFbrowser");
        refusal_check(PATCHED(256 + 3 * 120, "40000   "), NULL, -EBADMSG, "digital minimum",
                      "EDFbrowser");
        refusal_check(PATCHED(256 + 3 * 216, "0       "), NULL, -EBADMSG, "signal 1: 0 samples",
                      "without it");
        refusal_check(PATCHED(256 + 3 * 216, "9e17    "), NULL, -EBADMSG,
                      "signal 1: 900000000000000000 samples", "without it");
        refusal_check(PATCHED(256 + 3 * 216, "1001    "), NULL, -EBADMSG, "cut short", "copy it again");
        /* A rule of EDF+ that only EDFlib knows. */
        refusal_check(PATCHED(88, "Begin    "), NULL, -EBADMSG, "breaks the rules of EDF", "EDFbrowser");
}

static void test_wrong_length(void **state) {
        refusal_check(file_patch(state, "bad.edf", 0, "", 0, -1), NULL, -EBADMSG, "4 of 5 data records",
                      "copy it again");
        refusal_check(file_patch(state, "bad.edf", 0, "", 0, 12), NULL, -EBADMSG, "12 bytes after",
                      "copy it again");
        refusal_check(file_write(state, "bad.edf", "0       ", 8), NULL, -EBADMSG, "byte 8: cut short",
                      "copy it again");
        refusal_check(file_write(state, "bad.edf", "", 0), NULL, -EBADMSG, "empty", "again");
        assert_int_equal(truncate(file_patch(state, "bad.edf", 0, "", 0, 0), 700), 0);
        refusal_check(file_path(state, "bad.edf"), NULL, -EBADMSG,
                      "byte 700: cut short within the header", "copy it again");
}

/* Every byte of the header replaced, by several others: refused or read, in any case no crash. */
static void test_any_header_byte(void **state) {
        static const char bytes[] = {0, ' ', '-', '9', 'X', '\xff'};
        const char *good = edf_write(state, "good.edf", false, &calf[0], 1, 0);
        _cleanup_(closep) int fd = open(good, O_RDWR | O_CLOEXEC);
        char header[768];
        size_t opened = 0;

        assert_true(fd >= 0);
        assert_int_equal(pread(fd, header, sizeof(header), 0), sizeof(header));
        for (size_t i = 0; i < sizeof(header); i++) {
                for (size_t k = 0; k < sizeof(bytes); k++) {
                        struct recording *recording = NULL;
                        struct recording_error error = {{0}};
                        int32_t counts[64];
                        uint64_t index;
                        int r;

                        assert_int_equal(pwrite(fd, &bytes[k], 1, (off_t)i), 1);
                        r = recording_open(file_path(state, "good.edf"), NULL, &recording, &error);
                        assert_true(r == 0 || (r == -EBADMSG && strchr(error.text, ':')));
                        if (r == 0) {
                                assert_int_equal(recording_read(recording, &index, counts, 64, &error),
                                                 64);
                                opened++;
                        }
                        recording_free(recording);
                }
                assert_int_equal(pwrite(fd, &header[i], 1, (off_t)i), 1);
        }
        assert_true(opened > 0);
}

static void test_shortened_while_read(void **state) {
        const char *path = edf_write(state, "shrinking.edf", false, calf, 2, 0);
        struct recording *recording = recording_expect(path, NULL);
        static int32_t counts[2 * 4096];
        struct recording_error error;
        uint64_t index;

        assert_int_equal(truncate(path, 1500), 0);
        assert_int_equal(recording_read(recording, &index, counts, 4096, &error), -EIO);
        assert_non_null(strstr(error.text, "frame 0"));
        recording_free(recording);
}

static void test_opened_twice(void **state) {
        const char *path = edf_write(state, "twice.edf", false, calf, 2, 0);
        struct recording *recording = recording_expect(path, NULL);

        refusal_check(path, NULL, -EBUSY, "being read already", "wait");
        recording_free(recording);
        recording_free(recording_expect(path, NULL));
}

/* EDFlib has 64 places; a reader that leaks one of them runs out. */
static void test_many_times(void **state) {
        const char *path = edf_write(state, "often.edf", false, calf, 2, 0);

        for (int i = 0; i < 200; i++) {
                refusal_check(path,
                              &(struct recording_options){.channels = (const char *[]){"none", NULL}},
                              -EBADMSG, "no channel", "choose from");
                recording_free(recording_expect(path, NULL));
        }
}

static void test_what_is_no_recording(void **state) {
        refusal_check("/nonexistent/night.edf", NULL, -ENOENT, "No such file", "");
        refusal_check(file_path(state, "."), NULL, -EBADMSG, "is a folder", "name the files in it");
        refusal_check("/dev/null", NULL, -EBADMSG, "not a regular file", "save the recording");
        assert_int_equal(mkfifo(file_path(state, "pipe"), 0600), 0);
        refusal_check(file_path(state, "pipe"), NULL, -EBADMSG, "not a regular file",
                      "save the recording");
        refusal_check(file_write(state, "a.gz", "\x1f\x8b\x08\x00", 4), NULL, -EBADMSG, "compressed",
                      "gunzip");
        refusal_check(file_write(state, "a.xlsx", "PK\x03\x04xx", 6), NULL, -EBADMSG, "spreadsheet",
                      "as CSV");
        refusal_check(file_write(state, "a.bin", "ab\0cd", 5), NULL, -EBADMSG,
                      "neither EDF, BDF nor CSV", "export");
        refusal_check(file_write(state, "a.edf", "time_s,a\n", 9), NULL, -EBADMSG, "byte 0",
                      "wrong name");
}

/* At the muscles' rate and at a fraction of it, a value until the next; what does not fit is left out.
 */
static void test_accelerometer(void **state) {
        static const int rates[] = {1000, 50, 300};
        const struct recording_options options = {.motion = true};

        for (size_t k = 0; k < ARRAY_LENGTH(rates); k++) {
                const struct signal_layout layouts[] = {
                        {"GM", "uV", -3276.8, 3276.7, -32768, 32767, 1000},
                        {"ACC X", "g", -32.768, 32.767, -32768, 32767, rates[k]},
                        {"ACC Y", "g", -32.768, 32.767, -32768, 32767, rates[k]},
                        {"ACC Z", "g", -32.768, 32.767, -32768, 32767, rates[k]},
                };
                const char *path = edf_write(state, "moving.edf", false, layouts, 4, 0);
                struct recording *recording = recording_expect(path, &options);
                size_t columns = recording_columns(recording);
                struct recording_error error;
                static int32_t counts[3000 * 4];
                uint64_t index, frame = 0;
                ssize_t got;

                assert_int_equal(columns, rates[k] == 300 ? 1 : 4);
                assert_int_equal(recording_left_out(recording)[0] != NULL, rates[k] == 300);
                assert_true(rates[k] == 300 || (recording_motion_scale_g(recording) > 0.000999 &&
                                                recording_motion_scale_g(recording) < 0.001001));
                while ((got = recording_read(recording, &index, counts, 1700, &error)) > 0) {
                        assert_int_equal(index, frame);
                        for (size_t i = 0; i < (size_t)got; i++, frame++)
                                for (int c = 0; c < (int)columns; c++)
                                        assert_int_equal(
                                                counts[i * columns + (size_t)c],
                                                sample_at(&layouts[c], c,
                                                          (int64_t)(c == 0 ? frame
                                                                           : frame * (uint64_t)rates[k] /
                                                                                     1000)));
                }
                assert_int_equal(got, 0);
                assert_int_equal(frame, SECONDS * 1000);
                recording_free(recording);
                /* Not unasked. */
                recording = recording_expect(path, NULL);
                assert_int_equal(recording_columns(recording), 1);
                recording_free(recording);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_edf_plus),
                cmocka_unit_test(test_bdf_plus),
                cmocka_unit_test(test_fractional_records),
                cmocka_unit_test(test_what_is_taken),
                cmocka_unit_test(test_choice),
                cmocka_unit_test(test_no_muscle_signal),
                cmocka_unit_test(test_discontinuous),
                cmocka_unit_test(test_damaged_headers),
                cmocka_unit_test(test_wrong_length),
                cmocka_unit_test(test_any_header_byte),
                cmocka_unit_test(test_shortened_while_read),
                cmocka_unit_test(test_opened_twice),
                cmocka_unit_test(test_many_times),
                cmocka_unit_test(test_what_is_no_recording),
                cmocka_unit_test(test_accelerometer),
        };

        return cmocka_run_group_tests_name("recording-edf", tests, files_setup, files_teardown);
}
