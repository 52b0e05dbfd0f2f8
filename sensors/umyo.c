/* SPDX-License-Identifier: MIT */
/*
 * Driver of Ultimate Robotics' uMyo in its Bluetooth mode: one channel of raw EMG, with a counter of
 * samples.
 *
 * Facts from ultimaterobotics/uMyo uMyo_fw_v3_1/main.c, adc_read.c, CLAUDE.md @d3a14b3 and uf1-tools
 * SPEC_UF1_v2.md @8779f02; front end (AD8293G80, gain 80) from uMyo_v3_1_pcb @5f48f3c. Its sources give
 * 1116, 1150 and 1238 Hz as the rate, so it is measured. The stream starts with the subscription.
 */
#include <errno.h>
#include <stdlib.h>

#include "sensors/bytes.h"
#include "sensors/drivers.h"
#include "sensors/umyo-advert.h"

#define SERVICE_UUID "93375900-f229-8b49-b397-44b5899b8601"
#define TELEMETRY_UUID "fc7a850d-c1a5-f61f-0da7-9995621fbd01"
#define NAME_UUID "fc7a850d-c1a5-f61f-0da7-9995621fbd02"

#define RATE_MHZ 1150000u
/* 3.6 V over 14 bits, before that a gain of 80. */
#define SCALE_UV (3.6e6 / 16384 / 80)
#define COUNT_MIDDLE 8192
#define HEADER_SIZE 4u
#define SAMPLES_MAX 24u
#define MOTION_SIZE 26u
/* A counter further ahead than an hour is malformed. */
#define JUMP_MAX (3600u * 1250u)
/* Accelerations come in counts of a range of +-8 g over 16 bits (LSM6DS3 as set up by the firmware). */
#define ACCELERATION_RANGE_MG 8000

enum packet_kind { PACKET_NONE, PACKET_SAMPLES, PACKET_MOTION };

/* All lengths that the firmware sends; those of the announced format begin with a byte that tells it. */
static const struct packet_shape {
        uint16_t size;
        uint8_t lead; /* 0 = none */
        uint8_t samples;
        enum packet_kind kind;
} shapes[] = {
        {20, 0, 8, PACKET_SAMPLES},     {36, 0, 16, PACKET_SAMPLES},  {52, 0, 24, PACKET_SAMPLES},
        {60, 0, 24, PACKET_SAMPLES},    {26, 0, 0, PACKET_MOTION},    {53, 0x02, 24, PACKET_SAMPLES},
        {61, 0x01, 24, PACKET_SAMPLES}, {27, 0x03, 0, PACKET_MOTION},
};

struct sensor_decoder {
        double scale_uv;
        uint32_t rate_mhz;
        bool started;
        bool tagged; /* packets begin with a byte that tells their kind */
        uint32_t next_counter;
        uint64_t next_index;
        int32_t counts[SAMPLES_MAX];
        struct sensor_extras extras;
};

static enum sensor_match umyo_match(const struct sensor_advert *advert) {
        if (sensor_advert_has_service(advert, SERVICE_UUID))
                return SENSOR_MATCH_YES;
        if (!sensor_advert_has_prefix(advert, UMYO_NAME_PREFIX))
                return SENSOR_MATCH_NO;
        return advert->size + 2 == UMYO_ADVERT_SIZE ? SENSOR_MATCH_YES : SENSOR_MATCH_MAYBE;
}

static int umyo_decoder_new(struct sensor_decoder **ret) {
        struct sensor_decoder *decoder = calloc(1, sizeof(*decoder));

        if (!decoder)
                return -ENOMEM;
        sensor_extras_init(&decoder->extras);
        *ret = decoder;
        return 0;
}

static struct sensor_decoder *umyo_decoder_free(struct sensor_decoder *decoder) {
        free(decoder);
        return NULL;
}

static int umyo_begin(struct sensor_decoder *decoder, const struct sensor_settings *settings) {
        if (settings->channels > 1)
                return -ERANGE;
        decoder->scale_uv = settings->scale_uv > 0 ? settings->scale_uv : SCALE_UV;
        decoder->rate_mhz = settings->rate_mhz;
        decoder->started = false;
        decoder->next_index = 0;
        return 0;
}

static int umyo_format(const struct sensor_decoder *decoder, struct stream_format *ret) {
        *ret = (struct stream_format){
                .kind = STREAM_RAW,
                .rate = decoder->rate_mhz > 0 ? STREAM_RATE_KNOWN : STREAM_RATE_GUESSED,
                .rate_mhz = decoder->rate_mhz > 0 ? decoder->rate_mhz : RATE_MHZ,
                .channels = 1,
                .scale_uv = decoder->scale_uv,
        };
        return 0;
}

static const struct packet_shape *shape_find(const uint8_t *packet, size_t size) {
        for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
                if (shapes[i].size == size && (shapes[i].lead == 0 || shapes[i].lead == packet[0]))
                        return &shapes[i];
        return NULL;
}

static int samples_decode(struct sensor_decoder *decoder, const uint8_t *packet, size_t samples,
                          struct emg_block *ret) {
        uint32_t counter = u32_le(packet), missing;

        if (!decoder->started)
                decoder->next_counter = counter;
        missing = counter - decoder->next_counter;
        if (missing > JUMP_MAX) {
                /* Behind: an old packet once more, or the sensor began anew, which it does near 0. What
                 * it did in between nobody knows; the clock will tell by the arrival. */
                if (-missing <= JUMP_MAX && counter >= SAMPLES_MAX)
                        return 0;
                if (counter >= SAMPLES_MAX)
                        return -EBADMSG;
                missing = 0;
        }
        for (size_t i = 0; i < samples; i++)
                decoder->counts[i] = i16_le(packet + HEADER_SIZE + 2 * i) - COUNT_MIDDLE;

        *ret = (struct emg_block){
                .index = decoder->next_index + missing,
                .frames = (uint32_t)samples,
                .channels = 1,
                .counts = decoder->counts,
                .lost_packets = (missing + samples - 1) / samples,
        };
        decoder->started = true;
        decoder->next_counter = counter + (uint32_t)samples;
        decoder->next_index = ret->index + samples;
        return 1;
}

static int32_t acceleration_mg(const uint8_t *bytes) {
        return i16_le(bytes) * ACCELERATION_RANGE_MG / 32768;
}

static int advert_decode(struct sensor_decoder *decoder, const uint8_t *packet, size_t size) {
        struct umyo_advert advert;
        int r = umyo_advert_decode(packet, size, &advert);

        if (r < 0)
                return r;
        sensor_extras_set_battery_mv(&decoder->extras, advert.battery_mv,
                                     umyo_battery_percent(advert.battery_mv));
        return 0;
}

static int umyo_decode(struct sensor_decoder *decoder, unsigned source, const uint8_t *packet,
                       size_t size, struct emg_block *ret) {
        const struct packet_shape *shape;

        if (source == SENSOR_SOURCE_ADVERT)
                return advert_decode(decoder, packet, size);
        shape = source == 0 && size > 0 ? shape_find(packet, size) : NULL;
        if (!shape)
                return -EBADMSG;
        /* A sensor keeps to one form: of the other, it is a packet that was cut short. */
        if (shape->kind == PACKET_SAMPLES && decoder->started && decoder->tagged != (shape->lead > 0))
                return -EBADMSG;
        packet += shape->lead > 0;
        if (shape->kind == PACKET_SAMPLES && !decoder->started)
                decoder->tagged = shape->lead > 0;
        if (shape->kind == PACKET_SAMPLES)
                return samples_decode(decoder, packet, shape->samples, ret);
        sensor_extras_set_acceleration(&decoder->extras, acceleration_mg(packet),
                                       acceleration_mg(packet + 2), acceleration_mg(packet + 4));
        return 0;
}

static const struct sensor_extras *umyo_extras(const struct sensor_decoder *decoder) {
        return &decoder->extras;
}

static const char *const notifying[] = {TELEMETRY_UUID, NULL};

/* The name is read first because that makes the link agree on an MTU before the stream begins. */
static const struct sensor_step start[] = {
        {SENSOR_STEP_READ, .uuid = NAME_UUID, .optional = true},
        {SENSOR_STEP_SUBSCRIBE, .source = 0},
        {SENSOR_STEP_END},
};

const struct sensor_driver umyo_driver = {
        .name = "umyo",
        .title = "uMyo",
        .notes = "Press the button until it blinks blue (Bluetooth mode). Needs firmware of March 2026 "
                 "or "
                 "later.",
        .service = SERVICE_UUID,
        .notifying = notifying,
        .start = start,
        .battery = SENSOR_BATTERY_EXTRAS,
        .mtu_min = 55,
        .packets_per_s = 73,
        .packet_size = 52,
        .match = umyo_match,
        .decoder_new = umyo_decoder_new,
        .decoder_free = umyo_decoder_free,
        .begin = umyo_begin,
        .format = umyo_format,
        .decode = umyo_decode,
        .extras = umyo_extras,
        .accelerometer = true,
};
