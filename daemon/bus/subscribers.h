/* SPDX-License-Identifier: MIT */
/* Who hears: the clients that called Subscribe(), each with its uid. Owned by the bus. */
#pragma once

#include <sys/types.h>

#include "daemon/basic/language.h"
#include "daemon/bus/bus.h"

#define SUBSCRIBERS_PER_USER 16u
#define SUBSCRIBERS_MAX 128u

int subscribers_new(struct bus *bus, struct subscribers **ret);
struct subscribers *subscribers_free(struct subscribers *subscribers);

/* Returns 1 when added, 0 when already there (its language is the new one then), -EDQUOT. */
int subscribers_add(struct subscribers *subscribers, const char *name, uid_t uid,
                    const struct language *language);
void subscribers_remove(struct subscribers *subscribers, const char *name);
void subscribers_clear(struct subscribers *subscribers);
unsigned subscribers_count(const struct subscribers *subscribers, uid_t uid);

/* Whether there is a subscriber who may hear of a sensor of this owner; with `to`, whether that one may.
 */
bool subscribers_hear(const struct subscribers *subscribers, uid_t owner, const char *to);

/* Sends a copy of the signal to every subscriber who may hear of a sensor of this owner, or, with `to`,
 * to that one name only. The signal is sealed by it. */
void subscribers_send(struct subscribers *subscribers, sd_bus_message *signal, uid_t owner,
                      const char *to);

/* Puts a signal together that has texts for people. Returns 0 with a message, or negative errno. */
typedef int (*subscribers_build_func)(const struct language *language, const void *userdata,
                                      sd_bus_message **ret);

/* As subscribers_send(), to each in its language: builds the signal once for each that somebody hears.
 * Returns 0, or the last error of building. */
int subscribers_tell(struct subscribers *subscribers, subscribers_build_func build, const void *userdata,
                     uid_t owner, const char *to);
