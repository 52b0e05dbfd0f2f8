/* SPDX-License-Identifier: MIT */
/* Heart beats: see heart.h. */
#include "tests/corpus/heart.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "tests/corpus/model.h"

#define BEAT_BEFORE_S 0.3 /* of the highest point */
#define BEAT_AFTER_S 0.5

/* P, Q, R, S, T: when, how wide (SD) and how high beside R. Choices, by the usual look of a beat. */
static const struct {
        double at_s, width_s, height;
} waves[] = {{-0.17, 0.025, 0.12},
             {-0.035, 0.010, -0.12},
             {0, 0.010, 1},
             {0.035, 0.012, -0.22},
             {0.26, 0.055, 0.28}};

static double beat_at(double t_s) {
        double sum = 0;

        for (size_t i = 0; i < ARRAY_LENGTH(waves); i++) {
                double x = (t_s - waves[i].at_s) / waves[i].width_s;

                sum += waves[i].height * exp(-x * x / 2);
        }
        return sum;
}

int heart_init(struct heart *heart, const struct random *random, double internal_hz, size_t block) {
        double per_minute;

        *heart = (struct heart){.random = *random, .internal_hz = internal_hz, .block = block};
        per_minute = MODEL_HEART_PER_MINUTE + MODEL_HEART_PER_MINUTE_SD * random_normal(&heart->random);
        heart->per_minute =
                fmin(fmax(per_minute, MODEL_HEART_PER_MINUTE_MIN), MODEL_HEART_PER_MINUTE_MAX);
        heart->next = random_uniform(&heart->random, 0, 1) * internal_hz;

        heart->length = (size_t)((BEAT_BEFORE_S + BEAT_AFTER_S) * internal_hz);
        heart->beat = calloc(heart->length, sizeof(*heart->beat));
        heart->samples = calloc(block + heart->length, sizeof(*heart->samples));
        if (!heart->beat || !heart->samples)
                return -ENOMEM;
        for (size_t i = 0; i < heart->length; i++)
                heart->beat[i] = (float)beat_at((double)i / internal_hz - BEAT_BEFORE_S);
        return 0;
}

void heart_done(struct heart *heart) {
        free(heart->beat);
        free(heart->samples);
        heart->beat = heart->samples = NULL;
}

/* To the next beat: quicker and slower with the breath, and at random. */
static double heart_interval_s(struct heart *heart) {
        double breath = sin(2 * M_PI * MODEL_HEART_BREATH_HZ * heart->next / heart->internal_hz);
        double stretch =
                1 + MODEL_HEART_BREATH * breath + MODEL_HEART_JITTER * random_normal(&heart->random);

        return 60 / heart->per_minute * fmax(stretch, 0.5);
}

void heart_render(struct heart *heart, double first) {
        memmove(heart->samples, heart->samples + heart->block, heart->length * sizeof(float));
        memset(heart->samples + heart->length, 0, heart->block * sizeof(float));

        while (heart->next < first + (double)heart->block) {
                float *samples = heart->samples + (size_t)(heart->next - first);

                for (size_t i = 0; i < heart->length; i++)
                        samples[i] += heart->beat[i];
                heart->next += heart_interval_s(heart) * heart->internal_hz;
        }
}
