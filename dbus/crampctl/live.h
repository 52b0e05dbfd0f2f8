/* SPDX-License-Identifier: MIT */
/*
 * The live view of `monitor` on a terminal: below the alerts one line for each sensor, with its state,
 * its level and a sparkline of the last seconds, redrawn in place. Owns the streams' descriptors.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "dbus/client/crampd-client.h"

#define LIVE_LANES_MAX 64u

struct live;

/* `file` is a terminal. NULL when memory is short. Hides the cursor. */
struct live *live_new(FILE *file);
/* Takes the lines away and gives the cursor back. NULL is accepted; returns NULL. */
struct live *live_free(struct live *live);

/* Asks for the sensors and opens the streams that are missing. */
void live_sync(struct live *live, crampd_client *client);

/* Fills in at most LIVE_LANES_MAX descriptors to wait for; returns their number. */
size_t live_get_pollfds(const struct live *live, struct pollfd *pollfds);

/* Reads what has arrived on all streams. */
void live_read(struct live *live);

/* Whether there is something new to draw. */
bool live_is_dirty(const struct live *live);
void live_draw(struct live *live);
/* Takes the lines away, so that something else can be written there. */
void live_erase(struct live *live);

/* Before and after the program stands still in the background. */
void live_suspend(struct live *live);
void live_resume(struct live *live);
