/* SPDX-License-Identifier: MIT */
/* The advisor: see advisor.h. */
#include "daemon/advisor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"

#define ASSIGNMENTS_MAX 32u

void advisor_read_profile(const char *text, struct profile *ret) {
        _cleanup_(freep) char *copy = strdup(text);
        const char *assignments[ASSIGNMENTS_MAX];
        struct profile_error error;
        char *rest = copy;
        size_t n = 0;

        *ret = PROFILE_EMPTY;
        for (char *line; rest && n < ASSIGNMENTS_MAX && (line = strsep(&rest, "\n"));)
                if (line[0])
                        assignments[n++] = line;
        if (profile_set_all(ret, assignments, n, &error) >= 0)
                return;
        for (size_t i = 0; i < n; i++)
                (void)profile_set(ret, assignments[i], &error);
}

int advisor_write_profile(const struct profile *profile, char *text, size_t size) {
        char value[PROFILE_VALUE_SIZE];
        size_t used = 0;

        text[0] = '\0';
        for (const char *const *key = profile_keys; *key; key++) {
                int r = profile_get(profile, *key, value, sizeof(value)), n;

                if (r < 0)
                        return r;
                if (!value[0])
                        continue;
                n = snprintf(text + used, size - used, "%s=%s\n", *key, value);
                if (n < 0 || (size_t)n >= size - used)
                        return -ENOBUFS;
                used += (size_t)n;
        }
        return 0;
}
