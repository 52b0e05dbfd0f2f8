/* SPDX-License-Identifier: MIT */
/*
 * A sensor of the open profile (PROFILE.md) on a BlueZ adapter: exports its services, registers them
 * with bluetoothd's GattManager1, advertises through LEAdvertisingManager1, and keeps the profile's
 * state: what may be started when. Does not know samples; whoever started it writes them into a
 * descriptor that bluetoothd reads. Used by leg-sensor.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct peripheral;

struct peripheral_setup {
        const char *adapter; /* "hci0" */
        const char *name;    /* local name in the advertisement */
        const uint8_t *description;
        size_t description_size; /* at most OPEN_PROFILE_DESCRIPTION_MAX */
};

struct peripheral_callbacks {
        /* bluetoothd has both services and advertisement. */
        void (*ready)(const char *address, void *userdata);
        /* Start was written. Packets go into `fd`, which stays the peripheral's and is open until
         * stop(). Returns 0, or negative errno to refuse. */
        int (*start)(int fd, uint16_t mtu, void *userdata);
        /* A client stopped, unsubscribed, or its link was lost. Only while started. */
        void (*stop)(void *userdata);
        void (*identify)(unsigned seconds, void *userdata);
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

/* The packets have come to an end: a client may Start again. */
void peripheral_finish(struct peripheral *peripheral);
