/* SPDX-License-Identifier: MIT */
/*
 * crampctl: the command line of crampd. Here are the table of verbs and the options that stand before
 * them.
 */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "config.h"
#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/complete.h"
#include "dbus/crampctl/crampctl.h"
#include "dbus/crampctl/help.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/pager.h"
#include "dbus/crampctl/words.h"

static const struct verb verbs[] = {
        {"status", N_("Show how crampd and its sensors are (the default)"), verb_status},
        {"sensors", N_("List your sensors"), verb_sensors},
        {"scan", N_("Look for sensors near"), verb_scan},
        {"muscles", N_("Show where the electrodes go"), verb_muscles},
        {"add", N_("Adopt a sensor"), verb_add},
        {"edit", N_("Change what you said of a sensor"), verb_edit},
        {"calibrate", N_("Measure rest and your strongest flexing"), verb_calibrate},
        {"pause", N_("Leave a sensor alone for a while"), verb_pause},
        {"resume", N_("Watch a paused sensor again"), verb_resume},
        {"identify", N_("Let a sensor blink or vibrate"), verb_identify},
        {"remove", N_("Give a sensor up"), verb_remove},
        {"monitor", N_("Show alerts, and the activity, as they come"), verb_monitor},
        {"stream", N_("Print or pipe the samples of a sensor"), verb_stream},
        {"record", N_("Record a sensor as EDF+"), verb_record},
        {"night", N_("Was I guarded last night, and when not?"), verb_night},
        {"history", N_("List recorded cramps"), verb_history},
        {"show", N_("Show one recorded cramp and its signal"), verb_show},
        {"annotate", N_("Say whether an alert was a cramp, or that one was missed"), verb_annotate},
        {"detector", N_("Tell why an alert was raised, and learn from what you said"), verb_detector},
        {"export", N_("Write recorded cramps for other programs"), verb_export},
        {"report", N_("Write a report for a doctor, as HTML or PDF"), verb_report},
        {"guidance", N_("What could help you, how sure that is, and why"), verb_guidance},
        {"nutrients", N_("All nutrients beside each other, for you"), verb_nutrients},
        {"log", N_("What you took, drank, did and noticed"), verb_log},
        {"trial", N_("Did a change help you?"), verb_trial},
        {"profile", N_("What you tell of yourself, for guidance"), verb_profile},
        {"analyze", N_("Look for cramps in recordings"), verb_analyze},
        {"doctor", N_("What is wrong, and what to do about it"), verb_doctor},
        {},
};

static const char help_before[] =
        "Usage: crampctl [OPTION...] [VERB [ARGUMENT...]]\n"
        "\n"
        "See and steer crampd, which watches leg-worn EMG sensors for nocturnal cramps.\n"
        "\n"
        "Verbs:\n";

static const char help_after[] =
        "\n"
        "Options, before or after the verb:\n" COMMON_OPTIONS_HELP
        "      --version          Show the version\n"
        "      --complete WORD... What the last word may become, for the completion of shells\n"
        "\n"
        "Examples:\n"
        "  crampctl\n"
        "  crampctl history --since -30d\n"
        "  crampctl doctor\n"
        "\n"
        "'crampctl VERB --help' tells more. Exit codes follow sysexits.h: 64 usage, 65 data, 66 "
        "missing file,\n"
        "69 crampd is not there, 73 cannot write, 74 the database failed, 77 refused.\n";

static int usage_print(void) {
        help_write(help_before);
        for (const struct verb *verb = verbs; verb->name; verb++)
                printf("  %-10s %s\n", verb->name, _(verb->summary));
        return help_print(help_after);
}

static int version_print(void) {
        puts("crampctl " CRAMPD_VERSION);
        return output_finish_stdout();
}

static int verb_run(const struct global_options *global, int argc, char *argv[]) {
        static char default_name[] = "status";
        char *default_argv[] = {default_name, NULL};

        if (argc == 0) {
                argc = 1;
                argv = default_argv;
        }
        for (const struct verb *verb = verbs; verb->name; verb++)
                if (strcmp(verb->name, argv[0]) == 0) {
                        /* getopt begins anew with the verb's own words. */
                        optind = 0;
                        return verb->run(global, argc, argv);
                }
        return fail(EX_USAGE, "there is no verb '%s'; see 'crampctl --help'", argv[0]);
}

static int help_of(const struct verb *verb) {
        static char word[] = "--help";
        char name[32], *argv[] = {name, word, NULL};

        if (!verb)
                return usage_print();
        (void)snprintf(name, sizeof(name), "%s", verb->name);
        optind = 0;
        return verb->run(&(struct global_options){}, 2, argv);
}

int main(int argc, char *argv[]) {
        enum { OPTION_VERSION = OPTION_VERB, OPTION_COMPLETE };
        static const struct option options[] = {
                COMMON_OPTIONS,
                {"version", no_argument, NULL, OPTION_VERSION},
                {"complete", no_argument, NULL, OPTION_COMPLETE},
                {},
        };
        struct pager pager = {};
        struct global_options global = {.pager = &pager};
        int c, code;

        /* How wide characters are, and whether bars can be drawn. Numbers and dates stay the same
         * everywhere. */
        (void)setlocale(LC_CTYPE, "");
        /* A message is one write, and does not mix with those of others. */
        (void)setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
        opterr = 0;

        while ((c = getopt_long(argc, argv, "+h", options, NULL)) >= 0)
                switch (c) {
                case OPTION_JSON:
                        global.json = true;
                        break;
                case OPTION_NO_LEGEND:
                        global.no_legend = true;
                        break;
                case OPTION_LANGUAGE:
                        if (language_take(optarg) != 0)
                                return EX_USAGE;
                        break;
                case OPTION_NO_PAGER:
                        global.no_pager = true;
                        break;
                case 'h':
                        return usage_print();
                case OPTION_COMPLETE:
                        return complete_print(&(struct completion_source){verbs, help_of}, argc - optind,
                                              argv + optind);
                case OPTION_VERSION:
                        return version_print();
                default:
                        return fail(EX_USAGE, "option %s is not understood; see 'crampctl --help'",
                                    argv[optind - 1]);
                }
        code = verb_run(&global, argc - optind, argv + optind);
        pager_close(&pager);
        return code;
}
