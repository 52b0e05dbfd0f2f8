/* SPDX-License-Identifier: MIT */
/* Faults of single channels: see faults.h. */
#include "tests/corpus/faults.h"

#include <math.h>

#include "tests/corpus/model.h"
#include "tests/corpus/shape.h"

#define JUMPS_LAST 8.0 /* times MODEL_LIFT_JUMP_S: then they are gone */
#define TICK_S 0.005   /* slow drifts move in such steps */

static void fault_init_jumps(struct fault *fault) {
        for (unsigned i = 0; i < 2; i++) {
                double size_uv =
                        random_lognormal(&fault->random, MODEL_LIFT_JUMP_UV, MODEL_LIFT_JUMP_UV);

                fault->jump_uv[i] = random_uniform(&fault->random, 0, 1) < 0.5 ? -size_uv : size_uv;
        }
}

/* One stream of numbers for each part of a fault. */
static void fault_random(struct random *random, const struct fault_scale *scale, size_t index,
                         unsigned channel, unsigned part) {
        random_init(random, scale->seed, RANDOM_FAULT, index, channel * 8 + part);
}

void fault_init(struct fault *fault, const struct script_event *event, size_t index, unsigned channel,
                const struct fault_scale *scale) {
        struct random random;

        *fault = (struct fault){
                .kind = event->kind,
                .channel = channel,
                .start_s = event->start_s,
                .duration_s = event->duration_s,
                .rise_s = event->rise_s,
                .fall_s = event->fall_s,
                .internal_hz = scale->internal_hz,
                .level_uv = event->ratio > 0 ? event->ratio * scale->rest_uv : event->level_uv,
                .ratio = event->ratio,
                .hz = event->hz,
        };
        fault_random(&fault->random, scale, index, channel, 0);
        /* Well beyond, so that it stays there whatever is added. */
        fault->rail_uv =
                random_uniform(&fault->random, 0, 1) < 0.5 ? -3 * scale->rail_uv : 3 * scale->rail_uv;
        fault->phase = random_uniform(&fault->random, 0, 2 * M_PI);
        fault_init_jumps(fault);
        fault_random(&random, scale, index, channel, 1);
        slow_noise_init(&fault->slow, &random, MODEL_RUB_CORNER_HZ, scale->internal_hz);
        fault_random(&random, scale, index, channel, 2);
        rest_noise_init(&fault->noise, &random, scale->decimator, scale->internal_hz,
                        fault->kind == EVENT_LIFT ? fault->level_uv : MODEL_LIFT_UV,
                        MODEL_NOISE_CORNER_HZ, 0);
        fault_random(&random, scale, index, channel, 3);
        mains_init(&fault->mains, &random, scale->mains_hz > 0 ? scale->mains_hz : 50);
        mains_coupling_init(&fault->coupling, &fault->random, fault->level_uv);
}

static bool fault_is_loose(const struct fault *fault) {
        return fault->kind == EVENT_LIFT || fault->kind == EVENT_HUM;
}

bool fault_concerns(const struct fault *fault, double from_s, double to_s) {
        double after_s = fault_is_loose(fault) ? JUMPS_LAST * MODEL_LIFT_JUMP_S : 0;

        return fault->start_s < to_s && fault->start_s + fault->duration_s + after_s > from_s;
}

unsigned fault_order(const struct fault *fault) {
        return fault_is_loose(fault) ? 1 : fault->kind == EVENT_RAIL ? 2 : 0;
}

static double fault_shape(const struct fault *fault, double at_s) {
        return shape_trapezoid(at_s, fault->duration_s, fault->rise_s, fault->fall_s);
}

double fault_floor_gain(const struct fault *fault, double at_s) {
        at_s -= fault->start_s;
        if (fault->kind != EVENT_FLOOR || at_s < 0 || at_s > fault->duration_s)
                return 1;
        return pow(fault->ratio, fault_shape(fault, at_s));
}

/* Strokes and pauses, with crackle in the strokes. */
static double rub_next(struct fault *fault) {
        struct random *random = &fault->random;
        double step_s = 1 / fault->internal_hz;
        bool stroke;

        /* Below 0 it is a pause that is left. */
        stroke = fault->stroke_s > 0;
        fault->stroke_s += stroke ? -step_s : step_s;
        if (stroke != (fault->stroke_s > 0)) {
                double length_s = random_exponential(random, MODEL_RUB_STROKE_S) + step_s;

                fault->stroke_s = stroke ? -length_s : length_s;
        }
        fault->stroke += ((stroke ? 1 : 0) - fault->stroke) * step_s / 0.02;

        fault->crackle_uv *= 1 - step_s / MODEL_RUB_CRACKLE_DECAY_S;
        if (stroke && random_uniform(random, 0, 1) < MODEL_RUB_CRACKLE_PER_S * step_s)
                fault->crackle_uv += fault->level_uv * random_normal(random);
        return fault->level_uv * fault->stroke * slow_noise_next(&fault->slow) + fault->crackle_uv;
}

static double tone_next(struct fault *fault) {
        double gain = fault->level_uv * M_SQRT2 / sqrt(1 + MODEL_TONE_SECOND * MODEL_TONE_SECOND);

        fault->phase += 2 * M_PI * fault->hz / fault->internal_hz;
        if (fault->phase > 2 * M_PI)
                fault->phase -= 2 * M_PI;
        return gain * (1 + fault->swing) * sin(fault->phase) *
               (1 + 2 * MODEL_TONE_SECOND * cos(fault->phase));
}

/* What an amplifier has without its electrode. */
static double loose_next(struct fault *fault) {
        double uv = rest_noise_next(&fault->noise);

        if (fault->kind == EVENT_HUM) {
                uv += mains_coupling_uv(&fault->coupling, &fault->mains);
                mains_advance(&fault->mains, fault->internal_hz);
        }
        return uv;
}

/* The electrode's voltage settles after contact was lost, and again after it was made. */
static double jump_at(const struct fault *fault, double at_s) {
        double uv = fault->jump_uv[0] * exp(-at_s / MODEL_LIFT_JUMP_S);

        if (at_s >= fault->duration_s)
                uv = fault->jump_uv[1] * exp(-(at_s - fault->duration_s) / MODEL_LIFT_JUMP_S);
        return uv;
}

static double fault_next(struct fault *fault, double at_s, double before_uv) {
        bool within = at_s <= fault->duration_s;

        switch (fault->kind) {
        case EVENT_RUB:
                return before_uv + rub_next(fault);
        case EVENT_TONE:
                return before_uv + tone_next(fault);
        case EVENT_RAIL:
                return before_uv + fault->rail_uv * fault_shape(fault, at_s);
        default:
                return (within ? loose_next(fault) : before_uv) + jump_at(fault, at_s);
        }
}

static void fault_drift(struct fault *fault) {
        if (fault->kind == EVENT_TONE)
                fault->swing = drift_step(&fault->random, fault->swing, MODEL_TONE_SWING, 1 / TICK_S);
        if (fault->kind == EVENT_HUM)
                mains_drift(&fault->mains, 1 / TICK_S);
}

void fault_apply(struct fault *fault, float *samples, size_t n, double first) {
        size_t tick = (size_t)(TICK_S * fault->internal_hz);

        if (fault->kind == EVENT_FLOOR)
                return;
        for (size_t i = 0; i < n; i++) {
                double at_s = (first + (double)i) / fault->internal_hz - fault->start_s;

                if (at_s < 0)
                        continue;
                if (at_s > fault->duration_s && !fault_is_loose(fault))
                        break;
                if (i % tick == 0)
                        fault_drift(fault);
                samples[i] = (float)fault_next(fault, at_s, (double)samples[i]);
        }
}
