/* SPDX-License-Identifier: MIT */
/*
 * A signal drawn as text: what it spans in each column, in braille patterns (two columns and four rows
 * of dots a character) or in plain ASCII. Knows nothing of where the signal comes from;
 * called by show.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define PLOT_COLUMNS_MAX 400u

/* Lowest and highest value in one column of dots; NaN where there is none. */
struct plot_span {
        double low, high;
};

/* Columns of dots that fit into so many cells. */
size_t plot_dots(size_t cells, bool utf8);

/* Draws `rows` lines of `cells` cells, from -limit to +limit, each after `margin` and with a newline.
 * `spans` has plot_dots(cells, utf8) columns. */
void plot_draw(FILE *file, const struct plot_span *spans, size_t cells, size_t rows, double limit,
               bool utf8, const char *margin);
