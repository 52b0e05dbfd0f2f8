/* SPDX-License-Identifier: MIT */
/*
 * The link to one sensor: see link.h. What may happen in which state, and what then comes, is all in
 * link-transitions.c; what the states do is in link-states.c.
 */
#include "sensors/bluez/link-states.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sensors/translate.h"

/* Bursts and the first packets, which come late, are evened out by then. */
#define LOAD_MEASURED_US UINT64_C(10000000)

#define LOOK_FOR_OTHERS_US UINT64_C(1000000)

static int on_timer(sd_event_source *source, uint64_t time_us, void *userdata);

int link_arm(struct link *link, uint64_t delay_us) {
        return bluez_arm(link->bluez, &link->timer, delay_us, on_timer, link);
}

static void link_set_reason(struct link *link, enum link_state next, const char *reason) {
        char text[sizeof(link->reason)];
        enum source_state reported = link_states[next].reported;

        if (!reason || (link_states[next].tells_retry && link_states[link->state].tells_retry))
                reason = link->reason;
        else if (link_states[next].tells_retry) {
                (void)snprintf(text, sizeof(text), "%.200s, trying again in %.3g s", reason,
                               (double)link_retry_us(link) / 1e6);
                reason = text;
        }

        if (reported == link->reported && strcmp(reason, link->reason) == 0)
                return;
        if (reason != link->reason)
                (void)snprintf(link->reason, sizeof(link->reason), "%s", reason);
        link->reported = reported;
        link->callbacks->state(reported, link->reason, link->userdata);
}

/* A link that carries data between its losses is worth coming back to at once: each part of the time
 * after which all failures are forgiven forgives one. Sensors that buzz are let rest. */
static void link_forgive(struct link *link) {
        uint64_t streamed_us = link_now_us() - link->streaming_since_us;
        uint64_t reset_us = link_forgiving_us(link), forgiven;

        if (reset_us == 0 || streamed_us >= reset_us) {
                link->failures = 0;
                return;
        }
        forgiven = link->driver->buzzes ? 0 : streamed_us * BACKOFF_DOUBLINGS / reset_us;
        link->failures -= forgiven < link->failures ? (unsigned)forgiven : link->failures;
}

static void link_leave(struct link *link, enum link_state next, const char *reason) {
        if (link->state == LINK_STREAMING)
                link_forgive(link);
        link->call = sd_bus_slot_unref(link->call);
        link->pairing = pairing_free(link->pairing);
        link->stop = script_free(link->stop);
        if (!link_states[next].has_stream)
                link_end_stream(link, reason);
        if (!link_states[next].has_turn)
                radio_release(link->bluez, &link->watcher);
        if (!link_states[next].has_device) {
                free(link->path);
                link->path = NULL;
        }
}

static void link_enter(struct link *link) {
        uint64_t limit_us = link_limit_us(link);
        int r = 0;

        if (limit_us > 0)
                r = link_arm(link, limit_us);
        else if (link->timer)
                r = sd_event_source_set_enabled(link->timer, SD_EVENT_OFF);
        if (r >= 0 && link_states[link->state].enter)
                r = link_states[link->state].enter(link);
        if (r < 0)
                (void)link_fire(link, EVENT_FAILED, strerror(-r));
}

bool link_fire(struct link *link, enum link_event event, const char *detail) {
        const struct link_transition *t = link_get_transition(link->state, event);
        char reason[sizeof(link->reason)];

        if (!t)
                return false;
        if (event < FACT_MAX && t->next == link->state && strcmp(t->reason, link->reason) == 0)
                return false; /* it still holds */

        /* The detail may belong to what is now freed. */
        (void)snprintf(reason, sizeof(reason), "%s",
                       t->reason ? t->reason
                       : detail  ? detail
                                 : link->reason);
        if (t->effect)
                t->effect(link);
        link_leave(link, t->next, reason);
        if (event == EVENT_PAUSE)
                link->gap_since_us = 0;
        link_set_reason(link, t->next, reason);
        link->state = t->next;
        radio_set_scanning(link->bluez, &link->watcher, link_states[link->state].listens);
        link_enter(link);
        return true;
}

static bool link_fact(const struct link *link, enum link_event fact) {
        const struct bluez_device *device = link_device(link);
        bool connects = !link->driver->from_adverts;
        bool linked = connects && device && device->connected;

        switch (fact) {
        case FACT_NO_BLUEZ:
                return bluez_check(link->bluez) == BLUEZ_GONE;
        case FACT_MUTE_BLUEZ:
                return bluez_check(link->bluez) == BLUEZ_MUTE;
        case FACT_NO_ADAPTER:
                return bluez_check(link->bluez) == BLUEZ_NO_ADAPTER;
        case FACT_ADAPTER_OFF:
                return bluez_check(link->bluez) == BLUEZ_ADAPTER_OFF;
        case FACT_READY:
                return bluez_check(link->bluez) == BLUEZ_OK;
        case FACT_DEVICE_GONE:
                return link->path && !device;
        case FACT_LINK_DOWN:
                return device && (!device->connected || device->disconnects != link->disconnects);
        case FACT_LINK_UP:
                return linked;
        case FACT_RESOLVED:
                return linked && device->services_resolved && device_offers(device, link->driver);
        case FACT_DROPPED:
                return !link->call && !linked;
        case FACT_TURN:
                return link->watcher.turn == TURN_HELD;
        case FACT_SEEN:
                return connects && device && device->heard;
        default:
                return false;
        }
}

/* Each transition may make other facts count, and none leads back: see link-transitions.c. */
static void link_follow_facts(struct link *link) {
        bool moved;

        do {
                moved = false;
                for (enum link_event fact = 0; fact < FACT_MAX && !moved; fact++)
                        moved = link_fact(link, fact) && link_fire(link, fact, NULL);
        } while (moved);
}

void link_handle(struct link *link, enum link_event event, const char *detail) {
        (void)link_fire(link, event, detail);
        link_follow_facts(link);
}

static void on_changed(void *userdata) {
        struct link *link = userdata;
        const struct bluez_device *device = link_device(link);

        link_follow_facts(link);
        if (device && link->driver->battery != SENSOR_BATTERY_EXTRAS)
                link_tell_battery(link, device->battery_percent);
}

static int on_timer(sd_event_source *source, uint64_t time_us, void *userdata) {
        struct link *link = userdata;
        const struct link_timings *t = link->bluez->timings;
        const struct bluez_device *device = link_device(link);
        uint64_t silent_us, left_us;

        switch (link->state) {
        case LINK_STREAMING:
        case LINK_HEARING:
                silent_us = link_now_us() - link->last_block_us;
                if (silent_us < t->silence_us)
                        return link_arm(link, t->silence_us - silent_us);
                link_handle(link, EVENT_SILENCE, NULL);
                break;
        case LINK_CONNECTING:
                silent_us = link_now_us() - link->connecting_since_us;
                left_us = silent_us < t->connect_us ? t->connect_us - silent_us : 0;
                if (link->call && !link->blind && left_us > 0 &&
                    !radio_is_wanted(link->bluez, &link->watcher))
                        return link_arm(link,
                                        left_us < LOOK_FOR_OTHERS_US ? left_us : LOOK_FOR_OTHERS_US);
                link_handle(link, EVENT_TIMEOUT, NULL);
                break;
        case LINK_STARTING:
                link_handle(link,
                            subscription_is_started(link->subscription) ? EVENT_SILENCE : EVENT_TIMEOUT,
                            NULL);
                break;
        case LINK_SCANNING:
                link_handle(link, device && !link->driver->from_adverts ? EVENT_UNHEARD : EVENT_TIMEOUT,
                            NULL);
                break;
        case LINK_RESOLVING:
                link_handle(link, EVENT_TIMEOUT,
                            device && device->services_resolved
                                    ? N_("the sensor does not offer the expected service")
                                    : N_("the sensor did not tell its services"));
                break;
        default:
                link_handle(link, EVENT_TIMEOUT, NULL);
        }
        return 0;
}

/* Adverts of a sensor that is connected to may tell its battery beforehand. */
static void link_hear_extras(struct link *link, const uint8_t *packet, size_t size) {
        struct emg_block block;

        if (!link->driver->extras)
                return;
        (void)link->driver->decode(link->decoder, SENSOR_SOURCE_ADVERT, packet, size, &block);
        link_check_extras(link);
}

/* Begins a stream with what is well-formed; begin() lets the driver forget that it has seen it. */
static void link_hear_packet(struct link *link, const uint8_t *packet, size_t size) {
        struct emg_block block;

        if (!link->subscription &&
            link->driver->decode(link->decoder, SENSOR_SOURCE_ADVERT, packet, size, &block) < 0)
                return;
        (void)link_fire(link, EVENT_HEARD, NULL);
        if (link->subscription)
                subscription_feed_advert(link->subscription, packet, size);
}

/* The mirror is in the middle of a change: its facts are looked at later. */
static void on_advert(const uint8_t *packet, size_t size, bool fresh, void *userdata) {
        struct link *link = userdata;

        if (link->state == LINK_PAUSED)
                return;
        if (link->driver->from_adverts && fresh)
                link_hear_packet(link, packet, size);
        else if (!link->driver->from_adverts && !link->subscription)
                link_hear_extras(link, packet, size);
}

static void link_destroy(struct link *link) {
        pairing_free(link->pairing);
        script_free(link->stop);
        sd_event_source_disable_unref(link->timer);
        sd_bus_slot_unref(link->call);
        if (link->decoder)
                link->driver->decoder_free(link->decoder);
        free(link->path);
        free(link);
}

int link_new(struct bluez *bluez, const struct link_setup *setup, struct link **ret) {
        struct link *link;
        int r;

        link = calloc(1, sizeof(*link));
        if (!link)
                return -ENOMEM;
        link->bluez = bluez;
        link->driver = setup->driver;
        link->callbacks = setup->callbacks;
        link->userdata = setup->userdata;
        link->settings = setup->settings;
        link->allow_broadcast = setup->allow_broadcast;
        link->state = setup->paused ? LINK_PAUSED : LINK_ABSENT;
        link->reported = link_states[link->state].reported;
        link->battery_percent = -1;
        link->load = (struct capacity_load){.packets_per_s = setup->driver->packets_per_s,
                                            .value_size = setup->driver->packet_size,
                                            .advert = setup->driver->from_adverts};
        link->watcher.service = setup->driver->advertised;
        link->watcher.changed = on_changed;
        link->watcher.advert = on_advert;
        link->watcher.duplicates = setup->driver->from_adverts;
        link->watcher.userdata = link;
        link->watcher.owner = setup->owner;
        (void)snprintf(
                link->reason, sizeof(link->reason), "%s",
                link_get_transition(LINK_PAUSED, setup->paused ? EVENT_PAUSE : EVENT_RESUME)->reason);

        r = address_parse(setup->address, link->watcher.address);
        if (r >= 0)
                r = link->driver->decoder_new(&link->decoder);
        if (r >= 0)
                r = bluez_watch(bluez, &link->watcher);
        if (r < 0) {
                link_destroy(link);
                return r;
        }
        *ret = link;
        return 0;
}

struct link *link_free(struct link *link) {
        const struct bluez_device *device;

        if (!link)
                return NULL;
        link_end_stream(link, NULL);
        link->identify = script_free(link->identify);
        device = link->path ? link_device(link) : NULL;
        if (device && link->state != LINK_QUEUED && link->state != LINK_PAUSED) {
                if (device->connected && !link->stop)
                        (void)script_run(link->bluez, device, link->driver, link->driver->stop, NULL,
                                         NULL, &link->stop);
                link->stop = script_free(link->stop);
                (void)bluez_call(link->bluez, NULL, device->path, "org.bluez.Device1", "Disconnect",
                                 NULL, NULL, 0, NULL);
        }
        bluez_unwatch(link->bluez, &link->watcher);
        link_destroy(link);
        return NULL;
}

void link_set_settings(struct link *link, const struct sensor_settings *settings) {
        const struct sensor_settings *old = &link->settings;
        bool same = old->scale_uv == settings->scale_uv && old->rate_mhz == settings->rate_mhz &&
                    old->channels == settings->channels && old->envelope == settings->envelope;

        link->settings = *settings;
        if (!same)
                link_handle(link, EVENT_CHANGED, NULL);
}

void link_set_allow_broadcast(struct link *link, bool allow) {
        bool broadcasts = link->subscription && subscription_broadcasts(link->subscription);

        link->allow_broadcast = allow;
        if (allow ? link->state == LINK_FORBIDDEN : broadcasts)
                link_handle(link, EVENT_CHANGED, NULL);
}

void link_pause(struct link *link, bool pause) {
        if (pause != (link->state == LINK_PAUSED))
                link_handle(link, pause ? EVENT_PAUSE : EVENT_RESUME, NULL);
}

int link_identify(struct link *link) {
        const struct bluez_device *device = link->path ? link_device(link) : NULL;
        int r;

        if (!link->driver->identify)
                return -EOPNOTSUPP;
        if (link->state == LINK_PAUSED || !device || !device->connected ||
            !device_offers(device, link->driver))
                return -ENOTCONN;
        link->identify = script_free(link->identify);
        r = script_run(link->bluez, device, link->driver, link->driver->identify, NULL, NULL,
                       &link->identify);
        return r < 0 ? r : 0;
}

enum source_state link_get_state(const struct link *link, const char **ret_reason) {
        if (ret_reason)
                *ret_reason = link->reason;
        return link->reported;
}

void link_get_load(const struct link *link, struct capacity_load *ret) {
        const struct stream_counters *running;
        uint64_t elapsed_us;

        *ret = link->load;
        if (!link->subscription || link->state != LINK_STREAMING || link->driver->from_adverts)
                return;
        running = subscription_get_counters(link->subscription);
        elapsed_us = link->last_block_us - link->streaming_since_us;
        if (elapsed_us < LOAD_MEASURED_US || running->packets == 0)
                return;
        ret->packets_per_s =
                (double)(running->packets + running->lost_packets) * 1e6 / (double)elapsed_us;
        ret->value_size = (double)running->bytes / (double)running->packets;
}

bool link_may_share_adapter(const struct link *a, const struct link *b) {
        const struct bluez_device *device_a = a->path ? link_device(a) : NULL;
        const struct bluez_device *device_b = b->path ? link_device(b) : NULL;

        return !device_a || !device_b ||
               bluez_device_adapter(a->bluez, device_a) == bluez_device_adapter(b->bluez, device_b);
}

void link_get_counters(const struct link *link, struct link_counters *ret) {
        const struct bluez_device *device = link_device(link);

        *ret = link->counters;
        if (device && device->rssi_dbm != 0)
                ret->rssi_dbm = device->rssi_dbm;
        if (link->subscription) {
                const struct stream_counters *running = subscription_get_counters(link->subscription);

                ret->stream.packets += running->packets;
                ret->stream.lost_packets += running->lost_packets;
                ret->stream.malformed_packets += running->malformed_packets;
                ret->stream.frames += running->frames;
                ret->stream.bytes += running->bytes;
        }
}
