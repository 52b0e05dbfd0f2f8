/* SPDX-License-Identifier: MIT */
/*
 * Driver of OYMotion's gForce arm bands (gForcePro, gForcePro+): eight channels of raw EMG, no counter.
 *
 * Facts from oymotion/gforce_sdk_python lib_gforce/gforce.py @1537ccf, gForceSDKCXX
 * inc/DeviceSetting.h and doc/gForce_Data_Protocol-eng.docx @5cd66a0. The sources differ by two in the
 * scale; taken is what follows from +-1.25 V over the code range at a gain of 1200. 500 Hz with 12 bits
 * is accepted by all firmware that is known; one that refuses it gets 8 bits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sensors/bytes.h"
#include "sensors/drivers.h"

#define SERVICE_UUID "0000ffd0-0000-1000-8000-00805f9b34fb"
#define COMMAND_UUID "f000ffe1-0451-4000-b000-000000000000"
#define DATA_UUID "f000ffe2-0451-4000-b000-000000000000"

enum source { SOURCE_REPLIES, SOURCE_DATA };

enum command {
        COMMAND_BATTERY = 0x08,
        COMMAND_VIBRATE = 0x24,
        COMMAND_SET_EMG = 0x3f,
        COMMAND_SWITCH = 0x4f,
};

enum data_type { DATA_ACCELERATION = 0x01, DATA_EMG = 0x08, DATA_FRAGMENT = 0xff };

#define REPLY_OK 0u
#define REPLY_BAD_PARAMETER 2u
#define REPLY_MAX 244u
#define CHANNELS 8u
#define RATE_MHZ 500000u
#define PAYLOAD_SIZE 128u /* as configured */
#define COUNT_MIDDLE_12 2048
#define COUNT_MAX_12 4095u
#define COUNT_MIDDLE_8 128
/* 2.5 V over all codes, at a gain of 1200. */
#define SCALE_12_UV (2.5e6 / 1200 / 4096)
#define SCALE_8_UV (2.5e6 / 1200 / 256)
#define ASSEMBLY_MAX 512u
#define FRAMES_MAX (PAYLOAD_SIZE / CHANNELS)
#define ACCELERATION_SIZE 12u

struct sensor_decoder {
        double scale_uv; /* the owner's */
        bool is_12_bit;
        uint64_t next_index;

        /* Fragments of one packet, the last of which has index 0. */
        uint8_t assembly[ASSEMBLY_MAX];
        size_t assembled;
        unsigned next_fragment; /* index of the last one; 0 = none is under way */
        bool skipping;          /* until the end of a packet that is spoilt */

        int32_t counts[FRAMES_MAX * CHANNELS];
        struct sensor_extras extras;
};

static enum sensor_match gforce_match(const struct sensor_advert *advert) {
        bool named = sensor_advert_has_prefix(advert, "gForce");

        if (named && sensor_advert_has_service(advert, SERVICE_UUID))
                return SENSOR_MATCH_YES;
        return named ? SENSOR_MATCH_MAYBE : SENSOR_MATCH_NO;
}

static int gforce_decoder_new(struct sensor_decoder **ret) {
        struct sensor_decoder *decoder = calloc(1, sizeof(*decoder));

        if (!decoder)
                return -ENOMEM;
        sensor_extras_init(&decoder->extras);
        *ret = decoder;
        return 0;
}

static struct sensor_decoder *gforce_decoder_free(struct sensor_decoder *decoder) {
        free(decoder);
        return NULL;
}

static int gforce_begin(struct sensor_decoder *decoder, const struct sensor_settings *settings) {
        if (settings->channels != 0 && settings->channels != CHANNELS)
                return -ERANGE;
        decoder->scale_uv = settings->scale_uv;
        decoder->is_12_bit = true;
        decoder->next_index = 0;
        decoder->next_fragment = 0;
        decoder->skipping = false;
        return 0;
}

static const uint8_t set_12_bit[] = {COMMAND_SET_EMG, 0xf4, 0x01, 0xff, 0x00, PAYLOAD_SIZE, 12};
static const uint8_t set_8_bit[] = {COMMAND_SET_EMG, 0xf4, 0x01, 0xff, 0x00, PAYLOAD_SIZE, 8};
static const uint8_t switch_off[] = {COMMAND_SWITCH, 0, 0, 0, 0};
static const uint8_t switch_emg[] = {COMMAND_SWITCH, 0x80, 0, 0, 0};
static const uint8_t ask_battery[] = {COMMAND_BATTERY};
static const uint8_t vibrate_on[] = {COMMAND_VIBRATE, 1};
static const uint8_t vibrate_off[] = {COMMAND_VIBRATE, 0};

/* The maker's own software waits so long for a reply. */
#define REPLY_LIMIT_MS 3000

enum start_step { START_REPLIES, START_OFF, START_12_BIT, START_8_BIT, START_DATA, START_EMG };

static const struct sensor_step start[] = {
        [START_REPLIES] = {SENSOR_STEP_SUBSCRIBE, .source = SOURCE_REPLIES},
        /* It may still send from an earlier connection, and takes no configuration then. */
        [START_OFF] = {SENSOR_STEP_ASK, COMMAND_UUID, SOURCE_REPLIES, switch_off, sizeof(switch_off),
                       REPLY_LIMIT_MS},
        [START_12_BIT] = {SENSOR_STEP_ASK, COMMAND_UUID, SOURCE_REPLIES, set_12_bit, sizeof(set_12_bit),
                          REPLY_LIMIT_MS},
        [START_8_BIT] = {SENSOR_STEP_ASK, COMMAND_UUID, SOURCE_REPLIES, set_8_bit, sizeof(set_8_bit),
                         REPLY_LIMIT_MS},
        [START_DATA] = {SENSOR_STEP_SUBSCRIBE, .source = SOURCE_DATA},
        [START_EMG] = {SENSOR_STEP_ASK, COMMAND_UUID, SOURCE_REPLIES, switch_emg, sizeof(switch_emg),
                       REPLY_LIMIT_MS},
        {SENSOR_STEP_END},
};

static const struct sensor_step stop[] = {
        {SENSOR_STEP_WRITE, .uuid = COMMAND_UUID, .value = switch_off, .size = sizeof(switch_off)},
        {SENSOR_STEP_END},
};

static const struct sensor_step identify[] = {
        {SENSOR_STEP_WRITE, .uuid = COMMAND_UUID, .value = vibrate_on, .size = sizeof(vibrate_on)},
        {SENSOR_STEP_PAUSE, .limit_ms = 500},
        {SENSOR_STEP_WRITE, .uuid = COMMAND_UUID, .value = vibrate_off, .size = sizeof(vibrate_off)},
        {SENSOR_STEP_END},
};

static const struct sensor_step keep_alive[] = {
        {SENSOR_STEP_WRITE, .uuid = COMMAND_UUID, .value = ask_battery, .size = sizeof(ask_battery)},
        {SENSOR_STEP_END},
};

/* [code, command, ...] */
static int gforce_answer(struct sensor_decoder *decoder, unsigned step, const uint8_t *value,
                         size_t size) {
        if (step != START_OFF && step != START_12_BIT && step != START_8_BIT && step != START_EMG)
                return (int)step + 1;
        if (!value) /* switching off what is off may go without a reply */
                return step == START_OFF ? START_12_BIT : -ETIMEDOUT;
        if (size < 2 || value[1] != start[step].value[0])
                return -EAGAIN;
        if (step == START_OFF)
                return START_12_BIT;
        if (step == START_12_BIT) {
                decoder->is_12_bit = value[0] != REPLY_BAD_PARAMETER;
                if (!decoder->is_12_bit)
                        return START_8_BIT;
                return value[0] == REPLY_OK ? START_DATA : -ERANGE;
        }
        return value[0] == REPLY_OK ? (int)step + 1 : -ERANGE;
}

static int gforce_format(const struct sensor_decoder *decoder, struct stream_format *ret) {
        double scale_uv = decoder->is_12_bit ? SCALE_12_UV : SCALE_8_UV;

        *ret = (struct stream_format){
                .kind = STREAM_RAW,
                .rate = STREAM_RATE_KNOWN,
                .rate_mhz = RATE_MHZ,
                .channels = CHANNELS,
                .scale_uv = decoder->scale_uv > 0 ? decoder->scale_uv : scale_uv,
                .slip_frames = decoder->is_12_bit ? FRAMES_MAX / 2 : FRAMES_MAX,
        };
        return 0;
}

static int emg_decode(struct sensor_decoder *decoder, const uint8_t *payload, size_t size,
                      struct emg_block *ret) {
        size_t value_size = decoder->is_12_bit ? 2 : 1;
        size_t values = size / value_size;

        if (size == 0 || size > PAYLOAD_SIZE || size % (value_size * CHANNELS) != 0)
                return -EBADMSG;
        for (size_t i = 0; i < values && decoder->is_12_bit; i++)
                if (u16_le(payload + 2 * i) > COUNT_MAX_12)
                        return -EBADMSG;
        for (size_t i = 0; i < values; i++)
                decoder->counts[i] = decoder->is_12_bit
                                             ? (int32_t)u16_le(payload + 2 * i) - COUNT_MIDDLE_12
                                             : payload[i] - COUNT_MIDDLE_8;
        *ret = (struct emg_block){
                .index = decoder->next_index,
                .frames = (uint32_t)(values / CHANNELS),
                .channels = CHANNELS,
                .counts = decoder->counts,
        };
        decoder->next_index += ret->frames;
        return 1;
}

/* In 1/65536 g. */
static int32_t acceleration_mg(const uint8_t *bytes) {
        return (int32_t)((int64_t)i32_le(bytes) * 1000 / 65536);
}

static int typed_decode(struct sensor_decoder *decoder, const uint8_t *packet, size_t size,
                        struct emg_block *ret) {
        switch (packet[0]) {
        case DATA_EMG:
                return emg_decode(decoder, packet + 1, size - 1, ret);
        case DATA_ACCELERATION:
                if (size != 1 + ACCELERATION_SIZE)
                        return -EBADMSG;
                sensor_extras_set_acceleration(&decoder->extras, acceleration_mg(packet + 1),
                                               acceleration_mg(packet + 5), acceleration_mg(packet + 9));
                return 0;
        default:
                return packet[0] <= 0x0c ? 0 : -EBADMSG; /* other data that was not asked for */
        }
}

/* [0xff, index, bytes...]: the index counts down to 0. After a wrong one the rest of that packet is of
 * no use, up to the fragment with index 0. */
static int fragment_decode(struct sensor_decoder *decoder, const uint8_t *packet, size_t size,
                           struct emg_block *ret) {
        unsigned index;
        bool begins, fits;

        if (size < 3)
                return -EBADMSG;
        index = packet[1];
        begins = decoder->next_fragment == 0 && index > 0 && !decoder->skipping;
        if (begins)
                decoder->assembled = 0;
        fits = !decoder->skipping && decoder->assembled + size - 2 <= ASSEMBLY_MAX &&
               (begins || (decoder->next_fragment > 0 && index + 1 == decoder->next_fragment));
        if (!fits) {
                decoder->skipping = index > 0;
                decoder->next_fragment = 0;
                return -EBADMSG;
        }
        memcpy(decoder->assembly + decoder->assembled, packet + 2, size - 2);
        decoder->assembled += size - 2;
        decoder->next_fragment = index;
        if (index > 0)
                return 0;
        return decoder->assembly[0] == DATA_FRAGMENT
                       ? -EBADMSG
                       : typed_decode(decoder, decoder->assembly, decoder->assembled, ret);
}

static int reply_decode(struct sensor_decoder *decoder, const uint8_t *packet, size_t size) {
        if (size < 2 || size > REPLY_MAX)
                return -EBADMSG;
        if (packet[1] != COMMAND_BATTERY || packet[0] != REPLY_OK)
                return 0;
        if (size < 3 || packet[2] > 100)
                return -EBADMSG;
        sensor_extras_set_battery(&decoder->extras, packet[2]);
        return 0;
}

static int gforce_decode(struct sensor_decoder *decoder, unsigned source, const uint8_t *packet,
                         size_t size, struct emg_block *ret) {
        if (source == SOURCE_REPLIES)
                return reply_decode(decoder, packet, size);
        if (source != SOURCE_DATA || size < 2)
                return -EBADMSG;
        if (packet[0] == DATA_FRAGMENT)
                return fragment_decode(decoder, packet, size, ret);
        return typed_decode(decoder, packet, size, ret);
}

static const struct sensor_extras *gforce_extras(const struct sensor_decoder *decoder) {
        return &decoder->extras;
}

static const char *const notifying[] = {
        [SOURCE_REPLIES] = COMMAND_UUID, [SOURCE_DATA] = DATA_UUID, NULL};

const struct sensor_driver gforce_driver = {
        .name = "gforce",
        .title = "OYMotion gForcePro",
        .notes = "Never wear it while it charges. It does not switch itself off.",
        .service = SERVICE_UUID,
        .advertised = SERVICE_UUID,
        .notifying = notifying,
        .start = start,
        .stop = stop,
        .identify = identify,
        .keep_alive = keep_alive,
        .keep_alive_ms = 300000,
        .battery = SENSOR_BATTERY_EXTRAS,
        .packets_per_s = 63,
        .packet_size = 129,
        .match = gforce_match,
        .decoder_new = gforce_decoder_new,
        .decoder_free = gforce_decoder_free,
        .begin = gforce_begin,
        .answer = gforce_answer,
        .format = gforce_format,
        .decode = gforce_decode,
        .extras = gforce_extras,
        .accelerometer = true,
};
