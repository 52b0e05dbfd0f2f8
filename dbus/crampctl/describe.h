/* SPDX-License-Identifier: MIT */
/*
 * A sensor in JSON, as `sensors` and `status` show it.
 */
#pragma once

#include "dbus/client/crampd-client.h"
#include "dbus/crampctl/json.h"

/* Whether it says that it is on the other leg than the one that it was added for. */
bool sensor_says_other_leg(const struct crampd_sensor *sensor);

/* Writes the members into the object that is open. */
void sensor_write_json(struct json *json, const struct crampd_sensor *sensor);
