/* SPDX-License-Identifier: MIT */
/* The readers of live activity: see livestream.h. */
#include "daemon/livestream.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/basic/cleanup.h"
#include "sensors/driver.h"

struct reader {
        const struct sensor *sensor; /* NULL: its sensor is gone, and it counts until it is closed */
        int fd;
        uid_t uid;
};

struct livestream {
        struct reader readers[LIVESTREAM_READERS_MAX];
        size_t n_readers;
};

struct frame {
        uint64_t time_us;
        uint8_t state;
        uint8_t channels;
        uint16_t reserved;
        uint32_t values[2 * STREAM_CHANNELS_MAX]; /* float bits, little-endian */
} __attribute__((packed));

int livestream_new(struct livestream **ret) {
        struct livestream *stream = calloc(1, sizeof(*stream));

        if (!stream)
                return -ENOMEM;
        *ret = stream;
        return 0;
}

static void reader_drop(struct livestream *stream, size_t i) {
        (void)close(stream->readers[i].fd);
        stream->readers[i] = stream->readers[--stream->n_readers];
}

struct livestream *livestream_free(struct livestream *stream) {
        if (!stream)
                return NULL;

        while (stream->n_readers > 0)
                reader_drop(stream, stream->n_readers - 1);
        free(stream);
        return NULL;
}

/* Sends tell only of readers whose sensor streams. */
static void drop_gone_readers(struct livestream *stream) {
        for (size_t i = stream->n_readers; i-- > 0;) {
                struct pollfd pollfd = {.fd = stream->readers[i].fd};

                if (poll(&pollfd, 1, 0) > 0 && (pollfd.revents & (POLLHUP | POLLERR)))
                        reader_drop(stream, i);
        }
}

int livestream_open(struct livestream *stream, const struct sensor *sensor, uid_t uid) {
        size_t of_user = 0;
        int pair[2];

        drop_gone_readers(stream);
        for (size_t i = 0; i < stream->n_readers; i++)
                of_user += stream->readers[i].uid == uid;
        if (of_user >= LIVESTREAM_READERS_PER_USER || stream->n_readers >= LIVESTREAM_READERS_MAX)
                return -EDQUOT;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        stream->readers[stream->n_readers++] =
                (struct reader){.sensor = sensor, .fd = pair[1], .uid = uid};
        return pair[0];
}

void livestream_end(struct livestream *stream, const struct sensor *sensor) {
        for (size_t i = 0; i < stream->n_readers; i++)
                if (stream->readers[i].sensor == sensor) {
                        (void)shutdown(stream->readers[i].fd, SHUT_WR);
                        stream->readers[i].sensor = NULL;
                }
}

static uint32_t float_bits(double value) {
        float narrow = (float)value;
        uint32_t bits;

        memcpy(&bits, &narrow, sizeof(bits));
        return htole32(bits);
}

void livestream_send(struct livestream *stream, const struct sensor *sensor,
                     const struct detector_level *level, int64_t time_us) {
        struct frame frame = {
                .time_us = htole64((uint64_t)time_us),
                .state = (uint8_t)level->state,
                .channels = (uint8_t)level->channels,
        };
        size_t size = offsetof(struct frame, values) + level->channels * 2 * sizeof(frame.values[0]);

        if (stream->n_readers == 0 || level->channels > STREAM_CHANNELS_MAX)
                return;
        for (uint32_t channel = 0; channel < level->channels; channel++) {
                frame.values[2 * channel] = float_bits(level->envelope_uv[channel]);
                frame.values[2 * channel + 1] = float_bits(level->floor_uv[channel]);
        }

        for (size_t i = stream->n_readers; i-- > 0;) {
                if (stream->readers[i].sensor != sensor)
                        continue;
                if (send(stream->readers[i].fd, &frame, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
                    errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
                        reader_drop(stream, i);
        }
}
