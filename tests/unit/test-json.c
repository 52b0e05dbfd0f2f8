/* SPDX-License-Identifier: MIT */
/* The JSON writer: nesting, escapes, numbers in any locale, a stream that fails. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/json.h"

struct output {
        char *text;
        size_t length;
        struct json json;
};

static void output_open(struct output *output) {
        *output = (struct output){0};
        output->json = JSON_INIT(open_memstream(&output->text, &output->length));
        assert_non_null(output->json.file);
}

static void output_check(struct output *output, const char *expected) {
        assert_int_equal(json_finish(&output->json), 0);
        assert_int_equal(fclose(output->json.file), 0);
        assert_string_equal(output->text, expected);
        free(output->text);
}

static void test_nesting(void **state) {
        struct output output;
        struct json *json = &output.json;

        output_open(&output);
        json_object_begin(json, NULL);
        json_string(json, "a", "x");
        json_array_begin(json, "b");
        json_int(json, NULL, -1);
        json_uint(json, NULL, UINT64_MAX);
        json_object_begin(json, NULL);
        json_object_end(json);
        json_array_begin(json, NULL);
        json_array_end(json);
        json_array_end(json);
        json_bool(json, "c", true);
        json_bool(json, "d", false);
        json_null(json, "e");
        json_string(json, "f", NULL);
        json_object_end(json);
        output_check(
                &output,
                "{\"a\":\"x\",\"b\":[-1,18446744073709551615,{},[]],\"c\":true,\"d\":false,\"e\":null,"
                "\"f\":null}\n");
}

static void test_two_values(void **state) {
        struct output output;

        output_open(&output);
        for (int i = 0; i < 2; i++) {
                json_object_begin(&output.json, NULL);
                json_int(&output.json, "i", i);
                json_object_end(&output.json);
                if (i == 0)
                        assert_int_equal(json_finish(&output.json), 0);
        }
        output_check(&output, "{\"i\":0}\n{\"i\":1}\n");
}

static void test_strings(void **state) {
        static const struct {
                const char *text, *written;
        } strings[] = {
                {"", "\"\"\n"},
                {"Wade \xe2\x80\x93 links", "\"Wade \xe2\x80\x93 links\"\n"},
                {"\"\\/\n\t\r\x01\x1f\x7f", "\"\\\"\\\\/\\n\\t\\u000d\\u0001\\u001f\\u007f\"\n"},
                /* C1, and what turns the direction of a line. */
                {"\xc2\x9b\xe2\x80\xae\xe2\x81\xa6", "\"\\u009b\\u202e\\u2066\"\n"},
                {"\xf0\x9f\xa6\xb5", "\"\xf0\x9f\xa6\xb5\"\n"},
                /* stray, overlong, surrogate, too high, cut short */
                {"\x80"
                 "a",
                 "\"\xef\xbf\xbd"
                 "a\"\n"},
                {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"\n"},
                {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n"},
                {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n"},
                {"\xe2\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"\n"},
                {"\xb5V", "\"\xef\xbf\xbdV\"\n"},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(strings); i++) {
                struct output output;

                output_open(&output);
                json_string(&output.json, NULL, strings[i].text);
                output_check(&output, strings[i].written);
        }
}

static void test_doubles(void **state) {
        static const struct {
                double value;
                int decimals;
                const char *written;
        } doubles[] = {
                {0, 6, "0\n"},
                {-0.0, 6, "0\n"},
                {-0.0000001, 6, "0\n"},
                {1, 6, "1\n"},
                {100, 0, "100\n"},
                {1234567.891, 3, "1234567.891\n"},
                {0.5, 0, "0\n"},
                {999999.9999999, 6, "1000000\n"},
                {-0.05, 6, "-0.05\n"},
                {1760000000.123456, 6, "1760000000.123456\n"},
                {28799.123456, 6, "28799.123456\n"},
                {0.9300, 2, "0.93\n"},
                {-12.50, 2, "-12.5\n"},
                {1e20, 1, "100000000000000000000\n"},
                {NAN, 2, "null\n"},
                {INFINITY, 2, "null\n"},
                {-INFINITY, 2, "null\n"},
        };

        for (size_t i = 0; i < ARRAY_LENGTH(doubles); i++) {
                struct output output;

                output_open(&output);
                json_double(&output.json, NULL, doubles[i].value, doubles[i].decimals);
                output_check(&output, doubles[i].written);
        }
}

static void test_huge_double(void **state) {
        struct output output;

        output_open(&output);
        json_double(&output.json, NULL, -1.7976931348623157e308, 15);
        assert_int_equal(json_finish(&output.json), 0);
        assert_int_equal(fclose(output.json.file), 0);
        assert_int_equal(output.length, 1 + 309 + 1);
        free(output.text);
}

static void test_full_disk(void **state) {
        _cleanup_(fclosep) FILE *file = fopen("/dev/full", "w");
        struct json json = JSON_INIT(file);

        assert_non_null(file);
        json_int(&json, NULL, 1);
        assert_int_equal(json_finish(&json), -EIO);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nesting),     cmocka_unit_test(test_two_values),
                cmocka_unit_test(test_strings),     cmocka_unit_test(test_doubles),
                cmocka_unit_test(test_huge_double), cmocka_unit_test(test_full_disk),
        };

        return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
