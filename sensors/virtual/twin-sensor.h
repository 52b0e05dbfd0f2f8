/* SPDX-License-Identifier: MIT */
/*
 * A twin (twin.h) on a BlueZ adapter: serves its table, plays a recording through it in real time, and
 * does to its packets what faults.h was told. Lines on standard input change the faults while it runs:
 * `drop`, `silence SECONDS`, and NAME VALUE as in --fault. Used by leg-sensor.
 */
#pragma once

#include "sensors/virtual/sensor-options.h"

struct twin_sensor;

/* `options` and the player outlive it. On failure `*ret_error` is a text for the user (to be freed, or
 * NULL). Returns 0 or negative errno. */
int twin_sensor_new(sd_event *event, const struct sensor_options *options, struct player *player,
                    struct twin_sensor **ret, char **ret_error);
struct twin_sensor *twin_sensor_free(struct twin_sensor *sensor);
