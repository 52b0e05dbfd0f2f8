/* SPDX-License-Identifier: MIT */
/*
 * The connection: opening, closing, and its place in the caller's poll() loop. libdbus asks for any
 * number of watches and timeouts; an epoll set turns them into one descriptor that is readable whenever
 * crampd_client_dispatch() has work.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "dbus/client/internal.h"

#define DEFAULT_TIMEOUT_MS 30000
/* Messages handled in one dispatch, so that a flood leaves the caller's loop alive. */
#define DISPATCH_MAX 64u
#define NO_MEMORY_RETRY_US INT64_C(100000)

struct watch {
        struct watch *next;
        DBusWatch *watch;
        unsigned round; /* of handling; each watch is handled once a round */
};

struct timer {
        struct timer *next;
        DBusTimeout *timeout;
        int64_t due_us;
};

int64_t clock_monotonic_us(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* --- watches --- */

/* libdbus has one watch for reading and one for writing on the same descriptor; epoll wants one entry.
 */
static bool epoll_update(crampd_client *client, int fd) {
        struct epoll_event event = {.data.fd = fd};

        for (struct watch *w = client->watches; w; w = w->next) {
                unsigned flags;

                if (dbus_watch_get_unix_fd(w->watch) != fd || !dbus_watch_get_enabled(w->watch))
                        continue;
                flags = dbus_watch_get_flags(w->watch);
                if (flags & DBUS_WATCH_READABLE)
                        event.events |= EPOLLIN;
                if (flags & DBUS_WATCH_WRITABLE)
                        event.events |= EPOLLOUT;
        }

        /* An entry without events would still report hang-ups, with nobody to handle them. */
        if (event.events == 0)
                return epoll_ctl(client->epoll_fd, EPOLL_CTL_DEL, fd, NULL) >= 0 || errno == ENOENT ||
                       errno == EBADF;
        if (epoll_ctl(client->epoll_fd, EPOLL_CTL_MOD, fd, &event) >= 0)
                return true;
        return errno == ENOENT && epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, fd, &event) >= 0;
}

static void watch_unlink(crampd_client *client, const DBusWatch *watch) {
        for (struct watch **p = &client->watches; *p; p = &(*p)->next)
                if ((*p)->watch == watch) {
                        struct watch *gone = *p;

                        *p = gone->next;
                        free(gone);
                        return;
                }
}

static dbus_bool_t watch_add(DBusWatch *watch, void *userdata) {
        crampd_client *client = userdata;
        struct watch *w = calloc(1, sizeof(*w));

        if (!w)
                return FALSE;
        w->watch = watch;
        w->next = client->watches;
        client->watches = w;
        if (epoll_update(client, dbus_watch_get_unix_fd(watch)))
                return TRUE;
        watch_unlink(client, watch);
        return FALSE;
}

static void watch_remove(DBusWatch *watch, void *userdata) {
        crampd_client *client = userdata;

        watch_unlink(client, watch);
        (void)epoll_update(client, dbus_watch_get_unix_fd(watch));
}

static void watch_toggle(DBusWatch *watch, void *userdata) {
        (void)epoll_update(userdata, dbus_watch_get_unix_fd(watch));
}

static unsigned flags_from_epoll(uint32_t events) {
        return (events & EPOLLIN ? DBUS_WATCH_READABLE : 0u) |
               (events & EPOLLOUT ? DBUS_WATCH_WRITABLE : 0u) |
               (events & EPOLLERR ? DBUS_WATCH_ERROR : 0u) |
               (events & EPOLLHUP ? DBUS_WATCH_HANGUP : 0u);
}

static struct watch *watch_next_ready(crampd_client *client, int fd, unsigned ready) {
        for (struct watch *w = client->watches; w; w = w->next)
                if (w->round != client->round && dbus_watch_get_enabled(w->watch) &&
                    dbus_watch_get_unix_fd(w->watch) == fd &&
                    (ready & (dbus_watch_get_flags(w->watch) | DBUS_WATCH_ERROR | DBUS_WATCH_HANGUP)))
                        return w;
        return NULL;
}

/* Handling one watch may add or remove others, so the list is looked through anew each time. */
static void watches_handle(crampd_client *client) {
        struct epoll_event events[4];
        int n = epoll_wait(client->epoll_fd, events, ELEMENTS(events), 0);

        client->round++;
        for (int i = 0; i < n; i++) {
                unsigned ready = flags_from_epoll(events[i].events);
                struct watch *w;

                while ((w = watch_next_ready(client, events[i].data.fd, ready))) {
                        unsigned mask =
                                dbus_watch_get_flags(w->watch) | DBUS_WATCH_ERROR | DBUS_WATCH_HANGUP;

                        w->round = client->round;
                        if (!dbus_watch_handle(w->watch, ready & mask))
                                break; /* out of memory; the descriptor stays ready */
                }
        }
}

/* --- timeouts --- */

static void timer_start(struct timer *timer) {
        timer->due_us = clock_monotonic_us() + (int64_t)dbus_timeout_get_interval(timer->timeout) * 1000;
}

/* One timerfd stands for libdbus' timeouts and the renewal of the subscription. */
static void timers_arm(crampd_client *client) {
        struct itimerspec spec = {};
        int64_t due_us = client->retry_at_us;

        for (struct timer *t = client->timers; t; t = t->next)
                if (dbus_timeout_get_enabled(t->timeout) && (due_us == 0 || t->due_us < due_us))
                        due_us = t->due_us;
        if (due_us > 0) {
                spec.it_value.tv_sec = due_us / 1000000;
                spec.it_value.tv_nsec = due_us % 1000000 * 1000;
        }
        (void)timerfd_settime(client->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static dbus_bool_t timer_add(DBusTimeout *timeout, void *userdata) {
        crampd_client *client = userdata;
        struct timer *t = calloc(1, sizeof(*t));

        if (!t)
                return FALSE;
        t->timeout = timeout;
        timer_start(t);
        t->next = client->timers;
        client->timers = t;
        timers_arm(client);
        return TRUE;
}

static void timer_remove(DBusTimeout *timeout, void *userdata) {
        crampd_client *client = userdata;

        for (struct timer **p = &client->timers; *p; p = &(*p)->next)
                if ((*p)->timeout == timeout) {
                        struct timer *gone = *p;

                        *p = gone->next;
                        free(gone);
                        break;
                }
        timers_arm(client);
}

static void timer_toggle(DBusTimeout *timeout, void *userdata) {
        crampd_client *client = userdata;

        for (struct timer *t = client->timers; t; t = t->next)
                if (t->timeout == timeout)
                        timer_start(t);
        timers_arm(client);
}

static struct timer *timer_next_due(crampd_client *client, int64_t now_us) {
        for (struct timer *t = client->timers; t; t = t->next)
                if (dbus_timeout_get_enabled(t->timeout) && t->due_us <= now_us)
                        return t;
        return NULL;
}

static void timers_handle(crampd_client *client) {
        int64_t now_us = clock_monotonic_us();
        struct timer *t;

        while ((t = timer_next_due(client, now_us))) {
                /* First, because handling may free it. At least a millisecond, so that the loop ends. */
                t->due_us = now_us + 1000 + (int64_t)dbus_timeout_get_interval(t->timeout) * 1000;
                if (!dbus_timeout_handle(t->timeout))
                        break;
        }
        if (client->retry_at_us > 0 && client->retry_at_us <= now_us)
                events_retry(client);
}

/* --- the caller's loop --- */

static void wake_set(crampd_client *client, bool wake) {
        uint64_t value = 1;

        /* Both fail harmlessly when the state is already as wanted. */
        if (wake) {
                if (write(client->wake_fd, &value, sizeof(value)) < 0)
                        return;
        } else if (read(client->wake_fd, &value, sizeof(value)) < 0)
                return;
}

static void dispatch_status_changed(DBusConnection *connection, DBusDispatchStatus status,
                                    void *userdata) {
        if (status == DBUS_DISPATCH_DATA_REMAINS)
                wake_set(userdata, true);
}

int crampd_client_get_fd(crampd_client *client) {
        return client->epoll_fd;
}

short crampd_client_get_events(crampd_client *client) {
        (void)client;
        return POLLIN;
}

int crampd_client_dispatch(crampd_client *client) {
        DBusDispatchStatus status;
        bool connected;

        watches_handle(client);
        timers_handle(client);

        status = dbus_connection_get_dispatch_status(client->connection);
        for (unsigned n = 0; n < DISPATCH_MAX && status == DBUS_DISPATCH_DATA_REMAINS; n++)
                status = dbus_connection_dispatch(client->connection);
        if (status == DBUS_DISPATCH_NEED_MEMORY && client->retry_at_us == 0)
                client->retry_at_us = clock_monotonic_us() + NO_MEMORY_RETRY_US;

        connected = dbus_connection_get_is_connected(client->connection);
        timers_arm(client);
        wake_set(client, status == DBUS_DISPATCH_DATA_REMAINS || !connected);
        /* What arrived before the end is delivered first. */
        return connected || status == DBUS_DISPATCH_DATA_REMAINS ? 0 : -ENOTCONN;
}

/* --- opening and closing --- */

static int epoll_open(crampd_client *client) {
        struct epoll_event event = {.events = EPOLLIN};

        client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        client->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        client->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (client->epoll_fd < 0 || client->timer_fd < 0 || client->wake_fd < 0)
                return -errno;

        event.data.fd = client->timer_fd;
        if (epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, client->timer_fd, &event) < 0)
                return -errno;
        event.data.fd = client->wake_fd;
        if (epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, client->wake_fd, &event) < 0)
                return -errno;
        return 0;
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
        dbus_connection_set_exit_on_disconnect(client->connection, FALSE);

        if (!dbus_connection_add_filter(client->connection, events_filter, client, NULL))
                return error_set_oom(error);
        dbus_connection_set_dispatch_status_function(client->connection, dispatch_status_changed, client,
                                                     NULL);
        if (!dbus_connection_set_watch_functions(client->connection, watch_add, watch_remove,
                                                 watch_toggle, client, NULL) ||
            !dbus_connection_set_timeout_functions(client->connection, timer_add, timer_remove,
                                                   timer_toggle, client, NULL))
                return error_set_oom(error);
        /* The first dispatch looks at what came with the greeting. */
        wake_set(client, true);
        return 0;
}

static int client_new(DBusBusType bus, crampd_client **ret, struct crampd_error *error) {
        crampd_client *client = calloc(1, sizeof(*client));
        int r;

        if (!client)
                return error_set_oom(error);
        client->timeout_ms = DEFAULT_TIMEOUT_MS;
        client->epoll_fd = client->timer_fd = client->wake_fd = -1;

        r = epoll_open(client);
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

/* libdbus would start a bus of its own where there is none. */
static bool has_session_bus(void) {
        const char *address = getenv("DBUS_SESSION_BUS_ADDRESS");
        const char *folder = getenv("XDG_RUNTIME_DIR");
        char path[PATH_MAX];

        if (address && *address)
                return true;
        if (!folder || snprintf(path, sizeof(path), "%s/bus", folder) >= (int)sizeof(path))
                return false;
        return access(path, F_OK) == 0;
}

int crampd_client_new_session(crampd_client **ret, struct crampd_error *error) {
        if (!has_session_bus())
                return error_set(error, -ENOTCONN, "there is no session bus here");
        return client_new(DBUS_BUS_SESSION, ret, error);
}

crampd_client *crampd_client_free(crampd_client *client) {
        if (!client)
                return NULL;

        events_stop(client);
        scan_stop(client);
        if (client->connection) {
                dbus_connection_close(client->connection);
                /* Takes the watches and timeouts away one by one. */
                (void)dbus_connection_set_watch_functions(client->connection, NULL, NULL, NULL, NULL,
                                                          NULL);
                (void)dbus_connection_set_timeout_functions(client->connection, NULL, NULL, NULL, NULL,
                                                            NULL);
                dbus_connection_set_dispatch_status_function(client->connection, NULL, NULL, NULL);
                dbus_connection_unref(client->connection);
        }
        if (client->wake_fd >= 0)
                (void)close(client->wake_fd);
        if (client->timer_fd >= 0)
                (void)close(client->timer_fd);
        if (client->epoll_fd >= 0)
                (void)close(client->epoll_fd);
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
