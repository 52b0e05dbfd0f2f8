/* SPDX-License-Identifier: MIT */
/* Conditioning: see condition.h. */
#include "daemon/detector/condition.h"

#include <stdbool.h>

#include "daemon/detector/trigonometry.h"

/* 1/Q of the two sections of a fourth-order Butterworth filter: 2 cos(pi/8) and 2 cos(3 pi/8). */
static const double butterworth_damping[2] = {1.8477590650225735, 0.76536686473017954};

/* Bilinear transform with the corner pre-warped (Oppenheim & Schafer). */
static void plan_add_butterworth(struct condition_plan *plan, const struct grid *grid, double corner_hz,
                                 bool highpass) {
        double sine, cosine, k;

        trigonometry_of_turns(corner_hz / grid->rate_hz / 2.0, &sine, &cosine);
        k = sine / cosine;
        for (unsigned i = 0; i < 2; i++) {
                double norm = 1.0 / (1.0 + k * butterworth_damping[i] + k * k);

                plan->section[plan->sections++] = (struct condition_section){
                        .gain = highpass ? norm : k * k * norm,
                        .b1 = highpass ? -2.0 : 2.0,
                        .a1 = 2.0 * (k * k - 1.0) * norm,
                        .a2 = (1.0 - k * butterworth_damping[i] + k * k) * norm,
                };
        }
}

void condition_plan_make(const struct grid *grid, struct condition_plan *ret) {
        struct condition_plan plan = {};

        plan_add_butterworth(&plan, grid, TUNING_HIGHPASS_HZ, true);
        /* At lower rates the sensor's own anti-aliasing filter leaves nothing to take away. */
        if (grid->rate_hz * TUNING_LOWPASS_SHARE > TUNING_LOWPASS_HZ)
                plan_add_butterworth(&plan, grid, TUNING_LOWPASS_HZ, false);
        *ret = plan;
}

void condition_prime(struct condition *condition, int32_t first) {
        *condition = (struct condition){.first = first};
}

void condition_run(struct condition *condition, const struct condition_plan *plan, const int32_t *counts,
                   size_t stride, double scale_uv, double *ret_uv, size_t n) {
        double zero = (double)condition->first;

        for (size_t i = 0; i < n; i++)
                ret_uv[i] = ((double)counts[i * stride] - zero) * scale_uv;

        for (unsigned k = 0; k < plan->sections; k++) {
                const struct condition_section section = plan->section[k];
                double s1 = condition->state[k][0], s2 = condition->state[k][1];

                /* Direct form II, transposed: little to round, nothing to carry but two numbers. */
                for (size_t i = 0; i < n; i++) {
                        double x = ret_uv[i] * section.gain, y = x + s1;

                        s1 = section.b1 * x - section.a1 * y + s2;
                        s2 = x - section.a2 * y;
                        ret_uv[i] = y;
                }
                condition->state[k][0] = s1;
                condition->state[k][1] = s2;
        }
}

void condition_flush(struct condition *condition, const struct condition_plan *plan) {
        for (unsigned k = 0; k < plan->sections; k++)
                for (unsigned i = 0; i < 2; i++) {
                        double value = condition->state[k][i];

                        if (value < TUNING_NEGLIGIBLE && value > -TUNING_NEGLIGIBLE)
                                condition->state[k][i] = 0.0;
                }
}
