/* SPDX-License-Identifier: MIT */
#include "dbus/crampctl/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define ROWS_DEFAULT 24u
#define COLUMNS_DEFAULT 80u

/* Saves the cursor and the screen; xterm's 1049 is understood by all that matter. */
#define ENTER "\033[?1049h\033[?25l\033[2J"
#define LEAVE "\033[0m\033[?25h\033[?1049l"
#define CLEAR "\033[2J"

struct terminal {
        FILE *file;
        int fd; /* keys; -1 = none */
        bool entered;
        struct termios before;
        size_t rows, columns;
        char *lines[TERMINAL_ROWS_MAX]; /* what is on the screen; NULL = unknown */
};

bool terminal_is_able(FILE *file) {
        const char *name = getenv("TERM");

        return isatty(fileno(file)) && name && *name && strcmp(name, "dumb") != 0;
}

static void lines_forget(struct terminal *terminal) {
        for (size_t i = 0; i < TERMINAL_ROWS_MAX; i++) {
                free(terminal->lines[i]);
                terminal->lines[i] = NULL;
        }
}

void terminal_resize(struct terminal *terminal) {
        struct winsize size;

        terminal->rows = ROWS_DEFAULT;
        terminal->columns = COLUMNS_DEFAULT;
        if (ioctl(fileno(terminal->file), TIOCGWINSZ, &size) >= 0 && size.ws_col > 0 &&
            size.ws_row > 0) {
                terminal->rows = size.ws_row < TERMINAL_ROWS_MAX ? size.ws_row : TERMINAL_ROWS_MAX;
                terminal->columns = size.ws_col;
        }
        lines_forget(terminal);
        if (terminal->entered)
                fputs(CLEAR, terminal->file);
}

/* Keys come at once and are not shown; signals by Ctrl-C and Ctrl-Z stay. */
static void keys_take(struct terminal *terminal) {
        struct termios now;

        if (terminal->fd < 0 || tcgetattr(terminal->fd, &terminal->before) < 0) {
                terminal->fd = -1;
                return;
        }
        now = terminal->before;
        now.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
        now.c_cc[VMIN] = 0;
        now.c_cc[VTIME] = 0;
        (void)tcsetattr(terminal->fd, TCSADRAIN, &now);
}

void terminal_enter(struct terminal *terminal) {
        if (terminal->entered)
                return;
        keys_take(terminal);
        fputs(ENTER, terminal->file);
        terminal->entered = true;
        terminal_resize(terminal);
}

void terminal_leave(struct terminal *terminal) {
        if (!terminal->entered)
                return;
        terminal->entered = false;
        fputs(LEAVE, terminal->file);
        (void)fflush(terminal->file);
        if (terminal->fd >= 0)
                (void)tcsetattr(terminal->fd, TCSADRAIN, &terminal->before);
}

struct terminal *terminal_new(FILE *file) {
        struct terminal *terminal = calloc(1, sizeof(*terminal));

        if (!terminal)
                return NULL;
        terminal->file = file;
        terminal->fd = isatty(STDIN_FILENO) ? STDIN_FILENO : -1;
        terminal_enter(terminal);
        return terminal;
}

struct terminal *terminal_free(struct terminal *terminal) {
        if (!terminal)
                return NULL;
        terminal_leave(terminal);
        lines_forget(terminal);
        free(terminal);
        return NULL;
}

size_t terminal_rows(const struct terminal *terminal) {
        return terminal->rows;
}

size_t terminal_columns(const struct terminal *terminal) {
        return terminal->columns;
}

void terminal_put(struct terminal *terminal, size_t row, const char *text, size_t width) {
        char **line = terminal->lines + row;

        if (row >= terminal->rows || (*line && strcmp(*line, text) == 0))
                return;
        free(*line);
        /* Without memory it is only written once more. */
        *line = strdup(text);
        fprintf(terminal->file, "\033[%zu;1H%s", row + 1, text);
        /* Behind a full line there is nothing, and some terminals would take its last character. */
        if (width < terminal->columns)
                fputs("\033[K", terminal->file);
}

void terminal_flush(struct terminal *terminal) {
        (void)fflush(terminal->file);
}

int terminal_fd(const struct terminal *terminal) {
        return terminal->fd;
}

char terminal_key(struct terminal *terminal) {
        ssize_t n;
        char key;

        if (terminal->fd < 0)
                return 0;
        /* VMIN is 0: nothing there is no waiting, and no error either. */
        n = read(terminal->fd, &key, 1);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
                terminal->fd = -1;
        return n == 1 ? key : 0;
}
