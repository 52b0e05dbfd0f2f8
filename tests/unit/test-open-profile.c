/* SPDX-License-Identifier: MIT */
/* The driver and the encoder of the open leg-EMG profile, against the worked example of PROFILE.md. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "sensors/muscle.h"
#include "sensors/open-profile.h"

#define DRIVER (&open_profile_driver)

static const uint8_t example_value[] = {0x01, 0x02, 0x40, 0x42, 0x0F, 0x00, 0x90,
                                        0xD0, 0x03, 0x00, 0x02, 0x02, 0x02, 0x04};
static const uint8_t example_packet[] = {0x02, 0x01, 0x70, 0x11, 0x01, 0x00, 0x01, 0x00, 0xFF,
                                         0xFF, 0xFE, 0xFF, 0x2C, 0x01, 0xFF, 0x7F, 0x00, 0x80};
static const uint8_t example_next[] = {0x04, 0x01, 0x76, 0x11, 0x01, 0x00, 0x05, 0x00, 0x06, 0x00};
static const int32_t example_counts[] = {1, -1, -2, 300, 32767, -32768};

static const struct open_profile_description example = {
        .leg = LEG_RIGHT,
        .rate_mhz = 1000000,
        .scale_pv = 250000,
        .channels = 2,
        .value_size = 2,
        .muscle = {MUSCLE_GASTROCNEMIUS_MEDIALIS, MUSCLE_SOLEUS},
};

static int decoder_setup(void **state) {
        struct sensor_decoder *decoder;

        if (DRIVER->decoder_new(&decoder) < 0)
                return -1;
        *state = decoder;
        return 0;
}

static int decoder_teardown(void **state) {
        *state = DRIVER->decoder_free(*state);
        return 0;
}

static void describe_as(struct sensor_decoder *decoder,
                        const struct open_profile_description *description) {
        uint8_t value[OPEN_PROFILE_DESCRIPTION_MAX];
        struct stream_format format;
        ssize_t size = open_profile_encode_description(description, value);

        assert_true(size > 0);
        assert_int_equal(open_profile_describe(decoder, value, (size_t)size, &format), 0);
}

/* One frame of zeros at that place of the example's stream. */
static int frame_decode(struct sensor_decoder *decoder, uint16_t sequence, uint32_t counter,
                        struct emg_block *ret) {
        static const int32_t zeros[2];
        uint8_t packet[OPEN_PROFILE_PACKET_MIN];
        ssize_t size;

        size = open_profile_encode_samples(&example, sequence, counter, zeros, 1, packet,
                                           sizeof(packet));
        assert_int_equal(size, 10);
        return DRIVER->decode(decoder, 0, packet, (size_t)size, ret);
}

static void hex_print(char *text, const uint8_t *bytes, size_t size) {
        for (size_t i = 0; i < size; i++)
                text += sprintf(text, i > 0 ? " %02X" : "    %02X", bytes[i]);
        strcpy(text, "\n");
}

/* The bytes of this file are those of the document. */
static void document_has_example(void **state) {
        _cleanup_(fclosep) FILE *file = fopen(getenv("PROFILE"), "r");
        char document[32768], line[128];
        size_t size;

        assert_non_null(file);
        size = fread(document, 1, sizeof(document) - 1, file);
        assert_true(size > 1000 && size < sizeof(document) - 1);
        document[size] = 0;

        hex_print(line, example_value, sizeof(example_value));
        assert_non_null(strstr(document, line));
        hex_print(line, example_packet, sizeof(example_packet));
        assert_non_null(strstr(document, line));
        hex_print(line, example_next, sizeof(example_next));
        assert_non_null(strstr(document, line));
        assert_non_null(strstr(document, "`" OPEN_PROFILE_SERVICE_UUID "`"));
        assert_non_null(strstr(document, "`" OPEN_PROFILE_SAMPLES_UUID "`"));
        assert_non_null(strstr(document, "`" OPEN_PROFILE_DESCRIPTION_UUID "`"));
        assert_non_null(strstr(document, "`" OPEN_PROFILE_CONTROL_UUID "`"));
}

static void driver_names_characteristics(void **state) {
        assert_string_equal(DRIVER->service, OPEN_PROFILE_SERVICE_UUID);
        assert_int_equal(DRIVER->start[0].kind, SENSOR_STEP_READ);
        assert_string_equal(DRIVER->start[0].uuid, OPEN_PROFILE_DESCRIPTION_UUID);
        assert_int_equal(DRIVER->start[1].kind, SENSOR_STEP_SUBSCRIBE);
        assert_string_equal(DRIVER->notifying[0], OPEN_PROFILE_SAMPLES_UUID);
        assert_null(DRIVER->notifying[1]);
        assert_int_equal(DRIVER->start[2].kind, SENSOR_STEP_WRITE);
        assert_string_equal(DRIVER->start[2].uuid, OPEN_PROFILE_CONTROL_UUID);
        assert_int_equal(DRIVER->start[2].size, 1);
        assert_int_equal(DRIVER->start[2].value[0], 0x01);
        assert_int_equal(DRIVER->start[3].kind, SENSOR_STEP_END);
        assert_string_equal(DRIVER->stop[0].uuid, OPEN_PROFILE_CONTROL_UUID);
        assert_int_equal(DRIVER->stop[0].value[0], 0x02);
        assert_int_equal(DRIVER->stop[1].kind, SENSOR_STEP_END);
}

static void example_is_encoded(void **state) {
        uint8_t value[OPEN_PROFILE_DESCRIPTION_MAX], packet[OPEN_PROFILE_PACKET_MIN];

        assert_int_equal(open_profile_encode_description(&example, value), sizeof(example_value));
        assert_memory_equal(value, example_value, sizeof(example_value));
        assert_int_equal(open_profile_frames_fit(&example, sizeof(packet)), 3);
        assert_int_equal(open_profile_encode_samples(&example, 258, 70000, example_counts, 3, packet,
                                                     sizeof(packet)),
                         sizeof(example_packet));
        assert_memory_equal(packet, example_packet, sizeof(example_packet));
}

static void owner_scales_what_is_left_open(void **state) {
        static const struct sensor_settings settings = {.name = "", .scale_uv = 2, .channels = 1};
        struct open_profile_description open = example;
        struct stream_format format;

        assert_int_equal(DRIVER->begin(*state, &settings), 0);
        describe_as(*state, &example);
        assert_int_equal(DRIVER->format(*state, &format), 0);
        assert_true(format.scale_uv == 0.25 && format.channels == 2);
        open.scale_pv = 0;
        describe_as(*state, &open);
        assert_int_equal(DRIVER->format(*state, &format), 0);
        assert_true(format.scale_uv == 2);
        assert_int_equal(DRIVER->begin(*state, &(struct sensor_settings){.channels = 8}), -ERANGE);
}

static void example_is_decoded(void **state) {
        struct sensor_decoder *decoder = *state;
        struct stream_format format;
        struct emg_block block;

        assert_int_equal(open_profile_describe(decoder, example_value, sizeof(example_value), &format),
                         0);
        assert_int_equal(format.rate_mhz, 1000000);
        assert_int_equal(format.channels, 2);
        assert_true(format.scale_uv == 0.25);
        assert_int_equal(format.leg, LEG_RIGHT);
        assert_int_equal(format.muscle[0], MUSCLE_GASTROCNEMIUS_MEDIALIS);
        assert_int_equal(format.muscle[1], MUSCLE_SOLEUS);

        for (uint16_t i = 0; i < 258; i++)
                assert_int_equal(frame_decode(decoder, i, i * 270u, &block), 1);
        assert_int_equal(DRIVER->decode(decoder, 0, example_packet, sizeof(example_packet), &block), 1);
        assert_int_equal(block.index, 70000);
        assert_int_equal(block.lost_packets, 0);
        assert_int_equal(block.frames, 3);
        assert_int_equal(block.channels, 2);
        assert_memory_equal(block.counts, example_counts, sizeof(example_counts));
        assert_int_equal(DRIVER->more(decoder, &block), 0);

        /* The one before might still come. */
        assert_int_equal(DRIVER->decode(decoder, 0, example_next, sizeof(example_next), &block), 0);
        for (unsigned i = 1; i < OPEN_PROFILE_WAITING_MAX; i++)
                assert_int_equal(frame_decode(decoder, (uint16_t)(260 + i), 70006 + i, &block), 0);
        assert_int_equal(frame_decode(decoder, 260 + OPEN_PROFILE_WAITING_MAX,
                                      70006 + OPEN_PROFILE_WAITING_MAX, &block),
                         1);
        assert_int_equal(block.index, 70006);
        assert_int_equal(block.lost_packets, 1);
        assert_int_equal(block.frames, 1);
        assert_int_equal(block.counts[1], 6);
        for (unsigned i = 1; i <= OPEN_PROFILE_WAITING_MAX; i++) {
                assert_int_equal(DRIVER->more(decoder, &block), 1);
                assert_int_equal(block.index, 70006 + i);
                assert_int_equal(block.lost_packets, 0);
        }
        assert_int_equal(DRIVER->more(decoder, &block), 0);
}

static void three_bytes_are_signed(void **state) {
        static const struct open_profile_description wide = {
                .rate_mhz = 200000, .channels = 3, .value_size = 3};
        static const int32_t counts[] = {1, -2, -8388608};
        static const uint8_t expected[] = {0,    0,    0,    0,    0,    0,    0x01, 0x00,
                                           0x00, 0xFE, 0xFF, 0xFF, 0x00, 0x00, 0x80};
        struct sensor_decoder *decoder = *state;
        uint8_t packet[OPEN_PROFILE_PACKET_MIN];
        struct emg_block block;
        ssize_t size;

        describe_as(decoder, &wide);
        size = open_profile_encode_samples(&wide, 0, 0, counts, 1, packet, sizeof(packet));
        assert_int_equal(size, sizeof(expected));
        assert_memory_equal(packet, expected, sizeof(expected));
        assert_int_equal(DRIVER->decode(decoder, 0, packet, (size_t)size, &block), 1);
        assert_memory_equal(block.counts, counts, sizeof(counts));
        assert_int_equal(block.lost_packets, 0);
}

static void counts_saturate(void **state) {
        static const struct open_profile_description two = {
                .rate_mhz = 200000, .channels = 2, .value_size = 2};
        static const struct open_profile_description three = {
                .rate_mhz = 200000, .channels = 2, .value_size = 3};
        static const int32_t counts[] = {INT32_MAX, INT32_MIN};
        static const uint8_t expected_two[] = {0xFF, 0x7F, 0x00, 0x80};
        static const uint8_t expected_three[] = {0xFF, 0xFF, 0x7F, 0x00, 0x00, 0x80};
        uint8_t packet[OPEN_PROFILE_PACKET_MIN];

        assert_int_equal(open_profile_encode_samples(&two, 0, 0, counts, 1, packet, sizeof(packet)), 10);
        assert_memory_equal(packet + 6, expected_two, sizeof(expected_two));
        assert_int_equal(open_profile_encode_samples(&three, 0, 0, counts, 1, packet, sizeof(packet)),
                         12);
        assert_memory_equal(packet + 6, expected_three, sizeof(expected_three));
}

static void encoder_keeps_limits(void **state) {
        struct open_profile_description description = example;
        uint8_t value[OPEN_PROFILE_DESCRIPTION_MAX], packet[OPEN_PROFILE_PACKET_MIN];
        int32_t counts[8] = {};

        assert_int_equal(open_profile_encode_samples(&example, 0, 0, counts, 0, packet, sizeof(packet)),
                         -EINVAL);
        assert_int_equal(open_profile_encode_samples(&example, 0, 0, counts, 4, packet, sizeof(packet)),
                         -EMSGSIZE);
        assert_int_equal(open_profile_frames_fit(&example, 5), 0);
        assert_int_equal(open_profile_frames_fit(&example, 9), 0);

        description.channels = 7;
        assert_int_equal(open_profile_encode_description(&description, value), 19);
        description.channels = 8;
        assert_int_equal(open_profile_encode_description(&description, value), -EINVAL);
        description.channels = 5;
        description.value_size = 3;
        assert_int_equal(open_profile_encode_description(&description, value), -EINVAL);
        description.channels = 4;
        assert_int_equal(open_profile_encode_description(&description, value), 16);
        description.value_size = 4;
        assert_int_equal(open_profile_encode_description(&description, value), -EINVAL);
        description = example;
        description.leg = LEG_MAX;
        assert_int_equal(open_profile_encode_description(&description, value), -EINVAL);
        description = example;
        description.muscle[1] = MUSCLE_MAX;
        assert_int_equal(open_profile_encode_description(&description, value), -EINVAL);
        description = example;
        description.rate_mhz = 0;
        assert_int_equal(open_profile_encode_description(&description, value), -EINVAL);
}

struct description_case {
        size_t offset;
        uint8_t byte;
        int expected;
};

static void descriptions_are_judged(void **state) {
        static const struct description_case cases[] = {
                {0, 0, -EPROTONOSUPPORT}, {0, 2, -EPROTONOSUPPORT}, {10, 0, -EBADMSG},
                {10, 8, -EBADMSG},        {10, 3, -EBADMSG}, /* the third muscle is missing */
                {11, 1, -EBADMSG},        {11, 4, -EBADMSG},        {4, 0, -ERANGE}, /* 16.9 Hz */
                {5, 1, -ERANGE},                                                     /* 17.8 kHz */
        };
        struct stream_format format, untouched;
        uint8_t value[OPEN_PROFILE_DESCRIPTION_MAX + 1];

        memset(&format, 0x55, sizeof(format));
        untouched = format;
        for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
                memcpy(value, example_value, sizeof(example_value));
                value[cases[i].offset] = cases[i].byte;
                assert_int_equal(open_profile_describe(*state, value, sizeof(example_value), &format),
                                 cases[i].expected);
        }
        for (size_t size = 0; size < sizeof(example_value); size++)
                assert_int_equal(open_profile_describe(*state, example_value, size, &format), -EBADMSG);
        memset(value, 0, sizeof(value));
        memcpy(value, example_value, sizeof(example_value));
        assert_int_equal(open_profile_describe(*state, value, sizeof(value), &format), -EBADMSG);
        memset(value + 2, 0, 4);
        assert_int_equal(open_profile_describe(*state, value, sizeof(example_value), &format), -EBADMSG);
        assert_memory_equal(&format, &untouched, sizeof(format));
}

static void descriptions_may_grow(void **state) {
        struct stream_format format;
        uint8_t value[OPEN_PROFILE_DESCRIPTION_MAX];

        memset(value, 0xEE, sizeof(value));
        memcpy(value, example_value, sizeof(example_value));
        value[1] = 3; /* a third leg */
        value[12] = MUSCLE_MAX;
        memset(value + 6, 0, 4);
        assert_int_equal(open_profile_describe(*state, value, sizeof(value), &format), 0);
        assert_int_equal(format.leg, LEG_UNSPECIFIED);
        assert_int_equal(format.muscle[0], MUSCLE_UNSPECIFIED);
        assert_int_equal(format.muscle[1], MUSCLE_SOLEUS);
        assert_true(format.scale_uv == 0);
}

static void rate_limits_are_accepted(void **state) {
        struct open_profile_description description = example;

        description.rate_mhz = 200000;
        describe_as(*state, &description);
        description.rate_mhz = 2000000;
        describe_as(*state, &description);
}

static void malformed_packets_change_nothing(void **state) {
        struct sensor_decoder *decoder = *state;
        uint8_t packet[OPEN_PROFILE_PACKET_MAX + 4];
        struct emg_block block = {.index = 77};

        memset(packet, 0, sizeof(packet));
        /* Before the description. */
        assert_int_equal(DRIVER->decode(decoder, 0, packet, 10, &block), -EBADMSG);

        describe_as(decoder, &example);
        for (size_t size = 0; size < 10; size++)
                assert_int_equal(DRIVER->decode(decoder, 0, packet, size, &block), -EBADMSG);
        assert_int_equal(DRIVER->decode(decoder, 0, packet, 11, &block), -EBADMSG);
        assert_int_equal(DRIVER->decode(decoder, 0, packet, 12, &block), -EBADMSG);
        assert_int_equal(DRIVER->decode(decoder, 0, packet, sizeof(packet), &block), -EBADMSG);
        assert_int_equal(DRIVER->decode(decoder, 1, packet, 10, &block), -EBADMSG);
        assert_int_equal(block.index, 77);

        assert_int_equal(frame_decode(decoder, 0, 0, &block), 1);
        assert_int_equal(block.index, 0);
        assert_int_equal(block.lost_packets, 0);
}

static void largest_packet_is_decoded(void **state) {
        static const struct open_profile_description one = {
                .rate_mhz = 200000, .channels = 1, .value_size = 2};
        uint8_t packet[OPEN_PROFILE_PACKET_MAX] = {};
        struct emg_block block;

        describe_as(*state, &one);
        packet[OPEN_PROFILE_PACKET_MAX - 2] = 42;
        assert_int_equal(DRIVER->decode(*state, 0, packet, sizeof(packet), &block), 1);
        assert_int_equal(block.frames, 254);
        assert_int_equal(block.counts[253], 42);
}

static void old_packets_are_ignored(void **state) {
        struct sensor_decoder *decoder = *state;
        struct emg_block block;

        describe_as(decoder, &example);
        assert_int_equal(frame_decode(decoder, 0, 0, &block), 1);
        assert_int_equal(frame_decode(decoder, 1, 1, &block), 1);
        assert_int_equal(frame_decode(decoder, 1, 1, &block), 0);
        assert_int_equal(frame_decode(decoder, 0, 0, &block), 0);
        assert_int_equal(frame_decode(decoder, 2, 2, &block), 1);
        assert_int_equal(block.index, 2);
        assert_int_equal(block.lost_packets, 0);
}

static void counters_that_disagree_are_malformed(void **state) {
        struct sensor_decoder *decoder = *state;
        struct emg_block block;

        describe_as(decoder, &example);
        assert_int_equal(frame_decode(decoder, 0, 100, &block), 1);
        /* Back in time with the next sequence, and before the start. */
        assert_int_equal(frame_decode(decoder, 1, 50, &block), -EBADMSG);
        assert_int_equal(frame_decode(decoder, UINT16_MAX, UINT32_MAX, &block), -EBADMSG);
        /* Three notifications missing, but time for two frames only. */
        assert_int_equal(frame_decode(decoder, 4, 103, &block), -EBADMSG);
        assert_int_equal(frame_decode(decoder, 4, 104, &block), 0);
        assert_int_equal(frame_decode(decoder, 1, 101, &block), 1);
        assert_int_equal(block.index, 101);
}

/* As they come from a bluetoothd that is the sensor: each frame once, in order, nothing lost. */
static void overtaken_packets_are_put_in_order(void **state) {
        static const uint16_t arrival[] = {0, 2, 1, 3, 5, 6, 4, 15, 14, 13, 12, 11, 10, 9, 8, 7, 16};
        struct emg_block block;
        uint64_t next = 0;

        describe_as(*state, &example);
        for (size_t i = 0; i < ARRAY_LENGTH(arrival); i++) {
                int r = frame_decode(*state, arrival[i], arrival[i], &block);

                assert_int_equal(r, arrival[i] == next);
                for (; r > 0; r = DRIVER->more(*state, &block)) {
                        assert_int_equal(block.index, next);
                        assert_int_equal(block.lost_packets, 0);
                        next++;
                }
        }
        assert_int_equal(next, ARRAY_LENGTH(arrival));
}

static void waiting_packets_are_not_taken_twice(void **state) {
        struct emg_block block;

        describe_as(*state, &example);
        assert_int_equal(frame_decode(*state, 1, 1, &block), 0);
        assert_int_equal(frame_decode(*state, 1, 1, &block), 0);
        assert_int_equal(frame_decode(*state, 0, 0, &block), 1);
        assert_int_equal(block.frames_after, 1);
        assert_int_equal(DRIVER->more(*state, &block), 1);
        assert_int_equal(block.index, 1);
        assert_int_equal(block.frames_after, 0);
        assert_int_equal(DRIVER->more(*state, &block), 0);
        assert_int_equal(frame_decode(*state, 1, 1, &block), 0);
}

/* One with a forged counter only waits, while the stream goes on. */
static void forged_counter_does_not_disturb(void **state) {
        struct emg_block block;

        describe_as(*state, &example);
        assert_int_equal(frame_decode(*state, 0, 0, &block), 1);
        assert_int_equal(frame_decode(*state, 30000, 3000000, &block), 0);
        for (uint16_t i = 1; i < 1000; i++) {
                assert_int_equal(frame_decode(*state, i, i, &block), 1);
                assert_int_equal(block.index, i);
                assert_int_equal(block.lost_packets, 0);
                assert_int_equal(DRIVER->more(*state, &block), 0);
        }
}

static void too_late_is_lost(void **state) {
        struct emg_block block;
        uint16_t i;

        describe_as(*state, &example);
        for (i = 1; i <= OPEN_PROFILE_WAITING_MAX; i++)
                assert_int_equal(frame_decode(*state, i, i, &block), 0);
        assert_int_equal(frame_decode(*state, i, i, &block), 1);
        assert_int_equal(block.index, 1);
        assert_int_equal(block.lost_packets, 1);
        assert_int_equal(block.frames_after, i - 1);
        assert_int_equal(frame_decode(*state, 0, 0, &block), 0);
        for (uint16_t k = 2; k <= i; k++) {
                assert_int_equal(DRIVER->more(*state, &block), 1);
                assert_int_equal(block.index, k);
                assert_int_equal(block.frames_after, i - k);
                assert_int_equal(block.lost_packets, 0);
        }
}

/* Two are missing; the later of them comes when all places are taken. */
static void first_of_two_holes_is_given_up(void **state) {
        struct emg_block block;
        uint16_t i;

        describe_as(*state, &example);
        for (i = 2; i < 2 + OPEN_PROFILE_WAITING_MAX; i++)
                assert_int_equal(frame_decode(*state, i, i, &block), 0);
        assert_int_equal(frame_decode(*state, 1, 1, &block), 1);
        assert_int_equal(block.index, 1);
        assert_int_equal(block.lost_packets, 1);
        for (uint16_t k = 2; k < i; k++) {
                assert_int_equal(DRIVER->more(*state, &block), 1);
                assert_int_equal(block.index, k);
        }
        assert_int_equal(DRIVER->more(*state, &block), 0);
}

static void end_gives_up_what_is_missing(void **state) {
        struct emg_block block;

        describe_as(*state, &example);
        assert_int_equal(frame_decode(*state, 0, 0, &block), 1);
        assert_int_equal(frame_decode(*state, 2, 2, &block), 0);
        assert_int_equal(frame_decode(*state, 5, 5, &block), 0);
        assert_int_equal(frame_decode(*state, 30000, 3000000, &block), 0); /* forged */
        assert_int_equal(DRIVER->finish(*state, &block), 1);
        assert_int_equal(block.index, 2);
        assert_int_equal(block.lost_packets, 1);
        assert_int_equal(DRIVER->finish(*state, &block), 1);
        assert_int_equal(block.index, 5);
        assert_int_equal(block.lost_packets, 2);
        assert_int_equal(DRIVER->finish(*state, &block), 0);
}

/* A sensor that was silent for long after its start, and whose link is lost soon after. */
static void end_believes_packets_that_agree(void **state) {
        struct emg_block block;

        describe_as(*state, &example);
        for (uint16_t i = 400; i < 405; i++)
                assert_int_equal(frame_decode(*state, i, i * 20u, &block), 0);
        assert_int_equal(DRIVER->finish(*state, &block), 0);

        describe_as(*state, &example);
        for (uint16_t i = 8000; i < 8005; i++)
                assert_int_equal(frame_decode(*state, i, i, &block), 0);
        for (uint16_t i = 8000; i < 8005; i++) {
                assert_int_equal(DRIVER->finish(*state, &block), 1);
                assert_int_equal(block.index, i);
        }
        assert_int_equal(DRIVER->finish(*state, &block), 0);
}

static void gap_without_loss(void **state) {
        struct emg_block block;

        describe_as(*state, &example);
        assert_int_equal(frame_decode(*state, 0, 0, &block), 1);
        assert_int_equal(frame_decode(*state, 1, 5000, &block), 1);
        assert_int_equal(block.index, 5000);
        assert_int_equal(block.lost_packets, 0);
}

static void time_jumps_an_hour_at_most(void **state) {
        struct emg_block block;

        describe_as(*state, &example);
        assert_int_equal(frame_decode(*state, 0, 0, &block), 1);
        assert_int_equal(frame_decode(*state, 1, 1 + 3600000 + 1, &block), -EBADMSG);
        assert_int_equal(frame_decode(*state, 1, UINT32_MAX / 2, &block), -EBADMSG);
        assert_int_equal(frame_decode(*state, 1, 1 + 3600000, &block), 1);
        assert_int_equal(block.index, 3600001);
}

static void counters_wrap(void **state) {
        uint64_t index = 0, step = 3600000;
        uint16_t sequence = 0;
        struct emg_block block;

        describe_as(*state, &example);
        for (; index < UINT64_C(3) << 32; index += step, sequence++) {
                assert_int_equal(frame_decode(*state, sequence, (uint32_t)index, &block), 1);
                assert_true(block.index == index);
                assert_int_equal(block.lost_packets, 0);
        }
        for (unsigned i = 0; i < 70000; i++, sequence++) {
                assert_int_equal(frame_decode(*state, sequence, (uint32_t)(index + i), &block), 1);
                assert_true(block.index == index + i);
        }
}

/* More lost than the sequence can count: the sample counter still goes on. */
static void long_loss_does_not_deafen(void **state) {
        struct emg_block block;

        describe_as(*state, &example);
        assert_int_equal(frame_decode(*state, 0, 0, &block), 1);
        for (unsigned i = 0; i < OPEN_PROFILE_WAITING_MAX; i++)
                assert_int_equal(frame_decode(*state, (uint16_t)(50000 + i), 900000 + i, &block), 0);
        assert_int_equal(frame_decode(*state, 50000 + OPEN_PROFILE_WAITING_MAX,
                                      900000 + OPEN_PROFILE_WAITING_MAX, &block),
                         1);
        assert_int_equal(block.index, 900000);
        assert_int_equal(block.lost_packets, 49999);
        assert_int_equal(DRIVER->more(*state, &block), 1);
        assert_int_equal(block.index, 900001);
        assert_int_equal(block.lost_packets, 0);
}

static void description_restarts(void **state) {
        struct emg_block block;

        describe_as(*state, &example);
        assert_int_equal(frame_decode(*state, 0, 100000, &block), 1);
        assert_int_equal(frame_decode(*state, 0, 0, &block), 0);
        assert_int_equal(frame_decode(*state, 2, 100002, &block), 0);
        describe_as(*state, &example);
        assert_int_equal(frame_decode(*state, 0, 0, &block), 1);
        assert_int_equal(block.index, 0);
        assert_int_equal(DRIVER->more(*state, &block), 0);
}

struct account {
        uint64_t frames;
        uint64_t lost;
        uint64_t next_index;
};

/* Takes a block and those after it; the counts of a frame follow from its number. */
static void account_take(struct account *account, struct sensor_decoder *decoder,
                         struct emg_block *block) {
        do {
                assert_true(block->index >= account->next_index);
                assert_int_equal(block->index - account->next_index, 3 * block->lost_packets);
                for (uint32_t i = 0; i < block->frames * 2; i++)
                        assert_int_equal(block->counts[i], (int16_t)(block->index * 2 + i));
                account->next_index = block->index + block->frames;
                account->frames += block->frames;
                account->lost += block->lost_packets;
        } while (DRIVER->more(decoder, block) > 0);
}

static uint64_t random_next(uint64_t *random) {
        *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return *random >> 33;
}

/* Loss, repetition, damage and disorder at random: what is decoded is what was sent, and the counts add
 * up. */
static void random_stream_is_accounted_for(void **state) {
        struct sensor_decoder *decoder = *state;
        struct account account = {};
        uint64_t random = 1, lost = 0;
        uint32_t order[4], sent = 100000;

        describe_as(decoder, &example);
        for (uint32_t i = 0; i < sent; i++) {
                uint8_t packet[OPEN_PROFILE_PACKET_MIN];
                struct emg_block block;
                int32_t counts[6];
                uint32_t number;
                size_t size;

                /* Four at a time change places. */
                if (i % 4 == 0)
                        for (uint32_t k = 0; k < 4; k++) {
                                uint32_t other = (uint32_t)(random_next(&random) % (k + 1));

                                order[k] = order[other];
                                order[other] = i + k;
                        }
                number = order[i % 4];
                for (unsigned k = 0; k < 6; k++)
                        counts[k] = (int16_t)(number * 6 + k);
                size = (size_t)open_profile_encode_samples(&example, (uint16_t)number, number * 3,
                                                           counts, 3, packet, sizeof(packet));
                switch (i + 100 < sent ? random_next(&random) % 16 : 15) {
                case 0:
                        lost++;
                        continue;
                case 1: /* torn, in the middle of a frame */
                        assert_int_equal(DRIVER->decode(decoder, 0, packet,
                                                        size - 1 - random_next(&random) % 3, &block),
                                         -EBADMSG);
                        break;
                case 2: /* a wild counter */
                        packet[5] ^= 0x40;
                        assert_int_equal(DRIVER->decode(decoder, 0, packet, size, &block), -EBADMSG);
                        packet[5] ^= 0x40;
                        break;
                default:
                        break;
                }
                if (DRIVER->decode(decoder, 0, packet, size, &block) > 0)
                        account_take(&account, decoder, &block);
                if (random_next(&random) % 16 == 0)
                        assert_int_equal(DRIVER->decode(decoder, 0, packet, size, &block), 0);
        }
        assert_true(lost > 1000);
        assert_int_equal(account.lost, lost);
        assert_int_equal(account.frames, 3 * (sent - lost));
        assert_int_equal(account.next_index, 3 * sent);
}

#define decoder_test(function) cmocka_unit_test_setup_teardown(function, decoder_setup, decoder_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(document_has_example),
                cmocka_unit_test(driver_names_characteristics),
                cmocka_unit_test(example_is_encoded),
                cmocka_unit_test(counts_saturate),
                decoder_test(owner_scales_what_is_left_open),
                cmocka_unit_test(encoder_keeps_limits),
                decoder_test(example_is_decoded),
                decoder_test(three_bytes_are_signed),
                decoder_test(descriptions_are_judged),
                decoder_test(descriptions_may_grow),
                decoder_test(rate_limits_are_accepted),
                decoder_test(malformed_packets_change_nothing),
                decoder_test(largest_packet_is_decoded),
                decoder_test(old_packets_are_ignored),
                decoder_test(counters_that_disagree_are_malformed),
                decoder_test(overtaken_packets_are_put_in_order),
                decoder_test(waiting_packets_are_not_taken_twice),
                decoder_test(forged_counter_does_not_disturb),
                decoder_test(too_late_is_lost),
                decoder_test(first_of_two_holes_is_given_up),
                decoder_test(end_gives_up_what_is_missing),
                decoder_test(end_believes_packets_that_agree),
                decoder_test(gap_without_loss),
                decoder_test(time_jumps_an_hour_at_most),
                decoder_test(counters_wrap),
                decoder_test(long_loss_does_not_deafen),
                decoder_test(description_restarts),
                decoder_test(random_stream_is_accounted_for),
        };

        return cmocka_run_group_tests_name("open-profile", tests, NULL, NULL);
}
