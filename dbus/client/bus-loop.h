/* SPDX-License-Identifier: MIT */
/*
 * A private libdbus connection in a poll() loop. libdbus asks for any number of watches and timeouts; an
 * epoll set turns them into one descriptor that is readable whenever there is something to do. Needs
 * libdbus. Used by the client library and by cramp-notify; not exported.
 */
#pragma once

#include <dbus/dbus.h>
#include <stdbool.h>
#include <stdint.h>

struct watch;
struct timer;

struct bus_loop {
        DBusConnection *connection; /* NULL until one is attached */
        int epoll_fd;               /* what to poll() for POLLIN */
        int timer_fd;
        int wake_fd; /* eventfd: readable while messages wait that were read during a call */
        struct watch *watches;
        struct timer *timers;
        unsigned round;
        int64_t retry_at_us; /* CLOCK_MONOTONIC: when the owner wants to be called; 0 = never */
};

#define BUS_LOOP_NULL ((struct bus_loop){.epoll_fd = -1, .timer_fd = -1, .wake_fd = -1})

int64_t clock_monotonic_us(void);

/* libdbus would start a session bus of its own where there is none. */
bool bus_loop_has_session(void);

/* Returns 0 or -errno; bus_loop_close() is right after either, and for BUS_LOOP_NULL. */
int bus_loop_init(struct bus_loop *loop);
/* Takes over a private connection, also when it fails (-ENOMEM). The loop must not move from now on. */
int bus_loop_attach(struct bus_loop *loop, DBusConnection *connection);
void bus_loop_close(struct bus_loop *loop);

/* Reads, writes and ends calls that took too long, without waiting. Returns true when retry_at_us has
 * come, and resets it. */
bool bus_loop_handle(struct bus_loop *loop);
/* Hands on the messages that were read. Returns 0, or -ENOTCONN when the bus has gone. */
int bus_loop_dispatch(struct bus_loop *loop);
