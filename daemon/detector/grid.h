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
        double band_hz; /* upper edge of the band that is looked at */
};

static inline struct grid grid_make(uint32_t rate_mhz) {
        struct grid grid = {.rate_mhz = rate_mhz};

        grid.rate_hz = (double)rate_mhz / 1000.0;
        grid.hop_frames = (uint32_t)(((uint64_t)rate_mhz * TUNING_HOP_MS + 500000) / 1000000);
        grid.hop_s = (double)grid.hop_frames / grid.rate_hz;
        grid.band_hz = grid.rate_hz * TUNING_LOWPASS_SHARE;
        if (grid.band_hz > TUNING_LOWPASS_HZ)
                grid.band_hz = TUNING_LOWPASS_HZ;
        return grid;
}

static inline uint64_t grid_frames(const struct grid *grid, uint32_t ms) {
        return ((uint64_t)grid->rate_mhz * ms + 500000) / 1000000;
}

static inline uint32_t grid_hops(const struct grid *grid, uint32_t ms) {
        uint64_t hops = (grid_frames(grid, ms) + grid->hop_frames / 2) / grid->hop_frames;

        return hops > 0 ? (uint32_t)hops : 1;
}
