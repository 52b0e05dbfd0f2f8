/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/wait.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>

int signals_open(bool with_screen) {
        static const int of_screen[] = {SIGTSTP, SIGWINCH, SIGQUIT, SIGHUP};
        sigset_t set;
        int fd;

        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGINT);
        (void)sigaddset(&set, SIGTERM);
        for (size_t i = 0; with_screen && i < sizeof(of_screen) / sizeof(*of_screen); i++)
                (void)sigaddset(&set, of_screen[i]);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

int64_t clock_ms(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
