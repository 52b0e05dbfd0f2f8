/* SPDX-License-Identifier: MIT */
/* Connections to the system bus: see connection.h. */
#include "daemon/bus/connection.h"

#include <errno.h>
#include <string.h>

#include "daemon/basic/cleanup.h"

#define FLUSH_LIMIT_US INT64_C(1000000)

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *sender = sd_bus_message_get_sender(message);
        struct crampd *crampd = userdata;

        /* Made up by our side of the connection; nobody on the bus can say so. */
        if (sender && strcmp(sender, "org.freedesktop.DBus.Local") != 0)
                return 0;
        if (!crampd->stopping)
                crampd_bus_lost(crampd, -ENOTCONN);
        return 0;
}

/* Like sd_bus_open_system(), without waiting. */
static int connect_system(const char *description, sd_bus **ret) {
        _cleanup_(sd_bus_unrefp) sd_bus *connection = NULL;
        const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
        int r;

        r = sd_bus_new(&connection);
        if (r < 0)
                return r;
        r = sd_bus_set_address(connection, address ?: "unix:path=/run/dbus/system_bus_socket");
        if (r >= 0)
                r = sd_bus_set_bus_client(connection, true);
        if (r >= 0)
                r = sd_bus_negotiate_fds(connection, true);
        if (r >= 0)
                r = sd_bus_set_description(connection, description);
        if (r >= 0)
                r = sd_bus_start(connection);
        if (r < 0)
                return r;
        *ret = steal_pointer(&connection);
        return 0;
}

int connection_new(struct crampd *crampd, const char *description, int64_t priority, sd_bus **ret) {
        _cleanup_(sd_bus_unrefp) sd_bus *connection = NULL;
        int r;

        r = connect_system(description, &connection);
        if (r < 0)
                return r;
        r = sd_bus_attach_event(connection, crampd->event, priority);
        if (r < 0)
                return r;
        r = sd_bus_match_signal_async(connection, /* ret_slot= */ NULL, "org.freedesktop.DBus.Local",
                                      "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                      "Disconnected", on_disconnected, NULL, crampd);
        if (r < 0)
                return r;
        *ret = steal_pointer(&connection);
        return 0;
}

/* Alerts of a stop must still go out, but a bus that hangs must not hold the daemon. */
static void flush(sd_bus *connection) {
        int64_t end_us = crampd_boot_us() + FLUSH_LIMIT_US;
        uint64_t queued;

        while (sd_bus_is_ready(connection) > 0 && crampd_boot_us() < end_us) {
                (void)sd_bus_process(connection, NULL);
                if (sd_bus_get_n_queued_write(connection, &queued) < 0 || queued == 0)
                        return;
                (void)sd_bus_wait(connection, UINT64_C(50000));
        }
}

sd_bus *connection_free(sd_bus *connection) {
        if (!connection)
                return NULL;
        flush(connection);
        sd_bus_close(connection);
        sd_bus_unref(connection);
        return NULL;
}
