/* SPDX-License-Identifier: MIT */
/*
 * The reviewer's table: all that guidance can say, as it is built in. Used by `crampctl guidance`.
 */
#pragma once

#include "dbus/crampctl/crampctl.h"

/* Returns an exit code. */
int review_print(const struct global_options *global);
