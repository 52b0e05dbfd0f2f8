/* SPDX-License-Identifier: MIT */
/*
 * Notifications by StartNotify, where AcquireNotify does not work and the owner allowed it: bluetoothd
 * then broadcasts each value as PropertiesChanged on the system bus, where every local user can read it
 * (doc/org.bluez.GattCharacteristic.rst). Owns the match rule, which is as narrow as one characteristic.
 * Private to sensors/bluez/; its only user is subscription.c.
 */
#pragma once

#include "sensors/bluez/objects.h"

struct broadcast;

/* None is called from within broadcast_new(). The broadcast may be freed from within each. */
struct broadcast_callbacks {
        void (*started)(void *userdata);
        void (*failed)(sd_bus_message *error, void *userdata);
        void (*packet)(unsigned source, const uint8_t *packet, size_t size, void *userdata);
};

int broadcast_new(struct bluez *bluez, const char *characteristic, unsigned source,
                  const struct broadcast_callbacks *callbacks, void *userdata, struct broadcast **ret);
/* Also ends the notifications, without waiting for it. */
struct broadcast *broadcast_free(struct broadcast *broadcast);
