/* SPDX-License-Identifier: MIT */
/*
 * The hop grid: how durations become frames and hops at one rate. Integers all the way, so that every
 * machine agrees. Needs nothing; used by all of the detector.
 */
#pragma once

#include <stdint.h>

#include "daemon/detector/tuning.h"

struct grid {
        uint32_t rate_mhz;
        uint32_t hop_frames;
        double rate_hz;
        double hop_s;
        double band_hz;     /* upper edge of the band that is looked at */
        double level_noise; /* how much a level of steady noise varies by chance: its SD over itself */
};

/*
 * A band of B Hz has 2 B independent values in a second; an RMS of n varies by 1 / sqrt(2 n) of itself.
 * The rate of levels says nothing of the band behind them.
 */
static inline double grid_level_noise(double low_hz, double high_hz) {
        double n = 2.0 * (high_hz - low_hz) * (TUNING_LEVEL_HOPS * TUNING_HOP_MS / 1000.0);
        double noise = n > 0.0 ? 1.0 / __builtin_sqrt(2.0 * n) : 1.0;

        return noise < TUNING_LEVEL_NOISE_MAX ? noise : TUNING_LEVEL_NOISE_MAX;
}

static inline struct grid grid_make(uint32_t rate_mhz) {
        struct grid grid = {.rate_mhz = rate_mhz};

        grid.rate_hz = (double)rate_mhz / 1000.0;
        grid.hop_frames = (uint32_t)(((uint64_t)rate_mhz * TUNING_HOP_MS + 500000) / 1000000);
        grid.hop_s = (double)grid.hop_frames / grid.rate_hz;
        grid.band_hz = grid.rate_hz * TUNING_LOWPASS_SHARE;
        if (grid.band_hz > TUNING_LOWPASS_HZ)
                grid.band_hz = TUNING_LOWPASS_HZ;
        grid.level_noise = grid_level_noise(TUNING_HIGHPASS_HZ, grid.band_hz);
        return grid;
}

static inline uint64_t grid_frames(const struct grid *grid, uint32_t ms) {
        return ((uint64_t)grid->rate_mhz * ms + 500000) / 1000000;
}

static inline uint32_t grid_hops(const struct grid *grid, uint32_t ms) {
        uint64_t hops = (grid_frames(grid, ms) + grid->hop_frames / 2) / grid->hop_frames;

        return hops > 0 ? (uint32_t)hops : 1;
}
