/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_WIDTH 30
/* "100 % [" bar "] " before the label. */
#define BAR_AND_FRAME (BAR_WIDTH + 9)

/* ECMA-48: to the first column, erase to the end of the line. */
#define LINE_ERASE "\r\033[K"

/* Leaves a clean line behind, then does what the signal would have done. Async-signal-safe. */
static void interrupted(int number) {
        (void)!write(STDERR_FILENO, LINE_ERASE, sizeof(LINE_ERASE) - 1);
        (void)signal(number, SIG_DFL);
        (void)raise(number);
}

static void signal_take(int number, struct sigaction *ret_before) {
        struct sigaction action = {.sa_handler = interrupted};

        (void)sigemptyset(&action.sa_mask);
        (void)sigaction(number, NULL, ret_before);
        /* Whoever started us with the signal ignored (nohup) meant it. */
        if (ret_before->sa_handler == SIG_DFL)
                (void)sigaction(number, &action, NULL);
}

static bool terminal_can_erase(void) {
        const char *terminal = getenv("TERM");

        return isatty(STDERR_FILENO) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

static int terminal_columns(void) {
        struct winsize size;

        if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
                return 80;
        return size.ws_col;
}

/* Ends of paths tell more than their beginnings; "?" keeps file names from steering the terminal. */
static void label_print(const char *label, int columns) {
        size_t length = strlen(label);

        if (columns <= 0)
                return;
        if (length > (size_t)columns)
                label += length - (size_t)columns;
        for (; *label; label++)
                fputc(*label >= ' ' && *label <= '~' ? *label : '?', stderr);
}

void progress_begin(struct progress *progress, const char *label, uint64_t total) {
        *progress = (struct progress){
                .shown = total > 0 && terminal_can_erase(),
                .label = label,
                .total = total,
                .percent = -1,
        };
        if (!progress->shown)
                return;
        signal_take(SIGINT, &progress->interrupt);
        signal_take(SIGTERM, &progress->terminate);
}

void progress_update(struct progress *progress, uint64_t done) {
        int percent, columns;

        if (!progress->shown)
                return;
        /* The total may be an estimate. */
        percent = done < progress->total ? (int)((double)done / (double)progress->total * 100) : 100;
        if (percent == progress->percent && progress->drawn)
                return;
        columns = terminal_columns() - 1;
        if (columns < BAR_AND_FRAME)
                return;

        fprintf(stderr, LINE_ERASE "%3d %% [", percent);
        for (int i = 0; i < BAR_WIDTH; i++)
                fputc(i < percent * BAR_WIDTH / 100 ? '#' : ' ', stderr);
        fputs("] ", stderr);
        label_print(progress->label, columns - BAR_AND_FRAME);
        (void)fflush(stderr);
        progress->percent = percent;
        progress->drawn = true;
}

void progress_clear(struct progress *progress) {
        if (!progress->drawn)
                return;
        fputs(LINE_ERASE, stderr);
        (void)fflush(stderr);
        progress->drawn = false;
}

void progress_end(struct progress *progress) {
        progress_clear(progress);
        if (!progress->shown)
                return;
        (void)sigaction(SIGINT, &progress->interrupt, NULL);
        (void)sigaction(SIGTERM, &progress->terminate, NULL);
        progress->shown = false;
}
