/* SPDX-License-Identifier: MIT */
/* The logger: see log.h. */
#include "daemon/basic/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* systemd names the device and inode of the stream that it made (systemd.exec(5)); standard error may be
 * another by now. */
static bool stderr_is_journal(void) {
        const char *text = getenv("JOURNAL_STREAM");
        uint64_t device, inode;
        struct stat status;

        return text && sscanf(text, "%" SCNu64 ":%" SCNu64, &device, &inode) == 2 &&
               fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void log_line(int level, const char *format, ...) {
        static _Atomic int prefixed = -1; /* not looked yet; several threads may, and see the same */
        char line[1024];
        va_list arguments;

        if (level > level_shown)
                return;

        va_start(arguments, format);
        (void)vsnprintf(line, sizeof(line), format, arguments);
        va_end(arguments);

        /* One write per line, so that lines of several threads do not mix. */
        if (prefixed < 0)
                prefixed = stderr_is_journal();
        if (prefixed)
                (void)fprintf(stderr, "<%d>%s\n", level, line);
        else
                (void)fprintf(stderr, "%s\n", line);
}
