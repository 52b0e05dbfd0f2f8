/* SPDX-License-Identifier: MIT */
/*
 * crampctl analyze: the detector over recordings on disk. Needs the detector and the readers of
 * recordings, no daemon.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/basic/cleanup.h"
#include "daemon/detector/detector.h"
#include "dbus/crampctl/feed.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/progress.h"
#include "dbus/crampctl/settings.h"
#include "dbus/crampctl/table.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/words.h"
#include "sensors/recording/decimal.h"
#include "sensors/recording/recording.h"

/* Counts that are read at once. */
#define BLOCK_COUNTS (64u * 1024u)

/* A muscle signal that never reaches this was read in the wrong unit, or came from no muscle: the noise
 * on a dead electrode alone is 1.3 uV RMS (measured in the recordings of da Silva et al. 2024). */
#define PLAUSIBLE_PEAK_UV 10.0

static const char help[] =
        "Usage: crampctl analyze [OPTION...] FILE...\n"
        "\n"
        "Look for cramps in recordings (EDF, EDF+, BDF, BDF+, CSV) as crampd would have\n"
        "done. The chosen channels of a file count as one sensor. Times are from the\n"
        "first sample on.\n"
        "\n"
        "Options:\n"
        "  -c, --channel N|LABEL  Take this channel; may be repeated. N counts from 1,\n"
        "                         a time column left aside (default: all in uV, mV, V)\n"
        "  -r, --rate HZ          Samples per second of a CSV file without time column\n"
        "  -u, --unit UNIT        uV, mV, V or counts: unit of CSV columns whose names\n"
        "                         do not tell it\n"
        "      --sensitivity STEP low, normal (the default) or high: how much evidence\n"
        "                         an alert takes\n" COMMON_OPTIONS_HELP "\n"
        "A CSV file has a header row, and commas, semicolons or tabs between columns. A\n"
        "column's name may end in its unit: GM_uV, \"GM (mV)\". Columns in uV, mV or V are\n"
        "taken; if there are none, those without a unit, as uV. ACCX_g, ACCY_g, ACCZ_g (or\n"
        "signals ACC X, ACC Y, ACC Z in g) are an accelerometer on the limb: while it\n"
        "moves, nothing is taken for a cramp. A signal \"Other sensors\" in % is what\n"
        "'crampctl record' writes of those that were worn, too. A column time_s (or\n"
        "time_ms, time_us) gives the rate and the gaps; with --rate it is not looked at.\n"
        "The names of what is left out go to standard error.\n"
        "\n"
        "--json prints one line for each alerted cramp: file, channel, onset_s, alert_s,\n"
        "end_s (null if the recording ends first), end_reason, severity, peak_uv (null\n"
        "if the unit is unknown), median_hz (null if unknown), confidence (0 to 1).\n"
        "\n"
        "The exit code is 0 also if there is no cramp, 65 if a file cannot be used, 66\n"
        "if it cannot be opened; the other files are analyzed all the same.\n"
        "\n"
        "Examples:\n"
        "  crampctl analyze night.edf\n"
        "  crampctl analyze --channel GM --channel GL night.bdf\n"
        "  crampctl analyze --json --rate 1000 --unit mV night.csv\n";

static const struct column columns[] = {
        {N_("ONSET"), true},  {N_("ALERT"), true},      {N_("DURATION"), true}, {N_("PEAK"), true},
        {N_("MEDIAN"), true}, {N_("CONFIDENCE"), true}, {N_("SEVERITY")},       {N_("CHANNEL")},
};

DEFINE_CLEANUP(struct detector *, detector_free)
DEFINE_CLEANUP(struct recording *, recording_free)
DEFINE_CLEANUP(struct table *, table_free)

struct request {
        struct global_options global;
        struct recording_options options;
        enum detector_sensitivity sensitivity;
        bool several; /* files */
};

/* One file on its way through the detector. */
struct analysis {
        const char *path;
        const struct recording *recording;
        struct progress progress;
        struct table *table; /* NULL: JSON */
        size_t episodes;
};

static double index_seconds(const struct analysis *analysis, uint64_t index) {
        return (double)index * 1000.0 / recording_rate_mhz(analysis->recording);
}

static void episode_print_json(const struct analysis *analysis, const struct detector_event *event) {
        const struct recording_channel *channel = recording_channel(analysis->recording, event->channel);
        struct json json = JSON_INIT(stdout);

        json_object_begin(&json, NULL);
        json_string(&json, "file", analysis->path);
        json_string(&json, "channel", channel->label);
        json_double(&json, "onset_s", index_seconds(analysis, event->onset_index), 6);
        json_double(&json, "alert_s", index_seconds(analysis, event->alert_index), 6);
        json_double(&json, "end_s",
                    event->end_reason == DETECTOR_END_STREAM_END
                            ? NAN
                            : index_seconds(analysis, event->end_index),
                    6);
        json_string(&json, "end_reason", detector_end_reason_to_string(event->end_reason));
        json_string(&json, "severity", detector_severity_to_string(event->severity));
        json_double(&json, "peak_uv", channel->arbitrary ? NAN : event->peak_uv, 2);
        json_double(&json, "median_hz", event->median_hz > 0 ? event->median_hz : NAN, 2);
        json_double(&json, "confidence", event->confidence, 3);
        json_object_end(&json);
        (void)json_finish(&json); /* told at the end, by output_finish_stdout() */
}

static void onset_add(struct table *table, double onset_s) {
        uint64_t tenths = (uint64_t)llround(onset_s * 10);

        table_cell(table, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%" PRIu64, tenths / 36000,
                   tenths / 600 % 60, tenths / 10 % 60, tenths % 10);
}

/* A number with its unit, or "-" if it is not known. */
static void quantity_add(struct table *table, double value, int decimals, const char *unit, bool known) {
        char number[TEXT_NUMBER_SIZE];

        if (!known) {
                table_cell(table, "-");
                return;
        }
        words_number(value, decimals, number);
        table_cell(table, "%s%s%s", number, *unit ? " " : "", unit);
}

static void episode_add(const struct analysis *analysis, const struct detector_event *event) {
        const struct recording_channel *channel = recording_channel(analysis->recording, event->channel);
        double onset_s = index_seconds(analysis, event->onset_index);
        struct table *table = analysis->table;

        onset_add(table, onset_s);
        quantity_add(table, index_seconds(analysis, event->alert_index) - onset_s, 2, _("s later"),
                     true);
        if (event->end_reason == DETECTOR_END_STREAM_END)
                table_cell(table, "%s", _("to the end"));
        else
                quantity_add(table, index_seconds(analysis, event->end_index) - onset_s, 1, "s", true);
        quantity_add(table, event->peak_uv, 0, "uV", !channel->arbitrary);
        quantity_add(table, event->median_hz, 0, "Hz", event->median_hz > 0);
        quantity_add(table, event->confidence, 2, "", true);
        table_cell(table, "%s", words_of_list(detector_severity_to_string(event->severity)));
        table_cell(table, "%s", channel->label);
}

/* An alerted episode is told when it is over, for only then everything is known; suspicions end as
 * dismissed. */
static void event_take(const struct detector_event *event, void *userdata) {
        struct analysis *analysis = userdata;

        if (event->type != DETECTOR_EVENT_END)
                return;
        analysis->episodes++;
        if (analysis->table) {
                episode_add(analysis, event);
                return;
        }
        progress_clear(&analysis->progress);
        episode_print_json(analysis, event);
}

static int recording_code(int r) {
        switch (-r) {
        case EBADMSG:
        case EINVAL:
                return EX_DATAERR;
        case EIO:
                return EX_CANTCREAT;
        case ENOMEM:
        case EMFILE:
        case ENFILE:
                return EX_OSERR;
        default:
                return EX_NOINPUT;
        }
}

static int detector_open(struct analysis *analysis, enum detector_sensitivity sensitivity,
                         struct detector **ret) {
        size_t channels = recording_channels(analysis->recording);
        _cleanup_(freep) double *scales_uv = feed_scales(analysis->recording);
        struct detector_setup setup = {
                .rate_mhz = recording_rate_mhz(analysis->recording),
                .channels = (uint32_t)channels,
                .scale_uv = scales_uv,
                .arbitrary_unit = feed_is_arbitrary(analysis->recording),
                .sensitivity = sensitivity,
                .motion_scale_g = recording_motion_scale_g(analysis->recording),
                .on_event = event_take,
                .userdata = analysis,
        };
        int r;

        if (!scales_uv)
                return fail(EX_OSERR, "%s: out of memory", analysis->path);
        r = detector_new(&setup, ret);
        if (r == -ENOMEM)
                return fail(EX_OSERR, "%s: out of memory", analysis->path);
        if (r < 0)
                return fail(EX_DATAERR,
                            "%s: the detector does not take %zu channels at %g Hz: choose fewer with "
                            "--channel",
                            analysis->path, channels, setup.rate_mhz / 1000.0);
        return 0;
}

/* The highest magnitude of the channels whose unit is known, to see whether it can be right. */
static double block_peak_uv(const struct recording *recording, const int32_t *counts, size_t frames) {
        size_t channels = recording_channels(recording), columns_n = recording_columns(recording);
        double peak_uv = 0;

        for (size_t channel = 0; channel < channels; channel++) {
                const struct recording_channel *c = recording_channel(recording, channel);
                int64_t peak = 0;

                for (size_t i = channel; i < frames * columns_n; i += columns_n) {
                        int64_t magnitude = counts[i] < 0 ? -(int64_t)counts[i] : counts[i];

                        peak = magnitude > peak ? magnitude : peak;
                }
                if (c->arbitrary)
                        return INFINITY;
                peak_uv = fmax(peak_uv, (double)peak * c->scale_uv);
        }
        return peak_uv;
}

/* Returns 0 or an exit code, after saying what is wrong. */
static int frames_push(struct analysis *analysis, struct recording *recording, struct detector *detector,
                       double *ret_peak_uv) {
        size_t numbers = recording_columns(recording), frames = BLOCK_COUNTS / numbers;
        _cleanup_(freep) int32_t *counts = calloc(frames * numbers, sizeof(*counts));
        struct recording_error error;
        double peak_uv = 0;

        if (!counts)
                return fail(EX_OSERR, "%s: out of memory", analysis->path);

        for (;;) {
                uint64_t index;
                ssize_t got = recording_read(recording, &index, counts, frames, &error);
                int r;

                if (got < 0) {
                        progress_clear(&analysis->progress);
                        return fail(recording_code((int)got), "%s", error.text);
                }
                if (got == 0)
                        break;
                if (peak_uv < PLAUSIBLE_PEAK_UV)
                        peak_uv = fmax(peak_uv, block_peak_uv(recording, counts, (size_t)got));
                r = feed_push(recording, detector, index, counts, (size_t)got);
                if (r < 0) {
                        progress_clear(&analysis->progress);
                        return fail(EX_SOFTWARE, "%s: frame %llu: the detector refuses it: %s",
                                    analysis->path, (unsigned long long)index, strerror(-r));
                }
                progress_update(&analysis->progress, index + (uint64_t)got);
        }

        *ret_peak_uv = peak_uv;
        return 0;
}

static void left_out_tell(const char *path, const struct recording *recording) {
        const char *const *names = recording_left_out(recording);

        if (!*names)
                return;
        fprintf(stderr, "crampctl: ");
        text_write(stderr, path);
        fputs(_(": left out, not in uV, mV or V or of another rate (--channel takes them):"), stderr);
        for (; *names; names++) {
                fputs(" \"", stderr);
                text_write(stderr, *names);
                fputc('"', stderr);
        }
        fputc('\n', stderr);
}

static int table_show(const struct request *request, const struct analysis *analysis) {
        bool legend = !request->global.no_legend;

        if (request->several || legend) {
                text_write(stdout, analysis->path);
                fputs(":\n", stdout);
        }
        if (analysis->episodes > 0 && table_print(analysis->table, stdout, legend) < 0)
                return fail(EX_OSERR, "%s: out of memory", analysis->path);
        if (analysis->episodes == 0 && legend)
                puts(_("no cramp found"));
        return 0;
}

static int file_run(const struct request *request, struct analysis *analysis,
                    struct recording *recording) {
        _cleanup_(detector_freep) struct detector *detector = NULL;
        double peak_uv = INFINITY;
        int code;

        code = detector_open(analysis, request->sensitivity, &detector);
        if (code != 0)
                return code;

        progress_begin(&analysis->progress, analysis->path, recording_frames(recording));
        code = frames_push(analysis, recording, detector, &peak_uv);
        /* Also after an error: what was alerted before it stays true. */
        detector_finish(detector);
        progress_end(&analysis->progress);

        if (code == 0 && peak_uv < PLAUSIBLE_PEAK_UV)
                (void)fail(0,
                           "%s: the signal never reaches %g uV: is the unit right (--unit), was the "
                           "electrode on the skin?",
                           analysis->path, PLAUSIBLE_PEAK_UV);
        return code;
}

static int file_analyze(const struct request *request, const char *path) {
        _cleanup_(recording_freep) struct recording *recording = NULL;
        _cleanup_(table_freep) struct table *table = NULL;
        struct analysis analysis = {.path = path};
        struct recording_error error;
        int code, r;

        r = recording_open(path, &request->options, &recording, &error);
        if (r < 0)
                return fail(recording_code(r), "%s", error.text);
        if (!request->options.channels)
                left_out_tell(path, recording);
        if (!request->global.json) {
                table = table_new(columns, ARRAY_LENGTH(columns));
                if (!table)
                        return fail(EX_OSERR, "%s: out of memory", path);
        }

        analysis.recording = recording;
        analysis.table = table;
        code = file_run(request, &analysis, recording);
        if (table && (code == 0 || analysis.episodes > 0)) {
                r = table_show(request, &analysis);
                code = r > code ? r : code;
        }
        return code;
}

static int rate_parse(const char *text, double *ret_hz) {
        int64_t mhz;

        if (decimal_parse(text, strlen(text), 3, &mhz) < 0 || mhz <= 0)
                return fail(EX_USAGE,
                            "--rate does not understand '%s'; write samples per second, such as 1000",
                            text);
        *ret_hz = (double)mhz / 1000;
        return 0;
}

static int unit_check(const char *text) {
        static const char *const units[] = {"uV", "mV", "V", "counts"};

        for (size_t i = 0; i < ARRAY_LENGTH(units); i++)
                if (strcmp(text, units[i]) == 0)
                        return 0;
        return fail(EX_USAGE, "--unit does not understand '%s'; write uV, mV, V or counts", text);
}

/* Returns 0, an exit code after an error, or -1 if help was asked for. `labels` has room for all
 * arguments. */
static int request_parse(struct request *request, const char **labels, int argc, char *argv[]) {
        static const struct option options[] = {
                COMMON_OPTIONS,
                {"channel", required_argument, NULL, 'c'},
                {"rate", required_argument, NULL, 'r'},
                {"unit", required_argument, NULL, 'u'},
                {"sensitivity", required_argument, NULL, OPTION_SENSITIVITY},
                {},
        };
        size_t labels_count = 0;
        int c, code = 0;

        while (code == 0 && (c = option_next(&request->global, argc, argv, ":hc:r:u:", options)) >= 0)
                switch (c) {
                case 'h':
                        return -1;
                case 'c':
                        labels[labels_count++] = optarg;
                        request->options.channels = labels;
                        break;
                case 'r':
                        code = rate_parse(optarg, &request->options.rate_hz);
                        break;
                case 'u':
                        request->options.unit = optarg;
                        code = unit_check(optarg);
                        break;
                case OPTION_SENSITIVITY:
                        code = sensitivity_take(optarg, &request->sensitivity);
                        break;
                default:
                        return EX_USAGE;
                }
        if (code == 0 && optind == argc)
                return fail(EX_USAGE, "analyze needs a file; see 'crampctl analyze --help'");
        return code;
}

int verb_analyze(const struct global_options *global, int argc, char *argv[]) {
        _cleanup_(freep) const char **labels = calloc((size_t)argc + 1, sizeof(*labels));
        struct request request = {.global = *global, .options = {.motion = true, .company = true}};
        int code, worst = 0;

        if (!labels)
                return fail(EX_OSERR, "out of memory");
        code = request_parse(&request, labels, argc, argv);
        if (code != 0)
                return code < 0 ? help_print(help) : code;

        request.several = argc - optind > 1;
        for (int i = optind; i < argc && !ferror(stdout); i++) {
                code = file_analyze(&request, argv[i]);
                worst = code > worst ? code : worst;
        }
        code = output_finish_stdout();
        return code > worst ? code : worst;
}
