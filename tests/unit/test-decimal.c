/* SPDX-License-Identifier: MIT */
/* Decimal text to integers: exact, rounded half away from zero, and nothing but numbers is taken. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "sensors/recording/decimal.h"

static int64_t parsed(const char *text, int shift) {
        int64_t value = INT64_MIN;

        if (decimal_parse(text, strlen(text), shift, &value) != 0)
                fail_msg("\"%s\" is not taken", text);
        return value;
}

static void test_numbers(void **state) {
        static const struct {
                const char *text;
                int shift;
                int64_t value;
        } numbers[] = {
                {"0", 2, 0},
                {"-0", 2, 0},
                {"1", 0, 1},
                {"+1", 2, 100},
                {"-6.45", 2, -645},
                {"0.014", 9, 14000000},
                {"28.", 2, 2800},
                {".5", 2, 50},
                {"1e3", 0, 1000},
                {"1.5E-3", 5, 150},
                {"-4.883e-03", 8, -488300},
                {"2055.0", 0, 2055},
                {"000000000000000000000000012.34", 2, 1234},
                {"0.000000000000000000000000000001e30", 0, 1},
                {"999999999999999999", 0, INT64_C(999999999999999999)},
                {"-999999999999999999", 0, INT64_C(-999999999999999999)},
                {"1e-400000", 2, 0},
                {"0e99999999999", 2, 0},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++)
                assert_int_equal(parsed(numbers[i].text, numbers[i].shift), numbers[i].value);
}

static void test_rounding(void **state) {
        assert_int_equal(parsed("0.004", 2), 0);
        assert_int_equal(parsed("0.005", 2), 1);
        assert_int_equal(parsed("-0.005", 2), -1);
        assert_int_equal(parsed("0.00499999999999999999999999999999", 2), 0);
        assert_int_equal(parsed("0.00500000000000000000000000000000", 2), 1);
        /* 1.005 and 2.675 have no exact binary form and go wrong through a double. */
        assert_int_equal(parsed("1.005", 2), 101);
        assert_int_equal(parsed("2.675", 2), 268);
        assert_int_equal(parsed("0.5", -1), 0);
        assert_int_equal(parsed("5", -1), 1);
        assert_int_equal(parsed("4.9999", -1), 0);
        assert_int_equal(parsed("123456789.123456789123456789", 9), INT64_C(123456789123456789));
}

static void test_no_numbers(void **state) {
        static const char *const texts[] = {"",    "-",    "+",   ".",     "-.",   "e5",   "1e",
                                            "1e+", "1e5x", "1,5", "1.2.3", "0x10", "nan",  "inf",
                                            "- 1", " 1",   "1 ",  "1-",    "--1",  "1e1.5"};

        for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
                int64_t value = 42;

                assert_int_equal(decimal_parse(texts[i], strlen(texts[i]), 2, &value), -EINVAL);
                assert_int_equal(value, 42);
        }
}

static void test_out_of_range(void **state) {
        static const char *const texts[] = {"1e18", "10000000000000000", "-1e300",
                                            "1e99999999999999999999", "123456789012345678901234567890"};

        for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
                int64_t value = 42;

                assert_int_equal(decimal_parse(texts[i], strlen(texts[i]), 2, &value), -ERANGE);
                assert_int_equal(value, 42);
        }
}

static void test_length_counts(void **state) {
        int64_t value;

        assert_int_equal(decimal_parse("12.345,9", 6, 2, &value), 0);
        assert_int_equal(value, 1235);
        assert_int_equal(decimal_parse("12", 0, 2, &value), -EINVAL);
}

/* Every hundredth over a range as printf() writes it. */
static void test_against_printf(void **state) {
        for (int64_t hundredths = -120000; hundredths <= 120000; hundredths += 7) {
                char text[32];

                snprintf(text, sizeof(text), "%s%" PRId64 ".%02" PRId64, hundredths < 0 ? "-" : "",
                         (hundredths < 0 ? -hundredths : hundredths) / 100,
                         (hundredths < 0 ? -hundredths : hundredths) % 100);
                assert_int_equal(parsed(text, 2), hundredths);
                assert_int_equal(parsed(text, 5), hundredths * 1000);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers),       cmocka_unit_test(test_rounding),
                cmocka_unit_test(test_no_numbers),    cmocka_unit_test(test_out_of_range),
                cmocka_unit_test(test_length_counts), cmocka_unit_test(test_against_printf),
        };

        return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
