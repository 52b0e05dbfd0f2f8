/* SPDX-License-Identifier: MIT */
/*
 * Calibrating a sensor: Calibrate(), StopCalibration() and ForgetCalibration() of org.crampd1.Sensor and
 * the signals that a calibration makes, which come to nobody else. Only those of the service that
 * calibrates for us are taken. Called by events.c.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/client/internal.h"

#define CALIBRATION_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_calibration, key) }

static const struct field progress_fields[] = {
        CALIBRATION_FIELD(arbitrary_unit, FIELD_BOOL, true),
        CALIBRATION_FIELD(channel, FIELD_UNSIGNED, true),
        CALIBRATION_FIELD(level_uv, FIELD_DOUBLE, false),
        {"rest_uv", FIELD_DOUBLE, false, offsetof(struct crampd_calibration, channel_rest_uv)},
        CALIBRATION_FIELD(highest_uv, FIELD_DOUBLE, false),
};

static const struct field ended_fields[] = {
        CALIBRATION_FIELD(calibrated_us, FIELD_INT64, false),
        CALIBRATION_FIELD(arbitrary_unit, FIELD_BOOL, false),
        CALIBRATION_FIELD(rest_uv, FIELD_CHANNELS, false),
        CALIBRATION_FIELD(mvc_uv, FIELD_CHANNELS, false),
};

static const struct crampd_calibration nothing_known = {
        .level_uv = (double)NAN,
        .channel_rest_uv = (double)NAN,
        .highest_uv = (double)NAN,
        .calibrated_us = CRAMPD_NO_TIME,
};

static int progress_read(DBusMessage *message, struct crampd_calibration *ret, char **ret_phase) {
        dbus_uint32_t attempt;
        DBusMessageIter iter;
        int r;

        if (!dbus_message_has_signature(message, "suda{sv}"))
                return -EPROTO;
        (void)dbus_message_iter_init(message, &iter);
        r = string_read(&iter, ret_phase, NULL);
        if (r < 0)
                return r;
        dbus_message_iter_get_basic(&iter, &attempt);
        (void)dbus_message_iter_next(&iter);
        dbus_message_iter_get_basic(&iter, &ret->left_s);
        (void)dbus_message_iter_next(&iter);
        ret->attempt = attempt;
        ret->phase = *ret_phase;
        if (!isfinite(ret->left_s))
                return -EPROTO;
        return dict_read(&iter, progress_fields, ELEMENTS(progress_fields), ret, NULL);
}

static DBusHandlerResult progress_handle(crampd_client *client, DBusMessage *message) {
        struct crampd_calibration calibration = nothing_known;
        char *phase = NULL;
        int r = progress_read(message, &calibration, &phase);

        if (r >= 0)
                client->calibration_func(&calibration, client->calibration_userdata);
        free(phase);
        /* libdbus keeps the message and offers it again later. */
        return r == -ENOMEM ? DBUS_HANDLER_RESULT_NEED_MEMORY : DBUS_HANDLER_RESULT_HANDLED;
}

static int ended_read(DBusMessage *message, struct crampd_calibration *ret, char **ret_result,
                      char **ret_reason) {
        DBusMessageIter iter;
        int r;

        if (!dbus_message_has_signature(message, "ssa{sv}"))
                return -EPROTO;
        (void)dbus_message_iter_init(message, &iter);
        if ((r = string_read(&iter, ret_result, NULL)) < 0 ||
            (r = string_read(&iter, ret_reason, NULL)) < 0 ||
            (r = dict_read(&iter, ended_fields, ELEMENTS(ended_fields), ret, NULL)) < 0)
                return r;
        ret->result = *ret_result;
        ret->reason = *ret_reason;
        return ret->rest_uv.n == ret->mvc_uv.n ? 0 : -EPROTO;
}

static DBusHandlerResult ended_handle(crampd_client *client, DBusMessage *message) {
        struct crampd_calibration calibration = nothing_known;
        crampd_calibration_func func = client->calibration_func;
        void *userdata = client->calibration_userdata;
        char *result = NULL, *reason = NULL;
        int r = ended_read(message, &calibration, &result, &reason);

        if (r >= 0) {
                calibration_stop(client);
                func(&calibration, userdata);
        }
        free(result);
        free(reason);
        return r == -ENOMEM ? DBUS_HANDLER_RESULT_NEED_MEMORY : DBUS_HANDLER_RESULT_HANDLED;
}

DBusHandlerResult calibration_filter(crampd_client *client, DBusMessage *message) {
        bool is_progress = dbus_message_is_signal(message, SENSOR_INTERFACE, "CalibrationProgress");
        bool is_ended = dbus_message_is_signal(message, SENSOR_INTERFACE, "CalibrationEnded");

        if (!is_progress && !is_ended)
                return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
        if (!client->calibration_func || !dbus_message_has_sender(message, client->calibration_owner) ||
            !dbus_message_has_path(message, client->calibration_path))
                return DBUS_HANDLER_RESULT_HANDLED;
        return is_progress ? progress_handle(client, message) : ended_handle(client, message);
}

void calibration_stop(crampd_client *client) {
        client->calibration_func = NULL;
        client->calibration_userdata = NULL;
        free(client->calibration_owner);
        free(client->calibration_path);
        client->calibration_owner = client->calibration_path = NULL;
}

static bool put_unless_zero(struct dict_writer *writer, const char *key, unsigned value) {
        const dbus_uint32_t wire = value;

        return value == 0 || dict_put(writer, key, DBUS_TYPE_UINT32, &wire);
}

static bool options_append(DBusMessage *message, const struct crampd_calibration_options *options) {
        struct dict_writer writer;

        if (dict_begin(&writer, message) && put_unless_zero(&writer, "rest_s", options->rest_s) &&
            put_unless_zero(&writer, "flex_s", options->flex_s) &&
            put_unless_zero(&writer, "pause_s", options->pause_s) &&
            put_unless_zero(&writer, "tries", options->tries) && dict_end(&writer))
                return true;
        dict_abandon(&writer);
        return false;
}

static const struct field plan_fields[] = {
        {"rest_s", FIELD_UNSIGNED, true, offsetof(struct crampd_calibration_options, rest_s)},
        {"flex_s", FIELD_UNSIGNED, true, offsetof(struct crampd_calibration_options, flex_s)},
        {"pause_s", FIELD_UNSIGNED, true, offsetof(struct crampd_calibration_options, pause_s)},
        {"tries", FIELD_UNSIGNED, true, offsetof(struct crampd_calibration_options, tries)},
};

static int calibrate_call(crampd_client *client, const char *path,
                          struct crampd_calibration_options *options, char **ret_owner,
                          struct crampd_error *error) {
        DBusMessage *message, *reply;
        DBusMessageIter iter;
        const char *sender;
        int r;

        r = call_new(path, SENSOR_INTERFACE, "Calibrate", &message, error);
        if (r < 0)
                return r;
        if (options_append(message, options))
                r = call_wait(client, message, "a{sv}", &reply, error);
        else
                r = error_set_oom(error);
        dbus_message_unref(message);
        if (r < 0)
                return r;
        (void)dbus_message_iter_init(reply, &iter);
        r = dict_read(&iter, plan_fields, ELEMENTS(plan_fields), options, error);
        sender = dbus_message_get_sender(reply);
        *ret_owner = sender ? strdup(sender) : NULL;
        if (r >= 0 && !*ret_owner)
                r = error_set_oom(error);
        dbus_message_unref(reply);
        return r;
}

static int call_plain(crampd_client *client, const char *path, const char *method,
                      struct crampd_error *error) {
        DBusMessage *message;
        int r;

        r = check_sensor_path(path, error);
        if (r >= 0)
                r = call_new(path, SENSOR_INTERFACE, method, &message, error);
        if (r < 0)
                return r;
        if (append_no_options(message))
                r = call_wait(client, message, "", NULL, error);
        else
                r = error_set_oom(error);
        dbus_message_unref(message);
        return r;
}

int crampd_start_calibration(crampd_client *client, const char *path,
                             struct crampd_calibration_options *options, crampd_calibration_func func,
                             void *userdata, struct crampd_error *error) {
        char *owner = NULL, *copy;
        int r;

        if (!func)
                return error_set(error, -EINVAL, "a calibration needs a function to call");
        if (client->calibration_func)
                return error_set(error, -EEXIST, "a calibration is under way already");
        r = check_sensor_path(path, error);
        if (r < 0)
                return r;
        copy = strdup(path);
        if (!copy)
                return error_set_oom(error);
        r = calibrate_call(client, path, options, &owner, error);
        if (r < 0) {
                free(owner);
                free(copy);
                return r;
        }
        client->calibration_owner = owner;
        client->calibration_path = copy;
        client->calibration_func = func;
        client->calibration_userdata = userdata;
        return 0;
}

int crampd_stop_calibration(crampd_client *client, struct crampd_error *error) {
        char *path;
        int r;

        if (!client->calibration_func)
                return 0;
        path = client->calibration_path;
        client->calibration_path = NULL;
        calibration_stop(client);
        r = call_plain(client, path, "StopCalibration", error);
        free(path);
        return r;
}

int crampd_forget_calibration(crampd_client *client, const char *path, struct crampd_error *error) {
        return call_plain(client, path, "ForgetCalibration", error);
}
