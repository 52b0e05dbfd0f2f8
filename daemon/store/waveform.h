/* SPDX-License-Identifier: MIT */
/*
 * Waveforms: the conditioned signal around an episode's onset, as integers with a scale, and the code
 * in which the database keeps it. Part of the store; made by capture.c, asked for by the bus.
 *
 * The code, version 1, is made of unsigned LEB128 numbers (seven bits a byte, the lowest first, the
 * eighth bit set where more follow). For each piece in order: the frames that are missing since the end
 * of the piece before (of the first: since the start); its frames; then for each channel in turn the
 * frames' differences, each to the value before it in that channel of that piece and the first to 0,
 * with the sign in the lowest bit (0, -1, 1, -2, ... are 0, 1, 2, 3, ...).
 */
#pragma once

#include "daemon/store/store.h"

#define STORE_WAVEFORM_VERSION 1
/* A minute at the highest rate that the detector takes. */
#define STORE_WAVEFORM_FRAMES_MAX 120000u
#define STORE_WAVEFORM_CHANNELS_MAX 16u
#define STORE_WAVEFORM_PIECES_MAX 256u
/* Of each owner those of so many episodes are kept, the newest: that bounds the database. */
#define STORE_WAVEFORMS_KEPT 1000u
/* On their way into the store at a time. */
#define STORE_WAVEFORMS_WAITING 4u

/* A stretch without a gap. */
struct store_piece {
        uint32_t first; /* frame, counted from the start */
        uint32_t frames;
};

struct store_waveform {
        char episode[STORE_ID_SIZE];
        int64_t start_us; /* of frame 0 */
        uint32_t rate_mhz;
        uint32_t channels;
        double scale_uv; /* of one step of a sample, in microvolts or in the arbitrary unit */
        bool arbitrary_unit;
        uint32_t n_pieces;
        struct store_piece pieces[STORE_WAVEFORM_PIECES_MAX]; /* in order of time */
        int16_t *samples; /* interleaved, piece after piece; missing frames have none */
};

/* Returns NULL; NULL is accepted. */
struct store_waveform *store_waveform_free(struct store_waveform *waveform);
/* Frames that there are samples of. */
size_t store_waveform_frames(const struct store_waveform *waveform);

/* Of an episode that was put before; replaces an earlier one. Takes it over in any case. Returns 0 or as
 * the other writes; -ENOBUFS also when STORE_WAVEFORMS_WAITING are on their way: it is the first to give
 * way. */
int store_put_waveform(struct store *store, struct store_waveform *waveform);

/* NULL if that owner has no such episode, or it has none. */
typedef void (*store_waveform_func)(int error, const struct store_waveform *waveform, void *userdata);
/* Of the episode that the filter's `id` names; only its owner is looked at besides. */
int store_get_waveform(struct store *store, const struct store_filter *filter, store_waveform_func done,
                       void *userdata);

/* 0, or -EINVAL for pieces, a rate or a scale that could never be stored. */
int waveform_check_shape(const struct store_waveform *waveform);
/* `*ret` is to be freed. Returns 0 or -ENOMEM. */
int waveform_encode(const struct store_waveform *waveform, uint8_t **ret, size_t *ret_size);
/* Fills in pieces and samples; `channels` is known. Returns 0, -EBADMSG, -ENOMEM. */
int waveform_decode(const uint8_t *code, size_t size, struct store_waveform *waveform);
