/* SPDX-License-Identifier: MIT */
/*
 * Twin of a sensor that sends lines of text over the Nordic UART service, as the MyoWareBLEUART sketch
 * does: "envelope,raw". Facts: AdvancerTechnologies/MyoWare-Arduino-Library examples; the service's
 * UUIDs are Nordic's.
 */
#include <stdio.h>
#include <string.h>

#include "sensors/virtual/twin.h"

#define NUS_UUID(slot) "6e40" slot "-b5a3-f393-e0a9-e50e24dcca9e"
#define NOTIFICATION_SIZE 20u

enum { TO_CLIENT, FROM_CLIENT };

enum kind { LINES, STREAM };

static const struct gatt_characteristic characteristics[] = {
        [TO_CLIENT] = {NUS_UUID("0001"), NUS_UUID("0003"), GATT_NOTIFY},
        [FROM_CLIENT] = {NUS_UUID("0001"), NUS_UUID("0002"), GATT_WRITE | GATT_COMMAND},
        {},
};

#define FORM                                                                                      \
        {                                                                                         \
                .channels = 2, .rate_mhz = 50000, .packet_frames = 1,                             \
                .scale_uv = 3.3e6 / 4095 / (200 * 51), .lowest = 0, .middle = 0, .highest = 4095, \
                .envelopes = 1, .envelope_s = 0.044,                                              \
        }

static const struct twin_variant variants[] = {
        {"lines", "MyoW1", LINES, FORM},
        {"stream", "MyoW1", STREAM, FORM},
        {},
};

static const char *const advertised[] = {NUS_UUID("0001"), NULL};

static void pack(struct twin *twin, const int32_t *frame) {
        char text[32];
        int size = snprintf(text, sizeof(text), "%d,%d\n", frame[0], frame[1]);

        if (twin->variant->kind == LINES)
                twin_emit(twin, TO_CLIENT, text, (size_t)size, 1);
        else
                twin_stream(twin, TO_CLIENT, text, (size_t)size, NOTIFICATION_SIZE);
}

static void subscribed(struct twin *twin, unsigned characteristic, bool on) {
        twin_run(twin, on);
}

static int pass_over(struct twin *twin, unsigned characteristic, const uint8_t *value, size_t size) {
        return 0;
}

static size_t value_read(const struct twin *twin, unsigned characteristic,
                         uint8_t value[static GATT_VALUE_MAX]) {
        return 0;
}

static void spoil(struct twin_packet *packet) {
        packet->bytes[0] = 'x';
}

const struct twin_family twin_nordic_text = {
        .name = "nordic-text",
        .characteristics = characteristics,
        .advertised = advertised,
        .variants = variants,
        .pack = pack,
        .subscribed = subscribed,
        .write = pass_over,
        .read = value_read,
        .spoil = spoil,
};
