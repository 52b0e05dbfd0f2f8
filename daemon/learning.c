/* SPDX-License-Identifier: MIT */
/* From verdicts to a factor: see learning.h. */
#include "daemon/learning.h"

#include "daemon/guidance/translate.h"

#define DAY_US (INT64_C(86400) * 1000000)

/* 1, 1/2, 1/4 at whole half-lives, in a line between them; 0 when too old. What lies ahead of the clock
 * counts as new. */
static double weight_of(int64_t time_us, int64_t now_us) {
        const int64_t half_us = LEARNING_HALF_DAYS * DAY_US;
        int64_t age_us;
        double weight = 1.0;

        if (time_us >= now_us)
                return 1.0;
        if (__builtin_sub_overflow(now_us, time_us, &age_us) || age_us >= LEARNING_MAX_DAYS * DAY_US)
                return 0.0;
        for (; age_us >= half_us; age_us -= half_us)
                weight *= 0.5;
        return weight * (1.0 - 0.5 * (double)age_us / (double)half_us);
}

/* -1: all were missed, 1: all were false alarms. `ret_mass`: how much was said at all. */
static double balance_of(const struct learning_proposal *proposal, double *ret_mass) {
        double against = proposal->weights[LEARNING_FALSE_ALARM];
        double missed = LEARNING_MISSED_WEIGHT * proposal->weights[LEARNING_MISSED];

        *ret_mass = against + missed + proposal->weights[LEARNING_CONFIRMED];
        return *ret_mass > 0.0 ? (against - missed) / *ret_mass : 0.0;
}

static double in_hundredths(double factor) {
        double rounded = (double)(int)(factor * 100.0 + 0.5) / 100.0;

        if (rounded < LEARNING_FACTOR_MIN)
                return LEARNING_FACTOR_MIN;
        return rounded > LEARNING_FACTOR_MAX ? LEARNING_FACTOR_MAX : rounded;
}

struct learning_proposal learning_propose(const struct learning_verdict *verdicts, size_t n,
                                          int64_t now_us) {
        struct learning_proposal proposal = {.factor = 1.0, .outcome = LEARNING_TOO_FEW};
        double balance, mass, reach;
        unsigned total = 0;

        for (size_t i = 0; i < n; i++) {
                double weight = weight_of(verdicts[i].time_us, now_us);

                if (!(weight > 0.0) || (unsigned)verdicts[i].kind >= LEARNING_KIND_MAX)
                        continue;
                proposal.counts[verdicts[i].kind]++;
                proposal.weights[verdicts[i].kind] += weight;
                total++;
        }
        if (total < LEARNING_VERDICTS_MIN)
                return proposal;

        balance = balance_of(&proposal, &mass);
        reach = balance > 0.0 ? LEARNING_FACTOR_MAX - 1.0 : 1.0 - LEARNING_FACTOR_MIN;
        proposal.factor = in_hundredths(1.0 + reach * balance * mass / (mass + LEARNING_INERTIA));
        proposal.outcome = proposal.factor > 1.0   ? LEARNING_MORE_EVIDENCE
                           : proposal.factor < 1.0 ? LEARNING_LESS_EVIDENCE
                                                   : LEARNING_BALANCED;
        return proposal;
}

const char *learning_outcome_describe(enum learning_outcome outcome) {
        switch (outcome) {
        case LEARNING_BALANCED:
                return N_("False alarms and missed cramps are in balance: nothing is to change.");
        case LEARNING_MORE_EVIDENCE:
                return N_("False alarms prevail: alerts should take more evidence, and come later.");
        case LEARNING_LESS_EVIDENCE:
                return N_("Missed cramps prevail: alerts should take less evidence, and come earlier.");
        case LEARNING_TOO_FEW:
        default:
                return N_("Too few alerts were annotated of late to learn from.");
        }
}
