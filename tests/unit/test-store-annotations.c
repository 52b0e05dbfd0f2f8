/* SPDX-License-Identifier: MIT */
/* What people say of episodes: kept, partly changed, taken back, by their owner alone; missed cramps. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/store-fixture.h"

#define EPISODE_ID "0000000000000001"
#define MISSED_ID "00000000000000c1"
#define ONSET_US (INT64_C(1795470000) * SECOND_US)
#define END_US (ONSET_US + 60 * SECOND_US)
#define MISSED_US (ONSET_US + 1200 * SECOND_US) /* the night goes on, and no alert is near */

struct missed_page {
        unsigned calls;
        int error;
        size_t n;
        uint64_t cursor;
        struct store_missed missed[STORE_PAGE_MAX];
};

static int setup(void **state) {
        struct store_episode episode = sample_episode(1, ONSET_US);

        (void)fixture_setup(state);
        assert_int_equal(put_episode(*state, &episode), 0);
        return 0;
}

static struct store_annotation annotation_of(const char *id) {
        struct store_annotation annotation = {
                .owner_uid = OWNER_UID, .pain = STORE_NO_PAIN, .said_us = ONSET_US + 3600 * SECOND_US};

        (void)snprintf(annotation.id, sizeof(annotation.id), "%s", id);
        return annotation;
}

static struct store_annotation missed_of(const char *id, int64_t time_us) {
        struct store_annotation annotation = annotation_of(id);

        (void)snprintf(annotation.sensor, sizeof(annotation.sensor), SENSOR_ID);
        annotation.time_us = time_us;
        annotation.zone_offset_s = 3600;
        return annotation;
}

static struct outcome annotate_beside(struct fixture *f, const struct store_annotation *annotation) {
        struct outcome outcome = {};

        assert_return_code(store_annotate(f->store, annotation, on_annotated, &outcome), 0);
        WAIT_FOR(f, outcome.calls > 0);
        return outcome;
}

static int annotate(struct fixture *f, const struct store_annotation *annotation) {
        return annotate_beside(f, annotation).error;
}

static void on_missed(int error, const struct store_missed *missed, size_t n, uint64_t cursor,
                      void *userdata) {
        struct missed_page *page = userdata;

        page->calls++;
        page->error = error;
        page->n = n;
        page->cursor = cursor;
        if (n > 0)
                memcpy(page->missed, missed, n * sizeof(*missed));
}

static int list_missed(struct fixture *f, const struct store_filter *filter, struct missed_page *ret) {
        ret->calls = 0;
        assert_return_code(store_list_missed(f->store, filter, on_missed, ret), 0);
        WAIT_FOR(f, ret->calls > 0);
        return ret->error;
}

static void assert_said(struct fixture *f, const char *verdict, int pain, const char *note) {
        struct store_episode episode = get_episode(f, EPISODE_ID);

        assert_string_equal(episode.verdict, verdict);
        assert_int_equal(episode.pain, pain);
        assert_string_equal(episode.note, note);
}

static void test_said_changed_taken_back(void **state) {
        struct fixture *f = *state;
        struct store_annotation annotation = annotation_of(EPISODE_ID);
        struct store_episode again = sample_episode(1, ONSET_US);

        assert_said(f, "", STORE_NO_PAIN, "");
        (void)strcpy(annotation.verdict, "confirmed");
        annotation.pain = 7;
        annotation.has_note = true;
        memset(annotation.note, 'x', sizeof(annotation.note) - 1);
        assert_int_equal(annotate(f, &annotation), 0);
        assert_said(f, "confirmed", 7, annotation.note);

        /* What is not given stays; the episode's own update does not touch it. */
        annotation = annotation_of(EPISODE_ID);
        annotation.pain = 0;
        assert_int_equal(annotate(f, &annotation), 0);
        annotation.pain = STORE_NO_PAIN;
        annotation.has_note = true;
        assert_int_equal(annotate(f, &annotation), 0);
        assert_int_equal(put_episode(f, &again), 0);
        assert_said(f, "confirmed", 0, "");

        fixture_close(f);
        fixture_open(f);
        assert_said(f, "confirmed", 0, "");
        annotation = annotation_of(EPISODE_ID);
        annotation.clear = true;
        assert_int_equal(annotate(f, &annotation), 0);
        assert_said(f, "", STORE_NO_PAIN, "");
        assert_int_equal(annotate(f, &annotation), 0);
}

static void test_only_the_owner(void **state) {
        struct fixture *f = *state;
        struct store_annotation annotation = annotation_of(EPISODE_ID),
                                missed = missed_of(MISSED_ID, ONSET_US);

        (void)strcpy(annotation.verdict, "false-alarm");
        annotation.owner_uid = missed.owner_uid = OWNER_UID + 1;
        assert_int_equal(annotate(f, &annotation), -ENOENT);
        assert_int_equal(annotate(f, &missed), -ENOENT);
        assert_said(f, "", STORE_NO_PAIN, "");
        annotation.any_owner = true;
        assert_int_equal(annotate(f, &annotation), 0);
        assert_said(f, "false-alarm", STORE_NO_PAIN, "");
        annotation.any_owner = false;
        annotation.clear = true;
        assert_int_equal(annotate(f, &annotation), -ENOENT);
        assert_said(f, "false-alarm", STORE_NO_PAIN, "");
        annotation = annotation_of("00000000000000ee");
        annotation.pain = 1;
        assert_int_equal(annotate(f, &annotation), -ENOENT);
        /* Nobody's refusal holds up the rest. */
        assert_int_equal(store_get_error(f->store), 0);
}

static void test_missed(void **state) {
        struct fixture *f = *state;
        struct missed_page *page = calloc(1, sizeof(*page));
        struct store_filter filter = filter_all();
        struct store_annotation missed = missed_of(MISSED_ID, MISSED_US);

        assert_non_null(page);
        missed.pain = 9;
        missed.has_note = true;
        (void)strcpy(missed.note, "um vier, böse");
        assert_int_equal(annotate(f, &missed), 0);
        (void)strcpy(missed.id, "00000000000000c2");
        assert_int_equal(annotate(f, &missed), -EEXIST);
        for (unsigned i = 0; i < 4; i++) {
                struct store_annotation more =
                        missed_of("", MISSED_US + (10 - i) * STORE_MISSED_NEAR_US);

                (void)snprintf(more.id, sizeof(more.id), "00000000000000d%u", i);
                assert_int_equal(annotate(f, &more), 0);
        }

        filter.limit = 3;
        assert_int_equal(list_missed(f, &filter, page), 0);
        assert_int_equal(page->n, 3);
        assert_string_equal(page->missed[0].id, MISSED_ID);
        assert_string_equal(page->missed[0].sensor, SENSOR_ID);
        assert_string_equal(page->missed[0].muscle, "gastrocnemius");
        assert_string_equal(page->missed[0].note, "um vier, böse");
        assert_true(page->missed[0].time_us == MISSED_US);
        assert_int_equal(page->missed[0].zone_offset_s, 3600);
        assert_int_equal(page->missed[0].pain, 9);
        assert_string_equal(page->missed[1].id, "00000000000000d3");
        assert_int_equal(page->missed[1].pain, STORE_NO_PAIN);
        filter.after = page->cursor;
        assert_int_equal(list_missed(f, &filter, page), 0);
        assert_int_equal(page->n, 2);
        assert_true(page->cursor == 0);

        filter = filter_all();
        filter.any_owner = false;
        filter.owner_uid = OWNER_UID + 1;
        assert_int_equal(list_missed(f, &filter, page), 0);
        assert_int_equal(page->n, 0);
        filter.owner_uid = OWNER_UID;
        filter.until_us = MISSED_US + 8 * STORE_MISSED_NEAR_US;
        assert_int_equal(list_missed(f, &filter, page), 0);
        assert_int_equal(page->n, 2);

        missed = annotation_of(MISSED_ID);
        missed.clear = true;
        assert_int_equal(annotate(f, &missed), 0);
        assert_int_equal(annotate(f, &missed), -ENOENT);
        assert_int_equal(list_missed(f, &filter, page), 0);
        assert_int_equal(page->n, 1);
        free(page);
}

/* Told to the minute, as people do; of another sensor, or where that one is of somebody else, an alert
 * says nothing. */
static void test_what_raised_an_alert_was_not_missed(void **state) {
        static const struct {
                int64_t time_us;
                int error;
        } times[] = {
                {ONSET_US - STORE_MISSED_NEAR_US - 1, 0}, {ONSET_US - STORE_MISSED_NEAR_US, -EALREADY},
                {ONSET_US + 30 * SECOND_US, -EALREADY},   {END_US + STORE_MISSED_NEAR_US, -EALREADY},
                {END_US + STORE_MISSED_NEAR_US + 1, 0},
        };
        const char *other_id = "00000000000000b1";
        struct store_sensor other = sample_sensor(other_id, OWNER_UID);
        struct store_episode lasting = sample_episode(2, MISSED_US);
        struct fixture *f = *state;
        struct store_annotation missed;
        struct outcome outcome;

        for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
                char id[STORE_ID_SIZE];

                (void)snprintf(id, sizeof(id), "00000000000000d%zu", i);
                missed = missed_of(id, times[i].time_us);
                outcome = annotate_beside(f, &missed);
                assert_int_equal(outcome.error, times[i].error);
                assert_string_equal(outcome.beside, times[i].error < 0 ? EPISODE_ID : "");
        }
        missed = missed_of(MISSED_ID, ONSET_US);
        missed.owner_uid++;
        outcome = annotate_beside(f, &missed);
        assert_int_equal(outcome.error, -ENOENT);
        assert_string_equal(outcome.beside, "");

        assert_int_equal(put_sensor(f, &other), 0);
        missed = missed_of(MISSED_ID, ONSET_US);
        (void)strcpy(missed.sensor, other_id);
        assert_int_equal(annotate(f, &missed), 0);

        lasting.end_us = STORE_NO_TIME;
        assert_int_equal(put_episode(f, &lasting), 0);
        missed = missed_of("00000000000000e1", MISSED_US + 3600 * SECOND_US);
        assert_int_equal(annotate(f, &missed), -EALREADY);
        missed.time_us = other.added_us - STORE_MISSED_NEAR_US - 1;
        assert_int_equal(annotate(f, &missed), -ERANGE);
        missed.time_us++;
        assert_int_equal(annotate(f, &missed), 0);
}

/* The same cramp once more, a little earlier or later. */
static void test_told_twice(void **state) {
        struct fixture *f = *state;
        struct store_annotation missed = missed_of(MISSED_ID, MISSED_US);
        struct outcome outcome;

        assert_int_equal(annotate(f, &missed), 0);
        (void)strcpy(missed.id, "00000000000000d1");
        missed.time_us = MISSED_US - STORE_MISSED_NEAR_US + 1;
        outcome = annotate_beside(f, &missed);
        assert_int_equal(outcome.error, -EEXIST);
        assert_string_equal(outcome.beside, MISSED_ID);
        missed.time_us--;
        assert_int_equal(annotate(f, &missed), 0);
}

/* Only within a night of its sensor, and there not within a gap. */
static void test_whether_missed_was_watched(void **state) {
        static const struct {
                int64_t time_us;
                bool watched;
        } times[] = {
                {ONSET_US - 7200 * SECOND_US, false}, {MISSED_US, true},
                {MISSED_US + 600 * SECOND_US, false}, /* in the gap */
                {MISSED_US + 1200 * SECOND_US, true}, {ONSET_US + 3700 * SECOND_US, false},
        };
        struct store_gap gap = {
                .night = NIGHT_ID,
                .start_us = MISSED_US + 590 * SECOND_US,
                .end_us = MISSED_US + 610 * SECOND_US,
                .reason = "no-data",
        };
        struct missed_page *page = calloc(1, sizeof(*page));
        struct store_filter filter = filter_all();
        struct fixture *f = *state;

        assert_non_null(page);
        assert_int_equal(store_put_gap(f->store, &gap), 0);
        for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
                struct store_annotation missed = missed_of("", times[i].time_us);

                (void)snprintf(missed.id, sizeof(missed.id), "00000000000000d%zu", i);
                assert_int_equal(annotate(f, &missed), 0);
        }
        assert_int_equal(list_missed(f, &filter, page), 0);
        assert_int_equal(page->n, sizeof(times) / sizeof(times[0]));
        for (size_t i = 0; i < page->n; i++) {
                assert_true(page->missed[i].time_us == times[i].time_us);
                assert_int_equal(page->missed[i].watched, times[i].watched);
        }
        free(page);
}

struct explained {
        unsigned calls;
        int error;
        bool found;
        struct store_account account;
};

static void on_account(int error, const struct store_account *account, void *userdata) {
        struct explained *explained = userdata;

        explained->calls++;
        explained->error = error;
        explained->found = account != NULL;
        if (account)
                explained->account = *account;
}

static struct explained explain(struct fixture *f, const char *id, uid_t uid) {
        struct store_filter filter = filter_all();
        struct explained explained = {};

        filter.any_owner = uid == 0;
        filter.owner_uid = uid;
        (void)snprintf(filter.id, sizeof(filter.id), "%s", id);
        assert_return_code(store_get_account(f->store, &filter, on_account, &explained), 0);
        WAIT_FOR(f, explained.calls > 0);
        assert_int_equal(explained.error, 0);
        return explained;
}

static void test_accounts(void **state) {
        struct fixture *f = *state;
        struct store_filter none = filter_all();
        struct store_account account = {
                .episode = EPISODE_ID,
                .sensitivity = "high",
                .evidence_factor = 1.125,
                .needed_s = 6.75,
                .from_us = ONSET_US - 7,
                .active_s = 8.05,
                .unbroken_s = 4,
                .ratio_alert = 2.5,
                .ratio_peak = 9.75,
                .bridged = 3,
                .dips = UINT32_MAX,
                .together = (double)NAN,
                .moved = 0.25,
                .slow = 0.375,
                .again_factor = (double)NAN,
                .channels = 1,
                .took_part = 1,
                .quality = "noisy",
                .point_us = 2000000,
                .points = STORE_ACCOUNT_POINTS,
        };
        struct explained got;

        for (uint32_t i = 0; i < STORE_ACCOUNT_POINTS; i++)
                account.evidence_s[i] = 0.01 * (i * i);
        assert_false(explain(f, EPISODE_ID, 0).found);
        assert_int_equal(store_put_account(f->store, &account), 0);
        got = explain(f, EPISODE_ID, OWNER_UID);
        WAIT_FOR(f, (got = explain(f, EPISODE_ID, OWNER_UID)).found);
        assert_string_equal(got.account.episode, EPISODE_ID);
        assert_string_equal(got.account.sensitivity, "high");
        assert_string_equal(got.account.quality, "noisy");
        assert_true(got.account.evidence_factor == 1.125 && got.account.needed_s == 6.75);
        assert_true(got.account.from_us == ONSET_US - 7 && got.account.point_us == 2000000);
        assert_true(got.account.active_s == 8.05 && got.account.unbroken_s == 4);
        assert_true(got.account.ratio_alert == 2.5 && got.account.ratio_peak == 9.75);
        assert_true(isnan(got.account.together) && got.account.moved == 0.25);
        assert_true(got.account.slow == 0.375 && isnan(got.account.again_factor));
        assert_int_equal(got.account.dips, UINT32_MAX);
        assert_int_equal(got.account.points, STORE_ACCOUNT_POINTS);
        for (uint32_t i = 0; i < STORE_ACCOUNT_POINTS; i++)
                assert_true(fabs(got.account.evidence_s[i] - account.evidence_s[i]) < 0.0051);

        assert_false(explain(f, EPISODE_ID, OWNER_UID + 1).found);
        assert_false(explain(f, "00000000000000ee", 0).found);
        assert_int_equal(store_get_account(f->store, &none, on_account, &got), -EINVAL);
        account.points++;
        assert_int_equal(store_put_account(f->store, &account), -EINVAL);
}

struct verdicts {
        unsigned calls;
        int error;
        size_t n;
        struct store_verdict verdicts[STORE_PAGE_MAX];
};

static void on_verdicts(int error, const struct store_verdict *verdicts, size_t n, void *userdata) {
        struct verdicts *all = userdata;

        all->calls++;
        all->error = error;
        all->n = n;
        if (n > 0)
                memcpy(all->verdicts, verdicts, n * sizeof(*verdicts));
}

static void list_verdicts(struct fixture *f, const struct store_filter *filter, struct verdicts *ret) {
        ret->calls = 0;
        assert_return_code(store_list_verdicts(f->store, filter, on_verdicts, ret), 0);
        WAIT_FOR(f, ret->calls > 0);
        assert_int_equal(ret->error, 0);
}

/* The newest first, by the episode's time; what counts is when it was said. */
static void test_verdicts(void **state) {
        struct fixture *f = *state;
        struct store_filter filter = filter_all();
        struct store_annotation annotation = annotation_of(EPISODE_ID),
                                missed = missed_of(MISSED_ID, MISSED_US);
        struct verdicts *all = calloc(1, sizeof(*all));

        assert_non_null(all);
        assert_int_equal(store_list_verdicts(f->store, &filter, on_verdicts, all), -EINVAL);
        (void)strcpy(filter.sensor, SENSOR_ID);
        list_verdicts(f, &filter, all);
        assert_int_equal(all->n, 0);
        annotation.pain = 3; /* says nothing of the alert */
        assert_int_equal(annotate(f, &annotation), 0);
        list_verdicts(f, &filter, all);
        assert_int_equal(all->n, 0);

        (void)strcpy(annotation.verdict, "false-alarm");
        annotation.said_us += 10;
        assert_int_equal(annotate(f, &annotation), 0);
        assert_int_equal(annotate(f, &missed), 0);
        list_verdicts(f, &filter, all);
        assert_int_equal(all->n, 2);
        assert_string_equal(all->verdicts[0].verdict, "missed");
        assert_true(all->verdicts[0].time_us == MISSED_US);
        assert_string_equal(all->verdicts[1].verdict, "false-alarm");
        assert_true(all->verdicts[1].time_us == ONSET_US);
        missed = missed_of("00000000000000c2", ONSET_US - 7200 * SECOND_US);
        assert_int_equal(annotate(f, &missed), 0); /* not watched: no verdict */
        list_verdicts(f, &filter, all);
        assert_int_equal(all->n, 2);
        filter.since_us = annotation.said_us;
        list_verdicts(f, &filter, all);
        assert_int_equal(all->n, 1);
        filter.since_us++;
        list_verdicts(f, &filter, all);
        assert_int_equal(all->n, 0);
        free(all);
}

static void test_nonsense_is_refused(void **state) {
        struct fixture *f = *state;
        struct store_annotation bad[6];

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                bad[i] = annotation_of(EPISODE_ID);
        bad[0].pain = STORE_PAIN_MAX + 1;
        bad[1].pain = -2;
        memset(bad[2].note, 'x', sizeof(bad[2].note));
        memset(bad[3].verdict, 'x', sizeof(bad[3].verdict));
        (void)strcpy(bad[4].id, "00000000000000g1");
        bad[5] = missed_of(MISSED_ID, STORE_NO_TIME);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(store_annotate(f->store, &bad[i], NULL, NULL), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_said_changed_taken_back, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_only_the_owner, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_missed, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_what_raised_an_alert_was_not_missed, setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_told_twice, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_whether_missed_was_watched, setup,
                                                fixture_teardown),
                cmocka_unit_test_setup_teardown(test_accounts, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_verdicts, setup, fixture_teardown),
                cmocka_unit_test_setup_teardown(test_nonsense_is_refused, setup, fixture_teardown),
        };

        return cmocka_run_group_tests_name("store-annotations", tests, NULL, NULL);
}
