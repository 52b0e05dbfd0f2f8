/* SPDX-License-Identifier: MIT */
/* The logger: see log.h. */
#include "daemon/basic/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void log_line(int level, const char *format, ...) {
        char line[1024];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(line, sizeof(line), format, arguments);
        va_end(arguments);

        /* One write per line, so that lines of several threads do not mix. */
        if (getenv("JOURNAL_STREAM"))
                (void)fprintf(stderr, "<%d>%s\n", level, line);
        else
                (void)fprintf(stderr, "%s\n", line);
}
