/* SPDX-License-Identifier: MIT */
/*
 * crampctl edit: changes what the owner has said of a sensor.
 */
#include <stdio.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/settings.h"

static const char help[] =
        "Usage: crampctl edit [OPTION...] SENSOR\n"
        "\n"
        "Change what you have said of a sensor; the rest stays. SENSOR is an id, an address or a name. "
        "A change of scale,\n"
        "rate, channels or kind begins a new night with the next stream. Recorded cramps keep what was "
        "true then.\n"
        "\n"
        "Options:\n" SETTINGS_HELP COMMON_OPTIONS_HELP "\n"
        "Examples:\n"
        "  crampctl edit \"left calf\" --muscle soleus\n"
        "  crampctl edit \"left calf\" --sensitivity high\n"
        "  crampctl edit \"left calf\" --allow-broadcast=no\n";

static int edit_run(const char *sensor, const struct crampd_sensor_options *options) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(freep) char *path = NULL;
        struct crampd_error error = {};
        int code, r;

        code = sensor_open(sensor, &client, &path);
        if (code != 0)
                return code;
        r = crampd_edit_sensor(client, path, options, &error);
        return r < 0 ? fail_client(r, &error) : output_finish_stdout();
}

int verb_edit(const struct global_options *global, int argc, char *argv[]) {
        static const struct option long_options[] = {COMMON_OPTIONS, SETTINGS_OPTIONS, {}};
        struct crampd_sensor_options options = {};
        struct global_options g = *global;
        const char *sensor;
        bool changes = false;
        int c, code;

        while ((c = option_next(&g, argc, argv, ":h", long_options)) >= 0) {
                if (c == 'h')
                        return help_print(help);
                code = settings_take(c, &options);
                if (code != 0)
                        return code;
                changes = true;
        }
        code = operand_sensor(argc, argv, &sensor);
        if (code != 0)
                return code;
        if (!changes)
                return fail(EX_USAGE, "nothing to change; see 'crampctl edit --help'");
        return edit_run(sensor, &options);
}
