/* SPDX-License-Identifier: MIT */
/*
 * Changes of a sensor's row: Edit(), Pause(), Resume() and Remove() of org.crampd1.Sensor. Each waits
 * for the earlier ones of that sensor and is made on top of what they stored, so none undoes another.
 * Its methods stand in sensor-object.c's vtable.
 */
#pragma once

#include <systemd/sd-bus.h>

int method_edit(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_pause(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_resume(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_remove(sd_bus_message *message, void *userdata, sd_bus_error *error);
