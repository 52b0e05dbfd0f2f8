/* SPDX-License-Identifier: MIT */
/*
 * The generator at work: from what corpus.c has set up to the samples of corpus_read(), in blocks of one
 * second.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "tests/corpus/corpus-inside.h"
#include "tests/corpus/model.h"

static void playing_render_twitches(struct playing *playing, const struct channel *channel, double end,
                                    struct unit_canvas *canvas) {
        const struct activity *activity = &playing->activity;

        while (playing->next_twitch < activity->n_twitches) {
                double at = activity->twitch_s[playing->next_twitch] * channel->pool.rate_hz;

                if (at >= end)
                        break;
                /* The larger half of the units: the small ones drown in the rest noise. */
                unit_discharge(&channel->pool,
                               MODEL_UNITS / 2 +
                                       random_below(&playing->random, MODEL_UNITS - MODEL_UNITS / 2),
                               at, canvas);
                playing->next_twitch++;
        }
}

/* Draws what the muscle does from sample `from` to `to`; returns the level of the slow electrode
 * voltage. */
static double channel_render_tick(struct channel *channel, struct playing *const *active,
                                  size_t n_active, double from, double to, struct unit_canvas *canvas) {
        /* A potential's middle comes half its length after its start. */
        double at_s = (from + (double)(channel->pool.length / 2)) / channel->pool.rate_hz;
        double voluntary_uv = 0, artefact_uv = 0;

        for (size_t i = 0; i < n_active; i++) {
                const struct activity *activity = &active[i]->activity;
                double level_uv = activity_level_uv(activity, at_s),
                       wave = activity_wave(activity, at_s);

                artefact_uv += activity->artefact * level_uv;
                if (active[i]->player)
                        continue;
                if (active[i]->drive)
                        cramp_drive_render(active[i]->drive, &channel->pool, level_uv, wave,
                                           at_s - activity->start_s, from, to, canvas);
                else
                        voluntary_uv = hypot(voluntary_uv, level_uv * wave);
        }

        if (voluntary_uv > 0 || channel->contracting)
                voluntary_drive_render(&channel->voluntary, &channel->pool, voluntary_uv, from, to,
                                       canvas);
        channel->contracting = voluntary_uv > 0;
        return artefact_uv;
}

static void corpus_render_muscle(struct corpus *corpus, unsigned index, struct playing **active) {
        struct channel *channel = &corpus->channels[index];
        double first = (double)corpus->blocks_made * (double)corpus->block;
        double begin_s = first / corpus->internal_hz, end_s = begin_s + 1;
        struct unit_canvas canvas = {.samples = channel->muscle, .first = first};
        size_t n_active = 0;

        memmove(channel->muscle, channel->muscle + corpus->block,
                channel->pool.length * sizeof(*channel->muscle));
        memset(channel->muscle + channel->pool.length, 0, corpus->block * sizeof(*channel->muscle));

        for (size_t i = 0; i < corpus->n_playing; i++) {
                struct playing *playing = &corpus->playing[i];
                const struct activity *activity = &playing->activity;

                if (activity->channel != index)
                        continue;
                playing_render_twitches(playing, channel, first + (double)corpus->block, &canvas);
                /* One second more on either side, as a drive must see the level reach 0. */
                if (activity->level_uv && activity->start_s < end_s + 1 &&
                    activity->start_s + (double)activity->n_levels / MODEL_ENVELOPE_HZ > begin_s - 1)
                        active[n_active++] = playing;
        }

        for (unsigned tick = 0; tick < MODEL_TICKS_PER_S; tick++) {
                double from = first + (double)(corpus->block * tick / MODEL_TICKS_PER_S);
                double to = first + (double)(corpus->block * (tick + 1) / MODEL_TICKS_PER_S);

                /* Real pieces are drawn below. */
                channel->artefacts[tick] =
                        (float)channel_render_tick(channel, active, n_active, from, to, &canvas);
        }

        for (size_t i = 0; i < n_active; i++)
                if (active[i]->player)
                        splice_player_render(active[i]->player, corpus->setup.material,
                                             &active[i]->activity, channel->muscle, corpus->block,
                                             first);
}

/* The samples of one tick: rest and muscles. */
static void channel_mix_tick(struct corpus *corpus, struct channel *channel, size_t from, size_t to,
                             double floor_gain) {
        unsigned n = corpus->setup.channels;

        for (size_t at = from; at < to; at++) {
                double rest_uv = corpus->setup.material
                                         ? channel->rest_uv * splice_stream_next(&channel->rest)
                                         : rest_noise_next(&channel->noise);
                double sum = floor_gain * rest_uv;

                for (unsigned other = 0; other < n; other++)
                        sum += channel->crosstalk[other] * (double)corpus->channels[other].muscle[at];
                channel->raw[corpus->past + at] = (float)sum;
        }
}

static bool corpus_floor_moves(const struct corpus *corpus, unsigned channel, double begin_s) {
        for (size_t i = 0; i < corpus->n_faults; i++)
                if (corpus->faults[i].kind == EVENT_FLOOR && corpus->faults[i].channel == channel &&
                    fault_concerns(&corpus->faults[i], begin_s, begin_s + 1))
                        return true;
        return false;
}

/* Everything together at the internal rate, behind the decimator's past. */
static void corpus_mix(struct corpus *corpus) {
        double begin_s = (double)corpus->blocks_made * (double)corpus->block / corpus->internal_hz;

        for (unsigned i = 0; i < corpus->setup.channels; i++) {
                struct channel *channel = &corpus->channels[i];
                bool moves = corpus_floor_moves(corpus, i, begin_s);

                memmove(channel->raw, channel->raw + corpus->block,
                        corpus->past * sizeof(*channel->raw));
                for (size_t tick = 0; tick < MODEL_TICKS_PER_S; tick++) {
                        double at_s = begin_s + (double)tick / MODEL_TICKS_PER_S;

                        channel_mix_tick(corpus, channel, corpus->block * tick / MODEL_TICKS_PER_S,
                                         corpus->block * (tick + 1) / MODEL_TICKS_PER_S,
                                         moves ? corpus_floor_gain(corpus, i, at_s) : 1);
                }
        }
}

static void corpus_mix_heart(struct corpus *corpus) {
        heart_render(&corpus->heart, (double)corpus->blocks_made * (double)corpus->block);
        for (unsigned i = 0; i < corpus->setup.channels; i++) {
                struct channel *channel = &corpus->channels[i];

                for (size_t at = 0; at < corpus->block; at++)
                        channel->raw[corpus->past + at] +=
                                (float)(channel->ecg_uv * (double)corpus->heart.samples[at]);
        }
}

static void corpus_mix_faults(struct corpus *corpus) {
        double first = (double)corpus->blocks_made * (double)corpus->block;
        double begin_s = first / corpus->internal_hz;

        for (size_t i = 0; i < corpus->n_faults; i++) {
                struct fault *fault = &corpus->faults[i];

                if (fault_concerns(fault, begin_s, begin_s + 1))
                        fault_apply(fault, corpus->channels[fault->channel].raw + corpus->past,
                                    corpus->block, first);
        }
}

static void corpus_mix_artefacts(struct corpus *corpus) {
        for (unsigned i = 0; i < corpus->setup.channels; i++) {
                struct channel *channel = &corpus->channels[i];

                for (size_t at = 0; at < corpus->block; at++) {
                        double level_uv = channel->artefacts[at * MODEL_TICKS_PER_S / corpus->block];

                        if (level_uv > 0)
                                channel->raw[corpus->past + at] +=
                                        (float)(level_uv * slow_noise_next(&channel->artefact));
                }
        }
}

static void corpus_mix_mains(struct corpus *corpus) {
        size_t tick = 0;

        for (size_t at = 0; at < corpus->block; at++) {
                if (at * MODEL_TICKS_PER_S / corpus->block >= tick) {
                        mains_drift(&corpus->mains, MODEL_TICKS_PER_S);
                        tick++;
                }
                for (unsigned i = 0; i < corpus->setup.channels; i++)
                        corpus->channels[i].raw[corpus->past + at] +=
                                (float)mains_coupling_uv(&corpus->channels[i].coupling, &corpus->mains);
                /* A quick clock sees a slow grid. */
                mains_advance(&corpus->mains,
                              corpus->internal_hz * (1 + corpus->setup.clock_ppm * 1e-6));
        }
}

static int32_t corpus_quantise(const struct corpus *corpus, double value_uv) {
        double count = rint(value_uv / corpus->setup.scale_uv);

        return (int32_t)fmin(fmax(count, corpus_digital_min(corpus->setup.bits)),
                             corpus_digital_max(corpus->setup.bits));
}

static void corpus_decimate(struct corpus *corpus) {
        const struct decimator *decimator = &corpus->decimator;
        unsigned n = corpus->columns;

        for (unsigned i = 0; i < corpus->setup.channels; i++) {
                const float *raw = corpus->channels[i].raw;

                for (size_t frame = 0; frame < corpus->setup.rate_hz; frame++) {
                        double sum = 0;

                        for (size_t tap = 0; tap < decimator->n_taps; tap++)
                                sum += decimator->taps[tap] *
                                       (double)raw[frame * decimator->factor + tap];
                        corpus->counts[frame * n + i] = corpus_quantise(corpus, sum);
                }
        }
}

static void corpus_add_motion(struct corpus *corpus, size_t delay) {
        unsigned n = corpus->columns, channels = corpus->setup.channels;
        double first = (double)corpus->blocks_made * corpus->setup.rate_hz - (double)delay;

        for (size_t frame = 0; frame < corpus->setup.rate_hz; frame++) {
                const double *g =
                        motion_at(&corpus->motion, (first + (double)frame) / corpus->setup.rate_hz);

                for (unsigned axis = 0; axis < MOTION_AXES; axis++)
                        corpus->counts[frame * n + channels + axis] = (int32_t)rint(
                                fmin(fmax(g[axis], -MODEL_MOTION_RANGE_G), MODEL_MOTION_RANGE_G) /
                                MODEL_MOTION_SCALE_G);
        }
}

static void corpus_make_block(struct corpus *corpus) {
        /* The filter's delay in whole output samples is left out at the beginning. */
        size_t delay = corpus->past / 2 / corpus->decimator.factor;

        for (unsigned i = 0; i < corpus->setup.channels; i++)
                corpus_render_muscle(corpus, i, corpus->active);
        corpus_mix(corpus);
        corpus_mix_artefacts(corpus);
        if (corpus->setup.mains_hz != 0)
                corpus_mix_mains(corpus);
        if (corpus->setup.ecg_uv > 0)
                corpus_mix_heart(corpus);
        corpus_mix_faults(corpus);
        corpus_decimate(corpus);
        if (corpus->setup.accelerometer)
                corpus_add_motion(corpus, delay);

        corpus->counts_at = corpus->blocks_made == 0 ? delay : 0;
        corpus->counts_end = corpus->setup.rate_hz;
        corpus->blocks_made++;
}

/* What was lost is as it was before. `counts` begins with frame number `first`. */
static void corpus_hold_gaps(struct corpus *corpus, int32_t *counts, uint64_t first, size_t frames) {
        unsigned n = corpus->columns;

        for (size_t i = 0; i < frames; i++) {
                const struct corpus_gap *gap = &corpus->gaps[corpus->next_gap];

                while (corpus->next_gap < corpus->n_gaps && first + i >= gap->first + gap->frames)
                        gap = &corpus->gaps[++corpus->next_gap];
                if (corpus->next_gap < corpus->n_gaps && first + i >= gap->first)
                        memcpy(counts + i * n, corpus->held, n * sizeof(*counts));
                else
                        memcpy(corpus->held, counts + i * n, n * sizeof(*counts));
        }
}

size_t corpus_read(struct corpus *corpus, int32_t *counts, size_t frames) {
        unsigned n = corpus->columns;
        size_t done = 0;

        if (frames > corpus->frames - corpus->frames_read)
                frames = (size_t)(corpus->frames - corpus->frames_read);

        while (done < frames) {
                size_t some;

                if (corpus->counts_at == corpus->counts_end)
                        corpus_make_block(corpus);
                some = corpus->counts_end - corpus->counts_at;
                if (some > frames - done)
                        some = frames - done;
                memcpy(counts + done * n, corpus->counts + corpus->counts_at * n,
                       some * n * sizeof(*counts));
                corpus->counts_at += some;
                done += some;
        }
        if (corpus->n_gaps > 0)
                corpus_hold_gaps(corpus, counts, corpus->frames_read, done);
        corpus->frames_read += done;
        return done;
}
