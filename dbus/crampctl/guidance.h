/* SPDX-License-Identifier: MIT */
/*
 * What the verbs of guidance share: whose it is.
 */
#pragma once

#include "dbus/crampctl/options.h"

/* Far from the values of the verbs' own options. */
#define OPTION_OWNER (OPTION_VERB + 0x100)
#define OWNER_OPTION \
        { "owner", required_argument, NULL, OPTION_OWNER }
#define OWNER_HELP                                                                               \
        "      --owner=USER       Whose it is, if not yours; only for root (default: whom sudo " \
        "tells)\n"

/* Reaches the bus; `user` is what --owner said, or NULL. Returns 0, or an exit code after saying why. */
int guidance_open(const char *user, crampd_client **ret_client, unsigned *ret_owner);
