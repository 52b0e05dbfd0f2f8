/* SPDX-License-Identifier: MIT */
/*
 * The child process of a replay: reads a recording and writes it, packed and paced, into a SEQPACKET
 * socket. Called by replay.c, in the child only.
 *
 * The talk over the socket: the child says feeder_hello; the parent answers with one byte when the
 * stream shall begin; the child sends the Description's value, then one datagram per packet, and exits:
 * with EXIT_SUCCESS at the end of the recording. It also exits when the parent closes or dies. Before
 * the packet from which on it holds, what the recording has beside its samples comes in datagrams that
 * are shorter than any packet: feeder_beside, of an accelerometer all three.
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

#define FEEDER_NOT_KNOWN INT32_MIN
enum feeder_value { FEEDER_X, FEEDER_Y, FEEDER_Z, FEEDER_COMPANY };
struct feeder_beside {
        uint8_t what;  /* enum feeder_value */
        int32_t value; /* mg, or percent; FEEDER_NOT_KNOWN */
} __attribute__((packed));

/* Takes over the process: every other descriptor but standard error is closed. */
_Noreturn void feeder_run(const struct replay_setup *setup, pid_t parent, int fd, int end_fd);
