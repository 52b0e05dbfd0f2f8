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

void *pool_memory(size_t size) {
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        return memory == MAP_FAILED ? NULL : memory;
}

void *pool_memory_free(void *memory, size_t size) {
        if (memory)
                (void)munmap(memory, size);
        return NULL;
}

static void child_run(atomic_size_t *next, size_t n, int (*work)(size_t piece, void *userdata),
                      void *userdata) {
        for (size_t piece = atomic_fetch_add(next, 1); piece < n; piece = atomic_fetch_add(next, 1))
                if (work(piece, userdata) < 0)
                        _exit(EXIT_FAILURE);
        _exit(EXIT_SUCCESS);
}

int pool_run(size_t n, unsigned jobs, int (*work)(size_t piece, void *userdata), void *userdata) {
        atomic_size_t *next = pool_memory(sizeof(*next));
        pid_t children[POOL_JOBS_MAX];
        unsigned started = 0;
        bool failed = false;

        if (!next)
                return -ENOMEM;
        (void)fflush(NULL);
        for (; started < jobs && started < POOL_JOBS_MAX; started++) {
                children[started] = fork();
                if (children[started] == 0)
                        child_run(next, n, work, userdata);
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
        pool_memory_free(next, sizeof(*next));
        return failed || started == 0 ? -ECHILD : 0;
}
