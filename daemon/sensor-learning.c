/* SPDX-License-Identifier: MIT */
/* What a sensor learns from its owner's verdicts: asks the store for them, and sets what the night takes
 * for evidence. What follows from verdicts is learning.c's. See sensor.h. */
#include <stdlib.h>
#include <string.h>

#include "daemon/basic/cleanup.h"
#include "daemon/sensor.h"

double sensor_next_factor(const struct sensor *sensor) {
        return sensor->row.learning ? sensor->learning.factor : 1.0;
}

void sensor_set_factor(struct sensor *sensor, double factor) {
        sensor->evidence_factor = factor;
        if (sensor->night)
                night_set_evidence(sensor->night, sensor_sensitivity(&sensor->row), factor);
}

struct store_filter sensor_verdicts_filter(const struct sensor *sensor) {
        struct store_filter filter = {.since_us = sensor->row.learning_since_us,
                                      .until_us = STORE_NO_TIME,
                                      .limit = LEARNING_VERDICTS_MAX};

        memcpy(filter.sensor, sensor->row.id, sizeof(filter.sensor));
        return filter;
}

void sensor_take_verdicts(struct sensor *sensor, const struct store_verdict *verdicts, size_t n) {
        struct learning_verdict learnt[LEARNING_VERDICTS_MAX];
        size_t n_learnt = 0;

        for (size_t i = 0; i < n && n_learnt < LEARNING_VERDICTS_MAX; i++) {
                enum learning_kind kind = strcmp(verdicts[i].verdict, "missed") == 0 ? LEARNING_MISSED
                                          : strcmp(verdicts[i].verdict, "false-alarm") == 0
                                                  ? LEARNING_FALSE_ALARM
                                                  : LEARNING_CONFIRMED;

                learnt[n_learnt++] = (struct learning_verdict){kind, verdicts[i].time_us};
        }
        sensor->learning = learning_propose(learnt, n_learnt, crampd_now_us());
}

/* The sensor may be gone when the store answers, and what counts may be another. */
struct learn_call {
        struct crampd *crampd;
        char sensor[STORE_ID_SIZE];
        int64_t since_us;
};

static void on_verdicts(int error, const struct store_verdict *verdicts, size_t n, void *userdata) {
        _cleanup_(freep) struct learn_call *call = userdata;
        struct sensor *sensor;

        if (error < 0)
                return; /* what was learnt before stays */
        sensor = sensor_find(call->crampd, call->sensor);
        if (sensor && sensor->row.learning_since_us == call->since_us)
                sensor_take_verdicts(sensor, verdicts, n);
}

void sensor_learn(struct sensor *sensor) {
        struct store_filter filter = sensor_verdicts_filter(sensor);
        struct learn_call *call;

        if (!sensor->row.learning)
                return; /* asked for when it is looked at */
        call = malloc(sizeof(*call));
        if (!call)
                return;
        call->crampd = sensor->crampd;
        call->since_us = filter.since_us;
        memcpy(call->sensor, sensor->row.id, sizeof(call->sensor));
        if (store_list_verdicts(sensor->crampd->store, &filter, on_verdicts, call) < 0)
                free(call);
}

void sensor_learn_all(struct crampd *crampd, uid_t owner_uid) {
        struct sensor *sensor;

        LIST_FOREACH (sensor, &crampd->sensors, sensors)
                if (owner_uid == 0 || sensor->row.owner_uid == owner_uid)
                        sensor_learn(sensor);
}
