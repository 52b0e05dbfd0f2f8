/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/plot.h"

#include <math.h>

#define BRAILLE_COLUMNS 2u
#define BRAILLE_ROWS 4u

/* Unicode 15, chapter 21.1: the bit of each dot in the patterns from U+2800 on. */
static const unsigned char dots[BRAILLE_ROWS][BRAILLE_COLUMNS] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};

size_t plot_dots(size_t cells, bool utf8) {
        return utf8 ? cells * BRAILLE_COLUMNS : cells;
}

/* The row of dots, 0 at the top, in which a value lies. */
static long row_of(double value, double limit, size_t rows) {
        double place = (limit - value) / (2 * limit) * (double)rows;
        long row = (long)floor(place);

        return row < 0 ? 0 : row >= (long)rows ? (long)rows - 1 : row;
}

static bool is_set(const struct plot_span *span, long row, double limit, size_t rows) {
        return !isnan(span->low) && row >= row_of(span->high, limit, rows) &&
               row <= row_of(span->low, limit, rows);
}

static void braille_cell(FILE *file, const struct plot_span *spans, size_t row, size_t rows,
                         double limit) {
        unsigned pattern = 0;

        for (size_t y = 0; y < BRAILLE_ROWS; y++)
                for (size_t x = 0; x < BRAILLE_COLUMNS; x++)
                        if (is_set(spans + x, (long)(row * BRAILLE_ROWS + y), limit,
                                   rows * BRAILLE_ROWS))
                                pattern |= dots[y][x];
        if (pattern == 0)
                fputc(' ', file);
        else
                fprintf(file, "\xe2%c%c", (int)(0xa0 + (pattern >> 6)), (int)(0x80 + (pattern & 0x3f)));
}

void plot_draw(FILE *file, const struct plot_span *spans, size_t cells, size_t rows, double limit,
               bool utf8, const char *margin) {
        for (size_t row = 0; row < rows; row++) {
                fputs(margin, file);
                for (size_t cell = 0; cell < cells; cell++)
                        if (utf8)
                                braille_cell(file, spans + cell * BRAILLE_COLUMNS, row, rows, limit);
                        else
                                fputc(is_set(spans + cell, (long)row, limit, rows) ? '#' : ' ', file);
                fputc('\n', file);
        }
}
