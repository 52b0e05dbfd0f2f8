/* SPDX-License-Identifier: MIT */
/* What the tests of the store share: see store-fixture.h. */
#include "tests/unit/store-fixture.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

uint64_t now_us(void) {
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

struct fixture *fixture_new(void) {
        struct fixture *fixture = calloc(1, sizeof(*fixture));
        const char *tmp = getenv("TMPDIR");

        assert_non_null(fixture);
        assert_true(snprintf(fixture->folder, sizeof(fixture->folder), "%s/test-store-XXXXXX",
                             tmp ? tmp : "/tmp") < (int)sizeof(fixture->folder));
        assert_non_null(mkdtemp(fixture->folder));
        assert_true(snprintf(fixture->path, sizeof(fixture->path), "%s/crampd.db", fixture->folder) <
                    (int)sizeof(fixture->path));
        assert_return_code(sd_event_new(&fixture->event), 0);
        return fixture;
}

void fixture_free(struct fixture *fixture) {
        struct dirent *entry;
        DIR *folder;

        if (fixture->store)
                fixture_close(fixture);
        sd_event_unref(fixture->event);
        folder = opendir(fixture->folder);
        assert_non_null(folder);
        while ((entry = readdir(folder)))
                if (entry->d_name[0] != '.') {
                        char path[sizeof(fixture->folder) + sizeof(entry->d_name)];

                        (void)snprintf(path, sizeof(path), "%s/%s", fixture->folder, entry->d_name);
                        assert_return_code(remove(path), errno);
                }
        (void)closedir(folder);
        assert_return_code(rmdir(fixture->folder), errno);
        free(fixture);
}

static void on_health(int error, const char *text, void *userdata) {
        struct fixture *fixture = userdata;
        size_t i = fixture->n_reports++;

        assert_non_null(text);
        assert_true(text[0] != '\0');
        if (i >= REPORTS_KEPT)
                return;
        fixture->errors[i] = error;
        (void)snprintf(fixture->texts[i], sizeof(fixture->texts[i]), "%s", text);
}

void fixture_open(struct fixture *fixture) {
        fixture->n_reports = 0;
        assert_return_code(
                store_open(fixture->path, fixture->event, on_health, fixture, &fixture->store), 0);
}

void fixture_close(struct fixture *fixture) {
        fixture->store = store_close(fixture->store, CLOSE_US);
        assert_null(fixture->store);
}

void fixture_turn(struct fixture *fixture) {
        assert_return_code(sd_event_run(fixture->event, 50000), 0);
}

void on_done(int error, void *userdata) {
        struct outcome *outcome = userdata;

        outcome->calls++;
        outcome->error = error;
}

void on_annotated(int error, const char *beside, void *userdata) {
        struct outcome *outcome = userdata;

        on_done(error, outcome);
        (void)snprintf(outcome->beside, sizeof(outcome->beside), "%s", beside);
}

struct store_sensor sample_sensor(const char *id, uid_t owner_uid) {
        struct store_sensor sensor = {
                .owner_uid = owner_uid,
                .address = "C0:FF:EE:00:00:01",
                .driver = "open",
                .sensitivity = "low",
                .learning = true,
                .learning_since_us = INT64_C(1764000000) * SECOND_US,
                .name = "Wade",
                .muscle = "gastrocnemius",
                .leg = "left",
                .added_us = INT64_C(1764000000) * SECOND_US,
                .removed_us = STORE_NO_TIME,
                .zone_offset_s = 3600,
        };

        (void)snprintf(sensor.id, sizeof(sensor.id), "%s", id);
        return sensor;
}

struct store_night sample_night(const char *id, const char *sensor) {
        struct store_night night = {
                .evening = "2026-11-23",
                .start_us = INT64_C(1795470000) * SECOND_US,
                .end_us = STORE_NO_TIME,
                .seen_us = INT64_C(1795473600) * SECOND_US,
                .zone_offset_s = 3600,
                .rate_mhz = 1000000,
                .channels = 4,
                .packets = 123456,
                .lost_packets = 7,
        };

        (void)snprintf(night.id, sizeof(night.id), "%s", id);
        (void)snprintf(night.sensor, sizeof(night.sensor), "%s", sensor);
        return night;
}

struct store_episode sample_episode(uint64_t number, int64_t onset_us) {
        struct store_episode episode = {
                .sensor = SENSOR_ID,
                .night = NIGHT_ID,
                .muscle = "gastrocnemius",
                .leg = "left",
                .onset_us = onset_us,
                .alert_us = onset_us + 3 * SECOND_US,
                .end_us = onset_us + 60 * SECOND_US,
                .zone_offset_s = -12600,
                .channel = 2,
                .end_reason = "subsided",
                .severity = "strong",
                .peak_uv = 512.25,
                .median_hz = 71.5,
                .confidence = 0.875,
                .detector = "1",
        };

        assert_int_not_equal(number, 0);
        (void)snprintf(episode.id, sizeof(episode.id), "%016" PRIx64, number);
        return episode;
}

int put_sensor(struct fixture *fixture, const struct store_sensor *sensor) {
        struct outcome outcome = {};

        assert_return_code(store_put_sensor(fixture->store, sensor, on_done, &outcome), 0);
        WAIT_FOR(fixture, outcome.calls > 0);
        return outcome.error;
}

int put_night(struct fixture *fixture, const struct store_night *night) {
        struct outcome outcome = {};

        assert_return_code(store_put_night(fixture->store, night, on_done, &outcome), 0);
        WAIT_FOR(fixture, outcome.calls > 0);
        return outcome.error;
}

int put_episode(struct fixture *fixture, const struct store_episode *episode) {
        struct outcome outcome = {};

        assert_return_code(store_put_episode(fixture->store, episode, on_done, &outcome), 0);
        WAIT_FOR(fixture, outcome.calls > 0);
        return outcome.error;
}

void put_parents(struct fixture *fixture) {
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);

        assert_int_equal(put_sensor(fixture, &sensor), 0);
        assert_int_equal(put_night(fixture, &night), 0);
}

static void on_episodes(int error, const struct store_episode *episodes, size_t n, uint64_t cursor,
                        void *userdata) {
        struct page *page = userdata;

        assert_true(n <= STORE_PAGE_MAX);
        page->calls++;
        page->error = error;
        page->n = n;
        page->cursor = cursor;
        if (n > 0)
                memcpy(page->episodes, episodes, n * sizeof(*episodes));
}

static void on_sensors(int error, const struct store_sensor *sensors, size_t n, void *userdata) {
        struct sensors *all = userdata;

        assert_true(n <= sizeof(all->sensors) / sizeof(all->sensors[0]));
        all->calls++;
        all->error = error;
        all->n = n;
        if (n > 0)
                memcpy(all->sensors, sensors, n * sizeof(*sensors));
}

struct store_filter filter_all(void) {
        return (struct store_filter){
                .any_owner = true,
                .since_us = STORE_NO_TIME,
                .until_us = STORE_NO_TIME,
                .limit = STORE_PAGE_MAX,
        };
}

int list_episodes(struct fixture *fixture, const struct store_filter *filter, struct page *ret) {
        int r;

        ret->calls = 0;
        r = store_list_episodes(fixture->store, filter, on_episodes, ret);
        if (r < 0)
                return r;
        WAIT_FOR(fixture, ret->calls > 0);
        return ret->error;
}

int list_sensors(struct fixture *fixture, struct sensors *ret) {
        int r;

        ret->calls = 0;
        r = store_list_sensors(fixture->store, on_sensors, ret);
        if (r < 0)
                return r;
        WAIT_FOR(fixture, ret->calls > 0);
        return ret->error;
}

struct store_episode get_episode(struct fixture *fixture, const char *id) {
        struct store_filter filter = filter_all();
        struct store_episode episode;
        struct page *page = calloc(1, sizeof(*page));

        assert_non_null(page);
        (void)snprintf(filter.id, sizeof(filter.id), "%s", id);
        assert_int_equal(list_episodes(fixture, &filter, page), 0);
        assert_int_equal(page->n, 1);
        assert_int_equal(page->cursor, 0);
        episode = page->episodes[0];
        free(page);
        return episode;
}

void assert_sensor_equal(const struct store_sensor *a, const struct store_sensor *b) {
        assert_string_equal(a->id, b->id);
        assert_int_equal(a->owner_uid, b->owner_uid);
        assert_string_equal(a->address, b->address);
        assert_string_equal(a->driver, b->driver);
        assert_string_equal(a->name, b->name);
        assert_string_equal(a->muscle, b->muscle);
        assert_string_equal(a->leg, b->leg);
        assert_true(a->added_us == b->added_us);
        assert_true(a->removed_us == b->removed_us);
        assert_int_equal(a->zone_offset_s, b->zone_offset_s);
        assert_string_equal(a->sensitivity, b->sensitivity);
        assert_int_equal(a->learning, b->learning);
        assert_true(a->learning_since_us == b->learning_since_us);
}

static void assert_real_equal(double a, double b) {
        assert_true(isnan(a) ? isnan(b) : a == b);
}

void assert_episode_equal(const struct store_episode *a, const struct store_episode *b) {
        assert_string_equal(a->id, b->id);
        assert_string_equal(a->sensor, b->sensor);
        assert_string_equal(a->night, b->night);
        assert_string_equal(a->muscle, b->muscle);
        assert_string_equal(a->leg, b->leg);
        assert_true(a->onset_us == b->onset_us);
        assert_true(a->alert_us == b->alert_us);
        assert_true(a->end_us == b->end_us);
        assert_int_equal(a->zone_offset_s, b->zone_offset_s);
        assert_int_equal(a->channel, b->channel);
        assert_string_equal(a->end_reason, b->end_reason);
        assert_string_equal(a->severity, b->severity);
        assert_real_equal(a->peak_uv, b->peak_uv);
        assert_real_equal(a->median_hz, b->median_hz);
        assert_real_equal(a->confidence, b->confidence);
        assert_string_equal(a->detector, b->detector);
}

sqlite3 *database_look(const char *path) {
        sqlite3 *handle = NULL;

        /* By the system's own VFS, whatever stands in front of it. */
        assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
        return handle;
}

void database_run(const char *path, const char *sql) {
        sqlite3 *handle = database_look(path);
        char *message = NULL;

        if (sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK)
                fail_msg("%s: %s", sql, message);
        assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

void database_text(const char *path, const char *sql, char *ret, size_t size) {
        sqlite3 *handle = database_look(path);
        sqlite3_stmt *statement = NULL;
        const unsigned char *text;

        if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) != SQLITE_OK)
                fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        text = sqlite3_column_text(statement, 0);
        (void)snprintf(ret, size, "%s", text ? (const char *)text : "NULL");
        assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
        assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

int64_t database_number(const char *path, const char *sql) {
        char text[64];
        char *end;
        int64_t number;

        database_text(path, sql, text, sizeof(text));
        number = strtoll(text, &end, 10);
        assert_true(end != text && *end == '\0');
        return number;
}

void assert_database_whole(const char *path) {
        char text[256];

        /* At once: opening takes longer than looking, and thousands of databases are looked at. */
        database_text(path,
                      "SELECT group_concat(integrity_check) || ', ' || "
                      "(SELECT count(*) FROM pragma_foreign_key_check) FROM pragma_integrity_check",
                      text, sizeof(text));
        assert_string_equal(text, "ok, 0");
}

unsigned fault_step(unsigned step) {
        if (getenv("STORE_THOROUGH"))
                return 1;
        return getenv("TESTS_SLOW") ? 3 * step + 1 : step;
}

bool find_file(const struct fixture *fixture, const char *prefix, const char *suffix, char *ret,
               size_t size) {
        DIR *folder = opendir(fixture->folder);
        struct dirent *entry;
        bool found = false;

        assert_non_null(folder);
        while ((entry = readdir(folder))) {
                size_t length = strlen(entry->d_name), end = strlen(suffix);

                if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 || length < end ||
                    strcmp(entry->d_name + length - end, suffix) != 0)
                        continue;
                assert_false(found);
                found = true;
                (void)snprintf(ret, size, "%s/%s", fixture->folder, entry->d_name);
        }
        (void)closedir(folder);
        return found;
}

bool file_exists(const char *path) {
        return access(path, F_OK) == 0;
}

static bool file_holds(const char *path, const void *bytes, size_t size) {
        FILE *file = fopen(path, "rb");
        char *content = NULL;
        struct stat st;
        bool holds;

        if (!file)
                return false;
        assert_return_code(fstat(fileno(file), &st), errno);
        content = malloc((size_t)st.st_size + 1);
        assert_non_null(content);
        assert_int_equal(fread(content, 1, (size_t)st.st_size, file), st.st_size);
        holds = memmem(content, (size_t)st.st_size, bytes, size) != NULL;
        (void)fclose(file);
        free(content);
        return holds;
}

bool is_on_disk(const struct fixture *fixture, const void *bytes, size_t size) {
        char log[256];

        assert_in_range(snprintf(log, sizeof(log), "%s-wal", fixture->path), 1, sizeof(log) - 1);
        return file_holds(fixture->path, bytes, size) || file_holds(log, bytes, size);
}

int fixture_setup(void **state) {
        struct fixture *fixture = fixture_new();

        fixture_open(fixture);
        put_parents(fixture);
        *state = fixture;
        return 0;
}

int fixture_teardown(void **state) {
        fixture_free(*state);
        return 0;
}
