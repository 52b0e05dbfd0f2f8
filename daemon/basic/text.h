/* SPDX-License-Identifier: MIT */
/* Texts for people and from them. Needs nothing; used by the bus objects and the command line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that begins at `text`; 0 if that is a control character (C0, DEL, C1), the end,
 * or no UTF-8 (The Unicode Standard, table 3-7). */
size_t text_character_length(const char *text);
/* Valid UTF-8 without control characters, of less than `size` bytes: fit to be stored, shown and sent
 * over D-Bus. */
bool text_is_name(const char *text, size_t size);

/* Takes off a character that was cut short at the end of UTF-8: no message on the bus may hold it. */
void text_end_at_character(char *text);
/* As snprintf() of "%s", but never cut within a character. */
void text_copy(char *ret, size_t size, const char *text);
