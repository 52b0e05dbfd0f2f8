/* SPDX-License-Identifier: MIT */
/* Waveforms in the store: kept over restarts, told to their owner alone, gone with their episode, and no
 * more than so many of each owner. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/waveform.h"
#include "tests/unit/store-fixture.h"

#define EPISODE_ID "0000000000000001"
#define ONSET_US (INT64_C(1795470000) * SECOND_US)
#define FRAMES 1000u

static int setup(void **state) {
        struct store_episode episode = sample_episode(1, ONSET_US);

        (void)fixture_setup(state);
        assert_int_equal(put_episode(*state, &episode), 0);
        return 0;
}

static struct store_waveform *waveform_of(const char *episode, int16_t seed) {
        struct store_waveform *waveform = calloc(1, sizeof(*waveform));

        assert_non_null(waveform);
        (void)snprintf(waveform->episode, sizeof(waveform->episode), "%s", episode);
        waveform->start_us = ONSET_US - 10 * SECOND_US;
        waveform->rate_mhz = 1000000;
        waveform->channels = 2;
        waveform->scale_uv = 0.5;
        waveform->n_pieces = 2;
        waveform->pieces[0] = (struct store_piece){0, FRAMES / 2};
        waveform->pieces[1] = (struct store_piece){FRAMES, FRAMES / 2};
        waveform->samples = calloc(2 * FRAMES, sizeof(*waveform->samples));
        assert_non_null(waveform->samples);
        for (size_t i = 0; i < 2 * FRAMES; i++)
                waveform->samples[i] = (int16_t)(seed + (int16_t)(i * 7919));
        return waveform;
}

struct answer {
        unsigned calls;
        int error;
        bool found;
        struct store_waveform waveform;
        int16_t samples[2 * FRAMES];
};

static void on_waveform(int error, const struct store_waveform *waveform, void *userdata) {
        struct answer *answer = userdata;

        answer->calls++;
        answer->error = error;
        answer->found = waveform != NULL;
        if (!waveform)
                return;
        answer->waveform = *waveform;
        assert_int_equal(store_waveform_frames(waveform), FRAMES);
        memcpy(answer->samples, waveform->samples, sizeof(answer->samples));
}

static bool get(struct fixture *f, const char *id, uid_t uid, struct answer *ret) {
        struct store_filter filter = filter_all();

        filter.any_owner = false;
        filter.owner_uid = uid;
        filter.limit = 1;
        (void)snprintf(filter.id, sizeof(filter.id), "%s", id);
        *ret = (struct answer){};
        assert_return_code(store_get_waveform(f->store, &filter, on_waveform, ret), 0);
        WAIT_FOR(f, ret->calls > 0);
        assert_int_equal(ret->error, 0);
        return ret->found;
}

/* A query may be answered before a write that waits. */
static void put(struct fixture *f, const char *id, int16_t seed) {
        struct answer answer;

        assert_int_equal(store_put_waveform(f->store, waveform_of(id, seed)), 0);
        WAIT_FOR(f, get(f, id, OWNER_UID, &answer) && answer.samples[0] == seed);
}

static void test_kept(void **state) {
        struct fixture *f = *state;
        struct store_waveform *copy = waveform_of(EPISODE_ID, 3);
        struct answer answer;

        assert_false(get(f, EPISODE_ID, OWNER_UID, &answer));
        assert_false(get_episode(f, EPISODE_ID).has_waveform);
        put(f, EPISODE_ID, 1);
        put(f, EPISODE_ID, 3);
        fixture_close(f);
        fixture_open(f);
        assert_true(get(f, EPISODE_ID, OWNER_UID, &answer));
        assert_true(get_episode(f, EPISODE_ID).has_waveform);
        assert_string_equal(answer.waveform.episode, EPISODE_ID);
        assert_int_equal(answer.waveform.start_us, copy->start_us);
        assert_int_equal(answer.waveform.rate_mhz, copy->rate_mhz);
        assert_int_equal(answer.waveform.channels, 2);
        assert_true(answer.waveform.scale_uv > 0.499 && answer.waveform.scale_uv < 0.501);
        assert_int_equal(answer.waveform.n_pieces, 2);
        assert_memory_equal(answer.waveform.pieces, copy->pieces, 2 * sizeof(copy->pieces[0]));
        assert_memory_equal(answer.samples, copy->samples, sizeof(answer.samples));
        store_waveform_free(copy);
}

static void test_only_the_owner(void **state) {
        struct fixture *f = *state;
        struct answer answer;

        put(f, EPISODE_ID, 1);
        assert_false(get(f, EPISODE_ID, OWNER_UID + 1, &answer));
        assert_false(get(f, "00000000000000ee", OWNER_UID, &answer));
}

/* Neither a row of its own, nor one that another episode's number happens to fit. */
static void test_of_no_episode(void **state) {
        struct fixture *f = *state;
        struct store_episode second = sample_episode(2, ONSET_US + SECOND_US);
        struct answer answer;

        assert_int_equal(put_episode(f, &second), 0);
        put(f, EPISODE_ID, 1);
        assert_int_equal(store_put_waveform(f->store, waveform_of("00000000000000ee", 2)), 0);
        fixture_close(f);
        fixture_open(f);
        assert_false(get(f, "0000000000000002", OWNER_UID, &answer));
        assert_true(get(f, EPISODE_ID, OWNER_UID, &answer));
        fixture_close(f);
        assert_int_equal(database_number(f->path, "SELECT count(*) FROM waveform"), 1);
        fixture_open(f);
}

static void test_gone_with_the_episode(void **state) {
        struct fixture *f = *state;

        put(f, EPISODE_ID, 1);
        fixture_close(f);
        database_run(f->path, "PRAGMA foreign_keys = ON; DELETE FROM episode");
        assert_int_equal(database_number(f->path, "SELECT count(*) FROM waveform"), 0);
        fixture_open(f);
}

static void test_gives_way(void **state) {
        struct fixture *f = *state;
        struct answer answer;
        int r = 0;
        unsigned taken = 0;

        /* The loop does not turn, so no answer is taken back. */
        while (taken <= STORE_WAVEFORMS_WAITING &&
               (r = store_put_waveform(f->store, waveform_of(EPISODE_ID, 1))) == 0)
                taken++;
        assert_int_equal(r, -ENOBUFS);
        assert_int_equal(taken, STORE_WAVEFORMS_WAITING);
        WAIT_FOR(f, get(f, EPISODE_ID, OWNER_UID, &answer));
        fixture_close(f);
        fixture_open(f);
        put(f, EPISODE_ID, 2);
}

static void test_what_is_refused(void **state) {
        struct fixture *f = *state;
        struct store_waveform *waveform = waveform_of(EPISODE_ID, 1);

        waveform->scale_uv = 0;
        assert_int_equal(store_put_waveform(f->store, waveform), -EINVAL);
        assert_int_equal(store_put_waveform(f->store, waveform_of("x", 1)), -EINVAL);
}

/* The newest of each owner are kept; those of others do not count. */
static void test_bounded(void **state) {
        struct fixture *f = *state;
        char sql[1024];

        fixture_close(f);
        (void)snprintf(
                sql, sizeof(sql),
                "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < %u) "
                "INSERT INTO episode (row, id, sensor, night, muscle, leg, onset_us, alert_us, "
                "end_us, zone_offset_s, channel, end_reason, severity, confidence, detector) "
                "SELECT i, printf('%%016x', i), 1, 1, 'soleus', 'left', i, i, i, 0, 0, 'subsided', "
                "'mild', 1, '1' FROM n;"
                "INSERT INTO waveform SELECT row, 1, 0, 1000, 1, 1, 0, x'000100' FROM episode "
                "WHERE row < %u",
                STORE_WAVEFORMS_KEPT + 2, STORE_WAVEFORMS_KEPT + 2);
        database_run(f->path, sql);
        fixture_open(f);
        (void)snprintf(sql, sizeof(sql), "%016x", STORE_WAVEFORMS_KEPT + 2);
        put(f, sql, 1);
        fixture_close(f);
        assert_int_equal(database_number(f->path, "SELECT count(*) FROM waveform"),
                         STORE_WAVEFORMS_KEPT);
        assert_int_equal(database_number(f->path, "SELECT min(episode) FROM waveform"), 3);
        fixture_open(f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_kept, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_only_the_owner, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_of_no_episode, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_gone_with_the_episode, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_gives_way, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_what_is_refused, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_bounded, setup, fixture_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
