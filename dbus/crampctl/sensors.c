/* SPDX-License-Identifier: MIT */
/*
 * crampctl sensors: what is watched, and how well the links do.
 */
#include <inttypes.h>
#include <math.h>
#include <pwd.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/describe.h"
#include "dbus/crampctl/event.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/pager.h"
#include "dbus/crampctl/table.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

static const char help[] =
        "Usage: crampctl sensors [OPTION...]\n"
        "\n"
        "List your sensors (root: those of all users), one a line.\n"
        "\n"
        "Options:\n"
        "      --stats            How well the links do, since crampd was started\n" COMMON_OPTIONS_HELP
        "\n"
        "Examples:\n"
        "  crampctl sensors\n"
        "  crampctl sensors --stats\n"
        "  crampctl sensors --json | jq -r 'select(.state != \"streaming\") | .name'\n";

bool sensor_says_other_leg(const struct crampd_sensor *sensor) {
        return sensor->says_leg && strcmp(sensor->says_leg, sensor->leg) != 0;
}

static void double_or_null(struct json *json, const char *key, double value, int decimals) {
        if (isfinite(value))
                json_double(json, key, value, decimals);
        else
                json_null(json, key);
}

static void int_or_null(struct json *json, const char *key, bool known, int value) {
        if (known)
                json_int(json, key, value);
        else
                json_null(json, key);
}

static void tristate_or_null(struct json *json, const char *key, int value) {
        if (value >= 0)
                json_bool(json, key, value);
        else
                json_null(json, key);
}

/* A channel that could not be calibrated is null. */
static void channels_write_json(struct json *json, const char *key,
                                const struct crampd_channels *channels) {
        json_array_begin(json, key);
        for (size_t i = 0; i < channels->n; i++)
                double_or_null(json, NULL, channels->values[i] > 0 ? channels->values[i] : (double)NAN,
                               2);
        json_array_end(json);
}

static void sensor_write_json_more(struct json *json, const struct crampd_sensor *sensor) {
        json_string(json, "title", sensor->title);
        json_bool(json, "paused", sensor->paused);
        json_bool(json, "allow_broadcast", sensor->allow_broadcast);
        json_string(json, "sensitivity", sensor->sensitivity);
        json_bool(json, "envelope", sensor->envelope);
        json_bool(json, "arbitrary_unit", sensor->arbitrary_unit);
        json_uint(json, "reconnects", sensor->reconnects);
        json_uint(json, "longest_gap_us", sensor->longest_gap_us);
        int_or_null(json, "rssi", sensor->rssi != 0, sensor->rssi);
        double_or_null(json, "clock_ppm", sensor->clock_ppm, 2);
        double_or_null(json, "measured_rate_hz",
                       sensor->measured_rate_hz > 0 ? sensor->measured_rate_hz : (double)NAN, 3);
        double_or_null(json, "scale_uv", sensor->scale_uv > 0 ? sensor->scale_uv : (double)NAN, 6);
        int_or_null(json, "battery_mv", sensor->battery_mv >= 0, sensor->battery_mv);
        tristate_or_null(json, "accelerometer", sensor->accelerometer);
        double_or_null(json, "battery_hours", sensor->battery_hours, 1);
        tristate_or_null(json, "battery_lasts_night", sensor->battery_lasts_night);
        if (sensor->signal)
                json_string(json, "signal", sensor->signal);
        else
                json_null(json, "signal");
        double_or_null(json, "capacity", sensor->capacity, 3);
        if (sensor->calibrated_us == CRAMPD_NO_TIME)
                json_null(json, "calibrated_us");
        else
                json_int(json, "calibrated_us", sensor->calibrated_us);
        json_string(json, "calibration", sensor->calibration);
        channels_write_json(json, "rest_uv", &sensor->rest_uv);
        channels_write_json(json, "mvc_uv", &sensor->mvc_uv);
        json_string(json, "says_leg", sensor->says_leg);
}

void sensor_write_json(struct json *json, const struct crampd_sensor *sensor) {
        json_string(json, "id", sensor->id);
        json_string(json, "path", sensor->path);
        json_string(json, "address", sensor->address);
        json_string(json, "driver", sensor->driver);
        json_string(json, "name", sensor->name);
        json_string(json, "leg", sensor->leg);
        json_string(json, "muscle", sensor->muscle);
        json_uint(json, "owner", sensor->owner);
        json_bool(json, "simulated", sensor->simulated);
        json_string(json, "state", sensor->state);
        json_string(json, "reason", sensor->reason);
        json_string(json, "detector", sensor->detector);
        if (sensor->rate_hz > 0)
                json_double(json, "rate_hz", sensor->rate_hz, 3);
        else
                json_null(json, "rate_hz");
        if (sensor->channels > 0)
                json_uint(json, "channels", sensor->channels);
        else
                json_null(json, "channels");
        if (sensor->battery >= 0)
                json_int(json, "battery", sensor->battery);
        else
                json_null(json, "battery");
        json_uint(json, "packets", sensor->packets);
        json_uint(json, "lost_packets", sensor->lost_packets);
        json_uint(json, "malformed_packets", sensor->malformed_packets);
        json_uint(json, "connects", sensor->connects);
        json_uint(json, "monitored_us", sensor->monitored_us);
        sensor_write_json_more(json, sensor);
}

static int json_print(const struct crampd_sensor *sensors, size_t n) {
        struct json json = JSON_INIT(stdout);

        for (size_t i = 0; i < n; i++) {
                json_object_begin(&json, NULL);
                sensor_write_json(&json, sensors + i);
                json_object_end(&json);
                if (json_finish(&json) < 0)
                        break;
        }
        return output_finish_stdout();
}

static void owner_cell(struct table *table, unsigned owner) {
        const struct passwd *user = getpwuid(owner);

        if (user)
                table_cell(table, "%s", user->pw_name);
        else
                table_cell(table, "%u", owner);
}

static void sensor_row(struct table *table, const struct crampd_sensor *sensor, bool with_owner) {
        char rate[TEXT_NUMBER_SIZE];

        text_number(sensor->rate_hz, 1, rate);
        table_cell(table, "%s", sensor->id);
        table_cell(table, "%s", sensor->name[0] ? sensor->name : "-");
        table_cell(table, "%s", words_of_list(sensor->leg));
        table_cell(table, "%s", sensor->muscle);
        table_cell(table, "%s", sensor->address);
        if (with_owner)
                owner_cell(table, sensor->owner);
        if (sensor->battery >= 0)
                table_cell(table, "%d%%", sensor->battery);
        else
                table_cell(table, "-");
        table_cell(table, "%s", sensor->rate_hz > 0 ? rate : "-");
        table_cell(table, "%" PRIu64, sensor->lost_packets);
        table_cell(table, "%s%s", words_of_list(sensor->state),
                   sensor->simulated ? _(" (simulated)") : "");
}

static void calibration_print(const struct crampd_sensor *sensor) {
        char date[TIMESTAMP_SIZE];

        if (sensor->calibrated_us == CRAMPD_NO_TIME)
                return;
        timestamp_format_people(sensor->calibrated_us, timestamp_local_offset(sensor->calibrated_us),
                                date);
        text_write(stdout, sensor->name[0] ? sensor->name : sensor->id);
        printf(_(": calibrated %s"), date);
        if (sensor->calibration && strcmp(sensor->calibration, "moved") == 0)
                fputs(_("; rest is not what it was then: do the electrodes sit elsewhere? Calibrate "
                        "anew"),
                      stdout);
        else if (sensor->calibration && strcmp(sensor->calibration, "other-stream") == 0)
                fputs(_("; it does not count, for channels or scale have changed: calibrate anew"),
                      stdout);
        putchar('\n');
}

static void leg_print(const struct crampd_sensor *sensor) {
        if (!sensor_says_other_leg(sensor))
                return;
        text_write(stdout, sensor->name[0] ? sensor->name : sensor->id);
        printf(_(": the sensor says that it is on the other leg (%s); if it is, its cramps are kept as "
                 "those of the wrong one: see 'crampctl edit --leg'\n"),
               words_of_list(sensor->says_leg));
}

static int table_of_sensors(const struct crampd_sensor *sensors, size_t n, bool legend) {
        static const struct column columns[] = {
                {N_("ID")},
                {N_("NAME")},
                {N_("LEG")},
                {N_("MUSCLE"), .yields = 5},
                {N_("ADDRESS"), .yields = 3},
                {N_("BATTERY"), true, 4},
                {N_("RATE Hz"), true, 2},
                {N_("LOST"), true, 1},
                {N_("STATE")},
        };
        static const struct column columns_root[] = {
                {N_("ID")},
                {N_("NAME")},
                {N_("LEG")},
                {N_("MUSCLE"), .yields = 6},
                {N_("ADDRESS"), .yields = 3},
                {N_("OWNER"), .yields = 4},
                {N_("BATTERY"), true, 5},
                {N_("RATE Hz"), true, 2},
                {N_("LOST"), true, 1},
                {N_("STATE")},
        };
        bool root = geteuid() == 0;
        struct table *table = root ? table_new(columns_root, ARRAY_LENGTH(columns_root))
                                   : table_new(columns, ARRAY_LENGTH(columns));
        int r;

        if (!table)
                return fail(EX_OSERR, "out of memory");
        for (size_t i = 0; i < n; i++)
                sensor_row(table, sensors + i, root);
        r = table_print(table, stdout, legend);
        (void)table_free(table);
        for (size_t i = 0; r >= 0 && legend && i < n; i++) {
                leg_print(sensors + i);
                calibration_print(sensors + i);
        }
        if (r < 0)
                return fail(EX_OSERR, "out of memory");
        return output_finish_stdout();
}

static void cell_number(struct table *table, double value, int decimals, const char *unit) {
        char text[TEXT_NUMBER_SIZE];

        text_number(value, decimals, text);
        if (text[0])
                table_cell(table, "%s%s", text, unit);
        else
                table_cell(table, "-");
}

static double number_if(bool known, double value) {
        return known ? value : (double)NAN;
}

/* Share of the packets that were lost, in percent. */
static double loss_percent(const struct crampd_sensor *sensor) {
        uint64_t sent = sensor->packets + sensor->lost_packets;

        return sent > 0 ? 100.0 * (double)sensor->lost_packets / (double)sent : (double)NAN;
}

static void stats_row(struct table *table, const struct crampd_sensor *sensor) {
        double rate_hz = sensor->measured_rate_hz > 0 ? sensor->measured_rate_hz : sensor->rate_hz;

        table_cell(table, "%s", sensor->name[0] ? sensor->name : sensor->id);
        cell_number(table, (double)sensor->monitored_us / 3600e6, 1, "");
        table_cell(table, "%" PRIu64, sensor->reconnects);
        table_cell(table, "%" PRIu64, sensor->packets);
        cell_number(table, loss_percent(sensor), 3, "");
        table_cell(table, "%" PRIu64, sensor->malformed_packets);
        cell_number(table, (double)sensor->longest_gap_us / 1e6, 1, "");
        cell_number(table, number_if(sensor->rssi != 0, sensor->rssi), 0, "");
        cell_number(table, number_if(rate_hz > 0, rate_hz), 2, "");
        cell_number(table, sensor->clock_ppm, 0, "");
        cell_number(table, number_if(sensor->battery >= 0, sensor->battery), 0, "%");
        cell_number(table, sensor->battery_hours, 0, " h");
        cell_number(table, 100.0 * sensor->capacity, 0, "");
}

static int table_of_stats(const struct crampd_sensor *sensors, size_t n, bool legend) {
        static const struct column columns[] = {
                {N_("NAME")},
                {N_("WATCHED h"), true},
                {N_("RECONNECTS"), true},
                {N_("PACKETS"), true, 7},
                {N_("LOST %"), true},
                {N_("MALFORMED"), true, 3},
                {N_("LONGEST GAP s"), true},
                {N_("SIGNAL dBm"), true, 8},
                {N_("RATE Hz"), true, 4},
                {N_("CLOCK ppm"), true, 2},
                {N_("BATTERY"), true, 6},
                {N_("LASTS"), true, 5},
                {N_("RADIO %"), true, 1},
        };
        struct table *table = table_new(columns, ARRAY_LENGTH(columns));
        int r;

        if (!table)
                return fail(EX_OSERR, "out of memory");
        for (size_t i = 0; i < n; i++)
                stats_row(table, sensors + i);
        r = table_print(table, stdout, legend);
        (void)table_free(table);
        if (r < 0)
                return fail(EX_OSERR, "out of memory");
        return output_finish_stdout();
}

int verb_sensors(const struct global_options *global, int argc, char *argv[]) {
        enum { OPTION_STATS = OPTION_VERB };
        static const struct option options[] = {
                COMMON_OPTIONS,
                {"stats", no_argument, NULL, OPTION_STATS},
                {},
        };
        _cleanup_(client_freep) crampd_client *client = NULL;
        struct global_options g = *global;
        struct crampd_sensor *sensors;
        struct crampd_error error = {};
        bool stats = false;
        int c, code, r;
        size_t n;

        while ((c = option_next(&g, argc, argv, ":h", options)) >= 0) {
                if (c != OPTION_STATS)
                        return c == 'h' ? help_print(help) : EX_USAGE;
                stats = true;
        }
        code = operands_refuse(argc, argv);
        if (code == 0)
                code = client_open(&client);
        if (code != 0)
                return code;

        r = crampd_list_sensors(client, &sensors, &n, &error);
        if (r < 0)
                return fail_client(r, &error);
        pager_open(&g);
        if (g.json)
                code = json_print(sensors, n);
        else if (n == 0 && !g.no_legend) {
                puts("No sensors yet. 'crampctl add --help' tells how to adopt one.");
                code = output_finish_stdout();
        } else if (stats)
                code = table_of_stats(sensors, n, !g.no_legend);
        else
                code = table_of_sensors(sensors, n, !g.no_legend);
        crampd_sensors_free(sensors, n);
        return code;
}
