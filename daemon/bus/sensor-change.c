/* SPDX-License-Identifier: MIT */
/* Changes of a sensor's row: see sensor-change.h. */
#include "daemon/bus/sensor-change.h"

#include <errno.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/log.h"
#include "daemon/bus/error.h"
#include "daemon/bus/objects.h"
#include "daemon/bus/settings.h"

#define CHANGES_PER_USER 8u

/* Makes the change that the message asks for. Returns 0, or negative errno with `error` set. */
typedef int (*change_func)(sd_bus_message *message, struct store_sensor *row, sd_bus_error *error);

/* One that waits for those before it, or is on its way to the database. */
struct change_call {
        TAILQ_ENTRY(change_call) changing;
        struct bus *bus;
        sd_bus_message *message;
        uid_t owner_uid;
        char sensor[STORE_ID_SIZE]; /* which may be gone when its turn comes */
        change_func make;
        struct store_sensor row; /* as changed, once it is on its way */
};

static struct change_call *change_first(struct bus *bus, const char *sensor) {
        struct change_call *call;

        TAILQ_FOREACH (call, &bus->changing, changing)
                if (strcmp(call->sensor, sensor) == 0)
                        return call;
        return NULL;
}

/* Answers the call, and frees it. */
static void change_end(struct change_call *call, int r, const sd_bus_error *error) {
        if (r < 0)
                (void)sd_bus_reply_method_errno(call->message, r, error);
        else
                (void)sd_bus_reply_method_return(call->message, NULL);
        TAILQ_REMOVE(&call->bus->changing, call, changing);
        sd_bus_message_unref(call->message);
        free(call);
}

static void on_change_stored(int error, void *userdata);

/* The answer follows when the change is durable. */
static int change_begin(struct change_call *call, sd_bus_error *error) {
        struct crampd *crampd = call->bus->crampd;
        const struct sensor *sensor = sensor_find(crampd, call->sensor);
        int r;

        if (crampd->stopping) /* its sensors are put away then, not gone */
                return error_set_store(error, -ECANCELED);
        if (!sensor)
                return sd_bus_error_set(error, ERROR_NO_SUCH_SENSOR, "The sensor is gone.");
        call->row = sensor->row;
        r = call->make(call->message, &call->row, error);
        if (r < 0)
                return r;
        /* Else it would wait until the store works again, long after the caller gave up. */
        r = store_get_error(crampd->store);
        if (r >= 0)
                r = store_put_sensor(crampd->store, &call->row, on_change_stored, call);
        return r < 0 ? error_set_store(error, r) : 0;
}

/* Begins with the first change of that sensor that can be. */
static void changes_run(struct bus *bus, const char *sensor) {
        struct change_call *call;

        while ((call = change_first(bus, sensor))) {
                _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
                int r = change_begin(call, &bus_error);

                if (r >= 0)
                        return;
                change_end(call, r, &bus_error);
        }
}

static void change_apply(const struct change_call *call) {
        struct sensor *sensor = sensor_find(call->bus->crampd, call->sensor);

        if (sensor && call->row.removed_us != STORE_NO_TIME) {
                sensor_free(sensor, "stopped");
                log_info("Sensor %s removed.", call->sensor);
        } else if (sensor)
                sensor_apply(sensor, &call->row);
}

static void on_change_stored(int error, void *userdata) {
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        struct change_call *call = userdata;
        struct bus *bus = call->bus;
        char sensor[STORE_ID_SIZE];

        memcpy(sensor, call->sensor, sizeof(sensor));
        if (error < 0)
                error = error_set_store(&bus_error, error);
        else
                change_apply(call);
        change_end(call, error, &bus_error);
        changes_run(bus, sensor);
}

/* Puts a change in line behind those of the same sensor. Returns as a method does. */
static int change_queue(struct bus *bus, sd_bus_message *message, sd_bus_message_handler_t handler,
                        change_func make, sd_bus_error *error) {
        struct change_call *call;
        struct sensor *sensor = NULL;
        unsigned before = 0, of_user = 0;
        int r;

        r = sensor_object_get(bus, message, handler, error, &sensor, NULL);
        if (r <= 0)
                return r < 0 ? r : 1;
        if (sensor->replay)
                return sd_bus_error_set(
                        error, ERROR_INVALID_ARGUMENT,
                        "A virtual sensor is as the daemon was started, and ends with it.");
        TAILQ_FOREACH (call, &bus->changing, changing) {
                before += strcmp(call->sensor, sensor->row.id) == 0;
                of_user += call->owner_uid == sensor->row.owner_uid;
        }
        if (of_user >= CHANGES_PER_USER)
                return sd_bus_error_setf(error, ERROR_LIMIT_REACHED,
                                         "%u changes of this user's sensors wait already.",
                                         CHANGES_PER_USER);
        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        call->bus = bus;
        call->message = sd_bus_message_ref(message);
        call->make = make;
        call->owner_uid = sensor->row.owner_uid;
        memcpy(call->sensor, sensor->row.id, sizeof(call->sensor));
        TAILQ_INSERT_TAIL(&bus->changing, call, changing);
        if (before == 0)
                changes_run(bus, sensor->row.id);
        return 1;
}

static int change_settings(sd_bus_message *message, struct store_sensor *row, sd_bus_error *error) {
        return settings_read(message, row, NULL, error);
}

int method_edit(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return change_queue(userdata, message, method_edit, change_settings, error);
}

static int change_pause(sd_bus_message *message, struct store_sensor *row, sd_bus_error *error) {
        row->paused = true;
        return 0;
}

int method_pause(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return change_queue(userdata, message, method_pause, change_pause, error);
}

static int change_resume(sd_bus_message *message, struct store_sensor *row, sd_bus_error *error) {
        row->paused = false;
        return 0;
}

int method_resume(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return change_queue(userdata, message, method_resume, change_resume, error);
}

static int change_remove(sd_bus_message *message, struct store_sensor *row, sd_bus_error *error) {
        row->removed_us = crampd_now_us();
        return 0;
}

int method_remove(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return change_queue(userdata, message, method_remove, change_remove, error);
}
