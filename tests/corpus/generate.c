/* SPDX-License-Identifier: MIT */
/* The generators' command line: see generate.h and README.md. */
#include "tests/corpus/generate.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/basic/cleanup.h"
#include "tests/corpus/corpus.h"
#include "tests/corpus/signal-file.h"
#include "tests/corpus/splice.h"

#define SCRIPT_BYTES_MAX (1024 * 1024)
#define HOME_SCRIPT "home-night"
#define DEFAULT_START "2024-01-15T22:30:00"

struct arguments {
        struct corpus_setup setup;
        double hours;
        unsigned cramps;
        const char *script, *format, *start, *output, *truth, *recordings;
        generate_load_func load;
        bool list;
};

enum argument {
        OPTION_SCRIPT = 256,
        OPTION_SEED,
        OPTION_RATE,
        OPTION_CHANNELS,
        OPTION_FORMAT,
        OPTION_HOURS,
        OPTION_CRAMPS,
        OPTION_REST,
        OPTION_REST_SPREAD,
        OPTION_NOISE_RISE,
        OPTION_NOISE_CORNER,
        OPTION_ECG,
        OPTION_CLOCK,
        OPTION_ACCELEROMETER,
        OPTION_MAINS,
        OPTION_MAINS_UV,
        OPTION_BITS,
        OPTION_SCALE,
        OPTION_START,
        OPTION_TRUTH,
        OPTION_RECORDINGS,
        OPTION_LIST,
};

static const struct option options[] = {
        {"script", required_argument, NULL, OPTION_SCRIPT},
        {"seed", required_argument, NULL, OPTION_SEED},
        {"rate", required_argument, NULL, OPTION_RATE},
        {"channels", required_argument, NULL, OPTION_CHANNELS},
        {"format", required_argument, NULL, OPTION_FORMAT},
        {"hours", required_argument, NULL, OPTION_HOURS},
        {"cramps", required_argument, NULL, OPTION_CRAMPS},
        {"rest-uv", required_argument, NULL, OPTION_REST},
        {"rest-spread", required_argument, NULL, OPTION_REST_SPREAD},
        {"noise-rise", required_argument, NULL, OPTION_NOISE_RISE},
        {"noise-corner", required_argument, NULL, OPTION_NOISE_CORNER},
        {"ecg-uv", required_argument, NULL, OPTION_ECG},
        {"clock-ppm", required_argument, NULL, OPTION_CLOCK},
        {"accelerometer", no_argument, NULL, OPTION_ACCELEROMETER},
        {"mains", required_argument, NULL, OPTION_MAINS},
        {"mains-uv", required_argument, NULL, OPTION_MAINS_UV},
        {"bits", required_argument, NULL, OPTION_BITS},
        {"scale", required_argument, NULL, OPTION_SCALE},
        {"start", required_argument, NULL, OPTION_START},
        {"truth", required_argument, NULL, OPTION_TRUTH},
        {"recordings", required_argument, NULL, OPTION_RECORDINGS},
        {"list", no_argument, NULL, OPTION_LIST},
        {"output", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {0},
};

static void print_help(FILE *file) {
        (void)fprintf(file, "%s --script NAME|FILE -o OUT [OPTION...]\n", program_invocation_short_name);
        (void)fputs("Writes SIMULATED muscle activity of a leg.\n\n"
                    "  --script NAME|FILE  what happens (see --list)\n"
                    "  --seed N            same seed, same samples (1)\n"
                    "  --rate HZ           200 to 2000 (1000)\n"
                    "  --channels N        1 to 8: GM GL SO TA PL AH RF BF (1)\n"
                    "  --format FORMAT     edf, bdf or csv (by the name's end, else edf)\n"
                    "  --hours H           length of rest, night, home-night, movements\n"
                    "  --cramps N          in a night (2)\n"
                    "  --rest-uv UV        RMS at rest, 20-450 Hz (5)\n"
                    "  --rest-spread CV    by which the channels' rest differs (0)\n"
                    "  --noise-rise N      rest noise is 1 + N times as strong below a corner (1.5)\n"
                    "  --noise-corner HZ   that corner (50)\n"
                    "  --mains 50|60       mains pick-up, with --mains-uv UV RMS (10)\n"
                    "  --ecg-uv UV         height of the heart's beats (0)\n"
                    "  --clock-ppm PPM     by which the sensor's clock is fast (0)\n"
                    "  --accelerometer     three more signals, in g\n"
                    "  --bits N            8 to 24 (16; bdf 24)\n"
                    "  --scale UV          microvolts per count (0.1 at 16 bits)\n"
                    "  --start TIME        when it is said to begin (" DEFAULT_START ")\n"
                    "  --truth FILE        what is true of it, as JSON\n"
                    "  --list              name the built-in scripts\n"
                    "  --recordings DIR    spliced-emg: folder of the real recordings to cut\n"
                    "  -o, --output FILE   overwritten if it exists\n",
                    file);
}

static void print_list(void) {
        for (size_t i = 0; script_builtin_name(i); i++)
                (void)printf("%-10s %s\n", script_builtin_name(i), script_builtin_summary(i));
}

static int parse_double(const char *option, const char *text, double *ret) {
        char *end;
        double value = strtod(text, &end);

        if (end == text || *end || !isfinite(value)) {
                warnx("--%s: \"%s\" is no number", option, text);
                return -EINVAL;
        }
        *ret = value;
        return 0;
}

static int parse_count(const char *option, const char *text, unsigned long long max,
                       unsigned long long *ret) {
        char *end;
        unsigned long long value;

        errno = 0;
        value = strtoull(text, &end, 10);
        if (end == text || *end || errno != 0 || *text == '-' || value > max) {
                warnx("--%s: \"%s\" is no whole number from 0 to %llu", option, text, max);
                return -EINVAL;
        }
        *ret = value;
        return 0;
}

static int parse_unsigned(const char *option, const char *text, unsigned max, unsigned *ret) {
        unsigned long long value;
        int r = parse_count(option, text, max, &value);

        if (r == 0)
                *ret = (unsigned)value;
        return r;
}

static int parse_seed(const char *text, uint64_t *ret) {
        unsigned long long value;
        int r = parse_count("seed", text, UINT64_MAX, &value);

        if (r == 0)
                *ret = value;
        return r;
}

static int parse_hours(const char *text, double *ret) {
        double value;
        int r = parse_double("hours", text, &value);

        if (r < 0)
                return r;
        if (value < 0.01 || value > SCRIPT_HOURS_MAX) {
                warnx("--hours is 0.01 to %d", SCRIPT_HOURS_MAX);
                return -EINVAL;
        }
        *ret = value;
        return 0;
}

static int parse_option(int option, const char *text, struct arguments *arguments) {
        struct corpus_setup *setup = &arguments->setup;

        switch (option) {
        case OPTION_SCRIPT:
                arguments->script = text;
                return 0;
        case OPTION_SEED:
                return parse_seed(text, &setup->seed);
        case OPTION_RATE:
                return parse_unsigned("rate", text, CORPUS_RATE_MAX_HZ, &setup->rate_hz);
        case OPTION_CHANNELS:
                return parse_unsigned("channels", text, CORPUS_CHANNELS_MAX, &setup->channels);
        case OPTION_FORMAT:
                arguments->format = text;
                return 0;
        case OPTION_HOURS:
                return parse_hours(text, &arguments->hours);
        case OPTION_CRAMPS:
                return parse_unsigned("cramps", text, 1000, &arguments->cramps);
        case OPTION_REST:
                return parse_double("rest-uv", text, &setup->rest_uv);
        case OPTION_REST_SPREAD:
                return parse_double("rest-spread", text, &setup->rest_spread);
        case OPTION_NOISE_RISE:
                return parse_double("noise-rise", text, &setup->noise_rise);
        case OPTION_NOISE_CORNER:
                return parse_double("noise-corner", text, &setup->noise_corner_hz);
        case OPTION_ECG:
                return parse_double("ecg-uv", text, &setup->ecg_uv);
        case OPTION_CLOCK:
                return parse_double("clock-ppm", text, &setup->clock_ppm);
        case OPTION_ACCELEROMETER:
                setup->accelerometer = true;
                return 0;
        case OPTION_MAINS:
                return parse_unsigned("mains", text, 60, &setup->mains_hz);
        case OPTION_MAINS_UV:
                return parse_double("mains-uv", text, &setup->mains_uv);
        case OPTION_BITS:
                return parse_unsigned("bits", text, 24, &setup->bits);
        case OPTION_SCALE:
                return parse_double("scale", text, &setup->scale_uv);
        case OPTION_START:
                arguments->start = text;
                return 0;
        case OPTION_TRUTH:
                arguments->truth = text;
                return 0;
        case OPTION_RECORDINGS:
                arguments->recordings = text;
                return 0;
        case OPTION_LIST:
                arguments->list = true;
                return 0;
        case 'o':
                arguments->output = text;
                return 0;
        default:
                return -EINVAL;
        }
}

static bool ends_with(const char *text, const char *end) {
        size_t length = strlen(text), end_length = strlen(end);

        return length >= end_length && strcasecmp(text + length - end_length, end) == 0;
}

/* The format that was asked for or that the output's name tells; -EINVAL for an unknown one. */
static int choose_format(const struct arguments *arguments) {
        const char *name = arguments->format;

        if (!name)
                name = ends_with(arguments->output, ".bdf")   ? "bdf"
                       : ends_with(arguments->output, ".csv") ? "csv"
                                                              : "edf";
        if (strcmp(name, "edf") == 0)
                return SIGNAL_EDF;
        if (strcmp(name, "bdf") == 0)
                return SIGNAL_BDF;
        if (strcmp(name, "csv") == 0)
                return SIGNAL_CSV;
        warnx("--format is edf, bdf or csv, not \"%s\"", name);
        return -EINVAL;
}

static int arguments_parse_options(int argc, char **argv, struct arguments *arguments) {
        int option;

        optind = 0; /* from the start again */
        while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
                if (option == 'h') {
                        print_help(stdout);
                        return 1;
                }
                if (parse_option(option, optarg, arguments) < 0)
                        return -EINVAL;
        }
        return 0;
}

/* A night at home brings its own sensor; what the options say of it stands. EDF has 16 bits at most. */
static int arguments_take_home(int argc, char **argv, struct arguments *arguments) {
        int r;

        corpus_setup_home(arguments->setup.seed, &arguments->setup);
        r = choose_format(arguments);
        if (r == SIGNAL_EDF && arguments->setup.bits > 16)
                arguments->setup.bits = 16;
        return arguments_parse_options(argc, argv, arguments);
}

/* Returns 0, 1 if there is nothing more to do (help was asked), or -EINVAL (said on standard error). */
static int arguments_parse(int argc, char **argv, struct arguments *arguments) {
        int r = arguments_parse_options(argc, argv, arguments);

        if (r != 0)
                return r;
        if (arguments->list)
                return 0;
        if (optind < argc || !arguments->script || !arguments->output ||
            !arguments->load != !arguments->recordings) {
                warnx("usage: %s --script NAME|FILE %s-o OUT [OPTION...], see --help",
                      program_invocation_short_name, arguments->load ? "--recordings DIR " : "");
                return -EINVAL;
        }
        if (strcmp(arguments->script, HOME_SCRIPT) == 0) {
                r = arguments_take_home(argc, argv, arguments);
                if (r != 0)
                        return r;
        }
        if (arguments->setup.mains_hz != 0 && arguments->setup.mains_uv == 0)
                arguments->setup.mains_uv = 10;
        return 0;
}

static int script_read_file(const char *path, struct script *ret, struct corpus_error *error) {
        _cleanup_(fclosep) FILE *file = fopen(path, "re");
        _cleanup_(freep) char *text = NULL;
        size_t length;

        if (!file) {
                int r = -errno;

                (void)snprintf(error->text, sizeof(error->text),
                               "%s: %s; a script is a file or one of the names in --list", path,
                               strerror(-r));
                return r;
        }
        text = malloc(SCRIPT_BYTES_MAX + 1);
        if (!text)
                return -ENOMEM;

        length = fread(text, 1, SCRIPT_BYTES_MAX + 1, file);
        if (ferror(file) || length > SCRIPT_BYTES_MAX) {
                (void)snprintf(error->text, sizeof(error->text),
                               "%s: cannot be read, or is larger than 1 MiB", path);
                return -EINVAL;
        }
        text[length] = '\0';
        return script_parse(text, path, ret, error);
}

static int script_load(const struct arguments *arguments, struct script *ret,
                       struct corpus_error *error) {
        struct script_layout layout = {
                .seed = arguments->setup.seed,
                .hours = arguments->hours,
                .cramps = arguments->cramps,
                .channels = arguments->setup.channels,
                .rest_uv = arguments->setup.rest_uv,
        };
        int r = script_builtin(arguments->script, &layout, ret, error);

        return r == -ENOENT ? script_read_file(arguments->script, ret, error) : r;
}

/* Says what went wrong with `what`; returns the exit code, `code` unless memory ran out. */
static int report(int r, const struct corpus_error *error, const char *what, int code) {
        if (error->text[0])
                warnx("%s", error->text);
        else
                warnx("%s: %s", what, strerror(-r));
        return r == -ENOMEM ? EX_OSERR : code;
}

/* A script that cannot be had: no such file, a file that is wrong, or options that do not go with a
 * built-in one. */
static int script_exit_code(int r, const char *name) {
        if (r != -EINVAL)
                return EX_NOINPUT;
        for (size_t i = 0; script_builtin_name(i); i++)
                if (strcmp(script_builtin_name(i), name) == 0)
                        return EX_USAGE;
        return EX_DATAERR;
}

static int corpus_write(const struct arguments *arguments, struct corpus *corpus,
                        enum signal_format format, const struct signal_start *start) {
        const struct corpus_setup *setup = corpus_get_setup(corpus);
        struct corpus_error error = {0};
        int r;

        r = signal_file_write(arguments->output, format, corpus, arguments->script, start, &error);
        if (r < 0)
                return report(r, &error, arguments->output, r == -EINVAL ? EX_USAGE : EX_CANTCREAT);
        if (arguments->truth) {
                r = truth_file_write(arguments->truth, arguments->output, corpus, arguments->script,
                                     start);
                if (r < 0)
                        return report(r, &error, arguments->truth, EX_CANTCREAT);
        }
        warnx("%s: %.0f s of SIMULATED muscle activity, %u channel%s at %u Hz", arguments->output,
              (double)corpus_frames(corpus) / setup->rate_hz, setup->channels,
              setup->channels > 1 ? "s" : "", setup->rate_hz);
        return EXIT_SUCCESS;
}

int generate_main(int argc, char **argv, generate_load_func load) {
        struct arguments arguments = {
                .setup = corpus_setup_usual(), .cramps = 2, .start = DEFAULT_START, .load = load};
        struct corpus_error error = {0};
        struct signal_start start;
        struct script script;
        struct splice *splice = NULL;
        struct corpus *corpus;
        int format, r;

        arguments.setup.bits = 0;
        r = arguments_parse(argc, argv, &arguments);
        if (r != 0)
                return r < 0 ? EX_USAGE : EXIT_SUCCESS;
        if (arguments.list) {
                print_list();
                return EXIT_SUCCESS;
        }

        format = choose_format(&arguments);
        if (format < 0)
                return EX_USAGE;
        if (signal_start_parse(arguments.start, &start) < 0) {
                warnx("--start is like " DEFAULT_START ", years 1985 to 2084");
                return EX_USAGE;
        }
        if (arguments.setup.bits == 0)
                arguments.setup.bits = format == SIGNAL_BDF ? 24 : 16;

        r = script_load(&arguments, &script, &error);
        if (r < 0)
                return report(r, &error, arguments.script, script_exit_code(r, arguments.script));
        /* A rate that cannot be is refused below. */
        if (load && arguments.setup.rate_hz >= CORPUS_RATE_MIN_HZ) {
                r = load(arguments.recordings, arguments.setup.rate_hz, &splice, &error);
                if (r < 0) {
                        script_done(&script);
                        return report(r, &error, arguments.recordings, EX_NOINPUT);
                }
                arguments.setup.material = splice;
        }
        r = corpus_new(&arguments.setup, &script, &corpus, &error);
        script_done(&script);
        if (r < 0) {
                splice_free(splice);
                return report(r, &error, arguments.script, EX_USAGE);
        }

        r = corpus_write(&arguments, corpus, (enum signal_format)format, &start);
        corpus_free(corpus);
        splice_free(splice);
        return r;
}
