/* SPDX-License-Identifier: MIT */
/*
 * The parts of the CSV reader: lines and cells (csv.c), what the columns mean (csv-columns.c), the time
 * column (csv-clock.c). Used by nobody else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sensors/recording/reader.h"

#define CSV_COLUMNS_MAX 1024u

/* A cell's text without quotes and blanks around it. */
struct cell {
        const char *text;
        size_t length;
};

/* Takes the next cell from `*rest` (NULL after the last one of the line). Returns 0, or -EINVAL for a
 * quote that is not closed or is followed by text. */
int cell_next(const char **rest, const char *end, char separator, struct cell *ret);

enum column_use {
        COLUMN_SKIPPED,
        COLUMN_TIME,
        COLUMN_SIGNAL,
        COLUMN_MOTION,
};

struct column {
        enum column_use use;
        int shift;     /* from its text to its integer: times 10^shift */
        unsigned axis; /* of motion */
        size_t signal; /* in the recording's list; none for the time column */
};

struct column_list {
        struct column columns[CSV_COLUMNS_MAX];
        size_t count;
        size_t time; /* number of the time column, `count` if there is none */
        char separator;
};

/* Finds separator, names and units in the header row, and which columns are taken. Returns 0 or negative
 * errno. */
int column_list_read(struct column_list *list, struct recording *recording, const char *line,
                     size_t length, uint64_t line_number, const struct recording_options *options,
                     struct recording_error *error);

/* Follows a time column: a phase-locked prediction of the next row's time, so that neither rounding in
 * the file nor a slightly wrong rate adds up to a gap. */
struct clock {
        double step_ns;
        double slack_ns; /* how far the first rows stray from a steady grid */
        double expected_ns;
        int64_t last_ns;
        bool started;
};

#define CLOCK_ROWS_MAX 8192u
#define CLOCK_ROWS_MIN 3u

/* Finds the rate in the times of the first rows. Returns 0, or -EBADMSG with `*ret_row` the row at which
 * time does not advance, or `rows` when it advances unsteadily. */
int clock_init(struct clock *clock, const int64_t *times_ns, size_t rows, double *ret_rate_hz,
               size_t *ret_row);

/* The time of the next row. Returns 0, or -EBADMSG when it is not after the last row's or comes too
 * early. Sets how many frames are missing before it. */
int clock_advance(struct clock *clock, int64_t time_ns, uint64_t *ret_missing);
