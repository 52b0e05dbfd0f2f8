/* SPDX-License-Identifier: MIT */
/*
 * crampctl doctor: looks at all that an alert at night depends on, and tells what to do about what is
 * wrong. It changes nothing, and works without crampd, without systemd and without a desktop.
 */
#include "dbus/crampctl/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/words.h"

#define TIMEOUT_MS 5000
#define BUS_SERVICE "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

static const char help[] =
        "Usage: crampctl doctor [OPTION...]\n"
        "\n"
        "Check all that an alert at night depends on, and tell what to do about what is wrong. Nothing "
        "is changed. Run it\n"
        "in your desktop session; with sudo it cannot see your desktop.\n"
        "\n"
        "Each line begins with ok, warning (it works, but not as well as it could), failed, or unknown "
        "(it cannot be told\n"
        "from here), and the check: bus, account, service, policy, caller, database, clock, bluetoothd, "
        "adapter, rfkill,\n"
        "sensors, notifications, agent.\n"
        "\n"
        "Options:\n"
        "      --root=DIR         Look for the files of the system (policy, accounts, radio switches) "
        "in "
        "DIR\n" COMMON_OPTIONS_HELP "\n"
        "The exit code is 0 if nothing failed, else that of the first check that did: 67 account, 69 "
        "bus, service,\n"
        "bluetoothd, adapter, rfkill, sensors or notifications, 74 database, 77 caller, 78 policy.\n"
        "\n"
        "Examples:\n"
        "  crampctl doctor\n"
        "  crampctl doctor --json | jq -r 'select(.result == \"failed\") | .remedy'\n";

struct check {
        const char *name;
        int code; /* when it fails */
        void (*run)(struct doctor *doctor);
};

/* In this order: each needs what stands before it. */
static const struct check checks[] = {
        {"bus", EX_UNAVAILABLE, check_bus},
        {"account", EX_NOUSER, check_account},
        {"service", EX_UNAVAILABLE, check_service},
        {"policy", EX_CONFIG, check_policy},
        {"caller", EX_NOPERM, check_caller},
        {"database", EX_IOERR, check_database},
        {"clock", EX_UNAVAILABLE, check_clock},
        {"bluetoothd", EX_UNAVAILABLE, check_bluetoothd},
        {"adapter", EX_UNAVAILABLE, check_adapter},
        {"rfkill", EX_UNAVAILABLE, check_rfkill},
        {"sensors", EX_UNAVAILABLE, check_sensors},
        {"notifications", EX_UNAVAILABLE, check_notifications},
        {"agent", EX_UNAVAILABLE, check_agent},
};

static const struct {
        const char *word, *colour;
} findings[] = {
        [FINDING_OK] = {N_("ok"), ""},
        [FINDING_WARNING] = {N_("warning"), TEXT_BOLD},
        [FINDING_FAILED] = {N_("failed"), TEXT_ALARM},
        [FINDING_UNKNOWN] = {N_("unknown"), ""},
};

/* --- for the checks --- */

void doctor_tell(struct doctor *doctor, enum finding finding, const char *remedy, const char *format,
                 ...) {
        char text[2048];
        va_list arguments;
        size_t length;

        va_start(arguments, format);
        if (vsnprintf(text, sizeof(text), _(format), arguments) < 0)
                text[0] = 0;
        va_end(arguments);
        /* Some of what others say ends as sentences do, and is put into one. */
        length = strlen(text);
        if (length > 1 && strcmp(text + length - 2, "..") == 0)
                text[length - 1] = 0;

        doctor->findings[finding]++;
        if (finding == FINDING_FAILED && doctor->code == 0)
                doctor->code = doctor->check->code;

        if (doctor->as_json) {
                json_object_begin(&doctor->json, NULL);
                json_string(&doctor->json, "check", doctor->check->name);
                json_string(&doctor->json, "result", findings[finding].word);
                json_string(&doctor->json, "text", text);
                json_string(&doctor->json, "remedy", remedy ? _(remedy) : NULL);
                json_object_end(&doctor->json);
                (void)json_finish(&doctor->json);
                return;
        }
        printf("%s%-8s%s %-14s ", doctor->colour ? findings[finding].colour : "",
               _(findings[finding].word),
               doctor->colour && findings[finding].colour[0] ? TEXT_PLAIN : "", doctor->check->name);
        text_write(stdout, text);
        if (remedy)
                printf(" %s", _(remedy));
        putchar('\n');
}

FILE *doctor_open(const struct doctor *doctor, const char *path) {
        _cleanup_(freep) char *below = NULL;

        if (asprintf(&below, "%s%s", doctor->root, path) < 0) {
                below = NULL;
                errno = ENOMEM;
                return NULL;
        }
        return fopen(below, "re");
}

static int first_keep(const char *const *keys, const char *value, void *userdata) {
        char *text = userdata;

        if (!text[0])
                (void)snprintf(text, DOCTOR_TEXT_MAX, "%s", value);
        return 0;
}

int doctor_ask(crampd_client *client, const struct question *question, char ret[static DOCTOR_TEXT_MAX],
               struct crampd_error *error) {
        ret[0] = 0;
        if (!client)
                return -ENOTCONN;
        return crampd_ask(client, question->service, question->path, question->interface,
                          question->method, question->arguments, first_keep, ret, error);
}

bool doctor_is_on_bus(crampd_client *client, const char *service) {
        const struct question question = {BUS_SERVICE, BUS_PATH, BUS_SERVICE, "NameHasOwner", {service}};
        char answer[DOCTOR_TEXT_MAX];

        return doctor_ask(client, &question, answer, NULL) == 0 && strcmp(answer, "true") == 0;
}

struct search {
        const char *wanted;
        bool found;
};

static int search_compare(const char *const *keys, const char *value, void *userdata) {
        struct search *search = userdata;

        search->found = search->found || strcmp(value, search->wanted) == 0;
        return 0;
}

bool doctor_is_activatable(crampd_client *client, const char *service) {
        struct search search = {.wanted = service};

        return client &&
               crampd_ask(client, BUS_SERVICE, BUS_PATH, BUS_SERVICE, "ListActivatableNames", NULL,
                          search_compare, &search, NULL) == 0 &&
               search.found;
}

/* --- the verb --- */

static void buses_open(struct doctor *doctor) {
        if (crampd_client_new(&doctor->system, &doctor->system_error) == 0)
                crampd_client_set_timeout(doctor->system, TIMEOUT_MS);
        if (crampd_client_new_session(&doctor->session, &doctor->session_error) == 0)
                crampd_client_set_timeout(doctor->session, TIMEOUT_MS);
        pipes_restore();
}

static void doctor_clear(struct doctor *doctor) {
        crampd_status_free(doctor->status);
        doctor->system = crampd_client_free(doctor->system);
        doctor->session = crampd_client_free(doctor->session);
}

static void summary_print(const struct doctor *doctor) {
        unsigned failed = doctor->findings[FINDING_FAILED], warned = doctor->findings[FINDING_WARNING],
                 unknown = doctor->findings[FINDING_UNKNOWN];

        putchar('\n');
        if (failed + warned == 0)
                fputs(_("Nothing is wrong"), stdout);
        else
                printf(warned == 1 ? _("%u failed, 1 warning") : _("%u failed, %u warnings"), failed,
                       warned);
        if (unknown > 0)
                printf(_("; %u could not be told"), unknown);
        puts(".");
}

int verb_doctor(const struct global_options *global, int argc, char *argv[]) {
        enum { OPTION_ROOT = OPTION_VERB };
        static const struct option options[] = {
                COMMON_OPTIONS,
                {"root", required_argument, NULL, OPTION_ROOT},
                {},
        };
        struct global_options g = *global;
        struct doctor doctor = {.root = "", .json = JSON_INIT(stdout)};
        int c, code;

        while ((c = option_next(&g, argc, argv, ":h", options)) >= 0)
                switch (c) {
                case 'h':
                        return help_print(help);
                case OPTION_ROOT:
                        doctor.root = optarg;
                        break;
                default:
                        return EX_USAGE;
                }
        code = operands_refuse(argc, argv);
        if (code != 0)
                return code;

        doctor.as_json = g.json;
        if (g.json) /* for programs: the same in every language */
                (void)words_choose("en");
        doctor.colour = text_may_colour(stdout);
        buses_open(&doctor);
        for (size_t i = 0; i < ARRAY_LENGTH(checks); i++) {
                doctor.check = checks + i;
                doctor.check->run(&doctor);
                (void)fflush(stdout);
        }
        if (!g.json && !g.no_legend)
                summary_print(&doctor);
        doctor_clear(&doctor);
        code = output_finish_stdout();
        return code != 0 ? code : doctor.code;
}
