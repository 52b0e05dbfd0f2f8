/* SPDX-License-Identifier: MIT */
/*
 * A report for a doctor: what it is made of (report-data.c asks crampd) and what it says
 * (report-content.c tells a document's writer). Used by the verb in report.c.
 */
#pragma once

#include "dbus/crampctl/document.h"
#include "dbus/crampctl/filter.h"
#include "dbus/crampctl/table.h"
#include "dbus/crampctl/tally.h"
#include "sensors/muscle.h"

#define REPORT_DETECTORS_MAX 16u
#define REPORT_VERSION_SIZE 32u

enum report_severity { REPORT_MILD, REPORT_MODERATE, REPORT_STRONG, REPORT_SEVERITIES };

struct report {
        /* Set before it is loaded. */
        const struct episode_filter *filter;
        int64_t made_us;
        unsigned owner; /* of log, trials and profile; CRAMPD_OWNER_SELF */
        bool with_profile;

        /* All tables hold texts, ready to be shown, in the columns of report-data.c. */
        struct tally tally;
        struct table *episodes;
        struct table *missed;
        struct table *entries;
        struct table *trials;
        struct table *trial_texts;
        struct table *profile; /* NULL = it is to stay out */
        struct table *sensors; /* of the period, and those in use now */
        char version[REPORT_VERSION_SIZE];
        char detectors[REPORT_DETECTORS_MAX][REPORT_VERSION_SIZE]; /* that recorded the episodes */
        size_t n_detectors;

        /* Of alerts that nobody called false. */
        unsigned places[LEG_MAX][MUSCLE_MAX];
        unsigned severities[REPORT_SEVERITIES];
        unsigned n_pains, pain_sum;
};

/* The columns of each table, for the document. */
struct report_table {
        const struct document_column *columns;
        size_t n_columns;
};
extern const struct report_table report_episodes, report_missed, report_entries, report_trials,
        report_profile, report_sensors;

/* Returns 0, or an exit code after saying why; report_clear() is to follow in any case. */
int report_load(struct report *report, crampd_client *client);
void report_clear(struct report *report);

/* Writes all of it, but does not finish. Returns 0 or -ENOMEM. */
int report_tell(const struct report *report, struct document_writer *writer);
