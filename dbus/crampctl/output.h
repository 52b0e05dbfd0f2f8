/* SPDX-License-Identifier: MIT */
/*
 * Where results go: standard output, checked at the end, or a file that appears whole or not at all.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Flushes standard output. Returns 0, or EX_IOERR after saying why; for a write that failed earlier,
 * errno is to hold its reason. To be the last thing a verb does. */
int output_finish_stdout(void);

struct output {
        FILE *file;
        char *path;      /* NULL = standard output */
        char *temporary; /* in the same folder, until committed */
        bool replace;
        bool one_of_many; /* may be set once it is open: output_sync_folder() follows the last */
};

/* `path` may be NULL or "-" for standard output. Without `replace` an existing file is refused. Returns
 * 0, or an exit code after saying why. */
int output_open(struct output *output, const char *path, bool replace);

/* Makes it durable and visible under its name. Returns 0, or an exit code after saying why. */
int output_commit(struct output *output);

/* Makes the names of all that was committed in that folder durable, at once. Returns likewise. */
int output_sync_folder(const char *folder);

/* Removes what was not committed. */
void output_close(struct output *output);
