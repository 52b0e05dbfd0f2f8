/* SPDX-License-Identifier: MIT */
/*
 * crampctl export --format sqlite: a database of one's own, built here from what crampd tells the
 * caller. What its tables and views hold is said in its schema, which SQLite keeps with its comments:
 * sqlite3 FILE .schema.
 */
#include <endian.h>
#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/export.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

/* "crmx"; user_version 1 is this schema. */
static const char schema[] =
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
        "PRAGMA application_id = 1668443512; PRAGMA user_version = 1;"
        "BEGIN;\n"
        "CREATE TABLE sensor (\n"
        "  -- Your sensors that are in use; episodes may be of others.\n"
        "  id TEXT PRIMARY KEY,\n"
        "  name TEXT NOT NULL,\n"
        "  muscle TEXT NOT NULL,\n"
        "  leg TEXT NOT NULL,\n"
        "  driver TEXT NOT NULL\n"
        ") STRICT, WITHOUT ROWID;"
        "CREATE TABLE episode (\n"
        "  -- Alerts. Times ending in _us are microseconds since 1970-01-01 UTC.\n"
        "  id TEXT PRIMARY KEY,\n"
        "  sensor TEXT NOT NULL,\n"
        "  leg TEXT NOT NULL,\n"
        "  muscle TEXT NOT NULL,\n"
        "  onset TEXT NOT NULL, -- ISO 8601, local time with its offset\n"
        "  onset_us INTEGER NOT NULL,\n"
        "  alert_us INTEGER NOT NULL,\n"
        "  end_us INTEGER, -- NULL while it lasts, as the next\n"
        "  end_reason TEXT, -- subsided, signal-lost, stream-end, stopped, interrupted\n"
        "  zone_offset_s INTEGER NOT NULL, -- local time is ahead of UTC\n"
        "  severity TEXT NOT NULL, -- mild, moderate, strong\n"
        "  peak_uv REAL, -- highest 150 ms RMS; NULL for an arbitrary unit\n"
        "  median_hz REAL, -- NULL = unknown\n"
        "  peak_mvc_percent REAL, -- peak_uv of the strongest flexing; NULL = not calibrated\n"
        "  confidence REAL NOT NULL, -- 0 to 1\n"
        "  channel INTEGER NOT NULL, -- the leading one, from 0\n"
        "  detector TEXT NOT NULL, -- its version\n"
        "  verdict TEXT, -- confirmed, false-alarm; NULL = nothing was said\n"
        "  pain INTEGER, -- 0 to 10\n"
        "  note TEXT,\n"
        "  simulated INTEGER NOT NULL -- 1 = of a recording that was played, not of a leg\n"
        ") STRICT;"
        "CREATE INDEX episode_onset ON episode (onset_us);"
        "CREATE TABLE missed (\n"
        "  -- Cramps that raised no alert, as somebody said.\n"
        "  id TEXT PRIMARY KEY,\n"
        "  sensor TEXT NOT NULL,\n"
        "  leg TEXT NOT NULL,\n"
        "  muscle TEXT NOT NULL,\n"
        "  time TEXT NOT NULL,\n"
        "  time_us INTEGER NOT NULL,\n"
        "  zone_offset_s INTEGER NOT NULL,\n"
        "  pain INTEGER,\n"
        "  note TEXT,\n"
        "  watched INTEGER NOT NULL -- 1 = the sensor was watching; no rate counts the others\n"
        ") STRICT;"
        "CREATE TABLE night (\n"
        "  -- One stretch of watching one sensor.\n"
        "  night INTEGER PRIMARY KEY,\n"
        "  evening TEXT NOT NULL, -- the night from that day's noon to the next\n"
        "  sensor TEXT NOT NULL,\n"
        "  start_us INTEGER NOT NULL,\n"
        "  end_us INTEGER NOT NULL,\n"
        "  zone_offset_s INTEGER NOT NULL,\n"
        "  monitored_us INTEGER NOT NULL, -- of good signal\n"
        "  packets INTEGER NOT NULL,\n"
        "  lost_packets INTEGER NOT NULL,\n"
        "  reconnects INTEGER NOT NULL,\n"
        "  gaps INTEGER NOT NULL, -- also those that table gap leaves out\n"
        "  gap_us INTEGER NOT NULL,\n"
        "  episodes INTEGER NOT NULL\n"
        ") STRICT;"
        "CREATE TABLE gap (\n"
        "  -- The 50 longest of each night: no cramp could be seen.\n"
        "  night INTEGER NOT NULL REFERENCES night (night),\n"
        "  start_us INTEGER NOT NULL,\n"
        "  end_us INTEGER NOT NULL,\n"
        "  reason TEXT NOT NULL -- no-data, or noisy, mains, saturated, electrode-off, dead\n"
        ") STRICT;"
        "CREATE INDEX gap_night ON gap (night);"
        "CREATE TABLE entry (\n"
        "  -- The day log.\n"
        "  id TEXT PRIMARY KEY,\n"
        "  time TEXT NOT NULL,\n"
        "  time_us INTEGER NOT NULL,\n"
        "  zone_offset_s INTEGER NOT NULL,\n"
        "  kind TEXT NOT NULL, -- amount, symptom, note\n"
        "  what TEXT,\n"
        "  origin TEXT, -- food, supplement\n"
        "  compound TEXT,\n"
        "  amount TEXT, -- with its unit\n"
        "  leg TEXT,\n"
        "  text TEXT\n"
        ") STRICT;"
        "CREATE TABLE waveform (\n"
        "  -- The signal around an onset, band-passed, mains taken out.\n"
        "  episode TEXT PRIMARY KEY REFERENCES episode (id),\n"
        "  start_us INTEGER NOT NULL, -- of frame 0\n"
        "  rate_hz REAL NOT NULL,\n"
        "  channels INTEGER NOT NULL,\n"
        "  scale_uv REAL NOT NULL, -- one step of a sample, in microvolts or the arbitrary unit\n"
        "  arbitrary_unit INTEGER NOT NULL\n"
        ") STRICT;"
        "CREATE TABLE piece (\n"
        "  -- Its stretches without a gap.\n"
        "  episode TEXT NOT NULL REFERENCES waveform (episode),\n"
        "  first INTEGER NOT NULL, -- frame\n"
        "  frames INTEGER NOT NULL,\n"
        "  samples BLOB NOT NULL, -- 16-bit integers, little-endian, `channels` a frame\n"
        "  PRIMARY KEY (episode, first)\n"
        ") STRICT;"
        "CREATE VIEW cramp AS\n"
        "  -- Every cramp that is known of: alerts that were no false alarm, and missed ones.\n"
        "  SELECT id, sensor, leg, muscle, onset_us AS time_us,\n"
        "    datetime(onset_us / 1000000 + zone_offset_s, 'unixepoch') AS local_time,\n"
        "    (end_us - onset_us) / 1e6 AS lasted_s, severity, pain, note, 0 AS missed, simulated\n"
        "  FROM episode WHERE verdict IS NOT 'false-alarm'\n"
        "  UNION ALL SELECT id, sensor, leg, muscle, time_us,\n"
        "    datetime(time_us / 1000000 + zone_offset_s, 'unixepoch'), NULL, NULL, pain, note, 1, 0\n"
        "  FROM missed;"
        "CREATE VIEW evening AS\n"
        "  -- Each night by its evening: hours watched by the sensor that watched longest, alerts of "
        "all.\n"
        "  SELECT evening, max(hours) AS hours, sum(alerts) AS alerts FROM\n"
        "    (SELECT evening, sensor, sum(monitored_us) / 3.6e9 AS hours, sum(episodes) AS alerts\n"
        "     FROM night GROUP BY evening, sensor)\n"
        "  GROUP BY evening;"
        "CREATE VIEW month AS\n"
        "  -- Cramps of each month.\n"
        "  SELECT substr(local_time, 1, 7) AS month, count(*) AS cramps, avg(lasted_s) AS mean_s,\n"
        "    avg(pain) AS mean_pain, sum(simulated) AS simulated FROM cramp GROUP BY 1;";

enum insert {
        INSERT_SENSOR,
        INSERT_EPISODE,
        INSERT_MISSED,
        INSERT_NIGHT,
        INSERT_GAP,
        INSERT_ENTRY,
        INSERT_WAVEFORM,
        INSERT_PIECE,
        INSERT_MAX
};

static const char *const inserts[INSERT_MAX] = {
        [INSERT_SENSOR] = "INSERT INTO sensor VALUES (?,?,?,?,?)",
        [INSERT_EPISODE] = "INSERT INTO episode VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        [INSERT_MISSED] = "INSERT INTO missed VALUES (?,?,?,?,?,?,?,?,?,?)",
        [INSERT_NIGHT] = "INSERT INTO night VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        [INSERT_GAP] = "INSERT INTO gap VALUES (?,?,?,?)",
        [INSERT_ENTRY] = "INSERT INTO entry VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        [INSERT_WAVEFORM] = "INSERT INTO waveform VALUES (?,?,?,?,?,?)",
        [INSERT_PIECE] = "INSERT INTO piece VALUES (?,?,?,?)",
};

struct copy {
        struct export *export;
        sqlite3 *handle;
        sqlite3_stmt *statements[INSERT_MAX];
        int rc;         /* the first error of SQLite */
        int64_t nights; /* so far */
        struct export_signals signals;
};

/* Of `types` each is a parameter: 't' a text (NULL stays), 'n' int64_t (CRAMPD_NO_TIME is NULL), 'p' int
 * (negative is NULL), 'r' double (NaN is NULL). Returns 0 or -ECANCELED. */
static int insert(struct copy *copy, enum insert which, const char *types, ...) {
        sqlite3_stmt *statement = copy->statements[which];
        va_list arguments;
        int rc = SQLITE_OK;

        va_start(arguments, types);
        for (int i = 1; types[i - 1] && rc == SQLITE_OK; i++) {
                if (types[i - 1] == 't')
                        rc = sqlite3_bind_text(statement, i, va_arg(arguments, const char *), -1,
                                               SQLITE_STATIC);
                else if (types[i - 1] == 'r')
                        rc = sqlite3_bind_double(statement, i, va_arg(arguments, double));
                else {
                        int64_t number = types[i - 1] == 'p' ? va_arg(arguments, int)
                                                             : va_arg(arguments, int64_t);
                        bool none = types[i - 1] == 'p' ? number < 0 : number == CRAMPD_NO_TIME;

                        rc = none ? sqlite3_bind_null(statement, i)
                                  : sqlite3_bind_int64(statement, i, number);
                }
        }
        va_end(arguments);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(statement);
        (void)sqlite3_reset(statement);
        if (rc == SQLITE_DONE)
                return 0;
        copy->rc = rc;
        return -ECANCELED;
}

/* --- rows --- */

static int copy_piece(struct copy *copy, const char *episode, const struct crampd_piece *piece,
                      const int16_t *samples, unsigned channels) {
        size_t n = (size_t)piece->frames * channels;
        uint16_t *bytes = calloc(n, sizeof(*bytes));
        int r;

        if (!bytes) {
                copy->rc = SQLITE_NOMEM;
                return -ECANCELED;
        }
        for (size_t i = 0; i < n; i++)
                bytes[i] = htole16((uint16_t)samples[i]);
        copy->rc = sqlite3_bind_blob64(copy->statements[INSERT_PIECE], 4, bytes, n * sizeof(*bytes),
                                       SQLITE_STATIC);
        r = copy->rc == SQLITE_OK ? insert(copy, INSERT_PIECE, "tnn", episode, (int64_t)piece->first,
                                           (int64_t)piece->frames)
                                  : -ECANCELED;
        free(bytes);
        return r;
}

static int copy_waveform(const struct crampd_episode *episode, const struct crampd_waveform *waveform,
                         void *userdata) {
        const int16_t *samples = waveform->samples;
        struct copy *copy = userdata;
        int r;

        r = insert(copy, INSERT_WAVEFORM, "tnrnrn", episode->id, waveform->start_us,
                   waveform->rate_mhz / 1000.0, (int64_t)waveform->channels, waveform->scale_uv,
                   (int64_t)waveform->arbitrary_unit);
        for (size_t i = 0; i < waveform->n_pieces && r >= 0; i++) {
                r = copy_piece(copy, episode->id, waveform->pieces + i, samples, waveform->channels);
                samples += (size_t)waveform->pieces[i].frames * waveform->channels;
        }
        return r;
}

static int copy_episode(const struct crampd_episode *episode, void *userdata) {
        struct copy *copy = userdata;
        char onset[TIMESTAMP_SIZE];
        int r;

        timestamp_format_iso(episode->onset_us, episode->zone_offset_s, onset);
        r = insert(copy, INSERT_EPISODE, "tttttnnntntrrrrnttptn", episode->id, episode->sensor,
                   episode->leg, episode->muscle, onset, episode->onset_us, episode->alert_us,
                   episode->end_us, episode->end_reason, (int64_t)episode->zone_offset_s,
                   episode->severity, episode->peak_uv, episode->median_hz, episode->peak_mvc_percent,
                   episode->confidence, (int64_t)episode->channel, episode->detector, episode->verdict,
                   episode->pain, episode->note, (int64_t)episode->simulated);
        return r >= 0 ? export_signals_add(&copy->signals, episode) : r;
}

static int copy_missed(const struct crampd_missed *missed, void *userdata) {
        char time[TIMESTAMP_SIZE];

        timestamp_format_iso(missed->time_us, missed->zone_offset_s, time);
        return insert(userdata, INSERT_MISSED, "tttttnnptn", missed->id, missed->sensor, missed->leg,
                      missed->muscle, time, missed->time_us, (int64_t)missed->zone_offset_s,
                      missed->pain, missed->note, (int64_t)missed->watched);
}

static int copy_night(const struct crampd_night *night, void *userdata) {
        struct copy *copy = userdata;
        int64_t number = ++copy->nights;
        int r;

        r = insert(copy, INSERT_NIGHT, "nttnnnnnnnnnn", number, night->evening, night->sensor,
                   night->start_us, night->end_us, (int64_t)night->zone_offset_s,
                   (int64_t)night->monitored_us, (int64_t)night->packets, (int64_t)night->lost_packets,
                   (int64_t)night->reconnects, (int64_t)night->gaps, (int64_t)night->gap_us,
                   (int64_t)night->episodes);
        for (size_t i = 0; i < night->n_longest && r >= 0; i++)
                r = insert(copy, INSERT_GAP, "nnnt", number, night->longest[i].start_us,
                           night->longest[i].end_us, night->longest[i].reason);
        return r;
}

static int copy_entry(const struct crampd_entry *entry, void *userdata) {
        char time[TIMESTAMP_SIZE];

        timestamp_format_iso(entry->time_us, entry->zone_offset_s, time);
        return insert(userdata, INSERT_ENTRY, "ttnnttttttt", entry->id, time, entry->time_us,
                      (int64_t)entry->zone_offset_s, entry->kind, entry->what, entry->origin,
                      entry->compound, entry->amount, entry->leg, entry->text);
}

static int copy_sensors(struct copy *copy) {
        const char *wanted = copy->export->filter->asked.sensor;
        struct crampd_sensor *sensors;
        size_t n;
        int r;

        r = crampd_list_sensors(copy->export->client, &sensors, &n, &copy->export->error);
        if (r < 0)
                return fail_client(r, &copy->export->error);
        for (size_t i = 0; i < n && r >= 0; i++)
                if (!wanted || strcmp(wanted, sensors[i].id) == 0)
                        r = insert(copy, INSERT_SENSOR, "ttttt", sensors[i].id, sensors[i].name,
                                   sensors[i].muscle, sensors[i].leg, sensors[i].driver);
        crampd_sensors_free(sensors, n);
        return 0;
}

/* The day log is of the caller, whatever the sensor. */
static int copy_entries(struct copy *copy) {
        struct export *export = copy->export;
        int r = crampd_list_entries(export->client, CRAMPD_OWNER_SELF, &export->filter->asked,
                                    copy_entry, copy, &export->error);

        return r < 0 && r != -ECANCELED ? fail_client(r, &export->error) : 0;
}

/* --- the file --- */

static int copy_all(struct copy *copy) {
        int code = copy_sensors(copy);

        if (code == 0 && copy->rc == SQLITE_OK)
                code = export_episodes(copy->export, copy_episode, copy);
        if (code == 0 && copy->rc == SQLITE_OK)
                code = export_signals_get(copy->export, &copy->signals, copy_waveform, copy);
        if (code == 0 && copy->rc == SQLITE_OK)
                code = export_missed(copy->export, copy_missed, copy);
        if (code == 0 && copy->rc == SQLITE_OK)
                code = export_nights(copy->export, copy_night, copy);
        if (code == 0 && copy->rc == SQLITE_OK)
                code = copy_entries(copy);
        return code;
}

/* The file is there already, empty, and is renamed when all is done: it needs no journal. */
static int copy_open(struct copy *copy) {
        int rc = sqlite3_open_v2(copy->export->path, &copy->handle,
                                 SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE, NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_exec(copy->handle, schema, NULL, NULL, NULL);
        for (size_t i = 0; i < INSERT_MAX && rc == SQLITE_OK; i++)
                rc = sqlite3_prepare_v2(copy->handle, inserts[i], -1, &copy->statements[i], NULL);
        return rc;
}

static int sqlite_write(struct export *export) {
        struct copy copy = {.export = export};
        int code = 0;

        copy.rc = copy_open(&copy);
        if (copy.rc == SQLITE_OK)
                code = copy_all(&copy);
        if (code == 0 && copy.rc == SQLITE_OK)
                copy.rc = sqlite3_exec(copy.handle, "COMMIT", NULL, NULL, NULL);
        for (size_t i = 0; i < INSERT_MAX; i++)
                (void)sqlite3_finalize(copy.statements[i]);
        (void)sqlite3_close(copy.handle);
        export_signals_clear(&copy.signals);
        if (code == 0 && copy.rc != SQLITE_OK) {
                progress_clear(&export->progress);
                code = fail(copy.rc == SQLITE_NOMEM ? EX_OSERR : EX_CANTCREAT,
                            "cannot write the database: %s", sqlite3_errstr(copy.rc));
        }
        return code;
}

const struct export_format export_sqlite = {
        .name = "sqlite",
        .summary = N_("an SQLite database of all there is, with views"),
        .kind = EXPORT_DATABASE,
        .write = sqlite_write,
};
