/* SPDX-License-Identifier: MIT */
/*
 * Driver of PLUX' BITalino (r)evolution with the Bluetooth LE module: up to four analog inputs of 10
 * bits at 1 kHz, as a byte stream that has to be cut into frames.
 *
 * Facts from BITalinoWorld/firmware-BT121 GATT.xml, firmware-BT121.bgs @32ce084,
 * firmware-bitalino-revolution live.c @1097047 and revolution-python-api bitalino.py @7128b3b. The EMG
 * sensor's transfer function (gain 1009, 3.3 V) is that of PLUX' data sheet.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sensors/drivers.h"

#define SERVICE_UUID "c566488a-0882-4e1b-a6d0-0b717e652234"
#define COMMAND_UUID "4051eb11-bf0a-4c74-8730-a48f4193fcea"
#define FRAMES_UUID "40fdba6b-672e-47c4-808a-e529adff3633"

#define RATE_MHZ 1000000u
#define SCALE_UV (3.3e6 / 1024 / 1009)
#define COUNT_MIDDLE 512
#define CHANNELS_MAX 4u
#define FRAME_SIZE_MAX 7u
#define SEQUENCES 16u
#define PACKET_MAX 512u
#define BUFFER_SIZE (PACKET_MAX + FRAME_SIZE_MAX * FRAMES_TO_LOCK)
/* A CRC of 4 bits lets one random frame in 16 pass, and so does the sequence: so many in a row are no
 * chance (one in 2^28). */
#define FRAMES_TO_LOCK 4u

static const uint8_t frame_sizes[CHANNELS_MAX + 1] = {0, 3, 4, 6, 7};

struct sensor_decoder {
        double scale_uv;
        uint32_t channels;
        bool locked; /* the frames' edges are known */
        bool fresh;  /* just found: the sequence may have gone on meanwhile */
        bool started;
        uint8_t next_sequence;
        uint64_t next_index;

        uint8_t buffer[BUFFER_SIZE];
        size_t size;

        int32_t counts[(BUFFER_SIZE / 3) * CHANNELS_MAX];
};

static enum sensor_match bitalino_match(const struct sensor_advert *advert) {
        bool named = advert->name && strcasestr(advert->name, "bitalino");

        if (named && sensor_advert_has_service(advert, SERVICE_UUID))
                return SENSOR_MATCH_YES;
        return named || sensor_advert_has_service(advert, SERVICE_UUID) ? SENSOR_MATCH_MAYBE
                                                                        : SENSOR_MATCH_NO;
}

static int bitalino_decoder_new(struct sensor_decoder **ret) {
        struct sensor_decoder *decoder = calloc(1, sizeof(*decoder));

        if (!decoder)
                return -ENOMEM;
        *ret = decoder;
        return 0;
}

static struct sensor_decoder *bitalino_decoder_free(struct sensor_decoder *decoder) {
        free(decoder);
        return NULL;
}

static int bitalino_begin(struct sensor_decoder *decoder, const struct sensor_settings *settings) {
        if (settings->channels > CHANNELS_MAX)
                return -ERANGE;
        decoder->channels = settings->channels > 0 ? settings->channels : 1;
        decoder->scale_uv = settings->scale_uv > 0 ? settings->scale_uv : SCALE_UV;
        decoder->locked = false;
        decoder->started = false;
        decoder->next_index = 0;
        decoder->size = 0;
        return 0;
}

/* --- start: one command at a time, 100 ms apart, as the maker's software does --- */

#define PAUSE_MS 100
#define LIVE(mask) (0x01 | (mask) << 2)

static const uint8_t idle[] = {0xff};
static const uint8_t rate_1000[] = {3 << 6 | 0x03};
static const uint8_t live[CHANNELS_MAX] = {LIVE(0x1), LIVE(0x3), LIVE(0x7), LIVE(0xf)};

enum { START_LIVE = 5 }; /* with one channel; then with two .. */

static const struct sensor_step start[] = {
        {SENSOR_STEP_SUBSCRIBE, .source = 0},
        {SENSOR_STEP_WRITE, .uuid = COMMAND_UUID, .value = idle, .size = 1},
        {SENSOR_STEP_PAUSE, .limit_ms = PAUSE_MS},
        {SENSOR_STEP_WRITE, .uuid = COMMAND_UUID, .value = rate_1000, .size = 1},
        {SENSOR_STEP_PAUSE, .limit_ms = PAUSE_MS},
        {SENSOR_STEP_WRITE, .uuid = COMMAND_UUID, .value = live, .size = 1},
        {SENSOR_STEP_WRITE, .uuid = COMMAND_UUID, .value = live + 1, .size = 1},
        {SENSOR_STEP_WRITE, .uuid = COMMAND_UUID, .value = live + 2, .size = 1},
        {SENSOR_STEP_WRITE, .uuid = COMMAND_UUID, .value = live + 3, .size = 1},
        {SENSOR_STEP_END},
};

static const uint8_t stop_value[] = {0x00};

static const struct sensor_step stop[] = {
        {SENSOR_STEP_WRITE, .uuid = COMMAND_UUID, .value = stop_value, .size = 1},
        {SENSOR_STEP_END},
};

static int bitalino_answer(struct sensor_decoder *decoder, unsigned step, const uint8_t *value,
                           size_t size) {
        if (step + 1 < START_LIVE)
                return (int)step + 1;
        return step < START_LIVE ? START_LIVE + (int)decoder->channels - 1
                                 : START_LIVE + (int)CHANNELS_MAX;
}

static int bitalino_format(const struct sensor_decoder *decoder, struct stream_format *ret) {
        *ret = (struct stream_format){
                .kind = STREAM_RAW,
                .rate = STREAM_RATE_KNOWN,
                .rate_mhz = RATE_MHZ,
                .channels = decoder->channels,
                .scale_uv = decoder->scale_uv,
                .slip_frames = SEQUENCES,
        };
        return 0;
}

/* --- frames --- */

/* x^4 + x + 1 over all bits, the CRC's own taken as 0. */
static bool crc_holds(const uint8_t *frame, size_t size) {
        unsigned crc = 0;

        for (size_t i = 0; i < size; i++) {
                unsigned byte = i + 1 < size ? frame[i] : frame[i] & 0xf0u;

                for (int bit = 7; bit >= 0; bit--) {
                        crc = crc << 1 | (byte >> bit & 1);
                        if (crc & 0x10)
                                crc ^= 0x13;
                }
        }
        return (crc & 0xf) == (frame[size - 1] & 0xfu);
}

static uint8_t frame_sequence(const uint8_t *frame, size_t size) {
        return frame[size - 1] >> 4;
}

/* Channel values from the end of the frame: e1 is the last byte. */
static void frame_read(const uint8_t *frame, size_t size, uint32_t channels, int32_t *ret) {
        const uint8_t *end = frame + size;
        unsigned values[CHANNELS_MAX] = {(end[-2] & 0x0fu) << 6 | end[-3] >> 2};

        if (channels > 1)
                values[1] = (end[-3] & 0x03u) << 8 | end[-4];
        if (channels > 2)
                values[2] = (unsigned)end[-5] << 2 | end[-6] >> 6;
        if (channels > 3)
                values[3] = (end[-6] & 0x3fu) << 4 | end[-7] >> 4;
        for (uint32_t c = 0; c < channels; c++)
                ret[c] = (int32_t)values[c] - COUNT_MIDDLE;
}

static void buffer_drop(struct sensor_decoder *decoder, size_t size) {
        decoder->size -= size;
        memmove(decoder->buffer, decoder->buffer + size, decoder->size);
}

/* Whether enough frames in a row begin here. */
static bool edge_holds(const struct sensor_decoder *decoder, size_t each) {
        for (unsigned i = 0; i < FRAMES_TO_LOCK; i++) {
                const uint8_t *frame = decoder->buffer + i * each;

                if (!crc_holds(frame, each))
                        return false;
                if (i > 0 &&
                    frame_sequence(frame, each) != (frame_sequence(frame - each, each) + 1) % SEQUENCES)
                        return false;
        }
        return true;
}

/* The first frame of an edge may be the end of a true one behind bytes of another, which the CRC lets
 * pass once in 16 times: with a stream under way it is left out. */
static void edge_find(struct sensor_decoder *decoder, size_t each) {
        while (!decoder->locked && decoder->size >= each * FRAMES_TO_LOCK) {
                decoder->locked = decoder->fresh = edge_holds(decoder, each);
                if (!decoder->locked)
                        buffer_drop(decoder, 1);
                else if (decoder->started)
                        buffer_drop(decoder, each);
        }
}

/* A frame that a lost notification has put together of two passes its CRC and sequence once in 256
 * times: so one counts only when the one after it fits, too. */
static bool frame_holds(const struct sensor_decoder *decoder, const uint8_t *frame, size_t each) {
        const uint8_t *next = frame + each;

        return crc_holds(frame, each) && crc_holds(next, each) &&
               (decoder->fresh || frame_sequence(frame, each) == decoder->next_sequence) &&
               frame_sequence(next, each) == (frame_sequence(frame, each) + 1) % SEQUENCES;
}

/* Frames that follow each other without a hole. Returns 1 with their block, or 0. */
static int bitalino_more(struct sensor_decoder *decoder, struct emg_block *ret) {
        size_t each = frame_sizes[decoder->channels], at = 0;
        uint32_t frames = 0;
        uint8_t missing = 0;

        edge_find(decoder, each);
        while (decoder->locked && decoder->size - at >= 2 * each) {
                const uint8_t *frame = decoder->buffer + at;
                uint8_t sequence = frame_sequence(frame, each);

                decoder->locked = frame_holds(decoder, frame, each);
                if (!decoder->locked)
                        break; /* bytes were lost, or turned */
                if (decoder->fresh && decoder->started)
                        missing = (uint8_t)(sequence + SEQUENCES - decoder->next_sequence) % SEQUENCES;
                decoder->fresh = false;
                decoder->started = true;
                frame_read(frame, each, decoder->channels,
                           decoder->counts + (size_t)frames * decoder->channels);
                decoder->next_sequence = (sequence + 1) % SEQUENCES;
                frames++;
                at += each;
        }
        buffer_drop(decoder, at);
        if (frames == 0)
                return 0;
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

static int bitalino_decode(struct sensor_decoder *decoder, unsigned source, const uint8_t *packet,
                           size_t size, struct emg_block *ret) {
        int r;

        if (source != 0 || size == 0 || size > PACKET_MAX)
                return -EBADMSG;
        if (decoder->size + size > BUFFER_SIZE) { /* more() was not asked for */
                decoder->size = 0;
                decoder->locked = false;
        }
        memcpy(decoder->buffer + decoder->size, packet, size);
        decoder->size += size;
        r = bitalino_more(decoder, ret);
        /* What was frames a moment ago may be so again, from another edge on. */
        return r > 0 ? r : bitalino_more(decoder, ret);
}

static const char *const notifying[] = {FRAMES_UUID, NULL};

const struct sensor_driver bitalino_driver = {
        .name = "bitalino",
        .title = "BITalino (r)evolution BLE",
        .notes = "The EMG sensor goes to input A1; with --channels=2 to 4 the next inputs are EMG, too.",
        .service = SERVICE_UUID,
        .advertised = SERVICE_UUID,
        .notifying = notifying,
        .start = start,
        .stop = stop,
        .battery = SENSOR_BATTERY_NONE,
        .packets_per_s = 150,
        .packet_size = 20,
        .match = bitalino_match,
        .decoder_new = bitalino_decoder_new,
        .decoder_free = bitalino_decoder_free,
        .begin = bitalino_begin,
        .answer = bitalino_answer,
        .format = bitalino_format,
        .decode = bitalino_decode,
        .more = bitalino_more,
};
