/* SPDX-License-Identifier: MIT */
/*
 * What an owner may say of a sensor, as options of AddSensor() and Edit(): read, checked, and put into a
 * row. Used by manager.c and sensor-object.c.
 */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/store/store.h"

/* Options that settings_read() does not know itself. */
struct settings_extra {
        const char *driver; /* NULL = not given */
        uint32_t owner;
        bool has_owner;
};

/* Reads a whole a{sv} over what `row` holds; what is not given stays. Without `ret_extra`, options about
 * driver and owner are refused. Returns 0, or sets InvalidArgument. */
int settings_read(sd_bus_message *message, struct store_sensor *row, struct settings_extra *ret_extra,
                  sd_bus_error *error);
