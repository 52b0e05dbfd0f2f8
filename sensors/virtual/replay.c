/* SPDX-License-Identifier: MIT */
/* The daemon's side of a replayed recording: see replay.h; the other side is feeder.c. */
#include "sensors/virtual/replay.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "daemon/basic/cleanup.h"
#include "sensors/open-profile.h"
#include "sensors/translate.h"
#include "sensors/virtual/feeder.h"

struct replay {
        double speed;
        pid_t pid;  /* 0 = none */
        int fd;     /* -1 once the stream has it */
        int end_fd; /* a byte waits on it if the child came to the end of the recording */
        struct feeder_hello hello;

        sd_event *event;
        sd_event_source *event_source; /* the description's */
        struct source_callbacks callbacks;
        void *userdata;

        enum source_state state;
        const char *reason;
        int64_t start_us;
        struct sensor_decoder *decoder;
        struct stream *stream;
        struct source_beside beside; /* the samples that come next */

        bool *freed; /* set by replay_free() while a callback of ours runs */
};

DEFINE_CLEANUP(struct replay *, replay_free)

/* Tells of a state; returns true if the replay was freed meanwhile. */
static bool state_set(struct replay *replay, enum source_state state, const char *reason) {
        bool freed = false;

        replay->state = state;
        replay->reason = reason;
        replay->freed = &freed;
        replay->callbacks.state(state, reason, replay->userdata);
        if (!freed)
                replay->freed = NULL;
        return freed;
}

static void replay_end(struct replay *replay, const char *reason) {
        bool freed = false;

        replay->event_source = sd_event_source_disable_unref(replay->event_source);
        if (replay->state == SOURCE_STREAMING) {
                replay->freed = &freed;
                replay->callbacks.stopped(reason, replay->userdata);
                if (freed)
                        return;
                replay->freed = NULL;
        }
        (void)state_set(replay, SOURCE_ENDED, reason);
}

/* The child has closed its end of the stream: whether that was the recording's end too, it said before.
 */
static void child_ended(struct replay *replay) {
        uint8_t end;

        if (recv(replay->end_fd, &end, sizeof(end), MSG_DONTWAIT) == sizeof(end))
                replay_end(replay, N_("the recording is over"));
        else
                replay_end(replay, N_("the recording could not be read to its end"));
}

static void on_block(const struct emg_block *block, uint64_t arrival_us, void *userdata) {
        struct replay *replay = userdata;

        replay->callbacks.block(block, arrival_us, replay->userdata);
}

static void beside_take(struct source_beside *beside, const struct feeder_beside *taken) {
        switch (taken->what) {
        case FEEDER_X:
        case FEEDER_Y:
        case FEEDER_Z:
                beside->has_motion = true;
                beside->motion_known = taken->value != FEEDER_NOT_KNOWN;
                beside->motion_mg[taken->what - FEEDER_X] = taken->value;
                break;
        case FEEDER_COMPANY:
                beside->has_company = true;
                beside->company_percent = taken->value;
                break;
        default:
                break;
        }
}

static bool on_packet(unsigned source, const uint8_t *packet, size_t size, void *userdata) {
        struct replay *replay = userdata;
        struct feeder_beside taken;

        if (size != sizeof(taken))
                return false;
        memcpy(&taken, packet, sizeof(taken));
        beside_take(&replay->beside, &taken);
        if (replay->callbacks.beside)
                replay->callbacks.beside(&replay->beside, replay->userdata);
        return true;
}

static void on_closed(int error, void *userdata) {
        child_ended(userdata);
}

static int stream_begin(struct replay *replay) {
        static const struct stream_callbacks callbacks = {
                .packet = on_packet, .block = on_block, .closed = on_closed};
        int r;

        r = stream_new(replay->event, &open_profile_driver, replay->decoder, &callbacks, replay,
                       &replay->stream);
        if (r < 0)
                return r;
        return stream_add_fd(replay->stream, 0, steal_fd(&replay->fd));
}

static int on_description(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct replay *replay = userdata;
        uint8_t value[OPEN_PROFILE_DESCRIPTION_MAX];
        struct stream_format format;
        bool freed = false;
        ssize_t size;
        int r;

        size = recv(fd, value, sizeof(value), MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (size <= 0) {
                child_ended(replay);
                return 0;
        }

        replay->event_source = sd_event_source_disable_unref(replay->event_source);
        r = open_profile_describe(replay->decoder, value, (size_t)size, &format);
        if (r >= 0)
                r = stream_begin(replay);
        if (r < 0) {
                replay_end(replay, N_("the recording's stream could not be set up"));
                return 0;
        }

        replay->freed = &freed;
        replay->callbacks.format(&format, replay->start_us, replay->userdata);
        if (freed)
                return 0;
        replay->freed = NULL;
        (void)state_set(replay, SOURCE_STREAMING, N_("the recording is played"));
        return 0;
}

/* Returns 0 with the child's hello, or negative errno. */
static int hello_receive(int fd, struct feeder_hello *ret) {
        ssize_t n;

        do
                n = recv(fd, ret, sizeof(*ret), 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        return n == sizeof(*ret) ? 0 : -EIO;
}

static int child_fork(struct replay *replay, const struct replay_setup *setup) {
        _cleanup_(closep) int theirs = -1, end_theirs = -1;
        pid_t parent = getpid();
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        replay->fd = fds[0];
        theirs = fds[1];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        replay->end_fd = fds[0];
        end_theirs = fds[1];

        replay->pid = fork();
        if (replay->pid < 0) {
                replay->pid = 0;
                return -errno;
        }
        if (replay->pid == 0)
                feeder_run(setup, parent, theirs, end_theirs);
        return 0;
}

static int error_explain(int code, char **ret_error, const char *path, const char *text) {
        if (asprintf(ret_error, "%s: %s", path, text) < 0)
                *ret_error = NULL;
        return code;
}

int replay_new(const struct replay_setup *setup, struct replay **ret, char **ret_error) {
        _cleanup_(replay_freep) struct replay *replay = NULL;
        int r;

        if (!(setup->speed >= REPLAY_SPEED_MIN && setup->speed <= REPLAY_SPEED_MAX))
                return error_explain(-EINVAL, ret_error, setup->path,
                                     "cannot be played at this speed: choose one from 0.001 to 1000000");

        replay = calloc(1, sizeof(*replay));
        if (!replay) {
                *ret_error = NULL;
                return -ENOMEM;
        }
        replay->fd = -1;
        replay->end_fd = -1;
        replay->beside.company_percent = -1;
        replay->speed = setup->speed;
        replay->state = SOURCE_STARTING;
        replay->reason = N_("the recording is about to be played");

        r = open_profile_driver.decoder_new(&replay->decoder);
        if (r >= 0)
                r = child_fork(replay, setup);
        if (r >= 0)
                r = hello_receive(replay->fd, &replay->hello);
        if (r < 0)
                return error_explain(r, ret_error, setup->path,
                                     "the process that plays it could not be started");
        if (replay->hello.error < 0) {
                *ret_error = strdup(replay->hello.text);
                return replay->hello.error;
        }

        *ret = steal_pointer(&replay);
        return 0;
}

/* So that the stream's time is the present when the recording ends, and never in the future: see
 * replay.h. */
static int64_t start_compute(const struct replay *replay, uint64_t now_us) {
        double length_us = (double)replay->hello.frames * 1e9 / replay->hello.rate_mhz;

        if (replay->speed <= 1)
                return (int64_t)now_us;
        return (int64_t)now_us - (int64_t)(length_us * (1 - 1 / replay->speed)) - 1;
}

int replay_start(struct replay *replay, sd_event *event, const struct source_callbacks *callbacks,
                 void *userdata) {
        const uint8_t go = 0;
        struct timespec now;
        int r;

        replay->event = sd_event_ref(event);
        replay->callbacks = *callbacks;
        replay->userdata = userdata;
        r = sd_event_add_io(event, &replay->event_source, replay->fd, EPOLLIN, on_description, replay);
        if (r < 0)
                return r;

        /* Before the child's own clock begins to run. */
        if (clock_gettime(CLOCK_REALTIME, &now) < 0)
                return -errno;
        replay->start_us =
                start_compute(replay, (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
        /* A child that died meanwhile is seen as the end of its stream. */
        if (send(replay->fd, &go, sizeof(go), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EPIPE &&
            errno != ECONNRESET)
                return -errno;
        return 0;
}

struct replay *replay_free(struct replay *replay) {
        if (!replay)
                return NULL;
        if (replay->freed)
                *replay->freed = true;
        sd_event_source_disable_unref(replay->event_source);
        stream_free(replay->stream);
        open_profile_driver.decoder_free(replay->decoder);
        if (replay->fd >= 0)
                (void)close(replay->fd);
        if (replay->end_fd >= 0)
                (void)close(replay->end_fd);
        if (replay->pid > 0) {
                (void)kill(replay->pid, SIGKILL);
                while (waitpid(replay->pid, NULL, 0) < 0 && errno == EINTR)
                        ;
        }
        sd_event_unref(replay->event);
        free(replay);
        return NULL;
}

const char *replay_get_notice(const struct replay *replay) {
        return replay->hello.text[0] ? replay->hello.text : NULL;
}

enum source_state replay_get_state(const struct replay *replay, const char **ret_reason) {
        if (ret_reason)
                *ret_reason = replay->reason;
        return replay->state;
}

void replay_get_counters(const struct replay *replay, struct stream_counters *ret) {
        *ret = replay->stream ? *stream_get_counters(replay->stream) : (struct stream_counters){};
}
