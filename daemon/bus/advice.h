/* SPDX-License-Identifier: MIT */
/*
 * Advise() of org.crampd1.Guidance: advice put into words and onto the bus. Used by guidance.c.
 */
#pragma once

#include <systemd/sd-bus.h>

int method_advise(sd_bus_message *message, void *userdata, sd_bus_error *error);
