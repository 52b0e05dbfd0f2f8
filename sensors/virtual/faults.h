/* SPDX-License-Identifier: MIT */
/*
 * What goes wrong with a virtual sensor on demand: packets that are lost, come twice or spoiled, times
 * of silence, a link that breaks, a low battery. The same seed gives the same faults. Pure: time comes
 * in. Used by twin-sensor.c and by tests.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sensors/virtual/twin.h"

struct fault_totals {
        uint64_t sent; /* twice counts twice, spoiled counts too */
        uint64_t lost;
        uint64_t duplicated;
        uint64_t malformed;
        uint64_t silenced;
        uint64_t frames; /* in what was sent whole, each once */
};

struct faults {
        /* Of a packet of samples, 0 .. 1. */
        double loss, duplicate, malformed;
        /* Times since the stream started; 0 = never. */
        uint64_t silence_after_us, silence_us, drop_after_us;
        int battery_percent; /* -1 = as it is */
        bool early;          /* samples come as soon as there is a subscriber, whatever the start is */
        uint32_t slow_answers_ms;
        uint64_t random;
        struct fault_totals totals;
};

void faults_init(struct faults *faults, uint64_t seed);

/* One of: loss, duplicate, malformed (P); silence-after (S:FOR); drop-after (S); battery (PERCENT);
 * slow-answers (MS); early (no value). Returns 0, or -EINVAL. */
int faults_set(struct faults *faults, const char *name, const char *value);
/* Several, as NAME=VALUE with commas between them. */
int faults_parse(struct faults *faults, const char *text);

/* Decides on a packet that is due so long after the start, perhaps spoils it, and counts. Returns how
 * often it is to be sent: 0, 1 or 2. What is no sample goes unharmed. */
unsigned faults_apply(struct faults *faults, const struct twin *twin, struct twin_packet *packet,
                      uint64_t since_start_us);
