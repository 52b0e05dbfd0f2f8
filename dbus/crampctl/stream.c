/* SPDX-License-Identifier: MIT */
/*
 * crampctl stream: the samples of a sensor, as they come, for other programs.
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"

#define TIME_PLACES 6

static const char help[] =
        "Usage: crampctl stream [OPTION...] SENSOR\n"
        "\n"
        "Print the samples of a sensor as they come, until Ctrl-C or until the sensor is removed: a "
        "line "
        "of CSV a frame,\n"
        "beginning with its time (s since 1970 UTC) and its number; a jump in the number is a gap. What "
        "a slow reader\n"
        "does not take is left out. SENSOR is an id, an address or a name. With --json, acceleration_mg "
        "and\n"
        "company_percent are what the detector hears besides: the sensor's accelerometer, and the level "
        "over rest of your\n"
        "other sensors; null while it is not known, absent where there is none.\n"
        "\n"
        "Options:\n"
        "      --conditioned      The signal that the detector works on, in microvolts (or the sensor's "
        "own unit), not\n"
        "                         the sensor's counts\n"
        "      --binary           No text: the values alone, little-endian, interleaved; 32-bit "
        "integers, "
        "or floats\n"
        "                         with --conditioned\n" COMMON_OPTIONS_HELP "\n"
        "Examples:\n"
        "  crampctl stream \"left calf\" > night.csv\n"
        "  crampctl stream \"left calf\" --conditioned --json | jq .values\n";

struct printer {
        bool json, conditioned, binary, legend;
        bool headed;
        double rate_hz;
};

struct stream {
        struct printer printer;
        crampd_client *client;
        const char *path; /* of the sensor */
        int fd;
        uint64_t next_index;
};

static void head_print(struct printer *printer, unsigned channels) {
        printer->headed = true;
        if (!printer->legend)
                return;
        fputs("time_s,index", stdout);
        for (unsigned c = 0; c < channels; c++)
                printf(",%s%u", printer->conditioned ? "conditioned" : "count", c + 1);
        fputc('\n', stdout);
}

static void csv_print(struct printer *printer, const struct crampd_samples *samples) {
        if (!printer->headed)
                head_print(printer, samples->channels);
        for (unsigned f = 0; f < samples->frames; f++) {
                double offset_us = printer->rate_hz > 0 ? f * 1e6 / printer->rate_hz : 0;
                int64_t time_us = samples->time_us + (int64_t)offset_us;

                printf("%" PRId64 ".%0*" PRId64 ",%" PRIu64, time_us / 1000000, TIME_PLACES,
                       time_us % 1000000, samples->index + f);
                for (unsigned c = 0; c < samples->channels; c++) {
                        size_t i = (size_t)f * samples->channels + c;

                        if (printer->conditioned)
                                printf(",%.4f", (double)samples->conditioned_uv[i]);
                        else
                                printf(",%" PRId32, samples->counts[i]);
                }
                fputc('\n', stdout);
        }
}

static void beside_print(struct json *json, const struct crampd_samples *samples) {
        bool known = samples->acceleration_mg[0] != CRAMPD_NOT_KNOWN;

        if (samples->has_acceleration && !known)
                json_null(json, "acceleration_mg");
        else if (samples->has_acceleration) {
                json_array_begin(json, "acceleration_mg");
                for (unsigned axis = 0; axis < 3; axis++)
                        json_int(json, NULL, samples->acceleration_mg[axis]);
                json_array_end(json);
        }
        if (samples->has_company && samples->company_percent < 0)
                json_null(json, "company_percent");
        else if (samples->has_company)
                json_int(json, "company_percent", samples->company_percent);
}

static void json_print(const struct printer *printer, const struct crampd_samples *samples) {
        struct json json = JSON_INIT(stdout);

        json_object_begin(&json, NULL);
        json_int(&json, "time_us", samples->time_us);
        json_uint(&json, "index", samples->index);
        json_bool(&json, "after_gap", samples->after_gap);
        json_uint(&json, "channels", samples->channels);
        json_array_begin(&json, "values");
        for (size_t i = 0; i < (size_t)samples->frames * samples->channels; i++)
                if (printer->conditioned)
                        json_double(&json, NULL, (double)samples->conditioned_uv[i], 4);
                else
                        json_int(&json, NULL, samples->counts[i]);
        json_array_end(&json);
        beside_print(&json, samples);
        json_object_end(&json);
        (void)json_finish(&json);
}

static void binary_print(const struct printer *printer, const struct crampd_samples *samples) {
        for (size_t i = 0; i < (size_t)samples->frames * samples->channels; i++) {
                uint32_t bits;

                if (printer->conditioned)
                        memcpy(&bits, &samples->conditioned_uv[i], sizeof(bits));
                else
                        bits = (uint32_t)samples->counts[i];
                bits = htole32(bits);
                (void)fwrite(&bits, sizeof(bits), 1, stdout);
        }
}

static void samples_print(struct printer *printer, const struct crampd_samples *samples) {
        if (printer->binary)
                binary_print(printer, samples);
        else if (printer->json)
                json_print(printer, samples);
        else
                csv_print(printer, samples);
}

/* Text alone tells the time of each frame, for which the rate is needed. */
static int samples_take(struct stream *stream, const struct crampd_samples *samples) {
        struct printer *printer = &stream->printer;
        struct crampd_stream_info info;
        int code;

        /* A stream that begins anew may have another rate. */
        if (!printer->binary && !printer->json &&
            (!(printer->rate_hz > 0) || samples->index < stream->next_index)) {
                code = stream_shape_get(stream->client, stream->path, &info);
                if (code != 0)
                        return code;
                printer->rate_hz = info.rate_hz;
        }
        stream->next_index = samples->index + samples->frames;
        samples_print(printer, samples);
        return 0;
}

static int stream_loop(struct stream *stream) {
        struct crampd_samples samples;
        struct pollfd fds[] = {
                {.fd = stream->fd, .events = POLLIN},
                /* Only to learn that the reader has gone. */
                {.fd = STDOUT_FILENO, .events = 0},
        };
        int code, r;

        for (;;) {
                while ((r = crampd_samples_read(stream->fd, &samples)) > 0) {
                        code = samples_take(stream, &samples);
                        if (code != 0)
                                return code;
                }
                if (fflush(stdout) != 0 || r == 0)
                        return output_finish_stdout();
                if (r != -EAGAIN)
                        return fail(EX_PROTOCOL, "the stream makes no sense: %s", strerror(-r));
                if (poll(fds, 2, -1) < 0 && errno != EINTR)
                        return fail(EX_OSERR, "cannot wait for samples: %s", strerror(errno));
                if (fds[1].revents & (POLLERR | POLLHUP))
                        return 0;
        }
}

static int stream_run(struct printer printer, const char *sensor) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(freep) char *path = NULL;
        struct crampd_stream_info info = {};
        struct crampd_error error = {};
        int code, fd;

        code = sensor_open(sensor, &client, &path);
        if (code != 0)
                return code;
        fd = crampd_open_samples(client, path, &info, &error);
        if (fd < 0)
                return fail_client(fd, &error);
        printer.rate_hz = info.rate_hz;
        code = stream_loop(
                &(struct stream){.printer = printer, .client = client, .path = path, .fd = fd});
        (void)close(fd);
        return code;
}

int verb_stream(const struct global_options *global, int argc, char *argv[]) {
        enum { OPTION_CONDITIONED = OPTION_VERB, OPTION_BINARY };
        static const struct option options[] = {
                COMMON_OPTIONS,
                {"conditioned", no_argument, NULL, OPTION_CONDITIONED},
                {"binary", no_argument, NULL, OPTION_BINARY},
                {},
        };
        struct global_options g = *global;
        struct printer printer = {};
        const char *sensor;
        int c, code;

        while ((c = option_next(&g, argc, argv, ":h", options)) >= 0)
                switch (c) {
                case 'h':
                        return help_print(help);
                case OPTION_CONDITIONED:
                        printer.conditioned = true;
                        break;
                case OPTION_BINARY:
                        printer.binary = true;
                        break;
                default:
                        return EX_USAGE;
                }
        code = operand_sensor(argc, argv, &sensor);
        if (code != 0)
                return code;
        if (printer.binary && g.json)
                return fail(EX_USAGE, "--binary and --json exclude each other");
        if (printer.binary && isatty(STDOUT_FILENO))
                return fail(EX_USAGE, "--binary is not for a terminal; send it into a file or a pipe");
        printer.json = g.json;
        printer.legend = !g.no_legend;
        return stream_run(printer, sensor);
}
