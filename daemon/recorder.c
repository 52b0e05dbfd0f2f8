/* SPDX-License-Identifier: MIT */
/* Episodes on their way to the store: see recorder.h. */
#include "daemon/recorder.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/log.h"
#include "daemon/bus/advice-news.h"
#include "daemon/bus/alerts.h"
#include "daemon/sensor.h"

/* An episode that the store refused, as it was last. */
struct kept {
        TAILQ_ENTRY(kept) kept;
        uid_t owner_uid;
        struct store_episode episode;
};

struct recorder {
        struct crampd *crampd;
        TAILQ_HEAD(, kept) kept;
        unsigned n_kept;
        sd_event_source *again; /* on while any is kept */
};

/* The store may answer long after the episode, or the sensor, is gone: ids instead of pointers. */
struct recorded_call {
        struct crampd *crampd;
        uid_t owner_uid;
        char sensor[STORE_ID_SIZE];
        char episode[STORE_ID_SIZE];
};

static void on_recorded(int error, void *userdata) {
        _cleanup_(freep) struct recorded_call *call = userdata;
        const struct store_episode *episode;
        struct sensor *sensor;
        uint64_t lasting_us;

        if (error == -ECANCELED)
                return;
        if (error < 0) {
                log_error("An episode could not be recorded: %s.", strerror(-error));
                return;
        }

        advice_news_check(call->crampd->bus->news, call->owner_uid, "cramp");
        sensor = sensor_find(call->crampd, call->sensor);
        if (!sensor || !sensor->night || sensor->recorded)
                return;
        episode = night_get_episode(sensor->night, &lasting_us);
        if (!episode || strcmp(episode->id, call->episode) != 0)
                return;
        sensor->recorded = true;
        alerts_send(sensor, NIGHT_ALERT_UPDATED, episode, lasting_us, /* repeated= */ false,
                    /* to= */ NULL);
}

static int put(struct recorder *recorder, uid_t owner_uid, const struct store_episode *episode) {
        struct recorded_call *call = malloc(sizeof(*call));
        int r;

        if (call) {
                call->crampd = recorder->crampd;
                call->owner_uid = owner_uid;
                memcpy(call->sensor, episode->sensor, sizeof(call->sensor));
                memcpy(call->episode, episode->id, sizeof(call->episode));
        }
        r = store_put_episode(recorder->crampd->store, episode, call ? on_recorded : NULL, call);
        if (r < 0)
                free(call);
        return r;
}

static bool may_be_taken_later(int r) {
        return r == -ENOBUFS || r == -ENOMEM;
}

static void kept_free(struct recorder *recorder, struct kept *kept) {
        TAILQ_REMOVE(&recorder->kept, kept, kept);
        recorder->n_kept--;
        free(kept);
}

static void lose(struct recorder *recorder, struct kept *kept, int r) {
        log_error("An episode could not be handed to the store: %s.", strerror(-r));
        kept_free(recorder, kept);
}

/* Puts those that are kept, in order, until the store refuses one again. */
static void put_kept(struct recorder *recorder) {
        struct kept *kept;

        while ((kept = TAILQ_FIRST(&recorder->kept))) {
                int r = put(recorder, kept->owner_uid, &kept->episode);

                if (may_be_taken_later(r))
                        return;
                if (r < 0)
                        lose(recorder, kept, r);
                else
                        kept_free(recorder, kept);
        }
}

static void try_again_soon(struct recorder *recorder) {
        (void)sd_event_source_set_time_relative(recorder->again, RECORDER_AGAIN_US);
        (void)sd_event_source_set_enabled(recorder->again, SD_EVENT_ONESHOT);
}

static int on_again(sd_event_source *source, uint64_t time_us, void *userdata) {
        struct recorder *recorder = userdata;

        put_kept(recorder);
        if (recorder->n_kept > 0)
                try_again_soon(recorder);
        return 0;
}

static struct kept *kept_find(struct recorder *recorder, const char *id) {
        struct kept *kept;

        TAILQ_FOREACH (kept, &recorder->kept, kept)
                if (strcmp(kept->episode.id, id) == 0)
                        return kept;
        return NULL;
}

static int keep(struct recorder *recorder, uid_t owner_uid, const struct store_episode *episode) {
        struct kept *kept = malloc(sizeof(*kept));

        if (!kept)
                return -ENOMEM;
        if (recorder->n_kept >= RECORDER_KEPT_MAX)
                lose(recorder, TAILQ_FIRST(&recorder->kept), -ENOBUFS);
        kept->owner_uid = owner_uid;
        kept->episode = *episode;
        TAILQ_INSERT_TAIL(&recorder->kept, kept, kept);
        recorder->n_kept++;
        try_again_soon(recorder);
        return 0;
}

void recorder_put(struct recorder *recorder, const struct sensor *sensor,
                  const struct store_episode *episode) {
        struct kept *kept = kept_find(recorder, episode->id);
        int r;

        if (kept) { /* its turn comes */
                kept->episode = *episode;
                return;
        }
        r = put(recorder, sensor->row.owner_uid, episode);
        if (may_be_taken_later(r))
                r = keep(recorder, sensor->row.owner_uid, episode);
        if (r < 0)
                log_error("An episode could not be handed to the store: %s.", strerror(-r));
}

DEFINE_CLEANUP(struct recorder *, recorder_free)

int recorder_new(struct crampd *crampd, struct recorder **ret) {
        _cleanup_(recorder_freep) struct recorder *recorder = calloc(1, sizeof(*recorder));
        int r;

        if (!recorder)
                return -ENOMEM;
        recorder->crampd = crampd;
        TAILQ_INIT(&recorder->kept);
        r = sd_event_add_time_relative(crampd->event, &recorder->again, CLOCK_MONOTONIC,
                                       RECORDER_AGAIN_US, /* accuracy= */ 0, on_again, recorder);
        if (r >= 0)
                r = sd_event_source_set_enabled(recorder->again, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = steal_pointer(&recorder);
        return 0;
}

struct recorder *recorder_free(struct recorder *recorder) {
        if (!recorder)
                return NULL;
        put_kept(recorder);
        while (!TAILQ_EMPTY(&recorder->kept))
                lose(recorder, TAILQ_FIRST(&recorder->kept), -ENOBUFS);
        sd_event_source_disable_unref(recorder->again);
        free(recorder);
        return NULL;
}
