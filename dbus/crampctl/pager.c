/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dbus/crampctl/text.h"

/* Rights that sudo and its like lend are for crampctl alone, while pagers run any command. */
static bool rights_are_lent(void) {
        return getenv("SUDO_UID") || getenv("DOAS_USER") || getenv("PKEXEC_UID");
}

static bool is_wanted(const struct global_options *global) {
        const char *command = getenv("PAGER"), *terminal = getenv("TERM");

        return global->pager && global->pager->pid == 0 && !global->no_pager && isatty(STDOUT_FILENO) &&
               terminal && strcmp(terminal, "dumb") != 0 &&
               (!command || (*command && strcmp(command, "cat") != 0));
}

/* What is left where not even `more` is installed, or may be run. */
static void copy(void) {
        char buffer[4096];
        ssize_t n;

        while ((n = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0)
                for (ssize_t done = 0; done < n;) {
                        ssize_t written = write(STDOUT_FILENO, buffer + done, (size_t)(n - done));

                        if (written < 0)
                                return;
                        done += written;
                }
}

static void pager_run(int fd, int other_end) {
        const char *command = getenv("PAGER");

        (void)close(other_end);
        if (dup2(fd, STDIN_FILENO) < 0)
                _exit(EXIT_FAILURE);
        /* -F: ends by itself if all fits; -R: colours; -X: leaves the text on the screen. */
        (void)setenv("LESS", "FRX", /* overwrite= */ 0);
        if (rights_are_lent()) {
                (void)setenv("LESSSECURE", "1", /* overwrite= */ 1);
                (void)execlp("less", "less", NULL);
        } else if (command)
                (void)execl("/bin/sh", "sh", "-c", command, NULL);
        else {
                (void)execlp("less", "less", NULL);
                (void)execlp("more", "more", NULL);
        }
        copy();
        _exit(EXIT_SUCCESS);
}

/* Before standard output becomes a pipe. */
static void terminal_remember(void) {
        char columns[16];

        (void)snprintf(columns, sizeof(columns), "%zu", text_columns(stdout));
        (void)setenv("COLUMNS", columns, /* overwrite= */ 1);
        (void)setenv(TEXT_PAGED, "1", /* overwrite= */ 1);
}

void pager_open(const struct global_options *global) {
        int pipe_fds[2];
        pid_t pid;

        if (!is_wanted(global) || pipe2(pipe_fds, O_CLOEXEC) < 0)
                return;
        (void)fflush(stdout);
        pid = fork();
        if (pid == 0)
                pager_run(pipe_fds[0], pipe_fds[1]);
        (void)close(pipe_fds[0]);
        if (pid > 0) {
                terminal_remember();
                if (dup2(pipe_fds[1], STDOUT_FILENO) >= 0)
                        global->pager->pid = pid;
                /* Ctrl-C is the pager's. */
                (void)signal(SIGINT, SIG_IGN);
        }
        (void)close(pipe_fds[1]);
}

void pager_close(struct pager *pager) {
        if (pager->pid == 0)
                return;
        (void)fclose(stdout);
        while (waitpid(pager->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        pager->pid = 0;
}
