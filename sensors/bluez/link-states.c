/* SPDX-License-Identifier: MIT */
/* What a link does in each state, and how long that may take: see link-states.h. */
#include "sensors/bluez/link-states.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sensors/translate.h"

#define SECONDS(n) (UINT64_C(n) * 1000 * 1000)
#define MILLISECONDS(n) (UINT64_C(n) * 1000)
#define EARLY_CLOSES_MAX 2u
#define ABORTS_AT_ONCE 3u
#define CONNECT_AGAIN_US MILLISECONDS(200)
/* A sensor that buzzes wakes the sleeper: 1, 8, 16 .. 64 s, and ten times as long until that is
 * forgiven. */
#define BUZZES_DOUBLED 2u
#define BUZZES_FORGIVEN 10u
#define FAILED_SETUPS_MAX 3u /* then BlueZ shall forget what it knows of the sensor's services */

const struct link_timings link_timings_default = {
        .backoff_first_us =
                SECONDS(1), /* BlueZ's own 1, 2, 4 .. 64 s (ReconnectIntervals in its main.conf) */
        .backoff_max_us = SECONDS(64),
        .backoff_reset_us = SECONDS(60),
        .patience_first_us = SECONDS(3),
        .patience_max_us = SECONDS(384),
        .connect_us = SECONDS(40),
        .connect_unheard_us = SECONDS(10),
        .connected_us = SECONDS(2),
        .resolve_us = SECONDS(30),
        .pair_us = SECONDS(40), /* SMP gives up after 30 s (Core Specification, Vol 3, Part H, 3.4) */
        .start_us = SECONDS(20),
        .silence_us = SECONDS(2),
        .resubscribe_pause_us = MILLISECONDS(200),
        .resubscribe_us = SECONDS(5),
        .forbidden_us = SECONDS(120), /* seldom: some sensors buzz when they are connected to */
        .drop_us = SECONDS(10),
        .deaf_us = SECONDS(15),
        .hear_us = SECONDS(5),
        .retry_us = SECONDS(5),
};

uint64_t link_now_us(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_BOOTTIME, &now);
        return (uint64_t)now.tv_sec * 1000 * 1000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t doubled(uint64_t first, unsigned times, uint64_t max) {
        while (times-- > 0 && first < max)
                first *= 2;
        return first < max ? first : max;
}

static uint64_t link_backoff_us(const struct link *link) {
        const struct link_timings *t = link->bluez->timings;

        unsigned extra = link->driver->buzzes && link->failures > 0 ? BUZZES_DOUBLED : 0;

        return doubled(t->backoff_first_us, link->failures + extra, t->backoff_max_us);
}

uint64_t link_forgiving_us(const struct link *link) {
        return link->bluez->timings->backoff_reset_us * (link->driver->buzzes ? BUZZES_FORGIVEN : 1);
}

struct bluez_device *link_device(const struct link *link) {
        return link->path ? bluez_get_device(link->bluez, link->path)
                          : bluez_find_device(link->bluez, link->watcher.address);
}

static uint64_t limit_scanning(const struct link *link) {
        const struct link_timings *t = link->bluez->timings;

        return doubled(t->patience_first_us, link->unheard, t->patience_max_us);
}

static uint64_t limit_connecting(const struct link *link) {
        const struct link_timings *t = link->bluez->timings;

        /* Then it depends on whether it was heard, and who waits: see on_timer(). */
        return t->connect_unheard_us < t->connect_us ? t->connect_unheard_us : t->connect_us;
}

static uint64_t limit_stalled(const struct link *link) {
        return link->hung_up ? link_backoff_us(link) : link->bluez->timings->resubscribe_pause_us;
}

uint64_t link_retry_us(const struct link *link) {
        if (link->again)
                return CONNECT_AGAIN_US;
        return link->blind ? link->bluez->timings->backoff_first_us : link_backoff_us(link);
}

uint64_t link_limit_us(const struct link *link) {
        uint64_t limit_us;

        if (link_states[link->state].limit)
                return link_states[link->state].limit(link);
        if (link_states[link->state].limit_offset == 0)
                return 0;
        memcpy(&limit_us, (const char *)link->bluez->timings + link_states[link->state].limit_offset,
               sizeof(limit_us));
        return limit_us;
}

/* The subscription. */

void link_end_stream(struct link *link, const char *reason) {
        if (!link->subscription)
                return;
        if (reason) {
                link->ending = true;
                subscription_finish(link->subscription);
                link->ending = false;
        }
        link_get_load(link, &link->load);
        link_get_counters(link, &link->counters);
        if (link->has_data)
                link->gap_since_us = link->last_block_us;
        link->has_data = false;
        link->subscription = subscription_free(link->subscription);
        if (link->stream_open && reason)
                link->callbacks->stopped(reason, link->userdata);
        link->stream_open = false;
}

void link_tell_battery(struct link *link, int percent) {
        if (percent < 0 || percent > 100 || percent == link->battery_percent)
                return;
        link->battery_percent = percent;
        if (link->callbacks->battery)
                link->callbacks->battery((unsigned)percent, link->userdata);
}

void link_check_extras(struct link *link) {
        const struct sensor_extras *extras =
                link->driver->extras ? link->driver->extras(link->decoder) : NULL;

        if (!extras || extras->revision == link->extras_revision)
                return;
        link->extras_revision = extras->revision;
        if (link->callbacks->extras)
                link->callbacks->extras(extras, link->userdata);
        if (link->driver->battery == SENSOR_BATTERY_EXTRAS)
                link_tell_battery(link, extras->battery_percent);
}

static void on_decoded(void *userdata) {
        link_check_extras(userdata);
}

static void on_format(const struct stream_format *format, void *userdata) {
        struct link *link = userdata;

        link->stream_open = true;
        link->callbacks->format(format, /* start_us= */ 0, link->userdata);
}

static const char *link_data_reason(const struct link *link) {
        return subscription_broadcasts(link->subscription)
                       ? N_("receiving; every local user can read the samples (--allow-broadcast)")
                       : N_("receiving");
}

static void link_count_stream(struct link *link, uint64_t arrival_us) {
        struct link_counters *counters = &link->counters;

        if (link->has_streamed)
                counters->reconnects++;
        link->has_streamed = true;
        if (link->gap_since_us == 0 || arrival_us < link->gap_since_us)
                return;
        if (arrival_us - link->gap_since_us > counters->gap_longest_us)
                counters->gap_longest_us = arrival_us - link->gap_since_us;
}

static void on_block(const struct emg_block *block, uint64_t arrival_us, void *userdata) {
        struct link *link = userdata;

        if (!link->has_data)
                link_count_stream(link, arrival_us);
        link->has_data = true;
        link->last_block_us = arrival_us;
        link->callbacks->block(block, arrival_us, link->userdata);
        /* The stream is in the middle of its datagrams: the facts, which might end it, are looked at
         * later. */
        if (link->state != LINK_STREAMING && !link->ending &&
            subscription_is_started(link->subscription))
                (void)link_fire(link, EVENT_DATA, link_data_reason(link));
}

static void on_started(void *userdata) {
        struct link *link = userdata;

        link_check_extras(link);
        if (link->has_data)
                link_handle(link, EVENT_DATA, link_data_reason(link));
        else if (link->state == LINK_STARTING)
                (void)link_arm(link, link->bluez->timings->silence_us);
}

static void on_failed(const char *reason, void *userdata) {
        link_handle(userdata, EVENT_FAILED, reason);
}

static void on_refused(void *userdata) {
        link_handle(userdata, EVENT_REFUSED, NULL);
}

static void on_forbidden(const char *reason, void *userdata) {
        link_handle(userdata, EVENT_FORBIDDEN, reason);
}

static void on_unpaired(void *userdata) {
        struct link *link = userdata;
        const struct bluez_device *device = link_device(link);

        if (link->driver->pairing == SENSOR_PAIRING_NEVER)
                link_handle(
                        link, EVENT_FAILED,
                        N_("the sensor wants to be paired, which sensors of its kind do not know: see "
                           "crampctl add --driver"));
        else if (device && device->paired)
                link_handle(link, EVENT_FAILED,
                            N_("the sensor has forgotten its bond: bluetoothctl remove ADDRESS"));
        else
                link_handle(link, EVENT_UNPAIRED, NULL);
}

static void on_closed(void *userdata) {
        struct link *link = userdata;

        if (!link->has_data)
                link->early_closes++;
        link_handle(link, EVENT_CLOSED, NULL);
}

static int enter_subscribing(struct link *link) {
        static const struct subscription_callbacks callbacks = {
                .format = on_format,
                .block = on_block,
                .decoded = on_decoded,
                .started = on_started,
                .failed = on_failed,
                .refused = on_refused,
                .forbidden = on_forbidden,
                .unpaired = on_unpaired,
                .closed = on_closed,
        };
        struct bluez_device *device = link_device(link);
        struct sensor_settings settings = link->settings;
        const struct subscription_setup setup = {
                .device = device,
                .driver = link->driver,
                .decoder = link->decoder,
                .settings = &settings,
                .allow_broadcast = link->allow_broadcast,
                .distrust_acquire = link->early_closes >= EARLY_CLOSES_MAX,
                .refused_before = link->refusals > 0,
                .callbacks = &callbacks,
                .userdata = link,
        };

        link->has_data = false;
        if (!device)
                return -ENODEV;
        settings.name = device->name;
        return subscription_new(link->bluez, &setup, &link->subscription);
}

static int enter_hearing(struct link *link) {
        link->last_block_us = link_now_us();
        link->unheard = 0;
        return enter_subscribing(link);
}

/* A sensor that streams on, but to nobody, would refuse to start. */
static int enter_stalled(struct link *link) {
        const struct bluez_device *device = link_device(link);
        int r;

        if (!device)
                return 0;
        r = script_run(link->bluez, device, link->driver, link->driver->stop, NULL, NULL, &link->stop);
        return r < 0 ? r : 0;
}

static int enter_streaming(struct link *link) {
        link->streaming_since_us = link->last_block_us;
        link->failed_setups = 0;
        link->unheard = 0;
        if (!subscription_broadcasts(link->subscription))
                link->refusals = link->early_closes = 0;
        return 0;
}

/* Connecting and disconnecting. */

static int link_choose_device(struct link *link, struct bluez_device **ret) {
        struct bluez_device *device = link_device(link);

        if (!device)
                return -ENODEV;
        if (!link->path) {
                link->path = strdup(device->path);
                if (!link->path)
                        return -ENOMEM;
        }
        *ret = device;
        return 0;
}

static int enter_queued(struct link *link) {
        struct bluez_device *device;
        int r;

        link->watcher.proven = link->has_streamed && link->failures < BACKOFF_DOUBLINGS;
        r = link_choose_device(link, &device);
        return r < 0 ? r : radio_request(link->bluez, &link->watcher, device);
}

/* Controllers give up for many reasons, scanning beside it one of them; with some kernels it works only
 * while they scan (bluez issue 2503). So every few times the other way is tried, and the one that works
 * is kept. A sensor that was not heard is given up in the same way. */
static void link_count_abort(struct link *link) {
        link->aborts++;
        link->again = link->aborts < ABORTS_AT_ONCE;
        if (link->aborts % ABORTS_AT_ONCE == 0)
                link->watcher.scans_connecting = !link->watcher.scans_connecting;
}

static void link_fail_connect(struct link *link, const char *message) {
        const struct bluez_device *device = link_device(link);
        bool stale_bond = device && device->paired && link->driver->pairing == SENSOR_PAIRING_NEVER;
        char reason[240];

        if (!strstr(message, "connection-abort-by-local"))
                link->aborts = 0;
        else if (!link->blind)
                link_count_abort(link);
        link->wrong_bearer = strncmp(message, "br-connection-", strlen("br-connection-")) == 0;
        (void)snprintf(
                reason, sizeof(reason), "%s: %.80s%s%s", N_("could not connect"), message,
                stale_bond ? "; " : "",
                stale_bond
                        ? N_("it is paired, which harms with this sensor: bluetoothctl remove ADDRESS")
                        : "");
        link_handle(link, EVENT_FAILED, reason);
}

static int on_connected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct link *link = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(m);

        link->call = sd_bus_slot_unref(link->call);
        if (!error) {
                /* What counts is the property. BlueZ 5.66 sends no signal of it when it hears of the
                 * link from the socket before it hears of it from the kernel (att_connect_cb in
                 * src/device.c), and also calls an aborted attempt a success. */
                bluez_fetch(link->bluez);
                return link_arm(link, link->bluez->timings->connected_us);
        }
        link_fail_connect(link, error->message ? error->message : "");
        return 0;
}

static int enter_connecting(struct link *link) {
        link->connecting_since_us = link_now_us();
        return bluez_call(link->bluez, &link->call, link->path, "org.bluez.Device1", "Connect",
                          on_connected, link,
                          /* the state has the limit= */ UINT64_MAX, NULL);
}

static int enter_resolving(struct link *link) {
        struct bluez_device *device;
        int r;

        r = link_choose_device(link, &device);
        if (r < 0)
                return r;
        link->disconnects = device->disconnects;
        link->early_closes = link->aborts = 0;
        link->counters.connects++;
        return 0;
}

static void on_pairing_done(const char *error, void *userdata) {
        link_handle(userdata, error ? EVENT_FAILED : EVENT_PAIRED, error);
}

static int enter_pairing(struct link *link) {
        const struct bluez_device *device = link_device(link);

        return device ? pairing_new(link->bluez, device, on_pairing_done, link, &link->pairing)
                      : -ENODEV;
}

static int on_dropped(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        struct link *link = userdata;

        link->call = sd_bus_slot_unref(link->call);
        bluez_touch(link->bluez);
        return 0;
}

/* Also cancels a Connect that is under way. */
static int link_disconnect(struct link *link) {
        const struct bluez_device *device = link_device(link);
        const struct bluez_adapter *adapter;

        if (!device)
                return 0;
        /* What BlueZ knows of the services may be wrong, and a data channel may be held by nobody (BlueZ
         * up to 5.83): both go with the device, and so does its belief in Classic. A bond would go too,
         * so a paired sensor is left alone. */
        if ((link->failed_setups >= FAILED_SETUPS_MAX || link->wrong_bearer) && !device->paired) {
                link->failed_setups = 0;
                link->wrong_bearer = false;
                adapter = bluez_device_adapter(link->bluez, device);
                return bluez_call(link->bluez, &link->call, adapter->path, "org.bluez.Adapter1",
                                  "RemoveDevice", on_dropped, link, link->bluez->timings->drop_us, "o",
                                  device->path);
        }
        return bluez_call(link->bluez, &link->call, device->path, "org.bluez.Device1", "Disconnect",
                          on_dropped, link, link->bluez->timings->drop_us, NULL);
}

/* The state's own limit is what follows if it cannot be. */
static void on_stopped(void *userdata) {
        struct link *link = userdata;

        link->stop = script_free(link->stop);
        (void)link_disconnect(link);
}

static int enter_dropping(struct link *link) {
        const struct bluez_device *device = link_device(link);
        int r = 1;

        link->identify = script_free(link->identify);
        if (device && device->connected)
                r = script_run(link->bluez, device, link->driver, link->driver->stop, on_stopped, link,
                               &link->stop);
        return r == 0 ? 0 : link_disconnect(link);
}

/* What others have connected is theirs. */
static int enter_paused(struct link *link) {
        return link->path ? enter_dropping(link) : 0;
}

const struct link_state_info link_states[LINK_STATE_MAX] = {
        [LINK_ABSENT] = {.reported = SOURCE_ABSENT},
        [LINK_SCANNING] = {.reported = SOURCE_SCANNING, .listens = true, .limit = limit_scanning},
        [LINK_QUEUED] = {.reported = SOURCE_CONNECTING,
                         .has_device = true,
                         .has_turn = true,
                         .enter = enter_queued},
        [LINK_CONNECTING] = {.reported = SOURCE_CONNECTING,
                             .has_device = true,
                             .has_turn = true,
                             .enter = enter_connecting,
                             .limit = limit_connecting},
        [LINK_RESOLVING] = {.reported = SOURCE_RESOLVING,
                            .has_device = true,
                            .enter = enter_resolving,
                            .limit_offset = offsetof(struct link_timings, resolve_us)},
        [LINK_PAIRING] = {.reported = SOURCE_STARTING,
                          .has_device = true,
                          .enter = enter_pairing,
                          .limit_offset = offsetof(struct link_timings, pair_us)},
        [LINK_STARTING] = {.reported = SOURCE_STARTING,
                           .has_device = true,
                           .enter = enter_subscribing,
                           .limit_offset = offsetof(struct link_timings, start_us)},
        [LINK_STREAMING] = {.reported = SOURCE_STREAMING,
                            .has_device = true,
                            .has_stream = true,
                            .enter = enter_streaming,
                            .limit_offset = offsetof(struct link_timings, silence_us)},
        [LINK_STALLED] = {.reported = SOURCE_STALLED,
                          .has_device = true,
                          .enter = enter_stalled,
                          .limit = limit_stalled},
        [LINK_RESUBSCRIBING] = {.reported = SOURCE_STALLED,
                                .has_device = true,
                                .enter = enter_subscribing,
                                .limit_offset = offsetof(struct link_timings, resubscribe_us)},
        [LINK_FORBIDDEN] = {.reported = SOURCE_STALLED,
                            .has_device = true,
                            .limit_offset = offsetof(struct link_timings, forbidden_us)},
        [LINK_DROPPING] = {.reported = SOURCE_SCANNING,
                           .has_device = true,
                           .has_turn = true,
                           .tells_retry = true,
                           .enter = enter_dropping,
                           .limit_offset = offsetof(struct link_timings, drop_us)},
        [LINK_WAITING] = {.reported = SOURCE_SCANNING, .tells_retry = true, .limit = link_retry_us},
        [LINK_HEARING] = {.reported = SOURCE_STREAMING,
                          .listens = true,
                          .enter = enter_hearing,
                          .limit_offset = offsetof(struct link_timings, silence_us)},
        [LINK_QUIET] = {.reported = SOURCE_STALLED,
                        .listens = true,
                        .limit_offset = offsetof(struct link_timings, resubscribe_us)},
        [LINK_PAUSED] = {.reported = SOURCE_PAUSED, .has_device = true, .enter = enter_paused},
};
