/* SPDX-License-Identifier: MIT */
/* What a report says: see report.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/report.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/timestamp.h"
#include "dbus/crampctl/words.h"

#define DATE_SIZE 40
#define LINE_SIZE 1024
#define DAYS_A_WEEK 7

/* The writer, and what is told more than once. */
struct telling {
        const struct report *report;
        struct document_writer *writer;
        char first[DATE_SIZE], last[DATE_SIZE];
        bool out_of_memory;
};

static void date_format(int day, char ret[static DATE_SIZE]) {
        time_t s = (time_t)day * 86400;
        struct tm date = {};

        (void)gmtime_r(&s, &date);
        (void)snprintf(ret, DATE_SIZE, "%04d-%02d-%02d", date.tm_year + 1900, date.tm_mon + 1,
                       date.tm_mday);
}

static void paragraph(struct telling *telling, enum paragraph_kind kind, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
static void paragraph(struct telling *telling, enum paragraph_kind kind, const char *format, ...) {
        char text[LINE_SIZE];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(text, sizeof(text), _(format), arguments);
        va_end(arguments);
        telling->writer->paragraph(telling->writer, kind, text);
}

static void table_tell(struct telling *telling, const char *caption, const struct report_table *kind,
                       const struct table *table) {
        struct document_writer *writer = telling->writer;
        size_t n = table_rows(table);

        writer->table_begin(writer, _(caption), kind->columns, kind->n_columns, false);
        for (size_t i = 0; i < n; i++) {
                const char *const *cells = table_row(table, i);

                if (!cells) {
                        telling->out_of_memory = true;
                        break;
                }
                writer->table_row(writer, cells);
        }
        writer->table_end(writer);
}

/* --- summary --- */

static const struct document_column fact_columns[] = {
        {NULL, 4, false, true},
        {NULL, 6, false, true},
};

/* A row of a table of two columns. */
static void row_tell(struct telling *telling, const char *name, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
static void row_tell(struct telling *telling, const char *name, const char *format, ...) {
        char text[LINE_SIZE];
        const char *cells[] = {_(name), text};
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(text, sizeof(text), _(format), arguments);
        va_end(arguments);
        telling->writer->table_row(telling->writer, cells);
}

static void places_tell(struct telling *telling) {
        static const char *const legs[LEG_MAX] = {N_("unknown leg"), "left", "right"};
        char text[LINE_SIZE] = "";
        size_t used = 0;

        for (unsigned leg = 0; leg < LEG_MAX; leg++)
                for (unsigned muscle = 0; muscle < MUSCLE_MAX; muscle++) {
                        unsigned n = telling->report->places[leg][muscle];

                        if (n == 0 || used >= sizeof(text))
                                continue;
                        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u %s %s",
                                                 used > 0 ? ", " : "", n, _(legs[leg]),
                                                 muscle == 0 ? _("unknown muscle")
                                                             : muscle_to_string(muscle));
                }
        if (used > 0)
                row_tell(telling, N_("Where (alerts)"), "%s", text);
}

static void length_format(int64_t length_us, char *ret, size_t size) {
        (void)snprintf(ret, size, "%" PRId64 ":%02" PRId64, length_us / 60000000,
                       length_us / 1000000 % 60);
}

static void lengths_tell(struct telling *telling) {
        const struct tally *tally = &telling->report->tally;
        char median[DATE_SIZE], longest[DATE_SIZE];

        if (tally->n_lengths == 0)
                return;
        length_format(tally->median_us, median, sizeof(median));
        length_format(tally->longest_us, longest, sizeof(longest));
        row_tell(telling, N_("How long they lasted"), N_("median %s min, longest %s min"), median,
                 longest);
}

static void summary_tell(struct telling *telling) {
        const struct report *report = telling->report;
        const struct tally *tally = &report->tally;
        const struct tally_span *all = &tally->all;
        struct document_writer *writer = telling->writer;
        struct rate rate;

        writer->section(writer, _("Summary"));
        writer->table_begin(writer, _("In short"), fact_columns, ARRAY_LENGTH(fact_columns), false);
        row_tell(telling, N_("Nights"), N_("%zu (%s to %s), %u of them watched, for %.0f h"),
                 tally->n_days, telling->first, telling->last, all->nights,
                 (double)all->monitored_us / 3.6e9);
        row_tell(telling, N_("Watched incompletely"),
                 N_("%u with gaps of 10 minutes and more, %u for less than 4 hours"), all->gappy,
                 all->brief);
        row_tell(telling, N_("Cramps"),
                 N_("%u: %u with an alert (%u confirmed by the wearer), %u missed and told of"),
                 all->cramps, all->cramps - all->missed, tally->confirmed, all->missed);
        if (all->unwatched > 0)
                row_tell(telling, N_("Not in the rate"),
                         N_("%u missed while the sensor was not watching: nothing stands against them"),
                         all->unwatched);
        row_tell(telling, N_("False alarms"), N_("%u, left out of all figures"), all->false_alarms);
        if (tally_rate(all, &rate) >= 0)
                row_tell(telling, N_("Rate"), N_("%s in 8 watched hours, 95 %% interval %s to %s"),
                         words_figure(rate.rate, 2).text, words_figure(rate.low, 2).text,
                         words_figure(rate.high, 2).text);
        else
                row_tell(telling, N_("Rate"), N_("unknown: nothing was watched"));
        lengths_tell(telling);
        row_tell(telling, N_("Severity (alerts)"), N_("%u mild, %u moderate, %u strong"),
                 report->severities[REPORT_MILD], report->severities[REPORT_MODERATE],
                 report->severities[REPORT_STRONG]);
        if (report->n_pains > 0)
                row_tell(telling, N_("Pain, 0 to 10"), N_("%s on average of the %u that it was told of"),
                         words_figure((double)report->pain_sum / report->n_pains, 1).text,
                         report->n_pains);
        places_tell(telling);
        writer->table_end(writer);
}

/* --- charts --- */

static void chart_tell(struct telling *telling, const char *title, double height,
                       void (*draw)(const struct tally *tally, struct canvas *canvas),
                       const char *format, ...) __attribute__((format(printf, 5, 6)));
static void chart_tell(struct telling *telling, const char *title, double height,
                       void (*draw)(const struct tally *tally, struct canvas *canvas),
                       const char *format, ...) {
        char description[LINE_SIZE];
        struct chart chart = {_(title), description, height, draw, &telling->report->tally};
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(description, sizeof(description), _(format), arguments);
        va_end(arguments);
        telling->writer->chart(telling->writer, &chart);
}

static void rates_table_tell(struct telling *telling) {
        static const struct document_column columns[] = {
                {N_("From"), 3, false, false},
                {N_("Cramps in 8 watched hours, with the interval, and of how much"), 7, false, true},
        };
        const struct tally *tally = &telling->report->tally;
        struct document_writer *writer = telling->writer;
        size_t step = (size_t)chart_rate_weeks(tally) * DAYS_A_WEEK;
        /* The first point may lack days before the first Monday. */
        size_t n = step - tally_weekday(tally->first_day);

        writer->table_begin(writer, _("Rates"), columns, ARRAY_LENGTH(columns), true);
        for (size_t i = 0; i < tally->n_days; i += n, n = step) {
                struct tally_span span = tally_sum(tally, i, n);
                struct rate rate;
                char date[DATE_SIZE];

                date_format(tally->first_day + (int)i, date);
                if (tally_rate(&span, &rate) < 0)
                        row_tell(telling, date, N_("not watched"));
                else
                        row_tell(telling, date, N_("%s (%s to %s): %u in %s h, nights: %u"),
                                 words_figure(rate.rate, 2).text, words_figure(rate.low, 2).text,
                                 words_figure(rate.high, 2).text, span.cramps_watched,
                                 words_figure((double)span.monitored_us / 3.6e9, 1).text, span.nights);
        }
        writer->table_end(writer);
}

static void hours_table_tell(struct telling *telling) {
        static const struct document_column columns[] = {{N_("Hour"), 3, false, false},
                                                         {N_("Cramps"), 7, false, false}};
        const struct tally *tally = &telling->report->tally;
        struct document_writer *writer = telling->writer;

        writer->table_begin(writer, _("Hours"), columns, ARRAY_LENGTH(columns), true);
        for (unsigned i = 0; i < TALLY_HOURS; i++) {
                unsigned hour = (i + TALLY_HOURS / 2) % TALLY_HOURS;
                char name[DATE_SIZE];

                if (tally->hours[hour] == 0)
                        continue;
                (void)snprintf(name, sizeof(name), _("%u:00 to %u:59"), hour, hour);
                row_tell(telling, name, "%u", tally->hours[hour]);
        }
        writer->table_end(writer);
}

static void lengths_table_tell(struct telling *telling) {
        static const struct document_column columns[] = {{N_("Lasted"), 3, false, false},
                                                         {N_("Cramps"), 7, false, false}};
        const struct tally *tally = &telling->report->tally;
        struct document_writer *writer = telling->writer;

        writer->table_begin(writer, _("Lengths"), columns, ARRAY_LENGTH(columns), true);
        for (unsigned i = 0; i < TALLY_LENGTHS; i++)
                row_tell(telling, chart_length_names[i], "%u", tally->lengths[i]);
        writer->table_end(writer);
}

static unsigned peak_of(const unsigned *counts, unsigned n) {
        unsigned peak = 0;

        for (unsigned i = 1; i < n; i++)
                if (counts[i] > counts[peak])
                        peak = i;
        return peak;
}

static void charts_tell(struct telling *telling) {
        const struct tally *tally = &telling->report->tally;
        const struct tally_span *all = &tally->all;
        unsigned hour = peak_of(tally->hours, TALLY_HOURS), weeks = chart_rate_weeks(tally);

        telling->writer->section(telling->writer, _("Pictures"));
        chart_tell(telling, N_("Nights"), chart_nights_height(tally), chart_nights,
                   N_("A calendar with a square for each night from %s to %s, weeks side by side; "
                      "watched: %u, not watched: %u. The table of nights below has the figures."),
                   telling->first, telling->last, all->nights, (unsigned)tally->n_days - all->nights);
        chart_tell(telling, N_("Rate of cramps"), CHART_RATES_HEIGHT, chart_rates,
                   weeks == 1
                           ? N_("Cramps in 8 watched hours, a point with its exact 95 %% interval for "
                                "each week (weeks: %u). A line without an upper end goes on beyond the "
                                "picture.")
                           : N_("Cramps in 8 watched hours, a point with its exact 95 %% interval for "
                                "%u weeks each. A line without an upper end goes on beyond the "
                                "picture."),
                   weeks == 1 ? (unsigned)((tally->n_days + 6) / 7) : weeks);
        rates_table_tell(telling);
        if (all->cramps == 0)
                return;
        chart_tell(
                telling, N_("By the hour in which they began"), CHART_HOURS_HEIGHT, chart_hours,
                N_("Cramps by the hour of the local clock, from noon to noon; most, %u, from %u:00 to "
                   "%u:59."),
                tally->hours[hour], hour, hour);
        hours_table_tell(telling);
        if (tally->n_lengths == 0)
                return;
        chart_tell(telling, N_("How long they lasted"), CHART_LENGTHS_HEIGHT, chart_lengths,
                   N_("Cramps that were recorded to their end by how long they lasted: %zu in all."),
                   tally->n_lengths);
        lengths_table_tell(telling);
}

/* --- tables --- */

static void nights_tell(struct telling *telling) {
        static const struct document_column columns[] = {
                {N_("Evening"), 3, false, false}, {N_("Watched h"), 2, true, false},
                {N_("Gaps min"), 2, true, false}, {N_("Cramps"), 2, true, false},
                {N_("Missed"), 2, true, false},   {N_("False alarms"), 2, true, false},
        };
        const struct tally *tally = &telling->report->tally;
        struct document_writer *writer = telling->writer;

        writer->section(writer, _("Nights"));
        if (tally->all.nights == 0 && tally->all.cramps == 0 && tally->all.false_alarms == 0) {
                paragraph(telling, PARAGRAPH_PLAIN, N_("Nothing was watched."));
                return;
        }
        paragraph(telling, PARAGRAPH_SOFT,
                  N_("A night runs from noon to noon and is named by its evening. Nights that were not "
                     "watched "
                     "and of which nobody told of a cramp are left out."));
        writer->table_begin(writer, _("Nights"), columns, ARRAY_LENGTH(columns), false);
        for (size_t i = 0; i < tally->n_days; i++) {
                const struct tally_day *day = tally->days + i;
                char texts[ARRAY_LENGTH(columns)][DATE_SIZE];
                const char *cells[ARRAY_LENGTH(columns)];

                if (day->monitored_us <= 0 && day->cramps == 0 && day->false_alarms == 0)
                        continue;
                date_format(tally->first_day + (int)i, texts[0]);
                (void)snprintf(texts[1], DATE_SIZE, "%.20s",
                               words_figure((double)day->monitored_us / 3.6e9, 1).text);
                (void)snprintf(texts[2], DATE_SIZE, "%.0f", (double)day->gap_us / 6e7);
                (void)snprintf(texts[3], DATE_SIZE, "%u", day->cramps);
                (void)snprintf(texts[4], DATE_SIZE, "%u", day->missed);
                (void)snprintf(texts[5], DATE_SIZE, "%u", day->false_alarms);
                for (size_t c = 0; c < ARRAY_LENGTH(columns); c++)
                        cells[c] = texts[c];
                writer->table_row(writer, cells);
        }
        writer->table_end(writer);
}

static void episodes_tell(struct telling *telling) {
        const struct report *report = telling->report;
        struct document_writer *writer = telling->writer;

        writer->section(writer, _("Cramps"));
        if (table_rows(report->episodes) == 0)
                paragraph(telling, PARAGRAPH_PLAIN, N_("No alert was recorded."));
        else {
                paragraph(telling, PARAGRAPH_SOFT,
                          N_("Each alert, in the local time of that night, false ones too. Level is the "
                             "highest "
                             "150 ms RMS of the muscle's signal, %% MVC what this is of the wearer's "
                             "strongest flexing, where that was measured before; verdict, pain (0 to "
                             "10) and note are the "
                             "wearer's."));
                table_tell(telling, N_("Alerts"), &report_episodes, report->episodes);
        }
        if (table_rows(report->missed) > 0)
                table_tell(telling, N_("Cramps that raised no alert, as the wearer told"),
                           &report_missed, report->missed);
}

static void person_tell(struct telling *telling) {
        const struct report *report = telling->report;
        struct document_writer *writer = telling->writer;
        size_t n = table_rows(report->trial_texts);

        if (n > 0) {
                writer->section(writer, _("Trials"));
                paragraph(telling, PARAGRAPH_SOFT,
                          N_("Comparisons that the wearer made of nights without and with a change; all "
                             "of "
                             "their "
                             "nights, not only those of this report. Cramps within an hour are one "
                             "bout."));
                table_tell(telling, N_("Trials"), &report_trials, report->trials);
                for (size_t i = 0; i < n; i++) {
                        const char *const *cells = table_row(report->trial_texts, i);

                        if (cells)
                                writer->paragraph(writer, PARAGRAPH_PLAIN, cells[0]);
                }
        }
        writer->section(writer, _("Intake and day log"));
        if (table_rows(report->entries) > 0)
                table_tell(telling, N_("As the wearer wrote it down"), &report_entries, report->entries);
        else
                paragraph(telling, PARAGRAPH_PLAIN, N_("Nothing was written down."));
        if (!report->profile)
                return;
        writer->section(writer, _("About the wearer"));
        if (table_rows(report->profile) > 0)
                table_tell(telling, N_("As the wearer told crampd, medicines too"), &report_profile,
                           report->profile);
        else
                paragraph(telling, PARAGRAPH_PLAIN, N_("The wearer told nothing."));
}

static void devices_tell(struct telling *telling) {
        const struct report *report = telling->report;
        struct document_writer *writer = telling->writer;
        char detectors[LINE_SIZE] = "";
        size_t used = 0;

        writer->section(writer, _("How this was recorded"));
        for (size_t i = 0; i < report->n_detectors; i++)
                used += (size_t)snprintf(detectors + used, sizeof(detectors) - used, "%s%s",
                                         i > 0 ? ", " : "", report->detectors[i]);
        paragraph(telling, PARAGRAPH_PLAIN,
                  report->n_detectors == 1 ? N_("crampd %s; detector version %s.")
                                           : N_("crampd %s; detector versions %s."),
                  report->version, detectors);
        if (table_rows(report->sensors) > 0)
                table_tell(telling, N_("Sensors of these nights, and those in use now"), &report_sensors,
                           report->sensors);
        paragraph(
                telling, PARAGRAPH_SOFT,
                N_("A sensor on the leg records the electrical activity of the muscle (surface EMG); a "
                   "cramp is "
                   "told by activity that rises far above rest and stays there. Strong contractions at "
                   "will can "
                   "look the same. A night counts as watched while the signal was good enough to show a "
                   "cramp; of "
                   "several sensors, the one that watched longest counts."));
        paragraph(telling, PARAGRAPH_SOFT,
                  N_("Rates: cramps of watched nights by the hours watched; the 95 %% interval is the "
                     "exact "
                     "one of a "
                     "Poisson count (Garwood 1936). Cramps tend to come in clusters, so the true "
                     "interval is "
                     "wider."));
}

int report_tell(const struct report *report, struct document_writer *writer) {
        struct telling telling = {.report = report, .writer = writer};
        char made[TIMESTAMP_SIZE];

        date_format(report->tally.first_day, telling.first);
        date_format(report->tally.first_day + (int)report->tally.n_days - 1, telling.last);
        timestamp_format_people(report->made_us, timestamp_local_offset(report->made_us), made);
        {
                char subtitle[LINE_SIZE];

                (void)snprintf(
                        subtitle, sizeof(subtitle),
                        _("Nights of %s to %s. Made by crampctl on %s from the wearer's own records."),
                        telling.first, telling.last, made);
                writer->title(writer, _("Nocturnal leg cramps: a record"), subtitle);
        }
        paragraph(
                &telling, PARAGRAPH_NOTE,
                N_("crampd is an aid, not a medical device. It finds cramps by muscle activity, misses "
                   "some and "
                   "takes other contractions for some; it does not diagnose."));
        if (report->tally.simulated > 0)
                paragraph(
                        &telling, PARAGRAPH_NOTE,
                        report->tally.simulated == 1
                                ? N_("SIMULATED: %u of the cramps in this report is of a recording that "
                                     "crampd played, and not of the wearer. It is marked as [simulated] "
                                     "and counts in figures and pictures.")
                                : N_("SIMULATED: %u of the cramps in this report are of recordings that "
                                     "crampd played, and not of the wearer. They are marked as "
                                     "[simulated] "
                                     "and count in figures and pictures."),
                        report->tally.simulated);
        summary_tell(&telling);
        charts_tell(&telling);
        episodes_tell(&telling);
        nights_tell(&telling);
        person_tell(&telling);
        devices_tell(&telling);
        return telling.out_of_memory ? -ENOMEM : 0;
}
