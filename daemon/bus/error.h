/* SPDX-License-Identifier: MIT */
/* The org.crampd1.Error.* names, and the errno that sd-bus gives to each. */
#pragma once

#include <systemd/sd-bus.h>

#define ERROR_INVALID_ARGUMENT "org.crampd1.Error.InvalidArgument"
#define ERROR_NOT_AUTHORIZED "org.crampd1.Error.NotAuthorized"
#define ERROR_NOT_SAFE "org.crampd1.Error.NotSafe"
#define ERROR_NO_SUCH_SENSOR "org.crampd1.Error.NoSuchSensor"
#define ERROR_NO_SUCH_EPISODE "org.crampd1.Error.NoSuchEpisode"
#define ERROR_NO_SUCH_ENTRY "org.crampd1.Error.NoSuchEntry"
#define ERROR_ALREADY_EXISTS "org.crampd1.Error.AlreadyExists"
#define ERROR_LIMIT_REACHED "org.crampd1.Error.LimitReached"
#define ERROR_STORE_FAILED "org.crampd1.Error.StoreFailed"
#define ERROR_NOT_SUPPORTED "org.crampd1.Error.NotSupported"
#define ERROR_NOT_CONNECTED "org.crampd1.Error.NotConnected"

/* Fills in StoreFailed (or LimitReached for a full queue) with words; returns the negative errno to
 * return. */
int error_set_store(sd_bus_error *error, int r);

/* Fills in NoSuchEpisode for an id that public_id_read() refused with `r`, likewise. */
int error_set_no_episode(sd_bus_error *error, int r);

/* Registers the names with sd-bus, for the whole process. */
int error_register(void);
