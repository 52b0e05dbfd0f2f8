/* SPDX-License-Identifier: MIT */
/* evaluate: crampd's detector and its rivals over simulated nights. See README.md. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "daemon/basic/cleanup.h"
#include "tests/evaluate/group.h"
#include "tests/evaluate/report.h"
#include "tests/evaluate/rival-detector.h"
#include "tests/evaluate/rival-pair.h"

/* Seeds for reports alone are 10001 to 19999, those that constants may be chosen on 1 to 9999. */
#define TEST_SEED UINT64_C(10001)
#define DEVELOPMENT_SEED UINT64_C(1)
/* Nights of two channels come after those of one, and those of other sensors after these. */
#define NIGHTS_MAX 3000u
#define TWO_CHANNELS_SEED NIGHTS_MAX
#define CELLS_SEED (2 * NIGHTS_MAX)
#define VARIANTS_MAX 1024u
/* A rest below a count of the coarsest sensor would compare the corpus, not the detector. */
#define CELLS_REST_MIN_UV 5.0

struct arguments {
        struct night_plan plan; /* its channels: 0 = one and two */
        uint64_t first_seed;
        size_t nights, cell_nights;
        unsigned jobs;
        enum detector_sensitivity sensitivity;
        double evidence_factor; /* 0 = 1 */
        bool second_sensor;
        bool rivals, bars;
        const char *csv;
        char *variants[VARIANTS_MAX];
        size_t n_variants;
};

enum argument {
        OPTION_SCRIPT = 256,
        OPTION_ACCELEROMETER,
        OPTION_SECOND_SENSOR,
        OPTION_RECORDINGS,
        OPTION_SEED,
        OPTION_DEVELOPMENT,
        OPTION_NIGHTS,
        OPTION_CELLS,
        OPTION_HOURS,
        OPTION_CRAMPS,
        OPTION_CHANNELS,
        OPTION_RATE,
        OPTION_BITS,
        OPTION_JOBS,
        OPTION_NO_RIVALS,
        OPTION_VARIANT,
        OPTION_CSV,
        OPTION_LIST,
        OPTION_BARS,
        OPTION_SENSITIVITY,
        OPTION_FACTOR,
};

static const struct option options[] = {
        {"script", required_argument, NULL, OPTION_SCRIPT},
        {"accelerometer", no_argument, NULL, OPTION_ACCELEROMETER},
        {"second-sensor", no_argument, NULL, OPTION_SECOND_SENSOR},
        {"recordings", required_argument, NULL, OPTION_RECORDINGS},
        {"seed", required_argument, NULL, OPTION_SEED},
        {"development", no_argument, NULL, OPTION_DEVELOPMENT},
        {"nights", required_argument, NULL, OPTION_NIGHTS},
        {"cells", required_argument, NULL, OPTION_CELLS},
        {"hours", required_argument, NULL, OPTION_HOURS},
        {"cramps", required_argument, NULL, OPTION_CRAMPS},
        {"channels", required_argument, NULL, OPTION_CHANNELS},
        {"rate", required_argument, NULL, OPTION_RATE},
        {"bits", required_argument, NULL, OPTION_BITS},
        {"jobs", required_argument, NULL, OPTION_JOBS},
        {"no-rivals", no_argument, NULL, OPTION_NO_RIVALS},
        {"variant", required_argument, NULL, OPTION_VARIANT},
        {"csv", required_argument, NULL, OPTION_CSV},
        {"list", no_argument, NULL, OPTION_LIST},
        {"bars", no_argument, NULL, OPTION_BARS},
        {"sensitivity", required_argument, NULL, OPTION_SENSITIVITY},
        {"factor", required_argument, NULL, OPTION_FACTOR},
        {"help", no_argument, NULL, 'h'},
        {0},
};

static void print_help(void) {
        (void)puts(
                "evaluate [OPTION...]\n"
                "Runs crampd's detector and its rivals over SIMULATED nights and prints tables.\n\n"
                "  --script NAME   what happens in a night (home-night)\n"
                "  --recordings DIR\n"
                "                  muscles and rest are pieces of the real recordings in there\n"
                "  --nights N      with one channel, and as many with two (50)\n"
                "  --cells N       nights for each rate, resolution and more channels (16; 0 = none)\n"
                "  --seed N        first seed, instead of the test seeds\n"
                "  --development   the seeds that constants may be chosen on\n"
                "  --hours H       length of a night (8)\n"
                "  --cramps N      in a night (4)\n"
                "  --channels N    only nights with so many channels\n"
                "  --rate HZ       of the sensor (as home-night draws it)\n"
                "  --bits N        of the sensor (as home-night draws it)\n"
                "  --accelerometer the sensor has one; crampd is run with it and without\n"
                "  --second-sensor two channels are two sensors: crampd is run with them hearing each "
                "other,\n"
                "                  deaf to each other, with the first alone, and with one of two "
                "channels\n"
                "  --jobs N        processes (2)\n"
                "  --no-rivals     crampd's detector alone\n"
                "  --variant FILE  a build of the detector, instead of this one; may come often\n"
                "  --csv FILE      all figures of all settings\n"
                "  --list          name what crampd missed and what it took for a cramp\n"
                "  --sensitivity S of crampd's detector: low, normal (the default) or high\n"
                "  --factor F      on the evidence it needs, as learnt from annotations (1)\n"
                "  --bars          exit with 1 if a bar is missed\n");
}

static int parse_number(const char *option, const char *text, double min, double max, double *ret) {
        char *end;
        double value = strtod(text, &end);

        if (end == text || *end || !(value >= min && value <= max)) {
                (void)fprintf(stderr, "evaluate: --%s: \"%s\" is no number from %g to %g\n", option,
                              text, min, max);
                return -EINVAL;
        }
        *ret = value;
        return 0;
}

static int parse_count(const char *option, const char *text, unsigned min, unsigned max, unsigned *ret) {
        double value;
        int r = parse_number(option, text, min, max, &value);

        if (r == 0)
                *ret = (unsigned)value;
        return r;
}

static int parse_size(const char *option, const char *text, size_t *ret) {
        unsigned value;
        int r = parse_count(option, text, 0, NIGHTS_MAX, &value);

        if (r == 0)
                *ret = value;
        return r;
}

static int parse_sensitivity(const char *text, enum detector_sensitivity *ret) {
        int sensitivity = detector_sensitivity_from_string(text);

        if (sensitivity < 0) {
                (void)fprintf(stderr, "evaluate: --sensitivity: low, normal or high, not \"%s\"\n",
                              text);
                return sensitivity;
        }
        *ret = (enum detector_sensitivity)sensitivity;
        return 0;
}

static int parse_option(int option, char *text, struct arguments *arguments) {
        struct night_plan *plan = &arguments->plan;
        double value;
        int r;

        switch (option) {
        case OPTION_SCRIPT:
                plan->script = text;
                return 0;
        case OPTION_RECORDINGS:
                plan->recordings = text;
                return 0;
        case OPTION_SEED:
                r = parse_number("seed", text, 0, 1e15, &value);
                if (r == 0)
                        arguments->first_seed = (uint64_t)value;
                return r;
        case OPTION_DEVELOPMENT:
                arguments->first_seed = DEVELOPMENT_SEED;
                return 0;
        case OPTION_NIGHTS:
                return parse_size("nights", text, &arguments->nights);
        case OPTION_CELLS:
                return parse_size("cells", text, &arguments->cell_nights);
        case OPTION_HOURS:
                return parse_number("hours", text, 0.01, SCRIPT_HOURS_MAX, &plan->hours);
        case OPTION_CRAMPS:
                return parse_count("cramps", text, 0, SCORE_CRAMPS_MAX, &plan->cramps);
        case OPTION_CHANNELS:
                return parse_count("channels", text, 1, CORPUS_CHANNELS_MAX, &plan->channels);
        case OPTION_RATE:
                return parse_count("rate", text, CORPUS_RATE_MIN_HZ, CORPUS_RATE_MAX_HZ, &plan->rate_hz);
        case OPTION_BITS:
                return parse_count("bits", text, 8, 24, &plan->bits);
        case OPTION_JOBS:
                return parse_count("jobs", text, 1, 256, &arguments->jobs);
        case OPTION_NO_RIVALS:
                arguments->rivals = false;
                return 0;
        case OPTION_VARIANT:
                if (arguments->n_variants == VARIANTS_MAX)
                        return -EINVAL;
                arguments->variants[arguments->n_variants++] = text;
                return 0;
        case OPTION_CSV:
                arguments->csv = text;
                return 0;
        case OPTION_ACCELEROMETER:
                plan->accelerometer = true;
                return 0;
        case OPTION_SECOND_SENSOR:
                arguments->second_sensor = true;
                plan->channels = 2;
                return 0;
        case OPTION_LIST:
                plan->list = true;
                return 0;
        case OPTION_SENSITIVITY:
                return parse_sensitivity(text, &arguments->sensitivity);
        case OPTION_FACTOR:
                return parse_number("factor", text, DETECTOR_EVIDENCE_FACTOR_MIN,
                                    DETECTOR_EVIDENCE_FACTOR_MAX, &arguments->evidence_factor);
        case OPTION_BARS:
                arguments->bars = true;
                return 0;
        default:
                return -EINVAL;
        }
}

/* Returns 0, 1 if there is nothing more to do (help was asked), or -EINVAL (said on standard error). */
static int arguments_parse(int argc, char **argv, struct arguments *arguments) {
        int option;

        while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
                if (option == 'h') {
                        print_help();
                        return 1;
                }
                if (parse_option(option, optarg, arguments) < 0)
                        return -EINVAL;
        }
        if (optind < argc) {
                (void)fputs("evaluate: takes options only, see --help\n", stderr);
                return -EINVAL;
        }
        return 0;
}

static void add_rivals(struct group *group) {
        group_add(group, &rival_ratio);
        group_add(group, &rival_ratio_alone);
        group_add(group, &rival_envelope);
        group_add(group, &rival_hodges);
        group_add(group, &rival_tkeo);
        group_add(group, &rival_plmad);
}

/* `others`: crampd with less, on the same nights; NULL at the end. */
static struct group group_main(const struct arguments *arguments, const struct rival_kind *own,
                               const struct rival_kind *const *others, unsigned channels) {
        struct group group = {.name = "main", .plan = arguments->plan, .nights = arguments->nights};

        group.plan.channels = channels;
        group.plan.seed = arguments->first_seed + (channels > 1 ? TWO_CHANNELS_SEED : 0);
        group_add(&group, own);
        for (; *others; others++)
                group_add(&group, *others);
        if (arguments->rivals)
                add_rivals(&group);
        return group;
}

static void report_main(const struct arguments *arguments, struct group *group,
                        const struct rival_kind *own, const struct rival_kind *const *others) {
        report_own(group, own);
        for (size_t i = 0; others[i]; i++)
                report_own(group, others[i]);
        if (arguments->rivals) {
                report_rivals(group, own);
                report_causes(group, own);
                report_equal(group, own);
        } else if (arguments->n_variants == 0)
                report_causes(group, own);
        (void)printf("  took %.0f s\n", group->elapsed_s);
}

/* Tables of the nights with one and with two channels. Returns 0 or -errno. */
static int evaluate_main(const struct arguments *arguments, const struct rival_kind *own,
                         const struct rival_kind *const *others, FILE *csv, unsigned *ret_missed) {
        struct group groups[2] = {0};
        size_t n = 0;
        int r = 0;

        if (arguments->plan.channels != 0)
                groups[n++] = group_main(arguments, own, others, arguments->plan.channels);
        else
                for (unsigned channels = 1; channels <= 2; channels++)
                        groups[n++] = group_main(arguments, own, others, channels);

        for (size_t i = 0; i < n && r == 0; i++) {
                r = group_run(&groups[i], arguments->jobs);
                if (r < 0)
                        break;
                if (csv)
                        report_csv(csv, &groups[i]);
                report_main(arguments, &groups[i], own, others);
        }
        if (r == 0 && n == 2)
                *ret_missed += report_bars(&groups[0], &groups[1], own);
        for (size_t i = 0; i < n; i++)
                group_done(&groups[i]);
        return r;
}

/* The same nights as sensors of other rates, resolutions and numbers of channels see them. */
static int evaluate_cells(const struct arguments *arguments, const struct rival_kind *own, FILE *csv,
                          unsigned *ret_missed) {
        static const struct {
                const char *name;
                unsigned channels, rate_hz, bits;
        } cells[] = {
                {"1000 Hz 16 bits", 1, 1000, 16}, {"200 Hz", 1, 200, 16},
                {"500 Hz", 1, 500, 16},           {"2000 Hz", 1, 2000, 16},
                {"8 bits", 1, 1000, 8},           {"10 bits", 1, 1000, 10},
                {"12 bits", 1, 1000, 12},         {"24 bits", 1, 1000, 24},
                {"200 Hz 8 bits", 1, 200, 8},     {"2 channels", 2, 1000, 16},
                {"4 channels", 4, 1000, 16},
        };
        struct group groups[ARRAY_LENGTH(cells)] = {0};
        int r = 0;

        for (size_t i = 0; i < ARRAY_LENGTH(cells) && r == 0; i++) {
                groups[i] = (struct group){.name = cells[i].name,
                                           .plan = arguments->plan,
                                           .nights = arguments->cell_nights};
                groups[i].plan.seed = arguments->first_seed + CELLS_SEED;
                groups[i].plan.channels = cells[i].channels;
                groups[i].plan.rate_hz = cells[i].rate_hz;
                groups[i].plan.bits = cells[i].bits;
                groups[i].plan.rest_min_uv = CELLS_REST_MIN_UV;
                group_add(&groups[i], own);
                r = group_run(&groups[i], arguments->jobs);
                if (r == 0 && csv)
                        report_csv(csv, &groups[i]);
        }
        if (r == 0) {
                report_cells(groups, ARRAY_LENGTH(cells));
                *ret_missed += report_cell_bars(groups, ARRAY_LENGTH(cells));
        }
        for (size_t i = 0; i < ARRAY_LENGTH(cells); i++)
                group_done(&groups[i]);
        return r;
}

static int evaluate(const struct arguments *arguments, const struct rival_kind *own,
                    const struct rival_kind *const *others, FILE *csv, unsigned *ret_missed) {
        int r = 0;

        if (csv)
                report_csv_head(csv);
        if (arguments->nights > 0)
                r = evaluate_main(arguments, own, others, csv, ret_missed);
        if (r == 0 && arguments->cell_nights > 0)
                r = evaluate_cells(arguments, own, csv, ret_missed);
        if (r == 0 && csv && (fflush(csv) != 0 || ferror(csv)))
                r = -EIO;
        return r;
}

int main(int argc, char **argv) {
        static struct arguments arguments = {
                .plan = {.script = "home-night", .hours = 8, .cramps = 4, .rest_min_uv = 1.5},
                .first_seed = TEST_SEED,
                .nights = 50,
                .cell_nights = 16,
                .jobs = 2,
                .rivals = true,
        };
        _cleanup_(fclosep) FILE *csv = NULL;
        struct rival_kind own, deaf = {0}, pairs[RIVAL_PAIR_MAX];
        const struct rival_kind *main_kind = &own, *others[RIVAL_PAIR_MAX + 2] = {NULL};
        size_t n_others = 0;
        unsigned missed = 0;
        int r;

        r = arguments_parse(argc, argv, &arguments);
        if (r != 0)
                return r < 0 ? EX_USAGE : EXIT_SUCCESS;
        (void)setvbuf(stdout, NULL, _IOLBF, 0);
        if (arguments.csv) {
                csv = fopen(arguments.csv, "we");
                if (!csv) {
                        (void)fprintf(stderr, "evaluate: %s: %s\n", arguments.csv, strerror(errno));
                        return EX_CANTCREAT;
                }
        }
        r = rival_detector_make(arguments.variants, arguments.n_variants, arguments.sensitivity,
                                arguments.evidence_factor, true, &own);
        if (r == 0 && arguments.plan.accelerometer)
                r = rival_detector_make(arguments.variants, arguments.n_variants, arguments.sensitivity,
                                        arguments.evidence_factor, false, &deaf);
        if (r < 0)
                return r == -ENOENT ? EX_NOINPUT : EX_OSERR;

        if (arguments.second_sensor) {
                for (unsigned i = 0; i < RIVAL_PAIR_MAX; i++)
                        pairs[i] = rival_pair_make((enum rival_pair)i, arguments.sensitivity,
                                                   arguments.evidence_factor);
                main_kind = &pairs[RIVAL_PAIR_TOGETHER];
                others[n_others++] = &pairs[RIVAL_PAIR_APART];
                others[n_others++] = &pairs[RIVAL_PAIR_FIRST];
                others[n_others++] = &own;
        }
        if (deaf.new)
                others[n_others++] = &deaf;

        (void)puts("Everything below is about SIMULATED cramps. In brackets: exact 95 % intervals.");
        r = evaluate(&arguments, main_kind, others, csv, &missed);
        rival_detector_done(&own);
        rival_detector_done(&deaf);
        if (r < 0) {
                (void)fprintf(stderr, "evaluate: %s\n", strerror(-r));
                return EX_SOFTWARE;
        }
        return arguments.bars && missed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
