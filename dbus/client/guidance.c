/* SPDX-License-Identifier: MIT */
/*
 * Guidance: the profile and advice of org.crampd1.Guidance, and what its calls share.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/client/internal.h"

#define PROFILE_VALUES_MAX 64u
#define ADVICE_MAX 1024u

bool guidance_append_owner(const crampd_client *client, DBusMessage *message, unsigned owner) {
        struct dict_writer writer;
        dbus_uint32_t uid = owner;

        if (dict_begin(&writer, message) &&
            (owner == CRAMPD_OWNER_SELF || dict_put(&writer, "owner", DBUS_TYPE_UINT32, &uid)) &&
            dict_put_language(&writer, client) && dict_end(&writer))
                return true;
        dict_abandon(&writer);
        return false;
}

int guidance_call(crampd_client *client, DBusMessage *message, const char *signature,
                  DBusMessage **ret_reply, struct crampd_error *error) {
        int r = call_wait(client, message, signature, ret_reply, error);

        dbus_message_unref(message);
        return r;
}

int guidance_delete(crampd_client *client, const char *method, unsigned owner, const char *id,
                    struct crampd_error *error) {
        DBusMessage *message = NULL;
        int r;

        r = check_text("the id", id, error);
        if (r >= 0)
                r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, method, &message, error);
        if (r < 0)
                return r;
        if (!dbus_message_append_args(message, DBUS_TYPE_STRING, &id, DBUS_TYPE_INVALID) ||
            !guidance_append_owner(client, message, owner)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        return guidance_call(client, message, "", NULL, error);
}

/* --- the profile --- */

void crampd_profile_free(struct crampd_profile_value *values, size_t n) {
        for (size_t i = 0; values && i < n; i++) {
                free(values[i].key);
                free(values[i].value);
        }
        free(values);
}

static int profile_read(DBusMessage *reply, struct crampd_profile_value **ret, size_t *ret_n,
                        struct crampd_error *error) {
        struct crampd_profile_value *values;
        DBusMessageIter iter, item, pair;
        int n, r = 0;

        (void)dbus_message_iter_init(reply, &iter);
        n = dbus_message_iter_get_element_count(&iter);
        if (n < 0 || (unsigned)n > PROFILE_VALUES_MAX)
                return error_set(error, -EPROTO, "crampd sent a profile of %d values", n);
        values = calloc((size_t)n + 1, sizeof(*values));
        if (!values)
                return error_set_oom(error);
        dbus_message_iter_recurse(&iter, &item);
        for (int i = 0; i < n && r >= 0; i++) {
                dbus_message_iter_recurse(&item, &pair);
                r = string_read(&pair, &values[i].key, error);
                if (r >= 0)
                        r = string_read(&pair, &values[i].value, error);
                (void)dbus_message_iter_next(&item);
        }
        if (r < 0) {
                crampd_profile_free(values, (size_t)n);
                return r;
        }
        *ret = values;
        *ret_n = (size_t)n;
        return 0;
}

int crampd_get_profile(crampd_client *client, unsigned owner, struct crampd_profile_value **ret,
                       size_t *ret_n, struct crampd_error *error) {
        DBusMessage *message = NULL, *reply = NULL;
        int r;

        r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, "GetProfile", &message, error);
        if (r < 0)
                return r;
        if (!guidance_append_owner(client, message, owner)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        r = guidance_call(client, message, "a{ss}", &reply, error);
        if (r < 0)
                return r;
        r = profile_read(reply, ret, ret_n, error);
        dbus_message_unref(reply);
        return r;
}

static bool append_pair(DBusMessageIter *array, const char *key, const char *value) {
        DBusMessageIter entry = DBUS_MESSAGE_ITER_INIT_CLOSED;

        if (dbus_message_iter_open_container(array, DBUS_TYPE_DICT_ENTRY, NULL, &entry) &&
            dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &key) &&
            dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &value) &&
            dbus_message_iter_close_container(array, &entry))
                return true;
        dbus_message_iter_abandon_container_if_open(array, &entry);
        return false;
}

static bool append_pairs(DBusMessage *message, const struct crampd_profile_value *values, size_t n) {
        DBusMessageIter iter, array = DBUS_MESSAGE_ITER_INIT_CLOSED;
        bool well;

        dbus_message_iter_init_append(message, &iter);
        well = dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{ss}", &array);
        for (size_t i = 0; i < n && well; i++)
                well = append_pair(&array, values[i].key, values[i].value);
        if (well && dbus_message_iter_close_container(&iter, &array))
                return true;
        dbus_message_iter_abandon_container_if_open(&iter, &array);
        return false;
}

int crampd_set_profile(crampd_client *client, unsigned owner, const struct crampd_profile_value *values,
                       size_t n, struct crampd_error *error) {
        DBusMessage *message;
        int r;

        for (size_t i = 0; i < n; i++)
                if ((r = check_text("the key", values[i].key, error)) < 0 ||
                    (r = check_text("the value", values[i].value, error)) < 0)
                        return r;
        r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, "SetProfile", &message, error);
        if (r < 0)
                return r;
        if (!append_pairs(message, values, n) || !guidance_append_owner(client, message, owner)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        return guidance_call(client, message, "", NULL, error);
}

int crampd_forget_profile(crampd_client *client, unsigned owner, struct crampd_error *error) {
        DBusMessage *message;
        int r;

        r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, "ForgetProfile", &message, error);
        if (r < 0)
                return r;
        if (!guidance_append_owner(client, message, owner)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        return guidance_call(client, message, "", NULL, error);
}

/* --- advice --- */

#define ADVICE_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_advice, key) }

static const struct field advice_fields[] = {
        ADVICE_FIELD(language, FIELD_STRING, true),   ADVICE_FIELD(amounts_allowed, FIELD_BOOL, true),
        ADVICE_FIELD(nights, FIELD_UNSIGNED, true),   ADVICE_FIELD(clusters, FIELD_UNSIGNED, true),
        ADVICE_FIELD(reported, FIELD_UNSIGNED, true), ADVICE_FIELD(missing, FIELD_STRINGS, true),
        ADVICE_FIELD(complete, FIELD_BOOL, false),    ADVICE_FIELD(relief, FIELD_STRINGS, false),
};

#define ITEM_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_advice_item, key) }

static const struct field item_fields[] = {
        ITEM_FIELD(id, FIELD_STRING, true),
        ITEM_FIELD(topic, FIELD_STRING, true),
        ITEM_FIELD(kind, FIELD_STRING, true),
        ITEM_FIELD(title, FIELD_STRING, true),
        ITEM_FIELD(text, FIELD_STRING, true),
        ITEM_FIELD(grade, FIELD_STRING, true),
        ITEM_FIELD(population, FIELD_STRING, false),
        ITEM_FIELD(reviewed, FIELD_STRING, true),
        ITEM_FIELD(priority, FIELD_UNSIGNED, true),
        ITEM_FIELD(red_flag, FIELD_BOOL, true),
        ITEM_FIELD(sources, FIELD_STRINGS, true),
        ITEM_FIELD(reasons, FIELD_STRINGS, true),
        ITEM_FIELD(foods, FIELD_STRINGS, true),
        ITEM_FIELD(missing, FIELD_STRINGS, true),
        ITEM_FIELD(intake, FIELD_DOUBLE, false),
        ITEM_FIELD(intake_unit, FIELD_STRING, false),
        ITEM_FIELD(intake_adequate, FIELD_BOOL, false),
        ITEM_FIELD(limit, FIELD_DOUBLE, false),
        ITEM_FIELD(limit_unit, FIELD_STRING, false),
        ITEM_FIELD(limit_authority, FIELD_STRING, false),
        ITEM_FIELD(limit_supplements_only, FIELD_BOOL, false),
};

#define SUPPRESSED_FIELD(key, kind) \
        { #key, kind, true, offsetof(struct crampd_suppressed, key) }

static const struct field suppressed_fields[] = {
        SUPPRESSED_FIELD(id, FIELD_STRING),       SUPPRESSED_FIELD(title, FIELD_STRING),
        SUPPRESSED_FIELD(text, FIELD_STRING),     SUPPRESSED_FIELD(food, FIELD_BOOL),
        SUPPRESSED_FIELD(reasons, FIELD_STRINGS),
};

static void item_clear(struct crampd_advice_item *item) {
        free(item->id);
        free(item->topic);
        free(item->kind);
        free(item->title);
        free(item->text);
        free(item->grade);
        free(item->population);
        free(item->reviewed);
        strings_free(item->sources);
        strings_free(item->reasons);
        strings_free(item->foods);
        strings_free(item->missing);
        free(item->intake_unit);
        free(item->limit_unit);
        free(item->limit_authority);
}

static void suppressed_clear(struct crampd_suppressed *suppressed) {
        free(suppressed->id);
        free(suppressed->title);
        free(suppressed->text);
        strings_free(suppressed->reasons);
}

void crampd_advice_free(struct crampd_advice *advice) {
        if (!advice)
                return;
        for (size_t i = 0; i < advice->n_items; i++)
                item_clear(&advice->items[i]);
        for (size_t i = 0; i < advice->n_suppressed; i++)
                suppressed_clear(&advice->suppressed[i]);
        free(advice->items);
        free(advice->suppressed);
        free(advice->language);
        strings_free(advice->missing);
        strings_free(advice->relief);
        free(advice);
}

int dicts_count(DBusMessageIter *iter, struct crampd_error *error) {
        int n = dbus_message_iter_get_element_count(iter);

        if (n < 0 || (unsigned)n > ADVICE_MAX)
                return error_set(error, -EPROTO, "crampd sent %d pieces of advice", n);
        return n;
}

static int items_read(DBusMessageIter *iter, struct crampd_advice *advice, struct crampd_error *error) {
        int n = dicts_count(iter, error), r = 0;
        DBusMessageIter item;

        if (n < 0)
                return n;
        advice->items = calloc((size_t)n + 1, sizeof(*advice->items));
        if (!advice->items)
                return error_set_oom(error);
        dbus_message_iter_recurse(iter, &item);
        for (int i = 0; i < n && r >= 0; i++) {
                struct crampd_advice_item *target = &advice->items[advice->n_items++];

                target->intake = target->limit = (double)NAN;
                r = dict_read(&item, item_fields, ELEMENTS(item_fields), target, error);
                (void)dbus_message_iter_next(&item);
        }
        return r;
}

static int suppressed_read(DBusMessageIter *iter, struct crampd_advice *advice,
                           struct crampd_error *error) {
        int n = dicts_count(iter, error), r = 0;
        DBusMessageIter item;

        if (n < 0)
                return n;
        advice->suppressed = calloc((size_t)n + 1, sizeof(*advice->suppressed));
        if (!advice->suppressed)
                return error_set_oom(error);
        dbus_message_iter_recurse(iter, &item);
        for (int i = 0; i < n && r >= 0; i++) {
                r = dict_read(&item, suppressed_fields, ELEMENTS(suppressed_fields),
                              &advice->suppressed[advice->n_suppressed++], error);
                (void)dbus_message_iter_next(&item);
        }
        return r;
}

int advise_read(DBusMessage *reply, struct crampd_advice **ret, struct crampd_error *error) {
        struct crampd_advice *advice = calloc(1, sizeof(*advice));
        DBusMessageIter iter;
        int r;

        if (!advice)
                return error_set_oom(error);
        advice->complete = true;
        (void)dbus_message_iter_init(reply, &iter);
        r = dict_read(&iter, advice_fields, ELEMENTS(advice_fields), advice, error);
        (void)dbus_message_iter_next(&iter);
        if (r >= 0)
                r = items_read(&iter, advice, error);
        (void)dbus_message_iter_next(&iter);
        if (r >= 0)
                r = suppressed_read(&iter, advice, error);
        if (r < 0) {
                crampd_advice_free(advice);
                return r;
        }
        *ret = advice;
        return 0;
}

int advise_request(unsigned owner, const char *topic, const char *language, DBusMessage **ret,
                   struct crampd_error *error) {
        dbus_uint32_t uid = owner;
        struct dict_writer writer;
        DBusMessage *message;
        int r;

        if ((topic && (r = check_text("the topic", topic, error)) < 0) ||
            (language && (r = check_text("the language", language, error)) < 0))
                return r;
        r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, "Advise", &message, error);
        if (r < 0)
                return r;
        if (dict_begin(&writer, message) &&
            (owner == CRAMPD_OWNER_SELF || dict_put(&writer, "owner", DBUS_TYPE_UINT32, &uid)) &&
            (!topic || dict_put(&writer, "topic", DBUS_TYPE_STRING, &topic)) &&
            (!language || dict_put(&writer, "language", DBUS_TYPE_STRING, &language)) &&
            dict_end(&writer)) {
                *ret = message;
                return 0;
        }
        dict_abandon(&writer);
        dbus_message_unref(message);
        return error_set_oom(error);
}

int crampd_advise(crampd_client *client, unsigned owner, const char *topic, const char *language,
                  struct crampd_advice **ret, struct crampd_error *error) {
        DBusMessage *message = NULL, *reply = NULL;
        int r;

        r = advise_request(owner, topic, language ? language : client->language, &message, error);
        if (r < 0)
                return r;
        r = guidance_call(client, message, ADVISE_SIGNATURE, &reply, error);
        if (r < 0)
                return r;
        r = advise_read(reply, ret, error);
        dbus_message_unref(reply);
        return r;
}
