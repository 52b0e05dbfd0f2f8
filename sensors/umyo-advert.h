/* SPDX-License-Identifier: MIT */
/*
 * The advert of a uMyo, which carries battery and muscle level; shared by umyo.c, which wants the
 * battery, and umyo-advert.c, which lives on it.
 *
 * Facts from ultimaterobotics/uMyo uMyo_fw_v3_1/main.c @d3a14b3, urf_lib urf_ble_peripheral.c @0869d35
 * and uMyo_BLE src/uMyo_BLE.cpp @4944da4. The field has no company id: BlueZ takes the first two bytes
 * for one, so here it begins with these.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sensors/driver.h"

#define UMYO_NAME_PREFIX "uMyo"
#define UMYO_ADVERT_SIZE 15u
#define UMYO_ADVERT_BLOCK_SAMPLES 8u

struct umyo_advert {
        uint8_t id;     /* +1 each UMYO_ADVERT_BLOCK_SAMPLES samples of the sensor */
        int battery_mv; /* -1 = below what it can tell */
        uint8_t level;  /* about the root of ten times the mean magnitude above 20 */
};

/* Returns 0, or -EBADMSG for a wrong size. */
int umyo_advert_decode(const uint8_t *packet, size_t size, struct umyo_advert *ret);
/* Of its lithium cell, by its voltage; the sensor goes off at 3.2 V. */
int umyo_battery_percent(int mv);
