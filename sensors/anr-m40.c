/* SPDX-License-Identifier: MIT */
/*
 * Driver of ANR Corp's M40 Muscle Sense: an envelope ten times a second, over nothing but services of
 * the Bluetooth SIG (Automation IO, Battery).
 *
 * Facts from clients that follow the maker's design guide: Jonapulse/TetraskiController
 * src/TetraEMGControl.ino @044e833 and the Oralable app's ANRMuscleSenseDevice.swift; they agree. The
 * value falls for one to two seconds after the muscle has relaxed. Unit and counter there are none.
 */
#include <errno.h>
#include <stdlib.h>

#include "sensors/bytes.h"
#include "sensors/drivers.h"

#define AUTOMATION_IO_UUID "00001815-0000-1000-8000-00805f9b34fb"
#define ANALOG_UUID "00002a58-0000-1000-8000-00805f9b34fb"
#define COMPANY 0x05da
#define RATE_MHZ 10000u
#define COUNT_MAX 1023u

struct sensor_decoder {
        double scale_uv;
        uint64_t next_index;
        int32_t count;
};

static enum sensor_match m40_match(const struct sensor_advert *advert) {
        if (sensor_advert_has_prefix(advert, "ANR Corp M40") || advert->company == COMPANY)
                return SENSOR_MATCH_YES;
        return SENSOR_MATCH_NO;
}

static int m40_decoder_new(struct sensor_decoder **ret) {
        struct sensor_decoder *decoder = calloc(1, sizeof(*decoder));

        if (!decoder)
                return -ENOMEM;
        *ret = decoder;
        return 0;
}

static struct sensor_decoder *m40_decoder_free(struct sensor_decoder *decoder) {
        free(decoder);
        return NULL;
}

static int m40_begin(struct sensor_decoder *decoder, const struct sensor_settings *settings) {
        if (settings->channels > 1)
                return -ERANGE;
        decoder->scale_uv = settings->scale_uv;
        decoder->next_index = 0;
        return 0;
}

static int m40_format(const struct sensor_decoder *decoder, struct stream_format *ret) {
        *ret = (struct stream_format){
                .kind = STREAM_ENVELOPE,
                .rate = STREAM_RATE_NONE,
                .rate_mhz = RATE_MHZ,
                .channels = 1,
                .scale_uv = decoder->scale_uv,
                .slip_frames = 1,
        };
        return 0;
}

static int m40_decode(struct sensor_decoder *decoder, unsigned source, const uint8_t *packet,
                      size_t size, struct emg_block *ret) {
        if (source != 0 || size != 2 || u16_le(packet) > COUNT_MAX)
                return -EBADMSG;
        decoder->count = u16_le(packet);
        *ret = (struct emg_block){
                .index = decoder->next_index++,
                .frames = 1,
                .channels = 1,
                .counts = &decoder->count,
        };
        return 1;
}

static const char *const notifying[] = {ANALOG_UUID, NULL};

static const struct sensor_step start[] = {
        {SENSOR_STEP_SUBSCRIBE, .source = 0},
        {SENSOR_STEP_END},
};

const struct sensor_driver anr_m40_driver = {
        .name = "anr-m40",
        .title = "ANR Corp M40 Muscle Sense",
        .service = AUTOMATION_IO_UUID,
        .notifying = notifying,
        .start = start,
        .battery = SENSOR_BATTERY_BLUEZ,
        .packets_per_s = 10,
        .packet_size = 2,
        .match = m40_match,
        .decoder_new = m40_decoder_new,
        .decoder_free = m40_decoder_free,
        .begin = m40_begin,
        .format = m40_format,
        .decode = m40_decode,
};
