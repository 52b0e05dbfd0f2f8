/* SPDX-License-Identifier: MIT */
/* The forms of the review: text with a box to tick, JSON a line, or CSV for a spreadsheet. */
#include <stdio.h>
#include <string.h>

#include "dbus/crampctl/csv.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/review-line.h"
#include "dbus/crampctl/words.h"

static void source_write(const struct knowledge_source *source, char text[static 1024]) {
        (void)snprintf(text, 1024, "%s (%d%s). %s%s%s", source->authors, source->year,
                       source->undated ? ", as read then" : "", source->where,
                       source->copied_by ? " -- NOT READ, as repeated by " : "",
                       source->copied_by ? source->copied_by : "");
}

static void factors_write_json(struct json *json, const char *key, uint64_t factors) {
        json_array_begin(json, key);
        for (unsigned i = 0; i < FACTOR_MAX; i++)
                if (factors & FACTOR_BIT(i))
                        json_string(json, NULL, factor_to_string(i));
        json_array_end(json);
}

static void line_write_json(const struct review_line *line) {
        struct json json = JSON_INIT(stdout);
        char text[1024];

        json_object_begin(&json, NULL);
        json_string(&json, "kind", line->kind);
        json_string(&json, "id", line->id);
        json_string(&json, "grade", line->grade);
        json_string(&json, "population", line->population);
        json_string(&json, "text", line->text);
        if (line->steps) {
                json_array_begin(&json, "steps");
                for (size_t i = 0; line->steps[i]; i++)
                        json_string(&json, NULL, line->steps[i]);
                json_array_end(&json);
        }
        json_string(&json, "general", line->general);
        json_string(&json, "goes_beyond", line->goes_beyond);
        json_string(&json, "reviewed", line->reviewed);
        factors_write_json(&json, "applies", line->applies);
        factors_write_json(&json, "forbids", line->forbids);
        json_array_begin(&json, "sources");
        for (size_t i = 0; line->sources && line->sources[i]; i++) {
                source_write(line->sources[i], text);
                json_string(&json, NULL, text);
        }
        if (line->source) {
                source_write(line->source, text);
                json_string(&json, NULL, text);
        }
        json_array_end(&json);
        json_object_end(&json);
        (void)json_finish(&json);
}

static void factors_print(const char *heading, uint64_t factors) {
        if (!factors)
                return;
        fputs(heading, stdout);
        for (unsigned i = 0; i < FACTOR_MAX; i++)
                if (factors & FACTOR_BIT(i))
                        printf(" %s", factor_to_string(i));
        fputc('\n', stdout);
}

static void text_print(const char *heading, const char *text) {
        if (text)
                printf("%s%s\n", heading, text);
}

/* In the user's language too, so that a translation can be checked beside what it translates. */
static void text_print_both(const char *heading, const char *text) {
        text_print(heading, text);
        if (text && strcmp(text, _(text)) != 0)
                printf("    in \"%s\": %s\n", words_language()->name, _(text));
}

static void line_print(const struct review_line *line) {
        char text[1024];

        printf("[ ] %s: %s%s%s%s%s\n", line->kind, line->id, line->grade ? ", graded " : "",
               line->grade ? line->grade : "", line->population ? ", of " : "",
               line->population ? line->population : "");
        text_print_both("    ", line->text);
        for (size_t i = 0; line->steps && line->steps[i]; i++)
                text_print_both("    - ", line->steps[i]);
        text_print_both("    without amounts: ", line->general);
        text_print("    popular claim beyond the sources: ", line->goes_beyond);
        factors_print("    shown if one of:", line->applies);
        factors_print("    never unless known not to be:", line->forbids);
        for (size_t i = 0; line->sources && line->sources[i]; i++) {
                source_write(line->sources[i], text);
                text_print("    source: ", text);
        }
        if (line->source) {
                source_write(line->source, text);
                text_print("    source: ", text);
        }
        text_print("    reviewed ", line->reviewed);
        fputc('\n', stdout);
}

/* --- CSV: a column for the reviewer's mark comes first --- */

#define CELL_SIZE 8192

static void add(char cell[static CELL_SIZE], const char *separator, const char *text) {
        size_t used = strlen(cell);

        (void)snprintf(cell + used, CELL_SIZE - used, "%s%s", used > 0 ? separator : "", text);
}

static void factors_csv(uint64_t factors) {
        char cell[CELL_SIZE] = "";

        for (unsigned i = 0; i < FACTOR_MAX; i++)
                if (factors & FACTOR_BIT(i))
                        add(cell, " ", factor_to_string(i));
        csv_text(stdout, cell, ',');
}

static void sources_csv(const struct review_line *line) {
        const struct knowledge_source *const alone[] = {line->source, NULL};
        const struct knowledge_source *const *sources = line->sources ? line->sources : alone;
        char cell[CELL_SIZE] = "", text[1024];
        bool unread = false;

        for (; *sources; sources++) {
                source_write(*sources, text);
                add(cell, "\n", text);
                unread = unread || (*sources)->copied_by;
        }
        csv_text(stdout, cell, ',');
        csv_text(stdout, unread ? "yes" : "no", ',');
}

static void texts_csv(const struct review_line *line) {
        char cell[CELL_SIZE] = "", other[CELL_SIZE] = "";
        bool english = words_language()->name && strcmp(words_language()->name, "en") == 0;

        if (line->text) {
                add(cell, "", line->text);
                add(other, "", _(line->text));
        }
        for (size_t i = 0; line->steps && line->steps[i]; i++) {
                add(cell, "\n", line->steps[i]);
                add(other, "\n", _(line->steps[i]));
        }
        csv_text(stdout, cell, ',');
        csv_text(stdout, english ? "" : other, ',');
}

static void line_write_csv(const struct review_line *line) {
        csv_text(stdout, "", ',');
        csv_text(stdout, line->kind, ',');
        csv_text(stdout, line->id, ',');
        csv_text(stdout, line->grade, ',');
        csv_text(stdout, line->population, ',');
        texts_csv(line);
        csv_text(stdout, line->general, ',');
        csv_text(stdout, line->goes_beyond, ',');
        factors_csv(line->applies);
        factors_csv(line->forbids);
        sources_csv(line);
        csv_text(stdout, line->reviewed, '\r');
        fputc('\n', stdout);
}

void review_begin(enum review_form form) {
        if (form == REVIEW_CSV)
                fputs("checked,kind,id,grade,population,text,translation,without_amounts,popular_claim_"
                      "beyond,shown_if,never_unless_known_not,sources,a_source_not_read,reviewed\r\n",
                      stdout);
}

void review_line_write(enum review_form form, const struct review_line *line) {
        if (form == REVIEW_JSON)
                line_write_json(line);
        else if (form == REVIEW_CSV)
                line_write_csv(line);
        else
                line_print(line);
}
