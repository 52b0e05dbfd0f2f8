/* SPDX-License-Identifier: MIT */
/* The rows of waveforms: see rows.h. */
#include "daemon/store/statement.h"

#include <errno.h>

/* Of an episode that is not there nothing is put: a NULL would become a key of its own. */
const char *const rows_sql_waveform[ROWS_STATEMENT_MAX] = {
        [ROWS_PUT_WAVEFORM] =
                "INSERT OR REPLACE INTO waveform (episode, version, start_us, rate_mhz, channels, "
                "scale_uv, arbitrary_unit, code) SELECT row, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM episode "
                "WHERE id = ?1",
        /* Those of episodes that were recorded first go first. */
        [ROWS_PRUNE_WAVEFORMS] =
                "DELETE FROM waveform WHERE episode IN (SELECT w.episode FROM waveform w "
                "CROSS JOIN episode e ON e.row = w.episode CROSS JOIN sensor s ON s.row = e.sensor "
                "WHERE s.owner_uid = (SELECT s2.owner_uid FROM sensor s2 JOIN episode e2 ON e2.sensor = "
                "s2.row WHERE e2.id = ?1) ORDER BY w.episode DESC LIMIT -1 OFFSET ?2)",
        [ROWS_GET_WAVEFORM] =
                "SELECT e.id, w.version, w.start_us, w.rate_mhz, w.channels, w.scale_uv, "
                "w.arbitrary_unit, w.code FROM waveform w JOIN episode e ON e.row = w.episode "
                "JOIN sensor s ON s.row = e.sensor WHERE e.id = ?1 AND (?2 OR s.owner_uid = ?3)",
};

int rows_put_waveform(struct rows *rows, const struct store_waveform *waveform) {
        struct binding binding = binding_begin(rows, ROWS_PUT_WAVEFORM),
                       touch = binding_begin(rows, ROWS_TOUCH_EPISODE),
                       prune = binding_begin(rows, ROWS_PRUNE_WAVEFORMS);
        _cleanup_(freep) uint8_t *code = NULL;
        size_t size = 0;
        int rc;

        if (waveform_encode(waveform, &code, &size) < 0)
                return SQLITE_NOMEM;
        binding_text(&binding, waveform->episode);
        binding_number(&binding, STORE_WAVEFORM_VERSION);
        binding_time(&binding, waveform->start_us);
        binding_number(&binding, waveform->rate_mhz);
        binding_number(&binding, waveform->channels);
        binding_real(&binding, waveform->scale_uv);
        binding_number(&binding, waveform->arbitrary_unit);
        binding_bytes(&binding, code, size);
        rc = binding_run(&binding);
        if (rc != SQLITE_OK)
                return rc;
        binding_text(&touch, waveform->episode);
        binding_now(&touch);
        rc = binding_run(&touch);
        if (rc != SQLITE_OK)
                return rc;
        binding_text(&prune, waveform->episode);
        binding_number(&prune, STORE_WAVEFORMS_KEPT);
        return binding_run(&prune);
}

static int read_waveform(sqlite3_stmt *statement, struct store_waveform *waveform) {
        struct reading reading = {.statement = statement};
        const uint8_t *code;
        int64_t version;
        int r;

        READ_TEXT(&reading, waveform->episode);
        version = reading_number(&reading);
        waveform->start_us = reading_time(&reading);
        waveform->rate_mhz = (uint32_t)reading_number(&reading);
        waveform->channels = (uint32_t)reading_number(&reading);
        waveform->scale_uv = reading_real(&reading);
        waveform->arbitrary_unit = reading_number(&reading) != 0;
        if (reading.rc != SQLITE_OK)
                return reading.rc;
        if (version != STORE_WAVEFORM_VERSION)
                return SQLITE_FORMAT;
        code = sqlite3_column_blob(statement, reading.index);
        if (!code)
                return sqlite3_column_bytes(statement, reading.index) > 0 ? SQLITE_NOMEM : SQLITE_FORMAT;
        r = waveform_decode(code, (size_t)sqlite3_column_bytes(statement, reading.index), waveform);
        return r == -ENOMEM ? SQLITE_NOMEM : r < 0 ? SQLITE_FORMAT : SQLITE_OK;
}

static void waveform_freep(struct store_waveform **waveform) {
        *waveform = store_waveform_free(*waveform);
}

int rows_get_waveform(struct rows *rows, const struct store_filter *filter,
                      struct store_waveform **ret) {
        struct binding binding = binding_begin(rows, ROWS_GET_WAVEFORM);
        _cleanup_(waveform_freep) struct store_waveform *waveform = calloc(1, sizeof(*waveform));
        int rc;

        if (!waveform)
                return SQLITE_NOMEM;
        binding_text(&binding, filter->id);
        binding_number(&binding, filter->any_owner);
        binding_number(&binding, filter->owner_uid);
        rc = binding.rc;
        if (rc == SQLITE_OK)
                rc = sqlite3_step(binding.statement);
        if (rc == SQLITE_ROW) {
                rc = read_waveform(binding.statement, waveform);
                if (rc == SQLITE_OK)
                        *ret = steal_pointer(&waveform);
        } else if (rc == SQLITE_DONE)
                rc = SQLITE_OK;
        binding_end(&binding);
        return rc;
}
