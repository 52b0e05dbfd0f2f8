/* SPDX-License-Identifier: MIT */
/*
 * crampctl pause, resume and identify: the verbs that tell one sensor to do one thing.
 */
#include <stdio.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/words.h"

#define OPERAND_HELP "SENSOR is an id, an address or a name, as 'crampctl sensors' shows them.\n"

struct order {
        const char *help;
        const char *done; /* for people; NULL = nothing to say */
        int (*call)(crampd_client *client, const char *path, struct crampd_error *error);
};

static int order_run(const struct order *order, const struct global_options *global,
                     const char *sensor) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(freep) char *path = NULL;
        struct crampd_error error = {};
        int code, r;

        code = sensor_open(sensor, &client, &path);
        if (code != 0)
                return code;
        r = order->call(client, path, &error);
        if (r < 0)
                return fail_client(r, &error);
        if (order->done && !global->json && !global->no_legend)
                puts(_(order->done));
        return output_finish_stdout();
}

static int order_parse(const struct order *order, const struct global_options *global, int argc,
                       char *argv[]) {
        static const struct option options[] = {COMMON_OPTIONS, {}};
        struct global_options g = *global;
        int c = option_next(&g, argc, argv, ":h", options), code;
        const char *sensor;

        if (c >= 0)
                return c == 'h' ? help_print(order->help) : EX_USAGE;
        code = operand_sensor(argc, argv, &sensor);
        if (code != 0)
                return code;
        return order_run(order, &g, sensor);
}

int verb_pause(const struct global_options *global, int argc, char *argv[]) {
        static const struct order order = {
                .help = "Usage: crampctl pause [OPTION...] SENSOR\n"
                        "\n"
                        "Leave a sensor alone until 'crampctl resume': crampd drops the link, watches "
                        "nothing and does not look for it.\n"
                        "This outlasts a restart. " OPERAND_HELP "\n"
                        "Options:\n" COMMON_OPTIONS_HELP "\n"
                        "Examples:\n"
                        "  crampctl pause \"left calf\"\n",
                .done = N_("Paused: nothing is watched there until 'crampctl resume'."),
                .call = crampd_pause_sensor,
        };

        return order_parse(&order, global, argc, argv);
}

int verb_resume(const struct global_options *global, int argc, char *argv[]) {
        static const struct order order = {
                .help = "Usage: crampctl resume [OPTION...] SENSOR\n"
                        "\n"
                        "Look for a paused sensor again, and watch it. " OPERAND_HELP "\n"
                        "Options:\n" COMMON_OPTIONS_HELP "\n"
                        "Examples:\n"
                        "  crampctl resume \"left calf\"\n",
                .call = crampd_resume_sensor,
        };

        return order_parse(&order, global, argc, argv);
}

int verb_identify(const struct global_options *global, int argc, char *argv[]) {
        static const struct order order = {
                .help = "Usage: crampctl identify [OPTION...] SENSOR\n"
                        "\n"
                        "Let a connected sensor blink or vibrate, if it can, to tell it from "
                        "others.\n" OPERAND_HELP "\n"
                        "Options:\n" COMMON_OPTIONS_HELP "\n"
                        "Examples:\n"
                        "  crampctl identify C0:FF:EE:00:00:01\n",
                .call = crampd_identify_sensor,
        };

        return order_parse(&order, global, argc, argv);
}
