/* SPDX-License-Identifier: MIT */
/*
 * Drivers of sensors with a counter of samples (NPG Lite, uMyo): layouts against vectors worked out by
 * hand from the protocols, counters over their wrap, losses to the sample, repeats, and bytes that make
 * no sense, which must neither give a sample nor move the index.
 */
#include "tests/unit/drivers-bench.h"

/* --- NPG Lite --- */

static void npg_reads_samples(void **state) {
        struct bench bench = bench_new(&npg_lite_driver, NULL);

        assert_int_equal(decode(&bench, 0, DATA(0xfe, 0x08, 0x00, 0x00, 0x00, 0x0f, 0xff)), 1);
        expect_block(&bench, 0, 1, 0);
        assert_int_equal(bench.block.channels, 3);
        assert_int_equal(bench.block.counts[0], 0);
        assert_int_equal(bench.block.counts[1], -2048);
        assert_int_equal(bench.block.counts[2], 2047);
        /* Over the counter's wrap, two samples. */
        assert_int_equal(decode(&bench, 0, DATA(0xff, 8, 1, 8, 2, 8, 3, 0x00, 8, 4, 8, 5, 8, 6)), 1);
        expect_block(&bench, 1, 2, 0);
        assert_int_equal(bench.block.counts[5], 6);
        /* The same once more, and what is malformed, change nothing. */
        assert_int_equal(decode(&bench, 0, DATA(0xff, 8, 1, 8, 2, 8, 3, 0x00, 8, 4, 8, 5, 8, 6)), 0);
        assert_int_equal(decode(&bench, 0, DATA(0x05, 8, 1, 8, 2, 8)), -EBADMSG);
        assert_int_equal(decode(&bench, 0, DATA(0x05, 0xff, 1, 8, 2, 8, 3)), -EBADMSG);
        /* Three samples lost. */
        assert_int_equal(decode(&bench, 0, DATA(0x04, 8, 1, 8, 2, 8, 3)), 1);
        expect_block(&bench, 6, 1, 1);
        bench_free(&bench);
}

static void npg_finds_holes_within_a_packet(void **state) {
        struct bench bench = bench_new(&npg_lite_driver, NULL);

        assert_int_equal(decode(&bench, 0, DATA(10, 8, 1, 8, 1, 8, 1, 14, 8, 2, 8, 2, 8, 2)), 1);
        expect_block(&bench, 0, 1, 0);
        assert_int_equal(npg_lite_driver.more(bench.decoder, &bench.block), 1);
        expect_block(&bench, 4, 1, 1);
        assert_int_equal(npg_lite_driver.more(bench.decoder, &bench.block), 0);
        bench_free(&bench);
}

static void npg_takes_its_channels_from_the_name(void **state) {
        struct bench bench =
                bench_new(&npg_lite_driver, &(struct sensor_settings){.name = "NPG-Lite-6CH:12:34"});
        static const uint8_t packet[71];

        assert_int_equal(format_of(&bench).channels, 6);
        assert_int_equal(format_of(&bench).rate, STREAM_RATE_GUESSED);
        assert_int_equal(format_of(&bench).slip_frames, 256);
        assert_int_equal(decode(&bench, 0, packet, 71), -EBADMSG);
        assert_int_equal(decode(&bench, 0, packet, 14), -EBADMSG);
        assert_int_equal(decode(&bench, 0, packet, 13), 1);
        bench_free(&bench);
        bench = bench_new(&npg_lite_driver, NULL);
        assert_int_equal(npg_lite_driver.begin(bench.decoder,
                                               &(struct sensor_settings){.name = "", .channels = 4}),
                         -ERANGE);
        bench_free(&bench);
}

static void npg_tells_its_battery(void **state) {
        struct bench bench = bench_new(&npg_lite_driver, NULL);

        assert_int_equal(npg_lite_driver.extras(bench.decoder)->battery_percent, -1);
        assert_int_equal(decode(&bench, 1, DATA(77)), 0);
        assert_int_equal(npg_lite_driver.extras(bench.decoder)->battery_percent, 77);
        assert_int_equal(decode(&bench, 1, DATA(101)), -EBADMSG);
        assert_int_equal(decode(&bench, 1, DATA(50, 50)), -EBADMSG);
        assert_int_equal(decode(&bench, 2, DATA(1, 0x04, 0x00, 0xff, 0xff, 0, 1)), 0);
        assert_int_equal(npg_lite_driver.extras(bench.decoder)->acceleration_mg[0], 1024);
        assert_int_equal(npg_lite_driver.extras(bench.decoder)->acceleration_mg[1], -1);
        bench_free(&bench);
}

/* --- uMyo --- */

static size_t umyo_packet(uint8_t *packet, uint32_t counter, size_t samples) {
        for (unsigned i = 0; i < 4; i++)
                packet[i] = (uint8_t)(counter >> 8 * i);
        for (size_t i = 0; i < samples; i++) {
                packet[4 + 2 * i] = (uint8_t)((7960 + 10 * i) & 0xff);
                packet[5 + 2 * i] = (uint8_t)((7960 + 10 * i) >> 8);
        }
        return 4 + 2 * samples;
}

static void umyo_reads_samples(void **state) {
        struct bench bench = bench_new(&umyo_driver, NULL);
        uint8_t packet[64] = {0};
        size_t size = umyo_packet(packet, 4800, 24);

        expect_bytes(packet,
                     DATA(0xc0, 0x12, 0x00, 0x00, 0x18, 0x1f, 0x22, 0x1f, 0x2c, 0x1f, 0x36, 0x1f));
        assert_int_equal(decode(&bench, 0, packet, size), 1);
        expect_block(&bench, 0, 24, 0);
        assert_int_equal(bench.block.counts[0], 7960 - 8192);
        assert_int_equal(bench.block.counts[3], 7990 - 8192);
        assert_int_equal(format_of(&bench).slip_frames, 0);

        size = umyo_packet(packet, 4824 + 48, 8); /* 48 samples lost */
        assert_int_equal(decode(&bench, 0, packet, size), 1);
        assert_int_equal(bench.block.index, 24 + 48);
        assert_int_equal(decode(&bench, 0, packet, size), 0); /* repeated */
        size = umyo_packet(packet, 4872 + 8 + 3600 * 1250 + 1, 8);
        assert_int_equal(decode(&bench, 0, packet, size), -EBADMSG);
        size = umyo_packet(packet, 0, 8); /* it began anew: the samples go on */
        assert_int_equal(decode(&bench, 0, packet, size), 1);
        expect_block(&bench, 80, 8, 0);
        bench_free(&bench);
}

static void umyo_counts_over_the_wrap(void **state) {
        struct bench bench = bench_new(&umyo_driver, NULL);
        uint8_t packet[64];

        assert_int_equal(decode(&bench, 0, packet, umyo_packet(packet, UINT32_MAX - 7, 8)), 1);
        assert_int_equal(decode(&bench, 0, packet, umyo_packet(packet, 8, 8)), 1);
        expect_block(&bench, 16, 8, 1);
        bench_free(&bench);
}

static void umyo_knows_its_lengths(void **state) {
        struct bench bench = bench_new(&umyo_driver, NULL);
        uint8_t packet[64] = {0};

        assert_int_equal(decode(&bench, 0, packet, 53), -EBADMSG); /* the first byte has to be 2 */
        packet[0] = 0x02;
        assert_int_equal(decode(&bench, 0, packet, 53), 1);
        assert_int_equal(decode(&bench, 0, packet, 52), -EBADMSG); /* the same, cut */
        for (size_t size = 0; size <= sizeof(packet); size++)
                if (size != 26 && size != 53)
                        assert_int_equal(decode(&bench, 0, packet, size), -EBADMSG);
        packet[1] = 0x10; /* 4096 of 32768 */
        packet[0] = 0x00;
        assert_int_equal(decode(&bench, 0, packet, 26), 0);
        assert_int_equal(umyo_driver.extras(bench.decoder)->acceleration_mg[0], 1000);
        bench_free(&bench);
}

static void umyo_adverts(void **state) {
        struct bench bench = bench_new(&umyo_advert_driver, NULL);
        uint8_t packet[15] = {7, 190, 0, 60, 0};

        assert_int_equal(decode(&bench, SENSOR_SOURCE_ADVERT, packet, 15), 1);
        assert_int_equal(bench.block.counts[0], 360);
        assert_int_equal(umyo_advert_driver.extras(bench.decoder)->battery_mv, 3900);
        assert_int_equal(umyo_advert_driver.extras(bench.decoder)->battery_percent, 73);
        assert_int_equal(decode(&bench, SENSOR_SOURCE_ADVERT, packet, 15), 0);
        packet[0] = 9;
        assert_int_equal(decode(&bench, SENSOR_SOURCE_ADVERT, packet, 15), 1);
        expect_block(&bench, 1, 1, 0);
        assert_int_equal(decode(&bench, SENSOR_SOURCE_ADVERT, packet, 14), -EBADMSG);
        assert_int_equal(format_of(&bench).kind, STREAM_ENVELOPE);
        assert_int_equal(
                umyo_advert_driver.begin(bench.decoder, &(struct sensor_settings){.channels = 2}),
                -ERANGE);
        bench_free(&bench);
        bench = bench_new(&umyo_advert_driver, &(struct sensor_settings){.scale_uv = 2, .channels = 1});
        assert_float_equal(format_of(&bench).scale_uv, 2, 0);
        bench_free(&bench);

        bench = bench_new(&umyo_driver, NULL);
        assert_int_equal(decode(&bench, SENSOR_SOURCE_ADVERT, packet, 15), 0);
        assert_int_equal(umyo_driver.extras(bench.decoder)->battery_mv, 3900);
        bench_free(&bench);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(npg_reads_samples),
                cmocka_unit_test(npg_finds_holes_within_a_packet),
                cmocka_unit_test(npg_takes_its_channels_from_the_name),
                cmocka_unit_test(npg_tells_its_battery),
                cmocka_unit_test(umyo_reads_samples),
                cmocka_unit_test(umyo_counts_over_the_wrap),
                cmocka_unit_test(umyo_knows_its_lengths),
                cmocka_unit_test(umyo_adverts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
