/* SPDX-License-Identifier: MIT */
/*
 * Text for terminals: nothing that came from elsewhere may steer the terminal, and columns are counted
 * in cells.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TEXT_BOLD "\033[1m"
#define TEXT_ALARM "\033[1;31m"
#define TEXT_PLAIN "\033[0m"

/* Writes with control characters replaced by '?', and so what ends lines or turns their direction, and
 * each byte that is no UTF-8; NULL writes nothing. */
void text_write(FILE *file, const char *text);

/* The same into a buffer, cut at a character's border. Returns the bytes without the final 0. */
size_t text_clean(char *to, size_t size, const char *text);

/* The words with line breaks between them, after `begin` in the first line and `indent` in the others;
 * nothing if there is no word. */
void text_write_paragraph(FILE *file, const char *begin, const char *indent, const char *text);

/* Begins with such a character. */
bool text_is_control(const char *text);

/* Cells that text_write() of this fills. */
size_t text_width(const char *text);

/* In the environment while standard output goes to the terminal through a pager. */
#define TEXT_PAGED "CRAMPCTL_PAGED"

/* The stream is a terminal that may get escape sequences, and NO_COLOR is not set (no-color.org). */
bool text_may_colour(FILE *file);

/* Cells in a line of the terminal; COLUMNS, else 80, if the stream is none. */
size_t text_columns(FILE *file);

/* The locale's characters are UTF-8. */
bool text_is_utf8(void);

/* At most `decimals` places, without trailing zeros, with a point whatever the locale; "" if not finite.
 */
#define TEXT_NUMBER_SIZE 64
void text_number(double value, int decimals, char buffer[static TEXT_NUMBER_SIZE]);
