/* SPDX-License-Identifier: MIT */
/* The rows of what people say of episodes, and of cramps that raised no alert: see rows.h. */
#include <errno.h>
#include <string.h>

#include "daemon/store/statement.h"

#define OF_OWNER "(?2 OR sensor IN (SELECT row FROM sensor WHERE owner_uid = ?3))"

const char *const rows_sql_annotation[ROWS_STATEMENT_MAX] = {
        /* What is not given is NULL, and stays. */
        [ROWS_ANNOTATE] = "UPDATE episode SET verdict = coalesce(?4, verdict), "
                          "pain = coalesce(?5, pain), note = coalesce(?6, note), annotated_us = ?7, "
                          "changed_us = " NEXT_CHANGE("?7") " WHERE id = ?1 AND " OF_OWNER,
        [ROWS_CLEAR_EPISODE] =
                "UPDATE episode SET verdict = '', pain = NULL, note = '', "
                "annotated_us = NULL, changed_us = " NEXT_CHANGE("?4") " WHERE id = ?1 AND " OF_OWNER,
        /* Of a sensor's alerts only the last that had begun can cover a time. One that lasts ends later
         * than anything that is told. */
        [ROWS_FIND_BESIDE] =
                "SELECT (SELECT id FROM episode WHERE row = (SELECT row FROM episode "
                "WHERE sensor = s.row AND onset_us <= ?4 + ?5 ORDER BY onset_us DESC LIMIT 1) "
                "AND coalesce(end_us, ?4) >= ?4 - ?5), "
                "(SELECT id FROM missed WHERE sensor = s.row AND time_us > ?4 - ?5 "
                "AND time_us < ?4 + ?5 ORDER BY time_us LIMIT 1), s.added_us > ?4 + ?5 "
                "FROM sensor s WHERE s.id = ?1 AND (?2 OR s.owner_uid = ?3)",
        [ROWS_ADD_MISSED] =
                "INSERT INTO missed (id, sensor, time_us, zone_offset_s, pain, note, annotated_us) "
                "SELECT ?1, s.row, ?8, ?9, ?5, coalesce(?6, ''), ?7 FROM sensor s "
                "WHERE s.id = ?10 AND (?2 OR s.owner_uid = ?3) "
                "AND (SELECT count(*) FROM missed m JOIN sensor o ON o.row = m.sensor "
                "WHERE o.owner_uid = s.owner_uid) < ?11",
        [ROWS_CLEAR_MISSED] = "DELETE FROM missed WHERE id = ?1 AND " OF_OWNER,
        [ROWS_FIND_MISSED] = "SELECT m.time_us, m.row FROM missed m JOIN sensor s ON s.row = m.sensor "
                             "WHERE m.id = ?1 AND (?2 OR s.owner_uid = ?3)",
        [ROWS_LIST_MISSED] =
                "SELECT m.id, s.id, s.muscle, s.leg, m.time_us, m.zone_offset_s, m.pain, m.note, "
                "n.row IS NOT NULL AND " NO_GAP_AT_MISSED
                "FROM missed m CROSS JOIN sensor s ON s.row = m.sensor "
                "LEFT JOIN night n ON " NIGHT_OF_MISSED
                "WHERE (?1 OR s.owner_uid = ?2) AND m.time_us >= ?3 AND m.time_us < ?4 "
                "AND (m.time_us > ?5 OR m.row > ?6) AND (?8 IS NULL OR s.id = ?8) "
                "ORDER BY m.time_us, m.row LIMIT ?7",
        /* A cramp that the sensor could not see says nothing of how it judges. */
        [ROWS_LIST_VERDICTS] = "SELECT verdict, time_us FROM ("
                               "SELECT verdict, onset_us AS time_us, annotated_us FROM episode "
                               "WHERE sensor = (SELECT row FROM sensor WHERE id = ?1) AND verdict <> '' "
                               "UNION ALL SELECT 'missed', m.time_us, m.annotated_us FROM missed m "
                               "JOIN sensor s ON s.row = m.sensor JOIN night n ON " NIGHT_OF_MISSED
                               "WHERE s.id = ?1 AND " NO_GAP_AT_MISSED ") "
                               "WHERE annotated_us >= ?2 ORDER BY time_us DESC LIMIT ?3",
};

/* The first three parameters of every statement about annotations. */
static struct binding annotation_begin(struct rows *rows, enum rows_statement statement,
                                       const struct store_annotation *annotation) {
        struct binding binding = binding_begin(rows, statement);

        binding_text(&binding, annotation->id);
        binding_number(&binding, annotation->any_owner);
        binding_number(&binding, annotation->owner_uid);
        return binding;
}

static void bind_annotation(struct binding *binding, const struct store_annotation *annotation) {
        if (annotation->verdict[0])
                binding_text(binding, annotation->verdict);
        else
                binding_null(binding);
        if (annotation->pain != STORE_NO_PAIN)
                binding_number(binding, annotation->pain);
        else
                binding_null(binding);
        if (annotation->has_note)
                binding_text(binding, annotation->note);
        else
                binding_null(binding);
        binding_time(binding, annotation->said_us);
}

/* Runs a statement that is to change a row: SQLITE_NOTFOUND if there was none. */
static int binding_change(struct rows *rows, struct binding *binding) {
        int rc = binding_run(binding);

        return rc == SQLITE_OK && sqlite3_changes(rows->handle) == 0 ? SQLITE_NOTFOUND : rc;
}

/* What is known about the time of a missed cramp. */
struct beside {
        char episode[STORE_ID_SIZE];
        char missed[STORE_ID_SIZE];
        bool before_sensor;
};

static int read_beside(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct beside *beside = ret;

        READ_TEXT(&reading, beside->episode);
        READ_TEXT(&reading, beside->missed);
        beside->before_sensor = reading_number(&reading) != 0;
        return reading.rc;
}

/* `*ret_error` stays if nothing speaks against it, or that owner has no such sensor. */
static int missed_refuse(struct rows *rows, const struct store_annotation *annotation, char *ret_beside,
                         int *ret_error) {
        struct binding binding = binding_begin(rows, ROWS_FIND_BESIDE);
        void *found = NULL;
        const struct beside *beside;
        size_t n = 0;
        int rc;

        binding_text(&binding, annotation->sensor);
        binding_number(&binding, annotation->any_owner);
        binding_number(&binding, annotation->owner_uid);
        binding_time(&binding, annotation->time_us);
        binding_number(&binding, STORE_MISSED_NEAR_US);
        rc = binding_gather(&binding, sizeof(struct beside), read_beside, &found, &n);
        if (rc != SQLITE_OK)
                return rc;
        beside = found;
        if (n > 0 && beside->episode[0])
                *ret_error = -EALREADY;
        else if (n > 0 && beside->missed[0])
                *ret_error = -EEXIST;
        else if (n > 0 && beside->before_sensor)
                *ret_error = -ERANGE;
        if (n > 0)
                memcpy(ret_beside, beside->episode[0] ? beside->episode : beside->missed, STORE_ID_SIZE);
        free(found);
        return SQLITE_OK;
}

static int rows_add_missed(struct rows *rows, const struct store_annotation *annotation,
                           char *ret_beside, int *ret_error) {
        struct binding binding;
        int rc = missed_refuse(rows, annotation, ret_beside, ret_error);

        if (rc != SQLITE_OK || *ret_error < 0)
                return rc;
        binding = annotation_begin(rows, ROWS_ADD_MISSED, annotation);
        bind_annotation(&binding, annotation);
        binding_time(&binding, annotation->time_us);
        binding_number(&binding, annotation->zone_offset_s);
        binding_text(&binding, annotation->sensor);
        binding_number(&binding, STORE_MISSED_MAX);
        return binding_change(rows, &binding);
}

/* The id is an episode's or that of a missed cramp. */
static int rows_clear_annotation(struct rows *rows, const struct store_annotation *annotation) {
        struct binding binding = annotation_begin(rows, ROWS_CLEAR_EPISODE, annotation);
        int rc;

        binding_time(&binding, annotation->said_us);
        rc = binding_change(rows, &binding);

        if (rc != SQLITE_NOTFOUND)
                return rc;
        binding = annotation_begin(rows, ROWS_CLEAR_MISSED, annotation);
        return binding_change(rows, &binding);
}

int rows_annotate(struct rows *rows, const struct store_annotation *annotation,
                  char ret_beside[static STORE_ID_SIZE], int *ret_error) {
        struct binding binding;

        if (annotation->clear)
                return rows_clear_annotation(rows, annotation);
        if (annotation->sensor[0])
                return rows_add_missed(rows, annotation, ret_beside, ret_error);
        binding = annotation_begin(rows, ROWS_ANNOTATE, annotation);
        bind_annotation(&binding, annotation);
        return binding_change(rows, &binding);
}

static int read_missed(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct store_missed *missed = ret;

        READ_TEXT(&reading, missed->id);
        READ_TEXT(&reading, missed->sensor);
        READ_TEXT(&reading, missed->muscle);
        READ_TEXT(&reading, missed->leg);
        missed->time_us = reading_time(&reading);
        missed->zone_offset_s = (int32_t)reading_number(&reading);
        missed->pain = reading_pain(&reading);
        READ_TEXT(&reading, missed->note);
        missed->watched = reading_number(&reading) != 0;
        return reading.rc;
}

int rows_list_missed(struct rows *rows, const struct store_filter *filter, struct store_missed **ret,
                     size_t *ret_n, uint64_t *ret_cursor) {
        struct binding binding = binding_begin(rows, ROWS_LIST_MISSED);
        struct place after = {.onset_us = INT64_MIN};
        void *missed = NULL;
        size_t n = 0;
        int rc = SQLITE_OK;

        if (filter->after != 0)
                rc = rows_find_place(rows, ROWS_FIND_MISSED, filter, &after);
        if (rc != SQLITE_OK)
                return rc;
        binding_number(&binding, filter->any_owner);
        binding_number(&binding, filter->owner_uid);
        binding_number(&binding, filter->since_us > after.onset_us ? filter->since_us : after.onset_us);
        binding_number(&binding, filter->until_us == STORE_NO_TIME ? INT64_MAX : filter->until_us);
        binding_number(&binding, after.onset_us);
        binding_number(&binding, after.row);
        binding_number(&binding, (int64_t)filter->limit + 1);
        if (filter->sensor[0])
                binding_text(&binding, filter->sensor);
        rc = binding_gather(&binding, sizeof(struct store_missed), read_missed, &missed, &n);
        if (rc != SQLITE_OK)
                return rc;
        *ret = missed;
        *ret_n = n > filter->limit ? filter->limit : n;
        *ret_cursor = n > filter->limit ? rows_cursor_of((*ret)[*ret_n - 1].id) : 0;
        return SQLITE_OK;
}

static int read_verdict(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct store_verdict *verdict = ret;

        READ_TEXT(&reading, verdict->verdict);
        verdict->time_us = reading_time(&reading);
        return reading.rc;
}

int rows_list_verdicts(struct rows *rows, const struct store_filter *filter, struct store_verdict **ret,
                       size_t *ret_n) {
        struct binding binding = binding_begin(rows, ROWS_LIST_VERDICTS);
        void *verdicts = NULL;
        int rc;

        binding_text(&binding, filter->sensor);
        binding_number(&binding, filter->since_us);
        binding_number(&binding, filter->limit);
        rc = binding_gather(&binding, sizeof(struct store_verdict), read_verdict, &verdicts, ret_n);
        if (rc == SQLITE_OK)
                *ret = verdicts;
        return rc;
}
