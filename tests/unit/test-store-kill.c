/* SPDX-License-Identifier: MIT */
/* The store under kill -9: a child writes episodes and names each one that was acknowledged; it is
 * killed at any moment, again and again, and each of them has to be there. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/store-fixture.h"

#define KILLS 50u
#define IN_FLIGHT_MAX 4u
#define EPISODES_MAX 100000u

/* The child's: one episode on its way. */
struct writing {
        int fd;
        uint64_t number;
        unsigned *in_flight;
};

/* In the child there is no cmocka to tell: what must not fail ends it, and the parent sees that. */
static void must(bool condition) {
        if (!condition)
                _exit(1);
}

static void on_written(int error, void *userdata) {
        struct writing *writing = userdata;

        must(error == 0);
        must(write(writing->fd, &writing->number, sizeof(writing->number)) == sizeof(writing->number));
        (*writing->in_flight)--;
        free(writing);
}

static void child_put(struct store *store, int fd, uint64_t number, unsigned *in_flight) {
        struct store_episode episode = sample_episode(number, (int64_t)number);
        struct writing *writing = malloc(sizeof(*writing));

        must(writing);
        *writing = (struct writing){.fd = fd, .number = number, .in_flight = in_flight};
        if (number % 2) {
                episode.end_us = STORE_NO_TIME;
                episode.end_reason[0] = '\0';
        }
        must(store_put_episode(store, &episode, on_written, writing) == 0);
        (*in_flight)++;
}

static void __attribute__((noreturn)) child_run(const char *path, int fd, uint64_t number) {
        struct store_sensor sensor = sample_sensor(SENSOR_ID, OWNER_UID);
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);
        struct store *store = NULL;
        sd_event *event = NULL;
        unsigned in_flight = 0;

        must(sd_event_new(&event) >= 0);
        must(store_open(path, event, NULL, NULL, &store) == 0);
        must(store_put_sensor(store, &sensor, NULL, NULL) == 0);
        must(store_put_night(store, &night, NULL, NULL) == 0);
        for (;;) {
                while (in_flight < IN_FLIGHT_MAX)
                        child_put(store, fd, number++, &in_flight);
                must(sd_event_run(event, UINT64_MAX) >= 0);
        }
}

/* Takes one number that the child acknowledges. Returns false when there is none in that time, or (-1:
 * no limit) no child any more. */
static bool take_number(int fd, int limit_ms, bool *acknowledged, uint64_t *last) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        uint64_t number;
        ssize_t n;

        if (poll(&wait, 1, limit_ms) == 0)
                return false;
        n = read(fd, &number, sizeof(number));
        if (n == 0)
                return false;
        assert_int_equal(n, sizeof(number)); /* a pipe keeps writes of this size in one piece */
        assert_in_range(number, 1, EPISODES_MAX - 1);
        acknowledged[number] = true;
        *last = number;
        return true;
}

static void take_numbers_for(int fd, uint64_t for_us, bool *acknowledged, uint64_t *last) {
        uint64_t end_us = now_us() + for_us;

        for (uint64_t now = now_us(); now < end_us; now = now_us())
                if (!take_number(fd, (int)((end_us - now + 999) / 1000), acknowledged, last))
                        return;
}

static uint64_t kill_once(struct fixture *f, uint64_t first, bool at_work, bool *acknowledged) {
        int pipes[2], status;
        uint64_t last = 0;
        pid_t child;

        assert_return_code(pipe(pipes), errno);
        child = fork();
        assert_return_code(child, errno);
        if (child == 0) {
                (void)close(pipes[0]);
                child_run(f->path, pipes[1], first);
        }
        assert_return_code(close(pipes[1]), errno);

        /* Any moment: while it opens, recovers, writes; for sure while it writes if asked. */
        if (at_work)
                assert_true(take_number(pipes[0], 60000, acknowledged, &last));
        take_numbers_for(pipes[0], (uint64_t)(rand() % 60000), acknowledged, &last);
        assert_return_code(kill(child, SIGKILL), errno);
        while (take_number(pipes[0], -1, acknowledged, &last))
                ;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        assert_return_code(close(pipes[0]), errno);
        return last;
}

/* Every acknowledged episode is there, and none lasts. Returns how many there are. */
static size_t assert_all_there(struct fixture *f, const bool *acknowledged, bool *found,
                               struct page *page) {
        struct store_filter filter = filter_all();
        size_t n = 0;

        memset(found, 0, EPISODES_MAX);
        fixture_open(f);
        do {
                assert_int_equal(list_episodes(f, &filter, page), 0);
                for (size_t i = 0; i < page->n; i++) {
                        uint64_t number = strtoull(page->episodes[i].id, NULL, 16);

                        assert_in_range(number, 1, EPISODES_MAX - 1);
                        found[number] = true;
                        n++;
                }
                filter.after = page->cursor;
        } while (page->cursor != 0);
        WAIT_FOR(f, f->n_reports > 0);
        assert_int_equal(f->errors[0], 0);
        fixture_close(f);
        for (size_t i = 0; i < EPISODES_MAX; i++)
                assert_true(found[i] || !acknowledged[i]);
        assert_int_equal(database_number(f->path, "SELECT count(*) FROM episode WHERE end_us IS NULL"),
                         0);
        return n;
}

static void test_kill(void **state) {
        struct fixture *f = fixture_new();
        bool *acknowledged = calloc(EPISODES_MAX, sizeof(bool)),
             *found = calloc(EPISODES_MAX, sizeof(bool));
        struct page *page = calloc(1, sizeof(*page));
        uint64_t next = 1;
        unsigned fruitful = 0;
        char path[512];

        assert_non_null(acknowledged);
        assert_non_null(found);
        assert_non_null(page);
        srand(20261123);
        for (unsigned i = 0; i < KILLS; i++) {
                uint64_t last = kill_once(f, next, i % 2, acknowledged);

                if (last > 0) {
                        fruitful++;
                        next = last + 2 * IN_FLIGHT_MAX; /* beyond what was on its way */
                }
                (void)assert_all_there(f, acknowledged, found, page);
                assert_false(find_file(f, "crampd.db.damaged", "", path, sizeof(path)));
                assert_database_whole(f->path);
        }
        print_message("# %u kills, %u of them after an acknowledged episode, %zu episodes\n", KILLS,
                      fruitful, assert_all_there(f, acknowledged, found, page));
        assert_true(fruitful >= KILLS / 2);
        free(acknowledged);
        free(found);
        free(page);
        fixture_free(f);
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill)};

        return cmocka_run_group_tests_name("store-kill", tests, NULL, NULL);
}
