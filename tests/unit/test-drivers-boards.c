/* SPDX-License-Identifier: MIT */
/*
 * Drivers of boards with leads (Ganglion, BITalino): packed and differing values, rounds, a byte stream
 * that loses and turns bytes.
 */
#include "tests/unit/drivers-bench.h"

/* --- Ganglion --- */

static struct bench ganglion_new(const char *version) {
        struct bench bench = bench_new(&ganglion_driver, NULL);

        assert_int_equal(ganglion_driver.answer(bench.decoder, 0, (const uint8_t *)version,
                                                version ? strlen(version) : 0),
                         1);
        return bench;
}

/* Eight values of zero. */
static int ganglion_send(struct bench *bench, uint8_t id) {
        uint8_t packet[20] = {id};

        return decode(bench, 0, packet, sizeof(packet));
}

static void ganglion_reads_18_bits(void **state) {
        static const int32_t expected[] = {896, -1024, 0, 8388480, -8388608, 0, -128, 123392};
        struct bench bench = ganglion_new("3.0.2");

        assert_int_equal(decode(&bench, 0,
                                DATA(0x07, 0x00, 0x03, 0xbf, 0xff, 0x10, 0x00, 0x01, 0xff, 0xfe, 0x80,
                                     0x00, 0x40, 0x00, 0x0f, 0xff, 0xfc, 0x07, 0x88, 0x00)),
                         1);
        for (int i = 0; i < 8; i++)
                assert_int_equal(bench.block.counts[i], expected[i]);
        /* A sign without its copy is damage. */
        assert_int_equal(decode(&bench, 0,
                                DATA(0x08, 0x80, 0x03, 0xbf, 0xff, 0x10, 0x00, 0x01, 0xff, 0xfe, 0x80,
                                     0x00, 0x40, 0x00, 0x0f, 0xff, 0xfc, 0x07, 0x88, 0x00)),
                         -EBADMSG);
        assert_float_equal(format_of(&bench).scale_uv, 0.00186995, 1e-8);
        bench_free(&bench);
}

static void ganglion_counts_its_rounds(void **state) {
        struct bench bench = ganglion_new("3");

        assert_int_equal(ganglion_send(&bench, 255), 0); /* the very first */
        for (unsigned id = 0; id < 99; id++) {           /* the first round ends early */
                assert_int_equal(ganglion_send(&bench, (uint8_t)id), 1);
                expect_block(&bench, 2 * id, 2, 0);
        }
        for (unsigned round = 0; round < 3; round++)
                for (unsigned id = 0; id < 100; id++) {
                        assert_int_equal(ganglion_send(&bench, (uint8_t)id), 1);
                        expect_block(&bench, 199 + 201 * round + 2 * id, 2, 0);
                }
        /* Five lost over the border of a round. */
        assert_int_equal(ganglion_send(&bench, 5), 1);
        expect_block(&bench, 199 + 201 * 3 + 10, 2, 5);
        assert_int_equal(ganglion_send(&bench, 5), 0); /* once more */
        assert_int_equal(ganglion_send(&bench, 208), -EBADMSG);
        assert_int_equal(ganglion_send(&bench, 6), 1);
        expect_block(&bench, 199 + 201 * 3 + 12, 2, 0);
        bench_free(&bench);
}

static void ganglion_drops_the_first_of_either_form(void **state) {
        struct bench bench = ganglion_new("3");

        assert_int_equal(ganglion_send(&bench, 99), 0);
        assert_int_equal(ganglion_send(&bench, 100), 1);
        expect_block(&bench, 0, 2, 0);
        bench_free(&bench);
}

static void ganglion_adds_differences(void **state) {
        struct bench bench = ganglion_new("2.0.1");
        uint8_t packet[20] = {0, 0, 0x03, 0xe8}; /* 1000, 0, 0, 0 */

        assert_int_equal(ganglion_send(&bench, 7), 0); /* nothing to add it to yet */
        packet[0] = 0;
        assert_int_equal(decode(&bench, 0, packet, sizeof(packet)), 1);
        /* Places 8 to 100 were lost, and what came before was of no use. */
        assert_int_equal(bench.block.frames, 1);
        assert_int_equal(bench.block.index, 2 + 2 * 93);
        assert_int_equal(bench.block.lost_packets, 93);
        assert_int_equal(bench.block.counts[0], 1000);

        packet[0] = 1;
        packet[1] = 0x00;
        packet[2] = 0x02;
        packet[3] = 0x00; /* 18 bits: 8, then zeros */
        assert_int_equal(decode(&bench, 0, packet, sizeof(packet)), 1);
        assert_int_equal(bench.block.counts[0], 1000 - 8);
        assert_int_equal(bench.block.counts[4], 1000 - 8);
        /* After a loss nothing until the next whole sample. */
        assert_int_equal(ganglion_send(&bench, 3), 0);
        assert_int_equal(ganglion_send(&bench, 4), 0);
        bench_free(&bench);
}

static void ganglion_passes_over_what_is_no_sample(void **state) {
        struct bench bench = ganglion_new("3");

        assert_int_equal(decode(&bench, 0, DATA(202, '1', '2', '0', 'Z', '\n')), 0);
        assert_int_equal(decode(&bench, 0, DATA(206, 'h', 'i')), 0);
        bench_free(&bench);
}

/* --- BITalino --- */

static unsigned crc4(const uint8_t *frame, size_t size) {
        unsigned crc = 0;

        /* By nibbles, unlike the driver. */
        for (size_t i = 0; i + 1 < 2 * size; i++) {
                unsigned nibble = i % 2 == 0 ? frame[i / 2] >> 4 : frame[i / 2] & 0xfu;

                crc ^= nibble;
                for (int b = 0; b < 4; b++)
                        crc = crc & 8 ? (crc << 1 ^ 0x13) & 0xf : crc << 1;
        }
        return crc;
}

/* A frame of one channel. */
static void bitalino_frame(uint8_t *frame, unsigned sequence, unsigned value) {
        frame[0] = (uint8_t)(value << 2);
        frame[1] = (uint8_t)(0xa0 | value >> 6);
        frame[2] = (uint8_t)(sequence << 4);
        frame[2] |= (uint8_t)crc4(frame, 3);
}

static void bitalino_vector(void **state) {
        uint8_t frame[3];

        bitalino_frame(frame, 5, 612);
        expect_bytes(frame, DATA(0x90, 0xa9, 0x5b));
}

struct bitalino_run {
        uint64_t frames, lost_frames, next_index;
        bool wrong;
};

static void bitalino_feed(struct bench *bench, const uint8_t *bytes, size_t size,
                          struct bitalino_run *run) {
        int r = decode(bench, 0, bytes, size);

        for (; r > 0; r = bitalino_driver.more(bench->decoder, &bench->block)) {
                run->lost_frames += bench->block.index - run->next_index;
                /* Values tell their true place, modulo 1000. */
                for (uint32_t i = 0; i < bench->block.frames; i++)
                        run->wrong |= (uint32_t)(bench->block.counts[i] + 512) !=
                                      (bench->block.index + i) % 1000;
                run->frames += bench->block.frames;
                run->next_index = bench->block.index + bench->block.frames;
        }
}

static void bitalino_survives_lost_notifications(void **state) {
        struct bench bench = bench_new(&bitalino_driver, NULL);
        enum { FRAMES = 20000 };
        uint8_t *bytes = malloc(3 * FRAMES);
        struct bitalino_run run = {0};
        size_t lost = 0;

        assert_non_null(bytes);
        for (unsigned i = 0; i < FRAMES; i++)
                bitalino_frame(bytes + 3 * i, i % 16, i % 1000);
        for (size_t at = 0; at < 3 * FRAMES; at += 20) {
                if (at % 1000 == 500) { /* about two in a hundred; never so many as 16 frames */
                        lost++;
                        continue;
                }
                bitalino_feed(&bench, bytes + at, at + 20 > 3 * FRAMES ? 3 * FRAMES - at : 20, &run);
        }
        assert_true(lost > 50);
        assert_false(run.wrong);
        assert_int_equal(run.frames + run.lost_frames, FRAMES - 1); /* the last one waits */
        /* 20 bytes touch at most eight frames; the one before is not confirmed, the one after not
         * believed. */
        assert_in_range(run.lost_frames, lost * 6, lost * 10);
        free(bytes);
        bench_free(&bench);
}

static void bitalino_starts_within_a_frame_and_finds_flipped_bits(void **state) {
        struct bench bench = bench_new(&bitalino_driver, NULL);
        struct bitalino_run run = {0};
        uint8_t bytes[3 * 64];

        for (unsigned i = 0; i < 64; i++)
                bitalino_frame(bytes + 3 * i, i % 16, i % 1000);
        bytes[3 * 40 + 1] ^= 0x10;
        bitalino_feed(&bench, bytes + 1, 17, &run);
        /* The first whole frame is number 1, and counts from 0. */
        assert_true(run.wrong);
        assert_int_equal(run.frames, 4);
        run.wrong = false;
        bitalino_feed(&bench, bytes + 18, 3 * 58, &run);
        /* The one with the bit, the one before it, which it would have confirmed, and the one after. */
        assert_int_equal(run.lost_frames, 3);
        assert_int_equal(run.next_index, 62);
        bench_free(&bench);
}

static void bitalino_starts_what_is_asked_for(void **state) {
        for (unsigned channels = 1; channels <= 4; channels++) {
                struct bench bench =
                        bench_new(&bitalino_driver,
                                  &(struct sensor_settings){.name = "", .channels = (uint8_t)channels});
                int step = 0;
                unsigned writes = 0;
                uint8_t last = 0;

                while (bitalino_driver.start[step].kind != SENSOR_STEP_END) {
                        if (bitalino_driver.start[step].kind == SENSOR_STEP_WRITE) {
                                writes++;
                                last = bitalino_driver.start[step].value[0];
                        }
                        step = bitalino_driver.answer(bench.decoder, (unsigned)step, NULL, 0);
                        assert_in_range(step, 1, 9);
                }
                assert_int_equal(writes, 3);
                assert_int_equal(last, 0x01 | ((1u << channels) - 1) << 2);
                assert_int_equal(format_of(&bench).channels, channels);
                bench_free(&bench);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ganglion_reads_18_bits),
                cmocka_unit_test(ganglion_counts_its_rounds),
                cmocka_unit_test(ganglion_drops_the_first_of_either_form),
                cmocka_unit_test(ganglion_adds_differences),
                cmocka_unit_test(ganglion_passes_over_what_is_no_sample),
                cmocka_unit_test(bitalino_vector),
                cmocka_unit_test(bitalino_survives_lost_notifications),
                cmocka_unit_test(bitalino_starts_within_a_frame_and_finds_flipped_bits),
                cmocka_unit_test(bitalino_starts_what_is_asked_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
