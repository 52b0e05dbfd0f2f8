/* SPDX-License-Identifier: MIT */
/*
 * A twin: a virtual sensor of a family that people can buy, as its makers describe it. Says what it
 * shows (tables), answers what is written to it, and packs frames of counts into notifications. Pure: no
 * bus, clock or file; one file a family in twins/, written from the published protocols and not from
 * crampd's own drivers, so that the two check each other. Used by twin-sensor.c and by tests.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sensors/virtual/gatt.h"

#define TWIN_CHANNELS_MAX 8u
#define TWIN_PACKET_MAX 244u
#define TWIN_OUT_MAX 16u
/* Instead of a characteristic: the packet is the advert's manufacturer data from now on. */
#define TWIN_ADVERT 255u

struct twin_packet {
        unsigned characteristic; /* of the family's table */
        size_t size;
        uint32_t frames; /* that it completes; 0 for answers and whatever is no sample */
        uint8_t bytes[TWIN_PACKET_MAX];
};

/* Of one converter: count = microvolts / scale_uv + middle, as far as it goes. */
struct twin_form {
        uint32_t channels;
        uint32_t rate_mhz;
        uint32_t packet_frames;
        double scale_uv;
        int32_t lowest, middle, highest;
        unsigned envelopes; /* a bit per channel that is rectified and smoothed */
        double envelope_s;  /* time constant of that */
};

struct twin_variant {
        const char *name; /* NULL ends */
        const char *local_name;
        unsigned kind; /* the family's own */
        struct twin_form form;
};

struct twin {
        const struct twin_family *family;
        const struct twin_variant *variant;
        struct twin_form form; /* the client may change it */
        bool running;
        uint8_t battery_percent;
        uint64_t index; /* of the next frame since the start */

        int32_t held[32 * TWIN_CHANNELS_MAX]; /* frames that wait for their packet to fill */
        uint32_t held_frames;

        /* What families keep: a counter in the packets, a place in a rotation or round, a mode that a
         * command chose, and bytes that wait. */
        uint32_t sequence;
        uint32_t turn;
        unsigned mode;
        uint8_t digital;
        int32_t last[TWIN_CHANNELS_MAX];
        uint8_t stream[128];
        size_t stream_size;
        uint32_t stream_frames;

        struct twin_packet out[TWIN_OUT_MAX]; /* to be taken after each call */
        size_t out_count;
};

struct twin_family {
        const char *name; /* as the driver is called */
        const struct gatt_characteristic *characteristics;
        const char *const *advertised; /* service UUIDs, NULL ends */
        const uint8_t *advert_data;    /* company id first */
        size_t advert_size;
        const struct twin_variant *variants; /* the first is the default */
        bool is_heard;                       /* not connected to: a stream of adverts runs always */

        void (*begin)(struct twin *twin); /* a stream starts; may be NULL */
        void (*pack)(struct twin *twin, const int32_t *frame);
        void (*subscribed)(struct twin *twin, unsigned characteristic, bool on); /* may be NULL */
        /* Returns 0, or an error code of ATT. */
        int (*write)(struct twin *twin, unsigned characteristic, const uint8_t *value, size_t size);
        size_t (*read)(const struct twin *twin, unsigned characteristic,
                       uint8_t value[static GATT_VALUE_MAX]);
        /* Spoils a packet so that a decoder can tell; NULL: its last byte goes. */
        void (*spoil)(struct twin_packet *packet);
};

extern const struct twin_family twin_anr_m40;
extern const struct twin_family twin_bitalino;
extern const struct twin_family twin_ganglion;
extern const struct twin_family twin_gforce;
extern const struct twin_family twin_myo;
extern const struct twin_family twin_myoware;
extern const struct twin_family twin_nordic_text;
extern const struct twin_family twin_npg_lite;
extern const struct twin_family twin_umyo;
extern const struct twin_family twin_umyo_advert;

/* NULL at the end. */
extern const struct twin_family *const twin_families[];

/* `variant` NULL = the first. Returns 0, -ENOENT for an unknown family or -EINVAL for an unknown
 * variant.
 */
int twin_init(struct twin *twin, const char *family, const char *variant);

/* Microvolts as this sensor's converter gives them. */
int32_t twin_count(const struct twin *twin, double uv);

/* The next frame of form.channels counts; passed over unless a stream runs. */
void twin_frame(struct twin *twin, const int32_t *frame);
int twin_write(struct twin *twin, unsigned characteristic, const uint8_t *value, size_t size);
void twin_subscribed(struct twin *twin, unsigned characteristic, bool on);
size_t twin_read(const struct twin *twin, unsigned characteristic, uint8_t value[static GATT_VALUE_MAX]);
void twin_spoil(const struct twin *twin, struct twin_packet *packet);

/* --- for the families --- */

/* Begins anew, or stops. */
void twin_run(struct twin *twin, bool on);
void twin_emit(struct twin *twin, unsigned characteristic, const void *bytes, size_t size,
               uint32_t frames);
/* Holds a frame. Returns whether form.packet_frames are held, which are then for the family to send. */
bool twin_hold(struct twin *twin, const int32_t *frame);
/* Sends bytes in notifications of `size` bytes as they fill. */
void twin_stream(struct twin *twin, unsigned characteristic, const void *bytes, size_t count,
                 size_t size);
/* A text as a value. */
size_t twin_text(uint8_t value[static GATT_VALUE_MAX], const char *text);

static inline uint8_t *put_le16(uint8_t *bytes, uint16_t value) {
        bytes[0] = (uint8_t)value;
        bytes[1] = (uint8_t)(value >> 8);
        return bytes + 2;
}

static inline uint8_t *put_le32(uint8_t *bytes, uint32_t value) {
        return put_le16(put_le16(bytes, (uint16_t)value), (uint16_t)(value >> 16));
}

static inline uint8_t *put_be16(uint8_t *bytes, uint16_t value) {
        bytes[0] = (uint8_t)(value >> 8);
        bytes[1] = (uint8_t)value;
        return bytes + 2;
}
