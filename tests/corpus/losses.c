/* SPDX-License-Identifier: MIT */
/* Gaps: see losses.h. */
#include "tests/corpus/losses.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/basic/cleanup.h"
#include "tests/corpus/model.h"
#include "tests/corpus/random.h"

#define GAPS_MAX 1000000

struct gap_list {
        struct corpus_gap *gaps;
        size_t n, room;
        unsigned rate_hz;
        uint64_t frames;
};

static int list_add(struct gap_list *list, double start_s, double duration_s) {
        uint64_t first = (uint64_t)llrint(start_s * list->rate_hz);
        uint64_t frames = (uint64_t)llrint(duration_s * list->rate_hz);

        if (frames == 0 || first >= list->frames)
                return 0;
        if (list->n == GAPS_MAX)
                return -E2BIG;
        if (list->n == list->room) {
                size_t room = list->room > 0 ? 2 * list->room : 64;
                struct corpus_gap *gaps = reallocarray(list->gaps, room, sizeof(*gaps));

                if (!gaps)
                        return -ENOMEM;
                list->gaps = gaps;
                list->room = room;
        }
        if (frames > list->frames - first)
                frames = list->frames - first;
        list->gaps[list->n++] = (struct corpus_gap){first, frames};
        return 0;
}

/* Runs of lost packets at random times; the number in a run is geometric. */
static int list_add_losses(struct gap_list *list, const struct script_event *event,
                           struct random *random) {
        double mean_s = 60 / event->per_minute, at_s = random_exponential(random, mean_s);
        int r = 0;

        while (r == 0 && at_s < event->duration_s) {
                double packets = 1 + floor(random_exponential(random, MODEL_LOSS_RUN - 0.5));
                double start_s = floor((event->start_s + at_s) / MODEL_PACKET_S) * MODEL_PACKET_S;

                r = list_add(list, start_s, packets * MODEL_PACKET_S);
                at_s += packets * MODEL_PACKET_S + random_exponential(random, mean_s);
        }
        return r;
}

static int gap_compare(const void *a, const void *b) {
        const struct corpus_gap *first = a, *second = b;

        return (first->first > second->first) - (first->first < second->first);
}

/* Sorts, and makes one of those that touch. */
static void list_merge(struct gap_list *list) {
        size_t kept = 0;

        if (list->n == 0)
                return;
        qsort(list->gaps, list->n, sizeof(*list->gaps), gap_compare);
        for (size_t i = 1; i < list->n; i++) {
                struct corpus_gap *last = &list->gaps[kept];
                const struct corpus_gap *next = &list->gaps[i];
                uint64_t end = next->first + next->frames;

                if (next->first > last->first + last->frames)
                        list->gaps[++kept] = *next;
                else if (end > last->first + last->frames)
                        last->frames = end - last->first;
        }
        list->n = kept + 1;
}

int losses_build(const struct script *script, uint64_t seed, unsigned rate_hz, uint64_t frames,
                 struct corpus_gap **ret, size_t *ret_n) {
        struct gap_list list = {.rate_hz = rate_hz, .frames = frames};
        int r = 0;

        for (size_t i = 0; r == 0 && i < script->n_events; i++) {
                const struct script_event *event = &script->events[i];
                struct random random;

                random_init(&random, seed, RANDOM_LOSS, i, 0);
                if (event->kind == EVENT_GAP)
                        r = list_add(&list, event->start_s, event->duration_s);
                else if (event->kind == EVENT_LOSS)
                        r = list_add_losses(&list, event, &random);
        }
        if (r < 0) {
                free(list.gaps);
                return r;
        }
        list_merge(&list);
        *ret = list.gaps;
        *ret_n = list.n;
        return 0;
}
