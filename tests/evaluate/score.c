/* SPDX-License-Identifier: MIT */
/* The scorer: see score.h. */
#include "tests/evaluate/score.h"

#include <errno.h>
#include <math.h>
#include <string.h>

const char *score_cause_to_string(unsigned cause) {
        return cause == SCORE_REST ? "rest" : event_kind_to_string((enum event_kind)cause);
}

bool score_cause_is_apart(unsigned cause) {
        const char *name = score_cause_to_string(cause);

        /* By name, because not every version of the corpus has all of them. */
        return strcmp(name, "hold") == 0 || strcmp(name, "stand") == 0;
}

/* The cramp that an alert at this time belongs to; NULL for none. */
static const struct corpus_event *cramp_at(const struct corpus_event *events, size_t n_events,
                                           double at_s) {
        for (size_t i = 0; i < n_events; i++)
                if (events[i].kind == EVENT_CRAMP && at_s >= events[i].start_s - SCORE_EARLY_S &&
                    at_s <= events[i].end_s)
                        return &events[i];
        return NULL;
}

/* Samples that did not arrive add nothing to those that did. */
static bool event_is_loss(const struct corpus_event *event) {
        return event->kind == EVENT_GAP || event->kind == EVENT_LOSS;
}

/* The shortest event that was there in the seconds before: the most particular one. Losses only where
 * there was nothing else. */
static unsigned cause_of(const struct corpus_event *events, size_t n_events, double alert_s) {
        const struct corpus_event *cause = NULL;

        for (size_t i = 0; i < n_events; i++) {
                const struct corpus_event *event = &events[i];
                double overlap_s =
                        fmin(event->end_s, alert_s) - fmax(event->start_s, alert_s - SCORE_CAUSE_S);
                double length_s = event->end_s - event->start_s;

                if (overlap_s < fmin(SCORE_CAUSE_OVERLAP_S, length_s))
                        continue;
                if (!cause || event_is_loss(event) < event_is_loss(cause) ||
                    (event_is_loss(event) == event_is_loss(cause) &&
                     length_s < cause->end_s - cause->start_s))
                        cause = event;
        }
        return cause ? (unsigned)cause->kind : SCORE_REST;
}

unsigned score_alert(const struct corpus_event *events, size_t n_events, double alert_s) {
        return cramp_at(events, n_events, alert_s) ? SCORE_HIT : cause_of(events, n_events, alert_s);
}

static void cramp_take(struct cramp_score *cramp, const struct corpus_event *truth,
                       const struct alarm *alarm) {
        if (cramp->hit) {
                cramp->repeats++;
                return;
        }
        cramp->hit = true;
        if (truth->twice_rest_s >= 0)
                cramp->latency_s = alarm->alert_s - truth->twice_rest_s;
        cramp->from_onset_s = alarm->alert_s - truth->start_s;
        cramp->onset_error_s = alarm->onset_s - truth->start_s;
        cramp->end_error_s = alarm->end_s - truth->end_s;
}

int score_night(const struct corpus_event *events, size_t n_events, const struct alarm *alarms,
                size_t n_alarms, double hours, struct night_score *ret) {
        const struct corpus_event *truths[SCORE_CRAMPS_MAX];

        *ret = (struct night_score){.hours = hours};
        for (size_t i = 0; i < n_events; i++) {
                if (events[i].kind != EVENT_CRAMP)
                        continue;
                if (ret->n_cramps == SCORE_CRAMPS_MAX)
                        return -E2BIG;
                truths[ret->n_cramps] = &events[i];
                ret->cramps[ret->n_cramps++] = (struct cramp_score){.ratio = events[i].level_ratio,
                                                                    .latency_s = NAN,
                                                                    .from_onset_s = NAN,
                                                                    .onset_error_s = NAN,
                                                                    .end_error_s = NAN};
        }

        for (size_t i = 0; i < n_alarms; i++) {
                const struct corpus_event *truth = cramp_at(events, n_events, alarms[i].alert_s);

                if (!truth) {
                        ret->false_alarms[cause_of(events, n_events, alarms[i].alert_s)]++;
                        continue;
                }
                for (unsigned k = 0; k < ret->n_cramps; k++)
                        if (truths[k] == truth)
                                cramp_take(&ret->cramps[k], truth, &alarms[i]);
        }
        return 0;
}
