/* SPDX-License-Identifier: MIT */
/* Threshold rivals: see threshold.h. */
#include "tests/evaluate/threshold.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/basic/cleanup.h"

#define LEARN_S 30.0
/* Rest is believed after so many steps. */
#define LEARN_STEPS_MIN (5 * THRESHOLD_STEPS_PER_S)
/* Filters forget a start or a gap in this time. */
#define SETTLE_STEPS (THRESHOLD_STEPS_PER_S / 2)
#define GAP_BREAK_S 1.0
#define FREEZE_S 1.0
/* Outliers that last so long are rest after all. */
#define OUTLIERS_S 60.0
#define OUTLIER_DEVIATIONS 3.0
#define END_S 5.0
#define STUCK_S 600.0
/* Another channel's rise over this one's from which on it takes part. */
#define TOGETHER_SHARE 0.5

/* One setting on one channel. */
struct watch {
        struct rest rest;
        bool active, alerted;
        uint64_t start_index, last_index; /* of the run: first frame, frame after the last above */
        double sum;                       /* of values in the run */
        unsigned steps;
        unsigned outliers; /* steps that were not learnt from in a row */
};

/* One setting of the sensor: its channels' alarms are one. */
struct siren {
        bool on;
        struct rival_alarm alarm;
};

struct threshold_rival {
        struct rival rival;
        const struct threshold_family *family;
        unsigned step_frames, filled, step, settling;
        bool started;
        uint64_t expected_index, step_index;
        struct feature *features; /* per channel */
        struct watch *watches;    /* per setting and channel */
        struct siren *sirens;     /* per setting */
};

struct rival_setting threshold_setting(const struct rival_kind *kind, size_t setting) {
        const struct threshold_family *family = kind->data;
        size_t bridge = setting % family->n_bridges, rest = setting / family->n_bridges;

        return (struct rival_setting){.threshold = family->thresholds[rest / family->n_holds],
                                      .hold_s = family->holds_s[rest % family->n_holds],
                                      .bridge_s = family->bridges_s[bridge]};
}

void rest_learn_moments(struct rest *rest, const struct feature *feature) {
        double share = 1 / (LEARN_S * THRESHOLD_STEPS_PER_S);

        /* A plain mean at first. */
        if (rest->steps * share < 1)
                share = 1 / (rest->steps + 1.0);
        rest->mean += share * (feature->learn - rest->mean);
        rest->square += share * (feature->learn * feature->learn - rest->square);
}

double rest_deviation(const struct rest *rest) {
        return sqrt(fmax(rest->square - rest->mean * rest->mean, 0));
}

bool rest_is_outlier(const struct rest *rest, const struct feature *feature) {
        return rest->steps >= LEARN_STEPS_MIN &&
               feature->learn > rest->mean + OUTLIER_DEVIATIONS * rest_deviation(rest);
}

double feature_rms(const struct feature *feature, unsigned step, unsigned n) {
        double sum = 0;

        for (unsigned i = 0; i < n; i++)
                sum += feature->recent[(step + THRESHOLD_STEPS_PER_S - i) % THRESHOLD_STEPS_PER_S];
        return sqrt(sum / n);
}

struct rival *threshold_free(struct rival *rival) {
        struct threshold_rival *own = (struct threshold_rival *)rival;

        if (!own)
                return NULL;
        free(own->features);
        free(own->watches);
        free(own->sirens);
        free(own);
        return NULL;
}

int threshold_new(const struct rival_kind *kind, const struct rival_setup *setup, struct rival **ret) {
        struct threshold_rival *own = calloc(1, sizeof(*own));

        if (!own)
                return -ENOMEM;
        own->rival = (struct rival){.kind = kind, .setup = *setup};
        own->family = kind->data;
        own->step_frames = (setup->rate_hz + THRESHOLD_STEPS_PER_S / 2) / THRESHOLD_STEPS_PER_S;
        own->features = calloc(setup->channels, sizeof(*own->features));
        own->watches = calloc(setup->channels * kind->n_settings, sizeof(*own->watches));
        own->sirens = calloc(kind->n_settings, sizeof(*own->sirens));
        if (!own->features || !own->watches || !own->sirens) {
                threshold_free(&own->rival);
                return -ENOMEM;
        }
        *ret = &own->rival;
        return 0;
}

static struct watch *watches_of(const struct threshold_rival *own, size_t setting) {
        return own->watches + setting * own->rival.setup.channels;
}

/* Another channel rises at least half as much over its own rest. */
static bool others_take_part(const struct threshold_rival *own, const struct watch *watches,
                             unsigned channel) {
        double rise = own->features[channel].value / watches[channel].rest.level - 1;

        for (unsigned i = 0; i < own->rival.setup.channels; i++)
                if (i != channel &&
                    own->features[i].value / watches[i].rest.level - 1 > TOGETHER_SHARE * rise)
                        return true;
        return false;
}

static double seconds(const struct threshold_rival *own, uint64_t frames) {
        return (double)frames / own->rival.setup.rate_hz;
}

static void watch_break(struct watch *watch) {
        watch->active = watch->alerted = false;
}

/* Follows the run; returns whether the alert is due with this step. */
static bool watch_run(struct watch *watch, const struct threshold_rival *own, unsigned channel,
                      const struct rival_setting *setting, bool counts) {
        const struct feature *feature = &own->features[channel];
        uint64_t end_index = own->step_index + own->step_frames;
        bool above = counts && feature->value > (watch->active ? watch->rest.off : watch->rest.on);

        if (above && !watch->active) {
                watch->active = true;
                watch->start_index = own->step_index;
                watch->sum = 0;
                watch->steps = 0;
        }
        if (!watch->active)
                return false;

        watch->sum += feature->value;
        watch->steps++;
        if (above)
                watch->last_index = end_index;
        /* Half a step, because steps are not exact at every rate. */
        else if (seconds(own, end_index - watch->last_index) >
                 (watch->alerted ? END_S : setting->bridge_s) + 0.5 / THRESHOLD_STEPS_PER_S)
                watch_break(watch);

        if (watch->active && watch->alerted && seconds(own, end_index - watch->start_index) > STUCK_S) {
                watch_break(watch);
                watch->rest = (struct rest){0};
        }
        return above && watch->active && !watch->alerted &&
               seconds(own, watch->last_index - watch->start_index) >= setting->hold_s &&
               watch->sum / watch->steps >= own->family->mean_share_min * watch->rest.on;
}

static void watch_learn(struct watch *watch, const struct threshold_rival *own, unsigned channel,
                        const struct rival_setting *setting) {
        struct rest *rest = &watch->rest;
        uint64_t end_index = own->step_index + own->step_frames;

        if (watch->active && seconds(own, end_index - watch->start_index) > FREEZE_S)
                return;
        if (own->family->is_outlier && own->family->is_outlier(rest, &own->features[channel]) &&
            watch->outliers < OUTLIERS_S * THRESHOLD_STEPS_PER_S) {
                watch->outliers++;
                return;
        }
        watch->outliers = 0;
        own->family->learn(rest, &own->features[channel]);
        rest->steps++;
        if (rest->steps % THRESHOLD_STEPS_PER_S == 0)
                own->family->set(rest, setting->threshold);
}

static void siren_step(struct threshold_rival *own, size_t setting, bool any_alerted, bool due,
                       uint64_t onset_index, uint64_t last_index) {
        struct siren *siren = &own->sirens[setting];
        uint64_t end_index = own->step_index + own->step_frames;

        if (due && !siren->on) {
                siren->on = true;
                siren->alarm = (struct rival_alarm){.onset_index = onset_index,
                                                    .alert_index = end_index - 1,
                                                    .end_index = end_index};
        }
        if (!siren->on)
                return;
        if (last_index > siren->alarm.end_index)
                siren->alarm.end_index = last_index;
        if (!any_alerted) {
                siren->on = false;
                own->rival.setup.on_alarm(setting, &siren->alarm, own->rival.setup.userdata);
        }
}

static void threshold_step_setting(struct threshold_rival *own, size_t index) {
        struct rival_setting setting = threshold_setting(own->rival.kind, index);
        struct watch *watches = watches_of(own, index);
        bool any_alerted = false, due = false;
        uint64_t onset_index = 0, last_index = 0;

        for (unsigned i = 0; i < own->rival.setup.channels; i++) {
                struct watch *watch = &watches[i];
                bool known = watch->rest.steps >= LEARN_STEPS_MIN;
                bool counts = known && !(own->family->alone && others_take_part(own, watches, i));

                if (known && watch_run(watch, own, i, &setting, counts)) {
                        watch->alerted = due = true;
                        onset_index = watch->start_index;
                }
                if (watch->alerted) {
                        any_alerted = true;
                        if (watch->last_index > last_index)
                                last_index = watch->last_index;
                }
                watch_learn(watch, own, i, &setting);
        }
        siren_step(own, index, any_alerted, due, onset_index, last_index);
}

static void threshold_close_step(struct threshold_rival *own) {
        for (unsigned i = 0; i < own->rival.setup.channels; i++)
                own->family->close(&own->features[i], own->filled, own->step);
        own->step++;

        if (own->settling > 0)
                own->settling--;
        else
                for (size_t i = 0; i < own->rival.kind->n_settings; i++)
                        threshold_step_setting(own, i);
        own->step_index += own->filled;
        own->filled = 0;
}

/* The beginning, or behind a gap: filters start anew, long gaps break runs. */
static void threshold_restart(struct threshold_rival *own, uint64_t index) {
        unsigned channels = own->rival.setup.channels;

        for (unsigned i = 0; i < channels; i++) {
                own->features[i] = (struct feature){0};
                if (own->family->init)
                        own->family->init(&own->features[i], own->rival.setup.rate_hz);
        }
        if (own->started && seconds(own, index - own->expected_index) > GAP_BREAK_S)
                for (size_t i = 0; i < channels * own->rival.kind->n_settings; i++)
                        if (!own->watches[i].alerted)
                                watch_break(&own->watches[i]);
        own->started = true;
        own->settling = SETTLE_STEPS;
        own->expected_index = own->step_index = index;
        own->filled = 0;
}

void threshold_push(struct rival *rival, const struct detector_signal *signal) {
        struct threshold_rival *own = (struct threshold_rival *)rival;
        unsigned channels = own->rival.setup.channels;

        if (!own->started || signal->index != own->expected_index)
                threshold_restart(own, signal->index);

        for (size_t frame = 0; frame < signal->frames; frame++) {
                for (unsigned i = 0; i < channels; i++)
                        own->family->take(&own->features[i],
                                          signal->conditioned_uv[frame * channels + i]);
                own->filled++;
                if (own->filled == own->step_frames)
                        threshold_close_step(own);
        }
        own->expected_index += signal->frames;
}

void threshold_finish(struct rival *rival) {
        struct threshold_rival *own = (struct threshold_rival *)rival;

        for (size_t i = 0; i < rival->kind->n_settings; i++)
                if (own->sirens[i].on)
                        rival->setup.on_alarm(i, &own->sirens[i].alarm, rival->setup.userdata);
}
