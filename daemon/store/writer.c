/* SPDX-License-Identifier: MIT */
/* The writer thread: see writer.h. */
#include "daemon/store/writer.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

#include "daemon/store/mirror.h"

/* Four times in the second within which an episode is to be durable once that is possible. */
#define RETRY_US UINT64_C(250000)

/* Rows in one transaction: a backlog goes fast, and a query waits for no more than this. */
#define BATCH_MAX 256u

struct writer {
        struct shared *shared;
        struct database database;
        struct mirror mirror;
        uint64_t retry_us;           /* CLOCK_MONOTONIC: nothing is tried before; 0 = at once */
        unsigned suspicion;          /* times that SQLite found damage since it last wrote */
        bool tried;                  /* to open the database: before that, queries wait */
        bool begun;                  /* this run is marked in the database */
        bool queried;                /* the step before was a query: now a write goes first */
        bool hurried;                /* has cut the wait short, as the store is to be closed */
        bool reported;               /* anything, ever */
        bool forgetting;             /* what is forgotten may be in the log yet */
        char notice[PATH_MAX + 256]; /* to be told when the store works (again) */
};

enum step {
        STEP_OPEN,
        STEP_QUERY,
        STEP_WRITE,
        STEP_STOP,
};

/* Tells the loop when the state has changed; the same failure at every try is told once. */
static void writer_report(struct writer *writer, int error, const char *text) {
        struct shared *shared = writer->shared;
        struct report *report;

        if (writer->reported && atomic_load(&shared->error) == error)
                return;
        writer->reported = true;
        atomic_store(&shared->error, error);

        (void)pthread_mutex_lock(&shared->mutex);
        /* A loop that falls so far behind misses what happened in between, not how it is now. */
        if (shared->n_reports == REPORTS_MAX)
                shared->n_reports--;
        report = &shared->reports[shared->n_reports++];
        report->error = error;
        (void)snprintf(report->text, sizeof(report->text), "%s", text);
        (void)pthread_mutex_unlock(&shared->mutex);
        shared_notify(shared);
}

static void writer_work(struct writer *writer) {
        char text[DATABASE_TEXT_SIZE];

        (void)snprintf(text, sizeof(text), "The database %s is in use.", writer->shared->path);
        writer_report(writer, 0, writer->notice[0] ? writer->notice : text);
        writer->notice[0] = '\0';
}

static void writer_fail(struct writer *writer, int error, const char *text) {
        writer->retry_us = monotonic_us() + RETRY_US;
        if (error != -ECANCELED)
                writer_report(writer, error, text);
}

/* SQLite has failed with `rc`: says so, and closes the database if it has to be opened anew. */
static int writer_fail_sqlite(struct writer *writer, int rc) {
        char text[DATABASE_TEXT_SIZE];
        int r = sqlite_error(writer->database.handle, rc);

        database_describe(&writer->database, r, text);
        if (r == -EBADMSG) {
                writer->suspicion++;
                database_close(&writer->database, false);
        }
        writer_fail(writer, r, text);
        return r;
}

static int writer_replace(struct writer *writer, char *ret_text) {
        char aside[PATH_MAX];
        int r;

        r = database_set_aside(&writer->database, aside);
        if (r < 0) {
                database_describe(&writer->database, r, ret_text);
                return r;
        }
        (void)snprintf(writer->notice, sizeof(writer->notice),
                       "The database was damaged. It is kept as %s (see sqlite3's .recover), and a "
                       "fresh one is begun.",
                       aside);
        writer->suspicion = 0;
        return database_open(&writer->database, DATABASE_CHECK_IF_UNCLEAN, ret_text);
}

static int writer_open(struct writer *writer) {
        char text[DATABASE_TEXT_SIZE];
        int r;

        writer->tried = true;
        writer->begun = false;
        /*
         * A file is taken to be damaged when SQLite says so twice, the second time in a thorough check:
         * to SQLite's check, a page that could not be read for once is damage too, and what was found at
         * work may be a fault of memory. If that check finds nothing and SQLite then trips over the file
         * again, that counts as well.
         */
        if (writer->suspicion > 1)
                r = writer_replace(writer, text);
        else
                r = database_open(&writer->database,
                                  writer->suspicion > 0 ? DATABASE_CHECK_ALL : DATABASE_CHECK_IF_UNCLEAN,
                                  text);
        if (r == -EBADMSG)
                writer->suspicion++;
        if (r < 0)
                writer_fail(writer, r, text);
        return r;
}

/* The first write to a database that was just opened. SQLite result code. */
static int begin_run(struct writer *writer) {
        struct database *database = &writer->database;
        int rc;

        rc = database_begin(database);
        if (rc == SQLITE_OK)
                rc = database_mark_clean(database, false);
        if (rc == SQLITE_OK)
                rc = database_close_interrupted(database);
        if (rc == SQLITE_OK)
                rc = writer->mirror.n > 0 ? mirror_restore(&writer->mirror, &database->rows)
                                          : mirror_load(&writer->mirror, &database->rows);
        if (rc == SQLITE_OK)
                rc = database_commit(database);
        if (rc != SQLITE_OK)
                return rc;
        writer->begun = true;
        return SQLITE_OK;
}

static int put_row(struct rows *rows, struct request *request) {
        switch (request->kind) {
        case REQUEST_PUT_SENSOR:
                return rows_put_sensor(rows, &request->sensor);
        case REQUEST_PUT_NIGHT:
                return rows_put_night(rows, &request->night);
        case REQUEST_PUT_EPISODE:
                return rows_put_episode(rows, &request->episode);
        case REQUEST_PUT_ACCOUNT:
                return rows_put_account(rows, &request->account);
        case REQUEST_PUT_WAVEFORM:
                return rows_put_waveform(rows, request->waveform);
        case REQUEST_ANNOTATE:
                return rows_annotate(rows, &request->annotation, request->beside, &request->error);
        case REQUEST_PUT_BATTERY:
                return rows_put_battery(rows, &request->battery);
        case REQUEST_PUT_CALIBRATION:
                return rows_put_calibration(rows, &request->calibration);
        case REQUEST_PUT_GAP:
                return rows_put_gap(rows, &request->gap);
        case REQUEST_CHANGE_PERSON:
                return rows_change_person(rows, request->change);
        default:
                return SQLITE_MISUSE;
        }
}

/* Writes all that is in hand in one transaction. A row that can never be written gets its error and the
 * rest goes on: SQLite takes back a statement that breaks a constraint and keeps the transaction. SQLite
 * result code. */
static int put_rows(struct writer *writer, struct request *first) {
        struct database *database = &writer->database;
        int rc;

        rc = database_begin(database);
        for (struct request *i = first; i && rc == SQLITE_OK; i = i->next) {
                i->error = 0;
                rc = put_row(&database->rows, i);
                if (rc == SQLITE_NOTFOUND) {
                        i->error = -ENOENT;
                        rc = SQLITE_OK;
                } else if (sqlite_error_is_of_row(rc)) {
                        i->error = sqlite_error(database->handle, rc);
                        rc = SQLITE_OK;
                }
        }
        if (rc == SQLITE_OK)
                rc = database_commit(database);
        return rc;
}

static void note_rows(struct writer *writer, const struct request *first) {
        for (const struct request *i = first; i; i = i->next) {
                if (i->error < 0)
                        continue;
                if (i->kind == REQUEST_PUT_SENSOR)
                        mirror_note_sensor(&writer->mirror, &i->sensor);
                else if (i->kind == REQUEST_PUT_NIGHT)
                        mirror_note_night(&writer->mirror, &i->night);
                else if (i->kind == REQUEST_PUT_BATTERY)
                        mirror_note_battery(&writer->mirror, &i->battery);
                else if (i->kind == REQUEST_PUT_CALIBRATION)
                        mirror_note_calibration(&writer->mirror, &i->calibration);
        }
}

/* Takes writes in hand. Returns the first, or NULL. */
static struct request *writer_take(struct writer *writer) {
        struct shared *shared = writer->shared;
        struct request *first;

        (void)pthread_mutex_lock(&shared->mutex);
        for (unsigned i = 0; i < BATCH_MAX && shared->writes.head && !atomic_load(&shared->abandoned);
             i++)
                request_list_append(&shared->working, request_list_pop(&shared->writes));
        first = shared->working.head;
        (void)pthread_mutex_unlock(&shared->mutex);
        return first;
}

/* Hands back what is in hand: as answers, or to wait for the next try. */
static void writer_hand_back(struct writer *writer, bool done) {
        struct shared *shared = writer->shared;

        (void)pthread_mutex_lock(&shared->mutex);
        if (!atomic_load(&shared->abandoned)) {
                if (done)
                        request_list_answer(&shared->answers, &shared->working);
                else
                        request_list_put_back(&shared->writes, &shared->working);
        }
        (void)pthread_mutex_unlock(&shared->mutex);
        if (done)
                shared_notify(shared);
}

/* Somebody has moved the file away or deleted it: what would be written now would be lost. */
static int writer_follow_path(struct writer *writer) {
        if (!database_is_moved(&writer->database))
                return 0;
        /* What was moved is to be whole; but what now bears the log's name is not touched. */
        (void)database_checkpoint(&writer->database, true);
        database_close(&writer->database, false);
        (void)snprintf(writer->notice, sizeof(writer->notice),
                       "The database %s was moved or deleted while crampd used it: the one that is "
                       "there now is taken.",
                       writer->shared->path);
        writer_report(writer, -ESTALE, writer->notice);
        return writer_open(writer);
}

static bool forgets(const struct request *request) {
        if (request->kind == REQUEST_PUT_CALIBRATION)
                return request->calibration.channels == 0;
        return request->kind == REQUEST_CHANGE_PERSON && request->change->kind != STORE_CHANGE_TRIAL;
}

/* If somebody wants something forgotten, the log must not go on knowing it; where that fails, the next
 * write tries it again. */
static void writer_forget(struct writer *writer, const struct request *first) {
        for (const struct request *i = first; i; i = i->next)
                writer->forgetting = writer->forgetting || forgets(i);
        if (writer->forgetting)
                writer->forgetting = !database_checkpoint(&writer->database, true);
}

static void writer_write(struct writer *writer) {
        struct request *first;
        int rc = SQLITE_OK;

        if (writer_follow_path(writer) < 0)
                return;
        if (!writer->begun)
                rc = begin_run(writer);
        if (rc != SQLITE_OK) {
                database_rollback(&writer->database);
                (void)writer_fail_sqlite(writer, rc);
                return;
        }

        first = writer_take(writer);
        if (first) {
                rc = put_rows(writer, first);
                if (rc != SQLITE_OK) {
                        database_rollback(&writer->database);
                        writer_hand_back(writer, false);
                        (void)writer_fail_sqlite(writer, rc);
                        return;
                }
                writer->suspicion = 0;
                note_rows(writer, first);
                writer_forget(writer, first);
                writer_hand_back(writer, true);
        }
        writer_work(writer);
        /* After the answers have left, so that none of them waits for it. */
        (void)database_checkpoint(&writer->database, false);
}

static int answer_query(struct writer *writer, struct request *query) {
        struct rows *rows = &writer->database.rows;

        if (query->kind == REQUEST_LIST_SENSORS)
                return rows_list_sensors(rows, &query->sensors, &query->n_rows);
        if (query->kind == REQUEST_LIST_VERDICTS)
                return rows_list_verdicts(rows, &query->filter, &query->verdicts, &query->n_rows);
        if (query->kind == REQUEST_GET_ACCOUNT)
                return rows_get_account(rows, &query->filter, &query->accounts, &query->n_rows);
        if (query->kind == REQUEST_GET_WAVEFORM)
                return rows_get_waveform(rows, &query->filter, &query->waveform);
        if (query->kind == REQUEST_LIST_MISSED)
                return rows_list_missed(rows, &query->filter, &query->missed, &query->n_rows,
                                        &query->cursor);
        if (query->kind == REQUEST_LIST_NIGHTS)
                return rows_list_nights(rows, &query->filter, &query->nights, &query->n_rows,
                                        &query->cursor);
        if (query->kind == REQUEST_OUTLINE_EPISODES || query->kind == REQUEST_OUTLINE_NIGHTS ||
            query->kind == REQUEST_TABULATE_EPISODES)
                return rows_outline(rows, &query->filter, query->kind, &query->outline, &query->cursor);
        if (query->kind == REQUEST_GET_PERSON)
                return rows_get_person(rows, &query->person_filter, &query->person);
        return rows_list_episodes(rows, &query->filter, &query->episodes, &query->n_rows,
                                  &query->cursor);
}

static void writer_query(struct writer *writer) {
        struct shared *shared = writer->shared;
        struct request *query;

        (void)pthread_mutex_lock(&shared->mutex);
        if (!atomic_load(&shared->abandoned))
                request_list_append(&shared->working, request_list_pop(&shared->queries));
        query = shared->working.head;
        (void)pthread_mutex_unlock(&shared->mutex);
        if (!query)
                return;

        if (writer->database.handle) {
                int rc = answer_query(writer, query);

                query->error = sqlite_error(writer->database.handle, rc);
                if (query->error == -EBADMSG)
                        (void)writer_fail_sqlite(writer, rc);
        } else {
                query->error = atomic_load(&shared->error);
                if (query->error == 0)
                        query->error = -ECANCELED; /* closed before the database was opened */
        }
        writer_hand_back(writer, true);
}

/* Waits until there is something to do. */
static enum step writer_next(struct writer *writer) {
        struct shared *shared = writer->shared;
        enum step step;

        (void)pthread_mutex_lock(&shared->mutex);
        for (;;) {
                bool open = writer->database.handle != NULL, due;

                if (atomic_load(&shared->abandoned)) {
                        step = STEP_STOP;
                        break;
                }
                if (shared->stopping && !writer->hurried) {
                        writer->hurried = true;
                        writer->retry_us = 0;
                }
                due = monotonic_us() >= writer->retry_us;
                if (!open && due && (shared->writes.head || !shared->stopping)) {
                        step = STEP_OPEN;
                        break;
                }
                if (open && due && (shared->writes.head || !writer->begun) &&
                    (!shared->queries.head || writer->queried)) {
                        step = STEP_WRITE;
                        break;
                }
                if (shared->queries.head && (writer->tried || shared->stopping)) {
                        step = STEP_QUERY;
                        break;
                }
                /* A database that is not for this crampd will not become so within the time left. */
                if (shared->stopping &&
                    (!shared->writes.head || atomic_load(&shared->error) == -EPROTO)) {
                        step = STEP_STOP;
                        break;
                }
                if (!open || !writer->begun || shared->writes.head)
                        wait_until(shared, &shared->wake, writer->retry_us);
                else
                        (void)pthread_cond_wait(&shared->wake, &shared->mutex);
        }
        (void)pthread_mutex_unlock(&shared->mutex);
        return step;
}

static void writer_finish(struct writer *writer) {
        struct database *database = &writer->database;
        bool clean = false;

        if (!database->handle)
                return;
        if (writer->begun && !atomic_load(&writer->shared->abandoned))
                clean = database_mark_clean(database, true) == SQLITE_OK;
        database_close(database, clean);
}

static void *writer_run(void *userdata) {
        struct shared *shared = userdata;
        struct writer writer = {
                .shared = shared,
                .database = {.path = shared->path, .abandoned = &shared->abandoned},
        };
        bool running = true;

        while (running) {
                enum step step = writer_next(&writer);

                switch (step) {
                case STEP_OPEN:
                        (void)writer_open(&writer);
                        break;
                case STEP_QUERY:
                        writer_query(&writer);
                        break;
                case STEP_WRITE:
                        writer_write(&writer);
                        break;
                case STEP_STOP:
                        running = false;
                        break;
                }
                writer.queried = step == STEP_QUERY;
        }
        writer_finish(&writer);
        mirror_clear(&writer.mirror);

        (void)pthread_mutex_lock(&shared->mutex);
        shared->finished = true;
        (void)pthread_cond_signal(&shared->ended);
        (void)pthread_mutex_unlock(&shared->mutex);
        (void)shared_unreference(shared);
        return NULL;
}

int writer_start(struct shared *shared, pthread_t *ret) {
        sigset_t all, before;
        int r;

        /* Signals are the loop's. */
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        shared_reference(shared);
        r = pthread_create(ret, NULL, writer_run, shared);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r != 0) {
                (void)shared_unreference(shared);
                return -r;
        }
        (void)pthread_setname_np(*ret, "store");
        return 0;
}
