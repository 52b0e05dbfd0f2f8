/* SPDX-License-Identifier: MIT */
/*
 * Signals for the detector's tests: seeded noise shaped like surface EMG, bursts, mains, and a recorder
 * of events. Needs the detector and libm; linked into test-detector*.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/detector/detector.h"

#define SIGNAL_EVENTS_MAX 4096u

/* A recording: interleaved counts. */
struct signal {
        uint32_t rate_mhz, channels;
        double scale_uv;
        size_t frames;
        int32_t *counts;
        double *uv; /* before quantisation, same layout */
};

struct signal_events {
        size_t count;
        struct detector_event event[SIGNAL_EVENTS_MAX];
};

/* Deterministic generator (xorshift64*, Vigna 2016); the state must not be 0. */
uint64_t signal_random(uint64_t *state);
double signal_uniform(uint64_t *state);
double signal_normal(uint64_t *state);

void signal_init(struct signal *signal, uint32_t rate_mhz, uint32_t channels, double scale_uv,
                 double seconds);
void signal_done(struct signal *signal);
double signal_rate_hz(const struct signal *signal);

/* White noise: what an amplifier and skin leave. */
void signal_add_rest(struct signal *signal, uint32_t channel, double rms_uv, uint64_t seed);

/*
 * EMG-like noise (a second-order band about 40-150 Hz) whose amplitude goes in a line from one RMS to
 * another within the time, with slow roughness of the amplitude (coefficient of variation).
 */
void signal_add_emg(struct signal *signal, uint32_t channel, double from_s, double to_s,
                    double from_rms_uv, double to_rms_uv, double roughness, uint64_t seed);

/* A line of amplitude uv whose frequency drifts from one value to another over the recording. */
void signal_add_line(struct signal *signal, uint32_t channel, double from_s, double to_s, double uv,
                     double from_hz, double to_hz);

void signal_add_offset(struct signal *signal, uint32_t channel, double uv);

/* Rounds to counts, kept within the rails. */
void signal_quantise(struct signal *signal, int32_t low, int32_t high);

/* Runs a detector over the counts in pieces of at most `chunk` frames (0: all at once) and finishes it.
 */
void signal_detect(const struct signal *signal, size_t chunk, struct signal_events *ret);

/* As above, with frames [from, to) lost. */
void signal_detect_with_gap(const struct signal *signal, size_t from, size_t to,
                            struct signal_events *ret);

/* As above, with every `lost` frames of each `period` lost. */
void signal_detect_with_loss(const struct signal *signal, size_t period, size_t lost,
                             struct signal_events *ret);

/* In pieces of random length up to `longest`. */
void signal_detect_in_random_chunks(const struct signal *signal, size_t longest, uint64_t *seed,
                                    struct signal_events *ret);

/* The first frame has this number. */
void signal_detect_from(const struct signal *signal, uint64_t index, struct signal_events *ret);

void signal_collect(const struct detector_event *event, void *userdata);

size_t signal_count(const struct signal_events *events, enum detector_event_type type);
const struct detector_event *signal_first(const struct signal_events *events,
                                          enum detector_event_type type);

/* Whether all of them are the same, accounts left out. */
bool signal_same(const struct signal_events *a, const struct signal_events *b);
