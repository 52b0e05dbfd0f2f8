/* SPDX-License-Identifier: MIT */
/*
 * Random numbers that are the same for the same seed: xoshiro256** (Blackman and Vigna 2021, ACM Trans
 * Math Softw 47:36), its state filled by SplitMix64 (Steele, Lea and Flood 2014, OOPSLA). Needs libm;
 * used by the whole generator.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct random {
        uint64_t state[4];
        double spare; /* normal deviates come in pairs */
        bool has_spare;
};

/* What a stream of numbers is for. Streams are independent: another channel or event leaves the rest as
 * it was. */
enum random_purpose {
        RANDOM_POOL,
        RANDOM_NOISE,
        RANDOM_VOLUNTARY,
        RANDOM_CROSSTALK,
        RANDOM_MAINS,
        RANDOM_ARTEFACT,
        RANDOM_EVENT,
        RANDOM_LAYOUT,
        RANDOM_REST,
        RANDOM_HEART,
        RANDOM_FAULT,
        RANDOM_LOSS,
        RANDOM_MOTION,
        RANDOM_HOME,
        RANDOM_SPLICE,
};

uint64_t splitmix64_next(uint64_t *state);

void random_init(struct random *random, uint64_t seed, enum random_purpose purpose, uint64_t major,
                 uint64_t minor);
uint64_t random_next(struct random *random);

double random_uniform(struct random *random, double low, double high);
double random_normal(struct random *random);
/* Mean and standard deviation of the value itself, not of its logarithm; always > 0. */
double random_lognormal(struct random *random, double mean, double deviation);
/* The waiting time to the next event of a Poisson process. */
double random_exponential(struct random *random, double mean);
/* 0 .. n - 1; n > 0. */
unsigned random_below(struct random *random, unsigned n);
