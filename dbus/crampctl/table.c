/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/words.h"

#define GAP "  "

struct table {
        const struct column *columns;
        size_t n_columns;
        char **cells;
        size_t n_cells;
        size_t n_allocated;
        bool out_of_memory;
};

struct table *table_new(const struct column *columns, size_t n_columns) {
        struct table *table = calloc(1, sizeof(*table));

        if (!table)
                return NULL;
        table->columns = columns;
        table->n_columns = n_columns;
        return table;
}

struct table *table_free(struct table *table) {
        if (!table)
                return NULL;
        for (size_t i = 0; i < table->n_cells; i++)
                free(table->cells[i]);
        free(table->cells);
        free(table);
        return NULL;
}

/* Most cells are a text as it is, which printf() would take its time for. */
__attribute__((format(printf, 1, 0))) static char *cell_format(const char *format, va_list arguments) {
        const char *text;
        char *cell;

        if (strcmp(format, "%s") == 0) {
                text = va_arg(arguments, const char *);
                return strdup(text ? text : "");
        }
        return vasprintf(&cell, format, arguments) >= 0 ? cell : NULL;
}

static bool table_grow(struct table *table) {
        size_t n = table->n_allocated > 0 ? table->n_allocated * 2 : 64;
        char **cells;

        if (table->n_cells < table->n_allocated)
                return true;
        cells = reallocarray(table->cells, n, sizeof(*cells));
        if (!cells)
                return false;
        table->cells = cells;
        table->n_allocated = n;
        return true;
}

void table_cell(struct table *table, const char *format, ...) {
        va_list arguments;
        char *cell;

        if (table->out_of_memory)
                return;
        va_start(arguments, format);
        cell = cell_format(format, arguments);
        va_end(arguments);
        if (cell && table_grow(table)) {
                table->cells[table->n_cells++] = cell;
                return;
        }
        free(cell);
        table->out_of_memory = true;
}

size_t table_rows(const struct table *table) {
        return table->n_cells / table->n_columns;
}

const char *const *table_row(const struct table *table, size_t row) {
        if (table->out_of_memory)
                return NULL;
        return (const char *const *)table->cells + row * table->n_columns;
}

static void padding_write(FILE *file, size_t cells) {
        static const char blanks[] = "                                ";

        for (size_t n; cells > 0; cells -= n) {
                n = cells < sizeof(blanks) - 1 ? cells : sizeof(blanks) - 1;
                (void)fwrite(blanks, 1, n, file);
        }
}

static void cell_write(FILE *file, const char *text, size_t width, bool right, bool last) {
        size_t padding = width - text_width(text);

        if (right)
                padding_write(file, padding);
        text_write(file, text);
        /* No blanks at the end of a line. */
        if (last)
                fputc('\n', file);
        else {
                if (!right)
                        padding_write(file, padding);
                fputs(GAP, file);
        }
}

int table_print(const struct table *table, FILE *file, bool headings) {
        _cleanup_(freep) size_t *widths = calloc(table->n_columns, sizeof(*widths));
        size_t n = table->n_columns, rows = table_rows(table);

        if (!widths || table->out_of_memory)
                return -ENOMEM;
        for (size_t c = 0; c < n; c++) {
                if (headings)
                        widths[c] = text_width(_(table->columns[c].heading));
                for (size_t row = 0; row < rows; row++) {
                        size_t width = text_width(table->cells[row * n + c]);

                        if (width > widths[c])
                                widths[c] = width;
                }
        }

        for (size_t c = 0; headings && c < n; c++)
                cell_write(file, _(table->columns[c].heading), widths[c], table->columns[c].right,
                           c == n - 1);
        for (size_t i = 0; i < rows * n; i++)
                cell_write(file, table->cells[i], widths[i % n], table->columns[i % n].right,
                           i % n == n - 1);
        return 0;
}
