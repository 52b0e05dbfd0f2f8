/* SPDX-License-Identifier: MIT */
/*
 * crampctl add: adopts a sensor. What can be wrong is told here already, so that it is told with the
 * remedy.
 */
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/text.h"
#include "sensors/address.h"
#include "sensors/muscle.h"

#define NAMES_SIZE 512u

static const char help[] =
        "Usage: crampctl add [OPTION...] ADDRESS --muscle=MUSCLE --leg=LEG\n"
        "\n"
        "Adopt the sensor with this Bluetooth address: crampd connects to it whenever it can be heard. "
        "It belongs to\n"
        "you, and so do its alerts and recorded cramps.\n"
        "\n"
        "Options:\n"
        "      --muscle=MUSCLE    gastrocnemius, gastrocnemius-medialis, gastrocnemius-lateralis, "
        "soleus,\n"
        "                         tibialis-anterior, peroneus-longus, foot, quadriceps or hamstrings\n"
        "      --leg=LEG          left or right\n"
        "      --name=NAME        What to call it, at most 63 bytes\n"
        "      --driver=DRIVER    How to talk to it (default: crampd, the open profile)\n"
        "      --owner=USER       Whose it shall be; only for root, and needed there unless sudo "
        "tells\n" COMMON_OPTIONS_HELP "\n"
        "Examples:\n"
        "  crampctl add C0:FF:EE:00:00:01 --muscle gastrocnemius --leg left --name \"left calf\"\n"
        "  sudo crampctl add C0:FF:EE:00:00:02 --muscle soleus --leg right --owner ann\n";

static void names_append(char *names, const char *name) {
        size_t used = strlen(names);

        (void)snprintf(names + used, NAMES_SIZE - used, "%s%s", used > 0 ? ", " : "", name);
}

static int muscle_check(const char *muscle) {
        char names[NAMES_SIZE] = "";

        if (muscle && muscle_from_string(muscle) > MUSCLE_UNSPECIFIED)
                return 0;
        for (unsigned m = MUSCLE_UNSPECIFIED + 1; m < MUSCLE_MAX; m++)
                names_append(names, muscle_to_string(m));
        if (!muscle)
                return fail(EX_USAGE, "which muscle? Add --muscle with one of: %s", names);
        return fail(EX_USAGE, "there is no muscle '%s'; choose one of: %s", muscle, names);
}

static int leg_check(const char *leg) {
        if (leg && leg_from_string(leg) > LEG_UNSPECIFIED)
                return 0;
        if (!leg)
                return fail(EX_USAGE, "which leg? Add --leg=left or --leg=right");
        return fail(EX_USAGE, "there is no leg '%s'; write left or right", leg);
}

static int address_check(const char *address) {
        char parsed[ADDRESS_SIZE];

        if (address_parse(address, parsed) >= 0)
                return 0;
        return fail(EX_USAGE, "'%s' is not a Bluetooth address; it looks like C0:FF:EE:00:00:01",
                    address);
}

static int uid_parse(const char *text, unsigned *ret) {
        char *end;
        unsigned long value;

        if (text[0] < '0' || text[0] > '9')
                return -EINVAL;
        errno = 0;
        value = strtoul(text, &end, 10);
        /* The highest value stands for "no user". */
        if (errno != 0 || *end || value >= UINT32_MAX)
                return -EINVAL;
        *ret = (unsigned)value;
        return 0;
}

static int owner_find(const char *user, struct crampd_add_options *options) {
        const char *sudo_uid = getenv("SUDO_UID");
        const struct passwd *entry;

        if (user) {
                entry = getpwnam(user);
                if (entry)
                        options->owner = entry->pw_uid;
                else if (uid_parse(user, &options->owner) < 0)
                        return fail(EX_USAGE, "there is no user '%s'", user);
                options->has_owner = true;
                return 0;
        }
        if (geteuid() != 0)
                return 0;
        if (!sudo_uid || uid_parse(sudo_uid, &options->owner) < 0 || options->owner == 0)
                return fail(EX_USAGE, "whose sensor is it? root has to say with --owner=USER");
        options->has_owner = true;
        return 0;
}

static int added_print(const struct global_options *global, const char *address, const char *path) {
        const char *id = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
        struct json json = JSON_INIT(stdout);

        if (global->json) {
                json_object_begin(&json, NULL);
                json_string(&json, "id", id);
                json_string(&json, "path", path);
                json_string(&json, "address", address);
                json_object_end(&json);
                (void)json_finish(&json);
        } else if (!global->no_legend) {
                fputs("Added as sensor ", stdout);
                text_write(stdout, id);
                puts(". It is connected when it is switched on and near; see 'crampctl status'.");
        }
        return output_finish_stdout();
}

static int add_run(const struct global_options *global, const char *address,
                   const struct crampd_add_options *options) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(freep) char *path = NULL;
        struct crampd_error error = {};
        int code, r;

        code = client_open(&client);
        if (code != 0)
                return code;
        r = crampd_add_sensor(client, address, options, &path, &error);
        return r < 0 ? fail_client(r, &error) : added_print(global, address, path);
}

int verb_add(const struct global_options *global, int argc, char *argv[]) {
        enum { OPTION_MUSCLE = OPTION_VERB, OPTION_LEG, OPTION_NAME, OPTION_DRIVER, OPTION_OWNER };
        static const struct option long_options[] = {
                COMMON_OPTIONS,
                {"muscle", required_argument, NULL, OPTION_MUSCLE},
                {"leg", required_argument, NULL, OPTION_LEG},
                {"name", required_argument, NULL, OPTION_NAME},
                {"driver", required_argument, NULL, OPTION_DRIVER},
                {"owner", required_argument, NULL, OPTION_OWNER},
                {},
        };
        struct crampd_add_options options = {};
        struct global_options g = *global;
        const char *user = NULL;
        int c, code;

        while ((c = option_next(&g, argc, argv, ":h", long_options)) >= 0)
                switch (c) {
                case 'h':
                        return help_print(help);
                case OPTION_MUSCLE:
                        options.muscle = optarg;
                        break;
                case OPTION_LEG:
                        options.leg = optarg;
                        break;
                case OPTION_NAME:
                        options.name = optarg;
                        break;
                case OPTION_DRIVER:
                        options.driver = optarg;
                        break;
                case OPTION_OWNER:
                        user = optarg;
                        break;
                default:
                        return EX_USAGE;
                }
        if (optind >= argc)
                return fail(EX_USAGE,
                            "which sensor? Give its Bluetooth address, like C0:FF:EE:00:00:01");
        if (optind + 1 < argc)
                return fail(EX_USAGE, "one sensor at a time: '%s' is one word too many",
                            argv[optind + 1]);

        if ((code = address_check(argv[optind])) != 0 || (code = muscle_check(options.muscle)) != 0 ||
            (code = leg_check(options.leg)) != 0 || (code = owner_find(user, &options)) != 0)
                return code;
        return add_run(&g, argv[optind], &options);
}
