/* SPDX-License-Identifier: MIT */
/*
 * crampctl night: was I guarded last night, and when not?
 */
#include "dbus/crampctl/night.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/event.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/pager.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

/* Shorter ones cannot hide a cramp. */
#define GAP_TOLD_US INT64_C(10000000)
#define DAY_US INT64_C(86400000000)
#define SPAN_SIZE 32

static const char help[] =
        "Usage: crampctl night [OPTION...]\n"
        "\n"
        "Tell how long each of your sensors watched last night (from noon to noon), and when it did "
        "not: "
        "gaps of at least\n"
        "10 s (no data, or a signal in which no cramp could be seen), and the time before the first and "
        "after the last\n"
        "sample are not guarded.\n"
        "\n"
        "Options:\n"
        "      --since=TIME       The nights since TIME, not only the last\n"
        "      --until=TIME       Only nights that began before TIME\n" COMMON_OPTIONS_HELP "\n"
        "TIME as for 'crampctl history'.\n"
        "\n"
        "Examples:\n"
        "  crampctl night\n"
        "  crampctl night --since -7d --json\n";

struct report {
        struct json json;
        bool as_json;
        const struct crampd_sensor *sensors;
        size_t n_sensors;
        char evening[16];
        unsigned nights;
};

static const char *sensor_name(const struct report *report, const char *id) {
        for (size_t i = 0; i < report->n_sensors; i++)
                if (strcmp(report->sensors[i].id, id) == 0 && report->sensors[i].name[0])
                        return report->sensors[i].name;
        return id;
}

/* "7 h 12 min", "3 min", "12 s". */
static void span_format(uint64_t span_us, char buffer[static SPAN_SIZE]) {
        uint64_t s = span_us / 1000000;

        if (s >= 3600)
                (void)snprintf(buffer, SPAN_SIZE, "%" PRIu64 " h %" PRIu64 " min", s / 3600,
                               s % 3600 / 60);
        else if (s >= 60)
                (void)snprintf(buffer, SPAN_SIZE, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
        else
                (void)snprintf(buffer, SPAN_SIZE, "%" PRIu64 " s", s);
}

void night_write_json(struct json *json, const struct crampd_night *night) {
        json_object_begin(json, NULL);
        json_string(json, "evening", night->evening);
        json_string(json, "sensor", night->sensor);
        json_int(json, "start_us", night->start_us);
        json_int(json, "end_us", night->end_us);
        json_bool(json, "lasts", night->lasts);
        json_uint(json, "monitored_us", night->monitored_us);
        json_uint(json, "packets", night->packets);
        json_uint(json, "lost_packets", night->lost_packets);
        json_uint(json, "gaps", night->gaps);
        json_uint(json, "gap_us", night->gap_us);
        json_uint(json, "longest_gap_us", night->longest_gap_us);
        json_uint(json, "reconnects", night->reconnects);
        json_uint(json, "episodes", night->episodes);
        json_array_begin(json, "longest_gaps");
        for (size_t i = 0; i < night->n_longest; i++) {
                json_object_begin(json, NULL);
                json_int(json, "start_us", night->longest[i].start_us);
                json_int(json, "end_us", night->longest[i].end_us);
                json_string(json, "reason", night->longest[i].reason);
                json_object_end(json);
        }
        json_array_end(json);
        json_object_end(json);
}

static void gaps_print(const struct crampd_night *night) {
        char start[TIMESTAMP_SIZE], span[SPAN_SIZE];

        for (size_t i = 0; i < night->n_longest; i++) {
                const struct crampd_gap *gap = night->longest + i;

                if (gap->end_us - gap->start_us < GAP_TOLD_US)
                        continue;
                timestamp_format_people(gap->start_us, night->zone_offset_s, start);
                span_format((uint64_t)(gap->end_us - gap->start_us), span);
                printf("    ");
                printf(_("not watched from %s for %s"), start, span);
                printf("%s%s\n", signal_describe(gap->reason) ? ": " : "",
                       signal_describe(gap->reason) ? signal_describe(gap->reason) : "");
        }
}

static void night_print(const struct report *report, const struct crampd_night *night) {
        char start[TIMESTAMP_SIZE], end[TIMESTAMP_SIZE], watched[SPAN_SIZE], missing[SPAN_SIZE];

        timestamp_format_people(night->start_us, night->zone_offset_s, start);
        timestamp_format_people(night->end_us, night->zone_offset_s, end);
        span_format(night->monitored_us, watched);
        span_format(night->gap_us, missing);
        fputs("  ", stdout);
        text_write(stdout, sensor_name(report, night->sensor));
        printf(": ");
        printf(_("watched for %s, from %s to %s"), watched, start, end);
        puts(night->lasts ? _(" (and still)") : "");
        printf("    ");
        printf(night->episodes == 1 ? _("%u alert") : _("%u alerts"), night->episodes);
        printf("; ");
        printf(night->gaps == 1 ? _("%u gap, %s in all") : _("%u gaps, %s in all"), night->gaps,
               missing);
        printf("; ");
        printf(night->reconnects == 1 ? _("%u reconnect") : _("%u reconnects"), night->reconnects);
        printf("; ");
        printf(_("%llu of %llu packets lost"), (unsigned long long)night->lost_packets,
               (unsigned long long)(night->packets + night->lost_packets));
        fputc('\n', stdout);
        gaps_print(night);
}

static int night_take(const struct crampd_night *night, void *userdata) {
        struct report *report = userdata;

        report->nights++;
        if (report->as_json) {
                night_write_json(&report->json, night);
                return json_finish(&report->json);
        }
        if (strcmp(report->evening, night->evening) != 0) {
                (void)snprintf(report->evening, sizeof(report->evening), "%s", night->evening);
                fputs(_("Night of "), stdout);
                text_write(stdout, report->evening);
                fputs(":\n", stdout);
        }
        night_print(report, night);
        return 0;
}

/* The noon that came last, local time. */
static int64_t last_noon_us(int64_t now_us) {
        int64_t local_us = now_us + timestamp_local_offset(now_us) * INT64_C(1000000);
        int64_t since_noon_us = (local_us + DAY_US / 2) % DAY_US;

        return now_us - since_noon_us;
}

static int report_run(struct report *report, const struct crampd_filter *filter, bool legend) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        struct crampd_error error = {};
        struct crampd_sensor *sensors;
        int code, r;

        code = client_open(&client);
        if (code != 0)
                return code;
        r = crampd_list_sensors(client, &sensors, &report->n_sensors, &error);
        if (r < 0)
                return fail_client(r, &error);
        report->sensors = sensors;
        r = crampd_list_nights(client, filter, night_take, report, &error);
        crampd_sensors_free(sensors, report->n_sensors);
        if (r < 0 && !ferror(stdout))
                return fail_client(r, &error);
        if (report->nights == 0 && !report->as_json && legend)
                puts(_("Nothing was watched in that time."));
        return output_finish_stdout();
}

int verb_night(const struct global_options *global, int argc, char *argv[]) {
        struct report report = {.json = JSON_INIT(stdout)};
        struct global_options g = *global;
        struct crampd_filter filter;
        bool over;
        int code;

        code = period_options_parse(&g, argc, argv, help, &filter, &over);
        if (over)
                return code;
        /* Until the evening, last night is the one that is over. */
        if (filter.since_us == CRAMPD_NO_TIME)
                filter.since_us = last_noon_us(timestamp_now_us() - DAY_US / 4);
        report.as_json = g.json;
        pager_open(&g);
        return report_run(&report, &filter, !g.no_legend);
}
