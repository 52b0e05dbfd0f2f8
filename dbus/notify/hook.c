/* SPDX-License-Identifier: MIT */
#include "dbus/notify/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/basic/cleanup.h"
#include "dbus/crampctl/event.h"
#include "dbus/notify/options.h"

/* Returns a descriptor at the event's beginning, or -errno. */
static int event_file(const struct crampd_event *event) {
        _cleanup_(closep) int fd = memfd_create("crampd-alert", MFD_CLOEXEC);
        _cleanup_(fclosep) FILE *file = NULL;
        int copy;

        if (fd < 0)
                return -errno;
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        if (copy < 0)
                return -errno;
        file = fdopen(copy, "w");
        if (!file) {
                (void)close(copy);
                return -ENOMEM;
        }
        event_write_json(file, event);
        if (ferror(file) || lseek(fd, 0, SEEK_SET) < 0)
                return -EIO;
        return steal_fd(&fd);
}

/* Signals are as a shell expects them: libdbus ignores SIGPIPE, and main blocks what it waits for. */
static int attributes_set(posix_spawnattr_t *attributes) {
        sigset_t none, pipe;
        int r;

        (void)sigemptyset(&none);
        (void)sigemptyset(&pipe);
        (void)sigaddset(&pipe, SIGPIPE);
        r = posix_spawnattr_setsigmask(attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setsigdefault(attributes, &pipe);
        if (r == 0)
                r = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        return -r;
}

static int spawn(const char *command, int fd, pid_t *ret) {
        static char shell[] = "sh", option[] = "-c";
        char *const arguments[] = {shell, option, (char *)command, NULL};
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attributes;
        int r = -posix_spawn_file_actions_init(&actions);

        if (r < 0)
                return r;
        r = -posix_spawnattr_init(&attributes);
        if (r < 0) {
                (void)posix_spawn_file_actions_destroy(&actions);
                return r;
        }
        r = -posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
        if (r >= 0)
                r = attributes_set(&attributes);
        if (r >= 0)
                r = -posix_spawn(ret, "/bin/sh", &actions, &attributes, arguments, environ);
        (void)posix_spawnattr_destroy(&attributes);
        (void)posix_spawn_file_actions_destroy(&actions);
        return r;
}

void hook_run(struct hook *hook, const struct crampd_event *event) {
        _cleanup_(closep) int fd = -1;
        size_t slot = 0;
        int r;

        if (!hook->command)
                return;
        while (slot < HOOKS_MAX && hook->running[slot] > 0)
                slot++;
        if (slot == HOOKS_MAX) {
                (void)complain(0, "%u commands of --exec run still; this alert gets none", HOOKS_MAX);
                return;
        }
        fd = event_file(event);
        r = fd < 0 ? fd : spawn(hook->command, fd, &hook->running[slot]);
        if (r < 0) {
                hook->running[slot] = 0;
                (void)complain(0, "the command of --exec cannot be run: %s", strerror(-r));
        }
}

static void end_tell(int status) {
        if (WIFSIGNALED(status))
                (void)complain(0, "the command of --exec was ended by signal %d", WTERMSIG(status));
        else if (WEXITSTATUS(status) != 0)
                (void)complain(0, "the command of --exec failed with exit code %d", WEXITSTATUS(status));
}

void hook_reap(struct hook *hook) {
        for (size_t i = 0; i < HOOKS_MAX; i++) {
                int status;

                if (hook->running[i] == 0 || waitpid(hook->running[i], &status, WNOHANG) <= 0)
                        continue;
                hook->running[i] = 0;
                end_tell(status);
        }
}
