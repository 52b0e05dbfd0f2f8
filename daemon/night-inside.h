/* SPDX-License-Identifier: MIT */
/*
 * The inside of a night, shared by night.c (time, gaps and rows) and night-episode.c (alerts and
 * episodes). Private to these two.
 */
#pragma once

#include "daemon/capture.h"
#include "daemon/night.h"

struct night {
        struct night_callbacks callbacks;
        void *userdata;

        struct stream_format format;
        struct detector *detector;
        struct capture *capture; /* NULL without memory for it, too */
        struct store_night row;
        char muscle[sizeof(((struct store_episode *)0)->muscle)];
        char leg[sizeof(((struct store_episode *)0)->leg)];

        bool start_given; /* by the source; else the clock may be read anew */
        bool anchored;
        int64_t start_us;    /* realtime of frame 0 */
        int64_t boot_us;     /* CLOCK_BOOTTIME of frame 0 */
        uint64_t base_index; /* added to a block's index: frames before the stream's last restart */
        uint64_t next_index; /* first frame not seen yet */
        bool has_origin;
        int64_t origin_us;        /* of the stream that runs now */
        bool resuming;            /* the next block tells how long the stream was away */
        uint64_t received;        /* frames, gaps left out */
        uint64_t received_before; /* of these, in rows that are over */
        int64_t row_us;           /* when the row was last reported */

        struct store_gap gap; /* not reported yet, if it has frames: the next may join it */

        struct store_calibration calibration;
        bool hold, held;             /* as wanted, and as the detector was told */
        bool has_motion, motion_new; /* it is heard; since the last block */
        uint64_t motion_index;       /* of the first frame since it was heard */
        int32_t company_percent;     /* of the last hop, for others; negative = not known */
        uint64_t company_index;      /* first frame after it */

        enum detector_quality quality[STREAM_CHANNELS_MAX];
        double floor_uv[STREAM_CHANNELS_MAX]; /* 0 = unknown */
        uint64_t unusable;                    /* of the frames received: no channel was good */
        uint64_t unusable_before;             /* of these, in rows that are over */
        uint64_t untold, untold_index;        /* frames since the last level, and the first of them */
        struct store_gap poor; /* the time without good signal that lasts now, if it has frames */

        bool open; /* `episode` lasts */
        bool help_told;
        struct store_episode episode;
        int64_t episode_start_us;  /* `start_us` at its onset: its length follows no clock */
        const char *finish_reason; /* replaces the detector's while night_finish() runs */
};

/* night.c */
uint64_t night_frames_to_us(const struct night *night, uint64_t frames);
int64_t night_index_to_us(const struct night *night, uint64_t index);

/* night-episode.c */
/* Of the detector; its userdata is the night. */
void night_on_detector_event(const struct detector_event *event, void *userdata);
/* To be called after each block: help is told when it has lasted long. */
void night_check_lasting(struct night *night);
