/* SPDX-License-Identifier: MIT */
/* EDF+, BDF+ and CSV: see signal-file.h. */
#include "tests/corpus/signal-file.h"

#include <edflib.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"
#include "tests/corpus/model.h"

#define HEADER_NUMBER 8   /* characters of a number in the header */
#define EDF_TIME_HZ 10000 /* annotations have a resolution of 100 us */
#define ANNOTATION_SIGNALS_MAX 64

int signal_start_parse(const char *text, struct signal_start *ret) {
        struct tm time = {0}, back;
        const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &time);
        time_t seconds;

        if (!end || *end || time.tm_year < 85 || time.tm_year > 184 || time.tm_sec > 59)
                return -EINVAL;
        /* A day that its month does not have comes back as another. */
        back = time;
        seconds = timegm(&back);
        if (seconds == (time_t)-1 || back.tm_mday != time.tm_mday)
                return -EINVAL;

        *ret = (struct signal_start){time.tm_year + 1900, time.tm_mon + 1, time.tm_mday,
                                     time.tm_hour,        time.tm_min,     time.tm_sec};
        return 0;
}

/* Whether a number keeps its value in a header field. */
static bool header_number_fits(double value) {
        char text[64];

        (void)snprintf(text, sizeof(text), "%.*g", HEADER_NUMBER, value);
        return strlen(text) <= HEADER_NUMBER && fabs(strtod(text, NULL) - value) < fabs(value) * 1e-12;
}

static int edf_check(const struct corpus_setup *setup, enum signal_format format,
                     struct corpus_error *error) {
        double max_uv = corpus_digital_max(setup->bits) * setup->scale_uv;
        double min_uv = corpus_digital_min(setup->bits) * setup->scale_uv;

        if (format == SIGNAL_EDF && setup->bits > 16) {
                (void)snprintf(error->text, sizeof(error->text),
                               "EDF has 16 bits, not %u: write BDF (--format bdf) or fewer --bits",
                               setup->bits);
                return -EINVAL;
        }
        if (!header_number_fits(max_uv) || !header_number_fits(min_uv)) {
                (void)snprintf(error->text, sizeof(error->text),
                               "a scale of %g uV makes a range of %.10g to %.10g uV, which does not fit "
                               "into the header's "
                               "8 characters: choose a rounder --scale",
                               setup->scale_uv, min_uv, max_uv);
                return -EINVAL;
        }
        return 0;
}

/* EDFlib returns 0 or -1: a false return leaves the rest out. */
static bool edf_describe_channel(int handle, int channel, const struct corpus_setup *setup) {
        char label[17], prefilter[81];

        (void)snprintf(label, sizeof(label), "EMG %s", corpus_muscle_label((enum corpus_muscle)channel));
        if (setup->rate_hz >= 1000)
                (void)snprintf(prefilter, sizeof(prefilter), "none (simulated)");
        else
                (void)snprintf(prefilter, sizeof(prefilter), "LP:%gHz (simulated)",
                               0.43 * setup->rate_hz);

        return edf_set_samplefrequency(handle, channel, (int)setup->rate_hz) == 0 &&
               edf_set_digital_maximum(handle, channel, corpus_digital_max(setup->bits)) == 0 &&
               edf_set_digital_minimum(handle, channel, corpus_digital_min(setup->bits)) == 0 &&
               edf_set_physical_maximum(handle, channel,
                                        corpus_digital_max(setup->bits) * setup->scale_uv) == 0 &&
               edf_set_physical_minimum(handle, channel,
                                        corpus_digital_min(setup->bits) * setup->scale_uv) == 0 &&
               edf_set_physical_dimension(handle, channel, "uV") == 0 &&
               edf_set_label(handle, channel, label) == 0 &&
               edf_set_transducer(handle, channel,
                                  setup->material ? "simulated: real pieces, put together anew"
                                                  : "simulated surface electrodes") == 0 &&
               edf_set_prefilter(handle, channel, prefilter) == 0;
}

static const char axes[] = "XYZ";

static bool edf_describe_axis(int handle, int channel, int axis, const struct corpus_setup *setup) {
        char label[17];
        int counts = (int)(MODEL_MOTION_RANGE_G / MODEL_MOTION_SCALE_G);

        (void)snprintf(label, sizeof(label), "ACC %c", axes[axis]);
        return edf_set_samplefrequency(handle, channel, (int)setup->rate_hz) == 0 &&
               edf_set_digital_maximum(handle, channel, counts) == 0 &&
               edf_set_digital_minimum(handle, channel, -counts) == 0 &&
               edf_set_physical_maximum(handle, channel, MODEL_MOTION_RANGE_G) == 0 &&
               edf_set_physical_minimum(handle, channel, -MODEL_MOTION_RANGE_G) == 0 &&
               edf_set_physical_dimension(handle, channel, "g") == 0 &&
               edf_set_label(handle, channel, label) == 0 &&
               edf_set_transducer(handle, channel, "simulated accelerometer") == 0 &&
               edf_set_prefilter(handle, channel, "none (simulated)") == 0;
}

/* Annotations beyond one a second need more room per record. */
static int annotation_signals(const struct corpus *corpus) {
        size_t n_events, records = (size_t)(corpus_frames(corpus) / corpus_get_setup(corpus)->rate_hz),
                         needed;

        (void)corpus_events(corpus, &n_events);
        needed = records > 0 ? n_events / records + 1 : 1;
        return needed > ANNOTATION_SIGNALS_MAX ? ANNOTATION_SIGNALS_MAX : (int)needed;
}

static bool edf_describe(int handle, const struct corpus *corpus, const char *script,
                         const struct signal_start *start) {
        const struct corpus_setup *setup = corpus_get_setup(corpus);
        char text[64];

        for (unsigned i = 0; i < setup->channels; i++)
                if (!edf_describe_channel(handle, (int)i, setup))
                        return false;
        for (unsigned i = setup->channels; i < corpus_columns(corpus); i++)
                if (!edf_describe_axis(handle, (int)i, (int)(i - setup->channels), setup))
                        return false;

        (void)snprintf(text, sizeof(text), "SIMULATED %.24s seed %llu", script,
                       (unsigned long long)setup->seed);
        /* The patient stays "X": nobody. */
        return edf_set_startdatetime(handle, start->year, start->month, start->day, start->hour,
                                     start->minute, start->second) == 0 &&
               edf_set_equipment(handle, setup->material ? "spliced-emg" : "calf-emg") == 0 &&
               edf_set_recording_additional(handle, text) == 0 &&
               edf_set_number_of_annotation_signals(handle, annotation_signals(corpus)) == 0;
}

static bool edf_annotate(int handle, const struct corpus *corpus) {
        const struct corpus_event *events;
        size_t n_events;

        events = corpus_events(corpus, &n_events);
        for (size_t i = 0; i < n_events; i++) {
                char text[41];

                (void)snprintf(text, sizeof(text), "simulated %s", event_kind_to_string(events[i].kind));
                if (edfwrite_annotation_latin1(
                            handle, llrint(events[i].start_s * EDF_TIME_HZ),
                            llrint((events[i].end_s - events[i].start_s) * EDF_TIME_HZ), text) != 0)
                        return false;
        }
        return true;
}

static int edf_write_samples(int handle, struct corpus *corpus) {
        const struct corpus_setup *setup = corpus_get_setup(corpus);
        unsigned n = corpus_columns(corpus);
        _cleanup_(freep) int32_t *counts = NULL;
        _cleanup_(freep) int *record = NULL;

        counts = calloc((size_t)setup->rate_hz * n, sizeof(*counts));
        record = calloc(setup->rate_hz, sizeof(*record));
        if (!counts || !record)
                return -ENOMEM;

        /* A script lasts whole seconds, so every record is full. */
        while (corpus_read(corpus, counts, setup->rate_hz) == setup->rate_hz)
                for (unsigned i = 0; i < n; i++) {
                        for (size_t frame = 0; frame < setup->rate_hz; frame++)
                                record[frame] = counts[frame * n + i];
                        if (edfwrite_digital_samples(handle, record) != 0)
                                return -EIO;
                }
        return 0;
}

/* Says why EDFlib cannot write there: it tells little itself. */
static int path_probe(const char *path) {
        _cleanup_(fclosep) FILE *file = fopen(path, "wbe");

        return file ? 0 : -errno;
}

static int edf_write(const char *path, enum signal_format format, struct corpus *corpus,
                     const char *script, const struct signal_start *start, struct corpus_error *error) {
        const struct corpus_setup *setup = corpus_get_setup(corpus);
        int handle, r;

        r = edf_check(setup, format, error);
        if (r < 0)
                return r;
        r = path_probe(path);
        if (r < 0)
                return r;

        handle = edfopen_file_writeonly(
                path, format == SIGNAL_EDF ? EDFLIB_FILETYPE_EDFPLUS : EDFLIB_FILETYPE_BDFPLUS,
                (int)corpus_columns(corpus));
        if (handle < 0)
                return -EIO;

        r = edf_describe(handle, corpus, script, start) ? edf_write_samples(handle, corpus) : -EIO;
        if (r == 0 && !edf_annotate(handle, corpus))
                r = -EIO;
        if (edfclose_file(handle) != 0 && r == 0)
                r = -EIO;
        return r;
}

/* Decimals that show a count's value exactly, up to 6. */
static int scale_decimals(double scale_uv) {
        int decimals = 0;
        double value = scale_uv;

        while (decimals < 6 && fabs(value - rint(value)) > 1e-9 * value) {
                value *= 10;
                decimals++;
        }
        return decimals;
}

static void csv_write_header(FILE *file, const struct corpus *corpus) {
        unsigned channels = corpus_get_setup(corpus)->channels;

        (void)fputs("time_s", file);
        for (unsigned i = 0; i < channels; i++)
                (void)fprintf(file, ",%s_uV", corpus_muscle_label((enum corpus_muscle)i));
        for (unsigned i = channels; i < corpus_columns(corpus); i++)
                (void)fprintf(file, ",ACC%c_g", axes[i - channels]);
        (void)fputc('\n', file);
}

static void csv_write_row(FILE *file, const struct corpus *corpus, double time_s, const int32_t *counts,
                          int decimals) {
        const struct corpus_setup *setup = corpus_get_setup(corpus);

        (void)fprintf(file, "%.6f", time_s);
        for (unsigned i = 0; i < setup->channels; i++)
                (void)fprintf(file, ",%.*f", decimals, counts[i] * setup->scale_uv);
        for (unsigned i = setup->channels; i < corpus_columns(corpus); i++)
                (void)fprintf(file, ",%.3f", counts[i] * MODEL_MOTION_SCALE_G);
        (void)fputc('\n', file);
}

/* Lost frames have no row. The times are the receiver's: a sensor whose clock is quick delivers more
 * than its rate. */
static int csv_write(const char *path, struct corpus *corpus) {
        const struct corpus_setup *setup = corpus_get_setup(corpus);
        double true_hz = setup->rate_hz * (1 + setup->clock_ppm * 1e-6);
        _cleanup_(fclosep) FILE *file = NULL;
        _cleanup_(freep) int32_t *counts = NULL;
        int decimals = scale_decimals(setup->scale_uv);
        const struct corpus_gap *gap, *gaps_end;
        uint64_t index = 0;
        size_t frames, n_gaps;

        counts = calloc((size_t)setup->rate_hz * corpus_columns(corpus), sizeof(*counts));
        if (!counts)
                return -ENOMEM;
        file = fopen(path, "we");
        if (!file)
                return -errno;

        csv_write_header(file, corpus);
        gap = corpus_gaps(corpus, &n_gaps);
        gaps_end = gap + n_gaps;
        while ((frames = corpus_read(corpus, counts, setup->rate_hz)) > 0)
                for (size_t frame = 0; frame < frames; frame++, index++) {
                        while (gap < gaps_end && index >= gap->first + gap->frames)
                                gap++;
                        if (gap < gaps_end && index >= gap->first)
                                continue;
                        csv_write_row(file, corpus, (double)index / true_hz,
                                      counts + frame * corpus_columns(corpus), decimals);
                }
        return fflush(file) == 0 && !ferror(file) ? 0 : -EIO;
}

int signal_file_write(const char *path, enum signal_format format, struct corpus *corpus,
                      const char *script, const struct signal_start *start, struct corpus_error *error) {
        int r;

        r = format == SIGNAL_CSV ? csv_write(path, corpus)
                                 : edf_write(path, format, corpus, script, start, error);
        if (r == -ENOMEM || r == -EIO)
                (void)unlink(path);
        return r;
}
