/* SPDX-License-Identifier: MIT */
/* Episodes in the order in which they changed: told when they are over, and again after every change,
 * page by page, to their owner, whatever the clock does. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/waveform.h"
#include "tests/unit/store-fixture.h"

#define ONSET_US (INT64_C(1795470000) * SECOND_US)

static void put(struct fixture *f, uint64_t number, bool open) {
        struct store_episode episode = sample_episode(number, ONSET_US - (int64_t)number * SECOND_US);

        if (open) {
                episode.end_us = STORE_NO_TIME;
                episode.end_reason[0] = '\0';
        }
        assert_int_equal(put_episode(f, &episode), 0);
}

/* All changes beyond a place, `limit` a page, as the last digits of their ids; the place goes on. */
static void changes(struct fixture *f, uid_t uid, uint32_t limit, struct store_filter *place,
                    char ret[static 64]) {
        static struct page page;
        size_t n = 0;

        do {
                place->any_owner = false;
                place->owner_uid = uid;
                place->changes = true;
                place->limit = limit;
                assert_int_equal(list_episodes(f, place, &page), 0);
                assert_int_equal(page.cursor, 0);
                for (size_t i = 0; i < page.n; i++) {
                        ret[n++] = page.episodes[i].id[15];
                        assert_true(page.episodes[i].changed_us > place->changed_us);
                        place->changed_us = page.episodes[i].changed_us;
                        memcpy(place->changed_id, page.episodes[i].id, sizeof(place->changed_id));
                }
        } while (page.n > 0);
        ret[n] = '\0';
}

static void annotate(struct fixture *f, const char *id, bool clear) {
        struct store_annotation annotation = {
                .owner_uid = OWNER_UID, .pain = clear ? STORE_NO_PAIN : 3, .clear = clear, .said_us = 1};
        struct outcome outcome = {};

        (void)snprintf(annotation.id, sizeof(annotation.id), "%s", id);
        assert_return_code(store_annotate(f->store, &annotation, on_annotated, &outcome), 0);
        WAIT_FOR(f, outcome.calls > 0);
        assert_int_equal(outcome.error, 0);
}

static void test_order_and_pages(void **state) {
        struct fixture *f = *state;
        struct store_filter place = filter_all();
        char seen[64];

        for (uint64_t number = 1; number <= 7; number++)
                put(f, number, number == 4);
        for (uint32_t limit = 1; limit <= 8; limit++) {
                place = filter_all();
                changes(f, OWNER_UID, limit, &place, seen);
                assert_string_equal(seen, "123567");
        }
        changes(f, OWNER_UID, 8, &place, seen);
        assert_string_equal(seen, "");
        /* It ends; then others are spoken of. */
        put(f, 4, false);
        annotate(f, "0000000000000002", false);
        annotate(f, "0000000000000006", true);
        changes(f, OWNER_UID, 2, &place, seen);
        assert_string_equal(seen, "426");
        changes(f, OWNER_UID, 2, &place, seen);
        assert_string_equal(seen, "");
}

static void test_a_waveform_is_a_change(void **state) {
        struct fixture *f = *state;
        struct store_waveform *waveform = calloc(1, sizeof(*waveform));
        struct store_filter place = filter_all();
        char seen[64];

        put(f, 1, false);
        put(f, 2, false);
        changes(f, OWNER_UID, 8, &place, seen);
        assert_non_null(waveform);
        (void)snprintf(waveform->episode, sizeof(waveform->episode), "0000000000000001");
        waveform->start_us = ONSET_US;
        waveform->rate_mhz = 1000000;
        waveform->channels = waveform->n_pieces = 1;
        waveform->scale_uv = 1;
        waveform->pieces[0].frames = 1;
        waveform->samples = calloc(1, sizeof(*waveform->samples));
        assert_non_null(waveform->samples);
        assert_int_equal(store_put_waveform(f->store, waveform), 0);
        WAIT_FOR(f, get_episode(f, "0000000000000001").has_waveform);
        changes(f, OWNER_UID, 8, &place, seen);
        assert_string_equal(seen, "1");
}

static void test_only_the_owner(void **state) {
        struct fixture *f = *state;
        struct store_filter place = filter_all();
        char seen[64];

        put(f, 1, false);
        changes(f, OWNER_UID + 1, 8, &place, seen);
        assert_string_equal(seen, "");
}

/* A clock that was set back: what changes is still told to whoever had asked before. */
static void test_a_clock_that_was_wrong(void **state) {
        struct fixture *f = *state;
        struct store_filter place = filter_all();
        char seen[64];

        put(f, 1, false);
        put(f, 2, false);
        fixture_close(f);
        database_run(f->path, "UPDATE episode SET changed_us = changed_us + 400000000000000 WHERE "
                              "id = '0000000000000001'");
        fixture_open(f);
        changes(f, OWNER_UID, 8, &place, seen);
        assert_string_equal(seen, "21");
        annotate(f, "0000000000000002", false);
        put(f, 3, false);
        changes(f, OWNER_UID, 8, &place, seen);
        assert_string_equal(seen, "23");
}

/* Found open after a crash: its end is a change. */
static void test_interrupted(void **state) {
        struct fixture *f = *state;
        struct store_filter place = filter_all();
        char seen[64];

        put(f, 1, true);
        put(f, 2, false);
        changes(f, OWNER_UID, 8, &place, seen);
        assert_string_equal(seen, "2");
        fixture_close(f);
        fixture_open(f);
        put(f, 3, false);
        changes(f, OWNER_UID, 8, &place, seen);
        assert_string_equal(seen, "13");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_order_and_pages, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_a_waveform_is_a_change, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_only_the_owner, fixture_setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_a_clock_that_was_wrong, fixture_setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_interrupted, fixture_setup, fixture_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
