/* SPDX-License-Identifier: MIT */
/*
 * Pairing with one sensor that refuses to be read without it: an org.bluez.Agent1 that exists only
 * meanwhile, and one call to Device1.Pair. The agent says yes to this one device and to nothing that
 * needs a person ("Just Works", Core Specification, Vol 3, Part H, 2.3.5.2); all else is rejected. It is
 * never the default agent, so other programs' pairing stays theirs. Private to sensors/bluez/; used by
 * link-states.c.
 */
#pragma once

#include "sensors/bluez/objects.h"

struct pairing;

/* `done` is not called from within pairing_new(), and may free the pairing; `error` is NULL when the
 * sensor is paired. */
typedef void (*pairing_func)(const char *error, void *userdata);

/* Returns 0, -EBUSY (one at a time: bluetoothd takes one agent from each client), -ENOTCONN, -ENOMEM or
 * what the bus says. */
int pairing_new(struct bluez *bluez, const struct bluez_device *device, pairing_func done,
                void *userdata, struct pairing **ret);
/* Cancels what is under way. */
struct pairing *pairing_free(struct pairing *pairing);
