/* SPDX-License-Identifier: MIT */
/*
 * What a sensor driver is: one file with one `struct sensor_driver`, and one line in registry.c.
 *
 * A driver turns bytes into blocks and says how its sensor is recognised, started and kept going. It has
 * no bus, clock, file or logger, so a driver can be tested and fuzzed alone. Called by sensors/stream.c
 * (packets), sensors/bluez/ (GATT and adverts) and sensors/clock.c (which makes time of what `format`
 * promises about the samples).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_CHANNELS_MAX 16u
#define STREAM_RATES_MAX 4u

/* --- recognising --- */

/* An advert, as far as it was heard. */
struct sensor_advert {
        const char *name;            /* NULL = none */
        const char *const *services; /* UUIDs in lower case, NULL ends; NULL = none */
        int company;                 /* id of the manufacturer data, -1 = none */
        const uint8_t *data;         /* of that company, without the id */
        size_t size;
};

enum sensor_match {
        SENSOR_MATCH_NO,
        SENSOR_MATCH_MAYBE, /* a name or service that others use too */
        SENSOR_MATCH_YES,
};

/* What is known of the sensor before it is started. */
struct sensor_settings {
        const char *name;  /* as advertised; "" = unknown */
        double scale_uv;   /* microvolts per count as the owner set it; 0 = the driver's own */
        uint32_t rate_mhz; /* as the owner set it; 0 = unknown */
        uint8_t channels;  /* as the owner set it; 0 = the driver's own */
        bool envelope;     /* the owner says that it sends envelopes: format() need not care, for what it
                              tells of as raw then becomes an envelope (bluez/subscription.c) */
};

/* --- starting, stopping, keeping alive --- */

enum sensor_step_kind {
        SENSOR_STEP_END,
        SENSOR_STEP_READ,      /* `uuid`; the value goes to answer() */
        SENSOR_STEP_SUBSCRIBE, /* to notifying[source] */
        SENSOR_STEP_WRITE,     /* `value` to `uuid`, with response */
        SENSOR_STEP_COMMAND,   /* the same without response */
        SENSOR_STEP_ASK,       /* SENSOR_STEP_WRITE, then packets of notifying[source] go to answer() */
        SENSOR_STEP_PAUSE,     /* `limit_ms` */
};

struct sensor_step {
        enum sensor_step_kind kind;
        const char *uuid;
        unsigned source;
        const uint8_t *value;
        size_t size;
        uint32_t limit_ms; /* of ASK and PAUSE */
        bool optional;     /* a characteristic that is not there, or refuses, is passed over */
};

/* --- samples --- */

enum stream_kind {
        STREAM_RAW,
        STREAM_ENVELOPE, /* rectified and smoothed by the sensor */
};

enum stream_rate {
        STREAM_RATE_KNOWN,   /* as a crystal keeps it */
        STREAM_RATE_GUESSED, /* one of `rates_mhz`, or if these are none near `rate_mhz`: to be measured
                              */
        STREAM_RATE_NONE,    /* samples come when they come, at about `rate_mhz`; their arrival is their
                                time */
};

/* The shape of a stream, fixed from one start to the next. */
struct stream_format {
        enum stream_kind kind;
        enum stream_rate rate;
        uint32_t rate_mhz;
        uint32_t rates_mhz[STREAM_RATES_MAX]; /* 0 ends */
        uint32_t channels;                    /* 1 .. STREAM_CHANNELS_MAX */
        double scale_uv;                      /* microvolts per count; 0 = arbitrary unit */
        uint8_t muscle[STREAM_CHANNELS_MAX];  /* enum muscle, as the sensor says */
        uint8_t leg;                          /* enum leg */

        /* Frames can be lost without a trace in the packets only in multiples of this many: 0 = never
         * (a long counter), 256 (a counter of 8 bits), as many as a packet has (no counter). What was
         * lost then shows in the arrival times alone. */
        uint32_t slip_frames;
};

/* 128 bits between: a year at 2 kHz times 10^9 is beyond 64. */
static inline uint64_t stream_frames_to_us(uint32_t rate_mhz, uint64_t frames) {
        return (uint64_t)((unsigned __int128)frames * UINT64_C(1000000000) / rate_mhz);
}

/* What one packet held. The counts belong to the decoder and last until its next call. */
struct emg_block {
        uint64_t index; /* number of the first frame since the stream started; missing frames count, as
                           far as the packets tell (slip_frames) */
        uint32_t frames;
        uint32_t channels;
        const int32_t *counts; /* frames x channels, interleaved, oldest first */
        uint64_t lost_packets; /* missing right before this packet */
        uint32_t frames_after; /* that came meanwhile, while it waited for packets before it: by so much
                                  it is older than what has just arrived */
};

/* What a sensor tells beside its samples. */
struct sensor_extras {
        uint32_t revision;      /* grows with each change of what follows */
        int battery_percent;    /* -1 = unknown */
        int battery_mv;         /* -1 = unknown */
        uint64_t accelerations; /* how many were heard */
        int32_t acceleration_mg[3];
};

/* Whether a bond with the sensor helps or harms. */
enum sensor_pairing {
        SENSOR_PAIRING_NEVER, /* it knows none: a stale bond makes connects fail */
        SENSOR_PAIRING_ASKED, /* when the sensor refuses to be read without */
};

enum sensor_battery {
        SENSOR_BATTERY_NONE,
        SENSOR_BATTERY_BLUEZ,  /* the Battery Service: BlueZ claims it (org.bluez.Battery1) */
        SENSOR_BATTERY_EXTRAS, /* by the driver's own means */
};

/* Instead of a number of `notifying`: the packet is an advert's manufacturer data, with the two bytes of
 * the company id, little-endian, before it. */
#define SENSOR_SOURCE_ADVERT 255u

struct sensor_decoder;

struct sensor_driver {
        const char *name;  /* as on the command line */
        const char *title; /* for people */
        const char *notes; /* for the owner, when the sensor is added: a button, charging; or NULL */

        const char *service;    /* UUID of the service that it is about */
        const char *advertised; /* UUID that its adverts list, by which it is looked for; NULL = none */
        const char *const *notifying; /* UUIDs of the sources, NULL ends; NULL for a sensor of adverts */
        /* UUIDs of characteristics that prove it; NULL ends. NULL = all that the steps use and are not
         * optional. Looked for in `service` first, then in all. */
        const char *const *proof;

        const struct sensor_step *start;      /* .. SENSOR_STEP_END */
        const struct sensor_step *stop;       /* no reads, nobody hears the answers */
        const struct sensor_step *identify;   /* blink or buzz; NULL = it cannot */
        const struct sensor_step *keep_alive; /* each keep_alive_ms; NULL = none */
        uint32_t keep_alive_ms;

        enum sensor_pairing pairing;
        enum sensor_battery battery;
        bool from_adverts;      /* never connected to: its adverts are the packets */
        bool buzzes;            /* on connecting: to be gentle with */
        uint16_t mtu_min;       /* ATT_MTU below which it does not work; 0 = any */
        uint32_t packets_per_s; /* typical, and their size: what it takes of a radio's time */
        uint32_t packet_size;

        enum sensor_match (*match)(const struct sensor_advert *advert);

        /* Returns 0 or -ENOMEM. */
        int (*decoder_new)(struct sensor_decoder **ret);
        struct sensor_decoder *(*decoder_free)(struct sensor_decoder *decoder);

        /* A new stream starts: forgets the last one. Extras stay. Returns 0, or -ERANGE for a number
         * of channels that this sensor cannot have. What the sensor itself tells goes before what was
         * set; what makes no difference to it is passed over. */
        int (*begin)(struct sensor_decoder *decoder, const struct sensor_settings *settings);

        /* Step number `step` of `start` is done. `value` is what a READ brought, or a packet of ASK's
         * source; NULL when it did not come (ASK's limit, an optional READ) and after all other steps.
         * Returns the number of the next step; -EAGAIN: not the reply that ASK waits for, decode() gets
         * it; -EBADMSG: malformed; -EPROTONOSUPPORT: a version that this driver does not know; -ERANGE:
         * well-formed, but crampd cannot use such a stream; -ETIMEDOUT: it cannot go on without. May be
         * NULL: always the next step. */
        int (*answer)(struct sensor_decoder *decoder, unsigned step, const uint8_t *value, size_t size);

        /* What comes, known before the first block: called after the last step, or when a block comes
         * earlier. Returns 0, or as answer(). */
        int (*format)(const struct sensor_decoder *decoder, struct stream_format *ret);

        /* Decodes one packet of notifying[source]. Returns 1 with a block, 0 when there is none yet (the
         * packet holds no frames, is an old one again, or waits for one before it), -EBADMSG when it is
         * malformed: nothing of it counts, and what it spoilt of a value that comes in several packets
         * does not either. */
        int (*decode)(struct sensor_decoder *decoder, unsigned source, const uint8_t *packet,
                      size_t size, struct emg_block *ret);

        /* After decode() gave a block: returns 1 with a further one, or 0. NULL if a packet never makes
         * for more than one. */
        int (*more)(struct sensor_decoder *decoder, struct emg_block *ret);

        /* The stream is over, nothing more comes: returns 1 with a block that waits for packets before
         * it, or 0 when there is none left. NULL if none ever waits for what may be lost. */
        int (*finish)(struct sensor_decoder *decoder, struct emg_block *ret);

        /* decode() only takes in (and returns 0): more() is called when all that has arrived, on all
         * sources, is taken in. For sensors whose samples come by several ways in turns. */
        bool settles;

        /* The latest; NULL if the sensor tells nothing beside samples. */
        const struct sensor_extras *(*extras)(const struct sensor_decoder *decoder);
        bool accelerometer; /* sensors of the family may tell of one there */
};

/* The table of drivers, in registry.c; NULL at the end. */
extern const struct sensor_driver *const sensor_drivers[];

/* NULL if there is none of that name. */
const struct sensor_driver *sensor_driver_find(const char *name);
/* The driver that recognises the advert best, or NULL. */
const struct sensor_driver *sensor_driver_match(const struct sensor_advert *advert,
                                                enum sensor_match *ret_match);
