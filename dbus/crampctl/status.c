/* SPDX-License-Identifier: MIT */
/*
 * crampctl status: is all well for this night?
 */
#include <errno.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/describe.h"
#include "dbus/crampctl/event.h"
#include "dbus/crampctl/episode.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/table.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

static const char help[] =
        "Usage: crampctl [status] [OPTION...]\n"
        "\n"
        "Show how crampd, your sensors and the store are, and the last alert of the past 30 days.\n"
        "\n"
        "Options:\n" COMMON_OPTIONS_HELP "\n"
        "Examples:\n"
        "  crampctl\n"
        "  crampctl status --json | jq '.sensors[].state'\n";

struct overview {
        struct crampd_status *status;
        struct crampd_sensor *sensors;
        size_t n_sensors;
        bool has_last;
        struct crampd_episode last;
        struct crampd_error
                history_error; /* why there is no last one; status shows the rest all the same */
};

static void overview_clear(struct overview *overview) {
        crampd_status_free(overview->status);
        crampd_sensors_free(overview->sensors, overview->n_sensors);
        episode_copy_clear(&overview->last);
}

static int last_keep(const struct crampd_episode *episode, void *userdata) {
        struct overview *overview = userdata;
        struct crampd_episode copy;
        int r = episode_copy(episode, &copy);

        if (r < 0)
                return r;
        episode_copy_clear(&overview->last);
        overview->last = copy;
        overview->has_last = true;
        return 0;
}

static int overview_get(crampd_client *client, struct overview *overview) {
        const struct crampd_filter filter = {
                .since_us = timestamp_now_us() - LAST_ALERT_DAYS * INT64_C(86400000000),
                .until_us = CRAMPD_NO_TIME,
        };
        struct crampd_error error = {};
        int r;

        r = crampd_get_status(client, &overview->status, &error);
        if (r < 0)
                return fail_client(r, &error);
        r = crampd_list_sensors(client, &overview->sensors, &overview->n_sensors, &error);
        if (r < 0)
                return fail_client(r, &error);
        r = crampd_list_episodes(client, &filter, last_keep, overview, &overview->history_error);
        if (r == -ENOMEM)
                return fail(EX_OSERR, "out of memory");
        return 0;
}

static int json_print(const struct overview *overview) {
        struct json json = JSON_INIT(stdout);

        json_object_begin(&json, NULL);
        json_string(&json, "version", overview->status->version);
        json_string(&json, "detector_version", overview->status->detector_version);
        json_int(&json, "started_us", overview->status->started_us);
        json_string(&json, "store", overview->status->store);
        json_string(&json, "bluetooth", overview->status->bluetooth);
        json_array_begin(&json, "sensors");
        for (size_t i = 0; i < overview->n_sensors; i++) {
                json_object_begin(&json, NULL);
                sensor_write_json(&json, overview->sensors + i);
                json_object_end(&json);
        }
        json_array_end(&json);
        if (overview->has_last) {
                json_object_begin(&json, "last_alert");
                episode_write_json(&json, &overview->last);
                json_object_end(&json);
        } else
                json_null(&json, "last_alert");
        json_object_end(&json);
        (void)json_finish(&json);
        return output_finish_stdout();
}

static int sensors_print(const struct overview *overview) {
        static const struct column columns[] = {{""},           {N_("NAME")},  {N_("LEG")},
                                                {N_("MUSCLE")}, {N_("STATE")}, {N_("REASON")}};
        struct table *table = table_new(columns, ARRAY_LENGTH(columns));
        int r;

        if (!table)
                return -ENOMEM;
        for (size_t i = 0; i < overview->n_sensors; i++) {
                const struct crampd_sensor *sensor = overview->sensors + i;
                bool other_leg = sensor_says_other_leg(sensor);
                const char *signal;

                table_cell(table, "%s", ""); /* the gap after it indents */
                table_cell(table, "%s", sensor->name[0] ? sensor->name : sensor->id);
                table_cell(table, "%s", words_of_list(sensor->leg));
                table_cell(table, "%s", sensor->muscle);
                table_cell(table, "%s%s", words_of_list(sensor->state),
                           sensor->simulated ? _(" (simulated)") : "");
                signal = signal_describe(sensor->signal);
                table_cell(table, "%s%s%s%s%s", words_of_sentence(sensor->reason).text,
                           signal ? "; " : "", signal ?: "", other_leg ? "; " : "",
                           other_leg ? _("the sensor says that it is on the other leg") : "");
        }
        r = table_print(table, stdout, false);
        (void)table_free(table);
        return r;
}

/* All values begin in one column. */
static void label_print(const char *label) {
        const char *const labels[] = {_("Store:"), _("Bluetooth:"), _("Last alert:"), _("Sensors:")};
        size_t width = 12;

        for (size_t i = 0; i < ARRAY_LENGTH(labels); i++)
                if (text_width(labels[i]) > width)
                        width = text_width(labels[i]);
        printf("%s%*s ", label, (int)(width - text_width(label)), "");
}

static void last_print(const struct overview *overview) {
        char onset[TIMESTAMP_SIZE], duration[EPISODE_DURATION_SIZE];
        const struct crampd_episode *last = &overview->last;

        label_print(_("Last alert:"));
        if (overview->history_error.message[0]) {
                fputs(_("unknown: "), stdout);
                text_write(stdout, overview->history_error.message);
        } else if (!overview->has_last)
                printf(_("none in the past %d days"), LAST_ALERT_DAYS);
        else {
                timestamp_format_people(last->onset_us, last->zone_offset_s, onset);
                episode_format_duration(last, duration);
                printf("%s, ", onset);
                text_write(stdout, words_of_list(last->severity));
                fputs(", ", stdout);
                text_write(stdout, words_of_list(last->leg));
                fputc(' ', stdout);
                text_write(stdout, last->muscle);
                if (last->end_us == CRAMPD_NO_TIME)
                        fputs(_(", still open"), stdout);
                else
                        printf("%s%s", _(", lasted "), duration);
                if (last->simulated)
                        fputs(_(" [simulated]"), stdout);
        }
        fputc('\n', stdout);
}

static void line_print(const char *label, const char *value) {
        label_print(label);
        text_write(stdout, value);
        fputc('\n', stdout);
}

static int people_print(const struct overview *overview) {
        const struct crampd_status *status = overview->status;
        char started[TIMESTAMP_SIZE];

        timestamp_format_people(status->started_us, timestamp_local_offset(status->started_us), started);
        fputs("crampd ", stdout);
        text_write(stdout, status->version);
        fputs(_(" (detector "), stdout);
        text_write(stdout, status->detector_version);
        printf(_("), running since %s"), started);
        fputc('\n', stdout);
        line_print(_("Store:"), words_of_list(status->store));
        line_print(_("Bluetooth:"), words_of_bluetooth(status->bluetooth));
        last_print(overview);
        if (overview->n_sensors == 0)
                line_print(_("Sensors:"), _("none yet; 'crampctl add --help' tells how to adopt one"));
        else {
                puts(_("Sensors:"));
                if (sensors_print(overview) < 0)
                        return fail(EX_OSERR, "out of memory");
        }
        return output_finish_stdout();
}

int verb_status(const struct global_options *global, int argc, char *argv[]) {
        static const struct option options[] = {COMMON_OPTIONS, {}};
        _cleanup_(client_freep) crampd_client *client = NULL;
        struct global_options g = *global;
        struct overview overview = {};
        int c, code;

        c = option_next(&g, argc, argv, ":h", options);
        if (c >= 0)
                return c == 'h' ? help_print(help) : EX_USAGE;
        code = operands_refuse(argc, argv);
        if (code == 0)
                code = client_open(&client);
        if (code != 0)
                return code;

        code = overview_get(client, &overview);
        if (code == 0)
                code = g.json ? json_print(&overview) : people_print(&overview);
        overview_clear(&overview);
        return code;
}
