/* SPDX-License-Identifier: MIT */
/*
 * A document as a sequence of parts, written as it is told: what is said in one place (report-content.c)
 * comes out as HTML or as PDF. Texts are UTF-8 and may hold anything; the writers escape.
 * A writer is one file, picked by report.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "dbus/crampctl/chart.h"

enum paragraph_kind {
        PARAGRAPH_PLAIN,
        PARAGRAPH_SOFT, /* remarks */
        PARAGRAPH_NOTE, /* stands out: framed */
};

struct document_column {
        const char *heading;
        double share; /* of the width, on paper */
        bool right;   /* for numbers */
        bool wraps;   /* may take several lines; others do not break */
};

#define DOCUMENT_COLUMNS_MAX 12u

struct document_writer {
        void (*title)(struct document_writer *writer, const char *title, const char *subtitle);
        void (*section)(struct document_writer *writer, const char *heading);
        void (*paragraph)(struct document_writer *writer, enum paragraph_kind kind, const char *text);
        void (*chart)(struct document_writer *writer, const struct chart *chart);
        /* A table, row by row. `folded`: the figures of the chart before it, out of the way where that
         * is possible. `columns` has to stay until the end. */
        void (*table_begin)(struct document_writer *writer, const char *caption,
                            const struct document_column *columns, size_t n_columns, bool folded);
        void (*table_row)(struct document_writer *writer, const char *const *cells);
        void (*table_end)(struct document_writer *writer);
        /* Nothing follows. Returns 0, -EIO when the stream has failed, -ENOMEM, or another negative
         * errno; frees the writer. */
        int (*finish)(struct document_writer *writer);
};

/* NULL when memory is short. `file` stays the caller's. */
struct document_writer *document_html_new(FILE *file);

/* `made_s` is the date inside the file. NULL when memory is short, or this crampctl was built without
 * PDF: document_pdf_is_there() tells. */
struct document_writer *document_pdf_new(FILE *file, int64_t made_s);
bool document_pdf_is_there(void);
