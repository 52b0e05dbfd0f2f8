/* SPDX-License-Identifier: MIT */
/* Driver and encoder of the open leg-EMG profile: see open-profile.h, and PROFILE.md for the format. */
#include "sensors/open-profile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sensors/bytes.h"
#include "sensors/drivers.h"
#include "sensors/muscle.h"

#define DESCRIPTION_FIXED_SIZE 12u
#define VALUES_MAX ((OPEN_PROFILE_PACKET_MAX - OPEN_PROFILE_HEADER_SIZE) / 2)
#define PICOVOLTS_PER_MICROVOLT 1e6
#define IDENTIFY_S 5
/* A single packet that waits at the end of a stream and is further ahead than the link bears silence was
 * forged. */
#define FINISH_JUMP_MAX_S 2u

struct waiting_packet {
        uint16_t size; /* 0 = none */
        uint8_t bytes[OPEN_PROFILE_PACKET_MAX];
};

struct sensor_decoder {
        struct stream_format format;
        double scale_uv;   /* the owner's, where the sensor leaves it open */
        uint32_t channels; /* 0 until described */
        uint32_t value_size;
        uint32_t jump_max; /* frames */

        uint16_t next_sequence;
        uint64_t next_index; /* its low 32 bits are the expected sample counter */

        struct waiting_packet waiting[OPEN_PROFILE_WAITING_MAX];
        size_t waiting_count;
        size_t waiting_values;

        int32_t counts[VALUES_MAX];
};

static void bytes_write(uint8_t *bytes, uint32_t value, size_t size) {
        for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)(value >> (8 * i));
}

static int32_t value_read(const uint8_t *bytes, size_t size) {
        if (size == 2)
                return i16_le(bytes);
        /* The sign bit is carried down from the top of 32 bits. */
        return (int32_t)((uint32_t)bytes[0] << 8 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 24) /
               256;
}

static bool frame_format_valid(unsigned channels, unsigned value_size) {
        return channels >= 1 && channels <= OPEN_PROFILE_CHANNELS_MAX &&
               (value_size == 2 || value_size == 3) &&
               channels * value_size <= OPEN_PROFILE_FRAME_SIZE_MAX;
}

static int decoder_new(struct sensor_decoder **ret) {
        struct sensor_decoder *decoder = calloc(1, sizeof(*decoder));

        if (!decoder)
                return -ENOMEM;
        *ret = decoder;
        return 0;
}

static struct sensor_decoder *decoder_free(struct sensor_decoder *decoder) {
        free(decoder);
        return NULL;
}

int open_profile_describe(struct sensor_decoder *decoder, const uint8_t *value, size_t size,
                          struct stream_format *ret) {
        struct stream_format format = {};
        unsigned value_size;

        if (size < 1)
                return -EBADMSG;
        if (value[0] != OPEN_PROFILE_VERSION)
                return -EPROTONOSUPPORT;
        if (size < DESCRIPTION_FIXED_SIZE || size > OPEN_PROFILE_DESCRIPTION_MAX)
                return -EBADMSG;

        format.leg = value[1] < LEG_MAX ? value[1] : LEG_UNSPECIFIED;
        format.rate_mhz = u32_le(value + 2);
        format.scale_uv = u32_le(value + 6) / PICOVOLTS_PER_MICROVOLT;
        format.channels = value[10];
        value_size = value[11];
        if (format.rate_mhz == 0 || !frame_format_valid(format.channels, value_size) ||
            size < DESCRIPTION_FIXED_SIZE + format.channels)
                return -EBADMSG;
        if (format.rate_mhz < OPEN_PROFILE_RATE_MIN_MHZ || format.rate_mhz > OPEN_PROFILE_RATE_MAX_MHZ)
                return -ERANGE;

        for (size_t i = 0; i < format.channels; i++) {
                uint8_t muscle = value[DESCRIPTION_FIXED_SIZE + i];

                format.muscle[i] = muscle < MUSCLE_MAX ? muscle : MUSCLE_UNSPECIFIED;
        }

        decoder->channels = format.channels;
        decoder->value_size = value_size;
        decoder->jump_max = (uint32_t)((uint64_t)format.rate_mhz * OPEN_PROFILE_JUMP_MAX_S / 1000);
        decoder->next_sequence = 0;
        decoder->next_index = 0;
        for (size_t i = 0; i < OPEN_PROFILE_WAITING_MAX; i++)
                decoder->waiting[i].size = 0;
        decoder->waiting_count = 0;
        decoder->waiting_values = 0;
        decoder->format = format;
        *ret = format;
        return 0;
}

enum { START_DESCRIPTION };

static int decoder_begin(struct sensor_decoder *decoder, const struct sensor_settings *settings) {
        if (settings->channels > OPEN_PROFILE_CHANNELS_MAX)
                return -ERANGE;
        decoder->scale_uv = settings->scale_uv;
        decoder->channels = 0;
        return 0;
}

static int decoder_answer(struct sensor_decoder *decoder, unsigned step, const uint8_t *value,
                          size_t size) {
        struct stream_format format;
        int r = step == START_DESCRIPTION ? open_profile_describe(decoder, value, size, &format) : 0;

        return r < 0 ? r : (int)step + 1;
}

static int decoder_format(const struct sensor_decoder *decoder, struct stream_format *ret) {
        if (decoder->channels == 0)
                return -EBADMSG;
        *ret = decoder->format;
        if (ret->scale_uv <= 0)
                ret->scale_uv = decoder->scale_uv;
        return 0;
}

static uint16_t packet_sequence(const uint8_t *packet) {
        return u16_le(packet);
}

static uint32_t packet_counter(const uint8_t *packet) {
        return u32_le(packet + 2);
}

/* Notifications missing before this one, and frames. */
static uint16_t packets_missing(const struct sensor_decoder *decoder, const uint8_t *packet) {
        return (uint16_t)(packet_sequence(packet) - decoder->next_sequence);
}

static uint32_t frames_missing(const struct sensor_decoder *decoder, const uint8_t *packet) {
        return packet_counter(packet) - (uint32_t)decoder->next_index;
}

/* Returns 1 for a packet that continues the stream, 0 for an old one, -EBADMSG when its counters make no
 * sense. */
static int counters_check(const struct sensor_decoder *decoder, const uint8_t *packet) {
        uint32_t ahead = frames_missing(decoder, packet), behind = -ahead;
        uint16_t missing = packets_missing(decoder, packet);

        /* The sample counter decides, as the sequence wraps within minutes. */
        if (ahead <= decoder->jump_max)
                return missing <= ahead ? 1 : -EBADMSG;
        if (behind <= decoder->jump_max && behind <= decoder->next_index && missing > UINT16_MAX / 2)
                return 0;
        return -EBADMSG;
}

static size_t packet_values(const struct sensor_decoder *decoder, size_t size) {
        return (size - OPEN_PROFILE_HEADER_SIZE) / decoder->value_size;
}

/* The packet must have passed counters_check(). */
static void packet_decode(struct sensor_decoder *decoder, const uint8_t *packet, size_t size,
                          struct emg_block *ret) {
        size_t values = packet_values(decoder, size);

        for (size_t i = 0; i < values; i++)
                decoder->counts[i] =
                        value_read(packet + OPEN_PROFILE_HEADER_SIZE + i * decoder->value_size,
                                   decoder->value_size);

        *ret = (struct emg_block){
                .index = decoder->next_index + frames_missing(decoder, packet),
                .frames = (uint32_t)(values / decoder->channels),
                .channels = decoder->channels,
                .counts = decoder->counts,
                .lost_packets = packets_missing(decoder, packet),
                .frames_after = (uint32_t)(decoder->waiting_values / decoder->channels),
        };
        decoder->next_sequence = (uint16_t)(packet_sequence(packet) + 1);
        decoder->next_index = ret->index + ret->frames;
}

static void waiting_remove(struct sensor_decoder *decoder, struct waiting_packet *waiting) {
        decoder->waiting_values -= packet_values(decoder, waiting->size);
        waiting->size = 0;
        decoder->waiting_count--;
}

/* The one that comes first in time. Those that the stream has passed by are dropped. */
static struct waiting_packet *waiting_first(struct sensor_decoder *decoder) {
        struct waiting_packet *first = NULL;

        for (size_t i = 0; i < OPEN_PROFILE_WAITING_MAX; i++) {
                struct waiting_packet *waiting = &decoder->waiting[i];

                if (waiting->size == 0)
                        continue;
                if (counters_check(decoder, waiting->bytes) <= 0)
                        waiting_remove(decoder, waiting);
                else if (!first ||
                         frames_missing(decoder, waiting->bytes) < frames_missing(decoder, first->bytes))
                        first = waiting;
        }
        return first;
}

static void waiting_decode(struct sensor_decoder *decoder, struct waiting_packet *waiting,
                           struct emg_block *ret) {
        size_t size = waiting->size;

        waiting_remove(decoder, waiting);
        packet_decode(decoder, waiting->bytes, size, ret);
}

/* A waiting packet whose turn it is. Returns 1 with its block, or 0. */
static int decoder_more(struct sensor_decoder *decoder, struct emg_block *ret) {
        struct waiting_packet *first;

        if (decoder->waiting_count == 0)
                return 0;
        first = waiting_first(decoder);
        if (!first || packets_missing(decoder, first->bytes) > 0)
                return 0;
        waiting_decode(decoder, first, ret);
        return 1;
}

static bool waiting_is_continued(const struct sensor_decoder *decoder,
                                 const struct waiting_packet *waiting) {
        uint32_t frames = (uint32_t)(packet_values(decoder, waiting->size) / decoder->channels);

        for (size_t i = 0; i < OPEN_PROFILE_WAITING_MAX; i++) {
                const struct waiting_packet *next = &decoder->waiting[i];

                if (next->size > 0 &&
                    packet_sequence(next->bytes) == (uint16_t)(packet_sequence(waiting->bytes) + 1) &&
                    packet_counter(next->bytes) == packet_counter(waiting->bytes) + frames)
                        return true;
        }
        return false;
}

/* What is missing is lost. */
static int decoder_finish(struct sensor_decoder *decoder, struct emg_block *ret) {
        struct waiting_packet *first = decoder->channels > 0 ? waiting_first(decoder) : NULL;

        if (!first)
                return 0;
        if (frames_missing(decoder, first->bytes) >
                    decoder->jump_max / OPEN_PROFILE_JUMP_MAX_S * FINISH_JUMP_MAX_S &&
            !waiting_is_continued(decoder, first))
                return 0;
        waiting_decode(decoder, first, ret);
        return 1;
}

static bool waiting_has(const struct sensor_decoder *decoder, const uint8_t *packet) {
        for (size_t i = 0; i < OPEN_PROFILE_WAITING_MAX; i++)
                if (decoder->waiting[i].size > 0 &&
                    packet_sequence(decoder->waiting[i].bytes) == packet_sequence(packet))
                        return true;
        return false;
}

static void waiting_add(struct sensor_decoder *decoder, const uint8_t *packet, size_t size) {
        struct waiting_packet *free_one = decoder->waiting;

        while (free_one->size > 0)
                free_one++;
        memcpy(free_one->bytes, packet, size);
        free_one->size = (uint16_t)size;
        decoder->waiting_values += packet_values(decoder, size);
        decoder->waiting_count++;
}

static int decoder_decode(struct sensor_decoder *decoder, unsigned source, const uint8_t *packet,
                          size_t size, struct emg_block *ret) {
        size_t frame_size = decoder->channels * decoder->value_size;
        struct waiting_packet *first;
        int r;

        if (source != 0 || frame_size == 0 || size < OPEN_PROFILE_HEADER_SIZE + frame_size ||
            size > OPEN_PROFILE_PACKET_MAX || (size - OPEN_PROFILE_HEADER_SIZE) % frame_size != 0)
                return -EBADMSG;
        r = counters_check(decoder, packet);
        if (r <= 0)
                return r;

        if (packets_missing(decoder, packet) == 0) {
                packet_decode(decoder, packet, size, ret);
                return 1;
        }
        if (waiting_has(decoder, packet))
                return 0;

        /* Enough have waited: what is missing is lost. */
        first = decoder->waiting_count == OPEN_PROFILE_WAITING_MAX ? waiting_first(decoder) : NULL;
        if (first && frames_missing(decoder, packet) > frames_missing(decoder, first->bytes)) {
                waiting_decode(decoder, first, ret);
                waiting_add(decoder, packet, size);
                ret->frames_after += (uint32_t)(packet_values(decoder, size) / decoder->channels);
                return 1;
        }
        if (first) {
                packet_decode(decoder, packet, size, ret);
                return 1;
        }
        waiting_add(decoder, packet, size);
        return 0;
}

ssize_t open_profile_encode_description(const struct open_profile_description *description,
                                        uint8_t value[static OPEN_PROFILE_DESCRIPTION_MAX]) {
        if (!frame_format_valid(description->channels, description->value_size) ||
            description->rate_mhz == 0 || description->leg >= LEG_MAX)
                return -EINVAL;
        for (size_t i = 0; i < description->channels; i++)
                if (description->muscle[i] >= MUSCLE_MAX)
                        return -EINVAL;

        value[0] = OPEN_PROFILE_VERSION;
        value[1] = description->leg;
        bytes_write(value + 2, description->rate_mhz, 4);
        bytes_write(value + 6, description->scale_pv, 4);
        value[10] = description->channels;
        value[11] = description->value_size;
        memcpy(value + DESCRIPTION_FIXED_SIZE, description->muscle, description->channels);
        return (ssize_t)(DESCRIPTION_FIXED_SIZE + description->channels);
}

size_t open_profile_frames_fit(const struct open_profile_description *description, size_t size) {
        if (size < OPEN_PROFILE_HEADER_SIZE)
                return 0;
        return (size - OPEN_PROFILE_HEADER_SIZE) / (description->channels * description->value_size);
}

int32_t open_profile_count_max(unsigned value_size) {
        return (int32_t)((UINT32_C(1) << (8 * value_size - 1)) - 1);
}

ssize_t open_profile_encode_samples(const struct open_profile_description *description,
                                    uint16_t sequence, uint32_t counter, const int32_t *counts,
                                    size_t frames, uint8_t *packet, size_t size) {
        size_t value_size = description->value_size, values = frames * description->channels;
        int32_t highest = open_profile_count_max(description->value_size);

        if (frames == 0)
                return -EINVAL;
        if (frames > open_profile_frames_fit(description, size))
                return -EMSGSIZE;

        bytes_write(packet, sequence, 2);
        bytes_write(packet + 2, counter, 4);
        for (size_t i = 0; i < values; i++) {
                int32_t count = counts[i];

                if (count > highest)
                        count = highest;
                else if (count < -highest - 1)
                        count = -highest - 1;
                bytes_write(packet + OPEN_PROFILE_HEADER_SIZE + i * value_size, (uint32_t)count,
                            value_size);
        }
        return (ssize_t)(OPEN_PROFILE_HEADER_SIZE + values * value_size);
}

static const char *const notifying[] = {OPEN_PROFILE_SAMPLES_UUID, NULL};

static const uint8_t start_value[] = {OPEN_PROFILE_START};
static const uint8_t stop_value[] = {OPEN_PROFILE_STOP};
static const uint8_t identify_value[] = {OPEN_PROFILE_IDENTIFY, IDENTIFY_S};

static const struct sensor_step start[] = {
        [START_DESCRIPTION] = {SENSOR_STEP_READ, .uuid = OPEN_PROFILE_DESCRIPTION_UUID},
        {SENSOR_STEP_SUBSCRIBE, .source = 0},
        {SENSOR_STEP_WRITE, .uuid = OPEN_PROFILE_CONTROL_UUID, .value = start_value, .size = 1},
        {SENSOR_STEP_END},
};

static const struct sensor_step stop[] = {
        {SENSOR_STEP_WRITE, .uuid = OPEN_PROFILE_CONTROL_UUID, .value = stop_value, .size = 1},
        {SENSOR_STEP_END},
};

static const struct sensor_step identify[] = {
        {SENSOR_STEP_WRITE, .uuid = OPEN_PROFILE_CONTROL_UUID, .value = identify_value, .size = 2},
        {SENSOR_STEP_END},
};

static enum sensor_match advert_match(const struct sensor_advert *advert) {
        return sensor_advert_has_service(advert, OPEN_PROFILE_SERVICE_UUID) ? SENSOR_MATCH_YES
                                                                            : SENSOR_MATCH_NO;
}

const struct sensor_driver open_profile_driver = {
        .name = "crampd",
        .title = "Open leg-EMG profile",
        .service = OPEN_PROFILE_SERVICE_UUID,
        .advertised = OPEN_PROFILE_SERVICE_UUID,
        .notifying = notifying,
        .start = start,
        .stop = stop,
        .identify = identify,
        .battery = SENSOR_BATTERY_BLUEZ,
        .pairing = SENSOR_PAIRING_ASKED,
        .packets_per_s = 20,
        .packet_size = 108, /* one channel of 2 bytes at 1 kHz */
        .match = advert_match,
        .decoder_new = decoder_new,
        .decoder_free = decoder_free,
        .begin = decoder_begin,
        .answer = decoder_answer,
        .format = decoder_format,
        .decode = decoder_decode,
        .more = decoder_more,
        .finish = decoder_finish,
};
