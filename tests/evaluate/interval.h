/* SPDX-License-Identifier: MIT */
/*
 * How far a count can be trusted: exact 95 % intervals of shares, rates and percentiles. Needs libm;
 * used by the evaluation only.
 */
#pragma once

#include <stddef.h>

struct interval {
        double low, high; /* low may be -INFINITY, high INFINITY: too few values to say */
};

/* Of a share, `hits` out of `n`: Clopper and Pearson 1934, Biometrika 26:404. */
struct interval interval_share(size_t hits, size_t n);

/* Of the expected number of events when `count` came, Poisson: Garwood 1936, Biometrika 28:437. */
struct interval interval_count(size_t count);

/* Value at the share `q` of n ascending values, by the nearest rank; NAN for none. */
double quantile(const double *sorted, size_t n, double q);

/* Of a percentile, by the ranks around it, with no assumption on the distribution: Thompson 1936, Annals
 * of Mathematical Statistics 7:122. */
struct interval interval_quantile(const double *sorted, size_t n, double q);
