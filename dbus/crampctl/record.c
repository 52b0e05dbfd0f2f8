/* SPDX-License-Identifier: MIT */
/*
 * crampctl record: a live sensor into EDF+ files, through the stream that crampd hands out.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/recorder.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/wait.h"
#include "dbus/crampctl/words.h"
#include "sensors/recording/edf-writer.h"

#define LINE_INTERVAL_MS 1000
/* Between tries to get a stream back that has ended. */
#define RETRY_MS 1000
/* A day times ten: nobody means more. */
#define DURATION_MAX_S 864000u

static const char help[] =
        "Usage: crampctl record [OPTION...] -o FILE SENSOR\n"
        "\n"
        "Record the sensor's own samples as EDF+ until Ctrl-C, or as long as told. SENSOR is an id, an "
        "address or a name.\n"
        "Alerts are annotated. Gaps of up to 10 s are held and annotated; a longer one begins another "
        "file. What the\n"
        "detector hears besides has signals of its own: ACC X, ACC Y, ACC Z (g) of a sensor with an "
        "accelerometer, and\n"
        "\"Other sensors\" (%, level over rest) if you have several; their lowest value stands for "
        "\"not known\". 'crampctl\n"
        "analyze' finds the same cramps in it. At 1000 Hz, 8 hours of a signal are 58 MB.\n"
        "\n"
        "Options:\n"
        "  -o, --output=FILE      NAME.edf, or NAME.bdf for 24 bits (taken by itself where 16 are too "
        "few); further files\n"
        "                         become NAME-2.edf and so on. Anything else is a folder, which is "
        "created, for files\n"
        "                         named by the time of their start\n"
        "      --duration=TIME    End after so much signal: 90s, 30m, 8h\n"
        "      --force            Replace NAME.edf if it exists\n"
        "      --json             At the end one JSON object that tells what was written\n"
        "      --no-legend        Leave out remarks\n" MORE_OPTIONS_HELP "\n"
        "A file is whole once crampctl has ended it. Of one that was cut off (power, kill -9), "
        "'crampctl "
        "analyze' says how\n"
        "to save what was written up to the last half minute, without the annotations.\n"
        "\n"
        "Examples:\n"
        "  crampctl record \"left calf\" -o night.edf --duration 8h\n"
        "  crampctl record \"left calf\" -o nights/\n";

struct record {
        crampd_client *client;
        struct recorder *recorder;
        char *path; /* of the sensor */
        int fd;     /* of the stream; -1 while there is none */
        int signal_fd;
        struct crampd_stream_info info;
        uint64_t limit_us; /* 0 = none */
        int64_t retry_ms;
        bool line; /* a line of progress on the terminal */
        int64_t line_ms;
        bool quit;
};

static void recorder_freep(struct recorder **recorder) {
        recorder_free(*recorder);
}

/* --- what is told --- */

static void line_clear(struct record *record) {
        if (record->line)
                fputs("\r\033[K", stderr);
}

static void line_draw(struct record *record) {
        struct recorder_figures figures;
        char clock[32];
        uint64_t s;

        if (!record->line || clock_ms() < record->line_ms + LINE_INTERVAL_MS)
                return;
        record->line_ms = clock_ms();
        recorder_get_figures(record->recorder, &figures);
        s = figures.length_us / 1000000;
        (void)snprintf(clock, sizeof(clock), "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600,
                       s / 60 % 60, s % 60);
        line_clear(record);
        if (figures.frames == 0)
                fputs(_("waiting for the sensor"), stderr);
        else
                fprintf(stderr, figures.gaps == 1 ? _("%s recorded, %u gap") : _("%s recorded, %u gaps"),
                        clock, (unsigned)figures.gaps);
        (void)fflush(stderr);
}

static void result_print_json(const struct recorder_figures *figures) {
        struct json json = JSON_INIT(stdout);

        json_object_begin(&json, NULL);
        json_string(&json, "file", figures->path);
        json_uint(&json, "files", figures->files);
        json_double(&json, "length_s", (double)figures->length_us / 1e6, 6);
        json_uint(&json, "frames", figures->frames);
        json_uint(&json, "gaps", figures->gaps);
        json_uint(&json, "clamped", figures->clamped);
        json_object_end(&json);
        (void)json_finish(&json);
}

static void result_print_text(const struct recorder_figures *figures) {
        unsigned gaps = (unsigned)figures->gaps;

        text_write(stdout, figures->path);
        printf("%s: ", figures->files > 1 ? _(" and those before it") : "");
        printf(figures->files == 1 ? _("%s s in %u file") : _("%s s in %u files"),
               words_figure((double)figures->length_us / 1e6, 1).text, figures->files);
        fputs(", ", stdout);
        printf(gaps == 1 ? _("%u gap") : _("%u gaps"), gaps);
        fputc('\n', stdout);
        if (figures->clamped == 1)
                puts(_("1 value was beyond 24 bits and is told as the highest."));
        else if (figures->clamped > 0)
                printf(_("%llu values were beyond 24 bits and are told as the highest.\n"),
                       (unsigned long long)figures->clamped);
}

static int result_print(const struct record *record, const struct global_options *global) {
        struct recorder_figures figures;

        recorder_get_figures(record->recorder, &figures);
        if (figures.frames == 0)
                return fail(EX_UNAVAILABLE, "nothing came from the sensor, so nothing was written; "
                                            "'crampctl sensors' tells how it is");
        if (global->json)
                result_print_json(&figures);
        else if (!global->no_legend)
                result_print_text(&figures);
        return output_finish_stdout();
}

/* --- alerts --- */

static void event_take(const struct crampd_event *event, void *userdata) {
        struct record *record = userdata;
        const struct crampd_episode *episode = &event->episode;
        char text[EDF_WRITER_TEXT_MAX + 1];

        if (event->type == CRAMPD_SERVICE_BACK)
                record->retry_ms = 0;
        if (!event->sensor_path || strcmp(event->sensor_path, record->path) != 0)
                return;
        if (event->type == CRAMPD_ALERT_RAISED && !event->repeated) {
                (void)snprintf(text, sizeof(text), "Alert: %s", episode->severity);
                recorder_annotate(record->recorder, episode->alert_us, -1, text);
        } else if (event->type == CRAMPD_ALERT_ENDED && episode->end_us != CRAMPD_NO_TIME)
                recorder_annotate(record->recorder, episode->onset_us,
                                  episode->end_us - episode->onset_us, "Cramp");
}

/* --- the stream --- */

/* -ENOTCONN while crampd is not there. */
static int stream_open(struct record *record, struct crampd_error *error) {
        int fd = crampd_open_samples(record->client, record->path, &record->info, error);

        if (fd < 0)
                return fd;
        record->fd = fd;
        return 0;
}

static int samples_take(struct record *record, const struct crampd_samples *samples,
                        uint64_t *next_index) {
        struct recorder_figures figures;
        int code = 0;

        /* A night that begins anew may have another shape. */
        if (!(record->info.rate_hz > 0) || samples->index < *next_index)
                code = stream_shape_get(record->client, record->path, &record->info);
        *next_index = samples->index + samples->frames;
        if (code == 0)
                code = recorder_push(record->recorder, samples, &record->info);
        recorder_get_figures(record->recorder, &figures);
        if (record->limit_us > 0 && figures.length_us >= record->limit_us)
                record->quit = true;
        return code;
}

/* As much as waits. */
static int stream_read(struct record *record, uint64_t *next_index) {
        struct crampd_samples samples;
        int code = 0, r = -EAGAIN;

        while (code == 0 && !record->quit && record->fd >= 0 &&
               (r = crampd_samples_read(record->fd, &samples)) > 0)
                code = samples_take(record, &samples, next_index);
        if (code != 0 || record->quit || r == -EAGAIN)
                return code;
        if (r < 0)
                return fail(EX_PROTOCOL, "the stream makes no sense: %s", strerror(-r));
        /* Its end: the sensor or crampd is gone, for good or not. */
        (void)close(record->fd);
        record->fd = -1;
        record->retry_ms = 0;
        return 0;
}

static int stream_retry(struct record *record) {
        struct crampd_error error = {};
        int r;

        if (record->fd >= 0 || clock_ms() < record->retry_ms)
                return 0;
        record->retry_ms = clock_ms() + RETRY_MS;
        r = stream_open(record, &error);
        if (r >= 0 || r == -ENOTCONN || r == -ETIMEDOUT)
                return 0;
        /* It was removed: what there is was all. */
        record->quit = true;
        return r == -ENOENT || r == -EPROTO || r == -EACCES || r == -EIO ? 0 : fail_client(r, &error);
}

static void signals_take(struct record *record) {
        struct signalfd_siginfo info;

        while (read(record->signal_fd, &info, sizeof(info)) == sizeof(info))
                record->quit = true;
}

static int record_wait(struct record *record) {
        struct pollfd fds[] = {
                {.fd = record->signal_fd, .events = POLLIN},
                {.fd = crampd_client_get_fd(record->client),
                 .events = crampd_client_get_events(record->client)},
                {.fd = record->fd, .events = POLLIN}, /* -1 is passed over */
        };
        int limit_ms = record->line || record->fd < 0 ? RETRY_MS : -1;

        return poll(fds, 3, limit_ms) < 0 && errno != EINTR
                       ? fail(EX_OSERR, "cannot wait for samples: %s", strerror(errno))
                       : 0;
}

static int record_loop(struct record *record) {
        uint64_t next_index = 0;
        int code = 0;

        while (code == 0 && !record->quit) {
                if (crampd_client_dispatch(record->client) < 0)
                        return fail(EX_UNAVAILABLE, "the system bus has gone");
                code = stream_read(record, &next_index);
                if (code == 0)
                        code = stream_retry(record);
                signals_take(record);
                line_draw(record);
                if (code == 0 && !record->quit)
                        code = record_wait(record);
        }
        /* An alert that came together with the end is told, too. */
        (void)crampd_client_dispatch(record->client);
        return code;
}

struct record_arguments {
        struct global_options global;
        const char *output, *sensor;
        uint64_t limit_us;
        bool force;
};

static int record_run(struct record *record, const struct record_arguments *arguments) {
        _cleanup_(recorder_freep) struct recorder *recorder = NULL;
        struct crampd_error error = {};
        char text[64];
        int code, finished, r;

        code = sensor_open(arguments->sensor, &record->client, &record->path);
        if (code != 0)
                return code;
        (void)snprintf(text, sizeof(text), "sensor %.40s", strrchr(record->path, '/') + 1);
        code = recorder_new(&(struct recorder_setup){.path = arguments->output,
                                                     .force = arguments->force,
                                                     .text = text},
                            &recorder);
        if (code != 0)
                return code;
        record->recorder = recorder;
        r = stream_open(record, &error);
        if (r >= 0)
                r = crampd_subscribe(record->client, event_take, record, &error);
        if (r < 0)
                return fail_client(r, &error);
        code = record_loop(record);
        line_clear(record);
        /* What was recorded is kept, whatever has gone wrong. */
        finished = recorder_finish(recorder);
        if (code == 0)
                code = finished;
        return code == 0 ? result_print(record, &arguments->global) : code;
}

/* "90s", "30m", "8h". */
static int duration_parse(const char *text, uint64_t *ret_us) {
        char *end;
        unsigned long number = strtoul(text, &end, 10), unit;

        unit = strcmp(end, "s") == 0 ? 1 : strcmp(end, "m") == 0 ? 60 : strcmp(end, "h") == 0 ? 3600 : 0;
        if (end == text || text[0] < '0' || text[0] > '9' || unit == 0 || number == 0 ||
            number > DURATION_MAX_S / unit)
                return fail(EX_USAGE, "--duration does not understand '%s'; write 90s, 30m or 8h", text);
        *ret_us = (uint64_t)number * unit * 1000000;
        return 0;
}

int verb_record(const struct global_options *global, int argc, char *argv[]) {
        enum { OPTION_DURATION = OPTION_VERB, OPTION_FORCE };
        static const struct option options[] = {
                COMMON_OPTIONS,
                {"output", required_argument, NULL, 'o'},
                {"duration", required_argument, NULL, OPTION_DURATION},
                {"force", no_argument, NULL, OPTION_FORCE},
                {},
        };
        struct record_arguments arguments = {.global = *global};
        struct record record = {.fd = -1, .line = isatty(STDERR_FILENO)};
        int c, code;

        while ((c = option_next(&arguments.global, argc, argv, ":ho:", options)) >= 0)
                switch (c) {
                case 'h':
                        return help_print(help);
                case 'o':
                        arguments.output = optarg;
                        break;
                case OPTION_DURATION:
                        code = duration_parse(optarg, &arguments.limit_us);
                        if (code != 0)
                                return code;
                        break;
                case OPTION_FORCE:
                        arguments.force = true;
                        break;
                default:
                        return EX_USAGE;
                }
        code = operand_sensor(argc, argv, &arguments.sensor);
        if (code != 0)
                return code;
        if (!arguments.output || !arguments.output[0] || strcmp(arguments.output, "-") == 0)
                return fail(EX_USAGE, "where to? Give -o night.edf, or a folder");
        record.limit_us = arguments.limit_us;
        /* From the start, so that no file is left half done by a signal. */
        record.signal_fd = signals_open(/* with_stop= */ false);
        if (record.signal_fd < 0)
                return fail(EX_OSERR, "cannot receive signals: %s", strerror(-record.signal_fd));
        code = record_run(&record, &arguments);
        if (record.fd >= 0)
                (void)close(record.fd);
        (void)close(record.signal_fd);
        (void)crampd_client_free(record.client);
        free(record.path);
        return code;
}
