/* SPDX-License-Identifier: MIT */
/*
 * What a detector hears besides its samples: other sensors; and all of it recorded and read back, so
 * that the same comes out, bit for bit.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dbus/crampctl/feed.h"
#include "dbus/crampctl/recorder.h"
#include "sensors/recording/edf-scale.h"
#include "sensors/recording/edf-writer.h"
#include "tests/unit/detector-asserts.h"
#include "tests/unit/recording-files.h"

#define RATE_HZ 500u
/* No decimal number of eight characters. */
#define SCALE_ODD_UV (0.1 / 3.0)
#define PIECE_MAX 30u
#define NOBODY (-1)

static struct signal_events events;

/* What is heard besides: company of that level, but of another in a span; an accelerometer or none. */
struct script {
        int32_t company_percent;
        double from_s, to_s;
        int32_t other_percent;
        bool accelerometer;
        int32_t turned_mg; /* by which it is beyond what 16 bits hold */
        size_t gap_from, gap_to;
};

struct feed {
        const struct script *script;
        struct recorder *recorder;
        struct crampd_stream_info info;
};

static int32_t company_at(const struct script *script, double at_s) {
        return at_s >= script->from_s && at_s < script->to_s ? script->other_percent
                                                             : script->company_percent;
}

/* Not known for the first seconds, then 26 values a second: seldom where a piece ends. */
static const int32_t *motion_at(const struct script *script, size_t frame, int32_t value[static 3]) {
        uint64_t random = 1 + frame / 19;

        if (!script->accelerometer || frame < 3u * RATE_HZ)
                return NULL;
        value[0] = 1000 + (int32_t)(signal_random(&random) % 9) + script->turned_mg;
        value[1] = (int32_t)(signal_random(&random) % 9) - 4;
        value[2] = (int32_t)(frame / RATE_HZ);
        return value;
}

static void collect(const struct detector_event *event, void *userdata) {
        signal_collect(event, &events);
}

static void record(const struct detector_signal *signal, void *userdata) {
        static struct crampd_samples samples;
        struct feed *feed = userdata;
        size_t n = signal->frames * signal->channels;

        if (!feed->recorder)
                return;
        samples = (struct crampd_samples){.time_us = 1700000000000000 + (int64_t)signal->index * 2000,
                                          .index = signal->index,
                                          .channels = signal->channels,
                                          .frames = (unsigned)signal->frames,
                                          .has_acceleration = feed->script->accelerometer,
                                          .has_company = feed->script->company_percent != NOBODY,
                                          .company_percent = signal->company_percent};
        memcpy(samples.counts, signal->counts, n * sizeof(*samples.counts));
        for (unsigned axis = 0; axis < 3; axis++)
                samples.acceleration_mg[axis] = signal->motion ? signal->motion[axis] : CRAMPD_NOT_KNOWN;
        assert_int_equal(recorder_push(feed->recorder, &samples, &feed->info), 0);
}

/* As a sensor's samples come, in pieces of random length. `path` NULL: not recorded. */
static void run(const struct signal *signal, const struct script *script, uint64_t seed,
                const char *path) {
        const double scales[] = {signal->scale_uv, signal->scale_uv};
        struct feed feed = {.script = script,
                            .info = {.rate_hz = RATE_HZ, .scale_uv = signal->scale_uv}};
        struct detector *detector = NULL;

        memset(&events, 0, sizeof(events));
        if (path)
                assert_int_equal(recorder_new(&(struct recorder_setup){.path = path, .text = "test"},
                                              &feed.recorder),
                                 0);
        assert_int_equal(detector_new(&(struct detector_setup){.rate_mhz = signal->rate_mhz,
                                                               .channels = signal->channels,
                                                               .scale_uv = scales,
                                                               .motion_scale_g = 0.001,
                                                               .on_event = collect,
                                                               .on_signal = record,
                                                               .userdata = &feed},
                                      &detector),
                         0);
        for (size_t at = 0, n; at < signal->frames; at += n) {
                int32_t value[3];

                n = 1 + (size_t)(signal_random(&seed) % PIECE_MAX);
                if (n > signal->frames - at)
                        n = signal->frames - at;
                if (at >= script->gap_from && at < script->gap_to)
                        continue;
                detector_set_motion(detector, motion_at(script, at, value));
                detector_set_company(detector, company_at(script, (double)at / RATE_HZ));
                assert_int_equal(detector_push(detector, at, signal->counts + at * signal->channels, n),
                                 0);
        }
        detector_finish(detector);
        detector_free(detector);
        if (feed.recorder)
                assert_int_equal(recorder_finish(feed.recorder), 0);
        recorder_free(feed.recorder);
}

/* The same from the file. */
static void replay(const char *path) {
        struct recording *recording =
                recording_expect(path, &(struct recording_options){.motion = true, .company = true});
        size_t columns = recording_columns(recording);
        int32_t *counts = calloc(777 * columns, sizeof(*counts));
        double *scales_uv = feed_scales(recording);
        struct detector *detector = NULL;
        struct recording_error error;
        uint64_t index;
        ssize_t got;

        assert_non_null(counts);
        memset(&events, 0, sizeof(events));
        assert_int_equal(
                detector_new(
                        &(struct detector_setup){.rate_mhz = recording_rate_mhz(recording),
                                                 .channels = (uint32_t)recording_channels(recording),
                                                 .scale_uv = scales_uv,
                                                 .arbitrary_unit = feed_is_arbitrary(recording),
                                                 .motion_scale_g = recording_motion_scale_g(recording),
                                                 .on_event = collect},
                        &detector),
                0);
        while ((got = recording_read(recording, &index, counts, 777, &error)) > 0)
                assert_int_equal(feed_push(recording, detector, index, counts, (size_t)got), 0);
        assert_int_equal(got, 0);
        detector_finish(detector);
        detector_free(detector);
        free(scales_uv);
        free(counts);
        recording_free(recording);
}

static double alert_s(const struct signal *signal) {
        return seconds(signal, only(&events, DETECTOR_EVENT_ALERT)->alert_index);
}

static void test_nobody_changes_nothing(void **state) {
        static struct signal_events plain;
        struct signal signal;

        make_cramp(&signal, RATE_HZ * 1000, 1, 6.0, 0.15, 25.0);
        signal_detect(&signal, 0, &plain);
        assert_int_equal(signal_count(&plain, DETECTOR_EVENT_ALERT), 1);
        run(&signal, &(struct script){.company_percent = NOBODY}, 1, NULL);
        assert_true(signal_same(&plain, &events));
        run(&signal, &(struct script){.company_percent = INT32_MIN}, 1, NULL);
        assert_true(signal_same(&plain, &events));
        signal_done(&signal);
}

static void test_quiet_company_supports(void **state) {
        struct signal signal;
        double alone_s;

        make_cramp(&signal, RATE_HZ * 1000, 1, 6.0, 0.15, 25.0);
        run(&signal, &(struct script){.company_percent = NOBODY}, 1, NULL);
        alone_s = alert_s(&signal);
        run(&signal, &(struct script){.company_percent = 103}, 1, NULL);
        assert_between(alert_s(&signal), 40.0, alone_s - 1.0);
        check_cramp(&signal, &events, 40.0, 65.0, 0.3);
        /* A twentieth of this one's rise is crosstalk. */
        run(&signal,
            &(struct script){.company_percent = 100, .from_s = 40, .to_s = 65, .other_percent = 125}, 1,
            NULL);
        assert_between(alert_s(&signal), 40.0, alone_s - 1.0);
        signal_done(&signal);
}

static void test_company_that_rises_withholds(void **state) {
        struct script moved = {.company_percent = 100, .from_s = 39.8, .to_s = 56, .other_percent = 500};
        struct signal signal;

        make_cramp(&signal, RATE_HZ * 1000, 1, 6.0, 0.15, 16.0);
        run(&signal, &(struct script){.company_percent = NOBODY}, 1, NULL);
        (void)only(&events, DETECTOR_EVENT_ALERT);
        run(&signal, &moved, 1, NULL);
        assert_silent(&events);
        moved.other_percent = INT32_MAX;
        run(&signal, &moved, 1, NULL);
        assert_silent(&events);
        signal_done(&signal);
}

static void test_levels_in_percent(void **state) {
        static const struct {
                double level_uv[2], floor_uv[2];
                enum detector_quality quality[2];
                int32_t percent;
        } cases[] = {
                {{5, 12.5}, {5, 5}, {DETECTOR_QUALITY_GOOD, DETECTOR_QUALITY_GOOD}, 250},
                {{12.5, 5}, {5, 5}, {DETECTOR_QUALITY_GOOD, DETECTOR_QUALITY_GOOD}, 250},
                {{5, 50}, {5, 5}, {DETECTOR_QUALITY_GOOD, DETECTOR_QUALITY_NOISY}, 100},
                {{5, 50}, {5, 0}, {DETECTOR_QUALITY_GOOD, DETECTOR_QUALITY_GOOD}, 100},
                {{5, 50}, {0, 5}, {DETECTOR_QUALITY_GOOD, DETECTOR_QUALITY_DEAD}, -1},
                {{5, 1e9},
                 {5, 1e-3},
                 {DETECTOR_QUALITY_GOOD, DETECTOR_QUALITY_GOOD},
                 DETECTOR_COMPANY_MAX},
                {{0, 0}, {5, 5}, {DETECTOR_QUALITY_GOOD, DETECTOR_QUALITY_GOOD}, 0},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
                assert_int_equal(
                        detector_company_percent(&(struct detector_level){.channels = 2,
                                                                          .level_uv = cases[i].level_uv,
                                                                          .floor_uv = cases[i].floor_uv,
                                                                          .quality = cases[i].quality}),
                        cases[i].percent);
        assert_true(detector_company_rises(150) && !detector_company_rises(149));
        assert_false(detector_company_rises(-1));
}

/* What was live is what the file gives, and it is not what the samples alone give. */
static void test_recorded_it_is_the_same(void **state) {
        static const struct {
                const char *name;
                struct script script;
        } cases[] = {
                {"alone.edf", {.company_percent = NOBODY}},
                {"moves.edf", {.company_percent = NOBODY, .accelerometer = true}},
                {"two.edf", {.company_percent = 104, .from_s = 41, .to_s = 43.3, .other_percent = 310}},
                {"whole.edf",
                 {.company_percent = 98,
                  .from_s = 46,
                  .to_s = 47,
                  .other_percent = NOBODY,
                  .accelerometer = true}},
                {"gap.edf",
                 {.company_percent = 98,
                  .from_s = 20.5,
                  .to_s = 21.5,
                  .other_percent = 700,
                  .accelerometer = true,
                  .gap_from = 20 * RATE_HZ,
                  .gap_to = 21 * RATE_HZ + 77}},
                /* Beyond 16 bits: a BDF. */
                {"wide.bdf", {.company_percent = 98, .accelerometer = true, .turned_mg = 40000}},
        };
        static struct signal_events live, samples;
        struct signal signal;

        signal_init(&signal, RATE_HZ * 1000, 1, SCALE_ODD_UV, 80.0);
        signal_add_rest(&signal, 0, REST_UV, 1000);
        signal_add_emg(&signal, 0, 40.0, 62.0, rms_for_ratio(6), rms_for_ratio(6), 0.15, 77);
        signal_quantise(&signal, -32768, 32767);
        signal_detect(&signal, 0, &samples);
        for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
                const char *path = file_path(state, cases[i].name);

                run(&signal, &cases[i].script, 7 + i, path);
                live = events;
                assert_int_equal(signal_count(&live, DETECTOR_EVENT_ALERT), 1);
                assert_int_equal(signal_same(&live, &samples), i == 0);
                replay(path);
                if (!signal_same(&live, &events))
                        fail_msg("%s does not give what was live", cases[i].name);
        }
        signal_done(&signal);
}

/* --- files --- */

#define FRAMES 250u

static const char *write_beside(void **state, const char *equipment,
                                const struct edf_writer_channel *more, size_t n, int32_t value) {
        const char *path = file_path(state, "beside.edf");
        struct edf_writer_channel channels[5] = {{.label = "EMG",
                                                  .unit = "uV",
                                                  .digital_min = -32768,
                                                  .digital_max = 32767,
                                                  .physical_min = -32768,
                                                  .physical_max = 32767}};
        int32_t frame[5] = {1, value, value, value, value};
        struct edf_writer *writer = NULL;

        (void)unlink(path);
        memcpy(channels + 1, more, n * sizeof(*more));
        assert_int_equal(edf_writer_new(path,
                                        &(struct edf_writer_setup){.rate_mhz = 250000,
                                                                   .channels = channels,
                                                                   .n_channels = 1 + n,
                                                                   .start_us = 1700000000000000,
                                                                   .equipment = equipment,
                                                                   .annotations_per_record = 1},
                                        &writer),
                         0);
        for (unsigned i = 0; i < FRAMES; i++)
                assert_int_equal(edf_writer_push(writer, frame, 1), 0);
        assert_int_equal(edf_writer_close(writer), 0);
        return path;
}

static const struct recording_options both = {.motion = true, .company = true};

static void read_one(struct recording *recording, int32_t *ret, size_t columns) {
        struct recording_error error;
        uint64_t index;

        assert_int_equal(recording_columns(recording), columns);
        assert_int_equal(recording_read(recording, &index, ret, 1, &error), 1);
}

static struct edf_writer_channel axis(const char *label, double range_g) {
        return (struct edf_writer_channel){.label = label,
                                           .unit = "g",
                                           .digital_min = -8000,
                                           .digital_max = 8000,
                                           .physical_min = -range_g,
                                           .physical_max = range_g};
}

static void test_the_lowest_value_is_not_known(void **state) {
        struct edf_writer_channel more[] = {axis("ACC X", 8), axis("ACC Y", 8), axis("ACC Z", 8)};
        int32_t frame[4];
        struct recording *recording;

        recording = recording_expect(write_beside(state, EDF_WRITER_EQUIPMENT, more, 3, -7999), &both);
        read_one(recording, frame, 4);
        assert_non_null(recording_motion(recording, frame));
        assert_int_equal(recording_motion(recording, frame)[2], -7999);
        assert_int_equal(recording_company_percent(recording, frame), -1);
        recording_free(recording);

        recording = recording_expect(write_beside(state, EDF_WRITER_EQUIPMENT, more, 3, -8000), &both);
        read_one(recording, frame, 4);
        assert_null(recording_motion(recording, frame));
        recording_free(recording);

        /* Elsewhere it is a value as any other. */
        recording = recording_expect(write_beside(state, "other", more, 3, -8000), &both);
        read_one(recording, frame, 4);
        assert_int_equal(recording_motion(recording, frame)[0], -8000);
        recording_free(recording);
}

/* Not taken, and the user is told. */
static void check_left_out(void **state, const struct edf_writer_channel *more, size_t n) {
        struct recording *recording =
                recording_expect(write_beside(state, EDF_WRITER_EQUIPMENT, more, n, 1), &both);
        const char *const *names = recording_left_out(recording);

        assert_int_equal(recording_columns(recording), 1);
        for (size_t i = 0; i < n; i++)
                assert_string_equal(names[i], more[i].label);
        assert_null(names[n]);
        recording_free(recording);
}

static void test_other_shapes_are_left_out(void **state) {
        struct edf_writer_channel company = {.label = EDF_WRITER_COMPANY,
                                             .unit = "%",
                                             .digital_min = -1,
                                             .digital_max = 1000,
                                             .physical_min = -1,
                                             .physical_max = 1000};
        struct edf_writer_channel axes[] = {axis("ACC X", 8), axis("ACC Y", 4), axis("ACC Z", 8)};
        struct recording *recording;
        int32_t frame[2];

        check_left_out(state, axes, 3); /* two scales */
        check_left_out(state, axes, 1); /* one axis */
        recording = recording_expect(write_beside(state, EDF_WRITER_EQUIPMENT, &company, 1, 123), &both);
        read_one(recording, frame, 2);
        assert_int_equal(recording_company_percent(recording, frame), 123);
        assert_null(*recording_left_out(recording));
        recording_free(recording);
        company.physical_max = 500;
        check_left_out(state, &company, 1);
        company.physical_max = 1000;
        company.unit = "x";
        check_left_out(state, &company, 1);
}

static void test_scales_keep_every_bit(void **state) {
        static const double scales[] = {1, 0.25, SCALE_ODD_UV, 1e-12, 3e11, 0.1, 6.103515625e-5};
        static const char *const bad[] = {"",
                                          "HP:20Hz",
                                          "1 count = x",
                                          "1 count = 5",
                                          "1 count = 0 x 2^3",
                                          "1 count = -4 x 2^3",
                                          "1 count = 4 x 2^99999",
                                          "1 count = 4 x 2^-2000"};
        char text[EDF_SCALE_SIZE];

        for (size_t i = 0; i < ARRAY_LENGTH(scales); i++) {
                edf_scale_format(scales[i], text);
                assert_true(edf_scale_parse(text) == scales[i]);
        }
        for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
                assert_true(!(edf_scale_parse(bad[i]) > 0));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nobody_changes_nothing),
                cmocka_unit_test(test_quiet_company_supports),
                cmocka_unit_test(test_company_that_rises_withholds),
                cmocka_unit_test(test_levels_in_percent),
                cmocka_unit_test(test_recorded_it_is_the_same),
                cmocka_unit_test(test_the_lowest_value_is_not_known),
                cmocka_unit_test(test_other_shapes_are_left_out),
                cmocka_unit_test(test_scales_keep_every_bit),
        };

        return cmocka_run_group_tests_name("beside", tests, files_setup, files_teardown);
}
