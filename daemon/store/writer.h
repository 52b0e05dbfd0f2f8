/* SPDX-License-Identifier: MIT */
/*
 * The writer thread, and what it shares with the loop. Owns the mirror and, alone, the database; takes
 * requests out of the shared lists and puts answers back. Called by store.c.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/store/database.h"
#include "daemon/store/request.h"

/* What the health callback is to be told. */
struct report {
        int error;
        char text[DATABASE_TEXT_SIZE];
};

#define REPORTS_MAX 4u

struct shared {
        /* One for the loop and one for the thread; whoever is last frees. */
        atomic_uint references;
        char *path;
        int event_fd; /* readable when there are answers or reports */

        atomic_int error;      /* for store_get_error() */
        atomic_bool abandoned; /* the loop waits no longer: touch no list, call nobody */

        pthread_mutex_t mutex; /* guards what follows; never held while SQLite or the disk is at work */
        pthread_cond_t wake;
        pthread_cond_t ended;
        bool stopping;
        bool finished;
        struct request_list writes;
        struct request_list queries;
        struct request_list working; /* what the thread has in hand */
        struct request_list answers;
        struct report reports[REPORTS_MAX];
        size_t n_reports;
};

int shared_new(const char *path, struct shared **ret);
void shared_reference(struct shared *shared);
struct shared *shared_unreference(struct shared *shared);

/* Makes the loop look at answers and reports. */
void shared_notify(struct shared *shared);

/* CLOCK_MONOTONIC, as both condition variables use. */
uint64_t monotonic_us(void);
/* Waits for `condition`, with the mutex held, at most until then. */
void wait_until(struct shared *shared, pthread_cond_t *condition, uint64_t until_us);

int writer_start(struct shared *shared, pthread_t *ret);
