/* SPDX-License-Identifier: MIT */
/* Draining, decoding, handing on: see stream.h. */
#include "sensors/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "daemon/basic/cleanup.h"
#include "daemon/basic/priority.h"

/* ATT's largest attribute value is 512 bytes, BlueZ's largest MTU 517. */
#define DATAGRAM_MAX 517u

struct stream_fd {
        struct stream *stream;
        sd_event_source *event_source;
        unsigned source;
        int fd;
};

/* A callback that runs, perhaps within another: stream_finish() may be called from there. */
struct callback_run {
        struct callback_run *outer;
        bool freed; /* the stream, meanwhile */
};

struct stream {
        sd_event *event;
        const struct sensor_driver *driver;
        struct sensor_decoder *decoder;
        struct stream_callbacks callbacks;
        void *userdata;

        struct stream_counters counters;
        sd_event_source *settle; /* runs when nothing more waits; NULL unless the driver wants it */
        uint64_t arrival_us;     /* of what was taken in last; 0 = of nothing yet */
        struct stream_fd fds[STREAM_FDS_MAX];
        size_t fds_count;

        struct callback_run *runs; /* the innermost first */
};

static void run_begin(struct stream *stream, struct callback_run *ret) {
        *ret = (struct callback_run){.outer = stream->runs};
        stream->runs = ret;
}

/* Returns true if the callback freed the stream. */
static bool run_end(struct stream *stream, const struct callback_run *run) {
        if (!run->freed)
                stream->runs = run->outer;
        return run->freed;
}

static void fd_close(struct stream_fd *stream_fd) {
        stream_fd->event_source = sd_event_source_disable_unref(stream_fd->event_source);
        if (stream_fd->fd >= 0)
                (void)close(stream_fd->fd);
        stream_fd->fd = -1;
}

static bool rest_take(struct stream *stream);

/* Of several descriptors the others may hold packets yet. */
static void stream_close(struct stream *stream, int error) {
        if (rest_take(stream))
                return;
        for (size_t i = 0; i < stream->fds_count; i++)
                fd_close(&stream->fds[i]);
        if (stream->settle)
                (void)sd_event_source_set_enabled(stream->settle, SD_EVENT_OFF);
        stream->callbacks.closed(error, stream->userdata);
}

/* A notification without a value and the end both read as 0 bytes. */
static bool fd_hung_up(int fd) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLRDHUP};

        return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/* Returns true if the callback freed the stream. */
static bool block_deliver(struct stream *stream, const struct emg_block *block, uint64_t arrival_us) {
        struct callback_run run;

        stream->counters.lost_packets += block->lost_packets;
        stream->counters.frames += block->frames;

        run_begin(stream, &run);
        stream->callbacks.block(block, arrival_us, stream->userdata);
        return run_end(stream, &run);
}

/* Returns true if it was taken, or the stream freed. */
static bool packet_pass(struct stream *stream, unsigned source, const uint8_t *packet, size_t size,
                        bool *ret_freed) {
        struct callback_run run;
        bool taken;

        *ret_freed = false;
        if (!stream->callbacks.packet)
                return false;
        run_begin(stream, &run);
        taken = stream->callbacks.packet(source, packet, size, stream->userdata);
        *ret_freed = run_end(stream, &run);
        return taken || *ret_freed;
}

/* Returns true if the callback freed the stream. */
static bool decoded_tell(struct stream *stream) {
        struct callback_run run;

        if (!stream->callbacks.decoded)
                return false;
        run_begin(stream, &run);
        stream->callbacks.decoded(stream->userdata);
        return run_end(stream, &run);
}

/* Returns true if a callback freed the stream. */
static bool packet_take(struct stream *stream, unsigned source, const uint8_t *packet, ssize_t size,
                        uint64_t arrival_us) {
        const struct sensor_driver *driver = stream->driver;
        struct emg_block block;
        bool freed;
        int r;

        if (size <= (ssize_t)DATAGRAM_MAX && packet_pass(stream, source, packet, (size_t)size, &freed))
                return freed;
        stream->counters.packets++;
        stream->counters.bytes += size > 0 ? (uint64_t)size : 0;
        stream->arrival_us = arrival_us;
        r = size > (ssize_t)DATAGRAM_MAX
                    ? -EBADMSG
                    : driver->decode(stream->decoder, source, packet, (size_t)size, &block);
        if (r < 0)
                stream->counters.malformed_packets++;
        if (stream->settle) {
                (void)sd_event_source_set_enabled(stream->settle, SD_EVENT_ONESHOT);
                return decoded_tell(stream);
        }
        for (; r > 0; r = driver->more ? driver->more(stream->decoder, &block) : 0)
                if (block_deliver(stream, &block, arrival_us))
                        return true;
        return decoded_tell(stream);
}

/* Returns true if a callback freed the stream. */
static bool settled_give(struct stream *stream) {
        struct emg_block block;

        while (stream->driver->more(stream->decoder, &block) > 0)
                if (block_deliver(stream, &block, stream->arrival_us))
                        return true;
        return false;
}

static int on_settled(sd_event_source *event_source, void *userdata) {
        (void)settled_give(userdata);
        return 0;
}

/* Returns true if a callback freed the stream. */
static bool waiting_give(struct stream *stream) {
        const struct sensor_driver *driver = stream->driver;
        struct emg_block block;

        if (stream->arrival_us == 0)
                return false;
        if (stream->settle && settled_give(stream))
                return true;
        while (driver->finish && driver->finish(stream->decoder, &block) > 0)
                if (block_deliver(stream, &block, stream->arrival_us))
                        return true;
        return false;
}

/* Comes after all descriptors that are ready. */
static int settle_prepare(struct stream *stream) {
        int r = sd_event_add_defer(stream->event, &stream->settle, on_settled, stream);

        if (r >= 0)
                r = sd_event_source_set_priority(stream->settle, PRIORITY_SETTLED);
        if (r >= 0)
                r = sd_event_source_set_enabled(stream->settle, SD_EVENT_OFF);
        return r;
}

static int on_readable(sd_event_source *event_source, int fd, uint32_t revents, void *userdata) {
        struct stream_fd *stream_fd = userdata;
        struct stream *stream = stream_fd->stream;
        uint64_t arrival_us;
        int r;

        r = sd_event_now(stream->event, CLOCK_BOOTTIME, &arrival_us);
        if (r < 0) {
                stream_close(stream, r);
                return 0;
        }

        for (unsigned i = 0; i < STREAM_BATCH_MAX; i++) {
                uint8_t packet[DATAGRAM_MAX];
                ssize_t size;

                /* MSG_TRUNC makes it the datagram's true size, also beyond the buffer. */
                size = recv(fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC);
                if (size < 0 && errno == EINTR)
                        continue;
                if (size < 0 && errno == EAGAIN)
                        return 0;
                if (size < 0) {
                        stream_close(stream, errno == ECONNRESET ? 0 : -errno);
                        return 0;
                }
                if (size == 0 && fd_hung_up(fd)) {
                        stream_close(stream, 0);
                        return 0;
                }
                if (packet_take(stream, stream_fd->source, packet, size, arrival_us))
                        return 0;
        }
        return 0;
}

/* Returns true if a callback freed the stream. */
static bool fd_drain(struct stream_fd *stream_fd, uint64_t arrival_us) {
        for (unsigned i = 0; i < STREAM_BATCH_MAX; i++) {
                uint8_t packet[DATAGRAM_MAX];
                ssize_t size = recv(stream_fd->fd, packet, sizeof(packet), MSG_DONTWAIT | MSG_TRUNC);

                if (size <= 0)
                        return false;
                if (packet_take(stream_fd->stream, stream_fd->source, packet, size, arrival_us))
                        return true;
        }
        return false;
}

/* Returns true if a callback freed the stream. */
static bool rest_take(struct stream *stream) {
        uint64_t arrival_us;

        if (sd_event_now(stream->event, CLOCK_BOOTTIME, &arrival_us) >= 0)
                for (size_t i = 0; i < stream->fds_count; i++)
                        if (stream->fds[i].fd >= 0 && fd_drain(&stream->fds[i], arrival_us))
                                return true;
        return waiting_give(stream);
}

void stream_finish(struct stream *stream) {
        (void)rest_take(stream);
}

static unsigned driver_sources(const struct sensor_driver *driver) {
        unsigned count = 0;

        while (driver->notifying[count])
                count++;
        return count;
}

int stream_new(sd_event *event, const struct sensor_driver *driver, struct sensor_decoder *decoder,
               const struct stream_callbacks *callbacks, void *userdata, struct stream **ret) {
        struct stream *stream = calloc(1, sizeof(*stream));

        if (!stream)
                return -ENOMEM;
        stream->event = sd_event_ref(event);
        stream->driver = driver;
        stream->decoder = decoder;
        stream->callbacks = *callbacks;
        stream->userdata = userdata;
        if (driver->settles) {
                int r = settle_prepare(stream);

                if (r < 0) {
                        stream_free(stream);
                        return r;
                }
        }
        *ret = stream;
        return 0;
}

struct stream *stream_free(struct stream *stream) {
        if (!stream)
                return NULL;
        for (struct callback_run *run = stream->runs; run; run = run->outer)
                run->freed = true;
        for (size_t i = 0; i < stream->fds_count; i++)
                fd_close(&stream->fds[i]);
        sd_event_source_disable_unref(stream->settle);
        sd_event_unref(stream->event);
        free(stream);
        return NULL;
}

int stream_add_fd(struct stream *stream, unsigned source, int fd) {
        _cleanup_(closep) int owned = fd;
        struct stream_fd *stream_fd;
        int r;

        if (source >= driver_sources(stream->driver))
                return -EINVAL;
        if (stream->fds_count >= STREAM_FDS_MAX)
                return -ENOSPC;

        stream_fd = &stream->fds[stream->fds_count];
        *stream_fd = (struct stream_fd){.stream = stream, .source = source, .fd = -1};
        r = sd_event_add_io(stream->event, &stream_fd->event_source, fd, EPOLLIN, on_readable,
                            stream_fd);
        if (r < 0)
                return r;
        stream_fd->fd = steal_fd(&owned);
        stream->fds_count++;
        return 0;
}

void stream_feed(struct stream *stream, unsigned source, const uint8_t *packet, size_t size,
                 uint64_t arrival_us) {
        (void)packet_take(stream, source, packet, (ssize_t)size, arrival_us);
}

const struct stream_counters *stream_get_counters(const struct stream *stream) {
        return &stream->counters;
}
