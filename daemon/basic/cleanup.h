/* SPDX-License-Identifier: MIT */
/*
 * Cleanup by scope: `_cleanup_(freep)` and friends. Header only, needs libc alone; every room but the
 * public client library may include it.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))
#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Defines NAMEp(), for _cleanup_(NAMEp), from a function that takes the pointer and accepts NULL. */
#define DEFINE_CLEANUP(type, function)                  \
        static inline void function##p(type *pointer) { \
                if (*pointer)                           \
                        function(*pointer);             \
        }

static inline void freep(void *pointer) {
        free(*(void **)pointer);
}

static inline void closep(int *fd) {
        if (*fd >= 0)
                (void)close(*fd);
}

static inline void fclosep(FILE **file) {
        if (*file)
                (void)fclose(*file);
}

/* Hands a value over and leaves an empty one behind: `*ret = steal_pointer(&x)`. */
#define steal_pointer(pointer)                               \
        ({                                                   \
                __typeof__(*(pointer)) _stolen = *(pointer); \
                *(pointer) = NULL;                           \
                _stolen;                                     \
        })

static inline int steal_fd(int *fd) {
        int stolen = *fd;

        *fd = -1;
        return stolen;
}
