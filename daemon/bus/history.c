/* SPDX-License-Identifier: MIT */
/* org.crampd1.History: see dbus/org.crampd1.History.xml. The vtable is at the bottom. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/bus/annotations.h"
#include "daemon/bus/caller.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/error.h"
#include "daemon/bus/objects.h"
#include "sensors/driver.h"

/* Waiting for the store at a time; it takes 64 in all. */
#define QUERIES_PER_USER 8u

static int append_episode(sd_bus_message *reply, const struct store_episode *episode) {
        int r = 0;

        dictionary_open(reply, &r);
        dictionary_append(reply, &r, "id", "s", episode->id);
        dictionary_append(reply, &r, "sensor", "s", episode->sensor);
        dictionary_append(reply, &r, "muscle", "s", episode->muscle);
        dictionary_append(reply, &r, "leg", "s", episode->leg);
        dictionary_append(reply, &r, "onset_us", "x", episode->onset_us);
        dictionary_append(reply, &r, "alert_us", "x", episode->alert_us);
        dictionary_append(reply, &r, "zone_offset_s", "i", episode->zone_offset_s);
        if (episode->end_us != STORE_NO_TIME) {
                dictionary_append(reply, &r, "end_us", "x", episode->end_us);
                dictionary_append(reply, &r, "end_reason", "s", episode->end_reason);
        }
        dictionary_append(reply, &r, "severity", "s", episode->severity);
        if (!isnan(episode->peak_uv))
                dictionary_append(reply, &r, "peak_uv", "d", episode->peak_uv);
        if (!isnan(episode->median_hz))
                dictionary_append(reply, &r, "median_hz", "d", episode->median_hz);
        dictionary_append(reply, &r, "confidence", "d", episode->confidence);
        dictionary_append(reply, &r, "channel", "u", episode->channel);
        dictionary_append(reply, &r, "detector", "s", episode->detector);
        if (episode->verdict[0])
                dictionary_append(reply, &r, "verdict", "s", episode->verdict);
        if (episode->pain != STORE_NO_PAIN)
                dictionary_append(reply, &r, "pain", "u", (uint32_t)episode->pain);
        if (episode->note[0])
                dictionary_append(reply, &r, "note", "s", episode->note);
        dictionary_close(reply, &r);
        return r;
}

static int append_page(sd_bus_message *reply, const struct store_episode *episodes, size_t n,
                       uint64_t cursor) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_episode(reply, &episodes[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "t", cursor);
        return r;
}

/* --- missed cramps --- */

static int append_missed(sd_bus_message *reply, const struct store_missed *missed) {
        int r = 0;

        dictionary_open(reply, &r);
        dictionary_append(reply, &r, "id", "s", missed->id);
        dictionary_append(reply, &r, "sensor", "s", missed->sensor);
        dictionary_append(reply, &r, "muscle", "s", missed->muscle);
        dictionary_append(reply, &r, "leg", "s", missed->leg);
        dictionary_append(reply, &r, "time_us", "x", missed->time_us);
        dictionary_append(reply, &r, "zone_offset_s", "i", missed->zone_offset_s);
        if (missed->pain != STORE_NO_PAIN)
                dictionary_append(reply, &r, "pain", "u", (uint32_t)missed->pain);
        if (missed->note[0])
                dictionary_append(reply, &r, "note", "s", missed->note);
        dictionary_close(reply, &r);
        return r;
}

static int append_missed_page(sd_bus_message *reply, const struct store_missed *missed, size_t n,
                              uint64_t cursor) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_missed(reply, &missed[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "t", cursor);
        return r;
}

/* --- nights --- */

static int append_gaps(sd_bus_message *reply, const struct store_night_report *report) {
        int r;

        r = sd_bus_message_open_container(reply, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(reply, 's', "longest_gaps");
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'v', "a(xxs)");
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(xxs)");
        for (size_t i = 0; i < report->n_longest && r >= 0; i++)
                r = sd_bus_message_append(reply, "(xxs)", report->longest[i].start_us,
                                          report->longest[i].end_us, report->longest[i].reason);
        for (unsigned i = 0; i < 3 && r >= 0; i++)
                r = sd_bus_message_close_container(reply);
        return r;
}

static int append_night(sd_bus_message *reply, const struct store_night_report *report) {
        const struct store_night *night = &report->night;
        bool lasts = night->end_us == STORE_NO_TIME;
        int r = 0;

        dictionary_open(reply, &r);
        dictionary_append(reply, &r, "evening", "s", night->evening);
        dictionary_append(reply, &r, "sensor", "s", night->sensor);
        dictionary_append(reply, &r, "start_us", "x", night->start_us);
        dictionary_append(reply, &r, "end_us", "x", lasts ? night->seen_us : night->end_us);
        dictionary_append(reply, &r, "zone_offset_s", "i", night->zone_offset_s);
        dictionary_append(reply, &r, "lasts", "b", lasts);
        dictionary_append(reply, &r, "monitored_us", "t", night->monitored_us);
        dictionary_append(reply, &r, "packets", "t", night->packets);
        dictionary_append(reply, &r, "lost_packets", "t", night->lost_packets);
        dictionary_append(reply, &r, "gaps", "u", report->gaps);
        dictionary_append(reply, &r, "gap_us", "t",
                          night->rate_mhz > 0 ? stream_frames_to_us(night->rate_mhz, report->gap_frames)
                                              : 0);
        dictionary_append(reply, &r, "longest_gap_us", "t", report->longest_gap_us);
        dictionary_append(reply, &r, "reconnects", "u", night->reconnects);
        dictionary_append(reply, &r, "episodes", "u", report->episodes);
        if (r >= 0)
                r = append_gaps(reply, report);
        dictionary_close(reply, &r);
        return r;
}

static int append_nights(sd_bus_message *reply, const struct store_night_report *nights, size_t n,
                         uint64_t cursor) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_night(reply, &nights[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "t", cursor);
        return r;
}

/* --- asking --- */

enum question {
        QUESTION_EPISODES,
        QUESTION_EPISODE, /* one */
        QUESTION_NIGHTS,
        QUESTION_MISSED,
        QUESTION_ACCOUNT,
};

/* A call that waits for the store. */
struct query_call {
        LIST_ENTRY(query_call) asking;
        struct bus *bus;
        sd_bus_message *message;
        uid_t uid;
        enum question question;
};

static struct query_call *query_free(struct query_call *call) {
        LIST_REMOVE(call, asking);
        sd_bus_message_unref(call->message);
        free(call);
        return NULL;
}

DEFINE_CLEANUP(struct query_call *, query_free)

static int answer(const struct query_call *call, const struct store_episode *episodes, size_t n,
                  uint64_t cursor, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        if (call->question == QUESTION_EPISODE && n == 0)
                return sd_bus_error_set(error, ERROR_NO_SUCH_EPISODE, "There is no such episode.");
        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = call->question == QUESTION_EPISODE ? append_episode(reply, &episodes[0])
                                                       : append_page(reply, episodes, n, cursor);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        return r;
}

static void on_episodes(int error, const struct store_episode *episodes, size_t n, uint64_t cursor,
                        void *userdata) {
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        _cleanup_(query_freep) struct query_call *call = userdata;
        int r;

        r = error < 0 ? error_set_store(&bus_error, error)
                      : answer(call, episodes, n, cursor, &bus_error);
        if (r < 0)
                (void)sd_bus_reply_method_errno(call->message, r, &bus_error);
}

static void on_nights(int error, const struct store_night_report *nights, size_t n, uint64_t cursor,
                      void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        _cleanup_(query_freep) struct query_call *call = userdata;
        int r;

        r = error < 0 ? error_set_store(&bus_error, error)
                      : sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = append_nights(reply, nights, n, cursor);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        if (r < 0)
                (void)sd_bus_reply_method_errno(call->message, r, &bus_error);
}

static void on_missed(int error, const struct store_missed *missed, size_t n, uint64_t cursor,
                      void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        _cleanup_(query_freep) struct query_call *call = userdata;
        int r;

        r = error < 0 ? error_set_store(&bus_error, error)
                      : sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = append_missed_page(reply, missed, n, cursor);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        if (r < 0)
                (void)sd_bus_reply_method_errno(call->message, r, &bus_error);
}

static int append_account(sd_bus_message *reply, const struct store_account *account) {
        int r = 0;

        dictionary_open(reply, &r);
        dictionary_append(reply, &r, "sensitivity", "s", account->sensitivity);
        dictionary_append(reply, &r, "evidence_factor", "d", account->evidence_factor);
        dictionary_append(reply, &r, "needed_s", "d", account->needed_s);
        dictionary_append(reply, &r, "from_us", "x", account->from_us);
        dictionary_append(reply, &r, "active_s", "d", account->active_s);
        dictionary_append(reply, &r, "unbroken_s", "d", account->unbroken_s);
        dictionary_append(reply, &r, "ratio_alert", "d", account->ratio_alert);
        dictionary_append(reply, &r, "ratio_peak", "d", account->ratio_peak);
        dictionary_append(reply, &r, "bridged", "u", account->bridged);
        dictionary_append(reply, &r, "dips", "u", account->dips);
        if (!isnan(account->together))
                dictionary_append(reply, &r, "together", "d", account->together);
        dictionary_append(reply, &r, "channels", "u", account->channels);
        dictionary_append(reply, &r, "took_part", "u", account->took_part);
        dictionary_append(reply, &r, "quality", "s", account->quality);
        dictionary_append(reply, &r, "point_us", "x", account->point_us);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(reply, 's', "evidence_s");
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'v', "ad");
        if (r >= 0)
                r = sd_bus_message_append_array(reply, 'd', account->evidence_s,
                                                account->points * sizeof(account->evidence_s[0]));
        for (unsigned i = 0; i < 2 && r >= 0; i++)
                r = sd_bus_message_close_container(reply);
        dictionary_close(reply, &r);
        return r;
}

static void on_account(int error, const struct store_account *account, void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        _cleanup_(query_freep) struct query_call *call = userdata;
        int r;

        r = error < 0 ? error_set_store(&bus_error, error) : 0;
        if (r >= 0 && !account)
                r = sd_bus_error_set(&bus_error, ERROR_NO_SUCH_EPISODE,
                                     "There is no such episode, or no account of it was kept.");
        if (r >= 0)
                r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = append_account(reply, account);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        if (r < 0)
                (void)sd_bus_reply_method_errno(call->message, r, &bus_error);
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
        case QUESTION_EPISODES:
        case QUESTION_EPISODE:
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
        LIST_INSERT_HEAD(&bus->asking, call, asking);
        r = put_question(bus->crampd->store, filter, call);
        if (r < 0) {
                query_free(call);
                return error_set_store(error, r);
        }
        return 1;
}

static int set_id(char ret[static STORE_ID_SIZE], const char *id) {
        if (strlen(id) != STORE_ID_SIZE - 1 || strspn(id, "0123456789abcdef") != STORE_ID_SIZE - 1)
                return -EINVAL;
        if (strspn(id, "0") == STORE_ID_SIZE - 1) /* never given */
                return -EINVAL;
        memcpy(ret, id, STORE_ID_SIZE);
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
        if (r < 0)
                return r;
        if (filter->limit < 1 || filter->limit > limit_max)
                return sd_bus_error_setf(error, ERROR_INVALID_ARGUMENT,
                                         "Option 'limit' must be 1 to %u.", limit_max);
        if (filter->after > INT64_MAX)
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "Option 'after' is not a cursor of crampd.");
        if (sensor && set_id(filter->sensor, sensor) < 0)
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "Option 'sensor' must be 16 hexadecimal digits.");
        return 0;
}

static int method_list_episodes(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct store_filter filter = {
                .since_us = STORE_NO_TIME, .until_us = STORE_NO_TIME, .limit = STORE_PAGE_MAX};
        struct bus *bus = userdata;
        uid_t uid;
        int r;

        r = caller_get_uid(bus->callers, message, method_list_episodes, userdata, error, &uid);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = parse_filter(message, &filter, STORE_PAGE_MAX, error);
        if (r < 0)
                return r;
        return ask_store(bus, message, uid, &filter, QUESTION_EPISODES, error);
}

static int method_list_nights(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct store_filter filter = {
                .since_us = STORE_NO_TIME, .until_us = STORE_NO_TIME, .limit = STORE_NIGHTS_PAGE_MAX};
        struct bus *bus = userdata;
        uid_t uid;
        int r;

        r = caller_get_uid(bus->callers, message, method_list_nights, userdata, error, &uid);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = parse_filter(message, &filter, STORE_NIGHTS_PAGE_MAX, error);
        if (r < 0)
                return r;
        return ask_store(bus, message, uid, &filter, QUESTION_NIGHTS, error);
}

static int method_list_missed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct store_filter filter = {
                .since_us = STORE_NO_TIME, .until_us = STORE_NO_TIME, .limit = STORE_PAGE_MAX};
        struct bus *bus = userdata;
        uid_t uid;
        int r;

        r = caller_get_uid(bus->callers, message, method_list_missed, userdata, error, &uid);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = parse_filter(message, &filter, STORE_PAGE_MAX, error);
        if (r < 0)
                return r;
        return ask_store(bus, message, uid, &filter, QUESTION_MISSED, error);
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
        if (set_id(filter.id, id) < 0)
                return sd_bus_error_set(error, ERROR_NO_SUCH_EPISODE,
                                        "An episode's id is 16 hexadecimal digits.");
        return ask_store(bus, message, uid, &filter, question, error);
}

static int method_get_episode(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return ask_by_id(message, userdata, method_get_episode, QUESTION_EPISODE, error);
}

static int method_explain_episode(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return ask_by_id(message, userdata, method_explain_episode, QUESTION_ACCOUNT, error);
}

static const sd_bus_vtable history_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("ListEpisodes", SD_BUS_ARGS("a{sv}", filter),
                                SD_BUS_RESULT("aa{sv}", episodes, "t", cursor), method_list_episodes,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ListNights", SD_BUS_ARGS("a{sv}", filter),
                                SD_BUS_RESULT("aa{sv}", nights, "t", cursor), method_list_nights,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("GetEpisode", SD_BUS_ARGS("s", id, "a{sv}", options),
                                SD_BUS_RESULT("a{sv}", episode), method_get_episode,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ExplainEpisode", SD_BUS_ARGS("s", id, "a{sv}", options),
                                SD_BUS_RESULT("a{sv}", account), method_explain_episode,
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
