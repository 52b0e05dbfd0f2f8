/* SPDX-License-Identifier: MIT */
/*
 * A muscle's motor units under one pair of electrodes: sizes, thresholds, surface potentials, and the
 * two ways in which they are driven: at will (Fuglevand's size principle) or in a cramp (units come and
 * go). Both follow an asked level in microvolts RMS. Needs random.h and libm; used by corpus.c and
 * render.c.
 */
#pragma once

#include <stddef.h>

#include "tests/corpus/model.h"
#include "tests/corpus/random.h"

/* A discharge falls between samples: potentials are kept at quarter-sample steps. */
#define UNIT_PHASES 4
#define UNIT_LEVELS 256

struct motor_unit {
        double threshold; /* excitation at which it is recruited */
        double peak_rate_hz;
        double energy_uv2s; /* of one potential; rate x energy is its share of the signal's power */
};

struct unit_pool {
        struct motor_unit units[MODEL_UNITS];
        double rate_hz;    /* samples per second */
        size_t length;     /* samples of one potential */
        float *potentials; /* units x phases x length */
        double excitation_max;
        double level_uv[UNIT_LEVELS]; /* RMS at even steps of excitation */
};

struct voluntary_drive {
        struct random random;
        double cycles[MODEL_UNITS]; /* to the next discharge, < 0 if silent */
};

struct cramp_drive {
        struct random random;
        struct {
                double cycles; /* to the next discharge */
                double until;  /* sample at which it drops out, < 0 if silent */
                double rate_hz;
        } units[MODEL_UNITS];
        double power_uv2; /* of the active units at their own rates */
};

/* A stretch of signal being made: `samples[0]` is sample number `first`; potentials may reach `tail`
 * beyond its end. */
struct unit_canvas {
        float *samples;
        double first;
};

/* Returns 0 or -ENOMEM. */
int unit_pool_init(struct unit_pool *pool, struct random *random, double rate_hz);
void unit_pool_done(struct unit_pool *pool);
/* The strongest levels that the drives can follow. */
double unit_pool_voluntary_max_uv(const struct unit_pool *pool);
double unit_pool_cramp_max_uv(const struct unit_pool *pool);

/* How the power of the pool's potentials lies over frequency: per Hz, 1 over all, each unit counting the
 * same. */
double unit_pool_density(const struct unit_pool *pool, double hz);

void unit_discharge(const struct unit_pool *pool, unsigned unit, double at, struct unit_canvas *canvas);

/* Both draw the discharges from sample `from` up to `to` at a level of `level_uv`. */
void voluntary_drive_init(struct voluntary_drive *drive, const struct random *random);
void voluntary_drive_render(struct voluntary_drive *drive, const struct unit_pool *pool, double level_uv,
                            double from, double to, struct unit_canvas *canvas);

void cramp_drive_init(struct cramp_drive *drive, const struct random *random);
/* Units come and go to keep up with the level; the slow `wave` that multiplies it is in their rates
 * alone. */
void cramp_drive_render(struct cramp_drive *drive, const struct unit_pool *pool, double level_uv,
                        double wave, double age_s, double from, double to, struct unit_canvas *canvas);
