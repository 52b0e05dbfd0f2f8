/* SPDX-License-Identifier: MIT */
/* The profile: what can be said, what is refused, what is not said. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/guidance/profile.h"

static struct profile_error error;

static int set(struct profile *profile, const char *assignment) {
        memset(&error, 0, sizeof(error));
        return profile_set(profile, assignment, &error);
}

static void assert_value(const struct profile *profile, const char *key, const char *expected) {
        char value[PROFILE_VALUE_SIZE];

        assert_int_equal(profile_get(profile, key, value, sizeof(value)), 0);
        assert_string_equal(value, expected);
}

static void nothing_is_said_at_first(void **state) {
        const struct profile profile = PROFILE_EMPTY;

        for (size_t i = 0; profile_keys[i]; i++)
                assert_value(&profile, profile_keys[i], "");
        for (int factor = 0; factor < FACTOR_MAX; factor++)
                assert_int_equal(profile_answer(&profile, factor), ANSWER_UNSET);
        assert_int_equal(profile_missing(&profile), ((1U << FIELD_LOG) - 1) & ~(1U << FIELD_DIALYSIS));
}

static void what_is_set_is_read_back(void **state) {
        static const char *const values[][2] = {
                {"age", "72"},           {"sex", "female"},
                {"pregnancy", "no"},     {"diet", "vegan"},
                {"alcohol", "much"},     {"kidney-disease", "no"},
                {"dialysis", "no"},      {"liver-disease", "yes"},
                {"heart-failure", "no"}, {"medicines", "vitamin-k-antagonist,statin"},
                {"conditions", "none"},  {"supplements", "magnesium:300mg,vitamin-d:1000IU"},
        };
        struct profile profile = PROFILE_EMPTY;
        char assignment[128];

        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
                (void)snprintf(assignment, sizeof(assignment), "%s=%s", values[i][0], values[i][1]);
                assert_int_equal(set(&profile, assignment), 0);
        }
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
                assert_value(&profile, values[i][0], values[i][1]);
        assert_int_equal(profile_missing(&profile), 0);
        /* An empty value takes it back. */
        assert_int_equal(set(&profile, "medicines="), 0);
        assert_value(&profile, "medicines", "");
        assert_int_equal(profile_missing(&profile), 1U << FIELD_MEDICINES);
}

static void not_said_is_not_no(void **state) {
        struct profile profile = PROFILE_EMPTY;

        assert_int_equal(set(&profile, "medicines=none"), 0);
        assert_int_equal(profile_answer(&profile, FACTOR_STATIN), ANSWER_NO);
        assert_int_equal(profile_answer(&profile, FACTOR_CANCER), ANSWER_UNSET);
        assert_int_equal(set(&profile, "medicines=statin"), 0);
        assert_int_equal(profile_answer(&profile, FACTOR_STATIN), ANSWER_YES);
        assert_int_equal(profile_answer(&profile, FACTOR_ARB), ANSWER_NO);
        assert_int_equal(set(&profile, "kidney-disease="), 0);
        assert_int_equal(profile_answer(&profile, FACTOR_KIDNEY_DISEASE), ANSWER_UNSET);
        assert_int_equal(set(&profile, "dialysis=yes"), 0);
        assert_int_equal(profile_answer(&profile, FACTOR_KIDNEY_DISEASE), ANSWER_YES);
}

static void medicines_have_names_and_classes(void **state) {
        struct profile profile = PROFILE_EMPTY;
        size_t n = 0;
        char assignment[128];

        assert_int_equal(set(&profile, "medicines=warfarin, spironolactone ,omeprazole"), 0);
        assert_int_equal(profile_answer(&profile, FACTOR_VITAMIN_K_ANTAGONIST), ANSWER_YES);
        assert_int_equal(profile_answer(&profile, FACTOR_POTASSIUM_SPARING), ANSWER_YES);
        assert_int_equal(profile_answer(&profile, FACTOR_PPI), ANSWER_YES);
        for (int class = 0; class < FACTOR_MAX; class ++) {
                if (factor_field(class) != FIELD_MEDICINES)
                        continue;
                (void)snprintf(assignment, sizeof(assignment), "medicines=%s", factor_to_string(class));
                assert_int_equal(set(&profile, assignment), 0);
                assert_int_equal(profile_answer(&profile, class), ANSWER_YES);
                n++;
        }
        assert_true(n > 10);
}

static void faults_name_what_is_possible(void **state) {
        static const struct {
                const char *assignment;
                const char *value;
                const char *possible;
        } bad[] = {
                {"colour=red", "colour=red", "age, sex, pregnancy"},
                {"age", "age", "age, sex, pregnancy"},
                {"", "", "age, sex"},
                {"=5", "=5", "age, sex"},
                {"age=-1", "-1", ""},
                {"age=126", "126", ""},
                {"age=old", "old", ""},
                {"age=1000000000000", "1000000000000", ""},
                {"sex=other", "other", "female, male"},
                {"pregnancy=yes", "yes", "no, pregnant, breastfeeding"},
                {"diet=meat", "meat", "omnivore, vegetarian, vegan"},
                {"kidney-disease=maybe", "maybe", "no, yes"},
                {"medicines=aspirine", "aspirine", "vitamin-k-antagonist"},
                {"medicines=diabetes", "diabetes", "vitamin-k-antagonist"},
                {"medicines=none,statin", "none", ""},
                {"medicines=statin,", "", "vitamin-k-antagonist"},
                {"conditions=statin", "statin", "diabetes, hypothyroidism"},
                {"supplements=zinc:5mg", "zinc:5mg", "magnesium, potassium, calcium"},
                {"supplements=magnesium", "magnesium", ""},
                {"supplements=magnesium:300", "300", "ug, mg, g"},
                {"supplements=magnesium:-300mg", "-300mg", ""},
        };
        struct profile profile = PROFILE_EMPTY;

        assert_int_equal(set(&profile, "age=40"), 0);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                const struct profile before = profile;

                assert_int_equal(set(&profile, bad[i].assignment), -EINVAL);
                assert_non_null(strstr(error.message, "%s"));
                assert_string_equal(error.value, bad[i].value);
                assert_non_null(strstr(error.possible, bad[i].possible));
                assert_memory_equal(&profile, &before, sizeof(before));
        }
}

static void contradictions_are_refused(void **state) {
        static const char *const together[] = {"sex=female", "pregnancy=pregnant"};
        struct profile profile = PROFILE_EMPTY;

        assert_int_equal(set(&profile, "sex=male"), 0);
        assert_int_equal(set(&profile, "pregnancy=pregnant"), -EINVAL);
        assert_value(&profile, "pregnancy", "");
        /* Both at once are no contradiction. */
        assert_int_equal(profile_set_all(&profile, together, 2, &error), 0);
        assert_int_equal(set(&profile, "sex=male"), -EINVAL);
        assert_value(&profile, "sex", "female");
        assert_int_equal(set(&profile, "age=80"), -EINVAL);
        assert_int_equal(set(&profile, "age=5"), -EINVAL);
        assert_int_equal(set(&profile, "age=30"), 0);
        assert_int_equal(set(&profile, "kidney-disease=no"), 0);
        assert_int_equal(set(&profile, "dialysis=yes"), -EINVAL);
        assert_value(&profile, "dialysis", "");
}

static void ages_are_bounded_as_said(void **state) {
        static const struct {
                const char *age;
                enum factor factor;
                enum answer answer;
        } cases[] = {
                {"age=17", FACTOR_UNDER_18, ANSWER_YES}, {"age=18", FACTOR_UNDER_18, ANSWER_NO},
                {"age=50", FACTOR_OVER_50, ANSWER_NO},   {"age=51", FACTOR_OVER_50, ANSWER_YES},
                {"age=64", FACTOR_OVER_65, ANSWER_NO},   {"age=65", FACTOR_OVER_65, ANSWER_YES},
                {"age=0", FACTOR_UNDER_18, ANSWER_YES},
        };
        struct profile profile = PROFILE_EMPTY;

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                assert_int_equal(set(&profile, cases[i].age), 0);
                assert_int_equal(profile_answer(&profile, cases[i].factor), cases[i].answer);
        }
}

static void a_man_is_not_asked_for_pregnancy(void **state) {
        struct profile profile = PROFILE_EMPTY;

        assert_int_equal(set(&profile, "sex=male"), 0);
        assert_int_equal(profile_answer(&profile, FACTOR_PREGNANT), ANSWER_NO);
        assert_false(profile_missing(&profile) & (1U << FIELD_PREGNANCY));
        assert_int_equal(set(&profile, "sex=female"), 0);
        assert_int_equal(profile_answer(&profile, FACTOR_PREGNANT), ANSWER_UNSET);
}

static void too_many_supplements_are_refused(void **state) {
        struct profile profile = PROFILE_EMPTY;
        char assignment[512] = "supplements=magnesium:1mg";

        for (int i = 1; i < PROFILE_SUPPLEMENTS_MAX; i++)
                strcat(assignment, ",magnesium:1mg");
        assert_int_equal(set(&profile, assignment), 0);
        strcat(assignment, ",magnesium:1mg");
        assert_int_equal(set(&profile, assignment), -EINVAL);
        assert_int_equal(profile.n_supplements, PROFILE_SUPPLEMENTS_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_is_said_at_first),
                cmocka_unit_test(what_is_set_is_read_back),
                cmocka_unit_test(not_said_is_not_no),
                cmocka_unit_test(medicines_have_names_and_classes),
                cmocka_unit_test(faults_name_what_is_possible),
                cmocka_unit_test(contradictions_are_refused),
                cmocka_unit_test(ages_are_bounded_as_said),
                cmocka_unit_test(a_man_is_not_asked_for_pregnancy),
                cmocka_unit_test(too_many_supplements_are_refused),
        };

        return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
