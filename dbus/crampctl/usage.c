/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/usage.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define PROGRAM "crampctl "
#define INDENT_MAX 6

static const char *line_next(const char *line) {
        const char *end = strchr(line, '\n');

        return end ? end + 1 : line + strlen(line);
}

/* --- options --- */

static size_t name_length(const char *text) {
        size_t n = 0;

        while (isalnum((unsigned char)text[n]) || text[n] == '-' || text[n] == '_')
                n++;
        return n;
}

static void copy(char *to, size_t size, const char *from, size_t length) {
        (void)snprintf(to, size, "%.*s", (int)length, from);
}

/* "=TIME", "[=NO]", or " UNIT" in capitals. Returns what follows. */
static const char *value_read(const char *text, struct usage_option *option) {
        size_t length;

        option->value_optional = strncmp(text, "[=", 2) == 0;
        if (option->value_optional)
                text += 2;
        else if (*text == '=' || (*text == ' ' && isupper((unsigned char)text[1])))
                text++;
        else
                return text;
        length = strcspn(text, " ],\n");
        copy(option->value, sizeof(option->value), text, length);
        return text + length + option->value_optional;
}

/* At the first '-' of a line. Returns how many options it names. */
static size_t line_options(const char *text, struct usage_option *ret, size_t max) {
        char letter = 0;
        size_t n = 0, length;

        while (*text == '-' && n < max) {
                struct usage_option *option = ret + n;

                if (text[1] != '-') {
                        letter = text[1];
                        text += 2;
                } else {
                        *option = (struct usage_option){.letter = letter};
                        length = name_length(text);
                        copy(option->name, sizeof(option->name), text, length);
                        text = value_read(text + length, option);
                        n++;
                }
                if (strncmp(text, ", ", 2) != 0)
                        break;
                text += 2;
        }
        text += strspn(text, " ");
        length = strcspn(text, "\n");
        for (size_t i = 0; i < n; i++)
                copy(ret[i].description, sizeof(ret[i].description), text, length);
        return n;
}

size_t usage_options(const char *help, struct usage_option ret[static USAGE_OPTIONS_MAX]) {
        size_t n = 0;

        for (const char *line = help; *line; line = line_next(line)) {
                size_t indent = strspn(line, " ");

                if (indent > 0 && indent <= INDENT_MAX && line[indent] == '-')
                        n += line_options(line + indent, ret + n, USAGE_OPTIONS_MAX - n);
        }
        return n;
}

const struct usage_option *usage_option_find(const struct usage_option *options, size_t n,
                                             const char *word) {
        size_t length = strcspn(word, "=");

        for (size_t i = 0; i < n; i++)
                if ((strlen(options[i].name) == length && strncmp(options[i].name, word, length) == 0) ||
                    (options[i].letter && word[0] == '-' && word[1] == options[i].letter && !word[2]))
                        return options + i;
        return NULL;
}

/* --- operands --- */

struct line {
        char words[USAGE_WORDS_MAX][2 * USAGE_NAME_SIZE]; /* without brackets and dots */
        size_t n;
        bool repeats; /* the last one, as often as one likes */
};

/* The word without its brackets and dots. Returns its length. */
static size_t word_strip(const char **word, size_t length, bool *ret_repeats) {
        while (length > 0 && **word == '[') {
                ++*word;
                length--;
        }
        while (length > 0 && (*word)[length - 1] == ']')
                length--;
        *ret_repeats = length > 3 && strncmp(*word + length - 3, "...", 3) == 0;
        return *ret_repeats ? length - 3 : length;
}

static bool word_is(const char *word, size_t length, const char *wanted) {
        return strlen(wanted) == length && strncmp(word, wanted, length) == 0;
}

/* After the program's name. False unless it is about this verb. */
static bool line_read(const char *text, const char *verb, struct line *ret) {
        const char *end = text + strcspn(text, "\n");
        bool is_value = false; /* of a short option that stood before */

        *ret = (struct line){};
        for (bool first = true; text < end; first = false) {
                const char *word = text;
                size_t length = strcspn(text, " \n");
                bool repeats;

                text += length;
                text += strspn(text, " ");
                length = word_strip(&word, length, &repeats);
                if (first) {
                        if (!word_is(word, length, verb))
                                return false;
                } else if (*word == '-')
                        is_value = length == strlen("-o");
                else if (is_value)
                        is_value = false;
                else if (!word_is(word, length, "OPTION") && ret->n < USAGE_WORDS_MAX) {
                        copy(ret->words[ret->n++], sizeof(ret->words[0]), word, length);
                        ret->repeats = repeats;
                }
        }
        return true;
}

bool usage_is_name(const char *word) {
        return isupper((unsigned char)*word);
}

static bool alternative_is(const char *alternatives, const char *word) {
        size_t length = strlen(word);

        for (const char *a = alternatives; a; a = strchr(a, '|') ? strchr(a, '|') + 1 : NULL)
                if (strcspn(a, "|") == length && strncmp(a, word, length) == 0)
                        return true;
        return false;
}

static bool line_fits(const struct line *line, const char *const *operands, size_t n) {
        if (n >= line->n && !line->repeats)
                return false;
        for (size_t i = 0; i < n && i < line->n; i++)
                if (!usage_is_name(line->words[i]) && !alternative_is(line->words[i], operands[i]))
                        return false;
        return line->n > 0;
}

void usage_alternatives(const char *word, usage_word_func func, void *userdata) {
        char one[2 * USAGE_NAME_SIZE];

        if (usage_is_name(word)) {
                func(word, userdata);
                return;
        }
        for (const char *a = word; a; a = strchr(a, '|') ? strchr(a, '|') + 1 : NULL) {
                copy(one, sizeof(one), a, strcspn(a, "|"));
                func(one, userdata);
        }
}

void usage_next(const char *help, const char *verb, const char *const *operands, size_t n,
                usage_word_func func, void *userdata) {
        struct line line;

        for (const char *text = help; *text && *text != '\n'; text = line_next(text)) {
                const char *program = strstr(text, PROGRAM);

                if (!program || program >= line_next(text) ||
                    !line_read(program + strlen(PROGRAM), verb, &line) || !line_fits(&line, operands, n))
                        continue;
                usage_alternatives(line.words[n < line.n ? n : line.n - 1], func, userdata);
        }
}
