/* SPDX-License-Identifier: MIT */
/*
 * What is in the signal besides muscle: coloured rest noise, mains pick-up, slow electrode voltage; and
 * the filter that brings the generator's own rate down to the sensor's. Needs random.h; used by
 * corpus.c and render.c.
 */
#pragma once

#include <stddef.h>

#include "tests/corpus/random.h"

/* A sensor's anti-alias filter: windowed sinc, every `factor`-th output is kept. */
struct decimator {
        unsigned factor;
        size_t n_taps; /* odd; 1 if factor is 1 */
        double *taps;
};

/* Returns 0 or -ENOMEM. */
int decimator_init(struct decimator *decimator, unsigned factor);
void decimator_done(struct decimator *decimator);
/* Of amplitude; `cycles_per_sample` at the internal rate. */
double decimator_gain(const struct decimator *decimator, double cycles_per_sample);
/* The end of the band in which levels are meant, for a sensor behind this decimator. */
double decimator_band_high_hz(const struct decimator *decimator, double internal_hz);

struct rest_noise {
        struct random random;
        double pole, rise, low, gain_uv;
};

/* `rest_uv`: RMS in 20 Hz .. 450 Hz (or 0.45 of the rate after decimation), as a sensor delivers it;
 * below `corner_hz` the noise is 1 + `rise` times as strong as above. */
void rest_noise_init(struct rest_noise *noise, const struct random *random,
                     const struct decimator *decimator, double internal_hz, double rest_uv,
                     double corner_hz, double rise);
double rest_noise_next(struct rest_noise *noise);

#define MAINS_HARMONICS 4

/* A first-order process with the given SD, which forgets itself over about 30 s. */
double drift_step(struct random *random, double value, double deviation, double tick_hz);

/* The same grid for all channels; each couples to it with a strength and phase of its own. */
struct mains {
        struct random random;
        double nominal_hz, drift_hz, swing, phase;
        double sine[MAINS_HARMONICS], cosine[MAINS_HARMONICS]; /* of the phase, now */
};

/* How much of each harmonic's sine and cosine a channel sees, in microvolts. */
struct mains_coupling {
        double sine_uv[MAINS_HARMONICS], cosine_uv[MAINS_HARMONICS];
};

void mains_init(struct mains *mains, const struct random *random, double nominal_hz);
/* Once per tick of 1 / `tick_hz`: lets frequency and amplitude drift. */
void mains_drift(struct mains *mains, double tick_hz);
/* `uv`: RMS over all harmonics. */
void mains_coupling_init(struct mains_coupling *coupling, struct random *random, double uv);
double mains_coupling_uv(const struct mains_coupling *coupling, const struct mains *mains);
/* To the next sample. */
void mains_advance(struct mains *mains, double internal_hz);

struct slow_noise {
        struct random random;
        double pole, first, second, gain;
};

/* Low-passed noise of SD 1. */
void slow_noise_init(struct slow_noise *noise, const struct random *random, double corner_hz,
                     double internal_hz);
double slow_noise_next(struct slow_noise *noise);
