/* SPDX-License-Identifier: MIT */
/*
 * People for the tests of advice, and what is dangerous to them: an oracle. It was written by hand from
 * the table of interactions of the project's nutrition facts (NIH Office of Dietary Supplements; UK SmPC
 * of magnesium; Cleveland Clinic 2019; common advice) and from the rule that what is not known counts as
 * unsafe. It never reads the shipped data, nor what profile.c makes of a profile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/guidance/advise.h"

enum { MG = 1, K = 2, CA = 4, D = 8, K2 = 16, FOOD_MG = 32, FOOD_K = 64, FOOD_K2 = 128, FLUID = 256 };

struct person_danger {
        const char *name;
        unsigned danger;
};
extern const struct person_danger drugs[], illnesses[];
extern const size_t drugs_n, illnesses_n;
/* Where a medicine stands in the list. */
size_t drug_of(const char *name);

enum said { UNSAID, NO, YES };
enum child { CHILD_UNSAID, CHILD_NO, CHILD_COMING, CHILD_NURSED };

struct person {
        int age;           /* -1: not said */
        bool female, male; /* neither: not said */
        enum child child;
        int diet;    /* 0 not said, 1 omnivore, 2 vegetarian, 3 vegan */
        int alcohol; /* 0 not said, 1 none, 2 some, 3 much */
        enum said kidneys, dialysis, liver, heart;
        int n_drugs, n_illnesses; /* -1: not said */
        size_t drugs[4], illnesses[3];
        const char *supplements; /* NULL: not said */
};

/* Nothing is unsaid, and nothing is wrong. */
extern const struct person healthy;
extern const char *const topics[];
extern const size_t topics_n;

bool takes(const struct person *person, const char *drug);
bool kidneys_ill(const struct person *person);
/* Age, pregnancy, kidneys and medicines are said. */
bool basics_known(const struct person *person);
bool amounts_safe(const struct person *person);
/* What is dangerous, for what is so and for what may be so. */
unsigned dangers(const struct person *person);
/* The bit of a nutrient as a supplement, and as food. */
unsigned danger_of(int nutrient, bool food);

/* False when the profile refuses what contradicts itself. */
bool profile_of(const struct person *person, struct profile *ret);

/* xorshift (Marsaglia 2003): the same everywhere. */
extern uint64_t random_state;
unsigned random_below(unsigned limit);
struct person random_person(void);
