/* SPDX-License-Identifier: MIT */
/*
 * A virtual sensor: plays a recording as if a sensor sent it. A child process reads the file, packs it
 * as the open profile does and writes the packets into a socket, so the daemon's side is the same as
 * behind BlueZ from the descriptor on, and no file is ever read on the loop. Packets are never dropped:
 * when the loop is late, the child waits.
 *
 * Stream time is never in the future. A recording of length D that is played s times as fast as it was
 * taken began at now - D (1 - 1/s) for s > 1: then the stream's time reaches the present when the
 * recording ends. For s <= 1 it begins now. Gaps in the recording are gaps in the sample counter, not
 * lost packets.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "sensors/source.h"
#include "sensors/stream.h"

#define REPLAY_SPEED_MIN 0.001
#define REPLAY_SPEED_MAX 1e6

struct replay;

struct replay_setup {
        const char *path;     /* EDF, EDF+, BDF or CSV; the first 7 EMG channels are played (player.h) */
        double speed;         /* 1 = real time; REPLAY_SPEED_MIN .. REPLAY_SPEED_MAX */
        uint32_t csv_rate_hz; /* for a CSV without a time column, else 0 */
};

/* Forks: call it before any thread is started. Waits until the child has read the file through once. The
 * stream begins with replay_start(). On failure `*ret_error` names the place and the remedy (to be
 * freed; NULL when out of memory). Returns 0, -EINVAL for a speed out of range, as recording_open() and
 * recording_read() for a bad file, or another negative errno. */
int replay_new(const struct replay_setup *setup, struct replay **ret, char **ret_error);

/* The state is SOURCE_STARTING until the first callbacks: format(), then state() with SOURCE_STREAMING.
 * At the end come stopped(), then state() with SOURCE_ENDED. The replay may be freed from within each.
 * Call it once. */
int replay_start(struct replay *replay, sd_event *event, const struct source_callbacks *callbacks,
                 void *userdata);

struct replay *replay_free(struct replay *replay);

/* What of the recording is not played as it is in the file, for a notice to the user; NULL if nothing.
 */
const char *replay_get_notice(const struct replay *replay);

enum source_state replay_get_state(const struct replay *replay, const char **ret_reason);
void replay_get_counters(const struct replay *replay, struct stream_counters *ret);
