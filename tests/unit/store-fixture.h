/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the store share: a folder that goes away again, a loop with a deadline, a store in
 * it, rows to put, and calls that wait for their answer. Every wait ends on its condition or fails the
 * test.
 */
#pragma once

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "daemon/store/store.h"

#define SECOND_US INT64_C(1000000)
#define CLOSE_US UINT64_C(20000000)

#define SENSOR_ID "00000000000000a1"
#define NIGHT_ID "00000000000000b1"
#define OWNER_UID 1000u

#define REPORTS_KEPT 16u

struct fixture {
        char folder[64];
        char path[128];
        sd_event *event;
        struct store *store;
        size_t n_reports;
        int errors[REPORTS_KEPT];
        char texts[REPORTS_KEPT][1024];
};

struct fixture *fixture_new(void);
void fixture_free(struct fixture *fixture);

/* Begins and ends a run; begin does not wait for the database. */
void fixture_open(struct fixture *fixture);
void fixture_close(struct fixture *fixture);

/* Turns the loop once, at most for 50 ms. */
void fixture_turn(struct fixture *fixture);

/* Turns the loop until the condition holds; fails the test when that takes too long. */
#define WAIT_FOR(fixture, condition)                                            \
        do {                                                                    \
                uint64_t _deadline = now_us() + 60 * (uint64_t)SECOND_US;       \
                while (!(condition)) {                                          \
                        if (now_us() > _deadline)                               \
                                fail_msg("waited too long for %s", #condition); \
                        fixture_turn(fixture);                                  \
                }                                                               \
        } while (0)

uint64_t now_us(void);

/* Counts what its callbacks say. `userdata` of the calls below. */
struct outcome {
        unsigned calls;
        int error;                  /* of the last call */
        char beside[STORE_ID_SIZE]; /* of that of on_annotated() */
};

void on_done(int error, void *userdata);
void on_annotated(int error, const char *beside, void *userdata);

struct store_sensor sample_sensor(const char *id, uid_t owner_uid);
struct store_night sample_night(const char *id, const char *sensor);
/* Of SENSOR_ID in NIGHT_ID, over. `number` makes the id. */
struct store_episode sample_episode(uint64_t number, int64_t onset_us);

/* Put and wait; the error of the answer. */
int put_sensor(struct fixture *fixture, const struct store_sensor *sensor);
int put_night(struct fixture *fixture, const struct store_night *night);
int put_episode(struct fixture *fixture, const struct store_episode *episode);
/* SENSOR_ID of OWNER_UID, and NIGHT_ID. */
void put_parents(struct fixture *fixture);

/* For cmocka: a store that is open and has the parents, and the end of any. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

struct page {
        unsigned calls;
        int error;
        struct store_episode episodes[STORE_PAGE_MAX];
        size_t n;
        uint64_t cursor;
};

struct sensors {
        unsigned calls;
        int error;
        struct store_sensor sensors[16];
        size_t n;
};

/* All episodes of all owners, STORE_PAGE_MAX a page. */
struct store_filter filter_all(void);
/* Ask and wait; the error of the call or of the answer. */
int list_episodes(struct fixture *fixture, const struct store_filter *filter, struct page *ret);
int list_sensors(struct fixture *fixture, struct sensors *ret);
/* The episode with that id. */
struct store_episode get_episode(struct fixture *fixture, const char *id);

void assert_sensor_equal(const struct store_sensor *a, const struct store_sensor *b);
void assert_episode_equal(const struct store_episode *a, const struct store_episode *b);

/* The closed database, seen by SQLite alone. */
sqlite3 *database_look(const char *path);
void database_run(const char *path, const char *sql);
int64_t database_number(const char *path, const char *sql);
void database_text(const char *path, const char *sql, char *ret, size_t size);
void assert_database_whole(const char *path);

/* Tests in which each operation fails in turn take every `step`th, each with STORE_THOROUGH in the
 * environment, and a third as many with TESTS_SLOW: under the sanitizers. */
unsigned fault_step(unsigned step);

/* The one file in the folder whose name begins so; false when there is none, fails when there are more.
 */
bool find_file(const struct fixture *fixture, const char *prefix, const char *suffix, char *ret,
               size_t size);
bool file_exists(const char *path);
/* Whether the database or its log holds these bytes. */
bool is_on_disk(const struct fixture *fixture, const void *bytes, size_t size);
