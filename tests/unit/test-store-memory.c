/* SPDX-License-Identifier: MIT */
/*
 * The store when memory runs out: each allocation of its own and of SQLite fails in turn. A call says
 * -ENOMEM or does its work; what it accepted is written in the end, and the database stays whole. Linked
 * with --wrap for the allocators.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/outline.h"
#include "daemon/store/waveform.h"
#include "tests/unit/store-disk.h"
#include "tests/unit/store-fixture.h"

#define EPISODES 3u

/* The fail_at-th allocation of that kind from when it was set fails, and the fail_n - 1 after it; 0 =
 * none. */
enum kind { KIND_OWN, KIND_SQLITE };
static atomic_int fail_kind;
static atomic_long fail_at, fail_n, failures;

static bool allocation_fails(enum kind kind) {
        long left;

        if ((int)kind != atomic_load(&fail_kind) || atomic_load(&fail_at) == 0)
                return false;
        left = atomic_fetch_sub(&fail_at, 1);
        if (left > 1)
                return false;
        atomic_store(&fail_at, 1);
        if (atomic_fetch_sub(&fail_n, 1) <= 0) {
                atomic_store(&fail_at, 0);
                return false;
        }
        (void)atomic_fetch_add(&failures, 1);
        return true;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_reallocarray(void *pointer, size_t n, size_t size);
void *__wrap_reallocarray(void *pointer, size_t n, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size) {
        return allocation_fails(KIND_OWN) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
        return allocation_fails(KIND_OWN) ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *pointer, size_t n, size_t size) {
        return allocation_fails(KIND_OWN) ? NULL : __real_reallocarray(pointer, n, size);
}

char *__wrap_strdup(const char *text) {
        return allocation_fails(KIND_OWN) ? NULL : __real_strdup(text);
}

static sqlite3_mem_methods sqlite_memory;

static void *sqlite_malloc(int size) {
        return allocation_fails(KIND_SQLITE) ? NULL : sqlite_memory.xMalloc(size);
}

static void *sqlite_realloc(void *pointer, int size) {
        return allocation_fails(KIND_SQLITE) ? NULL : sqlite_memory.xRealloc(pointer, size);
}

static int setup_group(void **state) {
        sqlite3_mem_methods failing;

        /* Nobody asks how much memory SQLite has, and counting it takes a lock each time. */
        assert_int_equal(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0), SQLITE_OK);
        assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory), SQLITE_OK);
        failing = sqlite_memory;
        failing.xMalloc = sqlite_malloc;
        failing.xRealloc = sqlite_realloc;
        assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
        /* What SQLite allocates once per process is not the store's. */
        assert_int_equal(sqlite3_initialize(), SQLITE_OK);
        disk_install(); /* for speed: a disk that is sound and need not sync */
        return 0;
}

/* Repeats a call until it was accepted. */
#define UNTIL_ACCEPTED(call)                                     \
        do {                                                     \
                int _r;                                          \
                while ((_r = (call)) == -ENOMEM)                 \
                        assert_true(atomic_load(&failures) > 0); \
                assert_return_code(_r, 0);                       \
        } while (0)

/* Returns false when the store could not even begin. */
struct rows_told {
        unsigned calls;
        int error;
        size_t n;
};

static void on_outline(int error, const struct store_outline *outline, uint64_t cursor, void *userdata) {
        struct rows_told *told = userdata;

        told->calls++;
        told->error = error;
        told->n = error < 0 ? 0 : outline->n_rows;
}

static int tabulate_episodes(struct fixture *f, const struct store_filter *filter,
                             struct rows_told *told) {
        int r;

        told->calls = 0;
        r = store_tabulate_episodes(f->store, filter, on_outline, told);
        if (r < 0)
                return r;
        WAIT_FOR(f, told->calls > 0);
        return told->error;
}

/* Given until it is taken; the store frees it in any case. */
static void put_waveform(struct fixture *f) {
        for (;;) {
                struct store_waveform *waveform = calloc(1, sizeof(*waveform));
                int r;

                if (!waveform)
                        continue;
                (void)snprintf(waveform->episode, sizeof(waveform->episode), "%016x", EPISODES);
                waveform->start_us = 1;
                waveform->rate_mhz = 1000000;
                waveform->channels = waveform->n_pieces = 1;
                waveform->scale_uv = 1;
                waveform->pieces[0].frames = 100;
                waveform->samples = calloc(100, sizeof(*waveform->samples));
                if (!waveform->samples) {
                        (void)store_waveform_free(waveform);
                        continue;
                }
                r = store_put_waveform(f->store, waveform);
                assert_true(r == 0 || r == -ENOMEM);
                if (r == 0)
                        return;
        }
}

static void on_waveform(int error, const struct store_waveform *waveform, void *userdata) {
        struct rows_told *told = userdata;

        told->calls++;
        told->error = error;
        told->n = waveform ? store_waveform_frames(waveform) : 0;
}

static int get_waveform(struct fixture *f, struct rows_told *told) {
        struct store_filter filter = filter_all();
        int r;

        (void)snprintf(filter.id, sizeof(filter.id), "%016x", EPISODES);
        told->calls = 0;
        r = store_get_waveform(f->store, &filter, on_waveform, told);
        if (r < 0)
                return r;
        WAIT_FOR(f, told->calls > 0);
        return told->error;
}

static bool tell(struct fixture *f, struct page *page) {
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);
        struct store_gap gap = {.night = NIGHT_ID, .start_us = 1, .end_us = 2, .reason = "no-data"};
        struct store_filter filter = filter_all();
        struct outcome outcome = {};
        struct sensors sensors;
        struct rows_told told;
        int r;

        r = store_open(f->path, f->event, NULL, NULL, &f->store);
        if (r < 0) {
                assert_int_equal(r, -ENOMEM);
                assert_null(f->store);
                return false;
        }
        UNTIL_ACCEPTED(store_put_sensor(f->store, &sensor, on_done, &outcome));
        UNTIL_ACCEPTED(store_put_night(f->store, &night, on_done, &outcome));
        UNTIL_ACCEPTED(store_put_gap(f->store, &gap));
        for (unsigned i = 1; i <= EPISODES; i++) {
                struct store_episode episode = sample_episode(i, i);

                UNTIL_ACCEPTED(store_put_episode(f->store, &episode, on_done, &outcome));
                WAIT_FOR(f, outcome.calls == 2 + i);
                assert_int_equal(outcome.error, 0);
        }
        put_waveform(f);
        do
                r = get_waveform(f, &told);
        while (r == -ENOMEM || (r == 0 && told.n == 0)); /* a query may come before the write */
        assert_int_equal(r, 0);
        assert_int_equal(told.n, 100);
        do
                r = list_sensors(f, &sensors);
        while (r == -ENOMEM);
        assert_int_equal(r, 0);
        assert_int_equal(sensors.n, 1);
        do
                r = list_episodes(f, &filter, page);
        while (r == -ENOMEM);
        assert_int_equal(r, 0);
        assert_int_equal(page->n, EPISODES);
        do
                r = tabulate_episodes(f, &filter, &told);
        while (r == -ENOMEM);
        assert_int_equal(r, 0);
        assert_int_equal(told.n, EPISODES);
        fixture_close(f);
        return true;
}

static void fail_each(enum kind kind, long n, unsigned step) {
        struct page *page = calloc(1, sizeof(*page));
        struct store_filter filter = filter_all();
        unsigned stories = 0;
        long at = 1, failed;

        assert_non_null(page);
        do {
                struct fixture *f = fixture_new();
                char path[512];
                bool told;

                atomic_store(&failures, 0);
                atomic_store(&fail_kind, (int)kind);
                atomic_store(&fail_n, n);
                atomic_store(&fail_at, at);
                told = tell(f, page);
                atomic_store(&fail_at, 0);
                failed = atomic_load(&failures);

                if (told) {
                        fixture_open(f);
                        assert_int_equal(list_episodes(f, &filter, page), 0);
                        assert_int_equal(page->n, EPISODES);
                        fixture_close(f);
                        assert_false(find_file(f, "crampd.db.damaged", "", path, sizeof(path)));
                        assert_database_whole(f->path);
                        assert_int_equal(database_number(f->path, "SELECT count(*) FROM gap"), 1);
                }
                fixture_free(f);
                at += step;
                stories++;
        } while (failed > 0);
        assert_true(stories > 10);
        free(page);
}

static void test_own_memory(void **state) {
        fail_each(KIND_OWN, 1, 1);
        fail_each(KIND_OWN, 4, 1);
}

static void test_memory_of_sqlite(void **state) {
        fail_each(KIND_SQLITE, 1, fault_step(41));
        fail_each(KIND_SQLITE, 4, fault_step(43));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_own_memory),
                cmocka_unit_test(test_memory_of_sqlite),
        };

        return cmocka_run_group_tests_name("store-memory", tests, setup_group, NULL);
}
