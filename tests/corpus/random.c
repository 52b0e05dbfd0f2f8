/* SPDX-License-Identifier: MIT */
/* Random numbers: see random.h. */
#include "tests/corpus/random.h"

#include <math.h>

uint64_t splitmix64_next(uint64_t *state) {
        uint64_t z;

        *state += UINT64_C(0x9e3779b97f4a7c15);
        z = *state;
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t value, unsigned bits) {
        return (value << bits) | (value >> (64 - bits));
}

void random_init(struct random *random, uint64_t seed, enum random_purpose purpose, uint64_t major,
                 uint64_t minor) {
        const uint64_t parts[] = {(uint64_t)purpose, major, minor};
        uint64_t mix = seed;

        /* One scrambling round per part keeps neighbouring streams apart. */
        for (unsigned i = 0; i < 3; i++)
                mix = splitmix64_next(&mix) ^ parts[i];

        for (unsigned i = 0; i < 4; i++)
                random->state[i] = splitmix64_next(&mix);
        random->has_spare = false;
        random->spare = 0;
}

uint64_t random_next(struct random *random) {
        uint64_t *s = random->state;
        uint64_t result = rotate_left(s[1] * 5, 7) * 9;
        uint64_t shifted = s[1] << 17;

        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = rotate_left(s[3], 45);
        return result;
}

double random_uniform(struct random *random, double low, double high) {
        /* The upper 53 bits fill a double's mantissa. */
        return low + (high - low) * ((double)(random_next(random) >> 11) * 0x1p-53);
}

double random_normal(struct random *random) {
        double x, y, square, factor;

        if (random->has_spare) {
                random->has_spare = false;
                return random->spare;
        }

        /* The polar method, Marsaglia and Bray 1964, SIAM Review 6:260. */
        do {
                x = random_uniform(random, -1, 1);
                y = random_uniform(random, -1, 1);
                square = x * x + y * y;
        } while (square >= 1 || square == 0);

        factor = sqrt(-2 * log(square) / square);
        random->spare = y * factor;
        random->has_spare = true;
        return x * factor;
}

double random_lognormal(struct random *random, double mean, double deviation) {
        double variance = log1p((deviation / mean) * (deviation / mean));

        return mean * exp(sqrt(variance) * random_normal(random) - variance / 2);
}

double random_exponential(struct random *random, double mean) {
        return -mean * log1p(-random_uniform(random, 0, 1));
}

unsigned random_below(struct random *random, unsigned n) {
        return (unsigned)random_uniform(random, 0, n);
}
