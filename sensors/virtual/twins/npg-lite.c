/* SPDX-License-Identifier: MIT */
/*
 * Twin of Upside Down Labs' NPG Lite. Facts: upsidedownlabs/Chords-Python chordspy/chords_ble.py,
 * NPG-Lite-IDF-Firmware main/main.c and src/gatt.c, Chords-Arduino-Firmware's BLE sketch.
 */
#include <string.h>
#include <strings.h>

#include "sensors/virtual/twin.h"

#define SERVICE "4fafc201-1fb5-459e-8fcc-c5c9c331914b"
/* The battery's level is told about that often. */
#define BATTERY_S 10u

enum { DATA, CONTROL, BATTERY };

static const struct gatt_characteristic characteristics[] = {
        [DATA] = {SERVICE, "beb5483e-36e1-4688-b7f5-ea07361b26a8", GATT_NOTIFY},
        [CONTROL] = {SERVICE, "0000ff01-0000-1000-8000-00805f9b34fb",
                     GATT_READ | GATT_WRITE | GATT_NOTIFY},
        [BATTERY] = {SERVICE, "f633d0ec-46b4-43c1-a39f-1ca06d0602e1", GATT_READ | GATT_NOTIFY},
        {},
};

/* The amplifier's gain is not published; 2420 is that of the maker's other muscle boards. */
#define FORM(channels_, rate_hz, frames)                                                        \
        {                                                                                       \
                .channels = (channels_), .rate_mhz = (rate_hz)*1000, .packet_frames = (frames), \
                .scale_uv = 3.3e6 / 4095 / 2420, .lowest = 0, .middle = 2048, .highest = 4095,  \
        }

static const struct twin_variant variants[] = {
        {"3ch", "NPG-Lite-3CH:4A:01", 0, FORM(3, 500, 10)},
        {"6ch", "NPG-Lite-6CH:4A:02", 0, FORM(6, 500, 10)},
        {"band", "NPG-Lite-band-3CH:4A:03", 0, FORM(3, 500, 20)},
        {"idf", "NPG-Lite-3CH:4A:04", 0, FORM(3, 250, 25)},
        {},
};

static const char *const advertised[] = {NULL};

static void begin(struct twin *twin) {
        twin->sequence = 0;
}

static void pack(struct twin *twin, const int32_t *frame) {
        uint8_t packet[TWIN_PACKET_MAX], *end = packet;

        if (twin->index % (BATTERY_S * twin->form.rate_mhz / 1000) == 0)
                twin_emit(twin, BATTERY, &twin->battery_percent, 1, 0);
        if (!twin_hold(twin, frame))
                return;
        for (uint32_t i = 0; i < twin->form.packet_frames * twin->form.channels; i++) {
                if (i % twin->form.channels == 0)
                        *end++ = (uint8_t)twin->sequence++;
                end = put_be16(end, (uint16_t)twin->held[i]);
        }
        twin_emit(twin, DATA, packet, (size_t)(end - packet), twin->form.packet_frames);
}

static int control(struct twin *twin, unsigned characteristic, const uint8_t *value, size_t size) {
        char text[16] = "";

        memcpy(text, value, size < sizeof(text) ? size : sizeof(text) - 1);
        if (strcasecmp(text, "START") == 0)
                twin_run(twin, true);
        else if (strcasecmp(text, "STOP") == 0)
                twin_run(twin, false);
        else if (strcasecmp(text, "WHORU") == 0)
                twin_emit(twin, CONTROL, "NPG-LITE", 8, 0);
        else if (strcasecmp(text, "STATUS") == 0)
                twin_emit(twin, CONTROL, twin->running ? "RUNNING" : "STOPPED", 7, 0);
        return 0;
}

static size_t value_read(const struct twin *twin, unsigned characteristic,
                         uint8_t value[static GATT_VALUE_MAX]) {
        if (characteristic != BATTERY)
                return twin_text(value, twin->running ? "RUNNING" : "STOPPED");
        value[0] = twin->battery_percent;
        return 1;
}

const struct twin_family twin_npg_lite = {
        .name = "npg-lite",
        .characteristics = characteristics,
        .advertised = advertised,
        .variants = variants,
        .begin = begin,
        .pack = pack,
        .write = control,
        .read = value_read,
};
