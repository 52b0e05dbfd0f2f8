/* SPDX-License-Identifier: MIT */
/*
 * Twin of a MyoWare 2.0 with its wireless shield and the maker's peripheral sketch. Facts:
 * AdvancerTechnologies/MyoWare-Arduino-Library src/MyoWare.h and examples.
 */
#include <stdio.h>
#include <string.h>

#include "sensors/virtual/twin.h"

#define SERVICE "ec3af789-2154-49f4-a9fc-bc6c88e9e930"

enum { VALUE };

static const struct gatt_characteristic characteristics[] = {
        [VALUE] = {SERVICE, "f3a56edf-8f1e-4533-93bf-5601b2e91308", GATT_READ | GATT_NOTIFY},
        {},
};

/* The ENV output, behind a filter of 3.6 Hz, with its potentiometer in the middle: 12 bits of 3.3 V
 * behind 200 x 51. */
static const struct twin_variant variants[] = {
        {"envelope",
         "MyoWareSensor1",
         0,
         {.channels = 1,
          .rate_mhz = 50000,
          .packet_frames = 1,
          .scale_uv = 3.3e6 / 4095 / (200 * 51),
          .lowest = 0,
          .middle = 0,
          .highest = 4095,
          .envelopes = 1,
          .envelope_s = 0.044}},
        {},
};

static const char *const advertised[] = {SERVICE, NULL};

static void pack(struct twin *twin, const int32_t *frame) {
        char text[16];
        int size = snprintf(text, sizeof(text), "%d.00", frame[0]);

        twin->last[0] = frame[0];
        twin_emit(twin, VALUE, text, (size_t)size, 1);
}

static void subscribed(struct twin *twin, unsigned characteristic, bool on) {
        twin_run(twin, on);
}

static int refuse(struct twin *twin, unsigned characteristic, const uint8_t *value, size_t size) {
        return 0x03; /* write not permitted */
}

static size_t value_read(const struct twin *twin, unsigned characteristic,
                         uint8_t value[static GATT_VALUE_MAX]) {
        return (size_t)snprintf((char *)value, GATT_VALUE_MAX, "%d.00", twin->last[0]);
}

/* No number any more. */
static void spoil(struct twin_packet *packet) {
        packet->bytes[0] = 'x';
}

const struct twin_family twin_myoware = {
        .name = "myoware",
        .characteristics = characteristics,
        .advertised = advertised,
        .variants = variants,
        .pack = pack,
        .subscribed = subscribed,
        .write = refuse,
        .read = value_read,
        .spoil = spoil,
};
