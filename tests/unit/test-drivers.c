/* SPDX-License-Identifier: MIT */
/*
 * The drivers of sensors that can be bought: layouts against vectors worked out by hand from the
 * protocols, counters over their wrap, losses to the sample, repeated packets, and bytes that make no
 * sense, which must neither give a sample nor move the index.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sensors/bytes.h"
#include "sensors/decimal-text.h"
#include "sensors/drivers.h"

#define DATA(...) ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__})

struct bench {
        const struct sensor_driver *driver;
        struct sensor_decoder *decoder;
        struct emg_block block;
};

static void expect_bytes(const uint8_t *bytes, const uint8_t *expected, size_t size) {
        for (size_t i = 0; i < size; i++)
                assert_int_equal(bytes[i], expected[i]);
}

static const struct sensor_settings no_settings = {.name = ""};

static struct bench bench_new(const struct sensor_driver *driver,
                              const struct sensor_settings *settings) {
        struct bench bench = {.driver = driver};

        assert_int_equal(driver->decoder_new(&bench.decoder), 0);
        assert_int_equal(driver->begin(bench.decoder, settings ? settings : &no_settings), 0);
        return bench;
}

static void bench_free(struct bench *bench) {
        bench->driver->decoder_free(bench->decoder);
}

static int decode(struct bench *bench, unsigned source, const void *packet, size_t size) {
        return bench->driver->decode(bench->decoder, source, packet, size, &bench->block);
}

static void expect_block(const struct bench *bench, uint64_t index, uint32_t frames, uint64_t lost) {
        assert_int_equal(bench->block.index, index);
        assert_int_equal(bench->block.frames, frames);
        assert_int_equal(bench->block.lost_packets, lost);
}

static struct stream_format format_of(const struct bench *bench) {
        struct stream_format format;

        assert_int_equal(bench->driver->format(bench->decoder, &format), 0);
        return format;
}

/* --- all of them --- */

static void every_driver_is_complete(void **state) {
        for (const struct sensor_driver *const *d = sensor_drivers; *d; d++) {
                const struct sensor_driver *driver = *d;
                unsigned sources = 0;

                assert_ptr_equal(sensor_driver_find(driver->name), driver);
                assert_true(strlen(driver->name) < 32 && strlen(driver->title) > 2);
                assert_non_null(driver->match);
                assert_non_null(driver->begin);
                assert_non_null(driver->format);
                assert_true(driver->packets_per_s > 0 && driver->packet_size > 0);
                assert_true(driver->from_adverts || (driver->service && driver->start));
                assert_true((driver->battery == SENSOR_BATTERY_EXTRAS) <= (driver->extras != NULL));
                assert_true(!driver->keep_alive == (driver->keep_alive_ms == 0));
                while (driver->notifying && driver->notifying[sources])
                        sources++;
                for (const struct sensor_step *s = driver->start; s && s->kind != SENSOR_STEP_END; s++) {
                        if (s->kind == SENSOR_STEP_SUBSCRIBE || s->kind == SENSOR_STEP_ASK)
                                assert_true(s->source < sources);
                        if (s->kind == SENSOR_STEP_WRITE || s->kind == SENSOR_STEP_ASK)
                                assert_true(s->uuid && s->value && s->size > 0);
                        if (s->kind == SENSOR_STEP_ASK || s->kind == SENSOR_STEP_PAUSE)
                                assert_true(s->limit_ms > 0);
                }
        }
}

static void every_driver_refuses_what_makes_no_sense(void **state) {
        static const uint8_t nothing[1] = {0}, much[600] = {0xa5};

        for (const struct sensor_driver *const *d = sensor_drivers; *d; d++) {
                struct bench bench = bench_new(*d, NULL);

                assert_int_equal(decode(&bench, 0, nothing, 0), -EBADMSG);
                assert_int_equal(decode(&bench, 0, much, sizeof(much)), -EBADMSG);
                assert_int_equal(decode(&bench, 100, much, 20), -EBADMSG);
                bench_free(&bench);
        }
}

static const struct sensor_driver *matched(const char *name, const char *service, size_t data_size,
                                           enum sensor_match *ret_match) {
        static const uint8_t data[32];
        const char *const services[] = {service, NULL};

        return sensor_driver_match(&(struct sensor_advert){.name = name,
                                                           .services = service ? services : NULL,
                                                           .company = data_size > 0 ? 0x1234 : -1,
                                                           .data = data,
                                                           .size = data_size},
                                   ret_match);
}

static void adverts_are_told_apart(void **state) {
        enum sensor_match match;

        assert_ptr_equal(matched("npg-lite-3CH:AA:BB", NULL, 0, &match), &npg_lite_driver);
        assert_int_equal(match, SENSOR_MATCH_YES);
        assert_ptr_equal(matched("uMyo-12", NULL, 13, &match), &umyo_driver);
        assert_int_equal(match, SENSOR_MATCH_YES);
        assert_ptr_equal(matched("gForceProX", "0000ffd0-0000-1000-8000-00805f9b34fb", 0, &match),
                         &gforce_driver);
        assert_int_equal(match, SENSOR_MATCH_YES);
        assert_ptr_equal(matched("gForceProX", NULL, 0, &match), &gforce_driver);
        assert_int_equal(match, SENSOR_MATCH_MAYBE);
        assert_ptr_equal(matched("Anna's", "d5060001-a904-deb9-4748-2c7f4a124842", 0, NULL),
                         &myo_driver);
        assert_ptr_equal(matched("Ganglion 1.3 (1a2b)", NULL, 0, NULL), &ganglion_driver);
        assert_ptr_equal(matched("BiTalino BLE", "c566488a-0882-4e1b-a6d0-0b717e652234", 0, &match),
                         &bitalino_driver);
        assert_int_equal(match, SENSOR_MATCH_YES);
        assert_ptr_equal(matched("ANR Corp M40", NULL, 0, NULL), &anr_m40_driver);
        assert_ptr_equal(matched("MyoWareSensor1", "EC3AF789-2154-49F4-A9FC-BC6C88E9E930", 0, NULL),
                         &myoware_driver);
        assert_ptr_equal(matched("MyoW1", "6e400001-b5a3-f393-e0a9-e50e24dcca9e", 0, NULL),
                         &nordic_text_driver);
        /* Services that everybody uses prove nothing. */
        assert_null(matched("lamp", "6e400001-b5a3-f393-e0a9-e50e24dcca9e", 0, NULL));
        assert_null(matched("lamp", "4fafc201-1fb5-459e-8fcc-c5c9c331914b", 0, NULL));
        assert_null(matched(NULL, NULL, 0, NULL));
}

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
        bench_free(&bench);

        bench = bench_new(&umyo_driver, NULL);
        assert_int_equal(decode(&bench, SENSOR_SOURCE_ADVERT, packet, 15), 0);
        assert_int_equal(umyo_driver.extras(bench.decoder)->battery_mv, 3900);
        bench_free(&bench);
}

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

static void ganglion_tells_impedance(void **state) {
        struct bench bench = ganglion_new("3");

        assert_int_equal(decode(&bench, 0, DATA(202, '1', '2', '0', 'Z', '\n')), 0);
        assert_float_equal(ganglion_driver.extras(bench.decoder)->impedance_ohm[1], 60, 0);
        assert_int_equal(decode(&bench, 0, DATA(202, 'Z', '\n')), -EBADMSG);
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

/* --- envelopes --- */

static void m40_reads_its_level(void **state) {
        struct bench bench = bench_new(&anr_m40_driver, NULL);

        assert_int_equal(decode(&bench, 0, DATA(0xff, 0x03)), 1);
        assert_int_equal(bench.block.counts[0], 1023);
        assert_int_equal(decode(&bench, 0, DATA(0x00, 0x04)), -EBADMSG);
        assert_int_equal(decode(&bench, 0, DATA(0x01)), -EBADMSG);
        assert_int_equal(format_of(&bench).kind, STREAM_ENVELOPE);
        bench_free(&bench);
}

static void decimals_are_strict(void **state) {
        static const struct {
                const char *text;
                int32_t value; /* INT32_MIN = none */
        } cases[] = {
                {"0", 0},
                {"12.34", 12340},
                {"-1.5", -1500},
                {" 7\r", 7000},
                {"+.25", 250},
                {"3.", 3000},
                {"1.2349", 1234},
                {"1.2.3", INT32_MIN},
                {"nan", INT32_MIN},
                {"inf", INT32_MIN},
                {"", INT32_MIN},
                {"-", INT32_MIN},
                {".", INT32_MIN},
                {"1e3", INT32_MIN},
                {"1,5", INT32_MIN},
                {"0x10", INT32_MIN},
                {"1 2", INT32_MIN},
                {"99999999999999999999", INT32_MIN},
                {"2000000.1", INT32_MIN},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                int32_t value = INT32_MIN;
                int r = decimal_text_read(cases[i].text, strlen(cases[i].text), &value);

                assert_int_equal(r == 0, cases[i].value != INT32_MIN);
                assert_int_equal(value, cases[i].value);
        }
}

static void myoware_reads_text(void **state) {
        struct bench bench =
                bench_new(&myoware_driver, &(struct sensor_settings){.name = "", .scale_uv = 2});

        assert_int_equal(decode(&bench, 0, "12.50", 5), 1);
        assert_int_equal(bench.block.counts[0], 12500);
        assert_float_equal(format_of(&bench).scale_uv * 12500, 25, 1e-9);
        assert_int_equal(decode(&bench, 0, "1.2.3", 5), -EBADMSG);
        assert_int_equal(decode(&bench, 0, "12.51", 5), 1);
        expect_block(&bench, 1, 1, 0);
        bench_free(&bench);
}

static void nordic_text_reads_lines(void **state) {
        struct bench bench = bench_new(&nordic_text_driver, NULL);
        char endless[512];

        assert_int_equal(decode(&bench, 0, "10,2", 4), 0);
        assert_int_equal(decode(&bench, 0, "047\r\n11,2048\n1", 14), 1);
        expect_block(&bench, 0, 2, 0);
        assert_int_equal(bench.block.counts[0], 10000);
        assert_int_equal(bench.block.counts[1], 11000);
        assert_int_equal(decode(&bench, 0, "2\n", 2), 1);
        assert_int_equal(bench.block.counts[0], 12000);
        /* A bad line is dropped, and the next one is good again. */
        assert_int_equal(decode(&bench, 0, "nan\n", 4), -EBADMSG);
        memset(endless, '7', sizeof(endless));
        for (int i = 0; i < 8; i++)
                assert_int_equal(decode(&bench, 0, endless, sizeof(endless)), -EBADMSG);
        assert_int_equal(decode(&bench, 0, "\n13\n", 4), 1);
        expect_block(&bench, 3, 1, 0);
        assert_int_equal(bench.block.counts[0], 13000);
        bench_free(&bench);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_driver_is_complete),
                cmocka_unit_test(every_driver_refuses_what_makes_no_sense),
                cmocka_unit_test(adverts_are_told_apart),
                cmocka_unit_test(npg_reads_samples),
                cmocka_unit_test(npg_finds_holes_within_a_packet),
                cmocka_unit_test(npg_takes_its_channels_from_the_name),
                cmocka_unit_test(npg_tells_its_battery),
                cmocka_unit_test(umyo_reads_samples),
                cmocka_unit_test(umyo_counts_over_the_wrap),
                cmocka_unit_test(umyo_knows_its_lengths),
                cmocka_unit_test(umyo_adverts),
                cmocka_unit_test(gforce_reads_12_bits),
                cmocka_unit_test(gforce_falls_back_to_8_bits),
                cmocka_unit_test(gforce_joins_fragments),
                cmocka_unit_test(myo_reads_two_samples),
                cmocka_unit_test(myo_restores_the_rotation),
                cmocka_unit_test(myo_gives_lost_ones_up),
                cmocka_unit_test(ganglion_reads_18_bits),
                cmocka_unit_test(ganglion_counts_its_rounds),
                cmocka_unit_test(ganglion_drops_the_first_of_either_form),
                cmocka_unit_test(ganglion_adds_differences),
                cmocka_unit_test(ganglion_tells_impedance),
                cmocka_unit_test(bitalino_vector),
                cmocka_unit_test(bitalino_survives_lost_notifications),
                cmocka_unit_test(bitalino_starts_within_a_frame_and_finds_flipped_bits),
                cmocka_unit_test(bitalino_starts_what_is_asked_for),
                cmocka_unit_test(m40_reads_its_level),
                cmocka_unit_test(decimals_are_strict),
                cmocka_unit_test(myoware_reads_text),
                cmocka_unit_test(nordic_text_reads_lines),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
