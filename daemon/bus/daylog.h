/* SPDX-License-Identifier: MIT */
/*
 * The day log's methods of org.crampd1.Guidance. Used by guidance.c.
 */
#pragma once

#include <systemd/sd-bus.h>

int method_log(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_list_log(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_edit_log(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_delete_log(sd_bus_message *message, void *userdata, sd_bus_error *error);
