/* SPDX-License-Identifier: MIT */
#include "sensors/recording/decimal.h"

#include <errno.h>
#include <stdbool.h>

/* 18 digits always fit an int64_t, and further ones cannot change a rounding half away from zero. */
#define DIGITS_MAX 18
#define EXPONENT_MAX 100000

static const int64_t powers_of_ten[DIGITS_MAX + 1] = {
        INT64_C(1),
        INT64_C(10),
        INT64_C(100),
        INT64_C(1000),
        INT64_C(10000),
        INT64_C(100000),
        INT64_C(1000000),
        INT64_C(10000000),
        INT64_C(100000000),
        INT64_C(1000000000),
        INT64_C(10000000000),
        INT64_C(100000000000),
        INT64_C(1000000000000),
        INT64_C(10000000000000),
        INT64_C(100000000000000),
        INT64_C(1000000000000000),
        INT64_C(10000000000000000),
        INT64_C(100000000000000000),
        INT64_C(1000000000000000000),
};

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* Reads what follows the "e". */
static int exponent_parse(const char *text, const char *end, int *ret) {
        bool negative = false;
        int exponent = 0;

        if (text < end && (*text == '+' || *text == '-'))
                negative = *text++ == '-';
        if (text == end)
                return -EINVAL;
        for (; text < end; text++) {
                if (!is_digit(*text))
                        return -EINVAL;
                if (exponent < EXPONENT_MAX)
                        exponent = exponent * 10 + (*text - '0');
        }

        *ret = negative ? -exponent : exponent;
        return 0;
}

static int mantissa_scale(int64_t mantissa, int64_t exponent, int64_t *ret) {
        if (mantissa == 0 || exponent < -DIGITS_MAX) {
                *ret = 0;
                return 0;
        }
        if (exponent >= 0) {
                if (exponent > DIGITS_MAX ||
                    mantissa >= powers_of_ten[DIGITS_MAX] / powers_of_ten[exponent])
                        return -ERANGE;
                *ret = mantissa * powers_of_ten[exponent];
                return 0;
        }

        int64_t divisor = powers_of_ten[-exponent];

        *ret = mantissa / divisor + (mantissa % divisor >= divisor - divisor / 2);
        return 0;
}

int decimal_parse(const char *text, size_t length, int shift, int64_t *ret) {
        const char *end = text + length;
        bool negative = false, any = false, point = false;
        int64_t mantissa = 0, exponent = shift, value = 0;
        int digits = 0, r;

        if (text < end && (*text == '+' || *text == '-'))
                negative = *text++ == '-';

        for (; text < end; text++) {
                if (is_digit(*text)) {
                        any = true;
                        if (digits == DIGITS_MAX) {
                                exponent += !point;
                                continue;
                        }
                        mantissa = mantissa * 10 + (*text - '0');
                        digits += mantissa != 0; /* leading zeros are free */
                        exponent -= point;
                } else if (*text == '.' && !point) {
                        point = true;
                } else {
                        break;
                }
        }
        if (!any)
                return -EINVAL;

        if (text < end) {
                int written;

                if (*text != 'e' && *text != 'E')
                        return -EINVAL;
                r = exponent_parse(text + 1, end, &written);
                if (r < 0)
                        return r;
                exponent += written;
        }

        r = mantissa_scale(mantissa, exponent, &value);
        if (r < 0)
                return r;

        *ret = negative ? -value : value;
        return 0;
}
