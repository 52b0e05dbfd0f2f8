/* SPDX-License-Identifier: MIT */
/*
 * Decimal text to a scaled integer, exactly: no floating point, no locale, so that a file gives the same
 * counts on every machine. Needs the C language only; used by the CSV reader and for numbers on the
 * command line.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * `text` of `length` bytes ([+-]digits[.digits][e[+-]digits], no blanks) times 10^shift, rounded half
 * away from zero. Returns 0, -EINVAL if it is no number, -ERANGE if the result is beyond 18 digits.
 */
int decimal_parse(const char *text, size_t length, int shift, int64_t *ret);
