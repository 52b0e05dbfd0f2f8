/* SPDX-License-Identifier: MIT */
/*
 * crampctl's own house rules: one file per verb, each with one function listed in main.c's table. A verb
 * gets its own argv (argv[0] is the verb), parses its options with getopt_long() and returns an exit
 * code after sysexits.h: 0, EX_USAGE 64, EX_DATAERR 65, EX_NOINPUT 66, EX_UNAVAILABLE 69, EX_SOFTWARE
 * 70, EX_OSERR 71, EX_CANTCREAT 73, EX_NOPERM 77.
 */
#pragma once

#include <stdbool.h>

#include "dbus/client/crampd-client.h"

struct pager;

/* What was said before the verb; it may also follow it. */
struct global_options {
        bool json;
        bool no_legend;
        bool no_pager;
        struct pager *pager; /* main's */
};

struct verb {
        const char *name;
        const char *summary;
        int (*run)(const struct global_options *global, int argc, char *argv[]);
};

int verb_add(const struct global_options *global, int argc, char *argv[]);
int verb_analyze(const struct global_options *global, int argc, char *argv[]);
int verb_annotate(const struct global_options *global, int argc, char *argv[]);
int verb_calibrate(const struct global_options *global, int argc, char *argv[]);
int verb_detector(const struct global_options *global, int argc, char *argv[]);
int verb_doctor(const struct global_options *global, int argc, char *argv[]);
int verb_edit(const struct global_options *global, int argc, char *argv[]);
int verb_export(const struct global_options *global, int argc, char *argv[]);
int verb_history(const struct global_options *global, int argc, char *argv[]);
int verb_identify(const struct global_options *global, int argc, char *argv[]);
int verb_monitor(const struct global_options *global, int argc, char *argv[]);
int verb_muscles(const struct global_options *global, int argc, char *argv[]);
int verb_night(const struct global_options *global, int argc, char *argv[]);
int verb_guidance(const struct global_options *global, int argc, char *argv[]);
int verb_log(const struct global_options *global, int argc, char *argv[]);
int verb_nutrients(const struct global_options *global, int argc, char *argv[]);
int verb_profile(const struct global_options *global, int argc, char *argv[]);
int verb_pause(const struct global_options *global, int argc, char *argv[]);
int verb_record(const struct global_options *global, int argc, char *argv[]);
int verb_remove(const struct global_options *global, int argc, char *argv[]);
int verb_report(const struct global_options *global, int argc, char *argv[]);
int verb_resume(const struct global_options *global, int argc, char *argv[]);
int verb_scan(const struct global_options *global, int argc, char *argv[]);
int verb_sensors(const struct global_options *global, int argc, char *argv[]);
int verb_show(const struct global_options *global, int argc, char *argv[]);
int verb_status(const struct global_options *global, int argc, char *argv[]);
int verb_trial(const struct global_options *global, int argc, char *argv[]);
int verb_stream(const struct global_options *global, int argc, char *argv[]);

/* Prints "crampctl: ..." on standard error, in the user's language, and returns `code`, for `return
 * fail(EX_USAGE, ...)`. */
int fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints a client library error and returns the exit code for it. */
int fail_client(int r, const struct crampd_error *error);
