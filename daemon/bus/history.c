/* SPDX-License-Identifier: MIT */
/* org.crampd1.History: see dbus/org.crampd1.History.xml. The vtable is at the bottom. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/bus/caller.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/error.h"
#include "daemon/bus/objects.h"

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

/* The message that waits for the store. */
static void reply_error(sd_bus_message *message, int r) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        r = error_set_store(&error, r);
        (void)sd_bus_reply_method_errno(message, r, &error);
}

static void on_page(int error, const struct store_episode *episodes, size_t n, uint64_t cursor,
                    void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = userdata;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r = error;

        if (r < 0) {
                reply_error(message, r);
                return;
        }
        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = append_page(reply, episodes, n, cursor);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        if (r < 0)
                (void)sd_bus_reply_method_errno(message, r, NULL);
}

static void on_one(int error, const struct store_episode *episodes, size_t n, uint64_t cursor,
                   void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = userdata;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r = error;

        if (r < 0) {
                reply_error(message, r);
                return;
        }
        if (n == 0) {
                (void)sd_bus_reply_method_errorf(message, ERROR_NO_SUCH_EPISODE,
                                                 "There is no such episode.");
                return;
        }
        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = append_episode(reply, &episodes[0]);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        if (r < 0)
                (void)sd_bus_reply_method_errno(message, r, NULL);
}

static int ask_store(struct bus *bus, sd_bus_message *message, const struct store_filter *filter,
                     store_episodes_func done, sd_bus_error *error) {
        int r;

        r = store_list_episodes(bus->crampd->store, filter, done, sd_bus_message_ref(message));
        if (r < 0) {
                sd_bus_message_unref(message);
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

static int parse_filter(sd_bus_message *message, struct store_filter *filter, sd_bus_error *error) {
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
        if (filter->limit < 1 || filter->limit > STORE_PAGE_MAX)
                return sd_bus_error_setf(error, ERROR_INVALID_ARGUMENT,
                                         "Option 'limit' must be 1 to %u.", STORE_PAGE_MAX);
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
        r = parse_filter(message, &filter, error);
        if (r < 0)
                return r;
        filter.any_owner = uid == 0;
        filter.owner_uid = uid;
        return ask_store(bus, message, &filter, on_page, error);
}

static int method_get_episode(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct store_filter filter = {.since_us = STORE_NO_TIME, .until_us = STORE_NO_TIME, .limit = 1};
        struct bus *bus = userdata;
        const char *id;
        uid_t uid;
        int r;

        r = caller_get_uid(bus->callers, message, method_get_episode, userdata, error, &uid);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = sd_bus_message_read(message, "s", &id);
        if (r < 0)
                return r;
        if (set_id(filter.id, id) < 0)
                return sd_bus_error_set(error, ERROR_NO_SUCH_EPISODE,
                                        "An episode's id is 16 hexadecimal digits.");
        filter.any_owner = uid == 0;
        filter.owner_uid = uid;
        return ask_store(bus, message, &filter, on_one, error);
}

static const sd_bus_vtable history_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("ListEpisodes", SD_BUS_ARGS("a{sv}", filter),
                                SD_BUS_RESULT("aa{sv}", episodes, "t", cursor), method_list_episodes,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("GetEpisode", SD_BUS_ARGS("s", id, "a{sv}", options),
                                SD_BUS_RESULT("a{sv}", episode), method_get_episode,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_VTABLE_END,
};

int history_export(struct bus *bus) {
        return sd_bus_add_object_vtable(bus->connection, NULL, CRAMPD_ROOT, CRAMPD_NAME ".History",
                                        history_vtable, bus);
}
