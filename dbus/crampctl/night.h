/* SPDX-License-Identifier: MIT */
/*
 * The one form of a night that `night` and `export` share.
 */
#pragma once

#include "dbus/client/crampd-client.h"
#include "dbus/crampctl/json.h"

/* Writes an object. */
void night_write_json(struct json *json, const struct crampd_night *night);
