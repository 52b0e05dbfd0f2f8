/* SPDX-License-Identifier: MIT */
/* The resting floor: see floor.h. */
#include "daemon/detector/floor.h"

#include <stdbool.h>
#include <string.h>

void floor_reset(struct floor *floor, uint32_t values, double scale_uv) {
        double spread = 1.0 / __builtin_sqrt(2.0 * (double)(TUNING_ENVELOPE_HOPS * values));

        *floor = (struct floor){
                .least_uv = TUNING_FLOOR_MIN_COUNTS * scale_uv,
                .correction = 1.0 / (1.0 - TUNING_FLOOR_BIAS * spread),
        };
        if (floor->least_uv < TUNING_FLOOR_MIN_UV)
                floor->least_uv = TUNING_FLOOR_MIN_UV;
}

static void sort(double *values, unsigned n) {
        for (unsigned i = 1; i < n; i++) {
                double value = values[i];
                unsigned k = i;

                for (; k > 0 && values[k - 1] > value; k--)
                        values[k] = values[k - 1];
                values[k] = value;
        }
}

static double percentile(const double *values, unsigned n, double share) {
        double sorted[TUNING_FLOOR_UNITS];

        memcpy(sorted, values, n * sizeof(double));
        sort(sorted, n);
        return sorted[(unsigned)((double)(n - 1) * share)];
}

static double at_least(double value, double least) {
        return value > least ? value : least;
}

/* Whether rest is back where it was before a level was taken for it. */
static bool floor_is_back(const struct floor *floor, double rest_uv) {
        return rest_uv < TUNING_PRIOR_RATIO * floor->adopted_from_uv &&
               rest_uv * TUNING_PRIOR_RATIO > floor->adopted_from_uv;
}

/*
 * Keeps in mind what rest was for minutes, and holds on to it for a while when rest seems to have fallen
 * to less than half: the electrode may be off.
 */
static void floor_remember(struct floor *floor, double rest_uv) {
        if (floor->remembered < TUNING_FLOOR_MEMORY_AFTER) {
                if (++floor->remembered == TUNING_FLOOR_MEMORY_AFTER)
                        floor->memory_uv = rest_uv;
                return;
        }

        if (rest_uv >= TUNING_FLOOR_MEMORY_FALL * floor->memory_uv) {
                floor->fallen = 0;
                floor->memory_uv += TUNING_FLOOR_MEMORY_FOLLOW * (rest_uv - floor->memory_uv);
        } else if (floor_is_back(floor, rest_uv)) {
                floor->fallen = 0;
                floor->memory_uv = rest_uv;
                floor->adopted_from_uv = 0.0;
        } else if (++floor->fallen >= TUNING_FLOOR_MEMORY_HOLD) {
                floor->remembered = floor->fallen = 0;
                floor->forgotten_uv = floor->memory_uv;
                floor->memory_uv = 0.0;
        }
}

/* What the units say now. */
static void floor_conclude(struct floor *floor, bool with_newest) {
        double rest_uv;

        if (floor->units < TUNING_FLOOR_UNITS_MIN) {
                floor->rest_uv = floor->usual_uv = 0.0;
                return;
        }
        rest_uv = floor->correction * percentile(floor->low, floor->units, TUNING_FLOOR_SHARE);
        if (with_newest)
                floor_remember(floor, rest_uv);
        floor->rest_uv = at_least(at_least(rest_uv, TUNING_FLOOR_MEMORY_SHARE * floor->memory_uv),
                                  floor->least_uv);
        floor->usual_uv = at_least(percentile(floor->mean, floor->units, TUNING_FLOOR_USUAL_SHARE),
                                   floor->rest_uv);
}

static void floor_take_unit(struct floor *floor, double low_uv, double mean_uv) {
        floor->low[floor->next] = low_uv;
        floor->mean[floor->next] = mean_uv;
        floor->next = (floor->next + 1) % TUNING_FLOOR_UNITS;
        if (floor->units < TUNING_FLOOR_UNITS)
                floor->units++;
        floor_conclude(floor, /* with_newest= */ true);
}

void floor_feed(struct floor *floor, double envelope_uv) {
        double squares = 0.0;

        floor->envelope[floor->filling++] = envelope_uv;
        if (floor->filling < TUNING_FLOOR_UNIT_HOPS)
                return;

        floor->filling = 0;
        for (unsigned i = 0; i < TUNING_FLOOR_UNIT_HOPS; i++)
                squares += floor->envelope[i] * floor->envelope[i];
        sort(floor->envelope, TUNING_FLOOR_UNIT_HOPS);
        floor_take_unit(floor, floor->envelope[TUNING_FLOOR_UNIT_RANK],
                        __builtin_sqrt(squares / (double)TUNING_FLOOR_UNIT_HOPS));
}

void floor_retract(struct floor *floor, unsigned hops) {
        if (hops <= floor->filling) {
                floor->filling -= hops;
                return;
        }
        floor->filling = 0;
        if (floor->units == 0 || floor->units == TUNING_FLOOR_UNITS)
                return;
        floor->next = --floor->units;
        floor_conclude(floor, /* with_newest= */ false);
}

void floor_consult(struct floor *floor, const struct grid *grid, double prior_uv, double envelope_uv) {
        bool agrees = envelope_uv < TUNING_PRIOR_RATIO * prior_uv &&
                      envelope_uv * TUNING_PRIOR_RATIO > prior_uv;

        if (floor->units >= TUNING_FLOOR_UNITS_MIN || !(prior_uv > 0.0))
                return;
        if (floor->agreed < grid_hops(grid, TUNING_PRIOR_MS)) {
                floor->agreed = agrees ? floor->agreed + 1 : 0;
                return;
        }
        floor->rest_uv = floor->usual_uv = at_least(prior_uv, floor->least_uv);
}

void floor_adopt(struct floor *floor, double level_uv, bool for_now) {
        *floor = (struct floor){.least_uv = floor->least_uv,
                                .correction = floor->correction,
                                .adopted_from_uv = for_now ? floor->memory_uv : 0.0};
        for (unsigned i = 0; i < TUNING_FLOOR_UNITS / 2; i++)
                floor_take_unit(floor, level_uv / floor->correction, level_uv);
}
