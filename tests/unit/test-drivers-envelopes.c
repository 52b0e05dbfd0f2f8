/* SPDX-License-Identifier: MIT */
/*
 * Drivers of sensors that send a level, and the numbers that some of them print.
 */
#include "tests/unit/drivers-bench.h"

#include "sensors/decimal-text.h"

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

        /* Of the first line only the end may have come: "3" could be the rest of "123". */
        assert_int_equal(decode(&bench, 0, "3,99\n10,2", 9), 0);
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
                cmocka_unit_test(m40_reads_its_level),
                cmocka_unit_test(decimals_are_strict),
                cmocka_unit_test(myoware_reads_text),
                cmocka_unit_test(nordic_text_reads_lines),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
