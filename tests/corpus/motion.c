/* SPDX-License-Identifier: MIT */
/* Acceleration: see motion.h. */
#include "tests/corpus/motion.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/corpus/model.h"
#include "tests/corpus/shape.h"

/* An upright spell that follows another so soon is the same one. */
#define UPRIGHT_PAUSE_S 5.0

struct motion_event {
        enum event_kind kind;
        double start_s, duration_s;
        /* Walking: the strides that the muscles have too. */
        struct random strides;
        double stride_at_s, stride_s;
};

struct motion_turn {
        double start_s, end_s;
        double down[MOTION_AXES];
};

/* How hard a leg shakes, in g: choices, but that a cramp does not move it. */
static const struct {
        double shake_g, tremor_g;
} strengths[EVENT_KINDS] = {
        [EVENT_CRAMP] = {0.001, 0.003},   [EVENT_RECOVERY] = {0, 0.001},
        [EVENT_MOVEMENT] = {0.12, 0.02},  [EVENT_PLM] = {0.10, 0.03},
        [EVENT_STRETCH] = {0.015, 0.012}, [EVENT_HOLD] = {0.003, 0.005},
        [EVENT_STAND] = {0.008, 0.004},   [EVENT_WALK] = {0.08, 0.03},
};

static bool is_upright(enum event_kind kind) {
        return kind == EVENT_WALK || kind == EVENT_STAND;
}

static int event_compare(const void *a, const void *b) {
        const struct motion_event *first = a, *second = b;

        return (first->start_s > second->start_s) - (first->start_s < second->start_s);
}

/* In bed the leg lies: down is across it, on any side. */
static void down_lying(struct motion *motion, double *down) {
        double side = random_uniform(&motion->random, 0, 2 * M_PI);
        double raised = 0.15 * random_normal(&motion->random);

        down[0] = sin(raised);
        down[1] = cos(raised) * cos(side);
        down[2] = cos(raised) * sin(side);
}

static void motion_add_turn(struct motion *motion, double start_s, double end_s, bool upright) {
        struct motion_turn *turn = &motion->turns[motion->n_turns++];

        *turn = (struct motion_turn){.start_s = start_s, .end_s = end_s, .down = {1, 0, 0}};
        if (!upright)
                down_lying(motion, turn->down);
}

/* Every large movement ends in another position; who stands has the leg upright. */
static void motion_plan_turns(struct motion *motion) {
        double upright_until_s = -INFINITY;

        for (size_t i = 0; i < motion->n_events; i++) {
                const struct motion_event *event = &motion->events[i];
                double start_s = event->start_s, end_s = start_s + event->duration_s;

                if (is_upright(event->kind)) {
                        /* One spell out of bed: the way back, planned already, is put off. */
                        if (start_s - upright_until_s < UPRIGHT_PAUSE_S)
                                motion->n_turns--;
                        else
                                motion_add_turn(motion, start_s - 1.5, start_s, true);
                        motion_add_turn(motion, end_s, end_s + 2, false);
                        upright_until_s = end_s;
                } else if (event->kind == EVENT_MOVEMENT && start_s > upright_until_s + 2) {
                        motion_add_turn(motion, start_s, end_s, false);
                }
        }
}

static void motion_copy_events(struct motion *motion, const struct script *script, uint64_t seed) {
        for (size_t i = 0; i < script->n_events; i++) {
                const struct script_event *event = &script->events[i];
                struct motion_event *copy = &motion->events[motion->n_events];

                if (!event_kind_is_muscle(event->kind) || event->kind == EVENT_FASCICULATIONS)
                        continue;
                *copy = (struct motion_event){
                        .kind = event->kind, .start_s = event->start_s, .duration_s = event->duration_s};
                /* As in activity.c, so that heel strikes and bursts belong together. */
                random_init(&copy->strides, seed, RANDOM_EVENT, i, 0);
                copy->stride_at_s = -random_uniform(&copy->strides, 0, 1) * MODEL_STRIDE_S;
                copy->stride_s = MODEL_STRIDE_S * (1 + MODEL_STRIDE_CV * random_normal(&copy->strides));
                motion->n_events++;
        }
        qsort(motion->events, motion->n_events, sizeof(*motion->events), event_compare);
}

int motion_init(struct motion *motion, const struct script *script, uint64_t seed) {
        *motion = (struct motion){.turn_start_s = -1, .turn_end_s = -1};
        random_init(&motion->random, seed, RANDOM_MOTION, 0, 0);
        for (unsigned axis = 0; axis < MOTION_AXES; axis++) {
                struct random random;

                random_init(&random, seed, RANDOM_MOTION, 1, axis);
                slow_noise_init(&motion->shake[axis], &random, MODEL_MOTION_SHAKE_HZ, MODEL_MOTION_HZ);
                random_init(&random, seed, RANDOM_MOTION, 2, axis);
                slow_noise_init(&motion->tremor[axis], &random, MODEL_MOTION_TREMOR_HZ, MODEL_MOTION_HZ);
        }

        motion->events = calloc(script->n_events + 1, sizeof(*motion->events));
        motion->turns = calloc(2 * script->n_events + 1, sizeof(*motion->turns));
        if (!motion->events || !motion->turns)
                return -ENOMEM;
        motion_copy_events(motion, script, seed);
        down_lying(motion, motion->to);
        motion_plan_turns(motion);
        return 0;
}

void motion_done(struct motion *motion) {
        free(motion->events);
        free(motion->turns);
        motion->events = NULL;
        motion->turns = NULL;
}

static void motion_turn(struct motion *motion, double at_s) {
        double share = 1, length = 0;

        while (motion->next_turn < motion->n_turns && motion->turns[motion->next_turn].start_s <= at_s) {
                const struct motion_turn *turn = &motion->turns[motion->next_turn++];

                memcpy(motion->from, motion->down, sizeof(motion->from));
                memcpy(motion->to, turn->down, sizeof(motion->to));
                motion->turn_start_s = turn->start_s;
                motion->turn_end_s = turn->end_s;
        }

        if (motion->turn_end_s > motion->turn_start_s)
                share = shape_smooth_step((at_s - motion->turn_start_s) /
                                          (motion->turn_end_s - motion->turn_start_s));
        for (unsigned axis = 0; axis < MOTION_AXES; axis++) {
                motion->down[axis] =
                        motion->from[axis] + share * (motion->to[axis] - motion->from[axis]);
                length += motion->down[axis] * motion->down[axis];
        }
        /* Half way from one to its opposite there is no direction: it stays short for that moment. */
        for (unsigned axis = 0; axis < MOTION_AXES && length > 0.01; axis++)
                motion->down[axis] /= sqrt(length);
}

/* Heel strikes ring for a while; the leg swings in between. */
static double stride_g(struct motion_event *walk, double at_s, unsigned axis) {
        double phase_s, decay;

        while (walk->stride_at_s + walk->stride_s <= at_s) {
                walk->stride_at_s += walk->stride_s;
                walk->stride_s = MODEL_STRIDE_S * (1 + MODEL_STRIDE_CV * random_normal(&walk->strides));
        }
        phase_s = at_s - walk->stride_at_s;
        decay = exp(-phase_s / MODEL_MOTION_STRIKE_S);
        if (axis == 0)
                return MODEL_MOTION_STRIKE_G * decay * cos(2 * M_PI * MODEL_MOTION_STRIKE_HZ * phase_s);
        if (axis == 1)
                return MODEL_MOTION_SWING_G * sin(2 * M_PI * phase_s / walk->stride_s);
        return 0;
}

static void motion_step(struct motion *motion) {
        double at_s = (double)motion->steps / MODEL_MOTION_HZ;
        double shake_g = 0, tremor_g = 0, strides[MOTION_AXES] = {0};

        while (motion->first_event < motion->n_events &&
               motion->events[motion->first_event].start_s +
                               motion->events[motion->first_event].duration_s <
                       at_s)
                motion->first_event++;
        for (size_t i = motion->first_event; i < motion->n_events; i++) {
                struct motion_event *event = &motion->events[i];
                double since_s = at_s - event->start_s, shape;

                if (since_s < 0)
                        break;
                if (since_s > event->duration_s)
                        continue;
                shape = shape_trapezoid(since_s, event->duration_s, 0.15, 0.3);
                shake_g = hypot(shake_g, shape * strengths[event->kind].shake_g);
                tremor_g = hypot(tremor_g, shape * strengths[event->kind].tremor_g);
                for (unsigned axis = 0; axis < MOTION_AXES && event->kind == EVENT_WALK; axis++)
                        strides[axis] += shape * stride_g(event, since_s, axis);
        }

        motion_turn(motion, at_s);
        for (unsigned axis = 0; axis < MOTION_AXES; axis++)
                motion->g[axis] = motion->down[axis] + strides[axis] +
                                  shake_g * slow_noise_next(&motion->shake[axis]) +
                                  tremor_g * slow_noise_next(&motion->tremor[axis]) +
                                  MODEL_MOTION_NOISE_G * random_normal(&motion->random);
        motion->steps++;
}

const double *motion_at(struct motion *motion, double at_s) {
        while ((double)motion->steps / MODEL_MOTION_HZ <= at_s || motion->steps == 0)
                motion_step(motion);
        return motion->g;
}
