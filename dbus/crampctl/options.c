/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/options.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "dbus/crampctl/help.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

/* getopt_long() has just returned '?' or ':'. */
static int option_refuse(int c, char *argv[]) {
        /* A short option is told by its letter: its argument may hold several. */
        bool is_short = optopt > 0 && optopt < OPTION_JSON &&
                        (argv[optind - 1][0] != '-' || argv[optind - 1][1] != '-');

        if (c == ':' && is_short)
                (void)fail(EX_USAGE, "option -%c needs a value; see 'crampctl %s --help'", optopt,
                           argv[0]);
        else if (c == ':')
                (void)fail(EX_USAGE, "option %s needs a value; see 'crampctl %s --help'",
                           argv[optind - 1], argv[0]);
        else if (is_short)
                (void)fail(EX_USAGE, "there is no option -%c; see 'crampctl %s --help'", optopt,
                           argv[0]);
        else
                (void)fail(EX_USAGE, "option %s is not understood; see 'crampctl %s --help'",
                           argv[optind - 1], argv[0]);
        return OPTION_ERROR;
}

int language_take(const char *language) {
        char possible[256] = "";

        if (words_choose(language) >= 0)
                return 0;
        for (size_t i = 0; i < languages_n; i++)
                (void)snprintf(possible + strlen(possible), sizeof(possible) - strlen(possible), "%s%s",
                               i > 0 ? ", " : "", languages[i].name);
        return fail(EX_USAGE, "there are no texts in the language '%s'; possible: %s", language,
                    possible);
}

int option_next(struct global_options *global, int argc, char *argv[], const char *short_options,
                const struct option *long_options) {
        for (;;) {
                int c = getopt_long(argc, argv, short_options, long_options, NULL);

                switch (c) {
                case OPTION_JSON:
                        global->json = true;
                        break;
                case OPTION_NO_LEGEND:
                        global->no_legend = true;
                        break;
                case OPTION_LANGUAGE:
                        if (language_take(optarg) != 0)
                                return OPTION_ERROR;
                        break;
                case OPTION_NO_PAGER:
                        global->no_pager = true;
                        break;
                case '?':
                case ':':
                        return option_refuse(c, argv);
                default:
                        return c;
                }
        }
}

int help_print(const char *help) {
        help_write(help);
        return output_finish_stdout();
}

int operands_refuse(int argc, char *argv[]) {
        if (optind >= argc)
                return 0;
        return fail(EX_USAGE, "'%s' is one word too many; see 'crampctl %s --help'", argv[optind],
                    argv[0]);
}

int operand_sensor(int argc, char *argv[], const char **ret) {
        if (optind >= argc)
                return fail(EX_USAGE,
                            "which sensor? Give its id, address or name; 'crampctl sensors' lists them");
        if (optind + 1 < argc)
                return fail(EX_USAGE, "one sensor at a time: '%s' is one word too many",
                            argv[optind + 1]);
        *ret = argv[optind];
        return 0;
}

static int time_parse(const char *option, const char *text, int64_t now_us, int64_t *ret_us) {
        if (!text) {
                *ret_us = CRAMPD_NO_TIME;
                return 0;
        }
        if (timestamp_parse(text, now_us, ret_us) < 0)
                return fail(EX_USAGE,
                            "%s does not understand '%s'; write 2026-11-23, 2026-11-23T02:30, "
                            "2026-11-23T02:30+01:00, 02:30 (the last), today, yesterday, or -7d",
                            option, text);
        return 0;
}

int time_option_parse(const char *option, const char *text, int64_t *ret_us) {
        return time_parse(option, text, timestamp_now_us(), ret_us);
}

int filter_parse(const char *since, const char *until, struct crampd_filter *ret) {
        int64_t now_us = timestamp_now_us();
        struct crampd_filter filter = {};

        if (time_parse("--since", since, now_us, &filter.since_us) != 0 ||
            time_parse("--until", until, now_us, &filter.until_us) != 0)
                return EX_USAGE;
        if (since && until && filter.since_us >= filter.until_us)
                return fail(EX_USAGE, "--until has to be later than --since");
        *ret = filter;
        return 0;
}

int period_options_parse(struct global_options *global, int argc, char *argv[], const char *help,
                         struct crampd_filter *ret, bool *ret_over) {
        enum { OPTION_SINCE = OPTION_VERB, OPTION_UNTIL };
        static const struct option options[] = {
                COMMON_OPTIONS,
                {"since", required_argument, NULL, OPTION_SINCE},
                {"until", required_argument, NULL, OPTION_UNTIL},
                {},
        };
        const char *since = NULL, *until = NULL;
        int c, code;

        *ret_over = true;
        while ((c = option_next(global, argc, argv, ":h", options)) >= 0)
                switch (c) {
                case 'h':
                        return help_print(help);
                case OPTION_SINCE:
                        since = optarg;
                        break;
                case OPTION_UNTIL:
                        until = optarg;
                        break;
                default:
                        return EX_USAGE;
                }
        code = operands_refuse(argc, argv);
        if (code == 0)
                code = filter_parse(since, until, ret);
        *ret_over = code != 0;
        return code;
}
