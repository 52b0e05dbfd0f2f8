/* SPDX-License-Identifier: MIT */
/* Mains: see mains.h. */
#include "daemon/detector/mains.h"

#include "daemon/detector/trigonometry.h"

static const double nominal_hz[2] = {50.0, 60.0};

/* A line in the newest block: its power over that of as many neighbouring bins, and where it lies. */
struct sighting {
        double ratio, hz;
};

static void line_start(struct mains_line *line) {
        *line = (struct mains_line){.on = true, .cosine = 1.0};
}

/* After a change of the frequency: phases and weights stay, only the turn per frame is new. */
static void mains_tune(struct mains *mains, const struct grid *grid, double base_hz) {
        mains->base_hz = base_hz;
        for (unsigned i = 0; i < TUNING_MAINS_HARMONICS; i++)
                if (mains->line[i].on)
                        trigonometry_of_turns(base_hz * (double)(i + 1) / grid->rate_hz,
                                              &mains->line[i].turn_sine, &mains->line[i].turn_cosine);
}

static double power_between(const struct spectrum *spectrum, size_t from, size_t to,
                            unsigned *ret_bins) {
        double sum = 0.0;

        for (size_t k = from; k <= to && k + 1 < spectrum->bins; k++) {
                sum += spectrum->power[k];
                (*ret_bins)++;
        }
        return sum;
}

static struct sighting sighting_at(const struct spectrum *spectrum, double hz, double span_hz) {
        const double *power = spectrum->power;
        struct sighting sighting = {.hz = hz};
        size_t low = (size_t)((hz - span_hz) / spectrum->bin_hz + 0.5);
        size_t high = (size_t)((hz + span_hz) / spectrum->bin_hz + 0.5), peak;
        unsigned bins = 0;
        double around, root_peak, root_side, offset;

        if (low < 9 || high + 9 >= spectrum->bins)
                return sighting;

        peak = low;
        for (size_t k = low; k <= high; k++)
                if (power[k] > power[peak])
                        peak = k;

        around = power_between(spectrum, peak - 8, peak - 3, &bins);
        around += power_between(spectrum, peak + 3, peak + 8, &bins);
        if (!(around > 0.0))
                return sighting;
        sighting.ratio = (power[peak - 1] + power[peak] + power[peak + 1]) / around * (double)bins / 3.0;
        if (sighting.ratio > TUNING_MAINS_RATIO_MAX)
                sighting.ratio = TUNING_MAINS_RATIO_MAX;

        /* Where between two bins the line lies, for a von Hann window (Grandke 1983). */
        root_peak = __builtin_sqrt(power[peak]);
        root_side =
                __builtin_sqrt(power[peak + 1] > power[peak - 1] ? power[peak + 1] : power[peak - 1]);
        offset = (2.0 * root_side - root_peak) / (root_side + root_peak);
        sighting.hz = ((double)peak + (power[peak + 1] > power[peak - 1] ? offset : -offset)) *
                      spectrum->bin_hz;
        return sighting;
}

/* The fundamental as the strongest line of one grid frequency tells it; 0 when none is above the
 * threshold. */
static double base_estimate(const struct mains *mains, unsigned nominal,
                            const struct sighting *sightings, unsigned *ret_line) {
        double best = 0.0;
        unsigned line = 0;

        for (unsigned i = 0; i < TUNING_MAINS_HARMONICS; i++)
                if (sightings[i].ratio > best && mains->ratio[nominal][i] >= TUNING_MAINS_ON) {
                        best = sightings[i].ratio;
                        line = i;
                }
        if (!(best > 0.0))
                return 0.0;

        *ret_line = line;
        return sightings[line].hz / (double)(line + 1);
}

static void mains_follow_estimate(struct mains *mains, const struct grid *grid, double estimate_hz) {
        double error = estimate_hz - mains->base_hz;

        /* Fine tuning is left to the phases; one odd block moves nothing. */
        if (error < TUNING_NOTCH_LOST_HZ && error > -TUNING_NOTCH_LOST_HZ) {
                mains->disagreements = 0;
                return;
        }
        if (++mains->disagreements < 2)
                return;

        mains->disagreements = 0;
        mains_tune(mains, grid, estimate_hz);
}

static void mains_switch_lines(struct mains *mains, const struct grid *grid) {
        bool fresh = false;

        for (unsigned i = 0; i < TUNING_MAINS_HARMONICS; i++) {
                struct mains_line *line = &mains->line[i];
                double ratio = mains->ratio[mains->nominal][i];

                if (!line->on && ratio >= TUNING_MAINS_ON) {
                        line_start(line);
                        mains->lines_on++;
                        fresh = true;
                } else if (line->on && ratio < TUNING_MAINS_OFF) {
                        line->on = false;
                        mains->lines_on--;
                }
        }
        if (fresh)
                mains_tune(mains, grid, mains->base_hz);
}

void mains_look(struct mains *mains, const struct grid *grid, const struct spectrum *spectrum) {
        struct sighting sightings[2][TUNING_MAINS_HARMONICS] = {};
        double sum[2] = {}, estimate;
        unsigned line = 0;

        for (unsigned n = 0; n < 2; n++)
                for (unsigned i = 0; i < TUNING_MAINS_HARMONICS; i++) {
                        double harmonic = (double)(i + 1);
                        double hz = nominal_hz[n] * harmonic, *ratio = &mains->ratio[n][i];
                        double span = TUNING_MAINS_SPAN_HZ * harmonic;

                        if (hz + span > grid->band_hz)
                                break;
                        /* Once the fundamental is known its harmonics are, too. */
                        if (mains->lines_on > 0 && n == mains->nominal) {
                                hz = mains->base_hz * harmonic;
                                span = TUNING_MAINS_SPAN_HZ;
                        }
                        sightings[n][i] = sighting_at(spectrum, hz, span);
                        *ratio += TUNING_MAINS_AVERAGE * (sightings[n][i].ratio - *ratio);
                        sum[n] += *ratio;
                }

        if (mains->lines_on == 0) {
                mains->nominal = sum[1] > sum[0] ? 1 : 0;
                mains->base_hz = base_estimate(mains, mains->nominal, sightings[mains->nominal], &line);
                if (!(mains->base_hz > 0.0))
                        return;
                mains->hops_to_track = grid_hops(grid, TUNING_NOTCH_TRACK_MS);
        } else {
                estimate = base_estimate(mains, mains->nominal, sightings[mains->nominal], &line);
                if (estimate > 0.0)
                        mains_follow_estimate(mains, grid, estimate);
        }
        mains->strongest = line;
        mains_switch_lines(mains, grid);
}

void mains_leave_out(const struct mains *mains, struct spectrum *spectrum, double half_hz) {
        for (unsigned i = 0; i < TUNING_MAINS_HARMONICS; i++)
                if (mains->line[i].on)
                        spectrum_leave_out(spectrum, mains->base_hz * (double)(i + 1), half_hz);
}

void mains_cancel(struct mains *mains, const struct grid *grid, double *uv, size_t n, bool learn) {
        struct mains_line *active[TUNING_MAINS_HARMONICS];
        double step[TUNING_MAINS_HARMONICS];
        uint32_t haste = grid_hops(grid, TUNING_NOTCH_HASTE_MS);
        unsigned count = 0;

        if (mains->lines_on == 0)
                return;

        for (unsigned k = 0; k < TUNING_MAINS_HARMONICS; k++)
                if (mains->line[k].on) {
                        step[count] = learn ? TRIGONOMETRY_TURN * TUNING_NOTCH_HZ / grid->rate_hz : 0.0;
                        if (mains->line[k].age_hops < haste)
                                step[count] *= TUNING_NOTCH_HASTE;
                        active[count++] = &mains->line[k];
                }

        for (size_t i = 0; i < n; i++) {
                double error = uv[i];

                for (unsigned k = 0; k < count; k++) {
                        struct mains_line *line = active[k];
                        double c = line->cosine * line->turn_cosine - line->sine * line->turn_sine;
                        double s = line->cosine * line->turn_sine + line->sine * line->turn_cosine;

                        line->cosine = c;
                        line->sine = s;
                        error -= line->weight_cosine * c + line->weight_sine * s;
                }
                for (unsigned k = 0; k < count; k++) {
                        active[k]->weight_cosine += step[k] * error * active[k]->cosine;
                        active[k]->weight_sine += step[k] * error * active[k]->sine;
                }
                uv[i] = error;
        }
}

/* How far off the frequency is, from the turn of a line's weights since the last look, Hz. */
static double line_frequency_error(const struct mains_line *line, double seconds) {
        double dot = line->anchor_cosine * line->weight_cosine + line->anchor_sine * line->weight_sine;
        double cross = line->anchor_cosine * line->weight_sine - line->anchor_sine * line->weight_cosine;
        double was = line->anchor_cosine * line->anchor_cosine + line->anchor_sine * line->anchor_sine;
        double is = line->weight_cosine * line->weight_cosine + line->weight_sine * line->weight_sine;

        if (!(dot > 0.0) || !(was > 0.0) || !(is > 0.0))
                return 0.0;
        return -cross / __builtin_sqrt(was * is) / (TRIGONOMETRY_TURN * seconds);
}

double mains_power(const struct mains *mains) {
        double power = 0.0;

        for (unsigned i = 0; i < TUNING_MAINS_HARMONICS; i++) {
                const struct mains_line *line = &mains->line[i];

                if (line->on)
                        power += (line->weight_sine * line->weight_sine +
                                  line->weight_cosine * line->weight_cosine) *
                                 0.5;
        }
        return power;
}

void mains_track(struct mains *mains, const struct grid *grid) {
        uint32_t haste = grid_hops(grid, TUNING_NOTCH_HASTE_MS),
                 period = grid_hops(grid, TUNING_NOTCH_TRACK_MS);
        struct mains_line *strongest = &mains->line[mains->strongest];
        double error;

        if (mains->lines_on == 0)
                return;

        for (unsigned i = 0; i < TUNING_MAINS_HARMONICS; i++) {
                struct mains_line *line = &mains->line[i];
                double length = line->cosine * line->cosine + line->sine * line->sine;

                if (!line->on)
                        continue;
                line->age_hops++;
                /* One Newton step keeps the reference's amplitude at 1 against rounding. */
                line->cosine *= 1.5 - 0.5 * length;
                line->sine *= 1.5 - 0.5 * length;
        }

        if (--mains->hops_to_track > 0)
                return;
        mains->hops_to_track = period;

        if (strongest->on && strongest->age_hops > haste + period) {
                error = line_frequency_error(strongest, (double)period * grid->hop_s);
                mains_tune(mains, grid,
                           mains->base_hz +
                                   TUNING_NOTCH_TRACK_SHARE * error / (double)(mains->strongest + 1));
        }
        for (unsigned i = 0; i < TUNING_MAINS_HARMONICS; i++) {
                mains->line[i].anchor_cosine = mains->line[i].weight_cosine;
                mains->line[i].anchor_sine = mains->line[i].weight_sine;
        }
}

void mains_skip(struct mains *mains, const struct grid *grid, uint64_t frames) {
        if (mains->lines_on == 0)
                return;

        mains->hops_to_track = grid_hops(grid, TUNING_NOTCH_TRACK_MS);
        for (unsigned i = 0; i < TUNING_MAINS_HARMONICS; i++) {
                struct mains_line *line = &mains->line[i];
                double sine, cosine, c;

                if (!line->on)
                        continue;
                if (frames > grid_frames(grid, TUNING_NOTCH_CARRY_MS)) {
                        /* The frequency is still good, the phase is not. */
                        line_start(line);
                        continue;
                }
                trigonometry_of_turns(mains->base_hz * (double)(i + 1) / grid->rate_hz * (double)frames,
                                      &sine, &cosine);
                c = line->cosine * cosine - line->sine * sine;
                line->sine = line->cosine * sine + line->sine * cosine;
                line->cosine = c;
                line->anchor_cosine = line->anchor_sine = 0.0;
        }
        mains_tune(mains, grid, mains->base_hz);
}
