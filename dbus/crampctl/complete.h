/* SPDX-License-Identifier: MIT */
/*
 * Completion of command lines: see complete.c. Called by main.
 */
#pragma once

#include "dbus/crampctl/crampctl.h"

struct completion_source {
        const struct verb *verbs; /* ends with an empty one */
        /* Prints the help of a verb, or of crampctl for NULL. */
        int (*help_print)(const struct verb *verb);
};

/* `words`: all after "crampctl", the last one being typed (it may be ""). Returns the exit code. */
int complete_print(const struct completion_source *source, int n, char *words[]);
