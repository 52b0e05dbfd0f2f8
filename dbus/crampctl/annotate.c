/* SPDX-License-Identifier: MIT */
/*
 * crampctl annotate: what somebody says of an episode, and of cramps that raised no alert.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

#define PAIN_MAX 10

static const char help[] =
        "Usage: crampctl annotate [OPTION...] EPISODE [confirmed|false-alarm]\n"
        "       crampctl annotate [OPTION...] EPISODE --clear\n"
        "       crampctl annotate [OPTION...] --missed=TIME\n"
        "\n"
        "Say whether an alert was a cramp, and how it was; or tell of a cramp that raised no alert. "
        "EPISODE is an id, as\n"
        "'crampctl history' shows it, or 'last'. What is not given stays as it was.\n"
        "\n"
        "Options:\n"
        "      --pain=N           0 (none) to 10 (the worst there is)\n"
        "      --note=TEXT        At most 500 bytes, for yourself; --note= takes it back\n"
        "      --clear            Take back all that was said; EPISODE may also be the id of a missed "
        "cramp\n"
        "      --missed=TIME      A cramp about TIME raised no alert ('crampctl history --missed' "
        "lists them);\n"
        "                         refused where an alert of the sensor covers TIME\n"
        "      --sensor=SENSOR    That should have seen it; needed if you have several\n" //
        COMMON_OPTIONS_HELP "\n"
        "TIME as for 'crampctl history'.\n"
        "\n"
        "Examples:\n"
        "  crampctl annotate last confirmed --pain 7 --note \"after the long walk\"\n"
        "  crampctl annotate 4f1c2a9be0d35a77 false-alarm\n"
        "  crampctl annotate --missed 03:40 --sensor \"left calf\"\n";

struct arguments {
        struct global_options global;
        struct crampd_annotation annotation;
        const char *episode, *missed, *sensor;
        bool clear;
};

static int pain_parse(const char *text, int *ret) {
        char *end;
        long number = strtol(text, &end, 10);

        if (end == text || *end || number < 0 || number > PAIN_MAX)
                return fail(EX_USAGE, "--pain does not understand '%s'; write a number from 0 to %d",
                            text, PAIN_MAX);
        *ret = (int)number;
        return 0;
}

static int done_print(const struct global_options *global, const char *key, const char *id,
                      const char *words) {
        struct json json = JSON_INIT(stdout);

        if (global->json) {
                json_object_begin(&json, NULL);
                json_string(&json, key, id);
                json_object_end(&json);
                (void)json_finish(&json);
        } else if (!global->no_legend) {
                text_write(stdout, _(words));
                putchar('\n');
        }
        return output_finish_stdout();
}

/* --- episodes --- */

static int episode_annotate(const struct arguments *arguments) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(freep) char *id = NULL;
        struct crampd_error error = {};
        int code, r;

        code = client_open(&client);
        if (code == 0)
                code = episode_find(client, arguments->episode, &id);
        if (code != 0)
                return code;
        r = arguments->clear ? crampd_clear_annotation(client, id, &error)
                             : crampd_annotate(client, id, &arguments->annotation, &error);
        if (r < 0)
                return fail_client(r, &error);
        return done_print(&arguments->global, arguments->clear ? "cleared" : "annotated", id,
                          arguments->clear ? N_("Taken back.") : N_("Noted."));
}

/* --- missed cramps --- */

/* The only sensor there is, as its path. */
static int only_sensor(crampd_client *client, char **ret_path) {
        struct crampd_error error = {};
        struct crampd_sensor *sensors;
        int code = 0, r;
        size_t n;

        r = crampd_list_sensors(client, &sensors, &n, &error);
        if (r < 0)
                return fail_client(r, &error);
        if (n == 0)
                code = fail(EX_DATAERR,
                            "you have no sensor that could have seen it; see 'crampctl scan'");
        else if (n != 1)
                code = fail(EX_USAGE,
                            "which of your %zu sensors should have seen it? Add --sensor; 'crampctl "
                            "sensors' lists them",
                            n);
        else {
                *ret_path = strdup(sensors[0].path);
                code = *ret_path ? 0 : fail(EX_OSERR, "out of memory");
        }
        crampd_sensors_free(sensors, n);
        return code;
}

struct looking {
        const char *id;
        bool found, watched;
};

static int missed_look(const struct crampd_missed *missed, void *userdata) {
        struct looking *looking = userdata;

        if (strcmp(missed->id, looking->id) == 0) {
                looking->found = true;
                looking->watched = missed->watched;
        }
        return 0;
}

static int missed_print(const struct global_options *global, crampd_client *client, int64_t missed_us,
                        const char *id) {
        struct crampd_filter filter = {.since_us = missed_us, .until_us = missed_us + 1};
        struct json json = JSON_INIT(stdout);
        struct looking looking = {.id = id};
        struct crampd_error error = {};
        /* It is noted whether or not the rest can be told. */
        bool known =
                crampd_list_missed(client, &filter, missed_look, &looking, &error) >= 0 && looking.found;

        if (!global->json)
                return done_print(
                        global, "missed", id,
                        known && !looking.watched
                                ? N_("Noted as missed. The sensor was not watching then: no rate counts "
                                     "it. 'crampctl history --missed' lists it.")
                                : N_("Noted as missed; 'crampctl history --missed' lists it."));
        json_object_begin(&json, NULL);
        json_string(&json, "missed", id);
        if (known)
                json_bool(&json, "watched", looking.watched);
        else
                json_null(&json, "watched");
        json_object_end(&json);
        (void)json_finish(&json);
        return output_finish_stdout();
}

static int missed_report(const struct arguments *arguments) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(freep) char *path = NULL, *id = NULL;
        struct crampd_error error = {};
        int64_t missed_us;
        int code, r;

        code = time_option_parse("--missed", arguments->missed, &missed_us);
        if (code == 0)
                code = client_open(&client);
        if (code == 0)
                code = arguments->sensor ? sensor_find(client, arguments->sensor, &path)
                                         : only_sensor(client, &path);
        if (code != 0)
                return code;
        /* The last part of a sensor's path is its id. */
        r = crampd_report_missed(client, strrchr(path, '/') + 1, missed_us, &arguments->annotation, &id,
                                 &error);
        if (r == -EEXIST)
                return fail(EX_DATAERR, "%s", words_of_sentence(error.message).text);
        if (r < 0)
                return fail_client(r, &error);
        return missed_print(&arguments->global, client, missed_us, id);
}

/* --- command line --- */

static int operands_take(struct arguments *arguments, int argc, char *argv[]) {
        if (optind < argc)
                arguments->episode = argv[optind++];
        if (optind < argc) {
                arguments->annotation.verdict = argv[optind++];
                if (strcmp(arguments->annotation.verdict, "confirmed") != 0 &&
                    strcmp(arguments->annotation.verdict, "false-alarm") != 0)
                        return fail(EX_USAGE, "there is no verdict '%s'; write confirmed or false-alarm",
                                    arguments->annotation.verdict);
        }
        return operands_refuse(argc, argv);
}

static int arguments_check(const struct arguments *arguments) {
        const struct crampd_annotation *annotation = &arguments->annotation;
        bool said = annotation->verdict || annotation->pain >= 0 || annotation->note;

        if (arguments->missed && (arguments->episode || arguments->clear))
                return fail(EX_USAGE, "--missed stands without an episode: it raised no alert");
        if (arguments->sensor && !arguments->missed)
                return fail(EX_USAGE, "--sensor goes with --missed");
        if (arguments->missed)
                return 0;
        if (!arguments->episode)
                return fail(EX_USAGE, "which episode? Give its id, or 'last'; 'crampctl history' lists "
                                      "them");
        if (arguments->clear && said)
                return fail(EX_USAGE, "--clear takes back all that was said: nothing goes with it");
        if (!arguments->clear && !said)
                return fail(EX_USAGE,
                            "was it a cramp? Add confirmed or false-alarm (or --pain, --note)");
        return 0;
}

/* Returns 0, an exit code after an error, or -1 if help was asked for. */
static int arguments_parse(struct arguments *arguments, int argc, char *argv[]) {
        enum {
                OPTION_PAIN = OPTION_VERB,
                OPTION_NOTE,
                OPTION_CLEAR,
                OPTION_MISSED,
                OPTION_SENSOR,
        };
        static const struct option options[] = {
                COMMON_OPTIONS,
                {"pain", required_argument, NULL, OPTION_PAIN},
                {"note", required_argument, NULL, OPTION_NOTE},
                {"clear", no_argument, NULL, OPTION_CLEAR},
                {"missed", required_argument, NULL, OPTION_MISSED},
                {"sensor", required_argument, NULL, OPTION_SENSOR},
                {},
        };
        int c, code = 0;

        while (code == 0 && (c = option_next(&arguments->global, argc, argv, ":h", options)) >= 0)
                switch (c) {
                case 'h':
                        return -1;
                case OPTION_PAIN:
                        code = pain_parse(optarg, &arguments->annotation.pain);
                        break;
                case OPTION_NOTE:
                        arguments->annotation.note = optarg;
                        break;
                case OPTION_CLEAR:
                        arguments->clear = true;
                        break;
                case OPTION_MISSED:
                        arguments->missed = optarg;
                        break;
                case OPTION_SENSOR:
                        arguments->sensor = optarg;
                        break;
                default:
                        return EX_USAGE;
                }
        if (code == 0)
                code = operands_take(arguments, argc, argv);
        return code == 0 ? arguments_check(arguments) : code;
}

int verb_annotate(const struct global_options *global, int argc, char *argv[]) {
        struct arguments arguments = {.global = *global, .annotation = {.pain = -1}};
        int code = arguments_parse(&arguments, argc, argv);

        if (code != 0)
                return code < 0 ? help_print(help) : code;
        return arguments.missed ? missed_report(&arguments) : episode_annotate(&arguments);
}
