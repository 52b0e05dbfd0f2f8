/* SPDX-License-Identifier: MIT */
/*
 * Driver of a uMyo that is not connected to: the muscle level in its adverts is an envelope, without
 * counter or fixed rate. For older firmware, and for those who want the battery to last. See
 * umyo-advert.h for format and sources.
 */
#include "sensors/umyo-advert.h"

#include <errno.h>
#include <stdlib.h>

#include "sensors/drivers.h"

#define BATTERY_BASE_MV 2000
#define BATTERY_STEP_MV 10
#define BATTERY_EMPTY_MV 3200
#define BATTERY_FULL_MV 4150
/* How often BlueZ passes adverts on differs; about so often. */
#define RATE_MHZ 20000u
/* The level is root-compressed: its square goes with the magnitude. */
#define LEVEL_SCALE 10

struct sensor_decoder {
        double scale_uv;
        uint64_t next_index;
        bool started;
        uint8_t last_id;
        int32_t count;
        struct sensor_extras extras;
};

int umyo_advert_decode(const uint8_t *packet, size_t size, struct umyo_advert *ret) {
        if (size != UMYO_ADVERT_SIZE)
                return -EBADMSG;
        *ret = (struct umyo_advert){
                .id = packet[0],
                .battery_mv = packet[1] > 0 ? BATTERY_BASE_MV + BATTERY_STEP_MV * packet[1] : -1,
                .level = packet[3],
        };
        return 0;
}

int umyo_battery_percent(int mv) {
        if (mv < 0)
                return -1;
        if (mv <= BATTERY_EMPTY_MV)
                return 0;
        if (mv >= BATTERY_FULL_MV)
                return 100;
        return (mv - BATTERY_EMPTY_MV) * 100 / (BATTERY_FULL_MV - BATTERY_EMPTY_MV);
}

/* The other driver is to be preferred: it can tell what is lost. */
static enum sensor_match umyo_advert_match(const struct sensor_advert *advert) {
        return sensor_advert_has_prefix(advert, UMYO_NAME_PREFIX) && advert->size + 2 == UMYO_ADVERT_SIZE
                       ? SENSOR_MATCH_MAYBE
                       : SENSOR_MATCH_NO;
}

static int umyo_advert_decoder_new(struct sensor_decoder **ret) {
        struct sensor_decoder *decoder = calloc(1, sizeof(*decoder));

        if (!decoder)
                return -ENOMEM;
        sensor_extras_init(&decoder->extras);
        *ret = decoder;
        return 0;
}

static struct sensor_decoder *umyo_advert_decoder_free(struct sensor_decoder *decoder) {
        free(decoder);
        return NULL;
}

static int umyo_advert_begin(struct sensor_decoder *decoder, const struct sensor_settings *settings) {
        if (settings->channels > 1)
                return -ERANGE;
        decoder->scale_uv = settings->scale_uv;
        decoder->next_index = 0;
        decoder->started = false;
        return 0;
}

static int umyo_advert_format(const struct sensor_decoder *decoder, struct stream_format *ret) {
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

static int umyo_advert_packet(struct sensor_decoder *decoder, unsigned source, const uint8_t *packet,
                              size_t size, struct emg_block *ret) {
        struct umyo_advert advert;
        int r;

        if (source != SENSOR_SOURCE_ADVERT)
                return -EBADMSG;
        r = umyo_advert_decode(packet, size, &advert);
        if (r < 0)
                return r;
        sensor_extras_set_battery_mv(&decoder->extras, advert.battery_mv,
                                     umyo_battery_percent(advert.battery_mv));
        if (decoder->started && advert.id == decoder->last_id)
                return 0; /* the same once more: an advert is sent many times */
        decoder->started = true;
        decoder->last_id = advert.id;
        decoder->count = advert.level * advert.level / LEVEL_SCALE;
        *ret = (struct emg_block){
                .index = decoder->next_index++,
                .frames = 1,
                .channels = 1,
                .counts = &decoder->count,
        };
        return 1;
}

static const struct sensor_extras *umyo_advert_extras(const struct sensor_decoder *decoder) {
        return &decoder->extras;
}

const struct sensor_driver umyo_advert_driver = {
        .name = "umyo-advert",
        .title = "uMyo, by its adverts alone",
        .notes =
                "Press the button until it blinks blue (Bluetooth mode). Only the level comes this way: "
                "prefer the driver umyo where the sensor lets itself be connected to.",
        .battery = SENSOR_BATTERY_EXTRAS,
        .from_adverts = true,
        .packets_per_s = 20,
        .packet_size = 31,
        .match = umyo_advert_match,
        .decoder_new = umyo_advert_decoder_new,
        .decoder_free = umyo_advert_decoder_free,
        .begin = umyo_advert_begin,
        .format = umyo_advert_format,
        .decode = umyo_advert_packet,
        .extras = umyo_advert_extras,
};
