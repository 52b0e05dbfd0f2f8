/* SPDX-License-Identifier: MIT */
/*
 * When the owner should hear that a sensor's signal is such that no cramp could be seen in it (an
 * electrode that is off, first of all), and when that is over. Pure: times come in, of any clock that
 * goes forward. Called by the daemon's sensor with each level.
 *
 * Signals come and go while somebody turns over, so both take time, and a signal that comes and goes all
 * night is told of now and then only. The figures are choices of ours.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Without a good channel for so long; with one for so long; and no sooner after the last warning. */
#define SIGNAL_WATCH_BAD_US (INT64_C(60) * 1000000)
#define SIGNAL_WATCH_GOOD_US (INT64_C(30) * 1000000)
#define SIGNAL_WATCH_AGAIN_US (INT64_C(600) * 1000000)

/* All zero at first. */
struct signal_watch {
        bool begun;       /* a level has come */
        bool good;        /* the last one was */
        int64_t since_us; /* since when all were as the last */
        bool warned;      /* it is not over yet */
        bool ever_warned;
        int64_t warned_us; /* when that was */
};

enum signal_watch_news {
        SIGNAL_WATCH_NOTHING,
        SIGNAL_WATCH_WARN,
        SIGNAL_WATCH_OVER,
};

enum signal_watch_news signal_watch_push(struct signal_watch *watch, bool good, int64_t time_us);

/* The stream has ended. What was told of holds no longer; when, is remembered. */
void signal_watch_end(struct signal_watch *watch);
