/* SPDX-License-Identifier: MIT */
/*
 * History: rows from org.crampd1.History, page by page, episodes by id and as they changed. Its pages
 * are walked by the other lists, too: annotations.c, nights.c, outline.c, daylog.c.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/client/internal.h"

#define ZONE_OFFSET_MAX_S (24 * 60 * 60)

#define EPISODE_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_episode, key) }

static const struct field episode_fields[] = {
        EPISODE_FIELD(id, FIELD_STRING, true),
        EPISODE_FIELD(sensor, FIELD_STRING, true),
        EPISODE_FIELD(muscle, FIELD_STRING, true),
        EPISODE_FIELD(leg, FIELD_STRING, true),
        EPISODE_FIELD(onset_us, FIELD_INT64, true),
        EPISODE_FIELD(alert_us, FIELD_INT64, true),
        EPISODE_FIELD(end_us, FIELD_INT64, false),
        EPISODE_FIELD(zone_offset_s, FIELD_INT, true),
        EPISODE_FIELD(end_reason, FIELD_STRING, false),
        EPISODE_FIELD(severity, FIELD_STRING, true),
        EPISODE_FIELD(peak_uv, FIELD_DOUBLE, false),
        EPISODE_FIELD(median_hz, FIELD_DOUBLE, false),
        EPISODE_FIELD(confidence, FIELD_DOUBLE, true),
        EPISODE_FIELD(channel, FIELD_UNSIGNED, true),
        EPISODE_FIELD(detector, FIELD_STRING, true),
        EPISODE_FIELD(verdict, FIELD_STRING, false),
        EPISODE_FIELD(pain, FIELD_PAIN, false),
        EPISODE_FIELD(note, FIELD_STRING, false),
        {"waveform", FIELD_BOOL, false, offsetof(struct crampd_episode, has_waveform)},
        EPISODE_FIELD(peak_mvc_percent, FIELD_DOUBLE, false),
        EPISODE_FIELD(simulated, FIELD_BOOL, true),
};

void episode_clear(struct crampd_episode *episode) {
        free(episode->id);
        free(episode->sensor);
        free(episode->muscle);
        free(episode->leg);
        free(episode->end_reason);
        free(episode->severity);
        free(episode->detector);
        free(episode->verdict);
        free(episode->note);
        *episode = (struct crampd_episode){};
}

int zone_check(int zone_offset_s, struct crampd_error *error) {
        if (zone_offset_s < -ZONE_OFFSET_MAX_S || zone_offset_s > ZONE_OFFSET_MAX_S)
                return error_set(error, -EPROTO, "crampd sent a time zone of %d s", zone_offset_s);
        return 0;
}

int episode_check(const struct crampd_episode *episode, struct crampd_error *error) {
        int r = zone_check(episode->zone_offset_s, error);

        if (r < 0)
                return r;
        if (!(episode->confidence >= 0 && episode->confidence <= 1))
                return error_set(error, -EPROTO, "crampd sent a confidence outside of 0 to 1");
        return 0;
}

static int episode_read(DBusMessageIter *iter, struct crampd_episode *ret, struct crampd_error *error) {
        struct crampd_episode episode = {
                .end_us = CRAMPD_NO_TIME,
                .peak_uv = (double)NAN,
                .median_hz = (double)NAN,
                .peak_mvc_percent = (double)NAN,
                .pain = -1,
        };
        int r = dict_read(iter, episode_fields, ELEMENTS(episode_fields), &episode, error);

        if (r >= 0)
                r = episode_check(&episode, error);
        if (r < 0) {
                episode_clear(&episode);
                return r;
        }
        *ret = episode;
        return 0;
}

static int page_request(const crampd_client *client, const struct pages_filter *filter, uint64_t after,
                        DBusMessage **ret, struct crampd_error *error) {
        dbus_uint32_t owner = filter->owner;
        struct dict_writer writer;
        DBusMessage *message;
        int r;

        r = call_new(MANAGER_PATH, filter->interface, filter->method, &message, error);
        if (r < 0)
                return r;
        if (dict_begin(&writer, message) &&
            (filter->since_us == CRAMPD_NO_TIME ||
             dict_put(&writer, "since_us", DBUS_TYPE_INT64, &filter->since_us)) &&
            (filter->until_us == CRAMPD_NO_TIME ||
             dict_put(&writer, "until_us", DBUS_TYPE_INT64, &filter->until_us)) &&
            (filter->owner == CRAMPD_OWNER_SELF ||
             dict_put(&writer, "owner", DBUS_TYPE_UINT32, &owner)) &&
            (!filter->texts || dict_put_language(&writer, client)) &&
            (!filter->sensor || dict_put(&writer, "sensor", DBUS_TYPE_STRING, &filter->sensor)) &&
            (after == 0 || dict_put(&writer, "after", DBUS_TYPE_UINT64, &after)) && dict_end(&writer)) {
                *ret = message;
                return 0;
        }
        dict_abandon(&writer);
        dbus_message_unref(message);
        return error_set_oom(error);
}

/* `iter` is at an aa{sv} and moves on. Returns the number of its dictionaries. */
static int dicts_read(DBusMessageIter *iter, page_item_func func, void *userdata,
                      struct crampd_error *error) {
        DBusMessageIter item;
        int n, r;

        n = dbus_message_iter_get_element_count(iter);
        if (n < 0 || (unsigned)n > ITEMS_PER_PAGE)
                return error_set(error, -EPROTO, "crampd sent more than %u rows in one answer",
                                 ITEMS_PER_PAGE);
        dbus_message_iter_recurse(iter, &item);
        for (int i = 0; i < n; i++) {
                r = func(&item, userdata, error);
                if (r < 0)
                        return r;
                (void)dbus_message_iter_next(&item);
        }
        (void)dbus_message_iter_next(iter);
        return n;
}

/* `page` has the signature aa{sv}t. Returns the number of its dictionaries. */
static int page_read(DBusMessage *page, page_item_func func, void *userdata, uint64_t *ret_cursor,
                     struct crampd_error *error) {
        DBusMessageIter iter;
        dbus_uint64_t cursor;
        int n;

        (void)dbus_message_iter_init(page, &iter);
        n = dicts_read(&iter, func, userdata, error);
        if (n < 0)
                return n;
        dbus_message_iter_get_basic(&iter, &cursor);
        *ret_cursor = cursor;
        return n;
}

int pages_list(crampd_client *client, const char *method, const struct crampd_filter *filter,
               page_item_func func, void *userdata, struct crampd_error *error) {
        const struct pages_filter pages = {.interface = HISTORY_INTERFACE,
                                           .method = method,
                                           .since_us = filter->since_us,
                                           .until_us = filter->until_us,
                                           .sensor = filter->sensor,
                                           .owner = CRAMPD_OWNER_SELF};

        return pages_list_of(client, &pages, func, userdata, error);
}

struct items {
        page_item_func func;
        void *userdata;
};

static int items_read(DBusMessage *page, void *userdata, uint64_t *ret_cursor,
                      struct crampd_error *error) {
        const struct items *items = userdata;

        return page_read(page, items->func, items->userdata, ret_cursor, error);
}

int pages_list_of(crampd_client *client, const struct pages_filter *filter, page_item_func func,
                  void *userdata, struct crampd_error *error) {
        struct items items = {func, userdata};

        return pages_walk(client, filter, "aa{sv}t", items_read, &items, error);
}

static int page_ask(crampd_client *client, const struct pages_filter *filter, uint64_t after,
                    struct asked *ret, struct crampd_error *error) {
        DBusMessage *message;
        int r = page_request(client, filter, after, &message, error);

        return r < 0 ? r : asked_begin(client, message, ret, error);
}

/* The last of a page's values. */
static uint64_t page_cursor(DBusMessage *page) {
        dbus_uint64_t cursor = 0;
        DBusMessageIter iter;

        (void)dbus_message_iter_init(page, &iter);
        while (dbus_message_iter_has_next(&iter))
                (void)dbus_message_iter_next(&iter);
        dbus_message_iter_get_basic(&iter, &cursor);
        return cursor;
}

/* The next page is asked for before one is read, so that crampd and the bus work meanwhile. */
int pages_walk(crampd_client *client, const struct pages_filter *filter, const char *signature,
               page_func func, void *userdata, struct crampd_error *error) {
        struct asked asked = {};
        uint64_t cursor = 0, next = 0;
        unsigned total = 0;
        int r = 0;

        if (filter->sensor)
                r = check_text("the sensor's id", filter->sensor, error);
        if (r >= 0)
                r = page_ask(client, filter, 0, &asked, error);
        while (r >= 0 && asked.call) {
                DBusMessage *page;

                r = asked_end(&asked, signature, &page, error);
                if (r < 0)
                        break;
                cursor = next;
                next = page_cursor(page);
                if (next != 0 && next != cursor)
                        r = page_ask(client, filter, next, &asked, error);
                if (r >= 0)
                        r = func(page, userdata, &next, error);
                dbus_message_unref(page);
                if (r < 0)
                        break;
                total += (unsigned)r;
                /* A list that does not get on would never end. */
                if (next != 0 && (r == 0 || next == cursor || total > ITEMS_MAX))
                        r = error_set(error, -EPROTO, "crampd's list does not end");
        }
        asked_give_up(&asked);
        return r < 0 ? r : 0;
}

struct episode_listing {
        crampd_episode_func func;
        void *userdata;
};

static int episode_item(DBusMessageIter *item, void *userdata, struct crampd_error *error) {
        const struct episode_listing *listing = userdata;
        struct crampd_episode episode;
        int r;

        r = episode_read(item, &episode, error);
        if (r < 0)
                return r;
        r = listing->func(&episode, listing->userdata);
        episode_clear(&episode);
        return r;
}

static int changes_request(const struct crampd_filter *filter, const char *after, DBusMessage **ret,
                           struct crampd_error *error) {
        struct dict_writer writer;
        DBusMessage *message;
        int r;

        r = check_text("the cursor", after, error);
        if (r >= 0 && filter->sensor)
                r = check_text("the sensor's id", filter->sensor, error);
        if (r >= 0)
                r = call_new(MANAGER_PATH, HISTORY_INTERFACE, "ListChanges", &message, error);
        if (r < 0)
                return r;
        if (dict_begin(&writer, message) && dict_put(&writer, "after", DBUS_TYPE_STRING, &after) &&
            (filter->since_us == CRAMPD_NO_TIME ||
             dict_put(&writer, "since_us", DBUS_TYPE_INT64, &filter->since_us)) &&
            (filter->until_us == CRAMPD_NO_TIME ||
             dict_put(&writer, "until_us", DBUS_TYPE_INT64, &filter->until_us)) &&
            (!filter->sensor || dict_put(&writer, "sensor", DBUS_TYPE_STRING, &filter->sensor)) &&
            dict_end(&writer)) {
                *ret = message;
                return 0;
        }
        dict_abandon(&writer);
        dbus_message_unref(message);
        return error_set_oom(error);
}

/* `page` has the signature aa{sv}s. Returns the number of episodes; takes `*cursor` on. */
static int changes_read(DBusMessage *page, struct episode_listing *listing, char **cursor,
                        struct crampd_error *error) {
        DBusMessageIter iter;
        const char *next;
        char *copy;
        int n;

        (void)dbus_message_iter_init(page, &iter);
        n = dicts_read(&iter, episode_item, listing, error);
        if (n < 0)
                return n;
        dbus_message_iter_get_basic(&iter, &next);
        if (n > 0 && strcmp(next, *cursor) == 0)
                return error_set(error, -EPROTO, "crampd's list does not end");
        copy = strdup(next);
        if (!copy)
                return error_set_oom(error);
        free(*cursor);
        *cursor = copy;
        return n;
}

int crampd_list_changes(crampd_client *client, const struct crampd_filter *filter, const char *after,
                        crampd_episode_func func, void *userdata, char **ret_cursor,
                        struct crampd_error *error) {
        struct episode_listing listing = {func, userdata};
        char *cursor = strdup(after ? after : "");
        unsigned total = 0;
        int r = cursor ? 1 : error_set_oom(error);

        while (r > 0) {
                DBusMessage *message = NULL, *page = NULL;

                r = changes_request(filter, cursor, &message, error);
                if (r < 0)
                        break;
                r = call_wait(client, message, "aa{sv}s", &page, error);
                dbus_message_unref(message);
                if (r < 0)
                        break;
                r = changes_read(page, &listing, &cursor, error);
                dbus_message_unref(page);
                total += r > 0 ? (unsigned)r : 0;
                if (r > 0 && total > ITEMS_MAX)
                        r = error_set(error, -EPROTO, "crampd's list does not end");
        }
        if (r < 0) {
                free(cursor);
                return r;
        }
        *ret_cursor = cursor;
        return 0;
}

int by_id_request(const char *method, const char *id, DBusMessage **ret, struct crampd_error *error) {
        DBusMessage *message;
        int r;

        r = check_text("the id", id, error);
        if (r >= 0)
                r = call_new(MANAGER_PATH, HISTORY_INTERFACE, method, &message, error);
        if (r < 0)
                return r;
        if (dbus_message_append_args(message, DBUS_TYPE_STRING, &id, DBUS_TYPE_INVALID) &&
            append_no_options(message)) {
                *ret = message;
                return 0;
        }
        dbus_message_unref(message);
        return error_set_oom(error);
}

int call_by_id(crampd_client *client, const char *method, const char *id, const char *signature,
               DBusMessage **ret_reply, struct crampd_error *error) {
        DBusMessage *message;
        int r;

        r = by_id_request(method, id, &message, error);
        if (r < 0)
                return r;
        r = call_wait(client, message, signature, ret_reply, error);
        dbus_message_unref(message);
        return r;
}

int crampd_get_episode(crampd_client *client, const char *id, crampd_episode_func func, void *userdata,
                       struct crampd_error *error) {
        struct episode_listing listing = {func, userdata};
        DBusMessageIter iter;
        DBusMessage *reply;
        int r;

        r = call_by_id(client, "GetEpisode", id, "a{sv}", &reply, error);
        if (r < 0)
                return r;
        (void)dbus_message_iter_init(reply, &iter);
        r = episode_item(&iter, &listing, error);
        dbus_message_unref(reply);
        return r;
}
