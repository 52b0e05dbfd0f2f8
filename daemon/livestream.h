/* SPDX-License-Identifier: MIT */
/*
 * The readers of live activity: sockets handed out by Sensor.OpenStream, each fed without ever waiting
 * for its reader. The frame's layout is documented in dbus/org.crampd1.Sensor.xml. One for the whole
 * daemon, owned by main.
 *
 * A descriptor that its reader has not taken from the bus yet counts there against crampd as a whole:
 * dbus-daemon stops listening to a sender with 64 of them. So their number is limited over all users,
 * and one that was given up counts until its reader is gone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/detector/detector.h"

#define LIVESTREAM_READERS_PER_USER 8u
#define LIVESTREAM_READERS_MAX 48u

struct livestream;
struct sensor;

int livestream_new(struct livestream **ret);
/* Readers see the end of the stream. */
struct livestream *livestream_free(struct livestream *stream);

enum livestream_kind {
        LIVESTREAM_LEVELS,         /* a level each 50 ms */
        LIVESTREAM_SAMPLES,        /* every sample, as it came and as the detector sees it */
        LIVESTREAM_SAMPLES_BESIDE, /* the same, and what the detector hears besides */
};

/* What a sensor's detector may hear besides its samples: bits. */
#define LIVESTREAM_MOTION 1u  /* the sensor has an accelerometer */
#define LIVESTREAM_COMPANY 2u /* its owner has other sensors */

/* Returns the reading end, to be closed by the caller; -EDQUOT when there are too many; or negative
 * errno. */
int livestream_open(struct livestream *stream, const struct sensor *sensor, enum livestream_kind kind,
                    uid_t uid);
void livestream_send(struct livestream *stream, const struct sensor *sensor,
                     const struct detector_level *level, int64_t time_us);
/* Whether anybody reads the sensor's samples. */
bool livestream_has_reader(const struct livestream *stream, const struct sensor *sensor);
/* `beside`: what there is of the above. */
void livestream_send_samples(struct livestream *stream, const struct sensor *sensor,
                             const struct detector_signal *signal, unsigned beside, int64_t time_us);
/* The sensor goes: its readers see the end of the stream. */
void livestream_end(struct livestream *stream, const struct sensor *sensor);
