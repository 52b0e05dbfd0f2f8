/* SPDX-License-Identifier: MIT */
/*
 * libcrampd-client: talk to crampd from C, over libdbus alone (no systemd needed). The interfaces
 * themselves are documented in org.crampd1.*.xml.
 *
 * One crampd_client belongs to one thread. Calls wait for the answer (at most `timeout_ms`, 30 s unless
 * set); signals that arrive meanwhile are kept for crampd_client_dispatch(). Functions return 0 or a
 * positive count, or negative errno, with `error` filled in if it is not NULL. Errors from the bus
 * become: -ENOTCONN (no bus, or crampd is not there), -EACCES (not authorised), -EPERM (not safe for
 * this person), -EINVAL, -ENOENT (no such sensor, episode or entry), -EOPNOTSUPP, -ENOLINK, -EEXIST,
 * -EDQUOT (limit reached), -EIO (the store failed), -ETIMEDOUT, -EPROTO (an answer that makes no sense),
 * -ENOMEM. Structures keep their shape within a soname.
 *
 * Threads: the library has no state but its clients, so several threads may each use a client of their
 * own, without a lock. A client may be handed to another thread between two calls.
 *
 * Values: strings are UTF-8 and, unless "NULL = ..." says otherwise, never NULL. Strings that stand for
 * a choice come from the closed lists of org.crampd1.*.xml; a later crampd may know more of them. `_us`
 * are microseconds, of moments since 1970-01-01 UTC; `_s`, `_ms`, `_hz`, `_uv` (microvolts) and `_mv`
 * likewise name the unit. `zone_offset_s` is seconds east of UTC, within a day. What a function returns
 * through `ret` is the caller's, to be freed with the function that its structure names; what a callback
 * gets is valid during the call. After a failure nothing was returned.
 *
 * Examples, all run by the tests: lamp.c, lamp.py and lamp.sh in the examples folder of the
 * documentation.
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
        char name[128];     /* D-Bus error name, or "" */
        char message[1536]; /* for people */
};

/* Connects to the system bus (DBUS_SYSTEM_BUS_ADDRESS, if set) over a connection of its own. crampd need
 * not run yet. */
int crampd_client_new(crampd_client **ret, struct crampd_error *error);
/* NULL is accepted; returns NULL. */
crampd_client *crampd_client_free(crampd_client *client);
void crampd_client_set_timeout(crampd_client *client, int timeout_ms);
/* The language of texts for people, as "de", "de_DE.UTF-8" or $LANGUAGE has it; NULL, the default:
 * English. For the calls of guidance and the next crampd_subscribe(). What crampd has not in it is in
 * English. */
int crampd_client_set_language(crampd_client *client, const char *language, struct crampd_error *error);

/* --- status and sensors --- */

struct crampd_status {
        char *version;
        char *detector_version;
        char *store;      /* "ok", or what is wrong */
        char *bluetooth;  /* "ok", "no-bluez", "no-adapter" */
        unsigned sensors; /* the caller's; root: all */
        int64_t started_us;
};

#define CRAMPD_STREAM_CHANNELS_MAX 16

/* A figure of each channel. */
struct crampd_channels {
        size_t n; /* 0 = not known */
        double values[CRAMPD_STREAM_CHANNELS_MAX];
};

struct crampd_sensor {
        char *path; /* of its object: what the calls below want */
        char *id;
        char *address; /* "XX:XX:XX:XX:XX:XX", or "virtual" */
        char *driver;
        char *name; /* may be "" */
        char *muscle;
        char *leg;      /* left, right */
        char *says_leg; /* what the sensor itself says; NULL = nothing */
        unsigned owner; /* uid */
        bool simulated; /* a replayed recording */
        char *state;    /* absent, paused, scanning, connecting, resolving, starting, streaming, stalled,
                           ended */
        char *reason;   /* one sentence: why it is in that state */
        char *detector; /* rest, suspected, cramp, recovering; none without a stream */
        char *signal;   /* good, noisy, mains, saturated, electrode-off, dead, no-data; NULL = unknown */
        double rate_hz; /* 0 = unknown */
        unsigned channels;                                           /* 0 = unknown */
        int battery;                                                 /* percent; -1 = unknown */
        uint64_t packets, lost_packets, malformed_packets, connects; /* since crampd was started */
        uint64_t monitored_us;                                       /* of good signal, likewise */
        char *title;                                                 /* of the driver; NULL = unknown */
        bool paused, allow_broadcast, envelope, arbitrary_unit;
        uint64_t reconnects, longest_gap_us; /* between streams */
        int rssi;                            /* dBm; 0 = unknown */
        double clock_ppm;        /* how much faster than its rate the sensor is; NaN = unknown */
        double measured_rate_hz; /* by our clock; 0 = unknown */
        double scale_uv;         /* as set by the owner; 0 = the driver's own */
        int battery_mv;          /* -1 = unknown */
        int accelerometer;       /* is heard; -1 = there is none, 0, 1 */
        double battery_hours;    /* of streaming, until it is empty; NaN = unknown */
        int battery_lasts_night; /* until the next 08:00; -1 = unknown, 0, 1 */
        double capacity;         /* share of its adapter's time that all sensors there take, from 0.7 on
                                    packets may be lost; NaN = unknown */
        char *sensitivity;       /* low, normal, high; NULL = unknown */
        /* What its channels showed when it was calibrated: 1 s RMS; both 0 = that one could not be. */
        int64_t calibrated_us; /* CRAMPD_NO_TIME = never */
        struct crampd_channels rest_uv, mvc_uv;
        char *calibration; /* fits, moved, other-stream; NULL = unknown, or there is none */
};

int crampd_get_status(crampd_client *client, struct crampd_status **ret, struct crampd_error *error);
void crampd_status_free(struct crampd_status *status);

int crampd_list_sensors(crampd_client *client, struct crampd_sensor **ret, size_t *ret_n,
                        struct crampd_error *error);
void crampd_sensors_free(struct crampd_sensor *sensors, size_t n);

/* What the owner may say of a sensor. What is not given stays as it is, or as the driver has it. */
struct crampd_sensor_options {
        const char *muscle; /* required of crampd_add_sensor() */
        const char *leg;    /* required of crampd_add_sensor() */
        const char *driver; /* crampd_add_sensor() only */
        const char *name;
        bool has_owner;
        unsigned owner; /* uid; crampd_add_sensor() only, required of root */
        bool has_allow_broadcast, allow_broadcast;
        bool has_envelope, envelope;
        bool has_scale;
        double scale_uv; /* microvolts per count; 0 = the driver's own */
        bool has_rate;
        double rate_hz; /* 0 = the driver's own */
        bool has_channels;
        unsigned channels; /* 0 = the driver's own */
        const char *sensitivity;
        bool has_learning, learning; /* crampd_edit_sensor(): alerts follow what is said of them */
        bool forget;                 /* likewise: what was said so far no longer counts */
};

/* `*ret_path` is to be freed with free(). */
int crampd_add_sensor(crampd_client *client, const char *address,
                      const struct crampd_sensor_options *options, char **ret_path,
                      struct crampd_error *error);
int crampd_edit_sensor(crampd_client *client, const char *path,
                       const struct crampd_sensor_options *options, struct crampd_error *error);

/* How much evidence alerts take, and what was learnt: see Sensor.DescribeDetector(). */
struct crampd_detector {
        char *sensitivity;
        double needed_s;
        double again_factor; /* in it */
        bool learning;
        double proposed, applied;
        double factor_min, factor_max;
        unsigned confirmed, false_alarms, missed;
        unsigned verdicts_min, half_days;
        char *reason;
        int64_t since_us; /* CRAMPD_NO_TIME = never told to forget */
};

int crampd_get_detector(crampd_client *client, const char *path, struct crampd_detector **ret,
                        struct crampd_error *error);
void crampd_detector_free(struct crampd_detector *detector);

int crampd_remove_sensor(crampd_client *client, const char *path, struct crampd_error *error);
/* Pausing drops the link until resuming. Identifying makes the sensor blink or buzz: -EOPNOTSUPP if it
 * cannot, -ENOLINK while it is not connected. */
int crampd_pause_sensor(crampd_client *client, const char *path, struct crampd_error *error);
int crampd_resume_sensor(crampd_client *client, const char *path, struct crampd_error *error);
int crampd_identify_sensor(crampd_client *client, const char *path, struct crampd_error *error);

/* --- looking for sensors --- */

struct crampd_found {
        char *address;
        char *name;   /* as advertised; may be "" */
        char *driver; /* that recognises it; "" = none */
        char *title;  /* of the driver; may be "" */
        char *match;  /* "yes", "maybe", "no" */
        char *notes;  /* of the driver, for the owner; may be "" */
        int rssi;     /* dBm; 0 = unknown */
        bool added;   /* it is somebody's already */
};

/* Called from crampd_client_dispatch(): with a sensor each time that one is heard or changes; with NULL
 * and a reason when the scan is over. The scan has ended then. */
typedef void (*crampd_found_func)(const struct crampd_found *found, const char *reason, void *userdata);

/* `all`: also what no driver recognises. One scan at a time. */
int crampd_start_scan(crampd_client *client, unsigned seconds, bool all, crampd_found_func func,
                      void *userdata, struct crampd_error *error);
int crampd_stop_scan(crampd_client *client, struct crampd_error *error);

/* --- calibrating --- */

/* 0 = as crampd has it. */
struct crampd_calibration_options {
        unsigned rest_s;  /* 5-120 */
        unsigned flex_s;  /* 2-10 */
        unsigned pause_s; /* before each try, and after the last: 2-120 */
        unsigned tries;   /* 1-5 */
};

/* How a calibration goes on, or how it ended. Levels are 1 s RMS; NaN = not known. */
struct crampd_calibration {
        const char *phase; /* rest, ready, flex, relax; NULL at the end */
        unsigned attempt;  /* from 1; 0 in rest */
        double left_s;     /* of the phase */
        unsigned channel;  /* that stands out most; of it are the next three */
        double level_uv, channel_rest_uv, highest_uv;
        bool arbitrary_unit;
        /* At the end. */
        const char *result; /* done, poor-signal, not-above-rest, signal-lost, cramp, stopped,
                               store-failed */
        const char *reason; /* for people */
        int64_t calibrated_us;
        struct crampd_channels rest_uv, mvc_uv; /* both 0: the channel could not be calibrated */
};

/* Called from crampd_client_dispatch(), about five times a second; with a result, the calibration has
 * ended. */
typedef void (*crampd_calibration_func)(const struct crampd_calibration *calibration, void *userdata);

/* Begins with rest; see Sensor.Calibrate(). `options` are filled in as they hold. One at a time.
 * -ENOLINK while the sensor sends nothing, -EEXIST if it is being calibrated, -EOPNOTSUPP while a cramp
 * is watched. */
int crampd_start_calibration(crampd_client *client, const char *path,
                             struct crampd_calibration_options *options, crampd_calibration_func func,
                             void *userdata, struct crampd_error *error);
/* Nothing is kept, and the function is not called any more. */
int crampd_stop_calibration(crampd_client *client, struct crampd_error *error);
int crampd_forget_calibration(crampd_client *client, const char *path, struct crampd_error *error);

/* --- live stream --- */

struct crampd_stream_frame {
        int64_t time_us;
        unsigned state;    /* 0 rest, 1 suspected, 2 cramp, 3 recovering */
        unsigned channels; /* of more than the limit, the first ones are kept */
        float envelope_uv[CRAMPD_STREAM_CHANNELS_MAX];
        float floor_uv[CRAMPD_STREAM_CHANNELS_MAX];
};

/* What is known once the sensor streams: see `state` and `rate_hz` of struct crampd_sensor. A sensor
 * that streams again may do so in another shape. */
struct crampd_stream_info {
        bool arbitrary_unit;           /* false while the rate is not known */
        double rate_hz;                /* 0 = unknown */
        double scale_uv;               /* microvolts per count; 0 = unknown, or an arbitrary unit */
        struct crampd_channels mvc_uv; /* of a calibrated sensor, 0 = not that channel */
};

/* Returns a readable, non-blocking descriptor, to be closed by the caller. */
int crampd_open_stream(crampd_client *client, const char *path, struct crampd_stream_info *ret_info,
                       struct crampd_error *error);
/* Reads one frame. Returns 1; 0 at the end of the stream; -EAGAIN when none waits; -EPROTO for one that
 * is malformed. */
int crampd_stream_read(int fd, struct crampd_stream_frame *ret);

#define CRAMPD_SAMPLES_MAX 4096

/* A piece of the signal: `frames` of `channels` values each, interleaved, oldest first. */
struct crampd_samples {
        int64_t time_us; /* realtime of the first frame */
        uint64_t index;  /* its number since the night began; missing frames count */
        unsigned channels;
        unsigned frames;
        bool after_gap;
        int32_t counts[CRAMPD_SAMPLES_MAX];       /* as the sensor sent them */
        float conditioned_uv[CRAMPD_SAMPLES_MAX]; /* as the detector works on them; envelopes: the same
                                                     as the counts, scaled */
        /* What the detector heard besides, which lasts as long as the piece. */
        bool has_acceleration;      /* the sensor has an accelerometer */
        int32_t acceleration_mg[3]; /* CRAMPD_NOT_KNOWN */
        bool has_company;           /* its owner has other sensors, so there may be: */
        int32_t company_percent; /* level over rest of their channel that rises most; -1 = not known */
};
#define CRAMPD_NOT_KNOWN INT32_MIN

/* As crampd_open_stream(), but with every sample, and what the detector hears besides. */
int crampd_open_samples(crampd_client *client, const char *path, struct crampd_stream_info *ret_info,
                        struct crampd_error *error);
/* As crampd_stream_read(). */
int crampd_samples_read(int fd, struct crampd_samples *ret);

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
        /* As somebody said of it; never in events. */
        char *verdict;           /* "confirmed", "false-alarm"; NULL = nothing */
        int pain;                /* 0-10; -1 = not said */
        char *note;              /* NULL = none */
        bool has_waveform;       /* crampd_get_waveform() has one; false in events */
        double peak_mvc_percent; /* peak as a share of the maximal voluntary contraction; NaN = not
                                    calibrated then */
        bool simulated;          /* of a recording that was played, not of a leg */
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

/* Episodes that are over, in the order in which they last changed: see History.ListChanges(). `after` is
 * a cursor that an earlier call gave, or NULL for all. `*ret_cursor`, to be freed with free(), is the
 * one to keep for the next time. */
int crampd_list_changes(crampd_client *client, const struct crampd_filter *filter, const char *after,
                        crampd_episode_func func, void *userdata, char **ret_cursor,
                        struct crampd_error *error);

#define CRAMPD_ACCOUNT_POINTS_MAX 64

/* Why an episode's alert was raised: see History.ExplainEpisode(). */
struct crampd_account {
        char *sensitivity;
        double evidence_factor;
        double again_factor; /* in the hour after a cramp below 1; NaN = not kept then */
        double needed_s;
        int64_t from_us;
        double active_s, unbroken_s;
        double ratio_alert, ratio_peak;
        unsigned bridged, dips;
        double together; /* NaN = there was no other channel or sensor to tell */
        double moved;    /* rose with a movement of the limb, 0-1; NaN = no accelerometer told */
        double slow;     /* slow voltage counted against it, 0-1; NaN = nothing told, or not kept then */
        unsigned channels;
        unsigned took_part; /* bit n: channel n */
        char *quality;
        int64_t point_us;
        double evidence_s[CRAMPD_ACCOUNT_POINTS_MAX];
        size_t n_points;
};

/* -ENOENT if the caller has no such episode, or it was recorded before accounts were kept. */
int crampd_explain_episode(crampd_client *client, const char *id, struct crampd_account **ret,
                           struct crampd_error *error);
void crampd_account_free(struct crampd_account *account);
/* One episode; `func` is called once. */
int crampd_get_episode(crampd_client *client, const char *id, crampd_episode_func func, void *userdata,
                       struct crampd_error *error);

/* A stretch of a waveform without a gap. */
struct crampd_piece {
        unsigned first; /* frame, counted from the waveform's start */
        unsigned frames;
};

/* The signal around an episode's onset: see History.GetWaveform(). */
struct crampd_waveform {
        int64_t start_us;
        unsigned rate_mhz;
        unsigned channels;
        double scale_uv; /* of one step */
        bool arbitrary_unit;
        struct crampd_piece *pieces; /* in order of time */
        size_t n_pieces;
        int16_t *samples; /* interleaved, piece after piece; missing frames have none */
        size_t n_samples;
};

/* -ENOENT if the caller has no such episode, or it has no waveform. */
int crampd_get_waveform(crampd_client *client, const char *id, struct crampd_waveform **ret,
                        struct crampd_error *error);
void crampd_waveform_free(struct crampd_waveform *waveform);

/* The same of many, each asked for before it is its turn. Called for each that there is, in order, with
 * its place in `ids`; the waveform lives during the callback only. A negative return ends it and is
 * returned. */
typedef int (*crampd_waveform_func)(size_t i, const struct crampd_waveform *waveform, void *userdata);
int crampd_get_waveforms(crampd_client *client, const char *const *ids, size_t n,
                         crampd_waveform_func func, void *userdata, struct crampd_error *error);

struct crampd_annotation {
        const char *verdict; /* "confirmed", "false-alarm"; NULL = stays; not for missed cramps */
        int pain;            /* 0-10; -1 = stays */
        const char *note;    /* at most 500 bytes, no control characters; NULL = stays, "" = none */
};

/* A cramp that raised no alert. */
struct crampd_missed {
        char *id;
        char *sensor; /* id */
        char *muscle;
        char *leg;
        int64_t time_us;
        int zone_offset_s;
        int pain;     /* -1 = not said */
        char *note;   /* NULL = none */
        bool watched; /* the sensor was watching then; else rates leave it out */
};

/* `id`: of an episode. -ENOENT if the caller has none of that id. */
int crampd_annotate(crampd_client *client, const char *id, const struct crampd_annotation *annotation,
                    struct crampd_error *error);
/* `sensor`: id of the one that should have seen it. `*ret_id`, if not NULL, is to be freed with free().
 * -EEXIST if it was told already, or an alert of that sensor covers the time: the message names it. */
int crampd_report_missed(crampd_client *client, const char *sensor, int64_t time_us,
                         const struct crampd_annotation *annotation, char **ret_id,
                         struct crampd_error *error);
/* Takes back what was said: `id` is that of an episode or of a missed cramp. */
int crampd_clear_annotation(crampd_client *client, const char *id, struct crampd_error *error);
/* As crampd_list_episodes(). */
typedef int (*crampd_missed_func)(const struct crampd_missed *missed, void *userdata);
int crampd_list_missed(crampd_client *client, const struct crampd_filter *filter,
                       crampd_missed_func func, void *userdata, struct crampd_error *error);

/* --- nights --- */

#define CRAMPD_NIGHT_GAPS_MAX 50

struct crampd_gap {
        int64_t start_us;
        int64_t end_us;
        char reason[16]; /* "no-data", or as crampd_sensor.signal */
};

/* One stretch of watching one sensor, from a stream's start to its end, noon at the latest. */
struct crampd_night {
        char *evening; /* "2026-11-23": the night from that noon to the next, local time */
        char *sensor;  /* id */
        int64_t start_us;
        int64_t end_us; /* of the last sample, while it lasts */
        int zone_offset_s;
        bool lasts;
        uint64_t monitored_us; /* of good signal: gaps left out */
        uint64_t packets, lost_packets;
        uint64_t gap_us, longest_gap_us; /* all gaps together, and the longest */
        unsigned gaps;
        unsigned reconnects;
        unsigned episodes;
        struct crampd_gap longest[CRAMPD_NIGHT_GAPS_MAX]; /* the longest ones, in order of time */
        size_t n_longest;
};

/* All that overlap the filter's time, in order of their start. As crampd_list_episodes(). */
typedef int (*crampd_night_func)(const struct crampd_night *night, void *userdata);
int crampd_list_nights(crampd_client *client, const struct crampd_filter *filter, crampd_night_func func,
                       void *userdata, struct crampd_error *error);

/* --- outlines --- */

/* What pictures of the past are drawn from: of each episode and night the few figures that these need,
 * many times as fast as the lists above. The names live during the callback only. */
struct crampd_episode_outline {
        int64_t onset_us;
        int64_t length_us; /* -1 while it lasts */
        int zone_offset_s;
        int pain;           /* 0-10; -1 = not said */
        const char *sensor; /* id */
        const char *leg, *muscle, *severity;
        const char *verdict; /* "" = nothing was said */
        bool simulated;      /* as above */
};

struct crampd_night_outline {
        int evening_day; /* the day of the evening, counted from 1970-01-01 */
        int64_t start_us;
        int64_t monitored_us, gap_us;
        const char *sensor; /* id */
        /* Of the sensor, also of one that was given up, as it is now; "" = it has no name. */
        const char *name, *driver, *leg, *muscle;
        double rate_hz; /* of the stream; 0 = it never became known, as its channels */
        unsigned channels;
        bool simulated;
};

/* As crampd_list_episodes() and crampd_list_nights(). */
typedef int (*crampd_episode_outline_func)(const struct crampd_episode_outline *episode, void *userdata);
int crampd_outline_episodes(crampd_client *client, const struct crampd_filter *filter,
                            crampd_episode_outline_func func, void *userdata,
                            struct crampd_error *error);
typedef int (*crampd_night_outline_func)(const struct crampd_night_outline *night, void *userdata);
int crampd_outline_nights(crampd_client *client, const struct crampd_filter *filter,
                          crampd_night_outline_func func, void *userdata, struct crampd_error *error);

/* --- guidance --- */

/* Guidance belongs to one person: the caller, unless root names somebody else's uid. */
#define CRAMPD_OWNER_SELF UINT32_MAX

struct crampd_profile_value {
        char *key;
        char *value;
};

/* What was said; keys that were not are left out. */
int crampd_get_profile(crampd_client *client, unsigned owner, struct crampd_profile_value **ret,
                       size_t *ret_n, struct crampd_error *error);
void crampd_profile_free(struct crampd_profile_value *values, size_t n);
/* All of them or none. An empty value takes back what was said. */
int crampd_set_profile(crampd_client *client, unsigned owner, const struct crampd_profile_value *values,
                       size_t n, struct crampd_error *error);
int crampd_forget_profile(crampd_client *client, unsigned owner, struct crampd_error *error);

/* Lists of texts end with NULL. Texts are in the advice's language; ids, topics, kinds and grades never
 * change. */
struct crampd_advice_item {
        char *id;
        char *topic;
        char *kind;
        char *title;
        char *text;
        char *grade;      /* strong, moderate, limited, mixed, against, common-advice */
        char *population; /* of evidence: general, older-adults, pregnancy, deficiency; else NULL */
        char *reviewed;   /* date */
        unsigned priority;
        bool red_flag;
        char **sources;
        char **reasons; /* why it is shown */
        char **foods;
        char **missing; /* keys of the profile that would sharpen it */
        double intake;  /* recommended a day; NaN = not told */
        char *intake_unit;
        bool intake_adequate; /* an adequate intake, not a recommended allowance */
        double limit;         /* upper limit a day; NaN = not told */
        char *limit_unit;
        char *limit_authority;
        bool limit_supplements_only;
};

/* A nutrient whose supplements are not suggested to this person. */
struct crampd_suppressed {
        char *id;
        char *title;
        char *text; /* what would be dangerous; "" when it is only not known */
        bool food;  /* foods rich in it neither */
        char **reasons;
};

struct crampd_advice {
        char *language;
        bool amounts_allowed;
        unsigned nights;   /* monitored, of the last four weeks */
        unsigned clusters; /* cramps in them; those within an hour count once */
        unsigned reported; /* cramps of the last four weeks that raised no alert and were reported */
        char **missing;
        /* Of the topic "now" alone: steps that ease the cramp that lasts, or any; and whether the
         * person's own red flags could be looked at. */
        char **relief;
        bool complete;
        struct crampd_advice_item *items; /* red flags first, then by priority */
        size_t n_items;
        struct crampd_suppressed *suppressed;
        size_t n_suppressed;
};

/* `topic` and `language` may be NULL: what matters at this time, in the client's language. */
int crampd_advise(crampd_client *client, unsigned owner, const char *topic, const char *language,
                  struct crampd_advice **ret, struct crampd_error *error);
void crampd_advice_free(struct crampd_advice *advice);

/* A line of the day log. What is NULL (time_us: CRAMPD_NO_TIME) is not said, or stays as it is. */
struct crampd_entry {
        char *id;
        char *kind; /* amount, symptom, note */
        char *what;
        char *origin; /* food, supplement */
        char *compound;
        char *amount; /* "300mg" */
        char *leg;
        char *text;
        int64_t time_us;
        int zone_offset_s;
};

/* What is to be said about an entry, which is stored all the same. */
struct crampd_warning {
        char *id; /* above-upper-limit: the day, with it; dangerous-together: with what the profile says
                   */
        char *nutrient;
        char *text;   /* for people */
        double limit; /* a day; NaN = not told */
        char *limit_unit;
        char *limit_authority;
        bool limit_supplements_only;
};

/* Writes a new entry, or changes the one with `entry->id`. The id is to be freed with free(); both it
 * and the warnings may be NULL. */
int crampd_log(crampd_client *client, unsigned owner, const struct crampd_entry *entry, char **ret_id,
               struct crampd_warning **ret_warnings, size_t *ret_n, struct crampd_error *error);
void crampd_warnings_free(struct crampd_warning *warnings, size_t n);
int crampd_delete_entry(crampd_client *client, unsigned owner, const char *id,
                        struct crampd_error *error);
/* As crampd_list_episodes(); the filter's sensor is not looked at. */
typedef int (*crampd_entry_func)(const struct crampd_entry *entry, void *userdata);
int crampd_list_entries(crampd_client *client, unsigned owner, const struct crampd_filter *filter,
                        crampd_entry_func func, void *userdata, struct crampd_error *error);

/* A trial and what its nights so far can tell. Numbers that are not known are NaN. */
struct crampd_trial {
        char *id;
        char *nutrient;
        char *design;    /* before-after, alternating */
        char *start_day; /* "2026-11-23" */
        char *end_day;   /* NULL while it runs */
        unsigned baseline_days, block_days, washout_days;
        char *forbidden; /* why the profile forbids it by now; NULL = it does not */
        unsigned nights_without, nights_with, nights_left_out;
        unsigned clusters_without, clusters_with;
        double mean_s_without, mean_s_with;       /* a recorded cramp's length */
        unsigned cramps_without, cramps_with;     /* that were recorded */
        unsigned strong_without, strong_with;     /* of them, by the signal */
        unsigned reported_without, reported_with; /* without an alert, in monitored time: in clusters */
        unsigned reported_left_out;               /* in time that was not monitored */
        double mean_pain_without, mean_pain_with; /* 0 to 10, as it was noted */
        double ratio, ratio_low, ratio_high, p_value;
        double smallest_effect;
        double dispersion;
        char *verdict; /* too-few, no-cramps, unclear, uneven, fewer, more */
        char *text;    /* in plain sentences */
};

/* What is not said (NULL, 0) is as crampd has it. */
struct crampd_trial_plan {
        const char *nutrient;
        const char *design;
        const char *from; /* date */
        unsigned baseline_days, block_days;
        bool has_washout;
        unsigned washout_days;
};

/* `*ret_id` is to be freed with free(). */
int crampd_start_trial(crampd_client *client, unsigned owner, const struct crampd_trial_plan *plan,
                       char **ret_id, struct crampd_error *error);
/* `day`: the first that does not count any more; NULL: today. */
int crampd_stop_trial(crampd_client *client, unsigned owner, const char *day,
                      struct crampd_error *error);
int crampd_delete_trial(crampd_client *client, unsigned owner, const char *id,
                        struct crampd_error *error);
/* In order of start. A negative return ends the listing and is returned. */
typedef int (*crampd_trial_func)(const struct crampd_trial *trial, void *userdata);
int crampd_list_trials(crampd_client *client, unsigned owner, crampd_trial_func func, void *userdata,
                       struct crampd_error *error);

/* --- alerts --- */

enum crampd_event_type {
        CRAMPD_ALERT_RAISED,
        CRAMPD_ALERT_UPDATED,
        CRAMPD_ALERT_ENDED,
        CRAMPD_SENSOR_CHANGED,
        CRAMPD_SERVICE_GONE,   /* crampd left the bus: nobody watches now */
        CRAMPD_SERVICE_BACK,   /* it is there (again), and the subscription was renewed */
        CRAMPD_SENSOR_WARNING, /* wants the owner's hand before the night */
        CRAMPD_ADVICE_CHANGED, /* crampd_advise() without a topic says something else now */
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
        /* sensor warning, which may be `repeated` */
        /* "battery"; "signal": no cramp can be seen or, if `over`, one could be seen again; "leg": the
         * sensor says that it is on the other leg or, if `over`, no longer does */
        const char *warning;
        int battery;          /* percent; -1 = unknown */
        double battery_hours; /* that it will last; NaN = unknown */
        const char *signal;   /* what is wrong with it, as crampd_sensor.signal; NULL = not told */
        const char *leg;      /* where the sensor says that it is; NULL = not told */
        bool over;
        /* advice changed; `reason` is "profile", "log", "trial", "cramp", "annotation", "night" or
         * "time" */
        unsigned owner;
        const char *advice; /* id of the first piece; NULL = there is none */
        const char *title;  /* of it, in the language of the subscription */
        bool red_flag;
};

/* Called from crampd_client_dispatch(). The event is valid during the call. Calls of the library may be
 * made from within, but the client is not to be freed. */
typedef void (*crampd_event_func)(const struct crampd_event *event, void *userdata);

/* Subscribes. The subscription is renewed by itself when crampd comes back. If crampd is not there now,
 * -ENOTCONN is returned but the client keeps waiting for it. */
int crampd_subscribe(crampd_client *client, crampd_event_func func, void *userdata,
                     struct crampd_error *error);
int crampd_unsubscribe(crampd_client *client, struct crampd_error *error);

/* --- without waiting --- */

/* As the functions of that name without `_later`, for a loop that must not stand still: they return 0 or
 * negative errno at once, and if it was 0, crampd_client_dispatch() calls `func` with what came of the
 * call; `error` is never NULL, and what is handed over belongs to the callee, to be freed as ever (it is
 * NULL if r < 0). Nothing is called after crampd_client_free(). -EDQUOT: 64 calls wait already. */
typedef void (*crampd_done_func)(int r, const struct crampd_error *error, void *userdata);
int crampd_annotate_later(crampd_client *client, const char *id,
                          const struct crampd_annotation *annotation, crampd_done_func func,
                          void *userdata, struct crampd_error *error);
typedef void (*crampd_advised_func)(int r, struct crampd_advice *advice,
                                    const struct crampd_error *error, void *userdata);
int crampd_advise_later(crampd_client *client, unsigned owner, const char *topic, const char *language,
                        crampd_advised_func func, void *userdata, struct crampd_error *error);
typedef void (*crampd_listed_func)(int r, struct crampd_sensor *sensors, size_t n,
                                   const struct crampd_error *error, void *userdata);
int crampd_list_sensors_later(crampd_client *client, crampd_listed_func func, void *userdata,
                              struct crampd_error *error);
/* `done` is called once, with what crampd_subscribe() would return, and not at all if the subscription
 * is ended before; `func` with the events, as ever. -EEXIST: there is a subscription already. */
int crampd_subscribe_later(crampd_client *client, crampd_event_func func, crampd_done_func done,
                           void *userdata, struct crampd_error *error);

/* For a poll() loop: the descriptor and the poll events to wait for; call dispatch when it is ready. The
 * descriptor stays the same, belongs to the client, and becomes readable for everything there is to do:
 * reading, writing, time limits, and signals that came during a call. */
int crampd_client_get_fd(crampd_client *client);
short crampd_client_get_events(crampd_client *client);
/* Handles what has arrived, without waiting. Returns 0, or -ENOTCONN when the bus itself is gone: free
 * the client then. */
int crampd_client_dispatch(crampd_client *client);

/* --- other services --- */

/* For programs that look after what crampd lives among, as `crampctl doctor` does. */

/* As crampd_client_new(), but on the caller's session bus (DBUS_SESSION_BUS_ADDRESS, else
 * XDG_RUNTIME_DIR/bus; none is started): of use for crampd_ask() only. -ENOTCONN if there is none. */
int crampd_client_new_session(crampd_client **ret, struct crampd_error *error);

/* Called for each basic value of an answer, in order. `keys`: those of the dictionaries around it, from
 * the outermost on, NULL at the end. `value`: a string or path as it is, a boolean as "true" or "false",
 * a number in decimal. A negative return ends the answer and is returned. */
typedef int (*crampd_answer_func)(const char *const *keys, const char *value, void *userdata);

/* Calls a method of any service with `arguments` (strings, NULL at the end; NULL = none) and waits for
 * the answer. Descriptors in it are left out. `func` may be NULL. -ENOTCONN if the service is not there
 * and the bus cannot start it; `error->name` tells other errors apart. */
int crampd_ask(crampd_client *client, const char *service, const char *path, const char *interface,
               const char *method, const char *const *arguments, crampd_answer_func func, void *userdata,
               struct crampd_error *error);

#ifdef __cplusplus
}
#endif

#endif
