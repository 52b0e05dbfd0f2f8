/* SPDX-License-Identifier: MIT */
/* Scores together: see summary.h. */
#include "tests/evaluate/summary.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
        double first = *(const double *)a, second = *(const double *)b;

        return first < second ? -1 : first > second;
}

static void values_add(struct values *values, double value) {
        if (!isnan(value))
                values->value[values->n++] = value;
}

static void summary_take_cramp(struct summary *summary, const struct cramp_score *cramp) {
        bool strong = cramp->ratio >= SCORE_STRONG_RATIO;

        if (strong) {
                summary->strong++;
                summary->strong_hits += cramp->hit;
        } else {
                summary->weak++;
                summary->weak_hits += cramp->hit;
        }
        summary->repeats += cramp->repeats;
        values_add(&summary->latency, cramp->latency_s);
        values_add(&summary->from_onset, cramp->from_onset_s);
        values_add(strong ? &summary->onset_strong : &summary->onset_weak, fabs(cramp->onset_error_s));
        values_add(&summary->end, fabs(cramp->end_error_s));
}

static void summary_take_night(struct summary *summary, const struct night_score *score) {
        summary->nights++;
        summary->hours += score->hours;
        for (unsigned i = 0; i < score->n_cramps; i++)
                summary_take_cramp(summary, &score->cramps[i]);
        for (unsigned i = 0; i < SCORE_CAUSES; i++) {
                summary->false_alarms[i] += score->false_alarms[i];
                if (score_cause_is_apart(i))
                        summary->apart_total += score->false_alarms[i];
                else
                        summary->false_total += score->false_alarms[i];
        }
}

int summary_make(const struct night_score *scores, size_t nights, size_t stride, struct summary *ret) {
        struct values *lists[] = {&ret->latency, &ret->from_onset, &ret->onset_strong, &ret->onset_weak,
                                  &ret->end};
        size_t n = 1;

        *ret = (struct summary){0};
        for (size_t i = 0; i < nights; i++)
                n += scores[i * stride].n_cramps;
        for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
                lists[i]->value = calloc(n, sizeof(double));
                if (!lists[i]->value) {
                        summary_done(ret);
                        return -ENOMEM;
                }
        }

        for (size_t i = 0; i < nights; i++)
                summary_take_night(ret, &scores[i * stride]);
        for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
                qsort(lists[i]->value, lists[i]->n, sizeof(double), compare);
        return 0;
}

void summary_done(struct summary *summary) {
        free(summary->latency.value);
        free(summary->from_onset.value);
        free(summary->onset_strong.value);
        free(summary->onset_weak.value);
        free(summary->end.value);
        *summary = (struct summary){0};
}

double summary_per_night(const struct summary *summary, size_t count) {
        return summary->hours > 0 ? (double)count * 8 / summary->hours : NAN;
}

double summary_sensitivity(const struct summary *summary) {
        size_t n = summary->strong + summary->weak;

        return n > 0 ? (double)(summary->strong_hits + summary->weak_hits) / (double)n : NAN;
}
