/* SPDX-License-Identifier: MIT */
/*
 * Who calls: the uid behind a message, asked of the bus without waiting for it and remembered per unique
 * name until that name leaves. (sd_bus_query_sender_creds() would stop the loop for as long as the bus
 * does.)
 */
#pragma once

#include <sys/types.h>

#include "daemon/bus/bus.h"

/* Unique names on the bus are shorter: ":1." and a number. */
#define UNIQUE_NAME_SIZE 64u

typedef void (*caller_gone_func)(struct bus *bus, const char *name);

/* `gone` is told of every unique name that leaves the bus. */
int callers_new(struct bus *bus, caller_gone_func gone, struct callers **ret);
struct callers *callers_free(struct callers *callers);
/* Begins to watch who leaves bus->connection; ends that, and drops the calls that wait. */
int callers_attach(struct callers *callers);
void callers_detach(struct callers *callers);

/*
 * To be the first thing that a method's handler does, with the handler itself and its userdata. Returns
 * 1 with the uid when it is known. Returns 0 when the bus was asked: the handler then returns 1, and is
 * called again with the same message when the answer is here. Returns negative errno, with `error` set,
 * when the caller cannot be known.
 */
int caller_get_uid(struct callers *callers, sd_bus_message *message, sd_bus_message_handler_t handler,
                   void *userdata, sd_bus_error *error, uid_t *ret_uid);

/* Whether the uid behind a unique name is known already. */
bool caller_find_uid(struct callers *callers, const char *name, uid_t *ret);
/* Asks the bus for it, unless that was done. Returns 0, -EBUSY when too many wait, or another negative
 * errno. */
int caller_learn(struct callers *callers, const char *name);

/* Owner and root may; for anybody else NotAuthorized is set and negative errno returned. */
int caller_check_owner(uid_t caller, uid_t owner, sd_bus_error *error);
