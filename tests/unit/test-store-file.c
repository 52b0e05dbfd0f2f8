/* SPDX-License-Identifier: MIT */
/* The store's database as a file: how it is created, migrated, refused, set aside, found again and left
 * behind. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/schema.h"
#include "tests/unit/store-fixture.h"

static int setup(void **state) {
        *state = fixture_new();
        return 0;
}

/* The bytes of a file; the caller frees them. */
static char *read_file(const char *path, size_t *ret_size) {
        FILE *file = fopen(path, "re");
        struct stat st;
        char *bytes;

        assert_non_null(file);
        assert_return_code(fstat(fileno(file), &st), errno);
        bytes = malloc((size_t)st.st_size + 1);
        assert_non_null(bytes);
        *ret_size = fread(bytes, 1, (size_t)st.st_size, file);
        assert_int_equal(*ret_size, st.st_size);
        assert_int_equal(fclose(file), 0);
        return bytes;
}

static void write_file(const char *path, const void *bytes, size_t size) {
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_int_equal(fwrite(bytes, 1, size, file), size);
        assert_int_equal(fclose(file), 0);
}

static void assert_file_is(const char *path, const void *bytes, size_t size) {
        size_t found;
        char *there = read_file(path, &found);

        assert_int_equal(found, size);
        assert_memory_equal(there, bytes, size);
        free(there);
}

static unsigned mode_of(const char *path) {
        struct stat st;

        assert_return_code(stat(path, &st), errno);
        return st.st_mode & 07777;
}

static void assert_no_file(const struct fixture *f, const char *prefix) {
        char path[512];

        assert_false(find_file(f, prefix, "", path, sizeof(path)));
}

/* A database with one episode, and the fixture's store closed. */
static void make_database(struct fixture *f) {
        struct store_episode episode = sample_episode(1, 1000);

        fixture_open(f);
        put_parents(f);
        assert_int_equal(put_episode(f, &episode), 0);
        fixture_close(f);
}

/* As if the last run had been killed. */
static void mark_unclean(struct fixture *f) {
        database_run(f->path, "UPDATE meta SET value = 0 WHERE key = 'clean_shutdown'");
}

static void wait_for_work(struct fixture *f) {
        WAIT_FOR(f, f->n_reports > 0 && f->errors[f->n_reports - 1] == 0);
}

static void test_new_file(void **state) {
        struct fixture *f = *state;
        char wal[256], text[64];

        (void)umask(0);
        assert_return_code(chmod(f->folder, 0751), errno);
        fixture_open(f);
        put_parents(f);
        (void)snprintf(wal, sizeof(wal), "%s-wal", f->path);
        assert_int_equal(mode_of(f->path), 0600);
        assert_int_equal(mode_of(wal), 0600);
        assert_no_file(f, "crampd.db-shm");
        assert_int_equal(f->n_reports, 1);
        assert_int_equal(f->errors[0], 0);
        fixture_close(f);

        assert_false(file_exists(wal)); /* all of it is in the file */
        assert_int_equal(mode_of(f->folder), 0751);
        assert_int_equal(database_number(f->path, "PRAGMA application_id"), 0x43524d50);
        assert_int_equal(database_number(f->path, "PRAGMA user_version"), schema_newest());
        assert_int_equal(database_number(f->path, "SELECT value FROM meta WHERE key = 'clean_shutdown'"),
                         1);
        assert_int_equal(database_number(f->path, "PRAGMA auto_vacuum"), 2);
        database_text(f->path, "PRAGMA journal_mode", text, sizeof(text));
        assert_string_equal(text, "wal");
        assert_int_equal(database_number(f->path,
                                         "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' "
                                         "AND name NOT LIKE 'sqlite_%' AND NOT strict"),
                         0);
        assert_int_equal(
                database_number(f->path,
                                "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' "
                                "AND name IN ('person', 'sensor', 'night', 'episode', 'gap', 'meta')"),
                6);
        assert_database_whole(f->path);
}

static void test_file_of_others_is_closed_to_them(void **state) {
        struct fixture *f = *state;

        make_database(f);
        assert_return_code(chmod(f->path, 0664), errno);
        fixture_open(f);
        wait_for_work(f);
        assert_int_equal(mode_of(f->path), 0600);
}

static void test_empty_file(void **state) {
        struct fixture *f = *state;

        write_file(f->path, "", 0);
        fixture_open(f);
        put_parents(f);
        fixture_close(f);
        assert_int_equal(database_number(f->path, "PRAGMA user_version"), schema_newest());
        assert_int_equal(database_number(f->path, "SELECT count(*) FROM night"), 1);
        assert_no_file(f, "crampd.db.damaged");
}

/* A database without tables and of version 0, as SQLite leaves one behind. */
static void test_version_0(void **state) {
        struct fixture *f = *state;
        sqlite3 *handle = NULL;

        assert_int_equal(sqlite3_open(f->path, &handle), SQLITE_OK);
        assert_int_equal(sqlite3_exec(handle, "CREATE TABLE x (y); DROP TABLE x", NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_close(handle), SQLITE_OK);
        fixture_open(f);
        put_parents(f);
        fixture_close(f);
        assert_int_equal(database_number(f->path, "PRAGMA user_version"), schema_newest());
        assert_database_whole(f->path);
}

/* Nothing of the file may change, puts wait and are given up at the end, queries are answered with the
 * error. */
static void assert_refused(struct fixture *f, const char *word) {
        struct store_sensor sensor = sample_sensor("00000000000000a7", OWNER_UID);
        struct outcome outcome = {};
        struct sensors sensors;
        uint64_t begin_us;
        struct stat st;
        size_t size;
        char *before = read_file(f->path, &size), log[256];

        fixture_open(f);
        assert_return_code(store_put_sensor(f->store, &sensor, on_done, &outcome), 0);
        WAIT_FOR(f, f->n_reports > 0);
        assert_int_equal(f->errors[0], -EPROTO);
        assert_non_null(strstr(f->texts[0], word));
        assert_non_null(strstr(f->texts[0], f->path));
        assert_int_equal(store_get_error(f->store), -EPROTO);
        assert_int_equal(list_sensors(f, &sensors), -EPROTO);
        assert_int_equal(outcome.calls, 0);

        begin_us = now_us();
        fixture_close(f);
        assert_true(now_us() - begin_us < CLOSE_US / 2); /* no use in waiting */
        assert_int_equal(outcome.calls, 1);
        assert_int_equal(outcome.error, -ECANCELED);
        assert_file_is(f->path, before, size);
        assert_no_file(f, "crampd.db.damaged");
        /* To look at it, SQLite may have created a log; there is nothing in that. */
        (void)snprintf(log, sizeof(log), "%s-wal", f->path);
        assert_true(!file_exists(log) || stat(log, &st) == 0);
        assert_true(!file_exists(log) || st.st_size == 0);
        free(before);
}

static void test_newer_version(void **state) {
        struct fixture *f = *state;
        char sql[64];

        make_database(f);
        (void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", schema_newest() + 1);
        database_run(f->path, sql);
        assert_refused(f, "newer");
}

/* The version stands in the log only, as after a kill. */
static void test_newer_version_in_log(void **state) {
        struct fixture *f = *state;
        char from[256], to[256], sql[64];
        char *main_bytes, *log_bytes;
        size_t main_size, log_size;
        struct sensors sensors;
        sqlite3 *handle;

        make_database(f);
        handle = database_look(f->path);
        (void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", schema_newest() + 1);
        assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
        (void)snprintf(from, sizeof(from), "%s-wal", f->path);
        main_bytes = read_file(f->path, &main_size);
        log_bytes = read_file(from, &log_size);
        assert_true(log_size > 0);
        assert_int_equal(sqlite3_close(handle), SQLITE_OK);
        write_file(f->path, main_bytes, main_size);
        (void)snprintf(to, sizeof(to), "%s-wal", f->path);
        write_file(to, log_bytes, log_size);

        fixture_open(f);
        WAIT_FOR(f, f->n_reports > 0);
        assert_int_equal(f->errors[0], -EPROTO);
        assert_int_equal(list_sensors(f, &sensors), -EPROTO);
        fixture_close(f);
        assert_file_is(f->path, main_bytes, main_size);
        assert_file_is(to, log_bytes, log_size);
        free(main_bytes);
        free(log_bytes);
}

static void test_other_program(void **state) {
        struct fixture *f = *state;
        sqlite3 *handle = NULL;

        assert_int_equal(sqlite3_open(f->path, &handle), SQLITE_OK);
        assert_int_equal(sqlite3_exec(handle, "CREATE TABLE recipes (salt)", NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_close(handle), SQLITE_OK);
        assert_refused(f, "another program");
        database_run(f->path, "DROP TABLE recipes; PRAGMA application_id = 4711");
        assert_refused(f, "another program");
}

/* Set aside under a name that says when, kept byte by byte; a fresh one works. */
static void assert_set_aside(struct fixture *f) {
        size_t size;
        char *before = read_file(f->path, &size), path[512];
        struct sensors sensors;

        fixture_open(f);
        wait_for_work(f);
        assert_true(find_file(f, "crampd.db.damaged-2", "Z", path, sizeof(path)));
        assert_file_is(path, before, size);
        assert_non_null(strstr(f->texts[f->n_reports - 1], path));
        assert_int_equal(list_sensors(f, &sensors), 0);
        assert_int_equal(sensors.n, 0);
        put_parents(f);
        fixture_close(f);
        assert_database_whole(f->path);
        assert_int_equal(mode_of(f->path), 0600);
        free(before);
}

static void test_not_a_database(void **state) {
        struct fixture *f = *state;
        char log[256], path[512], junk[5000];

        for (size_t i = 0; i < sizeof(junk); i++)
                junk[i] = (char)(i * 31 + 7);
        write_file(f->path, junk, sizeof(junk));
        (void)snprintf(log, sizeof(log), "%s-wal", f->path);
        write_file(log, "old log", 7);
        assert_set_aside(f);
        assert_true(find_file(f, "crampd.db.damaged-2", "Z-wal", path, sizeof(path)));
        assert_file_is(path, "old log", 7);
}

static void test_three_bytes(void **state) {
        struct fixture *f = *state;

        write_file(f->path, "abc", 3);
        assert_set_aside(f);
}

static void test_damaged_page(void **state) {
        struct fixture *f = *state;
        int64_t root;
        size_t size;
        char *bytes;

        make_database(f);
        mark_unclean(f);
        root = database_number(f->path, "SELECT rootpage FROM sqlite_schema WHERE name = 'episode'");
        bytes = read_file(f->path, &size);
        memset(bytes + (root - 1) * 4096 + 4, 0xee, 600);
        write_file(f->path, bytes, size);
        free(bytes);
        assert_set_aside(f);
}

static void test_cut_off_file(void **state) {
        struct fixture *f = *state;
        size_t size;
        char *bytes;

        make_database(f);
        mark_unclean(f);
        bytes = read_file(f->path, &size);
        write_file(f->path, bytes, size - 2 * 4096);
        free(bytes);
        assert_set_aside(f);
}

static void test_missing_table(void **state) {
        struct fixture *f = *state;

        make_database(f);
        database_run(f->path, "DROP TABLE gap");
        assert_set_aside(f);
}

static void test_interrupted_run(void **state) {
        struct fixture *f = *state;
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);
        struct store_episode seen = sample_episode(1, night.seen_us - 30 * SECOND_US), late = seen,
                             over = seen, got;

        /* One was seen to last, one was raised after the night's row was written last, one is over. */
        seen.end_us = late.end_us = STORE_NO_TIME;
        seen.end_reason[0] = late.end_reason[0] = '\0';
        late.id[15] = '2';
        late.onset_us = night.seen_us + 10 * SECOND_US;
        late.alert_us = night.seen_us + 13 * SECOND_US;
        over.id[15] = '3';

        fixture_open(f);
        put_parents(f);
        assert_int_equal(put_episode(f, &seen), 0);
        assert_int_equal(put_episode(f, &late), 0);
        assert_int_equal(put_episode(f, &over), 0);
        fixture_close(f);
        mark_unclean(f);

        fixture_open(f);
        wait_for_work(f);
        (void)snprintf(seen.end_reason, sizeof(seen.end_reason), "interrupted");
        (void)snprintf(late.end_reason, sizeof(late.end_reason), "interrupted");
        seen.end_us = night.seen_us;
        late.end_us = late.alert_us;
        got = get_episode(f, seen.id);
        assert_episode_equal(&got, &seen);
        got = get_episode(f, late.id);
        assert_episode_equal(&got, &late);
        got = get_episode(f, over.id);
        assert_episode_equal(&got, &over);
        fixture_close(f);
        assert_true(database_number(f->path, "SELECT end_us FROM night") == night.seen_us);
}

static void test_folder_comes_later(void **state) {
        struct fixture *f = *state;
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);
        struct outcome outcome = {};
        struct sensors sensors;
        char folder[160];

        (void)snprintf(folder, sizeof(folder), "%s/later", f->folder);
        (void)snprintf(f->path, sizeof(f->path), "%s/later/crampd.db", f->folder);
        fixture_open(f);
        assert_return_code(store_put_sensor(f->store, &sensor, on_done, &outcome), 0);
        WAIT_FOR(f, f->n_reports > 0);
        assert_int_equal(f->errors[0], -ENOENT);
        assert_int_equal(list_sensors(f, &sensors), -ENOENT);
        assert_return_code(mkdir(folder, 0700), errno);
        WAIT_FOR(f, outcome.calls > 0);
        assert_int_equal(outcome.error, 0);
        WAIT_FOR(f, f->n_reports > 1);
        assert_int_equal(f->n_reports, 2); /* told on change only */
        assert_int_equal(f->errors[1], 0);
        assert_int_equal(list_sensors(f, &sensors), 0);
        assert_int_equal(sensors.n, 1);
        fixture_close(f);
        assert_return_code(unlink(f->path), errno);
}

static void test_path_is_a_folder(void **state) {
        struct fixture *f = *state;

        assert_return_code(mkdir(f->path, 0700), errno);
        fixture_open(f);
        WAIT_FOR(f, f->n_reports > 0);
        assert_int_equal(f->errors[0], -EISDIR);
        f->store = store_close(f->store, 0);
        assert_return_code(rmdir(f->path), errno);
}

static void test_open_elsewhere(void **state) {
        struct fixture *f = *state;
        struct store_episode episode = sample_episode(2, 2000);
        struct outcome outcome = {};
        sqlite3 *handle, *second = NULL;

        make_database(f);
        handle = database_look(f->path);
        assert_int_equal(sqlite3_exec(handle, "BEGIN; SELECT count(*) FROM night", NULL, NULL, NULL),
                         SQLITE_OK);
        fixture_open(f);
        assert_return_code(store_put_episode(f->store, &episode, on_done, &outcome), 0);
        WAIT_FOR(f, f->n_reports > 0);
        assert_int_equal(f->errors[0], -EBUSY);
        assert_int_equal(outcome.calls, 0);
        assert_int_equal(sqlite3_close(handle), SQLITE_OK);
        WAIT_FOR(f, outcome.calls > 0);
        assert_int_equal(outcome.error, 0);

        /* And the other way round: nobody gets in while the store is open. */
        assert_int_equal(sqlite3_open(f->path, &second), SQLITE_OK);
        assert_int_equal(sqlite3_exec(second, "SELECT count(*) FROM night", NULL, NULL, NULL),
                         SQLITE_BUSY);
        assert_int_equal(sqlite3_close(second), SQLITE_OK);
}

/* Deleted, then moved away with its log left behind, while crampd runs. */
static void test_file_taken_away(void **state) {
        struct fixture *f = *state;
        struct store_episode first = sample_episode(1, 1), second = sample_episode(2, 2),
                             third = sample_episode(3, 3);
        struct store_filter filter = filter_all();
        struct page *page = calloc(1, sizeof(*page));
        struct sensors sensors;
        char elsewhere[256];

        assert_non_null(page);
        make_database(f);
        fixture_open(f);
        put_parents(f);
        assert_return_code(unlink(f->path), errno);
        assert_int_equal(put_episode(f, &second), 0);
        wait_for_work(f);
        assert_int_equal(f->n_reports, 3);
        assert_int_equal(f->errors[1], -ESTALE);
        assert_non_null(strstr(f->texts[2], "deleted"));

        /* The fresh one knows the sensor and its night, and has the episode that came since. */
        assert_int_equal(list_sensors(f, &sensors), 0);
        assert_int_equal(sensors.n, 1);
        assert_string_equal(sensors.sensors[0].id, SENSOR_ID);
        assert_int_equal(list_episodes(f, &filter, page), 0);
        assert_int_equal(page->n, 1);
        assert_string_equal(page->episodes[0].id, second.id);

        (void)snprintf(elsewhere, sizeof(elsewhere), "%s/moved.db", f->folder);
        assert_return_code(rename(f->path, elsewhere), errno);
        assert_int_equal(put_episode(f, &third), 0);
        assert_int_equal(put_episode(f, &first), 0);
        fixture_close(f);
        assert_int_equal(database_number(elsewhere, "SELECT count(*) FROM episode"), 1);
        assert_int_equal(database_number(f->path, "SELECT count(*) FROM episode"), 2);
        assert_int_equal(database_number(f->path, "SELECT count(*) FROM night WHERE end_us IS NULL"), 1);
        assert_database_whole(elsewhere);
        assert_database_whole(f->path);
        free(page);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_new_file, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_file_of_others_is_closed_to_them, setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_empty_file, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_version_0, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_newer_version, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_newer_version_in_log, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_other_program, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_not_a_database, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_three_bytes, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_damaged_page, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_cut_off_file, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_missing_table, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_interrupted_run, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_folder_comes_later, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_path_is_a_folder, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_open_elsewhere, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_file_taken_away, setup, fixture_teardown),
        };

        return cmocka_run_group_tests_name("store-file", tests, NULL, NULL);
}
