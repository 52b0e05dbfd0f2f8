/* SPDX-License-Identifier: MIT */
/* Power spectra: see spectrum.h. */
#include "daemon/detector/spectrum.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/detector/trigonometry.h"

static void spectrum_fill_tables(struct spectrum *spectrum) {
        size_t n = spectrum->frames, half = n / 2;
        double squares = 0.0, scale;

        for (size_t i = 0; i < n; i++) {
                double sine, cosine;

                trigonometry_of_turns((double)i / (double)n, &sine, &cosine);
                spectrum->window[i] = 0.5 - 0.5 * cosine;
                squares += spectrum->window[i] * spectrum->window[i];
                if (i < half) {
                        spectrum->sine[i] = sine;
                        spectrum->cosine[i] = cosine;
                }
        }

        /* One-sided: the squared magnitudes of the windowed block then sum to its mean square
         * (Parseval). */
        scale = 2.0 / ((double)n * squares);
        scale = __builtin_sqrt(scale);
        for (size_t i = 0; i < n; i++)
                spectrum->window[i] *= scale;

        spectrum->reversed[0] = 0;
        for (size_t i = 1; i < half; i++)
                spectrum->reversed[i] = spectrum->reversed[i >> 1] >> 1 | ((i & 1) != 0 ? half >> 1 : 0);
}

int spectrum_init(struct spectrum *spectrum, const struct grid *grid) {
        size_t n = 1;

        while ((double)n * 1.4 < grid->rate_hz)
                n *= 2;

        *spectrum =
                (struct spectrum){.frames = n, .bins = n / 2 + 1, .bin_hz = grid->rate_hz / (double)n};
        spectrum->first_bin = (size_t)(TUNING_HIGHPASS_HZ / spectrum->bin_hz + 0.5);
        spectrum->last_bin = (size_t)(grid->band_hz / spectrum->bin_hz);

        spectrum->window = calloc(n, sizeof(double));
        spectrum->sine = calloc(n / 2, sizeof(double));
        spectrum->cosine = calloc(n / 2, sizeof(double));
        spectrum->reversed = calloc(n / 2, sizeof(size_t));
        spectrum->real = calloc(n / 2, sizeof(double));
        spectrum->imaginary = calloc(n / 2, sizeof(double));
        spectrum->power = calloc(spectrum->bins, sizeof(double));
        spectrum->left_out = calloc(spectrum->bins, sizeof(bool));
        if (!spectrum->window || !spectrum->sine || !spectrum->cosine || !spectrum->reversed ||
            !spectrum->real || !spectrum->imaginary || !spectrum->power || !spectrum->left_out) {
                spectrum_done(spectrum);
                return -ENOMEM;
        }

        spectrum_fill_tables(spectrum);
        return 0;
}

void spectrum_done(struct spectrum *spectrum) {
        free(spectrum->window);
        free(spectrum->sine);
        free(spectrum->cosine);
        free(spectrum->reversed);
        free(spectrum->real);
        free(spectrum->imaginary);
        free(spectrum->power);
        free(spectrum->left_out);
        *spectrum = (struct spectrum){};
}

/* Radix-2, decimation in time (Cooley & Tukey 1965), over frames / 2 complex numbers in bit-reversed
 * order. */
static void spectrum_transform(struct spectrum *spectrum) {
        size_t n = spectrum->frames / 2;
        double *real = spectrum->real, *imaginary = spectrum->imaginary;

        for (size_t span = 1; span < n; span *= 2) {
                size_t step = spectrum->frames / (2 * span);

                for (size_t group = 0; group < n; group += 2 * span)
                        for (size_t k = 0; k < span; k++) {
                                size_t a = group + k, b = a + span;
                                double c = spectrum->cosine[k * step], s = spectrum->sine[k * step];
                                double x = real[b] * c + imaginary[b] * s;
                                double y = imaginary[b] * c - real[b] * s;

                                real[b] = real[a] - x;
                                imaginary[b] = imaginary[a] - y;
                                real[a] += x;
                                imaginary[a] += y;
                        }
        }
}

void spectrum_run(struct spectrum *spectrum, const double *ring, size_t start) {
        size_t n = spectrum->frames, half = n / 2;

        /* Even frames as real, odd ones as imaginary parts: half the work for a real signal. */
        for (size_t i = 0; i < half; i++) {
                size_t to = spectrum->reversed[i];

                spectrum->real[to] = ring[(start + 2 * i) & (n - 1)] * spectrum->window[2 * i];
                spectrum->imaginary[to] =
                        ring[(start + 2 * i + 1) & (n - 1)] * spectrum->window[2 * i + 1];
        }

        spectrum_transform(spectrum);

        spectrum->power[0] = 0.0;
        spectrum->power[half] = 0.0;
        for (size_t k = 1; k < half; k++) {
                double even_r = (spectrum->real[k] + spectrum->real[half - k]) * 0.5;
                double even_i = (spectrum->imaginary[k] - spectrum->imaginary[half - k]) * 0.5;
                double odd_r = (spectrum->imaginary[k] + spectrum->imaginary[half - k]) * 0.5;
                double odd_i = (spectrum->real[half - k] - spectrum->real[k]) * 0.5;
                double x = even_r + odd_r * spectrum->cosine[k] + odd_i * spectrum->sine[k];
                double y = even_i + odd_i * spectrum->cosine[k] - odd_r * spectrum->sine[k];

                spectrum->power[k] = x * x + y * y;
        }
}

void spectrum_leave_in(struct spectrum *spectrum) {
        memset(spectrum->left_out, 0, spectrum->bins * sizeof(bool));
}

void spectrum_leave_out(struct spectrum *spectrum, double line_hz, double half_hz) {
        double low = (line_hz - half_hz) / spectrum->bin_hz,
               high = (line_hz + half_hz) / spectrum->bin_hz;

        for (size_t k = low > 0.0 ? (size_t)(low + 0.5) : 0;
             k < spectrum->bins && (double)k <= high + 0.5; k++)
                spectrum->left_out[k] = true;
}

double spectrum_left_out_share(const struct spectrum *spectrum) {
        double out = 0.0, total = 0.0;

        for (size_t k = spectrum->first_bin; k <= spectrum->last_bin; k++) {
                total += spectrum->power[k];
                if (spectrum->left_out[k])
                        out += spectrum->power[k];
        }
        return total > 0.0 ? out / total : 0.0;
}

double spectrum_tone_share(const struct spectrum *spectrum, double width_hz) {
        size_t width = (size_t)(width_hz / spectrum->bin_hz + 0.5);
        double sum = 0.0, highest = 0.0, total = 0.0;

        for (size_t k = spectrum->first_bin; k <= spectrum->last_bin; k++) {
                sum += spectrum->power[k];
                total += spectrum->power[k];
                if (k >= spectrum->first_bin + width)
                        sum -= spectrum->power[k - width];
                if (sum > highest)
                        highest = sum;
        }
        return total > 0.0 ? highest / total : 0.0;
}

double spectrum_median_hz(const struct spectrum *spectrum, const double *power) {
        double total = 0.0, sum = 0.0;

        for (size_t k = spectrum->first_bin; k <= spectrum->last_bin; k++)
                if (!spectrum->left_out[k])
                        total += power[k];
        if (!(total > 0.0))
                return 0.0;

        for (size_t k = spectrum->first_bin; k <= spectrum->last_bin; k++) {
                if (spectrum->left_out[k])
                        continue;
                if (sum + power[k] >= total * 0.5)
                        return ((double)k - 0.5 + (total * 0.5 - sum) / power[k]) * spectrum->bin_hz;
                sum += power[k];
        }
        return 0.0;
}
