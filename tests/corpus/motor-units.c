/* SPDX-License-Identifier: MIT */
/* Motor units: see motor-units.h. */
#include "tests/corpus/motor-units.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

struct potential_part {
        double at_s, width_s, weight;
        bool triphasic;
};

/* First (biphasic) or second (triphasic) derivative of a Gaussian, its peak at the part's weight. */
static double potential_part_at(const struct potential_part *part, double t_s) {
        double x = (t_s - part->at_s) / part->width_s;
        double bell = exp(-x * x / 2);

        return part->weight * (part->triphasic ? (1 - x * x) * bell : x * bell * 1.6487);
}

/* The width that puts the median of the part's power spectrum at `median_hz`: the power of the n-th
 * derivative goes with u^(2n) exp(-u^2), u = 2 pi f width, whose median is u = 1.0876 for n = 1
 * and 1.4751 for n = 2. */
static double potential_width_s(double median_hz, bool triphasic) {
        return (triphasic ? 1.4751 : 1.0876) / (2 * M_PI * median_hz);
}

static void unit_draw_potential(struct unit_pool *pool, unsigned unit, double amplitude_uv,
                                struct random *random) {
        struct potential_part parts[MODEL_POTENTIAL_PARTS];
        double centre_s, polarity, peak = 0, energy = 0;
        float *potential;

        centre_s = (double)(pool->length / 2) / pool->rate_hz;
        /* The side on which its fibres' end plates lie. */
        polarity = random_uniform(random, 0, 1) < 0.5 ? -1 : 1;
        for (unsigned i = 0; i < MODEL_POTENTIAL_PARTS; i++) {
                bool triphasic = random_uniform(random, 0, 1) < 0.5;
                double median_hz =
                        random_lognormal(random, MODEL_POTENTIAL_MEDIAN_HZ,
                                         MODEL_POTENTIAL_MEDIAN_HZ * MODEL_POTENTIAL_MEDIAN_CV);

                median_hz = fmin(fmax(median_hz, MODEL_POTENTIAL_MEDIAN_MIN_HZ),
                                 MODEL_POTENTIAL_MEDIAN_MAX_HZ);
                parts[i] = (struct potential_part){
                        .at_s = centre_s + MODEL_POTENTIAL_SPREAD_S * random_normal(random),
                        .width_s = potential_width_s(median_hz, triphasic),
                        /* By the root, so that quick parts carry as much energy as slow ones. */
                        .weight = polarity * sqrt(median_hz) * random_uniform(random, 0.3, 1),
                        .triphasic = triphasic,
                };
        }

        for (unsigned phase = 0; phase < UNIT_PHASES; phase++) {
                potential = pool->potentials + ((size_t)unit * UNIT_PHASES + phase) * pool->length;
                for (size_t i = 0; i < pool->length; i++) {
                        double value = 0,
                               t_s = ((double)i - (double)phase / UNIT_PHASES) / pool->rate_hz;

                        for (unsigned part = 0; part < MODEL_POTENTIAL_PARTS; part++)
                                value += potential_part_at(&parts[part], t_s);
                        potential[i] = (float)value;
                        peak = fmax(peak, fabs(value));
                }
        }

        potential = pool->potentials + (size_t)unit * UNIT_PHASES * pool->length;
        for (size_t i = 0; i < UNIT_PHASES * pool->length; i++) {
                potential[i] *= (float)(amplitude_uv / peak);
                energy += (double)potential[i] * (double)potential[i];
        }
        pool->units[unit].energy_uv2s = energy / UNIT_PHASES / pool->rate_hz;
}

static double unit_rate_hz(const struct motor_unit *unit, double excitation) {
        if (excitation < unit->threshold)
                return 0;
        return fmin(MODEL_MINIMUM_RATE_HZ + MODEL_RATE_GAIN * (excitation - unit->threshold),
                    unit->peak_rate_hz);
}

static double unit_pool_excitation(const struct unit_pool *pool, double level_uv) {
        unsigned low = 0, high = UNIT_LEVELS - 1;
        double step = pool->excitation_max / (UNIT_LEVELS - 1), below, above;

        if (level_uv <= 0)
                return 0;
        if (level_uv >= pool->level_uv[high])
                return pool->excitation_max;
        while (high - low > 1) {
                unsigned middle = (low + high) / 2;

                if (pool->level_uv[middle] <= level_uv)
                        low = middle;
                else
                        high = middle;
        }
        below = pool->level_uv[low];
        above = pool->level_uv[high];
        return step * (low + (level_uv - below) / (above - below));
}

int unit_pool_init(struct unit_pool *pool, struct random *random, double rate_hz) {
        /* Four widths of the slowest potential either way, and its parts' spread. */
        double half_s = 4 * potential_width_s(MODEL_POTENTIAL_MEDIAN_MIN_HZ, true) +
                        4 * MODEL_POTENTIAL_SPREAD_S;
        float *potentials;
        size_t length = 2 * (size_t)ceil(half_s * rate_hz) + 1;

        potentials = calloc((size_t)MODEL_UNITS * UNIT_PHASES * length, sizeof(*potentials));
        if (!potentials)
                return -ENOMEM;

        *pool = (struct unit_pool){.rate_hz = rate_hz, .length = length, .potentials = potentials};
        for (unsigned i = 0; i < MODEL_UNITS; i++) {
                double rank = (double)(i + 1) / MODEL_UNITS, amplitude_uv;

                pool->units[i].threshold = exp(log(MODEL_RECRUITMENT_RANGE) * rank);
                pool->units[i].peak_rate_hz = MODEL_PEAK_RATE_HZ - MODEL_PEAK_RATE_FALL_HZ *
                                                                           pool->units[i].threshold /
                                                                           MODEL_RECRUITMENT_RANGE;
                amplitude_uv = MODEL_POTENTIAL_LARGEST_UV * exp(log(MODEL_SIZE_RANGE) * (rank - 1));
                unit_draw_potential(
                        pool, i,
                        random_lognormal(random, amplitude_uv, amplitude_uv * MODEL_POTENTIAL_DEPTH_CV),
                        random);
        }

        pool->excitation_max =
                MODEL_RECRUITMENT_RANGE +
                (MODEL_PEAK_RATE_HZ - MODEL_PEAK_RATE_FALL_HZ - MODEL_MINIMUM_RATE_HZ) / MODEL_RATE_GAIN;
        for (unsigned step = 0; step < UNIT_LEVELS; step++) {
                double power = 0, excitation = pool->excitation_max * step / (UNIT_LEVELS - 1);

                for (unsigned i = 0; i < MODEL_UNITS; i++)
                        power += unit_rate_hz(&pool->units[i], excitation) * pool->units[i].energy_uv2s;
                pool->level_uv[step] = sqrt(power);
        }
        return 0;
}

void unit_pool_done(struct unit_pool *pool) {
        free(pool->potentials);
        pool->potentials = NULL;
}

double unit_pool_voluntary_max_uv(const struct unit_pool *pool) {
        return pool->level_uv[UNIT_LEVELS - 1];
}

double unit_pool_cramp_max_uv(const struct unit_pool *pool) {
        double power = 0;

        for (unsigned i = 0; i < MODEL_UNITS; i++)
                power += MODEL_CRAMP_RATE_HZ * pool->units[i].energy_uv2s;
        /* Half of the power leaves room for units to drop out and others to replace them. */
        return sqrt(power / 2);
}

double unit_pool_density(const struct unit_pool *pool, double hz) {
        double step_real = cos(2 * M_PI * hz / pool->rate_hz),
               step_imaginary = sin(2 * M_PI * hz / pool->rate_hz);
        double sum = 0;

        for (unsigned unit = 0; unit < MODEL_UNITS; unit++) {
                const float *potential = pool->potentials + (size_t)unit * UNIT_PHASES * pool->length;
                double real = 0, imaginary = 0, turn_real = 1, turn_imaginary = 0;

                for (size_t i = 0; i < pool->length; i++) {
                        double next = turn_real * step_real - turn_imaginary * step_imaginary;

                        real += (double)potential[i] * turn_real;
                        imaginary += (double)potential[i] * turn_imaginary;
                        turn_imaginary = turn_real * step_imaginary + turn_imaginary * step_real;
                        turn_real = next;
                }
                /* Parseval: twice, for the frequencies below 0; samples to seconds, twice. */
                sum += 2 * (real * real + imaginary * imaginary) / (pool->rate_hz * pool->rate_hz) /
                       pool->units[unit].energy_uv2s;
        }
        return sum / MODEL_UNITS;
}

void unit_discharge(const struct unit_pool *pool, unsigned unit, double at, struct unit_canvas *canvas) {
        double offset = at - canvas->first;
        size_t whole = (size_t)offset;
        unsigned phase = (unsigned)((offset - (double)whole) * UNIT_PHASES);
        const float *potential = pool->potentials + ((size_t)unit * UNIT_PHASES + phase) * pool->length;
        float *samples = canvas->samples + whole;

        for (size_t i = 0; i < pool->length; i++)
                samples[i] += potential[i];
}

/* Draws a unit's discharges from sample `from` up to `to` at a rate of `unit_hz`. Time is counted in the
 * unit's own cycles, so that a rate that changes within an interval counts from then on. `*cycles` are
 * left to the next discharge. */
static void unit_run(const struct unit_pool *pool, unsigned unit, struct random *random, double unit_hz,
                     double cv, double *cycles, double from, double to, struct unit_canvas *canvas) {
        double per_cycle = pool->rate_hz / unit_hz, at = from + *cycles * per_cycle;

        while (at < to) {
                double interval = 1 + cv * random_normal(random);

                unit_discharge(pool, unit, at, canvas);
                at += fmax(interval, MODEL_REFRACTORY_S * unit_hz) * per_cycle;
        }
        *cycles = (at - to) / per_cycle;
}

void voluntary_drive_init(struct voluntary_drive *drive, const struct random *random) {
        drive->random = *random;
        for (unsigned i = 0; i < MODEL_UNITS; i++)
                drive->cycles[i] = -1;
}

void voluntary_drive_render(struct voluntary_drive *drive, const struct unit_pool *pool, double level_uv,
                            double from, double to, struct unit_canvas *canvas) {
        double excitation = unit_pool_excitation(pool, level_uv);

        for (unsigned i = 0; i < MODEL_UNITS; i++) {
                double unit_hz = unit_rate_hz(&pool->units[i], excitation);

                if (unit_hz <= 0) {
                        drive->cycles[i] = -1;
                        continue;
                }
                /* A newly recruited unit starts at any point of its cycle: units are not synchronous. */
                if (drive->cycles[i] < 0)
                        drive->cycles[i] = random_uniform(&drive->random, 0, 1);
                unit_run(pool, i, &drive->random, unit_hz, MODEL_INTERVAL_CV, &drive->cycles[i], from,
                         to, canvas);
        }
}

void cramp_drive_init(struct cramp_drive *drive, const struct random *random) {
        *drive = (struct cramp_drive){.random = *random};
        for (unsigned i = 0; i < MODEL_UNITS; i++)
                drive->units[i].until = -1;
}

static double cramp_unit_power(const struct cramp_drive *drive, const struct unit_pool *pool,
                               unsigned unit) {
        return drive->units[unit].rate_hz * pool->units[unit].energy_uv2s;
}

static void cramp_drive_drop(struct cramp_drive *drive, const struct unit_pool *pool, unsigned unit) {
        drive->power_uv2 -= cramp_unit_power(drive, pool, unit);
        drive->units[unit].until = -1;
}

static void cramp_drive_recruit(struct cramp_drive *drive, const struct unit_pool *pool, unsigned unit,
                                double now) {
        struct random *random = &drive->random;
        double rate_hz = MODEL_CRAMP_RATE_HZ + MODEL_CRAMP_RATE_SD_HZ * random_normal(random);
        double active_s = random_lognormal(random, MODEL_CRAMP_ACTIVE_S, MODEL_CRAMP_ACTIVE_SD_S);

        rate_hz = fmin(fmax(rate_hz, MODEL_CRAMP_RATE_MIN_HZ), MODEL_CRAMP_RATE_MAX_HZ);
        drive->units[unit].rate_hz = rate_hz;
        drive->units[unit].until = now + active_s * pool->rate_hz;
        drive->units[unit].cycles = random_uniform(random, 0, 1);
        drive->power_uv2 += cramp_unit_power(drive, pool, unit);
}

/* A random unit that is active or not, as asked, and no stronger than `energy_max`; MODEL_UNITS if there
 * is none. */
static unsigned cramp_drive_choose(struct cramp_drive *drive, const struct unit_pool *pool, bool active,
                                   double energy_max) {
        unsigned found = 0, choice = MODEL_UNITS;

        for (unsigned i = 0; i < MODEL_UNITS; i++)
                if ((drive->units[i].until >= 0) == active && pool->units[i].energy_uv2s <= energy_max)
                        if (random_below(&drive->random, ++found) == 0)
                                choice = i;
        return choice;
}

/* Lets units drop out and come in until their power is near what is asked. */
static void cramp_drive_balance(struct cramp_drive *drive, const struct unit_pool *pool,
                                double power_uv2, double now) {
        double energy_max = power_uv2 / MODEL_CRAMP_UNIT_SHARE / MODEL_CRAMP_RATE_HZ;
        unsigned unit;

        for (unsigned i = 0; i < MODEL_UNITS; i++)
                if (drive->units[i].until >= 0 && (drive->units[i].until < now || power_uv2 <= 0))
                        cramp_drive_drop(drive, pool, i);

        while (drive->power_uv2 < 0.9 * power_uv2) {
                unit = cramp_drive_choose(drive, pool, false, energy_max);
                if (unit == MODEL_UNITS)
                        break;
                cramp_drive_recruit(drive, pool, unit, now);
        }
        while (drive->power_uv2 > 1.15 * power_uv2) {
                unit = cramp_drive_choose(drive, pool, true, INFINITY);
                if (unit == MODEL_UNITS)
                        break;
                cramp_drive_drop(drive, pool, unit);
        }
}

void cramp_drive_render(struct cramp_drive *drive, const struct unit_pool *pool, double level_uv,
                        double wave, double age_s, double from, double to, struct unit_canvas *canvas) {
        double early = 1 + MODEL_CRAMP_RATE_EARLY * exp(-age_s / MODEL_CRAMP_RATE_EARLY_S);
        double power_uv2 = level_uv * level_uv / early, trim;

        cramp_drive_balance(drive, pool, power_uv2, from);

        /* Rates follow what whole units cannot: within bounds, so that discharge rates stay those of a
         * cramp. */
        trim = drive->power_uv2 > 0 ? fmin(fmax(power_uv2 / drive->power_uv2, 0.8), 1.25) : 1;
        trim *= fmin(fmax(wave * wave, MODEL_CRAMP_WAVE_MIN), MODEL_CRAMP_WAVE_MAX) * early;

        for (unsigned i = 0; i < MODEL_UNITS; i++) {
                if (drive->units[i].until < 0)
                        continue;
                unit_run(pool, i, &drive->random, drive->units[i].rate_hz * trim,
                         MODEL_CRAMP_INTERVAL_CV, &drive->units[i].cycles, from, to, canvas);
        }
}
