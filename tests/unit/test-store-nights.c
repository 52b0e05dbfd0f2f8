/* SPDX-License-Identifier: MIT */
/*
 * The store's list of nights: what a night tells, whose nights one sees, pages; and a database of the
 * first version, whose nights get their watched time and whose sensors get their settings. Also what was
 * learnt of a battery.
 */
#include "tests/unit/store-fixture.h"

#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOUR_US (INT64_C(3600) * SECOND_US)
#define OTHER_SENSOR_ID "00000000000000a9"

struct nights {
        unsigned calls;
        int error;
        struct store_night_report reports[STORE_NIGHTS_PAGE_MAX];
        size_t n;
        uint64_t cursor;
};

static int setup(void **state) {
        struct fixture *fixture = fixture_new();

        fixture_open(fixture);
        *state = fixture;
        return 0;
}

/* The folder of the database does not exist, so all that is put has to wait. */
static void on_nights(int error, const struct store_night_report *nights, size_t n, uint64_t cursor,
                      void *userdata) {
        struct nights *all = userdata;

        assert_true(n <= STORE_NIGHTS_PAGE_MAX);
        all->calls++;
        all->error = error;
        all->n = n;
        all->cursor = cursor;
        if (n > 0)
                memcpy(all->reports, nights, n * sizeof(*nights));
}

static int list_nights(struct fixture *fixture, const struct store_filter *filter, struct nights *ret) {
        int r;

        ret->calls = 0;
        r = store_list_nights(fixture->store, filter, on_nights, ret);
        if (r < 0)
                return r;
        WAIT_FOR(fixture, ret->calls > 0);
        return ret->error;
}

static struct store_filter filter_nights(void) {
        struct store_filter filter = filter_all();

        filter.limit = STORE_NIGHTS_PAGE_MAX;
        return filter;
}

static void put_gap(struct fixture *fixture, const char *night, int64_t start_us, int64_t length_us) {
        struct store_gap gap = {.start_us = start_us,
                                .end_us = start_us + length_us,
                                .frames = (uint64_t)length_us / 1000,
                                .reason = "no-data"};

        (void)snprintf(gap.night, sizeof(gap.night), "%s", night);
        assert_return_code(store_put_gap(fixture->store, &gap), 0);
}

static void test_a_night_tells_what_became_of_it(void **state) {
        struct fixture *f = *state;
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);
        struct store_episode episode = sample_episode(7, night.start_us + 5);
        struct store_filter filter = filter_nights();
        struct nights *nights = calloc(1, sizeof(*nights));

        assert_non_null(nights);
        put_parents(f);
        night.end_us = night.start_us + HOUR_US;
        night.monitored_us = 3000 * SECOND_US;
        night.reconnects = 3;
        assert_int_equal(put_episode(f, &episode), 0);
        for (int i = 0; i < 60; i++)
                put_gap(f, NIGHT_ID, night.start_us + i * 30 * SECOND_US, (i + 1) * 100000);
        assert_int_equal(put_night(f, &night), 0);

        assert_int_equal(list_nights(f, &filter, nights), 0);
        assert_int_equal(nights->n, 1);
        assert_int_equal(nights->cursor, 0);
        assert_string_equal(nights->reports[0].night.sensor, SENSOR_ID);
        assert_int_equal(nights->reports[0].night.monitored_us, 3000 * SECOND_US);
        assert_int_equal(nights->reports[0].night.reconnects, 3);
        assert_int_equal(nights->reports[0].episodes, 1);
        assert_int_equal(nights->reports[0].gaps, 60);
        assert_int_equal(nights->reports[0].gap_frames, 100 * 60 * 61 / 2);
        assert_int_equal(nights->reports[0].longest_gap_us, 6000000);
        /* The ten shortest are left out; the rest stays in order of time. */
        assert_int_equal(nights->reports[0].n_longest, STORE_GAPS_MAX);
        for (size_t i = 0; i < STORE_GAPS_MAX; i++)
                assert_int_equal(nights->reports[0].longest[i].start_us,
                                 night.start_us + (int64_t)(i + 10) * 30 * SECOND_US);
        free(nights);
}

static void test_pages_owners_and_times(void **state) {
        struct fixture *f = *state;
        struct store_sensor other = sample_sensor(OTHER_SENSOR_ID, OWNER_UID + 1);
        struct nights *nights = calloc(1, sizeof(*nights));
        struct store_filter filter = filter_nights();
        unsigned seen = 0;

        assert_non_null(nights);
        put_parents(f);
        assert_int_equal(put_sensor(f, &other), 0);
        for (unsigned i = 0; i < 25; i++) {
                char id[STORE_ID_SIZE];
                struct store_night night;

                (void)snprintf(id, sizeof(id), "%016x", 0x1000 + i);
                night = sample_night(id, i % 5 == 4 ? OTHER_SENSOR_ID : SENSOR_ID);
                /* Some begin at the same time. */
                night.start_us += (int64_t)(i / 2) * 24 * HOUR_US;
                night.seen_us = night.end_us = night.start_us + 8 * HOUR_US;
                assert_int_equal(put_night(f, &night), 0);
        }
        filter.any_owner = false;
        filter.owner_uid = OWNER_UID;
        filter.limit = 4;
        do {
                assert_int_equal(list_nights(f, &filter, nights), 0);
                for (size_t i = 0; i < nights->n; i++)
                        assert_string_equal(nights->reports[i].night.sensor, SENSOR_ID);
                seen += (unsigned)nights->n;
                filter.after = nights->cursor;
        } while (nights->cursor != 0);
        assert_int_equal(seen, 21); /* 20, and that of put_parents() */

        /* Those that overlap: the night that has begun before counts. */
        filter = filter_nights();
        filter.since_us = sample_night(NIGHT_ID, SENSOR_ID).start_us + 10 * 24 * HOUR_US + HOUR_US;
        filter.until_us = filter.since_us + 2 * HOUR_US;
        assert_int_equal(list_nights(f, &filter, nights), 0);
        assert_int_equal(nights->n, 2);

        filter = filter_nights();
        filter.after = 0xdead;
        assert_int_equal(list_nights(f, &filter, nights), -ESTALE);
        filter.after = 0;
        filter.limit = STORE_NIGHTS_PAGE_MAX + 1;
        assert_int_equal(list_nights(f, &filter, nights), -EINVAL);
        free(nights);
}

static void test_settings_round_trip(void **state) {
        struct fixture *f = *state;
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);
        struct sensors *all = calloc(1, sizeof(*all));

        assert_non_null(all);
        sensor.paused = sensor.allow_broadcast = sensor.envelope = true;
        sensor.scale_uv = 0.1 + 0.2;
        sensor.rate_mhz = 250000;
        sensor.channels = 6;
        assert_int_equal(put_sensor(f, &sensor), 0);
        assert_int_equal(list_sensors(f, all), 0);
        assert_true(all->sensors[0].paused && all->sensors[0].allow_broadcast &&
                    all->sensors[0].envelope);
        assert_true(all->sensors[0].scale_uv == 0.1 + 0.2);
        assert_int_equal(all->sensors[0].rate_mhz, 250000);
        assert_int_equal(all->sensors[0].channels, 6);
        sensor.scale_uv = -1;
        assert_int_equal(store_put_sensor(f->store, &sensor, NULL, NULL), -EINVAL);
        free(all);
}

static void assert_battery(struct fixture *f, double rate, const char *warned) {
        struct sensors *all = calloc(1, sizeof(*all));

        assert_non_null(all);
        assert_int_equal(list_sensors(f, all), 0);
        assert_int_equal(all->n, 1);
        assert_true(all->sensors[0].battery_rate == rate);
        assert_string_equal(all->sensors[0].battery_warned, warned);
        free(all);
}

/* Written when the row that was put after it is. */
static void put_battery(struct fixture *f, const struct store_battery *battery) {
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);

        assert_int_equal(store_put_battery(f->store, battery), 0);
        assert_int_equal(put_sensor(f, &sensor), 0);
}

static void test_what_was_learnt_of_a_battery(void **state) {
        struct fixture *f = *state;
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);
        struct store_battery battery = {.sensor = SENSOR_ID, .rate = 7.25, .warned = "2026-11-23"};

        assert_int_equal(put_sensor(f, &sensor), 0);
        assert_battery(f, 0, "");
        put_battery(f, &battery);
        assert_battery(f, 7.25, "2026-11-23");

        /* An owner's change that was on its way meanwhile takes nothing of it back. */
        sensor.paused = true;
        assert_int_equal(put_sensor(f, &sensor), 0);
        assert_battery(f, 7.25, "2026-11-23");
        fixture_close(f);
        fixture_open(f);
        assert_battery(f, 7.25, "2026-11-23");

        battery.rate = -1;
        assert_int_equal(store_put_battery(f->store, &battery), -EINVAL);
        battery.rate = (double)NAN;
        assert_int_equal(store_put_battery(f->store, &battery), -EINVAL);
        battery.rate = 1;
        memset(battery.warned, 'x', sizeof(battery.warned));
        assert_int_equal(store_put_battery(f->store, &battery), -EINVAL);
}

/* The file goes away while crampd runs: what was learnt is written into the fresh one. */
static void test_a_battery_outlives_its_database(void **state) {
        struct fixture *f = *state;
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);
        struct store_battery battery = {.sensor = SENSOR_ID, .rate = 7.25, .warned = "2026-11-23"};

        assert_int_equal(put_sensor(f, &sensor), 0);
        put_battery(f, &battery);
        assert_battery(f, 7.25, "2026-11-23");
        assert_int_equal(unlink(f->path), 0);
        assert_int_equal(put_sensor(f, &sensor), 0);
        assert_battery(f, 7.25, "2026-11-23");
}

static void assert_calibration(struct fixture *f, const struct store_calibration *expected) {
        struct sensors *all = calloc(1, sizeof(*all));
        const struct store_calibration *found;

        assert_non_null(all);
        assert_int_equal(list_sensors(f, all), 0);
        assert_int_equal(all->n, 1);
        found = &all->sensors[0].calibration;
        assert_int_equal(found->channels, expected->channels);
        for (uint32_t i = 0; i < expected->channels; i++)
                assert_true(found->rest_uv[i] == expected->rest_uv[i] &&
                            found->mvc_uv[i] == expected->mvc_uv[i]);
        if (expected->channels > 0)
                assert_true(found->time_us == expected->time_us &&
                            found->scale_uv == expected->scale_uv &&
                            found->envelope == expected->envelope);
        free(all);
}

static void on_calibration(int error, void *userdata) {
        *(int *)userdata = error;
}

/* Returns what became of it. */
static int put_calibration(struct fixture *f, const struct store_calibration *calibration) {
        int error = 1;

        assert_int_equal(store_put_calibration(f->store, calibration, on_calibration, &error), 0);
        WAIT_FOR(f, error != 1);
        return error;
}

static void test_a_calibration_is_kept_with_its_sensor(void **state) {
        struct fixture *f = *state;
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);
        struct store_calibration none = {.sensor = SENSOR_ID};
        struct store_calibration first = {.sensor = SENSOR_ID,
                                          .channels = 3,
                                          .time_us = 1795396445250000,
                                          .scale_uv = 0.25,
                                          .rest_uv = {5.5, 0, 1e-3},
                                          .mvc_uv = {123.25, 0, 7}};
        struct store_calibration second = {.sensor = SENSOR_ID,
                                           .channels = 1,
                                           .time_us = 1795396445250001,
                                           .envelope = true,
                                           .rest_uv = {40},
                                           .mvc_uv = {900}};
        struct store_calibration bad = first;

        assert_int_equal(put_calibration(f, &first), -ENOENT);
        assert_int_equal(put_sensor(f, &sensor), 0);
        assert_calibration(f, &none);
        assert_int_equal(put_calibration(f, &first), 0);
        assert_calibration(f, &first);
        /* An owner's change that was on its way meanwhile takes nothing of it back. */
        sensor.paused = true;
        assert_int_equal(put_sensor(f, &sensor), 0);
        assert_calibration(f, &first);
        assert_int_equal(put_calibration(f, &second), 0);
        assert_calibration(f, &second);
        fixture_close(f);
        fixture_open(f);
        assert_calibration(f, &second);
        /* The file goes away while crampd writes to it: it is written into the fresh one. */
        assert_int_equal(put_sensor(f, &sensor), 0);
        assert_int_equal(unlink(f->path), 0);
        assert_int_equal(put_sensor(f, &sensor), 0);
        assert_calibration(f, &second);
        assert_int_equal(put_calibration(f, &none), 0);
        assert_calibration(f, &none);

        bad.mvc_uv[2] = (double)NAN;
        assert_int_equal(store_put_calibration(f->store, &bad, NULL, NULL), -EINVAL);
        bad = first;
        bad.rest_uv[0] = -1;
        assert_int_equal(store_put_calibration(f->store, &bad, NULL, NULL), -EINVAL);
        bad = first;
        bad.channels = STORE_CALIBRATION_CHANNELS_MAX + 1;
        assert_int_equal(store_put_calibration(f->store, &bad, NULL, NULL), -EINVAL);
}

static void test_a_forgotten_calibration_leaves_the_disk(void **state) {
        struct fixture *f = *state;
        struct store_calibration none = {.sensor = SENSOR_ID};
        struct store_calibration calibration = {
                .sensor = SENSOR_ID, .channels = 1, .time_us = 1, .rest_uv = {5}, .mvc_uv = {1234.5678}};
        uint64_t bits;

        /* As SQLite keeps a real: its bytes, the highest first. */
        memcpy(&bits, &calibration.mvc_uv[0], sizeof(bits));
        bits = htobe64(bits);
        assert_int_equal(put_calibration(f, &calibration), 0);
        assert_true(is_on_disk(f, &bits, sizeof(bits)));
        assert_int_equal(put_calibration(f, &none), 0);
        assert_false(is_on_disk(f, &bits, sizeof(bits)));
}

/* What came after the third version. */
#define DROP_LATER                                                \
        "ALTER TABLE gap DROP COLUMN reason;"                     \
        "ALTER TABLE sensor DROP COLUMN sensitivity;"             \
        "ALTER TABLE sensor DROP COLUMN learning;"                \
        "ALTER TABLE sensor DROP COLUMN learning_since_us;"       \
        "ALTER TABLE sensor DROP COLUMN calibrated_us;"           \
        "ALTER TABLE sensor DROP COLUMN calibrated_scale_uv;"     \
        "ALTER TABLE sensor DROP COLUMN calibrated_envelope;"     \
        "ALTER TABLE episode DROP COLUMN peak_mvc_percent;"       \
        "DROP TABLE calibration;"                                 \
        "ALTER TABLE episode DROP COLUMN verdict;"                \
        "ALTER TABLE episode DROP COLUMN pain;"                   \
        "ALTER TABLE episode DROP COLUMN note;"                   \
        "ALTER TABLE episode DROP COLUMN annotated_us;"           \
        "DROP TABLE missed;"                                      \
        "DROP TABLE profile; DROP TABLE entry; DROP TABLE trial;" \
        "DROP TABLE account; DROP TABLE waveform;"                \
        "DROP INDEX episode_changed;"                             \
        "ALTER TABLE episode DROP COLUMN changed_us;"

static void test_the_second_version_is_taken_over(void **state) {
        struct fixture *f = *state;
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);

        assert_int_equal(put_sensor(f, &sensor), 0);
        fixture_close(f);
        database_run(f->path, "ALTER TABLE sensor DROP COLUMN battery_rate;"
                              "ALTER TABLE sensor DROP COLUMN battery_warned;" DROP_LATER
                              "PRAGMA user_version = 2;");
        fixture_open(f);
        assert_battery(f, 0, "");
}

static void test_the_first_version_is_taken_over(void **state) {
        struct fixture *f = *state;
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);
        struct nights *nights = calloc(1, sizeof(*nights));
        struct sensors *all = calloc(1, sizeof(*all));
        struct store_filter filter = filter_nights();

        assert_non_null(nights);
        assert_non_null(all);
        put_parents(f);
        night.end_us = night.start_us + HOUR_US;
        assert_int_equal(put_night(f, &night), 0);
        put_gap(f, NIGHT_ID, night.start_us + 10, 600 * SECOND_US);
        fixture_close(f);
        database_run(f->path, "DROP INDEX night_start; ALTER TABLE night DROP COLUMN monitored_us;"
                              "ALTER TABLE night DROP COLUMN reconnects;"
                              "ALTER TABLE sensor DROP COLUMN paused;"
                              "ALTER TABLE sensor DROP COLUMN allow_broadcast;"
                              "ALTER TABLE sensor DROP COLUMN envelope;"
                              "ALTER TABLE sensor DROP COLUMN scale_uv;"
                              "ALTER TABLE sensor DROP COLUMN rate_mhz;"
                              "ALTER TABLE sensor DROP COLUMN channels;"
                              "ALTER TABLE sensor DROP COLUMN battery_rate;"
                              "ALTER TABLE sensor DROP COLUMN battery_warned;" DROP_LATER
                              "PRAGMA user_version = 1;");
        fixture_open(f);
        assert_int_equal(list_nights(f, &filter, nights), 0);
        assert_int_equal(nights->n, 1);
        assert_int_equal(nights->reports[0].night.monitored_us, HOUR_US - 600 * SECOND_US);
        assert_string_equal(nights->reports[0].longest[0].reason, "no-data");
        assert_int_equal(list_sensors(f, all), 0);
        assert_int_equal(all->n, 1);
        assert_false(all->sensors[0].paused);
        assert_true(all->sensors[0].scale_uv == 0);
        free(nights);
        free(all);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_a_night_tells_what_became_of_it, setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_pages_owners_and_times, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_settings_round_trip, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_what_was_learnt_of_a_battery, setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_a_battery_outlives_its_database, setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_a_forgotten_calibration_leaves_the_disk,
                                                fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_a_calibration_is_kept_with_its_sensor, setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_the_second_version_is_taken_over, setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_the_first_version_is_taken_over, setup,
                                                fixture_teardown),
        };

        return cmocka_run_group_tests_name("store-nights", tests, NULL, NULL);
}
