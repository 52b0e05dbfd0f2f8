/* SPDX-License-Identifier: MIT */
/* Two sensors of one channel: see rival-pair.h. */
#include "tests/evaluate/rival-pair.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/basic/cleanup.h"

#define SENSORS 2u
/* A piece of 50 ms at the highest rate. */
#define PIECE_FRAMES_MAX 100u
/* Hops that are on their way, and some to spare. */
#define WAITING_MAX 16u
/* As the daemon takes it: a level that is older tells nothing. */
#define STALE_MS 1000u

struct settings {
        const char *name;
        bool hears;
        unsigned sensors;
};

static const struct settings settings[RIVAL_PAIR_MAX] = {
        [RIVAL_PAIR_TOGETHER] = {"crampd, two sensors", true, 2},
        [RIVAL_PAIR_APART] = {"crampd, two sensors, deaf to each other", false, 2},
        [RIVAL_PAIR_FIRST] = {"crampd, the first sensor alone", false, 1},
};

struct how {
        enum rival_pair pair;
        enum detector_sensitivity sensitivity;
        double evidence_factor;
};

static struct how hows[RIVAL_PAIR_MAX];

struct level {
        uint64_t index; /* first frame after it */
        int32_t percent;
};

struct member {
        struct pair *pair;
        struct detector *detector;
        bool open;
        struct rival_alarm alarm;
        struct level waiting[WAITING_MAX]; /* what it has told, oldest first */
        size_t n_waiting;
        struct level heard; /* of it, by the other */
};

struct pair {
        struct rival rival;
        const struct settings *settings;
        struct member members[SENSORS];
};

static struct rival_setting pair_setting(const struct rival_kind *kind, size_t setting) {
        return (struct rival_setting){0};
}

static void pair_on_event(const struct detector_event *event, void *userdata) {
        struct member *member = userdata;
        const struct rival *rival = &member->pair->rival;

        if (event->type == DETECTOR_EVENT_ALERT) {
                member->open = true;
                member->alarm = (struct rival_alarm){.onset_index = event->onset_index,
                                                     .alert_index = event->alert_index};
        } else if (event->type == DETECTOR_EVENT_END && member->open) {
                member->open = false;
                member->alarm.end_index = event->end_index;
                rival->setup.on_alarm(0, &member->alarm, rival->setup.userdata);
        }
}

static void pair_on_level(const struct detector_level *level, void *userdata) {
        struct member *member = userdata;

        if (member->n_waiting == WAITING_MAX) /* nobody listens */
                member->n_waiting = 0;
        member->waiting[member->n_waiting++] =
                (struct level){level->index, detector_company_percent(level)};
}

static uint64_t frames_of(const struct pair *pair, unsigned ms) {
        return (uint64_t)ms * pair->rival.setup.rate_hz / 1000;
}

/* What has arrived of a member's levels when the other's frame of that number is pushed. */
static int32_t member_heard(struct member *member, uint64_t index) {
        size_t arrived = 0;

        while (arrived < member->n_waiting &&
               member->waiting[arrived].index + frames_of(member->pair, RIVAL_PAIR_DELAY_MS) <= index)
                member->heard = member->waiting[arrived++];
        member->n_waiting -= arrived;
        for (size_t i = 0; i < member->n_waiting; i++)
                member->waiting[i] = member->waiting[i + arrived];
        return index - member->heard.index <= frames_of(member->pair, STALE_MS) ? member->heard.percent
                                                                                : -1;
}

static struct rival *pair_free(struct rival *rival) {
        struct pair *pair = (struct pair *)rival;

        if (!pair)
                return NULL;
        for (size_t i = 0; i < SENSORS; i++)
                detector_free(pair->members[i].detector);
        free(pair);
        return NULL;
}

static int pair_new(const struct rival_kind *kind, const struct rival_setup *setup, struct rival **ret) {
        const struct how *how = kind->data;
        struct pair *pair = calloc(1, sizeof(*pair));
        int r = 0;

        if (!pair)
                return -ENOMEM;
        pair->rival = (struct rival){.kind = kind, .setup = *setup};
        pair->settings = &settings[how->pair];
        for (size_t i = 0; i < pair->settings->sensors && r == 0; i++) {
                struct member *member = &pair->members[i];

                member->pair = pair;
                member->heard.percent = -1;
                r = detector_new(&(struct detector_setup){.rate_mhz = setup->rate_hz * 1000,
                                                          .channels = 1,
                                                          .scale_uv = &setup->scale_uv,
                                                          .motion_scale_g = setup->motion_scale_g,
                                                          .sensitivity = how->sensitivity,
                                                          .evidence_factor = how->evidence_factor,
                                                          .on_event = pair_on_event,
                                                          .on_level = pair_on_level,
                                                          .userdata = member},
                                 &member->detector);
        }
        if (r < 0) {
                (void)pair_free(&pair->rival);
                return r;
        }
        *ret = &pair->rival;
        return 0;
}

static void pair_push(struct rival *rival, const struct detector_signal *signal) {
        struct pair *pair = (struct pair *)rival;
        int32_t heard[SENSORS], counts[PIECE_FRAMES_MAX];

        for (size_t i = 0; i < pair->settings->sensors; i++)
                heard[i] = pair->settings->hears
                                   ? member_heard(&pair->members[SENSORS - 1 - i], signal->index)
                                   : -1;
        for (size_t i = 0; i < pair->settings->sensors; i++) {
                struct detector *detector = pair->members[i].detector;

                for (size_t frame = 0; frame < signal->frames; frame++)
                        counts[frame] = signal->counts[frame * signal->channels + i];
                detector_set_motion(detector, signal->motion);
                detector_set_company(detector, heard[i]);
                (void)detector_push(detector, signal->index, counts, signal->frames);
        }
}

static void pair_finish(struct rival *rival) {
        struct pair *pair = (struct pair *)rival;

        for (size_t i = 0; i < pair->settings->sensors; i++)
                detector_finish(pair->members[i].detector);
}

struct rival_kind rival_pair_make(enum rival_pair pair, enum detector_sensitivity sensitivity,
                                  double evidence_factor) {
        hows[pair] = (struct how){pair, sensitivity, evidence_factor};
        return (struct rival_kind){
                .name = settings[pair].name,
                .source = "this project",
                .n_settings = 1,
                .channels_min = SENSORS,
                .setting = pair_setting,
                .data = &hows[pair],
                .new = pair_new,
                .free = pair_free,
                .push = pair_push,
                .finish = pair_finish,
        };
}
