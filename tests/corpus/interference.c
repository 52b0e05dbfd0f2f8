/* SPDX-License-Identifier: MIT */
/* Noise, mains, decimation: see interference.h. */
#include "tests/corpus/interference.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "tests/corpus/model.h"

#define DECIMATOR_HALF 8      /* output samples on either side */
#define DECIMATOR_CUTOFF 0.43 /* of the output rate, half amplitude */
#define BAND_STEP_HZ 0.5

#define MAINS_ORDER_MAX 5

/* Mains harmonics by order; their share of the fundamental is a choice, odd ones being the usual. */
static const struct {
        unsigned order;
        double share;
} mains_harmonics[MAINS_HARMONICS] = {{1, 1}, {2, 0.08}, {3, 0.3}, {5, 0.15}};

int decimator_init(struct decimator *decimator, unsigned factor) {
        long half = factor > 1 ? (long)(DECIMATOR_HALF * factor) : 0;
        size_t n_taps = 2 * (size_t)half + 1;
        double *taps, sum = 0;

        taps = calloc(n_taps, sizeof(*taps));
        if (!taps)
                return -ENOMEM;

        for (long i = -half; i <= half; i++) {
                double x = 2 * DECIMATOR_CUTOFF / factor * (double)i;
                double sinc = i == 0 ? 1 : sin(M_PI * x) / (M_PI * x);
                /* Hamming's window: 53 dB down outside of the band. */
                double window = 0.54 + 0.46 * cos(M_PI * (double)i / (double)(half + 1));

                taps[i + half] = sinc * window;
                sum += taps[i + half];
        }
        for (size_t i = 0; i < n_taps; i++)
                taps[i] /= sum;
        *decimator = (struct decimator){.factor = factor, .n_taps = n_taps, .taps = taps};
        return 0;
}

void decimator_done(struct decimator *decimator) {
        free(decimator->taps);
        decimator->taps = NULL;
}

double decimator_gain(const struct decimator *decimator, double cycles_per_sample) {
        long half = (long)(decimator->n_taps / 2);
        double gain = decimator->taps[half];

        for (long i = 1; i <= half; i++)
                gain += 2 * decimator->taps[half + i] * cos(2 * M_PI * cycles_per_sample * (double)i);
        return gain;
}

double decimator_band_high_hz(const struct decimator *decimator, double internal_hz) {
        return fmin(MODEL_BAND_HIGH_HZ, MODEL_BAND_HIGH_SHARE * internal_hz / decimator->factor);
}

static double one_pole(double corner_hz, double internal_hz) {
        return 1 - exp(-2 * M_PI * corner_hz / internal_hz);
}

/* Squared gain of 1 + rise x (one-pole low pass) at an angular frequency per sample. */
static double coloured_power(double pole, double rise, double angle) {
        double real = 1 - (1 - pole) * cos(angle), imaginary = (1 - pole) * sin(angle);
        double square = real * real + imaginary * imaginary;
        double total_real = 1 + rise * pole * real / square,
               total_imaginary = -rise * pole * imaginary / square;

        return total_real * total_real + total_imaginary * total_imaginary;
}

void rest_noise_init(struct rest_noise *noise, const struct random *random,
                     const struct decimator *decimator, double internal_hz, double rest_uv,
                     double corner_hz, double rise) {
        double high_hz = decimator_band_high_hz(decimator, internal_hz);
        double power = 0;

        *noise = (struct rest_noise){
                .random = *random, .pole = one_pole(corner_hz, internal_hz), .rise = rise};
        /* White noise of variance 1 has a density of 2 / rate. */
        for (double hz = MODEL_BAND_LOW_HZ + BAND_STEP_HZ / 2; hz < high_hz; hz += BAND_STEP_HZ) {
                double gain = decimator_gain(decimator, hz / internal_hz);

                power += coloured_power(noise->pole, rise, 2 * M_PI * hz / internal_hz) * gain * gain *
                         2 / internal_hz * BAND_STEP_HZ;
        }
        noise->gain_uv = rest_uv / sqrt(power);
}

double rest_noise_next(struct rest_noise *noise) {
        double white = random_normal(&noise->random);

        noise->low += noise->pole * (white - noise->low);
        return noise->gain_uv * (white + noise->rise * noise->low);
}

/* The harmonics' sines come from the first one's by the addition theorem: a sine for each would be most
 * of the time that a night takes. */
static void mains_turn(struct mains *mains) {
        double sine[MAINS_ORDER_MAX + 1] = {0, sin(mains->phase)};
        double cosine[MAINS_ORDER_MAX + 1] = {1, cos(mains->phase)};

        for (unsigned order = 2; order <= MAINS_ORDER_MAX; order++) {
                sine[order] = sine[order - 1] * cosine[1] + cosine[order - 1] * sine[1];
                cosine[order] = cosine[order - 1] * cosine[1] - sine[order - 1] * sine[1];
        }
        for (unsigned i = 0; i < MAINS_HARMONICS; i++) {
                mains->sine[i] = sine[mains_harmonics[i].order];
                mains->cosine[i] = cosine[mains_harmonics[i].order];
        }
}

void mains_init(struct mains *mains, const struct random *random, double nominal_hz) {
        *mains = (struct mains){.random = *random, .nominal_hz = nominal_hz};
        mains->drift_hz = MODEL_MAINS_DRIFT_HZ * random_normal(&mains->random);
        mains->swing = MODEL_MAINS_SWING * random_normal(&mains->random);
        mains_turn(mains);
}

double drift_step(struct random *random, double value, double deviation, double tick_hz) {
        double keep = exp(-1 / (30 * tick_hz));

        return keep * value + deviation * sqrt(1 - keep * keep) * random_normal(random);
}

void mains_drift(struct mains *mains, double tick_hz) {
        mains->drift_hz = drift_step(&mains->random, mains->drift_hz, MODEL_MAINS_DRIFT_HZ, tick_hz);
        mains->swing = drift_step(&mains->random, mains->swing, MODEL_MAINS_SWING, tick_hz);
}

void mains_coupling_init(struct mains_coupling *coupling, struct random *random, double uv) {
        double amplitudes[MAINS_HARMONICS], power = 0;

        for (unsigned i = 0; i < MAINS_HARMONICS; i++) {
                double phase;

                amplitudes[i] = mains_harmonics[i].share;
                if (i > 0)
                        amplitudes[i] *= random_uniform(random, 0.5, 1.5);
                phase = random_uniform(random, 0, 2 * M_PI);
                coupling->sine_uv[i] = cos(phase);
                coupling->cosine_uv[i] = sin(phase);
                power += amplitudes[i] * amplitudes[i] / 2;
        }
        for (unsigned i = 0; i < MAINS_HARMONICS; i++) {
                coupling->sine_uv[i] *= amplitudes[i] * uv / sqrt(power);
                coupling->cosine_uv[i] *= amplitudes[i] * uv / sqrt(power);
        }
}

double mains_coupling_uv(const struct mains_coupling *coupling, const struct mains *mains) {
        double sum = 0;

        for (unsigned i = 0; i < MAINS_HARMONICS; i++)
                sum += coupling->sine_uv[i] * mains->sine[i] + coupling->cosine_uv[i] * mains->cosine[i];
        return (1 + mains->swing) * sum;
}

void mains_advance(struct mains *mains, double internal_hz) {
        mains->phase += 2 * M_PI * (mains->nominal_hz + mains->drift_hz) / internal_hz;
        if (mains->phase >= 2 * M_PI)
                mains->phase -= 2 * M_PI;
        mains_turn(mains);
}

void slow_noise_init(struct slow_noise *noise, const struct random *random, double corner_hz,
                     double internal_hz) {
        double pole = one_pole(corner_hz, internal_hz), keep = (1 - pole) * (1 - pole);
        /* Variance of white noise of variance 1 after two equal one-pole filters. */
        double variance = pow(pole, 4) * (1 + keep) / pow(1 - keep, 3);

        *noise = (struct slow_noise){.random = *random, .pole = pole, .gain = 1 / sqrt(variance)};
}

double slow_noise_next(struct slow_noise *noise) {
        noise->first += noise->pole * (random_normal(&noise->random) - noise->first);
        noise->second += noise->pole * (noise->first - noise->second);
        return noise->gain * noise->second;
}
