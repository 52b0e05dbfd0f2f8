/* SPDX-License-Identifier: MIT */
/*
 * Twin of Ultimate Robotics' uMyo in its GATT mode. Facts: ultimaterobotics/uMyo uMyo_fw_v3_1 main.c and
 * adc_read.c, uf1-tools SPEC_UF1_v2.md.
 */
#include <string.h>

#include "sensors/virtual/twin.h"

#define SERVICE "93375900-f229-8b49-b397-44b5899b8601"
#define AUX_VALUES 13u
#define QUATERNION_VALUES 4u

enum { TELEMETRY, NAME };

enum kind { S2, S1, S2_TAGGED };

static const struct gatt_characteristic characteristics[] = {
        [TELEMETRY] = {SERVICE, "fc7a850d-c1a5-f61f-0da7-9995621fbd01", GATT_READ | GATT_NOTIFY},
        [NAME] = {SERVICE, "fc7a850d-c1a5-f61f-0da7-9995621fbd02",
                  GATT_READ | GATT_COMMAND | GATT_NOTIFY},
        {},
};

/* 14 bits of 3.6 V behind an amplifier of 80; a servo keeps the mean near 8000. */
#define FORM(frames)                                                                           \
        {                                                                                      \
                .channels = 1, .rate_mhz = 1150000, .packet_frames = (frames),                 \
                .scale_uv = 3.6e6 / 16384 / 80, .lowest = 0, .middle = 8000, .highest = 16383, \
        }

static const struct twin_variant variants[] = {
        {"s2", "uMyo-4A", S2, FORM(24)},
        {"s1", "uMyo-4B", S1, FORM(24)},
        {"short", "uMyo-4C", S2, FORM(8)},
        {"tagged", "uMyo-4D", S2_TAGGED, FORM(24)},
        {},
};

static const char *const advertised[] = {NULL};

/* Lying still: 1 g downwards, no turn. */
static void aux_emit(struct twin *twin) {
        static const int16_t values[AUX_VALUES] = {0, 0, 8192, 0, 0, 0, 300, 0, 400, 16384, 0, 0, 0};
        uint8_t packet[1 + 2 * AUX_VALUES], *end = packet;

        if (twin->variant->kind == S2_TAGGED)
                *end++ = 0x03;
        for (size_t i = 0; i < AUX_VALUES; i++)
                end = put_le16(end, (uint16_t)values[i]);
        twin_emit(twin, TELEMETRY, packet, (size_t)(end - packet), 0);
}

/* The counter starts when the device enters this mode, and goes on from one client to the next. */
static void pack(struct twin *twin, const int32_t *frame) {
        static const int16_t quaternion[QUATERNION_VALUES] = {16384, 0, 0, 0};
        uint8_t packet[TWIN_PACKET_MAX], *end = packet;

        if (!twin_hold(twin, frame))
                return;
        if (twin->variant->kind == S2_TAGGED)
                *end++ = 0x02;
        end = put_le32(end, twin->sequence);
        for (uint32_t i = 0; i < twin->form.packet_frames; i++)
                end = put_le16(end, (uint16_t)twin->held[i]);
        for (size_t i = 0; twin->variant->kind == S1 && i < QUATERNION_VALUES; i++)
                end = put_le16(end, (uint16_t)quaternion[i]);
        twin_emit(twin, TELEMETRY, packet, (size_t)(end - packet), twin->form.packet_frames);
        twin->sequence += twin->form.packet_frames;
        /* Every second time is every 42 ms. */
        if (twin->variant->kind != S1 && ++twin->turn % 2 == 0)
                aux_emit(twin);
}

static void subscribed(struct twin *twin, unsigned characteristic, bool on) {
        if (characteristic == TELEMETRY)
                twin_run(twin, on);
}

static int name_write(struct twin *twin, unsigned characteristic, const uint8_t *value, size_t size) {
        return 0;
}

static size_t value_read(const struct twin *twin, unsigned characteristic,
                         uint8_t value[static GATT_VALUE_MAX]) {
        return characteristic == NAME ? twin_text(value, twin->variant->local_name) : 0;
}

/* By two bytes: one less makes an untagged packet of a tagged one. */
static void spoil(struct twin_packet *packet) {
        packet->size -= 2;
}

const struct twin_family twin_umyo = {
        .name = "umyo",
        .characteristics = characteristics,
        .advertised = advertised,
        .variants = variants,
        .pack = pack,
        .subscribed = subscribed,
        .write = name_write,
        .read = value_read,
        .spoil = spoil,
};
