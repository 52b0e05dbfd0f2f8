/* SPDX-License-Identifier: MIT */
/* org.crampd1.Manager: see dbus/org.crampd1.Manager.xml. The vtable is at the bottom. */
#include <errno.h>
#include <string.h>

#include "config.h"
#include "daemon/basic/cleanup.h"
#include "daemon/basic/local-time.h"
#include "daemon/basic/log.h"
#include "daemon/bus/advice-news.h"
#include "daemon/bus/alerts.h"
#include "daemon/bus/caller.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/error.h"
#include "daemon/bus/objects.h"
#include "daemon/bus/scans.h"
#include "daemon/bus/settings.h"
#include "daemon/bus/subscribers.h"
#include "daemon/bus/warnings.h"
#include "daemon/guidance/translate.h"
#include "daemon/public-id.h"
#include "sensors/address.h"

static int get_version(sd_bus *connection, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", CRAMPD_VERSION);
}

static int get_detector_version(sd_bus *connection, const char *path, const char *interface,
                                const char *property, sd_bus_message *reply, void *userdata,
                                sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", detector_version());
}

static bool may_see(uid_t caller, const struct sensor *sensor) {
        return caller == 0 || caller == sensor->row.owner_uid;
}

static unsigned count_sensors(struct crampd *crampd, uid_t caller) {
        struct sensor *sensor;
        unsigned count = 0;

        LIST_FOREACH (sensor, &crampd->sensors, sensors)
                count += may_see(caller, sensor);
        return count;
}

/* --- subscribing --- */

static int method_subscribe(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct bus *bus = userdata;
        const char *name = sd_bus_message_get_sender(message), *language = NULL;
        const struct dictionary_entry entries[] = {{"language", 's', &language, NULL}, {NULL}};
        uid_t uid;
        int added, r;

        r = caller_get_uid(bus->callers, message, method_subscribe, userdata, error, &uid);
        if (r <= 0)
                return r < 0 ? r : 1;

        r = dictionary_read(message, entries, error);
        if (r < 0)
                return r;
        added = subscribers_add(bus->subscribers, name, uid, language_find(language));
        if (added == -EDQUOT)
                return sd_bus_error_setf(
                        error, ERROR_LIMIT_REACHED,
                        "There are %u subscriptions of this user, or %u in all; end one first.",
                        SUBSCRIBERS_PER_USER, SUBSCRIBERS_MAX);
        if (added < 0)
                return added;

        r = sd_bus_reply_method_return(message, NULL);
        if (r >= 0 && added > 0) {
                alerts_repeat(bus->crampd, name);
                warnings_repeat(bus->crampd, name);
                advice_news_listen(bus->news, uid);
        }
        return r;
}

static int method_unsubscribe(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct bus *bus = userdata;

        subscribers_remove(bus->subscribers, sd_bus_message_get_sender(message));
        return sd_bus_reply_method_return(message, NULL);
}

/* --- looking for sensors --- */

/* What is heard is on the air for everybody: any user may scan. */
static int method_scan(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        uint32_t seconds = SCAN_SECONDS_DEFAULT;
        struct bus *bus = userdata;
        int all = 0, r;
        const struct dictionary_entry entries[] = {
                {"seconds", 'u', &seconds, NULL}, {"all", 'b', &all, NULL}, {NULL}};
        uid_t uid;

        r = caller_get_uid(bus->callers, message, method_scan, userdata, error, &uid);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = dictionary_read(message, entries, error);
        if (r < 0)
                return r;
        if (seconds < 1 || seconds > SCAN_SECONDS_MAX)
                return sd_bus_error_setf(error, ERROR_INVALID_ARGUMENT,
                                         "Option 'seconds' must be 1 to %u.", SCAN_SECONDS_MAX);
        r = scans_start(bus->scans, sd_bus_message_get_sender(message), uid, seconds, all);
        if (r == -EBUSY)
                return sd_bus_error_setf(error, ERROR_LIMIT_REACHED,
                                         "This user scans already, or %u others do.", SCANS_MAX);
        if (r == -EAGAIN)
                return sd_bus_error_set(error, ERROR_LIMIT_REACHED,
                                        "This user has begun too many scans: wait some seconds.");
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(message, NULL);
}

static int method_stop_scan(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct bus *bus = userdata;

        scans_stop(bus->scans, sd_bus_message_get_sender(message));
        return sd_bus_reply_method_return(message, NULL);
}

/* --- status and list --- */

static int append_status(sd_bus_message *reply, struct bus *bus, uid_t uid) {
        struct crampd *crampd = bus->crampd;
        int r = 0;

        dictionary_open(reply, &r);
        dictionary_append(reply, &r, "version", "s", CRAMPD_VERSION);
        dictionary_append(reply, &r, "detector_version", "s", detector_version());
        dictionary_append(reply, &r, "store", "s", crampd->store_text);
        dictionary_append(reply, &r, "bluetooth", "s", bluez_get_health(crampd->bluez));
        dictionary_append(reply, &r, "sensors", "u", count_sensors(crampd, uid));
        dictionary_append(reply, &r, "subscribers", "u", subscribers_count(bus->subscribers, uid));
        dictionary_append(reply, &r, "started_us", "x", crampd->started_us);
        dictionary_close(reply, &r);
        return r;
}

static int method_status(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct bus *bus = userdata;
        uid_t uid;
        int r;

        r = caller_get_uid(bus->callers, message, method_status, userdata, error, &uid);
        if (r <= 0)
                return r < 0 ? r : 1;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r < 0)
                return r;
        r = append_status(reply, bus, uid);
        if (r < 0)
                return r;
        return sd_bus_send(NULL, reply, NULL);
}

static int append_sensors(sd_bus_message *reply, struct crampd *crampd, uid_t uid) {
        struct sensor *sensor;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(oa{sv})");
        if (r < 0)
                return r;
        LIST_FOREACH (sensor, &crampd->sensors, sensors) {
                char path[SENSOR_PATH_SIZE];

                if (!may_see(uid, sensor))
                        continue;
                sensor_path(sensor->row.id, path);
                r = sd_bus_message_open_container(reply, 'r', "oa{sv}");
                if (r >= 0)
                        r = sd_bus_message_append(reply, "o", path);
                if (r >= 0)
                        r = sensor_append_description(reply, sensor);
                if (r >= 0)
                        r = sd_bus_message_close_container(reply);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_close_container(reply);
}

static int method_list_sensors(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct bus *bus = userdata;
        uid_t uid;
        int r;

        r = caller_get_uid(bus->callers, message, method_list_sensors, userdata, error, &uid);
        if (r <= 0)
                return r < 0 ? r : 1;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r < 0)
                return r;
        r = append_sensors(reply, bus->crampd, uid);
        if (r < 0)
                return r;
        return sd_bus_send(NULL, reply, NULL);
}

/* --- adding --- */

static int parse_owner(uid_t caller, bool given, uint32_t owner, uid_t *ret, sd_bus_error *error) {
        if (caller != 0) {
                if (given && owner != caller)
                        return sd_bus_error_set(error, ERROR_NOT_AUTHORIZED,
                                                "Only root may add a sensor for somebody else.");
                *ret = caller;
                return 0;
        }
        if (!given)
                return sd_bus_error_set(
                        error, ERROR_INVALID_ARGUMENT,
                        "Root must say whose sensor it is: option 'owner' with the user's uid.");
        if (owner == (uint32_t)-1)
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "Option 'owner' is not a valid uid.");
        *ret = owner;
        return 0;
}

/* The kind that was not said is the one that a scan recognised, or the open profile. */
static const char *choose_driver(const struct bus *bus, const char *said, const char *address) {
        const struct sensor_driver *driver = said ? NULL : scans_get_driver(bus->scans, address);

        return said ? said : driver ? driver->name : "crampd";
}

static int refuse_driver(const char *said, sd_bus_error *error) {
        _cleanup_(freep) char *names = strdup("");

        for (const struct sensor_driver *const *driver = sensor_drivers; *driver && names; driver++) {
                char *more = NULL;

                if (asprintf(&more, "%s%s%s", names, names[0] ? ", " : "", (*driver)->name) < 0)
                        more = NULL;
                free(names);
                names = more;
        }
        if (!names)
                return -ENOMEM;
        return sd_bus_error_setf(error, ERROR_INVALID_ARGUMENT,
                                 "There is no such driver: '%s'. The drivers are: %s.", said, names);
}

static int parse_sensor(const struct bus *bus, sd_bus_message *message, uid_t caller,
                        struct store_sensor *ret, sd_bus_error *error) {
        struct settings_extra extra = {};
        const char *address, *driver;
        int r;

        r = sd_bus_message_read(message, "s", &address);
        if (r < 0)
                return r;
        r = settings_read(message, ret, &extra, error);
        if (r < 0)
                return r;
        if (address_parse(address, ret->address) < 0)
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "The address must look like 'AA:BB:CC:DD:EE:FF'.");
        if (!ret->muscle[0] || !ret->leg[0])
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "Options 'muscle' and 'leg' are required.");
        driver = choose_driver(bus, extra.driver, ret->address);
        if (!sensor_driver_find(driver))
                return refuse_driver(driver, error);
        r = parse_owner(caller, extra.has_owner, extra.owner, &ret->owner_uid, error);
        if (r < 0)
                return r;

        (void)snprintf(ret->driver, sizeof(ret->driver), "%s", driver); /* a short name of ours */
        ret->added_us = crampd_now_us();
        ret->removed_us = STORE_NO_TIME;
        ret->zone_offset_s = zone_offset_s(ret->added_us);
        public_id_new(ret->id);
        return 0;
}

struct add_call {
        LIST_ENTRY(add_call) adding;
        struct crampd *crampd;
        sd_bus_message *message;
        struct store_sensor row;
};

static int check_new_sensor(struct crampd *crampd, const struct store_sensor *row, sd_bus_error *error) {
        const struct add_call *call;
        struct sensor *sensor;
        unsigned of_owner = 0, all = crampd->n_sensors;

        LIST_FOREACH (sensor, &crampd->sensors, sensors) {
                if (strcmp(sensor->row.address, row->address) == 0)
                        return sd_bus_error_setf(error, ERROR_ALREADY_EXISTS, "%s: %s.",
                                                 N_("The sensor was added already"), row->address);
                of_owner += sensor->row.owner_uid == row->owner_uid;
        }
        LIST_FOREACH (call, &crampd->bus->adding, adding) {
                if (strcmp(call->row.address, row->address) == 0)
                        return sd_bus_error_setf(error, ERROR_ALREADY_EXISTS, "%s: %s.",
                                                 N_("The sensor is being added already"), row->address);
                of_owner += call->row.owner_uid == row->owner_uid;
                all++;
        }
        if (of_owner >= SENSORS_PER_USER || all >= SENSORS_MAX)
                return sd_bus_error_setf(
                        error, ERROR_LIMIT_REACHED,
                        "There are %u sensors of this user, or %u in all; remove one first.",
                        SENSORS_PER_USER, SENSORS_MAX);
        return 0;
}

static void on_sensor_stored(int error, void *userdata) {
        _cleanup_(freep) struct add_call *call = userdata;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *message = call->message;
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        char path[SENSOR_PATH_SIZE];
        struct sensor *sensor;
        int r;

        LIST_REMOVE(call, adding);
        r = error < 0 ? error_set_store(&bus_error, error) : 0;
        if (r >= 0 && !call->crampd->stopping)
                r = sensor_new_linked(call->crampd, &call->row, &sensor);
        if (r < 0) {
                if (error >= 0) { /* the row must not be adopted at the next start */
                        call->row.removed_us = call->row.added_us;
                        (void)store_put_sensor(call->crampd->store, &call->row, NULL, NULL);
                }
                (void)sd_bus_reply_method_errno(message, r, &bus_error);
                return;
        }

        log_info("Sensor %s added.", call->row.id);
        sensor_path(call->row.id, path);
        (void)sd_bus_reply_method_return(message, "o", path);
}

static int method_add_sensor(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct store_sensor row = {0};
        struct bus *bus = userdata;
        struct add_call *call;
        uid_t uid;
        int r;

        r = caller_get_uid(bus->callers, message, method_add_sensor, userdata, error, &uid);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = parse_sensor(bus, message, uid, &row, error);
        if (r < 0)
                return r;
        r = check_new_sensor(bus->crampd, &row, error);
        if (r < 0)
                return r;
        r = store_get_error(bus->crampd->store);
        if (r < 0) /* it would wait until the store works again, long after the caller gave up */
                return error_set_store(error, r);

        call = malloc(sizeof(*call));
        if (!call)
                return -ENOMEM;
        *call = (struct add_call){
                .crampd = bus->crampd, .message = sd_bus_message_ref(message), .row = row};
        LIST_INSERT_HEAD(&bus->adding, call, adding);
        r = store_put_sensor(bus->crampd->store, &row, on_sensor_stored, call);
        if (r < 0) {
                LIST_REMOVE(call, adding);
                sd_bus_message_unref(message);
                free(call);
                return error_set_store(error, r);
        }
        return 1;
}

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("DetectorVersion", "s", get_detector_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_METHOD_WITH_ARGS("Subscribe", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT,
                                method_subscribe, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Unsubscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_unsubscribe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Status", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("a{sv}", status),
                                method_status, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("AddSensor", SD_BUS_ARGS("s", address, "a{sv}", options),
                                SD_BUS_RESULT("o", sensor), method_add_sensor,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("ListSensors", SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_RESULT("a(oa{sv})", sensors), method_list_sensors,
                                SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE),
        SD_BUS_METHOD_WITH_ARGS("Scan", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_scan,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("StopScan", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_stop_scan,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_ARGS("SensorFound", SD_BUS_ARGS("s", address, "a{sv}", details), 0),
        SD_BUS_SIGNAL_WITH_ARGS("ScanEnded", SD_BUS_ARGS("s", reason), 0),
        SD_BUS_SIGNAL_WITH_ARGS("AlertRaised",
                                SD_BUS_ARGS("o", sensor, "s", episode, "x", onset_us, "s", severity, "s",
                                            muscle, "as", relief, "a{sv}", details),
                                0),
        SD_BUS_SIGNAL_WITH_ARGS("AlertUpdated",
                                SD_BUS_ARGS("o", sensor, "s", episode, "x", onset_us, "s", severity, "s",
                                            muscle, "as", relief, "a{sv}", details),
                                0),
        SD_BUS_SIGNAL_WITH_ARGS("AlertEnded",
                                SD_BUS_ARGS("o", sensor, "s", episode, "x", end_us, "s", end_reason, "s",
                                            severity, "a{sv}", details),
                                0),
        SD_BUS_SIGNAL_WITH_ARGS("SensorChanged",
                                SD_BUS_ARGS("o", sensor, "s", state, "s", reason, "a{sv}", details), 0),
        SD_BUS_SIGNAL_WITH_ARGS("SensorWarning",
                                SD_BUS_ARGS("o", sensor, "s", warning, "a{sv}", details), 0),
        SD_BUS_VTABLE_END,
};

int manager_export(struct bus *bus) {
        return sd_bus_add_object_vtable(bus->connection, &bus->slots[1], CRAMPD_ROOT,
                                        CRAMPD_NAME ".Manager", manager_vtable, bus);
}
