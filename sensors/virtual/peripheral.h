/* SPDX-License-Identifier: MIT */
/*
 * A sensor on a BlueZ adapter: exports the services of a table (gatt.h), registers them with
 * bluetoothd's GattManager1, and advertises through LEAdvertisingManager1. Does not know what the values
 * mean; notifications are written by its owner, into descriptors that bluetoothd reads. Used by
 * open-sensor.c and twin-sensor.c.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "sensors/virtual/gatt.h"

struct peripheral;

struct peripheral_setup {
        const char *adapter;                               /* "hci0" */
        const struct gatt_characteristic *characteristics; /* outlives the peripheral */
        struct gatt_advert advert;                         /* so do `services` */
};

/* Characteristics go by their place in the table. */
struct peripheral_callbacks {
        /* bluetoothd has both services and advertisement. */
        void (*ready)(const char *address, void *userdata);
        /* Returns the value's size. */
        size_t (*read)(unsigned characteristic, uint8_t value[static GATT_VALUE_MAX], void *userdata);
        /* Notifications go into `fd`, which stays the peripheral's and is open until unsubscribed(). */
        void (*subscribed)(unsigned characteristic, int fd, uint16_t mtu, void *userdata);
        void (*unsubscribed)(unsigned characteristic, void *userdata);
        /* `mtu` is 0 if it is not told. Returns 0, an error code of ATT to refuse, -EMSGSIZE for a wrong
         * length, or another negative errno. */
        int (*write)(unsigned characteristic, const uint8_t *value, size_t size, uint16_t mtu,
                     void *userdata);
        /* The client that wrote is gone. It may stay subscribed: bluetoothd keeps that for bonded ones.
         */
        void (*link_lost)(void *userdata);
        /* bluetoothd refused, or has gone: nothing will come any more. `text` names the remedy. */
        void (*failed)(const char *text, void *userdata);
};

/* Connects to the system bus, powers the adapter (waiting for both), and registers (on the loop). On
 * failure `*ret_error` is a text for the user (to be freed, or NULL). Returns 0 or negative errno. */
int peripheral_new(sd_event *event, const struct peripheral_setup *setup,
                   const struct peripheral_callbacks *callbacks, void *userdata, struct peripheral **ret,
                   char **ret_error);
/* Takes everything back from bluetoothd. No callback comes any more. */
struct peripheral *peripheral_free(struct peripheral *peripheral);

/* Ends the link to whoever is connected to the adapter, as a sensor that goes out of reach. */
int peripheral_disconnect(struct peripheral *peripheral);

/* Changes the manufacturer data of the advertisement, company id first. */
int peripheral_advertise(struct peripheral *peripheral, const uint8_t *data, size_t size);
