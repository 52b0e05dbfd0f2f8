/* SPDX-License-Identifier: MIT */
/*
 * crampctl nutrients: all nutrients beside each other, for you.
 */
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/guidance/knowledge.h"
#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/guidance.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/pager.h"
#include "dbus/crampctl/table.h"
#include "dbus/crampctl/text.h"

static const char help[] = "Usage: crampctl nutrients [OPTION...]\n"
                           "\n"
                           "Show every nutrient beside the others: what the evidence says of cramps, "
                           "what is recommended to you a "
                           "day, its upper\n"
                           "limit, and whether supplements are held back from you. Amounts show once "
                           "the profile says that they "
                           "are safe to tell\n"
                           "('crampctl profile'). 'crampctl guidance NUTRIENT' tells more.\n"
                           "\n"
                           "Options:\n" OWNER_HELP COMMON_OPTIONS_HELP "\n"
                           "Examples:\n"
                           "  crampctl nutrients\n"
                           "  crampctl nutrients --json | jq -r 'select(.intake == null) | .id'\n";

/* What a row shows of one nutrient's advice. */
struct row {
        const char *id;
        struct figures figures;
        const struct crampd_suppressed *suppressed;
        const char *recommendation; /* food or supplement, as it fits this person; NULL = none */
        char grades[128];           /* of the evidence, each once; "" = none is shown */
};

/* For people: as they are told, or for programs as they are. */
static void grade_add(struct row *row, const char *grade, bool people) {
        size_t used = strlen(row->grades);
        const char *told = people ? words_of_grade(grade) : grade;

        if (strstr(row->grades, told))
                return;
        (void)snprintf(row->grades + used, sizeof(row->grades) - used, "%s%.30s", used > 0 ? ", " : "",
                       told);
}

static void row_fill(const struct crampd_advice *advice, const char *id, bool people, struct row *ret) {
        *ret = (struct row){.id = id};
        for (size_t i = 0; i < advice->n_items; i++) {
                const struct crampd_advice_item *item = &advice->items[i];
                struct figures figures;

                if (strcmp(item->topic, id) != 0)
                        continue;
                if (strcmp(item->kind, "recommendation") == 0)
                        ret->recommendation = item->text;
                /* Of people with a lack something else is true. */
                if (strcmp(item->kind, "evidence") == 0 &&
                    (!item->population || strcmp(item->population, "deficiency") != 0))
                        grade_add(ret, item->grade, people);
                figures_format(item, people ? words_language() : NULL, &figures);
                if (figures.intake[0])
                        memcpy(ret->figures.intake, figures.intake, sizeof(figures.intake));
                if (figures.limit[0])
                        memcpy(ret->figures.limit, figures.limit, sizeof(figures.limit));
        }
        for (size_t i = 0; i < advice->n_suppressed; i++)
                if (strcmp(advice->suppressed[i].id, id) == 0)
                        ret->suppressed = &advice->suppressed[i];
}

static const char *held_back(const struct row *row) {
        if (!row->suppressed)
                return _("no");
        if (!row->suppressed->text[0])
                return _("until you say more");
        return row->suppressed->food ? _("yes, and foods") : _("yes");
}

static void row_write_json(struct json *json, const struct row *row) {
        json_object_begin(json, NULL);
        json_string(json, "id", row->id);
        json_string(json, "evidence", row->grades[0] ? row->grades : NULL);
        json_string(json, "recommendation", row->recommendation);
        json_string(json, "recommended", row->figures.intake[0] ? row->figures.intake : NULL);
        json_string(json, "limit", row->figures.limit[0] ? row->figures.limit : NULL);
        json_bool(json, "held_back", row->suppressed != NULL);
        json_bool(json, "food_held_back", row->suppressed && row->suppressed->food);
        strings_write_json(json, "reasons", row->suppressed ? row->suppressed->reasons : NULL);
        json_object_end(json);
        (void)json_finish(json);
}

static void row_add(struct table *table, const struct row *row) {
        table_cell(table, "%s", row->id);
        table_cell(table, "%s", row->grades[0] ? row->grades : "-");
        table_cell(table, "%s", row->figures.intake[0] ? row->figures.intake : "-");
        table_cell(table, "%s", row->figures.limit[0] ? row->figures.limit : "-");
        table_cell(table, "%s", held_back(row));
}

/* --- why there are no amounts --- */

#define ASKED_SIZE 512

struct amounts {
        bool allowed;
        char asked[ASKED_SIZE]; /* " age=... sex=...": what has to be said before they are told */
};

static void asked_add(struct amounts *amounts, const char *key) {
        size_t used = strlen(amounts->asked);
        char word[64];

        (void)snprintf(word, sizeof(word), " %.50s=...", key);
        if (!strstr(amounts->asked, word))
                (void)snprintf(amounts->asked + used, sizeof(amounts->asked) - used, "%s", word);
}

/* The general advice stands in for what is held back, and names what it lacks; what is recommended goes
 * by sex, too. */
static void amounts_fill(const struct crampd_advice *advice, struct amounts *ret) {
        ret->allowed = advice->amounts_allowed;
        for (size_t i = 0; i < advice->n_items; i++)
                if (strcmp(advice->items[i].kind, "general") == 0)
                        for (char **key = advice->items[i].missing; key && *key; key++)
                                asked_add(ret, *key);
        for (char **key = advice->missing; key && *key; key++)
                if (strcmp(*key, "sex") == 0)
                        asked_add(ret, *key);
}

static void amounts_tell(const struct amounts *amounts) {
        char text[ASKED_SIZE + 128];

        if (amounts->asked[0])
                (void)snprintf(text, sizeof(text), _("For amounts of your own: crampctl profile set%s"),
                               amounts->asked);
        else if (!amounts->allowed)
                (void)snprintf(text, sizeof(text), "%s",
                               _("With what your profile says, amounts are for a doctor to tell you."));
        else
                return;
        putchar('\n');
        paragraph_write("", text);
}

static int nutrients_run(crampd_client *client, unsigned owner, struct table *table,
                         struct amounts *ret_amounts) {
        struct json json = JSON_INIT(stdout);

        for (unsigned nutrient = 0; nutrient < NUTRIENT_MAX; nutrient++) {
                struct crampd_advice *advice;
                struct crampd_error error = {};
                struct row row;
                int r = crampd_advise(client, owner, nutrient_to_string(nutrient), /* language= */ NULL,
                                      &advice, &error);

                if (r < 0)
                        return fail_client(r, &error);
                row_fill(advice, nutrient_to_string(nutrient), table != NULL, &row);
                if (table)
                        row_add(table, &row);
                else
                        row_write_json(&json, &row);
                amounts_fill(advice, ret_amounts);
                crampd_advice_free(advice);
        }
        return 0;
}

int verb_nutrients(const struct global_options *global, int argc, char *argv[]) {
        static const struct option long_options[] = {COMMON_OPTIONS, OWNER_OPTION, {}};
        static const struct column columns[] = {{N_("NUTRIENT")},
                                                {N_("EVIDENCE FOR CRAMPS")},
                                                {N_("RECOMMENDED A DAY")},
                                                {N_("UPPER LIMIT A DAY")},
                                                {N_("SUPPLEMENT HELD BACK")}};
        _cleanup_(client_freep) crampd_client *client = NULL;
        struct global_options g = *global;
        struct amounts amounts = {};
        struct table *table = NULL;
        const char *user = NULL;
        unsigned owner;
        int c, code;

        while ((c = option_next(&g, argc, argv, ":h", long_options)) >= 0)
                switch (c) {
                case 'h':
                        return help_print(help);
                case OPTION_OWNER:
                        user = optarg;
                        break;
                default:
                        return EX_USAGE;
                }
        code = operands_refuse(argc, argv);
        if (code == 0)
                code = guidance_open(user, &client, &owner);
        if (code != 0)
                return code;
        if (!g.json && !(table = table_new(columns, ARRAY_LENGTH(columns))))
                return fail(EX_OSERR, "out of memory");
        code = nutrients_run(client, owner, table, &amounts);
        pager_open(&g);
        if (code == 0 && table && table_print(table, stdout, !g.no_legend) < 0)
                code = fail(EX_OSERR, "out of memory");
        if (code == 0 && table && !g.no_legend)
                amounts_tell(&amounts);
        (void)table_free(table);
        return code == 0 ? output_finish_stdout() : code;
}
