/* SPDX-License-Identifier: MIT */
/* Evidence: see evidence.h. */
#include "daemon/detector/evidence.h"

#include <stddef.h>

#include "daemon/basic/cleanup.h"
#include "daemon/detector/tuning.h"

static const struct { double ratio, gain; } gain_points[] = {TUNING_GAIN_POINTS};

static double gain_at(double ratio) {
        size_t n = ARRAY_LENGTH(gain_points);

        if (ratio <= gain_points[0].ratio)
                return gain_points[0].gain;
        for (size_t i = 1; i < n; i++)
                if (ratio < gain_points[i].ratio)
                        return gain_points[i - 1].gain +
                               (gain_points[i].gain - gain_points[i - 1].gain) *
                                       (ratio - gain_points[i - 1].ratio) /
                                       (gain_points[i].ratio - gain_points[i - 1].ratio);
        return gain_points[n - 1].gain;
}

void evidence_reset(struct evidence *evidence) {
        *evidence = (struct evidence){};
}

void evidence_drop(struct evidence *evidence) {
        evidence->score_s = 0.0;
        evidence->run_hops = 0;
        evidence->calm_s = evidence->alone_s = 0.0;
}

void evidence_rebase(struct evidence *evidence, double level_uv) {
        *evidence = (struct evidence){.after_uv = level_uv};
}

double evidence_rest(struct evidence *evidence, double rest_uv, double level_uv) {
        if (level_uv < evidence->after_uv)
                evidence->after_uv = level_uv;
        if (evidence->after_uv <= rest_uv)
                evidence->after_uv = 0.0;
        return evidence->after_uv > rest_uv ? evidence->after_uv : rest_uv;
}

/* How deep in a dip the envelope is: 1 at its edge and above, 0 at nothing. */
static double dip_depth(const struct evidence_input *input) {
        double edge_uv = TUNING_DIP_REST * input->rest_uv;

        if (edge_uv < TUNING_DIP_SHARE * input->reference_uv)
                edge_uv = TUNING_DIP_SHARE * input->reference_uv;
        return input->envelope_uv < edge_uv ? input->envelope_uv / edge_uv : 1.0;
}

/* Counts a dip that has become too long to bridge, once and by its greatest depth. In what a movement
 * does to the level nothing is lost. */
static void evidence_take_dip(struct evidence *evidence, double hop_s, double depth) {
        double still = 1.0 - evidence->motion;
        double weight = still * (depth > 0.5 ? 2.0 * (1.0 - depth) : 1.0);

        if (!(evidence->dip_s > 0.0))
                evidence->dip_weight = 0.0;
        evidence->dip_s += hop_s;
        /* Whole hops, whose length depends on the rate. */
        evidence->dip_is_long = evidence->dip_s > TUNING_DIP_BRIDGE_S + hop_s / 2.0;
        if (!evidence->dip_is_long)
                return;

        if (weight > evidence->dip_weight && evidence->score_s > 0.0) {
                evidence->dips += weight - evidence->dip_weight;
                evidence->dip_weight = weight;
        }
        evidence->score_s -= still * hop_s *
                             (TUNING_DIP_LOSS_DEEP + (TUNING_DIP_LOSS - TUNING_DIP_LOSS_DEEP) * depth);
}

double evidence_move(struct evidence *evidence, double hop_s, double share, double recent,
                     double support, bool told) {
        evidence->moved -= evidence->moved * hop_s / TUNING_MOTION_MEMORY_S;
        if (!(evidence->score_s > 0.0))
                evidence->moved = evidence->rose = recent;
        else if (evidence->run_hops * hop_s < TUNING_MOTION_ONSET_S && recent > evidence->moved)
                evidence->moved = evidence->rose = recent;
        if (share < 0.0) {
                evidence->rose = -1.0;
                return support;
        }

        if (!told)
                support *= TUNING_MOTION_STILL_GAIN;
        support *= 1.0 + (TUNING_MOTION_ROSE_GAIN - 1.0) * evidence->moved;
        /* Who moves in pain loses nothing by it, and who moves shows no cramp by it. */
        return support * (1.0 - share);
}

void evidence_take(struct evidence *evidence, const struct evidence_input *input) {
        double depth, gain;

        if (!(input->rest_uv > 0.0)) {
                evidence_reset(evidence);
                return;
        }

        evidence->ratio = input->level_uv / input->rest_uv;
        evidence->dips -= evidence->dips * input->hop_s / TUNING_DIP_MEMORY_S;

        depth = dip_depth(input);
        if (depth < 1.0) {
                evidence_take_dip(evidence, input->hop_s, depth);
        } else {
                evidence->dip_s = 0.0;
                evidence->dip_is_long = false;
                gain = gain_at(evidence->ratio);
                if (gain > 0.0)
                        gain *= input->support / (1.0 + TUNING_DIP_WEIGHT * evidence->dips);
                evidence->score_s += gain * input->hop_s;
        }

        if (evidence->score_s > input->max_s)
                evidence->score_s = input->max_s;
        if (evidence->score_s > 0.0) {
                evidence->run_hops++;
        } else {
                evidence_drop(evidence);
        }
}
