/* SPDX-License-Identifier: MIT */
/*
 * crampctl muscles: the muscles that crampd knows, and where the electrodes go.
 */
#include <stdio.h>
#include <sysexits.h>

#include "dbus/crampctl/json.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/words.h"
#include "sensors/muscle.h"

static const char help[] = "Usage: crampctl muscles [OPTION...]\n"
                           "\n"
                           "List the muscles that a sensor can be worn on, and where its electrodes go "
                           "(after SENIAM, where "
                           "it has the muscle).\n"
                           "\n"
                           "Options:\n" COMMON_OPTIONS_HELP "\n"
                           "Examples:\n"
                           "  crampctl muscles\n";

int verb_muscles(const struct global_options *global, int argc, char *argv[]) {
        static const struct option options[] = {COMMON_OPTIONS, {}};
        struct global_options g = *global;
        int c = option_next(&g, argc, argv, ":h", options), code;

        if (c >= 0)
                return c == 'h' ? help_print(help) : EX_USAGE;
        code = operands_refuse(argc, argv);
        if (code != 0)
                return code;
        for (unsigned m = MUSCLE_UNSPECIFIED + 1; m < MUSCLE_MAX; m++) {
                struct json json = JSON_INIT(stdout);

                if (!g.json) {
                        printf("%s: %s\n    %s\n", muscle_to_string(m), _(muscle_title(m)),
                               _(muscle_site(m)));
                        continue;
                }
                json_object_begin(&json, NULL);
                json_string(&json, "muscle", muscle_to_string(m));
                json_string(&json, "title", muscle_title(m));
                json_string(&json, "site", muscle_site(m));
                json_object_end(&json);
                (void)json_finish(&json);
        }
        return output_finish_stdout();
}
