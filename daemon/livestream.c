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
        enum livestream_kind kind;
        uint64_t next_index; /* of samples; 0 before the first */
};

/* The longest piece that the detector gives: 50 ms at its highest rate. */
#define SAMPLES_MAX (100u * STREAM_CHANNELS_MAX)
#define FLAG_AFTER_GAP 1u
/* What may wait for a reader of samples: a recording outlives a disk that stalls for seconds. */
#define QUEUE_BYTES (1 << 20)

/* Behind the samples, for those who want it. */
struct beside {
        uint32_t which;
        uint32_t motion_mg[3];
        uint32_t company_percent;
} __attribute__((packed));
#define NOT_KNOWN INT32_MIN

struct samples {
        uint64_t time_us;
        uint64_t index;
        uint16_t channels;
        uint16_t frames;
        uint32_t flags;
        uint32_t values[2 * SAMPLES_MAX]; /* counts, then float bits; little-endian */
        struct beside room;               /* it follows the last value */
} __attribute__((packed));

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

int livestream_open(struct livestream *stream, const struct sensor *sensor, enum livestream_kind kind,
                    uid_t uid) {
        size_t of_user = 0;
        int pair[2];

        drop_gone_readers(stream);
        for (size_t i = 0; i < stream->n_readers; i++)
                of_user += stream->readers[i].uid == uid;
        if (of_user >= LIVESTREAM_READERS_PER_USER || stream->n_readers >= LIVESTREAM_READERS_MAX)
                return -EDQUOT;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        /* As much as the kernel grants, or what it was. */
        if (kind != LIVESTREAM_LEVELS)
                (void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &(int){QUEUE_BYTES}, sizeof(int));
        stream->readers[stream->n_readers++] =
                (struct reader){.sensor = sensor, .fd = pair[1], .uid = uid, .kind = kind};
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

/* Returns whether the reader took it; one that is gone is dropped. */
static bool reader_send(struct livestream *stream, size_t i, const void *data, size_t size) {
        if (send(stream->readers[i].fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
                return true;
        if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
                reader_drop(stream, i);
        return false;
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

        for (size_t i = stream->n_readers; i-- > 0;)
                if (stream->readers[i].sensor == sensor && stream->readers[i].kind == LIVESTREAM_LEVELS)
                        (void)reader_send(stream, i, &frame, size);
}

static bool takes_samples(const struct reader *reader, const struct sensor *sensor) {
        return reader->sensor == sensor && reader->kind != LIVESTREAM_LEVELS;
}

bool livestream_has_reader(const struct livestream *stream, const struct sensor *sensor) {
        for (size_t i = 0; i < stream->n_readers; i++)
                if (takes_samples(&stream->readers[i], sensor))
                        return true;
        return false;
}

static struct beside describe_beside(const struct detector_signal *signal, unsigned which) {
        struct beside beside = {
                .which = htole32(which),
                .company_percent = htole32((uint32_t)(signal->company_percent)),
        };

        for (unsigned axis = 0; axis < 3; axis++)
                beside.motion_mg[axis] =
                        htole32((uint32_t)(signal->motion ? signal->motion[axis] : NOT_KNOWN));
        return beside;
}

void livestream_send_samples(struct livestream *stream, const struct sensor *sensor,
                             const struct detector_signal *signal, unsigned beside, int64_t time_us) {
        size_t n = signal->frames * signal->channels;
        struct beside behind;
        struct samples samples;
        size_t size = offsetof(struct samples, values) + 2 * n * sizeof(samples.values[0]);

        if (n > SAMPLES_MAX)
                return;
        samples.time_us = htole64((uint64_t)time_us);
        samples.index = htole64(signal->index);
        samples.channels = htole16((uint16_t)signal->channels);
        samples.frames = htole16((uint16_t)signal->frames);
        for (size_t i = 0; i < n; i++) {
                samples.values[i] = htole32((uint32_t)signal->counts[i]);
                samples.values[n + i] = float_bits(signal->conditioned_uv[i]);
        }
        behind = describe_beside(signal, beside);
        memcpy((uint8_t *)&samples + size, &behind, sizeof(behind));
        for (size_t i = stream->n_readers; i-- > 0;) {
                struct reader *reader = &stream->readers[i];
                bool gap = reader->next_index != 0 && reader->next_index != signal->index;
                size_t more = reader->kind == LIVESTREAM_SAMPLES_BESIDE ? sizeof(behind) : 0;

                if (!takes_samples(reader, sensor))
                        continue;
                samples.flags = htole32(gap ? FLAG_AFTER_GAP : 0);
                if (reader_send(stream, i, &samples, size + more))
                        reader->next_index = signal->index + signal->frames;
        }
}
