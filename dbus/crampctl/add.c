/* SPDX-License-Identifier: MIT */
/*
 * crampctl add: adopts a sensor.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/owner.h"
#include "dbus/crampctl/settings.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/words.h"
#include "sensors/address.h"
#include "sensors/capacity.h"

static const char help[] =
        "Usage: crampctl add [OPTION...] ADDRESS --muscle=MUSCLE --leg=LEG\n"
        "\n"
        "Adopt the sensor with this Bluetooth address: crampd connects to it whenever it can be heard. "
        "It belongs to\n"
        "you, and so do its alerts and recorded cramps.\n"
        "\n"
        "Options:\n" SETTINGS_HELP
        "      --driver=DRIVER    How to talk to it (default: crampd, the open profile;\n"
        "                         'crampctl scan' shows which)\n"
        "      --owner=USER       Whose it shall be; only for root, and needed there unless sudo "
        "tells\n" COMMON_OPTIONS_HELP "\n"
        "Examples:\n"
        "  crampctl add C0:FF:EE:00:00:01 --muscle gastrocnemius --leg left --name \"left calf\"\n"
        "  sudo crampctl add C0:FF:EE:00:00:02 --muscle soleus --leg right --owner ann\n";

static int address_check(const char *address) {
        char parsed[ADDRESS_SIZE];

        if (address_parse(address, parsed) >= 0)
                return 0;
        return fail(EX_USAGE, "'%s' is not a Bluetooth address; it looks like C0:FF:EE:00:00:01",
                    address);
}

static int owner_take(const char *user, struct crampd_sensor_options *options) {
        int code = owner_find(user, &options->has_owner, &options->owner);

        if (code == 0 && geteuid() == 0 && (!options->has_owner || (!user && options->owner == 0)))
                return fail(EX_USAGE, "whose sensor is it? root has to say with --owner=USER");
        return code;
}

static const struct crampd_sensor *sensor_of_path(const struct crampd_sensor *sensors, size_t n,
                                                  const char *path) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(sensors[i].path, path) == 0)
                        return sensors + i;
        return NULL;
}

static void capacity_warn(const struct crampd_sensor *sensor) {
        if (sensor->capacity >= CAPACITY_FULL)
                printf(_("With it the sensors keep the Bluetooth adapter busy for about %.0f %% of the "
                         "time: packets may be lost. A second adapter helps.\n"),
                       100.0 * sensor->capacity);
}

static int added_print(const struct global_options *global, const char *address, const char *path,
                       const struct crampd_sensor *sensor) {
        const char *id = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
        struct json json = JSON_INIT(stdout);

        if (global->json) {
                json_object_begin(&json, NULL);
                json_string(&json, "id", id);
                json_string(&json, "path", path);
                json_string(&json, "address", address);
                if (sensor) {
                        json_string(&json, "driver", sensor->driver);
                        if (isfinite(sensor->capacity))
                                json_double(&json, "capacity", sensor->capacity, 3);
                }
                json_object_end(&json);
                (void)json_finish(&json);
        } else if (!global->no_legend) {
                fputs(_("Added as sensor "), stdout);
                text_write(stdout, id);
                if (sensor) {
                        fputs(_(" of the kind "), stdout);
                        text_write(stdout, sensor->title ? sensor->title : sensor->driver);
                }
                puts(_(". It is connected when it is switched on and near; see 'crampctl status'."));
                if (sensor)
                        capacity_warn(sensor);
        }
        return output_finish_stdout();
}

static int add_run(const struct global_options *global, const char *address,
                   const struct crampd_sensor_options *options) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(freep) char *path = NULL;
        const struct crampd_sensor *sensor;
        struct crampd_sensor *sensors = NULL;
        struct crampd_error error = {};
        size_t n = 0;
        int code, r;

        code = client_open(&client);
        if (code != 0)
                return code;
        r = crampd_add_sensor(client, address, options, &path, &error);
        if (r < 0)
                return fail_client(r, &error);
        /* What is said of it beside its name is not worth failing for. */
        if (crampd_list_sensors(client, &sensors, &n, &error) < 0)
                n = 0;
        sensor = sensor_of_path(sensors, n, path);
        code = added_print(global, address, path, sensor);
        crampd_sensors_free(sensors, n);
        return code;
}

int verb_add(const struct global_options *global, int argc, char *argv[]) {
        enum { OPTION_DRIVER = OPTION_SETTINGS_END, OPTION_OWNER };
        static const struct option long_options[] = {
                COMMON_OPTIONS,
                SETTINGS_OPTIONS,
                {"driver", required_argument, NULL, OPTION_DRIVER},
                {"owner", required_argument, NULL, OPTION_OWNER},
                {},
        };
        struct crampd_sensor_options options = {};
        struct global_options g = *global;
        const char *user = NULL;
        int c, code;

        while ((c = option_next(&g, argc, argv, ":h", long_options)) >= 0)
                switch (c) {
                case 'h':
                        return help_print(help);
                case OPTION_DRIVER:
                        options.driver = optarg;
                        break;
                case OPTION_OWNER:
                        user = optarg;
                        break;
                default:
                        code = settings_take(c, &options);
                        if (code != 0)
                                return code;
                }
        if (optind >= argc)
                return fail(EX_USAGE,
                            "which sensor? Give its Bluetooth address, like C0:FF:EE:00:00:01");
        if (optind + 1 < argc)
                return fail(EX_USAGE, "one sensor at a time: '%s' is one word too many",
                            argv[optind + 1]);

        if ((code = address_check(argv[optind])) != 0 ||
            (code = settings_require_place(&options)) != 0 || (code = owner_take(user, &options)) != 0)
                return code;
        return add_run(&g, argv[optind], &options);
}
