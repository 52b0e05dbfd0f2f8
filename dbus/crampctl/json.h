/* SPDX-License-Identifier: MIT */
/*
 * Writes JSON to a stream: commas and nesting are kept by the writer, numbers are printed independent of
 * the locale, strings are escaped and invalid UTF-8 is replaced. Used by all verbs. (A library would be
 * one more dependency of a plain build for these few lines.)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH_MAX 16

struct json {
        FILE *file;
        unsigned depth;
        bool started[JSON_DEPTH_MAX]; /* something was written at this depth */
};

#define JSON_INIT(stream) ((struct json){.file = (stream)})

/* `key` is NULL inside an array and at the top. */
void json_object_begin(struct json *json, const char *key);
void json_object_end(struct json *json);
void json_array_begin(struct json *json, const char *key);
void json_array_end(struct json *json);
void json_string(struct json *json, const char *key, const char *value); /* NULL gives null */
void json_int(struct json *json, const char *key, int64_t value);
void json_uint(struct json *json, const char *key, uint64_t value);
/* At most `decimals` places; NaN and infinities give null. */
void json_double(struct json *json, const char *key, double value, int decimals);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);
/* Ends a top-level value: newline, ready for the next. Returns -EIO if the stream has failed. */
int json_end_line(struct json *json);
/* The same, and flushes, so that a reader has it now. */
int json_finish(struct json *json);
