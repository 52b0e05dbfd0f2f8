/* SPDX-License-Identifier: MIT */
/*
 * What may happen to a link in which state, and what then comes: a table, and the counts that its steps
 * change. See link-states.h; link.c walks it.
 */
#include "sensors/bluez/link-states.h"

#include "sensors/translate.h"

static void count_failed_setup(struct link *link) {
        link->failed_setups++;
}

static void count_refusal(struct link *link) {
        link->failed_setups++;
        link->refusals++;
}

static void count_unheard(struct link *link) {
        link->blind = true;
        link->unheard++;
}

static void forget_unheard(struct link *link) {
        link->blind = false;
        link->unheard = 0;
}

static void count_attempt(struct link *link) {
        if (!link->blind && !link->again)
                link->failures++;
        link->again = false;
}

static void note_closed(struct link *link) {
        link->hung_up = true;
}

static void note_silent(struct link *link) {
        link->hung_up = false;
}

static void count_hangup(struct link *link) {
        if (link->hung_up)
                link->failures++;
}

static void forget_failures(struct link *link) {
        link->failures = link->failed_setups = link->aborts = 0;
        forget_unheard(link);
}

/* The controller may have gone deaf. */
static void restart_discovery(struct link *link) {
        link->unheard++;
        radio_restart(link->bluez);
}

#define PAUSED N_("paused: crampctl resume SENSOR")

/* clang-format off */
static const struct link_transition transitions[LINK_STATE_MAX][LINK_EVENT_MAX] = {
        [LINK_ANY] = {
                [FACT_NO_BLUEZ] = { LINK_ABSENT, N_("bluetoothd is not running: systemctl start bluetooth") },
                [FACT_MUTE_BLUEZ] = { LINK_ABSENT, N_("bluetoothd does not answer: systemctl restart bluetooth") },
                [FACT_NO_ADAPTER] = { LINK_ABSENT, N_("no Bluetooth adapter: plug one in") },
                [FACT_ADAPTER_OFF] = { LINK_ABSENT, N_("Bluetooth is switched off: bluetoothctl power on") },
                [EVENT_PAUSE] = { LINK_PAUSED, PAUSED },
        },
        [LINK_ABSENT] = {
                [FACT_READY] = { LINK_SCANNING, N_("looking for the sensor"), forget_unheard },
        },
        [LINK_SCANNING] = {
                [FACT_LINK_UP] = { LINK_RESOLVING, N_("connected already, waiting for its services"), forget_unheard },
                [FACT_SEEN] = { LINK_QUEUED, N_("sensor found, waiting for its turn to connect"), forget_unheard },
                [EVENT_HEARD] = { LINK_HEARING, N_("receiving adverts") },
                [EVENT_UNHEARD] = { LINK_QUEUED, N_("sensor not heard, trying to connect all the same"), count_unheard },
                [EVENT_TIMEOUT] = { LINK_SCANNING, N_("looking for the sensor"), restart_discovery },
        },
        [LINK_QUEUED] = {
                [FACT_DEVICE_GONE] = { LINK_SCANNING, N_("looking for the sensor") },
                [FACT_LINK_UP] = { LINK_RESOLVING, N_("connected, waiting for its services") },
                [FACT_TURN] = { LINK_CONNECTING, N_("connecting") },
                [EVENT_FAILED] = { LINK_WAITING },
        },
        [LINK_CONNECTING] = {
                [FACT_DEVICE_GONE] = { LINK_WAITING, N_("the sensor went away") },
                [FACT_LINK_UP] = { LINK_RESOLVING, N_("connected, waiting for its services") },
                [EVENT_FAILED] = { LINK_DROPPING },
                [EVENT_TIMEOUT] = { LINK_DROPPING, N_("the sensor did not answer") },
        },
        [LINK_RESOLVING] = {
                [FACT_DEVICE_GONE] = { LINK_WAITING, N_("the sensor went away") },
                [FACT_LINK_DOWN] = { LINK_WAITING, N_("link lost") },
                [FACT_RESOLVED] = { LINK_STARTING, N_("starting the stream") },
                [EVENT_TIMEOUT] = { LINK_DROPPING, NULL, count_failed_setup },
        },
        [LINK_PAIRING] = {
                [FACT_DEVICE_GONE] = { LINK_WAITING, N_("the sensor went away") },
                [FACT_LINK_DOWN] = { LINK_WAITING, N_("link lost") },
                [EVENT_PAIRED] = { LINK_STARTING, N_("paired, starting the stream") },
                [EVENT_FAILED] = { LINK_DROPPING, NULL, count_failed_setup },
                [EVENT_TIMEOUT] = { LINK_DROPPING, N_("the sensor did not pair"), count_failed_setup },
        },
        [LINK_STARTING] = {
                [FACT_DEVICE_GONE] = { LINK_WAITING, N_("the sensor went away") },
                [FACT_LINK_DOWN] = { LINK_WAITING, N_("link lost") },
                [EVENT_DATA] = { LINK_STREAMING },
                [EVENT_CLOSED] = { LINK_STALLED, N_("the data channel was closed, subscribing again"), note_closed },
                [EVENT_SILENCE] = { LINK_STALLED, N_("connected, but no data comes: subscribing again"), note_silent },
                [EVENT_FAILED] = { LINK_DROPPING, NULL, count_failed_setup },
                [EVENT_TIMEOUT] = { LINK_DROPPING, N_("the sensor took too long to start"), count_failed_setup },
                [EVENT_CHANGED] = { LINK_STALLED, N_("the settings were changed, subscribing again"), note_silent },
                [EVENT_REFUSED] = { LINK_DROPPING, N_("another program receives this sensor's data (close it)"), count_refusal },
                [EVENT_FORBIDDEN] = { LINK_FORBIDDEN },
                [EVENT_UNPAIRED] = { LINK_PAIRING, N_("pairing, as the sensor asks for it") },
        },
        [LINK_STREAMING] = {
                [FACT_DEVICE_GONE] = { LINK_WAITING, N_("the sensor went away") },
                [FACT_LINK_DOWN] = { LINK_WAITING, N_("link lost") },
                [EVENT_CLOSED] = { LINK_STALLED, N_("the data channel was closed, subscribing again"), note_closed },
                [EVENT_SILENCE] = { LINK_STALLED, N_("connected, but no data comes: subscribing again"), note_silent },
                [EVENT_CHANGED] = { LINK_STALLED, N_("the settings were changed, subscribing again"), note_silent },
        },
        [LINK_STALLED] = {
                [FACT_DEVICE_GONE] = { LINK_WAITING, N_("the sensor went away") },
                [FACT_LINK_DOWN] = { LINK_WAITING, N_("link lost") },
                [EVENT_TIMEOUT] = { LINK_RESUBSCRIBING, NULL, count_hangup },
        },
        [LINK_RESUBSCRIBING] = {
                [FACT_DEVICE_GONE] = { LINK_WAITING, N_("the sensor went away") },
                [FACT_LINK_DOWN] = { LINK_WAITING, N_("link lost") },
                [EVENT_DATA] = { LINK_STREAMING },
                [EVENT_CLOSED] = { LINK_STALLED, N_("the data channel was closed, subscribing again"), note_closed },
                [EVENT_FAILED] = { LINK_DROPPING, NULL, count_failed_setup },
                [EVENT_TIMEOUT] = { LINK_DROPPING, N_("the sensor sends no data") },
                [EVENT_CHANGED] = { LINK_STALLED, N_("the settings were changed, subscribing again"), note_silent },
                [EVENT_REFUSED] = { LINK_DROPPING, N_("another program receives this sensor's data (close it)"), count_refusal },
                [EVENT_FORBIDDEN] = { LINK_FORBIDDEN },
                [EVENT_UNPAIRED] = { LINK_PAIRING, N_("pairing, as the sensor asks for it") },
        },
        [LINK_FORBIDDEN] = {
                [FACT_DEVICE_GONE] = { LINK_WAITING, N_("the sensor went away") },
                [FACT_LINK_DOWN] = { LINK_WAITING, N_("link lost") },
                [EVENT_CHANGED] = { LINK_STALLED, N_("the settings were changed, subscribing again"), note_silent },
                [EVENT_TIMEOUT] = { LINK_DROPPING, NULL, count_failed_setup },
        },
        [LINK_DROPPING] = {
                [FACT_DEVICE_GONE] = { LINK_WAITING },
                [FACT_DROPPED] = { LINK_WAITING },
                [EVENT_TIMEOUT] = { LINK_WAITING },
        },
        [LINK_WAITING] = {
                [EVENT_TIMEOUT] = { LINK_SCANNING, N_("looking for the sensor"), count_attempt },
        },
        [LINK_HEARING] = {
                [EVENT_SILENCE] = { LINK_QUIET, N_("no advert of the sensor is heard") },
                [EVENT_FAILED] = { LINK_WAITING },
                [EVENT_CHANGED] = { LINK_QUIET, N_("the settings were changed") },
        },
        [LINK_QUIET] = {
                [EVENT_HEARD] = { LINK_HEARING, N_("receiving adverts") },
                [EVENT_TIMEOUT] = { LINK_SCANNING, N_("looking for the sensor"), restart_discovery },
        },
        [LINK_PAUSED] = {
                [FACT_NO_BLUEZ] = { LINK_PAUSED, PAUSED },
                [FACT_MUTE_BLUEZ] = { LINK_PAUSED, PAUSED },
                [FACT_NO_ADAPTER] = { LINK_PAUSED, PAUSED },
                [FACT_ADAPTER_OFF] = { LINK_PAUSED, PAUSED },
                [EVENT_PAUSE] = { LINK_PAUSED, PAUSED },
                [EVENT_RESUME] = { LINK_ABSENT, N_("asking bluetoothd"), forget_failures },
        },
};

const struct link_transition *link_get_transition(enum link_state state, enum link_event event) {
        const struct link_transition *t = &transitions[state][event];

        if (t->next == LINK_ANY)
                t = &transitions[LINK_ANY][event];
        return t->next == LINK_ANY ? NULL : t;
}
