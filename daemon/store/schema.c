/* SPDX-License-Identifier: MIT */
/* Tables and migrations: see schema.h. */
#include "daemon/store/schema.h"

#include <stdio.h>

#include "daemon/basic/cleanup.h"

/*
 * migrations[n] leads from version n to n + 1. Never edited once released, only added to.
 *
 * `row` is SQLite's own key and never leaves the store; `id` is the public one. Ranges are checked where
 * a value outside has no meaning. That an end comes after its beginning is not: a clock that was set
 * back must not cost anyone an episode.
 */
static const char *const migrations[] = {
        "CREATE TABLE meta ("
        "  key TEXT NOT NULL PRIMARY KEY,"
        "  value INTEGER NOT NULL"
        ") STRICT, WITHOUT ROWID;"

        "CREATE TABLE person ("
        "  uid INTEGER PRIMARY KEY CHECK (uid BETWEEN 0 AND 4294967295)"
        ") STRICT;"

        "CREATE TABLE sensor ("
        "  row INTEGER PRIMARY KEY,"
        "  id TEXT NOT NULL UNIQUE CHECK (length(id) = 16),"
        "  owner_uid INTEGER NOT NULL REFERENCES person (uid),"
        "  address TEXT NOT NULL,"
        "  driver TEXT NOT NULL,"
        "  name TEXT NOT NULL,"
        "  muscle TEXT NOT NULL,"
        "  leg TEXT NOT NULL,"
        "  added_us INTEGER NOT NULL,"
        "  removed_us INTEGER,"
        "  zone_offset_s INTEGER NOT NULL CHECK (zone_offset_s BETWEEN -86400 AND 86400)"
        ") STRICT;"

        "CREATE TABLE night ("
        "  row INTEGER PRIMARY KEY,"
        "  id TEXT NOT NULL UNIQUE CHECK (length(id) = 16),"
        "  sensor INTEGER NOT NULL REFERENCES sensor (row),"
        "  evening TEXT NOT NULL,"
        "  start_us INTEGER NOT NULL,"
        "  end_us INTEGER,"
        "  seen_us INTEGER NOT NULL,"
        "  zone_offset_s INTEGER NOT NULL CHECK (zone_offset_s BETWEEN -86400 AND 86400),"
        "  rate_mhz INTEGER NOT NULL CHECK (rate_mhz BETWEEN 0 AND 4294967295),"
        "  channels INTEGER NOT NULL CHECK (channels BETWEEN 0 AND 4294967295),"
        "  packets INTEGER NOT NULL CHECK (packets >= 0),"
        "  lost_packets INTEGER NOT NULL CHECK (lost_packets >= 0)"
        ") STRICT;"
        "CREATE INDEX night_sensor ON night (sensor, start_us);"

        "CREATE TABLE episode ("
        "  row INTEGER PRIMARY KEY,"
        "  id TEXT NOT NULL UNIQUE CHECK (length(id) = 16),"
        "  sensor INTEGER NOT NULL REFERENCES sensor (row),"
        "  night INTEGER NOT NULL REFERENCES night (row),"
        "  muscle TEXT NOT NULL,"
        "  leg TEXT NOT NULL,"
        "  onset_us INTEGER NOT NULL,"
        "  alert_us INTEGER NOT NULL,"
        "  end_us INTEGER,"
        "  zone_offset_s INTEGER NOT NULL CHECK (zone_offset_s BETWEEN -86400 AND 86400),"
        "  channel INTEGER NOT NULL CHECK (channel BETWEEN 0 AND 4294967295),"
        "  end_reason TEXT NOT NULL,"
        "  severity TEXT NOT NULL,"
        "  peak_uv REAL,"
        "  median_hz REAL,"
        "  confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),"
        "  detector TEXT NOT NULL"
        ") STRICT;"
        "CREATE INDEX episode_onset ON episode (onset_us);"
        "CREATE INDEX episode_sensor ON episode (sensor, onset_us);"
        "CREATE INDEX episode_night ON episode (night);"

        "CREATE TABLE gap ("
        "  row INTEGER PRIMARY KEY,"
        "  night INTEGER NOT NULL REFERENCES night (row),"
        "  start_us INTEGER NOT NULL,"
        "  end_us INTEGER NOT NULL,"
        "  frames INTEGER NOT NULL CHECK (frames >= 0),"
        "  UNIQUE (night, start_us)"
        ") STRICT;",

        /* What the owner sets of a sensor; how long a night really watched. */
        "ALTER TABLE sensor ADD COLUMN paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1));"
        "ALTER TABLE sensor ADD COLUMN allow_broadcast INTEGER NOT NULL DEFAULT 0 "
        "CHECK (allow_broadcast IN (0, 1));"
        "ALTER TABLE sensor ADD COLUMN envelope INTEGER NOT NULL DEFAULT 0 CHECK (envelope IN (0, 1));"
        "ALTER TABLE sensor ADD COLUMN scale_uv REAL NOT NULL DEFAULT 0 CHECK (scale_uv >= 0);"
        "ALTER TABLE sensor ADD COLUMN rate_mhz INTEGER NOT NULL DEFAULT 0 "
        "CHECK (rate_mhz BETWEEN 0 AND 4294967295);"
        "ALTER TABLE sensor ADD COLUMN channels INTEGER NOT NULL DEFAULT 0 "
        "CHECK (channels BETWEEN 0 AND 4294967295);"
        "ALTER TABLE night ADD COLUMN monitored_us INTEGER NOT NULL DEFAULT 0 "
        "CHECK (monitored_us >= 0);"
        "ALTER TABLE night ADD COLUMN reconnects INTEGER NOT NULL DEFAULT 0 CHECK (reconnects >= 0);"
        "UPDATE night SET monitored_us = max(0, coalesce(end_us, seen_us) - start_us - "
        "  coalesce((SELECT sum(end_us - start_us) FROM gap WHERE gap.night = night.row), 0));"
        "CREATE INDEX night_start ON night (start_us);",

        /* What crampd has learnt of a sensor's battery. */
        "ALTER TABLE sensor ADD COLUMN battery_rate REAL NOT NULL DEFAULT 0 CHECK (battery_rate >= 0);"
        "ALTER TABLE sensor ADD COLUMN battery_warned TEXT NOT NULL DEFAULT '';",

        /* Time in which data came, but none that could show a cramp. */
        "ALTER TABLE gap ADD COLUMN reason TEXT NOT NULL DEFAULT 'no-data';",

        /* How much evidence its owner wants an alert to take. */
        "ALTER TABLE sensor ADD COLUMN sensitivity TEXT NOT NULL DEFAULT 'normal';",

        /* What people say of episodes, and of cramps that raised no alert. */
        "ALTER TABLE episode ADD COLUMN verdict TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE episode ADD COLUMN pain INTEGER CHECK (pain BETWEEN 0 AND 10);"
        "ALTER TABLE episode ADD COLUMN note TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE episode ADD COLUMN annotated_us INTEGER;"
        "CREATE TABLE missed ("
        "  row INTEGER PRIMARY KEY,"
        "  id TEXT NOT NULL UNIQUE CHECK (length(id) = 16),"
        "  sensor INTEGER NOT NULL REFERENCES sensor (row),"
        "  time_us INTEGER NOT NULL,"
        "  zone_offset_s INTEGER NOT NULL CHECK (zone_offset_s BETWEEN -86400 AND 86400),"
        "  pain INTEGER CHECK (pain BETWEEN 0 AND 10),"
        "  note TEXT NOT NULL DEFAULT '',"
        "  annotated_us INTEGER NOT NULL,"
        "  UNIQUE (sensor, time_us)"
        ") STRICT;"
        "CREATE INDEX missed_time ON missed (time_us);",

        /* What a person tells of themselves, logs by day, and tries. */
        "CREATE TABLE profile ("
        "  uid INTEGER PRIMARY KEY REFERENCES person (uid),"
        "  text TEXT NOT NULL"
        ") STRICT;"

        "CREATE TABLE entry ("
        "  row INTEGER PRIMARY KEY,"
        "  id TEXT NOT NULL UNIQUE CHECK (length(id) = 16),"
        "  uid INTEGER NOT NULL REFERENCES person (uid),"
        "  time_us INTEGER NOT NULL,"
        "  zone_offset_s INTEGER NOT NULL CHECK (zone_offset_s BETWEEN -86400 AND 86400),"
        "  kind TEXT NOT NULL CHECK (kind IN ('amount', 'symptom', 'note')),"
        "  what TEXT NOT NULL,"
        "  origin TEXT NOT NULL,"
        "  compound TEXT NOT NULL,"
        "  amount TEXT NOT NULL,"
        "  leg TEXT NOT NULL,"
        "  text TEXT NOT NULL"
        ") STRICT;"
        "CREATE INDEX entry_time ON entry (uid, time_us);"

        "CREATE TABLE trial ("
        "  row INTEGER PRIMARY KEY,"
        "  id TEXT NOT NULL UNIQUE CHECK (length(id) = 16),"
        "  uid INTEGER NOT NULL REFERENCES person (uid),"
        "  nutrient TEXT NOT NULL,"
        "  design TEXT NOT NULL,"
        "  start_day TEXT NOT NULL,"
        "  end_day TEXT NOT NULL,"
        "  baseline_days INTEGER NOT NULL CHECK (baseline_days BETWEEN 0 AND 4294967295),"
        "  block_days INTEGER NOT NULL CHECK (block_days BETWEEN 0 AND 4294967295),"
        "  washout_days INTEGER NOT NULL CHECK (washout_days BETWEEN 0 AND 4294967295)"
        ") STRICT;"
        "CREATE INDEX trial_uid ON trial (uid, start_day);",

        /* Why an alert was raised; `evidence` is its course, in hundredths of a second. */
        "CREATE TABLE account ("
        "  episode INTEGER PRIMARY KEY REFERENCES episode (row),"
        "  sensitivity TEXT NOT NULL,"
        "  evidence_factor REAL NOT NULL,"
        "  needed_s REAL NOT NULL,"
        "  from_us INTEGER NOT NULL,"
        "  active_s REAL NOT NULL,"
        "  unbroken_s REAL NOT NULL,"
        "  ratio_alert REAL NOT NULL,"
        "  ratio_peak REAL NOT NULL,"
        "  bridged INTEGER NOT NULL CHECK (bridged BETWEEN 0 AND 4294967295),"
        "  dips INTEGER NOT NULL CHECK (dips BETWEEN 0 AND 4294967295),"
        "  together REAL,"
        "  channels INTEGER NOT NULL CHECK (channels BETWEEN 0 AND 4294967295),"
        "  took_part INTEGER NOT NULL CHECK (took_part BETWEEN 0 AND 4294967295),"
        "  quality TEXT NOT NULL,"
        "  point_us INTEGER NOT NULL CHECK (point_us >= 0),"
        "  evidence TEXT NOT NULL"
        ") STRICT;",

        /* Whether alerts may follow what is said of them, and what was said too early to count. */
        "ALTER TABLE sensor ADD COLUMN learning INTEGER NOT NULL DEFAULT 0 CHECK (learning IN (0, 1));"
        "ALTER TABLE sensor ADD COLUMN learning_since_us INTEGER NOT NULL DEFAULT 0;",

        /* The signal around an episode's onset; `code` as waveform.h says of that version. */
        "CREATE TABLE waveform ("
        "  episode INTEGER PRIMARY KEY REFERENCES episode (row) ON DELETE CASCADE,"
        "  version INTEGER NOT NULL,"
        "  start_us INTEGER NOT NULL,"
        "  rate_mhz INTEGER NOT NULL CHECK (rate_mhz BETWEEN 1 AND 4294967295),"
        "  channels INTEGER NOT NULL CHECK (channels BETWEEN 1 AND 16),"
        "  scale_uv REAL NOT NULL CHECK (scale_uv > 0),"
        "  arbitrary_unit INTEGER NOT NULL CHECK (arbitrary_unit IN (0, 1)),"
        "  code BLOB NOT NULL"
        ") STRICT;",

        /* What rest and the strongest flexing were when a sensor was calibrated. */
        "ALTER TABLE sensor ADD COLUMN calibrated_us INTEGER;"
        "ALTER TABLE sensor ADD COLUMN calibrated_scale_uv REAL NOT NULL DEFAULT 0 "
        "CHECK (calibrated_scale_uv >= 0);"
        "ALTER TABLE sensor ADD COLUMN calibrated_envelope INTEGER NOT NULL DEFAULT 0 "
        "CHECK (calibrated_envelope IN (0, 1));"
        "CREATE TABLE calibration ("
        "  sensor INTEGER NOT NULL REFERENCES sensor (row),"
        "  channel INTEGER NOT NULL CHECK (channel BETWEEN 0 AND 15),"
        "  rest_uv REAL NOT NULL CHECK (rest_uv >= 0),"
        "  mvc_uv REAL NOT NULL CHECK (mvc_uv >= 0),"
        "  PRIMARY KEY (sensor, channel)"
        ") STRICT, WITHOUT ROWID;"
        "ALTER TABLE episode ADD COLUMN peak_mvc_percent REAL;",

        /* When an episode last changed: each change gets a later time than all before it. */
        "ALTER TABLE episode ADD COLUMN changed_us INTEGER NOT NULL DEFAULT 0;"
        "UPDATE episode SET changed_us = max(alert_us, coalesce(end_us, alert_us), "
        "  coalesce(annotated_us, alert_us));"
        "CREATE INDEX episode_changed ON episode (changed_us, id);",

        /* Whether a cramp rose with a movement, as an accelerometer tells. */
        "ALTER TABLE account ADD COLUMN moved REAL;",

        /* What else made or lowered the evidence that an alert took. */
        "ALTER TABLE account ADD COLUMN slow REAL;"
        "ALTER TABLE account ADD COLUMN again_factor REAL;",
};

int schema_newest(void) {
        return (int)ARRAY_LENGTH(migrations);
}

static int read_number(sqlite3 *handle, const char *sql, sqlite3_int64 *ret) {
        sqlite3_stmt *statement = NULL;
        int rc;

        rc = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(statement);
        if (rc == SQLITE_ROW) {
                *ret = sqlite3_column_int64(statement, 0);
                rc = SQLITE_OK;
        } else if (rc == SQLITE_DONE)
                rc = SQLITE_CORRUPT; /* each of these gives one row */
        (void)sqlite3_finalize(statement);
        return rc;
}

int schema_identify(sqlite3 *handle, enum schema_kind *ret_kind, int *ret_version) {
        sqlite3_int64 application = 0, version = 0, objects = 0;
        int rc;

        rc = read_number(handle, "PRAGMA application_id", &application);
        if (rc == SQLITE_OK)
                rc = read_number(handle, "PRAGMA user_version", &version);
        if (rc == SQLITE_OK && application == 0 && version == 0)
                rc = read_number(handle, "SELECT count(*) FROM sqlite_schema", &objects);
        if (rc != SQLITE_OK)
                return rc;

        if (application == 0 && version == 0 && objects == 0)
                *ret_kind = SCHEMA_EMPTY;
        else if (application != SCHEMA_APPLICATION_ID || version < 1)
                *ret_kind = SCHEMA_FOREIGN;
        else if (version > schema_newest())
                *ret_kind = SCHEMA_NEWER;
        else
                *ret_kind = SCHEMA_OURS;
        *ret_version = (int)version;
        return SQLITE_OK;
}

static int migrate_step(sqlite3 *handle, int version) {
        char stamp[128];
        int rc;

        /* The version changes with the tables or not at all. */
        (void)snprintf(stamp, sizeof(stamp),
                       "PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
                       SCHEMA_APPLICATION_ID, version + 1);
        rc = sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_exec(handle, migrations[version], NULL, NULL, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_exec(handle, stamp, NULL, NULL, NULL);
        if (rc != SQLITE_OK && !sqlite3_get_autocommit(handle))
                (void)sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
        return rc;
}

int schema_migrate(sqlite3 *handle, int version) {
        for (; version < schema_newest(); version++) {
                int rc = migrate_step(handle, version);

                if (rc != SQLITE_OK)
                        return rc;
        }
        return SQLITE_OK;
}
