/* SPDX-License-Identifier: MIT */
/*
 * crampctl remove: gives a sensor up; its episodes stay.
 */
#include <stdio.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/words.h"

static const char help[] = "Usage: crampctl remove [OPTION...] SENSOR\n"
                           "\n"
                           "Give a sensor up: crampd drops the link and no longer watches it. Its "
                           "recorded cramps stay in the history.\n"
                           "SENSOR is an id, an address or a name, as 'crampctl sensors' shows them.\n"
                           "\n"
                           "Options:\n" COMMON_OPTIONS_HELP "\n"
                           "Examples:\n"
                           "  crampctl remove \"left calf\"\n"
                           "  crampctl remove C0:FF:EE:00:00:01\n";

static int removed_print(const struct global_options *global, const char *path) {
        struct json json = JSON_INIT(stdout);

        if (global->json) {
                json_object_begin(&json, NULL);
                json_string(&json, "removed", path);
                json_object_end(&json);
                (void)json_finish(&json);
        } else if (!global->no_legend)
                puts(_("Removed. Its recorded cramps stay in the history."));
        return output_finish_stdout();
}

int verb_remove(const struct global_options *global, int argc, char *argv[]) {
        static const struct option options[] = {COMMON_OPTIONS, {}};
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(freep) char *path = NULL;
        struct global_options g = *global;
        struct crampd_error error = {};
        const char *sensor;
        int c, code, r;

        c = option_next(&g, argc, argv, ":h", options);
        if (c >= 0)
                return c == 'h' ? help_print(help) : EX_USAGE;
        code = operand_sensor(argc, argv, &sensor);
        if (code == 0)
                code = sensor_open(sensor, &client, &path);
        if (code != 0)
                return code;
        r = crampd_remove_sensor(client, path, &error);
        return r < 0 ? fail_client(r, &error) : removed_print(&g, path);
}
