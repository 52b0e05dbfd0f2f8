/* SPDX-License-Identifier: MIT */
/*
 * Looking for sensors: Scan() and StopScan() of org.crampd1.Manager and the signals that it makes, which
 * come to nobody else. Only those of the service that scans for us are taken. Called by events.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/client/internal.h"

#define FOUND_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_found, key) }

static const struct field found_fields[] = {
        FOUND_FIELD(name, FIELD_STRING, false),  FOUND_FIELD(driver, FIELD_STRING, false),
        FOUND_FIELD(title, FIELD_STRING, false), FOUND_FIELD(match, FIELD_STRING, false),
        FOUND_FIELD(notes, FIELD_STRING, false), FOUND_FIELD(rssi, FIELD_INT16, false),
        FOUND_FIELD(added, FIELD_BOOL, false),
};

static void found_clear(struct crampd_found *found) {
        free(found->address);
        free(found->name);
        free(found->driver);
        free(found->title);
        free(found->match);
        free(found->notes);
}

static int text_complete(char **text) {
        if (!*text)
                *text = strdup("");
        return *text ? 0 : -ENOMEM;
}

/* `found` is zero, and to be cleared also after a failure. */
static int found_read(DBusMessage *message, struct crampd_found *found) {
        DBusMessageIter iter;
        int r;

        if (!dbus_message_has_signature(message, "sa{sv}"))
                return -EPROTO;
        (void)dbus_message_iter_init(message, &iter);
        if ((r = string_read(&iter, &found->address, NULL)) < 0 ||
            (r = dict_read(&iter, found_fields, ELEMENTS(found_fields), found, NULL)) < 0 ||
            (r = text_complete(&found->name)) < 0 || (r = text_complete(&found->driver)) < 0 ||
            (r = text_complete(&found->title)) < 0 || (r = text_complete(&found->match)) < 0 ||
            (r = text_complete(&found->notes)) < 0)
                return r;
        return 0;
}

static DBusHandlerResult found_handle(crampd_client *client, DBusMessage *message) {
        struct crampd_found found = {};
        int r = found_read(message, &found);

        if (r >= 0)
                client->found_func(&found, NULL, client->found_userdata);
        found_clear(&found);
        /* libdbus keeps the message and offers it again later. */
        return r == -ENOMEM ? DBUS_HANDLER_RESULT_NEED_MEMORY : DBUS_HANDLER_RESULT_HANDLED;
}

static void scan_end(crampd_client *client, const char *reason) {
        crampd_found_func func = client->found_func;
        void *userdata = client->found_userdata;

        scan_stop(client);
        func(NULL, reason, userdata);
}

static DBusHandlerResult ended_handle(crampd_client *client, DBusMessage *message) {
        const char *reason;

        if (dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &reason, DBUS_TYPE_INVALID))
                scan_end(client, reason);
        return DBUS_HANDLER_RESULT_HANDLED;
}

DBusHandlerResult scan_filter(crampd_client *client, DBusMessage *message) {
        bool is_found = dbus_message_is_signal(message, MANAGER_INTERFACE, "SensorFound");
        bool is_ended = dbus_message_is_signal(message, MANAGER_INTERFACE, "ScanEnded");

        if (!is_found && !is_ended)
                return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
        if (!client->found_func || !dbus_message_has_sender(message, client->scan_owner) ||
            !dbus_message_has_path(message, MANAGER_PATH))
                return DBUS_HANDLER_RESULT_HANDLED;
        return is_found ? found_handle(client, message) : ended_handle(client, message);
}

void scan_stop(crampd_client *client) {
        client->found_func = NULL;
        client->found_userdata = NULL;
        free(client->scan_owner);
        client->scan_owner = NULL;
}

static bool scan_append(DBusMessage *message, unsigned seconds, bool all) {
        const dbus_uint32_t wire_seconds = seconds;
        const dbus_bool_t wire_all = all;
        struct dict_writer writer;

        if (dict_begin(&writer, message) &&
            dict_put(&writer, "seconds", DBUS_TYPE_UINT32, &wire_seconds) &&
            dict_put(&writer, "all", DBUS_TYPE_BOOLEAN, &wire_all) && dict_end(&writer))
                return true;
        dict_abandon(&writer);
        return false;
}

int crampd_start_scan(crampd_client *client, unsigned seconds, bool all, crampd_found_func func,
                      void *userdata, struct crampd_error *error) {
        DBusMessage *message, *reply;
        const char *sender;
        char *owner;
        int r;

        if (!func)
                return error_set(error, -EINVAL, "a scan needs a function to call");
        if (client->found_func)
                return error_set(error, -EEXIST, "a scan is under way already");
        r = call_new(MANAGER_PATH, MANAGER_INTERFACE, "Scan", &message, error);
        if (r < 0)
                return r;
        if (scan_append(message, seconds, all))
                r = call_wait(client, message, "", &reply, error);
        else
                r = error_set_oom(error);
        dbus_message_unref(message);
        if (r < 0)
                return r;

        sender = dbus_message_get_sender(reply);
        owner = sender ? strdup(sender) : NULL;
        dbus_message_unref(reply);
        if (!owner)
                return error_set_oom(error);
        client->scan_owner = owner;
        client->found_func = func;
        client->found_userdata = userdata;
        return 0;
}

int crampd_stop_scan(crampd_client *client, struct crampd_error *error) {
        DBusMessage *message;
        int r;

        if (!client->found_func)
                return 0;
        scan_stop(client);
        r = call_new(MANAGER_PATH, MANAGER_INTERFACE, "StopScan", &message, error);
        if (r < 0)
                return r;
        dbus_message_set_auto_start(message, FALSE);
        r = call_wait(client, message, "", NULL, error);
        dbus_message_unref(message);
        return r;
}
