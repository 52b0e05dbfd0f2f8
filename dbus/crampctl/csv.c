/* SPDX-License-Identifier: MIT */
/* CSV: see csv.h. */
#include "dbus/crampctl/csv.h"

#include <string.h>

void csv_text(FILE *file, const char *text, char after) {
        if (!text)
                text = "";
        if (strpbrk(text, ",\"\r\n")) {
                fputc('"', file);
                for (; *text; text++) {
                        if (*text == '"')
                                fputc('"', file);
                        fputc(*text, file);
                }
                fputc('"', file);
        } else
                fputs(text, file);
        if (after)
                fputc(after, file);
}
