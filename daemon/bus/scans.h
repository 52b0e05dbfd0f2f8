/* SPDX-License-Identifier: MIT */
/*
 * Scan() and StopScan() of org.crampd1.Manager: who scans, for how long, and the signals to them alone.
 * Owned by the bus.
 */
#pragma once

#include "daemon/bus/bus.h"
#include "sensors/driver.h"

#define SCANS_MAX 8u /* one a user */
#define SCAN_SECONDS_DEFAULT 30u
#define SCAN_SECONDS_MAX 300u

struct scans;

int scans_new(struct bus *bus, struct scans **ret);
struct scans *scans_free(struct scans *scans);

/* Begins a scan for a caller. Returns 0, -EBUSY (this user or everybody scans already), -EAGAIN (this
 * user has begun too many of late) or another negative errno. */
int scans_start(struct scans *scans, const char *name, uid_t uid, unsigned seconds, bool all);
/* Ends that caller's scan, if there is one; nobody is told. */
void scans_stop(struct scans *scans, const char *name);
/* Those of all callers. */
void scans_stop_all(struct scans *scans);
/* The driver that recognised the address in one of the latest scans, or NULL. */
const struct sensor_driver *scans_get_driver(const struct scans *scans, const char *address);
