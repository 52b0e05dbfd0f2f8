/* SPDX-License-Identifier: MIT */
/* The daemon's options: see options.h. */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "daemon/basic/cleanup.h"
#include "daemon/basic/log.h"
#include "daemon/config-file.h"

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
               "  --adapter NAME    use this Bluetooth adapter (hci0) and no other; may be repeated\n"
               "  --state-dir DIR   where the database lies (default: $STATE_DIRECTORY, else "
               "/var/lib/crampd)\n"
               "  --log-level LEVEL error, warning or info (default)\n"
               "  --config FILE     instead of " CRAMPD_CONFIG "; the command line prevails\n"
               "  --help, --version\n\n"
               "Examples:\n"
               "  crampd --virtual /var/lib/recordings/night.edf,speed=10,owner=ann\n"
               "  crampd --state-dir /tmp/crampd --adapter hci1\n\n"
               "Exit codes: 0, 64 usage, 65 or 66 a file that cannot be used, 69 no bus or no name on "
               "it, "
               "78 configuration.\n");
}

static int refuse(const char *option, const char *remedy) {
        log_error("crampd: --virtual: '%s': %s.", option, remedy);
        return -EINVAL;
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

int options_add_virtual(struct options *options) {
        if (options->n_virtuals >= VIRTUAL_SENSORS_MAX)
                return -E2BIG;
        return virtual_option_init(&options->virtuals[options->n_virtuals++]);
}

int options_add_adapter(struct options *options, const char *name) {
        size_t digits = strncmp(name, "hci", 3) == 0 ? strspn(name + 3, "0123456789") : 0;

        if (digits == 0 || name[3 + digits] || strlen(name) >= ADAPTER_NAME_SIZE)
                return -EINVAL;
        if (options->n_adapters >= ADAPTERS_USED_MAX)
                return -E2BIG;
        (void)strcpy(options->adapters[options->n_adapters++], name);
        return 0;
}

static int parse_virtual_keys(struct virtual_option *option, char *keys) {
        char *pair;

        while ((pair = strsep(&keys, ","))) {
                char *value = strchr(pair, '=');
                const char *remedy;
                int r;

                if (!value)
                        return refuse(pair, "must be KEY=VALUE");
                *value++ = '\0';
                r = virtual_option_set(option, pair, value, &remedy);
                if (r == -ENOENT)
                        return refuse(pair, "there is no such key; see --help");
                if (r < 0)
                        return r == -EINVAL ? refuse(value, remedy) : r;
        }
        return 0;
}

static int parse_virtual(struct options *options, const char *argument) {
        _cleanup_(freep) char *text = strdup(argument);
        struct virtual_option *option;
        char *keys;
        int r;

        if (!text)
                return -ENOMEM;
        r = options_add_virtual(options);
        if (r < 0)
                return r == -E2BIG ? refuse(argument, "too many virtual sensors") : r;

        option = &options->virtuals[options->n_virtuals - 1];
        keys = find_keys(text);
        if (keys)
                *keys++ = '\0';
        if (text[0] == '\0')
                return refuse(argument, "the file's name is missing");
        option->path = strdup(text);
        if (!option->path)
                return -ENOMEM;
        return parse_virtual_keys(option, keys);
}

/* The command line's adapters replace those of the file. */
static int parse_adapter(struct options *options, const char *name, bool *first) {
        int r;

        if (*first)
                options->n_adapters = 0;
        *first = false;
        r = options_add_adapter(options, name);
        if (r < 0) {
                log_error("crampd: --adapter: '%s': write hci0, hci1 ..., %u at most.", name,
                          ADAPTERS_USED_MAX);
                return -EINVAL;
        }
        return 0;
}

static int parse_log_level(struct options *options, const char *text) {
        int level = log_level_from_string(text);

        if (level < 0) {
                log_error("crampd: --log-level: '%s': it must be error, warning or info.", text);
                return -EINVAL;
        }
        options->log_level = level;
        return 0;
}

static int parse_state_dir(struct options *options, const char *path) {
        char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;
        free(options->state_dir);
        options->state_dir = copy;
        return 0;
}

enum {
        OPTION_VIRTUAL = 0x100,
        OPTION_ADAPTER,
        OPTION_STATE_DIR,
        OPTION_LOG_LEVEL,
        OPTION_CONFIG,
        OPTION_HELP,
        OPTION_VERSION
};

static const struct option table[] = {
        {"virtual", required_argument, NULL, OPTION_VIRTUAL},
        {"adapter", required_argument, NULL, OPTION_ADAPTER},
        {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
        {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"help", no_argument, NULL, OPTION_HELP},
        {"version", no_argument, NULL, OPTION_VERSION},
        {NULL},
};

/* First for what has to be known before the file is read. Returns 1, or 0 when all is said. */
static int look_ahead(int argc, char *argv[], const char **ret_config) {
        int c;

        opterr = 0;
        while ((c = getopt_long(argc, argv, "", table, NULL)) >= 0)
                switch (c) {
                case OPTION_CONFIG:
                        *ret_config = optarg;
                        break;
                case OPTION_HELP:
                        print_help();
                        return 0;
                case OPTION_VERSION:
                        printf("crampd %s\n", CRAMPD_VERSION);
                        return 0;
                default:
                        break; /* told by command_line_parse() */
                }
        opterr = 1;
        optind = 0;
        return 1;
}

static int config_read(struct options *options, const char *named, const char *default_path) {
        int r = config_load(named ?: default_path, options);

        if (r != -ENOENT)
                return r == -EIO ? -EBADMSG : r;
        if (!named)
                return 0;
        log_error("crampd: --config: there is no file '%s'.", named);
        return r;
}

static int command_line_parse(struct options *options, int argc, char *argv[]) {
        bool first_adapter = true;
        int c, r = 0;

        while (r >= 0 && (c = getopt_long(argc, argv, "", table, NULL)) >= 0)
                switch (c) {
                case OPTION_VIRTUAL:
                        r = parse_virtual(options, optarg);
                        break;
                case OPTION_ADAPTER:
                        r = parse_adapter(options, optarg, &first_adapter);
                        break;
                case OPTION_STATE_DIR:
                        r = parse_state_dir(options, optarg);
                        break;
                case OPTION_LOG_LEVEL:
                        r = parse_log_level(options, optarg);
                        break;
                case OPTION_CONFIG:
                        break;
                default:
                        return -EINVAL; /* getopt has said why */
                }
        if (r < 0)
                return r;
        if (optind < argc) {
                log_error("crampd: '%s': there are no arguments, only options; see --help.",
                          argv[optind]);
                return -EINVAL;
        }
        return 1;
}

int options_parse(struct options *options, int argc, char *argv[], const char *default_config) {
        const char *config = NULL;
        int r;

        *options = (struct options){.log_level = LOG_INFO};
        r = look_ahead(argc, argv, &config);
        if (r <= 0)
                return r;
        r = config_read(options, config, default_config);
        if (r < 0)
                return r;
        r = command_line_parse(options, argc, argv);
        if (r > 0 && !options->state_dir)
                r = parse_state_dir(options, secure_getenv("STATE_DIRECTORY") ?: "/var/lib/crampd") < 0
                            ? -ENOMEM
                            : 1;
        return r;
}

void options_done(struct options *options) {
        for (unsigned i = 0; i < options->n_virtuals; i++)
                virtual_option_done(&options->virtuals[i]);
        free(options->state_dir);
}
