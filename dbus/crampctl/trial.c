/* SPDX-License-Identifier: MIT */
/*
 * crampctl trial: did a change help you?
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/guidance.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/pager.h"
#include "dbus/crampctl/text.h"

static const char help[] =
        "Usage: crampctl trial [OPTION...] start NUTRIENT\n"
        "       crampctl trial [OPTION...] stop\n"
        "       crampctl trial [OPTION...] show\n"
        "       crampctl trial [OPTION...] delete ID\n"
        "\n"
        "Compare your nights without and with a change. Only nights that were really watched count, and "
        "the "
        "result never\n"
        "says more than they can tell. What your profile forbids, or does not say enough of, cannot be "
        "tried.\n"
        "\n"
        "Options:\n"
        "      --from=DATE        Of start: the first day with the change (default: today)\n"
        "      --alternating      Of start: blocks without, with, without, ... instead of before and "
        "after\n"
        "      --baseline=DAYS    Of start: days before that count (default: 56)\n"
        "      --block=DAYS       Of start: the length of a block (default: 28)\n"
        "      --washout=DAYS     Of start: days left out after a change (default: 7)\n"
        "      --on=DATE          Of stop: the first day that does not count any more (default: "
        "today)\n" OWNER_HELP COMMON_OPTIONS_HELP "\n"
        "DATE is like 2026-11-23, and not in the future.\n"
        "\n"
        "Examples:\n"
        "  crampctl trial start magnesium --from 2026-11-01\n"
        "  crampctl trial show\n";

#define DAYS_MAX 3660ul

/* --- showing --- */

struct listing {
        struct json json;
        bool as_json;
        bool legend;
        unsigned n;
};

static void trial_write_json(struct json *json, const struct crampd_trial *trial) {
        json_object_begin(json, NULL);
        json_string(json, "id", trial->id);
        json_string(json, "nutrient", trial->nutrient);
        json_string(json, "design", trial->design);
        json_string(json, "start_day", trial->start_day);
        json_string(json, "end_day", trial->end_day);
        json_uint(json, "baseline_days", trial->baseline_days);
        json_uint(json, "block_days", trial->block_days);
        json_uint(json, "washout_days", trial->washout_days);
        json_string(json, "forbidden", trial->forbidden);
        json_uint(json, "nights_without", trial->nights_without);
        json_uint(json, "nights_with", trial->nights_with);
        json_uint(json, "nights_left_out", trial->nights_left_out);
        json_uint(json, "clusters_without", trial->clusters_without);
        json_uint(json, "clusters_with", trial->clusters_with);
        json_double(json, "mean_s_without", trial->mean_s_without, 1);
        json_double(json, "mean_s_with", trial->mean_s_with, 1);
        json_double(json, "mean_pain_without", trial->mean_pain_without, 2);
        json_double(json, "mean_pain_with", trial->mean_pain_with, 2);
        json_uint(json, "cramps_without", trial->cramps_without);
        json_uint(json, "cramps_with", trial->cramps_with);
        json_uint(json, "strong_without", trial->strong_without);
        json_uint(json, "strong_with", trial->strong_with);
        json_uint(json, "reported_without", trial->reported_without);
        json_uint(json, "reported_with", trial->reported_with);
        json_uint(json, "reported_left_out", trial->reported_left_out);
        json_double(json, "ratio", trial->ratio, 6);
        json_double(json, "ratio_low", trial->ratio_low, 6);
        json_double(json, "ratio_high", trial->ratio_high, 6);
        json_double(json, "p_value", trial->p_value, 6);
        json_double(json, "smallest_effect", trial->smallest_effect, 6);
        json_double(json, "dispersion", trial->dispersion, 6);
        json_string(json, "verdict", trial->verdict);
        json_string(json, "text", trial->text);
        json_object_end(json);
}

static int trial_take(const struct crampd_trial *trial, void *userdata) {
        struct listing *listing = userdata;

        if (listing->as_json) {
                listing->n++;
                trial_write_json(&listing->json, trial);
                return json_finish(&listing->json);
        }
        if (listing->n++ > 0)
                fputc('\n', stdout);
        text_write(stdout, trial->nutrient);
        fputs(", ", stdout);
        text_write(stdout, words_of_list(trial->design));
        fputs(_(", from "), stdout);
        text_write(stdout, trial->start_day);
        fputs(trial->end_day ? _(" to ") : _(", running"), stdout);
        text_write(stdout, trial->end_day);
        if (listing->legend) {
                fputs(" (", stdout);
                text_write(stdout, trial->id);
                fputs(")", stdout);
        }
        fputc('\n', stdout);
        if (trial->forbidden) {
                printf("  %s ", _("Stop:"));
                text_write(stdout, trial->forbidden);
                fputc('\n', stdout);
        }
        paragraph_write("  ", trial->text);
        return 0;
}

static int run_show(crampd_client *client, const struct global_options *global, unsigned owner) {
        struct listing listing = {
                .json = JSON_INIT(stdout), .as_json = global->json, .legend = !global->no_legend};
        struct crampd_error error = {};
        int r = crampd_list_trials(client, owner, trial_take, &listing, &error);

        if (r < 0 && !ferror(stdout))
                return fail_client(r, &error);
        if (listing.n == 0 && !global->json && !global->no_legend)
                puts(_("There is no trial; 'crampctl trial start NUTRIENT' begins one."));
        return output_finish_stdout();
}

/* --- steering --- */

static int run_start(crampd_client *client, const struct global_options *global, unsigned owner,
                     const struct crampd_trial_plan *plan) {
        struct json json = JSON_INIT(stdout);
        struct crampd_error error = {};
        char *id;
        int r = crampd_start_trial(client, owner, plan, &id, &error);

        if (r < 0)
                return fail_client(r, &error);
        if (global->json) {
                json_object_begin(&json, NULL);
                json_string(&json, "id", id);
                json_object_end(&json);
                (void)json_finish(&json);
        } else if (!global->no_legend)
                puts(_("The trial runs. Keep the sensor on at night, log what you take, and decide "
                       "before "
                       "you look when it shall end."));
        free(id);
        return output_finish_stdout();
}

static int days_take(const char *name, unsigned least, unsigned *ret) {
        char *end;
        unsigned long value;

        errno = 0;
        value = strtoul(optarg, &end, 10);
        if (optarg[0] < '0' || optarg[0] > '9' || *end || errno != 0 || value < least ||
            value > DAYS_MAX)
                return fail(EX_USAGE,
                            "%s does not understand '%s'; write a number of days from %u to %lu", name,
                            optarg, least, DAYS_MAX);
        *ret = (unsigned)value;
        return 0;
}

/* The command line, read. */
struct command {
        struct global_options global;
        struct crampd_trial_plan plan;
        const char *on, *user;
};

static int run(struct command *command, int n, char *words[]) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        const char *what = n > 0 ? words[0] : "show";
        bool start = strcmp(what, "start") == 0, gone = strcmp(what, "delete") == 0;
        struct crampd_error error = {};
        unsigned owner;
        int code, r;

        if (!start && !gone && strcmp(what, "stop") != 0 && strcmp(what, "show") != 0)
                return fail(EX_USAGE, "trial does not know '%s'; write start, stop, show or delete",
                            what);
        if (n > (start || gone ? 2 : 1))
                return fail(EX_USAGE, "'%s' is one word too many; see 'crampctl trial --help'",
                            words[n - 1]);
        if ((start || gone) && n < 2)
                return fail(EX_USAGE, start ? _("which nutrient? See 'crampctl nutrients'")
                                            : _("which trial? 'crampctl trial show' tells its id"));
        code = guidance_open(command->user, &client, &owner);
        if (code != 0)
                return code;
        if (start) {
                command->plan.nutrient = words[1];
                return run_start(client, &command->global, owner, &command->plan);
        }
        if (strcmp(what, "show") == 0) {
                pager_open(&command->global);
                return run_show(client, &command->global, owner);
        }
        r = gone ? crampd_delete_trial(client, owner, words[1], &error)
                 : crampd_stop_trial(client, owner, command->on, &error);
        return r < 0 ? fail_client(r, &error) : 0;
}

int verb_trial(const struct global_options *global, int argc, char *argv[]) {
        enum {
                OPTION_FROM = OPTION_VERB,
                OPTION_ALTERNATING,
                OPTION_BASELINE,
                OPTION_BLOCK,
                OPTION_WASHOUT,
                OPTION_ON,
        };
        static const struct option long_options[] = {
                COMMON_OPTIONS,
                OWNER_OPTION,
                {"from", required_argument, NULL, OPTION_FROM},
                {"alternating", no_argument, NULL, OPTION_ALTERNATING},
                {"baseline", required_argument, NULL, OPTION_BASELINE},
                {"block", required_argument, NULL, OPTION_BLOCK},
                {"washout", required_argument, NULL, OPTION_WASHOUT},
                {"on", required_argument, NULL, OPTION_ON},
                {},
        };
        struct command command = {.global = *global};
        struct crampd_trial_plan *plan = &command.plan;
        int c, code = 0;

        while ((c = option_next(&command.global, argc, argv, ":h", long_options)) >= 0) {
                switch (c) {
                case 'h':
                        return help_print(help);
                case OPTION_OWNER:
                        command.user = optarg;
                        break;
                case OPTION_FROM:
                        plan->from = optarg;
                        break;
                case OPTION_ALTERNATING:
                        plan->design = "alternating";
                        break;
                case OPTION_BASELINE:
                        code = days_take("--baseline", 1, &plan->baseline_days);
                        break;
                case OPTION_BLOCK:
                        code = days_take("--block", 1, &plan->block_days);
                        break;
                case OPTION_WASHOUT:
                        plan->has_washout = true;
                        code = days_take("--washout", 0, &plan->washout_days);
                        break;
                case OPTION_ON:
                        command.on = optarg;
                        break;
                default:
                        return EX_USAGE;
                }
                if (code != 0)
                        return code;
        }
        return run(&command, argc - optind, argv + optind);
}
