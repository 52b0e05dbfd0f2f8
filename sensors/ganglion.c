/* SPDX-License-Identifier: MIT */
/*
 * Driver of OpenBCI's Ganglion board: four channels of 24 bits at 200 Hz, compressed two samples to a
 * packet; firmware 2 (differences) and 3 (cut values), 18 and 19 bits.
 *
 * Facts from OpenBCI/OpenBCI_Ganglion_Library OpenBCI_Ganglion_Library.cpp, .h,
 * Definitions_Ganglion.h @b6058e6 (firmware 3.0.2), OpenBCI_Python openbci/ganglion.py @1a8a0a1 and
 * brainflow-dev/brainflow ganglion_native.cpp @9097190.
 *
 * Firmware 3 takes 201 samples a round and sends 200 of them as 100 packets with ids 0-99 or 100-199:
 * after each round one sample is missing. The first packet after a start has an id of its own and is
 * dropped, and the first round ends one id early.
 */
#include <errno.h>
#include <stdlib.h>

#include "sensors/drivers.h"

#define SERVICE_UUID "0000fe84-0000-1000-8000-00805f9b34fb"
#define RECEIVE_UUID "2d30c082-f39f-4ce6-923f-3484ea480596"
#define SEND_UUID "2d30c083-f39f-4ce6-923f-3484ea480596"
#define SOFTWARE_UUID "00002a28-0000-1000-8000-00805f9b34fb"

#define CHANNELS 4u
#define FRAMES 2u /* in a compressed packet */
#define FIELDS (CHANNELS * FRAMES)
#define PACKET_SIZE 20u
#define RATE_MHZ 200000u
/* Counts of 24 bits: 1.2 V over 2^23 - 1, before that gains of 1.5 and 51. */
#define SCALE_UV (1.2e6 / 8388607 / 1.5 / 51)
#define RING 100u                        /* ids of a round */
#define ROUND_FRAMES (RING * FRAMES + 1) /* of either firmware */
#define BITS_SHORT 18u
#define BITS_LONG 19u
#define BITS_FULL 24u
#define RAW_ID 0u /* firmware 2: a whole sample */
/* Impedances, which nobody asked for, and text. */
#define OTHER_FIRST 201u
#define OTHER_LAST 207u
#define ACCELERATION_MG 16 /* a count, at +-2 g */

struct sensor_decoder {
        double scale_uv;
        bool is_old; /* firmware 2 */
        bool started;
        bool first_round;
        unsigned next_id; /* within the ring */
        uint64_t next_index;
        unsigned untold_lost; /* packets, not in a block yet */
        bool has_reference;   /* firmware 2: the differences lead somewhere */
        int32_t reference[CHANNELS];
        int32_t acceleration[3];
        int32_t counts[FIELDS];
        struct sensor_extras extras;
};

static enum sensor_match ganglion_match(const struct sensor_advert *advert) {
        bool named = sensor_advert_has_prefix(advert, "Ganglion");

        if (named)
                return SENSOR_MATCH_YES;
        return sensor_advert_has_service(advert, SERVICE_UUID) ||
                               sensor_advert_has_prefix(advert, "Simblee")
                       ? SENSOR_MATCH_MAYBE
                       : SENSOR_MATCH_NO;
}

static int ganglion_decoder_new(struct sensor_decoder **ret) {
        struct sensor_decoder *decoder = calloc(1, sizeof(*decoder));

        if (!decoder)
                return -ENOMEM;
        sensor_extras_init(&decoder->extras);
        *ret = decoder;
        return 0;
}

static struct sensor_decoder *ganglion_decoder_free(struct sensor_decoder *decoder) {
        free(decoder);
        return NULL;
}

static int ganglion_begin(struct sensor_decoder *decoder, const struct sensor_settings *settings) {
        if (settings->channels != 0 && settings->channels != CHANNELS)
                return -ERANGE;
        decoder->scale_uv = settings->scale_uv > 0 ? settings->scale_uv : SCALE_UV;
        decoder->is_old = false;
        decoder->started = false;
        decoder->first_round = true;
        decoder->next_index = 0;
        decoder->has_reference = false;
        decoder->untold_lost = 0;
        return 0;
}

static const uint8_t stop_value[] = {'s'};
static const uint8_t start_value[] = {'b'};
static const uint8_t accelerometer_on[] = {'n'};

static const struct sensor_step start[] = {
        {SENSOR_STEP_READ, .uuid = SOFTWARE_UUID, .optional = true},
        {SENSOR_STEP_SUBSCRIBE, .source = 0},
        {SENSOR_STEP_COMMAND, .uuid = SEND_UUID, .value = accelerometer_on, .size = 1},
        {SENSOR_STEP_PAUSE, .limit_ms = 100},
        {SENSOR_STEP_COMMAND, .uuid = SEND_UUID, .value = start_value, .size = 1},
        {SENSOR_STEP_END},
};

static const struct sensor_step stop[] = {
        {SENSOR_STEP_COMMAND, .uuid = SEND_UUID, .value = stop_value, .size = 1},
        {SENSOR_STEP_END},
};

/* Firmware 3 tells its version; older firmware something else, or nothing. */
static int ganglion_answer(struct sensor_decoder *decoder, unsigned step, const uint8_t *value,
                           size_t size) {
        if (start[step].kind == SENSOR_STEP_READ)
                decoder->is_old = !value || size == 0 || value[0] != '3';
        return (int)step + 1;
}

static int ganglion_format(const struct sensor_decoder *decoder, struct stream_format *ret) {
        *ret = (struct stream_format){
                .kind = STREAM_RAW,
                .rate = STREAM_RATE_KNOWN,
                .rate_mhz = RATE_MHZ,
                .channels = CHANNELS,
                .scale_uv = decoder->scale_uv,
                .slip_frames = ROUND_FRAMES,
        };
        return 0;
}

/* Eight fields of `bits` bits from byte 1 on. Returns 0, or -EBADMSG: in each the lowest bit repeats the
 * sign, which the sensor writes there instead of the value's own. */
static int fields_read(const uint8_t *packet, unsigned bits, int32_t ret[static FIELDS]) {
        size_t at = 8;

        for (unsigned i = 0; i < FIELDS; i++) {
                uint32_t field = 0;
                bool negative;

                for (unsigned b = 0; b < bits; b++, at++)
                        field = field << 1 | (packet[at / 8] >> (7 - at % 8) & 1);
                negative = field >> (bits - 1);
                if (negative != (field & 1))
                        return -EBADMSG;
                field &= ~UINT32_C(1);
                ret[i] = negative ? (int32_t)(field | ~((UINT32_C(1) << bits) - 1)) : (int32_t)field;
        }
        return 0;
}

static void acceleration_take(struct sensor_decoder *decoder, unsigned id, uint8_t value) {
        /* One axis at a time; which is which the sources do not agree on. */
        if (id % 10 < 1 || id % 10 > 3)
                return;
        decoder->acceleration[id % 10 - 1] = (int8_t)value * ACCELERATION_MG;
        if (id % 10 == 3)
                sensor_extras_set_acceleration(&decoder->extras, decoder->acceleration[0],
                                               decoder->acceleration[1], decoder->acceleration[2]);
}

static void block_give(struct sensor_decoder *decoder, uint64_t skipped_frames, unsigned lost,
                       uint32_t frames, struct emg_block *ret) {
        *ret = (struct emg_block){
                .index = decoder->next_index + skipped_frames,
                .frames = frames,
                .channels = CHANNELS,
                .counts = decoder->counts,
                .lost_packets = decoder->untold_lost + lost,
        };
        decoder->untold_lost = 0;
        decoder->next_index = ret->index + frames;
        decoder->started = true;
}

/* --- firmware 3 --- */

static int new_decode(struct sensor_decoder *decoder, const uint8_t *packet, struct emg_block *ret) {
        unsigned id = packet[0], bits = id < RING ? BITS_SHORT : BITS_LONG, place = id % RING, lost = 0;
        uint64_t skipped = 0;
        int32_t fields[FIELDS];

        if (id >= 2 * RING)
                return decoder->started ? -EBADMSG : 0; /* 255: the very first one */
        /* The very first one again, in the long form: its id says short, and it is no packet of that. */
        if (!decoder->started && id == RING - 1)
                return 0;
        if (fields_read(packet, bits, fields) < 0)
                return -EBADMSG;
        if (decoder->started && place == (decoder->next_id + RING - 1) % RING)
                return 0; /* the last one once more */

        if (decoder->started) {
                lost = (place + RING - decoder->next_id) % RING;
                /* Beyond the end of a round one sample is missing for good. */
                if (place < decoder->next_id)
                        skipped = 1;
                /* The first round ends one id early. */
                if (decoder->first_round && skipped > 0 && lost > 0)
                        lost--;
                skipped += (uint64_t)lost * FRAMES;
        }
        if (decoder->started && place < decoder->next_id)
                decoder->first_round = false;
        for (unsigned i = 0; i < FIELDS; i++)
                decoder->counts[i] = fields[i] * (1 << (BITS_FULL - bits));
        if (bits == BITS_SHORT)
                acceleration_take(decoder, id, packet[PACKET_SIZE - 1]);
        decoder->next_id = place + 1;
        block_give(decoder, skipped, lost, FRAMES, ret);
        return 1;
}

/* --- firmware 2 --- */

static int32_t i24_be(const uint8_t *bytes) {
        return (int32_t)((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8) /
               256;
}

/* A round: id 0 with one sample, then 100 (or ids 101-200) with two differences each. */
static unsigned old_place(unsigned id) {
        return id > RING ? id - RING : id;
}

static unsigned old_frames_before(unsigned place) {
        return place == 0 ? 0 : 1 + (place - 1) * FRAMES;
}

static int old_decode(struct sensor_decoder *decoder, const uint8_t *packet, struct emg_block *ret) {
        unsigned id = packet[0], bits = id <= RING ? BITS_SHORT : BITS_LONG, place = old_place(id), lost;
        uint64_t skipped;
        int32_t fields[FIELDS];

        if (id > 2 * RING)
                return -EBADMSG;
        if (id != RAW_ID && fields_read(packet, bits, fields) < 0)
                return -EBADMSG;
        if (decoder->started && place == (decoder->next_id + RING) % (RING + 1))
                return 0; /* the last one once more */
        if (!decoder->started)
                decoder->next_id = place;
        lost = (place + RING + 1 - decoder->next_id) % (RING + 1);
        skipped = (old_frames_before(place) + ROUND_FRAMES - old_frames_before(decoder->next_id)) %
                  ROUND_FRAMES;
        decoder->next_id = (place + 1) % (RING + 1);
        if (lost > 0)
                decoder->has_reference = false;

        if (id == RAW_ID) {
                for (unsigned c = 0; c < CHANNELS; c++)
                        decoder->reference[c] = decoder->counts[c] = i24_be(packet + 1 + 3 * c);
                decoder->has_reference = true;
                block_give(decoder, skipped, lost, 1, ret);
                return 1;
        }
        if (!decoder->has_reference) { /* nothing to add the differences to until the next whole sample
                                        */
                decoder->next_index += skipped + FRAMES;
                decoder->untold_lost += lost;
                decoder->started = true;
                return 0;
        }
        for (unsigned i = 0; i < FIELDS; i++) {
                int64_t value = (int64_t)decoder->reference[i % CHANNELS] - fields[i];

                /* Only damage leads beyond 24 bits. */
                if (value < -8388608 || value > 8388607)
                        value = value < 0 ? -8388608 : 8388607;
                decoder->reference[i % CHANNELS] = decoder->counts[i] = (int32_t)value;
        }
        block_give(decoder, skipped, lost, FRAMES, ret);
        return 1;
}

static int ganglion_decode(struct sensor_decoder *decoder, unsigned source, const uint8_t *packet,
                           size_t size, struct emg_block *ret) {
        if (source != 0 || size < 2 || size > PACKET_SIZE)
                return -EBADMSG;
        if (packet[0] >= OTHER_FIRST && packet[0] <= OTHER_LAST)
                return 0;
        if (size != PACKET_SIZE)
                return -EBADMSG;
        return decoder->is_old ? old_decode(decoder, packet, ret) : new_decode(decoder, packet, ret);
}

static const struct sensor_extras *ganglion_extras(const struct sensor_decoder *decoder) {
        return &decoder->extras;
}

static const char *const notifying[] = {RECEIVE_UUID, NULL};

const struct sensor_driver ganglion_driver = {
        .name = "ganglion",
        .title = "OpenBCI Ganglion",
        .notes = "It does not tell its battery. If it does not let itself be connected to again, switch "
                 "it off and on.",
        .service = SERVICE_UUID,
        .advertised = SERVICE_UUID,
        .notifying = notifying,
        .start = start,
        .stop = stop,
        .battery = SENSOR_BATTERY_NONE,
        .packets_per_s = 100,
        .packet_size = PACKET_SIZE,
        .match = ganglion_match,
        .decoder_new = ganglion_decoder_new,
        .decoder_free = ganglion_decoder_free,
        .begin = ganglion_begin,
        .answer = ganglion_answer,
        .format = ganglion_format,
        .decode = ganglion_decode,
        .extras = ganglion_extras,
        .accelerometer = true,
};
