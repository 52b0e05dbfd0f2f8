/* SPDX-License-Identifier: MIT */
/*
 * The link to one sensor, known by its address and never by hciN: a state machine (one table, link.c)
 * that finds, connects, resolves, starts and streams, and begins again after 1, 2, 4 .. 64 s when
 * anything fails. Data comes over AcquireNotify only: StartNotify would broadcast every sample to every
 * local user.
 */
#pragma once

#include "sensors/bluez/bluez.h"
#include "sensors/source.h"
#include "sensors/stream.h"

struct link;

/* `address` is "XX:XX:XX:XX:XX:XX". A link must not be freed from within its callbacks. Returns 0,
 * -EINVAL, -EEXIST (this address has a link already), -ENOMEM or what the bus says. */
int link_new(struct bluez *bluez, const char *address, const struct sensor_driver *driver,
             const struct source_callbacks *callbacks, void *userdata, struct link **ret);
/* Stops the stream and drops the link, without waiting for either. No callback follows. */
struct link *link_free(struct link *link);

enum source_state link_get_state(const struct link *link, const char **ret_reason);

struct link_counters {
        struct stream_counters stream; /* summed over all streams of this link */
        uint64_t connects;
};

void link_get_counters(const struct link *link, struct link_counters *ret);
