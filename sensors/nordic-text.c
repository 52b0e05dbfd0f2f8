/* SPDX-License-Identifier: MIT */
/*
 * Driver of sensors that print numbers over the Nordic UART Service: lines of one to four decimals, the
 * first of which is the envelope, as MyoWare's MyoWareBLEUART sketch sends "envelope,raw". Lines may be
 * cut anywhere between notifications.
 *
 * Facts from AdvancerTechnologies/MyoWare-Arduino-Library examples @2c2bcb9; UUIDs of the service from
 * Nordic Semiconductor's documentation of it. Anybody may use this service: only a name tells that it is
 * a muscle sensor, so others have to be added with --driver=nordic-text. Unit as in myoware.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sensors/decimal-text.h"
#include "sensors/drivers.h"

#define SERVICE_UUID "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
#define TX_UUID "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
#define RATE_MHZ 50000u
#define LINE_MAX_BYTES 128u
#define FIELDS_MAX 4u
#define PACKET_MAX 512u
#define LINES_MAX (PACKET_MAX / 2)

struct sensor_decoder {
        double scale_uv;
        char line[LINE_MAX_BYTES];
        size_t size;
        bool broken; /* this line is of no use: up to its end nothing counts */
        bool first;  /* it may have begun before the subscription: likewise, and nobody's fault */
        uint64_t next_index;
        int32_t counts[LINES_MAX];
};

static enum sensor_match text_match(const struct sensor_advert *advert) {
        bool named = sensor_advert_has_prefix(advert, "MyoW1");

        if (named)
                return sensor_advert_has_service(advert, SERVICE_UUID) ? SENSOR_MATCH_YES
                                                                       : SENSOR_MATCH_MAYBE;
        return SENSOR_MATCH_NO;
}

static int text_decoder_new(struct sensor_decoder **ret) {
        struct sensor_decoder *decoder = calloc(1, sizeof(*decoder));

        if (!decoder)
                return -ENOMEM;
        *ret = decoder;
        return 0;
}

static struct sensor_decoder *text_decoder_free(struct sensor_decoder *decoder) {
        free(decoder);
        return NULL;
}

static int text_begin(struct sensor_decoder *decoder, const struct sensor_settings *settings) {
        if (settings->channels > 1)
                return -ERANGE;
        decoder->scale_uv = settings->scale_uv;
        decoder->size = 0;
        decoder->broken = false;
        decoder->first = true;
        decoder->next_index = 0;
        return 0;
}

static int text_format(const struct sensor_decoder *decoder, struct stream_format *ret) {
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

/* All fields have to be numbers; the first one counts. */
static int line_read(const char *line, size_t size, int32_t *ret) {
        size_t begin = 0;

        for (unsigned field = 0;; field++) {
                const char *comma = memchr(line + begin, ',', size - begin);
                size_t end = comma ? (size_t)(comma - line) : size;
                int32_t value;

                if (field == FIELDS_MAX || decimal_text_read(line + begin, end - begin, &value) < 0)
                        return -EBADMSG;
                if (field == 0)
                        *ret = value;
                if (!comma)
                        return 0;
                begin = end + 1;
        }
}

/* Returns 1 if the line held a value. */
static int line_finish(struct sensor_decoder *decoder, int32_t *ret) {
        bool usable = !decoder->broken && !decoder->first && decoder->size > 0 &&
                      line_read(decoder->line, decoder->size, ret) >= 0;

        decoder->size = 0;
        decoder->broken = decoder->first = false;
        return usable;
}

static int text_decode(struct sensor_decoder *decoder, unsigned source, const uint8_t *packet,
                       size_t size, struct emg_block *ret) {
        uint32_t lines = 0, values = 0;

        if (source != 0 || size == 0 || size > PACKET_MAX)
                return -EBADMSG;
        for (size_t i = 0; i < size; i++) {
                if (packet[i] == '\n') {
                        lines += !decoder->first;
                        if (values < LINES_MAX)
                                values += (uint32_t)line_finish(decoder, &decoder->counts[values]);
                } else if (decoder->size == LINE_MAX_BYTES) {
                        decoder->broken = true;
                } else {
                        decoder->line[decoder->size++] = (char)packet[i];
                }
        }
        if (values == 0)
                return lines > 0 || decoder->broken ? -EBADMSG : 0;
        *ret = (struct emg_block){
                .index = decoder->next_index,
                .frames = values,
                .channels = 1,
                .counts = decoder->counts,
        };
        decoder->next_index += values;
        return 1;
}

static const char *const notifying[] = {TX_UUID, NULL};

static const struct sensor_step start[] = {
        {SENSOR_STEP_SUBSCRIBE, .source = 0},
        {SENSOR_STEP_END},
};

const struct sensor_driver nordic_text_driver = {
        .name = "nordic-text",
        .title = "Text over the Nordic UART Service",
        .notes = "It has to print lines whose first number is the envelope.",
        .service = SERVICE_UUID,
        .notifying = notifying,
        .start = start,
        .battery = SENSOR_BATTERY_NONE,
        .pairing = SENSOR_PAIRING_ASKED, /* its owner's own firmware may */
        .packets_per_s = 50,
        .packet_size = 12,
        .match = text_match,
        .decoder_new = text_decoder_new,
        .decoder_free = text_decoder_free,
        .begin = text_begin,
        .format = text_format,
        .decode = text_decode,
};
