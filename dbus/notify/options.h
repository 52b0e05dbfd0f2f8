/* SPDX-License-Identifier: MIT */
/*
 * cramp-notify's command line. There is no other configuration: the unit takes options from a drop-in.
 * Read once by main; kept by it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dbus/notify/hours.h"

enum privacy {
        PRIVACY_AUTO, /* while the screen is locked */
        PRIVACY_ALWAYS,
        PRIVACY_NEVER,
};

struct options {
        enum privacy privacy;
        struct hours quiet;    /* nothing but alerts is shown */
        bool quiet_alerts;     /* .. and these make no sound then */
        struct hours night;    /* when a sensor that is lost matters */
        int64_t lost_after_us; /* so long it may be away */
        const char *sound;     /* name in the sound theme; NULL = none */
        const char *hook;      /* shell command; NULL = none */
        bool test;
};

/* Returns 0 to go on; else the program is over: *ret_over, with that exit code. */
int options_parse(int argc, char *argv[], struct options *ret, bool *ret_over);

/* Prints "cramp-notify: ..." on standard error and returns `code`. Nothing personal goes there. */
int complain(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
