/* SPDX-License-Identifier: MIT */
/* States and episodes: see episode.h. */
#include "daemon/detector/episode.h"

void episode_reset(struct episode *episode) {
        *episode = (struct episode){};
}

static void episode_enter(struct episode *episode, enum detector_state state) {
        episode->state = state;
        episode->state_hops = 0;
}

static enum detector_severity severity_of(double ratio) {
        if (ratio >= TUNING_STRONG_RATIO)
                return DETECTOR_STRONG;
        return ratio >= TUNING_MODERATE_RATIO ? DETECTOR_MODERATE : DETECTOR_MILD;
}

double episode_again_factor(const struct episode *episode, uint64_t index) {
        return episode->had_one && index <= episode->again_until_index ? TUNING_AGAIN_FACTOR : 1.0;
}

double episode_needed_s(const struct episode *episode, const struct episode_context *context) {
        return context->alert_s * episode_again_factor(episode, context->end_index);
}

static uint32_t lead_by_evidence(const struct episode_context *context) {
        uint32_t lead = 0;

        for (uint32_t i = 1; i < context->channel_count; i++)
                if (context->channels[i].evidence.score_s > context->channels[lead].evidence.score_s)
                        lead = i;
        return lead;
}

static uint64_t hop_before(const struct episode_context *context, uint64_t hops) {
        uint64_t newest = context->history->taken - 1;

        return newest > hops ? newest - hops : 0;
}

/*
 * A score from 0 to 1, the weighted mean of how high (1/2 at 2.5 times rest), how unbroken, how isolated
 * and how long (1/2 at 10 s) the activity was. One channel alone tells nothing about isolation and gets
 * the middle.
 */
static double episode_confidence(const struct episode *episode, const struct episode_context *context,
                                 uint64_t end_index) {
        double seconds = (double)(end_index - episode->onset_index) / context->plan->grid.rate_hz;
        double excess = episode->rest_uv > 0.0 ? episode->peak_level_uv / episode->rest_uv - 1.0 : 0.0;
        double height = excess > 0.0 ? excess / (excess + 1.5) : 0.0;
        double isolation = context->channel_count > 1 ? 1.0 - episode->together : 0.5;

        return 0.35 * height + 0.25 / (1.0 + episode->dips) + 0.2 * isolation +
               0.2 * seconds / (seconds + 10.0);
}

static void episode_tell(const struct episode *episode, const struct episode_context *context,
                         enum detector_event_type type) {
        struct detector_event event = {
                .type = type,
                .channel = episode->lead,
                .onset_index = episode->onset_index,
        };

        if (type != DETECTOR_EVENT_SUSPECTED && type != DETECTOR_EVENT_DISMISSED) {
                event.alert_index = episode->alert_index;
                event.severity = episode->severity;
                event.peak_uv = episode->peak_uv;
                event.rest_uv = episode->rest_uv;
                event.median_hz = channel_median_hz(&context->channels[episode->lead], context->plan);
                event.confidence = episode_confidence(episode, context, context->end_index);
        }
        if (type == DETECTOR_EVENT_ALERT)
                event.account = &episode->account;
        context->on_event(&event, context->userdata);
}

static void episode_locate(struct episode *episode, const struct episode_context *context) {
        const struct channel *lead = &context->channels[episode->lead];
        uint64_t onset = history_find_onset(context->history, &context->plan->grid, episode->lead,
                                            lead->floor.rest_uv, lead->floor.usual_uv);
        struct history_peak peak = history_find_peak(context->history, episode->lead, onset);

        episode->onset_index = history_index(context->history, onset);
        episode->rest_uv = lead->floor.rest_uv;
        episode->peak_uv = peak.envelope_uv;
        episode->peak_level_uv = peak.level_uv;
}

static void episode_suspect(struct episode *episode, const struct episode_context *context) {
        episode->lead = lead_by_evidence(context);
        episode_locate(episode, context);
        episode_enter(episode, DETECTOR_SUSPECTED);
        episode_tell(episode, context, DETECTOR_EVENT_SUSPECTED);
}

static void episode_dismiss(struct episode *episode, const struct episode_context *context) {
        for (uint32_t i = 0; i < context->channel_count; i++)
                evidence_drop(&context->channels[i].evidence);
        episode_enter(episode, DETECTOR_REST);
        episode_tell(episode, context, DETECTOR_EVENT_DISMISSED);
}

/* Channels that rise with the lead, and the lead itself. */
static uint64_t took_part(const struct episode_context *context, uint32_t lead) {
        const struct channel *leading = &context->channels[lead];
        double least_uv = TUNING_TOGETHER_SHARE * channel_muscle_uv(leading, channel_rest_uv(leading));
        uint64_t bits = 0;

        for (uint32_t i = 0; i < context->channel_count && i < 64; i++) {
                const struct channel *channel = &context->channels[i];

                if (i == lead ||
                    (channel_is_present(channel) && channel->evidence.ratio >= TUNING_TOGETHER_RATIO &&
                     channel_muscle_uv(channel, channel_rest_uv(channel)) >= least_uv))
                        bits |= UINT64_C(1) << i;
        }
        return bits;
}

static double peak_ratio(const struct episode *episode) {
        return episode->rest_uv > 0.0 ? episode->peak_level_uv / episode->rest_uv : 0.0;
}

static void episode_give_account(struct episode *episode, const struct episode_context *context) {
        const struct channel *lead = &context->channels[episode->lead];
        const struct trail *trail = &lead->trail;
        double hop_s = context->plan->grid.hop_s;

        episode->account = (struct detector_account){
                .sensitivity = context->sensitivity,
                .evidence_factor = context->evidence_factor,
                .again_factor = episode_again_factor(episode, context->end_index),
                .needed_s = episode_needed_s(episode, context),
                .from_index = trail->from_index,
                .active_s = trail->hops * hop_s,
                .unbroken_s = trail->unbroken_hops * hop_s,
                .ratio_alert = lead->evidence.ratio,
                .ratio_peak = peak_ratio(episode),
                .bridged = trail->bridged,
                .dips = trail->dips,
                .together = trail->together_hops > 0 ? trail->together_sum / trail->together_hops : -1.0,
                .moved = context->has_motion ? lead->evidence.rose : -1.0,
                .slow = lead->artefact.floor.usual_uv > 0.0 && trail->hops > 0
                                ? trail->slow_sum / trail->hops
                                : -1.0,
                .took_part = took_part(context, episode->lead),
                .quality = lead->quality.now,
                .points = trail->points,
                .point_frames = trail->stride * context->plan->grid.hop_frames,
        };
        for (uint32_t i = 0; i < trail->points; i++)
                episode->account.score_s[i] = trail->score_s[i];
}

/* Whose level is followed from now on. */
static void episode_watch(struct episode *episode, const struct episode_context *context,
                          uint32_t index) {
        const struct channel *channel = &context->channels[index];

        episode->watched = index;
        episode->watched_rest_uv = channel->floor.rest_uv;
        episode->level_uv = channel->envelope.level_uv;
        episode->absence_s = episode->lost_s = 0.0;
        episode->steadiness = (struct episode_steadiness){};
}

static void episode_alert(struct episode *episode, const struct episode_context *context) {
        const struct channel *lead;

        episode->lead = lead_by_evidence(context);
        lead = &context->channels[episode->lead];
        episode_locate(episode, context);

        episode->alert_index = context->end_index - 1;
        episode->severity = severity_of(episode->peak_level_uv / episode->rest_uv);
        episode->together = lead->evidence.together;
        episode->dips = lead->evidence.dips;
        episode_watch(episode, context, episode->lead);
        episode_give_account(episode, context);
        episode_enter(episode, DETECTOR_CRAMP);
        episode_tell(episode, context, DETECTOR_EVENT_ALERT);
}

static void episode_end(struct episode *episode, const struct episode_context *context,
                        enum detector_end_reason reason, uint64_t index) {
        struct detector_event event = {
                .type = DETECTOR_EVENT_END,
                .channel = episode->lead,
                .onset_index = episode->onset_index,
                .alert_index = episode->alert_index,
                /* What decided on the alert was activity. */
                .end_index = index > episode->alert_index ? index : episode->alert_index + 1,
                .severity = episode->severity,
                .end_reason = reason,
                .peak_uv = episode->peak_uv,
                .rest_uv = episode->rest_uv,
                .median_hz = channel_median_hz(&context->channels[episode->lead], context->plan),
        };

        event.confidence = episode_confidence(episode, context, event.end_index);
        episode->account.ratio_peak = peak_ratio(episode);
        event.account = &episode->account;

        for (uint32_t i = 0; i < context->channel_count; i++)
                evidence_rebase(&context->channels[i].evidence, context->channels[i].envelope.level_uv);
        context->history->barrier = context->history->taken;
        if (event.end_index - event.onset_index >=
            grid_frames(&context->plan->grid, TUNING_AGAIN_LEAST_MS)) {
                episode->had_one = true;
                episode->again_until_index =
                        event.end_index + grid_frames(&context->plan->grid, TUNING_AGAIN_MS);
        }
        episode->recovered_s = 0.0;
        episode_enter(episode, DETECTOR_RECOVERING);
        context->on_event(&event, context->userdata);
}

/* Returns true when the level has kept so still for so long that it must be a new floor. */
static bool steadiness_take(struct episode_steadiness *steadiness, const struct grid *grid,
                            double level_uv) {
        unsigned counts[2] = {TUNING_STEADY_SHORT_MEANS, TUNING_STEADY_MEANS};
        double ratios[2] = {TUNING_STEADY_SHORT_RATIO, TUNING_STEADY_RATIO};
        bool steady = false;

        steadiness->squares += level_uv * level_uv;
        if (++steadiness->hops < grid_hops(grid, TUNING_STEADY_MEAN_MS))
                return false;

        steadiness->level_uv[steadiness->next] =
                __builtin_sqrt(steadiness->squares / (double)steadiness->hops);
        steadiness->next = (steadiness->next + 1) % TUNING_STEADY_MEANS;
        if (steadiness->means < TUNING_STEADY_MEANS)
                steadiness->means++;
        steadiness->squares = 0.0;
        steadiness->hops = 0;

        for (unsigned k = 0; k < 2; k++) {
                double low = level_uv, high = 0.0;

                if (steadiness->means < counts[k])
                        continue;
                for (unsigned i = 1; i <= counts[k]; i++) {
                        double level =
                                steadiness->level_uv[(steadiness->next + TUNING_STEADY_MEANS - i) %
                                                     TUNING_STEADY_MEANS];

                        if (i == 1 || level < low)
                                low = level;
                        if (level > high)
                                high = level;
                }
                steady = steady || high <= low * ratios[k];
        }
        return steady;
}

/* Counts the time for which the activity has been absent; true when that is an end. */
static bool episode_watch_absence(struct episode *episode, const struct episode_context *context) {
        const struct channel *watched = &context->channels[episode->watched];
        double level_uv = watched->envelope.level_uv, hop_s = context->plan->grid.hop_s;
        double rest_uv = episode->watched_rest_uv;
        double edge_uv = rest_uv + TUNING_END_SHARE * (episode->level_uv - rest_uv);

        if (edge_uv < TUNING_END_RATIO * rest_uv)
                edge_uv = TUNING_END_RATIO * rest_uv;

        if (watched->envelope.envelope_uv < edge_uv) {
                /* The envelope falls below when all of its hops have. */
                if (!(episode->absence_s > 0.0))
                        episode->absence_index = history_index(
                                context->history, hop_before(context, TUNING_ENVELOPE_HOPS - 1));
                episode->absence_s += hop_s;
        } else {
                episode->absence_s -= TUNING_END_RETURN * hop_s;
                if (!(episode->absence_s > 0.0)) {
                        episode->absence_s = 0.0;
                        episode->dips = watched->evidence.dips;
                }
        }

        episode->level_uv +=
                (level_uv - episode->level_uv) * hop_s /
                (level_uv > episode->level_uv ? TUNING_EPISODE_RISE_S : TUNING_EPISODE_FALL_S);
        return episode->absence_s >= TUNING_END_HOLD_S;
}

static void episode_watch_severity(struct episode *episode, const struct episode_context *context) {
        const struct channel *lead = &context->channels[episode->lead];
        enum detector_severity severity;

        if (lead->envelope.envelope_uv > episode->peak_uv)
                episode->peak_uv = lead->envelope.envelope_uv;
        if (lead->envelope.hops >= TUNING_LEVEL_HOPS && lead->envelope.level_uv > episode->peak_level_uv)
                episode->peak_level_uv = lead->envelope.level_uv;

        severity = severity_of(episode->peak_level_uv / episode->rest_uv);
        if (severity > episode->severity) {
                episode->severity = severity;
                episode_tell(episode, context, DETECTOR_EVENT_UPDATE);
        }
}

/* Whether something of the muscle is to be seen there: an electrode that is off is quieter than rest. */
static bool episode_is_seen(const struct episode *episode, const struct channel *watched) {
        return channel_is_present(watched) &&
               watched->envelope.level_uv >= TUNING_END_OFF_SHARE * episode->watched_rest_uv;
}

/* When the cramp has ended in one channel: true if it goes on in another, which is followed then. */
static bool episode_goes_on(struct episode *episode, const struct episode_context *context) {
        double needed_s = episode_needed_s(episode, context), most_s = 0.0;
        uint32_t next = episode->watched;

        for (uint32_t i = 0; i < context->channel_count; i++) {
                const struct channel *channel = &context->channels[i];

                if (i == episode->watched || !channel_is_present(channel) ||
                    channel->evidence.score_s < needed_s || channel->evidence.score_s <= most_s ||
                    channel->envelope.level_uv < TUNING_END_GOES_ON_RATIO * channel_rest_uv(channel))
                        continue;
                most_s = channel->evidence.score_s;
                next = i;
        }
        if (next == episode->watched)
                return false;
        episode_watch(episode, context, next);
        return true;
}

static void episode_step_cramp(struct episode *episode, const struct episode_context *context) {
        struct channel *watched = &context->channels[episode->watched];

        if (!episode_is_seen(episode, watched)) {
                if (!(episode->lost_s > 0.0))
                        episode->lost_index = history_index(context->history, hop_before(context, 0));
                episode->lost_s += context->plan->grid.hop_s;
                if (episode->lost_s * 1000.0 >= (double)TUNING_GAP_LOST_MS)
                        episode_end(episode, context, DETECTOR_END_SIGNAL_LOST, episode->lost_index);
                return;
        }

        episode->lost_s = 0.0;
        episode_watch_severity(episode, context);
        if (episode_watch_absence(episode, context)) {
                if (!episode_goes_on(episode, context))
                        episode_end(episode, context, DETECTOR_END_SUBSIDED, episode->absence_index);
        } else if (steadiness_take(&episode->steadiness, &context->plan->grid,
                                   watched->envelope.level_uv)) {
                floor_adopt(&watched->floor, episode->level_uv, /* for_now= */ true);
                episode_end(episode, context, DETECTOR_END_SUBSIDED, context->end_index);
        }
}

static void episode_step_recovering(struct episode *episode, const struct episode_context *context) {
        const struct channel *lead = &context->channels[episode->lead];

        if (channel_is_present(lead) &&
            lead->envelope.level_uv < TUNING_RECOVERED_RATIO * lead->floor.rest_uv)
                episode->recovered_s += context->plan->grid.hop_s;
        else
                episode->recovered_s = 0.0;
        if (episode->recovered_s >= TUNING_RECOVERED_S)
                episode_enter(episode, DETECTOR_REST);
}

void episode_step(struct episode *episode, const struct episode_context *context) {
        const struct evidence *evidence = &context->channels[lead_by_evidence(context)].evidence;
        double score_s = evidence->score_s;

        episode->state_hops++;
        switch (episode->state) {
        case DETECTOR_RECOVERING:
                episode_step_recovering(episode, context);
                if (score_s >= TUNING_SUSPECT_S)
                        episode_suspect(episode, context);
                break;
        case DETECTOR_SUSPECTED:
                if (score_s >= episode_needed_s(episode, context) &&
                    evidence->run_hops >= grid_hops(&context->plan->grid, TUNING_ALERT_LEAST_MS))
                        episode_alert(episode, context);
                else if (score_s < TUNING_DISMISS_S ||
                         episode->state_hops >= grid_hops(&context->plan->grid, TUNING_SUSPECT_MAX_MS))
                        episode_dismiss(episode, context);
                break;
        case DETECTOR_CRAMP:
                episode_step_cramp(episode, context);
                break;
        case DETECTOR_REST:
        default:
                if (score_s >= TUNING_SUSPECT_S)
                        episode_suspect(episode, context);
                break;
        }
}

void episode_break(struct episode *episode, const struct episode_context *context) {
        if (episode->state == DETECTOR_SUSPECTED)
                episode_dismiss(episode, context);
}

void episode_lose(struct episode *episode, const struct episode_context *context, uint64_t index) {
        episode_break(episode, context);
        if (episode->state == DETECTOR_CRAMP)
                episode_end(episode, context, DETECTOR_END_SIGNAL_LOST, index);
}

void episode_finish(struct episode *episode, const struct episode_context *context, uint64_t index) {
        episode_break(episode, context);
        if (episode->state == DETECTOR_CRAMP)
                episode_end(episode, context, DETECTOR_END_STREAM_END, index);
}
