/* SPDX-License-Identifier: MIT */
/*
 * crampctl monitor: alerts and warnings as they come, and on a terminal the activity of all sensors.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "dbus/crampctl/alert.h"
#include "dbus/crampctl/connect.h"
#include "dbus/crampctl/live.h"
#include "dbus/crampctl/options.h"
#include "dbus/crampctl/output.h"
#include "dbus/crampctl/terminal.h"
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/wait.h"

/* Ten pictures a second look alive and cost little. */
#define DRAW_INTERVAL_MS 100
/* A crampd that hangs must not hold the terminal for long. */
#define SYNC_TIMEOUT_MS 5000
/* Battery and signal change without a word. */
#define SYNC_INTERVAL_MS 10000
/* Of what came while the screen was taken: half of it goes when there is more. */
#define SEEN_MAX 65536u

static const char help[] =
        "Usage: crampctl monitor [OPTION...]\n"
        "\n"
        "Show alerts, with what helps at once, and warnings, as they come. On a "
        "terminal the whole screen is used:\n"
        "for each sensor its detector's state, its level and how many times rest that "
        "is, battery and signal, and\n"
        "the trace of its activity, half a second a column; at the bottom the alert that "
        "lasts, or the last one.\n"
        "q or Ctrl-C ends it, and leaves the alerts that came. crampd may come and go "
        "meanwhile.\n"
        "\n"
        "Options:\n" COMMON_OPTIONS_HELP "\n"
        "Examples:\n"
        "  crampctl monitor\n"
        "  crampctl monitor --json | jq --unbuffered -r 'select(.type == "
        "\"alert-raised\") | .relief[]'\n";

struct monitor {
        crampd_client *client;
        struct alert_writer writer;
        struct live *live; /* NULL unless on a terminal */
        char *seen;        /* what came meanwhile, for when the screen is given back */
        size_t seen_size;
        int signal_fd;
        bool sync; /* the sensors may have changed */
        bool quit;
        int write_error; /* errno of the first write that failed */
        int64_t drawn_ms, synced_ms;
};

/* Keeps the younger half of too much, from a line's beginning on. */
static void seen_trim(struct monitor *monitor) {
        const char *half;

        if (monitor->seen_size < SEEN_MAX)
                return;
        half = strchr(monitor->seen + monitor->seen_size / 2, '\n');
        if (!half)
                return;
        {
                size_t left = strlen(half + 1);

                memmove(monitor->seen, half + 1, left + 1);
                (void)fseeko(monitor->writer.file, (off_t)left, SEEK_SET);
                (void)fflush(monitor->writer.file);
        }
}

static void event_show(const struct crampd_event *event, void *userdata) {
        struct monitor *monitor = userdata;

        alert_write(&monitor->writer, event);
        if (monitor->live) {
                seen_trim(monitor);
                live_event(monitor->live, event);
        }
        if (ferror(stdout) && monitor->write_error == 0)
                monitor->write_error = errno;
        if (event->type == CRAMPD_SENSOR_CHANGED || event->type == CRAMPD_SERVICE_GONE ||
            event->type == CRAMPD_SERVICE_BACK)
                monitor->sync = true;
}

static void signals_handle(struct monitor *monitor) {
        struct signalfd_siginfo info;

        while (read(monitor->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
                if (info.ssi_signo == SIGWINCH) {
                        if (monitor->live)
                                live_resize(monitor->live);
                        continue;
                }
                if (info.ssi_signo != SIGTSTP) {
                        monitor->quit = true;
                        continue;
                }
                if (monitor->live)
                        live_suspend(monitor->live);
                (void)raise(SIGSTOP);
                if (monitor->live)
                        live_resume(monitor->live);
        }
}

/* How long to wait: till the next picture is due, if there is anything new on it. */
static int monitor_get_timeout(const struct monitor *monitor) {
        int64_t due_ms;

        if (!monitor->live)
                return -1;
        due_ms = monitor->synced_ms + SYNC_INTERVAL_MS;
        if (live_is_dirty(monitor->live) && monitor->drawn_ms + DRAW_INTERVAL_MS < due_ms)
                due_ms = monitor->drawn_ms + DRAW_INTERVAL_MS;
        due_ms -= clock_ms();
        return due_ms > 0 ? (int)due_ms : 0;
}

static int monitor_wait(struct monitor *monitor) {
        struct pollfd fds[3 + LIVE_POLLFDS_MAX] = {
                {.fd = crampd_client_get_fd(monitor->client),
                 .events = crampd_client_get_events(monitor->client)},
                {.fd = monitor->signal_fd, .events = POLLIN},
                /* Only to learn that the reader has gone. */
                {.fd = STDOUT_FILENO, .events = 0},
        };
        size_t n = 3;

        if (monitor->live)
                n += live_get_pollfds(monitor->live, fds + n);
        if (poll(fds, n, monitor_get_timeout(monitor)) < 0)
                return errno == EINTR ? 0 : -errno;
        if (fds[2].revents & (POLLERR | POLLHUP))
                monitor->quit = true;
        return 0;
}

static void monitor_draw(struct monitor *monitor) {
        int64_t now_ms = clock_ms();

        if (live_read(monitor->live))
                monitor->quit = true;
        if (!live_is_dirty(monitor->live) || now_ms < monitor->drawn_ms + DRAW_INTERVAL_MS)
                return;
        live_draw(monitor->live);
        monitor->drawn_ms = now_ms;
}

/* Asks for the sensors when they may have changed, and now and then. */
static void monitor_sync(struct monitor *monitor) {
        int64_t now_ms = clock_ms();

        if (!monitor->sync && now_ms < monitor->synced_ms + SYNC_INTERVAL_MS)
                return;
        monitor->sync = false;
        live_sync(monitor->live, monitor->client);
        monitor->synced_ms = clock_ms();
}

/* Returns 0 when it is to end, -ENOTCONN when the bus has gone, or another negative errno. */
static int monitor_loop(struct monitor *monitor) {
        int r;

        for (;;) {
                r = crampd_client_dispatch(monitor->client);
                if (r < 0)
                        return -ENOTCONN;
                if (monitor->live) {
                        monitor_sync(monitor);
                        monitor_draw(monitor);
                }
                signals_handle(monitor);
                /* What could not be written is told by whoever finishes standard output. */
                if (monitor->quit || ferror(stdout))
                        return 0;
                r = monitor_wait(monitor);
                if (r < 0)
                        return r;
        }
}

/* Sets *ret_away if crampd is not there yet. Returns 0, or an exit code after saying why. */
static int monitor_subscribe(struct monitor *monitor, bool *ret_away) {
        struct crampd_error error = {};
        int r = crampd_subscribe(monitor->client, event_show, monitor, &error);

        monitor->sync = true;
        *ret_away = r == -ENOTCONN;
        if (r >= 0)
                return 0;
        if (r != -ENOTCONN)
                return fail_client(r, &error);
        (void)fail(0, "crampd is not there yet, waiting for it: %s", error.message);
        return 0;
}

/* Takes the screen: what would be written goes to memory meanwhile. Returns 0, or an exit code after
 * saying why. */
static int screen_take(struct monitor *monitor) {
        FILE *seen = open_memstream(&monitor->seen, &monitor->seen_size);

        if (seen)
                monitor->live = live_new(stdout);
        if (!monitor->live) {
                if (seen)
                        (void)fclose(seen);
                return fail(EX_OSERR, "out of memory");
        }
        monitor->writer.file = seen;
        return 0;
}

static void screen_give_back(struct monitor *monitor) {
        if (!monitor->live)
                return;
        monitor->live = live_free(monitor->live);
        if (fclose(monitor->writer.file) == 0)
                fputs(monitor->seen, stdout);
        monitor->writer.file = stdout;
        free(monitor->seen);
}

static int monitor_run(struct monitor *monitor) {
        const struct crampd_event gone = {.type = CRAMPD_SERVICE_GONE};
        int code = client_open(&monitor->client), r;
        bool away = false;

        if (code == 0)
                code = monitor_subscribe(monitor, &away);
        /* Not before, so that what went wrong is said where it stays. */
        if (code == 0 && !monitor->writer.json && terminal_is_able(stdout))
                code = screen_take(monitor);
        if (code != 0)
                return code;
        if (away && (monitor->live || monitor->writer.json))
                event_show(&gone, monitor);

        crampd_client_set_timeout(monitor->client, SYNC_TIMEOUT_MS);
        r = monitor_loop(monitor);
        screen_give_back(monitor);
        if (r == -ENOTCONN)
                return fail(EX_UNAVAILABLE, "the system bus has gone");
        if (r < 0)
                return fail(EX_OSERR, "cannot wait for events: %s", strerror(-r));
        errno = monitor->write_error;
        return output_finish_stdout();
}

int verb_monitor(const struct global_options *global, int argc, char *argv[]) {
        static const struct option options[] = {COMMON_OPTIONS, {}};
        struct global_options g = *global;
        struct monitor monitor = {};
        int c, code;

        c = option_next(&g, argc, argv, ":h", options);
        if (c >= 0)
                return c == 'h' ? help_print(help) : EX_USAGE;
        code = operands_refuse(argc, argv);
        if (code != 0)
                return code;

        /* From the start, so that nothing is left half done by a signal. */
        monitor.signal_fd = signals_open(/* with_screen= */ true);
        if (monitor.signal_fd < 0)
                return fail(EX_OSERR, "cannot receive signals: %s", strerror(-monitor.signal_fd));
        monitor.writer = (struct alert_writer){
                .file = stdout,
                .json = g.json,
                .colour = text_may_colour(stdout),
        };
        code = monitor_run(&monitor);
        alert_writer_clear(&monitor.writer);
        (void)crampd_client_free(monitor.client);
        (void)close(monitor.signal_fd);
        return code;
}
