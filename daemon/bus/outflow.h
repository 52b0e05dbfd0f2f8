/* SPDX-License-Identifier: MIT */
/*
 * Whether what crampd sends gets out. Who makes crampd send a lot and reads none of it has dbus-daemon
 * read no more of crampd's connection, for as long as they like: then only a new connection helps. Looks
 * at it after each turn of the loop in which something happened. Owned by the bus.
 */
#pragma once

#include "daemon/bus/bus.h"

/* When nothing went in so long a time, nothing will. */
#define OUTFLOW_STUCK_US (UINT64_C(5) * 1000000)

struct outflow;

typedef void (*outflow_stuck_func)(struct bus *bus);

int outflow_new(struct bus *bus, outflow_stuck_func stuck, struct outflow **ret);
struct outflow *outflow_free(struct outflow *outflow);
