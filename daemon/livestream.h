/* SPDX-License-Identifier: MIT */
/*
 * The readers of one sensor's live activity: sockets handed out by Sensor.OpenStream, each fed without
 * ever waiting for its reader. The frame's layout is documented in dbus/org.crampd1.Sensor.xml. Owned by
 * a sensor.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "daemon/detector/detector.h"

#define LIVESTREAM_READERS_PER_USER 8u

struct livestream;

int livestream_new(struct livestream **ret);
/* Readers see the end of the stream. */
struct livestream *livestream_free(struct livestream *stream);

/* Returns the reading end, to be closed by the caller; -EDQUOT when the user has too many; or negative
 * errno. */
int livestream_open(struct livestream *stream, uid_t uid);
void livestream_send(struct livestream *stream, const struct detector_level *level, int64_t time_us);
