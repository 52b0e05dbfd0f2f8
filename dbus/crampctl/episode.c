/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/episode.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/csv.h"

#define PEAK_DECIMALS 2
#define MEDIAN_DECIMALS 2
#define CONFIDENCE_DECIMALS 3
#define PERCENT_DECIMALS 1

void episode_write_json(struct json *json, const struct crampd_episode *episode) {
        char onset[TIMESTAMP_SIZE];

        timestamp_format_iso(episode->onset_us, episode->zone_offset_s, onset);
        json_string(json, "id", episode->id);
        json_string(json, "sensor", episode->sensor);
        json_string(json, "leg", episode->leg);
        json_string(json, "muscle", episode->muscle);
        json_string(json, "onset", onset);
        json_int(json, "onset_us", episode->onset_us);
        json_int(json, "alert_us", episode->alert_us);
        if (episode->end_us == CRAMPD_NO_TIME)
                json_null(json, "end_us");
        else
                json_int(json, "end_us", episode->end_us);
        json_string(json, "end_reason", episode->end_reason);
        json_string(json, "severity", episode->severity);
        json_double(json, "peak_uv", episode->peak_uv, PEAK_DECIMALS);
        json_double(json, "median_hz", episode->median_hz, MEDIAN_DECIMALS);
        json_double(json, "confidence", episode->confidence, CONFIDENCE_DECIMALS);
        json_string(json, "verdict", episode->verdict);
        if (episode->pain >= 0)
                json_int(json, "pain", episode->pain);
        else
                json_null(json, "pain");
        json_string(json, "note", episode->note);
        json_double(json, "peak_mvc_percent", episode->peak_mvc_percent, PERCENT_DECIMALS);
        json_bool(json, "simulated", episode->simulated);
}

void missed_write_json(struct json *json, const struct crampd_missed *missed) {
        char time[TIMESTAMP_SIZE];

        timestamp_format_iso(missed->time_us, missed->zone_offset_s, time);
        json_string(json, "id", missed->id);
        json_string(json, "sensor", missed->sensor);
        json_string(json, "leg", missed->leg);
        json_string(json, "muscle", missed->muscle);
        json_string(json, "time", time);
        json_int(json, "time_us", missed->time_us);
        if (missed->pain >= 0)
                json_int(json, "pain", missed->pain);
        else
                json_null(json, "pain");
        json_string(json, "note", missed->note);
        json_bool(json, "watched", missed->watched);
}

/* --- CSV --- */

static void csv_time(FILE *file, int64_t time_us) {
        if (time_us != CRAMPD_NO_TIME)
                fprintf(file, "%" PRId64, time_us);
        fputc(',', file);
}

static void csv_number(FILE *file, double value, int decimals, char after) {
        char number[TEXT_NUMBER_SIZE];

        text_number(value, decimals, number);
        csv_text(file, number, after);
}

void episode_write_csv_header(FILE *file) {
        fputs("id,sensor,leg,muscle,onset,onset_us,alert_us,end_us,end_reason,severity,peak_uv,median_"
              "hz,confidence,verdict,pain,note,peak_mvc_percent,simulated\r\n",
              file);
}

void episode_write_csv(FILE *file, const struct crampd_episode *episode) {
        char onset[TIMESTAMP_SIZE];

        timestamp_format_iso(episode->onset_us, episode->zone_offset_s, onset);
        csv_text(file, episode->id, ',');
        csv_text(file, episode->sensor, ',');
        csv_text(file, episode->leg, ',');
        csv_text(file, episode->muscle, ',');
        csv_text(file, onset, ',');
        csv_time(file, episode->onset_us);
        csv_time(file, episode->alert_us);
        csv_time(file, episode->end_us);
        csv_text(file, episode->end_reason, ',');
        csv_text(file, episode->severity, ',');
        csv_number(file, episode->peak_uv, PEAK_DECIMALS, ',');
        csv_number(file, episode->median_hz, MEDIAN_DECIMALS, ',');
        csv_number(file, episode->confidence, CONFIDENCE_DECIMALS, ',');
        csv_text(file, episode->verdict, ',');
        if (episode->pain >= 0)
                fprintf(file, "%d", episode->pain);
        fputc(',', file);
        csv_text(file, episode->note, ',');
        csv_number(file, episode->peak_mvc_percent, PERCENT_DECIMALS, ',');
        csv_text(file, episode->simulated ? "yes" : "no", 0);
        fputs("\r\n", file);
}

/* --- for people --- */

void episode_format_duration(const struct crampd_episode *episode,
                             char buffer[static EPISODE_DURATION_SIZE]) {
        int64_t seconds;

        if (episode->end_us == CRAMPD_NO_TIME || episode->end_us < episode->onset_us) {
                (void)snprintf(buffer, EPISODE_DURATION_SIZE, "-");
                return;
        }
        /* Unsigned, because the two may lie further apart than int64 reaches. */
        seconds = (int64_t)(((uint64_t)episode->end_us - (uint64_t)episode->onset_us) / 1000000);
        if (seconds < 3600)
                (void)snprintf(buffer, EPISODE_DURATION_SIZE, "%" PRId64 ":%02" PRId64, seconds / 60,
                               seconds % 60);
        else
                (void)snprintf(buffer, EPISODE_DURATION_SIZE, "%" PRId64 ":%02" PRId64 ":%02" PRId64,
                               seconds / 3600, seconds / 60 % 60, seconds % 60);
}

void episode_copy_clear(struct crampd_episode *episode) {
        free(episode->id);
        free(episode->sensor);
        free(episode->muscle);
        free(episode->leg);
        free(episode->end_reason);
        free(episode->severity);
        free(episode->detector);
        free(episode->verdict);
        free(episode->note);
        *episode = (struct crampd_episode){};
}

static char *text_copy(const char *text, bool *failed) {
        char *copy = text ? strdup(text) : NULL;

        *failed = *failed || (text && !copy);
        return copy;
}

int episode_copy(const struct crampd_episode *episode, struct crampd_episode *ret) {
        struct crampd_episode copy = *episode;
        bool failed = false;

        copy.id = text_copy(episode->id, &failed);
        copy.sensor = text_copy(episode->sensor, &failed);
        copy.muscle = text_copy(episode->muscle, &failed);
        copy.leg = text_copy(episode->leg, &failed);
        copy.end_reason = text_copy(episode->end_reason, &failed);
        copy.severity = text_copy(episode->severity, &failed);
        copy.detector = text_copy(episode->detector, &failed);
        copy.verdict = text_copy(episode->verdict, &failed);
        copy.note = text_copy(episode->note, &failed);
        if (failed) {
                episode_copy_clear(&copy);
                return -ENOMEM;
        }
        *ret = copy;
        return 0;
}
