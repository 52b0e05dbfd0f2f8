/* SPDX-License-Identifier: MIT */
/*
 * Texts whose blanks are filled in already, as crampd and the client library hand out their errors in
 * English ("Option 'limit' must be 1 to 250."): found again among the formats that are translated, and
 * filled in there. Called by words.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/basic/language.h"

/* Whether `text` is one of the formats, filled in; then `ret` has its translation, cut to `size`. Of
 * several formats the one counts that says most of it itself. Numbers get the language's mark, words
 * are translated if they can be. */
bool filled_translate(const struct language *language, const char *text, char *ret, size_t size);
