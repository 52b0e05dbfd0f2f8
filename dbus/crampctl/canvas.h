/* SPDX-License-Identifier: MIT */
/*
 * What charts are drawn on: a few shapes in inks that have a meaning rather than a colour, so that each
 * writer gives them the colours of its medium. Units are the chart's own, x to the right and y down.
 * Implemented by document-html.c (SVG) and document-pdf.c (cairo); used by chart.c.
 */
#pragma once

enum ink {
        INK_NONE,
        INK_TEXT,
        INK_SOFT, /* labels and axes */
        INK_GRID,
        INK_BAR,
        INK_MARK, /* stands out on all levels */
        /* Of a night: no cramp, one, two, three, four and more; lighter to darker. */
        INK_LEVEL_0,
        INK_LEVEL_1,
        INK_LEVEL_2,
        INK_LEVEL_3,
        INK_LEVEL_4,
        /* Text that is readable on the level of the same number. */
        INK_ON_LIGHT, /* 0 to 2 */
        INK_ON_DARK,  /* 3 and 4 */
        INKS
};

enum anchor { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END };

struct canvas {
        /* Filled with one ink, its edge drawn with the other. */
        void (*rect)(struct canvas *canvas, double x, double y, double width, double height,
                     enum ink fill, enum ink edge);
        void (*line)(struct canvas *canvas, double x1, double y1, double x2, double y2, double width,
                     enum ink ink);
        void (*disc)(struct canvas *canvas, double x, double y, double radius, enum ink ink);
        /* `y` is that of the baseline. */
        void (*text)(struct canvas *canvas, double x, double y, double size, enum anchor anchor,
                     enum ink ink, const char *text);
};
