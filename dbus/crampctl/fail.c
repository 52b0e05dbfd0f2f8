/* SPDX-License-Identifier: MIT */
/*
 * Errors as people and scripts see them: one line on standard error, an exit code after sysexits.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

#include "dbus/crampctl/crampctl.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/words.h"

#define MESSAGE_SIZE 2048

int fail(int code, const char *format, ...) {
        char message[MESSAGE_SIZE];
        va_list arguments;

        va_start(arguments, format);
        if (vsnprintf(message, sizeof(message), _(format), arguments) < 0)
                message[0] = 0;
        va_end(arguments);

        fputs("crampctl: ", stderr);
        text_write(stderr, message);
        fputc('\n', stderr);
        return code;
}

int fail_client(int r, const struct crampd_error *error) {
        const struct words_sentence reason =
                words_of_sentence(error && error->message[0] ? error->message : N_("no reason given"));
        const char *message = reason.text;

        switch (-r) {
        case ENOTCONN:
                return fail(EX_UNAVAILABLE,
                            "crampd cannot be reached: %s (see 'systemctl status crampd')", message);
        case ETIMEDOUT:
        case EOPNOTSUPP:
        case ENOLINK:
                return fail(EX_UNAVAILABLE, "%s", message);
        case EACCES:
        case EPERM:
                return fail(EX_NOPERM, "refused: %s", message);
        case EINVAL:
                return fail(EX_USAGE, "%s", message);
        case ENOENT:
                return fail(EX_DATAERR, "%s", message);
        case EEXIST:
                return fail(EX_CANTCREAT, "%s", message);
        case EDQUOT:
                return fail(EX_TEMPFAIL, "limit reached: %s", message);
        case EIO:
                return fail(EX_IOERR, "crampd failed: %s", message);
        case ENOMEM:
                return fail(EX_OSERR, "out of memory");
        case EPROTO:
                return fail(EX_PROTOCOL, "%s", message);
        default:
                return fail(EX_SOFTWARE, "%s", message);
        }
}
