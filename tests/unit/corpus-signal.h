/* SPDX-License-Identifier: MIT */
/*
 * Generated signals and what can be measured in them: for the tests of the generator. Needs corpus_dep
 * and cmocka; linked into test-corpus*.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tests/corpus/corpus.h"

struct signal {
        struct corpus *corpus;
        const struct corpus_setup *setup;
        int32_t *counts;
        size_t frames;
};

/* Generates a script's text, or a built-in script if `text` is its name, whole. */
struct signal signal_make(const struct corpus_setup *setup, const char *text);
struct signal signal_of_script(const struct corpus_setup *setup, const struct script *script);
void signal_done(struct signal *signal);
#define _signal_ __attribute__((cleanup(signal_done)))

double signal_uv(const struct signal *signal, unsigned channel, size_t frame);
/* Power in microvolts squared from `low` to `high` Hz in one second, by a plain Fourier sum. */
double signal_band_power(const struct signal *signal, unsigned channel, unsigned second, unsigned low,
                         unsigned high);
/* RMS from second `from` to `to` in the band in which rest levels are meant. */
double signal_rms_uv(const struct signal *signal, unsigned channel, unsigned from, unsigned to);
double signal_median_hz(const struct signal *signal, unsigned channel, unsigned from, unsigned to);
/* RMS of the half second that ends at `at_s`, in the same band. */
double signal_envelope_uv(const struct signal *signal, unsigned channel, double at_s);
/* Relative strength (SD over mean) of the waxing and waning at 0.3-1.5 Hz of a 150 ms RMS, from second
 * `from` to `to`. */
double signal_roughness(const struct signal *signal, unsigned channel, unsigned from, unsigned to);
/* The first of its kind; the test fails without one. */
const struct corpus_event *signal_event(const struct signal *signal, enum event_kind kind);
