/* SPDX-License-Identifier: MIT */
/*
 * Rows: each struct of store.h written to and read from its table, by prepared statements. Each subject
 * has a file of its own with its SQL, rows-SUBJECT.c and person.c; a new one is listed in rows.c. Called
 * by database.c and writer.c on the writer thread. Functions return SQLite result codes; SQLITE_OK when
 * done.
 */
#pragma once

#include <sqlite3.h>

#include "daemon/store/request.h"

enum rows_statement {
        ROWS_PUT_PERSON,
        ROWS_PUT_SENSOR,
        ROWS_PUT_NIGHT,
        ROWS_PUT_EPISODE,
        ROWS_PUT_ACCOUNT,
        ROWS_GET_ACCOUNT,
        ROWS_ANNOTATE,
        ROWS_CLEAR_EPISODE,
        ROWS_FIND_BESIDE,
        ROWS_ADD_MISSED,
        ROWS_CLEAR_MISSED,
        ROWS_FIND_MISSED,
        ROWS_LIST_MISSED,
        ROWS_LIST_VERDICTS,
        ROWS_PUT_BATTERY,
        ROWS_PRUNE_SENSORS,
        ROWS_PUT_CALIBRATED,
        ROWS_DELETE_CALIBRATION,
        ROWS_PUT_CALIBRATION,
        ROWS_LIST_CALIBRATION,
        ROWS_PUT_GAP,
        ROWS_LIST_SENSORS,
        ROWS_FIND_CURSOR,
        ROWS_LIST_EPISODES,
        ROWS_LIST_EPISODES_OF_SENSOR,
        ROWS_GET_EPISODE,
        ROWS_FIND_NIGHT,
        ROWS_LIST_NIGHTS,
        ROWS_OUTLINE_EPISODES,
        ROWS_OUTLINE_EPISODES_OF_SENSOR,
        ROWS_OUTLINE_NIGHTS,
        ROWS_TABULATE_EPISODES,
        ROWS_TABULATE_EPISODES_OF_SENSOR,
        ROWS_LIST_GAPS,
        ROWS_PUT_PROFILE,
        ROWS_DELETE_PROFILE,
        ROWS_GET_PROFILE,
        ROWS_IS_LOG_FULL,
        ROWS_PUT_ENTRY,
        ROWS_DELETE_ENTRY,
        ROWS_FIND_ENTRY,
        ROWS_LIST_ENTRIES,
        ROWS_PUT_TRIAL,
        ROWS_DELETE_TRIAL,
        ROWS_LIST_TRIALS,
        ROWS_LIST_EVENINGS,
        ROWS_LIST_CRAMPS,
        ROWS_PUT_WAVEFORM,
        ROWS_PRUNE_WAVEFORMS,
        ROWS_GET_WAVEFORM,
        ROWS_TOUCH_EPISODE,
        ROWS_LIST_CHANGES,
        ROWS_STATEMENT_MAX
};

struct rows {
        sqlite3 *handle;
        sqlite3_stmt *statements[ROWS_STATEMENT_MAX];
};

int rows_prepare(struct rows *rows, sqlite3 *handle);
void rows_finalize(struct rows *rows);

int rows_put_sensor(struct rows *rows, const struct store_sensor *sensor);
int rows_put_night(struct rows *rows, const struct store_night *night);
int rows_put_episode(struct rows *rows, const struct store_episode *episode);
int rows_put_account(struct rows *rows, const struct store_account *account);
/* SQLITE_NOTFOUND when the owner has nothing of that id. A missed cramp that is refused is no failure:
 * `*ret_error` tells why, as store_annotate() has it, and `ret_beside` of what stands in its way. */
int rows_annotate(struct rows *rows, const struct store_annotation *annotation,
                  char ret_beside[static STORE_ID_SIZE], int *ret_error);
int rows_put_battery(struct rows *rows, const struct store_battery *battery);
int rows_put_gap(struct rows *rows, const struct store_gap *gap);

/* And forgets the oldest of that owner, beyond STORE_WAVEFORMS_KEPT. */
int rows_put_waveform(struct rows *rows, const struct store_waveform *waveform);
/* *ret stays as it is when there is none. */
int rows_get_waveform(struct rows *rows, const struct store_filter *filter, struct store_waveform **ret);
/* In outline.c: REQUEST_OUTLINE_EPISODES, _NIGHTS or REQUEST_TABULATE_EPISODES. The caller frees *ret.
 */
int rows_outline(struct rows *rows, const struct store_filter *filter, enum request_kind question,
                 struct store_outline **ret, uint64_t *ret_cursor);

/* SQLITE_NOTFOUND when there is no such sensor. */
int rows_put_calibration(struct rows *rows, const struct store_calibration *calibration);
/* Into a sensor that its own row was read for. */
int rows_read_calibration(struct rows *rows, struct store_sensor *sensor);

/* In person.c. */
int rows_change_person(struct rows *rows, const struct store_person_change *change);
int rows_get_person(struct rows *rows, const struct store_person_filter *filter,
                    struct store_person **ret);

/* The caller frees *ret, which is NULL when there is none. */
int rows_list_sensors(struct rows *rows, struct store_sensor **ret, size_t *ret_n);
/* SQLITE_NOTFOUND when the filter's cursor is no episode of that owner. */
int rows_list_episodes(struct rows *rows, const struct store_filter *filter, struct store_episode **ret,
                       size_t *ret_n, uint64_t *ret_cursor);
/* None or one. */
int rows_get_account(struct rows *rows, const struct store_filter *filter, struct store_account **ret,
                     size_t *ret_n);
int rows_list_verdicts(struct rows *rows, const struct store_filter *filter, struct store_verdict **ret,
                       size_t *ret_n);
/* As episodes, with missed cramps. */
int rows_list_missed(struct rows *rows, const struct store_filter *filter, struct store_missed **ret,
                     size_t *ret_n, uint64_t *ret_cursor);
/* The same with nights. */
int rows_list_nights(struct rows *rows, const struct store_filter *filter,
                     struct store_night_report **ret, size_t *ret_n, uint64_t *ret_cursor);
