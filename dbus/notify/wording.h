/* SPDX-License-Identifier: MIT */
/*
 * What notices say. Pure: no bus and no clock; texts come in as crampd sent them, and go out clean and
 * cut to size. Called by alerts.c and troubles.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dbus/client/crampd-client.h"
#include "dbus/notify/server.h"

enum alert_phase {
        ALERT_LASTS,
        ALERT_UNCERTAIN, /* crampd has gone meanwhile */
        ALERT_OVER,
};

enum alert_note {
        NOTE_NONE,
        NOTE_CONFIRMED,
        NOTE_FALSE_ALARM,
        NOTE_FAILED, /* it could not be written */
};

/* What is known of an alert. */
struct alert_facts {
        char name[128]; /* of the sensor; may be "" */
        char leg[16];
        char muscle[48];
        char severity[16];
        char steps[2048]; /* a line each */
        char end_reason[24];
        int64_t onset_us;
        int zone_offset_s;
        int64_t lasts_us; /* since onset; until the end when it is over */
        enum alert_phase phase;
        enum alert_note note;
        bool simulated, test;
};

/* From ten minutes on crampd's steps are to get help (RELIEF_HELP_AFTER_US of the daemon). */
#define HELP_AFTER_US (INT64_C(600) * 1000000)

/* Takes what an event tells; `phase`, `note` and `lasts_us` stay. */
void alert_facts_take(struct alert_facts *facts, const struct crampd_event *event);

/* All but the sound. */
void wording_alert(const struct alert_facts *facts, struct notice_content *ret);
/* The top pieces of what helps now, reasons to see a doctor first. `advice` NULL: there was none to be
 * had. */
void wording_advice(const struct crampd_advice *advice, struct notice_content *ret);
void wording_warning(const struct crampd_event *event, struct notice_content *ret);
void wording_lost(const char *name, int64_t since_us, int zone_offset_s, struct notice_content *ret);
void wording_gone(struct notice_content *ret);

/* Takes all details out. `may_show`: with an action that asks for them. */
void wording_hide(struct notice_content *content, bool may_show);

#define ACTION_CONFIRMED "confirmed"
#define ACTION_FALSE_ALARM "false-alarm"
#define ACTION_WHAT_HELPS "what-helps"
#define ACTION_SHOW "show"
