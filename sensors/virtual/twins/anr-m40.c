/* SPDX-License-Identifier: MIT */
/*
 * Twin of ANR's M40 Muscle Sense. Facts: Jonapulse/TetraskiController src/TetraEMGControl.ino and other
 * clients, which cite the maker's design guide.
 */
#include <string.h>

#include "sensors/virtual/twin.h"

enum { ANALOG, DIGITAL, BATTERY, MANUFACTURER, FIRMWARE };

static const struct gatt_characteristic characteristics[] = {
        [ANALOG] = {SIG_UUID("1815"), SIG_UUID("2a58"), GATT_READ | GATT_NOTIFY},
        [DIGITAL] = {SIG_UUID("1815"), SIG_UUID("2a56"), GATT_READ | GATT_WRITE},
        [BATTERY] = {SIG_UUID("180f"), SIG_UUID("2a19"), GATT_READ | GATT_NOTIFY},
        [MANUFACTURER] = {SIG_UUID("180a"), SIG_UUID("2a29"), GATT_READ},
        [FIRMWARE] = {SIG_UUID("180a"), SIG_UUID("2a26"), GATT_READ},
        {},
};

/* Without a unit. */
static const struct twin_variant variants[] = {
        {"m40",
         "ANR Corp M40",
         0,
         {.channels = 1,
          .rate_mhz = 10000,
          .packet_frames = 1,
          .scale_uv = 0.5,
          .lowest = 0,
          .middle = 0,
          .highest = 1023,
          .envelopes = 1,
          .envelope_s = 0.5}},
        {},
};

static const char *const advertised[] = {SIG_UUID("1815"), NULL};
/* The company, and something behind it, without which bluetoothd does not take it. */
static const uint8_t advert_data[] = {0xda, 0x05, 0x00, 0x00};

static void pack(struct twin *twin, const int32_t *frame) {
        uint8_t packet[2];

        put_le16(packet, (uint16_t)frame[0]);
        twin->last[0] = frame[0];
        twin_emit(twin, ANALOG, packet, sizeof(packet), 1);
}

static void subscribed(struct twin *twin, unsigned characteristic, bool on) {
        if (characteristic == ANALOG)
                twin_run(twin, on);
}

/* The number of the device, which also chooses its colour. */
static int number_write(struct twin *twin, unsigned characteristic, const uint8_t *value, size_t size) {
        if (size != 1)
                return 0x0d; /* invalid attribute value length */
        twin->mode = value[0];
        return 0;
}

static size_t value_read(const struct twin *twin, unsigned characteristic,
                         uint8_t value[static GATT_VALUE_MAX]) {
        switch (characteristic) {
        case ANALOG:
                put_le16(value, (uint16_t)twin->last[0]);
                return 2;
        case DIGITAL:
                value[0] = (uint8_t)twin->mode;
                return 1;
        case BATTERY:
                value[0] = twin->battery_percent;
                return 1;
        default:
                return twin_text(value, characteristic == FIRMWARE ? "1.5" : "ANR Corp");
        }
}

const struct twin_family twin_anr_m40 = {
        .name = "anr-m40",
        .characteristics = characteristics,
        .advertised = advertised,
        .advert_data = advert_data,
        .advert_size = sizeof(advert_data),
        .variants = variants,
        .pack = pack,
        .subscribed = subscribed,
        .write = number_write,
        .read = value_read,
};
