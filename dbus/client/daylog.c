/* SPDX-License-Identifier: MIT */
/*
 * The day log: Log() and its like of org.crampd1.Guidance.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "dbus/client/internal.h"

#define ENTRY_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_entry, key) }

static const struct field entry_fields[] = {
        ENTRY_FIELD(id, FIELD_STRING, true),        ENTRY_FIELD(kind, FIELD_STRING, true),
        ENTRY_FIELD(what, FIELD_STRING, false),     ENTRY_FIELD(origin, FIELD_STRING, false),
        ENTRY_FIELD(compound, FIELD_STRING, false), ENTRY_FIELD(amount, FIELD_STRING, false),
        ENTRY_FIELD(leg, FIELD_STRING, false),      ENTRY_FIELD(text, FIELD_STRING, false),
        ENTRY_FIELD(time_us, FIELD_INT64, true),    ENTRY_FIELD(zone_offset_s, FIELD_INT, true),
};

#define WARNING_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_warning, key) }

static const struct field warning_fields[] = {
        WARNING_FIELD(id, FIELD_STRING, true),
        WARNING_FIELD(nutrient, FIELD_STRING, true),
        WARNING_FIELD(text, FIELD_STRING, true),
        WARNING_FIELD(limit, FIELD_DOUBLE, false),
        WARNING_FIELD(limit_unit, FIELD_STRING, false),
        WARNING_FIELD(limit_authority, FIELD_STRING, false),
        WARNING_FIELD(limit_supplements_only, FIELD_BOOL, false),
};

void crampd_warnings_free(struct crampd_warning *warnings, size_t n) {
        for (size_t i = 0; warnings && i < n; i++) {
                free(warnings[i].id);
                free(warnings[i].nutrient);
                free(warnings[i].text);
                free(warnings[i].limit_unit);
                free(warnings[i].limit_authority);
        }
        free(warnings);
}

static int warnings_read(DBusMessageIter *iter, struct crampd_warning **ret, size_t *ret_n,
                         struct crampd_error *error) {
        int n = dicts_count(iter, error), r = 0;
        struct crampd_warning *warnings;
        DBusMessageIter item;

        if (n < 0)
                return n;
        warnings = calloc((size_t)n + 1, sizeof(*warnings));
        if (!warnings)
                return error_set_oom(error);
        dbus_message_iter_recurse(iter, &item);
        for (int i = 0; i < n && r >= 0; i++) {
                warnings[i].limit = (double)NAN;
                r = dict_read(&item, warning_fields, ELEMENTS(warning_fields), &warnings[i], error);
                (void)dbus_message_iter_next(&item);
        }
        if (r < 0) {
                crampd_warnings_free(warnings, (size_t)n);
                return r;
        }
        *ret = warnings;
        *ret_n = (size_t)n;
        return 0;
}

/* Every string of an entry but its id. */
static const size_t entry_texts[] = {
        offsetof(struct crampd_entry, kind),   offsetof(struct crampd_entry, what),
        offsetof(struct crampd_entry, origin), offsetof(struct crampd_entry, compound),
        offsetof(struct crampd_entry, amount), offsetof(struct crampd_entry, leg),
        offsetof(struct crampd_entry, text),
};
static const char *const entry_keys[] = {"kind", "what", "origin", "compound", "amount", "leg", "text"};

static const char *entry_text(const struct crampd_entry *entry, size_t index) {
        return *(char *const *)((const char *)entry + entry_texts[index]);
}

static bool append_entry(const crampd_client *client, DBusMessage *message, unsigned owner,
                         const struct crampd_entry *entry) {
        dbus_int64_t time_us = entry->time_us;
        dbus_uint32_t uid = owner;
        struct dict_writer writer;
        bool well;

        well = dict_begin(&writer, message);
        for (size_t i = 0; i < ELEMENTS(entry_texts) && well; i++) {
                const char *text = entry_text(entry, i);

                well = !text || dict_put(&writer, entry_keys[i], DBUS_TYPE_STRING, &text);
        }
        if (well &&
            (time_us == CRAMPD_NO_TIME || dict_put(&writer, "time_us", DBUS_TYPE_INT64, &time_us)) &&
            (owner == CRAMPD_OWNER_SELF || dict_put(&writer, "owner", DBUS_TYPE_UINT32, &uid)) &&
            dict_put_language(&writer, client) && dict_end(&writer))
                return true;
        dict_abandon(&writer);
        return false;
}

static int log_read(DBusMessage *reply, char **ret_id, struct crampd_warning **ret_warnings,
                    size_t *ret_n, struct crampd_error *error) {
        DBusMessageIter iter;
        char *id;
        int r;

        (void)dbus_message_iter_init(reply, &iter);
        r = string_read(&iter, &id, error);
        if (r < 0)
                return r;
        r = ret_warnings ? warnings_read(&iter, ret_warnings, ret_n, error) : 0;
        if (r >= 0 && ret_id)
                *ret_id = id;
        else
                free(id);
        return r;
}

int crampd_log(crampd_client *client, unsigned owner, const struct crampd_entry *entry, char **ret_id,
               struct crampd_warning **ret_warnings, size_t *ret_n, struct crampd_error *error) {
        DBusMessage *message = NULL, *reply = NULL;
        const char *id = entry->id;
        int r;

        for (size_t i = 0; i < ELEMENTS(entry_texts); i++)
                if (entry_text(entry, i) &&
                    (r = check_text(entry_keys[i], entry_text(entry, i), error)) < 0)
                        return r;
        if (id && (r = check_text("the entry's id", id, error)) < 0)
                return r;
        r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, id ? "EditLog" : "Log", &message, error);
        if (r < 0)
                return r;
        if ((id && !dbus_message_append_args(message, DBUS_TYPE_STRING, &id, DBUS_TYPE_INVALID)) ||
            !append_entry(client, message, owner, entry)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        r = guidance_call(client, message, "saa{sv}", &reply, error);
        if (r < 0)
                return r;
        r = log_read(reply, ret_id, ret_warnings, ret_n, error);
        dbus_message_unref(reply);
        return r;
}

int crampd_delete_entry(crampd_client *client, unsigned owner, const char *id,
                        struct crampd_error *error) {
        return guidance_delete(client, "DeleteLog", owner, id, error);
}

struct entry_listing {
        crampd_entry_func func;
        void *userdata;
};

static int entry_item(DBusMessageIter *item, void *userdata, struct crampd_error *error) {
        const struct entry_listing *listing = userdata;
        struct crampd_entry entry = {.time_us = CRAMPD_NO_TIME};
        int r = dict_read(item, entry_fields, ELEMENTS(entry_fields), &entry, error);

        if (r >= 0)
                r = zone_check(entry.zone_offset_s, error);
        if (r >= 0)
                r = listing->func(&entry, listing->userdata);
        for (size_t i = 0; i < ELEMENTS(entry_texts); i++)
                free(*(char **)((char *)&entry + entry_texts[i]));
        free(entry.id);
        return r;
}

int crampd_list_entries(crampd_client *client, unsigned owner, const struct crampd_filter *filter,
                        crampd_entry_func func, void *userdata, struct crampd_error *error) {
        struct entry_listing listing = {func, userdata};
        struct pages_filter pages = {.interface = GUIDANCE_INTERFACE,
                                     .method = "ListLog",
                                     .since_us = filter->since_us,
                                     .until_us = filter->until_us,
                                     .owner = owner,
                                     .texts = true};

        return pages_list_of(client, &pages, entry_item, &listing, error);
}
