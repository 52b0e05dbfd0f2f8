/* SPDX-License-Identifier: MIT */
/* Calibrating over the bus: see calibrate.h. */
#include "daemon/bus/calibrate.h"

#include <errno.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/log.h"
#include "daemon/bus/dictionary.h"
#include "daemon/bus/error.h"
#include "daemon/bus/objects.h"
#include "daemon/calibration.h"
#include "daemon/guidance/translate.h"

#define REST_DEFAULT_S 20u
#define FLEX_DEFAULT_S 4u
#define PAUSE_DEFAULT_S 5u
#define TRIES_DEFAULT 3u

/* Levels between two signals of progress: five a second. */
#define LEVELS_PER_PROGRESS 4u

struct calibrating {
        char *caller; /* unique name */
        struct calibration calibration;
        unsigned levels; /* since the last progress */
};

static struct calibrating *calibrating_free(struct calibrating *calibrating) {
        if (!calibrating)
                return NULL;
        free(calibrating->caller);
        free(calibrating);
        return NULL;
}

/* --- signals to the caller --- */

static int signal_new(struct crampd *crampd, const char *sensor, const char *member,
                      sd_bus_message **ret) {
        char path[SENSOR_PATH_SIZE];

        sensor_path(sensor, path);
        return sd_bus_message_new_signal(crampd->bus->connection, ret, path, CRAMPD_NAME ".Sensor",
                                         member);
}

/* The channel that stands out most from its rest; before that is known, the first. */
static uint32_t leading(const struct calibration *calibration, const double *level_uv) {
        double highest = 0.0;
        uint32_t lead = 0;

        for (uint32_t i = 0; i < calibration->channels; i++)
                if (calibration->rest_uv[i] > 0.0 && level_uv[i] > highest * calibration->rest_uv[i]) {
                        highest = level_uv[i] / calibration->rest_uv[i];
                        lead = i;
                }
        return lead;
}

static int append_progress(sd_bus_message *signal, const struct sensor *sensor,
                           const struct calibration *calibration, const double *level_uv) {
        uint32_t lead = level_uv ? leading(calibration, level_uv) : 0;
        int r;

        r = sd_bus_message_append(signal, "sud", calibration_phase_to_string(calibration->phase),
                                  calibration->attempt, calibration_left_s(calibration));
        dictionary_open(signal, &r);
        dictionary_append(signal, &r, "arbitrary_unit", "b",
                          sensor->night && night_get_format(sensor->night)->scale_uv <= 0);
        dictionary_append(signal, &r, "channel", "u", lead);
        if (level_uv)
                dictionary_append(signal, &r, "level_uv", "d", level_uv[lead]);
        if (calibration->rest_uv[lead] > 0.0)
                dictionary_append(signal, &r, "rest_uv", "d", calibration->rest_uv[lead]);
        if (calibration->mvc_uv[lead] > 0.0)
                dictionary_append(signal, &r, "highest_uv", "d", calibration->mvc_uv[lead]);
        dictionary_close(signal, &r);
        return r;
}

static void send_progress(struct sensor *sensor, const double *level_uv) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
        const struct calibrating *calibrating = sensor->calibrating;
        int r;

        r = signal_new(sensor->crampd, sensor->row.id, "CalibrationProgress", &signal);
        if (r >= 0)
                r = append_progress(signal, sensor, &calibrating->calibration, level_uv);
        if (r >= 0)
                r = sd_bus_send_to(sensor->crampd->bus->connection, signal, calibrating->caller, NULL);
        if (r < 0)
                log_warning("The progress of a calibration could not be told: %s, ignoring.",
                            strerror(-r));
}

/* `calibration` with what was measured, or NULL. */
static void send_ended(struct crampd *crampd, const char *sensor, const char *caller, const char *result,
                       const char *reason, const struct store_calibration *calibration) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
        int r;

        r = signal_new(crampd, sensor, "CalibrationEnded", &signal);
        if (r >= 0)
                r = sd_bus_message_append(signal, "ss", result, reason);
        dictionary_open(signal, &r);
        if (calibration) {
                dictionary_append(signal, &r, "calibrated_us", "x", calibration->time_us);
                dictionary_append(signal, &r, "arbitrary_unit", "b", !(calibration->scale_uv > 0.0));
                dictionary_append_doubles(signal, &r, "rest_uv", calibration->rest_uv,
                                          calibration->channels);
                dictionary_append_doubles(signal, &r, "mvc_uv", calibration->mvc_uv,
                                          calibration->channels);
        }
        dictionary_close(signal, &r);
        if (r >= 0)
                r = sd_bus_send_to(crampd->bus->connection, signal, caller, NULL);
        if (r < 0)
                log_warning("The end of a calibration could not be told: %s, ignoring.", strerror(-r));
}

/* --- its course --- */

/* Nobody calibrates it any more. The caller of this frees what it returns. */
static struct calibrating *calibrating_take_off(struct sensor *sensor) {
        if (sensor->night)
                night_set_hold(sensor->night, false);
        return steal_pointer(&sensor->calibrating);
}

static void calibrating_end(struct sensor *sensor, const char *result, const char *reason) {
        struct calibrating *calibrating = calibrating_take_off(sensor);

        send_ended(sensor->crampd, sensor->row.id, calibrating->caller, result, reason, NULL);
        calibrating_free(calibrating);
}

void calibrate_end(struct sensor *sensor, enum calibrate_end why) {
        if (!sensor->calibrating)
                return;
        if (why == CALIBRATE_CRAMP)
                calibrating_end(sensor, "cramp", N_("What looks like a cramp came in between."));
        else
                calibrating_end(sensor, "signal-lost", N_("The sensor stopped sending."));
}

void calibrate_caller_gone(struct bus *bus, const char *name) {
        struct sensor *sensor;

        LIST_FOREACH (sensor, &bus->crampd->sensors, sensors)
                if (sensor->calibrating && strcmp(sensor->calibrating->caller, name) == 0)
                        calibrating_free(calibrating_take_off(sensor));
}

/* A calibration on its way to the database. The sensor and the caller may be gone when it is there. */
struct keep_call {
        struct crampd *crampd;
        struct store_calibration calibration;
        char *caller;            /* one of these two */
        sd_bus_message *message; /* of ForgetCalibration() */
};

static void keep_free(struct keep_call *call) {
        free(call->caller);
        sd_bus_message_unref(call->message);
        free(call);
}

static void on_kept(int error, void *userdata) {
        _cleanup_(sd_bus_error_free) sd_bus_error bus_error = SD_BUS_ERROR_NULL;
        struct keep_call *call = userdata;
        struct sensor *sensor = error < 0 ? NULL : sensor_find(call->crampd, call->calibration.sensor);
        int r = error;

        if (error < 0)
                r = error_set_store(&bus_error, error);
        if (sensor)
                sensor_set_calibration(sensor, &call->calibration);
        if (call->message && r < 0)
                (void)sd_bus_reply_method_errno(call->message, r, &bus_error);
        else if (call->message)
                (void)sd_bus_reply_method_return(call->message, NULL);
        else if (r < 0)
                send_ended(call->crampd, call->calibration.sensor, call->caller, "store-failed",
                           bus_error.message ?: N_("The database cannot be used now."), NULL);
        else
                send_ended(call->crampd, call->calibration.sensor, call->caller, "done",
                           "The sensor is calibrated.", &call->calibration);
        keep_free(call);
}

static void calibrating_keep(struct sensor *sensor) {
        struct calibrating *calibrating = sensor->calibrating;
        const struct calibration *from = &calibrating->calibration;
        const struct stream_format *format = night_get_format(sensor->night);
        struct keep_call *call = calloc(1, sizeof(*call));
        int r = -ENOMEM;

        if (call) {
                call->crampd = sensor->crampd;
                call->calibration = (struct store_calibration){
                        .channels = from->channels,
                        .time_us = crampd_now_us(),
                        .scale_uv = format->scale_uv > 0 ? format->scale_uv : 0.0,
                        .envelope = format->kind == STREAM_ENVELOPE,
                };
                memcpy(call->calibration.sensor, sensor->row.id, sizeof(call->calibration.sensor));
                memcpy(call->calibration.rest_uv, from->rest_uv, sizeof(from->rest_uv));
                memcpy(call->calibration.mvc_uv, from->mvc_uv, sizeof(from->mvc_uv));
                call->caller = steal_pointer(&calibrating->caller);
                r = store_put_calibration(sensor->crampd->store, &call->calibration, on_kept, call);
                if (r < 0)
                        calibrating->caller = steal_pointer(&call->caller);
        }
        if (r < 0) {
                free(call);
                calibrating_end(sensor, "store-failed", N_("The database cannot be used now."));
                return;
        }
        calibrating_free(calibrating_take_off(sensor));
}

void calibrate_take(struct sensor *sensor, const struct detector_level *level) {
        struct calibrating *calibrating = sensor->calibrating;
        bool changed;

        if (!calibrating)
                return;
        changed = calibration_take(&calibrating->calibration, level);
        switch (calibrating->calibration.phase) {
        case CALIBRATION_DONE:
                calibrating_keep(sensor);
                return;
        case CALIBRATION_POOR_SIGNAL:
                calibrating_end(
                        sensor, "poor-signal",
                        N_("The signal was too poor to see rest in it: check the electrodes, and "
                           "lie still."));
                return;
        case CALIBRATION_NOT_ABOVE_REST:
                calibrating_end(sensor, "not-above-rest",
                                N_("Flexing did not stand out from rest: do the electrodes lie on the "
                                   "muscle that you flex?"));
                return;
        default:
                break;
        }
        if (changed)
                night_set_hold(sensor->night, calibration_is_flexing(&calibrating->calibration));
        if (!changed && ++calibrating->levels < LEVELS_PER_PROGRESS)
                return;
        calibrating->levels = 0;
        send_progress(sensor, level->level_uv);
}

/* --- methods --- */

static int read_plan(sd_bus_message *message, struct calibration_plan *ret, sd_bus_error *error) {
        *ret = (struct calibration_plan){REST_DEFAULT_S, FLEX_DEFAULT_S, PAUSE_DEFAULT_S, TRIES_DEFAULT};
        const struct dictionary_entry entries[] = {{"rest_s", 'u', &ret->rest_s, NULL},
                                                   {"flex_s", 'u', &ret->flex_s, NULL},
                                                   {"pause_s", 'u', &ret->pause_s, NULL},
                                                   {"tries", 'u', &ret->tries, NULL},
                                                   {NULL}};

        return dictionary_read(message, entries, error);
}

static int begin(struct sensor *sensor, const char *caller, const struct calibration_plan *plan,
                 sd_bus_error *error) {
        const struct stream_format *format = night_get_format(sensor->night);
        struct calibrating *calibrating = calloc(1, sizeof(*calibrating));
        int r;

        if (!calibrating)
                return -ENOMEM;
        r = calibration_begin(&calibrating->calibration, plan, format->rate_mhz, format->channels);
        if (r < 0) {
                calibrating_free(calibrating);
                return sd_bus_error_setf(
                        error, ERROR_INVALID_ARGUMENT,
                        "'rest_s' must be %u to %u, 'flex_s' %u to %u, 'pause_s' %u to %u, 'tries' 1 to "
                        "%u.",
                        CALIBRATION_REST_MIN_S, CALIBRATION_REST_MAX_S, CALIBRATION_FLEX_MIN_S,
                        CALIBRATION_FLEX_MAX_S, CALIBRATION_PAUSE_MIN_S, CALIBRATION_PAUSE_MAX_S,
                        CALIBRATION_TRIES_MAX);
        }
        calibrating->caller = strdup(caller);
        if (!calibrating->caller) {
                calibrating_free(calibrating);
                return -ENOMEM;
        }
        sensor->calibrating = calibrating;
        return 0;
}

static int reply_plan(sd_bus_message *message, const struct calibration_plan *plan) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        dictionary_open(reply, &r);
        dictionary_append(reply, &r, "rest_s", "u", plan->rest_s);
        dictionary_append(reply, &r, "flex_s", "u", plan->flex_s);
        dictionary_append(reply, &r, "pause_s", "u", plan->pause_s);
        dictionary_append(reply, &r, "tries", "u", plan->tries);
        dictionary_close(reply, &r);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

int method_calibrate(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct calibration_plan plan;
        const char *reason;
        struct sensor *sensor;
        int r;

        r = sensor_object_get(userdata, message, method_calibrate, error, &sensor, NULL);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = read_plan(message, &plan, error);
        if (r < 0)
                return r;
        if (!sensor->night || sensor_get_state(sensor, &reason) != SOURCE_STREAMING)
                return sd_bus_error_set(error, ERROR_NOT_CONNECTED, "The sensor sends nothing now.");
        if (sensor->calibrating)
                return sd_bus_error_set(error, ERROR_ALREADY_EXISTS,
                                        "The sensor is being calibrated already.");
        if (night_get_state(sensor->night) == DETECTOR_CRAMP)
                return sd_bus_error_set(error, ERROR_NOT_SUPPORTED,
                                        "A cramp is being watched: calibrate when it is over.");
        r = begin(sensor, sd_bus_message_get_sender(message), &plan, error);
        if (r < 0)
                return r;
        r = reply_plan(message, &plan);
        if (r < 0) {
                calibrating_free(calibrating_take_off(sensor));
                return r;
        }
        send_progress(sensor, NULL);
        return 1;
}

int method_stop_calibration(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct sensor *sensor;
        int r;

        r = sensor_object_get(userdata, message, method_stop_calibration, error, &sensor, NULL);
        if (r <= 0)
                return r < 0 ? r : 1;
        if (sensor->calibrating)
                calibrating_end(sensor, "stopped", N_("The calibration was stopped."));
        return sd_bus_reply_method_return(message, NULL);
}

int method_forget_calibration(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct keep_call *call;
        struct sensor *sensor;
        int r;

        r = sensor_object_get(userdata, message, method_forget_calibration, error, &sensor, NULL);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = store_get_error(sensor->crampd->store);
        if (r < 0) /* it would wait until the store works again, and take the room of episodes */
                return error_set_store(error, r);
        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        call->crampd = sensor->crampd;
        call->message = sd_bus_message_ref(message);
        memcpy(call->calibration.sensor, sensor->row.id, sizeof(call->calibration.sensor));
        r = store_put_calibration(sensor->crampd->store, &call->calibration, on_kept, call);
        if (r < 0) {
                keep_free(call);
                return error_set_store(error, r);
        }
        return 1;
}

void calibrate_append(sd_bus_message *message, int *r, const struct sensor *sensor) {
        const struct store_calibration *calibration = &sensor->row.calibration;
        const char *fit = sensor->night ? night_describe_calibration(sensor->night) : NULL;

        if (calibration->channels == 0)
                return;
        dictionary_append(message, r, "calibrated_us", "x", calibration->time_us);
        dictionary_append_doubles(message, r, "rest_uv", calibration->rest_uv, calibration->channels);
        dictionary_append_doubles(message, r, "mvc_uv", calibration->mvc_uv, calibration->channels);
        if (fit)
                dictionary_append(message, r, "calibration", "s", fit);
}
