/* SPDX-License-Identifier: MIT */
/* Nights of one kind: see group.h. */
#include "tests/evaluate/group.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/basic/cleanup.h"
#include "tests/evaluate/pool.h"

struct group_work {
        const struct group *group;
        struct night_score *scores; /* shared: nights x settings */
};

void group_add(struct group *group, const struct rival_kind *kind) {
        if (group->plan.channels >= kind->channels_min && group->n_kinds < ARRAY_LENGTH(group->kinds))
                group->kinds[group->n_kinds++] = kind;
}

size_t group_first(const struct group *group, const struct rival_kind *kind) {
        size_t first = 0;

        for (size_t i = 0; i < group->n_kinds && group->kinds[i] != kind; i++)
                first += group->kinds[i]->n_settings;
        return first;
}

static double now_s(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int group_work_night(size_t night, void *userdata) {
        const struct group_work *work = userdata;
        const struct group *group = work->group;
        struct corpus_error error = {0};
        struct night_plan plan = group->plan;
        int r;

        plan.seed += night;
        r = night_run(&plan, group->kinds, group->n_kinds, work->scores + night * group->n_summaries,
                      &error);
        if (r < 0)
                (void)fprintf(stderr, "evaluate: night %" PRIu64 ": %s\n", plan.seed,
                              error.text[0] ? error.text : strerror(-r));
        return r;
}

int group_run(struct group *group, unsigned jobs) {
        struct group_work work = {.group = group};
        double begin_s = now_s();
        size_t size;
        int r;

        group->n_summaries = night_settings(group->kinds, group->n_kinds);
        size = group->nights * group->n_summaries * sizeof(*work.scores);
        work.scores = pool_memory(size);
        group->summaries = calloc(group->n_summaries, sizeof(*group->summaries));
        if (!work.scores || !group->summaries)
                r = -ENOMEM;
        else
                r = pool_run(group->nights, jobs, group_work_night, &work);

        for (size_t i = 0; r == 0 && i < group->n_summaries; i++)
                r = summary_make(work.scores + i, group->nights, group->n_summaries,
                                 &group->summaries[i]);
        pool_memory_free(work.scores, size);
        group->elapsed_s = now_s() - begin_s;
        return r;
}

void group_done(struct group *group) {
        for (size_t i = 0; group->summaries && i < group->n_summaries; i++)
                summary_done(&group->summaries[i]);
        free(group->summaries);
        *group = (struct group){0};
}
