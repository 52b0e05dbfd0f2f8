/* SPDX-License-Identifier: MIT */
/*
 * The reviewer's table: every statement, contraindication, step and figure with its grade, source and
 * date, so that a person can check line by line. Needs nothing but the built-in knowledge.
 */
#include "dbus/crampctl/review.h"

#include <stdio.h>

#include "daemon/guidance/advise.h"
#include "daemon/guidance/amount.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/pager.h"
#include "dbus/crampctl/review-line.h"

static void statements_show(enum review_form form) {
        for (size_t i = 0; i < knowledge_n_statements; i++) {
                const struct knowledge_statement *statement = &knowledge_statements[i];

                review_line_write(
                        form, &(struct review_line){.kind = statement_kind_to_string(statement->kind),
                                                    .id = statement->id,
                                                    .grade = grade_to_string(statement->grade),
                                                    .population = statement->population,
                                                    .text = statement->text,
                                                    .general = statement->general,
                                                    .goes_beyond = statement->goes_beyond,
                                                    .reviewed = statement->reviewed,
                                                    .applies = statement->applies,
                                                    .forbids = statement->forbids,
                                                    .sources = statement->sources});
        }
}

static void contraindications_show(enum review_form form) {
        for (size_t i = 0; i < knowledge_n_contraindications; i++) {
                const struct knowledge_contraindication *row = &knowledge_contraindications[i];
                char id[128];

                (void)snprintf(id, sizeof(id), "%s with %s%s", nutrient_to_string(row->nutrient),
                               factor_to_string(row->factor), row->food ? ", foods too" : "");
                review_line_write(form, &(struct review_line){.kind = "contraindication",
                                                              .id = id,
                                                              .grade = grade_to_string(row->grade),
                                                              .text = row->text,
                                                              .reviewed = row->reviewed,
                                                              .sources = row->sources});
        }
}

static void foods_show(enum review_form form) {
        for (size_t i = 0; i < knowledge_n_foods; i++) {
                const struct knowledge_food *food = &knowledge_foods[i];
                char text[512];

                if (food->amount > 0)
                        (void)snprintf(text, sizeof(text), "%s, %s: %g %s", food->name, food->portion,
                                       food->amount, food->unit);
                else
                        (void)snprintf(text, sizeof(text), "%s: no confirmed figure", food->name);
                review_line_write(form, &(struct review_line){.kind = "food",
                                                              .id = nutrient_to_string(food->nutrient),
                                                              .text = text,
                                                              .forbids = food->forbids,
                                                              .source = food->source});
        }
}

static void ages_write(int from_months, int below_months, char text[static 64]) {
        if (below_months >= 12 * 120)
                (void)snprintf(text, 64, "from age %g", from_months / 12.0);
        else
                (void)snprintf(text, 64, "from age %g to below %g", from_months / 12.0,
                               below_months / 12.0);
}

static void intakes_show(enum review_form form) {
        static const char *const sexes[] = {"", ", female", ", male"};
        static const char *const states[] = {"", ", pregnant", ", breastfeeding"};

        for (size_t i = 0; i < knowledge_n_intakes; i++) {
                const struct knowledge_intake *intake = &knowledge_intakes[i];
                char text[256], ages[64];

                ages_write(intake->from_months, intake->below_months, ages);
                (void)snprintf(text, sizeof(text), "%g %s a day, %s%s%s (%s)", intake->amount,
                               intake->unit, ages, sexes[intake->sex], states[intake->state],
                               intake->adequate ? "adequate intake" : "recommended allowance");
                review_line_write(form, &(struct review_line){.kind = "intake",
                                                              .id = nutrient_to_string(intake->nutrient),
                                                              .text = text,
                                                              .source = intake->source});
        }
}

static void limits_show(enum review_form form) {
        for (size_t i = 0; i < knowledge_n_limits; i++) {
                const struct knowledge_limit *limit = &knowledge_limits[i];
                char text[256], ages[64];

                ages_write(limit->from_months, limit->below_months, ages);
                (void)snprintf(text, sizeof(text), "%g %s a day%s, %s (%s)", limit->amount, limit->unit,
                               limit->supplements_only ? " from supplements" : "", ages,
                               limit->authority);
                review_line_write(form, &(struct review_line){.kind = "limit",
                                                              .id = nutrient_to_string(limit->nutrient),
                                                              .text = text,
                                                              .source = limit->source});
        }
}

/* Where no authority sets a limit, that stands in its place. */
static void unlimited_show(enum review_form form) {
        for (size_t i = 0; i < knowledge_n_unlimiteds; i++) {
                const struct knowledge_unlimited *unlimited = &knowledge_unlimiteds[i];
                char text[256];

                (void)snprintf(text, sizeof(text), "no upper limit: %s", unlimited->why);
                review_line_write(form,
                                  &(struct review_line){.kind = "limit",
                                                        .id = nutrient_to_string(unlimited->nutrient),
                                                        .text = text,
                                                        .source = unlimited->source});
        }
}

static void reliefs_show(enum review_form form) {
        for (size_t i = 0; i < knowledge_n_reliefs; i++) {
                const struct knowledge_relief *relief = &knowledge_reliefs[i];

                review_line_write(form, &(struct review_line){.kind = "relief-steps",
                                                              .id = relief->place,
                                                              .grade = grade_to_string(relief->grade),
                                                              .steps = relief->steps,
                                                              .reviewed = relief->reviewed,
                                                              .sources = relief->sources});
        }
}

/* What of a record raises a red flag. These are rules of the program, most of them its own choice. */
static void triggers_show(enum review_form form) {
        for (size_t i = 0; i < advice_n_triggers; i++) {
                const struct advice_trigger *trigger = &advice_triggers[i];
                const struct knowledge_source source = {
                        .authors = "crampd", .year = 2026, .where = trigger->source};
                char text[512];

                (void)snprintf(text, sizeof(text), "from %g on: %s", trigger->limit, trigger->unit);
                review_line_write(form, &(struct review_line){.kind = "trigger",
                                                              .id = trigger->id,
                                                              .text = text,
                                                              .source = &source});
        }
}

/* How much of a compound is the element, by atomic weights. */
static void compounds_show(enum review_form form) {
        static const struct knowledge_source weights = {
                .authors = "Prohaska T, et al. (IUPAC)",
                .year = 2022,
                .where = "Standard atomic weights of the elements 2021; anhydrous compounds"};

        for (unsigned nutrient = 0; nutrient < NUTRIENT_MAX; nutrient++)
                for (size_t i = 0; compound_name((enum nutrient)nutrient, i); i++) {
                        const char *name = compound_name((enum nutrient)nutrient, i);
                        char text[256];

                        (void)snprintf(text, sizeof(text), "%s is %.2f %% %s by weight", name,
                                       100 * compound_share((enum nutrient)nutrient, name),
                                       nutrient_to_string(nutrient));
                        review_line_write(form, &(struct review_line){.kind = "compound",
                                                                      .id = nutrient_to_string(nutrient),
                                                                      .text = text,
                                                                      .source = &weights});
                }
}

int review_print(const struct global_options *global, bool csv) {
        enum review_form form = global->json ? REVIEW_JSON : csv ? REVIEW_CSV : REVIEW_TEXT;

        if (form == REVIEW_TEXT)
                pager_open(global);
        review_begin(form);
        statements_show(form);
        contraindications_show(form);
        reliefs_show(form);
        foods_show(form);
        intakes_show(form);
        limits_show(form);
        unlimited_show(form);
        triggers_show(form);
        compounds_show(form);
        return output_finish_stdout();
}
