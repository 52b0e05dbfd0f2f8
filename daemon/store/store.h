/* SPDX-License-Identifier: MIT */
/*
 * The store: what crampd remembers, in one SQLite database. A writer thread owns the only connection;
 * the loop hands it requests through a bounded queue and gets answers back as events, so no call here
 * ever waits for a disk. Called by the daemon's main, nights and bus objects.
 *
 * A write that fails (disk full, read-only, I/O error) stays at the head of the queue and is tried again
 * four times a second, while queries go on. Times are integer microseconds UTC, with the local zone's
 * offset at that time beside them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#define STORE_ID_SIZE 17 /* 16 lower-case hexadecimal digits and NUL */
#define STORE_NO_TIME INT64_MIN
/* The address in the row of a sensor that plays a recording. */
#define STORE_VIRTUAL_ADDRESS "virtual"
#define STORE_NO_PAIN (-1)
#define STORE_PAIN_MAX 10
#define STORE_NOTE_SIZE 501u
#define STORE_VERDICT_SIZE 16u
/* More missed cramps of one user, whatever the sensor, are not taken: advice looks at all of them. */
#define STORE_MISSED_MAX 10000u
/* People tell times to the minute: what is no farther from an alert, or nearer to another missed cramp,
 * is that one. */
#define STORE_MISSED_NEAR_US (INT64_C(60) * 1000000)

struct store;

/* What a sensor's channels showed at rest and at the most that its wearer can: 1 s RMS, in microvolts or
 * the arbitrary unit. */
#define STORE_CALIBRATION_CHANNELS_MAX 16u

struct store_calibration {
        char sensor[STORE_ID_SIZE]; /* only with store_put_calibration() */
        uint32_t channels;          /* 0 = there is none */
        int64_t time_us;
        double scale_uv; /* of the stream that it was made on; 0 = arbitrary unit */
        bool envelope;   /* likewise */
        double rest_uv[STORE_CALIBRATION_CHANNELS_MAX]; /* both 0 = this channel could not be calibrated
                                                         */
        double mvc_uv[STORE_CALIBRATION_CHANNELS_MAX];
};

struct store_sensor {
        char id[STORE_ID_SIZE];
        uid_t owner_uid;
        char address[64]; /* "XX:XX:XX:XX:XX:XX", or "virtual" */
        char driver[32];
        char name[64]; /* UTF-8, may be empty */
        char muscle[32];
        char leg[16];
        int64_t added_us;
        int64_t removed_us; /* STORE_NO_TIME while in use */
        int32_t zone_offset_s;
        /* As the owner set it. */
        bool paused;
        bool allow_broadcast;
        bool envelope;
        double scale_uv; /* 0 = the driver's own, as the next two */
        uint32_t rate_mhz;
        uint32_t channels;
        char sensitivity[8];       /* "low", "normal", "high"; "" = normal */
        bool learning;             /* alerts follow what is said of them */
        int64_t learning_since_us; /* what was said before does not count */
        /* As crampd learnt it: written with a new sensor, then by store_put_battery() alone. */
        double battery_rate;     /* percent an hour; 0 = nothing */
        char battery_warned[11]; /* the evening of the last warning, as in a night; "" = none */
        struct store_calibration calibration; /* likewise by store_put_calibration() */
};

/* What was learnt of the battery of a sensor that is there already. */
struct store_battery {
        char sensor[STORE_ID_SIZE];
        double rate;
        char warned[11];
};

/* One monitoring session of one sensor: from stream start to stream end. */
struct store_night {
        char id[STORE_ID_SIZE];
        char sensor[STORE_ID_SIZE];
        char evening[11]; /* "2026-11-23": noon to noon local time, named by its evening */
        int64_t start_us;
        int64_t end_us;  /* STORE_NO_TIME while it lasts */
        int64_t seen_us; /* last sample known of: the end, should the daemon be killed */
        int32_t zone_offset_s;
        uint32_t rate_mhz;
        uint32_t channels;
        uint64_t packets;
        uint64_t lost_packets;
        uint64_t monitored_us; /* gaps left out */
        uint32_t reconnects;
};

#define STORE_GAPS_MAX 50u
#define STORE_GAP_REASON_SIZE 16u

/* A night and what became of it. */
struct store_night_report {
        struct store_night night;
        uint32_t gaps;
        uint64_t gap_frames;
        uint64_t longest_gap_us;
        uint32_t episodes;
        struct {
                int64_t start_us;
                int64_t end_us;
                char reason[STORE_GAP_REASON_SIZE];
        } longest[STORE_GAPS_MAX]; /* in order of time */
        size_t n_longest;
};

struct store_episode {
        char id[STORE_ID_SIZE];
        char sensor[STORE_ID_SIZE];
        char night[STORE_ID_SIZE];
        char muscle[32]; /* as it was then */
        char leg[16];
        int64_t onset_us;
        int64_t alert_us;
        int64_t end_us; /* STORE_NO_TIME while it lasts */
        int32_t zone_offset_s;
        uint32_t channel;
        char end_reason[24]; /* "" while it lasts; "interrupted" is set by the store when it finds one
                                left open */
        char severity[16];
        double peak_uv;    /* NaN = arbitrary unit */
        double median_hz;  /* NaN = unknown */
        double confidence; /* 0-1 */
        char detector[32];
        double peak_mvc_percent; /* NaN = the channel was not calibrated then */
        /* As people said of it: read only, written by store_annotate() alone. */
        char verdict[STORE_VERDICT_SIZE]; /* "confirmed", "false-alarm"; "" = none */
        int pain;                         /* 0-10; STORE_NO_PAIN */
        char note[STORE_NOTE_SIZE];       /* UTF-8; "" = none */
        bool has_waveform;                /* read only, too, as the next two */
        bool simulated;                   /* of a recording that was played, not of a leg */
        int64_t changed_us; /* later than of all that changed before it: not quite the time */
};

/* What somebody says of an episode, or of a cramp that raised no alert. */
struct store_annotation {
        bool any_owner; /* root; else only what is of `owner_uid` is touched */
        uid_t owner_uid;
        char id[STORE_ID_SIZE]; /* of the episode; with a sensor: new, of the cramp that was missed */
        char sensor[STORE_ID_SIZE]; /* "" = it is about an episode */
        int64_t time_us;            /* of a missed cramp */
        int32_t zone_offset_s;
        bool clear;                       /* takes back what was said of `id`, and nothing else */
        char verdict[STORE_VERDICT_SIZE]; /* "" = stays */
        int pain;                         /* STORE_NO_PAIN = stays */
        bool has_note;                    /* else it stays */
        char note[STORE_NOTE_SIZE];
        int64_t said_us;
};

/* A cramp that raised no alert, as somebody said. */
struct store_missed {
        char id[STORE_ID_SIZE];
        char sensor[STORE_ID_SIZE];
        char muscle[32];
        char leg[16];
        int64_t time_us;
        int32_t zone_offset_s;
        int pain;
        char note[STORE_NOTE_SIZE];
        bool watched; /* its sensor was monitoring at that time: else it was bound to be missed */
};

#define STORE_ACCOUNT_POINTS 64u

/* Why an episode's alert was raised: see struct detector_account. */
struct store_account {
        char episode[STORE_ID_SIZE];
        char sensitivity[8];
        double evidence_factor;
        double again_factor; /* NaN = recorded before it was kept */
        double needed_s;
        int64_t from_us; /* when the evidence began */
        double active_s;
        double unbroken_s;
        double ratio_alert;
        double ratio_peak;
        uint32_t bridged, dips;
        double together; /* NaN = there was no other channel or sensor to tell */
        double moved;    /* NaN = there was no accelerometer to tell */
        double slow;     /* NaN = nothing to tell from, or recorded before it was kept */
        uint32_t channels;
        uint32_t took_part; /* bit n: channel n */
        char quality[16];
        int64_t point_us; /* between points, the first so long after from_us */
        uint32_t points;
        double evidence_s[STORE_ACCOUNT_POINTS]; /* kept to hundredths */
};

/* What somebody said, as far as it can be learnt from. */
struct store_verdict {
        char verdict[STORE_VERDICT_SIZE]; /* as an episode's, or "missed" */
        int64_t time_us;                  /* of the episode */
};

struct store_gap {
        char night[STORE_ID_SIZE];
        int64_t start_us;
        int64_t end_us;
        uint64_t frames;
        char reason[STORE_GAP_REASON_SIZE]; /* "no-data", or why no cramp could be seen in what came:
                                               enum detector_quality by name */
};

struct store_filter {
        bool any_owner; /* root */
        uid_t owner_uid;
        int64_t since_us;           /* onset >= ; STORE_NO_TIME = from the first */
        int64_t until_us;           /* onset < ; STORE_NO_TIME = to the last */
        char sensor[STORE_ID_SIZE]; /* "" = all */
        char id[STORE_ID_SIZE];     /* one episode; "" = all */
        uint64_t after;             /* cursor: only rows beyond it; 0 = from the start */
        uint32_t limit;             /* 1 .. STORE_PAGE_MAX */
        /* Episodes that are over, in the order in which they last changed, beyond that place: `after` is
         * not looked at then, and the answer's cursor is 0. */
        bool changes;
        int64_t changed_us;
        char changed_id[STORE_ID_SIZE]; /* "" = all of that time */
};

#define STORE_PAGE_MAX 250u
#define STORE_NIGHTS_PAGE_MAX 100u
#define STORE_QUEUE_MAX 1024u /* writes on their way, up to their callbacks */

/* All callbacks run on the loop. `error` is 0 or negative errno; -ECANCELED when the store is closed
 * first. A row that can never be written (its sensor or night is not there) gets -EINVAL and holds up no
 * other. */
typedef void (*store_done_func)(int error, void *userdata);
/* `beside`: what stands at the time of a missed cramp that was refused, else "". */
typedef void (*store_annotated_func)(int error, const char *beside, void *userdata);
typedef void (*store_sensors_func)(int error, const struct store_sensor *sensors, size_t n,
                                   void *userdata);
/* Rows in order of onset; `cursor` is to be passed as `after` for the next page, 0 when there is no
 * more. -ESTALE when `after` is not (or no longer) an episode of that owner. */
typedef void (*store_episodes_func)(int error, const struct store_episode *episodes, size_t n,
                                    uint64_t cursor, void *userdata);
/* Rows in order of their start; otherwise the same, with the nights' own cursors. */
typedef void (*store_nights_func)(int error, const struct store_night_report *nights, size_t n,
                                  uint64_t cursor, void *userdata);
/* In order of time; otherwise the same, with their own cursors. */
typedef void (*store_missed_func)(int error, const struct store_missed *missed, size_t n,
                                  uint64_t cursor, void *userdata);
/* NULL if that owner has no such episode, or it has none. */
typedef void (*store_account_func)(int error, const struct store_account *account, void *userdata);
typedef void (*store_verdicts_func)(int error, const struct store_verdict *verdicts, size_t n,
                                    void *userdata);
/* The store came to work, or stopped working: `error` 0 or negative errno, `text` for people (what is
 * wrong and what helps). Called once the database is first in use, then on change only. */
typedef void (*store_health_func)(int error, const char *text, void *userdata);

/* Starts the writer thread, which opens (or creates, or migrates) the database. `path` may be
 * ":memory:". A database that is damaged is renamed aside and a fresh one begun; one of a newer version
 * is left alone and never opened (-EPROTO to `health`). While it is in use no other process can open it.
 * Nights and episodes that an earlier run left open get their end. Returns 0, -EINVAL for a path that
 * cannot be one, -ENOMEM or another negative errno for the thread. */
int store_open(const char *path, sd_event *event, store_health_func health, void *userdata,
               struct store **ret);

/* Lets the writer finish what is queued, for at most `limit_us`, then stops it; pending callbacks get
 * -ECANCELED. May be called from a callback; what is put after that gets -ESHUTDOWN. Returns NULL. NULL
 * is accepted. */
struct store *store_close(struct store *store, uint64_t limit_us);

/* Writes: insert or update by id. `done` may be NULL; it is called after the commit is durable. A night
 * or episode that still waits is overtaken by its next put: only the latest is written, and the `done`
 * of both are called. Each returns 0, -EINVAL for a malformed id, an endless string, a missing time or a
 * number out of range, -ENOMEM, or -ENOBUFS when the queue is full (gaps and sensors give way first, at
 * half: nights and episodes have the rest; a row that waits already can still be overtaken). */
int store_put_sensor(struct store *store, const struct store_sensor *sensor, store_done_func done,
                     void *userdata);
int store_put_night(struct store *store, const struct store_night *night, store_done_func done,
                    void *userdata);
int store_put_episode(struct store *store, const struct store_episode *episode, store_done_func done,
                      void *userdata);
int store_put_gap(struct store *store, const struct store_gap *gap);
/* Of an episode that was put before. Gives way as gaps do. */
int store_put_account(struct store *store, const struct store_account *account);
/* `done` gets -ENOENT if that owner has no such episode, missed cramp or sensor (or of the last too many
 * missed cramps); of a missed cramp -EALREADY if an alert of its sensor covers that time, -EEXIST if one
 * was told of that time already (each with the id of that), -ERANGE if the sensor was added later. Gives
 * way as gaps do. */
int store_annotate(struct store *store, const struct store_annotation *annotation,
                   store_annotated_func done, void *userdata);
/* Takes the place of the sensor's earlier one; without channels it only takes that away. `done` gets
 * -ENOENT if there is no such sensor. */
int store_put_calibration(struct store *store, const struct store_calibration *calibration,
                          store_done_func done, void *userdata);
/* Gives way as gaps do. */
int store_put_battery(struct store *store, const struct store_battery *battery);

/* Queries: 0, -EINVAL, -ENOMEM, or -ENOBUFS when too many are on their way. Sensors: those not removed,
 * of all owners. */
int store_list_sensors(struct store *store, store_sensors_func done, void *userdata);
int store_list_episodes(struct store *store, const struct store_filter *filter, store_episodes_func done,
                        void *userdata);
/* Nights that overlap the filter's time; its `id` is not looked at. */
int store_list_nights(struct store *store, const struct store_filter *filter, store_nights_func done,
                      void *userdata);

/* The filter's `id` is not looked at. */
int store_list_missed(struct store *store, const struct store_filter *filter, store_missed_func done,
                      void *userdata);

/* Of the episode that the filter's `id` names; only its owner is looked at besides. */
int store_get_account(struct store *store, const struct store_filter *filter, store_account_func done,
                      void *userdata);

/* Those about the filter's `sensor` that were said at `since_us` or later, the newest first, at most its
 * `limit`; of missed cramps only those that it could have seen; nothing else of the filter is looked at.
 */
int store_list_verdicts(struct store *store, const struct store_filter *filter, store_verdicts_func done,
                        void *userdata);

/* 0 while all is well, else the negative errno of the last failure. */
int store_get_error(const struct store *store);
