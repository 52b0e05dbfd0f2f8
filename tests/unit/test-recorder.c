/* SPDX-License-Identifier: MIT */
/* Episodes that the store refuses are put again until it takes them. The store and what is around it are
 * stand-ins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "daemon/basic/cleanup.h"
#include "daemon/bus/advice-news.h"
#include "daemon/bus/alerts.h"
#include "daemon/bus/bus.h"
#include "daemon/recorder.h"
#include "daemon/sensor.h"

#define TURN_LIMIT_US (UINT64_C(60) * 1000000)

/* --- stand-ins --- */

static struct {
        int refuses; /* negative errno */
        unsigned tries;
        struct store_episode taken[RECORDER_KEPT_MAX + 8];
        size_t n;
} store;

int store_put_episode(struct store *of, const struct store_episode *episode, store_done_func done,
                      void *userdata) {
        store.tries++;
        if (store.refuses < 0)
                return store.refuses;
        assert_true(store.n < ARRAY_LENGTH(store.taken));
        store.taken[store.n++] = *episode;
        done(-ECANCELED, userdata);
        return 0;
}

struct sensor *sensor_find(struct crampd *of, const char *id) {
        return NULL;
}

const struct store_episode *night_get_episode(const struct night *night, uint64_t *ret_lasting_us) {
        return NULL;
}

void alerts_send(struct sensor *sensor, enum night_change change, const struct store_episode *episode,
                 uint64_t lasting_us, bool repeated, const char *to) {
}

void advice_news_check(struct advice_news *news, uid_t uid, const char *why) {
}

/* --- the cases --- */

static struct crampd crampd;
static struct recorder *recorder;
static struct sensor sensor;

static int setup(void **state) {
        memset(&store, 0, sizeof(store));
        if (sd_event_new(&crampd.event) < 0)
                return -1;
        return recorder_new(&crampd, &recorder);
}

static int teardown(void **state) {
        recorder = recorder_free(recorder);
        crampd.event = sd_event_unref(crampd.event);
        return 0;
}

static void put(unsigned number, int64_t end_us) {
        struct store_episode episode = {.end_us = end_us};

        (void)snprintf(episode.id, sizeof(episode.id), "%016x", number);
        recorder_put(recorder, &sensor, &episode);
}

static void wait_for_a_try(void) {
        unsigned tries = store.tries;

        while (store.tries == tries)
                assert_true(sd_event_run(crampd.event, TURN_LIMIT_US) > 0);
}

static void test_what_is_taken_is_put_once(void **state) {
        put(1, STORE_NO_TIME);
        put(1, 5);
        assert_int_equal(store.n, 2);
        assert_int_equal(sd_event_run(crampd.event, 2 * RECORDER_AGAIN_US), 0);
        assert_int_equal(store.tries, 2);
}

static void test_what_is_refused_is_put_again(void **state) {
        store.refuses = -ENOBUFS;
        put(1, STORE_NO_TIME);
        put(2, 7);
        put(1, 5); /* it ended meanwhile */
        wait_for_a_try();
        assert_int_equal(store.n, 0);
        store.refuses = 0;
        wait_for_a_try();
        assert_int_equal(store.n, 2);
        assert_string_equal(store.taken[0].id, "0000000000000001");
        assert_int_equal(store.taken[0].end_us, 5);
        assert_int_equal(store.taken[1].end_us, 7);
        assert_int_equal(sd_event_run(crampd.event, 2 * RECORDER_AGAIN_US), 0);
}

static void test_a_stop_puts_it_once_more(void **state) {
        store.refuses = -ENOBUFS;
        put(1, 5);
        store.refuses = 0;
        recorder = recorder_free(recorder);
        assert_int_equal(store.n, 1);
}

static void test_what_is_kept_is_bounded(void **state) {
        store.refuses = -ENOMEM;
        for (unsigned i = 0; i < RECORDER_KEPT_MAX + 3; i++)
                put(i, 5);
        store.refuses = 0;
        wait_for_a_try();
        assert_int_equal(store.n, RECORDER_KEPT_MAX);
        assert_string_equal(store.taken[0].id, "0000000000000003");
}

static void test_what_never_fits_is_not_kept(void **state) {
        store.refuses = -EINVAL;
        put(1, 5);
        assert_int_equal(sd_event_run(crampd.event, 2 * RECORDER_AGAIN_US), 0);
        assert_int_equal(store.tries, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_what_is_taken_is_put_once, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_is_refused_is_put_again, setup, teardown),
                cmocka_unit_test_setup_teardown(test_a_stop_puts_it_once_more, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_is_kept_is_bounded, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_never_fits_is_not_kept, setup, teardown),
        };

        return cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
}
