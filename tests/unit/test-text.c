/* SPDX-License-Identifier: MIT */
/* Texts for people and from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/basic/text.h"

static void copies_end_at_a_character(void **state) {
        /* Of one to four bytes. */
        static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\xa6\xb5z";
        static const size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
        char copy[sizeof(text) + 8];

        for (size_t size = 1; size <= sizeof(copy); size++) {
                size_t end = size - 1 < sizeof(text) - 1 ? ends[size - 1] : sizeof(text) - 1;

                text_copy(copy, size, text);
                assert_int_equal(strlen(copy), end);
                assert_memory_equal(copy, text, end);
        }
}

static void names_are_characters(void **state) {
        assert_true(text_is_name("Wade \xc3\xa9", 8));
        assert_false(text_is_name("Wade \xc3\xa9", 7));
        assert_false(text_is_name("Wade \xc3", 8));
        assert_false(text_is_name("Wade\n", 8));
        assert_false(text_is_name("\xed\xa0\x80", 8)); /* half a pair of UTF-16 */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(copies_end_at_a_character),
                cmocka_unit_test(names_are_characters),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
