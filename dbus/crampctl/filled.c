/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/filled.h"

#include <stdint.h>
#include <string.h>

#define BLANKS_MAX 8u
/* Letters that a format has to say itself: "%s: %s" would be found in everything. */
#define LETTERS_MIN 6u

/* What stands in a blank of a format. */
struct blank {
        const char *text;
        size_t length;
        char kind; /* 's', 'd' or 'g' */
};

/* A conversion of printf() at a '%'. */
struct conversion {
        size_t length;     /* of itself; 0 = none that is known */
        unsigned position; /* "%2$s": 2; 0 = not said */
        char kind;
};

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct conversion conversion_read(const char *format) {
        size_t digits = strspn(format + 1, "0123456789"), length = 1;
        struct conversion ret = {};

        if (digits == 1 && format[2] == '$') {
                ret.position = (unsigned)(format[1] - '0');
                length = 3;
        }
        length += strspn(format + length, "-+ #0123456789.");
        length += strspn(format + length, "hlzjt");
        if (!format[length])
                return (struct conversion){};
        if (strchr("diu", format[length]))
                ret.kind = 'd';
        else if (strchr("eEfFgG", format[length]))
                ret.kind = 'g';
        else if (format[length] == 's' || format[length] == '%')
                ret.kind = format[length];
        else
                return (struct conversion){};
        ret.length = length + 1;
        return ret;
}

static bool blank_fits(const struct blank *blank) {
        const char *allowed = blank->kind == 'd' ? "-0123456789" : "-+.0123456789einfa";

        if (blank->kind == 's')
                return true;
        return blank->length > 0 && strspn(blank->text, allowed) >= blank->length;
}

/* The length of what a format says itself up to its next blank. */
static size_t said_length(const char *format) {
        return strcspn(format, "%");
}

/* Where a blank ends: where what follows it in the format comes first; the last one ends with the text.
 */
static const char *blank_end(const char *text, const char *rest) {
        size_t said = said_length(rest);

        if (!*rest)
                return text + strlen(text);
        if (said == 0)
                return NULL; /* two blanks without anything between cannot be told apart */
        for (; *text; text++)
                if (strncmp(text, rest, said) == 0 && (rest[said] || strlen(text) == said))
                        return text;
        return NULL;
}

/* The letters that the format says itself, or -1 if `text` is another one. */
static int match(const char *format, const char *text, struct blank blanks[static BLANKS_MAX],
                 size_t *ret_n) {
        int letters = 0;
        size_t n = 0;

        while (*format) {
                struct conversion conversion;
                const char *end;

                if (*format != '%') {
                        if (*format++ != *text++)
                                return -1;
                        letters += is_letter(text[-1]);
                        continue;
                }
                conversion = conversion_read(format);
                format += conversion.length;
                if (conversion.length == 0 || conversion.position > 0 || conversion.kind == '%' ||
                    n == BLANKS_MAX)
                        return -1;
                end = blank_end(text, format);
                if (!end)
                        return -1;
                blanks[n] = (struct blank){text, (size_t)(end - text), conversion.kind};
                if (!blank_fits(blanks + n++))
                        return -1;
                text = end;
        }
        *ret_n = n;
        return *text ? -1 : letters;
}

/* --- writing --- */

struct writing {
        char *to;
        size_t size, used;
};

static void add(struct writing *writing, const char *text, size_t length) {
        size_t room = writing->size - 1 - writing->used;

        /* Cut at a character's border. */
        if (length > room)
                for (length = room; length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80;)
                        length--;
        memcpy(writing->to + writing->used, text, length);
        writing->used += length;
        writing->to[writing->used] = '\0';
}

static void add_blank(struct writing *writing, const struct language *language,
                      const struct blank *blank) {
        size_t before = writing->used;
        char word[64];

        if (blank->kind == 's' && blank->length < sizeof(word)) {
                const char *translated;

                memcpy(word, blank->text, blank->length);
                word[blank->length] = '\0';
                translated = language_text(language, word);
                add(writing, translated, strlen(translated));
                return;
        }
        add(writing, blank->text, blank->length);
        for (char *c = writing->to + before; blank->kind == 'g' && *c; c++)
                if (*c == '.')
                        *c = language->decimal_mark;
}

static void fill(struct writing *writing, const struct language *language, const char *format,
                 const struct blank *blanks, size_t n) {
        size_t next = 0;

        while (*format) {
                size_t said = said_length(format);
                struct conversion conversion;

                add(writing, format, said);
                format += said;
                if (!*format)
                        break;
                conversion = conversion_read(format);
                if (conversion.position > 0)
                        next = conversion.position - 1;
                if (conversion.length > 0 && next < n)
                        add_blank(writing, language, blanks + next);
                next++;
                format += conversion.length > 0 ? conversion.length : 1;
        }
}

bool filled_translate(const struct language *language, const char *text, char *ret, size_t size) {
        const struct language_text *found = NULL;
        struct blank blanks[BLANKS_MAX];
        int most = (int)LETTERS_MIN - 1;
        size_t n;

        for (size_t i = 0; i < language->n_texts; i++) {
                const struct language_text *candidate = language->texts + i;
                int letters;

                if (!strchr(candidate->text, '%'))
                        continue;
                letters = match(candidate->text, text, blanks, &n);
                if (letters > most) {
                        most = letters;
                        found = candidate;
                }
        }
        if (!found || size == 0)
                return false;
        (void)match(found->text, text, blanks, &n);
        ret[0] = '\0';
        fill(&(struct writing){ret, size, 0}, language, found->translated, blanks, n);
        return true;
}
