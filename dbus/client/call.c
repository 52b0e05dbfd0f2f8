/* SPDX-License-Identifier: MIT */
/*
 * Method calls: build, send, wait for the reply; errors of the bus as errno and back. Signals that
 * arrive while a call waits stay in libdbus' queue until crampd_client_dispatch(). Called by every file
 * that asks something.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dbus/client/internal.h"

#define SPAWN_ERROR_PREFIX "org.freedesktop.DBus.Error.Spawn."
#define SYSTEMD_ERROR_PREFIX "org.freedesktop.systemd1."

/* Where several names share an errno, the first stands for it on the way back. */
static const struct {
        const char *name;
        int error;
} error_names[] = {
        {"org.crampd1.Error.InvalidArgument", EINVAL},
        {"org.crampd1.Error.NotAuthorized", EACCES},
        {"org.crampd1.Error.NotSafe", EPERM},
        {"org.crampd1.Error.NoSuchSensor", ENOENT},
        {"org.crampd1.Error.NoSuchEpisode", ENOENT},
        {"org.crampd1.Error.NoSuchEntry", ENOENT},
        {"org.crampd1.Error.AlreadyExists", EEXIST},
        {"org.crampd1.Error.LimitReached", EDQUOT},
        {"org.crampd1.Error.StoreFailed", EIO},
        {"org.crampd1.Error.NotSupported", EOPNOTSUPP},
        {"org.crampd1.Error.NotConnected", ENOLINK},
        {DBUS_ERROR_NO_MEMORY, ENOMEM},
        {DBUS_ERROR_INCONSISTENT_MESSAGE, EPROTO},
        {DBUS_ERROR_TIMEOUT, ETIMEDOUT},
        {DBUS_ERROR_TIMED_OUT, ETIMEDOUT},
        {DBUS_ERROR_DISCONNECTED, ENOTCONN},
        {DBUS_ERROR_SERVICE_UNKNOWN, ENOTCONN},
        {DBUS_ERROR_NAME_HAS_NO_OWNER, ENOTCONN},
        {DBUS_ERROR_NO_SERVER, ENOTCONN},
        {DBUS_ERROR_NO_REPLY, ENOTCONN}, /* it left the bus before it answered */
        {DBUS_ERROR_ACCESS_DENIED, EACCES},
        {DBUS_ERROR_AUTH_FAILED, EACCES},
        {DBUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, EACCES},
        {DBUS_ERROR_INVALID_ARGS, EINVAL},
        {DBUS_ERROR_UNKNOWN_OBJECT, ENOENT},
        {DBUS_ERROR_LIMITS_EXCEEDED, EDQUOT},
        {DBUS_ERROR_UNKNOWN_METHOD, EPROTO},
        {DBUS_ERROR_UNKNOWN_INTERFACE, EPROTO},
        {DBUS_ERROR_INVALID_SIGNATURE, EPROTO},
};

static int errno_from_name(const char *name) {
        for (size_t i = 0; i < ELEMENTS(error_names); i++)
                if (strcmp(error_names[i].name, name) == 0)
                        return -error_names[i].error;
        /* The bus tried to start crampd and could not. */
        if (strncmp(name, SPAWN_ERROR_PREFIX, strlen(SPAWN_ERROR_PREFIX)) == 0 ||
            strncmp(name, SYSTEMD_ERROR_PREFIX, strlen(SYSTEMD_ERROR_PREFIX)) == 0)
                return -ENOTCONN;
        return -EIO;
}

static const char *name_from_errno(int r) {
        for (size_t i = 0; i < ELEMENTS(error_names); i++)
                if (error_names[i].error == -r)
                        return error_names[i].name;
        return DBUS_ERROR_FAILED;
}

/* Cuts at a character's border. */
static void copy_text(char *to, size_t size, const char *from) {
        size_t n = strnlen(from, size);

        if (n == size) {
                n = size - 1;
                while (n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80)
                        n--;
        }
        memcpy(to, from, n);
        to[n] = 0;
}

static void error_fill(struct crampd_error *error, const char *name, const char *message) {
        if (!error)
                return;
        copy_text(error->name, sizeof(error->name), name);
        copy_text(error->message, sizeof(error->message), message);
}

int error_set(struct crampd_error *error, int r, const char *format, ...) {
        char message[2 * sizeof(error->message)];
        va_list arguments;

        va_start(arguments, format);
        if (vsnprintf(message, sizeof(message), format, arguments) < 0)
                message[0] = 0;
        va_end(arguments);
        error_fill(error, name_from_errno(r), message);
        return r;
}

int error_set_oom(struct crampd_error *error) {
        return error_set(error, -ENOMEM, "out of memory");
}

int error_set_dbus(struct crampd_error *error, const DBusError *dbus_error) {
        error_fill(error, dbus_error->name, dbus_error->message);
        return errno_from_name(dbus_error->name);
}

int error_set_reply(struct crampd_error *error, DBusMessage *reply) {
        DBusError dbus_error = DBUS_ERROR_INIT;
        int r;

        if (!dbus_set_error_from_message(&dbus_error, reply))
                return error_set(error, -EPROTO, "an answer of an unknown kind");
        /* libdbus reports its own time limit under the name that the bus uses for a service that left,
         * but such a reply was sent by nobody. */
        if (!dbus_message_get_sender(reply) && dbus_error_has_name(&dbus_error, DBUS_ERROR_NO_REPLY))
                r = error_set(error, -ETIMEDOUT, "crampd did not answer in time");
        else
                r = error_set_dbus(error, &dbus_error);
        dbus_error_free(&dbus_error);
        return r;
}

int check_text(const char *what, const char *text, struct crampd_error *error) {
        if (!text)
                return error_set(error, -EINVAL, "%s is missing", what);
        if (strnlen(text, ARGUMENT_MAX_BYTES + 1) > ARGUMENT_MAX_BYTES)
                return error_set(error, -EINVAL, "%s is longer than %u bytes", what, ARGUMENT_MAX_BYTES);
        if (!dbus_validate_utf8(text, NULL))
                return error_set(error, -EINVAL, "%s is not valid UTF-8", what);
        return 0;
}

int check_sensor_path(const char *path, struct crampd_error *error) {
        int r = check_text("the sensor's path", path, error);

        if (r < 0)
                return r;
        if (!dbus_validate_path(path, NULL) ||
            strncmp(path, SENSOR_PATH_PREFIX, strlen(SENSOR_PATH_PREFIX)) != 0)
                return error_set(error, -EINVAL, "'%s' is not the path of a sensor", path);
        return 0;
}

int call_new(const char *path, const char *interface, const char *method, DBusMessage **ret,
             struct crampd_error *error) {
        DBusMessage *message = dbus_message_new_method_call(SERVICE_NAME, path, interface, method);

        if (!message)
                return error_set_oom(error);
        *ret = message;
        return 0;
}

int reply_check(DBusMessage *message, DBusMessage *reply, const char *signature,
                struct crampd_error *error) {
        if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_METHOD_RETURN)
                return error_set_reply(error, reply);
        if (!dbus_message_has_signature(reply, signature))
                return error_set(error, -EPROTO,
                                 "%s() answered '%s' instead of '%s'; do crampd and this client match?",
                                 dbus_message_get_member(message), dbus_message_get_signature(reply),
                                 signature);
        return 0;
}

int call_begin(crampd_client *client, DBusMessage *message, DBusPendingCall **ret,
               struct crampd_error *error) {
        DBusPendingCall *pending = NULL;

        if (!dbus_connection_send_with_reply(client->connection, message, &pending, client->timeout_ms))
                return error_set_oom(error);
        if (!pending)
                return error_set(error, -ENOTCONN, "the connection to the bus is closed");
        *ret = pending;
        return 0;
}

int call_end(DBusPendingCall *pending, DBusMessage **ret_reply, struct crampd_error *error) {
        DBusMessage *reply;
        int r;

        dbus_pending_call_block(pending);
        reply = dbus_pending_call_steal_reply(pending);
        dbus_pending_call_unref(pending);
        if (!reply)
                return error_set(error, -ENOTCONN, "the connection to the bus is closed");
        if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_METHOD_RETURN) {
                r = error_set_reply(error, reply);
                dbus_message_unref(reply);
                return r;
        }
        *ret_reply = reply;
        return 0;
}

int asked_begin(crampd_client *client, DBusMessage *message, struct asked *ret,
                struct crampd_error *error) {
        struct asked asked = {.message = message};
        int r = call_begin(client, message, &asked.call, error);

        if (r < 0)
                dbus_message_unref(message);
        else
                *ret = asked;
        return r;
}

int asked_end(struct asked *asked, const char *signature, DBusMessage **ret,
              struct crampd_error *error) {
        DBusMessage *reply = NULL;
        int r = call_end(asked->call, &reply, error);

        if (r >= 0)
                r = reply_check(asked->message, reply, signature, error);
        dbus_message_unref(asked->message);
        *asked = (struct asked){};
        if (r < 0 && reply)
                dbus_message_unref(reply);
        else if (r >= 0)
                *ret = reply;
        return r;
}

void asked_give_up(struct asked *asked) {
        if (asked->call) {
                dbus_pending_call_cancel(asked->call);
                dbus_pending_call_unref(asked->call);
                dbus_message_unref(asked->message);
        }
        *asked = (struct asked){};
}

int call_send(crampd_client *client, DBusMessage *message, DBusMessage **ret_reply,
              struct crampd_error *error) {
        DBusPendingCall *pending;
        int r = call_begin(client, message, &pending, error);

        return r < 0 ? r : call_end(pending, ret_reply, error);
}

int call_wait(crampd_client *client, DBusMessage *message, const char *signature,
              DBusMessage **ret_reply, struct crampd_error *error) {
        DBusMessage *reply;
        int r;

        r = call_send(client, message, &reply, error);
        if (r < 0)
                return r;
        r = reply_check(message, reply, signature, error);
        if (r < 0 || !ret_reply)
                dbus_message_unref(reply);
        else
                *ret_reply = reply;
        return r;
}
