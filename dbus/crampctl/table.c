/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* --- what is shown --- */

/* The layout of a table on one page. */
struct layout {
        size_t *widths;
        bool *hidden;
        size_t waiting; /* blanks that are written only before something else */
};

static size_t layout_width(const struct layout *layout, size_t n) {
        size_t width = 0;

        for (size_t c = 0; c < n; c++)
                if (!layout->hidden[c] && layout->widths[c] > 0)
                        width += layout->widths[c] + (width > 0 ? strlen(GAP) : 0);
        return width;
}

static void widths_find(const struct table *table, bool headings, struct layout *layout) {
        size_t n = table->n_columns, rows = table_rows(table);

        for (size_t c = 0; c < n; c++) {
                if (headings)
                        layout->widths[c] = text_width(_(table->columns[c].heading));
                for (size_t row = 0; row < rows; row++) {
                        size_t width = text_width(table->cells[row * n + c]);

                        if (width > layout->widths[c])
                                layout->widths[c] = width;
                }
        }
}

/* The column that is to yield as number `yields`; n_columns = there is none. */
static size_t column_yielding(const struct table *table, unsigned yields) {
        size_t c = 0;

        while (c < table->n_columns && table->columns[c].yields != yields)
                c++;
        return c;
}

/* Leaves out, one after the other, what has to yield on a narrow terminal; then takes back what has room
 * after all, the most needed first. */
static void columns_yield(const struct table *table, size_t room, struct layout *layout) {
        size_t n = table->n_columns, c;
        unsigned yields = 0;

        while (layout_width(layout, n) > room && (c = column_yielding(table, yields + 1)) < n) {
                layout->hidden[c] = true;
                yields++;
        }
        for (; yields > 0; yields--) {
                c = column_yielding(table, yields);
                layout->hidden[c] = false;
                layout->hidden[c] = layout_width(layout, n) > room;
        }
}

static bool is_on_terminal(FILE *file) {
        return isatty(fileno(file)) || getenv(TEXT_PAGED);
}

static void cell_write(FILE *file, struct layout *layout, size_t c, const char *text, bool right) {
        size_t padding = layout->widths[c] - text_width(text);

        if (layout->hidden[c])
                return;
        if (*text) {
                padding_write(file, layout->waiting + (right ? padding : 0));
                text_write(file, text);
                layout->waiting = (right ? 0 : padding) + strlen(GAP);
        } else
                layout->waiting += layout->widths[c] + strlen(GAP);
}

static void line_end(FILE *file, struct layout *layout) {
        fputc('\n', file);
        layout->waiting = 0;
}

/* What was left out, so that nobody thinks that it is not there. */
static void hidden_tell(const struct table *table, FILE *file, const struct layout *layout) {
        const char *before = _("No room here for:");
        size_t room = text_columns(file), used = 0;

        for (size_t c = 0; c < table->n_columns; c++) {
                const char *heading = _(table->columns[c].heading);

                if (!layout->hidden[c])
                        continue;
                fputs(before, file);
                used += text_width(before);
                used = used + text_width(heading) + 2 > room ? 0 : used + 1;
                fputs(used > 0 ? " " : "\n", file);
                fputs(heading, file);
                used += text_width(heading);
                before = ",";
        }
        if (used > 0)
                fputc('\n', file);
}

int table_print(const struct table *table, FILE *file, bool headings) {
        size_t n = table->n_columns, rows = table_rows(table);
        _cleanup_(freep) size_t *widths = calloc(n, sizeof(*widths));
        _cleanup_(freep) bool *hidden = calloc(n, sizeof(*hidden));
        struct layout layout = {.widths = widths, .hidden = hidden};

        if (!widths || !hidden || table->out_of_memory)
                return -ENOMEM;
        widths_find(table, headings, &layout);
        if (is_on_terminal(file))
                columns_yield(table, text_columns(file), &layout);

        if (headings) {
                for (size_t c = 0; c < n; c++)
                        cell_write(file, &layout, c, _(table->columns[c].heading),
                                   table->columns[c].right);
                line_end(file, &layout);
        }
        for (size_t i = 0; i < rows * n; i++) {
                cell_write(file, &layout, i % n, table->cells[i], table->columns[i % n].right);
                if (i % n == n - 1)
                        line_end(file, &layout);
        }
        if (headings)
                hidden_tell(table, file, &layout);
        return 0;
}
