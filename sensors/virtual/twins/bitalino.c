/* SPDX-License-Identifier: MIT */
/*
 * Twin of the BITalino (r)evolution with the LE radio. Facts: BITalinoWorld/firmware-BT121 GATT.xml and
 * firmware-BT121.bgs, firmware-bitalino-revolution live.c, revolution-python-api bitalino.py.
 */
#include <string.h>

#include "sensors/virtual/twin.h"

#define SERVICE "c566488a-0882-4e1b-a6d0-0b717e652234"
#define NOTIFICATION_SIZE 20u
#define CHANNELS_MAX 6u
#define FRAME_MAX 8u

enum { COMMANDS, FRAMES, MANUFACTURER };

static const struct gatt_characteristic characteristics[] = {
        [COMMANDS] = {SERVICE, "4051eb11-bf0a-4c74-8730-a48f4193fcea",
                      GATT_READ | GATT_WRITE | GATT_NOTIFY},
        [FRAMES] = {SERVICE, "40fdba6b-672e-47c4-808a-e529adff3633", GATT_NOTIFY},
        [MANUFACTURER] = {SIG_UUID("180a"), SIG_UUID("2a29"), GATT_READ},
        {},
};

static const struct twin_variant variants[] = {
        {"live",
         "BITalino",
         0,
         {.channels = 1,
          .rate_mhz = 1000000,
          .packet_frames = 1,
          .scale_uv = 3.3e6 / 1024 / 1009,
          .lowest = 0,
          .middle = 512,
          .highest = 1023}},
        {},
};

static const char *const advertised[] = {SIG_UUID("180a"), SERVICE, NULL};

static void begin(struct twin *twin) {
        twin->sequence = 0;
}

/* x^4 + x + 1, over the frame with the place of the remainder still 0. */
static uint8_t crc_4(const uint8_t *bytes, size_t size) {
        unsigned crc = 0;

        for (size_t i = 0; i < size * 8; i++) {
                crc = crc << 1 | (bytes[i / 8] >> (7 - i % 8) & 1);
                if (crc & 0x10)
                        crc ^= 0x13;
        }
        return (uint8_t)crc;
}

/* Fields fill the frame from its end to its beginning: as one long number, least significant first. */
static size_t frame_put(const struct twin *twin, const int32_t *counts, uint8_t *frame) {
        static const size_t sizes[1 + CHANNELS_MAX] = {2, 3, 4, 6, 7, 8, 8};
        size_t size = sizes[twin->form.channels];
        uint64_t number;

        /* e1, e2: sequence, remainder, digital lines. */
        number = (uint64_t)(twin->sequence & 0xf) << 4 | (uint64_t)(twin->digital & 0xf) << 12;
        for (size_t i = 0; i < twin->form.channels; i++) {
                switch (i) {
                case 0: /* the high bits in e2, the others below them in e3 */
                        number |= (uint64_t)(counts[0] >> 6) << 8 | (uint64_t)(counts[0] & 0x3f) << 18;
                        break;
                case 1:
                        number |= (uint64_t)(counts[1] >> 8) << 16 | (uint64_t)(counts[1] & 0xff) << 24;
                        break;
                case 2:
                        number |= (uint64_t)(counts[2] >> 2) << 32 | (uint64_t)(counts[2] & 3) << 46;
                        break;
                case 3:
                        number |= (uint64_t)(counts[3] >> 4) << 40 | (uint64_t)(counts[3] & 0xf) << 52;
                        break;
                case 4: /* the last two have 6 bits */
                        number |= (uint64_t)(counts[4] >> 6) << 48 | (uint64_t)(counts[4] >> 4 & 3)
                                                                             << 62;
                        break;
                default:
                        number |= (uint64_t)(counts[5] >> 4) << 56;
                }
        }
        for (size_t i = 0; i < size; i++)
                frame[size - 1 - i] = (uint8_t)(number >> 8 * i);
        frame[size - 1] |= crc_4(frame, size);
        return size;
}

static void pack(struct twin *twin, const int32_t *counts) {
        uint8_t frame[FRAME_MAX];
        size_t size = frame_put(twin, counts, frame);

        twin->sequence++;
        twin_stream(twin, FRAMES, frame, size, NOTIFICATION_SIZE);
}

static void state_emit(struct twin *twin) {
        uint8_t state[16] = {}, *end = state;

        for (size_t i = 0; i < CHANNELS_MAX; i++)
                end = put_le16(end, 512);
        /* 2 x 3.3 V / 1024 a count: 3.4 V is empty, 4.2 V is full */
        end = put_le16(end, (uint16_t)(527 + 124 * twin->battery_percent / 100));
        *end++ = 0;
        *end = (uint8_t)(twin->digital << 4);
        *end |= crc_4(state, sizeof(state));
        twin_emit(twin, FRAMES, state, sizeof(state), 0);
}

static int command(struct twin *twin, unsigned characteristic, const uint8_t *value, size_t size) {
        static const uint32_t rates_hz[] = {1, 10, 100, 1000};

        if (size == 0)
                return 0;
        if (value[0] == 0x00)
                twin_run(twin, false);
        else if (value[0] == 0x07)
                twin_emit(twin, FRAMES, "BITalino_v5.2\n", 14, 0);
        else if (value[0] == 0x0b && !twin->running)
                state_emit(twin);
        else if ((value[0] & 0x3f) == 0x03)
                twin->form.rate_mhz = rates_hz[value[0] >> 6] * 1000;
        else if ((value[0] & 0x03) == 0x01 && (value[0] >> 2) > 0) {
                twin->form.channels = (uint32_t)__builtin_popcount(value[0] >> 2);
                twin_run(twin, true);
        }
        return 0;
}

static size_t value_read(const struct twin *twin, unsigned characteristic,
                         uint8_t value[static GATT_VALUE_MAX]) {
        return characteristic == MANUFACTURER ? twin_text(value, "PLUX") : 0;
}

static void spoil(struct twin_packet *packet) {
        packet->bytes[packet->size / 2] ^= 0x10;
}

const struct twin_family twin_bitalino = {
        .name = "bitalino",
        .characteristics = characteristics,
        .advertised = advertised,
        .variants = variants,
        .begin = begin,
        .pack = pack,
        .write = command,
        .read = value_read,
        .spoil = spoil,
};
