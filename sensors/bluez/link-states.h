/* SPDX-License-Identifier: MIT */
/*
 * The inside of a link, shared by link-transitions.c (what comes after what), link-states.c (what is
 * done meanwhile) and link.c (what sets it going). Private to these three.
 */
#pragma once

#include "sensors/bluez/link.h"
#include "sensors/bluez/objects.h"
#include "sensors/bluez/pairing.h"
#include "sensors/bluez/script.h"
#include "sensors/bluez/subscription.h"

enum link_state {
        LINK_ANY, /* of transitions: what holds where the state's own row says nothing */
        LINK_ABSENT,
        LINK_SCANNING,
        LINK_QUEUED, /* seen; another sensor is being connected or discovery is being stopped */
        LINK_CONNECTING,
        LINK_RESOLVING,
        LINK_PAIRING,
        LINK_STARTING,
        LINK_STREAMING,
        LINK_STALLED, /* linked without data; a pause before subscribing anew */
        LINK_RESUBSCRIBING,
        LINK_FORBIDDEN, /* linked, but the data could only be broadcast */
        LINK_DROPPING,  /* given up: until the link is down */
        LINK_WAITING,   /* before the next attempt */
        LINK_HEARING,   /* adverts, of a sensor that is never connected to */
        LINK_QUIET,     /* the same, but none for a while */
        LINK_PAUSED,    /* by the owner */
        LINK_STATE_MAX
};

enum link_event {
        /* What the mirror shows, the weightiest first: looked at again after every change and every
           transition. */
        FACT_NO_BLUEZ,
        FACT_MUTE_BLUEZ,
        FACT_NO_ADAPTER,
        FACT_ADAPTER_OFF,
        FACT_READY,
        FACT_DEVICE_GONE,
        FACT_LINK_DOWN,
        FACT_LINK_UP,
        FACT_RESOLVED,
        FACT_DROPPED,
        FACT_TURN,
        FACT_SEEN,
        FACT_MAX,
        /* What happens once. */
        EVENT_TIMEOUT = FACT_MAX,
        EVENT_UNHEARD, /* the same for a device that is known, but was not heard */
        EVENT_FAILED,
        EVENT_SILENCE,
        EVENT_DATA,
        EVENT_CLOSED,
        EVENT_HEARD, /* an advert that is a packet */
        EVENT_REFUSED,
        EVENT_FORBIDDEN,
        EVENT_UNPAIRED, /* the sensor refuses to go on without a bond */
        EVENT_PAIRED,
        EVENT_CHANGED, /* the owner changed what the stream was started with */
        EVENT_PAUSE,
        EVENT_RESUME,
        LINK_EVENT_MAX
};

#define BACKOFF_DOUBLINGS 6u /* 1 to 64 s */

struct link {
        struct bluez *bluez;
        struct bluez_watcher watcher;
        const struct sensor_driver *driver;
        struct sensor_decoder *decoder;
        const struct source_callbacks *callbacks;
        void *userdata;
        struct sensor_settings settings; /* the name is filled in at the start of a stream */
        bool allow_broadcast;

        enum link_state state;
        enum source_state reported;
        char reason[256];
        sd_event_source *timer;

        char *path; /* of the device, once one was chosen */
        uint64_t disconnects;
        sd_bus_slot *call; /* Connect, Disconnect or RemoveDevice */
        struct subscription *subscription;
        struct pairing *pairing; /* ends with its state */
        struct script *stop;     /* ends with the state that began it */
        struct script *identify; /* ends with the link at the latest */
        bool stream_open;        /* format() was called and stopped() not yet */

        unsigned failures;
        unsigned failed_setups;
        unsigned aborts; /* connects that the controller gave up, one after another */
        uint64_t connecting_since_us;
        bool again;            /* it often works the next time */
        bool wrong_bearer;     /* bluetoothd tried Classic */
        unsigned refusals;     /* of the data channel */
        unsigned early_closes; /* of data channels that brought nothing */
        unsigned unheard;      /* times that patience with discovery ended */
        bool blind;            /* connecting although the sensor was not heard */
        bool hung_up;          /* why it is stalled: the descriptor was closed, not silent */
        bool has_data;         /* of this subscription */
        bool ending;           /* giving out its last blocks */
        uint64_t streaming_since_us;
        uint64_t last_block_us;
        bool has_streamed;
        uint64_t gap_since_us; /* the last block of the stream before; 0 = none that counts */
        int battery_percent;
        uint32_t extras_revision;
        struct link_counters counters;
        struct capacity_load load; /* of the last stream that was long enough */
};

struct link_state_info {
        enum source_state reported;
        bool has_device;                 /* holds to one device object; else any may be chosen */
        bool has_turn;                   /* has or wants the adapter for itself */
        bool has_stream;                 /* keeps the subscription of the state before */
        bool listens;                    /* needs adverts */
        bool tells_retry;                /* the reason ends in when the next attempt is */
        int (*enter)(struct link *link); /* returns negative errno if that failed */
        uint64_t (*limit)(const struct link *link);
        size_t limit_offset; /* in struct link_timings; 0 without `limit` = none */
};

struct link_transition {
        enum link_state next;
        const char *reason; /* NULL: the detail that came with the event, or the reason stays */
        void (*effect)(struct link *link);
};

/* link-transitions.c */
/* NULL: the event means nothing in that state. */
const struct link_transition *link_get_transition(enum link_state state, enum link_event event);

/* link-states.c */
extern const struct link_state_info link_states[LINK_STATE_MAX];
uint64_t link_now_us(void); /* CLOCK_BOOTTIME */
/* How long the state may last; 0 = for ever. */
uint64_t link_limit_us(const struct link *link);
uint64_t link_retry_us(const struct link *link);
/* Streaming that long forgives all failures. */
uint64_t link_forgiving_us(const struct link *link);
/* The chosen device, if it is still there; else the best that there is, or NULL. */
struct bluez_device *link_device(const struct link *link);
void link_tell_battery(struct link *link, int percent);
void link_check_extras(struct link *link);
/* Without a reason nobody is told. */
void link_end_stream(struct link *link, const char *reason);

/* link.c */
/* One step of the table. Returns whether there was one. */
bool link_fire(struct link *link, enum link_event event, const char *detail);
/* The same, and then all that the mirror gives cause for. May end the stream. */
void link_handle(struct link *link, enum link_event event, const char *detail);
int link_arm(struct link *link, uint64_t delay_us);
