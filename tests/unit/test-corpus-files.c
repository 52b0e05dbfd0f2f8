/* SPDX-License-Identifier: MIT */
/* Files of simulated signals: EDFlib reads back the very counts, names and events that were made. */
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
#include <edflib.h>

#include "daemon/basic/cleanup.h"
#include "tests/corpus/signal-file.h"

static const struct signal_start start = {2024, 1, 15, 22, 30, 0};

static char folder[] = "/tmp/test-corpus-XXXXXX";

static int folder_make(void **state) {
        return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state) {
        return rmdir(folder);
}

static void path_in_folder(const char *name, char *ret, size_t size) {
        assert_true(snprintf(ret, size, "%s/%s", folder, name) < (int)size);
}

static struct corpus *corpus_make(const struct corpus_setup *setup, const char *name) {
        struct script_layout layout = {.seed = setup->seed, .channels = setup->channels};
        struct corpus_error error = {0};
        struct script script;
        struct corpus *corpus;

        assert_int_equal(script_builtin(name, &layout, &script, &error), 0);
        assert_int_equal(corpus_new(setup, &script, &corpus, &error), 0);
        script_done(&script);
        return corpus;
}

static void header_check(const struct edf_hdr_struct *header, const struct corpus_setup *setup) {
        assert_int_equal(header->edfsignals, setup->channels);
        assert_int_equal(header->startdate_year, 2024);
        assert_int_equal(header->starttime_hour, 22);
        assert_string_equal(header->patientcode, "");
        assert_non_null(strstr(header->recording_additional, "SIMULATED minute seed 1"));

        for (unsigned i = 0; i < setup->channels; i++) {
                const struct edf_param_struct *signal = &header->signalparam[i];
                char label[17];

                (void)snprintf(label, sizeof(label), "EMG %-12s",
                               corpus_muscle_label((enum corpus_muscle)i));
                assert_string_equal(signal->label, label);
                assert_memory_equal(signal->physdimension, "uV ", 3);
                assert_memory_equal(signal->transducer, "simulated", 9);
                assert_int_equal(signal->smp_in_datarecord, setup->rate_hz);
                assert_int_equal(signal->dig_max, corpus_digital_max(setup->bits));
                assert_int_equal(signal->dig_min, corpus_digital_min(setup->bits));
                /* One count is exactly what it was. */
                assert_true(fabs((signal->phys_max - signal->phys_min) /
                                         ((double)signal->dig_max - signal->dig_min) / setup->scale_uv -
                                 1) < 1e-12);
        }
}

static void samples_check(int handle, struct corpus *again) {
        const struct corpus_setup *setup = corpus_get_setup(again);
        size_t frames = (size_t)corpus_frames(again);
        _cleanup_(freep) int32_t *counts = calloc(frames * setup->channels, sizeof(*counts));
        _cleanup_(freep) int *read = calloc(frames + 1, sizeof(*read));

        assert_non_null(counts);
        assert_non_null(read);
        assert_int_equal(corpus_read(again, counts, frames), frames);
        for (unsigned channel = 0; channel < setup->channels; channel++) {
                assert_int_equal(edfread_digital_samples(handle, (int)channel, (int)frames + 1, read),
                                 frames);
                for (size_t i = 0; i < frames; i++)
                        assert_int_equal(read[i], counts[i * setup->channels + channel]);
        }
}

static void annotations_check(int handle, const struct edf_hdr_struct *header,
                              const struct corpus *corpus) {
        const struct corpus_event *events;
        struct edf_annotation_struct annotation;
        size_t n;

        events = corpus_events(corpus, &n);
        assert_int_equal(header->annotations_in_file, n);
        for (size_t i = 0; i < n; i++) {
                char text[64];

                assert_int_equal(edf_get_annotation(handle, (int)i, &annotation), 0);
                (void)snprintf(text, sizeof(text), "simulated %s", event_kind_to_string(events[i].kind));
                assert_string_equal(annotation.annotation, text);
                assert_true(llabs(annotation.onset - llrint(events[i].start_s * EDFLIB_TIME_DIMENSION)) <
                            2000);
                assert_true(fabs(strtod(annotation.duration, NULL) -
                                 (events[i].end_s - events[i].start_s)) < 0.001);
        }
}

static void file_check(const struct corpus_setup *setup, enum signal_format format) {
        struct corpus *corpus = corpus_make(setup, "minute"), *again = corpus_make(setup, "minute");
        struct edf_hdr_struct header;
        struct corpus_error error = {0};
        char path[64];

        path_in_folder("signal", path, sizeof(path));
        assert_int_equal(signal_file_write(path, format, corpus, "minute", &start, &error), 0);
        assert_int_equal(edfopen_file_readonly(path, &header, EDFLIB_READ_ALL_ANNOTATIONS), 0);
        assert_int_equal(header.filetype,
                         format == SIGNAL_EDF ? EDFLIB_FILETYPE_EDFPLUS : EDFLIB_FILETYPE_BDFPLUS);

        header_check(&header, corpus_get_setup(corpus));
        samples_check(header.handle, again);
        annotations_check(header.handle, &header, corpus);

        assert_int_equal(edfclose_file(header.handle), 0);
        assert_int_equal(unlink(path), 0);
        corpus_free(corpus);
        corpus_free(again);
}

static void test_edf_reads_back(void **state) {
        const unsigned bits[] = {8, 10, 12, 16};

        for (unsigned i = 0; i < ARRAY_LENGTH(bits); i++) {
                struct corpus_setup setup = corpus_setup_usual();

                setup.bits = bits[i];
                setup.channels = 1 + i;
                setup.rate_hz = i % 2 == 0 ? 1000 : 250;
                file_check(&setup, SIGNAL_EDF);
        }
}

static void test_bdf_reads_back(void **state) {
        const unsigned bits[] = {16, 18, 20, 24};

        for (unsigned i = 0; i < ARRAY_LENGTH(bits); i++) {
                struct corpus_setup setup = corpus_setup_usual();

                setup.bits = bits[i];
                setup.channels = i == 3 ? 8 : 2;
                file_check(&setup, SIGNAL_BDF);
        }
}

/* Far more events than records. */
static void test_every_event_is_annotated(void **state) {
        struct corpus_setup setup = corpus_setup_usual();
        struct corpus_error error = {0};
        struct script script = {.duration_s = 10};
        struct edf_hdr_struct header;
        struct corpus *corpus;
        char path[64];

        for (unsigned i = 0; i < 90; i++)
                assert_int_equal(script_add(&script, EVENT_PLM, i * 0.1, 1, NULL), 0);
        setup.rate_hz = 200;
        assert_int_equal(corpus_new(&setup, &script, &corpus, &error), 0);
        script_done(&script);

        path_in_folder("events", path, sizeof(path));
        assert_int_equal(signal_file_write(path, SIGNAL_EDF, corpus, "script", &start, &error), 0);
        assert_int_equal(edfopen_file_readonly(path, &header, EDFLIB_READ_ALL_ANNOTATIONS), 0);
        annotations_check(header.handle, &header, corpus);
        assert_int_equal(edfclose_file(header.handle), 0);
        assert_int_equal(unlink(path), 0);
        corpus_free(corpus);
}

static void test_what_a_format_cannot_hold_is_refused(void **state) {
        struct corpus_setup setup = corpus_setup_usual();
        struct corpus_error error = {0};
        struct corpus *corpus;
        char path[64];

        path_in_folder("refused", path, sizeof(path));
        setup.bits = 24;
        corpus = corpus_make(&setup, "minute");
        assert_int_equal(signal_file_write(path, SIGNAL_EDF, corpus, "minute", &start, &error), -EINVAL);
        assert_non_null(strstr(error.text, "bdf"));
        corpus_free(corpus);

        setup.bits = 16;
        setup.scale_uv = 0.123456;
        corpus = corpus_make(&setup, "minute");
        assert_int_equal(signal_file_write(path, SIGNAL_EDF, corpus, "minute", &start, &error), -EINVAL);
        assert_non_null(strstr(error.text, "--scale"));
        corpus_free(corpus);
        assert_int_equal(access(path, F_OK), -1);
}

static void test_unwritable_places_are_told(void **state) {
        const enum signal_format formats[] = {SIGNAL_EDF, SIGNAL_BDF, SIGNAL_CSV};
        struct corpus_setup setup = corpus_setup_usual();

        for (unsigned i = 0; i < ARRAY_LENGTH(formats); i++) {
                struct corpus *corpus = corpus_make(&setup, "minute");
                struct corpus_error error = {0};
                char path[64];

                path_in_folder("missing/signal", path, sizeof(path));
                assert_int_equal(signal_file_write(path, formats[i], corpus, "minute", &start, &error),
                                 -ENOENT);
                assert_int_equal(truth_file_write(path, "x", corpus, "minute", &start), -ENOENT);
                corpus_free(corpus);
        }
}

static void test_start_times(void **state) {
        const char *bad[] = {"",
                             "2024-01-15",
                             "2024-01-15T22:30:00Z",
                             "1984-01-01T00:00:00",
                             "2085-01-01T00:00:00",
                             "2023-02-29T00:00:00",
                             "2024-13-01T00:00:00",
                             "tomorrow"};
        struct signal_start parsed = {0};

        assert_int_equal(signal_start_parse("2024-02-29T23:59:58", &parsed), 0);
        assert_int_equal(parsed.year, 2024);
        assert_int_equal(parsed.month, 2);
        assert_int_equal(parsed.day, 29);
        assert_int_equal(parsed.second, 58);
        for (unsigned i = 0; i < ARRAY_LENGTH(bad); i++)
                assert_int_equal(signal_start_parse(bad[i], &parsed), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_edf_reads_back),
                cmocka_unit_test(test_bdf_reads_back),
                cmocka_unit_test(test_every_event_is_annotated),
                cmocka_unit_test(test_what_a_format_cannot_hold_is_refused),
                cmocka_unit_test(test_unwritable_places_are_told),
                cmocka_unit_test(test_start_times),
        };

        return cmocka_run_group_tests_name("corpus-files", tests, folder_make, folder_remove);
}
