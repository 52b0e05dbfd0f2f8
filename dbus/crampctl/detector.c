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
#include "dbus/crampctl/event.h"
#include "dbus/crampctl/json.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

/* Width of the evidence's bars at what the alert took. */
#define BAR_CELLS 36
#define EVIDENCE_CELLS 6u
/* Points are told from the beginning of the evidence, on a grid of milliseconds. */
#define SAME_MOMENT_US 20000.0
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

static void text_line(const char *before, const char *text, const char *after) {
        fputs(before, stdout);
        text_write(stdout, text);
        fputs(after, stdout);
}

/* All values begin in one column. */
static void label_print(const char *label) {
        printf("  %s%*s", label, text_width(label) < 17 ? (int)(18 - text_width(label)) : 1, "");
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
        json_double(&json, "again_factor", account->again_factor, 4);
        json_double(&json, "needed_s", account->needed_s, 3);
        json_int(&json, "from_us", account->from_us);
        json_double(&json, "active_s", account->active_s, 3);
        json_double(&json, "unbroken_s", account->unbroken_s, 3);
        json_double(&json, "ratio_alert", account->ratio_alert, 3);
        json_double(&json, "ratio_peak", account->ratio_peak, 3);
        json_uint(&json, "bridged", account->bridged);
        json_uint(&json, "dips", account->dips);
        json_double(&json, "together", account->together, 3);
        json_double(&json, "moved", account->moved, 3);
        json_double(&json, "slow", account->slow, 3);
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

        label_print(_("Other muscles:"));
        if (isnan(account->together)) {
                puts(_("nobody can tell: no other channel showed any"));
                return;
        }
        if (account->channels < 2) {
                printf(_("%s %% of what your other sensors could have shown\n"),
                       words_figure(account->together * 100.0, 0).text);
                return;
        }
        printf(_("%.0f %% of what the other channels could have shown; %u of %u channels rose together"),
               account->together * 100.0, parts, account->channels);
        puts(parts == 1 ? _(" (one muscle alone speaks for a cramp)") : "");
}

/* Nothing without an accelerometer. */
static void limb_print(const struct crampd_account *account) {
        if (isnan(account->moved))
                return;
        label_print(_("Limb:"));
        puts(account->moved < 0.1 ? _("still when it began")
                                  : _("moved when it began: such evidence counts less"));
}

/* Nothing where there is no slow voltage to tell from. */
static void slow_print(const struct crampd_account *account) {
        if (isnan(account->slow))
                return;
        label_print(_("Slow voltage:"));
        if (account->slow < 0.05)
                puts(_("hardly any beside the muscle's: electrodes and cable kept still"));
        else
                printf(_("%s %% of what moved electrodes or cables bring: such evidence counts less\n"),
                       words_figure(account->slow * 100.0, 0).text);
}

/* Another cramp is likelier for an hour, so that less evidence is enough. */
static void again_print(double factor) {
        if (factor < 1.0)
                printf(_(", times %s in the hour after a cramp"), words_figure(factor, 2).text);
}

/* `share`: of what the alert took. */
static void evidence_print(int64_t time_us, int zone_offset_s, const char *evidence, double share,
                           const char *remark) {
        const char *cell = text_is_utf8() ? "█" : "#";
        char time[TIMESTAMP_SIZE];
        size_t width = text_width(evidence);

        timestamp_format_people(time_us, zone_offset_s, time);
        printf("    %s  %*s%s s  ", time, (int)(width < EVIDENCE_CELLS ? EVIDENCE_CELLS - width : 0), "",
               evidence);
        for (int k = 0; k < BAR_CELLS && k + 0.5 < share * BAR_CELLS; k++)
                fputs(cell, stdout);
        puts(remark);
}

static int64_t point_time(const struct crampd_account *account, size_t i) {
        return account->from_us + (int64_t)(i + 1) * account->point_us;
}

/* Negative before the alert. As floating point, for times may lie further apart than int64 reaches. */
static double after_alert_us(const struct crampd_episode *episode, int64_t time_us) {
        return (double)time_us - (double)episode->alert_us;
}

/* At the alert's own time the evidence was kept only if a point fell on it; that it was enough is why
 * there was an alert. */
static void alert_print(const struct crampd_episode *episode, const struct crampd_account *account) {
        size_t last = account->n_points - 1;
        char evidence[TEXT_NUMBER_SIZE];

        if (fabs(after_alert_us(episode, point_time(account, last))) <= SAME_MOMENT_US)
                (void)snprintf(evidence, sizeof(evidence), "%.40s",
                               words_figure(account->evidence_s[last], 1).text);
        else
                (void)snprintf(evidence, sizeof(evidence), "%s%.40s",
                               text_is_utf8() ? "≥" : ">=", words_figure(account->needed_s, 1).text);
        evidence_print(episode->alert_us, episode->zone_offset_s, evidence, 1, _(" alert"));
}

static void course_print(const struct crampd_episode *episode, const struct crampd_account *account) {
        size_t step = (account->n_points + POINT_ROWS_MAX - 1) / POINT_ROWS_MAX;

        if (account->n_points == 0)
                return;
        printf("  ");
        printf(_("Evidence over time, of %s s needed:"), words_figure(account->needed_s, 1).text);
        putchar('\n');
        for (size_t i = step - 1; i < account->n_points; i += step) {
                int64_t time_us = point_time(account, i);
                double share = account->needed_s > 0 ? account->evidence_s[i] / account->needed_s : 0;

                if (after_alert_us(episode, time_us) < -SAME_MOMENT_US)
                        evidence_print(time_us, episode->zone_offset_s,
                                       words_figure(account->evidence_s[i], 1).text, share, "");
        }
        alert_print(episode, account);
}

static int account_print(const struct crampd_episode *episode, const struct crampd_account *account) {
        char onset[TIMESTAMP_SIZE], alert[TIMESTAMP_SIZE], from[TIMESTAMP_SIZE];

        timestamp_format_people(episode->onset_us, episode->zone_offset_s, onset);
        timestamp_format_people(episode->alert_us, episode->zone_offset_s, alert);
        timestamp_format_people(account->from_us, episode->zone_offset_s, from);
        text_line(_("Episode "), episode->id, episode->simulated ? _(" [simulated]") : "");
        printf(_(": onset %s, alert %s"), onset, alert);
        putchar('\n');
        label_print(_("Level:"));
        printf(_("%s times rest at the alert, %s at its highest"),
               words_figure(account->ratio_alert, 1).text, words_figure(account->ratio_peak, 1).text);
        putchar('\n');
        label_print(_("Evidence needed:"));
        printf(_("%s s (sensitivity "), words_figure(account->needed_s, 1).text);
        text_write(stdout, words_of_list(account->sensitivity));
        if (account->evidence_factor != 1.0)
                printf(_(", times %s learnt from what you said of alerts"),
                       words_figure(account->evidence_factor, 2).text);
        again_print(account->again_factor);
        puts(")");
        label_print(_("Activity:"));
        printf(_("%s s from %s to the alert, the last %s s unbroken"),
               words_figure(account->active_s, 1).text, from, words_figure(account->unbroken_s, 1).text);
        putchar('\n');
        label_print(_("Dips:"));
        printf(_("%u short (up to %s s) and bridged; %u longer: they count against it"),
               account->bridged, words_figure(0.1, 1).text, account->dips);
        putchar('\n');
        others_print(account);
        limb_print(account);
        slow_print(account);
        label_print(_("Signal:"));
        text_line("", signal_describe(account->quality) ?: words_of_list(account->quality), "\n");
        course_print(episode, account);
        return output_finish_stdout();
}

static int explain_run(const struct global_options *global, const char *said) {
        _cleanup_(client_freep) crampd_client *client = NULL;
        _cleanup_(account_freep) struct crampd_account *account = NULL;
        _cleanup_(episode_copy_clear) struct crampd_episode episode = {};
        struct crampd_error error = {};
        int code, r;

        code = episode_open(said, &client, &episode);
        if (code != 0)
                return code;
        r = crampd_explain_episode(client, episode.id, &account, &error);
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
        json_double(&json, "again_factor", detector->again_factor, 4);
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

        text_line(_("Sensitivity:   "), words_of_list(detector->sensitivity), "\n");
        printf(_("An alert takes %s s of evidence now (factor %s"),
               words_figure(detector->needed_s, 1).text, words_figure(detector->applied, 2).text);
        again_print(detector->again_factor);
        puts(")");
        puts(detector->learning ? _("Learning:      on") : _("Learning:      off"));
        printf(_("Annotated:     confirmed %u, false alarms %u, missed %u (at least %u are needed; each "
                 "counts half after %u days)"),
               detector->confirmed, detector->false_alarms, detector->missed, detector->verdicts_min,
               detector->half_days);
        putchar('\n');
        if (detector->since_us != CRAMPD_NO_TIME) {
                timestamp_format_people(detector->since_us, timestamp_local_offset(detector->since_us),
                                        since);
                printf("               ");
                printf(_("what was said before %s is forgotten"), since);
                putchar('\n');
        }
        printf(_("They propose:  factor %s (bounds %s to %s)"), words_figure(detector->proposed, 2).text,
               words_figure(detector->factor_min, 2).text, words_figure(detector->factor_max, 2).text);
        puts(detector->learning ? _(", from the next night on") : _(", which is not applied"));
        text_line("               ", _(detector->reason), "\n");
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
                puts(options.forget ? _("Forgotten: alerts take what the sensitivity says.")
                     : options.learning
                             ? _("On: from the next night on alerts follow what you say of them.")
                             : _("Off: alerts take what the sensitivity says."));
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
