/* SPDX-License-Identifier: MIT */
/* Languages: which one a caller means, texts that are there and that are not, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/basic/language.h"

#define KNOWN "You asked for it."

static void callers_are_understood(void **state) {
        static const char *const german[] = {"de",         "de_DE.UTF-8", "de-AT",    "DE",
                                             "de_DE@euro", "de.UTF-8",    "nl:de:en", "nl_NL:de_CH",
                                             ":de",        "C:de"};
        static const char *const english[] = {"",     "en",    "en_GB.UTF-8", "C",   "POSIX", "C.UTF-8",
                                              "nl",   "en:de", "deutsch",     "d",   "_de",   ":",
                                              "::::", "nl:",   "de2",         "\377"};

        for (size_t i = 0; i < sizeof(german) / sizeof(german[0]); i++)
                assert_string_equal(language_find(german[i])->name, "de");
        for (size_t i = 0; i < sizeof(english) / sizeof(english[0]); i++)
                assert_string_equal(language_find(english[i])->name, "en");
        assert_string_equal(language_find(NULL)->name, "en");
        assert_ptr_equal(language_find(NULL), &languages[0]);
}

static void what_is_missing_stays_english(void **state) {
        const struct language *german = language_find("de"), *english = language_find("en");

        assert_string_equal(language_text(german, KNOWN), "Sie haben danach gefragt.");
        assert_string_equal(language_text(german, "Nobody has translated this."),
                            "Nobody has translated this.");
        assert_string_equal(language_text(german, ""), "");
        assert_string_equal(language_text(english, KNOWN), KNOWN);
        assert_string_equal(language_text(NULL, KNOWN), KNOWN);
        assert_null(language_text(german, NULL));
}

static void every_text_is_found(void **state) {
        for (size_t i = 0; i < languages_n; i++) {
                const struct language *language = &languages[i];

                for (size_t j = 0; j < language->n_texts; j++) {
                        const struct language_text *text = &language->texts[j];

                        assert_ptr_equal(language_text(language, text->text), text->translated);
                        if (j > 0)
                                assert_true(strcmp(language->texts[j - 1].text, text->text) < 0);
                }
        }
        assert_true(language_find("de")->n_texts > 500);
}

static void numbers_have_the_mark_of_the_language(void **state) {
        const struct language *german = language_find("de");
        char text[LANGUAGE_NUMBER_SIZE];

        language_number(german, 0.625, 2, text);
        assert_string_equal(text, "0,62");
        language_number(german, 2.5, -1, text);
        assert_string_equal(text, "2,5");
        language_number(german, 350, -1, text);
        assert_string_equal(text, "350");
        language_number(german, -1234.5, 1, text);
        assert_string_equal(text, "-1234,5");
        language_number(language_find("en"), 2.5, 1, text);
        assert_string_equal(text, "2.5");
        language_number(NULL, 2.5, -1, text);
        assert_string_equal(text, "2.5");
        language_number(german, 1e300, 20, text); /* cut, and ended */
        assert_int_equal(strlen(text), sizeof(text) - 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(callers_are_understood),
                cmocka_unit_test(what_is_missing_stays_english),
                cmocka_unit_test(every_text_is_found),
                cmocka_unit_test(numbers_have_the_mark_of_the_language),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
