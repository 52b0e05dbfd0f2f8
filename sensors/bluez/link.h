/* SPDX-License-Identifier: MIT */
/*
 * The link to one sensor, known by its address and never by hciN: a state machine (one table:
 * link-transitions.c) that finds, connects, resolves, starts and streams, and begins again after 1, 2, 4
 * .. 64 s when anything fails. Data comes over AcquireNotify: StartNotify would broadcast every sample
 * to every local user, so the owner must allow it.
 */
#pragma once

#include "sensors/bluez/bluez.h"
#include "sensors/capacity.h"
#include "sensors/source.h"
#include "sensors/stream.h"

struct link;

struct link_setup {
        const char *address; /* "XX:XX:XX:XX:XX:XX" */
        uint32_t owner;      /* uid */
        const struct sensor_driver *driver;
        struct sensor_settings settings; /* without the name, which the sensor tells */
        bool allow_broadcast;            /* see link_set_allow_broadcast() */
        bool paused;
        const struct source_callbacks *callbacks; /* kept by reference */
        void *userdata;
};

/* A link must not be freed from within its callbacks. Returns 0, -EINVAL, -EEXIST (this address has a
 * link already), -ENOMEM or what the bus says. */
int link_new(struct bluez *bluez, const struct link_setup *setup, struct link **ret);
/* Stops the stream and drops the link, without waiting for either. No callback follows. */
struct link *link_free(struct link *link);

/* The following may report a new state before they return. */

/* A running stream starts anew if they differ from what it was started with. */
void link_set_settings(struct link *link, const struct sensor_settings *settings);
/* Whether StartNotify may be used where nothing else works: each sample is then a signal on the system
 * bus, which every local user can read. */
void link_set_allow_broadcast(struct link *link, bool allow);
/* A paused link drops the connection and does nothing. */
void link_pause(struct link *link, bool pause);

/* Lets the sensor blink or buzz, without waiting for it. Returns 0, -EOPNOTSUPP (this one cannot),
 * -ENOTCONN or -ENOMEM. */
int link_identify(struct link *link);

enum source_state link_get_state(const struct link *link, const char **ret_reason);

struct link_counters {
        struct stream_counters stream; /* summed over all streams of this link */
        uint64_t connects;
        uint64_t reconnects; /* streams after the first, over whatever connection */
        /* From the last block of one stream to the first of the next; a pause by the owner is none. */
        uint64_t gap_longest_us;
        int16_t rssi_dbm; /* when it was heard last; 0 = never */
};

/* What the sensor sends: as measured, or as its kind usually does until it has streamed for a while. */
void link_get_load(const struct link *link, struct capacity_load *ret);
/* Whether they may be served by the same adapter: known for certain only while both are connected. */
bool link_may_share_adapter(const struct link *a, const struct link *b);

void link_get_counters(const struct link *link, struct link_counters *ret);
