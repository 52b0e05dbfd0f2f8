/* SPDX-License-Identifier: MIT */
/* The rows of episodes and of the accounts of their alerts: see rows.h. */
#include "daemon/store/statement.h"

#include <inttypes.h>

/* The episode is the outer loop and comes in the order of its index, so a page costs no more than its
 * own rows (and those of other owners in between). */
#define COLUMNS                                                                                         \
        "SELECT e.id, s.id, n.id, e.muscle, e.leg, e.onset_us, e.alert_us, e.end_us, e.zone_offset_s, " \
        "e.channel, e.end_reason, e.severity, e.peak_uv, e.median_hz, e.confidence, e.detector, "       \
        "e.verdict, e.pain, e.note, e.peak_mvc_percent, "                                               \
        "EXISTS (SELECT 1 FROM waveform w WHERE w.episode = e.row), "                                   \
        "s.address = '" STORE_VIRTUAL_ADDRESS "', e.changed_us "                                        \
        "FROM episode e CROSS JOIN sensor s ON s.row = e.sensor CROSS JOIN night n ON n.row = e.night " \
        "WHERE (?1 OR s.owner_uid = ?2) AND e.onset_us >= ?3 AND e.onset_us < ?4 "
#define SELECT_EPISODES COLUMNS "AND (e.onset_us > ?5 OR e.row > ?6) "
/* A macro call within the text below would break its lines. */
#define NEXT_CHANGE_18 NEXT_CHANGE("?18")
#define ORDER_EPISODES "ORDER BY e.onset_us, e.row LIMIT ?7"

const char *const rows_sql_episode[ROWS_STATEMENT_MAX] = {
        [ROWS_PUT_EPISODE] =
                "INSERT INTO episode (id, sensor, night, muscle, leg, onset_us, alert_us, end_us, "
                "zone_offset_s, "
                "channel, end_reason, severity, peak_uv, median_hz, confidence, detector, "
                "peak_mvc_percent, changed_us) "
                "VALUES (?1, (SELECT row FROM sensor WHERE id = ?2), (SELECT row FROM night WHERE id = "
                "?3), "
                "?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, " NEXT_CHANGE_18 ") "
                "ON CONFLICT (id) DO UPDATE SET sensor = excluded.sensor, night = excluded.night, "
                "muscle = excluded.muscle, leg = excluded.leg, onset_us = excluded.onset_us, "
                "alert_us = excluded.alert_us, end_us = excluded.end_us, "
                "zone_offset_s = excluded.zone_offset_s, channel = excluded.channel, "
                "end_reason = excluded.end_reason, severity = excluded.severity, peak_uv = "
                "excluded.peak_uv, "
                "median_hz = excluded.median_hz, confidence = excluded.confidence, detector = "
                "excluded.detector, peak_mvc_percent = excluded.peak_mvc_percent, "
                "changed_us = excluded.changed_us",
        [ROWS_TOUCH_EPISODE] = "UPDATE episode SET changed_us = " NEXT_CHANGE("?2") " WHERE id = ?1",
        [ROWS_FIND_CURSOR] = "SELECT e.onset_us, e.row FROM episode e JOIN sensor s ON s.row = e.sensor "
                             "WHERE e.id = ?1 AND (?2 OR s.owner_uid = ?3)",
        [ROWS_LIST_EPISODES] = SELECT_EPISODES ORDER_EPISODES,
        [ROWS_LIST_EPISODES_OF_SENSOR] =
                SELECT_EPISODES "AND e.sensor = (SELECT row FROM sensor WHERE id = ?8) " ORDER_EPISODES,
        [ROWS_GET_EPISODE] =
                SELECT_EPISODES "AND e.id = ?9 AND (?8 IS NULL OR s.id = ?8) " ORDER_EPISODES,
        /* In the order of its own index. */
        [ROWS_LIST_CHANGES] =
                COLUMNS "AND e.end_us IS NOT NULL AND (e.changed_us, e.id) > (?5, ?6) "
                        "AND (?8 IS NULL OR s.id = ?8) ORDER BY e.changed_us, e.id LIMIT ?7",
        /* Of an episode that is not there nothing is put: a NULL would become a key of its own. */
        [ROWS_PUT_ACCOUNT] =
                "INSERT OR REPLACE INTO account (episode, sensitivity, evidence_factor, needed_s, "
                "from_us, active_s, unbroken_s, ratio_alert, ratio_peak, bridged, dips, together, "
                "channels, took_part, quality, point_us, evidence, moved, slow, again_factor) SELECT "
                "row, "
                "?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20 "
                "FROM episode WHERE id = ?1",
        [ROWS_GET_ACCOUNT] =
                "SELECT e.id, a.sensitivity, a.evidence_factor, a.needed_s, a.from_us, a.active_s, "
                "a.unbroken_s, a.ratio_alert, a.ratio_peak, a.bridged, a.dips, a.together, a.channels, "
                "a.took_part, a.quality, a.point_us, a.evidence, a.moved, a.slow, a.again_factor "
                "FROM account a JOIN episode e ON e.row = a.episode JOIN sensor s ON s.row = e.sensor "
                "WHERE e.id = ?1 AND (?2 OR s.owner_uid = ?3)",
};

int rows_put_episode(struct rows *rows, const struct store_episode *episode) {
        struct binding binding = binding_begin(rows, ROWS_PUT_EPISODE);

        binding_text(&binding, episode->id);
        binding_text(&binding, episode->sensor);
        binding_text(&binding, episode->night);
        binding_text(&binding, episode->muscle);
        binding_text(&binding, episode->leg);
        binding_time(&binding, episode->onset_us);
        binding_time(&binding, episode->alert_us);
        binding_time(&binding, episode->end_us);
        binding_number(&binding, episode->zone_offset_s);
        binding_number(&binding, episode->channel);
        binding_text(&binding, episode->end_reason);
        binding_text(&binding, episode->severity);
        binding_real(&binding, episode->peak_uv);
        binding_real(&binding, episode->median_hz);
        binding_real(&binding, episode->confidence);
        binding_text(&binding, episode->detector);
        binding_real(&binding, episode->peak_mvc_percent);
        binding_now(&binding);
        return binding_run(&binding);
}

static int read_episode(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct store_episode *episode = ret;

        READ_TEXT(&reading, episode->id);
        READ_TEXT(&reading, episode->sensor);
        READ_TEXT(&reading, episode->night);
        READ_TEXT(&reading, episode->muscle);
        READ_TEXT(&reading, episode->leg);
        episode->onset_us = reading_time(&reading);
        episode->alert_us = reading_time(&reading);
        episode->end_us = reading_time(&reading);
        episode->zone_offset_s = (int32_t)reading_number(&reading);
        episode->channel = (uint32_t)reading_number(&reading);
        READ_TEXT(&reading, episode->end_reason);
        READ_TEXT(&reading, episode->severity);
        episode->peak_uv = reading_real(&reading);
        episode->median_hz = reading_real(&reading);
        episode->confidence = reading_real(&reading);
        READ_TEXT(&reading, episode->detector);
        READ_TEXT(&reading, episode->verdict);
        episode->pain = reading_pain(&reading);
        READ_TEXT(&reading, episode->note);
        episode->peak_mvc_percent = reading_real(&reading);
        episode->has_waveform = reading_number(&reading) != 0;
        episode->simulated = reading_number(&reading) != 0;
        episode->changed_us = reading_time(&reading);
        return reading.rc;
}

/* A page of changes; each row tells its own place. */
static int list_changes(struct rows *rows, const struct store_filter *filter, struct store_episode **ret,
                        size_t *ret_n) {
        struct binding binding = binding_begin(rows, ROWS_LIST_CHANGES);
        void *episodes = NULL;
        int rc;

        binding_number(&binding, filter->any_owner);
        binding_number(&binding, filter->owner_uid);
        binding_number(&binding, filter->since_us);
        binding_number(&binding, filter->until_us == STORE_NO_TIME ? INT64_MAX : filter->until_us);
        binding_number(&binding, filter->changed_us);
        binding_text(&binding, filter->changed_id);
        binding_number(&binding, filter->limit);
        if (filter->sensor[0])
                binding_text(&binding, filter->sensor);
        rc = binding_gather(&binding, sizeof(struct store_episode), read_episode, &episodes, ret_n);
        if (rc == SQLITE_OK)
                *ret = episodes;
        return rc;
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

        if (filter->changes) {
                *ret_cursor = 0;
                return list_changes(rows, filter, ret, ret_n);
        }
        if (filter->after != 0) {
                rc = rows_find_place(rows, ROWS_FIND_CURSOR, filter, &after);
                if (rc != SQLITE_OK)
                        return rc;
        }

        binding_number(&binding, filter->any_owner);
        binding_number(&binding, filter->owner_uid);
        /* STORE_NO_TIME is the earliest of all times. */
        binding_number(&binding, filter->since_us > after.onset_us ? filter->since_us : after.onset_us);
        binding_number(&binding, filter->until_us == STORE_NO_TIME ? INT64_MAX : filter->until_us);
        binding_number(&binding, after.onset_us);
        binding_number(&binding, after.row);
        binding_number(&binding,
                       (int64_t)filter->limit + 1); /* one more, to know if another page follows */
        if (filter->sensor[0])
                binding_text(&binding, filter->sensor);
        else
                binding_null(&binding);
        if (filter->id[0])
                binding_text(&binding, filter->id);

        rc = binding_gather(&binding, sizeof(struct store_episode), read_episode, &episodes, &n);
        if (rc != SQLITE_OK)
                return rc;
        more = n > filter->limit;
        if (more)
                n = filter->limit;
        *ret = episodes;
        *ret_n = n;
        *ret_cursor = more ? rows_cursor_of((*ret)[n - 1].id) : 0;
        return SQLITE_OK;
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
        binding_text(&binding, account->episode);
        binding_text(&binding, account->sensitivity);
        binding_real(&binding, account->evidence_factor);
        binding_real(&binding, account->needed_s);
        binding_time(&binding, account->from_us);
        binding_real(&binding, account->active_s);
        binding_real(&binding, account->unbroken_s);
        binding_real(&binding, account->ratio_alert);
        binding_real(&binding, account->ratio_peak);
        binding_number(&binding, account->bridged);
        binding_number(&binding, account->dips);
        binding_real(&binding, account->together);
        binding_number(&binding, account->channels);
        binding_number(&binding, account->took_part);
        binding_text(&binding, account->quality);
        binding_number(&binding, account->point_us);
        binding_text(&binding, evidence);
        binding_real(&binding, account->moved);
        binding_real(&binding, account->slow);
        binding_real(&binding, account->again_factor);
        return binding_run(&binding);
}

static int read_account(sqlite3_stmt *statement, void *ret) {
        struct reading reading = {.statement = statement};
        struct store_account *account = ret;
        char evidence[EVIDENCE_TEXT_SIZE] = "";

        READ_TEXT(&reading, account->episode);
        READ_TEXT(&reading, account->sensitivity);
        account->evidence_factor = reading_real(&reading);
        account->needed_s = reading_real(&reading);
        account->from_us = reading_time(&reading);
        account->active_s = reading_real(&reading);
        account->unbroken_s = reading_real(&reading);
        account->ratio_alert = reading_real(&reading);
        account->ratio_peak = reading_real(&reading);
        account->bridged = (uint32_t)reading_number(&reading);
        account->dips = (uint32_t)reading_number(&reading);
        account->together = reading_real(&reading);
        account->channels = (uint32_t)reading_number(&reading);
        account->took_part = (uint32_t)reading_number(&reading);
        READ_TEXT(&reading, account->quality);
        account->point_us = reading_number(&reading);
        READ_TEXT(&reading, evidence);
        evidence_parse(evidence, account);
        account->moved = reading_real(&reading);
        account->slow = reading_real(&reading);
        account->again_factor = reading_real(&reading);
        return reading.rc;
}

int rows_get_account(struct rows *rows, const struct store_filter *filter, struct store_account **ret,
                     size_t *ret_n) {
        struct binding binding = binding_begin(rows, ROWS_GET_ACCOUNT);
        void *accounts = NULL;
        int rc;

        binding_text(&binding, filter->id);
        binding_number(&binding, filter->any_owner);
        binding_number(&binding, filter->owner_uid);
        rc = binding_gather(&binding, sizeof(struct store_account), read_account, &accounts, ret_n);
        if (rc == SQLITE_OK)
                *ret = accounts;
        return rc;
}
