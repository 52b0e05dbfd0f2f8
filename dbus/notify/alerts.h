/* SPDX-License-Identifier: MIT */
/*
 * Alerts on the desktop: one notice for each episode, from its beginning to its summary, and what the
 * user does with it. Called by main with crampd's events and the time (CLOCK_MONOTONIC, microseconds).
 */
#pragma once

#include "dbus/notify/desk.h"

struct alerts;

/* `desk` outlives the alerts. NULL if there is no memory. */
struct alerts *alerts_new(struct desk *desk);
/* After the client, which would answer. */
struct alerts *alerts_free(struct alerts *alerts);

/* `test`: nothing of it is ever written. Events of other kinds are not looked at, but those of the
 * service itself are. */
void alerts_take(struct alerts *alerts, const struct crampd_event *event, bool test, int64_t now_us);

/* Privacy has changed: what is on the screen is shown anew. */
void alerts_refresh(struct alerts *alerts, int64_t now_us);

/* Does what is due, and returns when the next is; INT64_MAX = nothing. */
int64_t alerts_tick(struct alerts *alerts, int64_t now_us);

/* Nothing of an alert is on the screen. */
bool alerts_are_gone(const struct alerts *alerts);
