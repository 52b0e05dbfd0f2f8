/* SPDX-License-Identifier: MIT */
/*
 * Exact tests on counts: the ratio of two Poisson rates, as R's poisson.test() has it, one rate, and the
 * functions that they take. In double precision; needs libm alone. Called by trial.c and advise.c, and
 * by clients that show rates.
 */
#pragma once

/* x1 events in t1 against x2 in t2. */
struct rate_ratio {
        double ratio;     /* (x1 / t1) / (x2 / t2); INFINITY when only x2 is 0 */
        double low, high; /* of the interval; 0 and INFINITY at the ends */
        double p_value;   /* two-sided: all outcomes as likely as this one or less */
};

/* Conditional on the sum, x1 is binomial (Przyborowski and Wilenski 1940); the interval is Clopper and
 * Pearson's (1934) of its share. Returns 0; -ENODATA when there is no event at all, -EINVAL for times
 * that are not above 0 or a confidence outside of 0 to 1. */
int rate_ratio_exact(unsigned x1, double t1, unsigned x2, double t2, double confidence,
                     struct rate_ratio *ret);

/* x events in t. */
struct rate {
        double rate;
        double low, high;
};

/* The interval is Garwood's (1936): each end is the rate that would give a count so far off, or farther,
 * with half of what `confidence` leaves. Returns 0; -EINVAL as above. */
int rate_exact(unsigned x, double t, double confidence, struct rate *ret);

/* The share of a chi-square distribution above x. */
double chi_square_above(double x, double degrees);
