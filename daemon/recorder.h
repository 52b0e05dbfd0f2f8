/* SPDX-License-Identifier: MIT */
/*
 * Episodes on their way to the store. One that the store refuses, because its queue is full or memory is
 * short, is kept and put again until it is taken: an alert must not be missing from the history because
 * others wrote a lot just then. Owned by main; the sensors hand it their episodes.
 */
#pragma once

#include "daemon/crampd.h"

/* More are not kept: the oldest goes. */
#define RECORDER_KEPT_MAX 64u
#define RECORDER_AGAIN_US (UINT64_C(250) * 1000)

struct recorder;

int recorder_new(struct crampd *crampd, struct recorder **ret);
/* Puts what is kept once more, for the last time. Before the store is closed. Returns NULL; NULL is
 * accepted. */
struct recorder *recorder_free(struct recorder *recorder);
/* Puts the sensor's episode as it is now. When it is durable, the sensor's subscribers are told. */
void recorder_put(struct recorder *recorder, const struct sensor *sensor,
                  const struct store_episode *episode);
