/* SPDX-License-Identifier: MIT */
/*
 * Drivers of arm bands without a counter (gForce, Myo): start, fragments, the rotation of four
 * characteristics, and bytes that make no sense.
 */
#include "tests/unit/drivers-bench.h"

/* --- gForce --- */

static void gforce_start(struct bench *bench, bool is_12_bit) {
        const struct sensor_driver *d = &gforce_driver;

        expect_bytes(d->start[2].value, DATA(0x3f, 0xf4, 0x01, 0xff, 0x00, 0x80, 0x0c));
        expect_bytes(d->start[5].value, DATA(0x4f, 0x80, 0x00, 0x00, 0x00));
        assert_int_equal(d->answer(bench->decoder, 0, NULL, 0), 1);
        assert_int_equal(d->answer(bench->decoder, 1, DATA(0, 0x08, 50)), -EAGAIN);
        assert_int_equal(d->answer(bench->decoder, 1, NULL, 0), 2);
        if (is_12_bit) {
                assert_int_equal(d->answer(bench->decoder, 2, DATA(0, 0x3f)), 4);
        } else {
                assert_int_equal(d->answer(bench->decoder, 2, DATA(2, 0x3f)), 3);
                assert_int_equal(d->answer(bench->decoder, 3, DATA(0, 0x3f)), 4);
        }
        assert_int_equal(d->answer(bench->decoder, 4, NULL, 0), 5);
        assert_int_equal(d->answer(bench->decoder, 5, DATA(0, 0x4f)), 6);
        assert_int_equal(d->start[6].kind, SENSOR_STEP_END);
}

static void gforce_reads_12_bits(void **state) {
        struct bench bench = bench_new(&gforce_driver, NULL);
        uint8_t packet[1 + 128];

        gforce_start(&bench, true);
        packet[0] = 0x08;
        for (unsigned i = 0; i < 64; i++) {
                packet[1 + 2 * i] = (uint8_t)(2000 + i);
                packet[2 + 2 * i] = (uint8_t)((2000 + i) >> 8);
        }
        assert_int_equal(decode(&bench, 1, packet, sizeof(packet)), 1);
        expect_block(&bench, 0, 8, 0);
        assert_int_equal(bench.block.counts[0], -48);
        assert_int_equal(bench.block.counts[63], 15);
        assert_int_equal(decode(&bench, 1, packet, 128), -EBADMSG); /* odd */
        assert_int_equal(decode(&bench, 1, packet, 1), -EBADMSG);
        packet[2] = 0x10; /* beyond 12 bits */
        assert_int_equal(decode(&bench, 1, packet, sizeof(packet)), -EBADMSG);
        packet[2] = 0x07;
        assert_int_equal(decode(&bench, 1, packet, sizeof(packet)), 1);
        expect_block(&bench, 8, 8, 0);
        assert_int_equal(format_of(&bench).slip_frames, 8);
        bench_free(&bench);
}

static void gforce_falls_back_to_8_bits(void **state) {
        struct bench bench = bench_new(&gforce_driver, NULL);
        uint8_t packet[1 + 128] = {0x08, 0, 255};

        gforce_start(&bench, false);
        assert_int_equal(decode(&bench, 1, packet, sizeof(packet)), 1);
        expect_block(&bench, 0, 16, 0);
        assert_int_equal(bench.block.counts[0], -128);
        assert_int_equal(bench.block.counts[1], 127);
        assert_int_equal(format_of(&bench).slip_frames, 16);
        assert_int_equal(gforce_driver.answer(bench.decoder, 3, DATA(2, 0x3f)), -ERANGE);
        bench_free(&bench);
}

static void gforce_joins_fragments(void **state) {
        struct bench bench = bench_new(&gforce_driver, NULL);
        uint8_t first[2 + 9] = {0xff, 2, 0x08}, second[2 + 4] = {0xff, 1}, last[2 + 4] = {0xff, 0};

        gforce_start(&bench, true);
        assert_int_equal(decode(&bench, 1, first, sizeof(first)), 0);
        assert_int_equal(decode(&bench, 1, second, sizeof(second)), 0);
        assert_int_equal(decode(&bench, 1, last, sizeof(last)), 1);
        expect_block(&bench, 0, 1, 0);
        /* One that is missing spoils the packet and no other; an index that rises is malformed. */
        assert_int_equal(decode(&bench, 1, first, sizeof(first)), 0);
        assert_int_equal(decode(&bench, 1, last, sizeof(last)), -EBADMSG);
        assert_int_equal(decode(&bench, 1, second, sizeof(second)), 0);
        second[1] = 2;
        assert_int_equal(decode(&bench, 1, second, sizeof(second)), -EBADMSG);
        second[1] = 1;
        assert_int_equal(decode(&bench, 1, second, sizeof(second)), -EBADMSG);
        assert_int_equal(decode(&bench, 1, last, sizeof(last)), -EBADMSG);
        assert_int_equal(decode(&bench, 1, first, sizeof(first)), 0);
        assert_int_equal(decode(&bench, 1, second, sizeof(second)), 0);
        assert_int_equal(decode(&bench, 1, last, sizeof(last)), 1);
        expect_block(&bench, 1, 1, 0);
        /* The battery comes as a reply. */
        assert_int_equal(decode(&bench, 0, DATA(0, 0x08, 42)), 0);
        assert_int_equal(gforce_driver.extras(bench.decoder)->battery_percent, 42);
        assert_int_equal(decode(&bench, 0, DATA(0, 0x08, 142)), -EBADMSG);
        bench_free(&bench);
}

/* --- Myo --- */

static void myo_send(struct bench *bench, unsigned source, int8_t mark) {
        uint8_t packet[16] = {(uint8_t)mark};

        assert_int_equal(decode(bench, source, packet, sizeof(packet)), 0);
}

static int myo_next(struct bench *bench) {
        return myo_driver.more(bench->decoder, &bench->block);
}

static void myo_reads_two_samples(void **state) {
        struct bench bench = bench_new(&myo_driver, NULL);

        assert_int_equal(myo_driver.answer(bench.decoder, 0, DATA(1, 0, 5, 0, 0, 0, 2, 0)), 1);
        assert_int_equal(myo_driver.answer(bench.decoder, 0, DATA(0, 0, 8, 0, 0, 0, 1, 0)),
                         -EPROTONOSUPPORT);
        assert_int_equal(myo_driver.answer(bench.decoder, 0, DATA(1, 0)), -EBADMSG);
        assert_int_equal(
                decode(&bench, 0,
                       DATA(0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff, 0, 1, 2, 3, 4, 5, 6, 7)),
                0);
        assert_int_equal(myo_next(&bench), 1);
        expect_block(&bench, 0, 2, 0);
        for (int i = 0; i < 16; i++)
                assert_int_equal(bench.block.counts[i], i - 8);
        assert_int_equal(myo_next(&bench), 0);
        assert_int_equal(
                decode(&bench, 0,
                       DATA(0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff, 0, 1, 2, 3, 4, 5, 6)),
                -EBADMSG);
        bench_free(&bench);
}

/* What arrives together is put in order; it need not begin with source 0. */
static void myo_restores_the_rotation(void **state) {
        struct bench bench = bench_new(&myo_driver, NULL);
        static const unsigned batches[] = {1, 3, 4, 5, 2, 7, 6};
        unsigned sent = 2, heard = 2;

        for (unsigned b = 0; b < 7; b++) {
                /* By sources, as sockets are read. */
                for (unsigned source = 0; source < 4; source++)
                        for (unsigned i = sent; i < sent + batches[b]; i++)
                                if (i % 4 == source)
                                        myo_send(&bench, source, (int8_t)i);
                sent += batches[b];
                while (myo_next(&bench) > 0) {
                        assert_int_equal(bench.block.counts[0], heard);
                        expect_block(&bench, 2 * (heard - 2), 2, 0);
                        heard++;
                }
                assert_int_equal(heard, sent);
        }
        bench_free(&bench);
}

static void myo_gives_lost_ones_up(void **state) {
        struct bench bench = bench_new(&myo_driver, NULL);
        uint64_t lost = 0;
        unsigned blocks = 0;

        for (unsigned i = 0; i < 40; i++) {
                if (i == 9 || i == 10 || i == 20)
                        continue;
                myo_send(&bench, i % 4, (int8_t)i);
                while (myo_next(&bench) > 0) {
                        lost += bench.block.lost_packets;
                        assert_int_equal(bench.block.index, 2 * (unsigned)bench.block.counts[0]);
                        blocks++;
                }
        }
        assert_int_equal(lost, 3);
        assert_int_equal(blocks, 37);
        bench_free(&bench);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(gforce_reads_12_bits),
                cmocka_unit_test(gforce_falls_back_to_8_bits),
                cmocka_unit_test(gforce_joins_fragments),
                cmocka_unit_test(myo_reads_two_samples),
                cmocka_unit_test(myo_restores_the_rotation),
                cmocka_unit_test(myo_gives_lost_ones_up),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
