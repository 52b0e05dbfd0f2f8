/* SPDX-License-Identifier: MIT */
/* What the loop and the writer thread share: see writer.h. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "daemon/store/writer.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)

int shared_new(const char *path, struct shared **ret) {
        struct shared *shared = NULL;
        pthread_condattr_t attributes;
        int r;

        shared = calloc(1, sizeof(*shared));
        if (!shared)
                return -ENOMEM;
        shared->path = strdup(path);
        if (!shared->path) {
                free(shared);
                return -ENOMEM;
        }
        shared->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (shared->event_fd < 0) {
                r = -errno;
                free(shared->path);
                free(shared);
                return r;
        }
        /* None of these fails on Linux: they allocate nothing and the clock is a known one. */
        (void)pthread_mutex_init(&shared->mutex, NULL);
        (void)pthread_condattr_init(&attributes);
        (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&shared->wake, &attributes);
        (void)pthread_cond_init(&shared->ended, &attributes);
        (void)pthread_condattr_destroy(&attributes);
        atomic_init(&shared->references, 1);
        *ret = shared;
        return 0;
}

void shared_reference(struct shared *shared) {
        (void)atomic_fetch_add(&shared->references, 1);
}

struct shared *shared_unreference(struct shared *shared) {
        if (atomic_fetch_sub(&shared->references, 1) > 1)
                return NULL;
        request_list_clear(&shared->writes);
        request_list_clear(&shared->queries);
        request_list_clear(&shared->working);
        request_list_clear(&shared->answers);
        (void)pthread_cond_destroy(&shared->wake);
        (void)pthread_cond_destroy(&shared->ended);
        (void)pthread_mutex_destroy(&shared->mutex);
        closep(&shared->event_fd);
        free(shared->path);
        free(shared);
        return NULL;
}

void shared_notify(struct shared *shared) {
        uint64_t one = 1;

        /* Fails only when the counter is full: then the loop is on its way already. */
        (void)!write(shared->event_fd, &one, sizeof(one));
}

uint64_t monotonic_us(void) {
        struct timespec now = {};

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / NSEC_PER_USEC;
}

void wait_until(struct shared *shared, pthread_cond_t *condition, uint64_t until_us) {
        struct timespec until = {
                .tv_sec = (time_t)(until_us / USEC_PER_SEC),
                .tv_nsec = (long)(until_us % USEC_PER_SEC * NSEC_PER_USEC),
        };

        (void)pthread_cond_timedwait(condition, &shared->mutex, &until);
}
