/* SPDX-License-Identifier: MIT */
/*
 * The tables, as an ordered list of migrations, and what tells a crampd database from any other file.
 * Called by database.c. Functions return SQLite result codes.
 */
#pragma once

#include <sqlite3.h>

#define SCHEMA_APPLICATION_ID 0x43524d50 /* "CRMP", in the file's header */

enum schema_kind {
        SCHEMA_EMPTY,   /* nothing in it yet */
        SCHEMA_OURS,    /* of a version that this crampd knows */
        SCHEMA_NEWER,   /* ours, of a version to come */
        SCHEMA_FOREIGN, /* another program's */
};

/* Reads the header only. */
int schema_identify(sqlite3 *handle, enum schema_kind *ret_kind, int *ret_version);

/* Brings a database of `version` (0 = empty) up to the newest, each step in one transaction of its own.
 */
int schema_migrate(sqlite3 *handle, int version);

int schema_newest(void);
