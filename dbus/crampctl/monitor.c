/* SPDX-License-Identifier: MIT */
/*
 * crampctl monitor: alerts and warnings as they come, and on a terminal the activity below them.
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
#include "dbus/crampctl/text.h"
#include "dbus/crampctl/wait.h"

/* Ten pictures a second look alive and cost little. */
#define DRAW_INTERVAL_MS 100
/* A crampd that hangs must not hold the terminal for long. */
#define SYNC_TIMEOUT_MS 5000

static const char help[] = "Usage: crampctl monitor [OPTION...]\n"
                           "\n"
                           "Show alerts, with what helps at once, and warnings, as they come, until "
                           "Ctrl-C. On a terminal there is a\n"
                           "line for each sensor below: the last 20 seconds of activity, the "
                           "detector's state, the level and how many\n"
                           "times rest it is. crampd may come and go meanwhile.\n"
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
        int signal_fd;
        bool sync; /* the sensors may have changed */
        bool quit;
        int write_error; /* errno of the first write that failed */
        int64_t drawn_ms;
};

static void event_show(const struct crampd_event *event, void *userdata) {
        struct monitor *monitor = userdata;

        if (monitor->live)
                live_erase(monitor->live);
        alert_write(&monitor->writer, event);
        if (ferror(stdout) && monitor->write_error == 0)
                monitor->write_error = errno;
        if (event->type == CRAMPD_SENSOR_CHANGED || event->type == CRAMPD_SERVICE_GONE ||
            event->type == CRAMPD_SERVICE_BACK)
                monitor->sync = true;
}

static void signals_handle(struct monitor *monitor) {
        struct signalfd_siginfo info;

        while (read(monitor->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
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

        if (!monitor->live || !live_is_dirty(monitor->live))
                return -1;
        due_ms = monitor->drawn_ms + DRAW_INTERVAL_MS - clock_ms();
        return due_ms > 0 ? (int)due_ms : 0;
}

static int monitor_wait(struct monitor *monitor) {
        struct pollfd fds[3 + LIVE_LANES_MAX] = {
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

        live_read(monitor->live);
        if (!live_is_dirty(monitor->live) || now_ms < monitor->drawn_ms + DRAW_INTERVAL_MS)
                return;
        live_draw(monitor->live);
        monitor->drawn_ms = now_ms;
}

static int monitor_loop(struct monitor *monitor) {
        int r;

        for (;;) {
                r = crampd_client_dispatch(monitor->client);
                if (r < 0)
                        return fail(EX_UNAVAILABLE, "the system bus has gone");
                if (monitor->live && monitor->sync) {
                        monitor->sync = false;
                        live_sync(monitor->live, monitor->client);
                }
                if (monitor->live)
                        monitor_draw(monitor);
                signals_handle(monitor);
                /* What could not be written is told by whoever finishes standard output. */
                if (monitor->quit || ferror(stdout))
                        return 0;
                r = monitor_wait(monitor);
                if (r < 0)
                        return fail(EX_OSERR, "cannot wait for events: %s", strerror(-r));
        }
}

static int monitor_subscribe(struct monitor *monitor) {
        const struct crampd_event gone = {.type = CRAMPD_SERVICE_GONE};
        struct crampd_error error = {};
        int r = crampd_subscribe(monitor->client, event_show, monitor, &error);

        monitor->sync = true;
        if (r >= 0)
                return 0;
        if (r != -ENOTCONN)
                return fail_client(r, &error);
        (void)fail(0, "crampd is not there yet, waiting for it: %s", error.message);
        if (monitor->writer.json)
                alert_write(&monitor->writer, &gone);
        return 0;
}

static int monitor_run(struct monitor *monitor) {
        int code = client_open(&monitor->client);

        if (code == 0)
                code = monitor_subscribe(monitor);
        if (code != 0)
                return code;

        crampd_client_set_timeout(monitor->client, SYNC_TIMEOUT_MS);
        if (!monitor->writer.json && isatty(STDOUT_FILENO)) {
                monitor->live = live_new(stdout);
                if (!monitor->live)
                        return fail(EX_OSERR, "out of memory");
        }
        code = monitor_loop(monitor);
        monitor->live = live_free(monitor->live);
        if (code != 0)
                return code;
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
        monitor.signal_fd = signals_open(/* with_stop= */ true);
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
