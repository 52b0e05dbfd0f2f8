/* SPDX-License-Identifier: MIT */
/*
 * Reads a verb's own help: which options there are, what values they take, which words come where. That
 * is what completion needs, so that it can only offer what the help tells. Needs libc alone;
 * called by complete.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define USAGE_NAME_SIZE 32
#define USAGE_DESCRIPTION_SIZE 96
#define USAGE_OPTIONS_MAX 48
#define USAGE_WORDS_MAX 8

struct usage_option {
        char name[USAGE_NAME_SIZE];  /* "--since" */
        char letter;                 /* of the short form; 0 = there is none */
        char value[USAGE_NAME_SIZE]; /* "TIME"; "" = it takes none */
        bool value_optional;
        char description[USAGE_DESCRIPTION_SIZE];
};

/* Finds all options that lines of a help begin with. Returns how many. */
size_t usage_options(const char *help, struct usage_option ret[static USAGE_OPTIONS_MAX]);

/* NULL if there is no such option; `word` may be "--since", "--since=x" or "-o". */
const struct usage_option *usage_option_find(const struct usage_option *options, size_t n,
                                             const char *word);

/*
 * What may come after `n` operands of a verb, by each of the help's usage lines that these fit: called
 * with "SENSOR" (a name for something) or "on" (a word as it is).
 */
typedef void (*usage_word_func)(const char *word, void *userdata);
void usage_next(const char *help, const char *verb, const char *const *operands, size_t n,
                usage_word_func func, void *userdata);

/* A name for something (capitals), not a word as it is. */
bool usage_is_name(const char *word);

/* Each of "on|off" for itself; a name as a whole. */
void usage_alternatives(const char *word, usage_word_func func, void *userdata);
