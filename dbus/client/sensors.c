/* SPDX-License-Identifier: MIT */
/*
 * Status and sensors: the calls of org.crampd1.Manager and .Sensor that ask for or change what is
 * watched.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "dbus/client/internal.h"

#define STATUS_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_status, key) }

static const struct field status_fields[] = {
        STATUS_FIELD(version, FIELD_STRING, true),   STATUS_FIELD(detector_version, FIELD_STRING, true),
        STATUS_FIELD(store, FIELD_STRING, true),     STATUS_FIELD(bluetooth, FIELD_STRING, true),
        STATUS_FIELD(sensors, FIELD_UNSIGNED, true), STATUS_FIELD(started_us, FIELD_INT64, true),
};

#define SENSOR_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_sensor, key) }

static const struct field sensor_fields[] = {
        SENSOR_FIELD(id, FIELD_STRING, true),
        SENSOR_FIELD(address, FIELD_STRING, true),
        SENSOR_FIELD(driver, FIELD_STRING, true),
        SENSOR_FIELD(name, FIELD_STRING, true),
        SENSOR_FIELD(muscle, FIELD_STRING, true),
        SENSOR_FIELD(leg, FIELD_STRING, true),
        SENSOR_FIELD(says_leg, FIELD_STRING, false),
        SENSOR_FIELD(owner, FIELD_UNSIGNED, true),
        SENSOR_FIELD(simulated, FIELD_BOOL, true),
        SENSOR_FIELD(state, FIELD_STRING, true),
        SENSOR_FIELD(reason, FIELD_STRING, true),
        SENSOR_FIELD(detector, FIELD_STRING, true),
        SENSOR_FIELD(rate_hz, FIELD_DOUBLE, false),
        SENSOR_FIELD(channels, FIELD_UNSIGNED, false),
        SENSOR_FIELD(battery, FIELD_PERCENT, false),
        SENSOR_FIELD(packets, FIELD_UINT64, true),
        SENSOR_FIELD(lost_packets, FIELD_UINT64, true),
        SENSOR_FIELD(malformed_packets, FIELD_UINT64, true),
        SENSOR_FIELD(connects, FIELD_UINT64, true),
        SENSOR_FIELD(monitored_us, FIELD_UINT64, true),
        SENSOR_FIELD(title, FIELD_STRING, false),
        SENSOR_FIELD(paused, FIELD_BOOL, false),
        SENSOR_FIELD(allow_broadcast, FIELD_BOOL, false),
        SENSOR_FIELD(envelope, FIELD_BOOL, false),
        SENSOR_FIELD(arbitrary_unit, FIELD_BOOL, false),
        SENSOR_FIELD(reconnects, FIELD_UINT64, false),
        SENSOR_FIELD(longest_gap_us, FIELD_UINT64, false),
        SENSOR_FIELD(rssi, FIELD_INT16, false),
        SENSOR_FIELD(clock_ppm, FIELD_DOUBLE, false),
        SENSOR_FIELD(measured_rate_hz, FIELD_DOUBLE, false),
        SENSOR_FIELD(scale_uv, FIELD_DOUBLE, false),
        SENSOR_FIELD(battery_mv, FIELD_MILLIVOLT, false),
        SENSOR_FIELD(accelerometer, FIELD_TRISTATE, false),
        SENSOR_FIELD(battery_hours, FIELD_DOUBLE, false),
        SENSOR_FIELD(battery_lasts_night, FIELD_TRISTATE, false),
        SENSOR_FIELD(capacity, FIELD_DOUBLE, false),
        SENSOR_FIELD(signal, FIELD_STRING, false),
        SENSOR_FIELD(sensitivity, FIELD_STRING, false),
        SENSOR_FIELD(calibrated_us, FIELD_INT64, false),
        SENSOR_FIELD(rest_uv, FIELD_CHANNELS, false),
        SENSOR_FIELD(mvc_uv, FIELD_CHANNELS, false),
        SENSOR_FIELD(calibration, FIELD_STRING, false),
};

#define DETECTOR_FIELD(key, kind, required) \
        { #key, kind, required, offsetof(struct crampd_detector, key) }

static const struct field detector_fields[] = {
        DETECTOR_FIELD(sensitivity, FIELD_STRING, true),
        DETECTOR_FIELD(needed_s, FIELD_DOUBLE, true),
        DETECTOR_FIELD(again_factor, FIELD_DOUBLE, false),
        DETECTOR_FIELD(learning, FIELD_BOOL, true),
        DETECTOR_FIELD(proposed, FIELD_DOUBLE, true),
        DETECTOR_FIELD(applied, FIELD_DOUBLE, true),
        DETECTOR_FIELD(factor_min, FIELD_DOUBLE, true),
        DETECTOR_FIELD(factor_max, FIELD_DOUBLE, true),
        DETECTOR_FIELD(confirmed, FIELD_UNSIGNED, true),
        DETECTOR_FIELD(false_alarms, FIELD_UNSIGNED, true),
        DETECTOR_FIELD(missed, FIELD_UNSIGNED, true),
        DETECTOR_FIELD(verdicts_min, FIELD_UNSIGNED, true),
        DETECTOR_FIELD(half_days, FIELD_UNSIGNED, true),
        DETECTOR_FIELD(reason, FIELD_STRING, true),
        DETECTOR_FIELD(since_us, FIELD_INT64, false),
};

/* Calls a method that takes nothing but options. */
static int call_plain(crampd_client *client, const char *path, const char *interface, const char *method,
                      const char *signature, DBusMessage **ret_reply, struct crampd_error *error) {
        DBusMessage *message;
        int r = call_new(path, interface, method, &message, error);

        if (r < 0)
                return r;
        if (append_no_options(message))
                r = call_wait(client, message, signature, ret_reply, error);
        else
                r = error_set_oom(error);
        dbus_message_unref(message);
        return r;
}

/* --- status --- */

void crampd_status_free(struct crampd_status *status) {
        if (!status)
                return;
        free(status->version);
        free(status->detector_version);
        free(status->store);
        free(status->bluetooth);
        free(status);
}

int crampd_get_status(crampd_client *client, struct crampd_status **ret, struct crampd_error *error) {
        struct crampd_status *status;
        DBusMessageIter iter;
        DBusMessage *reply;
        int r;

        r = call_plain(client, MANAGER_PATH, MANAGER_INTERFACE, "Status", "a{sv}", &reply, error);
        if (r < 0)
                return r;
        status = calloc(1, sizeof(*status));
        if (status) {
                (void)dbus_message_iter_init(reply, &iter);
                r = dict_read(&iter, status_fields, ELEMENTS(status_fields), status, error);
        } else
                r = error_set_oom(error);
        dbus_message_unref(reply);
        if (r < 0) {
                crampd_status_free(status);
                return r;
        }
        *ret = status;
        return 0;
}

/* --- sensors --- */

static void sensor_clear(struct crampd_sensor *sensor) {
        free(sensor->path);
        free(sensor->id);
        free(sensor->address);
        free(sensor->driver);
        free(sensor->name);
        free(sensor->muscle);
        free(sensor->leg);
        free(sensor->says_leg);
        free(sensor->state);
        free(sensor->reason);
        free(sensor->detector);
        free(sensor->title);
        free(sensor->signal);
        free(sensor->sensitivity);
        free(sensor->calibration);
}

void crampd_sensors_free(struct crampd_sensor *sensors, size_t n) {
        for (size_t i = 0; i < n; i++)
                sensor_clear(sensors + i);
        free(sensors);
}

/* `iter` is at an (oa{sv}); `sensor` is zero, and to be cleared also after a failure. */
static int sensor_read(DBusMessageIter *iter, struct crampd_sensor *sensor, struct crampd_error *error) {
        DBusMessageIter member;
        int r;

        sensor->battery = -1;
        sensor->battery_mv = -1;
        sensor->accelerometer = -1;
        sensor->battery_lasts_night = -1;
        sensor->clock_ppm = (double)NAN;
        sensor->battery_hours = (double)NAN;
        sensor->capacity = (double)NAN;
        sensor->calibrated_us = CRAMPD_NO_TIME;
        dbus_message_iter_recurse(iter, &member);
        r = string_read(&member, &sensor->path, error);
        if (r < 0)
                return r;
        if (check_sensor_path(sensor->path, NULL) < 0)
                return error_set(error, -EPROTO, "crampd sent '%s' as the path of a sensor",
                                 sensor->path);
        r = dict_read(&member, sensor_fields, ELEMENTS(sensor_fields), sensor, error);
        if (r < 0)
                return r;
        /* NaN: 0 stands for unknown here. */
        if (!(sensor->rate_hz > 0))
                sensor->rate_hz = 0;
        if (!(sensor->measured_rate_hz > 0))
                sensor->measured_rate_hz = 0;
        if (!(sensor->scale_uv > 0))
                sensor->scale_uv = 0;
        return 0;
}

int sensors_read(DBusMessage *reply, struct crampd_sensor **ret, size_t *ret_n,
                 struct crampd_error *error) {
        DBusMessageIter iter, item;
        struct crampd_sensor *sensors;
        int n;

        (void)dbus_message_iter_init(reply, &iter);
        n = dbus_message_iter_get_element_count(&iter);
        if (n < 0 || (unsigned)n > SENSORS_MAX)
                return error_set(error, -EPROTO, "crampd sent more than %u sensors", SENSORS_MAX);
        /* One more, so that an empty list is not NULL. */
        sensors = calloc((size_t)n + 1, sizeof(*sensors));
        if (!sensors)
                return error_set_oom(error);

        dbus_message_iter_recurse(&iter, &item);
        for (int i = 0; i < n; i++) {
                int r = sensor_read(&item, sensors + i, error);

                if (r < 0) {
                        crampd_sensors_free(sensors, (size_t)i + 1);
                        return r;
                }
                (void)dbus_message_iter_next(&item);
        }
        *ret = sensors;
        *ret_n = (size_t)n;
        return 0;
}

int crampd_list_sensors(crampd_client *client, struct crampd_sensor **ret, size_t *ret_n,
                        struct crampd_error *error) {
        DBusMessage *reply;
        int r;

        r = call_plain(client, MANAGER_PATH, MANAGER_INTERFACE, "ListSensors", SENSORS_SIGNATURE, &reply,
                       error);
        if (r < 0)
                return r;
        r = sensors_read(reply, ret, ret_n, error);
        dbus_message_unref(reply);
        return r;
}

static int options_check(const struct crampd_sensor_options *options, bool adding,
                         struct crampd_error *error) {
        const struct {
                const char *what;
                const char *text;
                bool required;
        } texts[] = {
                {"the muscle", options->muscle, adding},          {"the leg", options->leg, adding},
                {"the driver", options->driver, false},           {"the name", options->name, false},
                {"the sensitivity", options->sensitivity, false},
        };

        for (size_t i = 0; i < ELEMENTS(texts); i++)
                if (texts[i].required || texts[i].text) {
                        int r = check_text(texts[i].what, texts[i].text, error);

                        if (r < 0)
                                return r;
                }
        return 0;
}

static bool text_put(struct dict_writer *writer, const char *key, const char *const *text) {
        return !*text || dict_put(writer, key, DBUS_TYPE_STRING, text);
}

static bool bool_put(struct dict_writer *writer, const char *key, bool given, bool value) {
        const dbus_bool_t wire = value;

        return !given || dict_put(writer, key, DBUS_TYPE_BOOLEAN, &wire);
}

static bool unsigned_put(struct dict_writer *writer, const char *key, bool given, unsigned value) {
        const dbus_uint32_t wire = value;

        return !given || dict_put(writer, key, DBUS_TYPE_UINT32, &wire);
}

static bool double_put(struct dict_writer *writer, const char *key, bool given, double value) {
        return !given || dict_put(writer, key, DBUS_TYPE_DOUBLE, &value);
}

static bool options_append(DBusMessage *message, const struct crampd_sensor_options *options) {
        struct dict_writer writer;

        if (dict_begin(&writer, message) && text_put(&writer, "muscle", &options->muscle) &&
            text_put(&writer, "leg", &options->leg) && text_put(&writer, "driver", &options->driver) &&
            text_put(&writer, "name", &options->name) &&
            text_put(&writer, "sensitivity", &options->sensitivity) &&
            unsigned_put(&writer, "owner", options->has_owner, options->owner) &&
            bool_put(&writer, "allow_broadcast", options->has_allow_broadcast,
                     options->allow_broadcast) &&
            bool_put(&writer, "envelope", options->has_envelope, options->envelope) &&
            double_put(&writer, "scale_uv", options->has_scale, options->scale_uv) &&
            double_put(&writer, "rate_hz", options->has_rate, options->rate_hz) &&
            unsigned_put(&writer, "channels", options->has_channels, options->channels) &&
            bool_put(&writer, "learning", options->has_learning, options->learning) &&
            bool_put(&writer, "forget", options->forget, true) && dict_end(&writer))
                return true;
        dict_abandon(&writer);
        return false;
}

int crampd_add_sensor(crampd_client *client, const char *address,
                      const struct crampd_sensor_options *options, char **ret_path,
                      struct crampd_error *error) {
        DBusMessage *message, *reply;
        DBusMessageIter iter;
        int r;

        r = check_text("the address", address, error);
        if (r >= 0)
                r = options_check(options, true, error);
        if (r < 0)
                return r;
        r = call_new(MANAGER_PATH, MANAGER_INTERFACE, "AddSensor", &message, error);
        if (r < 0)
                return r;
        if (dbus_message_append_args(message, DBUS_TYPE_STRING, &address, DBUS_TYPE_INVALID) &&
            options_append(message, options))
                r = call_wait(client, message, "o", &reply, error);
        else
                r = error_set_oom(error);
        dbus_message_unref(message);
        if (r < 0)
                return r;

        (void)dbus_message_iter_init(reply, &iter);
        r = string_read(&iter, ret_path, error);
        dbus_message_unref(reply);
        return r;
}

int crampd_edit_sensor(crampd_client *client, const char *path,
                       const struct crampd_sensor_options *options, struct crampd_error *error) {
        DBusMessage *message;
        int r;

        r = check_sensor_path(path, error);
        if (r >= 0)
                r = options_check(options, false, error);
        if (r >= 0)
                r = call_new(path, SENSOR_INTERFACE, "Edit", &message, error);
        if (r < 0)
                return r;
        if (options_append(message, options))
                r = call_wait(client, message, "", NULL, error);
        else
                r = error_set_oom(error);
        dbus_message_unref(message);
        return r;
}

static int call_sensor(crampd_client *client, const char *path, const char *method,
                       struct crampd_error *error) {
        int r = check_sensor_path(path, error);

        if (r < 0)
                return r;
        return call_plain(client, path, SENSOR_INTERFACE, method, "", NULL, error);
}

int crampd_remove_sensor(crampd_client *client, const char *path, struct crampd_error *error) {
        return call_sensor(client, path, "Remove", error);
}

int crampd_pause_sensor(crampd_client *client, const char *path, struct crampd_error *error) {
        return call_sensor(client, path, "Pause", error);
}

int crampd_resume_sensor(crampd_client *client, const char *path, struct crampd_error *error) {
        return call_sensor(client, path, "Resume", error);
}

int crampd_identify_sensor(crampd_client *client, const char *path, struct crampd_error *error) {
        return call_sensor(client, path, "Identify", error);
}

/* --- the detector --- */

void crampd_detector_free(struct crampd_detector *detector) {
        if (!detector)
                return;
        free(detector->sensitivity);
        free(detector->reason);
        free(detector);
}

int crampd_get_detector(crampd_client *client, const char *path, struct crampd_detector **ret,
                        struct crampd_error *error) {
        struct crampd_detector *detector;
        DBusMessageIter iter;
        DBusMessage *reply;
        int r;

        r = check_sensor_path(path, error);
        if (r >= 0)
                r = call_plain(client, path, SENSOR_INTERFACE, "DescribeDetector", "a{sv}", &reply,
                               error);
        if (r < 0)
                return r;
        (void)dbus_message_iter_init(reply, &iter);
        detector = calloc(1, sizeof(*detector));
        if (detector) {
                detector->since_us = CRAMPD_NO_TIME;
                detector->again_factor = 1.0; /* a crampd of before tells none */
                r = dict_read(&iter, detector_fields, ELEMENTS(detector_fields), detector, error);
        } else
                r = error_set_oom(error);
        dbus_message_unref(reply);
        if (r < 0) {
                crampd_detector_free(detector);
                return r;
        }
        *ret = detector;
        return 0;
}
