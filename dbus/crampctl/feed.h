/* SPDX-License-Identifier: MIT */
/*
 * A recording's frames into a detector, with what it heard besides, as a sensor's would have come. Needs
 * the detector and the readers of recordings. Used by analyze.c and a unit test.
 */
#pragma once

#include "daemon/detector/detector.h"
#include "sensors/recording/recording.h"

/* As a set-up for the recording's channels wants it; NULL without memory. To be freed. */
double *feed_scales(const struct recording *recording);
bool feed_is_arbitrary(const struct recording *recording);
/* Frames as recording_read() gave them, which are moved together. Returns as detector_push(). */
int feed_push(const struct recording *recording, struct detector *detector, uint64_t index,
              int32_t *counts, size_t frames);
