/* SPDX-License-Identifier: MIT */
/* Exact tests on counts: see exact.h. */
#include <errno.h>
#include <float.h>
#include <math.h>

#include "daemon/guidance/exact.h"

#define TERMS_MAX 100000
/* Where a continued fraction would divide by nothing (Thompson and Barnett 1986). */
#define TINY 1e-300

/* The ends of the interval are found by halving what is left of 0 to 1 until doubles end. */
#define HALVINGS 1100

/* R takes outcomes for as likely that are this much likelier (binom.test, relErr). */
#define AS_LIKELY (1 + 1e-7)

static double log_gamma(double x) {
        int sign;

        return lgamma_r(x, &sign);
}

static double off_zero(double x) {
        return fabs(x) < TINY ? TINY : x;
}

/* The continued fraction 26.5.8 of Abramowitz and Stegun (1964), from its head by Lentz's method. It
 * converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x) {
        double c = 1, d = 1 / off_zero(1 - (a + b) * x / (a + 1)), value = d;

        for (int m = 1; m < TERMS_MAX; m++) {
                double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
                double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
                double step;

                d = 1 / off_zero(1 + even * d);
                c = off_zero(1 + even / c);
                value *= d * c;
                d = 1 / off_zero(1 + odd * d);
                c = off_zero(1 + odd / c);
                step = d * c;
                value *= step;
                if (fabs(step - 1) < DBL_EPSILON)
                        break;
        }
        return value;
}

/* The regularised incomplete beta function I_x(a, b), for a, b > 0 and 0 <= x <= 1. */
static double beta_regularised(double a, double b, double x) {
        double front;

        if (x <= 0)
                return 0;
        if (x >= 1)
                return 1;
        front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
        if (x < (a + 1) / (a + b + 2))
                return front * beta_fraction(a, b, x) / a;
        return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* Abramowitz and Stegun 6.5.29. */
static double gamma_series(double a, double x) {
        double term = 1 / a, sum = term;

        for (int n = 1; n < TERMS_MAX && term > sum * DBL_EPSILON; n++) {
                term *= x / (a + n);
                sum += term;
        }
        return sum;
}

/* Abramowitz and Stegun 6.5.31, even part. */
static double gamma_fraction(double a, double x) {
        double b = x + 1 - a, c = 1 / TINY, d = 1 / off_zero(b), value = d;

        for (int n = 1; n < TERMS_MAX; n++) {
                double step, an = -n * (n - a);

                b += 2;
                d = 1 / off_zero(an * d + b);
                c = off_zero(b + an / c);
                step = d * c;
                value *= step;
                if (fabs(step - 1) < DBL_EPSILON)
                        break;
        }
        return value;
}

double chi_square_above(double x, double degrees) {
        double a = degrees / 2, half = x / 2, front;

        if (half <= 0)
                return 1;
        front = exp(a * log(half) - half - log_gamma(a));
        return half < a + 1 ? 1 - front * gamma_series(a, half) : front * gamma_fraction(a, half);
}

/* The share at which a binomial of n trials gives x or more with the probability `tail`. */
static double share_of_tail(unsigned x, unsigned n, double tail) {
        double low = 0, high = 1;

        for (int i = 0; i < HALVINGS; i++) {
                double middle = low + (high - low) / 2;

                if (middle <= low || middle >= high)
                        break;
                /* P(X >= x) = I_p(x, n - x + 1). */
                if (beta_regularised(x, (double)n - x + 1, middle) < tail)
                        low = middle;
                else
                        high = middle;
        }
        return low;
}

static double binomial(unsigned x, unsigned n, double share) {
        double rest = (double)n - x;

        return exp(log_gamma((double)n + 1) - log_gamma((double)x + 1) - log_gamma(rest + 1) +
                   x * log(share) + rest * log1p(-share));
}

/* P(X <= x), by the failures, so that a small one keeps its digits. */
static double binomial_up_to(unsigned x, unsigned n, double share) {
        return x >= n ? 1 : beta_regularised((double)n - x, (double)x + 1, 1 - share);
}

/* P(X >= x). */
static double binomial_from(unsigned x, unsigned n, double share) {
        return x == 0 ? 1 : beta_regularised(x, (double)n - x + 1, share);
}

/* The tail of x, and of the other tail what is as likely as x or less. */
static double binomial_two_sided(unsigned x, unsigned n, double share) {
        double bound = binomial(x, n, share) * AS_LIKELY, mean = n * share;

        if (fabs(x - mean) < mean * DBL_EPSILON)
                return 1;
        if (x < mean) {
                unsigned other = (unsigned)ceil(mean);

                while (other <= n && binomial(other, n, share) > bound)
                        other++;
                return fmin(1, binomial_up_to(x, n, share) +
                                       (other <= n ? binomial_from(other, n, share) : 0));
        }
        for (unsigned other = (unsigned)floor(mean) + 1; other > 0; other--)
                if (binomial(other - 1, n, share) <= bound)
                        return fmin(1, binomial_from(x, n, share) + binomial_up_to(other - 1, n, share));
        return binomial_from(x, n, share);
}

int rate_ratio_exact(unsigned x1, double t1, unsigned x2, double t2, double confidence,
                     struct rate_ratio *ret) {
        double tail = (1 - confidence) / 2, low, high;
        unsigned n = x1 + x2;

        if (!(t1 > 0 && t2 > 0 && isfinite(t1) && isfinite(t2) && confidence > 0 && confidence < 1))
                return -EINVAL;
        if (n == 0)
                return -ENODATA;
        low = x1 == 0 ? 0 : share_of_tail(x1, n, tail);
        /* P(X <= x) is the tail, that is P(X >= x + 1) all but the tail. */
        high = x2 == 0 ? 1 : share_of_tail(x1 + 1, n, 1 - tail);
        *ret = (struct rate_ratio){
                .ratio = x2 == 0 ? INFINITY : x1 / t1 / (x2 / t2),
                .low = low / (1 - low) * t2 / t1,
                .high = x2 == 0 ? INFINITY : high / (1 - high) * t2 / t1,
                .p_value = binomial_two_sided(x1, n, t1 / (t1 + t2)),
        };
        return 0;
}

/* The value above which a chi-square distribution has the share `above`. */
static double chi_square_of_share(double above, double degrees) {
        double low = 0, high = degrees + 1;

        while (chi_square_above(high, degrees) > above)
                high *= 2;
        for (int i = 0; i < HALVINGS; i++) {
                double middle = low + (high - low) / 2;

                if (middle <= low || middle >= high)
                        break;
                if (chi_square_above(middle, degrees) > above)
                        low = middle;
                else
                        high = middle;
        }
        return low;
}

int rate_exact(unsigned x, double t, double confidence, struct rate *ret) {
        double tail = (1 - confidence) / 2;

        if (!(t > 0 && isfinite(t) && confidence > 0 && confidence < 1))
                return -EINVAL;
        /* P(X >= x) of a mean m is the share of chi-square with 2x degrees below 2m. */
        *ret = (struct rate){
                .rate = x / t,
                .low = x == 0 ? 0 : chi_square_of_share(1 - tail, 2.0 * x) / 2 / t,
                .high = chi_square_of_share(tail, 2.0 * x + 2) / 2 / t,
        };
        return 0;
}
