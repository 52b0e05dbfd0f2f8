/* SPDX-License-Identifier: MIT */
/*
 * crampctl export: recorded cramps for spreadsheets, scripts, calendars and doctors. The client writes
 * the file, with the caller's own rights; the daemon never does. Here are the table of formats and what
 * they share.
 */
#include "dbus/crampctl/export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/episode.h"
#include "dbus/crampctl/help.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

static const struct export_format *const formats[] = {
        &export_csv, &export_json, &export_jsonl, &export_ics, &export_edf, &export_sqlite,
};

#define PROGRESS_STEPS 1000u
#define CURSOR_SIZE 128

static const char help_before[] = "Usage: crampctl export [OPTION...]\n"
                                  "\n"
                                  "Write recorded cramps, in order of onset, for other programs.\n"
                                  "\n"
                                  "Formats:\n";

static const char help_after[] =
        "\n"
        "Options:\n"
        "      --format=FORMAT    One of the above\n"
        "  -o, --output=FILE      Write to FILE, whole or not at all; '-' is standard output, the "
        "default (not for edf\n"
        "                         and sqlite). For edf a folder, which is created, or FILE.edf for a "
        "single stretch\n"
        "      --force            Replace FILE if it exists\n" FILTER_OPTIONS_HELP
        "      --after=CURSOR     Only cramps that are over and have changed since, in the order in "
        "which they changed:\n"
        "                         one comes again when its signal was kept or something was said of it; "
        "'' is the beginning\n"
        "      --cursor-file=FILE Likewise, with the cursor in FILE (none yet: from the beginning), "
        "which is written anew\n"
        "                         when all is done\n"
        "      --json             The same as --format=json\n"
        "      --no-legend        Leave out the CSV's heading\n" MORE_OPTIONS_HELP "\n"
        "Nights are picked by time and sensor alone. TIME: see 'crampctl history --help'. Times ending "
        "in _us are\n"
        "microseconds since 1970-01-01 UTC. The JSON follows export.schema.json; an sqlite file tells "
        "in "
        "its schema what\n"
        "its tables and views hold.\n"
        "\n"
        "Examples:\n"
        "  crampctl export -o cramps.csv\n"
        "  crampctl export --format json --since -30d -o november.json --force\n"
        "  crampctl export --format edf --since -7d -o signals/\n"
        "  crampctl export --format jsonl --cursor-file ~/.crampd-cursor >> cramps.jsonl\n";

const struct export_format *export_format_get(size_t i) {
        return i < ARRAY_LENGTH(formats) ? formats[i] : NULL;
}

static int help_show(void) {
        help_write(help_before);
        for (size_t i = 0; i < ARRAY_LENGTH(formats); i++)
                printf("  %-8s %s\n", formats[i]->name, _(formats[i]->summary));
        return help_print(help_after);
}

static const struct export_format *format_find(const char *name) {
        for (size_t i = 0; i < ARRAY_LENGTH(formats); i++)
                if (strcmp(formats[i]->name, name) == 0)
                        return formats[i];
        (void)fail(EX_USAGE, "--format knows csv, json, jsonl, ics, edf and sqlite, not '%s'", name);
        return NULL;
}

/* --- what the formats go through --- */

struct episodes {
        struct export *export;
        crampd_episode_func func;
        void *userdata;
};

/* How far the list has come is seen by its times: how long it is, only its end tells. */
static void progress_take(struct export *export, int64_t time_us) {
        if (export->first_us == CRAMPD_NO_TIME)
                export->first_us = time_us;
        if (export->now_us > export->first_us && time_us >= export->first_us)
                progress_update(&export->progress,
                                (uint64_t)((double)(time_us - export->first_us) * PROGRESS_STEPS /
                                           (double)(export->now_us - export->first_us)));
}

static int episode_take(const struct crampd_episode *episode, void *userdata) {
        const struct episodes *episodes = userdata;

        progress_take(episodes->export, episode->onset_us);
        if (!filter_takes_episode(episodes->export->filter, episode))
                return 0;
        return episodes->func(episode, episodes->userdata);
}

/* A file that cannot be written is told by the commit, which then fails. */
static int list_end(struct export *export, int r) {
        if (r >= 0 || r == -ECANCELED || (export->file && ferror(export->file)))
                return 0;
        progress_clear(&export->progress);
        return fail_client(r, &export->error);
}

int export_episodes(struct export *export, crampd_episode_func func, void *userdata) {
        struct episodes episodes = {export, func, userdata};
        const struct crampd_filter *asked = &export->filter->asked;
        int r;

        if (export->after)
                r = crampd_list_changes(export->client, asked, export->after, episode_take, &episodes,
                                        &export->cursor, &export->error);
        else
                r = crampd_list_episodes(export->client, asked, episode_take, &episodes, &export->error);
        return list_end(export, r);
}

struct missed_list {
        struct export *export;
        crampd_missed_func func;
        void *userdata;
};

static int missed_take(const struct crampd_missed *missed, void *userdata) {
        const struct missed_list *list = userdata;

        return filter_takes_missed(list->export->filter, missed) ? list->func(missed, list->userdata)
                                                                 : 0;
}

int export_missed(struct export *export, crampd_missed_func func, void *userdata) {
        struct missed_list list = {export, func, userdata};

        return list_end(export, crampd_list_missed(export->client, &export->filter->asked, missed_take,
                                                   &list, &export->error));
}

int export_nights(struct export *export, crampd_night_func func, void *userdata) {
        return list_end(export, crampd_list_nights(export->client, &export->filter->asked, func,
                                                   userdata, &export->error));
}

/* --- signals --- */

int export_signals_add(struct export_signals *signals, const struct crampd_episode *episode) {
        size_t more = signals->allocated > 0 ? 2 * signals->allocated : 64;
        struct crampd_episode *larger;
        int r;

        if (!episode->has_waveform)
                return 0;
        if (signals->n == signals->allocated) {
                larger = reallocarray(signals->episodes, more, sizeof(*larger));
                if (!larger)
                        return -ENOMEM;
                signals->episodes = larger;
                signals->allocated = more;
        }
        r = episode_copy(episode, signals->episodes + signals->n);
        if (r >= 0)
                signals->n++;
        return r;
}

void export_signals_clear(struct export_signals *signals) {
        for (size_t i = 0; i < signals->n; i++)
                episode_copy_clear(signals->episodes + i);
        free(signals->episodes);
        *signals = (struct export_signals){};
}

struct signal_list {
        struct export *export;
        const struct export_signals *signals;
        export_signal_func func;
        void *userdata;
};

static int signal_take(size_t i, const struct crampd_waveform *waveform, void *userdata) {
        const struct signal_list *list = userdata;

        progress_update(&list->export->progress, i * PROGRESS_STEPS / list->signals->n);
        return list->func(list->signals->episodes + i, waveform, list->userdata);
}

int export_signals_get(struct export *export, const struct export_signals *signals,
                       export_signal_func func, void *userdata) {
        struct signal_list list = {export, signals, func, userdata};
        const char **ids = calloc(signals->n + 1, sizeof(*ids));
        int r = -ENOMEM;

        for (size_t i = 0; ids && i < signals->n; i++)
                ids[i] = signals->episodes[i].id;
        if (ids)
                r = crampd_get_waveforms(export->client, ids, signals->n, signal_take, &list,
                                         &export->error);
        free(ids);
        return list_end(export, r);
}

/* --- the verb --- */

struct export_arguments {
        struct global_options global;
        struct filter_words words;
        const struct export_format *format;
        const char *path, *after, *cursor_file;
        bool force;
};

/* `*ret` is "" when there is no such file yet. */
static int cursor_read(const char *path, char ret[static CURSOR_SIZE]) {
        _cleanup_(fclosep) FILE *file = fopen(path, "re");

        ret[0] = '\0';
        if (!file && errno == ENOENT)
                return 0;
        if (!file)
                return fail(EX_NOINPUT, "cannot read '%s': %s", path, strerror(errno));
        if (fgets(ret, CURSOR_SIZE, file))
                ret[strcspn(ret, "\n")] = '\0';
        if (ret[0] == '\0' || ferror(file))
                return fail(EX_DATAERR, "'%s' holds no cursor; delete it to begin anew", path);
        return 0;
}

static int cursor_write(const char *path, const char *cursor) {
        _cleanup_(output_close) struct output output = {};
        int code = output_open(&output, path, /* replace= */ true);

        if (code != 0)
                return code;
        fprintf(output.file, "%s\n", cursor);
        return output_commit(&output);
}

static int export_write(struct export *export, const struct export_arguments *arguments) {
        _cleanup_(output_close) struct output output = {};
        int code = 0;

        if (arguments->format->kind == EXPORT_FOLDER)
                export->path = arguments->path;
        else if (arguments->format->kind == EXPORT_DATABASE)
                code = output_open_named(&output, arguments->path, arguments->force);
        else
                code = output_open(&output, arguments->path, arguments->force);
        if (code != 0)
                return code;
        if (arguments->format->kind == EXPORT_STREAM)
                export->file = output.file;
        else if (arguments->format->kind == EXPORT_DATABASE)
                export->path = output.place;

        progress_begin(&export->progress, arguments->format->name, PROGRESS_STEPS);
        code = arguments->format->write(export);
        progress_end(&export->progress);
        if (code == 0 && arguments->format->kind != EXPORT_FOLDER)
                code = output_commit(&output);
        if (code == 0 && arguments->cursor_file)
                code = cursor_write(arguments->cursor_file, export->cursor);
        return code;
}

static int export_run(const struct export_arguments *arguments) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        struct episode_filter filter;
        struct export export = {.filter = &filter,
                                .legend = !arguments->global.no_legend,
                                .force = arguments->force,
                                .after = arguments->after,
                                .first_us = CRAMPD_NO_TIME,
                                .now_us = timestamp_now_us()};
        char cursor[CURSOR_SIZE];
        int code;

        code = filter_read(&arguments->words, &filter);
        if (code != 0)
                return code;
        if (arguments->cursor_file) {
                code = cursor_read(arguments->cursor_file, cursor);
                export.after = cursor;
        }
        if (code == 0)
                code = client_open(&client);
        export.client = client;
        if (code == 0)
                code = filter_find_sensor(&filter, &arguments->words, client);
        if (code == 0)
                code = export_write(&export, arguments);
        free(export.cursor);
        filter_clear(&filter);
        return code;
}

/* What contradicts itself. */
static int arguments_check(const struct export_arguments *arguments) {
        const struct export_format *format = arguments->format;
        bool stdout_meant = !arguments->path || strcmp(arguments->path, "-") == 0;

        if (format->kind != EXPORT_STREAM && stdout_meant)
                return fail(EX_USAGE, "--format=%s needs -o %s", format->name,
                            format->kind == EXPORT_FOLDER ? "FOLDER" : "FILE");
        if (arguments->after && arguments->cursor_file)
                return fail(EX_USAGE, "--after and --cursor-file exclude each other");
        if (!format->incremental && (arguments->after || arguments->cursor_file))
                return fail(EX_USAGE, "--format=%s is always whole: leave out the cursor", format->name);
        return 0;
}

int verb_export(const struct global_options *global, int argc, char *argv[]) {
        enum { OPTION_FORMAT = OPTION_VERB, OPTION_FORCE, OPTION_AFTER, OPTION_CURSOR_FILE };
        static const struct option options[] = {
                COMMON_OPTIONS,
                FILTER_OPTIONS,
                {"format", required_argument, NULL, OPTION_FORMAT},
                {"output", required_argument, NULL, 'o'},
                {"force", no_argument, NULL, OPTION_FORCE},
                {"after", required_argument, NULL, OPTION_AFTER},
                {"cursor-file", required_argument, NULL, OPTION_CURSOR_FILE},
                {},
        };
        struct export_arguments arguments = {.global = *global};
        int c, code;

        while ((c = option_next(&arguments.global, argc, argv, ":ho:", options)) >= 0)
                switch (c) {
                case 'h':
                        return help_show();
                case 'o':
                        arguments.path = optarg;
                        break;
                case OPTION_FORMAT:
                        arguments.format = format_find(optarg);
                        if (!arguments.format)
                                return EX_USAGE;
                        break;
                case OPTION_FORCE:
                        arguments.force = true;
                        break;
                case OPTION_AFTER:
                        arguments.after = optarg;
                        break;
                case OPTION_CURSOR_FILE:
                        arguments.cursor_file = optarg;
                        break;
                default:
                        code = filter_take(c, &arguments.words);
                        if (code != 0)
                                return code;
                        break;
                }
        code = operands_refuse(argc, argv);
        if (code != 0)
                return code;
        if (arguments.global.json && arguments.format && arguments.format != &export_json)
                return fail(EX_USAGE, "--json and --format=%s contradict each other",
                            arguments.format->name);
        if (!arguments.format)
                arguments.format = arguments.global.json ? &export_json : &export_csv;
        code = arguments_check(&arguments);
        return code == 0 ? export_run(&arguments) : code;
}
