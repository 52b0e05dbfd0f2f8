/* SPDX-License-Identifier: MIT */
/*
 * crampctl history: the past in pictures, and the recorded cramps one by one, oldest first.
 */
#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/episode.h"
#include "dbus/crampctl/filter.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/pager.h"
#include "dbus/crampctl/past.h"
#include "dbus/crampctl/picture.h"
#include "dbus/crampctl/summary.h"
#include "dbus/crampctl/table.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

static const char help[] =
        "Usage: crampctl history [OPTION...]\n"
        "\n"
        "On a terminal: the nights as a calendar, the rate of cramps with its interval, the hours in "
        "which "
        "they began and\n"
        "how long they lasted; of the last months, or of the time that you say. Else, and with --list: "
        "one "
        "line for each\n"
        "cramp in order of onset, in the local time of that night. LEVEL is the highest 150 ms RMS, "
        "VERDICT "
        "and PAIN what\n"
        "was said with 'crampctl annotate'. What was called a false alarm is left out of pictures. "
        "[simulated] is of a\n"
        "recording that crampd played. On a terminal that is too narrow, columns are left out and "
        "named below.\n"
        "\n"
        "Options:\n" FILTER_OPTIONS_HELP
        "      --list             One line for each cramp, also on a terminal\n"
        "      --plot             Pictures, also if standard output is no terminal; with --json their "
        "figures\n"
        "      --missed           Those that raised no alert, as told by 'crampctl annotate "
        "--missed'\n"
        "      --csv              As 'crampctl export' writes them (RFC 4180)\n" COMMON_OPTIONS_HELP "\n"
        "TIME is 2026-11-23 (that day's beginning), 2026-11-23T02:30 (local), 2026-11-23T02:30+01:00, "
        "02:30 (the\n"
        "last), now, today, yesterday, or a span before now: -7d, -2w, -12h, -30m.\n"
        "\n"
        "Examples:\n"
        "  crampctl history\n"
        "  crampctl history --since -2w --list\n"
        "  crampctl history --since 2026-11-01 --until 2026-12-01 --json\n"
        "  crampctl history --leg left --verdict confirmed\n";

DEFINE_CLEANUP(struct table *, table_free)

struct listing {
        const struct episode_filter *filter;
        struct json json;
        struct table *table; /* NULL for JSON */
};

static int episode_print_json(const struct crampd_episode *episode, void *userdata) {
        struct listing *listing = userdata;

        if (!filter_takes_episode(listing->filter, episode))
                return 0;
        json_object_begin(&listing->json, NULL);
        episode_write_json(&listing->json, episode);
        json_object_end(&listing->json);
        return json_end_line(&listing->json);
}

static void pain_cell(struct table *table, int pain) {
        if (pain >= 0)
                table_cell(table, "%d", pain);
        else
                table_cell(table, "-");
}

static int episode_add_row(const struct crampd_episode *episode, void *userdata) {
        struct listing *listing = userdata;
        char onset[TIMESTAMP_SIZE], duration[EPISODE_DURATION_SIZE], peak[TEXT_NUMBER_SIZE],
                percent[TEXT_NUMBER_SIZE], median[TEXT_NUMBER_SIZE];

        if (!filter_takes_episode(listing->filter, episode))
                return 0;
        timestamp_format_people(episode->onset_us, episode->zone_offset_s, onset);
        episode_format_duration(episode, duration);
        text_number(episode->peak_uv, 0, peak);
        text_number(episode->peak_mvc_percent, 0, percent);
        text_number(episode->median_hz, 0, median);
        table_cell(listing->table, "%s", onset);
        table_cell(listing->table, "%s", duration);
        table_cell(listing->table, "%s", words_of_list(episode->leg));
        table_cell(listing->table, "%s", episode->muscle);
        table_cell(listing->table, "%s", words_of_list(episode->severity));
        table_cell(listing->table, "%s", peak[0] ? peak : "-");
        table_cell(listing->table, "%s", percent[0] ? percent : "-");
        table_cell(listing->table, "%s", median[0] ? median : "-");
        table_cell(listing->table, "%s",
                   episode->end_reason ? words_of_list(episode->end_reason) : _("still open"));
        table_cell(listing->table, "%s", episode->verdict ? words_of_list(episode->verdict) : "-");
        pain_cell(listing->table, episode->pain);
        table_cell(listing->table, "%s", episode->id);
        table_cell(listing->table, "%s", episode->simulated ? _("[simulated]") : "");
        return 0;
}

static int missed_print_json(const struct crampd_missed *missed, void *userdata) {
        struct listing *listing = userdata;

        if (!filter_takes_missed(listing->filter, missed))
                return 0;
        json_object_begin(&listing->json, NULL);
        missed_write_json(&listing->json, missed);
        json_object_end(&listing->json);
        return json_end_line(&listing->json);
}

static int missed_add_row(const struct crampd_missed *missed, void *userdata) {
        struct listing *listing = userdata;
        char time[TIMESTAMP_SIZE];

        if (!filter_takes_missed(listing->filter, missed))
                return 0;
        timestamp_format_people(missed->time_us, missed->zone_offset_s, time);
        table_cell(listing->table, "%s", time);
        table_cell(listing->table, "%s", words_of_list(missed->leg));
        table_cell(listing->table, "%s", missed->muscle);
        table_cell(listing->table, "%s", missed->watched ? _("yes") : _("no"));
        pain_cell(listing->table, missed->pain);
        table_cell(listing->table, "%s", missed->id);
        table_cell(listing->table, "%s", missed->note ? missed->note : "");
        return 0;
}

static int missed_print(crampd_client *client, const struct episode_filter *filter,
                        const struct global_options *global) {
        static const struct column columns[] = {
                {N_("TIME")},       {N_("LEG")}, {N_("MUSCLE")}, {N_("WATCHED")},
                {N_("PAIN"), true}, {N_("ID")},  {N_("NOTE")},
        };
        _cleanup_(table_freep) struct table *table = table_new(columns, ARRAY_LENGTH(columns));
        struct listing listing = {.filter = filter, .json = JSON_INIT(stdout), .table = table};
        struct crampd_error error = {};
        int r;

        if (!table)
                return fail(EX_OSERR, "out of memory");
        r = crampd_list_missed(client, &filter->asked, global->json ? missed_print_json : missed_add_row,
                               &listing, &error);
        if (r < 0 && !ferror(stdout))
                return fail_client(r, &error);
        if (table_rows(table) > 0 && table_print(table, stdout, !global->no_legend) < 0)
                return fail(EX_OSERR, "out of memory");
        if (table_rows(table) == 0 && !global->json && !global->no_legend)
                puts(_("Nobody told of a missed cramp in that time."));
        return output_finish_stdout();
}

static int json_print(crampd_client *client, const struct episode_filter *filter) {
        struct listing listing = {.filter = filter, .json = JSON_INIT(stdout)};
        struct crampd_error error = {};
        int r = crampd_list_episodes(client, &filter->asked, episode_print_json, &listing, &error);

        /* A stream that failed shows again, and is told, below. */
        if (r < 0 && !ferror(stdout))
                return fail_client(r, &error);
        return output_finish_stdout();
}

static int people_print(crampd_client *client, const struct episode_filter *filter, bool legend) {
        static const struct column columns[] = {
                {N_("ONSET")},
                {N_("LASTED"), true},
                {N_("LEG")},
                {N_("MUSCLE"), .yields = 5},
                {N_("SEVERITY"), .yields = 7},
                {N_("LEVEL uV"), true, 3},
                {N_("% MVC"), true, 4},
                {N_("MEDIAN Hz"), true, 1},
                {N_("END"), .yields = 2},
                {N_("VERDICT"), .yields = 8},
                {N_("PAIN"), true, 6},
                {N_("ID")},
                {""}, /* whether it is simulated */
        };
        struct listing listing = {.filter = filter, .table = table_new(columns, ARRAY_LENGTH(columns))};
        struct crampd_error error = {};
        int code = 0, r;

        if (!listing.table)
                return fail(EX_OSERR, "out of memory");
        r = crampd_list_episodes(client, &filter->asked, episode_add_row, &listing, &error);
        if (r < 0)
                code = fail_client(r, &error);
        else if (table_rows(listing.table) > 0) {
                if (table_print(listing.table, stdout, legend) < 0)
                        code = fail(EX_OSERR, "out of memory");
        } else if (legend)
                puts(_("No recorded cramps in that time."));
        (void)table_free(listing.table);
        return code == 0 ? output_finish_stdout() : code;
}

static int episode_print_csv(const struct crampd_episode *episode, void *userdata) {
        const struct listing *listing = userdata;

        if (filter_takes_episode(listing->filter, episode))
                episode_write_csv(stdout, episode);
        return ferror(stdout) ? -EIO : 0;
}

static int csv_print(crampd_client *client, const struct episode_filter *filter, bool heading) {
        struct listing listing = {.filter = filter};
        struct crampd_error error = {};
        int r;

        if (heading)
                episode_write_csv_header(stdout);
        r = crampd_list_episodes(client, &filter->asked, episode_print_csv, &listing, &error);
        if (r < 0 && !ferror(stdout))
                return fail_client(r, &error);
        return output_finish_stdout();
}

/* The last nights that a calendar of this width holds. */
static int64_t since_of_calendar(unsigned columns, int today) {
        int monday = today - (int)tally_weekday(today);
        int first = monday - 7 * ((int)picture_weeks(columns) - 1);
        int64_t noon_us = (first * INT64_C(86400) + 43200) * 1000000;

        return noon_us - timestamp_local_offset(noon_us) * INT64_C(1000000);
}

static int plot_print(crampd_client *client, struct episode_filter *filter,
                      const struct global_options *global) {
        struct picture picture = {
                .file = stdout,
                .columns = (unsigned)text_columns(stdout),
                .colour = text_may_colour(stdout),
                .utf8 = text_is_utf8(),
                .legend = !global->no_legend,
        };
        int today = past_today(timestamp_now_us()), code;
        _cleanup_(tally_clear) struct tally tally = {};

        if (picture.columns < PICTURE_COLUMNS_MIN)
                picture.columns = PICTURE_COLUMNS_MIN;
        if (filter->asked.since_us == CRAMPD_NO_TIME && filter->asked.until_us == CRAMPD_NO_TIME &&
            !global->json)
                filter->asked.since_us = since_of_calendar(picture.columns, today);
        code = past_tally(client, filter, today, &tally);
        if (code != 0)
                return code;
        if (global->json)
                summary_write_json(stdout, &tally);
        else
                picture_draw(&picture, &tally);
        return output_finish_stdout();
}

/* The command line, read. */
struct command {
        struct global_options global;
        struct filter_words words;
        bool missed, csv, list, plot;
};

static int command_run(const struct command *command) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(filter_clear) struct episode_filter filter = {};
        const struct global_options *g = &command->global;
        int code;

        code = filter_read(&command->words, &filter);
        if (code == 0)
                code = client_open(&client);
        if (code == 0)
                code = filter_find_sensor(&filter, &command->words, client);
        if (code != 0)
                return code;
        /* Pictures fit on one screen. */
        if (command->plot ||
            (isatty(STDOUT_FILENO) && !command->missed && !command->csv && !command->list && !g->json))
                return plot_print(client, &filter, g);
        pager_open(g);
        if (command->missed)
                return missed_print(client, &filter, g);
        if (command->csv)
                return csv_print(client, &filter, !g->no_legend);
        return g->json ? json_print(client, &filter) : people_print(client, &filter, !g->no_legend);
}

int verb_history(const struct global_options *global, int argc, char *argv[]) {
        enum { OPTION_MISSED = OPTION_VERB, OPTION_CSV, OPTION_LIST, OPTION_PLOT };
        static const struct option options[] = {
                COMMON_OPTIONS,
                FILTER_OPTIONS,
                {"missed", no_argument, NULL, OPTION_MISSED},
                {"csv", no_argument, NULL, OPTION_CSV},
                {"list", no_argument, NULL, OPTION_LIST},
                {"plot", no_argument, NULL, OPTION_PLOT},
                {},
        };
        struct command command = {.global = *global};
        int c, code;

        while ((c = option_next(&command.global, argc, argv, ":h", options)) >= 0)
                switch (c) {
                case 'h':
                        return help_print(help);
                case OPTION_MISSED:
                        command.missed = true;
                        break;
                case OPTION_CSV:
                        command.csv = true;
                        break;
                case OPTION_LIST:
                        command.list = true;
                        break;
                case OPTION_PLOT:
                        command.plot = true;
                        break;
                default:
                        code = filter_take(c, &command.words);
                        if (code != 0)
                                return code;
                }
        code = operands_refuse(argc, argv);
        if (code != 0)
                return code;
        if (command.csv && (command.global.json || command.missed))
                return fail(EX_USAGE, "--csv and %s contradict each other",
                            command.missed ? "--missed" : "--json");
        if (command.plot && (command.list || command.csv || command.missed))
                return fail(EX_USAGE, "--plot and %s contradict each other",
                            command.list  ? "--list"
                            : command.csv ? "--csv"
                                          : "--missed");
        return command_run(&command);
}
