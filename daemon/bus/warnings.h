/* SPDX-License-Identifier: MIT */
/*
 * The evening's word about a battery that will not last the night: once for each sensor and night, to
 * those who may hear of it. When is battery.h's affair, how is alerts.h's. Called by sensors and by
 * Subscribe().
 */
#pragma once

#include "daemon/sensor.h"

/* Warns if it is time to, somebody hears it, and nobody has this night. */
void warnings_check(struct sensor *sensor);

/* To a new subscriber: what holds this evening, heard by others already or not. */
void warnings_repeat(struct crampd *crampd, const char *to);
