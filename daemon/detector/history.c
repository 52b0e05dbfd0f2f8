/* SPDX-License-Identifier: MIT */
/* History and onset: see history.h. */
#include "daemon/detector/history.h"

#include <errno.h>
#include <stdlib.h>

int history_init(struct history *history, const struct grid *grid, uint32_t channels) {
        *history = (struct history){.channels = channels, .hops = grid_hops(grid, TUNING_HISTORY_MS)};
        history->index = calloc(history->hops, sizeof(uint64_t));
        history->power = calloc((size_t)history->hops * channels, sizeof(double));
        if (!history->index || !history->power) {
                history_done(history);
                return -ENOMEM;
        }
        return 0;
}

void history_done(struct history *history) {
        free(history->index);
        free(history->power);
        *history = (struct history){};
}

void history_reset(struct history *history) {
        history->taken = history->barrier = 0;
}

double *history_add(struct history *history, uint64_t index) {
        size_t row = (size_t)(history->taken++ % history->hops);

        history->index[row] = index;
        return history->power + row * history->channels;
}

static uint64_t history_oldest(const struct history *history) {
        uint64_t oldest = history->taken > history->hops ? history->taken - history->hops : 0;

        return oldest > history->barrier ? oldest : history->barrier;
}

uint64_t history_index(const struct history *history, uint64_t hop) {
        uint64_t oldest = history->taken > history->hops ? history->taken - history->hops : 0;

        return history->index[(hop > oldest ? hop : oldest) % history->hops];
}

static double power_at(const struct history *history, uint32_t channel, uint64_t hop) {
        return history->power[(size_t)(hop % history->hops) * history->channels + channel];
}

/* Mean square over hops from..to-1, those unknown left out; negative when all are. */
static double power_over(const struct history *history, uint32_t channel, uint64_t from, uint64_t to) {
        double sum = 0.0;
        unsigned known = 0;

        if (from < history_oldest(history))
                from = history_oldest(history);
        for (; from < to && from < history->taken; from++) {
                double power = power_at(history, channel, from);

                if (power < 0.0)
                        continue;
                sum += power;
                known++;
        }
        return known > 0 ? sum / (double)known : -1.0;
}

/* Mean square of the two seconds around the beginning of a hop. */
static double level_around(const struct history *history, uint32_t channel, uint64_t hop) {
        uint64_t half = TUNING_REFERENCE_HOPS / 2;

        return power_over(history, channel, hop > half ? hop - half : 0, hop + half);
}

/* The first hop of from..last from which on the power is above the edge, for a second at least; or
 * history->taken. */
static uint64_t hop_above(const struct history *history, uint32_t channel, uint64_t from, uint64_t last,
                          double edge) {
        for (uint64_t hop = from; hop <= last && hop < history->taken; hop++)
                if (power_at(history, channel, hop) > edge &&
                    power_over(history, channel, hop, hop + TUNING_ENVELOPE_HOPS) > edge &&
                    power_over(history, channel, hop, hop + TUNING_LEVEL_HOPS) > edge)
                        return hop;
        return history->taken;
}

/* How much of the way from one level over rest (as power) to another lies before the first, when the
 * muscle's own amplitude grows in a line from zero; it adds to rest as power. */
static double line_before(double low, double high, double rest) {
        low = __builtin_sqrt(low - rest);
        high = __builtin_sqrt(high - rest);
        return low / (high - low);
}

/*
 * A sudden start is seen to the hop; the seconds around it smear it. One that takes some seconds is
 * extended back in a line, no further than those around `coarse` reach. Returns `coarse` when there is
 * none near.
 */
static uint64_t onset_refine_abrupt(const struct history *history, const struct grid *grid,
                                    uint32_t channel, uint64_t coarse, double rest_uv) {
        double rest = rest_uv * rest_uv;
        double low = rest * TUNING_ONSET_ABRUPT_RATIO * TUNING_ONSET_ABRUPT_RATIO;
        double high = rest * TUNING_ONSET_STEEP_RATIO * TUNING_ONSET_STEEP_RATIO;
        uint64_t last = coarse + grid_hops(grid, TUNING_ONSET_ABRUPT_MS), hop, reached, back, earliest;

        hop = hop_above(history, channel, coarse, last, low);
        if (hop == history->taken)
                return coarse;
        reached = hop_above(history, channel, hop, hop + grid_hops(grid, TUNING_ONSET_STEEP_MS), high);
        if (reached == history->taken)
                return hop;
        back = (uint64_t)((double)(reached - hop) * line_before(low, high, rest));
        earliest = coarse > history_oldest(history) + TUNING_REFERENCE_HOPS / 2
                           ? coarse - TUNING_REFERENCE_HOPS / 2
                           : history_oldest(history);
        return hop > earliest + back ? hop - back : earliest;
}

/* A slow rise is extended back in a line. */
static uint64_t onset_refine_ramp(const struct history *history, const struct grid *grid,
                                  uint32_t channel, uint64_t coarse, double usual_uv, double edge) {
        double rest = usual_uv * usual_uv,
               upper = rest * TUNING_ONSET_RAMP_RATIO * TUNING_ONSET_RAMP_RATIO;
        uint64_t limit = grid_hops(grid, TUNING_ONSET_RAMP_MS), reached = coarse, back;

        if (edge <= rest || edge >= upper)
                return coarse;
        while (reached < history->taken && level_around(history, channel, reached) < upper)
                reached++;
        back = (uint64_t)((double)(reached - coarse) * line_before(edge, upper, rest));
        if (back > limit)
                back = limit;
        return coarse > history_oldest(history) + back ? coarse - back : history_oldest(history);
}

uint64_t history_find_onset(const struct history *history, const struct grid *grid, uint32_t channel,
                            double rest_uv, double usual_uv) {
        uint64_t oldest = history_oldest(history), hop = history->taken > 0 ? history->taken - 1 : 0,
                 refined;
        double edge_uv = TUNING_ONSET_RATIO * rest_uv;

        if (edge_uv < TUNING_ONSET_USUAL * usual_uv)
                edge_uv = TUNING_ONSET_USUAL * usual_uv;
        if (edge_uv > TUNING_ONSET_RATIO_MAX * rest_uv)
                edge_uv = TUNING_ONSET_RATIO_MAX * rest_uv;

        while (hop > oldest) {
                double level = level_around(history, channel, hop - 1);

                if (level >= 0.0 && level <= edge_uv * edge_uv)
                        break;
                hop--;
        }

        refined = onset_refine_abrupt(history, grid, channel, hop, rest_uv);
        return refined != hop
                       ? refined
                       : onset_refine_ramp(history, grid, channel, hop, usual_uv, edge_uv * edge_uv);
}

struct history_peak history_find_peak(const struct history *history, uint32_t channel, uint64_t from) {
        struct history_peak peak = {};

        for (uint64_t hop = from; hop < history->taken; hop++) {
                double envelope, level;

                /* Whole windows only, so that the start of an activity is not taken for a level. */
                envelope = hop + TUNING_ENVELOPE_HOPS <= history->taken
                                   ? power_over(history, channel, hop, hop + TUNING_ENVELOPE_HOPS)
                                   : -1.0;
                level = hop + TUNING_LEVEL_HOPS <= history->taken
                                ? power_over(history, channel, hop, hop + TUNING_LEVEL_HOPS)
                                : -1.0;
                if (envelope > peak.envelope_uv)
                        peak.envelope_uv = envelope;
                if (level > peak.level_uv)
                        peak.level_uv = level;
        }
        peak.envelope_uv = __builtin_sqrt(peak.envelope_uv);
        peak.level_uv = __builtin_sqrt(peak.level_uv);
        return peak;
}
