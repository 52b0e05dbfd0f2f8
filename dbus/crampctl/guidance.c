/* SPDX-License-Identifier: MIT */
/*
 * crampctl guidance: what could help you, how sure that is, and why you are told.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/guidance.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/pager.h"
#include "dbus/crampctl/review.h"
#include "dbus/crampctl/text.h"

static const char help[] =
        "Usage: crampctl guidance [OPTION...] [TOPIC]\n"
        "\n"
        "Tell what is known of leg cramps and bears on you, by what 'crampctl profile' and 'crampctl "
        "log' "
        "hold and by your\n"
        "nights: reasons to see a doctor first. Each piece has the grade of its evidence. crampd is no "
        "medical device.\n"
        "\n"
        "TOPIC is magnesium, potassium, calcium, vitamin-d, vitamin-k2, vitamin-b1, vitamin-b12, "
        "hydration, "
        "causes,\n"
        "relief, stretching, doctor, food or quinine; or now: what helps at once. Without it: what "
        "matters at this time.\n"
        "\n"
        "Options:\n"
        "      --why              Also why each piece is shown, its sources, and what would sharpen it\n"
        "      --review           All that crampd can say, with every figure and source, to be checked "
        "line by line\n"
        "                         (needs no running crampd); with --csv for a spreadsheet\n" OWNER_HELP
                COMMON_OPTIONS_HELP "\n"
        "Examples:\n"
        "  crampctl guidance\n"
        "  crampctl guidance magnesium --why\n"
        "  crampctl guidance --review --csv > review.csv\n";

/* --- JSON --- */

void strings_write_json(struct json *json, const char *key, char **strings) {
        json_array_begin(json, key);
        for (; strings && *strings; strings++)
                json_string(json, NULL, *strings);
        json_array_end(json);
}

static void item_write_json(struct json *json, const struct crampd_advice_item *item) {
        json_object_begin(json, NULL);
        json_string(json, "id", item->id);
        json_string(json, "topic", item->topic);
        json_string(json, "kind", item->kind);
        json_string(json, "title", item->title);
        json_string(json, "text", item->text);
        json_string(json, "grade", item->grade);
        json_string(json, "population", item->population);
        json_string(json, "reviewed", item->reviewed);
        json_uint(json, "priority", item->priority);
        json_bool(json, "red_flag", item->red_flag);
        strings_write_json(json, "sources", item->sources);
        strings_write_json(json, "reasons", item->reasons);
        strings_write_json(json, "foods", item->foods);
        strings_write_json(json, "missing", item->missing);
        json_double(json, "intake", item->intake, 6);
        json_string(json, "intake_unit", item->intake_unit);
        json_double(json, "limit", item->limit, 6);
        json_string(json, "limit_unit", item->limit_unit);
        json_string(json, "limit_authority", item->limit_authority);
        json_object_end(json);
}

static void suppressed_write_json(struct json *json, const struct crampd_suppressed *suppressed) {
        json_object_begin(json, NULL);
        json_string(json, "id", suppressed->id);
        json_string(json, "title", suppressed->title);
        json_string(json, "text", suppressed->text);
        json_bool(json, "food", suppressed->food);
        strings_write_json(json, "reasons", suppressed->reasons);
        json_object_end(json);
}

static int advice_print_json(const struct crampd_advice *advice) {
        struct json json = JSON_INIT(stdout);

        json_object_begin(&json, NULL);
        json_string(&json, "language", advice->language);
        json_bool(&json, "amounts_allowed", advice->amounts_allowed);
        json_uint(&json, "nights", advice->nights);
        json_uint(&json, "clusters", advice->clusters);
        json_uint(&json, "reported", advice->reported);
        strings_write_json(&json, "missing", advice->missing);
        if (advice->relief) {
                strings_write_json(&json, "relief", advice->relief);
                json_bool(&json, "complete", advice->complete);
        }
        json_array_begin(&json, "items");
        for (size_t i = 0; i < advice->n_items; i++)
                item_write_json(&json, &advice->items[i]);
        json_array_end(&json);
        json_array_begin(&json, "suppressed");
        for (size_t i = 0; i < advice->n_suppressed; i++)
                suppressed_write_json(&json, &advice->suppressed[i]);
        json_array_end(&json);
        json_object_end(&json);
        (void)json_finish(&json);
        return output_finish_stdout();
}

/* --- for people --- */

void paragraph_write(const char *indent, const char *text) {
        text_write_paragraph(stdout, indent, indent, text);
}

static void list_write(const char *heading, char **texts) {
        if (!texts || !*texts)
                return;
        printf("    %s\n", heading);
        for (; *texts; texts++)
                paragraph_write("      ", *texts);
}

/* In one line, between commas. */
static void line_write(const char *indent, const char *heading, char **texts) {
        if (!texts || !*texts)
                return;
        printf("%s%s", indent, heading);
        for (char **text = texts; *text; text++) {
                fputs(text > texts ? ", " : " ", stdout);
                text_write(stdout, *text);
        }
        fputc('\n', stdout);
}

void figures_format(const struct crampd_advice_item *item, const struct language *language,
                    struct figures *ret) {
        char number[LANGUAGE_NUMBER_SIZE];

        *ret = (struct figures){};
        if (isfinite(item->intake) && item->intake_unit) {
                language_number(language, item->intake, -1, number);
                (void)snprintf(ret->intake, sizeof(ret->intake), "%s %.16s%s", number,
                               language_text(language, item->intake_unit),
                               item->intake_adequate ? language_text(language, " (adequate intake)")
                                                     : "");
        }
        if (isfinite(item->limit) && item->limit_unit) {
                language_number(language, item->limit, -1, number);
                (void)snprintf(ret->limit, sizeof(ret->limit), "%s %.16s%s", number,
                               language_text(language, item->limit_unit),
                               item->limit_supplements_only
                                       ? language_text(language, " (from supplements)")
                                       : "");
        }
}

static void item_print(const struct crampd_advice_item *item, bool why, bool colour) {
        struct figures figures;

        if (item->red_flag)
                fputs(colour ? TEXT_ALARM : "! ", stdout);
        else if (colour)
                fputs(TEXT_BOLD, stdout);
        text_write(stdout, item->title);
        fputs(colour ? TEXT_PLAIN : "", stdout);
        fputs(" [", stdout);
        text_write(stdout, words_of_grade(item->grade));
        if (item->population) {
                fputs(", ", stdout);
                text_write(stdout, words_of_population(item->population));
        }
        fputs("]\n", stdout);
        paragraph_write("  ", item->text);
        figures_format(item, words_language(), &figures);
        if (figures.intake[0])
                printf("    %s %s\n", _("Recommended a day:"), figures.intake);
        if (figures.limit[0])
                printf("    %s %s\n", _("Upper limit a day:"), figures.limit);
        list_write(_("Foods:"), item->foods);
        if (!why)
                return;
        list_write(_("Why you see this:"), item->reasons);
        list_write(_("Sources:"), item->sources);
        line_write("    ", _("It would be sharper with:"), item->missing);
}

static void suppressed_print(const struct crampd_suppressed *suppressed) {
        bool foods = suppressed->food && strcmp(suppressed->id, "hydration") != 0;

        fputs("  ", stdout);
        text_write(stdout, suppressed->title);
        puts(foods ? _(", foods rich in it too:") : ":");
        for (char **reason = suppressed->reasons; *reason; reason++)
                paragraph_write("    ", *reason);
        paragraph_write("    ", suppressed->text);
}

static void relief_print(const struct crampd_advice *advice) {
        for (char **step = advice->relief; step && *step; step++)
                paragraph_write("- ", *step);
        if (!advice->complete)
                paragraph_write("",
                                _("crampd could not look at your record: reasons of your own to see a "
                                  "doctor may be missing."));
}

static int advice_print(const struct crampd_advice *advice, bool why, bool legend) {
        bool colour = text_may_colour(stdout), eased = !advice->relief;

        for (size_t i = 0; i < advice->n_items; i++) {
                if (i > 0)
                        fputc('\n', stdout);
                if (!eased && !advice->items[i].red_flag) { /* nothing but a red flag comes before it */
                        relief_print(advice);
                        fputc('\n', stdout);
                        eased = true;
                }
                item_print(&advice->items[i], why, colour);
        }
        if (advice->n_suppressed > 0) {
                printf("\n%s\n", _("Supplements that are not suggested to you:"));
                for (size_t i = 0; i < advice->n_suppressed; i++)
                        suppressed_print(&advice->suppressed[i]);
        }
        if (legend) {
                fputc('\n', stdout);
                line_write("", _("What would sharpen this ('crampctl profile set', 'crampctl log'):"),
                           advice->missing);
                paragraph_write("", _("crampd is an aid, not a medical device. Never stop a prescribed "
                                      "medicine on your own: ask who prescribed it, or a pharmacist."));
        }
        return output_finish_stdout();
}

int verb_guidance(const struct global_options *global, int argc, char *argv[]) {
        enum { OPTION_WHY = OPTION_VERB, OPTION_REVIEW, OPTION_CSV };
        static const struct option long_options[] = {
                COMMON_OPTIONS,
                OWNER_OPTION,
                {"why", no_argument, NULL, OPTION_WHY},
                {"review", no_argument, NULL, OPTION_REVIEW},
                {"csv", no_argument, NULL, OPTION_CSV},
                {},
        };
        _cleanup_(client_freep) crampd_client *client = NULL;
        struct global_options g = *global;
        struct crampd_advice *advice = NULL;
        struct crampd_error error = {};
        const char *topic = NULL, *user = NULL;
        bool why = false, review = false, csv = false;
        unsigned owner;
        int c, code, r;

        while ((c = option_next(&g, argc, argv, ":h", long_options)) >= 0)
                switch (c) {
                case 'h':
                        return help_print(help);
                case OPTION_OWNER:
                        user = optarg;
                        break;
                case OPTION_WHY:
                        why = true;
                        break;
                case OPTION_REVIEW:
                        review = true;
                        break;
                case OPTION_CSV:
                        csv = true;
                        break;
                default:
                        return EX_USAGE;
                }
        if (!review && optind < argc)
                topic = argv[optind++];
        code = operands_refuse(argc, argv);
        if (code != 0)
                return code;
        if (csv && (!review || g.json))
                return fail(EX_USAGE, "%s", _("--csv is a form of --review, instead of --json"));
        if (review)
                return review_print(&g, csv);
        code = guidance_open(user, &client, &owner);
        if (code != 0)
                return code;
        r = crampd_advise(client, owner, topic, /* language= */ NULL, &advice, &error);
        if (r < 0)
                return fail_client(r, &error);
        pager_open(&g);
        code = g.json ? advice_print_json(advice) : advice_print(advice, why, !g.no_legend);
        crampd_advice_free(advice);
        return code;
}
