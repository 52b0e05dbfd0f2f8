/* SPDX-License-Identifier: MIT */
/*
 * What bluez.c, objects.c, radio.c, scan.c and the files of a link (link*.c, subscription.c, script.c,
 * pairing.c, broadcast.c) share: the mirrored objects and who watches them. Private to sensors/bluez/.
 *
 * Only objects of watched addresses are kept: everyone in radio range can make bluetoothd export
 * devices, so their number must cost nothing here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "sensors/address.h"
#include "sensors/bluez/bluez.h"
#include "sensors/driver.h"

#define ADAPTERS_MAX 16u
#define ATTRIBUTES_MAX 256u /* services and characteristics of one device */
#define UUID_SIZE 37u
#define NAME_SIZE_MAX 249u   /* Core Specification, Vol 3, Part C, 3.2.2.3; and a NUL */
#define ADVERT_SIZE_MAX 257u /* of an extended advert's one structure, and the company's id */

struct link_timings {
        uint64_t backoff_first_us; /* doubled by each failure, up to .. */
        uint64_t backoff_max_us;
        uint64_t backoff_reset_us;  /* streaming that long forgives all failures */
        uint64_t patience_first_us; /* after that long without having heard it, a known sensor is tried
                                       all the same; */
        uint64_t patience_max_us;   /* twice as long each time, up to this */
        uint64_t connect_us;
        uint64_t connect_unheard_us; /* others wait for the adapter meanwhile */
        uint64_t connected_us;       /* from Connect's success to the property that says so */
        uint64_t resolve_us;
        uint64_t pair_us;
        uint64_t start_us;
        uint64_t silence_us;
        uint64_t resubscribe_pause_us; /* bluetoothd frees an acquired characteristic only when it sees
                                          the hang-up */
        uint64_t resubscribe_us;
        uint64_t forbidden_us;
        uint64_t drop_us;
        uint64_t deaf_us;  /* so long connects may keep discovery from those who need it, .. */
        uint64_t hear_us;  /* which then goes before them for that long */
        uint64_t retry_us; /* of calls that are nobody's turn: the object tree, discovery */
};

extern const struct link_timings link_timings_default;

/* A service or a characteristic. The path of a characteristic continues that of its service. */
struct bluez_attribute {
        struct bluez_attribute *next;
        bool is_characteristic;
        char uuid[UUID_SIZE];
        char path[];
};

struct bluez_device {
        struct bluez_device *next;
        char *path;
        char address[ADDRESS_SIZE];
        bool present; /* Device1 itself was seen, not only what lies below it */
        bool connected;
        bool services_resolved;
        bool paired;
        bool heard; /* in the running discovery: BlueZ withdraws RSSI at its end */
        int16_t rssi_dbm;
        int battery_percent;      /* -1 = not known */
        char name[NAME_SIZE_MAX]; /* as advertised; hostile */
        uint64_t disconnects;     /* tells a lost and regained link from one that held */
        struct bluez_attribute *attributes;
        size_t n_attributes;
};

enum radio_state {
        RADIO_IDLE,
        RADIO_STARTING,
        RADIO_SCANNING,
        RADIO_STOPPING,
};

struct bluez_adapter {
        struct bluez_adapter *next;
        struct bluez *bluez;
        char *path;
        bool powered;
        bool advertises; /* plays a peripheral for someone */

        /* radio.c: discovering and connecting exclude each other */
        enum radio_state radio;
        bool filter_stale;
        bool restart;
        sd_bus_slot *call;
        sd_event_source *retry;
        uint64_t grants;
        uint64_t heard_us;        /* CLOCK_BOOTTIME, when discovery ran last */
        sd_event_source *hearing; /* while discovery goes before connects */
};

enum radio_turn {
        TURN_NONE,
        TURN_WAITING,
        TURN_HELD,
};

/* One who is interested in one address: the base of a link. */
struct bluez_watcher {
        struct bluez_watcher *next;
        char address[ADDRESS_SIZE];
        const char *service; /* UUID to discover; NULL = it advertises none */
        /* Something in the mirror changed. Called from the event loop, never from within a call into it.
         * The watcher must not be freed from within. */
        void (*changed)(void *userdata);
        void *userdata;
        /* Manufacturer data was heard, just now if `fresh`: the company's id, little-endian, and what
         * follows it. Called in the middle of a change to the mirror. May be NULL. */
        void (*advert)(const uint8_t *packet, size_t size, bool fresh, void *userdata);
        bool duplicates; /* wants every advert, not only new ones */

        /* radio.c */
        bool scanning;
        bool scans_connecting; /* its connects fail unless discovery runs meanwhile */
        enum radio_turn turn;
        uint64_t turn_number;
        char *turn_adapter;
        uint32_t owner; /* uid: owners take turns */
        bool proven;    /* has streamed, and has not failed for long: goes before others */
        uint64_t served;
};

enum bluez_health {
        BLUEZ_UNKNOWN, /* not asked yet */
        BLUEZ_GONE,
        BLUEZ_MUTE, /* runs, but does not answer */
        BLUEZ_NO_ADAPTER,
        BLUEZ_ADAPTER_OFF,
        BLUEZ_OK,
};

struct bluez {
        sd_bus *bus;
        sd_event *event;
        const struct link_timings *timings;

        char *owner;      /* unique name of bluetoothd; NULL when it does not run */
        bool owner_known; /* the bus told whether there is one */
        bool fetched;
        bool fetch_failed;
        bool fetch_again;
        bool fetch_walks; /* all objects at once could not be read */
        bool unreadable;  /* .. nor the last time: that was said */
        sd_bus_slot *owner_call;
        sd_bus_slot *fetch_call;
        sd_bus_slot *matches[7];
        struct walk *walk;
        sd_event_source *dispatch;
        sd_event_source *retry; /* of either call */

        bool pairs; /* pairing.c: one at a time */
        struct bluez_adapter *adapters;
        size_t n_adapters;
        char **adapters_used; /* their paths; NULL = all are used */
        size_t n_adapters_used;
        struct bluez_device *devices;
        struct bluez_watcher *watchers;
        uint64_t turns; /* numbers them, and who was served when */
};

/* bluez.c */
enum bluez_health bluez_check(const struct bluez *bluez);
/* For tests; kept by reference. */
void bluez_set_timings(struct bluez *bluez, const struct link_timings *timings);
/* Returns 0 or negative errno (-EEXIST: the address is watched already). */
int bluez_watch(struct bluez *bluez, struct bluez_watcher *watcher);
void bluez_unwatch(struct bluez *bluez, struct bluez_watcher *watcher);
/* Asks for all objects anew, where BlueZ is known to change without a signal; again after a while if
 * that fails. */
void bluez_fetch(struct bluez *bluez);
/* (Re)arms a one-shot timer, which is made if there is none yet. Time in suspend counts. */
int bluez_arm(struct bluez *bluez, sd_event_source **source, uint64_t delay_us,
              sd_event_time_handler_t handler, void *userdata);
/* Lets the radio and all watchers look at the mirror soon. */
void bluez_touch(struct bluez *bluez);
/* An asynchronous call to bluetoothd. Without `ret_slot` nobody waits for the reply. */
int bluez_call(struct bluez *bluez, sd_bus_slot **ret_slot, const char *path, const char *interface,
               const char *member, sd_bus_message_handler_t reply, void *userdata, uint64_t limit_us,
               const char *types, ...);

/* objects.c */

/* One property that a reader of "a{sv}" wants. */
struct property {
        const char *name;
        const char *type; /* of one basic value, or of what `read` takes */
        void *target;
        bool found;
        int (*read)(sd_bus_message *m, void *target); /* from within the variant */
};

/* Takes "a{sv}"; stores what the table asks for if it has the right type. */
int properties_read(sd_bus_message *m, struct property *table, size_t n);

typedef void (*manufacturer_data_func)(uint16_t company, const void *data, size_t size, void *userdata);
/* Takes "a{qv}"; calls for each company. */
int manufacturer_data_read(sd_bus_message *m, manufacturer_data_func func, void *userdata);

/* Takes "a{sa{sv}}", all interfaces of one object. Returns 0 or negative errno; the message is then
 * spoilt. */
int objects_apply(struct bluez *bluez, const char *path, sd_bus_message *interfaces);
/* Takes "a{sv}", all properties of one interface, with the same outcome. */
int objects_apply_interface(struct bluez *bluez, const char *path, const char *interface,
                            sd_bus_message *properties);
/* Whether an object is no device's, or that of a watched address. */
bool objects_want(const struct bluez *bluez, const char *path);
/* Takes "sa{sv}as", the body of PropertiesChanged. */
int objects_change(struct bluez *bluez, const char *path, sd_bus_message *changes);
void objects_remove(struct bluez *bluez, const char *path, const char *interface);
void objects_forget_address(struct bluez *bluez, const char *address);
void objects_clear(struct bluez *bluez);

/* NULL unless it is there, on an adapter that is on. */
struct bluez_device *bluez_get_device(const struct bluez *bluez, const char *path);
/* The best of the devices with this address: connected before heard before known, then the strongest. */
struct bluez_device *bluez_find_device(const struct bluez *bluez, const char *address);
struct bluez_adapter *bluez_device_adapter(const struct bluez *bluez, const struct bluez_device *device);
/* Path of a characteristic, rather of this service than of another, or NULL. */
const char *bluez_device_characteristic(const struct bluez_device *device, const char *service,
                                        const char *uuid);

/* radio.c */
void radio_run(struct bluez_adapter *adapter);
/* Forgets what the adapter was doing: it is off or gone. */
void radio_reset(struct bluez_adapter *adapter);
void radio_set_scanning(struct bluez *bluez, struct bluez_watcher *watcher, bool scanning);
/* Discovery is stopped and started anew, in case the controller went deaf. */
void radio_restart(struct bluez *bluez);
/* Asks for the sole use of an adapter; `watcher->turn` becomes TURN_HELD when it is granted. */
int radio_request(struct bluez *bluez, struct bluez_watcher *watcher, const struct bluez_device *device);
void radio_release(struct bluez *bluez, struct bluez_watcher *watcher);
/* Whether one that goes before this one waits for the adapter that it holds. */
bool radio_is_wanted(const struct bluez *bluez, const struct bluez_watcher *watcher);
