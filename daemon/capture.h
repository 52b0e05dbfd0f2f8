/* SPDX-License-Identifier: MIT */
/*
 * Captures: the conditioned signal of the last minute of one stream, in a ring, and out of it what lay
 * around an episode's onset. Owns the ring, which is allocated at once: 60 s of 4 bytes a sample, that
 * is 240 kB for a channel at 1 kHz and at most 7.7 MB (16 channels at 2 kHz). Owned by a night; knows no
 * clock and no store but the shape of what it gives.
 *
 * A capture reaches from 10 s before the onset to 20 s after it, and to 5 s after the alert if that is
 * later; what the ring has lost by then, or the stream never had, is missing at its beginning. It is
 * given when its end has come, or the stream's.
 *
 * Samples are kept in whole steps. A step is 0.5 uV, or as much more as the highest value needs to fit
 * into 16 bits, out of 1, 2, 5, 10, ...; 0.5 uV add a noise of 0.14 uV RMS (a step over the root of 12).
 * In arbitrary units a step is at most a 4096th of the highest value.
 */
#pragma once

#include "daemon/detector/detector.h"
#include "daemon/store/waveform.h"

#define CAPTURE_RING_S 60u
#define CAPTURE_BEFORE_S 10u
#define CAPTURE_AFTER_S 20u
#define CAPTURE_AFTER_ALERT_S 5u

struct capture;

struct capture_setup {
        uint32_t rate_mhz;
        uint32_t channels;
        bool arbitrary_unit;
        /* Takes the waveform over. Called from within capture_push() and capture_finish(). */
        void (*func)(struct store_waveform *waveform, void *userdata);
        void *userdata;
};

/* Returns 0, -EINVAL, -ENOMEM. */
int capture_new(const struct capture_setup *setup, struct capture **ret);
/* Gives nothing: see capture_finish(). NULL is accepted; returns NULL. */
struct capture *capture_free(struct capture *capture);

/* The next piece; an index beyond the one expected is a gap. */
void capture_push(struct capture *capture, const struct detector_signal *signal);
/* An alert: what lies around it is to be given. Of several at a time the oldest is given early. */
void capture_begin(struct capture *capture, const char *episode, int64_t onset_us, uint64_t onset_index,
                   uint64_t alert_index);
/* The stream has ended: gives what there is. */
void capture_finish(struct capture *capture);
