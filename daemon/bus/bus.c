/* SPDX-License-Identifier: MIT */
/* crampd on the bus: see bus.h. */
#include "daemon/bus/bus.h"

#include <errno.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/log.h"
#include "daemon/basic/priority.h"
#include "daemon/bus/advice-news.h"
#include "daemon/bus/budget.h"
#include "daemon/bus/calibrate.h"
#include "daemon/bus/caller.h"
#include "daemon/bus/connection.h"
#include "daemon/bus/error.h"
#include "daemon/bus/objects.h"
#include "daemon/bus/outflow.h"
#include "daemon/bus/scans.h"
#include "daemon/bus/subscribers.h"

static void on_caller_gone(struct bus *bus, const char *name) {
        subscribers_remove(bus->subscribers, name);
        scans_stop(bus->scans, name);
        calibrate_caller_gone(bus, name);
}

/* Connects, and exports the objects. */
static int bus_attach(struct bus *bus) {
        int r;

        r = connection_new(bus->crampd, "crampd", PRIORITY_CALLERS, &bus->connection);
        if (r >= 0)
                r = callers_attach(bus->callers);
        if (r >= 0)
                r = budget_watch(bus->budget, &bus->slots[0]);
        if (r >= 0)
                r = manager_export(bus);
        if (r >= 0)
                r = history_export(bus);
        if (r >= 0)
                r = guidance_export(bus);
        if (r >= 0)
                r = sensors_export(bus);
        return r;
}

/* Nobody is called any more by what comes over the connection. */
static void bus_unplug(struct bus *bus) {
        (void)sd_bus_detach_event(bus->connection);
        for (size_t i = 0; i < BUS_SLOTS; i++)
                bus->slots[i] = sd_bus_slot_unref(bus->slots[i]);
        callers_detach(bus->callers);
}

/* To its clients crampd has left the bus and come back: they subscribe anew, and hear again of the
 * alerts that last. Calls that wait for the store are answered into the void. */
static void on_stuck(struct bus *bus) {
        int r;

        log_warning("What crampd sends does not get out any more: somebody does not read their answers. "
                    "The connection to the bus is renewed.");
        bus_unplug(bus);
        sd_bus_close(bus->connection); /* what is queued is lost with it */
        bus->connection = sd_bus_unref(bus->connection);
        subscribers_clear(bus->subscribers);
        scans_stop_all(bus->scans);
        bus->renewed = true;
        r = bus_attach(bus);
        if (r >= 0)
                r = bus_request_name(bus);
        if (r < 0)
                crampd_bus_lost(bus->crampd, r);
}

DEFINE_CLEANUP(struct bus *, bus_free)

int bus_new(struct crampd *crampd, struct bus **ret) {
        _cleanup_(bus_freep) struct bus *bus = NULL;
        int r;

        bus = calloc(1, sizeof(*bus));
        if (!bus)
                return -ENOMEM;
        bus->crampd = crampd;
        TAILQ_INIT(&bus->guiding);
        TAILQ_INIT(&bus->changing);

        r = error_register();
        if (r < 0)
                return r;
        r = callers_new(bus, on_caller_gone, &bus->callers);
        if (r < 0)
                return r;
        r = budget_new(bus, &bus->budget);
        if (r < 0)
                return r;
        r = subscribers_new(bus, &bus->subscribers);
        if (r < 0)
                return r;
        r = scans_new(bus, &bus->scans);
        if (r < 0)
                return r;
        r = advice_news_new(bus, &bus->news);
        if (r < 0)
                return r;
        r = bus_attach(bus);
        if (r < 0)
                return r;
        r = outflow_new(bus, on_stuck, &bus->outflow);
        if (r < 0)
                return r;

        *ret = steal_pointer(&bus);
        return 0;
}

static int on_name(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct bus *bus = userdata;
        const sd_bus_error *failure = sd_bus_message_get_error(reply);
        uint32_t answer;
        int r;

        if (failure) {
                log_error("The bus refuses the name " CRAMPD_NAME
                          ": %s. Is the policy file installed, does its user "
                          "exist, and was the bus reloaded after that?",
                          failure->message ?: failure->name);
                crampd_name_acquired(bus->crampd, -EACCES);
                return 1;
        }
        r = sd_bus_message_read(reply, "u", &answer);
        if (r >= 0 && answer == 2 && bus->renewed) /* in line, behind the connection that was closed */
                return 1;
        if (r >= 0 && answer != 1 && answer != 4) { /* primary owner, already owner */
                log_error("Another crampd has the name " CRAMPD_NAME ".");
                r = -EEXIST;
        }
        crampd_name_acquired(bus->crampd, r < 0 ? r : 0);
        return 1;
}

int bus_request_name(struct bus *bus) {
        return sd_bus_request_name_async(bus->connection, NULL, CRAMPD_NAME,
                                         bus->renewed ? SD_BUS_NAME_QUEUE : 0, on_name, bus);
}

void bus_detach(struct bus *bus) {
        /* Nobody scans any more: BlueZ goes before the bus. */
        bus->scans = scans_free(bus->scans);
        bus->outflow = outflow_free(bus->outflow);
        (void)sd_bus_detach_event(bus->connection);
}

struct bus *bus_free(struct bus *bus) {
        if (!bus)
                return NULL;

        if (bus->connection) {
                bus_detach(bus);
                /* Sending goes with receiving: nobody may be called any more. */
                bus_unplug(bus);
        }
        bus->connection = connection_free(bus->connection);
        callers_free(bus->callers);
        budget_free(bus->budget);
        subscribers_free(bus->subscribers);
        scans_free(bus->scans);
        advice_news_free(bus->news);
        free(bus);
        return NULL;
}
