/* SPDX-License-Identifier: MIT */
/* Rows: see rows.h. */
#include "daemon/store/rows.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The episode is the outer loop and comes in the order of its index, so a page costs no more than its
 * own rows (and those of other owners in between). */
#define SELECT_EPISODES                                                                                 \
        "SELECT e.id, s.id, n.id, e.muscle, e.leg, e.onset_us, e.alert_us, e.end_us, e.zone_offset_s, " \
        "e.channel, e.end_reason, e.severity, e.peak_uv, e.median_hz, e.confidence, e.detector, "       \
        "e.verdict, e.pain, e.note "                                                                    \
        "FROM episode e CROSS JOIN sensor s ON s.row = e.sensor CROSS JOIN night n ON n.row = e.night " \
        "WHERE (?1 OR s.owner_uid = ?2) AND e.onset_us >= ?3 AND e.onset_us < ?4 "                      \
        "AND (e.onset_us > ?5 OR e.row > ?6) "
#define ORDER_EPISODES "ORDER BY e.onset_us, e.row LIMIT ?7"

#define OF_OWNER "(?2 OR sensor IN (SELECT row FROM sensor WHERE owner_uid = ?3))"

/* A missing parent makes its key NULL, which NOT NULL refuses. */
static const char *const sql[ROWS_STATEMENT_MAX] = {
        [ROWS_PUT_PERSON] = "INSERT INTO person (uid) VALUES (?1) ON CONFLICT (uid) DO NOTHING",
        [ROWS_PUT_SENSOR] =
                "INSERT INTO sensor (id, owner_uid, address, driver, name, muscle, leg, "
                "added_us, removed_us, "
                "zone_offset_s, paused, allow_broadcast, envelope, scale_uv, rate_mhz, "
                "channels, battery_rate, battery_warned, sensitivity, learning, "
                "learning_since_us) VALUES (?1, ?2, ?3, "
                "?4, ?5, ?6, "
                "?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21) "
                "ON CONFLICT (id) DO UPDATE SET owner_uid = excluded.owner_uid, address = "
                "excluded.address, "
                "driver = excluded.driver, name = excluded.name, muscle = excluded.muscle, "
                "leg = excluded.leg, "
                "added_us = excluded.added_us, removed_us = excluded.removed_us, "
                "zone_offset_s = excluded.zone_offset_s, paused = excluded.paused, "
                "allow_broadcast = excluded.allow_broadcast, envelope = excluded.envelope, "
                "scale_uv = excluded.scale_uv, rate_mhz = excluded.rate_mhz, "
                "channels = excluded.channels, sensitivity = excluded.sensitivity, "
                "learning = excluded.learning, learning_since_us = excluded.learning_since_us",
        [ROWS_PUT_NIGHT] =
                "INSERT INTO night (id, sensor, evening, start_us, end_us, seen_us, zone_offset_s, "
                "rate_mhz, "
                "channels, packets, lost_packets, monitored_us, reconnects) "
                "VALUES (?1, (SELECT row FROM sensor WHERE id = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
                "?11, ?12, ?13) "
                "ON CONFLICT (id) DO UPDATE SET sensor = excluded.sensor, evening = excluded.evening, "
                "start_us = excluded.start_us, end_us = excluded.end_us, seen_us = excluded.seen_us, "
                "zone_offset_s = excluded.zone_offset_s, rate_mhz = excluded.rate_mhz, "
                "channels = excluded.channels, packets = excluded.packets, lost_packets = "
                "excluded.lost_packets, monitored_us = excluded.monitored_us, reconnects = "
                "excluded.reconnects",
        [ROWS_PUT_EPISODE] =
                "INSERT INTO episode (id, sensor, night, muscle, leg, onset_us, alert_us, end_us, "
                "zone_offset_s, "
                "channel, end_reason, severity, peak_uv, median_hz, confidence, detector) "
                "VALUES (?1, (SELECT row FROM sensor WHERE id = ?2), (SELECT row FROM night WHERE id = "
                "?3), "
                "?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) "
                "ON CONFLICT (id) DO UPDATE SET sensor = excluded.sensor, night = excluded.night, "
                "muscle = excluded.muscle, leg = excluded.leg, onset_us = excluded.onset_us, "
                "alert_us = excluded.alert_us, end_us = excluded.end_us, "
                "zone_offset_s = excluded.zone_offset_s, channel = excluded.channel, "
                "end_reason = excluded.end_reason, severity = excluded.severity, peak_uv = "
                "excluded.peak_uv, "
                "median_hz = excluded.median_hz, confidence = excluded.confidence, detector = "
                "excluded.detector",
        [ROWS_PUT_ACCOUNT] =
                "INSERT OR REPLACE INTO account (episode, sensitivity, evidence_factor, needed_s, "
                "from_us, active_s, unbroken_s, ratio_alert, ratio_peak, bridged, dips, together, "
                "channels, took_part, quality, point_us, evidence) VALUES ((SELECT row FROM episode "
                "WHERE id = ?1), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
                "?17)",
        [ROWS_GET_ACCOUNT] =
                "SELECT e.id, a.sensitivity, a.evidence_factor, a.needed_s, a.from_us, a.active_s, "
                "a.unbroken_s, a.ratio_alert, a.ratio_peak, a.bridged, a.dips, a.together, a.channels, "
                "a.took_part, a.quality, a.point_us, a.evidence "
                "FROM account a JOIN episode e ON e.row = a.episode JOIN sensor s ON s.row = e.sensor "
                "WHERE e.id = ?1 AND (?2 OR s.owner_uid = ?3)",
        /* What is not given is NULL, and stays. */
        [ROWS_ANNOTATE] = "UPDATE episode SET verdict = coalesce(?4, verdict), "
                          "pain = coalesce(?5, pain), note = coalesce(?6, note), annotated_us = ?7 "
                          "WHERE id = ?1 AND " OF_OWNER,
        [ROWS_CLEAR_EPISODE] = "UPDATE episode SET verdict = '', pain = NULL, note = '', "
                               "annotated_us = NULL WHERE id = ?1 AND " OF_OWNER,
        [ROWS_ADD_MISSED] =
                "INSERT INTO missed (id, sensor, time_us, zone_offset_s, pain, note, annotated_us) "
                "SELECT ?1, s.row, ?8, ?9, ?5, coalesce(?6, ''), ?7 FROM sensor s "
                "WHERE s.id = ?10 AND (?2 OR s.owner_uid = ?3) "
                "AND (SELECT count(*) FROM missed m WHERE m.sensor = s.row) < ?11",
        [ROWS_CLEAR_MISSED] = "DELETE FROM missed WHERE id = ?1 AND " OF_OWNER,
        [ROWS_FIND_MISSED] = "SELECT m.time_us, m.row FROM missed m JOIN sensor s ON s.row = m.sensor "
                             "WHERE m.id = ?1 AND (?2 OR s.owner_uid = ?3)",
        [ROWS_LIST_MISSED] =
                "SELECT m.id, s.id, s.muscle, s.leg, m.time_us, m.zone_offset_s, m.pain, m.note "
                "FROM missed m CROSS JOIN sensor s ON s.row = m.sensor "
                "WHERE (?1 OR s.owner_uid = ?2) AND m.time_us >= ?3 AND m.time_us < ?4 "
                "AND (m.time_us > ?5 OR m.row > ?6) AND (?8 IS NULL OR s.id = ?8) "
                "ORDER BY m.time_us, m.row LIMIT ?7",
        [ROWS_LIST_VERDICTS] = "SELECT verdict, time_us FROM ("
                               "SELECT verdict, onset_us AS time_us, annotated_us FROM episode "
                               "WHERE sensor = (SELECT row FROM sensor WHERE id = ?1) AND verdict <> '' "
                               "UNION ALL SELECT 'missed', time_us, annotated_us FROM missed "
                               "WHERE sensor = (SELECT row FROM sensor WHERE id = ?1)) "
                               "WHERE annotated_us >= ?2 ORDER BY time_us DESC LIMIT ?3",
        [ROWS_PUT_BATTERY] = "UPDATE sensor SET battery_rate = ?2, battery_warned = ?3 WHERE id = ?1",
        [ROWS_PUT_GAP] = "INSERT INTO gap (night, start_us, end_us, frames, reason) "
                         "VALUES ((SELECT row FROM night WHERE id = ?1), ?2, ?3, ?4, ?5) "
                         "ON CONFLICT (night, start_us) DO UPDATE SET end_us = excluded.end_us, frames "
                         "= excluded.frames",
        [ROWS_LIST_SENSORS] = "SELECT id, owner_uid, address, driver, name, muscle, leg, added_us, "
                              "removed_us, zone_offset_s, paused, allow_broadcast, envelope, scale_uv, "
                              "rate_mhz, channels, battery_rate, battery_warned, sensitivity, learning, "
                              "learning_since_us "
                              "FROM sensor WHERE removed_us IS NULL ORDER BY added_us, row",
        [ROWS_FIND_CURSOR] = "SELECT e.onset_us, e.row FROM episode e JOIN sensor s ON s.row = e.sensor "
                             "WHERE e.id = ?1 AND (?2 OR s.owner_uid = ?3)",
        [ROWS_LIST_EPISODES] = SELECT_EPISODES ORDER_EPISODES,
        [ROWS_LIST_EPISODES_OF_SENSOR] =
                SELECT_EPISODES "AND e.sensor = (SELECT row FROM sensor WHERE id = ?8) " ORDER_EPISODES,
        [ROWS_GET_EPISODE] =
                SELECT_EPISODES "AND e.id = ?9 AND (?8 IS NULL OR s.id = ?8) " ORDER_EPISODES,
        [ROWS_FIND_NIGHT] = "SELECT n.start_us, n.row FROM night n JOIN sensor s ON s.row = n.sensor "
                            "WHERE n.id = ?1 AND (?2 OR s.owner_uid = ?3)",
        [ROWS_LIST_NIGHTS] =
                "SELECT n.id, s.id, n.evening, n.start_us, n.end_us, n.seen_us, n.zone_offset_s, "
                "n.rate_mhz, n.channels, n.packets, n.lost_packets, n.monitored_us, n.reconnects, "
                "(SELECT count(*) FROM gap g WHERE g.night = n.row), "
                "(SELECT coalesce(sum(g.frames), 0) FROM gap g WHERE g.night = n.row), "
                "(SELECT coalesce(max(g.end_us - g.start_us), 0) FROM gap g WHERE g.night = n.row), "
                "(SELECT count(*) FROM episode e WHERE e.night = n.row) "
                "FROM night n CROSS JOIN sensor s ON s.row = n.sensor "
                "WHERE (?1 OR s.owner_uid = ?2) AND coalesce(n.end_us, n.seen_us) >= ?3 "
                "AND n.start_us < ?4 AND n.start_us >= ?5 AND (n.start_us > ?5 OR n.row > ?6) "
                "AND (?8 IS NULL OR s.id = ?8) ORDER BY n.start_us, n.row LIMIT ?7",
        [ROWS_LIST_GAPS] =
                "SELECT start_us, end_us, reason FROM (SELECT start_us, end_us, reason FROM gap "
                "WHERE night = (SELECT row FROM night WHERE id = ?1) "
                "ORDER BY end_us - start_us DESC LIMIT ?2) ORDER BY start_us",
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
        [ROWS_LIST_CRAMPS] = "SELECT n.evening, e.onset_us, e.end_us, e.pain FROM sensor s "
                             "JOIN episode e ON e.sensor = s.row JOIN night n ON n.row = e.night "
                             "WHERE s.owner_uid = ?1 AND e.onset_us >= ?2 AND e.verdict <> "
                             "'false-alarm' ORDER BY e.onset_us, e.row",
};

int rows_prepare(struct rows *rows, sqlite3 *handle) {
        *rows = (struct rows){.handle = handle};
        for (size_t i = 0; i < ROWS_STATEMENT_MAX; i++) {
                int rc = sqlite3_prepare_v3(handle, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
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

/* One statement being filled in from its first parameter on; the first error stays. */
struct binding {
        sqlite3_stmt *statement;
        int index;
        int rc;
};

static struct binding binding_begin(struct rows *rows, enum rows_statement statement) {
        return (struct binding){.statement = rows->statements[statement]};
}

static void bind_text(struct binding *binding, const char *text) {
        binding->index++;
        if (binding->rc == SQLITE_OK)
                binding->rc =
                        sqlite3_bind_text(binding->statement, binding->index, text, -1, SQLITE_STATIC);
}

static void bind_number(struct binding *binding, int64_t number) {
        binding->index++;
        if (binding->rc == SQLITE_OK)
                binding->rc = sqlite3_bind_int64(binding->statement, binding->index, number);
}

/* Parameters that are not bound are NULL. */
static void bind_null(struct binding *binding) {
        binding->index++;
}

static void bind_time(struct binding *binding, int64_t time_us) {
        if (time_us == STORE_NO_TIME)
                bind_null(binding);
        else
                bind_number(binding, time_us);
}

/* SQLite has no NaN: it stores NULL. */
static void bind_real(struct binding *binding, double value) {
        binding->index++;
        if (binding->rc == SQLITE_OK)
                binding->rc = sqlite3_bind_double(binding->statement, binding->index, value);
}

static void binding_end(struct binding *binding) {
        /* Its error is that of the last step, which the caller has. */
        (void)sqlite3_reset(binding->statement);
        (void)sqlite3_clear_bindings(binding->statement);
}

/* Runs a statement that gives no rows. */
static int binding_run(struct binding *binding) {
        int rc = binding->rc;

        if (rc == SQLITE_OK)
                rc = sqlite3_step(binding->statement);
        binding_end(binding);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int rows_put_sensor(struct rows *rows, const struct store_sensor *sensor) {
        struct binding person = binding_begin(rows, ROWS_PUT_PERSON);
        struct binding binding = binding_begin(rows, ROWS_PUT_SENSOR);
        int rc;

        bind_number(&person, sensor->owner_uid);
        rc = binding_run(&person);
        if (rc != SQLITE_OK)
                return rc;

        bind_text(&binding, sensor->id);
        bind_number(&binding, sensor->owner_uid);
        bind_text(&binding, sensor->address);
        bind_text(&binding, sensor->driver);
        bind_text(&binding, sensor->name);
        bind_text(&binding, sensor->muscle);
        bind_text(&binding, sensor->leg);
        bind_time(&binding, sensor->added_us);
        bind_time(&binding, sensor->removed_us);
        bind_number(&binding, sensor->zone_offset_s);
        bind_number(&binding, sensor->paused);
        bind_number(&binding, sensor->allow_broadcast);
        bind_number(&binding, sensor->envelope);
        bind_real(&binding, sensor->scale_uv);
        bind_number(&binding, sensor->rate_mhz);
        bind_number(&binding, sensor->channels);
        bind_real(&binding, sensor->battery_rate);
        bind_text(&binding, sensor->battery_warned);
        bind_text(&binding, sensor->sensitivity[0] ? sensor->sensitivity : "normal");
        bind_number(&binding, sensor->learning);
        bind_number(&binding, sensor->learning_since_us);
        return binding_run(&binding);
}

int rows_put_battery(struct rows *rows, const struct store_battery *battery) {
        struct binding binding = binding_begin(rows, ROWS_PUT_BATTERY);

        bind_text(&binding, battery->sensor);
        bind_real(&binding, battery->rate);
        bind_text(&binding, battery->warned);
        return binding_run(&binding);
}

int rows_put_night(struct rows *rows, const struct store_night *night) {
        struct binding binding = binding_begin(rows, ROWS_PUT_NIGHT);

        bind_text(&binding, night->id);
        bind_text(&binding, night->sensor);
        bind_text(&binding, night->evening);
        bind_time(&binding, night->start_us);
        bind_time(&binding, night->end_us);
        bind_time(&binding, night->seen_us);
        bind_number(&binding, night->zone_offset_s);
        bind_number(&binding, night->rate_mhz);
        bind_number(&binding, night->channels);
        bind_number(&binding, (int64_t)night->packets);
        bind_number(&binding, (int64_t)night->lost_packets);
        bind_number(&binding, (int64_t)night->monitored_us);
        bind_number(&binding, night->reconnects);
        return binding_run(&binding);
}

int rows_put_episode(struct rows *rows, const struct store_episode *episode) {
        struct binding binding = binding_begin(rows, ROWS_PUT_EPISODE);

        bind_text(&binding, episode->id);
        bind_text(&binding, episode->sensor);
        bind_text(&binding, episode->night);
        bind_text(&binding, episode->muscle);
        bind_text(&binding, episode->leg);
        bind_time(&binding, episode->onset_us);
        bind_time(&binding, episode->alert_us);
        bind_time(&binding, episode->end_us);
        bind_number(&binding, episode->zone_offset_s);
        bind_number(&binding, episode->channel);
        bind_text(&binding, episode->end_reason);
        bind_text(&binding, episode->severity);
        bind_real(&binding, episode->peak_uv);
        bind_real(&binding, episode->median_hz);
        bind_real(&binding, episode->confidence);
        bind_text(&binding, episode->detector);
        return binding_run(&binding);
}

/* "12 95 183": hundredths of a second. Long enough for what the detector's cap allows. */
#define EVIDENCE_TEXT_SIZE (STORE_ACCOUNT_POINTS * 12u + 1u)

static void evidence_format(const struct store_account *account, char ret[static EVIDENCE_TEXT_SIZE]) {
        size_t used = 0;

        ret[0] = '\0';
        for (uint32_t i = 0; i < account->points; i++) {
                int64_t hundredths = (int64_t)(account->evidence_s[i] * 100.0 + 0.5);
                int n = snprintf(ret + used, EVIDENCE_TEXT_SIZE - used, "%s%" PRId64, i > 0 ? " " : "",
                                 hundredths < 0 || hundredths > 1000000 ? 0 : hundredths);

                used += (size_t)n;
        }
}

static void evidence_parse(const char *text, struct store_account *account) {
        char *end;

        while (account->points < STORE_ACCOUNT_POINTS) {
                long hundredths = strtol(text, &end, 10);

                if (end == text)
                        break;
                account->evidence_s[account->points++] = (double)hundredths / 100.0;
                text = end;
        }
}

int rows_put_account(struct rows *rows, const struct store_account *account) {
        struct binding binding = binding_begin(rows, ROWS_PUT_ACCOUNT);
        char evidence[EVIDENCE_TEXT_SIZE];

        evidence_format(account, evidence);
        bind_text(&binding, account->episode);
        bind_text(&binding, account->sensitivity);
        bind_real(&binding, account->evidence_factor);
        bind_real(&binding, account->needed_s);
        bind_time(&binding, account->from_us);
        bind_real(&binding, account->active_s);
        bind_real(&binding, account->unbroken_s);
        bind_real(&binding, account->ratio_alert);
        bind_real(&binding, account->ratio_peak);
        bind_number(&binding, account->bridged);
        bind_number(&binding, account->dips);
        bind_real(&binding, account->together);
        bind_number(&binding, account->channels);
        bind_number(&binding, account->took_part);
        bind_text(&binding, account->quality);
        bind_number(&binding, account->point_us);
        bind_text(&binding, evidence);
        return binding_run(&binding);
}

/* The first three parameters of every statement about annotations. */
static struct binding annotation_begin(struct rows *rows, enum rows_statement statement,
                                       const struct store_annotation *annotation) {
        struct binding binding = binding_begin(rows, statement);

        bind_text(&binding, annotation->id);
        bind_number(&binding, annotation->any_owner);
        bind_number(&binding, annotation->owner_uid);
        return binding;
}

static void bind_annotation(struct binding *binding, const struct store_annotation *annotation) {
        if (annotation->verdict[0])
                bind_text(binding, annotation->verdict);
        else
                bind_null(binding);
        if (annotation->pain != STORE_NO_PAIN)
                bind_number(binding, annotation->pain);
        else
                bind_null(binding);
        if (annotation->has_note)
                bind_text(binding, annotation->note);
        else
                bind_null(binding);
        bind_time(binding, annotation->said_us);
}

/* Runs a statement that is to change a row: SQLITE_NOTFOUND if there was none. */
static int binding_change(struct rows *rows, struct binding *binding) {
        int rc = binding_run(binding);

        return rc == SQLITE_OK && sqlite3_changes(rows->handle) == 0 ? SQLITE_NOTFOUND : rc;
}

static int rows_add_missed(struct rows *rows, const struct store_annotation *annotation) {
        struct binding binding = annotation_begin(rows, ROWS_ADD_MISSED, annotation);

        bind_annotation(&binding, annotation);
        bind_time(&binding, annotation->time_us);
        bind_number(&binding, annotation->zone_offset_s);
        bind_text(&binding, annotation->sensor);
        bind_number(&binding, STORE_MISSED_MAX);
        return binding_change(rows, &binding);
}

/* The id is an episode's or that of a missed cramp. */
static int rows_clear_annotation(struct rows *rows, const struct store_annotation *annotation) {
        struct binding binding = annotation_begin(rows, ROWS_CLEAR_EPISODE, annotation);
        int rc = binding_change(rows, &binding);

        if (rc != SQLITE_NOTFOUND)
                return rc;
        binding = annotation_begin(rows, ROWS_CLEAR_MISSED, annotation);
        return binding_change(rows, &binding);
}

int rows_annotate(struct rows *rows, const struct store_annotation *annotation) {
        struct binding binding;

        if (annotation->clear)
                return rows_clear_annotation(rows, annotation);
        if (annotation->sensor[0])
                return rows_add_missed(rows, annotation);
        binding = annotation_begin(rows, ROWS_ANNOTATE, annotation);
        bind_annotation(&binding, annotation);
        return binding_change(rows, &binding);
}

int rows_put_gap(struct rows *rows, const struct store_gap *gap) {
        struct binding binding = binding_begin(rows, ROWS_PUT_GAP);

        bind_text(&binding, gap->night);
        bind_time(&binding, gap->start_us);
        bind_time(&binding, gap->end_us);
        bind_number(&binding, (int64_t)gap->frames);
        bind_text(&binding, gap->reason);
        return binding_run(&binding);
}

/* One row being read from its first column on; the first error stays. */
struct reading {
        sqlite3_stmt *statement;
        int index;
        int rc;
};

static void read_text(struct reading *reading, char *ret, size_t size) {
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

#define READ_TEXT(reading, array) read_text((reading), (array), sizeof(array))

static int64_t read_number(struct reading *reading) {
        return sqlite3_column_int64(reading->statement, reading->index++);
}

static int64_t read_time(struct reading *reading) {
        if (sqlite3_column_type(reading->statement, reading->index) != SQLITE_NULL)
                return read_number(reading);
        reading->index++;
        return STORE_NO_TIME;
}

static double read_real(struct reading *reading) {
        int index = reading->index++;

        if (sqlite3_column_type(reading->statement, index) == SQLITE_NULL)
                return (double)NAN;
        return sqlite3_column_double(reading->statement, index);
}

static int read_pain(struct reading *reading) {
        if (sqlite3_column_type(reading->statement, reading->index) != SQLITE_NULL)
                return (int)read_number(reading);
        reading->index++;
        return STORE_NO_PAIN;
}

static int read_sensor(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct store_sensor *sensor = ret;

        READ_TEXT(&reading, sensor->id);
        sensor->owner_uid = (uid_t)read_number(&reading);
        READ_TEXT(&reading, sensor->address);
        READ_TEXT(&reading, sensor->driver);
        READ_TEXT(&reading, sensor->name);
        READ_TEXT(&reading, sensor->muscle);
        READ_TEXT(&reading, sensor->leg);
        sensor->added_us = read_time(&reading);
        sensor->removed_us = read_time(&reading);
        sensor->zone_offset_s = (int32_t)read_number(&reading);
        sensor->paused = read_number(&reading) != 0;
        sensor->allow_broadcast = read_number(&reading) != 0;
        sensor->envelope = read_number(&reading) != 0;
        sensor->scale_uv = read_real(&reading);
        sensor->rate_mhz = (uint32_t)read_number(&reading);
        sensor->channels = (uint32_t)read_number(&reading);
        sensor->battery_rate = read_real(&reading);
        READ_TEXT(&reading, sensor->battery_warned);
        READ_TEXT(&reading, sensor->sensitivity);
        sensor->learning = read_number(&reading) != 0;
        sensor->learning_since_us = read_number(&reading);
        return reading.rc;
}

static int read_episode(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct store_episode *episode = ret;

        READ_TEXT(&reading, episode->id);
        READ_TEXT(&reading, episode->sensor);
        READ_TEXT(&reading, episode->night);
        READ_TEXT(&reading, episode->muscle);
        READ_TEXT(&reading, episode->leg);
        episode->onset_us = read_time(&reading);
        episode->alert_us = read_time(&reading);
        episode->end_us = read_time(&reading);
        episode->zone_offset_s = (int32_t)read_number(&reading);
        episode->channel = (uint32_t)read_number(&reading);
        READ_TEXT(&reading, episode->end_reason);
        READ_TEXT(&reading, episode->severity);
        episode->peak_uv = read_real(&reading);
        episode->median_hz = read_real(&reading);
        episode->confidence = read_real(&reading);
        READ_TEXT(&reading, episode->detector);
        READ_TEXT(&reading, episode->verdict);
        episode->pain = read_pain(&reading);
        READ_TEXT(&reading, episode->note);
        return reading.rc;
}

static int read_missed(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct store_missed *missed = ret;

        READ_TEXT(&reading, missed->id);
        READ_TEXT(&reading, missed->sensor);
        READ_TEXT(&reading, missed->muscle);
        READ_TEXT(&reading, missed->leg);
        missed->time_us = read_time(&reading);
        missed->zone_offset_s = (int32_t)read_number(&reading);
        missed->pain = read_pain(&reading);
        READ_TEXT(&reading, missed->note);
        return reading.rc;
}

/* Runs a query to its end and gathers its rows in one array, which the caller frees. */
static int binding_gather(struct binding *binding, size_t size,
                          int (*read)(sqlite3_stmt *statement, void *ret), void **ret, size_t *ret_n) {
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

int rows_list_sensors(struct rows *rows, struct store_sensor **ret, size_t *ret_n) {
        struct binding binding = binding_begin(rows, ROWS_LIST_SENSORS);
        void *sensors = NULL;
        int rc;

        rc = binding_gather(&binding, sizeof(struct store_sensor), read_sensor, &sensors, ret_n);
        if (rc == SQLITE_OK)
                *ret = sensors;
        return rc;
}

/* A place in the order of episodes: beyond it the next page begins. */
struct place {
        int64_t onset_us;
        int64_t row;
};

/*
 * The cursor is the id of the page's last episode, read as a number. Unlike a row number it tells nobody
 * how many episodes others have, and unlike a count it stays right when an earlier episode is added in
 * between.
 */
static int find_cursor(struct rows *rows, enum rows_statement statement,
                       const struct store_filter *filter, struct place *ret) {
        struct binding binding = binding_begin(rows, statement);
        char id[STORE_ID_SIZE];
        int rc;

        (void)snprintf(id, sizeof(id), "%016" PRIx64, filter->after);
        bind_text(&binding, id);
        bind_number(&binding, filter->any_owner);
        bind_number(&binding, filter->owner_uid);
        rc = binding.rc;
        if (rc == SQLITE_OK)
                rc = sqlite3_step(binding.statement);
        if (rc == SQLITE_ROW) {
                *ret = (struct place){
                        .onset_us = sqlite3_column_int64(binding.statement, 0),
                        .row = sqlite3_column_int64(binding.statement, 1),
                };
                rc = SQLITE_OK;
        } else if (rc == SQLITE_DONE)
                rc = SQLITE_NOTFOUND;
        binding_end(&binding);
        return rc;
}

static uint64_t cursor_of(const char *id) {
        return strtoull(id, NULL, 16);
}

int rows_list_episodes(struct rows *rows, const struct store_filter *filter, struct store_episode **ret,
                       size_t *ret_n, uint64_t *ret_cursor) {
        enum rows_statement statement = filter->id[0]       ? ROWS_GET_EPISODE
                                        : filter->sensor[0] ? ROWS_LIST_EPISODES_OF_SENSOR
                                                            : ROWS_LIST_EPISODES;
        struct binding binding = binding_begin(rows, statement);
        struct place after = {.onset_us = INT64_MIN};
        void *episodes = NULL;
        size_t n = 0;
        bool more;
        int rc;

        if (filter->after != 0) {
                rc = find_cursor(rows, ROWS_FIND_CURSOR, filter, &after);
                if (rc != SQLITE_OK)
                        return rc;
        }

        bind_number(&binding, filter->any_owner);
        bind_number(&binding, filter->owner_uid);
        /* STORE_NO_TIME is the earliest of all times. */
        bind_number(&binding, filter->since_us > after.onset_us ? filter->since_us : after.onset_us);
        bind_number(&binding, filter->until_us == STORE_NO_TIME ? INT64_MAX : filter->until_us);
        bind_number(&binding, after.onset_us);
        bind_number(&binding, after.row);
        bind_number(&binding,
                    (int64_t)filter->limit + 1); /* one more, to know if another page follows */
        if (filter->sensor[0])
                bind_text(&binding, filter->sensor);
        else
                bind_null(&binding);
        if (filter->id[0])
                bind_text(&binding, filter->id);

        rc = binding_gather(&binding, sizeof(struct store_episode), read_episode, &episodes, &n);
        if (rc != SQLITE_OK)
                return rc;
        more = n > filter->limit;
        if (more)
                n = filter->limit;
        *ret = episodes;
        *ret_n = n;
        *ret_cursor = more ? cursor_of((*ret)[n - 1].id) : 0;
        return SQLITE_OK;
}

static int read_account(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct store_account *account = ret;
        char evidence[EVIDENCE_TEXT_SIZE] = "";

        READ_TEXT(&reading, account->episode);
        READ_TEXT(&reading, account->sensitivity);
        account->evidence_factor = read_real(&reading);
        account->needed_s = read_real(&reading);
        account->from_us = read_time(&reading);
        account->active_s = read_real(&reading);
        account->unbroken_s = read_real(&reading);
        account->ratio_alert = read_real(&reading);
        account->ratio_peak = read_real(&reading);
        account->bridged = (uint32_t)read_number(&reading);
        account->dips = (uint32_t)read_number(&reading);
        account->together = read_real(&reading);
        account->channels = (uint32_t)read_number(&reading);
        account->took_part = (uint32_t)read_number(&reading);
        READ_TEXT(&reading, account->quality);
        account->point_us = read_number(&reading);
        READ_TEXT(&reading, evidence);
        evidence_parse(evidence, account);
        return reading.rc;
}

int rows_get_account(struct rows *rows, const struct store_filter *filter, struct store_account **ret,
                     size_t *ret_n) {
        struct binding binding = binding_begin(rows, ROWS_GET_ACCOUNT);
        void *accounts = NULL;
        int rc;

        bind_text(&binding, filter->id);
        bind_number(&binding, filter->any_owner);
        bind_number(&binding, filter->owner_uid);
        rc = binding_gather(&binding, sizeof(struct store_account), read_account, &accounts, ret_n);
        if (rc == SQLITE_OK)
                *ret = accounts;
        return rc;
}

static int read_verdict(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct store_verdict *verdict = ret;

        READ_TEXT(&reading, verdict->verdict);
        verdict->time_us = read_time(&reading);
        return reading.rc;
}

int rows_list_verdicts(struct rows *rows, const struct store_filter *filter, struct store_verdict **ret,
                       size_t *ret_n) {
        struct binding binding = binding_begin(rows, ROWS_LIST_VERDICTS);
        void *verdicts = NULL;
        int rc;

        bind_text(&binding, filter->sensor);
        bind_number(&binding, filter->since_us);
        bind_number(&binding, filter->limit);
        rc = binding_gather(&binding, sizeof(struct store_verdict), read_verdict, &verdicts, ret_n);
        if (rc == SQLITE_OK)
                *ret = verdicts;
        return rc;
}

int rows_list_missed(struct rows *rows, const struct store_filter *filter, struct store_missed **ret,
                     size_t *ret_n, uint64_t *ret_cursor) {
        struct binding binding = binding_begin(rows, ROWS_LIST_MISSED);
        struct place after = {.onset_us = INT64_MIN};
        void *missed = NULL;
        size_t n = 0;
        int rc = SQLITE_OK;

        if (filter->after != 0)
                rc = find_cursor(rows, ROWS_FIND_MISSED, filter, &after);
        if (rc != SQLITE_OK)
                return rc;
        bind_number(&binding, filter->any_owner);
        bind_number(&binding, filter->owner_uid);
        bind_number(&binding, filter->since_us > after.onset_us ? filter->since_us : after.onset_us);
        bind_number(&binding, filter->until_us == STORE_NO_TIME ? INT64_MAX : filter->until_us);
        bind_number(&binding, after.onset_us);
        bind_number(&binding, after.row);
        bind_number(&binding, (int64_t)filter->limit + 1);
        if (filter->sensor[0])
                bind_text(&binding, filter->sensor);
        rc = binding_gather(&binding, sizeof(struct store_missed), read_missed, &missed, &n);
        if (rc != SQLITE_OK)
                return rc;
        *ret = missed;
        *ret_n = n > filter->limit ? filter->limit : n;
        *ret_cursor = n > filter->limit ? cursor_of((*ret)[*ret_n - 1].id) : 0;
        return SQLITE_OK;
}

static int read_night(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct store_night_report *report = ret;
        struct store_night *night = &report->night;

        READ_TEXT(&reading, night->id);
        READ_TEXT(&reading, night->sensor);
        READ_TEXT(&reading, night->evening);
        night->start_us = read_time(&reading);
        night->end_us = read_time(&reading);
        night->seen_us = read_time(&reading);
        night->zone_offset_s = (int32_t)read_number(&reading);
        night->rate_mhz = (uint32_t)read_number(&reading);
        night->channels = (uint32_t)read_number(&reading);
        night->packets = (uint64_t)read_number(&reading);
        night->lost_packets = (uint64_t)read_number(&reading);
        night->monitored_us = (uint64_t)read_number(&reading);
        night->reconnects = (uint32_t)read_number(&reading);
        report->gaps = (uint32_t)read_number(&reading);
        report->gap_frames = (uint64_t)read_number(&reading);
        report->longest_gap_us = (uint64_t)read_number(&reading);
        report->episodes = (uint32_t)read_number(&reading);
        return reading.rc;
}

/* Fills in the longest gaps of a night. */
static int read_gaps(struct rows *rows, struct store_night_report *report) {
        struct binding binding = binding_begin(rows, ROWS_LIST_GAPS);
        int rc;

        bind_text(&binding, report->night.id);
        bind_number(&binding, STORE_GAPS_MAX);
        rc = binding.rc;
        while (rc == SQLITE_OK && (rc = sqlite3_step(binding.statement)) == SQLITE_ROW) {
                struct reading reading = {.statement = binding.statement};
                size_t n = report->n_longest++;

                report->longest[n].start_us = read_time(&reading);
                report->longest[n].end_us = read_time(&reading);
                READ_TEXT(&reading, report->longest[n].reason);
                rc = reading.rc;
        }
        binding_end(&binding);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int rows_list_nights(struct rows *rows, const struct store_filter *filter,
                     struct store_night_report **ret, size_t *ret_n, uint64_t *ret_cursor) {
        struct binding binding = binding_begin(rows, ROWS_LIST_NIGHTS);
        _cleanup_(freep) struct store_night_report *reports = NULL;
        struct place after = {.onset_us = INT64_MIN};
        void *gathered = NULL;
        size_t n = 0;
        bool more;
        int rc = SQLITE_OK;

        if (filter->after != 0)
                rc = find_cursor(rows, ROWS_FIND_NIGHT, filter, &after);
        if (rc != SQLITE_OK)
                return rc;

        bind_number(&binding, filter->any_owner);
        bind_number(&binding, filter->owner_uid);
        bind_number(&binding, filter->since_us);
        bind_number(&binding, filter->until_us == STORE_NO_TIME ? INT64_MAX : filter->until_us);
        bind_number(&binding, after.onset_us);
        bind_number(&binding, after.row);
        bind_number(&binding, (int64_t)filter->limit + 1);
        if (filter->sensor[0])
                bind_text(&binding, filter->sensor);
        rc = binding_gather(&binding, sizeof(*reports), read_night, &gathered, &n);
        if (rc != SQLITE_OK)
                return rc;
        reports = gathered;
        more = n > filter->limit;
        if (more)
                n = filter->limit;
        for (size_t i = 0; i < n; i++) {
                rc = read_gaps(rows, &reports[i]);
                if (rc != SQLITE_OK)
                        return rc;
        }
        *ret_cursor = more ? cursor_of(reports[n - 1].night.id) : 0;
        *ret_n = n;
        *ret = steal_pointer(&reports);
        return SQLITE_OK;
}
