/* SPDX-License-Identifier: MIT */
/* Dictionaries to and from messages: see dictionary.h. */
#include "daemon/bus/dictionary.h"

#include <stdarg.h>
#include <string.h>

#include "daemon/bus/error.h"

#define OPTIONS_MAX 32u

void dictionary_open(sd_bus_message *message, int *r) {
        if (*r >= 0)
                *r = sd_bus_message_open_container(message, 'a', "{sv}");
}

void dictionary_append(sd_bus_message *message, int *r, const char *key, const char *type, ...) {
        va_list arguments;

        if (*r >= 0)
                *r = sd_bus_message_open_container(message, 'e', "sv");
        if (*r >= 0)
                *r = sd_bus_message_append_basic(message, 's', key);
        if (*r >= 0)
                *r = sd_bus_message_open_container(message, 'v', type);
        va_start(arguments, type);
        if (*r >= 0)
                *r = sd_bus_message_appendv(message, type, arguments);
        va_end(arguments);
        if (*r >= 0)
                *r = sd_bus_message_close_container(message);
        if (*r >= 0)
                *r = sd_bus_message_close_container(message);
}

void dictionary_append_doubles(sd_bus_message *message, int *r, const char *key, const double *values,
                               size_t n) {
        if (*r >= 0)
                *r = sd_bus_message_open_container(message, 'e', "sv");
        if (*r >= 0)
                *r = sd_bus_message_append_basic(message, 's', key);
        if (*r >= 0)
                *r = sd_bus_message_open_container(message, 'v', "ad");
        if (*r >= 0)
                *r = sd_bus_message_append_array(message, 'd', values, n * sizeof(*values));
        if (*r >= 0)
                *r = sd_bus_message_close_container(message);
        if (*r >= 0)
                *r = sd_bus_message_close_container(message);
}

void dictionary_open_array(sd_bus_message *message, int *r, const char *key, const char *signature) {
        if (*r >= 0)
                *r = sd_bus_message_open_container(message, 'e', "sv");
        if (*r >= 0)
                *r = sd_bus_message_append_basic(message, 's', key);
        if (*r >= 0)
                *r = sd_bus_message_open_container(message, 'v', signature);
        if (*r >= 0)
                *r = sd_bus_message_open_container(message, 'a', signature + 1);
}

void dictionary_close_array(sd_bus_message *message, int *r) {
        for (unsigned i = 0; i < 3 && *r >= 0; i++)
                *r = sd_bus_message_close_container(message);
}

void dictionary_close(sd_bus_message *message, int *r) {
        if (*r >= 0)
                *r = sd_bus_message_close_container(message);
}

static int read_value(sd_bus_message *message, const char *key, const struct dictionary_entry *entries,
                      sd_bus_error *error) {
        const char *contents;
        int r;

        for (const struct dictionary_entry *entry = entries; entry->key; entry++) {
                const char type[] = {entry->type, '\0'};

                if (strcmp(key, entry->key) != 0)
                        continue;
                r = sd_bus_message_peek_type(message, NULL, &contents);
                if (r < 0)
                        return r;
                if (strcmp(contents, type) != 0)
                        return sd_bus_error_setf(error, ERROR_INVALID_ARGUMENT,
                                                 "Option '%s' must be of type '%s', not '%s'.", key,
                                                 type, contents);
                r = sd_bus_message_read(message, "v", type, entry->ret_value);
                if (r < 0)
                        return r;
                if (entry->ret_found)
                        *entry->ret_found = true;
                return 0;
        }

        /* Skipping costs by size, and everybody waits for it: a container may hold millions. */
        r = sd_bus_message_peek_type(message, NULL, &contents);
        if (r < 0)
                return r;
        if (contents[1] != '\0')
                return sd_bus_error_set(error, ERROR_INVALID_ARGUMENT,
                                        "An unknown option is not of a basic type.");
        return sd_bus_message_skip(message, "v");
}

int dictionary_read(sd_bus_message *message, const struct dictionary_entry *entries,
                    sd_bus_error *error) {
        unsigned n = 0;
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                const char *key;

                if (++n > OPTIONS_MAX)
                        return sd_bus_error_setf(error, ERROR_INVALID_ARGUMENT,
                                                 "There are more than %u options.", OPTIONS_MAX);
                r = sd_bus_message_read_basic(message, 's', &key);
                if (r < 0)
                        return r;
                r = read_value(message, key, entries, error);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        return sd_bus_message_exit_container(message);
}
