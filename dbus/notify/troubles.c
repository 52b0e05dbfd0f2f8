/* SPDX-License-Identifier: MIT */
#include "dbus/notify/troubles.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/notify/wording.h"

#define SENSORS_MAX 64u
#define PATH_SIZE 128u

struct trouble {
        struct troubles *troubles;
        bool holds;
        bool told; /* once is enough */
        bool revealed;
        struct notice_content content;
        struct notice *notice;
};

enum trouble_kind {
        TROUBLE_BATTERY,
        TROUBLE_SIGNAL,
        TROUBLE_LEG,
        TROUBLE_LOST,
        TROUBLE_OTHER,
        TROUBLE_KINDS
};

struct sensor {
        struct sensor *next;
        char path[PATH_SIZE];
        char name[128];
        bool streams;
        bool listed;          /* in the answer that is being read */
        int64_t lost_us;      /* CLOCK_MONOTONIC; 0 = it is not */
        int64_t lost_real_us; /* the same on the clock that people read */
        struct trouble troubles[TROUBLE_KINDS];
};

struct troubles {
        struct desk *desk;
        struct sensor *first;
        unsigned n;
        bool asking;     /* for the sensors */
        int64_t gone_us; /* crampd, CLOCK_MONOTONIC; 0 = it is there */
        struct trouble gone;
};

static void on_listed(int r, struct crampd_sensor *sensors, size_t n, const struct crampd_error *error,
                      void *userdata);

static bool is_night(const struct troubles *troubles) {
        return hours_contain(&troubles->desk->options->night, time(NULL));
}

/* --- one trouble --- */

static void trouble_show(struct trouble *trouble) {
        const struct desk *desk = trouble->troubles->desk;
        struct notice_content content = trouble->content;

        if (desk_is_private(desk)) {
                bool locked = screen_is_locked(desk->screen);

                if (locked || !trouble->revealed)
                        wording_hide(&content, /* may_show= */ !locked);
        }
        notice_show(trouble->notice, &content);
}

static void on_notice(struct notice *notice, const char *key, void *userdata) {
        struct trouble *trouble = userdata;

        if (key && strcmp(key, ACTION_SHOW) == 0) {
                trouble->revealed = true;
                if (notice_is_wanted(trouble->notice))
                        trouble_show(trouble);
        }
}

/* It holds, and is told as soon as it may be. */
static void trouble_begin(struct trouble *trouble) {
        trouble->holds = true;
        if (trouble->told || desk_is_quiet(trouble->troubles->desk))
                return;
        if (!trouble->notice)
                trouble->notice = notice_new(trouble->troubles->desk->server, on_notice, trouble);
        if (!trouble->notice)
                return; /* the next look tries again */
        trouble->told = true;
        trouble_show(trouble);
}

static void trouble_end(struct trouble *trouble) {
        trouble->holds = trouble->told = trouble->revealed = false;
        trouble->notice = notice_free(trouble->notice);
}

static bool trouble_waits(const struct trouble *trouble) {
        return trouble->holds && !trouble->told;
}

/* --- sensors --- */

static struct sensor *sensor_find(struct troubles *troubles, const char *path) {
        for (struct sensor *sensor = troubles->first; sensor; sensor = sensor->next)
                if (strcmp(sensor->path, path) == 0)
                        return sensor;
        return NULL;
}

/* NULL if there are too many, or there is no memory. */
static struct sensor *sensor_get(struct troubles *troubles, const char *path, const char *name) {
        struct sensor *sensor = sensor_find(troubles, path);

        if (!sensor) {
                if (troubles->n >= SENSORS_MAX || strlen(path) >= PATH_SIZE ||
                    !(sensor = calloc(1, sizeof(*sensor))))
                        return NULL;
                memcpy(sensor->path, path, strlen(path) + 1);
                for (size_t i = 0; i < TROUBLE_KINDS; i++)
                        sensor->troubles[i].troubles = troubles;
                sensor->next = troubles->first;
                troubles->first = sensor;
                troubles->n++;
        }
        (void)text_clean(sensor->name, sizeof(sensor->name), name);
        return sensor;
}

static void sensor_free(struct troubles *troubles, struct sensor *sensor) {
        for (struct sensor **p = &troubles->first; *p; p = &(*p)->next)
                if (*p == sensor) {
                        *p = sensor->next;
                        break;
                }
        troubles->n--;
        for (size_t i = 0; i < TROUBLE_KINDS; i++)
                trouble_end(&sensor->troubles[i]);
        free(sensor);
}

static void sensor_lose(struct sensor *sensor, int64_t now_us) {
        if (!sensor->streams)
                return;
        sensor->streams = false;
        /* Of a sensor that is away nobody knows how its electrodes are. */
        trouble_end(&sensor->troubles[TROUBLE_SIGNAL]);
        sensor->lost_us = now_us;
        sensor->lost_real_us = timestamp_now_us();
}

static void sensor_take_state(struct sensor *sensor, const char *state, int64_t now_us) {
        bool streams = strcmp(state, "streaming") == 0;

        if (!streams && strcmp(state, "paused") != 0 && strcmp(state, "ended") != 0) {
                sensor_lose(sensor, now_us);
                return;
        }
        if (!streams)
                trouble_end(&sensor->troubles[TROUBLE_SIGNAL]);
        sensor->streams = streams;
        sensor->lost_us = 0;
        trouble_end(&sensor->troubles[TROUBLE_LOST]);
}

/* By day it may have been taken off, or be charged: if it still is, the night's beginning tells. */
static bool is_overdue(const struct sensor *sensor, int64_t now_us) {
        const struct troubles *troubles = sensor->troubles[0].troubles;

        return sensor->lost_us > 0 &&
               now_us - sensor->lost_us >= troubles->desk->options->lost_after_us && is_night(troubles);
}

static void lost_tell(struct sensor *sensor) {
        struct trouble *trouble = &sensor->troubles[TROUBLE_LOST];

        wording_lost(sensor->name, sensor->lost_real_us, timestamp_local_offset(sensor->lost_real_us),
                     &trouble->content);
        trouble_begin(trouble);
}

/* What came by no signal: sensors that were removed, and what happened while we did not listen. */
static void sensors_compare(struct troubles *troubles, const struct crampd_sensor *sensors, size_t n,
                            int64_t now_us) {
        struct sensor *next;

        for (struct sensor *sensor = troubles->first; sensor; sensor = sensor->next)
                sensor->listed = false;
        for (size_t i = 0; i < n; i++) {
                struct sensor *sensor = sensor_get(troubles, sensors[i].path, sensors[i].name);

                if (!sensor)
                        continue;
                sensor->listed = true;
                sensor_take_state(sensor, sensors[i].state, now_us);
        }
        for (struct sensor *sensor = troubles->first; sensor; sensor = next) {
                next = sensor->next;
                if (!sensor->listed)
                        sensor_free(troubles, sensor);
        }
}

static void on_listed(int r, struct crampd_sensor *sensors, size_t n, const struct crampd_error *error,
                      void *userdata) {
        struct troubles *troubles = userdata;
        int64_t now_us = clock_monotonic_us();

        troubles->asking = false;
        if (r >= 0)
                sensors_compare(troubles, sensors, n, now_us);
        crampd_sensors_free(sensors, r >= 0 ? n : 0);
        for (struct sensor *sensor = troubles->first; sensor; sensor = sensor->next)
                if (is_overdue(sensor, now_us))
                        lost_tell(sensor);
}

static void sensors_ask(struct troubles *troubles) {
        if (!troubles->asking)
                troubles->asking = crampd_list_sensors_later(troubles->desk->client, on_listed, troubles,
                                                             NULL) >= 0;
}

/* --- what crampd tells --- */

static void warning_take(struct troubles *troubles, const struct crampd_event *event) {
        struct sensor *sensor = sensor_get(troubles, event->sensor_path, event->sensor_name);
        bool is_battery = strcmp(event->warning, "battery") == 0;
        struct trouble *trouble;

        if (!sensor)
                return;
        trouble = &sensor->troubles[is_battery                              ? TROUBLE_BATTERY
                                    : strcmp(event->warning, "signal") == 0 ? TROUBLE_SIGNAL
                                    : strcmp(event->warning, "leg") == 0    ? TROUBLE_LEG
                                                                            : TROUBLE_OTHER];
        if (event->over) {
                trouble_end(trouble);
                return;
        }
        /* What a new subscription brings again was told already; a battery's is of another evening. */
        if (event->repeated && trouble->holds)
                return;
        if (is_battery || !trouble->holds)
                trouble->told = false;
        wording_warning(event, &trouble->content);
        trouble_begin(trouble);
}

void troubles_take(struct troubles *troubles, const struct crampd_event *event, int64_t now_us) {
        struct sensor *sensor;

        switch (event->type) {
        case CRAMPD_SENSOR_CHANGED:
                sensor = sensor_get(troubles, event->sensor_path, event->sensor_name);
                if (sensor)
                        sensor_take_state(sensor, event->state, now_us);
                break;
        case CRAMPD_SENSOR_WARNING:
                warning_take(troubles, event);
                break;
        case CRAMPD_SERVICE_GONE:
                troubles->gone_us = now_us;
                break;
        case CRAMPD_SERVICE_BACK:
                troubles_begin(troubles);
                break;
        case CRAMPD_ALERT_RAISED:
        case CRAMPD_ALERT_UPDATED:
        case CRAMPD_ALERT_ENDED:
        case CRAMPD_ADVICE_CHANGED:
                break;
        }
}

void troubles_begin(struct troubles *troubles) {
        troubles->gone_us = 0;
        trouble_end(&troubles->gone);
        sensors_ask(troubles);
}

void troubles_begin_without(struct troubles *troubles, int64_t now_us) {
        troubles->gone_us = now_us;
}

void troubles_refresh(struct troubles *troubles) {
        if (notice_is_wanted(troubles->gone.notice))
                trouble_show(&troubles->gone);
        for (struct sensor *sensor = troubles->first; sensor; sensor = sensor->next)
                for (size_t i = 0; i < TROUBLE_KINDS; i++)
                        if (notice_is_wanted(sensor->troubles[i].notice))
                                trouble_show(&sensor->troubles[i]);
}

/* --- time --- */

/* When hours of the day may be others. */
static int64_t look_us(int64_t now_us) {
        return now_us + (int64_t)hours_wait_s(time(NULL)) * 1000000;
}

/* When something that began at `since_us` is overdue; after that, the next look at the clock. */
static int64_t due_us(const struct troubles *troubles, int64_t since_us, int64_t now_us) {
        int64_t due = since_us + troubles->desk->options->lost_after_us;

        return due > now_us ? due : look_us(now_us);
}

static int64_t sensor_tick(struct troubles *troubles, struct sensor *sensor, int64_t now_us) {
        int64_t next_us = INT64_MAX;

        /* Asked first: it may have been removed, which no signal tells. While crampd is away, that is
         * the trouble. */
        if (is_overdue(sensor, now_us) && !sensor->troubles[TROUBLE_LOST].holds &&
            troubles->gone_us == 0)
                sensors_ask(troubles);
        for (size_t i = 0; i < TROUBLE_KINDS; i++) {
                if (trouble_waits(&sensor->troubles[i]))
                        trouble_begin(&sensor->troubles[i]);
                if (trouble_waits(&sensor->troubles[i]))
                        next_us = look_us(now_us);
        }
        if (sensor->lost_us > 0 && !sensor->troubles[TROUBLE_LOST].holds) {
                int64_t due = due_us(troubles, sensor->lost_us, now_us);

                next_us = due < next_us ? due : next_us;
        }
        return next_us;
}

/* Who has no sensor, or did not have one when crampd was there last, misses nothing. */
static int64_t gone_tick(struct troubles *troubles, int64_t now_us) {
        if (troubles->gone_us == 0 || !troubles->first ||
            (troubles->gone.holds && !trouble_waits(&troubles->gone)))
                return INT64_MAX;
        if (now_us - troubles->gone_us >= troubles->desk->options->lost_after_us && is_night(troubles)) {
                wording_gone(&troubles->gone.content);
                trouble_begin(&troubles->gone);
        }
        return due_us(troubles, troubles->gone_us, now_us);
}

int64_t troubles_tick(struct troubles *troubles, int64_t now_us) {
        int64_t next_us = gone_tick(troubles, now_us);

        for (struct sensor *sensor = troubles->first; sensor; sensor = sensor->next) {
                int64_t due = sensor_tick(troubles, sensor, now_us);

                next_us = due < next_us ? due : next_us;
        }
        return next_us;
}

/* --- life --- */

struct troubles *troubles_new(struct desk *desk) {
        struct troubles *troubles = calloc(1, sizeof(*troubles));

        if (!troubles)
                return NULL;
        troubles->desk = desk;
        troubles->gone.troubles = troubles;
        return troubles;
}

struct troubles *troubles_free(struct troubles *troubles) {
        if (!troubles)
                return NULL;
        while (troubles->first)
                sensor_free(troubles, troubles->first);
        trouble_end(&troubles->gone);
        free(troubles);
        return NULL;
}
