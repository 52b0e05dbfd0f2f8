/* SPDX-License-Identifier: MIT */
/*
 * A recording as a sensor of the open profile would send it: reads the file, packs its frames and says
 * when each packet is due. Never sends or waits itself. Used by the replay's child process and by
 * leg-sensor.
 *
 * The first channels are played, up to OPEN_PROFILE_CHANNELS_MAX. Counts go out as they are in the file
 * if all these channels have one scale (of at least 1 nV) and 2 bytes hold every value, or 3 bytes with
 * up to 4 channels. Otherwise they are rounded to one scale: the finest of the channels, or as much
 * coarser as the highest value needs. The true extremes are needed for that, so the file is read through
 * once before it is played.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/basic/cleanup.h"
#include "sensors/open-profile.h"
#include "sensors/recording/recording.h"
#include "sensors/source.h"

/* One link-layer packet with data length extension: 251 bytes less the headers of L2CAP and ATT. */
#define PLAYER_PACKET_SIZE 244u

struct player;

struct player_setup {
        const char *path;
        double csv_rate_hz; /* for a CSV without a time column, else 0 */
        uint8_t leg;        /* enum leg */
        uint8_t muscle;     /* enum muscle, of all channels */
        bool loop;          /* from the end on to the beginning, as one endless stream */
        bool beside;        /* packets end where what is beside the channels changes */
};

struct player_packet {
        uint8_t bytes[OPEN_PROFILE_PACKET_MAX];
        size_t size;
        uint32_t frames;
        uint64_t due_us; /* since the start, at the recording's own speed: when its last frame was
                            complete */
};

/* Opens the file and reads it through. Returns 0, or as recording_open() and recording_read() do, with
 * `error`. A recording without a sample, or with a gap longer than the profile allows, is -EBADMSG. */
int player_new(const struct player_setup *setup, struct player **ret, struct recording_error *error);
struct player *player_free(struct player *player);

DEFINE_CLEANUP(struct player *, player_free)

const struct open_profile_description *player_description(const struct player *player);
/* Length of the recording in frames, gaps included. */
uint64_t player_frames(const struct player *player);
/* What differs from the file, for the user: channels left out, values rounded. NULL if nothing does. */
const char *player_notice(const struct player *player);

/* Begins from the beginning, with packets of up to `packet_size` bytes. Returns 0, -EMSGSIZE if not even
 * one frame fits, or as recording_open() does. */
int player_start(struct player *player, size_t packet_size, struct recording_error *error);

/* Returns 1 with the next packet, 0 at the end, or as recording_read() does. */
int player_next(struct player *player, struct player_packet *ret, struct recording_error *error);

/* What is beside the frames of the last packet; nothing unless the set-up asks for it. */
const struct source_beside *player_beside(const struct player *player);

/* Instead of player_next(): as many frames as a packet would hold, as counts of player_description(),
 * which last until the next call. Returns their number, 0 at the end, or as recording_read() does. */
ssize_t player_read(struct player *player, const int32_t **ret_counts, uint64_t *ret_index,
                    struct recording_error *error);
