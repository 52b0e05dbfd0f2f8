/* SPDX-License-Identifier: MIT */
/*
 * The live view of `monitor`: the terminal's whole screen, with each sensor's state, level and trace,
 * and below them the alerts that last, with what helps. Owns the terminal and the streams' descriptors.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "dbus/client/crampd-client.h"

#define LIVE_LANES_MAX 64u
/* Descriptors to wait for: keys and the streams. */
#define LIVE_POLLFDS_MAX (LIVE_LANES_MAX + 1)

struct live;

/* `file` is a terminal that is able (terminal.h). NULL when memory is short. */
struct live *live_new(FILE *file);
/* Gives the terminal back as it was. NULL is accepted; returns NULL. */
struct live *live_free(struct live *live);

/* Asks for the sensors and opens the streams that are missing. */
void live_sync(struct live *live, crampd_client *client);

/* Remembers alerts, warnings and changes, to be shown. */
void live_event(struct live *live, const struct crampd_event *event);

/* Fills in at most LIVE_POLLFDS_MAX descriptors to wait for; returns their number. */
size_t live_get_pollfds(const struct live *live, struct pollfd *pollfds);

/* Reads what has arrived on all streams, and keys. Returns true if one of them ends the view. */
bool live_read(struct live *live);

/* Whether there is something new to draw. */
bool live_is_dirty(const struct live *live);
void live_draw(struct live *live);

/* The terminal has another size now. */
void live_resize(struct live *live);

/* Before and after the program stands still in the background. */
void live_suspend(struct live *live);
void live_resume(struct live *live);
