/* SPDX-License-Identifier: MIT */
/*
 * The reviewer's table: all that guidance can say, as it is built in. Used by `crampctl guidance`.
 */
#pragma once

#include "dbus/crampctl/crampctl.h"

/* As text with a box to tick, as JSON lines if those are wanted, or as CSV. Returns an exit code. */
int review_print(const struct global_options *global, bool csv);
