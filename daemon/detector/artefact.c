/* SPDX-License-Identifier: MIT */
/* Slow voltage: see artefact.h. */
#include "daemon/detector/artefact.h"

void artefact_reset(struct artefact *artefact, const struct grid *grid, double scale_uv) {
        *artefact = (struct artefact){};
        floor_reset(&artefact->floor, grid->hop_frames, scale_uv);
        /* Means are quieter than what they are of: a count is no least for them. */
        artefact->floor.least_uv = TUNING_FLOOR_MIN_UV;
}

void artefact_restart(struct artefact *artefact) {
        artefact->means = artefact->hops = artefact->next = 0;
        artefact->level_uv = 0.0;
}

/*
 * The difference of two means of 100 ms each lets through about 1 to 8 Hz. Each holds whole periods of
 * 50 and 60 Hz, so that mains leave nothing.
 */
void artefact_take(struct artefact *artefact, double mean_uv) {
        double step, sum = 0.0;

        for (unsigned i = ARTEFACT_MEANS - 1; i > 0; i--)
                artefact->mean_uv[i] = artefact->mean_uv[i - 1];
        artefact->mean_uv[0] = mean_uv;
        if (artefact->means < ARTEFACT_MEANS && ++artefact->means < ARTEFACT_MEANS)
                return;

        step = (artefact->mean_uv[0] + artefact->mean_uv[1] - artefact->mean_uv[2] -
                artefact->mean_uv[3]) *
               0.5;
        artefact->power[artefact->next] = step * step;
        artefact->next = (artefact->next + 1) % TUNING_LEVEL_HOPS;
        if (artefact->hops < TUNING_LEVEL_HOPS)
                artefact->hops++;
        for (unsigned i = 0; i < artefact->hops; i++)
                sum += artefact->power[i];
        artefact->level_uv = __builtin_sqrt(sum / (double)artefact->hops);
}

void artefact_learn(struct artefact *artefact) {
        if (artefact->hops == TUNING_LEVEL_HOPS)
                floor_feed(&artefact->floor, artefact->level_uv);
}

void artefact_adopt(struct artefact *artefact) {
        floor_adopt(&artefact->floor, artefact->level_uv, /* for_now= */ false);
}

double artefact_share(const struct artefact *artefact, const struct grid *grid, double level_uv,
                      double rest_uv) {
        double slow_rest_uv = artefact->floor.usual_uv, slow, muscle;

        if (artefact->hops == 0 || !(slow_rest_uv > 0.0))
                return 0.0;
        muscle = level_uv * level_uv - rest_uv * rest_uv;
        slow = artefact->level_uv * artefact->level_uv -
               muscle * TUNING_ARTEFACT_BAND_HZ / (grid->band_hz - TUNING_HIGHPASS_HZ) -
               TUNING_ARTEFACT_RATIO * TUNING_ARTEFACT_RATIO * slow_rest_uv * slow_rest_uv;
        return slow > 0.0 && muscle > 0.0 ? __builtin_sqrt(slow / muscle) : 0.0;
}
