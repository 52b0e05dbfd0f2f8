/* SPDX-License-Identifier: MIT */
/*
 * Learning from what an owner says of a sensor's alerts: verdicts in, a factor on the evidence that an
 * alert takes out. Pure: knows no bus, no store, no clock and no libm, so that the same verdicts give
 * the same factor everywhere. Called by sensor-learning.c.
 *
 * The factor is made of the verdicts alone and not of the factor before, so it cannot run away; without
 * them it is 1, and the detector is what it was. All figures are chosen, not published: they say how
 * far a sleeper's word may move the evidence, and the steps of sensitivity (tests/evaluate/README.md)
 * say what such a move does.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Bounds of the factor: from 7 s of evidence at sensitivity normal to 5.95 s and 9.1 s. */
#define LEARNING_FACTOR_MIN 0.85
#define LEARNING_FACTOR_MAX 1.30
/* Fewer verdicts say nothing. */
#define LEARNING_VERDICTS_MIN 5u
/* A verdict counts half after so many days, a quarter after twice as many, and none from the second
 * figure on. */
#define LEARNING_HALF_DAYS 30
#define LEARNING_MAX_DAYS 180
/* A missed cramp counts as so many false alarms: few people note what did not wake them, or did before
 * crampd. */
#define LEARNING_MISSED_WEIGHT 2.0
/* So many verdicts of full weight move the factor half as far as their balance would. */
#define LEARNING_INERTIA 5.0
/* More verdicts than that, the newest, are not looked at. */
#define LEARNING_VERDICTS_MAX 200u

enum learning_kind { LEARNING_CONFIRMED, LEARNING_FALSE_ALARM, LEARNING_MISSED, LEARNING_KIND_MAX };

struct learning_verdict {
        enum learning_kind kind;
        int64_t time_us; /* of the episode */
};

enum learning_outcome {
        LEARNING_TOO_FEW, /* the factor is 1 */
        LEARNING_BALANCED,
        LEARNING_MORE_EVIDENCE, /* false alarms prevail: the factor is above 1 */
        LEARNING_LESS_EVIDENCE, /* missed cramps prevail */
};

struct learning_proposal {
        double factor; /* LEARNING_FACTOR_MIN .. LEARNING_FACTOR_MAX, in hundredths */
        enum learning_outcome outcome;
        unsigned counts[LEARNING_KIND_MAX]; /* of the verdicts that are young enough */
        double weights[LEARNING_KIND_MAX];  /* the same, each by its age */
};

/* Of one sensor's verdicts, in any order. */
struct learning_proposal learning_propose(const struct learning_verdict *verdicts, size_t n,
                                          int64_t now_us);

/* A sentence for people. */
const char *learning_outcome_describe(enum learning_outcome outcome);
