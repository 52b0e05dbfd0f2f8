/* SPDX-License-Identifier: MIT */
/* Calls of Guidance while the store answers late, never, or with an error: who is answered, when, how
 * often, and that a person's calls keep their order. The store and the bus behind it are stand-ins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "daemon/bus/advice-news.h"
#include "daemon/bus/caller.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/error.h"
#include "daemon/bus/guidance-call.h"

#define PATIENCE_LIMIT_US (20u * GUIDANCE_PATIENCE_US) /* for slow machines */

/* --- stand-ins --- */

static struct {
        store_person_func done[4];
        void *userdata[4];
        size_t n;
        int refuses; /* negative errno */
} asked;

int store_get_person(struct store *store, const struct store_person_filter *filter,
                     store_person_func done, void *userdata) {
        if (asked.refuses < 0)
                return asked.refuses;
        assert_true(asked.n < 4);
        asked.done[asked.n] = done;
        asked.userdata[asked.n++] = userdata;
        return 0;
}

int store_change_person(struct store *store, const struct store_person_change *change,
                        store_done_func done, void *userdata) {
        return -EOPNOTSUPP;
}

int store_get_error(const struct store *store) {
        return 0;
}

int error_set_store(sd_bus_error *error, int r) {
        return r;
}

int caller_get_uid(struct callers *callers, sd_bus_message *message, sd_bus_message_handler_t method,
                   void *userdata, sd_bus_error *error, uid_t *ret) {
        return -EOPNOTSUPP;
}

int dictionary_read(sd_bus_message *message, const struct dictionary_entry *entries,
                    sd_bus_error *error) {
        return -EOPNOTSUPP;
}

void advice_news_check(struct advice_news *news, uid_t uid, const char *why) {
}

/* --- what is looked at --- */

static struct crampd crampd;
static struct bus bus;
static struct {
        unsigned with, without; /* calls of work() with a person, and with none */
        char order[16];
} seen;

static void note(char letter) {
        size_t n = strlen(seen.order);

        assert_true(n + 1 < sizeof(seen.order));
        seen.order[n] = letter;
}

static int work(struct guidance_call *call, const struct store_person *person, sd_bus_error *error) {
        const char *name = call->arguments;

        *(person ? &seen.with : &seen.without) += 1;
        note(name[0]);
        return 0;
}

static void begin(bool urgent, const char *name) {
        const struct store_person_filter filter = {.uid = 1000};

        assert_int_equal((urgent ? guidance_begin_urgent : guidance_begin)(&bus, NULL, &filter, NULL,
                                                                           work, strdup(name), NULL),
                         1);
}

static void answer(size_t i, int error) {
        static const struct store_person person;

        asked.done[i](error, error < 0 ? NULL : &person, asked.userdata[i]);
}

static void wait_patience(void) {
        assert_true(sd_event_run(crampd.event, PATIENCE_LIMIT_US) > 0);
}

static int setup(void **state) {
        memset(&asked, 0, sizeof(asked));
        memset(&seen, 0, sizeof(seen));
        bus.crampd = &crampd;
        crampd.stopping = false;
        TAILQ_INIT(&bus.guiding);
        return sd_event_new(&crampd.event);
}

static int teardown(void **state) {
        assert_true(TAILQ_EMPTY(&bus.guiding));
        crampd.event = sd_event_unref(crampd.event);
        return 0;
}

/* --- the cases --- */

static void a_call_in_time_is_answered_once(void **state) {
        begin(true, "a");
        answer(0, 0);
        assert_int_equal(seen.with, 1);
        assert_int_equal(seen.without, 0);
        /* Its timer went with it. */
        assert_int_equal(sd_event_run(crampd.event, 2 * GUIDANCE_PATIENCE_US), 0);
        assert_int_equal(seen.with + seen.without, 1);
}

static void an_urgent_call_does_not_wait_for_a_disk(void **state) {
        begin(true, "a");
        wait_patience();
        assert_int_equal(seen.without, 1);
        answer(0, 0); /* at last: nobody waits for it any more */
        assert_int_equal(seen.with, 0);
        assert_int_equal(seen.without, 1);
}

static void a_store_that_fails_is_no_reason_for_silence(void **state) {
        begin(true, "a");
        answer(0, -EIO);
        assert_int_equal(seen.without, 1);
        asked.refuses = -EIO;
        begin(true, "b");
        assert_int_equal(seen.without, 2);
        begin(false, "c"); /* the others are told of it */
        assert_int_equal(seen.without, 2);
        assert_int_equal(seen.with, 0);
}

static void urgent_behind_others_does_not_wait_for_them(void **state) {
        begin(false, "a");
        begin(true, "b");
        begin(false, "c");
        assert_int_equal(asked.n, 1); /* one at a time */
        wait_patience();
        assert_string_equal(seen.order, "b");
        answer(0, 0);
        assert_string_equal(seen.order, "ba");
        assert_int_equal(asked.n, 2); /* the one that was answered is not asked for */
        answer(1, 0);
        assert_string_equal(seen.order, "bac");
        assert_int_equal(seen.without, 1);
        assert_int_equal(seen.with, 2);
}

/* --- many steps --- */

static unsigned steps_left;

static int step(struct guidance_call *call, sd_bus_error *error) {
        note('s');
        return --steps_left > 0;
}

static int work_long(struct guidance_call *call, const struct store_person *person,
                     sd_bus_error *error) {
        return guidance_go_on(call, NULL, step);
}

static void begin_long(void) {
        const struct store_person_filter filter = {.uid = 1000};

        assert_int_equal(guidance_begin(&bus, NULL, &filter, NULL, work_long, NULL, NULL), 1);
}

static int on_other(sd_event_source *source, void *userdata) {
        note('o');
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void long_work_lets_all_else_go_first(void **state) {
        sd_event_source *other = NULL;

        steps_left = 3;
        begin_long();
        begin(false, "b"); /* of the same person: it waits */
        answer(0, 0);
        assert_string_equal(seen.order, "");
        assert_int_equal(sd_event_add_defer(crampd.event, &other, on_other, NULL), 0);
        assert_true(sd_event_run(crampd.event, 0) > 0);
        assert_string_equal(seen.order, "o");
        assert_true(sd_event_run(crampd.event, 0) > 0);
        assert_string_equal(seen.order, "oo"); /* as long as it wants to */
        other = sd_event_source_disable_unref(other);
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(asked.n, 1);
                assert_true(sd_event_run(crampd.event, 0) > 0); /* a step a turn */
                assert_int_equal(steps_left, 2 - i);
        }
        assert_string_equal(seen.order, "oosss");
        assert_int_equal(asked.n, 2);
        answer(1, 0);
        assert_string_equal(seen.order, "oosssb");
}

static void a_stop_ends_long_work(void **state) {
        steps_left = 3;
        begin_long();
        begin(false, "b");
        answer(0, 0);
        guidance_stop(&bus);
        assert_int_equal(sd_event_run(crampd.event, 0), 0);
        assert_string_equal(seen.order, "");
        answer(1, -ECANCELED); /* as a store that is closed does */
        assert_string_equal(seen.order, "");
}

static void no_long_work_begins_after_a_stop(void **state) {
        steps_left = 3;
        begin_long();
        begin(false, "b");
        crampd.stopping = true;
        guidance_stop(&bus);
        answer(0, 0); /* was ready when the store was closed */
        answer(1, -ECANCELED);
        assert_true(TAILQ_EMPTY(&bus.guiding));
        assert_string_equal(seen.order, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(long_work_lets_all_else_go_first, setup, teardown),
                cmocka_unit_test_setup_teardown(a_stop_ends_long_work, setup, teardown),
                cmocka_unit_test_setup_teardown(no_long_work_begins_after_a_stop, setup, teardown),
                cmocka_unit_test_setup_teardown(a_call_in_time_is_answered_once, setup, teardown),
                cmocka_unit_test_setup_teardown(an_urgent_call_does_not_wait_for_a_disk, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(a_store_that_fails_is_no_reason_for_silence, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(urgent_behind_others_does_not_wait_for_them, setup,
                                                teardown),
        };

        return cmocka_run_group_tests_name("guidance-call", tests, NULL, NULL);
}
