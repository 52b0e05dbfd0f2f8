/* SPDX-License-Identifier: MIT */
/*
 * The database: the one SQLite connection and its file. Owns opening, checking, setting aside,
 * transactions and checkpoints, and puts SQLite's errors into errnos and words. Called by writer.c, on
 * the writer thread only.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <sqlite3.h>

#include "daemon/store/rows.h"

#define DATABASE_TEXT_SIZE 768

struct database {
        const char *path;
        const atomic_bool *abandoned; /* once set, whatever SQLite is doing is cut short: -ECANCELED */
        sqlite3 *handle;              /* NULL while closed */
        struct rows rows;
        int wal_pages; /* in the write-ahead log since it was last emptied */
};

enum database_check {
        DATABASE_CHECK_IF_UNCLEAN, /* a quick one, unless the last run ended cleanly */
        DATABASE_CHECK_ALL,        /* thorough, indexes too */
};

/*
 * Opens, checks and migrates; creates what is not there. Returns 0; -EBADMSG for a damaged database;
 * -EPROTO for one of a newer version or another program's, which is left as it is; or another negative
 * errno. On failure the database is closed and ret_text (DATABASE_TEXT_SIZE) says what is wrong and what
 * helps.
 */
int database_open(struct database *database, enum database_check check, char *ret_text);

/* Ends a run: open nights and episodes of the run before get an end. Needs a transaction; SQLite result
 * code. */
int database_close_interrupted(struct database *database);
/* Remembers whether this run ended cleanly. SQLite result code. */
int database_mark_clean(struct database *database, bool clean);

/* SQLite result codes. */
int database_begin(struct database *database);
int database_commit(struct database *database);
void database_rollback(struct database *database);

/* Copies the write-ahead log into the file, if it has grown or `all` of it is to go. False when that
 * failed: nothing is lost, but the log is as it was. */
bool database_checkpoint(struct database *database, bool all);

/* True when the file is no longer what the path names. */
bool database_is_moved(struct database *database);

/* Closes. `tidy`: with the write-ahead log emptied into the file; else the files stay as they are. */
void database_close(struct database *database, bool tidy);

/* Renames the closed database and what belongs to it to PATH.damaged-UTC... (ret_path, PATH_MAX).
 * Negative errno. */
int database_set_aside(const struct database *database, char *ret_path);

/* The errno for a result code that SQLite has just given on `handle` (may be NULL). */
int sqlite_error(sqlite3 *handle, int rc);
/* True if the row is at fault, so that trying again would not help. */
bool sqlite_error_is_of_row(int rc);

/* What is wrong and what helps, in one or two sentences. */
void database_describe(const struct database *database, int error, char *ret_text);
