/* SPDX-License-Identifier: MIT */
/* EDF+ and BDF+ files: see edf-writer.h. */
#include "sensors/recording/edf-writer.h"

#include <edflib.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"

/* EDFlib's units. */
#define RECORD_UNITS_PER_S 100000 /* of a record's length: 10 us */
#define TIME_HZ 10000             /* of annotations: 100 us */
#define SUBSECONDS_PER_US 10      /* 100 ns */
#define US_PER_TICK 100

/* What the specification wishes: Kemp & Olivan 2003, section 2.1. */
#define RECORD_BYTES_MAX 61440u
#define RECORD_SECONDS_MAX 10u

/* More than stdio and EDFlib keep in memory. */
#define HELD_BACK_MAX 16384u

/* Offsets in the header: the specification, sections 2.1 and 2.2. */
#define OFFSET_HEADER_BYTES 184
#define OFFSET_RECORDS 236
#define OFFSET_RECORD_LENGTH 244
#define OFFSET_SIGNALS 252
#define OFFSET_PER_SIGNAL 256
#define OFFSET_SAMPLES_OF_SIGNAL 216

struct edf_writer {
        int handle;
        int fd; /* a second look at the same file */
        bool bdf, unsynced;
        uint32_t rate_mhz;
        size_t channels;
        size_t record_frames;
        int record_units;
        size_t filled;                       /* frames in `record` */
        uint64_t records;                    /* written */
        uint64_t frames;                     /* with those in `record` */
        uint64_t header_bytes, record_bytes; /* 0 = not known yet */
        unsigned annotations_per_record;
        uint64_t annotations;
        int *record; /* one channel after the other */
};

/* --- the length of a record --- */

struct record_shape {
        size_t frames;
        int units;
};

/* The first number of frames from a second's on that makes the rate exactly, else the one that comes
 * nearest. */
static struct record_shape record_shape_of(const struct edf_writer_setup *setup) {
        double rate_hz = setup->rate_mhz / 1000.0;
        size_t bytes = setup->n_channels * (setup->bdf ? 3 : 2), first = (size_t)ceil(rate_hz);
        struct record_shape best = {};
        double best_error = (double)INFINITY;

        while (first > 1 && first * bytes > RECORD_BYTES_MAX)
                first = (first + 1) / 2;
        for (size_t frames = first; (double)frames <= RECORD_SECONDS_MAX * ceil(rate_hz); frames++) {
                double exact = (double)frames * RECORD_UNITS_PER_S / rate_hz, units = rint(exact);
                double error = fabs(units - exact) / exact;

                if (best.frames > 0 && frames * bytes > RECORD_BYTES_MAX)
                        break;
                if (error < best_error * (1 - 1e-9)) {
                        best = (struct record_shape){frames, (int)units};
                        best_error = error;
                }
                if (error < 1e-12)
                        break;
        }
        return best;
}

/* --- the header: EDFlib returns 0 or -1, a false return leaves the rest out --- */

static bool describe_channel(int handle, int number, size_t frames,
                             const struct edf_writer_channel *channel) {
        return edf_set_samplefrequency(handle, number, (int)frames) == 0 &&
               edf_set_digital_maximum(handle, number, channel->digital_max) == 0 &&
               edf_set_digital_minimum(handle, number, channel->digital_min) == 0 &&
               edf_set_physical_maximum(handle, number, channel->physical_max) == 0 &&
               edf_set_physical_minimum(handle, number, channel->physical_min) == 0 &&
               edf_set_physical_dimension(handle, number, channel->unit) == 0 &&
               edf_set_label(handle, number, channel->label) == 0 &&
               (!channel->transducer || edf_set_transducer(handle, number, channel->transducer) == 0) &&
               (!channel->prefilter || edf_set_prefilter(handle, number, channel->prefilter) == 0);
}

static bool describe_start(int handle, int64_t start_us) {
        time_t seconds = (time_t)(start_us / 1000000);
        int subsecond = (int)(start_us % 1000000 / US_PER_TICK * US_PER_TICK * SUBSECONDS_PER_US);
        struct tm start;

        return start_us >= 0 && gmtime_r(&seconds, &start) &&
               edf_set_startdatetime(handle, start.tm_year + 1900, start.tm_mon + 1, start.tm_mday,
                                     start.tm_hour, start.tm_min, start.tm_sec) == 0 &&
               (subsecond == 0 || edf_set_subsecond_starttime(handle, subsecond) == 0);
}

/* The patient stays "X": nobody. */
static bool describe(int handle, const struct edf_writer_setup *setup, struct record_shape shape) {
        for (size_t i = 0; i < setup->n_channels; i++)
                if (!describe_channel(handle, (int)i, shape.frames, setup->channels + i))
                        return false;
        return (shape.units == RECORD_UNITS_PER_S ||
                edf_set_datarecord_duration(handle, shape.units) == 0) &&
               describe_start(handle, setup->start_us) &&
               edf_set_equipment(handle, setup->equipment) == 0 &&
               (!setup->recording || edf_set_recording_additional(handle, setup->recording) == 0) &&
               edf_set_number_of_annotation_signals(handle, (int)setup->annotations_per_record) == 0;
}

static void writer_free(struct edf_writer *writer) {
        if (writer->handle >= 0)
                (void)edfclose_file(writer->handle);
        if (writer->fd >= 0)
                (void)close(writer->fd);
        free(writer->record);
        free(writer);
}

int edf_writer_new(const char *path, const struct edf_writer_setup *setup, struct edf_writer **ret) {
        struct edf_writer *writer;
        struct record_shape shape;

        if (setup->n_channels < 1 || setup->rate_mhz < 1 || setup->annotations_per_record < 1)
                return -EINVAL;
        shape = record_shape_of(setup);
        if (shape.frames == 0)
                return -EINVAL;
        writer = calloc(1, sizeof(*writer));
        if (!writer)
                return -ENOMEM;
        *writer = (struct edf_writer){.handle = -1,
                                      .bdf = setup->bdf,
                                      .unsynced = setup->unsynced,
                                      .rate_mhz = setup->rate_mhz,
                                      .channels = setup->n_channels,
                                      .record_frames = shape.frames,
                                      .record_units = shape.units,
                                      .annotations_per_record = setup->annotations_per_record};
        writer->record = calloc(shape.frames * setup->n_channels, sizeof(*writer->record));
        /* EDFlib tells little of why it cannot write there. */
        writer->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, S_IRUSR | S_IWUSR);
        if (!writer->record || writer->fd < 0) {
                int r = writer->record ? -errno : -ENOMEM;

                writer_free(writer);
                return r;
        }
        writer->handle = edfopen_file_writeonly(
                path, setup->bdf ? EDFLIB_FILETYPE_BDFPLUS : EDFLIB_FILETYPE_EDFPLUS,
                (int)setup->n_channels);
        if (writer->handle < 0) {
                int r = writer->handle == EDFLIB_MALLOC_ERROR ? -ENOMEM : -EIO;

                writer_free(writer);
                return r;
        }
        if (!describe(writer->handle, setup, shape)) {
                writer_free(writer);
                return -EINVAL;
        }
        *ret = writer;
        return 0;
}

/* --- what is in the file --- */

/* A number of the header, or -1. */
static long header_number(const struct edf_writer *writer, off_t offset, size_t width) {
        char text[9] = {}, *end;
        long number;

        if (pread(writer->fd, text, width, offset) != (ssize_t)width)
                return -1;
        number = strtol(text, &end, 10);
        return end == text ? -1 : number;
}

static long record_bytes(const struct edf_writer *writer) {
        long signals = header_number(writer, OFFSET_SIGNALS, 4), samples = 0;

        for (long i = 0; i < signals; i++) {
                long n = header_number(
                        writer, OFFSET_PER_SIGNAL + signals * OFFSET_SAMPLES_OF_SIGNAL + i * 8, 8);

                if (n < 1)
                        return -1;
                samples += n;
        }
        return samples * (writer->bdf ? 3 : 2);
}

/* --- samples --- */

/* EDFlib does not look at what its writes return, and stdio holds back a few kilobytes: what is not in
 * the file by then will never be. */
static int check_written(struct edf_writer *writer, uint64_t held_back) {
        struct statvfs system;
        struct stat st;
        uint64_t whole;

        if (writer->record_bytes == 0) {
                long header = header_number(writer, OFFSET_HEADER_BYTES, 8),
                     record = record_bytes(writer);

                if (header < 1 || record < 1) /* the header is held back, too */
                        return writer->records * writer->channels * writer->record_frames < held_back
                                       ? 0
                                       : -EIO;
                writer->header_bytes = (uint64_t)header;
                writer->record_bytes = (uint64_t)record;
        }
        whole = writer->header_bytes + writer->records * writer->record_bytes;
        if (fstat(writer->fd, &st) < 0)
                return -errno;
        if ((uint64_t)st.st_size + held_back >= whole)
                return 0;
        return fstatvfs(writer->fd, &system) >= 0 && system.f_bavail == 0 ? -ENOSPC : -EIO;
}

static int write_record(struct edf_writer *writer) {
        for (size_t i = 0; i < writer->channels; i++) {
                errno = 0;
                if (edfwrite_digital_samples(writer->handle,
                                             writer->record + i * writer->record_frames) != 0)
                        return errno > 0 ? -errno : -EIO;
        }
        writer->records++;
        writer->filled = 0;
        return check_written(writer, HELD_BACK_MAX);
}

/* No more frames than the record has room for. */
static int fill(struct edf_writer *writer, const int32_t *counts, size_t frames) {
        for (size_t channel = 0; channel < writer->channels; channel++) {
                int *to = writer->record + channel * writer->record_frames + writer->filled;

                for (size_t i = 0; i < frames; i++)
                        to[i] = counts[i * writer->channels + channel];
        }
        writer->filled += frames;
        writer->frames += frames;
        return writer->filled == writer->record_frames ? write_record(writer) : 0;
}

int edf_writer_push(struct edf_writer *writer, const int32_t *counts, size_t frames) {
        int r = 0;

        while (frames > 0 && r >= 0) {
                size_t room = writer->record_frames - writer->filled, n = frames < room ? frames : room;

                r = fill(writer, counts, n);
                counts += n * writer->channels;
                frames -= n;
        }
        return r;
}

/* The frame before stays in the record, for a written one is not cleared. */
static void last_frame(const struct edf_writer *writer, int32_t *ret) {
        size_t at = writer->filled > 0 ? writer->filled - 1 : writer->record_frames - 1;

        for (size_t i = 0; i < writer->channels; i++)
                ret[i] = writer->record[i * writer->record_frames + at];
}

static int hold(struct edf_writer *writer, uint64_t frames) {
        _cleanup_(freep) int32_t *counts = calloc(writer->channels, sizeof(*counts));
        int r = 0;

        if (!counts)
                return -ENOMEM;
        last_frame(writer, counts);
        for (uint64_t i = 0; i < frames && r >= 0; i++)
                r = fill(writer, counts, 1);
        return r;
}

/* To the nearest tick. */
static int64_t ticks_of(const struct edf_writer *writer, uint64_t frames) {
        return llrint((double)frames * 1000.0 * TIME_HZ / writer->rate_mhz);
}

/* The last place is kept for the end. */
static bool has_room(const struct edf_writer *writer) {
        return writer->annotations + 1 < (writer->records + 1) * writer->annotations_per_record;
}

static int annotate_ticks(struct edf_writer *writer, int64_t start, int64_t duration, const char *text) {
        if (!has_room(writer))
                return -EOVERFLOW;
        if (edfwrite_annotation_utf8(writer->handle, start, duration < 0 ? -1 : duration, text) != 0)
                return -ENOMEM;
        writer->annotations++;
        return 0;
}

int edf_writer_push_gap(struct edf_writer *writer, uint64_t frames) {
        int64_t start = ticks_of(writer, writer->frames);
        int64_t end = ticks_of(writer, writer->frames + frames);
        int r = has_room(writer) ? hold(writer, frames) : -EOVERFLOW;

        return r >= 0 ? annotate_ticks(writer, start, end - start, EDF_WRITER_GAP) : r;
}

int edf_writer_annotate(struct edf_writer *writer, int64_t start_us, int64_t duration_us,
                        const char *text) {
        return annotate_ticks(writer, (start_us + US_PER_TICK / 2) / US_PER_TICK,
                              duration_us < 0 ? -1 : (duration_us + US_PER_TICK / 2) / US_PER_TICK,
                              text);
}

uint64_t edf_writer_frames(const struct edf_writer *writer) {
        return writer->frames;
}

/* --- before the end --- */

/* EDFlib cuts off the last digit of some lengths, and then refuses its own file. */
static void correct_record_length(const struct edf_writer *writer) {
        char text[32];

        if (writer->record_units == RECORD_UNITS_PER_S)
                return;
        (void)snprintf(text, sizeof(text), "%d.%05d      ", writer->record_units / RECORD_UNITS_PER_S,
                       writer->record_units % RECORD_UNITS_PER_S);
        (void)!pwrite(writer->fd, text, 8, OFFSET_RECORD_LENGTH);
}

void edf_writer_settle(struct edf_writer *writer) {
        struct stat st;
        uint64_t size;
        char text[24];

        if (writer->record_bytes == 0 || fstat(writer->fd, &st) < 0)
                return;
        size = (uint64_t)st.st_size;
        if (size < writer->header_bytes + writer->record_bytes)
                return;
        (void)snprintf(text, sizeof(text), "%-8" PRIu64,
                       (size - writer->header_bytes) / writer->record_bytes);
        (void)!pwrite(writer->fd, text, 8, OFFSET_RECORDS);
        correct_record_length(writer);
        (void)fdatasync(writer->fd);
}

/* --- the end --- */

static int fill_up(struct edf_writer *writer) {
        int64_t end = ticks_of(writer, writer->frames);
        int r;

        if (writer->filled == 0)
                return 0;
        r = hold(writer, writer->record_frames - writer->filled);
        if (r < 0)
                return r;
        return edfwrite_annotation_utf8(writer->handle, end, -1, EDF_WRITER_ENDS) == 0 ? 0 : -ENOMEM;
}

int edf_writer_close(struct edf_writer *writer) {
        int r;

        if (!writer)
                return 0;
        r = fill_up(writer);
        errno = 0;
        if (edfclose_file(writer->handle) != 0 && r >= 0)
                r = errno > 0 ? -errno : -EIO;
        writer->handle = -1;
        if (r >= 0 && writer->records > 0)
                r = check_written(writer, 0);
        if (r >= 0)
                correct_record_length(writer);
        if (r >= 0 && !writer->unsynced && fsync(writer->fd) < 0)
                r = -errno;
        writer_free(writer);
        return r;
}
