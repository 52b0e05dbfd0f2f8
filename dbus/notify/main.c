/* SPDX-License-Identifier: MIT */
/*
 * cramp-notify: crampd's alerts on the desktop. One poll() loop over three connections: the client
 * library's to crampd, one of our own to the system bus (logind), and the session bus (notifications,
 * screen saver). Once they are open, nothing waits for anybody but the loop itself.
 */
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "dbus/crampctl/words.h"
#include "dbus/notify/alerts.h"
#include "dbus/notify/desk.h"
#include "dbus/notify/sample.h"
#include "dbus/notify/troubles.h"

/* Whoever has it is the one that shows alerts in this session. */
#define OUR_NAME "org.crampd1.Notify"

/* Of crampd's answers, which come by the loop. */
#define ANSWER_LIMIT_MS 5000
/* So long the first subscription waits for the notification server, so that the first alert is shown as
 * that can. */
#define SERVER_LIMIT_US INT64_C(1000000)
/* A subscription that was refused is tried again. */
#define SUBSCRIBE_RETRY_US INT64_C(3000000)
/* At the end: for the ids of notices that are being shown, to close them. */
#define FAREWELL_US INT64_C(500000)

struct program {
        struct options options;
        struct desk desk;
        struct bus_loop session, system;
        struct alerts *alerts;
        struct troubles *troubles;
        int signal_fd;
        bool quit;
        int code;             /* of that end */
        bool subscribed;      /* or about to be */
        bool tried;           /* to subscribe */
        int64_t subscribe_us; /* when to try (again) */
};

/* --- events --- */

static void on_event(const struct crampd_event *event, void *userdata) {
        struct program *program = userdata;
        int64_t now_us = clock_monotonic_us();

        alerts_take(program->alerts, event, /* test= */ false, now_us);
        troubles_take(program->troubles, event, now_us);
}

static void on_locked(bool locked, void *userdata) {
        struct program *program = userdata;

        if (program->options.privacy == PRIVACY_NEVER)
                return;
        alerts_refresh(program->alerts, clock_monotonic_us());
        troubles_refresh(program->troubles);
}

static void on_subscribed(int r, const struct crampd_error *error, void *userdata) {
        struct program *program = userdata;

        if (r >= 0)
                troubles_begin(program->troubles);
        else if (r == -ENOTCONN) {
                (void)complain(0, "crampd is not there yet, waiting for it: %s", error->message);
                troubles_begin_without(program->troubles, clock_monotonic_us());
        } else if (r == -EACCES) {
                program->code = complain(EX_NOPERM, "crampd refuses: %s", error->message);
                program->quit = true;
        } else {
                (void)complain(0, "crampd does not take the subscription, trying again: %s",
                               error->message);
                program->subscribed = false;
                program->subscribe_us = clock_monotonic_us() + SUBSCRIBE_RETRY_US;
        }
}

static void subscribe(struct program *program) {
        struct crampd_error error = {};
        int r;

        program->subscribed = program->tried = true;
        r = crampd_subscribe_later(program->desk.client, on_event, on_subscribed, program, &error);
        if (r < 0)
                on_subscribed(r, &error, program);
}

/* --- the loop --- */

static void signals_handle(struct program *program) {
        struct signalfd_siginfo info;

        while (read(program->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
                if (info.ssi_signo == SIGCHLD)
                        hook_reap(&program->desk.hook);
                else
                        program->quit = true;
        }
}

static int buses_dispatch(struct program *program) {
        if (bus_loop_handle(&program->session))
                server_retry(program->desk.server);
        if (bus_loop_dispatch(&program->session) < 0)
                return complain(EX_UNAVAILABLE, "the session bus has gone");
        if (program->system.connection) {
                (void)bus_loop_handle(&program->system);
                if (bus_loop_dispatch(&program->system) < 0)
                        return complain(EX_UNAVAILABLE, "the system bus has gone");
        }
        if (program->desk.client && crampd_client_dispatch(program->desk.client) < 0)
                return complain(EX_UNAVAILABLE, "the system bus has gone");
        return 0;
}

static int program_wait(struct program *program, int64_t until_us) {
        struct pollfd fds[] = {
                {.fd = program->signal_fd, .events = POLLIN},
                {.fd = program->session.epoll_fd, .events = POLLIN},
                {.fd = program->system.connection ? program->system.epoll_fd : -1, .events = POLLIN},
                {.fd = program->desk.client ? crampd_client_get_fd(program->desk.client) : -1,
                 .events = POLLIN},
        };
        int64_t left_us = until_us == INT64_MAX ? -1 : until_us - clock_monotonic_us();
        int timeout_ms = until_us == INT64_MAX     ? -1
                         : left_us <= 0            ? 0
                         : left_us > 60000 * 1000L ? 60000
                                                   : (int)(left_us / 1000) + 1;

        if (poll(fds, sizeof(fds) / sizeof(*fds), timeout_ms) < 0 && errno != EINTR)
                return complain(EX_OSERR, "cannot wait for events: %s", strerror(errno));
        return 0;
}

static int64_t sooner(int64_t a_us, int64_t b_us) {
        return a_us < b_us ? a_us : b_us;
}

/* `sample`: NULL unless this is a test, which ends by itself. */
static int program_loop(struct program *program, struct sample *sample) {
        int code;

        program->subscribe_us = clock_monotonic_us() + SERVER_LIMIT_US;
        for (;;) {
                int64_t now_us, next_us;

                code = buses_dispatch(program);
                if (code != 0)
                        return code;
                signals_handle(program);
                now_us = clock_monotonic_us();
                if (!program->tried && server_is_known(program->desk.server))
                        program->subscribe_us = now_us;
                if (!sample && !program->subscribed && program->subscribe_us <= now_us)
                        subscribe(program);
                if (program->quit)
                        return program->code;
                next_us = sooner(alerts_tick(program->alerts, now_us),
                                 troubles_tick(program->troubles, now_us));
                if (!sample && !program->subscribed)
                        next_us = sooner(next_us, program->subscribe_us);
                if (sample) {
                        next_us = sooner(next_us, sample_tick(sample, program->alerts, now_us));
                        if (sample_is_over(sample, program->alerts, now_us))
                                return 0;
                        if (server_has_failed(program->desk.server))
                                return complain(EX_UNAVAILABLE, "there is no notification server that "
                                                                "works in this session");
                }
                code = program_wait(program, next_us);
                if (code != 0)
                        return code;
        }
}

/* Nothing stays on the screen that nobody would take back: also what is being shown is closed. */
static void farewell(struct program *program) {
        int64_t until_us = clock_monotonic_us() + FAREWELL_US;

        while (server_is_busy(program->desk.server) && clock_monotonic_us() < until_us) {
                struct pollfd pollfd = {.fd = program->session.epoll_fd, .events = POLLIN};

                (void)poll(&pollfd, 1, 50);
                (void)bus_loop_handle(&program->session);
                if (bus_loop_dispatch(&program->session) < 0)
                        return;
        }
        dbus_connection_flush(program->session.connection);
}

/* --- opening --- */

static int signals_open(void) {
        sigset_t set;
        int fd;

        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGINT);
        (void)sigaddset(&set, SIGTERM);
        (void)sigaddset(&set, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

/* Returns 0 or negative errno, with `error` set. */
static int bus_open(struct bus_loop *loop, DBusBusType type, DBusError *error) {
        DBusConnection *connection = NULL;
        int r = bus_loop_init(loop);

        if (r >= 0) {
                connection = dbus_bus_get_private(type, error);
                if (!connection)
                        return -ENOTCONN;
                r = bus_loop_attach(loop, connection);
        }
        if (r < 0)
                dbus_set_error(error, DBUS_ERROR_FAILED, "%s", strerror(-r));
        return r;
}

/* Returns 0, or an exit code: EX_OK through `*ret_over` when another one runs already. */
static int name_take(struct program *program, bool *ret_over) {
        DBusError error = DBUS_ERROR_INIT;
        int r = dbus_bus_request_name(program->session.connection, OUR_NAME, DBUS_NAME_FLAG_DO_NOT_QUEUE,
                                      &error);

        if (r == DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER)
                return 0;
        *ret_over = true;
        if (r == DBUS_REQUEST_NAME_REPLY_EXISTS)
                return complain(0, "another one shows the alerts of this session already");
        r = complain(EX_UNAVAILABLE, "cannot take the name %s: %s", OUR_NAME, error.message);
        dbus_error_free(&error);
        return r;
}

static int session_open(struct program *program, bool *ret_over) {
        DBusError error = DBUS_ERROR_INIT;

        if (!bus_loop_has_session())
                return complain(EX_UNAVAILABLE, "there is no session bus here");
        if (bus_open(&program->session, DBUS_BUS_SESSION, &error) < 0) {
                (void)complain(0, "the session bus cannot be reached: %s", error.message);
                dbus_error_free(&error);
                return EX_UNAVAILABLE;
        }
        return program->options.test ? 0 : name_take(program, ret_over);
}

static int crampd_open(struct program *program) {
        struct crampd_error error = {};
        int r = crampd_client_new(&program->desk.client, &error);

        if (r < 0 && !program->options.test)
                return complain(r == -EACCES ? EX_NOPERM : EX_UNAVAILABLE,
                                "the system bus cannot be reached: %s", error.message);
        if (r < 0)
                return 0;
        crampd_client_set_timeout(program->desk.client, ANSWER_LIMIT_MS);
        /* Without memory for it, crampd speaks English. */
        (void)crampd_client_set_language(program->desk.client, words_wanted(), NULL);
        return 0;
}

/* Without logind's word there are still the screen savers'. */
static void system_open(struct program *program) {
        DBusError error = DBUS_ERROR_INIT;

        if (bus_open(&program->system, DBUS_BUS_SYSTEM, &error) < 0)
                bus_loop_close(&program->system);
        dbus_error_free(&error);
}

static int parts_open(struct program *program) {
        struct desk *desk = &program->desk;
        /* A test runs beside the session's agent. */
        bool remember = !program->options.test;

        program->alerts = alerts_new(desk);
        program->troubles = troubles_new(desk);
        if (!program->alerts || !program->troubles ||
            server_new(&program->session, remember, &desk->server) < 0 ||
            screen_new(&program->session, program->system.connection ? &program->system : NULL,
                       on_locked, program, &desk->screen) < 0)
                return complain(EX_OSERR, "out of memory");
        return 0;
}

static int program_open(struct program *program, bool *ret_over) {
        int code;

        /* First, so that nothing is left half done by a signal. */
        program->signal_fd = signals_open();
        if (program->signal_fd < 0)
                return complain(EX_OSERR, "cannot receive signals: %s", strerror(-program->signal_fd));
        code = session_open(program, ret_over);
        if (code != 0 || *ret_over)
                return code;
        code = crampd_open(program);
        if (code != 0)
                return code;
        system_open(program);
        return parts_open(program);
}

static void program_close(struct program *program) {
        /* First who would call the others. */
        program->desk.client = crampd_client_free(program->desk.client);
        program->desk.screen = screen_free(program->desk.screen);
        program->alerts = alerts_free(program->alerts);
        program->troubles = troubles_free(program->troubles);
        if (program->desk.server && dbus_connection_get_is_connected(program->session.connection))
                farewell(program);
        program->desk.server = server_free(program->desk.server);
        bus_loop_close(&program->system);
        bus_loop_close(&program->session);
        if (program->signal_fd >= 0)
                (void)close(program->signal_fd);
}

int main(int argc, char *argv[]) {
        struct program program = {.session = BUS_LOOP_NULL, .system = BUS_LOOP_NULL, .signal_fd = -1};
        bool over = false;
        int code;

        (void)setlocale(LC_CTYPE, "");
        (void)setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
        code = options_parse(argc, argv, &program.options, &over);
        if (over)
                return code;
        program.desk.options = &program.options;
        program.desk.hook.command = program.options.hook;

        code = program_open(&program, &over);
        if (code == 0 && !over) {
                struct sample sample = {};

                code = program_loop(&program, program.options.test ? &sample : NULL);
        }
        program_close(&program);
        return code;
}
