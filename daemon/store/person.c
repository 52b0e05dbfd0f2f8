/* SPDX-License-Identifier: MIT */
/* Persons: see person.h; the rows of a person to and from their tables. */
#include "daemon/store/statement.h"

#include <string.h>

#include "daemon/store/person.h"

const char *const rows_sql_person[ROWS_STATEMENT_MAX] = {
        [ROWS_PUT_PERSON] = "INSERT INTO person (uid) VALUES (?1) ON CONFLICT (uid) DO NOTHING",
        [ROWS_PUT_PROFILE] = "INSERT INTO profile (uid, text) VALUES (?1, ?2) "
                             "ON CONFLICT (uid) DO UPDATE SET text = excluded.text",
        [ROWS_DELETE_PROFILE] = "DELETE FROM profile WHERE uid = ?1",
        [ROWS_GET_PROFILE] = "SELECT text FROM profile WHERE uid = ?1",
        [ROWS_PUT_ENTRY] =
                "INSERT INTO entry (id, uid, time_us, zone_offset_s, kind, what, origin, compound, "
                "amount, leg, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
                "ON CONFLICT (id) DO UPDATE SET time_us = excluded.time_us, zone_offset_s = "
                "excluded.zone_offset_s, kind = excluded.kind, what = excluded.what, origin = "
                "excluded.origin, compound = excluded.compound, amount = excluded.amount, leg = "
                "excluded.leg, text = excluded.text WHERE uid = excluded.uid",
        [ROWS_DELETE_ENTRY] = "DELETE FROM entry WHERE id = ?1 AND uid = ?2",
        [ROWS_FIND_ENTRY] = "SELECT time_us, row FROM entry WHERE uid = ?1 AND id = ?2",
        [ROWS_LIST_ENTRIES] = "SELECT id, time_us, zone_offset_s, kind, what, origin, compound, amount, "
                              "leg, text FROM entry WHERE uid = ?1 AND time_us >= ?2 AND time_us < ?3 "
                              "AND (time_us > ?4 OR row > ?5) AND (?7 IS NULL OR id = ?7) "
                              "ORDER BY time_us, row LIMIT ?6",
        [ROWS_PUT_TRIAL] =
                "INSERT INTO trial (id, uid, nutrient, design, start_day, end_day, baseline_days, "
                "block_days, washout_days) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
                "ON CONFLICT (id) DO UPDATE SET nutrient = excluded.nutrient, design = "
                "excluded.design, start_day = excluded.start_day, end_day = excluded.end_day, "
                "baseline_days = excluded.baseline_days, block_days = excluded.block_days, "
                "washout_days = excluded.washout_days WHERE uid = excluded.uid",
        [ROWS_DELETE_TRIAL] = "DELETE FROM trial WHERE id = ?1 AND uid = ?2",
        [ROWS_LIST_TRIALS] = "SELECT id, nutrient, design, start_day, end_day, baseline_days, "
                             "block_days, washout_days FROM trial WHERE uid = ?1 "
                             "ORDER BY start_day, row",
        [ROWS_LIST_EVENINGS] =
                "SELECT evening, max(watched) FROM (SELECT n.evening AS evening, sum(n.monitored_us) AS "
                "watched FROM sensor s JOIN night n ON n.sensor = s.row "
                "WHERE s.owner_uid = ?1 AND n.start_us >= ?2 GROUP BY n.evening, n.sensor) "
                "GROUP BY evening ORDER BY evening",
        /* A reported cramp is of the night that its sensor watched then, or else of the evening that it
         * fell on, noon to noon. */
        [ROWS_LIST_CRAMPS] =
                "SELECT n.evening AS evening, e.onset_us AS onset_us, e.end_us, e.pain, "
                "e.severity = 'strong', 0 AS reported, 1, e.row AS row FROM sensor s "
                "JOIN episode e ON e.sensor = s.row JOIN night n ON n.row = e.night "
                "WHERE s.owner_uid = ?1 AND e.onset_us >= ?2 AND e.verdict <> 'false-alarm' "
                "UNION ALL "
                "SELECT coalesce(n.evening, strftime('%Y-%m-%d', m.time_us / 1000000 + m.zone_offset_s "
                "- 43200, 'unixepoch')), m.time_us, NULL, m.pain, 0, 1, "
                "n.row IS NOT NULL AND " NO_GAP_AT_MISSED ", m.row FROM sensor s "
                "JOIN missed m ON m.sensor = s.row LEFT JOIN night n ON " NIGHT_OF_MISSED
                "WHERE s.owner_uid = ?1 AND m.time_us >= ?2 ORDER BY onset_us, reported, row",
};

struct store_person *store_person_free(struct store_person *person) {
        if (!person)
                return NULL;
        free(person->entries);
        free(person->trials);
        free(person->evenings);
        free(person->cramps);
        free(person);
        return NULL;
}

static void person_freep(struct store_person **person) {
        *person = store_person_free(*person);
}

/* --- writing --- */

/* Binds from the first parameter on: 't' a text, 'n' an int64_t. Runs what gives no rows. */
static int run(struct rows *rows, enum rows_statement which, const char *types, ...) {
        sqlite3_stmt *statement = rows->statements[which];
        va_list arguments;
        int rc = SQLITE_OK;

        va_start(arguments, types);
        for (int i = 1; types[i - 1] && rc == SQLITE_OK; i++)
                rc = types[i - 1] == 't'
                             ? sqlite3_bind_text(statement, i, va_arg(arguments, const char *), -1,
                                                 SQLITE_STATIC)
                             : sqlite3_bind_int64(statement, i, va_arg(arguments, int64_t));
        va_end(arguments);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(statement);
        (void)sqlite3_reset(statement);
        (void)sqlite3_clear_bindings(statement);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int put_entry(struct rows *rows, int64_t uid, const struct store_entry *entry) {
        return run(rows, ROWS_PUT_ENTRY, "tnnnttttttt", entry->id, uid, entry->time_us,
                   (int64_t)entry->zone_offset_s, entry->kind, entry->what, entry->origin,
                   entry->compound, entry->amount, entry->leg, entry->text);
}

static int put_trial(struct rows *rows, int64_t uid, const struct store_trial *trial) {
        return run(rows, ROWS_PUT_TRIAL, "tnttttnnn", trial->id, uid, trial->nutrient, trial->design,
                   trial->start_day, trial->end_day, (int64_t)trial->baseline_days,
                   (int64_t)trial->block_days, (int64_t)trial->washout_days);
}

int rows_change_person(struct rows *rows, const struct store_person_change *change) {
        int64_t uid = change->uid;
        int rc;

        rc = run(rows, ROWS_PUT_PERSON, "n", uid);
        if (rc != SQLITE_OK)
                return rc;
        switch (change->kind) {
        case STORE_CHANGE_PROFILE:
                return change->profile[0] ? run(rows, ROWS_PUT_PROFILE, "nt", uid, change->profile)
                                          : run(rows, ROWS_DELETE_PROFILE, "n", uid);
        case STORE_CHANGE_ENTRY:
                return put_entry(rows, uid, &change->entry);
        case STORE_CHANGE_ENTRY_GONE:
                return run(rows, ROWS_DELETE_ENTRY, "tn", change->id, uid);
        case STORE_CHANGE_TRIAL:
                return put_trial(rows, uid, &change->trial);
        case STORE_CHANGE_TRIAL_GONE:
                return run(rows, ROWS_DELETE_TRIAL, "tn", change->id, uid);
        }
        return SQLITE_MISUSE;
}

/* --- reading --- */

static int take_text(sqlite3_stmt *statement, int index, char *ret, size_t size) {
        const unsigned char *text = sqlite3_column_text(statement, index);

        if (!text)
                return sqlite3_column_type(statement, index) == SQLITE_NULL ? SQLITE_OK : SQLITE_NOMEM;
        if ((size_t)sqlite3_column_bytes(statement, index) >= size)
                return SQLITE_FORMAT; /* longer than anything that was ever put */
        (void)strcpy(ret, (const char *)text);
        return SQLITE_OK;
}

#define TAKE_TEXT(statement, index, array) take_text((statement), (index), (array), sizeof(array))

static int take_entry(sqlite3_stmt *statement, void *ret) {
        struct store_entry *entry = ret;
        int rc;

        entry->time_us = sqlite3_column_int64(statement, 1);
        entry->zone_offset_s = (int32_t)sqlite3_column_int64(statement, 2);
        if ((rc = TAKE_TEXT(statement, 0, entry->id)) == SQLITE_OK &&
            (rc = TAKE_TEXT(statement, 3, entry->kind)) == SQLITE_OK &&
            (rc = TAKE_TEXT(statement, 4, entry->what)) == SQLITE_OK &&
            (rc = TAKE_TEXT(statement, 5, entry->origin)) == SQLITE_OK &&
            (rc = TAKE_TEXT(statement, 6, entry->compound)) == SQLITE_OK &&
            (rc = TAKE_TEXT(statement, 7, entry->amount)) == SQLITE_OK &&
            (rc = TAKE_TEXT(statement, 8, entry->leg)) == SQLITE_OK)
                rc = TAKE_TEXT(statement, 9, entry->text);
        return rc;
}

static int take_trial(sqlite3_stmt *statement, void *ret) {
        struct store_trial *trial = ret;
        int rc;

        trial->baseline_days = (uint32_t)sqlite3_column_int64(statement, 5);
        trial->block_days = (uint32_t)sqlite3_column_int64(statement, 6);
        trial->washout_days = (uint32_t)sqlite3_column_int64(statement, 7);
        if ((rc = TAKE_TEXT(statement, 0, trial->id)) == SQLITE_OK &&
            (rc = TAKE_TEXT(statement, 1, trial->nutrient)) == SQLITE_OK &&
            (rc = TAKE_TEXT(statement, 2, trial->design)) == SQLITE_OK &&
            (rc = TAKE_TEXT(statement, 3, trial->start_day)) == SQLITE_OK)
                rc = TAKE_TEXT(statement, 4, trial->end_day);
        return rc;
}

static int take_evening(sqlite3_stmt *statement, void *ret) {
        struct store_evening *evening = ret;

        evening->monitored_us = (uint64_t)sqlite3_column_int64(statement, 1);
        return TAKE_TEXT(statement, 0, evening->evening);
}

static int take_cramp(sqlite3_stmt *statement, void *ret) {
        struct store_cramp *cramp = ret;

        cramp->onset_us = sqlite3_column_int64(statement, 1);
        cramp->end_us = sqlite3_column_type(statement, 2) == SQLITE_NULL
                                ? STORE_NO_TIME
                                : sqlite3_column_int64(statement, 2);
        cramp->pain = sqlite3_column_type(statement, 3) == SQLITE_NULL
                              ? STORE_NO_PAIN
                              : sqlite3_column_int(statement, 3);
        cramp->strong = sqlite3_column_int(statement, 4) != 0;
        cramp->reported = sqlite3_column_int(statement, 5) != 0;
        cramp->watched = sqlite3_column_int(statement, 6) != 0;
        return TAKE_TEXT(statement, 0, cramp->evening);
}

/* Runs a query whose parameters are bound, to its end. */
static int gather(sqlite3_stmt *statement, size_t size, int (*take)(sqlite3_stmt *statement, void *ret),
                  void **ret, size_t *ret_n) {
        _cleanup_(freep) char *all = NULL;
        size_t n = 0, allocated = 0;
        int rc;

        while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
                if (n == allocated) {
                        size_t more = allocated ? 2 * allocated : 16;
                        char *larger = reallocarray(all, more, size);

                        if (!larger) {
                                rc = SQLITE_NOMEM;
                                break;
                        }
                        all = larger;
                        allocated = more;
                }
                memset(all + n * size, 0, size);
                rc = take(statement, all + n * size);
                if (rc != SQLITE_OK)
                        break;
                n++;
        }
        (void)sqlite3_reset(statement);
        (void)sqlite3_clear_bindings(statement);
        if (rc != SQLITE_DONE)
                return rc;
        *ret = steal_pointer(&all);
        *ret_n = n;
        return SQLITE_OK;
}

static int get_profile(struct rows *rows, int64_t uid, struct store_person *person) {
        sqlite3_stmt *statement = rows->statements[ROWS_GET_PROFILE];
        int rc;

        rc = sqlite3_bind_int64(statement, 1, uid);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(statement);
        if (rc == SQLITE_ROW)
                rc = TAKE_TEXT(statement, 0, person->profile);
        (void)sqlite3_reset(statement);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* SQLITE_NOTFOUND unless `after` is an entry of that person. */
static int find_entry(struct rows *rows, int64_t uid, const char *id, int64_t *ret_time_us,
                      int64_t *ret_row) {
        sqlite3_stmt *statement = rows->statements[ROWS_FIND_ENTRY];
        int rc;

        rc = sqlite3_bind_int64(statement, 1, uid);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_text(statement, 2, id, -1, SQLITE_STATIC);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(statement);
        if (rc == SQLITE_ROW) {
                *ret_time_us = sqlite3_column_int64(statement, 0);
                *ret_row = sqlite3_column_int64(statement, 1);
                rc = SQLITE_OK;
        } else if (rc == SQLITE_DONE)
                rc = SQLITE_NOTFOUND;
        (void)sqlite3_reset(statement);
        (void)sqlite3_clear_bindings(statement);
        return rc;
}

static int list_entries(struct rows *rows, const struct store_person_filter *filter,
                        struct store_person *person) {
        sqlite3_stmt *statement = rows->statements[ROWS_LIST_ENTRIES];
        int64_t since_us = filter->entries_since_us, after_us = INT64_MIN, after_row = 0;
        void *entries = NULL;
        int rc = SQLITE_OK;

        if (filter->entries_max == 0)
                return SQLITE_OK;
        if (filter->after[0])
                rc = find_entry(rows, filter->uid, filter->after, &after_us, &after_row);
        if (since_us < after_us)
                since_us = after_us;
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(statement, 1, filter->uid);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(statement, 2, since_us);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(statement, 3,
                                        filter->entries_until_us == STORE_NO_TIME
                                                ? INT64_MAX
                                                : filter->entries_until_us);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(statement, 4, after_us);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(statement, 5, after_row);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(statement, 6, filter->entries_max);
        if (rc == SQLITE_OK && filter->entry[0])
                rc = sqlite3_bind_text(statement, 7, filter->entry, -1, SQLITE_STATIC);
        if (rc != SQLITE_OK)
                return rc;
        rc = gather(statement, sizeof(*person->entries), take_entry, &entries, &person->n_entries);
        person->entries = entries;
        return rc;
}

static int list_trials(struct rows *rows, int64_t uid, struct store_person *person) {
        sqlite3_stmt *statement = rows->statements[ROWS_LIST_TRIALS];
        void *trials = NULL;
        int rc = sqlite3_bind_int64(statement, 1, uid);

        if (rc == SQLITE_OK)
                rc = gather(statement, sizeof(*person->trials), take_trial, &trials, &person->n_trials);
        person->trials = trials;
        return rc;
}

static int list_nights(struct rows *rows, const struct store_person_filter *filter,
                       struct store_person *person) {
        sqlite3_stmt *nights = rows->statements[ROWS_LIST_EVENINGS];
        sqlite3_stmt *cramps = rows->statements[ROWS_LIST_CRAMPS];
        void *found = NULL;
        int rc;

        if (!filter->nights)
                return SQLITE_OK;
        rc = sqlite3_bind_int64(nights, 1, filter->uid);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(nights, 2, filter->nights_since_us);
        if (rc == SQLITE_OK)
                rc = gather(nights, sizeof(*person->evenings), take_evening, &found,
                            &person->n_evenings);
        person->evenings = found;
        found = NULL;
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(cramps, 1, filter->uid);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(cramps, 2, filter->nights_since_us);
        if (rc == SQLITE_OK)
                rc = gather(cramps, sizeof(*person->cramps), take_cramp, &found, &person->n_cramps);
        person->cramps = found;
        return rc;
}

int rows_get_person(struct rows *rows, const struct store_person_filter *filter,
                    struct store_person **ret) {
        _cleanup_(person_freep) struct store_person *person = calloc(1, sizeof(*person));
        int rc;

        if (!person)
                return SQLITE_NOMEM;
        rc = get_profile(rows, filter->uid, person);
        if (rc == SQLITE_OK)
                rc = list_entries(rows, filter, person);
        if (rc == SQLITE_OK)
                rc = list_trials(rows, filter->uid, person);
        if (rc == SQLITE_OK)
                rc = list_nights(rows, filter, person);
        if (rc != SQLITE_OK)
                return rc;
        *ret = steal_pointer(&person);
        return SQLITE_OK;
}
