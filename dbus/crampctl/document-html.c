/* SPDX-License-Identifier: MIT */
/*
 * Documents as HTML: one file with nothing outside of it and no script, for phones, paper and the dark.
 * Valid as HTML and as XML.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/document.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/words.h"

/* The stylesheet, in pieces that no compiler finds too long. */
static const char *const style[] = {
        ":root{color-scheme:light "
        "dark;--paper:#fff;--text:#1a1a1a;--soft:#555;--grid:#bbb;--bar:#38618c;"
        "--mark:#111;--l0:#e8f0e8;--l1:#f6d9a8;--l2:#eda95a;--l3:#b84e1a;--l4:#7c1a0e;--on-light:#"
        "1a1a1a;"
        "--on-dark:#fff;--frame:#8a6d1a;--framed:#fff8e1}\n",
        "@media screen and "
        "(prefers-color-scheme:dark){:root{--paper:#14171a;--text:#e6e6e6;--soft:#a8adb3;"
        "--grid:#4a5056;--bar:#7fb0e0;--mark:#fff;--l0:#22301f;--l1:#5a4318;--l2:#8a5a1c;--l3:#e08a3c;"
        "--l4:#ffc27a;--on-light:#f2f2f2;--on-dark:#14171a;--frame:#c9a227;--framed:#2a2614}}\n",
        "html{background:var(--paper);color:var(--text);font:1rem/1.5 system-ui,sans-serif}\n"
        "body{max-width:46rem;margin:0 auto;padding:1rem}\n"
        "h1{font-size:1.6rem;line-height:1.2;margin:0 0 .2em}h2{font-size:1.2rem;margin:1.8em 0 .4em;"
        "border-bottom:1px solid var(--grid)}\n"
        ".soft{color:var(--soft);font-size:.9rem}\n"
        ".note{border:1px solid var(--frame);border-left-width:.4rem;background:var(--framed);"
        "padding:.6em .8em}\n"
        "figure{margin:1em 0}figcaption{font-weight:600;margin-bottom:.3em}figure p{margin:.3em 0}\n"
        "svg{display:block;width:100%;height:auto;max-width:40rem}\n"
        "svg text{font-family:system-ui,sans-serif}\n",
        ".wide{overflow-x:auto}\n"
        "table{border-collapse:collapse;font-size:.85rem;width:100%;margin:.6em 0}\n"
        "caption{text-align:left;font-weight:600;padding-bottom:.3em}\n"
        "th,td{text-align:left;vertical-align:top;padding:.2em .6em .2em 0;white-space:nowrap;"
        "border-bottom:1px solid var(--grid)}\n"
        ".n{text-align:right;font-variant-numeric:tabular-nums}\n"
        ".w{white-space:normal;min-width:5em;overflow-wrap:anywhere}\n"
        "th.w{overflow-wrap:break-word;hyphens:auto}\n"
        "@media screen and (max-width:40rem){.w{min-width:9em}td.w:last-child{min-width:13em}}\n"
        "summary{cursor:pointer;color:var(--soft)}\n",
        ".t{fill:var(--text)}.s{fill:var(--soft)}.g{fill:var(--grid)}.b{fill:var(--bar)}"
        ".m{fill:var(--mark)}.l0{fill:var(--l0)}.l1{fill:var(--l1)}.l2{fill:var(--l2)}.l3{fill:var(--l3)"
        "}"
        ".l4{fill:var(--l4)}.ol{fill:var(--on-light)}.od{fill:var(--on-dark)}.x{fill:none}"
        ".ss{stroke:var(--soft)}.sg{stroke:var(--grid)}.sb{stroke:var(--bar)}.sm{stroke:var(--mark)}"
        ".st{stroke:var(--text)}\n",
        "@page{size:A4;margin:15mm}\n"
        "@media print{html{font-size:10pt}body{max-width:none;padding:0}.wide{overflow:visible}"
        "table{font-size:7.5pt}svg{max-width:150mm}thead{display:table-header-group}"
        "tr,figure,.note{break-inside:avoid}h2{break-after:avoid}"
        "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}"
        /* Paper cannot be unfolded; a browser that cannot do it either leaves them out. */
        "details:not([open]){display:none}"
        "@supports selector(::details-content){details:not([open]){display:block}summary{display:none}"
        "details::details-content{content-visibility:visible;block-size:auto}}}\n",
};

struct html_writer {
        struct document_writer writer; /* first: this is one */
        struct canvas canvas;          /* of the chart that is being drawn */
        FILE *file;
        const struct document_column *columns;
        size_t n_columns;
        bool folded;
        unsigned n_charts;
        bool in_section;
};

static struct html_writer *html_of(struct document_writer *writer) {
        return (struct html_writer *)writer;
}

/* --- escaping --- */

/* The character at `text`, or U+FFFD for what is none; its length. */
static uint32_t character_read(const unsigned char *text, size_t *ret_length) {
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        size_t length = text[0] < 0x80    ? 1
                        : text[0] >= 0xf0 ? 4
                        : text[0] >= 0xe0 ? 3
                        : text[0] >= 0xc0 ? 2
                                          : 0;
        uint32_t character = length == 1 ? text[0] : text[0] & (0x7fu >> length);

        *ret_length = 1;
        if (length == 0)
                return 0xfffd;
        for (size_t i = 1; i < length; i++) {
                if ((text[i] & 0xc0) != 0x80)
                        return 0xfffd;
                character = character << 6 | (text[i] & 0x3fu);
        }
        if (character < least[length] || character > 0x10ffff || (character & 0xfffff800) == 0xd800)
                return 0xfffd;
        *ret_length = length;
        return character;
}

/* Neither HTML nor XML has control characters and noncharacters, not even escaped. */
static bool character_is_told(uint32_t character) {
        return character >= 0x20 && !(character >= 0x7f && character < 0xa0) &&
               (character & 0xfffe) != 0xfffe && !(character >= 0xfdd0 && character <= 0xfdef);
}

static void escaped_write(FILE *file, const char *text) {
        const unsigned char *bytes = (const unsigned char *)text;
        size_t length;

        for (; text && *bytes; bytes += length) {
                uint32_t character = character_read(bytes, &length);

                if (!character_is_told(character) || (character == 0xfffd && length == 1))
                        fputs("\xef\xbf\xbd", file);
                else if (character == '&')
                        fputs("&amp;", file);
                else if (character == '<')
                        fputs("&lt;", file);
                else if (character == '>')
                        fputs("&gt;", file);
                else if (character == '"')
                        fputs("&quot;", file);
                else
                        (void)fwrite(bytes, 1, length, file);
        }
}

/* --- SVG --- */

static const char *fill_class(enum ink ink) {
        static const char *const names[INKS] = {
                [INK_NONE] = "x",     [INK_TEXT] = "t",     [INK_SOFT] = "s",     [INK_GRID] = "g",
                [INK_BAR] = "b",      [INK_MARK] = "m",     [INK_LEVEL_0] = "l0", [INK_LEVEL_1] = "l1",
                [INK_LEVEL_2] = "l2", [INK_LEVEL_3] = "l3", [INK_LEVEL_4] = "l4", [INK_ON_LIGHT] = "ol",
                [INK_ON_DARK] = "od",
        };

        return names[ink];
}

static const char *stroke_class(enum ink ink) {
        switch (ink) {
        case INK_SOFT:
                return "ss";
        case INK_GRID:
                return "sg";
        case INK_BAR:
                return "sb";
        case INK_MARK:
                return "sm";
        default:
                return "st";
        }
}

static FILE *canvas_file(struct canvas *canvas) {
        return ((struct html_writer *)((char *)canvas - offsetof(struct html_writer, canvas)))->file;
}

static void number_write(FILE *file, const char *name, double value) {
        char number[TEXT_NUMBER_SIZE];

        text_number(value, 2, number);
        fprintf(file, " %s=\"%s\"", name, number);
}

static void svg_rect(struct canvas *canvas, double x, double y, double width, double height,
                     enum ink fill, enum ink edge) {
        FILE *file = canvas_file(canvas);

        fputs("<rect", file);
        number_write(file, "x", x);
        number_write(file, "y", y);
        number_write(file, "width", width);
        number_write(file, "height", height);
        fprintf(file, " class=\"%s", fill_class(fill));
        if (edge != INK_NONE)
                fprintf(file, " %s\" stroke-width=\".4", stroke_class(edge));
        fputs("\"/>\n", file);
}

static void svg_line(struct canvas *canvas, double x1, double y1, double x2, double y2, double width,
                     enum ink ink) {
        FILE *file = canvas_file(canvas);

        fputs("<line", file);
        number_write(file, "x1", x1);
        number_write(file, "y1", y1);
        number_write(file, "x2", x2);
        number_write(file, "y2", y2);
        number_write(file, "stroke-width", width);
        fprintf(file, " class=\"%s\"/>\n", stroke_class(ink));
}

static void svg_disc(struct canvas *canvas, double x, double y, double radius, enum ink ink) {
        FILE *file = canvas_file(canvas);

        fputs("<circle", file);
        number_write(file, "cx", x);
        number_write(file, "cy", y);
        number_write(file, "r", radius);
        fprintf(file, " class=\"%s\"/>\n", fill_class(ink));
}

static void svg_text(struct canvas *canvas, double x, double y, double size, enum anchor anchor,
                     enum ink ink, const char *text) {
        static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
        FILE *file = canvas_file(canvas);

        fputs("<text", file);
        number_write(file, "x", x);
        number_write(file, "y", y);
        number_write(file, "font-size", size);
        fprintf(file, "%s class=\"%s\">", anchors[anchor], fill_class(ink));
        escaped_write(file, text);
        fputs("</text>\n", file);
}

/* --- the parts --- */

static void html_title(struct document_writer *writer, const char *title, const char *subtitle) {
        FILE *file = html_of(writer)->file;

        fputs("<!DOCTYPE html>\n"
              "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"",
              file);
        fputs(words_language()->name, file);
        fputs("\">\n<head>\n"
              "<meta charset=\"utf-8\"/>\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
              "<meta name=\"referrer\" content=\"no-referrer\"/>\n"
              "<title>",
              file);
        escaped_write(file, title);
        fputs("</title>\n<style>\n", file);
        for (size_t i = 0; i < ARRAY_LENGTH(style); i++)
                fputs(style[i], file);
        fputs("</style>\n</head>\n<body>\n<h1>", file);
        escaped_write(file, title);
        fputs("</h1>\n<p class=\"soft\">", file);
        escaped_write(file, subtitle);
        fputs("</p>\n", file);
}

static void html_section(struct document_writer *writer, const char *heading) {
        struct html_writer *html = html_of(writer);

        fputs(html->in_section ? "</section>\n<section>\n<h2>" : "<section>\n<h2>", html->file);
        escaped_write(html->file, heading);
        fputs("</h2>\n", html->file);
        html->in_section = true;
}

static void html_paragraph(struct document_writer *writer, enum paragraph_kind kind, const char *text) {
        static const char *const starts[] = {"<p>", "<p class=\"soft\">", "<p class=\"note\">"};
        FILE *file = html_of(writer)->file;

        fputs(starts[kind], file);
        escaped_write(file, text);
        fputs("</p>\n", file);
}

static void html_chart(struct document_writer *writer, const struct chart *chart) {
        struct html_writer *html = html_of(writer);
        unsigned n = ++html->n_charts;
        FILE *file = html->file;

        /* The name and what is to be seen are told by what stands above, for all to read: some
         * validators know no id of an SVG title. */
        fprintf(file, "<figure>\n<figcaption id=\"c%ut\">", n);
        escaped_write(file, chart->title);
        fprintf(file, "</figcaption>\n<p class=\"soft\" id=\"c%ud\">", n);
        escaped_write(file, chart->description);
        fprintf(file,
                "</p>\n<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" "
                "aria-labelledby=\"c%ut c%ud\" viewBox=\"0 0 %.0f %.0f\">\n<title>",
                n, n, CHART_WIDTH, chart->height);
        escaped_write(file, chart->title);
        fputs("</title>\n", file);
        chart->draw(chart->tally, &html->canvas);
        fputs("</svg>\n</figure>\n", file);
}

static void cell_class_write(FILE *file, const struct document_column *column) {
        if (column->right)
                fputs(" class=\"n\"", file);
        else if (column->wraps)
                fputs(" class=\"w\"", file);
}

static void html_table_begin(struct document_writer *writer, const char *caption,
                             const struct document_column *columns, size_t n_columns, bool folded) {
        struct html_writer *html = html_of(writer);
        FILE *file = html->file;
        bool headings = false;

        html->columns = columns;
        html->n_columns = n_columns;
        html->folded = folded;
        if (folded)
                fprintf(file, "<details>\n<summary>%s</summary>\n", _("The figures of this chart"));
        /* It can be scrolled with the keyboard too. */
        fputs("<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"", file);
        escaped_write(file, caption);
        fputs("\">\n<table>\n<caption>", file);
        escaped_write(file, caption);
        fputs("</caption>\n", file);
        for (size_t i = 0; i < n_columns; i++)
                headings = headings || columns[i].heading;
        if (headings) {
                fputs("<thead><tr>", file);
                for (size_t i = 0; i < n_columns; i++) {
                        fputs("<th scope=\"col\"", file);
                        cell_class_write(file, columns + i);
                        fputc('>', file);
                        escaped_write(file, _(columns[i].heading));
                        fputs("</th>", file);
                }
                fputs("</tr></thead>\n", file);
        }
        fputs("<tbody>\n", file);
}

static void html_table_row(struct document_writer *writer, const char *const *cells) {
        const struct html_writer *html = html_of(writer);
        FILE *file = html->file;

        fputs("<tr>", file);
        for (size_t i = 0; i < html->n_columns; i++) {
                /* Without headings, the first cell is one. */
                bool heading = i == 0 && !html->columns[0].heading;

                fputs(heading ? "<th scope=\"row\"" : "<td", file);
                cell_class_write(file, html->columns + i);
                fputc('>', file);
                escaped_write(file, cells[i]);
                fputs(heading ? "</th>" : "</td>", file);
        }
        fputs("</tr>\n", file);
}

static void html_table_end(struct document_writer *writer) {
        const struct html_writer *html = html_of(writer);

        fputs("</tbody>\n</table>\n</div>\n", html->file);
        if (html->folded)
                fputs("</details>\n", html->file);
}

static int html_finish(struct document_writer *writer) {
        struct html_writer *html = html_of(writer);
        int r;

        fputs(html->in_section ? "</section>\n</body>\n</html>\n" : "</body>\n</html>\n", html->file);
        r = ferror(html->file) ? -EIO : 0;
        free(html);
        return r;
}

struct document_writer *document_html_new(FILE *file) {
        struct html_writer *html = calloc(1, sizeof(*html));

        if (!html)
                return NULL;
        html->file = file;
        html->canvas = (struct canvas){svg_rect, svg_line, svg_disc, svg_text};
        html->writer = (struct document_writer){
                .title = html_title,
                .section = html_section,
                .paragraph = html_paragraph,
                .chart = html_chart,
                .table_begin = html_table_begin,
                .table_row = html_table_row,
                .table_end = html_table_end,
                .finish = html_finish,
        };
        return &html->writer;
}
