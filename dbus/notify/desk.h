/* SPDX-License-Identifier: MIT */
/*
 * What alerts.c and troubles.c need of the rest of cramp-notify. Owned by main.
 */
#pragma once

#include "dbus/client/crampd-client.h"
#include "dbus/notify/hook.h"
#include "dbus/notify/hours.h"
#include "dbus/notify/options.h"
#include "dbus/notify/screen.h"
#include "dbus/notify/server.h"

struct desk {
        const struct options *options;
        crampd_client *client; /* NULL: crampd cannot be reached, in a test only */
        struct server *server;
        struct screen *screen;
        struct hook hook;
};

/* Details are not to be seen now. */
static inline bool desk_is_private(const struct desk *desk) {
        return desk->options->privacy == PRIVACY_ALWAYS ||
               (desk->options->privacy == PRIVACY_AUTO && screen_is_locked(desk->screen));
}

static inline bool desk_is_quiet(const struct desk *desk) {
        return hours_contain(&desk->options->quiet, time(NULL));
}
