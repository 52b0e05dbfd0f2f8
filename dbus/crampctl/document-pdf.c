/* SPDX-License-Identifier: MIT */
/*
 * Documents as PDF on A4, through cairo, with the text set by Pango: names and notes may be in any
 * script.
 */
#include "dbus/crampctl/document.h"
#include "dbus/crampctl/words.h"

#include <cairo-pdf.h>
#include <errno.h>
#include <math.h>
#include <pango/pangocairo.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/basic/cleanup.h"

/* Points. */
#define PAGE_WIDTH 595.28
#define PAGE_HEIGHT 841.89
#define MARGIN 42.0
#define CONTENT_WIDTH (PAGE_WIDTH - 2 * MARGIN)
#define BOTTOM (PAGE_HEIGHT - MARGIN - 14)
#define CELL_GAP 6.0
#define ROW_GAP 2.0
#define CHART_SCALE 1.1
#define BLOCK_GAP 6.0
#define CAPTION_HEIGHT 12.0
/* Headings and first row of a table. */
#define TABLE_BEGINS 40.0
/* A table of so many rows is kept together. */
#define HELD_ROWS 12u

/* Most cells of long tables are the same short words again: their layouts are kept. */
#define KEPT_OF_COLUMN 512u
#define KEPT_TEXT_SIZE 28u

struct kept_cell {
        PangoLayout *layout;
        double height;
        char text[KEPT_TEXT_SIZE];
};

/* A cell ready to be shown. */
struct cell {
        PangoLayout *layout;
        double height;
};

struct pdf_writer {
        struct document_writer writer; /* first: this is one */
        struct canvas canvas;
        FILE *file;
        cairo_surface_t *surface;
        cairo_t *cairo;
        PangoLayout *layout;                      /* for all text but cells */
        PangoLayout *cells[DOCUMENT_COLUMNS_MAX]; /* one for each column, set up by table_begin */
        struct kept_cell kept[DOCUMENT_COLUMNS_MAX][KEPT_OF_COLUMN];
        const struct document_column *columns;
        size_t n_columns;
        double left[DOCUMENT_COLUMNS_MAX];
        double y;
        unsigned page;
        bool out_of_memory;
        /* A section's heading, and the paragraph under it, that wait for what they belong to: they do
         * not stay behind at the foot of a page. */
        char *heading, *lead;
        enum paragraph_kind lead_kind;
        /* A table's beginning waits too: a short one is not broken by the end of a page. */
        char *caption; /* NULL = written */
        char *held[HELD_ROWS][DOCUMENT_COLUMNS_MAX];
        size_t n_held;
};

static struct pdf_writer *pdf_of(struct document_writer *writer) {
        return (struct pdf_writer *)writer;
}

bool document_pdf_is_there(void) {
        return true;
}

/* --- ink --- */

/* The colours of the HTML in the light. */
static void ink_set(cairo_t *cairo, enum ink ink) {
        static const unsigned colours[INKS] = {
                [INK_TEXT] = 0x1a1a1a,    [INK_SOFT] = 0x555555,     [INK_GRID] = 0xbbbbbb,
                [INK_BAR] = 0x38618c,     [INK_MARK] = 0x111111,     [INK_LEVEL_0] = 0xe8f0e8,
                [INK_LEVEL_1] = 0xf6d9a8, [INK_LEVEL_2] = 0xeda95a,  [INK_LEVEL_3] = 0xb84e1a,
                [INK_LEVEL_4] = 0x7c1a0e, [INK_ON_LIGHT] = 0x1a1a1a, [INK_ON_DARK] = 0xffffff,
        };
        unsigned colour = colours[ink];

        cairo_set_source_rgb(cairo, (colour >> 16) / 255.0, (colour >> 8 & 0xff) / 255.0,
                             (colour & 0xff) / 255.0);
}

static struct pdf_writer *pdf_of_canvas(struct canvas *canvas) {
        return (struct pdf_writer *)((char *)canvas - offsetof(struct pdf_writer, canvas));
}

static void pdf_rect(struct canvas *canvas, double x, double y, double width, double height,
                     enum ink fill, enum ink edge) {
        cairo_t *cairo = pdf_of_canvas(canvas)->cairo;

        cairo_rectangle(cairo, x, y, width, height);
        if (fill != INK_NONE) {
                ink_set(cairo, fill);
                cairo_fill_preserve(cairo);
        }
        if (edge != INK_NONE) {
                ink_set(cairo, edge);
                cairo_set_line_width(cairo, 0.4);
                cairo_stroke_preserve(cairo);
        }
        cairo_new_path(cairo);
}

static void pdf_line(struct canvas *canvas, double x1, double y1, double x2, double y2, double width,
                     enum ink ink) {
        cairo_t *cairo = pdf_of_canvas(canvas)->cairo;

        ink_set(cairo, ink);
        cairo_set_line_width(cairo, width);
        cairo_move_to(cairo, x1, y1);
        cairo_line_to(cairo, x2, y2);
        cairo_stroke(cairo);
}

static void pdf_disc(struct canvas *canvas, double x, double y, double radius, enum ink ink) {
        cairo_t *cairo = pdf_of_canvas(canvas)->cairo;

        ink_set(cairo, ink);
        cairo_arc(cairo, x, y, radius, 0, 2 * M_PI);
        cairo_fill(cairo);
}

static void font_set(PangoLayout *layout, double size, bool bold) {
        PangoFontDescription *font = pango_font_description_new();

        pango_font_description_set_family_static(font, "sans-serif");
        pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
        pango_font_description_set_weight(font, bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
        pango_layout_set_font_description(layout, font);
        pango_font_description_free(font);
}

static void pdf_text(struct canvas *canvas, double x, double y, double size, enum anchor anchor,
                     enum ink ink, const char *text) {
        struct pdf_writer *pdf = pdf_of_canvas(canvas);
        double width, baseline;
        int w;

        font_set(pdf->layout, size, false);
        pango_layout_set_width(pdf->layout, -1);
        pango_layout_set_text(pdf->layout, text, -1);
        pango_layout_get_size(pdf->layout, &w, NULL);
        width = (double)w / PANGO_SCALE;
        baseline = (double)pango_layout_get_baseline(pdf->layout) / PANGO_SCALE;
        ink_set(pdf->cairo, ink);
        cairo_move_to(pdf->cairo,
                      anchor == ANCHOR_START    ? x
                      : anchor == ANCHOR_MIDDLE ? x - width / 2
                                                : x - width,
                      y - baseline);
        pango_cairo_show_layout(pdf->cairo, pdf->layout);
}

/* --- pages --- */

/* Control characters would be drawn as boxes, or break lines. */
static void text_set(PangoLayout *layout, const char *text) {
        size_t length = strlen(text);
        char *copy;

        if (strcspn(text,
                    "\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16"
                    "\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f") == length) {
                pango_layout_set_text(layout, text, (int)length);
                return;
        }
        copy = strdup(text);
        for (char *c = copy; c && *c; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        *c = '?';
        pango_layout_set_text(layout, copy ? copy : "?", -1);
        free(copy);
}

static double layout_height(PangoLayout *layout) {
        int height;

        pango_layout_get_size(layout, NULL, &height);
        return (double)height / PANGO_SCALE;
}

static void layout_show(const struct pdf_writer *pdf, PangoLayout *layout, double x, double y,
                        enum ink ink) {
        ink_set(pdf->cairo, ink);
        cairo_move_to(pdf->cairo, x, y);
        pango_cairo_show_layout(pdf->cairo, layout);
}

static void page_end(struct pdf_writer *pdf) {
        char footer[128];

        (void)snprintf(footer, sizeof(footer), _("crampd is an aid, not a medical device. Page %u"),
                       ++pdf->page);
        font_set(pdf->layout, 8, false);
        pango_layout_set_width(pdf->layout, (int)(CONTENT_WIDTH * PANGO_SCALE));
        pango_layout_set_text(pdf->layout, footer, -1);
        layout_show(pdf, pdf->layout, MARGIN, BOTTOM + 8, INK_SOFT);
        cairo_show_page(pdf->cairo);
        pdf->y = MARGIN;
}

/* A new page unless that much fits on this one. Returns whether it is new. */
static bool page_need(struct pdf_writer *pdf, double height) {
        if (pdf->y + height <= BOTTOM || pdf->y <= MARGIN)
                return false;
        page_end(pdf);
        return true;
}

/* Text over the whole width, from `indent` on. */
static double block_set(struct pdf_writer *pdf, const char *text, double size, bool bold,
                        double indent) {
        font_set(pdf->layout, size, bold);
        pango_layout_set_width(pdf->layout, (int)((CONTENT_WIDTH - indent) * PANGO_SCALE));
        pango_layout_set_wrap(pdf->layout, PANGO_WRAP_WORD_CHAR);
        text_set(pdf->layout, text);
        return layout_height(pdf->layout);
}

static void block_write(struct pdf_writer *pdf, const char *text, double size, bool bold, enum ink ink,
                        double indent, double keep) {
        double height = block_set(pdf, text, size, bold, indent);

        /* The page's end takes the layout for its footer. */
        if (page_need(pdf, height + keep))
                (void)block_set(pdf, text, size, bold, indent);
        layout_show(pdf, pdf->layout, MARGIN + indent, pdf->y, ink);
        pdf->y += height;
}

/* --- the parts --- */

static void pdf_title(struct document_writer *writer, const char *title, const char *subtitle) {
        struct pdf_writer *pdf = pdf_of(writer);

        cairo_pdf_surface_set_metadata(pdf->surface, CAIRO_PDF_METADATA_TITLE, title);
        block_write(pdf, title, 18, true, INK_TEXT, 0, 0);
        pdf->y += 2;
        block_write(pdf, subtitle, 9, false, INK_SOFT, 0, 0);
        pdf->y += 8;
}

static double paragraph_size(enum paragraph_kind kind) {
        return kind == PARAGRAPH_SOFT ? 8.5 : 10;
}

static void paragraph_write(struct pdf_writer *pdf, enum paragraph_kind kind, const char *text) {
        block_write(pdf, text, paragraph_size(kind), false, kind == PARAGRAPH_SOFT ? INK_SOFT : INK_TEXT,
                    0, 0);
        pdf->y += BLOCK_GAP;
}

/* What waits, on the page on which `keep` points more have room. */
static void waiting_write(struct pdf_writer *pdf, double keep) {
        _cleanup_(freep) char *heading = steal_pointer(&pdf->heading);
        _cleanup_(freep) char *lead = steal_pointer(&pdf->lead);
        char place[64];

        if (!heading)
                return;
        if (lead)
                keep += block_set(pdf, lead, paragraph_size(pdf->lead_kind), false, 0) + BLOCK_GAP;
        pdf->y += 12;
        block_write(pdf, heading, 13, true, INK_TEXT, 0, keep + 6);
        (void)snprintf(place, sizeof(place), "page=%u pos=[%.0f %.0f]", pdf->page + 1, MARGIN,
                       fmax(pdf->y - 20, 0));
        (void)cairo_pdf_surface_add_outline(pdf->surface, CAIRO_PDF_OUTLINE_ROOT, heading, place, 0);
        pdf_line(&pdf->canvas, MARGIN, pdf->y + 1, MARGIN + CONTENT_WIDTH, pdf->y + 1, 0.5, INK_GRID);
        pdf->y += 6;
        if (lead)
                paragraph_write(pdf, pdf->lead_kind, lead);
}

static void pdf_section(struct document_writer *writer, const char *heading) {
        struct pdf_writer *pdf = pdf_of(writer);

        waiting_write(pdf, 0);
        pdf->heading = strdup(heading);
        pdf->out_of_memory = pdf->out_of_memory || !pdf->heading;
}

static void pdf_paragraph(struct document_writer *writer, enum paragraph_kind kind, const char *text) {
        struct pdf_writer *pdf = pdf_of(writer);
        double size = paragraph_size(kind), top;

        if (kind != PARAGRAPH_NOTE && pdf->heading && !pdf->lead) {
                pdf->lead = strdup(text);
                pdf->lead_kind = kind;
                pdf->out_of_memory = pdf->out_of_memory || !pdf->lead;
                return;
        }
        waiting_write(pdf, block_set(pdf, text, size, false, 0));
        if (kind != PARAGRAPH_NOTE) {
                paragraph_write(pdf, kind, text);
                return;
        }
        pdf->y += 4;
        block_write(pdf, text, size, false, INK_TEXT, 10, 4);
        top = pdf->y - layout_height(pdf->layout);
        pdf_rect(&pdf->canvas, MARGIN, top - 2, 3, pdf->y - top + 4, INK_LEVEL_2, INK_NONE);
        pdf->y += BLOCK_GAP;
}

static void pdf_chart(struct document_writer *writer, const struct chart *chart) {
        struct pdf_writer *pdf = pdf_of(writer);
        double scale = fmin(CHART_SCALE, (BOTTOM - MARGIN - 30) / chart->height);

        waiting_write(pdf, chart->height * scale + 40);
        (void)page_need(pdf, chart->height * scale + 40);
        block_write(pdf, chart->title, 10, true, INK_TEXT, 0, 0);
        block_write(pdf, chart->description, 8, false, INK_SOFT, 0, 0);
        pdf->y += 3;
        cairo_save(pdf->cairo);
        cairo_translate(pdf->cairo, MARGIN, pdf->y);
        cairo_scale(pdf->cairo, scale, scale);
        chart->draw(chart->tally, &pdf->canvas);
        cairo_restore(pdf->cairo);
        pango_cairo_update_layout(pdf->cairo, pdf->layout);
        pdf->y += chart->height * scale + 12;
}

static void headings_write(struct pdf_writer *pdf) {
        double height = 0;

        if (!pdf->columns[pdf->n_columns - 1].heading)
                return;
        for (size_t i = 0; i < pdf->n_columns; i++) {
                font_set(pdf->cells[i], 7.5, true);
                text_set(pdf->cells[i], pdf->columns[i].heading ? _(pdf->columns[i].heading) : "");
                height = fmax(height, layout_height(pdf->cells[i]));
        }
        for (size_t i = 0; i < pdf->n_columns; i++) {
                layout_show(pdf, pdf->cells[i], pdf->left[i], pdf->y, INK_TEXT);
                font_set(pdf->cells[i], 7.5, false);
        }
        pdf->y += height + ROW_GAP;
        pdf_line(&pdf->canvas, MARGIN, pdf->y - 1, MARGIN + CONTENT_WIDTH, pdf->y - 1, 0.6, INK_SOFT);
}

static void cells_free(struct pdf_writer *pdf) {
        for (size_t i = 0; i < DOCUMENT_COLUMNS_MAX; i++) {
                if (pdf->cells[i])
                        g_object_unref(steal_pointer(&pdf->cells[i]));
                for (size_t k = 0; k < KEPT_OF_COLUMN; k++)
                        if (pdf->kept[i][k].layout)
                                g_object_unref(steal_pointer(&pdf->kept[i][k].layout));
        }
}

/* The layout of a column's cell with this text; valid until the next cell of that column. */
static struct cell cell_make(struct pdf_writer *pdf, size_t column, const char *text) {
        struct kept_cell *kept;
        size_t length = strlen(text), slot = 0;

        if (length >= KEPT_TEXT_SIZE) {
                text_set(pdf->cells[column], text);
                return (struct cell){pdf->cells[column], layout_height(pdf->cells[column])};
        }
        for (size_t i = 0; i < length; i++)
                slot = slot * 31 + (unsigned char)text[i];
        kept = &pdf->kept[column][slot % KEPT_OF_COLUMN];
        if (!kept->layout || strcmp(kept->text, text) != 0) {
                if (!kept->layout)
                        kept->layout = pango_layout_copy(pdf->cells[column]);
                text_set(kept->layout, text);
                kept->height = layout_height(kept->layout);
                memcpy(kept->text, text, length + 1);
        }
        return (struct cell){kept->layout, kept->height};
}

static void pdf_table_begin(struct document_writer *writer, const char *caption,
                            const struct document_column *columns, size_t n_columns, bool folded) {
        struct pdf_writer *pdf = pdf_of(writer);
        double total = 0, x = MARGIN;

        pdf->columns = columns;
        pdf->n_columns = n_columns < DOCUMENT_COLUMNS_MAX ? n_columns : DOCUMENT_COLUMNS_MAX;
        for (size_t i = 0; i < pdf->n_columns; i++)
                total += columns[i].share;
        cells_free(pdf);
        for (size_t i = 0; i < pdf->n_columns; i++) {
                double width = CONTENT_WIDTH * columns[i].share / total;

                pdf->cells[i] = pango_cairo_create_layout(pdf->cairo);
                pdf->left[i] = x;
                pango_layout_set_width(pdf->cells[i], (int)((width - CELL_GAP) * PANGO_SCALE));
                pango_layout_set_wrap(pdf->cells[i], PANGO_WRAP_WORD_CHAR);
                pango_layout_set_alignment(pdf->cells[i],
                                           columns[i].right ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
                font_set(pdf->cells[i], 7.5, false);
                x += width;
        }
        pdf->caption = strdup(caption);
        pdf->out_of_memory = pdf->out_of_memory || !pdf->caption;
}

/* Valid until the next row. */
static double row_make(struct pdf_writer *pdf, const char *const *cells,
                       struct cell made[static DOCUMENT_COLUMNS_MAX]) {
        double height = 0;

        for (size_t i = 0; i < pdf->n_columns; i++) {
                made[i] = cell_make(pdf, i, cells[i] ? cells[i] : "");
                height = fmax(height, made[i].height);
        }
        return height;
}

static void row_write(struct pdf_writer *pdf, const char *const *cells) {
        struct cell made[DOCUMENT_COLUMNS_MAX];
        double height = row_make(pdf, cells, made);

        if (page_need(pdf, height + ROW_GAP)) {
                headings_write(pdf);
                /* The headings took the columns' own layouts. */
                for (size_t i = 0; i < pdf->n_columns; i++)
                        made[i] = cell_make(pdf, i, cells[i] ? cells[i] : "");
        }
        for (size_t i = 0; i < pdf->n_columns; i++)
                layout_show(pdf, made[i].layout, pdf->left[i], pdf->y, INK_TEXT);
        pdf->y += height + ROW_GAP;
        pdf_line(&pdf->canvas, MARGIN, pdf->y - 1, MARGIN + CONTENT_WIDTH, pdf->y - 1, 0.3, INK_GRID);
}

static void held_free(struct pdf_writer *pdf) {
        for (size_t row = 0; row < pdf->n_held; row++)
                for (size_t i = 0; i < pdf->n_columns; i++)
                        free(steal_pointer(&pdf->held[row][i]));
        pdf->n_held = 0;
}

/* Writes the caption, the headings and the rows that wait; `whole`: there are no others. */
static void table_start(struct pdf_writer *pdf, bool whole) {
        _cleanup_(freep) char *caption = steal_pointer(&pdf->caption);
        struct cell made[DOCUMENT_COLUMNS_MAX];
        double keep = TABLE_BEGINS;

        if (!caption)
                return;
        for (size_t row = 0; whole && row < pdf->n_held; row++)
                keep += row_make(pdf, (const char *const *)pdf->held[row], made) + ROW_GAP;
        waiting_write(pdf, keep + CAPTION_HEIGHT);
        block_write(pdf, caption, 9, true, INK_TEXT, 0, keep);
        pdf->y += 3;
        headings_write(pdf);
        for (size_t row = 0; row < pdf->n_held; row++)
                row_write(pdf, (const char *const *)pdf->held[row]);
        held_free(pdf);
}

static void row_hold(struct pdf_writer *pdf, const char *const *cells) {
        for (size_t i = 0; i < pdf->n_columns; i++) {
                pdf->held[pdf->n_held][i] = strdup(cells[i] ? cells[i] : "");
                pdf->out_of_memory = pdf->out_of_memory || !pdf->held[pdf->n_held][i];
        }
        pdf->n_held++;
}

static void pdf_table_row(struct document_writer *writer, const char *const *cells) {
        struct pdf_writer *pdf = pdf_of(writer);

        if (pdf->caption && pdf->n_held < HELD_ROWS) {
                row_hold(pdf, cells);
                return;
        }
        table_start(pdf, false);
        row_write(pdf, cells);
}

static void pdf_table_end(struct document_writer *writer) {
        struct pdf_writer *pdf = pdf_of(writer);

        table_start(pdf, true);
        held_free(pdf);
        cells_free(pdf);
        pdf->y += 8;
}

static int pdf_free(struct pdf_writer *pdf) {
        cairo_status_t status = CAIRO_STATUS_SUCCESS;

        cells_free(pdf);
        held_free(pdf);
        free(pdf->heading);
        free(pdf->lead);
        free(pdf->caption);
        if (pdf->layout)
                g_object_unref(pdf->layout);
        if (pdf->cairo) {
                status = cairo_status(pdf->cairo);
                cairo_destroy(pdf->cairo);
        }
        if (pdf->surface) {
                cairo_surface_finish(pdf->surface);
                if (status == CAIRO_STATUS_SUCCESS)
                        status = cairo_surface_status(pdf->surface);
                cairo_surface_destroy(pdf->surface);
        }
        free(pdf);
        return status == CAIRO_STATUS_SUCCESS       ? 0
               : status == CAIRO_STATUS_NO_MEMORY   ? -ENOMEM
               : status == CAIRO_STATUS_WRITE_ERROR ? -EIO
                                                    : -EPROTO;
}

static int pdf_finish(struct document_writer *writer) {
        struct pdf_writer *pdf = pdf_of(writer);

        waiting_write(pdf, 0);
        page_end(pdf);
        if (pdf->out_of_memory) {
                (void)pdf_free(pdf);
                return -ENOMEM;
        }
        return pdf_free(pdf);
}

static cairo_status_t bytes_write(void *closure, const unsigned char *data, unsigned length) {
        FILE *file = closure;

        return fwrite(data, 1, length, file) == length ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static void metadata_set(struct pdf_writer *pdf, int64_t made_s) {
        time_t s = (time_t)made_s;
        struct tm date = {};
        char text[40];

        (void)gmtime_r(&s, &date);
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &date);
        cairo_pdf_surface_set_metadata(pdf->surface, CAIRO_PDF_METADATA_CREATE_DATE, text);
        cairo_pdf_surface_set_metadata(pdf->surface, CAIRO_PDF_METADATA_CREATOR, "crampctl report");
}

struct document_writer *document_pdf_new(FILE *file, int64_t made_s) {
        struct pdf_writer *pdf = calloc(1, sizeof(*pdf));

        if (!pdf)
                return NULL;
        pdf->file = file;
        pdf->y = MARGIN;
        pdf->surface = cairo_pdf_surface_create_for_stream(bytes_write, file, PAGE_WIDTH, PAGE_HEIGHT);
        pdf->cairo = cairo_create(pdf->surface);
        if (cairo_status(pdf->cairo) != CAIRO_STATUS_SUCCESS) {
                (void)pdf_free(pdf);
                return NULL;
        }
        metadata_set(pdf, made_s);
        pdf->layout = pango_cairo_create_layout(pdf->cairo);
        pdf->canvas = (struct canvas){pdf_rect, pdf_line, pdf_disc, pdf_text};
        pdf->writer = (struct document_writer){
                .title = pdf_title,
                .section = pdf_section,
                .paragraph = pdf_paragraph,
                .chart = pdf_chart,
                .table_begin = pdf_table_begin,
                .table_row = pdf_table_row,
                .table_end = pdf_table_end,
                .finish = pdf_finish,
        };
        return &pdf->writer;
}
