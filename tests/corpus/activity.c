/* SPDX-License-Identifier: MIT */
/* Envelopes of events: see activity.h. */
#include "tests/corpus/activity.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/basic/cleanup.h"
#include "tests/corpus/model.h"
#include "tests/corpus/shape.h"

#define STRIDE_BUMPS 3
#define TWITCHES_MAX 100000

/* Walking: activity over a stride from touchdown on, as bumps; measured on the Santuz gait (see
 * model.h), AH a choice. */
static const struct {
        double at, width, level_uv; /* shares of the stride (SD), RMS at the top */
} stride_bumps[CORPUS_MUSCLES][STRIDE_BUMPS] = {
        [MUSCLE_GM] = {{0.40, 0.055, 190}, {0.28, 0.06, 80}, {0.81, 0.03, 65}},
        [MUSCLE_GL] = {{0.42, 0.065, 88}, {0.16, 0.04, 20}},
        [MUSCLE_SO] = {{0.44, 0.08, 145}, {0.18, 0.07, 75}},
        [MUSCLE_TA] = {{0.02, 0.04, 170}, {0.74, 0.08, 95}, {0.97, 0.03, 60}},
        [MUSCLE_PL] = {{0.42, 0.08, 115}, {0.01, 0.05, 46}, {0.75, 0.08, 25}},
        [MUSCLE_AH] = {{0.45, 0.09, 70}},
        [MUSCLE_RF] = {{0.07, 0.05, 38}, {0.62, 0.06, 12}, {0.98, 0.03, 20}},
        [MUSCLE_BF] = {{0.93, 0.06, 118}, {0.01, 0.04, 50}},
};

/* A jerk of the leg bends the ankle up: so the front of the shin leads; the shares are a choice. */
static const double plm_shares[CORPUS_MUSCLES] = {
        [MUSCLE_GM] = 0.45, [MUSCLE_GL] = 0.4, [MUSCLE_SO] = 0.4, [MUSCLE_TA] = 1.3,
        [MUSCLE_PL] = 0.6,  [MUSCLE_AH] = 0.5, [MUSCLE_RF] = 0.4, [MUSCLE_BF] = 0.6,
};

/* Standing: the soleus most, the shin and thigh hardly; a choice. */
static const double stand_shares[CORPUS_MUSCLES] = {
        [MUSCLE_GM] = 0.7, [MUSCLE_GL] = 0.5,  [MUSCLE_SO] = 1,   [MUSCLE_TA] = 0.15,
        [MUSCLE_PL] = 0.4, [MUSCLE_AH] = 0.35, [MUSCLE_RF] = 0.2, [MUSCLE_BF] = 0.3,
};

static double trapezoid(const struct script_event *event, double at_s) {
        return shape_trapezoid(at_s, event->duration_s, event->rise_s, event->fall_s);
}

/* The level of the muscle alone that makes `ratio` x rest together with the rest, in the sensor's band.
 */
static double level_from_ratio(double ratio, const struct activity_scale *scale) {
        return scale->rest_uv * sqrt(fmax(ratio * ratio - 1, 0)) / scale->band_share;
}

static void fill_steady(struct activity *activity, const struct script_event *event,
                        const struct activity_scale *scale) {
        double ratio = event->ratio;

        if (event->within_reach)
                ratio = fmin(ratio, hypot(1, scale->reach_uv * scale->band_share / scale->rest_uv));
        for (size_t i = 0; i < activity->n_levels; i++) {
                double shape = trapezoid(event, (double)i / MODEL_ENVELOPE_HZ);

                activity->level_uv[i] =
                        (float)(ratio > 0 ? level_from_ratio(1 + (ratio - 1) * shape, scale)
                                          : event->level_uv * shape);
        }
}

/* Up quickly, then decaying: a quarter of the excess is left at the end, and goes within 2 s. */
static void fill_recovery(struct activity *activity, const struct script_event *event,
                          const struct activity_scale *scale) {
        for (size_t i = 0; i < activity->n_levels; i++) {
                double at_s = (double)i / MODEL_ENVELOPE_HZ;
                double shape =
                        shape_smooth_step(at_s / fmax(event->rise_s, 0.1)) *
                        exp(-log(4) * at_s / event->duration_s) *
                        shape_smooth_step((event->duration_s - at_s) / fmin(2, event->duration_s / 4));
                double excess = event->ratio > 0 ? event->ratio - 1
                                                 : event->level_uv * scale->band_share / scale->rest_uv;

                activity->level_uv[i] = (float)level_from_ratio(1 + excess * shape, scale);
        }
}

/* Turning over: bursts of 0.2-1.5 s about once a second. All muscles share their times, not their
 * strength. */
static void fill_movement(struct activity *activity, const struct script_event *event,
                          struct random *shared, struct random *own) {
        unsigned bursts = 2 + (unsigned)event->duration_s;
        double gain = random_lognormal(own, 1, 0.5);
        double between = MODEL_MOVEMENT_TONIC_MIN +
                         event->tonic * (MODEL_MOVEMENT_TONIC_MAX - MODEL_MOVEMENT_TONIC_MIN);

        for (unsigned burst = 0; burst < bursts; burst++) {
                double centre_s =
                        random_uniform(shared, 0, event->duration_s) + 0.1 * random_normal(own);
                double width_s = random_uniform(shared, 0.08, 0.5);
                double height_uv = event->level_uv * gain * random_lognormal(shared, 1, 0.5) *
                                   random_lognormal(own, 0.9, 0.5);

                for (size_t i = 0; i < activity->n_levels; i++) {
                        double x = ((double)i / MODEL_ENVELOPE_HZ - centre_s) / width_s;

                        activity->level_uv[i] += (float)(height_uv * exp(-x * x / 2));
                }
        }

        for (size_t i = 0; i < activity->n_levels; i++) {
                double at_s = (double)i / MODEL_ENVELOPE_HZ;
                double taper = shape_smooth_step(at_s / 0.4) *
                               shape_smooth_step((event->duration_s - at_s) / 0.6);

                activity->level_uv[i] = (float)(taper * ((1 - event->tonic) * activity->level_uv[i] +
                                                         between * event->level_uv * gain));
        }
}

static void fill_stride(struct activity *activity, enum corpus_muscle muscle, double start_s,
                        double stride_s, double scale) {
        for (unsigned bump = 0; bump < STRIDE_BUMPS; bump++) {
                double level_uv = stride_bumps[muscle][bump].level_uv * scale;
                double centre_s = start_s + stride_bumps[muscle][bump].at * stride_s;
                double width_s = stride_bumps[muscle][bump].width * stride_s;
                size_t first;

                if (level_uv <= 0)
                        continue;
                first = (size_t)fmax((centre_s - 5 * width_s) * MODEL_ENVELOPE_HZ, 0);
                for (size_t i = first; i < activity->n_levels; i++) {
                        double x = ((double)i / MODEL_ENVELOPE_HZ - centre_s) / width_s;

                        if (x > 5)
                                break;
                        activity->level_uv[i] += (float)(level_uv * exp(-x * x / 2));
                }
        }
}

static void fill_walk(struct activity *activity, const struct script_event *event,
                      enum corpus_muscle muscle, struct random *shared, struct random *own) {
        double scale = event->level_uv > 0 ? event->level_uv / 100 : 1;
        double at_s = -random_uniform(shared, 0, 1) * MODEL_STRIDE_S;

        while (at_s < event->duration_s) {
                double stride_s = MODEL_STRIDE_S * (1 + MODEL_STRIDE_CV * random_normal(shared));
                double stride_scale = scale * random_lognormal(own, 1, MODEL_STRIDE_LEVEL_CV);

                fill_stride(activity, muscle, at_s, stride_s, stride_scale);
                at_s += stride_s;
        }
        /* The small level between bursts: 4-9 uV in the Santuz gait, of which rest noise is a part. */
        for (size_t i = 0; i < activity->n_levels; i++) {
                double now_s = (double)i / MODEL_ENVELOPE_HZ;
                double taper = shape_smooth_step(now_s / 0.3) *
                               shape_smooth_step((event->duration_s - now_s) / 0.3);

                activity->level_uv[i] = (float)(taper * (activity->level_uv[i] + 3 * scale));
        }
}

/* A steady level of which each muscle has its share. */
static void fill_shared(struct activity *activity, const struct script_event *event, double share,
                        const struct activity_scale *scale) {
        fill_steady(activity, event, scale);
        for (size_t i = 0; i < activity->n_levels; i++)
                activity->level_uv[i] *= (float)share;
}

/* Slow noise between two corners: the difference of two one-pole filters' outputs, scaled to SD 1, as a
 * factor. */
static int activity_draw_wave(struct activity *activity, double roughness, struct random *own) {
        double fast = 1 - exp(-2 * M_PI * MODEL_ROUGHNESS_HIGH_HZ / MODEL_ENVELOPE_HZ);
        double slow = 1 - exp(-2 * M_PI * MODEL_ROUGHNESS_LOW_HZ / MODEL_ENVELOPE_HZ);
        double variance =
                fast / (2 - fast) + slow / (2 - slow) - 2 * fast * slow / (fast + slow - fast * slow);
        double quick = 0, lazy = 0;
        size_t settle = 5 * MODEL_ENVELOPE_HZ;

        activity->wave = calloc(activity->n_levels, sizeof(*activity->wave));
        if (!activity->wave)
                return -ENOMEM;

        for (size_t i = 0; i < settle + activity->n_levels; i++) {
                double white = random_normal(own);

                quick += fast * (white - quick);
                lazy += slow * (white - lazy);
                if (i >= settle)
                        activity->wave[i - settle] = (float)exp(
                                roughness * (quick - lazy) / sqrt(variance) - roughness * roughness);
        }
        return 0;
}

/* Second-order Butterworth filters (as in any textbook), low- or high-pass. */
struct biquad {
        double b0, b1, b2, a1, a2, first, second;
};

static void biquad_init(struct biquad *filter, double corner_hz, bool high) {
        double k = tan(M_PI * corner_hz / MODEL_ENVELOPE_HZ), norm = 1 / (1 + M_SQRT2 * k + k * k);
        double gain = high ? norm : k * k * norm;

        *filter = (struct biquad){gain,
                                  high ? -2 * gain : 2 * gain,
                                  gain,
                                  2 * (k * k - 1) * norm,
                                  (1 - M_SQRT2 * k + k * k) * norm,
                                  0,
                                  0};
}

static double biquad_next(struct biquad *filter, double in) {
        double out = filter->b0 * in + filter->first;

        filter->first = filter->b1 * in - filter->a1 * out + filter->second;
        filter->second = filter->b2 * in - filter->a2 * out;
        return out;
}

/* The SD that white noise of SD 1 has after both: the root of the impulse response's energy. */
static double band_deviation(struct biquad low, struct biquad high) {
        double energy = 0;

        for (unsigned i = 0; i < 60 * MODEL_ENVELOPE_HZ; i++) {
                double out = biquad_next(&high, biquad_next(&low, i == 0));

                energy += out * out;
        }
        return sqrt(energy);
}

/* What the drive's roughness must be for an envelope that is as rough as asked. */
static double banded_drive(const struct script_event *event) {
        double share = event->roughness / MODEL_HOME_ROUGHNESS_MAX;

        return event->kind == EVENT_CRAMP
                       ? event->roughness * (1 + MODEL_HOME_ROUGHNESS_CRAMP * share * share)
                       : event->roughness;
}

/* As above, but within the band: its SD is the roughness that one measures there. */
static int activity_draw_banded_wave(struct activity *activity, double roughness, struct random *own) {
        struct biquad low, high;
        size_t settle = 10 * MODEL_ENVELOPE_HZ;
        double gain;

        biquad_init(&low, MODEL_ROUGHNESS_HIGH_HZ, false);
        biquad_init(&high, MODEL_ROUGHNESS_LOW_HZ, true);
        gain = roughness / band_deviation(low, high);
        activity->wave = calloc(activity->n_levels, sizeof(*activity->wave));
        if (!activity->wave)
                return -ENOMEM;

        for (size_t i = 0; i < settle + activity->n_levels; i++) {
                double wave = gain * biquad_next(&high, biquad_next(&low, random_normal(own)));

                /* Mean square 1, as E[exp(2 x)] = exp(2 variance). */
                if (i >= settle)
                        activity->wave[i - settle] = (float)exp(wave - roughness * roughness);
        }
        return 0;
}

static void activity_measure(struct activity *activity, const struct activity_scale *scale) {
        double highest = 1;

        activity->twice_rest_s = -1;
        for (size_t i = 0; i < activity->n_levels; i++) {
                double ratio = hypot(activity->level_uv[i] * scale->band_share, scale->rest_uv) /
                               scale->rest_uv;

                highest = fmax(highest, ratio);
                if (activity->twice_rest_s < 0 && ratio >= 2)
                        activity->twice_rest_s = activity->start_s + (double)i / MODEL_ENVELOPE_HZ;
        }
        activity->ratio = highest;
}

static int activity_draw_twitches(struct activity *activity, const struct script_event *event,
                                  struct random *own) {
        double mean_s = 60 / event->per_minute, at_s = random_exponential(own, mean_s);

        while (at_s < event->duration_s) {
                double *twitches;

                if (activity->n_twitches >= TWITCHES_MAX)
                        return -E2BIG;
                twitches = reallocarray(activity->twitch_s, activity->n_twitches + 1, sizeof(*twitches));
                if (!twitches)
                        return -ENOMEM;
                activity->twitch_s = twitches;
                twitches[activity->n_twitches++] = event->start_s + at_s;
                at_s += random_exponential(own, mean_s);
        }
        return 0;
}

static int activity_fill(struct activity *activity, const struct script_event *event,
                         enum corpus_muscle muscle, const struct activity_scale *scale,
                         struct random *shared, struct random *own) {
        switch (event->kind) {
        case EVENT_RECOVERY:
                activity->cramp = true;
                fill_recovery(activity, event, scale);
                break;
        case EVENT_MOVEMENT:
                activity->artefact = MODEL_ARTEFACT_MOVEMENT;
                fill_movement(activity, event, shared, own);
                break;
        case EVENT_WALK:
                activity->artefact = MODEL_ARTEFACT_WALK;
                fill_walk(activity, event, muscle, shared, own);
                break;
        case EVENT_PLM:
                fill_shared(activity, event, plm_shares[muscle] * random_lognormal(own, 1, 0.3), scale);
                break;
        case EVENT_STAND:
                fill_shared(activity, event, stand_shares[muscle] * random_lognormal(own, 1, 0.15),
                            scale);
                break;
        default:
                activity->cramp = event->kind == EVENT_CRAMP;
                fill_steady(activity, event, scale);
        }
        activity_measure(activity, scale);
        if (event->roughness <= 0)
                return 0;
        return event->banded ? activity_draw_banded_wave(activity, banded_drive(event), own)
                             : activity_draw_wave(activity, event->roughness, own);
}

int activity_init(struct activity *activity, const struct script *script, size_t event,
                  enum corpus_muscle muscle, const struct activity_scale *scale, uint64_t seed) {
        const struct script_event *what = &script->events[event];
        struct random shared, own;
        int r;

        /* The muscles' own numbers start at 1; 0 is what they share. */
        random_init(&shared, seed, RANDOM_EVENT, event, 0);
        random_init(&own, seed, RANDOM_EVENT, event, (uint64_t)muscle + 1);

        *activity = (struct activity){
                .event = event, .start_s = what->start_s, .twice_rest_s = -1, .ratio = 1};
        if (what->kind == EVENT_FASCICULATIONS) {
                r = activity_draw_twitches(activity, what, &own);
                if (r < 0)
                        activity_done(activity);
                return r;
        }

        activity->n_levels = (size_t)(what->duration_s * MODEL_ENVELOPE_HZ) + 1;
        activity->level_uv = calloc(activity->n_levels, sizeof(*activity->level_uv));
        r = activity->level_uv ? activity_fill(activity, what, muscle, scale, &shared, &own) : -ENOMEM;
        if (r < 0)
                activity_done(activity);
        return r;
}

void activity_done(struct activity *activity) {
        free(activity->level_uv);
        free(activity->wave);
        free(activity->twitch_s);
        *activity = (struct activity){0};
}

/* Between two points of a curve over the activity's time; `outside` before and after. */
static double curve_at(const struct activity *activity, const float *curve, double at_s,
                       double outside) {
        double position = (at_s - activity->start_s) * MODEL_ENVELOPE_HZ;
        size_t whole;

        if (!curve || position < 0 || position >= (double)(activity->n_levels - 1))
                return outside;
        whole = (size_t)position;
        return curve[whole] + (position - (double)whole) * (double)(curve[whole + 1] - curve[whole]);
}

double activity_level_uv(const struct activity *activity, double at_s) {
        return curve_at(activity, activity->level_uv, at_s, 0);
}

double activity_wave(const struct activity *activity, double at_s) {
        return curve_at(activity, activity->wave, at_s, 1);
}
