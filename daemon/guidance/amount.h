/* SPDX-License-Identifier: MIT */
/*
 * Amounts and units: reads "300mg", "1000IU", "500ml", "8h", turns compounds into elemental amounts, and
 * holds a day's sum against the upper limits. Needs knowledge.h; called for log entries, supplements of
 * the profile and advice.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/guidance/knowledge.h"

enum unit {
        UNIT_UG,
        UNIT_MG,
        UNIT_G,
        UNIT_IU, /* vitamin D only: 1 µg is 40 IU (Institute of Medicine 2011: 15 µg are 600 IU) */
        UNIT_ML,
        UNIT_L,
        UNIT_MIN,
        UNIT_H,
        UNIT_MAX
};

#define VITAMIN_D_IU_PER_UG 40.0

/* "300mg", with its end, as amount_write() writes it. */
#define AMOUNT_TEXT_SIZE 40

struct amount {
        double value;
        enum unit unit;
};

/* As struct profile_error. */
struct amount_error {
        const char *message;
        char value[64];
        char possible[512];
};

/* What can be logged with an amount: a nutrient, or one of these behind it. */
enum entry_what { ENTRY_STANDING = NUTRIENT_MAX, ENTRY_EXERCISE, ENTRY_SLEEP, ENTRY_WHAT_MAX };

enum entry_from { ENTRY_FROM_FOOD, ENTRY_FROM_SUPPLEMENT };

/* One line of the log. `amount` is as given; `base` is µg of the element (nutrients), ml (hydration) or
 * minutes (the rest). */
struct entry {
        int what; /* enum nutrient or enum entry_what */
        enum entry_from from;
        const char *compound; /* constant; NULL: the amount is elemental */
        struct amount amount;
        double base;
};

/* How a day's sum stands against the upper limit. */
struct limit_check {
        const struct knowledge_limit *limit; /* NULL: no authority sets one */
        double counted;                      /* what counts against it, in µg */
        double limit_base;                   /* in µg */
        bool above;
        bool age_assumed; /* the age is not known: the strictest limit from the age of 9 on was taken */
};

/* A number above 0 and a unit, nothing else. Returns 0 or -EINVAL. */
int amount_parse(const char *text, struct amount *ret, struct amount_error *error);

/* The same for a nutrient: refuses units that do not fit and amounts that nobody takes in a day. */
int amount_read(enum nutrient nutrient, const char *text, struct amount *ret,
                struct amount_error *error);

/* As amount_read() reads it, whatever the locale. */
void amount_write(const struct amount *amount, char text[static AMOUNT_TEXT_SIZE]);

/* In µg, or in ml for hydration. The unit must fit. */
double amount_to_base(enum nutrient nutrient, const struct amount *amount);

/* Names of what can be logged. Water is the topic hydration, and may be told by that word too. */
const char *entry_what_to_string(unsigned what);
/* The name of what was said by one word or the other; what nothing is called stays. */
const char *entry_what_of(const char *said);

/* The share of the element in a compound's weight, 0 to 1; 0 for a compound that is not known for it. */
double compound_share(enum nutrient nutrient, const char *compound);

/* The name of a nutrient's i-th compound, from 0 on; NULL beyond the last. */
const char *compound_name(enum nutrient nutrient, size_t i);

/* Reads one line of the log. `compound` may be NULL. Returns 0 or -EINVAL with `error` filled. */
int entry_read(const char *what, const char *amount, enum entry_from from, const char *compound,
               struct entry *ret, struct amount_error *error);

/* `food` and `supplement` in µg a day; the age is -1 when it is not known. Returns whether it is above.
 */
bool limit_check(enum nutrient nutrient, int age_years, double food, double supplement,
                 struct limit_check *ret);

/* The recommended amount a day in µg (ml for hydration) for this person; 0 when sex or age that it
 * depends on is not known. `ret_intake` may be NULL. */
struct profile;
double intake_recommended(const struct profile *profile, enum nutrient nutrient,
                          const struct knowledge_intake **ret_intake);
