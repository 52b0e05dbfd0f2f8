/* SPDX-License-Identifier: MIT */
#include "dbus/notify/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "config.h"
#include "dbus/crampctl/help.h"
#include "dbus/crampctl/text.h"

#define LOST_AFTER_S_MAX 86400
#define SOUND_NAME_MAX 64u
#define MESSAGE_SIZE 2048

static const char help[] =
        "Usage: cramp-notify [OPTION...]\n"
        "\n"
        "Show crampd's alerts on the desktop: what to do while a cramp lasts, a summary when it is "
        "over,\n"
        "and buttons to say what it was. Also tells of a battery that will not last the night, of a "
        "sensor\n"
        "that is lost at night, and of electrodes that are off. Starts with the desktop by itself; to\n"
        "change its options: systemctl --user edit cramp-notify.\n"
        "\n"
        "Options:\n"
        "      --private[=WHEN]     Show no details: always (when given alone), never, or auto, the "
        "default:\n"
        "                           while the screen is locked or its saver runs\n"
        "      --quiet FROM-UNTIL   Hours in which nothing but alerts is shown, as 22:00-07:00; what "
        "still\n"
        "                           holds is shown afterwards\n"
        "      --quiet-alerts       In these hours alerts make no sound\n"
        "      --night FROM-UNTIL   When it matters that a sensor or crampd is lost (21:00-08:00)\n"
        "      --lost-after SECONDS How long one may be away then (300)\n"
        "      --sound NAME         Sound of an alert, by its name in the sound theme "
        "(alarm-clock-elapsed),\n"
        "                           if the notification server plays sounds; none: no sound\n"
        "      --exec COMMAND       Run a shell command when an alert is raised, becomes more serious, "
        "and\n"
        "                           ends (or crampd goes meanwhile), with that on its standard input: "
        "one\n"
        "                           JSON object as those of 'crampctl monitor --json'\n"
        "      --test               Show a sample of an alert for some seconds, marked as a test\n"
        "  -h, --help               Show this text\n"
        "      --version            Show the version\n"
        "\n"
        "Examples:\n"
        "  cramp-notify --test\n"
        "  cramp-notify --quiet 22:00-07:00 --exec 'jq -e \".type == \\\"alert-raised\\\"\" &&\n"
        "    canberra-gtk-play -i alarm-clock-elapsed'\n"
        "\n"
        "Exit codes follow sysexits.h: 64 usage, 69 no bus, or no notification server for --test,\n"
        "71 the system failed, 77 refused. crampd is an aid, not a medical device.\n";

int complain(int code, const char *format, ...) {
        char message[MESSAGE_SIZE];
        va_list arguments;

        va_start(arguments, format);
        if (vsnprintf(message, sizeof(message), format, arguments) < 0)
                message[0] = 0;
        va_end(arguments);
        fputs("cramp-notify: ", stderr);
        text_write(stderr, message);
        fputc('\n', stderr);
        return code;
}

static int print(const char *text) {
        if (fputs(text, stdout) < 0 || fflush(stdout) != 0)
                return complain(EX_CANTCREAT, "cannot write to standard output: %s", strerror(errno));
        return 0;
}

static int privacy_parse(const char *text, enum privacy *ret) {
        static const char *const names[] = {
                [PRIVACY_AUTO] = "auto", [PRIVACY_ALWAYS] = "always", [PRIVACY_NEVER] = "never"};

        if (!text)
                text = "always";
        for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
                if (strcmp(text, names[i]) == 0) {
                        *ret = (enum privacy)i;
                        return 0;
                }
        return complain(EX_USAGE, "--private=%s: it is always, never or auto", text);
}

static int hours_option_parse(const char *option, const char *text, struct hours *ret) {
        if (hours_parse(text, ret) >= 0)
                return 0;
        return complain(EX_USAGE, "%s '%s': these are no hours, as 22:00-07:00", option, text);
}

static int seconds_parse(const char *text, int64_t *ret_us) {
        char *end;
        long seconds;

        errno = 0;
        seconds = strtol(text, &end, 10);
        if (errno || end == text || *end || seconds < 0 || seconds > LOST_AFTER_S_MAX)
                return complain(EX_USAGE, "--lost-after '%s': it is a number of seconds, at most %d",
                                text, LOST_AFTER_S_MAX);
        *ret_us = (int64_t)seconds * 1000000;
        return 0;
}

/* Names are of a few ASCII characters only, by the sound naming specification. */
static int sound_parse(const char *text, const char **ret) {
        size_t n = strlen(text);

        for (size_t i = 0; i < n; i++)
                if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
                        n = 0;
        if (n == 0 || n > SOUND_NAME_MAX)
                return complain(EX_USAGE, "--sound '%s': it is a name of the sound theme, or none",
                                text);
        *ret = strcmp(text, "none") == 0 ? NULL : text;
        return 0;
}

int options_parse(int argc, char *argv[], struct options *ret, bool *ret_over) {
        enum { PRIVATE = 0x100, QUIET, QUIET_ALERTS, NIGHT, LOST_AFTER, SOUND, EXEC, TEST, VERSION };
        static const struct option options[] = {
                {"private", optional_argument, NULL, PRIVATE},
                {"quiet", required_argument, NULL, QUIET},
                {"quiet-alerts", no_argument, NULL, QUIET_ALERTS},
                {"night", required_argument, NULL, NIGHT},
                {"lost-after", required_argument, NULL, LOST_AFTER},
                {"sound", required_argument, NULL, SOUND},
                {"exec", required_argument, NULL, EXEC},
                {"test", no_argument, NULL, TEST},
                {"help", no_argument, NULL, 'h'},
                {"version", no_argument, NULL, VERSION},
                {},
        };
        int c, code = 0;

        *ret = (struct options){
                .night = {true, 21 * 60, 8 * 60},
                .lost_after_us = INT64_C(300) * 1000000,
                .sound = "alarm-clock-elapsed",
        };
        *ret_over = true;
        opterr = 0;
        while (code == 0 && (c = getopt_long(argc, argv, ":h", options, NULL)) >= 0)
                switch (c) {
                case PRIVATE:
                        code = privacy_parse(optarg, &ret->privacy);
                        break;
                case QUIET:
                        code = hours_option_parse("--quiet", optarg, &ret->quiet);
                        break;
                case QUIET_ALERTS:
                        ret->quiet_alerts = true;
                        break;
                case NIGHT:
                        code = hours_option_parse("--night", optarg, &ret->night);
                        break;
                case LOST_AFTER:
                        code = seconds_parse(optarg, &ret->lost_after_us);
                        break;
                case SOUND:
                        code = sound_parse(optarg, &ret->sound);
                        break;
                case EXEC:
                        ret->hook = optarg;
                        break;
                case TEST:
                        ret->test = true;
                        break;
                case 'h':
                        help_write(help);
                        return print("");
                case VERSION:
                        return print("cramp-notify " CRAMPD_VERSION "\n");
                case ':':
                        return complain(EX_USAGE, "%s needs a value; see --help", argv[optind - 1]);
                default:
                        return complain(EX_USAGE, "option %s is not understood; see --help",
                                        argv[optind - 1]);
                }
        if (code == 0 && optind < argc)
                code = complain(EX_USAGE, "'%s' is one word too many; see --help", argv[optind]);
        if (code == 0 && ret->quiet_alerts && !ret->quiet.set)
                code = complain(EX_USAGE, "--quiet-alerts needs --quiet");
        *ret_over = code != 0;
        return code;
}
