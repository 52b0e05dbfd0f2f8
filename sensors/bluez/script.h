/* SPDX-License-Identifier: MIT */
/*
 * Steps whose outcome nobody waits for: a driver's stop, identify and keep-alive. Writes go out, pauses
 * are kept, and what the sensor or bluetoothd says to them is passed over. Private to sensors/bluez/;
 * used by subscription.c and link-states.c.
 */
#pragma once

#include "sensors/bluez/objects.h"

struct script;

/* Runs up to the first pause at once. `steps` may be NULL: none. Returns 1 when all is done, 0 with a
 * script that goes on after the pause and then calls `done` (may be NULL; it may free the script), or
 * negative errno. */
int script_run(struct bluez *bluez, const struct bluez_device *device,
               const struct sensor_driver *driver, const struct sensor_step *steps,
               void (*done)(void *userdata), void *userdata, struct script **ret);
/* What is left is written at once, and `done` not called. */
struct script *script_free(struct script *script);

/* Sends the WriteValue of a WRITE, COMMAND or ASK. Without `ret_slot` nobody waits for the reply.
 * Returns 0 or more, or negative errno; -ENOENT when bluetoothd does not export the characteristic. */
int step_write(struct bluez *bluez, sd_bus_slot **ret_slot, const struct bluez_device *device,
               const struct sensor_driver *driver, const struct sensor_step *step,
               sd_bus_message_handler_t reply, void *userdata);
