/* SPDX-License-Identifier: MIT */
/* Pieces of real recordings: see splice-load.h. */
#include "tests/corpus/splice-load.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "sensors/recording/recording.h"
#include "tests/corpus/interference.h"
#include "tests/corpus/model.h"

#define LEVEL_S 0.1       /* levels are judged in steps of this */
#define RESAMPLE_HALF 16L /* input samples on either side of an output sample */
#define CYCLES_MAX 32

enum use {
        USE_HOLD = 1,
        USE_BURST = 2,
        USE_REST = 4,
};

/* What there is to cut (licences and origins: the folder's README). */
#define ELDERLY(person, task, column, use) \
        { "elderly-isometric-da-silva/" person "_EMG_" task "_uV_2000Hz.csv", column, 2000, use }
#define ELDERLY_PERSON(person)                                                                \
        ELDERLY(person, "TA", "TA", USE_HOLD), ELDERLY(person, "BF", "BF", USE_HOLD),         \
                ELDERLY(person, "VL", "VL", USE_HOLD), ELDERLY(person, "LG", "TA", USE_HOLD), \
                ELDERLY(person, "TA", "VL", USE_REST), ELDERLY(person, "TA", "BF", USE_REST)

static const struct source {
        const char *path, *column;
        double rate_hz;
        unsigned uses;
} sources[] = {
        ELDERLY_PERSON("ID03"),
        ELDERLY_PERSON("ID09"),
        ELDERLY_PERSON("ID13"),
        {"biceps-biosignalsnotebooks/emg_bursts_raw_counts_1000Hz.csv", "1", 1000, USE_BURST | USE_REST},
        {"ta-ballistic-emggo/TA_ballistic_dorsiflexion_250Hz.csv", "1", 250, USE_BURST},
};

static const char gait_path[] = "gait-calf-santuz/ID0012_TW_01_emg_uV_1000Hz.csv";
static const char cycles_path[] = "gait-calf-santuz/ID0012_TW_01_cycles_s.csv";
#define GAIT_HZ 1000
/* There is no muscle of the foot among them: the soleus stands in. */
static const char *const gait_columns[CORPUS_MUSCLES] = {
        [MUSCLE_GM] = "GM", [MUSCLE_GL] = "GL", [MUSCLE_SO] = "SO", [MUSCLE_TA] = "TA",
        [MUSCLE_PL] = "PL", [MUSCLE_AH] = "SO", [MUSCLE_RF] = "RF", [MUSCLE_BF] = "BF",
};

struct wave {
        float *samples;
        size_t n;
};

static void wave_done(struct wave *wave) {
        free(wave->samples);
}

struct loader {
        const char *folder;
        double internal_hz;
        struct decimator decimator;
        struct splice *splice;
        struct corpus_error *error;
};

static int column_read(struct loader *loader, const char *path, const char *column, double rate_hz,
                       struct wave *ret) {
        const char *const columns[] = {column, NULL};
        struct recording_options options = {.rate_hz = rate_hz, .unit = "uV", .channels = columns};
        struct recording_error error;
        struct recording *recording;
        char full[PATH_MAX];
        int32_t counts[4096];
        struct wave wave = {0};
        uint64_t index;
        ssize_t n = 0;
        int r;

        (void)snprintf(full, sizeof(full), "%s/%s", loader->folder, path);
        r = recording_open(full, &options, &recording, &error);
        if (r < 0) {
                (void)snprintf(loader->error->text, sizeof(loader->error->text), "%.250s", error.text);
                return r;
        }
        while (r == 0 &&
               (n = recording_read(recording, &index, counts, ARRAY_LENGTH(counts), &error)) > 0) {
                float *samples = reallocarray(wave.samples, wave.n + (size_t)n, sizeof(*samples));

                if (!samples) {
                        r = -ENOMEM;
                        break;
                }
                wave.samples = samples;
                for (ssize_t i = 0; i < n; i++)
                        samples[wave.n++] =
                                (float)(counts[i] * recording_channel(recording, 0)->scale_uv);
        }
        recording_free(recording);
        if (r == 0 && n < 0)
                r = (int)n;
        if (r < 0) {
                wave_done(&wave);
                return r;
        }
        *ret = wave;
        return 0;
}

/* Takes away offset and drift below the muscle's band: second order, 12 dB an octave. */
static void wave_highpass(struct wave *wave, double rate_hz) {
        double k = tan(M_PI * MODEL_SPLICE_HIGHPASS_HZ / rate_hz), norm = 1 / (1 + M_SQRT2 * k + k * k);
        double a1 = 2 * (k * k - 1) * norm, a2 = (1 - M_SQRT2 * k + k * k) * norm;
        double offset = wave->n > 0 ? (double)wave->samples[0] : 0;
        double x1 = 0, x2 = 0, y1 = 0, y2 = 0;

        for (size_t i = 0; i < wave->n; i++) {
                double x = (double)wave->samples[i] - offset;
                double y = norm * (x - 2 * x1 + x2) - a1 * y1 - a2 * y2;

                x2 = x1;
                x1 = x;
                y2 = y1;
                y1 = y;
                wave->samples[i] = (float)y;
        }
}

/* To another rate by a windowed sinc, which keeps what both rates can hold. */
static int wave_resample(struct wave *wave, double from_hz, double to_hz) {
        double cut = fmin(1, to_hz / from_hz) * 0.95;
        long half = (long)ceil((double)RESAMPLE_HALF / cut);
        struct wave out = {.n = (size_t)((double)wave->n * to_hz / from_hz)};

        if (from_hz == to_hz)
                return 0;
        out.samples = calloc(out.n + 1, sizeof(*out.samples));
        if (!out.samples)
                return -ENOMEM;
        for (size_t i = 0; i < out.n; i++) {
                double at = (double)i * from_hz / to_hz, sum = 0;
                long middle = (long)floor(at);

                for (long k = middle - half + 1; k <= middle + half; k++) {
                        double x = at - (double)k, y = M_PI * cut * x;
                        double window = 0.54 + 0.46 * cos(M_PI * x / (double)(half + 1));

                        if (k >= 0 && k < (long)wave->n)
                                sum += (double)wave->samples[k] * cut *
                                       (fabs(y) < 1e-9 ? 1 : sin(y) / y) * window;
                }
                out.samples[i] = (float)sum;
        }
        free(wave->samples);
        *wave = out;
        return 0;
}

/* RMS of what the sensor's own filter leaves. */
static double wave_band_rms(const struct loader *loader, const float *samples, size_t n) {
        size_t taps = loader->decimator.n_taps, counted = 0;
        double power = 0;

        for (size_t i = 0; i + taps <= n; i += loader->decimator.factor, counted++) {
                double sum = 0;

                for (size_t k = 0; k < taps; k++)
                        sum += loader->decimator.taps[k] * (double)samples[i + k];
                power += sum * sum;
        }
        return counted > 0 ? sqrt(power / (double)counted) : 0;
}

/* Keeps a copy at RMS 1. Pieces beyond the set's room are left out. */
static int set_add(const struct loader *loader, struct splice_set *set, const struct wave *wave,
                   size_t from, size_t to) {
        struct splice_piece *piece = &set->pieces[set->n];
        double rms = wave_band_rms(loader, wave->samples + from, to - from);

        if (set->n == SPLICE_PIECES_MAX || !(rms > 0))
                return 0;
        piece->n = to - from;
        piece->samples = calloc(piece->n, sizeof(*piece->samples));
        if (!piece->samples)
                return -ENOMEM;
        for (size_t i = 0; i < piece->n; i++)
                piece->samples[i] = (float)((double)wave->samples[from + i] / rms);
        set->n++;
        return 0;
}

struct levels {
        float *values;
        size_t n, step;
        double low, high; /* 10th and 90th percentile */
};

static void levels_done(struct levels *levels) {
        free(levels->values);
}

static int float_compare(const void *a, const void *b) {
        float x = *(const float *)a, y = *(const float *)b;

        return (x > y) - (x < y);
}

static int levels_init(struct levels *levels, const struct loader *loader, const struct wave *wave) {
        _cleanup_(freep) float *sorted = NULL;

        levels->step = (size_t)(LEVEL_S * loader->internal_hz);
        levels->n = wave->n / levels->step;
        levels->values = calloc(levels->n + 1, sizeof(*levels->values));
        sorted = calloc(levels->n + 1, sizeof(*sorted));
        if (!levels->values || !sorted)
                return -ENOMEM;
        for (size_t i = 0; i < levels->n; i++) {
                double power = 0;

                for (size_t k = 0; k < levels->step; k++)
                        power += pow((double)wave->samples[i * levels->step + k], 2);
                levels->values[i] = sorted[i] = (float)sqrt(power / (double)levels->step);
        }
        qsort(sorted, levels->n, sizeof(*sorted), float_compare);
        levels->low = (double)sorted[levels->n / 10];
        levels->high = (double)sorted[levels->n * 9 / 10];
        return 0;
}

/* The first run from `*at` on in which the level stays above (or below) a limit, gaps of up to `bridge`
 * steps included. Returns its length in steps, 0 if there is none. */
static size_t levels_run(const struct levels *levels, double limit, bool above, size_t bridge,
                         size_t *at) {
        size_t end, gap = 0;

        while (*at < levels->n && ((double)levels->values[*at] > limit) != above)
                (*at)++;
        end = *at;
        for (size_t i = *at; i < levels->n && gap <= bridge; i++) {
                gap = ((double)levels->values[i] > limit) == above ? 0 : gap + 1;
                if (gap == 0)
                        end = i + 1;
        }
        return end - *at;
}

/* The longest run, without its first and last steps. */
static int cut_longest(const struct loader *loader, struct splice_set *set, const struct wave *wave,
                       const struct levels *levels, double limit, bool above, double least_s) {
        size_t at = 0, best_at = 0, best = 0, length, trim = 3;

        while ((length = levels_run(levels, limit, above, above ? 2 : 0, &at)) > 0) {
                if (length > best) {
                        best = length;
                        best_at = at;
                }
                at += length;
        }
        if ((double)best * LEVEL_S < least_s + 2 * (double)trim * LEVEL_S)
                return 0;
        return set_add(loader, set, wave, (best_at + trim) * levels->step,
                       (best_at + best - trim) * levels->step);
}

/* All bursts, with a step before and after. */
static int cut_bursts(const struct loader *loader, const struct wave *wave, const struct levels *levels,
                      double limit) {
        size_t at = 0, length;
        int r = 0;

        while (r == 0 && (length = levels_run(levels, limit, true, 2, &at)) > 0) {
                size_t from = at > 0 ? at - 1 : 0, to = at + length + 1;

                if (length >= 3 && length <= 40 && to <= levels->n)
                        r = set_add(loader, &loader->splice->bursts, wave, from * levels->step,
                                    to * levels->step);
                at += length;
        }
        return r;
}

static int source_cut(struct loader *loader, const struct source *source) {
        __attribute__((cleanup(wave_done))) struct wave wave = {0};
        __attribute__((cleanup(levels_done))) struct levels levels = {0};
        struct splice *splice = loader->splice;
        int r;

        r = column_read(loader, source->path, source->column, source->rate_hz, &wave);
        if (r < 0)
                return r;
        wave_highpass(&wave, source->rate_hz);
        r = wave_resample(&wave, source->rate_hz, loader->internal_hz);
        if (r == 0)
                r = levels_init(&levels, loader, &wave);
        /* The limits are choices, looked at on these recordings. */
        if (r == 0 && (source->uses & USE_HOLD))
                r = cut_longest(loader, &splice->holds, &wave, &levels, 0.35 * levels.high, true, 2);
        if (r == 0 && (source->uses & USE_REST))
                r = cut_longest(loader, &splice->rests, &wave, &levels, 1.6 * levels.low, false, 0.6);
        if (r == 0 && (source->uses & USE_BURST))
                r = cut_bursts(loader, &wave, &levels, fmax(3 * levels.low, 0.2 * levels.high));
        return r;
}

static int cycles_read(struct loader *loader, double *touchdowns_s, size_t *ret_n) {
        _cleanup_(fclosep) FILE *file = NULL;
        char full[PATH_MAX], line[128];

        *ret_n = 0;
        (void)snprintf(full, sizeof(full), "%s/%s", loader->folder, cycles_path);
        file = fopen(full, "re");
        if (!file)
                return -errno;
        while (*ret_n < CYCLES_MAX && fgets(line, sizeof(line), file)) {
                char *end;
                double value = strtod(line, &end);

                if (end != line)
                        touchdowns_s[(*ret_n)++] = value;
        }
        return *ret_n >= 2 ? 0 : -EBADMSG;
}

/* From touchdown to touchdown, all muscles at once, at the level that they had. */
static int gait_cut(struct loader *loader) {
        struct splice *splice = loader->splice;
        double touchdowns_s[CYCLES_MAX];
        size_t n;
        int r = cycles_read(loader, touchdowns_s, &n);

        if (r == 0)
                splice->n_strides = n - 1;
        for (unsigned muscle = 0; r == 0 && muscle < CORPUS_MUSCLES; muscle++) {
                __attribute__((cleanup(wave_done))) struct wave wave = {0};

                r = column_read(loader, gait_path, gait_columns[muscle], GAIT_HZ, &wave);
                if (r < 0)
                        return r;
                wave_highpass(&wave, GAIT_HZ);
                r = wave_resample(&wave, GAIT_HZ, loader->internal_hz);
                for (size_t i = 0; r == 0 && i < splice->n_strides; i++) {
                        struct splice_stride *stride = &splice->strides[i];
                        size_t from = (size_t)(touchdowns_s[i] * loader->internal_hz);

                        stride->n = (size_t)(touchdowns_s[i + 1] * loader->internal_hz) - from;
                        if (from + stride->n > wave.n)
                                return -EBADMSG;
                        stride->samples[muscle] = calloc(stride->n, sizeof(float));
                        if (!stride->samples[muscle])
                                return -ENOMEM;
                        memcpy(stride->samples[muscle], wave.samples + from, stride->n * sizeof(float));
                }
        }
        return r;
}

int splice_load(const char *folder, unsigned rate_hz, struct splice **ret, struct corpus_error *error) {
        struct loader loader = {.folder = folder, .error = error};
        unsigned factor = corpus_internal_factor(rate_hz);
        int r;

        error->text[0] = '\0';
        loader.internal_hz = (double)rate_hz * factor;
        loader.splice = calloc(1, sizeof(*loader.splice));
        if (!loader.splice)
                return -ENOMEM;
        loader.splice->internal_hz = loader.internal_hz;
        r = decimator_init(&loader.decimator, factor);

        for (size_t i = 0; r == 0 && i < ARRAY_LENGTH(sources); i++)
                r = source_cut(&loader, &sources[i]);
        if (r == 0)
                r = gait_cut(&loader);
        decimator_done(&loader.decimator);
        if (r == 0 &&
            (loader.splice->holds.n == 0 || loader.splice->bursts.n == 0 || loader.splice->rests.n == 0))
                r = -EBADMSG;
        if (r < 0) {
                if (!error->text[0] && r != -ENOMEM)
                        (void)snprintf(error->text, sizeof(error->text),
                                       "%.200s: not the recordings that spliced-emg knows", folder);
                splice_free(loader.splice);
                return r;
        }
        *ret = loader.splice;
        return 0;
}
