/* SPDX-License-Identifier: MIT */
/*
 * Questions to services other than crampd: one call with strings, and the answer as flat text. Needs
 * call.c and, for the session bus, connection.c. Called by programs that look for faults.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "dbus/client/internal.h"

#define KEYS_MAX 8u
#define ANSWER_VALUES_MAX 100000u
#define NUMBER_SIZE 40

struct visit {
        crampd_answer_func func;
        void *userdata;
        const char *keys[KEYS_MAX + 1];
        size_t depth;
        unsigned values;
};

/* Text of a basic value: the message's own string, or what was written to `buffer`. NULL for a
 * descriptor, which has none. */
static const char *basic_text(DBusMessageIter *iter, char buffer[static NUMBER_SIZE]) {
        DBusBasicValue value;

        switch (dbus_message_iter_get_arg_type(iter)) {
        case DBUS_TYPE_STRING:
        case DBUS_TYPE_OBJECT_PATH:
        case DBUS_TYPE_SIGNATURE:
                dbus_message_iter_get_basic(iter, &value);
                return value.str;
        case DBUS_TYPE_BOOLEAN:
                dbus_message_iter_get_basic(iter, &value);
                return value.bool_val ? "true" : "false";
        case DBUS_TYPE_BYTE:
                dbus_message_iter_get_basic(iter, &value);
                (void)snprintf(buffer, NUMBER_SIZE, "%u", value.byt);
                return buffer;
        case DBUS_TYPE_INT16:
                dbus_message_iter_get_basic(iter, &value);
                (void)snprintf(buffer, NUMBER_SIZE, "%d", value.i16);
                return buffer;
        case DBUS_TYPE_UINT16:
                dbus_message_iter_get_basic(iter, &value);
                (void)snprintf(buffer, NUMBER_SIZE, "%u", value.u16);
                return buffer;
        case DBUS_TYPE_INT32:
                dbus_message_iter_get_basic(iter, &value);
                (void)snprintf(buffer, NUMBER_SIZE, "%d", value.i32);
                return buffer;
        case DBUS_TYPE_UINT32:
                dbus_message_iter_get_basic(iter, &value);
                (void)snprintf(buffer, NUMBER_SIZE, "%u", value.u32);
                return buffer;
        case DBUS_TYPE_INT64:
                dbus_message_iter_get_basic(iter, &value);
                (void)snprintf(buffer, NUMBER_SIZE, "%" PRId64, (int64_t)value.i64);
                return buffer;
        case DBUS_TYPE_UINT64:
                dbus_message_iter_get_basic(iter, &value);
                (void)snprintf(buffer, NUMBER_SIZE, "%" PRIu64, (uint64_t)value.u64);
                return buffer;
        case DBUS_TYPE_DOUBLE:
                dbus_message_iter_get_basic(iter, &value);
                (void)snprintf(buffer, NUMBER_SIZE, "%.17g", value.dbl);
                return buffer;
        default:
                return NULL;
        }
}

static int values_visit(struct visit *visit, DBusMessageIter *iter);

static int entry_visit(struct visit *visit, DBusMessageIter *entry) {
        char buffer[NUMBER_SIZE];
        int r;

        if (visit->depth >= KEYS_MAX)
                return -EPROTO;
        visit->keys[visit->depth++] = basic_text(entry, buffer) ?: "";
        (void)dbus_message_iter_next(entry);
        r = values_visit(visit, entry);
        visit->keys[--visit->depth] = NULL;
        return r;
}

static int value_visit(struct visit *visit, DBusMessageIter *iter) {
        int type = dbus_message_iter_get_arg_type(iter);
        char buffer[NUMBER_SIZE];
        const char *text;

        if (dbus_type_is_container(type)) {
                DBusMessageIter inner;

                dbus_message_iter_recurse(iter, &inner);
                return type == DBUS_TYPE_DICT_ENTRY ? entry_visit(visit, &inner)
                                                    : values_visit(visit, &inner);
        }
        text = basic_text(iter, buffer);
        if (!text)
                return 0;
        if (visit->values++ >= ANSWER_VALUES_MAX)
                return -EPROTO;
        return visit->func(visit->keys, text, visit->userdata);
}

/* All values at this level. libdbus allows no more than 64 levels, so the depth of calls is bounded. */
static int values_visit(struct visit *visit, DBusMessageIter *iter) {
        while (dbus_message_iter_get_arg_type(iter) != DBUS_TYPE_INVALID) {
                int r = value_visit(visit, iter);

                if (r < 0)
                        return r;
                (void)dbus_message_iter_next(iter);
        }
        return 0;
}

static int question_check(const char *service, const char *path, const char *interface,
                          const char *method, const char *const *arguments, struct crampd_error *error) {
        int r = 0;

        if (!dbus_validate_bus_name(service, NULL) || !dbus_validate_path(path, NULL) ||
            !dbus_validate_interface(interface, NULL) || !dbus_validate_member(method, NULL))
                return error_set(error, -EINVAL, "%s.%s() at %s of %s cannot be called", interface,
                                 method, path, service);
        for (size_t i = 0; r >= 0 && arguments && arguments[i]; i++)
                r = check_text("an argument", arguments[i], error);
        return r;
}

static int question_send(crampd_client *client, DBusMessage *message, const char *const *arguments,
                         DBusMessage **ret_reply, struct crampd_error *error) {
        int r;

        for (size_t i = 0; arguments && arguments[i]; i++)
                if (!dbus_message_append_args(message, DBUS_TYPE_STRING, &arguments[i],
                                              DBUS_TYPE_INVALID))
                        return error_set_oom(error);
        r = call_send(client, message, ret_reply, error);
        if (r == -ETIMEDOUT)
                r = error_set(error, r, "%s did not answer in time",
                              dbus_message_get_destination(message));
        return r;
}

int crampd_ask(crampd_client *client, const char *service, const char *path, const char *interface,
               const char *method, const char *const *arguments, crampd_answer_func func, void *userdata,
               struct crampd_error *error) {
        struct visit visit = {.func = func, .userdata = userdata};
        DBusMessage *message, *reply;
        DBusMessageIter iter;
        int r;

        r = question_check(service, path, interface, method, arguments, error);
        if (r < 0)
                return r;
        message = dbus_message_new_method_call(service, path, interface, method);
        if (!message)
                return error_set_oom(error);
        r = question_send(client, message, arguments, &reply, error);
        dbus_message_unref(message);
        if (r < 0)
                return r;
        if (func && dbus_message_iter_init(reply, &iter))
                r = values_visit(&visit, &iter);
        dbus_message_unref(reply);
        return r < 0 ? error_set(error, r, "the answer of %s was not taken", service) : 0;
}
