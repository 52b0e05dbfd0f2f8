/* SPDX-License-Identifier: MIT */
/*
 * What people say of episodes, and of cramps that raised no alert: the methods of org.crampd1.History
 * that write. Needs the store; listed in history.c's vtable.
 */
#pragma once

#include <systemd/sd-bus.h>

int method_annotate(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_report_missed(sd_bus_message *message, void *userdata, sd_bus_error *error);
int method_clear_annotation(sd_bus_message *message, void *userdata, sd_bus_error *error);
