/* SPDX-License-Identifier: MIT */
/*
 * What verbs do first: reach the bus, find the sensor or the episode that is meant.
 */
#pragma once

#include "daemon/basic/cleanup.h"
#include "dbus/client/crampd-client.h"

static inline void client_freep(crampd_client **client) {
        (void)crampd_client_free(*client);
}

/* libdbus ignores SIGPIPE for the whole process; a filter in a pipe should end quietly when nobody
 * reads. */
void pipes_restore(void);

/* Returns 0, or an exit code after saying why. */
int client_open(crampd_client **ret);

/* Both: reaches the bus and finds the sensor. */
int sensor_open(const char *wanted, crampd_client **ret_client, char **ret_path);

/* The path, to be freed, of the sensor with this id, address, path or name (which has to be the only one
 * of that name). Returns 0, or an exit code after saying why. */
int sensor_find(crampd_client *client, const char *wanted, char **ret_path);

/* The shape of a sensor's stream is told when it is opened, and known once the sensor streams: asks
 * again, for a stream whose rate is not known, or that has begun anew. Returns 0, or an exit code after
 * saying why,
 * `*ret` then as it was. */
int stream_shape_get(crampd_client *client, const char *path, struct crampd_stream_info *ret);

/* How far back the last alert is looked for, by that word and by `status`: the list comes in order of
 * onset and has no other end. */
#define LAST_ALERT_DAYS 30

/* The id, to be freed, of the episode with this id, or of the newest of LAST_ALERT_DAYS for "last".
 * Returns 0, or an exit code after saying why. */
int episode_find(crampd_client *client, const char *said, char **ret);

/* Both: reaches the bus and reads that episode; `ret` is empty before, and to be freed with
 * episode_copy_clear() in any case. */
int episode_open(const char *said, crampd_client **ret_client, struct crampd_episode *ret);
