/* SPDX-License-Identifier: MIT */
/*
 * A clock without waits, for tests of what the store does a second later: linked with
 * --wrap=monotonic_us and
 * --wrap=wait_until, it lets the writer thread's wait for its next try pass at once.
 */
#include <sched.h>

#include "daemon/store/writer.h"

uint64_t __real_monotonic_us(void);
uint64_t __wrap_monotonic_us(void);
void __real_wait_until(struct shared *shared, pthread_cond_t *condition, uint64_t until_us);
void __wrap_wait_until(struct shared *shared, pthread_cond_t *condition, uint64_t until_us);

/* How far the clock is ahead. */
static _Atomic uint64_t ahead_us;

uint64_t __wrap_monotonic_us(void) {
        return __real_monotonic_us() + atomic_load(&ahead_us);
}

void __wrap_wait_until(struct shared *shared, pthread_cond_t *condition, uint64_t until_us) {
        uint64_t now_us = __wrap_monotonic_us();

        if (condition != &shared->wake) {
                __real_wait_until(shared, condition, until_us - atomic_load(&ahead_us));
                return;
        }
        if (until_us > now_us)
                atomic_fetch_add(&ahead_us, until_us - now_us);
        (void)pthread_mutex_unlock(&shared->mutex);
        (void)sched_yield();
        (void)pthread_mutex_lock(&shared->mutex);
}
