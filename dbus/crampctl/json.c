/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/json.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>

#include "dbus/crampctl/text.h"

#define DECIMALS_MAX 15

/* Length of the well-formed UTF-8 sequence at `text` (Unicode 15, table 3-7), 0 if there is none. */
static size_t utf8_sequence_length(const char *text) {
        const unsigned char *byte = (const unsigned char *)text;
        unsigned char low = 0x80, high = 0xbf;
        size_t length;

        if (byte[0] < 0x80)
                return 1;
        if (byte[0] >= 0xc2 && byte[0] <= 0xdf)
                length = 2;
        else if (byte[0] >= 0xe0 && byte[0] <= 0xef)
                length = 3;
        else if (byte[0] >= 0xf0 && byte[0] <= 0xf4)
                length = 4;
        else
                return 0;

        /* No overlong forms, no surrogates, nothing beyond U+10FFFF. */
        if (byte[0] == 0xe0)
                low = 0xa0;
        else if (byte[0] == 0xed)
                high = 0x9f;
        else if (byte[0] == 0xf0)
                low = 0x90;
        else if (byte[0] == 0xf4)
                high = 0x8f;

        if (byte[1] < low || byte[1] > high)
                return 0;
        for (size_t i = 2; i < length; i++)
                if (byte[i] < 0x80 || byte[i] > 0xbf)
                        return 0;
        return length;
}

/* Bytes at `text` that stand for themselves. */
static size_t plain_length(const char *text) {
        size_t n = 0;

        while ((unsigned char)text[n] >= 0x20 && (unsigned char)text[n] < 0x7f && text[n] != '"' &&
               text[n] != '\\')
                n++;
        return n;
}

/* Of a well-formed sequence of one to three bytes. */
static unsigned character_of(const char *text, size_t length) {
        const unsigned char *byte = (const unsigned char *)text;

        return length == 1   ? byte[0]
               : length == 2 ? (byte[0] & 0x1fu) << 6 | (byte[1] & 0x3fu)
                             : (byte[0] & 0x0fu) << 12 | (byte[1] & 0x3fu) << 6 | (byte[2] & 0x3fu);
}

static void string_write(FILE *file, const char *text) {
        fputc('"', file);
        while (*text) {
                size_t length = plain_length(text);

                if (length > 0) {
                        (void)fwrite(text, 1, length, file);
                        text += length;
                        continue;
                }
                length = utf8_sequence_length(text);
                if (length == 0) {
                        fputs("\xef\xbf\xbd", file); /* U+FFFD, the replacement character */
                        length = 1;
                } else if (*text == '"' || *text == '\\') {
                        fputc('\\', file);
                        fputc(*text, file);
                } else if (*text == '\n') {
                        fputs("\\n", file);
                } else if (*text == '\t') {
                        fputs("\\t", file);
                } else if (text_is_control(text)) {
                        /* Terminals obey more of these than JSON forbids. */
                        fprintf(file, "\\u%04x", character_of(text, length));
                } else {
                        (void)fwrite(text, 1, length, file);
                }
                text += length;
        }
        fputc('"', file);
}

/* The comma before a value, if one is due, and its key. */
static void value_begin(struct json *json, const char *key) {
        if (json->depth > 0 && json->started[json->depth - 1])
                fputc(',', json->file);
        if (json->depth > 0)
                json->started[json->depth - 1] = true;
        if (key) {
                string_write(json->file, key);
                fputc(':', json->file);
        }
}

static void nesting_begin(struct json *json, const char *key, char bracket) {
        value_begin(json, key);
        assert(json->depth < JSON_DEPTH_MAX);
        json->started[json->depth++] = false;
        fputc(bracket, json->file);
}

static void nesting_end(struct json *json, char bracket) {
        assert(json->depth > 0);
        json->depth--;
        fputc(bracket, json->file);
}

void json_object_begin(struct json *json, const char *key) {
        nesting_begin(json, key, '{');
}

void json_object_end(struct json *json) {
        nesting_end(json, '}');
}

void json_array_begin(struct json *json, const char *key) {
        nesting_begin(json, key, '[');
}

void json_array_end(struct json *json) {
        nesting_end(json, ']');
}

void json_string(struct json *json, const char *key, const char *value) {
        if (!value) {
                json_null(json, key);
                return;
        }
        value_begin(json, key);
        string_write(json->file, value);
}

void json_int(struct json *json, const char *key, int64_t value) {
        value_begin(json, key);
        fprintf(json->file, "%" PRId64, value);
}

void json_uint(struct json *json, const char *key, uint64_t value) {
        value_begin(json, key);
        fprintf(json->file, "%" PRIu64, value);
}

void json_double(struct json *json, const char *key, double value, int decimals) {
        char number[400]; /* the largest double has 309 digits */
        double power = 1;
        int length;

        assert(decimals >= 0 && decimals <= DECIMALS_MAX);
        if (!isfinite(value)) {
                json_null(json, key);
                return;
        }
        value_begin(json, key);
        for (int i = 0; i < decimals; i++)
                power *= 10;

        /* Printed as integers, since the locale may have any decimal sign. Numbers too large for that
         * have no decimals left that a double could tell. */
        if (fabs(value) * power < 9e18) {
                int64_t scaled = llrint(fabs(value) * power), unit = (int64_t)power;

                length = snprintf(number, sizeof(number), "%s%" PRId64 ".%0*" PRId64,
                                  value < 0 && scaled != 0 ? "-" : "", scaled / unit, decimals,
                                  scaled % unit);
                while (number[length - 1] == '0')
                        length--;
                if (number[length - 1] == '.')
                        length--;
        } else
                length = snprintf(number, sizeof(number), "%.0f", value);

        (void)fwrite(number, 1, (size_t)length, json->file);
}

void json_bool(struct json *json, const char *key, bool value) {
        value_begin(json, key);
        fputs(value ? "true" : "false", json->file);
}

void json_null(struct json *json, const char *key) {
        value_begin(json, key);
        fputs("null", json->file);
}

int json_end_line(struct json *json) {
        assert(json->depth == 0);
        fputc('\n', json->file);
        return ferror(json->file) ? -EIO : 0;
}

int json_finish(struct json *json) {
        (void)json_end_line(json);
        return fflush(json->file) != 0 || ferror(json->file) ? -EIO : 0;
}
