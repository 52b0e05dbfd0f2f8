/* SPDX-License-Identifier: MIT */
/*
 * Driver of the Thalmic Myo arm band: eight channels of 8 bits at 200 Hz, over four characteristics
 * that take turns, no counter.
 *
 * Facts from thalmiclabs/myo-bluetooth myohw.h @c79c1a5, iomz/dl-myo myo/profile.py @c385880 and
 * PerlinWarp/pyomyo src/pyomyo/pyomyo.py @6c1728e. The header speaks of big-endian motion data, all
 * clients that work read little-endian. The unit was never published.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sensors/bytes.h"
#include "sensors/drivers.h"

#define MYO_UUID(slot) "d506" slot "-a904-deb9-4748-2c7f4a124842"
#define SERVICE_UUID MYO_UUID("0001")
#define FIRMWARE_UUID MYO_UUID("0201")
#define COMMAND_UUID MYO_UUID("0401")
#define MOTION_UUID MYO_UUID("0402")

#define TURNS 4u /* characteristics 0105, 0205, 0305, 0405 */
#define SOURCE_MOTION TURNS

#define CHANNELS 8u
#define FRAMES 2u /* in a packet */
#define PACKET_SIZE (CHANNELS * FRAMES)
#define RATE_MHZ 200000u
#define MOTION_SIZE 20u
#define FIRMWARE_SIZE 8u
/* Packets of a characteristic that are taken in at a time: 1.3 s. */
#define WAITING_MAX 32u

struct queue {
        uint8_t packets[WAITING_MAX][PACKET_SIZE];
        unsigned first, count;
};

struct sensor_decoder {
        double scale_uv;
        bool started;
        unsigned turn; /* whose packet comes next */
        struct queue queues[TURNS];
        uint64_t next_index;
        int32_t counts[FRAMES * CHANNELS];
        struct sensor_extras extras;
};

static enum sensor_match myo_match(const struct sensor_advert *advert) {
        return sensor_advert_has_service(advert, SERVICE_UUID) ? SENSOR_MATCH_YES : SENSOR_MATCH_NO;
}

static int myo_decoder_new(struct sensor_decoder **ret) {
        struct sensor_decoder *decoder = calloc(1, sizeof(*decoder));

        if (!decoder)
                return -ENOMEM;
        sensor_extras_init(&decoder->extras);
        *ret = decoder;
        return 0;
}

static struct sensor_decoder *myo_decoder_free(struct sensor_decoder *decoder) {
        free(decoder);
        return NULL;
}

static int myo_begin(struct sensor_decoder *decoder, const struct sensor_settings *settings) {
        if (settings->channels != 0 && settings->channels != CHANNELS)
                return -ERANGE;
        decoder->scale_uv = settings->scale_uv;
        decoder->started = false;
        decoder->turn = 0;
        decoder->next_index = 0;
        for (unsigned i = 0; i < TURNS; i++)
                decoder->queues[i].count = 0;
        return 0;
}

static const uint8_t never_sleep[] = {0x09, 0x01, 0x01};
static const uint8_t mode_emg[] = {0x01, 0x03, 0x02, 0x01, 0x00};
static const uint8_t mode_off[] = {0x01, 0x03, 0x00, 0x00, 0x00};
static const uint8_t vibrate_short[] = {0x03, 0x01, 0x01};

static const struct sensor_step start[] = {
        {SENSOR_STEP_READ, .uuid = FIRMWARE_UUID},
        /* Else it drops the link after half a minute, waiting to be synchronised to an arm. */
        {SENSOR_STEP_WRITE, .uuid = COMMAND_UUID, .value = never_sleep, .size = sizeof(never_sleep)},
        {SENSOR_STEP_SUBSCRIBE, .source = 0},
        {SENSOR_STEP_SUBSCRIBE, .source = 1},
        {SENSOR_STEP_SUBSCRIBE, .source = 2},
        {SENSOR_STEP_SUBSCRIBE, .source = 3},
        {SENSOR_STEP_SUBSCRIBE, .source = SOURCE_MOTION, .optional = true},
        {SENSOR_STEP_WRITE, .uuid = COMMAND_UUID, .value = mode_emg, .size = sizeof(mode_emg)},
        {SENSOR_STEP_END},
};

static const struct sensor_step stop[] = {
        {SENSOR_STEP_WRITE, .uuid = COMMAND_UUID, .value = mode_off, .size = sizeof(mode_off)},
        {SENSOR_STEP_END},
};

static const struct sensor_step identify[] = {
        {SENSOR_STEP_WRITE, .uuid = COMMAND_UUID, .value = vibrate_short, .size = sizeof(vibrate_short)},
        {SENSOR_STEP_END},
};

static int myo_answer(struct sensor_decoder *decoder, unsigned step, const uint8_t *value, size_t size) {
        if (start[step].kind != SENSOR_STEP_READ)
                return (int)step + 1;
        if (!value || size != FIRMWARE_SIZE)
                return -EBADMSG;
        /* Before 1.0 it is started in another way. */
        return u16_le(value) < 1 ? -EPROTONOSUPPORT : (int)step + 1;
}

static int myo_format(const struct sensor_decoder *decoder, struct stream_format *ret) {
        *ret = (struct stream_format){
                .kind = STREAM_RAW,
                .rate = STREAM_RATE_KNOWN,
                .rate_mhz = RATE_MHZ,
                .channels = CHANNELS,
                .scale_uv = decoder->scale_uv,
                .slip_frames = TURNS * FRAMES,
        };
        return 0;
}

/* The next packet in the rotation; after `skipped` that were given up. */
static void turn_take(struct sensor_decoder *decoder, unsigned skipped, struct emg_block *ret) {
        struct queue *queue = &decoder->queues[decoder->turn];
        const uint8_t *packet = queue->packets[queue->first];

        for (unsigned i = 0; i < FRAMES * CHANNELS; i++)
                decoder->counts[i] = (int8_t)packet[i];
        queue->first = (queue->first + 1) % WAITING_MAX;
        queue->count--;
        *ret = (struct emg_block){
                .index = decoder->next_index + (uint64_t)skipped * FRAMES,
                .frames = FRAMES,
                .channels = CHANNELS,
                .counts = decoder->counts,
                .lost_packets = skipped,
        };
        decoder->next_index = ret->index + FRAMES;
        decoder->turn = (decoder->turn + 1) % TURNS;
}

/* The rotation may begin anywhere. Of those that came together, the first is the one whose predecessor
 * did not come. */
static void turn_begin(struct sensor_decoder *decoder) {
        unsigned most = 0;

        for (unsigned i = 0; i < TURNS; i++)
                if (decoder->queues[i].count > most)
                        most = decoder->queues[i].count;
        for (unsigned i = 0; i < TURNS; i++)
                if (decoder->queues[i].count == most &&
                    decoder->queues[(i + TURNS - 1) % TURNS].count < most)
                        decoder->turn = i;
        decoder->started = true;
}

/* Everything that has arrived is there, so what is missing before it is lost. */
static int myo_more(struct sensor_decoder *decoder, struct emg_block *ret) {
        unsigned skipped = 0;

        if (!decoder->started)
                turn_begin(decoder);
        while (decoder->queues[decoder->turn].count == 0) {
                decoder->turn = (decoder->turn + 1) % TURNS;
                if (++skipped == TURNS)
                        return 0;
        }
        turn_take(decoder, skipped, ret);
        return 1;
}

static int emg_decode(struct sensor_decoder *decoder, unsigned source, const uint8_t *packet,
                      size_t size) {
        struct queue *queue = &decoder->queues[source];

        if (size != PACKET_SIZE || queue->count == WAITING_MAX)
                return -EBADMSG;
        memcpy(queue->packets[(queue->first + queue->count) % WAITING_MAX], packet, size);
        queue->count++;
        return 0;
}

/* Quaternion, acceleration in 1/2048 g, rotation. */
static int motion_decode(struct sensor_decoder *decoder, const uint8_t *packet, size_t size) {
        const uint8_t *acceleration = packet + 8;

        if (size != MOTION_SIZE)
                return -EBADMSG;
        sensor_extras_set_acceleration(&decoder->extras, i16_le(acceleration) * 1000 / 2048,
                                       i16_le(acceleration + 2) * 1000 / 2048,
                                       i16_le(acceleration + 4) * 1000 / 2048);
        return 0;
}

static int myo_decode(struct sensor_decoder *decoder, unsigned source, const uint8_t *packet,
                      size_t size, struct emg_block *ret) {
        if (source < TURNS)
                return emg_decode(decoder, source, packet, size);
        return source == SOURCE_MOTION ? motion_decode(decoder, packet, size) : -EBADMSG;
}

static const struct sensor_extras *myo_extras(const struct sensor_decoder *decoder) {
        return &decoder->extras;
}

static const char *const notifying[] = {MYO_UUID("0105"), MYO_UUID("0205"), MYO_UUID("0305"),
                                        MYO_UUID("0405"), MOTION_UUID,      NULL};

const struct sensor_driver myo_driver = {
        .name = "myo",
        .title = "Thalmic Myo",
        .notes = "It vibrates on connecting. Wake it with its charger.",
        .service = SERVICE_UUID,
        .advertised = SERVICE_UUID,
        .notifying = notifying,
        .start = start,
        .stop = stop,
        .identify = identify,
        .battery = SENSOR_BATTERY_BLUEZ,
        .buzzes = true,
        .packets_per_s = 150,
        .packet_size = 17,
        .match = myo_match,
        .decoder_new = myo_decoder_new,
        .decoder_free = myo_decoder_free,
        .begin = myo_begin,
        .answer = myo_answer,
        .format = myo_format,
        .decode = myo_decode,
        .more = myo_more,
        .settles = true,
        .extras = myo_extras,
        .accelerometer = true,
};
