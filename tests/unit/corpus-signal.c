/* SPDX-License-Identifier: MIT */
/* Measurements of generated signals: see corpus-signal.h. */
#include "tests/unit/corpus-signal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/basic/cleanup.h"

static void script_free(struct script *script) {
        script_done(script);
}

struct signal signal_of_script(const struct corpus_setup *setup, const struct script *script) {
        struct corpus_error error = {0};
        struct signal signal = {0};

        assert_int_equal(corpus_new(setup, script, &signal.corpus, &error), 0);
        signal.setup = corpus_get_setup(signal.corpus);
        signal.frames = (size_t)corpus_frames(signal.corpus);
        signal.counts = calloc(signal.frames * corpus_columns(signal.corpus), sizeof(*signal.counts));
        assert_non_null(signal.counts);
        assert_int_equal(corpus_read(signal.corpus, signal.counts, signal.frames), signal.frames);
        return signal;
}

struct signal signal_make(const struct corpus_setup *setup, const char *text) {
        __attribute__((cleanup(script_free))) struct script script = {0};
        struct script_layout layout = {.seed = setup->seed, .channels = setup->channels, .cramps = 2};
        struct corpus_error error = {0};

        if (script_builtin(text, &layout, &script, &error) < 0)
                assert_int_equal(script_parse(text, "text", &script, &error), 0);
        return signal_of_script(setup, &script);
}

void signal_done(struct signal *signal) {
        free(signal->counts);
        corpus_free(signal->corpus);
}

double signal_uv(const struct signal *signal, unsigned channel, size_t frame) {
        return signal->counts[frame * corpus_columns(signal->corpus) + channel] *
               signal->setup->scale_uv;
}

/* Power in microvolts squared from `low` to `high` Hz of `n` samples, by a plain Fourier sum over their
 * bins. */
static double signal_window_power(const struct signal *signal, unsigned channel, size_t first, size_t n,
                                  unsigned low, unsigned high) {
        double power = 0, bin_hz = (double)signal->setup->rate_hz / (double)n;

        for (double hz = ceil(low / bin_hz) * bin_hz; hz <= high; hz += bin_hz) {
                double angle = 2 * M_PI * hz / signal->setup->rate_hz;
                double step_real = cos(angle), step_imaginary = sin(angle);
                double real = 0, imaginary = 0, turn_real = 1, turn_imaginary = 0;

                for (size_t i = 0; i < n; i++) {
                        double value = signal_uv(signal, channel, first + i);
                        double next = turn_real * step_real - turn_imaginary * step_imaginary;

                        real += value * turn_real;
                        imaginary += value * turn_imaginary;
                        turn_imaginary = turn_real * step_imaginary + turn_imaginary * step_real;
                        turn_real = next;
                }
                power += 2 * (real * real + imaginary * imaginary) / ((double)n * (double)n);
        }
        return power;
}

double signal_band_power(const struct signal *signal, unsigned channel, unsigned second, unsigned low,
                         unsigned high) {
        size_t n = signal->setup->rate_hz;

        return signal_window_power(signal, channel, second * n, n, low, high);
}

static unsigned signal_band_high_hz(const struct signal *signal) {
        return (unsigned)fmin(450, 0.45 * signal->setup->rate_hz);
}

double signal_rms_uv(const struct signal *signal, unsigned channel, unsigned from, unsigned to) {
        unsigned high = signal_band_high_hz(signal);
        double power = 0;

        for (unsigned second = from; second < to; second++)
                power += signal_band_power(signal, channel, second, 20, high);
        return sqrt(power / (to - from));
}

double signal_median_hz(const struct signal *signal, unsigned channel, unsigned from, unsigned to) {
        double power[451] = {0}, all = 0, sum = 0;

        for (unsigned hz = 20; hz <= 450; hz++) {
                for (unsigned second = from; second < to; second++)
                        power[hz] += signal_band_power(signal, channel, second, hz, hz);
                all += power[hz];
        }
        for (unsigned hz = 20; hz <= 450; hz++) {
                sum += power[hz];
                if (sum >= all / 2)
                        return hz;
        }
        return NAN;
}

double signal_envelope_uv(const struct signal *signal, unsigned channel, double at_s) {
        size_t width = signal->setup->rate_hz / 2, end = (size_t)(at_s * signal->setup->rate_hz);

        return sqrt(signal_window_power(signal, channel, end - width, width, 20,
                                        signal_band_high_hz(signal)));
}

const struct corpus_event *signal_event(const struct signal *signal, enum event_kind kind) {
        const struct corpus_event *events;
        size_t n;

        events = corpus_events(signal->corpus, &n);
        for (size_t i = 0; i < n; i++)
                if (events[i].kind == kind)
                        return &events[i];
        fail_msg("no %s in the truth", event_kind_to_string(kind));
        return NULL;
}

#define ROUGHNESS_HZ 20

/* Second-order Butterworth filter of a curve, low- or high-pass, in place. */
static void curve_filter(double *values, size_t n, double corner_hz, bool high) {
        double k = tan(M_PI * corner_hz / ROUGHNESS_HZ), norm = 1 / (1 + M_SQRT2 * k + k * k);
        double b = high ? norm : k * k * norm, a1 = 2 * (k * k - 1) * norm,
               a2 = (1 - M_SQRT2 * k + k * k) * norm;
        double x1 = 0, x2 = 0, y1 = 0, y2 = 0;

        for (size_t i = 0; i < n; i++) {
                double x = values[i], y = b * (x + (high ? -2 : 2) * x1 + x2) - a1 * y1 - a2 * y2;

                x2 = x1;
                x1 = x;
                y2 = y1;
                y1 = y;
                values[i] = y;
        }
}

double signal_roughness(const struct signal *signal, unsigned channel, unsigned from, unsigned to) {
        size_t n = (size_t)(to - from) * ROUGHNESS_HZ, settle = 3 * ROUGHNESS_HZ;
        size_t rate = signal->setup->rate_hz, width = rate * 3 / 20;
        _cleanup_(freep) double *levels = calloc(n, sizeof(*levels));
        double mean = 0, variance = 0;

        assert_non_null(levels);
        for (size_t i = 0; i < n; i++) {
                size_t end = from * rate + i * rate / ROUGHNESS_HZ + width;

                levels[i] = sqrt(signal_window_power(signal, channel, end - width, width, 20,
                                                     signal_band_high_hz(signal)));
                mean += levels[i] / (double)n;
        }
        /* From the mean on, so that little has to settle. */
        for (size_t i = 0; i < n; i++)
                levels[i] -= mean;
        curve_filter(levels, n, 1.5, false);
        curve_filter(levels, n, 0.3, true);
        for (size_t i = settle; i < n; i++)
                variance += levels[i] * levels[i] / (double)(n - settle);
        return sqrt(variance) / mean;
}
