/* SPDX-License-Identifier: MIT */
/* The cramp detector: see detector.h. This file owns the hop grid, gaps and the order of work within a
 * hop. */
#include "daemon/detector/detector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/detector/channel.h"
#include "daemon/detector/company.h"
#include "daemon/detector/episode.h"
#include "daemon/detector/history.h"
#include "daemon/detector/limb.h"

struct detector {
        struct channel_plan plan;
        struct channel *channels;
        uint32_t channel_count;
        struct history history;
        struct episode episode;
        struct limb limb;
        int32_t company_percent; /* of the other sensors; negative = not known */

        bool started;
        uint64_t expected_index; /* frame that comes next */
        uint64_t hop_index;      /* first frame of the hop in progress */
        uint64_t closed_index;   /* first frame after the last that was whole, or the stream's first */
        uint32_t hop_filled;

        double *envelope_uv, *level_uv, *floor_uv; /* for the live view */
        enum detector_quality *quality;
        detector_event_func on_event;
        detector_level_func on_level;
        detector_signal_func on_signal;
        double *signal_uv; /* one hop of all channels; NULL without on_signal */
        void *userdata;

        enum detector_sensitivity sensitivity;
        double evidence_factor; /* on top of that */
        double need;            /* both together: factor on the evidence that an alert takes */

        bool held; /* what moves was asked to */
};

DEFINE_CLEANUP(struct detector *, detector_free)

/* Of each step, and its name. */
static const struct {
        const char *name;
        double factor;
} sensitivities[DETECTOR_SENSITIVITY_MAX] = {
        [DETECTOR_SENSITIVITY_NORMAL] = {"normal", TUNING_SENSITIVITY_NORMAL},
        [DETECTOR_SENSITIVITY_LOW] = {"low", TUNING_SENSITIVITY_LOW},
        [DETECTOR_SENSITIVITY_HIGH] = {"high", TUNING_SENSITIVITY_HIGH},
};

int detector_set_evidence(struct detector *detector, enum detector_sensitivity sensitivity,
                          double evidence_factor) {
        if ((unsigned)sensitivity >= DETECTOR_SENSITIVITY_MAX ||
            !(evidence_factor >= DETECTOR_EVIDENCE_FACTOR_MIN &&
              evidence_factor <= DETECTOR_EVIDENCE_FACTOR_MAX))
                return -EINVAL;
        detector->sensitivity = sensitivity;
        detector->evidence_factor = evidence_factor;
        detector->need = sensitivities[sensitivity].factor * evidence_factor;
        return 0;
}

static bool setup_is_valid(const struct detector_setup *setup) {
        bool raw = setup->input == DETECTOR_RAW;

        if (setup->rate_mhz < (raw ? DETECTOR_RATE_MIN_MHZ : DETECTOR_ENVELOPE_RATE_MIN_MHZ) ||
            setup->rate_mhz > DETECTOR_RATE_MAX_MHZ || setup->channels < 1 ||
            setup->channels > DETECTOR_CHANNELS_MAX || !setup->scale_uv || !setup->on_event ||
            !(setup->motion_scale_g >= 0.0 && setup->motion_scale_g < 1e3))
                return false;

        /* Bounds, so that squares stay finite; no unit of this world lies outside. NaN fails, too. */
        for (uint32_t i = 0; i < setup->channels; i++)
                if (!(setup->scale_uv[i] > 1e-12 && setup->scale_uv[i] < 1e12))
                        return false;
        return true;
}

int detector_new(const struct detector_setup *setup, struct detector **ret) {
        _cleanup_(detector_freep) struct detector *detector = NULL;
        int r;

        if (!setup_is_valid(setup))
                return -EINVAL;

        detector = calloc(1, sizeof(*detector));
        if (!detector)
                return -ENOMEM;
        detector->on_event = setup->on_event;
        detector->on_level = setup->on_level;
        detector->on_signal = setup->on_signal;
        detector->userdata = setup->userdata;
        r = detector_set_evidence(detector, setup->sensitivity,
                                  setup->evidence_factor != 0.0 ? setup->evidence_factor : 1.0);
        if (r < 0)
                return r;

        limb_init(&detector->limb, setup->motion_scale_g);
        detector->company_percent = -1;
        r = channel_plan_init(&detector->plan, setup->rate_mhz, setup->input == DETECTOR_ENVELOPE);
        if (r < 0)
                return r;
        r = history_init(&detector->history, &detector->plan.grid, setup->channels);
        if (r < 0)
                return r;
        detector->envelope_uv = calloc(setup->channels, sizeof(double));
        detector->level_uv = calloc(setup->channels, sizeof(double));
        detector->floor_uv = calloc(setup->channels, sizeof(double));
        detector->channels = calloc(setup->channels, sizeof(struct channel));
        detector->quality = calloc(setup->channels, sizeof(*detector->quality));
        if (!detector->envelope_uv || !detector->level_uv || !detector->floor_uv ||
            !detector->channels || !detector->quality)
                return -ENOMEM;
        if (setup->on_signal) {
                detector->signal_uv =
                        calloc((size_t)setup->channels * detector->plan.grid.hop_frames, sizeof(double));
                if (!detector->signal_uv)
                        return -ENOMEM;
        }

        for (; detector->channel_count < setup->channels; detector->channel_count++) {
                r = channel_init(&detector->channels[detector->channel_count], &detector->plan,
                                 setup->scale_uv[detector->channel_count], !setup->arbitrary_unit);
                if (r < 0)
                        return r;
        }

        *ret = steal_pointer(&detector);
        return 0;
}

struct detector *detector_free(struct detector *detector) {
        if (!detector)
                return NULL;

        for (uint32_t i = 0; i < detector->channel_count; i++)
                channel_done(&detector->channels[i]);
        free(detector->channels);
        free(detector->signal_uv);
        free(detector->quality);
        free(detector->floor_uv);
        free(detector->level_uv);
        free(detector->envelope_uv);
        history_done(&detector->history);
        channel_plan_done(&detector->plan);
        free(detector);
        return NULL;
}

static struct episode_context detector_context(struct detector *detector, uint64_t end_index) {
        return (struct episode_context){
                .plan = &detector->plan,
                .channels = detector->channels,
                .channel_count = detector->channel_count,
                .history = &detector->history,
                .end_index = end_index,
                .alert_s = detector_needed_s(detector->sensitivity, detector->evidence_factor),
                .sensitivity = detector->sensitivity,
                .evidence_factor = detector->evidence_factor,
                .has_motion = detector->limb.scale_g > 0.0,
                .on_event = detector->on_event,
                .userdata = detector->userdata,
        };
}

/* How the others that can be judged rise while one does. */
struct together {
        double muscle_uv; /* of that one */
        double sum, most;
        unsigned judged;
};

static void together_add(struct together *together, double muscle_uv) {
        double share = (muscle_uv / together->muscle_uv - TUNING_CROSSTALK_SHARE) /
                       (TUNING_TOGETHER_SHARE - TUNING_CROSSTALK_SHARE);

        share = share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share;
        together->sum += share;
        if (share > together->most)
                together->most = share;
        together->judged++;
}

/* What its muscle adds beyond doubt. */
static double detector_companion_uv(const struct detector *detector, const struct channel *channel) {
        double rest_uv = channel_rest_uv(channel), usual_uv = channel->floor.usual_uv;

        if (usual_uv > TUNING_TOGETHER_USUAL_RATIO_MAX * rest_uv)
                usual_uv = TUNING_TOGETHER_USUAL_RATIO_MAX * rest_uv;
        if (usual_uv > rest_uv)
                rest_uv = usual_uv;
        return channel_muscle_uv(channel,
                                 rest_uv * (TUNING_TOGETHER_QUIET_RATIO +
                                            TUNING_TOGETHER_NOISES * detector->plan.grid.level_noise));
}

/* Other sensors tell how many times their rest they rise; that is taken to be as high as this one's. */
static double detector_company_uv(const struct detector *detector, const struct channel *channel) {
        double ratio = detector->company_percent / 100.0;

        return detector_company_rises(detector->company_percent)
                       ? channel_rest_uv(channel) * __builtin_sqrt(ratio * ratio - 1.0)
                       : 0.0;
}

/* Share of the other channels, those that can be judged, that rise together with this one; negative =
 * none can. Other sensors are one more. `ret_most`: how far the one does that rises most. */
static double detector_together(const struct detector *detector, uint32_t index, double *ret_most) {
        const struct channel *channel = &detector->channels[index];
        struct together together = {.muscle_uv = channel_muscle_uv(channel, channel_rest_uv(channel))};

        *ret_most = 0.0;
        if (!(together.muscle_uv > 0.0))
                return -1.0;

        for (uint32_t i = 0; i < detector->channel_count; i++) {
                const struct channel *other = &detector->channels[i];
                double muscle_uv;

                if (i == index || !channel_is_present(other) || !(other->floor.rest_uv > 0.0))
                        continue;
                muscle_uv = detector_companion_uv(detector, other);
                if (muscle_uv > 0.0 || !channel_is_off(other))
                        together_add(&together, muscle_uv);
        }
        if (detector->company_percent >= 0)
                together_add(&together, detector_company_uv(detector, channel));
        *ret_most = together.most;
        return together.judged > 0 ? together.sum / (double)together.judged : -1.0;
}

/* How much slow voltage there is beside what may be a muscle: 0 none, 1 as with a leg that moves. */
static double motion_of(double share) {
        share = (share - TUNING_ARTEFACT_FROM) / (TUNING_ARTEFACT_TO - TUNING_ARTEFACT_FROM);
        return share < 0.0 ? 0.0 : share > 1.0 ? 1.0 : share;
}

/* What cannot be judged neither adds nor takes away; after a while nothing is left to hold on to.
 * Returns true when there is nothing to judge. */
static bool detector_take_absence(const struct detector *detector, struct channel *channel) {
        if (channel_is_present(channel) || channel->stuck) {
                channel->absent_hops = 0;
                return false;
        }
        if (++channel->absent_hops == detector->plan.lost_hops &&
            detector->episode.state != DETECTOR_CRAMP)
                evidence_reset(&channel->evidence);
        return true;
}

/* Factor on the gain from what the other channels and the slow voltage do; `ret_others`: share of the
 * others that take part, negative if none can tell. */
static double detector_support(const struct detector *detector, uint32_t index, double slow_share,
                               double *ret_others) {
        struct evidence *evidence = &detector->channels[index].evidence;
        double motion = motion_of(slow_share), support = 1.0, moving = TUNING_ARTEFACT_GAIN,
               joined = 1.0;
        double most, together = detector_together(detector, index, &most);

        *ret_others = together;
        evidence->together = together < 0.0 ? 0.5 : together;
        if (together > evidence->company)
                evidence->company = together;
        if (!(evidence->companion > TUNING_COMPANY_JOINS))
                evidence->alone_s = evidence->score_s;
        if (most > evidence->companion)
                evidence->companion = most;
        if (!(evidence->motion > TUNING_ARTEFACT_CALM))
                evidence->calm_s = evidence->score_s;
        if (motion > evidence->motion)
                evidence->motion = motion;
        if (evidence->calm_s >= TUNING_ARTEFACT_BEFORE_S)
                moving = TUNING_ARTEFACT_BEFORE_GAIN;
        if (evidence->alone_s >= TUNING_COMPANY_AFTER_S)
                joined = TUNING_COMPANY_AFTER_SHARE;
        if (together >= 0.0)
                support = (1.0 + (TUNING_ISOLATED_GAIN - 1.0) * (1.0 - joined * evidence->companion)) *
                          (1.0 + (TUNING_TOGETHER_GAIN - 1.0) * joined * evidence->company);
        return support * (1.0 + (moving - 1.0) * evidence->motion);
}

/* Returns true when what looked like activity was a new rest, which it is from now on. */
static bool detector_take_newrest(const struct detector *detector, struct channel *channel,
                                  const struct evidence_input *input, double slow_share) {
        double newrest_uv =
                newrest_take(&channel->newrest,
                             &(struct newrest_input){.hop_s = input->hop_s,
                                                     .level_uv = input->level_uv,
                                                     .rest_uv = input->rest_uv,
                                                     .slow_share = slow_share,
                                                     .level_noise = detector->plan.grid.level_noise,
                                                     .known_uv = channel->floor.forgotten_uv,
                                                     .in_run = channel->evidence.score_s > 0.0});

        if (!(newrest_uv > 0.0) || detector->episode.state == DETECTOR_CRAMP)
                return false;
        floor_adopt(&channel->floor, newrest_uv, /* for_now= */ false);
        artefact_adopt(&channel->artefact);
        evidence_reset(&channel->evidence);
        newrest_reset(&channel->newrest);
        return true;
}

static void detector_weigh_channel(struct detector *detector, uint32_t index) {
        struct channel *channel = &detector->channels[index];
        struct evidence *evidence = &channel->evidence;
        double before_s = evidence->score_s, others = -1.0, slow_share;
        struct evidence_input input = {
                .hop_s = detector->plan.grid.hop_s,
                .envelope_uv = channel->envelope.envelope_uv,
                .level_uv = channel->envelope.level_uv,
                .reference_uv = channel->envelope.reference_uv,
                .support = 1.0,
                .max_s = TUNING_EVIDENCE_MAX_S * detector->need,
        };

        if (detector->held) {
                evidence_rebase(evidence, evidence->after_uv);
                return;
        }
        if (detector_take_absence(detector, channel))
                return;

        input.rest_uv = evidence_rest(evidence, channel->floor.rest_uv, input.level_uv);
        slow_share =
                artefact_share(&channel->artefact, &detector->plan.grid, input.level_uv, input.rest_uv);
        evidence->company -= evidence->company * input.hop_s / TUNING_COMPANY_MEMORY_S;
        evidence->companion -= evidence->companion * input.hop_s / TUNING_COMPANY_MEMORY_S;
        evidence->motion -= evidence->motion * input.hop_s / TUNING_ARTEFACT_MEMORY_S;
        if (evidence->score_s > 0.0)
                input.support = detector_support(detector, index, slow_share, &others);
        else if (detector->episode.state != DETECTOR_CRAMP)
                channel_restart_spectrum(channel, &detector->plan);
        if (detector->limb.scale_g > 0.0)
                input.support = evidence_move(evidence, input.hop_s, detector->limb.share,
                                              detector->limb.recent, input.support, others >= 0.0);
        if (detector_take_newrest(detector, channel, &input, slow_share))
                return;
        evidence_take(evidence, &input);
        trail_take(&channel->trail, evidence, before_s, others, detector->hop_index);
}

static void detector_feed_floors(struct detector *detector) {
        enum detector_state state = detector->episode.state;

        if (state == DETECTOR_SUSPECTED || state == DETECTOR_CRAMP || detector->held)
                return;

        for (uint32_t i = 0; i < detector->channel_count; i++) {
                struct channel *channel = &detector->channels[i];

                /* A line that stood still for seconds only is no rest. */
                if (channel->flat_hops == detector->plan.stuck_hops)
                        floor_retract(&channel->floor, channel->flat_hops);
                /* A tone that stays is part of it. */
                if (channel_is_measured(channel) && channel->drowned_hops == 0 &&
                    !channel_is_held(channel, &detector->plan) &&
                    channel->evidence.score_s < TUNING_FLOOR_FREEZE_S) {
                        floor_feed(&channel->floor, channel->envelope.envelope_uv);
                        floor_consult(&channel->floor, &detector->plan.grid, channel->prior_uv,
                                      channel->envelope.envelope_uv);
                        artefact_learn(&channel->artefact);
                }
        }
}

static void detector_tell_level(struct detector *detector, uint64_t end_index) {
        struct detector_level level = {
                .index = end_index,
                .frames = detector->plan.grid.hop_frames,
                .state = detector->episode.state,
                .channels = detector->channel_count,
                .envelope_uv = detector->envelope_uv,
                .level_uv = detector->level_uv,
                .floor_uv = detector->floor_uv,
                .quality = detector->quality,
        };

        if (!detector->on_level)
                return;

        for (uint32_t i = 0; i < detector->channel_count; i++) {
                detector->envelope_uv[i] = detector->channels[i].envelope.envelope_uv;
                detector->level_uv[i] = detector->channels[i].envelope.level_uv;
                detector->floor_uv[i] = detector->channels[i].floor.rest_uv;
                detector->quality[i] = detector->channels[i].quality.now;
        }
        detector->on_level(&level, detector->userdata);
}

/* `frame` is the last one of the hop. */
static void detector_close_hop(struct detector *detector, const int32_t *frame) {
        uint64_t end_index = detector->hop_index + detector->plan.grid.hop_frames;
        struct episode_context context = detector_context(detector, end_index);
        double *row = history_add(&detector->history, detector->hop_index);

        for (uint32_t i = 0; i < detector->channel_count; i++) {
                struct channel *channel = &detector->channels[i];

                channel_close_hop(channel, &detector->plan, frame[i]);
                row[i] = channel->envelope.hops > 0 ? envelope_power(&channel->envelope, 0) : -1.0;
        }
        limb_close_hop(&detector->limb, &detector->plan.grid);
        for (uint32_t i = 0; i < detector->channel_count; i++)
                detector_weigh_channel(detector, i);

        episode_step(&detector->episode, &context);
        detector_feed_floors(detector);
        detector_tell_level(detector, end_index);

        detector->hop_index = detector->closed_index = end_index;
        detector->hop_filled = 0;
}

static void detector_reset(struct detector *detector) {
        for (uint32_t i = 0; i < detector->channel_count; i++)
                channel_reset(&detector->channels[i], &detector->plan);
        history_reset(&detector->history);
        episode_reset(&detector->episode);
        detector->started = false;
}

void detector_set_motion(struct detector *detector, const int32_t *counts) {
        limb_set(&detector->limb, counts);
}

void detector_set_company(struct detector *detector, int32_t percent) {
        detector->company_percent = company_clamp(percent);
}

void detector_set_rest(struct detector *detector, const double *rest_uv) {
        for (uint32_t i = 0; i < detector->channel_count; i++)
                detector->channels[i].prior_uv = rest_uv ? rest_uv[i] : 0.0;
}

int detector_set_hold(struct detector *detector, bool held) {
        struct episode_context context = detector_context(detector, detector->hop_index);

        if (held && detector->episode.state == DETECTOR_CRAMP)
                return -EBUSY;
        if (held == detector->held)
                return 0;
        if (held)
                episode_break(&detector->episode, &context);
        /* No onset is looked for in what was held. */
        detector->history.barrier = detector->history.taken;
        detector->held = held;
        return 0;
}

/* Begins a new hop grid at this frame, after `gap` frames that never came. */
static void detector_start(struct detector *detector, uint64_t index, const int32_t *frame,
                           uint64_t gap) {
        for (uint32_t i = 0; i < detector->channel_count; i++)
                channel_restart(&detector->channels[i], &detector->plan, frame[i], gap);
        limb_restart(&detector->limb);
        if (!detector->started)
                detector->closed_index = index;
        detector->started = true;
        detector->expected_index = detector->hop_index = index;
        detector->hop_filled = 0;
}

static void detector_take_gap(struct detector *detector, uint64_t index, const int32_t *frame) {
        const struct grid *grid = &detector->plan.grid;
        struct episode_context context = detector_context(detector, detector->expected_index);
        uint64_t gap = index - detector->expected_index;

        /* Also when no hop was whole for so long. */
        if (gap > grid_frames(grid, TUNING_GAP_LOST_MS))
                episode_lose(&detector->episode, &context, detector->expected_index);
        else if (index - detector->closed_index > grid_frames(grid, TUNING_GAP_LOST_MS))
                episode_lose(&detector->episode, &context, detector->closed_index);
        else if (gap > grid_frames(grid, TUNING_GAP_SHORT_MS))
                episode_break(&detector->episode, &context);

        if (gap > grid_frames(grid, TUNING_GAP_FORGET_MS)) {
                struct episode before = detector->episode;

                detector_reset(detector);
                /* The muscle is the same. */
                detector->episode.had_one = before.had_one;
                detector->episode.again_until_index = before.again_until_index;
                gap = 0;
        } else if (gap > grid_frames(grid, TUNING_GAP_SHORT_MS)) {
                bool lost = gap > grid_frames(grid, TUNING_GAP_LOST_MS);

                /* What a cramp has left behind is still there after a moment. */
                for (uint32_t i = 0; i < detector->channel_count; i++)
                        evidence_rebase(&detector->channels[i].evidence,
                                        lost ? 0.0 : detector->channels[i].evidence.after_uv);
                detector->history.barrier = detector->history.taken;
        }
        detector_start(detector, index, frame, gap);
}

/* Of one channel, whose hop is in the plan's scratch still. */
static void signal_keep(struct detector *detector, uint32_t channel, size_t n) {
        if (!detector->signal_uv)
                return;
        for (size_t i = 0; i < n; i++)
                detector->signal_uv[i * detector->channel_count + channel] =
                        detector->plan.scratch_uv[i];
}

static void signal_give(struct detector *detector, const int32_t *counts, size_t n) {
        if (!detector->on_signal)
                return;
        detector->on_signal(
                &(struct detector_signal){.index = detector->expected_index,
                                          .frames = n,
                                          .channels = detector->channel_count,
                                          .counts = counts,
                                          .conditioned_uv = detector->signal_uv,
                                          .motion = detector->limb.known ? detector->limb.counts : NULL,
                                          .company_percent = detector->company_percent},
                detector->userdata);
}

int detector_push(struct detector *detector, uint64_t index, const int32_t *counts, size_t frames) {
        size_t stride = detector->channel_count;

        if (frames > UINT64_MAX - index)
                return -EINVAL;
        if (detector->started && index < detector->expected_index)
                return -ESTALE;
        if (frames == 0)
                return 0;

        if (!detector->started)
                detector_start(detector, index, counts, 0);
        else if (index > detector->expected_index)
                detector_take_gap(detector, index, counts);

        while (frames > 0) {
                size_t n = detector->plan.grid.hop_frames - detector->hop_filled;

                if (n > frames)
                        n = frames;
                for (uint32_t i = 0; i < detector->channel_count; i++) {
                        channel_push(&detector->channels[i], &detector->plan, counts + i, stride, n);
                        signal_keep(detector, i, n);
                }
                limb_push(&detector->limb, (uint32_t)n);
                signal_give(detector, counts, n);

                detector->hop_filled += (uint32_t)n;
                detector->expected_index += n;
                counts += n * stride;
                frames -= n;
                if (detector->hop_filled == detector->plan.grid.hop_frames)
                        detector_close_hop(detector, counts - stride);
        }
        return 0;
}

void detector_finish(struct detector *detector) {
        struct episode_context context = detector_context(detector, detector->expected_index);

        if (!detector->started)
                return;
        episode_finish(&detector->episode, &context, detector->expected_index);
        detector_reset(detector);
        limb_forget(&detector->limb);
}

enum detector_state detector_get_state(const struct detector *detector) {
        return detector->episode.state;
}

double detector_get_again_factor(const struct detector *detector) {
        return episode_again_factor(&detector->episode, detector->expected_index);
}

const char *detector_version(void) {
        return TUNING_VERSION;
}

double detector_needed_s(enum detector_sensitivity sensitivity, double evidence_factor) {
        if ((unsigned)sensitivity >= DETECTOR_SENSITIVITY_MAX)
                return 0.0;
        return TUNING_ALERT_S * (sensitivities[sensitivity].factor * evidence_factor);
}

const char *detector_sensitivity_to_string(enum detector_sensitivity sensitivity) {
        return (unsigned)sensitivity < DETECTOR_SENSITIVITY_MAX ? sensitivities[sensitivity].name : NULL;
}

int detector_sensitivity_from_string(const char *name) {
        for (int i = 0; i < DETECTOR_SENSITIVITY_MAX; i++)
                if (strcmp(sensitivities[i].name, name) == 0)
                        return i;
        return -EINVAL;
}

const char *detector_state_to_string(enum detector_state state) {
        static const char *const names[DETECTOR_STATE_MAX] = {
                [DETECTOR_REST] = "rest",
                [DETECTOR_SUSPECTED] = "suspected",
                [DETECTOR_CRAMP] = "cramp",
                [DETECTOR_RECOVERING] = "recovering",
        };

        return (unsigned)state < DETECTOR_STATE_MAX ? names[state] : NULL;
}

const char *detector_severity_to_string(enum detector_severity severity) {
        static const char *const names[DETECTOR_SEVERITY_MAX] = {
                [DETECTOR_MILD] = "mild",
                [DETECTOR_MODERATE] = "moderate",
                [DETECTOR_STRONG] = "strong",
        };

        return (unsigned)severity < DETECTOR_SEVERITY_MAX ? names[severity] : NULL;
}

const char *detector_end_reason_to_string(enum detector_end_reason reason) {
        static const char *const names[DETECTOR_END_REASON_MAX] = {
                [DETECTOR_END_SUBSIDED] = "subsided",
                [DETECTOR_END_SIGNAL_LOST] = "signal-lost",
                [DETECTOR_END_STREAM_END] = "stream-end",
        };

        return (unsigned)reason < DETECTOR_END_REASON_MAX ? names[reason] : NULL;
}
