/* SPDX-License-Identifier: MIT */
/*
 * crampctl detector: why an alert was raised, how much evidence alerts take, and what is learnt. Each of
 * its words (explain, ...) is a function below, listed in the table at the end.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/episode.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"

/* Width of the evidence's bars at what the alert took. */
#define BAR_CELLS 40
/* Rows of evidence shown to people; --json has them all. */
#define POINT_ROWS_MAX 24u

static const char help[] =
        "Usage: crampctl detector explain [OPTION...] EPISODE\n"
        "       crampctl detector show [OPTION...] SENSOR\n"
        "       crampctl detector learn [OPTION...] SENSOR on|off|reset\n"
        "\n"
        "explain tells which evidence raised an alert, when, and how much. EPISODE is an id, as "
        "'crampctl history' shows it,\n"
        "or 'last'. Evidence is counted in seconds of a strong, unbroken cramp of one muscle: a weaker "
        "level, dips and other\n"
        "muscles that move along make a second count for less.\n"
        "\n"
        "show tells how much evidence SENSOR's alerts take, and what 'crampctl annotate' speaks for. "
        "learn on lets alerts\n"
        "follow that, within the bounds that show tells, from the next night on; off (as it is until "
        "you say otherwise) and\n"
        "reset, which also forgets what was said so far, bring back the detector as it was, at once. "
        "SENSOR is an id, an\n"
        "address or a name.\n"
        "\n"
        "Options:\n" COMMON_OPTIONS_HELP "\n"
        "Examples:\n"
        "  crampctl detector explain last\n"
        "  crampctl detector show \"left calf\"\n"
        "  crampctl detector learn \"left calf\" on\n"
        "  crampctl detector explain --json 4f1c2a9be0d35a77\n";

static void account_freep(struct crampd_account **account) {
        crampd_account_free(*account);
}

static void episode_clearp(struct crampd_episode *episode) {
        episode_copy_clear(episode);
}

static void text_line(const char *before, const char *text, const char *after) {
        fputs(before, stdout);
        text_write(stdout, text);
        fputs(after, stdout);
}

/* --- explain --- */

static int account_print_json(const struct crampd_episode *episode,
                              const struct crampd_account *account) {
        struct json json = JSON_INIT(stdout);

        json_object_begin(&json, NULL);
        json_string(&json, "id", episode->id);
        json_int(&json, "onset_us", episode->onset_us);
        json_int(&json, "alert_us", episode->alert_us);
        json_string(&json, "sensitivity", account->sensitivity);
        json_double(&json, "evidence_factor", account->evidence_factor, 4);
        json_double(&json, "needed_s", account->needed_s, 3);
        json_int(&json, "from_us", account->from_us);
        json_double(&json, "active_s", account->active_s, 3);
        json_double(&json, "unbroken_s", account->unbroken_s, 3);
        json_double(&json, "ratio_alert", account->ratio_alert, 3);
        json_double(&json, "ratio_peak", account->ratio_peak, 3);
        json_uint(&json, "bridged", account->bridged);
        json_uint(&json, "dips", account->dips);
        json_double(&json, "together", account->together, 3);
        json_uint(&json, "channels", account->channels);
        json_array_begin(&json, "took_part");
        for (unsigned i = 0; i < 32; i++)
                if (account->took_part & UINT32_C(1) << i)
                        json_uint(&json, NULL, i);
        json_array_end(&json);
        json_string(&json, "quality", account->quality);
        json_int(&json, "point_us", account->point_us);
        json_array_begin(&json, "evidence_s");
        for (size_t i = 0; i < account->n_points; i++)
                json_double(&json, NULL, account->evidence_s[i], 2);
        json_array_end(&json);
        json_object_end(&json);
        (void)json_finish(&json);
        return output_finish_stdout();
}

static void others_print(const struct crampd_account *account) {
        unsigned parts = (unsigned)__builtin_popcount(account->took_part);

        if (account->channels < 2 || isnan(account->together)) {
                puts("  Other muscles:    nobody can tell: no other channel showed any");
                return;
        }
        printf("  Other muscles:    %.0f %% of what the other channels could have shown; %u of %u "
               "channels rose together%s\n",
               account->together * 100.0, parts, account->channels,
               parts == 1 ? " (one muscle alone speaks for a cramp)" : "");
}

static void course_print(const struct crampd_episode *episode, const struct crampd_account *account) {
        size_t step = (account->n_points + POINT_ROWS_MAX - 1) / POINT_ROWS_MAX;
        const char *cell = text_is_utf8() ? "█" : "#";

        if (account->n_points == 0)
                return;
        printf("  Evidence over time, of %.1f s needed:\n", account->needed_s);
        for (size_t i = step - 1; i < account->n_points; i += step) {
                int64_t time_us = account->from_us + (int64_t)(i + 1) * account->point_us;
                double share = account->needed_s > 0 ? account->evidence_s[i] / account->needed_s : 0;
                char time[TIMESTAMP_SIZE];

                timestamp_format_people(time_us, episode->zone_offset_s, time);
                printf("    %s  %5.1f s  ", time, account->evidence_s[i]);
                for (int k = 0; k < BAR_CELLS && k + 0.5 < share * BAR_CELLS; k++)
                        fputs(cell, stdout);
                putchar('\n');
        }
}

static int account_print(const struct crampd_episode *episode, const struct crampd_account *account) {
        char onset[TIMESTAMP_SIZE], alert[TIMESTAMP_SIZE], from[TIMESTAMP_SIZE];

        timestamp_format_people(episode->onset_us, episode->zone_offset_s, onset);
        timestamp_format_people(episode->alert_us, episode->zone_offset_s, alert);
        timestamp_format_people(account->from_us, episode->zone_offset_s, from);
        text_line("Episode ", episode->id, "");
        printf(": onset %s, alert %s\n", onset, alert);
        printf("  Level:            %.1f times rest at the alert, %.1f at its highest\n",
               account->ratio_alert, account->ratio_peak);
        printf("  Evidence needed:  %.1f s (sensitivity ", account->needed_s);
        text_write(stdout, account->sensitivity);
        if (account->evidence_factor != 1.0)
                printf(", times %.2f learnt from what you said of alerts", account->evidence_factor);
        printf(")\n  Activity:         %.1f s from %s to the alert, the last %.1f s unbroken\n",
               account->active_s, from, account->unbroken_s);
        printf("  Dips:             %u short (up to 0.1 s) and bridged; %u longer: they count against "
               "it\n",
               account->bridged, account->dips);
        others_print(account);
        text_line("  Signal:           ", account->quality, "\n");
        course_print(episode, account);
        return output_finish_stdout();
}

static int episode_keep(const struct crampd_episode *episode, void *userdata) {
        return episode_copy(episode, userdata);
}

static int explain_run(const struct global_options *global, const char *said) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(account_freep) struct crampd_account *account = NULL;
        _cleanup_(episode_clearp) struct crampd_episode episode = {};
        _cleanup_(freep) char *id = NULL;
        struct crampd_error error = {};
        int code, r;

        code = client_open(&client);
        if (code == 0)
                code = episode_find(client, said, &id);
        if (code != 0)
                return code;
        r = crampd_get_episode(client, id, episode_keep, &episode, &error);
        if (r >= 0)
                r = crampd_explain_episode(client, id, &account, &error);
        if (r < 0)
                return fail_client(r, &error);
        return global->json ? account_print_json(&episode, account) : account_print(&episode, account);
}

static int explain(const struct global_options *global, int argc, char *argv[]) {
        if (argc != 1)
                return fail(EX_USAGE,
                            "explain which episode? Give its id, or 'last'; 'crampctl history' "
                            "lists them");
        return explain_run(global, argv[0]);
}

/* --- show --- */

static int detector_print_json(const struct crampd_detector *detector) {
        struct json json = JSON_INIT(stdout);

        json_object_begin(&json, NULL);
        json_string(&json, "sensitivity", detector->sensitivity);
        json_double(&json, "needed_s", detector->needed_s, 3);
        json_bool(&json, "learning", detector->learning);
        json_double(&json, "proposed", detector->proposed, 4);
        json_double(&json, "applied", detector->applied, 4);
        json_double(&json, "factor_min", detector->factor_min, 4);
        json_double(&json, "factor_max", detector->factor_max, 4);
        json_uint(&json, "confirmed", detector->confirmed);
        json_uint(&json, "false_alarms", detector->false_alarms);
        json_uint(&json, "missed", detector->missed);
        json_uint(&json, "verdicts_min", detector->verdicts_min);
        json_uint(&json, "half_days", detector->half_days);
        json_string(&json, "reason", detector->reason);
        if (detector->since_us == CRAMPD_NO_TIME)
                json_null(&json, "since_us");
        else
                json_int(&json, "since_us", detector->since_us);
        json_object_end(&json);
        (void)json_finish(&json);
        return output_finish_stdout();
}

static int detector_print(const struct crampd_detector *detector) {
        char since[TIMESTAMP_SIZE];

        text_line("Sensitivity:   ", detector->sensitivity, "\n");
        printf("An alert takes %.1f s of evidence now (factor %.2f)\n", detector->needed_s,
               detector->applied);
        printf("Learning:      %s\n", detector->learning ? "on" : "off");
        printf("Annotated:     %u confirmed, %u false alarms, %u missed (at least %u are needed; each "
               "counts half after %u days)\n",
               detector->confirmed, detector->false_alarms, detector->missed, detector->verdicts_min,
               detector->half_days);
        if (detector->since_us != CRAMPD_NO_TIME) {
                timestamp_format_people(detector->since_us, timestamp_local_offset(detector->since_us),
                                        since);
                printf("               what was said before %s is forgotten\n", since);
        }
        printf("They propose:  factor %.2f (bounds %.2f to %.2f)%s\n", detector->proposed,
               detector->factor_min, detector->factor_max,
               detector->learning ? ", from the next night on" : ", which is not applied");
        text_line("               ", detector->reason, "\n");
        return output_finish_stdout();
}

static void detector_freep(struct crampd_detector **detector) {
        crampd_detector_free(*detector);
}

static int show(const struct global_options *global, int argc, char *argv[]) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(detector_freep) struct crampd_detector *detector = NULL;
        _cleanup_(freep) char *path = NULL;
        struct crampd_error error = {};
        int code, r;

        if (argc != 1)
                return fail(EX_USAGE, "show which sensor's? 'crampctl sensors' lists them");
        code = sensor_open(argv[0], &client, &path);
        if (code != 0)
                return code;
        r = crampd_get_detector(client, path, &detector, &error);
        if (r < 0)
                return fail_client(r, &error);
        return global->json ? detector_print_json(detector) : detector_print(detector);
}

/* --- learn --- */

static int learn(const struct global_options *global, int argc, char *argv[]) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(freep) char *path = NULL;
        struct crampd_sensor_options options = {};
        struct crampd_error error = {};
        int code, r;

        if (argc != 2)
                return fail(EX_USAGE, "write 'crampctl detector learn SENSOR on', off or reset");
        options.forget = strcmp(argv[1], "reset") == 0;
        options.has_learning = !options.forget;
        options.learning = strcmp(argv[1], "on") == 0;
        if (!options.forget && !options.learning && strcmp(argv[1], "off") != 0)
                return fail(EX_USAGE, "learn knows on, off and reset, not '%s'", argv[1]);
        code = sensor_open(argv[0], &client, &path);
        if (code != 0)
                return code;
        r = crampd_edit_sensor(client, path, &options, &error);
        if (r < 0)
                return fail_client(r, &error);
        if (!global->json && !global->no_legend)
                puts(options.forget ? "Forgotten: alerts take what the sensitivity says."
                     : options.learning
                             ? "On: from the next night on alerts follow what you say of them."
                             : "Off: alerts take what the sensitivity says.");
        return output_finish_stdout();
}

/* --- words --- */

static const struct word {
        const char *name;
        int (*run)(const struct global_options *global, int argc, char *argv[]);
} words[] = {
        {"explain", explain},
        {"learn", learn},
        {"show", show},
};

int verb_detector(const struct global_options *global, int argc, char *argv[]) {
        static const struct option options[] = {COMMON_OPTIONS, {}};
        struct global_options g = *global;
        int c = option_next(&g, argc, argv, ":h", options);

        if (c >= 0)
                return c == 'h' ? help_print(help) : EX_USAGE;
        for (size_t i = 0; optind < argc && i < ARRAY_LENGTH(words); i++)
                if (strcmp(words[i].name, argv[optind]) == 0)
                        return words[i].run(&g, argc - optind - 1, argv + optind + 1);
        return fail(EX_USAGE, "what of the detector? See 'crampctl detector --help'");
}
