/* SPDX-License-Identifier: MIT */
/*
 * Events: the subscription, its renewal when crampd comes back, and the signals of org.crampd1.Manager.
 * Only signals of the present owner of the name are taken, so that nobody else can raise a false alarm.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/client/internal.h"

/* Until a subscription that was refused (no memory, limit reached, no answer) is tried again. */
#define RETRY_US INT64_C(5000000)

#define OWNER_MATCH                                                          \
        "type='signal',sender='" DBUS_SERVICE_DBUS "',path='" DBUS_PATH_DBUS \
        "',interface='" DBUS_INTERFACE_DBUS "',member='NameOwnerChanged',arg0='" SERVICE_NAME "'"

/* --- reading the signals --- */

/* What the six signals carry, together. */
struct notice {
        struct crampd_episode episode;
        char *path;
        char *name;
        char **relief;
        char *state;
        char *reason;
        char *warning;
        char *signal;
        char *leg;
        int battery;
        double battery_hours;
        char *advice;
        char *title;
        unsigned owner;
        bool recorded, simulated, repeated, red_flag, over;
};

#define NOTICE_FIELD(key, member, kind, required) \
        { key, kind, required, offsetof(struct notice, member) }

#define ALERT_FIELDS                                                                             \
        NOTICE_FIELD("leg", episode.leg, FIELD_STRING, true),                                    \
                NOTICE_FIELD("name", name, FIELD_STRING, false),                                 \
                NOTICE_FIELD("alert_us", episode.alert_us, FIELD_INT64, true),                   \
                NOTICE_FIELD("zone_offset_s", episode.zone_offset_s, FIELD_INT, true),           \
                NOTICE_FIELD("confidence", episode.confidence, FIELD_DOUBLE, true),              \
                NOTICE_FIELD("peak_uv", episode.peak_uv, FIELD_DOUBLE, false),                   \
                NOTICE_FIELD("peak_mvc_percent", episode.peak_mvc_percent, FIELD_DOUBLE, false), \
                NOTICE_FIELD("median_hz", episode.median_hz, FIELD_DOUBLE, false),               \
                NOTICE_FIELD("recorded", recorded, FIELD_BOOL, false),                           \
                NOTICE_FIELD("simulated", simulated, FIELD_BOOL, false),                         \
                NOTICE_FIELD("repeated", repeated, FIELD_BOOL, false)

static const struct field raised_fields[] = {ALERT_FIELDS};

static const struct field ended_fields[] = {
        ALERT_FIELDS,
        NOTICE_FIELD("onset_us", episode.onset_us, FIELD_INT64, true),
        NOTICE_FIELD("muscle", episode.muscle, FIELD_STRING, true),
};

static const struct field changed_fields[] = {
        NOTICE_FIELD("name", name, FIELD_STRING, false),
};

static const struct field warning_fields[] = {
        NOTICE_FIELD("name", name, FIELD_STRING, false),
        NOTICE_FIELD("percent", battery, FIELD_PERCENT, false),
        NOTICE_FIELD("hours", battery_hours, FIELD_DOUBLE, false),
        NOTICE_FIELD("signal", signal, FIELD_STRING, false),
        NOTICE_FIELD("leg", leg, FIELD_STRING, false),
        NOTICE_FIELD("over", over, FIELD_BOOL, false),
        NOTICE_FIELD("repeated", repeated, FIELD_BOOL, false),
};

static const struct field advice_fields[] = {
        NOTICE_FIELD("owner", owner, FIELD_UNSIGNED, true),
        NOTICE_FIELD("why", reason, FIELD_STRING, true),
        NOTICE_FIELD("id", advice, FIELD_STRING, false),
        NOTICE_FIELD("title", title, FIELD_STRING, false),
        NOTICE_FIELD("red_flag", red_flag, FIELD_BOOL, false),
};

static void notice_clear(struct notice *notice) {
        episode_clear(&notice->episode);
        free(notice->path);
        free(notice->name);
        strings_free(notice->relief);
        free(notice->state);
        free(notice->reason);
        free(notice->warning);
        free(notice->signal);
        free(notice->leg);
        free(notice->advice);
        free(notice->title);
}

static int int64_read(DBusMessageIter *iter, int64_t *ret) {
        dbus_int64_t value;

        if (dbus_message_iter_get_arg_type(iter) != DBUS_TYPE_INT64)
                return -EPROTO;
        dbus_message_iter_get_basic(iter, &value);
        (void)dbus_message_iter_next(iter);
        *ret = value;
        return 0;
}

static int path_read(DBusMessageIter *iter, struct notice *notice) {
        int r = string_read(iter, &notice->path, NULL);

        if (r < 0)
                return r;
        return check_sensor_path(notice->path, NULL) < 0 ? -EPROTO : 0;
}

static int raised_read(DBusMessageIter *iter, struct notice *notice) {
        struct crampd_episode *episode = &notice->episode;
        int r;

        if ((r = path_read(iter, notice)) < 0 || (r = string_read(iter, &episode->id, NULL)) < 0 ||
            (r = int64_read(iter, &episode->onset_us)) < 0 ||
            (r = string_read(iter, &episode->severity, NULL)) < 0 ||
            (r = string_read(iter, &episode->muscle, NULL)) < 0 ||
            (r = strings_read(iter, RELIEF_STEPS_MAX, &notice->relief, NULL)) < 0)
                return r;
        return dict_read(iter, raised_fields, ELEMENTS(raised_fields), notice, NULL);
}

static int ended_read(DBusMessageIter *iter, struct notice *notice) {
        struct crampd_episode *episode = &notice->episode;
        int r;

        if ((r = path_read(iter, notice)) < 0 || (r = string_read(iter, &episode->id, NULL)) < 0 ||
            (r = int64_read(iter, &episode->end_us)) < 0 ||
            (r = string_read(iter, &episode->end_reason, NULL)) < 0 ||
            (r = string_read(iter, &episode->severity, NULL)) < 0)
                return r;
        return dict_read(iter, ended_fields, ELEMENTS(ended_fields), notice, NULL);
}

static int changed_read(DBusMessageIter *iter, struct notice *notice) {
        int r;

        if ((r = path_read(iter, notice)) < 0 || (r = string_read(iter, &notice->state, NULL)) < 0 ||
            (r = string_read(iter, &notice->reason, NULL)) < 0)
                return r;
        return dict_read(iter, changed_fields, ELEMENTS(changed_fields), notice, NULL);
}

static int warning_read(DBusMessageIter *iter, struct notice *notice) {
        int r;

        if ((r = path_read(iter, notice)) < 0 || (r = string_read(iter, &notice->warning, NULL)) < 0)
                return r;
        return dict_read(iter, warning_fields, ELEMENTS(warning_fields), notice, NULL);
}

static int advice_read(DBusMessageIter *iter, struct notice *notice) {
        return dict_read(iter, advice_fields, ELEMENTS(advice_fields), notice, NULL);
}

static bool is_alert(enum crampd_event_type type) {
        return type == CRAMPD_ALERT_RAISED || type == CRAMPD_ALERT_UPDATED || type == CRAMPD_ALERT_ENDED;
}

static const struct signal {
        const char *interface;
        const char *member;
        const char *signature;
        enum crampd_event_type type;
        int (*read)(DBusMessageIter *iter, struct notice *notice);
} signals[] = {
        {MANAGER_INTERFACE, "AlertRaised", "osxssasa{sv}", CRAMPD_ALERT_RAISED, raised_read},
        {MANAGER_INTERFACE, "AlertUpdated", "osxssasa{sv}", CRAMPD_ALERT_UPDATED, raised_read},
        {MANAGER_INTERFACE, "AlertEnded", "osxssa{sv}", CRAMPD_ALERT_ENDED, ended_read},
        {MANAGER_INTERFACE, "SensorChanged", "ossa{sv}", CRAMPD_SENSOR_CHANGED, changed_read},
        {MANAGER_INTERFACE, "SensorWarning", "osa{sv}", CRAMPD_SENSOR_WARNING, warning_read},
        {GUIDANCE_INTERFACE, "AdviceChanged", "a{sv}", CRAMPD_ADVICE_CHANGED, advice_read},
};

static int notice_read(const struct signal *signal, DBusMessage *message, struct notice *notice) {
        DBusMessageIter iter;
        int r;

        if (!dbus_message_has_signature(message, signal->signature))
                return -EPROTO;
        (void)dbus_message_iter_init(message, &iter);
        r = signal->read(&iter, notice);
        if (r < 0 || !is_alert(signal->type))
                return r;

        notice->episode.simulated = notice->simulated;
        notice->episode.sensor = strdup(notice->path + strlen(SENSOR_PATH_PREFIX));
        if (!notice->episode.sensor)
                return -ENOMEM;
        return episode_check(&notice->episode, NULL);
}

/* --- handing on --- */

static void event_emit(crampd_client *client, const struct crampd_event *event) {
        if (client->func)
                client->func(event, client->userdata);
}

static void service_emit(crampd_client *client, enum crampd_event_type type) {
        const struct crampd_event event = {.type = type};

        event_emit(client, &event);
}

static void notice_emit(crampd_client *client, enum crampd_event_type type,
                        const struct notice *notice) {
        const struct crampd_event event = {
                .type = type,
                .sensor_path = notice->path,
                .sensor_name = notice->name ? notice->name : "",
                .episode = notice->episode,
                .relief = (const char *const *)notice->relief,
                .recorded = notice->recorded,
                .simulated = notice->simulated,
                .repeated = notice->repeated,
                .state = notice->state,
                .reason = notice->reason,
                .warning = notice->warning,
                .battery = notice->battery,
                .battery_hours = notice->battery_hours,
                .signal = notice->signal,
                .leg = notice->leg,
                .over = notice->over,
                .owner = notice->owner,
                .advice = notice->advice,
                .title = notice->title,
                .red_flag = notice->red_flag,
        };

        event_emit(client, &event);
}

static bool is_from_service(const crampd_client *client, DBusMessage *message) {
        return client->owner && dbus_message_has_sender(message, client->owner) &&
               dbus_message_has_path(message, MANAGER_PATH);
}

static DBusHandlerResult signal_handle(crampd_client *client, DBusMessage *message) {
        if (!is_from_service(client, message))
                return DBUS_HANDLER_RESULT_HANDLED;

        for (size_t i = 0; i < ELEMENTS(signals); i++) {
                struct notice notice = {.episode = {.end_us = CRAMPD_NO_TIME,
                                                    .peak_uv = (double)NAN,
                                                    .median_hz = (double)NAN,
                                                    .peak_mvc_percent = (double)NAN,
                                                    .pain = -1},
                                        .battery = -1,
                                        .battery_hours = (double)NAN};
                int r;

                if (!dbus_message_is_signal(message, signals[i].interface, signals[i].member))
                        continue;
                r = notice_read(signals + i, message, &notice);
                if (r >= 0)
                        notice_emit(client, signals[i].type, &notice);
                notice_clear(&notice);
                /* libdbus keeps the message and offers it again later. */
                return r == -ENOMEM ? DBUS_HANDLER_RESULT_NEED_MEMORY : DBUS_HANDLER_RESULT_HANDLED;
        }
        return DBUS_HANDLER_RESULT_HANDLED;
}

/* --- the subscription --- */

static void renewal_cancel(crampd_client *client) {
        if (!client->renewal)
                return;
        dbus_pending_call_cancel(client->renewal);
        dbus_pending_call_unref(client->renewal);
        client->renewal = NULL;
}

static void retry_later(crampd_client *client) {
        client->loop.retry_at_us = clock_monotonic_us() + RETRY_US;
}

static void renewal_answered(DBusPendingCall *pending, void *userdata) {
        crampd_client *client = userdata;
        DBusMessage *reply = dbus_pending_call_steal_reply(pending);
        bool renewed = reply && dbus_message_get_type(reply) == DBUS_MESSAGE_TYPE_METHOD_RETURN;

        if (reply)
                dbus_message_unref(reply);
        dbus_pending_call_unref(client->renewal);
        client->renewal = NULL;

        if (!renewed) {
                retry_later(client);
                return;
        }
        client->subscribed = true;
        service_emit(client, CRAMPD_SERVICE_BACK);
}

/* Subscribes anew without waiting, for we are in the middle of the caller's loop. */
static int renewal_send(crampd_client *client) {
        DBusMessage *message;
        int r;

        r = call_new(MANAGER_PATH, MANAGER_INTERFACE, "Subscribe", &message, NULL);
        if (r < 0)
                return r;
        /* To this very process: were it gone again, the bus should not start another in its place. */
        if (!dbus_message_set_destination(message, client->owner) || !append_language(message, client) ||
            !dbus_connection_send_with_reply(client->connection, message, &client->renewal,
                                             client->timeout_ms))
                r = -ENOMEM;
        else if (!client->renewal)
                r = -ENOTCONN;
        else if (!dbus_pending_call_set_notify(client->renewal, renewal_answered, client, NULL)) {
                renewal_cancel(client);
                r = -ENOMEM;
        }
        dbus_message_unref(message);
        return r;
}

void events_retry(crampd_client *client) {
        client->loop.retry_at_us = 0;
        if (!client->func || !client->owner || client->subscribed || client->subscribing)
                return;
        renewal_cancel(client);
        if (renewal_send(client) < 0)
                retry_later(client);
}

static void owner_lost(crampd_client *client) {
        renewal_cancel(client);
        client->loop.retry_at_us = 0;
        client->subscribed = false;
        free(client->owner);
        client->owner = NULL;
        service_emit(client, CRAMPD_SERVICE_GONE);
}

static DBusHandlerResult owner_changed(crampd_client *client, DBusMessage *message) {
        const char *name, *old_owner, *new_owner;
        char *copy = NULL;

        if (!client->func || !dbus_message_has_sender(message, DBUS_SERVICE_DBUS) ||
            !dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &old_owner,
                                   DBUS_TYPE_STRING, &new_owner, DBUS_TYPE_INVALID) ||
            strcmp(name, SERVICE_NAME) != 0)
                return DBUS_HANDLER_RESULT_HANDLED;

        /* Read during a call that already dealt with this owner. */
        if (client->owner && strcmp(client->owner, new_owner) == 0)
                return DBUS_HANDLER_RESULT_HANDLED;
        if (*new_owner) {
                copy = strdup(new_owner);
                if (!copy)
                        return DBUS_HANDLER_RESULT_NEED_MEMORY;
        }

        if (client->owner && strcmp(client->owner, old_owner) == 0)
                owner_lost(client);
        /* The callback may have ended the subscription; or the news are older than the owner that we
         * know. */
        if (!copy || !client->func || client->owner) {
                free(copy);
                return DBUS_HANDLER_RESULT_HANDLED;
        }
        client->owner = copy;
        events_retry(client);
        return DBUS_HANDLER_RESULT_HANDLED;
}

DBusHandlerResult events_filter(DBusConnection *connection, DBusMessage *message, void *userdata) {
        crampd_client *client = userdata;
        DBusHandlerResult result = scan_filter(client, message);

        if (result == DBUS_HANDLER_RESULT_NOT_YET_HANDLED)
                result = calibration_filter(client, message);
        if (result != DBUS_HANDLER_RESULT_NOT_YET_HANDLED)
                return result;
        if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged"))
                return owner_changed(client, message);
        if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL &&
            (dbus_message_has_interface(message, MANAGER_INTERFACE) ||
             dbus_message_has_interface(message, GUIDANCE_INTERFACE)))
                return signal_handle(client, message);
        return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

void events_stop(crampd_client *client) {
        renewal_cancel(client);
        subscribing_cancel(client);
        client->loop.retry_at_us = 0;
        client->subscribed = false;
        client->func = NULL;
        client->userdata = NULL;
        free(client->owner);
        client->owner = NULL;
}

/* AddMatch and RemoveMatch of the bus itself. */
int match_request(const char *method, DBusMessage **ret, struct crampd_error *error) {
        const char *rule = OWNER_MATCH;
        DBusMessage *message;

        message = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
                                               method);
        if (!message)
                return error_set_oom(error);
        if (!dbus_message_append_args(message, DBUS_TYPE_STRING, &rule, DBUS_TYPE_INVALID)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        *ret = message;
        return 0;
}

static int call_match(crampd_client *client, const char *method, struct crampd_error *error) {
        DBusMessage *message;
        int r = match_request(method, &message, error);

        if (r < 0)
                return r;
        r = call_wait(client, message, "", NULL, error);
        dbus_message_unref(message);
        return r;
}

int subscribe_request(const crampd_client *client, DBusMessage **ret, struct crampd_error *error) {
        DBusMessage *message;
        int r = call_new(MANAGER_PATH, MANAGER_INTERFACE, "Subscribe", &message, error);

        if (r < 0)
                return r;
        if (!append_language(message, client)) {
                dbus_message_unref(message);
                return error_set_oom(error);
        }
        *ret = message;
        return 0;
}

int subscribe_finish(crampd_client *client, int r, DBusMessage *reply, struct crampd_error *error) {
        /* The bus fills in who answered: that is the owner. */
        const char *sender = r >= 0 ? dbus_message_get_sender(reply) : NULL;
        char *owner = sender ? strdup(sender) : NULL;

        if (r >= 0 && !owner)
                r = error_set_oom(error);
        if (r >= 0) {
                free(client->owner);
                client->owner = owner;
                client->subscribed = true;
        } else if (r != -ENOTCONN) {
                events_stop(client);
                /* Without waiting; a match that stays does no harm. */
                dbus_bus_remove_match(client->connection, OWNER_MATCH, NULL);
        }
        return r;
}

int crampd_subscribe(crampd_client *client, crampd_event_func func, void *userdata,
                     struct crampd_error *error) {
        DBusMessage *message, *reply = NULL;
        int r;

        if (!func)
                return error_set(error, -EINVAL, "a subscription needs a function to call");
        if (client->func)
                (void)crampd_unsubscribe(client, NULL);

        r = subscribe_request(client, &message, error);
        if (r < 0)
                return r;
        /* First, so that no change of owner falls between the two calls. */
        r = call_match(client, "AddMatch", error);
        if (r >= 0) {
                client->func = func;
                client->userdata = userdata;
                r = call_wait(client, message, "", &reply, error);
                r = subscribe_finish(client, r, reply, error);
        }
        if (reply)
                dbus_message_unref(reply);
        dbus_message_unref(message);
        return r;
}

static int call_unsubscribe(crampd_client *client, struct crampd_error *error) {
        DBusMessage *message;
        int r;

        r = call_new(MANAGER_PATH, MANAGER_INTERFACE, "Unsubscribe", &message, error);
        if (r < 0)
                return r;
        /* A service that is not there has no subscriptions; starting it would be odd. */
        dbus_message_set_auto_start(message, FALSE);
        r = call_wait(client, message, "", NULL, error);
        dbus_message_unref(message);
        if (r == -ENOTCONN) {
                if (error)
                        *error = (struct crampd_error){};
                return 0;
        }
        return r;
}

int crampd_unsubscribe(crampd_client *client, struct crampd_error *error) {
        bool subscribed = client->subscribed || client->subscribing;
        int r, q = 0;

        if (!client->func)
                return 0;
        /* Whatever becomes of the calls, no more events are delivered. */
        events_stop(client);
        r = call_match(client, "RemoveMatch", error);
        if (subscribed)
                q = call_unsubscribe(client, r < 0 ? NULL : error);
        return r < 0 ? r : q;
}
