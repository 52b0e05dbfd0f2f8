/* SPDX-License-Identifier: MIT */
/* The generator's set-up: see corpus.h. What is heard of it then is render.c's. */
#include "tests/corpus/corpus.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/corpus/corpus-inside.h"
#include "tests/corpus/model.h"

struct corpus_setup corpus_setup_usual(void) {
        return (struct corpus_setup){
                .seed = 1,
                .rate_hz = 1000,
                .channels = 1,
                .rest_uv = 5,
                .bits = 16,
                .noise_rise = MODEL_NOISE_RISE,
                .noise_corner_hz = MODEL_NOISE_CORNER_HZ,
        };
}

unsigned corpus_internal_factor(unsigned rate_hz) {
        return (MODEL_INTERNAL_MIN_HZ + rate_hz - 1) / rate_hz;
}

double corpus_usual_scale_uv(unsigned bits) {
        return bits <= 8 ? 4 : bits <= 10 ? 2 : bits <= 12 ? 0.8 : bits <= 16 ? 0.1 : 0.01;
}

int32_t corpus_digital_max(unsigned bits) {
        int32_t max = (int32_t)((UINT32_C(1) << (bits - 1)) - 1), digit = 1;

        if (bits <= 16)
                return max;
        while (max / digit >= 10)
                digit *= 10;
        return max / digit * digit;
}

int32_t corpus_digital_min(unsigned bits) {
        return bits <= 16 ? -corpus_digital_max(bits) - 1 : -corpus_digital_max(bits);
}

const struct corpus_setup *corpus_get_setup(const struct corpus *corpus) {
        return &corpus->setup;
}

uint64_t corpus_frames(const struct corpus *corpus) {
        return corpus->frames;
}

const struct corpus_event *corpus_events(const struct corpus *corpus, size_t *ret_n) {
        *ret_n = corpus->n_events;
        return corpus->events;
}

const struct corpus_gap *corpus_gaps(const struct corpus *corpus, size_t *ret_n) {
        *ret_n = corpus->n_gaps;
        return corpus->gaps;
}

double corpus_rest_uv(const struct corpus *corpus, unsigned channel) {
        return corpus->channels[channel].rest_uv;
}

unsigned corpus_columns(const struct corpus *corpus) {
        return corpus->columns;
}

static int setup_check(const struct corpus_setup *setup, struct corpus_error *error) {
        const char *wrong = NULL;

        if (setup->rate_hz < CORPUS_RATE_MIN_HZ || setup->rate_hz > CORPUS_RATE_MAX_HZ)
                wrong = "the rate is 200 to 2000 Hz";
        else if (setup->channels < 1 || setup->channels > CORPUS_CHANNELS_MAX)
                wrong = "there are 1 to 8 channels";
        else if (!(setup->rest_uv >= 0.5 && setup->rest_uv <= 100))
                wrong = "the rest level is 0.5 to 100 uV RMS";
        else if (setup->mains_hz != 0 && setup->mains_hz != 50 && setup->mains_hz != 60)
                wrong = "mains is 50 or 60 Hz, or 0 for none";
        else if (!(setup->mains_uv >= 0 && setup->mains_uv <= 2000))
                wrong = "mains pick-up is 0 to 2000 uV RMS";
        else if (setup->bits < 8 || setup->bits > 24)
                wrong = "there are 8 to 24 bits";
        else if (!(setup->scale_uv == 0 || (setup->scale_uv >= 0.0001 && setup->scale_uv <= 1000)))
                wrong = "the scale is 0.0001 to 1000 uV per count, or 0 for the usual one";
        else if (!(setup->rest_spread >= 0 && setup->rest_spread <= 1))
                wrong = "the rest levels' spread is 0 to 1";
        else if (!(setup->noise_rise >= 0 && setup->noise_rise <= 20))
                wrong = "the noise's rise is 0 to 20";
        else if (!(setup->noise_corner_hz >= 1 && setup->noise_corner_hz <= 400))
                wrong = "the noise's corner is 1 to 400 Hz";
        else if (!(setup->ecg_uv >= 0 && setup->ecg_uv <= 2000))
                wrong = "a heart beat's height is 0 to 2000 uV";
        else if (!(fabs(setup->clock_ppm) <= 1000))
                wrong = "the clock is up to 1000 ppm fast or slow";
        if (!wrong)
                return 0;

        (void)snprintf(error->text, sizeof(error->text), "%s", wrong);
        return -EINVAL;
}

static void channel_set_crosstalk(struct channel *channel, unsigned self,
                                  const struct corpus_setup *setup) {
        const unsigned triceps = 1U << MUSCLE_GM | 1U << MUSCLE_GL | 1U << MUSCLE_SO;
        double middle = (MODEL_CROSSTALK_MIN + MODEL_CROSSTALK_MAX) / 2;

        for (unsigned other = 0; other < setup->channels; other++) {
                struct random random;
                bool near = (triceps >> self & 1) && (triceps >> other & 1);

                random_init(&random, setup->seed, RANDOM_CROSSTALK, self, other);
                channel->crosstalk[other] = random_uniform(&random, near ? middle : MODEL_CROSSTALK_MIN,
                                                           near ? MODEL_CROSSTALK_MAX : middle);
        }
        channel->crosstalk[self] = 1;
}

/* What the sensor's rate leaves of a muscle: about 0.98 at 1 kHz, 0.7 at 200 Hz. */
static double channel_band_share(const struct channel *channel, const struct corpus *corpus) {
        double high_hz = decimator_band_high_hz(&corpus->decimator, corpus->internal_hz), power = 0;

        for (double hz = MODEL_BAND_LOW_HZ + 0.5; hz < high_hz; hz++) {
                double gain = decimator_gain(&corpus->decimator, hz / corpus->internal_hz);

                power += unit_pool_density(&channel->pool, hz) * gain * gain;
        }
        return sqrt(power);
}

/* Rest differs between electrodes, and so does what they see of the heart, either way round. */
static void channel_draw_levels(struct channel *channel, const struct corpus_setup *setup,
                                unsigned self) {
        struct random random;
        double share, sign;

        random_init(&random, setup->seed, RANDOM_REST, self, 0);
        channel->rest_uv = setup->rest_uv;
        if (setup->rest_spread > 0)
                channel->rest_uv *= random_lognormal(&random, 1, setup->rest_spread);

        random_init(&random, setup->seed, RANDOM_HEART, 1, self);
        sign = random_uniform(&random, 0, 1) < 0.5 ? -1 : 1;
        share = self == 0 ? 1 : random_uniform(&random, MODEL_HEART_SHARE_MIN, 1);
        channel->ecg_uv = sign * share * setup->ecg_uv;
}

static int channel_init(struct channel *channel, const struct corpus *corpus, unsigned self) {
        const struct corpus_setup *setup = &corpus->setup;
        struct random random;
        int r;

        random_init(&random, setup->seed, RANDOM_POOL, self, 0);
        r = unit_pool_init(&channel->pool, &random, corpus->internal_hz);
        if (r < 0)
                return r;

        /* Real pieces are scaled to what the sensor sees of them. */
        channel->band_share = setup->material ? 1 : channel_band_share(channel, corpus);
        channel_draw_levels(channel, setup, self);

        random_init(&random, setup->seed, RANDOM_VOLUNTARY, self, 0);
        voluntary_drive_init(&channel->voluntary, &random);
        random_init(&random, setup->seed, RANDOM_NOISE, self, 0);
        rest_noise_init(&channel->noise, &random, &corpus->decimator, corpus->internal_hz,
                        channel->rest_uv, setup->noise_corner_hz, setup->noise_rise);
        if (setup->material) {
                const struct splice_set *rests = &setup->material->rests;

                random_init(&random, setup->seed, RANDOM_SPLICE, UINT64_MAX, self);
                splice_stream_init(&channel->rest,
                                   &rests->pieces[random_below(&random, (unsigned)rests->n)], &random,
                                   (size_t)(MODEL_SPLICE_FADE_S * corpus->internal_hz));
        }
        random_init(&random, setup->seed, RANDOM_ARTEFACT, self, 0);
        slow_noise_init(&channel->artefact, &random, MODEL_ARTEFACT_CORNER_HZ, corpus->internal_hz);
        random_init(&random, setup->seed, RANDOM_MAINS, 1, self);
        mains_coupling_init(&channel->coupling, &random, setup->mains_uv);
        channel_set_crosstalk(channel, self, setup);

        channel->muscle = calloc(corpus->block + channel->pool.length, sizeof(*channel->muscle));
        channel->artefacts = calloc(MODEL_TICKS_PER_S, sizeof(*channel->artefacts));
        channel->raw = calloc(corpus->past + corpus->block, sizeof(*channel->raw));
        return channel->muscle && channel->artefacts && channel->raw ? 0 : -ENOMEM;
}

static void channel_done(struct channel *channel) {
        unit_pool_done(&channel->pool);
        free(channel->muscle);
        free(channel->artefacts);
        free(channel->raw);
}

static void playing_done(struct playing *playing) {
        activity_done(&playing->activity);
        free(playing->drive);
        free(playing->player);
}

double corpus_floor_gain(const struct corpus *corpus, unsigned channel, double at_s) {
        double gain = 1;

        for (size_t i = 0; i < corpus->n_faults; i++)
                if (corpus->faults[i].kind == EVENT_FLOOR && corpus->faults[i].channel == channel)
                        gain *= fault_floor_gain(&corpus->faults[i], at_s);
        return gain;
}

static int playing_init(struct playing *playing, const struct corpus *corpus,
                        const struct script *script, size_t event, unsigned channel) {
        const struct activity_scale scale = {
                corpus->channels[channel].rest_uv *
                        corpus_floor_gain(corpus, channel, script->events[event].start_s),
                corpus->channels[channel].band_share,
                corpus->setup.material ? INFINITY
                                       : 0.98 * unit_pool_cramp_max_uv(&corpus->channels[channel].pool)};
        struct random random;
        int r;

        r = activity_init(&playing->activity, script, event, (enum corpus_muscle)channel, &scale,
                          corpus->setup.seed);
        if (r < 0)
                return r;
        playing->activity.channel = channel;

        /* The muscles' envelopes have the streams 0 to 8. */
        random_init(&random, corpus->setup.seed, RANDOM_EVENT, event, 100 + channel);
        playing->random = random;
        if (corpus->setup.material && playing->activity.level_uv) {
                playing->player = malloc(sizeof(*playing->player));
                if (!playing->player) {
                        playing_done(playing);
                        return -ENOMEM;
                }
                splice_player_init(playing->player, corpus->setup.material, &script->events[event],
                                   event, (enum corpus_muscle)channel, corpus->setup.seed);
                return 0;
        }
        if (!playing->activity.cramp)
                return 0;

        playing->drive = malloc(sizeof(*playing->drive));
        if (!playing->drive) {
                playing_done(playing);
                return -ENOMEM;
        }
        cramp_drive_init(playing->drive, &random);
        return 0;
}

/* The drives stop short of what their units can give: the truth would not hold beyond. */
static int playing_check(const struct playing *playing, const struct corpus *corpus,
                         const struct script *script, struct corpus_error *error) {
        const struct activity *activity = &playing->activity;
        const struct script_event *event = &script->events[activity->event];
        const struct channel *channel = &corpus->channels[activity->channel];
        double rest_uv =
                channel->rest_uv * corpus_floor_gain(corpus, activity->channel, activity->start_s);
        double level_uv =
                rest_uv * sqrt(fmax(activity->ratio * activity->ratio - 1, 0)) / channel->band_share;
        double max_uv = unit_pool_cramp_max_uv(&channel->pool);

        if (!activity->cramp || level_uv <= max_uv || corpus->setup.material)
                return 0;
        (void)snprintf(error->text, sizeof(error->text),
                       "%s at %g s: %.0f uV is more than a cramp's %.0f uV on this muscle: lower its "
                       "ratio or the rest level",
                       event_kind_to_string(event->kind), event->start_s, level_uv, max_uv);
        return -EINVAL;
}

/* Adds one event on all its recorded channels, and its truth. */
static int corpus_add_event(struct corpus *corpus, const struct script *script, size_t index,
                            struct corpus_error *error) {
        const struct script_event *event = &script->events[index];
        struct corpus_event truth = {.kind = event->kind,
                                     .start_s = event->start_s,
                                     .end_s = event->start_s + event->duration_s,
                                     .twice_rest_s = -1};

        truth.channels = event->muscles & ((1U << corpus->setup.channels) - 1);
        if (!event_kind_is_muscle(event->kind)) {
                truth.asked_uv = event->level_uv;
                truth.asked_ratio = event->ratio;
                truth.asked_hz = event->hz;
        }
        for (unsigned channel = 0; event_kind_is_muscle(event->kind) && channel < corpus->setup.channels;
             channel++) {
                struct playing *playing = &corpus->playing[corpus->n_playing];
                int r;

                if (!(event->muscles >> channel & 1))
                        continue;
                r = playing_init(playing, corpus, script, index, channel);
                if (r < 0)
                        return r;
                corpus->n_playing++;
                r = playing_check(playing, corpus, script, error);
                if (r < 0)
                        return r;

                truth.twitches += playing->activity.n_twitches;
                if (playing->activity.ratio > truth.level_ratio) {
                        truth.level_ratio = playing->activity.ratio;
                        truth.twice_rest_s = playing->activity.twice_rest_s;
                        truth.leading = channel;
                }
        }
        /* Bursts and strides bring their own level. */
        if (corpus->setup.material && !splice_keeps_level(event->kind)) {
                truth.level_ratio = 0;
                truth.twice_rest_s = -1;
        }
        /* What happens where nothing records is no part of this recording's truth. */
        if (truth.channels != 0)
                corpus->events[corpus->n_events++] = truth;
        return 0;
}

static int fault_compare(const void *a, const void *b) {
        const struct fault *first = a, *second = b;
        unsigned x = fault_order(first), y = fault_order(second);

        if (x != y)
                return x < y ? -1 : 1;
        if (first->start_s != second->start_s)
                return first->start_s < second->start_s ? -1 : 1;
        return first->kind != second->kind ? (int)first->kind - (int)second->kind
                                           : (int)first->channel - (int)second->channel;
}

static int corpus_add_faults(struct corpus *corpus, const struct script *script) {
        const struct corpus_setup *setup = &corpus->setup;
        struct fault_scale scale = {
                .decimator = &corpus->decimator,
                .internal_hz = corpus->internal_hz,
                .rail_uv = corpus_digital_max(setup->bits) * setup->scale_uv,
                .mains_hz = setup->mains_hz,
                .seed = setup->seed,
        };

        corpus->faults = calloc(script->n_events * setup->channels + 1, sizeof(*corpus->faults));
        if (!corpus->faults)
                return -ENOMEM;
        for (size_t i = 0; i < script->n_events; i++) {
                const struct script_event *event = &script->events[i];

                if (event_kind_is_muscle(event->kind) || event_kind_is_loss(event->kind))
                        continue;
                for (unsigned channel = 0; channel < setup->channels; channel++) {
                        if (!(event->muscles >> channel & 1))
                                continue;
                        scale.rest_uv = corpus->channels[channel].rest_uv;
                        fault_init(&corpus->faults[corpus->n_faults++], event, i, channel, &scale);
                }
        }
        qsort(corpus->faults, corpus->n_faults, sizeof(*corpus->faults), fault_compare);
        return 0;
}

static int event_compare(const void *a, const void *b) {
        const struct corpus_event *first = a, *second = b;

        if (first->start_s != second->start_s)
                return first->start_s < second->start_s ? -1 : 1;
        return (int)first->kind - (int)second->kind;
}

static int corpus_add_events(struct corpus *corpus, const struct script *script,
                             struct corpus_error *error) {
        int r;

        corpus->playing =
                calloc(script->n_events * corpus->setup.channels + 1, sizeof(*corpus->playing));
        corpus->active = calloc(script->n_events + 1, sizeof(struct playing *));
        corpus->events = calloc(script->n_events + 1, sizeof(*corpus->events));
        if (!corpus->playing || !corpus->active || !corpus->events)
                return -ENOMEM;
        r = corpus_add_faults(corpus, script);
        if (r < 0)
                return r;

        for (size_t i = 0; i < script->n_events; i++) {
                r = corpus_add_event(corpus, script, i, error);
                if (r < 0)
                        return r;
        }
        qsort(corpus->events, corpus->n_events, sizeof(*corpus->events), event_compare);
        return 0;
}

static int corpus_init(struct corpus *corpus, const struct corpus_setup *setup,
                       const struct script *script, struct corpus_error *error) {
        unsigned factor = corpus_internal_factor(setup->rate_hz);
        struct random random;
        int r;

        corpus->setup = *setup;
        if (corpus->setup.scale_uv == 0)
                corpus->setup.scale_uv = corpus_usual_scale_uv(setup->bits);
        corpus->internal_hz = (double)setup->rate_hz * factor;
        corpus->block = (size_t)setup->rate_hz * factor;
        corpus->frames = (uint64_t)script->duration_s * setup->rate_hz;

        r = decimator_init(&corpus->decimator, factor);
        if (r < 0)
                return r;
        corpus->past = corpus->decimator.n_taps - 1;
        random_init(&random, setup->seed, RANDOM_MAINS, 0, 0);
        mains_init(&corpus->mains, &random, setup->mains_hz);

        random_init(&random, setup->seed, RANDOM_HEART, 0, 0);
        r = setup->ecg_uv > 0 ? heart_init(&corpus->heart, &random, corpus->internal_hz, corpus->block)
                              : 0;
        if (r < 0)
                return r;
        r = setup->accelerometer ? motion_init(&corpus->motion, script, setup->seed) : 0;
        if (r < 0)
                return r;
        r = losses_build(script, setup->seed, setup->rate_hz, corpus->frames, &corpus->gaps,
                         &corpus->n_gaps);
        if (r < 0)
                return r;

        corpus->columns = setup->channels + (setup->accelerometer ? MOTION_AXES : 0);
        corpus->channels = calloc(setup->channels, sizeof(*corpus->channels));
        corpus->counts = calloc((size_t)setup->rate_hz * corpus->columns, sizeof(*corpus->counts));
        if (!corpus->channels || !corpus->counts)
                return -ENOMEM;
        for (unsigned i = 0; i < setup->channels; i++) {
                r = channel_init(&corpus->channels[i], corpus, i);
                if (r < 0)
                        return r;
        }
        return corpus_add_events(corpus, script, error);
}

int corpus_new(const struct corpus_setup *setup, const struct script *script, struct corpus **ret,
               struct corpus_error *error) {
        struct corpus *corpus;
        int r;

        r = setup_check(setup, error);
        if (r < 0)
                return r;
        corpus = calloc(1, sizeof(*corpus));
        if (!corpus)
                return -ENOMEM;

        r = corpus_init(corpus, setup, script, error);
        if (r < 0) {
                corpus_free(corpus);
                return r;
        }
        *ret = corpus;
        return 0;
}

struct corpus *corpus_free(struct corpus *corpus) {
        if (!corpus)
                return NULL;

        for (size_t i = 0; i < corpus->n_playing; i++)
                playing_done(&corpus->playing[i]);
        for (unsigned i = 0; corpus->channels && i < corpus->setup.channels; i++)
                channel_done(&corpus->channels[i]);
        decimator_done(&corpus->decimator);
        heart_done(&corpus->heart);
        motion_done(&corpus->motion);
        free(corpus->faults);
        free(corpus->gaps);
        free(corpus->channels);
        free(corpus->playing);
        free(corpus->active);
        free(corpus->events);
        free(corpus->counts);
        free(corpus);
        return NULL;
}
