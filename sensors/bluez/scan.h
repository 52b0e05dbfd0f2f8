/* SPDX-License-Identifier: MIT */
/*
 * Looking for sensors that nobody has added yet: lets the radio discover, and asks bluetoothd each
 * second what it hears. Everybody in range can be heard, so no more than SCAN_DEVICES_MAX are kept:
 * recognised sensors before others, then the nearest. Called by the daemon's bus.
 */
#pragma once

#include "sensors/bluez/bluez.h"
#include "sensors/driver.h"

#define SCAN_DEVICES_MAX 128u
#define SCAN_NAME_SIZE 64u

struct scan_device {
        char address[18];
        char name[SCAN_NAME_SIZE];          /* as advertised, hostile; UTF-8; "" = none */
        int rssi_dbm;                       /* 0 = not heard in this scan */
        const struct sensor_driver *driver; /* that recognises it, or NULL */
        enum sensor_match match;
};

struct scan;

/* A device that is new, or whose signal or name has changed. The scan must not be freed from within. */
typedef void (*scan_func)(const struct scan_device *device, void *userdata);

/* One at a time. Returns 0, -EEXIST, -ENOMEM or what the bus says. */
int scan_new(struct bluez *bluez, scan_func func, void *userdata, struct scan **ret);
struct scan *scan_free(struct scan *scan);
/* Tells of all that were heard so far. */
void scan_repeat(const struct scan *scan, scan_func func, void *userdata);
