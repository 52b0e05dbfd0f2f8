/* SPDX-License-Identifier: MIT */
/*
 * Languages: texts for people are written in English and looked up in the language of whoever asks. The
 * translations are gettext's (po/), but not its run time: that gives a language only where the system
 * has a locale for it, and one to a process or thread, while crampd answers several people at once on
 * boxes that may have no locale at all. So po/generate-catalogue.py makes a constant table of them at
 * build time. Thread-safe, allocates nothing, needs nothing. Used by the daemon for each call, and by
 * its clients for themselves.
 *
 * A text is marked by N_() (translate.h), or stands as the second argument of language_text().
 */
#pragma once

#include <stddef.h>

struct language_text {
        const char *text; /* in English; in order of strcmp() */
        const char *translated;
};

struct language {
        const char *name;  /* "de" */
        char decimal_mark; /* of numbers in texts */
        size_t n_texts;
        const struct language_text *texts;
};

/* The first is English, which has no table. Generated. */
extern const struct language languages[];
extern const size_t languages_n;

/* The language that a caller means: "de", "de-AT", "de_DE.UTF-8@euro", or several by preference with
 * colons between, as in $LANGUAGE. English when it is NULL, or none of them is there. Never NULL. */
const struct language *language_find(const char *wanted);

/* The text in the language; as it is when there is no translation of it. NULL as language is English,
 * as text gives NULL. */
const char *language_text(const struct language *language, const char *text)
        __attribute__((format_arg(2)));

/* A number as people write it, with a fixed number of decimals, or, if that is negative, as "%g". */
#define LANGUAGE_NUMBER_SIZE 64
void language_number(const struct language *language, double value, int decimals,
                     char ret[static LANGUAGE_NUMBER_SIZE]);
