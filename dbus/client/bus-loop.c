/* SPDX-License-Identifier: MIT */
#include "dbus/client/bus-loop.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* Messages handled in one dispatch, so that a flood leaves the caller's loop alive. */
#define DISPATCH_MAX 64u
#define NO_MEMORY_RETRY_US INT64_C(100000)

#define ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

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
static bool epoll_update(struct bus_loop *loop, int fd) {
        struct epoll_event event = {.data.fd = fd};

        for (struct watch *w = loop->watches; w; w = w->next) {
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
                return epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL) >= 0 || errno == ENOENT ||
                       errno == EBADF;
        if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, fd, &event) >= 0)
                return true;
        return errno == ENOENT && epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) >= 0;
}

static void watch_unlink(struct bus_loop *loop, const DBusWatch *watch) {
        for (struct watch **p = &loop->watches; *p; p = &(*p)->next)
                if ((*p)->watch == watch) {
                        struct watch *gone = *p;

                        *p = gone->next;
                        free(gone);
                        return;
                }
}

static dbus_bool_t watch_add(DBusWatch *watch, void *userdata) {
        struct bus_loop *loop = userdata;
        struct watch *w = calloc(1, sizeof(*w));

        if (!w)
                return FALSE;
        w->watch = watch;
        w->next = loop->watches;
        loop->watches = w;
        if (epoll_update(loop, dbus_watch_get_unix_fd(watch)))
                return TRUE;
        watch_unlink(loop, watch);
        return FALSE;
}

static void watch_remove(DBusWatch *watch, void *userdata) {
        struct bus_loop *loop = userdata;

        watch_unlink(loop, watch);
        (void)epoll_update(loop, dbus_watch_get_unix_fd(watch));
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

static struct watch *watch_next_ready(struct bus_loop *loop, int fd, unsigned ready) {
        for (struct watch *w = loop->watches; w; w = w->next)
                if (w->round != loop->round && dbus_watch_get_enabled(w->watch) &&
                    dbus_watch_get_unix_fd(w->watch) == fd &&
                    (ready & (dbus_watch_get_flags(w->watch) | DBUS_WATCH_ERROR | DBUS_WATCH_HANGUP)))
                        return w;
        return NULL;
}

/* Handling one watch may add or remove others, so the list is looked through anew each time. */
static void watches_handle(struct bus_loop *loop) {
        struct epoll_event events[4];
        int n = epoll_wait(loop->epoll_fd, events, ELEMENTS(events), 0);

        loop->round++;
        for (int i = 0; i < n; i++) {
                unsigned ready = flags_from_epoll(events[i].events);
                struct watch *w;

                while ((w = watch_next_ready(loop, events[i].data.fd, ready))) {
                        unsigned mask =
                                dbus_watch_get_flags(w->watch) | DBUS_WATCH_ERROR | DBUS_WATCH_HANGUP;

                        w->round = loop->round;
                        if (!dbus_watch_handle(w->watch, ready & mask))
                                break; /* out of memory; the descriptor stays ready */
                }
        }
}

/* --- timeouts --- */

static void timer_start(struct timer *timer) {
        timer->due_us = clock_monotonic_us() + (int64_t)dbus_timeout_get_interval(timer->timeout) * 1000;
}

/* One timerfd stands for libdbus' timeouts and the owner's own. */
static void timers_arm(struct bus_loop *loop) {
        struct itimerspec spec = {};
        int64_t due_us = loop->retry_at_us;

        for (struct timer *t = loop->timers; t; t = t->next)
                if (dbus_timeout_get_enabled(t->timeout) && (due_us == 0 || t->due_us < due_us))
                        due_us = t->due_us;
        if (due_us > 0) {
                spec.it_value.tv_sec = due_us / 1000000;
                spec.it_value.tv_nsec = due_us % 1000000 * 1000;
        }
        (void)timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static dbus_bool_t timer_add(DBusTimeout *timeout, void *userdata) {
        struct bus_loop *loop = userdata;
        struct timer *t = calloc(1, sizeof(*t));

        if (!t)
                return FALSE;
        t->timeout = timeout;
        timer_start(t);
        t->next = loop->timers;
        loop->timers = t;
        timers_arm(loop);
        return TRUE;
}

static void timer_remove(DBusTimeout *timeout, void *userdata) {
        struct bus_loop *loop = userdata;

        for (struct timer **p = &loop->timers; *p; p = &(*p)->next)
                if ((*p)->timeout == timeout) {
                        struct timer *gone = *p;

                        *p = gone->next;
                        free(gone);
                        break;
                }
        timers_arm(loop);
}

static void timer_toggle(DBusTimeout *timeout, void *userdata) {
        struct bus_loop *loop = userdata;

        for (struct timer *t = loop->timers; t; t = t->next)
                if (t->timeout == timeout)
                        timer_start(t);
        timers_arm(loop);
}

static struct timer *timer_next_due(struct bus_loop *loop, int64_t now_us) {
        for (struct timer *t = loop->timers; t; t = t->next)
                if (dbus_timeout_get_enabled(t->timeout) && t->due_us <= now_us)
                        return t;
        return NULL;
}

static void timers_handle(struct bus_loop *loop) {
        int64_t now_us = clock_monotonic_us();
        struct timer *t;

        while ((t = timer_next_due(loop, now_us))) {
                /* First, because handling may free it. At least a millisecond, so that the loop ends. */
                t->due_us = now_us + 1000 + (int64_t)dbus_timeout_get_interval(t->timeout) * 1000;
                if (!dbus_timeout_handle(t->timeout))
                        break;
        }
}

/* --- the caller's loop --- */

static void wake_set(struct bus_loop *loop, bool wake) {
        uint64_t value = 1;

        /* Both fail harmlessly when the state is already as wanted. */
        if (wake) {
                if (write(loop->wake_fd, &value, sizeof(value)) < 0)
                        return;
        } else if (read(loop->wake_fd, &value, sizeof(value)) < 0)
                return;
}

static void dispatch_status_changed(DBusConnection *connection, DBusDispatchStatus status,
                                    void *userdata) {
        if (status == DBUS_DISPATCH_DATA_REMAINS)
                wake_set(userdata, true);
}

bool bus_loop_handle(struct bus_loop *loop) {
        watches_handle(loop);
        timers_handle(loop);
        if (loop->retry_at_us == 0 || loop->retry_at_us > clock_monotonic_us())
                return false;
        loop->retry_at_us = 0;
        return true;
}

int bus_loop_dispatch(struct bus_loop *loop) {
        DBusDispatchStatus status = dbus_connection_get_dispatch_status(loop->connection);
        bool connected;

        for (unsigned n = 0; n < DISPATCH_MAX && status == DBUS_DISPATCH_DATA_REMAINS; n++)
                status = dbus_connection_dispatch(loop->connection);
        if (status == DBUS_DISPATCH_NEED_MEMORY && loop->retry_at_us == 0)
                loop->retry_at_us = clock_monotonic_us() + NO_MEMORY_RETRY_US;

        connected = dbus_connection_get_is_connected(loop->connection);
        timers_arm(loop);
        wake_set(loop, status == DBUS_DISPATCH_DATA_REMAINS || !connected);
        /* What arrived before the end is delivered first. */
        return connected || status == DBUS_DISPATCH_DATA_REMAINS ? 0 : -ENOTCONN;
}

/* --- opening and closing --- */

bool bus_loop_has_session(void) {
        const char *address = getenv("DBUS_SESSION_BUS_ADDRESS");
        const char *folder = getenv("XDG_RUNTIME_DIR");
        char path[PATH_MAX];

        if (address && *address)
                return true;
        if (!folder || snprintf(path, sizeof(path), "%s/bus", folder) >= (int)sizeof(path))
                return false;
        return access(path, F_OK) == 0;
}

int bus_loop_init(struct bus_loop *loop) {
        struct epoll_event event = {.events = EPOLLIN};

        *loop = (struct bus_loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
                                  .timer_fd =
                                          timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
                                  .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
        if (loop->epoll_fd < 0 || loop->timer_fd < 0 || loop->wake_fd < 0)
                return -errno;

        event.data.fd = loop->timer_fd;
        if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->timer_fd, &event) < 0)
                return -errno;
        event.data.fd = loop->wake_fd;
        if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) < 0)
                return -errno;
        return 0;
}

int bus_loop_attach(struct bus_loop *loop, DBusConnection *connection) {
        loop->connection = connection;
        dbus_connection_set_exit_on_disconnect(connection, FALSE);
        dbus_connection_set_dispatch_status_function(connection, dispatch_status_changed, loop, NULL);
        if (!dbus_connection_set_watch_functions(connection, watch_add, watch_remove, watch_toggle, loop,
                                                 NULL) ||
            !dbus_connection_set_timeout_functions(connection, timer_add, timer_remove, timer_toggle,
                                                   loop, NULL))
                return -ENOMEM;
        /* The first dispatch looks at what came with the greeting. */
        wake_set(loop, true);
        return 0;
}

void bus_loop_close(struct bus_loop *loop) {
        if (loop->connection) {
                dbus_connection_close(loop->connection);
                /* Takes the watches and timeouts away one by one. */
                (void)dbus_connection_set_watch_functions(loop->connection, NULL, NULL, NULL, NULL,
                                                          NULL);
                (void)dbus_connection_set_timeout_functions(loop->connection, NULL, NULL, NULL, NULL,
                                                            NULL);
                dbus_connection_set_dispatch_status_function(loop->connection, NULL, NULL, NULL);
                dbus_connection_unref(loop->connection);
        }
        if (loop->wake_fd >= 0)
                (void)close(loop->wake_fd);
        if (loop->timer_fd >= 0)
                (void)close(loop->timer_fd);
        if (loop->epoll_fd >= 0)
                (void)close(loop->epoll_fd);
        *loop = BUS_LOOP_NULL;
}
