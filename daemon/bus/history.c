/* SPDX-License-Identifier: MIT */
/* org.crampd1.History: see dbus/org.crampd1.History.xml. The vtable is at the bottom. */
#include <errno.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/bus/annotations.h"
#include "daemon/bus/caller.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/error.h"
#include "daemon/bus/history-rows.h"
#include "daemon/bus/objects.h"
#include "daemon/bus/outline.h"
#include "daemon/public-id.h"

/* Waiting for the store at a time; it takes 64 in all. */
#define QUERIES_PER_USER 8u

/* --- asking --- */

enum question {
        QUESTION_EPISODES,
        QUESTION_EPISODE, /* one */
        QUESTION_CHANGES,
        QUESTION_NIGHTS,
        QUESTION_MISSED,
        QUESTION_ACCOUNT,
        QUESTION_WAVEFORM,
        QUESTION_OUTLINE_EPISODES,
        QUESTION_OUTLINE_NIGHTS,
        QUESTION_TABULATE_EPISODES,
};

/* A call that waits for the store. */
struct query_call {
        LIST_ENTRY(query_call) asking;
        struct bus *bus;
        sd_bus_message *message;
        uid_t uid;
        enum question question;
        char after[HISTORY_CHANGE_SIZE]; /* of QUESTION_CHANGES: where it was asked from */
};

static struct query_call *query_free(struct query_call *call) {
        LIST_REMOVE(call, asking);
        sd_bus_message_unref(call->message);
        free(call);
        return NULL;
}

DEFINE_CLEANUP(struct query_call *, query_free)

/* --- answering --- */

static int reply_begin(const struct query_call *call, int error, sd_bus_message **ret,
                       sd_bus_error *ret_error) {
        return error < 0 ? error_set_store(ret_error, error)
                         : sd_bus_message_new_method_return(call->message, ret);
}

/* `r`: what came of filling the reply in. */
static void reply_end(const struct query_call *call, sd_bus_message *reply, int r,
                      const sd_bus_error *error) {
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        if (r < 0)
                (void)sd_bus_reply_method_errno(call->message, r, error);
}

static void on_episodes(int error, const struct store_episode *episodes, size_t n, uint64_t cursor,
                        void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        _cleanup_(query_freep) struct query_call *call = userdata;
        int r;

        if (error >= 0 && call->question == QUESTION_EPISODE && n == 0)
                r = sd_bus_error_set(&bus_error, ERROR_NO_SUCH_EPISODE, "There is no such episode.");
        else
                r = reply_begin(call, error, &reply, &bus_error);
        if (r >= 0)
                r = call->question == QUESTION_EPISODE ? history_append_episode(reply, &episodes[0])
                    : call->question == QUESTION_CHANGES
                            ? history_append_changes(reply, episodes, n, call->after)
                            : history_append_episodes(reply, episodes, n, cursor);
        reply_end(call, reply, r, &bus_error);
}

static void on_nights(int error, const struct store_night_report *nights, size_t n, uint64_t cursor,
                      void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        _cleanup_(query_freep) struct query_call *call = userdata;
        int r;

        r = reply_begin(call, error, &reply, &bus_error);
        if (r >= 0)
                r = history_append_nights(reply, nights, n, cursor);
        reply_end(call, reply, r, &bus_error);
}

static void on_missed(int error, const struct store_missed *missed, size_t n, uint64_t cursor,
                      void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        _cleanup_(query_freep) struct query_call *call = userdata;
        int r;

        r = reply_begin(call, error, &reply, &bus_error);
        if (r >= 0)
                r = history_append_missed(reply, missed, n, cursor);
        reply_end(call, reply, r, &bus_error);
}

static void on_account(int error, const struct store_account *account, void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        _cleanup_(query_freep) struct query_call *call = userdata;
        int r;

        if (error >= 0 && !account)
                r = sd_bus_error_set(&bus_error, ERROR_NO_SUCH_EPISODE,
                                     "There is no such episode, or no account of it was kept.");
        else
                r = reply_begin(call, error, &reply, &bus_error);
        if (r >= 0)
                r = history_append_account(reply, account);
        reply_end(call, reply, r, &bus_error);
}

static void on_waveform(int error, const struct store_waveform *waveform, void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        _cleanup_(query_freep) struct query_call *call = userdata;
        int r;

        if (error >= 0 && !waveform)
                r = sd_bus_error_set(&bus_error, ERROR_NO_SUCH_EPISODE,
                                     "There is no such episode, or no waveform of it was kept.");
        else
                r = reply_begin(call, error, &reply, &bus_error);
        if (r >= 0)
                r = history_append_waveform(reply, waveform);
        reply_end(call, reply, r, &bus_error);
}

static void on_outline(int error, const struct store_outline *outline, uint64_t cursor, void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        _cleanup_(query_freep) struct query_call *call = userdata;
        int r;

        r = reply_begin(call, error, &reply, &bus_error);
        if (r >= 0)
                r = outline_append(reply, outline, cursor);
        reply_end(call, reply, r, &bus_error);
}

static int put_question(struct store *store, const struct store_filter *filter,
                        struct query_call *call) {
        switch (call->question) {
        case QUESTION_NIGHTS:
                return store_list_nights(store, filter, on_nights, call);
        case QUESTION_MISSED:
                return store_list_missed(store, filter, on_missed, call);
        case QUESTION_ACCOUNT:
                return store_get_account(store, filter, on_account, call);
        case QUESTION_WAVEFORM:
                return store_get_waveform(store, filter, on_waveform, call);
        case QUESTION_OUTLINE_EPISODES:
                return store_outline_episodes(store, filter, on_outline, call);
        case QUESTION_OUTLINE_NIGHTS:
                return store_outline_nights(store, filter, on_outline, call);
        case QUESTION_TABULATE_EPISODES:
                return store_tabulate_episodes(store, filter, on_outline, call);
        case QUESTION_EPISODES:
        case QUESTION_EPISODE:
        case QUESTION_CHANGES:
        default:
                return store_list_episodes(store, filter, on_episodes, call);
        }
}

static int ask_store(struct bus *bus, sd_bus_message *message, uid_t uid, struct store_filter *filter,
                     enum question question, sd_bus_error *error) {
        struct query_call *call;
        unsigned of_user = 0;
        int r;

        LIST_FOREACH (call, &bus->asking, asking)
                of_user += call->uid == uid;
        if (of_user >= QUERIES_PER_USER)
                return sd_bus_error_setf(error, ERROR_LIMIT_REACHED,
                                         "%u questions of this user wait already.", QUERIES_PER_USER);

        filter->any_owner = uid == 0;
        filter->owner_uid = uid;
        call = malloc(sizeof(*call));
        if (!call)
                return -ENOMEM;
        *call = (struct query_call){
                .bus = bus, .message = sd_bus_message_ref(message), .uid = uid, .question = question};
        if (filter->changed_id[0])
                history_format_change(filter->changed_us, filter->changed_id, call->after);
        LIST_INSERT_HEAD(&bus->asking, call, asking);
        r = put_question(bus->crampd->store, filter, call);
        if (r < 0) {
                query_free(call);
                return error_set_store(error, r);
        }
        return 1;
}

static int take_limits(struct store_filter *filter, const char *sensor, uint32_t limit_max,
                       sd_bus_error *error) {
        if (filter->limit < 1 || filter->limit > limit_max)
                return sd_bus_error_setf(error, ERROR_INVALID_ARGUMENT,
                                         "Option 'limit' must be 1 to %u.", limit_max);
        if (sensor && public_id_read(sensor, filter->sensor) < 0)
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "Option 'sensor' must be 16 hexadecimal digits.");
        return 0;
}

static int parse_filter(sd_bus_message *message, struct store_filter *filter, uint32_t limit_max,
                        sd_bus_error *error) {
        const char *sensor = NULL;
        const struct dictionary_entry entries[] = {
                {"since_us", 'x', &filter->since_us, NULL},
                {"until_us", 'x', &filter->until_us, NULL},
                {"sensor", 's', &sensor, NULL},
                {"limit", 'u', &filter->limit, NULL},
                {"after", 't', &filter->after, NULL},
                {NULL},
        };
        int r;

        r = dictionary_read(message, entries, error);
        return r < 0 ? r : take_limits(filter, sensor, limit_max, error);
}

/* Asks for a page of at most `limit_max`, which is also the default. */
static int ask_for_page(sd_bus_message *message, struct bus *bus, sd_bus_message_handler_t handler,
                        enum question question, uint32_t limit_max, sd_bus_error *error) {
        struct store_filter filter = {
                .since_us = STORE_NO_TIME, .until_us = STORE_NO_TIME, .limit = limit_max};
        uid_t uid;
        int r;

        r = caller_get_uid(bus->callers, message, handler, bus, error, &uid);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = parse_filter(message, &filter, limit_max, error);
        if (r < 0)
                return r;
        return ask_store(bus, message, uid, &filter, question, error);
}

static int method_list_episodes(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return ask_for_page(message, userdata, method_list_episodes, QUESTION_EPISODES, STORE_PAGE_MAX,
                            error);
}

static int parse_changes(sd_bus_message *message, struct store_filter *filter, sd_bus_error *error) {
        const char *sensor = NULL, *after = "";
        const struct dictionary_entry entries[] = {
                {"since_us", 'x', &filter->since_us, NULL},
                {"until_us", 'x', &filter->until_us, NULL},
                {"sensor", 's', &sensor, NULL},
                {"limit", 'u', &filter->limit, NULL},
                {"after", 's', &after, NULL},
                {NULL},
        };
        int r;

        r = dictionary_read(message, entries, error);
        if (r >= 0)
                r = take_limits(filter, sensor, STORE_PAGE_MAX, error);
        if (r < 0)
                return r;
        if (after[0] && history_parse_change(after, &filter->changed_us, filter->changed_id) < 0)
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "Option 'after' is not a cursor of ListChanges().");
        return 0;
}

static int method_list_changes(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct store_filter filter = {.since_us = STORE_NO_TIME,
                                      .until_us = STORE_NO_TIME,
                                      .limit = STORE_PAGE_MAX,
                                      .changes = true};
        struct bus *bus = userdata;
        uid_t uid;
        int r;

        r = caller_get_uid(bus->callers, message, method_list_changes, userdata, error, &uid);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = parse_changes(message, &filter, error);
        if (r < 0)
                return r;
        return ask_store(bus, message, uid, &filter, QUESTION_CHANGES, error);
}

static int method_list_nights(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return ask_for_page(message, userdata, method_list_nights, QUESTION_NIGHTS,
                            STORE_NIGHTS_PAGE_MAX, error);
}

static int method_list_missed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return ask_for_page(message, userdata, method_list_missed, QUESTION_MISSED, STORE_PAGE_MAX,
                            error);
}

static int method_outline_episodes(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return ask_for_page(message, userdata, method_outline_episodes, QUESTION_OUTLINE_EPISODES,
                            STORE_OUTLINE_PAGE_MAX, error);
}

static int method_outline_nights(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return ask_for_page(message, userdata, method_outline_nights, QUESTION_OUTLINE_NIGHTS,
                            STORE_OUTLINE_PAGE_MAX, error);
}

static int method_tabulate_episodes(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return ask_for_page(message, userdata, method_tabulate_episodes, QUESTION_TABULATE_EPISODES,
                            STORE_TABLE_PAGE_MAX, error);
}

/* Asks for what is kept under one episode's id. */
static int ask_by_id(sd_bus_message *message, struct bus *bus, sd_bus_message_handler_t handler,
                     enum question question, sd_bus_error *error) {
        struct store_filter filter = {.since_us = STORE_NO_TIME, .until_us = STORE_NO_TIME, .limit = 1};
        const char *id;
        uid_t uid;
        int r;

        r = caller_get_uid(bus->callers, message, handler, bus, error, &uid);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = sd_bus_message_read(message, "s", &id);
        if (r < 0)
                return r;
        r = public_id_read(id, filter.id);
        if (r < 0)
                return error_set_no_episode(error, r);
        return ask_store(bus, message, uid, &filter, question, error);
}

static int method_get_episode(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return ask_by_id(message, userdata, method_get_episode, QUESTION_EPISODE, error);
}

static int method_explain_episode(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return ask_by_id(message, userdata, method_explain_episode, QUESTION_ACCOUNT, error);
}

static int method_get_waveform(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return ask_by_id(message, userdata, method_get_waveform, QUESTION_WAVEFORM, error);
}

static const sd_bus_vtable history_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("ListEpisodes", SD_BUS_ARGS("a{sv}", filter),
                                SD_BUS_RESULT("aa{sv}", episodes, "t", cursor), method_list_episodes,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ListChanges", SD_BUS_ARGS("a{sv}", filter),
                                SD_BUS_RESULT("aa{sv}", episodes, "s", cursor), method_list_changes,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ListNights", SD_BUS_ARGS("a{sv}", filter),
                                SD_BUS_RESULT("aa{sv}", nights, "t", cursor), method_list_nights,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("OutlineEpisodes", SD_BUS_ARGS("a{sv}", filter),
                                SD_BUS_RESULT("as", words, "a{sv}", columns, "t", cursor),
                                method_outline_episodes,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("OutlineNights", SD_BUS_ARGS("a{sv}", filter),
                                SD_BUS_RESULT("as", words, "a{sv}", columns, "t", cursor),
                                method_outline_nights,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("TabulateEpisodes", SD_BUS_ARGS("a{sv}", filter),
                                SD_BUS_RESULT("as", words, "a{sv}", columns, "t", cursor),
                                method_tabulate_episodes,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("GetEpisode", SD_BUS_ARGS("s", id, "a{sv}", options),
                                SD_BUS_RESULT("a{sv}", episode), method_get_episode,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ExplainEpisode", SD_BUS_ARGS("s", id, "a{sv}", options),
                                SD_BUS_RESULT("a{sv}", account), method_explain_episode,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("GetWaveform", SD_BUS_ARGS("s", id, "a{sv}", options),
                                SD_BUS_RESULT("a{sv}", waveform, "an", samples), method_get_waveform,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("Annotate", SD_BUS_ARGS("s", id, "a{sv}", options), SD_BUS_NO_RESULT,
                                method_annotate, SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ReportMissed", SD_BUS_ARGS("s", sensor, "x", time_us, "a{sv}", options),
                                SD_BUS_RESULT("s", id), method_report_missed,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ClearAnnotation", SD_BUS_ARGS("s", id, "a{sv}", options),
                                SD_BUS_NO_RESULT, method_clear_annotation,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ListMissed", SD_BUS_ARGS("a{sv}", filter),
                                SD_BUS_RESULT("aa{sv}", missed, "t", cursor), method_list_missed,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_VTABLE_END,
};

int history_export(struct bus *bus) {
        return sd_bus_add_object_vtable(bus->connection, &bus->slots[2], CRAMPD_ROOT,
                                        CRAMPD_NAME ".History", history_vtable, bus);
}
