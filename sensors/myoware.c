/* SPDX-License-Identifier: MIT */
/*
 * Driver of the MyoWare 2.0 Wireless Shield with the maker's Bluetooth sketch (MyoWareBLEPeripheral):
 * one decimal number as text in each notification, an envelope unless the sketch was changed.
 *
 * Facts from AdvancerTechnologies/MyoWare-Arduino-Library src/MyoWare.h and examples @2c2bcb9. The
 * output is converted to millivolts or not, and its gain depends on a resistor, neither of which the
 * stream tells: the unit is arbitrary unless the owner sets a scale. Counts are thousandths of what is
 * sent.
 */
#include <errno.h>
#include <stdlib.h>

#include "sensors/decimal-text.h"
#include "sensors/drivers.h"

#define SERVICE_UUID "ec3af789-2154-49f4-a9fc-bc6c88e9e930"
#define VALUE_UUID "f3a56edf-8f1e-4533-93bf-5601b2e91308"
#define RATE_MHZ 50000u
#define TEXT_MAX 128u

struct sensor_decoder {
        double scale_uv;
        uint64_t next_index;
        int32_t count;
};

static enum sensor_match myoware_match(const struct sensor_advert *advert) {
        return sensor_advert_has_service(advert, SERVICE_UUID) ? SENSOR_MATCH_YES : SENSOR_MATCH_NO;
}

static int myoware_decoder_new(struct sensor_decoder **ret) {
        struct sensor_decoder *decoder = calloc(1, sizeof(*decoder));

        if (!decoder)
                return -ENOMEM;
        *ret = decoder;
        return 0;
}

static struct sensor_decoder *myoware_decoder_free(struct sensor_decoder *decoder) {
        free(decoder);
        return NULL;
}

static int myoware_begin(struct sensor_decoder *decoder, const struct sensor_settings *settings) {
        if (settings->channels > 1)
                return -ERANGE;
        decoder->scale_uv = settings->scale_uv;
        decoder->next_index = 0;
        return 0;
}

static int myoware_format(const struct sensor_decoder *decoder, struct stream_format *ret) {
        *ret = (struct stream_format){
                .kind = STREAM_ENVELOPE,
                .rate = STREAM_RATE_NONE,
                .rate_mhz = RATE_MHZ,
                .channels = 1,
                .scale_uv = decoder->scale_uv / DECIMAL_TEXT_SCALE,
                .slip_frames = 1,
        };
        return 0;
}

static int myoware_decode(struct sensor_decoder *decoder, unsigned source, const uint8_t *packet,
                          size_t size, struct emg_block *ret) {
        int32_t value;

        if (source != 0 || size > TEXT_MAX || decimal_text_read((const char *)packet, size, &value) < 0)
                return -EBADMSG;
        decoder->count = value;
        *ret = (struct emg_block){
                .index = decoder->next_index++,
                .frames = 1,
                .channels = 1,
                .counts = &decoder->count,
        };
        return 1;
}

static const char *const notifying[] = {VALUE_UUID, NULL};

static const struct sensor_step start[] = {
        {SENSOR_STEP_SUBSCRIBE, .source = 0},
        {SENSOR_STEP_END},
};

const struct sensor_driver myoware_driver = {
        .name = "myoware",
        .title = "MyoWare 2.0 Wireless Shield",
        .notes = "Leave the sketch's output at ENVELOPE. After a lost link it may need a reset.",
        .service = SERVICE_UUID,
        .advertised = SERVICE_UUID,
        .notifying = notifying,
        .start = start,
        .battery = SENSOR_BATTERY_NONE,
        .packets_per_s = 50,
        .packet_size = 8,
        .match = myoware_match,
        .decoder_new = myoware_decoder_new,
        .decoder_free = myoware_decoder_free,
        .begin = myoware_begin,
        .format = myoware_format,
        .decode = myoware_decode,
};
