/* SPDX-License-Identifier: MIT */
/*
 * Writes EDF+C and BDF+C through EDFlib, from digital samples as they come. Used by crampctl (record,
 * export) and by the generator of the tests; reading is recording.h's.
 *
 * The length of a data record is chosen so that its frames make the sample rate, to the millihertz where
 * that can be. The last record is filled up with its last frame; then an annotation EDF_WRITER_ENDS
 * tells where the signal really ends. A gap is held (filled with the frame before it) and annotated as
 * EDF_WRITER_GAP with its length. The reader of this folder knows both annotations in files whose
 * equipment begins with EDF_WRITER_EQUIPMENT, and gives the samples as they were.
 *
 * What a detector heard besides goes beside the muscles as further channels, each value held until the
 * next: an accelerometer as EDF_WRITER_AXIS "X", "Y" and "Z" in g, other sensors' level over rest as
 * EDF_WRITER_COMPANY in %. In such channels the digital minimum stands for what was not known.
 *
 * The eight characters of a header's numbers round most scales. A channel's may be told exactly in its
 * prefilter field, as edf-scale.h has it: the reader takes it from there in such files, if it is the
 * header's but for that.
 *
 * EDFlib's table of open files has no lock: use this from one thread. It keeps annotations in memory and
 * writes them when the file is closed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EDF_WRITER_EQUIPMENT "crampd"
#define EDF_WRITER_ENDS "Recording ends"
#define EDF_WRITER_GAP "No data"
#define EDF_WRITER_AXIS "ACC "
#define EDF_WRITER_COMPANY "Other sensors"
/* EDFlib cuts off what is longer. */
#define EDF_WRITER_TEXT_MAX 40u

struct edf_writer;

struct edf_writer_channel {
        const char *label;                  /* 16 characters, as the next two fields' 8 and 80 */
        const char *unit;                   /* "uV"; "" = arbitrary */
        const char *transducer, *prefilter; /* may be NULL */
        int32_t digital_min, digital_max;
        double physical_min, physical_max;
};

struct edf_writer_setup {
        bool bdf; /* 24 bits instead of 16 */
        uint32_t rate_mhz;
        const struct edf_writer_channel *channels;
        size_t n_channels;
        bool unsynced;         /* whoever asked for the file makes it durable */
        int64_t start_us;      /* local time, as if it were UTC; kept to 100 us; years 1985-2084 */
        const char *equipment; /* header fields, no blanks needed; `recording` may be NULL */
        const char *recording;
        unsigned annotations_per_record; /* room for so many: 1-64 */
};

/* Creates the file, or empties it. Returns 0; -EINVAL for a set-up that EDF cannot hold; -ENOMEM; or
 * another negative errno. */
int edf_writer_new(const char *path, const struct edf_writer_setup *setup, struct edf_writer **ret);

/* Interleaved. Returns 0, or negative errno (-ENOSPC, ...): then only closing is left. */
int edf_writer_push(struct edf_writer *writer, const int32_t *counts, size_t frames);
/* So many frames are missing: they are held and annotated. -EOVERFLOW, with nothing done, when there is
 * no room for the annotation. */
int edf_writer_push_gap(struct edf_writer *writer, uint64_t frames);
/* `start_us` since the file's start; `duration_us` < 0 = none. -EOVERFLOW when there is no room for more
 * so far. */
int edf_writer_annotate(struct edf_writer *writer, int64_t start_us, int64_t duration_us,
                        const char *text);
/* Frames so far, held ones included. */
uint64_t edf_writer_frames(const struct edf_writer *writer);

/* Makes what is whole so far readable should nothing be written any more: the number of records in the
 * header, which EDFlib writes at the end only. Best effort. */
void edf_writer_settle(struct edf_writer *writer);

/* Fills up the last record, writes the annotations and makes all durable, unless
 * the set-up left that to others. Frees the writer in any case.
 * Returns 0 or negative errno. NULL is accepted. */
int edf_writer_close(struct edf_writer *writer);
