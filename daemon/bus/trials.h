/* SPDX-License-Identifier: MIT */
/*
 * The trials' methods of org.crampd1.Guidance. Used by guidance.c.
 */
#pragma once

#include <systemd/sd-bus.h>

int method_start_trial(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_stop_trial(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_delete_trial(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_list_trials(sd_bus_message *message, void *userdata, sd_bus_error *error);
