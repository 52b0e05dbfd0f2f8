/* SPDX-License-Identifier: MIT */
/*
 * libcrampd-client: talk to crampd from C, over libdbus alone (no systemd needed). The interfaces
 * themselves are documented in org.crampd1.*.xml.
 *
 * One crampd_client belongs to one thread. Calls wait for the answer (at most `timeout_ms`, 30 s unless
 * set); signals that arrive meanwhile are kept for crampd_client_dispatch(). Functions return 0 or a
 * positive count, or negative errno, with `error` filled in if it is not NULL. Errors from the bus
 * become: -ENOTCONN (no bus, or crampd is not there), -EACCES (not authorised), -EINVAL, -ENOENT (no
 * such sensor or episode), -EEXIST, -EDQUOT (limit reached), -EIO (the store failed), -ETIMEDOUT,
 * -EPROTO (an answer that makes no sense), -ENOMEM. Structures keep their shape
 * within a soname.
 */
#ifndef CRAMPD_CLIENT_H
#define CRAMPD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CRAMPD_NO_TIME INT64_MIN

typedef struct crampd_client crampd_client;

struct crampd_error {
        char name[128];    /* D-Bus error name, or "" */
        char message[512]; /* for people */
};

/* Connects to the system bus (DBUS_SYSTEM_BUS_ADDRESS, if set) over a connection of its own. crampd need
 * not run yet. */
int crampd_client_new(crampd_client **ret, struct crampd_error *error);
/* NULL is accepted; returns NULL. */
crampd_client *crampd_client_free(crampd_client *client);
void crampd_client_set_timeout(crampd_client *client, int timeout_ms);

/* --- status and sensors --- */

struct crampd_status {
        char *version;
        char *detector_version;
        char *store;     /* "ok", or what is wrong */
        char *bluetooth; /* "ok", "no-bluez", "no-adapter" */
        unsigned sensors;
        int64_t started_us;
};

struct crampd_sensor {
        char *path;
        char *id;
        char *address;
        char *driver;
        char *name;
        char *muscle;
        char *leg;
        unsigned owner;
        bool simulated;
        char *state;
        char *reason;
        char *detector;
        double rate_hz; /* 0 = unknown */
        unsigned channels;
        int battery; /* percent; -1 = unknown */
        uint64_t packets, lost_packets, malformed_packets, connects;
        uint64_t monitored_us;
};

int crampd_get_status(crampd_client *client, struct crampd_status **ret, struct crampd_error *error);
void crampd_status_free(struct crampd_status *status);

int crampd_list_sensors(crampd_client *client, struct crampd_sensor **ret, size_t *ret_n,
                        struct crampd_error *error);
void crampd_sensors_free(struct crampd_sensor *sensors, size_t n);

struct crampd_add_options {
        const char *muscle; /* required */
        const char *leg;    /* required */
        const char *driver; /* or NULL */
        const char *name;   /* or NULL */
        bool has_owner;
        unsigned owner; /* uid; required of root */
};

/* `*ret_path` is to be freed with free(). */
int crampd_add_sensor(crampd_client *client, const char *address,
                      const struct crampd_add_options *options, char **ret_path,
                      struct crampd_error *error);
int crampd_remove_sensor(crampd_client *client, const char *path, struct crampd_error *error);

/* --- live stream --- */

#define CRAMPD_STREAM_CHANNELS_MAX 16

struct crampd_stream_frame {
        int64_t time_us;
        unsigned state;    /* 0 rest, 1 suspected, 2 cramp, 3 recovering */
        unsigned channels; /* of more than the limit, the first ones are kept */
        float envelope_uv[CRAMPD_STREAM_CHANNELS_MAX];
        float floor_uv[CRAMPD_STREAM_CHANNELS_MAX];
};

struct crampd_stream_info {
        bool arbitrary_unit;
};

/* Returns a readable, non-blocking descriptor, to be closed by the caller. */
int crampd_open_stream(crampd_client *client, const char *path, struct crampd_stream_info *ret_info,
                       struct crampd_error *error);
/* Reads one frame. Returns 1; 0 at the end of the stream; -EAGAIN when none waits; -EPROTO for one that
 * is malformed. */
int crampd_stream_read(int fd, struct crampd_stream_frame *ret);

/* --- history --- */

struct crampd_episode {
        char *id;
        char *sensor; /* id */
        char *muscle;
        char *leg;
        int64_t onset_us;
        int64_t alert_us;
        int64_t end_us; /* CRAMPD_NO_TIME while it lasts */
        int zone_offset_s;
        char *end_reason; /* NULL while it lasts */
        char *severity;
        double peak_uv;    /* NaN = arbitrary unit */
        double median_hz;  /* NaN = unknown */
        double confidence; /* 0-1 */
        unsigned channel;  /* 0 in events */
        char *detector;    /* NULL in events */
};

struct crampd_filter {
        int64_t since_us;   /* CRAMPD_NO_TIME = from the first */
        int64_t until_us;   /* CRAMPD_NO_TIME = to the last */
        const char *sensor; /* id, or NULL */
};

/* All pages, in order of onset. Called for each episode; a negative return ends the listing and is
 * returned. */
typedef int (*crampd_episode_func)(const struct crampd_episode *episode, void *userdata);
int crampd_list_episodes(crampd_client *client, const struct crampd_filter *filter,
                         crampd_episode_func func, void *userdata, struct crampd_error *error);

/* --- alerts --- */

enum crampd_event_type {
        CRAMPD_ALERT_RAISED,
        CRAMPD_ALERT_UPDATED,
        CRAMPD_ALERT_ENDED,
        CRAMPD_SENSOR_CHANGED,
        CRAMPD_SERVICE_GONE, /* crampd left the bus: nobody watches now */
        CRAMPD_SERVICE_BACK, /* it is there (again), and the subscription was renewed */
};

struct crampd_event {
        enum crampd_event_type type;
        const char *sensor_path; /* NULL for CRAMPD_SERVICE_* */
        const char *sensor_name; /* may be "" */
        /* alerts; `episode.sensor` is the id */
        struct crampd_episode episode;
        const char *const *relief; /* steps in order, NULL at the end; raised and updated */
        bool recorded, simulated, repeated;
        /* sensor changed */
        const char *state;
        const char *reason;
};

/* Called from crampd_client_dispatch(). The event is valid during the call. Calls of the library may be
 * made from within, but the client is not to be freed. */
typedef void (*crampd_event_func)(const struct crampd_event *event, void *userdata);

/* Subscribes. The subscription is renewed by itself when crampd comes back. If crampd is not there now,
 * -ENOTCONN is returned but the client keeps waiting for it. */
int crampd_subscribe(crampd_client *client, crampd_event_func func, void *userdata,
                     struct crampd_error *error);
int crampd_unsubscribe(crampd_client *client, struct crampd_error *error);

/* For a poll() loop: the descriptor and the poll events to wait for; call dispatch when it is ready. The
 * descriptor stays the same, belongs to the client, and becomes readable for everything there is to do:
 * reading, writing, time limits, and signals that came during a call. */
int crampd_client_get_fd(crampd_client *client);
short crampd_client_get_events(crampd_client *client);
/* Handles what has arrived, without waiting. Returns 0, or -ENOTCONN when the bus itself is gone: free
 * the client then. */
int crampd_client_dispatch(crampd_client *client);

#ifdef __cplusplus
}
#endif

#endif
