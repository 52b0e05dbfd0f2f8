/* SPDX-License-Identifier: MIT */
/*
 * How many calls a user may make: all callers share one connection, and none may fill it for the others.
 * Looks at each call before anything answers it, sd-bus's own interfaces included. Each user but root
 * has calls in hand that come back with time; who has none gets LimitReached, and who goes on asking
 * even so, no answer at all. A caller whose user is not known yet has a few on account. Owned by the
 * bus.
 */
#pragma once

#include "daemon/bus/bus.h"

/* In hand at most, and back in a second. An export of many years asks for some hundred pages. */
#define BUDGET_CALLS 1000.0
#define BUDGET_CALLS_PER_S 100.0
/* So many beyond that are told why they are refused: unread answers fill the connection, too. */
#define BUDGET_REFUSALS 200.0
/* Introspect() and GetManagedObjects() answer with all there is: each counts for so many. */
#define BUDGET_WIDE_CALL 10.0

struct budget;

int budget_new(struct bus *bus, struct budget **ret);
struct budget *budget_free(struct budget *budget);
/* Looks at what comes on bus->connection, until `ret_slot` is freed. */
int budget_watch(struct budget *budget, sd_bus_slot **ret_slot);
/* It is known now whose name that is: what it was given on account counts. */
void budget_settle(struct budget *budget, const char *name, uid_t uid);
