/* SPDX-License-Identifier: MIT */
/*
 * Twin of OYMotion's gForcePro. Facts: oymotion/gforce_sdk_python lib_gforce/gforce.py, gForceSDKCXX
 * doc/gForce_Data_Protocol-eng, libemg _oymotion_streamer.py.
 */
#include <stdio.h>
#include <string.h>

#include "sensors/virtual/twin.h"

#define SERVICE "0000ffd0-0000-1000-8000-00805f9b34fb"
#define CHANNELS 8u
/* What a link with the smallest ATT_MTU carries, less the fragment's own two bytes. */
#define FRAGMENT_SIZE 18u

enum { COMMAND, DATA };

enum kind { BITS_12, BITS_8, FRAGMENTS };

enum code { OK = 0, UNSUPPORTED = 1, BAD_PARAMETER = 2 };

enum command { FIRMWARE = 0x06, BATTERY = 0x08, SET_EMG = 0x3f, GET_EMG = 0x46, DATA_SWITCH = 0x4f };

static const struct gatt_characteristic characteristics[] = {
        [COMMAND] = {SERVICE, "f000ffe1-0451-4000-b000-000000000000",
                     GATT_WRITE | GATT_COMMAND | GATT_NOTIFY},
        [DATA] = {SERVICE, "f000ffe2-0451-4000-b000-000000000000", GATT_NOTIFY},
        {},
};

#define FORM_12                                                                                \
        {                                                                                      \
                .channels = CHANNELS, .rate_mhz = 500000, .packet_frames = 8,                  \
                .scale_uv = 2.5e6 / 4096 / 1200, .lowest = 0, .middle = 2048, .highest = 4095, \
        }
#define FORM_8                                                                              \
        {                                                                                   \
                .channels = CHANNELS, .rate_mhz = 500000, .packet_frames = 16,              \
                .scale_uv = 2.5e6 / 256 / 1200, .lowest = 0, .middle = 128, .highest = 255, \
        }

static const struct twin_variant variants[] = {
        {"12-bit", "gForceProX-4A", BITS_12, FORM_12},
        {"8-bit", "gForceBLE-4B", BITS_8, FORM_8},
        {"fragments", "gForceProX-4C", FRAGMENTS, FORM_12},
        {},
};

static const char *const advertised[] = {SERVICE, NULL};

/* The index counts down to the last, so that the first tells how many there are. */
static void fragments_emit(struct twin *twin, const uint8_t *packet, size_t size) {
        size_t left = (size + FRAGMENT_SIZE - 1) / FRAGMENT_SIZE;

        while (left-- > 0) {
                size_t part = size < FRAGMENT_SIZE ? size : FRAGMENT_SIZE;
                uint8_t fragment[2 + FRAGMENT_SIZE] = {0xff, (uint8_t)left};

                memcpy(fragment + 2, packet, part);
                twin_emit(twin, DATA, fragment, 2 + part, left == 0 ? twin->form.packet_frames : 0);
                packet += part;
                size -= part;
        }
}

/* `mode` is the channel mask; 0 is what it has from the start: all. */
static void pack(struct twin *twin, const int32_t *frame) {
        uint8_t packet[TWIN_PACKET_MAX] = {0x08}, *end = packet + 1;
        unsigned mask = twin->mode ? twin->mode : 0xff;

        if (!twin_hold(twin, frame))
                return;
        for (uint32_t i = 0; i < twin->form.packet_frames * CHANNELS; i++) {
                if (!(mask >> i % CHANNELS & 1))
                        continue;
                if (twin->form.highest > 255)
                        end = put_le16(end, (uint16_t)twin->held[i]);
                else
                        *end++ = (uint8_t)twin->held[i];
        }
        if (twin->variant->kind == FRAGMENTS)
                fragments_emit(twin, packet, (size_t)(end - packet));
        else
                twin_emit(twin, DATA, packet, (size_t)(end - packet), twin->form.packet_frames);
}

static enum code configure(struct twin *twin, const uint8_t *value, size_t size) {
        static const struct twin_form forms[] = {FORM_12, FORM_8};
        uint32_t rate_hz, channels, width;

        if (size != 6 || (value[5] != 8 && value[5] != 12) || twin->running)
                return BAD_PARAMETER;
        rate_hz = value[0] | (uint32_t)value[1] << 8;
        channels = (uint32_t)__builtin_popcount(value[2]);
        width = value[5] == 12 ? 2 : 1;
        if (rate_hz < 100 || rate_hz > 650 || channels == 0 || value[4] < channels * width ||
            value[4] > 128 || (value[5] == 12 && twin->variant->kind == BITS_8))
                return BAD_PARAMETER;
        twin->form = forms[value[5] == 8];
        twin->form.rate_mhz = rate_hz * 1000;
        twin->form.packet_frames = value[4] / (channels * width);
        if (twin->form.packet_frames > 32)
                twin->form.packet_frames = 32;
        twin->mode = value[2];
        return OK;
}

static int command(struct twin *twin, unsigned characteristic, const uint8_t *value, size_t size) {
        uint8_t reply[16] = {OK, size > 0 ? value[0] : 0};
        size_t reply_size = 2;

        if (size == 0)
                return 0x0d; /* invalid attribute value length */
        switch (value[0]) {
        case FIRMWARE:
                reply_size += (size_t)snprintf((char *)reply + 2, sizeof(reply) - 2, "1.4.1");
                break;
        case BATTERY:
                reply[reply_size++] = twin->battery_percent;
                break;
        case SET_EMG:
                reply[0] = (uint8_t)configure(twin, value + 1, size - 1);
                break;
        case GET_EMG:
                put_le16(put_le16(reply + 2, (uint16_t)(twin->form.rate_mhz / 1000)),
                         twin->mode ? (uint16_t)twin->mode : 0xff);
                reply[6] = 128;
                reply[7] = twin->form.highest > 255 ? 12 : 8;
                reply_size = 8;
                break;
        case DATA_SWITCH:
                if (size == 5)
                        twin_run(twin, value[1] & 0x80);
                else
                        reply[0] = BAD_PARAMETER;
                break;
        default:
                reply[0] = UNSUPPORTED;
        }
        twin_emit(twin, COMMAND, reply, reply_size, 0);
        return 0;
}

static size_t value_read(const struct twin *twin, unsigned characteristic,
                         uint8_t value[static GATT_VALUE_MAX]) {
        return 0;
}

const struct twin_family twin_gforce = {
        .name = "gforce",
        .characteristics = characteristics,
        .advertised = advertised,
        .variants = variants,
        .pack = pack,
        .write = command,
        .read = value_read,
};
