/* SPDX-License-Identifier: MIT */
/*
 * What a virtual sensor shows to those who connect and those who scan: tables, no code. Written by the
 * open profile (open-sensor.c) and the twins (twin.h), served by peripheral.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* 16-bit UUIDs of the Bluetooth SIG. */
#define SIG_UUID(number) "0000" number "-0000-1000-8000-00805f9b34fb"

#define GATT_CHARACTERISTICS_MAX 16u
#define GATT_VALUE_MAX 64u

enum gatt_flag {
        GATT_READ = 1 << 0,
        GATT_NOTIFY = 1 << 1,
        GATT_WRITE = 1 << 2,   /* with response */
        GATT_COMMAND = 1 << 3, /* without */
};

/* Those of one service stand together. */
struct gatt_characteristic {
        const char *service; /* UUID; NULL ends a table */
        const char *uuid;
        unsigned flags; /* enum gatt_flag */
};

struct gatt_advert {
        const char *name;
        const char *const *services; /* UUIDs, NULL ends */
        const uint8_t *data;         /* manufacturer data, its company id (little-endian) first */
        size_t size;                 /* of `data`; 0 = none */
};
