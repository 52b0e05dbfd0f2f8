/* SPDX-License-Identifier: MIT */
/*
 * crampctl sensors: what is watched, and how well the links do.
 */
#include <inttypes.h>
#include <pwd.h>
#include <sysexits.h>
#include <unistd.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/describe.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/table.h"
#include "dbus/crampctl/text.h"

static const char help[] =
        "Usage: crampctl sensors [OPTION...]\n"
        "\n"
        "List your sensors (root: those of all users), one a line.\n"
        "\n"
        "Options:\n" COMMON_OPTIONS_HELP "\n"
        "Examples:\n"
        "  crampctl sensors\n"
        "  crampctl sensors --json | jq -r 'select(.state != \"streaming\") | .name'\n";

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
        table_cell(table, "%s", sensor->leg);
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
        table_cell(table, "%s%s", sensor->state, sensor->simulated ? " (simulated)" : "");
}

static int table_of_sensors(const struct crampd_sensor *sensors, size_t n, bool legend) {
        static const struct column columns[] = {
                {"ID"},      {"NAME"},          {"LEG"},           {"MUSCLE"},
                {"ADDRESS"}, {"BATTERY", true}, {"RATE Hz", true}, {"LOST", true},
                {"STATE"},
        };
        static const struct column columns_root[] = {
                {"ID"},    {"NAME"},          {"LEG"},           {"MUSCLE"},     {"ADDRESS"},
                {"OWNER"}, {"BATTERY", true}, {"RATE Hz", true}, {"LOST", true}, {"STATE"},
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
        if (r < 0)
                return fail(EX_OSERR, "out of memory");
        return output_finish_stdout();
}

int verb_sensors(const struct global_options *global, int argc, char *argv[]) {
        static const struct option options[] = {COMMON_OPTIONS, {}};
        _cleanup_(client_freep) crampd_client *client = NULL;
        struct global_options g = *global;
        struct crampd_sensor *sensors;
        struct crampd_error error = {};
        int c, code, r;
        size_t n;

        c = option_next(&g, argc, argv, ":h", options);
        if (c >= 0)
                return c == 'h' ? help_print(help) : EX_USAGE;
        code = operands_refuse(argc, argv);
        if (code == 0)
                code = client_open(&client);
        if (code != 0)
                return code;

        r = crampd_list_sensors(client, &sensors, &n, &error);
        if (r < 0)
                return fail_client(r, &error);
        if (g.json)
                code = json_print(sensors, n);
        else if (n == 0 && !g.no_legend) {
                puts("No sensors yet. 'crampctl add --help' tells how to adopt one.");
                code = output_finish_stdout();
        } else
                code = table_of_sensors(sensors, n, !g.no_legend);
        crampd_sensors_free(sensors, n);
        return code;
}
