/* SPDX-License-Identifier: MIT */
/*
 * The words of a client itself, in the language of its one user: _() around them, or N_() where they can
 * only be marked. Looked up in the same table as crampd's (daemon/basic/language.h says why), so that
 * one answer is in one language. The language is that of the locale, as gettext finds it: the first of
 * LC_ALL, LC_MESSAGES and LANG that is set, and before it $LANGUAGE unless that is C; or what
 * words_choose() was given. It is the state of the whole program, as with gettext.
 */
#pragma once

#include "daemon/basic/language.h"
#include "daemon/guidance/translate.h"
#include "dbus/crampctl/text.h"

#define _(text) words_text(text)

/* NULL gives "". */
const char *words_text(const char *text) __attribute__((format_arg(1), returns_nonnull));

const struct language *words_language(void);

/* What to ask of crampd, as crampd_client_set_language() takes it; NULL: English is wanted. */
const char *words_wanted(void);

/* From now on this one, whatever the locale. Returns 0, or -EINVAL for a language that is not there. The
 * text has to stay. */
int words_choose(const char *wanted);

/* As text_number(), with the mark of the language. */
void words_number(double value, int decimals, char buffer[static TEXT_NUMBER_SIZE]);

/* A number among the values of a format: words_figure(2.5, 1).text is "2.5", with the mark of the
 * language; negative decimals as with language_number(). */
struct words_figure {
        char text[LANGUAGE_NUMBER_SIZE];
};
struct words_figure words_figure(double value, int decimals);

/* A sentence of crampd's own or of the client library ("link lost, trying again in 2 s"), told in
 * English, for people: piece by piece, with figures and names in it too (filled.h), and as it is where
 * it is another program's or not marked for translation. */
struct words_sentence {
        char text[2048];
};
struct words_sentence words_of_sentence(const char *sentence);

/* A word of a closed list ("left", "moderate") for people; as it is when it is none of those. */
const char *words_of_list(const char *word);

/* How Bluetooth is, as crampd_status has it ("no-bluez"), for people, and where to read on. */
const char *words_of_bluetooth(const char *bluetooth);

/* The grade of evidence ("common-advice") for people, and whom it is of ("older-adults"). */
const char *words_of_grade(const char *grade);
const char *words_of_population(const char *population);
