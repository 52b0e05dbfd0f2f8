/* SPDX-License-Identifier: MIT */
/* One night under evaluation: see night.h. */
#include "tests/evaluate/night.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "tests/corpus/model.h"
#include "tests/corpus/random.h"
#include "tests/corpus/splice-load.h"

#define PIECE_S 1u
/* The script that brings a sensor of its own. */
#define HOME_SCRIPT "home-night"
/* The sensors of all others: rest and mains are drawn, every factor as likely; a choice. */
#define REST_MAX_UV 15.0
#define MAINS_MIN_UV 1.0
#define MAINS_MAX_UV 30.0
/* A muscle cannot give 15 times a loud rest; then the rest is made quieter by this. */
#define REST_STEP 0.9
#define REST_STEPS_MAX 40u

struct alarms {
        struct alarm *alarm;
        size_t n, allocated;
        bool lost; /* out of memory */
};

/* Everything that belongs to a night at work. */
struct night_work {
        struct script script;
        struct splice *splice;
        struct corpus *corpus;
        struct detector *front; /* for the conditioned signal alone */
        struct rival **rivals;
        size_t n_rivals;
        struct listener *listeners;
        struct alarms *alarms; /* per setting of all kinds */
        size_t n_alarms;
        int32_t *counts; /* a piece of the corpus; then of the muscles' channels alone: */
        int32_t *muscles;
};

/* What a rival's callback gets: where its settings begin. */
struct listener {
        struct night_work *work;
        size_t first;
        double rate_hz;
};

size_t night_settings(const struct rival_kind *const *kinds, size_t n_kinds) {
        size_t n = 0;

        for (size_t i = 0; i < n_kinds; i++)
                n += kinds[i]->n_settings;
        return n;
}

static void on_alarm(size_t setting, const struct rival_alarm *alarm, void *userdata) {
        const struct listener *listener = userdata;
        struct alarms *alarms = &listener->work->alarms[listener->first + setting];

        if (alarms->n == alarms->allocated) {
                size_t more = alarms->allocated * 2 + 16;
                struct alarm *grown = reallocarray(alarms->alarm, more, sizeof(*grown));

                if (!grown) {
                        alarms->lost = true;
                        return;
                }
                alarms->alarm = grown;
                alarms->allocated = more;
        }
        alarms->alarm[alarms->n++] =
                (struct alarm){.onset_s = (double)alarm->onset_index / listener->rate_hz,
                               .alert_s = (double)alarm->alert_index / listener->rate_hz,
                               .end_s = (double)alarm->end_index / listener->rate_hz};
}

static void ignore_event(const struct detector_event *event, void *userdata) {
}

static void on_signal(const struct detector_signal *signal, void *userdata) {
        struct night_work *work = userdata;

        for (size_t i = 0; i < work->n_rivals; i++)
                work->rivals[i]->kind->push(work->rivals[i], signal);
}

static void night_done(struct night_work *work) {
        for (size_t i = 0; i < work->n_rivals; i++)
                work->rivals[i]->kind->free(work->rivals[i]);
        free(work->rivals);
        free(work->listeners);
        for (size_t i = 0; work->alarms && i < work->n_alarms; i++)
                free(work->alarms[i].alarm);
        free(work->alarms);
        free(work->counts);
        free(work->muscles);
        detector_free(work->front);
        corpus_free(work->corpus);
        splice_free(work->splice);
        script_done(&work->script);
}

static double draw_log_uniform(struct random *random, double low, double high) {
        return low * exp(random_uniform(random, 0, 1) * log(high / low));
}

static struct corpus_setup draw_sensor(const struct night_plan *plan) {
        struct corpus_setup setup = corpus_setup_usual();
        struct random random;
        double mains_uv;

        random_init(&random, plan->seed, RANDOM_LAYOUT, 1, 0);
        setup.seed = plan->seed;
        setup.rest_uv = draw_log_uniform(&random, plan->rest_min_uv, REST_MAX_UV);
        mains_uv = draw_log_uniform(&random, MAINS_MIN_UV, MAINS_MAX_UV);
        if (random_uniform(&random, 0, 1) < 0.5) {
                setup.mains_hz = 50;
                setup.mains_uv = mains_uv;
        }
        return setup;
}

static struct corpus_setup night_sensor(const struct night_plan *plan) {
        struct corpus_setup setup;

        if (strcmp(plan->script, HOME_SCRIPT) == 0)
                corpus_setup_home(plan->seed, &setup);
        else
                setup = draw_sensor(plan);
        setup.channels = plan->channels;
        setup.accelerometer = plan->accelerometer;
        if (plan->rate_hz != 0)
                setup.rate_hz = plan->rate_hz;
        if (plan->bits != 0)
                setup.bits = plan->bits;
        setup.rest_uv = fmax(setup.rest_uv, plan->rest_min_uv);
        return setup;
}

static int night_make(const struct night_plan *plan, struct night_work *work,
                      struct corpus_error *error) {
        struct corpus_setup setup = night_sensor(plan);
        int r = script_builtin(plan->script,
                               &(struct script_layout){.seed = plan->seed,
                                                       .hours = plan->hours,
                                                       .cramps = plan->cramps,
                                                       .channels = plan->channels,
                                                       .rest_uv = setup.rest_uv},
                               &work->script, error);

        if (r == -ENOENT)
                (void)snprintf(error->text, sizeof(error->text), "there is no script \"%s\"",
                               plan->script);
        if (r < 0)
                return r;

        if (plan->recordings) {
                r = splice_load(plan->recordings, setup.rate_hz, &work->splice, error);
                if (r < 0)
                        return r;
                setup.material = work->splice;
        }
        for (unsigned i = 0; i < REST_STEPS_MAX; i++) {
                r = corpus_new(&setup, &work->script, &work->corpus, error);
                if (r != -EINVAL)
                        break;
                setup.rest_uv *= REST_STEP;
        }
        return r;
}

static int night_add_rivals(const struct rival_kind *const *kinds, size_t n_kinds,
                            struct night_work *work) {
        const struct corpus_setup *sensor = corpus_get_setup(work->corpus);
        size_t first = 0;

        work->n_alarms = night_settings(kinds, n_kinds);
        work->rivals = calloc(n_kinds, sizeof(struct rival *));
        work->listeners = calloc(n_kinds, sizeof(*work->listeners));
        work->alarms = calloc(work->n_alarms, sizeof(*work->alarms));
        work->counts = calloc((size_t)PIECE_S * sensor->rate_hz * corpus_columns(work->corpus),
                              sizeof(*work->counts));
        work->muscles = calloc((size_t)PIECE_S * sensor->rate_hz * sensor->channels, sizeof(int32_t));
        if (!work->rivals || !work->listeners || !work->alarms || !work->counts || !work->muscles)
                return -ENOMEM;

        for (size_t i = 0; i < n_kinds; i++) {
                struct rival_setup setup = {
                        .rate_hz = sensor->rate_hz,
                        .channels = sensor->channels,
                        .scale_uv = sensor->scale_uv,
                        .motion_scale_g = sensor->accelerometer ? MODEL_MOTION_SCALE_G : 0,
                        .on_alarm = on_alarm,
                        .userdata = &work->listeners[i],
                };
                int r;

                work->listeners[i] =
                        (struct listener){.work = work, .first = first, .rate_hz = sensor->rate_hz};
                r = kinds[i]->new (kinds[i], &setup, &work->rivals[i]);
                if (r < 0)
                        return r;
                work->n_rivals++;
                first += kinds[i]->n_settings;
        }
        return 0;
}

static int night_add_front(struct night_work *work) {
        const struct corpus_setup *sensor = corpus_get_setup(work->corpus);
        double scale_uv[CORPUS_CHANNELS_MAX];

        for (unsigned i = 0; i < sensor->channels; i++)
                scale_uv[i] = sensor->scale_uv;
        return detector_new(&(struct detector_setup){.rate_mhz = sensor->rate_hz * 1000,
                                                     .channels = sensor->channels,
                                                     .scale_uv = scale_uv,
                                                     .motion_scale_g = sensor->accelerometer
                                                                               ? MODEL_MOTION_SCALE_G
                                                                               : 0,
                                                     .on_event = ignore_event,
                                                     .on_signal = on_signal,
                                                     .userdata = work},
                            &work->front);
}

/* All of these arrived. The accelerometer shows a value until the next one. */
static int night_push_frames(struct night_work *work, uint64_t index, const int32_t *counts,
                             size_t frames) {
        size_t columns = corpus_columns(work->corpus);
        size_t channels = corpus_get_setup(work->corpus)->channels;
        int r = 0;

        if (columns == channels)
                return detector_push(work->front, index, counts, frames);
        for (size_t at = 0, n; at < frames && r == 0; at += n) {
                const int32_t *motion = counts + at * columns + channels;

                for (n = 0; at + n < frames && memcmp(counts + (at + n) * columns + channels, motion,
                                                      (columns - channels) * sizeof(*motion)) == 0;
                     n++)
                        memcpy(work->muscles + n * channels, counts + (at + n) * columns,
                               channels * sizeof(*counts));
                detector_set_motion(work->front, motion);
                r = detector_push(work->front, index + at, work->muscles, n);
        }
        return r;
}

/* Pushes what arrived of a piece; `gap` is the first one that may reach into it. */
static int night_push(struct night_work *work, uint64_t index, size_t frames,
                      const struct corpus_gap **gap, const struct corpus_gap *gaps_end) {
        size_t columns = corpus_columns(work->corpus);
        uint64_t at = index, end = index + frames;

        while (at < end) {
                uint64_t until = end;
                int r;

                while (*gap < gaps_end && (*gap)->first + (*gap)->frames <= at)
                        (*gap)++;
                if (*gap < gaps_end && (*gap)->first <= at) {
                        at = (*gap)->first + (*gap)->frames;
                        continue;
                }
                if (*gap < gaps_end && (*gap)->first < until)
                        until = (*gap)->first;
                r = night_push_frames(work, at, work->counts + (at - index) * columns,
                                      (size_t)(until - at));
                if (r < 0)
                        return r;
                at = until;
        }
        return 0;
}

static int night_play(struct night_work *work) {
        size_t n_gaps;
        const struct corpus_gap *gap = corpus_gaps(work->corpus, &n_gaps), *gaps_end = gap + n_gaps;
        size_t piece = (size_t)PIECE_S * corpus_get_setup(work->corpus)->rate_hz;
        uint64_t index = 0;

        for (;;) {
                size_t frames = corpus_read(work->corpus, work->counts, piece);
                int r;

                if (frames == 0)
                        break;
                r = night_push(work, index, frames, &gap, gaps_end);
                if (r < 0)
                        return r;
                index += frames;
        }
        for (size_t i = 0; i < work->n_rivals; i++)
                work->rivals[i]->kind->finish(work->rivals[i]);
        return 0;
}

static void night_list(uint64_t seed, const struct night_work *work, const struct night_score *score) {
        size_t n_events;
        const struct corpus_event *events = corpus_events(work->corpus, &n_events);
        const struct corpus_setup *sensor = corpus_get_setup(work->corpus);
        const struct alarms *alarms = &work->alarms[0];
        unsigned cramp = 0;

        for (size_t i = 0; i < n_events; i++)
                if (events[i].kind == EVENT_CRAMP && !score->cramps[cramp++].hit)
                        (void)printf(
                                "seed %" PRIu64 ", %u x %u Hz, %u bits, rest %.1f uV: missed the cramp "
                                "from %.1f to %.1f s, %.1f x rest\n",
                                seed, sensor->channels, sensor->rate_hz, sensor->bits, sensor->rest_uv,
                                events[i].start_s, events[i].end_s, events[i].level_ratio);
        for (size_t i = 0; i < alarms->n; i++) {
                const struct alarm *alarm = &alarms->alarm[i];
                unsigned cause = score_alert(events, n_events, alarm->alert_s);

                if (cause != SCORE_HIT)
                        (void)printf("seed %" PRIu64
                                     ", %u x %u Hz, %u bits, rest %.1f uV: false alarm at "
                                     "%.1f s (%.1f to %.1f s), %s\n",
                                     seed, sensor->channels, sensor->rate_hz, sensor->bits,
                                     sensor->rest_uv, alarm->alert_s, alarm->onset_s, alarm->end_s,
                                     score_cause_to_string(cause));
        }
}

static int alarm_compare(const void *a, const void *b) {
        double first = ((const struct alarm *)a)->alert_s, second = ((const struct alarm *)b)->alert_s;

        return (first > second) - (first < second);
}

static int night_score_all(struct night_work *work, struct night_score *scores) {
        size_t n_events;
        const struct corpus_event *events = corpus_events(work->corpus, &n_events);
        double hours =
                (double)corpus_frames(work->corpus) / corpus_get_setup(work->corpus)->rate_hz / 3600;

        for (size_t i = 0; i < work->n_alarms; i++) {
                int r;

                if (work->alarms[i].lost)
                        return -ENOMEM;
                /* Two sensors tell them in the order in which they end. */
                if (work->alarms[i].n > 1)
                        qsort(work->alarms[i].alarm, work->alarms[i].n, sizeof(struct alarm),
                              alarm_compare);
                r = score_night(events, n_events, work->alarms[i].alarm, work->alarms[i].n, hours,
                                &scores[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

int night_run(const struct night_plan *plan, const struct rival_kind *const *kinds, size_t n_kinds,
              struct night_score *scores, struct corpus_error *error) {
        _cleanup_(night_done) struct night_work work = {0};
        int r;

        r = night_make(plan, &work, error);
        if (r < 0)
                return r;
        r = night_add_rivals(kinds, n_kinds, &work);
        if (r < 0)
                return r;
        r = night_add_front(&work);
        if (r < 0)
                return r;
        r = night_play(&work);
        if (r < 0)
                return r;
        r = night_score_all(&work, scores);
        if (r == 0 && plan->list)
                night_list(plan->seed, &work, &scores[0]);
        return r;
}
