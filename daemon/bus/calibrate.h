/* SPDX-License-Identifier: MIT */
/*
 * Calibrating a sensor over the bus: Calibrate(), StopCalibration(), ForgetCalibration() of
 * org.crampd1.Sensor and the signals that go to the caller alone. At most one a sensor. It ends with its
 * caller. Needs daemon/calibration.c; its methods stand in sensor-object.c's vtable; told of levels and
 * ends by sensor.c.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/bus/bus.h"
#include "daemon/sensor.h"

enum calibrate_end {
        CALIBRATE_SIGNAL_LOST,
        CALIBRATE_CRAMP, /* an alert was raised while the wearer rested */
};

/* The next level of the sensor's stream. May be called from within the detector. */
void calibrate_take(struct sensor *sensor, const struct detector_level *level);
/* Does nothing when nobody calibrates it. */
void calibrate_end(struct sensor *sensor, enum calibrate_end why);
void calibrate_caller_gone(struct bus *bus, const char *name);

/* What Sensor.Describe() tells of the calibration. */
void calibrate_append(sd_bus_message *message, int *r, const struct sensor *sensor);

int method_calibrate(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_stop_calibration(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_forget_calibration(sd_bus_message *message, void *userdata, sd_bus_error *error);

#define CALIBRATE_VTABLE                                                                          \
        SD_BUS_METHOD_WITH_ARGS("Calibrate", SD_BUS_ARGS("a{sv}", options),                       \
                                SD_BUS_RESULT("a{sv}", plan), method_calibrate,                   \
                                SD_BUS_VTABLE_UNPRIVILEGED),                                      \
                SD_BUS_METHOD_WITH_ARGS("StopCalibration", SD_BUS_ARGS("a{sv}", options),         \
                                        SD_BUS_NO_RESULT, method_stop_calibration,                \
                                        SD_BUS_VTABLE_UNPRIVILEGED),                              \
                SD_BUS_METHOD_WITH_ARGS("ForgetCalibration", SD_BUS_ARGS("a{sv}", options),       \
                                        SD_BUS_NO_RESULT, method_forget_calibration,              \
                                        SD_BUS_VTABLE_UNPRIVILEGED),                              \
                SD_BUS_SIGNAL_WITH_ARGS(                                                          \
                        "CalibrationProgress",                                                    \
                        SD_BUS_ARGS("s", phase, "u", attempt, "d", left_s, "a{sv}", details), 0), \
                SD_BUS_SIGNAL_WITH_ARGS("CalibrationEnded",                                       \
                                        SD_BUS_ARGS("s", result, "s", reason, "a{sv}", details), 0)
