/* SPDX-License-Identifier: MIT */
/* The twins' packets against vectors that were made from the published layouts by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "sensors/virtual/faults.h"
#include "sensors/virtual/twin.h"

static struct twin twin;

static unsigned characteristic_find(const char *prefix) {
        const struct gatt_characteristic *table = twin.family->characteristics;
        unsigned i = 0;

        while (strncmp(table[i].uuid, prefix, strlen(prefix)) != 0) {
                i++;
                assert_non_null(table[i].service);
        }
        return i;
}

static void setup(const char *family, const char *variant) {
        assert_int_equal(twin_init(&twin, family, variant), 0);
}

static void command(const char *uuid, const void *bytes, size_t size) {
        assert_int_equal(twin_write(&twin, characteristic_find(uuid), bytes, size), 0);
}

static void frame(int32_t a, int32_t b, int32_t c, int32_t d) {
        const int32_t counts[TWIN_CHANNELS_MAX] = {a, b, c, d};

        twin_frame(&twin, counts);
}

/* The oldest packet that waits. */
static void expect(const char *uuid, const void *bytes, size_t size) {
        assert_true(twin.out_count > 0);
        assert_int_equal(twin.out[0].characteristic, characteristic_find(uuid));
        assert_int_equal(twin.out[0].size, size);
        assert_memory_equal(twin.out[0].bytes, bytes, size);
        twin.out_count--;
        memmove(twin.out, twin.out + 1, twin.out_count * sizeof(twin.out[0]));
}

static void test_npg_lite(void **state) {
        static const uint8_t first[7] = {0, 0x08, 0x00, 0x00, 0x00, 0x0f, 0xff};

        setup("npg-lite", "3ch");
        frame(1, 2, 3, 0);
        assert_int_equal(twin.out_count, 0); /* not started */
        command("0000ff01", "start", 5);
        for (int i = 0; i < 10; i++)
                frame(2048, 0, 4095, 0);
        expect("f633d0ec", "\x50", 1);
        assert_int_equal(twin.out_count, 1);
        assert_int_equal(twin.out[0].size, 70);
        assert_int_equal(twin.out[0].frames, 10);
        assert_memory_equal(twin.out[0].bytes, first, 7);
        assert_int_equal(twin.out[0].bytes[63], 9);
        twin.out_count = 0;
        command("0000ff01", "WHORU", 5);
        expect("0000ff01", "NPG-LITE", 8);
        command("0000ff01", "Stop", 4);
        command("0000ff01", "STATUS", 6);
        expect("0000ff01", "STOPPED", 7);
}

static void test_umyo(void **state) {
        static const uint8_t begin[12] = {0xc0, 0x12, 0,    0,    0x18, 0x1f,
                                          0x22, 0x1f, 0x2c, 0x1f, 0x36, 0x1f};

        setup("umyo", "s2");
        twin.sequence = 4800;
        twin_subscribed(&twin, characteristic_find("fc7a850d"), true);
        for (int i = 0; i < 48; i++)
                frame(7960 + 10 * i, 0, 0, 0);
        assert_int_equal(twin.out_count, 3);
        assert_int_equal(twin.out[0].size, 52);
        assert_memory_equal(twin.out[0].bytes, begin, sizeof(begin));
        assert_memory_equal(twin.out[1].bytes, "\xd8\x12\0\0", 4); /* 24 later */
        assert_int_equal(twin.out[2].size, 26);
        assert_int_equal(twin.out[2].frames, 0);

        setup("umyo", "s1");
        twin_subscribed(&twin, 0, true);
        for (int i = 0; i < 24; i++)
                frame(8000, 0, 0, 0);
        assert_int_equal(twin.out[0].size, 60);
        setup("umyo", "tagged");
        twin_subscribed(&twin, 0, true);
        for (int i = 0; i < 48; i++)
                frame(8000, 0, 0, 0);
        assert_int_equal(twin.out[0].size, 53);
        assert_int_equal(twin.out[0].bytes[0], 2);
        assert_int_equal(twin.out[2].size, 27);
        assert_int_equal(twin.out[2].bytes[0], 3);
}

static void test_umyo_advert(void **state) {
        setup("umyo-advert", NULL);
        twin.battery_percent = 50;
        twin_run(&twin, true);
        frame(120, 0, 0, 0); /* the square root of 10 x 100 is 31 */
        assert_int_equal(twin.out_count, 1);
        assert_int_equal(twin.out[0].characteristic, TWIN_ADVERT);
        assert_int_equal(twin.out[0].size, 15);
        assert_memory_equal(twin.out[0].bytes, "\x00\xa5\x00\x1f\x00\x78\x00\x78\x00\x3c\x40\x00", 12);
        twin.out_count = 0;
        for (int i = 0; i < 8; i++)
                frame(0, 0, 0, 0);
        assert_int_equal(twin.out[7].bytes[0], 8 * 1150 / 10 / 8); /* blocks of 8 samples in 0.8 s */
        assert_int_equal(twin.out[7].bytes[3], 0);
}

static void gforce_start(const char *variant) {
        setup("gforce", variant);
        command("f000ffe1", "\x3f\xf4\x01\xff\x00\x80\x0c", 7);
        if (twin.variant == twin.family->variants + 1) { /* has 8 bits only */
                expect("f000ffe1", "\x02\x3f", 2);
                command("f000ffe1", "\x3f\xf4\x01\xff\x00\x80\x08", 7);
        }
        expect("f000ffe1", "\x00\x3f", 2);
        command("f000ffe1", "\x4f\x80\x00\x00\x00", 5);
        expect("f000ffe1", "\x00\x4f", 2);
        for (uint32_t i = 0; i < twin.form.packet_frames; i++)
                frame(0x0102, 0x0304, 3, 4);
}

static void test_gforce(void **state) {
        gforce_start("12-bit");
        assert_int_equal(twin.out_count, 1);
        assert_int_equal(twin.out[0].size, 129);
        assert_memory_equal(twin.out[0].bytes, "\x08\x02\x01\x04\x03\x03\x00\x04", 8);

        gforce_start("8-bit");
        assert_int_equal(twin.out[0].size, 129);
        assert_int_equal(twin.out[0].frames, 16);

        gforce_start("fragments");
        assert_int_equal(twin.out_count, 8); /* 129 bytes by 18 */
        for (unsigned i = 0; i < 8; i++) {
                assert_int_equal(twin.out[i].bytes[0], 0xff);
                assert_int_equal(twin.out[i].bytes[1], 7 - i);
                assert_int_equal(twin.out[i].frames, i == 7 ? 8 : 0);
        }
        assert_int_equal(twin.out[0].bytes[2], 0x08);
        assert_int_equal(twin.out[7].size, 2 + 129 - 7 * 18);
}

static void test_myo(void **state) {
        static const int32_t low[8] = {-8, -7, -6, -5, -4, -3, -2, -1},
                             high[8] = {0, 1, 2, 3, 4, 5, 6, 7};
        static const char *const uuids[] = {"d5060105", "d5060205", "d5060305", "d5060405"};

        setup("myo", NULL);
        assert_int_equal(
                twin_write(&twin, characteristic_find("d5060401"), (const uint8_t *)"\1\3\2", 3), 0x0d);
        command("d5060401", "\x01\x03\x02\x01\x00", 5);
        for (int i = 0; i < 5; i++) {
                twin_frame(&twin, low);
                twin_frame(&twin, high);
                expect(uuids[i % 4], "\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff\x00\x01\x02\x03\x04\x05\x06\x07",
                       16);
        }
        command("d5060401", "\x01\x03\x00\x00\x00", 5);
        twin_frame(&twin, low);
        twin_frame(&twin, low);
        assert_int_equal(twin.out_count, 0);
}

static void test_ganglion_3(void **state) {
        static const uint8_t expected[20] = {0x07, 0x00, 0x03, 0xbf, 0xff, 0x10, 0x00, 0x01, 0xff, 0xfe,
                                             0x80, 0x00, 0x40, 0x00, 0x0f, 0xff, 0xfc, 0x07, 0x88, 0x00};

        setup("ganglion", "fw3");
        command("2d30c083", "b", 1);
        /* Packet 255 first, then 0 .. 6, then the vector's. */
        for (int i = 0; i < 16; i++)
                frame(0, 0, 0, 0);
        assert_int_equal(twin.out[0].bytes[0], 255);
        assert_int_equal(twin.out[1].bytes[0], 0);
        assert_int_equal(twin.out[4].bytes[0], 3);
        assert_int_equal(twin.out[4].bytes[19], 62); /* lying still: 1 g */
        twin.out_count = 0;
        frame(1000, -1000, 0, 8388607);
        frame(-8388608, 64, -64, 123456);
        expect("2d30c082", expected, sizeof(expected));
        /* The first round has 200 samples in packets up to 98; the 201st is never sent. */
        for (int i = 18; i < 201; i++) {
                twin.out_count = 0;
                frame(i, 0, 0, 0);
        }
        for (int i = 0; i < 2; i++)
                frame(0, 0, 0, 0);
        assert_int_equal(twin.out_count, 1);
        assert_int_equal(twin.out[0].bytes[0], 0);
}

static void test_ganglion_2(void **state) {
        setup("ganglion", "fw2");
        command("2d30c083", "b", 1);
        frame(0x010203, -1, 2, 3);
        expect("2d30c082", "\0\1\2\3\xff\xff\xff\0\0\2\0\0\3\0\0\0\0\0\0\0", 20);
        frame(0x010203 - 4, -1, 2, 3);
        frame(0x010203 - 4, -1, 2, 3);
        /* new = previous - field: a field of 4, in 18 bits */
        expect("2d30c082", "\1\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
}

static void test_bitalino(void **state) {
        setup("bitalino", NULL);
        command("4051eb11", "\xc3", 1);
        assert_int_equal(twin.form.rate_mhz, 1000000);
        command("4051eb11", "\x05", 1); /* A1 alone */
        twin.sequence = 5;
        twin.digital = 0xa;
        for (int i = 0; i < 7; i++)
                frame(612, 0, 0, 0);
        assert_int_equal(twin.out_count, 1);
        assert_int_equal(twin.out[0].size, 20); /* a frame goes on in the next */
        assert_int_equal(twin.out[0].frames, 6);
        assert_memory_equal(twin.out[0].bytes, "\x90\xa9\x5b", 3);
        command("4051eb11", "\x00", 1);
        twin.out_count = 0;
        command("4051eb11", "\x07", 1);
        expect("40fdba6b", "BITalino_v5.2\n", 14);
}

static void test_envelopes(void **state) {
        setup("anr-m40", NULL);
        twin_subscribed(&twin, characteristic_find("00002a58"), true);
        frame(1023, 0, 0, 0);
        expect("00002a58", "\xff\x03", 2);
        assert_int_equal(twin_count(&twin, 1e9), 1023);
        assert_int_equal(twin_count(&twin, -5), 0);

        setup("myoware", NULL);
        twin_subscribed(&twin, 0, true);
        frame(612, 0, 0, 0);
        expect("f3a56edf", "612.00", 6);

        setup("nordic-text", "lines");
        twin_subscribed(&twin, 0, true);
        frame(12, 345, 0, 0);
        expect("6e400003", "12,345\n", 7);
        setup("nordic-text", "stream");
        twin_subscribed(&twin, 0, true);
        for (int i = 0; i < 3; i++)
                frame(12, 345, 0, 0);
        expect("6e400003", "12,345\n12,345\n12,345", 20);
}

static void test_names(void **state) {
        assert_int_equal(twin_init(&twin, "nobody", NULL), -ENOENT);
        assert_int_equal(twin_init(&twin, "myo", "huge"), -EINVAL);
        for (size_t i = 0; twin_families[i]; i++) {
                size_t count = 0;

                setup(twin_families[i]->name, NULL);
                while (twin.family->characteristics[count].service)
                        count++;
                assert_true(count > 0 && count <= GATT_CHARACTERISTICS_MAX);
                assert_true(twin.form.channels > 0 && twin.form.channels <= TWIN_CHANNELS_MAX);
        }
}

/* Any bytes at all, to every characteristic, with frames in between. */
static void test_withstands_all_writes(void **state) {
        uint32_t random = 1;

        for (size_t i = 0; twin_families[i]; i++) {
                setup(twin_families[i]->name, NULL);
                for (unsigned turn = 0; turn < 20000; turn++) {
                        uint8_t bytes[8];
                        unsigned characteristic = 0;

                        random = random * 1664525 + 1013904223;
                        memcpy(bytes, &random, 4);
                        memcpy(bytes + 4, &random, 4);
                        while (twin.family->characteristics[characteristic + 1].service &&
                               !(twin.family->characteristics[characteristic].flags &
                                 (GATT_WRITE | GATT_COMMAND)))
                                characteristic++;
                        (void)twin_write(&twin, characteristic, bytes + 1, random >> 29);
                        frame((int32_t)(random >> 20 & 255), 1, 2, 3);
                        for (size_t k = 0; k < twin.out_count; k++)
                                assert_true(twin.out[k].size <= TWIN_PACKET_MAX);
                        twin.out_count = 0;
                }
        }
}

static void test_faults(void **state) {
        struct faults faults, again;
        unsigned sent = 0;

        faults_init(&faults, 7);
        assert_int_equal(faults_parse(&faults,
                                      "loss=0.1,duplicate=0.05,malformed=0.02,silence-after=1:0.5,"
                                      "drop-after=9,battery=4,early,slow-answers=200"),
                         0);
        assert_int_equal(faults.drop_after_us, 9000000);
        assert_int_equal(faults.battery_percent, 4);
        assert_int_equal(faults.slow_answers_ms, 200);
        assert_true(faults.early);
        for (size_t i = 0; i < 8; i++) {
                static const char *const wrong[] = {
                        "loss",    "loss=2",      "loss=-1",         "fire=1",
                        "early=1", "battery=101", "silence-after=3", ""};

                assert_int_equal(faults_parse(&faults, wrong[i]), -EINVAL);
        }

        again = faults;
        setup("myo", NULL);
        for (uint64_t i = 0; i < 10000; i++) {
                struct twin_packet packet = {.size = 16, .frames = 2}, same = packet;
                unsigned times = faults_apply(&faults, &twin, &packet, i * 1000);

                assert_int_equal(faults_apply(&again, &twin, &same, i * 1000), times);
                assert_int_equal(same.size, packet.size);
                sent += times;
        }
        assert_int_equal(faults.totals.sent, sent);
        assert_int_equal(faults.totals.silenced, 500);
        assert_in_range(faults.totals.lost, 850, 1050);
        assert_in_range(faults.totals.duplicated, 350, 500);
        assert_in_range(faults.totals.malformed, 130, 220);
        assert_int_equal(sent, 10000 - 500 - faults.totals.lost + faults.totals.duplicated);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_npg_lite),
                cmocka_unit_test(test_umyo),
                cmocka_unit_test(test_umyo_advert),
                cmocka_unit_test(test_gforce),
                cmocka_unit_test(test_myo),
                cmocka_unit_test(test_ganglion_3),
                cmocka_unit_test(test_ganglion_2),
                cmocka_unit_test(test_bitalino),
                cmocka_unit_test(test_envelopes),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_withstands_all_writes),
                cmocka_unit_test(test_faults),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
