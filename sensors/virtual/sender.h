/* SPDX-License-Identifier: MIT */
/*
 * Sends a player's packets into a socket in real time, as a sensor does: nobody waits for a slow reader.
 * Packets that the socket does not take wait in a queue; when that is full too, the newest are dropped,
 * which their sequence shows. Used by leg-sensor.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "sensors/virtual/player.h"

struct sender;

struct sender_totals {
        uint64_t packets; /* sent */
        uint64_t frames;  /* in these */
        uint64_t dropped; /* packets */
};

/* The recording is over and everything is sent, or `error` says why it goes no further. */
typedef void (*sender_finished_func)(const struct sender_totals *totals, const char *error,
                                     void *userdata);

/* The player must outlive the sender. Returns 0 or -ENOMEM. */
int sender_new(sd_event *event, struct player *player, sender_finished_func finished, void *userdata,
               struct sender **ret);
struct sender *sender_free(struct sender *sender);

/* Plays from the beginning into `fd`, of which it keeps a duplicate until the end or sender_stop().
 * Returns 0, or negative errno with `error`. */
int sender_start(struct sender *sender, int fd, size_t packet_size, struct recording_error *error);
/* Returns the totals since the start. */
const struct sender_totals *sender_stop(struct sender *sender);
