/* SPDX-License-Identifier: MIT */
/*
 * crampctl calibrate: tells the wearer when to rest and when to flex, shows the level meanwhile, and
 * what was measured. Owns what is said and drawn; crampd measures.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/wait.h"
#include "dbus/crampctl/words.h"

/* How long crampd may be silent: a sensor that stops sending is told of sooner. */
#define PATIENCE_MS 15000
#define BAR_CELLS 30
/* The bar's full length: from rest, so many times rest. The calf's bursts of gait reach 20. */
#define BAR_RATIO 32.0
#define LINE_ERASE "\r\033[K"
#define WORD_SIZE 16

static const char help[] =
        "Usage: crampctl calibrate [OPTION...] SENSOR\n"
        "\n"
        "Measure what SENSOR shows at rest and when you flex as hard as you can. Wear it as at night. "
        "You are told what to\n"
        "do: first lie still, then flex the muscle under the sensor three times against something that "
        "does not give, with\n"
        "pauses between. Levels are then also shown in percent of your strongest flexing (% MVC), and "
        "where a stream begins\n"
        "at about the same rest, crampd watches it from its first second. No alert comes of the "
        "flexing. It is optional, it\n"
        "is yours alone, and electrodes that moved make it old: 'crampctl sensors' tells. SENSOR is an "
        "id, an address or a name.\n"
        "\n"
        "Options:\n"
        "      --rest=S           Rest for so many seconds (5-120, default: 20)\n"
        "      --tries=N          So many tries (1-5, default: 3)\n"
        "      --flex=S           Of so many seconds each (2-10, default: 4)\n"
        "      --pause=S          Before each try and after the last (2-120, default: 5)\n"
        "      --forget           Take the calibration back\n" COMMON_OPTIONS_HELP "\n"
        "Examples:\n"
        "  crampctl calibrate \"left calf\"\n"
        "  crampctl calibrate --rest 30 --tries 2 \"left calf\"\n"
        "  crampctl calibrate --forget \"left calf\"\n";

struct calibrate {
        struct crampd_calibration_options plan;
        bool json, live;
        bool drawn; /* a line that is redrawn stands there */
        bool over;
        char phase[WORD_SIZE];
        unsigned attempt;
        char result[WORD_SIZE];
        char reason[256];
        int64_t heard_ms;
};

/* --- what is said --- */

static void line_clear(struct calibrate *calibrate) {
        if (calibrate->drawn)
                fputs(LINE_ERASE, stdout);
        calibrate->drawn = false;
}

static void prompt_print(struct calibrate *calibrate, const struct crampd_calibration *now) {
        unsigned tries = calibrate->plan.tries;

        line_clear(calibrate);
        if (strcmp(now->phase, "rest") == 0)
                printf(_("Rest: let the leg lie loose and do not move (%u s).\n"),
                       calibrate->plan.rest_s);
        else if (strcmp(now->phase, "ready") == 0)
                printf(_("Get ready for try %u of %u, in %u s.\n"), now->attempt, tries,
                       calibrate->plan.pause_s);
        else if (strcmp(now->phase, "flex") == 0)
                printf(_("FLEX as hard as you can, and hold (try %u of %u, %u s).\n"), now->attempt,
                       tries, calibrate->plan.flex_s);
        else if (strcmp(now->phase, "relax") == 0)
                puts(_("Let go and rest."));
        (void)fflush(stdout);
}

static void number_with_unit(double value, bool arbitrary, char *buffer, size_t size) {
        char number[TEXT_NUMBER_SIZE];

        words_number(value, value < 100 ? 1 : 0, number);
        (void)snprintf(buffer, size, "%s%s", number[0] ? number : "-", arbitrary ? "" : " uV");
}

static void level_draw(struct calibrate *calibrate, const struct crampd_calibration *now) {
        double ratio = now->level_uv / now->channel_rest_uv;
        int cells = isfinite(ratio) && ratio > 1 ? (int)(log(ratio) / log(BAR_RATIO) * BAR_CELLS) : 0;
        char level[TEXT_NUMBER_SIZE + 8];

        if (cells > BAR_CELLS)
                cells = BAR_CELLS;
        number_with_unit(now->level_uv, now->arbitrary_unit, level, sizeof(level));
        printf(LINE_ERASE "  %3.0f s  [", ceil(now->left_s));
        for (int i = 0; i < BAR_CELLS; i++)
                fputs(i < cells ? (text_is_utf8() ? "█" : "#") : " ", stdout);
        printf("] %s", level);
        if (isfinite(ratio))
                printf(", x%.1f", ratio);
        (void)fflush(stdout);
        calibrate->drawn = true;
}

static void json_channels(struct json *json, const char *key, const struct crampd_channels *channels) {
        json_array_begin(json, key);
        for (size_t i = 0; i < channels->n; i++)
                json_double(json, NULL, channels->values[i] > 0 ? channels->values[i] : (double)NAN, 2);
        json_array_end(json);
}

static void json_print(const struct crampd_calibration *now) {
        struct json json = JSON_INIT(stdout);

        json_object_begin(&json, NULL);
        if (now->phase) {
                json_string(&json, "type", "progress");
                json_string(&json, "phase", now->phase);
                json_uint(&json, "try", now->attempt);
                json_double(&json, "left_s", now->left_s, 2);
                json_uint(&json, "channel", now->channel);
                json_double(&json, "level_uv", now->level_uv, 2);
                json_double(&json, "rest_uv", now->channel_rest_uv, 2);
                json_double(&json, "highest_uv", now->highest_uv, 2);
                json_bool(&json, "arbitrary_unit", now->arbitrary_unit);
        } else {
                json_string(&json, "type", "ended");
                json_string(&json, "result", now->result);
                json_string(&json, "reason", now->reason);
                if (now->calibrated_us == CRAMPD_NO_TIME)
                        json_null(&json, "calibrated_us");
                else
                        json_int(&json, "calibrated_us", now->calibrated_us);
                json_channels(&json, "rest_uv", &now->rest_uv);
                json_channels(&json, "mvc_uv", &now->mvc_uv);
                json_bool(&json, "arbitrary_unit", now->arbitrary_unit);
        }
        json_object_end(&json);
        (void)json_finish(&json);
        (void)fflush(stdout);
}

static void outcome_print(const struct crampd_calibration *end) {
        for (size_t i = 0; i < end->rest_uv.n; i++) {
                char rest[TEXT_NUMBER_SIZE + 8], mvc[TEXT_NUMBER_SIZE + 8];

                if (!(end->rest_uv.values[i] > 0)) {
                        printf(_("Channel %zu: not calibrated, it showed no rest or did not rise.\n"),
                               i + 1);
                        continue;
                }
                number_with_unit(end->rest_uv.values[i], end->arbitrary_unit, rest, sizeof(rest));
                number_with_unit(end->mvc_uv.values[i], end->arbitrary_unit, mvc, sizeof(mvc));
                printf(_("Channel %zu: rest %s, strongest flexing (MVC) %s, %.0f times rest.\n"), i + 1,
                       rest, mvc, end->mvc_uv.values[i] / end->rest_uv.values[i]);
        }
}

static void on_calibration(const struct crampd_calibration *now, void *userdata) {
        struct calibrate *calibrate = userdata;

        calibrate->heard_ms = clock_ms();
        if (calibrate->json)
                json_print(now);
        if (!now->phase) {
                line_clear(calibrate);
                if (!calibrate->json && strcmp(now->result, "done") == 0)
                        outcome_print(now);
                (void)snprintf(calibrate->result, sizeof(calibrate->result), "%s", now->result);
                (void)snprintf(calibrate->reason, sizeof(calibrate->reason), "%s", now->reason);
                calibrate->over = true;
                return;
        }
        if (calibrate->json)
                return;
        if (strcmp(now->phase, calibrate->phase) != 0 || now->attempt != calibrate->attempt) {
                prompt_print(calibrate, now);
                (void)snprintf(calibrate->phase, sizeof(calibrate->phase), "%s", now->phase);
                calibrate->attempt = now->attempt;
        }
        if (calibrate->live && isfinite(now->level_uv))
                level_draw(calibrate, now);
}

/* --- running --- */

static int calibrate_wait(const struct calibrate *calibrate, crampd_client *client, int signal_fd) {
        struct pollfd fds[] = {
                {.fd = crampd_client_get_fd(client), .events = crampd_client_get_events(client)},
                {.fd = signal_fd, .events = POLLIN},
        };
        int64_t wait_ms = calibrate->heard_ms + PATIENCE_MS - clock_ms();

        if (poll(fds, ARRAY_LENGTH(fds), wait_ms > 0 ? (int)wait_ms : 0) < 0 && errno != EINTR)
                return -errno;
        return fds[1].revents ? 1 : 0;
}

static int calibrate_finish(const struct calibrate *calibrate) {
        const struct words_sentence sentence = words_of_sentence(calibrate->reason);
        const char *result = calibrate->result, *reason = sentence.text;

        if (strcmp(result, "done") == 0)
                return output_finish_stdout();
        if (strcmp(result, "poor-signal") == 0 || strcmp(result, "not-above-rest") == 0)
                return fail(EX_DATAERR, "nothing was kept: %s", reason);
        if (strcmp(result, "signal-lost") == 0)
                return fail(EX_UNAVAILABLE, "nothing was kept: %s", reason);
        if (strcmp(result, "store-failed") == 0)
                return fail(EX_IOERR, "nothing was kept: %s", reason);
        return fail(EX_TEMPFAIL, "nothing was kept: %s", reason);
}

static int calibrate_loop(struct calibrate *calibrate, crampd_client *client, int signal_fd) {
        int r = 0;

        while (!calibrate->over && r == 0 && !ferror(stdout) &&
               clock_ms() < calibrate->heard_ms + PATIENCE_MS) {
                if (crampd_client_dispatch(client) < 0)
                        return fail(EX_UNAVAILABLE, "nothing was kept: the system bus has gone");
                if (!calibrate->over)
                        r = calibrate_wait(calibrate, client, signal_fd);
        }
        line_clear(calibrate);
        if (calibrate->over)
                return calibrate_finish(calibrate);
        (void)crampd_stop_calibration(client, NULL);
        if (r < 0)
                return fail(EX_OSERR, "cannot wait for events: %s", strerror(-r));
        if (ferror(stdout))
                return output_finish_stdout();
        return r > 0 ? fail(EX_TEMPFAIL, "nothing was kept: it was interrupted")
                     : fail(EX_UNAVAILABLE,
                            "nothing was kept: crampd, or the sensor, has fallen silent");
}

static int calibrate_run(struct calibrate *calibrate, const char *sensor) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(freep) char *path = NULL;
        struct crampd_error error = {};
        int code, r, signal_fd;

        signal_fd = signals_open(/* with_screen= */ false);
        if (signal_fd < 0)
                return fail(EX_OSERR, "cannot receive signals: %s", strerror(-signal_fd));
        code = sensor_open(sensor, &client, &path);
        if (code == 0) {
                calibrate->heard_ms = clock_ms();
                r = crampd_start_calibration(client, path, &calibrate->plan, on_calibration, calibrate,
                                             &error);
                code = r < 0 ? fail_client(r, &error) : 0;
        }
        if (code == 0)
                code = calibrate_loop(calibrate, client, signal_fd);
        (void)close(signal_fd);
        return code;
}

static int forget_run(const struct global_options *global, const char *sensor) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(freep) char *path = NULL;
        struct crampd_error error = {};
        int code, r;

        code = sensor_open(sensor, &client, &path);
        if (code != 0)
                return code;
        r = crampd_forget_calibration(client, path, &error);
        if (r < 0)
                return fail_client(r, &error);
        if (!global->json && !global->no_legend)
                puts(_("Forgotten: the sensor is not calibrated."));
        return output_finish_stdout();
}

static int number_parse(const char *option, const char *text, unsigned least, unsigned most,
                        unsigned *ret) {
        char *end;
        unsigned long value;

        errno = 0;
        value = strtoul(text, &end, 10);
        if (errno != 0 || text[0] < '0' || text[0] > '9' || *end || value < least || value > most)
                return fail(EX_USAGE, "%s takes a whole number from %u to %u", option, least, most);
        *ret = (unsigned)value;
        return 0;
}

int verb_calibrate(const struct global_options *global, int argc, char *argv[]) {
        enum { OPTION_REST = OPTION_VERB, OPTION_TRIES, OPTION_FLEX, OPTION_PAUSE, OPTION_FORGET };
        static const struct option options[] = {
                COMMON_OPTIONS,
                {"rest", required_argument, NULL, OPTION_REST},
                {"tries", required_argument, NULL, OPTION_TRIES},
                {"flex", required_argument, NULL, OPTION_FLEX},
                {"pause", required_argument, NULL, OPTION_PAUSE},
                {"forget", no_argument, NULL, OPTION_FORGET},
                {},
        };
        struct global_options g = *global;
        struct calibrate calibrate = {};
        bool forget = false;
        const char *sensor;
        int c, code = 0;

        while (code == 0 && (c = option_next(&g, argc, argv, ":h", options)) >= 0)
                switch (c) {
                case 'h':
                        return help_print(help);
                case OPTION_REST:
                        code = number_parse("--rest", optarg, 5, 120, &calibrate.plan.rest_s);
                        break;
                case OPTION_TRIES:
                        code = number_parse("--tries", optarg, 1, 5, &calibrate.plan.tries);
                        break;
                case OPTION_FLEX:
                        code = number_parse("--flex", optarg, 2, 10, &calibrate.plan.flex_s);
                        break;
                case OPTION_PAUSE:
                        code = number_parse("--pause", optarg, 2, 120, &calibrate.plan.pause_s);
                        break;
                case OPTION_FORGET:
                        forget = true;
                        break;
                default:
                        return EX_USAGE;
                }
        if (code == 0)
                code = operand_sensor(argc, argv, &sensor);
        if (code != 0)
                return code;
        if (forget)
                return forget_run(&g, sensor);
        calibrate.json = g.json;
        calibrate.live = !g.json && isatty(STDOUT_FILENO);
        return calibrate_run(&calibrate, sensor);
}
