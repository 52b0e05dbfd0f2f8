/* SPDX-License-Identifier: MIT */
/*
 * Driver of Upside Down Labs' NPG Lite (3 channels, 6 channels, arm band; Arduino and IDF firmware).
 *
 * Facts from upsidedownlabs/Chords-Python chordspy/chords_ble.py @5f36655, NPG-Lite-IDF-Firmware
 * main/main.c, src/gatt.c @e4cb745 and the BLE sketch of Chords-Arduino-Firmware (pull request 4):
 * a notification is a whole number of samples, each a counter of 8 bits and 3 or 6 channels of 12 bits.
 * The amplifier's gain is not published, so the unit is arbitrary unless the owner sets a scale. The
 * rate is 500 Hz or, with the IDF firmware, 250 Hz, which the sensor does not tell.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sensors/bytes.h"
#include "sensors/drivers.h"

#define SERVICE_UUID "4fafc201-1fb5-459e-8fcc-c5c9c331914b"
#define DATA_UUID "beb5483e-36e1-4688-b7f5-ea07361b26a8"
#define CONTROL_UUID "0000ff01-0000-1000-8000-00805f9b34fb"
#define BATTERY_UUID "f633d0ec-46b4-43c1-a39f-1ca06d0602e1"
#define IMU_UUID "5a153fa9-7be0-400c-8ef8-d84502b31c4d"

enum source { SOURCE_DATA, SOURCE_BATTERY, SOURCE_IMU };

#define CHANNELS_FEW 3u
#define CHANNELS_MANY 6u
#define COUNTER_STEPS 256u
/* 12 bits, but firmware for revision 1 of the chip multiplies them by up to 4095/3249. */
#define COUNT_MAX 8191u
#define COUNT_MIDDLE 2048
#define IMU_SIZE 7u
/* The largest notification (MTU 500) of the smallest sample. */
#define SAMPLES_MAX 72u
#define PERCENT_MAX 100u

struct sensor_decoder {
        uint32_t channels;
        double scale_uv;
        uint32_t rate_mhz;

        bool started;
        uint64_t next_index; /* its low 8 bits, less `first_counter`, are the counter */
        uint8_t next_counter;

        /* A packet may have holes, as samples are dropped on the sensor: the rest of one is kept for
         * more(). */
        uint8_t samples[SAMPLES_MAX * (1 + 2 * CHANNELS_MANY)];
        size_t left;
        size_t at;

        int32_t counts[SAMPLES_MAX * CHANNELS_MANY];
        struct sensor_extras extras;
};

static enum sensor_match npg_match(const struct sensor_advert *advert) {
        /* The service is that of a widely copied example, and proves nothing. */
        return sensor_advert_has_prefix(advert, "NPG") ? SENSOR_MATCH_YES : SENSOR_MATCH_NO;
}

static int npg_decoder_new(struct sensor_decoder **ret) {
        struct sensor_decoder *decoder = calloc(1, sizeof(*decoder));

        if (!decoder)
                return -ENOMEM;
        sensor_extras_init(&decoder->extras);
        *ret = decoder;
        return 0;
}

static struct sensor_decoder *npg_decoder_free(struct sensor_decoder *decoder) {
        free(decoder);
        return NULL;
}

static int npg_begin(struct sensor_decoder *decoder, const struct sensor_settings *settings) {
        uint32_t channels = settings->channels;

        if (channels == 0)
                channels = strcasestr(settings->name, "6CH") ? CHANNELS_MANY : CHANNELS_FEW;
        if (channels != CHANNELS_FEW && channels != CHANNELS_MANY)
                return -ERANGE;
        decoder->channels = channels;
        decoder->scale_uv = settings->scale_uv;
        decoder->rate_mhz = settings->rate_mhz;
        decoder->started = false;
        decoder->next_index = 0;
        decoder->left = 0;
        return 0;
}

static int npg_format(const struct sensor_decoder *decoder, struct stream_format *ret) {
        *ret = (struct stream_format){
                .kind = STREAM_RAW,
                .rate = decoder->rate_mhz > 0 ? STREAM_RATE_KNOWN : STREAM_RATE_GUESSED,
                .rate_mhz = decoder->rate_mhz > 0 ? decoder->rate_mhz : 500000,
                .rates_mhz = {500000, 250000},
                .channels = decoder->channels,
                .scale_uv = decoder->scale_uv,
                .slip_frames = COUNTER_STEPS,
        };
        return 0;
}

static size_t sample_size(const struct sensor_decoder *decoder) {
        return 1 + 2 * (size_t)decoder->channels;
}

static bool samples_valid(const struct sensor_decoder *decoder, const uint8_t *packet, size_t size) {
        size_t each = sample_size(decoder);

        if (size == 0 || size % each != 0 || size / each > SAMPLES_MAX)
                return false;
        for (size_t at = 0; at < size; at += each)
                for (uint32_t c = 0; c < decoder->channels; c++)
                        if (u16_be(packet + at + 1 + 2 * (size_t)c) > COUNT_MAX)
                                return false;
        return true;
}

/* The samples that follow each other without a hole. Returns 1 with their block, or 0. */
static int npg_more(struct sensor_decoder *decoder, struct emg_block *ret) {
        size_t each = sample_size(decoder);
        uint32_t frames = 0;
        uint8_t missing;

        if (decoder->left == 0)
                return 0;
        missing = (uint8_t)(decoder->samples[decoder->at] - decoder->next_counter);
        decoder->next_counter = decoder->samples[decoder->at];
        while (decoder->left > 0 && decoder->samples[decoder->at] == decoder->next_counter) {
                const uint8_t *values = decoder->samples + decoder->at + 1;

                for (uint32_t c = 0; c < decoder->channels; c++)
                        decoder->counts[frames * decoder->channels + c] =
                                (int32_t)u16_be(values + 2 * (size_t)c) - COUNT_MIDDLE;
                decoder->next_counter++;
                decoder->at += each;
                decoder->left -= each;
                frames++;
        }
        *ret = (struct emg_block){
                .index = decoder->next_index + missing,
                .frames = frames,
                .channels = decoder->channels,
                .counts = decoder->counts,
                .lost_packets = missing > 0,
        };
        decoder->next_index = ret->index + frames;
        return 1;
}

/* The same samples once more: their counters end where the last ones ended. */
static bool is_repeated(const struct sensor_decoder *decoder, const uint8_t *packet, size_t size) {
        return packet[size - sample_size(decoder)] == (uint8_t)(decoder->next_counter - 1);
}

static int data_decode(struct sensor_decoder *decoder, const uint8_t *packet, size_t size,
                       struct emg_block *ret) {
        if (!samples_valid(decoder, packet, size))
                return -EBADMSG;
        if (decoder->started && is_repeated(decoder, packet, size))
                return 0;
        if (!decoder->started)
                decoder->next_counter = packet[0];
        decoder->started = true;
        memcpy(decoder->samples, packet, size);
        decoder->left = size;
        decoder->at = 0;
        return npg_more(decoder, ret);
}

static int battery_decode(struct sensor_decoder *decoder, const uint8_t *packet, size_t size) {
        if (size != 1 || packet[0] > PERCENT_MAX)
                return -EBADMSG;
        sensor_extras_set_battery(&decoder->extras, packet[0]);
        return 0;
}

/* Its unit is not published; whether it moves is what counts, so the counts stand for mg. */
static int imu_decode(struct sensor_decoder *decoder, const uint8_t *packet, size_t size) {
        if (size != IMU_SIZE)
                return -EBADMSG;
        sensor_extras_set_acceleration(&decoder->extras, i16_be(packet + 1), i16_be(packet + 3),
                                       i16_be(packet + 5));
        return 0;
}

static int npg_decode(struct sensor_decoder *decoder, unsigned source, const uint8_t *packet,
                      size_t size, struct emg_block *ret) {
        switch (source) {
        case SOURCE_DATA:
                return data_decode(decoder, packet, size, ret);
        case SOURCE_BATTERY:
                return battery_decode(decoder, packet, size);
        case SOURCE_IMU:
                return imu_decode(decoder, packet, size);
        default:
                return -EBADMSG;
        }
}

static const struct sensor_extras *npg_extras(const struct sensor_decoder *decoder) {
        return &decoder->extras;
}

static const char *const notifying[] = {
        [SOURCE_DATA] = DATA_UUID, [SOURCE_BATTERY] = BATTERY_UUID, [SOURCE_IMU] = IMU_UUID, NULL};

static const char *const proof[] = {DATA_UUID, CONTROL_UUID, NULL};

static const uint8_t start_text[] = {'S', 'T', 'A', 'R', 'T'};
static const uint8_t stop_text[] = {'S', 'T', 'O', 'P'};

static const struct sensor_step start[] = {
        {SENSOR_STEP_SUBSCRIBE, .source = SOURCE_DATA},
        {SENSOR_STEP_SUBSCRIBE, .source = SOURCE_BATTERY, .optional = true},
        {SENSOR_STEP_SUBSCRIBE, .source = SOURCE_IMU, .optional = true},
        {SENSOR_STEP_WRITE, .uuid = CONTROL_UUID, .value = start_text, .size = sizeof(start_text)},
        {SENSOR_STEP_END},
};

static const struct sensor_step stop[] = {
        {SENSOR_STEP_WRITE, .uuid = CONTROL_UUID, .value = stop_text, .size = sizeof(stop_text)},
        {SENSOR_STEP_END},
};

const struct sensor_driver npg_lite_driver = {
        .name = "npg-lite",
        .title = "Upside Down Labs NPG Lite",
        .notes = "Do not pair it in the system's Bluetooth settings. Builds with a motor vibrate on "
                 "connecting. Below 5 % battery it switches itself off.",
        .service = SERVICE_UUID,
        .notifying = notifying,
        .proof = proof,
        .start = start,
        .stop = stop,
        .battery = SENSOR_BATTERY_EXTRAS,
        .buzzes = true,
        .mtu_min = 73,
        .packets_per_s = 50,
        .packet_size = 70,
        .match = npg_match,
        .decoder_new = npg_decoder_new,
        .decoder_free = npg_decoder_free,
        .begin = npg_begin,
        .format = npg_format,
        .decode = npg_decode,
        .more = npg_more,
        .extras = npg_extras,
        .accelerometer = true,
};
