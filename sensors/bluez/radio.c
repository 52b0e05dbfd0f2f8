/* SPDX-License-Identifier: MIT */
/*
 * What an adapter is doing: looking for sensors, or connecting one of them, never two at once, and both
 * only for a sensor that cannot be connected otherwise. Controllers give up connects while they scan
 * (le-connection-abort-by-local), and BlueZ answers InProgress to a second connect. Discovery runs while
 * someone needs it and nobody connects; a part of the time is its own.
 *
 * Each user may add sensors that never answer, so turns go to sensors that have proven to stream before
 * others, then to the owner whose turn is longest ago, then to who waits longest. Every third turn goes
 * to owners alike, so nobody waits for ever.
 */
#include "sensors/bluez/objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CALL_LIMIT_US (UINT64_C(25) * 1000 * 1000)
#define OWNERS_ALIKE_EVERY 3u

static bool watcher_uses(const struct bluez_watcher *watcher, const struct bluez_adapter *adapter) {
        return watcher->turn != TURN_NONE && strcmp(watcher->turn_adapter, adapter->path) == 0;
}

/* A peripheral on one adapter would be disturbed, and a sensor that it plays is never heard there. */
static bool radio_leaves_to_others(const struct bluez_adapter *adapter) {
        if (!adapter->advertises)
                return false;
        for (const struct bluez_adapter *a = adapter->bluez->adapters; a; a = a->next)
                if (a->powered && !a->advertises)
                        return true;
        return false;
}

static uint64_t now_us(const struct bluez_adapter *adapter) {
        uint64_t now = 0;

        (void)sd_event_now(adapter->bluez->event, CLOCK_BOOTTIME, &now);
        return now;
}

static int on_heard(sd_event_source *source, uint64_t time_us, void *userdata) {
        struct bluez_adapter *adapter = userdata;

        adapter->hearing = sd_event_source_disable_unref(adapter->hearing);
        adapter->heard_us = now_us(adapter);
        bluez_touch(adapter->bluez);
        return 0;
}

static bool radio_is_listened_to(const struct bluez *bluez) {
        for (const struct bluez_watcher *w = bluez->watchers; w; w = w->next)
                if (w->scanning)
                        return true;
        return false;
}

/* Where somebody always waits to connect, the others would never be heard. Returns whether discovery now
 * goes before the next connect. */
static bool radio_hears_first(struct bluez_adapter *adapter) {
        const struct link_timings *t = adapter->bluez->timings;

        if (!radio_is_listened_to(adapter->bluez))
                return false;
        if (adapter->hearing)
                return true;
        return !adapter->retry && !radio_leaves_to_others(adapter) &&
               now_us(adapter) >= adapter->heard_us + t->deaf_us &&
               bluez_arm(adapter->bluez, &adapter->hearing, t->hear_us, on_heard, adapter) >= 0;
}

static bool radio_should_scan(const struct bluez_adapter *adapter) {
        bool wanted = false, hears = adapter->hearing && radio_is_listened_to(adapter->bluez);

        for (const struct bluez_watcher *w = adapter->bluez->watchers; w; w = w->next) {
                bool uses = watcher_uses(w, adapter);
                bool scans = w->turn == TURN_HELD && w->scans_connecting;

                if (uses && !scans && (w->turn == TURN_HELD || !hears))
                        return false;
                wanted = wanted || w->scanning || uses;
        }
        return adapter->powered && !adapter->restart && wanted && !radio_leaves_to_others(adapter);
}

static uint64_t owner_served(const struct bluez *bluez, uint32_t owner) {
        uint64_t served = 0;

        for (const struct bluez_watcher *w = bluez->watchers; w; w = w->next)
                if (w->owner == owner && w->served > served)
                        served = w->served;
        return served;
}

static bool turn_is_before(const struct bluez_adapter *adapter, const struct bluez_watcher *a,
                           const struct bluez_watcher *b) {
        bool same_owner = a->owner == b->owner;

        if (a->proven != b->proven && (same_owner || (adapter->grants + 1) % OWNERS_ALIKE_EVERY != 0))
                return a->proven;
        if (!same_owner)
                return owner_served(adapter->bluez, a->owner) < owner_served(adapter->bluez, b->owner);
        return a->turn_number < b->turn_number;
}

static void radio_grant(struct bluez_adapter *adapter) {
        struct bluez_watcher *first = NULL;

        for (struct bluez_watcher *w = adapter->bluez->watchers; w; w = w->next) {
                if (!watcher_uses(w, adapter))
                        continue;
                if (w->turn == TURN_HELD)
                        return;
                if (!first || turn_is_before(adapter, w, first))
                        first = w;
        }
        if (!first || !adapter->powered)
                return;
        if (radio_hears_first(adapter)) {
                bluez_touch(adapter->bluez);
                return;
        }
        first->turn = TURN_HELD;
        first->served = ++adapter->bluez->turns;
        adapter->grants++;
        if (first->scans_connecting)
                bluez_touch(adapter->bluez);
}

static int on_retry(sd_event_source *source, uint64_t time_us, void *userdata) {
        struct bluez_adapter *adapter = userdata;

        adapter->retry = sd_event_source_disable_unref(adapter->retry);
        bluez_touch(adapter->bluez);
        return 0;
}

static int radio_wait(struct bluez_adapter *adapter) {
        adapter->radio = RADIO_IDLE;
        return bluez_arm(adapter->bluez, &adapter->retry, adapter->bluez->timings->retry_us, on_retry,
                         adapter);
}

static int on_started(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct bluez_adapter *adapter = userdata;

        adapter->call = sd_bus_slot_unref(adapter->call);
        bluez_touch(adapter->bluez);
        /* InProgress: our own discovery runs already, of which the reply got lost. */
        if (sd_bus_message_is_method_error(m, NULL) &&
            !sd_bus_message_is_method_error(m, "org.bluez.Error.InProgress"))
                return radio_wait(adapter);
        adapter->radio = RADIO_SCANNING;
        return 0;
}

static int on_stopped(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct bluez_adapter *adapter = userdata;

        /* Errors say that no discovery of ours ran. */
        adapter->call = sd_bus_slot_unref(adapter->call);
        adapter->radio = RADIO_IDLE;
        adapter->heard_us = now_us(adapter);
        bluez_touch(adapter->bluez);
        return 0;
}

/* One who looks for a sensor that advertises no service must hear all. */
static int append_services(const struct bluez *bluez, sd_bus_message *m) {
        int r;

        for (const struct bluez_watcher *w = bluez->watchers; w; w = w->next)
                if (w->scanning && !w->service)
                        return 0;
        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', "UUIDs");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "s");
        for (const struct bluez_watcher *w = bluez->watchers; w && r >= 0; w = w->next)
                if (w->scanning)
                        r = sd_bus_message_append_basic(m, 's', w->service);
        for (unsigned i = 0; i < 3 && r >= 0; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static bool radio_wants_duplicates(const struct bluez *bluez) {
        for (const struct bluez_watcher *w = bluez->watchers; w; w = w->next)
                if (w->scanning && w->duplicates)
                        return true;
        return false;
}

/* Nobody waits for the reply: without the filter discovery only finds more than it needs to. */
static int radio_set_filter(struct bluez_adapter *adapter) {
        struct bluez *bluez = adapter->bluez;
        sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bluez->bus, &m, bluez->owner, adapter->path,
                                           "org.bluez.Adapter1", "SetDiscoveryFilter");
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", "Transport", "s", "le");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", "DuplicateData", "b",
                                          radio_wants_duplicates(bluez));
        if (r >= 0)
                r = append_services(bluez, m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_send(bluez->bus, m, NULL);
        sd_bus_message_unref(m);
        if (r >= 0)
                adapter->filter_stale = false;
        return r;
}

static int radio_start(struct bluez_adapter *adapter) {
        int r;

        r = radio_set_filter(adapter);
        if (r >= 0)
                r = bluez_call(adapter->bluez, &adapter->call, adapter->path, "org.bluez.Adapter1",
                               "StartDiscovery", on_started, adapter, CALL_LIMIT_US, NULL);
        if (r >= 0)
                adapter->radio = RADIO_STARTING;
        return r;
}

static int radio_stop(struct bluez_adapter *adapter) {
        int r;

        r = bluez_call(adapter->bluez, &adapter->call, adapter->path, "org.bluez.Adapter1",
                       "StopDiscovery", on_stopped, adapter, CALL_LIMIT_US, NULL);
        if (r >= 0)
                adapter->radio = RADIO_STOPPING;
        return r;
}

void radio_run(struct bluez_adapter *adapter) {
        int r = 0;

        switch (adapter->radio) {
        case RADIO_IDLE:
                adapter->restart = false;
                if (!radio_should_scan(adapter))
                        radio_grant(adapter);
                else if (!adapter->retry)
                        r = radio_start(adapter);
                break;
        case RADIO_SCANNING:
                if (!radio_should_scan(adapter))
                        r = radio_stop(adapter);
                else if (adapter->filter_stale)
                        r = radio_set_filter(adapter);
                break;
        case RADIO_STARTING:
        case RADIO_STOPPING:
                break;
        }
        if (r < 0)
                (void)radio_wait(adapter);
}

void radio_reset(struct bluez_adapter *adapter) {
        adapter->radio = RADIO_IDLE;
        adapter->restart = false;
        adapter->call = sd_bus_slot_unref(adapter->call);
        adapter->retry = sd_event_source_disable_unref(adapter->retry);
        adapter->hearing = sd_event_source_disable_unref(adapter->hearing);
        for (struct bluez_watcher *w = adapter->bluez->watchers; w; w = w->next)
                if (watcher_uses(w, adapter))
                        radio_release(adapter->bluez, w);
}

void radio_set_scanning(struct bluez *bluez, struct bluez_watcher *watcher, bool scanning) {
        if (watcher->scanning == scanning)
                return;
        watcher->scanning = scanning;
        for (struct bluez_adapter *a = bluez->adapters; a; a = a->next)
                a->filter_stale = true;
        bluez_touch(bluez);
}

void radio_restart(struct bluez *bluez) {
        for (struct bluez_adapter *a = bluez->adapters; a; a = a->next)
                a->restart = a->radio == RADIO_SCANNING;
        bluez_touch(bluez);
}

int radio_request(struct bluez *bluez, struct bluez_watcher *watcher,
                  const struct bluez_device *device) {
        const struct bluez_adapter *adapter = bluez_device_adapter(bluez, device);
        char *path;

        path = strdup(adapter->path);
        if (!path)
                return -ENOMEM;
        radio_release(bluez, watcher);
        watcher->turn_adapter = path;
        watcher->turn_number = ++bluez->turns;
        watcher->turn = TURN_WAITING;
        bluez_touch(bluez);
        return 0;
}

void radio_release(struct bluez *bluez, struct bluez_watcher *watcher) {
        if (watcher->turn == TURN_NONE)
                return;
        watcher->turn = TURN_NONE;
        free(watcher->turn_adapter);
        watcher->turn_adapter = NULL;
        bluez_touch(bluez);
}

bool radio_is_wanted(const struct bluez *bluez, const struct bluez_watcher *watcher) {
        for (const struct bluez_watcher *w = bluez->watchers; w; w = w->next)
                if (w->turn == TURN_WAITING && w->proven && !watcher->proven && watcher->turn_adapter &&
                    strcmp(w->turn_adapter, watcher->turn_adapter) == 0)
                        return true;
        return false;
}
