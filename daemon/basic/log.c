/* SPDX-License-Identifier: MIT */
/* The logger: see log.h. */
#include "daemon/basic/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int level_shown = LOG_INFO;

void log_set_level(int level) {
        level_shown = level;
}

int log_level_from_string(const char *text) {
        if (strcmp(text, "error") == 0)
                return LOG_ERR;
        if (strcmp(text, "warning") == 0)
                return LOG_WARNING;
        return strcmp(text, "info") == 0 ? LOG_INFO : -EINVAL;
}

void log_line(int level, const char *format, ...) {
        char line[1024];
        va_list arguments;

        if (level > level_shown)
                return;

        va_start(arguments, format);
        (void)vsnprintf(line, sizeof(line), format, arguments);
        va_end(arguments);

        /* One write per line, so that lines of several threads do not mix. */
        if (getenv("JOURNAL_STREAM"))
                (void)fprintf(stderr, "<%d>%s\n", level, line);
        else
                (void)fprintf(stderr, "%s\n", line);
}
