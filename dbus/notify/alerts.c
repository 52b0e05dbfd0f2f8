/* SPDX-License-Identifier: MIT */
#include "dbus/notify/alerts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dbus/notify/wording.h"

/* A person has two legs and some muscles. */
#define ALERTS_MAX 32u
#define ID_SIZE 64u

/* The minutes that an alert lasts are shown. */
#define MINUTE_US INT64_C(60000000)
/* After crampd came back it tells of the alerts that last at once; who is not among them has ended. */
#define REPEAT_US INT64_C(2000000)
/* If it does not come back, nothing is known any more after a while. */
#define AWAY_US (30 * MINUTE_US)
/* How long what is said of an alert that is over is still taken. */
#define KEEP_US (60 * MINUTE_US)

/* A clock that was set, or an event from elsewhere, must not give nonsense. */
#define AGE_MAX_US (INT64_C(24) * 3600 * 1000000)

struct alert {
        struct alert *next;
        struct alerts *alerts;
        char id[ID_SIZE];
        struct alert_facts facts;
        int64_t began_us;      /* CLOCK_MONOTONIC of its onset */
        int64_t due_us;        /* when there is something to do */
        bool dismissed;        /* by the user: shown again only when it gets serious, and at its end */
        bool revealed;         /* the user asked for the details */
        bool writing;          /* what the user said is on its way */
        struct notice *notice; /* NULL: there was no memory for it */
        struct notice *advice; /* NULL until it was asked for */
        struct notice_content advice_content;
};

struct alerts {
        struct desk *desk;
        struct alert *first;
        struct request *requests;
};

/* A call on its way. The alert may be gone when the answer comes. */
struct request {
        struct request *next;
        struct alerts *alerts;
        char id[ID_SIZE];
        enum alert_note note;
};

static struct alert *alert_find(struct alerts *alerts, const char *id) {
        for (struct alert *alert = alerts->first; alert; alert = alert->next)
                if (strcmp(alert->id, id) == 0)
                        return alert;
        return NULL;
}

static bool is_muted(const struct alert *alert) {
        return alert->facts.note == NOTE_FALSE_ALARM;
}

/* --- showing --- */

static void content_show(struct alert *alert, struct notice *notice, struct notice_content *content) {
        const struct desk *desk = alert->alerts->desk;

        if (desk_is_private(desk)) {
                bool locked = screen_is_locked(desk->screen);

                if (locked || !alert->revealed)
                        wording_hide(content, /* may_show= */ !locked);
        }
        notice_show(notice, content);
}

static void alert_show(struct alert *alert, bool with_sound, int64_t now_us) {
        const struct options *options = alert->alerts->desk->options;
        struct notice_content content;

        if (!alert->notice)
                return;
        if (alert->facts.phase != ALERT_OVER)
                alert->facts.lasts_us = now_us - alert->began_us;
        wording_alert(&alert->facts, &content);
        if (with_sound && !(options->quiet_alerts && desk_is_quiet(alert->alerts->desk)))
                content.sound = options->sound;
        alert->dismissed = false;
        content_show(alert, alert->notice, &content);
}

static void alert_update(struct alert *alert, int64_t now_us) {
        if (notice_is_wanted(alert->notice))
                alert_show(alert, /* with_sound= */ false, now_us);
}

static void advice_show(struct alert *alert) {
        struct notice_content content = alert->advice_content;

        content_show(alert, alert->advice, &content);
}

/* --- what the user does --- */

static struct request *request_new(struct alert *alert, enum alert_note note) {
        struct request *request = calloc(1, sizeof(*request));

        if (!request)
                return NULL;
        *request = (struct request){.alerts = alert->alerts, .note = note};
        memcpy(request->id, alert->id, sizeof(request->id));
        request->next = alert->alerts->requests;
        alert->alerts->requests = request;
        return request;
}

/* NULL is accepted. */
static void request_free(struct request *request) {
        if (!request)
                return;
        for (struct request **p = &request->alerts->requests; *p; p = &(*p)->next)
                if (*p == request) {
                        *p = request->next;
                        break;
                }
        free(request);
}

static void note_set(struct alert *alert, enum alert_note note) {
        int64_t now_us = clock_monotonic_us();

        alert->writing = false;
        alert->facts.note = note;
        /* Who closed it by that has done with it, unless it failed. */
        if (note == NOTE_FAILED)
                alert_show(alert, /* with_sound= */ false, now_us);
        else
                alert_update(alert, now_us);
}

static void on_annotated(int r, const struct crampd_error *error, void *userdata) {
        struct request *request = userdata;
        struct alert *alert = alert_find(request->alerts, request->id);

        if (alert)
                note_set(alert, r < 0 ? NOTE_FAILED : request->note);
        request_free(request);
}

static void note_take(struct alert *alert, enum alert_note note) {
        const struct crampd_annotation annotation = {
                .verdict = note == NOTE_CONFIRMED ? "confirmed" : "false-alarm", .pain = -1};
        struct request *request;

        if (alert->facts.test) {
                note_set(alert, note);
                return;
        }
        if (alert->writing)
                return;
        request = request_new(alert, note);
        if (!request || crampd_annotate_later(alert->alerts->desk->client, alert->id, &annotation,
                                              on_annotated, request, NULL) < 0) {
                request_free(request);
                note_set(alert, NOTE_FAILED);
                return;
        }
        alert->writing = true;
}

static void on_advice_notice(struct notice *notice, const char *key, void *userdata) {
        struct alert *alert = userdata;

        if (key && strcmp(key, ACTION_SHOW) == 0) {
                alert->revealed = true;
                alerts_refresh(alert->alerts, clock_monotonic_us());
        }
}

static void advice_take(struct alert *alert, const struct crampd_advice *advice) {
        if (!alert->advice)
                alert->advice = notice_new(alert->alerts->desk->server, on_advice_notice, alert);
        if (!alert->advice)
                return;
        wording_advice(advice, &alert->advice_content);
        advice_show(alert);
}

static void on_advised(int r, struct crampd_advice *advice, const struct crampd_error *error,
                       void *userdata) {
        struct request *request = userdata;
        struct alert *alert = alert_find(request->alerts, request->id);

        if (alert)
                advice_take(alert, advice);
        crampd_advice_free(advice);
        request_free(request);
}

static void advice_ask(struct alert *alert) {
        const struct desk *desk = alert->alerts->desk;
        struct request *request = request_new(alert, NOTE_NONE);

        if (!request || !desk->client ||
            crampd_advise_later(desk->client, CRAMPD_OWNER_SELF, "now", NULL, on_advised, request,
                                NULL) < 0) {
                request_free(request);
                advice_take(alert, NULL);
        }
}

static void on_notice(struct notice *notice, const char *key, void *userdata) {
        struct alert *alert = userdata;

        if (!key) {
                alert->dismissed = true;
        } else if (strcmp(key, ACTION_CONFIRMED) == 0)
                note_take(alert, NOTE_CONFIRMED);
        else if (strcmp(key, ACTION_FALSE_ALARM) == 0)
                note_take(alert, NOTE_FALSE_ALARM);
        else if (strcmp(key, ACTION_WHAT_HELPS) == 0)
                advice_ask(alert);
        else if (strcmp(key, ACTION_SHOW) == 0) {
                alert->revealed = true;
                alerts_refresh(alert->alerts, clock_monotonic_us());
        }
}

/* --- what crampd tells --- */

static void alert_free(struct alert *alert) {
        for (struct alert **p = &alert->alerts->first; *p; p = &(*p)->next)
                if (*p == alert) {
                        *p = alert->next;
                        break;
                }
        (void)notice_free(alert->notice);
        (void)notice_free(alert->advice);
        free(alert);
}

/* Room for one more: the oldest that is over goes. */
static bool room_make(struct alerts *alerts) {
        struct alert *over = NULL;
        unsigned n = 0;

        for (struct alert *alert = alerts->first; alert; alert = alert->next) {
                n++;
                if (alert->facts.phase == ALERT_OVER)
                        over = alert;
        }
        if (n < ALERTS_MAX)
                return true;
        if (over)
                alert_free(over);
        return over;
}

/* How long ago its onset was. A replayed recording's clock is its own. */
static int64_t age_us(const struct crampd_event *event) {
        const struct crampd_episode *episode = &event->episode;
        struct timespec now;
        int64_t age;

        (void)clock_gettime(CLOCK_REALTIME, &now);
        if (event->simulated) {
                if (__builtin_sub_overflow(episode->alert_us, episode->onset_us, &age))
                        return 0;
        } else if (__builtin_sub_overflow((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000,
                                          episode->onset_us, &age))
                return 0;
        return age > 0 && age < AGE_MAX_US ? age : 0;
}

static struct alert *alert_new(struct alerts *alerts, const struct crampd_event *event, bool test,
                               int64_t now_us) {
        struct alert *alert;

        if (!room_make(alerts) || !(alert = calloc(1, sizeof(*alert)))) {
                (void)complain(0, "there are too many alerts, or too little memory, to show one more");
                return NULL;
        }
        alert->alerts = alerts;
        memcpy(alert->id, event->episode.id, strlen(event->episode.id) + 1);
        alert->facts.test = test;
        alert->began_us = now_us - age_us(event);
        alert->notice = notice_new(alerts->desk->server, on_notice, alert);
        alert->next = alerts->first;
        alerts->first = alert;
        return alert;
}

/* When the next minute is full. */
static void minute_wait(struct alert *alert, int64_t now_us) {
        alert->due_us = now_us + MINUTE_US - (now_us - alert->began_us) % MINUTE_US;
}

static void alert_begin(struct alerts *alerts, const struct crampd_event *event, bool test,
                        int64_t now_us) {
        struct alert *alert = alert_new(alerts, event, test, now_us);

        if (alert) {
                alert_facts_take(&alert->facts, event);
                minute_wait(alert, now_us);
                alert_show(alert, /* with_sound= */ true, now_us);
        }
        hook_run(&alerts->desk->hook, event);
}

/* True if it got serious: the advice is another now. */
static bool is_graver(const struct alert_facts *before, const struct alert_facts *now) {
        return strcmp(before->steps, now->steps) != 0;
}

static void alert_go_on(struct alert *alert, const struct crampd_event *event, int64_t now_us) {
        struct alert_facts before = alert->facts;
        bool graver, changed;

        if (alert->facts.phase == ALERT_OVER)
                return;
        alert_facts_take(&alert->facts, event);
        alert->facts.phase = ALERT_LASTS;
        minute_wait(alert, now_us);
        graver = is_graver(&before, &alert->facts);
        changed = graver || strcmp(before.severity, alert->facts.severity) != 0;
        if (changed)
                hook_run(&alert->alerts->desk->hook, event);
        if (is_muted(alert))
                return;
        if (graver)
                alert_show(alert, /* with_sound= */ true, now_us);
        else if (changed || before.phase != ALERT_LASTS)
                alert_update(alert, now_us);
}

static void alert_end(struct alert *alert, int64_t lasts_us, int64_t now_us) {
        bool is_shown = !is_muted(alert) && alert->facts.phase != ALERT_OVER;

        alert->facts.phase = ALERT_OVER;
        alert->facts.lasts_us = lasts_us > 0 ? lasts_us : 0;
        alert->due_us = now_us + KEEP_US;
        if (is_shown)
                alert_show(alert, /* with_sound= */ false, now_us);
}

static void alert_take_end(struct alert *alert, const struct crampd_event *event, int64_t now_us) {
        int64_t lasts_us;

        if (alert->facts.phase == ALERT_OVER)
                return;
        if (__builtin_sub_overflow(event->episode.end_us, event->episode.onset_us, &lasts_us))
                lasts_us = 0;
        alert_facts_take(&alert->facts, event);
        alert_end(alert, lasts_us, now_us);
        hook_run(&alert->alerts->desk->hook, event);
}

static void service_gone(struct alerts *alerts, const struct crampd_event *event, int64_t now_us) {
        bool some = false;

        for (struct alert *alert = alerts->first; alert; alert = alert->next) {
                if (alert->facts.phase != ALERT_LASTS || alert->facts.test)
                        continue;
                some = true;
                alert->facts.phase = ALERT_UNCERTAIN;
                alert->due_us = now_us + AWAY_US;
                if (!is_muted(alert))
                        alert_update(alert, now_us);
        }
        if (some)
                hook_run(&alerts->desk->hook, event);
}

static void service_back(struct alerts *alerts, int64_t now_us) {
        for (struct alert *alert = alerts->first; alert; alert = alert->next)
                if (alert->facts.phase == ALERT_UNCERTAIN)
                        alert->due_us = now_us + REPEAT_US;
}

void alerts_take(struct alerts *alerts, const struct crampd_event *event, bool test, int64_t now_us) {
        struct alert *alert;

        if (event->type == CRAMPD_SERVICE_GONE)
                service_gone(alerts, event, now_us);
        else if (event->type == CRAMPD_SERVICE_BACK)
                service_back(alerts, now_us);
        if (event->type != CRAMPD_ALERT_RAISED && event->type != CRAMPD_ALERT_UPDATED &&
            event->type != CRAMPD_ALERT_ENDED)
                return;
        if (strlen(event->episode.id) >= ID_SIZE)
                return; /* not one of crampd's */

        alert = alert_find(alerts, event->episode.id);
        if (!alert) {
                if (event->type != CRAMPD_ALERT_ENDED)
                        alert_begin(alerts, event, test, now_us);
        } else if (event->type == CRAMPD_ALERT_ENDED)
                alert_take_end(alert, event, now_us);
        else
                alert_go_on(alert, event, now_us);
}

/* --- time --- */

static void alert_tick(struct alert *alert, int64_t now_us) {
        if (alert->facts.phase == ALERT_OVER) {
                alert_free(alert);
                return;
        }
        if (alert->facts.phase == ALERT_UNCERTAIN) {
                alert->facts.end_reason[0] = 0;
                alert_end(alert, now_us - alert->began_us, now_us);
                return;
        }
        minute_wait(alert, now_us);
        if (!is_muted(alert))
                alert_update(alert, now_us);
}

int64_t alerts_tick(struct alerts *alerts, int64_t now_us) {
        int64_t next_us = INT64_MAX;
        struct alert *next;

        for (struct alert *alert = alerts->first; alert; alert = next) {
                next = alert->next;
                if (alert->due_us <= now_us)
                        alert_tick(alert, now_us);
        }
        for (const struct alert *alert = alerts->first; alert; alert = alert->next)
                if (alert->due_us < next_us)
                        next_us = alert->due_us;
        return next_us;
}

void alerts_refresh(struct alerts *alerts, int64_t now_us) {
        for (struct alert *alert = alerts->first; alert; alert = alert->next) {
                alert_update(alert, now_us);
                if (notice_is_wanted(alert->advice))
                        advice_show(alert);
        }
}

bool alerts_are_gone(const struct alerts *alerts) {
        for (const struct alert *alert = alerts->first; alert; alert = alert->next)
                if (notice_is_wanted(alert->notice) || notice_is_wanted(alert->advice))
                        return false;
        return true;
}

struct alerts *alerts_new(struct desk *desk) {
        struct alerts *alerts = calloc(1, sizeof(*alerts));

        if (alerts)
                alerts->desk = desk;
        return alerts;
}

struct alerts *alerts_free(struct alerts *alerts) {
        if (!alerts)
                return NULL;
        while (alerts->first)
                alert_free(alerts->first);
        while (alerts->requests)
                request_free(alerts->requests);
        free(alerts);
        return NULL;
}
