/* SPDX-License-Identifier: MIT */
/*
 * What is known: the table that generate-knowledge.py writes from knowledge.toml at build time, after
 * checking it. Every text is an English message id for gettext. Constant, needs nothing; read by
 * amount.c and advise.c, and by whoever prints the table for review.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/guidance/factor.h"

/* On the bus and in databases: these never change. */
enum nutrient {
        NUTRIENT_MAGNESIUM,
        NUTRIENT_POTASSIUM,
        NUTRIENT_CALCIUM,
        NUTRIENT_VITAMIN_D,
        NUTRIENT_VITAMIN_K2,
        NUTRIENT_VITAMIN_B1,
        NUTRIENT_VITAMIN_B12,
        NUTRIENT_HYDRATION,
        NUTRIENT_MAX
};

/* From the strongest down; AGAINST is evidence that it does not help, COMMON_ADVICE is none. */
enum grade {
        GRADE_STRONG,
        GRADE_MODERATE,
        GRADE_LIMITED,
        GRADE_MIXED,
        GRADE_AGAINST,
        GRADE_COMMON_ADVICE,
        GRADE_MAX
};

enum statement_kind {
        STATEMENT_ROLE,
        STATEMENT_LACK,
        STATEMENT_RISK,
        STATEMENT_FOODS,  /* urges to eat something; the foods of the nutrient belong to it */
        STATEMENT_INTAKE, /* belongs to the intakes of the nutrient */
        STATEMENT_LIMIT,  /* belongs to the limits of the nutrient */
        STATEMENT_FORMS,  /* of supplements */
        STATEMENT_ABSORPTION,
        STATEMENT_INTERACTION, /* a warning; shown to whom it applies */
        STATEMENT_EVIDENCE,
        STATEMENT_COMPARISON,     /* diet or supplement */
        STATEMENT_RECOMMENDATION, /* food or supplement, by enum fit: one a nutrient */
        STATEMENT_SUPPLEMENT,     /* the only kind that suggests to take one */
        STATEMENT_CAUSE,
        STATEMENT_RELIEF,
        STATEMENT_PREVENTION,
        STATEMENT_DOCTOR,
        STATEMENT_QUININE, /* only to who asks for it or takes it */
        STATEMENT_GENERAL,
        STATEMENT_RED_FLAG, /* this and a notice: only by a rule of advise.c */
        STATEMENT_NOTICE,
        STATEMENT_KIND_MAX
};

/* Whom a recommendation fits. The order is that of the safe side. */
enum fit {
        FIT_ANYBODY,   /* no recommendation */
        FIT_FORBIDDEN, /* what was said contradicts the nutrient as a supplement */
        FIT_GUARDED,   /* too little is known, or a doctor decides */
        FIT_LOW,       /* a lack is likelier, by profile or log */
        FIT_OPEN,
};

enum intake_sex { INTAKE_ANY_SEX, INTAKE_FEMALE, INTAKE_MALE };
enum intake_state { INTAKE_USUAL, INTAKE_PREGNANT, INTAKE_BREASTFEEDING };

struct knowledge_source {
        const char *id;
        const char *authors;
        int year;
        bool undated;          /* a page without a date; the year is when it was read */
        const char *where;     /* journal, agency, page */
        const char *copied_by; /* who repeats it, when the original was not read; else NULL */
};

struct knowledge_statement {
        const char *id;    /* stable */
        const char *topic; /* a nutrient's id, or "causes", "relief", ... */
        int nutrient;      /* enum nutrient, -1 for none */
        enum statement_kind kind;
        enum grade grade;
        const char *title;
        const char *text;
        const char *general; /* the same without amounts, to who may not get these; NULL: nothing then */
        bool has_amount;     /* text holds an amount of a nutrient */
        bool supplement;     /* speaks of supplements: ends with asking a healthcare provider */
        uint64_t applies;    /* shown when one of these is so; 0: to everybody */
        uint64_t forbids;    /* not shown unless each of these is known not to be so */
        const struct knowledge_source *const *sources; /* NULL at the end */
        const char *reviewed;                          /* ISO 8601 date */
        const char *goes_beyond; /* what the popular claim says and the sources do not; for review, or
                                    NULL */
        const char *population;  /* of evidence: "general", "older-adults", "pregnancy", "deficiency" */
        enum fit fit;            /* of a recommendation */
};

/* A reason never to suggest a nutrient to somebody. */
struct knowledge_contraindication {
        enum nutrient nutrient;
        enum factor factor;
        bool food; /* covers foods too, not only supplements and trials */
        const char *text;
        enum grade grade;
        const struct knowledge_source *const *sources;
        const char *reviewed;
};

/* Steps against a cramp, in order. */
struct knowledge_relief {
        const char *place; /* calf, shin, foot, thigh-front, thigh-back, any; help, after ten minutes;
                              danger, with signs of a clot */
        const char *const *steps; /* NULL at the end */
        enum grade grade;
        const struct knowledge_source *const *sources;
        const char *reviewed;
};

/* A nutrient that no authority sets an upper limit for, and why. For review. */
struct knowledge_unlimited {
        enum nutrient nutrient;
        const char *why;
        const struct knowledge_source *source;
};

struct knowledge_food {
        enum nutrient nutrient;
        const char *name;
        const char *portion;
        double amount; /* in `unit`; 0: no confirmed figure */
        const char *unit;
        bool animal;
        uint64_t forbids;
        const struct knowledge_source *source;
};

struct knowledge_intake {
        enum nutrient nutrient;
        enum intake_sex sex;
        enum intake_state state;
        int from_months, below_months;
        bool adequate; /* an adequate intake (AI), not a recommended allowance (RDA) */
        double amount;
        const char *unit;
        const struct knowledge_source *source;
};

struct knowledge_limit {
        enum nutrient nutrient;
        int from_months, below_months;
        bool supplements_only;
        double amount;
        const char *unit;
        const char *authority;
        const struct knowledge_source *source;
};

extern const struct knowledge_source knowledge_sources[];
extern const struct knowledge_statement knowledge_statements[];
extern const struct knowledge_contraindication knowledge_contraindications[];
extern const struct knowledge_food knowledge_foods[];
extern const struct knowledge_intake knowledge_intakes[];
extern const struct knowledge_limit knowledge_limits[];
extern const struct knowledge_relief knowledge_reliefs[];
extern const struct knowledge_unlimited knowledge_unlimiteds[];
extern const size_t knowledge_n_sources, knowledge_n_statements, knowledge_n_contraindications,
        knowledge_n_foods, knowledge_n_intakes, knowledge_n_limits, knowledge_n_reliefs,
        knowledge_n_unlimiteds;

/* NULL outside the lists; the return of _from_string is the code or -EINVAL. */
const char *nutrient_to_string(unsigned nutrient);
const char *nutrient_title(unsigned nutrient);
int nutrient_from_string(const char *name);
const char *grade_to_string(unsigned grade);
const char *statement_kind_to_string(unsigned kind);
