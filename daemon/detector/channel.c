/* SPDX-License-Identifier: MIT */
/* One channel: see channel.h. */
#include "daemon/detector/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int channel_plan_init(struct channel_plan *plan, uint32_t rate_mhz, bool is_envelope) {
        int r;

        *plan = (struct channel_plan){.grid = grid_make(rate_mhz), .is_envelope = is_envelope};
        condition_plan_make(&plan->grid, &plan->condition);
        r = spectrum_init(&plan->spectrum, &plan->grid);
        if (r < 0)
                return r;
        plan->scratch_uv = calloc(plan->grid.hop_frames, sizeof(double));
        if (!plan->scratch_uv) {
                channel_plan_done(plan);
                return -ENOMEM;
        }

        plan->floor_values = is_envelope ? TUNING_FLOOR_ENVELOPE_VALUES : plan->grid.hop_frames;
        plan->settle_hops = grid_hops(&plan->grid, TUNING_SETTLE_MS);
        plan->block_hops = (uint32_t)(plan->spectrum.frames / plan->grid.hop_frames) + 1;
        plan->idle_hops = grid_hops(&plan->grid, TUNING_SPECTRUM_IDLE_MS);
        plan->stuck_hops = grid_hops(&plan->grid, TUNING_STUCK_MS);
        plan->lost_hops = grid_hops(&plan->grid, TUNING_GAP_LOST_MS);
        plan->flat_hops = grid_hops(&plan->grid, (uint32_t)(TUNING_QUALITY_FLAT_S * 1000.0));
        return 0;
}

void channel_plan_done(struct channel_plan *plan) {
        spectrum_done(&plan->spectrum);
        free(plan->scratch_uv);
        *plan = (struct channel_plan){};
}

static void channel_begin_hop(struct channel *channel) {
        channel->squares = 0.0;
        channel->count_sum = 0.0;
        channel->count_min = INT32_MAX;
        channel->count_max = INT32_MIN;
        channel->limit_hits = 0;
}

int channel_init(struct channel *channel, const struct channel_plan *plan, double scale_uv,
                 bool in_microvolts) {
        *channel = (struct channel){.scale_uv = scale_uv, .in_microvolts = in_microvolts};
        channel->raw_block = calloc(plan->spectrum.frames, sizeof(double));
        channel->block = calloc(plan->spectrum.frames, sizeof(double));
        channel->spectrum_sum = calloc(plan->spectrum.bins, sizeof(double));
        if (!channel->raw_block || !channel->block || !channel->spectrum_sum) {
                channel_done(channel);
                return -ENOMEM;
        }
        channel_reset(channel, plan);
        return 0;
}

void channel_done(struct channel *channel) {
        free(channel->raw_block);
        free(channel->block);
        free(channel->spectrum_sum);
        *channel = (struct channel){};
}

void channel_reset(struct channel *channel, const struct channel_plan *plan) {
        *channel = (struct channel){
                .scale_uv = channel->scale_uv,
                .in_microvolts = channel->in_microvolts,
                .prior_uv = channel->prior_uv,
                .lowest = INT32_MAX,
                .highest = INT32_MIN,
                .raw_block = channel->raw_block,
                .block = channel->block,
                .spectrum_sum = channel->spectrum_sum,
        };
        floor_reset(&channel->floor, plan->floor_values, channel->scale_uv);
        artefact_reset(&channel->artefact, &plan->grid, channel->scale_uv);
        newrest_reset(&channel->newrest);
        channel_begin_hop(channel);
}

void channel_restart(struct channel *channel, const struct channel_plan *plan, int32_t first,
                     uint64_t gap) {
        condition_prime(&channel->condition, first);
        mains_skip(&channel->mains, &plan->grid, gap);
        envelope_restart(&channel->envelope);
        artefact_restart(&channel->artefact);
        channel->block_filled = 0;
        channel->settling = plan->settle_hops;
        channel->flat_hops = 0;
        channel->stuck = false;
        channel_begin_hop(channel);
}

/* A level below one count is not told by the sensor, so that much counts as rest. */
static void channel_push_levels(struct channel *channel, double *ret_uv, const int32_t *counts,
                                size_t stride, size_t n) {
        for (size_t i = 0; i < n; i++) {
                int32_t count = counts[i * stride] > 1 ? counts[i * stride] : 1;
                double level = (double)count * channel->scale_uv;

                if (count < channel->count_min)
                        channel->count_min = count;
                if (count > channel->count_max)
                        channel->count_max = count;
                ret_uv[i] = level;
                channel->squares += level * level;
        }
}

void channel_push(struct channel *channel, struct channel_plan *plan, const int32_t *counts,
                  size_t stride, size_t n) {
        double *uv = plan->scratch_uv, squares = channel->squares, sum = channel->count_sum;
        size_t mask = plan->spectrum.frames - 1;
        int32_t low = channel->count_min, high = channel->count_max;
        int32_t lowest = channel->lowest, highest = channel->highest;
        uint32_t hits = channel->limit_hits;

        if (plan->is_envelope) {
                channel_push_levels(channel, uv, counts, stride, n);
                return;
        }
        condition_run(&channel->condition, &plan->condition, counts, stride, channel->scale_uv, uv, n);

        for (size_t i = 0; i < n; i++) {
                int32_t count = counts[i * stride];

                channel->raw_block[(channel->block_next + i) & mask] = uv[i];
                sum += (double)count;
                hits += (count == lowest) | (count == highest);
                if (count < low)
                        low = count;
                if (count > high)
                        high = count;
        }

        mains_cancel(&channel->mains, &plan->grid, uv, n, channel->settling == 0);

        for (size_t i = 0; i < n; i++) {
                channel->block[(channel->block_next + i) & mask] = uv[i];
                squares += uv[i] * uv[i];
        }
        channel->block_next = (channel->block_next + n) & mask;
        channel->block_filled += n;

        channel->squares = squares;
        channel->count_sum = sum;
        channel->count_min = low;
        channel->count_max = high;
        channel->limit_hits = hits;
}

/*
 * A channel that stands still is quiet when it stands where it used to be, and stuck (rail, electrode
 * off) when it does not, or when it comes back from elsewhere.
 */
static void channel_watch_flatness(struct channel *channel, const struct channel_plan *plan,
                                   int32_t last) {
        double mean = channel->count_sum / (double)plan->grid.hop_frames;
        double away = mean - channel->typical_count;

        if (channel->count_min == channel->count_max) {
                channel->flat_hops++;
                if (!channel->typical_known) {
                        channel->typical_count = mean;
                        channel->typical_known = true;
                } else if (away > TUNING_STUCK_COUNTS || away < -TUNING_STUCK_COUNTS) {
                        channel->stuck = true;
                }
                return;
        }

        if (channel->flat_hops >= plan->stuck_hops &&
            (channel->stuck || away > TUNING_STUCK_COUNTS || away < -TUNING_STUCK_COUNTS)) {
                /* Nothing but the flat line may have been learnt so far. */
                if (channel->floor.rest_uv <= channel->floor.least_uv)
                        floor_reset(&channel->floor, plan->floor_values, channel->scale_uv);
                condition_prime(&channel->condition, last);
                envelope_restart(&channel->envelope);
                channel->block_filled = 0;
                channel->settling = plan->settle_hops;
                channel->typical_known = false;
        }
        channel->flat_hops = 0;
        channel->stuck = false;
        if (channel->typical_known) {
                channel->typical_count += TUNING_STUCK_TYPICAL_SHARE * (mean - channel->typical_count);
        } else {
                channel->typical_count = mean;
                channel->typical_known = true;
        }
}

/* Levels that stand still are no muscle, but for those below one count. */
static void channel_watch_level_flatness(struct channel *channel) {
        bool stands = channel->count_min == channel->count_max &&
                      (double)channel->count_min == channel->typical_count && channel->count_min > 1;

        channel->flat_hops = stands ? channel->flat_hops + 1 : 0;
        channel->typical_count = (double)channel->count_max;
}

static bool channel_is_lively(const struct channel *channel) {
        return !(channel->floor.rest_uv > 0.0) || channel->evidence.score_s > 0.0 ||
               channel->envelope.envelope_uv > TUNING_ONSET_ABRUPT_RATIO * channel->floor.rest_uv;
}

/*
 * How much of what passes for activity lies in a few hertz: a line that is not known as mains, or what a
 * notch lets through of lines that it has not caught yet or whose strength changes too fast for it.
 */
static double channel_tone_share(const struct channel *channel, struct spectrum *spectrum) {
        double tone = spectrum_tone_share(spectrum, TUNING_TONE_HZ), mains;

        spectrum_leave_in(spectrum);
        mains_leave_out(&channel->mains, spectrum, TUNING_TONE_HZ / 2.0);
        mains = spectrum_left_out_share(spectrum);
        return mains > tone ? mains : tone;
}

static bool spectrum_is_white(const struct channel *channel, struct spectrum *spectrum) {
        double low_hz = (double)spectrum->first_bin * spectrum->bin_hz;
        double high_hz = (double)spectrum->last_bin * spectrum->bin_hz;

        if (high_hz - low_hz < TUNING_QUALITY_WHITE_BAND_HZ)
                return false;
        spectrum_leave_in(spectrum);
        mains_leave_out(&channel->mains, spectrum, TUNING_LINE_HALF_HZ);
        return spectrum_median_hz(spectrum, spectrum->power) >=
               low_hz + TUNING_QUALITY_WHITE_SHARE * (high_hz - low_hz);
}

static void channel_look_at_spectrum(struct channel *channel, struct channel_plan *plan) {
        struct spectrum *spectrum = &plan->spectrum;
        bool lively = channel_is_lively(channel);

        channel->hops_since_spectrum++;
        if (channel->block_filled < spectrum->frames ||
            channel->hops_since_spectrum < (lively ? plan->block_hops : plan->idle_hops))
                return;

        channel->hops_since_spectrum = 0;
        spectrum_run(spectrum, channel->raw_block, channel->block_next);
        mains_look(&channel->mains, &plan->grid, spectrum);

        if (channel->mains.lines_on > 0)
                spectrum_run(spectrum, channel->block, channel->block_next);
        channel->tone_share = channel_tone_share(channel, spectrum);

        if (!lively)
                channel->white = spectrum_is_white(channel, spectrum);
        /* Only blocks that lie wholly within the run. */
        if (channel->evidence.run_hops < plan->block_hops)
                return;
        for (size_t k = 0; k < spectrum->bins; k++)
                channel->spectrum_sum[k] += spectrum->power[k];
        channel->spectra++;
}

static void channel_judge_level_quality(struct channel *channel, const struct channel_plan *plan) {
        quality_take(&channel->quality, &(struct quality_input){
                                                .hop_s = plan->grid.hop_s,
                                                .measured = channel_is_measured(channel),
                                                .flat_s = channel->flat_hops * plan->grid.hop_s,
                                                .rest_uv = channel->floor.rest_uv,
                                        });
}

static void channel_judge_quality(struct channel *channel, const struct channel_plan *plan) {
        const struct quality_input input = {
                .hop_s = plan->grid.hop_s,
                .measured = channel_is_measured(channel),
                .stuck = channel->stuck,
                .at_limit =
                        channel->count_min <= channel->lowest || channel->count_max >= channel->highest,
                .flat_s = channel->flat_hops * plan->grid.hop_s,
                .limit_share = (double)channel->limit_hits / (double)plan->grid.hop_frames,
                .swings =
                        (int64_t)channel->count_max - channel->count_min >= TUNING_QUALITY_LIMIT_COUNTS,
                .tone_share = channel->drowned_hops > 0 ? 1.0 : channel->tone_share,
                .white = channel->white,
                .rest_uv = channel->floor.rest_uv,
                .rest_fell = channel->floor.fallen >= TUNING_QUALITY_FELL_UNITS,
                .in_microvolts = channel->in_microvolts,
        };

        quality_take(&channel->quality, &input);
        if (channel->count_min < channel->lowest)
                channel->lowest = channel->count_min;
        if (channel->count_max > channel->highest)
                channel->highest = channel->count_max;
}

/* Mains far above rest, and what is left of them is not clean: it lasts a while after it was seen. */
static void channel_watch_mains(struct channel *channel, const struct channel_plan *plan) {
        double limit_uv =
                TUNING_MAINS_DROWN_RATIO *
                (channel->floor.rest_uv > 0.0 ? channel->floor.rest_uv : channel->envelope.level_uv);

        if (!(mains_power(&channel->mains) > limit_uv * limit_uv))
                channel->drowned_hops = 0;
        else if (channel->tone_share >= TUNING_MAINS_DROWN_SHARE &&
                 (channel->drowned_hops > 0 || channel->evidence.score_s < TUNING_FLOOR_FREEZE_S))
                channel->drowned_hops = plan->lost_hops;
        else if (channel->drowned_hops > 0)
                channel->drowned_hops--;
}

void channel_close_hop(struct channel *channel, struct channel_plan *plan, int32_t last) {
        if (!plan->is_envelope) {
                condition_flush(&channel->condition, &plan->condition);
                mains_track(&channel->mains, &plan->grid);
                channel_watch_flatness(channel, plan, last);
                artefact_take(&channel->artefact,
                              channel->count_sum / (double)plan->grid.hop_frames * channel->scale_uv);
        }

        if (channel->settling > 0)
                channel->settling--;
        else
                envelope_take(&channel->envelope, channel->squares / (double)plan->grid.hop_frames,
                              1.0 - channel->evidence.motion, plan->grid.hop_s);

        if (!plan->is_envelope) {
                channel_look_at_spectrum(channel, plan);
                channel_watch_mains(channel, plan);
                channel_judge_quality(channel, plan);
        } else {
                channel_watch_level_flatness(channel);
                channel_judge_level_quality(channel, plan);
        }
        channel_begin_hop(channel);
}

bool channel_is_measured(const struct channel *channel) {
        return channel->settling == 0 && !channel->stuck && envelope_is_known(&channel->envelope);
}

bool channel_is_held(const struct channel *channel, const struct channel_plan *plan) {
        /* Of large counts rest may be less than one. */
        bool shows_noise = channel->in_microvolts && channel->scale_uv <= TUNING_QUALITY_DEAD_UV;

        return channel->flat_hops >= plan->stuck_hops &&
               (shows_noise || channel->flat_hops < plan->flat_hops);
}

bool channel_is_present(const struct channel *channel) {
        return channel_is_measured(channel) && channel->drowned_hops == 0 &&
               channel->tone_share < TUNING_TONE_SHARE;
}

bool channel_is_off(const struct channel *channel) {
        return channel->quality.now == DETECTOR_QUALITY_DEAD ||
               channel->quality.now == DETECTOR_QUALITY_ELECTRODE_OFF ||
               channel->floor.fallen >= TUNING_QUALITY_FELL_UNITS;
}

double channel_rest_uv(const struct channel *channel) {
        double rest_uv = channel->floor.rest_uv, after_uv = channel->evidence.after_uv;

        return after_uv > rest_uv ? after_uv : rest_uv;
}

double channel_muscle_uv(const struct channel *channel, double rest_uv) {
        double level_uv = channel->envelope.level_uv;

        return level_uv > rest_uv ? __builtin_sqrt(level_uv * level_uv - rest_uv * rest_uv) : 0.0;
}

void channel_restart_spectrum(struct channel *channel, const struct channel_plan *plan) {
        if (channel->spectra == 0)
                return;
        memset(channel->spectrum_sum, 0, plan->spectrum.bins * sizeof(double));
        channel->spectra = 0;
}

double channel_median_hz(const struct channel *channel, struct channel_plan *plan) {
        if (channel->spectra == 0)
                return 0.0;

        spectrum_leave_in(&plan->spectrum);
        mains_leave_out(&channel->mains, &plan->spectrum, TUNING_LINE_HALF_HZ);
        return spectrum_median_hz(&plan->spectrum, channel->spectrum_sum);
}
