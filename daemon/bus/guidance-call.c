/* SPDX-License-Identifier: MIT */
/* Calls of the Guidance interface: see guidance-call.h. */
#include "daemon/bus/guidance-call.h"

#include <errno.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/text.h"
#include "daemon/bus/advice-news.h"
#include "daemon/bus/caller.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/error.h"

#define CALLS_PER_USER 8u

int guidance_owner(uid_t caller, bool given, uint32_t owner, uid_t *ret, sd_bus_error *error) {
        if (given && owner != caller && caller != 0)
                return sd_bus_error_set(error, ERROR_NOT_AUTHORIZED,
                                        "Guidance is for its owner alone; only root may name another.");
        if (given && owner == (uint32_t)-1)
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "Option 'owner' is not a valid uid.");
        *ret = given ? owner : caller;
        return 0;
}

int guidance_read_options(sd_bus_message *message, uid_t caller, uid_t *ret_uid,
                          const struct language **ret_language, sd_bus_error *error) {
        const char *language = NULL;
        uint32_t owner = 0;
        bool given = false;
        const struct dictionary_entry entries[] = {
                {"owner", 'u', &owner, &given}, {"language", 's', &language, NULL}, {NULL}};
        int r;

        r = dictionary_read(message, entries, error);
        if (r < 0)
                return r;
        *ret_language = language_find(language);
        return guidance_owner(caller, given, owner, ret_uid, error);
}

struct store_person_filter guidance_filter(uid_t uid) {
        return (struct store_person_filter){.uid = uid,
                                            .entries_since_us = STORE_NO_TIME,
                                            .entries_until_us = STORE_NO_TIME,
                                            .nights_since_us = STORE_NO_TIME};
}

static void call_start(struct guidance_call *call);

/* Ends the call and begins the next one of that person. */
static void call_finish(struct guidance_call *call) {
        struct bus *bus = call->bus;
        struct guidance_call *next;
        uid_t uid = call->uid;

        TAILQ_REMOVE(&bus->guiding, call, guiding);
        sd_bus_message_unref(call->reply);
        sd_event_source_disable_unref(call->patience);
        sd_event_source_disable_unref(call->turn);
        sd_bus_message_unref(call->message);
        free(call->arguments);
        free(call);
        TAILQ_FOREACH (next, &bus->guiding, guiding)
                if (next->uid == uid) {
                        call_start(next);
                        return;
                }
}

static void call_fail(struct guidance_call *call, int r, const sd_bus_error *error) {
        (void)sd_bus_reply_method_errno(call->message, r, error);
        call_finish(call);
}

/* Answers an urgent call with what is known without the store. */
static void answer_without(struct guidance_call *call) {
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        int r = call->work(call, /* person= */ NULL, &bus_error);

        call->answered = true;
        if (r < 0)
                (void)sd_bus_reply_method_errno(call->message, r, &bus_error);
}

static int on_impatience(sd_event_source *source, uint64_t time_us, void *userdata) {
        struct guidance_call *call = userdata;

        if (!call->answered)
                answer_without(call);
        return 0;
}

static void on_person(int error, const struct store_person *person, void *userdata) {
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        struct guidance_call *call = userdata;
        int r;

        if (error < 0 && call->urgent && !call->answered)
                answer_without(call);
        if (call->answered) {
                call_finish(call);
                return;
        }
        call->again = false;
        r = error < 0 ? error_set_store(&bus_error, error) : call->work(call, person, &bus_error);
        if (r >= 0 && call->again)
                call_start(call);
        else if (r < 0)
                call_fail(call, r, &bus_error);
        else if (!call->reply && !call->turn)
                call_finish(call);
}

static void call_start(struct guidance_call *call) {
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        int r;

        if (call->answered) { /* while it waited for its turn */
                call_finish(call);
                return;
        }
        r = store_get_person(call->bus->crampd->store, &call->filter, on_person, call);
        if (r < 0 && call->urgent) {
                answer_without(call);
                call_finish(call);
        } else if (r < 0)
                call_fail(call, error_set_store(&bus_error, r), &bus_error);
}

static int begin(struct bus *bus, sd_bus_message *message, const struct store_person_filter *filter,
                 const struct language *language, guidance_work_func work, void *arguments, bool urgent,
                 sd_bus_error *error) {
        struct guidance_call *call;
        unsigned of_user = 0;

        TAILQ_FOREACH (call, &bus->guiding, guiding)
                of_user += call->uid == filter->uid;
        call = of_user < CALLS_PER_USER ? calloc(1, sizeof(*call)) : NULL;
        if (!call) {
                free(arguments);
                if (of_user < CALLS_PER_USER)
                        return -ENOMEM;
                return sd_bus_error_setf(error, ERROR_LIMIT_REACHED,
                                         language_text(language, "%u calls for this user wait already."),
                                         CALLS_PER_USER);
        }
        *call = (struct guidance_call){.bus = bus,
                                       .message = sd_bus_message_ref(message),
                                       .uid = filter->uid,
                                       .language = language,
                                       .filter = *filter,
                                       .work = work,
                                       .arguments = arguments,
                                       .urgent = urgent};
        TAILQ_INSERT_TAIL(&bus->guiding, call, guiding);
        /* Without memory for the timer it waits like the others. */
        if (urgent)
                (void)sd_event_add_time_relative(bus->crampd->event, &call->patience, CLOCK_MONOTONIC,
                                                 GUIDANCE_PATIENCE_US, /* accuracy= */ 10000,
                                                 on_impatience, call);
        if (of_user == 0)
                call_start(call);
        return 1;
}

int guidance_begin(struct bus *bus, sd_bus_message *message, const struct store_person_filter *filter,
                   const struct language *language, guidance_work_func work, void *arguments,
                   sd_bus_error *error) {
        return begin(bus, message, filter, language, work, arguments, /* urgent= */ false, error);
}

int guidance_begin_urgent(struct bus *bus, sd_bus_message *message,
                          const struct store_person_filter *filter, const struct language *language,
                          guidance_work_func work, void *arguments, sd_bus_error *error) {
        return begin(bus, message, filter, language, work, arguments, /* urgent= */ true, error);
}

int guidance_begin_plain(struct bus *bus, sd_bus_message *message, sd_bus_message_handler_t method,
                         bool nights, guidance_work_func work, sd_bus_error *error) {
        struct store_person_filter filter;
        const struct language *language;
        uid_t caller, uid;
        int r;

        r = caller_get_uid(bus->callers, message, method, bus, error, &caller);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = guidance_read_options(message, caller, &uid, &language, error);
        if (r < 0)
                return r;
        filter = guidance_filter(uid);
        filter.nights = nights;
        return guidance_begin(bus, message, &filter, language, work, NULL, error);
}

void guidance_ask_again(struct guidance_call *call, const struct store_person_filter *filter) {
        call->filter = *filter;
        call->again = true;
}

static int on_turn(sd_event_source *source, void *userdata) {
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        struct guidance_call *call = userdata;
        int r = call->step(call, &bus_error);

        if (r > 0)
                r = sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        else if (r == 0) {
                (void)sd_bus_send(NULL, call->reply, NULL);
                call_finish(call);
        }
        if (r < 0)
                call_fail(call, r, &bus_error);
        return 0;
}

int guidance_go_on(struct guidance_call *call, sd_bus_message *reply, guidance_step_func step) {
        int r;

        call->reply = reply;
        call->step = step;
        if (call->bus->crampd->stopping) /* the loop takes no more turns */
                return -ECANCELED;
        r = sd_event_add_defer(call->bus->crampd->event, &call->turn, on_turn, call);
        return r < 0 ? r : sd_event_source_set_priority(call->turn, SD_EVENT_PRIORITY_IDLE);
}

void guidance_stop(struct bus *bus) {
        struct guidance_call *call;

        /* Ending one begins the next of that person, which the store then ends. */
        while (true) {
                TAILQ_FOREACH (call, &bus->guiding, guiding)
                        if (call->turn)
                                break;
                if (!call)
                        return;
                call_fail(call, -ECANCELED, NULL);
        }
}

int guidance_reply(struct guidance_call *call, sd_bus_message *reply) {
        int r = sd_bus_send(NULL, reply, NULL);

        sd_bus_message_unref(reply);
        return r;
}

static void on_changed(int error, void *userdata) {
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        struct guidance_call *call = userdata;

        if (error == -E2BIG)
                error = sd_bus_error_setf(
                        &bus_error, ERROR_LIMIT_REACHED,
                        language_text(call->language, "The log has room for %u entries in all."),
                        STORE_ENTRIES_TOTAL_MAX);
        else if (error < 0)
                error = error_set_store(&bus_error, error);
        if (error < 0) {
                call_fail(call, error, &bus_error);
                return;
        }
        (void)sd_bus_send(NULL, call->reply, NULL);
        advice_news_check(call->bus->news, call->uid, call->changes);
        call_finish(call);
}

int guidance_change(struct guidance_call *call, const struct store_person_change *change,
                    sd_bus_message *reply, sd_bus_error *error) {
        struct store *store = call->bus->crampd->store;
        int r;

        static const char *const kinds[] = {
                [STORE_CHANGE_PROFILE] = "profile",  [STORE_CHANGE_ENTRY] = "log",
                [STORE_CHANGE_ENTRY_GONE] = "log",   [STORE_CHANGE_TRIAL] = "trial",
                [STORE_CHANGE_TRIAL_GONE] = "trial",
        };

        call->changes = kinds[change->kind];
        call->reply = reply;
        r = reply ? 0 : sd_bus_message_new_method_return(call->message, &call->reply);
        if (r < 0)
                return r;
        /* Else it would wait until the store works again, long after the caller gave up. */
        r = store_get_error(store);
        if (r >= 0)
                r = store_change_person(store, change, on_changed, call);
        return r < 0 ? error_set_store(error, r) : 0;
}

int guidance_refuse(sd_bus_error *error, const struct language *language, const char *message,
                    const char *value, const char *possible) {
        char whole[64], text[512];

        text_copy(whole, sizeof(whole), value);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* a constant of guidance/, checked by its tests \
                                                      */
        (void)snprintf(text, sizeof(text), language_text(language, message), whole);
#pragma GCC diagnostic pop
        if (!possible[0])
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT, text);
        return sd_bus_error_setf(error, ERROR_INVALID_ARGUMENT,
                                 language_text(language, "%s Possible: %s."), text, possible);
}

int guidance_refuse_plain(sd_bus_error *error, const struct language *language, const char *message) {
        return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT, language_text(language, message));
}

int guidance_refuse_unknown(sd_bus_error *error, const struct language *language, const char *message) {
        return sd_bus_error_set(error, ERROR_NO_SUCH_ENTRY, language_text(language, message));
}
