/* SPDX-License-Identifier: MIT */
/*
 * What goes wrong on single channels: cables that rub, tones, a floor that rises or falls, electrodes
 * that come off, amplifiers at their rails. Needs interference.h and script.h; used by corpus.c and
 * render.c.
 */
#pragma once

#include <stddef.h>

#include "tests/corpus/interference.h"
#include "tests/corpus/script.h"

/* What a channel's faults are relative to. */
struct fault_scale {
        const struct decimator *decimator;
        double internal_hz, rest_uv, rail_uv;
        unsigned mains_hz; /* that a loose electrode picks up */
        uint64_t seed;
};

/* One event on one channel. */
struct fault {
        enum event_kind kind;
        unsigned channel;
        double start_s, duration_s, rise_s, fall_s;
        double internal_hz, level_uv, ratio, hz, rail_uv;
        double jump_uv[2]; /* where contact is lost and made */
        double phase, swing;
        double stroke_s, stroke, crackle_uv;
        struct random random;
        struct slow_noise slow;
        struct rest_noise noise;
        struct mains mains;
        struct mains_coupling coupling;
};

/* `index` is the event's in its script. */
void fault_init(struct fault *fault, const struct script_event *event, size_t index, unsigned channel,
                const struct fault_scale *scale);
/* Whether it changes samples from `from_s` to `to_s`; some outlast their event. */
bool fault_concerns(const struct fault *fault, double from_s, double to_s);
/* The factor on the rest noise; 1 for all kinds but EVENT_FLOOR. */
double fault_floor_gain(const struct fault *fault, double at_s);
/* Adds to `n` samples, of which the first is number `first`, or replaces them. Blocks come in order.
 * Faults that replace come after those that add: see fault_order(). */
void fault_apply(struct fault *fault, float *samples, size_t n, double first);
/* 0: adds; 1: replaces what is there; 2: drives it into the rail. */
unsigned fault_order(const struct fault *fault);
