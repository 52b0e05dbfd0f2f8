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
        [ROWS_IS_LOG_FULL] = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM entry WHERE id = ?1) "
                             "AND (SELECT count(*) FROM entry WHERE uid = ?2) >= ?3",
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

static int put_profile(struct rows *rows, int64_t uid, const char *text) {
        struct binding binding = binding_begin(rows, ROWS_PUT_PROFILE);

        binding_number(&binding, uid);
        binding_text(&binding, text);
        return binding_run(&binding);
}

static int put_entry(struct rows *rows, int64_t uid, const struct store_entry *entry) {
        struct binding binding = binding_begin(rows, ROWS_IS_LOG_FULL);
        int rc;

        binding_text(&binding, entry->id);
        binding_number(&binding, uid);
        binding_number(&binding, STORE_ENTRIES_TOTAL_MAX);
        rc = binding_run(&binding);
        if (rc != SQLITE_OK)
                return rc == SQLITE_ROW ? SQLITE_TOOBIG : rc;

        binding = binding_begin(rows, ROWS_PUT_ENTRY);
        binding_text(&binding, entry->id);
        binding_number(&binding, uid);
        binding_number(&binding, entry->time_us);
        binding_number(&binding, entry->zone_offset_s);
        binding_text(&binding, entry->kind);
        binding_text(&binding, entry->what);
        binding_text(&binding, entry->origin);
        binding_text(&binding, entry->compound);
        binding_text(&binding, entry->amount);
        binding_text(&binding, entry->leg);
        binding_text(&binding, entry->text);
        return binding_run(&binding);
}

static int put_trial(struct rows *rows, int64_t uid, const struct store_trial *trial) {
        struct binding binding = binding_begin(rows, ROWS_PUT_TRIAL);

        binding_text(&binding, trial->id);
        binding_number(&binding, uid);
        binding_text(&binding, trial->nutrient);
        binding_text(&binding, trial->design);
        binding_text(&binding, trial->start_day);
        binding_text(&binding, trial->end_day);
        binding_number(&binding, trial->baseline_days);
        binding_number(&binding, trial->block_days);
        binding_number(&binding, trial->washout_days);
        return binding_run(&binding);
}

/* What takes nothing but a person, */
static int run_for(struct rows *rows, enum rows_statement statement, int64_t uid) {
        struct binding binding = binding_begin(rows, statement);

        binding_number(&binding, uid);
        return binding_run(&binding);
}

/* or one row of theirs. */
static int run_for_row(struct rows *rows, enum rows_statement statement, const char *id, int64_t uid) {
        struct binding binding = binding_begin(rows, statement);

        binding_text(&binding, id);
        binding_number(&binding, uid);
        return binding_run(&binding);
}

int rows_change_person(struct rows *rows, const struct store_person_change *change) {
        int64_t uid = change->uid;
        int rc;

        rc = run_for(rows, ROWS_PUT_PERSON, uid);
        if (rc != SQLITE_OK)
                return rc;
        switch (change->kind) {
        case STORE_CHANGE_PROFILE:
                return change->profile[0] ? put_profile(rows, uid, change->profile)
                                          : run_for(rows, ROWS_DELETE_PROFILE, uid);
        case STORE_CHANGE_ENTRY:
                return put_entry(rows, uid, &change->entry);
        case STORE_CHANGE_ENTRY_GONE:
                return run_for_row(rows, ROWS_DELETE_ENTRY, change->id, uid);
        case STORE_CHANGE_TRIAL:
                return put_trial(rows, uid, &change->trial);
        case STORE_CHANGE_TRIAL_GONE:
                return run_for_row(rows, ROWS_DELETE_TRIAL, change->id, uid);
        }
        return SQLITE_MISUSE;
}

/* --- reading --- */

static int read_entry(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct store_entry *entry = ret;

        READ_TEXT(&reading, entry->id);
        entry->time_us = reading_number(&reading);
        entry->zone_offset_s = (int32_t)reading_number(&reading);
        READ_TEXT(&reading, entry->kind);
        READ_TEXT(&reading, entry->what);
        READ_TEXT(&reading, entry->origin);
        READ_TEXT(&reading, entry->compound);
        READ_TEXT(&reading, entry->amount);
        READ_TEXT(&reading, entry->leg);
        READ_TEXT(&reading, entry->text);
        return reading.rc;
}

static int read_trial(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct store_trial *trial = ret;

        READ_TEXT(&reading, trial->id);
        READ_TEXT(&reading, trial->nutrient);
        READ_TEXT(&reading, trial->design);
        READ_TEXT(&reading, trial->start_day);
        READ_TEXT(&reading, trial->end_day);
        trial->baseline_days = (uint32_t)reading_number(&reading);
        trial->block_days = (uint32_t)reading_number(&reading);
        trial->washout_days = (uint32_t)reading_number(&reading);
        return reading.rc;
}

static int read_evening(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct store_evening *evening = ret;

        READ_TEXT(&reading, evening->evening);
        evening->monitored_us = (uint64_t)reading_number(&reading);
        return reading.rc;
}

static int read_cramp(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct store_cramp *cramp = ret;

        READ_TEXT(&reading, cramp->evening);
        cramp->onset_us = reading_number(&reading);
        cramp->end_us = reading_time(&reading);
        cramp->pain = reading_pain(&reading);
        cramp->strong = reading_number(&reading) != 0;
        cramp->reported = reading_number(&reading) != 0;
        cramp->watched = reading_number(&reading) != 0;
        return reading.rc;
}

static int get_profile(struct rows *rows, int64_t uid, struct store_person *person) {
        struct binding binding = binding_begin(rows, ROWS_GET_PROFILE);
        struct reading reading = {.statement = binding.statement};
        int rc;

        binding_number(&binding, uid);
        rc = binding.rc;
        if (rc == SQLITE_OK)
                rc = sqlite3_step(binding.statement);
        if (rc == SQLITE_ROW) {
                READ_TEXT(&reading, person->profile);
                rc = reading.rc;
        }
        binding_end(&binding);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* SQLITE_NOTFOUND unless `id` is an entry of that person. */
static int find_entry(struct rows *rows, int64_t uid, const char *id, struct place *ret) {
        struct binding binding = binding_begin(rows, ROWS_FIND_ENTRY);

        binding_number(&binding, uid);
        binding_text(&binding, id);
        return binding_find_place(&binding, ret);
}

static int list_entries(struct rows *rows, const struct store_person_filter *filter,
                        struct store_person *person) {
        struct place after = {.onset_us = INT64_MIN};
        int64_t since_us = filter->entries_since_us;
        struct binding binding;
        void *entries = NULL;
        int rc;

        if (filter->entries_max == 0)
                return SQLITE_OK;
        if (filter->after[0]) {
                rc = find_entry(rows, filter->uid, filter->after, &after);
                if (rc != SQLITE_OK)
                        return rc;
        }
        binding = binding_begin(rows, ROWS_LIST_ENTRIES);
        binding_number(&binding, filter->uid);
        binding_number(&binding, since_us < after.onset_us ? after.onset_us : since_us);
        binding_number(&binding,
                       filter->entries_until_us == STORE_NO_TIME ? INT64_MAX : filter->entries_until_us);
        binding_number(&binding, after.onset_us);
        binding_number(&binding, after.row);
        binding_number(&binding, filter->entries_max);
        if (filter->entry[0])
                binding_text(&binding, filter->entry);
        rc = binding_gather(&binding, sizeof(*person->entries), read_entry, &entries,
                            &person->n_entries);
        person->entries = entries;
        return rc;
}

static int list_trials(struct rows *rows, int64_t uid, struct store_person *person) {
        struct binding binding = binding_begin(rows, ROWS_LIST_TRIALS);
        void *trials = NULL;
        int rc;

        binding_number(&binding, uid);
        rc = binding_gather(&binding, sizeof(*person->trials), read_trial, &trials, &person->n_trials);
        person->trials = trials;
        return rc;
}

static int gather_nights(struct rows *rows, enum rows_statement statement,
                         const struct store_person_filter *filter, size_t size,
                         int (*read)(sqlite3_stmt *statement, void *ret), void **ret, size_t *ret_n) {
        struct binding binding = binding_begin(rows, statement);

        binding_number(&binding, filter->uid);
        binding_number(&binding, filter->nights_since_us);
        return binding_gather(&binding, size, read, ret, ret_n);
}

static int list_nights(struct rows *rows, const struct store_person_filter *filter,
                       struct store_person *person) {
        void *evenings = NULL, *cramps = NULL;
        int rc;

        if (!filter->nights)
                return SQLITE_OK;
        rc = gather_nights(rows, ROWS_LIST_EVENINGS, filter, sizeof(*person->evenings), read_evening,
                           &evenings, &person->n_evenings);
        person->evenings = evenings;
        if (rc == SQLITE_OK)
                rc = gather_nights(rows, ROWS_LIST_CRAMPS, filter, sizeof(*person->cramps), read_cramp,
                                   &cramps, &person->n_cramps);
        person->cramps = cramps;
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
