/* SPDX-License-Identifier: MIT */
/*
 * Advice on its way: what the parts of advise() share. Private to advise*.c: advise.c finds out what is
 * so of the sleeper and puts all together, advise-flags.c says what cannot wait, advise-statements.c
 * picks what fits.
 */
#pragma once

#include "daemon/guidance/advise.h"

/* Whose amounts a doctor decides, and nobody else. */
#define POPULATION                                                                                      \
        (FACTOR_BIT(FACTOR_UNDER_18) | FACTOR_BIT(FACTOR_PREGNANT) | FACTOR_BIT(FACTOR_BREASTFEEDING) | \
         FACTOR_BIT(FACTOR_KIDNEY_DISEASE) | FACTOR_BIT(FACTOR_DIALYSIS) |                              \
         FACTOR_BIT(FACTOR_LIVER_DISEASE) | FACTOR_BIT(FACTOR_HEART_FAILURE))
/* What must be known before food is named. The medicines are said or not as a whole, so that one stands
 * for all of them. */
#define BASICS                                                       \
        (FACTOR_BIT(FACTOR_UNDER_18) | FACTOR_BIT(FACTOR_PREGNANT) | \
         FACTOR_BIT(FACTOR_KIDNEY_DISEASE) | FACTOR_BIT(FACTOR_OTHER_MEDICINE))

/* What is so, what is not known; all else is known not to be so. */
struct facts {
        uint64_t yes, unset;
};

struct build {
        const struct advice_request *request;
        struct advice *advice;
        struct facts facts;
        /* By nutrient: what forbids supplements (all contraindications), what forbids food too. */
        uint64_t forbids_supplement[NUTRIENT_MAX], forbids_food[NUTRIENT_MAX];
        uint32_t at_risk;    /* bits of nutrients that a lack of which is likelier here */
        uint32_t low_intake; /* bits of nutrients that the log has too little of */
        bool basics_known, amounts_allowed;
        uint64_t linked;    /* factors of the log that cramps follow more often than by chance */
        int topic_nutrient; /* -1: none */
        bool now;           /* only what helps at once */
};

/* Whether one of the factors is so, or may be. */
bool excluded(const struct facts *facts, uint64_t factors);
/* Bits of the fields that factors are known from. */
uint32_t fields_of(uint64_t factors);

/* These take NULL as the item, for one that there was no room for. */
void because(struct advice_item *item, const char *message, const char *phrase);
void because_of_factors(struct advice_item *item, const struct facts *facts, uint64_t factors);
void because_of_link(struct advice_item *item, const struct advice_link *link);
/* NULL when the list is full. What an item ends with is added by item_close(). */
struct advice_item *item_add(struct build *build, const struct knowledge_statement *statement,
                             unsigned priority);
void item_close(const struct build *build, struct advice_item *item);
/* Both, for the statement of that id. */
struct advice_item *item_by_rule(struct build *build, const char *id, unsigned priority);

/* advise-flags.c: reasons to see a doctor, and what is dangerous or too much. */
void flags_raise(struct build *build);
void notices_give(struct build *build);

/* advise-statements.c */
#define QUININE_PRIORITY 865
void statements_add(struct build *build);
/* Whether a nutrient may be advised as a supplement. What is not known forbids, too. */
bool supplement_open(const struct build *build, int nutrient);
