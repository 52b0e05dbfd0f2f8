/* SPDX-License-Identifier: MIT */
/*
 * Calls whose answers come by crampd_client_dispatch(), for programs whose loop must not stand still.
 */
#include <errno.h>
#include <stdlib.h>

#include "dbus/client/internal.h"

#define CALLS_MAX 64u

struct call {
        struct call *next;
        crampd_client *client;
        DBusMessage *message;
        DBusPendingCall *pending;
        /* Reads the answer, unless `r` tells that there is none, and calls `func`. */
        void (*finish)(const struct call *call, int r, DBusMessage *reply, struct crampd_error *error);
        const char *signature;
        union {
                crampd_done_func done;
                crampd_advised_func advised;
                crampd_listed_func listed;
        } func;
        void *userdata;
};

static void call_free(struct call *call) {
        if (call->pending) {
                dbus_pending_call_cancel(call->pending);
                dbus_pending_call_unref(call->pending);
        }
        dbus_message_unref(call->message);
        free(call);
}

static void call_unlink(struct call *call) {
        for (struct call **p = &call->client->calls; *p; p = &(*p)->next)
                if (*p == call) {
                        *p = call->next;
                        return;
                }
}

void calls_cancel(crampd_client *client) {
        while (client->calls) {
                struct call *call = client->calls;

                client->calls = call->next;
                call_free(call);
        }
}

static void call_answered(DBusPendingCall *pending, void *userdata) {
        struct call *call = userdata;
        DBusMessage *reply = dbus_pending_call_steal_reply(pending);
        struct crampd_error error = {};
        int r;

        /* Before `func`, which may do anything. */
        call_unlink(call);
        r = reply ? reply_check(call->message, reply, call->signature, &error)
                  : error_set(&error, -ENOTCONN, "the connection to the bus is closed");
        call->finish(call, r, reply, &error);
        if (reply)
                dbus_message_unref(reply);
        call_free(call);
}

/* Sends `message`, which it takes over, and remembers `call`, in which only what to do with the answer
 * is filled in. */
static int call_later(crampd_client *client, DBusMessage *message, const struct call *call,
                      struct crampd_error *error) {
        struct call *waiting;
        unsigned n = 0;

        for (const struct call *other = client->calls; other; other = other->next)
                n++;
        if (n >= CALLS_MAX) {
                dbus_message_unref(message);
                return error_set(error, -EDQUOT, "%u calls wait for crampd's answer already", n);
        }
        waiting = calloc(1, sizeof(*waiting));
        if (!waiting) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        *waiting = *call;
        waiting->client = client;
        waiting->message = message;
        if (!dbus_connection_send_with_reply(client->connection, message, &waiting->pending,
                                             client->timeout_ms)) {
                call_free(waiting);
                return error_set_oom(error);
        }
        if (!waiting->pending) {
                call_free(waiting);
                return error_set(error, -ENOTCONN, "the connection to the bus is closed");
        }
        if (!dbus_pending_call_set_notify(waiting->pending, call_answered, waiting, NULL)) {
                call_free(waiting);
                return error_set_oom(error);
        }
        waiting->next = client->calls;
        client->calls = waiting;
        return 0;
}

/* --- calls of one answer --- */

static void done_finish(const struct call *call, int r, DBusMessage *reply, struct crampd_error *error) {
        call->func.done(r, error, call->userdata);
}

int crampd_annotate_later(crampd_client *client, const char *id,
                          const struct crampd_annotation *annotation, crampd_done_func func,
                          void *userdata, struct crampd_error *error) {
        DBusMessage *message;
        int r = annotate_request(id, annotation, &message, error);

        if (r < 0)
                return r;
        return call_later(
                client, message,
                &(struct call){
                        .finish = done_finish, .signature = "", .func.done = func, .userdata = userdata},
                error);
}

static void advised_finish(const struct call *call, int r, DBusMessage *reply,
                           struct crampd_error *error) {
        struct crampd_advice *advice = NULL;

        if (r >= 0)
                r = advise_read(reply, &advice, error);
        call->func.advised(r, advice, error, call->userdata);
}

int crampd_advise_later(crampd_client *client, unsigned owner, const char *topic, const char *language,
                        crampd_advised_func func, void *userdata, struct crampd_error *error) {
        DBusMessage *message;
        int r = advise_request(owner, topic, language ? language : client->language, &message, error);

        if (r < 0)
                return r;
        return call_later(client, message,
                          &(struct call){.finish = advised_finish,
                                         .signature = ADVISE_SIGNATURE,
                                         .func.advised = func,
                                         .userdata = userdata},
                          error);
}

static void listed_finish(const struct call *call, int r, DBusMessage *reply,
                          struct crampd_error *error) {
        struct crampd_sensor *sensors = NULL;
        size_t n = 0;

        if (r >= 0)
                r = sensors_read(reply, &sensors, &n, error);
        call->func.listed(r, sensors, n, error, call->userdata);
}

int crampd_list_sensors_later(crampd_client *client, crampd_listed_func func, void *userdata,
                              struct crampd_error *error) {
        DBusMessage *message;
        int r = call_new(MANAGER_PATH, MANAGER_INTERFACE, "ListSensors", &message, error);

        if (r < 0)
                return r;
        if (!append_no_options(message)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        return call_later(client, message,
                          &(struct call){.finish = listed_finish,
                                         .signature = SENSORS_SIGNATURE,
                                         .func.listed = func,
                                         .userdata = userdata},
                          error);
}

/* --- the subscription --- */

/* `r` as the last call that was sent ended. */
static void subscribing_end(const struct call *call, int r, DBusMessage *reply,
                            struct crampd_error *error) {
        crampd_client *client = call->client;

        client->subscribing = false;
        r = subscribe_finish(client, r, reply, error);
        /* It may have come while its absence was told. */
        if (r == -ENOTCONN)
                events_retry(client);
        call->func.done(r, error, call->userdata);
}

static void matched_finish(const struct call *call, int r, DBusMessage *reply,
                           struct crampd_error *error) {
        DBusMessage *message;

        if (r >= 0)
                r = subscribe_request(call->client, &message, error);
        if (r >= 0)
                r = call_later(call->client, message,
                               &(struct call){.finish = subscribing_end,
                                              .signature = "",
                                              .func = call->func,
                                              .userdata = call->userdata},
                               error);
        if (r < 0)
                subscribing_end(call, r, NULL, error);
}

void subscribing_cancel(crampd_client *client) {
        struct call **p = &client->calls;

        client->subscribing = false;
        while (*p) {
                struct call *call = *p;

                if (call->finish != matched_finish && call->finish != subscribing_end) {
                        p = &call->next;
                        continue;
                }
                *p = call->next;
                call_free(call);
        }
}

int crampd_subscribe_later(crampd_client *client, crampd_event_func func, crampd_done_func done,
                           void *userdata, struct crampd_error *error) {
        DBusMessage *message;
        int r;

        if (!func)
                return error_set(error, -EINVAL, "a subscription needs a function to call");
        if (client->func)
                return error_set(error, -EEXIST, "there is a subscription already");
        /* First, so that no change of owner falls between the two calls. */
        r = match_request("AddMatch", &message, error);
        if (r >= 0)
                r = call_later(client, message,
                               &(struct call){.finish = matched_finish,
                                              .signature = "",
                                              .func.done = done,
                                              .userdata = userdata},
                               error);
        if (r < 0)
                return r;
        client->func = func;
        client->userdata = userdata;
        client->subscribing = true;
        return 0;
}
