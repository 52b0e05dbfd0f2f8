/* SPDX-License-Identifier: MIT */
/* Statements prepared, filled in and read: see rows.h and statement.h. */
#include "daemon/store/statement.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

static const char *const *const sql[] = {
        rows_sql_sensor,  rows_sql_night,  rows_sql_episode,  rows_sql_annotation,
        rows_sql_outline, rows_sql_person, rows_sql_waveform, rows_sql_calibration,
};

static const char *sql_of(size_t statement) {
        const char *text = NULL;

        for (size_t i = 0; i < ARRAY_LENGTH(sql) && !text; i++)
                text = sql[i][statement];
        return text;
}

int rows_prepare(struct rows *rows, sqlite3 *handle) {
        *rows = (struct rows){.handle = handle};
        for (size_t i = 0; i < ROWS_STATEMENT_MAX; i++) {
                int rc = sqlite3_prepare_v3(handle, sql_of(i), -1, SQLITE_PREPARE_PERSISTENT,
                                            &rows->statements[i], NULL);

                if (rc != SQLITE_OK) {
                        rows_finalize(rows);
                        return rc;
                }
        }
        return SQLITE_OK;
}

void rows_finalize(struct rows *rows) {
        for (size_t i = 0; i < ROWS_STATEMENT_MAX; i++)
                (void)sqlite3_finalize(rows->statements[i]);
        *rows = (struct rows){};
}

struct binding binding_begin(struct rows *rows, enum rows_statement statement) {
        return (struct binding){.statement = rows->statements[statement]};
}

void binding_text(struct binding *binding, const char *text) {
        binding->index++;
        if (binding->rc == SQLITE_OK)
                binding->rc =
                        sqlite3_bind_text(binding->statement, binding->index, text, -1, SQLITE_STATIC);
}

void binding_bytes(struct binding *binding, const uint8_t *bytes, size_t size) {
        binding->index++;
        if (binding->rc == SQLITE_OK)
                binding->rc = sqlite3_bind_blob64(binding->statement, binding->index, bytes, size,
                                                  SQLITE_STATIC);
}

void binding_number(struct binding *binding, int64_t number) {
        binding->index++;
        if (binding->rc == SQLITE_OK)
                binding->rc = sqlite3_bind_int64(binding->statement, binding->index, number);
}

/* Parameters that are not bound are NULL. */
void binding_null(struct binding *binding) {
        binding->index++;
}

void binding_time(struct binding *binding, int64_t time_us) {
        if (time_us == STORE_NO_TIME)
                binding_null(binding);
        else
                binding_number(binding, time_us);
}

void binding_now(struct binding *binding) {
        struct timespec now;

        (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
        binding_number(binding, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

/* SQLite has no NaN: it stores NULL. */
void binding_real(struct binding *binding, double value) {
        binding->index++;
        if (binding->rc == SQLITE_OK)
                binding->rc = sqlite3_bind_double(binding->statement, binding->index, value);
}

void binding_end(struct binding *binding) {
        /* Its error is that of the last step, which the caller has. */
        (void)sqlite3_reset(binding->statement);
        (void)sqlite3_clear_bindings(binding->statement);
}

/* Runs a statement that gives no rows. */
int binding_run(struct binding *binding) {
        int rc = binding->rc;

        if (rc == SQLITE_OK)
                rc = sqlite3_step(binding->statement);
        binding_end(binding);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

void reading_text(struct reading *reading, char *ret, size_t size) {
        int index = reading->index++;
        const unsigned char *text;

        if (reading->rc != SQLITE_OK)
                return;
        if (sqlite3_column_type(reading->statement, index) == SQLITE_NULL)
                return; /* left empty */
        text = sqlite3_column_text(reading->statement, index);
        if (!text)
                reading->rc = SQLITE_NOMEM;
        else if ((size_t)sqlite3_column_bytes(reading->statement, index) >= size)
                reading->rc = SQLITE_FORMAT; /* longer than anything that was ever put */
        else
                (void)strcpy(ret, (const char *)text);
}

int64_t reading_number(struct reading *reading) {
        return sqlite3_column_int64(reading->statement, reading->index++);
}

int64_t reading_time(struct reading *reading) {
        if (sqlite3_column_type(reading->statement, reading->index) != SQLITE_NULL)
                return reading_number(reading);
        reading->index++;
        return STORE_NO_TIME;
}

double reading_real(struct reading *reading) {
        int index = reading->index++;

        if (sqlite3_column_type(reading->statement, index) == SQLITE_NULL)
                return (double)NAN;
        return sqlite3_column_double(reading->statement, index);
}

int reading_pain(struct reading *reading) {
        if (sqlite3_column_type(reading->statement, reading->index) != SQLITE_NULL)
                return (int)reading_number(reading);
        reading->index++;
        return STORE_NO_PAIN;
}

/* Runs a query to its end and gathers its rows in one array, which the caller frees. */
int binding_gather(struct binding *binding, size_t size, int (*read)(sqlite3_stmt *statement, void *ret),
                   void **ret, size_t *ret_n) {
        _cleanup_(freep) char *rows = NULL;
        size_t n = 0, allocated = 0;
        int rc = binding->rc;

        while (rc == SQLITE_OK) {
                rc = sqlite3_step(binding->statement);
                if (rc != SQLITE_ROW)
                        break;
                if (n == allocated) {
                        size_t more = allocated ? 2 * allocated : 16;
                        char *larger = reallocarray(rows, more, size);

                        if (!larger) {
                                rc = SQLITE_NOMEM;
                                break;
                        }
                        rows = larger;
                        allocated = more;
                }
                memset(rows + n * size, 0, size);
                rc = read(binding->statement, rows + n * size);
                n++;
        }
        binding_end(binding);
        if (rc != SQLITE_DONE)
                return rc;
        *ret = steal_pointer(&rows);
        *ret_n = n;
        return SQLITE_OK;
}

int binding_find_place(struct binding *binding, struct place *ret) {
        int rc = binding->rc;

        if (rc == SQLITE_OK)
                rc = sqlite3_step(binding->statement);
        if (rc == SQLITE_ROW) {
                *ret = (struct place){
                        .onset_us = sqlite3_column_int64(binding->statement, 0),
                        .row = sqlite3_column_int64(binding->statement, 1),
                };
                rc = SQLITE_OK;
        } else if (rc == SQLITE_DONE)
                rc = SQLITE_NOTFOUND;
        binding_end(binding);
        return rc;
}

/*
 * The cursor is the id of the page's last episode, read as a number. Unlike a row number it tells nobody
 * how many episodes others have, and unlike a count it stays right when an earlier episode is added in
 * between.
 */
int rows_find_place(struct rows *rows, enum rows_statement statement, const struct store_filter *filter,
                    struct place *ret) {
        struct binding binding = binding_begin(rows, statement);
        char id[STORE_ID_SIZE];

        (void)snprintf(id, sizeof(id), "%016" PRIx64, filter->after);
        binding_text(&binding, id);
        binding_number(&binding, filter->any_owner);
        binding_number(&binding, filter->owner_uid);
        return binding_find_place(&binding, ret);
}

uint64_t rows_cursor_of(const char *id) {
        return strtoull(id, NULL, 16);
}
