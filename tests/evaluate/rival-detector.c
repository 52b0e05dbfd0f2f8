/* SPDX-License-Identifier: MIT */
/* crampd's own detector behind the table of rivals: see rival-detector.h. */
#include "tests/evaluate/rival-detector.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"

/* Builds take turns this far apart: each has more to remember than a processor keeps at hand for all of
 * them. */
#define TURN_S 10u
#define AXES 3u

struct build {
        void *library; /* NULL: linked in */
        __typeof__(detector_new) *new;
        __typeof__(detector_free) *free;
        __typeof__(detector_push) *push;
        __typeof__(detector_finish) *finish;
        __typeof__(detector_set_motion) *set_motion; /* NULL: a build that knows none */
};

struct builds {
        bool motion; /* they hear the accelerometer */
        enum detector_sensitivity sensitivity;
        double evidence_factor;
        size_t n;
        struct build build[];
};

/* One build at work. */
struct instance {
        struct own *own;
        const struct build *build;
        struct detector *detector;
        bool open;
        struct rival_alarm alarm;
};

/* What the builds have not been given yet. */
struct turn {
        uint64_t index;
        size_t frames, frames_max;
        int32_t *counts;
        bool has_motion;
        int32_t motion[AXES]; /* of all of them */
};

struct own {
        struct rival rival;
        double *scale_uv;
        struct turn turn;
        struct instance *instances;
};

static struct rival_setting detector_setting(const struct rival_kind *kind, size_t setting) {
        return (struct rival_setting){0};
}

static void detector_on_event(const struct detector_event *event, void *userdata) {
        struct instance *instance = userdata;
        const struct rival *rival = &instance->own->rival;

        if (event->type == DETECTOR_EVENT_ALERT) {
                instance->open = true;
                instance->alarm = (struct rival_alarm){.onset_index = event->onset_index,
                                                       .alert_index = event->alert_index};
        } else if (event->type == DETECTOR_EVENT_END && instance->open) {
                instance->open = false;
                instance->alarm.end_index = event->end_index;
                rival->setup.on_alarm((size_t)(instance - instance->own->instances), &instance->alarm,
                                      rival->setup.userdata);
        }
}

static struct rival *detector_rival_free(struct rival *rival) {
        struct own *own = (struct own *)rival;

        if (!own)
                return NULL;
        for (size_t i = 0; own->instances && i < rival->kind->n_settings; i++)
                if (own->instances[i].detector)
                        own->instances[i].build->free(own->instances[i].detector);
        free(own->instances);
        free(own->scale_uv);
        free(own->turn.counts);
        free(own);
        return NULL;
}

static int detector_rival_fill(struct own *own) {
        const struct rival_setup *setup = &own->rival.setup;
        const struct builds *builds = own->rival.kind->data;

        own->instances = calloc(builds->n, sizeof(*own->instances));
        own->scale_uv = calloc(setup->channels, sizeof(*own->scale_uv));
        own->turn.frames_max = (size_t)TURN_S * setup->rate_hz;
        own->turn.counts = calloc(own->turn.frames_max * setup->channels, sizeof(*own->turn.counts));
        if (!own->instances || !own->scale_uv || !own->turn.counts)
                return -ENOMEM;
        for (unsigned i = 0; i < setup->channels; i++)
                own->scale_uv[i] = setup->scale_uv;

        for (size_t i = 0; i < builds->n; i++) {
                struct instance *instance = &own->instances[i];
                int r;

                instance->own = own;
                instance->build = &builds->build[i];
                r = instance->build->new (
                        &(struct detector_setup){.rate_mhz = setup->rate_hz * 1000,
                                                 .channels = setup->channels,
                                                 .scale_uv = own->scale_uv,
                                                 .motion_scale_g =
                                                         builds->motion ? setup->motion_scale_g : 0,
                                                 .sensitivity = builds->sensitivity,
                                                 .evidence_factor = builds->evidence_factor,
                                                 .on_event = detector_on_event,
                                                 .userdata = instance},
                        &instance->detector);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int detector_rival_new(const struct rival_kind *kind, const struct rival_setup *setup,
                              struct rival **ret) {
        struct own *own = calloc(1, sizeof(*own));
        int r;

        if (!own)
                return -ENOMEM;
        own->rival = (struct rival){.kind = kind, .setup = *setup};
        r = detector_rival_fill(own);
        if (r < 0) {
                detector_rival_free(&own->rival);
                return r;
        }
        *ret = &own->rival;
        return 0;
}

static void turn_give(struct own *own) {
        struct turn *turn = &own->turn;

        for (size_t i = 0; turn->frames > 0 && i < own->rival.kind->n_settings; i++) {
                const struct build *build = own->instances[i].build;

                if (build->set_motion)
                        build->set_motion(own->instances[i].detector,
                                          turn->has_motion ? turn->motion : NULL);
                (void)build->push(own->instances[i].detector, turn->index, turn->counts, turn->frames);
        }
        turn->frames = 0;
}

/* Whether these frames follow, with the same to be said of them. */
static bool turn_goes_on(const struct turn *turn, const struct detector_signal *signal) {
        return signal->index == turn->index + turn->frames &&
               turn->frames + signal->frames <= turn->frames_max &&
               turn->has_motion == (signal->motion != NULL) &&
               (!signal->motion || memcmp(turn->motion, signal->motion, sizeof(turn->motion)) == 0);
}

static void detector_rival_push(struct rival *rival, const struct detector_signal *signal) {
        struct own *own = (struct own *)rival;
        struct turn *turn = &own->turn;

        if (!turn_goes_on(turn, signal))
                turn_give(own);
        if (turn->frames == 0) {
                turn->index = signal->index;
                turn->has_motion = signal->motion != NULL;
                if (signal->motion)
                        memcpy(turn->motion, signal->motion, sizeof(turn->motion));
        }
        memcpy(turn->counts + turn->frames * signal->channels, signal->counts,
               signal->frames * signal->channels * sizeof(*turn->counts));
        turn->frames += signal->frames;
}

static void detector_rival_finish(struct rival *rival) {
        struct own *own = (struct own *)rival;

        turn_give(own);
        for (size_t i = 0; i < rival->kind->n_settings; i++)
                own->instances[i].build->finish(own->instances[i].detector);
}

static int build_load(const char *path, struct build *build) {
        build->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (build->library) {
                build->new = (__typeof__(detector_new) *)dlsym(build->library, "detector_new");
                build->free = (__typeof__(detector_free) *)dlsym(build->library, "detector_free");
                build->push = (__typeof__(detector_push) *)dlsym(build->library, "detector_push");
                build->finish = (__typeof__(detector_finish) *)dlsym(build->library, "detector_finish");
                build->set_motion =
                        (__typeof__(detector_set_motion) *)dlsym(build->library, "detector_set_motion");
        }
        if (build->new && build->free && build->push && build->finish)
                return 0;
        (void)fprintf(stderr, "evaluate: %s is no build of the detector: %s\n", path, dlerror());
        return -ENOENT;
}

int rival_detector_make(char *const *paths, size_t n_paths, enum detector_sensitivity sensitivity,
                        double evidence_factor, bool motion, struct rival_kind *ret) {
        size_t n = n_paths > 0 ? n_paths : 1;
        struct builds *builds = calloc(1, sizeof(*builds) + n * sizeof(builds->build[0]));

        if (!builds)
                return -ENOMEM;
        builds->n = n;
        builds->sensitivity = sensitivity;
        builds->evidence_factor = evidence_factor;
        builds->motion = motion;
        *ret = (struct rival_kind){
                .name = motion ? "crampd" : "crampd, deaf to motion",
                .source = "this project",
                .n_settings = n,
                .channels_min = 1,
                .setting = detector_setting,
                .data = builds,
                .new = detector_rival_new,
                .free = detector_rival_free,
                .push = detector_rival_push,
                .finish = detector_rival_finish,
        };

        if (n_paths == 0)
                builds->build[0] = (struct build){.new = detector_new,
                                                  .free = detector_free,
                                                  .push = detector_push,
                                                  .finish = detector_finish,
                                                  .set_motion = detector_set_motion};
        for (size_t i = 0; i < n_paths; i++) {
                int r = build_load(paths[i], &builds->build[i]);

                if (r < 0) {
                        rival_detector_done(ret);
                        return r;
                }
        }
        return 0;
}

void rival_detector_done(struct rival_kind *kind) {
        struct builds *builds = (struct builds *)kind->data;

        for (size_t i = 0; builds && i < builds->n; i++)
                if (builds->build[i].library)
                        (void)dlclose(builds->build[i].library);
        free(builds);
        *kind = (struct rival_kind){0};
}
