/* SPDX-License-Identifier: MIT */
/* The daemon's command line: see options.h. */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <pwd.h>
#include <string.h>

#include "config.h"
#include "daemon/basic/cleanup.h"
#include "daemon/basic/log.h"
#include "daemon/basic/text.h"
#include "daemon/store/store.h"
#include "sensors/muscle.h"

static void print_help(void) {
        printf("crampd [OPTION]...\n\n"
               "Watches calf muscle sensors for cramps and tells the clients on the system bus.\n"
               "An aid, not a medical device. Normally started by systemd; see crampctl for use.\n\n"
               "  --virtual FILE[,KEY=VALUE]...  play a recording (EDF, EDF+, BDF, CSV) as a sensor; "
               "may be repeated\n"
               "        speed=N     times real time (default 1)\n"
               "        rate=HZ     sampling rate of a CSV without a time column\n"
               "        owner=USER  user name or uid that it belongs to (default: the user crampd runs "
               "as)\n"
               "        muscle=M    default gastrocnemius\n"
               "        leg=L       left (default) or right\n"
               "        name=TEXT   default \"virtual\"\n"
               "  --state-dir DIR   where the database lies (default: $STATE_DIRECTORY, else "
               "/var/lib/crampd)\n"
               "  --help, --version\n\n"
               "Exit codes: 0, 64 usage, 65 or 66 a recording that cannot be played, 69 no bus or no "
               "name on it.\n");
}

static int refuse(const char *option, const char *remedy) {
        log_error("crampd: --virtual: '%s': %s.", option, remedy);
        return -EINVAL;
}

static int parse_uid(const char *text, uid_t *ret) {
        const struct passwd *user = getpwnam(text);
        unsigned long number;
        char *end;

        if (user) {
                *ret = user->pw_uid;
                return 0;
        }
        errno = 0;
        number = strtoul(text, &end, 10);
        if (errno || *end || end == text || text[0] == '-' || number >= UINT32_MAX)
                return -EINVAL;
        *ret = (uid_t)number;
        return 0;
}

static int parse_virtual_key(struct virtual_option *option, const char *key, const char *value) {
        char *end;

        if (strcmp(key, "speed") == 0) {
                option->speed = strtod(value, &end);
                if (*end || end == value || !isfinite(option->speed) || option->speed <= 0)
                        return refuse(value, "speed must be a number above 0");
        } else if (strcmp(key, "rate") == 0) {
                long rate = strtol(value, &end, 10);

                if (*end || end == value || rate < 200 || rate > 2000)
                        return refuse(value, "rate must be 200 to 2000 (Hz)");
                option->csv_rate_hz = (uint32_t)rate;
        } else if (strcmp(key, "owner") == 0) {
                if (parse_uid(value, &option->owner_uid) < 0)
                        return refuse(value, "owner must be a user name or a uid");
        } else if (strcmp(key, "muscle") == 0) {
                int muscle = muscle_from_string(value);

                if (muscle <= MUSCLE_UNSPECIFIED)
                        return refuse(value,
                                      "there is no such muscle; 'crampctl add --help' lists them");
                option->muscle = muscle_to_string((unsigned)muscle);
        } else if (strcmp(key, "leg") == 0) {
                int leg = leg_from_string(value);

                if (leg <= LEG_UNSPECIFIED)
                        return refuse(value, "leg must be left or right");
                option->leg = leg_to_string((unsigned)leg);
        } else if (strcmp(key, "name") == 0) {
                if (!text_is_name(value, sizeof(((struct store_sensor *)0)->name)))
                        return refuse("name",
                                      "it must be at most 63 bytes of UTF-8 without control characters");
                free(option->name);
                option->name = strdup(value);
                if (!option->name)
                        return -ENOMEM;
        } else
                return refuse(key, "there is no such key; see --help");
        return 0;
}

/* A comma in a file's name is kept unless a key and '=' follow it. */
static char *find_keys(char *text) {
        static const char *const keys[] = {"speed=", "rate=", "owner=", "muscle=", "leg=", "name="};

        for (char *comma = strchr(text, ','); comma; comma = strchr(comma + 1, ','))
                for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
                        if (strncmp(comma + 1, keys[i], strlen(keys[i])) == 0)
                                return comma;
        return NULL;
}

static int parse_virtual(struct options *options, const char *argument) {
        _cleanup_(freep) char *text = strdup(argument);
        struct virtual_option *option;
        char *keys, *pair;
        int r;

        if (!text)
                return -ENOMEM;
        if (options->n_virtuals >= VIRTUAL_SENSORS_MAX)
                return refuse(argument, "too many virtual sensors");

        option = &options->virtuals[options->n_virtuals++];
        *option = (struct virtual_option){.speed = 1,
                                          .owner_uid = getuid(),
                                          .muscle = muscle_to_string(MUSCLE_GASTROCNEMIUS),
                                          .leg = "left"};

        keys = find_keys(text);
        if (keys)
                *keys++ = '\0';
        if (text[0] == '\0')
                return refuse(argument, "the file's name is missing");
        option->path = strdup(text);
        option->name = strdup("virtual");
        if (!option->path || !option->name)
                return -ENOMEM;

        while ((pair = strsep(&keys, ","))) {
                char *value = strchr(pair, '=');

                if (!value)
                        return refuse(pair, "must be KEY=VALUE");
                *value++ = '\0';
                r = parse_virtual_key(option, pair, value);
                if (r < 0)
                        return r;
        }
        return 0;
}

int options_parse(struct options *options, int argc, char *argv[]) {
        enum { OPTION_VIRTUAL = 0x100, OPTION_STATE_DIR, OPTION_HELP, OPTION_VERSION };
        static const struct option table[] = {
                {"virtual", required_argument, NULL, OPTION_VIRTUAL},
                {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
                {"help", no_argument, NULL, OPTION_HELP},
                {"version", no_argument, NULL, OPTION_VERSION},
                {NULL},
        };
        int c, r;

        *options = (struct options){0};
        options->state_dir = secure_getenv("STATE_DIRECTORY") ?: "/var/lib/crampd";

        while ((c = getopt_long(argc, argv, "", table, NULL)) >= 0)
                switch (c) {
                case OPTION_VIRTUAL:
                        r = parse_virtual(options, optarg);
                        if (r < 0)
                                return r;
                        break;
                case OPTION_STATE_DIR:
                        options->state_dir = optarg;
                        break;
                case OPTION_HELP:
                        print_help();
                        return 0;
                case OPTION_VERSION:
                        printf("crampd %s\n", CRAMPD_VERSION);
                        return 0;
                default:
                        return -EINVAL; /* getopt has said why */
                }
        if (optind < argc) {
                log_error("crampd: '%s': there are no arguments, only options; see --help.",
                          argv[optind]);
                return -EINVAL;
        }
        return 1;
}

void options_done(struct options *options) {
        for (unsigned i = 0; i < options->n_virtuals; i++) {
                free(options->virtuals[i].path);
                free(options->virtuals[i].name);
        }
}
