/* SPDX-License-Identifier: MIT */
/* The store as the loop sees it: see store.h. Puts requests in line, gives answers and reports to their
 * callbacks. */
#include "daemon/store/store.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>

#include "daemon/store/writer.h"

/* A page of answers is up to 1 MiB, so not many may wait at once. */
#define QUERIES_MAX 64u

/* Callbacks in one turn of the loop; samples must get theirs in between. */
#define DELIVERIES_MAX 4u

/* How long a thread that was told to drop everything has to do so. */
#define GRACE_US UINT64_C(250000)
#define LIMIT_MAX_US (UINT64_C(3600) * 1000000)

struct store {
        unsigned references; /* the caller's, and one while callbacks run: they may close the store */
        bool closed;
        struct shared *shared;
        pthread_t thread;
        sd_event_source *source;
        store_health_func health;
        void *userdata;
        size_t n_writes; /* on their way, up to the delivery of their answer */
        size_t n_queries;
        size_t n_waveforms; /* of the writes */
};

static struct store *store_unreference(struct store *store) {
        if (--store->references > 0)
                return NULL;
        sd_event_source_disable_unref(store->source);
        if (store->shared)
                shared_unreference(store->shared);
        free(store);
        return NULL;
}

DEFINE_CLEANUP(struct store *, store_unreference)

static void store_deliver(struct store *store, struct request *request, int error) {
        if (request_is_put(request))
                store->n_writes--;
        else
                store->n_queries--;
        if (request->kind == REQUEST_PUT_WAVEFORM)
                store->n_waveforms--;
        request_deliver(request, error);
}

static bool store_deliver_report(struct store *store) {
        struct shared *shared = store->shared;
        struct report report;
        bool found;

        (void)pthread_mutex_lock(&shared->mutex);
        found = shared->n_reports > 0;
        if (found) {
                report = shared->reports[0];
                shared->n_reports--;
                memmove(shared->reports, shared->reports + 1,
                        shared->n_reports * sizeof(*shared->reports));
        }
        (void)pthread_mutex_unlock(&shared->mutex);
        if (found && store->health)
                store->health(report.error, report.text, store->userdata);
        return found;
}

static struct request *shared_pop(struct shared *shared, struct request_list *list) {
        struct request *request;

        (void)pthread_mutex_lock(&shared->mutex);
        request = request_list_pop(list);
        (void)pthread_mutex_unlock(&shared->mutex);
        return request;
}

static bool store_deliver_answer(struct store *store) {
        _cleanup_(request_freep) struct request *request =
                shared_pop(store->shared, &store->shared->answers);

        if (!request)
                return false;
        store_deliver(store, request, request->error);
        return true;
}

static int on_event(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        _cleanup_(store_unreferencep) struct store *store = userdata;
        bool more = true;
        uint64_t count;

        store->references++;
        (void)!read(fd, &count, sizeof(count));
        while (!store->closed && store_deliver_report(store))
                ;
        for (unsigned i = 0; i < DELIVERIES_MAX && more; i++)
                more = !store->closed && store_deliver_answer(store);
        if (more)
                shared_notify(store->shared);
        return 0;
}

int store_open(const char *path, sd_event *event, store_health_func health, void *userdata,
               struct store **ret) {
        _cleanup_(store_unreferencep) struct store *store = NULL;
        int r;

        /* Debian's SQLite would take "file:" for a URI. */
        if (path[0] == '\0' || strncmp(path, "file:", strlen("file:")) == 0)
                return -EINVAL;
        if (strlen(path) >= PATH_MAX)
                return -ENAMETOOLONG;

        store = calloc(1, sizeof(*store));
        if (!store)
                return -ENOMEM;
        store->references = 1;
        store->health = health;
        store->userdata = userdata;
        r = shared_new(path, &store->shared);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &store->source, store->shared->event_fd, EPOLLIN, on_event, store);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(store->source, "store");
        r = writer_start(store->shared, &store->thread);
        if (r < 0)
                return r;
        *ret = steal_pointer(&store);
        return 0;
}

static bool store_wait_finished(struct shared *shared, uint64_t limit_us) {
        uint64_t until_us = monotonic_us() + limit_us;

        while (!shared->finished && monotonic_us() < until_us)
                wait_until(shared, &shared->ended, until_us);
        return shared->finished;
}

/* Ends the thread. Returns false when it does not come back: it hangs in the kernel, on a disk that does
 * not answer, from where nothing can get it. Then it is left to itself. It holds a reference to all that
 * it touches, sees when it does return that it was abandoned, and frees what is left, so nothing is used
 * after it was freed. */
static bool store_stop_thread(struct store *store, uint64_t limit_us) {
        struct shared *shared = store->shared;
        bool finished;

        (void)pthread_mutex_lock(&shared->mutex);
        shared->stopping = true;
        (void)pthread_cond_signal(&shared->wake);
        finished = store_wait_finished(shared, limit_us < LIMIT_MAX_US ? limit_us : LIMIT_MAX_US);
        if (!finished) {
                /* The progress handler looks at it, so a long query or check ends here.
                 * sqlite3_interrupt() would need a connection that the thread may be closing. */
                atomic_store(&shared->abandoned, true);
                (void)pthread_cond_signal(&shared->wake);
                finished = store_wait_finished(shared, GRACE_US);
        }
        (void)pthread_mutex_unlock(&shared->mutex);

        if (finished)
                (void)pthread_join(store->thread, NULL);
        else
                (void)pthread_detach(store->thread);
        return finished;
}

static void store_cancel(struct store *store, struct request_list *list) {
        struct request *request;

        while ((request = shared_pop(store->shared, list))) {
                store_deliver(store, request, -ECANCELED);
                for (struct request *i = request->followers; i; i = i->next)
                        store_deliver(store, i, -ECANCELED);
                request_free(request);
        }
}

struct store *store_close(struct store *store, uint64_t limit_us) {
        bool finished;

        if (!store)
                return NULL;
        store->closed = true;
        store->source = sd_event_source_disable_unref(store->source);
        finished = store_stop_thread(store, limit_us);

        while (store_deliver_answer(store))
                ;
        if (finished)
                store_cancel(store, &store->shared->working);
        else
                /* The thread may still read these: they stay, and only their callbacks are told. */
                for (const struct request *i = store->shared->working.head; i; i = i->next) {
                        request_deliver(i, -ECANCELED);
                        for (const struct request *j = i->followers; j; j = j->next)
                                request_deliver(j, -ECANCELED);
                }
        store_cancel(store, &store->shared->writes);
        store_cancel(store, &store->shared->queries);
        return store_unreference(store);
}

/* Puts a write in line, at most `max` being on their way. Takes the request over in any case. */
static int store_queue_write(struct store *store, struct request *new, size_t max) {
        _cleanup_(request_freep) struct request *request = new;
        struct shared *shared = store->shared;
        struct request *same;
        int r = 0;

        if (store->closed)
                return -ESHUTDOWN;

        (void)pthread_mutex_lock(&shared->mutex);
        same = request_list_find_same(&shared->writes, request);
        /* The end of an episode must not get lost because the queue is full of beginnings. */
        if (same && request->callback.done)
                max *= 2;
        if (same && (!request->callback.done || store->n_writes < max))
                store->n_writes += request_overtake(same, steal_pointer(&request));
        else if (store->n_writes < max) {
                request_list_append(&shared->writes, steal_pointer(&request));
                store->n_writes++;
        } else
                r = -ENOBUFS;
        if (r == 0)
                (void)pthread_cond_signal(&shared->wake);
        (void)pthread_mutex_unlock(&shared->mutex);
        return r;
}

int store_put_sensor(struct store *store, const struct store_sensor *sensor, store_done_func done,
                     void *userdata) {
        struct request *request;
        int r;

        r = sensor_check(sensor);
        if (r < 0)
                return r;
        request = request_new(REQUEST_PUT_SENSOR, userdata);
        if (!request)
                return -ENOMEM;
        request->sensor = *sensor;
        request->callback.done = done;
        return store_queue_write(store, request, STORE_QUEUE_MAX / 2);
}

int store_put_night(struct store *store, const struct store_night *night, store_done_func done,
                    void *userdata) {
        struct request *request;
        int r;

        r = night_check(night);
        if (r < 0)
                return r;
        request = request_new(REQUEST_PUT_NIGHT, userdata);
        if (!request)
                return -ENOMEM;
        request->night = *night;
        request->callback.done = done;
        return store_queue_write(store, request, STORE_QUEUE_MAX);
}

int store_put_episode(struct store *store, const struct store_episode *episode, store_done_func done,
                      void *userdata) {
        struct request *request;
        int r;

        r = episode_check(episode);
        if (r < 0)
                return r;
        request = request_new(REQUEST_PUT_EPISODE, userdata);
        if (!request)
                return -ENOMEM;
        request->episode = *episode;
        request->callback.done = done;
        return store_queue_write(store, request, STORE_QUEUE_MAX);
}

int store_put_gap(struct store *store, const struct store_gap *gap) {
        struct request *request;
        int r;

        r = gap_check(gap);
        if (r < 0)
                return r;
        request = request_new(REQUEST_PUT_GAP, NULL);
        if (!request)
                return -ENOMEM;
        request->gap = *gap;
        return store_queue_write(store, request, STORE_QUEUE_MAX / 2);
}

int store_put_battery(struct store *store, const struct store_battery *battery) {
        struct request *request;
        int r;

        r = battery_check(battery);
        if (r < 0)
                return r;
        request = request_new(REQUEST_PUT_BATTERY, NULL);
        if (!request)
                return -ENOMEM;
        request->battery = *battery;
        return store_queue_write(store, request, STORE_QUEUE_MAX / 2);
}

int store_put_calibration(struct store *store, const struct store_calibration *calibration,
                          store_done_func done, void *userdata) {
        struct request *request;
        int r;

        r = calibration_check(calibration);
        if (r < 0)
                return r;
        request = request_new(REQUEST_PUT_CALIBRATION, userdata);
        if (!request)
                return -ENOMEM;
        request->calibration = *calibration;
        request->callback.done = done;
        return store_queue_write(store, request, STORE_QUEUE_MAX / 2);
}

int store_put_account(struct store *store, const struct store_account *account) {
        struct request *request;
        int r;

        r = account_check(account);
        if (r < 0)
                return r;
        request = request_new(REQUEST_PUT_ACCOUNT, NULL);
        if (!request)
                return -ENOMEM;
        request->account = *account;
        return store_queue_write(store, request, STORE_QUEUE_MAX / 2);
}

int store_put_waveform(struct store *store, struct store_waveform *waveform) {
        struct request *request;
        int r;

        r = waveform_check(waveform);
        if (r >= 0 && store->n_waveforms >= STORE_WAVEFORMS_WAITING)
                r = -ENOBUFS;
        request = r < 0 ? NULL : request_new(REQUEST_PUT_WAVEFORM, NULL);
        if (!request) {
                (void)store_waveform_free(waveform);
                return r < 0 ? r : -ENOMEM;
        }
        request->waveform = waveform;
        r = store_queue_write(store, request, STORE_QUEUE_MAX / 2);
        if (r >= 0)
                store->n_waveforms++;
        return r;
}

int store_annotate(struct store *store, const struct store_annotation *annotation,
                   store_annotated_func done, void *userdata) {
        struct request *request;
        int r;

        r = annotation_check(annotation);
        if (r < 0)
                return r;
        request = request_new(REQUEST_ANNOTATE, userdata);
        if (!request)
                return -ENOMEM;
        request->annotation = *annotation;
        request->callback.annotated = done;
        return store_queue_write(store, request, STORE_QUEUE_MAX / 2);
}

static int store_queue_query(struct store *store, struct request *new) {
        _cleanup_(request_freep) struct request *request = new;
        struct shared *shared = store->shared;

        if (store->closed)
                return -ESHUTDOWN;
        if (store->n_queries >= QUERIES_MAX)
                return -ENOBUFS;
        store->n_queries++;

        (void)pthread_mutex_lock(&shared->mutex);
        request_list_append(&shared->queries, steal_pointer(&request));
        (void)pthread_cond_signal(&shared->wake);
        (void)pthread_mutex_unlock(&shared->mutex);
        return 0;
}

/* A question about the rows of `filter`; whose callback is for the caller to set. */
static int question_new(enum request_kind kind, const struct store_filter *filter, uint32_t page_max,
                        void *userdata, struct request **ret) {
        struct request *request;
        int r;

        r = filter_check(filter, page_max);
        if (r < 0)
                return r;
        request = request_new(kind, userdata);
        if (!request)
                return -ENOMEM;
        request->filter = *filter;
        *ret = request;
        return 0;
}

int store_list_sensors(struct store *store, store_sensors_func done, void *userdata) {
        struct request *request = request_new(REQUEST_LIST_SENSORS, userdata);

        if (!request)
                return -ENOMEM;
        request->callback.sensors = done;
        return store_queue_query(store, request);
}

int store_list_episodes(struct store *store, const struct store_filter *filter, store_episodes_func done,
                        void *userdata) {
        struct request *request;
        int r = question_new(REQUEST_LIST_EPISODES, filter, STORE_PAGE_MAX, userdata, &request);

        if (r < 0)
                return r;
        request->callback.episodes = done;
        return store_queue_query(store, request);
}

int store_list_nights(struct store *store, const struct store_filter *filter, store_nights_func done,
                      void *userdata) {
        struct request *request;
        int r = question_new(REQUEST_LIST_NIGHTS, filter, STORE_NIGHTS_PAGE_MAX, userdata, &request);

        if (r < 0)
                return r;
        request->callback.nights = done;
        return store_queue_query(store, request);
}

int store_list_missed(struct store *store, const struct store_filter *filter, store_missed_func done,
                      void *userdata) {
        struct request *request;
        int r = question_new(REQUEST_LIST_MISSED, filter, STORE_PAGE_MAX, userdata, &request);

        if (r < 0)
                return r;
        request->callback.missed = done;
        return store_queue_query(store, request);
}

int store_change_person(struct store *store, const struct store_person_change *change,
                        store_done_func done, void *userdata) {
        _cleanup_(request_freep) struct request *request = NULL;
        int r;

        r = person_change_check(change);
        if (r < 0)
                return r;
        request = request_new(REQUEST_CHANGE_PERSON, userdata);
        if (!request)
                return -ENOMEM;
        request->change = malloc(sizeof(*change));
        if (!request->change)
                return -ENOMEM;
        *request->change = *change;
        request->callback.done = done;
        return store_queue_write(store, steal_pointer(&request), STORE_QUEUE_MAX / 2);
}

int store_get_person(struct store *store, const struct store_person_filter *filter,
                     store_person_func done, void *userdata) {
        struct request *request;
        int r;

        r = person_filter_check(filter);
        if (r < 0)
                return r;
        request = request_new(REQUEST_GET_PERSON, userdata);
        if (!request)
                return -ENOMEM;
        request->person_filter = *filter;
        request->callback.person = done;
        return store_queue_query(store, request);
}

int store_get_account(struct store *store, const struct store_filter *filter, store_account_func done,
                      void *userdata) {
        struct request *request;
        int r;

        if (!filter->id[0])
                return -EINVAL;
        r = question_new(REQUEST_GET_ACCOUNT, filter, STORE_PAGE_MAX, userdata, &request);
        if (r < 0)
                return r;
        request->callback.account = done;
        return store_queue_query(store, request);
}

int store_get_waveform(struct store *store, const struct store_filter *filter, store_waveform_func done,
                       void *userdata) {
        struct request *request;
        int r;

        if (!filter->id[0])
                return -EINVAL;
        r = question_new(REQUEST_GET_WAVEFORM, filter, STORE_PAGE_MAX, userdata, &request);
        if (r < 0)
                return r;
        request->callback.waveform = done;
        return store_queue_query(store, request);
}

int store_list_verdicts(struct store *store, const struct store_filter *filter, store_verdicts_func done,
                        void *userdata) {
        struct request *request;
        int r;

        if (!filter->sensor[0])
                return -EINVAL;
        r = question_new(REQUEST_LIST_VERDICTS, filter, STORE_PAGE_MAX, userdata, &request);
        if (r < 0)
                return r;
        request->callback.verdicts = done;
        return store_queue_query(store, request);
}

static int outline_ask(struct store *store, enum request_kind kind, const struct store_filter *filter,
                       store_outline_func done, void *userdata) {
        uint32_t limit_max =
                kind == REQUEST_TABULATE_EPISODES ? STORE_TABLE_PAGE_MAX : STORE_OUTLINE_PAGE_MAX;
        struct request *request;
        int r = question_new(kind, filter, limit_max, userdata, &request);

        if (r < 0)
                return r;
        request->callback.outline = done;
        return store_queue_query(store, request);
}

int store_outline_episodes(struct store *store, const struct store_filter *filter,
                           store_outline_func done, void *userdata) {
        return outline_ask(store, REQUEST_OUTLINE_EPISODES, filter, done, userdata);
}

int store_outline_nights(struct store *store, const struct store_filter *filter, store_outline_func done,
                         void *userdata) {
        return outline_ask(store, REQUEST_OUTLINE_NIGHTS, filter, done, userdata);
}

int store_tabulate_episodes(struct store *store, const struct store_filter *filter,
                            store_outline_func done, void *userdata) {
        return outline_ask(store, REQUEST_TABULATE_EPISODES, filter, done, userdata);
}

int store_get_error(const struct store *store) {
        return atomic_load(&store->shared->error);
}
