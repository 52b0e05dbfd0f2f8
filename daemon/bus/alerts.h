/* SPDX-License-Identifier: MIT */
/*
 * The Manager's signals about a sensor: alerts with their relief steps, changes of its link, warnings.
 * Unicast to the subscribers who may hear. Called by sensors, warnings.c and Subscribe().
 */
#pragma once

#include "daemon/sensor.h"

/* `to`: one subscriber's unique name, or NULL for all. */
void alerts_send(struct sensor *sensor, enum night_change change, const struct store_episode *episode,
                 uint64_t lasting_us, bool repeated, const char *to);

void alerts_send_sensor_changed(struct sensor *sensor, enum source_state state, const char *reason);

/* `to`, `repeated`: as in alerts_send(). */
void alerts_send_battery_warning(struct sensor *sensor, const struct battery_forecast *forecast,
                                 bool repeated, const char *to);

/* `signal`: what is wrong, or NULL when that is over. */
void alerts_send_signal_warning(struct sensor *sensor, const char *signal, bool repeated,
                                const char *to);

/* `leg`: the one that the sensor names, or NULL when it no longer is another than its owner's. */
void alerts_send_leg_warning(struct sensor *sensor, const char *leg, bool repeated, const char *to);

/* AlertRaised again, for each episode that is open now, to a new subscriber. */
void alerts_repeat(struct crampd *crampd, const char *to);
