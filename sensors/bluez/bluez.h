/* SPDX-License-Identifier: MIT */
/*
 * The part of BlueZ's object tree that crampd uses, mirrored over an sd-bus connection: adapters,
 * devices, GATT services, characteristics, battery. Never blocks; survives org.bluez coming and going.
 * Owned by the daemon's main; link.c beside it works on it.
 */
#pragma once

#include <systemd/sd-bus.h>

struct bluez;

/* The bus must be attached to an event loop. */
int bluez_new(sd_bus *bus, struct bluez **ret);
/* Of the adapters, only those that are named so ("hci0") are used from now on; without a call, all are.
 * To be called before the event loop runs. Returns 0 or -ENOMEM. */
int bluez_use_adapter(struct bluez *bluez, const char *name);
/* All links must be gone. */
struct bluez *bluez_free(struct bluez *bluez);

/* "ok", "no-bluez" (bluetoothd is not running, or has not answered yet) or "no-adapter" (none, or all
 * are off). */
const char *bluez_get_health(const struct bluez *bluez);
