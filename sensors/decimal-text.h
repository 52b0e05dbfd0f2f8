/* SPDX-License-Identifier: MIT */
/*
 * Decimal numbers as small sensors print them, for the drivers that read text. Strict on purpose: what
 * is not plainly a number is none. Needs nothing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Values are kept in thousandths, as counts. */
#define DECIMAL_TEXT_SCALE 1000

/*
 * Reads [+-]digits[.digits] of `size` bytes, spaces around it left out, and rounds towards 0 to
 * thousandths. No exponent, no comma, no inf or nan. Returns 0, or -EINVAL; -ERANGE beyond +-2 million.
 */
int decimal_text_read(const char *text, size_t size, int32_t *ret);
