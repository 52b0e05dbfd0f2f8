/* SPDX-License-Identifier: MIT */
/* The rows of sensors: see rows.h. */
#include "daemon/store/statement.h"

/* Removed sensors of one user without any record of theirs. */
#define REMOVED_KEPT 16

/* A missing parent makes its key NULL, which NOT NULL refuses, here and in the other tables. */
const char *const rows_sql_sensor[ROWS_STATEMENT_MAX] = {
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
        /* Those that were removed and have watched nothing; the latest stay a while, for what may still
         * be on its way. */
        [ROWS_PRUNE_SENSORS] =
                "DELETE FROM sensor WHERE row IN (SELECT s.row FROM sensor s WHERE s.owner_uid = ?1 "
                "AND s.removed_us IS NOT NULL "
                "AND NOT EXISTS (SELECT 1 FROM night n WHERE n.sensor = s.row) "
                "AND NOT EXISTS (SELECT 1 FROM episode e WHERE e.sensor = s.row) "
                "AND NOT EXISTS (SELECT 1 FROM missed m WHERE m.sensor = s.row) "
                "AND NOT EXISTS (SELECT 1 FROM calibration c WHERE c.sensor = s.row) "
                "ORDER BY s.removed_us DESC, s.row DESC LIMIT -1 OFFSET ?2)",
        [ROWS_PUT_BATTERY] = "UPDATE sensor SET battery_rate = ?2, battery_warned = ?3 WHERE id = ?1",
        [ROWS_LIST_SENSORS] = "SELECT id, owner_uid, address, driver, name, muscle, leg, added_us, "
                              "removed_us, zone_offset_s, paused, allow_broadcast, envelope, scale_uv, "
                              "rate_mhz, channels, battery_rate, battery_warned, sensitivity, learning, "
                              "learning_since_us, calibrated_us, calibrated_scale_uv, "
                              "calibrated_envelope "
                              "FROM sensor WHERE removed_us IS NULL ORDER BY added_us, row",
};

int rows_put_sensor(struct rows *rows, const struct store_sensor *sensor) {
        struct binding person = binding_begin(rows, ROWS_PUT_PERSON);
        struct binding binding = binding_begin(rows, ROWS_PUT_SENSOR);
        int rc;

        binding_number(&person, sensor->owner_uid);
        rc = binding_run(&person);
        if (rc != SQLITE_OK)
                return rc;

        binding_text(&binding, sensor->id);
        binding_number(&binding, sensor->owner_uid);
        binding_text(&binding, sensor->address);
        binding_text(&binding, sensor->driver);
        binding_text(&binding, sensor->name);
        binding_text(&binding, sensor->muscle);
        binding_text(&binding, sensor->leg);
        binding_time(&binding, sensor->added_us);
        binding_time(&binding, sensor->removed_us);
        binding_number(&binding, sensor->zone_offset_s);
        binding_number(&binding, sensor->paused);
        binding_number(&binding, sensor->allow_broadcast);
        binding_number(&binding, sensor->envelope);
        binding_real(&binding, sensor->scale_uv);
        binding_number(&binding, sensor->rate_mhz);
        binding_number(&binding, sensor->channels);
        binding_real(&binding, sensor->battery_rate);
        binding_text(&binding, sensor->battery_warned);
        binding_text(&binding, sensor->sensitivity[0] ? sensor->sensitivity : "normal");
        binding_number(&binding, sensor->learning);
        binding_number(&binding, sensor->learning_since_us);
        rc = binding_run(&binding);
        if (rc != SQLITE_OK || sensor->removed_us == STORE_NO_TIME)
                return rc;

        binding = binding_begin(rows, ROWS_PRUNE_SENSORS);
        binding_number(&binding, sensor->owner_uid);
        binding_number(&binding, REMOVED_KEPT);
        return binding_run(&binding);
}

int rows_put_battery(struct rows *rows, const struct store_battery *battery) {
        struct binding binding = binding_begin(rows, ROWS_PUT_BATTERY);

        binding_text(&binding, battery->sensor);
        binding_real(&binding, battery->rate);
        binding_text(&binding, battery->warned);
        return binding_run(&binding);
}

static int read_sensor(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct store_sensor *sensor = ret;

        READ_TEXT(&reading, sensor->id);
        sensor->owner_uid = (uid_t)reading_number(&reading);
        READ_TEXT(&reading, sensor->address);
        READ_TEXT(&reading, sensor->driver);
        READ_TEXT(&reading, sensor->name);
        READ_TEXT(&reading, sensor->muscle);
        READ_TEXT(&reading, sensor->leg);
        sensor->added_us = reading_time(&reading);
        sensor->removed_us = reading_time(&reading);
        sensor->zone_offset_s = (int32_t)reading_number(&reading);
        sensor->paused = reading_number(&reading) != 0;
        sensor->allow_broadcast = reading_number(&reading) != 0;
        sensor->envelope = reading_number(&reading) != 0;
        sensor->scale_uv = reading_real(&reading);
        sensor->rate_mhz = (uint32_t)reading_number(&reading);
        sensor->channels = (uint32_t)reading_number(&reading);
        sensor->battery_rate = reading_real(&reading);
        READ_TEXT(&reading, sensor->battery_warned);
        READ_TEXT(&reading, sensor->sensitivity);
        sensor->learning = reading_number(&reading) != 0;
        sensor->learning_since_us = reading_number(&reading);
        sensor->calibration.time_us = reading_time(&reading);
        sensor->calibration.scale_uv = reading_real(&reading);
        sensor->calibration.envelope = reading_number(&reading) != 0;
        return reading.rc;
}

int rows_list_sensors(struct rows *rows, struct store_sensor **ret, size_t *ret_n) {
        struct binding binding = binding_begin(rows, ROWS_LIST_SENSORS);
        void *sensors = NULL;
        int rc;

        rc = binding_gather(&binding, sizeof(struct store_sensor), read_sensor, &sensors, ret_n);
        for (size_t i = 0; rc == SQLITE_OK && i < *ret_n; i++)
                rc = rows_read_calibration(rows, (struct store_sensor *)sensors + i);
        if (rc == SQLITE_OK)
                *ret = sensors;
        else
                free(sensors);
        return rc;
}
