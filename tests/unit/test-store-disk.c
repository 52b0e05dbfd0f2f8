/* SPDX-License-Identifier: MIT */
/* The store on a disk that fails, hangs or loses power: what was acknowledged is there, what was not
 * gets there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/store/person.h"
#include "tests/unit/store-disk.h"
#include "tests/unit/store-fixture.h"

#define EPISODES 6u

/* What happens in a test, and what of it was acknowledged. */
struct story {
        struct fixture *fixture;
        bool acknowledged[EPISODES + 1];
        bool ended[EPISODES + 1]; /* the end of the episode was acknowledged too */
};

static int setup_group(void **state) {
        /* Nobody asks how much memory SQLite has, and counting it takes a lock each time. */
        assert_int_equal(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0), SQLITE_OK);
        disk_install();
        return 0;
}

static int setup(void **state) {
        disk_heal();
        *state = fixture_new();
        return 0;
}

static struct store_episode open_episode(unsigned number) {
        struct store_episode episode = sample_episode(number, number * SECOND_US);

        episode.end_us = STORE_NO_TIME;
        episode.end_reason[0] = '\0';
        return episode;
}

/* Waits for an answer for as long as there is power. Returns true when the row is durable. */
static bool put_while_powered(struct fixture *f, const struct store_sensor *sensor,
                              const struct store_night *night, const struct store_episode *episode) {
        struct outcome *outcome = calloc(1, sizeof(*outcome));
        bool durable;

        assert_non_null(outcome);
        if (sensor)
                assert_return_code(store_put_sensor(f->store, sensor, on_done, outcome), 0);
        else if (night)
                assert_return_code(store_put_night(f->store, night, on_done, outcome), 0);
        else
                assert_return_code(store_put_episode(f->store, episode, on_done, outcome), 0);
        WAIT_FOR(f, outcome->calls > 0 || disk_is_off());
        if (outcome->calls == 0) {
                /* Closing delivers what was acknowledged before the cut, and gives up the rest. */
                f->store = store_close(f->store, 0);
                assert_int_equal(outcome->calls, 1);
                assert_true(outcome->error == 0 || outcome->error == -ECANCELED);
        } else
                assert_int_equal(outcome->error, 0);
        durable = outcome->error == 0;
        free(outcome);
        return durable;
}

/* One run of the store: parents, and episodes `first` to `last` with their ends. */
static void tell_part(struct story *story, unsigned first, unsigned last) {
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);
        struct fixture *f = story->fixture;

        fixture_open(f);
        (void)put_while_powered(f, &sensor, NULL, NULL);
        if (f->store)
                (void)put_while_powered(f, NULL, &night, NULL);
        for (unsigned i = first; i <= last && f->store; i++) {
                struct store_episode episode = open_episode(i), over = sample_episode(i, i * SECOND_US);

                story->acknowledged[i] = put_while_powered(f, NULL, NULL, &episode);
                if (f->store)
                        story->ended[i] = put_while_powered(f, NULL, NULL, &over);
        }
        if (f->store)
                f->store = store_close(f->store, disk_is_off() ? 0 : CLOSE_US);
}

static void tell(struct story *story) {
        tell_part(story, 1, EPISODES / 2);
        if (!disk_is_off())
                tell_part(story, EPISODES / 2 + 1, EPISODES);
}

static void assert_kept(struct story *story) {
        struct fixture *f = story->fixture;
        struct store_filter filter = filter_all();
        struct page *page = calloc(1, sizeof(*page));
        char path[512];

        assert_non_null(page);
        fixture_open(f);
        assert_int_equal(list_episodes(f, &filter, page), 0);
        for (unsigned i = 1; i <= EPISODES; i++) {
                struct store_episode over = sample_episode(i, i * SECOND_US);
                const struct store_episode *found = NULL;

                for (size_t j = 0; j < page->n; j++)
                        if (strcmp(page->episodes[j].id, over.id) == 0)
                                found = &page->episodes[j];
                if (story->acknowledged[i])
                        assert_non_null(found);
                if (story->ended[i])
                        assert_episode_equal(found, &over);
        }
        free(page);
        fixture_close(f);
        assert_false(find_file(f, "crampd.db.damaged", "", path, sizeof(path)));
        assert_database_whole(f->path);
}

/* Lets each operation of the story fail in turn, `n` in a row, and heal. */
static void fail_each(unsigned operations, unsigned n, int error) {
        unsigned at = 1, failed, stories = 0, step = operations == DISK_SYNC ? 1 : fault_step(3);

        do {
                struct story story = {.fixture = fixture_new()};

                disk_heal();
                disk_fail(operations, at, n, error);
                tell(&story);
                failed = disk_failures();
                disk_heal();
                for (unsigned i = 1; i <= EPISODES; i++)
                        assert_true(story.acknowledged[i] && story.ended[i]);
                assert_kept(&story);
                fixture_free(story.fixture);
                at += step;
                stories++;
        } while (failed > 0);
        assert_true(stories > 5);
}

static void test_full_disk(void **state) {
        fail_each(DISK_WRITE, 1, SQLITE_FULL);
        fail_each(DISK_WRITE, 5, SQLITE_FULL);
}

static void test_failing_writes(void **state) {
        fail_each(DISK_WRITE | DISK_TRUNCATE, 1, 0);
        fail_each(DISK_WRITE | DISK_TRUNCATE, 5, 0);
}

static void test_failing_syncs(void **state) {
        fail_each(DISK_SYNC, 1, 0);
        fail_each(DISK_SYNC, 3, 0);
}

static void test_failing_reads(void **state) {
        fail_each(DISK_READ, 1, 0);
}

static void test_failing_operations(void **state) {
        fail_each(DISK_ALL, 1, 0);
}

/* Cuts the power at each operation of the story, and looks at what is left. */
static void cut_each(uint32_t keep) {
        unsigned at = 1 + keep % 3; /* by steps of 3, all four together hit each operation */
        bool off;

        do {
                struct story story = {.fixture = fixture_new()};

                disk_heal();
                disk_cut_power(at);
                tell(&story);
                off = disk_is_off();
                /* A thread that was not waited for closes its files by itself. */
                WAIT_FOR(story.fixture, disk_open_files() == 0);
                disk_power_up(keep > 1 ? keep + 1000 * at : keep);
                assert_kept(&story);
                fixture_free(story.fixture);
                at += fault_step(3);
        } while (off);
        assert_true(at > 50);
}

static void test_power_cut_loses_what_is_not_synced(void **state) {
        cut_each(0);
}

static void test_power_cut_keeps_all(void **state) {
        cut_each(1);
}

static void test_power_cut_keeps_parts(void **state) {
        cut_each(2);
        cut_each(3);
}

static void test_full_disk_still_answers(void **state) {
        struct fixture *f = *state;
        struct store_episode first = sample_episode(1, 1), second = sample_episode(2, 2), got;
        struct outcome outcome = {};
        struct sensors sensors;

        fixture_open(f);
        put_parents(f);
        assert_int_equal(put_episode(f, &first), 0);
        disk_fail(DISK_WRITE, 1, UINT32_MAX, SQLITE_FULL);
        assert_return_code(store_put_episode(f->store, &second, on_done, &outcome), 0);
        WAIT_FOR(f, f->n_reports == 2);
        assert_int_equal(f->errors[1], -ENOSPC);
        assert_non_null(strstr(f->texts[1], "space"));
        assert_int_equal(store_get_error(f->store), -ENOSPC);
        got = get_episode(f, first.id);
        assert_episode_equal(&got, &first);
        assert_int_equal(list_sensors(f, &sensors), 0);
        assert_int_equal(sensors.n, 1);
        assert_int_equal(outcome.calls, 0);

        /* Also when the daemon starts on it: it has to know its sensors to raise alerts. */
        f->store = store_close(f->store, 0);
        assert_int_equal(outcome.calls, 1);
        assert_int_equal(outcome.error, -ECANCELED);
        fixture_open(f);
        WAIT_FOR(f, f->n_reports == 1);
        assert_int_equal(f->errors[0], -ENOSPC);
        assert_int_equal(list_sensors(f, &sensors), 0);
        assert_int_equal(sensors.n, 1);
        assert_return_code(store_put_episode(f->store, &second, on_done, &outcome), 0);
        disk_heal();
        WAIT_FOR(f, outcome.calls == 2);
        assert_int_equal(outcome.error, 0);
        WAIT_FOR(f, f->n_reports == 2);
        assert_int_equal(f->errors[1], 0);
}

/* Who wanted it forgotten has the answer; from the disk it goes when that works again. */
static void test_forgetting_is_tried_again(void **state) {
        static const char secret[] = "medicines=warfarin";
        struct fixture *f = *state;
        struct store_person_change change = {.kind = STORE_CHANGE_PROFILE, .uid = OWNER_UID};
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);
        struct outcome outcome = {};

        fixture_open(f);
        put_parents(f);
        (void)strcpy(change.profile, secret);
        assert_return_code(store_change_person(f->store, &change, on_done, &outcome), 0);
        WAIT_FOR(f, outcome.calls == 1);
        /* The first two are the commit's, which begins the log anew. */
        disk_fail(DISK_SYNC, 3, 1, 0);
        change.profile[0] = '\0';
        assert_return_code(store_change_person(f->store, &change, on_done, &outcome), 0);
        WAIT_FOR(f, outcome.calls == 2);
        assert_int_equal(outcome.error, 0);
        assert_int_equal(disk_failures(), 1);
        assert_true(is_on_disk(f, secret, strlen(secret)));
        assert_int_equal(put_night(f, &night), 0);
        assert_false(is_on_disk(f, secret, strlen(secret)));
}

static void test_damage_at_work(void **state) {
        struct fixture *f = *state;
        struct store_episode first = sample_episode(1, 1), second = sample_episode(2, 2),
                             third = sample_episode(3, 3);
        struct store_filter filter = filter_all();
        struct page *page = calloc(1, sizeof(*page));
        char path[512];

        assert_non_null(page);
        fixture_open(f);
        put_parents(f);
        assert_int_equal(put_episode(f, &first), 0);

        /* Once: looked at, found sound, used on. */
        disk_fail(DISK_WRITE, 1, 1, SQLITE_CORRUPT);
        assert_int_equal(put_episode(f, &second), 0);
        WAIT_FOR(f, f->n_reports == 3);
        assert_int_equal(f->errors[1], -EBADMSG);
        assert_int_equal(f->errors[2], 0);
        assert_false(find_file(f, "crampd.db.damaged", "", path, sizeof(path)));

        /* Twice in a row: set aside. The fresh one begins with the sensor and its night. */
        disk_fail(DISK_WRITE, 1, 2, SQLITE_CORRUPT);
        assert_int_equal(put_episode(f, &third), 0);
        WAIT_FOR(f, f->n_reports == 5);
        assert_int_equal(f->errors[3], -EBADMSG);
        assert_int_equal(f->errors[4], 0);
        assert_true(find_file(f, "crampd.db.damaged-2", "Z", path, sizeof(path)));
        assert_non_null(strstr(f->texts[4], path));
        assert_int_equal(list_episodes(f, &filter, page), 0);
        assert_int_equal(page->n, 1);
        assert_episode_equal(&page->episodes[0], &third);
        fixture_close(f);
        assert_int_equal(database_number(path, "SELECT count(*) FROM episode"), 2);
        assert_database_whole(f->path);
        free(page);
}

static void test_hanging_disk(void **state) {
        struct fixture *f = *state;
        struct store_episode episode = sample_episode(1, 1);
        struct outcome waiting = {}, hanging = {};
        struct store_filter filter = filter_all();
        uint64_t begin_us;

        fixture_open(f);
        put_parents(f);
        disk_hang(true);
        assert_return_code(store_put_episode(f->store, &episode, on_done, &hanging), 0);
        WAIT_FOR(f, disk_is_hanging());

        /* No call waits for it, and closing no longer than it may. */
        begin_us = now_us();
        for (unsigned i = 2; i <= 500; i++) {
                episode = sample_episode(i, i);
                assert_return_code(store_put_episode(f->store, &episode, on_done, &waiting), 0);
        }
        for (unsigned i = 0; i < 10; i++)
                assert_return_code(store_list_episodes(f->store, &filter, NULL, NULL), 0);
        assert_true(now_us() - begin_us < (uint64_t)SECOND_US);
        begin_us = now_us();
        f->store = store_close(f->store, 50000);
        assert_in_range(now_us() - begin_us, 40000, 3000000);
        assert_int_equal(hanging.calls, 1);
        assert_int_equal(hanging.error, -ECANCELED);
        assert_int_equal(waiting.calls, 499);
        assert_int_equal(waiting.error, -ECANCELED);

        /* The thread comes back to a store that is gone, and cleans up after itself. */
        disk_hang(false);
        WAIT_FOR(f, disk_open_files() == 0);
        assert_database_whole(f->path);
}

static void test_log_stays_small(void **state) {
        struct fixture *f = *state;
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);
        char log[256];
        struct stat st;

        fixture_open(f);
        put_parents(f);
        for (unsigned i = 0; i < 2500; i++) {
                night.packets = i;
                assert_int_equal(put_night(f, &night), 0);
        }
        (void)snprintf(log, sizeof(log), "%s-wal", f->path);
        assert_return_code(stat(log, &st), errno);
        assert_in_range(st.st_size, 1,
                        5 * 1024 * 1024); /* 2500 commits of a page or more each: 10 MiB */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_full_disk),
                cmocka_unit_test(test_failing_writes),
                cmocka_unit_test(test_failing_syncs),
                cmocka_unit_test(test_failing_reads),
                cmocka_unit_test(test_failing_operations),
                cmocka_unit_test(test_power_cut_loses_what_is_not_synced),
                cmocka_unit_test(test_power_cut_keeps_all),
                cmocka_unit_test(test_power_cut_keeps_parts),
                cmocka_unit_test_setup_teardown(test_full_disk_still_answers, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_forgetting_is_tried_again, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_damage_at_work, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_hanging_disk, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_log_stays_small, setup, fixture_teardown),
        };

        return cmocka_run_group_tests_name("store-disk", tests, setup_group, NULL);
}
