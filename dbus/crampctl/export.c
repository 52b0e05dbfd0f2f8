/* SPDX-License-Identifier: MIT */
/*
 * crampctl export: recorded cramps for spreadsheets, scripts and doctors. The client writes the file,
 * with the caller's own rights; the daemon never does.
 */
#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/episode.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"

#define SCHEMA "org.crampd1.export/1"

static const char help[] =
        "Usage: crampctl export [OPTION...]\n"
        "\n"
        "Write recorded cramps, in order of onset, as CSV (RFC 4180) or as one JSON object.\n"
        "\n"
        "Options:\n"
        "      --format=FORMAT    csv (the default) or json\n"
        "  -o, --output=FILE      Write to FILE, whole or not at all; '-' is standard output, the "
        "default\n"
        "      --force            Replace FILE if it exists\n"
        "      --since=TIME       Only cramps that began at TIME or later\n"
        "      --until=TIME       Only cramps that began before TIME\n"
        "      --json             The same as --format=json\n"
        "      --no-legend        Leave out the CSV's heading\n"
        "  -h, --help             Show this text\n"
        "\n"
        "TIME: see 'crampctl history --help'. Times ending in _us are microseconds since 1970-01-01 "
        "UTC.\n"
        "\n"
        "Examples:\n"
        "  crampctl export -o cramps.csv\n"
        "  crampctl export --format json --since -30d -o november.json --force\n";

struct export {
        FILE *file;
        struct json json;
};

static int episode_export_csv(const struct crampd_episode *episode, void *userdata) {
        struct export *export = userdata;

        episode_write_csv(export->file, episode);
        return ferror(export->file) ? -EIO : 0;
}

static int episode_export_json(const struct crampd_episode *episode, void *userdata) {
        struct export *export = userdata;

        json_object_begin(&export->json, NULL);
        episode_write_json(&export->json, episode);
        json_object_end(&export->json);
        return ferror(export->file) ? -EIO : 0;
}

static int csv_write(crampd_client *client, const struct crampd_filter *filter, FILE *file, bool heading,
                     struct crampd_error *error) {
        struct export export = {.file = file};

        if (heading)
                episode_write_csv_header(file);
        return crampd_list_episodes(client, filter, episode_export_csv, &export, error);
}

static int json_write(crampd_client *client, const struct crampd_filter *filter, FILE *file,
                      struct crampd_error *error) {
        struct export export = {.file = file, .json = JSON_INIT(file)};
        int r;

        json_object_begin(&export.json, NULL);
        json_string(&export.json, "schema", SCHEMA);
        json_array_begin(&export.json, "episodes");
        r = crampd_list_episodes(client, filter, episode_export_json, &export, error);
        if (r < 0)
                return r;
        json_array_end(&export.json);
        json_object_end(&export.json);
        return json_finish(&export.json);
}

struct export_arguments {
        struct global_options global;
        const char *path;
        const char *since;
        const char *until;
        bool force;
};

static int export_run(const struct export_arguments *arguments) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(output_close) struct output output = {};
        struct crampd_error error = {};
        struct crampd_filter filter;
        int code, r;

        code = filter_parse(arguments->since, arguments->until, &filter);
        if (code == 0)
                code = client_open(&client);
        if (code == 0)
                code = output_open(&output, arguments->path, arguments->force);
        if (code != 0)
                return code;

        if (arguments->global.json)
                r = json_write(client, &filter, output.file, &error);
        else
                r = csv_write(client, &filter, output.file, !arguments->global.no_legend, &error);
        /* A file that cannot be written is told by the commit, which then fails. */
        if (r < 0 && !ferror(output.file))
                return fail_client(r, &error);
        return output_commit(&output);
}

int verb_export(const struct global_options *global, int argc, char *argv[]) {
        enum { OPTION_FORMAT = OPTION_VERB, OPTION_FORCE, OPTION_SINCE, OPTION_UNTIL };
        static const struct option options[] = {
                COMMON_OPTIONS,
                {"format", required_argument, NULL, OPTION_FORMAT},
                {"output", required_argument, NULL, 'o'},
                {"force", no_argument, NULL, OPTION_FORCE},
                {"since", required_argument, NULL, OPTION_SINCE},
                {"until", required_argument, NULL, OPTION_UNTIL},
                {},
        };
        struct export_arguments arguments = {.global = *global};
        const char *format = NULL;
        int c, code;

        while ((c = option_next(&arguments.global, argc, argv, ":ho:", options)) >= 0)
                switch (c) {
                case 'h':
                        return help_print(help);
                case 'o':
                        arguments.path = optarg;
                        break;
                case OPTION_FORMAT:
                        format = optarg;
                        break;
                case OPTION_FORCE:
                        arguments.force = true;
                        break;
                case OPTION_SINCE:
                        arguments.since = optarg;
                        break;
                case OPTION_UNTIL:
                        arguments.until = optarg;
                        break;
                default:
                        return EX_USAGE;
                }
        code = operands_refuse(argc, argv);
        if (code != 0)
                return code;
        if (format) {
                if (strcmp(format, "csv") != 0 && strcmp(format, "json") != 0)
                        return fail(EX_USAGE, "--format knows csv and json, not '%s'", format);
                if (arguments.global.json && strcmp(format, "csv") == 0)
                        return fail(EX_USAGE, "--json and --format=csv contradict each other");
                arguments.global.json = strcmp(format, "json") == 0;
        }
        return export_run(&arguments);
}
