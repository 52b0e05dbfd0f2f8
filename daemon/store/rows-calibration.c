/* SPDX-License-Identifier: MIT */
/* The rows of calibrations, one for each channel, beside their sensor's: see rows.h. */
#include "daemon/store/statement.h"

const char *const rows_sql_calibration[ROWS_STATEMENT_MAX] = {
        [ROWS_PUT_CALIBRATED] = "UPDATE sensor SET calibrated_us = ?2, calibrated_scale_uv = ?3, "
                                "calibrated_envelope = ?4 WHERE id = ?1",
        [ROWS_DELETE_CALIBRATION] = "DELETE FROM calibration WHERE sensor = (SELECT row FROM sensor "
                                    "WHERE id = ?1)",
        [ROWS_PUT_CALIBRATION] = "INSERT INTO calibration (sensor, channel, rest_uv, mvc_uv) "
                                 "VALUES ((SELECT row FROM sensor WHERE id = ?1), ?2, ?3, ?4)",
        [ROWS_LIST_CALIBRATION] = "SELECT rest_uv, mvc_uv FROM calibration WHERE sensor = (SELECT row "
                                  "FROM sensor WHERE id = ?1) ORDER BY channel LIMIT ?2",
};

static int put_sensor(struct rows *rows, const struct store_calibration *calibration) {
        struct binding binding = binding_begin(rows, ROWS_PUT_CALIBRATED);
        bool there = calibration->channels > 0;
        int rc;

        binding_text(&binding, calibration->sensor);
        binding_time(&binding, there ? calibration->time_us : STORE_NO_TIME);
        binding_real(&binding, there ? calibration->scale_uv : 0.0);
        binding_number(&binding, there && calibration->envelope);
        rc = binding_run(&binding);
        return rc == SQLITE_OK && sqlite3_changes(rows->handle) == 0 ? SQLITE_NOTFOUND : rc;
}

static int delete_channels(struct rows *rows, const char *sensor) {
        struct binding binding = binding_begin(rows, ROWS_DELETE_CALIBRATION);

        binding_text(&binding, sensor);
        return binding_run(&binding);
}

static int put_channel(struct rows *rows, const struct store_calibration *calibration, uint32_t i) {
        struct binding binding = binding_begin(rows, ROWS_PUT_CALIBRATION);

        binding_text(&binding, calibration->sensor);
        binding_number(&binding, i);
        binding_real(&binding, calibration->rest_uv[i]);
        binding_real(&binding, calibration->mvc_uv[i]);
        return binding_run(&binding);
}

int rows_put_calibration(struct rows *rows, const struct store_calibration *calibration) {
        int rc = put_sensor(rows, calibration);

        if (rc == SQLITE_OK)
                rc = delete_channels(rows, calibration->sensor);
        for (uint32_t i = 0; i < calibration->channels && rc == SQLITE_OK; i++)
                rc = put_channel(rows, calibration, i);
        return rc;
}

int rows_read_calibration(struct rows *rows, struct store_sensor *sensor) {
        struct binding binding = binding_begin(rows, ROWS_LIST_CALIBRATION);
        struct store_calibration *calibration = &sensor->calibration;
        int rc;

        binding_text(&binding, sensor->id);
        binding_number(&binding, STORE_CALIBRATION_CHANNELS_MAX);
        rc = binding.rc;
        while (rc == SQLITE_OK && (rc = sqlite3_step(binding.statement)) == SQLITE_ROW) {
                struct reading reading = {.statement = binding.statement};
                uint32_t i = calibration->channels++;

                calibration->rest_uv[i] = reading_real(&reading);
                calibration->mvc_uv[i] = reading_real(&reading);
                rc = reading.rc;
        }
        binding_end(&binding);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
