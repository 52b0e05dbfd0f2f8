/* SPDX-License-Identifier: MIT */
/*
 * The user's own command for an alert: for lamps and loudspeakers. It gets the event as one JSON object
 * on its standard input, which is a file in memory: nothing waits for it to read, and nothing breaks if
 * it does not. Called by alerts.c; main tells when children have ended.
 */
#pragma once

#include <sys/types.h>

#include "dbus/client/crampd-client.h"

/* More at once means that they hang. */
#define HOOKS_MAX 8u

struct hook {
        const char *command;      /* NULL = none */
        pid_t running[HOOKS_MAX]; /* 0 = free */
};

/* Failures are complained about, and that is all. */
void hook_run(struct hook *hook, const struct crampd_event *event);

/* After SIGCHLD. */
void hook_reap(struct hook *hook);
