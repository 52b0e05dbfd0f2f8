/* SPDX-License-Identifier: MIT */
/*
 * The one JSON form of an event, which `crampctl monitor --json` and cramp-notify's hook share; and
 * words for what is wrong with a signal.
 */
#pragma once

#include <stdio.h>

#include "dbus/client/crampd-client.h"

/* One object, one line; flushes. Errors show on the stream. */
void event_write_json(FILE *file, const struct crampd_event *event);

/* The last part of its path. */
const char *event_sensor_id(const struct crampd_event *event);

/* Of crampd_sensor.signal, for people; NULL = nothing is wrong, or it is unknown. */
const char *signal_describe(const char *signal);
