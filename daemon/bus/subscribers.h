/* SPDX-License-Identifier: MIT */
/* Who hears: the clients that called Subscribe(), each with its uid. Owned by the bus. */
#pragma once

#include <sys/types.h>

#include "daemon/bus/bus.h"

#define SUBSCRIBERS_PER_USER 16u
#define SUBSCRIBERS_MAX 128u

int subscribers_new(struct bus *bus, struct subscribers **ret);
struct subscribers *subscribers_free(struct subscribers *subscribers);

/* Returns 1 when added, 0 when already there, -EDQUOT. */
int subscribers_add(struct subscribers *subscribers, const char *name, uid_t uid);
void subscribers_remove(struct subscribers *subscribers, const char *name);
unsigned subscribers_count(const struct subscribers *subscribers, uid_t uid);

/* Whether there is a subscriber who may hear of a sensor of this owner; with `to`, whether that one may.
 */
bool subscribers_hear(const struct subscribers *subscribers, uid_t owner, const char *to);

/* Sends a copy of the signal to every subscriber who may hear of a sensor of this owner, or, with `to`,
 * to that one name only. The signal is sealed by it. */
void subscribers_send(struct subscribers *subscribers, sd_bus_message *signal, uid_t owner,
                      const char *to);
