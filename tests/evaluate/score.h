/* SPDX-License-Identifier: MIT */
/*
 * Alarms of one night against its truth. The rules are in README.md. Needs the corpus's events; called
 * by evaluate.c and by the scorer's own test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tests/corpus/corpus.h"

#define SCORE_CRAMPS_MAX 32u
/* A cause beside the kinds of events: nothing but rest. */
#define SCORE_REST EVENT_KINDS
#define SCORE_CAUSES (EVENT_KINDS + 1)
/* From how many times rest a cramp is strong. */
#define SCORE_STRONG_RATIO 6.0
/* An alert counts for a cramp from so long before its onset. */
#define SCORE_EARLY_S 2.0
/* Events in this time before a false alarm may be its cause, if they take up so much of it. */
#define SCORE_CAUSE_S 10.0
#define SCORE_CAUSE_OVERLAP_S 1.0

struct alarm {
        double onset_s, alert_s, end_s; /* from the recording's start */
};

struct cramp_score {
        double ratio;
        bool hit;
        unsigned repeats;    /* further alerts in it */
        double latency_s;    /* from twice the rest to the alert; NAN if missed or never so high */
        double from_onset_s; /* the same from the onset on */
        double onset_error_s, end_error_s; /* said less true; NAN if missed */
};

struct night_score {
        double hours;
        unsigned n_cramps;
        struct cramp_score cramps[SCORE_CRAMPS_MAX];
        unsigned false_alarms[SCORE_CAUSES];
};

/* Alarms in order of their alert. Cramps beyond SCORE_CRAMPS_MAX are an error: -E2BIG. */
int score_night(const struct corpus_event *events, size_t n_events, const struct alarm *alarms,
                size_t n_alarms, double hours, struct night_score *ret);

/* SCORE_HIT for an alert in a cramp, else what it may have come from. */
#define SCORE_HIT SCORE_CAUSES
unsigned score_alert(const struct corpus_event *events, size_t n_events, double alert_s);

/* "rest", or the kind of event. */
const char *score_cause_to_string(unsigned cause);

/* Holds at will and standing: on one channel nobody can tell them from a cramp, so they are counted
 * apart. */
bool score_cause_is_apart(unsigned cause);
