/* SPDX-License-Identifier: MIT */
/*
 * A virtual sensor: plays a recording as if a sensor sent it. A child process reads the file, packs it as the open
 * profile does and writes the packets into a socket, so the daemon's side is the same as behind BlueZ from the
 * descriptor on, and no file is ever read on the loop. Packets are never dropped: when the loop is late, the child waits.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "sensors/source.h"
#include "sensors/stream.h"

struct replay;

struct replay_setup {
        const char *path;     /* EDF, EDF+, BDF or CSV, at most 7 EMG channels are played */
        double speed;         /* 1 = real time; > 0 */
        uint32_t csv_rate_hz; /* for a CSV without a time column, else 0 */
};

/* Forks: call it before any thread is started. The stream begins with replay_start(). On failure `*ret_error` names the
 * place and the remedy (to be freed). Returns 0 or negative errno. */
int replay_new(const struct replay_setup *setup, struct replay **ret, char **ret_error);
int replay_start(struct replay *replay, sd_event *event, const struct source_callbacks *callbacks, void *userdata);
struct replay *replay_free(struct replay *replay);

enum source_state replay_get_state(const struct replay *replay, const char **ret_reason);
void replay_get_counters(const struct replay *replay, struct stream_counters *ret);
