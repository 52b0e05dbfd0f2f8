/* SPDX-License-Identifier: MIT */
/*
 * A virtual sensor's account with bluetoothd: powers an adapter, registers GATT services (GattManager1)
 * and an advertisement (LEAdvertisingManager1) there, and notices when bluetoothd goes. The objects
 * themselves are the caller's: on the same bus connection, below an object manager. Used by
 * peripheral.c.
 */
#pragma once

#include <systemd/sd-bus.h>

struct registration;

struct registration_setup {
        const char *adapter;       /* "hci0" */
        const char *application;   /* object path of the object manager */
        const char *advertisement; /* object path */
};

struct registration_callbacks {
        void (*ready)(const char *address, void *userdata);
        /* Comes once; `text` names the remedy. */
        void (*failed)(const char *text, void *userdata);
};

/* Powers the adapter, waiting for that; the rest goes on in the event loop that the bus is attached to.
 * The paths must outlive it. On failure `*ret_error` is a text for the user (to be freed, or NULL).
 * Returns 0 or negative errno. */
int registration_new(sd_bus *bus, const struct registration_setup *setup,
                     const struct registration_callbacks *callbacks, void *userdata,
                     struct registration **ret, char **ret_error);
/* Takes everything back, as soon as the bus is flushed. No callback comes any more. */
struct registration *registration_free(struct registration *registration);
