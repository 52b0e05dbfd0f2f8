/* SPDX-License-Identifier: MIT */
/* EDF+, BDF+ and CSV: see signal-file.h. */
#include "tests/corpus/signal-file.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"
#include "sensors/recording/edf-writer.h"
#include "tests/corpus/model.h"

#define HEADER_NUMBER 8 /* characters of a number in the header */
#define ANNOTATION_SIGNALS_MAX 64u
#define COLUMNS_MAX (CORPUS_CHANNELS_MAX + 3u)

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

static const char axes[] = "XYZ";

/* The texts of one channel, as long as the header's fields. */
struct described {
        char label[17], prefilter[81];
};

static struct edf_writer_channel describe_channel(const struct corpus_setup *setup, unsigned channel,
                                                  struct described *texts) {
        int32_t max = corpus_digital_max(setup->bits), min = corpus_digital_min(setup->bits);

        (void)snprintf(texts->label, sizeof(texts->label), "EMG %s",
                       corpus_muscle_label((enum corpus_muscle)channel));
        if (setup->rate_hz >= 1000)
                (void)snprintf(texts->prefilter, sizeof(texts->prefilter), "none (simulated)");
        else
                (void)snprintf(texts->prefilter, sizeof(texts->prefilter), "LP:%gHz (simulated)",
                               0.43 * setup->rate_hz);
        return (struct edf_writer_channel){
                .label = texts->label,
                .unit = "uV",
                .transducer = setup->material ? "simulated: real pieces, put together anew"
                                              : "simulated surface electrodes",
                .prefilter = texts->prefilter,
                .digital_min = min,
                .digital_max = max,
                .physical_min = min * setup->scale_uv,
                .physical_max = max * setup->scale_uv,
        };
}

static struct edf_writer_channel describe_axis(unsigned axis, struct described *texts) {
        int32_t counts = (int32_t)(MODEL_MOTION_RANGE_G / MODEL_MOTION_SCALE_G);

        (void)snprintf(texts->label, sizeof(texts->label), "ACC %c", axes[axis]);
        return (struct edf_writer_channel){
                .label = texts->label,
                .unit = "g",
                .transducer = "simulated accelerometer",
                .prefilter = "none (simulated)",
                .digital_min = -counts,
                .digital_max = counts,
                .physical_min = -MODEL_MOTION_RANGE_G,
                .physical_max = MODEL_MOTION_RANGE_G,
        };
}

/* Annotations beyond one a second need more room per record, and one place is kept for the end. */
static unsigned annotations_per_record(const struct corpus *corpus) {
        size_t n_events, records = (size_t)(corpus_frames(corpus) / corpus_get_setup(corpus)->rate_hz),
                         needed;

        (void)corpus_events(corpus, &n_events);
        needed = records > 0 ? (n_events + 1) / records + 1 : 1;
        return needed > ANNOTATION_SIGNALS_MAX ? ANNOTATION_SIGNALS_MAX : (unsigned)needed;
}

static int edf_annotate(struct edf_writer *writer, const struct corpus *corpus) {
        const struct corpus_event *events;
        size_t n_events;
        int r = 0;

        events = corpus_events(corpus, &n_events);
        for (size_t i = 0; i < n_events && r >= 0; i++) {
                char text[EDF_WRITER_TEXT_MAX + 1];

                (void)snprintf(text, sizeof(text), "simulated %s", event_kind_to_string(events[i].kind));
                r = edf_writer_annotate(writer, llrint(events[i].start_s * 1e6),
                                        llrint((events[i].end_s - events[i].start_s) * 1e6), text);
        }
        return r;
}

/* A script lasts whole seconds, so every record is full. */
static int edf_write_samples(struct edf_writer *writer, struct corpus *corpus) {
        size_t second = corpus_get_setup(corpus)->rate_hz, frames;
        _cleanup_(freep) int32_t *counts = calloc(second * corpus_columns(corpus), sizeof(*counts));
        int r = 0;

        if (!counts)
                return -ENOMEM;
        while (r >= 0 && (frames = corpus_read(corpus, counts, second)) > 0)
                r = edf_writer_push(writer, counts, frames);
        return r;
}

static int64_t start_us(const struct signal_start *start) {
        struct tm time = {
                .tm_year = start->year - 1900,
                .tm_mon = start->month - 1,
                .tm_mday = start->day,
                .tm_hour = start->hour,
                .tm_min = start->minute,
                .tm_sec = start->second,
        };

        return (int64_t)timegm(&time) * 1000000;
}

static int edf_write(const char *path, enum signal_format format, struct corpus *corpus,
                     const char *script, const struct signal_start *start, struct corpus_error *error) {
        const struct corpus_setup *setup = corpus_get_setup(corpus);
        struct edf_writer_channel channels[COLUMNS_MAX];
        struct described texts[COLUMNS_MAX];
        struct edf_writer *writer;
        char text[64];
        int r, closed;

        r = edf_check(setup, format, error);
        if (r < 0)
                return r;
        for (unsigned i = 0; i < corpus_columns(corpus); i++)
                channels[i] = i < setup->channels ? describe_channel(setup, i, texts + i)
                                                  : describe_axis(i - setup->channels, texts + i);
        (void)snprintf(text, sizeof(text), "SIMULATED %.24s seed %llu", script,
                       (unsigned long long)setup->seed);
        r = edf_writer_new(
                path,
                &(struct edf_writer_setup){.bdf = format == SIGNAL_BDF,
                                           .rate_mhz = setup->rate_hz * 1000,
                                           .channels = channels,
                                           .n_channels = corpus_columns(corpus),
                                           .start_us = start_us(start),
                                           .equipment = setup->material ? "spliced-emg" : "calf-emg",
                                           .recording = text,
                                           .annotations_per_record = annotations_per_record(corpus)},
                &writer);
        if (r < 0)
                return r;
        r = edf_write_samples(writer, corpus);
        if (r >= 0)
                r = edf_annotate(writer, corpus);
        closed = edf_writer_close(writer);
        return r < 0 ? r : closed;
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
        if (r == -ENOMEM || r == -EIO || r == -ENOSPC)
                (void)unlink(path);
        return r;
}
