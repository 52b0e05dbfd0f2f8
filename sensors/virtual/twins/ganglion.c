/* SPDX-License-Identifier: MIT */
/*
 * Twin of OpenBCI's Ganglion, with the firmware of generation 3 (truncated values) and 2 (differences).
 * Facts: OpenBCI/OpenBCI_Ganglion_Library OpenBCI_Ganglion_Library.cpp, OpenBCI_Python
 * openbci/ganglion.py, docs.openbci.com "Ganglion Data Format".
 */
#include <string.h>

#include "sensors/virtual/twin.h"

#define SERVICE "0000fe84-0000-1000-8000-00805f9b34fb"
#define CHANNELS 4u
#define FIELDS 8u /* two frames */
#define PACKET_SIZE 20u
/* A round of the generation 3 counts so many samples, sends them in pairs, and passes over the last. */
#define ROUND_FRAMES 201u
#define ROUND_PACKETS 100u

enum { RECEIVE, SEND, DISCONNECT, SOFTWARE };

enum kind { FW_3, FW_2 };

static const struct gatt_characteristic characteristics[] = {
        [RECEIVE] = {SERVICE, "2d30c082-f39f-4ce6-923f-3484ea480596", GATT_READ | GATT_NOTIFY},
        [SEND] = {SERVICE, "2d30c083-f39f-4ce6-923f-3484ea480596", GATT_WRITE | GATT_COMMAND},
        [DISCONNECT] = {SERVICE, "2d30c084-f39f-4ce6-923f-3484ea480596", GATT_WRITE | GATT_COMMAND},
        [SOFTWARE] = {SIG_UUID("180a"), SIG_UUID("2a28"), GATT_READ},
        {},
};

#define FORM                                                                                 \
        {                                                                                    \
                .channels = CHANNELS, .rate_mhz = 200000, .packet_frames = 2,                \
                .scale_uv = 1.2e6 / (8388607.0 * 1.5 * 51), .lowest = -8388608, .middle = 0, \
                .highest = 8388607,                                                          \
        }

static const struct twin_variant variants[] = {
        {"fw3", "Ganglion 1.3 (4a01)", FW_3, FORM},
        {"fw2", "Ganglion-4a02", FW_2, FORM},
        {},
};

static const char *const advertised[] = {SERVICE, NULL};

/* `mode` 1: the accelerometer is off, which leaves 19 bits for a value instead of 18. */
static unsigned field_bits(const struct twin *twin) {
        return 18 + twin->mode;
}

/* The lowest bit is a copy of the sign. */
static uint32_t field_make(int32_t value, unsigned bits) {
        uint32_t field = (uint32_t)value & ~1u & ((1u << bits) - 1);

        return field | (value < 0);
}

/* Most significant bit first, one after the other. */
static void fields_put(uint8_t *bytes, const uint32_t *fields, unsigned bits) {
        unsigned place = 0;

        for (size_t i = 0; i < FIELDS; i++)
                for (unsigned bit = bits; bit-- > 0; place++)
                        if (fields[i] >> bit & 1)
                                bytes[place / 8] |= (uint8_t)(0x80 >> place % 8);
}

static void begin(struct twin *twin) {
        twin->sequence = 0;      /* samples of this round */
        twin->turn = UINT32_MAX; /* packets of this round: the first round begins one early */
        memset(twin->last, 0, sizeof(twin->last));
}

static void acceleration_put(uint8_t *packet) {
        static const int8_t counts[3] = {0, 0, 62}; /* 1 g at 16 mg */

        if (packet[0] % 10 >= 1 && packet[0] % 10 <= 3)
                packet[19] = (uint8_t)counts[packet[0] % 10 - 1];
}

static void pack_3(struct twin *twin, const int32_t *frame) {
        uint8_t packet[PACKET_SIZE] = {};
        uint32_t fields[FIELDS];
        unsigned bits = field_bits(twin);

        if (++twin->sequence == ROUND_FRAMES) {
                twin->sequence = 0;
                twin->turn = 0;
                return;
        }
        if (!twin_hold(twin, frame))
                return;
        for (size_t i = 0; i < FIELDS; i++)
                fields[i] = field_make(twin->held[i] >> (24 - bits), bits);
        packet[0] = (uint8_t)(twin->turn++ + (twin->mode ? ROUND_PACKETS : 0));
        fields_put(packet + 1, fields, bits);
        if (!twin->mode)
                acceleration_put(packet);
        twin_emit(twin, RECEIVE, packet, sizeof(packet), 2);
}

/* A whole value first, then what each differs from the one before, as a decoder reckons it. */
static void pack_2(struct twin *twin, const int32_t *frame) {
        uint8_t packet[PACKET_SIZE] = {};
        uint32_t fields[FIELDS];
        unsigned bits = field_bits(twin);
        int32_t limit = (1 << (bits - 1)) - 2;

        if (twin->turn == UINT32_MAX || twin->turn == ROUND_PACKETS) {
                for (size_t i = 0; i < CHANNELS; i++) {
                        packet[1 + 3 * i] = (uint8_t)(frame[i] >> 16);
                        put_be16(packet + 2 + 3 * i, (uint16_t)frame[i]);
                        twin->last[i] = frame[i];
                }
                twin->turn = 0;
                twin_emit(twin, RECEIVE, packet, sizeof(packet), 1);
                return;
        }
        if (!twin_hold(twin, frame))
                return;
        for (size_t i = 0; i < FIELDS; i++) {
                int32_t difference = twin->last[i % CHANNELS] - twin->held[i];

                difference = difference > limit ? limit : difference < -limit ? -limit : difference;
                fields[i] = field_make(difference, bits);
                twin->last[i % CHANNELS] -= difference & ~1;
        }
        packet[0] = (uint8_t)(++twin->turn + (twin->mode ? ROUND_PACKETS : 0));
        fields_put(packet + 1, fields, bits);
        if (!twin->mode)
                acceleration_put(packet);
        twin_emit(twin, RECEIVE, packet, sizeof(packet), 2);
}

static void pack(struct twin *twin, const int32_t *frame) {
        (twin->variant->kind == FW_3 ? pack_3 : pack_2)(twin, frame);
}

static int command(struct twin *twin, unsigned characteristic, const uint8_t *value, size_t size) {
        if (characteristic != SEND || size == 0)
                return 0;
        switch (value[0]) {
        case 'b':
                twin_run(twin, true);
                return 0;
        case 's':
        case 'v':
                twin_run(twin, false);
                return 0;
        case 'n':
                twin->mode = 0;
                return 0;
        case 'N':
                twin->mode = 1;
                return 0;
        default:
                return 0;
        }
}

static size_t value_read(const struct twin *twin, unsigned characteristic,
                         uint8_t value[static GATT_VALUE_MAX]) {
        return characteristic == SOFTWARE
                       ? twin_text(value, twin->variant->kind == FW_3 ? "3.0.2" : "2.0.1")
                       : 0;
}

const struct twin_family twin_ganglion = {
        .name = "ganglion",
        .characteristics = characteristics,
        .advertised = advertised,
        .variants = variants,
        .begin = begin,
        .pack = pack,
        .write = command,
        .read = value_read,
};
