/* SPDX-License-Identifier: MIT */
/*
 * org.crampd1.Sensor, one object for each sensor, and the ObjectManager above them: see
 * dbus/org.crampd1.Sensor.xml. The vtable is at the bottom. Handlers get the bus as userdata and look
 * the sensor up by the message's path each time, because it may go while a call waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/log.h"
#include "daemon/bus/calibrate.h"
#include "daemon/bus/caller.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/error.h"
#include "daemon/bus/objects.h"
#include "daemon/bus/sensor-change.h"
#include "daemon/livestream.h"

void sensor_path(const char *id, char ret[static SENSOR_PATH_SIZE]) {
        (void)snprintf(ret, SENSOR_PATH_SIZE, CRAMPD_SENSORS "/%s", id);
}

static struct sensor *find_by_path(struct bus *bus, const char *path) {
        static const char prefix[] = CRAMPD_SENSORS "/";

        if (strncmp(path, prefix, strlen(prefix)) != 0)
                return NULL;
        return sensor_find(bus->crampd, path + strlen(prefix));
}

static int on_find(sd_bus *connection, const char *path, const char *interface, void *userdata,
                   void **ret_found, sd_bus_error *error) {
        struct bus *bus = userdata;

        if (!find_by_path(bus, path))
                return 0;
        *ret_found = bus;
        return 1;
}

static int on_enumerate(sd_bus *connection, const char *prefix, void *userdata, char ***ret_nodes,
                        sd_bus_error *error) {
        struct bus *bus = userdata;
        struct sensor *sensor;
        char **nodes;
        size_t n = 0;

        /* sd-bus frees the list. */
        nodes = calloc(bus->crampd->n_sensors + 1, sizeof(*nodes));
        if (!nodes)
                return -ENOMEM;
        LIST_FOREACH (sensor, &bus->crampd->sensors, sensors) {
                char path[SENSOR_PATH_SIZE];

                sensor_path(sensor->row.id, path);
                nodes[n] = strdup(path);
                if (!nodes[n++]) {
                        while (n > 0)
                                free(nodes[--n]);
                        free(nodes);
                        return -ENOMEM;
                }
        }
        *ret_nodes = nodes;
        return 0;
}

int sensor_object_get(struct bus *bus, sd_bus_message *message, sd_bus_message_handler_t handler,
                      sd_bus_error *error, struct sensor **ret, uid_t *ret_uid) {
        struct sensor *sensor;
        uid_t uid;
        int r;

        r = caller_get_uid(bus->callers, message, handler, bus, error, &uid);
        if (r <= 0)
                return r;
        sensor = find_by_path(bus, sd_bus_message_get_path(message));
        if (!sensor)
                return sd_bus_error_set(error, ERROR_NO_SUCH_SENSOR, "The sensor is gone.");
        r = caller_check_owner(uid, sensor->row.owner_uid, error);
        if (r < 0)
                return r;
        *ret = sensor;
        if (ret_uid)
                *ret_uid = uid;
        return 1;
}

static int get_id(sd_bus *connection, const char *path, const char *interface, const char *property,
                  sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct sensor *sensor = find_by_path(userdata, path);

        return sd_bus_message_append(reply, "s", sensor ? sensor->row.id : "");
}

/* --- describing --- */

static int method_describe(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct sensor *sensor = NULL;
        int r;

        r = sensor_object_get(userdata, message, method_describe, error, &sensor, NULL);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = sd_bus_message_new_method_return(message, &reply);
        if (r < 0)
                return r;
        r = sensor_append_description(reply, sensor);
        if (r < 0)
                return r;
        return sd_bus_send(NULL, reply, NULL);
}

/* --- the detector and what it learns --- */

/* A call that waits for what was said of a sensor's alerts. */
struct detector_call {
        struct crampd *crampd;
        sd_bus_message *message;
        char sensor[STORE_ID_SIZE];
        int64_t since_us; /* what was said before is left out */
};

static int append_detector(sd_bus_message *message, const struct sensor *sensor) {
        const struct learning_proposal *learning = &sensor->learning;
        enum detector_sensitivity sensitivity = sensor_sensitivity(&sensor->row);
        double again_factor = sensor->night ? night_get_again_factor(sensor->night) : 1.0;
        int r = 0;

        dictionary_open(message, &r);
        dictionary_append(message, &r, "sensitivity", "s", detector_sensitivity_to_string(sensitivity));
        dictionary_append(message, &r, "needed_s", "d",
                          again_factor * detector_needed_s(sensitivity, sensor->evidence_factor));
        dictionary_append(message, &r, "again_factor", "d", again_factor);
        dictionary_append(message, &r, "learning", "b", sensor->row.learning);
        dictionary_append(message, &r, "proposed", "d", learning->factor);
        dictionary_append(message, &r, "applied", "d", sensor->evidence_factor);
        dictionary_append(message, &r, "factor_min", "d", LEARNING_FACTOR_MIN);
        dictionary_append(message, &r, "factor_max", "d", LEARNING_FACTOR_MAX);
        dictionary_append(message, &r, "confirmed", "u", learning->counts[LEARNING_CONFIRMED]);
        dictionary_append(message, &r, "false_alarms", "u", learning->counts[LEARNING_FALSE_ALARM]);
        dictionary_append(message, &r, "missed", "u", learning->counts[LEARNING_MISSED]);
        dictionary_append(message, &r, "verdicts_min", "u", LEARNING_VERDICTS_MIN);
        dictionary_append(message, &r, "half_days", "u", (uint32_t)LEARNING_HALF_DAYS);
        dictionary_append(message, &r, "reason", "s", learning_outcome_describe(learning->outcome));
        if (sensor->row.learning_since_us > 0)
                dictionary_append(message, &r, "since_us", "x", sensor->row.learning_since_us);
        dictionary_close(message, &r);
        return r;
}

static void on_detector_verdicts(int error, const struct store_verdict *verdicts, size_t n,
                                 void *userdata) {
        _cleanup_(freep) struct detector_call *call = userdata;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = call->message, *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        struct sensor *sensor = sensor_find(call->crampd, call->sensor);
        int r;

        r = error < 0 ? error_set_store(&bus_error, error) : 0;
        if (r >= 0 && !sensor)
                r = sd_bus_error_set(&bus_error, ERROR_NO_SUCH_SENSOR, "The sensor is gone.");
        if (r >= 0)
                r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0) {
                if (sensor->row.learning_since_us == call->since_us)
                        sensor_take_verdicts(sensor, verdicts, n);
                r = append_detector(reply, sensor);
        }
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        if (r < 0)
                (void)sd_bus_reply_method_errno(message, r, &bus_error);
}

static int method_describe_detector(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct detector_call *call;
        struct store_filter filter;
        struct sensor *sensor = NULL;
        int r;

        r = sensor_object_get(userdata, message, method_describe_detector, error, &sensor, NULL);
        if (r <= 0)
                return r < 0 ? r : 1;
        call = malloc(sizeof(*call));
        if (!call)
                return -ENOMEM;
        *call = (struct detector_call){.crampd = sensor->crampd, .message = sd_bus_message_ref(message)};
        memcpy(call->sensor, sensor->row.id, sizeof(call->sensor));
        filter = sensor_verdicts_filter(sensor);
        call->since_us = filter.since_us;
        r = store_list_verdicts(sensor->crampd->store, &filter, on_detector_verdicts, call);
        if (r < 0) {
                sd_bus_message_unref(message);
                free(call);
                return error_set_store(error, r);
        }
        return 1;
}

static int method_identify(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct sensor *sensor = NULL;
        int r;

        r = sensor_object_get(userdata, message, method_identify, error, &sensor, NULL);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = sensor_identify(sensor);
        if (r == -EOPNOTSUPP)
                return sd_bus_error_set(error, ERROR_NOT_SUPPORTED,
                                        "This sensor has nothing to blink or buzz with.");
        if (r == -ENOTCONN)
                return sd_bus_error_set(error, ERROR_NOT_CONNECTED, "The sensor is not connected now.");
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(message, NULL);
}

/* --- live stream --- */

static int append_stream_details(sd_bus_message *reply, const struct sensor *sensor) {
        int r = 0;

        dictionary_open(reply, &r);
        if (sensor->night) {
                const struct stream_format *format = night_get_format(sensor->night);

                dictionary_append(reply, &r, "arbitrary_unit", "b", format->scale_uv <= 0);
                dictionary_append(reply, &r, "rate_hz", "d", format->rate_mhz / 1000.0);
                dictionary_append(reply, &r, "scale_uv", "d", format->scale_uv);
                if (night_get_mvc(sensor->night))
                        dictionary_append_doubles(reply, &r, "mvc_uv", night_get_mvc(sensor->night),
                                                  format->channels);
        }
        dictionary_append(reply, &r, "name", "s", sensor->row.name);
        dictionary_append(reply, &r, "muscle", "s", sensor->row.muscle);
        dictionary_append(reply, &r, "leg", "s", sensor->row.leg);
        dictionary_close(reply, &r);
        return r;
}

static int read_stream_kind(sd_bus_message *message, enum livestream_kind *ret, sd_bus_error *error) {
        const char *kind = "level";
        int beside = false;
        const struct dictionary_entry entries[] = {
                {"kind", 's', &kind, NULL}, {"beside", 'b', &beside, NULL}, {NULL}};
        int r;

        r = dictionary_read(message, entries, error);
        if (r < 0)
                return r;
        if (strcmp(kind, "level") != 0 && strcmp(kind, "frames") != 0)
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "Option 'kind' must be level or frames.");
        *ret = strcmp(kind, "level") == 0 ? LIVESTREAM_LEVELS
               : beside                   ? LIVESTREAM_SAMPLES_BESIDE
                                          : LIVESTREAM_SAMPLES;
        return 0;
}

static int method_open_stream(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(closep) int fd = -1;
        enum livestream_kind kind = LIVESTREAM_LEVELS;
        struct sensor *sensor = NULL;
        uid_t uid;
        int r;

        r = sensor_object_get(userdata, message, method_open_stream, error, &sensor, &uid);
        if (r <= 0)
                return r < 0 ? r : 1;

        r = read_stream_kind(message, &kind, error);
        if (r < 0)
                return r;
        fd = livestream_open(sensor->crampd->livestream, sensor, kind, uid);
        if (fd == -EDQUOT)
                return sd_bus_error_setf(
                        error, ERROR_LIMIT_REACHED,
                        "There are %u streams of this user, or %u in all; close one first.",
                        LIVESTREAM_READERS_PER_USER, LIVESTREAM_READERS_MAX);
        if (fd < 0)
                return fd;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_append(reply, "h", fd); /* duplicates it */
        if (r < 0)
                return r;
        r = append_stream_details(reply, sensor);
        if (r < 0)
                return r;
        return sd_bus_send(NULL, reply, NULL);
}

static const sd_bus_vtable sensor_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Id", "s", get_id, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_RESULT("a{sv}", description), method_describe,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("Remove", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_remove,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("DescribeDetector", SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_RESULT("a{sv}", details), method_describe_detector,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("Edit", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_edit,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_pause,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_resume,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Identify", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                                method_identify, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("OpenStream", SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_RESULT("h", stream, "a{sv}", details), method_open_stream,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        CALIBRATE_VTABLE,
        SD_BUS_VTABLE_END,
};

int sensors_export(struct bus *bus) {
        int r;

        r = sd_bus_add_object_manager(bus->connection, &bus->slots[3], CRAMPD_ROOT);
        if (r < 0)
                return r;
        r = sd_bus_add_fallback_vtable(bus->connection, &bus->slots[4], CRAMPD_SENSORS,
                                       CRAMPD_NAME ".Sensor", sensor_vtable, on_find, bus);
        if (r < 0)
                return r;
        return sd_bus_add_node_enumerator(bus->connection, &bus->slots[5], CRAMPD_SENSORS, on_enumerate,
                                          bus);
}

void objects_sensor_added(struct sensor *sensor) {
        char path[SENSOR_PATH_SIZE];
        int r;

        sensor_path(sensor->row.id, path);
        r = sd_bus_emit_object_added(sensor->crampd->bus->connection, path);
        if (r < 0)
                log_warning("A new sensor's object could not be announced: %s, ignoring.", strerror(-r));
        sensor->announced = r >= 0;
}

void objects_sensor_removed(struct sensor *sensor) {
        char path[SENSOR_PATH_SIZE];
        int r;

        if (!sensor->announced)
                return;
        sensor_path(sensor->row.id, path);
        r = sd_bus_emit_object_removed(sensor->crampd->bus->connection, path);
        if (r < 0)
                log_warning("A sensor object's end could not be announced: %s, ignoring.", strerror(-r));
}
