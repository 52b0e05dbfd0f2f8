/* SPDX-License-Identifier: MIT */
/*
 * crampctl report: the past for a doctor, in one file.
 */
#include "dbus/crampctl/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/guidance.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/timestamp.h"

/* What a doctor asks for. */
#define SINCE_DEFAULT "-90d"

static const char help[] =
        "Usage: crampctl report [OPTION...] -o FILE.html|FILE.pdf\n"
        "\n"
        "Write a report to hand to a doctor: a summary, pictures, each cramp, the nights watched and "
        "those with "
        "gaps, day\n"
        "log and trials, sensors and versions. One file that needs nothing else; what you told of "
        "yourself stays "
        "out unless\n"
        "you ask for it.\n"
        "\n"
        "Options:\n"
        "  -o, --output=FILE      Where to; '-' is standard output\n"
        "      --format=html|pdf  Default: as FILE ends\n"
        "      --force            Replace FILE if it exists\n"
        "      --with-profile     Also what 'crampctl profile' holds: age, medicines, conditions ...\n"
        "      --since=TIME       The cramps and nights since TIME (default: -90d)\n"
        "      --until=TIME       Only those before TIME\n"
        "      --sensor=SENSOR, --leg=LEG, --muscle=MUSCLE, --verdict=VERDICT\n"
        "                         Only those, as for 'crampctl history'\n" OWNER_HELP MORE_OPTIONS_HELP
        "\n"
        "TIME: see 'crampctl history --help'. If SOURCE_DATE_EPOCH is in the environment, it is the "
        "time that the "
        "report\n"
        "says it was made at.\n"
        "\n"
        "Examples:\n"
        "  crampctl report -o cramps.html\n"
        "  crampctl report --since 2026-01-01 --with-profile -o cramps.pdf\n";

/* The command line, read. */
struct command {
        struct global_options global;
        struct filter_words words;
        const char *path, *format, *user;
        bool force, with_profile;
};

/* Returns 0, or an exit code after saying what is possible. */
static int format_find(const struct command *command, bool *ret_pdf) {
        const char *format = command->format;

        if (!command->path)
                return fail(EX_USAGE, "where to? Write -o report.html%s",
                            document_pdf_is_there() ? " or -o report.pdf" : "");
        if (!format) {
                const char *end = strrchr(command->path, '.');

                format = end ? end + 1 : "";
                if (strcmp(format, "htm") == 0)
                        format = "html";
        }
        *ret_pdf = strcmp(format, "pdf") == 0;
        if (*ret_pdf && !document_pdf_is_there())
                return fail(EX_USAGE, "this crampctl was built without PDF; write html, and print it");
        if (*ret_pdf || strcmp(format, "html") == 0)
                return 0;
        return command->format
                       ? fail(EX_USAGE, "--format knows html and pdf, not '%s'", format)
                       : fail(EX_USAGE, "'%s' ends neither in .html nor in .pdf; --format tells which",
                              command->path);
}

/* Now, or what reproducible-builds.org lets the environment say it is. */
static int made_find(int64_t *ret_us) {
        const char *text = getenv("SOURCE_DATE_EPOCH");
        char *end;
        long long s;

        *ret_us = timestamp_now_us();
        if (!text)
                return 0;
        errno = 0;
        s = strtoll(text, &end, 10);
        if (text[0] < '0' || text[0] > '9' || *end || errno != 0 || s > INT64_C(253402300799))
                return fail(EX_USAGE, "SOURCE_DATE_EPOCH is not a number of seconds: '%s'", text);
        *ret_us = s * INT64_C(1000000);
        return 0;
}

static int write_all(const struct report *report, bool pdf, const struct command *command) {
        _cleanup_(output_close) struct output output = {};
        struct document_writer *writer;
        int code, told, r;

        code = output_open(&output, command->path, command->force);
        if (code != 0)
                return code;
        writer = pdf ? document_pdf_new(output.file, report->made_us / 1000000)
                     : document_html_new(output.file);
        if (!writer)
                return fail(EX_OSERR, "out of memory");
        told = report_tell(report, writer);
        r = writer->finish(writer);
        if (told < 0 || r == -ENOMEM)
                return fail(EX_OSERR, "out of memory");
        /* A file that cannot be written is told by the commit, which then fails. */
        if (r < 0 && r != -EIO)
                return fail(EX_SOFTWARE, "cannot make the PDF: %s", strerror(-r));
        return output_commit(&output);
}

static int command_run(struct command *command) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(filter_clear) struct episode_filter filter = {};
        _cleanup_(report_clear) struct report report = {.filter = &filter,
                                                        .with_profile = command->with_profile};
        bool pdf = false;
        int code;

        code = format_find(command, &pdf);
        if (code == 0)
                code = made_find(&report.made_us);
        if (code == 0)
                code = filter_read(&command->words, &filter);
        if (code == 0)
                code = guidance_open(command->user, &client, &report.owner);
        if (code == 0)
                code = filter_find_sensor(&filter, &command->words, client);
        if (code == 0)
                code = report_load(&report, client);
        return code == 0 ? write_all(&report, pdf, command) : code;
}

int verb_report(const struct global_options *global, int argc, char *argv[]) {
        enum { OPTION_FORMAT = OPTION_VERB, OPTION_FORCE, OPTION_WITH_PROFILE };
        static const struct option options[] = {
                COMMON_OPTIONS,
                OWNER_OPTION,
                FILTER_OPTIONS,
                {"output", required_argument, NULL, 'o'},
                {"format", required_argument, NULL, OPTION_FORMAT},
                {"force", no_argument, NULL, OPTION_FORCE},
                {"with-profile", no_argument, NULL, OPTION_WITH_PROFILE},
                {},
        };
        struct command command = {.global = *global};
        int c, code;

        while ((c = option_next(&command.global, argc, argv, ":ho:", options)) >= 0)
                switch (c) {
                case 'h':
                        code = help_print(help);
                        if (code == 0 && !document_pdf_is_there()) {
                                printf("\n%s\n",
                                       _("This crampctl was built without PDF: it writes html."));
                                code = output_finish_stdout();
                        }
                        return code;
                case 'o':
                        command.path = optarg;
                        break;
                case OPTION_FORMAT:
                        command.format = optarg;
                        break;
                case OPTION_FORCE:
                        command.force = true;
                        break;
                case OPTION_WITH_PROFILE:
                        command.with_profile = true;
                        break;
                case OPTION_OWNER:
                        command.user = optarg;
                        break;
                default:
                        code = filter_take(c, &command.words);
                        if (code != 0)
                                return code;
                }
        code = operands_refuse(argc, argv);
        if (code != 0)
                return code;
        if (command.global.json)
                return fail(EX_USAGE,
                            "a report is no JSON; see 'crampctl history --plot --json' and 'crampctl "
                            "export'");
        if (!command.words.since && !command.words.until)
                command.words.since = SINCE_DEFAULT;
        return command_run(&command);
}
