/* SPDX-License-Identifier: MIT */
/*
 * Twin of Thalmic's Myo armband. Facts: thalmiclabs/myo-bluetooth myohw.h, iomz/dl-myo myo/profile.py.
 */
#include <string.h>

#include "sensors/virtual/twin.h"

#define MYO_UUID(slot) "d506" slot "-a904-deb9-4748-2c7f4a124842"
#define CHANNELS 8u
#define EMG_CHARACTERISTICS 4u
/* ATT error codes */
#define INVALID_LENGTH 0x0d

enum { INFO, FIRMWARE, COMMAND, IMU, FILTERED, EMG, BATTERY = EMG + EMG_CHARACTERISTICS };

enum command { SET_MODE = 0x01, SET_SLEEP = 0x09 };

enum mode { MODE_OFF, MODE_FILTERED_50_HZ, MODE_EMG, MODE_EMG_RAW };

static const struct gatt_characteristic characteristics[] = {
        [INFO] = {MYO_UUID("0001"), MYO_UUID("0101"), GATT_READ},
        [FIRMWARE] = {MYO_UUID("0001"), MYO_UUID("0201"), GATT_READ},
        [COMMAND] = {MYO_UUID("0001"), MYO_UUID("0401"), GATT_WRITE},
        [IMU] = {MYO_UUID("0002"), MYO_UUID("0402"), GATT_NOTIFY},
        [FILTERED] = {MYO_UUID("0004"), MYO_UUID("0104"), GATT_NOTIFY},
        [EMG] = {MYO_UUID("0005"), MYO_UUID("0105"), GATT_NOTIFY},
        [EMG + 1] = {MYO_UUID("0005"), MYO_UUID("0205"), GATT_NOTIFY},
        [EMG + 2] = {MYO_UUID("0005"), MYO_UUID("0305"), GATT_NOTIFY},
        [EMG + 3] = {MYO_UUID("0005"), MYO_UUID("0405"), GATT_NOTIFY},
        [BATTERY] = {SIG_UUID("180f"), SIG_UUID("2a19"), GATT_READ | GATT_NOTIFY},
        {},
};

/* What a count is worth was never published. */
static const struct twin_variant variants[] = {
        {"emg",
         "Myo",
         0,
         {.channels = CHANNELS,
          .rate_mhz = 200000,
          .packet_frames = 2,
          .scale_uv = 8,
          .lowest = -128,
          .middle = 0,
          .highest = 127}},
        {},
};

static const char *const advertised[] = {MYO_UUID("0001"), NULL};

static void begin(struct twin *twin) {
        twin->turn = 0;
}

static void pack(struct twin *twin, const int32_t *frame) {
        uint8_t packet[2 * CHANNELS];

        if (!twin_hold(twin, frame))
                return;
        for (size_t i = 0; i < sizeof(packet); i++)
                packet[i] = (uint8_t)twin->held[i];
        twin_emit(twin, EMG + twin->turn++ % EMG_CHARACTERISTICS, packet, sizeof(packet), 2);
}

static int command(struct twin *twin, unsigned characteristic, const uint8_t *value, size_t size) {
        if (size < 2 || size != 2u + value[1])
                return INVALID_LENGTH;
        switch (value[0]) {
        case SET_MODE:
                if (value[1] != 3)
                        return INVALID_LENGTH;
                twin_run(twin, value[2] == MODE_EMG || value[2] == MODE_EMG_RAW);
                return 0;
        case SET_SLEEP:
                twin->mode = size == 3 && value[2] == 1; /* never sleeps */
                return 0;
        default: /* vibrate, lights, locks: nothing that this one has */
                return 0;
        }
}

static size_t value_read(const struct twin *twin, unsigned characteristic,
                         uint8_t value[static GATT_VALUE_MAX]) {
        switch (characteristic) {
        case FIRMWARE: /* 1.5.1970, hardware D */
                put_le16(put_le16(put_le16(put_le16(value, 1), 5), 1970), 2);
                return 8;
        case BATTERY:
                value[0] = twin->battery_percent;
                return 1;
        default:
                memset(value, 0, 20);
                return 20;
        }
}

const struct twin_family twin_myo = {
        .name = "myo",
        .characteristics = characteristics,
        .advertised = advertised,
        .variants = variants,
        .begin = begin,
        .pack = pack,
        .write = command,
        .read = value_read,
};
