/* SPDX-License-Identifier: MIT */
/* Processes that share work: see pool.h. */
#include "tests/evaluate/pool.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define POOL_JOBS_MAX 256u
#define CLEAR_LINE "\r\033[K"

struct shared {
        atomic_size_t next; /* piece that nobody has taken */
        atomic_size_t done;
};

void *pool_memory(size_t size) {
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        return memory == MAP_FAILED ? NULL : memory;
}

void *pool_memory_free(void *memory, size_t size) {
        if (memory)
                (void)munmap(memory, size);
        return NULL;
}

/* On a terminal; nothing of it stays there. */
static void progress_show(size_t done, size_t n) {
        if (!isatty(STDERR_FILENO))
                return;
        if (done < n)
                (void)fprintf(stderr, CLEAR_LINE "%zu of %zu", done, n);
        else
                (void)fputs(CLEAR_LINE, stderr);
}

static void child_run(struct shared *shared, size_t n, int (*work)(size_t piece, void *userdata),
                      void *userdata) {
        size_t piece;

        while ((piece = atomic_fetch_add(&shared->next, 1)) < n) {
                if (work(piece, userdata) < 0)
                        _exit(EXIT_FAILURE);
                progress_show(atomic_fetch_add(&shared->done, 1) + 1, n);
        }
        _exit(EXIT_SUCCESS);
}

int pool_run(size_t n, unsigned jobs, int (*work)(size_t piece, void *userdata), void *userdata) {
        struct shared *shared = pool_memory(sizeof(*shared));
        pid_t children[POOL_JOBS_MAX];
        unsigned started = 0;
        bool failed = false;

        if (!shared)
                return -ENOMEM;
        (void)fflush(NULL);
        progress_show(0, n);
        for (; started < jobs && started < POOL_JOBS_MAX; started++) {
                children[started] = fork();
                if (children[started] == 0)
                        child_run(shared, n, work, userdata);
                if (children[started] < 0)
                        break;
        }

        for (unsigned i = 0; i < started; i++) {
                int status;

                while (waitpid(children[i], &status, 0) < 0)
                        if (errno != EINTR)
                                break;
                failed = failed || !WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS;
        }
        pool_memory_free(shared, sizeof(*shared));
        return failed || started == 0 ? -ECHILD : 0;
}
