/* SPDX-License-Identifier: MIT */
/*
 * The reviewer's table: every statement, contraindication and figure with its grade, source and date,
 * one to a block, so that a person can check line by line. Needs nothing but the built-in knowledge.
 */
#include "dbus/crampctl/review.h"

#include <stdio.h>
#include <string.h>

#include "daemon/guidance/knowledge.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/words.h"
#include "dbus/crampctl/pager.h"

/* One line of the review; what is NULL does not apply. */
struct line {
        const char *kind;
        const char *id;
        const char *grade;
        const char *text;
        const char *general;
        const char *goes_beyond;
        const char *reviewed;
        uint64_t applies, forbids;
        const struct knowledge_source *const *sources;
        const struct knowledge_source *source; /* the only one */
};

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

static void line_write_json(const struct line *line) {
        struct json json = JSON_INIT(stdout);
        char text[1024];

        json_object_begin(&json, NULL);
        json_string(&json, "kind", line->kind);
        json_string(&json, "id", line->id);
        json_string(&json, "grade", line->grade);
        json_string(&json, "text", line->text);
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

static void line_print(const struct line *line) {
        char text[1024];

        printf("[ ] %s: %s%s%s\n", line->kind, line->id, line->grade ? ", graded " : "",
               line->grade ? line->grade : "");
        text_print_both("    ", line->text);
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

static void line_show(const struct global_options *global, const struct line *line) {
        if (global->json)
                line_write_json(line);
        else
                line_print(line);
}

static void statements_show(const struct global_options *global) {
        for (size_t i = 0; i < knowledge_n_statements; i++) {
                const struct knowledge_statement *statement = &knowledge_statements[i];

                line_show(global, &(struct line){.kind = statement_kind_to_string(statement->kind),
                                                 .id = statement->id,
                                                 .grade = grade_to_string(statement->grade),
                                                 .text = statement->text,
                                                 .general = statement->general,
                                                 .goes_beyond = statement->goes_beyond,
                                                 .reviewed = statement->reviewed,
                                                 .applies = statement->applies,
                                                 .forbids = statement->forbids,
                                                 .sources = statement->sources});
        }
}

static void contraindications_show(const struct global_options *global) {
        for (size_t i = 0; i < knowledge_n_contraindications; i++) {
                const struct knowledge_contraindication *row = &knowledge_contraindications[i];
                char id[128];

                (void)snprintf(id, sizeof(id), "%s with %s%s", nutrient_to_string(row->nutrient),
                               factor_to_string(row->factor), row->food ? ", foods too" : "");
                line_show(global, &(struct line){.kind = "contraindication",
                                                 .id = id,
                                                 .grade = grade_to_string(row->grade),
                                                 .text = row->text,
                                                 .reviewed = row->reviewed,
                                                 .sources = row->sources});
        }
}

static void foods_show(const struct global_options *global) {
        for (size_t i = 0; i < knowledge_n_foods; i++) {
                const struct knowledge_food *food = &knowledge_foods[i];
                char text[512];

                if (food->amount > 0)
                        (void)snprintf(text, sizeof(text), "%s, %s: %g %s", food->name, food->portion,
                                       food->amount, food->unit);
                else
                        (void)snprintf(text, sizeof(text), "%s: no confirmed figure", food->name);
                line_show(global, &(struct line){.kind = "food",
                                                 .id = nutrient_to_string(food->nutrient),
                                                 .text = text,
                                                 .forbids = food->forbids,
                                                 .source = food->source});
        }
}

static void ages_write(int from_months, int below_months, char text[static 64]) {
        if (below_months >= 12 * 120)
                (void)snprintf(text, 64, "from %g years", from_months / 12.0);
        else
                (void)snprintf(text, 64, "from %g to below %g years", from_months / 12.0,
                               below_months / 12.0);
}

static void intakes_show(const struct global_options *global) {
        static const char *const sexes[] = {"", ", female", ", male"};
        static const char *const states[] = {"", ", pregnant", ", breastfeeding"};

        for (size_t i = 0; i < knowledge_n_intakes; i++) {
                const struct knowledge_intake *intake = &knowledge_intakes[i];
                char text[256], ages[64];

                ages_write(intake->from_months, intake->below_months, ages);
                (void)snprintf(text, sizeof(text), "%g %s a day, %s%s%s (%s)", intake->amount,
                               intake->unit, ages, sexes[intake->sex], states[intake->state],
                               intake->adequate ? "adequate intake" : "recommended allowance");
                line_show(global, &(struct line){.kind = "intake",
                                                 .id = nutrient_to_string(intake->nutrient),
                                                 .text = text,
                                                 .source = intake->source});
        }
}

static void limits_show(const struct global_options *global) {
        for (size_t i = 0; i < knowledge_n_limits; i++) {
                const struct knowledge_limit *limit = &knowledge_limits[i];
                char text[256], ages[64];

                ages_write(limit->from_months, limit->below_months, ages);
                (void)snprintf(text, sizeof(text), "%g %s a day%s, %s (%s)", limit->amount, limit->unit,
                               limit->supplements_only ? " from supplements" : "", ages,
                               limit->authority);
                line_show(global, &(struct line){.kind = "limit",
                                                 .id = nutrient_to_string(limit->nutrient),
                                                 .text = text,
                                                 .source = limit->source});
        }
}

int review_print(const struct global_options *global) {
        pager_open(global);
        statements_show(global);
        contraindications_show(global);
        foods_show(global);
        intakes_show(global);
        limits_show(global);
        return output_finish_stdout();
}
