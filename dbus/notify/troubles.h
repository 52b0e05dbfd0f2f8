/* SPDX-License-Identifier: MIT */
/*
 * What stands in the way of a night that is watched: a battery that will not last, electrodes that are
 * off, a sensor that is lost, a crampd that is gone. Each is told once, not in quiet hours, and taken
 * back when it is over. Called by main with crampd's events and the time (CLOCK_MONOTONIC,
 * microseconds).
 */
#pragma once

#include "dbus/notify/desk.h"

struct troubles;

/* `desk` outlives the troubles. NULL if there is no memory. */
struct troubles *troubles_new(struct desk *desk);
struct troubles *troubles_free(struct troubles *troubles);

/* The subscription has begun: asks for the sensors and their states. */
void troubles_begin(struct troubles *troubles);
/* crampd could not be reached at the start. */
void troubles_begin_without(struct troubles *troubles, int64_t now_us);

void troubles_take(struct troubles *troubles, const struct crampd_event *event, int64_t now_us);

/* Privacy has changed: what is on the screen is shown anew. */
void troubles_refresh(struct troubles *troubles);

/* Does what is due, and returns when the next is; INT64_MAX = nothing. */
int64_t troubles_tick(struct troubles *troubles, int64_t now_us);
