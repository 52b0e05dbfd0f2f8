/* SPDX-License-Identifier: MIT */
/*
 * An alert to try in the evening, marked as a test: it comes up, lasts for some seconds, and is over. It
 * takes the same way as a real one, but nothing of it is written. Called by main for --test.
 */
#pragma once

#include "dbus/notify/alerts.h"

/* Zero at first. */
struct sample {
        int64_t raised_us, ended_us; /* CLOCK_MONOTONIC; 0 = not yet */
};

/* Does what is due, and returns when to be called again. */
int64_t sample_tick(struct sample *sample, struct alerts *alerts, int64_t now_us);

/* Its summary was closed, or has been there for long enough. */
bool sample_is_over(const struct sample *sample, const struct alerts *alerts, int64_t now_us);
