/* SPDX-License-Identifier: MIT */
/* Exact intervals: see interval.h. */
#include "tests/evaluate/interval.h"

#include <math.h>

/* Either side of a 95 % interval. */
#define TAIL 0.025
#define HALVINGS 100

/* P(X <= k) of n trials with probability p each. */
static double binomial_up_to(size_t k, size_t n, double p) {
        double sum = 0;

        if (p <= 0 || k >= n)
                return 1;
        if (p >= 1)
                return 0;
        for (size_t i = 0; i <= k; i++)
                sum += exp(lgamma((double)n + 1) - lgamma((double)i + 1) - lgamma((double)(n - i) + 1) +
                           (double)i * log(p) + (double)(n - i) * log1p(-p));
        return fmin(sum, 1);
}

/* P(X <= k) when `mean` are expected. */
static double poisson_up_to(size_t k, double mean) {
        double sum = 0;

        if (mean <= 0)
                return 1;
        for (size_t i = 0; i <= k; i++)
                sum += exp((double)i * log(mean) - mean - lgamma((double)i + 1));
        return fmin(sum, 1);
}

/* The share at which hits up to `k` have this probability, which falls with the share. */
static double share_at(size_t k, size_t n, double probability) {
        double low = 0, high = 1;

        for (unsigned i = 0; i < HALVINGS; i++) {
                double middle = (low + high) / 2;

                if (binomial_up_to(k, n, middle) > probability)
                        low = middle;
                else
                        high = middle;
        }
        return (low + high) / 2;
}

static double mean_at(size_t k, double probability) {
        double low = 0, high = 2 * (double)k + 20;

        for (unsigned i = 0; i < HALVINGS; i++) {
                double middle = (low + high) / 2;

                if (poisson_up_to(k, middle) > probability)
                        low = middle;
                else
                        high = middle;
        }
        return (low + high) / 2;
}

struct interval interval_share(size_t hits, size_t n) {
        return (struct interval){
                .low = hits == 0 ? 0 : share_at(hits - 1, n, 1 - TAIL),
                .high = hits >= n ? 1 : share_at(hits, n, TAIL),
        };
}

struct interval interval_count(size_t count) {
        return (struct interval){
                .low = count == 0 ? 0 : mean_at(count - 1, 1 - TAIL),
                .high = mean_at(count, TAIL),
        };
}

double quantile(const double *sorted, size_t n, double q) {
        size_t rank = (size_t)ceil(q * (double)n);

        if (n == 0)
                return NAN;
        return sorted[rank > 0 ? rank - 1 : 0];
}

struct interval interval_quantile(const double *sorted, size_t n, double q) {
        struct interval interval = {-INFINITY, INFINITY};

        /* The number of values below the percentile is binomial. */
        for (size_t rank = 1; rank <= n; rank++) {
                if (binomial_up_to(rank - 1, n, q) <= TAIL)
                        interval.low = sorted[rank - 1];
                if (binomial_up_to(rank - 1, n, q) >= 1 - TAIL && isinf(interval.high))
                        interval.high = sorted[rank - 1];
        }
        return interval;
}
