/* SPDX-License-Identifier: MIT */
/*
 * A sensor of the open profile (PROFILE.md) on a BlueZ adapter: its table of services, and the profile's
 * state, that is what may be started when. The packets are sender.c's. Used by leg-sensor.
 */
#pragma once

#include "sensors/virtual/sensor-options.h"

struct open_sensor;

/* `options` and the player outlive it. On failure `*ret_error` is a text for the user (to be freed, or
 * NULL). Returns 0 or negative errno; -EINVAL if the profile cannot express the recording. */
int open_sensor_new(sd_event *event, const struct sensor_options *options, struct player *player,
                    struct open_sensor **ret, char **ret_error);
struct open_sensor *open_sensor_free(struct open_sensor *sensor);
