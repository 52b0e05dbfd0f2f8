/* SPDX-License-Identifier: MIT */
/*
 * Aligned columns. Cells are collected, then printed at once; running out of memory is remembered and
 * told by table_print().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct column {
        const char *heading; /* translated when it is printed */
        bool right;          /* for numbers */
        unsigned yields; /* on a terminal that is too narrow such columns are left out, in the order of
                            these numbers, which begin at 1; 0 = never */
};

struct table;

/* NULL when memory is short. `columns` has to stay. */
struct table *table_new(const struct column *columns, size_t n_columns);
struct table *table_free(struct table *table);

/* The next cell, row by row. */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

size_t table_rows(const struct table *table);

/* The cells of a row, one for each column; NULL if memory ran short on the way. They live as long as the
 * table. */
const char *const *table_row(const struct table *table, size_t row);

/* On a terminal, what has no room in its width is left out, and told below. Returns 0 or -ENOMEM. */
int table_print(const struct table *table, FILE *file, bool headings);
