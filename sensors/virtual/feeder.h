/* SPDX-License-Identifier: MIT */
/*
 * The child process of a replay: reads a recording and writes it, packed and paced, into a SEQPACKET
 * socket. Called by replay.c, in the child only.
 *
 * The talk over the socket: the child says feeder_hello; the parent answers with one byte when the
 * stream shall begin; the child sends the Description's value, then one datagram per packet, and exits:
 * with EXIT_SUCCESS at the end of the recording. It also exits when the parent closes or dies.
 */
#pragma once

#include <stdint.h>

#include "sensors/recording/recording.h"
#include "sensors/virtual/replay.h"

struct feeder_hello {
        int32_t error; /* 0, or a negative errno that `text` explains; the child then exits */
        uint32_t rate_mhz;
        uint64_t frames;                                           /* gaps included */
        char text[sizeof(((struct recording_error *)NULL)->text)]; /* without an error: the player's
                                                                      notice, or "" */
};

/* Takes over the process: every other descriptor but standard error is closed. */
_Noreturn void feeder_run(const struct replay_setup *setup, pid_t parent, int fd, int end_fd);
