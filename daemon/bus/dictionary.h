/* SPDX-License-Identifier: MIT */
/*
 * Dictionaries (a{sv}) to and from messages. Appending carries the first error along in `r`, so that a
 * long dictionary is checked once, at its end. Reading checks each value's type and skips unknown keys.
 * Used by the bus objects.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

void dictionary_open(sd_bus_message *message, int *r);
/* `type` is one basic type; its value follows. */
void dictionary_append(sd_bus_message *message, int *r, const char *key, const char *type, ...);
/* An array of doubles. */
void dictionary_append_doubles(sd_bus_message *message, int *r, const char *key, const double *values,
                               size_t n);
/* An array of texts or structures, which come in between. `signature`: of the array. */
void dictionary_open_array(sd_bus_message *message, int *r, const char *key, const char *signature);
void dictionary_close_array(sd_bus_message *message, int *r);
void dictionary_close(sd_bus_message *message, int *r);

/* One key that a method knows. */
struct dictionary_entry {
        const char *key;
        char type;       /* basic type */
        void *ret_value; /* const char **, uint32_t *, int64_t *, ...: as sd_bus_message_read_basic()
                            wants */
        bool *ret_found; /* may be NULL */
};

/* Reads a whole a{sv}; entries end with a NULL key. Returns 0, or sets InvalidArgument for a value of
 * another type. */
int dictionary_read(sd_bus_message *message, const struct dictionary_entry *entries,
                    sd_bus_error *error);
