/* SPDX-License-Identifier: MIT */
/* Amounts, units, compounds, upper limits, recommended amounts. */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/guidance/amount.h"
#include "daemon/guidance/profile.h"

static struct amount_error error;

static void amounts_are_read(void **state) {
        static const struct {
                const char *text;
                double value;
                enum unit unit;
        } good[] = {
                {"300mg", 300, UNIT_MG},   {"500ml", 500, UNIT_ML},      {"8h", 8, UNIT_H},
                {"1000IU", 1000, UNIT_IU}, {"25ug", 25, UNIT_UG},        {"25\302\265g", 25, UNIT_UG},
                {"25 mcg", 25, UNIT_UG},   {"25\316\274g", 25, UNIT_UG}, {"1.5l", 1.5, UNIT_L},
                {"0.25g", 0.25, UNIT_G},   {"90min", 90, UNIT_MIN},      {"2 L", 2, UNIT_L},
        };
        struct amount amount;

        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
                assert_int_equal(amount_parse(good[i].text, &amount, &error), 0);
                assert_true(amount.value == good[i].value);
                assert_int_equal(amount.unit, good[i].unit);
        }
}

static void others_are_refused(void **state) {
        static const char *const bad[] = {
                "",          "mg",    "300",  "-300mg", "+3mg",    "0mg",   "0.0mg",
                "1e3mg",     "1,5mg", "1.mg", ".5mg",   "1.2.3mg", "nanmg", "infmg",
                "0x1g",      "5mgs",  "5 Mg", "5  mg",  "5mg ",    " 5mg",  "1000000000000000mg",
                "300mg/day",
        };
        struct amount amount = {.value = 7, .unit = UNIT_H};

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                assert_int_equal(amount_parse(bad[i], &amount, &error), -EINVAL);
                assert_non_null(strstr(error.message, "%s"));
        }
        assert_true(amount.value == 7);
        assert_int_equal(amount_parse("5stones", &amount, &error), -EINVAL);
        assert_string_equal(error.possible, "ug, mg, g, IU, ml, l, min, h");
}

static void units_fit_what_they_measure(void **state) {
        struct amount amount;

        assert_int_equal(amount_read(NUTRIENT_MAGNESIUM, "300ml", &amount, &error), -EINVAL);
        assert_string_equal(error.possible, "ug, mg, g");
        assert_int_equal(amount_read(NUTRIENT_MAGNESIUM, "300IU", &amount, &error), -EINVAL);
        assert_int_equal(amount_read(NUTRIENT_MAGNESIUM, "300", &amount, &error), -EINVAL);
        assert_string_equal(error.possible, "ug, mg, g");
        assert_int_equal(amount_read(NUTRIENT_VITAMIN_D, "1000IU", &amount, &error), 0);
        assert_true(amount_to_base(NUTRIENT_VITAMIN_D, &amount) == 25);
        assert_int_equal(amount_read(NUTRIENT_HYDRATION, "1.5l", &amount, &error), 0);
        assert_true(amount_to_base(NUTRIENT_HYDRATION, &amount) == 1500);
        /* Absurd: a slip of the unit. */
        assert_int_equal(amount_read(NUTRIENT_VITAMIN_D, "25mg", &amount, &error), -EINVAL);
        assert_int_equal(amount_read(NUTRIENT_MAGNESIUM, "300g", &amount, &error), -EINVAL);
        assert_int_equal(amount_read(NUTRIENT_HYDRATION, "500l", &amount, &error), -EINVAL);
}

static void amounts_are_written_as_read(void **state) {
        static const char *const texts[] = {"300mg", "0.5ug",     "1.25l", "1000IU",
                                            "8h",    "0.000001g", "7.5min"};

        /* Where it is there, a locale with a comma must not matter. */
        (void)setlocale(LC_ALL, "de_DE.UTF-8");
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct amount amount, again;
                char text[AMOUNT_TEXT_SIZE];

                assert_int_equal(amount_parse(texts[i], &amount, &error), 0);
                amount_write(&amount, text);
                assert_int_equal(amount_parse(text, &again, &error), 0);
                assert_true(again.value == amount.value && again.unit == amount.unit);
        }
        (void)setlocale(LC_ALL, "C");
}

/* Shares by weight, as any table of supplements has them. */
static void compounds_hold_their_share(void **state) {
        static const struct {
                enum nutrient nutrient;
                const char *name;
                double share;
        } known[] = {
                {NUTRIENT_MAGNESIUM, "magnesium-oxide", 0.603},
                {NUTRIENT_MAGNESIUM, "magnesium-citrate", 0.1616},
                {NUTRIENT_MAGNESIUM, "magnesium-glycinate", 0.141},
                {NUTRIENT_MAGNESIUM, "magnesium-carbonate", 0.288},
                {NUTRIENT_CALCIUM, "calcium-carbonate", 0.400},
                {NUTRIENT_CALCIUM, "calcium-citrate", 0.241},
                {NUTRIENT_POTASSIUM, "potassium-chloride", 0.524},
                {NUTRIENT_POTASSIUM, "potassium-gluconate", 0.167},
        };

        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
                assert_true(fabs(compound_share(known[i].nutrient, known[i].name) - known[i].share) <
                            5e-4);
        assert_true(compound_share(NUTRIENT_CALCIUM, "magnesium-oxide") == 0);
}

static void entries_are_read(void **state) {
        struct entry entry;

        assert_int_equal(entry_read("magnesium", "300mg", ENTRY_FROM_SUPPLEMENT, NULL, &entry, &error),
                         0);
        assert_true(entry.base == 300e3);
        assert_int_equal(entry_read("magnesium", "500mg", ENTRY_FROM_SUPPLEMENT, "magnesium-oxide",
                                    &entry, &error),
                         0);
        assert_true(fabs(entry.base - 301.5e3) < 0.2e3);
        assert_string_equal(entry.compound, "magnesium-oxide");
        assert_int_equal(entry_read("water", "500ml", ENTRY_FROM_FOOD, NULL, &entry, &error), 0);
        assert_int_equal(entry.what, NUTRIENT_HYDRATION);
        assert_int_equal(entry_read("standing", "8h", ENTRY_FROM_FOOD, NULL, &entry, &error), 0);
        assert_true(entry.base == 480);
        assert_int_equal(entry_read("standing", "25h", ENTRY_FROM_FOOD, NULL, &entry, &error), -EINVAL);
        assert_int_equal(entry_read("zinc", "5mg", ENTRY_FROM_FOOD, NULL, &entry, &error), -EINVAL);
        assert_non_null(strstr(error.possible, "magnesium, potassium, calcium, vitamin-d"));
        assert_non_null(strstr(error.possible, "water, standing"));
        assert_int_equal(
                entry_read("magnesium", "5mg", ENTRY_FROM_FOOD, "calcium-citrate", &entry, &error),
                -EINVAL);
        assert_non_null(strstr(error.possible, "magnesium-oxide"));
        assert_null(strstr(error.possible, "calcium"));
}

static void limits_hold(void **state) {
        struct limit_check check;

        /* Magnesium's limit counts supplements only (Institute of Medicine 1997). */
        assert_false(limit_check(NUTRIENT_MAGNESIUM, 40, 900e3, 350e3, &check));
        assert_true(check.counted == 350e3 && check.limit_base == 350e3);
        assert_true(limit_check(NUTRIENT_MAGNESIUM, 40, 0, 351e3, &check));
        assert_true(limit_check(NUTRIENT_MAGNESIUM, 3, 0, 66e3, &check));
        assert_true(limit_check(NUTRIENT_MAGNESIUM, 8, 0, 111e3, &check));
        assert_false(limit_check(NUTRIENT_MAGNESIUM, 9, 0, 111e3, &check));

        /* Calcium counts all, and falls after 50 (Institute of Medicine 2011). */
        assert_false(limit_check(NUTRIENT_CALCIUM, 50, 1500e3, 1000e3, &check));
        assert_true(limit_check(NUTRIENT_CALCIUM, 51, 1500e3, 501e3, &check));
        assert_true(check.limit_base == 2000e3);
        assert_false(limit_check(NUTRIENT_CALCIUM, 15, 3000e3, 0, &check));

        assert_true(limit_check(NUTRIENT_VITAMIN_D, 30, 1, 100, &check));
        assert_false(limit_check(NUTRIENT_VITAMIN_D, 30, 0, 100, &check));

        /* An unknown age takes the strictest. */
        assert_true(limit_check(NUTRIENT_CALCIUM, -1, 0, 2001e3, &check));
        assert_true(check.age_assumed);

        /* None set is not "within". */
        assert_false(limit_check(NUTRIENT_POTASSIUM, 40, 0, 1e9, &check));
        assert_null(check.limit);
}

static double recommended(const char *const *assignments, size_t n, enum nutrient nutrient) {
        struct profile profile = PROFILE_EMPTY;
        struct profile_error profile_error;

        assert_int_equal(profile_set_all(&profile, assignments, n, &profile_error), 0);
        return intake_recommended(&profile, nutrient, NULL);
}

#define RECOMMENDED(nutrient, ...)                      \
        recommended((const char *const[]){__VA_ARGS__}, \
                    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *), nutrient)

static void recommended_amounts_fit_age_and_sex(void **state) {
        assert_true(RECOMMENDED(NUTRIENT_MAGNESIUM, "age=31", "sex=male") == 420e3);
        assert_true(RECOMMENDED(NUTRIENT_MAGNESIUM, "age=30", "sex=female") == 310e3);
        assert_true(RECOMMENDED(NUTRIENT_MAGNESIUM, "age=35", "sex=female", "pregnancy=pregnant") ==
                    360e3);
        assert_true(RECOMMENDED(NUTRIENT_POTASSIUM, "age=70", "sex=female") == 2600e3);
        assert_true(RECOMMENDED(NUTRIENT_CALCIUM, "age=60", "sex=female") == 1200e3);
        assert_true(RECOMMENDED(NUTRIENT_CALCIUM, "age=71") == 1200e3);
        assert_true(RECOMMENDED(NUTRIENT_VITAMIN_D, "age=71") == 20);
        assert_true(RECOMMENDED(NUTRIENT_VITAMIN_K2, "age=40", "sex=male") == 120);
        assert_true(RECOMMENDED(NUTRIENT_VITAMIN_B12, "age=40") == 2.4);
        assert_true(RECOMMENDED(NUTRIENT_HYDRATION, "age=40", "sex=male") == 2500);
        /* Not said: nothing is assumed. */
        assert_true(RECOMMENDED(NUTRIENT_MAGNESIUM, "age=31") == 0);
        assert_true(RECOMMENDED(NUTRIENT_MAGNESIUM, "sex=male") == 0);
}

/* Water is one topic and has two names; what the log once held by the other is shown by this one. */
static void test_names(void **state) {
        assert_string_equal(entry_what_of("hydration"), "water");
        assert_string_equal(entry_what_of("water"), "water");
        assert_string_equal(entry_what_of("standing"), "standing");
        assert_string_equal(entry_what_of("swelling"), "swelling");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(amounts_are_read),
                cmocka_unit_test(others_are_refused),
                cmocka_unit_test(units_fit_what_they_measure),
                cmocka_unit_test(amounts_are_written_as_read),
                cmocka_unit_test(compounds_hold_their_share),
                cmocka_unit_test(entries_are_read),
                cmocka_unit_test(limits_hold),
                cmocka_unit_test(recommended_amounts_fit_age_and_sex),
        };

        return cmocka_run_group_tests_name("amount", tests, NULL, NULL);
}
