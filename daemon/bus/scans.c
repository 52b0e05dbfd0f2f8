/* SPDX-License-Identifier: MIT */
/* Who scans: see scans.h. */
#include "daemon/bus/scans.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/log.h"
#include "daemon/bus/dictionary.h"
#include "daemon/sensor.h"
#include "sensors/address.h"
#include "sensors/bluez/scan.h"

struct running {
        struct bus *bus;
        char *name; /* unique, of the caller; NULL = this place is free */
        uid_t uid;
        bool all;
        sd_event_source *timer;
};

/* Who scans again and again must not have discovery started and stopped each time: others connect
 * meanwhile. */
#define LINGER_US UINT64_C(3000000)
#define SCANS_AT_ONCE 5u
#define SCAN_EVERY_US UINT64_C(5000000)
#define SPENDERS_MAX 16u

/* A user whose scans are counted: 5, and one more every 5 s. */
struct spender {
        uid_t uid;
        uint64_t spent_until_us; /* CLOCK_BOOTTIME; long gone = nothing is */
};

/* Everybody in range can be heard, so only the latest are remembered. */
#define RECOGNISED_MAX 64u

struct recognised {
        char address[ADDRESS_SIZE];
        const struct sensor_driver *driver;
};

struct scans {
        struct bus *bus;
        struct scan *scan; /* for all of them; lasts a little longer than they do */
        sd_event_source *linger;
        struct spender spenders[SPENDERS_MAX];
        struct running running[SCANS_MAX];
        struct recognised recognised[RECOGNISED_MAX];
        size_t recognised_next;
};

int scans_new(struct bus *bus, struct scans **ret) {
        struct scans *scans = calloc(1, sizeof(*scans));

        if (!scans)
                return -ENOMEM;
        scans->bus = bus;
        *ret = scans;
        return 0;
}

static int on_lingered(sd_event_source *source, uint64_t time_us, void *userdata) {
        struct scans *scans = userdata;

        scans->linger = sd_event_source_disable_unref(scans->linger);
        scans->scan = scan_free(scans->scan);
        return 0;
}

/* Without a timer at once. */
static void scans_linger(struct scans *scans) {
        scans->linger = sd_event_source_disable_unref(scans->linger);
        if (sd_event_add_time_relative(scans->bus->crampd->event, &scans->linger, CLOCK_BOOTTIME,
                                       LINGER_US, 0, on_lingered, scans) < 0)
                scans->scan = scan_free(scans->scan);
}

static void running_end(struct running *running) {
        struct scans *scans = running->bus->scans;

        sd_event_source_disable_unref(running->timer);
        free(running->name);
        *running = (struct running){};
        for (size_t i = 0; i < SCANS_MAX; i++)
                if (scans->running[i].name)
                        return;
        scans_linger(scans);
}

struct scans *scans_free(struct scans *scans) {
        if (!scans)
                return NULL;
        scans_stop_all(scans);
        sd_event_source_disable_unref(scans->linger);
        scan_free(scans->scan);
        free(scans);
        return NULL;
}

static int signal_new(struct bus *bus, const char *member, sd_bus_message **ret) {
        return sd_bus_message_new_signal(bus->connection, ret, CRAMPD_ROOT, CRAMPD_NAME ".Manager",
                                         member);
}

static bool is_added(struct crampd *crampd, const char *address) {
        struct sensor *sensor;

        LIST_FOREACH (sensor, &crampd->sensors, sensors)
                if (strcmp(sensor->row.address, address) == 0)
                        return true;
        return false;
}

static const char *match_to_string(enum sensor_match match) {
        return match == SENSOR_MATCH_YES ? "yes" : match == SENSOR_MATCH_MAYBE ? "maybe" : "no";
}

static int found_append(sd_bus_message *signal, const struct running *running,
                        const struct scan_device *device) {
        const struct sensor_driver *driver = device->driver;
        int r;

        r = sd_bus_message_append(signal, "s", device->address);
        dictionary_open(signal, &r);
        dictionary_append(signal, &r, "name", "s", device->name);
        dictionary_append(signal, &r, "driver", "s", driver ? driver->name : "");
        dictionary_append(signal, &r, "title", "s", driver ? driver->title : "");
        dictionary_append(signal, &r, "notes", "s", driver && driver->notes ? driver->notes : "");
        dictionary_append(signal, &r, "match", "s", match_to_string(device->match));
        if (device->rssi_dbm != 0)
                dictionary_append(signal, &r, "rssi", "n", device->rssi_dbm);
        dictionary_append(signal, &r, "added", "b", is_added(running->bus->crampd, device->address));
        dictionary_close(signal, &r);
        return r;
}

static void found_tell(const struct scan_device *device, void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
        struct running *running = userdata;
        int r;

        if (!device->driver && !running->all)
                return;
        r = signal_new(running->bus, "SensorFound", &signal);
        if (r >= 0)
                r = found_append(signal, running, device);
        if (r >= 0)
                r = sd_bus_send_to(running->bus->connection, signal, running->name, NULL);
        if (r < 0)
                log_warning("A sensor that was found could not be told of: %s, ignoring.", strerror(-r));
}

static void recognised_keep(struct scans *scans, const struct scan_device *device) {
        struct recognised *place = &scans->recognised[scans->recognised_next];

        for (size_t i = 0; i < RECOGNISED_MAX; i++)
                if (strcmp(scans->recognised[i].address, device->address) == 0) {
                        scans->recognised[i].driver = device->driver;
                        return;
                }
        scans->recognised_next = (scans->recognised_next + 1) % RECOGNISED_MAX;
        (void)snprintf(place->address, sizeof(place->address), "%s", device->address);
        place->driver = device->driver;
}

const struct sensor_driver *scans_get_driver(const struct scans *scans, const char *address) {
        for (size_t i = 0; i < RECOGNISED_MAX; i++)
                if (strcmp(scans->recognised[i].address, address) == 0)
                        return scans->recognised[i].driver;
        return NULL;
}

static void on_found(const struct scan_device *device, void *userdata) {
        struct scans *scans = userdata;

        if (device->driver)
                recognised_keep(scans, device);

        for (size_t i = 0; i < SCANS_MAX; i++)
                if (scans->running[i].name)
                        found_tell(device, &scans->running[i]);
}

static int on_over(sd_event_source *source, uint64_t time_us, void *userdata) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
        struct running *running = userdata;
        int r;

        r = signal_new(running->bus, "ScanEnded", &signal);
        if (r >= 0)
                r = sd_bus_message_append(signal, "s", "done");
        if (r >= 0)
                (void)sd_bus_send_to(running->bus->connection, signal, running->name, NULL);
        running_end(running);
        return 0;
}

static struct running *place_find(struct scans *scans, uid_t uid) {
        struct running *place = NULL;

        for (size_t i = 0; i < SCANS_MAX; i++) {
                if (scans->running[i].name && scans->running[i].uid == uid)
                        return NULL;
                if (!scans->running[i].name)
                        place = &scans->running[i];
        }
        return place;
}

/* Returns whether the user may scan once more now, which is then counted. */
static bool scans_spend(struct scans *scans, uid_t uid) {
        struct spender *spender = &scans->spenders[0];
        uint64_t now_us = 0;

        (void)sd_event_now(scans->bus->crampd->event, CLOCK_BOOTTIME, &now_us);
        for (size_t i = 0; i < SPENDERS_MAX; i++) {
                if (scans->spenders[i].uid == uid) {
                        spender = &scans->spenders[i];
                        break;
                }
                if (scans->spenders[i].spent_until_us < spender->spent_until_us)
                        spender = &scans->spenders[i];
        }
        if (spender->uid != uid || spender->spent_until_us < now_us)
                *spender = (struct spender){uid, now_us};
        if (spender->spent_until_us > now_us + (SCANS_AT_ONCE - 1) * SCAN_EVERY_US)
                return false;
        spender->spent_until_us += SCAN_EVERY_US;
        return true;
}

int scans_start(struct scans *scans, const char *name, uid_t uid, unsigned seconds, bool all) {
        struct running *running = place_find(scans, uid);
        int r;

        if (!running)
                return -EBUSY;
        if (!scans_spend(scans, uid))
                return -EAGAIN;
        *running = (struct running){.bus = scans->bus, .name = strdup(name), .uid = uid, .all = all};
        if (!running->name)
                return -ENOMEM;
        scans->linger = sd_event_source_disable_unref(scans->linger);
        r = scans->scan ? 0 : scan_new(scans->bus->crampd->bluez, on_found, scans, &scans->scan);
        if (r >= 0)
                r = sd_event_add_time_relative(scans->bus->crampd->event, &running->timer,
                                               CLOCK_BOOTTIME, (uint64_t)seconds * 1000000, 0, on_over,
                                               running);
        if (r < 0) {
                running_end(running);
                return r;
        }
        scan_repeat(scans->scan, found_tell, running);
        return 0;
}

void scans_stop(struct scans *scans, const char *name) {
        for (size_t i = 0; scans && i < SCANS_MAX; i++)
                if (scans->running[i].name && strcmp(scans->running[i].name, name) == 0)
                        running_end(&scans->running[i]);
}

void scans_stop_all(struct scans *scans) {
        for (size_t i = 0; scans && i < SCANS_MAX; i++)
                if (scans->running[i].name)
                        running_end(&scans->running[i]);
}
