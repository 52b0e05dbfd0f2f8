/* SPDX-License-Identifier: MIT */
/*
 * A connection to the system bus, on the daemon's loop. There are two: dbus-daemon counts what is not
 * read yet against its sender and reads no more of one who sent too much, so callers who do not read
 * their answers must not stand in BlueZ's way. Used by main and the bus.
 */
#pragma once

#include "daemon/crampd.h"

/* Does not wait for the bus to say hello. Should it go, crampd_bus_lost() is called. */
int connection_new(struct crampd *crampd, const char *description, int64_t priority, sd_bus **ret);
/* Sends what is queued, for a second at most, and disconnects. It must be off the loop. Returns NULL;
 * NULL is accepted. */
sd_bus *connection_free(sd_bus *connection);
