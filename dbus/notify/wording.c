/* SPDX-License-Identifier: MIT */
#include "dbus/notify/wording.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dbus/crampctl/event.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

#define CATEGORY_CRAMP "x-crampd.cramp"
#define CATEGORY_ADVICE "x-crampd.advice"
#define CATEGORY_SENSOR "device.error"

/* How long a summary stays: long enough to sit down again and say what it was. */
#define SUMMARY_MS 60000
#define NOTED_MS 10000

#define ADVICE_PIECES 3u
#define ADVICE_PIECE_SIZE 400u
#define LINE_SIZE 512u

/* --- building --- */

static void put(char *to, size_t size, const char *text) {
        size_t used = strlen(to);

        (void)text_clean(to + used, size - used, text);
}

/* Line ends of ours. */
static void put_line_end(char *to, size_t size) {
        size_t used = strlen(to);

        if (used > 0 && used + 1 < size) {
                to[used] = '\n';
                to[used + 1] = 0;
        }
}

/* Takes away a character that was cut. */
static void trim(char *line) {
        size_t n = strlen(line), tail = 0;
        unsigned char lead;

        while (tail < 3 && tail < n && ((unsigned char)line[n - 1 - tail] & 0xc0) == 0x80)
                tail++;
        if (tail == n)
                return;
        lead = (unsigned char)line[n - 1 - tail];
        if (lead >= 0xc0 && tail < (lead >= 0xf0 ? 3u : lead >= 0xe0 ? 2u : 1u))
                line[n - 1 - tail] = 0;
}

static void put_line(char *to, size_t size, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static void put_line(char *to, size_t size, const char *format, ...) {
        char line[LINE_SIZE];
        va_list arguments;

        va_start(arguments, format);
        if (vsnprintf(line, sizeof(line), format, arguments) < 0)
                line[0] = 0;
        va_end(arguments);
        trim(line);
        put_line_end(to, size);
        put(to, size, line);
}

static void content_begin(struct notice_content *content, enum urgency urgency, const char *category,
                          int expire_ms) {
        *content = (struct notice_content){
                .urgency = urgency, .category = category, .expire_ms = expire_ms};
}

static void set_summary(struct notice_content *content, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

static void set_summary(struct notice_content *content, const char *format, ...) {
        char line[LINE_SIZE];
        va_list arguments;

        va_start(arguments, format);
        if (vsnprintf(line, sizeof(line), format, arguments) < 0)
                line[0] = 0;
        va_end(arguments);
        trim(line);
        (void)text_clean(content->summary, sizeof(content->summary), line);
}

#define PUT_LINE(content, ...) put_line((content)->body, sizeof((content)->body), __VA_ARGS__)

/* --- alerts --- */

void alert_facts_take(struct alert_facts *facts, const struct crampd_event *event) {
        const struct crampd_episode *episode = &event->episode;

        (void)text_clean(facts->name, sizeof(facts->name), event->sensor_name);
        (void)text_clean(facts->leg, sizeof(facts->leg), episode->leg);
        (void)text_clean(facts->muscle, sizeof(facts->muscle), episode->muscle);
        (void)text_clean(facts->severity, sizeof(facts->severity), episode->severity);
        (void)text_clean(facts->end_reason, sizeof(facts->end_reason), episode->end_reason);
        facts->onset_us = episode->onset_us;
        facts->zone_offset_s = episode->zone_offset_s;
        facts->simulated = event->simulated;
        if (!event->relief)
                return;
        facts->steps[0] = 0;
        for (unsigned i = 0; event->relief[i]; i++) {
                char number[16];

                put_line_end(facts->steps, sizeof(facts->steps));
                (void)snprintf(number, sizeof(number), "%u. ", i + 1);
                put(facts->steps, sizeof(facts->steps), number);
                put(facts->steps, sizeof(facts->steps), event->relief[i]);
        }
}

/* "02:14", on the clock of that offset. */
static void format_clock(int64_t time_us, int zone_offset_s, char buffer[static TIMESTAMP_SIZE]) {
        char all[TIMESTAMP_SIZE];
        const char *clock;

        timestamp_format_people(time_us, zone_offset_s, all);
        clock = strchr(all, ' ');
        (void)snprintf(buffer, TIMESTAMP_SIZE, "%.5s", clock ? clock + 1 : all);
}

/* What stands before a title, so that nobody takes it for real. */
static const char *title_mark(const struct alert_facts *facts) {
        return facts->test ? _("TEST: ") : facts->simulated ? _("SIMULATED: ") : "";
}

/* The sensor's name, or the leg. */
static void format_place(const struct alert_facts *facts, char *to, size_t size) {
        if (facts->name[0])
                (void)snprintf(to, size, "%s", facts->name);
        else
                (void)snprintf(to, size, _("%s leg"), words_of_list(facts->leg));
}

static void note_put(const struct alert_facts *facts, struct notice_content *content) {
        switch (facts->note) {
        case NOTE_NONE:
                break;
        case NOTE_CONFIRMED:
                PUT_LINE(content, "%s",
                         facts->test ? _("A test: nothing was written.") : _("Noted: it was a cramp."));
                break;
        case NOTE_FALSE_ALARM:
                PUT_LINE(content, "%s",
                         facts->test ? _("A test: nothing was written.") : _("Noted: a false alarm."));
                break;
        case NOTE_FAILED:
                PUT_LINE(content, _("What you said could not be written. Try again."));
                break;
        }
}

static void actions_put(const struct alert_facts *facts, struct notice_content *content) {
        struct notice_action *action = content->actions;

        if (facts->note == NOTE_NONE || facts->note == NOTE_FAILED) {
                *action++ = (struct notice_action){ACTION_CONFIRMED, _("It was a cramp")};
                *action++ = (struct notice_action){ACTION_FALSE_ALARM, _("False alarm")};
        }
        *action = (struct notice_action){ACTION_WHAT_HELPS, _("What helps")};
}

static void lasting_wording(const struct alert_facts *facts, struct notice_content *ret) {
        char place[160], clock[TIMESTAMP_SIZE];
        int minutes = (int)(facts->lasts_us / 60000000);

        content_begin(ret, URGENCY_CRITICAL, CATEGORY_CRAMP, EXPIRE_NEVER);
        format_place(facts, place, sizeof(place));
        format_clock(facts->onset_us, facts->zone_offset_s, clock);
        if (facts->lasts_us >= HELP_AFTER_US)
                set_summary(ret, _("%sLeg cramp for %d minutes, get help: %s"), title_mark(facts),
                            minutes, place);
        else
                set_summary(ret, _("%sLeg cramp: %s"), title_mark(facts), place);
        if (minutes > 0)
                PUT_LINE(ret, _("%s %s, %s, since %s (%d min)"), words_of_list(facts->leg),
                         facts->muscle, words_of_list(facts->severity), clock, minutes);
        else
                PUT_LINE(ret, _("%s %s, %s, since %s"), words_of_list(facts->leg), facts->muscle,
                         words_of_list(facts->severity), clock);
        if (facts->phase == ALERT_UNCERTAIN)
                PUT_LINE(ret, _("crampd has gone: whether the cramp lasts is not known."));
        for (const char *step = facts->steps; *step;) {
                size_t length = strcspn(step, "\n");

                /* Longer than any that is useful is cut. */
                PUT_LINE(ret, "%.*s", (int)(length < LINE_SIZE - 1 ? length : LINE_SIZE - 1), step);
                step += length + (step[length] == '\n');
        }
        note_put(facts, ret);
        actions_put(facts, ret);
}

static const char *end_describe(const char *reason) {
        if (strcmp(reason, "signal-lost") == 0)
                return _("The sensor's signal was lost.");
        if (strcmp(reason, "stream-end") == 0)
                return _("The sensor went, or the recording ended.");
        if (strcmp(reason, "stopped") == 0)
                return _("crampd was stopped.");
        return _("crampd has gone meanwhile.");
}

static void over_wording(const struct alert_facts *facts, struct notice_content *ret) {
        bool seen = strcmp(facts->end_reason, "subsided") == 0;
        int seconds = (int)(facts->lasts_us / 1000000 % INT_MAX);
        char place[160];

        content_begin(ret, URGENCY_LOW, CATEGORY_CRAMP, SUMMARY_MS);
        format_place(facts, place, sizeof(place));
        set_summary(ret, seen ? _("%sThe cramp is over: %s") : _("%sEnd of the cramp not seen: %s"),
                    title_mark(facts), place);
        PUT_LINE(ret, _("%s %s, %s, lasted %d:%02d"), words_of_list(facts->leg), facts->muscle,
                 words_of_list(facts->severity), seconds / 60, seconds % 60);
        if (!seen)
                PUT_LINE(ret, "%s", end_describe(facts->end_reason));
        note_put(facts, ret);
        actions_put(facts, ret);
}

static void noted_wording(const struct alert_facts *facts, struct notice_content *ret) {
        content_begin(ret, URGENCY_LOW, CATEGORY_CRAMP, NOTED_MS);
        set_summary(ret, _("%sNo cramp"), title_mark(facts));
        note_put(facts, ret);
}

void wording_alert(const struct alert_facts *facts, struct notice_content *ret) {
        if (facts->note == NOTE_FALSE_ALARM)
                noted_wording(facts, ret);
        else if (facts->phase == ALERT_OVER)
                over_wording(facts, ret);
        else
                lasting_wording(facts, ret);
}

void wording_advice(const struct crampd_advice *advice, struct notice_content *ret) {
        content_begin(ret, URGENCY_NORMAL, CATEGORY_ADVICE, EXPIRE_NEVER);
        set_summary(ret, _("What helps"));
        if (!advice) {
                PUT_LINE(ret, _("crampd does not answer. See 'crampctl guidance'."));
                return;
        }
        for (size_t i = 0; i < advice->n_items && i < ADVICE_PIECES; i++) {
                const struct crampd_advice_item *item = advice->items + i;
                char piece[ADVICE_PIECE_SIZE];

                PUT_LINE(ret, "%s%.160s", item->red_flag ? "! " : "", item->title);
                (void)text_clean(piece, sizeof(piece), item->text);
                put_line_end(ret->body, sizeof(ret->body));
                put(ret->body, sizeof(ret->body), piece);
        }
        if (!advice->complete)
                PUT_LINE(ret, _("crampd could not look at your record: reasons of your own to see a "
                                "doctor may be missing."));
        if (advice->n_items == 0)
                PUT_LINE(ret, _("There is no advice for you now."));
        PUT_LINE(ret, _("More: crampctl guidance. crampd is no medical device."));
}

/* --- sensors --- */

static void sensor_begin(const char *name, struct notice_content *ret) {
        content_begin(ret, URGENCY_NORMAL, CATEGORY_SENSOR, EXPIRE_NEVER);
        set_summary(ret, "%s", name[0] ? name : _("Leg sensor"));
}

static void battery_wording(const struct crampd_event *event, struct notice_content *ret) {
        if (event->battery_hours < 1)
                PUT_LINE(ret, _("The battery is at %d%% and lasts less than an hour."), event->battery);
        else if (event->battery_hours < 1.5)
                PUT_LINE(ret, _("The battery is at %d%% and lasts about an hour."), event->battery);
        else if (isfinite(event->battery_hours))
                PUT_LINE(ret, _("The battery is at %d%% and lasts about %.0f hours."), event->battery,
                         event->battery_hours);
        else
                PUT_LINE(ret, _("The battery is at %d%%."), event->battery);
        PUT_LINE(ret, _("Charge it before the night."));
}

void wording_warning(const struct crampd_event *event, struct notice_content *ret) {
        sensor_begin(event->sensor_name, ret);
        if (strcmp(event->warning, "battery") == 0) {
                battery_wording(event, ret);
        } else if (strcmp(event->warning, "signal") == 0) {
                const char *what = signal_describe(event->signal);

                PUT_LINE(ret, _("No cramp can be seen now."));
                if (what)
                        PUT_LINE(ret, "%s", what);
        } else if (strcmp(event->warning, "leg") == 0 && event->leg) {
                PUT_LINE(ret, _("The sensor says that it is on the other leg (%s)."),
                         words_of_list(event->leg));
                PUT_LINE(ret,
                         _("Wear it on the leg that it was added for, or see 'crampctl edit --leg'."));
        } else
                PUT_LINE(ret, "%s", event->warning);
}

void wording_lost(const char *name, int64_t since_us, int zone_offset_s, struct notice_content *ret) {
        char clock[TIMESTAMP_SIZE];

        sensor_begin(name, ret);
        format_clock(since_us, zone_offset_s, clock);
        PUT_LINE(ret, _("The sensor is lost since %s: nobody watches this leg."), clock);
        PUT_LINE(ret, _("Is it in reach, charged and switched on?"));
}

void wording_gone(struct notice_content *ret) {
        content_begin(ret, URGENCY_NORMAL, CATEGORY_SENSOR, EXPIRE_NEVER);
        set_summary(ret, _("crampd is not running"));
        PUT_LINE(ret, _("Nobody watches for cramps. See 'systemctl status crampd'."));
}

void wording_hide(struct notice_content *content, bool may_show) {
        bool critical = content->urgency == URGENCY_CRITICAL;

        set_summary(content, critical ? _("Alert") : _("Notice"));
        content->body[0] = 0;
        if (may_show)
                PUT_LINE(content, _("Details are hidden."));
        else
                PUT_LINE(content, _("Details when the screen is unlocked."));
        memset(content->actions, 0, sizeof(content->actions));
        if (may_show)
                content->actions[0] = (struct notice_action){ACTION_SHOW, _("Show")};
}
