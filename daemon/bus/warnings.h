/* SPDX-License-Identifier: MIT */
/*
 * What wants the owner's hand: the evening's word about a battery that will not last the night, once for
 * each sensor and night; a signal in which no cramp can be seen; and a sensor that seems to be on the
 * other leg. To those who may hear of it. When
 * is the affair of battery.h and signal-watch.h, how is alerts.h's. Called by sensors and by
 * Subscribe().
 */
#pragma once

#include "daemon/sensor.h"

/* Warns if it is time to, somebody hears it, and nobody has this night. */
void warnings_check(struct sensor *sensor);

/* With each level: tells, once, that no cramp can be seen, and when one can be again. */
void warnings_check_signal(struct sensor *sensor, int64_t time_us);

/* When a stream begins or its owner changed the leg: tells, once, that the sensor names another leg than
 * the one it was added for, and when it no longer does. */
void warnings_check_leg(struct sensor *sensor);

/* To a new subscriber: what holds, heard by others already or not. */
void warnings_repeat(struct crampd *crampd, const char *to);
