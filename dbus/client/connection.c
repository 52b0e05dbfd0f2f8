/* SPDX-License-Identifier: MIT */
/*
 * The connection: opening, closing, and its place in the caller's poll() loop (bus-loop.h).
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/client/internal.h"

#define DEFAULT_TIMEOUT_MS 30000

int crampd_client_get_fd(crampd_client *client) {
        return client->loop.epoll_fd;
}

short crampd_client_get_events(crampd_client *client) {
        (void)client;
        return POLLIN;
}

int crampd_client_dispatch(crampd_client *client) {
        if (bus_loop_handle(&client->loop))
                events_retry(client);
        return bus_loop_dispatch(&client->loop);
}

static int bus_open(crampd_client *client, DBusBusType bus, struct crampd_error *error) {
        DBusError dbus_error = DBUS_ERROR_INIT;
        int r;

        /* Private: a shared one would be in the hands of whoever else in this process uses libdbus. */
        client->connection = dbus_bus_get_private(bus, &dbus_error);
        if (!client->connection) {
                r = error_set_dbus(error, &dbus_error);
                dbus_error_free(&dbus_error);
                return r == -ENOMEM || r == -EACCES ? r : -ENOTCONN;
        }
        if (bus_loop_attach(&client->loop, client->connection) < 0 ||
            !dbus_connection_add_filter(client->connection, events_filter, client, NULL))
                return error_set_oom(error);
        return 0;
}

static int client_new(DBusBusType bus, crampd_client **ret, struct crampd_error *error) {
        crampd_client *client = calloc(1, sizeof(*client));
        int r;

        if (!client)
                return error_set_oom(error);
        client->timeout_ms = DEFAULT_TIMEOUT_MS;

        r = bus_loop_init(&client->loop);
        if (r < 0)
                r = error_set(error, r, "cannot set up an event loop");
        else
                r = bus_open(client, bus, error);
        if (r < 0) {
                (void)crampd_client_free(client);
                return r;
        }
        *ret = client;
        return 0;
}

int crampd_client_new(crampd_client **ret, struct crampd_error *error) {
        return client_new(DBUS_BUS_SYSTEM, ret, error);
}

int crampd_client_new_session(crampd_client **ret, struct crampd_error *error) {
        if (!bus_loop_has_session())
                return error_set(error, -ENOTCONN,
                                 "neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR leads to one");
        return client_new(DBUS_BUS_SESSION, ret, error);
}

crampd_client *crampd_client_free(crampd_client *client) {
        if (!client)
                return NULL;

        calls_cancel(client);
        events_stop(client);
        scan_stop(client);
        calibration_stop(client);
        bus_loop_close(&client->loop);
        free(client->language);
        free(client);
        return NULL;
}

void crampd_client_set_timeout(crampd_client *client, int timeout_ms) {
        client->timeout_ms = timeout_ms > 0 ? timeout_ms : DEFAULT_TIMEOUT_MS;
}

int crampd_client_set_language(crampd_client *client, const char *language, struct crampd_error *error) {
        int r = language ? check_text("the language", language, error) : 0;
        char *copy;

        if (r < 0)
                return r;
        copy = language ? strdup(language) : NULL;
        if (language && !copy)
                return error_set_oom(error);
        free(client->language);
        client->language = copy;
        return 0;
}
