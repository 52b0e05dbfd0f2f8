/* SPDX-License-Identifier: MIT */
/*
 * From a descriptor to blocks: drains the datagrams that wait on it, decodes them and hands the blocks
 * on. The one code path for BlueZ's notification sockets and for replayed recordings. Owns the
 * descriptors and their event sources; the decoder is the caller's. Used by sensors/bluez/ and
 * sensors/virtual/.
 */
#pragma once

#include <systemd/sd-event.h>

#include "sensors/driver.h"

#define STREAM_FDS_MAX 8u
/* Datagrams taken from one descriptor in one go; then the others have their turn. */
#define STREAM_BATCH_MAX 512u

struct stream;

/* The stream may be freed from within each. */
struct stream_callbacks {
        /* Every packet first comes here. Returns true if it was no sample and shall not be decoded. May
         * be NULL. */
        bool (*packet)(unsigned source, const uint8_t *packet, size_t size, void *userdata);
        void (*block)(const struct emg_block *block, uint64_t arrival_us,
                      void *userdata); /* CLOCK_BOOTTIME */
        /* After each packet that was decoded, and its blocks. May be NULL. */
        void (*decoded)(void *userdata);
        /* The other end closed, or reading failed with `error` (negative errno, 0 = closed). The stream
         * has stopped reading, on all descriptors. */
        void (*closed)(int error, void *userdata);
};

struct stream_counters {
        uint64_t packets; /* all that came, also old and malformed ones */
        uint64_t lost_packets;
        uint64_t malformed_packets;
        uint64_t frames;
        uint64_t bytes; /* of those packets */
};

int stream_new(sd_event *event, const struct sensor_driver *driver, struct sensor_decoder *decoder,
               const struct stream_callbacks *callbacks, void *userdata, struct stream **ret);
struct stream *stream_free(struct stream *stream);

/* Takes over a SEQPACKET descriptor (also on failure) as characteristic number `source` of the driver.
 * Returns 0, -EINVAL for a number that the driver does not have, -ENOSPC beyond STREAM_FDS_MAX, or what
 * sd-event says. */
int stream_add_fd(struct stream *stream, unsigned source, int fd);

/* It will be closed: decodes what was not read yet, and gives out the blocks that wait for packets
 * before them. */
void stream_finish(struct stream *stream);

/* Decodes a packet that came by another way than a descriptor. `source` may also be
 * SENSOR_SOURCE_ADVERT.
 */
void stream_feed(struct stream *stream, unsigned source, const uint8_t *packet, size_t size,
                 uint64_t arrival_us);

const struct stream_counters *stream_get_counters(const struct stream *stream);
