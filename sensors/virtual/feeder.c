/* SPDX-License-Identifier: MIT */
/* The child process of a replay: see feeder.h. */
#include "sensors/virtual/feeder.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include "daemon/basic/cleanup.h"
#include "sensors/virtual/player.h"

#define NSEC_PER_SEC 1000000000
#define NSEC_PER_USEC 1000

/* The sockets are the first descriptors after standard error. */
#define FEEDER_FD (STDERR_FILENO + 1)
#define END_FD (STDERR_FILENO + 2)

/* Keeps standard error and the two sockets, in their places. */
static int descriptors_keep(int fd, int end_fd) {
        /* Out of the way of each other first. */
        fd = fcntl(fd, F_DUPFD_CLOEXEC, END_FD + 1);
        end_fd = fcntl(end_fd, F_DUPFD_CLOEXEC, END_FD + 1);
        if (fd < 0 || end_fd < 0 || dup2(fd, FEEDER_FD) < 0 || dup2(end_fd, END_FD) < 0)
                return -errno;
        (void)close(STDIN_FILENO);
        (void)close(STDOUT_FILENO);
        closefrom(END_FD + 1);
        return 0;
}

/* The parent's signal handling, descriptors and life are not the child's. Returns 0 or negative errno.
 */
static int process_detach(pid_t parent, int fd, int end_fd) {
        sigset_t none;

        (void)sigemptyset(&none);
        /* A stop is the parent's to answer: it ends the recording, and this process with it. */
        if (signal(SIGINT, SIG_IGN) == SIG_ERR || signal(SIGTERM, SIG_IGN) == SIG_ERR)
                return -errno;
        if (sigprocmask(SIG_SETMASK, &none, NULL) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return -errno;
        if (getppid() != parent) /* it died before it was watched */
                return -ESRCH;
        return descriptors_keep(fd, end_fd);
}

static int datagram_send(int fd, const void *data, size_t size) {
        while (send(fd, data, size, MSG_NOSIGNAL) < 0)
                if (errno != EINTR)
                        return -errno;
        return 0;
}

static int go_wait(void) {
        uint8_t go;
        ssize_t n;

        do
                n = recv(FEEDER_FD, &go, sizeof(go), 0);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n == 0 ? -EPIPE : 0;
}

static void sleep_until(const struct timespec *start, double after_us) {
        double nsec = (double)start->tv_nsec + after_us * NSEC_PER_USEC;
        struct timespec until = {.tv_sec = start->tv_sec + (time_t)(nsec / NSEC_PER_SEC)};

        until.tv_nsec = (long)fmod(nsec, NSEC_PER_SEC);
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
                ;
}

static int value_send(enum feeder_value what, int32_t value) {
        struct feeder_beside beside = {.what = (uint8_t)what, .value = value};

        return datagram_send(FEEDER_FD, &beside, sizeof(beside));
}

static int motion_send(const struct source_beside *beside) {
        int r = 0;

        for (int axis = 0; axis < 3 && r >= 0; axis++)
                r = value_send((enum feeder_value)(FEEDER_X + axis),
                               beside->motion_known ? beside->motion_mg[axis] : FEEDER_NOT_KNOWN);
        return r;
}

/* What has changed, and at the beginning all that there is. */
static int beside_send(const struct source_beside *beside, struct source_beside *last) {
        int r = 0;

        if (beside->has_motion &&
            (!last->has_motion || beside->motion_known != last->motion_known ||
             memcmp(beside->motion_mg, last->motion_mg, sizeof(beside->motion_mg)) != 0))
                r = motion_send(beside);
        if (r >= 0 && beside->has_company &&
            (!last->has_company || beside->company_percent != last->company_percent))
                r = value_send(FEEDER_COMPANY, beside->company_percent);
        *last = *beside;
        return r;
}

static int recording_send(struct player *player, double speed) {
        struct source_beside last = {};
        struct recording_error error = {};
        struct player_packet packet;
        struct timespec start;
        int r;

        if (clock_gettime(CLOCK_MONOTONIC, &start) < 0)
                return -errno;
        while ((r = player_next(player, &packet, &error)) > 0) {
                sleep_until(&start, (double)packet.due_us / speed);
                r = beside_send(player_beside(player), &last);
                if (r >= 0)
                        r = datagram_send(FEEDER_FD, packet.bytes, packet.size);
                if (r < 0)
                        return r;
        }
        return r;
}

static int feeder_play(const struct replay_setup *setup) {
        _cleanup_(player_freep) struct player *player = NULL;
        struct player_setup player_setup = {
                .path = setup->path, .csv_rate_hz = setup->csv_rate_hz, .beside = true};
        uint8_t description[OPEN_PROFILE_DESCRIPTION_MAX];
        struct feeder_hello hello = {};
        struct recording_error error = {};
        ssize_t description_size;
        int r;

        r = player_new(&player_setup, &player, &error);
        if (r >= 0)
                r = player_start(player, PLAYER_PACKET_SIZE, &error);
        if (r < 0) {
                hello.error = r;
                memcpy(hello.text, error.text, sizeof(hello.text));
        } else {
                const char *notice = player_notice(player);

                hello.rate_mhz = player_description(player)->rate_mhz;
                hello.frames = player_frames(player);
                (void)snprintf(hello.text, sizeof(hello.text), "%s", notice ? notice : "");
        }
        if (datagram_send(FEEDER_FD, &hello, sizeof(hello)) < 0 || r < 0)
                return r < 0 ? r : -EPIPE;

        description_size = open_profile_encode_description(player_description(player), description);
        if (description_size < 0)
                return (int)description_size;
        r = go_wait();
        if (r < 0)
                return r;
        r = datagram_send(FEEDER_FD, description, (size_t)description_size);
        if (r < 0)
                return r;
        r = recording_send(player, setup->speed);
        if (r < 0)
                return r;
        return datagram_send(END_FD, "", 1);
}

void feeder_run(const struct replay_setup *setup, pid_t parent, int fd, int end_fd) {
        int r;

        r = process_detach(parent, fd, end_fd);
        if (r >= 0)
                r = feeder_play(setup);
        /* Without the parent's exit handlers. */
        _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}
