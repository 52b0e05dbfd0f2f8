/* SPDX-License-Identifier: MIT */
/*
 * What `monitor` writes for an event: lines for people, or one JSON object.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "dbus/client/crampd-client.h"

struct alert_writer {
        FILE *file;
        bool json;
        bool colour;
        char *relief; /* the steps that were written last, so that an update does not say them again */
};

/* Writes and flushes. Errors show on the stream. */
void alert_write(struct alert_writer *writer, const struct crampd_event *event);

void alert_writer_clear(struct alert_writer *writer);
