/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/text.h"

#include <langinfo.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "daemon/basic/text.h"

#define COLUMNS_DEFAULT 80u
#define PARAGRAPH_COLUMNS 100u
#define COLUMNS_MAX 1000u

/* Bytes of what must not reach a terminal at `text`, else 0: a control character (C0, DEL, C1), a byte
 * that is no UTF-8 (to some terminals 0x9b alone begins a sequence), and what ends lines or turns the
 * direction of all that follows (U+2028 to 202E, U+2066 to 2069), so that a name could rewrite what
 * stands beside it. */
static size_t control_length(const char *text) {
        const unsigned char *byte = (const unsigned char *)text;

        if (text_character_length(text) == 0)
                return byte[0] == 0xc2 && byte[1] >= 0x80 && byte[1] < 0xa0 ? 2 : 1;
        if (byte[0] != 0xe2)
                return 0;
        return (byte[1] == 0x80 && byte[2] >= 0xa8 && byte[2] <= 0xae) ||
                               (byte[1] == 0x81 && byte[2] >= 0xa6 && byte[2] <= 0xa9)
                       ? 3
                       : 0;
}

bool text_is_control(const char *text) {
        return control_length(text) > 0;
}

void text_write(FILE *file, const char *text) {
        if (!text)
                return;
        while (*text) {
                size_t length = control_length(text), plain = 0;

                if (length > 0)
                        fputc('?', file);
                text += length;
                while (text[plain] && control_length(text + plain) == 0)
                        plain += text_character_length(text + plain);
                (void)fwrite(text, 1, plain, file);
                text += plain;
        }
}

size_t text_clean(char *to, size_t size, const char *text) {
        size_t used = 0;

        while (text && *text && used + 1 < size) {
                size_t control = control_length(text);
                size_t length = control > 0 ? 1 : text_character_length(text);

                if (used + length >= size)
                        break;
                memcpy(to + used, control > 0 ? "?" : text, length);
                used += length;
                text += control > 0 ? control : length;
        }
        if (size > 0)
                to[used] = 0;
        return used;
}

/* Cells of the character at `text` and its length; one cell for each where the locale does not know it.
 */
static size_t character_width(const char *text, size_t *ret_length) {
        mbstate_t state = {};
        wchar_t character;
        size_t rest = strnlen(text, MB_LEN_MAX), length = mbrtowc(&character, text, rest, &state);
        int width;

        if (length == 0 || length > rest) {
                /* Not of this locale: taken as UTF-8. */
                length = 1;
                while (((unsigned char)text[length] & 0xc0) == 0x80)
                        length++;
                *ret_length = length;
                return 1;
        }
        *ret_length = length;
        width = wcwidth(character);
        return width >= 0 ? (size_t)width : 1;
}

size_t text_width(const char *text) {
        size_t width = 0, length;

        for (; text && *text; text += length) {
                /* Most are ASCII, of which the locale need not be asked. */
                if (*text >= ' ' && *text <= '~') {
                        length = 1;
                        width++;
                        continue;
                }
                length = control_length(text);
                width += length > 0 ? 1 : character_width(text, &length);
        }
        return width;
}

void text_write_paragraph(FILE *file, const char *begin, const char *indent, const char *text) {
        size_t column = 0;

        while (*text) {
                size_t length = strcspn(text, " \n");
                char word[256];

                if (length >= sizeof(word))
                        length = sizeof(word) - 1;
                memcpy(word, text, length);
                word[length] = '\0';
                text += length;
                text += strspn(text, " \n");
                if (length == 0)
                        continue;
                if (column > 0 && column + 1 + text_width(word) > PARAGRAPH_COLUMNS) {
                        fputc('\n', file);
                        column = 0;
                        begin = indent;
                }
                fputs(column > 0 ? " " : begin, file);
                column += column > 0 ? 1 : strlen(begin);
                text_write(file, word);
                column += text_width(word);
        }
        if (column > 0)
                fputc('\n', file);
}

bool text_may_colour(FILE *file) {
        const char *no_colour = getenv("NO_COLOR");
        const char *terminal = getenv("TERM");

        return (isatty(fileno(file)) || (file == stdout && getenv(TEXT_PAGED))) &&
               (!no_colour || !*no_colour) && terminal && strcmp(terminal, "dumb") != 0;
}

size_t text_columns(FILE *file) {
        const char *columns = getenv("COLUMNS");
        struct winsize size;
        unsigned long number;

        if (ioctl(fileno(file), TIOCGWINSZ, &size) >= 0 && size.ws_col > 0)
                return size.ws_col;
        number = columns ? strtoul(columns, NULL, 10) : 0;
        return number > 0 && number <= COLUMNS_MAX ? number : COLUMNS_DEFAULT;
}

bool text_is_utf8(void) {
        return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

void text_number(double value, int decimals, char buffer[static TEXT_NUMBER_SIZE]) {
        int n;

        buffer[0] = 0;
        if (!isfinite(value))
                return;
        /* Beyond this no decimal is exact anyway, and it bounds the length. */
        if (fabs(value) >= 1e15) {
                (void)snprintf(buffer, TEXT_NUMBER_SIZE, "%.15e", value);
                return;
        }
        n = snprintf(buffer, TEXT_NUMBER_SIZE, "%.*f", decimals, value);
        if (decimals > 0) {
                while (buffer[n - 1] == '0')
                        buffer[--n] = 0;
                if (buffer[n - 1] == '.')
                        buffer[--n] = 0;
        }
        if (strcmp(buffer, "-0") == 0)
                (void)strcpy(buffer, "0");
}
