/* SPDX-License-Identifier: MIT */
/*
 * crampctl log: what you took, drank, did and noticed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/guidance.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/pager.h"
#include "dbus/crampctl/table.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"

static const char help[] =
        "Usage: crampctl log [OPTION...] WHAT AMOUNT\n"
        "       crampctl log [OPTION...] symptom SYMPTOM\n"
        "       crampctl log [OPTION...] note TEXT\n"
        "       crampctl log [OPTION...] list\n"
        "       crampctl log [OPTION...] edit ID [AMOUNT]\n"
        "       crampctl log [OPTION...] delete ID\n"
        "\n"
        "Keep a day log for 'crampctl guidance' and 'crampctl trial'. WHAT is a nutrient (see 'crampctl "
        "nutrients'), water,\n"
        "standing, exercise or sleep; AMOUNT a number with its unit: 300mg, 1000IU, 500ml, 8h. A wrong "
        "word "
        "is answered by\n"
        "what is possible, and nothing is stored then. A day above an upper limit is stored, with a "
        "warning.\n"
        "\n"
        "Options:\n"
        "      --supplement       It was a supplement (the default of nutrients)\n"
        "      --food             It was food\n"
        "      --compound=NAME    The amount is of this compound (magnesium-citrate, ...), not of the "
        "element\n"
        "      --leg=LEG          Of a symptom: left, right or both\n"
        "      --at=TIME          When it was (default: now), as for 'crampctl history'; never in the "
        "future\n"
        "      --note=TEXT        Of edit: the new text of a note\n"
        "      --since=TIME, --until=TIME\n"
        "                         Of list: only entries of that time\n" OWNER_HELP COMMON_OPTIONS_HELP
        "\n"
        "Examples:\n"
        "  crampctl log magnesium 300mg --supplement\n"
        "  crampctl log water 500ml\n"
        "  crampctl log standing 8h --at yesterday\n"
        "  crampctl log symptom swelling --leg right\n"
        "  crampctl log list --since -7d\n";

/* The command line, read. */
struct command {
        struct global_options global;
        struct crampd_entry entry;
        const char *since, *until, *user;
};

/* --- listing --- */

struct listing {
        struct json json;
        struct table *table; /* NULL for JSON */
};

static int entry_print_json(const struct crampd_entry *entry, void *userdata) {
        struct listing *listing = userdata;
        struct json *json = &listing->json;
        char time[TIMESTAMP_SIZE];

        timestamp_format_iso(entry->time_us, entry->zone_offset_s, time);
        json_object_begin(json, NULL);
        json_string(json, "id", entry->id);
        json_string(json, "kind", entry->kind);
        json_string(json, "time", time);
        json_int(json, "time_us", entry->time_us);
        json_string(json, "what", entry->what);
        json_string(json, "amount", entry->amount);
        json_string(json, "origin", entry->origin);
        json_string(json, "compound", entry->compound);
        json_string(json, "leg", entry->leg);
        json_string(json, "text", entry->text);
        json_object_end(json);
        return json_end_line(json);
}

static int entry_add_row(const struct crampd_entry *entry, void *userdata) {
        struct listing *listing = userdata;
        char time[TIMESTAMP_SIZE];

        timestamp_format_people(entry->time_us, entry->zone_offset_s, time);
        table_cell(listing->table, "%s", time);
        table_cell(listing->table, "%s", entry->what ? entry->what : words_of_list(entry->kind));
        table_cell(listing->table, "%s",
                   entry->amount ? entry->amount
                   : entry->leg  ? words_of_list(entry->leg)
                                 : "-");
        table_cell(listing->table, "%s",
                   entry->compound ? entry->compound
                   : entry->origin ? words_of_list(entry->origin)
                                   : "-");
        table_cell(listing->table, "%s", entry->text ? entry->text : "-");
        table_cell(listing->table, "%s", entry->id);
        return 0;
}

static int run_list(crampd_client *client, unsigned owner, const struct command *command) {
        static const struct column columns[] = {{N_("TIME")}, {N_("WHAT")}, {N_("AMOUNT"), true},
                                                {N_("FROM")}, {N_("NOTE")}, {N_("ID")}};
        struct listing listing = {.json = JSON_INIT(stdout)};
        struct crampd_error error = {};
        struct crampd_filter filter;
        int code, r;

        code = filter_parse(command->since, command->until, &filter);
        if (code != 0)
                return code;
        if (!command->global.json && !(listing.table = table_new(columns, ARRAY_LENGTH(columns))))
                return fail(EX_OSERR, "out of memory");
        r = crampd_list_entries(client, owner, &filter, listing.table ? entry_add_row : entry_print_json,
                                &listing, &error);
        if (r < 0 && !ferror(stdout))
                code = fail_client(r, &error);
        else if (listing.table && table_rows(listing.table) > 0)
                code = table_print(listing.table, stdout, !command->global.no_legend) < 0
                               ? fail(EX_OSERR, "out of memory")
                               : 0;
        else if (listing.table && !command->global.no_legend)
                puts(_("Nothing is logged for that time."));
        (void)table_free(listing.table);
        return code == 0 ? output_finish_stdout() : code;
}

/* --- writing --- */

static void warning_write_json(struct json *json, const struct crampd_warning *warning) {
        json_object_begin(json, NULL);
        json_string(json, "id", warning->id);
        json_string(json, "nutrient", warning->nutrient);
        json_string(json, "text", warning->text);
        json_double(json, "limit", warning->limit, 6);
        json_string(json, "limit_unit", warning->limit_unit);
        json_string(json, "limit_authority", warning->limit_authority);
        json_object_end(json);
}

static int run_put(crampd_client *client, unsigned owner, const struct command *command) {
        struct json json = JSON_INIT(stdout);
        struct crampd_warning *warnings;
        struct crampd_error error = {};
        size_t n;
        char *id;
        int r;

        r = crampd_log(client, owner, &command->entry, &id, &warnings, &n, &error);
        if (r < 0)
                return fail_client(r, &error);
        if (command->global.json) {
                json_object_begin(&json, NULL);
                json_string(&json, "id", id);
                json_array_begin(&json, "warnings");
                for (size_t i = 0; i < n; i++)
                        warning_write_json(&json, &warnings[i]);
                json_array_end(&json);
                json_object_end(&json);
                (void)json_finish(&json);
        } else {
                for (size_t i = 0; i < n; i++) {
                        text_write(stdout, warnings[i].text);
                        fputc('\n', stdout);
                }
        }
        free(id);
        crampd_warnings_free(warnings, n);
        return output_finish_stdout();
}

static int run_delete(crampd_client *client, unsigned owner, const char *id) {
        struct crampd_error error = {};
        int r = crampd_delete_entry(client, owner, id, &error);

        return r < 0 ? fail_client(r, &error) : 0;
}

/* --- the command line --- */

static char word_amount[] = "amount", word_symptom[] = "symptom", word_note[] = "note",
            word_food[] = "food", word_supplement[] = "supplement";

/* What the words after the options say of an entry. Returns 0 or an exit code. */
static int words_take(struct command *command, int n, char *words[]) {
        struct crampd_entry *entry = &command->entry;
        bool edit = strcmp(words[0], "edit") == 0;

        if (n > (edit ? 3 : 2))
                return fail(EX_USAGE, "'%s' is one word too many; see 'crampctl log --help'",
                            words[edit ? 3 : 2]);
        if (n < 2 && (edit || strcmp(words[0], "symptom") == 0 || strcmp(words[0], "note") == 0))
                return fail(EX_USAGE, "'%s' needs another word; see 'crampctl log --help'", words[0]);
        if (n < 2)
                return fail(EX_USAGE,
                            "how much of '%s'? Add a number with its unit, such as 300mg, 500ml or 8h",
                            words[0]);
        if (edit) {
                entry->id = words[1];
                entry->amount = n > 2 ? words[2] : NULL;
        } else if (strcmp(words[0], "symptom") == 0) {
                entry->kind = word_symptom;
                entry->what = words[1];
        } else if (strcmp(words[0], "note") == 0) {
                entry->kind = word_note;
                entry->text = words[1];
        } else {
                entry->kind = word_amount;
                entry->what = words[0];
                entry->amount = words[1];
        }
        return 0;
}

static int run(struct command *command, int n, char *words[]) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        bool list = n == 0 || strcmp(words[0], "list") == 0;
        bool gone = n > 0 && strcmp(words[0], "delete") == 0;
        unsigned owner;
        int code = 0;

        if (list && n > 1)
                return fail(EX_USAGE, "'%s' is one word too many; see 'crampctl log --help'", words[1]);
        if (gone && n != 2)
                return fail(EX_USAGE,
                            "delete needs the id of one entry; 'crampctl log list' shows them");
        if (!list && !gone)
                code = words_take(command, n, words);
        if (code == 0)
                code = guidance_open(command->user, &client, &owner);
        if (code != 0)
                return code;
        if (list) {
                pager_open(&command->global);
                return run_list(client, owner, command);
        }
        return gone ? run_delete(client, owner, words[1]) : run_put(client, owner, command);
}

static int at_take(const char *text, int64_t *ret_us) {
        if (timestamp_parse(text, timestamp_now_us(), ret_us) >= 0)
                return 0;
        return fail(
                EX_USAGE,
                "--at does not understand '%s'; write 2026-11-23, 2026-11-23T02:30, 02:30 (the last), "
                "yesterday, or -2h",
                text);
}

/* "-3mg" would be taken for options. Times before now may begin like that, behind their options. */
static int negative_refuse(int argc, char *argv[]) {
        for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
                bool time = strcmp(argv[i - 1], "--at") == 0 || strcmp(argv[i - 1], "--since") == 0 ||
                            strcmp(argv[i - 1], "--until") == 0;

                if (!time && argv[i][0] == '-' && argv[i][1] >= '0' && argv[i][1] <= '9')
                        return fail(EX_USAGE,
                                    _("'%s' is not an amount above 0: write a number and a unit, like "
                                      "300mg or 1.5l"),
                                    argv[i]);
        }
        return 0;
}

int verb_log(const struct global_options *global, int argc, char *argv[]) {
        enum {
                OPTION_FOOD = OPTION_VERB,
                OPTION_SUPPLEMENT,
                OPTION_COMPOUND,
                OPTION_LEG,
                OPTION_AT,
                OPTION_NOTE,
                OPTION_SINCE,
                OPTION_UNTIL,
        };
        static const struct option long_options[] = {
                COMMON_OPTIONS,
                OWNER_OPTION,
                {"food", no_argument, NULL, OPTION_FOOD},
                {"supplement", no_argument, NULL, OPTION_SUPPLEMENT},
                {"compound", required_argument, NULL, OPTION_COMPOUND},
                {"leg", required_argument, NULL, OPTION_LEG},
                {"at", required_argument, NULL, OPTION_AT},
                {"note", required_argument, NULL, OPTION_NOTE},
                {"since", required_argument, NULL, OPTION_SINCE},
                {"until", required_argument, NULL, OPTION_UNTIL},
                {},
        };
        struct command command = {.global = *global, .entry = {.time_us = CRAMPD_NO_TIME}};
        int c, code;

        code = negative_refuse(argc, argv);
        if (code != 0)
                return code;
        while ((c = option_next(&command.global, argc, argv, ":h", long_options)) >= 0)
                switch (c) {
                case 'h':
                        return help_print(help);
                case OPTION_OWNER:
                        command.user = optarg;
                        break;
                case OPTION_FOOD:
                        command.entry.origin = word_food;
                        break;
                case OPTION_SUPPLEMENT:
                        command.entry.origin = word_supplement;
                        break;
                case OPTION_COMPOUND:
                        command.entry.compound = optarg;
                        break;
                case OPTION_LEG:
                        command.entry.leg = optarg;
                        break;
                case OPTION_NOTE:
                        command.entry.text = optarg;
                        break;
                case OPTION_SINCE:
                        command.since = optarg;
                        break;
                case OPTION_UNTIL:
                        command.until = optarg;
                        break;
                case OPTION_AT:
                        code = at_take(optarg, &command.entry.time_us);
                        if (code != 0)
                                return code;
                        break;
                default:
                        return EX_USAGE;
                }
        return run(&command, argc - optind, argv + optind);
}
