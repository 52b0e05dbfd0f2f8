/* SPDX-License-Identifier: MIT */
/* The rows of nights and of their gaps: see rows.h. */
#include "daemon/store/statement.h"

const char *const rows_sql_night[ROWS_STATEMENT_MAX] = {
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
        [ROWS_PUT_GAP] = "INSERT INTO gap (night, start_us, end_us, frames, reason) "
                         "VALUES ((SELECT row FROM night WHERE id = ?1), ?2, ?3, ?4, ?5) "
                         "ON CONFLICT (night, start_us) DO UPDATE SET end_us = excluded.end_us, frames "
                         "= excluded.frames, reason = excluded.reason",
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
};

int rows_put_night(struct rows *rows, const struct store_night *night) {
        struct binding binding = binding_begin(rows, ROWS_PUT_NIGHT);

        binding_text(&binding, night->id);
        binding_text(&binding, night->sensor);
        binding_text(&binding, night->evening);
        binding_time(&binding, night->start_us);
        binding_time(&binding, night->end_us);
        binding_time(&binding, night->seen_us);
        binding_number(&binding, night->zone_offset_s);
        binding_number(&binding, night->rate_mhz);
        binding_number(&binding, night->channels);
        binding_number(&binding, (int64_t)night->packets);
        binding_number(&binding, (int64_t)night->lost_packets);
        binding_number(&binding, (int64_t)night->monitored_us);
        binding_number(&binding, night->reconnects);
        return binding_run(&binding);
}

int rows_put_gap(struct rows *rows, const struct store_gap *gap) {
        struct binding binding = binding_begin(rows, ROWS_PUT_GAP);

        binding_text(&binding, gap->night);
        binding_time(&binding, gap->start_us);
        binding_time(&binding, gap->end_us);
        binding_number(&binding, (int64_t)gap->frames);
        binding_text(&binding, gap->reason);
        return binding_run(&binding);
}

static int read_night(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct store_night_report *report = ret;
        struct store_night *night = &report->night;

        READ_TEXT(&reading, night->id);
        READ_TEXT(&reading, night->sensor);
        READ_TEXT(&reading, night->evening);
        night->start_us = reading_time(&reading);
        night->end_us = reading_time(&reading);
        night->seen_us = reading_time(&reading);
        night->zone_offset_s = (int32_t)reading_number(&reading);
        night->rate_mhz = (uint32_t)reading_number(&reading);
        night->channels = (uint32_t)reading_number(&reading);
        night->packets = (uint64_t)reading_number(&reading);
        night->lost_packets = (uint64_t)reading_number(&reading);
        night->monitored_us = (uint64_t)reading_number(&reading);
        night->reconnects = (uint32_t)reading_number(&reading);
        report->gaps = (uint32_t)reading_number(&reading);
        report->gap_frames = (uint64_t)reading_number(&reading);
        report->longest_gap_us = (uint64_t)reading_number(&reading);
        report->episodes = (uint32_t)reading_number(&reading);
        return reading.rc;
}

/* Fills in the longest gaps of a night. */
static int read_gaps(struct rows *rows, struct store_night_report *report) {
        struct binding binding = binding_begin(rows, ROWS_LIST_GAPS);
        int rc;

        binding_text(&binding, report->night.id);
        binding_number(&binding, STORE_GAPS_MAX);
        rc = binding.rc;
        while (rc == SQLITE_OK && (rc = sqlite3_step(binding.statement)) == SQLITE_ROW) {
                struct reading reading = {.statement = binding.statement};
                size_t n = report->n_longest++;

                report->longest[n].start_us = reading_time(&reading);
                report->longest[n].end_us = reading_time(&reading);
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
                rc = rows_find_place(rows, ROWS_FIND_NIGHT, filter, &after);
        if (rc != SQLITE_OK)
                return rc;

        binding_number(&binding, filter->any_owner);
        binding_number(&binding, filter->owner_uid);
        binding_number(&binding, filter->since_us);
        binding_number(&binding, filter->until_us == STORE_NO_TIME ? INT64_MAX : filter->until_us);
        binding_number(&binding, after.onset_us);
        binding_number(&binding, after.row);
        binding_number(&binding, (int64_t)filter->limit + 1);
        if (filter->sensor[0])
                binding_text(&binding, filter->sensor);
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
        *ret_cursor = more ? rows_cursor_of(reports[n - 1].night.id) : 0;
        *ret_n = n;
        *ret = steal_pointer(&reports);
        return SQLITE_OK;
}
