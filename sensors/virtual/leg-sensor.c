/* SPDX-License-Identifier: MIT */
/*
 * leg-sensor: a virtual sensor on a real BlueZ adapter, of the open profile or of a family that people
 * can buy. Plays a recording to the client that subscribes and starts it. For tests, and for people
 * without hardware. Standard output tells what happens, a line each:
 *
 *     READY address XX:XX:XX:XX:XX:XX
 *     STARTED
 *     FINISHED packets=N frames=N dropped=N   (the recording is over)
 *     STOPPED packets=N frames=N dropped=N    (the client has stopped it, or is gone)
 *     IDENTIFY seconds=N
 *
 * With a family, the last numbers are followed by lost=N duplicated=N malformed=N silenced=N: what was
 * done to the packets on purpose.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <systemd/sd-event.h>

#include "config.h"
#include "daemon/basic/cleanup.h"
#include "sensors/muscle.h"
#include "sensors/virtual/open-sensor.h"
#include "sensors/virtual/twin-sensor.h"

/* bluetoothd reads at most so much at once. */
#define PACKET_SIZE_MAX 512u

struct leg_sensor {
        sd_event *event;
        struct open_sensor *open_sensor; /* one of the two */
        struct twin_sensor *twin_sensor;
};

static void help_print(void) {
        (void)printf(
                "leg-sensor [OPTIONS] FILE\n"
                "\n"
                "Plays a recording (EDF, EDF+, BDF, CSV) as a Bluetooth leg sensor would send it, on a\n"
                "Bluetooth adapter of this machine, each time that a client starts it.\n"
                "\n"
                "  --adapter NAME      adapter to be the sensor on (default: hci0)\n"
                "  --name NAME         name to advertise (default: leg-sensor)\n"
                "  --muscle MUSCLE     what the sensor says it is on: gastrocnemius, soleus,\n"
                "                      tibialis-anterior, ... (default: unspecified)\n"
                "  --leg LEG           left, right or unspecified (default)\n"
                "  --rate HZ           for a CSV without a time column\n"
                "  --loop              begin again at the end, as one endless stream\n"
                "  --mtu-payload N     bytes of a notification, %u to %u, if the link carries them\n"
                "                      (default: %u)\n"
                "  --family NAME       to be a sensor of this family, with packets as it sends them:\n"
                "                      anr-m40, bitalino, ganglion, gforce, myo, myoware, nordic-text,\n"
                "                      npg-lite, umyo, umyo-advert (default: crampd's open profile)\n"
                "  --variant NAME      npg-lite: 3ch, 6ch, band, idf; umyo: s2, s1, short, tagged;\n"
                "                      gforce: 12-bit, 8-bit, fragments; ganglion: fw3, fw2;\n"
                "                      nordic-text: lines, stream\n"
                "  --fault LIST        of a family's packets, with commas: loss=P, duplicate=P,\n"
                "                      malformed=P, silence-after=S:FOR, drop-after=S, "
                "battery=PERCENT,\n"
                "                      early, slow-answers=MS; while it runs by lines on standard "
                "input:\n"
                "                      drop, silence S, loss P, ...\n"
                "  --seed N            for other faults of the same kind (default: 1)\n"
                "  --help\n"
                "  --version\n"
                "\n"
                "Standard output tells READY address ..., STARTED, FINISHED, STOPPED, IDENTIFY.\n"
                "Ends with SIGTERM or SIGINT. The profile is described in sensors/PROFILE.md.\n",
                OPEN_PROFILE_PACKET_MIN, PACKET_SIZE_MAX, PLAYER_PACKET_SIZE);
}

/* Returns EX_OK or EX_USAGE. */
static int code_parse(const char *option, int code, uint8_t *ret) {
        if (code < 0) {
                (void)fprintf(stderr,
                              "leg-sensor: %s: not in the list, see --help and sensors/PROFILE.md\n",
                              option);
                return EX_USAGE;
        }
        *ret = (uint8_t)code;
        return EX_OK;
}

static int number_parse(const char *option, const char *text, double min, double max, double *ret) {
        char *end;
        double value = strtod(text, &end);

        if (end == text || *end || !(value >= min && value <= max)) {
                (void)fprintf(stderr, "leg-sensor: %s %s: give a number from %g to %g\n", option, text,
                              min, max);
                return EX_USAGE;
        }
        *ret = value;
        return EX_OK;
}

enum option_code {
        OPTION_ADAPTER = 256,
        OPTION_NAME,
        OPTION_MUSCLE,
        OPTION_LEG,
        OPTION_RATE,
        OPTION_LOOP,
        OPTION_MTU_PAYLOAD,
        OPTION_FAMILY,
        OPTION_VARIANT,
        OPTION_FAULT,
        OPTION_SEED,
        OPTION_HELP,
        OPTION_VERSION,
};

static int adapter_parse(const char *name, const char **ret) {
        if (!name[0] || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") != strlen(name)) {
                (void)fprintf(stderr, "leg-sensor: --adapter %s: give a name such as hci0\n", name);
                return EX_USAGE;
        }
        *ret = name;
        return EX_OK;
}

/* Returns EX_OK, EX_USAGE, or -1 when the program has done what was asked. */
static int option_parse(int code, struct sensor_options *options) {
        double number = options->packet_size;
        int r;

        switch (code) {
        case OPTION_ADAPTER:
                return adapter_parse(optarg, &options->adapter);
        case OPTION_NAME:
                options->name = optarg;
                return EX_OK;
        case OPTION_MUSCLE:
                return code_parse("--muscle", muscle_from_string(optarg), &options->player.muscle);
        case OPTION_LEG:
                return code_parse("--leg", leg_from_string(optarg), &options->player.leg);
        case OPTION_RATE:
                return number_parse("--rate", optarg, OPEN_PROFILE_RATE_MIN_MHZ / 1000,
                                    OPEN_PROFILE_RATE_MAX_MHZ / 1000, &options->player.csv_rate_hz);
        case OPTION_LOOP:
                options->player.loop = true;
                return EX_OK;
        case OPTION_MTU_PAYLOAD:
                r = number_parse("--mtu-payload", optarg, OPEN_PROFILE_PACKET_MIN, PACKET_SIZE_MAX,
                                 &number);
                options->packet_size = (size_t)number;
                return r;
        case OPTION_FAMILY:
                options->family = optarg;
                return EX_OK;
        case OPTION_VARIANT:
                options->variant = optarg;
                return EX_OK;
        case OPTION_FAULT:
                options->faults = optarg;
                return EX_OK;
        case OPTION_SEED:
                r = number_parse("--seed", optarg, 0, UINT32_MAX, &number);
                options->seed = (uint64_t)number;
                return r;
        case OPTION_HELP:
                help_print();
                return -1;
        case OPTION_VERSION:
                (void)printf("leg-sensor %s\n", CRAMPD_VERSION);
                return -1;
        default: /* getopt_long() has said what is wrong */
                return EX_USAGE;
        }
}

static int options_parse(int argc, char *argv[], struct sensor_options *options) {
        static const struct option long_options[] = {
                {"adapter", required_argument, NULL, OPTION_ADAPTER},
                {"name", required_argument, NULL, OPTION_NAME},
                {"muscle", required_argument, NULL, OPTION_MUSCLE},
                {"leg", required_argument, NULL, OPTION_LEG},
                {"rate", required_argument, NULL, OPTION_RATE},
                {"loop", no_argument, NULL, OPTION_LOOP},
                {"mtu-payload", required_argument, NULL, OPTION_MTU_PAYLOAD},
                {"family", required_argument, NULL, OPTION_FAMILY},
                {"variant", required_argument, NULL, OPTION_VARIANT},
                {"fault", required_argument, NULL, OPTION_FAULT},
                {"seed", required_argument, NULL, OPTION_SEED},
                {"help", no_argument, NULL, OPTION_HELP},
                {"version", no_argument, NULL, OPTION_VERSION},
                {},
        };
        int code, r;

        while ((code = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
                r = option_parse(code, options);
                if (r != EX_OK)
                        return r;
        }
        if (optind != argc - 1) {
                (void)fprintf(stderr, "leg-sensor: give one recording, see --help\n");
                return EX_USAGE;
        }
        if (!options->family && (options->variant || options->faults)) {
                (void)fprintf(stderr, "leg-sensor: --variant and --fault need --family\n");
                return EX_USAGE;
        }
        options->player.path = argv[optind];
        return EX_OK;
}

static int exit_code(int r) {
        return r == -ENOENT || r == -EACCES || r == -EISDIR ? EX_NOINPUT
               : r == -EBADMSG                              ? EX_DATAERR
                                                            : EX_OSERR;
}

/* In the loop, as its end closes the bus. */
static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        struct leg_sensor *leg_sensor = userdata;

        leg_sensor->open_sensor = open_sensor_free(leg_sensor->open_sensor);
        leg_sensor->twin_sensor = twin_sensor_free(leg_sensor->twin_sensor);
        return sd_event_exit(leg_sensor->event, EX_OK);
}

static int signals_watch(struct leg_sensor *leg_sensor) {
        sigset_t mask;
        int r;

        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGTERM);
        (void)sigaddset(&mask, SIGINT);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        r = sd_event_add_signal(leg_sensor->event, NULL, SIGTERM, on_terminate, leg_sensor);
        return r < 0 ? r
                     : sd_event_add_signal(leg_sensor->event, NULL, SIGINT, on_terminate, leg_sensor);
}

/* Returns an exit code. */
static int leg_sensor_run(struct leg_sensor *leg_sensor, const struct sensor_options *options,
                          struct player *player) {
        _cleanup_(freep) char *error = NULL;
        int r;

        r = signals_watch(leg_sensor);
        if (r < 0)
                return EX_OSERR;
        if (options->family)
                r = twin_sensor_new(leg_sensor->event, options, player, &leg_sensor->twin_sensor,
                                    &error);
        else
                r = open_sensor_new(leg_sensor->event, options, player, &leg_sensor->open_sensor,
                                    &error);
        if (r < 0) {
                (void)fprintf(stderr, "leg-sensor: %s\n", error ? error : strerror(-r));
                return r == -EINVAL || r == -ENOENT ? EX_USAGE : EX_UNAVAILABLE;
        }

        r = sd_event_loop(leg_sensor->event);
        return r < 0 ? EX_OSERR : r;
}

int main(int argc, char *argv[]) {
        struct sensor_options options = {
                .adapter = "hci0", .packet_size = PLAYER_PACKET_SIZE, .seed = 1};
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(player_freep) struct player *player = NULL;
        struct leg_sensor leg_sensor = {};
        struct recording_error error = {};
        int r;

        r = options_parse(argc, argv, &options);
        if (r != EX_OK)
                return r < 0 ? EX_OK : r;

        r = player_new(&options.player, &player, &error);
        if (r < 0) {
                (void)fprintf(stderr, "leg-sensor: %s\n", error.text);
                return exit_code(r);
        }
        if (player_notice(player))
                (void)fprintf(stderr, "leg-sensor: %s: %s\n", options.player.path,
                              player_notice(player));

        r = sd_event_new(&event);
        if (r < 0)
                return EX_OSERR;
        leg_sensor.event = event;
        r = leg_sensor_run(&leg_sensor, &options, player);
        open_sensor_free(leg_sensor.open_sensor);
        twin_sensor_free(leg_sensor.twin_sensor);
        return r;
}
