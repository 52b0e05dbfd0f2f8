/* SPDX-License-Identifier: MIT */
/*
 * Twin of Ultimate Robotics' uMyo as its adverts tell: a level and four bins of a spectrum. Facts:
 * ultimaterobotics/uMyo uMyo_fw_v3_1 main.c, uf1-tools tools/uf1_umyo_adv_decode.py. Slower than the
 * real one, which sends every 2 to 9 ms: bluetoothd takes ten changes a second.
 */
#include <math.h>
#include <string.h>

#include "sensors/virtual/twin.h"

#define SERVICE "93375900-f229-8b49-b397-44b5899b8601"
#define DATA_SIZE 15u
#define SAMPLE_RATE_HZ 1150u
#define BLOCK_SAMPLES 8u
/* What may be had of a full and an empty cell. */
#define FULL_MV 4200
#define EMPTY_MV 3100

enum { TELEMETRY };

static const struct gatt_characteristic characteristics[] = {
        [TELEMETRY] = {SERVICE, "fc7a850d-c1a5-f61f-0da7-9995621fbd01", GATT_READ},
        {},
};

static const struct twin_variant variants[] = {
        {"advert",
         "uMyo-4E",
         0,
         {.channels = 1,
          .rate_mhz = 10000,
          .packet_frames = 1,
          .scale_uv = 3.6e6 / 16384 / 80,
          .lowest = 0,
          .middle = 0,
          .highest = 6500,
          .envelopes = 1,
          .envelope_s = 0.1}},
        {},
};

static const char *const advertised[] = {NULL};
static const uint8_t advert_data[DATA_SIZE];

/* The spectrum is flat: of what a bin holds nothing depends but its sum. */
static void pack(struct twin *twin, const int32_t *frame) {
        uint8_t data[DATA_SIZE] = {}, *end = data;
        uint16_t bin = (uint16_t)frame[0];
        double level = sqrt(10 * fmax(0, frame[0] - 20.0));
        uint64_t samples = twin->index * SAMPLE_RATE_HZ * 1000 / twin->form.rate_mhz;

        *end++ = (uint8_t)(samples / BLOCK_SAMPLES);
        *end++ = (uint8_t)((EMPTY_MV + (FULL_MV - EMPTY_MV) * twin->battery_percent / 100 - 2000) / 10);
        *end++ = (uint8_t)(bin >> 8);
        *end++ = (uint8_t)fmin(255, level);
        end = put_be16(end, bin);
        end = put_be16(end, bin);
        end = put_be16(end, bin / 2);
        put_be16(end, 16384);
        twin_emit(twin, TWIN_ADVERT, data, sizeof(data), 1);
}

static int refuse(struct twin *twin, unsigned characteristic, const uint8_t *value, size_t size) {
        return 0x03; /* write not permitted */
}

static size_t value_read(const struct twin *twin, unsigned characteristic,
                         uint8_t value[static GATT_VALUE_MAX]) {
        return 0;
}

const struct twin_family twin_umyo_advert = {
        .name = "umyo-advert",
        .characteristics = characteristics,
        .advertised = advertised,
        .advert_data = advert_data,
        .advert_size = sizeof(advert_data),
        .variants = variants,
        .is_heard = true,
        .pack = pack,
        .write = refuse,
        .read = value_read,
};
