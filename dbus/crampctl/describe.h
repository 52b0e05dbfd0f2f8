/* SPDX-License-Identifier: MIT */
/*
 * A sensor in JSON, as `sensors` and `status` show it; and what is wrong with its signal, for people.
 */
#pragma once

#include "dbus/client/crampd-client.h"
#include "dbus/crampctl/json.h"

/* Of crampd_sensor.signal; NULL = nothing, or it is unknown. */
const char *signal_describe(const char *signal);

/* Writes the members into the object that is open. */
void sensor_write_json(struct json *json, const struct crampd_sensor *sensor);
