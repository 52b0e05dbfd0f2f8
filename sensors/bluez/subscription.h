/* SPDX-License-Identifier: MIT */
/*
 * The subscription to a connected sensor: reads its description, acquires a descriptor for each
 * notifying characteristic, writes the start, and hands on blocks. One step after the other, none of
 * them waited for. StartNotify only where AcquireNotify does not work and the owner allowed it. Private
 * to sensors/bluez/; its only user is link-states.c.
 */
#pragma once

#include "sensors/bluez/objects.h"
#include "sensors/stream.h"

struct subscription;

/* None is called from within subscription_new(). The subscription may be freed from within `failed`,
 * `refused`, `forbidden`, `unpaired` and `closed`. */
struct subscription_callbacks {
        void (*format)(const struct stream_format *format, void *userdata); /* before the first block */
        void (*block)(const struct emg_block *block, uint64_t arrival_us, void *userdata);
        void (*decoded)(void *userdata); /* a packet, which may have changed the extras */
        void (*started)(void *userdata); /* all steps are done: the sensor was told to send */
        void (*failed)(const char *reason, void *userdata);
        void (*refused)(
                void *userdata); /* someone has the data channel; perhaps an earlier connection */
        void (*forbidden)(const char *reason, void *userdata); /* only StartNotify is left */
        void (*unpaired)(void *userdata); /* the sensor refuses to go on without a bond */
        void (*closed)(void *userdata);
};

struct subscription_setup {
        const struct bluez_device *device;
        const struct sensor_driver *driver;
        struct sensor_decoder *decoder;
        const struct sensor_settings *settings; /* of use to subscription_new() alone */
        bool allow_broadcast;
        bool distrust_acquire; /* its descriptors closed at once before */
        bool refused_before;   /* after a new connection it would be said again */
        const struct subscription_callbacks *callbacks;
        void *userdata;
};

/* Begins at once. The driver's characteristics need not be there: then it fails with a reason. */
int subscription_new(struct bluez *bluez, const struct subscription_setup *setup,
                     struct subscription **ret);
struct subscription *subscription_free(struct subscription *subscription);
/* Before that: gives out what has come and waits, unless it is still being started. */
void subscription_finish(struct subscription *subscription);

bool subscription_is_started(const struct subscription *subscription);
/* Manufacturer data, of a driver that takes its packets from adverts. */
void subscription_feed_advert(struct subscription *subscription, const uint8_t *packet, size_t size);
/* Whether samples come as signals that every local user can read. */
bool subscription_broadcasts(const struct subscription *subscription);
const struct stream_counters *subscription_get_counters(const struct subscription *subscription);

/* Whether all characteristics of the driver are exported. */
bool device_offers(const struct bluez_device *device, const struct sensor_driver *driver);
