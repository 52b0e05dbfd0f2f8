/* SPDX-License-Identifier: MIT */
/*
 * The sample clock of one stream: makes time of what a driver's blocks and their arrival tell.
 *
 * - Radio delays a packet and never hurries it: the least delayed ones of the last seconds say when
 * frame 0 was taken (the origin). As they wander, so does the sensor's clock against ours (rate error).
 * - Where frames can be lost without a trace (stream_format.slip_frames), blocks that come late wait for
 *   up to CLOCK_HOLD_US: if later ones catch up, the radio had only paused; if all stay late, that many
 *   slips were lost, and the index jumps by as much.
 * - Where the rate is a guess, blocks wait until it is measured.
 * - Where there is no rate, the arrival is the time, and samples are held on a grid of CLOCK_GRID_MHZ.
 *
 * No clock of its own, no bus: arrivals come in. Owned by the daemon's sensor.
 */
#pragma once

#include "sensors/driver.h"

/* A slip is noticed that long after the blocks that are late begin to come. */
#define CLOCK_HOLD_US UINT64_C(60000)
#define CLOCK_GRID_MHZ 20000u
/* A free sample stands for the time until the next one, but no longer than this. */
#define CLOCK_STAND_US UINT64_C(1000000)

struct sample_clock;

/* Settled blocks; not to call the clock. */
typedef void (*sample_clock_func)(const struct emg_block *block, uint64_t arrival_us, void *userdata);

/* Returns 0 or -ENOMEM. */
int sample_clock_new(sample_clock_func func, void *userdata, struct sample_clock **ret);
struct sample_clock *sample_clock_free(struct sample_clock *clock);

/* A new stream; what is held of the last one is dropped. `known_rate_mhz` is what an earlier stream
 * measured, or 0. */
void sample_clock_begin(struct sample_clock *clock, const struct stream_format *format,
                        uint32_t known_rate_mhz);
void sample_clock_push(struct sample_clock *clock, const struct emg_block *block, uint64_t arrival_us);
/* The stream is over: gives out what is held. */
void sample_clock_flush(struct sample_clock *clock);

/* The stream as the settled blocks are: rate measured, or that of the grid. From the first block on. */
const struct stream_format *sample_clock_get_format(const struct sample_clock *clock);

struct sample_clock_stats {
        int64_t origin_us; /* boot time of frame 0 */
        double error_ppm;  /* how much faster than its rate the sensor is; NaN before a minute is over */
};

void sample_clock_get_stats(const struct sample_clock *clock, struct sample_clock_stats *ret);
