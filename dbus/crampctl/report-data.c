/* SPDX-License-Identifier: MIT */
/* What a report is made of: see report.h. */
#include "dbus/crampctl/report.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/episode.h"
#include "dbus/crampctl/past.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

static const struct document_column episode_columns[] = {
        {N_("Began"), 3.8, false, false},    {N_("Lasted"), 1.65, true, false},
        {N_("Leg"), 1.15, false, false},     {N_("Muscle"), 3.05, false, true},
        {N_("Severity"), 1.9, false, false}, {N_("Level µV"), 1.3, true, false},
        {N_("% MVC"), 1.1, true, false},     {N_("Verdict"), 2.2, false, false},
        {N_("Pain"), 1.15, true, false},     {N_("Note"), 3.3, false, true},
};
static const struct document_column missed_columns[] = {
        {N_("About when"), 3.2, false, false}, {N_("Leg"), 1, false, false},
        {N_("Muscle"), 3, false, true},        {N_("Pain"), 1, true, false},
        {N_("Note"), 6, false, true},
};
static const struct document_column entry_columns[] = {
        {N_("When"), 3.2, false, false},  {N_("What"), 2.5, false, true},
        {N_("Amount"), 1.6, true, false}, {N_("From"), 2, false, true},
        {N_("Note"), 6, false, true},
};
static const struct document_column trial_columns[] = {
        {N_("Of"), 2, false, true},
        {N_("Design"), 2, false, true},
        {N_("From"), 2, false, false},
        {N_("To"), 2, false, false},
        {N_("Nights without"), 1.4, true, true},
        {N_("with"), 1, true, false},
        {N_("Bouts without"), 1.4, true, true},
        {N_("with"), 1, true, false},
        {N_("Ratio (95 %)"), 3, true, true},
};
static const struct document_column profile_columns[] = {
        {NULL, 3, false, false},
        {NULL, 7, false, true},
};
static const struct document_column sensor_columns[] = {
        {N_("Name"), 3, false, true},           {N_("Device"), 3, false, true},
        {N_("Leg"), 1, false, false},           {N_("Muscle"), 3, false, true},
        {N_("Rate Hz"), 1.3, true, false},      {N_("Channels"), 1.3, true, false},
        {N_("Sensitivity"), 1.8, false, false},
};

#define TABLE_OF(columns) \
        { columns, ARRAY_LENGTH(columns) }
const struct report_table report_episodes = TABLE_OF(episode_columns);
const struct report_table report_missed = TABLE_OF(missed_columns);
const struct report_table report_entries = TABLE_OF(entry_columns);
const struct report_table report_trials = TABLE_OF(trial_columns);
const struct report_table report_profile = TABLE_OF(profile_columns);
const struct report_table report_sensors = TABLE_OF(sensor_columns);

/* table_new() wants to know no more than how many there are. */
static struct table *table_for(size_t n_columns) {
        static const struct column none[DOCUMENT_COLUMNS_MAX];

        return table_new(none, n_columns);
}

static const char *or_dash(const char *text) {
        return text && text[0] ? text : "-";
}

static void cell_number(struct table *table, double value, int decimals) {
        char number[TEXT_NUMBER_SIZE];

        words_number(value, decimals, number);
        table_cell(table, "%s", or_dash(number));
}

static void cell_pain(struct table *table, int pain) {
        if (pain >= 0)
                table_cell(table, "%d", pain);
        else
                table_cell(table, "-");
}

static void cell_time(struct table *table, int64_t time_us, int zone_offset_s) {
        char time[TIMESTAMP_SIZE];

        timestamp_format_people(time_us, zone_offset_s, time);
        table_cell(table, "%s", time);
}

/* --- episodes --- */

static void detector_note(struct report *report, const char *version) {
        for (size_t i = 0; i < report->n_detectors; i++)
                if (strcmp(report->detectors[i], version) == 0)
                        return;
        if (report->n_detectors < REPORT_DETECTORS_MAX)
                (void)snprintf(report->detectors[report->n_detectors++], REPORT_VERSION_SIZE, "%s",
                               version);
}

static void episode_count(struct report *report, const struct crampd_episode *episode) {
        static const char *const severities[REPORT_SEVERITIES] = {"mild", "moderate", "strong"};
        int leg = leg_from_string(episode->leg), muscle = muscle_from_string(episode->muscle);

        report->places[leg > 0 ? leg : 0][muscle > 0 ? muscle : 0]++;
        for (unsigned i = 0; i < REPORT_SEVERITIES; i++)
                report->severities[i] += strcmp(severities[i], episode->severity) == 0;
        if (episode->pain < 0)
                return;
        report->n_pains++;
        report->pain_sum += (unsigned)episode->pain;
}

static int episode_take(const struct crampd_episode *episode, void *userdata) {
        char duration[EPISODE_DURATION_SIZE];
        struct report *report = userdata;
        struct table *table = report->episodes;

        if (!filter_takes_episode(report->filter, episode))
                return 0;
        episode_format_duration(episode, duration);
        cell_time(table, episode->onset_us, episode->zone_offset_s);
        table_cell(table, "%s", duration);
        table_cell(table, "%s", words_of_list(episode->leg));
        table_cell(table, "%s", episode->muscle);
        table_cell(table, "%s", words_of_list(episode->severity));
        cell_number(table, episode->peak_uv, 0);
        cell_number(table, episode->peak_mvc_percent, 0);
        table_cell(table, "%s", or_dash(words_of_list(episode->verdict)));
        cell_pain(table, episode->pain);
        if (episode->simulated)
                table_cell(table, "%s%s%s", _("[simulated]"), episode->note ? " " : "",
                           episode->note ? episode->note : "");
        else
                table_cell(table, "%s", or_dash(episode->note));
        detector_note(report, or_dash(episode->detector));
        if (!episode->verdict || strcmp(episode->verdict, "false-alarm") != 0)
                episode_count(report, episode);
        return 0;
}

static int missed_take(const struct crampd_missed *missed, void *userdata) {
        struct report *report = userdata;

        if (!filter_takes_missed(report->filter, missed))
                return 0;
        cell_time(report->missed, missed->time_us, missed->zone_offset_s);
        table_cell(report->missed, "%s", words_of_list(missed->leg));
        table_cell(report->missed, "%s", missed->muscle);
        cell_pain(report->missed, missed->pain);
        table_cell(report->missed, "%s", or_dash(missed->note));
        return 0;
}

/* --- the person --- */

static int entry_take(const struct crampd_entry *entry, void *userdata) {
        struct report *report = userdata;
        struct table *table = report->entries;

        cell_time(table, entry->time_us, entry->zone_offset_s);
        table_cell(table, "%s", or_dash(entry->what ? entry->what : words_of_list(entry->kind)));
        table_cell(table, "%s", or_dash(entry->amount ? entry->amount : words_of_list(entry->leg)));
        table_cell(table, "%s",
                   or_dash(entry->compound ? entry->compound : words_of_list(entry->origin)));
        table_cell(table, "%s", or_dash(entry->text));
        return 0;
}

static int trial_take(const struct crampd_trial *trial, void *userdata) {
        char ratio[TEXT_NUMBER_SIZE], low[TEXT_NUMBER_SIZE], high[TEXT_NUMBER_SIZE];
        struct report *report = userdata;
        struct table *table = report->trials;

        words_number(trial->ratio, 2, ratio);
        words_number(trial->ratio_low, 2, low);
        words_number(trial->ratio_high, 2, high);
        table_cell(table, "%s", trial->nutrient);
        table_cell(table, "%s", words_of_list(trial->design));
        table_cell(table, "%s", trial->start_day);
        table_cell(table, "%s", trial->end_day ? trial->end_day : _("runs"));
        table_cell(table, "%u", trial->nights_without);
        table_cell(table, "%u", trial->nights_with);
        table_cell(table, "%u", trial->clusters_without);
        table_cell(table, "%u", trial->clusters_with);
        if (ratio[0])
                table_cell(table, "%s (%s-%s)", ratio, low[0] ? low : "0", high[0] ? high : _("no end"));
        else
                table_cell(table, "-");
        table_cell(report->trial_texts, _("%s, from %s: %s"), trial->nutrient, trial->start_day,
                   or_dash(trial->text));
        return 0;
}

static int profile_load(struct report *report, crampd_client *client, struct crampd_error *error) {
        struct crampd_profile_value *values;
        size_t n;
        int r;

        if (!report->with_profile)
                return 0;
        report->profile = table_for(report_profile.n_columns);
        if (!report->profile)
                return -ENOMEM;
        r = crampd_get_profile(client, report->owner, &values, &n, error);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                table_cell(report->profile, "%s", values[i].key);
                table_cell(report->profile, "%s", or_dash(values[i].value));
        }
        crampd_profile_free(values, n);
        return 0;
}

/* --- devices --- */

/* A sensor with which the nights were watched, as its newest night tells of it. */
struct night_sensor {
        char *id, *name, *driver, *leg, *muscle;
        double rate_hz;
        unsigned channels;
        bool simulated;
};

struct night_sensors {
        struct night_sensor *all;
        size_t n;
};

static void night_sensor_clear(struct night_sensor *sensor) {
        free(sensor->id);
        free(sensor->name);
        free(sensor->driver);
        free(sensor->leg);
        free(sensor->muscle);
}

static void night_sensors_clear(struct night_sensors *sensors) {
        for (size_t i = 0; i < sensors->n; i++)
                night_sensor_clear(sensors->all + i);
        free(sensors->all);
}

static int night_sensor_add(struct night_sensors *sensors, const struct crampd_night_outline *night) {
        struct night_sensor *larger = reallocarray(sensors->all, sensors->n + 1, sizeof(*larger));
        struct night_sensor sensor = {.simulated = night->simulated};

        if (!larger)
                return -ENOMEM;
        sensors->all = larger;
        sensor.id = strdup(night->sensor);
        sensor.name = strdup(night->name);
        sensor.driver = strdup(night->driver);
        sensor.leg = strdup(night->leg);
        sensor.muscle = strdup(night->muscle);
        if (!sensor.id || !sensor.name || !sensor.driver || !sensor.leg || !sensor.muscle) {
                night_sensor_clear(&sensor);
                return -ENOMEM;
        }
        larger[sensors->n++] = sensor;
        return 0;
}

static int night_take(const struct crampd_night_outline *night, void *userdata) {
        struct night_sensors *sensors = userdata;
        size_t i = 0;
        int r = 0;

        while (i < sensors->n && strcmp(sensors->all[i].id, night->sensor) != 0)
                i++;
        if (i == sensors->n)
                r = night_sensor_add(sensors, night);
        if (r >= 0 && night->rate_hz > 0 && night->channels > 0) {
                sensors->all[i].rate_hz = night->rate_hz;
                sensors->all[i].channels = night->channels;
        }
        return r;
}

static void sensor_row(struct table *table, const struct night_sensor *sensor, const char *title,
                       const char *sensitivity, bool in_use) {
        table_cell(table, "%s", sensor->name[0] ? sensor->name : sensor->id);
        table_cell(table, "%s%s%s", title ? title : sensor->driver,
                   sensor->simulated ? _(" (simulated)") : "", in_use ? "" : _(" (given up)"));
        table_cell(table, "%s", words_of_list(sensor->leg));
        table_cell(table, "%s", sensor->muscle);
        cell_number(table, sensor->rate_hz > 0 ? sensor->rate_hz : (double)NAN, 1);
        if (sensor->channels > 0)
                table_cell(table, "%u", sensor->channels);
        else
                table_cell(table, "-");
        table_cell(table, "%s", or_dash(sensitivity));
}

static const struct crampd_sensor *sensor_in_use(const struct crampd_sensor *sensors, size_t n,
                                                 const char *id) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(sensors[i].id, id) == 0)
                        return sensors + i;
        return NULL;
}

/* A virtual sensor is another one each time that crampd starts: one row is enough. */
static bool is_told(const struct night_sensors *sensors, size_t i) {
        const struct night_sensor *sensor = sensors->all + i;

        for (size_t k = 0; k < i; k++) {
                const struct night_sensor *other = sensors->all + k;

                if (sensor->name[0] && strcmp(sensor->name, other->name) == 0 &&
                    strcmp(sensor->driver, other->driver) == 0 && strcmp(sensor->leg, other->leg) == 0 &&
                    strcmp(sensor->muscle, other->muscle) == 0 &&
                    fabs(sensor->rate_hz - other->rate_hz) < 0.05 &&
                    sensor->channels == other->channels && sensor->simulated == other->simulated)
                        return true;
        }
        return false;
}

/* First those that are in use, then those that were. */
static void sensors_tell(struct report *report, const struct night_sensors *watched,
                         const struct crampd_sensor *sensors, size_t n) {
        for (size_t i = 0; i < n; i++) {
                const struct crampd_sensor *sensor = sensors + i;
                struct night_sensor row = {.id = sensor->id,
                                           .name = sensor->name,
                                           .driver = sensor->driver,
                                           .leg = sensor->leg,
                                           .muscle = sensor->muscle,
                                           .rate_hz = sensor->rate_hz,
                                           .channels = sensor->channels,
                                           .simulated = sensor->simulated};

                for (size_t k = 0; k < watched->n && row.rate_hz <= 0; k++)
                        if (strcmp(watched->all[k].id, sensor->id) == 0) {
                                row.rate_hz = watched->all[k].rate_hz;
                                row.channels = watched->all[k].channels;
                        }
                sensor_row(report->sensors, &row, sensor->title, sensor->sensitivity, true);
        }
        for (size_t i = 0; i < watched->n; i++)
                if (!sensor_in_use(sensors, n, watched->all[i].id) && !is_told(watched, i))
                        sensor_row(report->sensors, watched->all + i, NULL, NULL, false);
}

static int sensors_load(struct report *report, crampd_client *client, struct crampd_error *error) {
        _cleanup_(night_sensors_clear) struct night_sensors watched = {};
        struct crampd_sensor *sensors;
        size_t n;
        int r;

        r = crampd_outline_nights(client, &report->filter->asked, night_take, &watched, error);
        if (r >= 0)
                r = crampd_list_sensors(client, &sensors, &n, error);
        if (r < 0)
                return r;
        sensors_tell(report, &watched, sensors, n);
        crampd_sensors_free(sensors, n);
        return 0;
}

static int status_load(struct report *report, crampd_client *client, struct crampd_error *error) {
        struct crampd_status *status;
        int r = crampd_get_status(client, &status, error);

        if (r < 0)
                return r;
        (void)snprintf(report->version, sizeof(report->version), "%s", status->version);
        detector_note(report, status->detector_version);
        crampd_status_free(status);
        return 0;
}

/* --- all of it --- */

static int tables_make(struct report *report) {
        report->episodes = table_for(report_episodes.n_columns);
        report->missed = table_for(report_missed.n_columns);
        report->entries = table_for(report_entries.n_columns);
        report->trials = table_for(report_trials.n_columns);
        report->trial_texts = table_for(1);
        report->sensors = table_for(report_sensors.n_columns);
        return report->episodes && report->missed && report->entries && report->trials &&
                               report->trial_texts && report->sensors
                       ? 0
                       : -ENOMEM;
}

int report_load(struct report *report, crampd_client *client) {
        const struct crampd_filter *asked = &report->filter->asked;
        struct crampd_error error = {};
        int code, r;

        code = past_tally(client, report->filter, past_today(report->made_us), &report->tally);
        if (code != 0)
                return code;
        r = tables_make(report);
        if (r >= 0)
                r = crampd_list_episodes(client, asked, episode_take, report, &error);
        if (r >= 0)
                r = crampd_list_missed(client, asked, missed_take, report, &error);
        if (r >= 0)
                r = crampd_list_entries(client, report->owner, asked, entry_take, report, &error);
        if (r >= 0)
                r = crampd_list_trials(client, report->owner, trial_take, report, &error);
        if (r >= 0)
                r = profile_load(report, client, &error);
        if (r >= 0)
                r = sensors_load(report, client, &error);
        if (r >= 0)
                r = status_load(report, client, &error);
        if (r == -ENOMEM && !error.name[0])
                return fail(EX_OSERR, "out of memory");
        return r < 0 ? fail_client(r, &error) : 0;
}

void report_clear(struct report *report) {
        tally_clear(&report->tally);
        (void)table_free(report->episodes);
        (void)table_free(report->missed);
        (void)table_free(report->entries);
        (void)table_free(report->trials);
        (void)table_free(report->trial_texts);
        (void)table_free(report->profile);
        (void)table_free(report->sensors);
}
