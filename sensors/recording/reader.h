/* SPDX-License-Identifier: MIT */
/*
 * What recording.c and the readers of the file formats share. A reader fills in a recording when it
 * opens the file; whatever it has set by then is released by recording_free(), also after a failure.
 */
#pragma once

#include <sys/types.h>

#include "sensors/recording/recording.h"
#include "sensors/recording/signal.h"

#define RECORDING_AXES 3u
/* In the columns beside the channels: not known. */
#define RECORDING_NOT_KNOWN INT32_MIN

struct recording_type {
        ssize_t (*read)(struct recording *recording, uint64_t *ret_index, int32_t *counts, size_t frames,
                        struct recording_error *error);
        void (*close)(void *reader);
};

struct recording {
        const struct recording_type *type;
        void *reader; /* what the type keeps; set together with it */
        char *path;
        struct signal_list signals;
        uint32_t rate_mhz;
        int64_t start_us;
        uint64_t frames;
        bool wants_motion;
        double motion_scale_g;           /* set by the reader if it reads the next three */
        size_t motion[RECORDING_AXES];   /* signals of the axes */
        bool wants_company, has_company; /* the second is set by the reader if it reads the next */
        size_t company;                  /* signal of other sensors' level */

        struct recording_channel *channels; /* of the signals that are taken */
        size_t channels_count;
        const char **left_out;
};

/* `fd` is the file, at its beginning, and stays the caller's. Return 0 or negative errno with `error`
 * filled in. */
int edf_open(struct recording *recording, int fd, const struct recording_options *options,
             struct recording_error *error);
int csv_open(struct recording *recording, int fd, const struct recording_options *options,
             struct recording_error *error);

/* Looks through an EDF or BDF header for what EDFlib refuses without saying why. Returns 0 or negative
 * errno with `error` filled in. */
int edf_header_check(const char *path, int fd, struct recording_error *error);

/* Finds the accelerometer, if it was asked for and no axis is taken for a muscle. True with `motion`
 * filled in. */
bool recording_find_motion(struct recording *recording);

/* Sets the rate if crampd can work at it, else fails with -EBADMSG. */
int recording_set_rate(struct recording *recording, double rate_hz, struct recording_error *error);
