/* SPDX-License-Identifier: MIT */
/*
 * crampd on the bus: the connection, the name, the objects. One file per interface beside this one; what
 * they share (who calls, who subscribes, errors) has a file each. Nothing here waits for the bus. Owned
 * by main.
 */
#pragma once

#include "daemon/crampd.h"

struct advice_news;
struct budget;
struct callers;
struct outflow;
struct scans;
struct subscribers;

#define BUS_SLOTS 7u

struct bus {
        struct crampd *crampd;
        sd_bus *connection;
        sd_bus_slot
                *slots[BUS_SLOTS]; /* of what is exported and matched: they go before the connection */
        struct callers *callers;
        struct budget *budget;
        LIST_HEAD(, add_call) adding;   /* AddSensor() calls that wait for the store */
        LIST_HEAD(, query_call) asking; /* History calls likewise */
        TAILQ_HEAD(guidance_calls, guidance_call) guiding; /* Guidance calls, in order */
        TAILQ_HEAD(change_calls, change_call) changing;    /* changes of sensors, in order */
        struct advice_news *news;
        struct subscribers *subscribers;
        struct scans *scans;
        struct outflow *outflow;
        bool renewed; /* the connection is not the first */
};

#define CRAMPD_NAME "org.crampd1"
#define CRAMPD_ROOT "/org/crampd1"
#define CRAMPD_SENSORS CRAMPD_ROOT "/sensor"

/* Connects to the system bus and exports the objects; the name follows with bus_request_name(). Sets
 * crampd->bus. */
int bus_new(struct crampd *crampd, struct bus **ret);
int bus_request_name(struct bus *bus);
/* Takes the connection off the loop, which is about to end: sd-bus would close it with the loop, before
 * the last alerts were sent. */
void bus_detach(struct bus *bus);
/* Sends what is queued, for a second at most, and disconnects. Returns NULL. */
struct bus *bus_free(struct bus *bus);
