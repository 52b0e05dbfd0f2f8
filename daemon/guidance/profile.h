/* SPDX-License-Identifier: MIT */
/*
 * What a sleeper has told of themselves: a plain structure, set by "key=value". Nothing is required.
 * "Not said" is kept apart from "no" and from "none". A change that contradicts the rest is refused and
 * changes nothing. Needs factor.h and amount.h; called by whoever keeps profiles, and read by advise.c.
 *
 * Keys: age, sex, pregnancy, diet, alcohol, kidney-disease, dialysis, liver-disease, heart-failure,
 * medicines, conditions, supplements. An empty value unsets a key. Lists are separated by commas; "none"
 * is the empty list. A supplement is NAME:AMOUNT, a day: "magnesium:300mg", "vitamin-d:1000IU".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/guidance/amount.h"
#include "daemon/guidance/factor.h"
#include "daemon/guidance/knowledge.h"

#define PROFILE_SUPPLEMENTS_MAX 16
/* Enough for every value of a key, with its end. */
#define PROFILE_VALUE_SIZE 1024

enum sex { SEX_UNSET, SEX_FEMALE, SEX_MALE };
enum pregnancy { PREGNANCY_UNSET, PREGNANCY_NO, PREGNANCY_PREGNANT, PREGNANCY_BREASTFEEDING };
enum diet { DIET_UNSET, DIET_OMNIVORE, DIET_VEGETARIAN, DIET_VEGAN };
enum alcohol { ALCOHOL_UNSET, ALCOHOL_NONE, ALCOHOL_SOME, ALCOHOL_MUCH };

struct profile_supplement {
        enum nutrient nutrient;
        struct amount amount; /* elemental, a day */
};

struct profile {
        int age_years; /* -1: not said */
        enum sex sex;
        enum pregnancy pregnancy;
        enum diet diet;
        enum alcohol alcohol;
        enum answer kidney_disease, dialysis, liver_disease, heart_failure;
        bool medicines_said, conditions_said, supplements_said;
        uint64_t medicines, conditions; /* bits of factors */
        size_t n_supplements;
        struct profile_supplement supplements[PROFILE_SUPPLEMENTS_MAX];
};

/* Why a change was refused. The message is for gettext, with one %s for `value`. */
struct profile_error {
        const char *message;
        char value[64];
        char possible[PROFILE_VALUE_SIZE]; /* what may stand there, separated by ", "; "" when not a list
                                            */
};

#define PROFILE_EMPTY ((struct profile){.age_years = -1})

/* The keys in order, NULL at the end; constant. */
extern const char *const profile_keys[];

/* Sets one "key=value". Returns 0, or -EINVAL with `error` filled and `profile` as it was. */
int profile_set(struct profile *profile, const char *assignment, struct profile_error *error);

/* Sets all of them or none: so that two keys may change together where each alone would contradict. */
int profile_set_all(struct profile *profile, const char *const *assignments, size_t n_assignments,
                    struct profile_error *error);

/* Writes the value of a key as profile_set() reads it, "" when it is not said. Returns 0, -EINVAL for an
 * unknown key, -ENOBUFS. */
int profile_get(const struct profile *profile, const char *key, char *value, size_t size);

/* Whether a factor is so. LOG factors are not of the profile: always ANSWER_UNSET. */
enum answer profile_answer(const struct profile *profile, enum factor factor);

/* A bit for each enum field of the profile that is not said and would sharpen advice. */
uint32_t profile_missing(const struct profile *profile);

/* "kidney-disease"; NULL for what is not of the profile. */
const char *field_to_string(unsigned field);
