/* SPDX-License-Identifier: MIT */
/*
 * Statements: one prepared statement being filled in, run and read, and the SQL that each file of rows
 * brings. Owned by rows.c; used by the rows-*.c files, person.c and outline.c alone. The first error
 * stays, and the end of a statement tells it, as a SQLite result code.
 */
#pragma once

#include "daemon/store/rows.h"

/* The SQL of each subject, NULL where a statement is of another one. */
extern const char *const rows_sql_sensor[ROWS_STATEMENT_MAX];
extern const char *const rows_sql_night[ROWS_STATEMENT_MAX];
extern const char *const rows_sql_episode[ROWS_STATEMENT_MAX];
extern const char *const rows_sql_annotation[ROWS_STATEMENT_MAX];
extern const char *const rows_sql_outline[ROWS_STATEMENT_MAX];
extern const char *const rows_sql_person[ROWS_STATEMENT_MAX];
extern const char *const rows_sql_waveform[ROWS_STATEMENT_MAX];
extern const char *const rows_sql_calibration[ROWS_STATEMENT_MAX];

/* The time of a change, later than that of any before it, whatever the clock says: `now` is a parameter
 * for binding_now(). */
#define NEXT_CHANGE(now) "max(" now ", 1 + (SELECT coalesce(max(changed_us), 0) FROM episode))"

/* The night `n` that sensor `s` watched at the time of missed cramp `m`, and whether it had no gap then.
 * A sensor watches one night at a time: only the last that had begun can be it, and looking for others
 * would read all of them for each cramp. */
#define NIGHT_OF_MISSED                                                        \
        "n.row = (SELECT row FROM night WHERE sensor = s.row AND start_us <= " \
        "m.time_us ORDER BY start_us DESC LIMIT 1) "                           \
        "AND coalesce(n.end_us, n.seen_us) >= m.time_us "
#define NO_GAP_AT_MISSED                                             \
        "NOT EXISTS (SELECT 1 FROM gap g WHERE g.night = n.row AND " \
        "g.start_us <= m.time_us AND g.end_us > m.time_us) "

/* One statement being filled in from its first parameter on; the first error stays. */
struct binding {
        sqlite3_stmt *statement;
        int index;
        int rc;
};

struct binding binding_begin(struct rows *rows, enum rows_statement statement);
/* Texts are not copied: they must last until the statement ends. */
void binding_text(struct binding *binding, const char *text);
/* Likewise. */
void binding_bytes(struct binding *binding, const uint8_t *bytes, size_t size);
void binding_number(struct binding *binding, int64_t number);
/* Parameters that are not bound are NULL. */
void binding_null(struct binding *binding);
/* STORE_NO_TIME is NULL. */
void binding_time(struct binding *binding, int64_t time_us);
/* Realtime. */
void binding_now(struct binding *binding);
/* SQLite has no NaN: it stores NULL. */
void binding_real(struct binding *binding, double value);
void binding_end(struct binding *binding);
/* Runs a statement that gives no rows. */
int binding_run(struct binding *binding);
/* Runs a query to its end and gathers its rows in one array, which the caller frees. */
int binding_gather(struct binding *binding, size_t size, int (*read)(sqlite3_stmt *statement, void *ret),
                   void **ret, size_t *ret_n);

/* One row being read from its first column on; the first error stays. */
struct reading {
        sqlite3_stmt *statement;
        int index;
        int rc;
};

/* Left empty for NULL; SQLITE_FORMAT for what is longer than anything that was ever put. */
void reading_text(struct reading *reading, char *ret, size_t size);
#define READ_TEXT(reading, array) reading_text((reading), (array), sizeof(array))
int64_t reading_number(struct reading *reading);
int64_t reading_time(struct reading *reading);
double reading_real(struct reading *reading);
int reading_pain(struct reading *reading);

/* A place in the order of episodes, nights, missed cramps or entries: beyond it the next page begins. */
struct place {
        int64_t onset_us;
        int64_t row;
};

/* Runs a query whose row is one; SQLITE_NOTFOUND if it gives none. */
int binding_find_place(struct binding *binding, struct place *ret);
/* Where the filter's cursor is; SQLITE_NOTFOUND if that owner has no such row. */
int rows_find_place(struct rows *rows, enum rows_statement statement, const struct store_filter *filter,
                    struct place *ret);
uint64_t rows_cursor_of(const char *id);
