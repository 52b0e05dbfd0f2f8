/* SPDX-License-Identifier: MIT */
/*
 * Reads the real recordings that the detector's tests use in place (environment variable RECORDINGS):
 * plain numbers in columns, whatever separates them, lines that do not begin with a number skipped.
 * Needs detector-signals; linked into test-detector-recordings.c.
 */
#pragma once

#include "tests/unit/detector-signals.h"

/*
 * `columns` lists `channels` column numbers from 0; the values times factor_uv are microvolts, kept in
 * steps of scale_uv. Returns 0, or -errno (-EINVAL when a row is short or no row is there).
 */
int recording_load(const char *folder, const char *name, uint32_t rate_mhz, const uint32_t *columns,
                   uint32_t channels, double factor_uv, double scale_uv, struct signal *ret);

/* A new recording: `rest_s` of simulated rest of this RMS, then one channel (or all, for UINT32_MAX)
 * `times` times. */
void recording_repeat(const struct signal *signal, uint32_t channel, double rest_s, double rest_uv,
                      unsigned times, struct signal *ret);
