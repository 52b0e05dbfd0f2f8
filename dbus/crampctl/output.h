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
        char *path;  /* NULL = standard output */
        char *place; /* where it can be opened again until it is committed */
        bool named;  /* `place` is a name in the same folder; else it has none yet */
        bool replace;
};

/* `path` may be NULL or "-" for standard output. Without `replace` an existing file is refused. Whatever
 * happens before the commit, nothing of it is left, where the file system knows files without a name.
 * Returns 0, or an exit code after saying why. */
int output_open(struct output *output, const char *path, bool replace);

/* The same, with a name until it is committed, for libraries that make files beside it. */
int output_open_named(struct output *output, const char *path, bool replace);

/* Makes it durable and visible under its name. Returns 0, or an exit code after saying why. */
int output_commit(struct output *output);

/* Drops what was not committed. */
void output_close(struct output *output);

/*
 * Many files of one folder: a disk takes as long to be told that one is whole as to be told of many, so
 * they become durable and visible so many at a time. More would cost those whom `replace` leaves two of
 * each more room, and descriptors.
 */
#define OUTPUT_BATCH_FILES 64u

struct output_batch {
        char *folder;
        int fd; /* of the folder */
        struct output files[OUTPUT_BATCH_FILES];
        size_t n;
};

#define OUTPUT_BATCH_INIT ((struct output_batch){.fd = -1})

/* Each returns 0, or an exit code after saying why. */
int output_batch_begin(struct output_batch *batch, const char *folder);
/* Takes over a file of that folder that is written. */
int output_batch_add(struct output_batch *batch, struct output *output);
/* Commits what is left and makes all names durable. */
int output_batch_commit(struct output_batch *batch);
/* Drops what was not committed. */
void output_batch_clear(struct output_batch *batch);
