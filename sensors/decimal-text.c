/* SPDX-License-Identifier: MIT */
/* Decimal numbers in text: see decimal-text.h. */
#include "sensors/decimal-text.h"

#include <errno.h>
#include <stdbool.h>

#define VALUE_MAX (INT64_C(2000000) * DECIMAL_TEXT_SCALE)

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t' || c == '\r';
}

int decimal_text_read(const char *text, size_t size, int32_t *ret) {
        int64_t value = 0, unit = DECIMAL_TEXT_SCALE;
        bool negative = false, digits = false;
        size_t i = 0;

        while (size > 0 && is_blank(text[size - 1]))
                size--;
        while (i < size && is_blank(text[i]))
                i++;
        if (i < size && (text[i] == '-' || text[i] == '+'))
                negative = text[i++] == '-';
        for (; i < size && is_digit(text[i]); i++, digits = true) {
                value = value * 10 + (int64_t)(text[i] - '0') * DECIMAL_TEXT_SCALE;
                if (value > VALUE_MAX)
                        return -ERANGE;
        }
        if (i < size && text[i] == '.')
                for (i++; i < size && is_digit(text[i]); i++, digits = true) {
                        unit /= 10;
                        value += unit * (text[i] - '0');
                }
        if (!digits || i < size)
                return -EINVAL;
        if (value > VALUE_MAX)
                return -ERANGE;
        *ret = (int32_t)(negative ? -value : value);
        return 0;
}
