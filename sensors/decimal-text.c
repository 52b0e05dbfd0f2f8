/* SPDX-License-Identifier: MIT */
/* Decimal numbers in text: see decimal-text.h. */
#include "sensors/decimal-text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "sensors/recording/decimal.h"

#define VALUE_MAX (INT64_C(2000000) * DECIMAL_TEXT_SCALE)
/* Parsed to so many places more than are kept, so that what follows is cut and not rounded. */
#define PLACES 9
#define CUT INT64_C(1000000)

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\r';
}

int decimal_text_read(const char *text, size_t size, int32_t *ret) {
        int64_t value;
        int r;

        while (size > 0 && is_blank(text[size - 1]))
                size--;
        while (size > 0 && is_blank(*text)) {
                text++;
                size--;
        }
        if (size == 0)
                return -EINVAL;
        if (memchr(text, 'e', size) || memchr(text, 'E', size))
                return -EINVAL;
        r = decimal_parse(text, size, PLACES, &value);
        if (r < 0)
                return r;
        value /= CUT;
        if (value > VALUE_MAX || value < -VALUE_MAX)
                return -ERANGE;
        *ret = (int32_t)value;
        return 0;
}
