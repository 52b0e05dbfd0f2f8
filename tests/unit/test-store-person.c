/* SPDX-License-Identifier: MIT */
/* What the store keeps for guidance: each person's own, nobody else's, and gone when it is to be gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/person.h"
#include "tests/unit/store-fixture.h"

#define OTHER_UID 1001u
#define SECRET "medicines=warfarin\n"

/* A copy of what came. */
struct answer {
        unsigned calls;
        int error;
        char profile[STORE_PROFILE_SIZE];
        struct store_entry entries[8];
        struct store_trial trials[4];
        struct store_evening evenings[4];
        struct store_cramp cramps[4];
        size_t n_entries, n_trials, n_evenings, n_cramps;
};

#define COPY(to, from, count)                                         \
        do {                                                          \
                assert_true((count) <= sizeof(to) / sizeof((to)[0])); \
                for (size_t copied = 0; copied < (count); copied++)   \
                        (to)[copied] = (from)[copied];                \
        } while (0)

static void on_person(int error, const struct store_person *person, void *userdata) {
        struct answer *answer = userdata;

        answer->calls++;
        answer->error = error;
        if (error < 0)
                return;
        (void)snprintf(answer->profile, sizeof(answer->profile), "%s", person->profile);
        answer->n_entries = person->n_entries;
        answer->n_trials = person->n_trials;
        answer->n_evenings = person->n_evenings;
        answer->n_cramps = person->n_cramps;
        COPY(answer->entries, person->entries, person->n_entries);
        COPY(answer->trials, person->trials, person->n_trials);
        COPY(answer->evenings, person->evenings, person->n_evenings);
        COPY(answer->cramps, person->cramps, person->n_cramps);
}

static struct store_person_filter filter_of(uid_t uid) {
        return (struct store_person_filter){.uid = uid,
                                            .entries_since_us = STORE_NO_TIME,
                                            .entries_until_us = STORE_NO_TIME,
                                            .entries_max = 8,
                                            .nights = true,
                                            .nights_since_us = STORE_NO_TIME};
}

static int get(struct fixture *f, const struct store_person_filter *filter, struct answer *ret) {
        int r;

        *ret = (struct answer){0};
        r = store_get_person(f->store, filter, on_person, ret);
        if (r < 0)
                return r;
        WAIT_FOR(f, ret->calls > 0);
        return ret->error;
}

static struct answer get_all(struct fixture *f, uid_t uid) {
        struct store_person_filter filter = filter_of(uid);
        struct answer answer;

        assert_int_equal(get(f, &filter, &answer), 0);
        return answer;
}

static int change(struct fixture *f, const struct store_person_change *what) {
        struct outcome outcome = {0};
        int r = store_change_person(f->store, what, on_done, &outcome);

        if (r < 0)
                return r;
        WAIT_FOR(f, outcome.calls > 0);
        return outcome.error;
}

static int say(struct fixture *f, uid_t uid, const char *profile) {
        struct store_person_change what = {.kind = STORE_CHANGE_PROFILE, .uid = uid};

        (void)snprintf(what.profile, sizeof(what.profile), "%s", profile);
        return change(f, &what);
}

static int note(struct fixture *f, uid_t uid, unsigned number, int64_t time_us, const char *text) {
        struct store_person_change what = {.kind = STORE_CHANGE_ENTRY, .uid = uid};

        (void)snprintf(what.entry.id, sizeof(what.entry.id), "%016x", number);
        (void)strcpy(what.entry.kind, "note");
        what.entry.time_us = time_us;
        (void)snprintf(what.entry.text, sizeof(what.entry.text), "%s", text);
        return change(f, &what);
}

static int setup(void **state) {
        struct fixture *f = fixture_new();

        fixture_open(f);
        *state = f;
        return 0;
}

static void test_a_profile_belongs_to_one(void **state) {
        struct fixture *f = *state;

        assert_string_equal(get_all(f, OWNER_UID).profile, "");
        assert_int_equal(say(f, OWNER_UID, SECRET), 0);
        assert_int_equal(say(f, OTHER_UID, "age=30\n"), 0);
        assert_int_equal(say(f, OTHER_UID, "age=31\n"), 0);
        fixture_close(f);
        fixture_open(f);
        assert_string_equal(get_all(f, OWNER_UID).profile, SECRET);
        assert_string_equal(get_all(f, OTHER_UID).profile, "age=31\n");
        assert_int_equal(say(f, OWNER_UID, ""), 0);
        assert_string_equal(get_all(f, OWNER_UID).profile, "");
        assert_string_equal(get_all(f, OTHER_UID).profile, "age=31\n");
}

static void test_what_is_forgotten_leaves_the_disk(void **state) {
        struct fixture *f = *state;

        assert_int_equal(say(f, OWNER_UID, SECRET), 0);
        assert_true(is_on_disk(f, SECRET, strlen(SECRET)));
        assert_int_equal(say(f, OWNER_UID, ""), 0);
        assert_false(is_on_disk(f, SECRET, strlen(SECRET)));
}

static void test_entries_by_time_and_page(void **state) {
        struct fixture *f = *state;
        struct store_person_filter filter = filter_of(OWNER_UID);
        struct answer answer;

        for (unsigned i = 1; i <= 5; i++)
                assert_int_equal(note(f, OWNER_UID, i, i < 4 ? 100 : 200, "mine"), 0);
        assert_int_equal(note(f, OTHER_UID, 9, 100, "theirs"), 0);
        filter.entries_max = 2;
        assert_int_equal(get(f, &filter, &answer), 0);
        assert_int_equal(answer.n_entries, 2);
        memcpy(filter.after, answer.entries[1].id, sizeof(filter.after));
        filter.entries_max = 8;
        assert_int_equal(get(f, &filter, &answer), 0);
        assert_int_equal(answer.n_entries, 3);
        assert_string_equal(answer.entries[0].id, "0000000000000003");
        assert_string_equal(answer.entries[0].text, "mine");
        (void)strcpy(filter.after, "0000000000000009"); /* somebody else's */
        assert_int_equal(get(f, &filter, &answer), -ESTALE);

        filter = filter_of(OWNER_UID);
        filter.entries_since_us = 101;
        assert_int_equal(get(f, &filter, &answer), 0);
        assert_int_equal(answer.n_entries, 2);
        filter.entries_until_us = 200;
        assert_int_equal(get(f, &filter, &answer), 0);
        assert_int_equal(answer.n_entries, 0);
        (void)strcpy(filter.entry, "0000000000000002");
        filter.entries_since_us = filter.entries_until_us = STORE_NO_TIME;
        assert_int_equal(get(f, &filter, &answer), 0);
        assert_int_equal(answer.n_entries, 1);
}

static void test_nobody_touches_entries_of_others(void **state) {
        struct fixture *f = *state;
        struct store_person_change gone = {
                .kind = STORE_CHANGE_ENTRY_GONE, .uid = OTHER_UID, .id = "0000000000000001"};

        assert_int_equal(note(f, OWNER_UID, 1, 100, "mine"), 0);
        assert_int_equal(note(f, OTHER_UID, 1, 100, "taken"), 0);
        assert_int_equal(change(f, &gone), 0);
        assert_string_equal(get_all(f, OWNER_UID).entries[0].text, "mine");
        gone.uid = OWNER_UID;
        assert_int_equal(change(f, &gone), 0);
        assert_int_equal(get_all(f, OWNER_UID).n_entries, 0);
        (void)strcpy(gone.id, "x");
        assert_int_equal(change(f, &gone), -EINVAL);
}

static void annotate(struct fixture *f, const char *id, const char *verdict, int pain) {
        struct store_annotation annotation = {.owner_uid = OWNER_UID, .pain = pain};
        struct outcome outcome = {0};

        (void)snprintf(annotation.id, sizeof(annotation.id), "%s", id);
        (void)snprintf(annotation.verdict, sizeof(annotation.verdict), "%s", verdict);
        assert_int_equal(store_annotate(f->store, &annotation, on_annotated, &outcome), 0);
        WAIT_FOR(f, outcome.calls > 0);
        assert_int_equal(outcome.error, 0);
}

static void test_trials_and_nights(void **state) {
        struct fixture *f = *state;
        struct store_person_change what = {
                .kind = STORE_CHANGE_TRIAL,
                .uid = OWNER_UID,
                .trial = {"0000000000000001", "magnesium", "before-after", "2026-11-23", "", 28, 0, 7}};
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);
        struct store_episode episode = sample_episode(1, night.start_us + SECOND_US);
        struct answer answer;

        put_parents(f);
        assert_int_equal(put_night(f, &night), 0);
        assert_int_equal(put_episode(f, &episode), 0);
        assert_int_equal(change(f, &what), 0);
        answer = get_all(f, OWNER_UID);
        assert_int_equal(answer.n_trials, 1);
        assert_memory_equal(&answer.trials[0], &what.trial, sizeof(what.trial));
        assert_int_equal(answer.n_evenings, 1);
        assert_string_equal(answer.evenings[0].evening, night.evening);
        assert_int_equal(answer.evenings[0].monitored_us, night.monitored_us);
        assert_int_equal(answer.n_cramps, 1);
        assert_int_equal(answer.cramps[0].onset_us, episode.onset_us);
        assert_int_equal(answer.cramps[0].pain, STORE_NO_PAIN);
        annotate(f, episode.id, "confirmed", 7);
        assert_int_equal(get_all(f, OWNER_UID).cramps[0].pain, 7);
        annotate(f, episode.id, "false-alarm", STORE_NO_PAIN);
        assert_int_equal(get_all(f, OWNER_UID).n_cramps, 0);
        answer = get_all(f, OTHER_UID);
        assert_int_equal(answer.n_trials + answer.n_evenings + answer.n_cramps, 0);
}

static void report(struct fixture *f, const char *id, int64_t time_us, int32_t zone_offset_s, int pain) {
        struct store_annotation annotation = {.owner_uid = OWNER_UID,
                                              .pain = pain,
                                              .time_us = time_us,
                                              .zone_offset_s = zone_offset_s};
        struct outcome outcome = {0};

        (void)snprintf(annotation.id, sizeof(annotation.id), "%s", id);
        (void)strcpy(annotation.sensor, SENSOR_ID);
        assert_int_equal(store_annotate(f->store, &annotation, on_annotated, &outcome), 0);
        WAIT_FOR(f, outcome.calls > 0);
        assert_int_equal(outcome.error, 0);
}

/* Cramps that raised no alert: whether anything watched, and the evening that they fell on. */
static void test_reported_cramps(void **state) {
        struct fixture *f = *state;
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);
        struct store_gap gap = {.night = NIGHT_ID, .frames = 1000};
        const int64_t hour_us = 3600 * SECOND_US;
        struct answer answer;

        put_parents(f);
        night.end_us = night.start_us + 8 * hour_us;
        assert_int_equal(put_night(f, &night), 0);
        gap.start_us = night.start_us + hour_us;
        gap.end_us = night.start_us + 2 * hour_us;
        (void)strcpy(gap.reason, "no-data");
        assert_int_equal(store_put_gap(f->store, &gap), 0);
        report(f, "00000000000000c1", night.start_us + 90 * 60 * SECOND_US, 0, 6); /* within the gap */
        report(f, "00000000000000c2", night.start_us + 3 * hour_us, 0, STORE_NO_PAIN);
        /* 2026-11-24 11:59 and 12:01 local time, an hour ahead of UTC. */
        report(f, "00000000000000c3", INT64_C(1795517940) * SECOND_US, 3600, STORE_NO_PAIN);
        report(f, "00000000000000c4", INT64_C(1795518060) * SECOND_US, 3600, STORE_NO_PAIN);
        answer = get_all(f, OWNER_UID);
        assert_int_equal(answer.n_cramps, 4);
        for (size_t i = 0; i < 4; i++) {
                assert_true(answer.cramps[i].reported && !answer.cramps[i].strong);
                assert_int_equal(answer.cramps[i].end_us, STORE_NO_TIME);
        }
        for (size_t i = 0; i < 4; i++) {
                const struct store_cramp *cramp = &answer.cramps[i];

                if (cramp->onset_us == night.start_us + 90 * 60 * SECOND_US) {
                        assert_false(cramp->watched);
                        assert_string_equal(cramp->evening, night.evening);
                        assert_int_equal(cramp->pain, 6);
                } else if (cramp->onset_us == night.start_us + 3 * hour_us) {
                        assert_true(cramp->watched);
                        assert_string_equal(cramp->evening, night.evening);
                } else {
                        assert_false(cramp->watched);
                        assert_string_equal(cramp->evening,
                                            cramp->onset_us < INT64_C(1795518000) * SECOND_US
                                                    ? "2026-11-23"
                                                    : "2026-11-24");
                }
        }
        assert_int_equal(get_all(f, OTHER_UID).n_cramps, 0);
}

/* Of several sensors the one that watched longest, of several stretches of one sensor their sum. */
static void test_an_evening_is_counted_once(void **state) {
        struct fixture *f = *state;
        struct store_sensor second = sample_sensor("00000000000000a2", OWNER_UID);
        struct store_night night = sample_night(NIGHT_ID, SENSOR_ID);
        struct answer answer;

        put_parents(f);
        assert_int_equal(put_sensor(f, &second), 0);
        night.monitored_us = 100;
        assert_int_equal(put_night(f, &night), 0);
        night = sample_night("00000000000000b2", SENSOR_ID);
        night.monitored_us = 20;
        assert_int_equal(put_night(f, &night), 0);
        night = sample_night("00000000000000b3", "00000000000000a2");
        night.monitored_us = 110;
        assert_int_equal(put_night(f, &night), 0);
        answer = get_all(f, OWNER_UID);
        assert_int_equal(answer.n_evenings, 1);
        assert_int_equal(answer.evenings[0].monitored_us, 120);
}

static void test_a_log_has_an_end(void **state) {
        struct fixture *f = *state;

        assert_int_equal(note(f, OWNER_UID, 1, 0, "the first"), 0);
        assert_int_equal(note(f, OTHER_UID, 2, 0, "of another"), 0);
        fixture_close(f);
        database_run(f->path,
                     "WITH RECURSIVE n(i) AS (SELECT 16 UNION ALL SELECT i + 1 FROM n WHERE i < "
                     "16 + 100000 - 2) INSERT INTO entry (id, uid, time_us, zone_offset_s, kind, "
                     "what, origin, compound, amount, leg, text) SELECT printf('%016x', i), 1000, "
                     "i, 0, 'note', '', '', '', '', '', '' FROM n");
        fixture_open(f);
        assert_int_equal(note(f, OWNER_UID, 3, 0, "one too many"), -E2BIG);
        assert_int_equal(note(f, OWNER_UID, 1, 0, "the first can still be changed"), 0);
        assert_int_equal(note(f, OTHER_UID, 3, 0, "another has room"), 0);
        fixture_close(f);
        assert_int_equal(database_number(f->path, "SELECT count(*) FROM entry WHERE uid = 1000"),
                         STORE_ENTRIES_TOTAL_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_a_profile_belongs_to_one, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_what_is_forgotten_leaves_the_disk, setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_entries_by_time_and_page, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_a_log_has_an_end, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_nobody_touches_entries_of_others, setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_trials_and_nights, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_reported_cramps, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_an_evening_is_counted_once, setup,
                                                fixture_teardown),
        };

        return cmocka_run_group_tests_name("store-person", tests, NULL, NULL);
}
