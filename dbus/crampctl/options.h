/* SPDX-License-Identifier: MIT */
/*
 * Command lines: the options that every verb knows, and how wrong ones are told.
 */
#pragma once

#include <getopt.h>

#include "dbus/crampctl/crampctl.h"

/* Values of long options; a verb's own begin at OPTION_VERB. */
enum {
        OPTION_JSON = 0x100,
        OPTION_NO_LEGEND,
        OPTION_LANGUAGE,
        OPTION_NO_PAGER,
        OPTION_ERROR,
        OPTION_VERB,
};

/* clang-format off */
#define COMMON_OPTIONS                                        \
        {"json", no_argument, NULL, OPTION_JSON},             \
        {"no-legend", no_argument, NULL, OPTION_NO_LEGEND},   \
        {"no-pager", no_argument, NULL, OPTION_NO_PAGER},     \
        {"language", required_argument, NULL, OPTION_LANGUAGE}, \
        {"help", no_argument, NULL, 'h'}
/* clang-format on */

/* For a verb that says itself what --json and --no-legend do. */
#define MORE_OPTIONS_HELP                                                                  \
        "      --no-pager         Show long listings as they are\n"                        \
        "      --language=LANG    Texts in this language, as de (default: the locale's)\n" \
        "  -h, --help             Show this text\n"

#define COMMON_OPTIONS_HELP                                 \
        "      --json             One JSON object a line\n" \
        "      --no-legend        Leave out headings and remarks\n" MORE_OPTIONS_HELP

/*
 * The next option that is the verb's own or 'h', -1 after the last one, or OPTION_ERROR after it was
 * told what is wrong; the verb then returns EX_USAGE. --json, --no-legend and --no-pager go into
 * `global`, --language is taken. `short_options` begins with ':'.
 */
int option_next(struct global_options *global, int argc, char *argv[], const char *short_options,
                const struct option *long_options);

/* Takes --language. Returns 0, or EX_USAGE after saying which there are. */
int language_take(const char *language);

/* Prints a verb's help, or the last part of one. Returns the exit code. */
int help_print(const char *help);

/* Returns 0, or EX_USAGE after saying that the operand after the options is one too many. */
int operands_refuse(int argc, char *argv[]);

/* The one sensor that is meant, after the options. Returns 0, or EX_USAGE after saying what is wrong. */
int operand_sensor(int argc, char *argv[], const char **ret);

/* The options of a verb that takes --since and --until; `help` is printed when asked for. Returns 0, or
 * an exit code with which the verb is over: *ret_over tells, as 0 may be one. */
int period_options_parse(struct global_options *global, int argc, char *argv[], const char *help,
                         struct crampd_filter *ret, bool *ret_over);

/* A point in time, for an option of that name. */
int time_option_parse(const char *option, const char *text, int64_t *ret_us);

/* --since and --until; empty means not given. */
int filter_parse(const char *since, const char *until, struct crampd_filter *ret);
