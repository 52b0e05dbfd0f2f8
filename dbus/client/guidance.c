/* SPDX-License-Identifier: MIT */
/*
 * Guidance: the calls of org.crampd1.Guidance.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/client/internal.h"

#define PROFILE_VALUES_MAX 64u

/* Appends options with nothing but whose guidance it is. */
static bool append_owner(DBusMessage *message, unsigned owner) {
        struct dict_writer writer;
        dbus_uint32_t uid = owner;

        if (dict_begin(&writer, message) &&
            (owner == CRAMPD_OWNER_SELF || dict_put(&writer, "owner", DBUS_TYPE_UINT32, &uid)) &&
            dict_end(&writer))
                return true;
        dict_abandon(&writer);
        return false;
}

/* Sends a call that is complete; frees it. */
static int call_finish(crampd_client *client, DBusMessage *message, const char *signature,
                       DBusMessage **ret_reply, struct crampd_error *error) {
        int r = call_wait(client, message, signature, ret_reply, error);

        dbus_message_unref(message);
        return r;
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
        DBusMessage *message, *reply = NULL;
        int r;

        r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, "GetProfile", &message, error);
        if (r < 0)
                return r;
        if (!append_owner(message, owner)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        r = call_finish(client, message, "a{ss}", &reply, error);
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
        if (!append_pairs(message, values, n) || !append_owner(message, owner)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        return call_finish(client, message, "", NULL, error);
}

int crampd_forget_profile(crampd_client *client, unsigned owner, struct crampd_error *error) {
        DBusMessage *message;
        int r;

        r = call_new(MANAGER_PATH, GUIDANCE_INTERFACE, "ForgetProfile", &message, error);
        if (r < 0)
                return r;
        if (!append_owner(message, owner)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        return call_finish(client, message, "", NULL, error);
}
