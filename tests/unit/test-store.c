/* SPDX-License-Identifier: MIT */
/* The store's calls: what is put comes back, pages and filters, the queue and its limits, closing. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/store-fixture.h"

static int setup(void **state) {
        struct fixture *fixture = fixture_new();

        fixture_open(fixture);
        *state = fixture;
        return 0;
}

/* The folder of the database does not exist, so all that is put has to wait. */
static int setup_stuck(void **state) {
        struct fixture *fixture = fixture_new();

        (void)snprintf(fixture->path, sizeof(fixture->path), "%s/none/crampd.db", fixture->folder);
        fixture_open(fixture);
        *state = fixture;
        return 0;
}

static void test_sensor_round_trip(void **state) {
        struct fixture *f = *state;
        struct store_sensor full = sample_sensor("ffffffffffffffff", UINT32_MAX - 1);
        struct store_sensor bare = {.id = "0000000000000001",
                                    .sensitivity = "normal",
                                    .added_us = -1,
                                    .removed_us = STORE_NO_TIME,
                                    .zone_offset_s = -43200};
        struct store_sensor removed = sample_sensor("00000000000000aa", OWNER_UID);
        struct sensors all;

        /* To the last byte of each field, in several scripts. */
        (void)snprintf(full.name, sizeof(full.name), "Wädchen ふくらはぎ 🦵 %s",
                       "икроножная мыш");
        memset(full.muscle, 'm', sizeof(full.muscle) - 1);
        memset(full.address, 'A', sizeof(full.address) - 1);
        full.zone_offset_s = 50400;
        removed.removed_us = removed.added_us + 1;

        assert_int_equal(put_sensor(f, &full), 0);
        assert_int_equal(put_sensor(f, &bare), 0);
        assert_int_equal(put_sensor(f, &removed), 0);
        for (unsigned round = 0; round < 2; round++) {
                assert_int_equal(list_sensors(f, &all), 0);
                assert_int_equal(all.n,
                                 2); /* the removed one is not in use; the others in order of addition */
                assert_sensor_equal(&all.sensors[0], &bare);
                assert_sensor_equal(&all.sensors[1], &full);
                fixture_close(f);
                fixture_open(f);
        }
        fixture_close(f);
        assert_true(database_number(f->path,
                                    "SELECT removed_us FROM sensor WHERE id = '00000000000000aa'") ==
                    removed.removed_us);
        assert_int_equal(database_number(f->path, "SELECT count(*) FROM person"), 3);
}

static void test_night_and_gap_round_trip(void **state) {
        struct fixture *f = *state;
        struct store_night night = sample_night("00000000000000b2", SENSOR_ID);
        struct store_gap gap = {.night = "00000000000000b2",
                                .start_us = 10,
                                .end_us = 20,
                                .frames = INT64_MAX,
                                .reason = "dead"};
        char text[512];

        put_parents(f);
        night.packets = INT64_MAX;
        night.rate_mhz = UINT32_MAX;
        night.channels = UINT32_MAX;
        night.end_us = night.seen_us + 5;
        night.evening[0] = '\0';
        assert_int_equal(put_night(f, &night), 0);
        assert_return_code(store_put_gap(f->store, &gap), 0);
        gap.end_us = 30;
        assert_return_code(store_put_gap(f->store, &gap), 0); /* the same gap, longer */
        fixture_close(f);

        database_text(
                f->path,
                "SELECT concat FROM (SELECT n.id || '|' || s.id || '|' || evening || '|' || "
                "start_us || '|' || "
                "end_us || '|' || seen_us || '|' || n.zone_offset_s || '|' || n.rate_mhz || '|' || "
                "n.channels || "
                "'|' || packets || '|' || lost_packets AS concat FROM night n JOIN sensor s ON "
                "s.row = n.sensor "
                "WHERE n.id = '00000000000000b2')",
                text, sizeof(text));
        assert_string_equal(text, "00000000000000b2|00000000000000a1||1795470000000000|1795473600000005|"
                                  "1795473600000000|3600|4294967295|4294967295|9223372036854775807|7");
        database_text(
                f->path,
                "SELECT n.id || '|' || g.start_us || '|' || g.end_us || '|' || g.frames FROM gap g "
                "JOIN night n ON n.row = g.night",
                text, sizeof(text));
        assert_string_equal(text, "00000000000000b2|10|30|9223372036854775807");
        assert_int_equal(database_number(f->path, "SELECT count(*) FROM gap"), 1);
}

static void test_episode_round_trip(void **state) {
        struct fixture *f = *state;
        struct store_episode full = sample_episode(0xfeedfacecafebeef, -5), bare = sample_episode(2, 0),
                             got;

        put_parents(f);
        full.peak_uv = 0.1 + 0.2;
        full.median_hz = (double)INFINITY;
        full.confidence = 1;
        full.channel = UINT32_MAX;
        (void)snprintf(full.severity, sizeof(full.severity), "stärker…");
        memset(full.end_reason, 'r', sizeof(full.end_reason) - 1);
        memset(full.detector, 'd', sizeof(full.detector) - 1);

        bare.muscle[0] = bare.leg[0] = bare.end_reason[0] = bare.severity[0] = bare.detector[0] = '\0';
        bare.end_us = STORE_NO_TIME;
        bare.peak_uv = bare.median_hz = (double)NAN;
        bare.confidence = 0;
        bare.alert_us = INT64_MAX;

        assert_int_equal(put_episode(f, &full), 0);
        assert_int_equal(put_episode(f, &bare), 0);
        got = get_episode(f, full.id);
        assert_episode_equal(&got, &full);
        got = get_episode(f, bare.id);
        assert_episode_equal(&got, &bare);
        assert_true(isnan(got.peak_uv) && got.end_us == STORE_NO_TIME);
}

static void test_in_memory(void **state) {
        struct fixture *f = *state;
        struct store_episode episode = sample_episode(1, 1), got;

        fixture_close(f);
        (void)snprintf(f->path, sizeof(f->path), ":memory:");
        fixture_open(f);
        put_parents(f);
        assert_int_equal(put_episode(f, &episode), 0);
        got = get_episode(f, episode.id);
        assert_episode_equal(&got, &episode);
        assert_int_equal(f->n_reports, 1);
        assert_int_equal(f->errors[0], 0);
        fixture_close(f);
        assert_false(file_exists(":memory:"));
}

#define MANY 2500u

/* Onsets in no order, in groups of equal ones, of which one is larger than a page. */
static int64_t many_onset(unsigned i) {
        return i < 1200 ? 5000 : (int64_t)((i * 7919u) % 300u) * 50;
}

static void put_many(struct fixture *f) {
        struct outcome outcome = {};
        unsigned put = 0;

        put_parents(f);
        while (put < MANY) {
                struct store_episode episode = sample_episode(1 + put, many_onset(put));
                int r = store_put_episode(f->store, &episode, on_done, &outcome);

                if (r == -ENOBUFS)
                        fixture_turn(f);
                else {
                        assert_return_code(r, 0);
                        put++;
                }
        }
        WAIT_FOR(f, outcome.calls == MANY);
        assert_int_equal(outcome.error, 0);
}

/* Reads all pages and checks order and completeness; every id of 1..MANY once. */
static unsigned read_pages(struct fixture *f, uint32_t limit, struct page *page) {
        struct store_filter filter = filter_all();
        bool seen[MANY + 1] = {};
        int64_t last_us = INT64_MIN;
        unsigned n = 0, pages = 0;

        filter.limit = limit;
        do {
                assert_int_equal(list_episodes(f, &filter, page), 0);
                pages++;
                assert_true(page->n == limit || page->cursor == 0);
                for (size_t i = 0; i < page->n; i++) {
                        uint64_t number = strtoull(page->episodes[i].id, NULL, 16);

                        assert_true(page->episodes[i].onset_us >= last_us);
                        last_us = page->episodes[i].onset_us;
                        if (number > MANY)
                                continue;
                        assert_false(seen[number]);
                        seen[number] = true;
                        n++;
                }
                filter.after = page->cursor;
        } while (page->cursor != 0);
        assert_int_equal(n, MANY);
        return pages;
}

static void test_pages(void **state) {
        struct fixture *f = *state;
        struct store_filter filter = filter_all();
        struct store_episode early = sample_episode(MANY + 1, -1);
        struct page *page = calloc(1, sizeof(*page));
        uint64_t cursor;

        assert_non_null(page);
        put_many(f);
        assert_int_equal(read_pages(f, STORE_PAGE_MAX, page), 10);
        assert_int_equal(read_pages(f, MANY / 20, page), 20); /* ends with a full page */
        assert_int_equal(read_pages(f, 111, page), 23);

        /* An earlier episode that comes while pages are read moves none of them. */
        filter.limit = 10;
        assert_int_equal(list_episodes(f, &filter, page), 0);
        cursor = page->cursor;
        filter.after = cursor;
        filter.limit = 1;
        assert_int_equal(list_episodes(f, &filter, page), 0);
        assert_int_equal(page->n, 1);
        {
                struct store_episode eleventh = page->episodes[0];

                assert_int_equal(put_episode(f, &early), 0);
                assert_int_equal(list_episodes(f, &filter, page), 0);
                assert_string_equal(page->episodes[0].id, eleventh.id);
        }

        filter.after = MANY + 7;
        assert_int_equal(list_episodes(f, &filter, page), -ESTALE);
        assert_int_equal(page->n, 0);
        free(page);
}

static void test_filters(void **state) {
        struct fixture *f = *state;
        struct store_sensor other = sample_sensor("00000000000000a2", OWNER_UID + 1);
        struct store_sensor second = sample_sensor("00000000000000a3", OWNER_UID);
        struct store_night other_night = sample_night("00000000000000b2", other.id);
        struct store_night second_night = sample_night("00000000000000b3", second.id);
        struct page *page = calloc(1, sizeof(*page));
        struct store_filter all = filter_all(), filter;

        assert_non_null(page);
        put_parents(f);
        assert_int_equal(put_sensor(f, &other), 0);
        assert_int_equal(put_sensor(f, &second), 0);
        assert_int_equal(put_night(f, &other_night), 0);
        assert_int_equal(put_night(f, &second_night), 0);
        for (unsigned i = 1; i <= 9; i++) {
                /* 1, 4, 7: the first sensor; 2, 5, 8: another owner's; 3, 6, 9: the second sensor. */
                struct store_episode episode = sample_episode(i, i * 100);

                if (i % 3 == 2) {
                        memcpy(episode.sensor, other.id, sizeof(episode.sensor));
                        memcpy(episode.night, other_night.id, sizeof(episode.night));
                } else if (i % 3 == 0) {
                        memcpy(episode.sensor, second.id, sizeof(episode.sensor));
                        memcpy(episode.night, second_night.id, sizeof(episode.night));
                }
                assert_int_equal(put_episode(f, &episode), 0);
        }

        assert_int_equal(list_episodes(f, &all, page), 0);
        assert_int_equal(page->n, 9);

        filter = all;
        filter.any_owner = false;
        filter.owner_uid = OWNER_UID;
        assert_int_equal(list_episodes(f, &filter, page), 0);
        assert_int_equal(page->n, 6);
        for (size_t i = 0; i < page->n; i++)
                assert_string_not_equal(page->episodes[i].sensor, other.id);

        /* From the onset, up to but not at the end. */
        filter.since_us = 300;
        filter.until_us = 700;
        assert_int_equal(list_episodes(f, &filter, page), 0);
        assert_int_equal(page->n, 3);
        assert_int_equal(page->episodes[0].onset_us, 300);
        assert_int_equal(page->episodes[2].onset_us, 600);
        (void)snprintf(filter.sensor, sizeof(filter.sensor), "%s", second.id);
        assert_int_equal(list_episodes(f, &filter, page), 0);
        assert_int_equal(page->n, 2);
        filter.limit = 1;
        assert_int_equal(list_episodes(f, &filter, page), 0);
        assert_int_equal(page->n, 1);
        assert_true(page->cursor != 0);
        filter.after = page->cursor;
        assert_int_equal(list_episodes(f, &filter, page), 0);
        assert_int_equal(page->n, 1);
        assert_int_equal(page->episodes[0].onset_us, 600);
        assert_int_equal(page->cursor, 0);

        /* Nothing of others: not by sensor, not by id, not as a cursor that tells when it was. */
        filter = all;
        filter.any_owner = false;
        filter.owner_uid = OWNER_UID;
        (void)snprintf(filter.sensor, sizeof(filter.sensor), "%s", other.id);
        assert_int_equal(list_episodes(f, &filter, page), 0);
        assert_int_equal(page->n, 0);
        filter.sensor[0] = '\0';
        (void)snprintf(filter.id, sizeof(filter.id), "%016x", 5u);
        assert_int_equal(list_episodes(f, &filter, page), 0);
        assert_int_equal(page->n, 0);
        filter.any_owner = true;
        assert_int_equal(list_episodes(f, &filter, page), 0);
        assert_int_equal(page->n, 1);
        (void)snprintf(filter.sensor, sizeof(filter.sensor), "%s", second.id);
        assert_int_equal(list_episodes(f, &filter, page), 0);
        assert_int_equal(page->n, 0); /* that id, but not of that sensor */
        filter = all;
        filter.any_owner = false;
        filter.owner_uid = OWNER_UID;
        filter.after = 5;
        assert_int_equal(list_episodes(f, &filter, page), -ESTALE);
        filter.owner_uid = 4242;
        filter.after = 0;
        assert_int_equal(list_episodes(f, &filter, page), 0);
        assert_int_equal(page->n, 0);

        /* Episodes outlive their sensor's use. */
        second.removed_us = second.added_us + 1;
        assert_int_equal(put_sensor(f, &second), 0);
        filter = all;
        (void)snprintf(filter.sensor, sizeof(filter.sensor), "%s", second.id);
        assert_int_equal(list_episodes(f, &filter, page), 0);
        assert_int_equal(page->n, 3);
        free(page);
}

/* Of what was removed, only what has watched something stays for good. */
static void test_removed_sensors_are_forgotten(void **state) {
        struct fixture *f = *state;
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);

        put_parents(f);
        sensor.removed_us = 1;
        assert_int_equal(put_sensor(f, &sensor), 0);
        for (unsigned i = 0; i < 40; i++) {
                (void)snprintf(sensor.id, sizeof(sensor.id), "%016x", 1 + i);
                sensor.removed_us = STORE_NO_TIME;
                assert_int_equal(put_sensor(f, &sensor), 0);
                sensor.removed_us = 10 + i;
                assert_int_equal(put_sensor(f, &sensor), 0);
        }
        (void)snprintf(sensor.id, sizeof(sensor.id), "%016x", 99u);
        sensor.removed_us = STORE_NO_TIME;
        assert_int_equal(put_sensor(f, &sensor), 0);
        fixture_close(f);
        assert_int_equal(database_number(f->path, "SELECT count(*) FROM sensor"), 1 + 16 + 1);
        assert_int_equal(database_number(f->path, "SELECT count(*) FROM sensor WHERE removed_us IS NULL "
                                                  "OR removed_us = 1 OR removed_us >= 34"),
                         18);
}

static void test_update(void **state) {
        struct fixture *f = *state;
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);
        struct store_episode first = sample_episode(1, 100), second = sample_episode(2, 100),
                             changed = first, got;
        struct store_filter filter = filter_all();
        struct page *page = calloc(1, sizeof(*page));
        struct sensors all;

        assert_non_null(page);
        put_parents(f);
        first.end_us = STORE_NO_TIME;
        first.end_reason[0] = '\0';
        assert_int_equal(put_episode(f, &first), 0);
        assert_int_equal(put_episode(f, &second), 0);
        changed.median_hz = (double)NAN;
        changed.peak_uv = 999;
        assert_int_equal(put_episode(f, &changed), 0);
        got = get_episode(f, first.id);
        assert_episode_equal(&got, &changed);
        assert_int_equal(list_episodes(f, &filter, page), 0);
        assert_int_equal(page->n, 2);
        assert_string_equal(page->episodes[0].id, first.id); /* keeps its place */

        (void)snprintf(sensor.name, sizeof(sensor.name), "renamed");
        assert_int_equal(put_sensor(f, &sensor), 0);
        assert_int_equal(list_sensors(f, &all), 0);
        assert_int_equal(all.n, 1);
        assert_sensor_equal(&all.sensors[0], &sensor);
        free(page);
}

static void test_row_without_parent_holds_up_nothing(void **state) {
        struct fixture *f = *state;
        struct store_night orphan_night = sample_night("00000000000000b9", "00000000000000a9");
        struct store_episode orphan = sample_episode(1, 1), good = sample_episode(2, 2), got;
        struct store_gap orphan_gap = {
                .night = "00000000000000b9", .start_us = 1, .end_us = 2, .reason = "no-data"};
        struct outcome night = {}, bad = {}, well = {};

        put_parents(f);
        (void)snprintf(orphan.night, sizeof(orphan.night), "%s", orphan_night.id);
        assert_return_code(store_put_night(f->store, &orphan_night, on_done, &night), 0);
        assert_return_code(store_put_gap(f->store, &orphan_gap), 0);
        assert_return_code(store_put_episode(f->store, &orphan, on_done, &bad), 0);
        assert_return_code(store_put_episode(f->store, &good, on_done, &well), 0);
        WAIT_FOR(f, well.calls > 0);
        assert_int_equal(well.error, 0);
        assert_int_equal(night.calls, 1);
        assert_int_equal(night.error, -EINVAL);
        assert_int_equal(bad.calls, 1);
        assert_int_equal(bad.error, -EINVAL);
        assert_int_equal(store_get_error(f->store), 0);
        got = get_episode(f, good.id);
        assert_episode_equal(&got, &good);
}

#define ASSERT_REFUSED(put, sample, change)                                        \
        do {                                                                       \
                __typeof__(sample) row = (sample);                                 \
                change;                                                            \
                assert_int_equal(put(f->store, &row, on_done, &outcome), -EINVAL); \
        } while (0)

static void test_nonsense_is_refused(void **state) {
        struct fixture *f = *state;
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);
        struct store_episode episode = sample_episode(1, 1);
        struct store_gap gap = {.night = NIGHT_ID, .start_us = 1, .end_us = 2, .reason = "no-data"};
        struct store_filter filter = filter_all();
        struct outcome outcome = {};
        struct store *none = NULL;

        ASSERT_REFUSED(store_put_sensor, sensor, row.id[3] = 'A');
        ASSERT_REFUSED(store_put_sensor, sensor, row.id[15] = '\0');
        ASSERT_REFUSED(store_put_sensor, sensor, row.id[16] = '0');
        ASSERT_REFUSED(store_put_sensor, sensor, memcpy(row.id, "0000000000000000", 16));
        ASSERT_REFUSED(store_put_sensor, sensor, memset(row.name, 'x', sizeof(row.name)));
        ASSERT_REFUSED(store_put_sensor, sensor, memset(row.leg, 'x', sizeof(row.leg)));
        ASSERT_REFUSED(store_put_sensor, sensor, row.added_us = STORE_NO_TIME);
        ASSERT_REFUSED(store_put_sensor, sensor, row.zone_offset_s = 86401);
        ASSERT_REFUSED(store_put_night, night, row.sensor[0] = '\0');
        ASSERT_REFUSED(store_put_night, night, row.packets = UINT64_MAX);
        ASSERT_REFUSED(store_put_night, night, row.lost_packets = UINT64_MAX);
        ASSERT_REFUSED(store_put_night, night, row.start_us = STORE_NO_TIME);
        ASSERT_REFUSED(store_put_night, night, row.seen_us = STORE_NO_TIME);
        ASSERT_REFUSED(store_put_night, night, memset(row.evening, '2', sizeof(row.evening)));
        ASSERT_REFUSED(store_put_episode, episode, row.night[0] = 'g');
        ASSERT_REFUSED(store_put_episode, episode, row.onset_us = STORE_NO_TIME);
        ASSERT_REFUSED(store_put_episode, episode, row.alert_us = STORE_NO_TIME);
        ASSERT_REFUSED(store_put_episode, episode, row.confidence = 1.0001);
        ASSERT_REFUSED(store_put_episode, episode, row.confidence = (double)NAN);
        ASSERT_REFUSED(store_put_episode, episode, row.zone_offset_s = -86401);
        ASSERT_REFUSED(store_put_episode, episode, memset(row.severity, 's', sizeof(row.severity)));
        gap.end_us = STORE_NO_TIME;
        assert_int_equal(store_put_gap(f->store, &gap), -EINVAL);
        gap.end_us = 2;
        gap.frames = UINT64_MAX;
        assert_int_equal(store_put_gap(f->store, &gap), -EINVAL);

        filter.limit = 0;
        assert_int_equal(store_list_episodes(f->store, &filter, NULL, NULL), -EINVAL);
        filter.limit = STORE_PAGE_MAX + 1;
        assert_int_equal(store_list_episodes(f->store, &filter, NULL, NULL), -EINVAL);
        filter = filter_all();
        (void)snprintf(filter.id, sizeof(filter.id), "zzz");
        assert_int_equal(store_list_episodes(f->store, &filter, NULL, NULL), -EINVAL);

        assert_int_equal(store_open("", f->event, NULL, NULL, &none), -EINVAL);
        assert_int_equal(store_open("file:x?mode=memory", f->event, NULL, NULL, &none), -EINVAL);
        assert_null(none);
        assert_int_equal(outcome.calls, 0);
}

static void test_full_queue(void **state) {
        struct fixture *f = *state;
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);
        struct store_sensor other = sample_sensor("00000000000000a2", OWNER_UID);
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);
        struct store_gap gap = {.night = NIGHT_ID, .reason = "no-data"};
        struct outcome outcome = {}, update = {};
        struct page *page = calloc(1, sizeof(*page));
        struct store_filter filter = filter_all();
        unsigned n = 0, gaps = 0, queries = 0;
        char folder[160];

        assert_non_null(page);
        WAIT_FOR(f, f->n_reports > 0);
        assert_int_equal(f->errors[0], -ENOENT);
        assert_int_equal(store_get_error(f->store), -ENOENT);
        assert_non_null(strstr(f->texts[0], "create"));

        assert_return_code(store_put_sensor(f->store, &sensor, NULL, NULL), 0);
        assert_return_code(store_put_night(f->store, &night, NULL, NULL), 0);
        for (int r = 0; r == 0; gaps += r == 0) {
                gap.start_us = gap.end_us = gaps;
                r = store_put_gap(f->store, &gap);
                assert_true(r == 0 || r == -ENOBUFS);
        }
        assert_int_equal(gaps, STORE_QUEUE_MAX / 2 - 2);
        assert_int_equal(store_put_sensor(f->store, &other, NULL, NULL), -ENOBUFS);
        for (int r = 0; r == 0; n += r == 0) {
                struct store_episode episode = sample_episode(1 + n, n);

                r = store_put_episode(f->store, &episode, on_done, &outcome);
                assert_true(r == 0 || r == -ENOBUFS);
        }
        assert_int_equal(n, STORE_QUEUE_MAX / 2);

        /* What waits can still be changed: a night any number of times, an episode to its end. */
        for (unsigned i = 0; i < 3 * STORE_QUEUE_MAX; i++) {
                night.packets = 1000 + i;
                assert_return_code(store_put_night(f->store, &night, NULL, NULL), 0);
        }
        {
                struct store_episode episode = sample_episode(1, 0);

                episode.peak_uv = 4321;
                assert_return_code(store_put_episode(f->store, &episode, on_done, &update), 0);
        }

        /* Queries do not wait behind all that: they say what is wrong. */
        assert_int_equal(list_episodes(f, &filter, page), -ENOENT);
        for (int r = 0; r == 0; queries += r == 0)
                r = store_list_sensors(f->store, NULL, NULL);
        assert_in_range(queries, 16, 256);
        assert_int_equal(outcome.calls, 0);

        (void)snprintf(folder, sizeof(folder), "%s/none", f->folder);
        assert_return_code(mkdir(folder, 0700), errno);
        WAIT_FOR(f, outcome.calls == n && update.calls == 1);
        assert_int_equal(outcome.error, 0);
        assert_int_equal(update.error, 0);
        WAIT_FOR(f, f->n_reports == 2);
        assert_int_equal(f->errors[1], 0);
        assert_int_equal(store_get_error(f->store), 0);
        assert_int_equal(list_episodes(f, &filter, page), 0);
        assert_int_equal(page->n, n < STORE_PAGE_MAX ? n : STORE_PAGE_MAX);
        assert_true(page->episodes[0].peak_uv == 4321); /* the latest */
        fixture_close(f);
        assert_int_equal(database_number(f->path, "SELECT packets FROM night"),
                         1000 + 3 * STORE_QUEUE_MAX - 1);
        assert_int_equal(database_number(f->path, "SELECT count(*) FROM gap"), gaps);
        assert_database_whole(f->path);
        free(page);

        assert_return_code(unlink(f->path), errno); /* the folder goes with the fixture */
}

static void on_page(int error, const struct store_episode *episodes, size_t n, uint64_t cursor,
                    void *userdata) {
        assert_null(episodes);
        assert_int_equal(n, 0);
        assert_true(cursor == 0);
        on_done(error, userdata);
}

static void test_close_cancels(void **state) {
        struct fixture *f = *state;
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);
        struct store_filter filter = filter_all();
        struct outcome sensors = {}, nights = {}, queries = {};
        uint64_t begin_us;

        WAIT_FOR(f, f->n_reports > 0);
        assert_return_code(store_put_sensor(f->store, &sensor, on_done, &sensors), 0);
        for (unsigned i = 0; i < 3; i++)
                assert_return_code(store_put_night(f->store, &night, on_done, &nights), 0);
        assert_return_code(store_list_episodes(f->store, &filter, on_page, &queries), 0);

        begin_us = now_us();
        f->store = store_close(f->store, 100000);
        assert_in_range(now_us() - begin_us, 90000, 2000000);
        assert_int_equal(sensors.calls, 1);
        assert_int_equal(sensors.error, -ECANCELED);
        assert_int_equal(nights.calls, 3);
        assert_int_equal(nights.error, -ECANCELED);
        assert_int_equal(queries.calls, 1);
        assert_int_equal(queries.error, -ENOENT);
        assert_null(store_close(NULL, 0));
}

static void test_close_writes_what_waits(void **state) {
        struct fixture *f = *state;
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);
        struct outcome outcome = {};

        /* Not one turn of the loop between the puts and the end. */
        assert_return_code(store_put_sensor(f->store, &sensor, on_done, &outcome), 0);
        assert_return_code(store_put_night(f->store, &night, on_done, &outcome), 0);
        for (unsigned i = 1; i <= 700; i++) {
                struct store_episode episode = sample_episode(i, i);

                assert_return_code(store_put_episode(f->store, &episode, on_done, &outcome), 0);
        }
        fixture_close(f);
        assert_int_equal(outcome.calls, 702);
        assert_int_equal(outcome.error, 0);
        assert_int_equal(database_number(f->path, "SELECT count(*) FROM episode"), 700);
}

struct closer {
        struct fixture *fixture;
        unsigned calls;
        int refused;
};

static void close_on_done(int error, void *userdata) {
        struct closer *closer = userdata;
        struct fixture *f = closer->fixture;

        closer->calls++;
        if (!f->store)
                return;
        {
                struct store *store = f->store;
                struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);

                f->store = NULL;
                assert_null(store_close(store, CLOSE_US));
                /* Still there for as long as its callback runs, but it takes nothing more. */
                closer->refused = store_put_sensor(store, &sensor, NULL, NULL);
        }
}

static void test_close_from_callback(void **state) {
        struct fixture *f = *state;
        struct closer closer = {.fixture = f};

        for (unsigned i = 1; i <= 100; i++) {
                char id[STORE_ID_SIZE];
                struct store_sensor sensor;

                (void)snprintf(id, sizeof(id), "%016x", i);
                sensor = sample_sensor(id, OWNER_UID);
                assert_return_code(store_put_sensor(f->store, &sensor, close_on_done, &closer), 0);
        }
        WAIT_FOR(f, !f->store);
        assert_int_equal(closer.calls, 100);
        assert_int_equal(closer.refused, -ESHUTDOWN);
        fixture_turn(f);
        assert_int_equal(database_number(f->path, "SELECT count(*) FROM sensor"), 100);
}

static int teardown_stuck(void **state) {
        struct fixture *f = *state;

        /* Ends without the limit's wait: nothing can be written. */
        f->store = store_close(f->store, 0);
        fixture_free(f);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_sensor_round_trip, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_night_and_gap_round_trip, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_episode_round_trip, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_in_memory, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_pages, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_filters, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_removed_sensors_are_forgotten, setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_update, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_row_without_parent_holds_up_nothing, setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_nonsense_is_refused, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_full_queue, setup_stuck, teardown_stuck),
                cmocka_unit_test_setup_teardown(test_close_cancels, setup_stuck, teardown_stuck),
                cmocka_unit_test_setup_teardown(test_close_writes_what_waits, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_close_from_callback, setup, fixture_teardown),
        };

        return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
