/* SPDX-License-Identifier: MIT */
/* Real pieces put together: see splice.h. */
#include "tests/corpus/splice.h"

#include <math.h>
#include <stdlib.h>

#include "tests/corpus/model.h"
#include "tests/corpus/shape.h"

static void set_done(struct splice_set *set) {
        for (size_t i = 0; i < set->n; i++)
                free(set->pieces[i].samples);
}

struct splice *splice_free(struct splice *splice) {
        if (!splice)
                return NULL;
        set_done(&splice->holds);
        set_done(&splice->bursts);
        set_done(&splice->rests);
        for (size_t i = 0; i < splice->n_strides; i++)
                for (unsigned muscle = 0; muscle < CORPUS_MUSCLES; muscle++)
                        free(splice->strides[i].samples[muscle]);
        free(splice);
        return NULL;
}

/* Any excerpt of at least three fades or a third of the piece, either way up. */
static struct splice_voice stream_draw(struct splice_stream *stream) {
        size_t n = stream->piece->n;
        double least = fmax(3.0 * (double)stream->fade, (double)n / 3);
        size_t length = (size_t)random_uniform(&stream->random, fmin(least, (double)n), (double)n);

        return (struct splice_voice){
                .at = (size_t)random_uniform(&stream->random, 0, (double)(n - length)),
                .left = length,
                .sign = random_uniform(&stream->random, 0, 1) < 0.5 ? -1 : 1,
        };
}

void splice_stream_init(struct splice_stream *stream, const struct splice_piece *piece,
                        const struct random *random, size_t fade) {
        *stream = (struct splice_stream){.piece = piece, .random = *random};
        stream->fade = fade < piece->n / 3 ? fade : piece->n / 3;
        stream->now = stream_draw(stream);
}

static double voice_next(const struct splice_stream *stream, struct splice_voice *voice) {
        voice->left--;
        return voice->sign * (double)stream->piece->samples[voice->at++];
}

double splice_stream_next(struct splice_stream *stream) {
        double share, value;

        if (stream->now.left == 0)
                stream->now = stream->next;
        if (stream->now.left > stream->fade)
                return voice_next(stream, &stream->now);

        /* The power stays: the excerpts have nothing to do with each other. */
        if (stream->now.left == stream->fade)
                stream->next = stream_draw(stream);
        share = (double)stream->now.left / (double)(stream->fade + 1);
        value = sqrt(share) * voice_next(stream, &stream->now);
        return value + sqrt(1 - share) * voice_next(stream, &stream->next);
}

bool splice_keeps_level(enum event_kind kind) {
        return kind != EVENT_MOVEMENT && kind != EVENT_PLM && kind != EVENT_WALK;
}

static const struct splice_piece *set_choose(const struct splice_set *set, struct random *random) {
        return &set->pieces[random_below(random, (unsigned)set->n)];
}

/* Times and pieces are shared by all muscles, strengths are their own. */
static void player_plan_bursts(struct splice_player *player, const struct splice *splice,
                               const struct script_event *event, struct random *own) {
        bool jerk = event->kind == EVENT_PLM;
        double gain = random_lognormal(own, 1, jerk ? 0.3 : 0.5);
        size_t n = (size_t)(jerk ? 1 + event->duration_s / 2 : 2 + event->duration_s);

        for (size_t i = 0; i < n && i < SPLICE_BURSTS_MAX; i++) {
                struct splice_burst *burst = &player->bursts[player->n_bursts++];
                double length_s;

                burst->piece = set_choose(&splice->bursts, &player->shared);
                length_s = (double)burst->piece->n / splice->internal_hz;
                burst->at_s =
                        random_uniform(&player->shared, 0, fmax(event->duration_s - length_s, 0.1));
                burst->gain_uv = event->level_uv * gain * random_lognormal(&player->shared, 1, 0.5) *
                                 random_lognormal(own, 0.9, 0.5);
        }
}

void splice_player_init(struct splice_player *player, const struct splice *splice,
                        const struct script_event *event, size_t index, enum corpus_muscle muscle,
                        uint64_t seed) {
        struct random own;

        *player = (struct splice_player){.kind = event->kind, .duration_s = event->duration_s};
        random_init(&player->shared, seed, RANDOM_SPLICE, index, 0);
        random_init(&own, seed, RANDOM_SPLICE, index, 1 + (uint64_t)muscle);

        if (event->kind == EVENT_WALK)
                player->stride_gain = (event->level_uv > 0 ? event->level_uv / 100 : 1) *
                                      random_lognormal(&own, 1, MODEL_STRIDE_LEVEL_CV);
        else if (splice_keeps_level(event->kind))
                splice_stream_init(&player->stream, set_choose(&splice->holds, &own), &own,
                                   (size_t)(MODEL_SPLICE_FADE_S * splice->internal_hz));
        else
                player_plan_bursts(player, splice, event, &own);
}

static double taper_at(const struct splice_player *player, double at_s) {
        return shape_trapezoid(at_s, player->duration_s, 0.1, 0.2);
}

static void render_bursts(const struct splice_player *player, const struct splice *splice,
                          double start_s, float *samples, size_t n, double first) {
        for (size_t i = 0; i < player->n_bursts; i++) {
                const struct splice_burst *burst = &player->bursts[i];
                long from = lrint((start_s + burst->at_s) * splice->internal_hz - first);

                for (size_t k = 0; k < burst->piece->n; k++) {
                        long at = from + (long)k;
                        double since_s = burst->at_s + (double)k / splice->internal_hz;

                        if (at >= 0 && at < (long)n)
                                samples[at] += (float)(burst->gain_uv * taper_at(player, since_s) *
                                                       (double)burst->piece->samples[k]);
                }
        }
}

static double stride_next(struct splice_player *player, const struct splice *splice,
                          enum corpus_muscle muscle) {
        if (!player->stride || player->stride_at == player->stride->n) {
                player->stride =
                        &splice->strides[random_below(&player->shared, (unsigned)splice->n_strides)];
                player->stride_at = 0;
        }
        return player->stride_gain * (double)player->stride->samples[muscle][player->stride_at++];
}

void splice_player_render(struct splice_player *player, const struct splice *splice,
                          const struct activity *activity, float *samples, size_t n, double first) {
        if (!splice_keeps_level(player->kind) && player->kind != EVENT_WALK) {
                render_bursts(player, splice, activity->start_s, samples, n, first);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                double at_s = (first + (double)i) / splice->internal_hz;
                double since_s = at_s - activity->start_s;

                if (since_s < 0)
                        continue;
                if (since_s >= player->duration_s)
                        break;
                if (player->kind == EVENT_WALK)
                        samples[i] += (float)(taper_at(player, since_s) *
                                              stride_next(player, splice,
                                                          (enum corpus_muscle)activity->channel));
                else
                        samples[i] += (float)(activity_level_uv(activity, at_s) *
                                              splice_stream_next(&player->stream));
        }
}
