/* SPDX-License-Identifier: MIT */
/*
 * What a sensor driver is: one file with one `struct sensor_driver`, and one line in registry.c.
 *
 * A driver turns bytes into blocks and says which characteristics to use. It has no bus, clock, file or
 * logger, so a driver can be tested and fuzzed alone. Called by sensors/stream.c (packets) and
 * sensors/bluez/ (GATT).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define STREAM_CHANNELS_MAX 16u

/* What one packet held. The counts belong to the decoder and last until its next call. */
struct emg_block {
        uint64_t index; /* number of the first frame since the stream started; missing frames count */
        uint32_t frames;
        uint32_t channels;
        const int32_t *counts; /* frames x channels, interleaved, oldest first */
        uint64_t lost_packets; /* missing right before this packet */
};

/* The shape of a stream, fixed from one start to the next. */
struct stream_format {
        uint32_t rate_mhz;
        uint32_t channels;                   /* 1 .. STREAM_CHANNELS_MAX */
        double scale_uv;                     /* microvolts per count; 0 = arbitrary unit */
        uint8_t muscle[STREAM_CHANNELS_MAX]; /* enum muscle, as the sensor says */
        uint8_t leg;                         /* enum leg */
};

/* One write at start or stop. */
struct sensor_write {
        const char *characteristic; /* UUID */
        const uint8_t *value;
        size_t size;
};

struct sensor_decoder;

struct sensor_driver {
        const char *name;  /* as on the command line */
        const char *title; /* for people */

        const char *service;                 /* UUID that the sensor advertises */
        const char *description;             /* UUID to read before the start, or NULL */
        const char *const *notifying;        /* UUIDs to acquire, NULL ends; `source` below */
        const struct sensor_write *on_start; /* after acquiring; .characteristic NULL ends */
        const struct sensor_write *on_stop;

        /* Returns 0 or -ENOMEM. */
        int (*decoder_new)(struct sensor_decoder **ret);
        struct sensor_decoder *(*decoder_free)(struct sensor_decoder *decoder);

        /* Takes the description's value, starts a new stream. Returns 0; -EBADMSG: malformed;
         * -EPROTONOSUPPORT: a version that this driver does not know; -ERANGE: well-formed, but crampd
         * cannot use such a stream. */
        int (*describe)(struct sensor_decoder *decoder, const uint8_t *value, size_t size,
                        struct stream_format *ret);

        /* Decodes one packet of notifying[source]. Returns 1 with a block, 0 when there is none yet (the
         * packet holds no frames, is an old one again, or waits for one before it), -EBADMSG when it is
         * malformed: it then changed nothing. */
        int (*decode)(struct sensor_decoder *decoder, unsigned source, const uint8_t *packet,
                      size_t size, struct emg_block *ret);

        /* After decode() gave a block: returns 1 with a further one, or 0. NULL if a packet never makes
         * for more than one. Packets may overtake each other on the way (ATT over several bearers), so
         * one may have waited. */
        int (*more)(struct sensor_decoder *decoder, struct emg_block *ret);
};

/* The table of drivers, in registry.c; NULL at the end. */
extern const struct sensor_driver *const sensor_drivers[];

/* NULL if there is none of that name. */
const struct sensor_driver *sensor_driver_find(const char *name);
