/* SPDX-License-Identifier: MIT */
/*
 * A tally as JSON: the figures behind the pictures. Called by history.c.
 */
#pragma once

#include <stdio.h>

#include "dbus/crampctl/tally.h"

/* One object and a newline. */
void summary_write_json(FILE *file, const struct tally *tally);
