/* SPDX-License-Identifier: MIT */
/*
 * Help in the user's language: see help.h. Paragraphs and descriptions are looked up as one line each
 * (po/gather-help.py finds them in the same way) and laid out anew; all else stays as it is.
 */
#include "dbus/crampctl/help.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "dbus/crampctl/text.h"
#include "dbus/crampctl/words.h"

/* Of crampctl's options, and of cramp-notify's, which are longer. */
#define DESCRIPTION_COLUMN 25u
#define DESCRIPTION_COLUMN_LONG 27u
#define OPTION_INDENT_MAX 6u
#define USAGE "Usage:"

static const char usage_word[] = N_("Usage:");

struct unit {
        enum { UNIT_NONE, UNIT_PARAGRAPH, UNIT_DESCRIPTION } kind;
        char option[64]; /* of a description: what stands before it, */
        unsigned column; /* and where its further lines begin */
        char text[2048];
};

static void unit_add(struct unit *unit, const char *text, size_t length) {
        size_t used = strlen(unit->text);

        (void)snprintf(unit->text + used, sizeof(unit->text) - used, "%s%.*s", used > 0 ? " " : "",
                       (int)length, text);
}

static void unit_end(struct unit *unit) {
        char blanks[DESCRIPTION_COLUMN_LONG + 1];

        (void)snprintf(blanks, sizeof(blanks), "%*s", (int)unit->column, "");
        if (unit->kind != UNIT_NONE)
                text_write_paragraph(stdout, unit->option, blanks, _(unit->text));
        *unit = (struct unit){};
}

static bool goes_on(const struct unit *unit, size_t indent) {
        return unit->kind == UNIT_PARAGRAPH
                       ? indent == 0
                       : unit->kind == UNIT_DESCRIPTION && indent > OPTION_INDENT_MAX;
}

/* Where the description of an option begins: behind a long one later, or below, at the end of it. */
static size_t description_at(const char *line, size_t length, size_t indent) {
        const char *gap;
        size_t at;

        for (at = DESCRIPTION_COLUMN; at <= DESCRIPTION_COLUMN_LONG;
             at += DESCRIPTION_COLUMN_LONG - DESCRIPTION_COLUMN)
                if (length > at && line[at - 1] == ' ' && line[at] != ' ')
                        return at;
        gap = strstr(line + indent, "  ");
        at = gap ? (size_t)(gap - line) + strspn(gap, " ") : length;
        return at < length ? at : length;
}

static void unit_begin(struct unit *unit, const char *line, size_t length, size_t indent) {
        if (indent > 0 && indent <= OPTION_INDENT_MAX && line[indent] == '-') {
                size_t description = description_at(line, length, indent);

                unit->kind = UNIT_DESCRIPTION;
                unit->column = description == DESCRIPTION_COLUMN_LONG ? DESCRIPTION_COLUMN_LONG
                                                                      : DESCRIPTION_COLUMN;
                if (description == length)
                        printf("%.*s\n", (int)length, line);
                (void)snprintf(unit->option, sizeof(unit->option), "%*.*s", (int)unit->column,
                               description == length ? 0 : (int)description, line);
                unit_add(unit, line + description, length - description);
        } else if (indent == 0) {
                unit->kind = UNIT_PARAGRAPH;
                unit_add(unit, line, length);
        } else
                printf("%.*s\n", (int)length, line);
}

/* Further lines stand below the first, behind its word. */
static void usage_write(const char *line, size_t length) {
        size_t word = strlen(USAGE);
        bool first = strncmp(line, USAGE, word) == 0;

        if (first)
                printf("%s%.*s\n", _(usage_word), (int)(length - word), line + word);
        else
                printf("%*s%.*s\n", (int)(text_width(_(usage_word)) - word), "", (int)length, line);
}

void help_write(const char *help) {
        bool usage = strncmp(help, USAGE, strlen(USAGE)) == 0;
        struct unit unit = {};

        if (words_language() == &languages[0]) {
                fputs(help, stdout);
                return;
        }
        for (size_t length; *help; help += length + (help[length] == '\n')) {
                size_t indent = strspn(help, " ");

                length = strcspn(help, "\n");
                usage = usage && length > 0;
                if (length > 0 && goes_on(&unit, indent)) {
                        unit_add(&unit, help + indent, length - indent);
                        continue;
                }
                unit_end(&unit);
                if (usage)
                        usage_write(help, length);
                else if (length == 0)
                        putchar('\n');
                else
                        unit_begin(&unit, help, length, indent);
        }
        unit_end(&unit);
}
